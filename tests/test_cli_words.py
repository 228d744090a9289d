"""Every sentence that a command can print speaks of commands and options, never of Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from smspm_campaigns.cli.words import ARGUMENTS, CALLS, in_words

PACKAGE = Path(__file__).parents[1] / "smspm_campaigns"
ROOMS = ("campaign", "delivery", "frames", "gateway", "reporting")

#: What only a programmer would say: a call, an argument with its value, a name with an underscore.
PYTHON = re.compile(
    r"\w\([^\s)]*[….'][^)]*\)|\w\(\)|\w\([a-z]+\)|\b[a-z_]+=\S|\b(?:Campaign|Client)\b[.(]|"
    r"\b(?:True|False)\b|\b[a-z]+_[a-z_]+\b|\b(?:frame|dict|DataFrame|Series)\b"
)

#: Sentences that no command can print, by what they begin with: a command never makes such a call.
UNREACHABLE = (
    "Expected a client, got",
    "Expected a pandas DataFrame",
    "Expected opted-out numbers as a list",
    "The frame has headers of several levels",
    "Rows X and X have the same number",  # duplicates were marked
    "Row X has no number the API takes",
    "Row X has no text to send in",
    "X was opened as X, and is not.",
    "X is not open for reading.",
    "Reading X gave X, not bytes or text.",
    "X holds half characters",
    "X is open as text",
    "X another number than before.",
    "X holds X, and segments are whole numbers.",
    "Give it a time zone",
    "Convert it, for example with",  # of cells that no file has
    "Expected prices as a mapping, frame or file",
    "Run estimate_costs.",  # the steps run in their order
    "Run normalize_numbers.",
    "Run render_messages.",
    "True or False",
    "path is the path of a file, not what is in it.",
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


def test_no_sentence_that_a_command_can_print_speaks_python() -> None:
    """A sentence that is new, and names a call, has its words for the terminal, or is told here."""
    assert len(SENTENCES) > 200
    found = [
        sentence
        for sentence in map(in_words, SENTENCES)
        if is_python(sentence) and not sentence.startswith(UNREACHABLE)
    ]
    assert found == []


@pytest.mark.parametrize("start", UNREACHABLE)
def test_the_list_of_sentences_that_cannot_be_printed_is_no_longer_than_it_must_be(
    start: str,
) -> None:
    """Each is there, and does speak Python."""
    said = [in_words(sentence) for sentence in SENTENCES if sentence.startswith(start)]
    assert any(map(is_python, said))


@pytest.mark.parametrize("pattern", [call for call in CALLS if call[0] != "^"])
def test_every_call_of_the_table_is_said_by_the_library(pattern: str) -> None:
    """One that no sentence names any more is taken out of it. (A name at the beginning of a
    sentence is filled in there: those are tried in the commands.).
    """
    assert any(re.search(pattern, sentence) for sentence in SENTENCES)


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_every_argument_of_the_table_is_said_by_the_library(argument: str) -> None:
    """One that no sentence names any more is taken out of it."""
    assert any(argument in sentence for sentence in SENTENCES)
