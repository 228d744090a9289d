"""Any text file of people becomes a frame of text, or says which line and why not."""

import csv
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import ContactsUnreadable, InvalidArgument, SmspmWarning
from smspm_campaigns.frames import contacts
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.files import grid, text_files
from smspm_campaigns.frames.files.grid import ERROR_CELLS

DATA = Path(__file__).parent / "data"
SAMPLES = Path(__file__).parent.parent / "sample_data"
NAME_AND_PHONE = {"name": ["Õnne", "Łukasz"], "phone": ["+37256789045", "0171"]}


def frame_of(columns: dict[str, list[str]], rows: list[int]) -> pd.DataFrame:
    """The frame that read_contacts makes: texts, with the rows of the spreadsheet as index."""
    return pd.DataFrame(columns, index=pd.Index(rows, dtype="int64", name="row"), dtype="str")


def read(
    folder: Path, content: str | bytes, name: str = "people.csv", **options: Any
) -> pd.DataFrame:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_contacts(path, **options)


@pytest.mark.parametrize(
    "delimiter", [";", ",", "\t", "|"], ids=["semicolon", "comma", "tab", "bar"]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le with mark", "utf-16-be with mark"],
)
def test_delimiter_and_encoding_are_found(
    tmp_path: Path, delimiter: str, ending: str, encoding: str
) -> None:
    """Every delimiter, line end and marked encoding gives the same frame."""
    text = ending.join(["name|phone", "Õnne|+37256789045", "Łukasz|0171", ""])
    text = text.replace("|", delimiter)
    if encoding.endswith("with mark"):
        text, encoding = "\ufeff" + text, encoding.removesuffix(" with mark")
    found = read(tmp_path, text.encode(encoding))
    assert_frame_equal(found, frame_of(NAME_AND_PHONE, [2, 3]))


@pytest.mark.parametrize("name", ["people.csv", "people.tsv", "people.txt", "PEOPLE.CSV"])
def test_suffix_does_not_choose_the_delimiter(tmp_path: Path, name: str) -> None:
    """The header does, whatever the file is called."""
    assert_frame_equal(read(tmp_path, "a;b\n1;2\n", name), frame_of({"a": ["1"], "b": ["2"]}, [2]))


@pytest.mark.parametrize(
    "cell",
    ["007", "+37256789045", "NA", "None", "nan", "null", "#n/a", "#N/A N/A", "#1", "1E5",
     "4.9E+11", "1.0", "TRUE", "2026-05-01",
     "01.05.2026", "-", " padded ", "\N{NO-BREAK SPACE}x", "'0171"],
)  # fmt: skip
def test_nothing_is_guessed(tmp_path: Path, cell: str) -> None:
    """A cell is the text that stands in the file."""
    assert_frame_equal(
        read(tmp_path, f"phone;x\n{cell};1\n"), frame_of({"phone": [cell], "x": ["1"]}, [2])
    )


def test_sep_line_names_the_delimiter(tmp_path: Path) -> None:
    """A first line `sep=;` is obeyed and is no row, as in Excel."""
    for start in ("sep=;\r\n", "\ufeffSEP=;\r\n"):
        found = read(tmp_path, start + "a,b;c\r\n1,5;2\r\n")
        assert_frame_equal(found, frame_of({"a,b": ["1,5"], "c": ["2"]}, [2]))


def test_header_that_only_begins_like_a_sep_line_is_a_header(tmp_path: Path) -> None:
    """`sep=` is a column name when no single character follows it."""
    assert list(read(tmp_path, "sep=;b\n1;2\n").columns) == ["sep=", "b"]


def test_quoted_line_breaks_count_as_one_row(tmp_path: Path) -> None:
    """A cell with line breaks is one spreadsheet row, and those below it keep their numbers."""
    found = read(tmp_path, 'name;phone\n"Ana\nMaria";1\n"say ""hi""; yes";2\n')
    expected = {"name": ["Ana\nMaria", 'say "hi"; yes'], "phone": ["1", "2"]}
    assert_frame_equal(found, frame_of(expected, [2, 3]))


