"""Which column of a file holds the numbers, and which the country, judged by what is in them."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import pandas as pd

from smspm_campaigns.frames.cells import as_text, is_blank
from smspm_campaigns.frames.columns import check_frame
from smspm_campaigns.frames.countries import country_code
from smspm_campaigns.frames.readings import read_number
from smspm_campaigns.vocabulary import COLUMNS

_PROBED: Final = 200  # rows from the top
_ENOUGH: Final = 0.5  # of the cells that are not blank must fit
_NAME_COUNTS: Final = 0.5  # as much as half of the cells
_DATE: Final = r"\d{4}-\d\d-\d\d\b.*|\d\d?([./-])\d\d?\1(?:\d\d){1,2}\b.*"
_MONEY: Final = r"\d{1,7}[.,]\d\d?"  # 491713920012.0 is a number that was taken for one
_OTHER: Final = re.compile(rf"{_DATE}|{_MONEY}")
_DIGITS: Final = r"'?\+?(?:[\s()./-]*\d){7,15}[\s()./-]*"  # ITU-T E.164: 15 digits
_DAMAGED: Final = r"\d(?:[.,]\d+)?E\+\d\d"  # what a spreadsheet made of a number
_DIALLED: Final = re.compile(rf"{_DIGITS}|{_DAMAGED}")
_NAMED: Final = re.compile(r"phone|cell|fon\b|tel|gsm|msisdn|^(?:number|nummer)s?$", re.IGNORECASE)
_MOBILE: Final = re.compile(r"mobil|handy|cell|whatsapp|gsm", re.IGNORECASE)
#: A column of codes must also be named so: `state` has CA and DE, and means others by them.
_OF_COUNTRY: Final = re.compile(r"countr|land|nation|\biso\b|pays|pa[ií]s", re.IGNORECASE)
_NEARLY_ALL: Final = 0.9  # of the cells, where the name says nothing
_SHORTEST: Final = 4  # letters of a name that is no code


class Guess(NamedTuple):
    """The labels of the columns that hold numbers and countries; None where none seems to."""

    numbers: str | None
    region: str | None


def guess_columns(frame: pd.DataFrame) -> Guess:
    """Guess by the first rows which column holds the phone numbers, and which their country.

    What weighs are cells that are numbers by themselves, with their country code; cells that may be
    dialled; how many rows have one; and a name that promises numbers, most of all mobile ones. A
    country is taken from a column that is named so, or has whole names.

    Args:
        frame: as `read_contacts` returns it.

    Example:
        >>> guess_columns(pd.DataFrame({"zip": ["10115"], "phone": ["+49 171 3920012"],
        ...                             "land": ["DE"]}))
        Guess(numbers='phone', region='land')
    """
    check_frame(frame)
    cells = {
        name: [as_text(cell) for cell in column.tolist() if not is_blank(cell)]
        for name, column in frame.head(_PROBED).items()
        if isinstance(name, str) and name not in COLUMNS
    }
    countries = {
        name: share
        for name, held in cells.items()
        if (share := _share(held, _is_country)) >= _ENOUGH
        and (_OF_COUNTRY.search(name) or _share(held, _is_country_in_full) >= _NEARLY_ALL)
    }
    rows = len(frame.head(_PROBED))
    numbers = {
        name: share + _share(held, _is_number) + len(held) / rows + _promise(name)
        for name, held in cells.items()
        if (share := _share(held, _is_dialled)) >= _ENOUGH
    }
    return Guess(
        max(numbers, key=lambda name: numbers[name], default=None),
        max(countries, key=lambda name: countries[name], default=None),
    )


def _promise(name: str) -> float:
    """Weigh what the name of a column promises; a mobile can be texted for sure."""
    return _NAME_COUNTS * (bool(_NAMED.search(name)) + 2 * bool(_MOBILE.search(name)))


def _share(cells: list[str], fits: Callable[[str], bool]) -> float:
    return sum(map(fits, cells)) / len(cells) if cells else 0.0


def _is_country(cell: str) -> bool:
    return country_code(cell) is not None


def _is_country_in_full(cell: str) -> bool:
    return len(cell.strip()) >= _SHORTEST and _is_country(cell)


def _is_dialled(cell: str) -> bool:
    return bool(_DIALLED.fullmatch(cell.strip())) and not _OTHER.fullmatch(cell.strip())


def _is_number(cell: str) -> bool:
    return read_number(cell, "").number is not None
