"""Any spelling of a number becomes the digits the API wants, or a reason a person understands."""

# Look-alikes are what some of these cases are about.
# ruff: noqa: RUF001

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, SmspmWarning
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.countries import NAME_IT
from smspm_campaigns.frames.numbers import normalize_numbers

OURS = ["sms_to", "sms_country", "sms_line", "sms_problems", "sms_detail"]
ANA = "491713920012"  # 0171 39200 12, reserved for fiction


def read(cell: Any, region: str | None = None, **options: Any) -> tuple[Any, ...]:
    """What is said of one cell: number, country, line, problems, detail; None for nothing."""
    frame = pd.DataFrame({"phone": pd.Series([cell], dtype=object)})
    told = normalize_numbers(frame, region=region, **options)[OURS].astype(object)
    return tuple(None if pd.isna(value) else value for value in told.iloc[0])


@pytest.mark.parametrize(
    ("cell", "region", "number", "country", "line"),
    [
        ("+49 171 39200 12", None, ANA, "DE", "mobile"),
        ("0171 39200 12", "DE", ANA, "DE", "mobile"),
        ("0171/3920012", "DE", ANA, "DE", "mobile"),
        ("(0171) 39200-12", "de", ANA, "DE", "mobile"),
        ("171 39200 12", "DE", ANA, "DE", "mobile"),  # a spreadsheet ate the zero
        ("0171.3920012", "DE", ANA, "DE", "mobile"),
        ("Mobile: 0171 3920012", "DE", ANA, "DE", "mobile"),
        ("+49-171-3920012", "SE", ANA, "DE", "mobile"),
        ("070-174 06 05", "SE", "46701740605", "SE", "mobile"),
        ("0491 570 006", "AU", "61491570006", "AU", "mobile"),
        ("(212) 555-0167", "US", "12125550167", "US", "fixed_line_or_mobile"),
        ("212.555.0167", "CA", "12125550167", "US", "fixed_line_or_mobile"),
        ("+1 876 555 0130", None, "18765550130", "JM", "mobile"),
        ("+1 787 555 0130", None, "17875550130", "PR", "fixed_line_or_mobile"),
        ("+1 809 555 0130", None, "18095550130", "DO", "fixed_line_or_mobile"),
        ("020 7946 0123", "GB", "442079460123", "GB", "fixed_line"),
        ("030 23125 000", "DE", "493023125000", "DE", "fixed_line"),
        ("033203/123456", "DE", "4933203123456", "DE", "fixed_line"),  # one number, not two
        ("+49 33203/123456", None, "4933203123456", "DE", "fixed_line"),
        ("+39 06 698 12345", None, "390669812345", "VA", "fixed_line"),  # its zero belongs to it
        ("011 49 171 39200 12", "US", ANA, "DE", "mobile"),  # abroad, as dialled there
        ("0011 49 171 39200 12", "AU", ANA, "DE", "mobile"),
        ("001 49 171 39200 12", "SG", ANA, "DE", "mobile"),
        ("37256789045", None, "37256789045", "EE", "mobile"),  # the quick start's own format
        ("+800 1234 5678", None, "80012345678", "001", "toll_free"),
    ],
)  # fmt: skip
def test_number_needs_no_repair(
    cell: str, region: str | None, number: str, country: str, line: str
) -> None:
    """Usual spellings are read without a word."""
    assert read(cell, region) == (number, country, line, None, None)


INVISIBLE = "invisible characters were removed"
SCRIPT = "digits of another script were read"


@pytest.mark.parametrize(
    ("cell", "region", "number", "repairs"),
    [
        ("\u202a+49 171 3920012\u202c", None, ANA, INVISIBLE),  # bidi marks, copied from a page
        ("\u200b0171 3920012\ufeff", "DE", ANA, INVISIBLE),  # zero width
        ("0171\u00a03920012", "DE", ANA, INVISIBLE),  # NBSP
        ("0171\u20093920012", "DE", ANA, INVISIBLE),  # thin space
        ("0171\n3920012", "DE", ANA, INVISIBLE),  # broken in two lines, and too short for two
        ("0171\u20283920012", "DE", ANA, INVISIBLE),
        ("'0171 3920012", "DE", ANA, "a leading apostrophe was removed"),
        ("tel:+49-171-3920012", None, ANA, "'tel:' was removed"),
        ("TEL: 0171 3920012", "DE", ANA, "'tel:' was removed"),
        ("0049 171 3920012", None, ANA, "'00' was read as '+'"),
        ("00491713920012", "DE", ANA, "'00' was read as '+'"),
        ("00 49 171 3920012", "AU", ANA, "'00' was read as '+'"),  # not how Australia dials
        ("(0049) 171 3920012", None, ANA, "'00' was read as '+'"),
        ("+49 (0) 171 3920012", None, ANA, "'(0)' was removed"),
        ("+49(0)171 3920012", None, ANA, "'(0)' was removed"),
        ("(+49) (0)171 3920012", None, ANA, "'(0)' was removed"),
        ("0049 (0)171 3920012", None, ANA, "'00' was read as '+', '(0)' was removed"),
        ("+372 (0)5678 9045", None, "37256789045", "'(0)' was removed"),  # has no trunk zero
        ("491713920012.0", None, ANA, "a trailing .0 was removed"),
        ("1713920012.00", "DE", ANA, "a trailing .0 was removed"),
        ("+491713920012.0", None, ANA, "a trailing .0 was removed"),
        ("4.91713920012E+11", None, ANA, "an exponent that held every digit was written out"),
        ("4,91713920012e11", None, ANA, "an exponent that held every digit was written out"),
        ("4.917139200120E+11", None, ANA, "an exponent that held every digit was written out"),
        ("０１７１３９２００１２", "DE", ANA, SCRIPT),
        ("٠١٧١ ٣٩٢٠٠١٢", "DE", ANA, SCRIPT),
        ("+٤٩ १७१ 3920012", None, ANA, SCRIPT),
        ("\u202a'tel:00491713920012\u202c", None, ANA,
         (f"{INVISIBLE}, a leading apostrophe was removed, 'tel:' was removed, "
          "'00' was read as '+'")),
    ],
)  # fmt: skip
def test_repair_is_named(cell: str, region: str | None, number: str, repairs: str) -> None:
    """What spreadsheets and web pages did is undone, and sms_detail says what."""
    to, _, line, problems, detail = read(cell, region)
    assert (to, line, problems) == (number, "mobile", None)
    assert detail.startswith("Number read: '")
    assert detail.endswith(f"': {repairs}.")


