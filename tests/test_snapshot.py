"""A frame becomes JSON and a frame again: the same frame, or a refusal that names the column."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.snapshot import restore, take


def returned(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame after a stay in a ledger, which holds UTF-8."""
    manifest, lines = take(frame)
    assert len(lines) == len(frame)
    return restore(manifest.encode().decode(), [line.encode().decode() for line in lines])


def assert_same(frame: pd.DataFrame) -> None:
    held = frame.copy(deep=True)
    assert_frame_equal(returned(frame), held, check_exact=True, check_freq=False)
    assert_frame_equal(frame, held)


TIMES = ["2026-05-01 10:30:00.123456", None]

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
    pd.Series([np.int64(1), np.float32(1.5), np.True_, np.str_("x")], dtype=object),
    pd.Series([0, -1, 2**63 - 1], dtype="int64"),
    pd.Series([0, 2**64 - 1], dtype="uint64"),
    pd.Series([1, 2], dtype="int8"),
    pd.Series([0.1, np.nan, np.inf, -np.inf, 5e-324, 1e308], dtype="float64"),
    pd.Series([0.1, np.nan], dtype="float32"),
    pd.Series([True, False]),
    pd.Series([True, None], dtype="boolean"),
    pd.Series([2**63 - 1, None], dtype="Int64"),
    pd.Series([1, None], dtype="UInt8"),
    pd.Series([0.1, None, np.inf], dtype="Float64"),
    pd.to_datetime(pd.Series(TIMES)),
    pd.to_datetime(pd.Series(TIMES)).astype("datetime64[ns]"),
    pd.to_datetime(pd.Series(TIMES)).astype("datetime64[s]"),
    pd.to_datetime(pd.Series(TIMES)).dt.tz_localize("UTC"),
    pd.to_datetime(pd.Series(TIMES)).dt.tz_localize("Europe/Tallinn"),
    pd.to_datetime(pd.Series(["2026-05-01T10:30+02:30", None])),
    pd.Series(pd.to_timedelta(["1D 00:00:01", None])),
    pd.Series(["a", None, "b"], dtype="category"),
    pd.Series(pd.Categorical(["a", None], ["b", "a"], ordered=True)),
    pd.Series(pd.Categorical(["a"], pd.Index(["a", "c"], dtype=object))),
    pd.Series(pd.Categorical([3, 1])),
    pd.Series(pd.Categorical(pd.to_datetime(["2026-05-01", "2026-05-02"]).tz_localize("UTC"))),
    pd.Series(pd.Categorical([None, None], [])),
    pd.Series([None, None], dtype=object),
]  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.dtype))
def test_column_comes_back(column: "pd.Series[Any]") -> None:
    """Values, dtype and what is missing are the same after a stay, in an empty frame too."""
    assert_same(pd.DataFrame({"a": column, "b": range(len(column))}))
    assert_same(pd.DataFrame({"a": column}).head(0))


def test_object_cells_keep_their_kind() -> None:
    """True is no 1, a decimal keeps its zeros, and each kind of nothing stays itself."""
    cells = [True, 1, Decimal("1.50"), None, pd.NA, pd.NaT, dt.date(2026, 5, 1)]
    column = returned(pd.DataFrame({"a": pd.Series(cells, dtype=object)}))["a"]
    assert [repr(cell) for cell in column] == [repr(cell) for cell in cells]


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
    pd.date_range("2026-05-01", periods=2, name="day"),
    pd.date_range("2026-05-01", periods=2, tz="Europe/Tallinn"),
    pd.to_timedelta(["1D", "2D"]),
    pd.MultiIndex.from_tuples([("x", 1), ("x", 1)], names=["group", None]),
    pd.MultiIndex.from_arrays(
        [pd.Categorical(["x", None]), pd.DatetimeIndex(["2026-05-01", "NaT"])], names=["c", "t"]
    ),
    pd.MultiIndex.from_arrays([pd.Index(["x", "y"], dtype=object), [0, 1]]),
]


