"""What goes to stderr in a rehearsal says so in every line, whoever writes it."""

import re
import sys
from typing import Any, Final, TextIO, cast

REHEARSAL: Final = "[rehearsal] "

#: Where a line begins that says something, and does not say yet that it is a rehearsal.
_LINE: Final = re.compile(rf"^(?!{re.escape(REHEARSAL.rstrip())}|[\r\n]|\Z)", re.MULTILINE)


class _Marked:
    """A stream whose lines begin with the mark; a bar, which begins with a return, is left alone.

    It has no `buffer`, so that nobody writes past it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_at_start = True

    def write(self, text: str) -> int:
        begins = 0 if self._is_at_start else text.find("\n") + 1 or len(text)
        self._stream.write(text[:begins] + _LINE.sub(REHEARSAL, text[begins:]))
        if text:
            self._is_at_start = text[-1] in "\r\n"
        return len(text)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


def mark_stderr() -> None:
    """Mark what is written to stderr from here on: notes, errors, and what the library says."""
    if sys.stderr is not None:
        sys.stderr = cast("TextIO", _Marked(sys.stderr))
