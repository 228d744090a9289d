"""The value a spreadsheet stores in a cell, as the text a person sees."""

import datetime as dt
import math
import re
from typing import Any, Final, Literal

from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.files.grid import checked

Dress = Literal["number", "moment", "duration"]

_EXCEL_SHOWS: Final = ".15g"  # digits; it stores 17, and 1.1 + 2.2 would end in a 3
_DAY: Final = 86_400  # seconds
_FIRST: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - day 0 of a sheet, which has no zones
_FIRST_OF_1904: Final = 1462  # days: where the Macintosh began to count
_SHAM_LEAP_DAY: Final = 60  # Excel has a 29 February 1900, as Lotus 1-2-3 had
_LAST: Final = 2_958_466  # days: the year 10000 begins

_WHOLE: Final = re.compile(r"-?[0-9]+")
_LITERALS: Final = re.compile(r'"[^"]*"|\\.|_.|\*.')
_BRACKETS: Final = re.compile(r"\[[^\]]*\]")
_ELAPSED: Final = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_LASTING: Final = re.compile(
    r"(-?)P(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,]\d*)?S)?)?"
)


def number_text(stored: str) -> str:
    """Write a number as a person reads it; a whole one keeps every digit of the file.

    Raises:
        ValueError: it is no number.

    Example:
        >>> number_text("12345678901234567"), number_text("4.91713920012E+11"), number_text("7.0")
        ('12345678901234567', '491713920012', '7')
    """
    if _WHOLE.fullmatch(stored):
        return checked(stored)
    return float_text(float(stored))


def float_text(value: float) -> str:
    """Write a float that a spreadsheet stores.

    Example:
        >>> float_text(3.3000000000000003), float_text(4e22)
        ('3.3', '40000000000000000000000')
    """
    if not math.isfinite(value):
        return ""
    return as_text(value if value.is_integer() else float(format(value, _EXCEL_SHOWS)))


def dress_of(code: str) -> Dress:
    """Tell from an Excel number format whether a number under it is a date, a time or neither.

    Example:
        >>> dress_of("dd.mm.yyyy"), dress_of("[h]:mm"), dress_of('0.00 "days"'), dress_of("[Red]0")
        ('moment', 'duration', 'number', 'number')
    """
    code = _LITERALS.sub("", code).partition(";")[0]
    if _ELAPSED.search(code):
        return "duration"
    code = _BRACKETS.sub("", code).lower()
    return "moment" if code != "general" and set(code) & set("ymdhs") else "number"


def serial_text(stored: str, dress: Dress, *, since_1904: bool = False) -> str:
    """Write a number that is dressed as a date or time: ISO, with the time only if there is one.

    Example:
        >>> serial_text("46143", "moment"), serial_text("46143.4375", "moment")
        ('2026-05-01', '2026-05-01 10:30:00')
        >>> serial_text("0.25", "moment"), serial_text("1.5", "duration")
        ('06:00:00', '36:00:00')
    """
    days = float(stored)
    if dress == "duration" and math.isfinite(days):
        return duration_text(days * _DAY)
    if 0 <= days < 1 and not since_1904:  # a time of day, and the last one is not midnight
        return duration_text(min(days * _DAY, _DAY - 1))
    if since_1904:
        days += _FIRST_OF_1904
    elif days < _SHAM_LEAP_DAY:
        days += 1
    # A float of days is exact to a microsecond or so; Excel shows milliseconds at most.
    milliseconds = round(days * _DAY * 1000) if math.isfinite(days) else -1
    if not _DAY * 1000 <= milliseconds < _LAST * _DAY * 1000:  # shown as ####
        return number_text(stored)
    return as_text(_FIRST + dt.timedelta(milliseconds=milliseconds))


def iso_text(stored: str) -> str:
    """Write a date or date and time that a sheet stores as ISO.

    Raises:
        ValueError: it is none.

    Example:
        >>> iso_text("2026-05-01"), iso_text("2026-05-01T00:00:00"), iso_text("2026-05-01T10:30:00")
        ('2026-05-01', '2026-05-01', '2026-05-01 10:30:00')
    """
    return as_text(dt.datetime.fromisoformat(stored))


def lasting_text(stored: str) -> str:
    """Write an ISO 8601 duration, which is also how OpenDocument stores a time of day.

    Raises:
        ValueError: it is none.

    Example:
        >>> lasting_text("PT09H15M00S"), lasting_text("-PT36H")
        ('09:15:00', '-36:00:00')
    """
    found = _LASTING.fullmatch(stored)
    if not found:
        raise ValueError("no duration")
    sign, *parts = found.groups(default="0")
    days, hours, minutes, seconds = map(int, parts)
    total = days * _DAY + hours * 3600 + minutes * 60 + seconds
    return duration_text(-total if sign == "-" else total)


def duration_text(seconds: float) -> str:
    """Write hours, minutes and seconds; hours may pass 24.

    Example:
        >>> duration_text(33300), duration_text(129600)
        ('09:15:00', '36:00:00')
    """
    minutes, second = divmod(abs(round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{'-' * (seconds < 0)}{hours:02}:{minute:02}:{second:02}"


def value_text(value: Any) -> str:
    """Write a cell that calamine has read."""
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, dt.timedelta):
        return duration_text(value.total_seconds())
    return as_text(value)
