"""A campaign becomes a workbook that a manager opens. Nothing in it runs."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xlsxwriter

from smspm_campaigns.clock import Clock, SystemClock
from smspm_campaigns.frames.cells import is_blank
from smspm_campaigns.reporting import tables
from smspm_campaigns.reporting.exports import Outcome, draft, with_index
from smspm_campaigns.reporting.workbook_cells import MAX_CELL, Fitting
from smspm_campaigns.reporting.workbook_sheets import Paper, Table
from smspm_campaigns.reporting.workbook_summary import Source, Summary
from smspm_campaigns.vocabulary import (
    COUNTRY,
    DETAIL,
    OUTCOME_COLUMNS,
    PROBLEM_TITLES,
    PROBLEMS,
    Problem,
    Status,
)

_REHEARSAL: Final = "A rehearsal on the simulator: nothing was sent."
_POINTS: Final = 30  # of the timeline: lines with a marker at each

_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,  # sheets of a million rows pass 4 GB
}


#: How the columns of tables are headed, and how they look.
_COLUMNS: Final = {
    COUNTRY: ("Country", "text"),
    "sms_carrier": ("Carrier", "text"),
    "time": ("Time", "time"),
    "rows": ("Rows", "count"),
    "sent": ("Accepted", "count"),
    "accepted": ("Accepted", "count"),
    "delivered": ("Delivered", "count"),
    "delivery_rate": ("Delivery rate", "share"),
    "rate_low": ("Rate from (95 %)", "share"),
    "rate_high": ("Rate to (95 %)", "share"),
    "failed": ("Failed", "count"),
    "failure_rate": ("Failure rate", "share"),
    "open": ("Open", "count"),
    "unconfirmed": ("Never confirmed", "count"),
    "refused": ("Refused", "count"),
    "unknown": ("Outcome unknown", "count"),
    "sending": ("Being sent", "count"),
    "planned": ("Not sent yet", "count"),
    "cancelled": ("Cancelled", "count"),
    "excluded": ("Excluded", "count"),
    "segments": ("Segments", "count"),
    "expected_cost": ("Expected cost (EUR)", "money"),
    "actual_cost": ("Actual cost (EUR)", "money"),
    "difference": ("Difference (EUR)", "money"),
    "difference_share": ("Difference", "share"),
    "unestimated": ("Without an estimate", "count"),
    "unpriced": ("Without a price", "count"),
    "median": ("Half took at most", "duration"),
    "p95": ("95 % took at most", "duration"),
}
_RARE: Final = (  # columns of the countries that are left out when all are 0
    "planned", "sending", "open", "unconfirmed", "refused", "unknown", "cancelled", "unestimated",
)  # fmt: skip
_NAMES: Final = {name: title for name, (title, _) in _COLUMNS.items()}
_LOOKS: Final = dict(_COLUMNS.values())
_MISSING: Final = {COUNTRY: "no number", "sms_carrier": "not known"}


def to_excel(outcome: Outcome, path: Path, *, clock: Clock | None = None) -> None:
    """Write a workbook: Summary with charts, Recipients, Excluded, and tables. Nothing in it runs.

    Args:
        outcome: what became of a campaign. Its pieces are read once, and one is held at a time.
        path: of the workbook. What is there stays until the new one is whole.
        clock: tells when the workbook was made.

    Raises:
        InvalidArgument: the report has more columns than Excel.
        OSError: the file cannot be written.
    """
    made_at = pd.Timestamp((clock or SystemClock()).now(), unit="s", tz="UTC").floor("s")
    with draft(path) as file, _book(file, outcome.title) as book:
        paper = Paper(book)
        summary = Summary(paper)
        recipients, excluded = Table(paper, "Recipients"), Table(paper, "Excluded")
        report = _write_rows(outcome.pieces, recipients, excluded)
        timeline = tables.timeline(report, _POINTS)
        sources = _write_tables(paper, report, timeline)
        summary.write_line(outcome.name, looks=("title",))
        if outcome.is_rehearsal:
            summary.write_line(_REHEARSAL, looks=("warning",))
        made = f"Made {made_at:%Y-%m-%d %H:%M:%S} UTC."
        summary.write_line(made, looks=("note",))
        summary.skip_line()
        summary.write_figures(tables.summarize(report))
        summary.write_reasons(tables.count_problems(report))
        summary.write_notes(_notes(paper, recipients, excluded))
        summary.draw(countries=sources["By country"], times=sources["Timeline"], timeline=timeline)


def _write_rows(pieces: Iterable[pd.DataFrame], recipients: Table, excluded: Table) -> pd.DataFrame:
    """Write every row where it belongs, and return what tables need of all of them."""
    slims = []
    for piece in pieces:
        slims.append(tables.slim(piece))
        left_out = (piece["sms_status"] == Status.EXCLUDED).to_numpy(dtype=bool)
        recipients.add(with_index(piece[~left_out]))
        excluded.add(_with_reasons(piece[left_out]))
    recipients.finish()
    excluded.finish()
    return tables.join(slims)


@contextlib.contextmanager
def _book(path: Path, title: str) -> Iterator[Any]:
    """Yield a workbook that is written when all is well. Its files are closed in any case."""
    book = xlsxwriter.Workbook(path, {**_OPTIONS, "tmpdir": str(path.parent)})
    book.set_properties({"title": Fitting().text(title)})
    try:
        yield book
        book.close()
    finally:
        for sheet in book.worksheets():
            sheet.row_data_fh.close()  # XlsxWriter closes them only after it has written


def _with_reasons(rows: pd.DataFrame) -> pd.DataFrame:
    """Put the reasons in words behind the index, and leave out the outcome there never was."""
    frame = with_index(rows)
    places = range(rows.index.nlevels, frame.shape[1])
    names = list(frame.columns)
    keep = [place for place in places if names[place] not in (*OUTCOME_COLUMNS, DETAIL)]
    reasons = pd.DataFrame({0: [_in_words(codes) for codes in rows[PROBLEMS]]})
    levels = rows.index.nlevels
    told = [names.index(DETAIL, levels)]
    cells = pd.concat(
        [frame.iloc[:, :levels], reasons, frame.iloc[:, told], frame.iloc[:, keep]], axis=1
    )
    order = [*names[:levels], "Reason", "Explanation", *(names[place] for place in keep)]
    cells.columns = pd.Index(order, dtype=object, tupleize_cols=False)
    return cells


def _in_words(codes: Any) -> str:
    if is_blank(codes):
        return ""
    return ", ".join(PROBLEM_TITLES[Problem(code)] for code in str(codes).split())


def _write_tables(paper: Paper, report: pd.DataFrame, timeline: pd.DataFrame) -> dict[str, Source]:
    """Write a sheet for each table, and return them by their titles."""
    countries = tables.summarize(report, COUNTRY)
    countries = countries.sort_values("sent", ascending=False, kind="stable")
    countries = countries.drop(columns=[name for name in _RARE if not countries[name].any()])
    times = tables.delivery_times(report)
    times.index = pd.Index(["all"], name=COUNTRY)
    sheets = {
        "Costs": tables.costs(report),
        "By country": countries,
        "Failures": tables.failures(report),
        "Delivery times": pd.concat([times, tables.delivery_times(report, COUNTRY)]),
        "Timeline": timeline,
    }
    sources = {}
    for title, figures in sheets.items():
        frame = figures.reset_index()
        for name in _MISSING.keys() & set(frame.columns):
            frame[name] = frame[name].astype(object).where(frame[name].notna(), _MISSING[name])
        table = Table(paper, title, _LOOKS)
        table.add(frame.rename(columns=_NAMES))
        table.finish()
        rows = int((figures["sent"] > 0).sum()) if title == "By country" else len(frame)
        sources[title] = Source(title, table.headers, rows)
    return sources


def _notes(paper: Paper, *found: Table) -> list[str]:
    """Say what a person cannot see in this file."""
    notes = [
        f"{table.titles[0]}: {table.rows:,} rows are more than a sheet of Excel holds. They go on "
        f"in {', '.join(table.titles[1:])}."
        for table in found
        if len(table.titles) > 1
    ]
    if cut := paper.fitting.cut:
        cells = "1 text was" if cut == 1 else f"{cut:,} texts were"
        notes.append(f"{cells} cut to the {MAX_CELL:,} characters that a cell of Excel holds.")
    return notes
