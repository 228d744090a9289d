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
from smspm_campaigns.masking import mask_number, mask_text
from smspm_campaigns.reporting.charts import CHARTS
from smspm_campaigns.reporting.exports import Outcome, draft
from smspm_campaigns.reporting.tables import (
    costs,
    count_problems,
    delivery_times,
    failures,
    in_euros,
    join,
    slim,
    summarize,
)
from smspm_campaigns.vocabulary import COUNTRY, STATUS_TITLES, TO, Status

_LISTED: Final = 200  # rows to look at, and lines of any other table
_LONGEST: Final = 60  # characters of a name
_LONGEST_NOTE: Final = 200  # characters of what was said of a row
_CENT: Final = 0.01  # EUR; less is written with more digits
_DIGITS: Final = 6  # of an amount; what floats lose behind them is no difference
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
            title=in_a_line(outcome.title, _LONGEST_NOTE),
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
        more.append(f"{_several(row['unknown'], 'row')} of unknown outcome may be billed besides")
    if not sent:
        return Answer(question, "Nothing", ["No message was accepted", *more])
    accepted = _several(sent, "accepted message")
    more.insert(0, f"for {accepted} of {_several(row['segments'], 'segment')}")
    if not pd.isna(row["expected_cost"]):
        more.append(_expectation(row, costs(report)["difference"].sum(min_count=1)))
    return Answer(question, "Not known" if pd.isna(actual) else f"{_euro(actual)} EUR", more)


def _without_price(count: int, *, is_all: bool) -> str:
    """Say what is not in the bill; a price may never come, so none is promised."""
    asks = f"track asks for {'it' if count == 1 else 'them'}"
    if is_all:
        return f"{'its price is' if count == 1 else 'their prices are'} not known: {asks}"
    return f"without {_several(count, 'message')} whose price is not known: {asks}"


def _expectation(row: dict[Hashable, Any], difference: float) -> str:
    """Say what was expected, and how far the bill is from it."""
    missing = row["unestimated"]
    said = f"{_euro(row['expected_cost'])} EUR was expected"
    said += f" (without {_several(missing, 'message')})" if missing else ""
    if pd.isna(difference):
        return said
    where = "where both are known, " if missing or row["unpriced"] else ""
    if round(difference, _DIGITS) == 0:
        return f"{said}; {where}the bill is the same"
    side = "higher" if difference > 0 else "lower"
    return f"{said}; {where}the bill is {_euro(abs(difference))} EUR {side}"


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
        "Who did not get it?", f"{lost:,} of {_several(rows, 'row')}" if lost else "Nobody", more
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
            _named(country, "no number"),
            *(f"{row[name]:,}" for name in ("rows", "sent", "delivered")),
            _rate(row),
            *_money(row),
        )
        for country, row in _lines(table)
    ]
    return Section("By country", _first_of(len(table)), header, 1, rows)


def _bill(report: pd.DataFrame) -> Section:
    table = costs(report)
    header = ("Country", "Carrier", "Accepted", "Segments", *_MONEY, "Difference")
    rows = [
        (
            _named(country),
            _named(carrier),
            *(f"{row[name]:,}" for name in ("sent", "segments")),
            *_money(row),
            _difference(row),
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
        (name, f"{row['delivered']:,}", _duration(row["median"]), _duration(row["p95"]))
        for name, row in (
            *(("all", row) for _, row in _lines(whole) if row["delivered"]),
            *((_named(country), row) for country, row in _lines(table)),
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
            _named(carrier),
            _named(country),
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
            _line(label),
            in_a_line(mask_number(as_text(to)), _LONGEST),
            _named(country, ""),
            _named(carrier, ""),
            STATUS_TITLES[Status(status)],
            _line(error, _LONGEST_NOTE),
        )


_MONEY: Final = ("Expected EUR", "Actual EUR")


def _lines(table: pd.DataFrame) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the labels and cells of the first lines of a table."""
    head = table.head(_LISTED)
    yield from zip(head.index, head.to_dict("records"), strict=True)


def _first_of(count: int) -> str:
    return f"The first {_LISTED} of {count:,}." if count > _LISTED else ""


def _line(value: Any, most: int = _LONGEST) -> str:
    """Write a cell in one line: steering signs visible, numbers masked before it is cut."""
    return in_a_line(mask_text(in_a_line(as_text(value), 5 * most)), most)


def _named(label: Any, unknown: str = "not known") -> str:
    return _line(label) or unknown


def _money(row: dict[str, Any]) -> tuple[str, str]:
    """Write the expected and the actual cost of what was sent, and what is not in them."""
    if not row["sent"]:
        return "", ""
    return (
        _partly(row["expected_cost"], row["unestimated"]),
        _partly(row["actual_cost"], row["unpriced"]),
    )


def _partly(cost: Any, missing: int) -> str:
    """Write a cost, and of how many messages none is known."""
    return _euro(cost) + (f" (without {missing:,})" if missing and not pd.isna(cost) else "")


def _several(count: int, name: str) -> str:
    return f"{count:,} {name}" + ("" if count == 1 else "s")


def _euro(value: Any, sign: str = "") -> str:
    if pd.isna(value):
        return "not known"
    return in_euros(value, 4 if 0 < abs(value) < _CENT else 2, sign)


def _signed(value: float) -> str:
    value = round(value, _DIGITS)
    return _euro(value, "+") if value else "0.00"


def _difference(row: dict[str, Any]) -> str:
    if pd.isna(row["difference"]):
        return ""
    difference, share = _signed(row["difference"]), row["difference_share"]
    return difference if pd.isna(share) else f"{difference} ({share:+.1%})"


def _rate(row: Any) -> str:
    if pd.isna(row["delivery_rate"]):
        return ""
    return f"{row['delivery_rate']:.1%} ({row['rate_low']:.1%} to {row['rate_high']:.1%})"


def _duration(time: pd.Timedelta) -> str:
    seconds = time.total_seconds()
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} s"
