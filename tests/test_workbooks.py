"""A sheet as a person sees it: every cell as text, and what was hidden is no recipient."""

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xlsxwriter
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import ContactsUnreadable, SmspmWarning
from smspm_campaigns.frames.contacts import read_contacts

DATA = Path(__file__).parent / "data"

Fill = Callable[[Any], None]

MOMENT = dt.datetime(2026, 5, 1, 10, 30)  # noqa: DTZ001 - a sheet has no zones

CHOOSE = "To choose one, say sheet=…"


def workbook(folder: Path, fill: Fill, name: str = "people.xlsx") -> Path:
    path = folder / name
    book = xlsxwriter.Workbook(str(path))
    fill(book)
    book.close()
    return path


def frame_of(columns: dict[str, list[str]], rows: list[int]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index(rows, dtype="int64", name="row"), dtype="str")


def five_people(book: Any) -> Any:
    """A sheet of five people in three columns; returns it for more."""
    sheet = book.add_worksheet("People")
    sheet.write_row(0, 0, ["name", "phone", "note"])
    for row in range(1, 6):
        sheet.write_row(row, 0, [f"name{row}", f"phone{row}", f"note{row}"])
    return sheet


def people(*rows: int, without: str = "") -> pd.DataFrame:
    """The people in these spreadsheet rows."""
    columns = [name for name in ("name", "phone", "note") if name != without]
    return frame_of({name: [f"{name}{row - 1}" for row in rows] for name in columns}, list(rows))


def every_kind_of_cell(book: Any) -> None:
    sheet = book.add_worksheet()
    day, moment, hour, lasting = (
        book.add_format({"num_format": form})
        for form in ("dd.mm.yyyy", "dd.mm.yyyy hh:mm", "hh:mm", "[h]:mm")
    )
    sheet.write_row(0, 0, [" kind ", "cell"])
    cells: list[tuple[str, Callable[[int, int], Any]]] = [
        ("text", lambda r, c: sheet.write_string(r, c, " 007 ")),
        ("lines", lambda r, c: sheet.write_string(r, c, "a\nb")),
        ("word", lambda r, c: sheet.write_string(r, c, "NA")),
        ("whole", lambda r, c: sheet.write_number(r, c, 491713920012)),
        ("float", lambda r, c: sheet.write_number(r, c, 0.1)),
        ("negative", lambda r, c: sheet.write_number(r, c, -5)),
        ("large", lambda r, c: sheet.write_number(r, c, 123456789012345)),
        ("day", lambda r, c: sheet.write_datetime(r, c, MOMENT.replace(hour=0, minute=0), day)),
        (
            "moment",
            lambda r, c: sheet.write_datetime(r, c, MOMENT, moment),
        ),
        ("hour", lambda r, c: sheet.write_datetime(r, c, dt.time(9, 15), hour)),
        ("lasting", lambda r, c: sheet.write_number(r, c, 1.5, lasting)),
        ("true", lambda r, c: sheet.write_boolean(r, c, True)),
        ("false", lambda r, c: sheet.write_boolean(r, c, False)),
        ("formula", lambda r, c: sheet.write_formula(r, c, "=1+1", None, 2)),
        ("error", lambda r, c: sheet.write_formula(r, c, "=NA()", None, "#N/A")),
        ("division", lambda r, c: sheet.write_formula(r, c, "=1/0", None, "#DIV/0!")),
        ("typed error", lambda r, c: sheet.write_string(r, c, "#N/A")),
    ]
    for row, (kind, write) in enumerate(cells, 1):
        sheet.write_string(row, 0, kind)
        write(row, 1)


