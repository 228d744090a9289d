"""Which column a placeholder of a template means, and which placeholders made the texts of a frame.

A frame of messages remembers them, and the letters of the template that force Unicode (in `attrs`,
as one JSON text), so that a preview can say which placeholder makes each text its own, and where a
letter comes from. A frame that came back from a file remembers nothing: there, those columns count
whose cells stand in the texts.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

import pandas as pd

from smspm_campaigns.exceptions import ColumnNotFound
from smspm_campaigns.frames.cells import as_text, is_blank, told
from smspm_campaigns.frames.columns import nearest, texts_of
from smspm_campaigns.frames.segments import count_segments
from smspm_campaigns.vocabulary import (
    COLUMNS,
    COST,
    DETAIL,
    ENCODING,
    PROBLEM,
    PROBLEMS,
    SEGMENTS,
    TEXT,
)

_REMEMBERED: Final = "sms_template"  # key in `attrs`
_PROBED: Final = 200  # rows looked into for columns whose cells stand in the texts

#: Columns of ours that a text cannot show, since they are made of it.
_NOT_FILLED_IN: Final = (TEXT, ENCODING, SEGMENTS, COST, PROBLEM, PROBLEMS, DETAIL)


def identifier(name: object) -> str:
    """Write a column's name as a placeholder may: lower case, `_` for spaces and signs.

    Example:
        >>> identifier("First Name"), identifier("2nd  name")
        ('first_name', '_2nd_name')
    """
    words = re.sub(r"\W+", "_", unicodedata.normalize("NFC", str(name))).strip("_").lower()
    return f"_{words}" if words[:1].isdigit() else words


def find_placeholders(frame: pd.DataFrame, names: Iterable[str]) -> dict[str, int]:
    """Return the position of the column that each placeholder means, by name or identifier form.

    Raises:
        ColumnNotFound: no column is meant, and the nearest is named; or two are, and both are.
    """
    forms = {
        place: (unicodedata.normalize("NFC", str(column)), identifier(column))
        for place, column in enumerate(frame.columns)
        if column not in _NOT_FILLED_IN
    }
    return {name: _find(name, frame, forms) for name in names}


def _find(name: str, frame: pd.DataFrame, forms: dict[int, tuple[str, str]]) -> int:
    if name in _NOT_FILLED_IN:
        raise ColumnNotFound(f"{{{{ {name} }}}} is made by the template, and cannot stand in it.")
    name = unicodedata.normalize("NFC", name)
    places = [place for place, known in forms.items() if name in known]
    if len(places) == 1:
        return places[0]
    if places:
        both = " and ".join(told(str(frame.columns[place])) for place in places)
        raise ColumnNotFound(f"{{{{ {name} }}}} could be any of {both}. Rename one of them.")
    hint = nearest(name, [form for _, form in forms.values()])
    raise ColumnNotFound(f"The template asks for {{{{ {name} }}}}, which no column has. {hint}")


class Origin(NamedTuple):
    """What made the texts of a frame.

    `placeholders` are those that the template prints, with the positions of their columns; one
    whose column was dropped or renamed since is left out. `literals` are the characters outside
    GSM-7 of the template itself, None where nothing is remembered.
    """

    placeholders: dict[str, int]
    literals: str | None


def remember_origin(frame: pd.DataFrame, names: Iterable[str], literals: str) -> pd.DataFrame:
    """Let a frame remember what made its texts: placeholders, and the template's own letters."""
    frame = frame.copy(deep=False)
    composed = unicodedata.normalize("NFC", literals)
    forcing = {found.character for found in count_segments(composed).forced_by}
    remembered = {"placeholders": sorted(names), "literals": "".join(sorted(forcing))}
    frame.attrs[_REMEMBERED] = json.dumps(remembered)
    return frame


def origin_of(frame: pd.DataFrame) -> Origin:
    """Return what made the texts of a frame, guessed where nothing is remembered."""
    if _REMEMBERED not in frame.attrs:
        return Origin(_guessed(frame), None)
    remembered = json.loads(frame.attrs[_REMEMBERED])
    found: dict[str, int] = {}
    for name in remembered["placeholders"]:
        try:
            found |= find_placeholders(frame, [name])
        except ColumnNotFound:
            continue
    return Origin(found, remembered["literals"])


def _guessed(frame: pd.DataFrame) -> dict[str, int]:
    """Return the columns of which each cell of the first rows stands in the text of its row."""
    probed = frame.head(_PROBED)
    texts = texts_of(probed, TEXT)
    found: dict[str, int] = {}
    for place, name in enumerate(probed.columns):
        if name in COLUMNS:
            continue
        cells = [as_text(cell) for cell in probed.iloc[:, place].tolist()]
        if any(texts) and all(
            not is_blank(cell) and cell in text
            for cell, text in zip(cells, texts, strict=True)
            if text
        ):
            found[identifier(name)] = place
    return found
