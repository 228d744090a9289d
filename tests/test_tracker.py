import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import looking
import pytest

from smspm_campaigns.delivery import duty
from smspm_campaigns.delivery.books import MOST_LANES
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, callbacks, connection, locks, read, resolve
from smspm_campaigns.delivery.pacing import MOST_NOT_TAKEN, micros
from smspm_campaigns.delivery.tracker import track_campaign
from smspm_campaigns.exceptions import AccountRefused, LedgerError, NeverLeft
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.simulator import Fault, Simulator, running, storm

if TYPE_CHECKING:
    from conftest import Book, Clock, NewBook

NUMBERS = [str(37250000000 + step) for step in range(40)]
HOUR = 3600.0


def sent(
    new_book: "NewBook", count: int, clock: "Clock", **behaviour: Any
) -> tuple["Book", Client]:
    book = new_book(NUMBERS[:count])
    client = Client.simulated(clock=clock, **behaviour)
    book.send(client)
    assert book.counts() == {"queued": count}
    return book, client


class Watched:
    """A clock that says for how long it is asked to wait, before it does."""

    def __init__(self, clock: "Clock", waits: Callable[[float], object]) -> None:
        self._clock = clock
        self._waits = waits

    def now(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        self._waits(seconds)
        await self._clock.sleep(seconds)


def tracking(
    book: "Book", client: Client, *, for_seconds: float = HOUR, give_up_after: float = 72 * HOUR
) -> Run:
    return Run(
        lambda run: track_campaign(
            run, book.path, book.id, client, for_seconds=for_seconds, give_up_after=give_up_after
        )
    )


def by(book: "Book", column: str) -> set[object]:
    return {getattr(row, column) for row in book.rows()}


def test_every_message_reaches_its_last_word(new_book: "NewBook", clock: "Clock") -> None:
    """With its price and carrier, as the gateway has them; nothing is asked after that."""
    book, client = sent(new_book, 40, clock, failing=NUMBERS[:7])
    book.track(client)
    assert book.counts() == {"delivered": 33, "failed": 7}
    for row in book.rows():
        details = asyncio.run(client.details(row.message_id or ""))
        assert (row.status, row.carrier) == (details.word, details.carrier)
        assert row.carrier == "Simulated Carrier EE"
        assert Decimal(row.price or 0) / 10**9 == details.price == Decimal("0.05")
        assert row.error is None
        assert 0 < (row.sent_at or 0) < (row.updated_at or 0)
    asked = client.simulator.details_requests
    book.track(client)
    assert client.simulator.details_requests == asked


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("delivered", "delivered"),
        ("DELIVERED", "delivered"),
        ("failed", "failed"),
        ("undelivered", "failed"),
        ("rejected", "failed"),
        ("Expired", "failed"),
        # not final: open until the time is over
        ("queued", "queued"),
        ("pending", "queued"),
        ("Added to queue", "queued"),
        ("submitted", "submitted"),
        ("sent", "submitted"),
        ("Buffered", "queued"),  # never seen
    ],
)
def test_a_word_is_one_status_and_kept_as_it_came(
    new_book: "NewBook", clock: "Clock", word: str, status: str
) -> None:
    """By the one table; a word never seen leaves the message open."""
    book, client = sent(
        new_book, 2, clock, submit_after=0, final_after=0, spread=0, words={"delivered": word}
    )
    book.track(client, for_seconds=60)
    assert by(book, "status") == {status}
    assert book.ask("SELECT DISTINCT word FROM attempt") == [(word,)]