@pytest.mark.parametrize(
    ("cell", "region", "number", "repairs"),
    [
        ("'0171 3920012", "DE", ANA, "a leading apostrophe was removed"),
        ("''0171 3920012", "DE", ANA, "a leading apostrophe was removed"),
        ("'+491713920012", None, ANA, "a leading apostrophe was removed"),
        ("'37256789045", None, "37256789045", "a leading apostrophe was removed"),
        ("''37256789045", None, "37256789045", "a leading apostrophe was removed"),
        ("Tel:0171 3920012", "DE", ANA, "'tel:' was removed"),
        ("'tel:0171 3920012", "DE", ANA, "a leading apostrophe was removed, 'tel:' was removed"),
        ("(00) 49 171 3920012", None, ANA, "'00' was read as '+'"),
        ("00-49-171-3920012", None, ANA, "'00' was read as '+'"),
        ("00372 5678 9045", "US", "37256789045", "'00' was read as '+'"),
        ("+49-(0)171-3920012", None, ANA, "'(0)' was removed"),
        ("+372-(0)5678 9045", None, "37256789045", "'(0)' was removed"),
        ("+372.( 0 ).5678.9045", None, "37256789045", "'(0)' was removed"),
        ("＋372 (0)5678 9045", None, "37256789045", "'(0)' was removed"),
        ("491713920012.0 ", None, ANA, "a trailing .0 was removed"),
        ("3023125.0 ", "DE", "493023125", "a trailing .0 was removed"),
        ("+49 171 3920012.0", None, ANA, "a trailing .0 was removed"),
        ("0171-3920012.0", "DE", ANA, "a trailing .0 was removed"),
        ("00491713920012.0", None, ANA, "a trailing .0 was removed, '00' was read as '+'"),
        ("+491.713920012E+11", None, None, ""),  # an exponent has one digit before its point
        ("4.91713920012E11", None, ANA, "an exponent that held every digit was written out"),
        ("+4.91713920012E+11", None, ANA, "an exponent that held every digit was written out"),
        ("'4.91713920012E+11", None, ANA,
         ("a leading apostrophe was removed, an exponent that held every digit was written "
          "out")),
        ("0049 (0) 171 3920012.0", None, ANA,
         "a trailing .0 was removed, '00' was read as '+', '(0)' was removed"),
    ],
)  # fmt: skip
def test_detail_says_all_that_was_mended(
    cell: str, region: str | None, number: str | None, repairs: str
) -> None:
    """The whole note: the cell as it was, and every repair in the order in which it was done."""
    to, _, _, problems, detail = read(cell, region)
    assert (to, problems) == (number, None if number else "invalid_number")
    if number:
        assert detail == f"Number read: '{cell.strip()}': {repairs}."


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        ("0171'3920012", "DE", None),  # an apostrophe, and not a leading one
        ("0171 3920012'", "DE", ANA),
        ("tel 0171 3920012", "DE", ANA),  # phonenumbers passes over a word
        ("Fax: 0171 3920012", "DE", ANA),
        ("0 049 171 3920012", "DE", ANA),
        ("0171 0049 123", "DE", "491710049123"),  # 00 within a number
        ("0171 (0) 3920012", "DE", "4917103920012"),  # a (0) without a country code before it
        ("(0)171 3920012", "DE", ANA),
        ("+49 171 (0)", None, None),
        ("01.23.45.67.80", "FR", "33123456780"),  # no float has two points
        ("01.23.45.67.00", "FR", "33123456700"),
        ("020 7946.0100", "GB", "442079460100"),
        ("020 7946.0000", "GB", "442079460000"),  # four zeros are a group of digits
        ("02079460000", "GB", "442079460000"),
        ("+39 (06) 698 12345", None, "390669812345"),  # not (0)
        ("0039 06 698 12345", "IT", "390669812345"),
        ("+39 (0)6 698 12345", None, "390669812345"),  # an Italian landline keeps its zero
        ("+39 (0)347 1234567", None, "393471234567"),  # an Italian mobile has none
        ("1E5", "DE", None),
    ],
)  # fmt: skip
def test_near_miss_of_a_repair_is_left_alone(cell: str, region: str, number: str | None) -> None:
    """What only looks like damage is read as it stands."""
    to, _, _, problems, detail = read(cell, region)
    assert to == number
    assert (problems is None) == (number is not None)
    if number is not None and cell[:4] not in ("0039", "+39 "):
        assert detail is None


TWO = "seems to hold two numbers. Keep one in this cell."


