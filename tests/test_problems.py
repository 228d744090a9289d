"""Verdicts of several helpers on one row: codes in one order, notes beside them, each its own."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.problems import (
    NOTHING,
    Verdict,
    both,
    has_code,
    has_note,
    record,
)
from smspm_campaigns.vocabulary import NUMBER_NOTE, PROBLEM_TITLES, TWO_READINGS, Problem

PLAIN = pd.DataFrame({"a": [1]})
CODES = st.lists(st.sampled_from(list(Problem)), max_size=4)


def told(frame: pd.DataFrame) -> list[list[object]]:
    """The three columns of each row, None where there is nothing."""
    ours = frame[["sms_problem", "sms_problems", "sms_detail"]].astype(object)
    return [[None if pd.isna(cell) else cell for cell in row] for row in ours.to_numpy().tolist()]


def judge(frame: pd.DataFrame, *codes: Problem, owned: tuple[Problem, ...]) -> pd.DataFrame:
    """Record a verdict with one note for each code on the only row."""
    verdict = NOTHING
    for code in codes:
        verdict += Verdict(code, note=f"about {code}.")
    return record(frame, {0: verdict}, owned=owned)


@given(CODES, CODES)
def test_codes_and_notes_stand_in_the_order_of_precedence(
    first: list[Problem], second: list[Problem]
) -> None:
    """Whoever speaks first, codes and notes are merged in one fixed order, none lost."""
    once = [code for code in dict.fromkeys(second) if code not in first]
    frame = judge(PLAIN, *dict.fromkeys(first), owned=())
    frame = judge(frame, *once, owned=())
    merged = [code for code in Problem if code in {*first, *second}]
    assert told(frame) == [
        [
            str(merged[0]) if merged else None,
            " ".join(merged) or None,
            " · ".join(f"{PROBLEM_TITLES[code]}: about {code}." for code in merged) or None,
        ]
    ]


@given(CODES, CODES, CODES)
def test_owner_replaces_only_its_own(
    before: list[Problem], mine: list[Problem], now: list[Problem]
) -> None:
    """Codes and notes of others stay; those owned are the new ones and nothing else."""
    now = [code for code in dict.fromkeys(now) if code in mine]
    frame = judge(PLAIN, *dict.fromkeys(before), owned=())
    others = [code for code in before if code not in mine]
    expected = judge(PLAIN, *dict.fromkeys([*others, *now]), owned=())
    assert_frame_equal(judge(frame, *now, owned=tuple(mine)), expected)


def test_verdict_keeps_notes_that_are_no_problem_last() -> None:
    """How a number was read is told after the problems, and replaced with its title."""
    read = Verdict(note="'0049 171': '00' was read as '+'.", title=NUMBER_NOTE)
    frame = record(PLAIN, {0: read}, owned=(), titles=(NUMBER_NOTE,))
    frame = judge(frame, Problem.DUPLICATE, owned=(Problem.DUPLICATE,))
    assert told(frame) == [
        [
            "duplicate",
            "duplicate",
            "Duplicate: about duplicate. · Number read: '0049 171': '00' was read as '+'.",
        ]
    ]
    assert told(record(frame, {}, owned=(), titles=(NUMBER_NOTE,))) == [
        ["duplicate", "duplicate", "Duplicate: about duplicate."]
    ]


def test_note_cannot_be_mistaken_for_two() -> None:
    """A label or file name that holds what stands between notes does not break them."""
    verdict = Verdict(Problem.DUPLICATE, note="row a · Opted out: b has the same number.")
    frame = record(PLAIN, {0: verdict}, owned=())
    detail = "Duplicate: row a - Opted out: b has the same number."
    assert told(frame) == [["duplicate", "duplicate", detail]]
    assert told(record(frame, {}, owned=(Problem.OPTED_OUT,))) == told(frame)
    assert told(record(frame, {}, owned=(Problem.DUPLICATE,))) == [[None, None, None]]


def test_note_that_a_person_wrote_is_kept_last() -> None:
    """Words of a person in `sms_detail` survive the helpers."""
    frame = PLAIN.assign(sms_detail="ask Mari")
    assert told(judge(frame, Problem.TOO_LONG, owned=(Problem.TOO_LONG,))) == [
        ["too_long", "too_long", "Too long: about too_long. · ask Mari"]
    ]


def test_only_rows_asked_for_are_judged() -> None:
    """Rows outside `where` keep their codes and notes."""
    frame = record(
        pd.DataFrame({"a": [1, 2]}, index=[7, 7]),
        {0: Verdict(Problem.DUPLICATE, note="x."), 1: Verdict(Problem.DUPLICATE, note="y.")},
        owned=(),
    )
    cleared = record(frame, {}, owned=(Problem.DUPLICATE,), where=np.array([False, True]))
    assert told(cleared) == [["duplicate", "duplicate", "Duplicate: x."], [None, None, None]]


def test_unknown_code_is_refused_by_name() -> None:
    """A code of the user's own in our column is named in the error."""
    with pytest.raises(InvalidArgument, match="holds 'vip', which is no problem"):
        record(PLAIN.assign(sms_problems="duplicate vip"), {}, owned=())


