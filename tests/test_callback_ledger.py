"""What callbacks make of the ledger: late, doubled, before the reply, in any order."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.delivery.ledger import Ledger, callbacks, claim, owners, read, record, resolve
from smspm_campaigns.delivery.ledger.callbacks import Callback
from smspm_campaigns.delivery.ledger.claim import Claim, Claimer, Order
from smspm_campaigns.delivery.ledger.evidence import FIRST_POLL, Evidence, said
from smspm_campaigns.delivery.ledger.record import Answered
from smspm_campaigns.delivery.ledger.resolve import Mark
from smspm_campaigns.delivery.ledger.rounds import keep
from smspm_campaigns.exceptions import NeverLeft
from smspm_campaigns.vocabulary import VENDOR_STATUS

if TYPE_CHECKING:
    from conftest import Book, NewBook

NUMBERS = [str(37250000000 + step) for step in range(10)]
PRICE = 50_000_000  # of each row, see conftest

#: A request to three, and two to one number each: attempts 1 to 5.
ROWS = [*((number, "Hi") for number in NUMBERS[:3]), (NUMBERS[3], "Ho"), (NUMBERS[4], "Hu")]


class Sent(NamedTuple):
    """A campaign whose requests are under way."""

    book: "Book"
    order: Order
    claims: list[Claim]

    @property
    def many(self) -> str:
        """The reference of the request to three numbers."""
        return self.claims[0].request_id

    @property
    def one(self) -> str:
        """That of a request to the number of attempt 4."""
        return self.claims[1].request_id

    def reply(self, *proofs: Evidence, at: int = 10) -> None:
        """Record what the replies prove, in one round, as a sender does."""
        answered = [
            Answered(made.request_id, made.recipients, found, reply="", error=None)
            for made in self.claims
            if (found := [proof for proof in proofs if proof[0] in made.attempts.values()])
        ]
        with self.book.open() as ledger:
            keep(ledger, Claimer(self.order), answered, most=0, most_rows=0, at=at)

    def accept(self, *attempts: int, at: int = 10) -> None:
        self.reply(*map(accepted, attempts or (1, 2, 3, 4, 5)), at=at)

    def take(self, *told: Callback, at: int = 20) -> int:
        with self.book.open() as ledger:
            return callbacks.take(ledger, told, at=at)

    def poll(self, *proofs: Evidence, at: int = 30) -> None:
        with self.book.open() as ledger:
            record.record(ledger, proofs, "poll", at=at)

    def claim_again(self, at: int = 15) -> Claim | None:
        with self.book.open() as ledger:
            return self.book.claim(ledger, self.order, at=at)

    def say(self, action: str, at: int = 15) -> None:
        """Let the program end, and a person say what became of all that is unknown."""
        with self.book.open() as ledger:
            ledger.execute("UPDATE owner SET ended_at = 1")
            resolve.resolve(ledger, self.book.id, action, range(len(ROWS)), at=at)
            ledger.execute("UPDATE owner SET ended_at = NULL")

    def statuses(self) -> list[str]:
        return [row.status for row in self.book.rows()]

    def attempts(self, column: str) -> list[object]:
        found = self.book.ask(f"SELECT {column} FROM attempt ORDER BY id")
        return [value for (value,) in found]

    def kept_apart(self) -> list[tuple[object, ...]]:
        return self.book.ask("SELECT message_id, reference, number, word FROM callback ORDER BY id")

    def history(self, attempt: int = 1) -> list[tuple[object, ...]]:
        """Return the changes of an attempt after its claim."""
        return self.book.ask(
            "SELECT status, evidence, error FROM change WHERE attempt_id = ? "
            "AND evidence <> 'claim' ORDER BY id",
            attempt,
        )

    def taken(self) -> tuple[object, ...]:
        [taken] = self.book.ask("SELECT taken, taken_cost FROM campaign")
        return taken

    def due(self, at: int = 10**9) -> list[int]:
        """Return the attempts that are asked about by then."""
        with self.book.open() as ledger:
            return [due.attempt_id for due in read.due(ledger, self.book.id, most=99, at=at)]


def accepted(attempt: int) -> Evidence:
    return Evidence(attempt, "queued", f"id-{attempt}", "Added to queue", due_at=10 + FIRST_POLL)


def unproven(attempt: int) -> Evidence:
    return Evidence(attempt, "unknown", error="broken off")


def not_taken(attempt: int) -> Evidence:
    return Evidence(attempt, "not_taken", error="429")


@pytest.fixture
def sent(new_book: "NewBook") -> Sent:
    book = new_book(ROWS)
    with book.open() as ledger:
        ledger.execute("INSERT INTO owner (id, started_at) VALUES ('me', 0)")
        order = Order(book.id, owners.Owner("me"), "simulated", None)
        made = keep(ledger, Claimer(order), [], most=3, most_rows=5, at=0)
    assert [[*each.attempts.values()] for each in made.claims] == [[1, 2, 3], [4], [5]]
    return Sent(book, order, made.claims)


# --- which message it is about ------------------------------------------------------------------

#: Id, number, the request that is named, and the attempt that is found.
FOUND: list[tuple[str | None, str | None, str | None, int | None]] = [
    ("id-2", None, None, 2),
    ("id-2", NUMBERS[1], "many", 2),
    ("id-2", NUMBERS[0], "one", 2),  # the id is surer than anything else
    (None, NUMBERS[1], "many", 2),
    ("another", NUMBERS[1], "many", 2),
    (None, "+372 5000 0001", "many", 2),
    (None, "0037250000001", "many", 2),
    (None, "(00 372) 50-00-00-01", "many", 2),
    (None, NUMBERS[3], "one", 4),
    (None, "+372 5000 0003", "one", 4),
    (None, "50000003", "one", 4),  # a request to one number is about that one,
    (None, "5000 0003 (EE)", "one", 4),
    (None, NUMBERS[0], "one", 4),
    (None, "", "one", 4),  # or about none that is named
    (None, None, "one", 4),
    (None, NUMBERS[3], "many", None),  # a number of another request
    (None, "50000001", "many", None),
    (None, NUMBERS[1][:-1], "many", None),
    (None, f"{NUMBERS[1]}1", "many", None),
    (None, "", "many", None),
    (None, None, "many", None),
    (None, NUMBERS[1], "nowhere", None),
    (None, NUMBERS[3], None, None),
    ("another", None, None, None),
    ("ID-2", None, None, None),
    ("", None, "", None),
    (None, None, None, None),
]


@pytest.mark.parametrize(("message_id", "number", "request_of", "attempt"), FOUND)
def test_a_callback_finds_its_message(
    sent: Sent,
    message_id: str | None,
    number: str | None,
    request_of: str | None,
    attempt: int | None,
) -> None:
    """By the id, else by our reference and the number; what finds none is kept apart."""
    sent.accept()
    reference = getattr(sent, request_of or "", request_of)
    assert sent.take(Callback("delivered", message_id, number, reference)) == (attempt is not None)
    expected = ["delivered" if place == attempt else "queued" for place in (1, 2, 3, 4, 5)]
    assert sent.attempts("status") == sent.statuses() == expected
    assert sent.attempts("message_id") == [f"id-{place}" for place in (1, 2, 3, 4, 5)]
    with sent.book.open() as ledger:
        assert callbacks.count_kept_apart(ledger) == (attempt is None)


def test_what_is_for_nobody_is_kept_apart_once(sent: Sent) -> None:
    """As it came, but for the number; told again it is the same."""
    sent.accept()
    strangers = [
        Callback("delivered", "another", "+372 5678 9045", "nowhere"),
        Callback("submitted", "another", "+372 5678 9045", "nowhere"),
        Callback("Buffered", None, NUMBERS[7], sent.many),
        Callback("failed"),
    ]
    assert sent.take(*strangers, *strangers) == 0
    assert sent.take(*reversed(strangers), at=99) == 0
    assert sent.kept_apart() == [
        ("another", "nowhere", "+372********45", "delivered"),
        ("another", "nowhere", "+372********45", "submitted"),
        ("", sent.many, "3725*****07", "Buffered"),
        ("", "", "", "failed"),
    ]
    with sent.book.open() as ledger:
        assert callbacks.count_kept_apart(ledger) == 4
    assert sent.statuses() == ["queued"] * 5


def test_a_number_in_a_word_that_is_kept_apart_is_masked(sent: Sent) -> None:
    """A word is whatever a stranger wrote; those that are known have no digits to lose."""
    sent.take(Callback("failed: +372 5678 9045", "id-2"), Callback("Buffered 7", "id-2"))
    assert [word for *_, word in sent.kept_apart()] == ["failed: +3725*****45", "Buffered 7"]
    assert [word for word in VENDOR_STATUS if any(map(str.isdigit, word))] == []


def test_all_of_them_are_applied_or_none(sent: Sent) -> None:
    """Who is answered OK is on disk, and who is not comes again."""
    sent.accept()
    with pytest.raises(UnicodeEncodeError):
        sent.take(
            Callback("delivered", "id-1"), Callback("delivered", "x"), Callback("\ud800", "y")
        )
    assert sent.statuses() == ["queued"] * 5
    assert sent.kept_apart() == []


# --- before its id is known ---------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False], ids=["accepted whole", "in part"])
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["submitted"], "submitted"),
        (["submitted", "delivered"], "delivered"),
        (["delivered", "submitted"], "delivered"),
        (["delivered", "failed"], "delivered"),  # two last words: the one that came first
        (["failed", "delivered"], "failed"),
        (["Buffered"], "queued"),
    ],
)
def test_what_came_before_the_id_counts_when_the_reply_tells_it(
    sent: Sent, words: list[str], status: str, *, whole: bool
) -> None:
    """In the order it came, and it is kept apart no more; what others wait for is left."""
    early = [Callback(word, "id-2", NUMBERS[1]) for word in words]
    assert sent.take(*early, Callback("delivered", "another")) == 0
    assert sent.statuses() == ["sending"] * 5
    first = accepted(1) if whole else Evidence(1, "refused", word="Rejected", error="No route")
    sent.reply(first, *map(accepted, (2, 3, 4, 5)))
    others = ["queued"] * 3
    assert sent.statuses() == ["queued" if whole else "refused", status, *others]
    assert sent.kept_apart() == [("another", "", "", "delivered")]
    assert sent.history(2)[0] == ("queued", "reply", None)
    assert sent.take(*early) == len(words)  # told again, it is known
    assert sent.statuses()[1] == status


def test_what_came_before_the_id_counts_when_another_callback_tells_it(sent: Sent) -> None:
    """The one that names our reference finds the row, and the others follow."""
    assert sent.take(Callback("submitted", "id-2"), Callback("undelivered", "id-2")) == 0
    assert sent.take(Callback("queued", "id-2", NUMBERS[1], sent.many)) == 1
    assert sent.statuses() == ["sending", "failed", "sending", "sending", "sending"]
    assert sent.kept_apart() == []
    assert sent.history(2) == [
        ("queued", "callback", None),
        ("submitted", "callback", None),
        ("failed", "callback", "SMSPM says 'undelivered'."),
    ]


@pytest.mark.parametrize(("came", "dated"), [(5, 5), (10, 10), (99, 10)])
def test_what_came_before_the_id_is_dated_by_when_it_came(
    sent: Sent, came: int, dated: int
) -> None:
    """Not by when the id appeared; a clock that was ahead dates nothing later than now."""
    early = Callback("delivered", "id-2")
    sent.take(early, at=came)
    sent.take(early, at=came + 1)
    sent.accept(at=10)
    assert sent.book.ask("SELECT at, status FROM change WHERE attempt_id = 2 ORDER BY id") == [
        *((0, "sending"), (10, "queued"), (dated, "delivered"))
    ]
    assert sent.book.ask("SELECT sent_at, updated_at, due_at FROM attempt WHERE id = 2") == [
        (10, dated, dated)
    ]


def test_what_waits_is_found_by_its_id(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the unique index, however many callbacks are kept apart."""
    sent.take(Callback("delivered", "another"))
    plans: list[str] = []
    with sent.book.open() as ledger:
        usual = ledger.values

        def explained(sql: str, *given: Any) -> Any:
            plans.extend(step[3] for step in usual(f"EXPLAIN QUERY PLAN {sql}", *given))
            return usual(sql, *given)

        monkeypatch.setattr(ledger, "values", explained)
        callbacks.take_waiting(ledger, ["id-1", "id-2"], at=1)
    [step] = [plan for plan in plans if " callback " in f"{plan} "]
    assert step == "SEARCH callback USING INDEX sqlite_autoindex_callback_1 (message_id=?)"


