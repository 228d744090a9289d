"""A campaign file becomes a frame of text."""

import codecs
import csv
import io
import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from smspm_campaigns.exceptions import ContactsUnreadable, InvalidArgument, SmspmWarning
from smspm_campaigns.frames.cells import told
from smspm_campaigns.frames.columns import STR, check_argument, check_choice, header_hint
from smspm_campaigns.frames.workbooks import Grid, read_grid

_TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")
_BOOK_SUFFIXES: Final = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_DELIMITERS: Final = ";,\t|"
_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: What a spreadsheet shows where a formula failed. As a text file it holds these very words.
_ERROR_CELLS: Final = (
    "#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!",
)  # fmt: skip
_FIRST_ROW: Final = 2  # the spreadsheet row below the header
_NAMED_AT_MOST: Final = 10  # rows named in a warning

_QUOTED: Final = r'"[^"]*+(?:""[^"]*+)*+"'
_HEADER: Final = re.compile(rf'(?:{_QUOTED}|[^"\r\n])*+')
_RAGGED: Final = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_UNCLOSED: Final = re.compile(r"EOF inside string starting at row (\d+)")


def read_contacts(
    path: str | os.PathLike[str],
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    hidden: Literal["skip", "keep"] = "skip",
) -> pd.DataFrame:
    """Read a campaign file, every cell as text, nothing converted.

    Args:
        path: a `.csv`, `.tsv`, `.txt`, `.xlsx`, `.xlsm`, `.xls`, `.xlsb` or `.ods` file.
        sheet: the sheet of a workbook; the first visible one by default.
        encoding: of a text file; UTF-8, or what its byte order mark says, by default.
        delimiter: of a text file; found in its header by default.
        hidden: `"skip"` leaves out hidden rows, columns and sheets, with a warning: people filter a
            sheet and believe they removed those rows. `"keep"` takes them.

    Returns:
        A frame of `str` columns, blank cells as `""`. Excel error cells (`#N/A`, `#REF!`, …) are
        blank, so that nobody is texted "Hi #N/A". The index is named `row` and holds the row
        number a person sees in the spreadsheet (the header is row 1). Blank rows are left out.

    Raises:
        FileNotFoundError: there is no such file.
        ContactsUnreadable: the file is not what its name says, has no header, two equal headers,
            or bytes that are not in the encoding.
        InvalidArgument: an option that cannot be meant, such as the sheet of a text file.

    Example:
        >>> import smspm_campaigns as smspm
        >>> people = smspm.read_contacts("sample_data/opted_out.csv")
        >>> people.index.name, people.index[0]
        ('row', 2)
    """
    fits = isinstance(path, str | os.PathLike)
    check_argument("path", path, "the path of a file, such as 'people.csv'", fits=fits)
    path = Path(path)
    check_choice("hidden", hidden, "skip", "keep")
    for name, value, expected in (
        ("sheet", sheet, "the name of a sheet, such as 'Customers'"),
        ("encoding", encoding, "the name of an encoding, such as 'cp1252'"),
    ):
        check_argument(name, value, expected, fits=value is None or isinstance(value, str))
    fits = delimiter is None or _can_delimit(delimiter)
    check_argument("delimiter", delimiter, "one character, such as ';'", fits=fits)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"{path} {what}. Check the path; it is relative to {Path.cwd()}.")
    suffix = path.suffix.lower()
    if suffix in _BOOK_SUFFIXES:
        grid = read_grid(path, sheet, skip_hidden=hidden == "skip")
        return _from_grid(grid, path)
    if suffix in _TEXT_SUFFIXES:
        if sheet is not None:
            raise InvalidArgument(
                f"{path.name} is a text file, and a text file has no sheets. Leave out sheet=…, "
                "or name the workbook."
            )
        return _from_text(_decode(path, encoding), delimiter, path)
    raise ContactsUnreadable(
        f"{path.name} is none of {', '.join(_TEXT_SUFFIXES + _BOOK_SUFFIXES)}. Save it as one of "
        "these, .xlsx or .csv best."
    )


def _can_delimit(text: Any) -> bool:
    return isinstance(text, str) and len(text) == 1 and text.isascii() and text not in '"\r\n\0'


