"""Sentences about what to look at: each with its near misses."""

import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.frames import preview_warnings
from smspm_campaigns.frames.preview_warnings import Leftovers, says_opt_out, warnings_of
from smspm_campaigns.frames.templates import render_messages


def find_leftovers(frame: pd.DataFrame) -> Leftovers:
    return preview_warnings.find_leftovers(frame, frame["sms_text"].tolist())


def rendered(cells: list[Any], template: str = "Hi {{ name }}, reply STOP") -> pd.DataFrame:
    return render_messages(pd.DataFrame({"name": cells}), template)


@pytest.mark.parametrize(
    "cell",
    ["nan", "NaN", "None", "NaT", "null", "NULL", "undefined", "<NA>", "#N/A", "{{ name }}",
     "2026-05-01 00:00:00", "2026-05-01T00:00:00", " nan ", "nan.", "(null)", "nan nan",
     "Ana None", "Ana, NaN"],
)  # fmt: skip
def test_word_that_a_program_left_is_found(cell: str) -> None:
    """Cells that were text in the file, so that rendering could not know that they are blank."""
    assert find_leftovers(rendered(["Ana", cell])).places == [1]


@pytest.mark.parametrize(
    "cell",
    ["Nan", "NAN", "Nana", "Fernanda", "Null", "O'nan", "O’nan", "nan-bread", "nan@x.ee", "x.nan",
     "nan's", "none", "None of them", "Nonesuch", "NaTalie", "annull", "null_1", "undefined2",
     "10:00:00", "00:00:001", "100:00:00", "12:00", "{ name }", "N/A", "NA"],
)  # fmt: skip
def test_name_that_looks_like_it_is_left_alone(cell: str) -> None:
    """The near misses: names, longer words, addresses, times of the day."""
    assert find_leftovers(rendered(["Ana", cell])).places == []


def test_word_of_the_template_is_the_persons_own() -> None:
    """`null Euro` in German, bread in a curry house: what a person wrote is no leftover."""
    frame = rendered(["Ana", "Eva"], "Hi {{ name }}: None left, nan for null Euro at 00:00:00")
    assert find_leftovers(frame) == ([], [])


def test_word_that_a_filter_made_a_name_is_found() -> None:
    """`Hi Nan` is no better than `Hi nan`, when the cell says nan."""
    assert find_leftovers(rendered(["Nan", "nan"], "Hi {{ name | title }}")) == ([1], ["nan"])


def test_cell_that_does_not_reach_the_text_is_left_alone() -> None:
    """What is not printed, or is a part of a longer word there, is no leftover."""
    frame = rendered(["nan", "null"], "Hi x{{ name }}{% if name == 'x' %} {{ name }}{% endif %}")
    assert find_leftovers(frame) == ([], [])


def test_texts_of_unknown_making_are_searched_themselves() -> None:
    """Where no column is known that made the texts, the texts alone decide."""
    frame = pd.DataFrame({"sms_text": ["Hi Ana", "Hi nan", "Hi Fernanda"]})
    assert find_leftovers(frame) == ([1], ["nan"])


@given(st.lists(st.sampled_from(["Ana", "nan", "Fernanda", "null", "Null"]), max_size=3_000))
def test_every_leftover_is_found_among_many(names: list[str]) -> None:
    """However many rows are searched together, each is judged alone."""
    found = find_leftovers(pd.DataFrame({"sms_text": [f"Hi {name}!" for name in names]}))
    assert found.places == [place for place, name in enumerate(names) if name in {"nan", "null"}]


def test_leftovers_are_found_among_thousands_of_different_cells() -> None:
    """Cells that all differ are searched in parts; each part knows where it begins."""
    names = [f"Ana {place}" for place in range(3_500)]
    names[2_200], names[3_499] = "nan", "null 5"
    found = find_leftovers(pd.DataFrame({"sms_text": [f"{name}!" for name in names]}))
    assert found == ([2_200, 3_499], ["nan", "null"])


def test_the_last_of_many_texts_may_say_how_to_opt_out() -> None:
    """All texts are searched, and not the first thousand alone."""
    texts = [f"Sale {place}" for place in range(2_500)]
    assert not says_opt_out(texts)
    assert says_opt_out([*texts, "STOPP an 1"])
    assert says_opt_out([*texts, "STOP36180"])


def test_leftovers_are_counted_with_their_rows() -> None:
    """One sentence: how many texts, which words, the first rows, masked."""
    frame = rendered(["nan", "Ana", "null", *["nan"] * 5])
    frame.index = pd.Index([f"+4917139200{place}" for place in range(10, 18)])
    texts = frame["sms_text"].tolist()
    assert list(warnings_of(frame, frame, texts, masked=True)) == [
        (
            "7 texts hold 'nan', 'null', which a program left there (row +4917******10, "
            "+4917******12, +4917******13, +4917******14, +4917******15, …). Mend these cells, or "
            "clear them: a blank cell is found, or takes a default."
        )
    ]
    assert "(row +491713920010, " in next(warnings_of(frame, frame, texts, masked=False))
    single = frame.iloc[:1]
    assert next(warnings_of(single, single, texts[:1], masked=False)).startswith(
        "1 text holds 'nan', which"
    )


OPT_OUT = re.compile(
    r"\bstop\b|\bopt.?out|unsubscribe|abmeld|abbestell|d[ée]sabonn|d[ée]sinscri|avregistrer|avsluta"
    r"|loobu|peruuta|atsisaky|atteik|zrezygn|wypisz|отпис|отказ|\bbaja\b|cancelar|disiscri"
)
PIECES = st.sampled_from(
    ["stop", "STOP", "opt", "out", "-", " ", "\n", "x", "Baja", "rebaja", "Désabonn", "отпис", "ä"]
)


@given(st.lists(st.lists(PIECES, max_size=5).map("".join), max_size=5))
def test_opt_outs_are_those_of_one_pattern_on_each_text(texts: list[str]) -> None:
    """Many texts searched at once give what one regular expression gives for each alone."""
    assert says_opt_out(texts) == any(OPT_OUT.search(text.lower()) for text in texts)
