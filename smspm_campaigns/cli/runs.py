"""The commands for runs that go on elsewhere: to watch, pause, resume and stop them."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import click

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.campaign.running import CampaignRun
from smspm_campaigns.campaign.watching import goes_on_by
from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.ending import DONE, INTERRUPTED, LOOK, WRONG, of_counts, of_state
from smspm_campaigns.cli.speech import Speech, document_of, plain, told_counts, told_of
from smspm_campaigns.cli.words import command_line
from smspm_campaigns.vocabulary import RunState

_TELL_EVERY: Final = 15  # seconds, where there is no terminal for a bar
_TITLES: Final = {"send": "sending", "track": "tracking"}


@click.command(cls=opt.Command)
@opt.NAME
@opt.AS_JSON
@opt.LEDGER
def watch(name: str, *, as_json: bool, ledger: Path | None) -> int:
    """Watch whoever sends or tracks NAME, until they have ended.

    A bar shows how far they are; without a terminal a line says it every 15 seconds. Ctrl-C ends
    the watching alone. The exit code is 1 when nobody runs, or a run failed or died.
    """
    campaign, runs = _running(name, ledger)
    speech = Speech(is_rehearsal=campaign.is_rehearsal, as_json=as_json)
    try:
        for run in runs:
            on = command_line(run.kind, name, simulated=campaign.is_rehearsal, ledger=ledger)
            with goes_on_by(on):
                _wait(run)
            speech.say(told_run(run))
    except KeyboardInterrupt:  # that the runs go on was said
        sys.exit(INTERRUPTED)
    speech.say(told_of(campaign))
    speech.answer(document_of(campaign, runs=[document_of_run(run) for run in runs]))
    of_runs = _worst(of_state(run.progress.state) for run in runs)
    return of_runs or of_counts(campaign.counts())


@click.command(cls=opt.Command)
@opt.NAME
@opt.AS_JSON
@opt.LEDGER
def pause(name: str, *, as_json: bool, ledger: Path | None) -> int:
    """Let whoever sends or tracks NAME begin nothing more.

    What is in flight ends and is recorded; `resume` lets them go on.
    """
    return _ask(CampaignRun.pause, name, ledger, then="resume", as_json=as_json)


@click.command(cls=opt.Command)
@opt.NAME
@opt.AS_JSON
@opt.LEDGER
def resume(name: str, *, as_json: bool, ledger: Path | None) -> int:
    """Let whoever was paused at NAME go on."""
    return _ask(CampaignRun.resume, name, ledger, then="watch", as_json=as_json)


@click.command(cls=opt.Command)
@opt.NAME
@opt.AS_JSON
@opt.LEDGER
def stop(name: str, *, as_json: bool, ledger: Path | None) -> int:
    """Stop whoever sends or tracks NAME, in good order.

    What is in flight ends and is recorded; `send` or `track` goes on another time.
    """
    return _ask(CampaignRun.stop, name, ledger, then="watch", as_json=as_json)


def told_run(run: CampaignRun) -> str:
    """Say in a line how far a run is."""
    progress = run.progress
    parts = [
        f"{progress.done:,} of {progress.total:,}",
        "" if progress.rate is None else f"{progress.rate:,.0f} a minute",
        "" if progress.time_left is None else f"{progress.time_left} left",
    ]
    told = ", ".join(filter(None, parts))
    return f"{_TITLES[run.kind]}, {progress.state}: {told}; {told_counts(progress.counts)}"


def document_of_run(run: CampaignRun) -> dict[str, Any]:
    progress = run.progress
    return {
        "id": run.id,
        "kind": run.kind,
        "state": str(progress.state),
        "done": progress.done,
        "total": progress.total,
        "messages_a_minute": plain(progress.rate),
        "seconds_left": None if progress.time_left is None else progress.time_left.total_seconds(),
        "error": progress.error,
    }


def _wait(run: CampaignRun) -> None:
    """Wait with a bar, or with a line now and then where nobody could see one."""
    if sys.stderr.isatty():
        run.wait()
        return
    run.wait(_TELL_EVERY, progress=False)
    while not (run.progress.state.has_ended or run.progress.state is RunState.LOST):
        click.echo(told_run(run), err=True)
        run.wait(_TELL_EVERY, progress=False)


def _ask(
    ask: Callable[[CampaignRun], None], name: str, ledger: Path | None, *, then: str, as_json: bool
) -> int:
    """Ask whoever works on a campaign for something, and say how far they are."""
    campaign, runs = _running(name, ledger)
    speech = Speech(is_rehearsal=campaign.is_rehearsal, as_json=as_json)
    for run in runs:
        ask(run)
        speech.say(told_run(run))
    following = command_line(then, name, ledger=ledger)
    speech.say(f"Next: {following}")
    documents = [document_of_run(run) for run in runs]
    speech.answer(document_of(campaign, runs=documents, next=[following]))
    broken = any(of_state(run.progress.state) == WRONG for run in runs)
    return WRONG if broken else DONE


def _running(name: str, ledger: Path | None) -> tuple[Campaign, list[CampaignRun]]:
    """Return a campaign and its runs.

    Raises:
        ClickException: there are none.
    """
    campaign = Campaign.open(name, ledger=ledger)
    runs = campaign.running()
    if not runs:
        raise click.ClickException(
            f"Nobody sends or tracks {name!r} at this moment. Its rows: "
            f"{told_counts(campaign.counts().to_dict())}."
        )
    return campaign, runs


def _worst(codes: Iterable[int]) -> int:
    found = set(codes)
    return next((code for code in (WRONG, LOOK) if code in found), DONE)
