"""A report becomes a workbook, a page, or a file of commas. Cells from a file are hostile."""

import datetime as dt
import errno
import math
import re
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from smspm_campaigns.reporting.tables import summarize
from smspm_campaigns.vocabulary import COUNTRY, Status

_MAX_CELL: Final = 32_767  # characters of a cell, Excel's limit
_MAX_NUMBER: Final = 10**15 - 1  # Excel keeps 15 digits
_MAX_WIDTH: Final = 40  # characters of a column
_PROBED: Final = 200  # rows looked at for the width of a column

#: Spreadsheets run cells that begin so. Full-width forms too.
_RUNS: Final = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
#: What ends a cell or a line somewhere in the world, before what would then run. A quote and
#: blanks at the beginning of a cell may not count.
_RUNS_INSIDE: Final = re.compile('([;\t\r\n])(?=[ "]*[=+\\-@\uff1d\uff0b\uff0d\uff20])')
_HARMLESS: Final = re.compile(r"\+[\d\s().\-]+|-\d+(?:[.,]\d+)?")  # phone and negative numbers

_MONEY: Final = {"num_format": "#,##0.00##"}
_SHARE: Final = {"num_format": "0.0%"}

#: How the header and columns of ours look in a workbook.
_LOOKS: Final = {
    "header": {"bold": True, "bottom": 1},
    **dict.fromkeys(("sms_cost", "sms_price", "expected_cost", "actual_cost"), _MONEY),
    **dict.fromkeys(("delivery_rate", "rate_low", "rate_high"), _SHARE),
}


