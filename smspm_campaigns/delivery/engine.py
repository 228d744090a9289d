"""The one event loop, in a thread of its own: the same in a script, a notebook and the terminal."""

import asyncio
import concurrent.futures
import math
import os
import threading
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cache
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from smspm_campaigns.clock import Clock
from smspm_campaigns.exceptions import RunStopped

_Told = ParamSpec("_Told")
_Got = TypeVar("_Got")


class Run:
    """Work that goes on in the background. It may be asked to stop; it is never cancelled.

    What it is asked to do is asked from any thread, and heeded on the loop alone: one after the
    other, and a stop is the last word.

    Raises:
        RunStopped: the system does not let it begin.
    """

    def __init__(self, work: Callable[["Run"], Coroutine[Any, Any, None]]) -> None:
        self.id = uuid.uuid4().hex
        self.stopping = False
        self._process = os.getpid()
        self._stop_asked = asyncio.Event()
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._look_asked = asyncio.Event()
        self._is_known: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.news = asyncio.Event()  # for whoever waits for something to happen in the run
        loop = _loop()
        self._result = asyncio.run_coroutine_threadsafe(work(self), loop)
        _here[self.id] = self

    @property
    def is_here(self) -> bool:
        """Whether it goes on in this process: a fork inherits what it knows of it, and no more."""
        return self._process == os.getpid()

    def stop(self) -> None:
        """Ask it to stop: nothing more is begun, and what is in flight is finished and recorded."""
        self.stopping = True
        _loop().call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._stop_asked.set()
        self._may_go_on.set()
        self.news.set()

    def halt(self) -> None:
        """Begin nothing more until `go_on`. On the loop only."""
        if not self.stopping:
            self._may_go_on.clear()

    def go_on(self) -> None:
        """Begin again what there is to begin. On the loop only."""
        self._may_go_on.set()

    async def may_go_on(self) -> bool:
        """Wait while it is halted; tell whether anything more may be begun."""
        await self._may_go_on.wait()
        return not self.stopping

    def look(self) -> None:
        """Ask it to look at once what it is asked to do, as far as that is written elsewhere."""
        _loop().call_soon_threadsafe(self._look_asked.set)

    async def look_asked(self, seconds: float) -> None:
        """Wait until somebody asks it to look, or so many seconds of this machine."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._look_asked.wait()
        self._look_asked.clear()

    def is_known(self) -> None:
        """Say that it can be seen from elsewhere now."""
        self._is_known.set_result(None)

    def wait_until_known(self, timeout: float | None = None) -> bool:
        """Wait until it can be seen from elsewhere; tell whether. Raises what ended it before."""
        waits = [self._is_known, self._result]
        concurrent.futures.wait(waits, timeout, return_when=concurrent.futures.FIRST_COMPLETED)
        if self._result.done() and not self._is_known.done():
            self._result.result()
        return self._is_known.done()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds; tell whether it has ended. Raises what ended it."""
        if not self.has_ended(timeout):
            return False
        self._result.result()
        return True

    def has_ended(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds; tell whether it has ended, however."""
        concurrent.futures.wait([self._result], timeout)
        return self._result.done()

    async def pause(self, clock: Clock, seconds: float) -> None:
        """Wait, but no longer than until somebody asks to stop."""
        await _wait(self._stop_asked, clock, seconds)

    async def rest(self, clock: Clock, seconds: float) -> None:
        """Wait, but no longer than until there is news; a stop is some."""
        await _wait(self.news, clock, seconds)


async def _wait(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait for an event, or so many seconds; for the event alone when they are infinite."""
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait())]
    if seconds != math.inf:
        waits.append(asyncio.ensure_future(clock.sleep(seconds)))
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


#: Runs that somebody still has, or that still go on.
_here: "WeakValueDictionary[str, Run]" = WeakValueDictionary()


def run_here(run_id: str) -> Run | None:
    """Return a run of this process by its id."""
    run = _here.get(run_id)
    return run if run is not None and run.is_here else None


_starting = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    with _starting:
        return _loop_of(os.getpid())


@cache
def _loop_of(_process: int) -> asyncio.AbstractEventLoop:
    """Start the loop of this process: a fork inherits the memory of the other's, not its thread."""
    try:
        loop = asyncio.new_event_loop()
    except OSError as error:  # it needs three files
        raise RunStopped(
            f"Nothing was sent: no run can begin ({error.strerror}). Close other programs, then "
            "run it again."
        ) from None
    loop.set_default_executor(_Threads())
    threading.Thread(target=loop.run_forever, name="smspm-campaigns", daemon=True).start()
    return loop


class _Threads(concurrent.futures.ThreadPoolExecutor):
    """Looks up addresses. Python's own pool takes no work once the program's text has ended."""

    def submit(
        self, fn: Callable[_Told, _Got], /, *args: _Told.args, **kwargs: _Told.kwargs
    ) -> "concurrent.futures.Future[_Got]":
        future: concurrent.futures.Future[_Got] = concurrent.futures.Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - raised to whoever asked
                future.set_exception(error)

        threading.Thread(target=work, name="smspm-lookup", daemon=True).start()
        return future
