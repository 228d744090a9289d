"""The commands for runs that go on elsewhere."""

import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.delivery.ledger import Ledger, owners, read
from smspm_campaigns.delivery.ledger.owners import Entry
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Terminal


class Stalled:
    """A gateway that answers only when it may, and tells when somebody asks."""

    def __init__(self) -> None:
        self.reached, self.may_answer = threading.Event(), threading.Event()
        self.simulator = Simulator(hash="h", token="t", faults=self._hold)

    def _hold(self, index: int, _: object) -> None:
        if index >= 20:
            self.reached.set()
            assert self.may_answer.wait(60)


@pytest.fixture
def stalled(terminal: "Terminal") -> Iterator[smspm.Campaign]:
    """A campaign that is being sent: its requests hang until the test is over."""
    numbers = [f"1212555{n:04}" for n in range(100, 160)]
    frame = pd.DataFrame({"sms_to": numbers, "sms_text": numbers})
    campaign = smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=terminal.ledger)
    gateway = Stalled()
    with running(gateway.simulator) as url:
        here = campaign.start(smspm.Client("h", "t", base_url=url, requests_per_minute=None))
        assert gateway.reached.wait(60)
        yield campaign
        gateway.may_answer.set()
        here.wait()
    assert here.progress.state == "stopped"


def test_a_run_is_paused_resumed_and_stopped_from_another_terminal(
    terminal: "Terminal", stalled: smspm.Campaign
) -> None:
    """Each command says how far the run is, and what to type next; so does its document."""
    for command, state, following in (
        ("pause", "pausing", "resume"),
        ("resume", "running", "watch"),
        ("stop", "stopping", "watch"),
    ):
        told = terminal(command, "spring")
        [first, then] = told.out.splitlines()
        assert re.fullmatch(rf"sending, {state}: \d+ of 60.*; .*\d+ sending.*", first), first
        assert (told.code, then) == (0, f"Next: smspm-campaigns {following} spring")
        document = terminal(command, "spring", "--json").document
        assert [(run["kind"], run["state"]) for run in document["runs"]] == [("send", state)]
    assert [run.progress.state for run in stalled.running()] == ["stopping"]
    shown = terminal("show", "spring").out
    assert re.search(r"^At work +sending, stopping: ", shown, re.MULTILINE)
    assert "\n\nNext: smspm-campaigns watch spring\n" in shown


@pytest.mark.parametrize("command", ["watch", "pause", "resume", "stop"])
def test_when_nobody_runs_it_is_an_error(command: str, terminal: "Terminal") -> None:
    """There is nothing to wait for and nothing to ask: a script must not take it for an end."""
    terminal.rehearse()
    told = terminal(command, "spring")
    assert (told.code, told.out, told.err) == (
        1,
        "",
        (
            "Error: Nobody sends or tracks 'spring' at this moment. Its rows: "
            "2 excluded, 2 queued.\n"
        ),
    )
    assert "No campaign 'autumn'" in terminal(command, "autumn").err


@pytest.fixture
def elsewhere(terminal: "Terminal") -> Iterator[ExitStack]:
    """A campaign that was rehearsed, and a run of it that goes on until the stack is closed."""
    terminal.rehearse()
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger.open(terminal.ledger))
        entry = Entry("them", read.find_campaign(ledger, "spring").id, "send")
        stack.enter_context(owners.hold(ledger, lambda: 0, entry))
        yield stack


def test_a_run_is_watched_until_it_has_ended(
    terminal: "Terminal", elsewhere: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How it ended, and what became of the campaign, is said; no bar where there is no terminal."""
    monkeypatch.setattr(time, "sleep", lambda _: elsewhere.close())
    told = terminal("watch", "spring")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines() == [
        "[rehearsal] sending, finished: 2 of 2; 2 excluded, 2 queued",
        "[rehearsal] spring: 2 excluded, 2 queued",
    ]


def test_a_watch_into_a_pipe_says_something_now_and_then(
    terminal: "Terminal", elsewhere: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not silent for hours; the document on stdout stays one."""
    monkeypatch.setattr("smspm_campaigns.cli.runs._TELL_EVERY", 0)
    looks = iter(range(3))

    def look(_: float) -> None:
        if next(looks, None) is None:
            elsewhere.close()

    monkeypatch.setattr(time, "sleep", look)
    told = terminal("watch", "spring", "--json")
    line = "sending, running: 2 of 2; 2 excluded, 2 queued"
    *often, ended, _ = told.err.splitlines()
    assert set(often) == {line}
    assert ended == "[rehearsal] sending, finished: 2 of 2; 2 excluded, 2 queued"
    assert [run["state"] for run in told.document["runs"]] == ["finished"]


@pytest.mark.parametrize(
    ("ending", "code"), [("dead", 1), ("failed", 1), ("stopped", 3), ("finished", 0)]
)
def test_how_a_watched_run_ended_is_the_exit_code(
    ending: str,
    code: int,
    terminal: "Terminal",
    elsewhere: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that died says the command that began it: a rehearsal stays one."""

    def end(_: float) -> None:
        elsewhere.close()
        with Ledger.open(terminal.ledger) as ledger:
            ledger.execute("UPDATE owner SET ending = ? WHERE id = 'them'", (ending,))

    monkeypatch.setattr(time, "sleep", end)
    told = terminal("watch", "spring")
    assert told.code == code
    assert [line.rpartition("To go on: ")[2] for line in told.err.splitlines()] == [
        "smspm-campaigns send spring --simulated"
    ] * (ending == "dead")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.usefixtures("elsewhere")
def test_whoever_stops_watching_in_the_terminal_stops_nothing_else(
    terminal: "Terminal", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the command; it says that the run goes on."""
    monkeypatch.setattr(time, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    told = terminal("watch", "spring")
    assert (told.code, told.err) == (130, "It is no longer watched, and goes on.\n")
