"""The order of a plan: which rows may share a request, which go first, and what its digest is."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

import numpy as np

from smspm_campaigns.delivery.ledger.plan import Message, Plan, PlannedRow, fingerprint
from smspm_campaigns.frames.snapshot import pieces
from smspm_campaigns.vocabulary import MAX_NUMBER_DIGITS

Numbers = np.ndarray[Any, np.dtype[np.int64]]

NEVER_SENT: Final = -1  # in place of the number of a row that has a problem


class Rows(Protocol):
    """The rows of a plan: all in their order, again and again, and the messages at some places."""

    def __iter__(self) -> Iterator[PlannedRow]: ...

    def messages(self, places: Numbers) -> list[Message]: ...


def order_rows(manifest: str, rows: Rows, numbers: Numbers, hashes: Numbers) -> Plan:
    """Make a plan of rows.

    It takes about a hundred bytes a row, however long the texts are.

    Args:
        manifest: of the frame they are from.
        rows: gone through when the plan is written.
        numbers: of each row, `NEVER_SENT` where it has a problem.
        hashes: of the text and sender of each row.
    """
    contents = find_contents(rows, hashes)
    sent = np.flatnonzero(numbers != NEVER_SENT)
    first_sent = np.empty_like(contents)
    first_sent[contents[sent[::-1]]] = sent[::-1]  # what is written last stays
    order = send_order(numbers[sent], first_sent[contents[sent]])
    sequence = np.full(len(numbers), NEVER_SENT, dtype=np.int64)
    sequence[sent[order]] = np.arange(len(sent))
    by_number = sent[_alphabetical(numbers[sent])]
    return Plan(
        manifest,
        fingerprint(message for _, message in _messages(rows, by_number)),
        rows,
        array("q", contents.tobytes()),
        array("q", sequence.tobytes()),
    )


def find_contents(rows: Rows, hashes: Numbers) -> Numbers:
    """Return the content of each row, a text from a sender, by the place of its first row.

    Rows of one hash are compared. Two contents of one hash would be taken apart, and perhaps become
    more than two: that costs a request, once in ten million campaigns of a million texts.
    """
    order = np.argsort(hashes, kind="stable")
    is_first = np.ones(len(hashes), dtype=bool)
    is_first[1:] = hashes[order[1:]] != hashes[order[:-1]]
    before = None
    for place, message in _messages(rows, order):
        if not is_first[place] and message[1:] != before:
            is_first[place] = True
        before = message[1:]
    first = np.empty_like(order)
    first[order] = order[is_first][np.cumsum(is_first) - 1]
    return first


def send_order(numbers: Numbers, contents: Numbers) -> Numbers:
    """Order rows so that taking requests from the front makes the least possible number of them.

    Rows of one content stand together, contents in their order. A request may hold a number only
    once: within a content, the row of which most copies are still to come is first, and the given
    order decides among equals.

    Returns:
        The places of the rows, in the order of sending.

    Example:
        >>> send_order(np.array([7, 8, 8, 8]), np.array([0, 1, 0, 0])).tolist()
        [2, 0, 3, 1]
    """
    return np.lexsort((-_copies_to_come(numbers, contents), contents))  # which is stable


def _copies_to_come(numbers: Numbers, contents: Numbers) -> Numbers:
    """Count the later rows of the same number and content."""
    backwards = len(numbers) - 1 - np.lexsort((numbers[::-1], contents[::-1]))
    is_last = np.ones(len(numbers), dtype=bool)
    one, other = backwards[1:], backwards[:-1]
    is_last[1:] = (numbers[one] != numbers[other]) | (contents[one] != contents[other])
    copies = np.empty_like(backwards)
    copies[backwards] = np.arange(len(numbers)) - np.flatnonzero(is_last)[np.cumsum(is_last) - 1]
    return copies


def _alphabetical(numbers: Numbers) -> Numbers:
    """Return the places of numbers in the order of their digits: 12, 123, 13."""
    padded = numbers.copy()
    for _ in range(MAX_NUMBER_DIGITS):
        padded[padded < 10 ** (MAX_NUMBER_DIGITS - 1)] *= 10
    return np.lexsort((numbers, padded))


def _messages(rows: Rows, places: Numbers) -> Iterable[tuple[int, Message]]:
    for piece in pieces(len(places)):
        yield from enumerate(rows.messages(places[piece]), piece.start)
