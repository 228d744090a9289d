"""A frame becomes JSON and a frame again: the same frame, or a refusal that names the column."""

import datetime as dt
import enum
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from dateutil import tz as dateutil_zones  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import smspm_campaigns as smspm
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames import snapshot
from smspm_campaigns.frames.snapshot import restore


def take(frame: pd.DataFrame) -> tuple[str, list[str]]:
    """What a ledger keeps of a frame."""
    manifest, lines = snapshot.take(frame)
    return manifest, list(lines)


def returned(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame after a stay in a ledger, which holds UTF-8."""
    manifest, lines = take(frame)
    assert len(lines) == len(frame)
    return restore(manifest.encode().decode(), [line.encode().decode() for line in lines])


def seen(value: Any) -> Any:
    """All that there is to see of a cell: its type, its text, and those of the cells in it."""
    kind = type(value)
    if isinstance(value, dict):
        return kind, [(seen(key), seen(cell)) for key, cell in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return kind, [seen(cell) for cell in value]
    if isinstance(value, np.ndarray):
        flat = value.ravel()
        cells = flat.view("int64") if flat.dtype.kind in "mM" else flat
        return kind, value.dtype, value.shape, [seen(cell) for cell in cells.tolist()]
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return kind, repr(value), value.unit
    return kind, hex(value) if kind is int else repr(value)


def cells(frame: pd.DataFrame) -> list[Any]:
    """All that there is to see of the cells of a frame, column by column, and of its index."""
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    index = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
    return [[seen(cell) for cell in column.tolist()] for column in [*columns, *index]]


def dtypes(frame: pd.DataFrame) -> list[Any]:
    """The dtypes of the columns and of each level of the index and of the header."""
    axes = [frame.index, frame.columns]
    return [
        *frame.dtypes,
        *[
            level.dtype
            for axis in axes
            for level in (axis.levels if isinstance(axis, pd.MultiIndex) else [axis])
        ],
    ]


def assert_equal(back: pd.DataFrame, held: pd.DataFrame) -> None:
    """The same values, dtypes, kinds of missing values, index, names and order."""
    assert_frame_equal(back, held, check_exact=True)
    assert dtypes(back) == dtypes(held)
    assert cells(back) == cells(held)
    assert [seen(name) for name in back.columns] == [seen(name) for name in held.columns]
    names = [[*frame.index.names, *frame.columns.names] for frame in (back, held)]
    assert seen(names[0]) == seen(names[1])


def assert_like_pieces(frame: pd.DataFrame, size: int) -> None:
    """A frame that is read in pieces is like one that is read at once, and so is each piece."""
    manifest, lines = take(frame)
    whole = restore(manifest, lines)
    some = range(0, max(len(lines), 1), size)
    restorer = snapshot.Restorer(manifest)
    for start in some:
        restorer.add(lines[start : start + size])
    assert_equal(restorer.frame(), whole)
    restorer, index = snapshot.learned(manifest, lines)
    assert_equal(pd.DataFrame(index=index), pd.DataFrame(index=whole.index))
    for start in some:
        restorer.add(lines[start : start + size])
        piece = restorer.frame(index[start : start + size])
        assert_equal(piece, whole.iloc[start : start + size])
        assert type(piece.index) is type(whole.index)


def assert_same(frame: pd.DataFrame) -> None:
    held = frame.copy(deep=True)
    assert_equal(returned(frame), held)
    assert_frame_equal(frame, held)


def objects(*values: Any) -> "pd.Series[Any]":
    """A column of Python objects, whatever they are."""
    return pd.Series(np.fromiter(values, dtype=object, count=len(values)), dtype=object)


def arrow(kind: Any, *values: Any) -> "pd.Series[Any]":
    """A column of an Arrow type."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, type=kind)))


def arrow_numbers(kind: Any, *numbers: int | None) -> "pd.Series[Any]":
    """A column of an Arrow type of times, by the numbers it consists of."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(numbers, pa.int64()).cast(kind)))


TIMES = ["2026-05-01 10:30:00.123456", None]
HOURS = ["2026-10-25 00:30", "2026-10-25 01:30", None]  # 3:30 in Tallinn, twice
CLOSED: Any = ("left", "right", "both", "neither")
UNITS: Any = ("s", "ms", "us", "ns")
TALLINN = "Europe/Tallinn"
NAT = -(2**63)

SCALE = pa.DictionaryArray.from_arrays(
    pa.array([2, None, 0], pa.int8()),
    pa.array([3, 2, 1], pa.int64()).cast(pa.timestamp("us")),
    ordered=True,
)

COLUMNS = [
    pd.Series(["x", None, "", "NA", "õ 李 😀", "a\nb\x00\u2028"], dtype="str"),
    pd.Series(["x", pd.NA, ""], dtype="string"),
    pd.Series(["x", pd.NA, ""], dtype="string[pyarrow]"),
    pd.Series(["x", None, ""], dtype=pd.StringDtype("python", na_value=np.nan)),
    pd.Series(["x", "y"], dtype=object),  # and not str
    pd.Series(["\ud83d", "\ude00 half an emoji"], dtype=object),  # UTF-8 cannot write it
    pd.Series(
        [None, "x", 1, True, 1.5, 10**30, Decimal("1.50"), Decimal("1E+2"), np.nan, np.inf,
         pd.NA, pd.NaT, dt.date(2026, 5, 1), dt.datetime(2026, 5, 1, 10, 30),  # noqa: DTZ001
         dt.datetime(2026, 5, 1, tzinfo=dt.UTC), dt.time(9, 15, 0, 5)],
        dtype=object,
    ),
    pd.Series([0, -1, 2**63 - 1], dtype="int64"),
    pd.Series([0, 2**64 - 1], dtype="uint64"),
    pd.Series([1, 2], dtype="int8"),
    pd.Series([0.1, np.nan, np.inf, -np.inf, 5e-324, 1e308, 0.0, -0.0], dtype="float64"),
    pd.Series([0.1, np.nan, -np.inf, -0.0], dtype="float32"),
    pd.Series([0.1, np.nan, np.inf, 65504], dtype="float16"),
    pd.Series([True, False]),
    pd.Series([True, None], dtype="boolean"),
    pd.Series([2**63 - 1, None], dtype="Int64"),
    pd.Series([1, None], dtype="UInt8"),
    pd.Series([0.1, None, np.inf, -0.0], dtype="Float64"),
    pd.Series([0.1, None], dtype="Float32"),
    pd.Series(pd.arrays.FloatingArray(np.array([np.nan, 1, 2]), np.array([False, False, True]))),
    *[pd.to_datetime(pd.Series(TIMES)).dt.as_unit(unit) for unit in UNITS],
    *[
        pd.to_datetime(pd.Series(HOURS)).dt.as_unit(unit).dt.tz_localize("UTC").dt.tz_convert(zone)
        for unit in UNITS
        for zone in ("UTC", TALLINN, "Etc/GMT+3", dt.timezone(dt.timedelta(hours=-5)))
    ],
    pd.to_datetime(pd.Series(["2026-05-01T10:30+02:30", None])),
    *[pd.Series(pd.to_timedelta(["1D 00:00:01", None])).dt.as_unit(unit) for unit in UNITS],
    *[
        pd.Series(np.array([NAT + 1, NAT, 0, -NAT - 1], dtype="int64").view(f"{kind}[{unit}]"))
        for kind in ("datetime64", "timedelta64")
        for unit in UNITS
    ],
    *[
        pd.Series(pd.PeriodIndex.from_ordinals([0, -1, NAT, 700], freq=freq))  # type: ignore[attr-defined]
        for freq in ("Y-MAR", "Q-DEC", "M", "2M", "W-SUN", "D", "h", "15min", "s", "ns")
    ],
    *[
        pd.Series(pd.arrays.IntervalArray.from_arrays([0.5, np.nan], [np.inf, np.nan], closed))
        for closed in CLOSED
    ],
    pd.Series(pd.interval_range(0, 2)),
    pd.Series(pd.interval_range(pd.Timestamp("2026-05-01", tz=TALLINN), periods=2)),
    pd.Series(pd.interval_range(pd.Timedelta("1D"), periods=2)),
    pd.Series(pd.arrays.SparseArray([0, 1, 0])),
    pd.Series(pd.arrays.SparseArray([0, 1], dtype=pd.SparseDtype("int8", 1))),
    pd.Series(pd.arrays.SparseArray([np.nan, 1.5, 0])),
    pd.Series(pd.arrays.SparseArray([np.nan, 1.5, 0], fill_value=0.0)),
    pd.get_dummies(pd.Series(["a", "b"]), sparse=True)["a"],
    pd.Series(pd.arrays.SparseArray(np.array(["x", None, np.nan], dtype=object))),
    pd.Series(pd.arrays.SparseArray(np.array(["2026-05-01", "NaT"], dtype="datetime64[us]"))),
    pd.Series(["a", None, "b"], dtype="category"),
    pd.Series(pd.Categorical(["a", None], ["b", "a"], ordered=True)),
    pd.Series(pd.Categorical(["a"], pd.Index(["a", "c"], dtype=object))),
    pd.Series(pd.Categorical([3, 1])),
    pd.Series(pd.Categorical(pd.to_datetime(["2026-05-01", "2026-05-02"]).tz_localize("UTC"))),
    pd.Series(pd.Categorical([None, None], [])),
    pd.Series(pd.cut([1.0, 2.0, np.nan], 2)),
    pd.Series(pd.Categorical([None, pd.Period("2026-05", "M")])),
    pd.Series(pd.Categorical(["x", None], arrow(pa.string(), "y", "x", "z"))),
    pd.Series(pd.Categorical([2, None], pd.array([1, 2], dtype="Int64"), ordered=True)),
    pd.Series(pd.Categorical([("a", 1), None], pd.Index([("b",), ("a", 1)], tupleize_cols=False))),
    arrow(pa.int8(), -128, None, 127),
    arrow(pa.uint64(), 2**64 - 1, None),
    arrow(pa.float16(), 1.5, None),
    arrow(pa.float32(), 0.1, None, np.inf),
    arrow(pa.float64(), np.nan, None, -0.0, -np.inf, 5e-324),
    arrow(pa.bool_(), True, None, False),
    arrow(pa.string(), "x", None, "", "õ 李 😀"),
    arrow(pa.large_string(), "x", None),
    arrow(pa.binary(), b"\xff", None, b""),
    arrow(pa.large_binary(), b"\x00", None),
    arrow(pa.binary(2), b"ab", None),
    arrow(pa.decimal128(38, 2), Decimal("1.50"), None, Decimal(10**35)),
    arrow(pa.decimal256(76, 3), Decimal(10**72), None),
    arrow(pa.date32(), dt.date.min, None, dt.date.max),
    arrow(pa.date64(), dt.date(2026, 5, 1), None),
    arrow(pa.time32("s"), dt.time(9, 15), None),
    arrow(pa.time32("ms"), dt.time(9, 15, 0, 5000), None),
    arrow(pa.time64("us"), dt.time.max, None),
    arrow_numbers(pa.time64("ns"), 1, None, 86_399_999_999_999),  # as Polars writes it
    *[
        arrow_numbers(pa.timestamp(unit, zone), 1, None, -1, 1_777_777_777)
        for unit in UNITS
        for zone in (None, "UTC", TALLINN, "+02:30")
    ],
    arrow_numbers(pa.timestamp("ns"), 1 - 2**63, 2**63 - 1),
    *[arrow_numbers(pa.duration(unit), 1, None, -1) for unit in UNITS],
    arrow(pa.null(), None, None),
    arrow(pa.dictionary(pa.int32(), pa.string()), "x", None, "y", "x"),
    arrow(pa.dictionary(pa.uint8(), pa.int64(), ordered=True), 7, None),
    pd.Series(pd.arrays.ArrowExtensionArray(SCALE)),
    pd.concat([arrow(pa.dictionary(pa.int8(), pa.string()), text) for text in "xy"]),
    arrow(pa.list_(pa.int64()), [1, None], [], None),
    arrow(pa.large_list(pa.float64()), [np.inf, -0.0], None),
    arrow(pa.list_(pa.int64(), 2), [1, 2], None),
    arrow(pa.list_(pa.timestamp("us", TALLINN)), [dt.datetime(2026, 5, 1, tzinfo=dt.UTC)]),
    arrow(pa.list_(pa.timestamp("ns")), [pd.Timestamp(1)], None),
    arrow(pa.list_(pa.dictionary(pa.int8(), pa.string())), ["x", "x"], None),
    arrow(pa.map_(pa.string(), pa.decimal128(4, 2)), [("x", Decimal("1.50"))], None),
    arrow(
        pa.struct([("a", pa.int64()), ("b", pa.list_(pa.date32()))]),
        {"a": 1, "b": [dt.date(2026, 5, 1)]}, {"a": None, "b": None}, None,
    ),
    pd.Series([None, None], dtype=object),
]  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.dtype))
def test_column_comes_back(column: "pd.Series[Any]") -> None:
    """Values, dtype and what is missing are the same after a stay, in an empty frame too."""
    column = column.reset_index(drop=True)
    frame = pd.DataFrame({"a": column, "b": range(len(column))})
    assert_same(frame)
    assert_same(frame.head(0))
    for size in (1, 2):
        assert_like_pieces(frame, size)


def test_numbers_of_another_byte_order_come_back() -> None:
    """As Stata and some databases give them; pandas itself can do little with them."""
    numbers = np.array([1, -2], dtype=">i4")
    manifest, lines = take(pd.DataFrame({"a": numbers}))
    restorer = snapshot.Restorer(manifest)
    for line in lines:
        restorer.add([line])
    for back in (restore(manifest, lines)["a"], restorer.frame()["a"]):
        assert (back.dtype, back.tolist()) == (numbers.dtype, [1, -2])


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.dtype))
def test_a_row_that_is_erased_takes_all_of_it_along(column: "pd.Series[Any]") -> None:
    """Without its line, the others are what they were; nothing that only it had is left."""
    frame = pd.DataFrame({"a": column}).reset_index(drop=True)
    manifest, lines = take(frame)
    for place in range(len(frame)):
        others = [line for other, line in enumerate(lines) if other != place]
        assert cells(restore(manifest, others)) == cells(frame.drop(index=place))
    assert_equal(restore(manifest, lines), frame)


@pytest.mark.parametrize(
    "kept",
    [
        pd.DataFrame({"a": pd.Categorical(["Ann", "Bob", None], ["Cid", "Bob", "Ann"])}),
        pd.DataFrame({"a": arrow(pa.dictionary(pa.int8(), pa.string()), "Ann", "Bob", None)}),
        pd.DataFrame(
            {"a": [1, 2, 3]}, index=pd.MultiIndex.from_product([["Ann", "Bob", "x"], [1]])
        ),
    ],
    ids=["category", "dictionary", "index"],
)
def test_a_value_stands_only_in_the_rows_that_have_it(kept: pd.DataFrame) -> None:
    """A category that is a person's name is erased with the last row of that person."""
    manifest, (ann, *others) = take(kept)
    assert "Ann" in ann
    assert not any("Ann" in text for text in [manifest, *others])
    back = restore(manifest, others)
    assert cells(back) == cells(kept.iloc[1:])
    if isinstance(kept["a"].dtype, pd.CategoricalDtype):
        assert back["a"].cat.categories.tolist() == ["Cid", "Bob"]


CELLS: list[Any] = [
    None, np.nan, pd.NA, pd.NaT, True, 1, "x", "", "[]", 0.5, -0.0, np.inf,
    10**5000, -(10**5000),  # Python writes no such number in digits
    Decimal("1.50"), Decimal("1E+2"), Decimal("-0"), Decimal("NaN"), Decimal("-Infinity"),
    dt.date.min, dt.date(2026, 5, 1), dt.time.max, dt.time(2, fold=1),
    dt.time(1, tzinfo=dt.UTC), dt.time(1, tzinfo=ZoneInfo(TALLINN)),
    dt.datetime.max, dt.datetime(2026, 5, 1, tzinfo=dt.UTC),  # noqa: DTZ901
    dt.datetime(2026, 5, 1, tzinfo=dt.timezone(dt.timedelta(hours=2, seconds=31))),
    dt.datetime(2026, 5, 1, tzinfo=ZoneInfo("UTC")),
    dt.datetime(2026, 10, 25, 3, 30, tzinfo=ZoneInfo(TALLINN)),
    dt.datetime(2026, 10, 25, 3, 30, tzinfo=ZoneInfo(TALLINN), fold=1),
    dt.datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo(TALLINN)),  # a time that never was
    dt.timedelta.min, dt.timedelta.max, dt.timedelta(microseconds=-1),
    pd.Timestamp.min, pd.Timestamp.max, pd.Timestamp("2026-05-01").as_unit("s"),
    pd.Timestamp("2026-10-25 00:30", tz="UTC").tz_convert(TALLINN),
    pd.Timestamp("2026-10-25 01:30", tz="UTC").tz_convert(TALLINN),
    pd.Timestamp("2026-05-01 10:30+02:30"),
    pd.Timedelta.min, pd.Timedelta.max, pd.Timedelta("1D").as_unit("s"),
    pd.Period("2026-05", "M"), pd.Interval(1, 2.5),
    pd.Interval(pd.Timestamp("2026-05-01"), pd.Timestamp("2026-05-02"), "both"),
    np.int8(1), np.uint64(2**64 - 1), np.float16(0.1), np.float32(0.1), np.float64(np.nan),
    np.True_, np.str_("x\0"), np.datetime64("2026"), np.datetime64("NaT"),
    np.datetime64("2026-05-01", ("s", 25)), np.timedelta64(5, "D"),
    b"", b"\x00\xff", [], (), {}, set(), frozenset([("x", 1)]),
    [1, [2, ("x", None)], {"a": [pd.NA, np.nan, Decimal("1.50")]}], {1: 2, ("a", 1): {"b": None}},
    np.array([1, 2], dtype="int8"), np.array([[np.nan], [1.5]]), np.array(5),
    np.array([["x"], None, 1, []], dtype=object), np.array(["x", "yz"]), np.array([b"x"]),
    np.array(["2026-05-01", "NaT"], dtype="datetime64[D]"), np.array([]), np.array([True]),
]  # fmt: skip


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_object_cell_keeps_its_kind(cell: Any) -> None:
    """True is no 1, a decimal keeps its zeros, a time its zone, each kind of nothing itself."""
    back = returned(pd.DataFrame({"a": objects(cell, None)}))["a"]
    assert back.dtype == object
    assert [seen(value) for value in back] == [seen(cell), seen(None)]


