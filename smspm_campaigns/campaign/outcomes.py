"""Rows of the ledger become a report: the frame they began as, plus what became of them."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.delivery.ledger.read import RowRecord
from smspm_campaigns.delivery.ledger.record import EURO
from smspm_campaigns.frames import snapshot
from smspm_campaigns.frames.columns import text_array, with_columns
from smspm_campaigns.vocabulary import COLUMNS


def _counts(values: Iterable[int | None]) -> Any:
    return pd.array(list(values), dtype="Int64")


def _euros(values: Iterable[int | None]) -> Any:
    return np.array(
        [np.nan if value is None else value / EURO for value in values], dtype="float64"
    )


def _times(values: Iterable[int | None]) -> Any:
    none = np.iinfo("int64").min  # NaT
    micros = np.array([none if value is None else value for value in values], dtype="int64")
    return pd.DatetimeIndex(micros.view("datetime64[us]"), tz="UTC")


#: Where the ledger keeps each column, and how it is made.
_MADE_OF: Final[dict[str, tuple[str, Callable[[Iterable[Any]], Any]]]] = {
    "sms_to": ("number", text_array),
    "sms_country": ("country", text_array),
    "sms_line": ("line", text_array),
    "sms_text": ("text", text_array),
    "sms_encoding": ("encoding", text_array),
    "sms_segments": ("segments", _counts),
    "sms_cost": ("cost", _euros),
    "sms_sender": ("sender", text_array),
    "sms_problem": ("problem", text_array),
    "sms_problems": ("problems", text_array),
    "sms_detail": ("detail", text_array),
    "sms_id": ("message_id", text_array),
    "sms_status": ("status", text_array),
    "sms_error": ("error", text_array),
    "sms_price": ("price", _euros),
    "sms_carrier": ("carrier", text_array),
    "sms_sent_at": ("sent_at", _times),
    "sms_updated_at": ("updated_at", _times),
}


def make_report(manifest: str, rows: list[RowRecord]) -> pd.DataFrame:
    """Join outcomes to the user's own columns, row by row, in the original order and index."""
    frame = snapshot.restore(manifest, (row.original for row in rows))
    columns = {}
    for name in COLUMNS:
        field, make = _MADE_OF[name]
        columns[name] = make(getattr(row, field) for row in rows)
    return with_columns(frame, **columns)
