"""Claiming the next requests: on disk before their first bytes leave."""

import json
import uuid
from typing import NamedTuple

from smspm_campaigns.batches import Item, take_request
from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.evidence import EURO
from smspm_campaigns.delivery.ledger.owners import Owner
from smspm_campaigns.delivery.ledger.plan import (
    bind_gateway,
    refuse_repeats,
    refuse_repeats_of_requests,
)
from smspm_campaigns.delivery.ledger.record import add_request_events
from smspm_campaigns.delivery.ledger.runs import wish_of
from smspm_campaigns.exceptions import BudgetExceeded, NeverLeft, RunStopped, SmspmError
from smspm_campaigns.vocabulary import MAX_RECIPIENTS


class Order(NamedTuple):
    """What a run may claim: for whom, for which gateway, and how many rows in all."""

    campaign_id: int
    owner: Owner
    gateway: str
    limit: int | None


class Claim(NamedTuple):
    """One request that is about to be made: attempts and rows by number, each in one order."""

    request_id: str
    text: str
    sender: str
    attempts: dict[str, int]
    recipients: list[int]

    @property
    def numbers(self) -> list[str]:
        return list(self.attempts)


class Round(NamedTuple):
    """What came of claiming: claims, whether a later one could find anything, what the run is asked
    to do, and what speaks against claiming.
    """

    claims: list[Claim]
    is_anything_left: bool
    wish: str = "go"
    objection: SmspmError | None = None


class _Campaign(NamedTuple):
    gateway: str | None
    taken: int
    taken_cost: int
    max_cost: int | None
    allow_repeat: int


class _Row(NamedTuple):
    id: int
    number: str
    content_id: int
    request_size: int
    cost: int | None

    @property
    def shared(self) -> tuple[int, int]:
        """What rows of one request have in common."""
        return self.content_id, self.request_size


