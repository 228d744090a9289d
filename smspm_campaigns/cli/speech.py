"""What a command prints: lines for a person, or one JSON document for a script."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.cli.rehearsing import REHEARSAL
from smspm_campaigns.cli.tables import width_of
from smspm_campaigns.cli.words import command_line
from smspm_campaigns.vocabulary import OPEN, Status


class Speech:
    """Prints to stdout what was asked for. In a rehearsal every line of it says so.

    With JSON the lines of a person go to stderr, and stdout has one document and no more.
    """

    def __init__(self, *, is_rehearsal: bool = False, as_json: bool = False) -> None:
        self.is_rehearsal = is_rehearsal
        self.as_json = as_json

    @property
    def width(self) -> int:
        """How many columns a line has; nothing is cut or broken in a pipe."""
        return width_of(sys.stdout) - (len(REHEARSAL) if self.is_rehearsal else 0)

    def say(self, text: str) -> None:
        before = REHEARSAL if self.is_rehearsal else ""
        for line in text.split("\n"):
            click.echo(f"{before}{line}".rstrip(), err=self.as_json)

    def answer(self, document: dict[str, Any]) -> None:
        """Print the document of a script, if it asked for one."""
        if self.as_json:
            click.echo(json.dumps(document, indent=2))


def at_work(sentence: str) -> None:
    """Tell a person at a terminal what takes a while; a log needs no such line."""
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(f"{sentence} …", err=True)


def told_of(campaign: Campaign) -> str:
    """Say in a line where the rows of a campaign stand."""
    return f"{campaign.name}: {told_counts(campaign.counts().to_dict())}"


def told_counts(counts: dict[Any, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "no row"


def what_follows(
    campaign: Campaign, ledger: Path | None, *, is_rehearsal: bool, is_at_work: bool = False
) -> list[str]:
    """Return the commands for the rows that wait for something, and for the report."""
    counts = campaign.counts()
    waiting = {
        "watch": is_at_work,
        "unknown": counts[Status.UNKNOWN],
        "send": counts[Status.PLANNED] and not is_at_work,
        "track": any(counts[status] for status in OPEN) and not is_at_work,
        "report": True,
    }
    return [
        command_line(
            command,
            campaign.name,
            simulated=is_rehearsal and command in ("send", "track"),
            ledger=ledger,
        )
        for command, waits in waiting.items()
        if waits
    ]


def document_of(campaign: Campaign, **more: Any) -> dict[str, Any]:
    """Return what every document about a campaign has, and more."""
    counts = {str(status): int(count) for status, count in campaign.counts().items()}
    return {
        "campaign": campaign.name,
        "ledger": str(campaign.path),
        "rehearsal": campaign.is_rehearsal,
        "rows": sum(counts.values()),
        "counts": counts,
        **more,
    }


def records(frame: pd.DataFrame, *, index: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of a frame for a document, whatever is missing as null."""
    named = frame if index is None else frame.rename_axis(index).reset_index()
    return [
        {str(name): plain(value) for name, value in record.items()}
        for record in named.to_dict("records")
    ]


def plain(value: Any) -> Any:
    """Return a cell as JSON has it: null where it is missing, money as a number, times in ISO."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 9)  # what floats lose behind a price
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, pd.Timedelta):
        return value.total_seconds()
    return value.item() if hasattr(value, "item") else value
