import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.pacing import (
    SECOND,
    first_poll,
    hold_back,
    micros,
    next_poll,
    take_turn,
)
from smspm_campaigns.exceptions import GatewayError, NeverLeft, RateLimited
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.pace import Pace

if TYPE_CHECKING:
    from conftest import Clock

HOUR = 3600


def held(error: GatewayError, times: int, clock: "Clock", **chance: Any) -> float:
    """Return for how many seconds everybody waits."""
    pace = Pace(None, clock)
    hold_back(pace, error, times, **chance)
    return float(pace.take())


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (NeverLeft("x"), [1, 2, 4, 8]),
        (RateLimited("x"), [1, 2, 4, 8]),  # not told
        (RateLimited("x", retry_after=0.0), [1, 2, 4, 8]),  # told, but nothing
        (RateLimited("x", retry_after=3.0), [3, 3, 4, 8]),
        (RateLimited("x", retry_after=300.0), [300, 300, 300, 300]),
    ],
)
def test_waits_grow_are_as_told_and_end(
    error: GatewayError, waits: list[float], clock: "Clock"
) -> None:
    """Never less than told, never nothing, and the fifth time in a row is the error itself."""
    assert [held(error, times, clock, chance=lambda: 0.0) for times in range(1, 5)] == waits
    longer = [held(error, times, clock, chance=lambda: 0.75) for times in range(1, 5)]
    assert longer == [wait + part for wait, part in zip(waits, (0.75, 1.5, 3, 6), strict=True)]
    told = getattr(error, "retry_after", None) or 0.0
    for times in (5, 6):
        pace = Pace(None, clock)
        with pytest.raises(type(error)) as caught:
            hold_back(pace, error, times)
        assert caught.value is error
        assert pace.take() == told  # what was told last holds for whoever comes next


def test_chance_keeps_apart_who_was_told_the_same(clock: "Clock") -> None:
    """Of a hundred programs that were told one time, no two come back at one moment."""
    told = RateLimited("x", retry_after=60.0)
    waits = {held(told, 1, clock) for _ in range(100)}
    assert len(waits) == 100
    assert 60.0 <= min(waits) <= max(waits) < 61.0


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (-5, 2),  # the clock of the machine was put back
        (0, 2),
        (2, 2),
        (4, 2),
        (10, 5),
        (600, 300),
        (2 * HOUR, HOUR),
        (71 * HOUR, HOUR),
    ],
)
def test_questions_become_rarer_with_age(age: int, wait: int) -> None:
    """Seconds at first, an hour at last."""
    sent_at = 1_750_000_000 * SECOND
    now = sent_at + age * SECOND
    assert next_poll(sent_at, now) == now + wait * SECOND


def test_times_are_whole_microseconds(clock: "Clock") -> None:
    """The first question comes two seconds after the message was taken."""
    assert micros(clock) == 1_750_000_000_000_000
    assert first_poll(micros(clock)) == 1_750_000_002_000_000


def turns(client: Client, count: int) -> None:
    async def work(run: Run) -> None:
        for _ in range(count):
            await take_turn(run, client)

    assert Run(work).wait(60)


def test_turns_follow_the_rate_of_the_client(clock: "Clock") -> None:
    """One every 0.6 s at a hundred a minute, the first at once."""
    client = Client("h", "t", clock=clock)
    turns(client, 11)
    assert clock.passed == pytest.approx(6.0)


def test_nobody_goes_while_all_were_told_to_wait(clock: "Clock") -> None:
    """Also when the word came while one was waiting for one's turn."""
    client = Client("h", "t", clock=clock, requests_per_minute=60)
    turns(client, 1)

    async def work(run: Run) -> None:
        turn = asyncio.ensure_future(take_turn(run, client))
        await asyncio.sleep(0)
        client.pace.hold(30)
        await turn

    assert Run(work).wait(60)
    assert clock.passed == 30.0


def test_a_turn_is_not_waited_for_by_a_run_that_stops() -> None:
    """However long the wait."""

    class Forever:
        def now(self) -> float:
            return 0.0

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    client = Client("h", "t", clock=Forever())
    client.pace.hold(300)

    async def work(run: Run) -> None:
        asyncio.get_running_loop().call_soon(run.stop)
        await take_turn(run, client)

    assert Run(work).wait(60)
