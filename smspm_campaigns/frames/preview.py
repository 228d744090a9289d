"""A messages frame becomes what will happen, as something to look at."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import pandas as pd

from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.columns import check_argument, check_frame, texts_of
from smspm_campaigns.frames.costs import in_euros
from smspm_campaigns.frames.encoding import Explanation, explain
from smspm_campaigns.frames.preview_figures import (
    Example,
    Sample,
    because_of,
    by_country,
    by_encoding,
    by_problem,
    requests_of,
    samples_of,
    to_be_sent,
    unpriced_countries,
)
from smspm_campaigns.frames.preview_views import (
    WIDTH,
    Message,
    Page,
    as_html,
    as_plain_text,
    in_a_line,
    short_name,
)
from smspm_campaigns.frames.preview_warnings import count_two_readings, warnings_of
from smspm_campaigns.frames.replaced import Replacements, read_replaced, shown
from smspm_campaigns.vocabulary import (
    COST,
    DETAIL,
    PROBLEM_TITLES,
    REQUESTS_PER_MINUTE,
    SEGMENTS,
    TEXT,
    TO,
    Problem,
)

_LISTED: Final = 4  # characters told of those that were replaced, or force Unicode
_NAMED: Final = 3  # placeholders to blame, countries without a price
_MAX_SENTENCE: Final = 140  # characters of what is said about a row


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
        examples: for each problem code, the index labels of its first rows, and what is said about
            the first of them.
        messages: rows that will be sent.
        texts: distinct texts among them.
        requests: requests they will take, the least possible number.
        because_of: the placeholders that make the texts differ; none when all are one text.
        segments: segments of all messages.
        encodings: a frame by encoding: messages, segments.
        cost: expected EUR of the messages that have a price, None when none has.
        unpriced: messages whose price is not known.
        unpriced_countries: their countries, those with most messages first.
        countries: a frame by country: messages, segments, cost.
        two_readings: messages whose number is valid with a country code and without one, so that
            another country could be meant; `sms_detail` says which was taken.
        replaced: what `replace=` changed in the texts, and the segments it saved.
        forced: which characters force Unicode, as `explain_encoding` tells, and the sums.
        duration: the time sending takes at the client's rate; tracking asks once per message.
        tracking: the time one round of asking for statuses takes.
        samples: the first, the shortest, the longest message, and that of most segments.
        warnings: sentences about what to look at before sending.
        show_numbers: whether numbers are shown whole.
    """

    rows: int
    problems: "pd.Series[int]"
    examples: dict[str, Example]
    messages: int
    texts: int
    requests: int
    because_of: tuple[str, ...]
    segments: int
    encodings: pd.DataFrame
    cost: float | None
    unpriced: int
    unpriced_countries: tuple[str, ...]
    countries: pd.DataFrame
    two_readings: int
    replaced: Replacements
    forced: Explanation
    duration: pd.Timedelta
    tracking: pd.Timedelta
    samples: tuple[Sample, ...]
    warnings: tuple[str, ...]
    show_numbers: bool

    def __str__(self) -> str:
        return self.as_text()

    __repr__ = __str__

    def as_text(self, width: int = WIDTH, words: Callable[[str], str] = str) -> str:
        """Write it for a terminal of so many columns; `words` may put sentences in other words."""
        return as_plain_text(self._page().put(words), width)

    def as_html(self, words: Callable[[str], str] = str) -> str:
        """Write it as a block of HTML, escaped; `words` may put sentences in other words."""
        return as_html(self._page().put(words))

    def _repr_html_(self) -> str:
        return self.as_html()

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """The sums as a person reads them, each with its title."""
        return (
            ("Messages", self._messages()),
            ("Requests", self._requests()),
            ("Segments", self._segments()),
            ("Cost", self._cost()),
            ("Time", self._time()),
        )

    def _page(self) -> Page:
        lists = (
            ("Not sent", tuple(self._problem_lines())),
            ("By country", tuple(self._country_lines())),
            ("Replaced", tuple(self._replaced_lines())),
            ("Forces Unicode", tuple(self._forced_lines())),
        )
        return Page(
            warnings=self.warnings,
            figures=self.figures,
            lists=tuple((title, lines) for title, lines in lists if lines),
            messages=tuple(map(_message, self.samples)),
        )

    def _messages(self) -> str:
        left_out = self.rows - self.messages
        return f"{self.messages:,} of {self.rows:,} rows; {left_out:,} will not be sent"

    def _requests(self) -> str:
        if self.texts <= 1:
            return f"{self.requests:,}" + (", one text for all" if self.messages > 1 else "")
        told = "one per text" if self.texts == self.requests else f"for {self.texts:,} texts"
        told = "one per person" if self.texts == self.messages else told
        if not self.because_of:
            return f"{self.requests:,}, {told}"
        names = [f"{{{{ {short_name(name)} }}}}" for name in self.because_of[:_NAMED]]
        others = " and others" if len(self.because_of) > _NAMED else ""
        return f"{self.requests:,}, {told} because of {' and '.join(names)}{others}"

    def _segments(self) -> str:
        parts = [
            f"{row['segments']:,} {short_name(str(name))} in {_count(row['messages'], 'message')}"
            for name, row in self.encodings.iterrows()
            if name != "?"
        ]
        return f"{self.segments:,}" + (f" ({', '.join(parts)})" if parts else "")

    def _cost(self) -> str:
        if self.cost is None:
            return "not known: no prices were given" if self.messages else "nothing to send"
        if not self.unpriced:
            return f"about {_euros(self.cost)}"
        names = [short_name(name) for name in self.unpriced_countries[:_NAMED]]
        names += ["…"] if len(self.unpriced_countries) > _NAMED else []
        where = f" ({', '.join(names)})" if names else ""
        return (
            f"about {_euros(self.cost)}, and {_count(self.unpriced, 'message')} "
            f"without a price{where}"
        )

    def _time(self) -> str:
        if not self.messages:
            return "nothing to send"
        if not self.duration:
            return "no rate limit on the simulator"
        return f"sending {_span(self.duration)}, each round of tracking {_span(self.tracking)}"

    def _problem_lines(self) -> Iterator[str]:
        for code, count in zip(self.problems.index, self.problems, strict=True):
            rows, detail = self.examples[code]
            labels = ", ".join(
                short_name(as_text(label), masked=not self.show_numbers) for label in rows
            )
            labels += ", …" if count > len(rows) else ""
            line = f"{count:,} {PROBLEM_TITLES[Problem(code)].lower()} (row {labels})"
            detail = in_a_line(detail, _MAX_SENTENCE)
            if detail:
                line += f": {detail}" if count == 1 else f", such as: {detail}"
            yield line

    def _country_lines(self) -> Iterator[str]:
        for country, row in self.countries.iterrows():
            cost = "no price" if pd.isna(row["cost"]) else _euros(row["cost"])
            counts = f"{_count(row['messages'], 'message')}, {_count(row['segments'], 'segment')}"
            yield f"{short_name(str(country))}: {counts}, {cost}"

    def _replaced_lines(self) -> Iterator[str]:
        texts, saved, changes = self.replaced
        if texts:
            yield f"{_count(texts, 'text')} changed, {_saved(saved)}"
        told = [f"{old} by {new} in {n:,}" for (old, new), n in changes.items()]
        if told:
            others = f", and {len(told) - _LISTED:,} more" if len(told) > _LISTED else ""
            yield f"{', '.join(told[:_LISTED])}{others}"

    def _forced_lines(self) -> Iterator[str]:
        table = self.forced.table
        helped = table[table["replace"].notna()].sort_values(
            ["segments_saved", "rows"], ascending=False, kind="stable"
        )
        for found in helped.head(_LISTED).to_dict("records"):
            yield (
                f"{shown(found['character'])} ({found['name'].lower()}) {_source(found['column'])} "
                f"in {_count(found['rows'], 'message')}"
            )
        if len(helped) > _LISTED:
            yield f"{len(helped) - _LISTED:,} more, which explain_encoding(frame) lists"
        for column, messages in self.forced.stuck[:_NAMED]:
            yield f"{self._stuck(column)} {_source(column)} in {_count(messages, 'message')}"
        told = 0
        for option, saved in self.forced.saved.items():
            if saved != told:
                yield f"replace='{option}' would {_saving(saved)}"
            told = saved

    def _stuck(self, column: str | None) -> str:
        table = self.forced.table[self.forced.table["replace"].isna()]
        from_there = table["column"].isna() if column is None else table["column"] == column
        characters = [shown(character) for character in table[from_there]["character"]]
        others = f" and {len(characters) - _LISTED:,} more" if len(characters) > _LISTED else ""
        return f"{' '.join(characters[:_LISTED])}{others}, which nothing replaces,"


