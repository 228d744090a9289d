"""The commands after a send: to ask what became of it, and to write the reports."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.campaign.watching import goes_on_by
from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.ending import of_counts
from smspm_campaigns.cli.sending import client_of
from smspm_campaigns.cli.speech import Speech, at_work, document_of, records, told_of, what_follows
from smspm_campaigns.cli.words import command_line
from smspm_campaigns.reporting.exports import file_name_of


@click.command(cls=opt.Command)
@opt.NAME
@click.option("--timeout", default="10min", show_default=True, help="How long to go on asking.")
@click.option(
    "--give-up-after",
    default="72h",
    show_default=True,
    help="Age at which a message without a final word is unconfirmed.",
)
@opt.AS_JSON
@opt.SIMULATED
@opt.LEDGER
def track(
    name: str,
    *,
    timeout: str,
    give_up_after: str,
    as_json: bool,
    simulated: bool,
    ledger: Path | None,
) -> int:
    """Ask what became of the messages of the campaign NAME.

    It ends when nothing is open any more, or when the time is over. The exit code is 3 when
    something is still open then, or unknown.
    """
    campaign = Campaign.open(name, ledger=ledger)
    with goes_on_by(command_line("track", name, simulated=simulated, ledger=ledger)):
        counts = campaign.track(
            client_of(simulated=simulated), timeout=timeout, give_up_after=give_up_after
        )
    is_rehearsal = simulated or campaign.is_rehearsal
    following = what_follows(campaign, ledger, is_rehearsal=is_rehearsal)
    speech = Speech(is_rehearsal=is_rehearsal, as_json=as_json)
    speech.say(told_of(campaign))
    for command in following:
        speech.say(f"Next: {command}")
    speech.answer(document_of(campaign, rehearsal=is_rehearsal, next=following))
    return of_counts(counts, tracked=True)


@click.command(cls=opt.Command)
@opt.NAME
@click.option("--output", type=opt.PATH, help="Folder for the files; named after the campaign.")
@opt.AS_JSON
@opt.LEDGER
def report(name: str, *, output: Path | None, as_json: bool, ledger: Path | None) -> None:
    """Write report.xlsx, report.html and report.csv of NAME.

    The files have whole numbers, for people who may see them. What stands there is replaced when
    the new file is whole.
    """
    campaign = Campaign.open(name, ledger=ledger)
    folder = output or Path(file_name_of(name))
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"--output is a folder, and {folder} is a file. Name another.")
    folder.mkdir(parents=True, exist_ok=True)
    speech = Speech(is_rehearsal=campaign.is_rehearsal, as_json=as_json)
    speech.say(told_of(campaign))
    files = []
    with _ended_by_signals():
        for write, ending in (
            (campaign.to_excel, "xlsx"),
            (campaign.to_html, "html"),
            (campaign.to_csv, "csv"),
        ):
            path = folder / f"report.{ending}"
            at_work(f"Writing {path}")
            files.append(str(write(path)))
            speech.say(files[-1])
    if as_json:
        [summary] = records(campaign.summary())
        speech.answer(document_of(campaign, files=files, summary=summary))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM, and a terminal that is closed, end a command as an exit: drafts are removed."""
    known = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
    ours = [number for number in known if number and signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
