"""A Jinja template x rows becomes texts."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from numbers import Integral
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from jinja2 import TemplateError

from smspm_campaigns.exceptions import TemplateInvalid
from smspm_campaigns.frames.cells import is_blank, quoted
from smspm_campaigns.frames.columns import (
    STR,
    check_argument,
    check_frame,
    text_array,
    with_columns,
)
from smspm_campaigns.frames.filters import CannotFill
from smspm_campaigns.frames.numbers import cells_of
from smspm_campaigns.frames.placeholders import find_placeholders, remember_origin
from smspm_campaigns.frames.problems import NOTHING, Verdict, record
from smspm_campaigns.frames.replaced import replaced_note
from smspm_campaigns.frames.sandbox import Sandbox
from smspm_campaigns.frames.segments import (
    MAX_SEGMENTS,
    Replace,
    measure_texts,
    replace_characters,
    unsendable,
)
from smspm_campaigns.frames.template_values import Blank, ValueMissing
from smspm_campaigns.vocabulary import ENCODING, REPLACED, SEGMENTS, TEXT, Problem

_OWNED: Final = (
    Problem.MISSING_VALUE,
    Problem.TEMPLATE_ERROR,
    Problem.EMPTY_TEXT,
    Problem.UNSENDABLE_TEXT,
    Problem.TOO_LONG,
)
_FILE_NAME: Final = re.compile(
    r"(?!.*://)[^{}\n]+\.(?:txt|j2|jinja2?|tmpl|tpl)|[^{}\s]+\.md", re.IGNORECASE
)
#: Spaces, and what has no ink: a zero-width space or joiner, a mark of direction, a soft hyphen.
_INVISIBLE: Final = re.compile(
    "[\\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]*"
)
_NUMBERS: Final = "biuf"  # numpy's kinds of them
_TOGETHER: Final = 1_000  # texts searched at once
_EMPTY: Final = Verdict(Problem.EMPTY_TEXT, note="there is nothing to send.")
_MAX_TOLD: Final = 120  # characters of an error of Python's own, in the sentence of a row
_ENCODINGS: Final = pd.array(["GSM-7", "UCS-2"], dtype=STR)


def render_messages(
    frame: pd.DataFrame,
    template: str | Path,
    *,
    replace: Replace | None = None,
    max_segments: int | None = None,
) -> pd.DataFrame:
    r"""Fill a Jinja template for each row.

    Args:
        frame: any frame; a placeholder is the name of a column, or its identifier form:
            `First Name` is `{{ first_name }}`.
        template: the text itself, or a `pathlib.Path` to a UTF-8 file. Besides placeholders it may
            hold `if`, `for`, `set`, `with` and filters: Jinja's for texts and numbers, and `date`,
            `number`, `money`, `title` and `truncate` for people.
        replace: `"typography"` writes curly quotes, dashes, ellipses and odd spaces by plain ones,
            `"accents"` these and letters GSM-7 lacks. What GSM-7 can carry is never touched, and
            `sms_detail` says what was replaced.
        max_segments: the most segments a text may have; 255 are the most any phone takes.

    Returns:
        The frame with `sms_text` (str), `sms_encoding` (`"GSM-7"` or `"UCS-2"`) and `sms_segments`
        (Int64). A blank cell has no value: printing it makes the row a `missing_value`, while
        `default("friend")` and `{% if … %}` treat it as absent. Letters are composed (NFC), and
        line ends are `\n`.

    Raises:
        TemplateInvalid: the template does not parse, holds what a text does not need (macros, other
            templates), or is a file name given as text.
        ColumnNotFound: a placeholder that no column has; the nearest one is named.
        InvalidArgument: `replace` or `max_segments` is something else.

    Example:
        >>> people = pd.DataFrame({"First Name": ["Ana", None]})
        >>> list(render_messages(people, "Hi {{ first_name | default('friend') }}!")["sms_text"])
        ['Hi Ana!', 'Hi friend!']
    """
    check_frame(frame)
    whole = isinstance(max_segments, Integral) and not isinstance(max_segments, bool)
    fits = max_segments is None or (whole and max_segments >= 1)
    check_argument("max_segments", max_segments, "a whole number from 1", fits=fits)
    replace_characters("", replace)
    sandbox = Sandbox(_source(template))
    places = find_placeholders(frame, sandbox.placeholders)
    texts, verdicts = _fill(sandbox, frame, places)
    unicode, segments = measure_texts(texts)
    notes = _replace(texts, unicode, segments, replace)
    faults = _faults(texts, unicode, segments, int(max_segments or MAX_SEGMENTS))
    failed = set(verdicts)
    for place, fault in faults:
        if place in failed:  # it has no text, and says why
            continue
        verdicts[place] = verdicts.get(place, NOTHING) + fault
        if fault.codes[0] is not Problem.TOO_LONG:
            texts[place] = ""
    for place, note in notes.items():
        if texts[place]:
            verdicts[place] = verdicts.get(place, NOTHING) + note
    absent = np.array([not text for text in texts], dtype=bool)
    frame = with_columns(
        frame,
        **{
            TEXT: text_array(text or None for text in texts),
            ENCODING: _ENCODINGS.take(np.where(absent, -1, unicode), allow_fill=True),
            SEGMENTS: pd.arrays.IntegerArray(segments, absent),
        },
    )
    frame = remember_origin(frame, sandbox.printed, sandbox.literals)
    return record(frame, verdicts, owned=_OWNED, titles=(REPLACED,))


def _source(template: str | Path) -> str:
    if isinstance(template, Path):
        return _read(template)
    if not isinstance(template, str):
        raise TemplateInvalid(
            f"A template is a text or a pathlib.Path to a file, not {type(template).__name__}."
        )
    if _FILE_NAME.fullmatch(template.strip()):
        raise TemplateInvalid(
            f"{template!r} looks like a file name, and as a text it would be sent as it stands. "
            f"For the file, pass pathlib.Path({template!r}), or --template-file in the terminal."
        )
    return template


def _read(path: Path) -> str:
    """Read a template file, without the line end that editors put behind the last line."""
    try:
        return path.read_text(encoding="utf-8-sig").removesuffix("\n")
    except FileNotFoundError:
        raise TemplateInvalid(f"The template file {path} does not exist.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise TemplateInvalid(
            f"Line {line} of the template file {path} is not in UTF-8, and nothing was guessed. "
            "Save the file again with the encoding UTF-8."
        ) from None
    except OSError as error:
        raise TemplateInvalid(
            f"The template file {path} cannot be read: {error.strerror}."
        ) from None


def _fill(
    sandbox: Sandbox, frame: pd.DataFrame, places: dict[str, int]
) -> tuple[list[str], dict[int, Verdict]]:
    """Return the text of each row; it is `""` where a verdict says why there is none."""
    values = [plain_values(frame.iloc[:, place], name) for name, place in places.items()]
    rows = zip(*values, strict=True) if values else [()] * len(frame)
    texts, verdicts = sandbox.fill(rows, _failed)
    texts = [text if text.isascii() else unicodedata.normalize("NFC", text) for text in texts]
    return [_line_ends(text) if "\r" in text else text for text in texts], verdicts


def _line_ends(text: str) -> str:
    r"""Write every line end as one `\n`: on a phone `\r` takes room and shows nothing."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plain_values(column: "pd.Series[Any]", name: str) -> list[Any]:
    """Return the cells as a template may see them: text, numbers, dates, and `Blank` for nothing.

    Nothing among them has methods that write, and no whole number ends in `.0`.
    """
    blank = Blank(name=name)
    if isinstance(column.dtype, pd.StringDtype):
        texts = column.fillna("").tolist()
        return [
            text if (text.isascii() and text.strip()) or _shows(text) else blank for text in texts
        ]
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = [*plain_values(pd.Series(column.cat.categories), name), blank]  # -1 is the last
        return [values[code] for code in column.cat.codes.tolist()]
    cells = cells_of(column)
    if column.dtype.kind in _NUMBERS:  # no cell of which is a space, or broken
        blanks = column.isna().tolist()
        return [blank if no else _plain(cell) for cell, no in zip(cells, blanks, strict=True)]
    return [_plain_or_broken(cell, blank) for cell in cells]


