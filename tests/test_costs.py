"""What each message costs: segments x price, and a price that is not there is never zero."""

import io
import warnings
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, SmspmWarning
from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.costs import estimate_costs

SAMPLES = Path(__file__).parent.parent / "sample_data"


def messages(*rows: tuple[Any, Any]) -> pd.DataFrame:
    """A frame of (country, segments)."""
    return pd.DataFrame(
        {
            "sms_country": pd.array([country for country, _ in rows], dtype="str"),
            "sms_segments": pd.array([segments for _, segments in rows], dtype="Int64"),
        }
    )


MIXED = messages(("EE", 1), ("EE", 2), ("DE", 3))


def costs(prices: Any, frame: pd.DataFrame = MIXED) -> list[float]:
    found = estimate_costs(frame, prices)["sms_cost"]
    assert found.dtype == "float64"
    return [float(cost) for cost in found]


@pytest.mark.parametrize(
    "prices",
    [
        {"EE": 0.045, "DE": 0.07},
        {"ee": "0.045", " De ": "0,07"},  # a comma, as in most of Europe
        {"EE": Decimal("0.045"), "DE": np.float64(0.07), "SE": 1},
        {"EE": "0.0450", "DE": " 7e-2 "},
    ],
)
def test_prices_come_as_a_mapping(prices: Mapping[str, Any]) -> None:
    """Prices are floats, decimals or texts; 3 x 0.07 is 0.21 and not 0.21000000000000002."""
    assert costs(prices) == [0.045, 0.09, 0.21]


def test_prices_come_as_a_frame_or_a_file(tmp_path: Path) -> None:
    """A frame, a CSV and a workbook with the columns country and price are the same prices."""
    table = {"price": ["0,045", "0,07"], "country": ["EE", "DE"], "note": ["", "x"]}
    assert costs(pd.DataFrame(table)) == [0.045, 0.09, 0.21]
    text = tmp_path / "prices.csv"
    text.write_text("country;price\nEE;0,045\n\nDE;0.07\n", encoding="utf-8")
    book = tmp_path / "prices.xlsx"
    with xlsxwriter.Workbook(str(book)) as workbook:
        sheet = workbook.add_worksheet()
        for row, cells in enumerate([("country", "price"), ("EE", 0.045), ("DE", 0.07)]):
            sheet.write_row(row, 0, cells)
    for path in (text, str(text), book):
        assert costs(path) == [0.045, 0.09, 0.21]


def test_prices_come_as_an_open_file() -> None:
    """An upload is a file that is open already."""
    upload = io.BytesIO(b"country,price\nEE,0.045\nDE,0.07\n")
    assert costs(upload) == [0.045, 0.09, 0.21]


def test_sample_prices_can_be_read() -> None:
    """The sample file prices a message of two segments."""
    assert costs(SAMPLES / "prices.csv", messages(("AT", 2))) == [0.146]


def test_country_without_a_price_is_said_and_never_zero() -> None:
    """A missing price is a missing cost, and one warning at the caller names the countries."""
    frame = messages(("SE", 1), ("EE", 1), ("DE", 1), ("SE", 2))
    with pytest.warns(SmspmWarning, match=r"^No price for DE, SE: what these messages") as warned:
        found = costs({"EE": 0}, frame)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    np.testing.assert_array_equal(found, [np.nan, 0.0, np.nan, np.nan])


def test_many_countries_without_a_price_are_cut() -> None:
    """Ten countries are named."""
    frame = messages(*((f"{letter}X", 1) for letter in "ABCDEFGHIJKL"))
    named = ", ".join(f"{letter}X" for letter in "ABCDEFGHIJ")
    with pytest.warns(SmspmWarning, match=rf"^No price for {named}…:"):
        costs({}, frame)


