"""How a number or a secret may be shown."""

import json
import re
from typing import Final
from urllib.parse import quote, quote_plus

_SHORTEST_STRUCK: Final = 6  # characters of a credential; shorter ones stand in any reply by chance
_SHOWN_HEAD: Final = 4  # digits: the calling code and a little of the network
_SHOWN_TAIL: Final = 2
_HIDDEN: Final = 4  # digits at least: nobody tries ten thousand numbers
#: What may stand between two digits of a number: signs that people write, and unseen characters.
_SIGNS: Final = r"[\-\u2010-\u2015\u2212()./_\xad\u200b-\u200f\u202a-\u202e\u2060\ufeff]{0,2}"
#: Dates as people write them, which are no numbers to hide.
_DATE: Final = r"(?:\d{4}-\d\d-\d\d|\d\d?([./])\d\d?\1(?:\d{4}|\d\d))(?![./-]?\d)"
_LONG_DIGITS: Final = re.compile(rf"(?<!\d)(?!{_DATE})\d(?:[^\S\n]?{_SIGNS}[^\S\n]?\d){{6,}}")


class Secret:
    """A credential that no repr, log line, traceback or pickle can show.

    Example:
        >>> Secret("A1B2-C3D4")
        Secret(***)
        >>> Secret("A1B2-C3D4").reveal()
        'A1B2-C3D4'
    """

    __slots__ = ("_spellings", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._spellings = _spellings(value)

    @classmethod
    def hide(cls, value: "str | Secret | None") -> "Secret | None":
        """Make a secret of what may be one already, or nothing."""
        return cls(value) if isinstance(value, str) else value

    def reveal(self) -> str:
        return self._value

    def strike_out(self, text: str) -> str:
        """Strike it out of a text, however it is spelled there."""
        for spelled in self._spellings:
            text = text.replace(spelled, "***")
        return text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("A credential is never pickled; make the Client again where you need it.")


def mask_number(number: str) -> str:
    """Show enough of a number to recognise it, not enough to call it.

    Example:
        >>> mask_number("37256789045")
        '3725*****45'
    """
    head = min(_SHOWN_HEAD, len(number) - _HIDDEN - _SHOWN_TAIL)
    if head <= 0:
        return "*" * len(number)
    return number[:head] + "*" * (len(number) - head - _SHOWN_TAIL) + number[-_SHOWN_TAIL:]


def mask_text(text: str) -> str:
    """Mask every run of digits in a text that is long enough to be a phone number.

    Example:
        >>> mask_text("Invalid phone number: +372 5678 9045")
        'Invalid phone number: +3725*****45'
    """
    return _LONG_DIGITS.sub(lambda run: mask_number(re.sub(r"\D", "", run[0])), text)


def _spellings(secret: str) -> set[str]:
    """Return how a reply may spell a credential: as it is, in JSON, in that of PHP, in a URL."""
    if len(secret) < _SHORTEST_STRUCK:
        return set()
    in_json = json.dumps(secret)[1:-1]
    in_url = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    in_url |= {re.sub("%..", lambda sign: sign[0].lower(), spelled) for spelled in in_url}
    return {secret, in_json, in_json.replace("/", "\\/"), *in_url}
