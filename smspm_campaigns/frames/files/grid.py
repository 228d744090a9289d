"""The cells of a sheet as texts, gathered row by row within the limits of a spreadsheet."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import pandas as pd

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.columns import STR

# Excel specifications and limits (support.microsoft.com); LibreOffice keeps to the same.
MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
MAX_CELL: Final = 32_767  # characters

#: Rows times columns, blanks included: what a million rows of forty columns need.
MAX_CELLS: Final = 40_000_000

#: In all cells together: what a million rows of twenty cells need.
MAX_CHARACTERS: Final = 400_000_000

#: What a spreadsheet shows where a formula failed. As a text file it holds these very words.
ERROR_CELLS: Final = frozenset({
    "#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!",
    "#FIELD!", "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#GETTING_DATA",
})  # fmt: skip

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Grid(NamedTuple):
    """A sheet below its first row, which is `header`. Rows and columns are numbered from 1."""

    header: list[str]
    numbers: list[int]  # the spreadsheet column of each column of the frame
    frame: pd.DataFrame  # its columns are places, its index spreadsheet rows; blank rows may be in
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    notes: Sequence[str] = ()  # what the reader should be told


class Cells:
    """Gathers the cells of a sheet. Only what holds something takes room."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._columns: dict[int, list[str]] = {}
        self._merged: list[tuple[int, int, int]] = []
        self._past = 0
        self._characters = 0

    def add_row(self, number: int, texts: Mapping[int, str], *, times: int = 1) -> None:
        """Add a row, or several equal ones; rows come in the order of the sheet.

        Raises:
            ContactsUnreadable: a row or column that no spreadsheet has, or more than fits.
        """
        if number <= self._past:
            raise ContactsUnreadable(f"Row {number} stands below row {self._past}.")
        self._past = number + times - 1
        if not any(map(str.strip, texts.values())):
            return
        if self._past > MAX_ROWS:
            raise ContactsUnreadable(f"It has more than {MAX_ROWS:,} rows.")
        _check_size(len(self._rows) + times, max(len(self._columns), len(texts)))
        self._characters += times * sum(map(len, texts.values()))
        if self._characters > MAX_CHARACTERS:
            raise ContactsUnreadable(f"Its cells have more than {MAX_CHARACTERS:,} characters.")
        for row in range(number, self._past + 1):
            self._add(row, texts)

    def _add(self, row: int, texts: Mapping[int, str]) -> None:
        above = len(self._rows)
        for column, text in texts.items():
            cells = self._columns.get(column)
            if cells is None:
                cells = self._columns[column] = self._new_column(column)
            if len(cells) < above:
                cells.extend([""] * (above - len(cells)))
            cells.append(text)
        self._rows.append(row)
        _check_size(len(self._rows), len(self._columns))

    @staticmethod
    def _new_column(number: int) -> list[str]:
        if not 0 < number <= MAX_COLUMNS:
            raise ContactsUnreadable(f"It has more than {MAX_COLUMNS:,} columns.")
        return []

    def merge(self, top: int, bottom: int, column: int) -> None:
        """Note that the value of a cell stands for the rows below it, to `bottom`."""
        top, bottom = sorted((top, bottom))
        self._merged.append((top, min(bottom, MAX_ROWS), column))
        if len(self._merged) > MAX_ROWS:
            raise ContactsUnreadable(f"It has more than {MAX_ROWS:,} merged cells.")

    def _fill_merged(self) -> None:
        """Write the value of merged cells into every row they cover below the header."""
        if sum(bottom - top for top, bottom, _ in self._merged) > MAX_CELLS:
            raise ContactsUnreadable(f"Its merged cells cover more than {MAX_CELLS:,} cells.")
        places = {row: place for place, row in enumerate(self._rows)} if self._merged else {}
        for top, bottom, column in self._merged:
            if top == 1 or top not in places or column not in self._columns:
                continue
            self._pad(column)
            text = self._columns[column][places[top]]
            for row in range(top + 1, bottom + 1) if text else ():
                if row in places:
                    self._columns[column][places[row]] = text
                else:
                    places[row] = len(self._rows)
                    self._add(row, {column: text})

    def _pad(self, column: int) -> None:
        cells = self._columns[column]
        cells.extend([""] * (len(self._rows) - len(cells)))

    def grid(
        self, *, hidden_rows: Iterable[int], hidden_columns: Iterable[int], notes: Sequence[str]
    ) -> Grid:
        self._fill_merged()
        numbers = sorted(self._columns)
        for column in numbers:
            self._pad(column)
        begins = self._rows[:1] == [1]
        header = [self._columns[column][0] if begins else "" for column in numbers]
        start = int(begins)
        index = pd.Index(self._rows[start:], dtype="int64", name="row")
        # A column is let go as soon as it is in the frame: a sheet stands in memory once.
        frame = pd.DataFrame(
            {
                place: pd.array(self._columns.pop(column)[start:], dtype=STR)
                for place, column in enumerate(numbers)
            },
            index=index,
        )
        return Grid(
            header,
            numbers,
            frame.sort_index() if not index.is_monotonic_increasing else frame,
            frozenset(hidden_rows),
            frozenset(hidden_columns),
            notes,
        )


def _check_size(rows: int, columns: int) -> None:
    if rows * columns > MAX_CELLS:
        raise ContactsUnreadable(f"It has more than {MAX_CELLS:,} cells.")


def checked(text: str) -> str:
    """Return the text of a cell: an error word is blank.

    Raises:
        ContactsUnreadable: it is longer than a cell can be, or holds what is no character.
    """
    if text in ERROR_CELLS:
        return ""
    if len(text) > MAX_CELL:
        raise ContactsUnreadable(
            f"A cell has more than {MAX_CELL:,} characters, and a spreadsheet's cell cannot."
        )
    if not text.isascii() and _SURROGATE.search(text):
        raise ContactsUnreadable("A cell holds half a character (a lone surrogate).")
    if "\0" in text:
        raise ContactsUnreadable("A cell holds a NUL character.")
    return text


def column_letters(number: int) -> str:
    """Name a column as a spreadsheet does.

    Example:
        >>> column_letters(1), column_letters(28)
        ('A', 'AB')
    """
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
