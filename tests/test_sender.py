import asyncio
import contextlib
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smspm_campaigns.delivery.books import MOST_LANES as LANES
from smspm_campaigns.delivery.ledger import plan
from smspm_campaigns.delivery.sender import Brake
from smspm_campaigns.exceptions import (
    AccountRefused,
    BudgetExceeded,
    CampaignConflict,
    GatewayError,
    LedgerError,
    NeverLeft,
    OutcomeUnknown,
    RateLimited,
    RunStopped,
)
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.simulator import KINDS, Fault, Simulator, running, storm

if TYPE_CHECKING:
    from conftest import Book, Clock, JumpingClock, NewBook, Row

NUMBERS = [str(37250000000 + step) for step in range(1000)]
KNOWN = {"queued", "submitted", "delivered", "failed"}


def personal(count: int) -> list[tuple[str, str]]:
    """Rows with a text each, so that each is a request of its own."""
    return [(number, f"Hi {number}") for number in NUMBERS[:count]]


def received(simulator: Simulator) -> list[object]:
    return [entry["toNumber"] for entry in simulator.accepted]


def with_status(book: "Book", *statuses: str) -> set[object]:
    return {row.number for row in book.rows() if row.status in statuses}


def over_the_wire(url: str, **options: Any) -> Client:
    settings = {"requests_per_minute": None, "timeout": 20.0, **options}
    return Client("simulated-hash", "simulated-token", base_url=url, **settings)


# --- a clean run --------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [NUMBERS, personal(150)])
def test_the_gateway_has_what_the_ledger_has(
    new_book: "NewBook", rows: "Sequence[Row]", clock: "Clock"
) -> None:
    """After a clean run the ids, numbers and texts of both are the same, in as few requests."""
    book = new_book(rows)
    client = Client.simulated(clock=clock)
    book.send(client)
    assert book.counts() == {"queued": len(rows)}
    assert sorted(
        (entry["id"], entry["toNumber"], entry["text"], entry["fromNumber"])
        for entry in client.simulator.accepted
    ) == sorted((row.message_id, row.number, row.text, row.sender) for row in book.rows())
    assert client.simulator.requests == (10 if rows is NUMBERS else len(rows))
    assert book.ask("SELECT count(*) FROM request WHERE answered_at IS NULL") == [(0,)]


def test_the_same_holds_over_the_wire(new_book: "NewBook") -> None:
    """With real sockets, and requests in flight on every lane."""
    book = new_book(personal(60))
    simulator = Simulator()
    with running(simulator) as url:
        book.send(over_the_wire(url))
    assert book.ids() == {entry["id"]: entry["toNumber"] for entry in simulator.accepted}
    assert book.counts() == {"queued": 60}


def test_sending_again_sends_nothing(new_book: "NewBook", clock: "Clock") -> None:
    """Nothing planned, no request."""
    book = new_book(NUMBERS[:150])
    client = Client.simulated(clock=clock)
    for _ in range(3):
        book.send(client)
    assert (client.simulator.requests, len(client.simulator.accepted)) == (2, 150)


def test_a_limit_counts_what_was_ever_taken(new_book: "NewBook", clock: "Clock") -> None:
    """A hundred twice are a hundred; lanes that race do not pass it."""
    book = new_book(personal(40))
    client = Client.simulated(clock=clock)
    for limit, sent in ((0, 0), (7, 7), (7, 7), (30, 30)):
        book.send(client, limit=limit)
        assert len(received(client.simulator)) == sent
    assert book.counts() == {"queued": 30, "planned": 10}


def test_excluded_rows_are_never_sent(new_book: "NewBook", clock: "Clock") -> None:
    """Only rows without a problem leave."""
    book = new_book([(NUMBERS[0], "Hi", "SMSPM.com", "opted_out"), NUMBERS[1]])
    client = Client.simulated(clock=clock)
    book.send(client)
    assert received(client.simulator) == [NUMBERS[1]]


