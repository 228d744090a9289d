"""Serving the simulator over real sockets."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from smspm_campaigns.gateway.simulator.app import Simulator

KEEP_ALIVE = 75  # seconds an idle connection is kept, as common gateways do
STARTED_WITHIN = 10.0  # seconds
STOPPED_WITHIN = 5.0  # seconds


def serve(simulator: Simulator, *, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve the simulator until interrupted.

    Args:
        simulator: what to serve.
        host: the address to listen on.
        port: the port to listen on.
    """
    with _listen(host, port) as listener, suppress(KeyboardInterrupt):
        _Server(simulator).run(sockets=[listener])


@contextmanager
def running(simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the simulator in a thread for as long as the block lasts.

    Args:
        simulator: what to serve.
        host: the address to listen on.
        port: the port to listen on; 0 picks a free one.

    Yields:
        The base URL, as `http://127.0.0.1:54321`.

    Raises:
        RuntimeError: the server did not start, or did not stop.
    """
    with _listen(host, port) as listener:
        server = _Server(simulator)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="simulator", daemon=True
        )
        bound_port = listener.getsockname()[1]
        thread.start()
        if not server.ready.wait(STARTED_WITHIN):
            raise RuntimeError("the simulator did not start")
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"
        finally:
            server.should_exit = True
            thread.join(STOPPED_WITHIN)
        if thread.is_alive():
            raise RuntimeError("the simulator did not stop")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


class _Protocol(H11Protocol):
    """Hands the connection to the application, which breaks it where a fault says so."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Head and body leave in two writes; without this the second waits 40 ms for an ACK.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    def __init__(self, simulator: Simulator) -> None:
        config = uvicorn.Config(
            simulator,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,  # a query string carries hash and token
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Whoever is kept waiting on purpose is let go, so that stopping takes no time.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)
