"""A workbook that a manager opens: nothing in it runs, nothing is lost, and it can be read."""

import csv
import datetime as dt
import re
import shutil
import subprocess
import weakref
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
import python_calamine as calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.reporting import workbook_sheets
from smspm_campaigns.reporting.exports import Outcome
from smspm_campaigns.reporting.workbook import to_excel
from smspm_campaigns.vocabulary import Status

ReportOf = Callable[..., pd.DataFrame]

SMUGGLED = '<r><t>x</t></r></is></c><c r="ZZ9"><f>1+1</f></c><c><is><r><t>y</t></r>'
HOSTILE = [
    '=HYPERLINK("http://example.com","click")',
    "=1+1",
    "{=1+1}",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "=cmd|' /C calc'!A0",  # DDE
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",  # a full-width equals sign
    '"=1+1"',
    "  =1+1",
    "'=1+1",
    "http://example.com/evil",
    "mailto:a@example.com",
    "internal:Summary!A1",
    "file:///etc/passwd",
    "<script>alert(1)</script>",
    SMUGGLED,  # XlsxWriter takes a text like this for XML of its own
    "<r></r>",
    "]]></t><f>1+1</f>",
    "_x003D_1+1",  # how Excel escapes a character
    "+49 171 3920012",
    "007",
    "1e5",
    "TRUE",
    "#N/A",
    "2026-05-01",
    " a  b ",
    "Jõgeva 李 😀",
]
#: Characters that few files hold, and what is kept of them.
ODD = ["a\0b\x0b\x1f", "a\rb", "line\nline", "\x7f\x85\u2028", "\ufffe\uffff", "\ud83d"]
KEPT = [*ODD[:4], "\ufffd\ufffd", "\ufffd"]


def moment(*parts: int) -> dt.datetime:
    return dt.datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001 - a sheet has no zones


def export(path: Path, *pieces: pd.DataFrame, name: str = "spring", **more: Any) -> Path:
    to_excel(Outcome(name, is_rehearsal=False, pieces=iter(pieces)), path, **more)
    return path


def sheet(path: Path, title: str) -> list[list[Any]]:
    return calamine.CalamineWorkbook.from_path(path).get_sheet_by_name(title).to_python()


def column(path: Path, title: str, name: str) -> list[Any]:
    header, *rows = sheet(path, title)
    return [row[header.index(name)] for row in rows]


def parts(path: Path) -> dict[str, ET.Element]:
    """Return every part of a workbook; each is XML, or this raises."""
    with zipfile.ZipFile(path) as archive:
        return {name: ET.fromstring(archive.read(name)) for name in archive.namelist()}


def tags(root: ET.Element) -> set[str]:
    return {element.tag.rpartition("}")[2] for element in root.iter()}


@pytest.fixture
def hostile(report_of: ReportOf) -> pd.DataFrame:
    """A report in which everything that can come from a file is hostile; half is excluded."""
    cells = HOSTILE + ODD
    odd = [place % 2 == 1 for place in range(len(cells))]
    index = pd.Index(cells, name="=A1", dtype=object)
    frame = pd.DataFrame({SMUGGLED: cells, "=1+1": cells}, index=index, dtype=object)
    texts = pd.Series(cells, index=index, dtype=object)
    return report_of(
        frame,
        sms_text=texts,
        sms_error=texts,
        sms_carrier=["=1+1" if one else SMUGGLED for one in odd],
        sms_country=["=1+1" if one else None for one in odd],
        sms_detail=texts,
        sms_status=["failed" if one else "excluded" for one in odd],
        sms_problem=[None if one else "missing_value" for one in odd],
        sms_problems=[None if one else "missing_value too_long" for one in odd],
    )


def test_nothing_in_a_workbook_runs(hostile: pd.DataFrame, tmp_path: Path) -> None:
    """No formula, link, outside source or script; names and properties are ours or plain text."""
    path = export(tmp_path / "report.xlsx", hostile, name=f'=1+1&D"{SMUGGLED}\0')
    found = parts(path)
    cells = {name for name in found if name.startswith("xl/worksheets/sheet")}
    assert len(cells) == 8
    for name in cells:
        assert tags(found[name]) & {"f", "hyperlink", "hyperlinks", "oleObject", "control"} == set()
    relations = [
        element for name, root in found.items() if name.endswith(".rels") for element in root
    ]
    assert [element.attrib for element in relations if "TargetMode" in element.attrib] == []
    kinds = {element.attrib["Type"].rpartition("/")[2] for element in relations}
    assert kinds == {
        "chart", "core-properties", "drawing", "extended-properties", "officeDocument", "styles",
        "theme", "worksheet",
    }  # fmt: skip
    book = found["xl/workbook.xml"]
    defined = {
        element.attrib["name"] for element in book.iter() if element.tag.endswith("}definedName")
    }
    assert defined == {"_xlnm._FilterDatabase", "_xlnm.Print_Titles"}


