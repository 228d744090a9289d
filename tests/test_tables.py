"""A report becomes figures."""

from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument
from smspm_campaigns.reporting.tables import (
    costs,
    count_problems,
    delivery_times,
    failures,
    join,
    slim,
    summarize,
    timeline,
)
from smspm_campaigns.vocabulary import Problem, Status

pyarrow: Any = import_module("pyarrow")  # ships no types

NOON = pd.Timestamp("2026-11-22 12:00", tz="UTC")

ARROW_LISTS = pd.ArrowDtype(pyarrow.list_(pyarrow.string()))

TABLES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "summary": summarize,
    "countries": lambda report: summarize(report, "sms_country"),
    "carriers": lambda report: summarize(report, "sms_carrier"),
    "costs": costs,
    "delivery_times": delivery_times,
    "times_by_country": lambda report: delivery_times(report, "sms_country"),
    "failures": failures,
    "timeline": lambda report: timeline(report, bins=7),
    "problems": count_problems,
}


def made(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Make a report of (status, country, carrier, expected, price, seconds to sent, to update)."""
    status, country, carrier, expected, price, sent, updated = zip(*rows, strict=True)
    times = {"sms_sent_at": sent, "sms_updated_at": updated}
    return pd.DataFrame(
        {
            "sms_status": pd.array([str(word) for word in status], dtype="str"),
            "sms_country": pd.array(country, dtype="str"),
            "sms_carrier": pd.array(carrier, dtype="str"),
            "sms_problem": pd.array(
                ["duplicate" if word is Status.EXCLUDED else None for word in status], dtype="str"
            ),
            "sms_segments": pd.array([2] * len(rows), dtype="Int64"),
            "sms_cost": np.array(expected, dtype="float64"),
            "sms_price": np.array(price, dtype="float64"),
            **{
                name: NOON.as_unit("us") + pd.to_timedelta(pd.Series(after, dtype="float64"), "s")
                for name, after in times.items()
            },
        }
    )


def assert_same(left: Any, right: Any) -> None:
    """Assert that two tables are equal, whichever kind they are."""
    check = assert_series_equal if isinstance(left, pd.Series) else assert_frame_equal
    check(left, right)


def rows_of_a_report() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Draw rows of every status, with anything that may be missing now here, now missing."""
    money = st.sampled_from([None, 0.0, 0.025, 0.12])
    seconds = st.sampled_from([None, 0, 1, 2.5, 3600])
    return st.lists(
        st.tuples(
            st.sampled_from(list(Status)),
            st.sampled_from([None, "DE", "EE", "LV"]),
            st.sampled_from([None, "Telia", "LMT"]),
            money,
            money,
            seconds,
            seconds,
        ),
        min_size=1,
        max_size=40,
    )


@pytest.fixture
def report() -> pd.DataFrame:
    """One row of each status, two of delivered; each two segments, expected 0.10, cost 0.12."""
    statuses = [*Status, Status.DELIVERED]
    priced = {Status.DELIVERED, Status.FAILED}
    rows = [(s, "LV", "LMT", 0.10, 0.12 if s in priced else None, 0, 1) for s in statuses]
    return made(*rows).assign(shop=["Riga", "Tallinn"] * 6)


def test_the_summary_counts_every_row_once(report: pd.DataFrame) -> None:
    """Planned, sending, sent, refused, unknown, excluded and cancelled are all rows there are."""
    row = summarize(report).iloc[0]
    counted = row[["planned", "sending", "sent", "refused", "unknown", "excluded", "cancelled"]]
    assert dict(counted) == {
        "planned": 1,
        "sending": 1,
        "sent": 6,
        "refused": 1,
        "unknown": 1,
        "excluded": 1,
        "cancelled": 1,
    }
    assert counted.sum() == row["rows"] == len(report)
    assert (row["delivered"], row["failed"], row["open"], row["unconfirmed"]) == (2, 1, 2, 1)


def test_the_money_of_a_summary_is_that_of_what_was_sent(report: pd.DataFrame) -> None:
    """Segments and costs are of accepted rows alone."""
    row = summarize(report).iloc[0]
    assert row["segments"] == 12
    assert round(row["expected_cost"], 9) == 0.6
    assert round(row["actual_cost"], 9) == 0.36
    assert (row["unestimated"], row["unpriced"]) == (0, 3)


@pytest.mark.parametrize(
    ("delivered", "failed", "expected"),
    [
        # Wilson score intervals, as published tables have them
        (81, 182, (0.308, 0.2553, 0.3662)),  # Newcombe 1998, table I, 81 of 263
        (15, 133, (0.1014, 0.0624, 0.1605)),  # 15 of 148
        (0, 20, (0.0, 0.0, 0.1611)),  # 0 of 20
        (1, 28, (0.0345, 0.0061, 0.1718)),  # 1 of 29
    ],
)
def test_the_interval_is_wilsons(
    delivered: int, failed: int, expected: tuple[float, float, float]
) -> None:
    """The delivery rate comes with the 95 % interval of the Wilson score."""
    statuses = ["delivered"] * delivered + ["failed"] * failed
    frame = pd.DataFrame({"sms_status": statuses, "sms_segments": 1, "sms_cost": 0.1})
    row = summarize(frame.assign(sms_price=0.1)).iloc[0]
    found = (row["delivery_rate"], row["rate_low"], row["rate_high"])
    assert tuple(round(value, 4) for value in found) == pytest.approx(expected, abs=5e-5)


def test_a_summary_by_a_column_has_the_same_sums(report: pd.DataFrame) -> None:
    """Groups by one's own column, the missing value included, add up to the whole."""
    report.loc[[0, 3], "shop"] = None
    by_shop = summarize(report, "shop")
    assert set(by_shop.index.fillna("?")) == {"Riga", "Tallinn", "?"}
    counts = list(by_shop.columns[:12])
    assert dict(by_shop[counts].sum()) == dict(summarize(report)[counts].iloc[0])


def test_nothing_sent_has_no_rate_and_no_cost() -> None:
    """Where nothing was sent, rate and costs are missing rather than 0."""
    frame = pd.DataFrame({"sms_status": ["planned"], "sms_segments": [1], "sms_cost": [0.1]})
    row = summarize(frame.assign(sms_price=float("nan")))
    assert_frame_equal(
        row[["delivery_rate", "expected_cost", "actual_cost"]].isna(),
        pd.DataFrame(
            True, index=row.index, columns=["delivery_rate", "expected_cost", "actual_cost"]
        ),
    )


def test_a_column_that_is_not_there_is_told(report: pd.DataFrame) -> None:
    """The error lists the columns there are."""
    with pytest.raises(
        ColumnNotFound, match=r"no column 'city'\. The columns are: sms_status, sms_country"
    ):
        summarize(report, "city")


def test_problems_are_counted_in_words(report: pd.DataFrame) -> None:
    """Reasons are counted by the words a person reads."""
    assert dict(count_problems(report)) == {"Duplicate": 1}


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_a_report(), piece=st.integers(min_value=1, max_value=41))
def test_a_slim_report_gives_the_same_tables(rows: list[tuple[Any, ...]], piece: int) -> None:
    """Each table of a report is that of its slim pieces, however it is cut into them."""
    report = made(*rows)
    joined = join(slim(report[start : start + piece]) for start in range(0, len(report), piece))
    for make in TABLES.values():
        whole = make(report)
        assert_same(whole, make(slim(report)))
        assert_same(whole, make(joined))


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_a_report())
def test_every_table_adds_up(rows: list[tuple[Any, ...]]) -> None:
    """No row is counted twice or left out, and no cost is told of more than is known."""
    report = made(*rows)
    whole = summarize(report).iloc[0]
    assert whole["sent"] == whole[["delivered", "failed", "open", "unconfirmed"]].sum()
    rest = ["planned", "sending", "refused", "unknown", "excluded", "cancelled"]
    assert whole["rows"] == whole["sent"] + whole[rest].sum() == len(report)
    counts = ["rows", "sent", "delivered", "segments", "unestimated", "unpriced"]
    assert dict(summarize(report, "sms_carrier")[counts].sum()) == dict(whole[counts])
    bill = costs(report)
    assert dict(bill[counts[-3:]].sum()) == dict(whole[counts[-3:]])
    paid = 0.0 if pd.isna(whole["actual_cost"]) else whole["actual_cost"]
    assert bill["actual_cost"].sum() == pytest.approx(paid)
    lost = failures(report)
    for name in ("failed", "refused", "unknown", "unconfirmed"):
        assert lost[name].sum() == whole[name]
    assert count_problems(report).sum() == whole["excluded"]


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_a_report(), bins=st.integers(min_value=1, max_value=9))
def test_a_timeline_only_rises(rows: list[tuple[Any, ...]], bins: int) -> None:
    """It has no more points than asked for, ends with all there is, and accepts before the rest."""
    report = made(*rows)
    line = timeline(report, bins)
    assert len(line) <= bins
    assert line.index.is_monotonic_increasing
    assert line.index.is_unique
    assert all(line[name].is_monotonic_increasing for name in line)
    assert (line["accepted"] >= line["delivered"] + line["failed"]).all()
    known = report[report[["sms_sent_at", "sms_updated_at"]].notna().any(axis=1)]
    assert bool(len(line)) == bool(summarize(known)["sent"].iloc[0])
    if len(line):
        assert line["accepted"].iloc[-1] == summarize(known)["sent"].iloc[0]


