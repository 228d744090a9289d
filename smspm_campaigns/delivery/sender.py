"""Claim, send, record: the one place where the client meets the ledger for a send."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from smspm_campaigns.delivery.books import Books, Fresh, lanes_of
from smspm_campaigns.delivery.desk import Desk, open_desk
from smspm_campaigns.delivery.duty import Duty, on_duty
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, claim
from smspm_campaigns.delivery.ledger.claim import Claim, Claimer, Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.record import Answered
from smspm_campaigns.delivery.pacing import first_poll, hold_back, micros
from smspm_campaigns.exceptions import (
    GatewayError,
    LedgerError,
    ListRefused,
    NeverLeft,
    RateLimited,
    RunStopped,
)
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.gate import BeforeWriting
from smspm_campaigns.gateway.lane import Lane
from smspm_campaigns.gateway.replies import Reply
from smspm_campaigns.masking import Secret
from smspm_campaigns.vocabulary import Status

_FRESH: Final = 0.05  # seconds for which a claim surely stands
_MOST_IN_A_ROW: Final = 5  # requests that end unknown or refused before a run stops
_WINDOW: Final = 50  # requests looked back on
_MOST_IN_WINDOW: Final = 10  # of them unknown or refused before a run stops: 20 %
_MOST_QUEUED: Final = 0.8  # of a list; with less, the request has ended unknown or refused

#: What a request comes to: its reply, or why there is none.
Outcome = Reply | GatewayError | RunStopped | LedgerError

#: What the attempts become after an error of the gateway, by what it says of the rows.
BECOMES: Final[dict[str, str]] = {
    "planned": "not_taken",
    "refused": "refused",
    "unknown": "unknown",
}


async def send_campaign(
    run: Run,
    path: Path,
    campaign_id: int,
    client: Client,
    *,
    limit: int | None,
    report_url: Secret | None,
) -> None:
    """Send what is planned, until nothing is, somebody asks to stop, or something must stop it.

    Raises:
        GatewayError: an error after which going on makes no sense.
        RunStopped: too many requests ended unknown or refused.
        LedgerError: the ledger cannot be written; nothing more was claimed.
    """
    async with (
        open_desk(path) as desk,
        on_duty(run, desk, client.clock, campaign_id, "send") as duty,
    ):
        gateway = client.identity(await desk.do(Ledger.key))
        claimer = Claimer(Order(campaign_id, duty.owner, gateway, limit))
        books = Books(run, desk, duty, claimer, client)
        async with books.kept():
            await _Sender(desk, duty, books, client, report_url).send_all()
        if books.failure is not None:
            raise books.failure


class _Sender:
    def __init__(
        self, desk: Desk, duty: Duty, books: Books, client: Client, report_url: Secret | None
    ) -> None:
        self._desk = desk
        self._duty = duty
        self._books = books
        self._client = client
        self._report_url = report_url
        self._brake = Brake()

    async def send_all(self) -> None:
        """Make the first request alone, so that a refused token costs one; then open all lanes."""
        await self._work(most=1)
        await asyncio.gather(*(self._work() for _ in range(lanes_of(self._client))))

    async def _work(self, most: int | None = None) -> None:
        """Work on a lane. Never raises: when a lane fails, the others finish what they began."""
        try:
            async with self._client.lane() as lane:
                await self._send_on(lane, most)
        except Exception as error:  # noqa: BLE001 - kept, and raised when all lanes are done
            self._books.fail(error)

    async def _send_on(self, lane: Lane, most: int | None) -> None:
        not_taken = made = 0
        while made != most and (fresh := await self._books.claim()) is not None:
            outcome = await self._send(lane, fresh)
            if not isinstance(outcome, NeverLeft | RateLimited):
                not_taken, made = 0, made + 1
            elif not outcome.stops_run:
                not_taken += 1
                hold_back(self._client.pace, outcome, not_taken)

    async def _send(self, lane: Lane, fresh: Fresh) -> Outcome:
        """Make one claimed request, and have recorded what comes of it."""
        claimed, outcome = fresh.claim, await self._make(lane, fresh)
        at = micros(self._client.clock)
        self._books.record(
            Answered(
                claimed.request_id,
                claimed.recipients,
                evidence_of(claimed, outcome, at=at),
                reply=outcome.raw if isinstance(outcome, Reply | GatewayError) else "",
                error=None if isinstance(outcome, Reply) else str(outcome),
                halve=isinstance(outcome, ListRefused),
            )
        )
        if isinstance(outcome, Reply):
            self._duty.done += len(claimed.recipients)
            queued = sum(answer.status is Status.QUEUED for answer in outcome.answers)
            self._watch(ended_well=queued >= _MOST_QUEUED * len(outcome.answers))
        elif not isinstance(outcome, GatewayError):
            raise outcome
        else:
            if outcome.rows_become != "planned":
                self._duty.done += len(claimed.recipients)
            if outcome.stops_run:
                self._books.fail(outcome)
            if not isinstance(outcome, NeverLeft | RateLimited):  # these are the same request again
                self._watch(ended_well=outcome.rows_become == "planned", told=str(outcome))
        return outcome

    async def _make(self, lane: Lane, fresh: Fresh) -> Outcome:
        claimed = fresh.claim
        report_url = self._report_url and _with_reference(self._report_url, claimed.request_id)
        if not await self._books.has_turn(fresh):
            return NeverLeft("The run was stopped before this request had its turn.")
        try:
            return await lane.send(
                claimed.numbers,
                claimed.text,
                sender=claimed.sender,
                report_url=report_url,
                before_writing=self._look_at(fresh),
            )
        except (GatewayError, RunStopped, LedgerError) as error:
            return error

    def _look_at(self, fresh: Fresh) -> BeforeWriting:
        """Make the last look at a claim. One that was just made needs none.

        By both clocks: a program may have stood still since, and a machine have slept.
        """
        clock = self._client.clock

        async def look() -> None:
            ages = clock.now() - fresh.since[0], clock.monotonic() - fresh.since[1]
            if not all(0 <= age < _FRESH for age in ages):
                await self._desk.do(claim.check, fresh.claim)

        return look

    def _watch(self, *, ended_well: bool, told: str = "") -> None:
        self._brake.note(ended_well=ended_well)
        if self._brake.pulled:
            last = f" The last one: {told}" if told else ""
            self._books.fail(
                RunStopped(
                    f"Stopped: {self._brake.pulled} ended unknown or refused.{last} Nothing more "
                    "was sent; look at report() and the account before you send again."
                )
            )


def evidence_of(claimed: Claim, outcome: Outcome, *, at: int) -> list[Evidence]:
    """Say what an outcome proves about each row of its request.

    An error that is not the gateway's came before anything was written.
    """
    if isinstance(outcome, Reply):
        return [
            Evidence(
                claimed.attempts[answer.number],
                answer.status,
                answer.message_id,
                answer.word,
                answer.error,
                due_at=first_poll(at) if answer.status is Status.QUEUED else None,
            )
            for answer in outcome.answers
        ]
    status = BECOMES[outcome.rows_become] if isinstance(outcome, GatewayError) else "not_taken"
    return [Evidence(attempt, status, error=str(outcome)) for attempt in claimed.attempts.values()]


def _with_reference(report_url: Secret, request_id: str) -> Secret:
    """Put our reference into the path: a query string may not survive."""
    parts = urlsplit(report_url.reveal())
    return Secret(urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{request_id}")))


class Brake:
    """Stops a run by itself when too many requests end unknown or refused."""

    def __init__(self) -> None:
        self._ended_well: deque[bool] = deque(maxlen=_WINDOW)

    def note(self, *, ended_well: bool) -> None:
        self._ended_well.append(ended_well)

    @property
    def pulled(self) -> str:
        """Say why, or nothing."""
        last = list(self._ended_well)[-_MOST_IN_A_ROW:]
        if len(last) == _MOST_IN_A_ROW and not any(last):
            return f"{_MOST_IN_A_ROW} requests in a row"
        bad = self._ended_well.count(False)
        return (
            f"{bad} of the last {len(self._ended_well)} requests" if bad >= _MOST_IN_WINDOW else ""
        )