def test_every_kind_of_cell_becomes_text(tmp_path: Path) -> None:
    """Whole numbers without .0, dates as ISO, TRUE and FALSE, error cells blank, texts as typed."""
    found = read_contacts(workbook(tmp_path, every_kind_of_cell))
    assert found["cell"].to_list() == [
        " 007 ",
        "a\nb",
        "NA",
        "491713920012",
        "0.1",
        "-5",
        "123456789012345",
        "2026-05-01",
        "2026-05-01 10:30:00",
        "09:15:00",
        "36:00:00",
        "TRUE",
        "FALSE",
        "2",
        "",
        "",
        "",  # somebody typed #N/A
    ]
    assert list(found.columns) == ["kind", "cell"]
    assert found.dtypes.astype(str).to_list() == ["str", "str"]


def test_blank_rows_and_columns_go_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    """What is blank is left out, and the row numbers are those beside the sheet."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["name", "", "phone"])
        sheet.write_row(2, 0, ["Ana", " ", "1"])
        sheet.write_row(5, 0, ["Eva", "", "2"])
        sheet.write_string(9, 8, " ")

    found = read_contacts(workbook(tmp_path, fill))
    assert_frame_equal(found, frame_of({"name": ["Ana", "Eva"], "phone": ["1", "2"]}, [3, 6]))


def hidden_rows(book: Any) -> None:
    sheet = five_people(book)
    for row in (2, 4):
        sheet.set_row(row, None, None, {"hidden": True})


def filtered_rows(book: Any) -> None:
    """As a filter leaves them: the rows that do not match are hidden."""
    sheet = five_people(book)
    sheet.autofilter(0, 0, 5, 2)
    sheet.filter_column_list(0, ["name1", "name3"])
    for row in (2, 4, 5):
        sheet.set_row(row, options={"hidden": True})


def hidden_column(book: Any) -> None:
    sheet = five_people(book)
    sheet.set_column(2, 2, None, None, {"hidden": True})
    sheet.set_column(7, 90, None, None, {"hidden": True})  # nothing in them: not worth a word


def rows_and_columns(book: Any) -> None:
    sheet = five_people(book)
    sheet.write_string(1, 3, "no name")
    sheet.set_column(1, 3, None, None, {"hidden": True})
    sheet.set_row(1, options={"hidden": True})
    sheet.set_row(30, options={"hidden": True})


@pytest.mark.parametrize(
    ("fill", "seen", "warning"),
    [
        (hidden_rows, people(2, 4, 6), "2 hidden rows (row 3, 5) of people.xlsx left out"),
        (filtered_rows, people(2, 4), "3 hidden rows (row 3, 5, 6) of people.xlsx left out"),
        (
            hidden_column,
            people(2, 3, 4, 5, 6, without="note"),
            "1 hidden column (column 'note') of people.xlsx left out",
        ),
        (
            rows_and_columns,
            people(3, 4, 5, 6)[["name"]],
            "1 hidden row (row 2) and 3 hidden columns (column 'phone', 'note', D (4)) of",
        ),
    ],
    ids=["rows", "filter", "column", "both"],
)
def test_hidden_rows_and_columns_are_left_out(
    tmp_path: Path, fill: Fill, seen: pd.DataFrame, warning: str
) -> None:
    """What a person hid is no recipient; one warning counts and names it, and points here."""
    with pytest.warns(SmspmWarning) as warned:
        found = read_contacts(workbook(tmp_path, fill))
    assert_frame_equal(found, seen)
    assert [str(told.message).startswith(warning) for told in warned] == [True]
    assert warned[0].filename == __file__
    assert "hidden='keep' takes them" in str(warned[0].message)


@pytest.mark.parametrize("fill", [hidden_rows, filtered_rows, hidden_column])
def test_hidden_rows_and_columns_can_be_kept(tmp_path: Path, fill: Fill) -> None:
    """hidden='keep' takes everything and says nothing."""
    found = read_contacts(workbook(tmp_path, fill), hidden="keep")
    assert_frame_equal(found, people(2, 3, 4, 5, 6))


def test_many_hidden_rows_are_counted_and_ten_are_named(tmp_path: Path) -> None:
    """A thousand hidden rows give one short warning."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["name", *(f"n{row}" for row in range(1000))])
        for row in range(1, 1000):
            sheet.set_row(row, options={"hidden": True})

    named = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"
    with pytest.warns(SmspmWarning, match=rf"^999 hidden rows \(row {named}\)"):
        found = read_contacts(workbook(tmp_path, fill))
    assert_frame_equal(found, frame_of({"name": ["n999"]}, [1001]))


