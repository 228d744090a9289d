"""The panel as people meet it: in JupyterLab, in Chromium, from a file to a delivery report."""

import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pandas as pd
import pytest
import python_calamine as calamine
import xlsxwriter
from lab import PATIENCE, Notebook, Server, serving, write
from looks import faults, nameless
from playwright.sync_api import Browser, Locator, Page

import smspm_campaigns as smspm
from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.preview_views import in_a_line
from smspm_campaigns.gateway.simulator import Simulator, running
from smspm_campaigns.vocabulary import STATUS_TITLES, Status

SAMPLES: Final = Path(__file__).parents[1] / "sample_data"
PANEL: Final = "import smspm_campaigns as smspm\nsmspm.CampaignPanel(ledger='ledger.sqlite')"
_SHOWN: Final = [
    *("sms_to", "sms_carrier", "sms_price"),
    *("first_name", "last_name", "phone", "country", "shop", "points"),
]
EXCLUDED: Final = STATUS_TITLES[Status.EXCLUDED]


class Accepted(list[dict[str, object]]):
    """What the gateway took; who waits for more of it is woken."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def extend(self, entries: Iterable[dict[str, object]]) -> None:
        with self._changed:
            super().extend(entries)
            self._changed.notify_all()

    def wait_for_more(self, count: int = 1) -> None:
        """Wait until so many more are taken."""
        with self._changed:
            least = len(self) + count
            assert self._changed.wait_for(lambda: len(self) >= least, PATIENCE)

    @property
    def numbers(self) -> list[str]:
        return [str(entry["toNumber"]) for entry in self]


class Gateway:
    """The API on the loopback: what it took, and how long it keeps who asked waiting."""

    def __init__(self) -> None:
        self.accepted = Accepted()
        self.latency = 0.0
        self.simulator = Simulator(
            accepted=self.accepted,
            latency=lambda: self.latency,
            submit_after=0,
            final_after=0,
            spread=0,
        )


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture(scope="module")
def server(
    browser: Browser, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """JupyterLab, with an account of that gateway in its environment."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "my notebooks"
    folder.mkdir()
    with running(gateway.simulator) as url:
        account = {"HASH": "simulated-hash", "TOKEN": "simulated-token", "BASE_URL": url}
        env = {f"SMSPM_{name}": value for name, value in account.items()}
        with serving(folder, home / "jupyter", env=env) as found:
            yield found


