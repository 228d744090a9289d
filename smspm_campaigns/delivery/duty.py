"""A run on duty: it stands in the ledger, tells how far it is, and does what it is asked to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, Literal

from smspm_campaigns.clock import Clock
from smspm_campaigns.delivery.desk import Desk
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, owners, runs
from smspm_campaigns.delivery.ledger.owners import Ending, Entry, Owner
from smspm_campaigns.delivery.pacing import SECOND, micros
from smspm_campaigns.exceptions import LedgerError, SmspmError

_LOOK_EVERY: Final = 1.0  # seconds of this machine: people elsewhere do not wait for longer


class Duty:
    """What a run is asked to do, and how far it is. `done` counts the rows it has settled."""

    def __init__(self, run: Run, desk: Desk, clock: Clock) -> None:
        self.owner = Owner(run.id)
        self.done = 0
        self._run = run
        self._desk = desk
        self._clock = clock
        self._since: float | None = clock.monotonic()  # None: halted
        self._worked = 0.0
        self._error: BaseException | None = None

    @property
    def busy(self) -> float:
        """Seconds at work: the time it was halted is left out."""
        now = self._clock.monotonic()
        return self._worked + (0.0 if self._since is None else now - self._since)

    async def may_go_on(self) -> bool:
        """Wait while the run is asked to pause; tell whether anything more may be begun."""
        return await self._run.may_go_on()

    async def look(self) -> None:
        """Look at once what the run is asked to do, and do it."""
        wish = await self._desk.do(runs.wish_of, self.owner.id)
        if wish == "stop":
            self._run.stop()
        elif wish == "pause":
            self._halt()
        else:  # of one that was taken for dead the next claim will tell
            self._go_on()

    def _halt(self) -> None:
        self._worked, self._since = self.busy, None
        self._run.halt()

    def _go_on(self) -> None:
        if self._since is None:
            self._since = self._clock.monotonic()
        self._run.go_on()

    async def listen(self) -> None:
        """Look now and then, and at once when somebody here asks for it; say how far it is.

        That others have written is news.
        """
        told, version = 0, None
        while True:
            await self._run.look_asked(_LOOK_EVERY)
            with suppress(LedgerError):  # whoever claims or records will tell
                await self.look()
                if version != (version := await self._desk.do(Ledger.version)):
                    self._run.news.set()
                if self.done != told:
                    told = self.done
                    await self._desk.do(runs.note, self.owner.id, done=told, busy=self._micros)

    @property
    def _micros(self) -> int:
        return round(self.busy * SECOND)

    def ending(self) -> Ending:
        """Say how the run ended; only sentences for a person are kept."""
        error = self._error
        if error is None:
            ending: Literal["finished", "stopped"] = "stopped" if self._run.stopping else "finished"
            return Ending(ending, self.done, self._micros)
        told = str(error) if isinstance(error, SmspmError) else f"{type(error).__name__}."
        return Ending("failed", self.done, self._micros, told)

    def fail(self, error: BaseException) -> None:
        """Keep what ended the run."""
        self._error = error


@asynccontextmanager
async def on_duty(
    run: Run, desk: Desk, clock: Clock, campaign_id: int, kind: Literal["send", "track"]
) -> AsyncIterator[Duty]:
    """Let a run stand in the ledger for as long as the block lasts, and its desk after it.

    Raises:
        LedgerError: the lock cannot be made, or the ledger not be written.
    """
    duty = Duty(run, desk, clock)
    entry = Entry(run.id, campaign_id, kind)
    await desk.enter(owners.hold, partial(micros, clock), entry, duty.ending)
    run.is_known()
    listening = asyncio.create_task(duty.listen())
    try:
        yield duty
    except BaseException as error:
        duty.fail(error)
        raise
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
