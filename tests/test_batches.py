"""Rows become the least possible number of requests, whatever the rows."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smspm_campaigns.batches import Item, count_requests, take_request
from smspm_campaigns.campaign.ordering import send_order

#: Few numbers and texts, so that copies and shared texts are common.
ITEMS = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from(["Hi", "Ho"])), max_size=40
).map(lambda pairs: [Item(key, number, text) for key, (number, text) in enumerate(pairs)])
SIZES = st.integers(1, 6)


def in_send_order(items: list[Item]) -> list[Item]:
    """Put items into the order in which the rows of a plan are sent."""
    numbers: dict[object, int] = {}
    contents: dict[object, int] = {}
    order = send_order(
        np.array([numbers.setdefault(item.number, len(numbers)) for item in items], np.int64),
        np.array([contents.setdefault(item.content, len(contents)) for item in items], np.int64),
    )
    return [items[place] for place in order]


def drain(items: list[Item], size: int) -> list[list[Item]]:
    """Take requests until nothing waits, as a sender does."""
    waiting = in_send_order(items)
    requests = []
    while waiting:
        request = take_request(waiting, size)
        taken = {item.key for item in request}
        waiting = [item for item in waiting if item.key not in taken]
        requests.append(request)
    return requests


def least(items: list[Item], size: int) -> int:
    """The bound no plan can beat: full requests, and each copy of a number in its own."""
    total = 0
    for content in {item.content for item in items}:
        numbers = [item.number for item in items if item.content == content]
        total += max(math.ceil(len(numbers) / size), *Counter(numbers).values())
    return total


def foretold(items: list[Item], size: int) -> int:
    return count_requests([item.number for item in items], [item.content for item in items], size)


@given(ITEMS, SIZES)
@example([Item(key, number, "Hi") for key, number in enumerate("AABC")], 2)
@example([Item(key, number, "Hi") for key, number in enumerate("CBBAAA")], 2)
def test_requests_are_as_few_as_can_be(items: list[Item], size: int) -> None:
    """Draining makes the least possible number of requests, and it is the number foretold."""
    requests = drain(items, size)
    assert len(requests) == foretold(items, size) == least(items, size)


@given(ITEMS, SIZES)
def test_every_row_is_in_exactly_one_request(items: list[Item], size: int) -> None:
    """No row is lost, none is taken twice."""
    taken = [item for request in drain(items, size) for item in request]
    assert sorted(taken, key=lambda item: item.key) == items


@given(ITEMS, SIZES)
def test_request_is_one_the_api_takes(items: list[Item], size: int) -> None:
    """A request has one content, no number twice, and no more numbers than allowed."""
    for request in drain(items, size):
        assert len({item.content for item in request}) == 1
        assert len({item.number for item in request}) == len(request) <= size


@given(ITEMS)
def test_order_keeps_contents_together(items: list[Item]) -> None:
    """Contents stand together, in the order of their first item."""
    contents = [item.content for item in in_send_order(items)]
    assert list(dict.fromkeys(contents)) == list(dict.fromkeys(item.content for item in items))
    changes = sum(one != other for one, other in pairwise(contents))
    assert changes == max(len(set(contents)) - 1, 0)


@given(st.lists(st.sampled_from(["Hi", "Ho"]), max_size=30))
def test_rows_without_copies_keep_their_order(texts: list[str]) -> None:
    """Where no number comes twice, rows of one text are sent as they were given."""
    items = [Item(key, str(key), text) for key, text in enumerate(texts)]
    ordered = in_send_order(items)
    for text in set(texts):
        keys = [item.key for item in ordered if item.content == text]
        assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("people", "requests"),
    [(0, 0), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (201, 3)],
)
def test_hundred_numbers_share_a_request(people: int, requests: int) -> None:
    """A request has room for 100 numbers, the limit of the API."""
    items = [Item(key, str(key), "Hi") for key in range(people)]
    assert foretold(items, 100) == requests
    assert [len(request) for request in drain(items, 100)] == [
        min(100, people - start) for start in range(0, people, 100)
    ]


def test_one_number_with_many_rows_takes_a_request_each() -> None:
    """150 rows with one number and one text are 150 requests, never one with it twice."""
    items = [Item(key, "491713920012", "Hi") for key in range(150)]
    assert foretold(items, 100) == 150
    assert drain(items, 100) == [[item] for item in items]


def test_equal_texts_of_two_senders_are_two_requests() -> None:
    """The sender is part of the content."""
    items = [Item(0, "1", ("Hi", "SMSPM")), Item(1, "2", ("Hi", "Shop"))]
    assert drain(items, 100) == [[items[0]], [items[1]]]


def test_nothing_waiting_is_no_request() -> None:
    """Taking from nothing gives nothing."""
    assert take_request([]) == []


def test_taking_reads_no_further_than_it_must() -> None:
    """A request is complete at its 100th number, and a stream behind it is left alone."""

    def stream() -> Iterator[Item]:
        for key in range(100):
            yield Item(key, str(key), "Hi")
        raise AssertionError("read too far")

    assert [item.key for item in take_request(stream())] == list(range(100))
