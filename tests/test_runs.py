"""What anybody may see of a run and ask of it, as it stands in the ledger."""

from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from smspm_campaigns.delivery.ledger import Ledger, owners, runs
from smspm_campaigns.delivery.ledger.claim import Order
from smspm_campaigns.delivery.ledger.owners import Ending, Entry
from smspm_campaigns.delivery.ledger.runs import RunRecord
from smspm_campaigns.exceptions import LedgerError, RunStopped

if TYPE_CHECKING:
    from conftest import Book, NewBook

NUMBERS = [str(37250000000 + step) for step in range(5)]


def claimed(ledger: Ledger, book: "Book", owner: owners.Owner) -> bool:
    return book.claim(ledger, Order(book.id, owner, "simulated", 1), at=0) is not None


@pytest.mark.parametrize(
    ("asked", "wish"),
    [
        ([], "go"),
        (["pause"], "pause"),
        (["pause", "pause"], "pause"),
        (["pause", "go"], "go"),
        (["go"], "go"),
        (["stop"], "stop"),
        (["pause", "stop"], "stop"),
        (["stop", "pause"], "stop"),  # a stop is never taken back
        (["stop", "go"], "stop"),
        (["pause", "stop", "go", "pause"], "stop"),
    ],
)
def test_the_last_wish_counts_and_a_stop_is_the_last_word(
    asked: list[str], wish: str, new_book: "NewBook"
) -> None:
    """Nothing is claimed by a run that is to pause or to stop."""
    book = new_book(NUMBERS)
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        for word in asked:
            runs.ask(ledger, owner.id, word)
        assert runs.wish_of(ledger, owner.id) == wish
        assert claimed(ledger, book, owner) == (wish == "go")
    assert book.ask("SELECT count(*) FROM request") == [(int(wish == "go"),)]


@pytest.mark.parametrize("kind", ["send", "track"])
@pytest.mark.parametrize("wish", ["go", "pause", "stop"])
@pytest.mark.parametrize("in_flight", [True, False])
def test_a_campaign_is_being_sent_while_something_of_it_may_be_accepted(
    kind: Literal["send", "track"], wish: str, in_flight: bool, new_book: "NewBook"
) -> None:
    """Not by a tracker, nor by a run that is paused or ends with nothing in flight."""
    book = new_book(NUMBERS)
    with book.open() as ledger:
        with owners.hold(ledger, lambda: 0, Entry("me", book.id, kind)) as owner:
            assert claimed(ledger, book, owner) if in_flight else True
            runs.ask(ledger, owner.id, wish)
            is_sent = kind == "send" and (wish == "go" or in_flight)
            assert runs.is_being_sent(ledger, book.id) is is_sent
        assert not runs.is_being_sent(ledger, book.id)


def test_a_wish_is_that_of_one_run(new_book: "NewBook") -> None:
    """The other one goes on."""
    book = new_book(NUMBERS)
    with (
        book.open() as ledger,
        owners.hold(ledger, lambda: 0) as paused,
        owners.hold(ledger, lambda: 0) as other,
    ):
        runs.ask(ledger, paused.id, "pause")
        assert [claimed(ledger, book, owner) for owner in (paused, other)] == [False, True]


def test_a_run_that_has_ended_is_asked_in_vain(new_book: "NewBook") -> None:
    """It has no wish any more, and what it was asked last stays."""
    book = new_book(NUMBERS)
    with book.open() as ledger:
        with owners.hold(ledger, lambda: 0) as owner:
            pass
        runs.ask(ledger, owner.id, "pause")
        assert runs.wish_of(ledger, owner.id) is None
        assert runs.find(ledger, owner.id) == RunRecord(
            owner.id, "send", "go", 0, 0, "finished", None, has_open_requests=False
        )


