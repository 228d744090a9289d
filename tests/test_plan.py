import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.delivery.ledger import owners, plan, read, record
from smspm_campaigns.delivery.ledger.claim import Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.plan import PlannedRow
from smspm_campaigns.exceptions import CampaignConflict, CampaignNotFound, GatewayMismatch

if TYPE_CHECKING:
    from conftest import Freeze, NewBook

NUMBERS = [str(37250000000 + step) for step in range(10)]


def row(number: str | None = NUMBERS[0], text: str | None = "Hi", **changes: Any) -> PlannedRow:
    made = PlannedRow(
        *(number, "EE", "mobile", text, "SMSPM.com", "GSM-7", 1, 50_000_000),
        *(None, None, None, "[]"),
    )
    return made._replace(**changes)


# --- the fingerprint ----------------------------------------------------------------------------


Digest = Callable[..., str]


@pytest.fixture(scope="session")
def digest(freeze: "Freeze") -> Digest:
    """The fingerprint of a plan of these rows."""
    return lambda *rows: freeze(rows).fingerprint


def test_the_digest_of_a_plan_is_that_of_the_first_ledgers(digest: Digest) -> None:
    """Ledgers hold it: another digest would make a campaign of before look like another plan."""
    first = row("491713920012", 'Hi "Õnne"\n€ 😀\x7f', sender="Shop")
    assert digest(first, row("4917139200", "Hi"), row("4917139200", "Ha"), first) == (
        "9320b9431e08a6d323d91c8c2eb0f9dfa8c77462e36d00cd93d9c73c9e7bf2f8"
    )
    assert digest() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


MESSAGES = st.tuples(
    st.from_regex(r"[1-9][0-9]{4,14}", fullmatch=True)
    | st.sampled_from([*NUMBERS, "12345", "123450", "1234500", "1234501"]),
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.sampled_from(["SMSPM.com", "Shop"]),
)


@given(st.lists(MESSAGES))
def test_the_digest_is_of_sorted_lines_of_json(
    digest: Digest, messages: list[tuple[str, str, str]]
) -> None:
    """As it was first written, for whatever numbers and texts."""
    lines = sorted(json.dumps(message) for message in messages)
    rows = [row(number, text, sender=sender) for number, text, sender in messages]
    assert digest(*rows) == hashlib.sha256("\n".join(lines).encode()).hexdigest()


@given(
    st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from("ab"))).flatmap(
        lambda rows: st.tuples(st.just(rows), st.permutations(rows))
    )
)
def test_the_order_of_rows_is_no_part_of_a_plan(
    digest: Digest,
    drawn: tuple[list[tuple[str, str]], list[tuple[str, str]]],
) -> None:
    """Equal multisets of messages are one plan."""
    one, other = drawn
    assert digest(*(row(*message) for message in one)) == digest(
        *(row(*message) for message in other)
    )


def test_only_number_text_sender_and_how_often_make_a_plan(digest: Digest) -> None:
    """Whatever else a row has may change; rows with a problem are no part of it."""
    same = digest(row())
    for changed in (
        row(cost=1),
        row(country=None),
        row(detail="x"),
        row(original='["a"]'),
        row(segments=2),
    ):
        assert digest(changed) == same
    assert digest(row(), row(NUMBERS[1], problem="duplicate", problems="duplicate")) == same
    others = {
        digest(row(NUMBERS[1])),
        digest(row(text="Ho")),
        digest(row(sender="Shop")),
        digest(row(), row()),
        digest(),
    }
    assert len({same, *others}) == 6


def test_no_text_can_be_taken_for_two_rows(digest: Digest) -> None:
    """A line break or a quote in a text does not make another plan look equal."""
    assert digest(row(text='a"],["b')) != digest(row(text="a"), row(text="b"))
    assert digest(row(text="a\nb")) != digest(row(text="a"), row(text="b"))


# --- creating -----------------------------------------------------------------------------------


def test_the_rows_are_kept_in_their_order(new_book: "NewBook") -> None:
    """Everything of each row, planned or excluded, as the frame had it."""
    nothing = dict.fromkeys(("country", "line", "sender", "encoding", "segments", "cost"))
    given_rows = [
        row(NUMBERS[0], "one"),
        row(NUMBERS[1], "two", problem="opted_out", problems="opted_out duplicate", detail="x"),
        row(NUMBERS[2], "one", original='["b"]', cost=None, country=None, line=None),
        row(None, None, **nothing, problem="missing_number", problems="missing_number"),
    ]
    book = new_book(given_rows)
    kept = book.rows()
    assert [
        PlannedRow(
            *(found.number, found.country, found.line, found.text, found.sender),
            *(found.encoding, found.segments, found.cost, found.problem, found.problems),
            *(found.detail, found.original),
        )
        for found in kept
    ] == given_rows
    assert [found.status for found in kept] == ["planned", "excluded", "planned", "excluded"]
    places = book.ask("SELECT sequence FROM recipient ORDER BY position")
    assert places == [(0,), (None,), (1,), (None,)]


