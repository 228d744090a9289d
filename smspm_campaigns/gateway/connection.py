"""A lane's own connection. Secrets join a request here, and are struck out of what comes back."""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpcore
import httpx

from smspm_campaigns.exceptions import NeverLeft, OutcomeUnknown
from smspm_campaigns.gateway.gate import Gate
from smspm_campaigns.gateway.streams import Streams
from smspm_campaigns.masking import Secret

DETAILS: Final = "/smsdetails"  # quick start

#: Seconds a connection is kept: what it may be closed for must not meet a request.
IDLE: Final = 1.0
#: Seconds a connection must stay open after a reply, before the first one is used again.
_PROOF: Final = 0.05
#: Seconds to a reply after which no connection is kept: less than is listened for another reply.
_QUICK: Final = 0.9
_MAX_REPLY: Final = 1 << 20  # bytes of a reply; 100 elements take about 12,000

#: Steps of httpcore (https://www.encode.io/httpcore/extensions/#trace).
_CONNECTING: Final = "connection.connect_tcp.started"
_CONNECTED: Final = "http11.send_request_headers.started"  # the next is to write

#: Errors of httpx's own transport that prove that not a byte was written. An allow-list.
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_NO_LOOK: Final = (
    "The installed httpcore does not tell when a connection is made, so that nothing can be looked "
    "at before it is written. Install httpcore 1.0, then go on."
)

#: Others are left behind: that of a redirect may repeat credentials.
_HEADERS_READ: Final = ("retry-after",)

_HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "content-type": "application/json",
    "user-agent": "smspm-campaigns",
}


class Raw(NamedTuple):
    """A reply as it came, without secrets; `is_first` on its connection, so that it is surely the
    reply to its request.
    """

    code: int
    headers: dict[str, str]
    text: str
    is_first: bool


class Trust:
    """Whether connections are kept: until one was not as it was left, and never again after it.

    It is proven when a connection has stayed open after a reply: many a gateway closes it without
    having said so, and the end would meet the next request.
    """

    is_on = True
    is_proven = False


@dataclass(slots=True)
class _Request:
    """What is asked, and how far it is."""

    method: str
    path: str
    body: dict[str, Any] | None
    gate: Gate
    report_url: Secret | None
    is_first: bool = True  # on its connection
    written_at: float = 0.0


