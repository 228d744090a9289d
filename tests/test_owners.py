import errno
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.delivery.ledger import Ledger, owners
from smspm_campaigns.delivery.ledger.claim import Order
from smspm_campaigns.exceptions import LedgerError

if TYPE_CHECKING:
    from conftest import Book, NewBook

NUMBERS = [str(37250000000 + step) for step in range(5)]
LONG_AFTER = 10**18  # microseconds: thirty thousand years

HOLDING = """
import pathlib, sys
from smspm_campaigns.delivery.ledger import Ledger, owners, rounds
from smspm_campaigns.delivery.ledger.claim import Claimer, Order
with Ledger.open(pathlib.Path(sys.argv[1])) as ledger, owners.hold(ledger, lambda: 0) as owner:
    claimer = Claimer(Order(int(sys.argv[2]), owner, "simulated", 2))
    rounds.keep(ledger, claimer, [], most=1, most_rows=100, at=0)
    print(owner.id, flush=True)
    sys.stdin.read()
"""


def lock_folder(book: "Book") -> Path:
    return book.path.with_name(f"{book.path.name}.owners")


def bury(book: "Book") -> None:
    with book.open() as ledger:
        owners.bury_the_dead(ledger, at=LONG_AFTER)


def test_an_owner_is_on_disk_while_it_lives_and_leaves_nothing(new_book: "NewBook") -> None:
    """Its lock file is gone with it, also when its run failed."""
    book = new_book(NUMBERS)
    held = []

    def hold(ledger: Ledger, at: int) -> None:
        with owners.hold(ledger, lambda: at) as owner:
            held.append((owner.id, at, at))
            assert [file.name for file in lock_folder(book).iterdir()] == [f"{owner.id}.lock"]
            if at == 8:
                raise ZeroDivisionError

    with book.open() as ledger:
        hold(ledger, 7)
        assert list(lock_folder(book).iterdir()) == []
        with pytest.raises(ZeroDivisionError):
            hold(ledger, 8)
    assert list(lock_folder(book).iterdir()) == []
    assert book.ask("SELECT id, started_at, ended_at FROM owner ORDER BY started_at") == held


def test_claims_without_an_answer_are_unknown_when_their_owner_ends(new_book: "NewBook") -> None:
    """Never planned: the request may have been written."""
    book = new_book(NUMBERS)
    with book.open() as ledger, owners.hold(ledger, lambda: 3) as owner:
        book.claim(ledger, Order(book.id, owner, "simulated", 2), at=1)
    error = "the program stopped before the reply was recorded"
    assert [(row.status, row.error, row.updated_at) for row in book.rows()] == [
        ("unknown", error, 3),
        ("unknown", error, 3),
        *[("planned", None, None)] * 3,
    ]
    assert book.ask("SELECT attempt_id, at, status, evidence FROM change WHERE at = 3") == [
        (1, 3, "unknown", "dead owner"),
        (2, 3, "unknown", "dead owner"),
    ]


