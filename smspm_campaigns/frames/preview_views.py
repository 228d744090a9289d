"""One page of figures, texts and warnings, as plain text and as HTML.

Both are made from the same `Page`, so that a notebook and a terminal say the same. Whatever a
stranger wrote into a file is shown, and does nothing: neither HTML, nor signs that steer a terminal
or turn the direction of writing.
"""

import re
import textwrap
from collections.abc import Callable, Iterable
from html import escape
from typing import Final, NamedTuple

from smspm_campaigns.masking import mask_text

_BORDER: Final = "┆"  # stands where one segment ends and the next begins
_MAX_NAME: Final = 30  # characters of a row's label, a column's name or a country
WIDTH: Final = 79  # columns of a terminal that are written to
_TITLES: Final = 11  # columns of the titles of figures

#: Signs that steer: controls but tab and line end, marks of direction, unseen ones, half pairs.
#: The joiners stay, of which a family of emoji is made, and a word of Persian.
_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


class Message(NamedTuple):
    """A text as a phone shows it: what is said above it, and its segments."""

    caption: str
    parts: tuple[str, ...]


class Page(NamedTuple):
    """What a preview shows: warnings, figures with their titles, lists, messages."""

    warnings: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    messages: tuple[Message, ...]

    def put(self, words: Callable[[str], str]) -> "Page":
        """Put what is said of the messages in other words."""
        return self._replace(
            warnings=tuple(map(words, self.warnings)),
            lists=tuple((title, tuple(map(words, items))) for title, items in self.lists),
        )


def visible(text: str) -> str:
    r"""Write signs that steer by their codes.

    Example:
        >>> visible("red \x1b[31m, turned \u202e")
        'red U+001B[31m, turned U+202E'
    """
    return _STEERING.sub(lambda match: f"U+{ord(match[0]):04X}", text)


def in_a_line(text: str, most: int) -> str:
    r"""Write what stands in a file into a sentence: one line, visible, bounded.

    Example:
        >>> in_a_line("two\n lines of a cell", 12)
        'two lines o…'
    """
    line = " ".join(visible(text[: 10 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def short_name(text: str, *, masked: bool = True) -> str:
    """Write the name of a column or country, or the label of a row: masked first, then cut."""
    text = in_a_line(text, 5 * _MAX_NAME)
    return in_a_line(mask_text(text) if masked else text, _MAX_NAME)


def as_plain_text(page: Page, width: int = WIDTH) -> str:
    """Write a page for a terminal of `width` columns. Texts of messages keep all their signs."""

    def wrapped(line: str, indent: int) -> str:
        return textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False)

    lines = [wrapped(f"{title + ':':<{_TITLES}}{value}", _TITLES) for title, value in page.figures]
    for title, items in page.lists:
        lines += [f"{title}:", *(wrapped(f"  {item}", 4) for item in items)]
    for message in page.messages:
        text = _BORDER.join(map(visible, message.parts))
        lines += [wrapped(f"{message.caption}:", 2), *_broken(text, width)]
    lines += [wrapped(f"Look at this: {warning}", 2) for warning in page.warnings]
    return "\n".join(lines)


def _broken(text: str, width: int) -> Iterable[str]:
    for line in text.split("\n"):
        yield from textwrap.wrap(
            line,
            width,
            initial_indent="  ",
            subsequent_indent="  ",
            expand_tabs=False,
            replace_whitespace=False,
            drop_whitespace=False,
            break_on_hyphens=False,
        ) or [""]


def as_html(page: Page) -> str:
    """Write a page for a notebook: one block, escaped, in the colours of the page around it."""
    notes = "".join(f'<p class="note">{escape(warning)}</p>' for warning in page.warnings)
    figures = "".join(
        f"<tr><th>{escape(title)}</th><td>{escape(value)}</td></tr>"
        for title, value in page.figures
    )
    lists = "".join(
        f"<section><h4>{escape(title)}</h4><ul>"
        + "".join(f"<li>{escape(item)}</li>" for item in items)
        + "</ul></section>"
        for title, items in page.lists
    )
    messages = "".join(
        f'<figure><figcaption>{escape(message.caption)}</figcaption><p dir="auto">'
        f"{_MARK.join(_in_bubble(part) for part in message.parts)}</p></figure>"
        for message in page.messages
    )
    return (
        f'<div class="smspm-preview">{_STYLE}{notes}<table><tbody>{figures}</tbody></table>{lists}'
        f'<div class="texts">{messages}</div></div>'
    )


def _in_bubble(part: str) -> str:
    return escape(visible(part)).replace("\n", "<br>")


_MARK: Final = (
    '<span class="border" role="img" aria-label="a segment ends here" title="a segment ends here">'
    f"{_BORDER}</span>"
)

#: Colours are those of the page around the block, so that it reads well in light and dark themes.
#: The class stands twice to weigh more than the rules of JupyterLab, which stripes tables and
#: writes them from the right.
_STYLE: Final = """<style>
.smspm-preview { max-width: 52em; line-height: 1.4; overflow-wrap: anywhere }
.smspm-preview.smspm-preview table { border-collapse: collapse; color: inherit;
  border: 0; margin: .3em 0; table-layout: auto }
.smspm-preview.smspm-preview tbody tr { background: none }
.smspm-preview.smspm-preview tbody :is(th, td) { text-align: left; vertical-align: top;
  white-space: normal; max-width: none; border: 0; padding: .1em 1em .1em 0; font-size: inherit }
.smspm-preview.smspm-preview tbody th { font-weight: 600; white-space: nowrap }
.smspm-preview.smspm-preview h4 { margin: .6em 0 .1em; font-size: inherit; font-weight: 600 }
.smspm-preview.smspm-preview ul { margin: 0; padding-left: 1.2em }
.smspm-preview .texts { display: flex; flex-wrap: wrap; gap: .8em; margin-top: .8em }
.smspm-preview figure { margin: 0; flex: 1 1 13em; max-width: 20em }
.smspm-preview figcaption { font-size: .85em; opacity: .75 }
.smspm-preview.smspm-preview figure p { margin: .2em 0; padding: .6em .8em; border-radius: 1em;
  border: 1px solid currentColor; white-space: pre-wrap }
.smspm-preview .border { color: #dd6b20; font-weight: 700 }
.smspm-preview.smspm-preview .note { border-left: .3em solid #dd6b20; padding: .2em .6em;
  margin: .4em 0 }
</style>"""
