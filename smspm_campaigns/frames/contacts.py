"""A campaign file becomes a frame of text."""

import os
import re
from collections.abc import Sequence
from typing import IO, Any, Final, Literal

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import ContactsUnreadable, InvalidArgument, warn
from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.columns import STR, check_argument, check_choice, header_hint
from smspm_campaigns.frames.files.apostrophes import take
from smspm_campaigns.frames.files.grid import Grid, column_letters
from smspm_campaigns.frames.files.sources import Source, open_source
from smspm_campaigns.frames.files.text_files import can_delimit, read_text
from smspm_campaigns.frames.files.workbooks import read_grid, visible_sheets
from smspm_campaigns.vocabulary import OUTCOME_COLUMNS

_PHONE_NUMBER: Final = re.compile(r"\W*(?:\d\W*){9,15}")  # more digits than a date has
_NAMED_AT_MOST: Final = 10  # rows named in a warning


def read_contacts(
    path: str | os.PathLike[str] | IO[bytes] | IO[str],
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    hidden: Literal["skip", "keep"] = "skip",
) -> pd.DataFrame:
    """Read a campaign file, every cell as text, nothing converted.

    Args:
        path: a `.csv`, `.tsv`, `.txt`, `.xlsx`, `.xlsm`, `.xls`, `.xlsb` or `.ods` file: its path,
            or the open file, such as an upload. An open file is read from where it stands and left
            open; one without a name is known by its content.
        sheet: the sheet of a workbook; the first visible one by default.
        encoding: of a text file; UTF-8, or what its byte order mark says, by default.
        delimiter: of a text file; found in its header by default.
        hidden: `"skip"` leaves out hidden rows, columns and sheets, with a warning: people filter a
            sheet and believe they removed those rows. `"keep"` takes them. In `.xls` and `.xlsb` it
            cannot be seen what is hidden, and a warning says so.

    Returns:
        A frame of `str` columns, blank cells as `""`. A number is what the cell holds, whatever its
        format: 12.5 % is `0.125`. Dates are ISO, with the time only if there is one; durations are
        `36:00:00`. Excel error cells (`#N/A`, `#REF!`, …) are blank, so that nobody is texted
        "Hi #N/A". The value of merged cells stands in every row they cover. The index is named
        `row` and holds the row number a person sees in the spreadsheet (the header is row 1).
        Blank rows are left out.

    Raises:
        FileNotFoundError: there is no such file.
        ContactsUnreadable: the file is not what its name says, is damaged or larger than a
            spreadsheet can be, has no header, two equal headers, a row that is longer than the
            header, or bytes that are not in the encoding.
        InvalidArgument: an option that cannot be meant, such as the sheet of a text file.

    Example:
        >>> import smspm_campaigns as smspm
        >>> people = smspm.read_contacts("sample_data/opted_out.csv")
        >>> people.index.name, people.index[0]
        ('row', 2)
    """
    check_choice("hidden", hidden, "skip", "keep")
    for name, value, expected in (
        ("sheet", sheet, "the name of a sheet, such as 'Customers'"),
        ("encoding", encoding, "the name of an encoding, such as 'cp1252'"),
    ):
        check_argument(name, value, expected, fits=value is None or isinstance(value, str))
    fits = delimiter is None or can_delimit(delimiter)
    check_argument("delimiter", delimiter, "one character, such as ';'", fits=fits)
    source = open_source(path)
    _check_options(source, sheet=sheet, encoding=encoding, delimiter=delimiter)
    if source.kind == "text":
        grid = _without_apostrophes(read_text(source, encoding, delimiter))
    else:
        grid = read_grid(source, sheet, skip_hidden=hidden == "skip")
    frame, note = _people(grid, source.name)
    for sentence in filter(None, (*grid.notes, note)):
        warn(sentence)
    return frame


def sheet_names(path: str | os.PathLike[str] | IO[bytes]) -> list[str]:
    """Name the visible sheets of a workbook, in their order; a text file has none.

    Raises:
        FileNotFoundError, ContactsUnreadable: as `read_contacts` raises them.

    Example:
        >>> sheet_names("sample_data/spring_sale.csv")
        []
    """
    source = open_source(path)
    return [] if source.kind == "text" else visible_sheets(source)


def _check_options(
    source: Source, *, sheet: str | None, encoding: str | None, delimiter: str | None
) -> None:
    """Refuse an option that cannot mean anything for this kind of file."""
    if source.kind == "text" and sheet is not None:
        raise InvalidArgument(
            f"{source.name} is a text file, and a text file has no sheets. Leave out sheet=…, "
            "or name the workbook."
        )
    if source.kind != "text" and (encoding is not None or delimiter is not None):
        raise InvalidArgument(
            f"{source.name} is a workbook; encoding=… and delimiter=… are for text files. Leave "
            "them out."
        )
    if source.is_decoded and encoding is not None:
        raise InvalidArgument(
            f"{source.name} is open as text, so it is decoded already. Leave out encoding=…, or "
            "open it as bytes: open(…, 'rb')."
        )


