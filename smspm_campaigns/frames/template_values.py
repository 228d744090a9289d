"""Values in a template: how they are printed, and how much an operator makes of them."""

import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from jinja2 import Undefined, UndefinedError
from jinja2.utils import missing

from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.filters import CannotFill
from smspm_campaigns.frames.segments import GSM_PART, MAX_SEGMENTS

MAX_CHARACTERS: Final = MAX_SEGMENTS * GSM_PART  # of a text, and of whatever goes into one

SCALARS: Final = (str, int, float, Decimal, dt.date, dt.time)
LISTS: Final = (list, tuple, dict)
_SIZED: Final = (str, *LISTS)

_MAX_BITS: Final = 4_096  # of a whole number
_DIGITS_OF_A_FLOAT: Final = 15  # that mean something, IEEE 754: 0.1 + 0.2 is 0.3
_CONVERSION: Final = re.compile(r"%(?:\([^()]*\))?([^a-zA-Z%(]*)(.?)", re.DOTALL)  # of `%`
_WIDEST: Final = 999  # characters that a `%` format may pad to


class TooMuch(CannotFill):
    """A row would take more time or memory than a text needs. The message says of what."""


class ValueMissing(UndefinedError):
    """A placeholder whose cell is blank was printed. The message is its name."""


class Blank(Undefined):
    """A blank cell: absent for `default` and `if`, an error when it is printed."""

    def __init__(
        self, hint: str | None = None, obj: Any = missing, *more: Any, **named: Any
    ) -> None:
        super().__init__(hint, obj, *more, **named)
        if obj is missing and hint is None:
            self._undefined_exception = ValueMissing

    @property
    def _undefined_message(self) -> str:
        if self._undefined_exception is ValueMissing:
            return str(self._undefined_name)
        return super()._undefined_message

    __str__ = __repr__ = __iter__ = __len__ = __abs__ = __round__ = (
        Undefined._fail_with_undefined_error  # noqa: SLF001 - as Jinja's own subclasses do
    )


def as_printed(value: Any) -> str:
    """Write a value as it stands in a text, which never holds Python's own words.

    Raises:
        CannotFill: it is a list, None or the like, or a number that is not finite.
    """
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        raise CannotFill(f"an expression gave {value}, which is no number to show")
    if isinstance(value, float):
        return as_text(float(f"{value:.{_DIGITS_OF_A_FLOAT}g}"))
    if isinstance(value, SCALARS):
        return as_text(value)
    if isinstance(value, Undefined):
        return str(value)  # which raises
    what = "nothing" if value is None else f"a {type(value).__name__}"
    raise CannotFill(f"an expression gave {what}, not a text or number")


def size_of(value: Any) -> int:
    return len(value) if isinstance(value, _SIZED) else 0


def bounded(size: int) -> int:
    if size > MAX_CHARACTERS:
        raise TooMuch(f"it makes more than {MAX_CHARACTERS:,} characters, and no SMS has more")
    return size


def _bound_number(bits: int) -> int:
    if bits > _MAX_BITS:
        raise TooMuch("it makes a number too large to be shown")
    return bits


def _no_lists(left: Any, right: Any) -> None:
    if isinstance(left, LISTS) or isinstance(right, LISTS):
        raise CannotFill("only texts and numbers are added and multiplied, and no lists")


def _size_of_product(left: Any, right: Any) -> int:
    _no_lists(left, right)
    if isinstance(left, int) and isinstance(right, int):
        return _bound_number(left.bit_length() + right.bit_length())
    if isinstance(left, int):
        return left * size_of(right)
    return size_of(left) * right if isinstance(right, int) else 0


def _size_of_power(left: Any, right: Any) -> int:
    if isinstance(left, int) and isinstance(right, int):
        return _bound_number(left.bit_length() * right)
    return 0


def _size_of_sum(left: Any, right: Any) -> int:
    _no_lists(left, right)
    return size_of(left) + size_of(right)


def _size_of_format(left: Any, right: Any) -> int:
    if not isinstance(left, str):
        return 0
    size = len(left)
    for conversion in _CONVERSION.finditer(left):
        padding = [int(digits[:9]) for digits in re.findall(r"\d+", conversion[1])]
        if "*" in conversion[1] or conversion[2] == "(" or max(padding, default=0) > _WIDEST:
            raise TooMuch(f"it pads a value to more than {_WIDEST} characters")
        size += sum(padding)
    values = right.values() if isinstance(right, dict) else right
    values = values if isinstance(right, (dict, tuple)) else [values]
    return size + left.count("%") * max((len(as_printed(value)) for value in values), default=0)


def tidy(value: Any) -> Any:
    """Return what a `%` format fills in, without digits that only a machine has."""
    if isinstance(value, tuple):
        return tuple(map(tidy, value))
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items()}
    if isinstance(value, float) and math.isfinite(value):
        short = float(f"{value:.{_DIGITS_OF_A_FLOAT}g}")
        return int(short) if short.is_integer() else short
    return value


#: The size of what an operator makes of two values, told before it is made.
SIZES: Final[dict[str, Callable[[Any, Any], int]]] = {
    "*": _size_of_product,
    "**": _size_of_power,
    "+": _size_of_sum,
    "%": _size_of_format,
}
