"""Who is sending. An owner is dead when its lock is free, never by a clock alone."""

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.record import settle


@dataclass(frozen=True, slots=True)
class Owner:
    """One run of one process, alive while it holds its lock file."""

    id: str


@contextmanager
def hold(ledger: Ledger, now: Callable[[], int]) -> Iterator[Owner]:
    """Be an owner for as long as the block lasts, after the claims of dead ones became unknown."""
    owner = Owner(uuid.uuid4().hex)
    path = _lock_path(ledger, owner.id)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(path, thread_local=False):
        with ledger.transaction():
            ledger.execute(
                "INSERT INTO owner (id, process, host, started_at) VALUES (?, ?, ?, ?)",
                (owner.id, os.getpid(), socket.gethostname(), now()),
            )
        bury_the_dead(ledger, at=now())
        try:
            yield owner
        finally:
            _end(ledger, owner.id, at=now())
    path.unlink(missing_ok=True)


def bury_the_dead(ledger: Ledger, *, at: int) -> None:
    """Make the open claims of owners whose lock is free unknown: what they wrote, nobody knows."""
    for (owner_id,) in ledger.execute("SELECT id FROM owner WHERE ended_at IS NULL").fetchall():
        path = _lock_path(ledger, owner_id)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            with FileLock(path, timeout=0, thread_local=False):
                _end(ledger, owner_id, at=at)
        except Timeout:
            continue  # alive
        path.unlink(missing_ok=True)


def _end(ledger: Ledger, owner_id: str, *, at: int) -> None:
    with ledger.transaction():
        left = ledger.execute(
            "SELECT attempt.id, attempt.recipient_id FROM attempt "
            "JOIN request ON request.id = attempt.request_id "
            "WHERE request.owner_id = ? AND request.answered_at IS NULL "
            "AND attempt.status = 'sending'",
            (owner_id,),
        ).fetchall()
        error = "the program stopped before the reply was recorded"
        ledger.executemany(
            "UPDATE attempt SET status = 'unknown', error = ?, updated_at = ? WHERE id = ?",
            [(error, at, attempt_id) for attempt_id, _ in left],
        )
        ledger.executemany(
            "INSERT INTO event (attempt_id, at, status, evidence) "
            "VALUES (?, ?, 'unknown', 'dead owner')",
            [(attempt_id, at) for attempt_id, _ in left],
        )
        settle(ledger, (recipient_id for _, recipient_id in left))
        ledger.execute("UPDATE owner SET ended_at = ? WHERE id = ?", (at, owner_id))


def _lock_path(ledger: Ledger, owner_id: str) -> Path:
    return ledger.path.with_name(f"{ledger.path.name}.owners") / f"{owner_id}.lock"