def _message(sample: Sample) -> Message:
    size = f"{_count(sample.segments, 'segment')}, {sample.encoding}"
    return Message(f"{sample.title}, to {sample.number} ({size})", sample.parts)


def _count(count: int, what: str) -> str:
    return f"{count:,.0f} {what}" + "s" * (count != 1)


def _euros(amount: float) -> str:
    """Write an amount in cents, or in more digits where it is less than one."""
    return f"{in_euros(amount, 2 if amount >= 0.01 or not amount else 4)} EUR"


def _saving(segments: int) -> str:
    if segments < 0:
        return f"take {_count(-segments, 'segment')} more"
    return f"save {_count(segments, 'segment')}"


def _saved(segments: int) -> str:
    if segments < 0:
        return f"{_count(-segments, 'segment')} more"
    return f"{_count(segments, 'segment')} saved" if segments else "no segment saved"


def _source(column: str | None) -> str:
    if not isinstance(column, str):
        return "from the template"
    return f"from the column '{short_name(column)}'"


def _span(time: pd.Timedelta) -> str:
    """Write a time as a person says it."""
    minutes = time.total_seconds() / 60
    if minutes < 2:
        return f"about {time.total_seconds():.0f} s"
    return f"about {minutes:.0f} min" if minutes < 120 else f"about {minutes / 60:.1f} h"