class Panel:
    """A panel in a notebook, and what a person sees and does there."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook

    @property
    def page(self) -> Page:
        return self.notebook.page

    @property
    def shown(self) -> Locator:
        return self.page.locator(".smspm-panel")

    @property
    def banner(self) -> str:
        return self.shown.locator(".smspm-banner").inner_text()

    @property
    def legend(self) -> dict[str, int]:
        """The counts by status, as the page tells them."""
        items = [
            item.rsplit(": ", 1) for item in self.shown.get_by_role("listitem").all_inner_texts()
        ]
        return {title: int(count.replace(",", "")) for title, count in items}

    def button(self, name: str) -> Locator:
        return self.shown.get_by_role("button", name=name)

    def press(self, name: str) -> None:
        self.button(name).click()

    def see(self, text: str) -> None:
        """Wait until a text stands there, letter by letter."""
        script = "text => document.querySelector('.smspm-panel').innerText.includes(text)"
        self.page.wait_for_function(script, arg=text)

    def choose(self, label: str, option: str) -> None:
        self.shown.get_by_label(label, exact=True).select_option(option)

    def fill(self, label: str, text: str) -> None:
        self.shown.get_by_label(label, exact=True).fill(text)
        self.shown.get_by_label(label, exact=True).press("Tab")

    def table(self, name: str) -> list[list[str]]:
        """What a table shows, row by row."""
        rows = self.shown.get_by_role("region", name=name).locator("tbody tr").all()
        return [row.locator("th, td").all_inner_texts() for row in rows]


@contextmanager
def opened(
    browser: Browser, server: Server, folder: Path, *cells: str, files: Iterable[Path] = ()
) -> Iterator[Panel]:
    """Show the panel of a notebook that lies in a folder of its own, beside these files."""
    place = server.folder / folder.name
    place.mkdir()
    for file in files:
        shutil.copy(file, place)
    write(place / "campaign.ipynb", *(cells or [PANEL]))
    name, size = f"{folder.name}/campaign.ipynb", {"width": 1300, "height": 2400}
    with Notebook.open(browser, server, name, viewport=size) as notebook:
        panel = Panel(notebook)
        try:
            notebook.run(0)
            panel.shown.wait_for()
            yield panel
        except Exception as error:
            notebook.page.screenshot(path=folder / "error.png")
            error.add_note(f"The page showed: {notebook.page.locator('body').inner_text()}")
            raise


def in_a_line_of(cell: object) -> str:
    """Write a cell as a table of the page does."""
    return in_a_line(as_text(cell), 200)


def titled(counts: "pd.Series[int]") -> dict[str, int]:
    """Name the statuses as the page does."""
    found = {title: int(counts.get(status, 0)) for status, title in STATUS_TITLES.items()}
    return {title: count for title, count in found.items() if count}


def test_from_a_file_to_a_report(  # noqa: PLR0915 - one journey
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    """A person who writes no code sends a campaign, and hands on what became of everybody."""
    cell = PANEL.replace(")", ", client=smspm.Client.simulated(failure_rate=0.05))")
    prices = SAMPLES / "prices.csv"
    with opened(browser, server, tmp_path, cell, files=[prices]) as panel:
        notebook = panel.notebook
        panel.see("Choose the file of your contacts")
        notebook.upload(panel.button("Upload contacts"), SAMPLES / "spring_sale.xlsx")
        panel.see("588 of 632 rows can be texted; 44 cannot.")
        notebook.upload(panel.button("Upload opt-outs"), SAMPLES / "opted_out.csv")
        panel.see("579 of 632 rows can be texted; 53 cannot.")
        panel.choose("Show", "Opted out: 9")
        panel.see("1 to 9 of 9")

        panel.press("Next: Message")
        area = panel.shown.get_by_label("Text of the message")
        area.press_sequentially("Hi , it’s spring: -20% at ")
        panel.press("shop")
        area.press_sequentially(" until Sunday. Reply STOP to opt out.")
        area.press("Home")
        for _ in "Hi ":
            area.press("ArrowRight")
        panel.press("first_name")
        assert area.input_value() == (
            "Hi {{ first_name }}, it’s spring: -20% at {{ shop }} until Sunday. "
            "Reply STOP to opt out."
        )
        panel.see("2 segments, UCS-2, 75 units")
        phone = panel.shown.locator(".phone").first
        assert phone.locator("mark").all_inner_texts() == ["’"]
        assert phone.locator(".bubble").inner_text() == (
            "Hi Jörg, it’s spring: -20% at Würzburg until Sunday. Reply STOP to ┆opt out."
        )
        panel.choose("Prices", "prices.csv")
        panel.see("about 56.57 EUR")
        panel.press("Write plain ones: saves 571 segments")
        panel.see("1 segment, GSM-7, 75 units")
        panel.see("about 28.47 EUR")

        panel.press("Next: Review")
        panel.fill("Name", "spring sale")
        panel.fill("Own number", "+49 171 3920012")
        panel.press("Rehearse a test")
        panel.see("Rehearsed: 1 segment to 4917******12. Nobody was texted.")
        panel.press("Rehearse 575 messages, about 28.47 EUR")
        panel.see("A rehearsal on the simulator: 575 messages, about 28.47 EUR, from 'SMSPM.com'")
        panel.press("Yes: Rehearse 575 messages, about 28.47 EUR")
        panel.see("Campaign 'spring sale'")
        panel.see("It has ended.")
        panel.press("Next: Results")
        panel.see("26.01 EUR; expected 28.47 EUR")
        panel.choose("Show", "Failed at the carrier: 25")
        panel.see("The carrier said no")
        panel.choose("Chart", "Delivery rates by country")
        panel.shown.get_by_role("img", name="Delivery rate by country").wait_for()
        panel.press("Excel workbook")
        path = notebook.download(panel.shown.get_by_role("link"), tmp_path)

        ledger = server.folder / tmp_path.name / "ledger.sqlite"
        campaign = smspm.Campaign.open("spring sale", ledger=ledger)
        counts = {"Delivered": 550, "Failed at the carrier": 25, EXCLUDED: 57}
        assert (titled(campaign.counts()), panel.legend) == (counts, counts)
        report = campaign.report()
        failed = report[report["sms_status"] == "failed"].head(10)
        assert panel.table("Rows of the report") == [
            list(map(in_a_line_of, [row, to, "", *cells]))
            for row, to, *cells in failed[_SHOWN].itertuples()
        ]
        book = calamine.CalamineWorkbook.from_path(path)
        header, *rows = book.get_sheet_by_name("Recipients").to_python()
        columns = ["sms_to", "sms_status", "sms_id", "sms_text", "first_name", "shop"]
        exported = pd.DataFrame(rows, columns=header)[columns]
        sent = report[report["sms_status"] != "excluded"]
        assert exported.to_numpy().tolist() == sent[columns].to_numpy().tolist()
        assert {where: what for where, what in faults_of_steps(panel).items() if what} == {}
        assert (notebook.errors, notebook.alerts, notebook.strangers) == ([], [], [])


def faults_of_steps(panel: Panel) -> dict[tuple[str, int, str], list[str]]:
    """Look at every step, in both themes, on a phone and on a wide screen."""
    found = {}
    for theme in ("dark", "light"):
        panel.notebook.set_theme(dark=theme == "dark")
        for title in ("Audience", "Message", "Review", "Send", "Results"):
            panel.shown.locator(".smspm-stepper").get_by_text(title).click()
            panel.shown.locator(".smspm-stepper .mod-info", has_text=title).wait_for()
            for width in (480, 1600):
                panel.notebook.resize(width, 2400)
                found[title, width, theme] = faults(panel.shown)
    return found


def people(path: Path, numbers: Iterable[int]) -> Path:
    """Write a file of people, one for each of these endings of numbers that are nobody's."""
    lines = [f"Ana{ending};+49 171 392{ending:04}" for ending in numbers]
    path.write_text("\n".join(["name;phone", *lines]), encoding="utf-8")
    return path


