"""The order of a plan is the same whether its rows are looked at by hand or by arrays."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.campaign.ordering import Numbers, find_contents
from smspm_campaigns.delivery.ledger.plan import Message, PlannedRow
from smspm_campaigns.frames import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Freeze


class Texts(list[str]):
    """Rows of which nothing but the text matters."""

    def __iter__(self) -> "Iterator[PlannedRow]":  # type: ignore[override]
        raise AssertionError("contents are found by messages alone")

    def messages(self, places: Numbers) -> list[Message]:
        return [("46701740605", self[place], "Shop") for place in places]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of three rows."""
    monkeypatch.setattr(snapshot, "_PIECE", 3)


def by_hand(texts: list[str]) -> list[int]:
    return [texts.index(text) for text in texts]


@pytest.mark.usefixtures("small_pieces")
def test_a_content_is_the_place_of_its_first_row() -> None:
    """Across pieces, too."""
    texts = list("bcabbacdbca")
    hashes = np.array([hash(text) for text in texts])
    assert find_contents(Texts(texts), hashes).tolist() == by_hand(texts)


@given(st.lists(st.sampled_from("abc")), st.integers(1, 3))
def test_two_texts_of_one_hash_are_never_one_content(texts: list[str], hashes: int) -> None:
    """However few hashes there are, rows of one content have one text."""
    crowded = np.array([ord(text) % hashes for text in texts], dtype=np.int64)
    contents = find_contents(Texts(texts), crowded).tolist()
    assert len({*zip(contents, texts, strict=True)}) == len({*contents})
    if hashes == 3:
        assert contents == by_hand(texts)


def row(number: str, text: str, problem: str | None = None) -> PlannedRow:
    return PlannedRow(
        *(number, "EE", "mobile", text, "Shop", "GSM-7", 1, None),
        *(problem, problem, None, "[]"),
    )


def test_a_row_with_a_problem_has_no_place(freeze: "Freeze") -> None:
    """The places of the others have no gaps; it has a content all the same."""
    made = freeze(
        [
            row("37250000000", "a", "opted_out"),
            row("37250000001", "b"),
            row("37250000002", "a"),
            row("37250000003", "b"),
        ]
    )
    assert (list(made.contents), list(made.sequence)) == ([0, 1, 0, 1], [-1, 0, 2, 1])