def test_blank_lines_go_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    """Blank lines, and lines of delimiters and spaces, are no people; other rows stay numbered."""
    found = read(tmp_path, "name;phone\nAna;1\n\n ; \n;\nEva;2\n\n")
    assert_frame_equal(found, frame_of({"name": ["Ana", "Eva"], "phone": ["1", "2"]}, [2, 6]))


def test_short_rows_are_filled_with_blanks(tmp_path: Path) -> None:
    """A row with fewer cells than the header has blanks at its end."""
    found = read(tmp_path, "name;phone\nAna\nEva;2\n")
    assert_frame_equal(found, frame_of({"name": ["Ana", "Eva"], "phone": ["", "2"]}, [2, 3]))


@pytest.mark.parametrize("rows", [[3], [2, 3, 4], range(2, 200_000)])
def test_delimiters_beyond_the_header_are_no_cells(tmp_path: Path, rows: Sequence[int]) -> None:
    """Rows that end in blanks beyond the header are read, in the first row or in the last."""
    lines = [f"n{row};{row}{';  ;' if row in rows else ''}\n" for row in range(2, 200_001)]
    found = read(tmp_path, "name;phone\n" + "".join(lines))
    assert found.loc[[2, 3, 200_000], "phone"].to_list() == ["2", "3", "200000"]
    assert list(found.columns) == ["name", "phone"]


def test_one_column_alone_needs_no_delimiter(tmp_path: Path) -> None:
    """A list of numbers with a header is a file too."""
    found = read(tmp_path, "phone\n0171 39200\n007\n")
    assert_frame_equal(found, frame_of({"phone": ["0171 39200", "007"]}, [2, 3]))


@pytest.mark.parametrize("content", ["name;phone\n", "name;phone", "name;phone\n;\n\n"])
def test_header_alone_gives_an_empty_frame(tmp_path: Path, content: str) -> None:
    """A file without people is an empty frame with its columns."""
    assert_frame_equal(read(tmp_path, content), frame_of({"name": [], "phone": []}, []))


def test_header_names_are_trimmed(tmp_path: Path) -> None:
    """Spaces around a name in the header are not part of it."""
    assert list(read(tmp_path, " name ;\tphone\n1;2\n").columns) == ["name", "phone"]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ('"Name; first",phone', ["Name; first", "phone"]),  # a semicolon inside quotes
        ('"a;b;c;d",phone', ["a;b;c;d", "phone"]),
        ('"say ""hi; there""",phone', ['say "hi; there"', "phone"]),
        ('"two\nlines; one name",phone', ["two\nlines; one name", "phone"]),
        ("name, first;phone", ["name, first", "phone"]),  # as many of each: the European one
        ("a|b", ["a", "b"]),
    ],
)
def test_delimiter_is_looked_for_outside_quotes(
    tmp_path: Path, header: str, columns: list[str]
) -> None:
    """What stands between quotes in the header does not count."""
    assert list(read(tmp_path, f"{header}\n").columns) == columns


def test_delimiter_can_be_given(tmp_path: Path) -> None:
    """A delimiter that is said is taken, and it is one character."""
    found = read(tmp_path, "a;b:c\n1;2:3\n", delimiter=":")
    assert_frame_equal(found, frame_of({"a;b": ["1;2"], "c": ["3"]}, [2]))
    for wrong in ("", "||", "\n", "\r", '"', "§"):
        with pytest.raises(InvalidArgument, match="delimiter is one character"):
            read(tmp_path, "a\n", delimiter=wrong)


@pytest.mark.parametrize(
    "word",
    ["#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"],
)
def test_error_cells_are_blank(tmp_path: Path, word: str) -> None:
    """The words a spreadsheet shows for a failed formula are no data, and a row of them is none."""
    found = read(tmp_path, f"name;phone\n{word};1\n{word};\nsee {word};2\n")
    assert_frame_equal(found, frame_of({"name": ["", f"see {word}"], "phone": ["1", "2"]}, [2, 4]))


