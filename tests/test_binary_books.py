"""Workbooks of older Excel: read by calamine, which is given nothing that it should not believe."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from smspm_campaigns.exceptions import ContactsUnreadable, SmspmWarning
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.files import binary_books

DATA = Path(__file__).parent / "data"
XLS = (DATA / "people.xls").read_bytes()  # of LibreOffice

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{RELATION}worksheet" Target="worksheets/sheet1.bin"/>'
    "</Relationships>"
)


def wide(text: str) -> bytes:
    """A text as .xlsb stores it: its length, and UTF-16."""
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def record(kind: int, content: bytes = b"") -> bytes:
    """A record of .xlsb: [MS-XLSB] 2.1.4. No content here is longer than two bytes of length."""
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = len(content)
    tail = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
    return head + tail + content


def sheet_row(number: int, *cells: tuple[int, int, bytes]) -> bytes:
    """A row of cells, each as (column, kind of record, value)."""
    return record(0, struct.pack("<IIHHBI", number, 0, 300, 0, 0, 0)) + b"".join(
        record(kind, struct.pack("<II", column, 0) + value) for column, kind, value in cells
    )


PEOPLE = (
    sheet_row(0, (0, 6, wide("name")), (1, 6, wide("phone")))
    + sheet_row(1, (0, 6, wide("Õnne")), (1, 5, struct.pack("<d", 491713920012.0)))
    + sheet_row(3, (0, 6, wide("007")), (1, 4, b"\1"))
    + sheet_row(4, (0, 6, wide("Eva")), (1, 3, b"\x07"))  # #DIV/0!
)


def xlsb(rows: bytes = PEOPLE, *, size: tuple[int, int, int, int] = (0, 4, 0, 1)) -> bytes:
    """A workbook of one sheet, by hand: no program here writes .xlsb."""
    sheet = (
        record(129) + record(148, struct.pack("<IIII", *size)) + record(145) + rows + record(146)
        + record(130)
    )  # fmt: skip
    main = (
        record(131) + record(143)
        + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("People"))
        + record(144) + record(132)
    )  # fmt: skip
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.bin", main)
        archive.writestr("xl/_rels/workbook.bin.rels", RELATIONS)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    return file.getvalue()


def read(content: bytes, **options: Any) -> Any:
    return read_contacts(io.BytesIO(content), **options)


def test_xlsb_is_read() -> None:
    """Texts, numbers, truths and errors, with the rows of the sheet; what is hidden is not told."""
    with pytest.warns(SmspmWarning, match=r"^Hidden rows cannot be seen in a \.xlsb file") as told:
        found = read(xlsb())
    assert len(told) == 1
    assert found.to_dict("index") == {
        2: {"name": "Õnne", "phone": "491713920012"},
        4: {"name": "007", "phone": "TRUE"},
        5: {"name": "Eva", "phone": ""},
    }
    assert read(xlsb(), hidden="keep").equals(found)


@pytest.mark.parametrize(
    "content",
    [
        xlsb(PEOPLE + sheet_row(1_048_575, (16_383, 5, bytes(8)))),
        xlsb(PEOPLE + sheet_row(2**32 - 1, (2**32 - 1, 5, bytes(8)))),
        xlsb(size=(0, 1_048_575, 0, 16_383)),
        xlsb(size=(0, 2**32 - 1, 0, 2**32 - 1)),
    ],
    ids=["corner", "beyond", "says corner", "says beyond"],
)
def test_xlsb_that_asks_for_all_memory_is_refused(content: bytes) -> None:
    """Two cells far apart are a rectangle of cells to calamine."""
    with pytest.raises(ContactsUnreadable, match=r"rows of [\d,]+ cells, or says so"):
        read(content, hidden="keep")


def test_xlsb_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts together are bounded before one is unpacked."""
    monkeypatch.setattr(binary_books, "_MAX_UNPACKED", 100)
    with pytest.raises(ContactsUnreadable, match="far larger"):
        read(xlsb())


def test_xlsb_with_a_lying_directory_is_refused() -> None:
    """A part that says it is smaller than it is ends where it says, and fails its checksum."""
    content = bytearray(xlsb())
    place = content.rfind(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 50)
    with pytest.raises(ContactsUnreadable, match="damaged"):
        read(bytes(content))


def xls_records(content: bytes, *kinds: int) -> list[int]:
    """Where records of these kinds have their content, in an .xls whose stream is in one piece."""
    place = content.index(struct.pack("<HHH", 0x0809, 16, 0x0600))
    found = []
    while True:
        kind, size = struct.unpack_from("<HH", content, place)
        if kind in kinds:
            found.append(place + 4)
        if kind == 0 or place + 4 + size > len(content) - 4:
            return found
        place += 4 + size


def changed(place: int, form: str, *values: int) -> bytes:
    content = bytearray(XLS)
    struct.pack_into(form, content, place, *values)
    return bytes(content)


TOO_MANY = r"rows of [\d,]+ cells, or says so"


@pytest.mark.parametrize(
    ("kind", "offset", "form", "values", "sentence"),
    [
        (
            0x00FD,
            0,
            "<HH",
            (65_535, 65_535),
            r"rows of [\d,]+ cells, or says so",
        ),  # a cell far away
        (0x0203, 0, "<HH", (65_535, 65_535), TOO_MANY),
        (0x0200, 0, "<IIHH", (0, 2**32 - 1, 0, 65_535), TOO_MANY),
        (0x0200, 0, "<IIHH", (9, 3, 0, 4), "damaged"),  # ends before it begins
        (0x0200, 0, "<IIHH", (0, 3, 4, 2), "damaged"),
        (0x00FC, 4, "<I", (2**31 - 1,), "more texts than it has bytes"),
    ],
)
def test_xls_that_asks_for_all_memory_is_refused(
    kind: int, offset: int, form: str, values: tuple[int, ...], sentence: str
) -> None:
    """What a record says of the size of a sheet or a list is checked before it is believed."""
    place = xls_records(XLS, kind)[0] + offset
    with pytest.raises(ContactsUnreadable, match=sentence):
        read(changed(place, form, *values))


def test_xls_with_a_password_is_told() -> None:
    """The record FILEPASS says that all that follows is encrypted."""
    place = xls_records(XLS, 0x00E1)[0] - 4  # the record after the beginning
    with pytest.raises(ContactsUnreadable, match=r"It is protected by a password\. Open it"):
        read(changed(place, "<H", 0x002F))


def test_xls_whose_sectors_run_in_a_circle_ends() -> None:
    """Sectors that lead back to themselves, or nowhere, are not followed for ever."""
    (first,) = struct.unpack_from("<I", XLS, 76)
    table = 512 * (first + 1)
    for sector in range(len(XLS) // 512 - 1):
        for following in (sector, 0, 0x7FFFFFFF):
            try:
                read(changed(table + 4 * sector, "<I", following), hidden="keep", sheet="People")
            except ContactsUnreadable as error:
                assert str(error).startswith("The file cannot be read.")  # noqa: PT017


class PanicException(BaseException):
    """What a panic in Rust becomes."""


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (PanicException("index out of bounds"), ContactsUnreadable),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SystemExit(), SystemExit),
        (MemoryError(), MemoryError),
    ],
)
def test_only_a_panic_of_calamine_is_a_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, expected: type[BaseException]
) -> None:
    """A panic is told as damage; what a person or the system wants passes."""

    def fail(_: Any) -> Any:
        raise raised

    monkeypatch.setattr(CalamineWorkbook, "from_filelike", fail)
    with pytest.raises(expected):
        read(XLS)