def test_a_timeline_counts_up_to_each_of_its_steps() -> None:
    """Each point counts what had happened by then; the steps are equal, the times UTC."""
    line = timeline(
        made(
            (Status.DELIVERED, "LV", None, None, None, 0, 2),
            (Status.FAILED, "LV", None, None, None, 1, 4),
            (Status.QUEUED, "LV", None, None, None, 3, 3),
            (Status.DELIVERED, "LV", None, None, None, None, 3),  # taken by a reply that got lost
            (Status.UNKNOWN, "LV", None, None, None, None, 1),
            (Status.EXCLUDED, None, None, None, None, None, None),
        ),
        bins=5,
    )
    assert line.index.tolist() == [NOON + pd.Timedelta(seconds=step) for step in range(5)]
    assert line.to_dict("list") == {
        "accepted": [1, 2, 2, 4, 4],
        "delivered": [0, 0, 1, 2, 2],
        "failed": [0, 0, 0, 0, 1],
    }
    assert (str(line.index.dtype), line.index.name) == ("datetime64[us, UTC]", "time")


@pytest.mark.parametrize("bins", [0, -1, 2.0, True, "7"])
def test_a_timeline_has_a_number_of_points(bins: Any) -> None:
    """Anything but a whole number of 1 or more is refused."""
    with pytest.raises(InvalidArgument, match="bins is a whole number of points, 1 or more, not"):
        timeline(made((Status.DELIVERED, "LV", None, None, None, 0, 2)), bins)


