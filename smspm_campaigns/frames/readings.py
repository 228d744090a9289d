"""One cell, however it is spelled, becomes a number, or a reason why it is none."""

import re
import unicodedata
from decimal import Decimal
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from smspm_campaigns.frames.cells import is_blank, quoted
from smspm_campaigns.frames.problems import Verdict
from smspm_campaigns.vocabulary import MAX_NUMBER_DIGITS, NUMBER_NOTE, Problem

#: The words of `sms_line`, after phonenumbers' types.
_LINES: Final = {
    value: name.lower() for name, value in vars(PhoneNumberType).items() if name.isupper()
}
_TEXTABLE: Final = ("mobile", "fixed_line_or_mobile")

_EXPONENT: Final = re.compile(r"\+?\d(?:[.,](\d+))?[eE]\+?(\d{1,3})")
_FLOAT_TAIL: Final = re.compile(r"(\+?\d+)\.0+")
_DOUBLE_ZERO: Final = re.compile(r"\(?\s*00")
_TRUNK_ZERO: Final = re.compile(r"(\(?\+[\s)]*\d[\d\s)]*)\(\s*0\s*\)")
_PLUS: Final = re.compile(r"\W*[+\N{FULLWIDTH PLUS SIGN}]")
_EXTENSION: Final = re.compile(r"[^\W\d_]|[,;#/|&]")  # what may stand before one
_MAX_CELL: Final = 250  # characters phonenumbers reads of a cell, MAX_INPUT_STRING_LENGTH
_TWO_NUMBERS: Final = re.compile(
    r"((?:\d[^\d/,;|&\n]{0,2}){6,})\s*([/,;|&\n]|\b(?:or|and|oder|und)\b).*?(?:\d\D{0,2}){6,}"
)

_WHY_NOT_PARSED: Final = {
    NumberParseException.NOT_A_NUMBER: "it does not look like a phone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "it is too short",
    NumberParseException.TOO_SHORT_NSN: "it is too short",
    NumberParseException.TOO_LONG: "it is too long",
}
_WHY_NOT_POSSIBLE: Final = {
    phonenumbers.ValidationResult.TOO_SHORT: "it is too short",
    phonenumbers.ValidationResult.TOO_LONG: "it is too long",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "it is too short: digits are missing",
}


class Reading(NamedTuple):
    """How one cell was read: digits, country and line when it is a number, and the verdict."""

    number: str | None
    country: str | None
    line: str | None
    verdict: Verdict


def read_number(cell: str, region: str) -> Reading:
    """Read one cell, blank when there is nothing in it, for a region, blank when there is none."""
    if is_blank(cell):
        return _refused(Problem.MISSING_NUMBER, "the cell is blank.")
    if len(cell) > _MAX_CELL:
        return _refused(Problem.INVALID_NUMBER, f"{quoted(cell)}: it is too long.")
    text, repairs = _repair(cell)
    if not text:
        return _refused(Problem.MISSING_NUMBER, "the cell holds invisible characters only.")
    if damage := _damage(text):
        return _refused(Problem.DAMAGED_NUMBER, f"{quoted(cell)}: {damage}")
    if _holds_two_numbers(cell, region):
        return _refused(
            Problem.INVALID_NUMBER,
            f"{quoted(cell)} seems to hold two numbers. Keep one in this cell.",
        )
    text, more = _repair_prefix(text, region)
    return _parse(text, region, cell, repairs + more)


def _refused(problem: Problem, note: str) -> Reading:
    return Reading(None, None, None, Verdict(problem, note=note))


def _repair(cell: str) -> tuple[str, list[str]]:
    """Undo what spreadsheets and web pages do to numbers, and say in words what was undone."""
    repairs = []
    text = "".join(
        " " if unicodedata.category(char)[0] == "Z" or unicodedata.category(char) == "Cc" else char
        for char in cell
        if unicodedata.category(char) != "Cf"
    )
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
        text = whole[1]
        repairs.append("a trailing .0 was removed")
    if exact := _exact_exponent(text):
        text = exact
        repairs.append("an exponent that held every digit was written out")
    return text, repairs


