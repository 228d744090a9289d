"""Whatever a file holds is shown and does nothing; whatever its size, a screenful is shown."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
import pytest
import xlsxwriter
from panels import TEXT, click, everything, go, html, is_seen, made, quick, send, tree, words

import smspm_campaigns as smspm
from smspm_campaigns.panel import tables
from smspm_campaigns.panel.editor import Editor
from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.tables import Window
from smspm_campaigns.panel.views import VIEWS

HOSTILE = [
    "<script>evil()</script>",
    "<img src=x onerror=evil()>",
    "\"'><svg onload=evil()>",
    "{{7*7}}",
    "</p></table><x-evil>",
    "\u202egnirts\u202c\x1b[2J\x00\u200b",
    "&lt;script&gt;",
]
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f]")


class Tags(HTMLParser):
    """Collects what a browser would make of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.evil: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_evil = tag in ("script", "svg", "iframe", "x-evil")
        is_evil |= tag == "img" and given.get("class") != "smspm-picture"
        if is_evil or any(name.startswith("on") or "evil" in name for name in given):
            self.evil.append(self.get_starttag_text() or tag)


def check(panel: Any) -> None:
    """Look through every widget of a panel."""
    for piece in html(panel):
        tags = Tags()
        tags.feed(piece)
        assert tags.evil == []
        assert not STEERING.search(piece)
        assert "&amp;amp;" not in piece  # escaped once


@pytest.fixture
def hostile(desk: Path) -> pd.DataFrame:
    """A frame whose names, labels and cells want to do something."""
    count = len(HOSTILE)
    numbers = [f"+49 171 39200{n}" for n in range(12, 12 + count)]
    columns = {"phone": [*numbers[:-2], *HOSTILE[:2]], "name": HOSTILE}
    columns |= {f"{mark} {n}": HOSTILE for n, mark in enumerate(HOSTILE)}
    return pd.DataFrame(columns, index=pd.Index(HOSTILE, name=HOSTILE[0]))


def test_a_hostile_frame_does_nothing_in_any_step(hostile: pd.DataFrame, desk: Path) -> None:
    """Cells, names of columns, labels, errors, the name of the campaign and its report."""
    panel: Any = smspm.CampaignPanel(hostile, client=quick())
    check(panel)
    for _, kind in panel.audience.shown.options:
        panel.audience.shown.value = kind
        check(panel)
    go(panel, "message")
    panel.message.editor.value = "".join(f"{{{{ {p} }}}}" for _, p in panel.message.editor.columns)
    check(panel)
    assert "{{7*7}}" in words(panel.message._phones)
    for text in (*HOSTILE, "{{ <script>evil()</script> }}", "{{ name }}… \u202e STOP"):
        panel.message.editor.value = text
        check(panel)
    go(panel, "review")
    panel.show_code.value = True
    panel.review.name.value = HOSTILE[1]
    panel.review.sender.value = HOSTILE[0]
    click(panel.review.send)
    click(panel.review.confirm.yes)  # the sender is refused, in words
    assert "alert" in panel._notices.value
    check(panel)
    panel.review.sender.value = "SMSPM.com"
    panel.review.number.value = HOSTILE[2]
    click(panel.review.test)
    check(panel)
    panel.review._bounds.limit.value = HOSTILE[0]
    click(panel.review.send)
    check(panel)
    panel.review._bounds.limit.value = ""
    panel.review.name.value = HOSTILE[2]
    send(panel)
    check(panel)
    panel.sending.opted_out.value = HOSTILE[0]
    panel.sending.suppress.click()
    check(panel)
    go(panel, "results")
    for _, kind in panel.results.shown.options:
        panel.results.shown.value = kind
        check(panel)
    panel.results.named.value = HOSTILE[1]
    panel.results.sent.click()
    check(panel)
    for _, kind in panel.results.chart.options:
        panel.results.chart.value = kind
        check(panel)
    for button in (panel.results.excel, panel.results.page, panel.results.csv):
        click(button)
    check(panel)
    assert len(panel.results.files.outputs) == 3
    again: Any = smspm.CampaignPanel(client=quick())
    again.campaign.value = HOSTILE[2]
    check(again)


def test_hostile_names_of_files_and_sheets_do_nothing(desk: Path) -> None:
    """Nor do errors that quote them."""
    book, text = "<img src=x onerror=evil()>.xlsx", "'><svg onload=evil()>\u202e.csv"
    with xlsxwriter.Workbook(desk / book) as made_book:
        for sheet in ("<svg onload=evil()>", "{{7x7}}\u202e"):
            made_book.add_worksheet(sheet).write_column(0, 0, ["phone", HOSTILE[0]])
    (desk / text).write_bytes(b"phone\n\xff\xfe<script>evil()</script>\n")
    panel: Any = smspm.CampaignPanel(client=quick())
    panel.show_code.value = True
    for name in (book, text):
        panel.audience.file.list.value = name
        check(panel)
        for _, sheet in panel.audience.sheet.options:
            panel.audience.sheet.value = sheet
            check(panel)
        panel.audience.opt_outs.list.value = (name,)
        check(panel)
        panel.message.prices.list.value = name
        check(panel)