def test_text_file_has_no_sheets(tmp_path: Path) -> None:
    """A sheet of a text file is refused, not passed over."""
    with pytest.raises(InvalidArgument) as raised:
        read(tmp_path, "a\n1\n", sheet="Customers")
    assert str(raised.value) == (
        "people.csv is a text file, and a text file has no sheets. Leave out sheet=…, or name the "
        "workbook."
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sheet": 0}, "sheet is the name of a sheet, such as 'Customers', not 0."),
        ({"encoding": 5}, "encoding is the name of an encoding, such as 'cp1252', not 5."),
        ({"delimiter": 5}, "delimiter is one character, such as ';', not 5."),
        ({"delimiter": "\n"}, "delimiter is one character, such as ';', not ''."),
        ({"hidden": ["skip"]}, "hidden is 'skip' or 'keep', not a value of type list."),
    ],
)
def test_option_of_another_type_is_refused(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    """What cannot be meant is a sentence, never an error of Python's own."""
    with pytest.raises(InvalidArgument) as raised:
        read(tmp_path, "a\n1\n", **options)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("path", [None, 5, b"people.csv", ["people.csv"]])
def test_path_is_a_path(path: Any) -> None:
    """Something else is refused as an argument."""
    with pytest.raises(InvalidArgument, match=r"^path is the path of a file, .* or an open file"):
        read_contacts(path)


def test_number_in_a_header_is_masked(tmp_path: Path) -> None:
    """A file without a header shows no whole number, and is told as such."""
    with pytest.raises(ContactsUnreadable) as raised:
        read(tmp_path, "1234567;1234567\n1;2\n")
    assert str(raised.value) == (
        "Two columns of people.csv are named '1****67': A (1) and B (2). Rename one. The "
        "first row seems to be data, not a header: put one above it that names the columns."
    )


@pytest.mark.parametrize(
    "header", ["Mari,+37256789045", "0171/3920012", "491713920012,Ana", "(030) 23125 000"]
)
def test_row_of_data_is_no_header(tmp_path: Path, header: str) -> None:
    """A first row with a phone number would be a person lost, so it is refused, and not shown."""
    with pytest.raises(ContactsUnreadable) as raised:
        read(tmp_path, f"{header}\n+37256789046\n")
    assert str(raised.value) == (
        "people.csv has no header. The first row seems to be data, not a header: put one above it "
        "that names the columns."
    )


@pytest.mark.parametrize("header", ["2026-05-01", "20260501", "2025-2026", "line 1", "01.05.2026"])
def test_header_may_hold_digits(tmp_path: Path, header: str) -> None:
    """Dates and years are names of columns."""
    assert list(read(tmp_path, f"{header};phone\n1;2\n").columns) == [header, "phone"]


def test_blank_columns_go(tmp_path: Path) -> None:
    """Columns without name and cells, such as a European Excel leaves at the end, are left out."""
    assert_frame_equal(
        read(tmp_path, "a;;b;;\n1;;2;;\n3; ;4;;\n"),
        frame_of({"a": ["1", "3"], "b": ["2", "4"]}, [2, 3]),
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "first row of people.csv is blank"),
        ("\n\nname\nAna\n", "first row of people.csv is blank"),
        (";;\nAna;1;2\n", "first row of people.csv is blank"),
        ("name;;phone\nAna;x;1\n", "Column B (2) of people.csv has cells but no name"),
        ("name; name\nAna;1\n", "Two columns of people.csv are named 'name': A (1) and B (2)."),
        ("a;b\n1;2;3\n", "row 2 has 3 cells, and the header has 2"),
        ("a;b\n1;2\n4;5;6\n", "row 3 has 3 cells, and the header has 2"),
        # A line break in a cell and a blank line above: still the row a person sees.
        ('a;b\n"x\ny";2\n\n4;5;6\n', "row 4 has 3 cells"),
        ("sep=;\na;b\n1;2\n4;5;6\n", "row 3 has 3 cells"),
        ("a;b\n1;2;;x\n", "row 2 has 4 cells"),
        ('a;b\n1;2\n"x;3\n4;5\n', 'a quote (") that begins in row 3 never ends'),
        ('sep=;\na;b\n1;2\n"x;3\n4;5\n', 'a quote (") that begins in row 3 never ends'),
        ("a\x00;b\n1;2\n", "NUL characters"),
    ],
)  # fmt: skip
def test_faulty_table_says_which_row(tmp_path: Path, content: str, sentence: str) -> None:
    """What cannot be read is refused with the row and the reason, as a ValueError."""
    with pytest.raises(ContactsUnreadable) as raised:
        read(tmp_path, content)
    assert sentence in str(raised.value)
    assert isinstance(raised.value, ValueError)


