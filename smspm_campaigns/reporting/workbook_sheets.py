"""Rows under a header, over as many sheets of a workbook as they need."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pandas as pd

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.reporting.workbook_cells import Cells, Fitting, Kind, Moment, written
from smspm_campaigns.vocabulary import TO, Status

MAX_ROWS: Final = 1_048_576  # of a sheet, the header included; Excel's limit
MAX_COLUMNS: Final = 16_384  # ditto

_MAX_WIDTH: Final = 40  # characters of a column
_MIN_WIDTH: Final = 6
_ROOM: Final = 4  # characters: the button of the filter stands in the header
_PROBED: Final = 200  # rows looked at for the width of a column
_WIDTHS: Final = {"time": 20, "date": 11, "clock": 9, "duration": 11}

A4: Final = 9  # Excel's number of the paper

_STATUS: Final = "sms_status"

#: A number at the right edge of its cell would touch the text beside it.
_OFF_THE_EDGE: Final = {"align": "right", "indent": 1}

_HEADER: Final = {"bold": True, "bottom": 1, "bg_color": "#e5e7eb"}

#: How cells look. Times are those of Excel in any language.
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "title": {"bold": True, "font_size": 16},
    "warning": {"bold": True, "font_color": "#7f1d1d"},
    "note": {"font_color": "#404040"},
    "remark": {"font_color": "#404040", "indent": 1},
    "header": _HEADER,
    "header_of_numbers": {**_HEADER, **_OFF_THE_EDGE},
    "text": {"num_format": "@"},
    "number": _OFF_THE_EDGE,
    "count": {"num_format": "#,##0", **_OFF_THE_EDGE},
    "price": {"num_format": "#,##0.00##", **_OFF_THE_EDGE},
    "money": {"num_format": "#,##0.00", **_OFF_THE_EDGE},
    "share": {"num_format": "0.0%", **_OFF_THE_EDGE},
    "time": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "date": {"num_format": "yyyy-mm-dd"},
    "clock": {"num_format": "hh:mm:ss"},
    "duration": {"num_format": "[h]:mm:ss"},
}

#: How columns of ours look.
_COLUMNS: Final = {
    **dict.fromkeys((TO, "sms_id"), "text"),
    **dict.fromkeys(("sms_cost", "sms_price"), "price"),
}

#: Ink on paper, each pair with a contrast of 7:1 or more; what needs a person is bold besides.
STATUS_LOOKS: Final = {
    Status.DELIVERED: {"font_color": "#14532d", "bg_color": "#dcfce7"},
    Status.FAILED: {"font_color": "#7f1d1d", "bg_color": "#fee2e2", "bold": True},
    Status.REFUSED: {"font_color": "#7f1d1d", "bg_color": "#fee2e2", "bold": True},
    Status.UNKNOWN: {"font_color": "#713f12", "bg_color": "#fef3c7", "bold": True},
    Status.UNCONFIRMED: {"font_color": "#713f12", "bg_color": "#fef3c7", "bold": True},
}


class Paper:
    """What all sheets of a workbook share."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.fitting = Fitting()
        self.looks = {name: book.add_format(look) for name, look in LOOKS.items()}
        self.statuses = {status: book.add_format(look) for status, look in STATUS_LOOKS.items()}

    def write(self, sheet: Any, row: int, place: int, value: Any, look: str = "") -> None:
        """Write a value of any type."""
        fits = self.fitting.value(value)
        if fits is not None:
            self.writer(sheet, look)(row, place, fits)

    def writer(self, sheet: Any, look: str = "") -> Callable[[int, int, Any], object]:
        """Return what writes a cell by its type. Text is always text, and never XML."""
        usual = self.looks.get(look)

        def write(row: int, place: int, value: Any) -> object:
            if isinstance(value, Moment):
                return sheet.write_number(row, place, value.days, self.looks[value.look])
            if isinstance(value, bool):
                return sheet.write_boolean(row, place, value, usual)
            if not isinstance(value, str):
                return sheet.write_number(row, place, value, usual)
            if value.startswith("<r>"):  # XlsxWriter would take it for XML and write it as it is
                parts = (value[:1], self.looks["text"], value[1:])
                return sheet.write_rich_string(row, place, *parts, *([usual] if usual else []))
            return sheet.write_string(row, place, value, usual)

        return write


class _Column(NamedTuple):
    title: str
    look: str
    width: int
    utc: bool  #: its times are those of UTC


