"""Every sentence that a command can print speaks of commands and options, never of Python."""

import re

import pytest
from sentences import SENTENCES, is_python

from smspm_campaigns.cli.words import ARGUMENTS, CALLS, in_words

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
