"""Filters for people: dates, numbers and money of many countries, and what they cost to send."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.frames.filters import CannotFill, date, money, number, title, truncate
from smspm_campaigns.frames.segments import count_segments
from smspm_campaigns.frames.templates import render_messages

DAY = dt.date(2026, 5, 1)
MORNING = dt.datetime.fromisoformat("2026-05-01 09:05:07")


@pytest.mark.parametrize(
    ("value", "style", "locale", "written"),
    [
        ("2026-05-01", "long", "en_GB", "1 May 2026"),
        (" 2026-05-01 ", "long", "en_GB", "1 May 2026"),
        ("2026-05-01 00:00:00", "long", "en_GB", "1 May 2026"),
        ("2026-05-01T09:05:07", "%H:%M:%S", "en_GB", "09:05:07"),
        ("2026-05-01 09:05", "%-I %p", "en", "9 AM"),
        ("2026-05-01T23:30:00Z", "long", "en_GB", "1 May 2026"),  # as it stands there
        ("2026-05-01T23:30:00+05:00", "%H:%M", "en_GB", "23:30"),
        (DAY, "short", "en_GB", "01/05/2026"),
        (DAY, "medium", "en_US", "May 1, 2026"),
        (DAY, "full", "de", "Freitag, 1. Mai 2026"),
        (DAY, "long", "de-AT", "1. Mai 2026"),
        (DAY, "long", "et", "1. mai 2026"),
        (DAY, "long", "pl", "1 maja 2026"),  # the genitive
        (DAY, "long", "lt", "2026 m. gegužės 1 d."),
        (DAY, "%d.%m.%Y", "de", "01.05.2026"),
        (DAY, "%-d.%-m.%y", "de", "1.5.26"),
        (DAY, "%A %-d %B", "sv", "fredag 1 maj"),
        (DAY, "%a, %b", "en_GB", "Fri, May"),
        (DAY, "it's 100%% %d", "en_GB", "it's 100% 01"),
        (MORNING, "%H:%M", "en_GB", "09:05"),
        (MORNING, "%-H.%M", "fi", "9.05"),
        (pd.Timestamp("2026-05-01 09:05", tz="UTC"), "%H:%M", "en_GB", "09:05"),
    ],
)
def test_date_is_written_as_in_a_country(value: Any, style: str, locale: str, written: str) -> None:
    """Styles and strftime codes, in the words of the language, as the clock shows it there."""
    assert date(value, style, locale) == written


@pytest.mark.parametrize(
    ("value", "style", "locale", "sentence"),
    [
        ("01/05/2026", "long", "en", "'01/05/2026' is no date such as 2026-05-01"),
        ("1.5.2026", "long", "en", "'1.5.2026' is no date such as 2026-05-01"),
        ("20260501", "long", "en", "'20260501' is no date such as 2026-05-01"),
        ("2026-W18-5", "long", "en", "is no date such as"),
        ("2026-02-30", "long", "en", "'2026-02-30' is no day of the calendar"),
        ("2026-05-01 25:00", "long", "en", "is no day of the calendar"),
        (46143, "long", "en", "'46143' is no date such as"),
        (True, "long", "en", "'TRUE' is no date"),
        (dt.time(9), "long", "en", "'09:00:00' is no date"),
        (DAY, "longest", "en", "'longest' is no style of a date; take long, short"),
        (DAY, "dd.MM", "en", "'dd.MM' is no style of a date"),
        (DAY, "%d" * 51, "en", "is no style of a date"),
        (DAY, ["%d"], "en", "is no style of a date"),
        (DAY, "%d %q", "en", "'%q' is no code of a date that is understood"),
        (DAY, "%99999999d", "en", "'%9' is no code of a date"),
        (DAY, "%d %", "en", "'%' is no code of a date"),
        (DAY, "long", "xx", "'xx' is no locale such as en_GB or de"),
        (DAY, "long", "../etc", "'../etc' is no locale"),
        (DAY, "long", 5, "'5' is no locale"),
    ],
)
def test_no_date_is_guessed(value: Any, style: Any, locale: Any, sentence: str) -> None:
    """Whatever could be meant in two ways, or is no date, is a sentence for the row."""
    with pytest.raises(CannotFill) as raised:
        date(value, style, locale)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("value", "written", "made"),
    [
        ("01/05/2026", "%d/%m/%Y", "1 May 2026"),
        ("05/01/2026", "%m/%d/%Y", "1 May 2026"),
        (" 1.5.26 ", "%d.%m.%y", "1 May 2026"),
        ("20260501", "%Y%m%d", "1 May 2026"),
    ],
)
def test_date_of_another_spelling_is_told(value: str, written: str, made: str) -> None:
    """A date that is no ISO date is read as the template says that it is written."""
    assert date(value, written=written) == made


@pytest.mark.parametrize(
    ("value", "written"), [("31/02/2026", "%d/%m/%Y"), ("x", "%d"), ("1", 5), ("1" * 101, "%d")]
)
def test_date_of_no_such_spelling_is_a_sentence(value: str, written: Any) -> None:
    """What does not fit the spelling is no date."""
    with pytest.raises(CannotFill, match=r"^'.*' is no date written as '.*'$"):
        date(value, written=written)


@pytest.mark.parametrize(
    ("value", "decimals", "locale", "written"),
    [
        (1234567, None, "en_GB", "1,234,567"),
        (1234567.5, None, "de", "1.234.567,5"),
        (1234567.5, 2, "fr", "1 234 567,50"),  # with plain spaces
        ("1234.5", None, "en_GB", "1,234.5"),
        ("1234,5", None, "en_GB", "1,234.5"),
        ("1.234,50", 2, "en_GB", "1,234.50"),
        ("1,234.50", 2, "en_GB", "1,234.50"),
        ("1 234 567", None, "en_GB", "1,234,567"),
        ("1\u00a0234,5", None, "en_GB", "1,234.5"),
        ("1'234.50", 2, "de_CH", "1'234.50"),
        ("1.234.567", None, "en_GB", "1,234,567"),
        ("1,234,567.89", None, "en_GB", "1,234,567.89"),
        ("0.125", None, "en_GB", "0.125"),  # no thousand begins with 0
        ("-5", None, "sv", "-5"),  # with a plain minus
        ("+5", None, "en_GB", "5"),
        (1.234, None, "en_GB", "1.234"),  # a number is no text that could be meant otherwise
        (2.5, 0, "en_GB", "3"),  # half up
        (0.125, 2, "en_GB", "0.13"),
        (2.675, 2, "en_GB", "2.68"),  # as a person reads the number, not as the machine keeps it
        (Decimal("12.00"), None, "en_GB", "12"),
        (12.0, None, "en_GB", "12"),
        (1e-9, None, "en_GB", "0"),
        (0.1 + 0.2, None, "en_GB", "0.3"),
        (-0.001, 2, "en_GB", "0.00"),
        (1234567, None, "en_IN", "12,34,567"),
        (-5.5, 1, "ar", "-5.5"),  # without marks of direction
    ],
)
def test_number_is_written_as_in_a_country(
    value: Any, decimals: int | None, locale: str, written: str
) -> None:
    """Thousands and decimals as in the country, rounded half up, from any usual spelling."""
    assert number(value, decimals, locale) == written


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("1.234", "'1.234' could be a thousand or a fraction; write it without point or comma"),
        ("1,234", "'1,234' could be a thousand or a fraction"),
        ("-12,345", "could be a thousand or a fraction"),
        ("12 Euro", "'12 Euro' is no number"),
        ("12,34,5", "is no number"),
        ("1,234,56", "is no number"),
        ("1.23.4", "is no number"),
        ("1,2345.6", "is no number"),
        ("1e5", "is no number"),
        ("NaN", "is no number"),
        ("inf", "is no number"),
        ("- 5", "is no number"),
        ("1_000", "is no number"),
        (True, "'TRUE' is no number"),
        (DAY, "is no number"),
        (float("inf"), "is no number that fits a text"),
        (Decimal("1E+999999"), "is no number that fits a text"),
        (10**15, "is no number that fits a text"),
    ],
)
def test_no_number_is_guessed(value: Any, sentence: str) -> None:
    """A text that could be two numbers, or is none, is a sentence for the row."""
    for write in (number, money):
        with pytest.raises(CannotFill) as raised:
            write(value)
        assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("value", "options", "written"),
    [
        (12.5, {}, "€12.50"),
        ("1234.5", {"locale": "de"}, "1.234,50 €"),
        (-3, {"locale": "et"}, "-3,00 €"),
        (50, {"currency": "SEK", "locale": "sv"}, "50,00 kr"),
        (50, {"currency": "SEK", "locale": "sv", "decimals": 0}, "50 kr"),
        (1234.4, {"currency": "JPY", "locale": "ja"}, "¥1,234"),  # U+FFE5 in other locales
        (5, {"currency": "PLN", "locale": "pl"}, "5,00 zł"),
        (5, {"currency": "CHF", "locale": "de_CH"}, "CHF 5.00"),
        (5, {"currency": "GBP"}, "£5.00"),
        (5, {"currency": "USD", "locale": "en_US"}, "$5.00"),
        (1.005, {"currency": "BHD", "locale": "en"}, "BHD 1.005"),
        (2.345, {}, "€2.35"),
        (1234567.891, {"decimals": 3}, "€1,234,567.891"),
    ],
)
def test_money_is_written_as_in_a_country(value: Any, options: Any, written: str) -> None:
    """The sign where the country puts it, decimals of the currency, plain spaces."""
    assert money(value, **options).replace("\uffe5", "¥") == written


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"currency": "EURO"}, "'EURO' is no currency such as EUR or USD"),
        ({"currency": None}, "is no currency"),
        ({"locale": "german"}, "'german' is no locale"),
        ({"decimals": -1}, "decimals are a whole number from 0 to 9"),
        ({"decimals": 10}, "decimals are a whole number from 0 to 9"),
        ({"decimals": 1.5}, "decimals are a whole number from 0 to 9"),
    ],
)
def test_money_needs_a_currency_and_a_locale_that_exist(options: Any, sentence: str) -> None:
    """A currency, locale or number of decimals that there is not is a sentence."""
    with pytest.raises(CannotFill) as raised:
        money(5, **options)
    assert sentence in str(raised.value)


LOCALES = ["en_GB", "de", "de_CH", "et", "lv", "lt", "pl", "fi", "sv", "nb", "da", "fr", "es", "it",
           "nl", "pt", "cs", "hu", "ro", "bg", "ru", "uk", "el", "tr"]  # fmt: skip


@pytest.mark.parametrize("locale", LOCALES)
def test_only_letters_of_the_language_force_unicode(locale: str) -> None:
    """Spaces, dashes, quotes and signs of a country's typography never do: they are plain."""
    for made in (
        date(DAY, "full", locale),
        date(DAY, "long", locale),
        date(MORNING, "%a %-d %b %Y %H:%M %p", locale),
        number(-1234567.891, locale=locale),
        money(-1234567.891, locale=locale),
    ):
        forced = {forced.character for forced in count_segments(made).forced_by}
        assert all(character.isalpha() for character in forced), ascii(made)
    assert count_segments(number(-1234567.891, locale=locale)).encoding == "GSM-7"


