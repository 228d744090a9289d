"""What every export needs, and a report as a file of commas. Cells from a file are hostile."""

import csv
import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from xlsxwriter.exceptions import FileCreateError

from smspm_campaigns.exceptions import SmspmError
from smspm_campaigns.frames.files.apostrophes import put
from smspm_campaigns.reporting.workbook_cells import is_missing, written

_NUMBERS: Final = (int, float, Decimal, np.number, np.bool_)
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


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield a path to write to, and put what is there in the target's place when it is whole.

    Raises:
        OSError: the target cannot be written; it is as it was.
    """
    target = path.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {path.parent}. Make it, or choose another path."
        )
    try:
        if target.exists() and not target.is_file():
            raise FileExistsError(errno.EEXIST, "it is no file")
        with tempfile.TemporaryDirectory(
            prefix=".report-", dir=target.parent, ignore_cleanup_errors=True
        ) as folder:
            file = Path(folder, target.name)
            yield file
            file.replace(target)
    except SmspmError:  # the ledger's errors are not those of the target
        raise
    except (OSError, FileCreateError) as error:
        cause = error.args[0] if isinstance(error, FileCreateError) else error
        kind = PermissionError if isinstance(cause, PermissionError) else OSError
        advice = "Make room" if cause.errno in _FULL else "Close it in Excel if it is open there"
        raise kind(
            f"{path} could not be written ({cause.strerror or cause}). {advice}, or choose another "
            "path."
        ) from error


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
