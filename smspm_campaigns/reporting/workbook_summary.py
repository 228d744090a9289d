"""The first sheet of a workbook: what did it cost, and who did not get it?"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from smspm_campaigns.reporting.workbook_cells import Fitting
from smspm_campaigns.reporting.workbook_sheets import A4, Paper

_SHEET: Final = "Summary"
_FUNNEL: Final = ("rows", "sent", "delivered")  # the first lines, which a chart shows

#: Lines of the sheet: their words, their column, how it looks, and whether they show when 0.
_LINES: Final = (
    ("Rows in the file", "rows", "count", True),
    ("Accepted by SMSPM", "sent", "count", True),
    ("Delivered", "delivered", "count", True),
    ("Delivery rate", "delivery_rate", "share", True),
    ("Failed at the carrier", "failed", "count", True),
    ("Still open", "open", "count", False),
    ("Accepted, never confirmed", "unconfirmed", "count", False),
    ("Refused by SMSPM", "refused", "count", False),
    ("Outcome unknown", "unknown", "count", True),
    ("Being sent", "sending", "count", False),
    ("Not sent yet", "planned", "count", False),
    ("Cancelled", "cancelled", "count", False),
    ("Excluded before sending", "excluded", "count", True),
    ("Segments", "segments", "count", True),
    ("Expected cost (EUR)", "expected_cost", "money", True),
    ("Actual cost (EUR)", "actual_cost", "money", True),
)

_SIZE: Final = {"width": 464, "height": 340}  # pixels of a chart
_WIDTHS: Final = (26, 12, 42, 1)  # characters of the columns left of the charts
_PLACES: Final = ((3, 4), (3, 12), (21, 4), (21, 12))  # row and column of each chart
_HEADER: Final = ("header", "header_of_numbers", "header")
_BARS: Final = 12  # countries that a chart shows

#: Told apart by pattern, dash and marker as well as by colour.
_DARK: Final = {"color": "#1f5f8b"}
_STRIPED: Final = {
    "pattern": "wide_upward_diagonal",
    "fg_color": "#b45309",
    "bg_color": "#ffffff",
}
_EDGE: Final = {"color": "#1f2937"}
_GRID: Final = {"visible": True, "line": {"color": "#d1d5db"}}
_COUNT: Final = {"min": 0, "num_format": "#,##0", "major_gridlines": _GRID}
_LINES_OVER_TIME: Final = (
    ("Accepted", {"color": "#1f2937", "dash_type": "solid"}, "diamond"),
    ("Delivered", {"color": "#1f5f8b", "dash_type": "dash"}, "circle"),
    ("Failed", {"color": "#b45309", "dash_type": "round_dot"}, "square"),
)


_SECOND: Final = 1 / 86_400  # of a day
#: How times are written below a chart that spans at most so many days.
_CLOCKS: Final = (
    (60 * _SECOND, "hh:mm:ss.0"),
    (1, "hh:mm:ss"),
    (14, "mm-dd hh:mm"),
    (math.inf, "yyyy-mm-dd"),
)


class Source(NamedTuple):
    """A sheet of the workbook that charts take their figures from."""

    title: str
    columns: list[str]
    rows: int

    def range(self, column: str, rows: int | None = None) -> list[Any]:
        """Return the cells of a column, without its header."""
        place = self.columns.index(column)
        return [self.title, 1, place, rows or self.rows, place]


class Summary:
    """The sheet of figures and charts. It is the first, and is written last."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._sheet = paper.book.add_worksheet(_SHEET)
        self._row = 0
        for place, width in enumerate(_WIDTHS):
            self._sheet.set_column(place, place, width)
        self._sheet.hide_gridlines(2)
        self._sheet.set_landscape()
        self._sheet.set_paper(A4)
        self._sheet.set_margins(left=0.4, right=0.4, top=0.4, bottom=0.4)
        self._sheet.fit_to_pages(1, 1)

    def write_line(self, *cells: Any, looks: Sequence[str]) -> None:
        """Write the next line, each cell with its look."""
        for place, (value, look) in enumerate(zip(cells, looks, strict=True)):
            self._paper.write(self._sheet, self._row, place, value, look)
        self._row += 1

    def skip_line(self) -> None:
        self._row += 1

    def write_figures(self, summary: pd.DataFrame) -> None:
        """Write the figures, one a line, and the chart of the first ones."""
        (figures,) = summary.to_dict("records")
        self.write_line("Figure", "Value", "Remark", looks=_HEADER)
        first = self._row
        for title, column, look, always in _LINES:
            value = figures[column]
            if always or value:
                shown = "not known" if pd.isna(value) else value
                cells = (title, shown, _remark(column, figures))
                self.write_line(*cells, looks=("", look, "remark"))
        self._insert(
            self._funnel(first),
            0,
            f"Bars: rows in the file {figures['rows']:,}, accepted by SMSPM {figures['sent']:,}, "
            f"delivered {figures['delivered']:,}",
        )

    def write_reasons(self, reasons: "pd.Series[Any]") -> None:
        """Write why rows were excluded, the most frequent reason first."""
        if len(reasons):
            self.skip_line()
            self.write_line("Excluded because", "Rows", looks=_HEADER[:2])
            for reason, count in reasons.items():
                self.write_line(reason, count, looks=("", "count"))

    def write_notes(self, notes: Sequence[str]) -> None:
        """Write sentences, one a line."""
        self.skip_line()
        for note in notes:
            self.write_line(note, looks=("note",))

    def draw(self, *, countries: Source, times: Source, timeline: pd.DataFrame) -> None:
        """Draw what other sheets hold, unless they are empty; `timeline` is what `times` holds."""
        if times.rows:
            first, last = (Fitting().value(at, utc=True).days for at in timeline.index[[0, -1]])
            self._draw_times(times, first, last - first)
        if countries.rows:
            self._draw_rates(countries)
            self._draw_costs(countries)

    def _insert(self, chart: Any, place: int, description: str) -> None:
        chart.set_size(_SIZE)
        row, column = _PLACES[place]
        options = {"description": description, "object_position": 3}  # stays where it is
        self._sheet.insert_chart(row, column, chart, options)

    def _funnel(self, first: int) -> Any:
        chart = self._paper.book.add_chart({"type": "bar"})
        last = first + len(_FUNNEL) - 1
        chart.add_series(
            {
                "name": "Rows",
                "categories": [_SHEET, first, 0, last, 0],
                "values": [_SHEET, first, 1, last, 1],
                "fill": _DARK,
                "border": _EDGE,
                "gap": 60,
                "data_labels": {"value": True, "num_format": "#,##0"},
            }
        )
        chart.set_title({"name": "From the file to the phone"})
        chart.set_x_axis({"name": "Rows", **_COUNT})
        chart.set_y_axis({"name": "Step", "reverse": True, "crossing": "max"})
        chart.set_legend({"none": True})
        return chart

    def _draw_times(self, source: Source, first: float, span: float) -> None:
        chart = self._paper.book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
        for name, line, marker in _LINES_OVER_TIME:
            chart.add_series(
                {
                    "name": name,
                    "categories": source.range("Time (UTC)"),
                    "values": source.range(name),
                    "line": {**line, "width": 1.75},
                    "marker": {
                        "type": marker,
                        "size": 5,
                        "fill": {"color": "#ffffff"},
                        "border": {"color": line["color"]},
                    },
                }
            )
        chart.set_title({"name": "Statuses over time"})
        chart.set_x_axis(
            {
                "name": "Time (UTC)",
                "num_format": next(form for at_most, form in _CLOCKS if span <= at_most),
                "min": first,
                "max": first + max(span, _SECOND),
                "major_unit": max(span, _SECOND) / 4,
            }
        )
        chart.set_y_axis({"name": "Messages so far", **_COUNT})
        chart.set_legend({"position": "bottom"})
        self._insert(
            chart, 1, "Lines over time: messages accepted, delivered and failed so far, in UTC"
        )

    def _draw_rates(self, source: Source) -> None:
        bars = min(source.rows, _BARS)
        chart = self._paper.book.add_chart({"type": "bar"})
        chart.add_series(
            {
                "name": "Delivery rate",
                "categories": source.range("Country", bars),
                "values": source.range("Delivery rate", bars),
                "fill": _DARK,
                "border": _EDGE,
                "gap": 60,
                "data_labels": {"value": True, "num_format": "0.0%"},
            }
        )
        chart.set_title({"name": "Delivery rate by country"})
        chart.set_x_axis(
            {
                "name": "Delivered of accepted",
                "num_format": "0%",
                "min": 0,
                "max": 1.15,  # room for the labels of whole bars
                "major_unit": 0.2,
                "major_gridlines": _GRID,
            }
        )
        chart.set_y_axis({"name": "Country", "reverse": True, "crossing": "max"})
        chart.set_legend({"none": True})
        self._insert(chart, 2, f"Bars: share of accepted messages delivered, {_which(bars)}")

    def _draw_costs(self, source: Source) -> None:
        bars = min(source.rows, _BARS)
        chart = self._paper.book.add_chart({"type": "column"})
        for name, look in (
            ("Expected cost (EUR)", {"pattern": _STRIPED}),
            ("Actual cost (EUR)", {"fill": _DARK}),
        ):
            chart.add_series(
                {
                    "name": name,
                    "categories": source.range("Country", bars),
                    "values": source.range(name, bars),
                    "border": _EDGE,
                    "gap": 60,
                    **look,
                }
            )
        chart.set_title({"name": "Cost expected against actual"})
        chart.set_x_axis({"name": "Country"})
        chart.set_y_axis({"name": "EUR", **_COUNT, "num_format": "#,##0.00"})
        chart.set_legend({"position": "bottom"})
        self._insert(chart, 3, f"Pairs of columns: expected and actual cost in EUR, {_which(bars)}")


def _which(bars: int) -> str:
    return f"by country: the {bars} with the most messages" if bars > 1 else "of the one country"


def _remark(column: str, figures: Mapping[Hashable, Any]) -> str:
    """Say what to know of a figure, or nothing."""
    if column == "delivery_rate" and not pd.isna(figures[column]):
        low, high = figures["rate_low"], figures["rate_high"]
        return f"95 % interval {low:.1%} to {high:.1%}, of accepted"
    if column == "expected_cost" and figures["unestimated"]:
        return f"without {figures['unestimated']:,} accepted that have no estimate"
    if column == "actual_cost" and figures["unpriced"]:
        return f"without {figures['unpriced']:,} accepted that have no price yet"
    return ""
