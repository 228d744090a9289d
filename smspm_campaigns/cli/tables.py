"""Tables for a terminal: as wide as it is, and no wider. Cells that do not fit are broken."""

import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

WIDEST: Final = 100  # columns of prose; longer lines are hard to read
_PIPE: Final = 1_000_000  # columns: a line is never broken where a program reads it
_NARROWEST: Final = 8  # columns of a cell
_BETWEEN: Final = "  "
_MARKS: Final = ("Mn", "Me", "Cf")  # categories of signs that take no column


def width_of(stream: Any) -> int:
    """Return how many columns a stream has to write to."""
    if not (stream is not None and stream.isatty()):
        return _PIPE
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def table(
    rows: Sequence[Sequence[str]], width: int, *, header: Sequence[str] = (), right: str = ""
) -> list[str]:
    r"""Lay out cells in columns.

    Args:
        rows: the cells of each row, as text in one line.
        width: columns of the terminal.
        header: the names of the columns.
        right: for each column `r` where it is written to the right, as numbers are.

    Example:
        >>> print("\n".join(table([["2", "Invalid number"]], 13, header=["row", "why"])))
        row  why
        2    Invalid
             number
    """
    every = [header, *rows] if header else list(rows)
    widths = [max(map(columns_of, column)) for column in zip(*every, strict=True)]
    room = width - len(_BETWEEN) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = widths.index(max(widths))
        second = max([w for place, w in enumerate(widths) if place != widest], default=0)
        widths[widest] = max(widths[widest] - (sum(widths) - room), second - 1, _NARROWEST)
    return [line for row in every for line in _lines(row, widths, right)]


def _lines(row: Sequence[str], widths: Sequence[int], right: str) -> Iterator[str]:
    cells = [broken(cell, width) for cell, width in zip(row, widths, strict=True)]
    for number in range(max(map(len, cells))):
        parts = []
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            part = cell[number] if number < len(cell) else ""
            space = " " * (width - columns_of(part))
            parts.append(space + part if right[place : place + 1] == "r" else part + space)
        yield _BETWEEN.join(parts).rstrip()


def broken(text: str, width: int) -> list[str]:
    """Break a line between words, and a word where it is wider than all there is."""
    lines, line, taken = [], "", 0
    for word in text.split(" "):
        for part in _pieces(word, width):
            size = columns_of(part)
            if line and taken + 1 + size > width:
                lines.append(line)
                line, taken = part, size
            else:
                taken += size + bool(line)
                line = f"{line} {part}" if line else part
    return [*lines, line]


def _pieces(word: str, width: int) -> Iterator[str]:
    piece, taken = "", 0
    for character in word:
        size = columns_of(character)
        if piece and taken + size > width:
            yield piece
            piece, taken = "", 0
        piece, taken = piece + character, taken + size
    yield piece


def columns_of(text: str) -> int:
    r"""Return how many columns of a terminal a text takes: signs of East Asia take two.

    Example:
        >>> columns_of("Ana"), columns_of("李雷"), columns_of("e\u0301")
        (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    seen = [sign for sign in text if unicodedata.category(sign) not in _MARKS]
    return len(seen) + sum(unicodedata.east_asian_width(sign) in "WF" for sign in seen)
