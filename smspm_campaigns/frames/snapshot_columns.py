"""A column becomes a description of its dtype and cells of JSON, and a column again."""

import base64
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from smspm_campaigns.frames.snapshot_cells import (
    find_zone,
    read_cell,
    refused,
    write_cell,
    zone_name,
)

_Cells = Sequence[Sequence[Any]]
_Part = Callable[[slice], list[list[Any]]]  # writes the cells of some rows
_Written = tuple[Any, _Part]  # what the manifest says of a column, and what writes its cells

_NAT: Final = int(np.iinfo("int64").min)
_ARROW_NANOSECONDS: Final = "time64[ns]"
_ARROW_TIMES: Final = re.compile(r"(timestamp|duration|time64(?=\[ns))\[(\w+)(?:, tz=(.+))?\]")
_MASKED: Final = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)


class _Kind(NamedTuple):
    """A kind of dtypes, and how columns of them are written and read.

    A row has one cell of a column, or several: an interval has two ends. What the manifest says of
    a column is the name of its dtype, or a mapping whose first key is the kind. The column is read
    from its cells and its dtype, or from its cells and that mapping.
    """

    fits: Callable[[Any], bool]
    write: Callable[["pd.Series[Any]", str], _Written]
    read: Callable[[_Cells, Any], Any]


def write(column: "pd.Series[Any]", where: str) -> _Written:
    """Return what the manifest says of a column, and what writes the cells of a slice of its rows.

    They are in JSON's terms, one list of them or more. A cell that cannot be kept raises when it is
    written, all else at once.

    Raises:
        InvalidArgument: a dtype or a cell that cannot be kept; where it is, is said.
    """
    return _kind_of(column.dtype, where).write(column, where)


def width(said: Any) -> int:
    """Return how many cells a row has of a column that the manifest says this of."""
    cells: int = said.get("cells", 1) if isinstance(said, dict) else 1
    return cells


def read(cells: _Cells, said: Any) -> Any:
    """Make the values of the column that `write` wrote."""
    if isinstance(said, dict):
        name = next(iter(said))
        return _KINDS["category" if name == "categories" else name].read(cells, said)
    dtype = _named(said)
    return _kind_of(dtype, "The column").read(cells, dtype)


def _kind_of(dtype: Any, where: str) -> _Kind:
    for kind in _KINDS.values():
        if kind.fits(dtype):
            return kind
    raise refused(where, f"has the type {dtype}")


def _named(name: str) -> Any:
    """Find a dtype by its name; times are in UTC on a machine that does not know their zone."""
    if name.startswith("datetime64") and "," in name:
        unit: Any
        unit, zone = name.removeprefix("datetime64[").removesuffix("]").split(", ")
        return pd.DatetimeTZDtype(unit, find_zone(zone))
    return pd.api.types.pandas_dtype(name)


def _is_numpy(kinds: str) -> Callable[[Any], bool]:
    return lambda dtype: (
        isinstance(dtype, np.dtype) and dtype.kind in kinds and dtype != np.longdouble
    )


def _is_a(*dtypes: type) -> Callable[[Any], bool]:
    return lambda dtype: isinstance(dtype, dtypes)


def _is_masked(dtype: Any) -> bool:
    return isinstance(dtype, pd.api.extensions.ExtensionDtype) and issubclass(
        dtype.construct_array_type(), _MASKED
    )


def _write_objects(column: "pd.Series[Any]", where: str) -> _Written:
    return "object", lambda rows: [_write_cells(column.iloc[rows].tolist(), where)]


def _write_cells(values: list[Any], where: str) -> list[Any]:
    return [value if type(value) is str else write_cell(value, where) for value in values]


def _read_objects(cells: _Cells, _: Any) -> Any:
    values = [read_cell(cell) if isinstance(cell, list) else cell for cell in cells[0]]
    return pd.Series(values, dtype=object)


def _write_numbers(column: "pd.Series[Any]", _: str) -> _Written:
    """Write numbers; JSON has no NaN, which is null, and no infinity, which is text."""

    def part(rows: slice) -> list[list[Any]]:
        some = column.iloc[rows]
        values = some.tolist()
        if column.dtype.kind == "f" and not np.isfinite(some.to_numpy()).all():
            values = [
                value if math.isfinite(value) else None if math.isnan(value) else str(value)
                for value in values
            ]
        return [values]

    return str(column.dtype), part


