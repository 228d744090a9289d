"""Workbooks of older Excel: `.xls` and `.xlsb`, which calamine reads."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import python_calamine as calamine

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.files.binary_limits import check_xls, check_xlsb
from smspm_campaigns.frames.files.cell_values import value_text
from smspm_campaigns.frames.files.grid import Cells, Grid, checked
from smspm_campaigns.frames.files.office_xml import SheetInfo
from smspm_campaigns.frames.files.xml_parts import check_packing

_MAX_UNPACKED: Final = 1 << 28  # bytes of an .xlsb; a million rows of six cells are about 0.1 GB


class BinaryBook:
    """An `.xls` or `.xlsb` workbook."""

    def __init__(self, content: bytes) -> None:
        if content.startswith(b"PK"):
            content = _repacked(content)
        else:
            check_xls(content)
        with _panics_told():
            self._book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
            self.sheets = [
                SheetInfo(info.name, info.visible == calamine.SheetVisibleEnum.Visible, info.name)
                for info in self._book.sheets_metadata
                if info.typ == calamine.SheetTypeEnum.WorkSheet
            ]

    def read(self, sheet: SheetInfo) -> Grid:
        cells = Cells()
        with _panics_told():
            found = self._book.get_sheet_by_name(sheet.part)
            above, left = found.start or (0, 0)
            for row, values in enumerate(found.iter_rows(), above + 1):
                texts = (
                    (column, value_text(value)) for column, value in enumerate(values, left + 1)
                )
                cells.add_row(row, {column: checked(text) for column, text in texts if text})
            for (top, column), (bottom, _) in found.merged_cell_ranges or ():
                cells.merge(top + 1, bottom + 1, column + 1)
        return cells.grid(hidden_rows=(), hidden_columns=(), notes=())


def _repacked(content: bytes) -> bytes:
    """Unpack the parts within bounds, check them, and pack them anew.

    So calamine reads what was checked, whatever the archive says of itself in its other places.
    """
    packed = io.BytesIO()
    left = _MAX_UNPACKED
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        for info in old.infolist():
            if not info.filename.endswith((".bin", ".rels")):
                continue
            check_packing(info)
            left -= info.file_size
            if left < 0:
                raise ContactsUnreadable(
                    "Unpacked it is far larger than the workbook of any campaign."
                )
            part = old.read(info)  # at most file_size
            check_xlsb(part)
            new.writestr(info.filename, part)
    return packed.getvalue()


@contextmanager
def _panics_told() -> Iterator[None]:
    """Turn a panic of calamine's Rust code, which is no `Exception`, into an error."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise ContactsUnreadable("It is damaged.") from None
        raise
