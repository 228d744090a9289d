"""Which column holds the numbers, and which the country."""

from typing import Any

import pandas as pd
import pytest

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.guesses import Guess, guess_columns

NATIONAL = ["0171 3920012", "0171 3920013"]
WHOLE = ["+49 171 3920012", "+49 171 3920013"]


def guessed(**columns: Any) -> Guess:
    return guess_columns(pd.DataFrame(columns))


@pytest.mark.parametrize(
    "cells",
    [
        WHOLE,
        NATIONAL,
        ["00 49 171 392 0012", "(0171) 39 200-12"],
        ["0171/3920012"],
        ["030.1234567"],
        ["'+49 171 3920012"],  # the apostrophe of a spreadsheet
        ["491713920012.0"],  # what a float column of a CSV has
        ["4.91714E+11", "4,91714E+11"],  # destroyed: so the panel can say so
        ["+49 171 3920012", "call me"],  # a half is enough
        ["+49 171 3920012", "", "  ", None, float("nan")],  # blanks count for nothing
        [491713920012, 491713920013],
        [491713920012.0, 491713920013.0],
        pd.Categorical(WHOLE),
        pd.array(WHOLE, dtype="string[pyarrow]"),
        pd.array([491713920012, None], dtype="Int64"),
    ],
)
@pytest.mark.parametrize("name", ["kontakt", "Mobile phone"])
def test_a_column_of_numbers_is_found_by_what_is_in_it(name: str, cells: Any) -> None:
    """Whatever its name, its dtype and the spelling of its numbers."""
    note = ["a", "b", "c", "d", "e"][: len(cells)]
    assert guessed(note=note, **{name: cells}) == (name, None)


@pytest.mark.parametrize(
    "cells",
    [
        ["10115", "80331"],  # zip codes
        ["24.01.2024", "22.07.2025"],
        ["24-01-2024", "1-7-25"],
        ["01/24/2024", "7/22/25"],
        ["2024-01-24", "2025-07-22"],
        ["2024-01-24 10:00:00", "2024-01-24T10:00:00Z"],
        ["10:15:00", "23:59:59"],
        ["1200.50", "12000,00", "1234567.5"],
        ["DE89 3704 0044 0532 0130 00"],
        ["4111 1111 1111 1111"],  # a card has 16 digits, a number 15 at most
        ["+49 171 FLOWERS"],
        ["+49 171 3920012", "x", "y"],  # less than a half
        ["1.5E-07", "2E+5"],
        ["", None],
        [],
        [True, False],
        pd.to_datetime(["2024-01-24", "2025-07-22"]),
        [1, 2],
        [["+49 171 3920012"], {"a": 1}],
    ],
)
@pytest.mark.parametrize("name", ["a", "phone"])
def test_a_column_of_other_things_is_no_guess(name: str, cells: Any) -> None:
    """Near misses are left alone, even where the name promises numbers."""
    assert guessed(**{name: cells}) == (None, None)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"customer": ["10000001", "10000002"], "phone": WHOLE}, "phone"),
        ({"customer": ["10000001", "10000002"], "kontakt": WHOLE}, "kontakt"),
        ({"customer": ["10000001", "10000002"], "Telefon": NATIONAL}, "Telefon"),
        ({"ean": ["4006381333931"] * 2, "tel": NATIONAL}, "tel"),
        ({"phone home": ["030 1234567"] * 2, "mobile": WHOLE}, "mobile"),
        ({"b": WHOLE, "a": WHOLE}, "b"),  # the first of equals
        ({"fax": ["+49 171 3920012", ""], "phone": ["+49 171 3920012", "x"]}, "fax"),
    ],
)
def test_of_several_columns_the_likeliest_is_taken(columns: dict[str, Any], found: str) -> None:
    """Numbers with a country code weigh most, then what can be dialled, then the name."""
    assert guess_columns(pd.DataFrame(columns)).numbers == found


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"land": ["Germany", "FRA", "nl", "UK"]}, "land"),
        ({"land": ["DE", "Absurdistan"]}, "land"),
        ({"land": ["DE", "Absurdistan", "Utopia"]}, None),
        ({"land": ["", None]}, None),
        ({"city": ["Berlin", "Paris"], "shop": ["A", "B"]}, None),
        ({"state": ["CA", "DE"], "country": ["US", "US"]}, "country"),  # California, Delaware
        ({"state": ["CA", "DE"], "country": ["US", ""]}, "country"),
        ({"land": pd.Categorical(["DE", "FR"])}, "land"),
    ],
)
def test_the_country_is_found_by_codes_and_names(
    columns: dict[str, Any], found: str | None
) -> None:
    """ISO codes and names in English are known; a name of the column decides between equals."""
    assert guess_columns(pd.DataFrame(columns)).region == found


def test_only_the_first_rows_are_looked_at() -> None:
    """Two hundred rows tell; a hundred thousand need not be read."""
    late = pd.DataFrame({"a": ["x"] * 200 + WHOLE * 1000})
    assert guess_columns(late) == Guess(None, None)


def test_our_own_columns_and_names_that_are_no_text_are_no_guess() -> None:
    """The panel offers what a person can name."""
    frame = pd.DataFrame({"sms_to": ["491713920012"], 0: WHOLE[:1], None: WHOLE[:1]})
    assert guess_columns(frame) == Guess(None, None)
    assert guess_columns(pd.DataFrame()) == Guess(None, None)


def test_headers_of_several_levels_are_refused() -> None:
    """They are told of as everywhere else."""
    frame = pd.DataFrame([WHOLE], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    with pytest.raises(InvalidArgument, match="headers of several levels"):
        guess_columns(frame)


def test_a_mobile_column_that_is_fuller_comes_before_landlines() -> None:
    """Those of whom more can be texted are meant."""
    frame = pd.DataFrame(
        {"Telefon": ["030 901820", None, None], "Mobil-Nr.": ["0171 3920012", "0171 3920013", None]}
    )
    assert guess_columns(frame).numbers == "Mobil-Nr."


@pytest.mark.parametrize(
    ("name", "cells", "is_country"),
    [
        ("state", ["DE", "CA", "IN"], False),  # Delaware, California, Indiana
        ("name", ["Al", "Bo", "Cy"], False),
        ("language", ["de", "fr", "et"], False),
        ("Land", ["DE", "AT", "CH"], True),
        ("where", ["Germany", "Austria", "Estonia"], True),
        ("where", ["Germany", "Bavaria"], False),
    ],
)
def test_codes_are_countries_where_the_column_says_so(
    name: str, cells: list[str], is_country: bool
) -> None:
    """Two letters are many things; whole names are countries by themselves."""
    assert guess_columns(pd.DataFrame({name: cells})).region == (name if is_country else None)
