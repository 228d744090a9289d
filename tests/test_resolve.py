import contextlib
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import looking
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.delivery.ledger import Ledger, claim, owners, plan, read, record, resolve
from smspm_campaigns.delivery.ledger.claim import Claim, Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.record import Answered
from smspm_campaigns.delivery.ledger.resolve import Mark
from smspm_campaigns.exceptions import CampaignConflict, GatewayMismatch, NeverLeft, RunStopped
from smspm_campaigns.gateway.client import Client

if TYPE_CHECKING:
    from conftest import Book, Clock, NewBook

NUMBERS = [str(37250000000 + step) for step in range(10)]
LATE = ("not_taken", "unknown", "queued", "submitted", "unconfirmed", "refused", "failed")


def claim_next(ledger: Ledger, book: "Book", limit: int | None = None) -> Claim | None:
    """Claim as a program that ends at once: its answers come late."""
    owner = owners.Owner(uuid.uuid4().hex)
    ledger.execute("INSERT INTO owner (id, started_at) VALUES (?, 0)", (owner.id,))
    try:
        return book.claim(ledger, Order(book.id, owner, "simulated", limit), at=1)
    finally:
        ledger.execute("UPDATE owner SET ended_at = 1 WHERE id = ?", (owner.id,))


def close(ledger: Ledger, claimed: Claim | None, statuses: Sequence[str], at: int = 2) -> None:
    assert claimed is not None
    evidence = [
        Evidence(attempt, status, error=f"it is {status}")
        for attempt, status in zip(claimed.attempts.values(), statuses, strict=True)
    ]
    answered = Answered(claimed.request_id, claimed.recipients, evidence, "{}", None)
    with ledger.transaction():
        record.close_requests(ledger, [answered], at=at)


def changes(book: "Book") -> list[tuple[int, int, str, str]]:
    with book.open() as ledger:
        return [(c.position, c.at, c.status, c.evidence) for c in looking.history(ledger, book.id)]


def marks(*recipients: int) -> list[Mark]:
    return [Mark(recipient, "opted_out", "opted_out", "Opted out.") for recipient in recipients]


def statuses(book: "Book") -> list[str]:
    return [row.status for row in book.rows()]


# --- cancelling ---------------------------------------------------------------------------------


def test_cancelling_takes_out_what_is_planned(new_book: "NewBook") -> None:
    """With an event each; once more changes nothing, and what has another status is left alone."""
    book = new_book([*NUMBERS[:2], (NUMBERS[2], "Ho"), (NUMBERS[3], "Hi", "x", "duplicate")])
    with book.open() as ledger:
        close(ledger, claim_next(ledger, book, limit=1), ["queued"])
        for _ in range(2):
            resolve.cancel(ledger, book.id, at=5)
            assert statuses(book) == ["queued", "cancelled", "cancelled", "excluded"]
            assert changes(book)[2:] == [
                (1, 5, "cancelled", "cancel"),
                (2, 5, "cancelled", "cancel"),
            ]
        assert claim_next(ledger, book) is None


def test_a_request_under_way_ends_and_is_not_made_again_after_cancelling(
    new_book: "NewBook",
) -> None:
    """What it took is taken; what it did not take is cancelled then, and never planned."""
    book = new_book(NUMBERS[:3])
    with book.open() as ledger:
        under_way = claim_next(ledger, book)
        resolve.cancel(ledger, book.id, at=5)
        assert statuses(book) == ["sending"] * 3
        assert len(changes(book)) == 3
        close(ledger, under_way, ["queued", "not_taken", "unknown"], at=6)
        assert statuses(book) == ["queued", "cancelled", "unknown"]
        assert changes(book)[3:] == [
            (0, 6, "queued", "reply"),
            (1, 6, "planned", "reply"),
            (1, 6, "cancelled", "cancel"),
            (2, 6, "unknown", "reply"),
        ]
        assert claim_next(ledger, book) is None