def test_an_owner_of_another_process_lives_until_its_lock_is_free(new_book: "NewBook") -> None:
    """No clock decides: it may have been still for years. Killed, it is dead at once."""
    book = new_book(NUMBERS)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(book.path), str(book.id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        owner_id = other.stdout.readline().strip()
        bury(book)
        with book.open() as ledger, owners.hold(ledger, lambda: LONG_AFTER):
            pass
        assert book.counts() == {"sending": 2, "planned": 3}
        assert (lock_folder(book) / f"{owner_id}.lock").exists()
        other.kill()
        other.wait()
        bury(book)
    assert book.counts() == {"unknown": 2, "planned": 3}
    assert list(lock_folder(book).iterdir()) == []


def test_an_owner_of_another_thread_lives(new_book: "NewBook") -> None:
    """A second run in one process leaves the first one's claims alone, and the other way round."""
    book = new_book(NUMBERS)
    claimed, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
            book.claim(ledger, Order(book.id, owner, "simulated", 2), at=0)
            claimed.set()
            ended.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    claimed.wait()
    try:
        with book.open() as ledger, owners.hold(ledger, lambda: LONG_AFTER):
            owners.bury_the_dead(ledger, at=LONG_AFTER)
            assert book.counts() == {"sending": 2, "planned": 3}
    finally:
        ended.set()
        thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a right there")
def test_an_owner_is_found_whichever_link_the_ledger_was_opened_by(
    new_book: "NewBook", tmp_path: Path
) -> None:
    """The lock lies beside the file itself, not beside a link to it."""
    book = new_book(NUMBERS)
    link = tmp_path / "link.sqlite"
    link.symlink_to(book.path)
    with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
        book.claim(ledger, Order(book.id, owner, "simulated", 2), at=0)
        with Ledger.open(link) as by_link:
            owners.bury_the_dead(by_link, at=LONG_AFTER)
        assert book.counts() == {"sending": 2, "planned": 3}
    assert [file.name for file in tmp_path.iterdir()] == ["link.sqlite"]


def test_an_owner_whose_lock_cannot_be_looked_at_may_be_alive(new_book: "NewBook") -> None:
    """What cannot be proven is not done; an empty file where the lock was is a person's word."""
    book = new_book(NUMBERS)
    with book.open() as ledger:
        ledger.execute("INSERT INTO owner (id, started_at) VALUES ('them', 0)")
        book.claim(ledger, Order(book.id, owners.Owner("them"), "simulated", 2), at=0)
    lock = lock_folder(book) / "them.lock"
    lock.mkdir(parents=True)  # not to be opened as a file
    bury(book)
    assert book.counts() == {"sending": 2, "planned": 3}
    lock.rmdir()
    bury(book)
    assert book.counts() == {"sending": 2, "planned": 3}  # a lock that is not there is not free
    with book.open() as ledger:
        assert owners.lost_locks(ledger, book.id) == [lock]
    lock.touch()
    bury(book)
    assert book.counts() == {"unknown": 2, "planned": 3}
    with book.open() as ledger:
        assert owners.lost_locks(ledger, book.id) == []


def test_without_a_place_for_its_lock_nobody_becomes_an_owner(new_book: "NewBook") -> None:
    """A sentence, and nothing claimed."""
    book = new_book(NUMBERS)
    lock_folder(book).write_text("in the way")
    with (
        book.open() as ledger,
        pytest.raises(LedgerError, match="cannot be locked in"),
        owners.hold(ledger, lambda: 0),
    ):
        pass
    assert book.ask("SELECT * FROM owner") == []


def test_a_file_system_without_locks_holds_no_owner(
    new_book: "NewBook", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mere file in the lock's place would outlive its process, or be taken for left behind."""
    fcntl = pytest.importorskip("fcntl")
    book = new_book(NUMBERS)

    def missing(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", missing)
    with (
        book.open() as ledger,
        pytest.raises(LedgerError, match="Function not implemented"),
        owners.hold(ledger, lambda: 0),
    ):
        pass
    assert book.ask("SELECT * FROM owner") == []


def test_an_end_that_could_not_be_written_is_written_by_the_next(new_book: "NewBook") -> None:
    """The claims stand as long as the ledger takes nothing, and are unknown as soon as it does."""
    book = new_book(NUMBERS)
    full = "CREATE TRIGGER full BEFORE UPDATE ON attempt BEGIN SELECT RAISE(ABORT, 'full'); END"

    def hold() -> None:
        with book.open() as ledger, owners.hold(ledger, lambda: 0) as owner:
            book.claim(ledger, Order(book.id, owner, "simulated", 2), at=0)
            ledger.execute(full)

    with pytest.raises(LedgerError, match="full"):
        hold()
    assert book.counts() == {"sending": 2, "planned": 3}
    book.ask("DROP TRIGGER full")
    bury(book)
    assert book.counts() == {"unknown": 2, "planned": 3}


def test_a_living_owner_hides_no_dead_one(new_book: "NewBook") -> None:
    """Among several owners, each dead one is found, whoever stands before it."""
    book = new_book(NUMBERS)
    with book.open() as ledger, owners.hold(ledger, lambda: 0):
        ledger.execute("INSERT INTO owner (id, started_at) VALUES ('gone', 0), ('lost', 0)")
        for name in ("gone", "lost"):
            (lock_folder(book) / f"{name}.lock").touch()
        for owner in ("gone", "lost"):
            order = Order(book.id, owners.Owner(owner), "simulated", None)
            book.claim(ledger, order._replace(limit=2 if owner == "gone" else 4), at=0)
        owners.bury_the_dead(ledger, at=1)
        left = ledger.execute("SELECT id FROM owner WHERE ended_at IS NULL").fetchall()
    assert len(left) == 1
    assert book.counts()["unknown"] == 4


def test_who_ends_while_somebody_looks_is_not_dead(
    new_book: "NewBook", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock was free only because it had ended: what it wrote of its end stays."""
    book = new_book(NUMBERS)
    with book.open() as ledger:
        with owners.hold(ledger, lambda: 1, owners.Entry("me", book.id, "send")):
            seen = [*owners._unended(ledger)]
        [(_, path, _)] = seen
        path.touch()  # not deleted yet
        monkeypatch.setattr(owners, "_unended", lambda _: iter(seen))
        owners.bury_the_dead(ledger, at=9)
    assert book.ask("SELECT ending, ended_at FROM owner") == [("finished", 1)]
    assert not path.exists()
