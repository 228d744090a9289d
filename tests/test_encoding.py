"""Which character forces Unicode, from which column or the template, and what replacing saves."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument
from smspm_campaigns.frames import encoding
from smspm_campaigns.frames.encoding import explain, explain_encoding
from smspm_campaigns.frames.segments import count_segments, replace_characters
from smspm_campaigns.frames.templates import render_messages

Row = tuple[str, str | None, int, str | None, str | None, int | None]


def explained(columns: dict[str, list[Any]], template: str) -> list[Row]:
    """Render, and return the table without the names of the characters."""
    return rows_of(explain_encoding(render_messages(pd.DataFrame(columns), template)))


def rows_of(table: pd.DataFrame) -> list[Row]:
    plain = table.drop(columns="name").astype(object)
    return list(plain.where(plain.notna(), None).itertuples(index=False, name=None))


def test_table_of_a_small_campaign() -> None:
    """Names, dtypes and order of the columns, and what each row says, as a whole value."""
    frame = pd.DataFrame({"First Name": ["Łukasz", "Ana", "Ida"]})
    table = explain_encoding(render_messages(frame, "Hi {{ first_name }}, “sale”" + "x" * 60))
    assert_frame_equal(
        table,
        pd.DataFrame(
            {
                "character": ["“", "”", "Ł"],
                "name": [
                    "LEFT DOUBLE QUOTATION MARK",
                    "RIGHT DOUBLE QUOTATION MARK",
                    "LATIN CAPITAL LETTER L WITH STROKE",
                ],
                "column": pd.array([None, None, "First Name"], dtype="str"),
                "rows": pd.array([3, 3, 1], dtype="Int64"),
                "replacement": ['"', '"', "L"],
                "replace": ["typography", "typography", "accents"],
                "segments_saved": pd.array([2, 2, 1], dtype="Int64"),
            }
        ),
    )


FIRST: Any = {"name": ["Ana"]}


@pytest.mark.parametrize(
    ("columns", "template", "expected"),
    [
        (FIRST, "Hi {{ name }}: ñ, ä, ß, €", []),  # GSM-7 has them
        (FIRST, "Hi `{{ name }}", [("`", None, 1, "'", "typography", 0)]),  # ASCII, not GSM-7
        ({"name": ["Ç"]}, "Hi {{ name | lower }}", [("ç", "name", 1, "c", "accents", 0)]),
        ({"name": ["françois"]}, "{{ name | upper }}", []),  # GSM-7 has the capital letter
        ({"name": ["łucja"]}, "{{ name | title }}", [("Ł", "name", 1, "L", "accents", 0)]),
        ({"name": ["à Paris"], "city": ["À Lyon"]}, "{{ name }} {{ city }}",
         [("À", "city", 1, "A", "accents", 0)]),  # the small letter of the other is in GSM-7
        ({"name": ["c\u0327"]}, "{{ name }}", [("ç", "name", 1, "c", "accents", 0)]),  # two parts
        ({"name": ["İlke"]}, "{{ name }} x", [("İ", "name", 1, "I", "accents", 0)]),
        ({"name": ["İlke"]}, "İ {{ name }}",
         [("İ", "name", 1, "I", "accents", 0), ("İ", None, 1, "I", "accents", 0)]),
        ({"name": ["Łx"]}, "İ {{ name }}",
         [("İ", None, 1, "I", "accents", 0), ("Ł", "name", 1, "L", "accents", 0)]),
        ({"name": ["Νς"]}, "{{ name | upper }}X{{ name | upper }}X",
         [("Ν", "name", 1, None, None, None)]),  # a sigma has a form for the end of a word
        ({"name": ["Łucja"]}, "{{ name }} {{ name }} {{ name | upper }}",
         [("Ł", "name", 1, "L", "accents", 0)]),  # thrice, and never in the template
        ({"name": ["Łucja"]}, "Łąka {{ name }}",
         [("ą", None, 1, "a", "accents", 0), ("Ł", "name", 1, "L", "accents", 0),
          ("Ł", None, 1, "L", "accents", 0)]),
        ({"a": ["Łu"], "b": ["Łukasz"]}, "{{ a }} {{ b }}",
         [("Ł", "a", 1, "L", "accents", 0), ("Ł", "b", 1, "L", "accents", 0)]),
        ({"name": ["Łucja Łabędź"]}, "{{ name | truncate(9) }}",
         [("Ł", "name", 1, "L", "accents", 0)]),  # what is left of the cell
        ({"name": ["Łucja Łabędź"]}, "Ł Ł {{ name | truncate(9) }}",
         [("Ł", "name", 1, "L", "accents", 0), ("Ł", None, 1, "L", "accents", 0)]),
        ({"name": ["Ana"], "unused": ["Ł"]}, "Ł {{ name }}", [("Ł", None, 1, "L", "accents", 0)]),
        ({"name": ["Анна"]}, "{{ name }}",
         [("А", "name", 1, None, None, None), ("а", "name", 1, None, None, None),
          ("н", "name", 1, None, None, None)]),  # nothing replaces them
    ],
)  # fmt: skip
def test_character_is_from_where_it_stands(
    columns: dict[str, list[Any]], template: str, expected: list[Row]
) -> None:
    """From each column whose cell holds it in any case, and from the template beside the cells."""
    assert explained(columns, template) == expected


LITERALS = st.text(st.sampled_from("aŁł“…ЖжÇç "), max_size=8)
CELLS = st.text(st.sampled_from("aŁł“…Жж"), min_size=1, max_size=4)


def saved(text: str, option: Any) -> int:
    plain = replace_characters(text, option)
    return count_segments(text).segments - count_segments(plain).segments


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), LITERALS, LITERALS)
def test_rows_and_savings_are_those_of_each_text_alone(
    rows: list[tuple[str, str]], first: str, last: str
) -> None:
    """Against one text after another: where each character stands, and the sums of the options."""
    frame = pd.DataFrame(rows, columns=["a", "b"])
    template = f"{first}|{{{{ a }}}}|{{{{ b | upper }}}}|{{{{ a }}}}|{last}|" + "-" * 62
    frame = render_messages(frame, template)
    texts = frame["sms_text"].tolist()
    expected: dict[tuple[str, str | None], list[int]] = {}
    for (a, b), text in zip(rows, texts, strict=True):
        forcing = {found.character for found in count_segments(text).forced_by}
        for character in forcing:
            exactly = [("a", a), ("b", b), (None, first + last)]
            in_any_case = [("a", a.lower() + a.upper()), ("b", b.lower() + b.upper())]
            sources = [source for source, holds in exactly if character in holds]
            sources = sources or [source for source, holds in in_any_case if character in holds]
            for source in sources:
                option = "typography" if character in "“…" else "accents"
                counts = expected.setdefault((character, source), [0, 0])
                counts[0] += 1
                counts[1] += 0 if character in "Жж" else saved(text, option)
    found = explain(frame)
    assert found.saved == {
        option: sum(saved(text, option) for text in texts) for option in ("typography", "accents")
    }
    assert {
        (character, source): [count, saves or 0]
        for character, source, count, _, _, saves in rows_of(found.table)
    } == expected


def test_parts_of_the_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table does not depend on how many characters are looked at together."""
    names = ["Łucja", "Жанна", "Ana", "Zoë", "’"] * 20
    frame = render_messages(pd.DataFrame({"name": names}), "Hi {{ name }}…" + "x" * 70)
    whole = explain(frame)
    monkeypatch.setattr(encoding, "_AT_ONCE", 100)
    parts = explain(frame)
    assert_frame_equal(parts.table, whole.table)
    assert parts[1:] == whole[1:]
    assert whole.saved == {"typography": 40, "accents": 80}
    assert whole.stuck == [("name", 20)]


