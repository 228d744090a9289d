from typing import TYPE_CHECKING, Any, NamedTuple

import looking
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.delivery.ledger import Ledger, locks, owners, read, record
from smspm_campaigns.delivery.ledger.claim import Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.vocabulary import Status

if TYPE_CHECKING:
    from conftest import Book, NewBook

NUMBERS = [str(37250000000 + step) for step in range(10)]

# What the design says, once more and in Python: planned -> sending -> queued | refused | unknown
# -> submitted -> delivered | failed | unconfirmed. A later stage replaces an earlier one.
STAGES = (
    {"sending"},
    {"unknown"},
    {"not_taken"},
    {"queued"},
    {"submitted"},
    {"unconfirmed"},
    {"refused", "failed", "delivered"},
)
FINAL = STAGES[-1]
# What is known to have reached the API, so that a proof of the contrary contradicts it.
TAKEN = {"queued", "submitted", "unconfirmed", "delivered", "failed"}
# Which of several attempts speaks for the row; who was not taken, never does.
PREVAILING = (
    *("delivered", "submitted", "queued", "unconfirmed", "failed", "sending", "unknown"),
    "refused",
)
STATUSES = [status for stage in STAGES[1:] for status in sorted(stage)]


def stage(status: str) -> int:
    return next(place for place, found in enumerate(STAGES) if status in found)


def row_status(attempts: list[str]) -> str:
    return next((status for status in PREVAILING if status in attempts), "planned")


class Kept(NamedTuple):
    status: str
    message_id: str | None
    word: str | None
    error: str | None
    price: int | None
    carrier: str | None
    sent_at: int | None
    updated_at: int
    due_at: int | None


def kept(book: "Book", attempt: int = 1) -> Kept:
    [found] = book.ask(
        "SELECT status, message_id, word, error, price, carrier, sent_at, updated_at, due_at "
        "FROM attempt WHERE id = ?",
        attempt,
    )
    return Kept(*found)  # type: ignore[arg-type]


def history(book: "Book") -> list[tuple[object, ...]]:
    return book.ask("SELECT attempt_id, at, status, evidence FROM change ORDER BY id, attempt_id")


def claimed(book: "Book") -> str:
    """Claim everything in one request whose owner goes on without an end; return its id."""
    with book.open() as ledger:
        ledger.execute("INSERT OR IGNORE INTO owner (id, started_at) VALUES ('me', 0)")
        made = book.claim(ledger, Order(book.id, owners.Owner("me"), "simulated", None), at=0)
        assert made is not None
        return made.request_id


def note(book: "Book", *evidence: Evidence, at: int = 1) -> None:
    with book.open() as ledger:
        for proof in evidence:
            record.record(ledger, [proof], "poll", at=at)


def close(book: "Book", request_id: str, *evidence: Evidence, at: int = 5) -> None:
    with book.open() as ledger:
        book.close(ledger, request_id, evidence, reply="{}", at=at)


def test_a_reply_is_recorded_whole(new_book: "NewBook") -> None:
    """What it proves for each row, the reply, and when; in one transaction."""
    book = new_book(NUMBERS[:3])
    request = claimed(book)
    unproven = "the reply has no element for this number"
    with book.open() as ledger:
        book.close(
            ledger,
            request,
            [
                Evidence(1, "queued", "id-1", "Added to queue", due_at=7),
                Evidence(2, "refused", word="Rejected", error="No route"),
                Evidence(3, "unknown", error=unproven),
            ],
            reply="{…}",
            error=None,
            at=5,
        )
    assert book.ask("SELECT id, answered_at, reply, error FROM request") == [
        (request, 5, "{…}", None)
    ]
    assert [kept(book, attempt) for attempt in (1, 2, 3)] == [
        Kept("queued", "id-1", "Added to queue", None, None, None, 5, 5, 7),
        Kept("refused", None, "Rejected", "No route", None, None, None, 5, None),
        Kept("unknown", None, None, unproven, None, None, None, 5, None),
    ]
    assert [(row.status, row.message_id, row.error, row.sent_at) for row in book.rows()] == [
        ("queued", "id-1", None, 5),
        ("refused", None, "No route", None),
        ("unknown", None, unproven, None),
    ]
    assert history(book)[3:] == [
        (1, 5, "queued", "reply"),
        (2, 5, "refused", "reply"),
        (3, 5, "unknown", "reply"),
    ]