def test_a_word_never_seen_leaves_the_message_where_it_was(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """A submitted message is not queued again by a word nobody knows."""
    book, client = sent(
        new_book,
        1,
        clock,
        submit_after=0,
        final_after=100,
        spread=0,
        words={"delivered": "Buffered"},
    )
    book.track(client, for_seconds=300)
    assert by(book, "status") == {"submitted"}
    assert book.ask("SELECT word FROM attempt") == [("Buffered",)]


def test_a_message_without_a_last_word_is_unconfirmed(new_book: "NewBook", clock: "Clock") -> None:
    """After three days, which pass at once here, and in fewer than a hundred questions."""
    book, client = sent(new_book, 1, clock, final_after=10**7)
    book.track(client, for_seconds=100 * HOUR)
    assert by(book, "status") == {"unconfirmed"}
    assert 72 * HOUR <= clock.passed <= 73 * HOUR
    assert 70 < client.simulator.details_requests < 100
    book.track(client, for_seconds=100 * HOUR)  # it is not asked about again
    assert clock.passed <= 73 * HOUR


def test_a_last_word_that_comes_late_still_counts(new_book: "NewBook", clock: "Clock") -> None:
    """Asked for the last time after the time is over, a message may still be delivered."""
    book, client = sent(new_book, 1, clock)
    clock.passed += 100 * HOUR
    book.track(client)
    assert by(book, "status") == {"delivered"}


def test_tracking_ends_at_its_time_and_goes_on_where_it_was(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """What is open stays open; the next call takes it up."""
    book, client = sent(new_book, 3, clock, submit_after=500, final_after=1000)
    book.track(client, for_seconds=600)
    assert book.counts() == {"submitted": 3}
    assert clock.passed == pytest.approx(600)
    book.track(client, for_seconds=0)
    assert clock.passed == pytest.approx(600)
    book.track(client, for_seconds=1000)
    assert book.counts() == {"delivered": 3}


def test_nothing_open_is_nothing_asked(new_book: "NewBook", clock: "Clock") -> None:
    """Planned and unknown rows are neither polled nor waited for."""
    book = new_book(NUMBERS[:3])
    client = Client.simulated(clock=clock, faults="close")
    book.send(client, limit=1)
    book.track(client)
    assert book.counts() == {"unknown": 1, "planned": 2}
    assert (client.simulator.details_requests, clock.passed) == (0, 0.0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "00000000-0000-8000-8000-000000000000",
        lambda message_id: message_id[:-1] + "g",
        lambda _: "x",
    ],
)
def test_an_id_the_api_does_not_know_stops_nobody_else(
    new_book: "NewBook", clock: "Clock", spoil: Callable[[str], str]
) -> None:
    """The others are delivered; this one says why it is open, and is unconfirmed at last."""
    book, client = sent(new_book, 20, clock)
    [(message_id,)] = book.ask("SELECT message_id FROM attempt WHERE id = 5")
    book.ask("UPDATE attempt SET message_id = ? WHERE id = 5", spoil(str(message_id)))
    book.track(client)
    assert book.counts() == {"delivered": 19, "queued": 1}
    error = (
        "SMSPM answered 'Message not found' (HTTP 404), which says nothing certain about the "
        "messages."
    )
    assert {(row.status, row.error) for row in book.rows()} == {
        ("delivered", None),
        ("queued", error),
    }
    book.track(client, for_seconds=80 * HOUR)
    assert {(row.status, row.error) for row in book.rows()} == {
        ("delivered", None),
        ("unconfirmed", error),
    }


def test_a_hostile_answer_stops_nobody(new_book: "NewBook", clock: "Clock") -> None:
    """A price no ledger can hold and half a surrogate pair are nothing, and the word counts."""
    book, _ = sent(new_book, 3, clock)
    answer = b'{"status": "delivered", "price": 1e30, "carrier": "Tel\\ud800ia"}'
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=answer))
    hostile = Client(
        *("h", "t"),
        base_url="https://x.test",
        transport=transport,
        clock=clock,
        requests_per_minute=None,
    )
    book.track(hostile)
    assert {(row.status, row.price, row.carrier) for row in book.rows()} == {
        ("delivered", None, "Tel?ia")
    }