def test_a_workbook_reads_as_the_report(hostile: pd.DataFrame, tmp_path: Path) -> None:
    """Another program finds every text as it was, but for characters that no file holds."""
    path = export(tmp_path / "report.xlsx", hostile)
    kept = [
        text.replace("\ud83d", "\ufffd").replace("\ufffe\uffff", "\ufffd\ufffd")
        for text in HOSTILE + ODD
    ]
    for title, first in (("Excluded", 0), ("Recipients", 1)):
        header = sheet(path, title)[0]
        assert header[0] == "=A1"
        for name in ("=A1", SMUGGLED, "=1+1", "sms_text"):
            assert column(path, title, name) == kept[first::2]
    assert column(path, "Excluded", "Explanation") == kept[::2]
    assert set(column(path, "Excluded", "Reason")) == {"Missing value, Too long"}


@pytest.mark.parametrize("dtype", ["str", object])
@pytest.mark.parametrize("text", [SMUGGLED, "<r></r>", "<r>x"])
def test_a_text_that_looks_like_xml_is_text(
    text: str, dtype: Any, report_of: ReportOf, tmp_path: Path
) -> None:
    """XlsxWriter writes a text from `<r>` to `</r>` as it is, formulas and all: ours never."""
    frame = pd.DataFrame({text: pd.Series([text, "x"], dtype=dtype)})
    path = export(tmp_path / "report.xlsx", report_of(frame), name=text)
    assert column(path, "Recipients", text) == [text, "x"]
    assert sheet(path, "Summary")[0][0] == text
    for name in ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"):
        assert "f" not in tags(parts(path)[name])


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_what_was_written(hostile: pd.DataFrame, tmp_path: Path) -> None:
    """A third program shows texts as they were, runs none, and reads times as they are."""
    at = pd.Timestamp("2026-11-22 08:00:00")
    hostile = hostile.assign(
        at=at,
        took=pd.Timedelta("36h"),
        whole=7,
        day=dt.date(2026, 11, 22),
        old=dt.date(1066, 1, 1),
        clock=pd.Series([dt.time(8, 30)] * len(hostile), index=hostile.index),
    )
    path = export(tmp_path / "report.xlsx", hostile)
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", form, "--outdir", tmp_path, path],
        check=True,
        capture_output=True,
        timeout=300,
    )
    with (tmp_path / "report-Recipients.csv").open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    shown = [dict(zip(header, row, strict=True)) for row in rows]
    texts = [row["sms_text"].replace("\r", "\n") for row in shown]
    assert texts == [text.replace("\r", "\n") for text in (HOSTILE + KEPT)[1::2]]
    assert {name: shown[0][name] for name in ("at", "took", "whole", "day", "old")} == {
        "at": "2026-11-22 08:00:00",
        "took": "36:00:00",
        "whole": "7",
        "day": "2026-11-22",
        "old": "1066-01-01",
    }
    assert shown[0]["clock"].startswith("08:30:00")  # and AM, where people write so
    assert {row["sms_sent_at (UTC)"] for row in shown} == {"2026-11-22 08:00:00"}
    assert {row["sms_to"] for row in shown} == {"491713920012"}


