"""Who is sending. An owner is dead when its lock is free, never by a clock alone."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from smspm_campaigns.delivery.ledger import locks
from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.record import add_events, settle
from smspm_campaigns.exceptions import LedgerError


@dataclass(frozen=True, slots=True)
class Owner:
    """One run of one process, alive while it holds its lock file."""

    id: str


@contextmanager
def hold(ledger: Ledger, now: Callable[[], int]) -> Iterator[Owner]:
    """Be an owner for as long as the block lasts, after the claims of dead ones became unknown.

    Raises:
        LedgerError: the lock cannot be made, or the ledger not be written.
    """
    owner = Owner(uuid.uuid4().hex)
    path, lock = locks.lock_of(ledger.path, owner.id)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise LedgerError(
            f"The ledger at {ledger.path} cannot be locked in {path.parent}: {error.strerror}. "
            "Nothing was sent; a ledger belongs in a folder of this machine that can be written."
        ) from None
    with _leaving(lock, path) as leave:
        with ledger.transaction():
            ledger.execute("INSERT INTO owner (id, started_at) VALUES (?, ?)", (owner.id, now()))
        try:
            bury_the_dead(ledger, at=now())
            yield owner
        finally:
            _end(ledger, owner.id, at=now())
            leave()


def bury_the_dead(ledger: Ledger, *, at: int) -> None:
    """Make the open claims of owners whose lock is free unknown: what they wrote, nobody knows.

    Where there is no lock file, nothing is proven: the ledger was moved, or the file deleted.
    """
    for owner_id, path, lock in _unended(ledger):
        try:
            if not path.exists():
                continue
            lock.acquire(timeout=0)
        except OSError:  # held, or not ours to look at: it may be alive
            continue
        with _leaving(lock, path) as leave:
            _end(ledger, owner_id, at=at)
            leave()


def lost_locks(ledger: Ledger, campaign_id: int) -> list[Path]:
    """Return the lock files that are not there, of owners that have rows of a campaign."""
    claiming = ledger.all(
        "SELECT DISTINCT owner_id FROM request JOIN attempt ON attempt.request_id = request.id "
        "WHERE campaign_id = ? AND attempt.status = 'sending'",
        campaign_id,
    )
    return [
        path
        for owner_id, path, _ in _unended(ledger)
        if (owner_id,) in claiming and not path.exists()
    ]


def _unended(ledger: Ledger) -> Iterator[tuple[str, Path, FileLock]]:
    for (owner_id,) in ledger.all("SELECT id FROM owner WHERE ended_at IS NULL"):
        yield (owner_id, *locks.lock_of(ledger.path, owner_id))


@contextmanager
def _leaving(lock: FileLock, path: Path) -> Iterator[Callable[[], None]]:
    """Release a lock in the end, and delete its file if the owner's end is written down.

    Else the file stays: without one nobody could tell that the owner is dead.
    """
    is_written = False

    def leave() -> None:
        nonlocal is_written
        is_written = True

    try:
        yield leave
    finally:
        lock.release()
        if is_written:
            with suppress(OSError):  # somebody looks whether it is free; it is no harm
                path.unlink()


def _end(ledger: Ledger, owner_id: str, *, at: int) -> None:
    with ledger.transaction():
        left = ledger.execute(
            "SELECT attempt.id, attempt.recipient_id FROM attempt "
            "JOIN request ON request.id = attempt.request_id "
            "WHERE request.owner_id = ? AND attempt.status = 'sending'",
            (owner_id,),
        ).fetchall()
        error = "the program stopped before the reply was recorded"
        ledger.executemany(
            "UPDATE attempt SET status = 'unknown', error = ?, updated_at = ? WHERE id = ?",
            [(error, at, attempt_id) for attempt_id, _ in left],
        )
        attempts = (attempt_id for attempt_id, _ in left)
        add_events(ledger, attempts, "unknown", "dead owner", error=error, at=at)
        settle(ledger, (recipient_id for _, recipient_id in left))
        ledger.execute("UPDATE owner SET ended_at = ? WHERE id = ?", (at, owner_id))
