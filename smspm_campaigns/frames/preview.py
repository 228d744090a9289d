"""A messages frame becomes what will happen, as something to look at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from smspm_campaigns.batches import Item, count_requests
from smspm_campaigns.exceptions import warn
from smspm_campaigns.frames.cells import as_text, is_blank
from smspm_campaigns.frames.columns import STR, check_argument, check_frame, texts_of, with_columns
from smspm_campaigns.frames.problems import has_note, sendable
from smspm_campaigns.frames.segments import split_segments
from smspm_campaigns.masking import mask_number, mask_text
from smspm_campaigns.vocabulary import (
    COLUMNS,
    COST,
    COUNTRY,
    ENCODING,
    LINE,
    PROBLEM,
    PROBLEM_TITLES,
    PROBLEMS,
    REQUESTS_PER_MINUTE,
    SEGMENTS,
    SENDER,
    TEXT,
    TO,
    TWO_READINGS,
    Problem,
)

_EXAMPLE_ROWS: Final = 5  # row numbers shown for each problem
_COUNTRIES: Final = 12  # countries shown; the others stand together
_SHOWN_PARTS: Final = 8  # segments shown of a sample; the figures tell how many there are
_PROBED: Final = 200  # texts looked into for the placeholder that makes each one different
_BORDER: Final = "┆"  # stands where one segment ends and the next begins
_NO_OPT_OUT: Final = "No text says how to opt out. Add a line such as 'Reply STOP to opt out'."

#: Words by which a text is taken to say how to opt out, in the languages of our users.
_OPT_OUT: Final = re.compile(
    r"\bstop\b|\bopt.?out|unsubscribe|abmeld|abbestell|d[ée]sabonn|d[ée]sinscri|avregistrer|avsluta"
    r"|loobu|peruuta|atsisaky|atteik|zrezygn|wypisz|отпис|отказ|\bbaja\b|cancelar|disiscri",
    re.IGNORECASE,
)


@runtime_checkable
class _Paced(Protocol):
    """What the preview wants to know of a client."""

    @property
    def requests_per_minute(self) -> float | None: ...


@dataclass(frozen=True, eq=False)
class Preview:
    """What a campaign will do, in figures; shown as a block in a notebook and as text elsewhere.

    Attributes:
        rows: rows of the frame.
        problems: rows by problem code, a Series of Int64, most frequent first.
        examples: for each problem code, the index labels of its first rows.
        messages: rows that will be sent.
        texts: distinct texts among them.
        requests: requests they will take, the least possible number.
        each_its_own: the column that makes one request per person, None when texts are shared.
        segments: segments of all messages.
        encodings: messages by encoding, a Series of Int64.
        cost: expected EUR of the messages that have a price, None when none has.
        unpriced: messages whose price is not known.
        countries: a frame by country: messages, segments, cost.
        two_readings: messages whose number is valid with a country code and without one, so that
            another country could be meant; `sms_detail` says which was taken.
        duration: the time sending takes at the client's rate; tracking asks once per message.
        tracking: the time one round of asking for statuses takes.
        samples: the first, the shortest and the longest message: (title, masked number, text).
        warnings: sentences about what to look at before sending.
    """

    rows: int
    problems: "pd.Series[int]"
    examples: dict[str, list[Any]]
    messages: int
    texts: int
    requests: int
    each_its_own: str | None
    segments: int
    encodings: "pd.Series[int]"
    cost: float | None
    unpriced: int
    countries: pd.DataFrame
    two_readings: int
    duration: pd.Timedelta
    tracking: pd.Timedelta
    samples: tuple[tuple[str, str, str], ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"{key + ':':<11}{value}" for key, value in self._figures()]
        parts += self._indented("Not sent:", self._problem_lines())
        parts += self._indented("By country:", self._country_lines())
        for title, number, text in self.samples:
            shown = _BORDER.join(_shown_parts(text)).replace("\n", "\n  ")
            parts += [f"{title}, to {number}:", f"  {shown}"]
        parts += [f"Look at this: {warning}" for warning in self.warnings]
        return "\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        figures = "".join(
            f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>"
            for key, value in self._figures()
        )
        samples = "".join(
            f"<figure><figcaption>{escape(title)}, to {escape(number)}</figcaption>"
            f"<p>{_bubble(text)}</p></figure>"
            for title, number, text in self.samples
        )
        notes = "".join(f'<p class="note">{escape(warning)}</p>' for warning in self.warnings)
        return (
            f'<div class="smspm-preview">{_STYLE}{notes}<table>{figures}</table>'
            f"{_list('Not sent', self._problem_lines())}"
            f"{_list('By country', self._country_lines())}"
            f'<div class="texts">{samples}</div></div>'
        )

    def _figures(self) -> list[tuple[str, str]]:
        left_out = self.rows - self.messages
        requests = f"{self.requests:,}"
        if self.each_its_own:
            requests += f", one per person because of {mask_text(self.each_its_own)}"
        elif self.requests:
            requests += f", {self.texts:,} different texts"
        encodings = ", ".join(f"{count:,} {name}" for name, count in self.encodings.items())
        return [
            ("Messages", f"{self.messages:,} of {self.rows:,} rows; {left_out:,} will not be sent"),
            ("Requests", requests),
            ("Segments", f"{self.segments:,}" + (f" ({encodings})" if encodings else "")),
            ("Cost", self._cost()),
            ("Time", self._time()),
        ]

    def _cost(self) -> str:
        if self.cost is None:
            return "not known: no prices were given" if self.messages else "nothing to send"
        rest = f", and {self.unpriced:,} messages without a price" if self.unpriced else ""
        return f"about {self.cost:,.2f} EUR{rest}"

    def _time(self) -> str:
        if not self.messages:
            return "nothing to send"
        if not self.duration:
            return "no rate limit on the simulator"
        return f"sending {_span(self.duration)}, each round of tracking {_span(self.tracking)}"

    def _problem_lines(self) -> list[str]:
        lines = []
        for code, count in zip(self.problems.index, self.problems, strict=True):
            shown = self.examples[code]
            rows = ", ".join(mask_text(as_text(label)) for label in shown)
            rows += ", …" if count > len(shown) else ""
            lines.append(f"{count:,} {PROBLEM_TITLES[Problem(code)].lower()} (row {rows})")
        return lines

    def _country_lines(self) -> list[str]:
        lines = []
        for country, row in self.countries.iterrows():
            cost = "no price" if pd.isna(row["cost"]) else f"{row['cost']:,.2f} EUR"
            counts = f"{row['messages']:,.0f} messages, {row['segments']:,.0f} segments"
            lines.append(f"{country}: {counts}, {cost}")
        return lines

    @staticmethod
    def _indented(title: str, lines: Iterable[str]) -> list[str]:
        lines = [f"  {line}" for line in lines]
        return [title, *lines] if lines else []


def preview(frame: pd.DataFrame, *, client: _Paced | None = None) -> Preview:
    """Say what will happen: to whom, what, who not and why, how many requests, how long, what cost.

    Args:
        frame: with `sms_to`, `sms_text` and `sms_segments`.
        client: the `Client` to send with, for its rate; 100 requests a minute without one.

    Returns:
        A `Preview`. Numbers in it are masked, and its size does not grow with the frame.

    Warns:
        SmspmWarning: no text tells how to opt out.

    Example:
        >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
        >>> preview(frame.assign(sms_segments=1)).requests
        1
    """
    check_frame(frame, TO, TEXT, SEGMENTS)
    fits = client is None or isinstance(client, _Paced)
    check_argument("client", client, "the Client to send with", fits=fits)
    ready = _to_be_sent(frame)
    rate = REQUESTS_PER_MINUTE if client is None else client.requests_per_minute
    requests = count_requests(_items(ready))
    texts = ready[TEXT].nunique()
    cost = ready[COST] if COST in ready.columns else pd.Series(index=ready.index, dtype="float64")
    two_readings = int(has_note(ready, TWO_READINGS).sum())
    alarms = _no_opt_out(ready)
    for alarm in alarms:
        warn(alarm)
    codes = pd.Series(texts_of(frame, PROBLEM), index=frame.index, dtype=STR)
    codes = codes[codes != ""]
    return Preview(
        rows=len(frame),
        problems=codes.value_counts().astype("Int64"),
        examples={
            code: list(same.index[:_EXAMPLE_ROWS])
            for code, same in codes.groupby(codes, sort=False)
        },
        messages=len(ready),
        texts=texts,
        requests=requests,
        each_its_own=_what_differs(ready) if texts == len(ready) > 1 else None,
        segments=int(ready[SEGMENTS].sum()),
        encodings=_encodings(ready),
        cost=None if cost.isna().all() else float(cost.sum()),
        unpriced=int(cost.isna().sum()),
        countries=_by_country(ready, cost),
        two_readings=two_readings,
        duration=_at_rate(requests, rate),
        tracking=_at_rate(len(ready), rate),
        samples=_samples(ready),
        warnings=(
            *alarms,
            *_read_twice(two_readings),
            *_landlines(ready),
            *_copies_of_faulty_rows(frame),
        ),
    )


def _to_be_sent(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to send, with figures as numbers (a report that was read back has texts)."""
    ready = sendable(frame)
    complete = zip(texts_of(ready, TO), texts_of(ready, TEXT), strict=True)
    ready = ready[np.array([bool(number and text) for number, text in complete], dtype=bool)]
    figures = {name: pd.to_numeric(ready[name]) for name in (SEGMENTS, COST) if name in ready}
    return with_columns(ready, **figures)