class Transport(httpx.AsyncHTTPTransport):
    """httpx's own, of one connection, over streams of asyncio's."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=IDLE,
            network_backend=Streams(),
        )

    @property
    def connections(self) -> list[Any]:
        return list(self._pool.connections)


class _Stale(Exception):
    """Something came on a connection before anything was asked."""


class Connection:
    """Makes one request after the other, each at most once.

    Args:
        base_url: of the API.
        secrets: hash and token.
        timeout: of each step, as httpx takes it.
        make: makes the transport; it is made anew when the connection shall not be used again.
        is_own: whether it is httpx's own, whose errors and steps prove something.
        trust: of all connections to this gateway.
    """

    def __init__(
        self,
        base_url: str,
        secrets: tuple[Secret, Secret],
        timeout: httpx.Timeout,
        make: Callable[[], httpx.AsyncBaseTransport],
        *,
        is_own: bool,
        trust: Trust,
    ) -> None:
        self._base_url = base_url
        self._urls = {path: httpx.URL(f"{base_url}{path}") for path in ("/", DETAILS)}
        self._hash, self._token = secrets
        self._timeout = timeout.as_dict()
        self._make = make
        self._is_own = is_own
        self._proofs = _NEVER_LEFT if is_own else ()
        self._trust = trust
        self._transport: httpx.AsyncBaseTransport | None = None
        self._stream: Any = None  # of the last reply, while the connection is open
        self._written_at = self._kept_at = 0.0

    async def exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        gate: Gate,
        report_url: Secret | None = None,
    ) -> Raw:
        """Make one request. Errors are raised outside the handler: no chain leads to a secret."""
        request = _Request(method, path, body, gate, report_url)
        failure: BaseException
        try:
            async with gate.bound:
                try:
                    return await self._exchange(request)
                except _Stale:  # nothing was written
                    await self._distrust()
                    return await self._exchange(request)
        except self._proofs as error:
            failure = NeverLeft(
                f"No connection to {self._base_url} ({_name(error)}). Nothing was sent; "
                "check the network and run it again."
            )
        except OutcomeUnknown as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it proves nothing
            failure = gate.objection or OutcomeUnknown(f"The request broke off ({_name(error)}).")
            self._trust.is_on &= request.is_first or gate.objection is not None
        except BaseException as error:  # noqa: BLE001 - cancelled or interrupted, and raised anew
            failure = type(error)(*error.args)
        await self.close()
        raise failure.with_traceback(None)  # that of an objection leads through the request

    async def keep(self) -> None:
        """Keep the connection for the next request, unless something speaks against it."""
        self._kept_at = asyncio.get_running_loop().time()
        if self._stream is None:  # its end was announced
            await self.close()
        elif _has_rest(self._transport, self._stream):
            await self._distrust()
        elif not self._trust.is_on or self._kept_at - self._written_at > _QUICK:
            await self.close()

    async def is_silent(self, seconds: float) -> bool:
        """Tell whether nothing more comes after a reply, for so long; close the connection.

        An end that was announced is silence. One that was not may be all that is said to a request
        that was taken.
        """
        if self._stream is None or await self._is_quiet(seconds):
            await self.close()
            return True
        await self._distrust()
        return False

    async def _is_quiet(self, seconds: float) -> bool:
        try:
            if not _has_rest(self._transport, self._stream):
                async with asyncio.timeout(seconds):
                    await self._stream.read(1)
        except TimeoutError:
            return True
        except Exception:  # noqa: BLE001 - however it broke, it did not stay quiet
            return False
        return False

    async def close(self) -> None:
        """Close the connection; the next request opens another one."""
        used, self._transport, self._stream = self._transport, None, None
        if used is not None and self._is_own:  # else it is shared, and its owner's
            with suppress(Exception):  # a reply that was read counts, however the connection ends
                await used.aclose()

    async def _distrust(self) -> None:
        self._trust.is_on = False
        await self.close()

    async def _exchange(self, asked: _Request) -> Raw:
        await self._look_at_kept()
        asked.is_first = not self._is_own
        secrets = [self._token, self._hash]
        if asked.report_url is not None:  # its path alone holds a secret, also without a reference
            address = asked.report_url.reveal()
            whole = (address, urlsplit(address).path)
            secrets += [Secret(each) for each in whole]
            secrets += [Secret(each.rpartition("/")[0]) for each in whole]
        strike = partial(_strike_out, secrets=secrets)
        extensions: dict[str, Any] = {"timeout": self._timeout}
        if self._is_own:
            extensions["trace"] = partial(self._trace, asked, strike)
        else:
            await asked.gate.look()
        if self._transport is None:
            self._transport = self._make()
        response = await self._transport.handle_async_request(self._signed(asked, extensions))
        try:
            text = await _read(response)
        finally:
            await response.aclose()
        if not asked.gate.was_passed:
            raise OutcomeUnknown(_NO_LOOK, stops_run=True)
        if text is None:
            raise OutcomeUnknown(
                f"The reply is longer than {_MAX_REPLY:,} bytes, or packed more than once."
            )
        self._stream = None if _is_last(response) else response.extensions.get("network_stream")
        self._written_at = asked.written_at
        headers = {k: v for k, v in response.headers.items() if k in _HEADERS_READ}
        return Raw(response.status_code, headers, strike(text), asked.is_first)

    async def _look_at_kept(self) -> None:
        """Leave a kept connection when another lane was surprised, or it is the first and ends."""
        if self._stream is None:
            return
        if not self._trust.is_on:
            await self.close()
        elif not self._is_old and not await self._is_proven():
            await self._distrust()

    @property
    def _is_old(self) -> bool:
        """Whether httpcore itself leaves a kept connection by now."""
        return asyncio.get_running_loop().time() - self._kept_at > IDLE

    async def _is_proven(self) -> bool:
        if not self._trust.is_proven:
            self._trust.is_proven = await self._is_quiet(_PROOF)
        return self._trust.is_proven

    async def _trace(
        self, asked: _Request, strike: Callable[[str], str], event: str, info: dict[str, Any]
    ) -> None:
        """Follow a request step by step, as httpcore tells of it."""
        if event == _CONNECTING:
            asked.is_first = True
            # That one was dropped tells how long they may be kept: not a second, so that the next
            # end may meet a request.
            self._trust.is_on &= self._stream is None or self._is_old
        elif event == _CONNECTED:
            await asked.gate.look()
            if not asked.is_first and self._stream.get_extra_info("is_readable"):
                raise _Stale
            asked.written_at = asyncio.get_running_loop().time()
        if not event.endswith(".started"):  # what came of it; httpcore only logs that
            info.update({name: _Struck(told, strike) for name, told in info.items()})

    def _signed(self, asked: _Request, extensions: dict[str, Any]) -> httpx.Request:
        credentials = {"hash": self._hash.reveal()}
        if asked.path != DETAILS:  # takes the hash alone, quick start
            credentials["token"] = self._token.reveal()
        sent: dict[str, Any] = {"headers": _HEADERS, "extensions": extensions}
        if asked.body is None:
            sent["params"] = credentials
        else:
            report = {} if asked.report_url is None else {"report": asked.report_url.reveal()}
            content = json.dumps(credentials | asked.body | report, ensure_ascii=False)
            sent["content"] = content.encode()
        url = self._urls.get(asked.path) or f"{self._base_url}{asked.path}"
        return httpx.Request(asked.method, url, **sent)


#: Where h11 keeps what it has read and nobody has asked for.
_OF_HTTP: Final = attrgetter("_connection._h11_state.trailing_data")


def _has_rest(transport: Any, stream: Any) -> bool:
    """Tell whether more came with a reply. What cannot be looked at, or is gone, has a rest.

    httpcore itself closes a connection on which something lies when a reply was read.
    """
    try:
        (pooled,) = transport.connections
        return bool(_OF_HTTP(pooled)[0] or stream.has_rest)
    except (AttributeError, ValueError):
        return True


def _is_last(response: httpx.Response) -> bool:
    """Tell whether a reply announced that nothing follows it on its connection."""
    is_old = response.extensions.get("http_version") == b"HTTP/1.0"
    return is_old or "close" in response.headers.get("connection", "").lower()


async def _read(response: httpx.Response) -> str | None:
    """Read a reply; None when it is too long."""
    if "," in response.headers.get("content-encoding", ""):
        return None  # packed into a packet: a few bytes could be gigabytes
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > _MAX_REPLY:
            return None
    return data.decode("utf-8", errors="replace")


def _strike_out(text: str, secrets: Iterable[Secret]) -> str:
    for secret in secrets:
        text = secret.strike_out(text)
    return text


class _Struck:
    """What came back, shown without secrets: a redirect repeats them in a header that is logged."""

    def __init__(self, told: object, strike: Callable[[str], str]) -> None:
        self._told = told
        self._strike = strike

    def __repr__(self) -> str:
        return self._strike(repr(self._told))


def _name(error: BaseException) -> str:
    return type(error).__name__
