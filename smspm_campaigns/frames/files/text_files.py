"""Text files: `.csv`, `.tsv` and `.txt`, in the encoding they really have."""

import codecs
import csv
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import ContactsUnreadable, InvalidArgument
from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.columns import STR
from smspm_campaigns.frames.files.grid import (
    ERROR_CELLS,
    MAX_CELL,
    MAX_COLUMNS,
    Grid,
    column_letters,
)
from smspm_campaigns.frames.files.sources import Source
from smspm_campaigns.masking import mask_text

_DELIMITERS: Final = ";,\t|"
_UTF8_MARK: Final = codecs.BOM_UTF8
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_READINGS: Final = ("cp1257", "cp1252", "cp1251", "cp1250")  # Baltic, Western, Cyrillic, Central
_LINES_SHOWN: Final = 3
_LINE_SHOWN: Final = 60  # characters
_FIRST_ROW: Final = 2  # the spreadsheet row below the header
#: Blanks that short rows may add, however small the file: else one blank line per byte under a
#: header of a thousand columns is a thousand cells per byte.
_FREE_CELLS: Final = 10_000_000

_MAX_LINES: Final = 50_000_000
_HEAD: Final = 4096  # bytes to judge by
_JUDGED: Final = 1 << 16  # bytes in which the delimiter is looked for
_ROWS_JUDGED: Final = 20
_PIECE: Final = 1 << 18  # bytes that stay in a processor's cache

_QUOTED: Final = rb'"[^"]*+(?:""[^"]*+)*+"'
_LINE: Final = re.compile(rb"([^\r\n]*+)(?:\r\n|[\r\n]|\Z)")
_SEP_LINE: Final = re.compile(rb'sep=([^"\r\n\0])[ \t]*(?:\r\n|\n|\r)', re.IGNORECASE)
_ERROR: Final = re.compile(b"|".join(re.escape(word.encode()) for word in ERROR_CELLS))
_UNCLOSED: Final = re.compile(r"EOF inside string starting at row (\d+)")


def can_delimit(text: Any) -> bool:
    """Tell whether something is one character that can stand between cells."""
    return isinstance(text, str) and len(text) == 1 and text.isascii() and text not in '"\r\n\0'


def read_text(source: Source, encoding: str | None, delimiter: str | None) -> Grid:
    """Read a text file.

    Raises:
        ContactsUnreadable: bytes of another encoding, or rows that do not fit the header.
        InvalidArgument: no such encoding.
    """
    try:
        return _Table(source, _as_utf8(source, encoding), delimiter).grid()
    except UnicodeDecodeError as error:
        raise _other_encoding(source, encoding, error) from None


def _as_utf8(source: Source, encoding: str | None) -> bytes:
    """Return the text as UTF-8: most often the very bytes of the file, checked where they are read.

    Raises:
        UnicodeDecodeError: the bytes are not in the encoding that was given.
    """
    data = source.content
    if encoding is None and data.startswith(_BYTE_ORDER_MARKS):
        encoding = "utf-16"
    if encoding is not None and not _is_utf8(encoding):
        data = _transcoded(source, encoding)
    if b"\0" in data:
        raise _with_nul(source, data)
    return data


def _transcoded(source: Source, encoding: str) -> bytes:
    try:
        return source.content.decode(encoding).encode()
    except UnicodeDecodeError:
        raise
    except UnicodeEncodeError:
        raise ContactsUnreadable(
            f"{source.name} holds half characters (lone surrogates) in {encoding}."
        ) from None
    except (LookupError, ValueError):  # a codec that makes no text, such as base64
        raise _no_encoding(encoding) from None


def _no_encoding(name: str) -> InvalidArgument:
    return InvalidArgument(
        f"There is no encoding {told(name)}. Common ones are utf-8, cp1252 and cp1257."
    )


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    except (LookupError, ValueError):
        raise _no_encoding(encoding) from None


def _with_nul(source: Source, data: bytes) -> ContactsUnreadable:
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = data[offset:_HEAD:2]
        if half.count(0) * 2 > len(half):  # most letters of most languages have a NUL there
            return ContactsUnreadable(
                f"{source.name} seems to be UTF-16 without the mark that says so. Say it: "
                f'read_contacts({source.argument}, encoding="{encoding}")'
            )
    return ContactsUnreadable(
        f"{source.name} holds NUL characters: it is no text file, or is damaged."
    )