@pytest.mark.parametrize("mark", HOSTILE)
def test_each_view_escapes_what_it_is_given(mark: str) -> None:
    """Every macro, in every place of it; signs that steer are written by their codes."""
    of_data = [
        VIEWS.notices(mark, [mark]),
        VIEWS.banner(is_rehearsal=True, told=mark),
        VIEWS.heading(mark),
        VIEWS.told(mark),
        VIEWS.figures([("Messages", mark)]),
        VIEWS.table("Rows", [mark], [[mark, mark]]),
        VIEWS.phones([(mark, [[(mark, True)], [(mark, False)]], "", ""), (mark, [], "", mark)]),
    ]
    of_ours = [
        VIEWS.figures([(mark, "")]),
        VIEWS.table(mark, [], []),
        VIEWS.phones([("", [], mark, "")]),
        VIEWS.statuses([(mark, mark, 1)]),
        VIEWS.picture("", mark),
        VIEWS.code(mark),
    ]
    for piece in (*of_data, *of_ours):
        tags = Tags()
        tags.feed(piece)
        assert tags.evil == []
    assert not STEERING.search("".join(of_data))


# --- labels -------------------------------------------------------------------------------------

OPERATED = (
    *(widgets.Button, widgets.Dropdown, widgets.Text, widgets.Combobox, widgets.Checkbox),
    *(widgets.SelectMultiple, widgets.FileUpload, widgets.RadioButtons, widgets.ToggleButton),
)


def test_whatever_is_operated_says_what_it_is(desk: Path) -> None:
    """In each step, with and without a file, before and after a send: no nameless button."""
    (desk / "a.csv").write_text(
        "phone;name\n+49 171 3920012;Ana…\n+49 171 3920013;Bo\n", encoding="utf-8"
    )
    panel: Any = smspm.CampaignPanel(client=quick())
    seen = names_in_each_step(panel)
    panel.audience.file.list.value = "a.csv"
    seen |= names_in_each_step(panel)
    panel.message.editor.value = TEXT
    seen |= names_in_each_step(panel)
    go(panel, "review")
    click(panel.review.send)
    seen |= names(panel)
    send(panel)
    seen |= names_in_each_step(panel)
    assert seen >= {
        *("Contacts", "Upload contacts", "1 Audience", "More ▶", "No, go back", "Excel workbook"),
        *("Write plain ones", "Rehearse 2 messages", "Yes: Rehearse 2 messages", "Campaign"),
        "Text of the message",
    }


def names_in_each_step(panel: Any) -> set[str]:
    seen: set[str] = set()
    for step in ("audience", "message", "review", "sending", "results"):
        go(panel, step)
        seen |= names(panel)
    return seen


def names(panel: Any) -> set[str]:
    """What can be operated now, by the words on it."""
    shown = [widget for widget in tree(panel) if is_shown(panel, widget)]
    found = {widget.description for widget in shown if isinstance(widget, OPERATED)}
    found |= {widget.label for widget in shown if isinstance(widget, Editor)}
    assert "" not in found
    return found


def is_shown(panel: Any, widget: Any) -> bool:
    """Tell whether nothing that holds a widget is out of sight."""

    def within(parent: Any) -> bool:
        if not is_seen(parent):
            return False
        return parent is widget or any(map(within, getattr(parent, "children", ())))

    return within(panel)


# --- windows ------------------------------------------------------------------------------------


def test_a_window_shows_ten_rows_and_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred thousand rows, each click writes ten, and it stops at both ends."""
    written: list[object] = []
    shown = tables._shown

    def counted(cell: object) -> str:
        written.append(cell)
        return shown(cell)

    monkeypatch.setattr(tables, "_shown", counted)
    window = Window("Rows", Notices(lambda: None).guarded)
    frame = pd.DataFrame(
        {
            "a": range(100_000),
            "long": pd.Categorical.from_codes([0] * 100_000, pd.Index(["x" * 10_000])),
        }
    )
    window.show(frame, ["a", "long"])
    places = []
    for turn in (None, window.onward, window.onward, window.back, window.back, window.back):
        written.clear()
        if turn is not None:
            turn.click()
            assert len(written) == 3 + 10 * 3
        places.append((words(window._place), window.back.disabled, window.onward.disabled))
        assert len(window._table.value) < 5_000
    assert places == [
        ("1 to 10 of 100,000", True, False),
        ("11 to 20 of 100,000", False, False),
        ("21 to 30 of 100,000", False, False),
        ("11 to 20 of 100,000", False, False),
        ("1 to 10 of 100,000", True, False),
        ("1 to 10 of 100,000", True, False),
    ]
    window.show(frame.tail(13), ["a"])
    window.onward.click()
    assert (words(window._place), window.onward.disabled) == ("11 to 13 of 13", True)
    window.onward.click()
    assert words(window._place) == "13 to 13 of 13"
    window.show(frame.head(0), ["a"])
    assert (words(window._place), window.back.disabled, window.onward.disabled) == (
        *("none", True, True),
    )


def test_a_large_campaign_makes_no_widget_large(desk: Path) -> None:
    """A hundred thousand people: no value has more than some kilobytes, in any step."""
    count = 100_000
    frame = pd.DataFrame(
        {
            "sms_to": [f"49171{n:07}" for n in range(count)],
            "sms_text": [f"Hi {n}! STOP" for n in range(count)],
            "sms_segments": pd.array([1] * count, dtype="Int64"),
            "sms_problem": pd.Series([None] * count, dtype="str"),
            "name": "x" * 500,
        }
    )
    panel = made(frame, "")
    for step in ("audience", "message", "review"):
        go(panel, step)
        for widget in everything(panel):
            for trait in ("value", "options"):
                assert len(repr(getattr(widget, trait, ""))) < 30_000
    assert panel.review.send.description == "Rehearse 100,000 messages"
    panel.results._report = pd.concat([frame.assign(sms_status="unknown", sms_error="e" * 300,
        sms_carrier="", sms_price=0.1)])  # fmt: skip
    panel.results._show_kinds()
    panel.results.rows.onward.click()
    assert len(panel.results.rows._table.value) < 30_000