INDEXES = [
    pd.RangeIndex(2),
    pd.RangeIndex(2, 4, name="row"),
    pd.RangeIndex(9, 5, -2),
    pd.Index([7, 7], name="id"),
    pd.Index(["x", None]),
    pd.Index(["x", "x"], dtype=object, name="who"),
    pd.Index([None, "x"], dtype=object),
    pd.Index([1.5, np.nan]),
    pd.Index([1, None], dtype="Int64"),
    pd.Index([True, False]),
    pd.Index([dt.date(2026, 5, 1), None], dtype=object),
    pd.CategoricalIndex(["b", "a"], ["a", "b"], ordered=True, name="c"),
    pd.Index([("a", 1), None], tupleize_cols=False),
    pd.Index([("a", 1), ("a", 2)], tupleize_cols=False),
    pd.Index([b"x", Decimal("1.50")], dtype=object),
    pd.Index(arrow(pa.string(), "x", None)),
    pd.Index(arrow(pa.timestamp("ms", "UTC"), dt.datetime(2026, 5, 1, tzinfo=dt.UTC), None)),
    pd.Index(arrow(pa.list_(pa.int64()), [1], None)),
    pd.Index(pd.arrays.SparseArray([0, 1])),
    pd.period_range("2026-05", periods=2, freq="M", name="month"),
    pd.interval_range(0, 2, closed="left"),
    pd.date_range("2026-05-01", periods=2, name="day"),
    pd.date_range("2026-05-01", periods=2, freq="W-TUE", name=("a", None)),
    pd.DatetimeIndex(["2026-05-01", "2026-05-09"], name=pd.Timestamp("2026-05-01")),
    pd.date_range("2026-05-01", periods=2, tz=TALLINN),
    pd.to_timedelta(["1D", "2D"]),
    pd.timedelta_range("1h", periods=2, freq="90min"),
    pd.MultiIndex.from_arrays([["x", "y"]]),  # one level
    pd.MultiIndex([[7, 2**62 + 1]], [[-1, 1]]),  # whole numbers, though one is missing
    pd.MultiIndex([["z", "y", "x"], [2, 1]], [[2, 0], [0, 0]], names=["a", "a"]),  # in this order
    pd.MultiIndex.from_tuples([("x", 1), ("x", 1)], names=["group", None]),
    pd.MultiIndex.from_arrays(
        [pd.Categorical(["x", None]), pd.DatetimeIndex(["2026-05-01", "NaT"])], names=["c", "t"]
    ),
    pd.MultiIndex.from_arrays([pd.Index(["x", "y"], dtype=object), [0, 1]]),
    pd.MultiIndex.from_arrays(
        [
            pd.period_range("2026-05", periods=2, freq="M"),
            pd.interval_range(0, 2),
            pd.array([1, None], dtype="Int64"),
            pd.Index(arrow(pa.timestamp("ns"), pd.Timestamp(1), None)),
            pd.Index(arrow(pa.decimal128(4, 2), Decimal("1.50"), None)),
            pd.DatetimeIndex(["2026-05-01", "NaT"], tz=TALLINN),
            pd.Index([("a", 1), ("b", 2)], tupleize_cols=False),
        ]
    ),
]