def test_row_that_is_not_sent_needs_no_price() -> None:
    """Only rows without a problem are asked a price for."""
    frame = messages(("SE", 1), ("EE", 1)).assign(
        sms_problem=pd.array(["duplicate", None], dtype="str")
    )
    np.testing.assert_array_equal(costs({"EE": 0.5}, frame), [np.nan, 0.5])


def test_row_without_a_country_has_no_price() -> None:
    """A number whose country is not known costs nobody knows what, and that is said."""
    with pytest.warns(SmspmWarning, match=r"^No price for no country"):
        np.testing.assert_array_equal(costs({"EE": 0.5}, messages((None, 1))), [np.nan])


def test_row_without_a_text_has_no_cost_and_is_no_missing_price() -> None:
    """Where there are no segments the cost is missing, and the price is not to blame."""
    np.testing.assert_array_equal(costs({"EE": 0.5}, messages(("EE", None))), [np.nan])


@pytest.mark.parametrize(
    "segments",
    [
        pd.Series(["2", " 3 ", "", None], dtype=object),
        pd.Series(["2", "3.0", "", None], dtype="str"),  # what a file makes of floats
        pd.Series([2.0, 3.0, None, None]),
        pd.Series([2, 3, None, None], dtype="Int64").astype("category"),
        pd.Series([2, 3, None, None], dtype="int64[pyarrow]"),
        pd.Series([np.int64(2), Decimal(3), pd.NA, np.nan], dtype=object),
    ],
    ids=["object", "str", "float", "category", "Arrow", "mixed"],
)
def test_segments_may_come_back_from_a_file(segments: "pd.Series[Any]") -> None:
    """Text, floats, categories and Arrow are the same whole numbers, and nothing is nothing."""
    frame = pd.DataFrame({"sms_country": ["EE", "DE", "EE", "DE"], "sms_segments": segments})
    np.testing.assert_array_equal(
        costs({"EE": 0.045, "DE": 0.07}, frame), [0.09, 0.21, np.nan, np.nan]
    )


@pytest.mark.parametrize("segments", ["two", "-1", -1, 2.5, "2,0", True, np.inf, "1e3", "1" * 10])
def test_segments_that_are_no_whole_number_raise(segments: Any) -> None:
    """Half a segment is not cut to none: what is no count is named, with the step to run."""
    frame = pd.DataFrame({"sms_country": ["EE"], "sms_segments": pd.Series([segments])})
    with pytest.raises(InvalidArgument) as raised:
        costs({"EE": 1}, frame)
    assert str(raised.value) == (
        f"sms_segments holds {told(segments)}, and segments are whole numbers. Run "
        "render_messages, which counts them."
    )


def test_price_of_nothing_is_nothing() -> None:
    """Minus zero, as a spreadsheet may round it, is a price of 0 and prints as such."""
    assert [str(cost) for cost in costs({"EE": "-0.0", "DE": -0.0})] == ["0.0"] * 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["EE", "DE", "SE", "", None]),
            st.one_of(st.none(), st.integers(0, 300)),
            st.sampled_from(["duplicate", None]),
        )
    )
)
def test_each_row_is_priced_by_its_own_country_and_segments(rows: list[Any]) -> None:
    """In any mix of rows, each costs what it costs alone, and the warning names what is sent."""
    prices = {"EE": Decimal("0.045"), "DE": Decimal("0.07")}
    frame = messages(*((country, segments) for country, segments, _ in rows))
    frame["sms_problem"] = pd.array([problem for *_, problem in rows], dtype="str")
    frame.index = pd.Index([7] * len(rows))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found = costs(prices, frame)
    expected = [
        float(prices[country] * segments)
        if country in prices and segments is not None
        else float("nan")
        for country, segments, _ in rows
    ]
    np.testing.assert_array_equal(found, expected)
    without = {country or "no country" for country, _, problem in rows if problem is None}
    named = ", ".join(sorted(without - prices.keys()))
    sentence = f"No price for {named}: what these messages cost is not known. Add them to the "
    assert [str(warning.message) for warning in warned] == [f"{sentence}prices."] * bool(named)


