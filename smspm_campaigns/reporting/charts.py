"""Outcomes as pictures, readable in black and white, each with words that say the same.

No window holds on to a figure. Whatever a stranger wrote into a file is shown as text: no formula,
and no sign that the font does not have.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import MaxNLocator

from smspm_campaigns.frames.preview_views import in_a_line
from smspm_campaigns.reporting.tables import summarize, timeline, with_rates
from smspm_campaigns.reporting.words import partly
from smspm_campaigns.vocabulary import COUNTRY

_WIDTH: Final = 5.6  # inches; in the page, a letter is then as high as those around it
_DARK: Final = "#1f4e79"
_LIGHT: Final = "#d6e4f0"
_INK: Final = "#222222"
_FONT: Final = "DejaVu Sans"  # comes with matplotlib
_NO_GLYPH: Final = "□"
_LARGEST: Final = 15  # countries that are drawn; the rest together
_FEW: Final = 100  # messages; a rate of fewer is drawn hollow
_LONGEST: Final = 18  # characters of a name beside a bar

#: Texts from data: `$` is a dollar.
_PLAIN: Final[dict[str, Any]] = {"parse_math": False, "usetex": False, "fontfamily": _FONT}

#: The steps of a funnel: columns of a summary, and what they are called.
_STEPS: Final = {"rows": "In the file", "sent": "Accepted", "delivered": "Delivered"}

#: What a timeline counts, and how its lines differ without colour.
_LINES: Final[dict[str, dict[str, Any]]] = {
    "accepted": {"color": "#7f7f7f", "linestyle": "-", "marker": "o"},
    "delivered": {"color": _DARK, "linestyle": "--", "marker": "s"},
    "failed": {"color": "#b8431f", "linestyle": ":", "marker": "x"},
}

#: Units of time, the longest first: of how many seconds each is.
_UNITS: Final = {"Days": 86_400.0, "Hours": 3_600.0, "Minutes": 60.0, "Seconds": 1.0}


class Picture(Figure):
    """A figure that a notebook shows by itself, though no pyplot is there to do so."""

    def png(self, dpi: int = 100) -> bytes:
        """Return it as a PNG file of so many dots per inch."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=dpi)
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


class Chart(NamedTuple):
    """A kind of picture: the table it shows, made of a report; how it is drawn, and told."""

    tabulate: Callable[[pd.DataFrame], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Picture]
    describe: Callable[[pd.DataFrame], str]


def funnel(summary: pd.DataFrame) -> Picture:
    """Draw how many rows of the file were accepted and delivered.

    Args:
        summary: one row, as `Campaign.summary()` returns it.
    """
    counts = [_count(summary[name].iloc[0]) for name in _STEPS]
    figure, axes = _figure(2.0)
    bars = axes.barh(
        list(_STEPS.values()), counts, color=[_LIGHT, "#7ba3c9", _DARK], edgecolor=_INK
    )
    axes.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=4)
    axes.invert_yaxis()
    _only_bars(axes, counts)
    return figure


def describe_funnel(summary: pd.DataFrame) -> str:
    """Say in words what `funnel` shows."""
    parts = [f"{label.lower()} {_count(summary[name].iloc[0]):,}" for name, label in _STEPS.items()]
    return f"Bars: {', '.join(parts)}."


def statuses(line: pd.DataFrame) -> Picture:
    """Draw how many messages had been accepted, delivered and failed as time went by.

    Args:
        line: as `Campaign.timeline()` returns it.
    """
    if line.empty:
        return _nothing()
    figure, axes = _figure(3.0)
    unit, seconds = _unit(line)
    start = line.index[0]
    passed = (line.index - start).total_seconds().to_numpy() / seconds
    for name, look in _LINES.items():
        counts = line[name].astype("float64")
        label = f"{name.capitalize()} {_count(line[name].iloc[-1]):,}"
        every = max(1, len(passed) // 10)
        axes.plot(passed, counts, label=label, markevery=every, markersize=5, **look)
    axes.set_xlabel(f"{unit} since {start:%Y-%m-%d %H:%M:%S} UTC")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value % 1 == 0 else "")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", ncols=len(_LINES), frameon=False)
    return figure


