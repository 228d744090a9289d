"""What every frame helper promises: yours comes back as it was, and only `sms_` columns join it."""

import copy
import warnings
from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, SmspmWarning
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.columns import (
    find_column,
    has_text,
    nearest,
    scattered,
    text_array,
    texts_of,
    with_columns,
)
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.preview import preview
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.vocabulary import COLUMNS

Helper = Callable[[pd.DataFrame], pd.DataFrame]

OPTED_OUT = "+49 171 39200 12"
PHONES = ["0171 3920011", OPTED_OUT, "+491713920012", "0171 3920011", "070-174 06 05", "12", None]


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return normalize_numbers(frame, "phone", region="DE")


def duplicates(frame: pd.DataFrame) -> pd.DataFrame:
    return mark_duplicates(frame)


def suppressed(frame: pd.DataFrame) -> pd.DataFrame:
    return mark_suppressed(frame, [OPTED_OUT])


def messages(frame: pd.DataFrame) -> pd.DataFrame:
    return render_messages(frame, "Hi {{ name }}, reply STOP", max_segments=1)


def costs(frame: pd.DataFrame) -> pd.DataFrame:
    return estimate_costs(frame, {"DE": 0.07, "SE": "0,05"})


HELPERS: list[Helper] = [numbers, duplicates, suppressed, messages, costs]
#: Every order in which the helpers can run at all.
ORDERS = [
    order
    for order in permutations(HELPERS)
    if order.index(numbers) < min(order.index(duplicates), order.index(suppressed))
    and order.index(costs) > max(order.index(numbers), order.index(messages))
]


def run(frame: pd.DataFrame, *helpers: Helper) -> pd.DataFrame:
    for helper in helpers:
        frame = helper(frame)
    return frame


def people(size: int = len(PHONES)) -> pd.DataFrame:
    """A frame with a column of every kind a user may have."""
    names = ["Ana", "Józef", "  ", None, "{{ name }}", "Жанна", "李" * 80]
    frame = pd.DataFrame(
        {
            "phone": pd.Series(PHONES, dtype=object),
            "name": names,
            "group": pd.Categorical(["a", "b", None, "a", "a", "b", "a"], ["b", "a"], ordered=True),
            "arrow": pd.Series(names, dtype="string[pyarrow]"),
            "arrow_int": pd.Series([1, None, 3, 4, 5, 6, 7], dtype="int64[pyarrow]"),
            "points": pd.Series([1, None, 3, 4, 5, 6, 7], dtype="Int64"),
            "mixed": pd.Series([None, 1, "x", Decimal("1.5"), pd.NA, np.nan, pd.NaT], dtype=object),
            "joined": pd.date_range("2026-01-01", periods=7, tz="Europe/Tallinn"),
            "flags": [True, False] * 3 + [True],
        }
    )
    return frame.head(size)


