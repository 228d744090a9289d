"""A lane's own connection. Secrets join a request here, and are struck out of what comes back."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx

from smspm_campaigns.exceptions import NeverLeft, OutcomeUnknown
from smspm_campaigns.gateway.gate import Gate
from smspm_campaigns.masking import Secret

DETAILS: Final = "/smsdetails"  # quick start

_IDLE: Final = (
    1.0  # seconds a connection is kept: what it may be closed for must not meet a request
)
_MAX_REPLY: Final = 1 << 20  # bytes of a reply; 100 elements take about 12,000

ONE: Final = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE)

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
    """

    def __init__(
        self,
        base_url: str,
        secrets: tuple[Secret, Secret],
        timeout: httpx.Timeout,
        make: Callable[[], httpx.AsyncBaseTransport],
        *,
        is_own: bool,
    ) -> None:
        self._base_url = base_url
        self._hash, self._token = secrets
        self._timeout = timeout.as_dict()
        self._make = make
        self._is_own = is_own
        self._transport: httpx.AsyncBaseTransport | None = None
        self._stream: Any = None  # of the last reply, while the connection is kept

    async def exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        gate: Gate,
        report_url: Secret | None = None,
    ) -> Raw:
        """Make one request. Errors are raised outside the handler: no chain leads to a secret."""
        failure: BaseException
        try:
            async with gate.bound:
                try:
                    return await self._exchange(method, path, body, gate, report_url)
                except _Stale:  # nothing was written
                    await self.close()
                    return await self._exchange(method, path, body, gate, report_url)
        except _NEVER_LEFT if self._is_own else () as error:
            failure = NeverLeft(
                f"No connection to {self._base_url} ({_name(error)}). Nothing was sent; "
                "check the network and run it again."
            )
        except OutcomeUnknown as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it proves nothing
            failure = gate.objection or OutcomeUnknown(f"The request broke off ({_name(error)}).")
        except BaseException as error:  # noqa: BLE001 - cancelled or interrupted, and raised anew
            failure = type(error)(*error.args)
        await self.close()
        raise failure.with_traceback(None)  # that of an objection leads through the request

    async def is_silent(self, seconds: float) -> bool:
        """Tell whether nothing more comes after a reply, for so long; close the connection."""
        try:
            return self._stream is None or not await self._stream.read(1, timeout=seconds)
        except Exception:  # noqa: BLE001 - a time-out: nothing came
            return True
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connection; the next request opens another one."""
        used, self._transport, self._stream = self._transport, None, None
        if used is not None and self._is_own:  # else it is shared, and its owner's
            await used.aclose()

    async def _exchange(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        gate: Gate,
        report_url: Secret | None,
    ) -> Raw:
        secrets = [self._token, self._hash]
        if report_url is not None:  # its path alone holds a secret, too
            secrets += [report_url, Secret(urlsplit(report_url.reveal()).path)]
        strike = partial(_strike_out, secrets=secrets)
        kept, is_first = self._stream, not self._is_own

        async def trace(event: str, info: dict[str, Any]) -> None:
            nonlocal is_first
            if event == _CONNECTING:
                is_first = True
            elif event == _CONNECTED:
                await gate.look()
                if not is_first and kept is not None and kept.get_extra_info("is_readable"):
                    raise _Stale
            if not event.endswith(".started"):  # what came of it; httpcore only logs that
                info.update({name: _Struck(told, strike) for name, told in info.items()})

        if not self._is_own:
            await gate.look()
        if self._transport is None:
            self._transport = self._make()
        response = await self._transport.handle_async_request(
            self._request(method, path, body, report_url, {"trace": trace} if self._is_own else {})
        )
        try:
            text = await _read(response)
        finally:
            await response.aclose()
        if not gate.was_passed:
            raise OutcomeUnknown(_NO_LOOK, stops_run=True)
        if text is None:
            raise OutcomeUnknown(
                f"The reply is longer than {_MAX_REPLY:,} bytes, or packed more than once."
            )
        self._stream = response.extensions.get("network_stream")
        headers = {k: v for k, v in response.headers.items() if k in _HEADERS_READ}
        return Raw(response.status_code, headers, strike(text), is_first)

    def _request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        report_url: Secret | None,
        extensions: dict[str, Any],
    ) -> httpx.Request:
        credentials = {"hash": self._hash.reveal()}
        if path != DETAILS:  # takes the hash alone, quick start
            credentials["token"] = self._token.reveal()
        url = f"{self._base_url}{path}"
        extensions["timeout"] = self._timeout
        if body is None:
            return httpx.Request(
                method, url, params=credentials, headers=_HEADERS, extensions=extensions
            )
        if report_url is not None:
            body = {**body, "report": report_url.reveal()}
        content = json.dumps(credentials | body, ensure_ascii=False).encode()
        return httpx.Request(method, url, headers=_HEADERS, content=content, extensions=extensions)


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
