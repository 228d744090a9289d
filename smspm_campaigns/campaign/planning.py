"""A messages frame becomes the rows of a plan, checked before anything is written."""

import re
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from smspm_campaigns.delivery.ledger.plan import PlannedRow
from smspm_campaigns.delivery.ledger.record import EURO
from smspm_campaigns.exceptions import CampaignConflict, InvalidArgument
from smspm_campaigns.frames import snapshot
from smspm_campaigns.frames.cells import as_text, is_blank
from smspm_campaigns.frames.columns import check_frame
from smspm_campaigns.frames.segments import count_segments, unsendable
from smspm_campaigns.masking import mask_number
from smspm_campaigns.vocabulary import (
    COLUMNS,
    COST,
    COUNTRY,
    DETAIL,
    LINE,
    MAX_NUMBER_DIGITS,
    MAX_SENDER_LETTERS,
    OUTCOME_COLUMNS,
    PROBLEM,
    PROBLEMS,
    SENDER,
    TEXT,
    TO,
)

_DIGITS: Final = re.compile(rf"[1-9][0-9]{{4,{MAX_NUMBER_DIGITS - 1}}}")
_NUMBER_SENDER: Final = re.compile(rf"\+?[0-9]{{3,{MAX_NUMBER_DIGITS}}}")
_NAMED_SENDER: Final = re.compile(rf"(?=.*[A-Za-z])[A-Za-z0-9 .&_+'-]{{1,{MAX_SENDER_LETTERS}}}")


def plan_rows(
    frame: pd.DataFrame, *, sender: str | None, allow_repeat: bool
) -> tuple[str, list[PlannedRow]]:
    """Turn a messages frame into a manifest of its own columns, and one planned row for each row.

    Raises:
        InvalidArgument: nothing to send, a sender that cannot be one, or a row without a problem
            that has no number or text.
        CampaignConflict: two rows that would be sent have one number.
    """
    check_frame(frame, TO, TEXT)
    if sender is not None:
        check_sender(sender)
    frame = frame.drop(columns=[name for name in OUTCOME_COLUMNS if name in frame.columns])
    own = frame[[name for name in frame.columns if name not in COLUMNS]]
    manifest, originals = snapshot.take(own)
    columns = {name: _values(frame, name) for name in (TO, COUNTRY, LINE, TEXT, COST, SENDER)}
    columns |= {name: _values(frame, name) for name in (PROBLEM, PROBLEMS, DETAIL)}
    rows = [
        _planned_row(dict(zip(columns, cells, strict=True)), original, sender)
        for *cells, original in zip(*columns.values(), originals, strict=True)
    ]
    _check(rows, list(frame.index), allow_repeat=allow_repeat)
    return manifest, rows


def check_sender(sender: str) -> None:
    """Raise InvalidArgument unless it can be a sender: 11 letters and digits, or a number."""
    if not (_NAMED_SENDER.fullmatch(sender) or _NUMBER_SENDER.fullmatch(sender)):
        raise InvalidArgument(
            f"{sender!r} cannot be a sender. It is a name of at most {MAX_SENDER_LETTERS} letters, "
            "digits and signs such as 'SMSPM.com', or a phone number."
        )


def _values(frame: pd.DataFrame, name: str) -> list[Any]:
    if name not in frame.columns:
        return [None] * len(frame)
    return [None if is_blank(value) else value for value in frame[name]]


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
    if not ready:
        raise InvalidArgument(
            f"There is nothing to send: each of the {len(rows):,} rows has a problem. "
            "sms_detail says which."
        )
    for row, label in ready:
        _check_row(row, as_text(label))
    if allow_repeat:
        return
    first: dict[str | None, Any] = {}
    for row, label in ready:
        if row.number in first:
            raise CampaignConflict(
                f"Rows {as_text(first[row.number])} and {as_text(label)} have the same number "
                f"({mask_number(row.number or '')}). Run mark_duplicates first, or pass "
                "allow_repeat=True to text it for each of its rows."
            )
        first[row.number] = label


def _check_row(row: PlannedRow, label: str) -> None:
    if not isinstance(row.number, str) or not _DIGITS.fullmatch(row.number):
        raise InvalidArgument(
            f"Row {label} has no number the API takes in sms_to: country code and digits, without "
            "plus. Run normalize_numbers."
        )
    if not isinstance(row.text, str) or unsendable(row.text):
        raise InvalidArgument(f"Row {label} has no text to send in sms_text. Run render_messages.")
    if row.sender is None:
        raise InvalidArgument(
            f"Row {label} has no sender. Pass sender='SMSPM.com', which is approved by default, or "
            "an approved Sender ID of yours."
        )
    check_sender(row.sender)
