"""The second step: what they read, seen on three phones while it is typed, and what it costs."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import ipywidgets as widgets
import numpy as np
import pandas as pd

from smspm_campaigns.exceptions import SmspmError
from smspm_campaigns.frames.columns import has_text
from smspm_campaigns.frames.placeholders import identifier
from smspm_campaigns.frames.replaced import shown
from smspm_campaigns.frames.segments import count_segments, split_segments
from smspm_campaigns.panel.editor import Editor
from smspm_campaigns.panel.files import FileChoice
from smspm_campaigns.panel.later import Later
from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.step import Step
from smspm_campaigns.panel.views import VIEWS, seen
from smspm_campaigns.panel.work import Work
from smspm_campaigns.reporting.words import several
from smspm_campaigns.vocabulary import COLUMNS, DETAIL, PROBLEM, TEXT, TO

_PAUSE: Final = 0.6  # seconds without a key before all rows are filled
_PHONES: Final = 3
_NAMED: Final = 6  # characters that force Unicode
_DEARER: Final = "These characters make a text dearer: with one, a segment holds 70, not 160."
_MOST_SEGMENTS: Final = (("any number", 0), *((str(most), most) for most in range(1, 11)))
_REPLACE: Final = (
    ("nothing", ""),
    ("curly quotes, dashes and odd spaces", "typography"),
    ("these, and accents", "accents"),
)


#: Pieces of a segment, each with whether it is a character that forces Unicode.
_Part = list[tuple[str, bool]]


class MessageStep(Step):
    """The template, three of its texts, and the figures of all of them."""

    title = "Message"
    choices = ("editor", "replace", "most", "prices.list")

    def __init__(self, work: Work, notices: Notices) -> None:
        self._work = work
        self._notices = notices
        self._places: list[int] = []  # of the rows on the phones
        self._best: str | None = None  # what would save most, of `replace`
        self.editor = Editor("Text of the message")
        self.replace = widgets.Dropdown(description="Write plainly", options=_REPLACE)
        self.most = widgets.Dropdown(description="Most segments", options=_MOST_SEGMENTS)
        self.prices = FileChoice("Prices", self._fill, work.draft.forget, notices.guarded)
        self.mend = widgets.Button(icon="magic")
        self._phones = widgets.HTML()
        self._told = widgets.HTML()
        self._figures = widgets.HTML()
        self._dearer = widgets.HTML()
        self._forced = widgets.HTML()
        self._later = Later(lambda: notices.attempt(self._fill))
        self.editor.observe(notices.guarded(self._typed), names="value")
        self.replace.observe(notices.guarded(self._fill), names="value")
        self.most.observe(notices.guarded(self._fill), names="value")
        self.mend.on_click(notices.guarded(self._mend))
        asked = widgets.VBox([self.replace, self.most, self.prices])
        told = widgets.VBox([self._figures, self._dearer, self.mend, self._forced])
        halves = widgets.HBox([asked, told])
        halves.add_class("smspm-halves")
        super().__init__([self.editor, self._told, self._phones, halves])

    def recall(self, kept: dict[str, Any]) -> None:
        """Type again what was kept; it is filled when the step is shown."""
        super().recall(kept)
        self._ask()

    def show(self) -> None:
        """Offer the columns of the audience as it is now, and fill the texts for it."""
        people, _ = self._work.draft.audience()
        names = [] if people is None else [n for n in map(str, people.columns) if n not in COLUMNS]
        self.editor.columns = [(name, identifier(name)) for name in names if identifier(name)]
        self._fill()

    def _typed(self) -> None:
        """Show the phones at once, and the rest when nobody types."""
        self._ask()
        self._show_phones()
        self._later.ask(_PAUSE)

    def _ask(self) -> None:
        draft = self._work.draft
        options: dict[str, Any] = {"replace": self.replace.value or None}
        draft.write(self.editor.value, **options, max_segments=self.most.value or None)
        draft.estimate(next(iter(self.prices.paths), None))

    def _mend(self) -> None:
        self.replace.value = self._best
        self._fill()

    def _fill(self) -> None:
        """Fill the texts of all rows, and show what comes of them."""
        self._ask()
        for told in (self._figures, self._dearer, self._forced, self._told):
            told.value = ""
        self._show_phones()
        seen(self.mend, is_seen=False)
        if self._told.value:
            return
        messages, notes = self._work.draft.messages()
        self._notices.tell(notes)
        if messages is not None and {TO, TEXT} <= set(messages.columns):
            self._places = _telling_rows(messages)
            self._show_phones()
            self._show_figures()

    def _show_phones(self) -> None:
        """Fill the text of the rows on the phones; what is wrong with it is told beside it."""
        people, _ = self._work.draft.audience()
        if people is None or not len(people):
            self._told.value = VIEWS.told("Choose the audience first.")
            return
        places = self._places or _first_rows(people)
        try:
            filled = self._work.draft.filled(people.iloc[[p for p in places if p < len(people)]])
        except SmspmError as error:  # half a placeholder, while it is typed
            self._told.value = VIEWS.notices("", [str(error)])
            return
        self._told.value = ""
        self._phones.value = VIEWS.phones(list(_messages(filled))) if TEXT in filled else ""

    def _show_figures(self) -> None:
        told = self._work.preview()
        self._figures.value = VIEWS.figures(told.figures) + VIEWS.notices("", told.warnings)
        forced = told.forced.table
        rows = [
            [shown(each["character"]), each["rows"], _source(each["column"]), each["name"].lower()]
            for each in forced.head(_NAMED).to_dict("records")
        ]
        if rows:
            self._dearer.value = VIEWS.told(_DEARER)
            self._forced.value = VIEWS.table(
                "Characters that force Unicode", ["character", "messages", "from", "name"], rows
            )
        saved = told.forced.saved
        helping = [each for each in saved if (forced["replace"] == each).any()]
        self._best = max(helping, key=lambda option: saved[option], default=None)
        seen(self.mend, is_seen=self._best is not None)
        if self._best is not None:
            segments = saved[self._best]
            saving = f": saves {several(segments, 'segment')}" if segments else ""
            self.mend.description = f"Write plain ones{saving}"


def _source(column: Any) -> str:
    return column if isinstance(column, str) else "the template"


def _first_rows(people: pd.DataFrame) -> list[int]:
    """Return the places of the first rows that can be texted, of any where none can."""
    good = np.flatnonzero(~has_text(people, PROBLEM))
    places = good if len(good) else np.arange(len(people))
    return [int(place) for place in places[:_PHONES]]


def _telling_rows(messages: pd.DataFrame) -> list[int]:
    """Return the places of the first row that is sent, the longest and the shortest."""
    places = _first_rows(messages)
    good = np.flatnonzero(~has_text(messages, PROBLEM))
    if not len(good):
        return places
    lengths = messages[TEXT].iloc[good].str.len().to_numpy()
    telling = [places[0], int(good[lengths.argmax()]), int(good[lengths.argmin()]), *places]
    return list(dict.fromkeys(telling))[:_PHONES]


def _messages(filled: pd.DataFrame) -> Iterator[tuple[str, list[_Part], str, str]]:
    """Yield what a phone shows: whose it is, its parts, its size, or why it shows nothing."""
    details = filled[DETAIL] if DETAIL in filled else filled[TEXT]
    for label, text, detail in zip(filled.index, filled[TEXT], details, strict=True):
        caption = f"Row {label}"
        if not isinstance(text, str):
            yield caption, [], "", str(detail)
            continue
        counted = count_segments(text)
        size = f"{several(counted.segments, 'segment')}, {counted.encoding}, {counted.units} units"
        yield caption, [_marked(part) for part in split_segments(text)], size, ""


def _marked(part: str) -> _Part:
    """Cut a part of a text into pieces, and tell of each whether it forces Unicode."""
    places = [each.position for each in count_segments(part).forced_by]
    cuts = sorted({0, len(part), *places, *(place + 1 for place in places)})
    return [(part[start:end], start in places) for start, end in pairwise(cuts)]
