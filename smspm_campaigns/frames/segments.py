"""A text becomes encoding, segments, and the characters that forced Unicode (3GPP TS 23.038)."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import numpy as np

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
MAX_SEGMENTS: Final = 255  # of one message: an octet counts them, TS 23.040, 9.2.3.24.1

OUTSIDE_GSM: Final = re.compile(f"[^{re.escape(GSM_BASIC + GSM_EXTENSION)}]")
_EXTENDED: Final = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")  # two UTF-16 units each
_UNSENDABLE: Final = re.compile("[\x00\x1b\ud800-\udfff]")

#: Septets by UTF-16 unit; 0 for what GSM-7 lacks.
_SEPTETS: Final = np.zeros(0x10000, dtype=np.uint8)
_SEPTETS[list(map(ord, GSM_BASIC))] = 1
_SEPTETS[list(map(ord, GSM_EXTENSION))] = 2
_LATIN_1_SEPTETS: Final = _SEPTETS[:0x100].tobytes()  # a table for bytes.translate, which is quick
_TOGETHER: Final = 2_000  # texts counted at once: their arrays stay in the processor's cache

_TYPOGRAPHY: Final = {
    "`": "'", "´": "'", "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "‹": "'", "›": "'",
    "ʼ": "'", "ʻ": "'", "ʹ": "'", "＇": "'", "＂": '"', "ʺ": '"',
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
    forced_by = tuple(ForcedBy(match[0], match.start()) for match in OUTSIDE_GSM.finditer(text))
    encoding: Encoding = "UCS-2" if forced_by else "GSM-7"
    rule = _RULES[encoding]
    units = len(text) + len(rule.pairs.findall(text))
    segments = min(units, 1) if units <= rule.single else len(_borders(text, units, rule)) + 1
    return Segments(encoding, units, segments, forced_by)


class _Rule(NamedTuple):
    """How many units a segment holds, and which characters are pairs of units, never split."""

    single: int
    part: int
    pairs: re.Pattern[str]


_RULES: Final[dict[Encoding, _Rule]] = {
    "GSM-7": _Rule(GSM_SINGLE, GSM_PART, _EXTENDED),
    "UCS-2": _Rule(UCS2_SINGLE, UCS2_PART, _ASTRAL),
}


def _borders(text: str, units: int, rule: _Rule) -> list[int]:
    """Return where each segment but the first begins. Full segments make the least number."""
    leaders = [match.start() + pair for pair, match in enumerate(rule.pairs.finditer(text))]
    borders: list[int] = []
    end = rule.part
    while end < units:
        pairs = bisect_left(leaders, end)  # those that begin before the border
        if pairs and leaders[pairs - 1] == end - 1:
            end, pairs = end - 1, pairs - 1
        borders.append(end - pairs)
        end += rule.part
    return borders


def split_segments(text: str) -> list[str]:
    """Cut a text where the network cuts it; the parts put together are the text.

    Example:
        >>> [len(part) for part in split_segments("x" * 161)]
        [153, 8]
    """
    counted = count_segments(text)
    if counted.segments <= 1:
        return [text] * counted.segments
    borders = _borders(text, counted.units, _RULES[counted.encoding])
    return [text[start:end] for start, end in zip([0, *borders], [*borders, None], strict=True)]


def measure_texts(texts: Sequence[str]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Count many texts as `count_segments` counts one, in a tenth of the time.

    Returns:
        Whether each is in UCS-2 (bool), and its segments (int64).

    Example:
        >>> measure_texts(["Hi", "Привет", "x" * 161])
        (array([False,  True, False]), array([1, 1, 2]))
    """
    parts = [
        _measure(texts[start : start + _TOGETHER]) for start in range(0, len(texts), _TOGETHER)
    ]
    unicode, segments = zip(*parts, strict=True) if parts else ([[]], [[]])
    return np.concatenate(unicode).astype(bool), np.concatenate(segments).astype(np.int64)


def _measure(texts: Sequence[str]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    joined = "".join(texts)
    codes = np.frombuffer(joined.encode("utf-16-le", "surrogatepass"), dtype="<u2")
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    units = lengths
    if len(codes) != len(joined):  # there are surrogate pairs
        units = lengths + np.array(
            [0 if text.isascii() else len(_ASTRAL.findall(text)) for text in texts]
        )
    septets, unicode = _septets(codes, units)
    units = np.where(unicode, units, septets)
    part = np.where(unicode, UCS2_PART, GSM_PART)
    segments = -(-units // part)
    segments[units <= np.where(unicode, UCS2_SINGLE, GSM_SINGLE)] = 1
    segments[units == 0] = 0
    # A border before a pair leaves one unit empty. Where that could make one segment more, cut.
    unsure = (segments > 1) & (units != lengths) & (units + segments - 1 > segments * part)
    for place in np.flatnonzero(unsure).tolist():
        segments[place] = count_segments(texts[place]).segments
    return unicode, segments


def _septets(
    codes: "np.ndarray[Any, Any]", units: "np.ndarray[Any, Any]"
) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Sum the septets of texts that stand one after another; tell which GSM-7 cannot carry."""
    low = codes.astype(np.uint8).tobytes()
    widths = np.frombuffer(bytearray(low.translate(_LATIN_1_SEPTETS)), dtype=np.uint8)
    beyond = np.flatnonzero(codes > 0xFF)
    widths[beyond] = _SEPTETS[codes[beyond]]
    sums = np.zeros(len(units), dtype=np.int64)
    unicode = np.zeros(len(units), dtype=bool)
    filled = units > 0
    starts = (units.cumsum() - units)[filled]
    if len(starts):
        sums[filled] = np.add.reduceat(widths, starts, dtype=np.uint32)
        if not widths.all():
            unicode[filled] = np.minimum.reduceat(widths, starts) == 0
    return sums, unicode


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
    return OUTSIDE_GSM.sub(lambda match: _plain(match[0], accents=replace == "accents"), text)


@lru_cache(maxsize=4_096)
def _plain(character: str, *, accents: bool) -> str:
    if character in _TYPOGRAPHY:
        return _TYPOGRAPHY[character]
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if not accents or category[0] != "L":
        return character
    if character in _PLAIN_LETTERS:
        return _PLAIN_LETTERS[character]
    bare = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    plain = "".join(bare)
    return character if OUTSIDE_GSM.search(plain) else plain
