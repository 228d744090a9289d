"""What the documentation says is run."""

import ast
import copy
import doctest
import re
import shlex
from pathlib import Path
from typing import Any

import click
import nbclient
import nbformat
import pandas as pd
import pytest

from smspm_campaigns import exceptions
from smspm_campaigns.campaign import Campaign, list_campaigns
from smspm_campaigns.cli import cli
from smspm_campaigns.exceptions import GatewayError, SmspmError
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.sandbox import MAX_WORK
from smspm_campaigns.frames.template_syntax import MAX_SOURCE
from smspm_campaigns.frames.template_values import MAX_CHARACTERS
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.vocabulary import (
    COLUMNS,
    FINAL,
    PROBLEM_TITLES,
    STATUS_TITLES,
    VENDOR_STATUS,
    Problem,
    RunState,
    Status,
)

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read_page(name: str) -> str:
    """Return the text of a page of the docs."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


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


def test_the_filters_of_the_page_on_templates_give_what_it_says() -> None:
    """Each example of a filter in the table is rendered, and gives the text beside it."""
    page = read_page("templates").replace("\\|", "|")
    examples = re.findall(r"^\| .*?\| `(\{\{.*?\}\})` \| `(.*?)` \|$", page, re.MULTILINE)
    frame = pd.DataFrame({"joined": pd.to_datetime(["2024-01-24"])})
    made = [
        (template, render_messages(frame, template)["sms_text"].iloc[0]) for template, _ in examples
    ]
    assert made == examples
    assert {name for template, _ in examples for name in re.findall(r"\| (\w+)", template)} == {
        "date", "money", "number", "title", "truncate",
    }  # fmt: skip


def test_the_bounds_of_the_page_on_templates_are_those_that_hold() -> None:
    """The table of bounds has the constants of the sandbox."""
    page = read_page("templates")
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


def table(page: str, header: str) -> list[list[str]]:
    """Return the cells of the table of a page whose header begins so, row by row."""
    text = read_page(page).replace("\\|", "\0")
    [rows] = re.findall(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [
        [cell.strip().replace("\0", "|") for cell in row.strip("|").split("|")]
        for row in rows.splitlines()
    ]


def test_the_first_page_calls_things_as_the_panel_does() -> None:
    """What stands in bold in the steps of the panel is the title or label of something there."""
    steps = read_page("first-campaign").partition("## With the panel")[2].partition("\n## ")[0]
    bold = re.findall(r"\*\*(.*?)\*\*", " ".join(steps.split()))
    labels = [label.lstrip("12345. ").rstrip(".") for label in bold]
    sources = (ROOT / "smspm_campaigns" / "panel").glob("*.py")
    panel = "".join(source.read_text(encoding="utf-8") for source in sources)
    assert len(labels) > 10
    assert [label for label in labels if f'"{label}"' not in panel] == []


def test_the_page_on_columns_has_each_column_with_its_dtype(workplace: Path) -> None:
    """The table of columns has each column of a report in its order, with the dtype it has."""
    frame = pd.DataFrame({"phone": ["+37256789045", "?"]})
    messages = (
        frame.pipe(normalize_numbers)
        .pipe(render_messages, "Hi! STOP: 1234")
        .pipe(estimate_costs, {"EE": 0.05})
    )
    campaign = Campaign.create("c", messages, sender="SMSPM.com", ledger=workplace / "ledger")
    client = Client.simulated(submit_after=0, final_after=0, spread=0)
    campaign.send(client)
    made = campaign.report().drop(columns=["phone"]).dtypes
    told = [(name, dtype) for name, dtype, *_ in table("columns-and-statuses", "column")]
    assert told == [(f"`{name}`", f"`{dtype}`") for name, dtype in made.items()]
    assert tuple(made.index) == COLUMNS


def test_the_page_on_columns_has_each_problem() -> None:
    """The table of problems has each of them once, in their precedence, and in the same words."""
    told = [(code, words) for code, words, *_ in table("columns-and-statuses", "`sms_problem`")]
    assert told == [(f"`{problem}`", PROBLEM_TITLES[problem]) for problem in Problem]


def test_the_page_on_columns_has_each_status() -> None:
    """The table of statuses has each of them once, in their order, and says which are final."""
    told = [
        (code, words, final)
        for code, words, _, final in table("columns-and-statuses", "`sms_status`")
    ]
    assert told == [
        (f"`{status}`", STATUS_TITLES[status], "yes" if status in FINAL else "")
        for status in Status
    ]


def test_the_page_on_columns_has_each_state_of_a_run() -> None:
    """The table of states has each of them once, in their order, and says which are ends."""
    told = [(code, ended) for code, _, ended in table("columns-and-statuses", "state")]
    assert told == [(f"`{state}`", "yes" if state.has_ended else "") for state in RunState]


def test_the_page_on_columns_has_each_word_of_the_api() -> None:
    """Each word of the API stands beside the status it means here, and no other word does."""
    told = {
        word.lower(): status
        for words, becomes in table("columns-and-statuses", "SMSPM says")
        for word in re.findall(r"`(.*?)`", words)
        for status in re.findall(r"^`(\w+)`", becomes)
    }
    assert told == VENDOR_STATUS


def test_the_page_on_what_goes_wrong_has_each_error() -> None:
    """The table of errors has every one that a call raises."""
    told = re.findall(
        r"`(\w+)`", " ".join(errors for errors, *_ in table("when-something-goes-wrong", "error"))
    )
    assert sorted(told) == sorted(
        name
        for name, error in vars(exceptions).items()
        if isinstance(error, type) and issubclass(error, SmspmError)
        if error not in {SmspmError, GatewayError}
    )


def test_what_is_called_on_a_campaign_is_there() -> None:
    """Each call on a campaign that the README or a page names is one of its public methods."""
    called = {
        name
        for text in (README, *(page.read_text(encoding="utf-8") for page in PAGES))
        for name in re.findall(r"\bcampaign\.(\w+)\(", text)
    }
    assert {"report", "summary", "costs", "to_excel", "suppress", "resolve_unknown"} <= called
    assert called <= {name for name in dir(Campaign) if not name.startswith("_")}


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


def links(page: Path) -> list[str]:
    """Return where the links and images of a page lead to, but for those into the Web."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link]


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page has for its headings, as GitHub makes them."""
    blocks = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
    text = blocks.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES], ids=lambda page: page.stem
)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each file that a page links to is there, and each heading in it."""
    broken = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_and_notebook_is_linked_from_the_readme() -> None:
    """A reader finds each page of the docs, and each notebook, from the README."""
    linked = {link.partition("#")[0] for link in links(ROOT / "README.md")}
    there = {path.relative_to(ROOT).as_posix() for path in (*PAGES, *NOTEBOOKS)}
    assert there <= linked


