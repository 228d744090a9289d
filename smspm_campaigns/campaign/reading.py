"""What one reads of a campaign: counts, the report, the history, and files of them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure

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
from smspm_campaigns.frames.columns import check_choice
from smspm_campaigns.reporting import charts, exports, page, tables, workbook
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

    def summary(self, by: Any = None) -> pd.DataFrame:
        """Count the report, in one row or by a column.

        Args:
            by: the name of a column of the report, your own too, such as `"sms_country"`,
                `"sms_carrier"` or `"shop"`; everything in one row by default.

        Returns:
            A frame with one row per group, the largest first: `rows`, `planned`, `sending`, `sent`
            (accepted: `delivered` + `failed` + `open` + `unconfirmed`), `refused`, `unknown`,
            `excluded`, `cancelled` (Int64); `delivery_rate` (of `sent`) with its 95 % interval
            `rate_low` and `rate_high`; `segments` (Int64); `expected_cost` and `actual_cost` (EUR,
            the sum of what is known), and of how many messages sent they are not known:
            `unestimated` and `unpriced` (Int64).

        Raises:
            ColumnNotFound: there is no column `by`.
            InvalidArgument: there are two of that name.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> counts = campaign.send(Client.simulated())
            >>> campaign.summary()[["rows", "sent", "open", "unpriced"]].iloc[0].tolist()
            [1, 1, 1, 1]
            >>> folder.cleanup()
        """
        return tables.summarize(self.report(), by)

    def costs(self) -> pd.DataFrame:
        """Hold the estimate against the bill, by country and carrier.

        Returns:
            A frame whose index is `sms_country` and `sms_carrier` (missing until it is known), the
            largest first: `sent`, `segments` (Int64); `expected_cost`, `actual_cost` (EUR, the sum
            of what is known); `difference` (actual - expected, EUR, of messages of which both are
            known) and `difference_share` (of what was expected of these); `unestimated` and
            `unpriced` (Int64): of how many messages the one and the other are not known.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> counts = campaign.send(Client.simulated())
            >>> campaign.costs()[["sent", "unpriced"]].to_numpy().tolist()
            [[1, 1]]
            >>> folder.cleanup()
        """
        return tables.costs(self.report())

    def delivery_times(self, by: Any = None) -> pd.DataFrame:
        """Tell how long messages took from being accepted until their delivery was known here.

        That is later than the phone had them, by up to the time between two polls.

        Args:
            by: the name of a column of the report to group by; everything in one row by default.

        Returns:
            A frame with one row per group in which something was delivered, the largest first:
            `delivered` (Int64), `median` and `p95` (timedelta64[us]: half, and 95 %, took no
            longer).

        Raises:
            ColumnNotFound: there is no column `by`.
            InvalidArgument: there are two of that name.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> counts = campaign.send(Client.simulated())
            >>> campaign.delivery_times()["delivered"].tolist()
            [0]
            >>> folder.cleanup()
        """
        return tables.delivery_times(self.report(), by)

    def failures(self) -> pd.DataFrame:
        """Tell where messages got lost, by carrier and country.

        Returns:
            A frame whose index is `sms_carrier` (missing where it is not known) and `sms_country`,
            with a row for each of which something got lost, the most first: `sent`, `failed`,
            `refused`, `unknown`, `unconfirmed` (Int64) and `failure_rate` (failed / sent).

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> counts = campaign.send(Client.simulated())
            >>> len(campaign.failures())
            0
            >>> folder.cleanup()
        """
        return tables.failures(self.report())

    def timeline(self, bins: int = 100) -> pd.DataFrame:
        """Count what was accepted, delivered and failed by then, at equal steps of time.

        Args:
            bins: how many points there are at most, from the first change to the last.

        Returns:
            A frame with `accepted`, `delivered` and `failed` (Int64), each of them cumulated; its
            index is datetime64[us, UTC].

        Raises:
            InvalidArgument: `bins` is no whole number of 1 or more.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> counts = campaign.send(Client.simulated())
            >>> campaign.timeline().iloc[-1].tolist()
            [1, 0, 0]
            >>> folder.cleanup()
        """
        return tables.timeline(self.report(), bins)

    def chart(self, kind: str) -> Figure:
        """Draw the outcome, readable in black and white.

        Args:
            kind: `"funnel"` (from the file to the phone), `"statuses"` (accepted, delivered and
                failed over time), `"countries"` (delivery rates with their 95 % intervals) or
                `"costs"` (expected and actual, by country).

        Returns:
            A matplotlib figure: a notebook shows it, and `savefig` writes it to a file.

        Raises:
            InvalidArgument: there is no such chart.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign, Client
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> counts = campaign.send(Client.simulated())
            >>> campaign.chart("funnel").savefig(f"{folder.name}/funnel.png")
            >>> folder.cleanup()
        """
        check_choice("kind", kind, *charts.CHARTS)
        chart = charts.CHARTS[kind]
        return chart.draw(chart.tabulate(self.report()))

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write a workbook: summary, countries, recipients, excluded rows. Returns its path."""
        return self._export(workbook.to_excel, path)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write a page that needs nothing else. Returns its path."""
        return self._export(page.to_html, path)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write every row as CSV. Returns the path."""
        return self._export(exports.to_csv, path)

    def _export(self, write: Any, path: str | os.PathLike[str]) -> Path:
        target = exports.target_of(path)
        write(exports.Outcome(self.name, self.is_rehearsal, self._pieces()), target)
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
