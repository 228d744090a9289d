"""A cell becomes JSON and a cell again: what people put into columns of Python objects."""

import base64
import datetime as dt
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import InvalidArgument

_DEEPEST: Final = 50  # lists within lists: JSON is read by recursion, and a list may hold itself
_HUGE: Final = 10**4000  # Python does not write larger numbers in decimal digits
_TIME_KINDS: Final = "mM"
_CONVERT: Final = "Convert it, for example with .astype(str)."


def refused(where: str, holds: str, next_step: str = _CONVERT) -> InvalidArgument:
    """Say which part of a frame the ledger cannot keep, what was found there, and what to do."""
    return InvalidArgument(f"{where} {holds}, which the ledger cannot keep. {next_step}")


def zone_name(zone: dt.tzinfo) -> str | None:
    """Return a name under which pandas finds an equal time zone again, if there is one."""
    for name in ("UTC", str(zone), f"UTC{_offset(zone)}"):
        try:
            if pd.DatetimeTZDtype(tz=name) == pd.DatetimeTZDtype(tz=zone):
                return name
        except (KeyError, TypeError, ValueError):  # no name of a zone
            continue
    return None


def _offset(zone: dt.tzinfo) -> str:
    """Write the offset of a zone that has one all year, such as `+02:00`."""
    offset = zone.utcoffset(None)
    return "" if offset is None else str(dt.timezone(offset)).removeprefix("UTC")


def find_zone(name: str) -> Any:
    """Return the time zone of a name; UTC on a machine that does not know the name."""
    try:
        return pd.DatetimeTZDtype(tz=name).tz
    except (KeyError, TypeError, ValueError):
        return dt.UTC


class _Kind(NamedTuple):
    """A type of cells: its tag in JSON, the simpler cells it consists of, and how they make it."""

    tag: str
    parts: Callable[[Any], Iterable[Any] | None]  # None: not this one
    make: Callable[..., Any]


def _text(tag: str, read: Callable[[str], Any], write: Callable[[Any], str] = str) -> _Kind:
    return _Kind(tag, lambda value: [write(value)], read)


def _moment(tag: str, read: Callable[[str], Any]) -> _Kind:
    """Make the kind of a datetime or a time: ISO 8601, and a zone of rules or a second 2:30."""

    def parts(value: Any) -> list[Any]:
        zone = None if isinstance(value.tzinfo, dt.timezone) else value.tzinfo
        more = [zone, value.fold] if zone is not None or value.fold else []
        return [value.isoformat(), *more]

    def make(text: str, zone: Any = None, fold: int = 0) -> Any:
        value = read(text).replace(fold=fold)
        return value if zone is None else value.replace(tzinfo=zone)

    return _Kind(tag, parts, make)


def _find_rules(key: str) -> ZoneInfo | None:
    """Return a time zone; None on a machine that lacks it, where the offset in the text stays."""
    try:
        return ZoneInfo(key)
    except ZoneInfoNotFoundError:
        return None


def _timestamp_parts(value: pd.Timestamp) -> list[Any]:
    zone = None if value.tz is None else zone_name(value.tz) or value.tz
    return [int(value.to_datetime64().view("int64")), value.unit, zone]


def _timestamp(number: int, unit: Any, zone: str | None) -> pd.Timestamp:
    time = pd.Timestamp(np.datetime64(number, unit))
    return time if zone is None else time.tz_localize("UTC").tz_convert(find_zone(zone))


def _scalar_parts(value: np.generic) -> list[Any]:
    timed = value.dtype.kind in _TIME_KINDS
    return [str(value.dtype), value.view("int64").item() if timed else value.item()]


def _scalar(dtype: str, value: Any) -> Any:
    made = np.dtype(dtype)
    return np.int64(value).view(made) if made.kind in _TIME_KINDS else made.type(value)


def _array_parts(value: "np.ndarray[Any, Any]") -> list[Any] | None:
    flat = value.ravel()
    if value.dtype.kind in _TIME_KINDS:
        flat = flat.view("int64")
    elif value.dtype.kind not in "biufOSU" or value.dtype == np.longdouble:
        return None
    return [value.dtype.str, value.shape, *flat.tolist()]


