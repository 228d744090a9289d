"""The page of a report: it answers, it runs nothing, and it is read on a phone and on paper."""

import gc
import html
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from smspm_campaigns.reporting.exports import Outcome
from smspm_campaigns.reporting.page import to_html
from smspm_campaigns.vocabulary import Problem, Status

#: Cells of a file, and how they are seen.
HOSTILE = [
    ("<script>window.ran = 1</script>", "<script>window.ran = 1</script>"),
    ("<img src=x onerror='window.ran=1'>", "<img src=x onerror='window.ran=1'>"),
    ("javascript:window.ran=1", "javascript:window.ran=1"),
    ('<a href="javascript:window.ran=1">x</a>', '<a href="javascript:window.ran=1">x</a>'),
    ('"></td></tr></table><h1>Paid', '"></td></tr></table><h1>Paid'),
    ('" onload="window.ran=1', '" onload="window.ran=1'),
    ("{{ 7 * 7 }}{% raw %}", "{{ 7 * 7 }}{% raw %}"),
    ("</style><style>*{display:none}", "</style><style>*{display:none}"),
    ("&lt;b&gt; &amp;", "&lt;b&gt; &amp;"),
    ("<!-- ", "<!--"),
    ("evil\u202egpj.exe", "evilU+202Egpj.exe"),
    ("\u2066a\u2069\u200f", "U+2066aU+2069U+200F"),
    ("two\r\nlines\x00", "twoU+000D linesU+0000"),
    ("\u0645\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627"),
    ("w" * 500, "w" * 59 + "…"),
    ("+49 171 3920012", "+4917******12"),
]
HALF = ("a\ud83d", "aU+D83D")  # half of an emoji: of the user's own cells alone


def made(rows: list[dict[str, Any]], labels: list[Any] | None = None) -> pd.DataFrame:
    """Make a report: each row is delivered for 0.05 EUR, unless it says otherwise."""
    sent = pd.Timestamp("2026-11-22 08:00", tz="UTC").as_unit("us")
    usual = {
        "sms_to": "491713920012",
        "sms_country": "DE",
        "sms_segments": 1,
        "sms_cost": 0.05,
        "sms_problem": None,
        "sms_status": Status.DELIVERED,
        "sms_error": None,
        "sms_price": 0.05,
        "sms_carrier": "Telia",
        "sms_sent_at": sent,
        "sms_updated_at": sent + pd.Timedelta(seconds=3),
    }
    labels = list(range(2, len(rows) + 2)) if labels is None else labels
    index = pd.Index(labels, dtype=object, name="row", tupleize_cols=False)
    frame = pd.DataFrame([{**usual, **row} for row in rows], columns=list(usual), index=index)
    times = "datetime64[us, UTC]"
    money = {"sms_cost": "float64", "sms_price": "float64", "sms_segments": "Int64"}
    return frame.astype({**money, "sms_sent_at": times, "sms_updated_at": times})


def written(
    folder: Path, *pieces: pd.DataFrame, name: str = "spring", is_rehearsal: bool = False
) -> Path:
    path = folder / "report.html"
    to_html(Outcome(name, is_rehearsal, iter(pieces)), path)
    return path


def answers(path: Path) -> list[tuple[str, list[str]]]:
    """Return the answers of the first screen."""
    found = re.findall(
        r"<strong>(.*?)</strong>\s*<ul>(.*?)</ul>", path.read_text(encoding="utf-8"), re.DOTALL
    )
    return [(answer, re.findall(r"<li>(.*?)</li>", more)) for answer, more in found]


def table(path: Path, title: str) -> list[list[str]]:
    """Return the cells of a table; nothing when it is not in the page."""
    text = path.read_text(encoding="utf-8")
    _, _, after = text.partition(f"<h2>{title}</h2>")
    rows = re.findall(r"<tr>(.*?)</tr>", after.partition("</table>")[0], re.DOTALL)
    cells = [re.findall(r"<bdi>(.*?)</bdi>", row) for row in rows[1:]]
    return [[html.unescape(cell) for cell in row] for row in cells]


FAILED = {"sms_status": Status.FAILED}
UNKNOWN = {"sms_status": Status.UNKNOWN, "sms_price": np.nan}
EXCLUDED = {"sms_status": Status.EXCLUDED, "sms_problem": Problem.DUPLICATE}
QUEUED = {"sms_status": Status.QUEUED, "sms_price": np.nan}