@pytest.mark.parametrize(
    "index", INDEXES, ids=lambda index: f"{type(index).__name__} {index.dtype}"
)
def test_index_comes_back(index: "pd.Index[Any]") -> None:
    """Labels, names, levels, duplicates and dtypes of an index are the same after a stay."""
    assert_same(pd.DataFrame({"a": [1, 2]}, index=index))
    assert_same(pd.DataFrame(index=index))
    assert_same(pd.DataFrame({"a": [1, 2]}, index=index).head(0))
    assert_like_pieces(pd.DataFrame({"a": [1, 2]}, index=index), 1)


def test_an_index_without_a_row_is_none_with_gaps() -> None:
    """Where a row is erased, a range is plain numbers, and days have no frequency."""
    for index in (pd.RangeIndex(3), pd.date_range("2026-05-01", periods=3)):
        manifest, lines = take(pd.DataFrame({"a": [1, 2, 3]}, index=index))
        labels = restore(manifest, [lines[0], lines[2]]).index
        assert labels.tolist() == [index[0], index[2]]
        assert (type(labels), getattr(labels, "freq", None)) in [
            (pd.Index, None),
            (pd.DatetimeIndex, None),
        ]


@pytest.mark.parametrize(
    "frequency",
    [
        pd.offsets.CustomBusinessDay(holidays=["2026-12-25"]),  # whose name is C, without the days
        pd.offsets.DateOffset(months=1, days=2),  # whose name is no name
    ],
    ids=["C", "offset"],
)
def test_a_frequency_without_a_name_is_left_out(frequency: Any) -> None:
    """The times themselves are what they were."""
    index = pd.date_range("2026-05-01", periods=3, freq=frequency)
    back = returned(pd.DataFrame({"a": [1, 2, 3]}, index=index))
    assert back.index.equals(index)
    assert isinstance(back.index, pd.DatetimeIndex)
    assert back.index.freq is None


