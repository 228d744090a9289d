"""Turns: one line for each account of this process, no bursts, and holds that hold for all."""

import asyncio
import gc
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.clock import SystemClock
from smspm_campaigns.exceptions import RateLimited
from smspm_campaigns.gateway import pace as pace_module
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.pace import Pace
from smspm_campaigns.gateway.simulator import Fault, Simulator, running

if TYPE_CHECKING:
    from conftest import Clock, NewBook
    from starlette.types import Receive, Scope, Send

NUMBERS = [str(37250000000 + step) for step in range(60)]


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        raise AssertionError("the wall clock may jump: it paces nothing")

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def turns(clock: Hand, *paces: Pace) -> list[float]:
    """Let these take a turn each, one after the other; return when."""
    taken = []
    for pace in paces:
        asyncio.run(pace.turn())
        taken.append(clock.at)
    return taken


def test_turns_are_evenly_spaced() -> None:
    """100 a minute are one every 0.6 s from the first on."""
    clock = Hand()
    assert turns(clock, *[Pace(100, clock)] * 4) == pytest.approx([0.0, 0.6, 1.2, 1.8])
    assert turns(clock, *[Pace(60, clock)] * 2) == pytest.approx([1.8, 2.8])  # of nobody's account


def test_a_turn_that_may_not_be_had_yet_is_not_taken() -> None:
    """Whoever asks is told how long to wait, and nobody loses a turn by it."""
    clock = Hand()
    pace = Pace(60, clock)
    assert [pace.take() for _ in range(4)] == [0.0, 1.0, 1.0, 1.0]
    clock.at = 0.75
    assert pace.take() == 0.25
    clock.at = 1.0
    assert [pace.take(), pace.take()] == [0.0, 1.0]


def test_turns_nobody_took_are_gone() -> None:
    """After a pause, or the sleep of the machine, there is no burst."""
    clock = Hand()
    pace = Pace(60, clock)
    pace.take()
    clock.at = 3600.0
    assert turns(clock, pace, pace, pace) == [3600.0, 3601.0, 3602.0]


def test_those_who_wake_up_late_together_go_one_by_one() -> None:
    """Eight waited while the machine slept; each once had a turn of its own, now in the past."""
    clock = Hand()
    pace = Pace(60, clock)
    assert [pace.take() for _ in range(8)] == [0.0, *[1.0] * 7]
    clock.at = 3600.0
    assert [pace.take() for _ in range(8)] == [0.0, *[1.0] * 7]


def test_without_a_rate_nobody_waits_unless_held() -> None:
    """No rate is no wait, and a hold still holds."""
    clock = Hand()
    pace = Pace(None, clock)
    assert [pace.take() for _ in range(3)] == [0.0, 0.0, 0.0]
    pace.hold(30)
    assert [pace.take() for _ in range(3)] == [30.0, 30.0, 30.0]
    assert turns(clock, pace, pace) == [30.0, 30.0]


def test_a_shorter_hold_never_ends_a_longer_one() -> None:
    """Whoever was told to wait longest is obeyed by all."""
    clock = Hand()
    pace = Pace(None, clock)
    pace.hold(30)
    pace.hold(5)
    told = []
    for clock.at in (0.0, 5.0, 29.0, 30.0, 31.0):
        told.append(pace.take())
    assert told == [30.0, 25.0, 1.0, 0.0, 0.0]


def test_turns_after_a_hold_are_spaced_again() -> None:
    """A hold is not followed by everybody at once."""
    clock = Hand()
    pace = Pace(60, clock)
    pace.hold(10)
    assert turns(clock, pace, pace, pace) == [10.0, 11.0, 12.0]


@pytest.mark.parametrize("begins", [-1e6, 0.0, 1e9])
def test_the_first_turn_is_at_once_wherever_the_clock_begins(begins: float) -> None:
    """Zero of a monotonic clock may be anywhere, also ahead."""
    clock = Hand()
    clock.at = begins
    assert turns(clock, *[Pace(60, clock)] * 1) == [begins]


# --- one line for an account --------------------------------------------------------------------


def test_all_of_an_account_share_one_line() -> None:
    """Two clients at 60 a minute are 60 a minute, and what one is told holds for the other."""
    clock = Hand()
    one, two, stranger = (Pace(60, clock, account) for account in ("a", "a", "b"))
    assert turns(clock, one, two, one, two) == [0.0, 1.0, 2.0, 3.0]
    two.hold(30)
    assert (one.take(), two.take(), stranger.take()) == (30.0, 30.0, 0.0)