def indexed(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Give a frame one of the indexes users have."""
    size = len(frame)
    labels: dict[str, Any] = {
        "range": pd.RangeIndex(size),
        "rows of a file": pd.RangeIndex(2, 2 + size, name="row"),
        "duplicates": pd.Index(([7, 7, 3] * size)[:size], name="id"),
        "texts": pd.Index([f"p{place}" for place in range(size)]),
        "hostile texts": pd.Index([f"a · b: {place}" for place in range(size)]),
        "two levels": pd.MultiIndex.from_arrays(
            [(["x", "x", "y"] * size)[:size], range(size)], names=["group", None]
        ),
        "times": pd.date_range("2026-01-01", periods=size),
        "categories": pd.CategoricalIndex((["u", "v"] * size)[:size]),
        "missing": pd.Index(([None, "x"] * size)[:size], dtype=object),
    }
    return frame.set_axis(labels[kind], axis=0)


INDEXES = [
    "range",
    "rows of a file",
    "duplicates",
    "texts",
    "hostile texts",
    "two levels",
    "times",
    "categories",
    "missing",
]


@pytest.mark.parametrize("size", [0, 1, len(PHONES)])
@pytest.mark.parametrize("kind", INDEXES)
def test_your_columns_come_back_as_they_were(kind: str, size: int) -> None:
    """Input unchanged; index, order, rows, own columns and their dtypes are the same after."""
    frame = indexed(people(size), kind)
    before = frame.copy(deep=True)
    for helper in HELPERS:
        given_frame = frame
        held = given_frame.copy(deep=True)
        frame = helper(given_frame)
        assert_frame_equal(given_frame, held, check_exact=True)
    assert_frame_equal(frame[list(before.columns)], before, check_exact=True)
    assert list(frame.columns[: before.shape[1]]) == list(before.columns)
    assert set(frame.columns[before.shape[1] :]) < set(COLUMNS)


def test_our_columns_have_the_dtypes_that_are_promised() -> None:
    """Texts are `str`, counts `Int64`, money `float64`, in an empty frame too."""
    promised = {
        "sms_to": "str",
        "sms_country": "str",
        "sms_line": "str",
        "sms_problems": "str",
        "sms_problem": "str",
        "sms_detail": "str",
        "sms_text": "str",
        "sms_encoding": "str",
        "sms_segments": "Int64",
        "sms_cost": "float64",
    }
    for size in (0, len(PHONES)):
        ready = run(people(size), *HELPERS)
        ours = ready[[name for name in ready.columns if name.startswith("sms_")]]
        assert ours.dtypes.astype(str).to_dict() == promised


def test_row_carries_all_its_problems() -> None:
    """The whole of what the helpers say of a frame: nothing is dropped, everything is told."""
    ready = run(indexed(people(), "rows of a file"), *HELPERS)
    ours = ready[["sms_to", "sms_problems", "sms_segments", "sms_cost"]]
    nan = np.nan
    expected = pd.DataFrame(
        {
            "sms_to": pd.Series(
                [
                    "491713920011",
                    "491713920012",
                    "491713920012",
                    "491713920011",
                    nan,  # a Swedish spelling read as a German one
                    nan,
                    nan,
                ],
                dtype="str",
            ).array,
            "sms_problems": pd.Series(
                [
                    nan,
                    "opted_out",
                    "opted_out duplicate missing_value",
                    "duplicate missing_value",
                    "invalid_number",
                    "invalid_number",
                    "missing_number too_long",
                ],
                dtype="str",
            ).array,
            "sms_segments": pd.array([1, 1, None, None, 1, 1, 2], dtype="Int64"),
            "sms_cost": [0.07, 0.07, nan, nan, nan, nan, nan],
        },
        index=pd.RangeIndex(2, 9, name="row"),
    )
    assert_frame_equal(ours, expected)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(f.__name__ for f in order))
def test_order_of_the_helpers_does_not_matter(order: tuple[Helper, ...]) -> None:
    """In every order in which they can run, the helpers end at the same rows."""
    expected = run(people(), *HELPERS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_frame_equal(run(people(), *order)[expected.columns], expected)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(PHONES), max_size=8),
    st.sampled_from(ORDERS),
    st.lists(st.sampled_from(HELPERS), max_size=6),
)
def test_running_helpers_again_changes_nothing(
    phones: list[str | None], order: tuple[Helper, ...], again: list[Helper]
) -> None:
    """Whatever is run again, in any order, gives the same frame."""
    frame = pd.DataFrame({"phone": pd.Series(phones, dtype=object), "name": "Ana"})
    once = run(frame, *order)
    assert_frame_equal(run(once, *again), once)


@pytest.mark.parametrize("helper", HELPERS, ids=lambda helper: helper.__name__)
def test_foreign_column_with_our_prefix_raises(helper: Helper) -> None:
    """A user's own `sms_` column is refused, and named, before anything is done."""
    ready = run(people(), *HELPERS).assign(sms_notes="mine")
    with pytest.raises(InvalidArgument, match="'sms_notes' begins with 'sms_'"):
        helper(ready)
    with pytest.raises(InvalidArgument, match="'sms_notes'"):
        preview(ready)


@pytest.mark.parametrize("helper", HELPERS, ids=lambda helper: helper.__name__)
def test_column_of_ours_twice_raises(helper: Helper) -> None:
    """Two columns of one of our names are refused: which of them would count?"""
    ready = run(people(), *HELPERS)
    with pytest.raises(InvalidArgument, match="two columns named 'sms_to'"):
        helper(pd.concat([ready, ready[["sms_to"]]], axis=1))


@pytest.mark.parametrize("helper", HELPERS, ids=lambda helper: helper.__name__)
def test_something_else_than_a_frame_raises(helper: Helper) -> None:
    """A file name given for a frame is answered with the step that was forgotten."""
    with pytest.raises(InvalidArgument, match=r"got str\. Read your file with read_contacts"):
        helper("people.csv")  # type: ignore[arg-type]


def test_headers_of_two_levels_raise() -> None:
    """A frame with two header rows cannot be named into, and says so."""
    frame = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(InvalidArgument, match="several levels; flatten"):
        numbers(frame)


@pytest.mark.parametrize(
    ("helper", "needed", "step"),
    [
        (duplicates, "sms_to", "normalize_numbers"),
        (suppressed, "sms_to", "normalize_numbers"),
        (costs, "sms_country", "normalize_numbers"),
        (preview, "sms_to", "normalize_numbers"),
    ],
)
def test_step_that_was_forgotten_is_named(
    helper: Callable[[pd.DataFrame], Any], needed: str, step: str
) -> None:
    """A helper that needs an earlier step says which one."""
    with pytest.raises(ColumnNotFound, match=f"no column '{needed}' yet: run {step} first"):
        helper(people())


def test_typo_in_a_column_names_the_nearest_and_is_a_key_error() -> None:
    """A column that is not there raises a KeyError whose text is a sentence."""
    with pytest.raises(KeyError) as raised:
        normalize_numbers(people(), "fone")
    assert isinstance(raised.value, ColumnNotFound)
    assert str(raised.value) == "There is no column 'fone'. Did you mean 'phone'?"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("PHONE", "Did you mean 'phone'?"),
        ("zzz", "The columns are: phone, 1."),
        (11, "Did you mean '1'?"),
    ],
)
def test_nearest_name_is_found_in_any_case(name: Any, sentence: str) -> None:
    """The nearest name is offered, else all of them."""
    assert nearest(name, ["phone", 1]) == sentence


