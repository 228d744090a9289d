"""How many SMS a text takes, by the standard alone."""

from functools import lru_cache

# 3GPP TS 23.038, 6.2.1 and 6.2.1.1
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # two septets each
_GSM_7 = _BASIC | _EXTENDED


@lru_cache(maxsize=4096)
def count_segments(text: str) -> int:
    """Return how many SMS a text takes; no pair of units is torn apart between two."""
    if _GSM_7.issuperset(text):
        single, part = 160, 153
        widths = [2 if character in _EXTENDED else 1 for character in text]
    else:
        single, part = 70, 67
        widths = [2 if character > "\uffff" else 1 for character in text]
    if sum(widths) <= single:
        return 1
    segments, free = 1, part
    for width in widths:
        if width > free:
            segments, free = segments + 1, part
        free -= width
    return segments