@pytest.mark.parametrize(
    ("rows", "cost", "lost"),
    [
        (
            [{}, {}],
            ("0.10 EUR", ["for 2 accepted messages of 2 segments",
                          "0.10 EUR was expected; the bill is the same"]),
            ("Nobody", ["2 delivered, 100.0% of the accepted (95% interval 34.2% to 100.0%)"]),
        ),
        (
            [{"sms_price": 0.08}, FAILED, EXCLUDED],
            ("0.13 EUR", ["for 2 accepted messages of 2 segments",
                          "0.10 EUR was expected; the bill is 0.03 EUR higher"]),
            ("2 of 3 rows", ["1 failed at the carrier", "1 excluded before sending",
                             "1 delivered, 50.0% of the accepted (95% interval 9.5% to 90.5%)"]),
        ),
        (
            [{"sms_price": 0.048}, QUEUED, {"sms_cost": np.nan}, UNKNOWN],
            ("0.10 EUR", ["for 3 accepted messages of 3 segments",
                          "without 1 message whose price is not known: track asks for it",
                          "1 row of unknown outcome may be billed besides",
                          ("0.10 EUR was expected (without 1 message); where both are known, the "
                          "bill is 0.0020 EUR lower")]),
            ("2 of 4 rows", ["1 outcome unknown: may have been sent", "1 accepted, still open",
                             "2 delivered, 66.7% of the accepted (95% interval 20.8% to 93.9%)"]),
        ),
        (
            [{**QUEUED, "sms_cost": np.nan}],
            ("Not known", ["for 1 accepted message of 1 segment",
                           "its price is not known: track asks for it"]),
            ("1 of 1 row", ["1 accepted, still open",
                             "0 delivered, 0.0% of the accepted (95% interval 0.0% to 79.3%)"]),
        ),
        (
            [QUEUED] * 2,
            ("Not known", ["for 2 accepted messages of 2 segments",
                           "their prices are not known: track asks for them",
                           "0.10 EUR was expected"]),
            ("2 of 2 rows", ["2 accepted, still open",
                             "0 delivered, 0.0% of the accepted (95% interval 0.0% to 65.8%)"]),
        ),
        (
            [UNKNOWN, {"sms_status": Status.REFUSED}, {"sms_status": Status.PLANNED}],
            ("Nothing", ["No message was accepted",
                         "1 row of unknown outcome may be billed besides"]),
            ("3 of 3 rows", ["1 refused by SMSPM", "1 outcome unknown: may have been sent",
                             "1 not sent yet"]),
        ),
        ([], ("Nothing", ["No message was accepted"]), ("Nobody", [])),
    ],
    ids=["delivered", "failed", "partly known", "unpriced", "all unpriced", "nothing accepted",
         "empty"],
)  # fmt: skip
def test_the_first_screen_answers(rows: Any, cost: Any, lost: Any, tmp_path: Path) -> None:
    """What did it cost, who did not get it, and what is not known of either."""
    assert answers(written(tmp_path, made(rows))) == [cost, lost]


@pytest.mark.parametrize(
    ("price", "cost", "cell"),
    [
        (0.625, "0.63 EUR", "+0.13 (+25.0%)"),
        (0.375, "0.38 EUR", "-0.13 (-25.0%)"),
        (1.005, "1.01 EUR", "+0.51 (+101.0%)"),
        (2.675, "2.68 EUR", "+2.18 (+435.0%)"),
    ],
)
def test_half_a_cent_is_a_cent_as_in_excel(
    price: float, cost: str, cell: str, tmp_path: Path
) -> None:
    """The page and the workbook of one report show one bill."""
    path = written(tmp_path, made([{"sms_price": price, "sms_cost": 0.5}]))
    assert answers(path)[0][0] == cost
    assert table(path, "Estimate against bill")[0][-2:] == [cost.removesuffix(" EUR"), cell]


def test_a_rehearsal_says_so_on_top(tmp_path: Path) -> None:
    """Nobody takes a rehearsal for the real thing, nor the real thing for a rehearsal."""
    rehearsal = written(tmp_path, made([{}]), is_rehearsal=True).read_text(encoding="utf-8")
    real = written(tmp_path, made([{}])).read_text(encoding="utf-8")
    assert rehearsal.index("nobody was texted, and nothing was paid") < rehearsal.index("EUR")
    assert "rehearsal: nothing was sent" in rehearsal
    assert "nobody was texted" not in real


def test_times_are_those_of_utc(tmp_path: Path) -> None:
    """The last change is told, with its zone."""
    text = written(tmp_path, made([{}])).read_text(encoding="utf-8")
    assert "As known at 2026-11-22 08:00:03 UTC. All times are UTC." in text