def test_an_unknown_row_is_not_planned_after_cancelling(new_book: "NewBook") -> None:
    """Its owner seemed dead, lived, and tells after the cancelling that nothing was taken."""
    book = new_book(NUMBERS[:2])
    with book.open() as ledger:
        claimed = claim_next(ledger, book)
        close(ledger, claimed, ["unknown"] * 2, at=3)
        resolve.cancel(ledger, book.id, at=5)
        assert statuses(book) == ["unknown"] * 2
        assert len(changes(book)) == 4
        close(ledger, claimed, ["not_taken", "queued"], at=6)
        assert statuses(book) == ["cancelled", "queued"]
        assert changes(book)[4:] == [
            (0, 6, "planned", "reply"),
            (0, 6, "cancelled", "cancel"),
            (1, 6, "queued", "reply"),
        ]
        assert claim_next(ledger, book) is None


def test_cancelling_leaves_other_campaigns_alone(new_book: "NewBook") -> None:
    """Only the rows of this one."""
    book = new_book(NUMBERS[:1])
    other = book.add("other", NUMBERS[1:2])
    with book.open() as ledger:
        resolve.cancel(ledger, book.id, at=5)
        assert read.count_by_status(ledger, other) == {"planned": 1}


# --- suppressing --------------------------------------------------------------------------------


def test_suppressed_rows_are_never_sent_again_wherever_they_stand(new_book: "NewBook") -> None:
    """Planned ones are excluded at once; those under way and unknown ones never planned again."""
    book = new_book([(number, f"Hi {number}") for number in NUMBERS[:6]])
    with book.open() as ledger:
        for status in ("queued", "unknown"):
            close(ledger, claim_next(ledger, book), [status])
        under_way = [claim_next(ledger, book) for _ in range(2)]
        for _ in range(2):
            became = resolve.suppress(ledger, book.id, marks(1, 2, 3, 4, 5), at=5)
            assert statuses(book) == [
                *("queued", "unknown", "sending", "sending", "excluded", "planned"),
            ]
            assert changes(book)[6:] == [(4, 5, "excluded", "suppress")]
            if _ == 0:
                assert became == {"unknown": 1, "sending": 2, "excluded": 1}
            else:
                assert became == {}
        close(ledger, under_way[0], ["queued"], at=6)
        close(ledger, under_way[1], ["not_taken"], at=6)
        resolve.resolve(ledger, book.id, "resend", {1}, at=7)
        assert statuses(book) == [
            *("queued", "excluded", "queued", "excluded", "excluded", "planned"),
        ]
        assert changes(book)[7:] == [
            (2, 6, "queued", "reply"),
            (3, 6, "planned", "reply"),
            (3, 6, "excluded", "suppress"),
            (1, 7, "planned", "person"),
            (1, 7, "excluded", "suppress"),
        ]
        claimed = claim_next(ledger, book)
        assert claimed is not None
        assert claimed.numbers == [NUMBERS[5]]
    assert [row.problem for row in book.rows()] == [None, *["opted_out"] * 4, None]


# --- resolving ----------------------------------------------------------------------------------


def unknown_row(book: "Book", ledger: Ledger) -> None:
    close(ledger, claim_next(ledger, book, limit=1), ["unknown"])


@pytest.mark.parametrize(
    ("action", "status", "error"),
    [
        ("resend", "planned", "a person said that it was not sent"),
        ("sent", "submitted", None),
        ("failed", "failed", "a person said that it failed"),
    ],
)
def test_a_person_says_what_became_of_a_row(
    new_book: "NewBook", action: str, status: str, error: str | None
) -> None:
    """It is evidence like any other, and stands in the history; nobody is asked about it later."""
    book = new_book(NUMBERS[:2])
    with book.open() as ledger:
        unknown_row(book, ledger)
        resolve.resolve(ledger, book.id, action, {0, 1}, at=9)
        assert [(row.status, row.error) for row in book.rows()] == [
            (status, error),
            ("planned", None),
        ]
        assert changes(book)[2:] == [(0, 9, status, "person")]
        assert looking.history(ledger, book.id)[-1].error == error
        assert read.next_due(ledger, book.id, after=0) is None