def test_endless_quote_in_a_header_is_refused(tmp_path: Path) -> None:
    """A quote that never ends is found before it swallows the file."""
    with pytest.raises(ContactsUnreadable, match="not a row of cells"):
        read(tmp_path, '"name;phone\n' + "x;1\n" * 50_000)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"name\nok\n\xe4\n", 3),
        (b"\xff\xffname\n", 1),
        (b"\xef\xbb\xbfname\n\xe4\n", 2),  # the mark is no reason to miscount
        (b"name\r\nJ\xfcrgen\r\n", 2),
        (b"name\rJ\xfcrgen\r", 2),
        (b"name\n" + b"ok\n" * 300_000 + b"\xe4\n", 300_002),  # found while it was parsed
    ],
)
def test_bytes_of_another_encoding_are_not_guessed(
    tmp_path: Path, content: bytes, line: int
) -> None:
    """The error names the first offending line."""
    for encoding in (None, "utf-8-sig"):
        with pytest.raises(
            ContactsUnreadable, match=rf"^Line {line} of people.csv is not in utf-8"
        ):
            read(tmp_path, content, encoding=encoding)


def test_lines_of_another_encoding_are_shown_as_each_may_be_read() -> None:
    """Three lines in four readings, numbers masked, and the call to make."""
    path = DATA / "baltic.csv"  # by iconv
    with pytest.raises(ContactsUnreadable) as raised:
        read_contacts(path)
    assert str(raised.value) == (
        "Line 2 of baltic.csv is not in utf-8, and nothing was guessed. Choose the reading that is "
        "right:\n"
        "  line 2 as cp1257: 'Õnne;+3720*****66;Pärnu'\n"
        "  line 2 as cp1252: 'Õnne;+3720*****66;Pärnu'\n"
        "  line 2 as cp1251: 'Хnne;+3720*****66;Pдrnu'\n"  # noqa: RUF001 - as Cyrillic
        "  line 2 as cp1250: 'Őnne;+3720*****66;Pärnu'\n"
        "  line 3 as cp1257: 'Šarūnas;+3706*****00;Šiauliai'\n"
        "  line 3 as cp1252: 'Ðarûnas;+3706*****00;Ðiauliai'\n"
        "  line 3 as cp1251: 'Рarыnas;+3706*****00;Рiauliai'\n"  # noqa: RUF001 - ditto
        "  line 3 as cp1250: 'Đarűnas;+3706*****00;Điauliai'\n"
        f'and say it: read_contacts("{path}", encoding="cp1257"), or save the file again as '
        "'CSV UTF-8'."
    )
    found = read_contacts(path, encoding="cp1257")
    assert found["nimi"].to_list() == ["Õnne", "Šarūnas"]


def test_shown_lines_are_few_short_and_visible(tmp_path: Path) -> None:
    """However hostile the file, the error is bounded, printable and shows no whole number."""
    line = b"+37200000766" + b"x" * 500 + b"\x1b\x9d\xe4" + b"y" * 500 + b"+37200000766\n"
    with pytest.raises(ContactsUnreadable) as raised:
        read(tmp_path, b"name\n" + line * 1000)
    shown = str(raised.value).splitlines()
    assert len(shown) == 1 + 3 * 4 + 1
    assert all(text.isprintable() for text in shown)
    assert max(map(len, shown[1:-1])) < 120
    assert "\\u001b" in shown[1]
    assert "37200000766" not in str(raised.value)


