"""A page as plain text and as HTML: the same words, and nothing that a stranger wrote runs."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.frames.preview_views import (
    Message,
    Page,
    as_html,
    as_plain_text,
    in_a_line,
    short_name,
    visible,
)

HOSTILE = st.text(
    st.sampled_from("<>&\"'/ab \n\t\r\x1b\x07\x00\x9b\u202e\u2066\u200b\u2028\ud800é👋\u200d┆")
    | st.characters(),
    max_size=60,
)
TITLES = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)
PAGES = st.builds(
    Page,
    warnings=st.lists(HOSTILE.map(lambda text: in_a_line(text, 40)), max_size=2).map(tuple),
    figures=st.lists(
        st.tuples(TITLES, HOSTILE.map(lambda text: in_a_line(text, 40))), max_size=3
    ).map(tuple),
    lists=st.lists(
        st.tuples(TITLES, st.lists(HOSTILE.map(short_name), min_size=1, max_size=3).map(tuple)),
        max_size=2,
    ).map(tuple),
    messages=st.lists(
        st.builds(Message, TITLES, st.lists(HOSTILE, min_size=1, max_size=3).map(tuple)),
        max_size=2,
    ).map(tuple),
)


class Words(HTMLParser):
    """Reads the words of a block of HTML, and the tags in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style" or "smspm-preview" not in data:
            self.words.append(data)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(PAGES)
def test_text_and_html_say_the_same(page: Page) -> None:
    """Each word of one stands in the other, whatever it is: a person may look at either."""
    text, words = as_plain_text(page), "".join(Words(as_html(page)).words)
    pieces = [*page.warnings]
    pieces += [piece for figure in page.figures for piece in figure]
    pieces += [piece for title, items in page.lists for piece in (title, *items)]
    pieces += [piece for message in page.messages for piece in (message.caption, *message.parts)]
    for piece in pieces:
        assert squeezed(visible(piece)) in squeezed(text)
        assert squeezed(visible(piece)) in squeezed(words)
    letters = sum(len(squeezed(visible(piece))) for piece in pieces)
    borders = sum(len(message.parts) - 1 for message in page.messages)
    assert len(squeezed(words)) == letters + borders


@given(PAGES)
def test_nothing_steers_and_nothing_runs(page: Page) -> None:
    """No control, no sign of direction, no half of a pair, and no tag but ours."""
    text, html = as_plain_text(page), as_html(page)
    for shown in (text, html):
        assert visible(shown) == shown
        shown.encode()
    assert Words(html).tags <= {
        "div", "style", "p", "table", "tbody", "tr", "th", "td", "section", "h4", "ul", "li",
        "figure", "figcaption", "br", "span",
    }  # fmt: skip


def test_every_part_of_a_page_is_escaped() -> None:
    """A tag of a stranger is a text, wherever it stands."""
    tag = "<script>alert('x')</script>"
    page = Page((tag,), ((tag, tag),), ((tag, (tag,)),), (Message(tag, (tag, tag)),))
    html = as_html(page)
    assert html.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;") == 8
    assert "<script" not in html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "U+001B]0;titleU+0007"),  # would rename the terminal
        ("over\rwritten", "overU+000Dwritten"),
        ("\x9b31m", "U+009B31m"),  # the same as escape and a bracket, in one sign
        ("exe.\u202egnp", "exe.U+202Egnp"),
        ("\u2066x\u2069", "U+2066xU+2069"),
        ("\ud800", "U+D800"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),  # a family is one picture on the phone
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\tb\nc\N{NO-BREAK SPACE}d", "a\tb\nc\N{NO-BREAK SPACE}d"),
    ],
)
def test_signs_that_steer_are_shown(text: str, shown: str) -> None:
    """Controls and marks of direction by their codes; what a phone shows stays."""
    assert visible(text) == shown


@given(HOSTILE, st.integers(2, 40))
def test_cell_in_a_sentence_is_short_and_one_line(text: str, most: int) -> None:
    """Whatever a cell holds; what is short and plain stays as it is."""
    line = in_a_line(text, most)
    assert len(line) <= most
    assert line.split() == line.split(" ") or not line
    assert visible(line) == line
    assert in_a_line(line, most) == line


@pytest.mark.parametrize(
    ("text", "masked", "shown"),
    [
        ("+49 171 3920012", True, "+4917******12"),
        ("+49 171 3920012", False, "+49 171 3920012"),
        ("x" * 23 + "4917139200120", True, "x" * 23 + "4917**…"),
        ("y" * 10_000_000, True, "y" * 29 + "…"),
    ],
)
def test_number_in_a_label_is_masked_before_it_is_cut(text: str, masked: bool, shown: str) -> None:
    """Half a number is not shown because the other half was cut off."""
    assert short_name(text, masked=masked) == shown


def test_lines_fit_a_terminal() -> None:
    """Nothing is wider than 79 columns, and a text keeps each of its signs."""
    long = "word " * 60
    page = Page(
        (long,), (("Title", long),), (("List", (long,)),), (Message("First", (long, long)),)
    )
    lines = as_plain_text(page).split("\n")
    assert max(map(len, lines)) <= 79
    start = lines.index("First:") + 1
    end = next(place for place, line in enumerate(lines) if line.startswith("Look at this"))
    assert "".join(line.removeprefix("  ") for line in lines[start:end]) == f"{long}┆{long}"


def test_line_ends_of_a_text_are_kept() -> None:
    """A text of several lines, one of them blank, is shown as such in both."""
    page = Page((), (), (), (Message("First", ("one\n\n", "two")),))
    assert as_plain_text(page) == "First:\n  one\n\n  ┆two"
    assert '<p dir="auto">one<br><br><span' in as_html(page)