@pytest.mark.parametrize(
    "header",
    [
        pd.Index(["a", "b"]),
        pd.Index(["a", "a"]),  # two of one name
        pd.Index(["a", "b"], name="field"),
        pd.Index(["a", "b"], dtype=object),
        pd.Index(["a", "b"], dtype="string[pyarrow]"),
        pd.Index(["a", 1], dtype=object),
        pd.Index([0, 1]),
        pd.Index([1.5, 2.5]),
        pd.CategoricalIndex(["b", "a"], name="from a pivot"),
        pd.Index([None, np.nan], dtype=object),
        pd.Index([True, 1], dtype=object),
        pd.Index([("a", 1), "b"], tupleize_cols=False),
        pd.Index([("a", 1), ("a", 2)], tupleize_cols=False),
        pd.Index([pd.Timestamp("2026-05-01"), dt.date(2026, 5, 1)], dtype=object),
        pd.Index(["a", pd.Period("2026-05", "M")], dtype=object, name=("x", None)),
        pd.DatetimeIndex(["2026-05-01", "2026-05-03"]),
        pd.period_range("2026-05", periods=2, freq="M"),
        pd.interval_range(0, 2),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["x", None]),
    ],
    ids=str,
)
def test_header_comes_back(header: "pd.Index[Any]") -> None:
    """The names of the columns come back with their own name and dtype."""
    assert_same(pd.DataFrame([[1, "x"], [2, "y"]]).set_axis(header, axis=1))


