"""Workbooks of Excel and of those who write its format: what stands in the XML is what is read."""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import ContactsUnreadable, SmspmWarning
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.files.grid import ERROR_CELLS

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
PARTS = {
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="a" Type="{RELATION}officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>"
    ),
    "xl/workbook.xml": (
        f'<workbook {MAIN} {RELATED}><sheets><sheet name="A" sheetId="1" r:id="one"/></sheets>'
        "</workbook>"
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="one" Type="{RELATION}worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="two" Type="{RELATION}sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="three" Type="{RELATION}styles" Target="/xl/styles.xml"/>'
        "</Relationships>"
    ),
    "xl/sharedStrings.xml": f"<sst {MAIN}><si><t>cell</t></si></sst>",
    "xl/styles.xml": (
        f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="46"/>'
        "</cellXfs></styleSheet>"
    ),
}
HEADER = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'


def book(rows: str = "", *, before: str = "", after: str = "", **parts: str) -> io.BytesIO:
    """A workbook of one sheet under the header `cell`, with parts replaced."""
    sheet = f"<worksheet {MAIN}>{before}<sheetData>{HEADER}{rows}</sheetData>{after}</worksheet>"
    return packed({**PARTS, "xl/worksheets/sheet1.xml": sheet, **parts})


def packed(parts: Mapping[str, str | bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def cells(file: Any, **options: Any) -> dict[int, str]:
    """The cells of the first column by spreadsheet row."""
    column = read_contacts(file, **options).iloc[:, 0]
    return dict(zip(column.index, column, strict=True))


def inline(text: str) -> str:
    return f'<row r="2"><c r="A2" t="inlineStr"><is><t>{text}</t></is></c></row>'


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('r="A2"><v>12345678901234567890</v>', "12345678901234567890"),
        ('r="A2" t="n"><v>4.91713920012E11</v>', "491713920012"),
        ('r="A2" s="1"><v>46143</v>', "2026-05-01"),
        ('r="A2" s="2"><v>46143.4375</v>', "2026-05-01 10:30:00"),
        ('r="A2" s="3"><v>1.5</v>', "36:00:00"),
        ('r="A2" s="99"><v>5</v>', "5"),  # a style that is not there
        ('r="A2" t="d"><v>2026-05-01T00:00:00</v>', "2026-05-01"),
        ('r="A2" t="b"><v>1</v>', "TRUE"),
        ('r="A2" t="b"><v>0</v>', "FALSE"),
        ('r="A2" t="str"><f>A1</f><v>007</v>', "007"),
        ('r="A2"><f>1+1</f><v>2</v>', "2"),
        ('r="A2"><f>1-1</f><v>0</v>', "0"),  # computed: nothing says otherwise
        ('r="A2" t="inlineStr"><is><t>a</t></is>', "a"),
        ('r="A2" t="inlineStr"><is><r><rPr><b/></rPr><t>a</t></r><r><t> b</t></r></is>', "a b"),
        (
            'r="A2" t="inlineStr"><is><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></is>',
            "東京",
        ),
        ('r="A2" t="inlineStr"><is><t><![CDATA[<a> & b]]></t></is>', "<a> & b"),
        ('r="A2" t="str"><v>a_x000D__x000a_b_x005F_x000D_</v>', "a\r\nb_x000D_"),
        ('r="A2" t="str"><v>_xD83D__xDE00_</v>', "\N{GRINNING FACE}"),
        ('r="A2" t="str"><v>_x_ _xZZZZ_</v>', "_x_ _xZZZZ_"),  # no escapes
        ("><v>5</v>", "5"),  # a cell that does not say where it stands
        ('r="$A$2"><v>5</v>', None),
    ],
)
def test_cell_is_the_text_that_is_stored(cell: str, text: str | None) -> None:
    """Every type of cell, as Excel and others write it."""
    file = book(f'<row r="2"><c {cell}</c></row>')
    if text is None:
        with pytest.raises(ContactsUnreadable):
            read_contacts(file)
    else:
        assert cells(file) == {2: text}


@pytest.mark.parametrize(
    "cell", ['t="e"><v>#DIV/0!</v>', 't="str"><v>#N/A</v>', ">", "><v></v>", 't="str"><f>A1</f>']
)
def test_cell_without_a_value_is_blank(cell: str) -> None:
    """Errors, styled cells and formulas that gave an empty text hold nothing."""
    assert cells(book(f'<row r="2"><c r="A2" {cell}</c></row>')) == {}


