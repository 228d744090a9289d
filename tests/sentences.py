"""Every sentence that the library can say, found in its source, and whether it speaks Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "smspm_campaigns"
ROOMS = ("campaign", "delivery", "frames", "gateway", "reporting")

#: What only a programmer would say: a call, an argument with its value, a name with an underscore.
PYTHON = re.compile(
    r"\w\([^\s)]*[….'][^)]*\)|\w\(\)|\w\([a-z]+\)|\b[a-z_]+=\S|\b(?:Campaign|Client)\b[.(]|"
    r"\b(?:True|False)\b|\b[a-z]+_[a-z_]+\b|\b(?:frame|dict|DataFrame|Series)\b"
)

#: Words with an underscore, and the like, that a person at a terminal knows: they stand in a file
#: or in the environment, or are a command to copy.
KNOWN = re.compile(
    r"\{\{.*?\}\}|sms_\w+|python -c \".*?\"|(?<=')\w+(?=')|missing_value|first_name|"
    r"`smspm-campaigns [^`]*`|the opt-out frame"
)

_NO_SENTENCE = r"\b(?:SELECT|UPDATE|INSERT|DELETE|PRAGMA|JOIN|WHERE|BEGIN|CREATE)\b|^<|^tuple\["


def rendered(node: ast.AST) -> str | None:
    """Return a text as it is printed, with X for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.FormattedValue):
        return "'X'" if node.conversion == ord("r") else "X"
    if isinstance(node, ast.JoinedStr):
        return "".join(rendered(part) or "" for part in node.values)
    return None


def texts_in(node: ast.AST) -> Iterator[str]:
    """Yield the texts of several words below a node: no docstrings, no SQL, no annotations."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if text := rendered(node):
        if re.search(r"[a-z] \w", text) and not re.search(_NO_SENTENCE, text):
            yield text
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "bases"):
            for below in value if isinstance(value, list) else [value]:
                if isinstance(below, ast.AST):
                    yield from texts_in(below)


SENTENCES = sorted(
    {
        text
        for room in ROOMS
        for path in (PACKAGE / room).rglob("*.py")
        if "simulator" not in path.parts
        for text in texts_in(ast.parse(path.read_text(encoding="utf-8")))
    }
)


def is_python(sentence: str) -> bool:
    return bool(PYTHON.search(KNOWN.sub("", sentence)))
