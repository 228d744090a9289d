"""One cell, however it is spelled, becomes a number, or a reason why it is none."""

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Final, NamedTuple

import numpy as np
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from smspm_campaigns.frames.cells import as_text, is_blank, quoted
from smspm_campaigns.frames.countries import NAME_IT
from smspm_campaigns.frames.numbering import (
    CODE_DIGITS,
    DIGITS_MISSING,
    MAIN_PLANS,
    PLANS,
    TOO_LONG,
    TOO_SHORT,
    Kind,
    Number,
    split_international,
)
from smspm_campaigns.frames.problems import NOTHING, Verdict
from smspm_campaigns.vocabulary import MAX_NUMBER_DIGITS, NUMBER_NOTE, TWO_READINGS, Problem

_TEXTABLE: Final = ("mobile", "fixed_line_or_mobile")

_PUNCTUATION: Final = str.maketrans("", "", "()./")
_SUSPICIOUS: Final = re.compile(r"/|\(\s*0\s*\)|\.0+\W*$")  # two numbers, a (0), a float's tail
_FEWEST: Final = 5  # digits; fewer are left to phonenumbers

SHORTEST_NATIONAL: Final = 4  # digits or letters of any valid number, without its calling code

_EXPONENT: Final = re.compile(r"\+?\d(?:[.,](\d+))?[eE]\+?(\d{1,3})")
_FLOAT_TAIL: Final = re.compile(r"(\+?\d+)\.0+\W*|([^.]*\d)\.0\W*")  # as in +49 1713920012.0
_DOUBLE_ZERO: Final = re.compile(r"\(?\s*00")
_PLUS: Final = re.compile(r"\W*[+\N{FULLWIDTH PLUS SIGN}]")
_NO_PLUS: Final = re.compile(r"[^\d+\uff0b(\uff08\[\uff3b]*([1-9](?:\d|[^\w+\uff0b])*)")
_TRUNK_ZERO: Final = re.compile(rf"({_PLUS.pattern}(?:\d|[^\w(])+)\(\s*0\s*\)")
_EXTENSION: Final = re.compile(r"[^\W\d_]|[,;#/|&]")  # what may stand before one
_LOST_DIGITS: Final = "0" * 6  # how a float ends that was made of 4.91714E+11
_EXACT_IN_32_BITS: Final = 2**24  # larger whole numbers may be others, IEEE 754
_CALCULATED: Final = re.compile(r"[-.]")  # 0171-39 is -39 as a formula, 0171.39 a fraction
_MAX_CELL: Final = 250  # characters phonenumbers reads of a cell, MAX_INPUT_STRING_LENGTH
_UNUSUAL: Final = re.compile(r"[^ -~]")  # may be invisible, or a digit of another script
_TWO_NUMBERS: Final = re.compile(
    r"((?:\d[^\d/,;|&\n]{0,2}){6,})\s*([/,;|&\n]|\b(?:or|and|oder|und)\b).*?(?:\d\D{0,2}){6,}"
)

_WHY_NOT_PARSED: Final = {
    NumberParseException.NOT_A_NUMBER: "it does not look like a phone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: TOO_SHORT,
    NumberParseException.TOO_LONG: TOO_LONG,
}
_WHY_NOT_POSSIBLE: Final = {
    phonenumbers.ValidationResult.TOO_SHORT: TOO_SHORT,
    phonenumbers.ValidationResult.TOO_LONG: TOO_LONG,
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: DIGITS_MISSING,
}
_TWO: Final = "seems to hold two numbers. Keep one in this cell."
_CUT: Final = "a spreadsheet kept only the first digits."
_AS_TEXT: Final = "Format the column as text in the original file and save again."
_NO_SUCH_CODE: Final = "there is no such country code"


class Reading(NamedTuple):
    """How one cell was read: the number when it is one, the verdict, and another valid number."""

    number: Number | None
    verdict: Verdict
    other: Number | None = None