#: What the page on messages says of each filter: what it writes, and the encoding of that.
ENCODINGS = [
    ("{{ '2026-08-01' | date('long', 'de') }}", "1. August 2026", "GSM-7"),
    ("{{ '2026-03-01' | date('long', 'de') }}", "1. März 2026", "GSM-7"),
    ("{{ '2026-08-01' | date('long', 'fr') }}", "1 août 2026", "UCS-2"),
    ("{{ '2026-08-01' | date('long', 'lv') }}", "2026. gada 1. augusts", "GSM-7"),
    ("{{ 1234.5 | number(2, 'fr') }}", "1 234,50", "GSM-7"),
    ("{{ 1234.5 | money('EUR', 'de') }}", "1.234,50 €", "GSM-7"),
    ("{{ 5 | money('PLN', 'pl') }}", "5,00 zł", "UCS-2"),
    ("{{ 5 | money('CZK', 'cs') }}", "5,00 Kč", "UCS-2"),
    ("{{ 'façade' | title }}", "Façade", "UCS-2"),
    ("{{ 'çelik' | title }}", "Çelik", "GSM-7"),
    ("{{ 'ève' | title }}", "Ève", "UCS-2"),
    ("{{ 'a long name' | truncate(9) }}", "a long...", "GSM-7"),
    ("{{ 'a long name' | truncate(9, end='…') }}", "a long…", "UCS-2"),
]


