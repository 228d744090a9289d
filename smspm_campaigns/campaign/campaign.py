"""Campaign: a frozen plan, what was sent of it, and what became of every row."""

import os
import sys
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from smspm_campaigns.campaign.arguments import billionths, check_limit, check_name, seconds
from smspm_campaigns.campaign.deciding import Deciding
from smspm_campaigns.campaign.opening import ledger_path, now, opened
from smspm_campaigns.campaign.planning import plan_rows
from smspm_campaigns.campaign.trial import Trial, find_text, own_number, what_became
from smspm_campaigns.campaign.watching import Progress, to_go_on, watch
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, owners, plan, read
from smspm_campaigns.delivery.ledger.read import CampaignRecord
from smspm_campaigns.delivery.ledger.record import EURO
from smspm_campaigns.delivery.ledger.trial import TrialOutcome
from smspm_campaigns.delivery.sender import send_campaign
from smspm_campaigns.delivery.tracker import track_campaign
from smspm_campaigns.delivery.trial import send_trial
from smspm_campaigns.exceptions import (
    BudgetExceeded,
    InvalidArgument,
    warn,
)
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.settings import check_report_url
from smspm_campaigns.masking import Secret, mask_number
from smspm_campaigns.vocabulary import OPEN, Status


class Campaign(Deciding):
    """A campaign in a ledger. Make one with `create`, or find it again with `open`.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
        >>> ledger = f"{folder.name}/ledger"
        >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com", ledger=ledger)
        >>> client = Client.simulated(submit_after=0, final_after=0, spread=0)
        >>> int(campaign.send(client)["queued"])
        1
        >>> int(campaign.track(client)["delivered"])
        1
        >>> campaign.report()["sms_status"].tolist()
        ['delivered']
        >>> int(campaign.summary()["delivered"].iloc[0])
        1
        >>> campaign.to_csv(f"{folder.name}/report.csv").name
        'report.csv'
        >>> Campaign.open("hello", ledger=ledger)
        Campaign('hello': 1 delivered; rehearsal)
        >>> from smspm_campaigns import list_campaigns
        >>> list_campaigns(ledger=ledger).index.tolist()
        ['hello']
        >>> folder.cleanup()
    """

    @classmethod
    def create(
        cls,
        name: str,
        frame: pd.DataFrame,
        *,
        sender: str | None = None,
        ledger: str | os.PathLike[str] | None = None,
        allow_repeat: bool = False,
    ) -> "Campaign":
        """Freeze a plan: the rows of a frame without a problem will be sent, each once.

        The same name with the same plan reopens the campaign, so a notebook that runs twice sends
        nothing twice.

        Args:
            name: of the campaign, unique in its ledger.
            frame: with `sms_to` and `sms_text`; `sms_sender` may hold a sender for each row.
            sender: an approved Sender ID, for rows without one of their own.
            ledger: where the ledger is; `SMSPM_LEDGER`, else one per user, by default. It is made
                when there is none.
            allow_repeat: send to a number once for each of its rows, and messages that another
                campaign already took. A campaign that is reopened learns it, and prices it lacked.

        Raises:
            ColumnNotFound: `sms_to` or `sms_text` is not there.
            InvalidArgument: nothing to send, a name, sender or row that cannot be meant, or a
                column of yours that the ledger cannot keep.
            CampaignConflict: the name has another plan, two rows have one number, or another
                campaign of this ledger took some of the messages.
            LedgerError: the ledger cannot be used.
        """
        check_name(name)
        frozen = plan_rows(frame, sender=sender, allow_repeat=allow_repeat)
        path = ledger_path(ledger)
        if Ledger.create(path):
            print(f"A new ledger was made at {path}.", file=sys.stderr)  # noqa: T201 - said once
        with opened(path) as found:
            plan.create_campaign(
                found,
                name,
                frozen,
                allow_repeat=allow_repeat,
                at=now(),
            )
        return cls(name, path)

    @classmethod
    def open(cls, name: str, *, ledger: str | os.PathLike[str] | None = None) -> "Campaign":
        """Find a campaign again. Never makes a ledger.

        Raises:
            CampaignNotFound: there is none of that name.
            LedgerError: there is no ledger, or it cannot be used.
        """
        path = ledger_path(ledger)
        with opened(path) as found:
            read.find_campaign(found, name)
        return cls(name, path)

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

        Ctrl-C, an interrupted cell, a closed terminal and SIGTERM stop it in good order: nothing
        more is begun, what is in flight is finished and recorded, for a minute at most, and how to
        go on is said.

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
        check_limit(limit)
        check_report_url(hidden)
        record = self._check_gateway(client)
        with opened(self.path) as ledger:
            _check_budget(ledger, record, max_cost)
            plan.refuse_repeats(ledger, record.id)
        self._watch(
            lambda run: send_campaign(
                run, self.path, record.id, client, limit=limit, report_url=hidden
            ),
            "Rehearsing" if client.is_simulated else "Sending",
            "send(…)",
            show=progress,
        )
        counts = self.counts()
        if counts[Status.SENDING] and (lost := self._lost_locks(record)):
            warn(
                f"{counts[Status.SENDING]:,} rows stay sending: whether the program that claimed "
                "them still runs cannot be known, since its lock file is not there. When it has "
                f"surely ended, make an empty file {lost[0]}; then they are unknown."
            )
        if counts[Status.UNKNOWN]:
            warn(
                f"Of {counts[Status.UNKNOWN]:,} rows it is not known whether they were sent. They "
                "are never sent again by themselves; unknown() shows them. Compare them with the "
                "message log of your SMSPM account, then resolve_unknown(…) says what became of "
                "them."
            )
        return counts

    def track(
        self,
        client: Client,
        *,
        timeout: str | pd.Timedelta = "10min",
        give_up_after: str | pd.Timedelta = "72h",
        progress: bool = True,
    ) -> "pd.Series[int]":
        """Ask what became of open messages, until none is open or the time is over.

        Args:
            client: of the account the campaign was sent with.
            timeout: how long to go on, such as `"10min"`.
            give_up_after: the age at which a message without a final word is `unconfirmed`.
            progress: whether to show a bar, in a notebook or a terminal.

        Returns:
            `counts()` afterwards.

        Raises:
            GatewayMismatch: the campaign belongs to another account, or is a rehearsal.
            GatewayError: the account is refused, or the API cannot be reached.
        """
        for_seconds = seconds(timeout, "timeout")
        patience = seconds(give_up_after, "give_up_after")
        record = self._check_gateway(client)
        self._watch(
            lambda run: track_campaign(
                run, self.path, record.id, client, for_seconds=for_seconds, give_up_after=patience
            ),
            "Tracking",
            "track(…)",
            show=progress,
        )
        counts = self.counts()
        still_open = int(sum(counts[status] for status in OPEN))
        if still_open:
            warn(f"{still_open:,} messages have no final status yet. track(…) goes on asking.")
        return counts

    def send_test(self, client: Client, to: str, *, row: Any = None) -> Trial:
        """Send the text of one row to a number of your own, to see it on a phone.

        It is one request, made once, written down apart: it is no row's, counts neither for
        `limit` nor for `max_cost`, and binds the campaign to no account.

        Args:
            client: `Client()` for real, which costs what one message costs.
            to: your number in any spelling, with its country code.
            row: the index label of the row; by default the first one that will be sent.

        Returns:
            A value with `status`, `id`, `segments`, the masked `number` and `error`. `unknown`: the
            reply proves nothing, so it may have been sent.

        Raises:
            InvalidArgument: `to` is no number, or no row has the label, or it has no text.
            GatewayError: as the API or the way to it raises it. After `OutcomeUnknown` the test
                may have been sent.
            LedgerError: the ledger cannot be written.

        Example:
            >>> import tempfile
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> test = campaign.send_test(Client.simulated(), "+49 171 3920012")
            >>> str(test.status), test.segments, test.number
            ('queued', 1, '4917******12')
            >>> int(campaign.counts()["planned"])
            1
            >>> folder.cleanup()
        """
        _check_client(client)
        number = own_number(to)
        with opened(self.path) as ledger:
            text = find_text(ledger, read.find_campaign(ledger, self.name), row)
        outcomes: list[TrialOutcome] = []
        watch(
            lambda run: send_trial(run, self.path, text, number, client, note=outcomes.append),
            lambda: Progress(len(outcomes), 1, {}),
            title="Testing",
            show=False,
            told=lambda: what_became(outcomes),
        )
        [told] = outcomes
        return Trial(
            status=Status(told.status),
            id=told.message_id,
            segments=text.segments,
            number=mask_number(number),
            error=told.error,
            is_rehearsal=client.is_simulated,
        )

    def _check_gateway(self, client: Client) -> CampaignRecord:
        """Refuse a client of another gateway than the one that took something of it."""
        _check_client(client)
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            plan.check_gateway(ledger, record.id, client.identity(ledger.key()))
        return record

    def _lost_locks(self, record: CampaignRecord) -> list[Path]:
        with opened(self.path) as ledger:
            return owners.lost_locks(ledger, record.id)

    def _watch(
        self,
        work: Callable[[Run], Coroutine[Any, Any, None]],
        title: str,
        call: str,
        *,
        show: bool,
    ) -> None:
        def look() -> Progress:
            counts = {status: count for status, count in self.counts().items() if count}
            out = (Status.EXCLUDED, Status.CANCELLED)
            waiting = (Status.PLANNED, Status.SENDING, *(OPEN if title == "Tracking" else ()))
            total = sum(count for status, count in counts.items() if status not in out)
            done = total - sum(counts.get(status, 0) for status in waiting)
            return Progress(done, total, {str(status): counts[status] for status in counts})

        watch(work, look, title=title, show=show, told=lambda: to_go_on(call))


def _check_client(client: Any) -> None:
    if not isinstance(client, Client):
        raise InvalidArgument(
            f"Expected a client, got {client!r}. Pass Client() to send for real, or "
            "Client.simulated() to rehearse."
        )


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