def test_codes_are_read_per_row() -> None:
    """One code can be asked for, in frames that hold none as well."""
    frame = pd.DataFrame({"sms_problems": ["opted_out duplicate", None, ""]})
    assert has_code(frame, Problem.DUPLICATE).tolist() == [True, False, False]
    assert has_code(PLAIN, Problem.DUPLICATE).tolist() == [False]


def test_titles_say_whose_note_it_is() -> None:
    """A note begins with the title of its first problem, or the one given."""
    assert Verdict(Problem.OPTED_OUT, note="listed.").notes == ("Opted out: listed.",)
    assert Verdict(note="fine.", title="Number read").notes == ("Number read: fine.",)
    assert (NOTHING.codes, NOTHING.notes) == ((), ())
    both = Verdict(Problem.DUPLICATE, note="a.") + Verdict(Problem.TOO_LONG, note="b.")
    assert both.codes == (Problem.DUPLICATE, Problem.TOO_LONG)
    assert both.notes == ("Duplicate: a.", "Too long: b.")


def test_notes_are_found_by_their_title() -> None:
    """A title counts where a note begins with it, and nowhere else."""
    frame = pd.DataFrame(
        {
            "sms_detail": [
                "Two readings: '1': read with a country code.",
                "Duplicate: row 2. · Two readings: '1': read without.",
                "Duplicate: Two readings: no.",
                "Two readings",
                "",
                None,
            ]
        }
    )
    assert has_note(frame, TWO_READINGS).tolist() == [True, True, False, True, False, False]
    assert has_note(PLAIN, TWO_READINGS).tolist() == [False]


def test_how_a_number_was_read_is_told_after_its_problems() -> None:
    """Problems, then the two readings, then repairs, then words of a person."""
    notes = ("ask Mari", "Number read: b.", "Two readings: a.", "Too long: c.", "No number: d.")
    frame = PLAIN.assign(sms_detail=" · ".join(notes))
    assert record(frame, {}, owned=())["sms_detail"].tolist() == [
        "No number: d. · Too long: c. · Two readings: a. · Number read: b. · ask Mari"
    ]


@pytest.mark.parametrize("index", [[0, 1, 2], [7, 7, 7], list("abc"), [None, 1, None]])
def test_verdicts_go_by_position(index: list[object]) -> None:
    """Whatever the labels are, a verdict is that of the row in its place."""
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=pd.Index(index, dtype=object))
    judged = record(frame, {2: Verdict(Problem.DUPLICATE, note="x.")}, owned=())
    nothing: list[object] = [None, None, None]
    assert told(judged) == [nothing, nothing, ["duplicate", "duplicate", "Duplicate: x."]]
    assert judged.index.equals(frame.index)


CELLS = st.sampled_from([
    None, "", "duplicate", "opted_out duplicate", "too_long  missing_value",
])  # fmt: skip
DETAILS = st.sampled_from([
    None, "", "ask Mari", "Duplicate: x.", "Too long: y. · Duplicate: x.", "ask · Number read: n.",
])  # fmt: skip
VERDICTS = st.sampled_from([
    NOTHING, Verdict(Problem.DUPLICATE, note="new."), Verdict(Problem.TOO_LONG),
    Verdict(note="fine.", title=NUMBER_NOTE),
])  # fmt: skip


@given(st.lists(st.tuples(CELLS, DETAILS, VERDICTS, st.booleans()), max_size=8))
def test_each_row_is_recorded_as_if_it_were_alone(rows: list[tuple[Any, ...]]) -> None:
    """Whatever stands in other rows, a row ends with the codes and notes that are its own."""
    frame = pd.DataFrame(
        {
            "sms_problems": pd.Series([cell for cell, *_ in rows], dtype=object),
            "sms_detail": pd.Series([detail for _, detail, *_ in rows], dtype=object),
        }
    )
    owned, titles = (Problem.DUPLICATE,), (NUMBER_NOTE,)
    where = np.array([judged for *_, judged in rows], dtype=bool)
    verdicts = {place: row[2] for place, row in enumerate(rows) if row[2]}
    together = record(frame, verdicts, owned=owned, titles=titles, where=where)
    alone = [
        told(
            record(
                frame.iloc[[place]],
                {0: verdicts[place]} if place in verdicts else {},
                owned=owned,
                titles=titles,
                where=where[[place]],
            )
        )[0]
        for place in range(len(rows))
    ]
    assert told(together) == alone


def test_two_judges_of_one_row_are_both_heard() -> None:
    """Verdicts by position are put together, row by row, and the ones given stay as they were."""
    copy, long = Verdict(Problem.DUPLICATE, note="a."), Verdict(Problem.TOO_LONG, note="b.")
    first, second = {0: copy, 1: copy}, {1: long, 2: long}
    told_of = {
        place: (verdict.codes, verdict.notes) for place, verdict in both(first, second).items()
    }
    assert told_of == {
        0: ((Problem.DUPLICATE,), ("Duplicate: a.",)),
        1: ((Problem.DUPLICATE, Problem.TOO_LONG), ("Duplicate: a.", "Too long: b.")),
        2: ((Problem.TOO_LONG,), ("Too long: b.",)),
    }
    assert (first, second) == ({0: copy, 1: copy}, {1: long, 2: long})


def test_verdict_is_true_when_it_says_something() -> None:
    """A code or a note alone is something."""
    assert not NOTHING
    assert Verdict(Problem.TOO_LONG)
    assert Verdict(note="fine.", title=NUMBER_NOTE)
