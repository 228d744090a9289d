"""The commands by which a person has the word."""

from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Terminal

SEND = ("send", "spring", "people.csv", "--region", "SE", "--template", "Hi {{ name }}! STOP: 1")
LIMIT_0 = (*SEND, "--sender", "SMSPM.com", "--yes", "--limit", "0")


@pytest.fixture
def planned(terminal: "Terminal") -> "Terminal":
    """A terminal with a campaign of two planned rows, nothing of which was sent."""
    assert terminal(*LIMIT_0, url="http://127.0.0.1:9").code == 0
    return terminal


@pytest.fixture
def doubtful(terminal: "Terminal") -> "Terminal":
    """A terminal with a campaign of two unknown rows."""
    with running(Simulator(hash="h", token="t", faults={0: "close", 1: "close"})) as url:
        terminal(*SEND, "--sender", "SMSPM.com", "--yes", url=url)
    assert terminal.counts() == {"excluded": 2, "unknown": 2}
    return terminal


@pytest.mark.parametrize(
    ("command", "question"),
    [
        (
            ("cancel", "spring"),
            "Cancel 2 rows of 'spring'? They are never sent, and this is not taken back.",
        ),
        (
            ("suppress", "spring", "+46701740605"),
            "Leave 1 row out of 'spring'? It is never sent, and this is not taken back.",
        ),
        (
            ("suppress", "spring", "--file", "people.csv", "--region", "SE"),
            "Leave 2 rows out of 'spring'? They are never sent, and this is not taken back.",
        ),
    ],
)
def test_what_cannot_be_taken_back_is_asked_with_its_count(
    command: tuple[str, ...], question: str, planned: "Terminal"
) -> None:
    """No changes nothing, and a script has to say --yes."""
    (planned.folder / "people.csv").write_text(
        "phone\n+46701740605\n070-174 06 06\n", encoding="utf-8"
    )
    refused, unasked = planned(*command, typed="n\n"), planned(*command)
    assert (refused.code, refused.err) == (130, f"{question} [y/N]: Stopped.\n")
    assert unasked.code == 2
    assert "Pass --yes to go on from a script." in unasked.err
    assert planned.counts() == {"excluded": 2, "planned": 2}


def test_what_is_planned_is_cancelled(planned: "Terminal") -> None:
    """It says how many rows; a second time changes nothing, and asks nothing."""
    first, second = planned("cancel", "spring", typed="y\n"), planned("cancel", "spring", "--json")
    assert first.out == "2 rows cancelled now. spring: 2 excluded, 2 cancelled\n"
    assert (second.code, second.document["changed"]) == (0, 0)
    assert second.document["counts"]["cancelled"] == 2


def test_people_who_opted_out_are_left_out(planned: "Terminal") -> None:
    """Numbers are read in any spelling; who is not in the campaign changes nothing."""
    told = planned("suppress", "spring", "070-174 06 05", "--region", "SE", typed="y\n")
    assert told.out == "1 row excluded now. spring: 3 excluded, 1 planned\n"
    other = planned("suppress", "spring", "+491713920012", "--json", typed="")
    assert (other.code, other.document["changed"]) == (0, 0)


def test_an_opt_out_that_is_no_number_changes_nothing(planned: "Terminal") -> None:
    """One that is lost is a person texted, so it is an error, and names an option."""
    told = planned("suppress", "spring", "070-174 06 05", "--yes")
    assert told.code == 1
    assert "say --region when it lacks a country code.\n" in told.err
    assert planned.counts() == {"excluded": 2, "planned": 2}


@pytest.mark.parametrize(
    ("action", "counts", "question"),
    [
        ("sent", {"submitted": 1}, "1 row is taken as sent, on your word; nobody asks about it"),
        ("failed", {"failed": 1}, "1 row is taken as failed, on your word"),
        ("resend", {"planned": 1}, "1 row is planned again, and the next `send` texts it"),
    ],
)
def test_a_person_says_what_became_of_unknown_rows(
    action: str, counts: dict[str, int], question: str, doubtful: "Terminal"
) -> None:
    """One row by its number in the file; each is asked, since a word cannot be taken back."""
    command = ("resolve", "spring", action, "--row", "2")
    refused, told = doubtful(*command, typed="n\n"), doubtful(*command, typed="y\n")
    assert refused.code == 130
    assert told.err.startswith(question)
    assert told.out.startswith("1 row changed. spring: 2 excluded")
    assert ("Next: smspm-campaigns send spring\n" in told.out) == (action == "resend")
    assert doubtful.counts() == {"excluded": 2, "unknown": 1} | counts


def test_all_unknown_rows_are_resolved_at_once(doubtful: "Terminal") -> None:
    """They are counted in the document; a second time there is nothing to ask."""
    first, second = (
        doubtful("resolve", "spring", "failed", "--all", "--json", *yes) for yes in (["--yes"], [])
    )
    assert [told.document["changed"] for told in (first, second)] == [2, 0]
    assert doubtful.counts() == {"excluded": 2, "failed": 2}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("resolve", "spring", "sent"), 2, "either --row ROW, more than once, or --all"),
        (("resolve", "spring", "sent", "--all", "--row", "2"), 2, "either --row ROW"),
        (("resolve", "spring", "lost", "--all"), 2, "'lost' is not one of"),
        (("resolve", "spring", "sent", "--row", "99", "--yes"), 1, "label 99. A label is"),
        (
            ("resolve", "spring", "sent", "--row", "4", "--yes"),
            1,
            (
                "Row 4 is not unknown, so there is nothing to resolve. `smspm-campaigns unknown "
                "spring` shows the rows that are."
            ),
        ),
        (("suppress", "spring"), 2, "either their NUMBERs, or --file FILE"),
        (("suppress", "spring", "--file", "no.csv", "--yes"), 1, "no.csv does not exist"),
        (("cancel", "autumn", "--yes"), 1, "No campaign 'autumn'"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...], code: int, said: str, doubtful: "Terminal"
) -> None:
    """Each mistake is told in the words of the terminal, and changes nothing."""
    told = doubtful(*arguments)
    assert (told.code, said in told.err) == (code, True), told
    assert doubtful.counts() == {"excluded": 2, "unknown": 2}
