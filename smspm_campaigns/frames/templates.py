"""A Jinja template x rows becomes texts."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from numbers import Integral
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from jinja2 import (
    Template,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
    meta,
    nodes,
)
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from smspm_campaigns.exceptions import TemplateInvalid
from smspm_campaigns.frames.cells import is_blank, quoted
from smspm_campaigns.frames.columns import check_argument, check_frame, text_array, with_columns
from smspm_campaigns.frames.placeholders import find_placeholders, remember_placeholders
from smspm_campaigns.frames.problems import NOTHING, Verdict, record
from smspm_campaigns.frames.segments import Replace, count_segments, replace_characters, unsendable
from smspm_campaigns.vocabulary import ENCODING, SEGMENTS, TEXT, Problem

_OWNED: Final = (
    Problem.MISSING_VALUE,
    Problem.TEMPLATE_ERROR,
    Problem.EMPTY_TEXT,
    Problem.UNSENDABLE_TEXT,
    Problem.TOO_LONG,
)

#: Filters a text needs. Those of Jinja that draw lots, build markup or reach into objects are out.
_FILTERS: Final = (
    "abs", "capitalize", "d", "default", "first", "float", "int", "join", "last", "length",
    "list", "lower", "max", "min", "replace", "reverse", "round", "select", "sort", "string",
    "title", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip

_FILE_NAME: Final = re.compile(r"[^{}\n]+\.(?:txt|j2|jinja2?|tmpl|tpl)|[^{}\s]+\.md", re.IGNORECASE)
_JINJAS_OWN: Final = "self"  # never filled in: Jinja puts the template there
_MIDNIGHT: Final = dt.time()


def render_messages(
    frame: pd.DataFrame,
    template: str | Path,
    *,
    replace: Replace | None = None,
    max_segments: int | None = None,
) -> pd.DataFrame:
    """Fill a Jinja template for each row.

    Args:
        frame: any frame; a placeholder is the name of a column, or its identifier form:
            `First Name` is `{{ first_name }}`.
        template: the text itself, or a `pathlib.Path` to a UTF-8 file.
        replace: `"typography"` or `"accents"` writes characters outside GSM-7 by plain ones.
        max_segments: the most segments a text may have.

    Returns:
        The frame with `sms_text` (str), `sms_encoding` (`"GSM-7"` or `"UCS-2"`) and `sms_segments`
        (Int64). A blank cell has no value: printing it makes the row a `missing_value`, while
        `default("friend")` and `{% if … %}` treat it as absent.

    Raises:
        TemplateInvalid: the template does not parse, or is a file name given as text.
        ColumnNotFound: a placeholder that no column has; the nearest one is named.

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
    compiled, places = _compile(_source(template), frame)
    texts = [
        _judge(_render(compiled, values), replace, max_segments)
        for values in _values(frame, places)
    ]
    frame = with_columns(
        frame,
        **{
            TEXT: text_array(text.text for text in texts),
            ENCODING: text_array(text.encoding for text in texts),
            SEGMENTS: pd.array([text.segments for text in texts], dtype="Int64"),
        },
    )
    verdicts = {place: text.verdict for place, text in enumerate(texts) if text.verdict}
    return record(remember_placeholders(frame, places), verdicts, owned=_OWNED)


class _Text(NamedTuple):
    text: str | None
    encoding: str | None
    segments: int | None
    verdict: Verdict


class _ValueMissing(UndefinedError):
    """A placeholder whose cell is blank was printed. The message is its name."""


class _Blank(Undefined):
    """A blank cell: absent for `default` and `if`, an error when it is printed."""

    def __init__(
        self, hint: str | None = None, obj: Any = missing, *more: Any, **named: Any
    ) -> None:
        super().__init__(hint, obj, *more, **named)
        if obj is missing:
            self._undefined_exception = _ValueMissing

    @property
    def _undefined_message(self) -> str:
        if self._undefined_exception is _ValueMissing:
            return str(self._undefined_name)
        return super()._undefined_message

    __str__ = __repr__ = __iter__ = __len__ = __abs__ = __round__ = (
        Undefined._fail_with_undefined_error  # noqa: SLF001 - as Jinja's own subclasses do
    )


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=_Blank, finalize=_printed)
    environment.globals.clear()
    environment.filters = {name: FILTERS[name] for name in _FILTERS}
    return environment