def test_only_the_rows_that_were_named_are_resolved(new_book: "NewBook") -> None:
    """By their places in the frame; the others stay unknown."""
    book = new_book(NUMBERS[:3])
    with book.open() as ledger:
        close(ledger, claim_next(ledger, book), ["unknown"] * 3)
        resolve.resolve(ledger, book.id, "sent", {0, 2}, at=9)
        assert statuses(book) == ["submitted", "unknown", "submitted"]
        assert [row.position for row in resolve.unknown(ledger, book.id)] == [1]


def test_a_word_is_about_the_unknown_attempt_alone(new_book: "NewBook") -> None:
    """An earlier one of the row, of which it is known that nothing was taken, stays as it is."""
    book = new_book(NUMBERS[:1])
    with book.open() as ledger:
        close(ledger, claim_next(ledger, book), ["not_taken"])
        close(ledger, claim_next(ledger, book), ["unknown"])
        resolve.resolve(ledger, book.id, "sent", {0}, at=5)
        assert book.ask("SELECT status FROM attempt ORDER BY id") == [
            ("not_taken",),
            ("submitted",),
        ]
        assert read.expected_cost(ledger, book.id) == (50_000_000, 0)


def test_another_campaign_is_not_resolved(new_book: "NewBook") -> None:
    """Its rows have the same places."""
    book = new_book(NUMBERS[:1])
    other = book.add("other", NUMBERS[1:2])
    with book.open() as ledger:
        unknown_row(book, ledger)
        resolve.resolve(ledger, other, "sent", {0}, at=5)
        assert statuses(book) == ["unknown"]
        assert resolve.unknown(ledger, other) == []
        assert [row.number for row in resolve.waiting(ledger, other)] == [NUMBERS[1]]


def test_what_is_known_meanwhile_is_left_as_it_is(new_book: "NewBook") -> None:
    """A reply that comes while the person types is better evidence."""
    book = new_book(NUMBERS[:1])
    with book.open() as ledger:
        claimed = claim_next(ledger, book)
        close(ledger, claimed, ["unknown"])
        close(ledger, claimed, ["queued"], at=8)
        before = changes(book)
        resolve.resolve(ledger, book.id, "resend", {0}, at=9)
        assert (statuses(book), changes(book)) == (["queued"], before)


def test_a_row_whose_request_may_still_be_under_way_is_not_sent_again(new_book: "NewBook") -> None:
    """Its owner has not ended, so anything may still happen. The other words are allowed."""
    book = new_book(NUMBERS[:2])
    with book.open() as ledger:
        close(ledger, claim_next(ledger, book, limit=1), ["unknown"])
        ledger.execute("UPDATE owner SET ended_at = NULL")
        before = changes(book)
        with pytest.raises(CampaignConflict, match=r"^1 of these rows are in a request of a prog"):
            resolve.resolve(ledger, book.id, "resend", {0, 1}, at=3)
        assert (statuses(book), changes(book)) == (["unknown", "planned"], before)
        ledger.execute("UPDATE owner SET ended_at = 4")
        resolve.resolve(ledger, book.id, "resend", {0}, at=5)
        assert statuses(book) == ["planned"] * 2


def test_resending_is_a_word_against_cancelling_and_never_against_an_opt_out(
    new_book: "NewBook",
) -> None:
    """Whoever cancels and then asks for it gets it; whoever opted out is left alone."""
    book = new_book([(number, f"Hi {number}") for number in NUMBERS[:2]])
    with book.open() as ledger:
        under_way = [claim_next(ledger, book) for _ in range(2)]
        resolve.cancel(ledger, book.id, at=3)
        resolve.suppress(ledger, book.id, marks(2), at=4)
        for claimed in under_way:
            close(ledger, claimed, ["unknown"], at=5)
        resolve.resolve(ledger, book.id, "resend", {0, 1}, at=6)
        assert statuses(book) == ["planned", "excluded"]


