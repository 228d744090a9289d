"""Reading, answering, and breaking off a connection."""

import asyncio
import os
import socket
import struct
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from smspm_campaigns.gateway.simulator.replies import Reply

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CLOSE, RESET, TRUNCATED_HEAD, HALF, STALL = "close", "reset", "truncated_head", "half", "stall"
ENDINGS = (CLOSE, RESET, TRUNCATED_HEAD, HALF, STALL)
FLUSH_SECONDS = 5.0  # how long a client may take to read what comes before the end

# SO_LINGER on, for no time: closing sends RST in place of FIN. Windows has its own struct.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


async def read_body(receive: "Receive") -> bytes:
    """Return the whole body. Closing before that would be a reset, not an orderly end."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def write_reply(reply: Reply, send: "Send") -> None:
    headers = reply.all_headers()
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def break_off(
    ending: str, reply: Reply, scope: "Scope", receive: "Receive", *, stall_seconds: float
) -> None:
    """End the connection in place of replying.

    Raises:
        ConnectionResetError: there is no connection to break: the simulator was called in this
            process.
    """
    if ending == STALL:
        await wait_connected(receive, stall_seconds)
    transport = scope.get("state", {}).get("transport")
    if transport is None:
        raise ConnectionResetError(f"simulated fault: {ending}")
    if ending == RESET:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    else:
        transport.write(_first_bytes(ending, reply))
        transport.close()
    await wait_connected(receive, FLUSH_SECONDS)


async def wait_connected(receive: "Receive", seconds: float) -> None:
    """Wait so many seconds, or until the client is gone."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def _first_bytes(ending: str, reply: Reply) -> bytes:
    lines = [b"HTTP/1.1 %d %s" % (reply.status, HTTPStatus(reply.status).phrase.encode())]
    lines += [name + b": " + value for name, value in reply.all_headers()]
    head = b"\r\n".join([*lines, b"", b""])
    if ending == TRUNCATED_HEAD:
        return head[: len(head) // 2]
    return head + reply.body[: len(reply.body) // 2] if ending == HALF else b""