@pytest.mark.parametrize(
    ("cell", "region", "problem", "says"),
    [
        (None, "DE", "missing_number", "No number: the cell is blank."),
        (np.nan, "DE", "missing_number", "No number: the cell is blank."),
        (pd.NA, "DE", "missing_number", "No number: the cell is blank."),
        ("", "DE", "missing_number", "No number: the cell is blank."),
        ("  \u00a0", "DE", "missing_number", "No number: the cell is blank."),
        ("\u200b\u202a", "DE", "missing_number", "the cell holds invisible characters only."),
        ("'", "DE", "missing_number", "the cell holds invisible characters only."),
        ("########", "DE", "damaged_number", "the column was too narrow when the file was saved"),
        ("4.91714E+11", None, "damaged_number", "a spreadsheet kept only the first digits"),
        ("4,9E11", "DE", "damaged_number", "a spreadsheet kept only the first digits"),
        ("491714000000.0", None, "damaged_number", "a spreadsheet kept only the first digits"),
        ("+491714000000.0", None, "damaged_number", "a spreadsheet kept only the first digits"),
        ("5E+11", "DE", "damaged_number", "a spreadsheet kept only the first digits"),
        ("+4917139200123456", None, "damaged_number", "16 digits are more than the 15"),
        ("0171 3920012 0171 3920013", "DE", "invalid_number", TWO),
        ("+49 171 3920012 +49 171 3920013", None, "invalid_number", TWO),
        ("5123456 5234567", "EE", "invalid_number", TWO),
        ("0171 39200120171 3920013", "DE", "damaged_number", "22 digits are more than the 15"),
        # phonenumbers takes a German number of 17 digits; the API takes none above 15.
        ("+493022222222222222", None, "damaged_number", "18 digits are more than the 15"),
        ("+49302222222222222", None, "damaged_number", "17 digits are more than the 15"),
        ("030 2222222222222", "DE", "damaged_number", "17 digits are more than the 15"),
        ("0171 3920012 / 0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012/0171 3920013", "DE", "invalid_number", TWO),
        ("030 231250/231251", "DE", "invalid_number", TWO),
        ("0171 3920012, 0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012; 0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012 | 0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012 & 0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012 oder 0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012 or 0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012\n0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012\r\n0171 3920013", "DE", "invalid_number", TWO),
        ("0171 3920012 ext. 5", "DE", "invalid_number", "it has an extension"),
        ("+49 171 3920012;5", None, "invalid_number", "it has an extension"),
        ("+49 171 3920012 x 12345", None, "invalid_number", "it has an extension"),
        ("447700900123.0", None, "invalid_number", "there is no such number in GB"),
        ("07700 900123", "GB", "invalid_number", "there is no such number in GB"),
        ("06 39 98 00 12", "FR", "invalid_number", "there is no such number in FR"),
        ("+372 5678", None, "invalid_number", "it is too short"),
        ("+49 1", None, "invalid_number", "it is too short"),
        ("+49 171 3920012 34", None, "invalid_number", "there is no such number in DE"),
        ("+372 567890451234", None, "invalid_number", "it is too long"),
        ("+999 12345678", None, "invalid_number", "there is no such country code"),
        ("011 999 12345678", "US", "invalid_number", "there is no such country code"),
        ("0171 3920012", None, "invalid_number", "it has no country code; say region=…"),
        ("0171 3920012", "XX", "invalid_number", "and 'XX' is no country that is known"),
        ("3725678904", "XX", "invalid_number", "and 'XX' is no country that is known"),
        ("ask her", "DE", "invalid_number", "it does not look like a phone number"),
        (True, "DE", "invalid_number", "'TRUE': it does not look like a phone number"),
        ("-", "DE", "invalid_number", "it does not look like a phone number"),
        ("²³²³²³", "DE", "invalid_number", "it does not look like a phone number"),
        ("\ud800", "DE", "invalid_number", "'\\ud800': it does not look like a phone number"),
        ("1" * 251, "DE", "invalid_number", "it is too long"),
        ("1/" * 100_000, "DE", "invalid_number", "it is too long"),  # and it does not take long
    ],
)  # fmt: skip
def test_refusal_says_why(cell: Any, region: str | None, problem: str, says: str) -> None:
    """What cannot be sent to has its problem and a sentence, and no number at all."""
    frame = pd.DataFrame({"phone": pd.Series([cell], dtype=object), "land": region})
    told = normalize_numbers(frame, region=region and "land")[OURS].astype(object)
    to, country, line, problems, detail = told.iloc[0]
    assert (problems, pd.isna(to), pd.isna(country), pd.isna(line)) == (problem, *[True] * 3)
    assert says in detail


def test_float_is_not_read_with_another_digit() -> None:
    """447400123456.0 is 447400123456, never 4474001234560."""
    assert read("447400123456.0")[0] == "447400123456"
    assert read("4477009001.0")[0] is None


@pytest.mark.parametrize(
    ("cell", "region", "number", "country", "detail"),
    [
        # Also a valid German landline, which no SMS reaches.
        ("37256789045", "DE", "37256789045", "EE",
         "read with a country code, from EE, though without one it would be valid too, from DE."),
        ("491713920012", "DE", ANA, "DE",
         "read with a country code, from DE, though without one it would be valid too, from DE."),
        # Both can receive: the national one.
        ("6102550167", "US", "16102550167", "US", None),
        ("3725550167", "US", None, None, None),
        ("46701740605", "US", "46701740605", "SE", None),  # only the international one is valid
        ("2125550167", "US", "12125550167", "US", None),
    ],
)  # fmt: skip
def test_bare_digits_are_read_twice(
    cell: str, region: str, number: str | None, country: str | None, detail: str | None
) -> None:
    """Bare digits count as national and as international; the one that can be texted wins."""
    to, where, _, _, said = read(cell, region)
    if number is not None:
        assert (to, where) == (number, country)
    if detail is not None:
        assert said == f"Two readings: '{cell}': {detail}"


OSTFRIESLAND = "49491713920012"  # a landline, in whose area code are the digits of Ana's country


@pytest.mark.parametrize(
    "cell",
    [
        "49 171 3920012",
        "49171 3920012",
        "49-171-3920012",
        "49.171.3920012",
        "4917/13920012",
        "49 / 171 / 39200 12",
        "49 (171) 3920012",
        "49\u00a0171\u20133920012",
        "49 171 3920012.0",
        "- 49 171 3920012",
        "Tel. 49 171 3920012",
    ],
)
def test_separators_do_not_hide_a_country_code(cell: str) -> None:
    """With a separator anywhere behind the country code, digits are read twice and told so."""
    to, country, line, problem, detail = read(cell, "DE")
    assert (to, country, line, problem) == (ANA, "DE", "mobile", None)
    assert "read with a country code, from DE, though without one it would be valid" in detail


