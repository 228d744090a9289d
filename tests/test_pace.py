import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.gateway.pace import Pace

if TYPE_CHECKING:
    from conftest import Clock


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        raise AssertionError("the wall clock may jump: it paces nothing")

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a pace only says how long to wait")


def test_turns_are_evenly_spaced(clock: "Clock") -> None:
    """100 a minute are one every 0.6 s from the first on."""
    pace = Pace(100, clock)
    assert [pace.reserve() for _ in range(4)] == pytest.approx([0.0, 0.6, 1.2, 1.8])


def test_turns_nobody_took_are_gone() -> None:
    """After a pause, or the sleep of the machine, there is no burst."""
    clock = Hand()
    pace = Pace(60, clock)
    pace.reserve()
    clock.at = 3600.0
    assert [pace.reserve() for _ in range(3)] == [0.0, 1.0, 2.0]


def test_without_a_rate_nobody_waits_unless_held(clock: "Clock") -> None:
    """No rate is no wait, and a hold still holds."""
    pace = Pace(None, clock)
    assert [pace.reserve() for _ in range(3)] == [0.0, 0.0, 0.0]
    pace.hold(30)
    assert [pace.reserve() for _ in range(3)] == [30.0, 30.0, 30.0]


def test_a_shorter_hold_never_ends_a_longer_one() -> None:
    """Whoever was told to wait longest is obeyed by all."""
    clock = Hand()
    pace = Pace(None, clock)
    pace.hold(30)
    pace.hold(5)
    told = []
    for clock.at in (0.0, 5.0, 29.0, 30.0, 31.0):
        told.append((pace.is_held, pace.reserve()))
    assert told == [(True, 30.0), (True, 25.0), (True, 1.0), (False, 0.0), (False, 0.0)]


def test_turns_after_a_hold_are_spaced_again() -> None:
    """A hold is not followed by everybody at once."""
    pace = Pace(60, Hand())
    pace.hold(10)
    assert [pace.reserve() for _ in range(3)] == [10.0, 11.0, 12.0]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("reserve"), st.just(0.0)),
            st.tuples(st.just("hold"), st.floats(0, 300)),
            st.tuples(st.just("pass"), st.floats(0, 1000)),
        )
    )
)
def test_no_turn_is_early(steps: list[tuple[str, float]]) -> None:
    """Whatever happens, turns are an interval apart and none lies before the end of a hold."""
    clock = Hand()
    pace = Pace(100, clock)
    last, held_until = -1.0, 0.0
    for what, seconds in steps:
        if what == "pass":
            clock.at += seconds
        elif what == "hold":
            pace.hold(seconds)
            held_until = max(held_until, clock.at + seconds)
        else:
            turn = clock.at + pace.reserve()
            assert turn >= max(clock.at, last + 0.6, held_until) - 1e-6
            last = turn


def test_threads_never_share_a_turn(clock: "Clock") -> None:
    """Runs on several threads take turns from one line."""
    pace = Pace(60, clock)
    turns: list[float] = []
    threads = [
        threading.Thread(target=lambda: turns.extend(pace.reserve() for _ in range(200)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == [float(turn) for turn in range(800)]
