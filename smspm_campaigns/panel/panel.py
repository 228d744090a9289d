"""The panel: five steps from a file to a delivery report, for whoever writes no code."""

import os
from functools import partial
from pathlib import Path
from typing import Any, Final

import ipywidgets as widgets
import pandas as pd

from smspm_campaigns.campaign import list_campaigns
from smspm_campaigns.campaign.arguments import check_client
from smspm_campaigns.frames.columns import check_frame
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.panel.audience import AudienceStep
from smspm_campaigns.panel.bounds import Bounds
from smspm_campaigns.panel.keys import Keys
from smspm_campaigns.panel.later import Later
from smspm_campaigns.panel.memory import Memory
from smspm_campaigns.panel.message import MessageStep
from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.results import ResultsStep
from smspm_campaigns.panel.review import ReviewStep
from smspm_campaigns.panel.sending import SendStep
from smspm_campaigns.panel.step import Step
from smspm_campaigns.panel.views import STYLE, VIEWS, seen
from smspm_campaigns.panel.work import Work
from smspm_campaigns.vocabulary import OPEN, Status

_LOOK_EVERY: Final = 1.0  # seconds
_NEW: Final = ("A new campaign", "")
_NOT_DONE: Final = (Status.PLANNED, Status.SENDING, *OPEN)
_BOUNDS: Final = "Bounds"
_MODES: Final = (("Rehearsal", False), ("Real account", True))


