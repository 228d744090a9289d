"""Calling the `report` address of a message when its status changes."""

import asyncio
import heapq
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Literal, NamedTuple
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

LANES = 4  # calls under way at once; those of one message share a lane and keep their order
TICK = 0.02  # seconds between two looks at a clock that may be driven by hand
TIMEOUT = 5.0  # seconds for one call


@dataclass(frozen=True, kw_only=True)
class Callbacks:
    """How the `report` address of a message is called when its status changes.

    Args:
        style: a GET with `id`, `status` and `toNumber` as query parameters, or a POST of them.
        late: seconds between a change and the call.
        copies: how often each call is made.
        final_first: whether the final status is told before `submitted`.
        keep_query: whether a query string that the address has already is kept.
    """

    style: Literal["query", "json", "form"] = "query"
    late: float = 0.0
    copies: int = 1
    final_first: bool = False
    keep_query: bool = True


class Call(NamedTuple):
    """One call of one address, due at a time."""

    due: float  # seconds since the epoch
    order: int  # among calls due at once
    url: str
    values: dict[str, str]


class CallbackSender:
    """Makes the calls when they are due, in the background of the event loop that asks for them."""

    def __init__(self, settings: Callbacks, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._order = count()
        self._strangers: set[str] = set()
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Lane]] = WeakKeyDictionary()

    def add(self, url: str, message_id: str, number: str, changes: list[tuple[float, str]]) -> None:
        """Plan the calls about one message; must run in the event loop.

        Args:
            url: the address the sender gave.
            message_id, number: the message and its recipient.
            changes: when (seconds since the epoch) and to what the status changes, the earliest
                first.
        """
        if not self._allowed(url):
            return
        if self._settings.final_first:
            changes = [(changes[-1][0], status) for _, status in reversed(changes)]
        loop = asyncio.get_running_loop()
        lanes = self._lanes.setdefault(loop, [])
        while len(lanes) < LANES:
            lanes.append(_Lane(self._settings, self._clock))
        lane = lanes[hash(message_id) % LANES]
        for at, status in changes:
            values = {"id": message_id, "status": status, "toNumber": number}
            for _ in range(self._settings.copies):
                lane.add(Call(at + self._settings.late, next(self._order), url, values))

    def _allowed(self, url: str) -> bool:
        import httpx  # noqa: PLC0415 - only for those who use callbacks

        try:
            host = httpx.URL(url).host  # the reading that will decide where the call goes
        except httpx.InvalidURL:
            host = ""
        if _is_loopback(host):
            return True
        if host not in self._strangers:
            self._strangers.add(host)
            logger.warning("a simulated callback goes to this machine only; not calling %s", host)
        return False


class _Lane:
    """Calls that are made one after the other."""

    def __init__(self, settings: Callbacks, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._calls: list[Call] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, call: Call) -> None:
        heapq.heappush(self._calls, call)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        import httpx  # noqa: PLC0415 - only for those who use callbacks

        try:
            # Loopback only: no proxy has a say, and no certificate could be a real one.
            async with httpx.AsyncClient(
                timeout=TIMEOUT,
                trust_env=False,
                verify=False,  # noqa: S501
            ) as client:
                while self._calls:
                    wait = self._calls[0].due - self._clock()
                    if wait > 0:
                        await asyncio.sleep(min(wait, TICK))
                        continue
                    await self._make(client, heapq.heappop(self._calls))
        finally:
            self._task = None

    async def _make(self, client: "httpx.AsyncClient", call: Call) -> None:
        import httpx  # noqa: PLC0415 - only for those who use callbacks

        url = httpx.URL(call.url)
        if not self._settings.keep_query:
            url = url.copy_with(query=None)
        try:
            match self._settings.style:
                case "json":
                    await client.post(url, json=call.values)
                case "form":
                    await client.post(url, data=call.values)
                case "query":
                    await client.get(url.copy_merge_params(call.values))
        except httpx.HTTPError as error:
            logger.warning("a simulated callback failed: %r", error)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback
