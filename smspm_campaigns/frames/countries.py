"""What people write for a country, and its ISO 3166 code."""

import re
import unicodedata
from functools import cache
from typing import Final

import iso3166
from phonenumbers import SUPPORTED_REGIONS

#: What to do about a country that is not known, for sentences.
NAME_IT: Final = "Write an ISO 3166 code such as 'DE', or its English name."

#: Everyday names that ISO 3166 does not have, folded as `_fold` does.
_EVERYDAY: Final = {
    "aland": "AX",
    "america": "US",
    "bosnia": "BA",
    "britain": "GB",
    "brunei": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "czech republic": "CZ",
    "dr congo": "CD",
    "drc": "CD",
    "east timor": "TL",
    "england": "GB",
    "great britain": "GB",
    "holland": "NL",
    "ivory coast": "CI",
    "laos": "LA",
    "macau": "MO",
    "macedonia": "MK",
    "nauru": "NR",
    "north korea": "KP",
    "northern ireland": "GB",
    "republic of ireland": "IE",
    "russia": "RU",
    "scotland": "GB",
    "slovak republic": "SK",
    "south korea": "KR",
    "swaziland": "SZ",
    "syria": "SY",
    "turkey": "TR",
    "uae": "AE",
    "uk": "GB",
    "united kingdom": "GB",
    "united states": "US",
    "us": "US",
    "us virgin islands": "VI",
    "vatican": "VA",
    "vatican city": "VA",
    "vietnam": "VN",
    "wales": "GB",
}


def country_code(name: str) -> str | None:
    """Find the ISO 3166-1 alpha-2 code of a country that phonenumbers knows; None when unknown.

    Understood in any case: alpha-2 and alpha-3 codes, the English names of ISO 3166 in both orders
    (`Korea, Republic of`, `Republic of Korea`), with accents or without, and everyday names.

    Example:
        >>> country_code("de"), country_code("DEU"), country_code(" Germany "), country_code("UK")
        ('DE', 'DE', 'DE', 'GB')
    """
    code = name.strip().upper()
    if code in SUPPORTED_REGIONS:
        return code
    return _codes_by_name().get(_fold(name))


@cache
def countries_by_name() -> list[tuple[str, str]]:
    """Name the countries that phonenumbers knows, each with its code: to choose one of them.

    Example:
        >>> countries_by_name()[0]
        ('Afghanistan (AF)', 'AF')
    """
    return sorted((f"{known.apolitical_name} ({known.alpha2})", known.alpha2) for known in _known())


def _known() -> list[iso3166.Country]:
    return [country for country in iso3166.countries if country.alpha2 in SUPPORTED_REGIONS]


@cache
def _codes_by_name() -> dict[str, str]:
    known = _known()
    derived: dict[str, set[str]] = {}
    for country in known:
        for name in _other_spellings(country.name):
            derived.setdefault(_fold(name), set()).add(country.alpha2)
    exact = {
        _fold(name): country.alpha2
        for country in known
        for name in (country.alpha3, country.name, country.apolitical_name)
    }
    # What two countries share, such as "Korea", is nobody's, unless it is a whole name ("Congo").
    shared = {name for name, codes in derived.items() if len(codes) > 1}
    single = {name: min(codes) for name, codes in derived.items() if name not in shared}
    return {**single, **exact, **_EVERYDAY}


def _other_spellings(name: str) -> tuple[str, str]:
    """`Iran, Islamic Republic of` is also `Islamic Republic of Iran`, and `Iran`."""
    first, _, rest = re.sub(r"\(.*\)", "", name).partition(",")
    return first, f"{rest} {first}"


def _fold(name: str) -> str:
    """Leave only what tells two names apart: words without accents and marks, in lower case."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("&", " and ").replace(".", ""))
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    words = re.findall(r"[^\W_]+", bare)
    return " ".join("saint" if word == "st" else word for word in words if word != "the")