def test_replacing_can_cost_a_segment_and_says_so() -> None:
    """Three full stops in a text that stays Unicode are longer than an ellipsis: it saves -1."""
    frame = render_messages(pd.DataFrame({"x": [1]}), "👋" + "x" * 67 + "…")
    found = explain(frame)
    assert found.saved == {"typography": -1, "accents": -1}
    assert rows_of(found.table) == [
        ("👋", None, 1, None, None, None),
        ("…", None, 1, "...", "typography", -1),
    ]


def test_only_rows_that_are_sent_count() -> None:
    """A row with a problem, or without a text, forces nothing."""
    frame = pd.DataFrame(
        {
            "sms_text": pd.array(["“", "“", None, ""], dtype="str"),
            "sms_problem": pd.array([None, "duplicate", None, None], dtype="str"),
        }
    )
    assert rows_of(explain_encoding(frame)) == [("“", None, 1, '"', "typography", 0)]


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_to_explain_is_an_empty_table(rows: int) -> None:
    """With the columns and dtypes of every other one."""
    table = explain_encoding(render_messages(pd.DataFrame({"name": ["Ana"] * rows}), "Hi {{name}}"))
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        "character": "str",
        "name": "str",
        "column": "str",
        "rows": "Int64",
        "replacement": "str",
        "replace": "str",
        "segments_saved": "Int64",
    }
    assert len(table) == 0


@pytest.mark.parametrize("labels", ["row", "twice", "levels"])
def test_index_and_columns_of_any_kind(labels: str) -> None:
    """Labels of rows play no part; a column may have a number for a name; nothing is changed."""
    index: dict[str, Any] = {
        "row": pd.RangeIndex(2, 4, name="row"),
        "twice": pd.Index(["x", "x"]),
        "levels": pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]),
    }
    frame = pd.DataFrame({7: pd.Categorical(["Ł", "a"])}, index=index[labels])
    frame = frame.assign(sms_text=["Ł", "a"])
    held = frame.copy(deep=True)
    assert rows_of(explain_encoding(frame)) == [("Ł", "7", 1, "L", "accents", 0)]
    assert_frame_equal(frame, held)


def test_texts_that_were_marked_gsm_are_not_read() -> None:
    """What `render_messages` judged is not judged again: a million plain rows cost nothing."""
    frame = pd.DataFrame({"sms_text": ["“", "“"], "sms_encoding": ["GSM-7", "UCS-2"]})
    assert explain_encoding(frame)["rows"].tolist() == [
        1,
    ]


def test_character_without_a_name_has_its_code() -> None:
    """Private characters have none."""
    frame = pd.DataFrame({"sms_text": ["\ue000"]})
    assert explain_encoding(frame)["name"].tolist() == ["U+E000"]


def test_forgotten_step_is_named() -> None:
    """Without texts there is nothing to explain."""
    with pytest.raises(ColumnNotFound, match="no column 'sms_text' yet: run render_messages"):
        explain_encoding(pd.DataFrame({"name": ["Ana"]}))
    with pytest.raises(InvalidArgument, match="got list"):
        explain_encoding([])  # type: ignore[arg-type]


def test_many_letters_in_many_rows_are_no_product() -> None:
    """Twenty thousand letters in as many rows take about as long as one letter does."""
    texts = [chr(0x4E00 + place) for place in range(20_000)]
    table = explain_encoding(pd.DataFrame({"sms_text": texts}))
    assert (len(table), table["rows"].sum()) == (20_000, 20_000)
    assert np.array_equal(table["character"], texts)
