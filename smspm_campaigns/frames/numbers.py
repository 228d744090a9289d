"""Any spelling of a number becomes country-code-without-plus digits, or a reason why not."""

from collections.abc import Collection, Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import InvalidArgument, warn
from smspm_campaigns.frames.cells import as_text, told
from smspm_campaigns.frames.columns import (
    check_argument,
    check_frame,
    find_column,
    nearest,
    text_array,
    texts_of,
    with_columns,
)
from smspm_campaigns.frames.countries import NAME_IT, country_code
from smspm_campaigns.frames.numbering import Kind
from smspm_campaigns.frames.opt_outs import remember, unmarked
from smspm_campaigns.frames.problems import NOTHING, Verdict, both, has_code, record
from smspm_campaigns.frames.readings import read_cell, read_plain
from smspm_campaigns.vocabulary import (
    COUNTRY,
    LINE,
    NUMBER_NOTE,
    TO,
    TWO_READINGS,
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
        region: where numbers without a country code are from: an ISO 3166 code such as `"DE"`, an
            English country name, or the name of a column that holds one or the other for each row.
        countries: the countries to send to, as codes or English names; all by default.
        mobile_only: leave out what is surely a landline.

    Returns:
        The frame with `sms_to` (str: the digits of E.164 without plus, as the API wants them, or
        missing), `sms_country` (str: ISO code) and `sms_line` (str: `mobile`, `fixed_line`, …). A
        row that cannot be sent has the reason in `sms_problem` and a sentence in `sms_detail`.

    Raises:
        ColumnNotFound: there is no such column.
        InvalidArgument: a region or country that is not known.

    The rules are those of E.164 (ITU-T) and, for each country, of Google's libphonenumber. Digits
    without a plus are read as the region reads them and as an international number, the quick
    start's own format; when both are valid, the one that can receive an SMS counts. A leading 0,
    brackets around the first digits or a separator within the country code leave the national one.

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
    allowed = None if countries is None else {_check_country(name) for name in countries}
    if allowed is not None and not allowed:
        raise InvalidArgument("countries names none, so nobody would be texted. None means all.")
    before = frame
    columns, verdicts = _read(cells_of(cells), regions_of(frame, region), allowed, mobile_only)
    frame = _forget_what_changed(before, with_columns(remember(frame, {}), **columns))
    verdicts = both(verdicts, unmarked(frame))
    return record(frame, verdicts, owned=_OWNED, titles=(NUMBER_NOTE, TWO_READINGS))


def _read(
    cells: list[Any],
    regions: list[str],
    allowed: Collection[str] | None,
    mobile_only: bool,  # noqa: FBT001 - passed on by position
) -> tuple[dict[str, Any], dict[int, Verdict]]:
    """Read all cells: the three columns, and the verdicts by position."""
    numbers: list[str | None] = []
    kinds: list[Kind | None] = []
    verdicts: dict[int, Verdict] = {}
    everyone = allowed is None and not mobile_only
    for place, (cell, region) in enumerate(zip(cells, regions, strict=True)):
        number = read_plain(cell, region) if isinstance(cell, str) else None
        if number is None:
            number, verdicts[place], _ = read_cell(cell, region)
        digits, kind = number or (None, None)
        if kind and not everyone and (faults := _judge(kind, allowed, mobile_only=mobile_only)):
            verdicts[place] = verdicts.get(place, NOTHING) + faults
        numbers.append(digits)
        kinds.append(kind)
    which = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
    places = np.fromiter(map(which.__getitem__, kinds), dtype=np.intp, count=len(kinds))
    columns = {
        TO: text_array(numbers),
        COUNTRY: text_array([kind and kind.country for kind in which]).take(places),
        LINE: text_array([kind and kind.line for kind in which]).take(places),
    }
    return columns, verdicts


def cells_of(column: "pd.Series[Any]") -> list[Any]:
    """Return the cells; floats of less than 64 bits stay such, since they have lost digits."""
    dtype: Any = column.dtype
    if dtype.kind == "f" and dtype.itemsize < np.float64().itemsize:
        return list(column.to_numpy(np.dtype(f"f{dtype.itemsize}"), na_value=np.nan))
    return column.tolist()


def _check_country(name: object) -> str:
    code = country_code(name) if isinstance(name, str) else None
    if code is None:
        raise InvalidArgument(f"{told(name)} is no country that is known. {NAME_IT}")
    return code


def regions_of(frame: pd.DataFrame, region: str | None) -> list[str]:
    """Return for each row an ISO code, nothing, or what stands there and is not understood.

    Raises:
        InvalidArgument: it is neither a country that is known nor a column.
    """
    if region is None:
        return [""] * len(frame)
    fits = pd.api.types.is_hashable(region)
    check_argument("region", region, "an ISO code such as 'DE', or a column", fits=fits)
    if region in frame.columns:
        column = find_column(frame, region)
        is_text = isinstance(column.dtype, pd.StringDtype)
        texts = column.tolist() if is_text else map(as_text, column)
        return list(map(_Regions().__getitem__, texts))
    try:
        return [_check_country(region)] * len(frame)
    except InvalidArgument as error:
        hint = nearest(region, frame.columns)
        raise InvalidArgument(f"{error} It is no column either. {hint}") from None


class _Regions(dict[Any, str]):
    """What stands in a column of countries, each looked up once."""

    def __missing__(self, cell: Any) -> str:
        value = as_text(cell)  # blank when it is missing
        self[cell] = region = country_code(value) or value.strip()
        return region


def _forget_what_changed(before: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Clear duplicates and opt-outs where the number changed: they judged the old one."""
    stale = (Problem.DUPLICATE, Problem.OPTED_OUT)
    if TO not in before.columns or not any(has_code(before, code).any() for code in stale):
        return frame
    old, new = (np.array(texts_of(each, TO), dtype=object) for each in (before, frame))
    changed = old != new
    if not changed.any():
        return frame
    rows = "1 row has" if changed.sum() == 1 else f"{changed.sum():,} rows have"
    warn(
        f"{rows} another number than before. Run mark_duplicates and mark_suppressed again: they "
        "judged the old ones."
    )
    return record(frame, {}, owned=stale, where=changed)


def _judge(kind: Kind, allowed: Collection[str] | None, *, mobile_only: bool) -> Verdict:
    verdict = NOTHING
    if allowed is not None and kind.country not in allowed:
        note = f"this number is from {kind.country}, not from {', '.join(sorted(allowed))}."
        verdict += Verdict(Problem.COUNTRY_NOT_ALLOWED, note=note)
    if mobile_only and kind.line == "fixed_line":
        verdict += Verdict(Problem.NOT_MOBILE, note="this is a landline.")
    return verdict