def test_costs_hold_the_estimate_against_the_bill() -> None:
    """A difference is of messages of which both prices are known; the carrier may be missing."""
    table = costs(
        made(
            (Status.DELIVERED, "LV", "LMT", 0.10, 0.12, 0, 1),
            (Status.DELIVERED, "LV", "LMT", 0.10, 0.08, 0, 1),
            (Status.FAILED, "LV", "LMT", None, 0.05, 0, 1),  # nobody expected a price
            (Status.QUEUED, "LV", None, 0.10, None, 0, 1),  # not billed yet
            (Status.DELIVERED, "EE", "Telia", 0.0, 0.02, 0, 1),  # no share of nothing
            (Status.UNKNOWN, "EE", "Telia", 0.1, 9.0, 0, 1),
        )
    )
    assert table.index.names == ["sms_country", "sms_carrier"]
    figures = table.astype("float64").round(9)
    expected = {
        ("LV", "LMT"): (3, 6, 0.2, 0.25, 0.0, 0.0, 1, 0),
        ("LV", None): (1, 2, 0.1, None, None, None, 0, 1),
        ("EE", "Telia"): (1, 2, 0.0, 0.02, 0.02, None, 0, 0),
    }
    found = {
        (country, None if pd.isna(carrier) else carrier): tuple(
            None if pd.isna(value) else value for value in row
        )
        for (country, carrier), row in zip(
            figures.index, figures.itertuples(index=False, name=None), strict=True
        )
    }
    assert found == expected
    assert list(table.columns) == [
        "sent", "segments", "expected_cost", "actual_cost", "difference", "difference_share",
        "unestimated", "unpriced",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        (Status.FAILED, "LV", "LMT", None, 0.05, 0, 1),  # nobody expected a price
        (Status.QUEUED, "LV", "LMT", 0.10, None, 0, 1),  # not billed yet
        (Status.QUEUED, "LV", "LMT", None, None, 0, 1),
    ],
)
def test_a_share_is_of_what_can_be_compared(other: tuple[Any, ...]) -> None:
    """A row of which one price is not known is in neither part of the share."""
    both = (Status.DELIVERED, "LV", "LMT", 0.10, 0.12, 0, 1)
    row = costs(made(both, other)).iloc[0]
    assert row[["difference", "difference_share"]].astype("float64").round(9).to_list() == [
        0.02,
        0.2,
    ]


