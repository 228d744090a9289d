"""Which characters force Unicode, where they come from, and what replacing them saves."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.columns import STR, check_frame, has_text, text_array, texts_of
from smspm_campaigns.frames.placeholders import origin_of
from smspm_campaigns.frames.segments import (
    GSM_BASIC,
    GSM_EXTENSION,
    Replace,
    measure_texts,
    replace_characters,
)
from smspm_campaigns.vocabulary import ENCODING, PROBLEM, TEXT

#: The options of `render_messages(replace=...)`, the milder first.
OPTIONS: Final[tuple[Replace, ...]] = ("typography", "accents")

_AT_ONCE: Final = 1_000_000  # characters looked at together, which bounds the memory
_SPAN: Final = 0x110000  # code points there are; a row and a character make one number

_Array = np.ndarray[Any, Any]
_Source = int | None  # the position of a column, or None for the template


class Explanation(NamedTuple):
    """What `explain_encoding` found, and its sums.

    `saved` are the segments that each option would save in all texts together. `stuck` are the
    messages that hold characters no option replaces, for each column these are from (None: the
    template).
    """

    table: pd.DataFrame
    saved: dict[Replace, int]
    stuck: list[tuple[str | None, int]]


def explain_encoding(frame: pd.DataFrame) -> pd.DataFrame:
    """Say which characters force Unicode, where they come from, and what `replace` would save.

    Only rows that will be sent are looked at: those with a text and without a problem.

    Args:
        frame: with `sms_text`, as `render_messages` returns it.

    Returns:
        A frame with a row for each character and source, those in most rows first:

        - `character` (str), and `name` (str), its Unicode name;
        - `column` (str): the label of the column whose cells hold it, in any case; missing where
          it stands in the template itself, or a filter wrote it. A character may be from several;
        - `rows` (Int64): rows of the frame in which it is from there;
        - `replacement` (str) and `replace` (str): what it would become, and the mildest option of
          `render_messages` that does so; missing when none does;
        - `segments_saved` (Int64): segments these rows together would save with that option, which
          replaces their other characters too; 0 where another character still forces Unicode,
          and missing without an option. Two characters of one text save its segments only once,
          and both tell so: the figures of several rows do not add up.

    Raises:
        ColumnNotFound: there are no texts yet.

    Example:
        >>> frame = pd.DataFrame({"sms_text": ["“" + "x" * 100 + "”", "Hi 👋"]})
        >>> explain_encoding(frame)[["character", "replace", "rows", "segments_saved"]]
          character     replace  rows  segments_saved
        0         “  typography     1               1
        1         ”  typography     1               1
        2         👋         NaN     1            <NA>
    """
    return explain(frame).table


def explain(frame: pd.DataFrame) -> Explanation:
    """Explain the encoding of a frame, with the sums that a preview tells."""
    check_frame(frame, TEXT)
    places = np.flatnonzero(_is_unicode(frame) & ~has_text(frame, PROBLEM))
    texts = texts_of(frame[[TEXT]].iloc[places], TEXT)
    origin = origin_of(frame)
    columns = {
        place: _printed(frame.iloc[:, place].iloc[places])
        for place in sorted(set(origin.placeholders.values()))
    }
    tally = _Tally(origin.literals)
    for part in _parts(texts):
        tally.add(texts[part], {place: cells[part] for place, cells in columns.items()})
    return tally.told([str(label) for label in frame.columns])


def _is_unicode(frame: pd.DataFrame) -> _Array:
    if ENCODING in frame.columns:
        return frame[ENCODING].astype(STR).eq("UCS-2").to_numpy(dtype=bool)
    return measure_texts(texts_of(frame, TEXT))[0]


def _printed(cells: "pd.Series[Any]") -> _Array:
    """Return the cells as a text may show them, as an array of objects."""
    texts = [cell if isinstance(cell, str) else as_text(cell) for cell in cells.tolist()]
    return np.array(texts, dtype=object)


def _parts(texts: Sequence[str]) -> Iterator[slice]:
    """Cut rows into parts of so many characters, at least a row each."""
    start = size = 0
    for place, text in enumerate(texts):
        size += len(text)
        if size >= _AT_ONCE:
            yield slice(start, place + 1)
            start, size = place + 1, 0
    if start < len(texts):
        yield slice(start, len(texts))


class _Tally:
    """Counts by character and source, of one part of the rows after another.

    `literals` are the characters outside GSM-7 that the template itself holds, None where it is not
    known: then those are the template's that no cell of the row has.
    """

    def __init__(self, literals: str | None) -> None:
        self.literals = np.array([ord(character) for character in literals or ""], dtype=np.int64)
        self.rows: Counter[tuple[str, _Source]] = Counter()
        self.saves: Counter[tuple[str, _Source]] = Counter()
        self.saved: dict[Replace, int] = dict.fromkeys(OPTIONS, 0)
        self.stuck: Counter[_Source] = Counter()

    def add(self, texts: list[str], columns: dict[int, _Array]) -> None:
        pairs = _pairs(texts)
        savings = _savings(texts, pairs)
        for option in OPTIONS:
            self.saved[option] += int(savings[option].sum())
        rows, codes = np.divmod(pairs, _SPAN)
        from_template = np.isin(codes, self.literals)
        cells = {place: pd.factorize(held) for place, held in columns.items()}
        exactly = {
            place: np.isin(which[rows] * _SPAN + codes, _pairs(list(map(_composed, different))))
            for place, (which, different) in cells.items()
        }
        # Only what stands nowhere as it is can be another case of a cell, made by a filter.
        unexplained = ~np.logical_or.reduce([from_template, *exactly.values()])
        found = ~unexplained
        for place, (which, different) in cells.items():
            other = _pairs(list(map(_in_any_case, different)))
            from_here = exactly[place]
            if unexplained.any():
                from_here = from_here | (unexplained & np.isin(which[rows] * _SPAN + codes, other))
            found |= from_here
            self._count(pairs[from_here], place, savings)
        self._count(pairs[from_template | ~found], None, savings)

    def _count(self, pairs: _Array, source: _Source, savings: dict[Replace, _Array]) -> None:
        rows, codes = np.divmod(pairs, _SPAN)
        codes, which = np.unique(codes, return_inverse=True)
        rows_of = np.bincount(which, minlength=len(codes)).tolist()
        saves_of = {
            option: np.bincount(which, saved[rows], minlength=len(codes))
            for option, saved in savings.items()
        }
        stuck = np.ones(len(codes), dtype=bool)
        for place, character in enumerate(map(chr, codes.tolist())):
            self.rows[character, source] += rows_of[place]
            if option := mildest(character):
                self.saves[character, source] += int(saves_of[option][place])
                stuck[place] = False
        self.stuck[source] += len(_distinct(rows[stuck[which]]))

    def told(self, labels: list[str]) -> Explanation:
        """Make the table: most rows first, then most segments, characters and columns in order."""

        def rank(found: tuple[str, _Source]) -> tuple[Any, ...]:
            character, source = found
            last = len(labels) if source is None else source
            return -self.rows[found], -self.saves[found], character, last

        found = sorted(self.rows, key=rank)
        options = [mildest(character) for character, _ in found]
        table = pd.DataFrame(
            {
                "character": text_array(character for character, _ in found),
                "name": text_array(_name(character) for character, _ in found),
                "column": text_array(None if at is None else labels[at] for _, at in found),
                "rows": pd.array([self.rows[key] for key in found], dtype="Int64"),
                "replacement": text_array(
                    replace_characters(key[0], option) if option else None
                    for key, option in zip(found, options, strict=True)
                ),
                "replace": text_array(options),
                "segments_saved": pd.array(
                    [
                        self.saves[key] if option else None
                        for key, option in zip(found, options, strict=True)
                    ],
                    dtype="Int64",
                ),
            }
        )
        stuck = [
            (None if at is None else labels[at], rows)
            for at, rows in self.stuck.most_common()
            if rows
        ]
        return Explanation(table, self.saved, stuck)


def _pairs(texts: Sequence[str]) -> _Array:
    """Return which rows hold which characters outside GSM-7, each pair once, as row x span + code.

    Sorted, which `np.isin` and a count of rows profit from.
    """
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    forcing = np.flatnonzero(_forces()[codes])
    rows = np.repeat(np.arange(len(texts)), lengths)[forcing]
    return _distinct(np.sort(rows * _SPAN + codes[forcing]))


def _distinct(ordered: _Array) -> _Array:
    """Leave out repetitions of what is sorted already: a fifth of the time of `np.unique`."""
    kept = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=kept[1:])
    return ordered[kept]


@lru_cache(maxsize=1)
def _forces() -> _Array:
    """Tell for each code point whether GSM-7 lacks it."""
    forces = np.ones(_SPAN, dtype=bool)
    forces[list(map(ord, GSM_BASIC + GSM_EXTENSION))] = False
    return forces


def _savings(texts: Sequence[str], pairs: _Array) -> dict[Replace, _Array]:
    """Return the segments that each text would save with each option."""
    rows, codes = np.divmod(pairs, _SPAN)
    savings: dict[Replace, _Array] = {}
    for option in OPTIONS:
        table = {
            code: plain
            for code, character in ((code, chr(code)) for code in np.unique(codes).tolist())
            if (plain := replace_characters(character, option)) != character
        }
        touched = np.isin(codes, list(table))
        after = list(texts)
        for row, code in zip(rows[touched].tolist(), codes[touched].tolist(), strict=True):
            after[row] = after[row].replace(chr(code), table[code])
        places = _distinct(rows[touched]).tolist()
        _, now = measure_texts([texts[place] for place in places])
        _, then = measure_texts([after[place] for place in places])
        savings[option] = np.zeros(len(texts), dtype=np.int64)
        savings[option][places] = now - then
    return savings


def _composed(cell: str) -> str:
    """Return a cell as a text holds it; nothing where it cannot force Unicode."""
    plain = cell.isascii() and "`" not in cell and cell.isprintable()
    return "" if plain else unicodedata.normalize("NFC", cell)


def _in_any_case(cell: str) -> str:
    """Return every character that a filter such as `upper` may make of a cell."""
    composed = _composed(cell)
    return composed + composed.upper() + composed.lower() + composed.title()


@lru_cache(maxsize=4_096)
def mildest(character: str) -> Replace | None:
    """Return the mildest option that replaces a character, None when none does."""
    changing = (option for option in OPTIONS if replace_characters(character, option) != character)
    return next(changing, None)


def _name(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}")
