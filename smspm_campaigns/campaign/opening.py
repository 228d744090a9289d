"""Where a ledger is, and how a campaign looks into it."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from smspm_campaigns.campaign.watching import is_notebook
from smspm_campaigns.clock import SystemClock
from smspm_campaigns.delivery.ledger import Ledger, default_path, owners, read
from smspm_campaigns.delivery.pacing import micros
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.vocabulary import Status


def ledger_path(ledger: str | os.PathLike[str] | None) -> Path:
    """Return the absolute path of a ledger, by default of the user's own.

    Raises:
        InvalidArgument: it can be no path.
    """
    path: object = default_path() if ledger is None else ledger
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise InvalidArgument(
            f"ledger is the path of a file, such as 'campaigns/ledger.sqlite', not {ledger!r}."
        )
    if re.match(r"\w{2,}:/", str(path)):  # its name and password are not repeated
        raise InvalidArgument(
            "ledger is the path of a file, such as 'campaigns/ledger.sqlite'. It cannot be an "
            "address yet."
        )
    return Path(path).expanduser().absolute()


def make_ledger(path: Path) -> None:
    """Make a ledger where there is none, and say so.

    Raises:
        LedgerError: it cannot be made.
    """
    if Ledger.create(path):
        place = sys.stdout if is_notebook() else sys.stderr  # a notebook shows that red
        print(f"A new ledger was made at {path}.", file=place)


def now() -> int:
    """Return the time of this machine in microseconds since 1970-01-01 UTC."""
    return micros(SystemClock())


@contextmanager
def opened(path: Path) -> Iterator[Ledger]:
    """Open a ledger in which nobody who died still seems to be sending."""
    with Ledger.open(path) as ledger:
        owners.bury_the_dead(ledger, at=now())
        yield ledger


def list_campaigns(*, ledger: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """List the campaigns of a ledger, the newest first.

    Returns:
        A frame indexed by `name`: `created_at` (datetime64[us, UTC]), `gateway` (`"simulated"` is
        a rehearsal; missing before the first request), and the rows by status (Int64). Without a
        ledger of one's own there are none.

    Raises:
        LedgerError: the ledger that was named is not there, or one cannot be used.
    """
    path = ledger_path(ledger)
    statuses = [str(status) for status in Status]
    lines: list[list[Any]] = []
    if ledger is not None or path.exists():
        with opened(path) as listed:
            for record in read.all_campaigns(listed):
                counts = read.count_by_status(listed, record.id)
                cells = [record.name, record.created_at, record.gateway]
                lines.append([*cells, *(counts.get(status, 0) for status in statuses)])
    frame = pd.DataFrame(lines, columns=["name", "created_at", "gateway", *statuses])
    frame["created_at"] = pd.to_datetime(frame["created_at"].astype("int64"), unit="us", utc=True)
    types = {"name": "str", "gateway": "str", **dict.fromkeys(statuses, "Int64")}
    return frame.astype(types).set_index("name")
