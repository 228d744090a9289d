"""Every sentence that a click can lead to speaks of what is in the panel, never of Python."""

import re

import pytest
from sentences import SENTENCES, is_python

from smspm_campaigns.panel.words import WORDS, in_words

#: Sentences that no click leads to, by what they begin with: the panel never makes such a call.
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
    "Convert it, for example with",
    "Expected prices as a mapping, frame or file",
    "Run normalize_numbers.",
    "Run render_messages.",
    "True or False",
    "path is the path of a file, not what is in it.",
    "report_url is an address",
    "rows is a list of index labels",
    "replace='X' would",  # X is one of two, and each has its words
)


def test_no_sentence_that_a_click_leads_to_speaks_python() -> None:
    """A sentence that is new, and names a call, has its words for the panel, or is told here."""
    found = [
        said
        for sentence in SENTENCES
        if is_python(said := in_words(sentence)) and not sentence.startswith(UNREACHABLE)
    ]
    assert found == []


@pytest.mark.parametrize(
    "pattern", [call for call in WORDS if not call.startswith(("replace=", "; say"))]
)
def test_every_call_of_the_table_is_said_by_the_library(pattern: str) -> None:
    """One that no sentence names any more is taken out of it. Some are filled in, or span two."""
    assert any(re.search(pattern, sentence) for sentence in SENTENCES)