def test_a_callback_may_come_before_the_reply(sent: Sent) -> None:
    """It counts at once; the reply then adds the id, and changes nothing else."""
    assert sent.take(Callback("delivered", None, NUMBERS[0], sent.many)) == 1
    assert sent.take(Callback("submitted", "id-4", None, sent.one)) == 1
    assert sent.statuses() == ["delivered", "sending", "sending", "submitted", "sending"]
    assert sent.due() == [4]
    sent.accept()
    assert sent.statuses() == ["delivered", "queued", "queued", "submitted", "queued"]
    assert sent.attempts("message_id") == [f"id-{place}" for place in (1, 2, 3, 4, 5)]
    assert sent.attempts("word")[:2] == ["delivered", "Added to queue"]
    assert sent.history(1) == [("delivered", "callback", None)]
    assert sent.due(at=10) == [1]  # for the price, which a callback does not tell


def test_a_reply_that_proves_nothing_takes_nothing_back(sent: Sent) -> None:
    """A row that is known by a callback is known, though its request was broken off."""
    sent.take(Callback("submitted", "id-1", NUMBERS[0], sent.many))
    sent.reply(*map(unproven, (1, 2, 3)))
    assert sent.statuses()[:3] == ["submitted", "unknown", "unknown"]
    assert sent.history(1) == [("submitted", "callback", None)]


