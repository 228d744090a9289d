"""The opt-outs a frame was given, remembered with it, so that no later step loses one.

A row is marked by its number. When `normalize_numbers` reads a row anew, its number may change, or
become one that was on a list all along: so the lists themselves stay with the frame, in its
`attrs`, as one JSON text (pandas copies `attrs` deeply at every step, and a text costs nothing).
"""

import json
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from smspm_campaigns.frames.columns import STR, texts_of
from smspm_campaigns.frames.problems import Verdict, has_code
from smspm_campaigns.vocabulary import TO, Problem

_REMEMBERED: Final = "sms_opted_out"  # key in `attrs`


def remember(frame: pd.DataFrame, listed: Mapping[str, str]) -> pd.DataFrame:
    """Add numbers to those the frame remembers, with where each was listed."""
    known = {**listed, **_remembered(frame)}
    frame = frame.copy(deep=False)
    if known:
        frame.attrs[_REMEMBERED] = json.dumps(known, sort_keys=True)
    return frame


def unmarked(frame: pd.DataFrame) -> dict[int, Verdict]:
    """Return the verdicts of the rows whose number is remembered and that have no mark yet."""
    known = _remembered(frame)
    if not known:
        return {}
    numbers = frame[TO].astype(STR)
    marked = has_code(frame, Problem.OPTED_OUT)
    places = np.flatnonzero(numbers.isin(list(known)).to_numpy() & ~marked)
    return {
        place: Verdict(Problem.OPTED_OUT, note=f"listed in {known[number]}.")
        for place, number in zip(places.tolist(), numbers.iloc[places].tolist(), strict=True)
    }


def _remembered(frame: pd.DataFrame) -> dict[str, str]:
    """Return the numbers of all lists, and those of marked rows (a file keeps no `attrs`)."""
    known: dict[str, str] = json.loads(frame.attrs.get(_REMEMBERED) or "{}")
    marked = has_code(frame, Problem.OPTED_OUT)
    numbers = texts_of(frame[marked], TO)
    return {number: "an earlier list" for number in numbers if number} | known