@pytest.mark.parametrize(
    "cell",
    [
        "(49) 171 3920012",
        "[49] 171 3920012",
        "(4917) 13920012",
        "4 9171 3920012",
        "4-917-13920012",
        "0491 713920012",
        "04917/13920012",
        "(0491) 713920012",
        "+49 491 713920012",
    ],
)
def test_what_is_surely_national_or_has_a_plus_is_read_once(cell: str) -> None:
    """An area code in brackets, a broken country code, a leading 0 or a plus leave no choice."""
    assert read(cell, "DE") == (OSTFRIESLAND, "DE", "fixed_line", None, None)


@pytest.mark.parametrize(
    ("cell", "region", "number", "other"),
    [
        ("(212) 555-0167", "US", "12125550167", None),
        ("212-555-0167", "US", "12125550167", None),
        ("1 212 555 0167", "US", "12125550167", None),
        ("(479) 555-0167", "US", "14795550167", None),
        ("479 555-0167", "US", "14795550167", "NO"),
        ("321 1234567", "CO", "573211234567", "BE"),
        ("131 2345 6789", "CN", "8613123456789", "US"),
        ("312 345 6789", "IT", "393123456789", None),
        ("612 34 56 78", "ES", "34612345678", None),
        ("512 345 678", "PL", "48512345678", None),
        ("406 12 345", "NO", "4740612345", None),
        ("34 41 23 45", "DK", "4534412345", None),
        ("5123 4567", "EE", "37251234567", None),
        ("8 912 345-67-89", "RU", "79123456789", None),
        ("8 495 123-45-67", "RU", "74951234567", None),  # +84 95 1234567 is a mobile in Vietnam
    ],
)
def test_national_numbers_without_a_leading_zero_stay(
    cell: str, region: str, number: str, other: str | None
) -> None:
    """Where the national reading can be texted it is taken, and another valid one is told."""
    to, _, _, problem, detail = read(cell, region)
    assert (to, problem) == (number, None)
    note = other and (
        f"Two readings: '{cell}': read without a country code, from {region}, though with one it "
        f"would be valid too, from {other}."
    )
    assert detail == note


@pytest.mark.parametrize(
    ("kind", "kept"), [(PhoneNumberType.MOBILE, 200), (PhoneNumberType.FIXED_LINE, 200)]
)
def test_national_examples_of_all_regions_stay(kind: int, kept: int) -> None:
    """Each example, written as its own region writes it, is the number that it was."""
    found = [
        (region, number)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        if (number := phonenumbers.example_number_for_type(region, kind))
    ]
    assert len(found) >= kept
    cells = [phonenumbers.format_number(n, PhoneNumberFormat.NATIONAL) for _, n in found]
    frame = pd.DataFrame({"phone": cells, "land": [region for region, _ in found]})
    told = normalize_numbers(frame, region="land")
    assert told["sms_to"].to_list() == [digits_of(number) for _, number in found]


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        ("49 171 3920012", None, ANA),
        ("49171 3920012", "EE", ANA),  # too long for Estonia
        ("4 9171 3920012", None, None),
        ("(49) 171 3920012", None, None),
        ("0171 3920012", None, None),
        ("49 171 39200", None, None),
        ("49 171 3920012 ext. 5", "DE", None),
    ],
)
def test_only_a_valid_country_code_needs_no_region(
    cell: str, region: str | None, number: str | None
) -> None:
    """Where the region reads nothing, the country code is what counts."""
    assert read(cell, region)[0] == number


def test_two_numbers_are_not_read_as_one_with_a_country_code() -> None:
    """Two valid numbers with a space between them are refused, though together they are one."""
    assert read("+4368549574", None)[2] == "mobile"
    assert read("4368549574", "AC")[0] == "4368549574"
    assert read("43685 49574", "AC")[3] == "invalid_number"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.data())
