"""What the steps of the panel share: the draft, the account, the campaign, and the code."""

import os
from typing import Any, Final

import pandas as pd

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.campaign.running import CampaignRun
from smspm_campaigns.exceptions import GatewayMismatch
from smspm_campaigns.frames.preview import Preview, preview
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.panel.calls import Call, Variable
from smspm_campaigns.panel.draft import Draft
from smspm_campaigns.panel.notices import heard
from smspm_campaigns.vocabulary import SIMULATED

_IMPORT: Final = "import smspm_campaigns as smspm"


class Work:
    """One campaign from a file to its report, as far as it has come."""

    def __init__(
        self,
        frame: pd.DataFrame | None,
        ledger: str | os.PathLike[str] | None,
        client: Client | None,
    ) -> None:
        self.draft = Draft(frame)
        self.ledger = None if ledger is None else os.fspath(ledger)
        self.campaign: Campaign | None = None
        self.run: CampaignRun | None = None
        self.is_given = client is not None  # so that there is nothing to choose
        self.is_real = client is not None and not client.is_simulated
        self._client = client
        self._lines: list[str] = []
        self._frozen = ""  # the code of the draft whose plan was frozen last
        self._previewed: tuple[pd.DataFrame, bool, Preview] | None = None

    @property
    def is_bound(self) -> bool:
        """Whether the campaign that is open belongs to an account, so that none can be chosen."""
        return self.campaign is not None and self.campaign.gateway is not None

    def follow_binding(self) -> bool:
        """Be with the account that the campaign belongs to by now; tell whether that is another."""
        gateway = None if self.campaign is None else self.campaign.gateway
        if gateway is None or self.is_given or (gateway != SIMULATED) == self.is_real:
            return False
        self.choose(is_real=gateway != SIMULATED)
        return True

    def choose(self, *, is_real: bool) -> None:
        """Choose between the simulator and the account of the environment."""
        if not self.is_given and is_real != self.is_real:
            self.is_real, self._client = is_real, None

    @property
    def client(self) -> Any:
        """The client in use. It is made, and written down, when it is first needed.

        Raises:
            CredentialsMissing: the real account is chosen, and the environment has none.
        """
        if self._client is None:
            made: Client = self.do(
                Call(Client if self.is_real else Client.simulated, made="client")
            )
            self._client = made
        return self._client

    def do(self, call: Call) -> Any:
        """Make a call, and write it down when it was made."""
        made = call()
        self._lines.append(call.written())
        return made

    def preview(self) -> Preview:
        """Say what will happen. It is made again only when the messages are others.

        Raises:
            ColumnNotFound: there are no numbers or texts yet.
        """
        frame = self.messages
        known = self._previewed
        if known is None or known[0] is not frame or known[1] != self.is_real:
            client = self._client if self.is_real or self.is_given else Client.simulated()
            told, _ = heard(lambda: preview(frame, client=client))  # its warnings are in it
            known = self._previewed = (frame, self.is_real, told)
        return known[2]

    @property
    def messages(self) -> pd.DataFrame:
        """The frame of the draft, as far as it is made; empty where nothing is."""
        frame, _ = self.draft.messages()
        return pd.DataFrame() if frame is None else frame

    def create(self, name: str, **options: Any) -> None:
        """Freeze the plan of the draft under a name.

        Raises:
            GatewayMismatch: the campaign of that name belongs to the other account: what was asked
                of one of them is never done with the other.
        """
        arguments = (name, Variable(self.draft.variable, self.messages))
        call = Call(Campaign.create, arguments, {**options, "ledger": self.ledger}, "campaign")
        made, before = call(), self._with_draft()
        if made.gateway is not None and (made.gateway != SIMULATED) != self.is_real:
            whose = "the simulator" if self.is_real else "the real account"
            raise GatewayMismatch(
                f"The campaign {name!r} belongs to {whose}, and the other one is chosen here. "
                "Nothing was sent. Give this campaign another name, or choose that one above."
            )
        self._lines, self._frozen = [*before, call.written()], self.draft.written()
        self.campaign, self.run = made, None
        self.look()

    def find(self, name: str) -> None:
        """Find a campaign of the ledger again, and whoever sends or tracks it."""
        call = Call(Campaign.open, (name,), {"ledger": self.ledger}, "campaign")
        campaign: Campaign = self.do(call)
        self.campaign, self.run = campaign, None
        self.follow_binding()
        self.look()

    def leave(self) -> None:
        """Turn to a new campaign; the one that was open goes on as it is."""
        self.campaign = self.run = None

    def give_up(self, name: str) -> None:
        """Cancel a campaign that is not opened here."""
        call = Call(Campaign.open, (name,), {"ledger": self.ledger}, "campaign")
        self.do(Call(self.do(call).cancel))

    def cancel(self) -> None:
        """Take out of the plan what is still planned."""
        assert self.campaign is not None  # noqa: S101 - no button cancels what is not there
        self.do(Call(self.campaign.cancel))

    def start(self, what: str = "send", **options: Any) -> None:
        """Begin to send or to track in the background."""
        assert self.campaign is not None  # noqa: S101 - no button begins what is not there
        client = Variable("client", self.client)
        arguments = (client,) if what == "send" else (client, what)
        self.run = self.do(Call(self.campaign.start, arguments, options, "run"))

    def look(self) -> CampaignRun | None:
        """Return the run that goes on, or the one that ended last, whoever began it."""
        if self.campaign is not None and (self.run is None or self.run.progress.state.has_ended):
            running = self.campaign.running()
            if running:
                self.run = running[0]
                self._lines.append("run = campaign.running()[0]")
        return self.run

    def written(self) -> str:
        """Write down what was done so far, as code that does the same."""
        return "\n".join([_IMPORT, "", *self._with_draft()]).strip()

    def _with_draft(self) -> list[str]:
        """Return the lines so far, and the draft: before all, or below a plan frozen of another."""
        draft = self.draft.written()
        if not draft or draft == self._frozen:
            return self._lines
        return [*self._lines, "", draft, ""] if self._frozen else [draft, "", *self._lines]
