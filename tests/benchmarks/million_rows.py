"""A million rows through a bad day: exact accounting, and memory that does not grow with the rows.

    python tests/benchmarks/million_rows.py [--rows 1000000] [--faults 0.05] [--seed 1]

A campaign of which one row in a hundred has a text of its own, and the others share a few, is
created, sent to the simulator in another process that lets a share of the requests go wrong, and
compared with what the simulator accepted: nobody twice, each id at its row, and each row that is
neither queued nor surely not accepted is unknown. Where the brake stops the run, it is started
again, as a person would. Waits are over at once.

Prints the peak memory of the process that sends, which holds no frame, for 10,000 rows and for
all, and how many times as much it is; and for what `create` needs beside the frame, per row.
"""

import asyncio
import io
import json
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stderr
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import numpy as np
import pandas as pd

import smspm_campaigns as smspm
from smspm_campaigns.exceptions import GatewayError, RunStopped
from smspm_campaigns.gateway.simulator import Fault, Simulator, running, storm

FEW: Final = 10_000  # rows to compare with
PERSONAL: Final = 100  # one row in so many has a text of its own
SHARED: Final = 7  # texts that the others share
FIRST: Final = 37_200_000_000  # the first number
KINDS: Final = (
    *("close", "reset", "truncated_head", "half", "502", "302", "malformed", "empty", "partial"),
    *("doubled", "reordered", "reformatted", "same_id", "no_id", "429", "some"),
    Fault("429", retry_after=5),
    Fault("502", taken=True),
    Fault("close", taken=False),
)
MEBIBYTE: Final = 1 << 20
_SPAWN: Final = multiprocessing.get_context("spawn")  # a fork would begin with our memory


class Hasty:
    """A clock on which every wait is over at once."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def now(self) -> float:
        return time.time() + self._skipped

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        self._skipped += max(seconds, 0.0)
        await asyncio.sleep(0)


class Made(NamedTuple):
    """What `create` took: seconds, and bytes beside the frame."""

    seconds: float
    memory: int


class Sent(NamedTuple):
    """What sending took: seconds, how often it was stopped, and bytes of the whole process."""

    seconds: float
    stops: int
    memory: int


class Day(NamedTuple):
    """What a campaign came to."""

    rows: int
    made: Made
    sent: Sent
    requests: int
    counts: dict[str, int]


def peak() -> int:
    """Return the most bytes that this process has had in memory."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def make(ledger: Path, rows: int) -> Made:
    """Create the campaign."""
    frame = pd.DataFrame({"sms_to": np.arange(FIRST, FIRST + rows).astype("str")}, dtype="str")
    frame["sms_text"] = [
        f"Hi {row}" if row % PERSONAL == 0 else f"Hi all {row % SHARED}" for row in range(rows)
    ]
    frame["sms_text"] = frame["sms_text"].astype("str")
    with redirect_stderr(io.StringIO()):  # where the ledger is
        smspm.Campaign.create("first", frame[:1], sender="SMSPM.com", ledger=ledger)
    before, start = peak(), time.perf_counter()
    smspm.Campaign.create("million", frame, sender="SMSPM.com", ledger=ledger)
    return Made(time.perf_counter() - start, peak() - before)


def send(ledger: Path, url: str) -> Sent:
    """Send the campaign, as often as it stops by itself, until nothing is planned."""
    client = smspm.Client("h", "t", base_url=url, requests_per_minute=None, clock=Hasty())
    campaign = smspm.Campaign.open("million", ledger=ledger)
    warnings.simplefilter("ignore", smspm.SmspmWarning)  # that rows are unknown
    start, stops = time.perf_counter(), 0
    while campaign.counts()["planned"]:
        try:
            campaign.send(client, progress=False)
        except (GatewayError, RunStopped):
            stops += 1
    return Sent(time.perf_counter() - start, stops, peak())


