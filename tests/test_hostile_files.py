"""Files that are broken or made to break something: a sentence, in little memory and time."""

import io
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smspm_campaigns.exceptions import ContactsUnreadable, SmspmWarning
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.files import grid, text_files, xml_parts
from smspm_campaigns.frames.files.cell_values import dress_of

DATA = Path(__file__).parent / "data"
SUFFIXES = ["csv", "tsv", "txt", "xlsx", "xlsm", "xls", "xlsb", "ods"]
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


class Upload(io.BytesIO):
    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def outcome(content: bytes, name: str) -> str:
    """The sentence of the error, or `""` when there was something to read after all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmspmWarning)
        try:
            read_contacts(Upload(content, name))
        except ContactsUnreadable as error:
            return str(error)
    return ""


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(SUFFIXES), st.binary(max_size=200))
@example("csv", b"a\x00b")
@example("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
@example("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
@example("xlsb", b"PK\x03\x04")
def test_random_bytes_are_read_or_refused(suffix: str, content: bytes) -> None:
    """Under whatever name: a frame, or ContactsUnreadable, and nothing else."""
    outcome(content, f"people.{suffix}")


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["people.xlsx", "people.ods", "people.xls"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
)
def test_changed_bytes_are_read_or_refused(name: str, changes: list[tuple[float, int]]) -> None:
    """Bytes that a bad disk or a bad person changed anywhere in a workbook."""
    content = bytearray((DATA / name).read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    outcome(bytes(content), name)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([("people.xlsx", "xl/worksheets/sheet1.xml"), ("people.ods", "content.xml")]),
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from('<>"/&0 9-xE')), max_size=4
    ),
)
def test_changed_xml_is_read_or_refused(
    where: tuple[str, str], changes: list[tuple[float, str]]
) -> None:
    """The same in the unpacked XML, where no checksum finds it."""
    name, part = where
    file = io.BytesIO()
    with zipfile.ZipFile(DATA / name) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            content = bytearray(old.read(info))
            for place, value in changes if info.filename == part else ():
                content[int(place * len(content))] = ord(value)
            new.writestr(info.filename, bytes(content))
    outcome(file.getvalue(), name)


@pytest.mark.parametrize("name", ["people.xlsx", "people.ods", "people.xls"])
def test_cut_file_is_refused_at_every_length(name: str) -> None:
    """A download that broke off anywhere gives a sentence, never a traceback of a library."""
    whole = (DATA / name).read_bytes()
    for length in range(0, len(whole) - 600, 89):
        assert outcome(whole[:length], name).startswith((f"{name} cannot be read", f"{name} is"))


def bomb(*sheet: str, shared: str = "", doctype: str = "") -> bytes:
    """A workbook whose sheet is these pieces of XML."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'{doctype}<workbook {MAIN} {RELATED}><sheets><sheet name="A" r:id="a"/></sheets>'
            "</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="a" Type="/worksheet" Target="a.xml"/>'
            '<Relationship Id="b" Type="/sharedStrings" Target="b.xml"/></Relationships>',
        )
        archive.writestr("xl/b.xml", f"<sst {MAIN}>{shared}</sst>")
        with archive.open("xl/a.xml", "w") as part:
            for piece in sheet:
                part.write(piece.encode())
    return file.getvalue()


HEAD = f'<worksheet {MAIN}><sheetData><row r="1"><c t="str"><v>a</v></c></row>'
MANY = 1 << 24


