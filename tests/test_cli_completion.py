"""Tab completes commands, campaigns, sheets and columns; where it knows nothing, nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from conftest import Terminal

BASH = """
PATH="$PROGRAMS:$PATH"
eval "$(smspm-campaigns completion bash)"
COMP_WORDS=({words}) COMP_CWORD={place}
_smspm_campaigns_completion smspm-campaigns
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
PATH="$PROGRAMS:$PATH"
autoload -Uz compinit && compinit -u -d "$PWD/.zcompdump"
eval "$(smspm-campaigns completion zsh)"
compadd() {{ print -l -- ${{(P)@[-1]}} }}
_describe() {{ print -l -- ${{(P)3}} }}
words=({words}) CURRENT={place}+1
_smspm_campaigns_completion
"""
FISH = """
set -x PATH $PROGRAMS $PATH
smspm-campaigns completion fish | source
complete -C "{line}"
"""


@pytest.fixture
def programs(terminal: "Terminal") -> Path:
    """A folder with the program as a shell finds it."""
    folder = terminal.folder / "bin"
    folder.mkdir()
    program = folder / "smspm-campaigns"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m smspm_campaigns "$@"\n')
    program.chmod(0o755)
    return folder


def completed(terminal: "Terminal", shell: str, line: str, programs: Path) -> list[str]:
    """Return what a shell offers at the end of a line, the words alone."""
    words = line.split(" ")
    script = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell].format(
        words=" ".join(word or "''" for word in words), place=len(words) - 1, line=line
    )
    quiet = ["-f"] if shell == "zsh" else []
    done = subprocess.run(
        [shell, *quiet, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=terminal.folder,
        env=os.environ | {"PROGRAMS": str(programs), "SMSPM_LEDGER": str(terminal.ledger)},
    )
    assert done.stderr == ""
    return [word.split("\t")[0].split(":")[0] for word in done.stdout.split("\n") if word]


@pytest.mark.skipif(sys.platform == "win32", reason="shells of Unix")
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_campaigns(
    shell: str, terminal: "Terminal", programs: Path
) -> None:
    """In a real one, by the line that the docs tell."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    terminal.rehearse("spring", "--limit", "0")
    commands = completed(terminal, shell, "smspm-campaigns se", programs)
    assert sorted(commands) == ["send", "senders"]
    assert completed(terminal, shell, "smspm-campaigns track sp", programs) == ["spring"]


def offered(terminal: "Terminal", monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """Return what is offered at the end of a line, asked as bash asks."""
    words = line.split(" ")
    monkeypatch.setenv("_SMSPM_CAMPAIGNS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    told = terminal()
    assert (told.code, told.err) == (0, "")
    return [word.partition(",")[2] for word in told.out.splitlines() if word]


def test_names_of_campaigns_come_from_the_ledger_that_is_meant(
    terminal: "Terminal", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that takes a name offers them, the newest first."""
    terminal.rehearse("spring", "--limit", "0")
    terminal.rehearse("spring-2", "--limit", "0", "--allow-repeat")
    terminal.rehearse("autumn", "--limit", "0", "--ledger", "other.sqlite")
    assert offered(terminal, monkeypatch, "smspm-campaigns show spr") == ["spring-2", "spring"]
    other = "smspm-campaigns show --ledger other.sqlite "
    assert offered(terminal, monkeypatch, other) == ["autumn"]


@pytest.mark.parametrize("kind", ["none", "no ledger", "a folder"])
def test_where_there_is_no_ledger_nothing_is_offered(
    kind: str, terminal: "Terminal", monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is made by Tab, and no error is printed into the line that a person types."""
    if kind == "no ledger":
        terminal.ledger.write_text("something else", encoding="utf-8")
    if kind == "a folder":
        terminal.ledger.mkdir()
    before = sorted(terminal.folder.rglob("*"))
    assert offered(terminal, monkeypatch, "smspm-campaigns track ") == []
    assert sorted(terminal.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("check people.csv --column ", ["name", "phone"]),
        ("check people.csv --column ph", ["phone"]),
        ("check people.csv --region na", ["name"]),
        ("send spring people.csv --column p", ["phone"]),
        ("check book.xlsx --sheet ", ["Customers", "Others"]),
        ("check book.xlsx --sheet Others --column ", ["mobile"]),
        ("check no.csv --column ", []),
        ("check no.csv --sheet ", []),
        ("check people.csv --sheet ", []),
        ("check --column ", []),
        ("resolve spring ", ["resend", "sent", "failed"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("tra", ["track"]),
    ],
)
def test_what_stands_in_the_file_is_offered(
    line: str, words: list[str], terminal: "Terminal", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sheets and columns are those of the file that was typed before."""
    with pd.ExcelWriter(terminal.folder / "book.xlsx", engine="xlsxwriter") as book:
        for sheet, column in (("Customers", "phone"), ("Others", "mobile")):
            pd.DataFrame({column: ["+46701740605"]}).to_excel(book, sheet_name=sheet, index=False)
    assert offered(terminal, monkeypatch, f"smspm-campaigns {line}") == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_of_its_own(shell: str, terminal: "Terminal") -> None:
    """It names the program, and nothing of this machine."""
    told = terminal("completion", shell)
    assert told.code == 0
    assert "_SMSPM_CAMPAIGNS_COMPLETE" in told.out
    assert str(terminal.folder) not in told.out
