"""Spreadsheets: the cells of a sheet as a person sees them, and what was hidden in it."""

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.parsers import expat

import python_calamine as calamine

from smspm_campaigns.exceptions import ContactsUnreadable, SmspmWarning
from smspm_campaigns.frames.cells import as_text

#: Formats whose XML tells what is hidden.
OFFICE_XML: Final = (".xlsx", ".xlsm")

_CHUNK: Final = 1 << 16  # bytes of XML read at a time


class Grid(NamedTuple):
    """A sheet as text. `rows` begins with spreadsheet row 1; hidden ones are 1-based numbers."""

    rows: list[list[str]]
    hidden_rows: frozenset[int]
    hidden_columns: frozenset[int]


def read_grid(path: Path, sheet: str | None, *, look_for_hidden: bool) -> Grid:
    """Read one sheet: the one named, else the first that is visible.

    Raises:
        ContactsUnreadable: no spreadsheet, protected, or no such sheet.
    """
    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            name = _choose_sheet(book, sheet, path)
            cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        rows = [[_shown(value) for value in row] for row in cells]
        hidden = _hidden(path, name) if look_for_hidden else (frozenset(), frozenset())
    except calamine.PasswordError:
        raise ContactsUnreadable(
            f"{path.name} is protected by a password. Save a copy without one, and read that."
        ) from None
    except (calamine.CalamineError, zipfile.BadZipFile, expat.ExpatError, KeyError) as error:
        raise ContactsUnreadable(
            f"{path.name} is not a spreadsheet that can be read ({error}). Open it in Excel or "
            "LibreOffice and save it as .xlsx or .csv."
        ) from None
    return Grid(rows, *hidden)


def _shown(value: Any) -> str:
    return as_text(value).strip(" ") if isinstance(value, str) else as_text(value)


def _choose_sheet(book: calamine.CalamineWorkbook, sheet: str | None, path: Path) -> str:
    names = book.sheet_names
    if sheet is not None:
        if sheet not in names:
            raise ContactsUnreadable(
                f"{path.name} has no sheet {sheet!r}. Its sheets are: {', '.join(names)}."
            )
        return sheet
    visible = [
        info.name
        for info in book.sheets_metadata
        if info.visible == calamine.SheetVisibleEnum.Visible
        and info.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    if not visible:
        raise ContactsUnreadable(f"{path.name} has no visible sheet. Name the one to read: sheet=…")
    if len(visible) > 1:
        warnings.warn(
            f"{path.name} has several sheets; {visible[0]!r} was read, and not "
            f"{', '.join(map(repr, visible[1:]))}. Choose with sheet=….",
            SmspmWarning,
            stacklevel=4,
        )
    return visible[0]


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
