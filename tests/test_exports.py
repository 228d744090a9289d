"""Files that people open: nothing in them runs, and nothing is lost."""

import csv
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import smspm_campaigns as smspm
from smspm_campaigns.clock import Clock
from smspm_campaigns.exceptions import CampaignConflict, InvalidArgument, LedgerError
from smspm_campaigns.reporting.exports import Outcome, target_of, to_csv
from smspm_campaigns.reporting.page import to_html
from smspm_campaigns.reporting.workbook import to_excel
from smspm_campaigns.vocabulary import OUTCOME_COLUMNS

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
HARMLESS = ["+49 171 3920012", "-5", "-0", "-5,5", "'tis", "Jõgeva", "李", "007", "3 < 5 & 6"]
WRITERS: dict[str, Callable[[Outcome, Path], None]] = {
    "xlsx": to_excel,
    "html": to_html,
    "csv": to_csv,
}
ReportOf = Callable[..., pd.DataFrame]


def outcome_of(*pieces: pd.DataFrame) -> Outcome:
    return Outcome("spring", is_rehearsal=False, pieces=iter(pieces))


@pytest.fixture
def report(report_of: ReportOf) -> pd.DataFrame:
    """A report whose cells are hostile, one row for each."""
    cells = HOSTILE + HARMLESS
    frame = pd.DataFrame({"name": cells}, index=pd.RangeIndex(2, len(cells) + 2, name="row"))
    return report_of(frame, sms_error=cells)


