"""What the ledger has of a campaign: counts, the report, the history."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from smspm_campaigns.campaign.opening import opened
from smspm_campaigns.campaign.outcomes import (
    make_history,
    make_pieces,
    make_report,
    make_unknown,
    row_labels,
)
from smspm_campaigns.delivery.ledger import read, resolve
from smspm_campaigns.delivery.ledger.read import CampaignRecord
from smspm_campaigns.vocabulary import SIMULATED, Status

_REHEARSAL: Final = "rehearsal"


class Reading:
    """The part of a `Campaign` that changes nothing."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {status}" for status, count in self.counts().items() if count)
        rehearsal = f"; {_REHEARSAL}" if self.is_rehearsal else ""
        return f"Campaign({self.name!r}: {told}{rehearsal})"

    @property
    def gateway(self) -> str | None:
        """The account it belongs to since its first request, None before; `"simulated"` is none."""
        return self._record().gateway

    @property
    def is_rehearsal(self) -> bool:
        """Whether it belongs to the simulator: nothing of it was ever sent to anybody."""
        return self.gateway == SIMULATED

    @property
    def taken(self) -> int:
        """How many rows money may have been spent on: what `limit` counts."""
        with opened(self.path) as ledger:
            return read.find_campaign(ledger, self.name).taken

    def counts(self) -> "pd.Series[int]":
        """Count the rows by status. The sum is always the number of rows."""
        with opened(self.path) as ledger:
            counted = read.count_by_status(ledger, read.find_campaign(ledger, self.name).id)
        return as_series(counted)

    def report(self) -> pd.DataFrame:
        """Return the rows you began with, in their order and index, and what became of each.

        Nobody who sends waits for it: during a run, later rows may be newer than earlier ones.

        Returns:
            Your columns as they were, then all `sms_` columns; `sms_status` is one of `Status`,
            prices are EUR (float64), times UTC (datetime64[us, UTC]).
        """
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            return make_report(record.manifest, read.pieces(ledger, record.id))

    def _pieces(self) -> Iterator[pd.DataFrame]:
        """Yield the report in order in frames of at most `read.PIECE` rows.

        Each is like these rows of `report()`, all of its categories included. An empty campaign is
        one empty frame. Only one of them needs to be in memory.
        """
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            yield from make_pieces(
                record.manifest,
                read.originals(ledger, record.id),
                read.pieces(ledger, record.id),
            )

    def unknown(self) -> pd.DataFrame:
        """Return the rows of which it is not known whether they were sent, and what happened.

        Compare them with the message log of your SMSPM account, then say with `resolve_unknown`
        what became of them.

        Returns:
            The rows of `report()` whose status is `unknown`: `sms_error` says what happened and
            `sms_updated_at` since when it is not known. Two more columns tell of the request:
            `sms_request` (str: its reference) and `sms_requested_at` (datetime64[us, UTC]).

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> campaign.unknown()["sms_error"].tolist()
            []
            >>> folder.cleanup()
        """
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            unknown = resolve.unknown(ledger, record.id)
            rows = read.rows_at(ledger, record.id, [row.position for row in unknown])
            return make_unknown(record.manifest, read.originals(ledger, record.id), rows, unknown)

    def history(self) -> pd.DataFrame:
        """Return every change of status with its time and its evidence, contradictions included.

        Returns:
            A frame with a row for each change, in the order they came; its index is the label of
            the row that changed. `at` (datetime64[us, UTC]), `status` (str, one of `Status`),
            `evidence` (str: `claim`, `reply`, `poll`, `callback`, `age`, `dead owner`, `person`,
            `cancel`, `suppress`),
            `request` (str: our reference; missing for a change that no request made), `message_id`
            and `error` (str). A word that contradicts what is known stands here and nowhere else.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> counts = campaign.send(Client.simulated())
            >>> campaign.history()[["status", "evidence"]].to_numpy().tolist()
            [['sending', 'claim'], ['queued', 'reply']]
            >>> folder.cleanup()
        """
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            labels = row_labels(record.manifest, read.originals(ledger, record.id))
            return make_history(labels, read.changes(ledger, record.id))

    def _record(self) -> CampaignRecord:
        with opened(self.path) as ledger:
            return read.find_campaign(ledger, self.name)


def as_series(counted: dict[str, int]) -> "pd.Series[int]":
    """Return counts by status as a series of all statuses, in their order."""
    return pd.Series(
        [counted.get(status, 0) for status in Status],
        index=pd.Index([str(status) for status in Status], name="sms_status"),
        name="rows",
        dtype="int64",
    )