@pytest.mark.parametrize(
    "price",
    [-0.01, "-1", "free", "", None, np.nan, "NaN", "inf", float("inf"), "1.234,5", "1.234,50",
     "1,234.50", "0.045 EUR", True, "0.0000000001", 1e30, "0,04,5"],
)  # fmt: skip
def test_price_that_is_none_raises(price: Any) -> None:
    """Garbage, less than nothing and more decimals than the ledger counts are refused."""
    with pytest.raises(
        InvalidArgument, match=r"^The price for EE is '.*'; expected EUR per segment"
    ):
        costs({"EE": price})


@pytest.mark.parametrize(
    ("prices", "error", "sentence"),
    [
        ({"EE": 1, "ee ": 2}, InvalidArgument, "EE has two prices. Keep one."),
        ({None: 1}, InvalidArgument, "The price '1' stands without a country"),
        (
            pd.DataFrame({"country": ["EE", "EE"], "price": [1, 1]}),
            InvalidArgument,
            "EE has two prices",
        ),
        (pd.DataFrame({"country": [None], "price": [1]}), InvalidArgument, "without a country"),
        (
            pd.DataFrame({"Country": ["EE"], "price": [1]}),
            ColumnNotFound,
            "need the columns 'country' and 'price' (EUR per segment), and have Country, price",
        ),
        (0.05, InvalidArgument, "Expected prices as a mapping, frame or file, got float"),
        ("nowhere.csv", FileNotFoundError, "nowhere.csv does not exist"),
    ],
    ids=["twice", "no country", "frame twice", "frame no country", "no column", "float", "no file"],
)
def test_faulty_prices_raise(prices: Any, error: type[Exception], sentence: str) -> None:
    """Prices that cannot be meant are refused before anything is estimated."""
    with pytest.raises(error) as raised:
        costs(prices)
    assert sentence in str(raised.value)


@given(
    st.decimals("0", "10", places=4, allow_nan=False),
    st.integers(1, 20),
    st.sampled_from([str, float, Decimal]),
)
def test_cost_is_exact_to_the_float(price: Decimal, segments: int, kind: type) -> None:
    """The cost is the float nearest to segments x price, as decimals multiply them."""
    assert costs({"EE": kind(price)}, messages(("EE", segments))) == [float(price * segments)]


@pytest.mark.parametrize("country", ["Germany", "germany ", "UK", "DEU", 49, True])
def test_country_that_is_no_iso_code_raises(country: Any) -> None:
    """A price that would never be found is named, with what to write."""
    with pytest.raises(InvalidArgument) as raised:
        costs({country: 0.05, "EE": 1})
    shown = " ".join(str(country).split()) if country is not True else "TRUE"
    assert str(raised.value) == (
        f"'{shown}' is no ISO 3166 country code such as 'DE' or 'GB'. Write the two letters of "
        "the country."
    )


@pytest.mark.parametrize("country", ["001", "AQ", "XK", "um"])
def test_code_of_a_price_list_is_taken(country: str) -> None:
    """Satellite numbers have no country, and some territories of price lists have no numbers."""
    assert costs({country: 1, "EE": 1, "DE": 1}) == [1.0, 2.0, 3.0]


def test_number_in_the_prices_is_masked() -> None:
    """A phone number in the wrong column is not shown whole."""
    with pytest.raises(InvalidArgument, match=r"^The price for EE is '\+4917\*{6}12'; expected"):
        costs({"EE": "+49 171 3920012"})
    with pytest.raises(ColumnNotFound) as raised:
        costs(pd.DataFrame({"Eva": ["Ida"], "+491713920012": ["+491713920013"]}))
    assert str(raised.value) == (
        "The prices need the columns 'country' and 'price' (EUR per segment), and have Eva, "
        "+4917******12. The first row seems to be data, not a header: put one above it that names "
        "the columns."
    )