def test_long_list_of_columns_is_cut() -> None:
    """Of many columns the first twenty are named."""
    shown = ", ".join(str(number) for number in range(20))
    assert nearest("phone", range(100)) == f"The columns are: {shown}…"


def test_two_columns_of_one_name_raise() -> None:
    """A name that two columns have is refused."""
    frame = pd.DataFrame([["1", "2"]], columns=["phone", "phone"])
    with pytest.raises(InvalidArgument, match="2 columns named 'phone'; rename"):
        find_column(frame, "phone")


def test_other_columns_may_share_a_name() -> None:
    """Two columns of one name do no harm where neither is asked for."""
    frame = pd.DataFrame([["0171 3920011", 1, 2]], columns=["phone", "x", "x"])
    assert_frame_equal(numbers(frame).iloc[:, :3], frame)


@pytest.mark.parametrize(
    "header",
    [
        pd.CategoricalIndex(["phone", "name"]),
        pd.Index(["phone", "name"], dtype=object),
        pd.Index(["phone", "name"], name="field"),
        pd.Index(["phone", "name"], dtype="string[pyarrow]"),
    ],
    ids=["categories", "objects", "named", "arrow"],
)
def test_header_may_be_of_any_kind(header: Any) -> None:
    """A pivoted or converted header takes our columns too."""
    frame = pd.DataFrame([["0171 3920011", "Ana"]]).set_axis(header, axis=1)
    ready = run(frame, *HELPERS)
    assert list(ready.columns[:2]) == ["phone", "name"]
    assert ready["sms_text"].tolist() == ["Hi Ana, reply STOP"]
    assert frame.columns.equals(header)


def test_integer_headers_take_our_columns() -> None:
    """A frame without names can be read by the number of its column."""
    frame = pd.DataFrame([["0171 3920011"]])
    assert normalize_numbers(frame, 0, region="DE")["sms_to"].tolist() == [  # type: ignore[arg-type]
        "491713920011"
    ]


def test_columns_are_added_to_a_copy_by_position() -> None:
    """Values go in by position, whatever the index; the frame given is not touched."""
    frame = pd.DataFrame({"a": [1, 2]}, index=[5, 5])
    added = with_columns(frame, sms_to=text_array(["x", None]))
    expected = pd.DataFrame(
        {"a": [1, 2], "sms_to": pd.Series(["x", np.nan], dtype="str").array}, index=[5, 5]
    )
    assert_frame_equal(added, expected)
    assert list(frame.columns) == ["a"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["x", None], dtype=object),
        pd.Series(["x", np.nan], dtype="str"),
        pd.Series(["x", pd.NA], dtype="string[pyarrow]"),
        pd.Series(["x", None], dtype="category"),  # has no category for "nothing"
        pd.Series(["x", ""], dtype=object),  # a report read back from CSV
    ],
    ids=["object", "str", "arrow", "category", "blank"],
)
def test_texts_are_read_from_every_dtype(column: "pd.Series[Any]") -> None:
    """A column of ours is read whatever a user has converted it to; nothing is `""`."""
    assert texts_of(pd.DataFrame({"sms_to": column}), "sms_to") == ["x", ""]
    assert texts_of(pd.DataFrame({"a": [1, 2]}), "sms_to") == ["", ""]
    assert has_text(pd.DataFrame({"sms_to": column}), "sms_to").tolist() == [True, False]
    assert has_text(pd.DataFrame({"a": [1, 2]}), "sms_to").tolist() == [False, False]


