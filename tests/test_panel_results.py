"""What became of everybody: looked at, said by a person, drawn and exported."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from panels import click, error, go, is_seen, made, quick, send, settle, words

import smspm_campaigns as smspm

FIVE = pd.DataFrame({"phone": [f"+49 171 392001{n}" for n in range(5)], "name": list("ABCDE")})
FIVE.index = pd.Index([17, 23, 29, 31, 37], name="row")


@pytest.fixture
def panel(desk: Path) -> Any:
    """Four people, of whom nobody knows what became: a fifth lost request would stop the run."""
    panel = made(FIVE.head(4), client=quick(faults=["close"] * 4))
    send(panel)
    go(panel, "results")
    return panel


def statuses(panel: Any) -> list[str]:
    return [str(status) for status in panel._work.campaign.report()["sms_status"]]


def test_unknown_rows_come_first_with_what_can_be_done(panel: Any) -> None:
    """What they mean, and three things a person may say of them."""
    assert panel.results.shown.options[0] == ("Outcome unknown: 4", "unknown")
    assert panel.results.shown.value == "unknown"
    assert "Nothing is sent again by itself." in words(panel.results._advice)
    assert "17" in words(panel.results.rows._table)
    assert all(
        is_seen(widget)
        for widget in (panel.results._deciding, panel.results.sent, panel.results.resend)
    )


@pytest.mark.parametrize(
    ("button", "action", "became"),
    [
        ("sent", "sent", "submitted"),
        ("failed", "failed", "failed"),
        ("resend", "resend", "planned"),
    ],
)
@pytest.mark.parametrize("named", ["", "17, 29", "29;17 "])
def test_a_person_says_what_became_of_them(
    panel: Any, button: str, action: str, became: str, named: str
) -> None:
    """Of all, or of named rows; asked once more, and No says nothing."""
    panel.results.named.value = named
    click(getattr(panel.results, button))
    which = f"rows {named}" if named else "all 4 unknown rows"
    assert " ".join(which.split()) in words(panel.results.confirm._question)
    click(panel.results.confirm.no)
    assert statuses(panel) == ["unknown"] * 4
    click(getattr(panel.results, button))
    click(panel.results.confirm.yes)
    panel.results.confirm.yes.click()
    assert error(panel) == ""
    assert statuses(panel) == ([became, "unknown", became, "unknown"] if named else [became] * 4)
    labels = [int(label) for label in named.replace(";", " ").replace(",", " ").split()]
    of_rows = f"rows={labels or [17, 23, 29, 31]}"
    assert panel.code.splitlines()[-1] == f"campaign.resolve_unknown({action!r}, {of_rows})"
    assert panel.code.count("resolve_unknown") == 1


def test_what_is_planned_again_is_sent_by_the_next_run(panel: Any) -> None:
    """Nobody is texted twice who was not said to be."""
    panel.results.named.value = "17"
    click(panel.results.resend)
    click(panel.results.confirm.yes)
    go(panel, "sending")
    assert panel.sending.go_on.description == "Go on: rehearse 1 message"
    click(panel.sending.go_on)
    click(panel.sending.confirm.yes)
    settle(panel)
    assert statuses(panel) == ["delivered", *["unknown"] * 3]


@pytest.mark.parametrize("named", ["99", "17, x", "row 17", "0"])
def test_a_label_that_is_none_is_told(panel: Any, named: str) -> None:
    """And nothing is resolved, those that are named rightly neither."""
    panel.results.named.value = named
    click(panel.results.sent)
    panel.results.confirm.yes.click()
    assert error(panel) != ""
    assert "unexpected" not in error(panel)
    assert statuses(panel) == ["unknown"] * 4


def test_a_row_that_is_not_unknown_is_told(panel: Any) -> None:
    """There is nothing to say of it."""
    for _ in range(2):
        panel.results.named.value = "17"
        click(panel.results.sent)
        panel.results.confirm.yes.click()
        if panel.code.count("resolve_unknown") == 1 and not error(panel):
            panel.results.shown.value = "unknown"
    assert "is not unknown" in error(panel)
    assert panel.code.count("resolve_unknown") == 1


def test_every_status_is_shown_with_its_rows_and_advice(desk: Path) -> None:
    """Counts, rows and what can be done, without a button where nothing can be."""
    panel = made(client=quick(refuse=["491713920012"]))
    send(panel)
    go(panel, "results")
    assert {value for _, value in panel.results.shown.options} == {
        *("refused", "delivered", "excluded")
    }
    assert not is_seen(panel.results._deciding)
    panel.results.shown.value = "excluded"
    assert "They have a problem" in words(panel.results._advice)
    assert words(panel.results.rows._place) == "1 to 2 of 2"
    assert "Delivered 1" in words(panel.results._figures)
    assert "Delivered: 1" in words(panel.results._standing)


def test_each_chart_is_a_picture_with_words(panel: Any) -> None:
    """Whoever does not see it reads it."""
    for _, kind in panel.results.chart.options:
        panel.results.chart.value = kind
        picture = panel.results._picture.value
        assert (picture == "") == (kind == "")
        assert not kind or ('alt="' in picture and 'alt=""' not in picture)
    assert error(panel) == ""


@pytest.mark.parametrize(("name", "file"), [("../../a/b: c", "a-b-c"), ("...", "campaign")])
def test_exports_lie_beside_the_notebook(desk: Path, name: str, file: str) -> None:
    """Whatever the name of the campaign; each has one link, the newest last."""
    panel = made()
    panel.review.name.value = name
    send(panel)
    go(panel, "results")
    for button in (panel.results.csv, panel.results.excel, panel.results.page, panel.results.csv):
        click(button)
    assert error(panel) == ""
    files = [f"{file}-report.{ending}" for ending in ("xlsx", "html", "csv")]
    assert sorted(path.name for path in desk.rglob("*-report.*")) == sorted(files)
    links = [shown["data"]["text/html"] for shown in panel.results.files.outputs]
    assert [re.findall('href="(.*?)"', link) for link in links] == [[each] for each in files]


def test_nothing_of_others_is_overwritten(desk: Path) -> None:
    """A file that is there, of whatever kind, stays; one that this panel wrote is written anew."""
    (desk / "campaign-rehearsal-report.csv").write_text("mine")
    (desk / "campaign-rehearsal-report-2.csv").mkdir()
    panel = made()
    send(panel)
    go(panel, "results")
    for _ in range(2):
        click(panel.results.csv)
    assert error(panel) == ""
    assert (desk / "campaign-rehearsal-report.csv").read_text() == "mine"
    assert sorted(path.name for path in desk.glob("*-report*.csv")) == [
        f"campaign-rehearsal-report{number}.csv" for number in ("-2", "-3", "")
    ]


def test_opted_out_people_are_left_out_at_any_time(desk: Path) -> None:
    """What is still planned of theirs is never sent; a blank or bad number is told."""
    panel = made(FIVE)
    panel.review._bounds.limit.value = "2"
    send(panel)
    for number in ("", "nobody"):
        panel.sending.opted_out.value = number
        click(panel.sending.suppress)
        assert error(panel) != ""
        assert "unexpected" not in error(panel)
    panel.sending.opted_out.value = FIVE["phone"].iloc[4]
    click(panel.sending.suppress)
    assert (error(panel), panel.sending.opted_out.value) == ("", "")
    panel._bounds.limit.value = ""
    assert panel.sending.go_on.description == "Go on: rehearse 2 messages"
    assert statuses(panel)[4] == "excluded"


def test_nothing_sent_is_told_in_every_step(desk: Path) -> None:
    """A person who looks ahead is told what comes first."""
    panel: Any = smspm.CampaignPanel(client=quick())
    for step, told in (
        ("message", "_told"),
        ("review", "_preview"),
        ("sending", "_heading"),
        ("results", "_figures"),
    ):
        go(panel, step)
        assert words(getattr(getattr(panel, step), told)) != ""
        assert error(panel) == ""
    assert [widget for widget in panel.results.children if is_seen(widget)] == [
        panel.results._figures
    ]


def test_a_question_is_about_the_campaign_it_was_asked_of(panel: Any) -> None:
    """Whoever turns to another campaign in between is asked again."""
    click(panel.results.sent)
    panel.results.show()  # as it does by itself, now and then
    assert is_seen(panel.results.confirm)
    panel.campaign.value = ""
    go(panel, "results")
    assert not is_seen(panel.results.confirm)
    panel.results.confirm.yes.click()
    panel.campaign.value = "campaign-rehearsal"
    go(panel, "results")
    assert statuses(panel) == ["unknown"] * 4
