"""Rows of the ledger become a report: the frame they began as, plus what became of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.delivery.ledger.evidence import EURO
from smspm_campaigns.delivery.ledger.read import Columns
from smspm_campaigns.delivery.ledger.resolve import Unknown
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames import snapshot
from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.columns import text_array, with_columns
from smspm_campaigns.frames.snapshot_columns import join
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import COLUMNS, UNKNOWN_COLUMNS, Status


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


def _numbers(values: Iterable[int]) -> Any:
    return np.array(list(values), dtype="int64")


#: How the columns of changes are made, and which of them the history tells under what name.
_HISTORY_OF: Final[dict[str, Callable[[Iterable[Any]], Any]]] = {
    **dict.fromkeys(("id", "attempt_id", "position"), _numbers),
    "at": _times,
    **dict.fromkeys(("status", "evidence", "request_id", "message_id", "error"), text_array),
}
_TOLD: Final = {
    **{name: name for name in ("at", "status", "evidence")},
    "request": "request_id",
    **{name: name for name in ("message_id", "error")},
}


def make_report(manifest: str, pieces: Iterable[Columns]) -> pd.DataFrame:
    """Join outcomes to the user's own columns, row by row, in the original order and index.

    The rows come in pieces, each of which is in memory only until its columns are made.
    """
    restorer = snapshot.Restorer(manifest)
    parts: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for rows in pieces:
        restorer.add(rows["original"])
        for name, values in _outcomes(rows).items():
            parts[name].append(values)
    return with_columns(restorer.frame(), **{name: join(parts[name]) for name in COLUMNS})


def make_pieces(
    manifest: str, originals: Iterable[str], pieces: Iterable[Columns]
) -> Iterator[pd.DataFrame]:
    """Make the report in pieces, each like these rows of the whole one.

    `originals` are those of all rows: their index and all categories are known before the rest.
    """
    restorer, index = snapshot.learned(manifest, originals)
    start = 0
    for rows in pieces:
        restorer.add(rows["original"])
        frame = restorer.frame(index[start : (start := start + len(rows["original"]))])
        yield with_columns(frame, **_outcomes(rows))


def _outcomes(rows: Columns) -> dict[str, Any]:
    """Make the columns of ours."""
    return {name: make(rows[field]) for name, (field, make) in _MADE_OF.items()}


def make_unknown(
    manifest: str,
    originals: Iterable[str],
    rows: Columns,
    unknown: Sequence[Unknown],
) -> pd.DataFrame:
    """Make the rows of the report that are unknown, and tell of the request each was in.

    `originals` are those of all rows, `rows` those that were `unknown`: one of which something is
    known meanwhile is left out.
    """
    restorer, index = snapshot.learned(manifest, originals)
    restorer.add(rows["original"])
    frame = restorer.frame(index.take([row.position for row in unknown]))
    told = (
        text_array(row.request_id for row in unknown),
        _times(row.requested_at for row in unknown),
    )
    made = with_columns(frame, **_outcomes(rows), **dict(zip(UNKNOWN_COLUMNS, told, strict=True)))
    return made[(made["sms_status"] == Status.UNKNOWN).to_numpy()]


def row_labels(manifest: str, originals: Iterable[str]) -> pd.Index:
    """Return the index labels of the frame that a campaign was made from."""
    return snapshot.learned(manifest, originals)[1]


def make_history(labels: pd.Index, pieces: Iterable[Columns]) -> pd.DataFrame:
    """Make a frame of changes in order, each under the label of its row."""
    parts: dict[str, list[Any]] = {}
    for changes in pieces:
        for name, make in _HISTORY_OF.items():
            parts.setdefault(name, []).append(make(changes[name]))
    columns = {name: join(parts[name]) for name in _HISTORY_OF}
    order = np.lexsort((columns.pop("attempt_id"), columns.pop("id")))
    index = labels.take(columns.pop("position")[order])
    told = {name: columns.pop(field).take(order) for name, field in _TOLD.items()}
    return pd.DataFrame(told, index=index)


def places_of(labels: pd.Index, wanted: Sequence[Any]) -> dict[str, list[int]]:
    """Return the places of rows by their labels; the labels as a person may see them.

    Raises:
        InvalidArgument: no row has a label.
    """
    places: dict[Any, list[int]] = {}
    for place, label in enumerate(labels.to_flat_index().tolist()):
        places.setdefault(_plain(label), []).append(place)
    found: dict[str, list[int]] = {}
    for label in wanted:
        if not pd.api.types.is_hashable(label) or _plain(label) not in places:
            raise InvalidArgument(
                f"No row has the index label {shown(label)}. Labels are those of report().index."
            )
        found.setdefault(shown(label), []).extend(places[_plain(label)])
    return found


def labels_of(labels: pd.Index, typed: Iterable[str]) -> list[Any]:
    """Return the labels that are written like these texts; a text itself where none is."""
    by_text = {as_text(label): label for label in labels.tolist()}
    return [by_text.get(text, text) for text in typed]


def shown(label: Any) -> str:
    """Write a row's label; people use phone numbers as index too."""
    return mask_text(as_text(label))


def _plain(label: Any) -> Any:
    """Make a label that is missing equal to another one that is."""
    if isinstance(label, tuple):
        return tuple(map(_plain, label))
    return None if pd.api.types.is_scalar(label) and pd.isna(label) else label
