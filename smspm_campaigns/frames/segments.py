"""A text becomes encoding, segments, and the characters that forced Unicode (3GPP TS 23.038)."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from smspm_campaigns.frames.columns import check_argument, check_choice

Encoding = Literal["GSM-7", "UCS-2"]
Replace = Literal["typography", "accents"]

#: The default alphabet, one septet each (TS 23.038, 6.2.1), without the escape character.
GSM_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: The extension table, an escape and a septet each (TS 23.038, 6.2.1.1).
GSM_EXTENSION: Final = "\f^{}\\[~]|€"

GSM_SINGLE: Final = 160  # septets of a message that is one segment
GSM_PART: Final = 153  # septets of a segment among several: 6 octets go to the header
UCS2_SINGLE: Final = 70  # UTF-16 units of a message that is one segment
UCS2_PART: Final = 67  # UTF-16 units of a segment among several

_OUTSIDE_GSM: Final = re.compile(f"[^{re.escape(GSM_BASIC + GSM_EXTENSION)}]")
_EXTENDED: Final = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_UNSENDABLE: Final = re.compile("[\x00\x1b\ud800-\udfff]")

_TYPOGRAPHY: Final = {
    "`": "'", "´": "'", "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "‹": "'", "›": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"',
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
    "…": "...", "•": "*", "·": "*", "\t": " ", "\N{LINE SEPARATOR}": "\n",
    "\N{PARAGRAPH SEPARATOR}": "\n", "\N{ZERO WIDTH SPACE}": "", "\N{WORD JOINER}": "",
    "\N{ZERO WIDTH NO-BREAK SPACE}": "", "\N{SOFT HYPHEN}": "",
}  # fmt: skip

#: Letters that Unicode does not take apart.
_PLAIN_LETTERS: Final = {
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th",
    "ħ": "h", "Ħ": "H", "ı": "i", "œ": "oe", "Œ": "OE", "ŧ": "t", "Ŧ": "T", "ŋ": "n", "Ŋ": "N",
    "ẞ": "SS", "ĸ": "k",
}  # fmt: skip


class ForcedBy(NamedTuple):
    """A character that GSM-7 cannot carry, and its position in the text, from 0."""

    character: str
    position: int


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text takes. `units` are septets for GSM-7, UTF-16 code units for UCS-2."""

    encoding: Encoding
    units: int
    segments: int
    forced_by: tuple[ForcedBy, ...]


def count_segments(text: str) -> Segments:
    """Count the segments of a text, exactly as a network bills it.

    GSM-7 has room for 160 septets, or 153 in each of several segments; UCS-2 for 70 UTF-16 units,
    or 67. An escaped character (such as `€`) or a surrogate pair (an emoji) is never split.

    Returns:
        A frozen value: `encoding` (`"GSM-7"` or `"UCS-2"`), `units`, `segments` (0 for an empty
        text), and `forced_by`: the characters, with their positions, that force UCS-2.

    Raises:
        InvalidArgument: it is no text.

    Example:
        >>> count_segments("Only 5 € today")
        Segments(encoding='GSM-7', units=15, segments=1, forced_by=())
        >>> count_segments("It’s on").forced_by
        (ForcedBy(character='’', position=2),)
    """
    check_argument("text", text, "one text (str)", fits=isinstance(text, str))
    forced_by = tuple(ForcedBy(match[0], match.start()) for match in _OUTSIDE_GSM.finditer(text))
    if forced_by:
        units = len(text) + sum(character > "\uffff" for character in text)
        return Segments("UCS-2", units, _count(text, units, UCS2_SINGLE, UCS2_PART), forced_by)
    units = len(text) + len(_EXTENDED.findall(text))
    return Segments("GSM-7", units, _count(text, units, GSM_SINGLE, GSM_PART), ())


def _count(text: str, units: int, single: int, part: int) -> int:
    if units <= single:
        return min(units, 1)
    if units == len(text):  # nothing that could be split
        return -(-units // part)
    return sum(1 for _ in _cut(text, part))


def split_segments(text: str) -> list[str]:
    """Cut a text where the network cuts it; the parts put together are the text.

    Example:
        >>> [len(part) for part in split_segments("x" * 161)]
        [153, 8]
    """
    counted = count_segments(text)
    if counted.segments <= 1:
        return [text] * counted.segments
    return list(_cut(text, GSM_PART if counted.encoding == "GSM-7" else UCS2_PART))


def _cut(text: str, size: int) -> Iterator[str]:
    """Cut greedily, which makes the least number of parts."""
    width = _septets if size == GSM_PART else _utf16_units
    start = used = 0
    for position, character in enumerate(text):
        needed = width(character)
        if used + needed > size:
            yield text[start:position]
            start, used = position, 0
        used += needed
    yield text[start:]


def _septets(character: str) -> int:
    return 2 if character in GSM_EXTENSION else 1


def _utf16_units(character: str) -> int:
    return 2 if character > "\uffff" else 1


def unsendable(text: str) -> str:
    """Return the first character that no SMS can carry (NUL, escape, half a pair), or nothing."""
    found = _UNSENDABLE.search(text)
    return found[0] if found else ""


def replace_characters(text: str, replace: Replace | None) -> str:
    """Write characters outside GSM-7 by ones inside it, where there is a plain form.

    Args:
        text: any text. What GSM-7 can carry (ñ, ä, ß, €) stays as it is.
        replace: `"typography"`: curly quotes, dashes, ellipses, odd spaces. `"accents"`: these, and
            letters GSM-7 lacks. None: nothing.

    Example:
        >>> replace_characters("“Łódź”…", "accents")
        '"Lodz"...'
    """
    check_choice("replace", replace, "typography", "accents", None)
    if replace is None:
        return text
    return _OUTSIDE_GSM.sub(lambda match: _plain(match[0], accents=replace == "accents"), text)


def _plain(character: str, *, accents: bool) -> str:
    if character in _TYPOGRAPHY:
        return _TYPOGRAPHY[character]
    if unicodedata.category(character) == "Zs":
        return " "
    if not accents:
        return character
    if character in _PLAIN_LETTERS:
        return _PLAIN_LETTERS[character]
    base = unicodedata.normalize("NFD", character)[0]
    return character if _OUTSIDE_GSM.match(base) else base
