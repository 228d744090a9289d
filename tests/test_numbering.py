"""Compiled numbering plans say of plain digits what phonenumbers says, for every calling code."""

import random

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
    ValidationResult,
)

from smspm_campaigns.frames.numbering import (
    CODE_DIGITS,
    MAIN_PLANS,
    PLANS,
    Kind,
    Number,
    Plan,
    split_international,
)

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)
LINES = {value: name.lower() for name, value in vars(PhoneNumberType).items() if name.isupper()}
#: What people dial before a number, somewhere in the world.
PREFIXES = ("", "0", "1", "8", "9", "15", "06", "00", "011", "0011", "001", "810", "0015", "99")


def plan_of(region: str) -> Plan:
    plan = PLANS[region]
    assert plan is not None
    return plan


def parsed(digits: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region)
    except NumberParseException:
        return None


def as_phonenumbers_says(digits: str, region: str | None) -> Number | None:
    """The number that phonenumbers finds, None when it is not valid."""
    number = parsed(digits, region)
    if number is None or not phonenumbers.is_valid_number(number):
        return None
    country = phonenumbers.region_code_for_number(number)
    assert country is not None
    plain = phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")
    return plain, Kind(country, LINES[phonenumbers.number_type(number)])


def examples_of(region: str) -> list[str]:
    """The national significant numbers of one example of every line."""
    found = (phonenumbers.example_number_for_type(region, kind) for kind in range(11))
    return [phonenumbers.national_significant_number(number) for number in found if number]


def dialled(region: str, dice: random.Random) -> list[str]:
    """Digits that somebody in this region may dial: examples, near misses and noise."""
    code = str(phonenumbers.country_code_for_region(region))
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    nationals = examples_of(region)
    mended = []
    for national in [*nationals, *dice.choices(nationals, k=8)]:
        at = dice.randrange(len(national))
        mended += [national[:at] + dice.choice("0123456789") + national[at + 1 :]]
    noise = ["".join(dice.choices("0123456789", k=size)) for size in range(4, 18)]
    own_prefix = metadata.national_prefix or ""
    cells = []
    for digits in (*nationals, *mended, *noise):
        prefix = dice.choice(["", code, own_prefix, code + own_prefix, dice.choice(PREFIXES)])
        cells += [digits, prefix + digits, digits[:-1], digits + "5"]
    return [digits for digits in cells if 5 <= len(digits) <= 17]


@pytest.mark.parametrize("region", REGIONS)
def test_digits_dialled_in_a_region_are_what_phonenumbers_reads(region: str) -> None:
    """Number, country and line are those of phonenumbers, or it is no number for either."""
    plan = plan_of(region)
    for digits in dialled(region, random.Random(region)):
        assert (digits, plan.find(digits)) == (digits, as_phonenumbers_says(digits, region))


@pytest.mark.parametrize("code", CODES)
def test_digits_behind_a_plus_are_what_phonenumbers_reads(code: int) -> None:
    """The same for every calling code with every region that shares it, and for those with none."""
    dice = random.Random(code)
    regions = [region for region in COUNTRY_CODE_TO_REGION_CODE[code] if region in PLANS]
    shared = [national for region in regions for national in examples_of(region)]
    if number := phonenumbers.example_number_for_non_geo_entity(code):
        shared.append(phonenumbers.national_significant_number(number))
    noise = ["".join(dice.choices("0123456789", k=size)) for size in range(3, 16)]
    for national in (*shared, *noise):
        for rest in (national, national[:-1], national + "0", "0" + national, "1" + national):
            digits = f"{code}{rest}"
            main = MAIN_PLANS[digits[:CODE_DIGITS]]
            if not 5 <= len(digits) <= 17:
                continue
            assert main is not None
            assert main.code.digits == str(code)
            expected = as_phonenumbers_says(f"+{digits}", None)
            assert (digits, main.find_abroad(digits)) == (digits, expected)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(REGIONS), st.from_regex(r"[0-9]{5,17}", fullmatch=True))
