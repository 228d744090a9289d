"""What a person decides of a campaign: who is left out, and what became of unknown rows."""

import os
from collections.abc import Iterable, Mapping
from typing import IO, Any, Literal

import pandas as pd

from smspm_campaigns.campaign.opening import now, opened
from smspm_campaigns.campaign.outcomes import places_of, row_labels
from smspm_campaigns.campaign.reporting import Reporting
from smspm_campaigns.delivery.ledger import Ledger, read, resolve
from smspm_campaigns.delivery.ledger.read import CampaignRecord
from smspm_campaigns.delivery.ledger.resolve import Mark, Waiting
from smspm_campaigns.exceptions import InvalidArgument, warn
from smspm_campaigns.frames.audience import mark_suppressed
from smspm_campaigns.frames.columns import check_choice, text_array
from smspm_campaigns.vocabulary import DETAIL, PROBLEM, PROBLEMS, TO, Status


class Deciding(Reporting):
    """The part of a `Campaign` in which a person has the word."""

    def cancel(self) -> "pd.Series[int]":
        """Take out of the plan whatever is still planned; it is never sent.

        A request that is under way is left to end: its rows are `sending` until then. They, and
        unknown rows, are not planned again when it turns out that nothing was taken; only
        `resolve_unknown("resend")` does that. Doing it twice changes nothing.

        Returns:
            `counts()` afterwards.

        Raises:
            LedgerError: the ledger cannot be written.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> int(campaign.cancel()["cancelled"])
            1
            >>> folder.cleanup()
        """
        with opened(self.path) as ledger:
            resolve.cancel(ledger, read.find_campaign(ledger, self.name).id, at=now())
        return self.counts()

    def suppress(
        self,
        numbers: "str | os.PathLike[str] | IO[Any] | pd.DataFrame | pd.Series[Any] | "
        "Iterable[object]",
        *,
        region: str | None = None,
    ) -> "pd.Series[int]":
        """Leave out people who opted out since the campaign was created; also while it is sent.

        Their planned rows become `excluded`, with the problem `opted_out`. Who is in a request
        that is under way, or may have been texted, is told in a warning, and is not sent to again.

        Args:
            numbers: the opted-out numbers, as `mark_suppressed` reads them: in any spelling, as a
                list, Series, frame or file.
            region: where numbers without a country code are from, as in `mark_suppressed`.

        Returns:
            `counts()` afterwards.

        Raises:
            NumbersUnreadable: entries that are no numbers: an opt-out lost is a person texted.
            ColumnNotFound: the frame or file has no column of numbers.
            LedgerError: the ledger cannot be written.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> int(campaign.suppress(["0171 3920012"], region="DE")["excluded"])
            1
            >>> campaign.report()["sms_detail"].tolist()
            ['Opted out: listed in the opt-out list, row 0.']
            >>> folder.cleanup()
        """
        with opened(self.path) as ledger:
            campaign_id = read.find_campaign(ledger, self.name).id
            marks = _marks(resolve.waiting(ledger, campaign_id), numbers, region)
            became = resolve.suppress(ledger, campaign_id, marks, at=now())
        _tell_who_may_be_texted(became)
        return self.counts()

    def resolve_unknown(
        self, action: Literal["resend", "sent", "failed"], *, rows: Iterable[Any] | None = None
    ) -> "pd.Series[int]":
        """Say what became of rows whose outcome is unknown, after you looked it up.

        Evidence that comes later still counts: when you said `"resend"` and the gateway then tells
        that the message had been taken, the row leaves the plan, unless it was sent already.

        Args:
            action: `"resend"` (it was not sent: the row is planned again, and the next `send`
                takes it, counting it for `limit` and `max_cost` as any planned row), `"sent"` (it
                was: the row is `submitted`, and nobody is asked about it) or `"failed"`.
            rows: index labels of the rows, such as `campaign.unknown().index`; all unknown rows by
                default.

        Returns:
            `counts()` afterwards. Who was suppressed meanwhile is `excluded`, not planned.

        Raises:
            InvalidArgument: another action, or a label that is not there or not unknown.
            CampaignConflict: `"resend"`, and the request may still be under way.
            LedgerError: the ledger cannot be written.

        Example:
            >>> import tempfile, warnings
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> with warnings.catch_warnings(action="ignore"):
            ...     counts = campaign.send(Client.simulated(faults={0: "close"}))
            >>> int(counts["unknown"])
            1
            >>> int(campaign.resolve_unknown("sent", rows=[0])["submitted"])
            1
            >>> folder.cleanup()
        """
        check_choice("action", action, *resolve.ACTIONS)
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            unknown = {row.position for row in resolve.unknown(ledger, record.id)}
            if rows is not None:
                unknown &= _named(ledger, record, rows, unknown)
            resolve.resolve(ledger, record.id, action, unknown, at=now())
        return self.counts()


def _marks(rows: list[Waiting], numbers: Any, region: str | None) -> list[Mark]:
    """Judge rows by a list of opt-outs, as the frame they came from would have been."""
    frame = pd.DataFrame(
        {
            TO: text_array(row.number for row in rows),
            DETAIL: text_array(row.detail for row in rows),
        }
    )
    marked = mark_suppressed(frame, numbers, region=region)
    listed = marked[PROBLEM].notna()
    told = marked.loc[listed, [PROBLEM, PROBLEMS, DETAIL]].itertuples(index=True, name=None)
    return [Mark(rows[place].id, *reasons) for place, *reasons in told]


def _tell_who_may_be_texted(became: Mapping[str, int]) -> None:
    under_way, unknown = became.get(Status.SENDING, 0), became.get(Status.UNKNOWN, 0)
    parts = [
        f"{under_way:,} are being texted at this moment" if under_way else "",
        f"{unknown:,} may have been texted already" if unknown else "",
    ]
    if told := " and ".join(filter(None, parts)):
        warn(f"Of these people {told}: their requests were made before. None is texted again.")


def _named(
    ledger: Ledger, record: CampaignRecord, rows: Iterable[Any], unknown: set[int]
) -> set[int]:
    """Return the places of the rows with these labels, each of which must be unknown."""
    if isinstance(rows, str | bytes | Mapping | pd.DataFrame) or not isinstance(rows, Iterable):
        raise InvalidArgument(
            f"rows is a list of index labels, such as campaign.unknown().index, not "
            f"{type(rows).__name__}."
        )
    labels = row_labels(record.manifest, read.originals(ledger, record.id))
    named = places_of(labels, list(rows))
    for label, places in named.items():
        if unknown.isdisjoint(places):
            raise InvalidArgument(
                f"Row {label} is not unknown, so there is nothing to resolve. "
                "campaign.unknown() shows the rows that are. Nothing was changed."
            )
    return {place for places in named.values() for place in places}
