"""Claiming the next request: on disk before its first byte leaves."""

import itertools
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from smspm_campaigns.batches import Item, take_request
from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.owners import Owner
from smspm_campaigns.delivery.ledger.plan import bind_gateway, refuse_repeats_of_request
from smspm_campaigns.delivery.ledger.record import EURO, add_events, settle
from smspm_campaigns.delivery.ledger.runs import wish_of
from smspm_campaigns.exceptions import BudgetExceeded, NeverLeft, RunStopped


class Order(NamedTuple):
    """What a run may claim: for whom, for which gateway, and how many rows in all."""

    campaign_id: int
    owner: Owner
    gateway: str
    limit: int | None


class Claim(NamedTuple):
    """One request that is about to be made: `attempts` by number."""

    request_id: str
    text: str
    sender: str
    attempts: dict[str, int]

    @property
    def numbers(self) -> list[str]:
        return list(self.attempts)


def claim_request(ledger: Ledger, order: Order, *, at: int) -> Claim | None:
    """Claim the next request; None when nothing is planned, the limit is reached, or the run is
    asked to pause or stop.

    The first claim binds the campaign to its gateway.

    Raises:
        RunStopped: this owner was declared dead, so nobody would find its claims.
        GatewayMismatch: another gateway took some of the campaign.
        CampaignConflict: another campaign took some of it meanwhile.
        BudgetExceeded: it would cost more than the campaign may.
    """
    with ledger.transaction():
        wish = wish_of(ledger, order.owner.id)
        if wish is None:
            raise taken_over()
        if wish != "go":
            return None
        items = _next_items(ledger, order)
        if not items:
            return None
        bind_gateway(ledger, order.campaign_id, order.gateway)
        text, sender = ledger.one(
            "SELECT text, sender FROM content JOIN recipient ON recipient.content_id = content.id "
            "WHERE recipient.id = ?",
            items[0].key,
        )
        request_id = uuid.uuid4().hex
        ledger.execute(
            "INSERT INTO request (id, campaign_id, owner_id, claimed_at) VALUES (?, ?, ?, ?)",
            (request_id, order.campaign_id, order.owner.id, at),
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
        refuse_repeats_of_request(ledger, request_id)
        _spend(ledger, order.campaign_id, request_id)
        add_events(ledger, claim.attempts.values(), "sending", "claim", at=at)
        settle(ledger, (item.key for item in items))
    return claim


def _next_items(ledger: Ledger, order: Order) -> list[Item]:
    room = _room(ledger, order)
    planned = ledger.execute(
        "SELECT id, number, content_id, request_size FROM recipient "
        "WHERE campaign_id = ? AND status = 'planned' ORDER BY sequence",
        (order.campaign_id,),
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


def _room(ledger: Ledger, order: Order) -> int | None:
    """Return how many more may be taken; None when there is no limit."""
    if order.limit is None:
        return None
    taken = ledger.one("SELECT taken FROM campaign WHERE id = ?", order.campaign_id)[0]
    return order.limit - int(taken)


def _spend(ledger: Ledger, campaign_id: int, request_id: str) -> None:
    """Count a request for the limit and the budget, whoever set it and whoever else is sending."""
    count, cost, unpriced = ledger.one(
        "SELECT count(*), coalesce(sum(cost), 0), count(*) - count(cost) FROM attempt "
        "JOIN recipient ON recipient.id = attempt.recipient_id WHERE request_id = ?",
        request_id,
    )
    ledger.execute(
        "UPDATE campaign SET taken = taken + ?, taken_cost = taken_cost + ? WHERE id = ?",
        (count, cost, campaign_id),
    )
    spent, bound = ledger.one("SELECT taken_cost, max_cost FROM campaign WHERE id = ?", campaign_id)
    if bound is not None and (unpriced or spent > bound):
        price = "a price that is not known" if unpriced else f"{spent / EURO:,.2f} EUR"
        raise BudgetExceeded(
            f"The next request would bring the campaign to {price}, and {bound / EURO:,.2f} EUR "
            "are allowed. Nothing more was sent; raise max_cost or leave rows out."
        )


def is_anything_left(ledger: Ledger, order: Order) -> bool:
    """Tell whether a claim could find anything, so that nobody waits for a turn in vain."""
    planned = ledger.one(
        "SELECT 1 FROM recipient WHERE campaign_id = ? AND status = 'planned' LIMIT 1",
        order.campaign_id,
    )
    room = _room(ledger, order)
    return planned is not None and (room is None or room > 0)


def check(ledger: Ledger, claim: Claim) -> None:
    """Look, just before it is written, whether a claimed request may still be made.

    Raises:
        RunStopped: its owner was declared dead meanwhile.
        NeverLeft: late evidence has proven meanwhile that a row of it was taken before.
    """
    void, superseded = ledger.one(
        "SELECT max(attempt.status <> 'sending'), max(recipient.status <> 'sending') "
        "FROM attempt JOIN recipient ON recipient.id = attempt.recipient_id WHERE request_id = ?",
        claim.request_id,
    )
    if void:
        raise taken_over()
    if superseded:
        raise NeverLeft("A row of it was found to be taken before. Nothing was sent.")


def taken_over() -> RunStopped:
    """Make the error for an owner that was declared dead, and is not."""
    return RunStopped(
        "Another process has taken this campaign over, since this one seemed dead. Nothing more is "
        "sent from here."
    )