def _array(dtype: str, shape: tuple[int, ...], *cells: Any) -> Any:
    made = np.dtype(dtype)
    if made.kind in _TIME_KINDS:
        return np.array(cells, dtype="int64").view(made).reshape(shape)
    return np.fromiter(cells, dtype=made, count=len(cells)).reshape(shape)


_NUMPY: Final = _Kind("numpy", _scalar_parts, _scalar)

#: Every type of cells that the ledger keeps, besides None, True, False and what JSON has itself.
#: A subclass is another type: it would come back as what it is not.
_KINDS: Final[dict[type, _Kind]] = {
    int: _text("int", lambda text: int(text, 16), hex),
    float: _text("float", float),
    Decimal: _text("decimal", Decimal),
    bytes: _text("bytes", base64.b64decode, lambda value: base64.b64encode(value).decode()),
    type(pd.NA): _text("missing", {"NA": pd.NA, "NaT": pd.NaT}.__getitem__, lambda _: "NA"),
    type(pd.NaT): _text("missing", {"NA": pd.NA, "NaT": pd.NaT}.__getitem__, lambda _: "NaT"),
    dt.date: _text("date", dt.date.fromisoformat, dt.date.isoformat),
    dt.datetime: _moment("datetime", dt.datetime.fromisoformat),
    dt.time: _moment("time", dt.time.fromisoformat),
    dt.timedelta: _Kind(
        "timedelta", lambda value: [value.days, value.seconds, value.microseconds], dt.timedelta
    ),
    ZoneInfo: _Kind("zone", lambda value: value.key and [value.key], _find_rules),
    pd.Timestamp: _Kind("timestamp", _timestamp_parts, _timestamp),
    pd.Timedelta: _Kind(
        "duration",
        lambda value: [int(value.to_timedelta64().view("int64")), value.unit],
        lambda number, unit: pd.Timedelta(np.timedelta64(number, unit)),
    ),
    pd.Period: _Kind(
        "period",
        lambda value: [value.ordinal, value.freqstr],
        lambda ordinal, freq: pd.Period(ordinal=ordinal, freq=freq),
    ),
    pd.Interval: _Kind(
        "interval", lambda value: [value.left, value.right, value.closed], pd.Interval
    ),
    list: _Kind("list", list, lambda *cells: list(cells)),
    tuple: _Kind("tuple", list, lambda *cells: cells),
    set: _Kind("set", list, lambda *cells: set(cells)),
    frozenset: _Kind("frozenset", list, lambda *cells: frozenset(cells)),
    dict: _Kind("dict", lambda value: value.items(), lambda *items: dict(items)),
    np.ndarray: _Kind("array", _array_parts, _array),
    np.str_: _text("text", np.str_, "".join),  # its own str() loses a NUL at the end
    **{np.dtype(code).type: _NUMPY for code in "?bhilBHILefdmM"},
}
_MAKE: Final = {kind.tag: kind.make for kind in _KINDS.values()}


def write_cell(value: Any, where: str, depth: int = 0) -> Any:
    """Return a cell in JSON's terms: itself, or a list of a tag and its parts.

    Raises:
        InvalidArgument: a type of cells that is not kept; where it is, is said.
    """
    kept: Any = type(value)
    if value is None or kept is str or kept is bool:
        return value
    if (kept is int and abs(value) < _HUGE) or (kept is float and math.isfinite(value)):
        return value
    if depth > _DEEPEST:
        raise refused(where, f"holds lists within lists, more than {_DEEPEST} deep")
    kind = _KINDS.get(kept)
    parts = kind and kind.parts(value)
    if kind is None or parts is None:
        raise refused(where, f"holds a value of type {kept.__name__}")
    return [kind.tag, *[write_cell(part, where, depth + 1) for part in parts]]


def read_cell(cell: Any) -> Any:
    """Return the cell that `write_cell` wrote."""
    if isinstance(cell, list):
        tag, *parts = cell
        return _MAKE[tag](*[read_cell(part) for part in parts])
    return cell