def read_plain(cell: str, region: str) -> Number | None:
    """Read a cell that needs no repair and no words, as nearly all; None leaves it to `read_cell`.

    `region` is an ISO code, or blank when there is none.
    """
    digits = _plain_digits(cell)
    if not digits or (("." in cell or "(" in cell or "/" in cell) and _SUSPICIOUS.search(cell)):
        return None
    if digits[0] == "+":
        main = MAIN_PLANS[digits[1 : CODE_DIGITS + 1]]
        return None if main is None else main.find_abroad(digits[1:])
    plan = PLANS[region]
    if digits.startswith("00") or (region and not plan):
        return None
    number = plan and plan.find(digits)
    main = MAIN_PLANS[digits[:CODE_DIGITS]]
    if main and cell.lstrip(" -./").startswith(main.code.digits):
        abroad = main.find_abroad(digits)
        may_be_two = number or len(digits) < len(cell.strip())  # readings, or numbers
        if abroad and abroad != number and may_be_two:
            return None
        number = number or abroad
    return number if number and len(number[0]) <= MAX_NUMBER_DIGITS else None


def _plain_digits(text: str) -> str:
    """Leave out what stands between digits and means nothing; nothing when there is more to it."""
    digits = text.replace(" ", "").replace("-", "")
    if "(" in digits or "." in digits or "/" in digits:
        digits = digits.translate(_PUNCTUATION)
    bare = digits[1:] if digits[:1] == "+" else digits
    plain = bare.isdecimal() and bare.isascii() and _FEWEST <= len(bare) <= MAX_NUMBER_DIGITS
    return digits if plain else ""


def read_cell(value: Any, region: str) -> Reading:
    """Read a cell of any type, for a region as above, or one that is not understood."""
    if is_blank(value):
        return _refused(Problem.MISSING_NUMBER, "the cell is blank.")
    cell = value if isinstance(value, str) else _spelled_out(value)
    if len(cell) > _MAX_CELL:
        return _refused(Problem.INVALID_NUMBER, f"{quoted(cell)}: it is too long.")
    text, repairs = _repair(cell)
    if not text:
        return _refused(Problem.MISSING_NUMBER, "the cell holds invisible characters only.")
    if damage := _damage(text) or _miscalculation(value):
        return _refused(Problem.DAMAGED_NUMBER, f"{quoted(cell)}: {damage}")
    if isinstance(value, Real | Decimal):
        repairs.insert(0, "a number was read as text")
    return _read_text(text, region, cell, repairs)


def _read_text(text: str, region: str, cell: str, repairs: list[str]) -> Reading:
    if number := read_plain(text, region):  # most cells that needed a repair need nothing more
        return Reading(number, _mended(cell, repairs))
    if _holds_two_numbers(cell, region):
        return _refused(Problem.INVALID_NUMBER, f"{quoted(cell)} {_TWO}")
    text, more = _repair_prefix(text, region)
    return _parse(text, region, cell, repairs + more)


def read_number(value: Any, region: str) -> Reading:
    """Read a cell, in the quick way where that is certain."""
    number = read_plain(value, region) if isinstance(value, str) else None
    return Reading(number, NOTHING) if number else read_cell(value, region)


def _refused(problem: Problem, note: str) -> Reading:
    return Reading(None, Verdict(problem, note=note))


def _spelled_out(value: Any) -> str:
    """Write a cell that is no text."""
    text = as_text(value)
    return text if isinstance(value, Integral) else _as_kept(text)


def _as_kept(digits: str) -> str:
    """Write the digits of a float; as an exponent, to be refused, when the last ones are lost."""
    return str(Decimal(digits).normalize()) if digits.endswith(_LOST_DIGITS) else digits


def _repair(cell: str) -> tuple[str, list[str]]:
    """Undo what spreadsheets and web pages do to numbers, and say in words what was undone."""
    repairs = []
    text = cell
    if _UNUSUAL.search(cell):
        text = "".join(map(_visible, cell))
        if text != cell:
            repairs.append("invisible characters were removed")
        latin = "".join(str(unicodedata.decimal(char, char)) for char in text)
        if latin != text:
            text = latin
            repairs.append("digits of another script were read")
    text = text.strip()
    if text.startswith("'"):
        text = text.lstrip("'").strip()
        repairs.append("a leading apostrophe was removed")
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
        repairs.append("'tel:' was removed")
    if whole := _FLOAT_TAIL.fullmatch(text):
        text = _as_kept(whole[1]) if whole[1] else whole[2]
        repairs.append("a trailing .0 was removed")
    if exact := _exact_exponent(text):
        text = exact
        repairs.append("an exponent that held every digit was written out")
    return text, repairs