class Claimer:
    """Claims for one run.

    For what another campaign took it looks once at all that is planned, and at each request from
    the moment that anybody else has written.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._looked_at: int | None = None  # the version of the ledger when all was looked at
        self._rows_each = MAX_RECIPIENTS  # of the last requests: how far to read ahead

    def claim(self, ledger: Ledger, *, most: int, most_rows: int, at: int) -> Round:
        """Claim up to so many requests, with so many rows in all, inside a transaction.

        None are made when nothing is planned, the limit is reached, or the run is asked to pause or
        stop.
        The first claim binds the campaign to its gateway.

        Raises:
            RunStopped: this owner was declared dead, so nobody would find its claims.
            GatewayMismatch: another gateway took some of the campaign.
            CampaignConflict: another campaign took some of it meanwhile.
            BudgetExceeded: the next request would cost more than the campaign may.
        """
        order = self._order
        wish = wish_of(ledger, order.owner.id)
        if wish is None:
            raise taken_over()
        if wish != "go":
            most = 0
        campaign = _Campaign(
            *ledger.one(
                "SELECT gateway, taken, taken_cost, max_cost, allow_repeat "
                "FROM campaign WHERE id = ?",
                order.campaign_id,
            )
        )
        room = None if order.limit is None else max(order.limit - campaign.taken, 0)
        requests = self._next_requests(ledger, most, most_rows, room)
        if not requests:
            return Round([], self._is_anything_left(ledger, room), wish)
        if campaign.gateway != order.gateway:
            bind_gateway(ledger, order.campaign_id, order.gateway)
        requests = self._affordable(ledger, campaign, requests)
        is_looked_at = self._look_at_all(ledger, campaign)
        claims = self._write(ledger, requests, at=at)
        if not is_looked_at:
            refuse_repeats_of_requests(ledger, [claim.request_id for claim in claims])
        left = None if room is None else room - sum(map(len, requests))
        return Round(claims, self._is_anything_left(ledger, left), wish)

    def _is_anything_left(self, ledger: Ledger, room: int | None) -> bool:
        planned = "SELECT 1 FROM recipient WHERE campaign_id = ? AND status = 'planned' LIMIT 1"
        return room != 0 and ledger.one(planned, self._order.campaign_id) is not None

    def _next_requests(
        self, ledger: Ledger, most: int, most_rows: int, room: int | None
    ) -> list[list[_Row]]:
        """Take what is planned in its order, reading on until the last request is surely whole."""
        if most < 1 or room == 0:
            return []
        ahead = most * self._rows_each + 1
        while True:
            [planned] = ledger.one(
                "SELECT json_group_array(json_array(id, number, content_id, request_size, cost)) "
                "FROM (SELECT id, number, content_id, request_size, cost FROM recipient "
                "WHERE campaign_id = ? AND status = 'planned' ORDER BY sequence LIMIT ?)",
                *(self._order.campaign_id, ahead),
            )
            rows = [_Row(*row) for row in json.loads(planned)]
            requests = _take(rows, most, most_rows, room, is_all=len(rows) < ahead)
            if requests is not None:
                break
            ahead *= 4
        if requests:
            self._rows_each = -(-sum(map(len, requests)) // len(requests))
        return requests

    def _affordable(
        self, ledger: Ledger, campaign: _Campaign, requests: list[list[_Row]]
    ) -> list[list[_Row]]:
        """Count requests for the limit and the budget, whoever set it and whoever else is sending.

        Those before the one that is too much are made.
        """
        cost, count, made = campaign.taken_cost, 0, 0
        for request in requests:
            price = sum(row.cost or 0 for row in request)
            unpriced = any(row.cost is None for row in request)
            bound = campaign.max_cost
            if bound is not None and (unpriced or cost + price > bound):
                if made:
                    break
                raise _too_much(None if unpriced else cost + price, bound)
            cost, count, made = cost + price, count + len(request), made + 1
        ledger.execute(
            "UPDATE campaign SET taken = taken + ?, taken_cost = ? WHERE id = ?",
            (count, cost, self._order.campaign_id),
        )
        return requests[:made]

    def _write(self, ledger: Ledger, requests: list[list[_Row]], *, at: int) -> list[Claim]:
        order = self._order
        ids = [_request_id(at) for _ in requests]
        ledger.values(
            "INSERT INTO request (id, campaign_id, owner_id, claimed_at) VALUES (rows)",
            [(request_id, order.campaign_id, order.owner.id, at) for request_id in ids],
        )
        [attempt_id] = ledger.one("SELECT coalesce(max(id), 0) + 1 FROM attempt")
        contents = _contents(ledger, {request[0].content_id for request in requests})
        claims = []
        for request_id, request in zip(ids, requests, strict=True):
            attempts = {row.number: attempt_id + place for place, row in enumerate(request)}
            attempt_id += len(request)
            recipients = [row.id for row in request]
            text, sender = contents[request[0].content_id]
            claims.append(Claim(request_id, text, sender, attempts, recipients))
        ledger.values(
            "INSERT INTO attempt (id, recipient_id, request_id, campaign_id, status, updated_at) "
            "VALUES (rows)",
            [
                (attempt, recipient, claim.request_id, order.campaign_id, "sending", at)
                for claim in claims
                for attempt, recipient in zip(
                    claim.attempts.values(), claim.recipients, strict=True
                )
            ],
        )
        ledger.values(
            "UPDATE recipient SET status = 'sending' WHERE id IN (VALUES (rows))",
            [(recipient,) for claim in claims for recipient in claim.recipients],
        )
        add_request_events(ledger, ids, "sending", "claim", at=at)
        return claims

    def _look_at_all(self, ledger: Ledger, campaign: _Campaign) -> bool:
        """Tell whether it is known of all that is planned that no other campaign took it for real.

        Raises:
            CampaignConflict: another one did.
        """
        version = ledger.version()
        if self._looked_at is None and not campaign.allow_repeat:
            refuse_repeats(ledger, self._order.campaign_id)
            self._looked_at = version
        return bool(campaign.allow_repeat) or version == self._looked_at


def _contents(ledger: Ledger, ids: set[int]) -> dict[int, tuple[str, str]]:
    [found] = ledger.one(
        "SELECT json_group_array(json_array(id, text, sender)) FROM content "
        "WHERE id IN (SELECT value FROM json_each(?))",
        json.dumps(list(ids)),
    )
    return {content_id: (text, sender) for content_id, text, sender in json.loads(found)}


def _take(
    rows: list[_Row], most: int, most_rows: int, room: int | None, *, is_all: bool
) -> list[list[_Row]] | None:
    """Take requests from rows in their order; None when more rows must be read to be sure."""
    requests: list[list[_Row]] = []
    while rows and len(requests) < most and room != 0:
        size = rows[0].request_size if room is None else min(rows[0].request_size, room)
        items = (Item(row.id, row.number, row.shared) for row in rows)
        taken = {item.key for item in take_request(items, size)}
        request = [row for row in rows if row.id in taken]
        is_whole = len(request) == size or rows[-1].shared != rows[0].shared
        if not (is_whole or is_all):
            return requests or None
        if len(request) > most_rows:
            break
        requests.append(request)
        most_rows -= len(request)
        room = None if room is None else room - len(request)
        rows = [row for row in rows if row.id not in taken]
    return requests


def _request_id(at: int) -> str:
    """Make a reference that nobody can guess; later ones sort behind, so that an index grows."""
    return f"{at // 1000:012x}{uuid.uuid4().hex[12:]}"


def _too_much(cost: int | None, bound: int) -> BudgetExceeded:
    price = "a price that is not known" if cost is None else f"{cost / EURO:,.2f} EUR"
    return BudgetExceeded(
        f"The next request would bring the campaign to {price}, and {bound / EURO:,.2f} EUR "
        "are allowed. Nothing more was sent; raise max_cost or leave rows out."
    )


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
