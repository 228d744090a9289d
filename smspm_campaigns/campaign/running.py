"""A run of a campaign, here or in another program: how far it is, and what it shall do."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pandas as pd

from smspm_campaigns.campaign.arguments import patience
from smspm_campaigns.campaign.opening import opened
from smspm_campaigns.campaign.reading import Reading, as_series
from smspm_campaigns.campaign.telling import tell_what_is_left, tell_what_is_open
from smspm_campaigns.campaign.watching import Progress, follow, let_go, say, to_go_on, watch
from smspm_campaigns.delivery.engine import Run, run_here
from smspm_campaigns.delivery.ledger import Ledger, read, runs
from smspm_campaigns.delivery.ledger.runs import RunRecord
from smspm_campaigns.exceptions import LedgerError, warn
from smspm_campaigns.vocabulary import OPEN, SIMULATED, RunState, Status

_MINUTE: Final = 60_000_000  # microseconds
_SURE: Final = 3_000_000  # microseconds of work before a rate means anything
_LEFT_OUT: Final = (Status.EXCLUDED, Status.CANCELLED)
_TITLES: Final = {"send": "Sending", "track": "Tracking"}

#: What still waits for a run of a kind.
_WAITING: Final[dict[str, tuple[Status, ...]]] = {
    "send": (Status.PLANNED, Status.SENDING),
    "track": (Status.PLANNED, Status.SENDING, *OPEN),
}


@dataclass(frozen=True, slots=True, repr=False)
class RunProgress:
    """How far a run is, and with it its campaign.

    `kind` is `"send"` or `"track"`, `state` a `RunState`, `counts` the rows by status, all of them;
    `done` of `total` rows wait no longer for such a run; `total` has those, too, that a `limit`
    leaves for later. `rate` is in messages a minute, of all
    runs of the kind that share the campaign, pauses left out; `time_left` is what that leaves.
    Both are None while they are not known. `error` is what a run failed with.

    Example:
        >>> RunProgress("send", RunState.RUNNING, {"queued": 90, "planned": 45}, 90, 135, 90.0,
        ...             timedelta(seconds=30))
        RunProgress(sending, running: 90 of 135, 90 a minute, 0:00:30 left; 90 queued, 45 planned)
    """

    kind: str
    state: RunState
    counts: dict[str, int] = field(hash=False)
    done: int
    total: int
    rate: float | None = None
    time_left: timedelta | None = None
    error: str | None = None

    def __repr__(self) -> str:
        parts = [
            f"{self.done:,} of {self.total:,}",
            "" if self.rate is None else f"{self.rate:,.0f} a minute",
            "" if self.time_left is None else f"{self.time_left} left",
        ]
        counts = ", ".join(f"{count:,} {status}" for status, count in self.counts.items() if count)
        told = f"; {self.error}" if self.error else ""
        return (
            f"RunProgress({_TITLES[self.kind].lower()}, {self.state}: "
            f"{', '.join(filter(None, parts))}; {counts}{told})"
        )


class CampaignRun:
    """A run that `Campaign.start` began, or one that `Campaign.running` found.

    Whoever has it may ask it to pause, to go on or to stop, from whichever program: what it is
    asked stands in the ledger.

    Example:
        >>> import tempfile
        >>> from smspm_campaigns import Campaign, Client
        >>> folder = tempfile.TemporaryDirectory()
        >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
        >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
        ...                            ledger=f"{folder.name}/ledger")
        >>> run = campaign.start(Client.simulated())
        >>> int(run.wait()["queued"])
        1
        >>> run.progress.state, run.progress.done, run.progress.total
        (<RunState.FINISHED: 'finished'>, 1, 1)
        >>> folder.cleanup()
    """

    def __init__(
        self,
        campaign: Reading,
        kind: str,
        *,
        elsewhere: str = "",
        here: Callable[[], Run] | None = None,
        is_rehearsal: bool,
    ) -> None:
        """Make a handle. `elsewhere` is the id of a run of another program; `here` begins one."""
        self.campaign = campaign
        self.kind = kind
        self._elsewhere = elsewhere
        self._here = here
        self._is_rehearsal = is_rehearsal

    def __repr__(self) -> str:
        place = "" if self._here is not None else ", elsewhere"
        try:
            told = repr(self.progress)
        except LedgerError as error:  # a notebook shows a handle, not a traceback
            told = str(error)
        return f"CampaignRun({self.campaign.name!r}{place}: {told})"

    @property
    def id(self) -> str:
        """Its id in the ledger."""
        return self._elsewhere if self._here is None else self._here().id

    def let_go(self) -> None:
        """Begin it, so that nobody has to wait for it, and everybody can see it."""
        if self._here is not None:
            let_go(self._here, self._how_to_go_on)

    @property
    def progress(self) -> RunProgress:
        """How far it is, as the ledger has it: the same for everybody who looks."""
        with opened(self.campaign.path) as ledger:
            campaign_id = read.find_campaign(ledger, self.campaign.name).id
            counts = read.count_by_status(ledger, campaign_id)
            record = runs.find(ledger, self.id)
            beside = runs.unended(ledger, campaign_id)
            state = _state(ledger, record)
        return _progress(self.kind, state, counts, record, beside)

    def pause(self) -> None:
        """Ask it to begin nothing more until `resume`; what is in flight ends and is recorded.

        It may still be working when this returns: `progress.state` is `pausing`, then `paused`. A
        run that has ended, or was asked to stop, is not paused.

        Raises:
            LedgerError: the ledger cannot be written; nothing was asked.
        """
        self._ask("pause")

    def resume(self) -> None:
        """Ask it to go on after a pause. One that was asked to stop does not.

        Raises:
            LedgerError: the ledger cannot be written; nothing was asked.
        """
        self._ask("go")

    def stop(self) -> None:
        """Ask it to end: nothing more is begun, and what is in flight ends and is recorded.

        It may still be working when this returns; `wait` waits for its end. A stop is never taken
        back. One that goes on in this program hears it even when the ledger cannot be written.

        Raises:
            LedgerError: the run is of another program, and the ledger cannot be written.
        """
        if self._here is None:
            self._ask("stop")
            return
        self._here().stop()
        with suppress(LedgerError):  # others would see it stopping; it does so all the same
            self._ask("stop")

    def wait(
        self, timeout: float | str | pd.Timedelta | None = None, *, progress: bool = True
    ) -> "pd.Series[int]":
        """Wait until it has ended, with a bar, and tell what a person should know of it.

        Ctrl-C, an interrupted cell, a closed terminal and SIGTERM stop a run of this program in
        good order, as they do for `send`; one of another program goes on.

        Args:
            timeout: how long to wait at most, in seconds or such as `"10min"`; the run goes on.
            progress: whether to show a bar, in a notebook or a terminal.

        Returns:
            The counts of the campaign afterwards. Whether the run has ended is in `progress.state`.

        Raises:
            GatewayError, RunStopped, LedgerError and others: what ended a run of this program. Of
                another program's run it is told in a warning, and is in `progress.error`.
        """
        at_most = patience(timeout)
        if self._here is None:
            self._wait_elsewhere(at_most, show=progress)
        else:
            watch(
                self._here,
                self._look,
                title=self._title,
                show=progress,
                told=self._how_to_go_on,
                timeout=at_most,
            )
        return self._tell()

    def _wait_elsewhere(self, timeout: float | None, *, show: bool) -> None:
        def has_ended(seconds: float) -> bool:
            time.sleep(seconds)
            with opened(self.campaign.path) as ledger:
                state = _state(ledger, runs.find(ledger, self.id))
            return state.has_ended or state is RunState.LOST

        try:
            follow(has_ended, self._look, title=self._title, show=show, timeout=timeout)
        except KeyboardInterrupt:
            say("It is no longer watched, and goes on.")
            raise

    def _look(self) -> Progress:
        found = self.progress
        usual = found.state in (RunState.RUNNING, RunState.FINISHED)
        told: dict[str, Any] = {} if usual else {"run": found.state}
        told |= {status: count for status, count in found.counts.items() if count}
        return Progress(found.done, found.total, told)

    def _ask(self, wish: str) -> None:
        with Ledger.open(self.campaign.path) as ledger:
            runs.ask(ledger, self.id, wish)
        if self._here is not None:
            self._here().look()

    @property
    def _title(self) -> str:
        return "Rehearsing" if self._is_rehearsal and self.kind == "send" else _TITLES[self.kind]

    def _how_to_go_on(self) -> str:
        return to_go_on(f"{self.kind}(…)")

    def _tell(self) -> "pd.Series[int]":
        """Say what became of the run and its campaign, as far as a person should look at it."""
        found = self.progress
        if self._here is None and found.error:
            warn(f"The run ended with an error: {found.error} {self._how_to_go_on()}")
        if found.state is RunState.DEAD:
            warn(
                "The program of this run ended in the middle of it. Requests that were in flight "
                f"are unknown. {self._how_to_go_on()}"
            )
        if found.state.has_ended or found.state is RunState.LOST:
            if self.kind == "send":
                tell_what_is_left(self.campaign, found.counts)
            else:
                tell_what_is_open(self.campaign, found.counts, self._how_to_go_on())
        return as_series(found.counts)


def found_runs(campaign: Reading) -> list[CampaignRun]:
    """Return the runs of a campaign that have not ended, the oldest first."""
    with opened(campaign.path) as ledger:
        record = read.find_campaign(ledger, campaign.name)
        records = runs.unended(ledger, record.id)
    return [
        CampaignRun(
            campaign,
            found.kind,
            elsewhere=found.id,
            here=_run_here(found.id),
            is_rehearsal=record.gateway == SIMULATED,
        )
        for found in records
    ]


def _run_here(run_id: str) -> Callable[[], Run] | None:
    run = run_here(run_id)
    return None if run is None else lambda: run


def _state(ledger: Ledger, record: RunRecord | None) -> RunState:
    """Say what a run is doing, or how it ended."""
    if record is None:  # not written down yet
        return RunState.RUNNING
    if record.ending is not None:
        return RunState(record.ending)
    if runs.is_lost(ledger, record.id):
        return RunState.LOST
    if record.wish == "pause":
        return RunState.PAUSING if record.has_open_requests else RunState.PAUSED
    return RunState.STOPPING if record.wish == "stop" else RunState.RUNNING


def _progress(
    kind: str,
    state: RunState,
    counts: dict[str, int],
    record: RunRecord | None,
    beside: list[RunRecord],
) -> RunProgress:
    total = sum(count for status, count in counts.items() if status not in _LEFT_OUT)
    left = sum(counts.get(status, 0) for status in _WAITING[kind])
    together = [other for other in beside if other.kind == kind and other.wish == "go"]
    if record and record.id not in {other.id for other in together}:
        together = [record]  # it works no longer, so how fast others are is not its business
    sure = [run for run in together if run.busy > (0 if run.ending else _SURE)]
    rate = sum(run.done * _MINUTE / run.busy for run in sure) or None
    needs = timedelta(seconds=round(60 * left / rate)) if rate else None
    return RunProgress(
        kind,
        state,
        {str(status): counts.get(status, 0) for status in Status},
        total - left,
        total,
        rate,
        needs if state is RunState.RUNNING else None,
        record.error if record else None,
    )