def describe_statuses(line: pd.DataFrame) -> str:
    """Say in words what `statuses` shows."""
    if line.empty:
        return "Lines over time: nothing was accepted yet."
    unit, seconds = _unit(line)
    took = (line.index[-1] - line.index[0]).total_seconds() / seconds
    counts = ", ".join(f"{_count(line[name].iloc[-1]):,} {name}" for name in _LINES)
    return (
        f"Lines over time: from {line.index[0]:%Y-%m-%d %H:%M:%S} UTC on, after "
        f"{took:,.1f} {unit.lower()}: {counts}."
    )


def delivery_rates(by_country: pd.DataFrame) -> Picture:
    """Draw the share of accepted messages that were delivered, with its 95 % interval.

    A rate of fewer than 100 messages is drawn hollow. The 15 countries with the most messages are
    drawn, and the others together.

    Args:
        by_country: as `Campaign.summary("sms_country")` returns it.
    """
    table = _rates(by_country)
    if table.empty:
        return _nothing()
    figure, axes = _figure(1.1 + 0.26 * len(table))
    places = range(len(table))
    rates = 100 * table["delivery_rate"].to_numpy("float64")
    low, high = (100 * table[name].to_numpy("float64") for name in ("rate_low", "rate_high"))
    few = table["sent"].to_numpy("float64") < _FEW
    errors = [(rates - low).clip(0), (high - rates).clip(0)]
    axes.errorbar(rates, places, xerr=errors, fmt="none", ecolor=_INK, capsize=3, linewidth=1)
    for hollow, colour in ((True, "white"), (False, _DARK)):
        chosen = [place for place in places if few[place] == hollow]
        axes.plot(
            rates[chosen], chosen, linestyle="", marker="o", color=_INK, markerfacecolor=colour
        )
    names = [
        f"{name} ({_count(sent):,})"
        for name, sent in zip(_names(table), table["sent"], strict=True)
    ]
    _name_bars(axes, names)
    axes.set_xlim(min(low.min() - 2, 90), 101)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    axes.set_xlabel(f"Delivered, with 95% interval (hollow: of under {_FEW} messages)")
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    return figure


def describe_delivery_rates(by_country: pd.DataFrame) -> str:
    """Say in words what `delivery_rates` shows."""
    table = _rates(by_country)
    if table.empty:
        return "Delivery rate by country: nothing was accepted yet."
    parts = [
        f"{name} {row['delivery_rate']:.1%} ({row['rate_low']:.1%} to {row['rate_high']:.1%}) of "
        f"{_count(row['sent']):,}"
        for name, (_, row) in zip(_names(table), table.iterrows(), strict=True)
    ]
    return f"Delivery rate by country, with its 95% interval: {'; '.join(parts)}."


def costs(by_country: pd.DataFrame) -> Picture:
    """Draw what was expected to be paid beside what is billed so far.

    The 15 countries with the highest costs are drawn, and the others together.

    Args:
        by_country: as `Campaign.summary("sms_country")` returns it.
    """
    table = _costs(by_country)
    if table.empty:
        return _nothing()
    figure, axes = _figure(1.0 + 0.42 * len(table))
    bars: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
        ("expected_cost", "Expected", -0.2, {"color": "white", "hatch": "////"}),
        ("actual_cost", "Actual", 0.2, {"color": _DARK}),
    )
    for column, label, shift, look in bars:
        drawn = axes.barh(
            [place + shift for place in range(len(table))],
            table[column].fillna(0.0).to_list(),
            height=0.38,
            label=label,
            edgecolor=_INK,
            **look,
        )
        axes.bar_label(drawn, labels=_in_euros(table, column), padding=4, fontsize=8)
    _name_bars(axes, _names(table))
    _only_bars(axes, [*table["expected_cost"].fillna(0.0), *table["actual_cost"].fillna(0.0)])
    axes.set_xlabel("EUR, of accepted messages")
    figure.legend(loc="outside upper left", ncols=len(bars), frameon=False)
    return figure