def _source(template: str | Path) -> str:
    if isinstance(template, Path):
        try:
            return template.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise TemplateInvalid(f"The template file {template} does not exist.") from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise TemplateInvalid(
                f"Line {line} of the template file {template} is not in UTF-8, and nothing was "
                "guessed. Save the file again with the encoding UTF-8."
            ) from None
        except OSError as error:
            raise TemplateInvalid(
                f"The template file {template} cannot be read: {error.strerror}."
            ) from None
    if not isinstance(template, str):
        raise TemplateInvalid(
            f"A template is a text or a pathlib.Path to a file, not {type(template).__name__}."
        )
    if _FILE_NAME.fullmatch(template.strip()):
        raise TemplateInvalid(
            f"{template!r} looks like a file name, and as a text it would be sent as it stands. "
            f"For the file, pass pathlib.Path({template!r})."
        )
    return template


def _compile(source: str, frame: pd.DataFrame) -> tuple[Template, dict[str, int]]:
    """Parse a template, and find the column of each of its placeholders before any row is read."""
    environment = _environment()
    try:
        parsed = environment.parse(source)
        names = meta.find_undeclared_variables(parsed)
        compiled = environment.from_string(source)
    except TemplateSyntaxError as error:
        why = str(error.message).rstrip(".")
        raise TemplateInvalid(f"The template does not parse: line {error.lineno}: {why}.") from None
    except TemplateError as error:
        raise TemplateInvalid(f"The template cannot be used: {error}.") from None
    except RecursionError:
        raise TemplateInvalid("The template does not parse: it is nested too deep.") from None
    if any(True for _ in meta.find_referenced_templates(parsed)):
        raise TemplateInvalid("A template stands alone: it cannot include or extend another one.")
    if any(name.name == _JINJAS_OWN for name in parsed.find_all(nodes.Name)):
        raise TemplateInvalid(
            f"{{{{ {_JINJAS_OWN} }}}} means the template itself. If it is a column, rename it."
        )
    return compiled, find_placeholders(frame, sorted(names))


def _values(frame: pd.DataFrame, places: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield the values of each row by placeholder; blank cells are left out."""
    columns = [frame.iloc[:, place].tolist() for place in places.values()]
    rows = zip(*columns, strict=True) if columns else iter([()] * len(frame))
    for row in rows:
        yield {
            name: _plain(value)
            for name, value in zip(places, row, strict=True)
            if not is_blank(value)
        }


def _plain(value: Any) -> Any:
    """Make a value plain: nothing with methods that write, no `12.0`, no midnight."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float | Decimal):
        return int(value) if math.isfinite(value) and value == int(value) else value
    if isinstance(value, dt.datetime):
        return (
            value.date()
            if value.time() == _MIDNIGHT
            else dt.datetime.fromisoformat(value.isoformat())
        )
    if isinstance(value, bool | int | dt.date | dt.time):
        return value
    return str(value)


def _printed(value: Any) -> Any:
    """Prepare what an expression gave for the text; a text never holds Python's own words."""
    if isinstance(value, str | Undefined):
        return value
    if isinstance(value, bool | int | float | Decimal | dt.date | dt.time):
        return _plain(value)
    raise TypeError(f"an expression gave a {type(value).__name__}, not a text or number")


def _render(compiled: Template, values: dict[str, Any]) -> str | Verdict:
    try:
        return compiled.render(values)
    except _ValueMissing as error:
        return Verdict(Problem.MISSING_VALUE, note=f"the cell for {{{{ {error} }}}} is blank.")
    except Exception as error:  # noqa: BLE001 - whatever a template does to one row stays in that row
        return Verdict(
            Problem.TEMPLATE_ERROR, note=f"{type(error).__name__}: {quoted(str(error))}."
        )


def _judge(rendered: str | Verdict, replace: Replace | None, max_segments: int | None) -> _Text:
    if isinstance(rendered, Verdict):
        return _Text(None, None, None, rendered)
    text = replace_characters(unicodedata.normalize("NFC", rendered), replace)
    if not text.strip():
        return _Text(
            None, None, None, Verdict(Problem.EMPTY_TEXT, note="there is nothing to send.")
        )
    if bad := unsendable(text):
        note = f"it holds {quoted(bad)}, which no SMS can carry."
        return _Text(None, None, None, Verdict(Problem.UNSENDABLE_TEXT, note=note))
    counted = count_segments(text)
    verdict = NOTHING
    if max_segments is not None and counted.segments > max_segments:
        note = f"{counted.segments} segments, and {max_segments} are allowed."
        verdict = Verdict(Problem.TOO_LONG, note=note)
    return _Text(text, counted.encoding, counted.segments, verdict)
