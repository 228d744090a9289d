import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.batches import count_requests
from smspm_campaigns.delivery.ledger import claim, owners, plan, read, record
from smspm_campaigns.delivery.ledger.claim import Claim, Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.plan import PlannedRow
from smspm_campaigns.exceptions import BudgetExceeded, CampaignConflict, RunStopped

if TYPE_CHECKING:
    from conftest import Book, NewBook

NUMBERS = [str(37250000000 + step) for step in range(1000)]


def priced(number: str, cost: int | None) -> PlannedRow:
    """A row that is a request of its own."""
    row = dict.fromkeys(PlannedRow._fields)
    message = {"number": number, "text": f"Hi {number}", "sender": "SMSPM.com", "original": "[]"}
    return PlannedRow(**{**row, **message, "cost": cost})  # type: ignore[arg-type]


def claim_all(book: "Book", limit: int | None = None) -> list[Claim]:
    claims = []
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        while claimed := book.claim(ledger, Order(book.id, owner, "simulated", limit), at=7):
            claims.append(claimed)
    return claims


def test_a_claim_is_what_the_request_will_be(new_book: "NewBook") -> None:
    """Its numbers, text and sender, with an attempt for each, all of it on disk."""
    book = new_book(NUMBERS[:3])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        claimed = book.claim(ledger, Order(book.id, owner, "simulated", None), at=7)
        assert claimed == Claim(
            claimed.request_id if claimed else "",
            "Hi",
            "SMSPM.com",
            dict(zip(NUMBERS[:3], (1, 2, 3), strict=True)),
            [1, 2, 3],
        )
        assert claimed.numbers == NUMBERS[:3]
        # seen by another connection: it is committed
        assert book.statuses() == dict.fromkeys(NUMBERS[:3], "sending")
        assert book.ask("SELECT id, owner_id, claimed_at, answered_at FROM request") == [
            (claimed.request_id, owner.id, 7, None)
        ]
        assert book.ask("SELECT attempt_id, at, status, evidence FROM change") == [
            (attempt, 7, "sending", "claim") for attempt in (1, 2, 3)
        ]
        assert book.claim(ledger, Order(book.id, owner, "simulated", None), at=8) is None


def test_requests_hold_a_hundred_of_one_text_and_sender(new_book: "NewBook") -> None:
    """Neither texts nor senders are mixed, and no more requests are made than must be."""
    rows = [(number, text, "SMSPM.com") for text in "ab" for number in NUMBERS[:150]]
    rows += [(number, "a", "Shop") for number in NUMBERS[150:160]]
    claims = claim_all(new_book(rows))
    assert [(one.text, one.sender, len(one.attempts)) for one in claims] == [
        ("a", "SMSPM.com", 100),
        ("a", "SMSPM.com", 50),
        ("b", "SMSPM.com", 100),
        ("b", "SMSPM.com", 50),
        ("a", "Shop", 10),
    ]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(NUMBERS[:12]), st.sampled_from("ab"), st.sampled_from("xy")),
        max_size=40,
    )
)
def test_no_claim_holds_a_number_twice_or_mixes_contents(
    new_book: "NewBook", rows: list[tuple[str, str, str]]
) -> None:
    """Every row is claimed exactly once, in as few requests as there can be."""
    book = new_book(rows)
    claims = claim_all(book)
    assert sorted((n, one.text, one.sender) for one in claims for n in one.numbers) == sorted(rows)
    assert len(claims) == count_requests(
        [number for number, *_ in rows], [message[1:] for message in rows]
    )
    attempts = [attempt for one in claims for attempt in one.attempts.values()]
    assert len(set(attempts)) == len(attempts) == len(rows)


