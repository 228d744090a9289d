"""Asking what became of the messages that are open."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from smspm_campaigns.delivery.desk import Desk, open_desk
from smspm_campaigns.delivery.duty import Duty, on_duty
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import read, record
from smspm_campaigns.delivery.ledger.read import Due
from smspm_campaigns.delivery.ledger.record import EURO, Evidence
from smspm_campaigns.delivery.pacing import SECOND, hold_back, micros, next_poll, take_turn
from smspm_campaigns.exceptions import AccountRefused, GatewayError, NeverLeft, RateLimited
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.lane import Lane
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
    now, patience = micros(client.clock), round(give_up_after * SECOND)
    async with (
        open_desk(path) as desk,
        on_duty(run, desk, client.clock, campaign_id, "track") as duty,
        AsyncExitStack() as stack,
    ):
        await desk.do(record.ask_again, campaign_id, sent_after=now - patience, at=now)
        lanes = [await stack.enter_async_context(client.lane()) for _ in range(_LANES)]
        tracker = _Tracker(run, desk, duty, campaign_id, client, patience)
        await tracker.track(lanes, for_seconds=for_seconds)


class _Tracker:
    def __init__(
        self,
        run: Run,
        desk: Desk,
        duty: Duty,
        campaign_id: int,
        client: Client,
        give_up_after: int,
    ) -> None:
        self._run = run
        self._desk = desk
        self._duty = duty
        self._campaign_id = campaign_id
        self._client = client
        self._clock = client.clock
        self._give_up_after = give_up_after
        self._not_taken = 0

    async def track(self, lanes: list[Lane], *, for_seconds: float) -> None:
        while await self._is_more_to_do() and self._duty.busy < for_seconds:
            now = micros(self._clock)
            asked = await self._desk.do(read.due, self._campaign_id, most=len(lanes), at=now)
            if asked:
                await self._ask_all(lanes, asked)
                continue
            due_at = await self._desk.do(read.next_due, self._campaign_id)
            if due_at is None:
                return
            wait = min((due_at - now) / SECOND, for_seconds - self._duty.busy)
            await self._run.pause(self._clock, max(wait, 0.0))

    async def _is_more_to_do(self) -> bool:
        """Wait while the run is paused; tell whether it may ask anything more."""
        await self._duty.look()
        return await self._duty.may_go_on()

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
            hold_back(self._client.pace, error, rounds)
        except AccountRefused:
            raise
        except GatewayError as error:
            self._not_taken = 0
            evidence = Evidence(due.attempt_id, due.status, error=str(error))
            is_answer = error.stops_run  # it could be read, and is an error for this message
            await self._note(due, self._unless_too_old(due, evidence) if is_answer else evidence)
        else:
            self._not_taken = 0
            await self._note(due, self._unless_too_old(due, _read(due, details)))

    def _unless_too_old(self, due: Due, evidence: Evidence) -> Evidence:
        """Give up on a message that is old, and whose answer is still no last word."""
        old = micros(self._clock) - due.sent_at >= self._give_up_after
        return (
            evidence._replace(status=Status.UNCONFIRMED)
            if old and evidence.status in OPEN
            else evidence
        )

    async def _note(self, due: Due, evidence: Evidence) -> None:
        """Record an answer, and when to ask again unless it was the last word."""
        now = micros(self._clock)
        if evidence.status in OPEN:
            evidence = evidence._replace(due_at=next_poll(due.sent_at, now))
        await self._desk.do(record.record, evidence, "poll", at=now)
        self._duty.done += evidence.status not in OPEN


def _read(due: Due, details: Details) -> Evidence:
    """Read an answer by the one table of words; a word never seen leaves the message open."""
    return Evidence(
        due.attempt_id,
        VENDOR_STATUS.get(details.word.lower(), due.status),
        word=details.word,
        price=None if details.price is None else round(details.price * EURO),
        carrier=details.carrier,
    )
