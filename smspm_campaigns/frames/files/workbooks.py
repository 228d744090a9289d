"""A workbook of any kind: which of its sheets is read, and what is said about it."""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol
from xml.parsers import expat

import python_calamine as calamine

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.cells import quoted, told
from smspm_campaigns.frames.files.binary_books import BinaryBook
from smspm_campaigns.frames.files.grid import Grid
from smspm_campaigns.frames.files.office_xml import OfficeBook, SheetInfo
from smspm_campaigns.frames.files.open_document import OpenBook
from smspm_campaigns.frames.files.sources import Source
from smspm_campaigns.frames.files.xml_parts import Archive
from smspm_campaigns.masking import mask_text

#: What a damaged file makes the libraries say: each is a fault of the file, not of ours.
_DAMAGES: Final = (
    calamine.CalamineError,
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,  # a part that is encrypted, or packed in a way that zipfile lacks
    OSError,  # the content is in memory: a place beyond its end
    struct.error,
    LookupError,  # a part, an attribute or a shared text that is referred to and not there
    ValueError,  # no number where there must be one
    OverflowError,
)
_LISTED_AT_MOST: Final = 20  # sheets named in a sentence


class _Book(Protocol):
    @property
    def sheets(self) -> Sequence[SheetInfo]: ...

    def read(self, sheet: SheetInfo) -> Grid: ...


def read_grid(source: Source, sheet: str | None, *, skip_hidden: bool) -> Grid:
    """Read one sheet: the one named, else the first that is visible or may be taken hidden.

    Raises:
        ContactsUnreadable: no spreadsheet, protected, more than a spreadsheet holds, or no such
            sheet.
    """
    with _reading(source):
        book = _open(source)
    chosen, notes = _choose_sheet(book.sheets, sheet, source, skip_hidden=skip_hidden)
    with _reading(source):
        grid = book.read(chosen)
    if source.kind in ("xls", "xlsb") and skip_hidden:
        notes.append(
            f"Hidden rows cannot be seen in a .{source.kind} file: if rows of {source.name} were "
            "filtered out, they are in. Save it as .xlsx to have them left out."
        )
    if skip_hidden:
        return grid._replace(notes=[*notes, *grid.notes])
    return grid._replace(
        notes=[*notes, *grid.notes], hidden_rows=frozenset(), hidden_columns=frozenset()
    )


def visible_sheets(source: Source) -> list[str]:
    """Return the names of the sheets a person sees, in their order.

    Raises:
        ContactsUnreadable: no spreadsheet, or protected.
    """
    with _reading(source):
        return [info.name for info in _open(source).sheets if info.visible]


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    """Turn what is wrong with a file into a sentence about it."""
    try:
        yield
    except ContactsUnreadable as error:
        reason = str(error)
    except _DAMAGES as error:
        reason = f"It is damaged, or no spreadsheet ({quoted(mask_text(str(error)))})."
    else:
        return
    raise ContactsUnreadable(
        f"{source.name} cannot be read. {reason} Open it in Excel or LibreOffice and save it as "
        ".xlsx or .csv."
    )


def _open(source: Source) -> _Book:
    if source.kind == "xlsx":
        return OfficeBook(Archive(source.content))
    if source.kind == "ods":
        return OpenBook(Archive(source.content))
    return BinaryBook(source.content)


def _choose_sheet(
    sheets: Sequence[SheetInfo], wanted: str | None, source: Source, *, skip_hidden: bool
) -> tuple[SheetInfo, list[str]]:
    """Return the sheet to read, and what to say about the others."""
    if wanted is not None:
        for info in sheets:
            if info.name == wanted:
                return info, []
        raise ContactsUnreadable(
            f"{source.name} has no sheet {told(wanted)}. Its sheets are: {_names(sheets)}."
        )
    skipped = [info for info in sheets if skip_hidden and not info.visible]
    seen = [info for info in sheets if info not in skipped]
    if not seen:
        raise ContactsUnreadable(
            f"{source.name} has no visible sheet. Name the one to read: sheet=…"
        )
    chosen, *others = seen
    notes = []
    if skipped:
        notes.append(
            f"{len(skipped)} hidden sheet{'s' * (len(skipped) > 1)} of {source.name} left out: "
            f"{_names(skipped)}. To choose one, say sheet=…"
        )
    if others:
        notes.append(
            f"{source.name} has several sheets; {told(chosen.name)} was read, and not "
            f"{_names(others)}. To choose one, say sheet=…"
        )
    return chosen, notes


def _names(sheets: Sequence[SheetInfo]) -> str:
    shown = ", ".join(told(info.name) for info in sheets[:_LISTED_AT_MOST])
    return shown + (", …" if len(sheets) > _LISTED_AT_MOST else "")