def test_excluded_and_other_campaigns_rows_are_never_claimed(new_book: "NewBook") -> None:
    """Only what is planned here goes out."""
    book = new_book([(NUMBERS[0], "Hi", "SMSPM.com", "opted_out"), NUMBERS[1]])
    book.add("other", [NUMBERS[2]])
    assert [one.numbers for one in claim_all(book)] == [[NUMBERS[1]]]


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        (None, [100, 100, 50]),
        (0, []),
        (1, [1]),
        (100, [100]),
        (101, [100, 1]),
        (250, [100, 100, 50]),
        (9999, [100, 100, 50]),
    ],
)
def test_a_limit_is_never_passed(new_book: "NewBook", limit: int | None, sizes: list[int]) -> None:
    """The last request is cut to what is left of it."""
    assert [len(one.attempts) for one in claim_all(new_book(NUMBERS[:250]), limit)] == sizes


def test_a_limit_counts_all_that_was_ever_taken(new_book: "NewBook") -> None:
    """Unknown rows may have cost money and count; refused ones and those not taken do not."""
    book = new_book(NUMBERS[:10])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        for status in ("queued", "unknown", "refused", "not_taken"):
            taken = {"queued": 0, "unknown": 1, "refused": 2, "not_taken": 2}[status]
            claimed = book.claim(ledger, Order(book.id, owner, "simulated", taken + 1), at=0)
            assert claimed is not None
            assert len(claimed.attempts) == 1
            [attempt] = claimed.attempts.values()
            record.record(ledger, [Evidence(attempt, status)], "reply", at=0)
        assert book.claim(ledger, Order(book.id, owner, "simulated", 2), at=0) is None
    assert book.counts() == {"queued": 1, "unknown": 1, "refused": 1, "planned": 7}


def test_a_claim_of_a_number_keeps_the_next_row_of_that_number_for_the_next(
    new_book: "NewBook",
) -> None:
    """A number that stands in the plan twice gets two requests, each row its own attempt."""
    book = new_book([NUMBERS[0], NUMBERS[0], NUMBERS[1]])
    assert sorted(sorted(one.numbers) for one in claim_all(book)) == [
        [NUMBERS[0]],
        NUMBERS[:2],
    ]


