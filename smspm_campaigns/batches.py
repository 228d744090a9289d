"""Rows to requests: equal text and sender together, at most 100 numbers, none of them twice."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from smspm_campaigns.vocabulary import MAX_RECIPIENTS


class Item(NamedTuple):
    """One row that waits for its request. Rows of equal `content` may share it."""

    key: int
    number: str
    content: Hashable


def take_request(waiting: Iterable[Item], size: int = MAX_RECIPIENTS) -> list[Item]:
    """Take the first request from items in their order: up to `size` numbers of one content.

    Reads no further than it must, so `waiting` may be a long stream.

    Example:
        >>> people = [Item(0, "491713920000", "Hi"), Item(1, "491713920001", "Hi")]
        >>> [item.key for item in take_request(people)]
        [0, 1]
    """
    request: dict[str, Item] = {}
    content: Hashable = None
    for item in waiting:
        content = content if request else item.content
        if item.content != content:
            break
        request.setdefault(item.number, item)
        if len(request) >= size:
            break
    return list(request.values())


def count_requests(
    numbers: Sequence[str], contents: Sequence[Hashable], size: int = MAX_RECIPIENTS
) -> int:
    """Count the requests that `take_request` will make of rows: the least possible number.

    Args:
        numbers: the number of each row.
        contents: what rows may share a request by, in the same order.
        size: the most numbers of a request.

    Example:
        >>> count_requests([str(number) for number in range(101)], ["Hi"] * 101)
        2
    """
    most: dict[Hashable, int] = {}
    if len(set(numbers)) < len(numbers):  # else, as in most campaigns, there are no copies
        for (content, _), count in Counter(zip(contents, numbers, strict=True)).items():
            most[content] = max(most.get(content, 1), count)
    rows = Counter(contents)
    return sum(max(-(-count // size), most.get(content, 1)) for content, count in rows.items())