def test_the_rate_is_kept(new_book: "NewBook", clock: "Clock") -> None:
    """No sooner than 0.6 s after each other at a hundred a minute, over all lanes."""
    book = new_book(personal(21))
    with running(Simulator()) as url:
        book.send(over_the_wire(url, requests_per_minute=100, clock=clock))
    assert clock.passed >= 20 * 0.6 - 1e-6
    assert book.counts() == {"queued": 21}


def test_no_turn_is_waited_for_when_nothing_is_left(new_book: "NewBook", clock: "Clock") -> None:
    """One request goes at once, and its run ends at once."""
    book = new_book(NUMBERS[:100])
    with running(Simulator()) as url:
        book.send(over_the_wire(url, requests_per_minute=1, clock=clock))
    assert clock.passed == 0.0


@pytest.mark.parametrize(
    ("report_url", "start", "end"),
    [
        ("http://127.0.0.1:9/sms", "http://127.0.0.1:9/sms/", ""),
        ("http://127.0.0.1:9/sms/", "http://127.0.0.1:9/sms/", ""),
        ("http://127.0.0.1:9", "http://127.0.0.1:9/", ""),
        ("http://127.0.0.1:9/sms?key=1", "http://127.0.0.1:9/sms/", "?key=1"),
    ],
)
def test_our_reference_is_a_segment_of_the_callback_address(
    new_book: "NewBook", clock: "Clock", report_url: str, start: str, end: str
) -> None:
    """The path survives; a query string may not, and stays behind it."""
    book = new_book(personal(3))
    client = Client.simulated(clock=clock, submit_after=10**9, final_after=10**9)
    assert book.start(client, report_url=report_url).wait(60)
    references = book.ask("SELECT id FROM request ORDER BY id")
    assert sorted(str(entry["report"]) for entry in client.simulator.accepted) == [
        f"{start}{reference}{end}" for (reference,) in references
    ]


# --- storms -------------------------------------------------------------------------------------


def drained(book: "Book", client: Client) -> None:
    """Send until nothing is planned, as a person would who is stopped again and again."""
    for _ in range(300):
        try:
            book.send(client)
        except (GatewayError, RunStopped):
            continue
        return
    raise AssertionError(f"never drained: {book.counts()}")


def check_the_promise(book: "Book", simulator: Simulator) -> None:
    """No number twice; whoever received it is known or unknown; whoever is known received it."""
    taken = received(simulator)
    assert [number for number, count in Counter(taken).items() if count > 1] == []
    assert set(taken) <= with_status(book, *KNOWN, "unknown")
    assert with_status(book, *KNOWN) <= set(taken)
    assert book.ids().items() <= {(entry["id"], entry["toNumber"]) for entry in simulator.accepted}
    assert with_status(book, "sending") == set()
    assert book.counts().total() == len(book.rows())


BAD_DAYS: list[Fault | str] = [
    *(Fault(kind, seconds=0.01) if kind == "stall" else kind for kind in KINDS),
    *(Fault("429", retry_after=wait) for wait in (0, 5, "nonsense", "-1")),
    *(Fault(kind, taken=True) for kind in ("502", "302", "404", "413")),
    *(Fault(kind, taken=False) for kind in ("close", "reset", "half")),
    Fault("some", status=500),
    "403",
    "404",
]
# Only of a list: that one number alone is taken and refused in one breath is ruled out.
BAD_DAYS_OF_LISTS = [
    *BAD_DAYS,
    Fault("some", status=200, error="Invalid phone number: 1"),
    Fault("some", status=402),
]