def test_utf16_as_excel_saves_it() -> None:
    """Excel's "Unicode text" is UTF-16 with a mark."""
    found = read_contacts(DATA / "unicode.txt")  # by iconv
    assert found["linn"].to_list() == ["Pärnu", "Šiauliai"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_named(tmp_path: Path, encoding: str) -> None:
    """What looks like NUL characters is told as what it is, with the call to make."""
    content = "nimi;telefon\nÕnne;1\n".encode(encoding)
    with pytest.raises(ContactsUnreadable, match=f'without the mark .*, encoding="{encoding}"\\)$'):
        read(tmp_path, content)
    assert read(tmp_path, content, encoding=encoding)["nimi"].to_list() == ["Õnne"]


@pytest.mark.parametrize(
    ("content", "encoding", "sentence"),
    [
        (b"n\0a\0\0", "utf-16-le", "is not in utf-16-le: it is cut off"),
        (b"\xff\xfen\0a\0\0", None, "is not in utf-16"),
        (b"\xff\xfea\0\x00\xd8\n\0", None, "is not in utf-16"),  # a lone surrogate
        (b"a\n\xed\xa0\x80\n", None, "Line 2 of people.csv is not in utf-8"),  # ditto
        (b"a\n\\ud800\n", "unicode-escape", "half characters"),
        (b"a\n\x81\n", "cp1252", "Line 2 of people.csv is not in cp1252"),
    ],
)
def test_bytes_that_are_no_text_are_refused(
    tmp_path: Path, content: bytes, encoding: str | None, sentence: str
) -> None:
    """Cut characters and lone surrogates are sentences, whatever the encoding."""
    with pytest.raises(ContactsUnreadable, match=sentence):
        read(tmp_path, content, encoding=encoding)


def test_encoding_can_be_given(tmp_path: Path) -> None:
    """A file in cp1257 or cp1252 is read when it is said, a mark of its own notwithstanding."""
    for encoding in ("cp1257", "utf-8", "utf-8-sig"):
        found = read(tmp_path, "nimi;x\nÕnne Šmidt;1\n".encode(encoding), encoding=encoding)
        assert_frame_equal(found, frame_of({"nimi": ["Õnne Šmidt"], "x": ["1"]}, [2]))
    marked = read(tmp_path, b"\xef\xbb\xbfnimi\nAna\n", encoding="utf-8")
    assert list(marked.columns) == ["nimi"]
    for name in ("cp1275", "base64", "a\0b"):
        with pytest.raises(InvalidArgument, match="no encoding"):
            read(tmp_path, b"a\n", encoding=name)


def test_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """A file that is not there is a FileNotFoundError that says where it was looked for."""
    with pytest.raises(FileNotFoundError, match=r"nowhere.csv does not exist. Check the path"):
        read_contacts(tmp_path / "nowhere.csv")
    with pytest.raises(FileNotFoundError, match=f"relative to {Path.cwd()}"):
        read_contacts("nowhere.csv")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_contacts("x" * 5000 + ".csv")


def test_folder_is_no_file(tmp_path: Path) -> None:
    """A folder is told from a file."""
    with pytest.raises(FileNotFoundError, match="is a folder"):
        read_contacts(tmp_path)


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    """A PDF is not read as a list of people."""
    with pytest.raises(ContactsUnreadable, match=r"people.pdf is none of .csv, .tsv"):
        read(tmp_path, b"%PDF", "people.pdf")


def test_hidden_is_skip_or_keep(tmp_path: Path) -> None:
    """Another word is refused before the file is opened."""
    with pytest.raises(InvalidArgument, match="hidden is 'skip' or 'keep', not 'drop'"):
        read_contacts(tmp_path / "nowhere.csv", hidden="drop")  # type: ignore[arg-type]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff"), max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.sampled_from(";,\t|"))
@example([("", ""), ('"', "x")], ";")
@example([("\n", "")], ",")
def test_what_csv_writes_is_read_back(
    tmp_path: Path, rows: list[tuple[str, str]], delimiter: str
) -> None:
    """Any cells that Python's csv writes come back, with true row numbers; blank rows go."""
    path = tmp_path / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
            [("name", "phone"), *rows]
        )
    rows = [("" if name in ERROR_CELLS else name, phone) for name, phone in rows]
    rows = [(name, "" if phone in ERROR_CELLS else phone) for name, phone in rows]
    kept = [(number, row) for number, row in enumerate(rows, 2) if any(map(str.strip, row))]
    expected = {
        "name": [name for _, (name, _) in kept],
        "phone": [phone for _, (_, phone) in kept],
    }
    assert_frame_equal(read_contacts(path), frame_of(expected, [number for number, _ in kept]))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["", "  ", ";", "a;b", '"x\ny";z', '"\r\n";""', "last", ";;;"])),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_row_numbers_are_those_of_a_spreadsheet(
    tmp_path: Path, lines: list[str], ending: str
) -> None:
    """Whatever mixture of blank lines and quoted line breaks: a row is what csv calls one."""
    path = tmp_path / "any.csv"
    text = ending.join(["one;two", *lines])
    path.write_bytes(text.encode())
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1:]
    expected = {
        number: [*record, "", ""][:2]
        for number, record in enumerate(records, 2)
        if any(map(str.strip, record))
    }
    found = read_contacts(path)
    assert dict(zip(found.index, found.to_numpy().tolist(), strict=True)) == expected


