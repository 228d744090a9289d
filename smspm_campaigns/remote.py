"""The commands for runs that go on elsewhere: to watch, pause, resume and stop them."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.campaign.running import CampaignRun
from smspm_campaigns.campaign.watching import goes_on_by

INTERRUPTED: Final = 130  # the exit code of a program ended by Ctrl-C

FILE: Final = click.Path(path_type=Path)
LEDGER: Final = click.option(
    "--ledger", type=FILE, help="The ledger; SMSPM_LEDGER or yours by default."
)


@click.command()
@click.argument("name")
@LEDGER
def watch(name: str, *, ledger: Path | None) -> None:
    """Watch whoever sends or tracks the campaign NAME, until they have ended."""
    campaign, runs = _running(name, ledger)
    try:
        for run in runs:
            is_rehearsal = campaign.is_rehearsal
            on = command_line(run.kind, name, simulated=is_rehearsal, ledger=ledger)
            with goes_on_by(on):
                run.wait()
            click.echo(run)
    except KeyboardInterrupt:  # that the runs go on was said
        sys.exit(INTERRUPTED)
    click.echo(campaign)


@click.command()
@click.argument("name")
@LEDGER
def pause(name: str, *, ledger: Path | None) -> None:
    """Let whoever sends or tracks the campaign NAME begin nothing more, until `resume`."""
    _ask(CampaignRun.pause, name, ledger, then="resume")


@click.command()
@click.argument("name")
@LEDGER
def resume(name: str, *, ledger: Path | None) -> None:
    """Let whoever was paused at the campaign NAME go on."""
    _ask(CampaignRun.resume, name, ledger)


@click.command()
@click.argument("name")
@LEDGER
def stop(name: str, *, ledger: Path | None) -> None:
    """Stop whoever sends or tracks the campaign NAME; what is in flight ends and is recorded."""
    _ask(CampaignRun.stop, name, ledger)


COMMANDS: Final = (watch, pause, resume, stop)


def command_line(
    command: str, name: str, *options: str, simulated: bool = False, ledger: Path | None
) -> str:
    """Return a command as a person types it."""
    parts = ["smspm-campaigns", command, name, *options]
    parts += ["--simulated"] if simulated else []
    parts += ["--ledger", str(ledger)] if ledger else []
    return shlex.join(parts)


def _ask(
    ask: Callable[[CampaignRun], None], name: str, ledger: Path | None, *, then: str = "watch"
) -> None:
    """Ask whoever works on a campaign for something, and say how far they are."""
    campaign, runs = _running(name, ledger)
    for run in runs:
        ask(run)
        click.echo(run)
    click.echo(f"Next: {command_line(then, name, ledger=ledger)}" if runs else campaign)


def _running(name: str, ledger: Path | None) -> tuple[Campaign, list[CampaignRun]]:
    """Return a campaign and its runs; say so when there are none."""
    campaign = Campaign.open(name, ledger=ledger)
    runs = campaign.running()
    if not runs:
        click.echo(f"Nobody sends or tracks {name!r} at this moment.")
    return campaign, runs
