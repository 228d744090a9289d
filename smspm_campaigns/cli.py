"""The terminal face: the same words as the library, and no logic of its own."""

import io
import os
import re
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import click
import pandas as pd
from click.core import ParameterSource

from smspm_campaigns import demo as demonstration
from smspm_campaigns.campaign import Campaign, list_campaigns
from smspm_campaigns.campaign.forewarning import forewarn, forewarn_of, forewarned
from smspm_campaigns.campaign.watching import goes_on_by
from smspm_campaigns.exceptions import SmspmError
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.preview import preview as preview_messages
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.listen import listen
from smspm_campaigns.remote import COMMANDS, FILE, INTERRUPTED, LEDGER, command_line
from smspm_campaigns.vocabulary import SIMULATED, Status


def main() -> NoReturn:
    """Run a command. Whatever is wrong is one sentence, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack letters
    warnings.showwarning = _show_warning
    try:
        cli(prog_name="smspm-campaigns", standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has left
        sys.exit(1)
    except (SmspmError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    sys.exit(0)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"Note: {message}", err=True)


_MESSAGE_OPTIONS: Final = (
    click.option("--column", default="phone", show_default=True, help="Column of the numbers."),
    click.option("--region", help="ISO country code of numbers without one, or a column of them."),
    click.option("--country", "countries", multiple=True, help="Send to this country only (more)."),
    click.option("--mobile-only", is_flag=True, help="Leave out what is surely a landline."),
    click.option("--opted-out", multiple=True, type=FILE, help="File of opted-out numbers (more)."),
    click.option("--template", help="The text, with placeholders such as {{ first_name }}."),
    click.option("--template-file", type=FILE, help="A file with the text."),
    click.option(
        "--replace",
        type=click.Choice(["typography", "accents"]),
        help="Write characters that double the price by plain ones.",
    ),
    click.option("--max-segments", type=int, help="The most segments a text may have."),
    click.option("--prices", type=FILE, help="File of prices: country, price (EUR per segment)."),
    click.option("--sheet", help="Sheet of a workbook; the first visible one by default."),
    click.option("--encoding", help="Encoding of a text file; UTF-8 by default."),
    click.option("--delimiter", help="Delimiter of a text file; found by default."),
    click.option("--keep-hidden", is_flag=True, help="Take hidden rows of a workbook too."),
)
_SIMULATED = click.option("--simulated", is_flag=True, help="Rehearse: nobody is texted.")


def _message_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that make messages of a file."""
    for option in reversed(_MESSAGE_OPTIONS):
        command = option(command)
    return command


def _messages(file: Path, options: dict[str, Any]) -> pd.DataFrame:
    """Run a file through the steps that the options ask for."""
    if (options["template"] is None) == (options["template_file"] is None):
        raise click.UsageError("Say what to send: either --template TEXT or --template-file FILE.")
    frame = read_contacts(
        file,
        sheet=options["sheet"],
        encoding=options["encoding"],
        delimiter=options["delimiter"],
        hidden="keep" if options["keep_hidden"] else "skip",
    )
    frame = normalize_numbers(
        frame,
        options["column"],
        region=options["region"],
        countries=options["countries"] or None,
        mobile_only=options["mobile_only"],
    )
    frame = mark_duplicates(frame)
    by_column = options["region"] in frame.columns
    for opted_out in options["opted_out"]:
        frame = mark_suppressed(frame, opted_out, region=None if by_column else options["region"])
    frame = render_messages(
        frame,
        options["template_file"] or options["template"],
        replace=options["replace"],
        max_segments=options["max_segments"],
    )
    return estimate_costs(frame, options["prices"]) if options["prices"] else frame


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="smspm-campaigns")
def cli() -> None:
    """Send bulk SMS campaigns through the SMSPM API, every row accounted for.

    Real sending needs SMSPM_HASH and SMSPM_TOKEN in the environment.
    """


for _command in (*COMMANDS, listen):
    cli.add_command(_command)


