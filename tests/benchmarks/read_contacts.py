"""Measure read_contacts against the plain `pandas.read_csv(path, dtype=str)` of the same file.

    python tests/benchmarks/read_contacts.py [--rows 1000000] [--rounds 7]

The two take turns in processes of their own, so that neither finds the memory of the other. With
pyarrow, where it is installed, and without.
"""

import csv
import importlib.util
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click

WARM_UP = 1  # the first round fills the cache of the disk

MEASURE = """
import sys, time
path, reader, pyarrow = sys.argv[1:]
if pyarrow == "without":
    sys.modules["pyarrow"] = None
import pandas as pd
from smspm_campaigns.frames.contacts import read_contacts
begun = time.perf_counter()
frame = read_contacts(path) if reader == "read_contacts" else pd.read_csv(path, dtype=str)
took = time.perf_counter() - begun
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes; bytes on a Mac
    peak //= 1024 if sys.platform == "darwin" else 1
except ImportError:
    peak = 0
print(took, peak, len(frame))
"""


def write_people(path: Path, rows: int) -> None:
    """Write a list of people such as a shop has; every number is of a range kept for fiction."""
    names = ["Õnne", "Mari", "Łukasz", "Jürgen", "Ana", "Şebnem", "Zoë"]
    towns = ["Tallinn", "Tartu", "Pärnu", "Köln", "Kraków"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first_name", "last_name", "phone", "email", "shop", "joined"])
        for row in range(rows):
            writer.writerow([
                names[row % 7],
                f"Name{row * 7919 % 9973}",
                f"+447700{row % 1_000_000:06}",
                f"customer{row}@example.com",
                towns[row % 5],
                f"202{row % 7}-{row % 12 + 1:02}-{row % 28 + 1:02}",
            ])  # fmt: skip


def measure(path: Path, reader: str, pyarrow: str) -> tuple[float, float]:
    """Return the seconds that one reading took, and the peak memory of its process in MiB."""
    command = [sys.executable, "-c", MEASURE, str(path), reader, pyarrow]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds, kilobytes, _ = printed.split()
    return float(seconds), int(kilobytes) / 1024


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--rounds", default=7, show_default=True)
def main(rows: int, rounds: int) -> None:
    ways = ["without"]
    if importlib.util.find_spec("pyarrow"):
        ways.insert(0, "with")
    readers = ["pandas.read_csv", "read_contacts"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        write_people(path, rows)
        click.echo(f"{rows:,} rows of six columns, {path.stat().st_size / 1e6:.0f} MB")
        click.echo(f"{'':18} {'pyarrow':8} {'seconds':>8} {'peak MiB':>9} {'takes':>8}")
        for way in ways:
            turns = [
                [measure(path, reader, way) for reader in readers] for _ in range(WARM_UP + rounds)
            ][WARM_UP:]
            ratio = statistics.median(ours[0] / theirs[0] for theirs, ours in turns)
            for place, reader in enumerate(readers):
                seconds = statistics.median(turn[place][0] for turn in turns)
                peak = max(turn[place][1] for turn in turns)
                shown = f"{ratio:.2f} x" if place else ""
                click.echo(f"{reader:18} {way:8} {seconds:8.2f} {peak:9.0f} {shown:>8}".rstrip())


if __name__ == "__main__":
    main()
