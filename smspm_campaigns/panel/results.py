"""The fifth step: what became of everybody, what can be done, and the files to hand on."""

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import ipywidgets as widgets
import pandas as pd
from IPython.display import HTML

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.campaign.outcomes import labels_of
from smspm_campaigns.panel.calls import Call
from smspm_campaigns.panel.confirm import Confirm
from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.standing import Standing
from smspm_campaigns.panel.step import Step
from smspm_campaigns.panel.tables import Window
from smspm_campaigns.panel.uploads import names_for
from smspm_campaigns.panel.views import VIEWS, seen
from smspm_campaigns.panel.work import Work
from smspm_campaigns.reporting.charts import CHARTS
from smspm_campaigns.reporting.exports import file_name_of
from smspm_campaigns.reporting.tables import summarize
from smspm_campaigns.reporting.words import money_of, rate_of
from smspm_campaigns.vocabulary import COLUMNS, DETAIL, STATUS_TITLES, TO, Status

_CHARTS: Final = (
    ("No chart", ""),
    ("From the file to the phone", "funnel"),
    ("Statuses over time", "statuses"),
    ("Delivery rates by country", "countries"),
    ("Costs by country", "costs"),
)
_REST: Final = 3.0  # seconds at least between two readings of the report
_SHARE: Final = 10  # times as long as reading the report took, to the next time
_STATUS: Final = "sms_status"
_SHOWN_COLUMNS: Final = 6  # of the person's own

#: What can be done about rows that did not end well.
_ADVICE: Final[dict[Status, str]] = {
    Status.FAILED: "The carrier said no: the number may be gone, or the phone was off for days. "
    "Sending the same again seldom helps; correct or remove these numbers in your file.",
    Status.REFUSED: "SMSPM did not take these rows; the error says why. Nothing was billed. "
    "Correct them in your file, and make a new campaign of them.",
    Status.UNKNOWN: "The request broke off, so they may have been texted. Look into the message "
    "log of your SMSPM account, and say below what became of them. Nothing is sent again by "
    "itself.",
    Status.UNCONFIRMED: "SMSPM accepted them and no final word came. A later one still counts.",
    Status.EXCLUDED: "They have a problem, and were never sent. Correct them in your file, and "
    "make a new campaign of them.",
}

#: Those first that a person can do something about.
_ORDER: Final = sorted(
    Status,
    key=lambda status: (
        *(status is not Status.UNKNOWN, status not in _ADVICE),
        status is Status.EXCLUDED,  # it was known before
    ),
)


