"""Ctrl-C, SIGTERM and an interrupted cell: what is in flight ends, and nothing is lost."""

import _thread
import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from jupyter_client.manager import KernelManager

import smspm_campaigns as smspm
from smspm_campaigns.campaign import watching
from smspm_campaigns.campaign.watching import Progress, goes_on_by, to_go_on, watch
from smspm_campaigns.clock import SystemClock
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.exceptions import LedgerError
from smspm_campaigns.gateway.simulator import Fault, Simulator, running

STOPPING = (
    "Stopping: requests in flight are being finished and recorded, for 60 seconds at most. "
    "Interrupt again to wait no longer."
)
STILL = (
    "Requests are still in flight. They are recorded as long as this program runs; what is not "
    "recorded when it ends is unknown."
)
NUMBERS = [f"1{area}555{n:04}" for area in (212, 312) for n in range(100, 200)]
OWN = "+49 171 3920012"

INT, TERM = signal.SIGINT, signal.SIGTERM
HUP = getattr(signal, "SIGHUP", TERM)
no_signals_there = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows ends a process, and sends it no signal"
)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in (INT, TERM, HUP)]


async def nothing(_: Run) -> None:
    pass


class Work:
    """A run that is in flight until it is asked to stop, and was then looked at so many times."""

    def __init__(self, error: Exception | None = None, *, looks: float = 0) -> None:
        self.finished = False
        self.when_asked: Callable[[], object] = lambda: None
        self._error = error
        self._looks = looks

    async def __call__(self, run: Run) -> None:
        await run.pause(SystemClock(), 3600)
        has_ended, looked = run.has_ended, asyncio.Event()
        loop, looks = asyncio.get_running_loop(), count(1)

        def look(timeout: float | None = None) -> bool:
            if next(looks) >= self._looks:
                loop.call_soon_threadsafe(looked.set)
            return has_ended(timeout)

        run.has_ended = look  # type: ignore[method-assign]
        self.when_asked()
        if self._looks:
            await looked.wait()
        self.finished = True
        if self._error:
            raise self._error


def watched(work: Work, look: Callable[[], object], *, told: str = "More.") -> None:
    def looking() -> Progress:
        look()
        return Progress(0, 1, {})

    watch(lambda: Run(work), looking, title="Sending", show=False, told=lambda: told)


