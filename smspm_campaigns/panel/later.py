"""What the panel does by itself after a while, on the event loop of the kernel."""

import asyncio
from collections.abc import Callable


class Later:
    """Does something a while after it was last asked to. Without a loop nobody waits.

    It is asked from any thread: JupyterLab has clicks handled in one that ends with the page. So
    it is done on the loop of the thread that made it.
    """

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._loop = _running_loop()
        self._handle: asyncio.TimerHandle | None = None

    def ask(self, seconds: float) -> None:
        """Do it after so many seconds; at once in a program that has no loop."""
        if not self.ask_the_loop(seconds):
            self._action()

    def ask_the_loop(self, seconds: float) -> bool:
        """Do it after so many seconds; never in a program that has no loop. Tell whether."""
        self._loop = self._loop or _running_loop()
        if self._loop is None or self._loop.is_closed():
            return False
        self._loop.call_soon_threadsafe(self._wait, self._loop, seconds)
        return True

    def _wait(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle = loop.call_later(seconds, self._action)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
