"""A file is a path or anything open, and is what its name says or says what it is."""

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import ContactsUnreadable, InvalidArgument, SmspmWarning
from smspm_campaigns.frames.contacts import read_contacts

DATA = Path(__file__).parent / "data"
TEXT = "nimi;telefon\nÕnne;007\n"


def onne() -> pd.DataFrame:
    index = pd.Index([2], dtype="int64", name="row")
    return pd.DataFrame({"nimi": ["Õnne"], "telefon": ["007"]}, index=index, dtype="str")


class Upload(io.BytesIO):
    """A file as a web form or a notebook gives it: bytes, and a name."""

    def __init__(self, content: bytes, name: Any) -> None:
        super().__init__(content)
        self.name = name


@pytest.mark.parametrize(
    "file",
    [
        io.BytesIO(TEXT.encode()),
        io.BytesIO(TEXT.encode("utf-16")),
        io.StringIO(TEXT),
        io.StringIO("\ufeff" + TEXT),
        Upload(TEXT.encode(), "people.csv"),
        Upload(TEXT.encode(), 7),  # the number of a file, as tempfile has it
        Upload(TEXT.encode(), None),
        Upload(TEXT.encode(), "/tmp/tmpab12"),
    ],
)
def test_open_file_is_read_and_stays_open(file: Any) -> None:
    """Bytes or text, named or not: the same frame, and the file is still the caller's."""
    assert_frame_equal(read_contacts(file), onne())
    assert not file.closed


@pytest.mark.parametrize("mode", ["rb", "r", "w+b", "w+"])
def test_file_of_the_system_is_read(tmp_path: Path, mode: str) -> None:
    """open() and tempfile give files that are read as bytes or text."""
    path = tmp_path / "people.csv"
    encoding = None if "b" in mode else "utf-8"
    path.write_text(TEXT, encoding="utf-8")
    if mode.startswith("r"):
        with path.open(mode, encoding=encoding) as file:
            assert_frame_equal(read_contacts(file), onne())
        return
    with tempfile.TemporaryFile(mode, encoding=encoding) as file:
        file.write(TEXT.encode() if "b" in mode else TEXT)
        file.seek(0)
        assert_frame_equal(read_contacts(file), onne())


def test_file_is_read_from_where_it_stands() -> None:
    """As csv and pandas do it; a file read to its end says so instead of being empty."""
    file = io.BytesIO(b"a title\n" + TEXT.encode())
    file.readline()
    assert_frame_equal(read_contacts(file), onne())
    with pytest.raises(ContactsUnreadable, match=r"The file was read to its end before.*seek\(0\)"):
        read_contacts(file)


@pytest.mark.parametrize("suffix", ["xlsx", "ods", "xls"])
@pytest.mark.parametrize("named", [True, False])
def test_open_workbook_is_known_by_its_content(suffix: str, named: bool) -> None:
    """A workbook needs no name; with one, sentences use it."""
    name = f"people.{suffix}"
    content = (DATA / name).read_bytes()
    file = Upload(content, name) if named else io.BytesIO(content)
    found = read_contacts(file, sheet="People", hidden="keep")
    assert_frame_equal(found, read_contacts(DATA / name, sheet="People", hidden="keep"))
    with pytest.raises(ContactsUnreadable, match=f"^{name if named else 'The file'} has no sheet"):
        read_contacts(Upload(content, name) if named else io.BytesIO(content), sheet="x")


def test_path_without_a_suffix_is_known_by_its_content(tmp_path: Path) -> None:
    """A temporary file has no suffix, and is read all the same."""
    path = tmp_path / "people"
    path.write_text(TEXT, encoding="utf-8")
    assert_frame_equal(read_contacts(path), onne())