class Outcome(NamedTuple):
    """What an export shows.

    `pieces` are the rows of the report in their order, in frames of a bounded size; they can be
    read once.
    """

    name: str
    is_rehearsal: bool
    pieces: Iterator[pd.DataFrame]

    @property
    def title(self) -> str:
        return f"{self.name} (rehearsal: nothing was sent)" if self.is_rehearsal else self.name


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a path to write to, and put what is there in the target's place when it is whole.

    Raises:
        OSError: the target cannot be written; it is as it was.
    """
    target = path.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {path.parent}. Make it, or choose another path."
        )
    try:
        if target.exists() and not target.is_file():
            raise FileExistsError(errno.EEXIST, "it is no file")
        with tempfile.TemporaryDirectory(
            prefix=".report-", dir=target.parent, ignore_cleanup_errors=True
        ) as folder:
            file = Path(folder, target.name)
            yield file
            file.replace(target)
    except (OSError, FileCreateError) as error:
        cause = error.args[0] if isinstance(error, FileCreateError) else error
        kind = PermissionError if isinstance(cause, PermissionError) else OSError
        raise kind(
            f"{path} could not be written ({cause.strerror or cause}). Close it in Excel if it is "
            "open there, or choose another path."
        ) from error


def _with_index(report: pd.DataFrame, *, distinct: bool = False) -> pd.DataFrame:
    """Put the levels of the index in front as columns, whatever they are called.

    `distinct` gives them names that no column has.
    """
    levels = report.index.nlevels
    names: list[Any] = []
    for level, name in enumerate(report.index.names):
        title = ("index" if levels == 1 else f"level_{level}") if name is None else name
        taken = {str(other).strip() for other in [*names, *report.columns]}
        while distinct and str(title).strip() in taken:
            title = f"{title} (index)"
        names.append(title)
    index = report.index.to_frame(index=False, name=range(levels))
    cells = pd.concat([index, report.reset_index(drop=True)], axis=1)
    cells.columns = pd.Index([*names, *report.columns], dtype=object)
    return cells


def to_csv(outcome: Outcome, path: Path) -> None:
    """Write every row as CSV in UTF-8, with the index as first column."""
    frame = _with_index(pd.concat(outcome.pieces), distinct=True)
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if column.dtype.kind not in "biufMm":
            safe = [_harmless(value) for value in column]
            cells = pd.Series(safe, index=frame.index, dtype=object)  # an array's type is guessed
            frame.isetitem(place, cells)  # type: ignore[arg-type] # the stubs forget a Series
    header = [_harmless(str(name)) for name in frame.columns]
    with draft(path) as file:
        # The line ends of Excel; with them a carriage return inside a cell is quoted too.
        frame.to_csv(
            file,
            header=header,
            index=False,
            encoding="utf-8-sig",
            errors="replace",
            lineterminator="\r\n",
        )


def _harmless(value: Any) -> Any:
    """Put an apostrophe before what a spreadsheet would run."""
    if not isinstance(value, str):
        return value
    runs = _RUNS.match(value) and not _HARMLESS.fullmatch(value)
    return ("'" if runs else "") + _RUNS_INSIDE.sub(r"\1'", value)


def to_excel(outcome: Outcome, path: Path) -> None:
    """Write a workbook: Summary, By country, Recipients, Excluded. Nothing in it runs."""
    report = pd.concat(outcome.pieces)
    excluded = report["sms_status"] == Status.EXCLUDED
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
    }
    with draft(path) as file, xlsxwriter.Workbook(file, options) as book:
        looks = {name: book.add_format(look) for name, look in _LOOKS.items()}
        figures = [figure[:2] for figure in _figures(summarize(report))]
        head = ["Campaign", outcome.title]
        _write_sheet(book.add_worksheet("Summary"), head, figures, looks)
        for name, frame in (
            ("By country", summarize(report, COUNTRY)),
            ("Recipients", report[~excluded]),
            ("Excluded", report[excluded]),
        ):
            cells = _with_index(frame)
            rows = cells.astype(object).itertuples(index=False, name=None)
            _write_sheet(book.add_worksheet(name), list(map(str, cells.columns)), rows, looks)


def _write_sheet(
    sheet: Any, header: list[str], rows: Iterable[tuple[Any, ...]], looks: dict[str, Any]
) -> None:
    """Write a sheet. Columns of ours look as `_LOOKS` says."""
    rows = list(rows)
    for place, name in enumerate(header):
        widest = max([len(name), *(len(str(row[place])) for row in rows[:_PROBED])])
        width = len(name) if name in looks else min(widest, _MAX_WIDTH)
        sheet.set_column(place, place, width + 2, looks.get(name))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), max(len(header) - 1, 0))
    for place, name in enumerate(header):
        sheet.write_string(0, place, _cell_text(name), looks["header"])
    for number, row in enumerate(rows, start=1):
        for place, value in enumerate(row):
            _write_cell(sheet, number, place, value)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    """Write a cell by its type; text is always text."""
    if isinstance(value, str):
        sheet.write_string(row, column, _cell_text(value))
    elif value is None or value is pd.NA or value is pd.NaT:
        return
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, dt.datetime):
        utc = value.astimezone(dt.UTC) if value.tzinfo else value
        sheet.write_datetime(row, column, utc.replace(tzinfo=None))
    elif isinstance(value, dt.date | dt.time):
        sheet.write_datetime(row, column, value)
    elif isinstance(value, int) and abs(value) > _MAX_NUMBER:
        sheet.write_string(row, column, _cell_text(str(value)))
    elif isinstance(value, int | float | Decimal) and math.isfinite(value):
        sheet.write_number(row, column, value)
    elif not isinstance(value, float):
        sheet.write_string(row, column, _cell_text(str(value)))


def _cell_text(text: str) -> str:
    """Cut a text to what a cell holds; half a surrogate pair, which no file holds, becomes �."""
    return text[:_MAX_CELL].encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Figure(NamedTuple):
    """A line of the summary: what it is, its value, and how a person reads it."""

    name: str
    value: int | float | str
    shown: str


#: Lines of the summary: their words, their column, and whether they show when they are 0.
_LINES: Final = (
    ("Rows in the file", "rows", True),
    ("Excluded before sending", "excluded", True),
    ("Accepted by SMSPM", "sent", True),
    ("Delivered", "delivered", True),
    ("Failed at the carrier", "failed", True),
    ("Still open", "open", False),
    ("Refused by SMSPM", "refused", False),
    ("Outcome unknown", "unknown", True),
    ("Being sent", "sending", False),
    ("Not sent yet", "planned", False),
    ("Cancelled", "cancelled", False),
    ("Segments", "segments", True),
)


def _figures(summary: pd.DataFrame) -> list[Figure]:
    """Return what the first screen answers: what did it cost, and who did not get it?"""
    (row,) = summary.to_dict("records")
    figures = []
    for name, column, always in _LINES:
        count = int(row[column])
        rate = _in_percent(row) if column == "delivered" else ""
        if count or always:
            figures.append(Figure(name, count, f"{count:,}{rate}"))
    for name, column in (("Expected cost", "expected_cost"), ("Actual cost", "actual_cost")):
        cost = row[column]
        known = _euro(cost)
        figures.append(Figure(f"{name} (EUR)", known if pd.isna(cost) else round(cost, 2), known))
    return figures


def _in_percent(row: Mapping[Hashable, Any]) -> str:
    if pd.isna(row["delivery_rate"]):
        return ""
    low, high = row["rate_low"], row["rate_high"]
    return f" ({row['delivery_rate']:.1%} of accepted; 95 % interval {low:.1%} to {high:.1%})"


def _euro(value: Any) -> str:
    return "not known" if pd.isna(value) else f"{value:,.2f}"