@pytest.mark.parametrize("old", ["sending", *STATUSES])
@pytest.mark.parametrize("new", STATUSES)
def test_an_attempt_only_moves_forward(new_book: "NewBook", old: str, new: str) -> None:
    """To a later stage, never back or sideways; finals stay, and contradictions are history."""
    book = new_book(NUMBERS[:1])
    claimed(book)
    if old != "sending":
        note(book, Evidence(1, old, word="old", error="old"), at=1)
    before = history(book)
    note(book, Evidence(1, new, word="new", error="new"), at=2)
    forward = stage(new) > stage(old)
    expected = new if forward else old
    is_heard = forward or (old == new and old not in FINAL)
    assert kept(book)._replace(sent_at=None) == Kept(
        status=expected,
        message_id=None,
        word="new" if is_heard else (None if old == "sending" else "old"),
        error="new" if is_heard else (None if old == "sending" else "old"),
        price=None,
        carrier=None,
        sent_at=None,
        updated_at=2 if forward else (0 if old == "sending" else 1),
        due_at=None,
    )
    two_last_words = old in FINAL and new in FINAL and old != new
    contradicts = two_last_words or (old in TAKEN and new == "not_taken")
    assert history(book) == [*before, *([(1, 2, new, "poll")] if forward or contradicts else [])]
    assert book.statuses() == {NUMBERS[0]: row_status([expected])}
    assert book.ask("SELECT taken FROM campaign") == [(int(expected in TAKEN | {"unknown"}),)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.just(0), st.just("")),
        st.tuples(st.just("tell"), st.integers(0, 9), st.sampled_from(STATUSES)),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
def test_rows_follow_their_attempts_whatever_is_told_in_whatever_order(
    new_book: "NewBook", steps: list[tuple[str, int, str]]
) -> None:
    """The ledger and a plain model in Python agree after every step; nothing ever moves back."""
    book = new_book(NUMBERS[:3])
    attempts: list[tuple[str, str]] = []  # number, status
    with book.open() as ledger:
        ledger.execute("INSERT INTO owner (id, started_at) VALUES ('me', 0)")
        for at, (what, which, status) in enumerate(steps):
            if what == "claim":
                made = book.claim(
                    ledger, Order(book.id, owners.Owner("me"), "simulated", None), at=at
                )
                attempts += [(number, "sending") for number in (made.numbers if made else [])]
            elif which < len(attempts):
                record.record(ledger, [Evidence(which + 1, status)], "poll", at=at)
                number, old = attempts[which]
                if stage(status) > stage(old):
                    attempts[which] = (number, status)
            _check_against_the_model(ledger, book.id, attempts)


def _check_against_the_model(
    ledger: Ledger, campaign_id: int, attempts: list[tuple[str, str]]
) -> None:
    found = ledger.execute("SELECT status FROM attempt ORDER BY id").fetchall()
    assert [status for (status,) in found] == [status for _, status in attempts]
    rows = {row.number: row.status for row in looking.rows(ledger, campaign_id)}
    assert rows == {
        number: row_status([status for whose, status in attempts if whose == number])
        for number in NUMBERS[:3]
    }
    counts = read.count_by_status(ledger, campaign_id)
    assert sum(counts.values()) == 3
    assert set(counts) <= {str(status) for status in Status}


