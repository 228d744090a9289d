"""A report becomes one page that needs nothing else: what did it cost, and who did not get it?

Whatever stands in a file is shown, and does nothing: it is escaped, in one line, and signs that
steer, or turn the direction of writing, are written by their codes.
"""

import base64
from collections.abc import Hashable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import jinja2
import pandas as pd

from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.preview_views import in_a_line
from smspm_campaigns.masking import mask_number
from smspm_campaigns.reporting.charts import CHARTS
from smspm_campaigns.reporting.exports import Outcome, draft
from smspm_campaigns.reporting.tables import (
    costs,
    count_problems,
    delivery_times,
    failures,
    join,
    slim,
    summarize,
)
from smspm_campaigns.reporting.words import (
    LONGEST,
    LONGEST_NOTE,
    difference_of,
    duration,
    euros,
    is_nothing,
    line,
    money_of,
    named,
    rate_of,
    several,
)
from smspm_campaigns.vocabulary import COUNTRY, STATUS_TITLES, TO, Status

_LISTED: Final = 200  # rows to look at, and lines of any other table
_DPI: Final = 200  # dots per inch of a picture, for paper

#: Statuses a person has to look at, the most urgent first.
_ATTENTION: Final = (Status.UNKNOWN, Status.REFUSED, Status.FAILED, Status.UNCONFIRMED)

#: Who did not get it: columns of a summary, and the words behind their counts.
_LOST: Final = {
    "failed": "failed at the carrier",
    "refused": "refused by SMSPM",
    "unknown": "outcome unknown: may have been sent",
    "unconfirmed": "accepted, never confirmed",
    "open": "accepted, still open",
    "sending": "being sent",
    "planned": "not sent yet",
    "cancelled": "cancelled",
    "excluded": "excluded before sending",
}

#: What stands above each chart.
_CAPTIONS: Final = {
    "funnel": "From the file to the phone",
    "statuses": "Accepted, delivered and failed over time",
    "countries": "Delivery rate by country",
    "costs": "Expected and actual cost by country, EUR",
}


class Answer(NamedTuple):
    """A question of the first screen, its answer, and what more there is to say."""

    question: str
    answer: str
    more: list[str]


class Section(NamedTuple):
    """A table of the page. Columns from `numbers` on are numbers."""

    title: str
    note: str
    header: tuple[str, ...]
    numbers: int
    rows: list[tuple[str, ...]]


class Drawing(NamedTuple):
    """A chart: its caption, its PNG in base64, and what it shows in words."""

    caption: str
    png: str
    words: str


class Seen:
    """What the page keeps of a report, of which it sees one piece after the other."""

    def __init__(self, pieces: Iterator[pd.DataFrame]) -> None:
        self._rows: dict[Status, list[tuple[str, ...]]] = {status: [] for status in _ATTENTION}
        self.report = join(map(self._keep, pieces))

    @property
    def attention(self) -> list[tuple[str, ...]]:
        """The rows to look at, the most urgent first."""
        return list(chain.from_iterable(self._rows.values()))[:_LISTED]

    def _keep(self, piece: pd.DataFrame) -> pd.DataFrame:
        for status, kept in self._rows.items():
            found = piece[piece["sms_status"] == status].head(_LISTED - len(kept))
            kept.extend(_attention_rows(found))
        return slim(piece)


