"""The fourth step: how far it is, and a hand on it, whoever sends."""

from functools import partial
from typing import Any, Final

import ipywidgets as widgets
import pandas as pd

from smspm_campaigns.campaign.running import CampaignRun, RunProgress
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.panel.bounds import Bounds
from smspm_campaigns.panel.calls import Call
from smspm_campaigns.panel.confirm import Confirm
from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.standing import Standing
from smspm_campaigns.panel.step import Step
from smspm_campaigns.panel.views import VIEWS, seen
from smspm_campaigns.panel.work import Work
from smspm_campaigns.reporting.words import duration, several
from smspm_campaigns.vocabulary import OPEN, RunState, Status

_TRACK_FOR: Final = "1h"  # to go on asking by itself; a click asks again
_REACHED: Final = "“At most” is reached: raise it to go on"
_DOING: Final = {"send": "Sending", "track": "Asking what became of the messages"}
_STATES: Final = {
    RunState.RUNNING: "You may close this page: it goes on as long as the kernel runs.",
    RunState.PAUSING: "It pauses: requests under way are being finished.",
    RunState.PAUSED: "It is paused.",
    RunState.STOPPING: "It stops: requests under way are being finished and recorded.",
    RunState.LOST: "Whether its program still runs cannot be known.",
    RunState.FINISHED: "It has ended.",
    RunState.STOPPED: "It was stopped. Nothing is lost.",
    RunState.FAILED: "It ended with an error. Nothing is lost.",
    RunState.DEAD: "Its program ended in the middle of it. Nothing is lost.",
}


