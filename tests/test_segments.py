"""Segments, exactly as a network bills them; held against the alphabet written again here."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.segments import (
    ForcedBy,
    Segments,
    count_segments,
    measure_texts,
    replace_characters,
    split_segments,
    unsendable,
)

# 3GPP TS 23.038, 6.2.1, as the standard prints it: by columns of sixteen, from 0x00 to 0x7F.
# 0x1B, the escape to the extension table, is left out.
DEFAULT_ALPHABET = {
    0x00: "@£$¥èéùìòÇ\nØø\rÅå",
    0x10: "Δ_ΦΓΛΩΠΨΣΘΞ",
    0x1C: "ÆæßÉ",
    0x20: " !\"#¤%&'()*+,-./",
    0x30: "0123456789:;<=>?",
    0x40: "¡ABCDEFGHIJKLMNO",
    0x50: "PQRSTUVWXYZÄÖÑÜ§",
    0x60: "¿abcdefghijklmno",
    0x70: "pqrstuvwxyzäöñüà",
}
# 3GPP TS 23.038, 6.2.1.1: what stands behind the escape.
EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
ONE_SEPTET = set("".join(DEFAULT_ALPHABET.values()))
TWO_SEPTETS = set(EXTENSION.values())

GSM_TEXTS = st.text(st.sampled_from(sorted(ONE_SEPTET | TWO_SEPTETS)), max_size=500)
#: Long texts near the borders, rich in characters that must not be split.
DENSE = st.lists(st.sampled_from(["a", "€", "[", "aaaaaaa", "a" * 75, "€" * 37]), max_size=12).map(
    "".join
)
UNICODE = st.lists(
    st.sampled_from(["ж", "😀", "a", "ж" * 33, "😀" * 33, "👨‍👩‍👧"]), max_size=8
).map(lambda parts: "ж" + "".join(parts))
ANY = st.one_of(GSM_TEXTS, DENSE, UNICODE, st.text(max_size=200))


def septets(character: str) -> int | None:
    """Septets of a character, None when GSM-7 cannot carry it."""
    return 1 if character in ONE_SEPTET else 2 if character in TWO_SEPTETS else None


def utf16_units(character: str) -> int:
    return len(character.encode("utf-16-le", "surrogatepass")) // 2


def widths(text: str) -> tuple[str, list[int], int, int]:
    """Encoding, the units of each character, and what one message and one part hold."""
    narrow = [septets(character) for character in text]
    if None in narrow:
        return "UCS-2", [utf16_units(character) for character in text], 70, 67
    return "GSM-7", [width for width in narrow if width is not None], 160, 153


def least_parts(units: list[int], size: int) -> int:
    """The least number of parts by trying every cut: dynamic programming, not greed."""
    best = [0, *[len(units)] * len(units)]
    for end in range(1, len(units) + 1):
        room, start = size, end
        while start and units[start - 1] <= room:
            start -= 1
            room -= units[start]
            best[end] = min(best[end], best[start] + 1)
    return best[-1]


def test_alphabet_is_that_of_the_standard() -> None:
    """Of all characters, exactly the 127 and 10 of the standard are carried, with their septets."""
    assert sum(map(len, DEFAULT_ALPHABET.values())) == len(ONE_SEPTET) == 127
    assert len(TWO_SEPTETS) == 10
    for number in (*range(0xD800), *range(0xE000, 0x11000), 0x1F600):
        character = chr(number)
        counted = count_segments(character)
        width = septets(character)
        if width is None:
            forced_by = (ForcedBy(character, 0),)
            assert counted == Segments("UCS-2", utf16_units(character), 1, forced_by)
        else:
            assert counted == Segments("GSM-7", width, 1, ())


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a", "GSM-7", 1, 1),
        ("a" * 159, "GSM-7", 159, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),  # now each part has a header, and room for 153
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("a" * 158 + "€", "GSM-7", 160, 1),
        ("a" * 159 + "€", "GSM-7", 161, 2),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("]" * 153, "GSM-7", 306, 3),  # 76 in each: an escape pair is never split
        ("]" * 152, "GSM-7", 304, 2),
        ("a" * 151 + "€" + "a" * 153, "GSM-7", 306, 2),  # ends on the border
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 305, 2),  # hops over it, and the rest just fits
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),  # the septet lost at the border is missed
        ("a" * 153 + "€" + "a" * 151, "GSM-7", 306, 2),
        ("a" * 305 + "€", "GSM-7", 307, 3),
        ("ж" * 69, "UCS-2", 69, 1),
        ("ж" * 70, "UCS-2", 70, 1),
        ("ж" * 71, "UCS-2", 71, 2),
        ("ж" * 134, "UCS-2", 134, 2),
        ("ж" * 135, "UCS-2", 135, 3),
        ("ж" * 68 + "😀", "UCS-2", 70, 1),
        ("ж" * 69 + "😀", "UCS-2", 71, 2),
        ("ж" * 66 + "😀" + "ж" * 66, "UCS-2", 134, 3),  # an emoji hops over the border
        ("ж" * 65 + "😀" + "ж" * 67, "UCS-2", 134, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 67, "UCS-2", 134, 3),  # 33 in each
        ("a" * 70 + "ç", "UCS-2", 71, 2),  # the small cedilla is not in the alphabet
        ("a" * 70 + "Ç", "GSM-7", 71, 1),  # the large one is
        ("a\N{NO-BREAK SPACE}b", "UCS-2", 3, 1),
        ("a\tb", "UCS-2", 3, 1),  # a tab is not in the alphabet
        ("a\nb\rc", "GSM-7", 5, 1),
        ("a\fb", "GSM-7", 4, 1),
        ("`", "UCS-2", 1, 1),  # the one printable ASCII character outside
        ("\x1b", "UCS-2", 1, 1),  # the escape itself is no character
        ("👨‍👩‍👧", "UCS-2", 8, 1),  # three emoji and two joiners
        ("👨‍👩‍👧" * 9, "UCS-2", 72, 2),
        ("e\N{COMBINING ACUTE ACCENT}", "UCS-2", 2, 1),
        ("é", "GSM-7", 1, 1),
    ],
)
def test_boundaries(text: str, encoding: str, units: int, segments: int) -> None:
    """160 and 153 septets, 70 and 67 UTF-16 units, and nothing is split that belongs together."""
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)


@given(ANY)
@example("]" * 153)
@example("a" * 152 + "€" + "a" * 152)
@example("😀" * 67)
def test_count_is_the_least_possible(text: str) -> None:
    """Encoding, units and segments are those of an independent reading of the standard."""
    encoding, units, single, part = widths(text)
    total = sum(units)
    expected = min(total, 1) if total <= single else least_parts(units, part)
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, total, expected)


def measured(texts: list[str]) -> list[tuple[str, int]]:
    unicode, segments = measure_texts(texts)
    names = ["UCS-2" if is_unicode else "GSM-7" for is_unicode in unicode.tolist()]
    return list(zip(names, segments.tolist(), strict=True))


def counted(texts: list[str]) -> list[tuple[str, int]]:
    each = [count_segments(text) for text in texts]
    return [(count.encoding, count.segments) for count in each]


@given(st.lists(st.one_of(ANY, st.text("a€]\ud83d\ude00😀ж`\x1b", max_size=170)), max_size=20))
@example(["", "a", "", "ж", ""])
@example(["a\ud83d", "\ude00b"])  # half a pair at the end of one text, half at the start of another
@example(["]" * 153, "a" * 152 + "€" + "a" * 152, "ж" * 66 + "😀" + "ж" * 66])
def test_many_texts_are_measured_as_each_is_counted(texts: list[str]) -> None:
    """Encoding and segments of a list are those that count_segments gives one by one."""
    assert measured(texts) == counted(texts)


def test_texts_beyond_those_counted_at_once_are_measured() -> None:
    """Thousands of texts, more than are looked at together, keep their places."""
    texts = [
        f"{'a' * (place % 400)}{'€' * (place % 7)}{'ж' * (place % 3)}" for place in range(5_001)
    ]
    assert measured(texts) == counted(texts)
    unicode, segments = measure_texts([])
    assert (unicode.dtype, segments.dtype, len(unicode), len(segments)) == (bool, "int64", 0, 0)


@given(ANY)
@example("ж" * 66 + "😀" + "ж" * 66)
@example("a" * 152 + "€" + "a" * 152)
def test_segments_put_together_are_the_text(text: str) -> None:
    """The parts give the text, are as many as counted, and none exceeds its size."""
    parts = split_segments(text)
    _, _, single, part = widths(text)
    width = (lambda c: septets(c) or 0) if count_segments(text).encoding == "GSM-7" else utf16_units
    assert "".join(parts) == text
    assert len(parts) == count_segments(text).segments
    assert all(
        0 < sum(map(width, piece)) <= (single if len(parts) == 1 else part) for piece in parts
    )


@given(ANY)
def test_forced_by_lists_each_character_that_forces_unicode(text: str) -> None:
    """Every character outside the alphabet is listed with its position, and no other."""
    outside = [
        ForcedBy(character, position)
        for position, character in enumerate(text)
        if septets(character) is None
    ]
    counted = count_segments(text)
    assert list(counted.forced_by) == outside
    assert (counted.encoding == "UCS-2") == bool(outside)


def test_forced_by_counts_an_emoji_as_one_character() -> None:
    """Positions are those of Python's text."""
    assert count_segments("a😀b’c").forced_by == (ForcedBy("😀", 1), ForcedBy("’", 3))


