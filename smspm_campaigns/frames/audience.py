"""Who is left out: duplicates and opt-outs, judged by the normalized number."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Final, Literal

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import (
    ColumnNotFound,
    InvalidArgument,
    NumbersUnreadable,
    warn,
)
from smspm_campaigns.frames.cells import as_text, is_blank, quoted, told
from smspm_campaigns.frames.columns import (
    STR,
    check_choice,
    check_frame,
    has_text,
    holds_number,
    list_names,
)
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.numbers import cells_of, regions_of
from smspm_campaigns.frames.opt_outs import remember, unmarked
from smspm_campaigns.frames.problems import Verdict, both, record
from smspm_campaigns.frames.readings import read_number
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import TO, Problem

#: Names by which the number column of an opt-out file is found, written as `_folded` does.
_NUMBER_COLUMNS: Final = re.compile(
    r"(phone|mobile|cell|tel(ephone)?|gsm|contact)(no|number|phone)?|number|msisdn|recipient|to|smsto"
)

_LISTED_AT_MOST: Final = 5  # unreadable entries shown in an error


def mark_duplicates(
    frame: pd.DataFrame, *, keep: Literal["first", "last", "none"] = "first"
) -> pd.DataFrame:
    """Mark rows whose number another row has too, whatever the spelling.

    Args:
        frame: with `sms_to`, from `normalize_numbers`.
        keep: which of the rows with one number is not marked: `"first"`, `"last"` or `"none"`.

    Returns:
        The frame; a marked row has the problem `duplicate`, and `sms_detail` names the kept row by
        its index.

    Raises:
        ColumnNotFound: `normalize_numbers` has not run.
        InvalidArgument: `keep` is something else.

    Example:
        >>> import smspm_campaigns as smspm
        >>> people = pd.DataFrame({"phone": ["+491713920012", "0171 3920012"]})
        >>> people = smspm.normalize_numbers(people, region="DE")
        >>> list(smspm.mark_duplicates(people)["sms_problem"])
        [nan, 'duplicate']
    """
    check_frame(frame, TO)
    check_choice("keep", keep, "first", "last", "none")
    numbers = frame[TO].astype(STR)
    shared = np.flatnonzero(numbers.duplicated(keep=False).to_numpy() & has_text(frame, TO))
    places: dict[str, list[int]] = {}
    for place, number in zip(shared.tolist(), numbers.iloc[shared].tolist(), strict=True):
        places.setdefault(number, []).append(place)
    labels = dict(zip(shared.tolist(), frame.index.take(shared), strict=True))
    copies: dict[int, Verdict] = {}
    for same in places.values():
        copies |= _judge_copies(same, labels, keep)
    return record(frame, both(copies, unmarked(frame)), owned=(Problem.DUPLICATE,))


def _judge_copies(
    same: list[int], labels: Mapping[int, Any], keep: Literal["first", "last", "none"]
) -> dict[int, Verdict]:
    kept = {"first": same[0], "last": same[-1], "none": None}[keep]
    note = (
        f"{len(same)} rows have this number, and none is kept."
        if kept is None
        else f"row {as_text(labels[kept])} has the same number and is kept."
    )
    verdict = Verdict(Problem.DUPLICATE, note=note)
    return {place: verdict for place in same if place != kept}


def mark_suppressed(
    frame: pd.DataFrame,
    numbers: "str | os.PathLike[str] | IO[Any] | pd.DataFrame | pd.Series[Any] | Iterable[object]",
    *,
    region: str | None = None,
    unreadable: Literal["raise", "warn"] = "raise",
) -> pd.DataFrame:
    """Mark the people who asked not to be texted. Several lists add up: this only ever adds.

    Args:
        frame: with `sms_to`, from `normalize_numbers`.
        numbers: the opted-out numbers in any spelling: a list, a Series, a frame, or a file that
            `read_contacts` reads, hidden rows included. In a frame or file the column is found by
            its name, such as `number` or `Phone No.`, or by being the only one.
        region: where numbers without a country code are from, most often as in `normalize_numbers`:
            an ISO code, an English country name, or a column of the frame or file that holds them.
        unreadable: what to do about an entry that is no number: `"raise"`, or `"warn"` and go on.

    Returns:
        The frame; a marked row has the problem `opted_out`, and `sms_detail` names the list and the
        row. The frame remembers the numbers (in `attrs`), so that a row that `normalize_numbers`
        reads otherwise later is judged by them too.

    Raises:
        NumbersUnreadable: entries that are no numbers: an opt-out lost is a person texted.
        ColumnNotFound: the list has no number column, or `normalize_numbers` has not run.

    Example:
        >>> import smspm_campaigns as smspm
        >>> people = smspm.normalize_numbers(pd.DataFrame({"phone": ["+491713920012"]}))
        >>> list(smspm.mark_suppressed(people, ["0049 171 3920012"])["sms_problem"])
        ['opted_out']
    """
    check_frame(frame, TO)
    check_choice("unreadable", unreadable, "raise", "warn")
    source, entries = _entries(numbers)
    column = entries[_number_column(entries, source)]
    regions = regions_of(entries, region)
    listed: dict[str, str] = {}
    unread: list[tuple[Any, Any]] = []
    for label, cell, home in zip(entries.index, cells_of(column), regions, strict=True):
        if is_blank(cell):
            continue
        reading = read_number(cell, home)
        if reading.number is None:
            unread.append((label, cell))
        # Digits that are valid in two ways may be either person's: neither is texted.
        for number in filter(None, (reading.number, reading.other)):
            listed.setdefault(number[0], f"{source}, row {as_text(label)}")
    _complain(unread, source, unreadable)
    frame = remember(frame, listed)
    return record(frame, unmarked(frame), owned=())  # owning nothing, it takes no mark back


def _entries(numbers: Any) -> tuple[str, pd.DataFrame]:
    """Return what a person calls the list, and its entries."""
    if isinstance(numbers, str) and holds_number(numbers) and not re.search(r"[^\W\d_]", numbers):
        raise InvalidArgument(f"{told(numbers)} is a number, not a file. Put it in a list.")
    if isinstance(numbers, pd.DataFrame):
        return "the opt-out frame", numbers
    if isinstance(numbers, pd.Series):
        return "the opt-out list", numbers.to_frame("number")
    if isinstance(numbers, str | os.PathLike) or hasattr(numbers, "read"):
        name = getattr(numbers, "name", numbers)
        source = Path(name).name if isinstance(name, str | os.PathLike) else "the opt-out file"
        # Whoever filtered the list still opted out.
        return source, read_contacts(numbers, hidden="keep")
    if isinstance(numbers, Mapping | bytes) or not isinstance(numbers, Iterable):
        raise InvalidArgument(
            f"Expected opted-out numbers as a list, Series, frame or file, got "
            f"{type(numbers).__name__}."
        )
    return "the opt-out list", pd.DataFrame({"number": pd.Series(list(numbers), dtype=object)})


def _number_column(frame: pd.DataFrame, source: str) -> Any:
    by_name = [name for name in frame.columns if _NUMBER_COLUMNS.fullmatch(_folded(name))]
    names = by_name or (list(frame.columns) if frame.shape[1] == 1 else [])
    if len(names) != 1:
        found, advice = ("several", " Pass one of them alone.") if names else ("none", "")
        raise ColumnNotFound(
            f"{source} should have one column of numbers, named 'number' or 'phone', and has "
            f"{found}. Its columns are: {list_names(frame.columns)}{advice}"
        )
    if holds_number(names[0]):
        raise NumbersUnreadable(
            f"The first row of {source} should name the column, and holds a number "
            f"({told(names[0])}), which would be lost and texted. Put a row above it that says "
            "'number'."
        )
    return names[0]


def _folded(name: object) -> str:
    """Write `Phone No.`, `phone_no` and `PHONE NO` alike."""
    return re.sub(r"[\W_]", "", str(name).lower())


def _complain(
    unread: list[tuple[Any, Any]], source: str, unreadable: Literal["raise", "warn"]
) -> None:
    if not unread:
        return
    shown = [
        f"row {mask_text(as_text(label))}: {mask_text(quoted(cell))}"
        for label, cell in unread[:_LISTED_AT_MOST]
    ]
    more = f" and {len(unread) - len(shown)} more" if len(unread) > len(shown) else ""
    entries = "1 entry" if len(unread) == 1 else f"{len(unread):,} entries"
    sentence = (
        f"{entries} of {source} cannot be read as a phone number ({'; '.join(shown)}{more}). An "
        "opt-out that is lost is a person texted: mend it, say region=… when it lacks a country "
        "code"
    )
    if unreadable == "raise":
        raise NumbersUnreadable(sentence + ", or pass unreadable='warn' to go on without.")
    warn(sentence + ". Went on without.")
