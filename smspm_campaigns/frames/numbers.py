"""Any spelling of a number becomes country-code-without-plus digits, or a reason why not."""

import warnings
from collections.abc import Collection, Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
import phonenumbers

from smspm_campaigns.exceptions import InvalidArgument, SmspmWarning
from smspm_campaigns.frames.cells import as_text, is_blank, told
from smspm_campaigns.frames.columns import (
    check_argument,
    check_frame,
    find_column,
    nearest,
    text_array,
    texts_of,
    with_columns,
)
from smspm_campaigns.frames.problems import NOTHING, Verdict, has_code, record
from smspm_campaigns.frames.readings import Reading, read_number
from smspm_campaigns.vocabulary import (
    COUNTRY,
    LINE,
    NUMBER_NOTE,
    TO,
    Problem,
)

_OWNED: Final = (
    Problem.MISSING_NUMBER,
    Problem.DAMAGED_NUMBER,
    Problem.INVALID_NUMBER,
    Problem.COUNTRY_NOT_ALLOWED,
    Problem.NOT_MOBILE,
)


def normalize_numbers(
    frame: pd.DataFrame,
    column: str = "phone",
    *,
    region: str | None = None,
    countries: Collection[str] | None = None,
    mobile_only: bool = False,
) -> pd.DataFrame:
    """Read a column of phone numbers in any spelling.

    Args:
        frame: any frame; it is not changed.
        column: the column that holds the numbers, as text or as numbers.
        region: where numbers without a country code are from: an ISO 3166 code such as `"DE"`, or
            the name of a column that holds one for each row.
        countries: ISO codes of the countries to send to; all by default.
        mobile_only: leave out what is surely a landline.

    Returns:
        The frame with `sms_to` (str: the digits of E.164 without plus, as the API wants them, or
        missing), `sms_country` (str: ISO code) and `sms_line` (str: `mobile`, `fixed_line`, …). A
        row that cannot be sent has the reason in `sms_problem` and a sentence in `sms_detail`.

    Raises:
        ColumnNotFound: there is no such column.
        InvalidArgument: a region or country that is no ISO code.

    The rules are those of E.164 (ITU-T) and, for each country, of Google's libphonenumber. Bare
    digits are read as the region reads them and as an international number, the quick start's own
    format; when both are valid, the one that can receive an SMS counts.

    Example:
        >>> people = pd.DataFrame({"phone": ["0171 39200 12", "+46 70 174 06 05"]})
        >>> list(normalize_numbers(people, region="DE")["sms_to"])
        ['491713920012', '46701740605']
    """
    check_frame(frame)
    cells = find_column(frame, column)
    fits = isinstance(countries, Iterable) and not isinstance(countries, str)
    expected = "a list of ISO codes, such as ['DE']"
    check_argument("countries", countries, expected, fits=fits or countries is None)
    fits = isinstance(mobile_only, bool | np.bool_)
    check_argument("mobile_only", mobile_only, "True or False", fits=fits)
    allowed = None if countries is None else {_check_region(code) for code in countries}
    readings: dict[tuple[str, str], Reading] = {}
    rows = []
    for key in zip(map(_cell, cells), _regions(frame, region), strict=True):
        if key not in readings:
            readings[key] = _judge(read_number(*key), allowed, mobile_only=mobile_only)
        rows.append(readings[key])
    frame = _forget_what_changed(frame, [row.number or "" for row in rows])
    frame = with_columns(
        frame,
        **{
            TO: text_array(row.number for row in rows),
            COUNTRY: text_array(row.country for row in rows),
            LINE: text_array(row.line for row in rows),
        },
    )
    return record(frame, (row.verdict for row in rows), owned=_OWNED, titles=(NUMBER_NOTE,))


def _cell(value: Any) -> str:
    return "" if is_blank(value) else as_text(value)


def _check_region(code: str) -> str:
    known = str(code).strip().upper()
    if known not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidArgument(f"{told(code)} is no ISO 3166 country code such as 'DE' or 'GB'.")
    return known


def _regions(frame: pd.DataFrame, region: str | None) -> list[str]:
    if region is None:
        return [""] * len(frame)
    fits = pd.api.types.is_hashable(region)
    check_argument("region", region, "an ISO code such as 'DE', or a column", fits=fits)
    if region in frame.columns:
        return [as_text(value).strip().upper() for value in find_column(frame, region)]
    try:
        return [_check_region(region)] * len(frame)
    except InvalidArgument as error:
        hint = nearest(region, frame.columns)
        raise InvalidArgument(f"{error} It is no column either. {hint}") from None


def _forget_what_changed(frame: pd.DataFrame, numbers: list[str]) -> pd.DataFrame:
    """Clear duplicates and opt-outs where the number changed: they judged the old one."""
    if TO not in frame.columns:
        return frame
    stale = (Problem.DUPLICATE, Problem.OPTED_OUT)
    changed = np.array(texts_of(frame, TO), dtype=object) != np.array(numbers, dtype=object)
    outdated = changed & (has_code(frame, stale[0]) | has_code(frame, stale[1]))
    if not outdated.any():
        return frame
    warnings.warn(
        f"{outdated.sum()} rows that were marked as duplicate or opted out have another number "
        "now. Run mark_duplicates and mark_suppressed again.",
        SmspmWarning,
        stacklevel=3,
    )
    return record(frame, [NOTHING] * len(frame), owned=stale, where=outdated)


def _judge(reading: Reading, allowed: Collection[str] | None, *, mobile_only: bool) -> Reading:
    if reading.number is None:
        return reading
    verdict = reading.verdict
    if allowed is not None and reading.country not in allowed:
        note = f"this number is from {reading.country}, not from {', '.join(sorted(allowed))}."
        verdict += Verdict(Problem.COUNTRY_NOT_ALLOWED, note=note)
    if mobile_only and reading.line == "fixed_line":
        verdict += Verdict(Problem.NOT_MOBILE, note="this is a landline.")
    return reading._replace(verdict=verdict)