def test_times_to_delivery_are_those_of_delivered_rows() -> None:
    """Rows without both times do not count, and a delivery is never before its acceptance."""
    report = made(
        *((Status.DELIVERED, "LV", None, None, None, 0, after) for after in range(1, 102)),
        (Status.DELIVERED, "EE", None, None, None, 5, 2),  # a callback overtook the answer
        (Status.DELIVERED, "EE", None, None, None, None, 2),
        (Status.FAILED, "EE", None, None, None, 0, 2),
        (Status.QUEUED, "LT", None, None, None, 0, 0),
    )
    table = delivery_times(report, "sms_country")
    second = pd.Timedelta(seconds=1)
    assert table.index.tolist() == ["LV", "EE"]
    assert table.to_dict("list") == {
        "delivered": [101, 1],
        "median": [51 * second, 0 * second],
        "p95": [96 * second, 0 * second],
    }
    assert [str(dtype) for dtype in table.dtypes] == ["Int64", "timedelta64[us]", "timedelta64[us]"]
    nothing = delivery_times(report.iloc[-1:]).iloc[0]
    assert nothing["delivered"] == 0
    assert pd.isna(nothing["median"])


@pytest.mark.parametrize(
    ("count", "median", "p95"),
    [
        (1, 1, 1),
        (2, 2, 2),  # half of two may be the first, and 95 % are both
        (10, 6, 10),
        (19, 10, 19),
        (20, 11, 20),
        (21, 11, 20),
        (101, 51, 96),
    ],
)
def test_half_and_95_percent_took_no_longer(count: int, median: int, p95: int) -> None:
    """Of few messages too: each figure is the time of a message, never one between two."""
    took = range(1, count + 1)
    report = made(*((Status.DELIVERED, "LV", None, None, None, 0, after) for after in took))
    row = delivery_times(report).iloc[0]
    found = [row[name] / pd.Timedelta(seconds=1) for name in ("median", "p95")]
    assert found == [median, p95]
    for time, share in zip(found, (0.5, 0.95), strict=True):
        assert sum(after <= time for after in took) >= share * count


