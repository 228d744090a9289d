"""Filters for people: dates, numbers and money as they are written in a country, and tidy names.

What they write has plain spaces, quotes and dashes, whatever the country's own typography is: a
non-breaking space before `€` would double the price of the message. Letters are those of the
language: `août` and `zł` are not in GSM-7, `März` and `€` are.
"""

import datetime as dt
import re
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision, is_currency

from smspm_campaigns.frames.cells import as_text, quoted
from smspm_campaigns.frames.segments import replace_characters

_LOCALE: Final = "en_GB"  # 1 May 2026, €1,234.50
_LONGEST_STYLE: Final = 100  # characters
_STYLES: Final = ("short", "medium", "long", "full")
_MAX_DECIMALS: Final = 9
_MAX_NUMBER: Final = Decimal(10) ** 15  # larger ones are no amounts, and fill a text with digits
_REMEMBERED: Final = 4_096  # results, since dates and prices repeat from row to row

_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_PLAIN_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_COMMA_NUMBER: Final = re.compile(r"([+-]?\d+),(\d+)")
#: `1.234` and `1,234`: a thousand or a fraction, depending on who wrote it.
_EITHER: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}([., '\u2019])\d{3}(?:\1\d{3})*(?:(?!\1)[.,]\d+)?")

#: Codes of `strftime`, and what they are called in the patterns of CLDR (Unicode TS 35).
_FIELDS: Final = {
    "%d": "dd", "%-d": "d", "%m": "MM", "%-m": "M", "%y": "yy", "%Y": "yyyy", "%B": "MMMM",
    "%b": "MMM", "%A": "EEEE", "%a": "EEE", "%H": "HH", "%-H": "H", "%I": "hh", "%-I": "h",
    "%M": "mm", "%S": "ss", "%p": "a",
}  # fmt: skip
_CODE_OR_TEXT: Final = re.compile(r"%-?.|[^%]+|%", re.DOTALL)

#: A currency of letters stands apart from the digits (currencySpacing, Unicode TS 35).
_BETWEEN_LETTER_AND_DIGIT: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")

_DIRECTIONS: Final = str.maketrans("", "", "\u200e\u200f\u061c")  # marks that nobody sees

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_PREFIX: Final = re.compile(r"(?:[^\W\d_]['\u2019])*")  # O' and D', not the don of don't
_FLAG_LETTERS: Final = re.compile("[\U0001f1e6-\U0001f1ff]+$")  # two make a flag
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")  # never the last of a text, nor the first


class CannotFill(ValueError):
    """A value cannot become part of a text. The message says why, for the row."""


def date(
    value: Any, style: Any = "long", locale: str = _LOCALE, *, written: str | None = None
) -> str:
    """Write a date as people of a country do.

    Args:
        value: a date, a time stamp, or a text such as `2026-05-01` or `2026-05-01 10:30`.
        style: `"short"`, `"medium"`, `"long"`, `"full"`, or codes of `strftime` such as
            `"%d.%m.%Y"` and `"%A %-d %B"`.
        locale: the language and country, such as `"de"` or `"pt_BR"`.
        written: how the cell writes it when it is no ISO date, in codes such as `"%d/%m/%Y"`.

    Raises:
        CannotFill: it is no date, style or locale that is understood.

    Example:
        >>> date("2026-05-01"), date("2026-05-01", "%d.%m."), date("2026-05-01", "full", "de")
        ('1 May 2026', '01.05.', 'Freitag, 1. Mai 2026')
    """
    is_style = isinstance(style, str) and len(style) <= _LONGEST_STYLE
    if not is_style or not (style in _STYLES or "%" in style):
        raise CannotFill(
            f"{quoted(style)} is no style of a date; take long, short, medium, full or codes such "
            "as %d.%m.%Y"
        )
    moment = _moment(value) if written is None else _moment_as(value, written)
    return _date(moment, style, _locale(locale))


@lru_cache(_REMEMBERED)
def _date(moment: dt.datetime, style: str, locale: Locale) -> str:
    if style in _STYLES:
        return _plain(format_date(moment, style, locale))
    parts = _CODE_OR_TEXT.findall(style)
    return _plain("".join(_part(part, moment, locale) for part in parts))


def _part(part: str, moment: dt.datetime, locale: Locale) -> str:
    if not part.startswith("%"):
        return part
    if part == "%%":
        return "%"
    if part not in _FIELDS:
        raise CannotFill(f"{quoted(part)} is no code of a date that is understood")
    return format_datetime(moment, _FIELDS[part], locale=locale)


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, str) and _DATE.fullmatch(text := value.strip()):
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError:  # the 31st of June
            raise CannotFill(f"{quoted(value)} is no day of the calendar") from None
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)  # as the clock shows it where it happens
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    raise CannotFill(f"{quoted(value)} is no date such as 2026-05-01")