# --- evidence that comes later ------------------------------------------------------------------

ROW_OF = {"not_taken": "planned"}
#: What a late proof makes of an attempt that a person resolved, and whether it is worth an event:
#: the later stage wins, a contradiction is told, and old news is not.
LATER = {
    ("resend", "not_taken"): ("not_taken", False),
    ("resend", "unknown"): ("not_taken", False),
    ("resend", "queued"): ("queued", True),
    ("resend", "submitted"): ("submitted", True),
    ("resend", "unconfirmed"): ("unconfirmed", True),
    ("resend", "refused"): ("refused", True),
    ("resend", "failed"): ("failed", True),
    ("sent", "not_taken"): ("submitted", True),
    ("sent", "unknown"): ("submitted", False),
    ("sent", "queued"): ("submitted", False),
    ("sent", "submitted"): ("submitted", False),
    ("sent", "unconfirmed"): ("unconfirmed", True),
    ("sent", "refused"): ("refused", True),
    ("sent", "failed"): ("failed", True),
    ("failed", "not_taken"): ("failed", True),
    ("failed", "unknown"): ("failed", False),
    ("failed", "queued"): ("failed", False),
    ("failed", "submitted"): ("failed", False),
    ("failed", "unconfirmed"): ("failed", False),
    ("failed", "refused"): ("failed", True),
    ("failed", "failed"): ("failed", False),
}


@pytest.mark.parametrize(("action", "late"), LATER)
def test_late_evidence_counts_after_a_word_of_a_person(
    new_book: "NewBook", action: str, late: str
) -> None:
    """By the stages of the schema, before the row is claimed again; contradictions are history."""
    book = new_book(NUMBERS[:1])
    with book.open() as ledger:
        claimed = claim_next(ledger, book)
        close(ledger, claimed, ["unknown"])
        resolve.resolve(ledger, book.id, action, {0}, at=5)
        before = changes(book)
        close(ledger, claimed, [late], at=6)
        became, told = LATER[action, late]
        assert book.ask("SELECT status FROM attempt") == [(became,)]
        assert statuses(book) == [ROW_OF.get(became, became)]
        assert changes(book) == [*before, *([(0, 6, ROW_OF.get(late, late), "reply")] * told)]
        assert (claim_next(ledger, book) is not None) is (became == "not_taken")


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("second", ["sending", *LATE])
def test_late_evidence_counts_after_the_row_was_claimed_again(
    new_book: "NewBook", late: str, second: str
) -> None:
    """Both attempts are kept; the row is never claimed once one of them is known to be taken."""
    book = new_book(NUMBERS[:1])
    with book.open() as ledger:
        first = claim_next(ledger, book)
        close(ledger, first, ["unknown"])
        resolve.resolve(ledger, book.id, "resend", {0}, at=5)
        again = claim_next(ledger, book)
        assert again is not None
        if second != "sending":
            close(ledger, again, [second], at=6)
        close(ledger, first, [late], at=7)
        became = [LATER["resend", late][0], second]
        assert book.ask("SELECT status FROM attempt ORDER BY id") == [(each,) for each in became]
        weights = dict(ledger.execute("SELECT name, weight FROM status").fetchall())
        heaviest = max(became, key=weights.__getitem__)
        assert statuses(book) == [ROW_OF.get(heaviest, heaviest)]
        void, superseded = second != "sending", statuses(book) != ["sending"]
        with (
            pytest.raises(RunStopped)
            if void
            else pytest.raises(NeverLeft)
            if superseded
            else contextlib.nullcontext()
        ):
            claim.check(ledger, again)
        assert (claim_next(ledger, book) is not None) is (set(became) == {"not_taken"})