class SendStep(Step):
    """Progress, pause, resume and stop; and going on with what is left."""

    title = "Send"

    def __init__(self, work: Work, notices: Notices, bounds: Bounds) -> None:
        self._work = work
        self._notices = notices
        self._bounds = bounds
        self._ended: CampaignRun | None = None  # the run whose end was told
        self._heading = widgets.HTML()
        self._standing = Standing()
        self._far = widgets.HTML()
        self.pause = widgets.Button(description="Pause", icon="pause")
        self.resume = widgets.Button(description="Resume", icon="play")
        self.stop = widgets.Button(description="Stop", icon="stop")
        self.go_on = widgets.Button(button_style="primary", icon="paper-plane")
        self.track = widgets.Button(description="Ask what became of them", icon="refresh")
        self.cancel = widgets.Button(icon="ban")
        self.opted_out = widgets.Text(description="Opted out", placeholder="+49 171 3920012")
        self.suppress = widgets.Button(description="Leave this number out")
        self.confirm = Confirm(notices)
        for button, action in (
            (self.pause, lambda: self._tell_run("pause")),
            (self.resume, lambda: self._tell_run("resume")),
            (self.stop, lambda: self._tell_run("stop")),
            (self.go_on, self._ask_to_go_on),
            (self.track, lambda: self._work.start("track", timeout=_TRACK_FOR)),
            (self.cancel, self._ask_to_cancel),
            (self.suppress, self._suppress),
        ):
            button.on_click(notices.guarded(action))
        bounds.limit.observe(notices.guarded(self.show), names="value")
        running = widgets.HBox([self.pause, self.resume, self.stop])
        resting = widgets.HBox([self.go_on, self.track, self.cancel])
        leaving = widgets.HBox([self.opted_out, self.suppress])
        self._bounded = widgets.VBox([bounds])
        super().__init__(
            [
                *(self._heading, self._standing, self._far, running),
                *(self._bounded, resting, self.confirm, leaving),
            ]
        )

    def show(self) -> None:
        """Show the campaign as it stands."""
        self.confirm.close_question()
        self.look()

    @property
    def is_settled(self) -> bool:
        """Whether there will be no news: nobody works on it, or the end of that was told."""
        return self._work.run is None or self._work.run is self._ended

    def look(self) -> None:
        """Look how far it is. The counts are not older than what is said of the run."""
        campaign, run = self._work.campaign, self._work.look()
        if campaign is None:
            self._heading.value = VIEWS.told("Nothing is sent yet: review it first.")
            self._standing.value = self._far.value = ""
            self._show_buttons(None, None)
            return
        progress = None if run is None else run.progress
        counts = campaign.counts()
        self._heading.value = VIEWS.heading(f"Campaign {campaign.name!r}")
        self._standing.show(counts)
        self._far.value = VIEWS.told("" if progress is None else _far(progress))
        self._show_buttons(counts, progress)
        if run is not None and progress is not None and progress.state.has_ended:
            self._tell_the_end(run, progress)

    def _tell_the_end(self, run: CampaignRun, progress: RunProgress) -> None:
        """Tell once what ended a run; what was sent to its end is asked about by itself."""
        if run is self._ended:
            return
        self._ended = run
        ended_well = self._notices.attempt(
            lambda: self._work.do(Call(run.wait, options={"progress": False}))
        )
        is_open = any(progress.counts[status] for status in OPEN)
        if ended_well and run.kind == "send" and progress.state is RunState.FINISHED and is_open:
            self._notices.attempt(lambda: self._work.start("track", timeout=_TRACK_FOR))

    def _show_buttons(self, counts: "pd.Series[int] | None", progress: RunProgress | None) -> None:
        """Show what can be done now, and nothing else."""
        state = None if progress is None or progress.state.has_ended else progress.state
        planned = 0 if counts is None else int(counts[Status.PLANNED])
        left = self._bounds.left(planned, self._work.campaign)
        is_open = counts is not None and any(counts[status] for status in OPEN)
        seen(self.pause, is_seen=state is RunState.RUNNING)
        seen(self.resume, is_seen=state in (RunState.PAUSED, RunState.PAUSING))
        seen(self.stop, is_seen=state in (RunState.RUNNING, RunState.PAUSED, RunState.PAUSING))
        rests = state in (None, RunState.LOST)
        seen(self.go_on, is_seen=rests and planned > 0)
        seen(self._bounded, is_seen=rests and planned > 0)
        seen(self.track, is_seen=state is None and is_open)
        seen(self.cancel, is_seen=planned > 0)
        seen(self.opted_out, is_seen=planned > 0)
        seen(self.suppress, is_seen=planned > 0)
        verb = "Go on: send" if self._work.is_real else "Go on: rehearse"
        self.go_on.description = f"{verb} {several(left, 'message')}" if left else _REACHED
        self.go_on.disabled = not left
        self.cancel.description = f"Cancel {several(planned, 'message')}"

    def _tell_run(self, wish: str) -> None:
        if self._work.run is not None:
            self._work.do(Call(getattr(self._work.run, wish)))
        self.look()

    def _ask_to_go_on(self) -> None:
        options = self._bounds.options()
        what = self.go_on.description.partition(": ")[2]
        if (limit := options["limit"]) is not None:
            what += f", at most {limit:,} of the campaign in all"
        question = (
            f"For real: {what}. Each goes to a person's phone, and cannot be taken back."
            if self._work.is_real
            else f"On the simulator: {what}. Nobody is texted, nothing is spent."
        )
        self.confirm.ask(question, f"Yes: {what}", partial(self._go_on, options))

    def _go_on(self, options: dict[str, Any]) -> None:
        self._work.start(**options)
        self.look()

    def _ask_to_cancel(self) -> None:
        what = self.cancel.description
        self.confirm.ask(f"{what}? They are never sent.", f"Yes: {what.lower()}", self._cancel)

    def _cancel(self) -> None:
        self._work.cancel()
        self.look()

    def _suppress(self) -> None:
        number = self.opted_out.value.strip()
        if not number:
            raise InvalidArgument("Write the number of the person who opted out first.")
        assert self._work.campaign is not None  # noqa: S101 - the button is not seen without one
        self._work.do(Call(self._work.campaign.suppress, ([number],)))
        self.opted_out.value = ""
        self.look()


def _far(progress: RunProgress) -> str:
    """Say how far a run is, as a person does."""
    parts = [f"{_DOING[progress.kind]}: {progress.done:,} of {progress.total:,}."]
    if progress.rate is not None:
        parts.append(f"{progress.rate:,.0f} a minute.")
    if progress.time_left is not None:
        parts.append(f"About {duration(pd.Timedelta(progress.time_left))} left.")
    return " ".join(filter(None, [*parts, _STATES[progress.state]]))
