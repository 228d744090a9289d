"""One cell: blank or not, and the text a person sees in it."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.frames.cells import as_text, is_blank, quoted, told


@pytest.mark.parametrize(
    "value",
    [
        None,
        float("nan"),
        np.float64("nan"),
        np.float32("nan"),
        Decimal("NaN"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT"),
        "",
        "  ",
        "\t\n",
        "\N{NO-BREAK SPACE}",
        "\N{IDEOGRAPHIC SPACE}",
    ],
)
def test_nothing_is_blank(value: Any) -> None:
    """Whatever a frame calls missing, and white space, is blank and has no text of its own."""
    assert is_blank(value)
    assert as_text(value).strip() == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("NA", "NA"),  # Namibia
        ("None", "None"),
        ("nan", "nan"),
        ("007", "007"),
        (" x ", " x "),
        (0, "0"),
        (0.0, "0"),
        (7.0, "7"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),  # no exponent
        (1e-7, "0.0000001"),
        (10**400, "1" + 400 * "0"),  # more than a float can hold
        (np.int64(5), "5"),
        (np.float64(491713920012.0), "491713920012"),
        (np.float32(1.5), "1.5"),
        (Decimal("12.50"), "12.50"),
        (Decimal("12.00"), "12"),
        (Decimal("4.9E+3"), "4900"),
        (float("inf"), "inf"),
        (True, "TRUE"),  # as a spreadsheet shows it
        (np.False_, "FALSE"),
        (dt.date(2026, 5, 1), "2026-05-01"),
        (dt.datetime(2026, 5, 1), "2026-05-01"),  # noqa: DTZ001 - a spreadsheet has no zones
        (pd.Timestamp("2026-05-01 10:30"), "2026-05-01 10:30:00"),
        (dt.time(9, 15), "09:15:00"),
        (("DE", 5), "('DE', 5)"),  # a label of two levels
        ([], "[]"),  # no cell, but no crash
    ],
)
def test_cell_is_shown_as_a_spreadsheet_shows_it(value: Any, text: str) -> None:
    """A cell that holds something is not blank, and its text is what a person sees."""
    assert not is_blank(value)
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0171  39200\t12", "'0171 39200 12'"),
        ("two\nlines", "'two lines'"),
        ("a · b", "'a - b'"),  # what stands between two notes
        ("\N{RIGHT-TO-LEFT OVERRIDE}1", "'\\u202e1'"),  # invisible, and shown
        ("\x00", "'\\u0000'"),
        ("\x1b[31m", "'\\u001b[31m'"),  # colours nobody's terminal
        ("\ud800", "'\\ud800'"),
        ("x" * 40, f"'{'x' * 40}'"),
        ("x" * 41, f"'{'x' * 39}…'"),
        (7.0, "'7'"),
    ],
)
def test_quoted_cell_is_visible(value: Any, shown: str) -> None:
    """A quoted cell is one line of visible characters."""
    assert quoted(value) == shown


@given(st.text())
def test_quoted_cell_is_bounded_and_printable(text: str) -> None:
    """However hostile a cell, its quotation is short, printable and no two notes."""
    shown = quoted(text)
    assert shown.isprintable()
    assert len(shown) <= 42
    assert " · " not in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("phone", "'phone'"),
        ("+49 171 3920012", "'+4917******12'"),
        ("017139\n20012", "'0171*****12'"),  # a line break in a header
        ("x" * 50, "'" + "x" * 39 + "…'"),
        (491713920012, "4917******12"),
        (("0171 3920012", 1), "('0171*****12', 1)"),
        (None, "None"),
        (["0171 3920012"], "a value of type list"),
    ],
)
def test_what_came_is_told_masked(value: Any, shown: str) -> None:
    """An argument or name in an error is one bounded line without a whole number."""
    assert told(value) == shown