@pytest.mark.parametrize(
    "index", INDEXES, ids=lambda index: f"{type(index).__name__} {index.dtype}"
)
def test_index_comes_back(index: "pd.Index[Any]") -> None:
    """Labels, names, levels, duplicates and dtypes of an index are the same after a stay."""
    assert_same(pd.DataFrame({"a": [1, 2]}, index=index))
    assert_same(pd.DataFrame(index=index))
    if index.nlevels == 1:  # an empty index of several levels remembers labels it no longer has
        assert_same(pd.DataFrame({"a": [1, 2]}, index=index).head(0))


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
    ],
    ids=str,
)
def test_header_comes_back(header: "pd.Index[Any]") -> None:
    """The names of the columns come back with their own name and dtype."""
    assert_same(pd.DataFrame([[1, "x"], [2, "y"]]).set_axis(header, axis=1))


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False),
            st.text(st.characters(codec=None, categories=None)),
            st.decimals(allow_nan=False),
            st.dates(),
            st.datetimes(),
        )
    )
)
@example(['["missing", "NA"]'])  # no tag, but a text that looks like one
def test_any_cells_come_back(cells: list[Any]) -> None:
    """Random cells of an object column come back as they were."""
    frame = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    back = returned(frame)["a"].to_list()
    assert [(type(cell), cell) for cell in back] == [(type(cell), cell) for cell in cells]


REFUSED = [
    (pd.Series([1, 2], dtype="int64[pyarrow]"), "int64[pyarrow]"),
    (pd.Series(pd.period_range("2026", periods=2, freq="M")), "period[M]"),
    (pd.Series(pd.interval_range(0, 2)), "interval[int64, right]"),
    (pd.Series(pd.cut([1, 2], 2)), "interval[float64, right]"),  # categories nobody can write
    (pd.Series(pd.arrays.SparseArray([0, 1])), "Sparse[int64, 0]"),
    (pd.Series([1j, 2]), "complex128"),
    (
        pd.to_datetime(pd.Series(["2026-05-01"])).dt.tz_localize("dateutil/Europe/Berlin"),
        "tzfile",  # a zone without a name that is found again
    ),
    (pd.Series([[1], [2]]), "holds a list"),
    (pd.Series([{"a": 1}]), "holds a dict"),
    (pd.Series([b"x"], dtype=object), "holds a bytes"),
    (pd.Series([pd.Timestamp("2026-05-01"), "x"], dtype=object), "holds a Timestamp"),
    (pd.Series([np.datetime64("2026-05-01", "ns"), "x"], dtype=object), "holds a datetime64"),
    (pd.Series([("a", 1)], dtype=object), "holds a tuple"),
]


@pytest.mark.parametrize(("column", "kind"), REFUSED, ids=[kind for _, kind in REFUSED])
def test_column_that_cannot_be_kept_is_named(column: "pd.Series[Any]", kind: str) -> None:
    """What JSON cannot hold raises, with the column, its type and what to do."""
    frame = pd.DataFrame({"fine": 1, "my column": column})
    with pytest.raises(InvalidArgument, match=r"^The column 'my column' ") as raised:
        take(frame)
    assert kind in str(raised.value)
    assert "Convert it, for example with .astype(str)" in str(raised.value)


def test_index_that_cannot_be_kept_is_named() -> None:
    """A level of the index is named by its number."""
    frame = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("x", pd.Period("2026"))]))
    with pytest.raises(InvalidArgument, match=r"^The column index level 1 .* period"):
        take(frame)


@pytest.mark.parametrize("name", [("a", 1), pd.Timestamp("2026-05-01"), dt.date(2026, 5, 1)])
def test_column_name_that_cannot_be_kept_is_said(name: Any) -> None:
    """A column name is a text or a number."""
    frame = pd.DataFrame([[1]]).set_axis(pd.Index([name], tupleize_cols=False), axis=1)
    with pytest.raises(InvalidArgument, match=r"is neither text nor a number\. Rename it"):
        take(frame)


def test_each_row_is_a_line_of_its_own() -> None:
    """One person is one line, so that one person can be erased; letters stand as they are."""
    frame = pd.DataFrame(
        {"name": ["Õnne", "李"], "points": [1, None]}, index=pd.Index([2, 3], name="row")
    )
    _, lines = take(frame)
    assert lines == ['[2, "Õnne", 1.0]', '[3, "李", null]']
    assert [json.loads(line)[1] for line in lines] == ["Õnne", "李"]