def test_the_questions_of_the_readme_are_the_titles_of_the_notebooks() -> None:
    """The table of notebooks has each of them in its order, with the question in its title."""
    told = re.findall(r"^\| \[`(\w+)`\]\(.*?\) \| (.*) \|$", README, re.MULTILINE)
    titles = [
        nbformat.read(path, as_version=4).cells[0].source.splitlines()[0] for path in NOTEBOOKS
    ]
    assert told == [
        (path.stem, title.removeprefix("# ")) for path, title in zip(NOTEBOOKS, titles, strict=True)
    ]


def parameters(notebook: nbformat.NotebookNode) -> tuple[int, dict[str, Any]]:
    """Return the place of the cell of parameters, and the literals that it assigns to names."""
    [place] = [
        place
        for place, cell in enumerate(notebook.cells)
        if "parameters" in cell.metadata.get("tags", [])
    ]
    literals = {}
    for line in ast.parse(notebook.cells[place].source).body:
        assert isinstance(line, ast.Assign), ast.unparse(line)
        [name] = line.targets
        assert isinstance(name, ast.Name), ast.unparse(line)
        literals[name.id] = ast.literal_eval(line.value)
    return place, literals


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_as_one_opens_it(path: Path) -> None:
    """A notebook asks a question, and is kept without outputs, with one cell of parameters."""
    notebook = nbformat.read(path, as_version=4)
    assert re.match(r"# .*\?\n", notebook.cells[0].source)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []
    assert parameters(notebook)[1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_twice_and_sends_nothing_twice(path: Path, workplace: Path) -> None:
    """Each notebook runs from top to bottom; a second kernel that runs it sends nothing again."""
    notebook = nbformat.read(path, as_version=4)
    _, literals = parameters(notebook)
    first, second = (run_notebook(notebook, workplace / "notebooks") for _ in range(2))
    assert first == second
    expected = [(literals["ledger"], literals["name"])] if {"ledger", "name"} <= {*literals} else []
    assert list(first) == expected
    assert all(first.values())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_with_other_parameters(path: Path, workplace: Path) -> None:
    """A cell `injected-parameters` behind the parameters, as papermill makes it, is what counts."""
    notebook = nbformat.read(path, as_version=4)
    place, literals = parameters(notebook)
    others = {"contacts": "../sample_data/spring_sale.csv", "name": "other", "ledger": "other.db"}
    injected = {name: value for name, value in others.items() if name in literals}
    assert injected
    cell = nbformat.v4.new_code_cell(
        "# Parameters\n" + "".join(f"{name} = {value!r}\n" for name, value in injected.items()),
        metadata={"tags": ["injected-parameters"]},
    )
    notebook.cells.insert(place + 1, cell)
    campaigns = run_notebook(notebook, workplace / "notebooks")
    assert list(campaigns) == ([("other.db", "other")] if {"ledger", "name"} <= {*literals} else [])


def run_notebook(notebook: nbformat.NotebookNode, folder: Path) -> dict[tuple[str, str], list[str]]:
    """Run a notebook in a folder, and return the ids of the messages of every campaign there."""
    nbclient.NotebookClient(
        copy.deepcopy(notebook),
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    ledgers = [*folder.glob("*.sqlite"), *folder.glob("*.db")]
    return {
        (ledger.name, name): Campaign.open(name, ledger=ledger).report()["sms_id"].dropna().tolist()
        for ledger in ledgers
        for name in list_campaigns(ledger=ledger).index
    }