# --- rows of which something else is known ------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("queued", "queued"),
        ("sent", "submitted"),
        ("delivered", "delivered"),
        (" Delivered\n", "delivered"),
        ("expired", "failed"),
    ],
)
def test_an_unknown_row_is_resolved(sent: Sent, word: str, status: str) -> None:
    """By our reference and the number; it counts as taken as before."""
    sent.reply(*map(unproven, (1, 2, 3, 4, 5)))
    assert sent.take(Callback(word, "id-2", NUMBERS[1], sent.many)) == 1
    assert sent.statuses() == ["unknown", status, *["unknown"] * 3]
    assert sent.attempts("message_id")[1] == "id-2"
    assert sent.taken() == (5, 5 * PRICE)


#: What a person said, the word that comes, what the row is then, and what the history gains.
RESOLVED = [
    ("sent", "delivered", "delivered", [("delivered", "callback", None)]),
    ("sent", "queued", "submitted", []),
    ("sent", "failed", "failed", [("failed", "callback", None)]),
    ("failed", "delivered", "failed", [("delivered", "callback", None)]),  # the first last word
    ("failed", "failed", "failed", []),
    ("failed", "submitted", "failed", []),
    ("resend", "delivered", "delivered", [("delivered", "callback", None)]),
    ("resend", "queued", "queued", [("queued", "callback", None)]),
    ("resend", "failed", "failed", [("failed", "callback", None)]),
]