def test_count_is_frozen() -> None:
    """A count cannot be changed after the fact."""
    with pytest.raises(AttributeError):
        count_segments("a").segments = 0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Hi", ""),
        ("a\x00b", "\x00"),
        ("a\x1b[31m", "\x1b"),
        ("a\ud83d", "\ud83d"),  # half an emoji
        ("a\ude00b", "\ude00"),
        ("😀 € \t \r\n", ""),
    ],
)
def test_what_no_sms_can_carry_is_found(text: str, first: str) -> None:
    """NUL, the escape and half a surrogate pair are unsendable; everything else goes."""
    assert unsendable(text) == first


@pytest.mark.parametrize(
    ("text", "typography", "accents"),
    [
        ("“Hi” ‘you’ „da“ «si»", '"Hi" \'you\' "da" "si"', '"Hi" \'you\' "da" "si"'),
        ("It`s, it´s, it’s 5′", "It's, it's, it's 5'", "It's, it's, it's 5'"),
        ("a–b—c−d‑e", "a-b-c-d-e", "a-b-c-d-e"),
        ("more…", "more...", "more..."),
        ("a\N{NO-BREAK SPACE}b\N{NARROW NO-BREAK SPACE}c\td", "a b c d", "a b c d"),
        ("a\N{ZERO WIDTH SPACE}b\N{SOFT HYPHEN}c\ufeff", "abc", "abc"),
        ("one\N{LINE SEPARATOR}two", "one\ntwo", "one\ntwo"),
        ("• one", "* one", "* one"),
        ("ñ ä ß € é Ç {~}", "ñ ä ß € é Ç {~}", "ñ ä ß € é Ç {~}"),  # GSM-7 has them
        ("Łódź, Jiří, Đorđe", "Łódź, Jiří, Đorđe", "Lodz, Jiri, Dorde"),
        ("ç õ š ž ê ï", "ç õ š ž ê ï", "c o s z e i"),
        ("œuvre İstanbul ẞ þ", "œuvre İstanbul ẞ þ", "oeuvre Istanbul SS th"),
        ("Ǿ ǽ ǟ", "Ǿ ǽ ǟ", "Ø æ a"),  # the base is in GSM-7, though it is not ASCII
        ("Ukraїnska кyʼя, Hawaiʻi", "Ukraїnska кy'я, Hawai'i", "Ukraїnska кy'я, Hawai'i"),
        ("𝐁𝐨𝐥𝐝 𝓒𝓾𝓻𝓵𝔂 Ｗｉｄｅ", "𝐁𝐨𝐥𝐝 𝓒𝓾𝓻𝓵𝔂 Ｗｉｄｅ", "Bold Curly Wide"),  # letters in fancy dress
        ("ﬁne ŉ", "ﬁne ŉ", "fine ŉ"),  # a ligature comes apart; half of the other has no form
        ("½ ² ™ №", "½ ² ™ №", "½ ² ™ №"),  # no letters: plain, they would say something else
        ("ệ ǡ", "ệ ǡ", "e a"),  # two marks
        ("\u1fef", "\u1fef", "\u1fef"),  # its base is the grave accent, which GSM-7 lacks
        ("Жанна 李 😀", "Жанна 李 😀", "Жанна 李 😀"),  # has no plain form
        ("", "", ""),
    ],
)
def test_characters_get_a_plain_form(text: str, typography: str, accents: str) -> None:
    """Typography and accents become plain where there is a plain form, and nothing else changes."""
    assert replace_characters(text, None) == text
    assert replace_characters(text, "typography") == typography
    assert replace_characters(text, "accents") == accents


