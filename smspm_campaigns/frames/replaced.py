"""What `replace=` did to a text: written as a note for a person, and read back for the sums.

The note of a row is `Replaced: ’ by ', … by ...; 1 segment instead of 2.` Characters that cannot be
seen, or that a note is made of, are written by their code (`U+00A0`), on both sides.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from smspm_campaigns.frames.problems import BETWEEN_NOTES
from smspm_campaigns.frames.segments import (
    OUTSIDE_GSM,
    Replace,
    replace_characters,
)
from smspm_campaigns.vocabulary import REPLACED

_LISTED: Final = 10  # characters named in the note of one text
_MORE: Final = "and others"
_BEGINNING: Final = f"{REPLACED}: "
_NOTE: Final = re.compile(
    r"(?P<changes>[^;]+); (?P<after>\d+) segments?(?: instead of (?P<before>\d+))?\."
)
_CHANGE: Final = re.compile(r"(?P<old>\S+) by (?P<new>\S+|a space|a line break)")

Change = tuple[str, str]  # a character and what it became, both as a note shows them


class Replacements(NamedTuple):
    """What the notes of many texts say together.

    `texts` are the texts that were changed, `saved` their segments less, `changes` in how many of
    these texts each character became what, the most frequent first.
    """

    texts: int
    saved: int
    changes: dict[Change, int]


def replaced_note(raw: str, text: str, before: int, after: int, replace: Replace | None) -> str:
    """Write the note on a text that an option changed; it belongs under the title `Replaced`.

    Args:
        raw: the text as the template gave it.
        text: the text as it will be sent.
        before: segments of `raw`.
        after: segments of `text`.
        replace: the option.

    Returns:
        One bounded line without the sign that stands between notes; nothing when nothing changed.

    Example:
        >>> replaced_note("It’s on…", "It's on...", 2, 1, "typography")
        "’ by ', … by ...; 1 segment instead of 2."
    """
    if raw == text:
        return ""
    return _note(tuple(dict.fromkeys(OUTSIDE_GSM.findall(raw))), before, after, replace)


@lru_cache(maxsize=4_096)
def _note(characters: tuple[str, ...], before: int, after: int, replace: Replace | None) -> str:
    changes = [change for char in characters if (change := _change(char, replace))]
    if len(changes) > _LISTED:
        changes[_LISTED:] = [_MORE]
    count = f"{after} segment{'s' * (after != 1)}"
    count += f" instead of {before}" if before != after else ""
    return f"{', '.join(changes)}; {count}."


@lru_cache(maxsize=4_096)
def _change(character: str, replace: Replace | None) -> str:
    plain = replace_characters(character, replace)
    return "" if plain == character else f"{shown(character)} by {_written(plain)}"


def _written(plain: str) -> str:
    names = {"": "nothing", " ": "a space", "\n": "a line break"}
    return names.get(plain) or "".join(map(shown, plain))


def shown(character: str) -> str:
    r"""Show a character as itself, or by its code when it is unseen or would break up a note.

    Example:
        >>> shown("’"), shown("\N{NO-BREAK SPACE}"), shown("·")
        ('’', 'U+00A0', 'U+00B7')
    """
    plain = character.isprintable() and not character.isspace() and character not in "·;,"
    return character if plain else f"U+{ord(character):04X}"


def read_replaced(details: Iterable[str]) -> Replacements:
    """Sum up the notes in cells of `sms_detail`. Notes that a person rewrote are left out.

    Example:
        >>> read_replaced(["Replaced: ’ by '; 1 segment instead of 2."] * 3)
        Replacements(texts=3, saved=3, changes={('’', "'"): 3})
    """
    notes = Counter(
        note.removeprefix(_BEGINNING)
        for cell in details
        if _BEGINNING in cell
        for note in cell.split(BETWEEN_NOTES)
        if note.startswith(_BEGINNING)
    )
    changes: Counter[Change] = Counter()
    texts = saved = 0
    for note, count in notes.items():
        if not (read := _NOTE.fullmatch(note)):
            continue
        texts += count
        after = int(read["after"])
        saved += count * (int(read["before"] or after) - after)
        for change in _changes(read["changes"]):
            changes[change] += count
    ranked = sorted(changes.items(), key=lambda item: (-item[1], item[0]))
    return Replacements(texts, saved, dict(ranked))


def _changes(listed: str) -> list[Change]:
    found = map(_CHANGE.fullmatch, listed.split(", "))
    return [(change["old"], change["new"]) for change in found if change]
