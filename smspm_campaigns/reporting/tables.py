"""A report becomes the figures people act on."""

from typing import Any, Final

import pandas as pd

from smspm_campaigns.exceptions import ColumnNotFound
from smspm_campaigns.vocabulary import COST, PROBLEM, PROBLEM_TITLES, SEGMENTS, Problem, Status

#: The columns of a summary that count rows, and the statuses they count.
_COUNTED: Final = {
    "planned": (Status.PLANNED,),
    "sending": (Status.SENDING,),
    "sent": (
        Status.QUEUED,
        Status.SUBMITTED,
        Status.UNCONFIRMED,
        Status.DELIVERED,
        Status.FAILED,
    ),
    "delivered": (Status.DELIVERED,),
    "failed": (Status.FAILED,),
    "open": (Status.QUEUED, Status.SUBMITTED, Status.UNCONFIRMED),
    "refused": (Status.REFUSED,),
    "unknown": (Status.UNKNOWN,),
    "excluded": (Status.EXCLUDED,),
    "cancelled": (Status.CANCELLED,),
}

_SUMMED: Final = ("segments", "expected_cost", "actual_cost")

_Z: Final = 1.959964  # standard normal quantile of a two-sided 95 % interval


def summarize(report: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """Count a report.

    Args:
        report: as `Campaign.report` returns it.
        by: a column to group by, the user's own too; everything in one row by default.

    Returns:
        A frame with one row per group: `rows`, `planned`, `sending`, `sent` (accepted by the API:
        `delivered` + `failed` + `open`), `refused`, `unknown`, `excluded`, `cancelled` (Int64);
        `delivery_rate` (delivered / sent) with its 95 % interval `rate_low`, `rate_high` (Wilson
        score); `segments` of what was sent (Int64); `expected_cost`, `actual_cost` (EUR, of what
        was sent; missing where no price is known).

    Raises:
        ColumnNotFound: there is no column `by`.
    """
    if by is not None and by not in report.columns:
        raise ColumnNotFound(
            f"The report has no column {by!r}. It has: {', '.join(map(str, report.columns))}."
        )
    status = report["sms_status"]
    sent = status.isin(_COUNTED["sent"])
    figures = pd.DataFrame(
        {
            "rows": 1,
            **{name: status.isin(members).astype("int64") for name, members in _COUNTED.items()},
            "segments": report[SEGMENTS].where(sent, 0).fillna(0).astype("int64"),
            "expected_cost": report[COST].where(sent),
            "actual_cost": report["sms_price"].where(sent),
        }
    )
    label = "all" if by is None else report[by]
    groups = figures.groupby(
        label if by else pd.Series(label, index=figures.index), dropna=False, observed=True
    )
    table = groups.sum(min_count=1)
    counts = ["rows", *_COUNTED, "segments"]
    table[counts] = table[counts].fillna(0)
    table = table.astype(dict.fromkeys(counts, "Int64"))
    low, high = _interval(table)
    table = table.assign(delivery_rate=_rate(table), rate_low=low, rate_high=high)
    table.index.name = by
    order = ["rows", *_COUNTED, "delivery_rate", "rate_low", "rate_high", *_SUMMED]
    return table[order].sort_values("rows", ascending=False, kind="stable")


def _rate(table: pd.DataFrame) -> "pd.Series[float]":
    sent = table["sent"].astype("float64")
    return table["delivered"].astype("float64") / sent.where(sent > 0)


def _interval(table: pd.DataFrame) -> "tuple[pd.Series[float], pd.Series[float]]":
    """Return the Wilson score interval, which holds for small groups and rates near 1 too."""
    sent = table["sent"].astype("float64")
    sent = sent.where(sent > 0)
    rate = _rate(table)
    middle = (rate + _Z**2 / (2 * sent)) / (1 + _Z**2 / sent)
    spread = _Z / (1 + _Z**2 / sent) * (rate * (1 - rate) / sent + (_Z / (2 * sent)) ** 2) ** 0.5
    return (middle - spread).clip(lower=0.0), (middle + spread).clip(upper=1.0)


def count_problems(report: pd.DataFrame) -> "pd.Series[Any]":
    """Count excluded rows by the words of their problem, most frequent first."""
    codes = report.loc[report["sms_status"] == Status.EXCLUDED, PROBLEM]
    counted = codes.value_counts()
    counted.index = pd.Index(
        [PROBLEM_TITLES[Problem(code)] for code in counted.index], name="reason"
    )
    return counted.rename("rows")
