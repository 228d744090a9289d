"""Checking what a helper is given, finding the columns of a frame, and adding ours to a copy."""

from collections.abc import Hashable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument
from smspm_campaigns.frames.cells import told
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import COLUMNS

#: The dtype of every text column of ours: str, with NaN where there is nothing.
STR: Final = pd.StringDtype(na_value=np.nan)

_OURS: Final = "sms_"
_LISTED_AT_MOST: Final = 20  # columns named in an error

#: Which step makes a column, for the sentence that asks for it.
_MADE_BY: Final = {
    "sms_to": "normalize_numbers",
    "sms_country": "normalize_numbers",
    "sms_text": "render_messages",
    "sms_segments": "render_messages",
}


def check_argument(name: str, value: Any, expected: str, *, fits: bool) -> None:
    """Refuse an argument that does not fit, saying what was expected and what came.

    Raises:
        InvalidArgument: it does not fit.
    """
    if not fits:
        raise InvalidArgument(f"{name} is {expected}, not {told(value)}.")


def check_choice(name: str, value: Any, *choices: str | None) -> None:
    """Refuse an argument that is none of these words.

    Raises:
        InvalidArgument: it is something else.
    """
    *others, last = map(repr, choices)
    fits = (value is None or isinstance(value, str)) and value in choices
    check_argument(name, value, f"{', '.join(others)} or {last}", fits=fits)


def check_frame(frame: Any, *needed: str) -> pd.DataFrame:
    """Return the frame when it is one, its `sms_` columns are ours, and the needed ones are there.

    Raises:
        InvalidArgument: it is no frame, has two levels of headers, a foreign `sms_` column, or one
            of ours twice.
        ColumnNotFound: a column that an earlier step adds is not there.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InvalidArgument(
            f"Expected a pandas DataFrame, got {type(frame).__name__}. "
            "Read your file with read_contacts(path) first."
        )
    if frame.columns.nlevels > 1:
        raise InvalidArgument("The frame has headers of several levels; flatten its columns first.")
    foreign = [name for name in frame.columns if _is_foreign(name)]
    if foreign:
        raise InvalidArgument(
            f"The column {told(foreign[0])} begins with 'sms_', which is kept for the columns this "
            "package adds. Rename it."
        )
    twice = frame.columns[frame.columns.duplicated() & frame.columns.isin(COLUMNS)]
    if len(twice):
        raise InvalidArgument(f"There are two columns named {twice[0]!r}; drop one of them.")
    for name in needed:
        if name not in frame.columns:
            raise ColumnNotFound(f"There is no column {name!r} yet: run {_MADE_BY[name]} first.")
    return frame


def _is_foreign(name: Hashable) -> bool:
    return isinstance(name, str) and name.startswith(_OURS) and name not in COLUMNS


def find_column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """Return the column of that name.

    Raises:
        ColumnNotFound: there is none; the nearest one is named.
        InvalidArgument: there are two, or it is no name at all.
    """
    fits = pd.api.types.is_hashable(name)
    check_argument("column", name, "the name of one column, such as 'phone'", fits=fits)
    if name not in frame.columns:
        raise ColumnNotFound(f"There is no column {told(name)}. {nearest(name, frame.columns)}")
    column = frame[name]
    if isinstance(column, pd.DataFrame):
        raise InvalidArgument(
            f"There are {column.shape[1]} columns named {told(name)}; rename them."
        )
    return column


def nearest(name: Hashable, names: Iterable[Hashable]) -> str:
    """Say which of the names was probably meant, or list them."""
    known = [str(name) for name in names]
    close = get_close_matches(str(name), known, n=1)
    if not close:
        close = [other for other in known if other.casefold() == str(name).casefold()]
    if close:
        return f"Did you mean {told(close[0])}?"
    return f"The columns are: {list_names(known)}"


def list_names(names: Iterable[Hashable]) -> str:
    """List columns in an error, numbers masked, and say when they seem to be a row of data."""
    known = list(names)
    shown = ", ".join(mask_text(" ".join(str(name).split())) for name in known[:_LISTED_AT_MOST])
    return shown + ("…" if len(known) > _LISTED_AT_MOST else ".") + header_hint(known)


def header_hint(names: Iterable[Hashable]) -> str:
    """Say that a header seems to be a row of data, when one of its names reads as a number."""
    if not any(holds_number(name) for name in names):
        return ""
    return " The first row seems to be data, not a header: put one above it that names the columns."


def holds_number(name: Hashable) -> bool:
    """Tell whether a column's name reads as a phone number."""
    return mask_text(str(name)) != str(name)


def with_columns(frame: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """Add columns to a copy by position; index, rows and all other columns stay as they are."""
    frame = frame.copy(deep=False)
    if isinstance(frame.columns, pd.CategoricalIndex):  # takes no new names
        frame.columns = frame.columns.astype(frame.columns.categories.dtype)
    for name, values in columns.items():
        frame[name] = values
    return frame


def texts_of(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the texts of a column of ours: `""` where there is none, or no such column."""
    if name not in frame.columns:
        return [""] * len(frame)
    texts: list[str] = frame[name].astype(STR).fillna("").tolist()
    return texts


def has_text(frame: pd.DataFrame, name: str) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Tell for each row whether a column of ours holds a text, as a boolean array."""
    if name not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    return (frame[name].astype(STR) > "").to_numpy(dtype=bool)  # what is missing is not more


def text_array(values: Iterable[str | None]) -> Any:
    """Make a `str` column of texts, in which None is missing."""
    return pd.array(list(values), dtype=STR)


def scattered(texts: Mapping[int, str], size: int) -> Any:
    """Make a `str` column of this many rows, missing but for these texts at their positions."""
    source = np.full(size, -1)
    source[list(texts)] = np.arange(len(texts))
    return text_array(texts.values()).take(source, allow_fill=True)
