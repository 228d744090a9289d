import numpy as np
import pandas as pd
import pytest

from smspm_campaigns.frames.costs import in_euros
from smspm_campaigns.reporting.words import duration


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.625, "0.63"),  # half to even would be 0.62
        (1.005, "1.01"),  # as a float it is a little less
        (2.675, "2.68"),
        (-0.625, "-0.63"),  # away from zero
        (0.005 + 0.005 + 0.075, "0.09"),  # 0.08499999999999999
        (0.6249, "0.62"),
        (0.624999999, "0.62"),  # a price has nine digits
        (1234567.885, "1,234,567.89"),
        (np.float64(0.625), "0.63"),
        (0.0, "0.00"),
    ],
)
def test_half_a_cent_is_rounded_away_from_zero(value: float, written: str) -> None:
    """Euros are rounded as Excel does, whatever floats lose behind the digits of a price."""
    assert in_euros(value) == written


@pytest.mark.parametrize(
    ("value", "digits", "sign", "written"),
    [(0.00125, 4, "", "0.0013"), (0.625, 2, "+", "+0.63"), (-0.625, 2, "+", "-0.63")],
)
def test_euros_have_digits_and_a_sign_as_asked(
    value: float, digits: int, sign: str, written: str
) -> None:
    """A small amount is told with more digits, a difference with its sign."""
    assert in_euros(value, digits, sign) == written


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.0 s"), (119.94, "119.9 s"), (120, "2.0 min"), (7_200, "2.0 h"), (172_800, "2.0 days")],
)
def test_a_time_is_told_in_a_unit_of_its_size(seconds: float, shown: str) -> None:
    """Seconds, minutes, hours and days, each from two of them on."""
    assert duration(pd.Timedelta(seconds=seconds)) == shown