def test_a_campaign_outlives_its_page_and_its_kernel(  # noqa: PLR0915 - one journey
    browser: Browser, server: Server, gateway: Gateway, tmp_path: Path
) -> None:
    """Whatever becomes of tab and kernel, the panel goes on, and nobody is texted twice."""
    file = people(tmp_path / "spring.csv", range(12, 92))
    ledger = server.folder / tmp_path.name / "ledger.sqlite"
    accepted = gateway.accepted
    with opened(browser, server, tmp_path, files=[file]) as panel:
        notebook = panel.notebook
        panel.choose("Contacts", "spring.csv")
        panel.see("80 of 80 rows can be texted; 0 cannot.")
        panel.press("Next: Message")
        text = "Hi {{ name }}, -20% until Sunday. Reply STOP to opt out."
        panel.shown.get_by_label("Text of the message").fill(text)
        panel.see("Hi Ana12, -20%")

        notebook.reload()  # nothing was saved
        assert panel.shown.count() == 0
        notebook.run(0)
        panel.see("The draft that was begun in this folder is here again.")
        notebook.restart_kernel()
        notebook.run(0)
        panel.see("The draft that was begun in this folder is here again.")
        panel.see("80 of 80 rows can be texted; 0 cannot.")
        panel.press("2 Message")
        panel.see("Hi Ana12, -20%")
        assert panel.shown.get_by_label("Text of the message").input_value() == text

        assert panel.banner == "REHEARSAL On the simulator: nobody is texted, and nothing is spent."
        panel.shown.get_by_label("Real account").check()
        panel.see("REAL ACCOUNT")
        assert panel.banner == "REAL ACCOUNT People are texted, and every message costs money."
        assert faults(panel.shown) == []
        panel.press("Next: Review")
        panel.press("Send 80 messages")
        panel.see("Each goes to a person's phone, and cannot be taken back.")
        panel.press("No, go back")
        panel.button("Yes: Send 80 messages").wait_for(state="hidden")
        panel.press("Send 80 messages")
        assert (gateway.simulator.requests, accepted) == (0, [])
        panel.press("Yes: Send 80 messages")
        panel.see("Sending: ")

        notebook.reload()  # nothing was saved
        accepted.wait_for_more()
        assert panel.shown.count() == 0
        notebook.run(0)
        panel.see("The campaign 'spring' is not done, so it is open here.")
        panel.see("Sending: ")
        notebook.save()
        notebook.reopen()
        accepted.wait_for_more()
        panel.press("Pause")
        panel.see("It is paused.")
        assert panel.legend == titled(smspm.Campaign.open("spring", ledger=ledger).counts())
        assert faults(panel.shown) == []
        panel.press("Resume")
        accepted.wait_for_more()
        panel.see("You may close this page")

        notebook.restart_kernel()
        notebook.run(0)
        panel.see("The campaign 'spring' is not done, so it is open here.")
        panel.press("Go on: send")
        panel.press("Yes: ")
        accepted.wait_for_more()
        gateway.latency = 20.0
        accepted.wait_for_more()
        notebook.kill_kernel()
        gateway.latency = 0.0
        notebook.run(0)
        panel.see("The campaign 'spring' is not done, so it is open here.")
        panel.press("Go on: send")
        panel.press("Yes: ")
        accepted.wait_for_more()
        panel.press("Stop")
        panel.see("It was stopped. Nothing is lost.")
        panel.press("Cancel")
        panel.press("Yes: cancel")
        panel.see("Cancelled")
        panel.press("Next: Results")
        panel.see("the program stopped before the reply was recorded")
        panel.press("They were sent")
        panel.press("Yes, I looked it up")
        panel.see("Given to the carrier")
        report = smspm.Campaign.open("spring", ledger=ledger).report()
        assert titled(report["sms_status"].value_counts()) == panel.legend
        became = report.set_index("sms_to")["sms_status"]
        assert sorted(accepted.numbers) == sorted(became.index[became != "cancelled"])
        assert (len(became), set(became)) == (80, {"queued", "submitted", "cancelled"})
        assert (notebook.alerts, notebook.strangers) == ([], [])


