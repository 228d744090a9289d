"""What a request passes when its connection is made and nothing is written yet."""

import asyncio
from collections.abc import Awaitable, Callable

#: Looks whether a request may still be made; raises what speaks against it.
BeforeWriting = Callable[[], Awaitable[None]]


class Gate:
    """The last look before a request is written, and the time that all of it may take.

    What comes before the look is bounded, and what comes after it; the look takes its time.

    Args:
        before_writing: the look; what it raises is kept in `objection`, and nothing is written.
        seconds: the bound.
    """

    def __init__(self, before_writing: BeforeWriting | None, seconds: float) -> None:
        self.bound = asyncio.timeout(seconds)
        self.objection: Exception | None = None
        self._before_writing = before_writing
        self._seconds = seconds
        self.was_passed = False

    async def look(self) -> None:
        """Look whether the request may still be made."""
        self.was_passed = True
        if self._before_writing is None:
            return
        self.bound.reschedule(None)
        try:
            await self._before_writing()
        except Exception as error:
            self.objection = error
            raise
        self.bound.reschedule(asyncio.get_running_loop().time() + self._seconds)