@pytest.mark.parametrize(("template", "text", "encoding"), ENCODINGS)
def test_filters_cause_the_encoding_that_is_documented(
    template: str, text: str, encoding: str
) -> None:
    """Each filter works in a template, and its text has the encoding that the page tells."""
    told = render_messages(pd.DataFrame({"n": [1]}), template)
    assert told[["sms_text", "sms_encoding"]].to_numpy().tolist() == [[text, encoding]]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("jörg", "Jörg"),
        ("JÖRG", "Jörg"),
        ("JÖRG MÜLLER-LÜDENSCHEIDT", "Jörg Müller-Lüdenscheidt"),
        ("McDonald", "McDonald"),
        ("o'neil", "O'Neil"),
        ("O'NEIL", "O'Neil"),
        ("d’artagnan", "D’Artagnan"),
        ("don't", "Don't"),  # a letter and a mark before the last one make no name
        ("l'", "L'"),
        ("anna-maria de la cruz", "Anna-Maria De La Cruz"),
        ("ÕNNE õun", "Õnne Õun"),
        ("жанна", "Жанна"),
        ("ßmann", "Ssmann"),
        ("o'd'arcy", "O'D'Arcy"),
        ("o'" * 50_000 + "neil", "O'" * 50_000 + "Neil"),
        ("ijsbrand", "Ijsbrand"),
        ("李娜", "李娜"),
        ("2nd street", "2Nd Street"),
        ("", ""),
        (5, "5"),
        ("  ana  ", "  Ana  "),
    ],
)
def test_title_writes_names_as_people_do(value: Any, written: str) -> None:
    """Shouted and small names get capitals; a name that has both kinds stays as it is."""
    assert title(value) == written


