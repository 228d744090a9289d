"""Workbooks of Excel: `.xlsx` and `.xlsm` (ECMA-376, Office Open XML)."""

import posixpath
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.files.cell_values import (
    Dress,
    dress_of,
    iso_text,
    number_text,
    serial_text,
)
from smspm_campaigns.frames.files.grid import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Cells, Grid, checked
from smspm_campaigns.frames.files.xml_parts import Archive, Attributes, Elements

_MAIN: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # the strict edition
)
_RELATIONS: Final = ("http://schemas.openxmlformats.org/package/2006/relationships",)
_RELATION_IDS: Final = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)

#: Number formats that have a number and no code, and show dates or times (ECMA-376 18.8.30).
_BUILT_IN: Final[dict[int, Dress]] = {
    **dict.fromkeys([*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)], "moment"),
    46: "duration",
}
_MAX_FORMATS: Final = 65_490  # Excel's limit of cell formats
_LONGEST_FORMAT: Final = 255  # characters, Excel's limit
_MAX_TEXTS: Final = 10_000_000  # different ones in a workbook
_LONGEST_STORED: Final = 7 * MAX_CELL  # every character may be escaped as _x0009_
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_REFERENCE: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_UNTRUE: Final = (None, "0", "false")  # an xsd:boolean has two spellings


class SheetInfo(NamedTuple):
    name: str
    visible: bool
    part: str  # where its cells stand


class OfficeBook:
    """An `.xlsx` workbook. Opening it reads its list of sheets, not their cells."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        main = _targets(archive, "_rels/.rels", "").of_kind("officeDocument", "xl/workbook.xml")
        self._related = _targets(archive, _relations_of(main), posixpath.dirname(main))
        self._since_1904 = False
        self._uncomputed = False
        self.sheets: list[SheetInfo] = []
        archive.parse(
            main,
            Elements(
                workbookPr=self._take_properties,
                calcPr=self._take_computing,
                sheet=self._take_sheet,
            ),
            *_MAIN,
        )

    def _take_properties(self, attributes: Attributes) -> None:
        self._since_1904 = attributes.get("date1904") not in _UNTRUE

    def _take_computing(self, attributes: Attributes) -> None:
        self._uncomputed = attributes.get("fullCalcOnLoad") not in _UNTRUE

    def _take_sheet(self, attributes: Attributes) -> None:
        relation = next((attributes[key] for key in _RELATION_IDS if key in attributes), "")
        kind, part = self._related.by_id[relation]
        if kind == "worksheet":  # and no chart
            visible = attributes.get("state", "visible") == "visible"
            self.sheets.append(SheetInfo(attributes["name"], visible, part))

    def read(self, sheet: SheetInfo) -> Grid:
        texts: list[str] = []
        if part := self._related.of_kind("sharedStrings"):
            self._archive.parse(part, _SharedTexts(texts), *_MAIN)
        styles = _Styles()
        if part := self._related.of_kind("styles"):
            self._archive.parse(part, styles, *_MAIN)
        reader = _SheetReader(
            texts, styles.dresses(), since_1904=self._since_1904, uncomputed=self._uncomputed
        )
        self._archive.parse(sheet.part, reader, *_MAIN)
        return reader.grid()


class _Targets(NamedTuple):
    """Where the relations of a part lead: by id, (kind, part)."""

    by_id: dict[str, tuple[str, str]]

    def of_kind(self, wanted: str, default: str = "") -> str:
        return next((part for kind, part in self.by_id.values() if kind == wanted), default)


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _targets(archive: Archive, part: str, folder: str) -> _Targets:
    by_id: dict[str, tuple[str, str]] = {}

    def take(attributes: Attributes) -> None:
        if attributes.get("TargetMode") != "External":
            kind = attributes["Type"].rpartition("/")[2]
            path = posixpath.normpath(posixpath.join("/", folder, attributes["Target"]))
            by_id[attributes["Id"]] = kind, path.lstrip("/")

    if part in archive:
        archive.parse(part, Elements(Relationship=take), *_RELATIONS)
    return _Targets(by_id)


class _SharedTexts:
    """Gathers the texts that cells refer to; formatting goes, and so does reading aid (`rPh`)."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self._pieces = _Pieces()
        self._aid = False
        self._shown = False

    def start(self, name: str, _: Attributes) -> None:
        if name == "t":
            self._shown = not self._aid
        elif name == "rPh":
            self._aid = True

    def end(self, name: str) -> None:
        if name == "t":
            self._shown = False
        elif name == "rPh":
            self._aid = False
        elif name == "si":
            self._texts.append(_plain(self._pieces.take()))
            if len(self._texts) > _MAX_TEXTS:
                raise ContactsUnreadable(f"It has more than {_MAX_TEXTS:,} different texts.")

    def text(self, text: str) -> None:
        if self._shown:
            self._pieces.add(text)


