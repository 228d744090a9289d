"""What a person should look at before sending: a sentence for each, none where all is well."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import warn
from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.columns import STR, has_text, texts_of
from smspm_campaigns.frames.placeholders import origin_of
from smspm_campaigns.frames.preview_figures import EXAMPLE_ROWS
from smspm_campaigns.frames.preview_views import short_name
from smspm_campaigns.frames.problems import has_note
from smspm_campaigns.vocabulary import LINE, PROBLEMS, TO, TWO_READINGS, Problem

_NO_OPT_OUT: Final = "No text says how to opt out. Add a line such as 'Reply STOP to opt out'."

_TOGETHER: Final = 1_000  # texts searched at once

#: Words by which a text is taken to say how to opt out, in the languages of our users. Each begins
#: with letters that stand in the text as they are, which makes the search quick.
_OPT_OUT: Final = tuple(
    (word, re.compile(pattern))
    for word, pattern in (
        ("stop", r"stop(?<=\bstop)p?(?![^\W\d_])"),
        ("opt", r"opt(?<=\bopt).?out"),
        *(
            (word, word)
            for word in (
                "unsubscribe", "abmeld", "abbestell", "désabonn", "desabonn", "désinscri",
                "desinscri", "avregistrer", "avsluta", "loobu", "peruuta", "atsisaky", "atteik",
                "zrezygn", "wypisz", "отпис", "отказ", "cancelar", "disiscri",
            )
        ),
        ("baja", r"baja(?<=\bbaja)\b"),
    )
)  # fmt: skip

_BESIDE: Final = r"\w'’@./&-"  # what makes a word part of a longer one: a name, an address
_WORDS: Final = ("nan", "NaN", "None", "NaT", "null", "NULL", "undefined", "<NA>", "#N/A")

#: What programs write where nothing is known, and what no person would text.
_LEFTOVERS: Final = {
    **{
        word: re.compile(
            rf"{re.escape(word)}(?<![{_BESIDE}]{re.escape(word)})(?![{_BESIDE}]*\w)(?! of\b)"
        )
        for word in _WORDS
    },
    "{{": re.compile(r"\{\{"),
    "00:00:00": re.compile(r"00:00:00(?<=[ T]00:00:00)(?![\d:])"),
}


def warnings_of(
    frame: pd.DataFrame, ready: pd.DataFrame, texts: list[str], *, masked: bool
) -> Iterator[str]:
    """Yield the sentences, those that matter most first. `ready` are the rows to send.

    Warns:
        SmspmWarning: no text tells how to opt out.
    """
    if texts and not says_opt_out(texts):
        warn(_NO_OPT_OUT)
        yield _NO_OPT_OUT
    found = find_leftovers(ready, texts)
    labels = ready.index[found.places[:EXAMPLE_ROWS]]
    rows = [short_name(as_text(label), masked=masked) for label in labels]
    yield from _told_leftovers(found, rows)
    yield from _told_two_readings(count_two_readings(ready))
    yield from _told_landlines(ready)
    yield from _told_copies_of_faulty_rows(frame)


class Leftovers(NamedTuple):
    """Texts that hold what a program wrote: their positions, and the words found."""

    places: list[int]
    words: list[str]


def says_opt_out(texts: Sequence[str]) -> bool:
    """Tell whether one of the texts says how to opt out."""
    for start in range(0, len(texts), _TOGETHER):
        lower = "\n".join(texts[start : start + _TOGETHER]).lower()
        if any(word in lower and pattern.search(lower) for word, pattern in _OPT_OUT):
            return True
    return False


def find_leftovers(ready: pd.DataFrame, texts: list[str]) -> Leftovers:
    """Find texts with words such as `nan` that came from a cell and stand alone in both.

    In the text they may have another case: a filter that writes names makes a name of `nan` too.

    A word of the template is the person's own (`None of our shops`); a name is never one of these
    words in this spelling (`Nan`, `Null`), nor is a part of a longer word. Where it is not known
    which columns made the texts, the texts alone decide.
    """
    places = sorted(set(origin_of(ready).placeholders.values()))
    columns = [ready.iloc[:, place] for place in places] or [pd.Series(texts, dtype=object)]
    words: dict[int, list[str]] = {}
    for column in columns:
        for place, word in _held(column):
            if re.search(_LEFTOVERS[word].pattern, texts[place], re.IGNORECASE):
                words.setdefault(place, []).append(word)
    found = dict.fromkeys(word for place in sorted(words) for word in words[place])
    return Leftovers(sorted(words), list(found))


def _held(column: "pd.Series[Any]") -> Iterator[tuple[int, str]]:
    """Yield positions of cells that hold such a word, and the word. Equal cells are read once."""
    if column.dtype.kind in "biufmM":  # numbers and times
        return
    if not isinstance(column.dtype, pd.StringDtype):
        column = column.map(lambda cell: cell if isinstance(cell, str) else "").astype(STR)
    which, different = pd.factorize(column)
    found = dict(_holding(list(different)))
    for place in np.flatnonzero(np.isin(which, list(found))).tolist():
        yield from ((place, word) for word in found[which[place]])


def _holding(cells: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the positions of those among these cells that hold such words, and the words."""
    for start in range(0, len(cells), _TOGETHER):
        part = cells[start : start + _TOGETHER]
        joined = "\n".join(part)
        sought = {
            word: pattern
            for word, pattern in _LEFTOVERS.items()
            if word in joined and pattern.search(joined)
        }
        for place, cell in enumerate(part if sought else (), start):
            words = [word for word, pattern in sought.items() if pattern.search(cell)]
            if words:
                yield place, words