@pytest.mark.parametrize(("action", "word", "status", "gained"), RESOLVED)
def test_a_callback_for_a_row_that_a_person_resolved(
    sent: Sent, action: str, word: str, status: str, gained: list[tuple[object, ...]]
) -> None:
    """It counts as it would have before; one that is planned again leaves the plan."""
    sent.reply(*map(unproven, (1, 2, 3, 4, 5)))
    sent.say(action)
    before = sent.history(2)
    told = Callback(word, "id-2", NUMBERS[1], sent.many)
    assert sent.take(told, told) == 2
    assert sent.statuses()[1] == status
    assert sent.history(2) == before + gained
    assert sent.due() == [2]  # it has an id now, and no price
    if action == "resend":
        assert sent.taken() == (1, PRICE)
        again = sent.claim_again()
        assert again is not None
        assert again.numbers == [NUMBERS[0], NUMBERS[2]]


@pytest.mark.parametrize("when", ["before the second reply", "after it"])
def test_a_row_that_was_sent_again_has_two_messages(sent: Sent, when: str) -> None:
    """Both are known, both count as taken, and the weightier speaks for the row."""
    sent.reply(*map(unproven, (1, 2, 3, 4, 5)))
    sent.say("resend")
    again = sent.claim_again()
    assert again is not None
    assert again.numbers == NUMBERS[:3]
    attempt = again.attempts[NUMBERS[1]]
    sent.claims.append(again)
    of_first = Callback("failed", "id-2", NUMBERS[1], sent.many)
    if when == "after it":
        sent.accept(*again.attempts.values())
        assert sent.take(of_first) == 1
    else:
        assert sent.take(of_first) == 1
        assert sent.statuses()[1] == "failed"
        sent.accept(*again.attempts.values())
    assert sent.statuses()[1] == "queued"
    assert sent.take(Callback("delivered", None, NUMBERS[1], again.request_id)) == 1
    assert sent.attempts("status")[1] == "failed"
    assert sent.book.rows()[1][12:14] == (f"id-{attempt}", "delivered")
    assert sent.taken() == (4, 4 * PRICE)


def test_a_claim_is_not_written_after_a_callback_for_its_row(sent: Sent) -> None:
    """Somebody said it was not sent, and it was: the last look before the first byte sees that."""
    sent.reply(*map(unproven, (1, 2, 3, 4, 5)))
    sent.say("resend")
    again = sent.claim_again()
    assert again is not None
    assert sent.take(Callback("submitted", "id-2", NUMBERS[1], sent.many)) == 1
    assert sent.statuses()[1] == "submitted"
    with sent.book.open() as ledger, pytest.raises(NeverLeft):
        claim.check(ledger, again)


@pytest.mark.parametrize("of", ["unknown", "planned"])
@pytest.mark.parametrize("how", ["cancelled", "excluded"])
def test_a_row_that_was_left_out_is_what_became_of_it(sent: Sent, of: str, how: str) -> None:
    """Cancelled or suppressed, and sent all the same before that: a callback says so."""
    sent.reply(*map(unproven if of == "unknown" else not_taken, (1, 2, 3, 4, 5)))
    with sent.book.open() as ledger:
        if how == "cancelled":
            resolve.cancel(ledger, sent.book.id, at=12)
        else:
            marks = [
                Mark(row.id, "opted_out", "opted_out", "Opted out.")
                for row in resolve.waiting(ledger, sent.book.id)
            ]
            resolve.suppress(ledger, sent.book.id, marks, at=12)
    left_out = {"unknown": "unknown", "planned": how}[of]
    assert sent.statuses() == [left_out] * 5
    assert sent.take(Callback("delivered", "id-2", NUMBERS[1], sent.many)) == 1
    assert sent.statuses() == [left_out, "delivered", *[left_out] * 3]
    assert sent.taken() == ((5, 5 * PRICE) if of == "unknown" else (1, PRICE))
    assert sent.claim_again() is None


# --- when it is asked about ---------------------------------------------------------------------


