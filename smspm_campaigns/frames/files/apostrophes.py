"""An apostrophe before what a spreadsheet would run, and its way back: the pair loses nothing."""

import re
from typing import Final

_SIGNS: Final = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"  # cells that run begin so, full-width forms too

#: Some spreadsheets skip blanks and quotes. Apostrophes that stand there count, so that each text
#: has one way back.
_RUNS: Final = re.compile(rf"'*(?:[\t\r\n]|[\s\"]*{_SIGNS})")
#: What ends a cell or a line somewhere in the world, before what would then run. A quote and
#: blanks at the beginning of a cell may not count.
_RUNS_INSIDE: Final = re.compile(rf"([;\t\r\n])(?='*[ \"]*{_SIGNS})")
_PUT_INSIDE: Final = re.compile(rf"([;\t\r\n])'(?='*[ \"]*{_SIGNS})")
_HARMLESS: Final = re.compile(
    r" *(?:\+[\d\s().\-]+|-\d+(?:[.,]\d+)?)"
)  # phone and negative numbers


def put(text: str) -> str:
    """Put an apostrophe before whatever in a cell a spreadsheet would run.

    Example:
        >>> put("=1+1;@A1"), put("'=1"), put("+49 171 3920012")
        ("'=1+1;'@A1", "''=1", '+49 171 3920012')
    """
    return ("'" if _runs(text) else "") + _RUNS_INSIDE.sub(r"\1'", text)


def take(text: str) -> str:
    """Take away the apostrophes that `put` put: `take(put(text)) == text`.

    Example:
        >>> take("'=1+1;'@A1"), take("''=1"), take("'tis")
        ('=1+1;@A1', "'=1", "'tis")
    """
    text = _PUT_INSIDE.sub(r"\1", text)
    return text[1:] if text.startswith("'") and _runs(text[1:]) else text


def _runs(text: str) -> bool:
    return bool(_RUNS.match(text)) and not _HARMLESS.fullmatch(text)
