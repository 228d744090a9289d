"""Several processes on one campaign: at the same time, standing still, and taken for dead."""

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.gateway.simulator import Fault, storm

if TYPE_CHECKING:
    from conftest import NewSiege, Siege, Worker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")

EIGHT: Final = 8
LANES: Final = 8  # requests that one process has in flight at most
BAD_DAYS: Final = (
    *("close", "reset", "truncated_head", "half", "502", "302", "malformed", "partial", "doubled"),
    *("reordered", "reformatted", "same_id", "no_id", "429", "some"),
    Fault("429", retry_after=5),
    Fault("502", taken=True),
    Fault("close", taken=False),
)


def stopped(siege: "Siege", do: str, at: str, hit: int = 1, **options: Any) -> "Worker":
    """Start a process that stands still at a step, which it must reach."""
    worker = siege.start(do, at=at, hit=hit, send="SIGSTOP", **options)
    worker.wait_until_stopped()
    return worker


def taken(siege: "Siege") -> int:
    return int(siege.ask("SELECT taken FROM campaign")[0][0])


# --- eight at the same time ---------------------------------------------------------------------


@pytest.mark.parametrize("people", [(150,), (40, 170, 100, 3)])
@pytest.mark.parametrize("seed", range(2))
def test_eight_processes_in_a_storm_send_nobody_twice(
    new_siege: "NewSiege", people: tuple[int, ...], seed: int
) -> None:
    """All of them claim something, then all go on at once until nothing is planned."""
    siege = new_siege(*people, faults=storm(seed, 0.15, BAD_DAYS))
    with siege.served():
        eight = []
        for _ in range(EIGHT):
            eight.append(stopped(siege, "drain", "keep: after COMMIT"))
            assert siege.broken(alive=True) == {}
            assert len(siege.numbers("sending")) == taken(siege)
        for worker in eight:
            worker.go_on()
        assert [worker.wait()[:2] for worker in eight] == [(0, None)] * EIGHT
    assert siege.broken() == {}
    assert siege.numbers("planned") == set()
    assert siege.ask("SELECT count(DISTINCT owner_id) >= ? FROM request", EIGHT) == [(1,)]
    assert siege.ask("SELECT count(*) FROM change WHERE evidence = 'dead owner'") == [(0,)]


@pytest.mark.parametrize("people", [(120,), (20, 200)])
@pytest.mark.parametrize("limit", [1, 57, 119])
def test_a_limit_is_kept_by_eight_processes_together(
    new_siege: "NewSiege", people: tuple[int, ...], limit: int
) -> None:
    """Each may take so many, and so many are taken by all of them: not one more, not one fewer."""
    siege = new_siege(*people)
    with siege.served():
        at = "keep: before BEGIN"
        eight = [stopped(siege, "send", at, limit=limit) for _ in range(EIGHT)]
        for worker in eight:
            worker.go_on()
        assert [worker.wait()[:2] for worker in eight] == [(0, None)] * EIGHT
    assert siege.broken() == {}
    assert siege.counts() == {"queued": limit, "planned": len(siege.people) - limit}
    assert len(siege.received()) == taken(siege) == limit


@pytest.mark.parametrize("seed", range(2))
def test_a_limit_is_never_passed_in_a_storm(new_siege: "NewSiege", seed: int) -> None:
    """What was not taken makes room again; what may have been taken does not."""
    siege = new_siege(60, 50, 50, faults=storm(seed, 0.25, BAD_DAYS))
    with siege.served():
        at = "keep: before BEGIN"
        eight = [stopped(siege, "drain", at, limit=100) for _ in range(EIGHT)]
        for worker in eight:
            worker.go_on()
        assert [worker.wait()[:2] for worker in eight] == [(0, None)] * EIGHT
    assert siege.broken() == {}
    assert len(siege.received()) <= taken(siege) == len(siege.numbers("queued", "unknown")) == 100


# --- one that stands still ----------------------------------------------------------------------


def check_that_nobody_resends(siege: "Siege", held: set[str]) -> None:
    """While a process stands still, what it claimed is its own, whatever a person says."""
    assert siege.numbers("sending") == held
    counts = siege.counts()
    siege.campaign.resolve_unknown("resend")
    for action in ("resend", "sent", "failed"):
        with pytest.raises(InvalidArgument, match="is not unknown, so there is nothing to resolve"):
            siege.campaign.resolve_unknown(action, rows=[min(held)])
    assert siege.counts() == counts
    assert siege.run("send")[:2] == (0, None)
    assert siege.numbers("sending") == held
    assert siege.broken(alive=True) == {}


@pytest.mark.parametrize("step", ["keep: after COMMIT", "send: connected", "send: writing"])
@pytest.mark.parametrize("people", [(60,), (0, 160)])
def test_one_that_stands_still_before_it_writes_keeps_its_claim(
    new_siege: "NewSiege", people: tuple[int, ...], step: str
) -> None:
    """The others send the rest; then it goes on, and everybody has received it once."""
    siege = new_siege(*people)
    with siege.served():
        still = stopped(siege, "send", step)
        held = siege.numbers("sending")
        assert len(held) == (1 if people == (60,) else 100)
        assert siege.run("drain")[:2] == (0, None)
        assert sorted(siege.received()) == sorted(siege.people - held)
        check_that_nobody_resends(siege, held)
        still.go_on()
        assert still.wait()[:2] == (0, None)
    assert siege.broken() == {}
    assert siege.counts() == {"queued": len(siege.people)}
    assert sorted(siege.received()) == sorted(siege.people)


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [(None, "queued"), ("close", "unknown"), ("stall", "unknown"), ("502", "unknown")],
)
def test_an_answer_that_came_while_it_stood_still_counts(
    new_siege: "NewSiege", kind: str | None, becomes: str
) -> None:
    """Written, and answered or broken off before it goes on: what that proves is recorded."""
    siege = new_siege(40, 100, faults=[kind and Fault(kind, taken=True, seconds=0.1)])
    with siege.served():
        still = stopped(siege, "send", "send: written")
        held = siege.numbers("sending")
        assert siege.run("drain")[:2] == (0, None)
        assert sorted(siege.received()) == sorted(siege.people)
        check_that_nobody_resends(siege, held)
        still.go_on()
        assert still.wait()[:2] == (0, None)
    assert siege.broken() == {}
    assert siege.numbers(becomes) >= held
    assert siege.counts() == {"queued": 140 - len(held), becomes: len(held) if kind else 140}


