"""The panel from the file to the report: what it does, the code it writes, and what it finds."""

import asyncio
import os
import shutil
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import xlsxwriter
from pandas.testing import assert_frame_equal
from panels import (
    PEOPLE,
    TEXT,
    click,
    error,
    finish,
    go,
    is_seen,
    made,
    notes,
    offer,
    quick,
    send,
    settle,
    words,
)

import smspm_campaigns as smspm
from smspm_campaigns.exceptions import InvalidArgument, LedgerError
from smspm_campaigns.gateway.simulator import Fault
from smspm_campaigns.panel import message
from smspm_campaigns.panel import panel as panels_module

if TYPE_CHECKING:
    from conftest import NewSiege

SAMPLES = Path(__file__).parents[1] / "sample_data"
OUTCOMES = ["sms_id", "sms_price", "sms_sent_at", "sms_updated_at"]  # others in every run

READING = """\
people = smspm.read_contacts('spring_sale.csv')
messages = (people
            .pipe(smspm.normalize_numbers, 'phone', region='country', mobile_only=True)
            .pipe(smspm.mark_duplicates)
            .pipe(smspm.mark_suppressed, 'opted_out.csv')
            .pipe(smspm.render_messages, 'Hi {{ first_name }}, -20% at {{ shop }}. STOP: 1234', \
replace='typography')
            .pipe(smspm.estimate_costs, 'prices.csv'))"""
DRAFT = "The draft that was begun in this folder is here again."
JOURNEY = """\
import smspm_campaigns as smspm

READING

campaign = smspm.Campaign.create('spring', messages, sender='SMSPM.com')
campaign.send_test(client, '+49 171 3920012')
campaign = smspm.Campaign.create('spring', messages, sender='SMSPM.com')
run = campaign.start(client, limit=20, max_cost=50.0)
run.wait(progress=False)
run = campaign.start(client, 'track', timeout='1h')
run.wait(progress=False)
campaign.suppress(['+1 212 555 0167'])
campaign.resolve_unknown('sent', rows=[LABEL])
campaign.resolve_unknown('failed', rows=[REST])
campaign.cancel()
campaign.to_excel('spring-report.xlsx')
campaign.to_html('spring-report.html')
campaign.to_csv('spring-report.csv')"""


@pytest.fixture
def samples(desk: Path) -> Path:
    """A folder with the files of the example, and its first sixty people."""
    for name in ("opted_out.csv", "prices.csv"):
        shutil.copy(SAMPLES / name, desk)
    lines = (SAMPLES / "spring_sale.csv").read_bytes().splitlines(keepends=True)
    (desk / "spring_sale.csv").write_bytes(b"".join(lines[:61]))
    return desk


def executed(code: str, **names: Any) -> dict[str, Any]:
    """Run the code of a panel as a person who pasted it."""
    namespace: dict[str, Any] = dict(names)
    with warnings.catch_warnings(action="ignore"):
        exec(code, namespace)
    return namespace


def some_lost(index: int, _: object) -> Fault | None:
    """Leave two requests without a reply, after the test."""
    return Fault("close") if index in (1, 2) else None


# --- the journey --------------------------------------------------------------------------------


