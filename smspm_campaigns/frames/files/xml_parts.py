"""The XML parts of a zipped workbook, read as streams and never trusted."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Final, Protocol
from xml.parsers import expat

from smspm_campaigns.exceptions import ContactsUnreadable
from smspm_campaigns.frames.files.sources import PACKINGS

_CHUNK: Final = 1 << 16  # bytes of XML read at a time
_MAX_UNPACKED: Final = 1 << 30  # bytes; a million rows of twenty cells are about 0.8 GB of XML
_MAX_TOKEN: Final = 1 << 22  # bytes of one tag, comment or the like: expat keeps it whole
_MAX_NAMES: Final = 10_000  # names of elements and attributes; real workbooks have some hundred
_MAX_DEPTH: Final = 100  # elements within elements; real workbooks have about ten

Attributes = dict[str, str]


class Reader(Protocol):
    """Takes the elements of a part by their local names; foreign ones are `""`."""

    def start(self, name: str, attributes: Attributes) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...


class Archive:
    """A zip archive in memory, of which a bounded number of bytes is unpacked."""

    def __init__(self, content: bytes) -> None:
        self._zip = zipfile.ZipFile(BytesIO(content))
        # Part names are compared without case (ECMA-376 part 2), and some writers use backslashes.
        self._parts = {
            info.filename.replace("\\", "/").lstrip("/").lower(): info
            for info in self._zip.infolist()
        }
        self._left = _MAX_UNPACKED

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._parts

    def read(self, part: str, size: int) -> bytes:
        """Return the first bytes of a part."""
        with self._open(part) as stream:
            return stream.read(size)

    def parse(self, part: str, reader: Reader, *vocabularies: str) -> None:
        """Stream a part to a reader.

        Raises:
            ContactsUnreadable: it is larger, deeper or otherwise more than a workbook needs.
            zipfile.BadZipFile, expat.ExpatError and the like: it is damaged.
        """
        parser = _parser(reader, vocabularies)
        fed = 0
        with self._open(part) as stream:
            while chunk := stream.read(_CHUNK):
                fed += len(chunk)
                self._left -= len(chunk)
                if self._left < 0:
                    raise _too_much()
                parser.Parse(chunk)
                if fed - parser.CurrentByteIndex > _MAX_TOKEN or len(parser.intern) > _MAX_NAMES:
                    raise _too_much()
        parser.Parse(b"", True)  # noqa: FBT003 - positional only

    def _open(self, part: str) -> zipfile.ZipExtFile:
        info = self._parts[part.lower()]
        check_packing(info)
        if info.file_size > self._left:
            raise _too_much()
        return self._zip.open(info)  # type: ignore[return-value]  # reads no more than file_size


def check_packing(info: zipfile.ZipInfo) -> None:
    """Refuse a part that no spreadsheet program packs so.

    Raises:
        ContactsUnreadable: it is packed in another way.
    """
    if info.compress_type not in PACKINGS:
        raise ContactsUnreadable("It is packed in a way that no spreadsheet program uses.")


def _parser(reader: Reader, vocabularies: tuple[str, ...]) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    names = _LocalNames(vocabularies)
    start_of, end_of = reader.start, reader.end
    depth = 0

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise _too_much()
        start_of(names[name], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        end_of(names[name])

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


class _LocalNames(dict[str, str]):
    """From "vocabulary name" to the name, or to `""` when the vocabulary is another's."""

    def __init__(self, vocabularies: tuple[str, ...]) -> None:
        super().__init__()
        self._vocabularies = vocabularies

    def __missing__(self, qualified: str) -> str:
        vocabulary, _, name = qualified.rpartition(" ")
        local = name if vocabulary in self._vocabularies else ""
        self[qualified] = local
        return local


def _refuse_doctype(*_: object) -> None:
    raise ContactsUnreadable("It declares XML entities, which no spreadsheet program does.")


def _too_much() -> ContactsUnreadable:
    return ContactsUnreadable("Unpacked it is far larger than the workbook of any campaign.")


class Elements:
    """A reader that hands each element of one name, with its attributes, to a function."""

    def __init__(self, **takers: Callable[[Attributes], object]) -> None:
        self._takers = takers

    def start(self, name: str, attributes: Attributes) -> None:
        if taker := self._takers.get(name):
            taker(attributes)

    def end(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...
