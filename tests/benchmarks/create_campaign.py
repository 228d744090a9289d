"""Creating a campaign against writing its frame into SQLite, as one does by hand.

    python tests/benchmarks/create_campaign.py [--rows 1000000]

Prints, for personalised and for equal texts, how long `Campaign.create` takes in this one run (the
best of two, in turns), how many times as fast as `frame.to_sql` with an index on the numbers that
is, how long others cannot write to the ledger meanwhile, and how long it takes to create the very
same campaign again. Then how much memory creating takes above the frame, for 10,000 rows and for
all of them (Python and NumPy alone). Both must hold the same numbers and texts.
"""

import contextlib
import io
import random
import sqlite3
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import click
import pandas as pd

import smspm_campaigns as smspm
from smspm_campaigns.delivery.ledger import Ledger

KINDS: Final = ("personalised texts", "equal texts")
SHOPS: Final = ("Würzburg", "Hoboken", "Hamburg Altona", "La Romana", "Tartu")
FEW: Final = 10_000  # rows, whose memory is compared with that of all of them


def messages(rows: int, kind: str, seed: int) -> pd.DataFrame:
    """Make a messages frame with four columns of one's own."""
    dice = random.Random(seed)
    numbers = [f"49171{row:08d}" for row in range(rows)]
    dice.shuffle(numbers)
    names = [f"Jörg {row}" for row in range(rows)]
    text = "Hi {}, -20% at your shop until Sunday, and your points count double. STOP: 1234"
    texts = [text.format(name if kind == KINDS[0] else "there") for name in names]
    frame = pd.DataFrame(
        {
            "first_name": names,
            "shop": dice.choices(SHOPS, k=rows),
            "phone": [f"0{number[2:]}" for number in numbers],
            "points": dice.choices(range(1000), k=rows),
            "sms_to": numbers,
            "sms_country": "DE",
            "sms_line": "mobile",
            "sms_text": texts,
            "sms_cost": 0.075,
        },
        index=pd.RangeIndex(2, rows + 2, name="row"),
    )
    none = pd.Series(None, index=frame.index, dtype="str")
    return frame.assign(sms_problem=none, sms_problems=none, sms_detail=none)


def by_hand(frame: pd.DataFrame, path: Path) -> None:
    """Do what a user does without this package."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        frame.to_sql("people", connection)
        connection.execute("CREATE INDEX by_number ON people (sms_to)")
        connection.commit()


def ours(frame: pd.DataFrame, path: Path) -> None:
    with contextlib.redirect_stderr(io.StringIO()):
        smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=path)


def seconds(work: Any, frame: pd.DataFrame, path: Path) -> float:
    start = time.perf_counter()
    work(frame, path)
    return time.perf_counter() - start


@contextlib.contextmanager
def locked() -> Iterator[list[float]]:
    """Collect the seconds that each transaction keeps others from writing."""
    spans: list[float] = []
    transaction = Ledger.transaction

    @contextlib.contextmanager
    def timed(ledger: Ledger) -> Iterator[None]:
        with transaction(ledger):
            start = time.perf_counter()
            yield
        spans.append(time.perf_counter() - start)

    with mock.patch.object(Ledger, "transaction", timed):
        yield spans


def kept(path: Path, query: str) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def check(kind: str, theirs: Path, made: Path) -> None:
    joined = (
        "SELECT number, text FROM recipient JOIN content ON content.id = content_id "
        "ORDER BY position"
    )
    if kept(made, joined) != kept(theirs, "SELECT sms_to, sms_text FROM people ORDER BY rowid"):
        raise click.ClickException(f"{kind}: not the same numbers and texts.")


def measure(kind: str, rows: int, seed: int) -> None:
    frame = messages(rows, kind, seed)
    rounds = []
    with tempfile.TemporaryDirectory() as folder, locked() as spans:
        for turn in range(2):
            theirs, made = Path(folder) / f"{turn}.hand", Path(folder) / f"{turn}.ledger"
            rounds.append(
                (
                    seconds(by_hand, frame, theirs),
                    seconds(ours, frame, made),
                    max(spans),
                    seconds(ours, frame, made),
                )
            )
            spans.clear()
        check(kind, theirs, made)
    hand, create, lock, again = map(min, zip(*rounds, strict=True))
    click.echo(
        f"{kind:20}{rows:>10,}{hand:>12.2f}{create:>10.2f}{lock:>10.2f}{again:>10.2f}"
        f"{hand / create:>10.2f} x"
    )


def memory(rows: int, kind: str, seed: int) -> float:
    """Return the most memory in MB that creating a campaign takes above its frame."""
    frame = messages(rows, kind, seed)
    with tempfile.TemporaryDirectory() as folder:
        tracemalloc.start()
        try:
            ours(frame, Path(folder) / "ledger")
            return tracemalloc.get_traced_memory()[1] / 1e6
        finally:
            tracemalloc.stop()


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(rows: int, seed: int) -> None:
    click.echo(
        f"{'campaign':20}{'rows':>10}{'to_sql s':>12}{'create s':>10}{'locked s':>10}"
        f"{'again s':>10}{'as fast':>12}"
    )
    for kind in KINDS:
        measure(kind, rows, seed)
    for kind in KINDS:
        few, all_ = (memory(size, kind, seed) for size in (min(FEW, rows), rows))
        click.echo(f"{kind:20}{few:>10,.1f} MB for {min(FEW, rows):,} rows, {all_:,.1f} MB for all")


if __name__ == "__main__":
    main()