def _without_apostrophes(grid: Grid) -> Grid:
    """Take away what `Campaign.to_csv` put before cells; a file of others is as it is."""
    if not set(OUTCOME_COLUMNS).issubset(map(str.strip, grid.header)):
        return grid
    frame = grid.frame.apply(_taken)
    return grid._replace(header=[*map(take, grid.header)], frame=frame)


def _taken(column: "pd.Series[str]") -> "pd.Series[str]":
    found = column.str.contains("'", regex=False)  # few have any, and most cells of a row none
    return column.mask(found, column[found].map(take)) if found.any() else column


def _people(grid: Grid, file: str) -> tuple[pd.DataFrame, str]:
    """Leave out what is blank or hidden, name the columns, and say what was hidden."""
    shown = [
        place for place, number in enumerate(grid.numbers) if number not in grid.hidden_columns
    ]
    if grid.header and not shown:
        raise ContactsUnreadable(
            f"All columns of {file} are hidden. hidden='keep' takes them, or show them and save."
        )
    if not any(grid.header[place].strip() for place in shown):
        raise ContactsUnreadable(
            f"The first row of {file} is blank; it must name every column. Give it a header."
        )
    frame = _without(grid.frame, _blank_rows(grid.frame, shown))
    hidden = np.flatnonzero(frame.index.isin(grid.hidden_rows))
    note = _note_of_hidden(grid, list(frame.index[hidden]), file)
    frame = _without(frame, hidden)
    used = [place for place in shown if grid.header[place].strip() or _has_cells(frame[place])]
    names = [grid.header[place].strip() for place in used]
    _check_names(names, [_column(grid.numbers[place]) for place in used], file)
    if len(used) < frame.shape[1]:
        frame = frame[used]
    frame.columns = pd.Index(names, dtype=STR)
    return frame, note


def _without(frame: pd.DataFrame, places: "np.ndarray[Any, Any]") -> pd.DataFrame:
    """Drop the rows at these places; most files have none, and a million rows are not copied."""
    return frame.drop(index=frame.index[places]) if len(places) else frame


def _blank_rows(frame: pd.DataFrame, columns: Sequence[int]) -> "np.ndarray[Any, Any]":
    """Find the rows that are blank in all columns: each column is asked about those still left."""
    rows = np.arange(len(frame))
    for column in columns:
        if not len(rows):
            break
        texts = frame[column].array
        rows = rows[_blanks(texts if len(rows) == len(frame) else texts[rows])]
    return rows


def _blanks(texts: Any) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Tell which texts of a `str` array are blank."""
    if texts.dtype.storage == "pyarrow":
        return (pd.Series(texts).str.strip() == "").to_numpy(dtype=bool)
    texts = np.asarray(texts, dtype=object)
    if all(map(str.strip, texts)):  # quick, and true of most first columns
        return np.zeros(len(texts), dtype=bool)
    return np.array([not text.strip() for text in texts], dtype=bool)


def _has_cells(column: "pd.Series[str]") -> bool:
    return not _blanks(column.array).all()


def _check_names(names: Sequence[str], letters: Sequence[str], file: str) -> None:
    if any(map(_PHONE_NUMBER.fullmatch, names)):
        raise ContactsUnreadable(f"{file} has no header.{header_hint(names)}")
    places: dict[str, list[str]] = {}
    for name, letter in zip(names, letters, strict=True):
        places.setdefault(name, []).append(letter)
    for name, found in places.items():
        if not name:
            raise ContactsUnreadable(
                f"Column {found[0]} of {file} has cells but no name in the first row. Name it."
                + header_hint(names)
            )
        if len(found) > 1:
            raise ContactsUnreadable(
                f"Two columns of {file} are named {told(name)}: {found[0]} and {found[1]}. Rename "
                "one." + header_hint(names)
            )


def _note_of_hidden(grid: Grid, rows: Sequence[int], file: str) -> str:
    columns = [
        told(name) if (name := grid.header[place].strip()) else _column(number)
        for place, number in enumerate(grid.numbers)
        if number in grid.hidden_columns
    ]
    what = [
        f"{len(hidden)} hidden {kind}{'s' * (len(hidden) > 1)} ({kind} {_listed(hidden)})"
        for kind, hidden in (("row", rows), ("column", columns))
        if hidden
    ]
    if not what:
        return ""
    return (
        f"{' and '.join(what)} of {file} left out, since a hidden row is usually one that was "
        "filtered away. hidden='keep' takes them."
    )


def _column(number: int) -> str:
    """Name a column as a spreadsheet does, and by its number."""
    return f"{column_letters(number)} ({number})"


def _listed(items: Sequence[object]) -> str:
    shown = ", ".join(map(str, items[:_NAMED_AT_MOST]))
    return shown + (", …" if len(items) > _NAMED_AT_MOST else "")
