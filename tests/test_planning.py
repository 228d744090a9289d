"""A frame becomes a plan, or a sentence about the first cell that is wrong."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import smspm_campaigns as smspm
from smspm_campaigns.campaign.planning import check_sender, plan_rows
from smspm_campaigns.delivery.ledger.plan import PlannedRow
from smspm_campaigns.exceptions import CampaignConflict, InvalidArgument
from smspm_campaigns.frames import snapshot
from smspm_campaigns.vocabulary import Problem


def messages(**columns: list[Any]) -> pd.DataFrame:
    """Three rows, numbered as in a spreadsheet; the last one has opted out."""
    frame = pd.DataFrame(
        {
            "sms_to": ["46701740605", "46701740606", "46701740607"],
            "sms_text": "Hi! STOP: 1",
            "sms_problem": [None, None, "opted_out"],
        },
        index=pd.Index([2, 3, 4], name="row"),
        dtype=object,
    )
    return frame.assign(**{name: pd.array(cells, dtype=object) for name, cells in columns.items()})


def plan(frame: pd.DataFrame) -> list[PlannedRow]:
    return list(plan_rows(frame, sender="SMSPM.com", allow_repeat=False).rows)


def test_a_plan_has_a_row_for_every_row() -> None:
    """Each cell of ours stands in its place; a row with a problem is planned with it."""
    first, _, last = plan(messages(sms_cost=[0.05, None, None], sms_sender=["Shop", "", None]))
    assert first == PlannedRow(
        number="46701740605",
        country=None,
        line=None,
        text="Hi! STOP: 1",
        sender="Shop",
        encoding="GSM-7",
        segments=1,
        cost=50_000_000,
        problem=None,
        problems=None,
        detail=None,
        original="[2]",
    )
    assert (last.problem, last.problems, last.sender) == ("opted_out", "opted_out", "SMSPM.com")


def test_columns_of_one_name_stay_as_many_as_they_were() -> None:
    """Two columns named `note` were once kept as four."""
    own = pd.DataFrame([["a", "b", 1]] * 3, columns=["note", "note", 0], index=[2, 3, 4])
    made = plan_rows(pd.concat([own, messages()], axis=1), sender="SMSPM.com", allow_repeat=False)
    assert_frame_equal(snapshot.restore(made.manifest, [row.original for row in made.rows]), own)


def test_a_report_keeps_columns_of_one_name(tmp_path: Path) -> None:
    """What `create` was given comes back, from the ledger too."""
    own = pd.DataFrame([["a", "b"]] * 3, columns=["note", "note"], index=[2, 3, 4])
    frame = pd.concat([own, messages()], axis=1)
    campaign = smspm.Campaign.create(
        "spring", frame, sender="SMSPM.com", ledger=tmp_path / "ledger.sqlite"
    )
    assert_frame_equal(campaign.report().iloc[:, :2], own)


@pytest.mark.parametrize(
    ("cost", "billionths"),
    [
        (0, 0),
        (0.045, 45_000_000),
        (np.float64(0.1), 100_000_000),
        (np.float32(0.5), 500_000_000),
        (np.int64(2), 2_000_000_000),
        (Decimal("0.000000001"), 1),
        (Fraction(1, 4), 250_000_000),
        (1_000, 1_000_000_000_000),
        (float("nan"), None),  # no price is known
        (" ", None),
    ],
)
def test_a_cost_is_a_number_from_0_or_nothing(cost: object, billionths: int | None) -> None:
    """Any kind of number is read exactly."""
    assert plan(messages(sms_cost=[cost, None, None]))[0].cost == billionths


ESTIMATE = "expected EUR from 0 to 1,000 as a number, or nothing. Run estimate_costs."
NORMALIZE = "expected text of whole characters. Run normalize_numbers."
RENDER = "expected text of whole characters. Run render_messages."
MEND = "expected text of whole characters. Mend the cell."
CODE = (
    "expected a code of this package such as 'opted_out', or nothing. A reason of your own belongs "
    "in a column of yours."
)
HALF = "\ud83d"  # of an emoji

WRONG_CELLS: list[tuple[str, Any, str]] = [
    ("sms_cost", "0.05", f"'0.05' in sms_cost; {ESTIMATE}"),
    ("sms_cost", "about 5 cents", f"'about 5 cents' in sms_cost; {ESTIMATE}"),
    ("sms_cost", -0.05, f"'-0.05' in sms_cost; {ESTIMATE}"),
    ("sms_cost", float("inf"), f"'inf' in sms_cost; {ESTIMATE}"),
    ("sms_cost", 1_001, f"'1001' in sms_cost; {ESTIMATE}"),
    ("sms_cost", True, f"'TRUE' in sms_cost; {ESTIMATE}"),
    ("sms_cost", [0.05], f"'[0.05]' in sms_cost; {ESTIMATE}"),
    ("sms_cost", 37256789045, f"'3725*****45' in sms_cost; {ESTIMATE}"),
    ("sms_text", 7, f"'7' in sms_text; {RENDER}"),
    ("sms_text", b"Hi", f"'b'Hi'' in sms_text; {RENDER}"),
    ("sms_text", HALF, f"'\\ud83d' in sms_text; {RENDER}"),
    ("sms_to", 46701740605, f"'4670*****05' in sms_to; {NORMALIZE}"),
    ("sms_to", HALF, f"'\\ud83d' in sms_to; {NORMALIZE}"),
    ("sms_country", 46, f"'46' in sms_country; {NORMALIZE}"),
    ("sms_line", 1.5, f"'1.5' in sms_line; {NORMALIZE}"),
    ("sms_sender", 46701740605, f"'4670*****05' in sms_sender; {MEND}"),
    ("sms_sender", HALF, f"'\\ud83d' in sms_sender; {MEND}"),
    ("sms_problems", 5, f"'5' in sms_problems; {MEND}"),
    ("sms_detail", ["x"], f"'['x']' in sms_detail; {MEND}"),
    ("sms_detail", f"a{HALF}", f"'a\\ud83d' in sms_detail; {MEND}"),
    ("sms_problem", "optedout", f"'optedout' in sms_problem; {CODE}"),
    ("sms_problem", 5, f"'5' in sms_problem; {CODE}"),
    ("sms_problem", ["x"], f"'['x']' in sms_problem; {CODE}"),
    ("sms_problem", HALF, f"'\\ud83d' in sms_problem; {CODE}"),
    ("sms_problem", "ask +372 5678 9045", f"'ask +3725*****45' in sms_problem; {CODE}"),
]


@pytest.mark.parametrize("problem", [None, "duplicate"])
@pytest.mark.parametrize(("name", "cell", "words"), WRONG_CELLS)
def test_a_wrong_cell_is_a_sentence(name: str, cell: Any, words: str, problem: str | None) -> None:
    """The first row with one is named, whether it would be sent or not, and numbers are masked."""
    frame = messages(sms_problem=[None, problem, "opted_out"])
    first = frame[name].iloc[0] if name in frame else None
    frame[name] = pd.Series([first, cell, cell], index=frame.index, dtype=object)
    with pytest.raises(InvalidArgument) as refused:
        plan(frame)
    assert str(refused.value) == f"Row 3 has {words}"


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_of_the_package_is_one(problem: Problem) -> None:
    """A code as a member or as its text is planned as text."""
    rows = plan(messages(sms_problem=[None, problem, str(problem)]))
    assert [row.problem for row in rows] == [None, str(problem), str(problem)]


def test_a_sender_of_a_row_is_refused_with_its_row() -> None:
    """The row is named, and a number that cannot be one is masked."""
    with pytest.raises(InvalidArgument) as refused:
        plan(messages(sms_sender=[None, "+46 70 174 06 05", None]))
    assert str(refused.value) == (
        "Row 3: '+4670*****05' cannot be a sender. It is a name of at most 11 letters, digits and "
        "signs such as 'SMSPM.com', or a phone number."
    )


@pytest.mark.parametrize("sender", [5, "", "a\ud83d", "+46 70 174 06 05"])
def test_a_sender_that_cannot_be_one_is_a_sentence(sender: Any) -> None:
    """Anything may be passed; nothing but a sender passes."""
    with pytest.raises(InvalidArgument, match="cannot be a sender") as refused:
        check_sender(sender)
    assert "174" not in str(refused.value)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    ("column", "cell", "sentence"),
    [
        ("sms_to", "0046701740605", "has no number the API takes"),
        ("sms_to", None, "has no number the API takes"),
        ("sms_text", "Hi\0", "has no text to send"),
        ("sms_text", " ", "has no text to send"),
        ("sms_sender", "No name at all", "'No name at all' cannot be a sender"),
        ("sms_cost", -1, "has '-1' in sms_cost"),
    ],
)
def test_every_row_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, place: int, column: str, cell: object, sentence: str
) -> None:
    """In the first piece of a frame, behind one that is right, and in the last piece."""
    monkeypatch.setattr(snapshot, "_PIECE", 2)
    frame = messages(sms_problem=[None] * 3, sms_sender=["Shop"] * 3, sms_cost=[1, None, 0.5])
    cells: list[Any] = frame[column].tolist()
    cells[place] = cell
    frame[column] = pd.array(cells, dtype=object)
    with pytest.raises(InvalidArgument, match=f"^Row {place + 2}:? {sentence}"):
        plan(frame)


def test_the_first_row_that_repeats_a_number_is_named_with_the_one_it_repeats() -> None:
    """By their labels, whatever the numbers are; a row with a problem repeats nothing."""
    numbers = ["46701740607", "46701740605", "46701740605", "46701740607", "46701740607"]
    frame = pd.DataFrame(
        {"sms_to": numbers, "sms_text": "Hi", "sms_problem": ["opted_out", *[None] * 4]},
        index=list("abcde"),
    )
    with pytest.raises(CampaignConflict, match=r"^Rows b and c have the same number \(4670\*"):
        plan(frame)
    with pytest.raises(CampaignConflict, match=r"^Rows d and e have"):
        plan(frame.drop(index="b"))


def test_a_plan_is_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the pieces are in which a frame is gone through."""
    frame = messages(sms_sender=["Shop", None, "Shop"], sms_cost=[0.5, None, 1], note=["a", 1, []])
    whole = plan_rows(frame, sender="SMSPM.com", allow_repeat=False)
    rows = list(whole.rows)
    monkeypatch.setattr(snapshot, "_PIECE", 1)
    pieces = plan_rows(frame, sender="SMSPM.com", allow_repeat=False)
    assert list(pieces.rows) == rows
    assert pieces._replace(rows=()) == whole._replace(rows=())


def test_a_label_that_is_a_number_is_masked() -> None:
    """Who uses numbers as index sees enough of them to find the row."""
    frame = messages(sms_text=["Hi", None, None])
    frame.index = pd.Index(["46701740605", "46701740606", "46701740607"])
    with pytest.raises(InvalidArgument, match=r"^Row 4670\*\*\*\*\*06 has no text to send"):
        plan(frame)
