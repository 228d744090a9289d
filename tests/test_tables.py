"""A report becomes figures."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import ColumnNotFound
from smspm_campaigns.reporting.tables import count_problems, summarize
from smspm_campaigns.vocabulary import Status


@pytest.fixture
def report() -> pd.DataFrame:
    """One row of each status, two of delivered; each two segments, expected 0.10, cost 0.12."""
    statuses = [*Status, Status.DELIVERED]
    priced = {Status.DELIVERED, Status.FAILED}
    return pd.DataFrame(
        {
            "shop": ["Riga", "Tallinn"] * 6,
            "sms_status": [str(status) for status in statuses],
            "sms_problem": ["duplicate" if s is Status.EXCLUDED else None for s in statuses],
            "sms_segments": pd.array([2] * 12, dtype="Int64"),
            "sms_cost": [0.10] * 12,
            "sms_price": [0.12 if status in priced else float("nan") for status in statuses],
        }
    )


def test_the_summary_counts_every_row_once(report: pd.DataFrame) -> None:
    """Planned, sending, sent, refused, unknown, excluded and cancelled are all rows there are."""
    row = summarize(report).iloc[0]
    counted = row[["planned", "sending", "sent", "refused", "unknown", "excluded", "cancelled"]]
    assert dict(counted) == {
        "planned": 1,
        "sending": 1,
        "sent": 6,
        "refused": 1,
        "unknown": 1,
        "excluded": 1,
        "cancelled": 1,
    }
    assert counted.sum() == row["rows"] == len(report)
    assert (row["delivered"], row["failed"], row["open"], row["unconfirmed"]) == (2, 1, 2, 1)


def test_the_money_of_a_summary_is_that_of_what_was_sent(report: pd.DataFrame) -> None:
    """Segments and costs are of accepted rows alone."""
    row = summarize(report).iloc[0]
    assert row["segments"] == 12
    assert round(row["expected_cost"], 9) == 0.6
    assert round(row["actual_cost"], 9) == 0.36


@pytest.mark.parametrize(
    ("delivered", "failed", "expected"),
    [
        # Wilson score intervals, as published tables have them
        (81, 182, (0.308, 0.2553, 0.3662)),  # Newcombe 1998, table I, 81 of 263
        (15, 133, (0.1014, 0.0624, 0.1605)),  # 15 of 148
        (0, 20, (0.0, 0.0, 0.1611)),  # 0 of 20
        (1, 28, (0.0345, 0.0061, 0.1718)),  # 1 of 29
    ],
)
def test_the_interval_is_wilsons(
    delivered: int, failed: int, expected: tuple[float, float, float]
) -> None:
    """The delivery rate comes with the 95 % interval of the Wilson score."""
    statuses = ["delivered"] * delivered + ["failed"] * failed
    frame = pd.DataFrame({"sms_status": statuses, "sms_segments": 1, "sms_cost": 0.1})
    row = summarize(frame.assign(sms_price=0.1)).iloc[0]
    found = (row["delivery_rate"], row["rate_low"], row["rate_high"])
    assert tuple(round(value, 4) for value in found) == pytest.approx(expected, abs=5e-5)


def test_a_summary_by_a_column_has_the_same_sums(report: pd.DataFrame) -> None:
    """Groups by one's own column, the missing value included, add up to the whole."""
    report.loc[[0, 3], "shop"] = None
    by_shop = summarize(report, "shop")
    assert set(by_shop.index.fillna("?")) == {"Riga", "Tallinn", "?"}
    counts = list(by_shop.columns[:11])
    assert dict(by_shop[counts].sum()) == dict(summarize(report)[counts].iloc[0])


def test_nothing_sent_has_no_rate_and_no_cost() -> None:
    """Where nothing was sent, rate and costs are missing rather than 0."""
    frame = pd.DataFrame({"sms_status": ["planned"], "sms_segments": [1], "sms_cost": [0.1]})
    row = summarize(frame.assign(sms_price=float("nan")))
    assert_frame_equal(
        row[["delivery_rate", "expected_cost", "actual_cost"]].isna(),
        pd.DataFrame(
            True, index=row.index, columns=["delivery_rate", "expected_cost", "actual_cost"]
        ),
    )


def test_a_column_that_is_not_there_is_told(report: pd.DataFrame) -> None:
    """The error lists the columns there are."""
    with pytest.raises(
        ColumnNotFound, match=r"no column 'city'\. The columns are: shop, sms_status"
    ):
        summarize(report, "city")


def test_problems_are_counted_in_words(report: pd.DataFrame) -> None:
    """Reasons are counted by the words a person reads."""
    assert dict(count_problems(report)) == {"Duplicate": 1}
