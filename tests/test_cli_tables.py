"""Tables for a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.cli.tables import broken, columns_of, table

CELLS = st.text("ab é李 ", min_size=1, max_size=40).map(lambda text: " ".join(text.split()) or "x")


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (40, ["row  what happened", "  2  the reply has no id", " 12  broke off"]),
        (
            18,
            ["row  what happened", "  2  the reply has", "     no id", " 12  broke off"],
        ),
        (5, ["row  what", "     happened", "  2  the", "     reply", "     has no", "     id",
             " 12  broke", "     off"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_broken_between_words(width: int, lines: list[str]) -> None:
    """Numbers stand to the right; no column is narrower than eight signs."""
    rows = [["2", "the reply has no id"], ["12", "broke off"]]
    assert table(rows, width, header=["row", "what happened"], right="r") == lines


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1), width=st.integers(30, 100))
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    """Whatever the cells hold, signs of East Asia too."""
    lines = table(rows, width)
    assert max(map(columns_of, lines)) <= width
    said = "".join("".join(cells) for cells in rows)
    assert sorted("".join(lines).replace(" ", "")) == sorted(said.replace(" ", ""))


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 8, [""]),
        ("one two", 7, ["one two"]),
        ("one two", 6, ["one", "two"]),
        ("https://example.com", 8, ["https://", "example.", "com"]),
        ("李雷李雷", 5, ["李雷", "李雷"]),
    ],
)
def test_a_word_is_broken_where_it_is_wider_than_all_there_is(
    text: str, width: int, lines: list[str]
) -> None:
    """Else lines end between words."""
    assert broken(text, width) == lines
