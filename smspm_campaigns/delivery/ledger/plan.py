"""Freezing a plan: a campaign and its rows, written once."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import Final, NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.read import find_campaign
from smspm_campaigns.exceptions import CampaignConflict, GatewayMismatch
from smspm_campaigns.vocabulary import SIMULATED

#: A number, a text and a sender.
Message = tuple[str | None, str | None, str | None]

_PIECE: Final = 2_000  # rows that are in memory together


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
    def message(self) -> Message:
        """What makes two plans equal."""
        return self.number, self.text, self.sender


class Plan(NamedTuple):
    """A frame as the ledger keeps it. Its rows are made whenever they are gone through."""

    manifest: str
    fingerprint: str
    rows: Iterable[PlannedRow]
    contents: Sequence[int]  # of each row: the first place of its text and sender
    sequence: Sequence[int]  # of each row: its place in the order of sending; -1: never sent


def fingerprint(messages: Iterable[Message]) -> str:
    """Digest a multiset of messages, which come in the alphabetical order of their numbers.

    It is the digest of their lines of JSON in alphabetical order. Ledgers hold it, so it stays.
    """
    digest, separator = hashlib.sha256(), b""
    for _, equal in groupby(messages, itemgetter(0)):
        for line in sorted(map(_line, equal)):
            digest.update(separator + line.encode())
            separator = b"\n"
    return digest.hexdigest()


def _line(message: Message) -> str:
    number, text, sender = (encode_basestring_ascii(part or "") for part in message)
    return f"[{number}, {text}, {sender}]"


def create_campaign(
    ledger: Ledger,
    name: str,
    frozen: Plan,
    *,
    allow_repeat: bool,
    at: int,
) -> bool:
    """Write a campaign, or find the very same one; tell whether it is new.

    The same one learns prices that it did not have, and that it may repeat what others took.

    Raises:
        CampaignConflict: the name has another plan, or another campaign took some of it.
    """
    with ledger.transaction():
        known = ledger.one("SELECT id, fingerprint FROM campaign WHERE name = ?", name)
        if known:
            if known[1] != frozen.fingerprint:
                raise CampaignConflict(_difference(ledger, name, known[0], frozen.rows))
            _complete(ledger, known[0], frozen.rows, allow_repeat=allow_repeat)
            return False
        campaign_id = ledger.insert(
            "INSERT INTO campaign (name, fingerprint, manifest, allow_repeat, created_at) "
            "VALUES (?, ?, ?, ?, ?)",
            *(name, frozen.fingerprint, frozen.manifest, allow_repeat, at),
        )
        with _index_made_afterwards(ledger, "recipient_by_number", len(frozen.contents)):
            _insert_rows(ledger, campaign_id, frozen)
        refuse_repeats(ledger, campaign_id)
    return True


def _complete(
    ledger: Ledger, campaign_id: int, rows: Iterable[PlannedRow], *, allow_repeat: bool
) -> None:
    if allow_repeat:
        ledger.execute("UPDATE campaign SET allow_repeat = 1 WHERE id = ?", (campaign_id,))
    unpriced = "SELECT 1 FROM recipient WHERE campaign_id = ? AND cost IS NULL AND problem IS NULL"
    if not ledger.one(unpriced, campaign_id):
        return
    ledger.executemany(
        "UPDATE recipient SET cost = ? WHERE campaign_id = ? AND number = ? AND cost IS NULL "
        "AND (SELECT text FROM content WHERE id = content_id) = ?",
        (
            (row.cost, campaign_id, row.number, row.text)
            for row in rows
            if row.problem is None and row.cost is not None
        ),
    )
    ledger.execute(
        "UPDATE campaign SET taken_cost = (SELECT coalesce(sum(cost), 0) FROM recipient "
        "  JOIN attempt ON attempt.recipient_id = recipient.id "
        "  JOIN status ON status.name = attempt.status AND status.taken "
        "  WHERE recipient.campaign_id = campaign.id) WHERE id = ?",
        (campaign_id,),
    )


@contextmanager
def _index_made_afterwards(ledger: Ledger, name: str, rows: int) -> Iterator[None]:
    """Drop an index and make it again in the same transaction, when most of its rows are new.

    Numbers come in no order: a million of them put one by one take longer than all else together.
    """
    [held] = ledger.one("SELECT coalesce(max(id), 0) FROM recipient")
    if rows <= held:
        yield
        return
    [index] = ledger.one("SELECT sql FROM sqlite_master WHERE name = ?", name)
    ledger.execute(f"DROP INDEX {name}")
    yield
    ledger.execute(index)


def _insert_rows(ledger: Ledger, campaign_id: int, frozen: Plan) -> None:
    [first_id] = ledger.one("SELECT coalesce(max(id), 0) + 1 FROM content")
    rows = enumerate(zip(frozen.rows, frozen.contents, frozen.sequence, strict=True))
    while some := list(islice(rows, _PIECE)):
        ledger.executemany(
            "INSERT INTO content (id, campaign_id, text, sender, encoding, segments) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                (first_id + position, campaign_id, row.text, row.sender, row.encoding, row.segments)
                for position, (row, content, _) in some
                if content == position and row.text is not None
            ),
        )
        ledger.executemany(
            "INSERT INTO recipient (campaign_id, position, sequence, number, country, line, "
            "content_id, cost, problem, problems, detail, original, standing, status) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    campaign_id,
                    position,
                    sequence if row.problem is None else None,
                    row.number,
                    row.country,
                    row.line,
                    first_id + content if row.text is not None else None,
                    row.cost,
                    row.problem,
                    row.problems,
                    row.detail,
                    row.original,
                    *(["excluded" if row.problem else "planned"] * 2),
                )
                for position, (row, content, sequence) in some
            ),
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
    taken = find_campaign(ledger, name).taken
    return (
        f"There is a campaign {name!r} with another plan: {(frozen - asked).total():,} of its "
        f"messages are not in this frame, {(asked - frozen).total():,} of this frame not in it, "
        f"and {taken:,} of it were already taken. Campaign.open({name!r}).send(…) goes on with the "
        "frozen plan; another name makes a new campaign."
    )


def refuse_repeats(ledger: Ledger, campaign_id: int) -> None:
    """Refuse what is planned and another campaign took for real. A rehearsal does not count.

    Raises:
        CampaignConflict: there are such messages, and the campaign may not repeat any.
    """
    is_alone = not ledger.one(
        "SELECT 1 FROM campaign JOIN status ON status.taken "
        "JOIN recipient ON recipient.campaign_id = campaign.id AND recipient.status = status.name "
        "WHERE campaign.id <> ? AND gateway <> 'simulated' LIMIT 1",
        campaign_id,
    )
    if is_alone:  # what nobody took need not be compared row by row
        return
    found = ledger.one(
        "SELECT count(DISTINCT recipient_id), min(name), min(other) FROM repeated "
        "JOIN recipient ON recipient.id = recipient_id AND recipient.status = 'planned' "
        "WHERE repeated.campaign_id = ?",
        campaign_id,
    )
    _refuse(*found)


def refuse_repeats_of_requests(ledger: Ledger, request_ids: Sequence[str]) -> None:
    """Refuse requests with a message that another campaign took for real meanwhile.

    Raises:
        CampaignConflict: they have one, and the campaign may not repeat any.
    """
    found = ledger.one(
        "SELECT count(DISTINCT attempt.id), min(name), min(other) FROM attempt "
        "JOIN repeated ON repeated.recipient_id = attempt.recipient_id "
        "WHERE request_id IN (SELECT value FROM json_each(?))",
        json.dumps(request_ids),
    )
    _refuse(*found)


def _refuse(count: int, name: str, other: str) -> None:
    if count:
        raise CampaignConflict(
            f"{count:,} messages of {name!r} were already taken by another campaign ({other!r}): "
            "the same text to the same number. Leave these people out, or pass allow_repeat=True "
            "to text them again."
        )


def bind_gateway(ledger: Ledger, campaign_id: int, gateway: str) -> None:
    """Bind a campaign to a gateway, for good once something of it may have been taken.

    Raises:
        GatewayMismatch: another gateway may have taken some of it.
    """
    check_gateway(ledger, campaign_id, gateway)
    ledger.execute(
        "UPDATE campaign SET gateway = ? WHERE id = ? AND gateway IS NOT ?",
        (gateway, campaign_id, gateway),
    )


def check_gateway(ledger: Ledger, campaign_id: int, gateway: str) -> None:
    """Refuse a gateway when another one may have taken some of the campaign.

    Raises:
        GatewayMismatch: another one may.
    """
    mismatch = ledger.one(
        "SELECT name, gateway FROM campaign WHERE id = ? AND gateway <> ? AND EXISTS ("
        "  SELECT 1 FROM request JOIN attempt ON attempt.request_id = request.id"
        "  WHERE request.campaign_id = campaign.id AND (attempt.status <> 'not_taken' OR EXISTS ("
        "    SELECT 1 FROM event WHERE event.attempt_id = attempt.id AND evidence = 'person')))",
        *(campaign_id, gateway),
    )
    if mismatch is None:
        return
    name, bound = mismatch
    if bound == SIMULATED:
        raise GatewayMismatch(
            f"{name!r} is a rehearsal on the simulator, so it cannot be sent for real. Create it "
            "under another name for that."
        )
    raise GatewayMismatch(
        f"{name!r} belongs to {bound}, and this client to "
        f"{'the simulator' if gateway == SIMULATED else 'another account or address'}. Use the one "
        "it began with, or create the campaign under another name."
    )


def set_max_cost(ledger: Ledger, campaign_id: int, max_cost: int | None) -> None:
    """Keep the most a campaign may cost; None lifts the bound."""
    with ledger.transaction():
        ledger.execute("UPDATE campaign SET max_cost = ? WHERE id = ?", (max_cost, campaign_id))
