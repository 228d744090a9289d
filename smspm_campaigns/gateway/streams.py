"""Connections over asyncio's own transports, for httpcore to write to and to read from.

Its own way through anyio takes a quarter of the time of a whole request, and does not tell what
came and was not read.
"""

import asyncio
import ipaddress
import select
import ssl
from collections.abc import Awaitable, Iterable
from typing import Any, Final, TypeVar, cast

import httpcore

_MOST_UNREAD: Final = 1 << 18  # bytes that came and were not asked for, before the other side waits
_HAPPY_EYEBALLS: Final = 0.25  # seconds (RFC 8305, 5)

_Got = TypeVar("_Got")


class Streams(httpcore.AsyncNetworkBackend):
    """Opens connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's word
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> "Stream":
        """Connect; what fails here was never written to."""
        del local_address, socket_options  # httpx gives none
        connecting = asyncio.get_running_loop().create_connection(
            _Inbox, host, port, happy_eyeballs_delay=None if _is_address(host) else _HAPPY_EYEBALLS
        )
        _, inbox = await _within(
            timeout, connecting, httpcore.ConnectTimeout, httpcore.ConnectError
        )
        return Stream(inbox)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Stream(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, inbox: "_Inbox") -> None:
        self._inbox = inbox

    @property
    def has_rest(self) -> bool:
        """Whether something came that nobody has read yet."""
        return self._inbox.has_rest

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await _within(
            timeout, self._inbox.read(max_bytes), httpcore.ReadTimeout, httpcore.ReadError
        )

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if buffer:
            await _within(
                timeout, self._inbox.write(buffer), httpcore.WriteTimeout, httpcore.WriteError
            )

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> "Stream":
        """Go on encrypted; what fails here was never written to."""
        await _within(
            timeout,
            self._inbox.start_tls(ssl_context, server_hostname),
            httpcore.ConnectTimeout,
            httpcore.ConnectError,
        )
        return self

    async def aclose(self) -> None:
        self._inbox.transport.abort()
        await asyncio.sleep(0)  # so that the socket is closed

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._inbox.is_readable
        return self._inbox.transport.get_extra_info(info)


class _Inbox(asyncio.Protocol):
    """What came on a connection, until it is read."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._data = bytearray()
        self._has_ended = False
        self._error: Exception | None = None
        self._news = asyncio.Event()  # for the one who reads
        self._may_write = asyncio.Event()
        self._may_write.set()

    @property
    def has_rest(self) -> bool:
        return bool(self._data)

    @property
    def is_readable(self) -> bool:
        """Whether something came, or the end, also when this program has not looked yet."""
        if self._data or self._has_ended or self.transport.is_closing():
            return True
        return _is_readable(self.transport.get_extra_info("socket").fileno())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > _MOST_UNREAD:
            self.transport.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        """Go on writing: the other side may have answered before it has read all."""
        self._has_ended = True
        self._news.set()
        return self.transport.get_extra_info("ssl_object") is None  # which TLS does not know

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended, self._error = True, exc
        self._news.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def read(self, max_bytes: int) -> bytes:
        while not self._data:
            if self._error is not None:
                raise self._error
            if self._has_ended:
                return b""
            self._news.clear()
            await self._news.wait()
        data = bytes(self._data[:max_bytes])
        del self._data[:max_bytes]
        if not self.transport.is_closing():
            self.transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        if self.transport.is_closing():
            raise self._error or ConnectionResetError
        self.transport.write(data)
        await self._may_write.wait()
        if self._error is not None:
            raise self._error

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        encrypted = await asyncio.get_running_loop().start_tls(
            self.transport, self, context, server_hostname=server_hostname
        )
        if encrypted is None:
            raise ConnectionResetError
        self.transport = encrypted


async def _within(
    seconds: float | None, work: Awaitable[_Got], late: type[Exception], failed: type[Exception]
) -> _Got:
    """Wait for so long; say what went wrong in httpcore's words."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise late(error) from error
    except OSError as error:
        raise failed(error) from error


def _is_address(host: str) -> bool:
    """Tell whether a host is an address already, so that there is no other one to race with."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_readable(file: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([file], [], [], 0)[0])
    poller = select.poll()
    poller.register(file, select.POLLIN)
    return bool(poller.poll(0))