def _shows(text: Any) -> bool:
    """Tell whether a text holds anything that a person sees."""
    if not isinstance(text, str) or not text or text.isspace():
        return False
    return text.isascii() or not _INVISIBLE.fullmatch(text)


def _plain_or_broken(cell: Any, blank: Blank) -> Any:
    """Return a plain value; for what is none, an absent one that says so when it is printed."""
    name = blank._undefined_name  # noqa: SLF001 - Jinja's own, and ours
    try:
        if is_blank(cell) or (isinstance(cell, str) and not _shows(cell)):
            return blank
        value = _plain(cell)
    except Exception as error:  # noqa: BLE001 - whatever a cell does stays in its row
        return Blank(f"the cell for {{{{ {name} }}}} cannot be read: {type(error).__name__}")
    if value is None:
        kind = type(cell).__name__
        return Blank(f"the cell for {{{{ {name} }}}} holds a {kind}, which is no text")
    return value


def _plain(value: Any) -> Any:
    """Make a value plain; None where it is no text, number, date or time."""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.floating) and not isinstance(value, float):
        value = float(str(value))  # 0.1, which has more digits in 64 bits
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float | Decimal):
        return int(value) if math.isfinite(value) and value == int(value) else value
    if isinstance(value, dt.datetime):  # without its zone: as the clock shows it where it happens
        return dt.datetime.fromisoformat(value.replace(tzinfo=None).isoformat())
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, pd.Period):
        return str(value)
    return value if isinstance(value, bool | int | dt.date | dt.time) else None


