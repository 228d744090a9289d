"""One cell: the quick reading and the careful one agree, and both with phonenumbers."""

import random
import re
import unicodedata
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberFormat,
    PhoneNumberType,
)

from smspm_campaigns.frames.numbering import Kind, Number
from smspm_campaigns.frames.readings import (
    SHORTEST_NATIONAL,
    _parse_with_phonenumbers,
    _valid,
    read_cell,
    read_plain,
)
from smspm_campaigns.vocabulary import Problem

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
LINES = {value: name.lower() for name, value in vars(PhoneNumberType).items() if name.isupper()}
FORMATS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)
TEXTED = ("mobile", "fixed_line_or_mobile")
TWO = "seems to hold two numbers"

#: What is mended before a number is read, and has its own tests.
REPAIRED = re.compile(r"\s*(\(?\s*00|'|tel:)|.*\(\s*0\s*\)|.*\.0+\s*$", re.IGNORECASE | re.DOTALL)


def example_numbers() -> list[phonenumbers.PhoneNumber]:
    """One example of every line of every region and code, and one near miss of each region."""
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in REGIONS
        for kind in range(11)
    ]
    found += map(phonenumbers.example_number_for_non_geo_entity, COUNTRY_CODE_TO_REGION_CODE)
    found += map(phonenumbers.invalid_example_number, REGIONS)
    return [number for number in found if number is not None]


EXAMPLES = example_numbers()


def valid(text: str, region: str) -> Number | None:
    """What phonenumbers reads, None unless it is valid, in E.164's limit, and no extension."""
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    country = phonenumbers.region_code_for_number(number)
    assert country is not None
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")
    return digits, Kind(country, LINES[phonenumbers.number_type(number)])


def visible(cell: str) -> str:
    return re.sub("[\u00ad\u2060]", "", cell).strip()


def expected(cell: str, region: str) -> Number | None:
    """The rule in words: where a code may lead, digits are read twice, and one is chosen."""
    text = visible(cell)
    national = valid(text, region)
    digits = digits_that_may_begin_with_a_code(text)
    if not digits:
        chosen = national
    else:
        international = valid("+" + digits, "")
        both = national is not None and international is not None
        if not both:
            chosen = national or international
        elif can_be_texted(international) and not can_be_texted(national):
            chosen = international
        else:
            chosen = national
    return chosen if chosen is None or len(chosen[0]) <= 15 else None


def digits_that_may_begin_with_a_code(text: str) -> str:
    """The first digit and the rest; none if a plus, bracket, letter or broken code is there."""
    latin = "".join(str(unicodedata.decimal(char, char)) for char in text)
    start = next((at for at, char in enumerate(latin) if char.isdecimal()), len(latin))
    before, dialled = latin[:start], latin[start:]
    words = any(char == "_" or (char.isalnum() and not char.isdecimal()) for char in dialled)
    if words or set("([\uff08\uff3b") & set(before) or set("+\uff0b") & set(latin):
        return ""
    digits = "".join(filter(str.isdecimal, dialled))
    codes = (str(code) for code in COUNTRY_CODE_TO_REGION_CODE if digits.startswith(str(code)))
    return dialled if dialled.startswith(next(codes, "no code")) else ""


def can_be_texted(number: Number | None) -> bool:
    return number is not None and number[1].line in TEXTED


def check(cell: str, region: str) -> None:
    """Hold one cell against phonenumbers, and the quick reading against the careful one."""
    careful = read_cell(cell, region)
    plain = read_plain(cell, region)
    if plain is not None:
        assert (cell, region, plain, ()) == (cell, region, careful.number, careful.verdict.notes)
    if REPAIRED.match(cell) or not cell.strip():
        return
    if TWO in "".join(careful.verdict.notes) and ("/" in cell or "," in cell):
        return  # the one case in which we are the more careful; test_numbers has its table
    assert (cell, region, careful.number) == (cell, region, expected(cell, region))
    refused = {Problem.INVALID_NUMBER, Problem.DAMAGED_NUMBER}
    assert (careful.number is None) == bool(refused & {*careful.verdict.codes})


