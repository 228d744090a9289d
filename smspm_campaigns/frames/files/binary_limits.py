"""What an `.xls` or `.xlsb` says of its own size, checked before calamine believes it.

calamine makes room for every cell between the first and the last, and for as many texts as the
file announces: a file of a few hundred bytes could ask for all the memory there is.
"""

import struct
from collections.abc import Iterator
from typing import Final

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.files.grid import MAX_CELLS

# Records of .xls, [MS-XLS] 2.3.
_XLS_BEGIN: Final = 0x0809
_XLS_PASSWORD: Final = 0x002F
_XLS_DIMENSIONS: Final = 0x0200
_XLS_TEXTS: Final = 0x00FC
_XLS_CELLS: Final = frozenset({
    0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E, 0x00D6, 0x00FD, 0x0002, 0x0003, 0x0004, 0x0005,
})  # fmt: skip
_XLS_RUNS: Final = frozenset({0x00BD, 0x00BE})  # several cells of one row

# Records of .xlsb, [MS-XLSB] 2.3.
_XLSB_ROW: Final = 0
_XLSB_CELLS: Final = range(1, 12)
_XLSB_DIMENSIONS: Final = 148
_XLSB_TEXTS: Final = 159

# A filled cell takes ten bytes or more; blanks between them take none, and in calamine 32.
_FREE_CELLS: Final = 1_000_000
_BLANKS_PER_BYTE: Final = 4

# Compound files, [MS-CFB] 2.
_FREE: Final = 0xFFFFFFFA  # numbers from here on are no sectors
_ENTRY: Final = 128  # bytes of a directory entry
_ROOT: Final = 5  # the kind of entry that holds the short streams
_SHORT: Final = 64  # bytes of a sector of a short stream
_HEADER_FAT: Final = 109  # sectors of the FAT that are listed in the header


class _Extent:
    """The rectangle from the first cell of a sheet to the last, in a stream of so many bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._top = self._left = 1 << 32
        self._bottom = self._right = 0

    def add(self, row: int, first: int, last: int) -> None:
        self._top, self._bottom = min(self._top, row), max(self._bottom, row)
        self._left, self._right = min(self._left, first), max(self._right, last)
        _check_area(self._bottom - self._top + 1, self._right - self._left + 1, self._size)


def _check_area(rows: int, columns: int, size: int) -> None:
    allowed = min(MAX_CELLS, max(_FREE_CELLS, size * _BLANKS_PER_BYTE))
    if rows * columns > allowed:
        raise ContactsUnreadable(f"It has {rows:,} rows of {columns:,} cells, or says so.")


def _check_dimensions(top: int, below: int, left: int, beyond: int, size: int) -> None:
    """Check a rectangle that a file announces; of an empty sheet the last two are 0."""
    if below and beyond:
        if below <= top or beyond <= left:  # to calamine, which subtracts, that is very much
            raise _damaged()
        _check_area(below - top, beyond - left, size)


def _check_texts(count: int, size: int) -> None:
    if count > size:
        raise ContactsUnreadable("It announces more texts than it has bytes.")


def check_xls(content: bytes) -> None:
    """Check the records of an `.xls` file.

    Raises:
        ContactsUnreadable: it needs or asks for more room than any campaign.
    """
    for stream in _streams(content, "Workbook", "Book"):
        extent = _Extent(len(stream))
        for kind, start, size in _xls_records(stream):
            if kind == _XLS_BEGIN:
                extent = _Extent(len(stream))
            elif kind == _XLS_PASSWORD:
                raise ContactsUnreadable("It is protected by a password.")
            elif kind in _XLS_CELLS and size >= 4:
                row, column = struct.unpack_from("<HH", stream, start)
                extent.add(row, column, column)
            elif kind in _XLS_RUNS and size >= 6:
                row, first = struct.unpack_from("<HH", stream, start)
                (last,) = struct.unpack_from("<H", stream, start + size - 2)
                extent.add(row, min(first, last), max(first, last))
            elif kind == _XLS_DIMENSIONS and size >= 8:
                form = "<IIHH" if size >= 12 else "<HHHH"  # since Excel 97, and before
                top, below, left, beyond = struct.unpack_from(form, stream, start)
                _check_dimensions(top, below, left, beyond, len(stream))
            elif kind == _XLS_TEXTS and size >= 8:
                _check_texts(struct.unpack_from("<I", stream, start + 4)[0], len(stream))


def _xls_records(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the records as (kind, start, size)."""
    place = 0
    while place + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, place)
        place += 4
        if place + size > len(stream):
            return
        yield kind, place, size
        place += size


