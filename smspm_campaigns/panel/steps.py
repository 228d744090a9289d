"""The steps from a file to messages, each made once for what it was asked, and written down."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd

from smspm_campaigns.panel.calls import Call
from smspm_campaigns.panel.notices import heard


class _Made(NamedTuple):
    call: Call
    frame: pd.DataFrame
    notes: tuple[str, ...]


class Steps:
    """A chain of calls. Only those are made again that changed, and what comes after them."""

    def __init__(self, frame: pd.DataFrame | None) -> None:
        self._given = frame
        self._made: list[_Made] = []

    def run(self, calls: Sequence[Call]) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
        """Make what the chain makes, and what was warned of; None where it has no beginning.

        Raises:
            SmspmError: as the call that fails raises it; the steps before it are kept.
        """
        kept = 0
        while kept < min(len(calls), len(self._made)) and self._made[kept].call == calls[kept]:
            kept += 1
        if kept < len(calls):
            del self._made[kept:]
        for call in calls[kept:]:
            before = self._made[-1].frame if self._made else self._given
            first = () if before is None else (before,)
            self._made.append(_Made(call, *heard(partial(call, *first))))
        made = self._made[: len(calls)]
        notes = dict.fromkeys(note for each in made for note in each.notes)
        return made[-1].frame if made else self._given, tuple(notes)

    def forget(self) -> None:
        """Let everything be made again, since a file may have changed."""
        self._made.clear()