class Rude:
    """Something whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no")


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (999_999_999_999_999, 999_999_999_999_999.0),
        (1_000_000_000_000_001, "1000000000000001"),  # Excel has 15 digits
        (-(10**18), "-1000000000000000000"),
        pytest.param(10**5000, "1" + "0" * 5000, id="5,001 digits"),
        ([10**5000], "<list that cannot be shown>"),
        (Rude(), "<Rude that cannot be shown>"),
        (Decimal("1e400"), "1E+400"),  # no float can hold it
        (Decimal("0.1234567890123456"), "0.1234567890123456"),
        (Decimal("0.5"), 0.5),
        (Decimal("sNaN"), ""),
        (Decimal("Infinity"), "Infinity"),
        (float("nan"), ""),
        (float("inf"), "inf"),
        (np.float32(0.5), 0.5),
        (np.int8(-5), -5.0),
        (np.bool_(True), True),
        (False, False),
        (np.datetime64("NaT"), ""),
        (None, ""),
        (pd.NA, ""),
        (1j, "1j"),
        (b"=1", "b'=1'"),
        ({"a": [1]}, "{'a': [1]}"),
        (Status.FAILED, "failed"),
        (pd.Period("2026-05"), "2026-05"),
        (pd.Interval(0, 1), "(0, 1]"),
        (moment(2026, 5, 1, 8, 30), moment(2026, 5, 1, 8, 30)),
        (np.datetime64("2026-05-01T08:30"), moment(2026, 5, 1, 8, 30)),
        (moment(1900, 3, 1), dt.date(1900, 3, 1)),
        # Excel and LibreOffice count the days before differently
        (moment(1900, 2, 28), "1900-02-28 00:00:00"),
        (dt.date(1066, 10, 14), "1066-10-14"),
        (moment(9999, 12, 31, 23), moment(9999, 12, 31, 23)),
        (pd.Timestamp(np.datetime64("20000-01-01", "s")), "20000-01-01 00:00:00"),
        (pd.Timestamp("2026-05-01", tz=BERLIN), "2026-05-01 00:00:00+02:00"),
        (dt.date(2026, 5, 1), dt.date(2026, 5, 1)),
        (dt.time(8, 30), dt.time(8, 30)),
        (dt.time(8, 30, tzinfo=dt.UTC), "08:30:00+00:00"),
        (dt.timedelta(hours=36), dt.timedelta(hours=36)),
        (pd.Timedelta("90s"), dt.timedelta(seconds=90)),
        (dt.timedelta(hours=-1), "-1 day, 23:00:00"),  # Excel has no time before time
        ("a\ud83d", "a\ufffd"),  # half an emoji, which no file can hold
        ("", ""),
    ],
)
def test_a_workbook_holds_every_value(
    value: Any, cell: Any, report_of: ReportOf, tmp_path: Path
) -> None:
    """What Excel has no number or time for is text; the rest keeps its meaning."""
    values = pd.Series([None, "x"], dtype=object)
    values[0] = value
    path = export(tmp_path / "report.xlsx", report_of(pd.DataFrame({"value": values})))
    assert column(path, "Recipients", "value") == [cell, "x"]


@pytest.mark.parametrize(
    ("values", "header", "cells"),
    [
        (pd.array([1, None], "Int64"), "value", [1.0, ""]),
        (pd.array([True, None], "boolean"), "value", [True, ""]),
        (np.array([1, 10**16]), "value", [1.0, "10000000000000000"]),
        (np.array([2**64 - 1, 0], "uint64"), "value", ["18446744073709551615", 0.0]),
        (np.array([np.inf, 0.5]), "value", ["inf", 0.5]),
        (pd.Categorical(["a", None]), "value", ["a", ""]),
        (pd.array([1, None], "int64[pyarrow]"), "value", [1.0, ""]),
        (pd.array(["a", "="], "string[pyarrow]"), "value", ["a", "="]),
        (pd.arrays.SparseArray([0, 1]), "value", [0.0, 1.0]),
        (
            pd.DatetimeIndex(["2026-05-01 00:00", "NaT"]).tz_localize(BERLIN),
            "value (UTC)",
            [moment(2026, 4, 30, 22), ""],
        ),
        (pd.DatetimeIndex(["2026-05-01", "NaT"]), "value", [dt.date(2026, 5, 1), ""]),
        (
            np.array(["0001-01-01", "2026-05-01"], "M8[s]"),
            "value",
            ["0001-01-01 00:00:00", dt.date(2026, 5, 1)],
        ),
        (
            np.array([10**15, "NaT"], "M8[s]"),  # the year 31 million
            "value",
            [str(pd.Timestamp(np.datetime64(10**15, "s"))), ""],
        ),
        (pd.to_timedelta(["36h", None]), "value", [dt.timedelta(hours=36), ""]),
        (pd.to_timedelta(["-1s", "1s"]), "value", ["-1 days +23:59:59", dt.timedelta(seconds=1)]),
        (pd.period_range("2026-05", periods=2, freq="M"), "value", ["2026-05", "2026-06"]),
    ],
)
def test_a_workbook_holds_every_type_of_column(
    values: Any, header: str, cells: list[Any], report_of: ReportOf, tmp_path: Path
) -> None:
    """A column that is written at once reads as one that is written cell by cell."""
    path = export(tmp_path / "report.xlsx", report_of(pd.DataFrame({"value": values})))
    assert [_date(cell) for cell in column(path, "Recipients", header)] == cells


def _date(cell: Any) -> Any:
    """Take a day without hours for a date, whatever its format says."""
    midnight = isinstance(cell, dt.datetime) and cell.time() == dt.time()
    return cell.date() if midnight else cell


def test_pieces_of_other_types_make_one_column(report_of: ReportOf, tmp_path: Path) -> None:
    """How a cell is written does not depend on what else is in its piece."""
    at = pd.Timestamp("2026-05-01 08:30")
    pieces = [
        report_of(
            pd.DataFrame({"n": [1, 2], "at": [at, at], "zone": pd.to_datetime([at, at], utc=True)})
        ),
        report_of(
            pd.DataFrame(
                {"n": ["x", None], "at": ["soon", at], "zone": [at.tz_localize(BERLIN), None]}
            )
        ),
        report_of(pd.DataFrame({"n": [0.5, None], "at": [pd.NaT, at], "zone": ["later", at]})),
    ]
    path = export(tmp_path / "report.xlsx", *map(report_of, map(pd.DataFrame, pieces)))
    is_at = at.to_pydatetime()
    assert column(path, "Recipients", "n") == [1.0, 2.0, "x", "", 0.5, ""]
    assert column(path, "Recipients", "at") == [is_at, is_at, "soon", is_at, "", is_at]
    assert column(path, "Recipients", "zone (UTC)") == [
        is_at, is_at, moment(2026, 5, 1, 6, 30), "", "later", is_at,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "names", [["x", "x"], [1, None], [("a", "b"), 2.5], ["row", "=1"], ["", " "]]
)
def test_columns_may_have_any_names(names: list[Any], report_of: ReportOf, tmp_path: Path) -> None:
    """Numbers, nothing, tuples, twice the same, and that of the index."""
    frame = pd.DataFrame([["a", "b"]], index=pd.Index([2], name="row"))
    frame.columns = pd.Index(names, dtype=object)
    header, row = sheet(export(tmp_path / "report.xlsx", report_of(frame)), "Recipients")
    assert header[:3] == ["row", *map(str, names)]
    assert row[:3] == [2.0, "a", "b"]


def test_an_index_of_levels_is_written_level_by_level(report_of: ReportOf, tmp_path: Path) -> None:
    """Each level is a column, whatever it is called."""
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None])
    frame = report_of(pd.DataFrame({"x": ["c", "d"]}, index=index))
    rows = sheet(export(tmp_path / "report.xlsx", frame), "Recipients")
    assert [row[:3] for row in rows] == [["x", "level_1", "x"], ["a", 1.0, "c"], ["b", 2.0, "d"]]


def test_more_columns_than_excel_has_are_a_sentence(report_of: ReportOf, tmp_path: Path) -> None:
    """It says how many there are, and what else can be done; no file is left."""
    frame = report_of(pd.DataFrame(np.zeros((1, 16_366))))
    with pytest.raises(InvalidArgument) as refused:
        export(tmp_path / "report.xlsx", frame)
    assert str(refused.value) == (
        "The report has 16,385 columns with those of this package, and a sheet of Excel has "
        "16,384. Write a file of commas with to_csv(path), or create the campaign from fewer "
        "columns."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", ["excluded", "delivered"])
@pytest.mark.parametrize("rows", [0, 1])
def test_a_report_may_be_empty_or_all_excluded(
    rows: int, status: str, report_of: ReportOf, tmp_path: Path
) -> None:
    """Sheets without rows have their header, and the summary says 0."""
    problem = "duplicate" if status == "excluded" else None
    frame = report_of(
        pd.DataFrame({"name": ["x"] * rows}),
        sms_status=status,
        sms_problem=problem,
        sms_problems=problem,
    )
    path = export(tmp_path / "report.xlsx", frame)
    assert column(path, "Recipients", "name") == ["x"] * rows * (status == "delivered")
    assert column(path, "Excluded", "name") == ["x"] * rows * (status == "excluded")
    assert ["Rows in the file", float(rows)] in [row[:2] for row in sheet(path, "Summary")]


def test_rows_beyond_a_sheet_go_on_in_the_next(
    report_of: ReportOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sheet has a header and a filter, no row is lost, and the summary tells of it."""
    monkeypatch.setattr(workbook_sheets, "MAX_ROWS", 4)
    frame = report_of(pd.DataFrame({"n": range(12)}))
    frame.loc[[1, 3, 4, 8], ["sms_status", "sms_problem"]] = ["excluded", "duplicate"]
    path = export(tmp_path / "report.xlsx", frame.iloc[:7], frame.iloc[7:])
    names = calamine.CalamineWorkbook.from_path(path).sheet_names
    assert names[:3] == ["Summary", "Recipients", "Excluded"]
    assert column(path, "Recipients", "n") == [0, 2, 5]
    assert column(path, "Recipients 2", "n") == [6, 7, 9]
    assert column(path, "Recipients 3", "n") == [10, 11]
    assert column(path, "Excluded", "n") == [1, 3, 4]
    assert column(path, "Excluded 2", "n") == [8]
    filters = [root for root in parts(path).values() if "autoFilter" in tags(root)]
    assert len(filters) == len(names) - 1
    said = [row[0] for row in sheet(path, "Summary")]
    more = "rows are more than a sheet of Excel holds. They go on in"
    assert said[-2:] == [
        f"Recipients: 8 {more} Recipients 2, Recipients 3.",
        f"Excluded: 4 {more} Excluded 2.",
    ]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * 32_767, "x" * 32_767),
        ("x" * 32_768, "x" * 32_767),
        ("😀" * 16_384, "😀" * 16_383 + "\ufffd"),  # each is two to Excel; the last was cut in two
        ("=" * 40_000, "=" * 32_767),
    ],
    ids=["fits", "one too many", "emoji", "formula"],
)
def test_a_text_beyond_a_cell_is_cut_and_counted(
    text: str, kept: str, report_of: ReportOf, tmp_path: Path
) -> None:
    """The summary says how many texts were cut."""
    path = export(tmp_path / "report.xlsx", report_of(pd.DataFrame({"note": [text, "x", text]})))
    assert column(path, "Recipients", "note") == [kept, "x", kept]
    said = "2 texts were cut to the 32,767 characters that a cell of Excel holds."
    assert ([said] in [row[:1] for row in sheet(path, "Summary")]) == (text != kept)


