"""A frame becomes lines of JSON and a manifest of dtypes, and a frame again. No pickle."""

import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.cells import told

_PLAIN_KINDS: Final = "biuf"  # numpy kinds that are numbers
_TIME_KINDS: Final = "Mm"
_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")  # UTF-8 cannot write it

#: Values that an object column may hold besides text and numbers: a tag, and how to read it.
_TAGGED: Final[dict[str, Any]] = {
    "decimal": Decimal,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "float": float,
    "missing": {"NA": pd.NA, "NaT": pd.NaT}.__getitem__,
}


def take(frame: pd.DataFrame) -> tuple[str, list[str]]:
    """Write a frame as a manifest and one line of JSON per row: its index labels and its cells.

    Raises:
        InvalidArgument: a column of a type that JSON cannot hold; it is named.
    """
    levels = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    names = [f"index level {level}" for level in range(len(levels))]
    names += [told(_label(name)) for name in frame.columns]
    written = [
        _write(pd.Series(values), name)
        for values, name in zip([*levels, *columns], names, strict=True)
    ]
    index = frame.index
    header, labels = _write(pd.Series(frame.columns), "of the names")
    manifest = {
        "columns": {"labels": labels, "dtype": header, "name": _label(frame.columns.name)},
        "index": [_label(name) for name in index.names],
        "range": [index.start, index.stop, index.step]
        if isinstance(index, pd.RangeIndex)
        else None,
        "dtypes": [dtype for dtype, _ in written],
    }
    cells = [values for _, values in written]
    return _json(manifest), [_json(row) for row in zip(*cells, strict=True)]


def restore(manifest: str, lines: Iterable[str]) -> pd.DataFrame:
    """Make the frame again that `take` wrote: values, dtypes, index, names and order."""
    made = json.loads(manifest)
    rows = [json.loads(line) for line in lines]
    levels = len(made["index"])
    columns = [
        _read([row[place] for row in rows], dtype) for place, dtype in enumerate(made["dtypes"])
    ]
    frame = pd.DataFrame(dict(enumerate(columns[levels:])), index=range(len(rows)))
    header = made["columns"]
    frame.columns = pd.Index(_read(header["labels"], header["dtype"]), name=header["name"])
    if made["range"]:
        start, stop, step = made["range"]
        frame.index = pd.RangeIndex(start, stop, step, name=made["index"][0])
    elif levels == 1:
        frame.index = pd.Index(columns[0], name=made["index"][0])
    else:
        frame.index = pd.MultiIndex.from_arrays(columns[:levels], names=made["index"])
    return frame


def _json(value: Any) -> str:
    """Write letters as they are, so that a ledger stays small; half a surrogate pair escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if _HALF_A_PAIR.search(text) else text


def _label(name: Any) -> Any:
    if name is None or isinstance(name, str | int | float):
        return name
    raise InvalidArgument(f"The column name {told(name)} is neither text nor a number. Rename it.")


def _write(column: "pd.Series[Any]", name: str) -> tuple[Any, list[Any]]:
    """Return the dtype and the cells of a column in JSON's terms."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        inner, categories = _write(pd.Series(dtype.categories), name)
        ordered = bool(dtype.ordered)
        made = {"categories": categories, "of": inner, "ordered": ordered}
        return made, column.cat.codes.tolist()
    if isinstance(dtype, pd.StringDtype):
        missing = "NA" if dtype.na_value is pd.NA else "nan"
        return {"string": dtype.storage, "missing": missing}, _without_missing(column)
    if isinstance(dtype, pd.ArrowDtype | pd.PeriodDtype | pd.IntervalDtype | pd.SparseDtype):
        raise _refused(name, dtype)
    if isinstance(dtype, pd.DatetimeTZDtype) and not _is_named(dtype):
        raise _refused(name, dtype)
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind in _TIME_KINDS:
        return str(dtype), column.astype("int64").tolist()
    if dtype.kind in _PLAIN_KINDS:
        return str(dtype), _without_missing(column)
    if dtype.kind == "O":
        return "object", [_tag(value, name) for value in column]
    raise _refused(name, dtype)


def _is_named(dtype: pd.DatetimeTZDtype) -> bool:
    """Tell whether the time zone is found again by its name."""
    try:
        return bool(pd.api.types.pandas_dtype(str(dtype)) == dtype)
    except TypeError:
        return False


def _refused(name: str, dtype: Any) -> InvalidArgument:
    return InvalidArgument(
        f"The column {name} has the type {dtype}, which the ledger cannot keep. Convert it, for "
        "example with .astype(str)."
    )


def _without_missing(column: "pd.Series[Any]") -> list[Any]:
    missing = column.isna()
    return [
        None if absent else _number(value)
        for value, absent in zip(column.tolist(), missing, strict=True)
    ]


def _number(value: Any) -> Any:
    """JSON has no infinity: it is written as text, which float reads."""
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _tag(value: Any, name: str) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if value is pd.NA or value is pd.NaT:
        return ["missing", str(value).strip("<>")]
    if isinstance(value, np.generic) and value.dtype.kind not in _TIME_KINDS:
        return _tag(value.item(), name)
    if isinstance(value, float):
        return value if math.isfinite(value) else ["float", str(value)]
    if isinstance(value, Decimal):
        return ["decimal", str(value)]
    for tag, kind in (("datetime", dt.datetime), ("date", dt.date), ("time", dt.time)):
        if isinstance(value, kind) and not isinstance(value, pd.Timestamp):
            return [tag, value.isoformat()]
    raise InvalidArgument(
        f"The column {name} holds a {type(value).__name__}, which the ledger cannot keep. Convert "
        "it, for example with .astype(str)."
    )


def _read(cells: Sequence[Any], dtype: Any) -> Any:
    if isinstance(dtype, str):
        return _read_named(cells, dtype)
    if "categories" in dtype:
        categories = pd.Index(_read(dtype["categories"], dtype["of"]))
        kind = pd.CategoricalDtype(categories, dtype["ordered"])
        return pd.Categorical.from_codes(np.array(cells, dtype="int64"), dtype=kind)
    missing = pd.NA if dtype["missing"] == "NA" else np.nan
    return pd.array(list(cells), dtype=_string_dtype(dtype["string"], missing))


def _string_dtype(storage: Any, missing: Any) -> Any:
    """Return the dtype of texts; plain Python ones where this machine lacks what they used."""
    try:
        return pd.StringDtype(storage, na_value=missing)
    except ImportError:
        return pd.StringDtype("python", na_value=missing)


def _read_named(cells: Sequence[Any], dtype: str) -> Any:
    if dtype == "object":
        values = [_TAGGED[cell[0]](cell[1]) if isinstance(cell, list) else cell for cell in cells]
        return pd.Series(values, dtype=object)
    if dtype.startswith("datetime64") and "," in dtype:
        unit, zone = dtype.removeprefix("datetime64[").removesuffix("]").split(", ")
        times = np.array(cells, dtype="int64").view(f"datetime64[{unit}]")
        return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone)
    if dtype.startswith(("datetime64", "timedelta64")):
        return np.array(cells, dtype="int64").view(dtype)
    if dtype[0].isupper() or dtype == "boolean":
        return pd.Series(list(cells), dtype=dtype).array
    return np.array(
        [
            np.nan if cell is None else float(cell) if isinstance(cell, str) else cell
            for cell in cells
        ],
        dtype=dtype,
    )