def test_a_last_word_leaves_one_question_for_the_price(sent: Sent) -> None:
    """The next tracking asks it, and nothing after that, whatever is told again."""
    sent.accept()
    delivered = Callback("delivered", "id-1")
    sent.take(delivered, delivered, at=20)
    assert sent.due(at=20) == [1]
    sent.take(delivered, at=25)
    assert sent.attempts("due_at")[0] == 20
    sent.poll(said(1, "delivered", price=7, carrier="Telia"))
    sent.take(delivered, Callback("submitted", "id-1"), at=40)
    sent.accept(at=50)
    assert sent.attempts("due_at")[0] is None
    assert sent.book.ask("SELECT status, price, carrier FROM attempt WHERE id = 1") == [
        ("delivered", 7, "Telia")
    ]


def test_a_price_that_is_known_needs_no_question(sent: Sent) -> None:
    """A message was given up with its price: its last word is all that was missing."""
    sent.accept()
    sent.poll(Evidence(1, "unconfirmed", price=7), Evidence(2, "unconfirmed"))
    assert sent.due() == [3, 4, 5]
    sent.take(Callback("delivered", "id-1"), Callback("delivered", "id-2"), at=40)
    assert sent.statuses()[:2] == ["delivered", "delivered"]
    assert sent.due(at=40) == [2]


def test_an_answer_that_is_older_than_the_last_word_leaves_the_question(sent: Sent) -> None:
    """It was asked before the callback came, and says nothing of the price."""
    sent.accept()
    sent.take(Callback("delivered", "id-1"), at=20)
    sent.poll(said(1, "submitted", due_at=70))
    assert sent.attempts("due_at")[0] == 70
    sent.poll(Evidence(1, None, error="HTTP 503"))
    assert sent.attempts("due_at")[0] == 70
    assert sent.history(1) == [("queued", "reply", None), ("delivered", "callback", None)]
    sent.poll(said(1, "delivered"))  # without a price, for good
    assert sent.attempts("due_at")[0] is None


@pytest.mark.parametrize("word", ["queued", "submitted", "Buffered"])
def test_an_open_message_is_asked_about_when_it_was_or_soon(sent: Sent, word: str) -> None:
    """A callback that is no last word changes no date; without one there is one with the id."""
    sent.accept(1, 2, 3)
    sent.take(Callback(word, "id-1"), Callback(word, "id-4", None, sent.one), at=20)
    assert sent.attempts("due_at") == [*[10 + FIRST_POLL] * 3, 20 + FIRST_POLL, None]


def test_nobody_is_asked_about_without_an_id(sent: Sent) -> None:
    """A callback without one is believed, and all there is."""
    sent.reply(*map(unproven, (1, 2, 3, 4, 5)))
    sent.take(
        Callback("delivered", None, NUMBERS[0], sent.many),
        Callback("submitted", None, NUMBERS[1], sent.many),
        Callback("Buffered", None, NUMBERS[2], sent.many),
    )
    sent.say("sent")
    assert sent.statuses() == ["delivered", "submitted", "queued", "submitted", "submitted"]
    assert sent.due() == []
    assert sent.take(Callback("queued", "id-4", None, sent.one)) == 1
    assert sent.statuses()[3] == "submitted"
    assert sent.due(at=20 + FIRST_POLL) == [4]


def test_what_a_callback_tells_was_sent_when_it_was_claimed(sent: Sent) -> None:
    """Until a reply comes, however late; then that is when it was sent."""
    sent.accept(1)
    sent.take(Callback("delivered", "id-1"), Callback("delivered", None, None, sent.one), at=20)
    sent.accept(4, at=30)
    sent.say("sent")
    assert sent.attempts("sent_at")[::3] == [10, 30]
    assert sent.attempts("updated_at")[::3] == [20, 20]


# --- what the history keeps ---------------------------------------------------------------------


def test_a_word_never_seen_is_kept_and_leaves_the_row_open(sent: Sent) -> None:
    """Raw, and in the history once; the row is where it was, and accepted if that was not known."""
    sent.accept(1, 2, 3)
    told = [Callback("Buffered", "id-1"), Callback(" Buffered 37250000000", None, None, sent.one)]
    sent.take(*told, *told)
    sent.take(*told)
    assert sent.statuses() == ["queued", "queued", "queued", "queued", "sending"]
    assert sent.attempts("word")[::3] == ["Buffered", " Buffered 37250000000"]
    assert sent.attempts("error")[::3] == [
        "SMSPM says 'Buffered'.",
        "SMSPM says ' Buffered 3725*****00'.",
    ]
    buffered = ("queued", "callback", "SMSPM says 'Buffered'.")
    assert sent.history(1) == [("queued", "reply", None), buffered]
    assert len(sent.history(4)) == 1
    sent.take(Callback("submitted", "id-1"))
    assert (sent.attempts("word")[0], sent.attempts("error")[0]) == ("submitted", None)
    sent.take(Callback("delivered", "id-1"), *told)  # too late to be its word
    assert sent.attempts("word")[0] == "delivered"
    assert sent.statuses()[0] == "delivered"
    assert sent.history(1)[2:] == [
        ("submitted", "callback", None),
        ("delivered", "callback", None),
        ("delivered", "callback", "SMSPM says 'Buffered'."),
    ]


