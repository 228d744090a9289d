"""Reading the ledger: campaigns, counts, rows, and what is due."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final, NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.exceptions import CampaignNotFound

PIECE: Final = 20_000  # rows that are read together: others wait for 0.2 s to write, not for all

_ALL: Final = 2**63 - 1  # rows; more than there can be


#: The place of each row in the frame, and the fields of its `RowRecord`.
_ROWS: Final = (
    "SELECT position, original, number, country, line, content.text, content.encoding, "
    "content.segments, cost, content.sender, problem, problems, detail, attempt.message_id, "
    "recipient.status, attempt.error, attempt.price, attempt.carrier, attempt.sent_at, "
    "attempt.updated_at "
    "FROM recipient LEFT JOIN content ON content.id = recipient.content_id "
    "JOIN prevailing ON prevailing.recipient_id = recipient.id "
    "LEFT JOIN attempt ON attempt.id = prevailing.attempt_id "
    "WHERE recipient.campaign_id = ? AND position"
)
_NEXT: Final = f"{_ROWS} > ? ORDER BY position LIMIT ?"
_THESE: Final = f"{_ROWS} IN (SELECT value FROM json_each(?)) ORDER BY position"  # noqa: S608  # of ours

_CHANGES: Final = (
    "SELECT change.id, coalesce(attempt.id, 0), position, change.at, "
    "CASE change.status WHEN 'not_taken' THEN 'planned' ELSE change.status END, "
    "evidence, request_id, message_id, change.error "
    "FROM change JOIN recipient ON recipient.id = change.recipient_id "
    "LEFT JOIN attempt ON attempt.id = change.attempt_id "
    "WHERE recipient.campaign_id = ? AND position >= ? AND position < ?"
)


class CampaignRecord(NamedTuple):
    """A campaign as the ledger keeps it. `taken` counts attempts that may have cost money."""

    id: int
    name: str
    manifest: str
    gateway: str | None
    max_cost: int | None
    created_at: int
    taken: int
    taken_cost: int


class RowRecord(NamedTuple):
    """One row with its prevailing attempt. Money in billionths of a euro, times in microseconds."""

    original: str
    number: str | None
    country: str | None
    line: str | None
    text: str | None
    encoding: str | None
    segments: int | None
    cost: int | None
    sender: str | None
    problem: str | None
    problems: str | None
    detail: str | None
    message_id: str | None
    status: str
    error: str | None
    price: int | None
    carrier: str | None
    sent_at: int | None
    updated_at: int | None


#: Some rows: the fields of a `RowRecord`, of each the cells in the order of the rows.
Columns = dict[str, Sequence[Any]]


class Due(NamedTuple):
    """A message to ask about."""

    attempt_id: int
    message_id: str
    status: str
    sent_at: int
    due_at: int


class Demand(NamedTuple):
    """What a run may take: rows by sender, what those with a price cost, and how many have none."""

    senders: dict[str, int]
    cost: int
    unpriced: int


class Change(NamedTuple):
    """One change of status, or a contradiction. `position` is that of the row in the frame."""

    position: int
    at: int
    status: str
    evidence: str
    request_id: str | None
    message_id: str | None
    error: str | None


def find_campaign(ledger: Ledger, name: str) -> CampaignRecord:
    """Find a campaign by name.

    Raises:
        CampaignNotFound: there is none; those there are, are named.
    """
    row = ledger.one(
        "SELECT id, name, manifest, gateway, max_cost, created_at, taken, taken_cost "
        "FROM campaign WHERE name = ?",
        name,
    )
    if row is None:
        names = [known for (known,) in ledger.execute("SELECT name FROM campaign ORDER BY id DESC")]
        there = f"It has: {', '.join(names[:10])}." if names else "It has none yet."
        raise CampaignNotFound(f"No campaign {name!r} in the ledger at {ledger.path}. {there}")
    return CampaignRecord(*row)


def all_campaigns(ledger: Ledger) -> list[CampaignRecord]:
    """Return every campaign, the newest first."""
    rows = ledger.execute(
        "SELECT id, name, manifest, gateway, max_cost, created_at, taken, taken_cost "
        "FROM campaign ORDER BY id DESC"
    )
    return [CampaignRecord(*row) for row in rows]


def count_by_status(ledger: Ledger, campaign_id: int) -> dict[str, int]:
    """Count the rows of a campaign by status."""
    return dict(
        ledger.execute(
            "SELECT status, count(*) FROM recipient WHERE campaign_id = ? GROUP BY status",
            (campaign_id,),
        ).fetchall()
    )


def expected_cost(ledger: Ledger, campaign_id: int) -> tuple[int, int]:
    """Return the cost of what is taken, unknown and planned, and how many have no price.

    A row that was sent again by a person's word, and proved to be taken before, costs twice.
    """
    cost, unpriced = ledger.one(
        "SELECT taken_cost + coalesce((SELECT sum(cost) FROM recipient"
        "  WHERE campaign_id = campaign.id AND recipient.status = 'planned'), 0),"
        "  (SELECT count(*) FROM recipient JOIN status ON status.name = recipient.status"
        "  WHERE campaign_id = campaign.id AND cost IS NULL AND (taken OR name = 'planned')) "
        "FROM campaign WHERE id = ?",
        campaign_id,
    )
    return cost, unpriced


def demand(ledger: Ledger, campaign_id: int, limit: int | None) -> Demand:
    """Sum up what a run with this limit would take, as it stands now."""
    room = _ALL
    if limit is not None:
        [taken] = ledger.one("SELECT taken FROM campaign WHERE id = ?", campaign_id)
        room = max(limit - taken, 0)
    found = ledger.all(
        "SELECT sender, count(*), coalesce(sum(cost), 0), count(*) - count(cost) FROM "
        "  (SELECT content.sender, cost FROM recipient "
        "  JOIN content ON content.id = recipient.content_id "
        "  WHERE recipient.campaign_id = ? AND status = 'planned' "
        "  ORDER BY sequence LIMIT ?) AS next "
        "GROUP BY sender ORDER BY sender",
        *(campaign_id, room),
    )
    return Demand(
        {sender: count for sender, count, _, _ in found},
        sum(cost for _, _, cost, _ in found),
        sum(unpriced for *_, unpriced in found),
    )


def pieces(ledger: Ledger, campaign_id: int) -> Iterator[Columns]:
    """Yield the rows of a campaign in the order of the frame, at most `PIECE` of them together.

    Each piece is one short look into the ledger, so that nobody waits long to write to it. What is
    written between two of them, shows in the later one. Without a row there is one empty piece.
    """
    last = -1
    while found := ledger.all(_NEXT, campaign_id, last, PIECE):
        last = found[-1][0]
        yield _columns(found)
    if last < 0:
        yield _columns([])


def rows_at(ledger: Ledger, campaign_id: int, positions: Sequence[int]) -> Columns:
    """Return the rows at these places, which are in order, in as short looks as `pieces`."""
    some = (positions[start : start + PIECE] for start in range(0, len(positions), PIECE))
    found = (ledger.all(_THESE, campaign_id, json.dumps(places)) for places in some)
    return _columns(list(chain.from_iterable(found)))


def _columns(found: list[tuple[Any, ...]]) -> Columns:
    """Turn rows into columns, and leave out the first one: it is the place of the row."""
    _, *columns = _turned(found, len(RowRecord._fields) + 1)
    return dict(zip(RowRecord._fields, columns, strict=True))


def _turned(found: list[tuple[Any, ...]], width: int) -> Iterable[Sequence[Any]]:
    return zip(*found, strict=True) if found else repeat((), width)


def originals(ledger: Ledger, campaign_id: int) -> Iterator[str]:
    """Yield what each row was in the frame, in its order, in as short looks as `pieces`."""
    last = -1
    while found := ledger.all(
        "SELECT position, original FROM recipient WHERE campaign_id = ? AND position > ? "
        "ORDER BY position LIMIT ?",
        *(campaign_id, last, PIECE),
    ):
        yield from (original for _, original in found)
        last = found[-1][0]


def changes(ledger: Ledger, campaign_id: int) -> Iterator[Columns]:
    """Yield every change of a campaign's rows, in no order, in as short looks as `pieces`.

    Besides the fields of a `Change` there are `id` and `attempt_id`, by which the changes of all
    pieces are in order.
    """
    [last] = ledger.one("SELECT max(position) FROM recipient WHERE campaign_id = ?", campaign_id)
    names = ("id", "attempt_id", *Change._fields)
    for start in range(0, 1 if last is None else last + 1, PIECE):
        found = ledger.all(_CHANGES, campaign_id, start, start + PIECE)
        yield dict(zip(names, _turned(found, len(names)), strict=True))


def due(ledger: Ledger, campaign_id: int, *, most: int, at: int) -> list[Due]:
    """Return messages whose time to be asked about has come, the longest due first."""
    found = ledger.all(
        "SELECT attempt.id, message_id, attempt.status, coalesce(sent_at, claimed_at), due_at "
        "FROM attempt JOIN request ON request.id = attempt.request_id "
        "WHERE attempt.campaign_id = ? AND due_at <= ? ORDER BY due_at LIMIT ?",
        *(campaign_id, at, most),
    )
    return [Due(*row) for row in found]


def next_due(ledger: Ledger, campaign_id: int, *, after: int) -> int | None:
    """Return when the first message is to be asked about after that, None when none is."""
    found = ledger.one(
        "SELECT min(due_at) FROM attempt WHERE campaign_id = ? AND due_at > ?",
        *(campaign_id, after),
    )
    return None if found[0] is None else int(found[0])


class Open(NamedTuple):
    """Messages that something is still to be learnt of."""

    unasked: int  # no final word yet, and no id to ask about
    unpriced: int  # a final word, and the price is still to be asked for
    priceless: int  # a final word, and the answer to the question for the price had none


def still_open(ledger: Ledger, campaign_id: int) -> Open:
    """Count the messages that asking cannot help, and those that lack the price alone."""
    found = ledger.one(
        "SELECT coalesce(sum(attempt.status IN ('queued', 'submitted') AND message_id IS NULL), 0),"
        " coalesce(sum(lacks_price AND due_at IS NOT NULL), 0),"
        " coalesce(sum(lacks_price AND due_at IS NULL), 0) "
        "FROM (SELECT attempt.*, attempt.status IN ('delivered', 'failed') "
        "      AND message_id IS NOT NULL AND price IS NULL AS lacks_price "
        "      FROM request JOIN attempt ON attempt.request_id = request.id "
        "      WHERE request.campaign_id = ?) AS attempt",
        campaign_id,
    )
    return Open(*found)
