"""What evidence makes of an attempt: decided here, from values alone, and done in record.py."""

from typing import Any, Final, NamedTuple

from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import ACCEPTED, FINAL, VENDOR_STATUS, Status

#: Microseconds from the acceptance of a message to the first question about it.
FIRST_POLL: Final = 2_000_000
#: Microseconds between two questions about a message at the most.
LAST_POLL: Final = 3_600_000_000
#: Microseconds from a last word without a price to the one more question about it.
_PRICE_AGAIN: Final = 5_000_000
#: Billionths of a euro in one.
EURO: Final = 1_000_000_000


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


def said(attempt_id: int, word: str, **more: Any) -> Evidence:
    """Read the API's word for a status by the one table; one never seen leaves a message open.

    Args:
        more: other fields of the evidence.
    """
    status = VENDOR_STATUS.get(word.strip().lower())
    is_plain = status not in (None, Status.FAILED) or status == word.strip().lower()
    error = None if is_plain else f"SMSPM says {mask_text(word)!r}."
    return Evidence(attempt_id, status, word=word, error=error, **more)


class Known(NamedTuple):
    """An attempt before evidence is applied, and the stage of what the evidence says."""

    status: str
    recipient_id: int
    message_id: str | None
    word: str | None
    error: str | None
    price: int | None
    sent_at: int | None
    updated_at: int
    due_at: int | None
    claimed_at: int
    stage: int
    taken: int
    new_stage: int
    new_taken: int


class Step:
    """What evidence makes of an attempt: decided here, done in `apply_all`."""

    def __init__(self, known: Known, proof: Evidence, source: str, at: int) -> None:
        self.known = known
        self.is_forward = known.new_stage > known.stage
        self.is_taken = known.new_taken
        new = proof.status or Status.QUEUED
        status = new if self.is_forward else known.status
        is_heard = self.is_forward or (proof.status in (None, status) and status not in FINAL)
        message_id = known.message_id or proof.message_id
        if source == "reply":  # the id to ask with: a callback may name a message otherwise
            message_id = proof.message_id or known.message_id
        sent_at = known.sent_at
        if source == "reply" and proof.status in ACCEPTED:
            sent_at = at
        elif sent_at is None and status in ACCEPTED:
            sent_at = known.claimed_at
        self.attempt = (
            *(proof.attempt_id, status, message_id, proof.price, proof.carrier),
            (proof.word or known.word) if is_heard else known.word,  # else it is old news
            proof.error if is_heard else known.error,
            sent_at,
            at if self.is_forward else known.updated_at,
            _due(known, proof, source, status, at=at),
        )
        told = status if proof.status is None else new
        self.event = (known.recipient_id, proof.attempt_id, at, told, source, proof.error)
        denies = new != known.status and (
            known.new_stage == known.stage or (known.taken and not known.new_taken)
        )
        is_new_word = proof.status is None and proof.word is not None
        self.is_noteworthy = not self.is_forward and (
            is_new_word if proof.status is None else bool(denies)
        )


def _due(known: Known, proof: Evidence, source: str, status: str, *, at: int) -> int | None:
    """Say when to ask next.

    The last word of a poll ends the asking; one without a price is asked for once more. That of
    anybody else has no price, so that a poll is still to come.
    """
    forward = known.new_stage > known.stage
    asks_for_price = status in FINAL and known.price is None and proof.price is None
    if source == "poll":
        if known.due_at is None or proof.status == Status.UNCONFIRMED:
            return None
        if proof.status in FINAL:
            return at + _PRICE_AGAIN if forward and asks_for_price else None
        is_over = status in FINAL and not asks_for_price
        return None if is_over else proof.due_at or known.due_at
    has_id = known.message_id is not None or proof.message_id is not None
    if not has_id or status not in ACCEPTED:
        return None
    is_news = forward or known.message_id is None
    if status in FINAL:
        due_at = at if is_news else known.due_at
        return due_at if asks_for_price else None
    return known.due_at or ((proof.due_at or at + FIRST_POLL) if is_news else None)