def _failed(error: Exception) -> Verdict:
    if isinstance(error, ValueMissing):
        return _missing_value(str(error))
    what = quoted(_in_words(error), at_most=_MAX_TOLD)[1:-1]  # in one line
    return Verdict(Problem.TEMPLATE_ERROR, note=f"{what.rstrip('.')}.")


def _in_words(error: Exception) -> str:
    """Say what happened: the usual mistakes in words of ours, the others in those of Python."""
    told = str(error)
    if isinstance(error, CannotFill | TemplateError):
        return told
    if isinstance(error, TypeError) and "instances of 'str' and" in told:
        return "a text is compared with a number; write {{ points | int }} for a number in a file"
    if isinstance(error, TypeError) and "argument" in told:
        return "a filter or method was given arguments that it does not take, or too few"
    return f"{type(error).__name__}: {told}"


@lru_cache
def _missing_value(placeholder: str) -> Verdict:
    note = f"the cell for {{{{ {placeholder} }}}} is blank."
    return Verdict(Problem.MISSING_VALUE, note=note)


@lru_cache
def _replaced(note: str) -> Verdict:
    return Verdict(note=note, title=REPLACED)


def _replace(
    texts: list[str],
    unicode: "np.ndarray[Any, Any]",
    segments: "np.ndarray[Any, Any]",
    replace: Replace | None,
) -> dict[int, Verdict]:
    """Write characters outside GSM-7 plainly, in place; return the notes on what was replaced."""
    plainer: dict[int, str] = {}
    for place in np.flatnonzero(unicode).tolist() if replace else ():
        text = replace_characters(texts[place], replace)
        if text != texts[place]:
            plainer[place] = text
    places = list(plainer)
    still_unicode, fewer = measure_texts(list(plainer.values()))
    notes = {}
    for place, after in zip(places, fewer.tolist(), strict=True):
        before = int(segments[place])
        note = replaced_note(texts[place], plainer[place], before, after, replace)
        notes[place] = _replaced(note)
        texts[place] = plainer[place]
    unicode[places], segments[places] = still_unicode, fewer
    return notes


def _faults(
    texts: list[str],
    unicode: "np.ndarray[Any, Any]",
    segments: "np.ndarray[Any, Any]",
    allowed: int,
) -> Iterator[tuple[int, Verdict]]:
    """Yield what is wrong with a text, and where."""
    for place, text in enumerate(texts):
        if not ((text.isascii() and text.strip()) or _shows(text)):
            yield place, _EMPTY
    suspects = np.flatnonzero(unicode).tolist()  # what no SMS can carry, GSM-7 cannot either
    for start in range(0, len(suspects), _TOGETHER):
        places = suspects[start : start + _TOGETHER]
        if not unsendable("".join(texts[place] for place in places)):
            continue
        for place in places:
            if bad := unsendable(texts[place]):
                note = f"it holds {quoted(bad)}, which no SMS can carry."
                yield place, Verdict(Problem.UNSENDABLE_TEXT, note=note)
    for place in np.flatnonzero(segments > allowed).tolist():
        verb = "is" if allowed == 1 else "are"
        note = f"{segments[place]} segments, and {allowed} {verb} allowed."
        yield place, Verdict(Problem.TOO_LONG, note=note)
