"""Asking what became of the messages that are open."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import ceil
from pathlib import Path
from typing import Final

from smspm_campaigns.delivery.books import lanes_of
from smspm_campaigns.delivery.desk import Desk, open_desk
from smspm_campaigns.delivery.duty import Duty, on_duty
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import owners, read, record, runs
from smspm_campaigns.delivery.ledger.evidence import EURO, Evidence, said
from smspm_campaigns.delivery.ledger.read import Due
from smspm_campaigns.delivery.pacing import (
    MOST_NOT_TAKEN,
    SECOND,
    hold_back,
    micros,
    next_poll,
    take_turn,
    write_down,
)
from smspm_campaigns.exceptions import AccountRefused, GatewayError, NeverLeft, RateLimited
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.lane import Lane
from smspm_campaigns.gateway.replies import Details
from smspm_campaigns.vocabulary import OPEN, Status

_AHEAD: Final = 500  # questions read from the ledger at a time, where the account has no rate
_LOOK_EVERY: Final = 1.0  # seconds between two looks at what a running send has made


async def track_campaign(
    run: Run,
    path: Path,
    campaign_id: int,
    client: Client,
    *,
    for_seconds: float,
    give_up_after: float,
) -> None:
    """Ask about open messages until none is and none is sent, the time is over, or a stop is asked.

    Messages with a last word and no price yet are asked about as well.

    Args:
        for_seconds: how long to go on.
        give_up_after: seconds after which a message without a final word is `unconfirmed`.

    Raises:
        GatewayError: the account is refused, or the API was never reached, or not in the end.
        LedgerError: the ledger cannot be written.
    """
    patience = round(give_up_after * SECOND)
    async with (
        open_desk(path) as desk,
        on_duty(run, desk, client.clock, campaign_id, "track") as duty,
        AsyncExitStack() as stack,
    ):
        now = micros(client.clock)
        await desk.do(record.ask_again, campaign_id, sent_after=now - patience, at=now)
        lanes = [await stack.enter_async_context(client.lane()) for _ in range(lanes_of(client))]
        tracker = _Tracker(run, desk, duty, campaign_id, client, patience)
        await tracker.track(lanes, for_seconds=for_seconds)
        now = micros(client.clock)
        await desk.do(record.give_up, campaign_id, sent_before=now - patience, at=now)


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
        self._for_seconds = 0.0
        self._give_up_after = give_up_after
        rate = client.requests_per_minute
        self._most_ahead = _AHEAD if rate is None else ceil(rate / 60)
        self._ahead: deque[Due] = deque()
        self._asked: set[int] = set()  # attempts that were read, and whose answers are not recorded
        self._in_line = asyncio.Lock()
        self._answers: list[Evidence] = []
        self._has_answers = asyncio.Event()
        self._is_closing = False
        self._lanes = 1
        self._is_reached = False
        self._not_taken = 0
        self._failure: Exception | None = None  # what ended the run
        self._silence: NeverLeft | None = None  # why the last question reached nobody

    async def track(self, lanes: list[Lane], *, for_seconds: float) -> None:
        """Ask alone until the API has answered, so that a refused account costs one question."""
        self._for_seconds = for_seconds
        async with self._kept():
            await self._work(lanes[0], alone=True)
            self._lanes = len(lanes)
            await asyncio.gather(*map(self._work, lanes))
        if error := self._failure or self._silence:
            raise error

    async def _work(self, lane: Lane, *, alone: bool = False) -> None:
        """Work on a lane. Never raises: when a lane fails, the others finish what they began."""
        try:
            while not (alone and self._is_reached) and (due := await self._next()) is not None:
                await self._ask(lane, due)
        except Exception as error:  # noqa: BLE001 - kept, and raised when all lanes are done
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._run.stop()

    def _time_left(self) -> float:
        return self._for_seconds - self._duty.busy

    async def _next(self) -> Due | None:
        """Wait for the next question and its turn; None when there are no more."""
        async with self._in_line:  # only who is next takes a turn
            while await self._duty.may_go_on() and self._time_left() > 0:
                if not self._ahead:
                    if not await self._read_on():
                        return None
                elif await self._has_turn():
                    return self._ahead.popleft()
        return None

    async def _has_turn(self) -> bool:
        """Wait for a turn, and while the run was asked to pause meanwhile; tell whether."""
        taken = await take_turn(self._run, self._client, self._time_left)
        return taken and await self._duty.may_go_on()

    async def _read_on(self) -> bool:
        """Read what is due, or wait until something may be; tell whether anything may come."""
        self._run.news.clear()
        now, most = micros(self._clock), self._most_ahead + len(self._asked)
        found = await self._desk.do(read.due, self._campaign_id, most=most, at=now)
        if fresh := [due for due in found if due.attempt_id not in self._asked]:
            self._ahead.extend(fresh[: self._most_ahead])
            self._asked.update(due.attempt_id for due in self._ahead)
            return True
        due_at = await self._desk.do(read.next_due, self._campaign_id, after=now)
        wait = math.inf if due_at is None else (due_at - now) / SECOND
        if await self._desk.do(runs.is_being_sent, self._campaign_id):
            await self._desk.do(owners.bury_the_dead, at=now)
            wait = min(wait, _LOOK_EVERY)
        if wait == math.inf and not self._asked:
            return False
        left = math.inf if wait == math.inf else self._time_left()  # inf: an answer is awaited
        await self._run.rest(self._clock, min(wait, left))
        return True

    async def _ask(self, lane: Lane, due: Due) -> None:
        """Ask about one message. An error for one stops nobody else; one of the account, all."""
        try:
            details = await lane.details(due.message_id)
        except (RateLimited, NeverLeft) as error:
            self._is_reached |= isinstance(error, RateLimited)
            self._not_taken += 1
            self._silence = error if isinstance(error, NeverLeft) else None
            self._asked.discard(due.attempt_id)
            self._run.news.set()  # for who waits for its answer
            most = math.inf if self._is_reached else MOST_NOT_TAKEN
            hold_back(self._client.pace, error, ceil(self._not_taken / self._lanes), most=most)
            return
        except AccountRefused:
            raise
        except GatewayError as error:
            evidence = Evidence(due.attempt_id, None, error=str(error))
            is_answer = error.stops_run  # it could be read, and is an error for this message
        else:
            evidence, is_answer = _read(due, details), True
        self._is_reached, self._not_taken, self._silence = True, 0, None
        self._answer(due, evidence, is_answer=is_answer)

    def _answer(self, due: Due, evidence: Evidence, *, is_answer: bool) -> None:
        """Have an answer recorded, and when to ask again if it was no last word.

        A message that is old, and whose answer is still none, is given up.
        """
        now = micros(self._clock)
        evidence = evidence._replace(due_at=next_poll(due.sent_at, now))
        is_old = now - due.sent_at >= self._give_up_after
        if evidence.status in (None, *OPEN) and is_answer and is_old:
            evidence = evidence._replace(status=Status.UNCONFIRMED)
        self._duty.done += due.status in OPEN and evidence.status not in (None, *OPEN)
        self._answers.append(evidence)
        self._has_answers.set()

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[None]:
        """Record answers during the block: while some are on their way, others are collected."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            self._is_closing = True
            self._has_answers.set()
            await keeping

    async def _keep(self) -> None:
        while not self._is_closing or self._answers:
            await self._has_answers.wait()
            self._has_answers.clear()
            answers, self._answers = self._answers, []

            async def write(answers: list[Evidence] = answers) -> None:
                await self._desk.do(record.record, answers, "poll", at=micros(self._clock))

            try:
                await write_down(self._clock, write)
            except Exception as error:  # noqa: BLE001 - raised when all lanes have ended
                self._fail(error)
            self._asked.difference_update(answer.attempt_id for answer in answers)
            self._run.news.set()


def _read(due: Due, details: Details) -> Evidence:
    return said(
        due.attempt_id,
        details.word,
        price=None if details.price is None else round(details.price * EURO),
        carrier=details.carrier,
    )