def _told_leftovers(found: Leftovers, rows: list[str]) -> Iterator[str]:
    """Say which words a program left in the texts, and in which rows."""
    if found.places:
        count = len(found.places)
        what = "1 text holds" if count == 1 else f"{count:,} texts hold"
        words = ", ".join(map(repr, found.words))
        where = ", ".join(rows) + (", …" if count > len(rows) else "")
        yield (
            f"{what} {words}, which a program left there (row {where}). Mend these cells, or clear "
            "them: a blank cell is found, or takes a default."
        )


def _told_two_readings(count: int) -> Iterator[str]:
    """Say how many numbers could mean another country."""
    if count:
        what = "1 number is" if count == 1 else f"{count:,} numbers are"
        yield (
            f"{what} valid with a country code and without one; sms_detail says how each was read. "
            "Write a plus before those that have a country code."
        )


def _told_landlines(ready: pd.DataFrame) -> Iterator[str]:
    """Say how many numbers are surely no mobiles."""
    known = LINE in ready.columns
    count = int(ready[LINE].astype(STR).eq("fixed_line").sum()) if known else 0
    if count:
        what = "1 number is a landline" if count == 1 else f"{count:,} numbers are landlines"
        yield f"{what}, which may not receive an SMS; mobile_only=True leaves them out."


def _told_copies_of_faulty_rows(frame: pd.DataFrame) -> Iterator[str]:
    """Say who could be sent a duplicate, since the row that is kept has a problem of its own."""
    left_out = frame[has_text(frame, PROBLEMS)]
    kept, copies = set(), set()
    for number, codes in zip(texts_of(left_out, TO), texts_of(left_out, PROBLEMS), strict=True):
        if codes == Problem.DUPLICATE:
            copies.add(number)
        elif Problem.DUPLICATE not in codes.split():
            kept.add(number)
    count = len(kept & copies)
    if count:
        who = "1 person is" if count == 1 else f"{count:,} people are"
        yield (
            f"{who} left out although another row of theirs could be sent: the row that was kept "
            "has a problem. Mend it, or drop it and run mark_duplicates again."
        )


def count_two_readings(ready: pd.DataFrame) -> int:
    """Count the numbers that another country could mean."""
    return int(np.count_nonzero(has_note(ready, TWO_READINGS)))