def test_what_was_not_taken_is_planned_again_with_its_reason(new_book: "NewBook") -> None:
    """The row waits for its next request, and says why the last one was nothing."""
    book = new_book(NUMBERS[:1])
    close(book, claimed(book), Evidence(1, "not_taken", error="No connection"))
    assert [(row.status, row.error) for row in book.rows()] == [("planned", "No connection")]
    assert claimed(book)
    assert book.statuses() == {NUMBERS[0]: "sending"}


def test_a_late_reply_counts_after_the_owner_was_declared_dead(new_book: "NewBook") -> None:
    """It is evidence for its own request, and what was thought meanwhile is forgotten."""
    book = new_book(NUMBERS[:3])
    request = claimed(book)
    with book.open() as ledger:
        [(owner,)] = ledger.all("SELECT id FROM owner")
        path, _ = locks.lock_of(ledger.path, owner)
        path.parent.mkdir()
        path.touch()  # it is dead: its lock is there, and free
        owners.bury_the_dead(ledger, at=3)
    assert book.counts() == {"unknown": 3}
    assert {row.error for row in book.rows()} == {
        "the program stopped before the reply was recorded"
    }
    close(
        book,
        request,
        Evidence(1, "queued", "id-1", "Added to queue", due_at=9),
        Evidence(2, "refused", error="No route"),
        Evidence(3, "not_taken", error="429"),
    )
    assert [(row.status, row.message_id, row.error) for row in book.rows()] == [
        ("queued", "id-1", None),
        ("refused", None, "No route"),
        ("planned", None, "429"),
    ]
    assert kept(book).due_at == 9


def test_a_late_reply_counts_after_its_row_was_claimed_again(new_book: "NewBook") -> None:
    """Somebody erred and said it was not sent: now two messages may be taken."""
    book = new_book(NUMBERS[:1])
    first = claimed(book)
    note(book, Evidence(1, "not_taken", error="a person said so"))
    claimed(book)
    assert book.ask("SELECT taken FROM campaign") == [(1,)]
    close(book, first, Evidence(1, "queued", "id-1", "Added to queue", due_at=9))
    assert book.ask("SELECT taken, taken_cost FROM campaign") == [(2, 100_000_000)]
    assert book.ask("SELECT status FROM attempt ORDER BY id") == [("queued",), ("sending",)]
    assert book.statuses() == {NUMBERS[0]: "queued"}


def test_an_id_that_another_message_has_proves_nothing(new_book: "NewBook") -> None:
    """The second claim to it is unknown, in the same reply or a later one."""
    book = new_book([NUMBERS[0], NUMBERS[0]])
    first, second = claimed(book), claimed(book)
    close(book, first, Evidence(1, "queued", "id-1", "Added to queue", due_at=9))
    close(book, second, Evidence(2, "queued", "id-1", "Added to queue", due_at=9), at=6)
    told = "the reply has the id of another message"
    assert [kept(book, attempt) for attempt in (1, 2)] == [
        Kept("queued", "id-1", "Added to queue", None, None, None, 5, 5, 9),
        Kept("unknown", None, "Added to queue", told, None, None, None, 6, None),
    ]


def test_recording_a_reply_twice_changes_nothing(new_book: "NewBook") -> None:
    """A commit that was reported as failed may have been one."""
    book = new_book(NUMBERS[:1])
    request = claimed(book)
    proof = Evidence(1, "queued", "id-1", "Added to queue", due_at=9)
    close(book, request, proof)
    once = (kept(book), history(book), book.rows())
    close(book, request, proof)
    assert (kept(book), history(book), book.rows()) == once


# --- what is told beside the status -------------------------------------------------------------


def accepted(new_book: "NewBook") -> "Book":
    book = new_book(NUMBERS[:1])
    close(book, claimed(book), Evidence(1, "queued", "id-1", "Added to queue", due_at=9))
    return book