def test_two_readings_are_chosen_as_the_rule_says(region: str, data: st.DataObject) -> None:
    """One valid reading: that. Both: the one that can be texted, else the national one."""
    home = data.draw(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
    mobile = phonenumbers.example_number_for_type(home, PhoneNumberType.MOBILE)
    assume(mobile is not None)
    digits = digits_of(mobile or phonenumbers.PhoneNumber())
    national, international = parsed(digits, region), parsed(f"+{digits}", None)
    texted = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    chosen = national or international
    if national and international and phonenumbers.number_type(national) not in texted:
        chosen = international if phonenumbers.number_type(international) in texted else national
    assert chosen is not None
    to, country, _, problem, detail = read(digits, region)
    assert (to, country, problem) == (
        digits_of(chosen),
        phonenumbers.region_code_for_number(chosen),
        None,
    )
    both = national is not None and international is not None and national != international
    assert (detail is not None and "it would be valid too" in detail) == both


def parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """The number as phonenumbers reads it, None unless it is valid."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def digits_of(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")


def example_numbers() -> list[phonenumbers.PhoneNumber]:
    """One example of every type of number in every region."""
    found = (
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in range(11)
    )
    return [number for number in found if number is not None]


EXAMPLES = example_numbers()
LINES = {value: name.lower() for name, value in vars(PhoneNumberType).items() if name.isupper()}


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str | None]:
    """A spelling of a number, perhaps with a digit too many or too few, and a region for it."""
    number = draw(st.sampled_from(EXAMPLES))
    region = phonenumbers.region_code_for_number(number)
    form = draw(
        st.sampled_from(
            [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL]
        )
    )
    text = phonenumbers.format_number(number, form)
    text += draw(st.sampled_from(["", "", "", "7"]))
    text = text[: len(text) - draw(st.sampled_from([0, 0, 0, 1]))]
    gap = draw(st.sampled_from([" ", "-", "  ", ".", " - ", "/"]))
    text = text.replace(" ", gap).replace("-", draw(st.sampled_from(["-", " ", "\N{EN DASH}"])))
    text = draw(st.sampled_from(["{}", " {} ", "({}", "Tel {}"])).format(text)
    other = draw(st.sampled_from([region, region, None, "DE", "US"]))
    return text, other if other in phonenumbers.SUPPORTED_REGIONS else None


@settings(max_examples=40, deadline=None)
@given(st.lists(spellings(), min_size=10, max_size=30))
@example(
    [
        ("0800 FLOWERS", "DE"),
        ("112", "DE"),
        ("+5491123456789", None),  # an Argentine mobile has a 9 of its own
        ("011 15-2345-6789", "AR"),
        ("+225 01 23 45 6789", None),  # a zero that belongs to the number
    ]
)
def test_spelling_is_read_as_phonenumbers_reads_it(
    column: list[tuple[str, str | None]],
) -> None:
    """Outside the repairs, number, country and line are those of phonenumbers, or there is none."""
    frame = pd.DataFrame(column, columns=["phone", "region"], dtype="str")
    told = normalize_numbers(frame, region="region")[OURS].astype(object)
    for (text, region), row in zip(column, told.itertuples(index=False), strict=True):
        digits = "".join(filter(str.isdigit, text))
        is_coded = "+" not in text and parsed(f"+{digits}", None) is not None
        if is_coded or text.strip().isdigit() or text.strip(" (").startswith("00"):
            continue  # these are read twice; test_readings knows which
        said = tuple(None if pd.isna(value) else value for value in row)
        check_as_phonenumbers_reads_it(text, region, said)


def check_as_phonenumbers_reads_it(text: str, region: str | None, said: tuple[Any, ...]) -> None:
    number = parsed(text, region)
    if number is not None and (number.extension or len(digits_of(number)) > 15):
        number = None  # no SMS reaches an extension; the API takes 15 digits
    expected = (
        (None, None, None)
        if number is None
        else (
            digits_of(number),
            phonenumbers.region_code_for_number(number),
            LINES[phonenumbers.number_type(number)],
        )
    )
    to, country, line, problems, detail = said
    if problems == "invalid_number" and TWO in detail:
        assert "/" in text  # the one case in which we are the more careful
    else:
        assert (to, country, line) == expected
    assert (to is None) == (problems in ("invalid_number", "damaged_number"))


@pytest.mark.parametrize("number", EXAMPLES[::7], ids=lambda number: f"+{number.country_code}")
def test_what_comes_out_goes_in_again(number: phonenumbers.PhoneNumber) -> None:
    """The digits of a number, with a plus, are read as themselves."""
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    assert read(digits)[0] == digits.removeprefix("+")


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([491713920012, 46701740605]),
        pd.Series([491713920012, 46701740605], dtype="uint64"),
        pd.Series([491713920012.0, 46701740605.0, np.nan]),
        pd.Series([491713920012, 46701740605, None], dtype="Int64"),
        pd.Series([491713920012, 46701740605, None], dtype="Float64"),
        pd.Series([491713920012, 46701740605, None], dtype="int64[pyarrow]"),
        pd.Series([Decimal(491713920012), Decimal("46701740605.00"), None], dtype=object),
        pd.Series([491713920012, "46701740605", np.nan], dtype=object),
        pd.Series(["491713920012", "46701740605", None], dtype="category"),
        pd.Series(["491713920012", "46701740605", None], dtype="string[pyarrow]"),
    ],
    ids=lambda cells: str(cells.dtype),
)  # fmt: skip
def test_numbers_stored_as_numbers_are_read(cells: "pd.Series[Any]") -> None:
    """Whatever dtype a spreadsheet or database gave the column, the digits are the same."""
    frame = normalize_numbers(pd.DataFrame({"phone": cells}))
    assert frame["sms_to"].to_list()[:2] == [ANA, "46701740605"]
    assert frame["sms_problem"].to_list()[2:] == ["missing_number"] * (len(cells) - 2)


CUT = "a spreadsheet kept only the first digits."
AS_TEXT = "Format the column as text in the original file and save again."
CALCULATED = "a phone number is not negative and no fraction."


@pytest.mark.parametrize(
    ("cell", "problem", "note"),
    [
        (448000000000.0, "damaged_number", f"'4.48E+11': {CUT} {AS_TEXT}"),
        # Excel shows twelve digits as 4.91714E+11, and so they stand in its CSV.
        (491714000000.0, "damaged_number", f"'4.91714E+11': {CUT} {AS_TEXT}"),
        (np.float64(448000000000.0), "damaged_number", f"'4.48E+11': {CUT} {AS_TEXT}"),
        (Decimal("4.48E+11"), "damaged_number", f"'4.48E+11': {CUT} {AS_TEXT}"),
        (1e20, "damaged_number", f"'1E+20': {CUT} {AS_TEXT}"),
        (1.7976931348623157e308, "damaged_number", f"'1.7976931348623157E+308': {CUT} {AS_TEXT}"),
        (np.float32(491713920012), "damaged_number", f"'491713921024': {CUT} {AS_TEXT}"),
        (0.1, "damaged_number", f"'0.1': {CALCULATED} {AS_TEXT}"),
        (302312.5, "damaged_number", f"'302312.5': {CALCULATED} {AS_TEXT}"),
        # 0171.3920010 as a float: its last zero is lost
        (171.392001, "damaged_number", f"'171.392001': {CALCULATED} {AS_TEXT}"),
        (Decimal("171.3920012"), "damaged_number", f"'171.3920012': {CALCULATED} {AS_TEXT}"),
        (-1713920012, "damaged_number", f"'-1713920012': {CALCULATED} {AS_TEXT}"),
        (-1713920012.0, "damaged_number", f"'-1713920012': {CALCULATED} {AS_TEXT}"),
        (-np.inf, "damaged_number", f"'-inf': {CALCULATED} {AS_TEXT}"),
        (np.inf, "invalid_number", "'inf': it does not look like a phone number."),
        (10**20, "damaged_number",
         "'100000000000000000000': 21 digits are more than the 15 a number can have."),
        (True, "invalid_number", "'TRUE': it does not look like a phone number."),
        (np.False_, "invalid_number", "'FALSE': it does not look like a phone number."),
        (0, "invalid_number", None),
        (Decimal("NaN"), "missing_number", "the cell is blank."),
        (pd.NaT, "missing_number", "the cell is blank."),
        (np.float32("nan"), "missing_number", "the cell is blank."),
    ],
)  # fmt: skip
def test_number_that_lost_digits_is_not_texted(cell: Any, problem: str, note: str | None) -> None:
    """A value that cannot be a whole phone number is refused with what to do about it."""
    to, _, _, problems, detail = read(cell, "DE")
    assert (to, problems) == (None, problem)
    title = {"damaged": "Damaged number", "invalid": "Invalid number", "missing": "No number"}
    assert detail.startswith(f"{title[problem.partition('_')[0]]}: ")
    if note is not None:
        assert detail.partition(": ")[2] == note


@pytest.mark.parametrize(
    "cell",
    [
        491713920012,
        491713920012.0,
        Decimal(491713920012),
        Decimal("491713920012.00"),
        Decimal("4.91713920012E+11"),
        np.int64(491713920012),
        np.uint64(491713920012),
        np.float64(491713920012),
    ],
    ids=lambda cell: type(cell).__name__,
)
def test_number_of_any_kind_is_read_by_its_digits(cell: Any) -> None:
    """A cell in a column of objects, whatever class it has."""
    note = f"Number read: '{ANA}': a number was read as text."
    assert read(cell) == (ANA, "DE", "mobile", None, note)
    assert read(np.str_(ANA)) == (ANA, "DE", "mobile", None, None)


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]"])
def test_column_of_short_floats_has_lost_digits(dtype: Any) -> None:
    """Seven digits are all that 32 bits hold: a longer number is somebody else's."""
    cells = pd.Series([5123456, 491713920012, None], dtype="float64").astype(dtype)
    told = normalize_numbers(pd.DataFrame({"phone": cells}), region="EE")
    assert told["sms_to"].fillna("").to_list() == ["3725123456", "", ""]
    assert told["sms_problem"].fillna("").to_list() == ["", "damaged_number", "missing_number"]


def test_whole_number_that_ends_in_zeros_is_one() -> None:
    """Integers and texts are exact: only a float that ends in zeros may have lost digits."""
    assert read(448000000000)[0] == "448000000000"
    assert read("448000000000")[0] == "448000000000"
    assert read("+44 800 0000000")[0] == "448000000000"
    assert read(491713920000.0)[0] == "491713920000"
    assert read(491713900000.0)[0] == "491713900000"  # one digit more than Excel leaves
    assert read("4.480000000000E+11")[0] == "448000000000"  # it holds every digit


def test_region_may_stand_in_a_column() -> None:
    """Each row is read by its own region; a blank or unknown one is a fault of its row."""
    frame = pd.DataFrame(
        {
            "phone": [
                "0171 3920012",
                "070-174 06 05",
                "0171 3920012",
                "0171 3920012",
                "+491713920012",
            ],
            "land": ["DE", " se ", None, "Atlantis", "Atlantis"],
        }
    )
    told = normalize_numbers(frame, region="land")
    assert told["sms_to"].astype(object).where(told["sms_to"].notna(), None).to_list() == [
        ANA,
        "46701740605",
        None,
        None,
        ANA,
    ]
    cell = "Invalid number: '0171 3920012'"
    assert told["sms_detail"].to_list()[2:4] == [
        f"{cell}: it has no country code; say region=….",
        f"{cell} has no country code, and 'Atlantis' is no country that is known. {NAME_IT}",
    ]


def test_countries_outside_those_asked_for_are_told() -> None:
    """A number from elsewhere keeps its number and has the problem."""
    assert read("+46 70 174 06 05", countries=["de", "AT"]) == (
        "46701740605",
        "SE",
        "mobile",
        "country_not_allowed",
        "Country not allowed: this number is from SE, not from AT, DE.",
    )
    assert read("+49 171 3920012", countries=["de", "AT"])[3] is None


def test_landlines_are_told_when_mobiles_are_asked_for() -> None:
    """Only what is surely a landline is left out: in America a number does not tell."""
    assert read("030 23125 000", "DE", mobile_only=True)[1:] == (
        "DE",
        "fixed_line",
        "not_mobile",
        "Not a mobile: this is a landline.",
    )
    assert read("212 555 0167", "US", mobile_only=True)[3] is None
    assert read("030 23125 000", "DE")[3] is None


def test_row_has_all_its_problems() -> None:
    """A landline from elsewhere has both problems and the note on how it was read, in order."""
    assert read("0046 8 465 004 00", countries=["DE"], mobile_only=True) == (
        "46846500400",
        "SE",
        "fixed_line",
        "country_not_allowed not_mobile",
        (
            "Country not allowed: this number is from SE, not from DE. · Not a mobile: this is a "
            "landline. · Number read: '0046 8 465 004 00': '00' was read as '+'."
        ),
    )


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"region": "Germania"}, InvalidArgument, "'Germania' is no country that is known. Write"),
        ({"region": ""}, InvalidArgument, "'' is no country that is known"),
        ({"region": "coutry"}, InvalidArgument, "no column either. Did you mean 'country'?"),
        ({"countries": ["DE", "EU"]}, InvalidArgument, "'EU' is no country that is known"),
        ({"countries": "DE"}, InvalidArgument, "countries is a list of ISO codes, such as"),
        ({"column": "phones"}, ColumnNotFound, "Did you mean 'phone'?"),
    ],
)
def test_faulty_call_raises(options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    """A call that cannot be meant raises at once and names the nearest match."""
    frame = pd.DataFrame({"phone": ["0171 3920012"], "country": ["DE"]})
    with pytest.raises(error) as raised:
        normalize_numbers(frame, **options)
    assert sentence in str(raised.value)


def test_number_that_stays_keeps_its_marks() -> None:
    """Reading again, in the same or another spelling, keeps duplicate and opted out."""
    frame = pd.DataFrame({"phone": ["0171 3920012", "0171 3920013", "0171 3920013"]})
    marked = mark_suppressed(mark_duplicates(normalize_numbers(frame, region="DE")), [f"+{ANA}"])
    again = normalize_numbers(marked, region="DE", mobile_only=True)
    assert_frame_equal(again, marked)
    respelled = marked.assign(phone=["+491713920012", "+491713920013", "+491713920013"])
    assert normalize_numbers(respelled)["sms_problem"].to_list()[0::2] == ["opted_out", "duplicate"]


@pytest.mark.parametrize("phone", ["0171 3920099", "nobody", None])
def test_number_that_changes_loses_its_marks_with_a_warning(phone: str | None) -> None:
    """A mark of the old number says nothing of the new one; the warning points at the caller."""
    frame = pd.DataFrame({"phone": ["0171 3920012", "0171 3920013"]}, index=[7, 7])
    marked = mark_suppressed(normalize_numbers(frame, region="DE"), [ANA, "491713920013"])
    changed = marked.assign(phone=pd.array(["0171 3920014", phone], dtype=object))
    with pytest.warns(SmspmWarning, match=r"^2 rows have another number than before") as warned:
        told = normalize_numbers(changed, region="DE")
    assert warned[0].filename == __file__
    assert not told["sms_problems"].astype(object).isin(["opted_out"]).any()


def test_old_problem_of_a_number_goes_when_it_is_mended() -> None:
    """A mended cell is judged anew: codes of numbers are replaced, not added up."""
    frame = normalize_numbers(pd.DataFrame({"phone": ["####"]}), region="DE")
    assert frame["sms_problem"].to_list() == ["damaged_number"]
    mended = normalize_numbers(frame.assign(phone="0171 3920012"), region="DE")
    assert mended[["sms_problem", "sms_problems", "sms_detail"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"countries": 5}, "countries is a list of ISO codes, such as ['DE'], not 5."),
        ({"countries": "DE"}, "countries is a list of ISO codes, such as ['DE'], not 'DE'."),
        (
            {"region": ["DE"]},
            "region is an ISO code such as 'DE', or a column, not a value of type list.",
        ),
        (
            {"region": 5},
            (
                f"5 is no country that is known. {NAME_IT} It is no column either. The columns "
                "are: phone."
            ),
        ),
        ({"mobile_only": "no"}, "mobile_only is True or False, not 'no'."),
    ],
)
def test_option_of_another_type_is_refused(options: dict[str, Any], sentence: str) -> None:
    """What cannot be meant is a sentence, never an error of Python's own."""
    with pytest.raises(InvalidArgument) as raised:
        normalize_numbers(pd.DataFrame({"phone": ["+491713920012"]}), **options)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("cell", "region", "options", "codes", "detail"),
    [
        (" ", "DE", {}, "missing_number", "No number: the cell is blank."),
        ("\u200b", "DE", {}, "missing_number",
         "No number: the cell holds invisible characters only."),
        ("####", "DE", {}, "damaged_number",
         ("Damaged number: '####': the column was too narrow when the file was saved. Widen it "
          "and save again.")),
        ("4.91714E+11", "DE", {}, "damaged_number",
         f"Damaged number: '4.91714E+11': {CUT} {AS_TEXT}"),
        ("+4917139200123456", "DE", {}, "damaged_number",
         "Damaged number: '+4917139200123456': 16 digits are more than the 15 a number can have."),
        ("0171 3920012 ext 5", "DE", {}, "invalid_number",
         "Invalid number: '0171 3920012 ext 5': it has an extension, which no SMS can reach."),
        ("0171 3920012 / 0171 3920013", "DE", {}, "invalid_number",
         f"Invalid number: '0171 3920012 / 0171 3920013' {TWO}"),
        ("+372 5678", "DE", {}, "invalid_number", "Invalid number: '+372 5678': it is too short."),
        ("555 0167", "US", {}, "invalid_number",
         "Invalid number: '555 0167': it is too short: digits are missing."),
        ("+372 567890451234", "DE", {}, "invalid_number",
         "Invalid number: '+372 567890451234': it is too long."),
        ("+999 12345678", "DE", {}, "invalid_number",
         "Invalid number: '+999 12345678': there is no such country code."),
        ("+49 100 1234567", "DE", {}, "invalid_number",
         "Invalid number: '+49 100 1234567': there is no such number in DE."),
        ("0171 3920012", None, {}, "invalid_number",
         "Invalid number: '0171 3920012': it has no country code; say region=…."),
        ("call me", "DE", {}, "invalid_number",
         "Invalid number: 'call me': it does not look like a phone number."),
        ("030 23125 000", "DE", {"mobile_only": True}, "not_mobile",
         "Not a mobile: this is a landline."),
        ("+46 70 174 06 05", "DE", {"countries": ["Germany", "EST"]}, "country_not_allowed",
         "Country not allowed: this number is from SE, not from DE, EE."),
    ],
)  # fmt: skip
def test_refusal_is_told_in_a_whole_sentence(
    cell: str, region: str | None, options: dict[str, Any], codes: str, detail: str
) -> None:
    """Each code has its sentence, which names the cell and says what is wrong with it."""
    assert read(cell, region, **options)[3:] == (codes, detail)