class Table:
    """A table of a workbook that grows, and goes on in another sheet when one is full."""

    def __init__(self, paper: Paper, title: str, looks: dict[str, str] | None = None) -> None:
        """Begin with an empty sheet.

        Args:
            paper: of the workbook.
            title: the name of the sheet; of others that follow, with a number.
            looks: the looks of columns by their name, one of `LOOKS` each.
        """
        self.titles = [title]
        self.rows = 0
        self._paper = paper
        self._looks = _COLUMNS if looks is None else looks
        self._sheet = paper.book.add_worksheet(title)
        self._columns: list[_Column] = []
        self._row = 0

    @property
    def headers(self) -> list[str]:
        return [column.title for column in self._columns]

    def add(self, frame: pd.DataFrame) -> None:
        """Write rows below those that are there.

        Raises:
            InvalidArgument: there are more columns than Excel has.
        """
        if not self._columns:
            self._columns = self._plan(frame)
            self._begin()
        while len(frame):
            if self._row >= MAX_ROWS:
                self._go_on()
            some, frame = frame.iloc[: MAX_ROWS - self._row], frame.iloc[MAX_ROWS - self._row :]
            self._write(self._fit(some))
            self._row += len(some)
            self.rows += len(some)

    def finish(self) -> None:
        """Add filters and colours to the last sheet."""
        last, right = max(self._row - 1, 1), max(len(self._columns) - 1, 0)
        self._sheet.autofilter(0, 0, last, right)
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
        for place, column in enumerate(self._columns):
            if column.title != _STATUS:
                continue
            for status, look in self._paper.statuses.items():
                rule = {"type": "cell", "criteria": "==", "value": f'"{status}"', "format": look}
                self._sheet.conditional_format(1, place, last, place, rule)

    def _go_on(self) -> None:
        self.finish()
        self.titles.append(f"{self.titles[0]} {len(self.titles) + 1}")
        self._sheet = self._paper.book.add_worksheet(self.titles[-1])
        self._begin()

    def _plan(self, frame: pd.DataFrame) -> list["_Column"]:
        """Decide by the first rows how each column is headed, looks, and how wide it is."""
        if frame.shape[1] > MAX_COLUMNS:
            raise InvalidArgument(
                f"The report has {frame.shape[1]:,} columns with those of this package, and a "
                f"sheet of Excel has {MAX_COLUMNS:,}. Write a file of commas with to_csv(path), or "
                "create the campaign from fewer columns."
            )
        columns = []
        for place, name in enumerate(frame.columns):
            cells = frame.iloc[:_PROBED, place]
            utc = isinstance(cells.dtype, pd.DatetimeTZDtype)
            fits = Fitting().column(cells, utc=utc)
            look = self._looks.get(name, "")
            look = look or (fits.kind if fits.kind in ("number", "time", "duration") else "")
            title = Fitting().text(written(name) + (" (UTC)" if utc else ""))
            widest = _WIDTHS.get(look) or max(map(_width, fits.ready), default=0)
            width = max(_MIN_WIDTH, min(max(widest, len(title) + _ROOM), _MAX_WIDTH))
            columns.append(_Column(title, look, width, utc))
        return columns

    def _begin(self) -> None:
        """Begin a sheet with its header."""
        sheet, looks = self._sheet, self._paper.looks
        for place, column in enumerate(self._columns):
            sheet.set_column(place, place, column.width, looks.get(column.look))
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        if self._looks is not _COLUMNS:
            sheet.fit_to_pages(1, 0)  # as wide as a page
        sheet.set_landscape()
        sheet.set_paper(A4)
        write = self._paper.writer(sheet, "header")
        for place, column in enumerate(self._columns):
            if column.title:
                write(0, place, column.title)
        self._row = 1

    def _fit(self, frame: pd.DataFrame) -> list[Cells]:
        fitting = self._paper.fitting
        return [
            fitting.column(frame.iloc[:, place], utc=column.utc)
            for place, column in enumerate(self._columns)
        ]

    def _write(self, fits: list[Cells]) -> None:
        """Write columns that are ready, row by row, without a look at what their type tells."""
        used = [
            (self._writer(cells.kind, column.look), place, cells.ready)
            for place, (cells, column) in enumerate(zip(fits, self._columns, strict=True))
            if any(value is not None for value in cells.ready)
        ]
        if not used:
            return
        writers, places, columns = zip(*used, strict=True)
        for row, values in enumerate(zip(*columns, strict=True), self._row):
            for write, place, value in zip(writers, places, values, strict=True):
                if value is not None:
                    write(row, place, value)

    def _writer(self, kind: Kind, look: str) -> Callable[[int, int, Any], object]:
        sheet = self._sheet
        if kind == "text":
            return sheet.write_string  # type: ignore[no-any-return] # it ships no types
        if kind == "truth":
            return sheet.write_boolean  # type: ignore[no-any-return]
        if kind in ("number", look):  # a column has its look
            return sheet.write_number  # type: ignore[no-any-return]
        if kind == "any":
            return self._paper.writer(sheet)
        form = self._paper.looks[kind]
        return lambda row, place, days: sheet.write_number(row, place, days, form)


def _width(value: Any) -> int:
    """Tell how many characters wide a value is, more or less."""
    if isinstance(value, Moment):
        return _WIDTHS[value.look]
    return 0 if value is None else max(map(len, str(value).splitlines()), default=0)