def test_pieces_are_let_go(report_of: ReportOf, tmp_path: Path) -> None:
    """Of the pieces that were read, at most the last is still in memory."""
    seen: list[Any] = []
    alive = []

    def pieces() -> Iterator[pd.DataFrame]:
        for number in range(6):
            alive.append(sum(ref() is not None for ref in seen))
            piece = report_of(pd.DataFrame({"n": [number]}))
            seen.append(weakref.ref(piece))
            yield piece
            del piece

    to_excel(Outcome("spring", is_rehearsal=False, pieces=pieces()), tmp_path / "report.xlsx")
    assert max(alive) == 1


def test_the_first_sheet_answers(report_of: ReportOf, tmp_path: Path, clock: Any) -> None:
    """What it is, when it was made, what it cost, who did not get it, and why not."""
    frame = report_of(
        pd.DataFrame({"n": range(10)}),
        sms_status=["delivered"] * 6 + ["failed", "unknown", "excluded", "submitted"],
        sms_problem=[None] * 8 + ["opted_out", None],
        sms_problems=[None] * 8 + ["opted_out", None],
        sms_price=[0.08] * 7 + [None] * 3,
    )
    outcome = Outcome("spring", is_rehearsal=True, pieces=iter([frame]))
    path = tmp_path / "report.xlsx"
    to_excel(outcome, path, clock=clock)
    assert [[cell for cell in row if cell != ""] for row in sheet(path, "Summary")] == [
        ["spring"],
        ["A rehearsal on the simulator: nothing was sent."],
        ["Made 2025-06-15 15:06:40 UTC."],
        [],
        ["Figure", "Value", "Remark"],
        ["Rows in the file", 10.0],
        ["Accepted by SMSPM", 8.0],
        ["Delivered", 6.0],
        ["Delivery rate", 0.75, "95 % interval 40.9% to 92.9%, of accepted"],
        ["Failed at the carrier", 1.0],
        ["Still open", 1.0],
        ["Outcome unknown", 1.0],
        ["Excluded before sending", 1.0],
        ["Segments", 8.0],
        ["Expected cost (EUR)", pytest.approx(0.6)],
        ["Actual cost (EUR)", pytest.approx(0.56), "without 1 accepted that have no price yet"],
        [],
        ["Excluded because", "Rows"],
        ["Opted out", 1.0],
    ]