@pytest.mark.parametrize(
    ("cell", "region", "options"),
    [
        ("0171 3920012", "DE", {"mobile_only": True}),
        ("+1 212 555 0167", None, {"mobile_only": True}),  # landline or mobile: not surely one
        ("030 23125 000", "DE", {"mobile_only": False}),
        ("0171 3920012", "DE", {"countries": ["Germany"]}),
        ("0171 3920012", "DE", {"countries": ("ee", " deu ")}),
        ("0171 3920012", "DE", {"countries": (code for code in ["DE"])}),
        ("0171 3920012", "DE", {"countries": None}),
        ("+372 5678 9045", "DE", {}),
        ("0171 3920012 x", "DE", {}),  # no extension follows
        ("033203/123456", "DE", {"countries": {"DE"}}),
    ],
)
def test_near_miss_of_a_refusal_is_sent(
    cell: str, region: str | None, options: dict[str, Any]
) -> None:
    """What is only close to a problem has none."""
    assert read(cell, region, **options)[3] is None


NO_REGION = "Invalid number: '0171 3920012': it has no country code; say region=…."


@pytest.mark.parametrize("dtype", ["object", "category"])
@pytest.mark.parametrize(
    ("cell", "number", "shown"),
    [
        *((cell, ANA, None) for cell in ("DE", "de", " De ", "DEU", "deu", "Germany", "GERMANY")),
        *((cell, None, None) for cell in ("", "  ", None, np.nan, pd.NA)),  # no region
        ("Atlantis", None, "Atlantis"),
        ("DE/AT", None, "DE/AT"),
        ("D", None, "D"),
        ("Germany 2", None, "Germany 2"),
        (49, None, "49"),
        (49.0, None, "49"),
        (True, None, "TRUE"),
    ],
)
def test_region_of_a_row_is_a_country_nothing_or_a_problem_of_the_row(
    cell: Any, number: str | None, shown: str | None, dtype: Any
) -> None:
    """However a country stands in its cell, the row below it is read all the same."""
    lands = pd.Series([cell, "Sweden"], dtype=object).astype(dtype)
    frame = pd.DataFrame({"phone": ["0171 3920012", "070-174 06 05"], "land": lands})
    told = normalize_numbers(frame, region="land")[["sms_to", "sms_detail"]].astype(object)
    unknown = (
        f"Invalid number: '0171 3920012' has no country code, and '{shown}' is no country that is "
        f"known. {NAME_IT}"
    )
    detail = None if number else unknown if shown else NO_REGION
    assert told.where(told.notna(), None).to_numpy().tolist() == [
        [number, detail],
        ["46701740605", None],
    ]