def _moment_as(value: Any, written: Any) -> dt.datetime:
    text, pattern = as_text(value).strip(), as_text(written)
    with suppress(ValueError):
        if max(len(text), len(pattern)) <= _LONGEST_STYLE:
            return dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - as the clock shows it
    raise CannotFill(f"{quoted(text)} is no date written as {quoted(pattern)}")


def number(value: Any, decimals: Any = None, locale: str = _LOCALE) -> str:
    """Write a number as people of a country do, rounded half up.

    Args:
        value: a number, or a text such as `1234.5`, `1234,5` or `1.234,50`. `1.234` alone could be
            either, and is refused.
        decimals: how many, from 0 to 9; as many as it has, and three at most, by default.
        locale: the language and country.

    Raises:
        CannotFill: it is no number below 10^15, or the locale is not known.

    Example:
        >>> number(1234567.5), number("1234,5", 2, "de"), number(2.5, 0)
        ('1,234,567.5', '1.234,50', '3')
    """
    fraction = "###" if decimals is None else "0" * _decimals(decimals)
    exact = _rounded(_amount(value), 3 if decimals is None else decimals)
    return _number(exact, fraction, _locale(locale))


@lru_cache(_REMEMBERED)
def _number(amount: Decimal, fraction: str, locale: Locale) -> str:
    pattern = _with_fraction(locale.decimal_formats[None].pattern, fraction)
    return _plain(format_decimal(amount, pattern, locale))


def _with_fraction(pattern: str, fraction: str) -> str:
    """Write a pattern of CLDR, positive and negative part, with other decimals."""
    return re.sub(r"\.[0#]+", f".{fraction}".rstrip("."), pattern)


def money(value: Any, currency: Any = "EUR", locale: str = _LOCALE, decimals: Any = None) -> str:
    """Write an amount of money as people of a country do, rounded half up.

    Args:
        value: a number, or a text, as for `number`.
        currency: an ISO 4217 code.
        locale: the language and country.
        decimals: how many; those of the currency by default.

    Raises:
        CannotFill: it is no amount, or the currency or locale is not known.

    Example:
        >>> money(12.5), money("1234.5", "EUR", "de"), money(50, "SEK", "sv", decimals=0)
        ('€12.50', '1.234,50 €', '50 kr')
    """
    if not isinstance(currency, str) or not is_currency(currency):
        raise CannotFill(f"{quoted(currency)} is no currency such as EUR or USD")
    decimals = get_currency_precision(currency) if decimals is None else _decimals(decimals)
    exact = _rounded(_amount(value), decimals)
    return _money(exact, currency, decimals, _locale(locale))


@lru_cache(_REMEMBERED)
def _money(amount: Decimal, currency: str, decimals: int, locale: Locale) -> str:
    pattern = _with_fraction(locale.currency_formats["standard"].pattern, "0" * decimals)
    text = format_currency(amount, currency, pattern, locale, currency_digits=False)
    return _plain(_BETWEEN_LETTER_AND_DIGIT.sub(" ", text))


