"""A report becomes the figures people act on.

Each table takes a whole report or the slim one that `slim` makes of it, and is the same for both.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from smspm_campaigns.frames.cells import as_text, is_blank
from smspm_campaigns.frames.columns import STR, check_argument, find_column
from smspm_campaigns.vocabulary import (
    ACCEPTED,
    COST,
    COUNTRY,
    OPEN,
    PROBLEM,
    PROBLEM_TITLES,
    SEGMENTS,
    Problem,
    Status,
)

#: The columns of a summary that count rows, and the statuses they count.
_COUNTED: Final = {
    "planned": (Status.PLANNED,),
    "sending": (Status.SENDING,),
    "sent": ACCEPTED,
    "delivered": (Status.DELIVERED,),
    "failed": (Status.FAILED,),
    "open": OPEN,
    "unconfirmed": (Status.UNCONFIRMED,),
    "refused": (Status.REFUSED,),
    "unknown": (Status.UNKNOWN,),
    "excluded": (Status.EXCLUDED,),
    "cancelled": (Status.CANCELLED,),
}

#: Outcomes that somebody may have to look into, as columns of `failures`.
_FAILURES: Final = ("failed", "refused", "unknown", "unconfirmed")

_CARRIER: Final = "sms_carrier"
_PRICE: Final = "sms_price"
_STATUS: Final = "sms_status"
_TIMES: Final = ("sms_sent_at", "sms_updated_at")

#: What the tables need of a report, and how it is kept while the rest is let go.
_SLIM: Final[dict[str, Callable[["pd.Series[Any]"], "pd.Series[Any]"]]] = {
    **dict.fromkeys(
        (_STATUS, COUNTRY, _CARRIER, PROBLEM), lambda texts: texts.astype(STR).astype("category")
    ),
    SEGMENTS: lambda counts: counts.astype("Int64"),
    **dict.fromkeys((COST, _PRICE), lambda money: money.astype("float64")),
    **dict.fromkeys(_TIMES, lambda times: times.astype("datetime64[us, UTC]")),
}

_Figure = tuple[str, "pd.Series[Any]"]  # a name, and a value for each row

_Z: Final = 1.959964  # standard normal quantile of a two-sided 95 % interval
_ALL: Final = "all"  # the label of the one row that counts everything


def slim(report: pd.DataFrame) -> pd.DataFrame:
    """Keep of a report what the tables need: 46 bytes a row.

    Args:
        report: as `Campaign.report` returns it, or any rows of it.

    Returns:
        The columns that tables are made from, in the order of the rows; texts are categoricals.
    """
    columns = {name: keep(report[name]).array for name, keep in _SLIM.items()}
    return pd.DataFrame(columns, index=range(len(report)))


def join(slims: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the slim pieces of a report together again, in their order.

    Args:
        slims: frames as `slim` makes them; none of them is a report without rows.
    """
    pieces = list(slims)
    columns: dict[str, Any] = {}
    for name, keep in _SLIM.items():
        parts = [piece[name] for piece in pieces] or [keep(pd.Series([], dtype=object))]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = union_categoricals(parts)
        else:
            columns[name] = pd.concat(parts, ignore_index=True).array
    return pd.DataFrame(columns)


def summarize(report: pd.DataFrame, by: Any = None) -> pd.DataFrame:
    """Count a report.

    Args:
        report: as `Campaign.report` returns it.
        by: the name of a column to group by, the user's own too; everything in one row by default.
            Cells that cannot be compared, such as lists, are grouped by their text.

    Returns:
        A frame with one row per group, the largest first: `rows`, `planned`, `sending`, `sent`
        (accepted by the API: `delivered` + `failed` + `open` + `unconfirmed`), `refused`,
        `unknown`, `excluded`, `cancelled` (Int64); `delivery_rate` (delivered / sent) with its
        95 % interval `rate_low`, `rate_high` (Wilson score); `segments` of what was sent (Int64);
        `expected_cost`, `actual_cost` (EUR, the sum of the prices that are known of what was sent;
        missing where none is) and how many messages sent lack one: `unestimated` and `unpriced`
        (Int64).

    Raises:
        ColumnNotFound: there is no column `by`.
        InvalidArgument: there are two of that name.
    """
    status = report[_STATUS]
    sent = status.isin(_COUNTED["sent"])
    figures = chain(
        [("rows", _each(report))],
        ((name, status.isin(members)) for name, members in _COUNTED.items()),
        _costs_of(report, sent),
    )
    labels = [] if by is None else [find_column(report, by)]
    table = with_rates(_sum(figures, labels, len(report)))
    rates = ["delivery_rate", "rate_low", "rate_high"]
    money = ["segments", "expected_cost", "actual_cost", "unestimated", "unpriced"]
    return _largest_first(table[["rows", *_COUNTED, *rates, *money]], "rows", [by])