def test_formula_that_was_never_computed_is_blank_and_counted() -> None:
    """A program that writes formulas without their values leaves nothing, or a nought, to read."""
    rows = "".join(
        f'<row r="{row}"><c r="A{row}"><f>1+1</f>{value}</c><c r="B{row}"><v>1</v></c></row>'
        for row, value in [(2, ""), (3, "<v/>"), (4, "<v>0</v>"), (5, "<v>2</v>")]
    )
    header = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="str"><v>b</v></c></row>'
    sheet = f"<worksheet {MAIN}><sheetData>{header}{rows}</sheetData></worksheet>"
    with pytest.warns(SmspmWarning, match=r"^2 formulas were never computed"):
        found = cells(packed({**PARTS, "xl/worksheets/sheet1.xml": sheet}))
    assert found == {2: "", 3: "", 4: "0", 5: "2"}
    # XlsxWriter writes a nought for every formula, and asks Excel to compute them all.
    main = PARTS["xl/workbook.xml"].replace("</sheets>", '</sheets><calcPr fullCalcOnLoad="1"/>')
    with pytest.warns(SmspmWarning, match=r"^3 formulas were never computed .* save it"):
        found = cells(packed({**PARTS, "xl/worksheets/sheet1.xml": sheet, "xl/workbook.xml": main}))
    assert found == {2: "", 3: "", 4: "", 5: "2"}


@pytest.mark.parametrize(
    ("before", "attributes", "hidden"),
    [
        ("", 'hidden="1"', True),
        ("", 'hidden="true"', True),
        ("", 'hidden="false"', False),
        ("", 'hidden="1" outlineLevel="1"', True),  # folded away in a group
        ("", 'collapsed="1"', False),  # the row that a folded group hangs on
        ("", 'ht="0" customHeight="1"', True),
        ("", 'ht="12.5"', False),
        ('<sheetFormatPr defaultRowHeight="15" zeroHeight="1"/>', "", False),  # the unused rows
        ('<sheetFormatPr defaultRowHeight="0" customHeight="1"/>', "", True),
        ('<sheetFormatPr defaultRowHeight="0"/>', 'ht="15"', False),
    ],
)
def test_row_without_height_is_hidden(before: str, attributes: str, hidden: bool) -> None:
    """Whatever the way in which a person made a row vanish."""
    header = HEADER.replace('r="1"', 'r="1" ht="15"', 1)
    rows = (
        f'{header}<row r="2" {attributes}><c r="A2"><v>2</v></c></row>'
        '<row r="3" ht="15"><c r="A3"><v>3</v></c></row>'
    )
    sheet = f"<worksheet {MAIN}>{before}<sheetData>{rows}</sheetData></worksheet>"
    parts = {**PARTS, "xl/worksheets/sheet1.xml": sheet}
    assert cells(packed(parts), hidden="keep") == {2: "2", 3: "3"}
    if hidden:
        with pytest.warns(SmspmWarning, match=r"1 hidden row \(row 2\)"):
            assert cells(packed(parts)) == {3: "3"}
    else:
        assert cells(packed(parts)) == {2: "2", 3: "3"}


@pytest.mark.parametrize("attributes", ['hidden="1"', 'hidden="true"', 'width="0"'])
def test_column_without_width_is_hidden(attributes: str) -> None:
    """Also one that was drawn together until nothing was left of it."""
    header = HEADER.replace("</row>", '<c r="B1" t="str"><v>b</v></c></row>')
    rows = f'{header}<row r="2"><c r="A2"><v>2</v></c><c r="B2"><v>3</v></c></row>'
    sheet = (
        f'<worksheet {MAIN}><cols><col min="2" max="99999" {attributes}/></cols>'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )
    with pytest.warns(SmspmWarning, match=r"1 hidden column \(column 'b'\)"):
        found = read_contacts(packed({**PARTS, "xl/worksheets/sheet1.xml": sheet}))
    assert found.to_dict("list") == {"cell": ["2"]}


def test_merged_value_stands_even_where_nothing_else_does() -> None:
    """A row of which a person sees only the merged value is a row; the header's is none."""
    rows = '<row r="2"><c r="A2"><v>7</v></c></row><row r="6"><c r="A6"><v>8</v></c></row>'
    merged = '<mergeCells><mergeCell ref="A2:B4"/><mergeCell ref="A1:A1"/></mergeCells>'
    assert cells(book(rows, after=merged)) == {2: "7", 3: "7", 4: "7", 6: "8"}
    header = '<mergeCells><mergeCell ref="A1:A4"/></mergeCells>'
    assert cells(book(rows, after=header)) == {2: "7", 6: "8"}


def prefixed(part: str) -> str:
    """The same part with a prefix on every element, as some programs write it."""
    return re.sub(r"<(/?)(?=[a-z])", r"<\1x:", part).replace("xmlns=", "xmlns:x=")