def _decode(path: Path, encoding: str | None) -> str:
    data = path.read_bytes()
    if encoding is None:
        marks = (name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
        encoding = next(marks, "utf-8")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        # Not in `data`: utf-8-sig counts from behind the mark.
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ContactsUnreadable(
            f"Line {line} of {path.name} is not in {encoding}, and nothing was guessed. Say how "
            "the file was saved, for example encoding='cp1252' (Western Europe) or 'cp1257' "
            "(Baltic), or save it again as 'CSV UTF-8'."
        ) from None
    except (LookupError, ValueError):
        raise InvalidArgument(
            f"There is no encoding {told(encoding)}. Common ones are utf-8, cp1252 and cp1257."
        ) from None


def _from_text(text: str, delimiter: str | None, path: Path) -> pd.DataFrame:
    if "\0" in text:
        raise ContactsUnreadable(
            f"{path.name} holds NUL characters: it is no text file, or is damaged."
        )
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and _can_delimit(first.strip()[len("sep=") :]):
        delimiter = delimiter or first.strip()[-1]
        text = rest
    delimiter = delimiter or _find_delimiter(text)
    header = _cells_of_header(text, delimiter, path)
    if not any(name.strip() for name in header):
        raise _no_header(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a cell too many in row 2
            frame = pd.read_csv(
                io.StringIO(text, newline=""),
                sep=delimiter,
                header=0,
                names=range(len(header)),
                dtype=STR,
                keep_default_na=False,
                skip_blank_lines=False,
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise _no_table(path, delimiter, _reason(error)) from None
    return _finish(frame.fillna(""), header, range(1, len(header) + 1), path)


def _find_delimiter(text: str) -> str:
    """Choose the delimiter that stands most often in the header, outside quotes."""
    header = _HEADER.match(text)
    plain = re.sub(_QUOTED, "", header[0] if header else "")
    best = max(_DELIMITERS, key=plain.count)
    return best if best in plain else ","


def _cells_of_header(text: str, delimiter: str, path: Path) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise _no_table(path, delimiter, f"the header cannot be read ({error})") from None


def _reason(error: Exception) -> str:
    """Say in rows of the spreadsheet what pandas found."""
    if isinstance(error, pd.errors.ParserWarning):
        return f"row {_FIRST_ROW} has more cells than the header"
    if ragged := _RAGGED.search(str(error)):
        return f"row {ragged[2]} has {ragged[3]} cells, and the header has {ragged[1]}"
    if unclosed := _UNCLOSED.search(str(error)):
        return f'a quote (") that begins in row {int(unclosed[1]) + 1} never ends'
    return str(error).strip().removeprefix("Error tokenizing data. C error: ")


def _no_table(path: Path, delimiter: str, reason: str) -> ContactsUnreadable:
    return ContactsUnreadable(
        f"{path.name} cannot be read with {delimiter!r} between its cells: {reason}. Mend that "
        "row, or say delimiter=…"
    )


def _from_grid(grid: Grid, path: Path) -> pd.DataFrame:
    width = max(map(len, grid.rows), default=0)
    numbers = [number for number in range(1, width + 1) if number not in grid.hidden_columns]
    cells = [[row[number - 1] for number in numbers] for row in grid.rows]
    header = cells[0] if cells else []
    if not any(name.strip() for name in header):
        raise _no_header(path)
    frame = pd.DataFrame(cells[1:], columns=range(len(numbers)), dtype=STR)
    frame = _finish(frame, header, numbers, path)
    hidden = frame.index.isin(grid.hidden_rows)
    columns = [_title_of(grid, number) for number in sorted(grid.hidden_columns) if number <= width]
    if hidden.any() or columns:
        _warn_of_hidden(list(frame.index[hidden]), columns, path)
    return frame[~hidden]


def _title_of(grid: Grid, number: int) -> str:
    title = grid.rows[0][number - 1].strip()
    return told(title) if title else f"no. {number}"


def _no_header(path: Path) -> ContactsUnreadable:
    return ContactsUnreadable(
        f"The first row of {path.name} is blank; it must name every column. Give it a header."
    )


def _warn_of_hidden(rows: Sequence[int], columns: Sequence[str], path: Path) -> None:
    what = [
        f"{len(hidden)} hidden {kind}{'s' * (len(hidden) > 1)} ({kind} {_named(hidden)})"
        for kind, hidden in (("row", rows), ("column", columns))
        if hidden
    ]
    warnings.warn(
        f"{' and '.join(what)} of {path.name} left out, since a hidden row is usually one that "
        "was filtered away. hidden='keep' takes them.",
        SmspmWarning,
        stacklevel=4,
    )


def _named(hidden: Sequence[object]) -> str:
    shown = ", ".join(map(str, hidden[:_NAMED_AT_MOST]))
    return shown + (", …" if len(hidden) > _NAMED_AT_MOST else "")


def _finish(
    frame: pd.DataFrame, header: Sequence[str], numbers: Sequence[int], path: Path
) -> pd.DataFrame:
    """Name the columns and rows, drop what is blank, and refuse headers that cannot be told apart.

    `numbers` are the spreadsheet columns, 1-based, of the header's cells.
    """
    names = [name.strip() for name in header]
    frame.index = pd.RangeIndex(_FIRST_ROW, _FIRST_ROW + len(frame), name="row")
    frame = frame.mask(frame.isin(_ERROR_CELLS), "")
    blank = frame.apply(lambda column: column.str.strip() == "")
    used = [place for place, name in enumerate(names) if name or not blank[place].all()]
    nameless = [numbers[place] for place in used if not names[place]]
    if nameless:
        raise ContactsUnreadable(
            f"Column {nameless[0]} of {path.name} has cells but no name in the first row. Name it."
            + header_hint(names)
        )
    twice = [names[place] for place in used if names.count(names[place]) > 1]
    if twice:
        raise ContactsUnreadable(
            f"Two columns of {path.name} are named {told(twice[0])}. Rename one."
            + header_hint(names)
        )
    frame = frame.loc[~blank.all(axis=1), used]
    frame.columns = pd.Index([names[place] for place in used], dtype=STR)
    return frame
