"""Workbooks of LibreOffice: `.ods` (OpenDocument 1.3, part 3)."""

from typing import Final

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.files.cell_values import iso_text, lasting_text, number_text
from smspm_campaigns.frames.files.grid import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Cells, Grid, checked
from smspm_campaigns.frames.files.office_xml import SheetInfo
from smspm_campaigns.frames.files.xml_parts import Archive, Attributes

_SPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE: Final = f"{_SPACE}table:1.0"
_OFFICE: Final = f"{_SPACE}office:1.0"
_STYLE: Final = f"{_SPACE}style:1.0"
_TEXT: Final = f"{_SPACE}text:1.0"
_ERROR_TYPE: Final = (
    "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 value-type"
)
_PART: Final = "content.xml"
_NOTED: Final = ("annotation", "note")  # what is written about a cell, not in it


class OpenBook:
    """An `.ods` workbook. Opening it reads its list of sheets, not their cells."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        found = _SheetFinder()
        archive.parse(_PART, found, _TABLE, _OFFICE, _STYLE)
        self.sheets = found.sheets

    def read(self, sheet: SheetInfo) -> Grid:
        reader = _SheetReader(int(sheet.part))
        self._archive.parse(_PART, reader, _TABLE, _OFFICE, _TEXT)
        return reader.grid()


class _SheetFinder:
    """Lists the tables of the document, and not those within a table or a list of changes."""

    def __init__(self) -> None:
        self.sheets: list[SheetInfo] = []
        self._path: list[str] = []
        self._style = ""
        self._undisplayed: set[str] = set()

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "style":
            self._style = attributes.get(f"{_STYLE} name", "")
        elif name == "table-properties" and attributes.get(f"{_TABLE} display") == "false":
            self._undisplayed.add(self._style)
        elif name == "table" and self._path[-1:] == ["spreadsheet"]:
            self.sheets.append(
                SheetInfo(
                    attributes[f"{_TABLE} name"],
                    attributes.get(f"{_TABLE} style-name") not in self._undisplayed,
                    str(len(self.sheets)),
                )
            )
        self._path.append(name)

    def end(self, _: str) -> None:
        self._path.pop()

    def text(self, text: str) -> None: ...


class _SheetReader:
    """Gathers the cells of the table of that place, what is hidden in it and what is merged."""

    def __init__(self, place: int) -> None:
        self._tables_before = place
        self._cells = Cells()
        self._hidden_rows: set[int] = set()
        self._hidden_columns: set[int] = set()
        self._path: list[str] = []
        self._inside = False
        self._columns = 0
        self._row = 0
        self._column = 0
        self._rows_alike = 0
        self._row_texts: dict[int, str] = {}
        self._cell: Attributes | None = None
        self._noted = 0
        self._paragraphs = 0
        self._in_paragraph = False
        self._length = 0
        self._pieces: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if self._cell is not None:
            self._start_within_cell(name, attributes)
        elif name == "table" and self._path[-1:] == ["spreadsheet"]:
            self._inside = self._tables_before == 0
            self._tables_before -= 1
        elif self._inside and name == "table-cell":
            self._cell = attributes
        elif self._inside and name == "covered-table-cell":
            self._column += _times(attributes, "number-columns-repeated")
        elif self._inside and name == "table-row":
            self._start_row(attributes)
        elif self._inside and name == "table-column":
            self._take_column(attributes)
        self._path.append(name)

    def _start_within_cell(self, name: str, attributes: Attributes) -> None:
        if name in _NOTED:
            self._noted += 1
        elif name == "table":
            raise ContactsUnreadable("It has a table within a cell.")
        elif name == "p" and not self._noted:
            if self._paragraphs:
                self._add("\n")
            self._paragraphs += 1
            self._in_paragraph = True
        elif name == "s":
            count = int(attributes.get(f"{_TEXT} c", 1))
            self._add(" " * min(count, MAX_CELL + 1))
        elif name == "tab":
            self._add("\t")
        elif name == "line-break":
            self._add("\n")

    def end(self, name: str) -> None:
        self._path.pop()
        if name == "table-cell" and self._cell is not None:
            self._end_cell(self._cell)
            self._cell = None
        elif name in _NOTED and self._noted:
            self._noted -= 1
        elif name == "p" and not self._noted:
            self._in_paragraph = False
        elif name == "table-row" and self._inside:
            self._cells.add_row(self._row + 1, self._row_texts, times=self._rows_alike)
            self._row += self._rows_alike
        elif name == "table" and self._path[-1:] == ["spreadsheet"]:
            self._inside = False

    def text(self, text: str) -> None:
        if self._in_paragraph:
            self._add(text)

    def _add(self, piece: str) -> None:
        if not self._noted:
            self._pieces.append(piece)
            self._length += len(piece)
            if self._length > MAX_CELL:
                raise ContactsUnreadable(
                    f"A cell has more than {MAX_CELL:,} characters, and a spreadsheet's cell "
                    "cannot."
                )

    def _start_row(self, attributes: Attributes) -> None:
        self._rows_alike = _times(attributes, "number-rows-repeated")
        self._column = 0
        self._row_texts = {}
        if attributes.get(f"{_TABLE} visibility", "visible") != "visible":
            last = min(self._row + self._rows_alike, MAX_ROWS)
            self._hidden_rows.update(range(self._row + 1, last + 1))

    def _take_column(self, attributes: Attributes) -> None:
        first = self._columns + 1
        self._columns += _times(attributes, "number-columns-repeated")
        if attributes.get(f"{_TABLE} visibility", "visible") != "visible":
            self._hidden_columns.update(range(first, min(self._columns, MAX_COLUMNS) + 1))

    def _end_cell(self, cell: Attributes) -> None:
        text = checked(self._text_of(cell, "".join(self._pieces)))
        self._pieces.clear()
        self._paragraphs = self._noted = self._length = 0
        self._in_paragraph = False
        first = self._column + 1
        self._column += _times(cell, "number-columns-repeated")
        if not text:
            return
        if self._column > MAX_COLUMNS:
            raise ContactsUnreadable(f"It has more than {MAX_COLUMNS:,} columns.")
        for column in range(first, self._column + 1):
            self._row_texts[column] = text
        spanned = int(cell.get(f"{_TABLE} number-rows-spanned", 1))
        if spanned > 1:
            self._cells.merge(self._row + 1, self._row + spanned, first)

    @staticmethod
    def _text_of(cell: Attributes, shown: str) -> str:
        kind = cell.get(f"{_OFFICE} value-type", "")
        if cell.get(_ERROR_TYPE) == "error":
            return ""
        if kind == "date":
            return iso_text(cell[f"{_OFFICE} date-value"])
        if kind == "time":
            return lasting_text(cell[f"{_OFFICE} time-value"])
        if kind == "boolean":
            return cell[f"{_OFFICE} boolean-value"].upper()
        if kind in ("string", ""):
            return cell.get(f"{_OFFICE} string-value", shown)
        return number_text(cell[f"{_OFFICE} value"])

    def grid(self) -> Grid:
        return self._cells.grid(
            hidden_rows=self._hidden_rows, hidden_columns=self._hidden_columns, notes=()
        )


def _times(attributes: Attributes, name: str) -> int:
    """Tell how often a cell, row or column is repeated."""
    times = int(attributes.get(f"{_TABLE} {name}", 1))
    if times < 1:
        raise ValueError(f"{name} is {times}")
    return times
