"""The commands by which a person has the word: who is left out, and what became of unknown rows."""

from pathlib import Path
from typing import Any, Final, Literal

import click
import pandas as pd

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.campaign.outcomes import labels_of
from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.speech import Speech, document_of, told_of
from smspm_campaigns.cli.words import command_line
from smspm_campaigns.delivery.ledger.resolve import ACTIONS
from smspm_campaigns.frames.audience import mark_suppressed
from smspm_campaigns.reporting.words import several
from smspm_campaigns.vocabulary import PROBLEM, TO, Status

_WHAT_IT_DOES: Final[dict[str, str]] = {
    "sent": "{rows} {are} taken as sent, on your word; nobody asks about {them} any more",
    "failed": "{rows} {are} taken as failed, on your word",
    "resend": "{rows} {are} planned again, and the next `send` texts {them}",
}


@click.command(cls=opt.Command)
@opt.NAME
@opt.YES
@opt.AS_JSON
@opt.LEDGER
def cancel(name: str, *, yes: bool, as_json: bool, ledger: Path | None) -> None:
    """Take out of the plan of NAME whatever is still planned.

    It is never sent, and that is not taken back. A request that is under way is left to end.
    """
    campaign = Campaign.open(name, ledger=ledger)
    planned = int(campaign.counts()[Status.PLANNED])
    if planned and not yes:
        opt.ask(f"Cancel {several(planned, 'row')} of {name!r}? {_never(planned)}")
    before = campaign.counts()
    after = campaign.cancel()
    _tell(campaign, before, after, Status.CANCELLED, as_json=as_json)


@click.command(cls=opt.Command)
@opt.NAME
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--file", type=opt.PATH, help="A file of numbers, as for --opted-out of `send`.")
@click.option("--region", help="ISO country code of numbers without one.")
@opt.YES
@opt.AS_JSON
@opt.LEDGER
def suppress(
    name: str,
    numbers: tuple[str, ...],
    *,
    file: Path | None,
    region: str | None,
    yes: bool,
    as_json: bool,
    ledger: Path | None,
) -> None:
    """Leave people out of NAME who opted out since.

    At any time, also while it is sent. Their planned rows are excluded, and that is not taken back.
    """
    if bool(numbers) == (file is not None):
        raise click.UsageError("Name the people: either their NUMBERs, or --file FILE.")
    campaign = Campaign.open(name, ledger=ledger)
    listed: Any = file or list(numbers)
    if not yes and (rows := _planned_of(campaign, listed, region)):
        opt.ask(f"Leave {several(rows, 'row')} out of {name!r}? {_never(rows)}")
    before = campaign.counts()
    after = campaign.suppress(listed, region=region)
    _tell(campaign, before, after, Status.EXCLUDED, as_json=as_json)


def _planned_of(campaign: Campaign, numbers: Any, region: str | None) -> int:
    """Count the planned rows of these people."""
    report = campaign.report()
    planned = report.loc[(report["sms_status"] == Status.PLANNED).to_numpy(), [TO]]
    return int(mark_suppressed(planned, numbers, region=region)[PROBLEM].notna().sum())


@click.command(cls=opt.Command)
@opt.NAME
@click.argument("action", type=click.Choice(list(ACTIONS)))
@click.option("--row", "typed", multiple=True, help="A row, as `unknown` lists it (more).")
@click.option("--all", "every", is_flag=True, help="All unknown rows.")
@opt.YES
@opt.AS_JSON
@opt.LEDGER
def resolve(
    name: str,
    action: Literal["resend", "sent", "failed"],
    *,
    typed: tuple[str, ...],
    every: bool,
    yes: bool,
    as_json: bool,
    ledger: Path | None,
) -> None:
    """Say what became of unknown rows of NAME.

    Look them up in the message log of your SMSPM account first. `sent`: they were; `failed`: they
    failed; `resend`: they were not sent, and the next `send` takes them.
    """
    if bool(typed) == every:
        raise click.UsageError("Name the rows: either --row ROW, more than once, or --all.")
    campaign = Campaign.open(name, ledger=ledger)
    rows = None if every else labels_of(campaign.report().index, typed)
    before = campaign.counts()
    count = int(before[Status.UNKNOWN]) if rows is None else len(set(typed))
    if count and not yes:
        said = _WHAT_IT_DOES[action].format(
            rows=several(count, "row"),
            are="is" if count == 1 else "are",
            them="it" if count == 1 else "them",
        )
        opt.ask(f"{said}. Go on?")
    after = campaign.resolve_unknown(action, rows=rows)
    speech = Speech(is_rehearsal=campaign.is_rehearsal, as_json=as_json)
    changed = int(before[Status.UNKNOWN] - after[Status.UNKNOWN])
    following = [
        command_line("send", name, simulated=campaign.is_rehearsal, ledger=ledger)
        for _ in range(action == "resend" and changed > 0)
    ]
    speech.say(f"{several(changed, 'row')} changed. {told_of(campaign)}")
    for command in following:
        speech.say(f"Next: {command}")
    speech.answer(document_of(campaign, changed=changed, next=following))


def _tell(
    campaign: Campaign,
    before: "pd.Series[int]",
    after: "pd.Series[int]",
    status: Status,
    *,
    as_json: bool,
) -> None:
    """Say how many rows became what was asked for."""
    changed = int(after[status] - before[status])
    speech = Speech(is_rehearsal=campaign.is_rehearsal, as_json=as_json)
    speech.say(f"{several(changed, 'row')} {status} now. {told_of(campaign)}")
    speech.answer(document_of(campaign, changed=changed))


def _never(count: int) -> str:
    return f"{'It is' if count == 1 else 'They are'} never sent, and this is not taken back."