def test_charts_are_of_cells_and_told_in_words(report_of: ReportOf, tmp_path: Path) -> None:
    """Four charts with titles, names of axes and words for those who do not see them."""
    frame = report_of(
        pd.DataFrame({"n": range(3)}),
        sms_country=["DE", "DE", "EE"],
        sms_status=["delivered", "failed", "delivered"],
    )
    path = export(tmp_path / "report.xlsx", frame)
    found = parts(path)
    charts = [root for name, root in found.items() if name.startswith("xl/charts/chart")]
    titles = [
        [element.text for element in root.iter() if element.tag.endswith("}t")] for root in charts
    ]
    assert titles == [
        ["From the file to the phone", "Step", "Rows"],
        ["Statuses over time", "Time (UTC)", "Messages so far"],
        ["Delivery rate by country", "Country", "Delivered of accepted"],
        ["Cost expected against actual", "Country", "EUR"],
    ]
    words = [
        element.attrib["descr"]
        for element in found["xl/drawings/drawing1.xml"].iter()
        if "descr" in element.attrib
    ]
    which = "by country: the 2 with the most messages"
    assert words == [
        "Bars: rows in the file 3, accepted by SMSPM 3, delivered 2",
        "Lines over time: messages accepted, delivered and failed so far, in UTC",
        f"Bars: share of accepted messages delivered, {which}",
        f"Pairs of columns: expected and actual cost in EUR, {which}",
    ]
    ranges = [
        [element.text or "" for element in root.iter() if element.tag.endswith("}f")]
        for root in charts
    ]
    assert [[_cells(path, text) for text in of_chart] for of_chart in (ranges[0], *ranges[2:])] == [
        [["Rows in the file", "Accepted by SMSPM", "Delivered"], [3.0, 3.0, 2.0]],
        [["DE", "EE"], [0.5, 1.0]],
        [["DE", "EE"], [0.15, 0.075], ["DE", "EE"], [0.16, 0.08]],
    ]
    points = [_cells(path, text) for text in ranges[1]]
    assert [(len(cells), cells[-1]) for cells in points[1::2]] == [(30, 3.0), (30, 2.0), (30, 1.0)]


