"""What people write for a country, and what is no country."""

import iso3166
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.frames.countries import _EVERYDAY, country_code

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
ISO = [country for country in iso3166.countries if country.alpha2 in REGIONS]


@pytest.mark.parametrize("country", ISO, ids=lambda country: country.alpha2)
def test_iso_country_is_found_by_each_of_its_names(country: iso3166.Country) -> None:
    """Both codes and both names of ISO 3166 are understood, in any case, with blanks around."""
    names = (country.alpha2, country.alpha3, country.name, country.apolitical_name)
    for name in names:
        for written in (name, name.lower(), name.upper(), name.title(), f"  {name}\t"):
            assert (written, country_code(written)) == (written, country.alpha2)


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_of_phonenumbers_is_found_by_its_code(region: str) -> None:
    """Also Ascension and Tristan da Cunha, which ISO 3166 only reserves."""
    assert country_code(region) == country_code(region.lower()) == region


@pytest.mark.parametrize("name", _EVERYDAY)
def test_everyday_name_is_written_as_it_is_looked_up(name: str) -> None:
    """The keys of the table are folded, so that each can be found, and lead to a region."""
    assert country_code(name) == country_code(name.title()) == _EVERYDAY[name]
    assert _EVERYDAY[name] in REGIONS


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Germany", "DE"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("u.s.", "US"),
        ("U.S.A.", "US"),
        ("UAE", "AE"),
        ("United States", "US"),
        ("United States of America", "US"),
        ("Great Britain", "GB"),
        ("Czech Republic", "CZ"),
        ("The Netherlands", "NL"),
        ("Gambia, The", "GM"),
        ("Côte d'Ivoire", "CI"),
        ("COTE D’IVOIRE", "CI"),  # noqa: RUF001 - a typographic apostrophe
        ("Ivory Coast", "CI"),
        ("Türkiye", "TR"),
        ("TÜRKİYE", "TR"),  # a dotted capital I
        ("Turkiye", "TR"),
        ("Curacao", "CW"),
        ("Re\u0301union", "RE"),  # an accent of its own
        ("Aland Islands", "AX"),
        ("Sao Tome & Principe", "ST"),
        ("Trinidad&Tobago", "TT"),
        ("Bosnia and Herzegovina", "BA"),
        ("Bosnia", "BA"),
        ("St. Lucia", "LC"),
        ("st kitts and nevis", "KN"),
        ("Iran", "IR"),
        ("Iran, Islamic Republic of", "IR"),
        ("Islamic Republic of Iran", "IR"),
        ("Korea, Republic of", "KR"),
        ("South Korea", "KR"),
        ("Virgin Islands, British", "VG"),
        ("British Virgin Islands", "VG"),
        ("US Virgin Islands", "VI"),
        ("Congo", "CG"),  # a whole name, though another country begins with it
        ("Congo, Democratic Republic of the", "CD"),
        ("DR Congo", "CD"),
        ("DRC", "CD"),
        ("Kosovo", "XK"),
        ("Guinea-Bissau", "GW"),
        ("Guinea", "GN"),
        ("Northern Ireland", "GB"),
        ("Ireland", "IE"),
        ("NA", "NA"),  # Namibia, for pandas.read_csv a missing value
        ("no", "NO"),  # Norway, for YAML a falsehood
    ],
)
def test_country_is_understood_as_people_write_it(name: str, code: str) -> None:
    """Accents, dots, articles, `&` and the order of words do not matter."""
    assert country_code(name) == code


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "Korea",  # which of the two?
        "Virgin Islands",
        "Germania",
        "German",
        "Germany 2",  # not quite a country
        "2 Germany",
        "DE-AT",
        "DE, AT",
        "D E",
        "EU",
        "XX",
        "GER",  # the code of the Olympics; ISO says DEU
        "49",
        "+49",
        "276",  # the numeric code of ISO 3166
        "001",  # what phonenumbers calls no country
        "AQ",  # Antarctica has no numbers of its own
        "Antarctica",
        "New Jersey",
        "nan",
        "None",
        "Россия",
        "Китай CHN",  # letters that are not read are not passed over
        "DE\u200b",
    ],
)
def test_what_is_no_country_is_none(name: str) -> None:
    """Near misses are not guessed at."""
    assert country_code(name) is None


@given(st.text(max_size=12))
def test_any_text_is_a_region_or_none(name: str) -> None:
    """Nothing raises, and what is found is a region of phonenumbers."""
    assert country_code(name) in {None, *REGIONS}
