"""One method per endpoint of the SMSPM API. Nothing here ever repeats a send."""

import hashlib
import hmac
import os
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, NamedTuple

import httpx

from smspm_campaigns.clock import Clock, SystemClock
from smspm_campaigns.exceptions import (
    InvalidArgument,
    NeverLeft,
    OutcomeUnknown,
    RateLimited,
)
from smspm_campaigns.gateway.account import (
    BALANCE,
    SENDER_IDS,
    Balance,
    read_balance,
    read_senders,
)
from smspm_campaigns.gateway.gate import BeforeWriting, Gate
from smspm_campaigns.gateway.pace import PROCESS_KEY, Pace
from smspm_campaigns.gateway.replies import Details, Reply, read_details, read_fields, read_send
from smspm_campaigns.gateway.settings import (
    LOOPBACK,
    check_above_0,
    check_credentials,
    credential,
)
from smspm_campaigns.gateway.signing import DETAILS, GATE, REPORT_URL, Signing, strike_all
from smspm_campaigns.masking import Secret
from smspm_campaigns.vocabulary import MAX_RECIPIENTS, REQUESTS_PER_MINUTE, SIMULATED

BASE_URL: Final = "https://api.smspm.com"  # quick start

_TIMEOUT: Final = 30.0  # seconds for a reply
_CONNECT_TIMEOUT: Final = 10.0  # seconds for a connection
_WHOLE: Final = 2  # times the time-out, for all of a request: a reply may also come in drops
_MAX_REPLY: Final = 1 << 20  # bytes of a reply; 100 elements take about 12,000
_SIMULATED_BALANCE: Final = 1_000_000.0  # EUR: a rehearsal does not stop for money

#: Errors of httpx's own transport that prove that not a byte was written. An allow-list.
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_NO_LOOK: Final = (
    "The installed httpcore does not tell when a connection is made, so that nothing can be looked "
    "at before it is written. Install httpcore 1.0, then go on."
)

#: Others are left behind: that of a redirect may repeat credentials.
_HEADERS_READ: Final = ("retry-after",)


class _Raw(NamedTuple):
    code: int
    headers: dict[str, str]
    text: str