class _Pieces:
    """The text of one cell, which arrives in pieces."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0

    def add(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > _LONGEST_STORED:
            raise ContactsUnreadable("A cell has more characters than a spreadsheet's cell can.")

    def take(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text


def _plain(text: str) -> str:
    """Resolve the escapes of characters that XML cannot hold."""
    if "_x" in text:  # an escape is a UTF-16 unit: two may make one character
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return checked(text)


class _Styles:
    """Gathers how the styles of cells dress a number."""

    def __init__(self) -> None:
        self._codes: dict[int, Dress] = dict(_BUILT_IN)
        self._formats: list[int] = []
        self._of_cells = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            code = attributes["formatCode"][:_LONGEST_FORMAT]
            self._codes[int(attributes["numFmtId"])] = dress_of(code)
        elif name == "cellXfs":
            self._of_cells = True
        elif name == "xf" and self._of_cells:
            self._formats.append(int(attributes.get("numFmtId", 0)))
        if max(len(self._codes), len(self._formats)) > _MAX_FORMATS:
            raise ContactsUnreadable(f"It has more than {_MAX_FORMATS:,} cell formats.")

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._of_cells = False

    def text(self, text: str) -> None: ...

    def dresses(self) -> list[Dress]:
        return [self._codes.get(number, "number") for number in self._formats]


class _SheetReader:
    """Gathers the cells of a sheet, what is hidden in it and what is merged."""

    def __init__(
        self, texts: Sequence[str], dresses: Sequence[Dress], *, since_1904: bool, uncomputed: bool
    ) -> None:
        self._texts = texts
        self._dresses = dresses
        self._since_1904 = since_1904
        self._uncomputed = uncomputed  # numbers of formulas are still to be computed
        self._cells = Cells()
        self._hidden_rows: set[int] = set()
        self._hidden_columns = bytearray(MAX_COLUMNS + 1)  # a flag for each column
        self._flat = False  # rows have no height unless they say so
        self._columns: dict[str, int] = {}
        self._row = 0
        self._row_texts: dict[int, str] | None = None
        self._cell: Attributes | None = None
        self._column = 0
        self._formula = False
        self._blanks = 0
        self._taking = False
        self._aid = False
        self._pieces = _Pieces()

    def start(self, name: str, attributes: Attributes) -> None:
        if self._row_texts is not None:
            if name == "c":
                self._cell = attributes
                self._formula = False
            elif name in ("v", "t"):
                self._taking = self._cell is not None and not self._aid
            elif name == "f":
                self._formula = True
            elif name == "rPh":
                self._aid = True
        elif name == "row":
            self._start_row(attributes)
        elif name == "col":
            self._take_column(attributes)
        elif name == "mergeCell":
            self._take_merged(attributes["ref"])
        elif name == "sheetFormatPr":
            self._flat = float(attributes.get("defaultRowHeight", 1)) == 0

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self._taking = False
        elif name == "c" and self._cell is not None:
            self._end_cell(self._cell)
            self._cell = None
        elif name == "row" and self._row_texts is not None:
            self._cells.add_row(self._row, self._row_texts)
            self._row_texts = None
        elif name == "rPh":
            self._aid = False

    def text(self, text: str) -> None:
        if self._taking:
            self._pieces.add(text)

    def _start_row(self, attributes: Attributes) -> None:
        self._row = int(attributes.get("r", self._row + 1))
        if self._row > MAX_ROWS:
            raise ContactsUnreadable(f"It has more than {MAX_ROWS:,} rows.")
        self._row_texts = {}
        self._column = 0
        height = attributes.get("ht")
        flat = self._flat if height is None else float(height) == 0
        if flat or attributes.get("hidden") not in _UNTRUE:
            self._hidden_rows.add(self._row)

    def _take_column(self, attributes: Attributes) -> None:
        if attributes.get("hidden") not in _UNTRUE or float(attributes.get("width", 1)) == 0:
            first, last = max(int(attributes["min"]), 1), min(int(attributes["max"]), MAX_COLUMNS)
            self._hidden_columns[first : last + 1] = b"\1" * (last - first + 1)

    def _take_merged(self, reference: str) -> None:
        found = [_REFERENCE.fullmatch(corner) for corner in reference.split(":")]
        (left, top), (_, bottom) = (corner.groups() for corner in (found[0], found[-1]) if corner)
        if top != bottom:
            self._cells.merge(int(top), int(bottom), _column_number(left))

    def _end_cell(self, cell: Attributes) -> None:
        if reference := cell.get("r"):
            letters = reference.rstrip("0123456789")
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = _column_number(letters)
        else:
            column = self._column + 1
        self._column = column
        stored = self._pieces.take()
        if (text := self._text_of(cell, stored)) and self._row_texts is not None:
            self._row_texts[column] = text

    def _text_of(self, cell: Attributes, stored: str) -> str:  # noqa: PLR0911 - one for each kind
        kind = cell.get("t", "n")
        if kind == "n" and self._formula and (not stored or (self._uncomputed and stored == "0")):
            self._blanks += 1
            return ""
        if not stored or kind == "e":
            return ""
        if kind == "s":
            return self._texts[_place(stored)]
        if kind == "n":
            style = _place(cell.get("s", "0"))
            dress = self._dresses[style] if style < len(self._dresses) else "number"
            if dress == "number":
                return number_text(stored)
            return serial_text(stored, dress, since_1904=self._since_1904)
        if kind == "b":
            return "FALSE" if stored in _UNTRUE else "TRUE"
        return iso_text(stored) if kind == "d" else _plain(stored)

    def grid(self) -> Grid:
        formulas = "formula was" if self._blanks == 1 else "formulas were"
        note = (
            f"{self._blanks} {formulas} never computed and read as blank. Open the file in Excel "
            "or LibreOffice and save it, and they have their values."
        )
        return self._cells.grid(
            hidden_rows=self._hidden_rows,
            hidden_columns=[place for place, flag in enumerate(self._hidden_columns) if flag],
            notes=[note] if self._blanks else [],
        )


def _place(stored: str) -> int:
    """Read a place in a list, which Python would also count from the end."""
    place = int(stored)
    if place < 0:
        raise ValueError(f"place {place}")
    return place


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