@pytest.mark.parametrize("rows", [NUMBERS, personal(120)])
@pytest.mark.parametrize("list_mode", ["element", "some"])
@pytest.mark.parametrize("seed", range(4))
def test_in_a_storm_nobody_receives_it_twice_and_nobody_is_forgotten(
    new_book: "NewBook",
    clock: "Clock",
    rows: "Sequence[Row]",
    list_mode: str,
    seed: int,
) -> None:
    """Sent again until drained: what the gateway took is known or unknown, and only once."""
    book = new_book(rows)
    client = Client.simulated(
        clock=clock,
        faults=storm(seed, 0.5, BAD_DAYS_OF_LISTS if rows is NUMBERS else BAD_DAYS),
        list_mode=list_mode,
        refuse=NUMBERS[3::97],
    )
    drained(book, client)
    check_the_promise(book, client.simulator)
    assert with_status(book, "planned") == set()


@pytest.mark.parametrize("seed", range(3))
def test_in_a_storm_on_the_wire_the_promise_is_the_same(
    new_book: "NewBook", clock: "Clock", seed: int
) -> None:
    """Connections that really break, beside others that work."""
    kinds = ["close", "reset", "truncated_head", "half", "502", "partial", "reordered", "429"]
    book = new_book(personal(80))
    simulator = Simulator(faults=storm(seed, 0.3, kinds))
    with running(simulator) as url:
        drained(book, over_the_wire(url, clock=clock))
    check_the_promise(book, simulator)


def test_a_list_is_halved_where_errors_are_atomic(new_book: "NewBook", clock: "Clock") -> None:
    """Bad numbers are found one by one, and everybody else is sent to, once."""
    book = new_book(NUMBERS[:150])
    bad = {NUMBERS[17], NUMBERS[18], NUMBERS[149]}
    client = Client.simulated(clock=clock, list_mode="whole", refuse=bad)
    client.list_errors_atomic = True
    drained(book, client)
    check_the_promise(book, client.simulator)
    assert with_status(book, "refused") == bad
    assert book.counts() == {"queued": 147, "refused": 3}
    assert book.rows()[17].error == (
        f"SMSPM refused the number: 'Invalid phone number: {NUMBERS[17][:4]}*****"
        f"{NUMBERS[17][-2:]}'."
    )


def test_a_list_is_unknown_where_errors_may_come_in_the_middle(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """Some were taken and some were not: nobody knows who, and nobody is sent to again."""
    book = new_book(NUMBERS[:100])
    client = Client.simulated(clock=clock, list_mode="some", refuse={NUMBERS[60]})
    drained(book, client)
    drained(book, client)
    assert book.counts() == {"unknown": 100}
    assert received(client.simulator) == NUMBERS[:60]


def test_a_balance_that_ends_in_the_middle_of_a_list_stops_the_run(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """That list is unknown; what was not asked yet is planned."""
    book = new_book(NUMBERS[:150])
    client = Client.simulated(clock=clock, list_mode="some", balance=2.0)  # 40 messages
    with pytest.raises(OutcomeUnknown, match="balance does not suffice"):
        book.send(client)
    assert book.counts() == {"unknown": 100, "planned": 50}
    assert received(client.simulator) == NUMBERS[:40]


# --- what stops a run ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ({"token": "another"}, "SMSPM refused the credentials: 'Unauthorized'."),
        ({"hash": "another"}, "SMSPM refused the credentials: 'Unauthorized'."),
        ({"senders": ["Shop"]}, "SMSPM refused the sender: 'Bad sender'."),
    ],
)
def test_a_refused_account_costs_one_request(
    new_book: "NewBook", behaviour: dict[str, Any], error: str
) -> None:
    """The first goes alone, and everything is still planned."""
    book = new_book(personal(30))
    simulator = Simulator(**behaviour)
    with running(simulator) as url, pytest.raises(AccountRefused, match=error):
        book.send(over_the_wire(url))
    assert (simulator.requests, simulator.accepted) == (1, [])
    assert book.counts() == {"planned": 30}


def test_an_error_nobody_listed_stops_the_run(new_book: "NewBook", clock: "Clock") -> None:
    """Its rows are unknown, and no other request is made."""
    book = new_book(personal(30))
    client = Client.simulated(clock=clock, faults=Fault("403", error="Account suspended"))
    with pytest.raises(OutcomeUnknown, match="'Account suspended'"):
        book.send(client)
    assert client.simulator.requests == 1
    assert book.counts() == {"unknown": 1, "planned": 29}