def _read_numbers(cells: _Cells, dtype: Any) -> Any:
    return np.array(cells[0], dtype=dtype)


def _write_masked(column: "pd.Series[Any]", _: str) -> _Written:
    """Write numbers of which some are NA, which is null; NaN is none of these."""

    def written(value: Any) -> Any:
        if value is pd.NA:
            return None
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    return str(column.dtype), lambda rows: [
        [written(value) for value in column.iloc[rows].tolist()]
    ]


def _read_masked(cells: _Cells, dtype: Any) -> Any:
    absent = np.array([cell is None for cell in cells[0]], dtype=bool)
    values = np.array([0 if cell is None else cell for cell in cells[0]], dtype=dtype.numpy_dtype)
    return dtype.construct_array_type()(values, absent)


def _write_times(column: "pd.Series[Any]", _: str) -> _Written:
    return str(column.dtype), _whole_numbers(column)


def _whole_numbers(column: "pd.Series[Any]") -> _Part:
    return lambda rows: [column.iloc[rows].astype("int64").tolist()]


def _read_times(cells: _Cells, dtype: Any) -> Any:
    return np.array(cells[0], dtype="int64").view(dtype)


def _write_zoned(column: "pd.Series[Any]", where: str) -> _Written:
    dtype: Any = column.dtype
    zone = zone_name(dtype.tz)
    if zone is None:
        step = 'Give it a time zone that has a name, for example with .dt.tz_convert("UTC").'
        raise refused(where, f"has the type {dtype}", step)
    return f"datetime64[{dtype.unit}, {zone}]", _whole_numbers(column)


def _read_zoned(cells: _Cells, dtype: Any) -> Any:
    times = np.array(cells[0], dtype="int64").view(f"datetime64[{dtype.unit}]")
    return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(dtype.tz)


def _read_periods(cells: _Cells, dtype: Any) -> Any:
    index: Any = pd.PeriodIndex
    return index.from_ordinals(cells[0], freq=dtype.freq)


def _write_strings(column: "pd.Series[Any]", _: str) -> _Written:
    dtype: Any = column.dtype
    texts: Any = column.array
    missing = "NA" if dtype.na_value is pd.NA else "nan"
    return {"string": dtype.storage, "missing": missing}, lambda rows: [
        texts[rows].to_numpy(dtype=object, na_value=None).tolist()
    ]


def _read_strings(cells: _Cells, said: dict[str, Any]) -> Any:
    """Make a column of text; a plain Python one where this machine lacks what it used."""
    missing = pd.NA if said["missing"] == "NA" else np.nan
    try:
        dtype = pd.StringDtype(said["string"], na_value=missing)
    except ImportError:
        dtype = pd.StringDtype("python", na_value=missing)
    return pd.array(list(cells[0]), dtype=dtype)


def write_coded(codes: Any, values: "pd.Series[Any]", where: str) -> _Written:
    """Write cells that are places in a list of values: the place, and the value that stands there.

    A row that is erased takes its value with it: the manifest has only those of no row.
    """
    of, part = write(values, where)
    cells = part(slice(None))
    spare = np.setdiff1d(np.arange(len(values)), codes).tolist()
    said = {"of": of, "spare": [[place, *[column[place] for column in cells]] for place in spare]}
    for column in cells:
        column.append(None)  # at -1, which is no place

    def coded(rows: slice) -> list[list[Any]]:
        places = codes[rows].tolist()
        return [places, *[[column[place] for place in places] for column in cells]]

    return said | {"cells": len(cells) + 1}, coded