def test_a_file_of_commas_runs_nothing_and_comes_back(report: pd.DataFrame, tmp_path: Path) -> None:
    """What a spreadsheet would run gets an apostrophe, and `read_contacts` takes it away."""
    path = tmp_path / "report.csv"
    to_csv(outcome_of(report), path)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        assert [row["name"] for row in csv.DictReader(lines)] == [
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
    back = smspm.read_contacts(path)
    assert list(back["name"]) == HOSTILE + HARMLESS
    assert list(back["row"]) == [str(row) for row in report.index]
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
        ("  +49 171 3920012", "  +49 171 3920012"),
        (" =1+1", "' =1+1"),  # blanks and quotes may be skipped at the beginning too
        ('"=1+1"', '\'"=1+1"'),
        ("\u00a0@A1", "'\u00a0@A1"),
        ("a\0b", "a\ufffdb"),  # NUL makes a text file none
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
    to_csv(outcome_of(frame), tmp_path / "report.csv")
    back = smspm.read_contacts(tmp_path / "report.csv").iloc[:, :2]
    assert back.to_dict("list") == {"row (index)": ["2", "3"], "row": ["a", "b"]}


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
    to_csv(outcome_of(frame), tmp_path / "report.csv")
    lines = (tmp_path / "report.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:4] for line in lines] == [
        ["row", "x", "x", "x"],
        ["2", "a", "'=b", "1"],
    ]


def test_a_whole_number_beside_a_gap_stays_whole(tmp_path: Path) -> None:
    """Cells of a mixed column are written one by one: no `.0` comes from a missing neighbour."""
    frame = pd.DataFrame({"points": pd.Series([7, None], dtype=object)})
    to_csv(outcome_of(frame), tmp_path / "report.csv")
    assert list(smspm.read_contacts(tmp_path / "report.csv")["points"]) == ["7", ""]


@pytest.mark.parametrize("ending", WRITERS)
def test_half_an_emoji_stops_no_report(ending: str, report_of: ReportOf, tmp_path: Path) -> None:
    """A character that no file can hold is replaced, and the report is written."""
    half = pd.Index(["a\ud83d"], dtype=object)
    report = report_of(pd.DataFrame({"name": half}, index=half), sms_status="failed")
    WRITERS[ending](outcome_of(report), tmp_path / f"report.{ending}")
    assert [file.name for file in tmp_path.iterdir()] == [f"report.{ending}"]


@pytest.mark.parametrize("ending", WRITERS)
def test_a_report_that_is_open_elsewhere_stays_as_it_was(
    ending: str, report: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to replace a file that Excel has open: one sentence, and nothing is lost."""

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self), 5, str(target))

    path = tmp_path / f"report.{ending}"
    path.write_text("yesterday")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError) as refused:
        WRITERS[ending](outcome_of(report), path)
    assert str(refused.value) == (
        f"{path} could not be written (Permission denied). Close it in Excel if it is open there, "
        "or choose another path."
    )
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        (path.name, "yesterday")
    ]


@pytest.mark.parametrize("ending", WRITERS)
def test_a_report_without_a_folder_is_a_sentence(
    ending: str, report: pd.DataFrame, tmp_path: Path
) -> None:
    """A folder that is not there is named, and none is made."""
    with pytest.raises(FileNotFoundError) as refused:
        WRITERS[ending](outcome_of(report), tmp_path / "nowhere" / f"report.{ending}")
    assert str(refused.value) == (
        f"There is no folder {tmp_path / 'nowhere'}. Make it, or choose another path."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WRITERS)
def test_a_folder_is_no_report(ending: str, report: pd.DataFrame, tmp_path: Path) -> None:
    """A folder stays what it is, and nobody is sent to Excel for it."""
    with pytest.raises(IsADirectoryError) as refused:
        WRITERS[ending](outcome_of(report), tmp_path)
    assert str(refused.value) == f"{tmp_path} is a folder. Name a file in it."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Unix has devices among its files")
@pytest.mark.parametrize("ending", WRITERS)
def test_a_device_is_no_report(ending: str, report: pd.DataFrame) -> None:
    """What is no file cannot be replaced by one."""
    with pytest.raises(FileExistsError) as refused:
        WRITERS[ending](outcome_of(report), Path("/dev/null"))
    assert str(refused.value) == (
        "/dev/null is no file that a report could take the place of. Choose another path."
    )
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("path", ["", " ", None, 7, 2.5, b"report.csv", "a\0b.csv", ["a"]])
def test_what_is_no_path_is_told(path: Any) -> None:
    """The sentence says what is expected and what came."""
    with pytest.raises(InvalidArgument, match=r"^path is the path of a file, such as 'report"):
        target_of(path)


def test_the_home_of_a_person_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` is a person's home, as for a ledger; of a person who is not there, it is a folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert target_of("~/report.xlsx") == tmp_path / "report.xlsx"
    assert target_of(Path("~", "report.xlsx")) == tmp_path / "report.xlsx"
    assert target_of("~nobody-is-here/a.csv") == Path("~nobody-is-here", "a.csv")
    campaign = smspm.Campaign.create(
        "one",
        pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP: 1234"]}),
        sender="SMSPM.com",
        ledger=tmp_path / "ledger",
    )
    assert campaign.to_csv("~/report.csv") == tmp_path / "report.csv"
    assert (tmp_path / "report.csv").is_file()


@pytest.mark.parametrize("ending", WRITERS)
def test_a_draft_that_was_killed_goes_after_a_day(
    ending: str, report: pd.DataFrame, tmp_path: Path
) -> None:
    """People's data does not stay in a hidden folder; one of today may still be written to."""
    names = {
        ".smspm-report-old_0001": 25 * 3600,
        ".smspm-report-new_0001": 23 * 3600,
        ".smspm-report-of-a-person": 25 * 3600,  # no name of a draft
        ".report-old_0001": 25 * 3600,
    }
    for name, age in names.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.csv").write_text("Anna")
        at = time.time() - age
        os.utime(tmp_path / name, (at, at))
    file = tmp_path / ".smspm-report-file0001"
    file.write_text("a file")
    os.utime(file, (0, 0))
    WRITERS[ending](outcome_of(report), tmp_path / f"report.{ending}")
    expected = {*names, file.name, f"report.{ending}"} - {".smspm-report-old_0001"}
    assert {left.name for left in tmp_path.iterdir()} == expected


@pytest.mark.parametrize("ending", WRITERS)
def test_a_report_that_cannot_be_written_leaves_nothing(
    ending: str, report: pd.DataFrame, tmp_path: Path
) -> None:
    """Whatever the writer stumbles over is an OSError with a sentence; no draft is left."""
    with pytest.raises(OSError, match=r"could not be written \(File name too long\)\. Choose"):
        WRITERS[ending](outcome_of(report), tmp_path / f"{'x' * 300}.{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", WRITERS)
def test_what_ends_an_export_leaves_the_old_file(
    ending: str, report: pd.DataFrame, tmp_path: Path
) -> None:
    """Ctrl-C in the middle, or a ledger that cannot be read: what was there is there, untold."""
    path = tmp_path / f"report.{ending}"
    path.write_text("yesterday")
    for ends in (KeyboardInterrupt(), LedgerError("The ledger is locked.")):

        def pieces(ends: BaseException = ends) -> Iterator[pd.DataFrame]:
            yield report
            raise ends

        with pytest.raises(type(ends)) as raised:
            WRITERS[ending](Outcome("spring", is_rehearsal=False, pieces=pieces()), path)
        assert raised.value is ends
        files = [(file.name, file.read_text()) for file in tmp_path.iterdir()]
        assert files == [(path.name, "yesterday")]


FULL = """
import resource, sys
import pandas as pd
from pathlib import Path
from smspm_campaigns.reporting.exports import Outcome, to_csv
from smspm_campaigns.reporting.page import to_html
from smspm_campaigns.reporting.workbook import to_excel
ending, room, path, report = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
write = {"csv": to_csv, "html": to_html, "xlsx": to_excel}[ending]
try:
    write(Outcome("spring", is_rehearsal=False, pieces=iter([pd.read_pickle(report)])), path)
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Unix limits how large a file may grow")
@pytest.mark.parametrize("room", [0, 1_000, 3_000])
@pytest.mark.parametrize("ending", WRITERS)
def test_a_full_disk_is_a_sentence(
    ending: str, room: int, report: pd.DataFrame, tmp_path: Path
) -> None:
    """A file that cannot grow ends the export with a sentence, wherever it happens."""
    folder = tmp_path / "reports"
    folder.mkdir()
    path = folder / f"report.{ending}"
    path.write_text("yesterday")
    report.to_pickle(tmp_path / "report.pickle")
    command = [sys.executable, "-W", "error", "-c", FULL, ending, str(room), str(path)]
    done = subprocess.run(
        [*command, str(tmp_path / "report.pickle")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stderr, done.stdout) == (
        "",
        f"{path} could not be written (File too large). Make room, or choose another path.\n",
    )
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [
        (path.name, "yesterday")
    ]


class Rude:
    """Something whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (float("nan"), ""),
        (pd.NaT, ""),
        (pd.NA, ""),
        (Decimal("sNaN"), ""),
        (np.datetime64("NaT"), ""),
        (7, "7"),
        (7.0, "7.0"),
        (-7, "-7"),
        (np.float32(0.1), "0.1"),
        (Decimal("-0.10"), "-0.10"),
        (True, "True"),
        (float("-inf"), "-inf"),
        # Python itself writes 4,300 digits at most
        pytest.param(10**5000, "1" + "0" * 5000, id="5,001 digits"),
        ([10**5000], "<list that cannot be shown>"),
        (Rude(), "<Rude that cannot be shown>"),
        (b"=1", "b'=1'"),
        (1j, "1j"),
        (dt.timedelta(hours=-1), "'-1 day, 23:00:00"),
        (dt.time(8, 30), "08:30:00"),
        (dt.date(1066, 10, 14), "1066-10-14"),
        (pd.Timestamp("2026-05-01", tz="Europe/Berlin"), "2026-05-01 00:00:00+02:00"),
        (pd.Period("2026-05"), "2026-05"),
    ],
)
def test_a_cell_is_written_as_python_does(value: Any, written: str, tmp_path: Path) -> None:
    """Whatever a cell holds, and whatever its column: missing is blank, the rest is its text."""
    column = pd.Series([None, None], dtype=object)
    column[0] = value
    to_csv(outcome_of(pd.DataFrame({"value": column})), tmp_path / "report.csv")
    assert list(smspm.read_contacts(tmp_path / "report.csv")["value"]) == [written, ""]