def _amount(value: Any) -> Decimal:
    if isinstance(value, str):
        return _bounded(Decimal(_digits(value)), value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _bounded(Decimal(repr(value) if isinstance(value, float) else value), value)
    raise CannotFill(f"{quoted(value)} is no number")


def _digits(value: str) -> str:
    text = " ".join(value.split())
    if _EITHER.fullmatch(text):
        raise CannotFill(
            f"{quoted(value)} could be a thousand or a fraction; write it without point or comma"
        )
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    if match := _COMMA_NUMBER.fullmatch(text):
        return f"{match[1]}.{match[2]}"
    if match := _THOUSANDS.fullmatch(text):
        return text.replace(match[1], "").replace(",", ".")
    raise CannotFill(f"{quoted(value)} is no number")


def _bounded(amount: Decimal, value: Any) -> Decimal:
    if not amount.is_finite() or abs(amount) >= _MAX_NUMBER:
        raise CannotFill(f"{quoted(value)} is no number that fits a text")
    return amount


def _decimals(decimals: Any) -> int:
    if not isinstance(decimals, int) or not 0 <= decimals <= _MAX_DECIMALS:
        raise CannotFill(f"decimals are a whole number from 0 to {_MAX_DECIMALS}")
    return decimals


def _rounded(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) + 0  # and no -0.00


@lru_cache(_REMEMBERED)
def _locale(name: Any) -> Locale:
    try:
        return Locale.parse(str(name).replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise CannotFill(f"{quoted(name)} is no locale such as en_GB or de") from None


def _plain(text: str) -> str:
    return replace_characters(text.translate(_DIRECTIONS), "typography")


def title(value: Any) -> str:
    """Write a name with capital letters; words that have both kinds already stay as they are.

    Example:
        >>> title("JÜRGEN o'brien-smith"), title("McDonald van der Berg")
        ("Jürgen O'Brien-Smith", 'McDonald Van Der Berg')
    """
    return _WORD.sub(lambda word: _capitalized(word[0]), as_text(value))


def _capitalized(word: str) -> str:
    if word not in (word.lower(), word.upper()):
        return word
    prefix = _PREFIX.match(word)
    start = prefix.end() if prefix else 0
    return word[:start].upper() + word[start : start + 1].title() + word[start + 1 :].lower()


def truncate(
    value: Any,
    length: Any = 255,
    killwords: bool = False,  # noqa: FBT001, FBT002 - the order of Jinja's own filter
    end: str = "...",
    leeway: int = 0,
) -> str:
    """Shorten a text to at most `length` characters, `end` included, between two words.

    Args:
        value: the text.
        length: characters at most.
        killwords: whether a word may be cut. One that is longer than all always is.
        end: what stands for the rest; `"..."` is in GSM-7, the one-character ellipsis is not.
        leeway: how many more a text may have that is left whole; unlike in Jinja's own, none.

    Raises:
        CannotFill: `length` has no room for `end`.

    Example:
        >>> truncate("Würzburg Domstraße", 14), truncate("Würzburg", 14)
        ('Würzburg...', 'Würzburg')
    """
    text = as_text(value)
    if not isinstance(length, int) or length < len(end):
        raise CannotFill(f"a text cannot be truncated to {as_text(length)} characters")
    if len(text) <= length + leeway:
        return text
    room = length - len(end)
    while room and (text[room] in _JOINERS or text[room - 1] == "\u200d"):
        room -= 1  # what belongs to one sign is not cut
    flags = _FLAG_LETTERS.search(text[:room])
    if flags and len(flags[0]) % 2 and "\U0001f1e6" <= text[room] <= "\U0001f1ff":
        room -= 1  # nor half of a flag
    cut = text[:room]
    at_word = text[room].isspace() or killwords
    if not at_word and (words := cut.rsplit(maxsplit=1))[1:]:
        cut = words[0]
    return cut.rstrip() + end
