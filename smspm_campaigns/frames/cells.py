"""One cell: is it blank, and which text does a person see in it?"""

import datetime as dt
import math
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.masking import mask_text

_MIDNIGHT: Final = dt.time()
_HUGE: Final = 10**4000  # Python does not write larger numbers in decimal digits
_MAX_SHOWN: Final = 40  # characters of a cell quoted in a sentence


def is_blank(value: Any) -> bool:
    """Tell whether a cell holds nothing: None, NaN, NaT, NA, or white space alone.

    Example:
        >>> is_blank(float("nan")), is_blank("  "), is_blank("NA"), is_blank(0)
        (True, True, False, False)
    """
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Decimal):  # pandas stumbles over one that signals
        return value.is_nan()
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def as_text(value: Any) -> str:  # noqa: PLR0911 - one line for each kind of cell
    """Write a cell as a person reads it: no `.0` at whole numbers, no time at midnight.

    Example:
        >>> as_text(7.0), as_text(pd.Timestamp("2026-05-01")), as_text(None)
        ('7', '2026-05-01', '')
    """
    if isinstance(value, str):
        return value
    if is_blank(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Integral):
        return str(int(value)) if abs(int(value)) < _HUGE else f"{Decimal(int(value)):.3E}"
    if isinstance(value, Decimal):
        return format(
            value.to_integral_value() if value == value.to_integral_value() else value, "f"
        )
    if isinstance(value, Real):
        return as_text(Decimal(repr(float(value)))) if math.isfinite(value) else str(value)
    if isinstance(value, dt.datetime):
        midnight = value.time() == _MIDNIGHT
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    return str(value)


def quoted(value: Any, *, at_most: int = _MAX_SHOWN) -> str:
    """Quote a cell in a sentence: one line, bounded, visible, and never mistaken for two notes.

    Example:
        >>> quoted("0171  39200 · 12")
        "'0171 39200 - 12'"
    """
    text = " ".join(as_text(value).replace("·", "-").split())
    if not text.isprintable():
        text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return f"'{text[: at_most - 1]}…'" if len(text) > at_most else f"'{text}'"


def told(value: Any) -> str:
    """Write an argument or a column's name in an error: one line, bounded, numbers masked.

    Example:
        >>> told("0171_392_00_12"), told(2.5), told(["phone"])
        ("'0171*****12'", '2.5', 'a value of type list')
    """
    if isinstance(value, str):
        return quoted(mask_text(" ".join(value.split())))
    if pd.api.types.is_scalar(value) or isinstance(value, tuple):
        return mask_text(repr(value))
    return f"a value of type {type(value).__name__}"