class Client:
    """The way to the SMSPM API. It holds settings only; each run opens its own connections.

    Args:
        hash: of the account; `SMSPM_HASH` by default.
        token: of the account; `SMSPM_TOKEN` by default.
        base_url: `SMSPM_BASE_URL`, else the API's own, by default.
        requests_per_minute: the rate of sending and asking together, evenly spaced. All clients of
            an account in this process share it. None: as fast as it goes.
        timeout: seconds to wait for a reply, and for each step towards it.
        list_errors_atomic: whether a list that is refused for one number is surely refused whole.
            Not known of the API; with False such a list is `unknown`.
        transport: another way to the network, for tests. Its errors prove nothing.
        clock: the time to go by, for tests.

    Raises:
        CredentialsMissing: no hash or no token.
        InvalidArgument: a rate or time-out that is not above 0, or an address that is none, is
            without TLS, or holds more than an address.

    Example:
        >>> client = Client.simulated()
        >>> client
        Client(simulated)
    """

    # Tracebacks also show clients that are half made.
    base_url: str = BASE_URL
    simulator: Any = None

    def __init__(
        self,
        hash: str | None = None,  # noqa: A002 - the API's own name
        token: str | None = None,
        *,
        base_url: str | None = None,
        requests_per_minute: float | None = REQUESTS_PER_MINUTE,
        timeout: float = _TIMEOUT,
        list_errors_atomic: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._hash = credential(hash, "SMSPM_HASH")
        self._token = credential(token, "SMSPM_TOKEN")
        address = Secret(base_url or os.environ.get("SMSPM_BASE_URL") or BASE_URL)
        del hash, token, base_url  # no traceback that shows variables can show them
        check_credentials(self._hash, self._token)
        self.base_url = _check_url(address)
        if requests_per_minute is not None:
            check_above_0("requests_per_minute", requests_per_minute)
        check_above_0("timeout", timeout)
        self.requests_per_minute = requests_per_minute
        self.timeout = timeout
        self.list_errors_atomic = list_errors_atomic
        self.clock: Clock = clock or SystemClock()
        self.pace = Pace(requests_per_minute, self.clock, self.identity(PROCESS_KEY))
        self._transport = transport

    @classmethod
    def simulated(cls, *, clock: Clock | None = None, **behaviour: Any) -> "Client":
        """Make a client of a simulator in this process: no port, no credentials, no rate limit.

        `behaviour` are arguments of `gateway.simulator.Simulator`. The simulator is `.simulator`,
        and what it accepted `.simulator.accepted`.
        """
        from smspm_campaigns.gateway.simulator import Simulator  # noqa: PLC0415 - not for real sends

        clock = clock or SystemClock()
        rich = {"balance": _SIMULATED_BALANCE} | behaviour
        simulator = Simulator(clock=clock.now, hash=SIMULATED, token=SIMULATED, **rich)
        client = cls(
            SIMULATED,
            SIMULATED,
            base_url=f"http://{LOOPBACK[0]}",
            requests_per_minute=None,
            transport=httpx.ASGITransport(simulator),
            clock=clock,
        )
        client.simulator = simulator
        client.pace = Pace(None, clock)  # each simulator is an account of its own
        return client

    def __repr__(self) -> str:
        return f"Client({SIMULATED if self.is_simulated else self.base_url})"

    @property
    def is_simulated(self) -> bool:
        return self.simulator is not None

    def identity(self, key: bytes) -> str:
        """Name this gateway: `"simulated"`, or the address and a keyed digest of the account."""
        if self.is_simulated:
            return SIMULATED
        digest = hmac.new(key, self._hash.reveal().encode(), hashlib.sha256).hexdigest()
        return f"{self.base_url} account {digest[:16]}"

    async def send(
        self,
        numbers: str | Sequence[str],
        text: str,
        *,
        sender: str,
        report_url: str | None = None,
    ) -> Reply:
        """Send one text to up to 100 numbers, once.

        Args:
            numbers: digits with country code, without plus, as `normalize_numbers` makes them.
            text: what the phones will show.
            sender: an approved Sender ID.
            report_url: where the API shall call when a status changes.

        Returns:
            A `Reply` with one answer per number: `queued`, `refused` or `unknown`.

        Raises:
            GatewayError: nothing was answered number by number; `rows_become` says what is proven.
        """
        hidden = Secret.hide(report_url)
        del report_url
        async with self._turn() as lane:
            return await lane.send(numbers, text, sender=sender, report_url=hidden)

    async def details(self, message_id: str) -> Details:
        """Ask how one message stands.

        Raises:
            GatewayError: no answer, or an error for this id.
        """
        async with self._turn() as lane:
            return await lane.details(message_id)

    async def balance(self) -> Decimal:
        """Ask for the balance of the account, in EUR.

        Raises:
            GatewayError: the API does not tell.
        """
        return (await self.stated_balance()).amount

    async def stated_balance(self) -> Balance:
        """Ask for the balance, and whether the API takes it for up to date."""
        return read_balance(await self._ask(BALANCE))

    async def sender_ids(self) -> list[str]:
        """Ask for the approved Sender IDs of the account.

        Raises:
            GatewayError: the API does not tell.
        """
        return read_senders(await self._ask(SENDER_IDS))

    async def _ask(self, path: str) -> dict[str, Any]:
        async with self.lane() as lane:
            await self.pace.turn()
            return await lane.ask(path)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator["Lane"]:
        """Open a lane for one request in its turn. Told to wait, everybody waits."""
        async with self.lane() as lane:
            await self.pace.turn()
            try:
                yield lane
            except RateLimited as error:
                self.pace.hold(error.retry_after or 0.0)
                raise

    @asynccontextmanager
    async def lane(self) -> AsyncIterator["Lane"]:
        """Open a lane: at most one request is in flight on it.

        Each request has a connection of its own. HTTP/1.1 tells replies apart by their order alone,
        so whatever an earlier request left behind would be taken for the reply to the next one.
        """
        inner = self._transport or httpx.AsyncHTTPTransport(
            verify=self._tls, limits=httpx.Limits(max_connections=1, max_keepalive_connections=0)
        )
        signing = Signing(inner, self._hash, self._token, is_own=self._transport is None)
        timeout = httpx.Timeout(self.timeout, connect=min(self.timeout, _CONNECT_TIMEOUT))
        try:
            async with httpx.AsyncClient(
                transport=signing, base_url=self.base_url, timeout=timeout, follow_redirects=False
            ) as http:
                secrets = (self._token, self._hash)
                yield Lane(http, self, secrets, proves_never_left=self._transport is None)
        finally:
            if self._transport is None:
                await inner.aclose()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()


class Lane:
    """One request after the other to the API, with the same words as `Client`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        client: Client,
        secrets: tuple[Secret, ...],
        *,
        proves_never_left: bool,
    ) -> None:
        self._http = http
        self._client = client
        self._secrets = secrets
        self._never_left = _NEVER_LEFT if proves_never_left else ()

    async def send(
        self,
        numbers: str | Sequence[str],
        text: str,
        *,
        sender: str,
        report_url: Secret | None = None,
        before_writing: BeforeWriting | None = None,
    ) -> Reply:
        """Send one text to up to 100 numbers, once. See `Client.send`.

        `before_writing` is called when the connection is made and nothing is written yet; what it
        raises is raised, and nothing is written.
        """
        asked = [numbers] if isinstance(numbers, str) else list(numbers)
        if not 0 < len(set(asked)) == len(asked) <= MAX_RECIPIENTS:
            raise InvalidArgument(
                f"A request takes 1 to {MAX_RECIPIENTS} different numbers, not {len(asked)}."
            )
        body = {
            "toNumber": asked if len(asked) > 1 else asked[0],
            "text": text,
            "fromNumber": sender,
        }
        return read_send(
            asked,
            *await self._exchange("POST", "/", body, before_writing, report_url),
            list_errors_atomic=self._client.list_errors_atomic,
            now=self._now(),
        )

    async def details(self, message_id: str) -> Details:
        """Ask how one message stands. See `Client.details`."""
        return read_details(
            *await self._exchange("POST", DETAILS, {"id": message_id}), now=self._now()
        )

    async def ask(self, path: str) -> dict[str, Any]:
        """Ask for fields of the account, by GET."""
        return read_fields(*await self._exchange("GET", path, None), now=self._now())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._client.clock.now(), UTC)

    async def _exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        before_writing: BeforeWriting | None = None,
        report_url: Secret | None = None,
    ) -> _Raw:
        """Make one request. Errors are raised outside the handler: no chain leads to a secret."""
        failure: BaseException
        gate = Gate(before_writing, _WHOLE * self._client.timeout)
        try:
            async with (
                gate.bound,
                self._http.stream(
                    method, path, json=body, extensions={GATE: gate, REPORT_URL: report_url}
                ) as response,
            ):
                text = await self._read(response, report_url)
                if text is not None and gate.was_passed:
                    headers = {k: v for k, v in response.headers.items() if k in _HEADERS_READ}
                    return _Raw(response.status_code, headers, text)
            failure = OutcomeUnknown(
                f"The reply is longer than {_MAX_REPLY:,} bytes, or packed more than once."
            )
            if not gate.was_passed:
                failure = OutcomeUnknown(_NO_LOOK, stops_run=True)
        except self._never_left as error:
            failure = NeverLeft(
                f"No connection to {self._client.base_url} ({_name(error)}). Nothing was sent; "
                "check the network and run it again."
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it proves nothing
            failure = gate.objection or OutcomeUnknown(f"The request broke off ({_name(error)}).")
        except BaseException as error:  # noqa: BLE001 - cancelled or interrupted, and raised anew
            failure = type(error)(*error.args)
        raise failure.with_traceback(None)  # that of an objection leads through the request

    async def _read(self, response: httpx.Response, report_url: Secret | None) -> str | None:
        """Read a reply, and strike out secrets it repeats; None when it is too long."""
        data = b""
        if "," in response.headers.get("content-encoding", ""):
            return None  # packed into a packet: a few bytes could be gigabytes
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > _MAX_REPLY:
                return None
        text = data.decode("utf-8", errors="replace")
        return strike_all(text, self._secrets, report_url)


def _check_url(url: Secret) -> str:
    """Return an address as it is kept. What was given may hold what it should not."""
    address, is_safe, is_bare = _read_url(url)
    if not is_safe:
        raise InvalidArgument(
            "The API's address must begin with https://, since credentials go there; got "
            f"{address!r}."
        )
    if not is_bare:
        raise InvalidArgument(
            f"The API's address is a host and perhaps a path, such as {BASE_URL!r}. {address!r} "
            "has no host, or came with a name, query or fragment."
        )
    return address.rstrip("/")


def _read_url(url: Secret) -> tuple[str, bool, bool]:
    """Return what may be shown of an address, whether it is safe, and whether that is all of it."""
    try:
        parsed = httpx.URL(url.reveal())
    except httpx.InvalidURL:
        parsed = httpx.URL()
    address = parsed.copy_with(username=None, password=None, query=None, fragment=None)
    is_safe = parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in LOOPBACK)
    more = parsed.userinfo or parsed.query or parsed.fragment
    return str(address), is_safe, bool(parsed.host and not more)


def _name(error: BaseException) -> str:
    return type(error).__name__