def test_rows_to_look_at_are_the_most_urgent_ones(tmp_path: Path) -> None:
    """What is not known comes first; numbers are masked; 200 rows are listed of whichever piece."""
    pieces = [made([{}, FAILED] * 250), made([UNKNOWN] * 3, labels=["x", ("a", 1), np.nan])]
    path = written(tmp_path, *pieces)
    rows = table(path, "Rows to look at")
    said = ["4917******12", "DE", "Telia", "Outcome unknown", ""]
    assert rows[:3] == [["x", *said], ["('a', 1)", *said], ["", *said]]
    assert rows[3] == ["3", "4917******12", "DE", "Telia", "Failed at the carrier", ""]
    assert len(rows) == 200
    assert "491713920012" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("491713920012", "4917******12"),
        ("+49 171 3920012", "+49 *********12"),
        ("\u202e\n<b>x</b>12", "U+202E <b******12"),
        ("4" * 500, "4444" + "*" * 55 + "…"),
    ],
)
def test_a_number_is_never_whole(number: str, shown: str, tmp_path: Path) -> None:
    """A number is masked, in one line, bounded, and steers nothing."""
    path = written(tmp_path, made([{**FAILED, "sms_to": number}]))
    assert table(path, "Rows to look at")[0][1] == shown


def test_more_rows_than_are_listed_are_told(tmp_path: Path) -> None:
    """The page says how many rows there are to look at, and where they are."""
    path = written(tmp_path, made([FAILED] * 1_234))
    assert len(table(path, "Rows to look at")) == 200
    text = path.read_text(encoding="utf-8")
    assert "The first 200 of 1,234. The workbook has all of them." in text


def test_a_table_of_the_page_has_an_end(tmp_path: Path) -> None:
    """However many countries and carriers there are, two hundred are listed, and it is said."""
    rows = [{**FAILED, "sms_country": f"C{n}", "sms_carrier": f"N{n}"} for n in range(300)]
    path = written(tmp_path, made(rows))
    titles = ("By country", "Estimate against bill", "Failures by carrier and country")
    assert [len(table(path, title)) for title in titles] == [200, 200, 200]
    assert path.read_text(encoding="utf-8").count("The first 200 of 300.") == 4


def test_the_tables_of_a_page(tmp_path: Path) -> None:
    """Each table has its figures, and what is missing in them is told."""
    report = made(
        [
            {"sms_price": 0.04},
            {"sms_price": np.nan},
            {**FAILED, "sms_country": "EE", "sms_carrier": None, "sms_cost": np.nan},
            {**EXCLUDED, "sms_country": None},
        ]
    )
    path = written(tmp_path, report)
    assert table(path, "By country") == [
        ["DE", "2", "2", "2", "100.0% (34.2% to 100.0%)", "0.10", "0.04 (without 1)"],
        ["EE", "1", "1", "0", "0.0% (0.0% to 79.3%)", "not known", "0.05"],
        ["no number", "1", "0", "0", "", "", ""],
    ]
    assert table(path, "Estimate against bill") == [
        ["DE", "Telia", "2", "2", "0.10", "0.04 (without 1)", "-0.01 (-20.0%)"],
        ["EE", "not known", "1", "1", "not known", "0.05", ""],
    ]
    assert table(path, "Time to delivery") == [
        ["all", "2", "3.0 s", "3.0 s"],
        ["DE", "2", "3.0 s", "3.0 s"],
    ]
    assert table(path, "Failures by carrier and country") == [
        ["not known", "EE", "1", "1", "0", "0", "0", "100.0%"]
    ]
    assert table(path, "Excluded before sending") == [["Duplicate", "1"]]


def test_a_page_is_the_same_however_the_report_is_cut(tmp_path: Path) -> None:
    """Pieces of any size make one page, byte for byte."""
    report = made([{}, FAILED, UNKNOWN, EXCLUDED, QUEUED] * 20)
    whole = written(tmp_path, report).read_bytes()
    cut = written(tmp_path, *(report[start : start + 7] for start in range(0, 100, 7))).read_bytes()
    assert whole == cut


def test_a_page_holds_one_piece_at_a_time(tmp_path: Path) -> None:
    """A report of any size is read piece by piece, and each is let go before the next."""
    held = []

    def pieces() -> Iterator[pd.DataFrame]:
        for _ in range(3):
            piece = made([{}, FAILED, UNKNOWN])
            seen = weakref.ref(piece)
            yield piece
            del piece
            gc.collect()
            held.append(seen() is not None)

    to_html(Outcome("spring", is_rehearsal=False, pieces=pieces()), tmp_path / "report.html")
    assert held == [False] * 3