@cli.command()
@click.option(
    "--output",
    type=FILE,
    default=Path("smspm-demo"),
    show_default=True,
    help="Folder for the ledger and the reports.",
)
def demo(output: Path) -> None:
    """Run the main job on the simulator with sample data: nobody is texted."""
    demonstration.run(output, click.echo)
    click.echo(
        "\nTo send for real, set SMSPM_HASH and SMSPM_TOKEN, and name your file and your text:\n"
        "  smspm-campaigns send my-first-campaign contacts.xlsx --column phone --region DE "
        '--template "Hi {{ first_name }}, … Reply STOP to opt out." --sender SMSPM.com'
    )


@cli.command()
@click.argument("file", type=FILE)
@_message_options
@click.option("--show-numbers", is_flag=True, help="Show numbers whole; they are masked otherwise.")
def preview(file: Path, *, show_numbers: bool, **options: Any) -> None:
    """Show what a campaign would do: to whom, what, who not and why, and what it costs."""
    click.echo(preview_messages(_messages(file, options), show_numbers=show_numbers))


@cli.command()
@click.argument("name")
@click.argument("file", type=FILE, required=False)
@_message_options
@click.option("--sender", default=None, help="An approved Sender ID, such as SMSPM.com.")
@click.option(
    "--limit", type=click.IntRange(min=0), help="The most rows this campaign may ever take."
)
@click.option("--max-cost", type=float, help="The most EUR it may cost; inf lifts the bound.")
@click.option(
    "--allow-repeat", is_flag=True, help="Send also what another campaign sent, with FILE."
)
@click.option("--report-url", help="Where the API shall call when a status changes.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@_SIMULATED
@LEDGER
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
    simulated: bool,
    ledger: Path | None,
    **options: Any,
) -> None:
    """Send the campaign NAME: a new one from FILE, or go on with one that exists.

    Shows the preview and asks first. Running it again sends nothing twice.
    """
    if file is None:
        _refuse_without_file("sender", *options)
    client = _client(simulated=simulated)
    asks = not (yes or simulated)
    if file is None:
        campaign = Campaign.open(name, ledger=ledger)
        _ask_to_go_on(campaign, limit, client, asks=asks)
    else:
        frame = _messages(file, options)
        figures = preview_messages(frame, client=client)
        click.echo(figures)
        is_first = ledger is not None and not ledger.exists()  # it is made by create
        is_new = is_first or name not in list_campaigns(ledger=ledger).index
        if is_new:
            before = partial(forewarn_of, frame, client, sender=sender, limit=limit)
            _ask(figures.messages, limit, asks=asks, before=before)
        campaign = Campaign.create(
            name, frame, sender=sender, ledger=ledger, allow_repeat=allow_repeat
        )
        if not is_new:
            _ask_to_go_on(campaign, limit, client, asks=asks)
    again = [] if limit is None else ["--limit", str(limit)]
    again += ["--report-url", "URL"] if report_url else []  # its path holds a secret
    with ExitStack() as stack:
        command = command_line("send", name, *again, simulated=simulated, ledger=ledger)
        stack.enter_context(goes_on_by(command))
        if asks:  # who was asked was warned before
            stack.enter_context(forewarned())
        campaign.send(client, limit=limit, max_cost=max_cost, report_url=report_url)
    click.echo(campaign)
    click.echo(f"Next: {command_line('track', name, simulated=simulated, ledger=ledger)}")


@cli.command()
@click.argument("name")
@click.option("--timeout", default="10min", show_default=True, help="How long to go on asking.")
@click.option(
    "--give-up-after",
    default="72h",
    show_default=True,
    help="Age at which a message without a final word is unconfirmed.",
)
@_SIMULATED
@LEDGER
def track(
    name: str, *, timeout: str, give_up_after: str, simulated: bool, ledger: Path | None
) -> None:
    """Ask what became of the messages of the campaign NAME."""
    campaign = Campaign.open(name, ledger=ledger)
    with goes_on_by(command_line("track", name, simulated=simulated, ledger=ledger)):
        campaign.track(_client(simulated=simulated), timeout=timeout, give_up_after=give_up_after)
    click.echo(campaign)
    click.echo(f"Next: {command_line('report', name, ledger=ledger)}")