ANY_CELL = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(codec=None, categories=None)),
        st.binary(),
        st.decimals(),
        st.dates(),
        st.times(timezones=st.timezones()),
        st.datetimes(),
        st.datetimes(timezones=st.timezones()),
        st.timedeltas(),
        st.sampled_from([pd.NA, pd.NaT]),
        st.integers(1 - 2**63, 2**63 - 1).map(pd.Timestamp),
        st.integers(1 - 2**63, 2**63 - 1).map(pd.Timedelta),
    ),
    lambda cell: st.one_of(
        st.lists(cell, max_size=3),
        st.lists(cell, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3), cell, max_size=3),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.lists(ANY_CELL))
@example(['["missing", "NA"]'])  # no tag, but a text that looks like one
def test_any_cells_come_back(values: list[Any]) -> None:
    """Random cells of an object column come back as they were."""
    back = returned(pd.DataFrame({"a": objects(*values)}))["a"]
    assert [seen(cell) for cell in back] == [seen(cell) for cell in values]


def optional(cell: "st.SearchStrategy[Any]") -> "st.SearchStrategy[Any]":
    return st.none() | cell


TEXTS = optional(st.text())
MICROS = optional(st.integers(-(10**16), 10**16))  # 317 years
SMALL = st.integers(-128, 127)

#: A dtype, what its cells are drawn from, and how a list of them becomes a column.
DRAWN: dict[Any, Any] = {
    "str": TEXTS,
    "string": TEXTS,
    "category": optional(st.sampled_from("abc")),
    "int8": SMALL,
    "uint64": st.integers(0, 2**64 - 1),
    "float32": st.floats(width=32),
    "float64": st.floats(),
    "bool": st.booleans(),
    "boolean": optional(st.booleans()),
    "Int64": optional(st.integers(-(2**63), 2**63 - 1)),
    "Float64": optional(st.floats(allow_nan=False)),
    "datetime64[us]": MICROS,
    "datetime64[us, Europe/Tallinn]": MICROS,
    "timedelta64[us]": MICROS,
    "period[W-SUN]": optional(st.dates(dt.date(1700, 1, 1), dt.date(2300, 1, 1))),
    "Sparse[int64, 0]": SMALL,
    pd.ArrowDtype(pa.large_string()): TEXTS,
    pd.ArrowDtype(pa.float64()): optional(st.floats(allow_nan=False)),
    pd.ArrowDtype(pa.timestamp("us", TALLINN)): MICROS,
    pd.ArrowDtype(pa.time64("us")): optional(st.times()),
    pd.ArrowDtype(pa.decimal128(20, 5)): optional(
        st.decimals(-(10**14), 10**14, allow_nan=False, places=5)
    ),
    pd.ArrowDtype(pa.list_(pa.binary())): optional(st.lists(optional(st.binary()), max_size=3)),
    pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())): TEXTS,
}


