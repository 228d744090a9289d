"""Sending a trial: one request to a number of one's own, made once."""

from pathlib import Path

from smspm_campaigns.delivery.desk import open_desk
from smspm_campaigns.delivery.ledger import Ledger, trial
from smspm_campaigns.delivery.ledger.trial import TrialOutcome, TrialText
from smspm_campaigns.delivery.pacing import micros
from smspm_campaigns.delivery.sender import BECOMES
from smspm_campaigns.exceptions import GatewayError
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import mask_number, mask_text


async def send_trial(path: Path, text: TrialText, number: str, client: Client) -> TrialOutcome:
    """Send a row's text to a number, on disk before its first byte leaves. Nothing is repeated.

    Raises:
        GatewayError: as the client raises it; what it proves is written down as well.
        LedgerError: the ledger cannot be written.
    """
    async with open_desk(path) as desk:
        trial_id = await desk.do(
            trial.begin,
            text.recipient_id,
            gateway=client.identity(await desk.do(Ledger.key)),
            number=mask_number(number),
            at=micros(client.clock),
        )
        try:
            reply = await client.send(number, text.text, sender=text.sender)
        except GatewayError as error:
            status = BECOMES[error.rows_become]
            outcome = TrialOutcome(status, error=str(error), reply=mask_text(error.raw))
            await desk.do(trial.end, trial_id, outcome)
            raise
        [answer] = reply.answers
        outcome = TrialOutcome(
            answer.status, answer.message_id, answer.word, answer.error, mask_text(reply.raw)
        )
        await desk.do(trial.end, trial_id, outcome)
        return outcome
