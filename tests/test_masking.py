"""Numbers and secrets can be recognised, never read off."""

import copy
import pickle
import re
import traceback

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smspm_campaigns.masking import Secret, mask_number, mask_text


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("37256789045", "3725*****45"),
        ("491713920012345", "4917*********45"),
        ("1234567890", "1234****90"),
        ("123456789", "123****89"),  # four digits are always hidden
        ("1234567", "1****67"),
        ("123456", "******"),  # too short to show anything
        ("", ""),
    ],
)
def test_number_is_masked(number: str, shown: str) -> None:
    """The head and two digits of a number show; four at least are hidden."""
    assert mask_number(number) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Invalid phone number: +372 5678 9045", "Invalid phone number: +3725*****45"),
        ("(0171) 3920012", "(0171*****12"),
        ("0171/3920012 and 0171-39 20 013", "0171*****12 and 0171*****13"),
        ("0171.392.0012", "0171*****12"),
        ("0171_392_00_12", "0171*****12"),
        ("0171\N{MINUS SIGN}3920012", "0171*****12"),
        ("017139\N{ZERO WIDTH SPACE}20012", "0171*****12"),
        ("+49 (0) 171 3920012", "+4901*******12"),
        ("0171\N{NO-BREAK SPACE}3920012", "0171*****12"),
        ("0171\N{EN DASH}3920012", "0171*****12"),
        ('["37256789045","37256789046"]', '["3725*****45","3725*****46"]'),
        ("37256789045\n37256789046", "3725*****45\n3725*****46"),  # a line is not run into the next
        ("row 123456, segment 2", "row 123456, segment 2"),  # too short to be a number
        ("no digits", "no digits"),
        ("no date such as 2026-05-01", "no date such as 2026-05-01"),
        ("'01/05/2026', 1.5.26 and 01.05.2026.", "'01/05/2026', 1.5.26 and 01.05.2026."),
        ("2026-05-01 10:30:00", "2026-05-01 10:30:00"),
        ("06.39.98.12.34", "0639****34"),  # begins like a date, and goes on
        ("01/05/20261", "010****61"),
        ("2026-05-011", "202****11"),
    ],
)
def test_numbers_in_a_text_are_masked(text: str, shown: str) -> None:
    """Every run of seven digits or more is masked, however it is spelled."""
    assert mask_text(text) == shown


@given(
    st.text("0123456789", min_size=7, max_size=15).flatmap(
        lambda digits: st.tuples(
            st.just(digits),
            st.lists(
                st.sampled_from(["", " ", "-", "_", ".", "/", ") ", " (", "\N{NO-BREAK SPACE}"]),
                min_size=len(digits) - 1,
                max_size=len(digits) - 1,
            ),
        )
    )
)
def test_no_spelling_shows_a_whole_number(spelling: tuple[str, list[str]]) -> None:
    """However a number is spaced, at least four of its digits stay hidden."""
    digits, gaps = spelling
    text = "".join(map(str.__add__, digits, [*gaps, ""]))
    assume(not re.search(r"\d([./])\d\d?\1\d|\d{4}-\d\d-\d\d", text))  # a date is no number
    assert len(re.sub(r"\D", "", mask_text(text))) <= len(digits) - 4


def test_secret_shows_nothing() -> None:
    """No repr, text, format, copy, pickle or traceback holds a credential."""
    secret = Secret("A1B2-C3D4")
    assert (repr(secret), str(secret), f"{secret}", f"{[secret]}") == (
        *["Secret(***)"] * 3,
        "[Secret(***)]",
    )
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(secret)
    with pytest.raises(ZeroDivisionError) as raised:
        _fail_with(secret)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert "credential = Secret(***)" in "".join(shown.format())
    assert secret.reveal() == "A1B2-C3D4"


def _fail_with(credential: Secret) -> float:
    return len(repr(credential)) / 0


def test_secret_takes_no_attributes() -> None:
    """Nothing can be hung on a credential, so `vars` has nothing to show."""
    secret = Secret("A1B2-C3D4")
    with pytest.raises(AttributeError):
        secret.note = "x"  # type: ignore[attr-defined]
    assert not hasattr(secret, "__dict__")
