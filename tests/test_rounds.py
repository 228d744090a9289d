"""Several replies and claims in one commit are what they are one by one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.delivery.ledger import Ledger, owners, plan, record, rounds
from smspm_campaigns.delivery.ledger.claim import Claim, Claimer, Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.record import Answered
from smspm_campaigns.exceptions import BudgetExceeded, CampaignConflict, LedgerError

if TYPE_CHECKING:
    from conftest import Book, NewBook

NUMBERS = [str(37250000000 + step) for step in range(400)]
STATUSES = ("queued", "queued", "queued", "unknown", "refused", "not_taken")

Rows = list[tuple[str, str, str]]


def personal(count: int) -> Rows:
    return [(number, f"Hi {number}", "SMSPM.com") for number in NUMBERS[:count]]


def claimer_of(book: "Book", owner: owners.Owner, limit: int | None = None) -> Claimer:
    return Claimer(Order(book.id, owner, "simulated", limit))


def claim_in_rounds(book: "Book", sizes: Sequence[int], limit: int | None = None) -> list[Claim]:
    """Claim everything, so many requests at once, again and again."""
    claims: list[Claim] = []
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        claimer = claimer_of(book, owner, limit)
        left, turn = True, 0
        while left:
            most = sizes[turn % len(sizes)]
            made = rounds.keep(ledger, claimer, [], most=most, most_rows=800, at=turn)
            assert made.objection is None
            assert len(made.claims) <= most
            claims += made.claims
            left, turn = made.is_anything_left, turn + 1
    return claims


def answered(claim: Claim, evidence: Sequence[Evidence]) -> Answered:
    return Answered(claim.request_id, claim.recipients, evidence, "{}", None)


def dump(ledger: Ledger) -> list[list[tuple[object, ...]]]:
    return [
        ledger.all(sql)
        for sql in (
            "SELECT id, recipient_id, status, message_id, error, sent_at FROM attempt ORDER BY id",
            "SELECT id, status, standing, request_size FROM recipient ORDER BY id",
            "SELECT taken, taken_cost FROM campaign",
            "SELECT attempt_id, at, status, evidence, error FROM change ORDER BY attempt_id, id",
        )
    ]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(NUMBERS[:9]), st.sampled_from("abc"), st.sampled_from("xy")),
        max_size=40,
    ),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    limit=st.none() | st.integers(0, 45),
)
def test_requests_claimed_together_are_those_claimed_one_by_one(
    new_book: "NewBook", rows: Rows, sizes: list[int], limit: int | None
) -> None:
    """The same numbers in the same requests in the same order, limit included."""
    one, many = (claim_in_rounds(new_book(rows), each, limit) for each in ([1], sizes))
    assert [(each.text, each.sender, each.attempts) for each in many] == [
        (each.text, each.sender, each.attempts) for each in one
    ]


@settings(max_examples=40, deadline=None)
@given(
    replies=st.lists(
        st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 30)), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_replies_recorded_together_are_those_recorded_one_by_one(
    new_book: "NewBook", replies: list[list[tuple[str, int]]]
) -> None:
    """Attempts, rows, counts and history are the same; an id that comes twice proves nothing."""
    rows = [(number, f"Hi {place // 3}", "x") for place, number in enumerate(NUMBERS[:15])]
    dumps = []
    for together in (True, False):
        book = new_book(rows)
        with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
            made = rounds.keep(
                ledger, claimer_of(book, owner), [], most=len(replies), most_rows=800, at=1
            )
            closed = [
                answered(
                    claim,
                    [
                        Evidence(attempt, status, f"id-{told}" if status == "queued" else None)
                        for attempt, (status, told) in zip(
                            claim.attempts.values(), reply, strict=True
                        )
                    ],
                )
                for claim, reply in zip(made.claims, replies, strict=True)
            ]
            for batch in [closed] if together else [[each] for each in closed]:
                with ledger.transaction():
                    record.close_requests(ledger, batch, at=2)
            dumps.append(dump(ledger))
    ids = [told for reply in replies for status, told in reply if status == "queued"]
    if len(ids) == len(set(ids)):
        assert dumps[0] == dumps[1]
    for attempts, *_ in dumps:  # which of two with one id is believed may differ
        known = [str(attempt[3]) for attempt in attempts if attempt[3]]
        assert sorted(known) == sorted({f"id-{told}" for told in ids})


def test_a_request_is_not_cut_because_there_is_no_room(new_book: "NewBook") -> None:
    """It waits until there is: as few requests are made as can be."""
    book = new_book([*((number, "Hi") for number in NUMBERS[:250])])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        claimer = claimer_of(book, owner)
        sizes = []
        for room in (99, 249, 49, 800):
            made = rounds.keep(ledger, claimer, [], most=8, most_rows=room, at=0)
            sizes.append([len(each.attempts) for each in made.claims])
            assert made.is_anything_left == (room != 800)
    assert sizes == [[], [100, 100], [], [50]]


def test_what_speaks_against_a_claim_leaves_what_was_recorded(new_book: "NewBook") -> None:
    """A reply that came is kept, and nothing of the claim is."""
    book = new_book(personal(4))
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        claimer = claimer_of(book, owner)
        [claim] = rounds.keep(ledger, claimer, [], most=1, most_rows=800, at=0).claims
        plan.set_max_cost(ledger, book.id, 1)
        proof = Evidence(1, "queued", "id-1", "Added to queue")
        made = rounds.keep(ledger, claimer, [answered(claim, [proof])], most=3, most_rows=800, at=1)
        assert made.claims == []
        assert isinstance(made.objection, BudgetExceeded)
        assert book.ask("SELECT count(*) FROM request") == [(1,)]
    assert book.counts() == {"queued": 1, "planned": 3}


def test_what_a_budget_allows_of_a_round_is_claimed(new_book: "NewBook") -> None:
    """The first that is too much is not, and neither is what follows it."""
    book = new_book(personal(4))  # 0.05 EUR each
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        plan.set_max_cost(ledger, book.id, 120_000_000)
        claimer = claimer_of(book, owner)
        made = rounds.keep(ledger, claimer, [], most=4, most_rows=800, at=0)
        assert (len(made.claims), made.is_anything_left, made.objection) == (2, True, None)
        made = rounds.keep(ledger, claimer, [], most=4, most_rows=800, at=0)
        assert isinstance(made.objection, BudgetExceeded)
    assert book.ask("SELECT taken, taken_cost FROM campaign") == [(2, 100_000_000)]


def test_what_another_campaign_takes_after_the_first_look_is_seen(new_book: "NewBook") -> None:
    """All is looked at once; from the moment that anybody else writes, each request again."""
    book = new_book([])
    ours, theirs = (book.add(name, personal(3), allow_repeat=False) for name in ("ours", "theirs"))
    real = "https://x.test account 1"
    with (
        book.open() as ledger,
        book.open() as another,
        owners.hold(ledger, lambda: 0) as owner,
        owners.hold(another, lambda: 0) as other,
    ):
        claimer = Claimer(Order(ours, owner, real, None))
        assert len(rounds.keep(ledger, claimer, [], most=1, most_rows=9, at=0).claims) == 1
        rival = Claimer(Order(theirs, other, real, None))
        refused = rounds.keep(another, rival, [], most=1, most_rows=9, at=0)
        assert isinstance(refused.objection, CampaignConflict)
        another.execute("UPDATE campaign SET allow_repeat = 1 WHERE id = ?", (theirs,))
        assert len(rounds.keep(another, rival, [], most=3, most_rows=9, at=0).claims) == 3
        made = rounds.keep(ledger, claimer, [], most=2, most_rows=9, at=0)
        assert isinstance(made.objection, CampaignConflict)
        assert made.claims == []
        left = "SELECT (SELECT count(*) FROM request WHERE campaign_id = ?), taken FROM campaign "
        assert ledger.all(left + "WHERE id = ?", ours, ours) == [(1, 1)]


def test_a_round_that_cannot_be_written_claims_and_records_nothing(new_book: "NewBook") -> None:
    """All of it or nothing, and the next one does it."""
    book = new_book(personal(3))
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        claimer = claimer_of(book, owner)
        [claim] = rounds.keep(ledger, claimer, [], most=1, most_rows=800, at=0).claims
        closed = [answered(claim, [Evidence(1, "queued", "id-1", "Added to queue")])]
        ledger.execute(
            "CREATE TRIGGER full BEFORE INSERT ON attempt BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        with pytest.raises(LedgerError, match="full"):
            rounds.keep(ledger, claimer, closed, most=1, most_rows=800, at=1)
        assert book.counts() == {"sending": 1, "planned": 2}
        ledger.execute("DROP TRIGGER full")
        made = rounds.keep(ledger, claimer, closed, most=1, most_rows=800, at=1)
        assert len(made.claims) == 1
        assert book.counts() == {"queued": 1, "sending": 1, "planned": 1}


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_limit_below_what_was_taken_takes_nothing(new_book: "NewBook", limit: int) -> None:
    """It is no request for fewer than none."""
    book = new_book(personal(5))
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        assert (
            len(rounds.keep(ledger, claimer_of(book, owner), [], most=2, most_rows=9, at=0)[0]) == 2
        )
        made = rounds.keep(ledger, claimer_of(book, owner, limit), [], most=3, most_rows=9, at=0)
    assert made == ([], False, "go", None)
