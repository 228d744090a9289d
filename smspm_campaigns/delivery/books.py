"""What lanes and ledger have to say to each other, in rounds: one commit for all that waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import ceil
from typing import Final, NamedTuple

from smspm_campaigns.delivery.desk import Desk
from smspm_campaigns.delivery.duty import Duty
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import rounds
from smspm_campaigns.delivery.ledger.claim import Claim, Claimer, Round
from smspm_campaigns.delivery.ledger.record import Answered
from smspm_campaigns.delivery.pacing import micros, take_turn, write_down
from smspm_campaigns.exceptions import LedgerError
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.vocabulary import MAX_RECIPIENTS

LEAST_LANES: Final = 8  # requests in flight at most; more where the rate needs them
MOST_LANES: Final = 32
ROWS_IN_FLIGHT: Final = 8 * MAX_RECIPIENTS  # a crash leaves at most so many rows unknown

_SLOW: Final = 0.1  # seconds between turns from which each has a commit of its own


def lanes_of(client: Client) -> int:
    """Return how many requests may be in flight: as many as go out while one waits for a second.

    A gateway that takes requests and says nothing leaves so many of them unknown.
    """
    rate = client.requests_per_minute
    needed = MOST_LANES if rate is None else ceil(rate / 60)
    return min(max(needed, LEAST_LANES), MOST_LANES)


class Fresh(NamedTuple):
    """A claim, the wall clock and the steady one before it was made, and when its turn was."""

    claim: Claim
    since: tuple[float, float]
    turn_at: float


class Books:
    """Gives claims to lanes, and has written down what comes of them.

    While a round is on its way to the disk, what else comes is collected for the next one.
    """

    def __init__(self, run: Run, desk: Desk, duty: Duty, claimer: Claimer, client: Client) -> None:
        self._run = run
        self._desk = desk
        self._duty = duty
        self._claimer = claimer
        self._client = client
        self._in_line = asyncio.Lock()
        self._asking: list[asyncio.Future[Fresh | None]] = []
        self._answered: list[Answered] = []
        self._under_way: dict[str, int] = {}  # how many rows, by request
        self._rows_each = MAX_RECIPIENTS  # what the next request may hold
        self._is_anything_left = True
        self._claiming = 0  # lanes whose round is on its way
        self._is_closing = False
        self._has_work = asyncio.Event()
        self.failure: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Keep the first error; claim nothing more, and wake whoever waits."""
        self.failure = self.failure or error
        self._run.stop()

    async def claim(self) -> Fresh | None:
        """Wait for room and a turn, and claim the next request.

        None when the run stops, or nothing is left and nothing is under way that might come back.
        """
        clock, fresh = self._client.clock, None
        while fresh is None:
            async with self._in_line:  # only who is next takes a turn, which may be in vain
                await self._room()
                if self._is_over:
                    return None
                await take_turn(self._run, self._client)
                if self._is_over:
                    return None
                turn_at = clock.monotonic()
                asked: asyncio.Future[Fresh | None] = asyncio.get_running_loop().create_future()
                self._asking.append(asked)
                self._has_work.set()
            fresh = await asked
        return fresh._replace(turn_at=turn_at)

    async def has_turn(self, fresh: Fresh) -> bool:
        """Take another turn for a claim that took so long that others may have had theirs.

        False when the run is stopped before.
        """
        waited = self._client.clock.monotonic() - fresh.turn_at
        if waited < max(self._client.pace.interval, _SLOW):
            return True
        await take_turn(self._run, self._client)
        return not self._run.stopping

    def record(self, answered: Answered) -> None:
        """Have written down what is proven; the claim stands meanwhile."""
        self._answered.append(answered)
        self._has_work.set()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep the books during the block; in the end everything is written, or has failed."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            self._is_closing = True
            self._has_work.set()
            await keeping

    @property
    def _is_over(self) -> bool:
        idle = not (self._under_way or self._asking or self._claiming)
        return self._run.stopping or (idle and not self._is_anything_left)

    async def _room(self) -> None:
        """Wait until the run may go on, and one more request may find something and fits."""
        while await self._duty.may_go_on() and not self._is_over:
            coming = (len(self._asking) + self._claiming + 1) * self._rows_each
            expected = coming + sum(self._under_way.values())
            claiming = bool(self._asking or self._claiming)
            waits = claiming and self._client.pace.interval >= _SLOW  # so that no turns pile up
            if self._is_anything_left and expected <= ROWS_IN_FLIGHT and not waits:
                return
            self._run.news.clear()
            await self._run.news.wait()

    async def _keep(self) -> None:
        while not self._is_closing or self._answered:
            await self._has_work.wait()
            self._has_work.clear()
            asking, self._asking, self._claiming = self._asking, [], len(self._asking)
            since = self._client.clock.now(), self._client.clock.monotonic()
            claims: list[Claim] = []
            try:
                claims = await self._make_round(0 if self._run.stopping else len(asking))
            except Exception as error:  # noqa: BLE001 - raised when all lanes have ended
                self.fail(error)
            self._claiming = 0
            self._under_way |= {claim.request_id: len(claim.recipients) for claim in claims}
            for place, asked in enumerate(asking):
                asked.set_result(Fresh(claims[place], since, 0.0) if place < len(claims) else None)
            self._run.news.set()

    async def _make_round(self, most: int) -> list[Claim]:
        """Write down what came, and claim. What cannot be written is tried again for a minute."""
        first, batch = [*self._answered], list[Answered]()
        made: Round | None = None

        async def write() -> None:
            nonlocal made
            batch.extend(self._answered)
            self._answered.clear()
            if made is None and self.failure is None:
                made = await self._do(batch, most)
                batch.clear()
            while batch:  # one of them may be what cannot be written: next time others go first
                batch.append(batch.pop(0))
                await self._do(batch[-1:], 0)
                del batch[-1]

        try:
            await write_down(self._client.clock, write, self.fail)
        finally:
            self._give_up(batch, first)
        return [] if made is None else await self._heed(made, most)

    def _give_up(self, batch: list[Answered], first: list[Answered]) -> None:
        """Leave the claims of replies whose minute is over. Later ones have one of their own."""
        for request in batch:
            if request in first:
                self._under_way.pop(request.request_id, None)
            else:
                self.record(request)

    async def _heed(self, made: Round, most: int) -> list[Claim]:
        """Do what a round came to."""
        if made.objection is not None:
            self.fail(made.objection)
        if made.wish != "go":
            with suppress(LedgerError):  # it is looked at every second
                await self._duty.look()
        self._is_anything_left = made.is_anything_left
        if made.claims:
            rows = sum(len(claim.recipients) for claim in made.claims)
            self._rows_each = -(-rows // len(made.claims))
        elif most:  # the next request did not fit: it is not what it was expected to be
            self._rows_each = MAX_RECIPIENTS
        return made.claims

    async def _do(self, answered: list[Answered], most: int) -> Round:
        recorded = {request.request_id for request in answered}
        under_way = (rows for name, rows in self._under_way.items() if name not in recorded)
        made = await self._desk.do(
            rounds.keep,
            self._claimer,
            answered,
            most=most,
            most_rows=ROWS_IN_FLIGHT - sum(under_way),
            at=micros(self._client.clock),
        )
        for name in recorded:
            self._under_way.pop(name, None)
        return made