def _repair_prefix(text: str, region: str) -> tuple[str, list[str]]:
    """Read `00` as `+` and leave out `(0)`, unless the number is valid only as it stands."""
    repairs = []
    if zeros := _DOUBLE_ZERO.match(text):
        plus = "+" + text[zeros.end() :]
        # Abroad is 0011 in Australia, 001 in Singapore.
        as_dialled, _ = _valid(text, region or None)
        if as_dialled is None or as_dialled == _valid(plus, None)[0]:
            text = plus
            repairs.append("'00' was read as '+'")
    if trunk := _TRUNK_ZERO.match(text):
        without = trunk[1] + text[trunk.end() :]  # but an Italian landline keeps its zero
        if _valid(without, None)[0] is not None or _valid(text, None)[0] is None:
            text = without
            repairs.append("'(0)' was removed")
    return text, repairs


def _holds_two_numbers(cell: str, region: str) -> bool:
    """Tell two numbers from one that is written with a slash, such as 033203/123456."""
    found = _TWO_NUMBERS.search(cell)
    if found is None or found[2] != "/":
        return found is not None
    first, _ = _valid(cell[: found.end(1)], region or None)
    whole, _ = _valid(cell, region or None)
    return first is not None or whole is None


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
    if _EXPONENT.fullmatch(text):
        return (
            "a spreadsheet kept only the first digits. Format the column as text in the original "
            "file and save again."
        )
    return ""


def _parse(text: str, region: str, cell: str, repairs: list[str]) -> Reading:
    """Read a repaired text as its region does, and bare digits as an international number too."""
    if region and region not in phonenumbers.SUPPORTED_REGIONS and not _PLUS.match(text):
        return _refused(
            Problem.INVALID_NUMBER,
            f"{quoted(cell)} has no country code, and {quoted(region)} is no ISO country code.",
        )
    national, why = _valid(text, region or None)
    chosen, other = national, None
    if text.isdigit():
        international, why_not = _valid("+" + text, None)
        if not region:
            why = why_not
        chosen, other = _prefer(national, international)
    digits = len(_digits(chosen)) if chosen else sum(char.isdigit() for char in text)
    if digits > MAX_NUMBER_DIGITS and (chosen or not _EXTENSION.search(text)):
        return _refused(
            Problem.DAMAGED_NUMBER,
            f"{quoted(cell)}: {digits} digits are more than the {MAX_NUMBER_DIGITS} a number can "
            "have.",
        )
    if chosen is None:
        return _refused(Problem.INVALID_NUMBER, f"{quoted(cell)}: {why}.")
    notes = list(repairs)
    if other is not None:
        taken, left = ("with", "without") if other is national else ("without", "with")
        notes.append(
            f"read {taken} a country code, from {_country(chosen)}, though {left} one it would "
            f"be valid too, from {_country(other)}"
        )
    note = f"{quoted(cell)}: {', '.join(notes)}." if notes else ""
    return Reading(
        _digits(chosen), _country(chosen), _line(chosen), Verdict(note=note, title=NUMBER_NOTE)
    )


def _valid(text: str, region: str | None) -> tuple[PhoneNumber | None, str]:
    """Parse with phonenumbers: the number when it is valid, else the reason in words."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            no_code = "there is no such country code"
            known = region in phonenumbers.SUPPORTED_REGIONS or _PLUS.match(text)
            return None, no_code if known else "it has no country code; say region=…"
        return None, _WHY_NOT_PARSED[error.error_type]
    if number.extension:
        return None, "it has an extension, which no SMS can reach"
    if phonenumbers.is_valid_number(number):
        return number, ""
    possible = phonenumbers.is_possible_number_with_reason(number)
    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return None, _WHY_NOT_POSSIBLE.get(possible, f"there is no such number in {country}")


def _prefer(
    national: PhoneNumber | None, international: PhoneNumber | None
) -> tuple[PhoneNumber | None, PhoneNumber | None]:
    """Choose between two valid readings: the one that can receive an SMS, else the national one."""
    if national is None or international is None or national == international:
        return national or international, None
    if _line(international) in _TEXTABLE and _line(national) not in _TEXTABLE:
        return international, national
    return national, international


def _digits(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def _country(number: PhoneNumber) -> str | None:
    country: str | None = phonenumbers.region_code_for_number(number)
    return country


def _line(number: PhoneNumber) -> str:
    return _LINES[phonenumbers.number_type(number)]