def test_a_late_id_is_asked_about_after_a_person_s_sent(new_book: "NewBook") -> None:
    """Without an id nobody can be asked; a late reply brings one, and the last word still comes."""
    book = new_book(NUMBERS[:1])
    with book.open() as ledger:
        claimed = claim_next(ledger, book)
        assert claimed is not None
        close(ledger, claimed, ["unknown"])
        resolve.resolve(ledger, book.id, "sent", {0}, at=5)
        proof = Evidence(1, "queued", "id-1", "Added to queue", due_at=9)
        book.close(ledger, claimed.request_id, [proof], reply="", error=None, at=6)
        [row] = book.rows()
        assert (row.status, row.message_id, row.sent_at) == ("submitted", "id-1", 6)
        assert read.next_due(ledger, book.id, after=0) == 9
        record.record(ledger, [Evidence(1, "delivered")], "poll", at=10)
        assert statuses(book) == ["delivered"]


def test_a_claim_with_a_row_that_proved_to_be_taken_is_not_written(
    new_book: "NewBook", slow_clock: "Clock"
) -> None:
    """The row leaves the request before its first byte; the others go out in the next one."""
    book = new_book(NUMBERS[:3])
    with book.open() as ledger:
        close(ledger, claim_next(ledger, book, limit=1), ["unknown"])
        resolve.resolve(ledger, book.id, "resend", {0}, at=5)
    book.ask(
        "CREATE TRIGGER late AFTER INSERT ON event WHEN new.evidence = 'claim' BEGIN "
        "UPDATE attempt SET status = 'queued' WHERE id = 1; "
        "UPDATE recipient SET status = 'queued' WHERE id = 1; END"
    )
    client = Client.simulated(clock=slow_clock)
    book.send(client)
    assert [entry["toNumber"] for entry in client.simulator.accepted] == NUMBERS[1:3]
    assert statuses(book) == ["queued"] * 3
    assert book.ask("SELECT error FROM request WHERE error IS NOT NULL") == [
        ("A row of it was found to be taken before. Nothing was sent.",)
    ]


# --- what it counts -----------------------------------------------------------------------------


def test_a_row_that_is_sent_again_counts_once_for_the_limit(new_book: "NewBook") -> None:
    """Unknown, it counts; planned again by a person's word it does not, and then it does again."""
    book = new_book(NUMBERS[:3])
    with book.open() as ledger:
        close(ledger, claim_next(ledger, book, limit=2), ["unknown", "queued"])
        assert read.find_campaign(ledger, "spring").taken == 2
        assert claim_next(ledger, book, limit=2) is None
        resolve.resolve(ledger, book.id, "resend", {0}, at=5)
        assert read.find_campaign(ledger, "spring").taken == 1
        claimed = claim_next(ledger, book, limit=2)
        assert claimed is not None
        assert claimed.numbers == [NUMBERS[0]]
        assert read.find_campaign(ledger, "spring").taken == 2
        assert claim_next(ledger, book, limit=2) is None


def test_a_row_that_was_taken_twice_costs_twice(new_book: "NewBook") -> None:
    """When the person was wrong, both messages are billed, and max_cost knows it."""
    book = new_book(NUMBERS[:2])
    price = 50_000_000
    with book.open() as ledger:
        first = claim_next(ledger, book, limit=1)
        assert read.expected_cost(ledger, book.id) == (2 * price, 0)
        close(ledger, first, ["unknown"])
        assert read.expected_cost(ledger, book.id) == (2 * price, 0)
        resolve.resolve(ledger, book.id, "resend", {0}, at=5)
        assert read.expected_cost(ledger, book.id) == (2 * price, 0)
        close(ledger, claim_next(ledger, book, limit=1), ["queued"])
        assert read.expected_cost(ledger, book.id) == (2 * price, 0)
        close(ledger, first, ["queued"])
        assert read.expected_cost(ledger, book.id) == (3 * price, 0)
        resolve.cancel(ledger, book.id, at=6)
        assert read.expected_cost(ledger, book.id) == (2 * price, 0)


