"""What every export needs, and a report as a file of commas. Cells from a file are hostile."""

import csv
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from xlsxwriter.exceptions import FileCreateError

from smspm_campaigns.exceptions import SmspmError
from smspm_campaigns.frames.columns import check_argument
from smspm_campaigns.frames.files.apostrophes import put
from smspm_campaigns.reporting.workbook_cells import is_missing, written

_NUMBERS: Final = (int, float, Decimal, np.number, np.bool_)
_PREFIX: Final = ".smspm-report-"
_DRAFT: Final = re.compile(re.escape(_PREFIX) + r"\w{8}")  # as `tempfile` names it
_DAY: Final = 86_400  # seconds
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room for the file


class Outcome(NamedTuple):
    """What an export shows.

    `pieces` are the rows of the report in their order, in frames of a bounded size; they can be
    read once.
    """

    name: str
    is_rehearsal: bool
    pieces: Iterator[pd.DataFrame]

    @property
    def title(self) -> str:
        return f"{self.name} (rehearsal: nothing was sent)" if self.is_rehearsal else self.name


def target_of(path: Any) -> Path:
    """Return the path that an export shall have; `~` is a person's home.

    Raises:
        InvalidArgument: it is no path of a file.
    """
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    fits = isinstance(name, str) and bool(name.strip()) and "\0" not in name
    check_argument("path", path, "the path of a file, such as 'report.xlsx'", fits=fits)
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path raises for one who is not there


def file_name_of(campaign: str) -> str:
    """Name a file or folder after a campaign, whose name may hold anything.

    Example:
        >>> file_name_of("../Spring: sale"), file_name_of("...")
        ('Spring-sale', 'campaign')
    """
    return re.sub(r"[^\w.-]+", "-", campaign).strip(".-") or "campaign"


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a path to write to, and put what is there in the target's place when it is whole.

    Raises:
        OSError: the target cannot be written; it is as it was.
    """
    target = path.resolve()
    _check_target(path, target)
    _remove_left(target.parent)
    try:
        with tempfile.TemporaryDirectory(
            prefix=_PREFIX, dir=target.parent, ignore_cleanup_errors=True
        ) as folder:
            file = Path(folder, target.name)
            yield file
            file.replace(target)
    except SmspmError:  # the ledger's errors are not those of the target
        raise
    except (OSError, FileCreateError) as error:
        cause = error.args[0] if isinstance(error, FileCreateError) else error
        kind, advice = OSError, "Choose another path."
        if cause.errno in _FULL:
            advice = "Make room, or choose another path."
        elif isinstance(cause, PermissionError):
            kind = PermissionError
            advice = "Close it in Excel if it is open there, or choose another path."
        raise kind(f"{path} could not be written ({cause.strerror or cause}). {advice}") from error


def _check_target(path: Path, target: Path) -> None:
    """Refuse what no file can be put in the place of; a name that is too long is told later."""
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {path.parent}. Make it, or choose another path."
        )
    if os.path.isdir(target):  # noqa: PTH112 - Path raises where a name is too long
        raise IsADirectoryError(f"{path} is a folder. Name a file in it.")
    if os.path.exists(target) and not os.path.isfile(target):  # noqa: PTH110, PTH113 - ditto
        raise FileExistsError(
            f"{path} is no file that a report could take the place of. Choose another path."
        )


def _remove_left(folder: Path) -> None:
    """Remove drafts of programs that were killed: nobody else would, and people's data is in them.

    One that is not a day old may still be written to.
    """
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            is_old = time.time() - left.lstat().st_mtime > _DAY
            if is_old and _DRAFT.fullmatch(left.name):
                shutil.rmtree(left)  # refuses what is a link or no folder


def with_index(report: pd.DataFrame, *, distinct: bool = False) -> pd.DataFrame:
    """Put the levels of the index in front as columns, whatever they are called.

    `distinct` gives them names that no column has.
    """
    levels = report.index.nlevels
    names: list[Any] = []
    for level, name in enumerate(report.index.names):
        title = ("index" if levels == 1 else f"level_{level}") if name is None else name
        taken = {str(other).strip() for other in [*names, *report.columns]}
        while distinct and str(title).strip() in taken:
            title = f"{title} (index)"
        names.append(title)
    index = report.index.to_frame(index=False, name=range(levels))
    cells = pd.concat([index, report.reset_index(drop=True)], axis=1)
    cells.columns = pd.Index([*names, *report.columns], dtype=object, tupleize_cols=False)
    return cells


def to_csv(outcome: Outcome, path: Path) -> None:
    """Write every row as CSV in UTF-8, with the index as first column.

    Each cell is written as Python does, whatever the type of its column; a missing one is blank.

    Args:
        outcome: what became of a campaign. Its pieces are read once, and one is held at a time.
        path: of the file. What is there stays until the new one is whole.

    Raises:
        OSError: the file cannot be written.
    """
    with (
        draft(path) as file,
        file.open("w", encoding="utf-8-sig", errors="replace", newline="") as lines,
    ):
        # The line ends of Excel; with them a carriage return inside a cell is quoted too.
        rows = csv.writer(lines, lineterminator="\r\n")
        for number, piece in enumerate(outcome.pieces):
            frame = with_index(piece, distinct=True)
            if number == 0:
                rows.writerow([_harmless(written(name)) for name in frame.columns])
            columns = [frame.iloc[:, place].array for place in range(frame.shape[1])]
            rows.writerows(zip(*([*map(_csv_cell, cells)] for cells in columns), strict=True))


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return _harmless(value)
    if is_missing(value):
        return ""
    text = written(value)
    return text if isinstance(value, _NUMBERS) else _harmless(text)


def _harmless(text: str) -> str:
    """Let nothing run. No text file holds NUL."""
    return put(text.replace("\0", "\ufffd"))
