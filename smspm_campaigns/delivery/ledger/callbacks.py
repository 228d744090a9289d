"""What the API tells by itself of messages: late, doubled, in any order, before its own reply."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.evidence import said
from smspm_campaigns.delivery.ledger.record import apply
from smspm_campaigns.masking import mask_number, mask_text


class Callback(NamedTuple):
    """One callback: its word for a status, and what it names: id, number, our request reference."""

    word: str
    message_id: str | None = None
    number: str | None = None
    reference: str | None = None


def take(ledger: Ledger, told: Sequence[Callback], *, at: int) -> int:
    """Apply callbacks, all of them or none; on disk when it ends.

    What is for no message of this ledger is kept apart, once, until its id appears.

    Returns:
        How many were for a message of this ledger.
    """
    with ledger.transaction():
        return sum(_take(ledger, callback, at=at) for callback in told)


def take_waiting(ledger: Ledger, message_ids: Sequence[str], *, at: int) -> None:
    """Apply what came of messages before these ids of theirs appeared, inside a transaction.

    It is dated by when it came.
    """
    if not message_ids or ledger.one("SELECT 1 FROM callback LIMIT 1") is None:
        return
    waiting = ledger.values(
        "SELECT callback.id, attempt.id, callback.word, callback.at FROM callback "
        "JOIN attempt ON attempt.message_id = callback.message_id "
        "WHERE callback.message_id IN (VALUES (rows)) ORDER BY callback.id",
        [(message_id,) for message_id in message_ids],
    ).fetchall()
    for callback_id, attempt_id, word, came_at in waiting:
        earlier = min(came_at, at)  # the clock may have been set back since
        apply(ledger, said(attempt_id, word), "callback", at=earlier)
        ledger.execute("DELETE FROM callback WHERE id = ?", (callback_id,))


def count_kept_apart(ledger: Ledger) -> int:
    """Count the different callbacks that were for no message of this ledger so far."""
    return int(ledger.one("SELECT count(*) FROM callback")[0])


def _take(ledger: Ledger, callback: Callback, *, at: int) -> bool:
    attempt_id = _find(ledger, callback)
    if attempt_id is None:
        ledger.execute(
            "INSERT OR IGNORE INTO callback (at, message_id, reference, number, word) "
            "VALUES (?, ?, ?, ?, ?)",
            (
                *(at, callback.message_id or "", callback.reference or ""),
                *(mask_number(callback.number or ""), mask_text(callback.word)),
            ),
        )
        return False
    proof = said(attempt_id, callback.word, message_id=callback.message_id)
    apply(ledger, proof, "callback", at=at)
    if callback.message_id is not None:
        take_waiting(ledger, [callback.message_id], at=at)
    return True


def _find(ledger: Ledger, callback: Callback) -> int | None:
    """Find the attempt that a callback is about.

    By the message's id, else by our reference and the number, which no request holds twice. Of a
    request to one number it is that one's, however it is spelled.
    """
    known = ledger.one("SELECT id FROM attempt WHERE message_id = ?", callback.message_id)
    if known is not None:
        return int(known[0])
    asked = ledger.all(
        "SELECT attempt.id, number FROM attempt "
        "JOIN recipient ON recipient.id = recipient_id WHERE request_id = ?",
        callback.reference,
    )
    digits = re.sub(r"\D", "", callback.number or "").lstrip("0")
    named = [attempt_id for attempt_id, number in asked if len(asked) == 1 or number == digits]
    return named[0] if named else None
