"""What a person decides: leaving rows out of the plan, and what became of unknown ones."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.record import apply, settle
from smspm_campaigns.exceptions import CampaignConflict

#: What a person may say of an unknown row: what its attempt becomes, and the error to keep.
ACTIONS: Final[dict[str, tuple[str, str | None]]] = {
    "resend": ("not_taken", "a person said that it was not sent"),
    "sent": ("submitted", None),
    "failed": ("failed", "a person said that it failed"),
}


class Waiting(NamedTuple):
    """A row that may still be sent: planned, under way and perhaps not taken, or unknown."""

    id: int
    number: str
    detail: str | None


class Mark(NamedTuple):
    """Why a row is left out from now on."""

    recipient_id: int
    problem: str
    problems: str
    detail: str


class Unknown(NamedTuple):
    """An unknown row's place in the frame, its request and when that was made."""

    position: int
    request_id: str
    requested_at: int


def cancel(ledger: Ledger, campaign_id: int, *, at: int) -> None:
    """Take out of the plan what is planned. A request under way is left to end.

    Rows of such a request, and unknown ones, are not planned again when it proves to be nothing.
    """
    with ledger.transaction():
        left_out = _planned(ledger, campaign_id)
        ledger.execute(
            "UPDATE recipient SET standing = 'cancelled' "
            "WHERE campaign_id = ? AND standing = 'planned' "
            "AND status IN ('planned', 'sending', 'unknown')",
            (campaign_id,),
        )
        _leave_out(ledger, left_out, "cancelled", "cancel", at=at)


def waiting(ledger: Ledger, campaign_id: int) -> list[Waiting]:
    """Return the rows that a later request could hold, whatever happens until then."""
    found = ledger.execute(
        "SELECT id, number, detail FROM recipient WHERE campaign_id = ? "
        "AND standing <> 'excluded' AND status IN ('planned', 'sending', 'unknown') "
        "ORDER BY position",
        (campaign_id,),
    )
    return [Waiting(*row) for row in found]


def suppress(ledger: Ledger, campaign_id: int, marks: Iterable[Mark], *, at: int) -> dict[str, int]:
    """Leave these rows out from now on; count them by what they are afterwards.

    One that is under way stays claimed, and an unknown one unknown: neither is planned again.
    """
    with ledger.transaction():
        planned = set(_planned(ledger, campaign_id))
        marked = []
        for mark in marks:
            changed = ledger.execute(
                "UPDATE recipient SET standing = 'excluded', problem = ?, problems = ?, detail = ? "
                "WHERE id = ? AND standing <> 'excluded' "
                "AND status IN ('planned', 'sending', 'unknown')",
                (mark.problem, mark.problems, mark.detail, mark.recipient_id),
            )
            if changed.rowcount:
                marked.append(mark.recipient_id)
        _leave_out(ledger, planned.intersection(marked), "excluded", "suppress", at=at)
        return _count(ledger, marked)


def unknown(ledger: Ledger, campaign_id: int) -> list[Unknown]:
    """Return the unknown rows in the order of the frame, each with the request it was last in."""
    found = ledger.execute(
        "SELECT position, request.id, claimed_at FROM recipient "
        "JOIN prevailing ON prevailing.recipient_id = recipient.id "
        "JOIN attempt ON attempt.id = prevailing.attempt_id "
        "JOIN request ON request.id = attempt.request_id "
        "WHERE recipient.campaign_id = ? AND recipient.status = 'unknown' ORDER BY position",
        (campaign_id,),
    )
    return [Unknown(*row) for row in found]


def resolve(
    ledger: Ledger, campaign_id: int, action: str, positions: Collection[int], *, at: int
) -> None:
    """Record a person's word about unknown rows. One that is known meanwhile is left as it is.

    Raises:
        CampaignConflict: rows are to be sent again whose request may still be under way.
    """
    status, error = ACTIONS[action]
    with ledger.transaction():
        attempts = [
            (attempt_id, recipient_id, is_open)
            for attempt_id, recipient_id, position, is_open in _unknown_attempts(
                ledger, campaign_id
            )
            if position in positions
        ]
        under_way = sum(is_open for *_, is_open in attempts)
        if action == "resend" and under_way:
            raise CampaignConflict(
                f"{under_way:,} of these rows are in a request of a program that has not ended: "
                "its answer may come yet. Let the program end, or stop it; then resolve them."
            )
        for attempt_id, recipient_id, _ in attempts:
            if action == "resend":  # whoever opted out stays excluded
                ledger.execute(
                    "UPDATE recipient SET standing = 'planned' "
                    "WHERE id = ? AND standing = 'cancelled'",
                    (recipient_id,),
                )
            apply(ledger, Evidence(attempt_id, status, error=error), "person", at=at)


def _unknown_attempts(ledger: Ledger, campaign_id: int) -> list[tuple[int, int, int, bool]]:
    return ledger.execute(
        "SELECT attempt.id, recipient.id, position, "
        "  owner.ended_at IS NULL "
        "FROM recipient JOIN attempt ON attempt.recipient_id = recipient.id "
        "JOIN request ON request.id = attempt.request_id JOIN owner ON owner.id = owner_id "
        "WHERE recipient.campaign_id = ? AND recipient.status = 'unknown' "
        "AND attempt.status = 'unknown' ORDER BY attempt.id",
        (campaign_id,),
    ).fetchall()


def _planned(ledger: Ledger, campaign_id: int) -> list[int]:
    found = ledger.execute(
        "SELECT id FROM recipient WHERE campaign_id = ? AND status = 'planned' ORDER BY position",
        (campaign_id,),
    )
    return [recipient_id for (recipient_id,) in found]


def _leave_out(
    ledger: Ledger, recipients: Collection[int], status: str, source: str, *, at: int
) -> None:
    """Let rows follow their new standing, and keep that in the history."""
    settle(ledger, recipients)
    ledger.executemany(
        "INSERT INTO event (recipient_id, at, status, evidence) VALUES (?, ?, ?, ?)",
        [(recipient_id, at, status, source) for recipient_id in recipients],
    )


def _count(ledger: Ledger, recipients: Iterable[int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for recipient_id in recipients:
        status = ledger.one("SELECT status FROM recipient WHERE id = ?", recipient_id)[0]
        counts[status] = counts.get(status, 0) + 1
    return counts
