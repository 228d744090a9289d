"""How what is in a report is written for a person."""

from typing import Any, Final

import pandas as pd

from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.costs import in_euros
from smspm_campaigns.frames.preview_views import in_a_line
from smspm_campaigns.masking import mask_text

LONGEST: Final = 60  # characters of a name
LONGEST_NOTE: Final = 200  # characters of what was said of a row
_CENT: Final = 0.01  # EUR; less is written with more digits
_DIGITS: Final = 6  # of an amount; what floats lose behind them is no difference


def line(value: Any, most: int = LONGEST) -> str:
    """Write a cell in one line: steering signs visible, numbers masked before it is cut."""
    return in_a_line(mask_text(in_a_line(as_text(value), 5 * most)), most)


def named(label: Any, unknown: str = "not known") -> str:
    return line(label) or unknown


def money_of(row: dict[str, Any]) -> tuple[str, str]:
    """Write the expected and the actual cost of what was sent, and what is not in them."""
    if not row["sent"]:
        return "", ""
    return (
        partly(row["expected_cost"], row["unestimated"]),
        partly(row["actual_cost"], row["unpriced"]),
    )


def partly(cost: Any, missing: int) -> str:
    """Write a cost, and of how many messages none is known."""
    return euros(cost) + (f" (without {missing:,})" if missing and not pd.isna(cost) else "")


def several(count: int, name: str) -> str:
    return f"{count:,} {name}" + ("" if count == 1 else "s")


def euros(value: Any, sign: str = "") -> str:
    if pd.isna(value):
        return "not known"
    return in_euros(value, 4 if 0 < abs(value) < _CENT else 2, sign)


def is_nothing(value: float) -> bool:
    """Tell whether an amount is what floats lose behind the digits of a price."""
    return round(value, _DIGITS) == 0


def signed(value: float) -> str:
    return "0.00" if is_nothing(value) else euros(round(value, _DIGITS), "+")


def difference_of(row: dict[str, Any]) -> str:
    if pd.isna(row["difference"]):
        return ""
    difference, share = signed(row["difference"]), row["difference_share"]
    return difference if pd.isna(share) else f"{difference} ({share:+.1%})"


def rate_of(row: Any) -> str:
    if pd.isna(row["delivery_rate"]):
        return ""
    return f"{row['delivery_rate']:.1%} ({row['rate_low']:.1%} to {row['rate_high']:.1%})"


def duration(time: pd.Timedelta) -> str:
    seconds = time.total_seconds()
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} s"