@pytest.mark.parametrize(("more", "is_made_again"), [(3, False), (4, True)])
def test_an_index_is_made_again_when_most_rows_are_new(
    new_book: "NewBook", more: int, is_made_again: bool
) -> None:
    """It is what it was, and knows the rows of before and the new ones."""
    book = new_book(NUMBERS[:3])
    schema = book.ask("SELECT * FROM sqlite_master")
    changes = book.ask("PRAGMA schema_version")
    book.add("more", [row(number, "Ho") for number in NUMBERS[:more]])
    assert (book.ask("PRAGMA schema_version") != changes) is is_made_again
    assert sorted(book.ask("SELECT type, name, sql FROM sqlite_master"), key=str) == sorted(
        [(kind, name, sql) for kind, name, _, _, sql in schema], key=str
    )
    assert book.ask("PRAGMA integrity_check") == [("ok",)]
    found = "SELECT count(*) FROM recipient INDEXED BY recipient_by_number WHERE number = ?"
    assert book.ask(found, NUMBERS[0]) == [(2,)]


def test_a_campaign_that_is_refused_leaves_the_ledger_as_it_was(new_book: "NewBook") -> None:
    """Its indexes, too."""
    book = new_book(NUMBERS[:1])
    book.ask("UPDATE campaign SET gateway = 'https://x.test account 1'")
    book.ask("UPDATE recipient SET status = 'delivered'")
    schema = book.ask("SELECT * FROM sqlite_master")
    with pytest.raises(CampaignConflict):
        book.add("again", [row(number) for number in NUMBERS], allow_repeat=False)
    assert book.ask("SELECT * FROM sqlite_master") == schema
    assert book.ask("SELECT count(*) FROM recipient") == [(1,)]
    assert book.ask("PRAGMA integrity_check") == [("ok",)]


def test_the_same_plan_is_the_same_campaign(new_book: "NewBook", freeze: "Freeze") -> None:
    """A notebook that runs twice adds nothing, in whatever order its rows are."""
    book = new_book(NUMBERS[:3])
    again = [row(number) for number in reversed(NUMBERS[:3])]
    with book.open() as ledger:
        assert [
            plan.create_campaign(ledger, name, freeze(again), allow_repeat=False, at=0)
            for name in ("spring", "summer", "summer")
        ] == [False, True, False]
    assert book.ask(
        "SELECT name, count(*) FROM campaign JOIN recipient ON campaign.id = campaign_id "
        "GROUP BY name"
    ) == [("spring", 3), ("summer", 3)]


def test_another_plan_under_the_name_says_what_differs(new_book: "NewBook") -> None:
    """How many messages on either side, how many were taken, and how to go on."""
    book = new_book(NUMBERS[:3])
    book.ask("UPDATE campaign SET taken = 1")
    with pytest.raises(CampaignConflict) as caught:
        book.add("spring", [row(NUMBERS[0]), row(NUMBERS[1], "Ho"), row(NUMBERS[0])])
    assert str(caught.value) == (
        "There is a campaign 'spring' with another plan: 2 of its messages are not in this frame, "
        "2 of this frame not in it, and 1 of it were already taken. Campaign.open('spring')"
        ".send(…) goes on with the frozen plan; another name makes a new campaign."
    )


