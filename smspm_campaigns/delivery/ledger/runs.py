"""Runs as anybody sees them: which there are, how far they are, and what they are asked to do."""

from typing import Final, NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.locks import lock_of

_COLUMNS: Final = (
    "id, kind, wish, done, busy, ending, error, "
    "EXISTS (SELECT 1 FROM request WHERE owner_id = owner.id AND answered_at IS NULL)"
)


class RunRecord(NamedTuple):
    """A run as the ledger keeps it. `busy` is in microseconds, pauses left out."""

    id: str
    kind: str
    wish: str
    done: int
    busy: int
    ending: str | None
    error: str | None
    has_open_requests: bool


def find(ledger: Ledger, owner_id: str) -> RunRecord | None:
    """Return a run; None before it is written down."""
    row = ledger.one(f"SELECT {_COLUMNS} FROM owner WHERE id = ?", owner_id)  # noqa: S608 - ours
    return row and RunRecord(*row)


def unended(ledger: Ledger, campaign_id: int) -> list[RunRecord]:
    """Return the runs of a campaign that have not ended, the oldest first."""
    rows = ledger.all(
        f"SELECT {_COLUMNS} FROM owner WHERE campaign_id = ? AND ended_at IS NULL "  # noqa: S608 - ours
        "ORDER BY started_at, rowid",
        campaign_id,
    )
    return [RunRecord(*row) for row in rows]


def is_being_sent(ledger: Ledger, campaign_id: int) -> bool:
    """Tell whether a run sends a campaign: one that is paused, or ends, only what is in flight."""
    return any(
        run.kind == "send" and (run.wish == "go" or run.has_open_requests)
        for run in unended(ledger, campaign_id)
    )


def is_lost(ledger: Ledger, owner_id: str) -> bool:
    """Tell whether the lock file of a run is not there, so that nobody can tell if it lives."""
    return not lock_of(ledger.path, owner_id)[0].exists()


def ask(ledger: Ledger, owner_id: str, wish: str) -> None:
    """Ask a run to `go`, `pause` or `stop`. One that was asked to stop, or has ended, stays so."""
    ledger.execute(
        "UPDATE owner SET wish = ? WHERE id = ? AND wish <> 'stop' AND ended_at IS NULL",
        (wish, owner_id),
    )


def wish_of(ledger: Ledger, owner_id: str) -> str | None:
    """Return what a run is asked to do; None when it has ended, or was taken for dead."""
    row = ledger.one("SELECT wish FROM owner WHERE id = ? AND ended_at IS NULL", owner_id)
    return None if row is None else str(row[0])


def note(ledger: Ledger, owner_id: str, *, done: int, busy: int) -> None:
    """Write down how far a run is."""
    ledger.execute("UPDATE owner SET done = ?, busy = ? WHERE id = ?", (done, busy, owner_id))
