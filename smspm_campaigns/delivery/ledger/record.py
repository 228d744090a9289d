"""Recording evidence: attempts move forward, and rows follow them."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.vocabulary import OPEN, Status

#: Microseconds between two questions about a message at the most.
LAST_POLL = 3_600_000_000
#: Billionths of a euro in one.
EURO = 1_000_000_000


class Evidence(NamedTuple):
    """What is proven about one attempt. Fields that are None leave what is there, but `error`."""

    attempt_id: int
    status: str
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


def record(ledger: Ledger, evidence: Evidence, source: str, *, at: int) -> None:
    """Record evidence about one attempt, such as the answer to a poll."""
    with ledger.transaction():
        apply(ledger, evidence, source, at=at)


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


def apply(ledger: Ledger, proof: Evidence, source: str, *, at: int) -> None:
    """Move an attempt forward, never back, inside a transaction; a price or carrier is kept anyway.

    A contradiction changes nothing, and is kept in the history: another final word, or the proof
    that something was not taken which is known to be.
    """
    old, old_stage, was_taken, new_stage, is_taken, recipient_id = ledger.one(
        "SELECT attempt.status, old.stage, old.taken, new.stage, new.taken, attempt.recipient_id "
        "FROM attempt "
        "JOIN status AS old ON old.name = attempt.status JOIN status AS new ON new.name = ? "
        "WHERE attempt.id = ?",
        proof.status,
        proof.attempt_id,
    )
    forward = new_stage > old_stage
    status = proof.status if forward else old
    ledger.execute(
        "UPDATE attempt SET status = ?, message_id = coalesce(message_id, ?), "
        "price = coalesce(?, price), carrier = coalesce(?, carrier), "
        "due_at = CASE WHEN ? THEN coalesce(?, due_at) END, "
        "updated_at = CASE WHEN ? THEN ? ELSE updated_at END, "
        "sent_at = CASE WHEN sent_at IS NULL AND ? = 'queued' THEN ? ELSE sent_at END "
        "WHERE id = ?",
        (
            *(status, proof.message_id, proof.price, proof.carrier),
            *(status in OPEN, proof.due_at, forward, at, proof.status, at, proof.attempt_id),
        ),
    )
    if status == proof.status:  # else it is old news, and so are its words
        ledger.execute(
            "UPDATE attempt SET word = coalesce(?, word), error = ? WHERE id = ?",
            (proof.word, proof.error, proof.attempt_id),
        )
    contradicts = new_stage == old_stage or (was_taken and not is_taken)
    if forward or (proof.status != old and contradicts):
        add_events(ledger, [proof.attempt_id], proof.status, source, error=proof.error, at=at)
    if forward:
        settle(ledger, [recipient_id])
    if forward and is_taken != was_taken:
        _count_again(ledger, recipient_id, is_taken - was_taken)
    if forward and not is_taken:
        _add_standing(ledger, recipient_id, at=at)


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
) -> None:
    """Keep a change of attempts in the history, with its evidence."""
    ledger.executemany(
        "INSERT INTO event (recipient_id, attempt_id, at, status, evidence, error) "
        "SELECT recipient_id, id, ?, ?, ?, ? FROM attempt WHERE id = ?",
        [(at, status, source, error, attempt_id) for attempt_id in attempts],
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
