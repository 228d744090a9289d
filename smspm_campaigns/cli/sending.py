"""The commands that send: a campaign, or a test to one's own number."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from smspm_campaigns.campaign import Campaign, list_campaigns
from smspm_campaigns.campaign.forewarning import forewarn, forewarn_of, forewarned
from smspm_campaigns.campaign.outcomes import labels_of
from smspm_campaigns.campaign.trial import Trial
from smspm_campaigns.campaign.watching import goes_on_by
from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.ending import DONE, LOOK, WRONG, of_counts
from smspm_campaigns.cli.messages import messages, say_preview
from smspm_campaigns.cli.speech import Speech, at_work, document_of, told_of
from smspm_campaigns.cli.words import command_line, in_words
from smspm_campaigns.exceptions import OutcomeUnknown
from smspm_campaigns.frames.preview import preview
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import mask_text
from smspm_campaigns.reporting.words import several
from smspm_campaigns.vocabulary import Status

_ASKING: Final = "Asking SMSPM for the balance and the approved Sender IDs"


@click.command(cls=opt.Command)
@opt.NAME
@click.argument("file", type=opt.PATH, required=False)
@opt.of_messages
@click.option("--sender", default=None, help="An approved Sender ID, such as SMSPM.com.")
@click.option(
    "--limit", type=click.IntRange(min=0), help="The most rows this campaign may ever take."
)
@click.option("--max-cost", type=float, help="The most EUR it may cost; inf lifts the bound.")
@click.option(
    "--allow-repeat", is_flag=True, help="Send also what another campaign sent, with FILE."
)
@click.option("--report-url", help="Where the API shall call when a status changes.")
@opt.YES
@opt.AS_JSON
@opt.SIMULATED
@opt.LEDGER
def send(  # noqa: PLR0913 - one argument per option
    name: str,
    file: Path | None,
    *,
    sender: str | None,
    limit: int | None,
    max_cost: float | None,
    allow_repeat: bool,
    report_url: str | None,
    yes: bool,
    as_json: bool,
    simulated: bool,
    ledger: Path | None,
    **given: Any,
) -> int:
    """Send the campaign NAME, or go on with it.

    With FILE a new one is made; without, one that exists goes on as it was planned. It shows the
    preview and asks first. Running it again sends nothing twice.
    """
    if file is None:
        _refuse_without_file("sender", *given)
    client = client_of(simulated=simulated)
    speech = Speech(is_rehearsal=simulated, as_json=as_json)
    asks = not (yes or simulated)
    is_new = file is not None and _is_new(name, ledger)
    if not is_new:
        campaign = Campaign.open(name, ledger=ledger)
        campaign.check_gateway(client)  # before a line says which it is
    if file is None:
        _ask_to_go_on(campaign, limit, client, speech, asks=asks)
    else:
        frame = messages(file, given)
        figures = preview(frame, client=client)
        say_preview(speech, figures)
        if is_new:
            before = partial(forewarn_of, frame, client, sender=sender, limit=limit)
            _ask(figures.messages, limit, asks=asks, before=before)
        campaign = Campaign.create(
            name, frame, sender=sender, ledger=ledger, allow_repeat=allow_repeat
        )
        if not is_new:
            _ask_to_go_on(campaign, limit, client, speech, asks=asks)
    again = ["--report-url", "URL"] if report_url else []  # its path holds a secret
    on = partial(command_line, "send", name, simulated=simulated, ledger=ledger)
    with ExitStack() as stack:
        limited = [] if limit is None else ["--limit", str(limit)]
        stack.enter_context(goes_on_by(on(*limited, *again)))
        if asks:  # who was asked was warned before
            stack.enter_context(forewarned())
        elif not simulated:
            at_work(_ASKING)
        counts = campaign.send(client, limit=limit, max_cost=max_cost, report_url=report_url)
    track = command_line("track", name, simulated=simulated, ledger=ledger)
    left = int(counts[Status.PLANNED])
    speech.say(told_of(campaign))
    speech.say(f"Next: {track}")
    if left:
        speech.say(f"For the {several(left, 'planned row')} left: {on(*again)}")
    # A script runs what it is told next: nothing of that lifts the limit that it gave.
    following = [track, *([on(*again)] if left and limit is None else [])]
    is_rehearsal = simulated or campaign.is_rehearsal
    speech.answer(document_of(campaign, rehearsal=is_rehearsal, next=following))
    is_stopped = bool(left) and (limit is None or campaign.taken < limit)
    return of_counts(counts, stopped=is_stopped)


class _Doubt(click.ClickException):
    """Nobody can tell what became of it."""

    exit_code = LOOK


@click.command(cls=opt.Command)
@opt.NAME
@click.argument("number")
@click.option("--row", help="The row whose text is sent; the first that will be sent by default.")
@opt.YES
@opt.AS_JSON
@opt.SIMULATED
@opt.LEDGER
def test(
    name: str,
    number: str,
    *,
    row: str | None,
    yes: bool,
    as_json: bool,
    simulated: bool,
    ledger: Path | None,
) -> int:
    """Send the text of one row to NUMBER, your own phone.

    The campaign NAME is there by then: `send NAME FILE … --limit 0` makes one and sends nothing. A
    test counts nowhere, and costs what one message costs.
    """
    client = client_of(simulated=simulated)
    campaign = Campaign.open(name, ledger=ledger)
    [label] = [None] if row is None else labels_of(campaign.report().index, [row])
    if not (yes or simulated):
        opt.ask(f"Send one test message to {mask_text(number)} for real?")
    try:
        trial = campaign.send_test(client, number, row=label)
    except OutcomeUnknown as error:
        raise _Doubt(f"{in_words(str(error))} The test may have been sent.") from None
    speech = Speech(is_rehearsal=simulated, as_json=as_json)
    speech.say(_told_of_trial(trial))
    speech.answer(
        {
            "campaign": name,
            "rehearsal": trial.is_rehearsal,
            "status": str(trial.status),
            "id": trial.id,
            "segments": trial.segments,
            "number": trial.number,
            "error": trial.error,
        }
    )
    return {Status.QUEUED: DONE, Status.UNKNOWN: LOOK}.get(trial.status, WRONG)


def client_of(*, simulated: bool) -> Client:
    return Client.simulated() if simulated else Client()


def _told_of_trial(trial: Trial) -> str:
    doubt = ", it may have been sent" if trial.status is Status.UNKNOWN else ""
    size = several(trial.segments, "segment")
    identity = f"id {trial.id}" if trial.id else None
    parts = [f"{trial.status}{doubt}", size, identity, trial.error]
    return f"Test to {trial.number}: {', '.join(filter(None, parts))}"


def _is_new(name: str, ledger: Path | None) -> bool:
    """Tell whether `create` will make the campaign; one that is named and not there it makes."""
    is_first = ledger is not None and not ledger.expanduser().exists()
    return is_first or name not in list_campaigns(ledger=ledger).index


def _refuse_without_file(*names: str) -> None:
    """Refuse options that make messages of a file when there is none."""
    context = click.get_current_context()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in names and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"FILE is missing, and {option.opts[0]} is given. Name the file after the "
                "campaign; without one, a campaign that exists goes on as it was planned."
            )


def _ask_to_go_on(
    campaign: Campaign, limit: int | None, client: Client, speech: Speech, *, asks: bool
) -> None:
    """Ask about what is left of a campaign, or say why nothing is."""
    speech.say(told_of(campaign))
    planned = int(campaign.counts()[Status.PLANNED])
    taken = campaign.taken
    if not planned:
        speech.say("Nothing is sent: no row is planned any more.")
    elif limit is not None and limit <= taken:
        speech.say(f"Nothing is sent: {taken:,} rows were taken before, and --limit is {limit:,}.")
    else:
        before = partial(forewarn, campaign.path, campaign.name, client, limit)
        _ask(planned, None if limit is None else limit - taken, asks=asks, before=before)


def _ask(messages: int, limit: int | None, *, asks: bool, before: Callable[[], object]) -> None:
    """Ask before anything is sent; a rehearsal needs no asking. What is said before, is said."""
    at_most = messages if limit is None else min(messages, limit)
    if not (asks and at_most):
        return
    count = f"{'up to ' if at_most < messages else ''}{at_most:,}"
    opt.check_asking()
    at_work(_ASKING)
    before()
    opt.ask(f"Send {count} message{'s' * (at_most != 1)} for real?")
