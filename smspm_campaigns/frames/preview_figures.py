"""The figures of a preview: each from the rows that will be sent, none larger than a few lines."""

import re
from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from smspm_campaigns.batches import count_requests
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.columns import STR, has_text, texts_of, with_columns
from smspm_campaigns.frames.placeholders import origin_of
from smspm_campaigns.frames.problems import BETWEEN_NOTES, check_code
from smspm_campaigns.frames.segments import GSM_PART, count_segments, split_segments
from smspm_campaigns.masking import mask_number, mask_text
from smspm_campaigns.vocabulary import (
    COST,
    COUNTRY,
    DETAIL,
    ENCODING,
    LINE,
    PROBLEM,
    PROBLEM_TITLES,
    SEGMENTS,
    SENDER,
    TEXT,
    TO,
    Problem,
)

EXAMPLE_ROWS: Final = 5  # row numbers shown for each problem

_LOOKED_AT: Final = (TO, COUNTRY, LINE, TEXT, ENCODING, SEGMENTS, COST, SENDER, DETAIL)
_FIGURES: Final = {SEGMENTS: "render_messages", COST: "estimate_costs"}  # and what makes them
_COUNTRIES: Final = 12  # countries shown; the others stand together
_SHOWN_PARTS: Final = 8  # segments shown of a sample; its caption tells how many there are
_SHOWN_CHARACTERS: Final = _SHOWN_PARTS * GSM_PART  # enough for that many segments
_PROBED: Final = 10_000  # rows looked at for the placeholders that make each text its own
_MAX_NOTE: Final = 2_000  # characters of a note that are looked at
_ALIKE: Final = 7  # last digits by which a number in a text is taken for the person's own
_DIGITS: Final = re.compile(r"\d(?:[\s()./-]{0,2}\d){6,}")


class Example(NamedTuple):
    """The first rows with a problem: their index labels, and what is said about the first."""

    rows: list[Any]
    detail: str


class Sample(NamedTuple):
    """A message as a phone shows it: its segments (the first few), and how many there are."""

    title: str
    number: str
    parts: tuple[str, ...]
    segments: int
    encoding: str


