"""A campaign's workbook against the plain `DataFrame.to_excel(engine="xlsxwriter")` of its report.

    python tests/benchmarks/export_campaign.py [--rows 100000]

The same rows in the same run, in turns; ours come in pieces, as a campaign reads them, and have a
summary with charts, tables, filters and colours besides. Both workbooks must hold the same cells.
And the peak memory of a fresh process that writes a tenth of the rows, and of one for all.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import pandas as pd
import python_calamine as calamine

from smspm_campaigns.reporting.exports import Outcome
from smspm_campaigns.reporting.workbook import to_excel

TURNS: Final = 3
PIECE: Final = 20_000  # rows that a campaign reads at once
SHOPS: Final = ("Würzburg", "Hoboken", "Hamburg Altona", "La Romana", "Tartu")
START: Final = pd.Timestamp("2026-11-22 08:00")


def rows_of_report(first: int, last: int, zone: str | None = "UTC") -> pd.DataFrame:
    """Make some rows of a report with six columns of one's own."""
    rows = range(first, last)
    sent_at = START + pd.to_timedelta([row * 600 for row in rows], unit="us")
    failed = [row % 20 == 0 for row in rows]
    texts = {
        "first_name": [f"Jörg {row}" for row in rows],
        "last_name": [f"Name{row * 7919 % 9973}" for row in rows],
        "phone": [f"0171{row:08d}" for row in rows],
        "shop": [SHOPS[row % len(SHOPS)] for row in rows],
        "joined": [f"202{row % 7}-{row % 12 + 1:02}-{row % 28 + 1:02}" for row in rows],
    }
    frame = pd.DataFrame(texts, index=pd.RangeIndex(first + 2, last + 2, name="row"))
    none = pd.Series(None, index=frame.index, dtype="str")
    return frame.assign(
        points=[row % 1000 for row in rows],
        sms_to=[f"49171{row:08d}" for row in rows],
        sms_country="DE",
        sms_line="mobile",
        sms_text=[f"Hi Jörg {row}, -20% at your shop until Sunday. STOP: 1234" for row in rows],
        sms_encoding="GSM-7",
        sms_segments=pd.array([1] * len(rows), dtype="Int64"),
        sms_cost=0.075,
        sms_sender="SMSPM.com",
        sms_problem=none,
        sms_problems=none,
        sms_detail=none,
        sms_id=[f"3443feb8-2a80-8001-a98a-{row:012x}" for row in rows],
        sms_status=["failed" if fails else "delivered" for fails in failed],
        sms_error=pd.Series(
            ["absent subscriber" if fails else None for fails in failed],
            index=frame.index,
            dtype="str",
        ),
        sms_price=0.08,
        sms_carrier="Telekom",
        sms_sent_at=sent_at.as_unit("us").tz_localize(zone),
        sms_updated_at=(sent_at + pd.Timedelta("9s")).as_unit("us").tz_localize(zone),
    )


def pieces(rows: int) -> Iterator[pd.DataFrame]:
    for first in range(0, rows, PIECE):
        yield rows_of_report(first, min(first + PIECE, rows))


def ours(parts: list[pd.DataFrame], path: Path) -> float:
    start = time.perf_counter()
    to_excel(Outcome("spring", is_rehearsal=False, pieces=iter(parts)), path)
    return time.perf_counter() - start


def theirs(report: pd.DataFrame, path: Path) -> float:
    start = time.perf_counter()
    report.to_excel(path, engine="xlsxwriter")
    return time.perf_counter() - start


def cells(path: Path, sheet: str) -> list[list[Any]]:
    return calamine.CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python()[1:]


def check(made: Path, plain: Path) -> None:
    if cells(made, "Recipients") != cells(plain, "Sheet1"):
        raise click.ClickException("The workbooks do not hold the same cells.")


def peak_of(rows: int) -> int:
    """Return the peak memory in MiB of a fresh process that writes one workbook."""
    command = [sys.executable, __file__, "--rows", str(rows), "--peak"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def write_one(rows: int) -> int:
    """Write a workbook, and return the peak memory of this process in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        to_excel(Outcome("spring", is_rehearsal=False, pieces=pieces(rows)), Path(folder, "x"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes; bytes on a Mac
    return peak // (1024**2 if sys.platform == "darwin" else 1024)


@click.command(help=__doc__)
@click.option("--rows", default=100_000, show_default=True)
@click.option("--peak", is_flag=True, help="Write one workbook, and print the peak memory in MiB.")
def main(*, rows: int, peak: bool) -> None:
    if peak:
        click.echo(write_one(rows))
        return
    few = max(rows // 10, 1)
    peaks = peak_of(few), peak_of(rows)  # first: a process begins with the peak of its parent
    parts = list(pieces(rows))
    report = rows_of_report(0, rows, zone=None)  # pandas writes no zones
    with tempfile.TemporaryDirectory() as folder:
        made, plain = Path(folder, "made.xlsx"), Path(folder, "plain.xlsx")
        turns = [(theirs(report, plain), ours(parts, made)) for _ in range(TURNS)]
        check(made, plain)
    click.echo(f"peak memory: {peaks[0]} MiB for {few:,} rows, {peaks[1]} for {rows:,}")
    click.echo(f"{'rows':>10}{'DataFrame.to_excel s':>24}{'to_excel s':>14}{'takes':>12}")
    ratio = statistics.median(made / plain for plain, made in turns)
    plain_s, made_s = (statistics.median(column) for column in zip(*turns, strict=True))
    click.echo(f"{rows:>10,}{plain_s:>24.2f}{made_s:>14.2f}{ratio:>10.2f} x")


if __name__ == "__main__":
    main()