def test_converted_columns_of_ours_are_still_understood() -> None:
    """Categories and Arrow texts in our columns give the same frame as before."""
    once = run(people(), *HELPERS)
    converted = once.astype(
        {"sms_problem": "category", "sms_problems": "category", "sms_to": "string[pyarrow]"}
    )
    again = run(converted, *HELPERS)
    assert_frame_equal(again.astype({"sms_to": "str"}), once)


def test_changed_number_clears_what_was_judged_by_the_old_one() -> None:
    """When a number changes, duplicate and opted out go, with a warning to run the steps again."""
    frame = pd.DataFrame({"phone": [OPTED_OUT, "0171 3920011", "0171 3920011"]})
    marked = run(frame, numbers, duplicates, suppressed)
    assert marked["sms_problem"].tolist()[0::2] == ["opted_out", "duplicate"]
    changed = marked.assign(phone=["0171 3920099", "0171 3920011", "0171 3920011"])
    with pytest.warns(SmspmWarning, match=r"^1 row has .* Run mark_duplicates and mark_suppressed"):
        again = numbers(changed)
    expected = pd.Series([np.nan, np.nan, "duplicate"], dtype="str", name="sms_problem")
    pd.testing.assert_series_equal(again["sms_problem"], expected)
    assert again["sms_detail"].isna().tolist() == [True, True, False]


def test_names_in_an_error_are_masked() -> None:
    """A frame that was read without a header shows no whole number, and is told as such."""
    frame = pd.DataFrame({"Eva": ["Ida"], "0171_392_00_12": ["0171 3920013"]})
    with pytest.raises(ColumnNotFound) as raised:
        find_column(frame, "phone")
    assert str(raised.value) == (
        "There is no column 'phone'. The columns are: Eva, 0171*****12. The first row seems to be "
        "data, not a header: put one above it that names the columns."
    )
    assert nearest("0171_392_00_13", frame.columns) == "Did you mean '0171*****12'?"
    with pytest.raises(ColumnNotFound, match=r"no column '\+4917\*{6}12'"):
        find_column(frame, "+491713920012")


@pytest.mark.parametrize("name", [["phone"], {}, set()])
def test_name_of_a_column_is_one_name(name: Any) -> None:
    """A list of columns is refused as an argument."""
    with pytest.raises(InvalidArgument) as raised:
        find_column(people(), name)
    assert str(raised.value) == (
        "column is the name of one column, such as 'phone', not a value of type "
        f"{type(name).__name__}."
    )


@pytest.mark.parametrize("helper", HELPERS, ids=lambda helper: helper.__name__)
def test_attributes_of_the_frame_given_stay_as_they_were(helper: Helper) -> None:
    """What a helper remembers stands in the frame it returns, never in the one it was given."""
    frame = run(people(), *HELPERS).assign(phone="0171 3920099")
    frame.attrs["mine"] = {"source": ["shop"]}
    held = copy.deepcopy(frame.attrs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmspmWarning)  # the numbers are others now
        after = helper(frame)
    assert frame.attrs == held
    assert after.attrs["mine"] == {"source": ["shop"]}
    after.attrs["mine"]["source"].append("fair")
    assert frame.attrs == held


@pytest.mark.parametrize(
    "dtype", ["object", "str", "string", "string[python]", "string[pyarrow]", "category"]
)
def test_column_of_numbers_may_have_any_dtype_of_text(dtype: Any) -> None:
    """The numbers of a column are the same in every dtype, and the column stays what it was."""
    frame = people()[["phone"]]
    expected = numbers(frame)
    converted = frame.astype(dtype)
    told = numbers(converted)
    assert_frame_equal(told.drop(columns="phone"), expected.drop(columns="phone"))
    assert_frame_equal(told[["phone"]], converted)


def test_texts_are_scattered_by_position() -> None:
    """A column of ours is made of the few rows that have something to say."""
    made = pd.Series(scattered({3: "d", 0: "a"}, 4))
    assert made.dtype == "str"
    assert made.fillna("").to_list() == ["a", "", "", "d"]
    assert pd.Series(scattered({}, 2)).isna().to_list() == [True, True]
    assert len(scattered({}, 0)) == 0
