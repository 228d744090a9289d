"""Who is left out: duplicates and opt-outs, judged by the normalized number."""

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import (
    ColumnNotFound,
    InvalidArgument,
    NumbersUnreadable,
    SmspmWarning,
)
from smspm_campaigns.frames.cells import as_text, is_blank, quoted, told
from smspm_campaigns.frames.columns import (
    check_choice,
    check_frame,
    holds_number,
    list_names,
    texts_of,
)
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.opt_outs import mark, remember
from smspm_campaigns.frames.problems import Verdict, record
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import TO, Problem

#: Names by which the number column of an opt-out file is found.
_NUMBER_COLUMNS: Final = (
    "number", "phone", "mobile", "msisdn", "to", "tel", "telephone", "cell", "phone number",
    "mobile number", "mobile phone", "cell phone", "telephone number", "sms to",
)  # fmt: skip

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
        >>> people = pd.DataFrame({"phone": ["+491713920012", "0171 3920012"]})
        >>> list(people.pipe(normalize_numbers, region="DE").pipe(mark_duplicates)["sms_problem"])
        [nan, 'duplicate']
    """
    check_frame(frame, TO)
    check_choice("keep", keep, "first", "last", "none")
    places: dict[str, list[int]] = {}
    for place, number in enumerate(texts_of(frame, TO)):
        if number:
            places.setdefault(number, []).append(place)
    labels = list(frame.index)
    verdicts: dict[int, Verdict] = {}
    for same in places.values():
        if len(same) > 1:
            verdicts |= _judge_copies(same, labels, keep)
    return record(frame, verdicts, owned=(Problem.DUPLICATE,))


def _judge_copies(
    same: list[int], labels: list[Any], keep: Literal["first", "last", "none"]
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
    numbers: "str | os.PathLike[str] | pd.DataFrame | pd.Series[Any] | Iterable[object]",
    *,
    region: str | None = None,
    unreadable: Literal["raise", "warn"] = "raise",
) -> pd.DataFrame:
    """Mark the people who asked not to be texted. Several lists add up: this only ever adds.

    Args:
        frame: with `sms_to`, from `normalize_numbers`.
        numbers: the opted-out numbers in any spelling: a list, a Series, a frame or a file that
            `read_contacts` reads, hidden rows included. In a frame or file the column is found by
            its name, such as `number` or `phone`, or by being the only one.
        region: where numbers without a country code are from, an ISO code.
        unreadable: what to do about an entry that is no number: `"raise"`, or `"warn"` and go on.

    Returns:
        The frame; a marked row has the problem `opted_out`, and `sms_detail` names the list.

    Raises:
        NumbersUnreadable: entries that are no numbers: an opt-out lost is a person texted.
        ColumnNotFound: the list has no number column, or `normalize_numbers` has not run.

    Example:
        >>> people = normalize_numbers(pd.DataFrame({"phone": ["+491713920012"]}))
        >>> list(mark_suppressed(people, ["0049 171 3920012"])["sms_problem"])
        ['opted_out']
    """
    check_frame(frame, TO)
    check_choice("unreadable", unreadable, "raise", "warn")
    source, entries = _entries(numbers)
    entries = entries[np.array([not is_blank(value) for value in entries], dtype=bool)]
    listed = normalize_numbers(entries.to_frame("number"), "number", region=region)
    _complain(listed[listed[TO].isna()], source, unreadable)
    where = {
        number: f"{source}, row {as_text(label)}"
        for label, number in zip(listed.index[::-1], listed[TO][::-1], strict=True)
        if not is_blank(number)
    }
    return mark(remember(frame, where))


def _entries(numbers: Any) -> "tuple[str, pd.Series[Any]]":
    """Return what a person calls the list, and its entries."""
    if isinstance(numbers, str) and holds_number(numbers) and not re.search(r"[^\W\d_]", numbers):
        raise InvalidArgument(f"{told(numbers)} is a number, not a file. Put it in a list.")
    if isinstance(numbers, str | os.PathLike):
        frame = read_contacts(numbers, hidden="keep")  # a hidden opt-out is one all the same
        return Path(numbers).name, _number_column(frame, Path(numbers).name)
    if isinstance(numbers, pd.DataFrame):
        return "the opt-out frame", _number_column(numbers, "the opt-out frame")
    if isinstance(numbers, pd.Series):
        return "the opt-out list", numbers
    if isinstance(numbers, Mapping) or not isinstance(numbers, Iterable):
        raise InvalidArgument(
            f"Expected opted-out numbers as a list, Series, frame or file, got "
            f"{type(numbers).__name__}."
        )
    return "the opt-out list", pd.Series(list(numbers), dtype=object)


def _number_column(frame: pd.DataFrame, source: str) -> "pd.Series[Any]":
    by_name = [name for name in frame.columns if _words(name) in _NUMBER_COLUMNS]
    names = by_name or (list(frame.columns) if frame.shape[1] == 1 else [])
    if len(names) != 1:
        found = "several" if names else "none"
        raise ColumnNotFound(
            f"{source} should have one column of numbers, named 'number' or 'phone', and has "
            f"{found}. Its columns are: {list_names(frame.columns)}"
        )
    if holds_number(names[0]):
        raise NumbersUnreadable(
            f"The first row of {source} should name the column, and holds a number "
            f"({told(names[0])}), which would be lost and texted. Put a row above it that says "
            "'number'."
        )
    column: pd.Series[Any] = frame[names[0]]
    return column


def _words(name: object) -> str:
    """Write a column's name as words, whether it is `Phone number`, `phone_number` or `PHONE`."""
    return " ".join(re.findall(r"[^\W_]+", str(name).lower()))


def _complain(bad: pd.DataFrame, source: str, unreadable: Literal["raise", "warn"]) -> None:
    if bad.empty:
        return
    shown = [
        f"row {mask_text(as_text(label))}: {mask_text(quoted(value))}"
        for label, value in zip(bad.index[:_LISTED_AT_MOST], bad["number"], strict=False)
    ]
    more = f" and {len(bad) - len(shown)} more" if len(bad) > len(shown) else ""
    sentence = (
        f"{len(bad)} entries of {source} cannot be read as phone numbers ({'; '.join(shown)}"
        f"{more}). An opt-out that is lost is a person texted: mend them, say region=… when they "
        "lack a country code"
    )
    if unreadable == "raise":
        raise NumbersUnreadable(sentence + ", or pass unreadable='warn' to go on without them.")
    warnings.warn(sentence + ". Went on without them.", SmspmWarning, stacklevel=3)