def _visible(char: str) -> str:
    """Return a character as a person sees it: a space for any space, nothing for no ink."""
    category = unicodedata.category(char)
    if category == "Cf":
        return ""
    return " " if category[0] == "Z" or category == "Cc" else char


def _repair_prefix(text: str, region: str) -> tuple[str, list[str]]:
    """Read `00` as `+` and leave out `(0)`, unless the number is valid only as it stands."""
    repairs = []
    if zeros := _DOUBLE_ZERO.match(text):
        plus = "+" + text[zeros.end() :]
        # Abroad is 0011 in Australia, 001 in Singapore.
        as_dialled, _ = _valid(text, region)
        if as_dialled is None or as_dialled == _valid(plus, "")[0]:
            text = plus
            repairs.append("'00' was read as '+'")
    if trunk := _TRUNK_ZERO.match(text):
        without = trunk[1] + text[trunk.end() :]  # but an Italian landline keeps its zero
        if _valid(without, "")[0] is not None or _valid(text, "")[0] is None:
            text = without
            repairs.append("'(0)' was removed")
    return text, repairs


def _holds_two_numbers(cell: str, region: str) -> bool:
    """Tell two numbers from one that is written with a slash, such as 033203/123456."""
    found = _TWO_NUMBERS.search(cell)
    if found is None or found[2] != "/":
        return found is not None
    first, _ = _valid(cell[: found.end(1)], region)
    whole, _ = _valid(cell, region)
    return first is not None or whole is None


