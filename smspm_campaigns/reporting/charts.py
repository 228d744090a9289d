"""Outcomes as pictures, readable in black and white."""

from typing import Final

import pandas as pd
from matplotlib.figure import Figure

_BAR: Final = "#1f5f8b"
_STEPS: Final = {"rows": "In the file", "sent": "Accepted", "delivered": "Delivered"}


def funnel(summary: pd.DataFrame) -> Figure:
    """Draw how many rows of the file were accepted and delivered.

    Args:
        summary: one row, as `Campaign.summary()` returns it.

    Returns:
        A matplotlib figure that no window holds on to.
    """
    counts = [int(summary[name].iloc[0]) for name in _STEPS]
    figure = Figure(figsize=(7, 2.2), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(_STEPS.values()), counts, color=_BAR)
    axes.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False)
    return figure


def describe_funnel(summary: pd.DataFrame) -> str:
    """Say in words what `funnel` shows."""
    parts = [f"{label.lower()} {int(summary[name].iloc[0]):,}" for name, label in _STEPS.items()]
    return "Bars: " + ", ".join(parts) + "."
