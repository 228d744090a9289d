"""So many requests a minute, evenly spaced, for everyone who uses one account in this process."""

import os
import secrets
import threading
from typing import Final
from weakref import WeakValueDictionary

from smspm_campaigns.clock import Clock, SystemClock

#: What accounts are named with in here, so that no memory that is looked into shows a hash.
PROCESS_KEY: Final = secrets.token_bytes(32)


class Pace:
    """Hands out turns: no burst, and nobody goes while everyone was told to wait.

    Around each turn lies the interval of whoever took it. So clients that disagree about the rate
    of an account are each obeyed: a slow one is never crowded by a fast one, and none has to know
    of the others.

    Args:
        per_minute: the rate; None: no interval of one's own.
        clock: only its monotonic time counts. Nobody shares a line with another clock.
        account: a name. All of this process with the same one share a line; without one it is
            one's own.
    """

    def __init__(self, per_minute: float | None, clock: Clock, account: str | None = None) -> None:
        self.interval = 60 / per_minute if per_minute else 0.0  # seconds
        self._clock = clock
        self._line = _Line(clock) if account is None else _line_of(account, clock)

    def take(self) -> float:
        """Take a turn: return 0 when it may be had now, else the seconds until one may be.

        A turn counts from when it is taken. Who wakes up late, as after the sleep of the machine,
        asks again like everybody else, so late ones do not go all at once.
        """
        with _lock:
            last, theirs = self._line.last
            now = self._clock.monotonic()
            wait = max(last + max(theirs, self.interval), self._line.held_until) - now
            if wait > 0:
                return wait
            self._line.last = now, self.interval
            return 0.0

    async def turn(self) -> None:
        """Wait for a turn, and take it."""
        while wait := self.take():
            await self._clock.sleep(wait)

    def hold(self, seconds: float) -> None:
        """Let nobody have a turn for so many seconds."""
        with _lock:
            until = self._clock.monotonic() + seconds
            self._line.held_until = max(self._line.held_until, until)


class _Line:
    """Where those who share an account stand: the last turn with its interval, and a hold."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock  # kept: the line is found by its identity
        self.last = float("-inf"), 0.0
        self.held_until = float("-inf")


_lock: Final = threading.Lock()  # runs may live on other threads; held for an instant
_lines: Final[dict[str, _Line]] = {}  # kept: whoever comes later is held as well
_of_other_clocks: Final[WeakValueDictionary[tuple[str, int], _Line]] = WeakValueDictionary()

if hasattr(os, "register_at_fork"):  # a child must not wait for a thread that it does not have
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


def _line_of(account: str, clock: Clock) -> _Line:
    """Find the line of an account: one for all system clocks, which are alike, and for any other
    clock one for as long as anybody stands in it.
    """
    with _lock:
        if type(clock) is SystemClock:
            return _lines.setdefault(account, _Line(clock))
        return _of_other_clocks.setdefault((account, id(clock)), _Line(clock))