def _cells(path: Path, reference: str) -> list[Any]:
    """Return the cells of a range as a chart names it."""
    match = re.fullmatch(r"'?([^'!]+)'?!\$([A-Z])\$(\d+):\$\2\$(\d+)", reference)
    assert match is not None
    place, first, last = ord(match[2]) - ord("A"), int(match[3]), int(match[4])
    return [row[place] for row in sheet(path, match[1])[first - 1 : last]]


def _light(colour: str) -> float:
    """Return the relative luminance, as WCAG 2.2 defines it."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(
    "look", [*workbook_sheets.STATUS_LOOKS.values(), *workbook_sheets.LOOKS.values()]
)
def test_every_colour_can_be_read(look: dict[str, Any]) -> None:
    """Ink and paper have a contrast of 7:1 or more: WCAG 2.2, success criterion 1.4.6."""
    ink, paper = look.get("font_color", "#000000"), look.get("bg_color", "#ffffff")
    assert (_light(paper) + 0.05) / (_light(ink) + 0.05) >= 7


ANYTHING = st.one_of(
    st.text(max_size=12),
    st.text("<r>/=_x00F\0\t\r\n\ufffe\ud800", max_size=12),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.decimals(),
    st.complex_numbers(),
    st.binary(max_size=4),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.timedeltas(),
    st.lists(st.integers(), max_size=2),
)


NAMES = st.one_of(st.text("<r>=\0\ud800\uffff", max_size=6), st.integers(), st.none(), st.dates())


@given(rows=st.lists(st.tuples(ANYTHING, ANYTHING), max_size=8), name=NAMES, label=NAMES)
@settings(deadline=None, max_examples=25)
def test_no_cell_stops_a_workbook(
    rows: list[tuple[Any, Any]],
    name: Any,
    label: Any,
    report_of: ReportOf,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whatever cells, a name and the index hold, each row is there, and all parts are XML."""
    frame = pd.DataFrame({0: [row[0] for row in rows], 1: [row[1] for row in rows]}, dtype=object)
    frame.columns = pd.Index([name, "=1"], dtype=object)
    frame.index = pd.Index([label] * len(rows), dtype=object)
    path = export(tmp_path_factory.mktemp("report") / "report.xlsx", report_of(frame))
    for root in parts(path).values():
        assert "hyperlink" not in tags(root)
    assert len(sheet(path, "Recipients")) == len(rows) + 1
