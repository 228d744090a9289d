"""A campaign file, from a path or an open file: its bytes, its name, and what it really is."""

import codecs
import io
import json
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from smspm_campaigns.exceptions import ContactsUnreadable, InvalidArgument
from smspm_campaigns.frames.columns import check_argument

Kind = Literal["text", "xlsx", "xlsb", "xls", "ods"]

#: What is read, by the ending of its name.
KINDS: Final[dict[str, Kind]] = {
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".xlsb": "xlsb",
    ".ods": "ods",
}
_MAX_BYTES: Final = 1 << 30  # a million rows of a thousand bytes
_MAX_NAME: Final = 120  # characters of a file's name in a sentence
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the compound files of older Microsoft programs
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")  # where Excel keeps what a password locks
_WEB_PAGE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|meta)\b", re.IGNORECASE
)
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?(?:xml|mso-application)\b", re.IGNORECASE)
_UNNAMED: Final = "The file"
_MAX_MANIFEST: Final = 1 << 20  # bytes
#: How spreadsheet programs pack the parts of a workbook. Others may ask for gigabytes.
PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEAD: Final = 4096  # bytes that tell text from anything else


class Source(NamedTuple):
    name: str  # as sentences call it
    argument: str  # as the call wrote it
    kind: Kind
    content: bytes
    is_decoded: bool  # it came as text, and its bytes are UTF-8


def open_source(path: Any) -> Source:
    """Read a file whole, and see that its content is what its name says.

    An open file is read from where it stands, as Python's csv and pandas do, and stays open.

    Raises:
        InvalidArgument: it is neither a path nor an open file.
        FileNotFoundError: there is no such file.
        ContactsUnreadable: its name and content differ, or it is of a kind that is not read.
    """
    if isinstance(path, str | os.PathLike) and not isinstance(os.fspath(path), bytes):
        name, argument = Path(path).name, json.dumps(os.fspath(path), ensure_ascii=False)
        content: bytes | str = _read_path(path)
    else:
        fits = callable(getattr(path, "read", None))
        expected = "the path of a file, such as 'people.csv', or an open file"
        check_argument("path", path, expected, fits=fits)
        given = getattr(path, "name", None)
        name, argument = Path(given).name if isinstance(given, str) else "", "file"
        content = _read_open(path, _visible(name) or _UNNAMED)
    suffix = Path(name).suffix.lower()
    name = _visible(name) or _UNNAMED
    if suffix and suffix not in KINDS:
        raise ContactsUnreadable(
            f"{name} is none of {', '.join(KINDS)}. Save it as one of these, .xlsx or .csv best."
        )
    is_decoded = isinstance(content, str)
    data = _encoded(content, name) if isinstance(content, str) else content
    if len(data) > _MAX_BYTES:
        raise ContactsUnreadable(f"{name} is larger than {_MAX_BYTES >> 30} GiB. Split it.")
    kind = _kind_of(data, name)
    _check_suffix(kind, suffix, data, name)
    return Source(name, argument, kind, data, is_decoded)