def test_a_journey_is_written_as_code_that_does_the_same(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the file to the exports: each click a line, and the lines make the same campaign."""
    client = quick(faults=some_lost)
    panel: Any = smspm.CampaignPanel(client=client)
    assert panel.code == "import smspm_campaigns as smspm"
    panel.audience.file.list.value = "spring_sale.csv"
    assert (panel.audience.column.value, panel.audience.region.value) == ("phone", "country")
    panel.audience.mobile_only.value = True
    panel.audience.opt_outs.list.value = ("opted_out.csv",)
    click(panel.onward)
    panel.message.editor.value = "Hi {{ first_name }}, -20% at {{ shop }}. STOP: 1234"
    panel.message.prices.list.value = "prices.csv"
    panel.message.replace.value = "typography"
    assert panel.code == f"import smspm_campaigns as smspm\n\n{READING}"
    click(panel.onward)
    panel.review.name.value = "spring"
    panel.review.number.value = "+49 171 3920012"
    click(panel.review.test)
    panel.review._bounds.limit.value = "20"
    panel.review._bounds.max_cost.value = "50"
    send(panel)
    panel.sending.opted_out.value = "+1 212 555 0167"
    click(panel.sending.suppress)
    click(panel.onward)
    label = int(panel._work.campaign.unknown().index[0])
    panel.results.named.value = str(label)
    rest = [int(other) for other in panel._work.campaign.unknown().index if other != label]
    for button in (panel.results.sent, panel.results.failed):
        click(button)
        click(panel.results.confirm.yes)
    go(panel, "sending")
    click(panel.sending.cancel)
    click(panel.sending.confirm.yes)
    go(panel, "results")
    for button in (panel.results.excel, panel.results.page, panel.results.csv):
        click(button)
    assert error(panel) == ""
    assert panel.code == JOURNEY.replace("READING", READING).replace("LABEL", str(label)).replace(
        "REST", ", ".join(map(str, rest))
    )
    assert sorted(path.name for path in samples.glob("spring-report.*")) == [
        *("spring-report.csv", "spring-report.html", "spring-report.xlsx")
    ]

    panel.show_code.value = True
    assert words(panel._code) == " ".join(panel.code.split())
    panel.show_code.value = False
    assert panel._code.value == ""

    monkeypatch.setenv("SMSPM_LEDGER", str(samples / "another.sqlite"))
    again = quick(faults=some_lost)
    found = executed(panel.code, client=again)
    assert_frame_equal(found["messages"], panel._work.messages)
    mine, theirs = panel._work.campaign, found["campaign"]
    assert theirs.path != mine.path
    assert theirs.counts().to_dict() == mine.counts().to_dict()
    assert mine.counts()["cancelled"] > 0
    assert_frame_equal(theirs.report().drop(columns=OUTCOMES), mine.report().drop(columns=OUTCOMES))


def test_pausing_and_stopping_are_written(desk: Path) -> None:
    """And going on, which is a run of its own."""
    goes_on = threading.Event()
    held = quick(faults=lambda *_: goes_on.wait(60) and None)
    panel = made(client=held)
    click(panel.review.send)
    click(panel.review.confirm.yes)
    click(panel.sending.pause)
    assert not is_seen(panel.sending.pause)
    click(panel.sending.resume)
    click(panel.sending.stop)
    assert "It stops: requests under way" in words(panel.sending._far)
    goes_on.set()
    settle(panel)
    assert "It was stopped. Nothing is lost." in words(panel.sending._far)
    lines = panel.code.splitlines()
    assert lines[lines.index("run = campaign.start(client)") :][:5] == [
        *("run = campaign.start(client)", "run.pause()", "run.resume()", "run.stop()"),
        "run.wait(progress=False)",
    ]


def test_a_frame_that_is_ready_is_sent_by_its_own_name(desk: Path) -> None:
    """Nothing is done to it, so the code does nothing to it."""
    frame = (
        PEOPLE.pipe(smspm.normalize_numbers).pipe(smspm.mark_duplicates)
        .pipe(smspm.render_messages, "Hi {{ name }}! STOP")
    )  # fmt: skip
    panel = made(frame, "", ledger=desk / "mine.sqlite")
    go(panel, "message")
    go(panel, "review")
    assert panel.audience.column.value == ""
    assert words(panel.audience._figures) == "2 of 4 rows can be texted; 2 cannot."
    assert panel.message._phones.value.count("<figure") == 2
    send(panel)
    assert error(panel) == ""
    path = str(desk / "mine.sqlite")
    assert panel.code == (
        "import smspm_campaigns as smspm\n\n"
        "campaign = smspm.Campaign.create('campaign-rehearsal', frame, sender='SMSPM.com', "
        f"ledger={path!r})"
        "\nrun = campaign.start(client)\nrun.wait(progress=False)"
        "\nrun = campaign.start(client, 'track', timeout='1h')\nrun.wait(progress=False)"
    )
    found = executed(panel.code.replace("mine.", "another."), frame=frame, client=quick())
    assert found["campaign"].counts()["delivered"] == 2


def test_a_frame_with_numbers_and_texts_alone_is_told_what_it_lacks(desk: Path) -> None:
    """It can be looked at; to review it the texts must be counted."""
    panel = made(pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP"]}), "")
    assert error(panel) == "There is no column 'sms_segments' yet: run render_messages first."
    assert panel.review.send.disabled
    go(panel, "audience")
    assert words(panel.audience._figures) == "1 of 1 rows can be texted; 0 cannot."
    go(panel, "message")
    assert "Hi! STOP" in words(panel.message._phones)
    panel.message.editor.value = "Another one! STOP"
    go(panel, "review")
    assert (error(panel), panel.review.send.disabled) == ("", False)


def test_columns_that_are_no_words_can_be_chosen(desk: Path) -> None:
    """A frame without a header has numbers for names: 0 is one of them."""
    frame = pd.DataFrame({0: ["+49 171 3920012"], 1: ["DE"], ("a", 2): ["x"]})
    panel: Any = smspm.CampaignPanel(frame, client=quick())
    values = dict(panel.audience.column.options)
    assert list(values) == ["Choose the column", "0", "1", "('a', 2)"]
    panel.audience.column.value = values["0"]
    assert (error(panel), words(panel.audience._figures)) == (
        *("", "1 of 1 rows can be texted; 0 cannot."),
    )
    assert ".pipe(smspm.normalize_numbers, 0)" in panel.code
    panel.audience.column.value = ""
    assert panel.code == "import smspm_campaigns as smspm"


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"phone": []}),
        pd.DataFrame([["+49 171 3920012", "x"]], columns=["phone", "phone"]),
        PEOPLE.set_index(pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a"), (2, None)])),
        PEOPLE.set_index(pd.Index([1, 1, None, 1])).astype("category"),
        PEOPLE.astype("string[pyarrow]"),
    ],
)
def test_any_frame_can_be_looked_at(desk: Path, frame: pd.DataFrame) -> None:
    """Whatever its index, its dtypes and its size: each step shows it, or says what is missing."""
    panel = made(frame, "Hi! STOP")
    for step in ("audience", "message", "review", "sending", "results"):
        go(panel, step)
        assert "unexpected" not in error(panel)
    if "name" in frame:
        go(panel, "review")
        send(panel)
        assert error(panel) == ""
        go(panel, "results")
        assert error(panel) == ""


def test_the_newest_draft_does_not_rewrite_what_was_done(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second campaign comes below the first, with the texts of its own."""
    panel = made(text="One! STOP")
    send(panel)
    panel.campaign.value = ""
    panel.message.editor.value = "Two! STOP"
    go(panel, "review")
    panel.review.name.value = "second"
    send(panel)
    assert error(panel) == ""
    monkeypatch.setenv("SMSPM_LEDGER", str(desk / "another.sqlite"))
    executed(panel.code, frame=PEOPLE, client=quick())
    texts = {
        name: set(smspm.Campaign.open(name).report()["sms_text"].dropna())
        for name in ("campaign-rehearsal", "second")
    }
    assert texts == {"campaign-rehearsal": {"One! STOP"}, "second": {"Two! STOP"}}


# --- reading ------------------------------------------------------------------------------------


def test_a_sheet_can_be_chosen_and_a_file_is_read_again_when_asked(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text file has an encoding and a delimiter, a workbook has sheets; neither has both."""
    panel: Any = smspm.CampaignPanel(client=quick())
    step = panel.audience
    assert "Choose the file of your contacts, or upload it." in words(step._figures)
    with xlsxwriter.Workbook(samples / "two.xlsx") as book:
        for name in ("First", "Second"):
            book.add_worksheet(name).write_column(0, 0, ["phone", "+49 171 3920012"])
    offer(step.file, "two.xlsx", "mine.csv")
    step.file.list.value = "two.xlsx"
    seen = {name: is_seen(getattr(step, name)) for name in ("sheet", "encoding", "delimiter")}
    assert seen == {"sheet": True, "encoding": False, "delimiter": False}
    step.sheet.value = step.sheet.options[-1][1]
    assert f"sheet={step.sheet.value!r}" in panel.code

    (samples / "mine.csv").write_text("phone|name\n+49 171 3920012|Jörg\n", encoding="cp1252")
    step.file.list.value = "mine.csv"
    assert error(panel).startswith("Line 2 of mine.csv is not in utf-8")
    step.encoding.value = "cp1252"
    step.delimiter.value = "|"
    assert error(panel) == ""
    assert words(step._figures) == "1 of 1 rows can be texted; 0 cannot."
    code = "smspm.read_contacts('mine.csv', encoding='cp1252', delimiter='|')"
    assert code in panel.code

    (samples / "mine.csv").write_text("phone|name\n+49 171 3920012|A\n+49 171 3920013|B\n")
    go(panel, "message")
    go(panel, "audience")
    assert words(step._figures) == "1 of 1 rows can be texted; 0 cannot."
    click(step.file.again)
    assert words(step._figures) == "2 of 2 rows can be texted; 0 cannot."
    (samples / "mine.csv").unlink()
    step.encoding.value = ""
    assert "mine.csv" in error(panel)
    assert words(step._figures) == ""
    click(step.file.again)
    assert (error(panel), step.file.paths) == ("", ())
    assert "Choose the file of your contacts, or upload it." in words(step._figures)
    assert "read_contacts" not in panel.code


def test_rows_can_be_looked_at_by_their_problem(desk: Path) -> None:
    """Each kind with its count, and the rows behind it."""
    panel: Any = smspm.CampaignPanel(PEOPLE, client=quick())
    step = panel.audience
    assert [label for label, _ in step.shown.options] == [
        "All rows: 4",
        "Duplicate: 1",
        "Invalid number: 1",
        "Can be texted: 2",
    ]
    shown = {}
    for label, value in step.shown.options:
        step.shown.value = value
        shown[label.partition(":")[0]] = words(step.rows._table).count("+49")
    assert shown["All rows"] == 3
    assert (shown["Duplicate"], shown["Can be texted"]) == (1, 2)
    assert words(step.rows._place) == "1 to 2 of 2"


def test_a_text_is_shown_and_counted_while_it_is_typed(desk: Path) -> None:
    """Half a placeholder is told beside the text; what forces Unicode has a button."""
    panel: Any = smspm.CampaignPanel(PEOPLE, client=quick())
    go(panel, "message")
    step = panel.message
    assert step.editor.columns == [("phone", "phone"), ("name", "name")]
    step.editor.value = "Hi {{ na"
    assert "unexpected" in words(step._told)
    assert (error(panel), step._figures.value) == ("", "")
    step.editor.value = "Hi {{ nam }}"
    assert "Did you mean" in words(step._told)
    step.editor.value = "Hi {{ name }}… " + "x" * 100 + " STOP"
    assert (words(step._told), error(panel)) == ("", "")
    assert "Hi Ana … xx" in words(step._phones)
    assert "Messages 2 of 4 rows" in words(step._figures)
    assert "HORIZONTAL ELLIPSIS" in words(step._forced).upper()
    assert step.mend.description == "Write plain ones: saves 2 segments"
    click(step.mend)
    assert step.replace.value == "typography"
    assert not is_seen(step.mend)
    assert "Hi Ana..." in words(step._phones)


# --- what a panel is given ----------------------------------------------------------------------


def test_unknown_keywords_are_refused() -> None:
    """A typing error is no silence."""
    wrong: dict[str, Any] = {"clent": None}
    with pytest.raises(TypeError, match="clent"):
        smspm.CampaignPanel(**wrong)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"frame": "people.csv"}, "Expected a pandas DataFrame, got str"),
        ({"frame": [1]}, "Expected a pandas DataFrame, got list"),
        ({"frame": pd.DataFrame({"sms_mine": [1]})}, "begins with 'sms_'"),
        ({"client": smspm.Client}, "client"),
        ({"client": "simulated"}, "client"),
    ],
)
def test_what_is_no_frame_and_no_client_is_refused(
    desk: Path, given: dict[str, Any], told: str
) -> None:
    """At once, as a sentence, and before a ledger is looked at."""
    with pytest.raises(InvalidArgument, match=told):
        smspm.CampaignPanel(**given)


def test_a_ledger_that_is_none_is_refused(desk: Path) -> None:
    """A panel that could find nothing again would be no help."""
    (desk / "ledger.sqlite").write_text("a shopping list")
    with pytest.raises(LedgerError):
        smspm.CampaignPanel(client=quick())


# --- finding again ------------------------------------------------------------------------------


def test_without_a_ledger_none_is_made(desk: Path) -> None:
    """To look costs nothing and leaves nothing; the panel begins at the beginning."""
    for ledger in (None, desk / "named.sqlite", "~/nowhere-at-all.sqlite"):
        panel: Any = smspm.CampaignPanel(ledger=ledger)
        assert (error(panel), notes(panel)) == ("", [])
        assert panel._body.children == (panel.audience,)
        assert panel.campaign.options == (("A new campaign", ""),)
    assert list(desk.iterdir()) == []


def test_a_campaign_that_is_not_done_is_opened(desk: Path) -> None:
    """By a new panel, whatever became of the one before, and it goes on where it stood."""
    panel = made()
    panel.review._bounds.limit.value = "1"
    send(panel)
    found: Any = smspm.CampaignPanel(client=quick())
    assert notes(found) == [
        DRAFT,
        (
            "The campaign 'campaign-rehearsal' is not done, so it is open here. "
            "“A new campaign” begins another one."
        ),
    ]
    assert found._body.children == (found.sending,)
    assert found.campaign.value == "campaign-rehearsal"
    assert found.sending.go_on.description == "“At most” is reached: raise it to go on"
    found._bounds.limit.value = ""
    assert found.sending.go_on.description == "Go on: rehearse 1 message"
    click(found.sending.go_on)
    click(found.sending.confirm.yes)
    settle(found)
    assert found._work.campaign.counts()["delivered"] == 2
    assert "campaign = smspm.Campaign.open('campaign-rehearsal')" in found.code

    done: Any = smspm.CampaignPanel(client=quick())
    assert (notes(done), done._body.children) == ([DRAFT], (done.audience,))
    assert [name for _, name in done.campaign.options] == ["", "campaign-rehearsal"]
    done.campaign.value = "campaign-rehearsal"
    assert done._body.children == (done.sending,)
    done.campaign.value = ""
    assert (done._body.children, done._work.campaign) == ((done.audience,), None)


def test_a_frame_begins_anew_and_says_what_is_not_done(desk: Path) -> None:
    """Whoever gives a frame wants to send it."""
    panel = made()
    panel.review._bounds.limit.value = "1"
    send(panel)
    found: Any = smspm.CampaignPanel(PEOPLE, client=quick())
    assert notes(found) == [
        DRAFT,
        "The campaign 'campaign-rehearsal' is not done. Choose it above to go on with it.",
    ]
    assert (found._body.children, found.campaign.value) == ((found.audience,), "")


def test_a_plan_that_was_only_tested_is_not_opened(desk: Path) -> None:
    """Nothing of it was begun."""
    panel = made()
    panel.review.number.value = "+49 171 3920012"
    click(panel.review.test)
    assert smspm.CampaignPanel()._work.campaign is None


def test_a_run_of_this_program_is_found_by_another_panel(desk: Path) -> None:
    """The cell was run again: the new panel has a hand on the same run, and its code names it."""
    panel = made()
    client = smspm.Client.simulated(submit_after=10**9, final_after=10**9)
    panel._work._client = client
    click(panel.review.send)
    click(panel.review.confirm.yes)
    while panel._work.run.kind == "send":  # then it asks what became of them, which takes long
        finish(panel)
        panel._tick()
    found: Any = smspm.CampaignPanel(client=client)
    assert "Asking what became of the messages" in words(found.sending._far)
    click(found.sending.stop)
    finish(found)
    found._tick()
    lines = found.code.splitlines()
    assert lines.index("run = campaign.running()[0]") < lines.index("run.stop()")
    assert is_seen(found.sending.track)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")
def test_a_run_of_another_process_is_shown_and_gone_on_with_after_a_kill(
    new_siege: "NewSiege", desk: Path
) -> None:
    """A kernel that dies in the middle loses nothing: the panel finds it, and sends the rest."""
    siege = new_siege(30)
    with siege.served():
        client = smspm.Client(
            "simulated-hash", "simulated-token", base_url=siege.url, requests_per_minute=None
        )
        worker = siege.start("send", at="send: written", hit=3, send="SIGSTOP")
        worker.wait_until_stopped()
        panel: Any = smspm.CampaignPanel(ledger=siege.campaign.path, client=client)
        assert panel._body.children == (panel.sending,)
        assert "Sending:" in words(panel.sending._far)
        assert [is_seen(button) for button in (panel.sending.pause, panel.sending.stop)] == [
            *(True, True)
        ]
        assert not is_seen(panel.sending.go_on)
        worker.kill()
        worker.wait()
        settle(panel)
        assert "Its program ended in the middle of it." in words(panel.sending._far)
        click(panel.sending.go_on)
        click(panel.sending.confirm.yes)
        settle(panel)
    assert siege.broken() == {}
    assert siege.numbers("planned") == set()


# --- by itself ----------------------------------------------------------------------------------


def test_with_a_loop_it_looks_by_itself_until_the_end(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook nobody has to click: it sends, tracks, shows it, and then rests."""
    monkeypatch.setattr(panels_module, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(message, "_PAUSE", 0.0)

    async def main() -> None:
        panel: Any = smspm.CampaignPanel(PEOPLE, client=quick())
        go(panel, "message")
        panel.message.editor.value = TEXT
        assert panel.message._figures.value == ""  # the rest is filled when nobody types
        while not panel.message._figures.value:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        go(panel, "review")
        click(panel.review.send)
        click(panel.review.confirm.yes)
        go(panel, "results")
        while panel._is_running:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        assert "Delivered 2" in words(panel.results._figures)
        assert error(panel) == ""
        handle = panel._later._handle
        for _ in range(3):
            await asyncio.sleep(0)
        assert panel._later._handle is handle  # nothing is asked of the loop any more

    with warnings.catch_warnings(action="ignore"):
        asyncio.run(main())


# --- what is asked about is what counts ---------------------------------------------------------


def test_a_frame_that_changes_afterwards_changes_nothing(desk: Path) -> None:
    """What was reviewed is sent, whatever becomes of the frame in the notebook meanwhile."""
    frame = PEOPLE.copy()
    panel = made(frame)
    frame["phone"] = "+372 5678 9012"
    send(panel)
    assert set(panel._work.campaign.report()["sms_to"].dropna()) == {
        "491713920012",
        "491713920013",
    }


def test_what_was_chosen_outlives_another_way_to_read_the_file(desk: Path) -> None:
    """Columns are guessed for another file alone; one that cannot be read is nobody's."""
    (desk / "good.csv").write_text(
        "phone;second;land\n+49 171 3920012;+49 171 3920013;DE\n", encoding="utf-8"
    )
    (desk / "bad.xlsx").write_text("no workbook")
    panel: Any = smspm.CampaignPanel(client=quick())
    step = panel.audience
    step.file.list.value = "good.csv"
    assert (step.column.value, step.region.value) == ("phone", "land")
    step.column.value, step.region.value = "second", "SE"
    step.delimiter.value = ";"
    click(step.file.again)
    assert (step.column.value, step.region.value) == ("second", "SE")
    step.file.list.value = "bad.xlsx"
    assert "bad.xlsx" in error(panel)
    assert words(step._figures) == ""
    assert "read_contacts" not in panel.code


def test_opt_outs_are_read_again_when_one_looks_again(desk: Path) -> None:
    """Who opted out since is left out; a national number is read as its own list says."""
    (desk / "people.csv").write_text("phone,land\n+49 171 3920012,DE\n+49 171 3920013,DE\n")
    (desk / "out.csv").write_text("number\n0171 3920012\n")
    panel: Any = smspm.CampaignPanel(client=quick())
    step = panel.audience
    step.file.list.value = "people.csv"
    step.opt_outs.list.value = ("out.csv",)
    assert "choose “Lists are from” when it lacks a country code" in error(panel)
    step.opt_out_region.value = "DE"
    assert words(step._figures) == "1 of 2 rows can be texted; 1 cannot."
    (desk / "out.csv").write_text("number\n0171 3920012\n0171 3920013\n")
    click(step.opt_outs.again)
    assert words(step._figures) == "0 of 2 rows can be texted; 2 cannot."


@pytest.mark.parametrize("kept", ['{"Audience": 5}', "[1]", '"x"', "{", ""])
def test_a_draft_that_is_none_is_no_draft(desk: Path, kept: str) -> None:
    """Whatever stands in its file, the panel begins."""
    (desk / ".smspm-draft.json").write_text(kept)
    panel: Any = smspm.CampaignPanel(client=quick())
    assert (error(panel), notes(panel)) == ("", [])


def test_another_campaign_has_files_of_its_own(desk: Path) -> None:
    """What was written for one is not offered as the report of another."""
    panel = made()
    send(panel)
    go(panel, "results")
    click(panel.results.csv)
    assert len(panel.results.files.outputs) == 1
    panel.campaign.value = ""
    panel.message.editor.value = "Another. STOP"
    go(panel, "review")
    panel.review.name.value = "second"
    send(panel)
    go(panel, "results")
    assert panel.results.files.outputs == ()


def test_the_question_names_the_senders(desk: Path) -> None:
    """A column of senders counts before the field, and a blank field is asked for."""
    panel = made(PEOPLE.assign(sms_sender="Shop"))
    click(panel.review.send)
    assert ", each its own sender, as " in words(panel.review.confirm._question)
    panel = made()
    panel.review.sender.value = " "
    click(panel.review.send)
    assert error(panel) == "Choose a sender first, such as SMSPM.com."


def test_the_end_is_told_however_soon_it_comes(desk: Path) -> None:
    """A run that ends between a look and the next is looked at once more."""
    panel = made()
    panel._work.create("campaign", sender="SMSPM.com")
    panel._work.run = panel._work.campaign.start(panel._work.client)
    panel._work.run.wait(progress=False)
    panel._refresh()
    assert panel._is_running
    settle(panel)
    assert panel._work.campaign.counts()["delivered"] == 2
    assert not panel._is_running