def test_failures_are_told_by_carrier_and_country() -> None:
    """Only places where something got lost are listed, the worst first."""
    table = failures(
        made(
            (Status.FAILED, "LV", "LMT", None, None, 0, 1),
            (Status.DELIVERED, "LV", "LMT", None, None, 0, 1),
            (Status.UNCONFIRMED, "LV", "LMT", None, None, 0, 1),
            (Status.REFUSED, "EE", None, None, None, None, 1),
            (Status.DELIVERED, "EE", "Telia", None, None, 0, 1),
        )
    )
    assert table.astype("float64").fillna(-1).to_numpy().tolist() == [
        [3, 1, 0, 0, 1, 1 / 3],
        [0, 0, 1, 0, 0, -1],
    ]
    assert table.index.names == ["sms_carrier", "sms_country"]
    assert list(table.columns) == [
        "sent", "failed", "refused", "unknown", "unconfirmed", "failure_rate",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ([["a"], ["b"], ["a"]], ["['a']", "['b']"]),  # lists have no hash
        ([{"a": 1}, None, {"a": 1}], ["{'a': 1}", None]),
        ([np.array([1]), np.array([1]), None], ["[1]", None]),
        ([Decimal("sNaN"), Decimal(1), Decimal(1)], [Decimal(1), None]),  # has no hash either
        ([None, float("nan"), pd.NA], [None]),
        ([1, "1", 1], [1, "1"]),
        (pd.Series(["a\ud83d", None, "b"], dtype=object), ["a\ud83d", None, "b"]),
        (pd.Series([["x"], "a\ud83d", ["x"]], dtype=object), ["['x']", "a\ud83d"]),
        ([b"a", b"b", b"a"], [b"a", b"b"]),
        (pd.Categorical(["a", None, "a"], categories=["z", "a"]), ["a", None]),
        (pd.Categorical([2, 1, 2], ordered=True), [2, 1]),
        (pd.array([True, None, True], dtype="boolean"), [True, None]),
        (pd.array([1, None, 1], dtype="Int64"), [1, None]),
        (pd.array([1.5, None, 1.5], dtype="float64"), [1.5, None]),
        ([NOON, None, NOON], [NOON, None]),
        (pd.Series(["a", None, "a"], dtype="string[pyarrow]").array, ["a", None]),
        (pd.Series([["a"], None, ["a"]], dtype=ARROW_LISTS).array, None),
        (pd.period_range("2026-05", periods=3, freq="M"), None),
        (pd.interval_range(0, 3), None),
        (pd.arrays.SparseArray([1, 0, 1]), [1, 0]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_column_can_be_summed_up_by(report: pd.DataFrame, cells: Any, labels: Any) -> None:
    """What cannot be compared is grouped by its text, what is missing is a group, none is lost."""
    frame = report.iloc[-3:].reset_index(drop=True).assign(mine=cells)
    for table, count in ((summarize(frame, "mine"), "rows"), (delivery_times(frame, "mine"), None)):
        assert table.index.name == "mine"
        assert count is None or table[count].sum() == 3
    found = [None if pd.isna(label) else label for label in summarize(frame, "mine").index]
    assert labels is None or set(found) == {
        str(label) if isinstance(label, Decimal) else label for label in labels
    }


@pytest.mark.parametrize("name", [0, "", "rows", "sent", None, ("a", "b"), False])
def test_a_column_of_any_name_can_be_summed_up_by(report: pd.DataFrame, name: Any) -> None:
    """A name need not be a text, nor differ from that of a figure; None is no name."""
    table = summarize(report.assign(mine="x").rename(columns={"mine": name}), name)
    assert table["rows"].tolist() == [12]
    assert table.index.tolist() == (["all"] if name is None else ["x"])
    assert table.index.name == name


def test_two_columns_of_one_name_are_told(report: pd.DataFrame) -> None:
    """Which of two columns is meant cannot be known."""
    frame = report.assign(other="x").rename(columns={"other": "shop"})
    for make in (summarize, delivery_times):
        with pytest.raises(InvalidArgument, match="There are 2 columns named 'shop'"):
            make(frame, "shop")


@pytest.mark.parametrize("name", TABLES)
def test_a_report_without_rows_has_every_table(name: str, report: pd.DataFrame) -> None:
    """An empty table has the columns and dtypes of a full one; the summary counts nothing."""
    full, empty, joined = (
        pd.DataFrame(TABLES[name](frame)) for frame in (report, report.iloc[:0], join([]))
    )
    assert_frame_equal(empty, joined)
    assert_series_equal(empty.dtypes, full.dtypes)
    assert len(empty) == (1 if name in {"summary", "delivery_times"} else 0)


def test_an_index_does_not_matter(report: pd.DataFrame) -> None:
    """Labels that occur twice, of several levels or missing, change no figure."""
    index = pd.MultiIndex.from_product([[None, "a"], [1, 1], ["x", "y", None]])
    for make in TABLES.values():
        assert_same(make(report), make(report.set_axis(index)))


def test_a_million_slim_rows_fit_into_memory() -> None:
    """A row takes less than 50 bytes, however long its texts are."""
    report = made(*((s, "LV", "LMT" * 100, 0.1, 0.1, 0, 1) for s in Status)).loc[
        lambda frame: frame.index.repeat(2_000)
    ]
    kept = slim(report.assign(sms_text="x" * 500))
    assert kept.memory_usage(deep=True).sum() / len(kept) < 50


def test_problems_stand_in_the_words_of_a_person() -> None:
    """Each problem has its words; those without a row are not listed."""
    report = made(*((Status.EXCLUDED, None, None, None, None, None, None) for _ in range(3)))
    report["sms_problem"] = pd.array([Problem.TOO_LONG, Problem.OPTED_OUT, "too_long"], dtype="str")
    assert list(count_problems(join([slim(report), slim(report)])).items()) == [
        ("Too long", 4),
        ("Opted out", 2),
    ]