def _encodings(ready: pd.DataFrame) -> "pd.Series[int]":
    known = ready[ENCODING] if ENCODING in ready.columns else pd.Series(dtype=STR)
    return known.value_counts().astype("Int64")


def _items(ready: pd.DataFrame) -> Iterable[Item]:
    senders = ready[SENDER].fillna("") if SENDER in ready.columns else [""] * len(ready)
    contents = zip(ready[TEXT], senders, strict=True)
    return map(Item, range(len(ready)), ready[TO], contents)


def _no_opt_out(ready: pd.DataFrame) -> tuple[str, ...]:
    if not len(ready) or any(_OPT_OUT.search(text) for text in ready[TEXT].unique()):
        return ()
    return (_NO_OPT_OUT,)


def _read_twice(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    what = "1 number is" if count == 1 else f"{count:,} numbers are"
    sentence = (
        f"{what} valid with a country code and without one; sms_detail says how each was read. "
        "Write a plus before those that have a country code."
    )
    return (sentence,)


def _landlines(ready: pd.DataFrame) -> tuple[str, ...]:
    count = texts_of(ready, LINE).count("fixed_line")
    if not count:
        return ()
    what = "1 number is a landline" if count == 1 else f"{count:,} numbers are landlines"
    return (f"{what}, which may not receive an SMS; mobile_only=True leaves them out.",)


def _copies_of_faulty_rows(frame: pd.DataFrame) -> tuple[str, ...]:
    """Say who could be sent a duplicate, since the row that is kept has a problem of its own."""
    kept, copies = set(), set()
    for number, codes in zip(texts_of(frame, TO), texts_of(frame, PROBLEMS), strict=True):
        if codes == Problem.DUPLICATE:
            copies.add(number)
        elif codes and Problem.DUPLICATE not in codes.split():
            kept.add(number)
    count = len(kept & copies)
    if not count:
        return ()
    who = "1 person is" if count == 1 else f"{count:,} people are"
    sentence = (
        f"{who} left out although another row of theirs could be sent: the row that was kept has "
        "a problem. Mend it, or drop it and run mark_duplicates again."
    )
    return (sentence,)


def _what_differs(ready: pd.DataFrame) -> str:
    """Name the column whose value stands in each text and differs most."""
    probed = ready.head(_PROBED)
    best, most = "their own texts", 1
    for name in probed.columns:
        values = [as_text(value) for value in probed[name]] if name not in COLUMNS else []
        if len(set(values)) > most and all(
            not is_blank(value) and value in text
            for value, text in zip(values, probed[TEXT], strict=False)
        ):
            best, most = str(name), len(set(values))
    return best


def _by_country(ready: pd.DataFrame, cost: "pd.Series[float]") -> pd.DataFrame:
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


def _at_rate(requests: int, rate: float | None) -> pd.Timedelta:
    return pd.Timedelta(seconds=requests * 60 / rate if rate else 0)


def _samples(ready: pd.DataFrame) -> tuple[tuple[str, str, str], ...]:
    if not len(ready):
        return ()
    lengths = ready[TEXT].str.len().to_numpy()
    places = {"First": 0, "Shortest": int(lengths.argmin()), "Longest": int(lengths.argmax())}
    chosen: dict[int, str] = {}
    for title, place in places.items():
        chosen[place] = f"{chosen[place]}, {title.lower()}" if place in chosen else title
    return tuple(
        (title, mask_number(ready[TO].iloc[place]), ready[TEXT].iloc[place])
        for place, title in chosen.items()
    )


def _span(time: pd.Timedelta) -> str:
    """Write a time as a person says it."""
    minutes = time.total_seconds() / 60
    if minutes < 2:
        return f"about {time.total_seconds():.0f} s"
    return f"about {minutes:.0f} min" if minutes < 120 else f"about {minutes / 60:.1f} h"


def _shown_parts(text: str) -> list[str]:
    parts = split_segments(text)
    return parts if len(parts) <= _SHOWN_PARTS else [*parts[:_SHOWN_PARTS], "…"]


def _bubble(text: str) -> str:
    parts = (escape(part).replace("\n", "<br>") for part in _shown_parts(text))
    return f'<span class="border" title="a segment ends here">{_BORDER}</span>'.join(parts)


def _list(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section><h4>{title}</h4><ul>{items}</ul></section>" if items else ""


#: Colours are those of the page around the block, so that it reads well in light and dark themes.
_STYLE: Final = """<style>
.smspm-preview { max-width: 46em; line-height: 1.4 }
.smspm-preview table { border-collapse: collapse; color: inherit; margin: .5em 0 }
.smspm-preview th { text-align: left; padding: .15em 1em .15em 0; font-weight: 600 }
.smspm-preview td { text-align: left; padding: .15em 0 }
.smspm-preview h4 { margin: .6em 0 .1em }
.smspm-preview ul { margin: 0; padding-left: 1.2em }
.smspm-preview .texts { display: flex; flex-wrap: wrap; gap: .8em; margin-top: .8em }
.smspm-preview figure { margin: 0; flex: 1 1 13em; max-width: 20em }
.smspm-preview figcaption { font-size: .85em; opacity: .75 }
.smspm-preview figure p { margin: .2em 0; padding: .6em .8em; border-radius: 1em;
  border: 1px solid currentColor; white-space: pre-wrap; overflow-wrap: anywhere }
.smspm-preview .border { color: #c05621; font-weight: 700; padding: 0 .15em }
.smspm-preview .note { border-left: .3em solid #c05621; padding: .2em .6em; margin: .4em 0 }
</style>"""