def to_html(outcome: Outcome, path: Path) -> None:
    """Write one page that needs nothing else: answers, charts, tables, and rows to look at.

    Args:
        outcome: what became of a campaign. Its pieces are read once, and one is held at a time.
        path: of the file. What is there stays until the new one is whole.

    Raises:
        OSError: the file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("smspm_campaigns.reporting", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with draft(path) as file:
        seen = Seen(outcome.pieces)
        page = environment.get_template("report.html.j2").render(
            title=in_a_line(outcome.title, LONGEST_NOTE),
            is_rehearsal=outcome.is_rehearsal,
            changed=_last_change(seen.report),
            answers=[_cost(seen.report), _lost(seen.report)],
            drawings=_drawings(seen.report),
            sections=[section for section in _sections(seen) if section.rows],
        )
        file.write_text(page, encoding="utf-8", errors="replace")


def _last_change(report: pd.DataFrame) -> str:
    last = report["sms_updated_at"].max()
    return "" if pd.isna(last) else f"{last:%Y-%m-%d %H:%M:%S}"


def _cost(report: pd.DataFrame) -> Answer:
    """Answer what it cost, and say what is not known of it."""
    (row,) = summarize(report).to_dict("records")
    question, sent, actual = "What did it cost?", row["sent"], row["actual_cost"]
    more = []
    if missing := row["unpriced"]:
        more.append(_without_price(missing, is_all=pd.isna(actual)))
    if row["unknown"]:
        more.append(f"{several(row['unknown'], 'row')} of unknown outcome may be billed besides")
    if not sent:
        return Answer(question, "Nothing", ["No message was accepted", *more])
    accepted = several(sent, "accepted message")
    more.insert(0, f"for {accepted} of {several(row['segments'], 'segment')}")
    if not pd.isna(row["expected_cost"]):
        more.append(_expectation(row, costs(report)["difference"].sum(min_count=1)))
    return Answer(question, "Not known" if pd.isna(actual) else f"{euros(actual)} EUR", more)


def _without_price(count: int, *, is_all: bool) -> str:
    """Say what is not in the bill; a price may never come, so none is promised."""
    asks = f"track asks for {'it' if count == 1 else 'them'}"
    if is_all:
        return f"{'its price is' if count == 1 else 'their prices are'} not known: {asks}"
    return f"without {several(count, 'message')} whose price is not known: {asks}"


def _expectation(row: dict[Hashable, Any], difference: float) -> str:
    """Say what was expected, and how far the bill is from it."""
    missing = row["unestimated"]
    said = f"{euros(row['expected_cost'])} EUR was expected"
    said += f" (without {several(missing, 'message')})" if missing else ""
    if pd.isna(difference):
        return said
    where = "where both are known, " if missing or row["unpriced"] else ""
    if is_nothing(difference):
        return f"{said}; {where}the bill is the same"
    side = "higher" if difference > 0 else "lower"
    return f"{said}; {where}the bill is {euros(abs(difference))} EUR {side}"


def _lost(report: pd.DataFrame) -> Answer:
    """Answer who did not get it, and why."""
    (row,) = summarize(report).to_dict("records")
    rows, delivered = row["rows"], row["delivered"]
    more = [f"{row[name]:,} {words}" for name, words in _LOST.items() if row[name]]
    if row["sent"]:
        interval = f"95% interval {row['rate_low']:.1%} to {row['rate_high']:.1%}"
        rate = f"{row['delivery_rate']:.1%} of the accepted ({interval})"
        more.append(f"{delivered:,} delivered, {rate}")
    lost = rows - delivered
    return Answer(
        "Who did not get it?", f"{lost:,} of {several(rows, 'row')}" if lost else "Nobody", more
    )


def _drawings(report: pd.DataFrame) -> list[Drawing]:
    drawings = []
    for kind, chart in CHARTS.items():
        table = chart.tabulate(report)
        png = base64.b64encode(chart.draw(table).png(_DPI)).decode("ascii")
        drawings.append(Drawing(_CAPTIONS[kind], png, chart.describe(table)))
    return drawings


def _sections(seen: Seen) -> Iterable[Section]:
    """Yield the tables of the page in their order."""
    report = seen.report
    lost = int(report["sms_status"].isin(_ATTENTION).sum())
    yield _countries(report)
    yield _bill(report)
    yield _times(report)
    yield _failures(report)
    yield Section(
        "Excluded before sending",
        "",
        ("Reason", "Rows"),
        1,
        [(str(reason), f"{count:,}") for reason, count in count_problems(report).items()],
    )
    header = ("Row", "Number", "Country", "Carrier", "Outcome", "What was said")
    note = f"{_first_of(lost)} The workbook has all of them." if lost > _LISTED else ""
    yield Section("Rows to look at", note, header, len(header), seen.attention)


def _countries(report: pd.DataFrame) -> Section:
    table = summarize(report, COUNTRY)
    header = ("Country", "Rows", "Accepted", "Delivered", "Rate (95% interval)", *_MONEY)
    rows = [
        (
            named(country, "no number"),
            *(f"{row[name]:,}" for name in ("rows", "sent", "delivered")),
            rate_of(row),
            *money_of(row),
        )
        for country, row in _lines(table)
    ]
    return Section("By country", _first_of(len(table)), header, 1, rows)


def _bill(report: pd.DataFrame) -> Section:
    table = costs(report)
    header = ("Country", "Carrier", "Accepted", "Segments", *_MONEY, "Difference")
    rows = [
        (
            named(country),
            named(carrier),
            *(f"{row[name]:,}" for name in ("sent", "segments")),
            *money_of(row),
            difference_of(row),
        )
        for (country, carrier), row in _lines(table)
    ]
    note = "The difference is of messages of which both prices are known."
    return Section(
        "Estimate against bill", f"{note} {_first_of(len(table))}".strip(), header, 2, rows
    )


def _times(report: pd.DataFrame) -> Section:
    whole, table = delivery_times(report), delivery_times(report, COUNTRY)
    rows: list[tuple[str, ...]] = [
        (name, f"{row['delivered']:,}", duration(row["median"]), duration(row["p95"]))
        for name, row in (
            *(("all", row) for _, row in _lines(whole) if row["delivered"]),
            *((named(country), row) for country, row in _lines(table)),
        )
    ]
    note = (
        "From acceptance until the delivery was known here. That is later than the phone rang: "
        "SMSPM is asked now and then."
    )
    header = ("Country", "Delivered", "Half within", "95% within")
    return Section("Time to delivery", f"{note} {_first_of(len(table))}".strip(), header, 1, rows)


def _failures(report: pd.DataFrame) -> Section:
    table = failures(report)
    names = ("sent", "failed", "refused", "unknown", "unconfirmed")
    rows = [
        (
            named(carrier),
            named(country),
            *(f"{row[name]:,}" for name in names),
            "" if pd.isna(row["failure_rate"]) else f"{row['failure_rate']:.1%}",
        )
        for (carrier, country), row in _lines(table)
    ]
    header = (
        "Carrier", "Country", "Accepted", "Failed", "Refused", "Unknown", "Unconfirmed",
        "Failed of accepted",
    )  # fmt: skip
    return Section("Failures by carrier and country", _first_of(len(table)), header, 2, rows)


def _attention_rows(rows: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    names = (TO, COUNTRY, "sms_carrier", "sms_status", "sms_error")
    for label, (to, country, carrier, status, error) in zip(
        rows.index, zip(*(rows[name] for name in names), strict=True), strict=True
    ):
        yield (
            line(label),
            in_a_line(mask_number(as_text(to)), LONGEST),
            named(country, ""),
            named(carrier, ""),
            STATUS_TITLES[Status(status)],
            line(error, LONGEST_NOTE),
        )


_MONEY: Final = ("Expected EUR", "Actual EUR")


def _lines(table: pd.DataFrame) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the labels and cells of the first lines of a table."""
    head = table.head(_LISTED)
    yield from zip(head.index, head.to_dict("records"), strict=True)


def _first_of(count: int) -> str:
    return f"The first {_LISTED} of {count:,}." if count > _LISTED else ""