def test_price_and_carrier_are_kept_whenever_they_come(new_book: "NewBook") -> None:
    """Also with news that is old, and never lost to a later silence."""
    book = accepted(new_book)
    note(book, Evidence(1, "delivered", word="delivered"))
    note(book, Evidence(1, "submitted", word="submitted", price=45, carrier="Telia"))
    note(book, Evidence(1, "delivered", word="delivered"))
    assert kept(book) == Kept("delivered", "id-1", "delivered", None, 45, "Telia", 5, 1, None)


def test_the_word_and_the_error_are_those_of_the_status(new_book: "NewBook") -> None:
    """An error of the moment is gone with the next word, and old news changes neither."""
    book = accepted(new_book)
    note(book, Evidence(1, "queued", error="HTTP 503", due_at=20), at=10)
    assert kept(book) == Kept("queued", "id-1", "Added to queue", "HTTP 503", None, None, 5, 5, 20)
    note(book, Evidence(1, "queued", word="queued", due_at=30), at=20)
    assert kept(book) == Kept("queued", "id-1", "queued", None, None, None, 5, 5, 30)
    note(book, Evidence(1, "queued", error="HTTP 503", due_at=40), at=30)
    note(book, Evidence(1, "delivered", word="delivered", price=50), at=40)
    note(book, Evidence(1, "queued", word="queued", error="HTTP 503", due_at=60), at=50)
    assert kept(book) == Kept("delivered", "id-1", "delivered", None, 50, None, 5, 40, None)


@pytest.mark.parametrize("status", ["delivered", "failed", "unconfirmed"])
def test_what_has_ended_is_never_due_again(new_book: "NewBook", status: str) -> None:
    """Not even when an older question is answered after the last word."""
    book = accepted(new_book)
    note(book, Evidence(1, status, price=50))
    note(book, Evidence(1, "submitted", due_at=99))
    with book.open() as ledger:
        assert read.next_due(ledger, book.id, after=0) is None
        assert read.due(ledger, book.id, most=9, at=10**18) == []


@pytest.mark.parametrize("status", ["unknown", "not_taken", "refused"])
def test_what_was_not_accepted_is_never_due(new_book: "NewBook", status: str) -> None:
    """Not even when the reply gave it an id, and whoever recorded it a date."""
    book = new_book(NUMBERS[:1])
    close(book, claimed(book), Evidence(1, status, "id-1", due_at=9))
    assert (kept(book).status, kept(book).message_id, kept(book).due_at) == (status, "id-1", None)


def test_a_last_word_without_a_price_is_asked_about_once_more(new_book: "NewBook") -> None:
    """Five seconds later; a second one without a price ends the asking, and so does a price."""
    book = accepted(new_book)
    note(book, Evidence(1, "delivered", due_at=99), at=10)
    assert kept(book).due_at == 5_000_010
    note(book, Evidence(1, "delivered", due_at=99), at=20)
    assert (kept(book).price, kept(book).due_at) == (None, None)
    other = accepted(new_book)
    note(other, Evidence(1, "submitted", price=50, due_at=99), at=10)
    assert kept(other).due_at == 99
    with other.open() as ledger:  # a callback has the last word, and the price is there
        record.record(ledger, [Evidence(1, "delivered")], "callback", at=30)
    assert (kept(other).status, kept(other).due_at) == ("delivered", None)


def test_what_is_open_stays_due(new_book: "NewBook") -> None:
    """Evidence that says nothing of the next question does not end the asking."""
    book = accepted(new_book)
    note(book, Evidence(1, "unknown", error="lost"))
    assert kept(book).due_at == 9
    note(book, Evidence(1, "submitted"))
    assert (kept(book).status, kept(book).due_at) == ("submitted", 9)
    with book.open() as ledger:
        assert read.next_due(ledger, book.id, after=0) == 9
        assert read.due(ledger, book.id, most=9, at=8) == []
        assert read.due(ledger, book.id, most=9, at=9) == [read.Due(1, "id-1", "submitted", 5, 9)]


