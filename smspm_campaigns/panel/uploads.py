"""A file that was uploaded becomes one in the folder of the notebook, where code can name it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from smspm_campaigns.frames.files.sources import KINDS

_MAX_NAME: Final = 60  # characters of up to four bytes; file systems have room for 255


def keep_upload(name: str, content: bytes, folder: Path) -> str:
    """Write an upload into a folder, and return its name there. Nothing is ever overwritten.

    The same file again is the same file; another one of the same name gets a number.

    Raises:
        OSError: the folder cannot be written.
    """
    for candidate in names_for(name):
        path = folder / candidate
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            if path.is_file() and path.read_bytes() == content:
                return candidate
        except OSError:
            path.unlink(missing_ok=True)
            raise
        else:
            return candidate
    raise AssertionError  # there is always another name


def files_in(folder: Path) -> list[str]:
    """List the files of a folder that can be read as a table, by name."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix.lower() in KINDS and path.is_file() and not path.name.startswith((".", "~"))
    )


def names_for(name: str) -> Iterator[str]:
    """Name a file in ways that are no path, not hidden, and end as it does."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip()
    path = Path(plain[-_MAX_NAME:].lstrip(". ~") or "upload")
    return numbered(path.stem, path.suffix)


def numbered(stem: str, ending: str = "") -> Iterator[str]:
    """Yield a name, and then the same with the numbers from 2 on.

    Example:
        >>> names = numbered("sale", ".csv")
        >>> next(names), next(names)
        ('sale.csv', 'sale-2.csv')
    """
    yield f"{stem}{ending}"
    for number in count(2):
        yield f"{stem}-{number}{ending}"
