"""Recording evidence: attempts move forward, and rows follow them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.evidence import LAST_POLL, Evidence, Known, Step
from smspm_campaigns.vocabulary import Status

_AT_ONCE: Final = 1000  # rows of one statement; SQLite takes 32,766 values in all
_Thing = TypeVar("_Thing")


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


def record(ledger: Ledger, evidence: Sequence[Evidence], source: str, *, at: int) -> None:
    """Record evidence about different attempts, such as answers to polls: all of it, or nothing."""
    with ledger.transaction():
        for few in _in_pieces(evidence):
            apply_all(ledger, few, source, at=at)


def ask_again(ledger: Ledger, campaign_id: int, *, sent_after: int, at: int) -> None:
    """Make messages that were given up, but are younger than that, due once more.

    And those that are due later than ever: the clock was ahead when they were sent.
    """
    with ledger.transaction():
        ledger.execute(
            "UPDATE attempt SET due_at = ? WHERE campaign_id = ? AND due_at > ?",
            (at, campaign_id, at + LAST_POLL),
        )
        ledger.execute(
            "UPDATE attempt SET due_at = ? WHERE status = 'unconfirmed' "
            "AND message_id IS NOT NULL AND sent_at > ? AND recipient_id IN "
            "(SELECT id FROM recipient WHERE campaign_id = ? AND status = 'unconfirmed')",
            (at, sent_after, campaign_id),
        )


def give_up(ledger: Ledger, campaign_id: int, *, sent_before: int, at: int) -> None:
    """Make messages unconfirmed that were sent before that and have no id to ask about."""
    with ledger.transaction():
        unasked = ledger.all(
            "SELECT attempt.id FROM recipient JOIN attempt ON attempt.recipient_id = recipient.id "
            "WHERE recipient.campaign_id = ? AND recipient.status IN ('queued', 'submitted') "
            "AND attempt.status IN ('queued', 'submitted') AND message_id IS NULL "
            "AND sent_at <= ?",
            *(campaign_id, sent_before),
        )
        given_up = [Evidence(attempt_id, Status.UNCONFIRMED) for (attempt_id,) in unasked]
        for few in _in_pieces(given_up):
            apply_all(ledger, few, "age", at=at)


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
    """Do with one proof what `apply_all` does with many."""
    apply_all(ledger, [proof], source, at=at)


def apply_all(ledger: Ledger, proofs: Sequence[Evidence], source: str, *, at: int) -> None:
    """Move attempts forward, never back, inside a transaction; prices and carriers are kept anyway.

    A contradiction changes nothing, and is kept in the history: another final word, or the proof
    that something was not taken which is known to be. So is a word that is not known here.

    Args:
        proofs: each about another attempt.
    """
    if not proofs:
        return
    steps = [Step(known, proof, source, at) for known, proof in _known(ledger, proofs)]
    ledger.values(
        "UPDATE attempt SET status = column2, message_id = column3, "
        "price = coalesce(column4, price), carrier = coalesce(column5, carrier), "
        "word = column6, error = column7, sent_at = column8, updated_at = column9, "
        "due_at = column10 FROM (VALUES (rows)) WHERE attempt.id = column1",
        [step.attempt for step in steps],
    )
    forward = [step for step in steps if step.is_forward]
    if forward:
        ledger.values(
            "INSERT INTO event (recipient_id, attempt_id, at, status, evidence, error) "
            "VALUES (rows)",
            [step.event for step in forward],
        )
        settle(ledger, [step.known.recipient_id for step in forward])
    for step in steps:
        if step.is_noteworthy:
            _add_event_once(ledger, step.event)
        if step.is_forward and step.is_taken != step.known.taken:
            _count_again(ledger, step.known.recipient_id, step.is_taken - step.known.taken)
        if step.is_forward and not step.is_taken:
            _add_standing(ledger, step.known.recipient_id, at=at)


def _known(ledger: Ledger, proofs: Sequence[Evidence]) -> Iterator[tuple[Known, Evidence]]:
    """Look up what is known of attempts, in the order of the proofs about them."""
    found = ledger.values(
        "SELECT column3, attempt.status, recipient_id, message_id, word, attempt.error, price, "
        "sent_at, updated_at, due_at, claimed_at, old.stage, old.taken, new.stage, new.taken "
        "FROM (VALUES (rows)) "
        "JOIN attempt ON attempt.id = column1 JOIN request ON request.id = request_id "
        "JOIN status AS old ON old.name = attempt.status JOIN status AS new ON new.name = column2",
        [
            (proof.attempt_id, proof.status or Status.QUEUED, place)
            for place, proof in enumerate(proofs)
        ],
    )
    for place, *known in sorted(found.fetchall()):
        yield Known(*known), proofs[place]


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


def _add_event_once(ledger: Ledger, event: tuple[Any, ...]) -> None:
    """Keep in the history what may be told again and again."""
    ledger.execute(
        "INSERT INTO event (recipient_id, attempt_id, at, status, evidence, error) "
        "SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM event "
        "WHERE attempt_id = ?2 AND (status, evidence) = (?4, ?5) AND error IS ?6)",
        event,
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
    for few in _in_pieces([(recipient_id,) for recipient_id in recipients]):
        ledger.values(
            "UPDATE recipient SET status = coalesce(("
            "  SELECT attempt.status FROM prevailing JOIN attempt ON attempt.id = attempt_id"
            "  JOIN status ON status.name = attempt.status AND status.weight > 0"
            "  WHERE prevailing.recipient_id = recipient.id), standing) "
            "WHERE id IN (VALUES (rows))",
            few,
        )


def _in_pieces(many: Sequence[_Thing]) -> Iterator[Sequence[_Thing]]:
    """Yield as many as one statement takes."""
    return (many[start : start + _AT_ONCE] for start in range(0, len(many), _AT_ONCE))