def test_the_longest_due_is_asked_about_first(new_book: "NewBook") -> None:
    """So many at most, of this campaign alone."""
    book = new_book(NUMBERS[:3])
    request = claimed(book)
    due_at: tuple[Any, ...] = (30, 10, 20)
    close(
        book,
        request,
        *(Evidence(n + 1, "queued", f"id-{n}", due_at=at) for n, at in enumerate(due_at)),
    )
    other = book.add("other", [])
    with book.open() as ledger:
        assert [due.due_at for due in read.due(ledger, book.id, most=2, at=99)] == [10, 20]
        assert read.next_due(ledger, book.id, after=0) == 10
        assert read.next_due(ledger, book.id, after=10) == 20
        assert read.due(ledger, other, most=2, at=99) == []
        assert read.next_due(ledger, other, after=0) is None


#: Which of two attempts speaks for their row, by the statuses of the first and the second.
SPEAKS = {
    ("unknown", "queued"): 2,  # accepted outweighs unknown,
    ("queued", "unknown"): 1,  # whichever came first
    ("unknown", "refused"): 1,  # it may have been sent, though a later try was refused
    ("refused", "unknown"): 2,
    ("failed", "queued"): 2,  # there is hope
    ("queued", "failed"): 1,
    ("delivered", "failed"): 1,  # it is on the phone
    ("failed", "delivered"): 2,
    ("delivered", "submitted"): 1,
    ("not_taken", "refused"): 2,
    ("refused", "not_taken"): 1,
    ("unknown", "not_taken"): 1,
    ("queued", "queued"): 2,  # equals: the later one
}


@pytest.mark.parametrize("pair", SPEAKS)
def test_of_two_attempts_the_weightier_speaks_for_the_row(
    new_book: "NewBook", pair: tuple[str, str]
) -> None:
    """Status, id, price and error of a row are those of one and the same attempt."""
    book = new_book(NUMBERS[:1])
    with book.open() as ledger:
        ledger.execute("INSERT INTO owner (id, started_at) VALUES ('me', 0)")
        for number in (1, 2):
            request = f"request {number}"
            ledger.execute(
                "INSERT INTO request (id, campaign_id, owner_id, claimed_at) "
                "VALUES (?, ?, 'me', 0)",
                (request, book.id),
            )
            ledger.execute(
                "INSERT INTO attempt (recipient_id, request_id, status, updated_at) "
                "VALUES (1, ?, 'sending', 0)",
                (request,),
            )
        for number, status in enumerate(pair, start=1):
            proof = Evidence(number, status, f"id {number}", None, f"error {number}", number)
            record.record(ledger, [proof], "reply", at=number)
    (row,) = book.rows()
    speaker = SPEAKS[pair]
    assert (row.status, row.message_id, row.error, row.price) == (
        pair[speaker - 1],
        f"id {speaker}",
        f"error {speaker}",
        speaker,
    )


def test_a_later_proof_never_replaces_the_id_of_a_message(new_book: "NewBook") -> None:
    """The id that was accepted first is the one that is asked about."""
    book = new_book(NUMBERS[:1])
    claimed(book)
    note(book, Evidence(1, "queued", "first"), Evidence(1, "submitted", "second"))
    assert [row.message_id for row in book.rows()] == ["first"]


def test_what_is_due_later_than_ever_is_due_at_once(new_book: "NewBook") -> None:
    """The clock was ahead when it was sent: a tracker would wait for that time to come."""
    book = new_book(NUMBERS[:2])
    request = claimed(book)
    hour = 3_600_000_000
    proofs = [Evidence(n, "queued", f"id-{n}", due_at=7 + hour + n - 1) for n in (1, 2)]
    close(book, request, *proofs)
    with book.open() as ledger:
        record.ask_again(ledger, book.id, sent_after=0, at=7)
    assert book.ask("SELECT due_at FROM attempt ORDER BY id") == [(7 + hour,), (7,)]
