"""Time, as something that can be handed over: tests drive it, machines sleep through it."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What a run needs to know of time."""

    def now(self) -> float:
        """The wall clock, in seconds since 1970-01-01 UTC: for what is written down."""

    def monotonic(self) -> float:
        """Seconds that never go backwards: for pacing and time-outs."""

    async def sleep(self, seconds: float) -> None:
        """Let others work for so many seconds."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