def compare(ledger: Path, accepted: Path, rows: int) -> tuple[int, dict[str, int]]:
    """Compare the report with what was accepted; return the requests and the counts."""
    campaign = smspm.Campaign.open("million", ledger=ledger)
    report, counts = campaign.report(), campaign.counts()
    with accepted.open(encoding="utf-8") as lines:
        log = pd.DataFrame(
            [
                (entry["toNumber"], entry["id"], entry["request"])
                for entry in map(json.loads, lines)
            ],
            columns=["sms_to", "id", "request"],
        )
    status = report["sms_status"].astype(str)
    known, unknown = report[status == "queued"], report[status == "unknown"]
    ids = dict(zip(log["sms_to"], log["id"], strict=True))
    found = {
        "accepted twice": log["sms_to"].duplicated().sum(),
        "accepted, and neither queued nor unknown": len(
            set(ids) - set(known["sms_to"]) - set(unknown["sms_to"])
        ),
        "queued by an id that was not given": sum(
            ids.get(number) != message
            for number, message in zip(known["sms_to"], known["sms_id"], strict=True)
        ),
        "rows lost": rows - len(report),
        "rows miscounted": rows - counts.sum(),
        "counts that the report contradicts": sum(
            count != (status == str(name)).sum() for name, count in counts.items()
        ),
        "neither queued nor unknown": rows - len(known) - len(unknown),
    }
    if wrong := {what: int(number) for what, number in found.items() if number}:
        raise click.ClickException(f"The accounts differ: {wrong}")
    told = {str(name): int(count) for name, count in counts.items() if count}
    return log["request"].nunique(), told


def _serve(pipe: "Connection[str, None]", accepted: Path, share: float, seed: int) -> None:
    faults = storm(seed, share, KINDS)
    simulator = Simulator(hash="h", token="t", balance=1e9, accepted=accepted, faults=faults)
    with running(simulator) as url:
        pipe.send(url)
        pipe.recv()


@contextmanager
def gateway(accepted: Path, share: float, seed: int) -> Iterator[str]:
    """Serve the simulator in a process of its own."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs, accepted, share, seed))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def apart(work: Callable[..., Any], *told: object) -> Any:
    """Call a function in a process of its own, whose memory nothing else was in."""
    with ProcessPoolExecutor(1, mp_context=_SPAWN) as pool:
        return pool.submit(work, *told).result()


def spend(rows: int, share: float, seed: int) -> Day:
    with tempfile.TemporaryDirectory() as folder:
        ledger, accepted = Path(folder, "ledger.sqlite"), Path(folder, "accepted.jsonl")
        accepted.touch()
        made = apart(make, ledger, rows)
        with gateway(accepted, share, seed) as url:
            sent = apart(send, ledger, url)
        requests, counts = apart(compare, ledger, accepted, rows)
    return Day(rows, made, sent, requests, counts)


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--faults", default=0.05, show_default=True, help="Share of the requests.")
@click.option("--seed", default=1, show_default=True)
def main(rows: int, faults: float, seed: int) -> None:
    click.echo(f"{faults:.0%} of the requests go wrong, seed {seed}")
    days = [spend(each, faults, seed) for each in sorted({min(FEW, rows), rows})]
    for day in days:
        told = ", ".join(f"{count:,} {status}" for status, count in day.counts.items())
        click.echo(
            f"{day.rows:>9,} rows: created in {day.made.seconds:.1f} s, sent in "
            f"{day.sent.seconds:.1f} s, stopped {day.sent.stops} times; {told}; "
            f"{day.requests:,} requests were accepted. The accounts agree."
        )
    few, all_ = days[0], days[-1]
    click.echo(
        f"create, beside the frame: {few.made.memory / few.rows:,.0f} bytes a row of "
        f"{few.rows:,}, {all_.made.memory / all_.rows:,.0f} of {all_.rows:,}"
    )
    click.echo(
        f"send, all of the process: {few.sent.memory / MEBIBYTE:,.0f} MiB for {few.rows:,} rows, "
        f"{all_.sent.memory / MEBIBYTE:,.0f} MiB for {all_.rows:,}: "
        f"{all_.sent.memory / few.sent.memory:.2f} x"
    )


if __name__ == "__main__":
    main()