def to_be_sent(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to send, with the columns a preview looks at, which are a part of a frame's.

    Figures are numbers in it (a report that was read back has texts).
    """
    sent = ~has_text(frame, PROBLEM) & has_text(frame, TO) & has_text(frame, TEXT)
    shown = {frame.columns[place] for place in origin_of(frame).placeholders.values()}
    ready = frame.loc[:, frame.columns.isin([*_LOOKED_AT, *shown])]
    ready = ready if sent.all() else ready[sent]
    return with_columns(
        ready, **{name: _numbers(ready, name) for name in _FIGURES if name in ready}
    )


def _numbers(ready: pd.DataFrame, name: str) -> Any:
    try:
        return pd.to_numeric(ready[name])
    except (ValueError, TypeError):
        raise InvalidArgument(
            f"{name} holds something that is no number. Run {_FIGURES[name]} again."
        ) from None


def by_problem(frame: pd.DataFrame, *, masked: bool) -> "tuple[pd.Series[int], dict[str, Example]]":
    """Count the rows of each problem, the most frequent first, and show its first rows."""
    faulty = np.flatnonzero(has_text(frame, PROBLEM))
    codes = pd.Series(texts_of(frame.iloc[faulty], PROBLEM), index=faulty, dtype=STR)
    examples = {}
    for code, places in codes.groupby(codes, sort=False).indices.items():
        rows = codes.index[places[:EXAMPLE_ROWS]]
        note = _note(texts_of(frame.iloc[rows[:1]], DETAIL)[0], check_code(str(code)))
        examples[str(code)] = Example(
            frame.index[rows].tolist(), mask_text(note) if masked else note
        )
    return codes.value_counts().astype("Int64"), examples


def _note(cell: str, code: Problem) -> str:
    """Return what is said about a problem, without its title."""
    title = f"{PROBLEM_TITLES[code]}: "
    notes = (note for note in cell[:_MAX_NOTE].split(BETWEEN_NOTES) if note.startswith(title))
    return next(notes, "").removeprefix(title)


def requests_of(ready: pd.DataFrame, texts: list[str]) -> int:
    """Count the requests that sending these texts takes."""
    contents: Sequence[Hashable] = texts
    if SENDER in ready.columns:
        contents = list(zip(texts, texts_of(ready, SENDER), strict=True))
    return count_requests(texts_of(ready, TO), contents)


def because_of(ready: pd.DataFrame) -> tuple[str, ...]:
    """Name the placeholders that make the texts differ: the fewest that tell all of them apart.

    The one with most different values first, and another one only where it tells more texts apart.
    Of many rows, some at equal distances are looked at.
    """
    probed = ready.iloc[:: -(-len(ready) // _PROBED) or 1]
    texts, different = pd.factorize(probed[TEXT])
    codes = {
        name: pd.factorize(np.array([as_text(cell) for cell in probed.iloc[:, place]], object))[0]
        for name, place in origin_of(ready).placeholders.items()
    }
    # Only where each text has one value of a placeholder does the text show it.
    shown = [name for name in codes if _pairs(texts, codes[name]) == len(different)]
    named: list[str] = []
    together, apart = np.zeros(len(probed), dtype=np.int64), 1
    for name in sorted(shown, key=lambda name: (-codes[name].max(initial=0), name)):
        joined = pd.factorize(together * (len(probed) + 1) + codes[name])[0]
        told = int(joined.max(initial=-1)) + 1
        if apart < len(different) and told > apart:
            named.append(name)
            together, apart = joined, told
    return tuple(named)


def _pairs(texts: "np.ndarray[Any, Any]", values: "np.ndarray[Any, Any]") -> int:
    return len(np.unique(texts * (len(values) + 1) + values))


def by_encoding(ready: pd.DataFrame) -> pd.DataFrame:
    """Count messages and segments by encoding."""
    known = ready[ENCODING] if ENCODING in ready.columns else pd.Series("?", index=ready.index)
    which, names = pd.factorize(known.astype(STR).fillna("?"))
    segments = ready[SEGMENTS].fillna(0).to_numpy(dtype=np.int64)
    table = {
        "messages": np.bincount(which, minlength=len(names)),
        "segments": np.bincount(which, segments, minlength=len(names)).astype(np.int64),
    }
    return pd.DataFrame(table, index=pd.Index(names, name="encoding")).sort_index().astype("Int64")


def by_country(ready: pd.DataFrame, cost: "pd.Series[float]") -> pd.DataFrame:
    """Sum up messages, segments and cost by country; of many countries, the last stand together."""
    country = ready[COUNTRY].fillna("?") if COUNTRY in ready.columns else "?"
    figures = pd.DataFrame({"country": country, "segments": ready[SEGMENTS], "cost": cost})
    table = figures.groupby("country").agg(
        messages=("segments", "size"),
        segments=("segments", "sum"),
        cost=("cost", lambda prices: prices.sum(min_count=1)),
    )
    table = table.sort_values("messages", ascending=False, kind="stable")
    if len(table) > _COUNTRIES:
        rest = table.iloc[_COUNTRIES - 1 :].sum(min_count=1).rename("others")
        table = pd.concat([table.iloc[: _COUNTRIES - 1], rest.to_frame().T])
    table = table.rename_axis("country")
    return table.astype({"messages": "Int64", "segments": "Int64", "cost": "float64"})


def unpriced_countries(ready: pd.DataFrame, cost: "pd.Series[float]") -> tuple[str, ...]:
    """Name the countries of the messages without a price, those with most messages first."""
    without = pd.Series(texts_of(ready[cost.isna().to_numpy()], COUNTRY), dtype=STR)
    return tuple(without[without != ""].value_counts().index)


def samples_of(ready: pd.DataFrame, *, masked: bool) -> Iterator[Sample]:
    """Yield the first, the shortest and the longest text, and the dearest if that is another."""
    if not len(ready):
        return
    lengths = ready[TEXT].str.len().to_numpy(dtype=np.int64)
    segments = ready[SEGMENTS].fillna(0).to_numpy(dtype=np.int64)
    longest, dearest = int(lengths.argmax()), int(segments.argmax())
    places = {"First": 0, "Shortest": int(lengths.argmin()), "Longest": longest}
    if segments[dearest] > segments[longest]:
        places["Most segments"] = dearest
    titles: dict[int, str] = {}
    for title, place in places.items():
        titles[place] = f"{titles[place]}, {title.lower()}" if place in titles else title
    for place, title in titles.items():
        number, text = (str(ready[name].iloc[place]) for name in (TO, TEXT))
        known = texts_of(ready.iloc[[place]], ENCODING)[0]
        encoding = known or count_segments(text).encoding
        if masked:
            text = _DIGITS.sub(partial(_without_own_number, number=number), text)
            number = mask_number(number)
        parts = tuple(_first_parts(text, encoding))
        yield Sample(title, number, parts, int(segments[place]), encoding)


def _first_parts(text: str, encoding: str) -> list[str]:
    """Cut a text into its segments; of a very long one, only the beginning is looked at."""
    if len(text) > _SHOWN_CHARACTERS:
        # an ellipsis is Unicode, in which the beginning stays when it was the end that forced it
        text = text[:_SHOWN_CHARACTERS] + ("…" if encoding == "UCS-2" else "x")
    parts = split_segments(text)
    return parts if len(parts) <= _SHOWN_PARTS else [*parts[:_SHOWN_PARTS], "…"]


def _without_own_number(found: re.Match[str], number: str) -> str:
    """Mask a run of digits that is the person's own number; it stays as long as it is."""
    run = found[0]
    digits = re.sub(r"\D", "", run)
    if digits[-_ALIKE:] != number[-_ALIKE:]:
        return run
    shown = iter(mask_number(digits))
    return "".join(next(shown) if sign.isdigit() else sign for sign in run)