# --- one signal -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "ending", "code"),
    [(INT, KeyboardInterrupt, None), (TERM, SystemExit, 143), (HUP, SystemExit, 129)],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_a_signal_lets_what_is_in_flight_finish(
    number: int, ending: type[BaseException], code: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then the call ends as Python ends on that signal, and its handlers are what they were."""
    before, work = handlers(), Work()
    with pytest.raises(ending) as ended:
        watched(work, lambda: signal.raise_signal(number))
    assert getattr(ended.value, "code", None) == code
    assert work.finished
    assert handlers() == before
    assert capsys.readouterr().err.splitlines() == [
        STOPPING,
        "Stopped. Nothing is lost. More.",
    ]


def test_a_signal_at_the_last_moment_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks while the run ends by itself gets the same: what comes next must not begin."""
    looks = iter([False, True])

    def look() -> Progress:
        if next(looks):
            signal.raise_signal(TERM)
        return Progress(0, 1, {})

    with pytest.raises(SystemExit):
        watch(lambda: Run(nothing), look, title="Sending", show=False, told=lambda: "More.")
    assert capsys.readouterr().err.splitlines()[-1] == "Stopped. Nothing is lost. More."


def test_an_error_of_the_run_is_told_with_the_interruption(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What stopped the run as well is said: a person who interrupts it may do so for that."""
    with pytest.raises(KeyboardInterrupt):
        watched(Work(LedgerError("The disk is full.")), lambda: signal.raise_signal(INT))
    assert capsys.readouterr().err.splitlines() == [STOPPING, "The disk is full. More."]


def test_a_defect_of_ours_is_not_hidden_by_an_interruption() -> None:
    """An error that is no sentence for a person comes with the interruption, as its context."""
    with pytest.raises(KeyboardInterrupt) as ended:
        watched(Work(ZeroDivisionError("a defect")), lambda: signal.raise_signal(INT))
    assert isinstance(ended.value.__context__, ZeroDivisionError)


def test_a_look_that_fails_stops_the_run_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody interrupted anything: the error says what there is to say."""

    def look() -> None:
        raise LedgerError("The ledger is gone.")

    work = Work()
    with pytest.raises(LedgerError, match=r"The ledger is gone\."):
        watched(work, look)
    assert work.finished
    assert capsys.readouterr().err == ""


def test_a_terminal_that_is_closed_hears_nothing_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is said fails then; the run ends in good order all the same."""
    work = Work()
    with Path(os.devnull).open() as closed:
        monkeypatch.setattr(sys, "stderr", closed)  # to write there is an error of the system
        with pytest.raises(SystemExit):
            watched(work, lambda: signal.raise_signal(HUP))
    assert work.finished


# --- whose signals these are ----------------------------------------------------------------------


@pytest.fixture
def handler() -> Iterator[list[int]]:
    """A program that handles SIGTERM itself: it makes a note, and leaves when it is told twice."""
    heard: list[int] = []

    def own(number: int, _: object) -> None:
        heard.append(number)
        if len(heard) == 2:
            sys.exit(3)

    before = signal.signal(TERM, own)
    yield heard
    signal.signal(TERM, before)


def test_a_program_that_handles_sigterm_itself_goes_on_doing_so(
    handler: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its handler is called, and when that ends the program the run ends in good order first."""
    own, work = signal.getsignal(TERM), Work()
    with pytest.raises(SystemExit) as ended:
        watched(work, lambda: signal.raise_signal(TERM))
    assert (ended.value.code, handler, work.finished) == (3, [TERM, TERM], True)
    assert signal.getsignal(TERM) is own
    assert capsys.readouterr().err.splitlines() == [STOPPING, "Stopped. Nothing is lost. More."]


def test_a_thread_of_its_own_installs_nothing() -> None:
    """Signals belong to the main thread; a run that is watched elsewhere leaves them alone."""
    seen: list[object] = []

    def look() -> Progress:
        seen.append(handlers())
        return Progress(1, 1, {})

    run = threading.Thread(
        target=lambda: watch(lambda: Run(nothing), look, title="Sending", show=False, told=str)
    )
    run.start()
    run.join()
    assert seen
    assert [found for found in seen if found != handlers()] == []


def test_the_handlers_come_back_after_a_run_that_nobody_interrupts() -> None:
    """And while it is watched they are ours."""
    before, seen = handlers(), []

    def look() -> Progress:
        seen.append(handlers())
        return Progress(1, 1, {})

    watch(lambda: Run(nothing), look, title="Sending", show=False, told=str)
    assert handlers() == before
    assert [set(found) & set(before) for found in seen] == [set()] * len(seen) != []


# --- no longer than that --------------------------------------------------------------------------


def impatient(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_PATIENCE", 0)


def pressed_again(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.when_asked = lambda: _thread.interrupt_main(INT)


@pytest.mark.parametrize("enough", [impatient, pressed_again])
def test_a_gateway_that_stalls_keeps_nobody(
    enough: Callable[[Work, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """When patience is over, or Ctrl-C is pressed again: it is said, and nothing is cancelled."""
    work = Work(looks=50)
    enough(work, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        watched(work, lambda: signal.raise_signal(INT))
    assert not work.finished
    assert capsys.readouterr().err.splitlines()[1:] == [f"{STILL} More."]


def test_one_press_that_arrives_several_times_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs that start others pass a signal on which these got as well."""
    work = Work()

    def look() -> None:
        signal.raise_signal(INT)
        signal.raise_signal(INT)

    with pytest.raises(KeyboardInterrupt):
        watched(work, look)
    assert work.finished
    assert capsys.readouterr().err.splitlines()[1:] == ["Stopped. Nothing is lost. More."]


def test_sigterm_again_goes_on_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    """`timeout` sends it twice; whoever does not want to wait has SIGKILL."""
    work = Work(looks=5)
    work.when_asked = lambda: _thread.interrupt_main(TERM)
    with pytest.raises(SystemExit):
        watched(work, lambda: signal.raise_signal(TERM))
    assert work.finished
    assert capsys.readouterr().err.splitlines()[1:] == ["Stopped. Nothing is lost. More."]


def test_a_face_says_its_own_command_for_as_long_as_it_works() -> None:
    """Without one it is the call of Python."""
    with goes_on_by("smspm-campaigns send spring"):
        inside = to_go_on("send(…)")
    assert [inside, to_go_on("send(…)")] == [
        "To go on: smspm-campaigns send spring",
        "To go on: send(…)",
    ]


# --- campaigns ------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def campaign(ledger: Path) -> smspm.Campaign:
    """Two hundred people, each with a text of their own."""
    frame = pd.DataFrame({"sms_to": NUMBERS, "sms_text": [f"Hi {n}! STOP" for n in NUMBERS]})
    return smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=ledger)


class Slow:
    """A simulator that says when a message or a question about one has come, and takes its time."""

    def __init__(self, latency: float = 0.05, fault: Fault | None = None) -> None:
        self.begun = threading.Event()
        self._fault = fault
        self.simulator = Simulator(
            hash="h",
            token="t",
            latency=latency,
            faults=self._note,
            details_faults=self._note,
            submit_after=3600,
            final_after=3600,
        )

    def _note(self, *_: object) -> Fault | None:
        self.begun.set()
        return self._fault

    def wait(self) -> None:
        """Wait for the next request."""
        assert self.begun.wait(60)

    def accepted(self) -> list[object]:
        return [entry["toNumber"] for entry in self.simulator.accepted]


def quick(url: str) -> smspm.Client:
    return smspm.Client("h", "t", base_url=url, requests_per_minute=60_000)


def counted(campaign: smspm.Campaign) -> dict[Any, int]:
    counts = campaign.counts()
    return counts[counts > 0].to_dict()


SCRIPT = """
import atexit, sys, smspm_campaigns as smspm
from smspm_campaigns.campaign import watching
call, url, ledger, timeout = sys.argv[1:]
client = smspm.Client("h", "t", base_url=url, timeout=float(timeout))
campaign = smspm.Campaign.open("spring", ledger=ledger)
atexit.register(print, "ended as programs end")
getattr(campaign, call)(client)
"""


@contextmanager
def script(call: str, url: str, ledger: Path, *, timeout: float = 20) -> Iterator[Any]:
    """Run a call in a program of its own, for as long as the block lasts."""
    begun = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, call, url, str(ledger), str(timeout)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    try:
        yield begun
    finally:
        begun.kill()
        begun.communicate()


@no_signals_there
@pytest.mark.parametrize(("number", "code"), [(INT, -INT), (TERM, 143)], ids=["INT", "TERM"])
def test_a_script_that_sends_stops_in_good_order(
    number: int, code: int, campaign: smspm.Campaign
) -> None:
    """All that was taken is recorded, nothing is unknown, and the next run sends the rest once."""
    slow = Slow()
    with running(slow.simulator) as url:
        with script("send", url, campaign.path) as begun:
            slow.wait()
            begun.send_signal(number)
            out, told = begun.communicate(timeout=120)
        assert (begun.returncode, out) == (code, "ended as programs end\n"), told
        assert told.splitlines()[:2] == [
            STOPPING,
            "Stopped. Nothing is lost. To go on: send(…)",
        ]
        counts = counted(campaign)
        assert 0 < counts["queued"] == len(slow.accepted()) < 200
        assert counts == {"queued": counts["queued"], "planned": 200 - counts["queued"]}
        campaign.send(quick(url))
    assert sorted(map(str, slow.accepted())) == NUMBERS


@no_signals_there
def test_a_script_that_tracks_stops_in_good_order(campaign: smspm.Campaign) -> None:
    """The answers to what was asked are recorded, and the messages stay open."""
    slow = Slow()
    with running(slow.simulator) as url:
        campaign.send(quick(url), limit=3)
        slow.begun.clear()
        with script("track", url, campaign.path) as begun:
            slow.wait()
            begun.send_signal(TERM)
            out, told = begun.communicate(timeout=120)
        assert (begun.returncode, out) == (143, "ended as programs end\n"), told
        assert told.splitlines() == [STOPPING, "Stopped. Nothing is lost. To go on: track(…)"]
        assert counted(campaign) == {"queued": 3, "planned": 197}


@no_signals_there
def test_a_script_that_does_not_wait_leaves_what_is_in_flight_unknown(
    campaign: smspm.Campaign,
) -> None:
    """Ctrl-C twice at a gateway that stalls: the claims become unknown when the program ends."""
    slow = Slow(fault=Fault("stall", seconds=600, taken=True))
    with running(slow.simulator) as url:
        with script("send", url, campaign.path, timeout=600) as begun:
            slow.wait()
            begun.send_signal(INT)
            assert begun.stderr.readline() == f"{STOPPING}\n"
            begun.send_signal(INT)
            out, told = begun.communicate(timeout=120)
        assert (begun.returncode, out) == (-INT, "ended as programs end\n"), told
        assert told.splitlines()[0] == f"{STILL} To go on: send(…)"
    assert counted(campaign) == {"unknown": 1, "planned": 199}
    assert slow.accepted() == [campaign.unknown()["sms_to"].iloc[0]]


# --- a test to one's own number -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (None, "Stopped. Nothing is lost. The test was sent."),
        ("close", "The request broke off (ConnectionResetError). The test may have been sent."),
        ("429", "Nothing was taken; run it again later. The test was not sent."),
        (Fault("400", error="Invalid phone number"), "The test was not sent."),
    ],
    ids=["answered", "broken off", "not taken", "refused"],
)
def test_an_interrupted_test_says_whether_it_was_sent(
    fault: Fault | str | None,
    words: str,
    campaign: smspm.Campaign,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is one request: what is in flight is waited for, and its outcome is said."""

    def interrupt(*_: object) -> Fault | str | None:
        _thread.interrupt_main(INT)
        return fault

    client = smspm.Client.simulated(faults=interrupt)
    with pytest.raises(KeyboardInterrupt):
        campaign.send_test(client, OWN)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == STOPPING
    assert told[1].endswith(words)
    assert len(told) == 2
    assert client.simulator.requests == 1


def test_a_test_that_waits_for_its_turn_is_not_sent_when_it_is_interrupted(
    campaign: smspm.Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was in flight: no request is made, and the ledger has no trace of one."""

    class Waiting(SystemClock):
        async def sleep(self, seconds: float) -> None:
            _thread.interrupt_main(INT)
            await asyncio.Event().wait()

    client = smspm.Client.simulated(clock=Waiting())
    client.pace.hold(3600)
    with pytest.raises(KeyboardInterrupt):
        campaign.send_test(client, OWN)
    assert capsys.readouterr().err.splitlines()[1:] == [
        "Stopped. Nothing is lost. The test was not sent."
    ]
    assert client.simulator.requests == 0


def test_a_test_nobody_waits_for_may_have_been_sent(
    campaign: smspm.Campaign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When patience is over there is no telling, and that is told."""
    monkeypatch.setattr(watching, "_PATIENCE", 0)
    slow = Slow(latency=600)
    with running(slow.simulator) as url:
        client = smspm.Client("h", "t", base_url=url, timeout=600)

        def press() -> None:
            slow.wait()
            _thread.interrupt_main(INT)

        interrupt = threading.Thread(target=press)
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            campaign.send_test(client, OWN)
        interrupt.join()
    assert capsys.readouterr().err.splitlines()[1:] == [f"{STILL} The test may have been sent."]


# --- a notebook -----------------------------------------------------------------------------------


class Notebook:
    """A kernel, and what its cells print."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def begin(self, code: str) -> str:
        return str(self.client.execute(code))

    def end(self, cell: str) -> tuple[str, str]:
        """Wait for a cell to end; return the name of its error, and all that it put out."""
        told, error = "", ""
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != cell:
                continue
            content = message["content"]
            told += content.get("text", "") + str(content.get("data", ""))
            error = content.get("ename", error)
            if content.get("execution_state") == "idle":
                return error, told


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path))
    opened = Notebook(manager)
    yield opened
    opened.client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def test_an_interrupted_cell_loses_nothing_and_the_next_one_goes_on(
    campaign: smspm.Campaign, notebook: Notebook
) -> None:
    """The cell says how, the very next one sends the rest, and nobody is texted twice."""
    slow = Slow()
    with running(slow.simulator) as url:
        first = notebook.begin(
            "import smspm_campaigns as smspm\n"
            f"campaign = smspm.Campaign.open('spring', ledger={str(campaign.path)!r})\n"
            f"campaign.send(smspm.Client('h', 't', base_url={url!r}))"
        )
        slow.wait()
        notebook.manager.interrupt_kernel()
        error, told = notebook.end(first)
        assert error == "KeyboardInterrupt", told
        assert STOPPING in told
        assert "Stopped. Nothing is lost. To go on: send(…)" in told
        counts = counted(campaign)
        assert 0 < counts["queued"] == len(slow.accepted()) < 200
        assert counts == {"queued": counts["queued"], "planned": 200 - counts["queued"]}
        quick_client = f"smspm.Client('h', 't', base_url={url!r}, requests_per_minute=60_000)"
        error, told = notebook.end(notebook.begin(f"campaign.send({quick_client})"))
        assert error == "", told
        assert counted(campaign) == {"queued": 200}
    assert sorted(map(str, slow.accepted())) == NUMBERS


def test_a_run_that_a_notebook_started_is_paused_and_stopped_from_elsewhere(
    campaign: smspm.Campaign, notebook: Notebook
) -> None:
    """The cell that starts it ends at once, and later cells see what another program asked."""
    slow = Slow()
    with running(slow.simulator) as url:
        first = notebook.begin(
            "import smspm_campaigns as smspm\n"
            f"campaign = smspm.Campaign.open('spring', ledger={str(campaign.path)!r})\n"
            f"client = smspm.Client('h', 't', base_url={url!r}, requests_per_minute=None)\n"
            "run = campaign.start(client)"
        )
        assert notebook.end(first) == ("", "")
        slow.wait()
        [run] = campaign.running()
        run.pause()
        while run.progress.state != "paused":
            pass
        error, told = notebook.end(notebook.begin("campaign.running()[0]"))
        assert (error, "CampaignRun('spring': RunProgress(sending, paused: " in told) == ("", True)
        run.stop()
        error, told = notebook.end(notebook.begin("run.wait(); run.progress"))
        assert (error, "RunProgress(sending, stopped: " in told) == ("", True)
        assert "Sending:" in told  # the bar
        counts = counted(campaign)
    assert counts == {"queued": len(slow.accepted()), "planned": 200 - len(slow.accepted())}
    assert 0 < counts["queued"] < 200
