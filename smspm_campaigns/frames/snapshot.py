"""A frame becomes lines of JSON and a manifest of dtypes, and a frame again. No pickle."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import pandas as pd
from pandas.tseries.frequencies import to_offset

from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.snapshot_cells import read_cell, write_cell
from smspm_campaigns.frames.snapshot_columns import Column, width, write, write_coded

_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")  # UTF-8 cannot write it
_PIECE: Final = 2_000  # rows that are written together
_READ: Final = 20_000  # rows that are read together
_AT_ONCE: Final = 100  # lines that are read together: more, and the garbage collector sees them all
_Part = Callable[[slice], list[list[Any]]]  # writes the cells of some rows

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


class Restorer:
    """Makes the frame again that `take` wrote, from some of its lines at a time.

    A row whose line is gone is left out. On a machine that lacks what a column needs, its values
    come back without it: those of an Arrow column as times of NumPy, a category or Python objects,
    and times in a zone that is unknown there in UTC.
    """

    def __init__(self, manifest: str) -> None:
        self._made = json.loads(manifest)
        self._columns = [Column(said) for said in self._made["dtypes"]]
        self._levels = len(self._made["index"])

    def add(self, lines: Iterable[str]) -> None:
        """Read some more lines."""
        for column, cells in zip(self._columns, self._cells(lines), strict=True):
            column.add(cells)

    def learn(self, lines: Iterable[str]) -> None:
        """Read the labels alone of some more lines, and the values that dtypes consist of.

        Who has learned from all lines can make the frame in pieces: each has all categories.
        """
        for place, cells in enumerate(self._cells(lines)):
            if place < self._levels:
                self._columns[place].add(cells)
            else:
                self._columns[place].learn(cells)

    def index(self) -> "pd.Index[Any]":
        """Make the index of the lines that were read since the last time."""
        names = [read_cell(name) for name in self._made["index"]]
        levels = [column.take() for column in self._columns[: self._levels]]
        return _as_it_was(_make_index(levels, names), self._made)

    def frame(self, index: "pd.Index[Any] | None" = None) -> pd.DataFrame:
        """Make a frame of the lines that were added since the last time, or with this index."""
        own = self.index()
        values = enumerate(column.take() for column in self._columns[self._levels :])
        frame = pd.DataFrame(dict(values), index=range(len(own)))
        frame.index = own if index is None else index
        frame.columns = _read_header(self._made["columns"])
        return frame

    def _cells(self, lines: Iterable[str]) -> Iterator[list[list[Any]]]:
        """Yield the cells of each column."""
        lines = iter(lines)
        widths = [width(said) for said in self._made["dtypes"]]
        cells: list[list[Any]] = [[] for _ in range(sum(widths))]
        while some := list(islice(lines, _AT_ONCE)):
            rows = json.loads(f"[{','.join(some)}]")
            for column, more in zip(cells, zip(*rows, strict=True), strict=True):
                column.extend(more)
        left = iter(cells)
        return (list(islice(left, cells_of_it)) for cells_of_it in widths)


def restore(manifest: str, lines: Iterable[str]) -> pd.DataFrame:
    """Make the frame again that `take` wrote: values, dtypes, index, names and order."""
    restorer = Restorer(manifest)
    for some in _some(lines):
        restorer.add(some)
    return restorer.frame()


def learned(manifest: str, lines: Iterable[str]) -> tuple[Restorer, "pd.Index[Any]"]:
    """Return who can make the frame of these lines in pieces, and the index of all of it."""
    restorer = Restorer(manifest)
    for some in _some(lines):
        restorer.learn(some)
    return restorer, restorer.index()


def _some(lines: Iterable[str]) -> Iterator[list[str]]:
    lines = iter(lines)
    while some := list(islice(lines, _READ)):
        yield some


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


def _write_index(index: "pd.Index[Any]", where: str) -> list[tuple[Any, _Part]]:
    if not isinstance(index, pd.MultiIndex):
        return [write(pd.Series(index), where)]
    written = []
    for level, (places, values) in enumerate(zip(index.codes, index.levels, strict=True)):
        said, part = write_coded(places, pd.Series(values), f"{where}, at level {level},")
        written.append(({"level": level, **said}, part))
    return written


def _make_index(levels: list[Any], names: list[Any]) -> "pd.Index[Any]":
    if isinstance(levels[0], tuple):
        codes, values = zip(*levels, strict=True)
        return pd.MultiIndex([pd.Index(value) for value in values], codes, names=names)
    if len(levels) > 1:  # as a ledger from before has it
        return pd.MultiIndex.from_arrays(levels, names=names)
    index: pd.Index[Any] = pd.Index(levels[0], name=names[0])
    return index


def _read_header(header: Any) -> "pd.Index[Any]":
    if isinstance(header, dict):  # as a ledger from before has it
        header = [{**header, "labels": [header["labels"]]}]
    levels = [Column(level["dtype"]) for level in header]
    for level, said in zip(levels, header, strict=True):
        level.add(said["labels"])
    return _make_index(
        [level.take() for level in levels], [read_cell(level["name"]) for level in header]
    )


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