def zipped(*parts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in parts:
            archive.writestr(part, "")
    return packed.getvalue()


XLSX, ODS, XLS = ((DATA / f"people.{suffix}").read_bytes() for suffix in ("xlsx", "ods", "xls"))
LOCKED = XLS + "EncryptedPackage".encode("utf-16-le")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", XLSX, "a.csv is a .xlsx workbook with the name of a text file: rename it .xlsx."),
        ("a.txt", XLS, "a.txt is a .xls workbook with the name of a text file: rename it .xls."),
        ("a.csv", ODS, "a.csv is a .ods workbook with the name of a text file: rename it .ods."),
        ("a.xls", XLSX, "a.xls is a .xlsx workbook with the name of a .xls workbook: rename it"),
        ("a.xlsx", ODS, "a.xlsx is a .ods workbook with the name of a .xlsx workbook: rename it"),
        ("a.xls", b"name\tphone\n", "a.xls is a text file with the name of a workbook: rename it"),
        ("a.xls", "name\tphone\n".encode("utf-16"), "a.xls is a text file with the name of a"),
        ("a.xls", b" <html><table>", "a.xls is a web page and no workbook, whatever its name says"),
        ("a.xls", b"\xef\xbb\xbf<TABLE >", "a.xls is a web page and no workbook"),
        ("a.xls", b'<?xml version="1.0"?><Workbook>', "a.xls is an XML file and no workbook"),
        ("a.csv", b"<!DOCTYPE html><html>", "a.csv is a web page and no list"),
        ("a.xlsx", b"", "a.xlsx cannot be read: it is empty"),
        ("a.xls", b"\x09\x00\x04\x00", "a.xls cannot be read: it is no spreadsheet"),
        ("a.xlsx", LOCKED, "a.xlsx is protected by a password"),
        ("a.xlsx", zipped("word/document.xml"), "a.xlsx is a zip archive and no workbook"),
        ("a.xlsx", XLSX[:500], "a.xlsx cannot be read: it is damaged"),
        ("a.csv", zipped("people.csv"), "a.csv is a zip archive and no workbook. Unpack it"),
        ("a.pdf", b"%PDF", "a.pdf is none of .csv, .tsv, .txt, .xlsx, .xlsm, .xls, .xlsb, .ods."),
        ("a\nb.csv", b"", "The first row of a\N{REPLACEMENT CHARACTER}b.csv is blank"),
        ("a" * 500 + ".csv", b"", "The first row of " + "a" * 119 + "… is blank"),
    ],
)  # fmt: skip
def test_name_and_content_that_differ_are_told(name: str, content: bytes, sentence: str) -> None:
    """What a file really is, and how to call it, in one line."""
    with pytest.raises(ContactsUnreadable) as raised:
        read_contacts(Upload(content, name))
    assert str(raised.value).startswith(sentence)
    assert str(raised.value).isprintable()


def test_locked_ods_is_told(tmp_path: Path) -> None:
    """LibreOffice keeps what a password locks in the same parts, and says so in the manifest."""
    path = tmp_path / "people.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", b"\x01\x02")
        archive.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
    with pytest.raises(ContactsUnreadable, match="protected by a password"):
        read_contacts(path)


def test_text_that_was_opened_wrongly_is_told(tmp_path: Path) -> None:
    """A text file of another encoding, and one that was decoded in a wrong way."""
    sentence = r"baltic.csv was opened as utf-8, and is not"
    with (
        (DATA / "baltic.csv").open(encoding="utf-8") as file,
        pytest.raises(ContactsUnreadable, match=sentence),
    ):
        read_contacts(file)
    with pytest.raises(ContactsUnreadable, match=r"The file holds half characters"):
        read_contacts(io.StringIO("name\n\ud800\n"))


@pytest.mark.parametrize(
    ("file", "options", "sentence"),
    [
        ("name;phone\nAna;1\n", {}, "not what is in it. Wrap a text: io.StringIO"),
        (io.StringIO(TEXT), {"encoding": "cp1257"}, "open as text, so it is decoded already"),
        (DATA / "people.xlsx", {"encoding": "cp1257"}, "people.xlsx is a workbook; encoding=… and"),
        (DATA / "people.xlsx", {"delimiter": ";"}, "people.xlsx is a workbook; encoding=… and"),
        (io.StringIO(TEXT), {"sheet": "A"}, "The file is a text file, and a text file has no"),
    ],
)
def test_call_that_cannot_be_meant_is_refused(
    file: Any, options: dict[str, Any], sentence: str
) -> None:
    """An option that means nothing for this file is not passed over."""
    with pytest.raises(InvalidArgument, match=sentence):
        read_contacts(file, **options)


def test_file_that_cannot_be_read_from_is_refused(tmp_path: Path) -> None:
    """Closed, open for writing, or a file of another world."""

    class Awaited:
        def read(self, _: int) -> Any:
            return {"to": "await"}

    closed = io.BytesIO(b"a\n1\n")
    closed.close()
    with (tmp_path / "new.csv").open("w") as writing:
        for file in (closed, writing):
            with pytest.raises(InvalidArgument, match="is not open for reading"):
                read_contacts(file)
    with pytest.raises(InvalidArgument, match="gave dict, not bytes or text"):
        read_contacts(Awaited())  # type: ignore[arg-type]


def test_interrupt_passes() -> None:
    """What a person at the keyboard wants is no fault of the file."""

    class Stopped(io.BytesIO):
        def read(self, _: int | None = None) -> bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_contacts(Stopped())


def test_warning_names_an_unnamed_file() -> None:
    """A sentence about an upload without a name is a sentence."""
    with pytest.warns(SmspmWarning, match=r"1 hidden column .* of The file left out"):
        read_contacts(io.BytesIO(ODS), sheet="People")
