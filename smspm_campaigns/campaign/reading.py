"""What one reads of a campaign: counts, the report, the history, and files of them."""

import os
from pathlib import Path
from typing import Any, Final

import pandas as pd

from smspm_campaigns.campaign.opening import opened
from smspm_campaigns.campaign.outcomes import make_history, make_report, only_unknown, row_labels
from smspm_campaigns.delivery.ledger import read, resolve
from smspm_campaigns.delivery.ledger.read import CampaignRecord
from smspm_campaigns.reporting import exports, tables, workbook
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
    def is_rehearsal(self) -> bool:
        """Whether it belongs to the simulator: nothing of it was ever sent to anybody."""
        return self._record().gateway == SIMULATED

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

        Returns:
            Your columns as they were, then all `sms_` columns; `sms_status` is one of `Status`,
            prices are EUR (float64), times UTC (datetime64[us, UTC]).
        """
        with opened(self.path) as ledger:
            record = read.find_campaign(ledger, self.name)
            return make_report(record.manifest, list(read.rows(ledger, record.id)))

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
            report = make_report(record.manifest, list(read.rows(ledger, record.id)))
            return only_unknown(report, resolve.unknown(ledger, record.id))

    def history(self) -> pd.DataFrame:
        """Return every change of status with its time and its evidence, contradictions included.

        Returns:
            A frame with a row for each change, in the order they came; its index is the label of
            the row that changed. `at` (datetime64[us, UTC]), `status` (str, one of `Status`),
            `evidence` (str: `claim`, `reply`, `poll`, `callback`, `dead owner`, `person`, `cancel`,
            `suppress`),
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
            return make_history(labels, read.history(ledger, record.id))

    def summary(self, by: str | None = None) -> pd.DataFrame:
        """Count the report, in one row or by a column. See `reporting.tables.summarize`.

        Raises:
            ColumnNotFound: there is no column `by`.
        """
        return tables.summarize(self.report(), by)

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write a workbook: summary, countries, recipients, excluded rows. Returns its path."""
        return self._export(workbook.to_excel, path)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write a page that needs nothing else. Returns its path."""
        return self._export(exports.to_html, path)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write every row as CSV. Returns the path."""
        return self._export(exports.to_csv, path)

    def _export(self, write: Any, path: str | os.PathLike[str]) -> Path:
        target = Path(path)
        pieces = iter([self.report()])
        write(exports.Outcome(self.name, self.is_rehearsal, pieces), target)
        return target.absolute()

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