def preview(
    frame: pd.DataFrame, *, client: _Paced | None = None, show_numbers: bool = False
) -> Preview:
    """Say what will happen: to whom, what, who not and why, how many requests, how long, what cost.

    Args:
        frame: with `sms_to`, `sms_text` and `sms_segments`.
        client: the `Client` to send with, for its rate; 100 requests a minute without one.
        show_numbers: True shows numbers whole; they are masked by default.

    Returns:
        A `Preview`, whose size does not grow with the frame.

    Warns:
        SmspmWarning: no text tells how to opt out.

    Raises:
        ColumnNotFound: numbers or texts are not there yet; the step that makes them is named.
        InvalidArgument: an argument or a cell of ours cannot be meant.

    Example:
        >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
        >>> preview(frame.assign(sms_segments=1)).requests
        1
    """
    check_frame(frame, TO, TEXT, SEGMENTS)
    fits = client is None or isinstance(client, _Paced)
    check_argument("client", client, "the Client to send with", fits=fits)
    is_bool = isinstance(show_numbers, bool)
    check_argument("show_numbers", show_numbers, "True or False", fits=is_bool)
    ready = to_be_sent(frame)
    rate = REQUESTS_PER_MINUTE if client is None else client.requests_per_minute
    texts = texts_of(ready, TEXT)
    requests = requests_of(ready, texts)
    different = len(set(texts))
    cost = ready[COST] if COST in ready.columns else pd.Series(index=ready.index, dtype="float64")
    problems, examples = by_problem(frame, masked=not show_numbers)
    return Preview(
        rows=len(frame),
        problems=problems,
        examples=examples,
        messages=len(ready),
        texts=different,
        requests=requests,
        because_of=because_of(ready) if different > 1 else (),
        segments=int(ready[SEGMENTS].sum()),
        encodings=by_encoding(ready),
        cost=None if cost.isna().all() else math.fsum(cost.dropna()),
        unpriced=int(cost.isna().sum()),
        unpriced_countries=unpriced_countries(ready, cost),
        countries=by_country(ready, cost),
        two_readings=count_two_readings(ready),
        replaced=read_replaced(texts_of(ready, DETAIL)),
        forced=explain(ready),
        duration=_at_rate(requests, rate),
        tracking=_at_rate(len(ready), rate),
        samples=tuple(samples_of(ready, masked=not show_numbers)),
        warnings=tuple(warnings_of(frame, ready, texts, masked=not show_numbers)),
        show_numbers=show_numbers,
    )


def _at_rate(requests: int, rate: float | None) -> pd.Timedelta:
    return pd.Timedelta(seconds=requests * 60 / rate if rate else 0)
