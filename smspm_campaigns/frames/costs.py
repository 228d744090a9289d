"""Segments x country becomes the expected price."""

import os
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import IO, Any, Final

import numpy as np
import pandas as pd
import phonenumbers

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, warn
from smspm_campaigns.frames.cells import as_text, quoted, told
from smspm_campaigns.frames.columns import STR, check_frame, has_text, list_names, with_columns
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import COST, COUNTRY, PROBLEM, SEGMENTS

_MAX_DECIMALS: Final = 9  # of a price in EUR; the ledger counts in billionths
_LISTED_AT_MOST: Final = 10  # countries named in a warning
_WHOLE: Final = re.compile(r"(\d{1,9})(?:\.0+)?", re.ASCII)  # 2.0 is what a file makes of a float

#: Countries a price may be for: those that have numbers, `001` for numbers of no country, and the
#: territories of ISO 3166 that have none of their own but stand in price lists.
_COUNTRIES: Final = frozenset(
    {*phonenumbers.SUPPORTED_REGIONS, "001", "AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
)


def in_euros(value: float, digits: int = 2, sign: str = "") -> str:
    """Write an amount, half away from zero as Excel does it: everything shows one bill.

    Example:
        >>> in_euros(0.625), in_euros(1.005), in_euros(0.00125, 4, "+")
        ('0.63', '1.01', '+0.0013')
    """
    exact = Decimal(repr(round(float(value), _MAX_DECIMALS)))
    rounded = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{rounded:{sign},.{digits}f}"


def estimate_costs(
    frame: pd.DataFrame,
    prices: (
        "Mapping[str, float | Decimal | str] | pd.DataFrame | str | os.PathLike[str] | IO[Any]"
    ),
) -> pd.DataFrame:
    """Say what each message is expected to cost.

    Args:
        frame: with `sms_country` and `sms_segments`.
        prices: EUR per segment by ISO country code: a mapping, or a frame or file (its path, or the
            open file) with the columns `country` and `price`.

    Returns:
        The frame with `sms_cost` (float64, EUR). It is missing, never zero, where the country has
        no price; a warning names these countries.

    Raises:
        ColumnNotFound: an earlier step, or a column of the prices, is missing.
        InvalidArgument: a price that is no number from 0 or has no country, or a country that is no
            ISO code or has two prices; a number of segments that is none.

    Warns:
        SmspmWarning: a row without a problem is for a country that has no price.

    Example:
        >>> frame = pd.DataFrame({"sms_country": ["EE"], "sms_segments": [2]})
        >>> list(estimate_costs(frame, {"EE": 0.045})["sms_cost"])
        [0.09]
    """
    check_frame(frame, COUNTRY, SEGMENTS)
    table = _table(prices)
    country, countries = pd.factorize(frame[COUNTRY].astype(STR).fillna(""))
    segments, counts = pd.factorize(frame[SEGMENTS])  # what is missing is -1, the last of the grid
    grid = _grid([table.get(name) for name in countries], [_whole(count) for count in counts])
    sent = np.unique(country[~has_text(frame, PROBLEM)])
    _complain(sorted({countries[place] or "no country" for place in sent} - table.keys()))
    return with_columns(frame, **{COST: grid[country, segments]})


def _grid(
    prices: list[Decimal | None], counts: list[int | None]
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Multiply each price by each number of segments: exactly, then to the nearest float.

    A row and a column of nothing come last.
    """
    grid = np.full((len(prices) + 1, len(counts) + 1), np.nan)
    for row, price in enumerate(prices):
        for column, count in enumerate(counts):
            if price is not None and count is not None:
                grid[row, column] = price * count
    return grid


def _whole(segments: Any) -> int | None:
    """Return a number of segments, also when it came back from a file as text; None for nothing."""
    text = as_text(segments).strip()
    whole = _WHOLE.fullmatch(text)
    if text and not whole:
        raise InvalidArgument(
            f"{SEGMENTS} holds {told(segments)}, and segments are whole numbers. Run "
            "render_messages, which counts them."
        )
    return int(whole[1]) if whole else None


def _complain(countries: list[str]) -> None:
    if countries:
        more = "…" if len(countries) > _LISTED_AT_MOST else ""
        shown = ", ".join(countries[:_LISTED_AT_MOST]) + more
        warn(
            f"No price for {shown}: what these messages cost is not known. Add them to the prices."
        )


def _table(prices: Any) -> dict[str, Decimal]:
    if isinstance(prices, Mapping):
        pairs = list(prices.items())
    else:
        listed = prices if isinstance(prices, pd.DataFrame) else _read(prices)
        for needed in ("country", "price"):
            if needed not in listed.columns:
                raise ColumnNotFound(
                    f"The prices need the columns 'country' and 'price' (EUR per segment), and "
                    f"have {list_names(listed.columns)}"
                )
        pairs = list(zip(listed["country"], listed["price"], strict=True))
    table: dict[str, Decimal] = {}
    for country, price in pairs:
        code = as_text(country).strip().upper()
        if not code:
            raise InvalidArgument(
                f"The price {mask_text(quoted(price))} stands without a country. Name it."
            )
        if code not in _COUNTRIES:
            raise InvalidArgument(
                f"{mask_text(quoted(country))} is no ISO 3166 country code such as 'DE' or 'GB'. "
                "Write the two letters of the country."
            )
        if code in table:
            raise InvalidArgument(f"{code} has two prices. Keep one.")
        table[code] = _price(price, code)
    return table


def _read(prices: Any) -> pd.DataFrame:
    if not (isinstance(prices, str | os.PathLike) or hasattr(prices, "read")):
        raise InvalidArgument(
            f"Expected prices as a mapping, frame or file, got {type(prices).__name__}."
        )
    return read_contacts(prices)


def _price(value: Any, code: str) -> Decimal:
    text = as_text(value).strip()
    try:
        price = Decimal(text if "." in text else text.replace(",", "."))
        exact = price == round(price, _MAX_DECIMALS)
    except InvalidOperation:
        exact = False
    if not exact or price < 0:
        raise InvalidArgument(
            f"The price for {code} is {mask_text(quoted(value))}; expected EUR per segment as a "
            f"number from 0 with at most {_MAX_DECIMALS} decimals, such as 0.045."
        )
    return abs(price)  # of -0, which is no less than 0, would come a cost of -0.00