def spellings(number: phonenumbers.PhoneNumber, dice: random.Random) -> Iterator[tuple[str, str]]:
    """Yield one number in every format and many disguises, with a region to read it for."""
    country = phonenumbers.region_code_for_number(number)
    home = country if country in phonenumbers.SUPPORTED_REGIONS else ""
    national = phonenumbers.national_significant_number(number)
    for form in FORMATS:
        text = phonenumbers.format_number(number, form)
        at = dice.randrange(len(text) + 1)
        mark = dice.choice(" -./()~x*#;+–\u00ad\u2060\uff0d０٣A")  # noqa: RUF001 - look-alikes
        yield text, home
        yield text, dice.choice(["", *REGIONS])
        yield text[:at] + mark + text[at:], home
        yield (
            text + dice.choice([" ext 5", " x123", ";ext=12", " x", "~", "#", " (home)", "."]),
            home,
        )
        yield dice.choice(["Tel. ", "(", "-", ".", " ", "fon: "]) + text, home
        yield text + dice.choice([" ", "  ", ")", "-", ";isub=1", ";phone-context=+49", "\t"]), home
    code = str(number.country_code)
    metadata = PhoneMetadata.metadata_for_region(home)
    own = (metadata and metadata.national_prefix) or ""
    for prefix in ("", code, own, code + own, "+" + code + own, "011", "8", "1", "0" + code):
        yield prefix + national, home
        yield f" {prefix}{national} ", home
        yield prefix + national, dice.choice(["", *REGIONS])
    for digits in (national[:-1], national + "1", national[::-1]):
        yield digits, home
        yield f"+{code} {digits}", ""


def as_vanity(text: str, dice: random.Random) -> str:
    return "".join(dice.choice("ABCFLOW") if char in "23569" else char for char in text)


@pytest.mark.parametrize("part", range(8))
def test_every_spelling_of_every_example_is_read_as_phonenumbers_reads_it(part: int) -> None:
    """All regions, codes, lines and formats: both readings and phonenumbers say the same."""
    dice = random.Random(part)
    for number in EXAMPLES[part::8]:
        for cell, region in dice.sample([*spellings(number, dice)], 14):
            check(cell, region)
        check(as_vanity(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), dice), "US")


@settings(max_examples=400, deadline=None)
@given(
    st.text("0123456789" * 6 + " -./()+", min_size=5, max_size=24)
    | st.text("0123456789" * 3 + " -./()+~x*#;,\n\t–—\u00a0\u200b０٣AZé'&|", max_size=30)  # noqa: RUF001 - look-alikes
    | st.from_regex(r" ?\+?[0-9]{4,18} ?", fullmatch=True),
    st.sampled_from(["", *REGIONS]),
)
@example("8 495 123-45-67", "RU")
@example("8495 123-45-67", "RU")
@example("- 49 171 3920012", "DE")
@example("./49 171 3920012", "DE")
@example("(49) 171 3920012", "DE")
@example("49 (171) 3920012", "DE")
@example("49 171\uff0b3920012", "DE")
@example("37256789045 ", "DE")  # a blank behind bare digits leaves them bare
@example(" 37256789045", "DE")
@example("37256789045\n", "DE")
@example("3023125.0 ", "DE")  # the tail of a float, with a blank behind it
@example("3023125. 0", "DE")
@example("( 0 )3023125", "DE")
@example("+49( 0)171 3920012", "")
@example("-1713920012", "DE")
@example("1-800-FLOWERS", "US")
@example("0800 FLOWERS", "DE")
@example("0800 FLOWER", "DE")
@example("tel:0171-3920012;phone-context=+49", "")
@example("0171-3920012;phone-context=+49", "")
@example("0171-3920012;phone-context=example.com", "DE")
@example("+49-171-3920012;isub=12", "")
@example("²37256789045", "DE")  # a digit for str.isdigit, and none for a person
@example("37256789045²", "DE")
@example("++49 171 3920012", "")
@example("+ 49 171 3920012", "")
@example("+(49) 171 3920012", "")
@example("(+49) 171 3920012", "")
@example("+49 (171) 3920012", "SE")
@example("*100#", "DE")
@example("112", "DE")
@example("1", "DE")
@example("+1", "")
@example("5", "")
@example("+", "")
def test_any_cell_is_read_as_phonenumbers_reads_it(cell: str, region: str) -> None:
    """Whatever stands in a cell: nothing raises, and outside the repairs they agree."""
    if "\u200b" in cell or "\u00a0" in cell or "'" in cell:
        read_cell(cell, region)  # mended, and must not raise
        assert read_plain(cell, region) is None
    else:
        check(cell, region)


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("", "DE"),
        ("0171", "DE"),  # less than five digits
        ("0049 171 3920012", "DE"),  # a repair to be named
        ("491713920012.0", ""),
        ("491713920012.00 ", ""),
        ("+49 (0) 171 3920012", ""),
        ("'0171 3920012", "DE"),
        ("0171/3920012", "DE"),  # may be two numbers
        ("37256789045", "DE"),  # two readings to be told
        ("372 5678 9045", "DE"),
        ("0171 3920012", ""),
        ("0171 3920012", "XX"),  # a region that is not known
        ("37256789045", "XX"),
        ("０１７１３９２００１２", "DE"),  # noqa: RUF001 - full-width digits
        ("+4930222222222222", ""),  # 16 digits
        ("0302222222222222", "DE"),
        ("+999 12345678", ""),
        ("+49 17", ""),
    ],
)
def test_quick_reading_leaves_what_needs_a_word(cell: str, region: str) -> None:
    """What needs a repair, a note or a reason is left to the careful reading."""
    assert read_plain(cell, region) is None


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("0171 39200 12", "DE"),
        ("(0171) 39200-12", "DE"),
        ("0171.3920012", "DE"),
        ("+49 171 39200 12", "XX"),  # a plus needs no region
        ("491713920012", ""),
        ("+491713920012", "DE"),
    ],
)
def test_quick_reading_reads_what_needs_none(cell: str, region: str) -> None:
    """The near misses are read at once."""
    assert read_plain(cell, region) == ("491713920012", Kind("DE", "mobile"))


