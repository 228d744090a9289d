"""Arguments and options that several commands have."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from smspm_campaigns.cli.candidates import campaign_names, column_names, sheet_names
from smspm_campaigns.cli.rehearsing import mark_stderr
from smspm_campaigns.cli.words import in_words
from smspm_campaigns.exceptions import SmspmError

HELP: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose errors are told in the words of the terminal, while its options are known.

    A rehearsal, which one that `rehearses` always is, says so in every line of stderr too.
    """

    def __init__(self, *arguments: Any, rehearses: bool = False, **settings: Any) -> None:
        settings.setdefault("context_settings", HELP)
        super().__init__(*arguments, **settings)
        self._rehearses = rehearses

    def invoke(self, ctx: click.Context) -> Any:
        if self._rehearses or ctx.params.get("simulated"):
            mark_stderr()
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (SmspmError, OSError) as error:
            raise click.ClickException(in_words(str(error))) from error


PATH: Final = click.Path(path_type=Path)
FILE: Final = click.argument("file", type=PATH)
NAME: Final = click.argument("name", shell_complete=campaign_names)
LEDGER: Final = click.option(
    "--ledger", type=PATH, help="The ledger; SMSPM_LEDGER or yours by default."
)
SIMULATED: Final = click.option("--simulated", is_flag=True, help="Rehearse: nobody is texted.")
YES: Final = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
AS_JSON: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document, for scripts."
)
SHOW_NUMBERS: Final = click.option(
    "--show-numbers", is_flag=True, help="Show numbers whole; they are masked otherwise."
)

_READ: Final = (
    click.option(
        "--column",
        default="phone",
        show_default=True,
        shell_complete=column_names,
        help="Column of the numbers.",
    ),
    click.option(
        "--region",
        shell_complete=column_names,
        help="ISO country code of numbers without one, or a column of them.",
    ),
    click.option("--country", "countries", multiple=True, help="Send to this country only (more)."),
    click.option("--mobile-only", is_flag=True, help="Leave out what is surely a landline."),
    click.option("--opted-out", multiple=True, type=PATH, help="File of opted-out numbers (more)."),
    click.option(
        "--opted-out-region",
        help="ISO country code of those without one; that of --region by default.",
    ),
)
_WRITE: Final = (
    click.option("--template", help="The text, with placeholders such as {{ first_name }}."),
    click.option("--template-file", type=PATH, help="A file with the text."),
    click.option(
        "--replace",
        type=click.Choice(["typography", "accents"]),
        help="Write characters that double the price by plain ones.",
    ),
    click.option("--max-segments", type=int, help="The most segments a text may have."),
)
_PRICES: Final = click.option(
    "--prices", type=PATH, help="File of prices: country, price (EUR per segment)."
)
_FILE: Final = (
    click.option(
        "--sheet",
        shell_complete=sheet_names,
        help="Sheet of a workbook; the first visible one by default.",
    ),
    click.option("--encoding", help="Encoding of a text file; UTF-8 by default."),
    click.option("--delimiter", help="Delimiter of a text file; found by default."),
    click.option("--keep-hidden", is_flag=True, help="Take hidden rows of a workbook too."),
)


def of_file(command: _Command) -> _Command:
    """Add the options by which a file is read and judged."""
    return _all_of((*_READ, *_WRITE, *_FILE), command)


def of_messages(command: _Command) -> _Command:
    """Add the options by which a file becomes messages."""
    return _all_of((*_READ, *_WRITE, _PRICES, *_FILE), command)


def _all_of(options: tuple[Callable[[_Command], _Command], ...], command: _Command) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command


def check_asking() -> None:
    """Raise UsageError unless a person can be asked."""
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here. Pass --yes to go on from a script.")


def ask(question: str) -> None:
    """Ask a person, and end unless they say yes.

    Raises:
        UsageError: nobody is there to be asked.
        Abort: they do not say yes.
    """
    check_asking()
    click.confirm(question, abort=True, err=True)
