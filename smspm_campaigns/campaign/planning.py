"""A messages frame becomes the rows of a plan, checked before anything is written."""

import re
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any, Final, NamedTuple

import pandas as pd

from smspm_campaigns.campaign.outcomes import shown
from smspm_campaigns.delivery.ledger.plan import PlannedRow
from smspm_campaigns.delivery.ledger.record import EURO
from smspm_campaigns.exceptions import CampaignConflict, InvalidArgument
from smspm_campaigns.frames import snapshot
from smspm_campaigns.frames.cells import is_blank, quoted
from smspm_campaigns.frames.columns import check_frame
from smspm_campaigns.frames.segments import count_segments, unsendable
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


def plan_rows(
    frame: pd.DataFrame, *, sender: str | None, allow_repeat: bool
) -> tuple[str, list[PlannedRow]]:
    """Turn a messages frame into a manifest of its own columns, and one planned row for each row.

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
    columns = {name: _cells(frame, name) for name in _EXPECTED}
    manifest, originals = snapshot.take(frame.loc[:, ~frame.columns.isin(COLUMNS)])
    rows = [
        _planned_row(dict(zip(columns, cells, strict=True)), original, sender)
        for *cells, original in zip(*columns.values(), originals, strict=True)
    ]
    _check(rows, list(frame.index), allow_repeat=allow_repeat)
    return manifest, rows


def check_sender(sender: Any, where: str = "") -> None:
    """Raise InvalidArgument unless it can be a sender: 11 letters and digits, or a number."""
    known = isinstance(sender, str)
    if not (known and (_NAMED_SENDER.fullmatch(sender) or _NUMBER_SENDER.fullmatch(sender))):
        raise InvalidArgument(
            f"{where}{mask_text(quoted(sender))} cannot be a sender. It is a name of at most "
            f"{MAX_SENDER_LETTERS} letters, digits and signs such as 'SMSPM.com', or a phone "
            "number."
        )


def _cells(frame: pd.DataFrame, name: str) -> list[Any]:
    """Return the cells of a column, None where there is nothing; refuse the first wrong one."""
    if name not in frame.columns:
        return [None] * len(frame)
    expected = _EXPECTED[name]
    cells = [None if is_blank(value) else value for value in frame[name]]
    for label, cell in zip(frame.index, cells, strict=True):
        if cell is not None and not expected.fits(cell):
            raise InvalidArgument(
                f"Row {shown(label)} has {mask_text(quoted(cell))} in {name}; expected "
                f"{expected.words}. {expected.next_step}"
            )
    return cells


def _planned_row(cells: dict[str, Any], original: str, sender: str | None) -> PlannedRow:
    text = cells[TEXT]
    counted = None if text is None else count_segments(text)
    return PlannedRow(
        number=cells[TO],
        country=cells[COUNTRY],
        line=cells[LINE],
        text=text,
        sender=cells[SENDER] or sender,
        encoding=None if counted is None else counted.encoding,
        segments=None if counted is None else counted.segments,
        cost=None if cells[COST] is None else round(Decimal(repr(float(cells[COST]))) * EURO),
        problem=cells[PROBLEM],
        problems=cells[PROBLEMS] or cells[PROBLEM],
        detail=cells[DETAIL],
        original=original,
    )


def _check(rows: list[PlannedRow], labels: list[Any], *, allow_repeat: bool) -> None:
    ready = [(row, label) for row, label in zip(rows, labels, strict=True) if row.problem is None]
    if not rows:
        raise InvalidArgument("There is nothing to send: the frame has no rows.")
    if not ready:
        raise InvalidArgument(
            f"There is nothing to send: each of the {len(rows):,} rows has a problem. "
            "sms_detail says which."
        )
    for row, label in ready:
        _check_row(row, shown(label))
    if allow_repeat:
        return
    first: dict[str | None, Any] = {}
    for row, label in ready:
        if row.number in first:
            raise CampaignConflict(
                f"Rows {shown(first[row.number])} and {shown(label)} have the same number "
                f"({mask_number(row.number or '')}). Run mark_duplicates first, or pass "
                "allow_repeat=True to text it for each of its rows."
            )
        first[row.number] = label


def _check_row(row: PlannedRow, label: str) -> None:
    if row.number is None or not _DIGITS.fullmatch(row.number):
        raise InvalidArgument(
            f"Row {label} has no number the API takes in sms_to: country code and digits, without "
            "plus. Run normalize_numbers."
        )
    if row.text is None or unsendable(row.text):
        raise InvalidArgument(f"Row {label} has no text to send in sms_text. Run render_messages.")
    if row.sender is None:
        raise InvalidArgument(
            f"Row {label} has no sender. Pass sender='SMSPM.com', which is approved by default, or "
            "an approved Sender ID of yours."
        )
    check_sender(row.sender, f"Row {label}: ")