def _other_encoding(
    source: Source, encoding: str | None, error: UnicodeDecodeError
) -> ContactsUnreadable:
    """Show the first lines that are not in the encoding, and what else they may say."""
    encoding = encoding or error.encoding
    lines = _offending_lines(source.content, encoding)
    if source.is_decoded or not lines:
        return ContactsUnreadable(f"{source.name} is not in {encoding}: it is cut off or damaged.")
    shown = "\n".join(
        f"  line {number} as {reading}: {_shown(line.decode(reading, 'replace'))}"
        for number, line in lines
        for reading in _READINGS
    )
    return ContactsUnreadable(
        f"Line {lines[0][0]} of {source.name} is not in {encoding}, and nothing was "
        f"guessed. Choose the reading that is right:\n{shown}\nand say it: "
        f'read_contacts({source.argument}, encoding="{_READINGS[0]}"), or save the file again as '
        "'CSV UTF-8'."
    )


def _offending_lines(data: bytes, encoding: str) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    if b"\n".decode(encoding, "replace") != "\n":  # UTF-16: its lines are no lines of bytes
        return found
    for number, match in enumerate(_LINE.finditer(data), 1):
        line = match[1]
        try:
            line.decode(encoding)
        except UnicodeDecodeError as error:
            found.append((number, line[max(0, error.start - _HEAD) : error.start + _HEAD]))
            if len(found) == _LINES_SHOWN:
                break
    return found


def _shown(line: str) -> str:
    """Quote what is around the first letter that the readings differ in, numbers masked."""
    line = mask_text(line)
    place = next((place for place, char in enumerate(line) if not char.isascii()), 0)
    start = max(0, place - _LINE_SHOWN // 2)
    part = line[start : start + _LINE_SHOWN]
    part = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in part)
    return f"'{'…' * (start > 0)}{part}{'…' * (start + _LINE_SHOWN < len(line))}'"


def _find_delimiter(data: bytes, start: int) -> str:
    """Choose the delimiter that parts the first lines as it parts the header, outside quotes."""
    plain = re.sub(_QUOTED, b"", data[start : start + _JUDGED]).decode("latin-1")
    header, *rows = re.split(r"\r\n|\r|\n", plain)[:_ROWS_JUDGED]

    def fits(delimiter: str) -> tuple[bool, int, int]:
        cells = header.count(delimiter)
        return cells > 0, sum(row.count(delimiter) == cells for row in rows), cells

    best = max(_DELIMITERS, key=fits)
    return best if best in header else ","


def _count(data: bytes, byte: bytes) -> int:
    """Count a byte, in a quarter of the time that `bytes.count` takes for a frequent one."""
    numbers = np.frombuffer(data, dtype=np.uint8)
    pieces = (numbers[start : start + _PIECE] for start in range(0, len(numbers), _PIECE))
    return sum(int(np.count_nonzero(piece == byte[0])) for piece in pieces)


