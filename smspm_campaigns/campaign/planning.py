"""A messages frame becomes the rows of a plan, checked before anything is written."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from numbers import Real
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from smspm_campaigns.campaign.ordering import NEVER_SENT, Numbers, order_rows
from smspm_campaigns.campaign.outcomes import shown
from smspm_campaigns.delivery.ledger.evidence import EURO
from smspm_campaigns.delivery.ledger.plan import Message, Plan, PlannedRow
from smspm_campaigns.exceptions import CampaignConflict, InvalidArgument
from smspm_campaigns.frames import snapshot
from smspm_campaigns.frames.cells import is_blank, quoted
from smspm_campaigns.frames.columns import check_frame
from smspm_campaigns.frames.segments import measure_texts, unsendable
from smspm_campaigns.masking import mask_number, mask_text
from smspm_campaigns.vocabulary import (
    COLUMNS,
    COST,
    COUNTRY,
    DETAIL,
    LINE,
    MAX_NUMBER_DIGITS,
    MAX_SENDER_LETTERS,
    PROBLEM,
    PROBLEMS,
    SENDER,
    TEXT,
    TO,
    UNKNOWN_COLUMNS,
    Problem,
)

_MAX_COST: Final = 1_000  # EUR of a message; sums of millions of them stay within 64 bits

_DIGITS: Final = re.compile(rf"[1-9][0-9]{{4,{MAX_NUMBER_DIGITS - 1}}}")
_NUMBER_SENDER: Final = re.compile(rf"\+?[0-9]{{3,{MAX_NUMBER_DIGITS}}}")
_NAMED_SENDER: Final = re.compile(rf"(?=.*[A-Za-z])[A-Za-z0-9 .&_+'-]{{1,{MAX_SENDER_LETTERS}}}")

_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")  # UTF-8 cannot write it
_SIMPLE: Final = frozenset({str, float, type(None)})  # equal cells of these types mean the same
_CODES: Final = frozenset(map(str, Problem))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and (value.isascii() or not _HALF_A_PAIR.search(value))


def _is_cost(value: Any) -> bool:
    number = isinstance(value, Real | Decimal) and not isinstance(value, bool)
    return number and 0 <= value <= _MAX_COST


def _is_problem(value: Any) -> bool:
    return isinstance(value, str) and value in _CODES


class _Expected(NamedTuple):
    """What a cell of a column is, in code and in words, and what makes it so."""

    fits: Callable[[Any], bool]
    words: str
    next_step: str


_TEXT: Final = "text of whole characters"
_NUMBERS: Final = _Expected(_is_text, _TEXT, "Run normalize_numbers.")
_WRITTEN: Final = _Expected(_is_text, _TEXT, "Mend the cell.")

#: The columns of ours that a plan keeps.
_EXPECTED: Final = {
    TO: _NUMBERS,
    COUNTRY: _NUMBERS,
    LINE: _NUMBERS,
    TEXT: _Expected(_is_text, _TEXT, "Run render_messages."),
    COST: _Expected(
        _is_cost, f"EUR from 0 to {_MAX_COST:,} as a number, or nothing", "Run estimate_costs."
    ),
    SENDER: _WRITTEN,
    PROBLEM: _Expected(
        _is_problem,
        "a code of this package such as 'opted_out', or nothing",
        "A reason of your own belongs in a column of yours.",
    ),
    PROBLEMS: _WRITTEN,
    DETAIL: _WRITTEN,
}


def plan_rows(frame: pd.DataFrame, *, sender: str | None, allow_repeat: bool) -> Plan:
    """Turn a messages frame into a plan: its own columns, and one planned row for each row.

    The plan goes through the frame when it is written, so the frame must stay as it is.

    Raises:
        InvalidArgument: nothing to send, a sender that cannot be one, a cell of ours that cannot
            be meant, or a row without a problem that has no number or text.
        CampaignConflict: two rows that would be sent have one number.
    """
    if isinstance(frame, pd.DataFrame):
        frame = frame.drop(columns=list(UNKNOWN_COLUMNS), errors="ignore")
    check_frame(frame, TO, TEXT)
    if sender is not None:
        check_sender(sender)
    if not len(frame):
        raise InvalidArgument("There is nothing to send: the frame has no rows.")
    manifest, originals = snapshot.take(frame.loc[:, ~frame.columns.isin(COLUMNS)])
    rows = _Rows(frame, originals, sender)
    numbers, hashes = rows.check()
    if (numbers == NEVER_SENT).all():
        raise InvalidArgument(
            f"There is nothing to send: each of the {len(frame):,} rows has a problem. "
            "sms_detail says which."
        )
    if not allow_repeat:
        _refuse_copies(numbers, frame.index)
    return order_rows(manifest, rows, numbers, hashes)


def check_sender(sender: Any, where: str = "") -> None:
    """Raise InvalidArgument unless it can be a sender: 11 letters and digits, or a number."""
    known = isinstance(sender, str)
    if not (known and (_NAMED_SENDER.fullmatch(sender) or _NUMBER_SENDER.fullmatch(sender))):
        raise InvalidArgument(
            f"{where}{mask_text(quoted(sender))} cannot be a sender. It is a name of at most "
            f"{MAX_SENDER_LETTERS} letters, digits and signs such as 'SMSPM.com', or a phone "
            "number."
        )


class _Rows:
    """The rows of a frame, a piece of it at a time: they are never in memory all together."""

    def __init__(self, frame: pd.DataFrame, originals: snapshot.Lines, sender: str | None) -> None:
        self._index = frame.index
        self._columns = {name: frame[name] for name in _EXPECTED if name in frame.columns}
        self._originals = originals
        self._sender = sender

    def __iter__(self) -> Iterator[PlannedRow]:
        for piece in snapshot.pieces(len(self._index)):
            cells = self._ours(piece)
            texts = cells[TEXT]
            unicode, segments = measure_texts([text or "" for text in texts])
            costs = {cost: _billionths(cost) for cost in set(cells[COST])}
            yield from map(
                PlannedRow,
                cells[TO],
                cells[COUNTRY],
                cells[LINE],
                texts,
                cells[SENDER],
                [
                    None if text is None else "UCS-2" if wide else "GSM-7"
                    for text, wide in zip(texts, unicode.tolist(), strict=True)
                ],
                [
                    None if text is None else count
                    for text, count in zip(texts, segments.tolist(), strict=True)
                ],
                [costs[cost] for cost in cells[COST]],
                cells[PROBLEM],
                [all_ or one for all_, one in zip(cells[PROBLEMS], cells[PROBLEM], strict=True)],
                cells[DETAIL],
                self._originals[piece],
            )

    def messages(self, places: Numbers) -> list[Message]:
        """Return number, text and sender of the rows at these places."""
        return list(zip(*(self._cells(name, places) for name in (TO, TEXT, SENDER)), strict=True))

    def check(self) -> tuple[Numbers, Numbers]:
        """Look at every row; return the number of each that will be sent, and hashes of contents.

        Raises:
            InvalidArgument: a cell that cannot be meant, or a row that lacks one.
        """
        size = len(self._index)
        numbers = np.full(size, NEVER_SENT, dtype=np.int64)
        hashes = np.empty(size, dtype=np.int64)
        known: set[str] = set()
        for piece in snapshot.pieces(size):
            cells = self._ours(piece)
            for name in self._columns:
                self._check_cells(name, piece, cells[name])
            contents = list(zip(cells[TEXT], cells[SENDER], strict=True))
            hashes[piece] = np.fromiter(map(hash, contents), np.int64, len(contents))
            rows = zip(cells[TO], contents, cells[PROBLEM], strict=True)
            for place, (number, (text, sender), problem) in enumerate(rows, piece.start):
                if problem is not None:
                    continue
                ready = number and _DIGITS.fullmatch(number) and text and not unsendable(text)
                if not ready or sender not in known:
                    _check_row(number, text, sender, shown(self._index[place]))
                    known.add(sender)
                numbers[place] = int(number)
        return numbers, hashes

    def _ours(self, places: slice) -> dict[str, list[Any]]:
        return {name: self._cells(name, places) for name in _EXPECTED}

    def _cells(self, name: str, places: slice | Numbers) -> list[Any]:
        """Return cells of a column, None where there is nothing; a sender where none is named."""
        missing = self._sender if name == SENDER else None
        if name not in self._columns:
            return [missing] * len(self._index[places])
        cells = self._columns[name].iloc[places].to_numpy(dtype=object).tolist()
        if not _SIMPLE.issuperset(map(type, cells)):
            return [missing if is_blank(cell) else cell for cell in cells]
        empty = [cell for cell in set(cells) if type(cell) is not str or not cell.strip()]
        blank = set(filter(is_blank, empty))
        return [missing if cell in blank else cell for cell in cells] if blank else cells

    def _check_cells(self, name: str, places: slice, cells: list[Any]) -> None:
        """Refuse the first wrong cell of a column."""
        expected = _EXPECTED[name]
        if _SIMPLE.issuperset(map(type, cells)) and all(map(expected.fits, set(cells) - {None})):
            return
        for label, cell in zip(self._index[places], cells, strict=True):
            if cell is not None and not expected.fits(cell):
                raise InvalidArgument(
                    f"Row {shown(label)} has {mask_text(quoted(cell))} in {name}; expected "
                    f"{expected.words}. {expected.next_step}"
                )


def _billionths(cost: Any) -> int | None:
    return None if cost is None else round(Decimal(repr(float(cost))) * EURO)


def _refuse_copies(numbers: Numbers, labels: pd.Index) -> None:
    """Raise CampaignConflict when two rows that would be sent have one number."""
    places = np.flatnonzero(numbers != NEVER_SENT)
    order = places[np.argsort(numbers[places], kind="stable")]
    copies = order[1:][numbers[order[1:]] == numbers[order[:-1]]]
    if not len(copies):
        return
    number = numbers[copies.min()]
    first = np.flatnonzero(numbers == number)[0]
    raise CampaignConflict(
        f"Rows {shown(labels[first])} and {shown(labels[copies.min()])} have the same number "
        f"({mask_number(str(number))}). Run mark_duplicates first, or pass allow_repeat=True to "
        "text it for each of its rows."
    )


def _check_row(number: str | None, text: str | None, sender: str | None, label: str) -> None:
    if number is None or not _DIGITS.fullmatch(number):
        raise InvalidArgument(
            f"Row {label} has no number the API takes in sms_to: country code and digits, without "
            "plus. Run normalize_numbers."
        )
    if text is None or unsendable(text):
        raise InvalidArgument(f"Row {label} has no text to send in sms_text. Run render_messages.")
    if sender is None:
        raise InvalidArgument(
            f"Row {label} has no sender. Pass sender='SMSPM.com', which is approved by default, or "
            "an approved Sender ID of yours."
        )
    check_sender(sender, f"Row {label}: ")
