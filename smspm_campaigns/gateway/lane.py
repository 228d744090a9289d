"""One request after the other to the API, with the same words as `Client`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from smspm_campaigns.clock import Clock
from smspm_campaigns.exceptions import GatewayError, InvalidArgument, OutcomeUnknown, RateLimited
from smspm_campaigns.gateway.connection import DETAILS, Connection, Raw
from smspm_campaigns.gateway.gate import BeforeWriting, Gate
from smspm_campaigns.gateway.pace import Pace
from smspm_campaigns.gateway.replies import Details, Reply, read_details, read_fields, read_send
from smspm_campaigns.masking import Secret
from smspm_campaigns.vocabulary import MAX_RECIPIENTS

_WHOLE: Final = 2  # times the time-out, for all of a request: a reply may also come in drops
_LISTEN: Final = 1.0  # seconds for another reply, before one that is no plain success is believed

_MIXED_UP: Final = (
    "A connection that was used before gave more than one reply, or ended after it without a word, "
    "so that the reply may be that to another request. From now on each request has a connection "
    "of its own."
)


_Told = TypeVar("_Told", Reply, Details)


class _Settings(Protocol):
    """What a lane asks of its client."""

    timeout: float
    list_errors_atomic: bool
    clock: Clock
    pace: Pace


class Lane:
    """At most one request is in flight on it.

    HTTP/1.1 tells replies apart by their order alone: what an earlier request left behind would be
    taken for the reply to the next one. So a connection is used again for the same path alone and
    after plain successes alone, and only another plain success is believed on it at once.
    """

    def __init__(self, connection: Connection, settings: _Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._kept_for = ""  # the path of all that was asked on the connection

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
        raw = await self._exchange("POST", "/", body, before_writing, report_url)
        is_atomic = self._settings.list_errors_atomic
        return await self._settle(
            raw, lambda: read_send(asked, *raw[:3], list_errors_atomic=is_atomic, now=self._now())
        )

    async def details(self, message_id: str) -> Details:
        """Ask how one message stands. See `Client.details`.

        A reply need not say which message it is about. Where it does, the connection is used again.
        """
        raw = await self._exchange("POST", DETAILS, {"id": message_id})
        details = await self._settle(
            raw, lambda: read_details(message_id, *raw[:3], now=self._now())
        )
        if not (details.is_plain or raw.is_first):
            raise OutcomeUnknown(_MIXED_UP, raw=raw.text)
        return details

    async def ask(self, path: str) -> dict[str, Any]:
        """Ask for fields of the account, by GET."""
        raw = await self._exchange("GET", path, None)
        await self._connection.close()  # these replies do not say what they are about
        return read_fields(*raw[:3], now=self._now())

    async def _settle(self, raw: Raw, read: Callable[[], _Told]) -> _Told:
        """Read a reply; keep the connection after a plain success, and after that alone."""
        try:
            told = read()
        except GatewayError as error:
            if isinstance(error, RateLimited):  # everybody waits, while it is made sure of
                self._settings.pace.hold(error.retry_after or _LISTEN)
            await self._doubt(raw)
            raise
        if told.is_plain:
            await self._connection.keep()
        else:
            await self._doubt(raw)
        return told

    async def _doubt(self, raw: Raw) -> None:
        """Let nothing else be asked on a connection; believe what came unless it was mixed up.

        Raises:
            OutcomeUnknown: it may be the reply to an earlier request.
        """
        if raw.is_first:
            await self._connection.close()
        elif not await self._connection.is_silent(min(_LISTEN, self._settings.timeout)):
            raise OutcomeUnknown(_MIXED_UP, raw=raw.text)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._settings.clock.now(), UTC)

    async def _exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        before_writing: BeforeWriting | None = None,
        report_url: Secret | None = None,
    ) -> Raw:
        if path != self._kept_for:
            await self._connection.close()
            self._kept_for = path
        gate = Gate(before_writing, _WHOLE * self._settings.timeout)
        return await self._connection.exchange(method, path, body, gate, report_url)
