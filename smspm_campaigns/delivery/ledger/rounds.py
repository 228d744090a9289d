"""One commit for all that a run has to write: replies that came, and the claims that follow."""

from collections.abc import Sequence

from smspm_campaigns.delivery.ledger.callbacks import take_waiting
from smspm_campaigns.delivery.ledger.claim import Claimer, Round
from smspm_campaigns.delivery.ledger.connection import Ledger
from smspm_campaigns.delivery.ledger.record import Answered, close_requests
from smspm_campaigns.exceptions import LedgerError, SmspmError


def keep(
    ledger: Ledger,
    claimer: Claimer,
    answered: Sequence[Answered],
    *,
    most: int,
    most_rows: int,
    at: int,
) -> Round:
    """Record replies, then claim up to so many requests, with so many rows in all.

    What speaks against a claim leaves what was recorded.

    Raises:
        LedgerError: nothing was recorded, and nothing claimed.
    """
    with ledger.transaction():
        close_requests(ledger, answered, at=at)
        proofs = (proof for request in answered for proof in request.evidence)
        take_waiting(ledger, [proof.message_id for proof in proofs if proof.message_id], at=at)
        try:
            with ledger.attempt():
                return claimer.claim(ledger, most=most, most_rows=most_rows, at=at)
        except LedgerError:
            raise
        except SmspmError as error:
            return Round([], is_anything_left=True, objection=error)
