"""Sending and tracking: in the background with `start`, or waited for with `send` and `track`."""

from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal

import pandas as pd

from smspm_campaigns.campaign.arguments import billionths, check_client, check_limit, seconds
from smspm_campaigns.campaign.deciding import Deciding
from smspm_campaigns.campaign.forewarning import forewarn
from smspm_campaigns.campaign.opening import opened
from smspm_campaigns.campaign.running import CampaignRun, found_runs
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, plan, read
from smspm_campaigns.delivery.ledger.evidence import EURO
from smspm_campaigns.delivery.ledger.read import CampaignRecord
from smspm_campaigns.delivery.sender import send_campaign
from smspm_campaigns.delivery.tracker import track_campaign
from smspm_campaigns.exceptions import BudgetExceeded, InvalidArgument
from smspm_campaigns.frames.columns import check_choice
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.settings import check_report_url
from smspm_campaigns.masking import Secret

_TIMEOUT: Final = "10min"  # to go on asking
_GIVE_UP_AFTER: Final = "72h"  # the age of a message without a final word

#: What a run does, until it has ended.
_Work = Callable[[Run], Coroutine[Any, Any, None]]


class Starting(Deciding):
    """The part of a `Campaign` that sends it and asks what became of it."""

    def send(
        self,
        client: Client,
        *,
        limit: int | None = None,
        max_cost: float | Decimal | None = None,
        report_url: str | None = None,
        progress: bool = True,
    ) -> "pd.Series[int]":
        """Send what is planned. Calling it again goes on where it stopped, and repeats nothing.

        It is `start` and `wait`. Ctrl-C, an interrupted cell, a closed terminal and SIGTERM stop
        it in good order: nothing more is begun, what is in flight is finished and recorded, for a
        minute at most, and how to go on is said.

        Before anything is sent the API is asked for the balance and the approved Sender IDs. A
        sender that is not among them, and a balance below the estimate, are warned of; where the
        API does not tell, nothing changes.

        Args:
            client: `Client()` for real, `Client.simulated()` to rehearse.
            limit: the most rows this campaign may ever take; `send(limit=100)` twice sends 100.
            max_cost: the most EUR it may cost, kept with the campaign: what was taken, is unknown
                and is planned must fit, or nothing is sent. `float("inf")` lifts it.
            report_url: where the API shall call when a status changes.
            progress: whether to show a bar, in a notebook or a terminal.

        Returns:
            `counts()` afterwards.

        Raises:
            GatewayMismatch: the campaign belongs to another account, or is a rehearsal.
            CampaignConflict: another campaign took some of it meanwhile.
            BudgetExceeded: the plan costs more than `max_cost`, or has rows without a price.
            GatewayError: the account, sender or network does not let anything through.
            RunStopped: too many requests ended unknown or refused.
        """
        hidden = Secret.hide(report_url)
        del report_url  # no traceback that shows variables can show it
        return self._begin_send(client, limit, max_cost, hidden).wait(progress=progress)

    def track(
        self,
        client: Client,
        *,
        timeout: str | pd.Timedelta = _TIMEOUT,
        give_up_after: str | pd.Timedelta = _GIVE_UP_AFTER,
        progress: bool = True,
    ) -> "pd.Series[int]":
        """Ask what became of open messages, until none is open or the time is over.

        Args:
            client: of the account the campaign was sent with.
            timeout: how long to go on, such as `"10min"`; pauses do not count.
            give_up_after: the age at which a message without a final word is `unconfirmed`.
            progress: whether to show a bar, in a notebook or a terminal.

        Returns:
            `counts()` afterwards.

        Raises:
            GatewayMismatch: the campaign belongs to another account, or is a rehearsal.
            GatewayError: the account is refused, or the API cannot be reached.
        """
        return self._begin_track(client, timeout, give_up_after).wait(progress=progress)

    def start(
        self,
        client: Client,
        what: Literal["send", "track"] = "send",
        *,
        limit: int | None = None,
        max_cost: float | Decimal | None = None,
        report_url: str | None = None,
        timeout: str | pd.Timedelta | None = None,
        give_up_after: str | pd.Timedelta | None = None,
    ) -> CampaignRun:
        """Send, or track, in the background: whoever calls it works on.

        How far it is stands in the ledger, so `running()` finds it from everywhere. When the
        program ends before it does, it is stopped in good order first, as by Ctrl-C.

        Args:
            client: as for `send`.
            what: `"send"` or `"track"`.
            limit: as for `send`.
            max_cost: as for `send`.
            report_url: as for `send`.
            timeout: as for `track`; `"10min"` by default.
            give_up_after: as for `track`; `"72h"` by default.

        Returns:
            A handle with `pause()`, `resume()`, `stop()`, `wait()` and `progress`. The run stands
            in the ledger by then.

        Raises:
            InvalidArgument: an option of the other of the two.
            SmspmError: as `send` and `track` raise it before anything is sent or asked. What ends
                the run later is raised by `wait`.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> client = Client.simulated(submit_after=0, final_after=0, spread=0)
            >>> run = campaign.start(client)
            >>> int(run.wait()["queued"])
            1
            >>> int(campaign.start(client, "track").wait()["delivered"])
            1
            >>> folder.cleanup()
        """
        hidden = Secret.hide(report_url)
        del report_url  # no traceback that shows variables can show it
        check_choice("what", what, "send", "track")
        of_send = {"limit": limit, "max_cost": max_cost, "report_url": hidden}
        of_track = {"timeout": timeout, "give_up_after": give_up_after}
        for name, value in (of_track if what == "send" else of_send).items():
            if value is not None:
                other = "track" if what == "send" else "send"
                raise InvalidArgument(f"{name} is an option of {other!r}, not of {what!r}.")
        if what == "send":
            begun = self._begin_send(client, limit, max_cost, hidden)
        else:
            begun = self._begin_track(client, timeout or _TIMEOUT, give_up_after or _GIVE_UP_AFTER)
        begun.let_go()
        return begun

    def running(self) -> list[CampaignRun]:
        """Return the runs of this campaign that have not ended, whoever began them.

        Returns:
            A handle for each, the oldest first; none when nobody sends or tracks.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> campaign.running()
            []
            >>> folder.cleanup()
        """
        return found_runs(self)

    def _begin_send(
        self,
        client: Client,
        limit: int | None,
        max_cost: float | Decimal | None,
        report_url: Secret | None,
    ) -> CampaignRun:
        check_limit(limit)
        check_report_url(report_url)
        record = self.check_gateway(client)
        with opened(self.path) as ledger:
            _check_budget(ledger, record, max_cost)
            plan.refuse_repeats(ledger, record.id)
        forewarn(self.path, self.name, client, limit)
        return self._begin(
            client,
            "send",
            lambda run: send_campaign(
                run, self.path, record.id, client, limit=limit, report_url=report_url
            ),
        )

    def _begin_track(
        self, client: Client, timeout: str | pd.Timedelta, give_up_after: str | pd.Timedelta
    ) -> CampaignRun:
        for_seconds = seconds(timeout, "timeout")
        patience = seconds(give_up_after, "give_up_after")
        record = self.check_gateway(client)
        return self._begin(
            client,
            "track",
            lambda run: track_campaign(
                run, self.path, record.id, client, for_seconds=for_seconds, give_up_after=patience
            ),
        )

    def _begin(self, client: Client, kind: str, work: _Work) -> CampaignRun:
        return CampaignRun(
            self, kind, here=cache(lambda: Run(work)), is_rehearsal=client.is_simulated
        )

    def check_gateway(self, client: Client) -> CampaignRecord:
        """Refuse a client of another gateway than the one that took something of it.

        Raises:
            GatewayMismatch: the campaign belongs to another account, or is a rehearsal.
        """
        check_client(client)
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            plan.check_gateway(ledger, record.id, client.identity(ledger.key()))
        return record


def _check_budget(ledger: Ledger, record: CampaignRecord, max_cost: float | Decimal | None) -> None:
    """Keep a new bound, and refuse a plan that does not surely fit into the bound."""
    bound = record.max_cost
    if max_cost is not None:
        bound = billionths(max_cost)
        plan.set_max_cost(ledger, record.id, bound)
    if bound is None:
        return
    cost, unpriced = read.expected_cost(ledger, record.id)
    if unpriced:
        raise BudgetExceeded(
            f"{unpriced:,} {'row has' if unpriced == 1 else 'rows have'} no price, so whether "
            f"the plan fits into {bound / EURO:,.2f} EUR is not known. Nothing was sent. Run "
            "estimate_costs with a price for every country, and create the campaign again from "
            "that frame; or lift the bound: max_cost=float('inf')."
        )
    if cost > bound:
        raise BudgetExceeded(
            f"The campaign is expected to cost {cost / EURO:,.2f} EUR, and {bound / EURO:,.2f} "
            "are allowed. Raise max_cost or leave rows out. Nothing was sent."
        )