def test_fifteen_digits_are_the_most() -> None:
    """E.164 ends at fifteen digits, where phonenumbers goes on."""
    assert read_plain("+493022222222222", "") == ("493022222222222", Kind("DE", "fixed_line"))
    assert valid("+4930222222222222", "") is not None
    assert read_cell("+4930222222222222", "").verdict.codes == (Problem.DAMAGED_NUMBER,)


#: Regions whose calling code is first of all another's, such as Canada's.
SHARING = {region for code in COUNTRY_CODE_TO_REGION_CODE.values() for region in code[1:]}


@settings(max_examples=500, deadline=None)
@given(
    st.from_regex(r"\+?[0-9]{5,17}", fullmatch=True)
    | st.builds(
        "{}{}".format,
        st.sampled_from(["+", "00", "011", "1", "+1", "+44", "+7", "+39", "+599", "+800"]),
        st.from_regex(r"[0-9]{4,11}", fullmatch=True),
    ),
    st.sampled_from(["", *REGIONS]),
)
@example("13101234", "US")  # local digits behind the country's own code
@example("119002127339", "US")
@example("006151", "TA")
@example("00855", "TA")
@example("+1", "")
@example("+80012345", "")
@example("01199912345678", "US")
def test_quick_reason_is_that_of_phonenumbers(text: str, region: str) -> None:
    """Plain digits are valid, or not for a reason, as when phonenumbers is asked itself."""
    number, why = _valid(text, region)
    expected, reason = _parse_with_phonenumbers(text, region or None)
    assert number == expected
    if region not in SHARING:  # those are measured by their own lengths, and named themselves
        assert why == reason


def test_no_valid_number_is_shorter_than_those_that_are_looked_for() -> None:
    """Where one cell may hold two numbers, parts shorter than any valid number are left out."""
    plans = [PhoneMetadata.metadata_for_region(region) for region in REGIONS]
    plans += [
        PhoneMetadata.metadata_for_nongeo_region(code)
        for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        if regions == ("001",)
    ]
    lengths = {
        length
        for plan in plans
        if plan and plan.general_desc
        for length in plan.general_desc.possible_length
    }
    assert min(lengths) == SHORTEST_NATIONAL
