"""What the documentation says is run."""

import doctest
import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import nbclient
import nbformat
import pandas as pd
import pytest

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.cli import cli
from smspm_campaigns.frames.sandbox import MAX_WORK
from smspm_campaigns.frames.template_syntax import MAX_SOURCE
from smspm_campaigns.frames.template_values import MAX_CHARACTERS
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.vocabulary import VENDOR_STATUS, RunState, Status

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of the README in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like a clone, with sample data and a ledger of its own."""
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMSPM_LEDGER", str(tmp_path / "ledger.sqlite"))
    return tmp_path


def test_the_example_runs_as_it_stands(workplace: Path) -> None:
    """The README's example goes from the file to the report, with every row accounted for."""
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(block, names)
    report = names["report"]
    assert len(report) == len(names["people"]) == names["campaign"].counts().sum()
    assert set(report["sms_status"]) == {"excluded", "delivered"}
    sent = sorted((entry["id"], entry["toNumber"]) for entry in names["client"].simulator.accepted)
    taken = report[report["sms_id"].notna()]
    assert sorted(zip(taken["sms_id"], taken["sms_to"], strict=True)) == sent


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.usefixtures("workplace")
def test_the_examples_of_a_page_are_true(page: Path) -> None:
    """Each page of the docs has examples, and they print what stands below them."""
    flags = doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert tried
    assert not failed


def test_the_filters_of_the_page_on_messages_give_what_it_says() -> None:
    """Each example of a filter in the table is rendered, and gives the text beside it."""
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8").replace("\\|", "|")
    examples = re.findall(r"^\| .*?\| `(\{\{.*?\}\})` \| `(.*?)` \|$", page, re.MULTILINE)
    frame = pd.DataFrame({"joined": pd.to_datetime(["2024-01-24"])})
    made = [
        (template, render_messages(frame, template)["sms_text"].iloc[0]) for template, _ in examples
    ]
    assert made == examples
    assert {name for template, _ in examples for name in re.findall(r"\| (\w+)", template)} == {
        "date", "money", "number", "title", "truncate",
    }  # fmt: skip


def test_the_bounds_of_the_page_on_messages_are_those_that_hold() -> None:
    """The table of bounds has the constants of the sandbox."""
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    for bound in (MAX_CHARACTERS, MAX_WORK, MAX_SOURCE):
        assert f"| {bound:,}" in page


def test_the_two_commands_are_there() -> None:
    """What sets everything up is two lines that can be copied."""
    commands = [line for block in blocks("console") for line in block.splitlines()]
    assert [line for line in commands if line.startswith("python -m pip install")] == [
        "python -m pip install . && smspm-campaigns demo",
        'python -m pip install -e ".[test]" && python -m pytest',
    ]


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    return [line for line in lines if line.startswith("smspm-campaigns")]


def named(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, name
    return command


def test_every_command_of_the_readme_is_understood() -> None:
    """Commands and options in the README exist."""
    assert len(commands()) == 9
    for line in commands():
        _, name, *arguments = shlex.split(line)
        named(name).make_context(name, list(arguments))


def test_every_command_has_help() -> None:
    """Each command and each of its options says in a sentence what it is for."""
    for command in map(named, cli.list_commands(click.Context(cli))):
        assert command.help
        for option in command.params:
            assert isinstance(option, click.Argument) or getattr(option, "help", None)


def test_the_statuses_of_the_readme_are_all_there_are() -> None:
    """The table of statuses has each of them once, in their order."""
    assert re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE) == [str(s) for s in Status]


def test_the_states_of_the_page_on_sending_are_all_there_are() -> None:
    """The table of states has each of them once, in their order."""
    page = (ROOT / "docs" / "sending.md").read_text(encoding="utf-8")
    table = page.partition("| state | what it means |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == [str(state) for state in RunState]


def test_the_parts_of_the_readme_exist() -> None:
    """The table of parts names files and folders that are there, and leaves no module out."""
    table = README.partition("## What each part is for")[2]
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w/.]+)`", row)}
    package = ROOT / "smspm_campaigns"
    assert [name for name in named if not (package / name).exists()] == []
    modules = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if not path.name.startswith("__")
    }
    inside = tuple(name for name in named if name.endswith("/"))
    helpers = {
        "frames/cells.py",
        "frames/columns.py",
        "frames/problems.py",
        "delivery/desk.py",
        "delivery/engine.py",
    }
    assert {m for m in modules - named if not m.startswith(inside)} == helpers


def test_the_links_of_the_readme_lead_somewhere() -> None:
    """Every file the README links to is there."""
    linked = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert linked
    assert [link for link in linked if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    """What is kept is the notebook as one opens it: no outputs, no counts, a cell of parameters."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_twice_and_sends_nothing_twice(path: Path, workplace: Path) -> None:
    """Each notebook runs from top to bottom; a second run ends with the same ids."""
    first, second = (run_notebook(path, workplace / "notebooks") for _ in range(2))
    assert first == second


def run_notebook(path: Path, folder: Path) -> dict[str, Any]:
    """Run a notebook in a folder, and return the ids of the messages in its report."""
    notebook = nbformat.read(path, as_version=4)
    told = "list(report['sms_id'].dropna())"
    notebook.cells.append(nbformat.v4.new_code_cell(told))
    client = nbclient.NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return dict(notebook.cells[-1].outputs[0]["data"])


def test_the_page_on_tracking_has_the_table_of_words() -> None:
    """Each word of the API stands beside the status it means here, and no other word does."""
    page = (ROOT / "docs" / "tracking.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \| `(\w+)`", page, re.MULTILINE)
    told = {
        word.lower(): status for words, status in rows for word in re.findall(r"`(.*?)`", words)
    }
    assert told == VENDOR_STATUS


def test_what_the_readme_calls_is_there() -> None:
    """Each call on a campaign that a table names is one of its public methods."""
    called = set(re.findall(r"`campaign\.(\w+)\(", README))
    assert {"report", "summary", "costs", "to_excel"} <= called
    assert called <= {name for name in dir(Campaign) if not name.startswith("_")}