@pytest.mark.parametrize(
    "region", ["DE", "de", " de ", "DEU", "Germany", "germany", "Deutschland_no", "land"]
)
def test_region_is_a_code_a_name_or_a_column(region: str) -> None:
    """One argument: a country in any of its spellings, else a column."""
    frame = pd.DataFrame({"phone": ["0171 3920012"], "land": ["Germany"], "Deutschland_no": ["DE"]})
    assert normalize_numbers(frame, region=region)["sms_to"].to_list() == [ANA]


def test_column_named_like_a_country_is_the_column() -> None:
    """A column is what was meant when there is one of that name."""
    frame = pd.DataFrame({"phone": ["0171 3920012"], "US": ["DE"]})
    assert normalize_numbers(frame, region="US")["sms_to"].to_list() == [ANA]


def test_country_of_none_is_refused() -> None:
    """An empty list would leave everybody out, which nobody means."""
    with pytest.raises(InvalidArgument, match=r"^countries names none, so nobody would be texted"):
        read("0171 3920012", "DE", countries=[])


def test_both_notes_of_a_number_stand_side_by_side() -> None:
    """What was mended and that there were two readings are both told."""
    cell = "37256789045.0 "
    assert read(cell, "DE")[3:] == (
        None,
        (
            "Two readings: '37256789045.0': read with a country code, from EE, though without one "
            "it would be valid too, from DE. · Number read: '37256789045.0': a trailing .0 was "
            "removed."
        ),
    )