def test_several_owners_claim_different_rows(new_book: "NewBook") -> None:
    """However they race, each row is in one claim."""
    book = new_book(NUMBERS)
    claims: list[Claim] = []
    threads = [
        threading.Thread(target=lambda: claims.extend(claim_all(book, limit=None)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for one in claims for number in one.numbers) == NUMBERS
    assert len({one.request_id for one in claims}) == len(claims) == 10


def test_a_claim_stands_until_its_owner_is_declared_dead(new_book: "NewBook") -> None:
    """Just before writing, this is asked."""
    book = new_book(NUMBERS[:2])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        claimed = book.claim(ledger, Order(book.id, owner, "simulated", None), at=0)
        assert claimed is not None
        claim.check(ledger, claimed)
        record.record(ledger, [Evidence(1, "unknown")], "dead owner", at=0)
        with pytest.raises(RunStopped, match="this one seemed dead"):
            claim.check(ledger, claimed)


def test_an_owner_that_was_declared_dead_claims_no_more(new_book: "NewBook") -> None:
    """Nobody would ever look for its claims again."""
    book = new_book(NUMBERS[:2])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        ledger.execute("UPDATE owner SET ended_at = 1")
        with pytest.raises(RunStopped, match="this one seemed dead"):
            book.claim(ledger, Order(book.id, owner, "simulated", None), at=0)
    assert book.counts() == {"planned": 2}


def test_a_refused_list_is_halved_until_single_numbers_are_asked(new_book: "NewBook") -> None:
    """Each half is a fresh claim; other rows keep requests of their full size."""
    book = new_book([*NUMBERS[:7], *((number, "Ho") for number in NUMBERS[:5])])
    sizes = []
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        while claimed := book.claim(ledger, Order(book.id, owner, "simulated", None), at=0):
            sizes.append((claimed.text, len(claimed.attempts)))
            refused = claimed.text == "Hi" and len(claimed.attempts) > 1
            status = "not_taken" if refused else "queued"
            evidence = [Evidence(attempt, status) for attempt in claimed.attempts.values()]
            book.close(
                ledger, claimed.request_id, evidence, reply="", error=None, halve=refused, at=0
            )
    assert sizes == [
        *[("Hi", 7), ("Hi", 4), ("Hi", 2), ("Hi", 1), ("Hi", 1)],  # the first four
        *[("Hi", 2), ("Hi", 1), ("Hi", 1)],
        *[("Hi", 3), ("Hi", 2), ("Hi", 1), ("Hi", 1), ("Hi", 1)],  # and the other three
        ("Ho", 5),
    ]
    assert book.counts() == {"queued": 12}


# --- the budget, whoever set it and whoever else is sending --------------------------------------


def test_a_request_above_the_budget_is_not_claimed(new_book: "NewBook") -> None:
    """A bound that is set while a run goes on binds its next request; nothing of it is left."""
    book = new_book([priced(number, 50_000_000) for number in NUMBERS[:3]])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        order = Order(book.id, owner, "simulated", None)
        assert book.claim(ledger, order, at=0) is not None
        with book.open() as another:
            plan.set_max_cost(another, book.id, 100_000_000)
        assert book.claim(ledger, order, at=0) is not None
        with pytest.raises(BudgetExceeded) as caught:
            book.claim(ledger, order, at=0)
    assert str(caught.value) == (
        "The next request would bring the campaign to 0.15 EUR, and 0.10 EUR are allowed. Nothing "
        "more was sent; raise max_cost or leave rows out."
    )
    assert book.ask("SELECT count(*) FROM request") == [(2,)]
    assert book.counts() == {"unknown": 2, "planned": 1}


def test_a_request_without_a_price_is_not_claimed_under_a_budget(new_book: "NewBook") -> None:
    """Whether it fits is not known."""
    book = new_book([priced(NUMBERS[0], None)])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        plan.set_max_cost(ledger, book.id, 10**12)
        with pytest.raises(BudgetExceeded, match="to a price that is not known"):
            book.claim(ledger, Order(book.id, owner, "simulated", None), at=0)
    assert book.counts() == {"planned": 1}


@given(
    costs=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    proofs=st.lists(st.sampled_from(["not_taken", "unknown", "queued", "refused"]), min_size=40),
    bound=st.integers(0, 60),
)
@settings(max_examples=60, deadline=None)
def test_what_is_taken_never_costs_more_than_the_budget(
    new_book: "NewBook", costs: list[int], proofs: list[str], bound: int
) -> None:
    """Whatever becomes of each request; what the campaign says it took is what its attempts say."""
    rows = [priced(number, cost) for number, cost in zip(NUMBERS, costs, strict=False)]
    book = new_book(rows)
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        plan.set_max_cost(ledger, book.id, bound)
        for proof in proofs:
            try:
                claimed = book.claim(ledger, Order(book.id, owner, "simulated", None), at=0)
            except BudgetExceeded:
                break
            if claimed is None:
                break
            for attempt in claimed.attempts.values():
                record.record(ledger, [Evidence(attempt, proof)], "reply", at=0)
            found = read.find_campaign(ledger, "spring")
            assert found.taken_cost <= bound
            assert (found.taken, found.taken_cost) == ledger.one(
                "SELECT count(*), coalesce(sum(cost), 0) FROM attempt "
                "JOIN recipient ON recipient.id = recipient_id "
                "JOIN status ON status.name = attempt.status AND taken"
            )


# --- what another campaign takes meanwhile -------------------------------------------------------


def test_what_another_campaign_took_meanwhile_is_not_claimed(new_book: "NewBook") -> None:
    """Two runs at once do not text a person the same thing twice; a rehearsal is no such run."""
    book = new_book([])
    one, two, trying = (
        book.add(name, NUMBERS[:2], allow_repeat=False) for name in ("one", "two", "trying")
    )
    real = "https://x.test account 1"
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        assert book.claim(ledger, Order(trying, owner, "simulated", None), at=0) is not None
        assert book.claim(ledger, Order(one, owner, real, 1), at=0) is not None
        with pytest.raises(
            CampaignConflict, match=r"1 messages of 'two' were already taken .*'one'"
        ):
            book.claim(ledger, Order(two, owner, real, None), at=0)
        assert read.count_by_status(ledger, two) == {"planned": 2}
