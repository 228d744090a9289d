"""Numbers as the API wants them, and what a message to each costs."""

from decimal import Decimal
from functools import lru_cache

import phonenumbers

DEFAULT_PRICE = Decimal("0.08")  # EUR per segment
PRICES = {  # EUR per segment by calling code; invented
    1: Decimal("0.012"),
    33: Decimal("0.065"),
    34: Decimal("0.06"),
    39: Decimal("0.07"),
    44: Decimal("0.045"),
    46: Decimal("0.055"),
    48: Decimal("0.03"),
    49: Decimal("0.075"),
    358: Decimal("0.06"),
    370: Decimal("0.035"),
    371: Decimal("0.045"),
    372: Decimal("0.05"),
}


@lru_cache(maxsize=1 << 17)
def calling_code(number: str) -> int | None:
    """Return the calling code of a number, or None when it is no number as the API wants it.

    It wants the country code and the digits that follow, nothing else: no plus, no space, no
    trunk zero, and a length that the country uses.
    """
    try:
        parsed = phonenumbers.parse("+" + number)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    # The parser is lenient: what it had to tidy up is not as the API wants it.
    if f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}" != number:
        return None
    return parsed.country_code


def price(number: str, segments: int) -> Decimal:
    """Return what a message costs, in EUR."""
    return segments * PRICES.get(calling_code(number) or 0, DEFAULT_PRICE)


def carrier(number: str) -> str:
    """Return the invented name of the network that delivers to a number."""
    region = phonenumbers.region_code_for_country_code(calling_code(number) or 0)
    return f"Simulated Carrier {region}"