#: What strangers may write into a file; it must be seen, and do nothing.
HOSTILE: Final = (
    "<script>alert('a cell')</script>",
    "<img src=x onerror=alert('picture')>",
    "<img src='http://stranger.example/x.png'>",
    "\"'></td></table></style></textarea><svg onload=alert('svg')>",
    "{{ 7 * 7 }}{% raw %}",
    "$\\href{javascript:alert('tex')}{x}$ <a href='javascript:alert(1)'>x</a>",
)
FILE_NAME: Final = "<img src=x onerror=alert('file')>.xlsx"
SHEET_NAME: Final = "<img src=x onerror=alert(1)>"
HEADER: Final = "<b onclick=alert(2)>name</b>"


def hostile_book(folder: Path) -> Path:
    """Write a workbook in which every name and cell is hostile."""
    path = folder / FILE_NAME
    with xlsxwriter.Workbook(
        path, {"strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        for name in (SHEET_NAME, "other"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, [HEADER, "phone", "</style><script>alert(3)</script>"])
            for row, cell in enumerate(HOSTILE):
                sheet.write_row(row + 1, 0, [cell, f"+49 171 39200{row + 12}", cell])
            sheet.write_row(len(HOSTILE) + 1, 0, ["x", HOSTILE[1], "x"])
    return path


def test_what_strangers_wrote_runs_nowhere(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    """Names of files, sheets, columns and campaigns, and cells, are texts in every step."""
    alarm = f"import ipywidgets\nipywidgets.HTML({HOSTILE[1] + HOSTILE[2]!r})"
    with opened(browser, server, tmp_path, PANEL, alarm) as panel:
        notebook = panel.notebook
        panel.press("Show the code")
        notebook.upload(panel.button("Upload contacts"), hostile_book(tmp_path))
        panel.see("6 of 7 rows can be texted; 1 cannot.")
        panel.choose("Sheet", SHEET_NAME)
        panel.see(f"sheet={SHEET_NAME!r}")
        seen = {cell for row in panel.table("Rows of the audience") for cell in row}
        assert set(HOSTILE) - seen == set()
        panel.press("Next: Message")
        panel.shown.get_by_label("Text of the message").fill(HOSTILE[0] + HOSTILE[1] + " {{ b")
        panel.see("{{ b")
        panel.shown.get_by_label("Text of the message").fill("".join(HOSTILE[:4]) + " STOP ")
        panel.press(HEADER)
        panel.see(f"STOP {HOSTILE[0]}")
        assert panel.shown.locator(".bubble").first.inner_text().replace("┆", "") == "".join(
            [*HOSTILE[:4], " STOP ", HOSTILE[0]]
        )
        panel.press("Next: Review")
        panel.fill("Name", HOSTILE[1])
        panel.press("Rehearse 6 messages")
        panel.see(f"as {HOSTILE[1]!r}")
        panel.press("Yes: Rehearse 6 messages")
        panel.see(f"Campaign {HOSTILE[1]!r}")
        panel.see("It has ended.")
        panel.press("Next: Results")
        panel.choose("Show", "Delivered: 6")
        panel.see("1 to 6 of 6")
        seen = {cell for row in panel.table("Rows of the report") for cell in row}
        assert set(HOSTILE) - seen == set()
        for button in ("Excel workbook", "Web page", "CSV"):
            panel.press(button)
        panel.see("report.csv")
        assert panel.shown.locator("script, svg, a[href*=javascript], img[src=x]").count() == 0
        assert (notebook.errors, notebook.alerts, notebook.strangers) == ([], [], [])

        page, stranger = notebook.page, "http://stranger.example/x.png"
        with page.expect_event("dialog"), page.expect_request(stranger):
            notebook.run(1)  # so it would have been heard
        assert notebook.alerts == ["picture"]
        assert notebook.strangers == [stranger]


def test_no_mouse_is_needed(browser: Browser, server: Server, tmp_path: Path) -> None:
    """From the first Tab to a sent rehearsal by keys, each of which does one thing only."""
    file = people(tmp_path / "spring.csv", range(12, 15))
    with opened(browser, server, tmp_path, files=[file]) as panel:
        notebook, keys = panel.notebook, panel.page.keyboard

        def tab_to(wanted: Locator) -> None:
            for _ in range(60):
                keys.press("Tab")
                if wanted.evaluate("e => e === document.activeElement"):
                    assert wanted.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
                    return
            raise AssertionError(f"No Tab leads to {wanted}.")

        def named(label: str) -> Locator:
            return panel.shown.get_by_label(label, exact=True)

        tab_to(named("Contacts"))
        keys.type("spring")
        panel.see("3 of 3 rows can be texted; 0 cannot.")
        tab_to(panel.button("Next: Message"))
        assert nameless(panel.shown) == []
        keys.press("Enter")
        tab_to(named("Text of the message"))
        keys.type("dd ab mz xx: hello ")
        tab_to(panel.button("name"))
        keys.press("b")
        keys.press("Enter")
        keys.type(", STOP")
        panel.see("dd ab mz xx: hello Ana12, STOP")
        assert named("Text of the message").input_value() == "dd ab mz xx: hello {{ name }}, STOP"
        tab_to(panel.button("Next: Review"))
        assert nameless(panel.shown) == []
        keys.press("Space")
        panel.button("Rehearse 3 messages").wait_for()
        tab_to(named("Name"))
        keys.press("Control+a")
        keys.type("dd bam")
        tab_to(panel.button("Rehearse 3 messages"))
        assert nameless(panel.shown) == []
        keys.press("a")
        keys.press("Enter")
        panel.see("as 'dd bam'")
        tab_to(panel.button("Yes: Rehearse 3 messages"))
        keys.press("Enter")
        panel.see("Campaign 'dd bam'")
        panel.see("Delivered: 3")
        assert panel.legend == {"Delivered": 3}
        assert nameless(panel.shown) == []
        assert notebook.wait_for("panel.content.widgets.map(cell => cell.model.type)") == ["code"]
        assert (notebook.errors, notebook.alerts, notebook.strangers) == ([], [], [])