class CampaignPanel(widgets.VBox):
    """A campaign from the file to the delivery report, by clicks. It does what your code would.

    Five steps: the audience, the message, a review with a test to your own phone, sending, and the
    results. Every click is a call of a public function, and “Show the code” writes them down. It
    rehearses on the simulator until you choose the real account, whose credentials are in the
    environment (`SMSPM_HASH`, `SMSPM_TOKEN`). A campaign that is not done is found again by the
    next panel, whatever became of the notebook that began it.

    Args:
        frame: the people, as `read_contacts` returns them, or with steps of yours; by default
            a file is chosen in the panel.
        ledger: where the campaigns are; `SMSPM_LEDGER`, else your own, by default.
        client: the `Client` to send with; by default the panel asks which.

    Raises:
        InvalidArgument: an argument that cannot be meant.
        LedgerError: the ledger cannot be used.

    Example:
        >>> people = pd.DataFrame({"phone": ["+49 171 3920012"], "name": ["Ana"]})
        >>> panel = CampaignPanel(people, client=Client.simulated())
        >>> print(panel.code)
        import smspm_campaigns as smspm
        <BLANKLINE>
        messages = (frame
                    .pipe(smspm.normalize_numbers, 'phone')
                    .pipe(smspm.mark_duplicates))
    """

    def __init__(
        self,
        frame: pd.DataFrame | None = None,
        *,
        ledger: str | os.PathLike[str] | None = None,
        client: Client | None = None,
    ) -> None:
        if frame is not None:
            check_frame(frame)
        if client is not None:
            check_client(client)
        self._work = Work(frame, ledger, client)
        self._notices = Notices(after=self._refresh)
        self._memory = Memory(Path.cwd())
        self._bounds = bounds = Bounds()
        self._bounds_of: dict[str, dict[str, str]] = {}  # each campaign its own
        guarded = self._notices.guarded
        self.campaign = widgets.Dropdown(description="Campaign")
        self.mode = widgets.RadioButtons(description="Account", options=_MODES)
        self.audience = AudienceStep(self._work, self._notices, has_frame=frame is not None)
        self.message = MessageStep(self._work, self._notices)
        self.review = ReviewStep(self._work, self._notices, bounds, self._started)
        self.sending = SendStep(self._work, self._notices, bounds)
        self.results = ResultsStep(self._work, self._notices, self._for_real)
        self._steps: tuple[Step, ...] = (
            self.audience,
            self.message,
            self.review,
            self.sending,
            self.results,
        )
        self.show_code = widgets.ToggleButton(description="Show the code", icon="code")
        self.steps = [
            widgets.Button(description=f"{number} {step.title}")
            for number, step in enumerate(self._steps, 1)
        ]
        self.onward = widgets.Button(icon="arrow-right")
        self._keys = Keys()
        self._banner = widgets.HTML()
        self._body = widgets.VBox()
        self._code = widgets.HTML()
        self._later = Later(self._tick)
        self._place = 0
        self._has_stumbled = False
        for place, button in enumerate(self.steps):
            button.on_click(guarded(partial(self._go, place)))
        self.onward.on_click(guarded(lambda: self._go(self._place + 1)))
        self.show_code.observe(guarded(self._refresh), names="value")
        self.mode.observe(guarded(self._choose_mode), names="value")
        stepper = widgets.HBox(self.steps)
        stepper.add_class("smspm-stepper")
        below = widgets.HBox([self.onward, self.show_code])
        super().__init__(
            [
                widgets.HTML(f"<style>{STYLE}</style>"),
                self._keys,
                *(self._banner, widgets.HBox([self.campaign, self.mode]), stepper),
                *(self._notices, self._body, below, self._code),
            ]
        )
        self.add_class("smspm-panel")
        self._list_campaigns()
        self.campaign.observe(guarded(self._choose_campaign), names="value")
        self._notices.attempt(partial(self._begin, has_frame=frame is not None))

    @property
    def code(self) -> str:
        """What was done here so far, as code that does the same."""
        return self._work.written()

    @property
    def _is_running(self) -> bool:
        """Whether there is something to look at by itself."""
        return not self.sending.is_settled

    def _begin(self, *, has_frame: bool) -> None:
        """Open the campaign that is not done, if there is one; a frame begins a new one."""
        unfinished = next((name for name, is_done in self._campaigns.items() if not is_done), None)
        self._recall()
        self._go(0)
        if unfinished is None:
            return
        told = f"The campaign {unfinished!r} is not done"
        if has_frame:
            self._notices.tell([f"{told}. Choose it above to go on with it."])
        else:
            self.campaign.value = unfinished
            self._choose_campaign()
            self._notices.tell([f"{told}, so it is open here. “{_NEW[0]}” begins another one."])

    def _recall(self) -> None:
        """Choose and type again what was, when the notebook was closed over it."""
        kept = dict(self._memory.recall())
        self._bounds_of = kept.pop(_BOUNDS, {})
        for step in self._steps if kept else ():
            self._notices.attempt(partial(step.recall, kept.get(step.title, {})))
        if kept:
            self._notices.tell(["The draft that was begun in this folder is here again."])

    def _list_campaigns(self) -> None:
        """List the campaigns of the ledger, the newest first, and see which are not done."""
        ledger = self._work.ledger
        is_there = ledger is None or Path(ledger).expanduser().exists()
        listed = list_campaigns(ledger=ledger) if is_there else pd.DataFrame()
        self._campaigns = {
            str(name): pd.isna(row["gateway"]) or not any(row[status] for status in _NOT_DONE)
            for name, row in listed.iterrows()
        }
        opened = self._work.campaign
        self.campaign.options = [_NEW, *((name, name) for name in self._campaigns)]
        self.campaign.value = "" if opened is None else opened.name

    def _choose_campaign(self) -> None:
        name, opened = self.campaign.value, self._work.campaign
        if name == ("" if opened is None else opened.name):
            return
        self._bounds.recall(self._bounds_of.get(name, {}))
        if not name:
            self._work.leave()
            self._work.choose(is_real=False)  # what is new begins as a rehearsal
            self._go(0)
        else:
            self._work.find(name)
            self._go(self._steps.index(self.sending))

    def _choose_mode(self) -> None:
        self._work.choose(is_real=self.mode.value)
        self._steps[self._place].show()

    def _for_real(self) -> None:
        """Review once more what was rehearsed: for real it is a campaign of its own."""
        self._work.leave()
        self._work.choose(is_real=True)
        self._go(self._steps.index(self.review))

    def _started(self) -> None:
        self._go(self._steps.index(self.sending))

    def _go(self, place: int) -> None:
        """Show a step, as things are now."""
        self._place = self._keys.place = place
        self._body.children = [self._steps[place]]
        self._steps[place].show()

    def _tick(self) -> None:
        """Look by itself; a click that is under way comes first."""
        went_well = self._notices.attempt(self._look, waits=False)
        if went_well and self._has_stumbled:
            self._notices.take_back_error()
        self._has_stumbled = not went_well
        if not went_well:
            self._later.ask_the_loop(_LOOK_EVERY)

    def _look(self) -> None:
        """See what is new of a run, as long as there is one."""
        self.sending.look()
        if self._steps[self._place] is self.results:
            (self.results.look if self._is_running else self.results.show)()

    def _refresh(self) -> None:
        """Show what every click may have changed: the account, the step, and the code."""
        work = self._work
        if work.follow_binding():
            for step in (self.review, self.sending, self.results):
                step.confirm.close_question()
        if self.campaign.value != ("" if work.campaign is None else work.campaign.name):
            self._list_campaigns()
        self._banner.value = VIEWS.banner(is_rehearsal=not work.is_real, told=_told(work))
        self.mode.value = work.is_real
        self.mode.disabled = work.is_given or work.is_bound
        for place, button in enumerate(self.steps):
            button.button_style = "info" if place == self._place else ""
        is_asked = self._steps[self._place] is self.review and work.campaign is None
        seen(self.onward, is_seen=self._place + 1 < len(self.steps) and not is_asked)
        if self._place + 1 < len(self.steps):
            self.onward.description = f"Next: {self._steps[self._place + 1].title}"
        self._remember()
        self._code.value = VIEWS.code(self.code) if self.show_code.value else ""
        if self._is_running:
            self._later.ask_the_loop(_LOOK_EVERY)

    def _remember(self) -> None:
        """Keep the draft until it has become a campaign, and the bounds of each campaign."""
        work = self._work
        if work.campaign is not None:
            self._bounds_of[work.campaign.name] = self._bounds.kept()
        is_draft = work.draft.is_begun and not (work.is_real and work.is_bound)
        kept: dict[str, Any] = {step.title: step.kept() for step in self._steps if is_draft}
        bounds = {name: typed for name, typed in self._bounds_of.items() if typed}
        self._memory.keep(kept | ({_BOUNDS: bounds} if bounds else {}))


def _told(work: Work) -> str:
    """Say what the account in use means for people's pockets."""
    if work.is_real:
        return "People are texted, and every message costs money."
    return "On the simulator: nobody is texted, and nothing is spent."