def test_one_that_was_taken_for_dead_claims_nothing_whatever_it_is_asked(
    new_book: "NewBook",
) -> None:
    """That comes before any wish: nobody would look for its claims."""
    book = new_book(NUMBERS)
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        runs.ask(ledger, owner.id, "pause")
        ledger.execute("UPDATE owner SET ended_at = 1")
        with pytest.raises(RunStopped, match="this one seemed dead"):
            claimed(ledger, book, owner)


def test_the_runs_of_a_campaign_are_those_that_have_not_ended(new_book: "NewBook") -> None:
    """Whatever they do, the oldest first, and no other campaign's."""
    book = new_book(NUMBERS)
    other = book.add("autumn", NUMBERS)

    def entry(name: str, campaign_id: int | None) -> Entry:
        return Entry(name, campaign_id, "track" if name == "b" else "send")

    with book.open() as ledger:
        with (
            owners.hold(ledger, lambda: 7, entry("b", book.id)),
            owners.hold(ledger, lambda: 5, entry("a", book.id)),
            owners.hold(ledger, lambda: 6, entry("theirs", other)),
            owners.hold(ledger, lambda: 4, entry("nobody's", None)),
        ):
            with owners.hold(ledger, lambda: 3, entry("ended", book.id)):
                pass
            assert [(run.id, run.kind) for run in runs.unended(ledger, book.id)] == [
                ("a", "send"),
                ("b", "track"),
            ]
        assert runs.unended(ledger, book.id) == []
        assert runs.find(ledger, "nobody") is None


def test_how_far_a_run_is_and_how_it_ended_is_written_down(new_book: "NewBook") -> None:
    """Now and then while it works, and once for all at its end."""
    book = new_book(NUMBERS)
    endings = [
        Ending("finished", 5, 60),
        Ending("stopped", 0, 0),
        Ending("failed", 1, 2, "No money."),
    ]
    with book.open() as ledger:
        for ending in endings:
            with owners.hold(ledger, lambda: 0, None, partial(Ending, *ending)) as owner:
                runs.note(ledger, owner.id, done=3, busy=30)
                record = runs.find(ledger, owner.id)
                assert record is not None
                assert (record.done, record.busy, record.ending) == (3, 30, None)
            record = runs.find(ledger, owner.id)
            assert record is not None
            found = (record.ending, record.done, record.busy, record.error)
            assert found == tuple(ending)


def test_how_far_a_dead_run_came_stays(new_book: "NewBook") -> None:
    """As it said last; how it ended is what the one who found it says."""
    book = new_book(NUMBERS)
    with book.open() as ledger:
        ledger.execute(
            "INSERT INTO owner (id, started_at, campaign_id) VALUES ('gone', 0, ?)", (book.id,)
        )
        assert runs.is_lost(ledger, "gone")
        lock = book.path.with_name(f"{book.path.name}.owners") / "gone.lock"
        lock.parent.mkdir()
        lock.touch()
        assert not runs.is_lost(ledger, "gone")
        runs.note(ledger, "gone", done=4, busy=50)
        assert claimed(ledger, book, owners.Owner("gone"))
        record = RunRecord("gone", "send", "go", 4, 50, None, None, has_open_requests=True)
        assert runs.find(ledger, "gone") == record
        owners.bury_the_dead(ledger, at=9)
        assert runs.find(ledger, "gone") == record._replace(ending="dead")
    assert book.counts() == {"unknown": 1, "planned": 4}


@pytest.mark.parametrize(
    "change",
    [
        "wish = 'hurry'",
        "kind = 'dance'",
        "ending = 'finished'",  # without a time
        "ended_at = 1, ending = 'lost'",
        "error = 'No money.'",
        "ended_at = 1, ending = 'finished', error = 'No money.'",
        "campaign_id = 99",
    ],
)
def test_what_no_run_can_be_is_refused_by_the_ledger(change: str, new_book: "NewBook") -> None:
    """The life of a run stands in the schema."""
    book = new_book(NUMBERS)
    with book.open() as ledger, owners.hold(ledger, lambda: 0), pytest.raises(LedgerError):
        ledger.execute(f"UPDATE owner SET {change}")
