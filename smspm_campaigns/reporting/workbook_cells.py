"""What a cell of Excel can hold: text, numbers, and times as days. The rest becomes text."""

import datetime as dt
import math
from decimal import Decimal
from numbers import Integral
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

MAX_CELL: Final = 32_767  # UTF-16 units of a cell, Excel's limit
_MAX_NUMBER: Final = 10**15 - 1  # Excel keeps 15 digits
_MAX_DIGITS: Final = 15
_MAX_EXPONENT: Final = 300  # Excel goes from 1E-307 to 1E+307
_HUGE: Final = 10**4000  # Python does not write larger numbers in decimal digits

_NUMBERS: Final = (float, Integral, Decimal)
_NUMERIC: Final = (np.dtype, pd.Int64Dtype, pd.Float64Dtype, pd.BooleanDtype)
_NO_CHARACTERS: Final = dict.fromkeys((0xFFFE, 0xFFFF), "�")  # Unicode: never in a file

_EPOCH: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - day 0 of a sheet, which has no zones
_DAY: Final = dt.timedelta(days=1)
#: Excel believes in the 29th of February 1900, and others do not: times before March 1900 would be
#: another day in each, so they are text.
_FIRST_DAY: Final = 61  # 1900-03-01
_LAST_DAY: Final = 2_958_466  # 10000-01-01, the first too late
_DAY_SECONDS: Final = 86_400
_DAY_MICROS: Final = 86_400_000_000
_EPOCH_MICROS: Final = -25_569 * _DAY_MICROS  # since 1970-01-01

#: Seconds since 1970 of times, and of durations: the first that fits, and the first too late.
_TIMES: Final = tuple((days - 25_569) * _DAY_SECONDS for days in (_FIRST_DAY, _LAST_DAY))
_DURATIONS: Final = (0, _LAST_DAY * _DAY_SECONDS)

Look = Literal["time", "date", "clock", "duration"]
Kind = Literal["text", "number", "truth", "time", "duration", "any"]


class Moment(NamedTuple):
    """A time as a sheet has it: a number of days, and how it is to look."""

    days: float
    look: Look


class Cells(NamedTuple):
    """A column that is ready to be written; None is a blank cell.

    `kind` tells that all cells are texts, numbers, truth values, or days of a time or duration.
    Cells of the kind `any` are each a `str`, a number, a truth value or a `Moment`.
    """

    kind: Kind
    ready: list[Any]


class Fitting:
    """Makes values fit into cells, and counts the texts it had to cut."""

    def __init__(self) -> None:
        self.cut = 0

    def column(self, column: "pd.Series[Any]", *, utc: bool = False) -> Cells:
        """Make a column fit, at once where its type tells how.

        Args:
            column: any column of a frame.
            utc: times that know their zone become UTC; without it they are text with their zone.
        """
        if isinstance(column.dtype, pd.StringDtype):
            return self._texts(_listed(column))
        fits = _numbers(column) or _times(column, utc=utc)
        return fits or Cells("any", [self.value(value, utc=utc) for value in column.array])

    def _texts(self, texts: list[str | None]) -> Cells:
        """Make texts fit: most need nothing, which is known of all of them at once."""
        values = [text or None for text in texts]
        known = [text for text in values if text]
        together = "".join(known)
        if max(map(len, known), default=0) <= MAX_CELL // 2 and _is_plain(together):
            return Cells("text", values)
        return Cells("any", [text and self.text(text) for text in values])

    def text(self, text: str) -> str:
        """Cut a text to what a cell holds; what no file holds, as half an emoji, becomes �."""
        if len(text) > MAX_CELL // 2:
            units = text.encode("utf-16-le", "surrogatepass")
            if len(units) > 2 * MAX_CELL:
                self.cut += 1
                text = units[: 2 * MAX_CELL].decode("utf-16-le", "surrogatepass")
        if _is_plain(text):
            return text
        text = text.translate(_NO_CHARACTERS)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def value(self, value: Any, *, utc: bool = False) -> Any:
        """Make one value of any type fit: a text, a number, a truth value, a `Moment`, or None."""
        try:
            plain = _plain(value)
            if isinstance(plain, str):
                return self.text(plain) or None
            if plain is None or isinstance(plain, bool):
                return plain
            fits = _number(plain) if isinstance(plain, _NUMBERS) else _moment(plain, utc=utc)
        except Exception:  # noqa: BLE001 - as in `written`
            fits = None
        return self.text(written(value)) if fits is None else fits


