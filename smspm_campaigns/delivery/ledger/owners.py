"""Who is sending or asking. An owner is dead when its lock is free, never by a clock alone."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from filelock import FileLock

from smspm_campaigns.delivery.ledger import locks
from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.record import add_events, settle
from smspm_campaigns.exceptions import LedgerError


@dataclass(frozen=True, slots=True)
class Owner:
    """One run of one process, alive while it holds its lock file."""

    id: str


class Entry(NamedTuple):
    """What is written of an owner when it begins: its id, and what it does for which campaign."""

    id: str
    campaign_id: int | None
    kind: Literal["send", "track"]


class Ending(NamedTuple):
    """How an owner ended, and how far it came: rows settled, and microseconds at work."""

    ending: Literal["finished", "stopped", "failed"]
    done: int
    busy: int
    error: str | None = None


_NOTHING: Final = Ending("finished", 0, 0)


@contextmanager
def hold(
    ledger: Ledger,
    now: Callable[[], int],
    entry: Entry | None = None,
    ending: Callable[[], Ending] = lambda: _NOTHING,
) -> Iterator[Owner]:
    """Be an owner for as long as the block lasts, after the claims of dead ones became unknown.

    Args:
        now: tells the time.
        entry: what to write down of it; by default an owner that belongs to no campaign.
        ending: tells, when the block has ended, how it did.

    Raises:
        LedgerError: the lock cannot be made, or the ledger not be written.
    """
    owner_id, campaign_id, kind = entry or Entry(uuid.uuid4().hex, None, "send")
    owner = Owner(owner_id)
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
            ledger.execute(
                "INSERT INTO owner (id, started_at, campaign_id, kind) VALUES (?, ?, ?, ?)",
                (owner.id, now(), campaign_id, kind),
            )
        try:
            bury_the_dead(ledger, at=now())
            yield owner
        finally:
            _end(ledger, owner.id, ending(), at=now())
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
            _end(ledger, owner_id, None, at=at)
            leave()


def lost_locks(ledger: Ledger, campaign_id: int) -> list[Path]:
    """Return the lock files that are not there, of owners that have rows of a campaign."""
    claiming = ledger.all(
        "SELECT DISTINCT owner_id FROM request JOIN attempt ON attempt.request_id = request.id "
        "WHERE request.campaign_id = ? AND attempt.status = 'sending'",
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


def _end(ledger: Ledger, owner_id: str, ending: Ending | None, *, at: int) -> None:
    """Write down the end of an owner; of a dead one nobody can tell how far it came."""
    alive = "SELECT 1 FROM owner WHERE id = ? AND ended_at IS NULL"
    with ledger.transaction():
        if ending is None and ledger.one(alive, owner_id) is None:
            return  # it ended in good order while somebody was looking
        left = ledger.execute(
            "SELECT attempt.id, attempt.recipient_id FROM attempt "
            "JOIN request ON request.id = attempt.request_id "
            "WHERE request.owner_id = ? AND attempt.status = 'sending'",
            (owner_id,),
        ).fetchall()
        lost = "the program stopped before the reply was recorded"
        ledger.executemany(
            "UPDATE attempt SET status = 'unknown', error = ?, updated_at = ? WHERE id = ?",
            [(lost, at, attempt_id) for attempt_id, _ in left],
        )
        attempts = (attempt_id for attempt_id, _ in left)
        add_events(ledger, attempts, "unknown", "dead owner", error=lost, at=at)
        settle(ledger, (recipient_id for _, recipient_id in left))
        how, done, busy, error = ending or ("dead", None, None, None)
        ledger.execute(
            "UPDATE owner SET ended_at = ?, ending = ?, done = coalesce(?, done), "
            "busy = coalesce(?, busy), error = ? WHERE id = ?",
            (at, how, done, busy, error, owner_id),
        )
