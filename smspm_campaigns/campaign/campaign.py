"""Campaign: a frozen plan, what was sent of it, and what became of every row."""

import os
from typing import Any

import pandas as pd

from smspm_campaigns.campaign.arguments import check_client, check_name
from smspm_campaigns.campaign.opening import ledger_path, make_ledger, now, opened
from smspm_campaigns.campaign.planning import plan_rows
from smspm_campaigns.campaign.starting import Starting
from smspm_campaigns.campaign.trial import Trial, find_text, own_number, what_became
from smspm_campaigns.campaign.watching import Progress, watch
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import plan, read
from smspm_campaigns.delivery.ledger.trial import TrialOutcome
from smspm_campaigns.delivery.trial import send_trial
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import mask_number
from smspm_campaigns.vocabulary import Status


class Campaign(Starting):
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
        make_ledger(path)
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
        check_client(client)
        number = own_number(to)
        with opened(self.path) as ledger:
            text = find_text(ledger, read.find_campaign(ledger, self.name), row)
        outcomes: list[TrialOutcome] = []
        watch(
            lambda: Run(
                lambda run: send_trial(run, self.path, text, number, client, note=outcomes.append)
            ),
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
