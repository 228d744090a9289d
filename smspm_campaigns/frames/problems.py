"""The verdicts of the helpers on each row, kept side by side in three columns.

`sms_problems` has every code, `sms_problem` the first in precedence, `sms_detail` the notes in the
same order. Each helper owns its codes and replaces only them. A note begins with the title of what
it is about (`Duplicate: …`), so that the helper that wrote it finds it again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.columns import text_array, texts_of, with_columns
from smspm_campaigns.vocabulary import (
    DETAIL,
    NUMBER_NOTE,
    PROBLEM,
    PROBLEM_TITLES,
    PROBLEMS,
    Problem,
)

#: What stands between two notes of one row. A `Verdict` keeps it out of the notes themselves.
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
        note = note.replace(BETWEEN_NOTES, " - ")
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
    where: "np.ndarray[Any, np.dtype[np.bool_]] | None" = None,
) -> pd.DataFrame:
    """Replace the owned codes and their notes by new verdicts, one a row; keep all others.

    `titles` are those of owned notes that belong to no problem. Rows that are not in `where` keep
    what they have; it is all rows by default.
    """
    own_codes = {str(code) for code in owned}
    own_titles = {*(PROBLEM_TITLES[code] for code in owned), *titles}
    here = np.ones(len(frame), dtype=bool) if where is None else where
    first: list[str | None] = []
    every: list[str | None] = []
    detail: list[str | None] = []
    for verdict, codes, notes, judged in zip(
        verdicts, codes_of(frame), _notes_of(frame), here, strict=True
    ):
        kept = [code for code in codes if not (judged and code in own_codes)]
        merged = sorted({*kept, *map(str, verdict.codes)}, key=_CODE_RANK.__getitem__)
        said = [note for note in notes if not (judged and _title(note) in own_titles)]
        said = sorted((*said, *verdict.notes), key=_note_rank)
        first.append(merged[0] if merged else None)
        every.append(" ".join(merged) or None)
        detail.append(BETWEEN_NOTES.join(said) or None)
    return with_columns(
        frame,
        **{PROBLEMS: text_array(every), PROBLEM: text_array(first), DETAIL: text_array(detail)},
    )


def codes_of(frame: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the codes each row has so far.

    Raises:
        InvalidArgument: a code that is none of `Problem`.
    """
    for cell in texts_of(frame, PROBLEMS):
        codes = cell.split()
        for code in codes:
            if code not in _CODE_RANK:
                raise InvalidArgument(
                    f"{PROBLEMS} holds {told(code)}, which is no problem this package knows. It is "
                    "written by the helpers; a reason of your own belongs in a column of yours."
                )
        yield codes


def _notes_of(frame: pd.DataFrame) -> Iterator[list[str]]:
    for cell in texts_of(frame, DETAIL):
        yield cell.split(BETWEEN_NOTES) if cell else []


def _title(note: str) -> str:
    return note.partition(": ")[0]


def _note_rank(note: str) -> int:
    """Notes stand in the order of their problems; one that a person wrote stands last."""
    return _TITLE_RANK.get(_title(note), len(_TITLE_RANK))


def has_code(frame: pd.DataFrame, code: Problem) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Tell for each row whether it has this code, as a boolean array."""
    return np.fromiter((str(code) in codes for codes in codes_of(frame)), bool, len(frame))


def sendable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without a problem: those that a campaign sends."""
    return frame[np.array([not code for code in texts_of(frame, PROBLEM)], dtype=bool)]
