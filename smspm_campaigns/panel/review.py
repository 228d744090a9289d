"""The third step: one last look, a test to one's own phone, and the button that sends."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from smspm_campaigns.campaign import Campaign, list_campaigns
from smspm_campaigns.campaign.account import sender_ids
from smspm_campaigns.campaign.trial import Trial
from smspm_campaigns.exceptions import CampaignConflict, InvalidArgument, SmspmError
from smspm_campaigns.frames.preview import Preview
from smspm_campaigns.gateway.account import DEFAULT_SENDER
from smspm_campaigns.panel.bounds import Bounds
from smspm_campaigns.panel.calls import Call, Variable
from smspm_campaigns.panel.confirm import Confirm
from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.step import Step
from smspm_campaigns.panel.uploads import numbered
from smspm_campaigns.panel.views import VIEWS, seen
from smspm_campaigns.panel.words import in_words
from smspm_campaigns.panel.work import Work
from smspm_campaigns.reporting.words import partly, several
from smspm_campaigns.vocabulary import SENDER, STATUS_TITLES, TEXT, TO, Status


class ReviewStep(Step):
    """What will happen, under which name and sender, and how much of it."""

    title = "Review"
    choices = ("sender",)

    def __init__(
        self, work: Work, notices: Notices, bounds: Bounds, started: Callable[[], object]
    ) -> None:
        self._work = work
        self._notices = notices
        self._bounds = bounds
        self._started = started
        self._told: Preview | None = None
        self._suggested = self._free = self._conflicting = ""
        self._asked_of: object = None
        self._preview = widgets.HTML()
        self.name = widgets.Text(description="Name", placeholder="of the campaign")
        self.sender = widgets.Combobox(description="Sender", value=DEFAULT_SENDER)
        self.repeats = widgets.Checkbox(
            description="Send also what another campaign already sent", indent=False
        )
        self.number = widgets.Text(description="Own number", placeholder="+49 171 3920012")
        self.test = widgets.Button(icon="mobile")
        self._tested = widgets.HTML()
        self.rename = widgets.Button()
        self.send = widgets.Button(button_style="primary", icon="paper-plane")
        self.confirm = Confirm(notices)
        self.test.on_click(notices.guarded(self._ask_to_test))
        self.send.on_click(notices.guarded(self._ask))
        self.rename.on_click(notices.guarded(self._rename))
        for widget in (self.name, self.sender, self.repeats, bounds.limit, bounds.max_cost):
            widget.observe(notices.guarded(self._change), names="value")
        naming = widgets.HBox([self.name, self.sender, self.repeats])
        testing = widgets.HBox([self.number, self.test, self._tested])
        sending = widgets.HBox([self.send, self.rename])
        super().__init__([self._preview, naming, bounds, testing, sending, self.confirm])

    def show(self) -> None:
        """Show the preview of the messages as they are now."""
        self.confirm.close_question()
        self._tested.value = ""
        seen(self.rename, is_seen=False)
        self._told = None
        self._say_what_is_sent()
        messages = self._work.messages
        if TO not in messages or TEXT not in messages:
            self._preview.value = VIEWS.told("Choose the audience, and write the message first.")
        else:
            self._told = self._work.preview()
            self._preview.value = self._told.as_html(in_words)
        self._suggest_a_name()
        self._say_what_is_sent()
        self._ask_for_senders()

    def _suggest_a_name(self) -> None:
        """Name it after its file; a rehearsal does not take the name of the real campaign."""
        if self.name.value in ("", self._suggested):
            stem = Path(self._work.draft.source or "campaign").stem
            self._suggested = stem if self._work.is_real else f"{stem}-rehearsal"
            self.name.value = self._suggested

    def _ask_for_senders(self) -> None:
        """Offer the approved senders where the API tells them; asked once of each account."""
        client = self._work.client
        if client is not self._asked_of:
            self._asked_of = client
            try:
                approved = sender_ids(client)
            except SmspmError:  # it need not tell; the preflight of a send warns as well
                approved = []
            self.sender.options = list(dict.fromkeys([DEFAULT_SENDER, *approved]))

    def _change(self) -> None:
        """Take back the question, since it was asked of something else."""
        self.confirm.close_question()
        seen(self.rename, is_seen=False)
        self._say_what_is_sent()

    def _say_what_is_sent(self) -> None:
        """Let the buttons say what they do."""
        is_real = self._work.is_real
        self.send.disabled = self.test.disabled = not (self._told and self._told.messages)
        verb = "Send" if is_real else "Rehearse"
        self.send.description = f"{verb} {self._how_many()}"
        self.test.description = "Send a test" if is_real else "Rehearse a test"
        self.test.tooltip = "It costs what one message costs" if is_real else "Nobody is texted"

    def _how_many(self) -> str:
        if self._told is None:
            return "nothing yet"
        count, limit = self._told.messages, self._bounds.limit.value.strip()
        if limit.isdecimal() and int(limit) < count:
            return f"up to {several(int(limit), 'message')} of {count:,}"
        cost, unpriced = self._told.cost, self._told.unpriced
        about = "" if cost is None else f", about {partly(cost, unpriced)} EUR"
        return f"{several(count, 'message')}{about}"

    def _ask(self) -> None:
        """Ask once more: from now on it is in people's pockets."""
        self._check()
        self._bounds.options()
        sender = "each its own sender" if self._has_senders else f"from {self.sender.value!r}"
        what = f"{self._how_many()}, {sender}, as {self.name.value!r}"
        if self._work.is_real:
            question = f"For real: {what}. Each goes to a person's phone, and cannot be taken back."
        else:
            question = f"A rehearsal on the simulator: {what}. Nobody is texted, nothing is spent."
        self.confirm.ask(question, f"Yes: {self.send.description}", self._send)

    def _send(self) -> None:
        self._create()
        campaign = self._work.campaign
        if campaign is not None and campaign.counts()[Status.PLANNED]:
            self._work.start(**self._bounds.options())
        else:
            self._notices.tell(["Nothing is left to send: every message was taken before."])
        self._started()

    def _ask_to_test(self) -> None:
        """Ask before a test costs something; a rehearsal of one does not."""
        self._check()
        number = self.number.value.strip()
        if not number:
            raise InvalidArgument("Write your own number first, with its country code.")
        if self._work.is_real:
            question = f"For real: the first text goes to {number}, and costs what one costs."
            self.confirm.ask(question, "Yes: send the test", partial(self._test, number))
        else:
            self._test(number)

    def _test(self, number: str) -> None:
        """Send the first text to a number of one's own."""
        self._create()
        assert self._work.campaign is not None  # noqa: S101 - it was made in the line before
        arguments = (Variable("client", self._work.client), number)
        trial = self._work.do(Call(self._work.campaign.send_test, arguments))
        self._tested.value = VIEWS.told(_became(trial))

    def _check(self) -> None:
        """See that there is a name, and an account, before anything is made."""
        if not self.name.value.strip():
            raise InvalidArgument("Give the campaign a name first.")
        if not (self._has_senders or self.sender.value.strip()):
            raise InvalidArgument("Choose a sender first, such as SMSPM.com.")
        self._work.client  # noqa: B018 - without credentials there is none

    @property
    def _has_senders(self) -> bool:
        return SENDER in self._work.messages

    def _create(self) -> None:
        options: dict[str, Any] = {"sender": self.sender.value.strip() or None}
        try:
            self._work.create(
                self.name.value.strip(), **options, allow_repeat=self.repeats.value or None
            )
        except CampaignConflict:
            self._offer_another_name()
            raise

    def _offer_another_name(self) -> None:
        """Where the name has another plan, offer a free one: a plan is never changed."""
        name = self.name.value.strip()
        known = list_campaigns(ledger=self._work.ledger).index
        if name not in known:
            return
        self._conflicting = name
        self._free = next(free for free in numbered(name) if free not in known)
        self.rename.description = f"Use the name {self._free!r}"
        seen(self.rename, is_seen=True)
        if not self._is_taken(name):
            self._notices.tell(
                [f"Nothing of {name!r} was sent. With another name here, that plan is cancelled."]
            )

    def _is_taken(self, name: str) -> bool:
        return Campaign.open(name, ledger=self._work.ledger).taken > 0

    def _rename(self) -> None:
        """Take the free name; a plan of which nothing was sent is left behind, and never sent."""
        if not self._is_taken(self._conflicting):
            self._work.give_up(self._conflicting)
        self.name.value = self._free
        seen(self.rename, is_seen=False)


def _became(trial: Trial) -> str:
    """Say what became of a test."""
    what = f"{several(trial.segments, 'segment')} to {trial.number}"
    if trial.is_rehearsal:
        return f"Rehearsed: {what}. Nobody was texted."
    if trial.status is Status.QUEUED:
        return f"Sent: {what}. Look at your phone before you send to everybody."
    return f"{STATUS_TITLES[trial.status]}: {what}. {trial.error or ''}"