def _parts_in_two(text: str, region: str) -> bool:
    """Tell whether white space stands between two valid numbers."""
    words = re.split(r"\s+|(?=\+)", text)
    parts = ((" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words)))
    return any(
        _is_long_enough(one)
        and _is_long_enough(other)
        and _valid(one, region)[0]
        and _valid(other, region)[0]
        for one, other in parts
    )


def _is_long_enough(text: str) -> bool:
    return sum(map(str.isalnum, text)) >= SHORTEST_NATIONAL + text.startswith("+")


def _exact_exponent(text: str) -> str | None:
    match = _EXPONENT.fullmatch(text)
    if match and len(match[1] or "") >= int(match[2]):
        value = Decimal(text.replace(",", "."))
        if value == value.to_integral_value():
            return format(value.to_integral_value(), "f")
    return None


def _damage(text: str) -> str:
    """Say how a spreadsheet destroyed digits, or nothing."""
    if not text.strip("#"):
        return "the column was too narrow when the file was saved. Widen it and save again."
    return f"{_CUT} {_AS_TEXT}" if _EXPONENT.fullmatch(text) else ""


def _miscalculation(value: Any) -> str:
    """Say what is wrong with a number that was stored as one, or nothing."""
    if isinstance(value, np.float32 | np.float16) and not abs(value) <= _EXACT_IN_32_BITS:
        return f"{_CUT} {_AS_TEXT}"
    if isinstance(value, dt.date):
        return f"a spreadsheet made a date of it. {_AS_TEXT}"
    if isinstance(value, Real | Decimal) and _CALCULATED.search(as_text(value)):
        return f"a phone number is not negative and no fraction. {_AS_TEXT}"
    return ""


def _parse(text: str, region: str, cell: str, repairs: list[str]) -> Reading:
    """Read a repaired text, or say why it is no number."""
    if region and not PLANS[region] and not _PLUS.match(text):
        unknown = f"{quoted(region)} is no country that is known. {NAME_IT}"
        return _refused(
            Problem.INVALID_NUMBER, f"{quoted(cell)} has no country code, and {unknown}"
        )
    national, international, why = _read_both_ways(text, region)
    chosen, other = _prefer(national, international)
    if national is None and _parts_in_two(text, region):
        return _refused(Problem.INVALID_NUMBER, f"{quoted(cell)} {_TWO}")
    digits = len(chosen[0]) if chosen else sum(char.isdigit() for char in text)
    if digits > MAX_NUMBER_DIGITS and (chosen or not _EXTENSION.search(text)):
        return _refused(
            Problem.DAMAGED_NUMBER,
            f"{quoted(cell)}: {digits} digits are more than the {MAX_NUMBER_DIGITS} a number can "
            "have.",
        )
    if chosen is None:
        return _refused(Problem.INVALID_NUMBER, f"{quoted(cell)}: {why}.")
    return Reading(
        chosen, _mended(cell, repairs) + _read_twice(cell, national, chosen, other), other
    )


def _mended(cell: str, repairs: list[str]) -> Verdict:
    note = f"{quoted(cell)}: {', '.join(repairs)}." if repairs else ""
    return Verdict(note=note, title=NUMBER_NOTE)


def _read_twice(
    cell: str, national: Number | None, chosen: Number, other: Number | None
) -> Verdict:
    if other is None:
        return NOTHING
    taken, left = ("without", "with") if chosen == national else ("with", "without")
    note = (
        f"{quoted(cell)}: read {taken} a country code, from {chosen[1].country}, though {left} one "
        f"it would be valid too, from {other[1].country}."
    )
    return Verdict(note=note, title=TWO_READINGS)


def _read_both_ways(text: str, region: str) -> tuple[Number | None, Number | None, str]:
    """Read as the region does, and as if a plus were missing: both numbers, or why they are none.

    The second is None where no country code may lead.
    """
    national, why = _valid(text, region)
    coded = _with_plus(text)
    if not coded:
        return national, None, why
    international, why_not = _valid(coded, "")
    return national, international, why if region else why_not


def _with_plus(text: str) -> str:
    """Put a plus before digits that may begin with a country code; nothing when they cannot.

    A plus leaves no choice, brackets around the first digits mean an area code, no country code
    begins with 0, and none has a separator in it, as in 8 495 123-45-67.
    """
    dialled = _NO_PLUS.fullmatch(text)
    if not dialled:
        return ""
    main = MAIN_PLANS[re.sub(r"\D", "", dialled[1])[:CODE_DIGITS]]
    may_lead = main is None or dialled[1].startswith(main.code.digits)
    return "+" + dialled[1] if may_lead else ""


def _prefer(
    national: Number | None, international: Number | None
) -> tuple[Number | None, Number | None]:
    """Choose between two valid readings: the one that can receive an SMS, else the national one."""
    if national is None or international is None or national == international:
        return national or international, None
    if len(national[0]) > MAX_NUMBER_DIGITS:  # libphonenumber has such numbers, the API has not
        return international, None
    if international[1].line in _TEXTABLE and national[1].line not in _TEXTABLE:
        return international, national
    return national, international


def _valid(text: str, region: str) -> tuple[Number | None, str]:
    """Read one spelling in one way: the number when it is valid, else the reason in words."""
    digits = _plain_digits(text)
    plan = PLANS[region]
    if digits[:1] == "+":
        parts = split_international(digits[1:])
    else:
        parts = plan.split(digits) if plan and digits else None
    if parts is None:
        return _parse_with_phonenumbers(text, region or None)
    plan, rest = parts
    number = plan.code.number(rest)
    return number, "" if number else plan.why_not(rest)


def _parse_with_phonenumbers(text: str, region: str | None) -> tuple[Number | None, str]:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            known = region in phonenumbers.SUPPORTED_REGIONS or _PLUS.match(text)
            return None, _NO_SUCH_CODE if known else "it has no country code; say region=…"
        return None, _WHY_NOT_PARSED[error.error_type]
    if number.extension:
        return None, "it has an extension, which no SMS can reach"
    country = phonenumbers.region_code_for_number(number)
    if phonenumbers.is_valid_number(number) and country:
        digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        line = PhoneNumberType.to_string(phonenumbers.number_type(number)).lower()
        return (digits.removeprefix("+"), Kind(country, line)), ""
    possible = phonenumbers.is_possible_number_with_reason(number)
    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return None, _WHY_NOT_POSSIBLE.get(possible, f"there is no such number in {country}")