def test_a_contradiction_is_told_once(sent: Sent) -> None:
    """However often, and by whom, it comes; the first last word stays."""
    sent.accept()
    failed, expired = Callback("failed", "id-1"), Callback("expired", "id-1")
    sent.take(Callback("delivered", "id-1"), failed, failed, expired)
    sent.take(failed, expired, Callback("delivered", "id-1"))
    sent.poll(said(1, "failed"))
    sent.poll(said(1, "failed"))
    assert sent.statuses()[0] == "delivered"
    assert (sent.attempts("word")[0], sent.attempts("error")[0]) == ("delivered", None)
    assert sent.history(1) == [
        ("queued", "reply", None),
        ("delivered", "callback", None),
        ("failed", "callback", None),
        ("failed", "callback", "SMSPM says 'expired'."),
        ("failed", "poll", None),
    ]


# --- any order ----------------------------------------------------------------------------------
#
# A message has one life: queued, submitted, one last word. It is told by the reply, by callbacks
# and by polls, each of them late, doubled or not at all. Whatever the order, and however it falls
# into transactions, the ledger ends the same.
#
# What cannot happen is not tried: a claim is on disk before anything can be told of it, and a poll
# names an id that the ledger has. Not the same in every order, by the design, and so left out:
#
# - two different last words for one message, and a refusal of what was taken: the first one stays,
#   since an order of things that contradict each other is all there is to go by;
# - a message that tracking gives up ("unconfirmed"), which is no word of the API: a last word that
#   came before leaves no question for the price, and one that comes after leaves one;
# - a callback with another message's number, reference or id: what it names is believed;
# - times, and of a message that is open, which of its words came last.

#: The requests: the numbers of each, and their attempts in that order.
REQUESTS: Final = ((1, 2, 3), (4,), (5,), (6, 7), (8,))
OPEN_WORDS: Final = sorted(word for word, status in VENDOR_STATUS.items() if status == "queued")
SENT_WORDS: Final = sorted(word for word, status in VENDOR_STATUS.items() if status == "submitted")
LAST_WORDS: Final = sorted({*VENDOR_STATUS} - {*OPEN_WORDS} - {*SENT_WORDS})
STRANGE: Final = ("Buffered", "EN ROUTE", "")
STAGES: Final = (
    *({"sending"}, {"unknown"}, {"not_taken"}, {"queued"}, {"submitted"}),
    {"refused", "failed", "delivered"},
)


class Replied(NamedTuple):
    """The reply to a request, and what it proves of each attempt."""

    request: int
    evidence: tuple[Evidence, ...]


class Polled(NamedTuple):
    """The answer to a question about an attempt."""

    evidence: Evidence


class Called(NamedTuple):
    """A callback; `request` is the place of the one it names, and `attempt` what it is about.

    Of a stranger's it is None. `finds`: it names the request and the number in it.
    """

    callback: Callback
    request: int | None
    attempt: int | None
    finds: bool


Event = Replied | Polled | Called


class Story(NamedTuple):
    """All that is told of a campaign, in one of its orders, and after which of it is a commit."""

    events: list[Event]
    order: list[Event]
    commits: list[bool]


def number_of(attempt: int) -> str:
    return NUMBERS[attempt - 1]


def spelled(attempt: int) -> list[str]:
    """Spell the number of an attempt in ways that can be read."""
    number = number_of(attempt)
    return [number, f"+{number}", f"00{number}", f"+372 {number[3:7]}-{number[7:]}"]


#: Numbers that name nobody: for a request to one number they need not.
UNREADABLE: Final = (None, "", "5000 0009")


@st.composite
def calls(draw: st.DrawFn, request: int, attempt: int, word: str) -> Called:
    """A callback about a message: by its id, by our reference and the number, or by both."""
    is_single = len(REQUESTS[request]) == 1
    number = draw(st.sampled_from([*spelled(attempt), *UNREADABLE]))
    message_id = draw(st.sampled_from([None, f"id-{attempt}", f"id-{attempt}"]))
    if message_id and draw(st.booleans()):
        return Called(Callback(word, message_id, number), None, attempt, finds=False)
    finds = is_single or number not in UNREADABLE
    return Called(Callback(word, message_id, number), request, attempt, finds=finds)


