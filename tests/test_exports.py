"""Files that people open: nothing in them runs, and nothing is lost."""

import datetime as dt
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

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
WRITERS = {"xlsx": to_excel, "html": to_html, "csv": to_csv}


def outcome_of(frame: pd.DataFrame) -> Outcome:
    """Wrap columns of a user in a report whose messages were all delivered."""
    ours: dict[str, Any] = {
        "sms_to": "491713920012",
        "sms_country": "DE",
        "sms_segments": 1,
        "sms_cost": 0.075,
        "sms_problem": None,
        "sms_status": "delivered",
        "sms_error": None,
        "sms_price": 0.075,
    }
    return Outcome("spring", is_rehearsal=False, pieces=[frame.assign(**ours)])


def recipients(path: Path) -> list[list[Any]]:
    return calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("Recipients").to_python()


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
    return Outcome("<b>spring</b>", is_rehearsal=True, pieces=[frame])


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


def test_shares_and_money_look_like_it(outcome: Outcome, tmp_path: Path) -> None:
    """A rate is a percentage and a cost has cents, though the cells hold the exact figures."""
    path = tmp_path / "report.xlsx"
    to_excel(outcome, path)
    with zipfile.ZipFile(path) as archive:
        styles = archive.read("xl/styles.xml").decode()
        countries = archive.read("xl/worksheets/sheet2.xml").decode()
    assert 'formatCode="0.0%"' in styles
    assert 'formatCode="#,##0.00##"' in styles
    columns = dict(re.findall(r'<col min="(\d+)"[^>]*style="(\d+)"', countries))
    header = (
        calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("By country").to_python()[0]
    )
    styled = [header[int(place) - 1] for place in columns]
    assert styled == ["delivery_rate", "rate_low", "rate_high", "expected_cost", "actual_cost"]


def test_the_first_sheet_says_that_it_was_a_rehearsal(outcome: Outcome, tmp_path: Path) -> None:
    """Nobody takes a rehearsal for the real thing."""
    path = tmp_path / "report.xlsx"
    to_excel(outcome, path)
    summary = calamine.CalamineWorkbook.from_path(path).get_sheet_by_name("Summary").to_python()
    assert summary[0] == ["Campaign", "<b>spring</b> (rehearsal: nothing was sent)"]
    assert ["Rows in the file", float(sum(map(len, outcome.pieces)))] in summary


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
    assert list(back["name"]) == [
        '\'=HYPERLINK("http://example.com","click")',
        "'+cmd|' /C calc'!A0",
        "'-2+3+cmd|' /C calc'!A0",
        "'@SUM(1+1)*cmd",
        "'\t'=1+1",
        "'\r'=1+1",
        "'\uff1d1+1",
        *HOSTILE[7:],
        *HARMLESS,
    ]
    assert list(back["row"]) == [str(row) for piece in outcome.pieces for row in piece.index]
    assert list(back["sms_to"].unique()) == ["491713920012"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("x;=1+1", "x;'=1+1"),  # Excel in German takes the semicolon for the end of a cell
        ("x;;=1+1;@A1", "x;;'=1+1;'@A1"),
        ("x; =1+1", "x;' =1+1"),
        ('x;"=1+1"', 'x;\'"=1+1"'),  # a quote at the beginning of a cell is not part of it
        ("x\t+1", "x\t'+1"),
        ("x\n-1", "x\n'-1"),
        ("x\r\n@A1", "x\r\n'@A1"),
        ("x;\uff1d1;\uff0b1;\uff0d1;\uff201", "x;'\uff1d1;'\uff0b1;'\uff0d1;'\uff201"),
        ("+49 171 3920012;=1", "'+49 171 3920012;'=1"),
        ("-5;-5", "'-5;'-5"),  # the whole is no number, as above
        ("a;b, c=d; e-mail", "a;b, c=d; e-mail"),
        ("+49 171 3920012", "+49 171 3920012"),
        ("-5,5", "-5,5"),
    ],
)
def test_a_cell_that_falls_apart_runs_nothing(cell: str, written: str, tmp_path: Path) -> None:
    """A formula behind what ends a cell somewhere in the world gets an apostrophe too."""
    path = tmp_path / "report.csv"
    to_csv(outcome_of(pd.DataFrame({"name": [cell]})), path)
    assert list(smspm.read_contacts(path)["name"]) == [written]


def test_a_header_runs_nothing(tmp_path: Path) -> None:
    """The name of a column comes from the file as well."""
    path = tmp_path / "report.csv"
    to_csv(outcome_of(pd.DataFrame({"=1+1": ["x"]})), path)
    assert list(smspm.read_contacts(path).columns)[:2] == ["index", "'=1+1"]


def test_an_index_may_be_named_like_a_column(tmp_path: Path) -> None:
    """A file with a column `row` comes back with it, and the index stands beside it."""
    frame = pd.DataFrame({"row": ["a", "b"]}, index=pd.Index([2, 3], name="row"))
    outcome = outcome_of(frame)
    to_csv(outcome, tmp_path / "report.csv")
    to_excel(outcome, tmp_path / "report.xlsx")
    back = smspm.read_contacts(tmp_path / "report.csv").iloc[:, :2]
    assert back.to_dict("list") == {"row (index)": ["2", "3"], "row": ["a", "b"]}
    sheet = recipients(tmp_path / "report.xlsx")
    assert [row[:2] for row in sheet] == [["row", "row"], [2.0, "a"], [3.0, "b"]]


