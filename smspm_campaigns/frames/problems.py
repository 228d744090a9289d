"""The verdicts of the helpers on each row, kept side by side in three columns.

`sms_problems` has every code, `sms_problem` the first in precedence, `sms_detail` the notes in the
same order. Each helper owns its codes and replaces only them. A note begins with the title of what
it is about (`Duplicate: …`), so that the helper that wrote it finds it again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.frames.columns import STR, text_array, with_columns
from smspm_campaigns.vocabulary import (
    DETAIL,
    NUMBER_NOTE,
    PROBLEM,
    PROBLEM_TITLES,
    PROBLEMS,
    Problem,
)

#: What stands between two notes of one row. `cells.quoted` keeps it out of a cell's text.
BETWEEN_NOTES: Final = " · "

_CODE_RANK: Final = {str(code): rank for rank, code in enumerate(Problem)}
_TITLE_RANK: Final = {
    title: rank for rank, title in enumerate((*PROBLEM_TITLES.values(), NUMBER_NOTE))
}


class Verdict:
    """What one helper says of one row: its codes, and its notes with their titles."""

    __slots__ = ("codes", "notes")

    def __init__(self, *codes: Problem, note: str = "", title: str = "") -> None:
        self.codes = codes
        title = title or (PROBLEM_TITLES[codes[0]] if codes else "")
        self.notes: tuple[str, ...] = (f"{title}: {note}",) if note else ()

    def __add__(self, other: "Verdict") -> "Verdict":
        both = Verdict(*self.codes, *other.codes)
        both.notes = self.notes + other.notes
        return both


NOTHING: Final = Verdict()


def record(
    frame: pd.DataFrame,
    verdicts: Iterable[Verdict],
    *,
    owned: Sequence[Problem],
    titles: Sequence[str] = (),
) -> pd.DataFrame:
    """Replace the owned codes and their notes by new verdicts, one a row; keep all others.

    `titles` are those of owned notes that belong to no problem.
    """
    own_codes = {str(code) for code in owned}
    own_titles = {*(PROBLEM_TITLES[code] for code in owned), *titles}
    first: list[str | None] = []
    every: list[str | None] = []
    detail: list[str | None] = []
    for verdict, codes, notes in zip(verdicts, codes_of(frame), _notes_of(frame), strict=True):
        kept = [code for code in codes if code not in own_codes]
        merged = sorted({*kept, *map(str, verdict.codes)}, key=_CODE_RANK.__getitem__)
        said = [note for note in notes if _title(note) not in own_titles]
        said = sorted((*said, *verdict.notes), key=lambda note: _TITLE_RANK[_title(note)])
        first.append(merged[0] if merged else None)
        every.append(" ".join(merged) or None)
        detail.append(BETWEEN_NOTES.join(said) or None)
    return with_columns(
        frame,
        **{PROBLEMS: text_array(every), PROBLEM: text_array(first), DETAIL: text_array(detail)},
    )


def codes_of(frame: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the codes each row has so far."""
    for cell in _column(frame, PROBLEMS):
        yield cell.split()


def _notes_of(frame: pd.DataFrame) -> Iterator[list[str]]:
    for cell in _column(frame, DETAIL):
        yield cell.split(BETWEEN_NOTES) if cell else []


def _title(note: str) -> str:
    return note.partition(": ")[0]


def _column(frame: pd.DataFrame, name: str) -> list[str]:
    if name not in frame.columns:
        return [""] * len(frame)
    return list(frame[name].fillna("").astype(STR))


def has_code(frame: pd.DataFrame, code: Problem) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Tell for each row whether it has this code, as a boolean array."""
    return np.fromiter((str(code) in codes for codes in codes_of(frame)), bool, len(frame))


def sendable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without a problem: those that a campaign sends."""
    if PROBLEM not in frame.columns:
        return frame
    return frame[frame[PROBLEM].isna()]
