"""The note on what `replace=` changed: written for a person, and read back for the sums."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.frames.problems import BETWEEN_NOTES, Verdict
from smspm_campaigns.frames.replaced import read_replaced, replaced_note, shown
from smspm_campaigns.frames.segments import count_segments, replace_characters
from smspm_campaigns.vocabulary import REPLACED, Problem

CHARACTERS = (
    "’‘“”„–—…•·`´\t\N{NO-BREAK SPACE}\N{THIN SPACE}\N{SOFT HYPHEN}\u200b\u2028\ufeffąćłŁœþẞç;, aЖ👋"
)
TEXTS = st.text(st.sampled_from(CHARACTERS) | st.characters(), max_size=200)
OPTIONS = st.sampled_from(["typography", "accents"])


def note_of(raw: str, replace: Any) -> str:
    text = replace_characters(raw, replace)
    before, after = (count_segments(each).segments for each in (raw, text))
    return replaced_note(raw, text, before, after, replace)


@pytest.mark.parametrize(
    ("raw", "replace", "note"),
    [
        ("Hi", "typography", ""),
        ("Łódź", "typography", ""),  # nothing that this option replaces
        ("It’s on…", "typography", "’ by ', … by ...; 1 segment."),
        ("’" + "x" * 99 + "’", "typography", "’ by '; 1 segment instead of 2."),
        ("Łó…" + "x" * 160, "accents", "Ł by L, ó by o, … by ...; 2 segments instead of 3."),
        ("👋" + "x" * 67 + "…", "typography", "… by ...; 2 segments instead of 1."),
        ("a\N{NO-BREAK SPACE}b\u200b\u2028", "typography",
         "U+00A0 by a space, U+200B by nothing, U+2028 by a line break; 1 segment."),
        ("20 · 30", "typography", "U+00B7 by *; 1 segment."),  # would part two notes
        ("ąćęłńóśźżĄĆ", "accents",
         ("ą by a, ć by c, ę by e, ł by l, ń by n, ó by o, ś by s, ź by z, ż by z, Ą by A, "
          "and others; 1 segment.")),
    ],
)  # fmt: skip
def test_note_says_what_became_of_what(raw: str, replace: Any, note: str) -> None:
    """Each character once, what cannot be seen by its code, and the segments when they changed."""
    assert note_of(raw, replace) == note


@given(st.lists(TEXTS, max_size=8), OPTIONS)
def test_what_is_written_is_read(raws: list[str], replace: Any) -> None:
    """Notes between other notes give back each text, its characters and its segments."""
    details, changes = [], Counter[tuple[str, str]]()
    texts = saved = 0
    for raw in raws:
        note = note_of(raw, replace)
        verdict = Verdict(note=note, title=REPLACED)
        assert verdict.notes == ((f"{REPLACED}: {note}",) if note else ())
        details.append(
            BETWEEN_NOTES.join(
                [*Verdict(Problem.DUPLICATE, note="of row 2.").notes, *verdict.notes]
            )
        )
        plain = replace_characters(raw, replace)
        texts += plain != raw
        saved += count_segments(raw).segments - count_segments(plain).segments
        changed = [c for c in dict.fromkeys(raw) if replace_characters(c, replace) != c]
        changes.update(
            (shown(c), note_of(c, replace).partition(" by ")[2].partition(";")[0])
            for c in changed[:10]
        )
    read = read_replaced(details)
    assert (read.texts, read.saved, read.changes) == (texts, saved, changes)


@given(TEXTS, OPTIONS)
def test_note_is_one_short_line(raw: str, replace: Any) -> None:
    """Whatever a text holds, its note can be printed, is short, and never parts two notes."""
    note = note_of(raw, replace)
    assert note.isprintable()
    assert len(note) < 300
    assert BETWEEN_NOTES not in f"{REPLACED}: {note}"


@pytest.mark.parametrize(
    "cell",
    ["", "Duplicate: of row 2.", "Replaced: by hand", "Replaced: x; 1 segment",
     "Said: Replaced: ’ by '; 1 segment."],
)  # fmt: skip
def test_what_a_person_wrote_counts_for_nothing(cell: str) -> None:
    """A note in other words, or inside another one, is no figure."""
    assert read_replaced([cell]) == (0, 0, {})


def test_most_frequent_changes_stand_first() -> None:
    """Counts over rows, ties in the order of the characters."""
    details = ["Replaced: … by ..., ’ by '; 1 segment."] * 2 + ["Replaced: ’ by '; 1 segment."]
    assert list(read_replaced(details).changes.items()) == [(("’", "'"), 3), (("…", "..."), 2)]