@pytest.mark.parametrize("kind", ["close", "503", "302", "null", "no_id", "unknown_status"])
@pytest.mark.parametrize("breaks_at", [0, 20])
def test_the_brake_ends_a_run_on_a_gateway_that_broke(
    new_book: "NewBook", clock: "Clock", kind: str, breaks_at: int
) -> None:
    """Five in a row, and those that were under way with them."""
    book = new_book(personal(100))

    def broken(index: int, _numbers: Sequence[str]) -> str | None:
        return kind if index >= breaks_at else None

    client = Client.simulated(clock=clock, faults=broken)
    with pytest.raises(RunStopped, match="5 requests in a row ended unknown or refused"):
        book.send(client)
    unknown = book.counts()["unknown"]
    assert 5 <= unknown < 5 + LANES
    assert book.counts() == {
        "unknown": unknown,
        **({"queued": breaks_at} if breaks_at else {}),
        "planned": 100 - breaks_at - unknown,
    }
    check_the_promise(book, client.simulator)


def test_the_brake_looks_through_requests_that_were_not_taken(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """A 429 between two lost replies is the same request again, and no good end."""
    book = new_book(personal(100))
    client = Client.simulated(clock=clock, faults=lambda index, _: "429" if index % 2 else "close")
    with pytest.raises(RunStopped, match="5 requests in a row"):
        book.send(client)
    assert book.counts()["unknown"] < 5 + LANES


def test_the_brake_ends_a_run_in_which_every_fifth_is_lost(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """Ten of the last fifty."""
    book = new_book(personal(200))
    client = Client.simulated(clock=clock, faults=lambda index, _: None if index % 5 else "close")
    with pytest.raises(RunStopped, match=r"10 of the last \d\d requests ended unknown or refused"):
        book.send(client)
    assert 10 <= book.counts()["unknown"] < 10 + LANES


def test_the_brake_ends_a_run_in_which_most_of_every_list_is_lost(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """One known row does not make up for ninety-nine that are not."""
    book = new_book(NUMBERS)
    bad = set(NUMBERS) - set(NUMBERS[::100])
    client = Client.simulated(clock=clock, refuse=bad)
    with pytest.raises(RunStopped, match="5 requests in a row"):
        book.send(client)
    assert book.counts()["planned"] > 0


@pytest.mark.parametrize(("lost", "stops"), [(20, False), (21, True)])
def test_a_list_of_which_more_than_a_fifth_is_lost_has_ended_badly(
    new_book: "NewBook", clock: "Clock", lost: int, stops: bool
) -> None:
    """The share of a list is that of the last fifty requests."""
    book = new_book(NUMBERS)
    bad = {number for place, number in enumerate(NUMBERS) if place % 100 < lost}
    client = Client.simulated(clock=clock, refuse=bad)
    with pytest.raises(RunStopped) if stops else contextlib.nullcontext():
        book.send(client)
    assert (book.counts()["planned"] > 0) is stops


def test_single_refusals_in_lists_stop_nobody(new_book: "NewBook", clock: "Clock") -> None:
    """A bad number in each list is a bad number, and not a broken gateway."""
    book = new_book(NUMBERS)
    client = Client.simulated(clock=clock, refuse=set(NUMBERS[::100]))
    book.send(client)
    assert book.counts() == {"queued": 990, "refused": 10}


@pytest.mark.parametrize(
    ("ended_well", "pulled"),
    [
        ("", ""),
        ("----", ""),
        ("-----", "5 requests in a row"),
        ("+-----", "5 requests in a row"),
        ("----+----", ""),
        ("-+" * 9, ""),
        ("-+" * 10, "10 of the last 20 requests"),
        ("----+" * 2 + "-", ""),
        ("----+" * 2 + "--", "10 of the last 12 requests"),
        ("+" * 1000 + "-++++" * 9 + "-", "10 of the last 50 requests"),
        ("+" * 1000 + "-+++++" * 20, ""),  # one in six: at most nine of fifty
        ("-+" * 9 + "+" * 50 + "-", ""),  # what is long ago is forgotten
    ],
)
def test_the_brake_counts(ended_well: str, pulled: str) -> None:
    """Five in a row, or a fifth of the last fifty."""
    brake = Brake()
    for sign in ended_well:
        brake.note(ended_well=sign == "+")
    assert brake.pulled == pulled


def test_a_budget_that_is_set_elsewhere_stops_a_run(new_book: "NewBook") -> None:
    """The bound is the campaign's: whoever is sending keeps it with the very next request."""
    book = new_book(personal(100))  # 0.05 EUR each

    def bounded(index: int, _numbers: Sequence[str]) -> None:
        if index == 20:
            with book.open() as ledger:
                plan.set_max_cost(ledger, book.id, 3_000_000_000)

    simulator = Simulator(faults=bounded)
    with running(simulator) as url, pytest.raises(BudgetExceeded, match=r"to 3\.05 EUR, and 3\.00"):
        book.send(over_the_wire(url))
    assert book.counts() == {"queued": 60, "planned": 40}
    check_the_promise(book, simulator)


def test_two_campaigns_at_once_do_not_text_a_person_the_same_thing(new_book: "NewBook") -> None:
    """Nothing was taken when they were begun; each stops at the first message the other took."""
    book = new_book([])
    forth, back = (
        book.add(name, rows, allow_repeat=False)
        for name, rows in (("forth", personal(60)), ("back", personal(60)[::-1]))
    )
    simulator, begun, stopped = Simulator(), [], 0
    with running(simulator) as url:
        for book.id in (forth, back):
            begun.append(book.start(over_the_wire(url)))
        for run in begun:
            try:
                assert run.wait(60)
            except CampaignConflict:
                stopped += 1
    assert stopped
    assert Counter(received(simulator)) == Counter(NUMBERS[:60])


# --- what was not taken is tried again ----------------------------------------------------------


def test_a_429_is_obeyed_by_every_lane(new_book: "NewBook", clock: "Clock") -> None:
    """Nobody sends before the time that was told, and then everything is sent, once."""
    asked: list[float] = []

    def limited(index: int, _numbers: Sequence[str]) -> Fault | None:
        asked.append(clock.passed)
        return Fault("429", retry_after=100) if index == 10 else None

    book = new_book(personal(60))
    client = Client.simulated(clock=clock, faults=limited)
    book.send(client)
    told = asked[10]
    early = [at for at in asked[11:] if at < told + 100]
    assert len(early) < LANES  # they were under way when it was said
    # a part of a second comes by chance, and this clock lets who falls asleep late sleep twice
    assert 100 <= clock.passed < 202
    assert book.counts() == {"queued": 60}
    check_the_promise(book, client.simulator)


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [(None, 15), (0, 15), ("-7", 15), ("soon", 15), (20, 80), (10**9, 1200)],
)
def test_429_without_end_is_bounded(
    new_book: "NewBook", clock: "Clock", retry_after: float | str | None, waited: float
) -> None:
    """Five tries of the first request, in waits that are never nothing; everything is planned."""
    book = new_book(personal(30))
    client = Client.simulated(clock=clock, faults=Fault("429", retry_after=retry_after))
    with pytest.raises(RateLimited):
        book.send(client)
    assert client.simulator.requests == 5
    assert waited <= clock.passed < waited + 15  # which come by chance
    assert book.counts() == {"planned": 30}
    book.send(Client.simulated(clock=clock))
    assert book.counts() == {"queued": 30}


def test_a_dead_network_is_tried_five_times_and_nothing_is_lost(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """1, 2, 4 and 8 seconds apart or more; rows are planned, say why, and go out later."""
    book = new_book(NUMBERS[:150])
    simulator = Simulator()
    with running(simulator) as url:
        pass
    with pytest.raises(NeverLeft, match="Nothing was sent; check the network and run it again"):
        book.send(over_the_wire(url, clock=clock))
    assert 15 <= clock.passed < 30
    assert book.counts() == {"planned": 150}
    assert book.ask("SELECT status, count(*) FROM attempt GROUP BY status") == [("not_taken", 500)]
    told = f"No connection to {url} (ConnectError). "
    told += "Nothing was sent; check the network and run it again."
    assert [row.error for row in book.rows()] == [told] * 100 + [None] * 50
    with running(simulator, port=int(url.rpartition(":")[2])):
        book.send(over_the_wire(url, clock=clock))
    check_the_promise(book, simulator)
    assert book.counts() == {"queued": 150}
    assert {row.error for row in book.rows()} == {None}


@contextlib.contextmanager
def full_port() -> Iterator[str]:
    """A port at which connections are neither taken nor refused: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(10):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.5)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
                return
        pytest.skip("this system refuses where a queue is full")


def test_connections_that_are_never_made_are_bounded(new_book: "NewBook", clock: "Clock") -> None:
    """A host that does not answer is tried five times, and everything is planned."""
    book = new_book(personal(3))
    with full_port() as url, pytest.raises(NeverLeft, match="ConnectTimeout"):
        book.send(over_the_wire(url, clock=clock, timeout=0.6))
    assert book.ask("SELECT status, count(*) FROM attempt GROUP BY status") == [("not_taken", 5)]
    assert book.counts() == {"planned": 3}


def test_a_network_that_dies_in_between_costs_nobody_a_message(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """All lanes give up after bounded tries; every row is queued or planned, and none else."""
    is_gone = threading.Event()

    def resolve(_host: object, port: int, *_: object, **__: object) -> list[Any]:
        if is_gone.is_set():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    book = new_book(personal(60))
    simulator = Simulator(faults=lambda index, _: is_gone.set() if index == 20 else None)
    with running(simulator) as url:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        client = over_the_wire(url.replace("127.0.0.1", "localhost"), clock=clock)
        client._trust.is_on = False
        with pytest.raises(NeverLeft):
            book.send(client)
    taken = len(simulator.accepted)
    assert 21 <= taken <= 20 + LANES
    assert book.counts() == {"queued": taken, "planned": 60 - taken}
    [(tries,)] = book.ask("SELECT count(*) FROM attempt WHERE status = 'not_taken'")
    assert 5 <= int(str(tries)) <= 5 * LANES
    check_the_promise(book, simulator)


def test_a_failure_wakes_the_lanes_that_wait(new_book: "NewBook") -> None:
    """A run that has failed does not sit out the wait that another answer asked for."""

    class Forever:
        def now(self) -> float:
            return 0.0

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            if seconds:
                await asyncio.Event().wait()

    book = new_book(personal(30))
    waits = [0.0, 0.0, 0.2]  # the account's end is told after the wait
    simulator = Simulator(
        faults={1: Fault("429", retry_after=300), 2: Fault("403", error="Account suspended")},
        latency=lambda: waits.pop(0) if waits else 0.0,
    )
    with running(simulator) as url, pytest.raises(OutcomeUnknown, match="Account suspended"):
        book.send(over_the_wire(url, clock=Forever()))
    assert book.counts()["unknown"] == 1


# --- stopping -----------------------------------------------------------------------------------


def test_a_stop_lets_what_is_in_flight_end(new_book: "NewBook") -> None:
    """Nothing new is claimed, every answer is recorded, the rest is planned."""
    book = new_book(personal(100))
    run: list[Any] = []
    started = threading.Event()

    def stopping(index: int, _numbers: Sequence[str]) -> None:
        if index == 20:
            started.wait()
            run[0].stop()

    simulator = Simulator(faults=stopping)
    with running(simulator) as url:
        run.append(book.start(over_the_wire(url)))
        started.set()
        assert run[0].wait(60)
        counts = book.counts()
        assert counts["queued"] == len(simulator.accepted)
        assert 21 <= counts["queued"] < 21 + LANES
        assert counts == {"queued": counts["queued"], "planned": 100 - counts["queued"]}
        book.send(over_the_wire(url))
    check_the_promise(book, simulator)
    assert book.counts() == {"queued": 100}


def test_a_stop_ends_the_waiting_for_a_gateway(new_book: "NewBook") -> None:
    """However long it asked us to wait."""
    asleep = threading.Event()

    class Forever:
        def now(self) -> float:
            return 0.0

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            asleep.set()
            await asyncio.Event().wait()

    book = new_book(NUMBERS[:3])
    run = book.start(Client.simulated(clock=Forever(), faults=Fault("429", retry_after=300)))
    assert asleep.wait(60)
    run.stop()
    assert run.wait(60)
    assert book.counts() == {"planned": 3}


# --- a ledger that cannot be written ------------------------------------------------------------

NO_REPLIES = (
    "CREATE TRIGGER full BEFORE UPDATE OF answered_at ON request "
    "BEGIN SELECT RAISE(ABORT, 'full'); END"
)


def test_a_reply_that_cannot_be_written_stops_claiming_and_is_written_later(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """It is kept in memory and tried again; nothing more leaves meanwhile."""
    book = new_book(personal(100))
    written: list[float] = []

    class Mending:
        def now(self) -> float:
            return clock.now()

        def monotonic(self) -> float:
            return clock.monotonic()

        async def sleep(self, seconds: float) -> None:
            await clock.sleep(seconds)
            if clock.passed >= 2.5 and not written:
                book.ask("DROP TRIGGER full")
                written.append(clock.passed)

    def fill(index: int, _numbers: Sequence[str]) -> None:
        if index == 20:
            book.ask(NO_REPLIES)

    client = Client.simulated(clock=Mending(), faults=fill)
    with pytest.raises(LedgerError, match="full"):
        book.send(client)
    assert len(written) == 1
    sent = len(client.simulator.accepted)
    assert 21 <= sent < 21 + LANES
    assert book.counts() == {"queued": sent, "planned": 100 - sent}
    assert book.ids() == {entry["id"]: entry["toNumber"] for entry in client.simulator.accepted}


def test_a_reply_that_can_never_be_written_is_unknown(new_book: "NewBook", clock: "Clock") -> None:
    """Never planned: its claim stands."""
    book = new_book(personal(100))
    book.ask(NO_REPLIES)
    client = Client.simulated(clock=clock)
    with pytest.raises(LedgerError, match="full"):
        book.send(client)
    assert client.simulator.requests == 1
    assert book.counts() == {"unknown": 1, "planned": 99}
    assert clock.passed == pytest.approx(57.6)  # a minute to make room
    book.ask("DROP TRIGGER full")
    drained(book, client)
    check_the_promise(book, client.simulator)
    assert book.counts() == {"unknown": 1, "queued": 99}


@pytest.mark.parametrize("table", ["request", "attempt", "event"])
def test_a_claim_that_cannot_be_written_sends_nothing(
    new_book: "NewBook", clock: "Clock", table: str
) -> None:
    """Not a byte leaves before the claim is on disk, whole."""
    book = new_book(NUMBERS[:150])
    book.ask(f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END")
    client = Client.simulated(clock=clock)
    with pytest.raises(LedgerError, match="full"):
        book.send(client)
    assert client.simulator.requests == 0
    assert book.counts() == {"planned": 150}


@pytest.mark.parametrize(
    "jumps", [{"wall": 3600.0}, {"wall": -3600.0}, {"steady": 3600.0}], ids=str
)
def test_a_claim_that_was_taken_away_is_not_sent(
    new_book: "NewBook", jumping_clock: "type[JumpingClock]", jumps: dict[str, float]
) -> None:
    """Just before writing it is looked at once more, when either clock says that time passed."""
    book = new_book(NUMBERS[:150])
    book.ask(
        "CREATE TRIGGER buried AFTER INSERT ON event WHEN new.evidence = 'claim' BEGIN "
        "UPDATE attempt SET status = 'unknown' WHERE request_id = new.request_id; END"
    )
    client = Client.simulated(clock=jumping_clock(**jumps))
    with pytest.raises(RunStopped, match="this one seemed dead"):
        book.send(client)
    assert client.simulator.requests == 0
    assert book.counts() == {"planned": 150}


def test_a_sender_that_was_declared_dead_claims_no_more_and_its_late_reply_counts(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """Its claim is void, its evidence is not."""
    book = new_book(personal(30))

    def bury(index: int, _numbers: Sequence[str]) -> None:
        if index == 0:
            book.ask("UPDATE owner SET ended_at = 1")
            book.ask("UPDATE attempt SET status = 'unknown', error = 'dead'")
            book.ask("UPDATE recipient SET status = 'unknown' WHERE status = 'sending'")

    client = Client.simulated(clock=clock, faults=bury)
    with pytest.raises(RunStopped, match="this one seemed dead"):
        book.send(client)
    assert book.counts() == {"queued": 1, "planned": 29}
    assert len(client.simulator.accepted) == 1


# --- the program around it ----------------------------------------------------------------------

SENDING = """
import concurrent.futures, pathlib, sys, threading
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.sender import send_campaign
from smspm_campaigns.gateway.client import Client

path, campaign_id, url = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
client = Client("simulated-hash", "simulated-token", base_url=url, requests_per_minute=None)

def work():
    Run(lambda run: send_campaign(
        run, path, campaign_id, client, limit=None, report_url=None
    )).wait()
"""


@pytest.mark.parametrize(
    "start",
    [
        "threading.Thread(target=work).start()",
        "concurrent.futures.ThreadPoolExecutor(1).submit(work)",
    ],
    ids=["thread", "pool"],
)
def test_a_run_in_a_thread_outlives_the_end_of_the_program_s_text(
    new_book: "NewBook", start: str
) -> None:
    """Python waits for its threads, and what they send is recorded meanwhile, all of it."""
    book = new_book(personal(60))
    command = [sys.executable, "-c", f"{SENDING}\n{start}\n", str(book.path), str(book.id)]
    simulator = Simulator(latency=0.05)
    with running(simulator) as url:
        subprocess.run([*command, url], check=True, timeout=60, cwd=Path(__file__).parents[1])
    check_the_promise(book, simulator)
    assert book.counts() == {"queued": 60}


def test_a_run_works_inside_a_running_loop(new_book: "NewBook", clock: "Clock") -> None:
    """As in the cell of a notebook."""
    book = new_book(NUMBERS[:5])
    client = Client.simulated(clock=clock)

    async def cell() -> None:
        book.send(client)
        book.track(client)

    asyncio.run(cell())
    assert book.counts() == {"delivered": 5}


def test_a_ledger_that_is_held_for_long_makes_no_unknowns(new_book: "NewBook") -> None:
    """While another program holds the ledger, replies are read, and written down afterwards."""
    book = new_book(personal(30))
    holder = sqlite3.connect(book.path, isolation_level=None, check_same_thread=False)
    release = threading.Timer(2.0, lambda: holder.execute("ROLLBACK"))

    def hold_at_the_tenth(index: int, _numbers: Sequence[str]) -> None:
        if index == 10:
            holder.execute("BEGIN IMMEDIATE")
            release.start()

    simulator = Simulator(hash="h", token="t", latency=0.05, faults=hold_at_the_tenth)
    with running(simulator) as url:
        client = Client("h", "t", base_url=url, timeout=0.7, requests_per_minute=None)
        book.send(client)
    release.join()
    holder.close()
    assert book.counts() == {"queued": 30}
