"""Spreadsheets: the cells of a sheet as a person sees them, and what was hidden in it."""

import warnings
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.parsers import expat

import python_calamine as calamine

from smspm_campaigns.exceptions import ContactsUnreadable, SmspmWarning
from smspm_campaigns.frames.cells import as_text, told

#: Formats whose XML tells what is hidden.
OFFICE_XML: Final = (".xlsx", ".xlsm")

_CHUNK: Final = 1 << 16  # bytes of XML read at a time

_Range = tuple[tuple[int, int], tuple[int, int]]  # first and last (row, column), from 0


class Grid(NamedTuple):
    """A sheet as text. `rows` begins with spreadsheet row 1; hidden ones are 1-based numbers."""

    rows: list[list[str]]
    hidden_rows: frozenset[int]
    hidden_columns: frozenset[int]


def read_grid(path: Path, sheet: str | None, *, skip_hidden: bool) -> Grid:
    """Read one sheet: the one named, else the first that is visible or may be taken hidden.

    Raises:
        ContactsUnreadable: no spreadsheet, protected, or no such sheet.
    """
    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            name = _choose_sheet(book, sheet, path, skip_hidden=skip_hidden)
            cells = book.get_sheet_by_name(name)
            values = cells.to_python(skip_empty_area=False)
            rows = [[as_text(value) for value in row] for row in values]
            _fill_merged(rows, cells.merged_cell_ranges or ())
        hidden = _hidden(path, name) if skip_hidden else (frozenset(), frozenset())
    except calamine.PasswordError:
        raise ContactsUnreadable(
            f"{path.name} is protected by a password. Save a copy without one, and read that."
        ) from None
    except (
        calamine.CalamineError,
        zipfile.BadZipFile,
        expat.ExpatError,
        KeyError,
        StopIteration,
    ) as error:
        raise ContactsUnreadable(
            f"{path.name} is not a spreadsheet that can be read ({error}). Open it in Excel or "
            "LibreOffice and save it as .xlsx or .csv."
        ) from None
    return Grid(rows, *hidden)


def _fill_merged(rows: list[list[str]], ranges: Iterable[_Range]) -> None:
    """Write the value of merged cells into every row they cover below the header."""
    for (top, left), (bottom, _) in ranges:
        if 0 < top < len(rows) and left < len(rows[top]):
            for row in rows[top + 1 : bottom + 1]:
                row[left] = rows[top][left]


def _choose_sheet(
    book: calamine.CalamineWorkbook, sheet: str | None, path: Path, *, skip_hidden: bool
) -> str:
    names = book.sheet_names
    if sheet is not None:
        if sheet not in names:
            raise ContactsUnreadable(
                f"{path.name} has no sheet {told(sheet)}. Its sheets are: "
                f"{', '.join(map(told, names))}."
            )
        return sheet
    sheets = [info for info in book.sheets_metadata if info.typ == calamine.SheetTypeEnum.WorkSheet]
    skipped = [
        info.name
        for info in sheets
        if skip_hidden and info.visible != calamine.SheetVisibleEnum.Visible
    ]
    wanted = [info.name for info in sheets if info.name not in skipped]
    if not wanted:
        raise ContactsUnreadable(f"{path.name} has no visible sheet. Name the one to read: sheet=…")
    if skipped:
        warnings.warn(
            f"{len(skipped)} hidden sheet{'s' * (len(skipped) > 1)} of {path.name} left out: "
            f"{', '.join(map(told, skipped))}. Choose with sheet=….",
            SmspmWarning,
            stacklevel=4,
        )
    if len(wanted) > 1:
        warnings.warn(
            f"{path.name} has several sheets; {told(wanted[0])} was read, and not "
            f"{', '.join(map(told, wanted[1:]))}. Choose with sheet=….",
            SmspmWarning,
            stacklevel=4,
        )
    return wanted[0]


def _hidden(path: Path, sheet: str) -> tuple[frozenset[int], frozenset[int]]:
    """Read from the XML which rows and columns of a sheet are hidden. calamine does not tell."""
    if path.suffix.lower() not in OFFICE_XML:
        warnings.warn(
            f"Hidden rows cannot be seen in a {path.suffix} file: if rows of {path.name} were "
            "filtered out, they are in. Save it as .xlsx to have them left out.",
            SmspmWarning,
            stacklevel=4,
        )
        return frozenset(), frozenset()
    rows: set[int] = set()
    columns: set[int] = set()
    with zipfile.ZipFile(path) as archive:
        number = 0
        for tag, attributes in _elements(archive, _sheet_part(archive, sheet)):
            if tag == "row":
                number = int(attributes.get("r", number + 1))
                if _is_true(attributes.get("hidden")):
                    rows.add(number)
            elif tag == "col" and _is_true(attributes.get("hidden")):
                columns.update(range(int(attributes["min"]), int(attributes["max"]) + 1))
    return frozenset(rows), frozenset(columns)


def _is_true(attribute: str | None) -> bool:
    return attribute in ("1", "true")  # an xsd:boolean has two spellings


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Find the part of the archive that holds a sheet, through the workbook's relations."""
    relation = next(
        next(value for key, value in attributes.items() if key.endswith("id") and key != "sheetId")
        for tag, attributes in _elements(archive, "xl/workbook.xml")
        if tag == "sheet" and attributes["name"] == sheet
    )
    target = next(
        attributes["Target"]
        for tag, attributes in _elements(archive, "xl/_rels/workbook.xml.rels")
        if tag == "Relationship" and attributes["Id"] == relation
    )
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _elements(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Stream the elements of an XML part as (name without prefix, attributes)."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: found.append(
        (name.rpartition(":")[2], attributes)
    )
    parser.StartDoctypeDeclHandler = _refuse_doctype
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk)
            yield from found
            found.clear()


def _refuse_doctype(*_: Any) -> None:
    raise ContactsUnreadable(
        "The workbook declares XML entities, which no spreadsheet program does."
    )