#: pandas makes no level of an index from the others.
LEVELS = [kind for kind in DRAWN if not str(kind).startswith(("list", "dictionary"))]


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Frames of random columns, with an index of up to two levels like them."""
    labels = draw(st.lists(st.sampled_from(LEVELS), max_size=2))
    kinds = draw(st.lists(st.sampled_from([*DRAWN]), max_size=4))
    names = draw(st.lists(st.text(max_size=2) | SMALL, min_size=len(kinds), max_size=len(kinds)))
    size = draw(st.integers(0, 5))
    columns = [
        pd.Series(draw(st.lists(DRAWN[kind], min_size=size, max_size=size)), dtype=kind)
        for kind in [*labels, *kinds]
    ]
    frame = pd.DataFrame(dict(enumerate(columns[len(labels) :])), index=range(size))
    frame.columns = pd.Index(names, dtype=object)
    if len(labels) == 1:
        frame.index = pd.Index(columns[0])
    elif labels:
        frame.index = pd.MultiIndex.from_arrays(columns[:2])
    return frame


@settings(deadline=None)
@given(frames())
def test_any_frame_comes_back(frame: pd.DataFrame) -> None:
    """Random columns of random dtypes come back as they were, as columns and as index."""
    back = returned(frame)
    assert dtypes(back) == dtypes(frame)
    assert cells(back) == cells(frame)
    assert [seen(name) for name in back.columns] == [seen(name) for name in frame.columns]


@settings(deadline=None)
@given(frames(), st.integers(1, 3))
def test_any_piece_is_like_these_rows_of_the_whole(frame: pd.DataFrame, size: int) -> None:
    """Categories, levels, ranges and frequencies do not depend on where rows are cut."""
    assert_like_pieces(frame, size)


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    L = 1


class Point(NamedTuple):
    x: int


INSIDE_ITSELF: list[Any] = []
INSIDE_ITSELF.append(INSIDE_ITSELF)


def times(zone: Any) -> "pd.Series[Any]":
    return pd.to_datetime(pd.Series(["2026-05-01"])).dt.tz_localize(zone)


CONVERT = "Convert it, for example with .astype(str)."
NAME_IT = 'Give it a time zone that has a name, for example with .dt.tz_convert("UTC").'

REFUSED = [
    (pd.Series([1j, 2]), "has the type complex128", CONVERT),
    (pd.Series([1], dtype=np.longdouble), f"has the type {np.dtype(np.longdouble)}", CONVERT),
    (objects(UUID(int=1)), "holds a value of type UUID", CONVERT),
    (objects([{"a": UUID(int=1)}]), "holds a value of type UUID", CONVERT),
    (objects(Colour.RED), "holds a value of type Colour", CONVERT),  # it would come back as str
    (objects(Size.L), "holds a value of type Size", CONVERT),
    (objects([Point(1)]), "holds a value of type Point", CONVERT),
    (objects(1j), "holds a value of type complex", CONVERT),
    (objects(np.complex64(1)), "holds a value of type complex64", CONVERT),
    (objects(np.longdouble(1)), "holds a value of type longdouble", CONVERT),
    (objects(np.array([1j])), "holds a value of type ndarray", CONVERT),
    (objects(np.array([(1,)], dtype=[("a", int)])), "holds a value of type ndarray", CONVERT),
    (objects(bytearray(b"x")), "holds a value of type bytearray", CONVERT),
    (objects(pd.DataFrame()), "holds a value of type DataFrame", CONVERT),
    (objects(INSIDE_ITSELF), "holds lists within lists, more than 50 deep", CONVERT),
    (
        objects(dt.datetime(2026, 5, 1, tzinfo=dateutil_zones.tzoffset(None, 60))),
        "holds a value of type tzoffset",
        CONVERT,
    ),
    (
        objects(pd.Timestamp("2026-05-01", tz=dateutil_zones.tzoffset(None, 60))),
        "holds a value of type tzoffset",
        CONVERT,
    ),
    (
        times(dateutil_zones.tzoffset(None, 60)),
        "has the type datetime64[us, tzoffset(None, 60)]",
        NAME_IT,
    ),
    (
        times(dt.timezone(dt.timedelta(seconds=31))),  # which pandas does not read
        "has the type datetime64[us, UTC+00:00:31]",
        NAME_IT,
    ),
    (arrow(pa.uuid(), b"a" * 16), "holds a value of type UUID", CONVERT),
    (
        arrow(pa.list_(pa.time64("ns")), [dt.time(1)]),  # pyarrow cuts off what is below 1 us
        "has the type list<item: time64[ns]>[pyarrow]",
        CONVERT,
    ),
    (
        pd.Series(pd.arrays.ArrowExtensionArray(pa.ListArray.from_arrays([0, 3], SCALE))),
        f"has the type {pa.list_(SCALE.type)}[pyarrow]",  # which pyarrow does not make of cells
        CONVERT,
    ),
    (pd.Series(pd.Categorical([1j])), "has the type complex128", CONVERT),
]


@pytest.mark.parametrize(
    ("column", "found", "next_step"), REFUSED, ids=[str(found) for _, found, _ in REFUSED]
)
def test_column_that_cannot_be_kept_is_named(
    column: "pd.Series[Any]", found: str, next_step: str
) -> None:
    """What JSON cannot hold raises, with the column, what was found in it and what to do."""
    frame = pd.DataFrame({"fine": 1, "my column": column})
    with pytest.raises(InvalidArgument) as raised:
        snapshot.take(frame)
    said = f"The column 'my column' {found}, which the ledger cannot keep. {next_step}"
    assert str(raised.value) == said


BEYOND = pa.array([10**8], pa.int32()).cast(pa.date32())  # in the year 275,760


@pytest.mark.parametrize(
    ("frame", "where"),
    [
        (pd.DataFrame({"a": [1]}, index=[UUID(int=1)]), "The index"),
        (
            pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("x", UUID(int=1))])),
            "The index, at level 1,",
        ),
        (pd.DataFrame({UUID(int=1): [1]}), "The header"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([1], name=UUID(int=1))), "A name of the index"),
        (pd.DataFrame([[1]], columns=pd.Index(["a"], name=UUID(int=1))), "A name of the header"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_something_else_cannot_be_kept_is_said(frame: pd.DataFrame, where: str) -> None:
    """An index, a level of it, a header and their names are told apart."""
    with pytest.raises(InvalidArgument) as raised:
        snapshot.take(frame)
    assert str(raised.value) == (
        f"{where} holds a value of type UUID, which the ledger cannot keep. {CONVERT}"
    )


def test_an_arrow_value_that_python_cannot_hold_is_refused() -> None:
    """A date after the year 9999 is found when it is taken, not when it is missed."""
    frame = pd.DataFrame({"a": pd.arrays.ArrowExtensionArray(BEYOND)})
    with pytest.raises(InvalidArgument, match=r"^The column 'a' has the type date32.* cannot keep"):
        snapshot.take(frame)


def test_each_row_is_a_line_of_its_own() -> None:
    """One person is one line, so that one person can be erased; letters stand as they are."""
    frame = pd.DataFrame(
        {
            "name": ["Õnne", "李"],
            "points": [1, None],
            "shop": pd.Categorical(["Riia", None]),
            "when": pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2)]),
        },
        index=pd.Index([2, 3], name="row"),
    )
    _, lines = take(frame)
    assert lines == [
        '[2, "Õnne", 1.0, 0, "Riia", 0, 1]',
        '[3, "李", null, -1, null, 1, 2]',
    ]
    assert [json.loads(line)[1] for line in lines] == ["Õnne", "李"]


def test_cells_that_are_lists_stand_in_their_own_lines() -> None:
    """A column is written at once, in which neither lists nor half a pair shift anything."""
    frame = pd.DataFrame({"a": objects(["x", "y"], [], "a\nb", "\ud83d")})
    assert take(frame)[1] == [
        '[0, ["list", "x", "y"]]',
        '[1, ["list"]]',
        '[2, "a\\nb"]',
        '[3, "\\ud83d"]',
    ]


STR = {"string": "python", "missing": "nan"}


def test_a_frame_of_the_first_ledgers_comes_back() -> None:
    """Manifests had one header, all categories, and a level of the index as a column."""
    manifest = {
        "columns": {"labels": [*"nsomfIFbtzdc", 7], "dtype": "object", "name": None},
        "index": ["row"],
        "range": [2, 4, 1],
        "dtypes": [
            "int64", STR, {"string": "python", "missing": "NA"}, "object", "object", "float64",
            "Int64", "Float64", "boolean", "datetime64[us]", "datetime64[us, Europe/Tallinn]",
            "timedelta64[us]", {"categories": ["b", "a"], "of": STR, "ordered": True}, "int8",
        ],
    }  # fmt: skip
    nat = "-9223372036854775808"
    first = '[2, "Õ", "x", ["decimal", "1.50"], ["missing", "NA"], "inf", 1, "inf", true, '
    first += "0, 1, 2, 1, 1]"
    second = '[3, null, null, ["datetime", "2026-05-01T10:30:00+02:30"], ["float", "nan"], null, '
    second += f"null, null, null, {nat}, {nat}, {nat}, -1, 2]"
    zone = dt.timezone(dt.timedelta(hours=2, minutes=30))
    expected = pd.DataFrame(
        {
            "n": pd.array(["Õ", None], dtype=pd.StringDtype("python", na_value=np.nan)),
            "s": pd.array(["x", None], dtype="string[python]"),
            "o": np.array([Decimal("1.50"), dt.datetime(2026, 5, 1, 10, 30, tzinfo=zone)]),
            "m": np.array([pd.NA, np.nan], dtype=object),
            "f": [np.inf, np.nan],
            "I": pd.array([1, None], dtype="Int64"),
            "F": pd.array([np.inf, None], dtype="Float64"),
            "b": pd.array([True, None], dtype="boolean"),
            "t": pd.DatetimeIndex(["1970-01-01", "NaT"]),
            "z": pd.DatetimeIndex(["1970-01-01 00:00:00.000001", "NaT"], tz="UTC").tz_convert(
                TALLINN
            ),
            "d": pd.TimedeltaIndex(["2us", "NaT"]),
            "c": pd.Categorical(
                ["a", None],
                pd.Index(["b", "a"], dtype=pd.StringDtype("python", na_value=np.nan)),
                ordered=True,
            ),
            7: np.array([1, 2], dtype="int8"),
        },
        index=pd.RangeIndex(2, 4, name="row"),
    )
    assert_equal(restore(json.dumps(manifest), [first, second]), expected)


def test_an_index_of_the_first_ledgers_comes_back() -> None:
    """A level was written like a column, its categories in the manifest."""
    manifest = {
        "columns": {"labels": ["a"], "dtype": STR, "name": None},
        "index": ["c", None],
        "range": None,
        "dtypes": [
            {"categories": ["x"], "of": "object", "ordered": False},
            "datetime64[us]",
            "int64",
        ],
    }
    index = pd.MultiIndex.from_arrays(
        [
            pd.Categorical(["x", None], pd.Index(["x"], dtype=object)),
            pd.DatetimeIndex(["2026-05-01", "NaT"]),
        ],
        names=["c", None],
    )
    header = pd.Index(["a"], dtype=pd.StringDtype("python", na_value=np.nan))
    back = restore(
        json.dumps(manifest), ["[0, 1777593600000000, 1]", "[-1, -9223372036854775808, 2]"]
    )
    assert_equal(back, pd.DataFrame([[1], [2]], index=index, columns=header))


#: Arrow columns, and what they are on a machine without pyarrow.
WITHOUT_PYARROW = [
    (arrow(pa.string(), "x", None), "dtype('O')", "['x', None]"),
    (arrow(pa.int64(), 2**63 - 1, None), "dtype('O')", "[9223372036854775807, None]"),
    (arrow(pa.decimal128(4, 2), Decimal("1.50"), None), "dtype('O')", "[Decimal('1.50'), None]"),
    (arrow(pa.list_(pa.int64()), [1], None), "dtype('O')", "[[1], None]"),
    (
        arrow_numbers(pa.timestamp("ns", "+02:00"), 1, None),
        "datetime64[ns, UTC+02:00]",
        "[Timestamp('1970-01-01 02:00:00.000000001+0200', tz='UTC+02:00'), NaT]",
    ),
    (
        arrow_numbers(pa.timestamp("s"), 0, None),
        "dtype('<M8[s]')",
        "[Timestamp('1970-01-01 00:00:00'), NaT]",
    ),
    (
        arrow_numbers(pa.duration("ms"), 1, None),
        "dtype('<m8[ms]')",
        "[Timedelta('0 days 00:00:00.001000'), NaT]",
    ),
    (
        arrow_numbers(pa.time64("ns"), 1, None),
        "dtype('<m8[ns]')",
        "[Timedelta('0 days 00:00:00.000000001'), NaT]",
    ),
    (
        arrow(pa.dictionary(pa.int8(), pa.string()), "x", None),
        "CategoricalDtype(categories=['x'], ordered=False, categories_dtype=object)",
        "['x', nan]",
    ),
    (
        arrow(pa.dictionary(pa.int8(), pa.int64(), ordered=True), 7, None),
        "CategoricalDtype(categories=[7], ordered=True, categories_dtype=object)",
        "[7, nan]",
    ),
    (
        pd.Series(["x", None], dtype="string[pyarrow]"),
        "<StringDtype(storage='python', na_value=<NA>)>",
        "['x', <NA>]",
    ),
    (
        pd.Series(["x", None], dtype="str"),
        "<StringDtype(storage='python', na_value=nan)>",
        "['x', nan]",
    ),
]  # fmt: skip

READING = """
import sys
sys.modules["pyarrow"] = None  # as where it is not installed
import json
from smspm_campaigns.frames.snapshot import restore
frame = restore(*json.load(sys.stdin))
print(json.dumps([[repr(frame[name].dtype), str(frame[name].tolist())] for name in frame]))
"""


def test_a_ledger_is_read_without_pyarrow() -> None:
    """Arrow columns come back as what is most like them, with all of their values."""
    columns = [column for column, _, _ in WITHOUT_PYARROW]
    made = json.dumps(take(pd.DataFrame(dict(enumerate(columns)))))
    read = subprocess.run(
        [sys.executable, "-c", READING], input=made, capture_output=True, text=True, check=True
    )
    expected = [[dtype, values] for _, dtype, values in WITHOUT_PYARROW]
    assert json.loads(read.stdout) == expected


def test_a_zone_that_this_machine_lacks_is_utc() -> None:
    """The moment is the same; a time with an offset keeps that."""
    frame = pd.DataFrame({"a": times(TALLINN)})
    frame["b"] = objects(dt.datetime(2026, 5, 1, tzinfo=ZoneInfo(TALLINN)))
    frame["c"] = objects(frame["a"].iloc[0])
    manifest, [line] = take(frame)
    elsewhere = [text.replace(TALLINN, "Mars/Olympus") for text in (manifest, line)]
    offset = dt.timezone(dt.timedelta(hours=3))
    assert cells(restore(elsewhere[0], elsewhere[1:]))[:3] == [
        [seen(pd.Timestamp("2026-04-30 21:00", tz="UTC"))],
        [seen(dt.datetime(2026, 5, 1, tzinfo=offset))],
        [seen(pd.Timestamp("2026-04-30 21:00", tz="UTC"))],
    ]


def test_a_campaign_returns_every_kind_of_column(tmp_path: Path) -> None:
    """From `create` through the file to the report of another process's `open`."""
    rows = 20
    own = {
        place: column.iloc[[row % len(column) for row in range(rows)]].reset_index(drop=True)
        for place, column in enumerate([*COLUMNS, *map(objects, CELLS)])
    }
    frame = pd.DataFrame({("column", place): column for place, column in own.items()})
    frame.columns = pd.Index(frame.columns.to_flat_index(), tupleize_cols=False)
    frame.index = pd.MultiIndex.from_arrays(
        [
            pd.period_range("2026-05", periods=rows, freq="M"),
            pd.Index(arrow(pa.int8(), *range(rows))),
        ]
    )
    messages = frame.assign(sms_to=[f"4670174{row:04}" for row in range(rows)], sms_text="Hi")
    ledger = tmp_path / "ledger.sqlite"
    smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    report = smspm.Campaign.open("spring", ledger=ledger).report()
    back = report.iloc[:, : frame.shape[1]]
    assert dtypes(back) == dtypes(frame)
    assert cells(back) == cells(frame)
    assert back.columns.tolist() == frame.columns.tolist()