@pytest.mark.parametrize(
    ("rates", "times"),
    [
        ((60, 60, 60), [0, 1, 2]),
        ((6, 60, 60), [0, 10, 11]),  # nobody comes close behind the slow one
        ((60, 6, 60), [0, 10, 20]),  # nor does it come close behind others
        ((60, 60, 6), [0, 1, 11]),
        ((None, 6, None, None), [0, 10, 20, 20]),
        ((None, None, 60), [0, 0, 1]),
    ],
)
def test_clients_that_disagree_about_the_rate_are_each_obeyed(
    rates: tuple[float | None, ...], times: list[float]
) -> None:
    """Around each turn lies the interval of whoever took it."""
    clock = Hand()
    assert turns(clock, *(Pace(rate, clock, "a") for rate in rates)) == times


def test_nobody_shares_with_another_clock() -> None:
    """Time that is driven by a test paces nobody else; the system's own is one for all."""
    one, other = Hand(), Hand()
    assert [Pace(60, clock, "a").take() for clock in (one, other)] == [0.0, 0.0]
    kept = [Pace(1, SystemClock(), "a") for _ in range(2)]
    assert kept[0].take() == 0.0
    assert 0.0 < kept[1].take() <= 60.0

    class Mine(SystemClock):
        pass

    assert [Pace(60, clock, "a").take() for clock in (Mine(), Mine())] == [0.0, 0.0]


def test_a_client_that_comes_after_another_waits_for_its_turn_and_is_held() -> None:
    """As in `campaign.send(Client())`: the line of an account does not go with its clients."""
    assert Pace(1, SystemClock(), "of one call").take() == 0.0
    gc.collect()
    later = Pace(1, SystemClock(), "of one call")
    assert 0.0 < later.take() <= 60.0
    later.hold(300)
    del later
    gc.collect()
    assert 120.0 < Pace(None, SystemClock(), "of one call").take() <= 300.0


def test_a_line_of_another_clock_is_forgotten_with_the_last_who_stood_in_it() -> None:
    """Nothing is kept for ever, and an account that comes back later begins anew."""
    clock = Hand()
    gc.collect()
    before = len(pace_module._of_other_clocks)
    one, two = (Pace(60, clock, "a") for _ in range(2))
    one.hold(300)
    assert len(pace_module._of_other_clocks) == before + 1
    del one
    gc.collect()
    assert two.take() == 300.0
    del two
    gc.collect()
    assert len(pace_module._of_other_clocks) == before
    assert Pace(60, clock, "a").take() == 0.0


@given(
    st.lists(st.sampled_from([None, 7, 100, 60_000]), min_size=1, max_size=4),
    st.lists(
        st.one_of(
            st.tuples(st.just("take"), st.integers(0, 3)),
            st.tuples(st.just("hold"), st.floats(0, 300)),
            st.tuples(st.just("pass"), st.floats(0, 1000) | st.floats(0, 0.1)),
        )
    ),
    st.floats(-1e6, 1e6),
)
def test_no_turn_is_early_and_none_is_late(
    rates: list[float | None], steps: list[tuple[str, float]], begins: float
) -> None:
    """Whoever asks when, turns lie an interval of both apart and after every hold, and no later."""
    clock = Hand()
    clock.at = begins
    paces = [Pace(rate, clock, "a") for rate in rates]
    intervals = [60 / rate if rate else 0.0 for rate in rates]
    last, behind, held_until = float("-inf"), 0.0, float("-inf")
    for what, amount in steps:
        if what == "pass":
            clock.at += amount
        elif what == "hold":
            paces[0].hold(amount)
            held_until = max(held_until, clock.at + amount)
        else:
            who = int(amount) % len(paces)
            due = max(last + max(behind, intervals[who]), held_until)
            wait = paces[who].take()
            assert wait == pytest.approx(max(due - clock.at, 0.0), abs=1e-6)
            if not wait:
                last, behind = clock.at, intervals[who]


