"""Claiming the next request: on disk before its first byte leaves."""

import itertools
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from smspm_campaigns.batches import Item, take_request
from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.owners import Owner
from smspm_campaigns.delivery.ledger.read import count_taken
from smspm_campaigns.delivery.ledger.record import add_events, settle
from smspm_campaigns.exceptions import RunStopped


class Claim(NamedTuple):
    """One request that is about to be made: `attempts` by number."""

    request_id: str
    text: str
    sender: str
    attempts: dict[str, int]

    @property
    def numbers(self) -> list[str]:
        return list(self.attempts)


def claim_request(
    ledger: Ledger, campaign_id: int, owner: Owner, *, limit: int | None, at: int
) -> Claim | None:
    """Claim the next request; None when nothing is planned, or the limit is reached.

    Raises:
        RunStopped: this owner was declared dead, so nobody would find its claims.
    """
    with ledger.transaction():
        if not ledger.one("SELECT 1 FROM owner WHERE id = ? AND ended_at IS NULL", owner.id):
            raise taken_over()
        room = None if limit is None else limit - count_taken(ledger, campaign_id)
        items = _next_items(ledger, campaign_id, room)
        if not items:
            return None
        text, sender = ledger.one(
            "SELECT text, sender FROM content JOIN recipient ON recipient.content_id = content.id "
            "WHERE recipient.id = ?",
            items[0].key,
        )
        request_id = uuid.uuid4().hex
        ledger.execute(
            "INSERT INTO request (id, campaign_id, owner_id, claimed_at) VALUES (?, ?, ?, ?)",
            (request_id, campaign_id, owner.id, at),
        )
        ledger.executemany(
            "INSERT INTO attempt (recipient_id, request_id, status, updated_at) "
            "VALUES (?, ?, 'sending', ?)",
            [(item.key, request_id, at) for item in items],
        )
        attempts = ledger.execute(
            "SELECT recipient.number, attempt.id FROM attempt "
            "JOIN recipient ON recipient.id = attempt.recipient_id "
            "WHERE request_id = ? ORDER BY attempt.id",
            (request_id,),
        )
        claim = Claim(request_id, text, sender, dict(attempts.fetchall()))
        add_events(ledger, claim.attempts.values(), "sending", "claim", at=at)
        settle(ledger, (item.key for item in items))
    return claim


def _next_items(ledger: Ledger, campaign_id: int, room: int | None) -> list[Item]:
    planned = ledger.execute(
        "SELECT id, number, content_id, request_size FROM recipient "
        "WHERE campaign_id = ? AND status = 'planned' ORDER BY sequence",
        (campaign_id,),
    )
    first = planned.fetchone()
    if first is None or (room is not None and room < 1):
        return []
    size = first[3] if room is None else min(first[3], room)
    rows: Iterator[tuple[int, str, int, int]] = itertools.chain([first], planned)
    items = (Item(key, number, (content, most)) for key, number, content, most in rows)
    taken = take_request(items, size)
    planned.close()
    return taken


def is_anything_planned(ledger: Ledger, campaign_id: int) -> bool:
    """Tell whether a claim could find anything, so that nobody waits for a turn in vain."""
    return bool(
        ledger.one(
            "SELECT 1 FROM recipient WHERE campaign_id = ? AND status = 'planned' LIMIT 1",
            campaign_id,
        )
    )


def stands(ledger: Ledger, claim: Claim) -> bool:
    """Tell whether nobody has declared this claim's owner dead meanwhile."""
    return not ledger.one(
        "SELECT 1 FROM attempt WHERE request_id = ? AND status <> 'sending' LIMIT 1",
        claim.request_id,
    )


def taken_over() -> RunStopped:
    """Make the error for an owner that was declared dead, and is not."""
    return RunStopped(
        "Another process has taken this campaign over, since this one seemed dead. Nothing more is "
        "sent from here."
    )
