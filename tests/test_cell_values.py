"""What a spreadsheet stores becomes what a person sees: exact numbers, ISO dates and times."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.files.cell_values import (
    dress_of,
    duration_text,
    float_text,
    iso_text,
    lasting_text,
    number_text,
    serial_text,
)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("0", "0"),
        ("-5", "-5"),
        ("491713920012", "491713920012"),
        ("12345678901234567890", "12345678901234567890"),  # more than a float holds
        ("7.0", "7"),
        ("0.1", "0.1"),
        ("3.3000000000000003", "3.3"),  # Excel shows 15 digits
        ("0.30000000000000004", "0.3"),
        ("1E5", "100000"),
        ("4.91713920012E+11", "491713920012"),
        ("1.2345678901234568E+16", "12345678901234568"),
        ("1E-7", "0.0000001"),
        ("1E+300", "1" + 300 * "0"),
        ("NaN", ""),
        ("INF", ""),
    ],
)
def test_number_is_written_out(stored: str, text: str) -> None:
    """No exponent, no .0, every digit that the file has."""
    assert number_text(stored) == text


@given(st.integers())
def test_whole_number_keeps_every_digit(number: int) -> None:
    """However long, a whole number is the one that stands in the file."""
    assert number_text(str(number)) == str(number)


@given(st.integers(-(2**53), 2**53))
def test_whole_float_has_no_fraction(number: int) -> None:
    """A float that is whole is written as the whole number, without exponent."""
    assert float_text(float(number)) == str(number)


@pytest.mark.parametrize("stored", ["", "1,5", "abc", "0x10", "--1"])
def test_what_is_no_number_is_an_error(stored: str) -> None:
    """A damaged cell is not passed over."""
    with pytest.raises(ValueError, match=r"."):
        number_text(stored)


@pytest.mark.parametrize(
    ("code", "dress"),
    [
        ("General", "number"),
        ("0", "number"),
        ("#,##0.00", "number"),
        ('#,##0.00 "days"', "number"),  # letters in quotes
        (r"0.0\d", "number"),  # or escaped
        ("_d0", "number"),  # or only as wide as one
        ("[Red]0.00", "number"),  # a colour
        ("[$-409]#,##0", "number"),  # a language
        ("[$USD]0.00", "number"),  # a currency
        ("0.00E+00", "number"),
        ("0.0%", "number"),
        ("@", "number"),
        ("0;d", "number"),  # negative numbers alone
        ("dd.mm.yyyy", "moment"),
        ("[$-F800]dddd, mmmm dd, yyyy", "moment"),
        ("mmm", "moment"),
        ("h:mm AM/PM", "moment"),
        ("YYYY-MM-DD", "moment"),
        ("[h]:mm", "duration"),
        ("[mm]:ss", "duration"),
        ("[SS]", "duration"),
    ],
)
def test_format_tells_dates_from_numbers(code: str, dress: str) -> None:
    """Letters of dates count, unless they are quoted, escaped or in brackets."""
    assert dress_of(code) == dress


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("46143", "2026-05-01"),
        ("46143.0", "2026-05-01"),
        ("46143.4375", "2026-05-01 10:30:00"),
        ("46143.999999999", "2026-05-02"),  # a float that means midnight
        ("46143.00000001", "2026-05-01 00:00:00.001000"),
        ("1", "1900-01-01"),
        ("59", "1900-02-28"),
        ("61", "1900-03-01"),  # 60 is a day that never was
        ("2958465", "9999-12-31"),
        ("2958466", "2958466"),  # shown as ####
        ("-1", "-1"),
        ("0", "00:00:00"),
        ("0.385416666666667", "09:15:00"),
    ],
)
def test_serial_is_a_date_or_time(stored: str, text: str) -> None:
    """ISO, with a time only where there is one, and a number where no date can be."""
    assert serial_text(stored, "moment") == text


def test_macintosh_counts_from_1904() -> None:
    """The same number is another day in a workbook of the old Macintosh."""
    assert serial_text("0", "moment", since_1904=True) == "1904-01-01"
    assert serial_text("44681", "moment", since_1904=True) == "2026-05-01"


@given(st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 31)), st.integers(0, 86_399))
def test_serial_of_any_second_is_that_second(day: dt.date, second: int) -> None:
    """A float of days is exact enough for every second of every day."""
    stored = (day - dt.date(1899, 12, 30)).days + second / 86_400
    time = dt.time(second // 3600, second // 60 % 60, second % 60)
    expected = f"{day} {time}" if second else str(day)
    assert serial_text(repr(stored), "moment") == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00"),
        (33_300, "09:15:00"),
        (129_600, "36:00:00"),
        (3_600_000, "1000:00:00"),
        (-90, "-00:01:30"),
        (59.6, "00:01:00"),
    ],
)
def test_duration_is_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    """Hours go on beyond a day, as [h]:mm shows them."""
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("PT09H15M00S", "09:15:00"),
        ("PT36H", "36:00:00"),
        ("P1DT1H", "25:00:00"),
        ("-PT5M", "-00:05:00"),
        ("PT1.5S", "00:00:01"),
    ],
)
def test_iso_duration_is_read(stored: str, text: str) -> None:
    """OpenDocument stores times as ISO 8601 durations."""
    assert lasting_text(stored) == text


@pytest.mark.parametrize("stored", ["", "9:15", "P1M", "PT9999999999H"])
def test_what_is_no_duration_is_an_error(stored: str) -> None:
    """Months have no length, and nobody waits a million years."""
    with pytest.raises(ValueError, match="no duration"):
        lasting_text(stored)


def test_iso_date_is_read() -> None:
    """A date stays a date, and a moment at midnight is one."""
    assert iso_text("2026-05-01") == "2026-05-01"
    assert iso_text("2026-05-01T00:00:00") == "2026-05-01"
    assert iso_text("2026-05-01T10:30:00.000000000") == "2026-05-01 10:30:00"


@pytest.mark.parametrize(
    ("stored", "since_1904", "shown"),
    [
        ("2958465", False, "9999-12-31"),
        ("2958466", False, "2958466"),  # shown as ####
        ("2958465.999999999", False, "2958466"),  # rounds to a day that is none
        ("2958000", True, "2958000"),
        ("0.999999", False, "23:59:59"),  # the last second of a day, and no 24:00:00
        ("-1", False, "-1"),
    ],
)
def test_date_that_cannot_be_is_its_number(stored: str, since_1904: bool, shown: str) -> None:
    """One odd date is a cell, and no reason to refuse the file."""
    assert serial_text(stored, "moment", since_1904=since_1904) == shown


def test_number_is_no_longer_than_a_cell() -> None:
    """A number of more digits than a cell has characters is refused."""
    with pytest.raises(ContactsUnreadable, match="more than 32,767 characters"):
        number_text("1" * 32_768)