def test_a_person_s_word_does_not_free_a_campaign_of_its_gateway(new_book: "NewBook") -> None:
    """Something left for it once, and a late reply of it may still come."""
    book = new_book(NUMBERS[:1])
    with book.open() as ledger:
        unknown_row(book, ledger)
        resolve.resolve(ledger, book.id, "resend", {0}, at=5)
        plan.check_gateway(ledger, book.id, "simulated")
        with pytest.raises(GatewayMismatch, match="is a rehearsal"):
            plan.check_gateway(ledger, book.id, "https://api.smspm.com account 1")


# --- whatever happens ---------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.just(0), st.just("")),
        st.tuples(st.just("tell"), st.integers(0, 9), st.sampled_from([*LATE, "delivered"])),
        st.tuples(st.just("resolve"), st.integers(0, 2), st.sampled_from([*resolve.ACTIONS])),
        st.tuples(st.just("suppress"), st.integers(0, 2), st.just("")),
        st.tuples(st.just("cancel"), st.just(0), st.just("")),
    ),
    min_size=3,
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
def test_nothing_known_to_be_taken_is_ever_claimed(
    new_book: "NewBook", steps: list[tuple[str, int, str]]
) -> None:
    """In whatever order programs, the gateway and people have the word; each row has one status."""
    book = new_book([(number, f"Hi {number}") for number in NUMBERS[:3]])
    suppressed: set[str] = set()
    with book.open() as ledger:
        ledger.execute("INSERT INTO owner (id, started_at, ended_at) VALUES ('me', 0, NULL)")
        for what, which, word in steps:
            before = _attempts(ledger)
            if what == "claim":
                _check_claim(claim_next(ledger, book), before, suppressed)
            elif what == "tell" and which < sum(map(len, before.values())):
                _answer(ledger, which + 1, word)
            elif what == "resolve":
                resolve.resolve(ledger, book.id, word, {which}, at=3)
            elif what == "suppress":
                resolve.suppress(ledger, book.id, marks(which + 1), at=4)
                suppressed.add(NUMBERS[which])
            elif what == "cancel":
                resolve.cancel(ledger, book.id, at=5)
            assert sum(read.count_by_status(ledger, book.id).values()) == 3
            _check_history(ledger, book.id)


def _attempts(ledger: Ledger) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, status in ledger.execute(
        "SELECT number, attempt.status FROM attempt JOIN recipient ON recipient.id = recipient_id"
    ):
        found.setdefault(number, []).append(status)
    return found


def _answer(ledger: Ledger, attempt_id: int, status: str) -> None:
    request_id, recipient_id = ledger.one(
        "SELECT request_id, recipient_id FROM attempt WHERE id = ?", attempt_id
    )
    answered = Answered(request_id, [recipient_id], [Evidence(attempt_id, status)], "", None)
    with ledger.transaction():
        record.close_requests(ledger, [answered], at=2)


def _check_claim(claimed: Claim | None, before: dict[str, list[str]], suppressed: set[str]) -> None:
    for number in claimed.numbers if claimed else ():
        assert set(before.get(number, ())) <= {"not_taken"}
        assert number not in suppressed


def _check_history(ledger: Ledger, campaign_id: int) -> None:
    """Whatever a row is, its history says so."""
    told: dict[int, set[str]] = {0: {"planned"}, 1: {"planned"}, 2: {"planned"}}
    for change in looking.history(ledger, campaign_id):
        told[change.position].add(change.status)
    for position, row in enumerate(looking.rows(ledger, campaign_id)):
        assert row.status in told[position]
