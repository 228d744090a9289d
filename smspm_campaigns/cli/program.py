"""The program: its commands in the order of work, and how it ends."""

import io
import os
import sys
import warnings
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, NoReturn

import click
from click.shell_completion import CompletionItem

from smspm_campaigns.cli.ending import INTERRUPTED, WRONG
from smspm_campaigns.cli.options import HELP
from smspm_campaigns.cli.words import in_words

PROGRAM: Final = "smspm-campaigns"

#: Every command in the order of work: where it is, and what it does. It is loaded when it is asked
#: for, since pandas alone takes longer to load than most commands to run.
SECTIONS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "Try it": {
        "demo": ("demo", "Run the main job on the simulator with sample data."),
    },
    "Before anything is sent": {
        "check": ("messages", "List the rows of FILE that have a problem."),
        "preview": ("messages", "Show what a campaign would do, and what it costs."),
        "balance": ("account", "Tell the balance of the account."),
        "senders": ("account", "List the approved Sender IDs of the account."),
    },
    "From file to report": {
        "test": ("sending", "Send the text of one row to NUMBER, your own phone."),
        "send": ("sending", "Send the campaign NAME, or go on with it."),
        "track": ("tracking", "Ask what became of the messages of the campaign NAME."),
        "report": ("tracking", "Write report.xlsx, report.html and report.csv of NAME."),
    },
    "Looking at campaigns": {
        "list": ("listing", "List the campaigns of the ledger, the newest first."),
        "show": ("listing", "Show where the campaign NAME stands."),
        "unknown": ("listing", "List the rows that may have been sent, and what happened."),
    },
    "While it is sent, from another terminal": {
        "watch": ("runs", "Watch whoever sends or tracks NAME, until they have ended."),
        "pause": ("runs", "Let whoever sends or tracks NAME begin nothing more."),
        "resume": ("runs", "Let whoever was paused at NAME go on."),
        "stop": ("runs", "Stop whoever sends or tracks NAME, in good order."),
    },
    "What a person decides": {
        "suppress": ("deciding", "Leave people out of NAME who opted out since."),
        "cancel": ("deciding", "Take out of the plan of NAME whatever is still planned."),
        "resolve": ("deciding", "Say what became of unknown rows of NAME."),
    },
    "Services": {
        "listen": ("listen", "Receive callbacks: SMSPM tells what became of messages."),
        "simulate": ("simulate", "Serve the simulator on this machine."),
        "completion": ("completion", "Print what makes Tab complete commands and names."),
    },
}
_PLACES: Final = {name: place for commands in SECTIONS.values() for name, place in commands.items()}
_OWN_NAMES: Final = {"list": "list_"}  # where Python has the word


class _Commands(click.Group):
    """The commands of the table, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        return list(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _PLACES:
            return None
        module = import_module(f"smspm_campaigns.cli.{_PLACES[cmd_name][0]}")
        command: click.Command = getattr(module, _OWN_NAMES.get(cmd_name, cmd_name))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and name the nearest one when there is none of this name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = [f" Did you mean {name!r}?" for name in get_close_matches(args[0], _PLACES, n=1)]
            raise click.UsageError("".join([error.message, *near]), ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete from the table: Tab waits for nothing to be loaded."""
        found = [
            CompletionItem(name, help=told)
            for name, (_, told) in _PLACES.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        longest = max(map(len, _PLACES))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                lines = [(f"{name:<{longest}}", told) for name, (_, told) in commands.items()]
                formatter.write_dl(lines)


@click.group(
    cls=_Commands,
    context_settings=HELP,
    epilog="""\b
Exit codes:
  0    done
  1    an error; or `check` found problems, or no rows
  2    wrong usage
  3    done, and a person has to look: rows are unknown, a run was stopped, or
       `track` ran out of time
  130  ended by Ctrl-C, or by No to a question
  143  ended by SIGTERM (129: the terminal was closed)
""",
)
@click.version_option(package_name="smspm-campaigns")
def cli() -> None:
    """Send bulk SMS campaigns through the SMSPM API, every row accounted for.

    Real sending needs SMSPM_HASH and SMSPM_TOKEN in the environment; --simulated needs nothing.
    """


def main() -> NoReturn:
    """Run a command. Whatever is wrong is one sentence, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack letters
    warnings.showwarning = _show_warning
    try:
        code = cli(prog_name=PROGRAM, standalone_mode=False)
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
        sys.exit(WRONG)
    except OSError as error:  # the file of a command, which is loaded when it is asked for
        told = f"A part of the program cannot be read ({error.strerror})."
        click.echo(f"Error: {told} Close other programs, then run it again.", err=True)
        sys.exit(WRONG)
    sys.exit(code or 0)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"Note: {in_words(str(message))}", err=True)