@st.composite
def lives(draw: st.DrawFn, request: int, attempt: int) -> list[Event]:
    """What callbacks and polls tell of one message that was taken."""
    last = draw(st.sampled_from(LAST_WORDS))
    words = [
        draw(st.sampled_from([*OPEN_WORDS, *STRANGE])),
        draw(st.sampled_from([*SENT_WORDS, *STRANGE])),
        *draw(st.sampled_from([[last], [last], [f" {last.upper()} "], []])),
    ]
    told: list[Event] = []
    for word in draw(st.lists(st.sampled_from(words), max_size=4)):
        told += [draw(calls(request, attempt, word))] * draw(st.integers(1, 2))
    price, carrier = draw(st.sampled_from([(None, None), (7, "Telia"), (0, None)]))
    answers = [said(attempt, word, price=price, carrier=carrier) for word in words]
    answers += [said(attempt, words[0]), Evidence(attempt, None, error="HTTP 503")]
    for proof in draw(st.lists(st.sampled_from(answers), max_size=3)):
        is_last = proof.status in ("delivered", "failed")
        told.append(Polled(proof if is_last else proof._replace(due_at=70)))
    return told


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A campaign whose requests were accepted, in part or whole, broken off, or not taken."""
    events: list[Event] = []
    for request, attempts in enumerate(REQUESTS):
        fate = draw(st.sampled_from(["accepted", "accepted", "in part", "broken off", "not taken"]))
        proofs: list[Evidence] = []
        for attempt in attempts:
            element = "accepted"
            if fate == "in part":
                element = draw(st.sampled_from(["accepted", "refused", "no element"]))
            if fate == "not taken":
                proofs.append(not_taken(attempt))
            elif element == "refused":
                proofs.append(Evidence(attempt, "refused", word="Rejected", error="No route"))
            elif fate == "broken off" or element == "no element":
                proofs.append(unproven(attempt))
            else:
                proofs.append(accepted(attempt))
            if proofs[-1].status in ("unknown", "queued"):
                events += draw(lives(request, attempt))
        answers = draw(st.sampled_from([1, 1, 1, 2]))  # a commit that failed may have been one
        events += [Replied(request, tuple(proofs))] * (
            0 if fate == "broken off" and draw(st.booleans()) else answers
        )
    strangers = st.builds(
        Callback,
        st.sampled_from([*LAST_WORDS, *STRANGE]),
        st.sampled_from([None, "id-0", "id-99"]),
        st.sampled_from([None, NUMBERS[8], NUMBERS[9], "+1 555 0100"]),
        st.sampled_from([None, "nowhere"]),
    )
    for stranger in draw(st.lists(strangers, max_size=3)):
        request_of = draw(st.sampled_from([None, 0, 3])) if stranger.number else None
        events += [Called(stranger, request_of, None, finds=False)] * draw(st.integers(1, 2))
    mixed = draw(st.permutations(events))
    window = draw(st.sampled_from([1, 6, 100]))  # within which those of a kind come together
    order = [
        event
        for start in range(0, len(mixed), window)
        for event in sorted(mixed[start : start + window], key=lambda event: type(event).__name__)
    ]
    commits = draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    return Story(events, order, commits)


class Stage:
    """A copy of the ledger with every request claimed, on which a story happens."""

    def __init__(self, path: Path, order: Order, claims: list[Claim]) -> None:
        self._path = path
        self._order = order
        self._claims = claims
        self._ids: set[str] = set()
        self._copies = count()

    @contextmanager
    def opened(self) -> Iterator[Ledger]:
        copy = Path(shutil.copy(self._path, self._path.with_suffix(f".{next(self._copies)}")))
        with Ledger.open(copy) as ledger:
            ledger.execute("PRAGMA synchronous = OFF")
            yield ledger
        copy.unlink()
        copy.with_name(f"{copy.name}-journal").unlink(missing_ok=True)

    def play(self, ledger: Ledger, events: Iterable[Event], commits: Iterable[bool]) -> None:
        """Apply events; those between two commits together, as far as they are of one kind."""
        together: list[Event] = []
        waiting: list[Event] = []  # polls that were drawn before their ids were known
        steps = [*zip(events, commits, strict=True)]
        at = count(10)
        for event, is_commit in steps:
            if together and (type(event) is not type(together[0]) or event in together):
                waiting = self._apply(ledger, together, waiting, at=next(at))
                together = []
            together.append(event)
            if is_commit:
                waiting = self._apply(ledger, together, waiting, at=next(at))
                together = []
        self._apply(ledger, together, waiting, at=next(at))

    def _apply(
        self, ledger: Ledger, together: list[Event], waiting: list[Event], *, at: int
    ) -> list[Event]:
        replies = [event for event in together if isinstance(event, Replied)]
        called = [event for event in together if isinstance(event, Called)]
        if replies:
            answered = [
                Answered(made.request_id, made.recipients, reply.evidence, reply="", error=None)
                for reply in replies
                for made in [self._claims[reply.request]]
            ]
            keep(ledger, Claimer(self._order), answered, most=0, most_rows=0, at=at)
        if called:
            callbacks.take(ledger, [self._named(event) for event in called], at=at)
        known = {place for (place,) in ledger.all("SELECT id FROM attempt WHERE message_id <> ''")}
        polls = [*waiting, *(event for event in together if isinstance(event, Polled))]
        while ready := self._different(polls, known):
            record.record(ledger, [event.evidence for event in ready], "poll", at=at)
            for event in ready:
                polls.remove(event)
        return [*polls]

    @staticmethod
    def _different(polls: Iterable[Event], known: set[int]) -> list[Polled]:
        """Return polls of different attempts whose ids are known: those that came first."""
        first: dict[int, Polled] = {}
        for event in polls:
            if isinstance(event, Polled) and event.evidence.attempt_id in known:
                first.setdefault(event.evidence.attempt_id, event)
        return [*first.values()]

    def _named(self, event: Called) -> Callback:
        if event.request is None:
            return event.callback
        return event.callback._replace(reference=self._claims[event.request].request_id)


@pytest.fixture(scope="module")
def stage(new_book: "NewBook") -> Stage:
    texts = [f"Hi {place}" for place, attempts in enumerate(REQUESTS) for _ in attempts]
    book = new_book([*zip(NUMBERS, texts, strict=False)])
    with book.open() as ledger:
        ledger.execute("INSERT INTO owner (id, started_at) VALUES ('me', 0)")
        order = Order(book.id, owners.Owner("me"), "simulated", None)
        made = keep(ledger, Claimer(order), [], most=9, most_rows=99, at=0)
    assert [(*each.attempts.values(),) for each in made.claims] == [*REQUESTS]
    return Stage(book.path, order, made.claims)


def final_state(ledger: Ledger) -> dict[str, object]:
    """Return all that is the same in every order.

    Whether a last word without a price is asked about once more is not: a poll that told it is,
    one that came after a callback was that question.
    """
    return {
        "attempts": ledger.all(
            "SELECT id, status, message_id, price, carrier, CASE WHEN price IS NOT NULL "
            "OR status NOT IN ('delivered', 'failed') THEN due_at IS NOT NULL END, "
            "CASE WHEN status IN ('delivered', 'failed') THEN lower(word) END "
            "FROM attempt ORDER BY id"
        ),
        "rows": ledger.all("SELECT id, status FROM recipient ORDER BY id"),
        "counts": read.count_by_status(ledger, 1),
        "taken": ledger.all("SELECT taken, taken_cost FROM campaign"),
        "kept apart": sorted(
            ledger.all("SELECT message_id, reference, number, word FROM callback")
        ),
    }


def reached(event: Called, ids: set[int]) -> set[int]:
    """Say which attempt a callback reaches in the end, when these ids are known then."""
    is_known = event.callback.message_id is not None and event.attempt in ids
    return {event.attempt} if event.attempt and (event.finds or is_known) else set()


def expected_statuses(events: Iterable[Event]) -> list[str]:
    """Say what each attempt must be, from what is told of it and from nothing else."""
    told: dict[int, set[str]] = {place: {"sending"} for place in range(1, 9)}
    ids: set[int] = set()
    for event in events:
        if isinstance(event, Replied):
            for proof in event.evidence:
                told[proof.attempt_id].add(str(proof.status))
                ids |= {proof.attempt_id} if proof.message_id else set()
        elif isinstance(event, Called) and event.attempt and event.finds:
            ids |= {event.attempt} if event.callback.message_id else set()
    for event in events:
        if isinstance(event, Polled) and event.evidence.attempt_id in ids:
            told[event.evidence.attempt_id].add(event.evidence.status or "queued")
        elif isinstance(event, Called):
            word = event.callback.word.strip().lower()
            for attempt in reached(event, ids):
                told[attempt].add(VENDOR_STATUS.get(word, VENDOR_STATUS["queued"]))

    def how_far(status: str) -> int:
        return next(place for place, found in enumerate(STAGES) if status in found)

    return [max(found, key=how_far) for found in told.values()]


@settings(max_examples=200, deadline=None, print_blob=True)
@given(story=stories())
def test_whatever_the_order_the_ledger_ends_the_same(stage: Stage, story: Story) -> None:
    """Replies, callbacks and polls, doubled and split into transactions in any way."""
    with stage.opened() as ledger:
        stage.play(ledger, story.events, [True] * len(story.events))
        first = final_state(ledger)
    with stage.opened() as ledger:
        stage.play(ledger, story.order, story.commits)
        assert final_state(ledger) == first
        statuses = [status for (status,) in ledger.all("SELECT status FROM attempt ORDER BY id")]
        assert statuses == expected_statuses(story.events)
        as_rows = ["planned" if status == "not_taken" else status for status in statuses]
        rows = dict(ledger.all("SELECT id, status FROM recipient"))
        assert [rows[place] for place in sorted(rows)] == as_rows
        taken = sum(status not in ("not_taken", "refused") for status in statuses)
        assert first["taken"] == [(taken, taken * PRICE)]
        told = ledger.all("SELECT attempt_id, status, evidence, error FROM change")
        assert {*Counter(told).values()} == {1}
