"""Numbering plans: which digits are a number, of which country and on which line.

The rules are libphonenumber's and come from the metadata of phonenumbers, compiled once for each
calling code, so that a number is read with a few matches instead of some forty. They are applied
to plain digits only; any other spelling is phonenumbers' own business.
"""

import operator
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumberDesc,
)

#: The words of `sms_line` and the descriptions they are told by, in libphonenumber's order.
_LINES: Final = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail", "fixed_line_or_mobile", "fixed_line", "mobile",
)  # fmt: skip

TOO_SHORT: Final = "it is too short"
DIGITS_MISSING: Final = "it is too short: digits are missing"
TOO_LONG: Final = "it is too long"

CODE_DIGITS: Final = 3  # digits of the longest calling code, ITU-T E.164, 6.2.1
_NEVER: Final = r"(?!)"  # a pattern that nothing matches

_Match = Callable[[str], "re.Match[str] | None"]


class Kind(NamedTuple):
    """What the digits of a valid number tell: its ISO country code and its line."""

    country: str
    line: str


#: A valid number: its E.164 digits without plus, and its kind.
Number = tuple[str, Kind]


class CallingCode:
    """A country calling code: the regions that share it, and what their numbers look like."""

    def __init__(self, code: int) -> None:
        self.digits = str(code)
        self.regions: tuple[str, ...] = COUNTRY_CODE_TO_REGION_CODE[code]
        self._kinds: list[Kind | None] = [None]
        regions = [_metadata(code, region) for region in self.regions]
        self._match = re.compile("|".join(self._patterns(regions))).match

    def number(self, national: str) -> Number | None:
        """Tell which number a national significant number is; None when it is none."""
        match = self._match(national)
        kind = match and self._kinds[match.lastindex or 0]
        return (self.digits + national, kind) if kind else None

    def _patterns(self, regions: list[PhoneMetadata]) -> Iterator[str]:
        """Yield a pattern for each region; the group that closes tells which kind matched."""
        for metadata in regions:
            lines = []
            for line, pattern in _lines(metadata):
                lines.append(rf"{pattern}()")
                self._kinds.append(Kind(metadata.id, line))
            pattern = rf"(?={_whole(_general(metadata))})(?:{'|'.join(lines)})"
            if metadata.leading_digits and len(regions) > 1:
                # Such digits are this region's alone, even when none of its lines has them.
                pattern = rf"(?={metadata.leading_digits})(?:{pattern}|())"
                self._kinds.append(None)
            yield pattern


