"""What the panel does by itself after a while, on the event loop of the kernel."""

import asyncio
from collections.abc import Callable


class Later:
    """Does something a while after it was last asked to. Without a loop nobody waits."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._handle: asyncio.TimerHandle | None = None

    def ask(self, seconds: float) -> None:
        """Do it after so many seconds; at once in a program that has no loop."""
        if not self.ask_the_loop(seconds):
            self._action()

    def ask_the_loop(self, seconds: float) -> bool:
        """Do it after so many seconds; never in a program that has no loop. Tell whether."""
        if self._handle is not None:
            self._handle.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        self._handle = loop.call_later(seconds, self._action)
        return True
