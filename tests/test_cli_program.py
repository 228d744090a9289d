"""The program as a whole: its commands in the order of work, its mistakes, how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from smspm_campaigns.cli import cli
from smspm_campaigns.cli.program import SECTIONS

if TYPE_CHECKING:
    from conftest import Terminal

SEND = ("send", "spring", "people.csv", "--region", "SE", "--template", "Hi {{ name }}! STOP: 1")
REAL = (*SEND, "--sender", "SMSPM.com", "--yes")
COMMANDS = [(name, told) for commands in SECTIONS.values() for name, (_, told) in commands.items()]


@pytest.mark.parametrize(("name", "told"), COMMANDS)
def test_the_table_says_of_a_command_what_its_help_begins_with(name: str, told: str) -> None:
    """The table is there so that --help need not load pandas; it says nothing of its own."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").partition("\n\n")[0] == told
    assert len(told) <= 66


def test_help_has_the_commands_in_the_order_of_work(terminal: "Terminal") -> None:
    """Each once, in sections, and the exit codes below."""
    told = terminal("--help")
    shown = [line.split()[0] for line in told.out.splitlines() if line.startswith("  ")]
    names = [name for name, _ in COMMANDS]
    assert [word for word in shown if word in names] == names
    assert names[:2] == ["demo", "check"]
    assert "Exit codes:" in told.out
    assert max(map(len, told.out.splitlines())) <= 80


def test_help_costs_little() -> None:
    """A command is loaded when it is asked for: neither pandas nor anything heavy is before."""
    code = (
        "import sys, json, smspm_campaigns.cli.program as p\n"
        "try:\n    sys.argv = ['smspm-campaigns', '--help']; p.main()\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = set(json.loads(done.stderr))
    assert not loaded & {"pandas", "numpy", "httpx", "jinja2", "matplotlib", "phonenumbers"}


WRONG: list[tuple[tuple[str, ...], dict[str, str], int, str]] = [
    (("preview", "nope.csv", "--template", "x"), {}, 1, "nope.csv does not exist"),
    (("preview", "people.csv", "--template", "x", "--column", "fone"), {}, 1, "mean 'phone'"),
    (("check", "other.csv"), {}, 1, "The columns are: id, handset. Say --column."),
    (("preview", "people.csv", "--template", "{{ nam }}"), {}, 1, "Did you mean 'name'?"),
    (("preview", "people.csv", "--template", "{{ name"), {}, 1, "The template does not parse"),
    (("preview", "people.csv", "--template-file", "no.txt"), {}, 1, "no.txt does not exist"),
    (("preview", "people.csv", "--template", "a.txt"), {}, 1, "pass --template-file 'a.txt'."),
    (("preview", "people.csv"), {}, 2, "either --template TEXT or --template-file FILE"),
    (("check", "people.csv", "--sheet", "One"), {}, 1, "no sheets. Leave out --sheet, or name"),
    (("check", "latin.csv"), {}, 1, "and say it: --encoding "),
    (
        ("check", "people.csv", "--template", "x", "--template-file", "y"),
        {},
        2,
        "either --template TEXT or --template-file FILE",
    ),
    (
        ("preview", "people.csv", "--template", "x", "--region", "XX"),
        {},
        1,
        "is no country that is known",
    ),
    (REAL, {}, 1, "No credentials. Set SMSPM_HASH and SMSPM_TOKEN"),
    (
        (*REAL, "--limit", "-1"),
        {"SMSPM_HASH": "h", "SMSPM_TOKEN": "t"},
        2,
        "Invalid value for '--limit': -1",
    ),
    ((*SEND, "--simulated"), {}, 1, "has no sender. Pass --sender SMSPM.com, which is approved"),
    (
        (*SEND, "--simulated", "--sender", "SMSPM.com", "--max-cost", "5"),
        {},
        1,
        (
            "Run `smspm-campaigns send spring FILE --prices FILE --simulated` with a price for "
            "every country; or lift the bound: --max-cost inf."
        ),
    ),
    (
        (*SEND, "--simulated", "--sender", "SMSPM.com", "--max-cost", "-1"),
        {},
        1,
        "--max-cost is an amount in EUR from 0, not",
    ),
    (
        (*SEND, "--simulated", "--sender", "SMSPM.com", "--report-url", "here"),
        {},
        1,
        "--report-url is an address that the API can call",
    ),
    (("send", "spring", "--template", "x"), {}, 2, "FILE is missing, and --template is given"),
    (("send", "spring", "--template-file", "x"), {}, 2, "and --template-file is given"),
    (("send", "spring", "--sender", "x", "--simulated"), {}, 2, "and --sender is given"),
    (("send", "spring", "--country", "SE"), {}, 2, "and --country is given"),
    (("send", "spring", "--column", "phone"), {}, 2, "and --column is given"),  # the default
    (("simulate", "--port", "0"), {}, 2, "Invalid value for '--port': 0 is not in the range"),
    (("simulate", "--port", "65536"), {}, 2, "65536 is not in the range 1<=x<=65535"),
    (("track", "spring", "--simulated"), {}, 1, "There is no ledger at"),
    (("send", "spring", "--simulated"), {}, 1, "There is no ledger at"),
    (("report", "spring", "--ledger", "."), {}, 1, "is a folder"),
    (("report", "spring", "--ledger", "people.csv"), {}, 1, "is not a ledger"),
    (("nonsense",), {}, 2, "No such command 'nonsense'.\n"),
    (("sned", "spring"), {}, 2, "No such command 'sned'. Did you mean 'send'?\n"),
    (("repotr",), {}, 2, "No such command 'repotr'. Did you mean 'report'?\n"),
    (
        REAL,  # credentials on an open line
        {"SMSPM_HASH": "h", "SMSPM_TOKEN": "t", "SMSPM_BASE_URL": "http://example.com"},
        1,
        "must begin with https://",
    ),
]


@pytest.mark.parametrize(("arguments", "env", "code", "sentence"), WRONG)
def test_what_is_wrong_is_one_sentence(
    terminal: "Terminal",
    arguments: tuple[str, ...],
    env: dict[str, str],
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each mistake has a sentence and a non-zero exit, and nothing on stdout but a preview."""
    (terminal.folder / "latin.csv").write_bytes("phone\n+46701740605 Jürgen".encode("cp1252"))
    (terminal.folder / "other.csv").write_text("id,handset\n1,+46701740605\n", encoding="utf-8")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    told = terminal(*arguments)
    assert (told.code, told.err.count("Error: ")) == (code, 1)
    assert sentence in told.err


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_a_reader_that_has_left_is_no_crash(terminal: "Terminal") -> None:
    """`smspm-campaigns --help | head -1` ends as other programs do, without a word."""
    program = f"{sys.executable} -u -m smspm_campaigns --help"
    done = subprocess.run(
        ["bash", "-c", f"({program}; echo $? >code) | true"],
        capture_output=True,
        text=True,
        check=False,
        cwd=terminal.folder,
    )
    assert done.stderr == ""
    assert Path(terminal.folder, "code").read_text(encoding="utf-8") in ("0\n", "1\n")