@pytest.mark.parametrize(
    ("value", "options", "written"),
    [
        ("Hello world", {"length": 11}, "Hello world"),
        ("Hello world", {"length": 10}, "Hello..."),
        ("Hello world", {"length": 8}, "Hello..."),
        ("Hello world", {"length": 7}, "Hell..."),  # one word alone is cut
        ("Hello, world again", {"length": 12}, "Hello,..."),
        ("Hello world", {"length": 10, "killwords": True}, "Hello w..."),
        ("Hello world", {"length": 6, "killwords": True, "end": ""}, "Hello"),
        ("Hello world", {"length": 3}, "..."),
        ("Hello", {"length": 0, "end": ""}, ""),
        ("a👨\u200d👩\u200d👧b", {"length": 4, "end": ""}, "a"),  # a family is one sign
        ("ab 🇩🇪🇩🇪x", {"length": 7, "killwords": True}, "ab..."),
        ("ab 🇩🇪🇩🇪x", {"length": 5, "killwords": True, "end": ""}, "ab 🇩🇪"),
        ("ab\u2764\ufe0fcd", {"length": 3, "end": ""}, "ab"),
        ("x" * 300, {}, "x" * 252 + "..."),
        ("Hello world", {"length": 9, "leeway": 2}, "Hello world"),
        ("Hello world", {"length": 9, "leeway": 1}, "Hello..."),
        (12345, {"length": 4}, "1..."),
    ],
)
def test_truncate_keeps_whole_words_and_signs(value: Any, options: Any, written: str) -> None:
    """At most so many characters, cut between words, and never inside of one sign."""
    assert truncate(value, **options) == written


@pytest.mark.parametrize("options", [{"length": 2}, {"length": -1, "end": ""}, {"length": "9"}])
def test_truncate_needs_room(options: Any) -> None:
    """A length without room for what stands for the rest is a sentence."""
    with pytest.raises(CannotFill, match=r"^a text cannot be truncated to -?\d characters$"):
        truncate("Hello", **options)


@given(st.text(max_size=60), st.integers(3, 40), st.booleans())
def test_truncated_text_has_no_more_characters(text: str, length: int, killwords: bool) -> None:
    """It is the text itself or its beginning with the end, and never longer than asked for."""
    made = truncate(text, length, killwords)
    assert len(made) <= length
    assert made == text if len(text) <= length else text.startswith(made.removesuffix("..."))


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=2))
def test_amount_is_read_again_as_it_was_written(amount: Decimal) -> None:
    """Whatever a country's way of writing, the digits are those of the amount."""
    for locale in LOCALES:
        made = number(amount, 2, locale)
        digits = "".join(character for character in made if character.isdigit())
        assert int(digits) == abs(int(amount * 100))
        assert ("-" in made) == (amount < 0)
