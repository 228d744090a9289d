"""Asking what became of the messages that are open."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, read, record
from smspm_campaigns.delivery.ledger.read import Due
from smspm_campaigns.delivery.ledger.record import EURO, Evidence
from smspm_campaigns.delivery.pacing import SECOND, micros, next_poll, take_turn, told_to_wait
from smspm_campaigns.exceptions import AccountRefused, GatewayError, NeverLeft, RateLimited
from smspm_campaigns.gateway.client import Client, Lane
from smspm_campaigns.gateway.replies import Details
from smspm_campaigns.vocabulary import OPEN, VENDOR_STATUS, Status

_LANES: Final = 8  # questions in flight at most


async def track_campaign(
    run: Run,
    path: Path,
    campaign_id: int,
    client: Client,
    *,
    for_seconds: float,
    give_up_after: float,
) -> None:
    """Ask about open messages until none is, the time is over, or somebody asks to stop.

    Args:
        for_seconds: how long to go on.
        give_up_after: seconds after which a message without a final word is `unconfirmed`.

    Raises:
        GatewayError: the account is refused, or the API cannot be reached.
    """
    with Ledger.open(path) as ledger:
        async with AsyncExitStack() as stack:
            lanes = [await stack.enter_async_context(client.lane()) for _ in range(_LANES)]
            tracker = _Tracker(run, ledger, campaign_id, client, round(give_up_after * SECOND))
            await tracker.track(lanes, until=client.clock.monotonic() + for_seconds)


class _Tracker:
    def __init__(
        self, run: Run, ledger: Ledger, campaign_id: int, client: Client, give_up_after: int
    ) -> None:
        self._run = run
        self._ledger = ledger
        self._campaign_id = campaign_id
        self._client = client
        self._clock = client.clock
        self._give_up_after = give_up_after
        self._not_taken = 0

    async def track(self, lanes: list[Lane], *, until: float) -> None:
        while not self._run.stopping and self._clock.monotonic() < until:
            now = micros(self._clock)
            asked = read.due(self._ledger, self._campaign_id, most=len(lanes), at=now)
            if asked:
                await self._ask_all(lanes, asked)
                continue
            due_at = read.next_due(self._ledger, self._campaign_id)
            if due_at is None:
                return
            wait = min((due_at - now) / SECOND, until - self._clock.monotonic())
            await self._run.pause(self._clock, max(wait, 0.0))

    async def _ask_all(self, lanes: list[Lane], asked: list[Due]) -> None:
        """Ask about several messages at once; let all finish before an error is raised."""
        questions = (self._ask(lane, due) for lane, due in zip(lanes, asked, strict=False))
        for ended in await asyncio.gather(*questions, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended

    async def _ask(self, lane: Lane, due: Due) -> None:
        """Ask about one message. What makes going on senseless stops the others as well."""
        try:
            await self._ask_once(lane, due)
        except Exception:
            self._run.stop()
            raise

    async def _ask_once(self, lane: Lane, due: Due) -> None:
        await take_turn(self._run, self._client)
        if self._run.stopping:
            return
        try:
            details = await lane.details(due.message_id)
        except (RateLimited, NeverLeft) as error:
            self._not_taken += 1
            rounds = -(-self._not_taken // _LANES)
            self._client.pace.hold(told_to_wait(error, rounds))
        except AccountRefused:
            raise
        except GatewayError as error:
            self._not_taken = 0
            self._note(due, Evidence(due.attempt_id, due.status, error=str(error)))
        else:
            self._not_taken = 0
            self._note(due, _read(due, details))

    def _note(self, due: Due, evidence: Evidence) -> None:
        """Record an answer, and when to ask again unless it was the last word."""
        now = micros(self._clock)
        if evidence.status in OPEN:
            if now - due.sent_at >= self._give_up_after:
                evidence = evidence._replace(status=Status.UNCONFIRMED)
            else:
                evidence = evidence._replace(due_at=next_poll(due.sent_at, now))
        record.record(self._ledger, evidence, "poll", at=now)


def _read(due: Due, details: Details) -> Evidence:
    """Read an answer by the one table of words; a word never seen leaves the message open."""
    return Evidence(
        due.attempt_id,
        VENDOR_STATUS.get(details.word.lower(), due.status),
        word=details.word,
        price=None if details.price is None else round(details.price * EURO),
        carrier=details.carrier,
    )
