"""An apostrophe is put before what a spreadsheet would run, and taken away again."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smspm_campaigns.frames.files.apostrophes import put, take

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
TEXTS = st.one_of(st.text(), st.text(SIGNS + ";,\t\r\n \"'\u00a0\u30001.a", max_size=12))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("-20% today", "'-20% today"),
        ("=1", "'=1"),
        ("'=1", "''=1"),  # else it could not be told from the one above
        ("''=1", "'''=1"),
        ("'\t=1", "''\t'=1"),
        ("' \"=1", "'' \"=1"),
        ("x;=1", "x;'=1"),
        ("x;'=1", "x;''=1"),
        ("x\t'=1", "x\t''=1"),
        ("x\r''@1", "x\r'''@1"),
        ("x\n'-1", "x\n''-1"),
        (" \n=1", "' \n'=1"),  # what is put inside stands in the way of what was seen first
        ("+49 171 3920012", "+49 171 3920012"),
        ("'+49 171 3920012", "''+49 171 3920012"),
        ("+49\n-1", "+49\n'-1"),
        ("-0", "-0"),
        ("-5,5", "-5,5"),
        ("'tis; 'twas", "'tis; 'twas"),
        ("", ""),
        ("'", "'"),
        ("'\t", "''\t"),
    ],
)
def test_a_text_has_one_way_there_and_back(text: str, safe: str) -> None:
    """What runs gets one apostrophe more, whatever stands before it; the rest stays."""
    assert (put(text), take(safe)) == (safe, text)


@given(TEXTS)
@example(" \"\n'=1")
def test_every_text_comes_back(text: str) -> None:
    """Taking undoes putting, so that no text becomes another message."""
    assert take(put(text)) == text


@given(TEXTS)
def test_nothing_runs(text: str) -> None:
    """No cell begins with what runs, nor goes on with it behind what ends a cell elsewhere."""
    first, *others = re.split("[;\t\r\n]", put(text))
    assert not any(re.match(f'[ "]*[{re.escape(SIGNS)}]', other) for other in others)
    if put(text)[:1] != "'" and re.match(rf'[\s"]*[{re.escape(SIGNS)}]', first):
        assert re.fullmatch(r" *(\+[\d\s().\-]+|-\d+([.,]\d+)?)", text)
    assert not put(text).startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize("text", ["'tis", "it's;'quoted'", "'+49 171 3920012", "'", "a'=1"])
def test_an_apostrophe_of_a_person_stays(text: str) -> None:
    """Only what stands before something that runs is taken away."""
    assert take(text) == text
