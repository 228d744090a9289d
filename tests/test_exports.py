"""Files that people open: nothing in them runs, and nothing is lost."""

import datetime as dt
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import python_calamine as calamine

import smspm_campaigns as smspm
from smspm_campaigns.reporting.exports import Outcome, to_csv, to_excel, to_html

HOSTILE = [
    '=HYPERLINK("http://example.com","click")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",  # a full-width equals sign
    "http://example.com/evil",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
]
HARMLESS = ["+49 171 3920012", "-5", "-5,5", "Jõgeva", "李", "007", "3 < 5 & 6"]


@pytest.fixture
def outcome() -> Outcome:
    """A rehearsal whose cells are hostile, one row for each, half of them excluded."""
    cells = HOSTILE + HARMLESS
    half = [place % 2 == 0 for place in range(len(cells))]
    frame = pd.DataFrame(
        {
            "name": cells,
            "joined": pd.Timestamp("2026-05-01"),
            "points": range(len(cells)),
            "sms_to": "491713920012",
            "sms_country": "DE",
            "sms_segments": pd.array([1] * len(cells), dtype="Int64"),
            "sms_cost": 0.075,
            "sms_problem": ["missing_value" if odd else None for odd in half],
            "sms_detail": cells,
            "sms_status": ["excluded" if odd else "failed" for odd in half],
            "sms_error": cells,
            "sms_price": 0.075,
            "sms_sent_at": pd.Timestamp("2026-11-22 08:00", tz="UTC"),
        },
        index=pd.Index(range(2, len(cells) + 2), name="row"),
    )
    return Outcome("<b>spring</b>", is_rehearsal=True, report=frame)


def test_a_workbook_runs_nothing(outcome: Outcome, tmp_path: Path) -> None:
    """No cell from data is a formula or a link, and each reads as it was."""
    path = tmp_path / "report.xlsx"
    to_excel(outcome, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheets = [text for name, text in parts.items() if "worksheets/" in name]
    assert [text for text in sheets if re.search("<f[ >]|<hyperlink", text)] == []
    book = calamine.CalamineWorkbook.from_path(path)
    cells = {
        row[1]
        for sheet in ("Recipients", "Excluded")
        for row in book.get_sheet_by_name(sheet).to_python()[1:]
    }
    assert {str(cell).replace("\r", "\n") for cell in cells} == {
        text.replace("\r", "\n") for text in HOSTILE + HARMLESS
    }


def test_a_workbook_keeps_types(outcome: Outcome, tmp_path: Path) -> None:
    """Numbers to text stay text, counts are numbers, times are times in UTC."""
    path = tmp_path / "report.xlsx"
    to_excel(outcome, path)
    rows = calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("Recipients").to_python()
    first = dict(zip(rows[0], rows[1], strict=True))
    assert first["sms_to"] == "491713920012"
    assert first["points"] == 1.0
    assert first["sms_cost"] == 0.075
    assert first["sms_sent_at"] == dt.datetime(2026, 11, 22, 8, 0)  # noqa: DTZ001 - as Excel has it
    assert rows[0][:4] == ["row", "name", "joined", "points"]


def test_the_first_sheet_says_that_it_was_a_rehearsal(outcome: Outcome, tmp_path: Path) -> None:
    """Nobody takes a rehearsal for the real thing."""
    path = tmp_path / "report.xlsx"
    to_excel(outcome, path)
    summary = calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("Summary").to_python()
    assert summary[0] == ["Campaign", "<b>spring</b> (rehearsal: nothing was sent)"]
    assert ["Rows in the file", float(len(outcome.report))] in summary


def test_a_page_runs_nothing_and_needs_nothing(outcome: Outcome, tmp_path: Path) -> None:
    """Every cell is escaped, nothing is fetched, and scripts are forbidden besides."""
    path = tmp_path / "report.html"
    to_html(outcome, path)
    page = path.read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|img(?! src=\"data:)|b>|a |link|iframe)", page) == []
    assert re.findall(r"(?:src|href)=\"(?!data:)", page) == []
    assert "default-src 'none'" in page
    assert "nobody was texted" in page
    assert "491713920012" not in page
    assert "4917******12" in page


def test_a_file_of_commas_runs_nothing_and_comes_back(outcome: Outcome, tmp_path: Path) -> None:
    """What a spreadsheet would run gets an apostrophe; everything else comes back as it was."""
    path = tmp_path / "report.csv"
    to_csv(outcome, path)
    back = smspm.read_contacts(path)
    guarded = [cell for cell in HOSTILE if not cell.startswith(("http", "<"))]
    free = [cell for cell in HOSTILE + HARMLESS if cell not in guarded]
    expected = [f"'{cell}" if cell in guarded else cell for cell in HOSTILE + HARMLESS]
    assert len(free) == 10
    assert list(back["name"]) == expected
    assert list(back["row"]) == [str(row) for row in outcome.report.index]
    assert list(back["sms_to"].unique()) == ["491713920012"]