def test_a_page_needs_nothing(tmp_path: Path) -> None:
    """It has no script and no link, fetches nothing, and forbids scripts besides."""
    rows = [{**FAILED, "sms_carrier": cell, "sms_error": cell} for cell, _ in HOSTILE]
    text = written(tmp_path, made(rows), name="<b>spring</b>").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|img src=\"(?!data:)|b>|a |link|iframe)", text) == []
    assert re.findall(r"(?:src|href)=\"(?!data:image/png)", text) == []
    assert "default-src 'none'" in text


def test_every_chart_has_its_words(tmp_path: Path) -> None:
    """Four pictures, each with an alternative text that tells its figures."""
    text = written(tmp_path, made([{}, FAILED])).read_text(encoding="utf-8")
    assert re.findall(r'<img [^>]*alt="([^"]*)"', text) == [
        "Bars: in the file 2, accepted 2, delivered 1.",
        (
            "Lines over time: from 2026-11-22 08:00:00 UTC on, after 3.0 seconds: 2 accepted, "
            "1 delivered, 1 failed."
        ),
        "Delivery rate by country, with its 95% interval: DE 50.0% (9.5% to 90.5%) of 2.",
        "Expected and actual cost by country, in EUR: DE 0.10 and 0.10.",
    ]


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page in which every cell, name and label from a file is hostile."""
    cells = [cell for cell, _ in HOSTILE]
    rows = [
        {"sms_to": cell, "sms_country": cell, "sms_carrier": cell, "sms_error": cell, **status}
        for cell in cells
        for status in (FAILED, UNKNOWN, {})
    ]
    labels = [label for cell in [*cells[1:], HALF[0]] for label in (cell, cell, cell)]
    folder = tmp_path_factory.mktemp("page")
    return written(folder, made(rows, labels=labels), name=f"{cells[0]}{HALF[0]}{cells[4]}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_runs_nothing(browser: Browser, hostile_page: Path, scheme: Any) -> None:
    """In a browser every hostile cell is a text, no script runs, and nothing is asked for."""
    heard: list[str] = []
    with browser.new_context(offline=True, color_scheme=scheme) as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: heard.append(dialog.message))
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        page.on("popup", lambda popup: heard.append(popup.url))
        page.goto(hostile_page.as_uri(), wait_until="networkidle")
        assert heard == [hostile_page.as_uri()]
        assert page.evaluate("window.ran") is None
        names = "script, a, iframe, form, link, object, embed, svg, h1 *:not(bdi)"
        assert page.locator(names).count() == 0
        words = page.locator("img").evaluate_all("all => all.map(img => img.alt)")
        assert [text[-1] for text in words] == ["."] * 4  # no quote of a name has ended them
        assert page.locator("h1, style").count() == 2
        assert page.title() == (
            '<script>window.ran = 1</script>aU+D83D"></td></tr></table><h1>Paid'
        )
        seen = set(page.locator("td").all_inner_texts())
        assert {shown for _, shown in [*HOSTILE, HALF]} - seen == set()
        attributes = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        assert [name for name in page.evaluate(attributes) if name.startswith("on")] == []


def overflowing(page: Page, where: str) -> list[str]:
    """Return the texts of what stands out of the screen on the right."""
    found: list[str] = page.evaluate(
        "where => [...document.querySelectorAll(where)].filter(e => "
        "e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".map(e => e.textContent.slice(0, 80))",
        where,
    )
    return found


@pytest.mark.parametrize("width", [360, 1000])
def test_a_page_fits_the_screen(browser: Browser, hostile_page: Path, width: int) -> None:
    """Nothing stands out of a phone or a window; a wide table scrolls by itself."""
    with browser.new_context(viewport={"width": width, "height": 740}) as context:
        page = context.new_page()
        page.goto(hostile_page.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert overflowing(page, "body *:not(.wide *)") == []


@pytest.mark.parametrize("width", [360, 1000])
def test_both_answers_are_on_the_first_screen(browser: Browser, tmp_path: Path, width: int) -> None:
    """Nobody has to scroll to know what it cost and who did not get it."""
    path = written(tmp_path, made([{}, FAILED, EXCLUDED]), is_rehearsal=True)
    with browser.new_context(viewport={"width": width, "height": 740}) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        boxes = [answer.bounding_box() for answer in page.locator(".answer").all()]
        assert len(boxes) == 2
        assert all(box and box["y"] + box["height"] <= 740 for box in boxes)


def test_a_page_prints_on_a4(browser: Browser, hostile_page: Path) -> None:
    """Paper is A4 by itself, and all of the page is on it."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(hostile_page.as_uri())
        printed = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 688, "height": 1000})  # 182 mm: A4 without its margins
        assert overflowing(page, "body *") == []
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert {(round(float(wide)), round(float(high))) for wide, high in sizes} == {(595, 842)}