def describe_costs(by_country: pd.DataFrame) -> str:
    """Say in words what `costs` shows."""
    table = _costs(by_country)
    if table.empty:
        return "Costs by country: nothing was accepted yet."
    parts = [
        f"{name} {expected} and {actual}"
        for name, expected, actual in zip(
            _names(table),
            _in_euros(table, "expected_cost"),
            _in_euros(table, "actual_cost"),
            strict=True,
        )
    ]
    return f"Expected and actual cost by country, in EUR: {'; '.join(parts)}."


def _figure(height: float) -> tuple[Picture, Axes]:
    figure = Picture(figsize=(_WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _nothing() -> Picture:
    figure = Picture(figsize=(_WIDTH, 1.0))
    figure.text(0.5, 0.5, "Nothing was accepted yet", ha="center", va="center")
    return figure


def _only_bars(axes: Axes, lengths: Iterable[float]) -> None:
    """Leave away what the labels of bars say already, and leave room for these."""
    axes.set_xlim(0, (max(lengths) or 1) * 1.25)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False)


def _count(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)


def _unit(line: pd.DataFrame) -> tuple[str, float]:
    span = (line.index[-1] - line.index[0]).total_seconds()
    return next(
        ((name, size) for name, size in _UNITS.items() if span >= 2 * size), ("Seconds", 1.0)
    )


def _by_country(report: pd.DataFrame) -> pd.DataFrame:
    return summarize(report, COUNTRY)


def _rates(by_country: pd.DataFrame) -> pd.DataFrame:
    counts = by_country.loc[by_country["sent"] > 0, ["sent", "delivered"]]
    return with_rates(_with_others(counts.sort_values("sent", ascending=False, kind="stable")))


def _costs(by_country: pd.DataFrame) -> pd.DataFrame:
    known = ["expected_cost", "actual_cost"]
    table = by_country.loc[by_country["sent"] > 0, [*known, "unestimated", "unpriced", "sent"]]
    highest = table[known].astype("float64").max(axis=1).fillna(0.0)
    return _with_others(table.iloc[(-highest).argsort(kind="stable")])


def _with_others(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the first countries, and add up the rest."""
    rest = table.iloc[_LARGEST:]
    names = list(map(_name, table.index[:_LARGEST]))
    if len(rest) > 0:
        others = rest.sum(min_count=1).to_frame().T.astype(table.dtypes.to_dict())
        table = pd.concat([table.iloc[:_LARGEST], others])
        names.append("1 other" if len(rest) == 1 else f"{len(rest):,} others")
    return table.set_axis(pd.Index(names, dtype=object))


def _names(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table.index]


def _name(label: Any) -> str:
    """Write a label in one line, bounded, its steering signs visible."""
    missing = pd.api.types.is_scalar(label) and pd.isna(label)
    return "not known" if missing else in_a_line(str(label), _LONGEST)


def _name_bars(axes: Axes, names: Sequence[str]) -> None:
    """Write names beside bars from above, with the signs that the font has."""
    shown = ["".join(c if ord(c) in _glyphs() else _NO_GLYPH for c in name) for name in names]
    axes.set_yticks(range(len(names)), shown, **_PLAIN)
    axes.invert_yaxis()


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=_FONT))).get_charmap())


def _in_euros(table: pd.DataFrame, column: str) -> list[str]:
    """Write the costs of a column, and of how many messages none is known."""
    missing = table[{"expected_cost": "unestimated", "actual_cost": "unpriced"}[column]]
    return [partly(cost, _count(count)) for cost, count in zip(table[column], missing, strict=True)]


#: The pictures by kind.
CHARTS: Final = {
    "funnel": Chart(summarize, funnel, describe_funnel),
    "statuses": Chart(timeline, statuses, describe_statuses),
    "countries": Chart(_by_country, delivery_rates, describe_delivery_rates),
    "costs": Chart(_by_country, costs, describe_costs),
}
