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
    try:
        with ledger.transaction():
            ledger.execute("INSERT INTO owner (id, started_at) VALUES (?, ?)", (owner.id, now()))
        try:
            bury_the_dead(ledger, at=now())
            yield owner
        finally:
            _end(ledger, owner.id, at=now())
    finally:
        _release(lock, path)


def bury_the_dead(ledger: Ledger, *, at: int) -> None:
    """Make the open claims of owners whose lock is free unknown: what they wrote, nobody knows."""
    for (owner_id,) in ledger.all("SELECT id FROM owner WHERE ended_at IS NULL"):
        path, lock = locks.lock_of(ledger.path, owner_id)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            lock.acquire(timeout=0)
        except OSError:  # held, or not ours to look at: it may be alive
            continue
        try:
            _end(ledger, owner_id, at=at)
        finally:
            _release(lock, path)


def _release(lock: FileLock, path: Path) -> None:
    lock.release()
    with suppress(OSError):  # somebody looks whether it is free; then it stays, and is no harm
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