def three_sheets(book: Any) -> None:
    old = book.add_worksheet("Old")
    old.write_column(0, 0, ["name", "Olga"])
    five_people(book)
    more = book.add_worksheet("More")
    more.write_column(0, 0, ["name", "Mia"])
    secret = book.add_worksheet("Secret")
    secret.write_column(0, 0, ["name", "Sam"])
    book.get_worksheet_by_name("People").activate()
    book.get_worksheet_by_name("People").set_first_sheet()
    old.hide()
    secret.very_hidden()


def test_first_visible_sheet_is_read(tmp_path: Path) -> None:
    """Hidden sheets are left out and counted; of several visible ones the first is read."""
    with pytest.warns(SmspmWarning) as warned:
        found = read_contacts(workbook(tmp_path, three_sheets))
    assert_frame_equal(found, people(2, 3, 4, 5, 6))
    assert [str(told.message) for told in warned] == [
        f"2 hidden sheets of people.xlsx left out: 'Old', 'Secret'. {CHOOSE}",
        f"people.xlsx has several sheets; 'People' was read, and not 'More'. {CHOOSE}",
    ]
    assert {told.filename for told in warned} == {__file__}


def test_hidden_sheets_can_be_kept(tmp_path: Path) -> None:
    """With hidden='keep' a hidden sheet counts like any other."""
    with pytest.warns(SmspmWarning) as warned:
        found = read_contacts(workbook(tmp_path, three_sheets), hidden="keep")
    assert_frame_equal(found, frame_of({"name": ["Olga"]}, [2]))
    assert len(warned) == 1
    assert "'Old' was read, and not 'People', 'More', 'Secret'." in str(warned[0].message)


def test_sheet_can_be_named(tmp_path: Path) -> None:
    """A sheet that is asked for is read without a word, hidden or not."""
    path = workbook(tmp_path, three_sheets)
    assert read_contacts(path, sheet="More")["name"].to_list() == ["Mia"]
    assert read_contacts(path, sheet="Secret")["name"].to_list() == ["Sam"]
    with pytest.raises(ContactsUnreadable, match=r"no sheet 'people'\. Its sheets are: 'Old'"):
        read_contacts(path, sheet="people")


def test_workbook_of_hidden_sheets_is_refused(tmp_path: Path) -> None:
    """Where nothing is visible, nothing is guessed."""

    def fill(book: Any) -> None:
        book.add_worksheet("A").hide()
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=A!$A$1:$A$2"})
        shown = book.add_chartsheet("Chart")
        shown.set_chart(chart)
        shown.activate()
        shown.set_first_sheet()

    with pytest.raises(ContactsUnreadable, match=r"no visible sheet\. Name the one to read"):
        read_contacts(workbook(tmp_path, fill))


