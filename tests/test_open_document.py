"""Workbooks in OpenDocument: what a person sees in them, and nothing around it."""

import io
import zipfile
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.exceptions import ContactsUnreadable, SmspmWarning
from smspm_campaigns.frames.contacts import read_contacts

SPACE = "urn:oasis:names:tc:opendocument:xmlns:"
HEADER = (
    '<t:table-row><t:table-cell o:value-type="string"><x:p>cell</x:p></t:table-cell></t:table-row>'
)


def book(rows: str, *, before: str = "", after: str = "", styles: str = "") -> io.BytesIO:
    """A workbook of one sheet under the header `cell`."""
    return document(
        f'{before}<t:table t:name="People">{HEADER}{rows}</t:table>{after}', styles=styles
    )


def document(spreadsheet: str, styles: str = "") -> io.BytesIO:
    content = (
        f'<o:document-content xmlns:o="{SPACE}office:1.0" xmlns:t="{SPACE}table:1.0"'
        f' xmlns:x="{SPACE}text:1.0" xmlns:s="{SPACE}style:1.0"><o:automatic-styles>{styles}'
        f"</o:automatic-styles><o:body><o:spreadsheet>{spreadsheet}</o:spreadsheet></o:body>"
        "</o:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    file.seek(0)
    return file


def cell(content: str = "", attributes: str = 'o:value-type="string"') -> str:
    return f"<t:table-cell {attributes}>{content}</t:table-cell>"


def row(*cells: str, attributes: str = "") -> str:
    return f"<t:table-row {attributes}>{''.join(cells)}</t:table-row>"


def text(content: str) -> str:
    return cell(f"<x:p>{content}</x:p>")


def cells(file: Any, **options: Any) -> dict[int, str]:
    """The cells of the first column by spreadsheet row."""
    column = read_contacts(file, **options).iloc[:, 0]
    return dict(zip(column.index, column, strict=True))


@pytest.mark.parametrize(
    ("made", "seen"),
    [
        (text("007"), "007"),
        (text("a<x:s/>b<x:s x:c='2'/>c"), "a b  c"),
        (text("a<x:tab/>b<x:line-break/>c"), "a\tb\nc"),
        (cell("<x:p>a</x:p><x:p/><x:p>b</x:p>"), "a\n\nb"),
        (text("a <x:span>b</x:span><x:a>c</x:a>"), "a bc"),
        (cell("<o:annotation><x:p>no</x:p></o:annotation><x:p>Eva</x:p>"), "Eva"),
        (cell("<x:p>Eva</x:p><o:annotation><x:p>a<x:s/></x:p></o:annotation>"), "Eva"),
        (cell("\n  <x:p>Eva</x:p>\n"), "Eva"),  # written over several lines
        (cell("<x:p>Eva</x:p>", ""), "Eva"),  # a program that does not say what it is
        (cell("<x:p>x</x:p>", 'o:value-type="string" o:string-value="y"'), "y"),
        (cell("", 'o:value-type="float" o:value="12345678901234567890"'), "12345678901234567890"),
        (cell("<x:p>7,00</x:p>", 'o:value-type="float" o:value="7"'), "7"),
        (cell("", 'o:value-type="percentage" o:value="0.125"'), "0.125"),
        (cell("", 'o:value-type="currency" o:value="12.5"'), "12.5"),
        (cell("", 'o:value-type="boolean" o:boolean-value="false"'), "FALSE"),
        (cell("", 'o:value-type="date" o:date-value="2026-05-01"'), "2026-05-01"),
        (cell("", 'o:value-type="date" o:date-value="2026-05-01T10:30:00"'), "2026-05-01 10:30:00"),
        (cell("", 'o:value-type="time" o:time-value="PT09H15M00S"'), "09:15:00"),
    ],
)
def test_cell_is_the_text_a_person_sees(made: str, seen: str) -> None:
    """Every type of cell; comments are about a cell, not in it."""
    assert cells(book(row(made))) == {2: seen}


def test_repeated_rows_and_columns_are_counted() -> None:
    """What stands once in the file for several rows or columns stands in each of them."""
    blank = row(
        cell("", 't:number-columns-repeated="16384"'), attributes='t:number-rows-repeated="3"'
    )
    twice = row(text("a"), attributes='t:number-rows-repeated="2"')
    end = row(cell("", ""), attributes='t:number-rows-repeated="1048569"')
    assert cells(book(blank + twice + row(text("b")) + end)) == {5: "a", 6: "a", 7: "b"}
    wide = cell("<x:p>n</x:p>", 'o:value-type="string" t:number-columns-repeated="2"')
    header = row(text("a"), text("b"), text("c"))
    file = document(f'<t:table t:name="A">{header}{row(wide, text("z"))}</t:table>')
    assert read_contacts(file).to_dict("list") == {"a": ["n"], "b": ["n"], "c": ["z"]}


def test_repeated_hidden_rows_and_columns_are_hidden() -> None:
    """Visibility is said once for all that it holds for."""
    header = row(text("a"), text("b"), text("c"))
    columns = (
        '<t:table-column/><t:table-column t:visibility="collapse" t:number-columns-repeated="2"/>'
    )
    hidden = row(text("x"), attributes='t:visibility="filter" t:number-rows-repeated="2"')
    file = document(f'<t:table t:name="A">{columns}{header}{hidden}{row(text("y"))}</t:table>')
    with pytest.warns(SmspmWarning, match=r"2 hidden rows \(row 2, 3\) and 2 hidden columns"):
        found = read_contacts(file)
    assert found.to_dict("index") == {4: {"a": "y"}}


def test_merged_value_stands_in_every_row_it_covers() -> None:
    """The covered cells hold nothing, or what was there before."""
    merged = cell("<x:p>Tartu</x:p>", 'o:value-type="string" t:number-rows-spanned="3"')
    covered = "<t:covered-table-cell/>"
    left = '<t:covered-table-cell o:value-type="string"><x:p>old</x:p></t:covered-table-cell>'
    rows = row(merged) + row(covered) + row(left) + row(text("Narva"))
    assert cells(book(rows)) == {2: "Tartu", 3: "Tartu", 4: "Tartu", 5: "Narva"}


def test_error_of_libreoffice_is_blank() -> None:
    """LibreOffice marks errors in a vocabulary of its own; others write the word."""
    own = 'xmlns:c="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    marked = cell("<x:p>Err:502</x:p>", f'{own} o:value-type="string" c:value-type="error"')
    assert cells(book(row(marked) + row(text("#N/A")) + row(text("x")))) == {4: "x"}


def test_other_tables_of_the_document_are_no_sheets() -> None:
    """What was changed, and what is linked, is kept in tables too."""
    change = f"<t:tracked-changes><t:change>{text('old')}</t:change></t:tracked-changes>"
    link = f"<t:dde-link><t:table>{row(text('linked'))}</t:table></t:dde-link>"
    assert cells(book(row(text("new")), before=change + link, after=link)) == {2: "new"}


def test_hidden_sheet_is_left_out() -> None:
    """A sheet is hidden by the style of its table."""
    styles = (
        '<s:style s:name="off"><s:table-properties t:display="false"/></s:style>'
        '<s:style s:name="on"><s:table-properties t:display="true"/></s:style>'
    )
    old = f'<t:table t:name="Old" t:style-name="off">{HEADER}{row(text("old"))}</t:table>'
    new = f'<t:table t:name="New" t:style-name="on">{HEADER}{row(text("new"))}</t:table>'
    with pytest.warns(SmspmWarning, match="^1 hidden sheet of The file left out: 'Old'"):
        assert cells(document(old + new, styles)) == {2: "new"}
    assert cells(document(old + new, styles), sheet="Old") == {2: "old"}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (row(cell("<x:p>a</x:p>", 'o:value-type="string" t:number-columns-repeated="16385"')),
         "more than 16,384 columns"),
        (row(text("a"), attributes='t:number-rows-repeated="1048576"'), "more than 1,048,576 rows"),
        (row(cell("<x:p>a</x:p>", 'o:value-type="string" t:number-columns-repeated="16000"'),
             attributes='t:number-rows-repeated="9999"'), "more than 40,000,000 cells"),
        (row(text("a<x:s x:c='1000000000'/>")), "more than 32,767 characters"),
        (row(text("x" * 32_768)), "more than 32,767 characters"),
        (row(text("&#xD800;")), "damaged"),
        (row(cell("", 'o:value-type="float"')), "damaged"),
        (row(cell("", 'o:value-type="float" o:value="1,5"')), "damaged"),
        (row(cell("", 'o:value-type="date" o:date-value="yesterday"')), "damaged"),
        (row(text("a"), attributes='t:number-rows-repeated="-5"'), "damaged"),
        (row(text("a"), attributes='t:number-rows-repeated="x"'), "damaged"),
        (row(cell(f"<t:table>{row(text('b'))}</t:table>")), "a table within a cell"),
    ],
)  # fmt: skip
def test_sheet_that_no_spreadsheet_holds_is_refused(rows: str, sentence: str) -> None:
    """Beyond the limits, or damaged: a sentence with what to do."""
    with pytest.raises(ContactsUnreadable, match=f"{sentence}.* save it as .xlsx or .csv"):
        read_contacts(book(rows))


def test_huge_blanks_and_spans_cost_nothing() -> None:
    """Numbers that claim a billion hidden rows and columns are no memory."""
    much = "t:number-columns-repeated='1000000000'"
    rows = row(f"<t:table-cell {much}/>", attributes="t:number-rows-repeated='1000000000'")
    assert cells(book(rows)) == {}
    file = document(
        f'<t:table t:name="A"><t:table-column/><t:table-column t:visibility="collapse" {much}/>'
        f"{HEADER}{row(text('a'))}</t:table>"
    )
    assert cells(file) == {2: "a"}


TEXTS = st.text(st.sampled_from("aõ;\" '&<>"), max_size=6)


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, max_size=6))
def test_any_texts_are_read_back(texts: list[str]) -> None:
    """What is written as text:p is the text of the cell, spaces included."""
    escaped = pd.Series(texts, dtype="str").str.replace("&", "&amp;").str.replace("<", "&lt;")
    expected = {number: value for number, value in enumerate(texts, 2) if value.strip()}
    assert cells(book("".join(row(text(value)) for value in escaped))) == expected
