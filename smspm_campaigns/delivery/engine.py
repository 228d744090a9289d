"""The one event loop, in a thread of its own: the same in a script, a notebook and the terminal."""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from smspm_campaigns.clock import Clock
from smspm_campaigns.exceptions import RunStopped


class Run:
    """Work that goes on in the background. It may be asked to stop; it is never cancelled.

    Raises:
        RunStopped: the system does not let it begin.
    """

    def __init__(self, work: Callable[["Run"], Coroutine[Any, Any, None]]) -> None:
        self.stopping = False
        self._stop_asked = asyncio.Event()
        self.news = asyncio.Event()  # for whoever waits for something to happen in the run
        loop = _loop()
        self._result = asyncio.run_coroutine_threadsafe(work(self), loop)

    def stop(self) -> None:
        """Ask it to stop: nothing more is begun, and what is in flight is finished and recorded."""
        self.stopping = True
        _loop().call_soon_threadsafe(self._stop_asked.set)
        _loop().call_soon_threadsafe(self.news.set)

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
        waits = [
            asyncio.ensure_future(clock.sleep(seconds)),
            asyncio.ensure_future(self._stop_asked.wait()),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


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
    threading.Thread(target=loop.run_forever, name="smspm-campaigns", daemon=True).start()
    return loop