def _visible(name: str) -> str:
    """Write a file's name on one line; an upload may be called anything."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
    return shown if len(shown) <= _MAX_NAME else f"{shown[: _MAX_NAME - 1]}…"


def _read_path(path: str | os.PathLike[str]) -> bytes:
    shown = os.fspath(path)
    if "\n" in shown:
        raise InvalidArgument(
            "path is the path of a file, not what is in it. Wrap a text: io.StringIO(text)."
        )
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a name is too long
        what = "is a folder" if os.path.isdir(path) else "does not exist"  # noqa: PTH112 - ditto
        raise FileNotFoundError(f"{shown} {what}. Check the path; it is relative to {Path.cwd()}.")
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_BYTES + 1)
    except OSError as error:  # on Windows also when it is open in Excel
        raise ContactsUnreadable(
            f"{shown} cannot be read: {error.strerror}. Close it in other programs, and check who "
            "may read it."
        ) from None


def _read_open(file: Any, name: str) -> bytes | str:
    try:
        content = file.read(_MAX_BYTES + 1)
    except UnicodeDecodeError as error:
        raise ContactsUnreadable(
            f"{name} was opened as {error.encoding}, and is not. Give its path, or open it as "
            "bytes: open(…, 'rb')."
        ) from None
    except ValueError:  # closed, or open for writing alone
        raise InvalidArgument(f"{name} is not open for reading. Open it: open(…, 'rb').") from None
    if isinstance(content, bytearray | memoryview):
        content = bytes(content)
    if not isinstance(content, bytes | str):
        raise InvalidArgument(
            f"Reading {name} gave {type(content).__name__}, not bytes or text. Give a file of "
            "which read() returns them, or io.BytesIO(…)."
        )
    if not content and getattr(file, "tell", int)():
        raise ContactsUnreadable(f"{name} was read to its end before. Go back: file.seek(0).")
    return content


def _encoded(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ContactsUnreadable(
            f"{name} holds half characters (lone surrogates): it was decoded in a wrong way. Give "
            "its path, or open it as bytes: open(…, 'rb')."
        ) from None


def _kind_of(data: bytes, name: str) -> Kind:
    """Tell by its content what a file is."""
    if data.startswith(_OLE):
        if _LOCKED in data:
            raise _locked(name)
        return "xls"
    if not data.startswith(_ZIP):
        return "text"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {part.replace("\\", "/").lstrip("/").lower() for part in archive.namelist()}
            if "content.xml" in parts:
                if b"encryption-data" in _manifest(archive):
                    raise _locked(name)
                return "ods"
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
        raise ContactsUnreadable(
            f"{name} cannot be read: it is damaged ({error}). Get the file again, or open it in "
            "Excel or LibreOffice and save it as .xlsx or .csv."
        ) from None
    if not any(part.startswith(("xl/", "_rels/")) for part in parts):
        raise ContactsUnreadable(
            f"{name} is a zip archive and no workbook. Unpack it, and read the file within."
        )
    return "xlsb" if "xl/workbook.bin" in parts and "xl/workbook.xml" not in parts else "xlsx"


def _manifest(archive: zipfile.ZipFile) -> bytes:
    part = "META-INF/manifest.xml"
    if part not in archive.namelist():
        return b""
    if archive.getinfo(part).compress_type not in PACKINGS:
        return b""
    with archive.open(part) as stream:
        return stream.read(_MAX_MANIFEST)


def _locked(name: str) -> ContactsUnreadable:
    return ContactsUnreadable(
        f"{name} is protected by a password. Save a copy without one, and read that."
    )


def _check_suffix(kind: Kind, suffix: str, data: bytes, name: str) -> None:
    named = KINDS.get(suffix, kind)
    if _WEB_PAGE.match(data) or (named != "text" and _XML.match(data)):
        what = "a web page" if _WEB_PAGE.match(data) else "an XML file"
        raise ContactsUnreadable(
            f"{name} is {what} and no {'list' if named == 'text' else 'workbook'}, whatever its "
            "name says: some programs export so. Open it in Excel or LibreOffice and save it as "
            ".xlsx or .csv."
        )
    if kind == named:
        return
    if kind != "text":
        what = "text file" if named == "text" else f"{suffix} workbook"
        raise ContactsUnreadable(
            f"{name} is a .{kind} workbook with the name of a {what}: rename it .{kind}."
        )
    is_text = data.startswith(_UTF16_MARKS) or b"\0" not in data[:_HEAD]
    if not is_text or not data:
        what = "is empty" if not data else "is no spreadsheet, or is damaged"
        raise ContactsUnreadable(
            f"{name} cannot be read: it {what}. Get the file again, or open it in Excel or "
            "LibreOffice and save it as .xlsx or .csv."
        )
    raise ContactsUnreadable(f"{name} is a text file with the name of a workbook: rename it .csv.")