@pytest.mark.parametrize(
    ("cell", "region", "number", "taken", "left"),
    [
        ("37256789045", "DE", "37256789045", "EE", "DE"),
        ("37256789045 ", "DE", "37256789045", "EE", "DE"),
        (37256789045, "DE", "37256789045", "EE", "DE"),
        ("4795550167", "US", "14795550167", "US", "NO"),  # both can be texted: the national one
    ],
)
def test_digits_with_two_readings_are_told(
    cell: Any, region: str, number: str, taken: str, left: str
) -> None:
    """The one taken and the one left are named."""
    to, country, _, problems, detail = read(cell, region)
    assert (to, country, problems) == (number, taken, None)
    with_code, without = ("with", "without") if left == region else ("without", "with")
    assert (
        f"Two readings: '{str(cell).strip()}': read {with_code} a country code, from {taken}, "
        f"though {without} one it would be valid too, from {left}." in detail
    )


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("37256789045", None),  # one reading only
        ("37256789045", "EE"),  # the same number twice
        ("+37256789045", "DE"),  # a plus leaves no choice
        ("0171 3920012", "DE"),
        ("372 5678 9045", "EE"),
    ],
)
def test_one_reading_needs_no_word(cell: str, region: str | None) -> None:
    """Nothing is told where nothing else could be meant."""
    assert read(cell, region)[4] is None


def test_frame_of_many_kinds_of_rows_is_read_row_by_row() -> None:
    """A row is read as it is read alone, whatever its neighbours are."""
    cells = ["0171 3920012", None, "####", "37256789045", "0049 171 3920012", "x", 491713920012]
    frame = pd.DataFrame({"phone": pd.Series(cells * 3, dtype=object)})
    told = normalize_numbers(frame, region="DE")[OURS].astype(object)
    told = told.where(told.notna(), None)
    assert list(told.itertuples(index=False, name=None)) == [read(cell, "DE") for cell in cells] * 3