def test_one_that_stands_still_with_all_its_lanes_in_flight_ends_in_good_order(
    new_siege: "NewSiege",
) -> None:
    """The gateway answers every one of them meanwhile, and every answer counts."""
    waits = iter([0.0])  # the first request goes alone
    siege = new_siege(100, latency=lambda: next(waits, 0.3))
    with siege.served():
        still = stopped(siege, "send", "send: written", hit=1 + LANES)
        held = siege.numbers("sending")
        assert 1 < len(held) <= LANES
        assert siege.run("drain")[:2] == (0, None)
        assert siege.people - set(siege.received()) <= held
        check_that_nobody_resends(siege, held)
        still.go_on()
        assert still.wait()[:2] == (0, None)
    assert siege.broken() == {}
    assert siege.counts() == {"queued": 100}
    assert sorted(siege.received()) == sorted(siege.people)


def test_an_old_word_undoes_no_newer_one(new_siege: "NewSiege") -> None:
    """A tracker that stood still with an answer in its hands, while another one got the last."""
    passed = [0.0]
    siege = new_siege(1, clock=lambda: 1e9 + passed[0], final_after=60)
    with siege.served():
        siege.run("send")
        still = stopped(siege, "track", "ask: read")
        passed[0] = 60.0
        assert siege.run("track")[:2] == (0, None)
        assert siege.counts() == {"delivered": 1}
        still.go_on()
        assert still.wait()[:2] == (0, None)
    assert siege.broken() == {}
    assert [*siege.campaign.history()["status"]] == ["sending", "queued", "delivered"]


# --- one that is taken for dead -----------------------------------------------------------------


def bury_alive(siege: "Siege") -> None:
    """Put new lock files in place of those that are held, and look at the campaign."""
    path = siege.campaign.path
    held = siege.counts()
    for file in path.with_name(f"{path.name}.owners").iterdir():
        file.unlink()
        assert siege.counts() == held  # a lock that is not there proves nothing
        file.touch()
    assert siege.counts()["unknown"] >= 1


TAKEN_OVER: Final = (
    "RunStopped: Another process has taken this campaign over, since this one seemed dead. "
    "Nothing more is sent from here."
)


@pytest.mark.parametrize("step", ["keep: after COMMIT", "send: connected"])
@pytest.mark.parametrize("people", [(60,), (0, 160)])
@pytest.mark.parametrize("look", [0.0, 0.1], ids=["just claimed", "claimed a while ago"])
def test_one_that_was_taken_for_dead_sends_nothing_that_others_sent(
    new_siege: "NewSiege", people: tuple[int, ...], step: str, look: float
) -> None:
    """Its claim became unknown, a person had it sent again: it finds its claim void, and stops."""
    siege = new_siege(*people)
    siege.look = look
    with siege.served():
        still = stopped(siege, "send", step)
        held = siege.numbers("sending")
        bury_alive(siege)
        assert siege.numbers("unknown") == held
        siege.campaign.resolve_unknown("resend")
        assert siege.run("drain")[:2] == (0, None)
        assert sorted(siege.received()) == sorted(siege.people)
        still.go_on()
        ended = still.wait()
    assert siege.broken() == {}
    assert ended[:2] == (0, TAKEN_OVER)
    assert siege.counts() == {"queued": len(siege.people)}
    assert sorted(siege.received()) == sorted(siege.people)


def test_one_that_was_taken_for_dead_stops_though_nobody_sent_it_again(
    new_siege: "NewSiege",
) -> None:
    """Nothing left, which is evidence: its rows are planned, and the next one sends them."""
    siege = new_siege(60)
    with siege.served():
        still = stopped(siege, "send", "keep: after COMMIT")
        held = siege.numbers("sending")
        bury_alive(siege)
        still.go_on()
        assert still.wait()[:2] == (0, TAKEN_OVER)
        assert siege.received() == []
        assert siege.counts() == {"planned": 60}
        assert siege.run("drain")[:2] == (0, None)
    assert siege.broken() == {}
    assert held <= set(siege.received())
    assert siege.counts() == {"queued": 60}


def test_the_late_answer_of_one_that_was_taken_for_dead_counts(new_siege: "NewSiege") -> None:
    """It was written before: the answer is evidence, and the row no longer unknown."""
    siege = new_siege(60)
    with siege.served():
        still = stopped(siege, "send", "send: written")
        [held] = siege.numbers("sending")
        bury_alive(siege)
        assert siege.run("drain")[:2] == (0, None)
        assert siege.counts() == {"queued": 59, "unknown": 1}
        still.go_on()
        still.wait()
    assert siege.broken() == {}
    assert siege.counts() == {"queued": 60}
    told = siege.campaign.history().loc[held, ["status", "evidence"]]
    assert [*told.itertuples(index=False, name=None)] == [
        ("sending", "claim"),
        ("unknown", "dead owner"),
        ("queued", "reply"),
    ]