@pytest.mark.parametrize(
    ("pieces", "sentence"),
    [
        (["<x>" * 200], "far larger"),  # elements within elements
        (['<row x="', "a" * MANY, '"/>'], "far larger"),  # an attribute without an end
        (["<!--", "a" * MANY, "-->"], "far larger"),
        (['<row r="2"><c t="str"><v>', "a" * MANY], "more characters than"),
        (["<row/>" * (MANY // 8)], "more than 1,048,576 rows"),
        (["".join(f"<n{number}/>" for number in range(30_000))], "far larger"),
        (['<mergeCell ref="A2:A1048576"/>' * 2_000], "merged cells cover more than"),
        (['<mergeCell ref="A2:A3"/>' * 1_100_000], "1,048,576 merged cells"),
        (['<mergeCell ref="A2:A1048576"/><mergeCell ref="A9999999:A1"/>' * 300], "cover more than"),
        (
            [
                '<row r="2">' + '<c t="str"><v>a</v></c>' * 100 + "</row>",
                '<mergeCell ref="A2:A1048576"/>',
            ],
            "more than 40,000,000 cells",
        ),
    ],
    ids=[
        "depth",
        "attribute",
        "comment",
        "cell",
        "rows",
        "names",
        "cover",
        "merged",
        "reversed",
        "wide",
    ],
)
def test_bomb_is_refused_before_it_goes_off(pieces: list[str], sentence: str) -> None:
    """What unpacks, nests or repeats without end is stopped while it is read."""
    with pytest.raises(ContactsUnreadable, match=sentence):
        read_contacts(io.BytesIO(bomb(HEAD, *pieces, "</sheetData></worksheet>")))


def test_column_runs_cost_little() -> None:
    """However often and however far a sheet describes its columns, there are 16,384."""
    runs = '<col min="-30000000" max="1" hidden="1"/><col min="1" max="99999999" hidden="1"/>'
    sheet = f'<worksheet {MAIN}><cols>{runs * 50_000}</cols><sheetData><row r="1"><c t="str">'
    content = bomb(sheet, "<v>a</v></c></row></sheetData></worksheet>")
    assert outcome(content, "people.xlsx").startswith("All columns of people.xlsx are hidden.")


def test_sheet_without_a_relation_is_refused() -> None:
    """A sheet that says nothing of where its cells are is a damaged workbook."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        sheets = f'<workbook {MAIN}><sheets><sheet name="A"/></sheets></workbook>'
        archive.writestr("xl/workbook.xml", sheets)
    assert outcome(file.getvalue(), "people.xlsx").startswith("people.xlsx cannot be read. It is")


def test_repeated_long_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text in a row that is repeated a million times is more than memory holds."""
    monkeypatch.setattr(grid, "MAX_CHARACTERS", 10_000)
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<d xmlns:t="{space}:table:1.0" xmlns:o="{space}:office:1.0" xmlns:x="{space}:text:1.0">'
        '<o:spreadsheet><t:table t:name="A"><t:table-row t:number-rows-repeated="1000">'
        f'<t:table-cell o:value-type="string"><x:p>{"a" * 100}</x:p></t:table-cell></t:table-row>'
        "</t:table></o:spreadsheet></d>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("content.xml", content)
    assert "Its cells have more than 10,000 characters." in outcome(file.getvalue(), "people.ods")


def test_number_format_without_an_end_takes_no_time() -> None:
    """A format code is at most 255 characters; what is behind is not looked at."""
    assert dress_of("[" * 255) == "number"
    styles = f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="1" formatCode="{"[" * 500_000}"/>'
    file = io.BytesIO((DATA / "people.xlsx").read_bytes())
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the part is there twice, and the last one counts
        archive.writestr("xl/styles.xml", f"{styles}</numFmts></styleSheet>")
    assert outcome(file.getvalue(), "people.xlsx") == ""


@pytest.mark.parametrize("lie", [False, True])
def test_zip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch, lie: bool) -> None:
    """A part that is larger than any sheet, and one that denies it."""
    monkeypatch.setattr(xml_parts, "_MAX_UNPACKED", 1 << 20)
    content = bytearray(bomb(HEAD, " " * (1 << 21)))
    place = content.rfind(b"PK\x01\x02")
    if lie:
        content[place + 24 : place + 28] = (200).to_bytes(4, "little")
    else:
        content[content.find(b"xl/a.xml") + 40] ^= (
            255  # so that unpacking would fail, and does not even begin
        )
    with pytest.raises(ContactsUnreadable, match="damaged" if lie else "far larger"):
        read_contacts(io.BytesIO(bytes(content)))


def test_parts_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many parts, each small enough, are too much as well."""
    monkeypatch.setattr(xml_parts, "_MAX_UNPACKED", 3_000)
    content = bomb(HEAD, " " * 1_000, "</sheetData></worksheet>", shared=" " * 2_000)
    with pytest.raises(ContactsUnreadable, match="far larger"):
        read_contacts(io.BytesIO(content))


def test_entities_are_refused_where_they_are_declared() -> None:
    """A bomb of nested entities never unfolds, in whichever part it stands."""
    doctype = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    for content in (bomb(HEAD, doctype=doctype), bomb(doctype, HEAD)):
        with pytest.raises(ContactsUnreadable, match="declares XML entities"):
            read_contacts(io.BytesIO(content))


def test_packing_that_no_spreadsheet_uses_is_refused() -> None:
    """LZMA may ask for gigabytes before the first byte."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xl/workbook.xml", f"<workbook {MAIN}/>")
    with pytest.raises(ContactsUnreadable, match="no spreadsheet program uses"):
        read_contacts(file_at_start(file))


def file_at_start(file: io.BytesIO) -> io.BytesIO:
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("pieces", "sentence"),
    [
        (
            [b"a," * 20_000, b"b\n1,2\n"],
            "a row has 20,001 cells, and a spreadsheet at most 16,384",
        ),
        (
            [b"a,b\n1,2\n", b"1," * 1_000_000, b"b\n"],
            "a row has 1,000,001 cells, and a spreadsheet at most 16,384",
        ),
        ([b"a,b\n1,", b"x" * 10_000_000, b"\n"], "column B has 10,000,000 characters; a"),
        ([b'a,b\n1,"', b"x\n" * 5_000_000, b'"\n'], "column B has 10,000,000 characters; a"),
        ([b"a,b\n1,", b"x" * 32_768, b"\n"], "column B has 32,768 characters; a"),
        ([b"x" * 32_768, b",b\n"], r"column A has 32,768 characters; a"),
        ([b"x" * 200_000, b",b\n"], r"not a row of cells \(field larger"),
        ([b'"', b"x" * 200_000], r"not a row of cells \(field larger"),
        ([b"h," * 10_000, b"\n" * 20_000], "20,001 lines under a header of 10,001 columns"),
        ([b"h," * 10_000, b"\r" * 20_000], "20,000 lines under a header of 10,001 columns"),
    ],
)
def test_text_file_that_no_spreadsheet_holds_is_refused(pieces: list[bytes], sentence: str) -> None:
    """A million columns, 10 MB cells, and blank rows that would fill the memory."""
    with pytest.raises(ContactsUnreadable, match=sentence):
        read_contacts(io.BytesIO(b"".join(pieces)))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("cell", ["x" * 32_767, '"' + "x\n" * 16_383 + 'x"'])
def test_longest_cell_is_read(cell: str, end: str) -> None:
    """What a spreadsheet can hold is within."""
    found = read_contacts(io.BytesIO(f"a;b{end}{cell};1{end}Ana;2{end}".encode()))
    assert found["a"].str.len().to_list() == [32_767, 3]


def test_many_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines without end are no people."""
    monkeypatch.setattr(text_files, "_MAX_LINES", 100)
    with pytest.raises(ContactsUnreadable, match="102 lines"):
        read_contacts(io.BytesIO(b"a\n" + b"1\n" * 100))


MEASURE = """
import resource, sys, warnings
from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.contacts import read_contacts
read_contacts(sys.argv[2], sheet="People", hidden="keep")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_contacts(sys.argv[1], hidden="keep")
except ContactsUnreadable:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def spaces() -> Iterator[str]:
    for _ in range(300):
        yield " " * (1 << 20)


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with resource")
@pytest.mark.parametrize("kind", ["comment", "header", "corner"])
def test_bomb_takes_little_memory(tmp_path: Path, kind: str) -> None:
    """A file of some hundred kilobytes that would fill hundreds of megabytes takes a few."""
    corner = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    made: dict[str, Any] = {
        "comment": lambda: bomb(HEAD, "<!--", *spaces(), "-->"),
        "header": lambda: b"h," * 10_000 + b"\n" * 2_000_000,
        "corner": lambda: bomb(HEAD, corner),
    }
    path = tmp_path / ("bomb.csv" if kind == "header" else "bomb.xlsx")
    path.write_bytes(made[kind]())
    command = [sys.executable, "-c", MEASURE, str(path), str(DATA / "people.xlsx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100  # megabytes