def _streams(content: bytes, *names: str) -> Iterator[bytes]:
    """Yield the streams of these names in a compound file; short ones are kept in a stream too."""
    sector = 1 << struct.unpack_from("<H", content, 30)[0]
    if sector not in (512, 4096):
        raise _damaged()
    table = _without_circles(_fat(content, sector))
    (directory_start,) = struct.unpack_from("<I", content, 48)
    (short_below, short_table_start) = struct.unpack_from("<II", content, 56)
    short_table = _without_circles(_numbers(_chain(content, table, short_table_start, sector)))
    directory = _chain(content, table, directory_start, sector)
    short = b""
    found = 0
    for place in range(0, len(directory) - _ENTRY + 1, _ENTRY):
        name = directory[place : place + 64].decode("utf-16-le", "replace").partition("\0")[0]
        start, size = struct.unpack_from("<II", directory, place + 116)
        if found > 1 + len(names):  # each name once, and the root
            raise _damaged()
        if directory[place + 66] == _ROOT:
            short = _chain(content, table, start, sector)
            found += 1
        elif name in names and size >= short_below:
            found += 1
            yield _chain(content, table, start, sector)
        elif name in names:
            found += 1
            yield _chain(short, short_table, start, _SHORT, first=0)


def _fat(content: bytes, sector: int) -> tuple[int, ...]:
    """Return the table that tells which sector follows each sector."""
    sectors = [*struct.unpack_from(f"<{_HEADER_FAT}I", content, 76)]
    (following,) = struct.unpack_from("<I", content, 68)
    while following < _FREE:
        listed = _numbers(_sector(content, following, sector, sector))
        if not listed or len(sectors) > _HEADER_FAT + len(content) // sector:
            raise _damaged()
        sectors += listed[:-1]
        following = listed[-1]
    return _numbers(
        b"".join(_sector(content, number, sector, sector) for number in sectors if number < _FREE)
    )


def _without_circles(table: tuple[int, ...]) -> tuple[int, ...]:
    """Return the table, when every chain in it ends: calamine would follow a circle for ever."""
    seen = bytearray(len(table))  # 1: on the way from this start, 2: known to end
    for start in range(len(table)):
        way = []
        number = start
        while number < len(table) and not seen[number]:
            seen[number] = 1
            way.append(number)
            number = table[number]
        if number < len(table) and seen[number] == 1:
            raise _damaged()
        for number in way:
            seen[number] = 2
    return table


def _damaged() -> ContactsUnreadable:
    return ContactsUnreadable("It is damaged.")


def _numbers(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 4}I", packed[: len(packed) // 4 * 4])


def _sector(content: bytes, number: int, size: int, first: int) -> bytes:
    start = first + number * size
    return content[start : start + size]


def _chain(
    content: bytes, table: tuple[int, ...], number: int, size: int, first: int | None = None
) -> bytes:
    """Return the sectors that follow each other from this one on."""
    found = []
    while number < len(table):
        found.append(_sector(content, number, size, size if first is None else first))
        number = table[number]
    return b"".join(found)


def check_xlsb(part: bytes) -> None:
    """Check the records of a part of an `.xlsb` file; a part that holds none passes.

    Raises:
        ContactsUnreadable: it needs or asks for more room than any campaign.
    """
    extent = _Extent(len(part))
    row = 0
    for kind, start, size in _xlsb_records(part):
        if kind == _XLSB_ROW and size >= 4:
            (row,) = struct.unpack_from("<I", part, start)
        elif kind in _XLSB_CELLS and size >= 4:
            (column,) = struct.unpack_from("<I", part, start)
            extent.add(row, column, column)
        elif kind == _XLSB_DIMENSIONS and size >= 16:
            top, bottom, left, right = struct.unpack_from("<IIII", part, start)
            _check_dimensions(top, bottom + 1, left, right + 1, len(part))
        elif kind == _XLSB_TEXTS and size >= 8:
            _check_texts(struct.unpack_from("<I", part, start + 4)[0], len(part))


def _xlsb_records(part: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the records as (kind, start, size)."""
    place, end = 0, len(part)
    while place < end:
        kind = part[place]
        place += 1
        if kind & 0x80 and place < end:
            kind = kind & 0x7F | (part[place] & 0x7F) << 7
            place += 1
        size = 0
        for shift in range(0, 28, 7):
            if place >= end:
                return
            byte = part[place]
            place += 1
            size |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        if place + size > end:
            return
        yield kind, place, size
        place += size