def test_merged_value_stands_in_every_row_it_covers(tmp_path: Path) -> None:
    """Three people beside one merged city all live in it; a merged header makes no person."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["city", "name", "group"])
        sheet.write_column(1, 1, ["Ana", "Eva", "Mia", "Zoe"])
        sheet.merge_range(1, 0, 3, 0, "Tartu")
        sheet.write_string(4, 0, "Narva")
        sheet.merge_range(0, 2, 1, 2, "group")  # hangs over the first person
        sheet.merge_range(8, 0, 20, 5, "")  # merged and blank, below and beside the people

    found = read_contacts(workbook(tmp_path, fill))
    expected = {
        "city": ["Tartu", "Tartu", "Tartu", "Narva"],
        "name": ["Ana", "Eva", "Mia", "Zoe"],
        "group": [""] * 4,
    }
    assert_frame_equal(found, frame_of(expected, [2, 3, 4, 5]))


def no_header(book: Any) -> None:
    book.add_worksheet().write_row(1, 0, ["Ana", "1"])


def nothing(book: Any) -> None:
    book.add_worksheet()


def equal_headers(book: Any) -> None:
    book.add_worksheet().write_row(0, 0, ["name", "phone", "name "])


def nameless_column(book: Any) -> None:
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["name", "", "phone"])
    sheet.write_row(1, 0, ["Ana", "x", "1"])


@pytest.mark.parametrize(
    ("fill", "sentence"),
    [
        (no_header, "first row of people.xlsx is blank; it must name every column"),
        (nothing, "first row of people.xlsx is blank"),
        (equal_headers, r"Two columns of people.xlsx are named 'name': A \(1\) and C \(3\)"),
        (nameless_column, r"Column B \(2\) of people.xlsx has cells but no name"),
    ],
)
def test_faulty_sheet_is_refused(tmp_path: Path, fill: Fill, sentence: str) -> None:
    """A sheet whose columns cannot be told apart is refused with the column."""
    with pytest.raises(ContactsUnreadable, match=sentence):
        read_contacts(workbook(tmp_path, fill))


def test_nameless_column_beside_a_hidden_one_is_counted_in_the_sheet(tmp_path: Path) -> None:
    """The number of a column is that of the sheet, hidden columns included."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["name", "hidden", ""])
        sheet.write_row(1, 0, ["Ana", "x", "1"])
        sheet.set_column(1, 1, None, None, {"hidden": True})

    with pytest.raises(ContactsUnreadable, match=r"Column C \(3\) of people\.xlsx"):
        read_contacts(workbook(tmp_path, fill))


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"])
@pytest.mark.parametrize("content", [b"", b"name;phone\n", b"PK\x03\x04 cut off"])
def test_something_else_with_the_name_of_a_workbook_is_refused(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    """What only calls itself a workbook is refused with what to do."""
    path = tmp_path / f"people{suffix}"
    path.write_bytes(content)
    with pytest.raises(
        ContactsUnreadable, match=r"save it as \.xlsx or \.csv\.$|rename it \.csv\.$"
    ):
        read_contacts(path)


def test_cut_workbook_is_refused_at_every_length(tmp_path: Path) -> None:
    """A download that broke off anywhere gives a sentence, never a traceback of a library."""
    whole = workbook(tmp_path, five_people).read_bytes()
    path = tmp_path / "cut.xlsx"
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ContactsUnreadable):
            read_contacts(path)


def rewritten(source: Path, part: str, change: Callable[[str], str]) -> Path:
    """A copy of a workbook with one of its parts changed."""
    target = source.with_name(f"changed-{source.name}")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()) if name == part else content)
    return target


def test_workbook_with_entities_is_refused(tmp_path: Path) -> None:
    """A bomb of nested XML entities is refused before it unfolds."""
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    path = rewritten(
        workbook(tmp_path, five_people),
        "xl/workbook.xml",
        lambda xml: xml.replace("?>", "?>" + bomb, 1),
    )
    with pytest.raises(ContactsUnreadable, match=r"entities|not a spreadsheet"):
        read_contacts(path)


def test_hidden_is_found_in_other_spellings_of_the_format(tmp_path: Path) -> None:
    """Prefixed names, `hidden="true"`, rows without numbers and absolute paths are read too."""
    path = workbook(tmp_path, hidden_rows)
    path = rewritten(
        path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace('hidden="1"', 'hidden="true"')
    )
    path = rewritten(
        path,
        "xl/_rels/workbook.xml.rels",
        lambda xml: xml.replace('"worksheets/', '"/xl/worksheets/'),
    )
    with pytest.warns(SmspmWarning, match=r"2 hidden rows \(row 3, 5\)"):
        found = read_contacts(path)
    assert_frame_equal(found, people(2, 4, 6))