def written(value: Any) -> str:
    """Write any value as Python does, whatever its class thinks of that.

    Example:
        >>> written(2.5), written([1]), len(written(10**5000))
        ('2.5', '[1]', 5001)
    """
    try:
        if isinstance(value, int) and abs(value) > _HUGE:
            return str(Decimal(value))
        return str(value)
    except Exception:  # noqa: BLE001 - the class is a stranger's, and one cell stops no report
        return f"<{type(value).__name__} that cannot be shown>"


def is_missing(value: Any) -> bool:
    """Tell whether a cell holds nothing: None, NA, NaT, or a NaN of any kind."""
    if isinstance(value, Decimal):  # pandas stumbles over one that signals
        return value.is_nan()
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and math.isnan(value)


def _is_plain(text: str) -> bool:
    """Whether files can hold every character, and XlsxWriter does not take it for rich text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "<r>" not in text and "\ufffe" not in text and "\uffff" not in text


def _numbers(column: "pd.Series[Any]") -> Cells | None:
    """Return a column of numbers or truth values; None when it is another or one misfits."""
    if not isinstance(column.dtype, _NUMERIC) or column.dtype.kind not in "biuf":
        return None
    kind = column.dtype.kind
    if kind in "iu" and not column.between(-_MAX_NUMBER, _MAX_NUMBER).fillna(value=True).all():
        return None
    if kind == "f" and column.isin([math.inf, -math.inf]).any():
        return None
    return Cells("truth" if kind == "b" else "number", _listed(column))


def _times(column: "pd.Series[Any]", *, utc: bool) -> Cells | None:
    """Return a column of times or durations as days; None when another or one misfits."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) and utc:
        column = column.dt.tz_convert(None)
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "mM":
        return None
    known = column.notna().to_numpy()
    ticks = column.to_numpy()
    is_time = column.dtype.kind == "M"
    seconds = ticks.astype("M8[s]" if is_time else "m8[s]").astype("int64")
    first, late = _TIMES if is_time else _DURATIONS
    if not ((seconds >= first) & (seconds < late) | ~known).all():
        return None
    micros = ticks.astype("M8[us]" if is_time else "m8[us]").astype("int64")
    days = (micros - (_EPOCH_MICROS if is_time else 0)) / _DAY_MICROS
    return Cells("time" if is_time else "duration", _listed(pd.Series(days).where(known)))


def _listed(column: "pd.Series[Any]") -> list[Any]:
    """Return the values of a column, None where one is missing."""
    return column.astype(object).where(column.notna(), None).tolist()


def _plain(value: Any) -> Any:
    """Return a value without what NumPy and subclasses of text add; None when it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        return pd.Timedelta(value)
    if isinstance(value, np.generic):
        return value.item()
    return str.__str__(value) if isinstance(value, str) else value


def _number(value: Any) -> float | None:
    """Return a number that Excel keeps with all its digits, or None."""
    if isinstance(value, Integral):
        return int(value) if abs(int(value)) <= _MAX_NUMBER else None
    if not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        exact = (
            len(value.as_tuple().digits) <= _MAX_DIGITS and abs(value.adjusted()) < _MAX_EXPONENT
        )
        return float(value) if exact else None
    return float(value)


def _moment(value: Any, *, utc: bool) -> Moment | None:
    """Return a time or duration as days, or None when it is none or a sheet cannot hold it."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            if not utc:
                return None
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return _on_sheet((value - _EPOCH) / _DAY, "time")
    if isinstance(value, dt.date):
        return _on_sheet(value.toordinal() - _EPOCH.toordinal(), "date")
    if isinstance(value, dt.time) and value.tzinfo is None:
        since = dt.datetime.combine(_EPOCH, value) - _EPOCH
        return Moment(since / _DAY, "clock")
    if isinstance(value, dt.timedelta):
        days = value / _DAY
        return Moment(days, "duration") if 0 <= days < _LAST_DAY else None
    return None


def _on_sheet(days: float, look: Look) -> Moment | None:
    return Moment(days, look) if _FIRST_DAY <= days < _LAST_DAY else None
