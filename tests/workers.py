"""A program that forks workers: processes of a campaign that die, or stand still, where told.

It listens on a port. Each connection is one worker: a line of JSON says what it shall do, and lines
of JSON tell what becomes of it. Its steps are seen at three seams, and what it runs knows nothing
of that: the statements of SQLite, the locks on files, and the steps of HTTP. A step is named after
the functions of the ledger that led to it, such as `keep: before COMMIT`.
"""

import functools
import json
import os
import select
import signal
import socket
import sqlite3
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, cast

import filelock
import httpx

import smspm_campaigns as smspm
from smspm_campaigns import campaign as _campaign  # noqa: F401 - loaded once, before the forks
from smspm_campaigns.delivery.callbacks import Intake
from smspm_campaigns.delivery.serving import listen_on, serve
from smspm_campaigns.exceptions import GatewayError, RunStopped
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import Secret

_LEDGER: Final = "smspm_campaigns.delivery.ledger"
_PLUMBING: Final = (
    *("transaction", "attempt", "execute", "executemany", "values", "insert", "one", "all"),
    "_sentences",
)
_STEPS: Final = {
    "connection.connect_tcp.complete": "connected",
    "http11.send_request_headers.started": "writing",
    "http11.send_request_body.complete": "written",
    "http11.receive_response_body.complete": "read",
}

Trace = Callable[[str, dict[str, Any]], Awaitable[None]]