def test_pieces_of_other_types_make_one_column(tmp_path: Path) -> None:
    """How a cell is written does not depend on what else is in its piece."""
    at = pd.Timestamp("2026-05-01")
    pieces = [
        pd.DataFrame({"n": [1, 2], "at": [at, at]}),
        pd.DataFrame({"n": [3.5, None], "at": [at + pd.Timedelta("1h"), pd.NaT]}),
        pd.DataFrame({"n": pd.array([5, None], "Int64"), "at": [at, "soon"]}),
    ]
    to_csv(outcome_of(*pieces), tmp_path / "report.csv")
    assert smspm.read_contacts(tmp_path / "report.csv").to_dict("list") == {
        "index": ["0", "1", "0", "1", "0", "1"],
        "n": ["1", "2", "3.5", "", "5", ""],
        "at": [
            "2026-05-01 00:00:00",
            "2026-05-01 00:00:00",
            "2026-05-01 01:00:00",
            "",
            "2026-05-01 00:00:00",
            "soon",
        ],
    }


CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.text("=+-@;,\t\r\n \"'|\u3000\uff1dab1", max_size=8),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.decimals(allow_nan=False),
    st.datetimes(),
    st.timedeltas(),
    st.binary(max_size=4),
    st.none(),
)
SPREADSHEET_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!")
HEADERS = st.text("=+-@;,\t\r\n \"'|ab#:.", min_size=1, max_size=12).filter(str.strip)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6),
    cut=st.integers(0, 6),
)
@example(rows=[("-0", "- 0"), ("'-0", "'- 0"), ("-20% today", "'-20% today")], cut=1)
@settings(deadline=None)
def test_any_report_comes_back(
    rows: list[tuple[Any, Any]], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What `read_contacts` reads of a report is the very text of each cell."""
    frame = pd.DataFrame(rows, columns=["one", "two"], dtype=object)
    frame = frame.assign(**dict.fromkeys(OUTCOME_COLUMNS, "x"))
    path = tmp_path_factory.mktemp("report") / "report.csv"
    to_csv(outcome_of(frame.iloc[:cut], frame.iloc[cut:]), path)
    back = smspm.read_contacts(path)
    assert list(back.columns) == ["index", "one", "two", *OUTCOME_COLUMNS]
    for name in ("one", "two"):
        assert list(back[name]) == [
            "" if cell is None or cell in SPREADSHEET_ERRORS else str(cell) for cell in frame[name]
        ]


@given(name=HEADERS, others=st.integers(1, 4))
@settings(deadline=None)
def test_any_header_comes_back(
    name: str, others: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Signs that stand between cells elsewhere do not make two columns of one."""
    columns = [name, *"vwyz"[:others], *OUTCOME_COLUMNS]
    path = tmp_path_factory.mktemp("report") / "report.csv"
    to_csv(outcome_of(pd.DataFrame([["x"] * len(columns)], columns=columns)), path)
    back = smspm.read_contacts(path)
    assert list(back.columns) == ["index", name.strip(), *columns[1:]]


def test_a_report_without_rows_comes_back(tmp_path: Path) -> None:
    """Its header alone is read, and columns are text as ever."""
    frame = pd.DataFrame(columns=["=1", *OUTCOME_COLUMNS], dtype=object)
    to_csv(outcome_of(frame), tmp_path / "report.csv")
    back = smspm.read_contacts(tmp_path / "report.csv")
    assert back.empty
    assert {name: str(dtype) for name, dtype in back.dtypes.items()} == dict.fromkeys(
        ["index", "=1", *OUTCOME_COLUMNS], "str"
    )


@pytest.mark.parametrize("missing", OUTCOME_COLUMNS)
def test_a_file_of_a_stranger_is_read_as_it_is(missing: str, tmp_path: Path) -> None:
    """Without every column of a report, an apostrophe is a person's."""
    frame = pd.DataFrame({"name": ["=1"], **dict.fromkeys(OUTCOME_COLUMNS, "x")})
    to_csv(outcome_of(frame.drop(columns=missing)), tmp_path / "report.csv")
    assert list(smspm.read_contacts(tmp_path / "report.csv")["name"]) == ["'=1"]


def test_a_report_read_again_is_the_same_messages(tmp_path: Path, clock: Clock) -> None:
    """Its texts were sent: another campaign refuses them, and the campaign itself opens again."""
    texts = ["-20% today", "'-20% today", "=1;'=1", "\t@x\n'+1", "-0", "'tis"]
    numbers = [f"49171392001{place}" for place in range(len(texts))]
    messages = pd.DataFrame({"name": texts, "sms_to": numbers, "sms_text": texts})
    ledger = tmp_path / "ledger"
    campaign = smspm.Campaign.create("one", messages, sender="SMSPM.com", ledger=ledger)
    client = smspm.Client.simulated(clock=clock)
    client.simulator, simulator = None, client.simulator  # a gateway that counts as real
    campaign.send(client, progress=False)
    assert len(simulator.accepted) == len(texts)
    again = smspm.read_contacts(campaign.to_csv(tmp_path / "report.csv"))
    assert list(again["sms_text"]) == texts
    assert set(map(str, again.dtypes)) == {"str"}
    refusals = []
    for frame in (messages, again):
        with pytest.raises(CampaignConflict) as refused:
            smspm.Campaign.create("two", frame, sender="SMSPM.com", ledger=ledger)
        refusals.append(str(refused.value))
    assert refusals[0] == refusals[1]
    assert f"{len(texts)} messages of 'two' were already taken by" in refusals[0]
    reopened = smspm.Campaign.create("one", again, sender="SMSPM.com", ledger=ledger)
    assert reopened.counts().to_dict() == campaign.counts().to_dict()


def test_a_report_is_a_campaign_file(tmp_path: Path) -> None:
    """Who got no message can be asked again from the file: numbers are read as they are."""
    folder = tmp_path
    people = pd.DataFrame({"phone": ["0176 040690 54", "+1 212 555 0167"], "country": ["DE", "US"]})
    messages = people.pipe(smspm.normalize_numbers, region="country")
    messages = messages.pipe(smspm.render_messages, "Hi! STOP: 1234")
    campaign = smspm.Campaign.create("one", messages, sender="SMSPM.com", ledger=folder / "ledger")
    again = smspm.read_contacts(campaign.to_csv(folder / "report.csv"))
    read = again.drop(columns="index").pipe(smspm.normalize_numbers, column="sms_to")
    assert list(read["sms_to"]) == list(messages["sms_to"])
    report = campaign.report()
    assert list(again.columns) == ["index", *report.columns]
    assert list(again["phone"]) == list(people["phone"])
