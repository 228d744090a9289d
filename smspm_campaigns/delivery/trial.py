"""Sending a trial: one request to a number of one's own, made once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from smspm_campaigns.delivery.desk import open_desk
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, trial
from smspm_campaigns.delivery.ledger.trial import TrialOutcome, TrialText
from smspm_campaigns.delivery.pacing import hold_back, micros, take_turn, write_down
from smspm_campaigns.delivery.sender import BECOMES
from smspm_campaigns.exceptions import GatewayError, LedgerError, RateLimited
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import mask_number, mask_text


async def send_trial(
    run: Run,
    path: Path,
    text: TrialText,
    number: str,
    client: Client,
    *,
    note: Callable[[TrialOutcome], None],
) -> None:
    """Send a row's text to a number, on disk before its first byte leaves. Nothing is repeated.

    Args:
        note: takes what is proven. Asked to stop before its turn, the test is not taken, and
            nothing is written.

    Raises:
        GatewayError: as the client raises it; what it proves is written down as well.
        LedgerError: the ledger cannot be written; it says whether the test was made.
    """
    async with open_desk(path) as desk, client.lane() as lane:
        await take_turn(run, client)
        if run.stopping:
            note(TrialOutcome("not_taken"))
            return
        trial_id = await desk.do(
            trial.begin,
            text.recipient_id,
            gateway=client.identity(await desk.do(Ledger.key)),
            number=mask_number(number),
            at=micros(client.clock),
        )
        failure: GatewayError | None = None
        try:
            reply = await lane.send(number, text.text, sender=text.sender)
        except GatewayError as error:
            if isinstance(error, RateLimited):
                hold_back(client.pace, error, 1)
            failure = error
            status, raw = BECOMES[error.rows_become], mask_text(error.raw)
            outcome = TrialOutcome(status, error=str(error), reply=raw)
        else:
            [answer] = reply.answers
            outcome = TrialOutcome(
                answer.status, answer.message_id, answer.word, answer.error, mask_text(reply.raw)
            )
        note(outcome)
        try:
            await write_down(client.clock, partial(desk.do, trial.end, trial_id, outcome))
        except LedgerError as error:
            told = f"The test was made ({outcome.status}), and that could not be written down."
            raise LedgerError(f"{told} {error}") from error
        if failure is not None:
            raise failure