class Steps:
    """Counts the steps of this process, and sends it a signal at the n-th of a name."""

    def __init__(self, at: str | None, hit: int, signal_name: str) -> None:
        self.passed: Counter[str] = Counter()
        self._at, self._hit, self._signal = at, hit, signal.Signals[signal_name]
        self._lock = threading.Lock()

    def take(self, step: str) -> None:
        with self._lock:
            self.passed[step] += 1
            is_due = step == self._at and self.passed[step] == self._hit
        if is_due:
            with _looking:  # standing still with a ledger half read would keep others from writing
                signal.pthread_kill(threading.get_ident(), self._signal)  # here, not a bit later

    def watch(self) -> None:
        """Let every statement, lock and request of this process be a step."""
        watched = type("Watched", (_Connection,), {"steps": self})
        connect = functools.partial(sqlite3.connect, factory=watched)
        sqlite3.connect = connect  # type: ignore[assignment]
        for name in ("acquire", "release"):
            setattr(filelock.FileLock, name, self._around(getattr(filelock.FileLock, name), name))
        handle = httpx.AsyncHTTPTransport.handle_async_request

        async def traced(
            transport: httpx.AsyncHTTPTransport, request: httpx.Request
        ) -> httpx.Response:
            doing = "send" if request.url.path == "/" else "ask"
            theirs: Trace | None = request.extensions.get("trace")

            async def trace(event: str, info: dict[str, Any]) -> None:
                if theirs is not None:
                    await theirs(event, info)
                if event in _STEPS:
                    self.take(f"{doing}: {_STEPS[event]}")

            request.extensions = {**request.extensions, "trace": trace}
            return await handle(transport, request)

        setattr(httpx.AsyncHTTPTransport, handle.__name__, traced)

    def _around(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(call)
        def stepped(lock: filelock.FileLock, *arguments: Any, **named: Any) -> Any:
            if lock.is_locked != (name == "release"):  # nothing is done
                return call(lock, *arguments, **named)
            place = _place()
            self.take(f"{place}: before {name}")
            done = call(lock, *arguments, **named)
            self.take(f"{place}: after {name}")
            return done

        return stepped


_looking = threading.RLock()  # held while the thread that watches a run has a ledger open


class _Connection(sqlite3.Connection):
    steps: Steps

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_of_watcher = threading.current_thread() is threading.main_thread()
        if self._is_of_watcher:
            _looking.acquire()

    def close(self) -> None:
        super().close()
        if self._is_of_watcher:
            self._is_of_watcher = False
            _looking.release()

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        place, verb = _place(), sql.split(maxsplit=1)[0]
        self.steps.take(f"{place}: before {verb}")
        # A kill takes no power away: the system has what was written, and the disk need not yet.
        hasty = sql.replace("synchronous = FULL", "synchronous = OFF")
        cursor = super().execute(hasty, *parameters)
        self.steps.take(f"{place}: after {verb}")
        return cursor


def _place() -> str:
    """Name the function of the ledger that runs now; one that helps, after whom it helps."""
    place = ""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_name
        if frame.f_globals["__name__"].startswith(_LEDGER) and name not in _PLUMBING:
            place = f"{name}>{place}" if place else name
            if not name.startswith("_"):
                break
        frame = cast("Any", frame.f_back)
    return place


class Hasty:
    """A clock on which every wait is over at once, and every look at it takes so many seconds."""

    def __init__(self, look: float) -> None:
        self._look = look
        self._skipped = 0.0

    def now(self) -> float:
        return time.time() + self._skipped

    def monotonic(self) -> float:
        self._skipped += self._look
        return time.monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        self._skipped += max(seconds, 0.0)


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Do what a campaign is asked to; tell the error it ended with, and the steps it took."""
    steps = Steps(order["at"], order["hit"], order["signal"])
    steps.watch()
    warnings.simplefilter("ignore")
    client = Client(
        "simulated-hash",
        "simulated-token",
        base_url=order["url"],
        requests_per_minute=480,  # on eight lanes; the clock knows no waits
        timeout=300.0,
        clock=Hasty(order["look"]),
    )
    error = None
    try:
        campaign = smspm.Campaign.open("spring", ledger=order["ledger"])
        _do(campaign, client, order["do"], order["options"])
    except Exception as raised:  # noqa: BLE001 - told to the test, whatever it is
        error = f"{type(raised).__name__}: {raised}"
    return {"error": error, "passed": dict(steps.passed)}


def _do(campaign: smspm.Campaign, client: Client, do: str, options: dict[str, Any]) -> None:
    if do in ("send", "track"):
        getattr(campaign, do)(client, progress=False, **options)
    elif do == "drain":
        _drain(campaign, client, options)
    elif do == "listen":
        _listen(campaign, **options)
    else:
        getattr(campaign, do)(**options)


def _drain(campaign: smspm.Campaign, client: Client, options: dict[str, Any]) -> None:
    """Send until nothing is planned, as a person would who is stopped again and again."""
    for _ in range(1000):
        with suppress(GatewayError, RunStopped):
            campaign.send(client, progress=False, **options)
            return


def _listen(campaign: smspm.Campaign, port: int, secret: str) -> None:
    """Receive callbacks, as the command does, until somebody ends it."""
    with listen_on("127.0.0.1", port) as listener:
        intake = Intake(campaign.path)
        serve(intake, Secret(secret), listener, started=lambda: None, tell=lambda: None)


def _attend(connection: socket.socket) -> None:
    """Fork a worker, and tell when it stands still and how it ended."""
    order = json.loads(connection.makefile().readline())
    worker = os.fork()
    if worker == 0:
        _tell(connection, work(order))
        os._exit(0)
    _tell(connection, {"pid": worker})

    def kill(*_: object) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(worker, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, order["after"])
    while True:
        _, status = os.waitpid(worker, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        _tell(connection, {"stopped": True})
    signal.setitimer(signal.ITIMER_REAL, 0)
    _tell(connection, {"ended": os.waitstatus_to_exitcode(status)})


def _tell(connection: socket.socket, told: dict[str, Any]) -> None:
    connection.sendall(f"{json.dumps(told)}\n".encode())


def main() -> None:
    """Fork a worker for each connection, until standard input is closed."""
    httpx.create_ssl_context = functools.cache(httpx.create_ssl_context)
    httpx.create_ssl_context()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who attend
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)  # noqa: T201 - where it listens
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _attend(connection)
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    main()