def test_every_level_of_an_index_has_a_header_of_its_own(tmp_path: Path) -> None:
    """Levels named alike, like a column but for spaces, or not at all can be told apart."""
    index = pd.MultiIndex.from_tuples([("a", "b", "c")], names=["key", "key", None])
    frame = pd.DataFrame({" key": ["d"], "key (index)": ["e"], 0: [1]}, index=index)
    to_csv(outcome_of(frame), tmp_path / "report.csv")
    back = smspm.read_contacts(tmp_path / "report.csv").iloc[:, :6]
    assert back.to_dict("list") == {
        "key (index) (index)": ["a"],
        "key (index) (index) (index)": ["b"],
        "level_2": ["c"],
        "key": ["d"],
        "key (index)": ["e"],
        "0": ["1"],
    }


def test_columns_of_one_name_keep_their_cells(tmp_path: Path) -> None:
    """Two columns named alike are two columns in every file."""
    frame = pd.DataFrame([["a", "=b", 1]], columns=["x", "x", "x"], index=pd.Index([2], name="row"))
    outcome = outcome_of(frame)
    to_csv(outcome, tmp_path / "report.csv")
    to_excel(outcome, tmp_path / "report.xlsx")
    lines = (tmp_path / "report.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:4] for line in lines] == [
        ["row", "x", "x", "x"],
        ["2", "a", "'=b", "1"],
    ]
    sheet = recipients(tmp_path / "report.xlsx")
    assert [row[:4] for row in sheet] == [["row", "x", "x", "x"], [2.0, "a", "=b", 1.0]]


def test_a_whole_number_beside_a_gap_stays_whole(tmp_path: Path) -> None:
    """Cells of a mixed column are written one by one: no `.0` comes from a missing neighbour."""
    frame = pd.DataFrame({"points": pd.Series([7, None], dtype=object)})
    to_csv(outcome_of(frame), tmp_path / "report.csv")
    assert list(smspm.read_contacts(tmp_path / "report.csv")["points"]) == ["7", ""]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (999_999_999_999_999, 999_999_999_999_999.0),
        (1_000_000_000_000_001, "1000000000000001"),  # Excel has 15 digits
        (-(10**18), "-1000000000000000000"),
        (10**400, "1" + "0" * 400),  # no float can hold it
        (Decimal("1e400"), "1E+400"),
        (Decimal("0.5"), 0.5),
        (True, True),
        ("a\ud83d", "a\ufffd"),  # half an emoji, which no file can hold
    ],
)
def test_a_workbook_holds_every_value(value: object, cell: object, tmp_path: Path) -> None:
    """What Excel cannot hold as a number is text, digit for digit."""
    frame = pd.DataFrame({"value": pd.Series([value], dtype=object)})
    to_excel(outcome_of(frame), tmp_path / "report.xlsx")
    assert recipients(tmp_path / "report.xlsx")[1][1] == cell


@pytest.mark.parametrize("ending", WRITERS)
def test_half_an_emoji_stops_no_report(ending: str, tmp_path: Path) -> None:
    """A character that no file can hold is replaced, and the report is written."""
    half = pd.Index(["a\ud83d"], dtype=object)
    outcome = outcome_of(pd.DataFrame({"name": half}, index=half))
    for piece in outcome.pieces:
        piece["sms_status"] = "failed"
    WRITERS[ending](outcome, tmp_path / f"report.{ending}")
    assert [file.name for file in tmp_path.iterdir()] == [f"report.{ending}"]


@pytest.mark.parametrize("ending", WRITERS)
def test_a_report_that_is_open_elsewhere_stays_as_it_was(
    ending: str, outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to replace a file that Excel has open: one sentence, and nothing is lost."""

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self), 5, str(target))

    path = tmp_path / f"report.{ending}"
    path.write_text("yesterday")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError) as refused:
        WRITERS[ending](outcome, path)
    assert str(refused.value) == (
        f"{path} could not be written (Permission denied). Close it in Excel if it is open there, "
        "or choose another path."
    )
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        (path.name, "yesterday")
    ]


@pytest.mark.parametrize("ending", WRITERS)
def test_a_report_without_a_folder_is_a_sentence(
    ending: str, outcome: Outcome, tmp_path: Path
) -> None:
    """A folder that is not there is named, and none is made."""
    with pytest.raises(FileNotFoundError) as refused:
        WRITERS[ending](outcome, tmp_path / "nowhere" / f"report.{ending}")
    assert str(refused.value) == (
        f"There is no folder {tmp_path / 'nowhere'}. Make it, or choose another path."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WRITERS)
def test_a_folder_is_no_report(ending: str, outcome: Outcome, tmp_path: Path) -> None:
    """A path that is taken by something else than a file stays what it is."""
    with pytest.raises(OSError, match=r"could not be written \(it is no file\)\."):
        WRITERS[ending](outcome, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WRITERS)
def test_a_report_that_cannot_be_written_leaves_nothing(
    ending: str, outcome: Outcome, tmp_path: Path
) -> None:
    """Whatever the writer stumbles over is an OSError with a sentence; no draft is left."""
    with pytest.raises(OSError, match=r"could not be written \(File name too long\)\. Close it"):
        WRITERS[ending](outcome, tmp_path / f"{'x' * 300}.{ending}")
    assert list(tmp_path.iterdir()) == []
