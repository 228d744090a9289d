"""The verdicts of the helpers on each row, kept side by side in three columns.

`sms_problems` has every code, `sms_problem` the first in precedence, `sms_detail` the notes in the
same order. Each helper owns its codes and replaces only them. A note begins with the title of what
it is about (`Duplicate: …`), so that the helper that wrote it finds it again.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.columns import STR, has_text, scattered, with_columns
from smspm_campaigns.vocabulary import (
    DETAIL,
    NUMBER_NOTE,
    PROBLEM,
    PROBLEM_TITLES,
    PROBLEMS,
    REPLACED,
    TWO_READINGS,
    Problem,
)

#: What stands between two notes of one row. A `Verdict` keeps it out of the notes themselves.
BETWEEN_NOTES: Final = " · "

_CODE_RANK: Final = {str(code): rank for rank, code in enumerate(Problem)}
_TITLE_RANK: Final = {
    title: rank
    for rank, title in enumerate((*PROBLEM_TITLES.values(), TWO_READINGS, NUMBER_NOTE, REPLACED))
}


class Verdict:
    """What one helper says of one row: its codes, and its notes with their titles."""

    __slots__ = ("codes", "notes")

    def __init__(self, *codes: Problem, note: str = "", title: str = "") -> None:
        self.codes = codes
        title = title or (PROBLEM_TITLES[codes[0]] if codes else "")
        note = note.replace(BETWEEN_NOTES, " - ")
        self.notes: tuple[str, ...] = (f"{title}: {note}",) if note else ()

    def __bool__(self) -> bool:
        return bool(self.codes or self.notes)

    def __add__(self, other: "Verdict") -> "Verdict":
        both = Verdict(*self.codes, *other.codes)
        both.notes = self.notes + other.notes
        return both


NOTHING: Final = Verdict()
_NONE: Final[frozenset[str]] = frozenset()


def both(verdicts: Mapping[int, Verdict], more: Mapping[int, Verdict]) -> dict[int, Verdict]:
    """Put the verdicts of two judges together, by position."""
    added = {place: verdicts.get(place, NOTHING) + verdict for place, verdict in more.items()}
    return {**verdicts, **added}


def record(
    frame: pd.DataFrame,
    verdicts: Mapping[int, Verdict],
    *,
    owned: Sequence[Problem],
    titles: Sequence[str] = (),
    where: "np.ndarray[Any, np.dtype[np.bool_]] | None" = None,
) -> pd.DataFrame:
    """Replace the owned codes and their notes by new verdicts; keep all others.

    `verdicts` are those of the rows that have one, by position. `titles` are those of owned notes
    that belong to no problem. Rows that are not in `where` keep what they have; it is all rows by
    default.
    """
    own_codes = frozenset(map(str, owned))
    own_titles = frozenset((*(PROBLEM_TITLES[code] for code in owned), *titles))
    problems, details = _filled(frame, PROBLEMS), _filled(frame, DETAIL)
    merge_codes = cache(_merge_codes)  # of a million rows, most say one of a few things
    every: dict[int, str] = {}
    notes: dict[int, str] = {}
    for place in {**problems, **details, **verdicts}:
        verdict = verdicts.get(place, NOTHING)
        judged = where is None or where[place]
        if codes := merge_codes(
            problems.get(place, ""), verdict.codes, own_codes if judged else _NONE
        ):
            every[place] = codes
        if said := _merge_notes(
            details.get(place, ""), verdict.notes, own_titles if judged else _NONE
        ):
            notes[place] = said
    first = {place: codes.partition(" ")[0] for place, codes in every.items()}
    columns = {PROBLEMS: every, PROBLEM: first, DETAIL: notes}
    return with_columns(
        frame, **{name: scattered(texts, len(frame)) for name, texts in columns.items()}
    )


def _merge_codes(cell: str, new: tuple[Problem, ...], own: frozenset[str]) -> str:
    """Return the codes of a cell, those owned replaced by new ones, in their precedence."""
    kept = (code for code in _codes(cell) if code not in own)
    return " ".join(sorted({*kept, *map(str, new)}, key=_CODE_RANK.__getitem__))


def _merge_notes(cell: str, new: tuple[str, ...], own: frozenset[str]) -> str:
    """Return the notes of a cell, those owned replaced by new ones, in the order of problems."""
    said = cell.split(BETWEEN_NOTES) if cell else []
    notes = [note for note in said if _title(note) not in own]
    notes += new
    return BETWEEN_NOTES.join(sorted(notes, key=_note_rank) if len(notes) > 1 else notes)


def _filled(frame: pd.DataFrame, name: str) -> dict[int, str]:
    """Return the texts of a column of ours where there are any, by position."""
    if name not in frame.columns:
        return {}
    places = np.flatnonzero(has_text(frame, name))
    texts = frame[name].iloc[places].astype(STR)
    return dict(zip(places.tolist(), texts.tolist(), strict=True))


def check_code(code: str) -> Problem:
    """Return the problem of a code.

    Raises:
        InvalidArgument: it is none of `Problem`.
    """
    if code not in _CODE_RANK:
        raise InvalidArgument(
            f"{PROBLEMS} holds {told(code)}, which is no problem this package knows. It is written "
            "by the helpers; a reason of your own belongs in a column of yours."
        )
    return Problem(code)


def _codes(cell: str) -> list[str]:
    """Return the codes a row has so far.

    Raises:
        InvalidArgument: a code that is none of `Problem`.
    """
    return [str(check_code(code)) for code in cell.split()]


def _title(note: str) -> str:
    return note.partition(": ")[0]


def _note_rank(note: str) -> int:
    """Notes stand in the order of their problems; one that a person wrote stands last."""
    return _TITLE_RANK.get(_title(note), len(_TITLE_RANK))


def has_code(frame: pd.DataFrame, code: Problem) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Tell for each row whether it has this code, as a boolean array."""
    cells = _filled(frame, PROBLEMS)
    holding = {cell for cell in set(cells.values()) if str(code) in _codes(cell)}
    has = np.zeros(len(frame), dtype=bool)
    has[[place for place, cell in cells.items() if cell in holding]] = True
    return has


def has_note(frame: pd.DataFrame, title: str) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Tell for each row whether it has a note with this title, as a boolean array."""
    noted = [
        place
        for place, cell in _filled(frame, DETAIL).items()
        if title in map(_title, cell.split(BETWEEN_NOTES))
    ]
    has = np.zeros(len(frame), dtype=bool)
    has[noted] = True
    return has