def test_format_may_be_spelled_in_other_ways() -> None:
    """Prefixes, the strict edition, other names of parts and backslashes in them."""
    rows = '<row><c t="s"><v>0</v></c></row><row><c><v>5</v></c></row>'
    sheet = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    plain = {**PARTS, "xl/worksheets/sheet1.xml": sheet}
    names = ("xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml")
    with_prefix = {**plain, **{name: prefixed(plain[name]) for name in names}}
    assert "<x:row>" in with_prefix["xl/worksheets/sheet1.xml"]
    strict = {
        name: part.replace("http://schemas.openxmlformats.org/", "http://purl.oclc.org/ooxml/")
        .replace("officeDocument/2006/", "officeDocument/")
        .replace("spreadsheetml/2006/", "spreadsheetml/")
        if name in names
        else part
        for name, part in plain.items()
    }
    back = {name.replace("/", "\\").upper(): part for name, part in plain.items()}
    moved = {
        **{name.replace("xl/w", "book/w"): part for name, part in plain.items()},
        "_rels/.rels": PARTS["_rels/.rels"].replace("xl/workbook", "/book/workbook"),
        "book/_rels/workbook.xml.rels": PARTS["xl/_rels/workbook.xml.rels"].replace(
            "sharedStrings.xml", "../xl/sharedStrings.xml"
        ),
    }
    for parts in (plain, with_prefix, strict, back, moved):
        assert cells(packed(parts)) == {2: "5"}


def test_what_another_vocabulary_says_is_not_read() -> None:
    """Extensions repeat names of the format, and mean something else."""
    odd = '<row r="9"><c r="A9"><v>9</v></c></row>'
    after = f'<extLst><ext xmlns:x="urn:x"><x:{odd[1:]}</ext></extLst>'.replace(
        "</row>", "</x:row>"
    )
    assert cells(book('<row r="2"><c r="A2"><v>5</v></c></row>', after=after)) == {2: "5"}


def test_workbook_of_the_macintosh_counts_from_1904() -> None:
    """Dates of such a workbook are four years later."""
    main = PARTS["xl/workbook.xml"].replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    file = book('<row r="2"><c r="A2" s="1"><v>44681</v></c></row>', **{"xl/workbook.xml": main})
    assert cells(file) == {2: "2026-05-01"}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ('<row r="2"><c r="XFE2"><v>5</v></c></row>', "more than 16,384 columns"),
        ('<row r="2"><c r="A2"><v>5</v></c></row><row r="1048577"/>', "more than 1,048,576 rows"),
        ('<row r="3"><c r="A3"><v>5</v></c></row><row r="2"/>', "Row 2 stands below row 3"),
        (inline("x" * 32_768), "more than 32,767 characters"),
        (inline("x" * 10_000_000), "more characters than a spreadsheet's cell can"),
        (inline("a_xD800_b"), "half a character"),
        (inline("a&#xD800;b"), "damaged"),
        (inline("a_x0000_b"), "a NUL"),
        ('<row r="2"><c r="A2" t="s"><v>7</v></c></row>', "damaged"),  # a text that is not there
        ('<row r="2"><c r="A2" t="s"><v>-1</v></c></row>', "damaged"),
        ('<row r="2"><c r="A2"><v>abc</v></c></row>', "damaged"),
        ('<row r="2"><c r="A2" s="x"><v>1</v></c></row>', "damaged"),
        ('<row r="0"/>', "stands below"),
        ('<row r="2"><c r="2"><v>5</v></c></row>', "more than 16,384 columns"),
    ],
)
def test_sheet_that_no_spreadsheet_holds_is_refused(rows: str, sentence: str) -> None:
    """Beyond Excel's own limits, or damaged: a sentence with what to do."""
    with pytest.raises(ContactsUnreadable, match=f"{sentence}.* save it as .xlsx or .csv"):
        read_contacts(book(rows))


def test_longest_cell_and_last_place_are_read() -> None:
    """Excel's limits are within, also where every character is escaped."""
    assert len(cells(book(inline("x" * 32_767)))[2]) == 32_767
    assert len(cells(book(inline("_x0009_" * 32_766 + "x")))[2]) == 32_767
    assert cells(book('<row r="1048576"><c r="A1048576"><v>5</v></c></row>')) == {1_048_576: "5"}


def test_sheet_that_is_not_there_is_damage() -> None:
    """A workbook that lost a part is refused, and so is one without sheets."""
    with pytest.raises(ContactsUnreadable, match="damaged"):
        read_contacts(packed(PARTS))
    main = f"<workbook {MAIN}/>"
    with pytest.raises(ContactsUnreadable, match="no visible sheet"):
        read_contacts(book(**{"xl/workbook.xml": main}))


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXTS, st.integers(-(10**14), 10**14)), max_size=6))
def test_what_xlsxwriter_writes_is_read_back(rows: list[tuple[str, int]]) -> None:
    """Any texts and whole numbers come back as they were written."""
    file = io.BytesIO()
    writer = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = writer.add_worksheet()
    sheet.write_row(0, 0, ["name", "number"])
    for place, (name, number) in enumerate(rows, 1):
        sheet.write_string(place, 0, name)
        sheet.write_number(place, 1, number)
    writer.close()
    file.seek(0)
    expected = pd.DataFrame(
        {
            "name": ["" if name in ERROR_CELLS else name for name, _ in rows],
            "number": [str(number) for _, number in rows],
        },
        index=pd.Index(range(2, 2 + len(rows)), dtype="int64", name="row"),
        dtype="str",
    )
    assert_frame_equal(read_contacts(file), expected)
