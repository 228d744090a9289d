"""The commands that look at campaigns: all of them, one, its unknown rows."""

import re
from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Terminal

REAL = ("send", "real", "people.csv", "--region", "SE", "--template", "Hej! STOP: 1")
SENDER = ("--sender", "SMSPM.com", "--yes")


@pytest.fixture
def doubtful(terminal: "Terminal") -> "Terminal":
    """A terminal with a real campaign, both of whose rows are unknown."""
    with running(Simulator(hash="h", token="t", faults={0: "close"})) as url:
        terminal(*REAL, *SENDER, url=url)
    return terminal


def test_campaigns_are_listed_the_newest_first(doubtful: "Terminal") -> None:
    """Whether it was real, a rehearsal or not sent yet stands beside each."""
    doubtful.rehearse("rehearsed", "--limit", "1", "--allow-repeat")
    doubtful.rehearse("planned", "--limit", "0", "--allow-repeat")
    told = doubtful("list")
    at = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    expected = [
        r"campaign   created               kind          rows",
        rf"planned    {at}  not sent yet  2 excluded, 2 planned",
        rf"rehearsed  {at}  rehearsal     2 excluded, 1 planned, 1 queued",
        rf"real       {at}  real          2 excluded, 2 unknown",
    ]
    lines = told.out.splitlines()
    assert [bool(re.fullmatch(*pair)) for pair in zip(expected, lines, strict=True)] == [True] * 4
    document = doubtful("list", "--json").document
    assert document["ledger"] == str(doubtful.ledger)
    assert [(c["campaign"], c["rehearsal"]) for c in document["campaigns"]] == [
        ("planned", False),
        ("rehearsed", True),
        ("real", False),
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", document["campaigns"][0]["created_at"])


def test_the_list_of_a_new_user_says_how_to_begin(terminal: "Terminal") -> None:
    """Without a ledger there are no campaigns, none is made by looking, and its path is named."""
    told = terminal("list")
    assert told.out == (
        f"No campaigns yet: there is no ledger at {terminal.ledger}.\n"
        "`smspm-campaigns demo` shows one on the simulator.\n"
    )
    assert terminal("list", "--json").document == {
        "ledger": str(terminal.ledger),
        "campaigns": [],
    }
    assert not terminal.ledger.exists()


def test_a_ledger_that_is_mistyped_is_named(terminal: "Terminal") -> None:
    """It is an error when it was named, and no empty list."""
    told = terminal("list", "--ledger", "leger.sqlite")
    assert told.code == 1
    assert f"Error: There is no ledger at {terminal.folder / 'leger.sqlite'}. " in told.err
    assert "or say where yours is: --ledger or SMSPM_LEDGER." in told.err


def test_a_campaign_is_shown_with_what_follows(terminal: "Terminal") -> None:
    """Its rows by status, each with what it means, and the commands to go on."""
    terminal.rehearse("spring", "--limit", "1")
    told = terminal("show", "spring")
    assert [line for line in told.out.splitlines() if not line.startswith("[rehearsal]")] == []
    lines = told.out.replace("[rehearsal]", "").splitlines()
    assert lines[:2] == [" Campaign  spring", " Kind      rehearsal"]
    assert lines[lines.index("") + 1 :] == [
        " rows  status    what it means",
        "    2  excluded  Not sent: the row has a problem",
        "    1  planned   Waiting to be sent",
        "    1  queued    Accepted by SMSPM",
        "",
        " Next: smspm-campaigns send spring --simulated",
        " Next: smspm-campaigns track spring --simulated",
        " Next: smspm-campaigns report spring",
    ]


def test_what_is_shown_is_one_document_for_a_script(terminal: "Terminal") -> None:
    """It has counts, figures, runs and what follows; its times are ISO 8601."""
    terminal.rehearse("spring", "--limit", "1")
    document = terminal("show", "spring", "--json").document
    assert {key: document[key] for key in ("campaign", "rehearsal", "rows", "taken", "runs")} == {
        "campaign": "spring",
        "rehearsal": True,
        "rows": 4,
        "taken": 1,
        "runs": [],
    }
    assert document["gateway"] == "simulated"
    assert document["summary"]["sent"] == 1
    assert document["next"][0] == "smspm-campaigns send spring --simulated"


def test_a_cost_that_is_known_in_part_says_of_how_many_it_is_not(terminal: "Terminal") -> None:
    """Counts are whole numbers, for a person and in the document."""
    (terminal.folder / "prices.csv").write_text("country,price\nSE,0.05\n", encoding="utf-8")
    prices = ("--template", "Hej! STOP: 1", "--sender", "SMSPM.com", "--prices", "prices.csv")
    terminal("send", "spring", "people.csv", "--region", "SE", *prices, "--simulated")
    assert "Cost in EUR  not known; expected: 0.10" in terminal("show", "spring").out
    assert '"unpriced": 2\n' in terminal("show", "spring", "--json").out
    (terminal.folder / "people.csv").write_text(
        "phone\n+46701740605\n+37256789045\n", encoding="utf-8"
    )
    terminal("send", "part", "people.csv", *prices, "--allow-repeat", "--simulated")
    assert "expected: 0.05 (without 1)" in terminal("show", "part").out


def test_unknown_rows_are_listed_with_what_happened(doubtful: "Terminal") -> None:
    """Each with its row, its masked number and its request, and the command that takes a word."""
    told = doubtful("unknown", "real")
    header, first, *_ = lines = told.out.splitlines()
    assert header.split() == ["row", "number", "requested", "what", "happened"]
    assert re.match(r"  2  4670\*\*\*\*\*05  \d{4}-\d\d-\d\d \d\d:\d\d UTC  \w", first)
    assert lines[-1] == "Next, for each: smspm-campaigns resolve real sent --row 2"
    [row, _] = doubtful("unknown", "real", "--json", "--show-numbers").document["unknown"]
    assert sorted(row) == ["error", "number", "request", "requested_at", "row"]
    assert (row["row"], row["number"]) == (2, "46701740605")


def test_no_unknown_row_is_said(terminal: "Terminal") -> None:
    """There is nothing to do, and where the campaign stands is said."""
    terminal.rehearse()
    told = terminal("unknown", "spring")
    assert told.out == "[rehearsal] No row is unknown. spring: 2 excluded, 2 queued\n"


@pytest.mark.parametrize("columns", [80, 200])
def test_tables_fit_the_terminal(columns: int, doubtful: "Terminal") -> None:
    """No line is wider than it; what does not fit is broken, and nothing is lost."""
    wide, fitted = (doubtful("unknown", "real", columns=width) for width in (None, columns))
    assert max(map(len, fitted.out.splitlines())) <= columns
    assert sorted(fitted.out.split()) == sorted(wide.out.split())