@cli.command()
@click.argument("name")
@click.option("--output", type=FILE, help="Folder for the files; named after the campaign.")
@LEDGER
def report(name: str, *, output: Path | None, ledger: Path | None) -> None:
    """Write report.xlsx, report.html and report.csv of the campaign NAME."""
    campaign = Campaign.open(name, ledger=ledger)
    folder = output or Path(re.sub(r"[^\w.-]+", "-", name).strip(".-") or "campaign")
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"--output is a folder, and {folder} is a file. Name another.")
    folder.mkdir(parents=True, exist_ok=True)
    click.echo(campaign)
    with _ended_by_signals():
        for write, ending in (
            (campaign.to_excel, "xlsx"),
            (campaign.to_html, "html"),
            (campaign.to_csv, "csv"),
        ):
            click.echo(write(folder / f"report.{ending}"))


@cli.command("list")
@LEDGER
def list_(*, ledger: Path | None) -> None:
    """List the campaigns of the ledger, the newest first."""
    campaigns = list_campaigns(ledger=ledger)
    if campaigns.empty:
        click.echo("No campaigns yet. `smspm-campaigns demo` shows one on the simulator.")
    for name, campaign in campaigns.iterrows():
        kind = {SIMULATED: "rehearsal"}.get(campaign["gateway"], "real")
        kind = "not sent yet" if pd.isna(campaign["gateway"]) else kind
        counts = campaign.drop(["created_at", "gateway"])
        told = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
        click.echo(f"{name}  {campaign['created_at']:%Y-%m-%d %H:%M} UTC  {kind}: {told}")


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Port on 127.0.0.1.",
)
@click.option("--accepted", type=FILE, help="File to log what was accepted, one JSON a line.")
@click.option(
    "--failure-rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of messages that fail.",
)
def simulate(*, port: int, accepted: Path | None, failure_rate: float) -> None:
    """Serve the simulator on this machine, for trying out clients of the API."""
    from smspm_campaigns.gateway.simulator import Simulator, serve  # noqa: PLC0415 - not for sends

    _check_port(port)
    simulator = Simulator(
        hash=SIMULATED, token=SIMULATED, accepted=accepted, failure_rate=failure_rate
    )
    click.echo(
        f"The simulator is at http://127.0.0.1:{port}; Ctrl-C stops it. To use it:\n"
        f"  SMSPM_BASE_URL=http://127.0.0.1:{port} SMSPM_HASH={SIMULATED} SMSPM_TOKEN={SIMULATED}"
    )
    serve(simulator, port=port)


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


def _client(*, simulated: bool) -> Client:
    return Client.simulated() if simulated else Client()


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


def _ask_to_go_on(campaign: Campaign, limit: int | None, client: Client, *, asks: bool) -> None:
    """Ask about what is left of a campaign, or say why nothing is."""
    click.echo(campaign)
    planned = int(campaign.counts()[Status.PLANNED])
    taken = campaign.taken
    if not planned:
        click.echo("Nothing is sent: no row is planned any more.")
    elif limit is not None and limit <= taken:
        click.echo(f"Nothing is sent: {taken:,} rows were taken before, and --limit is {limit:,}.")
    else:
        before = partial(forewarn, campaign.path, campaign.name, client, limit)
        _ask(planned, None if limit is None else limit - taken, asks=asks, before=before)


def _ask(messages: int, limit: int | None, *, asks: bool, before: Callable[[], object]) -> None:
    """Ask before anything is sent; a rehearsal needs no asking. What is said before, is said."""
    at_most = messages if limit is None else min(messages, limit)
    if not (asks and at_most):
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here. Pass --yes to send from a script.")
    count = f"{'up to ' if at_most < messages else ''}{at_most:,}"
    before()
    click.confirm(f"Send {count} message{'s' * (at_most != 1)} for real?", abort=True)


def _check_port(port: int) -> None:
    """Refuse a port before anybody is told that the simulator is there."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        raise click.ClickException(
            f"Port {port} is in use or not allowed. Choose another one with --port."
        ) from None