class ResultsStep(Step):
    """The outcome in figures, rows and pictures, and its files."""

    title = "Results"

    def __init__(self, work: Work, notices: Notices, for_real: Callable[[], object]) -> None:
        self._work = work
        self._report = pd.DataFrame()
        self._asked_of: Campaign | None = None  # whose rows a question is about
        self._written: list[str] = []  # the files of the report
        self._rested = 0.0  # when the report may be read again by itself
        guarded = notices.guarded
        self._standing = Standing()
        self._figures = widgets.HTML()
        self.refresh = widgets.Button(description="Show the newest", icon="refresh")
        self.shown = widgets.Dropdown(description="Show")
        self._advice = widgets.HTML()
        self.rows = Window("Rows of the report", guarded)
        self.named = widgets.Text(description="Rows", placeholder="all of them, or such as 17, 23")
        self.sent = widgets.Button(description="They were sent")
        self.failed = widgets.Button(description="They were not delivered")
        self.resend = widgets.Button(description="They were not sent: plan again")
        self.confirm = Confirm(notices)
        self.chart = widgets.Dropdown(description="Chart", options=_CHARTS, value="funnel")
        self._picture = widgets.HTML()
        self.excel = widgets.Button(description="Excel workbook", icon="file-excel-o")
        self.page = widgets.Button(description="Web page", icon="file-text-o")
        self.csv = widgets.Button(description="CSV", icon="file-o")
        self.files = widgets.Output()
        self._deciding = widgets.HBox([self.named, self.sent, self.failed, self.resend])
        self.for_real = widgets.Button(description="Now for real: review it", icon="arrow-left")
        self.for_real.on_click(guarded(for_real))
        self.refresh.on_click(guarded(self.show))
        self.shown.observe(guarded(self._show_rows), names="value")
        self.chart.observe(guarded(self._show_chart), names="value")
        for button, action in (
            (self.sent, "sent"),
            (self.failed, "failed"),
            (self.resend, "resend"),
        ):
            button.on_click(guarded(self._asking(action)))
        for button, method, ending in (
            (self.excel, "to_excel", "xlsx"),
            (self.page, "to_html", "html"),
            (self.csv, "to_csv", "csv"),
        ):
            button.on_click(guarded(self._exporting(method, ending)))
        exporting = widgets.HBox([self.excel, self.page, self.csv, self.refresh, self.for_real])
        self._of_report = [
            *(self._standing, exporting, self.files, self.chart, self._picture),
            *(self.shown, self._advice, self.rows, self._deciding),
        ]
        standing, *others = self._of_report
        super().__init__([standing, self._figures, *others, self.confirm])

    def show(self) -> None:
        """Read the report again, and show all of it."""
        campaign = self._work.campaign
        if campaign is not self._asked_of:
            self._asked_of = campaign
            self._written, self.files.outputs, self.named.value = [], (), ""
            self.confirm.close_question()
        for widget in self._of_report:
            seen(widget, is_seen=campaign is not None)
        if campaign is None:
            self._figures.value = VIEWS.told("Nothing is sent yet: review it first.")
            return
        is_rehearsed = campaign.is_rehearsal and self._work.draft.is_written
        seen(self.for_real, is_seen=is_rehearsed and not self._work.is_given)
        begun = time.monotonic()
        self._report = campaign.report()
        self._standing.show(campaign.counts())
        self._show_figures()
        self._show_kinds()
        self._show_chart()
        took = time.monotonic() - begun
        self._rested = begun + took + max(_REST, _SHARE * took)

    def look(self) -> None:
        """Show the newest counts, and what costs more as often as it does not hold up the rest."""
        if time.monotonic() >= self._rested:
            self.show()
        elif self._work.campaign is not None:
            self._standing.show(self._work.campaign.counts())

    def _show_figures(self) -> None:
        summary = _first(summarize(self._report))
        expected, actual = money_of(summary)
        delivered = f"{summary['delivered']:,}"
        self._figures.value = VIEWS.figures(
            [
                ("Sent", f"{summary['sent']:,} of {summary['rows']:,} rows"),
                ("Delivered", ", ".join(filter(None, [delivered, rate_of(summary)]))),
                ("Cost", f"{_in_euros(actual)}; expected {_in_euros(expected)}"),
            ]
        )

    def _show_kinds(self) -> None:
        """Offer the rows by status."""
        counts = self._report[_STATUS].value_counts()
        kinds = [
            (f"{STATUS_TITLES[status]}: {counts[status]:,}", str(status))
            for status in _ORDER
            if counts.get(status, 0)
        ]
        before, top = self.shown.value, self.rows.top
        self.shown.options = kinds
        self.shown.value = before if before in dict(kinds).values() else kinds[0][1]
        self._show_rows(top if self.shown.value == before else 0)

    def _show_rows(self, top: int = 0) -> None:
        status = self.shown.value
        if status is None:
            return
        rows = self._report[self._report[_STATUS] == status]
        own = [name for name in rows.columns if name not in COLUMNS][:_SHOWN_COLUMNS]
        is_excluded = status == Status.EXCLUDED
        ours = [DETAIL] if is_excluded else ["sms_error", "sms_carrier", "sms_price"]
        self.rows.show(rows, [TO, *ours, *own], top=top)
        self._advice.value = VIEWS.told(_ADVICE.get(Status(status), ""))
        seen(self._deciding, is_seen=status == Status.UNKNOWN)

    def _asking(self, action: str) -> Callable[[], None]:
        """Ask once more before a person's word is taken down."""

        def ask() -> None:
            unknown = self._report.index[self._report[_STATUS] == Status.UNKNOWN].tolist()
            named = _labels(self.named.value, self._report)
            labels = named or unknown  # as they are seen now: nobody was asked of later ones
            which = f"rows {self.named.value}" if named else f"all {len(unknown):,} unknown rows"
            became = {
                "sent": "they were sent, and nobody is asked about them any more",
                "failed": "they were not delivered",
                "resend": "they were not sent, and the next send takes them. If you are wrong, "
                "these people get the message twice",
            }
            question = f"You say of {which}: {became[action]}."
            self.confirm.ask(question, "Yes, I looked it up", lambda: self._resolve(action, labels))

        return ask

    def _resolve(self, action: str, labels: list[Any]) -> None:
        assert self._work.campaign is not None  # noqa: S101 - the buttons are not seen without one
        call = Call(self._work.campaign.resolve_unknown, (action,), {"rows": labels})
        self._work.do(call)
        self.named.value = ""
        self.show()

    def _exporting(self, method: str, ending: str) -> Callable[[], None]:
        """Write a file beside the notebook, named after the campaign, and link to it."""

        def export() -> None:
            campaign = self._work.campaign
            if campaign is None:
                return
            names = names_for(f"{file_name_of(campaign.name)}-report.{ending}")
            path = next(each for each in names if each in self._written or not Path(each).exists())
            self._work.do(Call(getattr(campaign, method), (path,)))
            self._written = [*(other for other in self._written if other != path), path]
            self.files.outputs = ()
            for each in self._written:
                self.files.append_display_data(HTML(VIEWS.download(each)))  # type: ignore[no-untyped-call]

        return export

    def _show_chart(self) -> None:
        kind = self.chart.value
        if self._report.empty or not kind:
            self._picture.value = ""
            return
        chart = CHARTS[kind]
        table = chart.tabulate(self._report)
        png = base64.b64encode(chart.draw(table).png()).decode()
        self._picture.value = VIEWS.picture(png, chart.describe(table))


def _in_euros(amount: str) -> str:
    return f"{amount} EUR" if amount[:1].isdigit() else "not known"


def _first(table: pd.DataFrame) -> dict[str, Any]:
    return {str(name): value for name, value in table.to_dict("records")[0].items()}


def _labels(typed: str, report: pd.DataFrame) -> list[Any]:
    """Read the labels of rows as the report has them."""
    names = [name for name in re.split(r"[\s,;]+", typed.strip()) if name]
    return labels_of(report.index, names)
