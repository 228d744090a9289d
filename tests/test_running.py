"""Runs that go on in the background: watched, paused, stopped and taken over from anywhere."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.campaign import watching
from smspm_campaigns.campaign.running import CampaignRun, RunProgress
from smspm_campaigns.delivery import preflight
from smspm_campaigns.delivery.ledger import Ledger, owners, read, rounds
from smspm_campaigns.delivery.ledger.claim import Claimer, Order
from smspm_campaigns.delivery.ledger.owners import Ending, Entry
from smspm_campaigns.exceptions import (
    AccountRefused,
    BudgetExceeded,
    GatewayMismatch,
    InvalidArgument,
    LedgerError,
    SmspmWarning,
)
from smspm_campaigns.gateway.simulator import Simulator, running
from smspm_campaigns.vocabulary import RunState

if TYPE_CHECKING:
    from conftest import Clock, NewSiege, Siege

NUMBERS = [f"1212555{n:04}" for n in range(100, 160)]
STOPPING = (
    "Stopping: requests in flight are being finished and recorded, for 60 seconds at most. "
    "Interrupt again to wait no longer."
)
LANES = 32

forked = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")
no_signals_there = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows ends a process, and sends it no signal"
)


@pytest.fixture
def campaign(tmp_path: Path) -> smspm.Campaign:
    """Sixty people, each with a text of their own."""
    frame = pd.DataFrame({"sms_to": NUMBERS, "sms_text": [f"Hi {n}! STOP" for n in NUMBERS]})
    path = tmp_path / "ledger.sqlite"
    return smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=path)


def claim_one(ledger: Ledger, campaign_id: int, owner: owners.Owner) -> None:
    claimer = Claimer(Order(campaign_id, owner, "simulated", None))
    rounds.keep(ledger, claimer, [], most=1, most_rows=100, at=0)


def counted(campaign: smspm.Campaign) -> dict[Any, int]:
    counts = campaign.counts()
    return counts[counts > 0].to_dict()


def until(reached: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    patience = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < patience
        time.sleep(0.01)


class Gate:
    """A simulator that answers nothing while its gate is shut, and tells when a request is there.

    It shuts before the request of this number, counted from 0.
    """

    def __init__(self, shut_before: int = 0, **behaviour: Any) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._shut_before = shut_before
        settings = {"submit_after": 10**9, "final_after": 10**9} | behaviour
        self.simulator = Simulator(hash="h", token="t", faults=self.hold, **settings)

    def hold(self, index: int, _: object) -> None:
        if index >= self._shut_before:
            self.reached.set()
            assert self._open.wait(60)

    def wait(self) -> None:
        assert self.reached.wait(60)

    def open(self) -> None:
        self._open.set()

    @contextmanager
    def served(self) -> Iterator[smspm.Client]:
        with running(self.simulator) as url:
            try:
                yield quick(url)
            finally:
                self.open()

    def accepted(self) -> list[str]:
        return [str(entry["toNumber"]) for entry in self.simulator.accepted]


def quick(url: str) -> smspm.Client:
    return smspm.Client("h", "t", base_url=url, requests_per_minute=None)


def state(run: CampaignRun) -> str:
    return run.progress.state.value


def requests(campaign: smspm.Campaign, run: CampaignRun) -> int:
    """Count the requests that a run has claimed."""
    with Ledger.open(campaign.path) as ledger:
        return int(ledger.one("SELECT count(*) FROM request WHERE owner_id = ?", run.id)[0])


# --- started, waited for --------------------------------------------------------------------------


def test_send_and_track_are_start_and_wait(campaign: smspm.Campaign, clock: "Clock") -> None:
    """The same counts, and the same that is told afterwards."""
    client = smspm.Client.simulated(clock=clock, submit_after=10**9, final_after=10**9)
    run = campaign.start(client)
    assert run.wait().to_dict() == campaign.counts().to_dict() == campaign.send(client).to_dict()
    assert state(run) == "finished"
    told = []
    for is_started in (True, False):
        track = campaign.start(client, "track", timeout="1min").wait if is_started else None
        with pytest.warns(SmspmWarning) as caught:
            counts = track() if track else campaign.track(client, timeout="1min")
        assert counts["queued"] == 60
        told.append([str(warning.message) for warning in caught])
    assert told == [["60 messages have no final status yet. To go on: track(…)"]] * 2


def test_a_started_run_goes_on_while_its_caller_works_on(campaign: smspm.Campaign) -> None:
    """It can be seen as soon as it is started, and is the same one however it is found."""
    gate = Gate(1)
    with gate.served() as client:
        run = campaign.start(client)
        [found] = campaign.running()
        assert (found.id, found.kind) == (run.id, "send")
        gate.wait()
        assert state(run) == "running"
        gate.open()
        assert found.wait(60)["queued"] == 60
        assert campaign.running() == []
    assert sorted(gate.accepted()) == NUMBERS


def test_what_ends_a_run_is_raised_where_it_is_waited_for(campaign: smspm.Campaign) -> None:
    """As often as somebody waits; and its sentence is in the ledger for others."""
    with running(Simulator(hash="h", token="other")) as url:
        run = campaign.start(quick(url))
        for _ in range(2):
            with pytest.raises(AccountRefused) as caught:
                run.wait()
    found = run.progress
    assert (found.state, found.error) == (RunState.FAILED, str(caught.value))
    assert repr(found).endswith(f"60 planned; {caught.value})")


@pytest.mark.parametrize(
    ("what", "options", "sentence"),
    [
        ("send", {"timeout": "1min"}, "timeout is an option of 'track', not of 'send'."),
        ("send", {"give_up_after": "1h"}, "give_up_after is an option of 'track', not of 'send'."),
        ("track", {"limit": 0}, "limit is an option of 'send', not of 'track'."),
        ("track", {"max_cost": 0.0}, "max_cost is an option of 'send', not of 'track'."),
        (
            "track",
            {"report_url": "http://127.0.0.1/secret"},
            "report_url is an option of 'send', not of 'track'.",
        ),
        ("send", {"limit": -1}, "limit is the most rows to take in all, a whole number from 0, "),
        ("track", {"timeout": "soon"}, "timeout is a time such as '10min' or '72h', not 'soon'."),
        ("call", {}, "what is 'send' or 'track', not 'call'"),
    ],
)
def test_a_start_that_cannot_be_meant_starts_nothing(
    what: Any, options: dict[str, Any], sentence: str, campaign: smspm.Campaign
) -> None:
    """It is said before anything is begun."""
    with pytest.raises(InvalidArgument) as caught:
        campaign.start(smspm.Client.simulated(), what, **options)
    assert str(caught.value).startswith(sentence)
    with Ledger.open(campaign.path) as ledger:
        assert ledger.all("SELECT * FROM owner") == []


def test_what_send_refuses_start_refuses(campaign: smspm.Campaign) -> None:
    """Before anything is begun."""
    with pytest.raises(BudgetExceeded):
        campaign.start(smspm.Client.simulated(), max_cost=1)
    campaign.start(smspm.Client.simulated(), limit=1, max_cost=float("inf")).wait()
    with pytest.raises(GatewayMismatch):
        campaign.start(smspm.Client("h", "t", base_url="http://127.0.0.1:9"))
    assert counted(campaign) == {"queued": 1, "planned": 59}


def test_without_a_place_for_its_lock_a_run_does_not_start(campaign: smspm.Campaign) -> None:
    """It could not be seen by anybody: the caller hears why at once."""
    campaign.path.with_name(f"{campaign.path.name}.owners").write_text("in the way")
    with pytest.raises(LedgerError, match="cannot be locked in"):
        campaign.start(smspm.Client.simulated())
    with pytest.raises(LedgerError, match="cannot be locked in"):
        campaign.start(smspm.Client.simulated(), "track")


@pytest.mark.parametrize("timeout", [0.01, 0, "10ms", pd.Timedelta("10ms")])
def test_a_wait_has_an_end_and_the_run_goes_on(timeout: Any, campaign: smspm.Campaign) -> None:
    """Nothing is told of a run that has not ended."""
    gate = Gate()
    with gate.served() as client:
        run = campaign.start(client)
        gate.wait()
        assert run.wait(timeout)["sending"] == 1
        assert state(run) == "running"
        gate.open()
        assert run.wait()["queued"] == 60


@pytest.mark.parametrize("timeout", [-1, "10", True, "soon", float("nan")])
def test_a_wait_that_cannot_be_meant_waits_for_nothing(
    timeout: Any, campaign: smspm.Campaign
) -> None:
    """A sentence."""
    run = campaign.start(smspm.Client.simulated())
    with pytest.raises(InvalidArgument, match="timeout is a time"):
        run.wait(timeout)
    run.wait()


# --- paused, resumed, stopped, in one program -----------------------------------------------------


def test_a_paused_run_claims_nothing_and_goes_on_when_it_may(campaign: smspm.Campaign) -> None:
    """What was in flight is recorded; after that nothing is in flight."""
    gate = Gate(20)
    with gate.served() as client:
        run = campaign.start(client)
        gate.wait()
        run.pause()
        claimed = requests(campaign, run)
        assert state(run) == "pausing"
        gate.open()
        until(lambda: state(run) == "paused")
        assert requests(campaign, run) == claimed == len(gate.accepted())
        assert counted(campaign) == {"queued": claimed, "planned": 60 - claimed}
        run.pause()
        assert state(run) == "paused"
        assert campaign.send(client, limit=claimed + 5)["queued"] == claimed + 5
        assert requests(campaign, run) == claimed  # another run worked on meanwhile
        run.resume()
        assert run.wait(60)["queued"] == 60
        assert state(run) == "finished"
    assert sorted(gate.accepted()) == NUMBERS


@pytest.mark.parametrize("asked", [["pause", "stop"], ["stop", "pause"], ["stop", "resume"]])
def test_a_stop_wins_whatever_is_asked_beside_it(
    asked: list[str], campaign: smspm.Campaign
) -> None:
    """What is in flight is recorded, and the run ends."""
    gate = Gate(1)
    with gate.served() as client:
        run = campaign.start(client)
        gate.wait()
        for wish in asked:
            getattr(run, wish)()
        assert state(run) == "stopping"
        gate.open()
        counts = run.wait(60)
        assert state(run) == "stopped"
    assert counts["queued"] == len(gate.accepted()) == requests(campaign, run) <= LANES + 1
    assert counts["queued"] + counts["planned"] == 60


def test_a_paused_run_that_is_asked_to_stop_ends_at_once(campaign: smspm.Campaign) -> None:
    """Nothing is in flight, so nothing is waited for."""
    gate = Gate(1)
    with gate.served() as client:
        run = campaign.start(client)
        gate.wait()
        run.pause()
        gate.open()
        until(lambda: state(run) == "paused")
        claimed = requests(campaign, run)
        run.stop()
        assert run.wait(60)["queued"] == claimed
        assert state(run) == "stopped"


@pytest.mark.parametrize("wish", ["stop", "pause"])
def test_one_that_waits_for_its_first_turn_hears_it(
    wish: str, campaign: smspm.Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour before its turn comes: nothing is claimed, and nobody waits for the hour."""
    monkeypatch.setattr(preflight, "_PATIENCE", 0.01)  # whose questions have no turn either
    client = smspm.Client.simulated()
    client.pace.hold(3600)
    run = campaign.start(client)
    getattr(run, wish)()
    if wish == "pause":
        assert state(run) == "paused"
        run.stop()
    assert run.wait(60)["planned"] == 60
    assert state(run) == "stopped"
    assert (client.simulator.requests, requests(campaign, run)) == (0, 0)