@example("AR", "91123456789")  # becomes 9 11 2345 6789
@example("AR", "1152345678")
@example("AR", "01115223456789")  # the 15 of a mobile moves to the front as a 9
@example("BR", "01511961234567")  # 0, the number of a carrier, area
@example("BR", "11961234567")
@example("MX", "0445512345678")  # prefixes that Mexico no longer has
@example("MX", "5215512345678")
@example("BB", "2345678")  # the islands of +1 complete seven digits with their own area code
@example("BM", "3701234")
@example("AG", "4641234")
@example("JM", "5551234")
@example("SM", "886377")  # San Marino completes six digits with 0549
@example("SM", "0549886377")
@example("VA", "0669812345")  # is Italian by its code, Vatican by its digits
@example("IT", "0669812345")
@example("GG", "781123456")
@example("GG", "1481960194")
@example("JE", "7797712345")
@example("JE", "0800736012")  # British, and not how Jersey dials it
@example("IM", "0800012345")
@example("IM", "7924123456")
@example("GB", "7911123456")
@example("KZ", "87710009998")  # 8 is the prefix, +7 is shared with Russia
@example("KZ", "7710009998")
@example("RU", "87710009998")
@example("RU", "81049301234567")  # 8~10 dials abroad
@example("RU", "89123456789")
@example("CI", "0123456789")  # the zero belongs to the number
@example("CI", "2250123456789")
@example("FI", "99358412345678")  # several ways abroad
@example("US", "01149301234567")
@example("US", "15112345678")
@example("DE", "493022222222222")  # 15 digits, as many as E.164 has
@example("DE", "4930222222222222")  # 16, valid for phonenumbers; the caller refuses it
@example("DE", "00049301234567")
@example("AU", "001149301234567")
@example("LI", "660234567")
@example("CL", "2212345678")
@example("HU", "0612345678")
@example("LT", "837012345")
@example("UZ", "998712345678")
def test_any_digits_are_what_phonenumbers_reads(region: str, digits: str) -> None:
    """Nothing is special about the examples: any digits, in any region, and behind a plus."""
    assert plan_of(region).find(digits) == as_phonenumbers_says(digits, region)
    main = MAIN_PLANS[digits[:CODE_DIGITS]]
    abroad = main and main.find_abroad(digits)
    assert abroad == as_phonenumbers_says(f"+{digits}", None)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(REGIONS), st.from_regex(r"[0-9]{5,15}", fullmatch=True))
@example("US", "01199912345678")  # abroad, and no such calling code
@example("US", "0114")
@example("US", "011")
def test_digits_are_parted_as_phonenumbers_parts_them(region: str, digits: str) -> None:
    """Calling code and national number are those of phonenumbers, valid or not."""
    for parts, number in (
        (plan_of(region).split(digits), parsed(digits, region)),
        (split_international(digits), parsed(f"+{digits}", None)),
    ):
        if parts is None or number is None:
            assert number is None or parts is not None
            continue
        plan, national = parts
        assert plan.code.digits == str(number.country_code)
        assert national == phonenumbers.national_significant_number(number)


WORDS = {
    ValidationResult.TOO_SHORT: "it is too short",
    ValidationResult.TOO_LONG: "it is too long",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "it is too short: digits are missing",
}


@pytest.mark.parametrize("region", REGIONS)
def test_reason_is_that_of_phonenumbers(region: str) -> None:
    """Too short, too long or no such number: the words are those of its own check of lengths."""
    code = phonenumbers.country_code_for_region(region)
    main = plan_of(COUNTRY_CODE_TO_REGION_CODE[code][0])
    for size in range(2, 18):
        national = "1" + "9" * (size - 1)
        number = phonenumbers.PhoneNumber(country_code=code, national_number=int(national))
        possible = phonenumbers.is_possible_number_with_reason(number)
        expected = WORDS.get(possible, f"there is no such number in {main.region}")
        assert main.why_not(national) == expected


@pytest.mark.parametrize("word", ["", "XX", "de", "001", "DEU", "Germany"])
def test_only_a_region_has_a_plan(word: str) -> None:
    """Other words have none, and asking leaves no trace."""
    assert PLANS[word] is None
    assert word not in PLANS


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("1", "1"),
        ("12", "1"),
        ("372", "372"),
        ("491", "49"),
        ("800", "800"),  # of no country
        ("883", "883"),
        ("37", None),  # half a code
        ("000", None),
        ("049", None),  # no code begins with a zero
        ("999", None),
    ],
)
def test_calling_code_is_what_the_digits_begin_with(digits: str, code: str | None) -> None:
    """The first digits tell the calling code, or that there is none."""
    main = MAIN_PLANS[digits]
    assert (main and main.code.digits) == code


@pytest.mark.parametrize(
    ("digits", "region", "number"),
    [
        # No country code begins with 0: what follows 01 in Israel is no number abroad.
        ("01800123456", "IL", "9721800123456"),
        # Too long for American Samoa, so the 1 is its country code.
        ("117797712345", "AS", "17797712345"),
        # In Kazakhstan 8 is the prefix, and the first digit of some numbers.
        ("78123486780", "KZ", "78123486780"),
        # Jersey's own reading of a British number that is not Jersey's.
        ("0800735456", "JE", None),
    ],
)
def test_rule_that_few_numbers_need_is_kept(digits: str, region: str, number: str | None) -> None:
    """Each of these is the only kind of number that one rule of libphonenumber decides."""
    found = plan_of(region).find(digits)
    assert found == as_phonenumbers_says(digits, region)
    assert (found and found[0]) == number
