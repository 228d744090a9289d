"""Outcomes as pictures."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from smspm_campaigns.reporting.charts import (
    CHARTS,
    costs,
    delivery_rates,
    describe_costs,
    describe_delivery_rates,
    describe_funnel,
    describe_statuses,
    funnel,
    statuses,
)
from smspm_campaigns.reporting.tables import join, with_rates

START = pd.Timestamp("2026-11-22 08:00", tz="UTC")
BY_TABLE = [
    (delivery_rates, describe_delivery_rates),
    (costs, describe_costs),
]


def by_country(
    labels: Any, *, sent: int = 100, expected: Any = 10.0, actual: Any = 9.5
) -> pd.DataFrame:
    """Make a summary by country, in which each has the same figures."""
    table = pd.DataFrame(
        {
            "sent": pd.array([sent] * len(labels), dtype="Int64"),
            "delivered": pd.array([sent * 9 // 10] * len(labels), dtype="Int64"),
            "expected_cost": np.full(len(labels), expected, dtype="float64"),
            "actual_cost": np.full(len(labels), actual, dtype="float64"),
            "unestimated": pd.array([0] * len(labels), dtype="Int64"),
            "unpriced": pd.array([0] * len(labels), dtype="Int64"),
        },
        index=pd.Index(labels, dtype=object),
    )
    return with_rates(table)


def line_of(span: pd.Timedelta, points: int) -> pd.DataFrame:
    """Make a timeline of this length."""
    steps = [START + span * step / max(points - 1, 1) for step in range(points)]
    counts = pd.array(range(points), dtype="Int64")
    return pd.DataFrame(
        {
            "accepted": pd.array(range(1, points + 1), dtype="Int64"),
            "delivered": counts,
            "failed": counts,
        },
        index=pd.DatetimeIndex(steps, tz="UTC", name="time"),
    )


def drawn(figure: Figure) -> list[str]:
    """Draw a figure, warnings being errors, and return the texts beside its axes."""
    figure.savefig(io.BytesIO(), format="png")
    return [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]


def test_the_funnel_has_a_bar_for_each_step() -> None:
    """The bars are as long as the counts, and carry them as labels."""
    summary = pd.DataFrame({"rows": [1200], "sent": [1000], "delivered": [900]})
    axes = funnel(summary).axes[0]
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    assert [bar.get_width() for bar in bars] == [1200, 1000, 900]
    assert [text.get_text() for text in axes.texts] == ["1,200", "1,000", "900"]
    assert describe_funnel(summary) == "Bars: in the file 1,200, accepted 1,000, delivered 900."


def test_lines_of_statuses_differ_without_colour() -> None:
    """Each line has a style and a marker of its own, and its last count beside its name."""
    line = line_of(pd.Timedelta(minutes=90), 31)
    figure = statuses(line)
    lines = figure.axes[0].get_lines()
    assert len({(drawn.get_linestyle(), drawn.get_marker()) for drawn in lines}) == 3
    labels = ["Accepted 31", "Delivered 30", "Failed 30"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == labels
    assert figure.axes[0].get_xlabel() == "Minutes since 2026-11-22 08:00:00 UTC"
    assert describe_statuses(line) == (
        "Lines over time: from 2026-11-22 08:00:00 UTC on, after 90.0 minutes: 31 accepted, "
        "30 delivered, 30 failed."
    )


@pytest.mark.parametrize(
    ("span", "unit"),
    [
        (pd.Timedelta(0), "Seconds"),
        (pd.Timedelta(microseconds=1), "Seconds"),
        (pd.Timedelta(seconds=119), "Seconds"),
        (pd.Timedelta(minutes=2), "Minutes"),
        (pd.Timedelta(hours=3), "Hours"),
        (pd.Timedelta(days=400), "Days"),
    ],
)
def test_a_timeline_of_any_length_is_drawn(span: pd.Timedelta, unit: str) -> None:
    """Time passes in the longest unit of which there are at least two."""
    line = line_of(span, 1 if span == pd.Timedelta(0) else 2)
    figure = statuses(line)
    drawn(figure)
    assert figure.axes[0].get_xlabel().startswith(f"{unit} since ")


def test_a_rate_of_few_messages_is_visibly_uncertain() -> None:
    """Its marker is hollow, its interval is wide, and the number of messages stands beside it."""
    table = pd.concat([by_country(["DE"], sent=1000), by_country(["EE"], sent=10)])
    figure = delivery_rates(table)
    assert drawn(figure) == ["DE (1,000)", "EE (10)"]
    (axes,) = figure.axes
    hollow, full = axes.get_lines()[-2:]
    assert (np.array(hollow.get_ydata()).tolist(), hollow.get_markerfacecolor()) == ([1], "white")
    assert np.array(full.get_ydata()).tolist() == [0]
    many, few = axes.containers[0].lines[2][0].get_segments()  # type: ignore[attr-defined]
    assert np.ptp(few[:, 0]) > 5 * np.ptp(many[:, 0])
    assert describe_delivery_rates(table) == (
        "Delivery rate by country, with its 95% interval: DE 90.0% (88.0% to 91.7%) of 1,000; "
        "EE 90.0% (59.6% to 98.2%) of 10."
    )


def test_costs_tell_what_is_not_known() -> None:
    """A price that is missing is told in words, and of how many messages; bars differ by hatch."""
    table = pd.concat(
        [by_country(["EE"], expected=float("nan"), actual=float("nan")), by_country(["DE"])]
    )
    table.loc["DE", "unpriced"] = 7
    figure = costs(table)
    assert drawn(figure) == ["DE", "EE"]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["10.00", "not known", "9.50 (without 7)", "not known"]
    bars = [bars for bars in figure.axes[0].containers if isinstance(bars, BarContainer)]
    assert [drawn[0].get_hatch() for drawn in bars] == ["////", None]
    assert describe_costs(table) == (
        "Expected and actual cost by country, in EUR: DE 10.00 and 9.50 (without 7); "
        "EE not known and not known."
    )


def test_half_a_cent_is_drawn_as_in_excel() -> None:
    """The chart shows the bill that the page and the workbook show."""
    table = by_country(["DE"], expected=0.625, actual=1.005)
    assert [text.get_text() for text in costs(table).axes[0].texts] == ["0.63", "1.01"]
    assert describe_costs(table).endswith("DE 0.63 and 1.01.")


@pytest.mark.parametrize(("draw", "describe"), BY_TABLE)
def test_many_countries_are_drawn_together(draw: Any, describe: Any) -> None:
    """The fifteen largest stand alone, and all others in one line; none is left out."""
    table = by_country([f"C{number}" for number in range(200)])
    labels = drawn(draw(table))
    assert [label.partition(" (")[0] for label in labels] == [
        *(f"C{number}" for number in range(15)),
        "185 others",
    ]
    assert drawn(draw(table[:16]))[-1].partition(" (")[0] == "1 other"
    words = describe(table)
    assert ("of 18,500." in words) or ("185 others 1,850.00 and 1,757.50." in words)


@pytest.mark.parametrize(("draw", "describe"), BY_TABLE)
@pytest.mark.parametrize(
    "table",
    [
        by_country([]),
        by_country(["DE"], sent=0),
        by_country(["DE"]),
        by_country([None, float("nan"), pd.NA]),
        by_country(["DE"], sent=1, expected=0.0, actual=0.0),
        by_country(["DE", "EE"], sent=10**15, expected=1e15, actual=1e-9),
        by_country(["DE"], actual=float("nan")),
    ],
    ids=["empty", "nothing sent", "one", "missing", "free", "huge", "unpriced"],
)
def test_any_figures_are_drawn_and_told(draw: Any, describe: Any, table: pd.DataFrame) -> None:
    """Neither nothing nor a great deal stops a chart, or gives a warning."""
    drawn(draw(table))
    assert "nan" not in describe(table).lower()


@pytest.mark.parametrize(("draw", "describe"), BY_TABLE)
@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("$x^2$ & 5_0%", "$x^2$ & 5_0%"),  # no formula
        (r"\frac{1}{0}$", r"\frac{1}{0}$"),
        ("$", "$"),
        (r"$\frac$", r"$\frac$"),  # no formula at all: matplotlib would stumble over it
        ("a\nb\tc\r", "a b cU+000D"),
        ("\U0001f98a Tele", "□ Tele"),  # the font has no fox
        ("中国移动", "□□□□"),
        ("زين", "زين"),
        ("\u202eevil", "U+202Eevil"),
        ("a\ud83d", "aU+D83D"),
        ("x" * 100, "x" * 17 + "…"),
        ("_hidden", "_hidden"),  # a label of a legend that begins so would be left out
        ("", ""),
        (7, "7"),
        (("DE", "a"), "('DE', 'a')"),
    ],
)
def test_a_name_is_shown_and_does_nothing(draw: Any, describe: Any, label: Any, shown: str) -> None:
    """Whatever stands in a file is one line of signs that the font has."""
    table = by_country(["x"])
    table.index = pd.Index([label], dtype=object, tupleize_cols=False)
    (text,) = drawn(draw(table))
    assert text.removesuffix(" (100)") == shown
    assert "□" in shown or shown in describe(table)


@pytest.mark.parametrize("kind", CHARTS)
def test_a_campaign_without_rows_has_every_chart(kind: str) -> None:
    """There is a picture, and words for it, before anything was sent."""
    chart = CHARTS[kind]
    table = chart.tabulate(join([]))
    drawn(chart.draw(table))
    assert chart.describe(table).endswith(".")


def test_huge_counts_make_a_funnel() -> None:
    """Counts of any size are written out; none is none."""
    summary = pd.DataFrame({"rows": [10**15], "sent": [0], "delivered": [pd.NA]})
    drawn(funnel(summary))
    assert describe_funnel(summary) == (
        "Bars: in the file 1,000,000,000,000,000, accepted 0, delivered 0."
    )


def test_a_notebook_shows_a_chart() -> None:
    """A figure at the end of a cell is a picture there, though nobody loaded pyplot."""
    formatter: Any = DisplayFormatter()
    shown, _ = formatter.format(CHARTS["funnel"].draw(CHARTS["funnel"].tabulate(join([]))))
    assert shown["image/png"].startswith(b"\x89PNG")
