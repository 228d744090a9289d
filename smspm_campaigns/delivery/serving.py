"""Serving the receiver of callbacks until somebody stops it."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from smspm_campaigns.delivery.callbacks import Intake, receiver
from smspm_campaigns.masking import Secret

MOST_CONNECTIONS: Final = (
    500  # open ones, idle or not: while there are so many each call gets a 503
)
KEEP_ALIVE: Final = 75  # seconds: longer than the 60 for which nginx keeps an idle connection
STOPPED_WITHIN: Final = 40  # seconds: a ledger that is held is waited for 30
TELL_EVERY: Final = 10  # seconds

_SIGNALS: Final = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


def listen_on(host: str, port: int) -> socket.socket:
    """Take a port, 0 for any that is free.

    Raises:
        OSError: it is in use or not allowed, or there is no such host.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    # Where the protocol is named asyncio sets TCP_NODELAY; else each answer waits 40 ms for an ACK.
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def serve(
    intake: Intake,
    secret: Secret,
    listener: socket.socket,
    *,
    started: Callable[[], None],
    tell: Callable[[], None],
) -> None:
    """Serve the receiver until a signal asks to stop; what came by then is recorded.

    Args:
        started: called as soon as callbacks can come.
        tell: called every ten seconds from then on.
    """
    _Server(intake, secret, started, tell).run(sockets=[listener])
    intake.finish()


class _Server(uvicorn.Server):
    def __init__(
        self,
        intake: Intake,
        secret: Secret,
        started: Callable[[], None],
        tell: Callable[[], None],
    ) -> None:
        async def notify() -> None:
            tell()

        super().__init__(
            uvicorn.Config(
                receiver(intake, secret),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",  # one line for each stranger is nobody's news
                access_log=False,  # a path holds the secret
                server_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=STOPPED_WITHIN,
                callback_notify=notify,
                timeout_notify=TELL_EVERY,
            )
        )
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take a signal as the wish to stop, and nothing more: to be stopped is the good end."""
        in_main = threading.current_thread() is threading.main_thread()
        usual = {n: signal.signal(n, self.handle_exit) for n in _SIGNALS if in_main}
        try:
            yield
        finally:
            for number, handler in usual.items():
                signal.signal(number, handler)
