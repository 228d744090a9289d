"""What is made of a campaign's report: tables, charts and files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from smspm_campaigns.campaign.reading import Reading
from smspm_campaigns.frames.columns import check_choice
from smspm_campaigns.reporting import exports, tables, workbook

if TYPE_CHECKING:
    from smspm_campaigns.reporting.charts import Picture

_Write = Callable[[exports.Outcome, Path], None]


class Reporting(Reading):
    """The part of a `Campaign` that people act on."""

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

    def chart(self, kind: str) -> "Picture":
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
        from smspm_campaigns.reporting.charts import CHARTS  # noqa: PLC0415 - matplotlib is slow

        check_choice("kind", kind, *CHARTS)
        chart = CHARTS[kind]
        return chart.draw(chart.tabulate(self.report()))

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write a workbook: figures, charts and tables, recipients, and excluded rows.

        Args:
            path: of the file; `~` is your home. What is there stays until the new one is whole.

        Returns:
            The absolute path.

        Raises:
            InvalidArgument: it is no path, or the report has more columns than Excel.
            OSError: the file cannot be written; what was there is as it was.
            LedgerError: the ledger cannot be read.

        Example:
            >>> import tempfile
            >>> from smspm_campaigns import Campaign
            >>> folder = tempfile.TemporaryDirectory()
            >>> frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]})
            >>> campaign = Campaign.create("hello", frame, sender="SMSPM.com",
            ...                            ledger=f"{folder.name}/ledger")
            >>> campaign.to_excel(f"{folder.name}/report.xlsx").name
            'report.xlsx'
            >>> folder.cleanup()
        """
        return self._export(workbook.to_excel, path)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write one page that needs nothing else, to mail or to print. See `to_excel`."""
        from smspm_campaigns.reporting import page  # noqa: PLC0415 - matplotlib is slow

        return self._export(page.to_html, path)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write every row as text, for `read_contacts` to read again. See `to_excel`."""
        return self._export(exports.to_csv, path)

    def _export(
        self, write: Callable[[exports.Outcome, Path], None], path: str | os.PathLike[str]
    ) -> Path:
        target = exports.target_of(path)
        write(exports.Outcome(self.name, self.is_rehearsal, self._pieces()), target)
        return target.absolute()
