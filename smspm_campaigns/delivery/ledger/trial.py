"""Trials: a row's text, sent to a number of one's own. Written down apart, counted nowhere."""

from collections.abc import Collection
from typing import NamedTuple

from smspm_campaigns.delivery.ledger.connection import Ledger


class TrialText(NamedTuple):
    """What a row's person will be told, and by whom."""

    recipient_id: int
    text: str
    sender: str
    segments: int


class TrialOutcome(NamedTuple):
    """What the reply to a trial proves, and the reply as it came."""

    status: str
    message_id: str | None = None
    word: str | None = None
    error: str | None = None
    reply: str = ""


def find_text(
    ledger: Ledger, campaign_id: int, positions: Collection[int] | None
) -> TrialText | None:
    """Return the text of the first of these rows that has one; by default of those to send."""
    found = ledger.execute(
        "SELECT recipient.id, text, sender, segments, position, sequence FROM recipient "
        "JOIN content ON content.id = recipient.content_id "
        "WHERE recipient.campaign_id = ? AND sender IS NOT NULL ORDER BY position",
        (campaign_id,),
    )
    for *cells, position, sequence in found:
        if sequence is not None if positions is None else position in positions:
            found.close()
            return TrialText(*cells)
    return None


def begin(ledger: Ledger, recipient_id: int, *, gateway: str, number: str, at: int) -> int:
    """Write down that a trial is about to be made; return its id. `number` is masked."""
    with ledger.transaction():
        return ledger.insert(
            "INSERT INTO trial (recipient_id, gateway, number, at, status) "
            "VALUES (?, ?, ?, ?, 'sending')",
            *(recipient_id, gateway, number, at),
        )


def end(ledger: Ledger, trial_id: int, outcome: TrialOutcome) -> None:
    """Write down what the reply to a trial proves."""
    with ledger.transaction():
        ledger.execute(
            "UPDATE trial SET status = ?, message_id = ?, word = ?, error = ?, reply = ? "
            "WHERE id = ?",
            (*outcome, trial_id),
        )