@pytest.mark.parametrize(
    ("gateway", "status", "text", "sender", "refused"),
    [
        ("https://api.smspm.com account 1", "delivered", "Hi", "SMSPM.com", True),
        ("https://api.smspm.com account 1", "unknown", "Hi", "SMSPM.com", True),
        ("https://api.smspm.com account 1", "sending", "Hi", "SMSPM.com", True),
        ("https://api.smspm.com account 1", "queued", "Hi", "Shop", True),  # the same text twice
        ("https://api.smspm.com account 1", "delivered", "Ho", "SMSPM.com", False),
        ("https://api.smspm.com account 1", "planned", "Hi", "SMSPM.com", False),
        ("https://api.smspm.com account 1", "refused", "Hi", "SMSPM.com", False),
        ("simulated", "delivered", "Hi", "SMSPM.com", False),  # a rehearsal
        (None, "planned", "Hi", "SMSPM.com", False),
    ],
)
def test_what_another_campaign_took_for_real_is_refused(
    new_book: "NewBook", gateway: str | None, status: str, text: str, sender: str, refused: bool
) -> None:
    """The same text to the same number, unless it may be repeated; nothing is left of the try."""
    book = new_book([row(NUMBERS[0]), row(NUMBERS[1])])
    book.ask("UPDATE campaign SET gateway = ?", gateway)
    book.ask("UPDATE recipient SET status = ? WHERE number = ?", status, NUMBERS[0])
    again = [row(NUMBERS[0], text, sender=sender), row(NUMBERS[2])]
    if refused:
        with pytest.raises(CampaignConflict) as caught:
            book.add("again", again, allow_repeat=False)
        assert str(caught.value) == (
            "1 messages of 'again' were already taken by another campaign ('spring'): the same "
            "text to the same number. Leave these people out, or pass allow_repeat=True to text "
            "them again."
        )
        assert book.ask("SELECT name FROM campaign") == [("spring",)]
        book.add("again", again, allow_repeat=True)
    else:
        book.add("again", again, allow_repeat=False)


def test_an_excluded_row_takes_nothing_from_another_campaign(new_book: "NewBook") -> None:
    """Only rows that would be sent are looked at."""
    book = new_book([row(NUMBERS[0])])
    book.ask("UPDATE campaign SET gateway = 'https://x.test account 1'")
    book.ask("UPDATE recipient SET status = 'delivered'")
    excluded = row(NUMBERS[0], problem="duplicate", problems="duplicate")
    book.add("again", [excluded, row(NUMBERS[1])], allow_repeat=False)


def test_a_campaign_is_bound_once_something_was_taken(new_book: "NewBook") -> None:
    """Until then it may change its gateway: a wrong hash that was refused locks nobody out."""
    book = new_book(NUMBERS[:2])
    real = "https://x.test account 1"
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        for gateway, proof in ((real, "not_taken"), ("simulated", "unknown")):
            claimed = book.claim(ledger, Order(book.id, owner, gateway, None), at=0)
            assert claimed is not None
            for attempt in claimed.attempts.values():
                record.record(ledger, [Evidence(attempt, proof)], "reply", at=0)
            assert read.find_campaign(ledger, "spring").gateway == gateway
        with pytest.raises(GatewayMismatch, match="'spring' is a rehearsal on the simulator"):
            plan.check_gateway(ledger, book.id, real)
        plan.check_gateway(ledger, book.id, "simulated")


# --- reading ------------------------------------------------------------------------------------


def test_a_campaign_that_is_not_there_is_said_with_those_that_are(new_book: "NewBook") -> None:
    """The newest first, ten of them."""
    book = new_book([])
    for number in range(11):
        book.add(f"c{number}", [row()])
    with book.open() as ledger:
        with pytest.raises(CampaignNotFound) as caught:
            read.find_campaign(ledger, "sprung")
        assert str(caught.value) == (
            f"No campaign 'sprung' in the ledger at {book.path}. It has: c10, c9, c8, c7, c6, c5, "
            "c4, c3, c2, c1."
        )
        assert [found.name for found in read.all_campaigns(ledger)][:2] == ["c10", "c9"]


def test_the_expected_cost_is_of_what_is_taken_unknown_and_planned(new_book: "NewBook") -> None:
    """Excluded and refused rows cost nothing; rows without a price are counted."""
    costs = [row(number, cost=10**place) for place, number in enumerate(NUMBERS[:6])]
    book = new_book([*costs, row(NUMBERS[6], cost=None)])
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        claimed = book.claim(ledger, Order(book.id, owner, "simulated", 5), at=0)
        assert claimed is not None
        proofs = ("not_taken", "sending", "unknown", "delivered", "refused")
        for attempt, proof in zip(claimed.attempts.values(), proofs, strict=True):
            record.record(ledger, [Evidence(attempt, proof)], "reply", at=0)
        ledger.execute(
            "UPDATE recipient SET status = 'excluded', standing = 'excluded', "
            "problem = 'opted_out' WHERE position = 5"
        )
        assert read.expected_cost(ledger, book.id) == (1111, 1)
        plan.set_max_cost(ledger, book.id, 5)
        found = read.find_campaign(ledger, "spring")
        assert (found.taken, found.taken_cost, found.max_cost) == (3, 1110, 5)