def numbered_lines(**changed: str) -> bytes:
    """A file that is large enough for pandas to read its parts at once."""
    lines = [f"name{row:06};+44770090{row % 10_000:04};note\n" for row in range(2, 240_002)]
    for row, line in changed.items():
        lines[int(row.removeprefix("row")) - 2] = line
    return ("name;phone;note\n" + "".join(lines)).encode("cp1257")


@pytest.mark.parametrize("row", [2, 120_000, 240_001])
def test_large_file_is_read_row_by_row(tmp_path: Path, row: int) -> None:
    """Wherever the odd row stands in a file of megabytes, its number is true."""
    found = read(tmp_path, numbered_lines(**{f"row{row}": '"a\nb";1;\n'}))
    assert len(found) == 240_000
    assert list(found.loc[row]) == ["a\nb", "1", ""]
    assert found.index[-1] == 240_001
    assert found["name"].iloc[-2] == "name240000"
    found = read(tmp_path, numbered_lines(**{f"row{row}": " ; ;\n"}))
    assert len(found) == 239_999
    assert row not in found.index
    for line, sentence in (
        ("a;b;c;d\n", f"row {row} has 4 cells, and the header has 3"),
        ('"a;b\n', f'a quote (") that begins in row {row} never ends'),
        ("Õnne;1\n", f"Line {row} of people.csv is not in utf-8"),
    ):
        with pytest.raises(ContactsUnreadable) as raised:
            read(tmp_path, numbered_lines(**{f"row{row}": line}))
        assert sentence in str(raised.value)


@pytest.mark.parametrize("name", ["spring_sale.csv", "spring_sale.xlsx"])
def test_nothing_depends_on_pyarrow(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Texts kept by Python, as without pyarrow, are the same as those kept by it."""
    expected = read_contacts(SAMPLES / name, hidden="keep")
    for module in (contacts, grid, text_files):
        monkeypatch.setattr(module, "STR", pd.StringDtype("python", na_value=float("nan")))
    found = read_contacts(SAMPLES / name, hidden="keep")
    assert found.to_dict("index") == expected.to_dict("index")
    assert {dtype.storage for dtype in found.dtypes} == {"python"}
    for storage in ("python", "pyarrow"):
        dtype: Any = pd.StringDtype(storage, na_value=float("nan"))
        texts = pd.array(["", " ", "\t\n", "\N{NO-BREAK SPACE}", "x", " x"], dtype=dtype)
        assert contacts._blanks(texts).tolist() == [True, True, True, True, False, False]
        assert contacts._blanks(texts[[1, 4]]).tolist() == [True, False]


def test_samples_agree() -> None:
    """The workbook and the CSV of the sample are one frame, the hidden row aside."""
    listed = read_contacts(SAMPLES / "spring_sale.csv")
    with pytest.warns(
        SmspmWarning, match=r"^1 hidden row \(row 214\) of spring_sale.xlsx left out"
    ):
        seen = read_contacts(SAMPLES / "spring_sale.xlsx")
    assert_frame_equal(seen, listed.drop(index=214))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_frame_equal(read_contacts(SAMPLES / "spring_sale.xlsx", hidden="keep"), listed)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("name\tphone, mobile\nAna\t1\nEva\t2\n", ["name", "phone, mobile"]),
        ("name;phone,number;a,b,c\nAna;1;x\nEva;2;y\n", ["name", "phone,number", "a,b,c"]),
        ("name;a,b\n1,5;2,5\n", ["name", "a,b"]),  # as often in both lines: the first of ; , tab |
        ('name,"a;b;c"\nAna,1\n', ["name", "a;b;c"]),
    ],
)
def test_rows_help_to_find_the_delimiter(tmp_path: Path, content: str, columns: list[str]) -> None:
    """A header that could be parted in several ways is parted as the rows below it are."""
    assert list(read(tmp_path, content).columns) == columns