def test_macro_workbook_is_checked_for_hidden_rows(tmp_path: Path) -> None:
    """A workbook with macros is read like any other."""
    path = workbook(tmp_path, hidden_rows, "people.xlsx").rename(tmp_path / "people.xlsm")
    with pytest.warns(SmspmWarning, match=r"2 hidden rows .* of people.xlsm"):
        assert_frame_equal(read_contacts(path), people(2, 4, 6))


MADE = {
    "name": ["text", "lines", "whole", "fraction", "day", "moment", "hour", "lasting", "true",
             "share", "price", "sum", "joined", "error", "missing", "word", "noted", "collapsed",
             "filtered", "grouped", "last"],
    "cell": ["007", "a\nb  c", "491713920012", "0.1", "2026-05-01", "2026-05-01 10:30:00",
             "09:15:00", "36:00:00", "TRUE", "0.125", "12.5", "42", "ab", "", "", "NA", "Eva", "x",
             "x", "x", "x"],
    "city": ["Tartu"] * 3 + [""] * 18,
    "secret": ["x"] * 21,
}  # fmt: skip
MADE_ROWS = [*range(2, 19), *range(20, 24)]


@pytest.mark.parametrize("suffix", ["ods", "xlsx"])
def test_workbook_of_libreoffice_is_read_as_it_is_seen(suffix: str) -> None:
    """Every kind of cell, merged cells, and nothing that is hidden, filtered or folded away."""
    with pytest.warns(SmspmWarning) as warned:
        found = read_contacts(DATA / f"people.{suffix}")
    assert_frame_equal(found, frame_of(MADE, MADE_ROWS).drop(index=[20, 21, 22], columns="secret"))
    assert [str(told.message) for told in warned] == [
        f"1 hidden sheet of people.{suffix} left out: 'Old'. {CHOOSE}",
        f"people.{suffix} has several sheets; 'People' was read, and not 'More'. {CHOOSE}",
        (
            "3 hidden rows (row 20, 21, 22) and 1 hidden column (column 'secret') of "
            f"people.{suffix} left out, since a hidden row is usually one that was filtered away. "
            "hidden='keep' takes them."
        ),
    ]
    assert {told.filename for told in warned} == {__file__}


@pytest.mark.parametrize("suffix", ["ods", "xlsx", "xls"])
def test_workbook_of_libreoffice_can_be_read_whole(suffix: str) -> None:
    """With hidden='keep' the three formats are one frame."""
    found = read_contacts(DATA / f"people.{suffix}", sheet="People", hidden="keep")
    assert_frame_equal(found, frame_of(MADE, MADE_ROWS))


def test_csv_of_libreoffice_is_read() -> None:
    """The same sheet as text: what LibreOffice shows, error words blank."""
    found = read_contacts(DATA / "people.csv")
    shown = {"day": "05/01/2026", "hour": "09:15:00 AM", "share": "12.5%"}
    expected = frame_of(MADE, MADE_ROWS).assign(city=["Tartu"] + [""] * 20)
    expected["cell"] = [
        shown.get(name, cell) for name, cell in zip(expected["name"], expected["cell"], strict=True)
    ]
    assert_frame_equal(found, expected)


def test_xls_says_that_hidden_rows_cannot_be_seen() -> None:
    """Where it cannot be known what is hidden, the reader is told so, once."""
    with pytest.warns(SmspmWarning, match=r"^Hidden rows cannot be seen in a \.xls file") as warned:
        found = read_contacts(DATA / "people.xls", sheet="People")
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert_frame_equal(found, frame_of(MADE, MADE_ROWS))


def test_warning_points_beyond_pandas(tmp_path: Path) -> None:
    """In a pipe, too, a warning points at the line that a person wrote."""
    path = workbook(tmp_path, hidden_rows)
    with pytest.warns(SmspmWarning) as warned:
        pd.Series(["sheet"]).pipe(lambda _: read_contacts(path))
    assert [told.filename for told in warned] == [__file__]