@given(ANY, st.sampled_from(["typography", "accents"]))
def test_replacing_never_touches_what_gsm_carries(text: str, replace: str) -> None:
    """Character by character: inside GSM-7 it stays; outside it becomes GSM-7 or stays."""
    expected = []
    for character in text:
        plain = replace_characters(character, replace)  # type: ignore[arg-type]
        if septets(character) is not None:
            assert plain == character
        else:
            assert plain == character or all(septets(one) for one in plain)
        expected.append(plain)
    replaced = replace_characters(text, replace)  # type: ignore[arg-type]
    assert replaced == "".join(expected)
    assert replace_characters(replaced, replace) == replaced  # type: ignore[arg-type]


def test_every_character_is_replaced_by_gsm_or_kept() -> None:
    """Over all of the basic plane: no replacement is itself outside GSM-7."""
    for number in (*range(0xD800), *range(0xE000, 0x10000)):
        for replaced in (
            replace_characters(chr(number), "typography"),
            replace_characters(chr(number), "accents"),
        ):
            assert replaced == chr(number) or all(septets(one) for one in replaced)


def test_replace_is_one_of_two_words() -> None:
    """Another word is refused with those there are."""
    with pytest.raises(
        InvalidArgument, match="replace is 'typography', 'accents' or None, not True"
    ):
        replace_characters("a", True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "came"), [(None, "None"), (5, "5"), (["Hi"], "a value of type list")]
)
def test_only_a_text_is_counted(text: Any, came: str) -> None:
    """What is no text is refused with a sentence."""
    with pytest.raises(InvalidArgument) as raised:
        count_segments(text)
    assert str(raised.value) == f"text is one text (str), not {came}."


@pytest.mark.parametrize("replace", [5, ["accents"], "all"])
def test_replace_is_one_of_its_words(replace: Any) -> None:
    """Another word or type is refused with the words there are."""
    with pytest.raises(InvalidArgument, match=r"^replace is 'typography', 'accents' or None, not "):
        replace_characters("Hi", replace)