def test_a_run_stops_though_the_ledger_takes_no_wish(campaign: smspm.Campaign) -> None:
    """A stop is heard in its own program without the ledger; a pause is not, and that is said."""
    gate = Gate(1)
    with gate.served() as client:
        run = campaign.start(client)
        gate.wait()
        with Ledger.open(campaign.path) as ledger:
            ledger.execute(
                "CREATE TRIGGER full BEFORE UPDATE OF wish ON owner "
                "BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        for wish in (run.pause, run.resume):
            with pytest.raises(LedgerError, match="full"):
                wish()
        run.stop()
        gate.open()
        counts = run.wait(60)
    assert counts["queued"] == len(gate.accepted()) < 60
    assert state(run) == "stopped"


def test_a_tracker_that_is_paused_asks_nothing(campaign: smspm.Campaign, clock: "Clock") -> None:
    """Its time does not pass meanwhile; it goes on, and ends when every message has its word."""
    asked: list[int] = []
    sent, halted = threading.Event(), threading.Event()

    def latency() -> float:
        asked.extend([1] * sent.is_set())
        if len(asked) == 30 and not halted.is_set():
            [tracker] = campaign.running()
            tracker.pause()
            halted.set()
        return 0.0

    at_once: dict[str, Any] = {"submit_after": 0, "final_after": 0, "spread": 0}
    client = smspm.Client.simulated(clock=clock, latency=latency, **at_once)
    campaign.send(client)
    sent.set()
    run = campaign.start(client, "track")
    assert halted.wait(60)
    assert state(run) == "paused"
    run.wait(0.5)
    assert 30 <= len(asked) <= 30 + LANES
    clock.passed += 3600.0
    run.resume()
    assert run.wait(60)["delivered"] == 60
    assert len(asked) == 60
    assert (run.progress.state, run.progress.done) == (RunState.FINISHED, 60)


# --- progress -------------------------------------------------------------------------------------


def test_progress_is_what_the_ledger_says(campaign: smspm.Campaign) -> None:
    """Each state of a run, with the rate and the time that is left, the same for everybody."""

    def seen(sql: str = "") -> tuple[RunState, float | None, timedelta | None]:
        with Ledger.open(campaign.path) as ledger:
            if sql:
                ledger.execute(f"UPDATE owner SET {sql} WHERE id = 'me'")
        found = run.progress
        assert (found.total, found.done) == (60, 60 - found.counts["planned"] - sending)
        assert sum(found.counts.values()) == 60
        return found.state, found.rate, found.time_left

    sending = 0
    with Ledger.open(campaign.path) as ledger:
        record = read.find_campaign(ledger, "spring")
        with (
            owners.hold(ledger, lambda: 0, Entry("me", record.id, "send")),
            owners.hold(ledger, lambda: 0, Entry("other", record.id, "send")),
            owners.hold(ledger, lambda: 0, Entry("asking", record.id, "track")),
        ):
            ledger.execute("UPDATE owner SET done = 70, busy = 1000000 WHERE id = 'asking'")
            run = next(run for run in campaign.running() if run.id == "me")
            assert seen() == (RunState.RUNNING, None, None)
            half = timedelta(seconds=36)
            assert seen("done = 50, busy = 30000000") == (RunState.RUNNING, 100.0, half)
            ledger.execute("UPDATE owner SET done = 150, busy = 30000000 WHERE id = 'other'")
            quarter = timedelta(seconds=9)
            assert seen() == (RunState.RUNNING, 400.0, quarter)  # they share the work
            assert seen("wish = 'pause'") == (RunState.PAUSED, 100.0, None)
            claim_one(ledger, record.id, owners.Owner("other"))
            ledger.execute("UPDATE request SET owner_id = 'me'")
            sending = 1
            assert seen() == (RunState.PAUSING, 100.0, None)
            assert seen("wish = 'stop'") == (RunState.STOPPING, 100.0, None)
            lock = campaign.path.with_name(f"{campaign.path.name}.owners") / "me.lock"
            lock.rename(lock.with_name("away"))
            assert seen() == (RunState.LOST, 100.0, None)
            lock.with_name("away").rename(lock)
            for ending in ("finished", "stopped", "failed", "dead"):
                told = f"ended_at = 1, ending = '{ending}'"
                assert seen(told) == (RunState(ending), 100.0, None)
            assert seen("ended_at = NULL, ending = NULL, wish = 'go'")[0] is RunState.RUNNING
    assert [state for state in RunState if state.has_ended] == [
        RunState.FINISHED,
        RunState.STOPPED,
        RunState.FAILED,
        RunState.DEAD,
    ]


def test_progress_reads_well() -> None:
    """What is not known is left out."""
    counts = {"excluded": 7, "planned": 1000, "queued": 0}
    assert repr(RunProgress("track", RunState.PAUSED, counts, 0, 1000)) == (
        "RunProgress(tracking, paused: 0 of 1,000; 7 excluded, 1,000 planned)"
    )


def test_a_handle_reads_well(campaign: smspm.Campaign) -> None:
    """It says of whom it is, and how far."""
    run = campaign.start(smspm.Client.simulated(), limit=0)
    run.wait()
    assert repr(run) == (
        "CampaignRun('spring': RunProgress(sending, finished: 0 of 60; 60 planned))"
    )


def test_a_bar_takes_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer a look takes, the longer it is until the next one."""
    now, looks = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> bool:
        now[0] += seconds
        return now[0] >= 100.0

    def look() -> watching.Progress:
        looks.append(now[0])
        now[0] += 0.5
        return watching.Progress(0, 1, {})

    watching.follow(wait, look, title="Sending", show=False)
    assert 5 <= len(looks) <= 12
    watching.follow(lambda _: False, look, title="Sending", show=False, timeout=0.0)


# --- from another process -------------------------------------------------------------------------


def worker_at(gate: Gate, siege: "Siege", do: str = "send") -> CampaignRun:
    """Start a process, wait until a request of its stands at the gate, and find its run."""
    siege.start(do)
    gate.wait()
    [run] = siege.campaign.running()
    assert repr(run).startswith("CampaignRun('spring', elsewhere: RunProgress(")
    return run


def besieged(new_siege: "NewSiege", gate: Gate) -> "Siege":
    """Let sixty people with a text each be sent to through a gate."""
    siege = new_siege(60)
    gate.simulator = siege.simulator = Simulator(faults=gate.hold)
    return siege


@forked
def test_another_process_pauses_resumes_and_watches_a_run(new_siege: "NewSiege") -> None:
    """While it is paused nothing more comes to the gateway, and what was in flight is recorded."""
    gate = Gate(20)
    siege = besieged(new_siege, gate)
    with siege.served():
        run = worker_at(gate, siege)
        run.pause()
        claimed = requests(siege.campaign, run)
        assert state(run) == "pausing"
        gate.open()
        until(lambda: state(run) == "paused")
        assert siege.counts() == {"queued": claimed, "planned": 60 - claimed}
        assert siege.run("send", limit=claimed + 5)[:2] == (0, None)  # time for it to do wrong
        assert requests(siege.campaign, run) == claimed
        assert len(siege.received()) == claimed + 5
        assert state(run) == "paused"
        run.resume()
        assert run.wait(60)["queued"] == 60
        assert state(run) == "finished"
        assert [worker.wait()[:2] for worker in siege.workers] == [(0, None)] * 2
    assert siege.broken() == {}
    assert sorted(siege.received()) == sorted(siege.people)


@forked
@pytest.mark.parametrize("is_paused", [False, True])
def test_another_process_stops_a_run(is_paused: bool, new_siege: "NewSiege") -> None:
    """It ends in good order, as by Ctrl-C; a paused one too, and the next one sends the rest."""
    gate = Gate(20)
    siege = besieged(new_siege, gate)
    with siege.served():
        run = worker_at(gate, siege)
        if is_paused:
            run.pause()
            gate.open()
            until(lambda: state(run) == "paused")
        run.stop()
        claimed = requests(siege.campaign, run)
        gate.open()
        counts = run.wait(60)
        assert (state(run), requests(siege.campaign, run)) == ("stopped", claimed)
        assert counts["queued"] == claimed == len(siege.received())
        assert [worker.wait()[:2] for worker in siege.workers] == [(0, None)]
        assert siege.run("send")[:2] == (0, None)
    assert siege.broken() == {}
    assert siege.counts() == {"queued": 60}


@forked
def test_when_the_owner_is_killed_the_watcher_says_so_and_takes_over(
    new_siege: "NewSiege",
) -> None:
    """What was in flight is unknown, and `send` goes on with the rest."""
    gate = Gate(20)
    siege = besieged(new_siege, gate)
    with siege.served():
        run = worker_at(gate, siege)
        siege.workers[0].kill()
        assert siege.workers[0].wait().was_killed
        with pytest.warns(SmspmWarning) as caught:
            counts = run.wait(60)
        told = [str(warning.message) for warning in caught]
        gate.open()
        assert (state(run), siege.campaign.running()) == ("dead", [])
        assert told[0] == (
            "The program of this run ended in the middle of it. Requests that were in flight are "
            "unknown. To go on: send(…)"
        )
        assert told[1].startswith(f"Of {counts['unknown']} rows it is not known whether they were")
        assert 1 <= counts["unknown"] <= LANES
        assert siege.run("send")[:2] == (0, None)
    assert siege.broken() == {}
    assert siege.counts() == {"queued": 60 - counts["unknown"], "unknown": counts["unknown"]}


@forked
def test_a_tracker_is_watched_and_paused_from_another_process(new_siege: "NewSiege") -> None:
    """As a sender is; and when it is killed, nothing is unknown: it had claimed nothing."""
    siege = new_siege(9)
    with siege.served():
        assert siege.run("send")[:2] == (0, None)
    siege.simulator = Simulator(latency=60.0)  # no question is answered
    with siege.served():
        tracker = siege.start("track")
        until(lambda: siege.campaign.running() != [])
        [run] = siege.campaign.running()
        assert (run.kind, state(run)) == ("track", "running")
        run.pause()
        assert state(run) == "paused"
        tracker.kill()
        assert tracker.wait().was_killed
        with pytest.warns(SmspmWarning) as caught:
            assert run.wait(60)["queued"] == 9
    assert [str(warning.message).rpartition(". ")[2] for warning in caught] == [
        "To go on: track(…)",
        "To go on: track(…)",
    ]
    assert (state(run), siege.counts()) == ("dead", {"queued": 9})


def test_whoever_watches_hears_what_a_run_failed_with(campaign: smspm.Campaign) -> None:
    """It is told in a warning: the error is raised where the run is."""
    with Ledger.open(campaign.path) as ledger:
        record = read.find_campaign(ledger, "spring")
        failed = partial(Ending, "failed", 0, 0, "The disk is full.")
        with owners.hold(ledger, lambda: 0, Entry("them", record.id, "send"), failed):
            [run] = campaign.running()
    with pytest.warns(SmspmWarning) as caught:
        run.wait()
    told = [str(warning.message) for warning in caught]
    assert told == ["The run ended with an error: The disk is full. To go on: send(…)"]


def test_whoever_watches_a_run_that_is_lost_waits_no_longer(campaign: smspm.Campaign) -> None:
    """Nobody can tell whether it lives: its rows stay, and what settles it is said."""
    with Ledger.open(campaign.path) as ledger:
        record = read.find_campaign(ledger, "spring")
        entry = Entry("them", record.id, "send")
        with owners.hold(ledger, lambda: 0, entry) as owner:
            claim_one(ledger, record.id, owner)
            [run] = campaign.running()
            run.wait(0.01)
            lock = campaign.path.with_name(f"{campaign.path.name}.owners") / "them.lock"
            lock.unlink()
            with pytest.warns(SmspmWarning, match=r"1 rows stay sending: .* make an empty file"):
                run.wait()


@no_signals_there
def test_whoever_stops_watching_stops_nothing_else(
    campaign: smspm.Campaign, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the watching; the run of the other program goes on."""
    with Ledger.open(campaign.path) as ledger:
        record = read.find_campaign(ledger, "spring")
        with owners.hold(ledger, lambda: 0, Entry("them", record.id, "send")):
            [run] = campaign.running()
            monkeypatch.setattr(time, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
            with pytest.raises(KeyboardInterrupt):
                run.wait()
            assert state(run) == "running"
    assert capsys.readouterr().err.splitlines()[-1] == "It is no longer watched, and goes on."


# --- the end of a program -------------------------------------------------------------------------

SCRIPT = """
import sys, smspm_campaigns as smspm
url, ledger, timeout = sys.argv[1:]
client = smspm.Client("h", "t", base_url=url, requests_per_minute=None, timeout=float(timeout))
run = smspm.Campaign.open("spring", ledger=ledger).start(client)
sys.stdin.read()
"""


@contextmanager
def script(url: str, campaign: smspm.Campaign, text: str = SCRIPT) -> Iterator[Any]:
    """Start a run in a program whose text ends with its input."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", text, url, str(campaign.path), "60"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    ) as begun:
        try:
            yield begun
        finally:
            begun.kill()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_script_that_ends_while_its_run_goes_on_loses_nothing(
    host: str, campaign: smspm.Campaign
) -> None:
    """Nothing more is claimed, what was in flight is recorded, and the next one sends the rest."""
    gate = Gate(20)
    with running(gate.simulator) as address:
        url = address.replace("127.0.0.1", host)
        with script(url, campaign) as begun:
            gate.wait()
            begun.stdin.close()
            assert begun.stderr.readline() == f"{STOPPING}\n"
            gate.open()
            told = begun.stderr.read()
            assert begun.wait(60) == 0, told
        assert told == "Stopped. Nothing is lost. To go on: send(…)\n"
        counts = counted(campaign)
        assert counts == {"queued": len(gate.accepted()), "planned": 60 - len(gate.accepted())}
        assert 20 <= counts["queued"] <= 20 + LANES
        campaign.send(quick(url))
    assert sorted(gate.accepted()) == NUMBERS


@no_signals_there
def test_a_script_that_ends_waits_no_longer_than_a_person_does(campaign: smspm.Campaign) -> None:
    """Ctrl-C at its end: what is still in flight is unknown, which is said."""
    gate = Gate()
    with running(gate.simulator) as url:
        with script(url, campaign) as begun:
            gate.wait()
            begun.stdin.close()
            assert begun.stderr.readline() == f"{STOPPING}\n"
            begun.send_signal(signal.SIGINT)
            told = begun.stderr.read()
            assert begun.wait(60) == 0, told
        assert told.startswith("Requests are still in flight. They are recorded as long as this")
        assert told.endswith(" unknown. To go on: send(…)\n")
        gate.open()
    assert counted(campaign) == {"unknown": 1, "planned": 59}


def test_a_script_whose_run_has_ended_ends_without_a_word(campaign: smspm.Campaign) -> None:
    """There is nothing to stop."""
    simulator = Simulator(hash="h", token="t")
    text = SCRIPT.replace("sys.stdin.read()", "run.wait()")
    with running(simulator) as url, script(url, campaign, text) as begun:
        assert (begun.wait(60), begun.stdout.read(), begun.stderr.read()) == (0, "", "")
    assert counted(campaign) == {"queued": 60}


@forked
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_neither_stops_nor_waits_for_the_run_of_its_parent(
    campaign: smspm.Campaign,
) -> None:
    """It has the memory of the run, and not the run; to it, it is one of another program."""
    text = SCRIPT.replace(
        "sys.stdin.read()",
        "import os\n"
        "sys.stdin.readline()\n"
        "if (child := os.fork()) == 0:\n"
        "    [found] = run.campaign.running()\n"
        "    print('elsewhere' in repr(found), flush=True)\n"
        "    sys.exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)\n"
        "sys.stdin.read()\n",
    )
    gate = Gate(1)
    with running(gate.simulator) as url, script(url, campaign, text) as begun:
        gate.wait()
        begun.stdin.write("fork\n")
        begun.stdin.flush()
        assert [begun.stdout.readline() for _ in range(2)] == ["True\n", "7\n"]
        gate.open()
        begun.stdin.close()
        assert begun.wait(60) == 0
    counts = counted(campaign)
    assert counts["queued"] == len(gate.accepted())
    assert "unknown" not in counts
