"""The sample files: freshly generated, consistent, and unable to reach a real person."""

import csv
import re
import runpy
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType
from python_calamine import CalamineWorkbook

SAMPLES = Path(__file__).parent.parent / "sample_data"
TEXT_FILES = ["spring_sale.csv", "opted_out.csv", "prices.csv", "spring_sale.txt"]
COLUMNS = ["first_name", "last_name", "phone", "country", "shop", "points", "joined"]

AU_MOBILES = (  # after 0491 57
    "0006 0110 0156 0157 0158 0159 0313 0737 1266 1491 1804 2549 2665 2983 3087 "
    "3770 4118 4632 5254 5789 6398 6801 7426 7644 8148 8888 8957 9212 9455 9760"
)
# First and last number of every range kept for fiction, as international digits.
RESERVED = [
    # Bundesnetzagentur, notice 148/2021
    ("491713920000", "491713920099"),
    ("4917604069000", "4917604069099"),
    ("4915228817386", "4915228817386"),
    ("4915228895456", "4915228895456"),
    ("4915254599371", "4915254599371"),
    ("491729925904", "491729925904"),
    ("491729968532", "491729968532"),
    ("491729973185", "491729973186"),
    ("491729980752", "491729980752"),
    ("491749091317", "491749091317"),
    ("491749464308", "491749464308"),
    ("493023125000", "493023125999"),
    ("498999998000", "498999998999"),
    # PTS
    ("46701740605", "46701740699"),
    ("46846500400", "46846500499"),
    # ACMA
    *((f"6149157{digits}", f"6149157{digits}") for digits in AU_MOBILES.split()),
    # NANPA: 555-0100 to 555-0199 in any area code, and dialled without one
    *((f"1{area}5550100", f"1{area}5550199") for area in (212, 312, 206, 416, 514, 902)),
    *((f"1{area}5550100", f"1{area}5550199") for area in (876, 787, 809)),
    ("15550100", "15550199"),
    # Ofcom
    ("447700900000", "447700900999"),
    ("442079460000", "442079460999"),
    # Arcep
    ("33639980000", "33639989999"),
]


def csv_rows(name: str, delimiter: str) -> list[list[str]]:
    """The cells of a sample CSV file, without its header."""
    with (SAMPLES / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))[1:]


def xlsx_rows(path: Path) -> list[list[str]]:
    """The cells of the workbook as the text that a CSV would hold."""
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_name("Spring sale")
    return [[as_text(cell) for cell in row] for row in sheet.to_python()]


def as_text(cell: object) -> str:
    """A cell as text: whole numbers without a point, dates as ISO."""
    if isinstance(cell, float):
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def phone_cells() -> Iterator[tuple[str, str]]:
    """Every phone text of the samples with its country; two numbers in one cell come one by one."""
    for row in csv_rows("spring_sale.csv", ";"):
        for text in re.split(r" / |, | or ", row[2]):
            yield text.strip().removesuffix(".0"), row[3]
    for number, _ in csv_rows("opted_out.csv", ","):
        yield number, "DE"


def readings(text: str, country: str) -> Iterator[PhoneNumber]:
    """What a text may mean: as dialled in the country, or as international digits."""
    for candidate in [text, f"+{text}"] if text.isdigit() else [text]:
        try:
            yield phonenumbers.parse(candidate, country)
        except NumberParseException:
            continue


def textable(number: PhoneNumber) -> bool:
    """Whether a number is valid and may be a mobile."""
    fixed = phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE
    return phonenumbers.is_valid_number(number) and not fixed


def is_reserved(number: PhoneNumber) -> bool:
    """Whether a number, or what is left of a cut or lengthened one, lies in a reserved range."""
    digits = f"{number.country_code}{number.national_number}"
    return any(
        low[: len(digits)] <= digits[: len(low)] <= high[: len(digits)]
        and (len(digits) == len(low) or not phonenumbers.is_valid_number(number))
        for low, high in RESERVED
    )


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with newly generated files."""
    folder = tmp_path_factory.mktemp("samples")
    runpy.run_path(str(SAMPLES / "make_samples.py"))["main"](folder)
    return folder


@pytest.mark.parametrize("name", TEXT_FILES)
def test_text_files_are_what_the_generator_writes(fresh: Path, name: str) -> None:
    """Each text file equals the generator's, byte for byte."""
    assert (SAMPLES / name).read_bytes() == (fresh / name).read_bytes()


def test_workbook_is_what_the_generator_writes(fresh: Path) -> None:
    """The workbook equals the generator's, cell by cell and in the markup of its sheet."""
    stored, made = SAMPLES / "spring_sale.xlsx", fresh / "spring_sale.xlsx"
    assert xlsx_rows(stored) == xlsx_rows(made)
    assert sheet_xml(stored) == sheet_xml(made)


def sheet_xml(path: Path) -> str:
    """The markup of the workbook's only sheet."""
    with zipfile.ZipFile(path) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def test_workbook_and_csv_hold_the_same_rows() -> None:
    """The workbook and the CSV agree in every cell, hidden row and blank line included."""
    assert xlsx_rows(SAMPLES / "spring_sale.xlsx") == [COLUMNS, *csv_rows("spring_sale.csv", ";")]


def test_every_number_is_reserved_for_fiction() -> None:
    """Whatever can be read as a number lies in a reserved range, so nobody can be texted."""
    for text, country in phone_cells():
        found = list(readings(text, country))
        meant = [n for n in found if textable(n)] or found[:1]
        assert all(map(is_reserved, meant)), (text, country)


def test_list_is_long_and_international() -> None:
    """The list has at least 600 rows, and textable numbers of at least 7 countries."""
    rows = [row for row in csv_rows("spring_sale.csv", ";") if any(row)]
    regions = {
        phonenumbers.region_code_for_number(number)
        for text, country in phone_cells()
        for number in readings(text, country)
        if textable(number)
    }
    assert len(rows) >= 600
    assert regions >= {"DE", "SE", "AU", "US", "CA", "JM", "PR", "DO"}


def test_one_row_is_hidden_in_the_workbook() -> None:
    """Exactly one row is hidden, and it holds a person."""
    hidden = re.findall(r'<row r="(\d+)"[^>]*hidden="1"', sheet_xml(SAMPLES / "spring_sale.xlsx"))
    assert len(hidden) == 1
    assert all(xlsx_rows(SAMPLES / "spring_sale.xlsx")[int(hidden[0]) - 1])


def test_csv_is_saved_as_a_european_excel_does() -> None:
    """The CSV has a BOM, semicolons and CRLF line ends."""
    content = (SAMPLES / "spring_sale.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf" + ";".join(COLUMNS).encode() + b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")


def test_every_country_has_an_illustrative_price() -> None:
    """Every country of the list has a price, and each price says that it is no quotation."""
    prices = {country: note for country, _, note in csv_rows("prices.csv", ",")}
    countries = {row[3] for row in csv_rows("spring_sale.csv", ";") if any(row)}
    assert countries <= prices.keys()
    assert set(prices.values()) == {"illustrative, not a quotation"}
