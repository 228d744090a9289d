"""A frame becomes lines of JSON and a manifest of dtypes, and a frame again. No pickle."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import pandas as pd
from pandas.tseries.frequencies import to_offset

from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.snapshot_cells import read_cell, write_cell
from smspm_campaigns.frames.snapshot_columns import read, read_coded, width, write, write_coded

_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")  # UTF-8 cannot write it
_PIECE: Final = 2_000  # rows that are written together
_AT_ONCE: Final = 100  # lines that are read together: more, and the garbage collector sees them all
_Part = Callable[[slice], list[list[Any]]]  # writes the cells of some rows
_Column = tuple[Sequence[Sequence[Any]], Any]  # its cells, and what the manifest says of it

_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_encode_lines: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=("\n", ": ")
).encode


class Lines:
    """The lines of a frame, written whenever they are asked for: a slice of them, or all."""

    def __init__(self, size: int, parts: list[_Part]) -> None:
        self._size = size
        self._parts = parts

    def __getitem__(self, rows: slice) -> list[str]:
        cells = [_each_json(column) for column in self._cells(rows)]
        return [f"[{', '.join(row)}]" for row in zip(*cells, strict=True)]

    def __iter__(self) -> Iterator[str]:
        for rows in pieces(self._size):
            yield from self[rows]

    def check(self) -> None:
        """Raise InvalidArgument for a cell that cannot be kept."""
        for rows in pieces(self._size):
            self._cells(rows)

    def _cells(self, rows: slice) -> list[list[Any]]:
        return [cells for part in self._parts for cells in part(rows)]


def pieces(size: int) -> Iterator[slice]:
    """Cut so many rows into slices that a program can hold in memory, however many they are."""
    for start in range(0, size, _PIECE):
        yield slice(start, min(start + _PIECE, size))


def take(frame: pd.DataFrame) -> tuple[str, Lines]:
    """Write a frame as a manifest and one line of JSON per row: its index labels and its cells.

    All that is of one row stands in its line, so that one row can be erased alone. Lines are
    written when they are asked for, so the frame must stay as it is; all are checked at once.

    Raises:
        InvalidArgument: a dtype, a cell or a name that cannot be kept; where it is, is said.
    """
    index, header = frame.index, frame.columns
    columns = (frame.iloc[:, place] for place in range(frame.shape[1]))
    written = _write_index(index, "The index")
    written += [
        write(column, f"The column {told(name)}")
        for column, name in zip(columns, header, strict=True)
    ]
    manifest = {
        "columns": [
            {
                "labels": part(slice(None)),
                "dtype": said,
                "name": write_cell(name, "A name of the header"),
            }
            for name, (said, part) in zip(
                header.names, _write_index(header, "The header"), strict=True
            )
        ],
        "index": [write_cell(name, "A name of the index") for name in index.names],
        "range": [index.start, index.stop, index.step]
        if isinstance(index, pd.RangeIndex)
        else None,
        "freq": _frequency(index),
        "dtypes": [said for said, _ in written],
    }
    lines = Lines(len(frame), [part for _, part in written])
    lines.check()
    return _json(manifest), lines


def restore(manifest: str, lines: Iterable[str]) -> pd.DataFrame:
    """Make the frame again that `take` wrote: values, dtypes, index, names and order.

    A row whose line is gone is left out. On a machine that lacks what a column needs, its values
    come back without it: those of an Arrow column as times of NumPy, a category or Python objects,
    and times in a zone that is unknown there in UTC.
    """
    made = json.loads(manifest)
    columns = _columns(lines, made["dtypes"])
    header = made["columns"]
    if isinstance(header, dict):  # as a ledger from before has it
        header = [{**header, "labels": [header["labels"]]}]
    levels = len(made["index"])
    index = _as_it_was(_read_index(columns[:levels], made["index"]), made)
    values = enumerate(read(*column) for column in columns[levels:])
    frame = pd.DataFrame(dict(values), index=range(len(index)))
    frame.index = index
    frame.columns = _read_index(
        [(level["labels"], level["dtype"]) for level in header], [level["name"] for level in header]
    )
    return frame


def _json(value: Any) -> str:
    """Write letters as they are, so that a ledger stays small; half a surrogate pair escaped."""
    text = _encode(value)
    return text if text.isascii() or not _HALF_A_PAIR.search(text) else json.dumps(value)


def _each_json(cells: list[Any]) -> list[str]:
    """Write each cell of a column as JSON. All at once is quicker: no JSON has a line break."""
    together = _encode_lines(cells)[1:-1]
    each = together.split("\n")
    if len(each) != len(cells) or _HALF_A_PAIR.search(together):  # lists within, or half a pair
        return [_json(cell) for cell in cells]
    return each


def _columns(lines: Iterable[str], dtypes: list[Any]) -> list[_Column]:
    """Read lines, and return the cells of each column with what the manifest says of it."""
    lines = iter(lines)
    cells: list[list[Any]] = [[] for _ in range(sum(map(width, dtypes)))]
    while some := list(islice(lines, _AT_ONCE)):
        rows = json.loads(f"[{','.join(some)}]")
        for column, more in zip(cells, zip(*rows, strict=True), strict=True):
            column.extend(more)
    left = iter(cells)
    return [(list(islice(left, width(said))), said) for said in dtypes]


def _write_index(index: "pd.Index[Any]", where: str) -> list[tuple[Any, _Part]]:
    if not isinstance(index, pd.MultiIndex):
        return [write(pd.Series(index), where)]
    written = []
    for level, (places, values) in enumerate(zip(index.codes, index.levels, strict=True)):
        said, part = write_coded(places, pd.Series(values), f"{where}, at level {level},")
        written.append(({"level": level, **said}, part))
    return written


def _read_index(columns: Sequence[_Column], names: Iterable[Any]) -> "pd.Index[Any]":
    names = [read_cell(name) for name in names]
    if any(isinstance(said, dict) and "level" in said for _, said in columns):
        coded = [read_coded(*column) for column in columns]
        levels: Any = [pd.Index(values) for _, values in coded]
        return pd.MultiIndex(levels, [places for places, _ in coded], names=names)
    values = [read(*column) for column in columns]
    if len(values) > 1:  # as a ledger from before has it
        return pd.MultiIndex.from_arrays(values, names=names)
    index: pd.Index[Any] = pd.Index(values[0], name=names[0])
    return index


def _frequency(index: "pd.Index[Any]") -> str | None:
    """Return the frequency of an index of times, when its name tells all of it."""
    if not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) or index.freq is None:
        return None
    try:
        return index.freqstr if to_offset(index.freqstr) == index.freq else None
    except ValueError:
        return None


def _as_it_was(index: "pd.Index[Any]", made: dict[str, Any]) -> "pd.Index[Any]":
    """Make an index the range or give it the frequency that it had, unless a row of it is gone."""
    if made["range"]:
        start, stop, step = made["range"]
        whole = pd.RangeIndex(start, stop, step, name=index.name)
        return whole if whole.equals(index) else index
    if made.get("freq"):
        times: Any = index
        with suppress(ValueError):
            times.freq = made["freq"]
    return index