def with_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Add the delivery rate of what was sent, and its interval, to a table of counts.

    The interval is the Wilson score, which holds for small groups and rates near 1 too.
    """
    sent = table["sent"].astype("float64")
    sent = sent.where(sent > 0)
    rate = _share(table, "delivered")
    middle = (rate + _Z**2 / (2 * sent)) / (1 + _Z**2 / sent)
    spread = _Z / (1 + _Z**2 / sent) * (rate * (1 - rate) / sent + (_Z / (2 * sent)) ** 2) ** 0.5
    low, high = (middle - spread).clip(lower=0.0), (middle + spread).clip(upper=1.0)
    return table.assign(delivery_rate=rate, rate_low=low, rate_high=high)


def costs(report: pd.DataFrame) -> pd.DataFrame:
    """Hold the estimate against the bill, by country and carrier.

    Returns:
        A frame with one row for each `sms_country` and `sms_carrier` (missing until it is known)
        to which something was sent, the largest first: `sent`, `segments` (Int64);
        `expected_cost`, `actual_cost` (EUR, the sum of the prices that are known); `difference`
        (actual - expected, EUR, of the messages of which both are known) and `difference_share`
        (of what was expected of the same messages); `unestimated` and `unpriced` (Int64): of how
        many messages the expected and the actual price are not known.
    """
    rows = report[report[_STATUS].isin(_COUNTED["sent"])]
    both = rows[COST].notna() & rows[_PRICE].notna()
    figures = chain(
        [("sent", _each(rows))],
        _costs_of(rows, _each(rows)),
        [
            ("difference", (rows[_PRICE] - rows[COST]).where(both)),
            ("compared", rows[COST].where(both)),
        ],
    )
    table = _sum(figures, [rows[COUNTRY], rows[_CARRIER]], len(rows))
    compared = table.pop("compared")
    table["difference_share"] = table["difference"] / compared.where(compared > 0)
    order = ["sent", "segments", "expected_cost", "actual_cost", "difference", "difference_share"]
    return _largest_first(table[[*order, "unestimated", "unpriced"]], "sent", [COUNTRY, _CARRIER])


def delivery_times(report: pd.DataFrame, by: Any = None) -> pd.DataFrame:
    """Tell how long messages took from being accepted until their delivery was known here.

    A phone has a message before that is known: a poll asks only now and then, so these times are
    later than the truth by up to the time between two polls. A callback that overtook the answer to
    its request counts as no time at all.

    Args:
        report: as `Campaign.report` returns it.
        by: the name of a column to group by; everything in one row by default.

    Returns:
        A frame with one row per group in which something was delivered, the largest first:
        `delivered` (Int64: delivered rows of which both times are known), `median` and `p95`
        (timedelta64[us]: half, and 95 %, took no longer).

    Raises:
        ColumnNotFound: there is no column `by`.
        InvalidArgument: there are two of that name.
    """
    labels = [] if by is None else [find_column(report, by)]
    sent, known = (report[name] for name in _TIMES)
    counts = (report[_STATUS] == Status.DELIVERED) & sent.notna() & known.notna()
    took = (known[counts] - sent[counts]).astype("timedelta64[us]").astype("int64").clip(lower=0)
    codes, index = _groups([label[counts] for label in labels], int(counts.sum()))
    groups = took.groupby(codes)
    table = pd.DataFrame(
        {
            "delivered": groups.size().astype("Int64"),
            **{
                name: pd.to_timedelta(
                    groups.quantile(share, interpolation="higher"), unit="us"
                ).astype("timedelta64[us]")
                for name, share in (("median", 0.5), ("p95", 0.95))
            },
        }
    ).reindex(range(len(index)))
    table = table.set_axis(index).fillna({"delivered": 0})
    return _largest_first(table, "delivered", [by])


def failures(report: pd.DataFrame) -> pd.DataFrame:
    """Tell where messages got lost, by carrier and country.

    Returns:
        A frame with one row for each `sms_carrier` (missing where it is not known) and
        `sms_country` with such rows, the most first: `sent`, `failed`, `refused`, `unknown`,
        `unconfirmed` (Int64), and `failure_rate` (failed / sent).
    """
    status = report[_STATUS]
    figures = ((name, status.isin(_COUNTED[name])) for name in ("sent", *_FAILURES))
    table = _sum(figures, [report[_CARRIER], report[COUNTRY]], len(report))
    table["failure_rate"] = _share(table, "failed")
    table["lost"] = table[list(_FAILURES)].sum(axis=1)
    found = _largest_first(table[table["lost"] > 0], "lost", [_CARRIER, COUNTRY])
    return found.drop(columns="lost")


def timeline(report: pd.DataFrame, bins: int = 100) -> pd.DataFrame:
    """Count what was accepted, delivered and failed by then, at equal steps of time.

    Args:
        report: as `Campaign.report` returns it.
        bins: how many points there are at most, from the first change to the last.

    Returns:
        A frame with `accepted`, `delivered` and `failed` (Int64), each of them cumulated; its index
        `time` is datetime64[us, UTC]. Empty when nothing was accepted. A message of which it is
        not known when it was accepted counts as accepted when its outcome was known.

    Raises:
        InvalidArgument: `bins` is no whole number of 1 or more.
    """
    fits = type(bins) is int and bins >= 1
    check_argument("bins", bins, "a whole number of points, 1 or more", fits=fits)
    status = report[_STATUS]
    sent_at, known_at = (_microseconds(report[name]) for name in _TIMES)
    times = {
        "accepted": np.minimum(sent_at, known_at)[status.isin(_COUNTED["sent"])],
        "delivered": known_at[status.isin(_COUNTED["delivered"])],
        "failed": known_at[status.isin(_COUNTED["failed"])],
    }
    times = {name: np.sort(found[found < _NEVER]) for name, found in times.items()}
    points = np.array([], dtype="int64")
    if len(changes := np.concatenate(list(times.values()))):
        points = np.unique(np.linspace(changes.max(), changes.min(), bins).round().astype("int64"))
    return pd.DataFrame(
        {
            name: pd.array(np.searchsorted(found, points, side="right"), dtype="Int64")
            for name, found in times.items()
        },
        index=pd.DatetimeIndex(points.view("datetime64[us]"), tz="UTC", name="time"),
    )


def count_problems(report: pd.DataFrame) -> "pd.Series[Any]":
    """Count excluded rows by the words of their problem, most frequent first."""
    codes = report.loc[report[_STATUS] == Status.EXCLUDED, PROBLEM]
    table = _sum([("rows", _each(codes))], [codes], len(codes))
    table.index = pd.Index([PROBLEM_TITLES[Problem(code)] for code in table.index], dtype=STR)
    return _largest_first(table, "rows", ["reason"])["rows"].astype("int64")


_NEVER: Final = np.iinfo("int64").max


def _microseconds(times: "pd.Series[Any]") -> "np.ndarray[Any, np.dtype[Any]]":
    """Return times as microseconds since 1970; a missing one is later than all."""
    micros = times.astype("datetime64[us, UTC]").astype("int64")
    return micros.where(times.notna(), _NEVER).to_numpy()


def _each(rows: "pd.DataFrame | pd.Series[Any]") -> "pd.Series[bool]":
    return pd.Series(data=True, index=rows.index)


def _costs_of(rows: pd.DataFrame, sent: "pd.Series[bool]") -> Iterator[_Figure]:
    """Yield what of each row is summed up to tell of money."""
    yield "segments", rows[SEGMENTS].where(sent, 0).fillna(0)
    yield "expected_cost", rows[COST].where(sent)
    yield "actual_cost", rows[_PRICE].where(sent)
    yield "unestimated", sent & rows[COST].isna()
    yield "unpriced", sent & rows[_PRICE].isna()


def _sum(figures: Iterable[_Figure], labels: Sequence["pd.Series[Any]"], size: int) -> pd.DataFrame:
    """Sum up figures by their labels, one after the other, so that few are held at a time.

    Counts become Int64; of money where nothing is known, no sum is known.
    """
    codes, index = _groups(labels, size)
    sums = {}
    for name, figure in figures:
        is_money = figure.dtype == "float64"
        each = figure if is_money else figure.astype("int64")
        total = each.groupby(codes).sum(min_count=1).reindex(range(len(index)))
        sums[name] = total if is_money else total.fillna(0).astype("Int64")
    return pd.DataFrame(sums).set_axis(index)


def _groups(
    labels: Sequence["pd.Series[Any]"], size: int
) -> tuple["np.ndarray[Any, np.dtype[Any]]", "pd.Index[Any]"]:
    """Return the number of each row's group, and the groups: of one label, of two, or all."""
    if not labels:
        return np.zeros(size, dtype="intp"), pd.Index([_ALL])
    factors = [_factorize(label) for label in labels]
    if len(factors) == 1:
        return factors[0]
    (first, firsts), (second, seconds) = factors
    codes, found = pd.factorize(first * len(seconds) + second)
    levels = [firsts.take(found // len(seconds)), seconds.take(found % len(seconds))]
    return codes, pd.MultiIndex.from_arrays(levels)


def _factorize(
    label: "pd.Series[Any]",
) -> tuple["np.ndarray[Any, np.dtype[Any]]", "pd.Index[Any]"]:
    try:
        codes, index = pd.factorize(label, use_na_sentinel=False)
    except (TypeError, NotImplementedError, ArithmeticError):  # of lists, and of what signals
        texts = [None if is_blank(cell) else as_text(cell) for cell in label]
        codes, index = pd.factorize(pd.Index(texts, dtype=object), use_na_sentinel=False)
    if isinstance(index, pd.CategoricalIndex):
        return codes, index.astype(index.categories.dtype)
    return codes, index


def _largest_first(table: pd.DataFrame, column: str, names: Sequence[Any]) -> pd.DataFrame:
    """Sort a table, and name its index: only then, since a name may be that of a column."""
    table = table.sort_values(column, ascending=False, kind="stable")
    table.index.names = list(names)
    return table


def _share(table: pd.DataFrame, column: str) -> "pd.Series[float]":
    sent = table["sent"].astype("float64")
    return table[column].astype("float64") / sent.where(sent > 0)
