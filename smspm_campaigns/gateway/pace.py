"""So many requests a minute, evenly spaced, for everyone who sends through one client."""

import threading

from smspm_campaigns.clock import Clock


class Pace:
    """Hands out turns: no burst, and nobody goes while everyone was told to wait."""

    def __init__(self, per_minute: float | None, clock: Clock) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._next = 0.0
        self._held_until = 0.0
        self._lock = threading.Lock()  # runs may live on other threads

    def reserve(self) -> float:
        """Take the next turn; return the seconds to wait for it."""
        with self._lock:
            now = self._clock.monotonic()
            start = max(self._next, self._held_until, now)
            self._next = start + self._interval
            return start - now

    def hold(self, seconds: float) -> None:
        """Let nobody have a turn for so many seconds."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    @property
    def is_held(self) -> bool:
        """Tell whether everyone was told to wait, and still is."""
        return self._held_until > self._clock.monotonic()