class Plan:
    """How numbers are dialled in one region: with which prefixes, and of which lengths."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        general = _general(metadata)
        self.region: str = metadata.id
        self.code = _calling_code(metadata.country_code)
        self._code_size = len(self.code.digits)
        self.lengths = frozenset(general.possible_length)
        self.local_lengths = frozenset(general.possible_length_local_only)
        self.shortest, self.longest = min(self.lengths), max(self.lengths)
        self._is_general: _Match = re.compile(general.national_number_pattern or _NEVER).fullmatch
        self._abroad: _Match = re.compile(metadata.international_prefix or _NEVER).match
        prefix = metadata.national_prefix_for_parsing
        self._plain_prefix = prefix if prefix and prefix.isdigit() else ""
        self._prefix: _Match | None = re.compile(prefix).match if prefix else None
        self._dials_abroad = _beginning(metadata.international_prefix or _NEVER)
        self._has_prefix = _beginning(prefix or _NEVER)
        self._transform = metadata.national_prefix_transform_rule

    def find(self, digits: str) -> Number | None:
        """Tell which number a person in this region dials with these digits."""
        if not (self._dials_abroad(digits) or digits.startswith(self.code.digits)):
            # Nearly always they are one without the prefix; when it is this region's, surely so.
            number = self.code.number(self._strip(digits))
            if number and number[1].country == self.region:
                return number
        parts = self.split(digits)
        return parts and parts[0].code.number(parts[1])

    def find_abroad(self, digits: str) -> Number | None:
        """Tell which number of this calling code the digits behind a plus are."""
        national = digits[self._code_size :]
        if self._has_prefix(national):
            national = self.significant(national)
        return self.code.number(national)

    def split(self, digits: str) -> "tuple[Plan, str] | None":
        """Part dialled digits into the plan of their calling code and the national number.

        None when they dial abroad, and what follows begins with no calling code.
        """
        abroad = self._abroad(digits)
        if abroad and not digits.startswith("0", abroad.end()):
            rest = digits[abroad.end() :]
            return split_international(rest) if len(rest) >= CODE_DIGITS else None
        code = self.code.digits
        if digits.startswith(code):
            rest = self.without_prefix(digits[len(code) :])
            hidden = not self._is_general(digits) and self._is_general(rest)
            if hidden or self._is_too_long(digits):
                main = _main_plan(int(code))
                return main, main.significant(rest)
        return self, self.significant(digits)

    def significant(self, digits: str) -> str:
        """Return the national significant number: without its prefix when that length can be."""
        stripped = self.without_prefix(digits)
        return stripped if len(stripped) in self.lengths or self._is_too_long(stripped) else digits

    def without_prefix(self, digits: str) -> str:
        """Take the national prefix away, such as the first 0, unless that destroys a number."""
        stripped = self._strip(digits)
        if stripped != digits and self._is_general(digits) and not self._is_general(stripped):
            return digits
        return stripped

    def _strip(self, digits: str) -> str:
        if self._plain_prefix:
            return digits.removeprefix(self._plain_prefix)
        prefix = self._prefix and self._prefix(digits)
        if prefix is None:
            return digits
        rest = digits[prefix.end() :]
        if self._transform and prefix[prefix.re.groups] is not None:
            return prefix.expand(self._transform) + rest
        return rest

    def _is_too_long(self, digits: str) -> bool:
        return len(digits) > self.longest and len(digits) not in self.local_lengths

    def why_not(self, national: str) -> str:
        """Say in words why a national significant number of this calling code is none."""
        size = len(national)
        if size in self.local_lengths:
            return DIGITS_MISSING
        if size < self.shortest:
            return TOO_SHORT
        if size > self.longest:
            return TOO_LONG
        return f"there is no such number in {self.region}"


class _Plans(dict[str, Plan | None]):
    """The plans of all regions, each made when it is first asked for; none for other words."""

    def __missing__(self, region: str) -> Plan | None:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is None:
            return None
        self[region] = plan = Plan(metadata)
        return plan


class _MainPlans(dict[str, Plan | None]):
    """Finds the main plan of the calling code that three digits begin with."""

    def __missing__(self, digits: str) -> Plan | None:
        sizes = range(1, CODE_DIGITS + 1) if not digits.startswith("0") else ()
        codes = (int(digits[:size]) for size in sizes)
        code = next((code for code in codes if code in COUNTRY_CODE_TO_REGION_CODE), None)
        self[digits] = plan = None if code is None else _main_plan(code)
        return plan


PLANS: Final = _Plans()
MAIN_PLANS: Final = _MainPlans()
_calling_code = cache(CallingCode)


@cache
def _main_plan(code: int) -> Plan:
    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    return PLANS[region] or Plan(_metadata(code, region))  # a code such as +800 has no region


def split_international(digits: str) -> tuple[Plan, str] | None:
    """Part the digits behind a plus into the main plan of their calling code and the rest.

    None when no calling code begins like this.
    """
    plan = MAIN_PLANS[digits[:CODE_DIGITS]]
    return None if plan is None else (plan, plan.significant(digits[len(plan.code.digits) :]))


def _beginning(pattern: str) -> Callable[[str], object]:
    """Make a test of what a text begins with: a quick one for plain digits, such as the first 0."""
    plain = pattern.isdigit()
    return operator.methodcaller("startswith", pattern) if plain else re.compile(pattern).match


def _general(metadata: PhoneMetadata) -> PhoneNumberDesc:
    assert metadata.general_desc is not None  # noqa: S101 - every region has one
    return metadata.general_desc


def _metadata(code: int, region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert metadata is not None  # noqa: S101 - the region comes from the table of calling codes
    return metadata


def _lines(metadata: PhoneMetadata) -> Iterator[tuple[str, str]]:
    """Yield the lines of a region and their patterns, in the order in which they are tried."""
    patterns = {
        line: _whole(description)
        for line in _LINES
        if (description := getattr(metadata, line, None)) and description.national_number_pattern
    }
    fixed, mobile = patterns.get("fixed_line"), patterns.get("mobile")
    if metadata.same_mobile_and_fixed_line_pattern:
        patterns["fixed_line_or_mobile"] = patterns.pop("fixed_line", _NEVER)
        patterns.pop("mobile", None)
    elif fixed and mobile:
        patterns["fixed_line_or_mobile"] = rf"(?={mobile}){fixed}"
    for line in _LINES:
        if line in patterns:
            yield line, patterns[line]


def _whole(description: PhoneNumberDesc) -> str:
    """Make a pattern of a whole number of one line, of the lengths it may have."""
    lengths = "|".join(rf"(?<=\A.{{{length}}})" for length in description.possible_length)
    return rf"(?:{description.national_number_pattern})\Z(?:{lengths})"
