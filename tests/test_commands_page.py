"""The page "Every command" has each help as it is printed. Run this file to write it anew."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest

from smspm_campaigns.cli import cli
from smspm_campaigns.cli.program import SECTIONS

if TYPE_CHECKING:
    from conftest import Terminal

PAGE: Final = Path(__file__).parents[1] / "docs" / "commands.md"
HEADING: Final = "## Each command, as `--help` says it\n"
COLUMNS: Final = 80
WIDTH: Final = COLUMNS - 2  # click leaves two free


def help_of(name: str) -> str:
    """Return the help of a command as a terminal of 80 columns prints it."""
    program = click.Context(cli, info_name="smspm-campaigns", terminal_width=WIDTH)
    command = cli.get_command(program, name)
    assert command is not None
    context = click.Context(
        command, parent=program, info_name=name, terminal_width=WIDTH, **command.context_settings
    )
    return command.get_help(context)


def written() -> str:
    """Return the page as it should be."""
    parts = [PAGE.read_text(encoding="utf-8").partition(HEADING)[0] + HEADING]
    program = click.Context(
        cli, info_name="smspm-campaigns", terminal_width=WIDTH, **cli.context_settings
    )
    parts.append(f"```text\n{cli.get_help(program).rstrip()}\n```\n")
    for title, commands in SECTIONS.items():
        parts.append(f"### {title}\n")
        parts += [f"#### {name}\n\n```text\n{help_of(name)}\n```\n" for name in commands]
    return "\n".join(parts)


def test_the_page_has_every_help_as_it_is_printed() -> None:
    """Each command is there, in the order of work."""
    told = "The help has changed. To write it into the page: python tests/test_commands_page.py"
    assert PAGE.read_text(encoding="utf-8") == written(), told


@pytest.mark.parametrize("name", [*SECTIONS["From file to report"], "list", "completion"])
def test_that_is_what_a_terminal_shows(name: str, terminal: "Terminal") -> None:
    """The same text comes out of the program itself."""
    assert terminal(name, "--help", columns=COLUMNS).out == f"{help_of(name)}\n"


def commands_in(page: str) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def test_every_command_of_the_page_is_understood() -> None:
    """What can be copied from it exists, with its options."""
    lines = commands_in(PAGE.read_text(encoding="utf-8"))
    assert len(lines) == 5
    for line in lines:
        _, name, *arguments = shlex.split(line)
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.make_context(name, arguments)


def keys_of(page: str) -> dict[str, set[str]]:
    """Return the keys that the table names for each command."""
    table = page.partition("| command | keys |")[2].partition("\n\n")[0]
    keys: dict[str, set[str]] = {}
    for commands, cell in re.findall(r"^\| (`.*?) \| (.*) \|$", table, re.MULTILINE):
        plain = re.sub(r"\(.*?\)|: each with.*|: how many rows", "", cell)
        for command in re.findall(r"`(\w+)`", commands):
            keys.setdefault(command, set()).update(re.findall(r"`(\w+)`", plain))
    return keys


STEPS: Final = ["--region", "SE", "--template", "Hi {{ name }}! STOP: 1"]
SCRIPTED: Final[dict[str, list[str]]] = {
    "check": ["people.csv", "--region", "SE"],
    "preview": ["people.csv", *STEPS],
    "balance": ["--simulated"],
    "senders": ["--simulated"],
    "send": ["spring", "people.csv", *STEPS, "--sender", "SMSPM.com", "--simulated"],
    "test": ["spring", "+491713920012", "--simulated"],
    "track": ["spring", "--simulated"],
    "report": ["spring"],
    "list": [],
    "show": ["spring"],
    "unknown": ["spring"],
    "suppress": ["spring", "+491713920012", "--yes"],
    "cancel": ["spring", "--yes"],
    "resolve": ["spring", "sent", "--all", "--yes"],
}


def test_the_table_has_the_keys_of_every_document(terminal: "Terminal") -> None:
    """It names none that is not there, and leaves none out; no document shows a number whole."""
    keys = keys_of(PAGE.read_text(encoding="utf-8"))
    at_work = {"watch", "pause", "resume", "stop"}  # tried where somebody is
    assert set(keys) == set(SCRIPTED) | at_work
    told = {name: terminal(name, *SCRIPTED[name], "--json") for name in SCRIPTED}
    assert {name: set(ended.document) for name, ended in told.items()} == {
        name: keys[name] for name in SCRIPTED
    }
    whole = [name for name, ended in told.items() if "4670174060" in ended.out + ended.err]
    assert whole == []


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