class Coded:
    """The values of a column of places, as `write_coded` wrote it, known from the rows so far."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._of = said["of"]
        self._known: dict[int, Any] = {place: parts for place, *parts in said.get("spare", ())}
        if "categories" in said:  # a ledger from before has all of them in the manifest
            self._known |= enumerate(zip(said["categories"], strict=True))
        self._now: Any = None
        self._values: Any = None

    def learn(self, cells: _Cells) -> Any:
        """Take note of the values of some rows; return their places as an array of int64."""
        places, *columns = cells
        if columns:
            self._known.update(zip(places, zip(*columns, strict=True), strict=True))
            self._known.pop(-1, None)
        return np.array(places, dtype="int64")

    def read(self, places: Any) -> tuple[Any, Any]:
        """Return the places as they are among the values that are known, and these values."""
        if self._now is None or np.count_nonzero(self._now >= 0) < len(self._known):
            order = sorted(self._known)
            self._now = np.full(max(order, default=-1) + 2, -1)  # the last is that of no place
            self._now[order] = np.arange(len(order))
            parts = len(self._known[order[0]]) if order else width(self._of)
            values = [[self._known[place][part] for place in order] for part in range(parts)]
            self._values = read(values, self._of)
        return self._now[places], self._values


class Column:
    """A column that is read some rows at a time: their cells are in memory only meanwhile."""

    def __init__(self, said: Any) -> None:
        self._said = said
        self._coded = _coded(said)
        self._parts: list[Any] = []

    def add(self, cells: _Cells) -> None:
        """Read the cells of some more rows."""
        added = read(cells, self._said) if self._coded is None else self._coded.learn(cells)
        self._parts.append(added)

    def learn(self, cells: _Cells) -> None:
        """Take note of the values of some rows that are read later, where the dtype has them."""
        if self._coded is not None:
            self._coded.learn(cells)

    def take(self) -> Any:
        """Make the values of the rows that were added since the last time.

        Those of a level of an index are its codes and its values.
        """
        if not self._parts:
            self.add([[]] * width(self._said))
        joined = join(self._parts)
        if self._coded is None:
            return joined
        coded = self._coded.read(joined)
        if "level" in self._said:
            return coded
        return (
            _arrow_dictionary(coded, self._said)
            if "arrow" in self._said
            else _categorical(coded, self._said)
        )


def join(parts: list[Any]) -> Any:
    """Make one of parts of a column, which have one dtype; the list is empty afterwards."""
    first, joined = parts[0], parts[0]
    if len(parts) > 1 and isinstance(first, np.ndarray):
        joined = np.concatenate(parts, dtype=first.dtype)  # else in the byte order of this machine
    elif len(parts) > 1:
        column = pd.concat([pd.Series(part) for part in parts], ignore_index=True)
        joined = column if isinstance(first, pd.Series) else column.array
    parts.clear()
    return joined


def _coded(said: Any) -> Coded | None:
    """Return the values of a column that has places of such; of any other, nothing."""
    like = said.get("as", said) if isinstance(said, dict) else said
    if isinstance(like, dict) and not {"level", "category", "categories"}.isdisjoint(like):
        return Coded(like)
    return None


def _write_categories(column: "pd.Series[Any]", where: str) -> _Written:
    dtype: Any = column.dtype
    codes = column.cat.codes.to_numpy()
    coded, part = write_coded(codes, pd.Series(dtype.categories), where)
    return _said_of_categories(coded, ordered=bool(dtype.ordered)), part


def _said_of_categories(coded: dict[str, Any], *, ordered: bool) -> dict[str, Any]:
    return {"category": "ordered" if ordered else "unordered", **coded}


def _read_categories(cells: _Cells, said: dict[str, Any]) -> Any:
    column = Column(said)
    column.add(cells)
    return column.take()


def _categorical(coded: tuple[Any, Any], said: dict[str, Any]) -> Any:
    codes, values = coded
    ordered = said["ordered"] if "ordered" in said else said["category"] == "ordered"
    dtype = pd.CategoricalDtype(pd.Index(values), ordered)
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _write_intervals(column: "pd.Series[Any]", where: str) -> _Written:
    intervals: Any = column.array
    of, left = write(pd.Series(intervals.left), where)
    _, right = write(pd.Series(intervals.right), where)
    said = {"interval": intervals.closed, "of": of, "cells": 2}
    return said, lambda rows: [*left(rows), *right(rows)]


def _read_intervals(cells: _Cells, said: dict[str, Any]) -> Any:
    left, right = (read([ends], said["of"]) for ends in cells)
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=said["interval"])


def _write_sparse(column: "pd.Series[Any]", where: str) -> _Written:
    dtype: Any = column.dtype
    sparse: Any = column.sparse
    of, part = write(sparse.to_dense(), where)
    return {"sparse": write_cell(dtype.fill_value, where), "of": of}, part


def _read_sparse(cells: _Cells, said: dict[str, Any]) -> Any:
    values = np.asarray(read(cells, said["of"]))
    return pd.arrays.SparseArray(
        values, dtype=pd.SparseDtype(values.dtype, read_cell(said["sparse"]))
    )


def _pyarrow() -> Any:
    """Import pyarrow, which nothing else needs."""
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415

    return pa


def _write_arrow(column: "pd.Series[Any]", where: str) -> _Written:
    """Write an Arrow column as one that is read without pyarrow too, and its Arrow type.

    The type is in Arrow's own format for files, which later versions read.
    """
    pa = _pyarrow()
    dtype: Any = column.dtype
    kind = dtype.pyarrow_dtype
    said = {"arrow": base64.b64encode(pa.schema([("", kind)]).serialize()).decode()}
    values: Any = column.array.__arrow_array__()  # chunks
    if pa.types.is_dictionary(kind):
        whole = values.unify_dictionaries().combine_chunks()
        codes = whole.indices.cast("int64").fill_null(-1).to_numpy()
        listed = pd.Series(pd.arrays.ArrowExtensionArray(whole.dictionary))
        coded, part = write_coded(codes, listed, where)
        like = _said_of_categories(coded, ordered=kind.ordered)
        return said | {"as": like, "cells": coded["cells"]}, part
    times = _ARROW_TIMES.fullmatch(str(kind))
    if times:
        whole = values.cast("int64")
        return said | {"as": _numpy_times(*times.groups())}, lambda rows: [whole[rows].to_pylist()]
    if _ARROW_NANOSECONDS in str(kind):  # which pyarrow cuts off
        raise refused(where, f"has the type {dtype}")

    def part_of_it(rows: slice) -> list[list[Any]]:
        try:
            plain = values[rows].to_pylist()
            pa.array(plain, type=kind)
        except (pa.ArrowException, ArithmeticError, TypeError, ValueError) as error:
            raise refused(where, f"has the type {dtype}") from error
        return [_write_cells(plain, where)]

    return said | {"as": "object"}, part_of_it


def _numpy_times(kind: str, unit: str, zone: str | None) -> str:
    numpy = "datetime64" if kind == "timestamp" else "timedelta64"
    return f"{numpy}[{unit}]" if zone is None else f"{numpy}[{unit}, {zone}]"


def _read_arrow(cells: _Cells, said: dict[str, Any]) -> Any:
    """Make an Arrow column; one that is like it where this machine lacks pyarrow."""
    like = said["as"]
    timed = like != "object"
    try:
        kind = _arrow_type(said)
    except ImportError:
        if timed:
            cells = [[_NAT if cell is None else cell for cell in cells[0]]]
        return read(cells, like)
    pa = _pyarrow()
    if timed:
        values = pa.array(cells[0], type="int64").cast(kind)
    else:
        values = pa.array([read_cell(cell) for cell in cells[0]], type=kind)
    return pd.arrays.ArrowExtensionArray(values)


def _arrow_dictionary(coded: tuple[Any, Any], said: dict[str, Any]) -> Any:
    try:
        kind = _arrow_type(said)
    except ImportError:
        return _categorical(coded, said["as"])
    pa = _pyarrow()
    codes, values = coded
    places = pa.array(codes, mask=codes < 0).cast(kind.index_type)
    listed = pa.concat_arrays(values.__arrow_array__().chunks)
    made = pa.DictionaryArray.from_arrays(places, listed, ordered=kind.ordered)
    return pd.arrays.ArrowExtensionArray(made)


def _arrow_type(said: dict[str, Any]) -> Any:
    pa = _pyarrow()
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(said["arrow"]))).field(0).type


#: Every kind of dtypes that the ledger keeps. The names are in manifests.
_KINDS: Final[dict[str, _Kind]] = {
    "object": _Kind(_is_numpy("O"), _write_objects, _read_objects),
    "number": _Kind(_is_numpy("biuf"), _write_numbers, _read_numbers),
    "time": _Kind(_is_numpy("mM"), _write_times, _read_times),
    "zoned": _Kind(_is_a(pd.DatetimeTZDtype), _write_zoned, _read_zoned),
    "period": _Kind(_is_a(pd.PeriodDtype), _write_times, _read_periods),
    "string": _Kind(_is_a(pd.StringDtype), _write_strings, _read_strings),
    "category": _Kind(_is_a(pd.CategoricalDtype), _write_categories, _read_categories),
    "interval": _Kind(_is_a(pd.IntervalDtype), _write_intervals, _read_intervals),
    "sparse": _Kind(_is_a(pd.SparseDtype), _write_sparse, _read_sparse),
    "arrow": _Kind(_is_a(pd.ArrowDtype), _write_arrow, _read_arrow),
    "masked": _Kind(_is_masked, _write_masked, _read_masked),
}
