"""Freezing a plan: a campaign and its rows, written once."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from smspm_campaigns.batches import Item, send_order
from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.exceptions import CampaignConflict


class PlannedRow(NamedTuple):
    """One row of the frame, as the ledger keeps it. `cost` is in billionths of a euro."""

    number: str | None
    country: str | None
    line: str | None
    text: str | None
    sender: str | None
    encoding: str | None
    segments: int | None
    cost: int | None
    problem: str | None
    problems: str | None
    detail: str | None
    original: str

    @property
    def message(self) -> tuple[str | None, str | None, str | None]:
        """What makes two plans equal."""
        return self.number, self.text, self.sender


def fingerprint(rows: Iterable[PlannedRow]) -> str:
    """Digest the multiset of (number, text, sender) of the rows that will be sent."""
    lines = sorted(json.dumps(row.message) for row in rows if row.problem is None)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def create_campaign(
    ledger: Ledger,
    name: str,
    rows: Sequence[PlannedRow],
    *,
    manifest: str,
    allow_repeat: bool,
    at: int,
) -> bool:
    """Write a campaign, or find the very same one; tell whether it is new.

    Raises:
        CampaignConflict: the name has another plan, or another campaign took some of it.
    """
    printed = fingerprint(rows)
    with ledger.transaction():
        known = ledger.one("SELECT id, fingerprint FROM campaign WHERE name = ?", name)
        if known:
            if known[1] != printed:
                raise CampaignConflict(_difference(ledger, name, known[0], rows))
            return False
        campaign_id = ledger.insert(
            "INSERT INTO campaign (name, fingerprint, manifest, created_at) VALUES (?, ?, ?, ?)",
            *(name, printed, manifest, at),
        )
        _insert_rows(ledger, campaign_id, rows)
        if not allow_repeat:
            _refuse_taken_elsewhere(ledger, campaign_id, name)
    return True


def _insert_rows(ledger: Ledger, campaign_id: int, rows: Sequence[PlannedRow]) -> None:
    contents: dict[tuple[str, str | None], int] = {}
    for row in rows:
        if row.text is not None and (row.text, row.sender) not in contents:
            contents[row.text, row.sender] = _insert_content(ledger, campaign_id, row)

    def content_id(row: PlannedRow) -> int | None:
        return None if row.text is None else contents[row.text, row.sender]

    waiting = (
        Item(position, row.number or "", content_id(row))
        for position, row in enumerate(rows)
        if row.problem is None
    )
    sequence = {item.key: place for place, item in enumerate(send_order(waiting))}
    ledger.executemany(
        "INSERT INTO recipient (campaign_id, position, sequence, number, country, line, "
        "content_id, cost, problem, problems, detail, original, standing, status) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                campaign_id,
                position,
                sequence.get(position),
                row.number,
                row.country,
                row.line,
                content_id(row),
                row.cost,
                row.problem,
                row.problems,
                row.detail,
                row.original,
                *(["excluded" if row.problem else "planned"] * 2),
            )
            for position, row in enumerate(rows)
        ),
    )


def _insert_content(ledger: Ledger, campaign_id: int, row: PlannedRow) -> int:
    return ledger.insert(
        "INSERT INTO content (campaign_id, text, sender, encoding, segments) "
        "VALUES (?, ?, ?, ?, ?)",
        *(campaign_id, row.text, row.sender, row.encoding, row.segments),
    )


def _difference(ledger: Ledger, name: str, campaign_id: int, rows: Iterable[PlannedRow]) -> str:
    frozen = Counter(
        ledger.execute(
            "SELECT number, text, sender FROM recipient "
            "JOIN content ON content.id = recipient.content_id "
            "WHERE recipient.campaign_id = ? AND sequence IS NOT NULL",
            (campaign_id,),
        )
    )
    asked = Counter(row.message for row in rows if row.problem is None)
    taken = ledger.one(
        "SELECT count(*) FROM recipient JOIN status ON status.name = recipient.status "
        "WHERE campaign_id = ? AND taken",
        campaign_id,
    )[0]
    return (
        f"There is a campaign {name!r} with another plan: {(frozen - asked).total():,} of its "
        f"messages are not in this frame, {(asked - frozen).total():,} of this frame not in it, "
        f"and {taken:,} of it were already taken. Campaign.open({name!r}).send(…) goes on with the "
        "frozen plan; another name makes a new campaign."
    )


def _refuse_taken_elsewhere(ledger: Ledger, campaign_id: int, name: str) -> None:
    """Refuse messages that another campaign took for real. A rehearsal does not count."""
    count, other = ledger.one(
        "SELECT count(DISTINCT mine.id), min(campaign.name) FROM recipient AS mine "
        "JOIN content AS said ON said.id = mine.content_id "
        "JOIN recipient AS theirs ON theirs.number = mine.number AND theirs.id <> mine.id "
        "JOIN status ON status.name = theirs.status AND status.taken "
        "JOIN content AS same ON same.id = theirs.content_id AND same.text = said.text "
        "JOIN campaign ON campaign.id = theirs.campaign_id AND campaign.gateway <> 'simulated' "
        "WHERE mine.campaign_id = ? AND mine.sequence IS NOT NULL AND theirs.campaign_id <> ?",
        campaign_id,
        campaign_id,
    )
    if count:
        raise CampaignConflict(
            f"{count:,} messages of {name!r} were already taken by another campaign ({other!r}): "
            "the same text to the same number. Leave these people out, or pass allow_repeat=True "
            "to text them again."
        )


def bind_gateway(ledger: Ledger, campaign_id: int, gateway: str) -> str:
    """Bind a campaign to a gateway unless it is bound; return the one it is bound to."""
    with ledger.transaction():
        ledger.execute(
            "UPDATE campaign SET gateway = ? WHERE id = ? AND gateway IS NULL",
            (gateway, campaign_id),
        )
        return str(ledger.one("SELECT gateway FROM campaign WHERE id = ?", campaign_id)[0])


def set_max_cost(ledger: Ledger, campaign_id: int, max_cost: int) -> None:
    """Keep the most a campaign may cost."""
    with ledger.transaction():
        ledger.execute("UPDATE campaign SET max_cost = ? WHERE id = ?", (max_cost, campaign_id))
