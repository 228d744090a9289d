"""Segments x country becomes the expected price."""

import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
import pandas as pd
import phonenumbers

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, warn
from smspm_campaigns.frames.cells import as_text, is_blank, quoted
from smspm_campaigns.frames.columns import check_frame, list_names, texts_of, with_columns
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.problems import sendable
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import COST, COUNTRY, SEGMENTS

_MAX_DECIMALS: Final = 9  # of a price in EUR; the ledger counts in billionths
_LISTED_AT_MOST: Final = 10  # countries named in a warning

#: Countries a price may be for: those that have numbers, `001` for numbers of no country, and the
#: territories of ISO 3166 that have none of their own but stand in price lists.
_COUNTRIES: Final = frozenset(
    {*phonenumbers.SUPPORTED_REGIONS, "001", "AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
)


def estimate_costs(
    frame: pd.DataFrame,
    prices: "Mapping[str, float | Decimal | str] | pd.DataFrame | str | os.PathLike[str]",
) -> pd.DataFrame:
    """Say what each message is expected to cost.

    Args:
        frame: with `sms_country` and `sms_segments`.
        prices: EUR per segment by ISO country code: a mapping, or a frame or file with the columns
            `country` and `price`.

    Returns:
        The frame with `sms_cost` (float64, EUR). It is missing, never zero, where the country has
        no price; a warning names these countries.

    Raises:
        ColumnNotFound: an earlier step, or a column of the prices, is missing.
        InvalidArgument: a price that is no number from 0 or has no country, or a country that is no
            ISO code or has two prices.

    Example:
        >>> frame = pd.DataFrame({"sms_country": ["EE"], "sms_segments": [2]})
        >>> list(estimate_costs(frame, {"EE": 0.045})["sms_cost"])
        [0.09]
    """
    check_frame(frame, COUNTRY, SEGMENTS)
    table = _table(prices)
    euros = [
        _cost(table.get(country), segments)
        for country, segments in zip(texts_of(frame, COUNTRY), frame[SEGMENTS], strict=True)
    ]
    frame = with_columns(frame, **{COST: np.array(euros, dtype="float64")})
    countries = {country or "no country" for country in texts_of(sendable(frame), COUNTRY)}
    without = sorted(countries - table.keys())
    if without:
        shown = ", ".join(without[:_LISTED_AT_MOST]) + (
            "…" if len(without) > _LISTED_AT_MOST else ""
        )
        warn(
            f"No price for {shown}: what these messages cost is not known. Add them to the prices."
        )
    return frame


def _cost(price: Decimal | None, segments: Any) -> float:
    if price is None or is_blank(segments):
        return float("nan")
    return float(price * int(segments))


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
    if not isinstance(prices, str | os.PathLike):
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
    return price