def test_answers_that_cannot_be_read_leave_everything_open(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """They are asked for again, and the errors of that time are forgotten."""
    book, client = sent(new_book, 20, clock)
    book.track(Client.simulated(clock=clock, details_faults=Fault("null")), for_seconds=60)
    assert book.counts() == {"queued": 20}
    assert by(book, "error") == {"The API's reply (HTTP 200) is not the JSON it is known for."}
    book.track(client)
    assert book.counts() == {"delivered": 20}
    assert by(book, "error") == {None}


@pytest.mark.parametrize("seed", range(5))
def test_a_storm_delays_and_changes_nothing(new_book: "NewBook", clock: "Clock", seed: int) -> None:
    """Whatever questions meet, every message ends as the gateway has it."""
    kinds = [
        "429",
        "500",
        "502",
        "503",
        "302",
        "close",
        "reset",
        "malformed",
        "html",
        "null",
        "bom",
    ]
    book, client = sent(
        new_book, 40, clock, failing=NUMBERS[:7], details_faults=storm(seed, 0.4, kinds)
    )
    book.track(client, for_seconds=24 * HOUR)
    assert book.counts() == {"delivered": 33, "failed": 7}
    assert by(book, "error") == {None}


def test_a_429_holds_every_question(new_book: "NewBook", clock: "Clock") -> None:
    """Nobody asks before the time that was told."""
    asked: list[float] = []

    def limited(index: int, _numbers: object) -> Fault | None:
        asked.append(clock.passed)
        return Fault("429", retry_after=120) if index == 0 else None

    book, client = sent(new_book, 20, clock, details_faults=limited)
    book.track(client)
    assert book.counts() == {"delivered": 20}
    first = asked[0]
    assert len([at for at in asked if at < first + 120]) <= 8  # those under way already


def test_429_without_end_ends_with_the_time(new_book: "NewBook", clock: "Clock") -> None:
    """It is obeyed, in vain, and everything is still open for the next call."""
    book, client = sent(new_book, 20, clock, details_faults=Fault("429", retry_after=60))
    book.track(client, for_seconds=600)
    assert book.counts() == {"queued": 20}
    assert 1 <= client.simulator.details_requests <= 10 * MOST_LANES
    assert clock.passed == pytest.approx(600)


def test_a_dead_network_ends_the_tracking(new_book: "NewBook", clock: "Clock") -> None:
    """After bounded tries; everything is open as before."""
    book, client = sent(new_book, 3, clock)
    with running(Simulator()) as url:
        pass
    dead = Client("h", "t", base_url=url, requests_per_minute=None, clock=clock)
    with pytest.raises(NeverLeft):
        book.track(dead)
    assert clock.passed <= 2 + 2 * sum(2**n for n in range(MOST_NOT_TAKEN - 1))
    assert book.counts() == {"queued": 3}
    book.track(client)
    assert book.counts() == {"delivered": 3}


def test_a_refused_account_ends_the_tracking_at_once(new_book: "NewBook", clock: "Clock") -> None:
    """The first question is asked alone, so that it is the only one."""
    book, _ = sent(new_book, 40, clock)
    simulator = Simulator(clock=clock.now)
    with running(simulator) as url:
        refused = Client("another", "t", base_url=url, requests_per_minute=None, clock=clock)
        with pytest.raises(AccountRefused):
            book.track(refused)
    assert simulator.details_requests == 1
    assert book.counts() == {"queued": 40}


class Asleep:
    """A clock by which nobody who sleeps wakes up."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self.is_slept = threading.Event()

    def now(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.is_slept.set()
        await asyncio.Event().wait()


def test_a_stop_ends_the_waiting(new_book: "NewBook", clock: "Clock") -> None:
    """What is open stays open."""
    book, _ = sent(new_book, 3, clock)
    asleep = Asleep(clock)
    run = tracking(book, Client.simulated(clock=asleep))
    assert asleep.is_slept.wait(60)
    run.stop()
    assert run.wait(60)
    assert book.counts() == {"queued": 3}


def test_callbacks_end_the_waiting(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another program has written is seen; the prices are asked for, and that is all."""
    monkeypatch.setattr(duty, "_LOOK_EVERY", 0.01)
    book, _ = sent(new_book, 3, clock)
    asleep = Asleep(clock)
    client = Client.simulated(clock=asleep, submit_after=0, final_after=0, spread=0)
    run = tracking(book, client)
    assert asleep.is_slept.wait(60)
    told = [callbacks.Callback("delivered", row.message_id) for row in book.rows()]
    with book.open() as ledger:
        callbacks.take(ledger, told, at=micros(clock))
    assert run.wait(60)
    assert book.counts() == {"delivered": 3}
    assert None not in by(book, "price")
    assert client.simulator.details_requests == 3


def test_an_api_that_is_down_gives_up_on_nobody(new_book: "NewBook", clock: "Clock") -> None:
    """Without an answer a message is not unconfirmed, however old it is; a later one counts."""
    book, client = sent(new_book, 20, clock)
    down = Client.simulated(clock=clock, details_faults="503")
    book.track(down, for_seconds=100 * HOUR, give_up_after=HOUR)
    assert book.counts() == {"queued": 20}
    book.track(client, for_seconds=100 * HOUR, give_up_after=1000 * HOUR)
    assert book.counts() == {"delivered": 20}


def test_who_was_given_up_early_is_asked_again(new_book: "NewBook", clock: "Clock") -> None:
    """A later tracking with more patience asks once more about what an earlier one gave up."""
    book, client = sent(new_book, 5, clock, submit_after=1, final_after=7200)
    book.track(client, give_up_after=1)
    assert book.counts() == {"unconfirmed": 5}
    clock.passed += 3 * HOUR
    asked = client.simulator.details_requests
    book.track(client, give_up_after=2 * HOUR)  # older than that: no more
    assert client.simulator.details_requests == asked
    book.track(client, give_up_after=72 * HOUR)
    assert book.counts() == {"delivered": 5}


# --- what may go on meanwhile -------------------------------------------------------------------


def test_it_waits_for_a_running_send(new_book: "NewBook", clock: "Clock") -> None:
    """Begun when nothing was accepted yet, it ends when all that was sent has its last word."""
    book = new_book([(number, f"Hi {number}") for number in NUMBERS])
    runs: list[Run] = []

    def track_first(index: int, _numbers: object) -> None:
        if index == 0:
            assert book.counts() == {"sending": 1, "planned": 39}
            runs.append(tracking(book, client, for_seconds=1000 * HOUR))

    client = Client.simulated(clock=clock, faults=track_first)
    book.send(client)
    assert runs[0].wait(60)
    assert book.counts() == {"delivered": 40}


def test_it_ends_with_a_send_that_dies(new_book: "NewBook", clock: "Clock") -> None:
    """Whoever sends is looked after every second; what it left in flight is unknown then."""
    book = new_book(NUMBERS[:2])
    with book.open() as ledger:
        ledger.execute(
            "INSERT INTO owner (id, started_at, campaign_id) VALUES ('sender', 0, ?)", (book.id,)
        )
        ledger.execute(
            "INSERT INTO request (id, campaign_id, owner_id, claimed_at) "
            "VALUES ('r', ?, 'sender', 0)",
            (book.id,),
        )
        ledger.execute(
            "INSERT INTO attempt (recipient_id, request_id, status, updated_at) "
            "VALUES (1, 'r', 'sending', 0)"
        )
        ledger.execute("UPDATE recipient SET status = 'sending' WHERE id = 1")
        path, lock = locks.lock_of(ledger.path, "sender")
    path.parent.mkdir(exist_ok=True)
    lock.acquire()

    def die(_seconds: float) -> None:
        if clock.passed >= 30:
            lock.release()

    book.track(Client.simulated(clock=Watched(clock, die)))
    assert book.counts() == {"unknown": 1, "planned": 1}
    assert 30 <= clock.passed < 35


def test_what_a_send_records_last_is_tracked(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be recorded, and the send end, just after a lane looked: another lane looks again."""
    book, client = sent(new_book, 1, clock)
    with book.open() as ledger:
        ledger.execute("UPDATE attempt SET due_at = NULL")
        ledger.execute(
            "INSERT INTO owner (id, started_at, campaign_id) VALUES ('sender', 0, ?)", (book.id,)
        )
    _, lock = locks.lock_of(book.path, "sender")
    look = read.next_due

    def look_and_miss(ledger: Ledger, campaign_id: int, *, after: int) -> int | None:
        found = look(ledger, campaign_id, after=after)
        ledger.execute("UPDATE attempt SET due_at = ? WHERE status = 'queued'", (after,))
        ledger.execute("UPDATE owner SET ended_at = 0 WHERE id = 'sender'")
        return found

    monkeypatch.setattr(read, "next_due", look_and_miss)
    with lock:
        book.track(client)
    assert book.counts() == {"delivered": 1}


def test_a_slow_answer_holds_up_nobody_else(new_book: "NewBook", clock: "Clock") -> None:
    """While one question waits, the others are answered, and that is recorded."""
    book, _ = sent(new_book, 20, clock)
    clock.passed += 60
    asked: Counter[str] = Counter()
    recorded: list[Counter[str]] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked[request.content.decode()] += 1
        if asked.total() == 5:
            for _ in range(4000):  # until the others are recorded: the test fails when never
                if book.counts()["delivered"] == 19:
                    break
                await asyncio.sleep(0.005)
            recorded.append(book.counts())
        return httpx.Response(200, json={"status": "delivered", "price": 0.05, "carrier": "Telia"})

    client = Client(
        *("h", "t"),
        base_url="https://x.test",
        transport=httpx.MockTransport(answer),
        clock=clock,
        requests_per_minute=None,
    )
    book.track(client)
    assert recorded == [Counter(delivered=19, queued=1)]
    assert {*asked.values()} == {1}
    assert book.counts() == {"delivered": 20}


def test_who_waits_for_an_answer_hears_that_there_was_none(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """A 429 for the only open message, while the other lanes wait for it: it is asked again."""
    book, client = sent(
        new_book,
        1,
        clock,
        details_faults=["429", "429", "429"],
        latency=0.1,  # seconds of the machine, so that the others wait already
    )
    book.track(client)
    assert book.counts() == {"delivered": 1}
    assert client.simulator.details_requests == 4


# --- a network that comes and goes --------------------------------------------------------------


def test_a_network_that_dies_is_outlived(new_book: "NewBook", clock: "Clock") -> None:
    """The gateway is gone for minutes; then it answers at its old address, and all goes on."""
    behaviour: dict[str, Any] = {"submit_after": 500, "final_after": 1000}
    book, _ = sent(new_book, 20, clock, **behaviour)
    simulators = [Simulator(clock=clock.now, **behaviour) for _ in range(2)]
    with ExitStack() as up:
        url = up.enter_context(running(simulators[0]))
        port = int(url.rpartition(":")[2])

        def come_and_go(_seconds: float) -> None:
            if 10 < clock.passed < 600:
                up.close()
            elif clock.passed >= 600 and simulators[1:]:
                up.enter_context(running(simulators.pop(), port=port))

        client = Client(
            *("simulated-hash", "simulated-token"),
            base_url=url,
            requests_per_minute=None,
            clock=Watched(clock, come_and_go),
        )
        book.track(client)
    assert simulators[0].details_requests > 0
    assert simulators[1:] == []
    assert book.counts() == {"delivered": 20}
    assert by(book, "error") == {None}


def test_a_network_that_is_dead_in_the_end_is_an_error(new_book: "NewBook", clock: "Clock") -> None:
    """Of the whole time that there was: the gateway may have come back at any moment."""
    behaviour: dict[str, Any] = {"submit_after": 500, "final_after": 10_000}
    book, _ = sent(new_book, 3, clock, **behaviour)
    with ExitStack() as up:
        url = up.enter_context(running(Simulator(clock=clock.now, **behaviour)))

        def go(_seconds: float) -> None:
            if clock.passed > 700:
                up.close()

        client = Client(
            *("simulated-hash", "simulated-token"),
            base_url=url,
            requests_per_minute=None,
            clock=Watched(clock, go),
        )
        with pytest.raises(NeverLeft):
            book.track(client, for_seconds=HOUR)
    assert clock.passed == pytest.approx(HOUR)
    assert book.counts() == {"submitted": 3}


def test_a_retry_after_beyond_the_time_holds_nobody_longer(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """The tracking ends at its own time, and what is open is left to the next one."""
    book, client = sent(new_book, 20, clock, details_faults=Fault("429", retry_after=10_000))
    book.track(client, for_seconds=200)
    assert clock.passed == pytest.approx(200)
    assert book.counts() == {"queued": 20}
    assert client.simulator.details_requests == 1


def test_after_an_answer_the_next_429_is_a_first_one(new_book: "NewBook", clock: "Clock") -> None:
    """Waits double from one to the next, and begin anew: three days of them hold nobody up."""
    asked: list[float] = []

    def limited(index: int, _numbers: object) -> Fault | None:
        asked.append(clock.passed)
        return Fault("429") if index % 2 else None

    book, client = sent(new_book, 1, clock, final_after=10**7, details_faults=limited)
    book.track(client, for_seconds=100 * HOUR)
    assert book.counts() == {"unconfirmed": 1}
    waits = [again - at for at, again in zip(asked[1::2], asked[2::2], strict=False)]
    assert len(waits) > 70
    assert max(waits) < 3.5


def test_many_429s_at_once_are_one(new_book: "NewBook", clock: "Clock") -> None:
    """Each lane had one in its first row: nobody waits as if they came one after the other."""
    faults = dict.fromkeys(range(1, 21), "429")
    book, client = sent(new_book, 20, clock, details_faults=faults, latency=0.05)
    clock.passed = 60
    book.track(client)
    assert book.counts() == {"delivered": 20}
    assert clock.passed < 120


def test_a_pause_begins_no_further_question(new_book: "NewBook", clock: "Clock") -> None:
    """Not even one that had only its turn to wait for."""
    halted: list[bool] = []
    runs: list[Run] = []

    def limited(index: int, _numbers: object) -> Fault | None:
        halted.append(not runs[0]._may_go_on.is_set())
        return Fault("429") if index == 0 else None

    def pause(_seconds: float) -> None:
        if len(halted) == 1:  # it waits after the 429
            runs[0].halt()
            asyncio.get_running_loop().call_later(0.2, runs[0].go_on)

    book, _ = sent(new_book, 20, clock)
    client = Client.simulated(clock=Watched(clock, pause), details_faults=limited)
    runs.append(tracking(book, client))
    assert runs[0].wait(60)
    assert book.counts() == {"delivered": 20}
    assert set(halted) == {False}


def test_a_message_without_an_id_is_given_up_unasked(new_book: "NewBook", clock: "Clock") -> None:
    """A person said that it was sent, and no callback came for three days."""
    book = new_book(NUMBERS[:1])
    client = Client.simulated(clock=clock, faults="close")
    book.send(client)
    with book.open() as ledger:
        resolve.resolve(ledger, book.id, "sent", [0], at=micros(clock))
    book.track(client)
    assert book.counts() == {"submitted": 1}
    clock.passed += 73 * HOUR
    book.track(client)
    assert book.counts() == {"unconfirmed": 1}
    assert client.simulator.details_requests == 0


def test_only_a_last_word_is_progress(new_book: "NewBook", clock: "Clock") -> None:
    """The price of a message that is delivered already is asked for, and is none."""
    book, client = sent(new_book, 3, clock)
    told = [callbacks.Callback("delivered", message_id) for message_id in book.ids()][:1]
    with book.open() as ledger:
        callbacks.take(ledger, told, at=1_750_000_000_000_000)
    book.track(client)
    assert by(book, "price") == {50_000_000}
    assert book.ask("SELECT done, ending FROM owner WHERE kind = 'track'") == [(2, "finished")]


# --- what is written ----------------------------------------------------------------------------


@pytest.mark.parametrize("for_seconds", [HOUR, 0.3])
def test_answers_are_kept_while_the_ledger_is_locked(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch, for_seconds: float
) -> None:
    """Another program writes for a while: all that was answered is written, after its time too."""
    book, _ = sent(new_book, 20, clock)
    clock.passed += 60
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT", 0.05)
    with closing(sqlite3.connect(book.path, check_same_thread=False)) as another:

        def hold(index: int, _numbers: object) -> None:
            if index == 0:
                another.execute("BEGIN IMMEDIATE")

        waits: list[float] = []

        def let_go(seconds: float) -> None:
            waits.append(seconds)
            if waits[-2:] == [0.1, 0.5]:  # it could not be written twice
                another.rollback()

        client = Client.simulated(clock=Watched(clock, let_go), details_faults=hold)
        book.track(client, for_seconds=for_seconds)
    assert waits[:2] == [0.1, 0.5]
    asked = client.simulator.details_requests
    assert asked == 20 or for_seconds < 1
    assert book.counts() == Counter(delivered=asked) + Counter(queued=20 - asked)


def test_a_ledger_that_stays_locked_ends_the_tracking(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the error, after a minute or two; what was answered is asked again by the next one."""
    book, client = sent(new_book, 20, clock)
    clock.passed += 60
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT", 0.01)
    began = clock.passed
    with closing(sqlite3.connect(book.path, check_same_thread=False)) as another:

        def hold(index: int, _numbers: object) -> None:
            if index == 0:
                another.execute("BEGIN IMMEDIATE")

        locked = Client.simulated(clock=clock, details_faults=hold)
        with pytest.raises(LedgerError, match="held by another program"):
            book.track(locked)
        assert 57 < clock.passed - began < 116  # for the first answer, and those after it
    assert book.counts() == {"queued": 20}
    book.track(client)
    assert book.counts() == {"delivered": 20}


def test_two_trackers_at_once_agree(new_book: "NewBook", clock: "Clock") -> None:
    """Each asks what is due; whoever is second changes nothing, and the history has it once."""
    book, client = sent(new_book, 40, clock, failing=NUMBERS[:7])
    runs = [tracking(book, client), tracking(book, client)]
    assert [run.wait(60) for run in runs] == [True, True]
    assert book.counts() == {"delivered": 33, "failed": 7}
    assert by(book, "price") == {50_000_000}
    with book.open() as ledger:
        told = Counter(
            (change.position, change.status) for change in looking.history(ledger, book.id)
        )
    assert {*told.values()} == {1}
    asked = client.simulator.details_requests
    book.track(client)
    assert client.simulator.details_requests == asked