class _Table:
    """The rows of a text in UTF-8."""

    def __init__(self, source: Source, data: bytes, delimiter: str | None) -> None:
        self._name = source.name
        self._data = data
        self._lines = _count(data, b"\n") + 1
        mark = len(_UTF8_MARK) * data.startswith(_UTF8_MARK)
        sep = _SEP_LINE.match(data, mark)
        self._above = int(sep is not None)  # lines above the header
        self._start = sep.end() if sep else mark
        named = sep[1].decode() if sep else _find_delimiter(data, self._start)
        self._delimiter = delimiter or named

    def grid(self) -> Grid:
        self._check_rows()
        header = self._header()
        self._check_size(len(header))
        frame = self._parse(len(header)) if header else pd.DataFrame()
        self._check_cells(frame)
        if b"#" in self._data and _ERROR.search(self._data):
            frame = frame.mask(frame.isin(ERROR_CELLS), "")
        frame.index = pd.RangeIndex(_FIRST_ROW, _FIRST_ROW + len(frame), name="row")
        return Grid(header, list(range(1, len(header) + 1)), frame)

    def _records(self) -> Iterator[list[str]]:
        """Read rows one by one, which is slow: for the header, and to name a faulty row."""
        stream = io.BytesIO(self._data)  # shares the bytes
        stream.seek(self._start)
        lines = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        try:
            yield from csv.reader(lines, delimiter=self._delimiter)
        except csv.Error as error:
            raise self._refusal(f"a row is not a row of cells ({error})") from None

    def _header(self) -> list[str]:
        header = next(self._records(), [])
        for number, name in enumerate(header, 1):
            self._check_length(number, len(name))
        return header

    def _check_size(self, width: int) -> None:
        rows = max(self._lines, _count(self._data, b"\r"))
        if rows > _MAX_LINES or rows * width > max(_FREE_CELLS, len(self._data)):
            raise ContactsUnreadable(
                f"{self._name} has {rows:,} lines under a header of {width:,} columns, and nearly "
                "all cells would be blank. It is no list of people, or is damaged."
            )

    def _parse(self, width: int, *, cut: bool = False) -> pd.DataFrame:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # a cell too many in row 2
                return pd.read_csv(
                    io.BytesIO(self._data),
                    sep=self._delimiter,
                    skiprows=self._above,
                    header=0,
                    names=range(width),
                    usecols=range(width) if cut else None,
                    dtype=STR,
                    na_filter=False,
                    skip_blank_lines=False,
                    index_col=False,
                )
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
            if unclosed := _UNCLOSED.search(reason):
                row = int(unclosed[1]) + 1 - self._above
                reason = f'a quote (") that begins in row {row} never ends'
            elif not cut:
                self._check_widths(width)
                return self._parse(width, cut=True)
            raise self._refusal(reason) from None

    def _check_widths(self, width: int) -> None:
        """Find the row with a cell too many; delimiters alone, as some programs add, are none."""
        for number, cells in enumerate(self._records(), 1):
            if any(map(str.strip, cells[width:])):
                raise self._refusal(
                    f"row {number} has {len(cells)} cells, and the header has {width}"
                )

    def _check_cells(self, frame: pd.DataFrame) -> None:
        """Measure the cells, when a look at the lines does not rule out a long one."""
        if any(self._long_lines(MAX_CELL)) or self._spans_lines(len(frame)):
            for place in range(frame.shape[1]):
                longest = frame[place].str.len().max() if len(frame) else 0
                self._check_length(place + 1, longest)

    def _check_length(self, column: int, length: int) -> None:
        if length > MAX_CELL:
            raise self._refusal(
                f"a cell of column {column_letters(column)} has {length:,} characters; a "
                f"spreadsheet holds {MAX_CELL:,}"
            )

    def _check_rows(self) -> None:
        """Refuse a row of more cells than there are columns, before room is made for them."""
        for start, end in self._long_lines(MAX_COLUMNS):
            cells = self._data.count(self._delimiter.encode(), start, end) + 1
            if cells > MAX_COLUMNS:
                raise self._refusal(
                    f"a row has {cells:,} cells, and a spreadsheet at most {MAX_COLUMNS:,}"
                )

    def _long_lines(self, limit: int) -> Iterator[tuple[int, int]]:
        """Yield where the lines begin and end that are longer than a limit; there are few."""
        line_end = b"\n" if b"\n" in self._data else b"\r"
        place, end = 0, len(self._data)
        while end - place > limit:
            following = self._data.rfind(line_end, place, place + limit) + 1
            if not following:
                following = self._data.find(line_end, place) + 1 or end + 1
                yield place, following - 1
            place = following

    def _spans_lines(self, rows: int) -> bool:
        """Tell whether a quoted cell may go over several lines."""
        if b'"' not in self._data:
            return False
        plain_ends = _count(self._data, b"\r") == self._data.count(b"\r\n")
        return not plain_ends or self._lines > rows + 2  # the header, and what follows the last end

    def _refusal(self, reason: str) -> ContactsUnreadable:
        return ContactsUnreadable(
            f"{self._name} cannot be read with {self._delimiter!r} between its cells: {reason}. "
            "Mend that row, or say delimiter=…"
        )
