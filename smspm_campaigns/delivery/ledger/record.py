"""Recording evidence: attempts move forward, and rows follow them."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import FINAL, VENDOR_STATUS, Status

#: Microseconds from the acceptance of a message to the first question about it.
FIRST_POLL: Final = 2_000_000
#: Microseconds between two questions about a message at the most.
LAST_POLL: Final = 3_600_000_000
#: Billionths of a euro in one.
EURO: Final = 1_000_000_000

#: What an attempt is when SMSPM surely took it.
_ACCEPTED: Final = (
    Status.QUEUED,
    Status.SUBMITTED,
    Status.UNCONFIRMED,
    Status.DELIVERED,
    Status.FAILED,
)


class Evidence(NamedTuple):
    """What is proven about one attempt. Fields that are None leave what is there, but `error`.

    Where `status` is None, all that is proven is that SMSPM has the message.
    """

    attempt_id: int
    status: str | None
    message_id: str | None = None
    word: str | None = None
    error: str | None = None
    price: int | None = None
    carrier: str | None = None
    due_at: int | None = None


class Answered(NamedTuple):
    """A request with what its reply proves about each of its rows, which `recipients` are.

    `halve`: the next requests of these rows hold half as many numbers.
    """

    request_id: str
    recipients: Sequence[int]
    evidence: Sequence[Evidence]
    reply: str
    error: str | None
    halve: bool = False


def close_requests(ledger: Ledger, answered: Sequence[Answered], *, at: int) -> None:
    """Record what the replies to requests prove about their rows, inside a transaction."""
    if not answered:
        return
    ledger.values(
        "UPDATE request SET answered_at = ?, reply = column2, error = column3 "
        "FROM (VALUES (rows)) WHERE id = column1",
        [(request.request_id, request.reply, request.error) for request in answered],
        at,
    )
    plain = [request for request in answered if _is_plain(request)]
    others = [request for request in answered if not _is_plain(request)]
    if plain and not _queue_all(ledger, plain, at=at):
        others += [request for request in plain if not _queue_all(ledger, [request], at=at)]
    for request in others:
        for proof in request.evidence:
            apply(ledger, _unless_known(ledger, proof), "reply", at=at)
        if request.halve:
            _halve_requests(ledger, request.request_id)


def _is_plain(request: Answered) -> bool:
    return all(proof.status == Status.QUEUED for proof in request.evidence)


def _queue_all(ledger: Ledger, requests: Sequence[Answered], *, at: int) -> bool:
    """Do in one step what `apply` would do with requests that were accepted whole.

    Each attempt must be `sending` and speak for its row, and each id be new; else nothing is done.
    """
    accepted = [
        (proof.attempt_id, proof.message_id, proof.word, proof.due_at)
        for request in requests
        for proof in request.evidence
    ]
    recipients = [(recipient,) for request in requests for recipient in request.recipients]
    with suppress(_NotPlain), ledger.attempt():
        moved = ledger.values(
            "UPDATE OR IGNORE attempt SET status = 'queued', sent_at = ?, updated_at = ?, "
            "message_id = column2, word = column3, due_at = column4 "
            "FROM (VALUES (rows)) WHERE attempt.id = column1 AND attempt.status = 'sending'",
            accepted,
            *(at, at),
        )
        followed = ledger.values(
            "UPDATE recipient SET status = 'queued' WHERE status = 'sending' AND id IN "
            "(VALUES (rows))",
            recipients,
        )
        if not moved.rowcount == followed.rowcount == len(accepted):
            raise _NotPlain
        references = [request.request_id for request in requests]
        add_request_events(ledger, references, "queued", "reply", at=at)
        return True
    return False


class _NotPlain(Exception):
    """Something is known of a row already, or of an id."""


def said(attempt_id: int, word: str, **more: Any) -> Evidence:
    """Read the API's word for a status by the one table; one never seen leaves a message open.

    Args:
        more: other fields of the evidence.
    """
    status = VENDOR_STATUS.get(word.strip().lower())
    is_plain = status not in (None, Status.FAILED) or status == word.strip().lower()
    error = None if is_plain else f"SMSPM says {mask_text(word)!r}."
    return Evidence(attempt_id, status, word=word, error=error, **more)


def record(ledger: Ledger, evidence: Iterable[Evidence], source: str, *, at: int) -> None:
    """Record evidence about attempts, such as the answers to polls: all of it, or nothing."""
    with ledger.transaction():
        for proof in evidence:
            apply(ledger, proof, source, at=at)


def ask_again(ledger: Ledger, campaign_id: int, *, sent_after: int, at: int) -> None:
    """Make messages that were given up, but are younger than that, due once more.

    And those that are due later than ever: the clock was ahead when they were sent.
    """
    with ledger.transaction():
        ledger.execute(
            "UPDATE attempt SET due_at = ? WHERE (due_at > ? OR (status = 'unconfirmed' "
            "AND message_id IS NOT NULL AND sent_at > ?)) AND request_id IN "
            "(SELECT id FROM request WHERE campaign_id = ?)",
            (at, at + LAST_POLL, sent_after, campaign_id),
        )


def give_up(ledger: Ledger, campaign_id: int, *, sent_before: int, at: int) -> None:
    """Make messages unconfirmed that were sent before that and have no id to ask about."""
    with ledger.transaction():
        unasked = ledger.all(
            "SELECT attempt.id FROM attempt JOIN request ON request.id = request_id "
            "WHERE campaign_id = ? AND status IN ('queued', 'submitted') AND message_id IS NULL "
            "AND sent_at <= ?",
            *(campaign_id, sent_before),
        )
        for (attempt_id,) in unasked:
            apply(ledger, Evidence(attempt_id, Status.UNCONFIRMED), "age", at=at)


def _halve_requests(ledger: Ledger, request_id: str) -> None:
    ledger.execute(
        "UPDATE recipient SET request_size = max(1, ("
        "  SELECT (count(*) + 1) / 2 FROM attempt WHERE request_id = ?)) "
        "WHERE id IN (SELECT recipient_id FROM attempt WHERE request_id = ?)",
        (request_id, request_id),
    )


def _unless_known(ledger: Ledger, proof: Evidence) -> Evidence:
    """An id that another attempt has proves nothing about this one."""
    if proof.message_id is None:
        return proof
    known = ledger.one(
        "SELECT 1 FROM attempt WHERE message_id = ? AND id <> ?", proof.message_id, proof.attempt_id
    )
    if not known:
        return proof
    error = "the reply has the id of another message"
    return Evidence(proof.attempt_id, "unknown", word=proof.word, error=error)


class _Known(NamedTuple):
    """An attempt before evidence is applied, and the stage of what the evidence says."""

    status: str
    stage: int
    taken: int
    recipient_id: int
    message_id: str | None
    price: int | None
    due_at: int | None
    sent_at: int | None
    claimed_at: int
    new_stage: int
    new_taken: int


def apply(ledger: Ledger, proof: Evidence, source: str, *, at: int) -> None:
    """Move an attempt forward, never back, inside a transaction; a price or carrier is kept anyway.

    A contradiction changes nothing, and is kept in the history: another final word, or the proof
    that something was not taken which is known to be. So is a word that is not known here.
    """
    said = proof.status or Status.QUEUED
    known = _Known(
        *ledger.one(
            "SELECT attempt.status, old.stage, old.taken, recipient_id, message_id, price, due_at, "
            "sent_at, claimed_at, new.stage, new.taken FROM attempt "
            "JOIN request ON request.id = request_id "
            "JOIN status AS old ON old.name = attempt.status JOIN status AS new ON new.name = ? "
            "WHERE attempt.id = ?",
            *(said, proof.attempt_id),
        )
    )
    forward = known.new_stage > known.stage
    status = said if forward else known.status
    sent_at = known.sent_at
    if sent_at is None and status in _ACCEPTED:
        sent_at = at if source == "reply" else known.claimed_at
    ledger.execute(
        "UPDATE attempt SET status = ?, message_id = coalesce(message_id, ?), "
        "price = coalesce(?, price), carrier = coalesce(?, carrier), due_at = ?, sent_at = ?, "
        "updated_at = CASE WHEN ? THEN ? ELSE updated_at END WHERE id = ?",
        (
            *(status, proof.message_id, proof.price, proof.carrier),
            *(_due(known, proof, source, status, at=at), sent_at, forward, at, proof.attempt_id),
        ),
    )
    if forward or (proof.status in (None, status) and status not in FINAL):
        ledger.execute(  # else it is old news, and so are its words
            "UPDATE attempt SET word = coalesce(?, word), error = ? WHERE id = ?",
            (proof.word, proof.error, proof.attempt_id),
        )
    if forward:
        add_events(ledger, [proof.attempt_id], status, source, error=proof.error, at=at)
        settle(ledger, [known.recipient_id])
    elif _is_noteworthy(known, proof):
        told = proof.status or known.status
        add_events(ledger, [proof.attempt_id], told, source, error=proof.error, at=at, once=True)
    if forward and known.new_taken != known.taken:
        _count_again(ledger, known.recipient_id, known.new_taken - known.taken)
    if forward and not known.new_taken:
        _add_standing(ledger, known.recipient_id, at=at)


def _is_noteworthy(known: _Known, proof: Evidence) -> bool:
    """Tell whether what moves nothing contradicts what is known, or is a word never seen."""
    if proof.status is None:
        return proof.word is not None
    is_denied = bool(known.taken and not known.new_taken)
    return proof.status != known.status and (known.new_stage == known.stage or is_denied)


def _due(known: _Known, proof: Evidence, source: str, status: str, *, at: int) -> int | None:
    """Say when to ask next.

    The last word of a poll ends the asking. That of anybody else has no price, so that a poll is
    still to come.
    """
    if source == "poll":
        is_over = known.due_at is None or proof.status in (Status.UNCONFIRMED, *FINAL)
        return None if is_over else proof.due_at or known.due_at
    forward = known.new_stage > known.stage
    has_id = known.message_id is not None or proof.message_id is not None
    is_news = forward or (known.message_id is None and proof.message_id is not None)
    if not has_id or status not in _ACCEPTED:
        return None
    if not is_news or known.price is not None:
        return known.due_at
    return at if status in FINAL else known.due_at or proof.due_at or at + FIRST_POLL


def _count_again(ledger: Ledger, recipient_id: int, change: int) -> None:
    """Keep what the campaign has taken true: an attempt counts from its claim until it is none."""
    ledger.execute(
        "UPDATE campaign SET taken = taken + ?, taken_cost = taken_cost + ? * coalesce(cost, 0) "
        "FROM recipient WHERE recipient.id = ? AND campaign.id = recipient.campaign_id",
        (change, change, recipient_id),
    )


def add_events(
    ledger: Ledger,
    attempts: Iterable[int],
    status: str,
    source: str,
    *,
    error: str | None = None,
    at: int,
    once: bool = False,
) -> None:
    """Keep a change of attempts in the history, with its evidence; `once`: unless it is there."""
    ledger.executemany(
        "INSERT INTO event (recipient_id, attempt_id, at, status, evidence, error) "
        "SELECT recipient_id, id, ?1, ?2, ?3, ?4 FROM attempt WHERE id = ?5 AND NOT (?6 AND EXISTS "
        "(SELECT 1 FROM event WHERE attempt_id = ?5 AND (status, evidence) = (?2, ?3) "
        "AND error IS ?4))",
        [(at, status, source, error, attempt_id, once) for attempt_id in attempts],
    )


def add_request_events(
    ledger: Ledger, request_ids: Sequence[str], status: str, source: str, *, at: int
) -> None:
    """Keep in the history a change that all attempts of each request made together."""
    ledger.values(
        "INSERT INTO event (request_id, at, status, evidence) VALUES (rows)",
        [(request_id, at, status, source) for request_id in request_ids],
    )


def _add_standing(ledger: Ledger, recipient_id: int, *, at: int) -> None:
    """Keep in the history that a row was taken out of the plan while its request was under way."""
    ledger.execute(
        "INSERT INTO event (recipient_id, at, status, evidence) "
        "SELECT id, ?, status, CASE status WHEN 'cancelled' THEN 'cancel' ELSE 'suppress' END "
        "FROM recipient WHERE id = ? AND status IN ('cancelled', 'excluded')",
        (at, recipient_id),
    )


def settle(ledger: Ledger, recipients: Iterable[int]) -> None:
    """Derive the status of rows from their attempts: the weightiest speaks, else the standing."""
    ledger.executemany(
        "UPDATE recipient SET status = coalesce(("
        "  SELECT attempt.status FROM prevailing JOIN attempt ON attempt.id = attempt_id"
        "  JOIN status ON status.name = attempt.status AND status.weight > 0"
        "  WHERE prevailing.recipient_id = recipient.id), standing) "
        "WHERE id = ?",
        [(recipient_id,) for recipient_id in recipients],
    )
