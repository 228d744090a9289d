"""Lanes and ledger: how many requests are under way, and how many share a commit."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.delivery.books import LEAST_LANES, MOST_LANES, ROWS_IN_FLIGHT, lanes_of
from smspm_campaigns.exceptions import LedgerError
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Clock, NewBook

NUMBERS = [str(37250000000 + step) for step in range(2000)]


def client_of(url: str) -> Client:
    return Client(
        "simulated-hash", "simulated-token", base_url=url, requests_per_minute=None, timeout=60
    )


@pytest.mark.parametrize(
    ("rate", "lanes"),
    [
        (0.1, 8),
        (100, 8),
        (480, 8),
        (481, 9),
        (1200, 20),
        (1920, 32),
        (1921, 32),
        (100_000, 32),
        (None, 32),
    ],
)
def test_there_are_as_many_lanes_as_the_rate_needs(rate: float | None, lanes: int) -> None:
    """So many that nobody waits where a reply takes a second; never fewer than eight."""
    assert lanes_of(Client("h", "t", requests_per_minute=rate)) == lanes
    assert LEAST_LANES <= lanes <= MOST_LANES


@pytest.mark.parametrize(
    ("rows", "requests"),
    [
        ([(number, "Hi", "SMSPM.com") for number in NUMBERS], (8, 8)),
        ([(number, f"Hi {number}", "SMSPM.com") for number in NUMBERS[:200]], (9, 32)),
        ([(n, f"Hi {n[:-2]}{n[-1:] > '4'}", "SMSPM.com") for n in NUMBERS], (16, 16)),
    ],
    ids=["by the hundred", "one by one", "by the fifty"],
)
def test_no_more_is_under_way_than_a_crash_may_leave(
    new_book: "NewBook", rows: list[tuple[str, ...]], requests: tuple[int, int]
) -> None:
    """Eight hundred rows at most, and a request for each lane; and so many there are."""
    book = new_book(rows)
    seen: list[tuple[int, int]] = []

    def look(_index: int, _numbers: Sequence[str]) -> None:
        [(under_way, held)] = book.ask(
            "SELECT count(DISTINCT request_id), count(*) FROM attempt WHERE status = 'sending'"
        )
        seen.append((int(str(under_way)), int(str(held))))

    simulator = Simulator(faults=look, latency=0.05)
    with running(simulator) as url:
        book.send(client_of(url))
    least, most = requests
    assert least <= max(under_way for under_way, _ in seen) <= most
    assert max(held for _, held in seen) <= ROWS_IN_FLIGHT
    assert book.counts() == {"queued": len(rows)}
    assert sorted(str(entry["toNumber"]) for entry in simulator.accepted) == [
        number for number, *_ in rows
    ]


def test_several_requests_share_a_commit(new_book: "NewBook") -> None:
    """Each stands on disk before it is made, and not each waits for the disk alone."""
    book = new_book([(number, f"Hi {number}", "SMSPM.com") for number in NUMBERS[:300]])
    with running(Simulator()) as url:
        book.send(client_of(url))
    [(commits, requests)] = book.ask("SELECT count(DISTINCT claimed_at), count(*) FROM request")
    assert int(str(requests)) == 300
    assert int(str(commits)) < 200


def test_a_reply_that_cannot_be_written_keeps_no_other_from_the_ledger(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """Those that came with it are written one by one; its own row is unknown in the end."""
    book = new_book([(number, f"Hi {number}", "SMSPM.com") for number in NUMBERS[:100]])
    book.ask(
        "CREATE TRIGGER poison BEFORE UPDATE ON attempt WHEN old.id = 5 "
        "AND new.status = 'queued' BEGIN SELECT RAISE(ABORT, 'poison'); END"
    )
    client = Client.simulated(clock=clock)
    with pytest.raises(LedgerError, match="poison"):
        book.send(client)
    taken = len(client.simulator.accepted)
    assert 5 <= taken < 100
    assert book.counts() == {"queued": taken - 1, "unknown": 1, "planned": 100 - taken}


def test_turns_that_passed_while_the_ledger_was_held_are_not_made_up_for(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """Lanes that waited for the disk together go one after the other, at the rate."""
    book = new_book([(number, f"Hi {number}", "SMSPM.com") for number in NUMBERS[:30]])
    holding = sqlite3.connect(book.path, isolation_level=None, check_same_thread=False)

    held = threading.Event()

    def hold(index: int, _numbers: Sequence[str]) -> None:
        if index == 3:
            holding.execute("BEGIN IMMEDIATE")
            held.set()

    simulator = Simulator(faults=hold, clock=clock.now)
    with running(simulator) as url:
        client = Client(
            "simulated-hash",
            "simulated-token",
            base_url=url,
            requests_per_minute=60,
            timeout=60,
            clock=clock,
        )
        turns: list[float] = []

        def take(take: Callable[[], float] = client.pace.take) -> float:
            wait = take()
            if not wait:
                turns.append(clock.passed)
            return wait

        client.pace.take = take  # type: ignore[method-assign]
        run = book.start(client)
        assert held.wait(60)
        for _ in range(8):  # time passes, and lanes may do what they can meanwhile
            clock.passed += 1
            assert not run.has_ended(0.05)
        released = clock.passed
        holding.execute("COMMIT")
        assert run.wait(60)
    assert len(turns) == 31  # whoever waited for the disk took another one
    assert min(later - sooner for sooner, later in pairwise(turns)) >= 0.999
    assert sum(released - 7 < turn < released for turn in turns) == 0
    assert book.counts() == {"queued": 30}