def test_threads_never_share_a_turn() -> None:
    """Of those who ask at one moment, on whatever thread, one has the turn."""

    class Slow(Hand):
        def monotonic(self) -> float:
            time.sleep(0)  # lets the other threads go on meanwhile
            return self.at

    pace = Pace(60, Slow())
    told: list[float] = []
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait()
        told.extend(pace.take() for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [0.0, *[1.0] * 799]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_never_waits_for_a_thread_it_does_not_have() -> None:
    """However busy the line was at that moment, the child has its turn."""
    clock = Hand()
    pace, over = Pace(None, clock, "a"), threading.Event()

    def be_busy() -> None:
        while not over.is_set():
            Pace(None, clock, "a").take()

    busy = [threading.Thread(target=be_busy) for _ in range(3)]
    for thread in busy:
        thread.start()
    try:
        for _ in range(50):
            child = os.fork()
            if child == 0:
                signal.alarm(30)  # ends a child that waits
                pace.take()
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    finally:
        over.set()
        for thread in busy:
            thread.join()


# --- clients ------------------------------------------------------------------------------------


def test_clients_of_an_account_share_its_line(clock: "Clock") -> None:
    """The same address and hash is one account, whatever the token and however it is written."""
    mine = Client("h", "t", base_url="https://x.test", clock=clock)
    assert mine.pace.take() == 0.0
    same = [
        Client("h", "t", base_url="https://x.test", clock=clock),
        Client("h", "another", base_url="https://X.test:443/", clock=clock),
    ]
    assert [client.pace.take() for client in same] == pytest.approx([0.6, 0.6])
    others = [
        Client("another", "t", base_url="https://x.test", clock=clock),
        Client("h", "t", base_url="https://x.test/v2", clock=clock),
        Client("h", "t", base_url="https://another-clock.test"),
        *(Client.simulated(clock=clock) for _ in range(2)),
    ]
    others[-1].pace.hold(300)
    assert [client.pace.take() for client in others] == [0.0, 0.0, 0.0, 0.0, 300.0]


def test_no_line_shows_a_hash() -> None:
    """Lines are found by a digest that means nothing outside this process."""
    client = Client("canary-hash", "canary-token", base_url="https://x.test")
    keys = [*pace_module._lines]
    assert client.identity(pace_module.PROCESS_KEY) in keys
    assert not any("canary" in key for key in keys)
    assert client.identity(bytes(32)) not in keys


TOLD = [(90, 90.0), (10**9, 300.0)]


@pytest.mark.parametrize(
    ("call", "retry_after", "wait"),
    [
        *((call, told, wait) for call in ("send", "details") for told, wait in TOLD),
        *((call, "?", 1.0) for call in ("send", "details")),  # while one listens for another reply
    ],
)
def test_what_a_single_call_is_told_holds_for_all(
    call: str, retry_after: float | str, wait: float, clock: "Clock"
) -> None:
    """A 429 of one client is obeyed by the other of the account, within bounds."""
    fault = Fault("429", retry_after=retry_after)
    with running(Simulator(faults=fault, details_faults=fault)) as url:
        one, two = (
            Client("simulated-hash", "simulated-token", base_url=url, clock=clock) for _ in range(2)
        )
        asked = (
            one.send(NUMBERS[0], "Hi", sender="SMSPM.com") if call == "send" else one.details("id")
        )
        with pytest.raises(RateLimited):
            asyncio.run(asked)
    assert two.pace.take() == pytest.approx(wait)


class Hurrying:
    """The time of this machine, a hundred times as fast."""

    def now(self) -> float:
        return 1_750_000_000 + self.monotonic()

    def monotonic(self) -> float:
        return time.monotonic() * 100

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


def test_sending_and_tracking_together_keep_the_rate(new_book: "NewBook") -> None:
    """On the wire, from two clients with eight lanes each: no request comes before its time."""
    clock, came, both = Hurrying(), list[tuple[float, str]](), asyncio.Event()

    class Watched(Simulator):
        async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
            came.append((clock.monotonic(), scope["path"]))
            if scope["path"] == "/smsdetails":
                both.set()
            elif len(came) > 20:
                await both.wait()  # so that they go at the same time
            await super().__call__(scope, receive, send)

    book = new_book([(number, f"Hi {number}") for number in NUMBERS])
    began = clock.monotonic()
    with running(Watched(clock=clock.now, submit_after=0, final_after=0, spread=0)) as url:
        sending, tracking = (
            Client("simulated-hash", "simulated-token", base_url=url, clock=clock) for _ in range(2)
        )
        book.send(sending, limit=20)
        run = book.start(sending)
        book.track(tracking)
        assert run.wait(60)
        book.track(tracking)
    assert book.counts() == {"delivered": len(NUMBERS)}
    paths = [path for _, path in came]
    assert (paths.count("/"), paths.count("/smsdetails")) == (60, 60)
    early = [place for place, (at, _) in enumerate(came) if at < began + 0.6 * place]
    assert early == []
