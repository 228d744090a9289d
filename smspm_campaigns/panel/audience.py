"""The first step: whom the campaign is for, and who is left out of it, and why."""

from collections.abc import Sequence
from typing import Any, Final

import ipywidgets as widgets
import pandas as pd

from smspm_campaigns.frames.columns import has_text
from smspm_campaigns.frames.contacts import sheet_names
from smspm_campaigns.frames.countries import countries_by_name
from smspm_campaigns.frames.guesses import Guess, guess_columns
from smspm_campaigns.panel.files import FileChoice
from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.step import Step
from smspm_campaigns.panel.tables import Window
from smspm_campaigns.panel.views import VIEWS, seen
from smspm_campaigns.panel.work import Work
from smspm_campaigns.vocabulary import (
    COLUMNS,
    COUNTRY,
    DETAIL,
    PROBLEM,
    PROBLEM_TITLES,
    TO,
    Problem,
)

_BEGIN: Final = (
    "Choose the file of your contacts, or upload it. A file of 9 MB or more is too large for the "
    "upload: put it into the folder of the notebook, then “Look again”."
)
_FIRST: Final = ("The first visible one", "")
_AS_THEY_ARE: Final = "as the frame has them"
_CHOOSE: Final = "Choose the column"
_FROM_ANYWHERE: Final = "anywhere: each has its country code"
_AS_THE_NUMBERS: Final = "where the numbers are from"
_ALL: Final = "all"
_READY: Final = "ready"
_SHOWN_COLUMNS: Final = 8  # of the person's own


class AudienceStep(Step):
    """A file, its column of numbers, and the lists of people who opted out."""

    title = "Audience"
    choices = (
        *("file.list", "sheet", "encoding", "delimiter", "hidden"),
        *("column", "region", "mobile_only", "opt_outs.list", "opt_out_region"),
    )

    def __init__(self, work: Work, notices: Notices, *, has_frame: bool) -> None:
        self._work = work
        self._notices = notices
        self._has_frame = has_frame
        self._path: str | None = None
        self._audience: pd.DataFrame | None = None
        guarded = notices.guarded
        self.file = FileChoice("Contacts", self._chosen, work.draft.forget, guarded)
        self.sheet = widgets.Dropdown(description="Sheet", options=[_FIRST])
        self.encoding = widgets.Combobox(
            description="Encoding",
            placeholder="UTF-8",
            options=["cp1250", "cp1252", "cp1257", "utf-16"],
            continuous_update=False,
        )
        self.delimiter = widgets.Text(
            description="Delimiter", placeholder="found in the header", continuous_update=False
        )
        self.hidden = widgets.Checkbox(description="Hidden rows too", indent=False)
        self.column = widgets.Dropdown(description="Numbers are in")
        self.region = widgets.Dropdown(description="They are from")
        self.mobile_only = widgets.Checkbox(description="Leave out landlines", indent=False)
        self.opt_outs = FileChoice(
            "Opt-outs", self._asked, work.draft.forget, guarded, several=True
        )
        self.opt_out_region = widgets.Dropdown(
            description="Lists are from", options=[(_AS_THE_NUMBERS, ""), *countries_by_name()]
        )
        self._figures = widgets.HTML()
        self.shown = widgets.Dropdown(description="Show")
        self.rows = Window("Rows of the audience", guarded)
        for widget in (self.sheet, self.encoding, self.delimiter, self.hidden):
            widget.observe(guarded(self._chosen), names="value")
        for widget in (self.column, self.region, self.mobile_only, self.opt_out_region):
            widget.observe(guarded(self._asked), names="value")
        self.shown.observe(guarded(self._show_rows), names="value")
        of_reading = [self.sheet, self.encoding, self.delimiter, self.hidden]
        of_file = widgets.HBox([self.file, *of_reading])
        of_numbers = widgets.HBox([self.column, self.region, self.mobile_only])
        of_opt_outs = widgets.HBox([self.opt_outs, self.opt_out_region])
        chosen = [of_numbers, of_opt_outs, self._figures, self.shown, self.rows]
        self._of_people = [of_numbers, of_opt_outs, self.shown, self.rows]
        for widget in of_reading:
            seen(widget, is_seen=False)
        super().__init__(chosen if has_frame else [of_file, *chosen])

    def show(self) -> None:
        """Show the people there are; nothing here depends on another step."""
        if self._audience is None:
            self._show_people(is_another=True)

    def recall(self, kept: dict[str, Any]) -> None:
        """Choose again what was kept: the file, how it is read, and what of it."""
        if not self._has_frame:
            self.put_back(kept, "file.list")
            self._look_into()
            self.put_back(kept, "sheet", "encoding", "delimiter", "hidden")
        self._chosen()
        self.put_back(kept, "column", "region", "mobile_only", "opt_outs.list")
        self.put_back(kept, "opt_out_region")
        self._asked()

    def _chosen(self) -> None:
        """Read what was chosen, and guess which column holds the numbers."""
        self._clear()
        is_another = self._look_into()
        self._work.draft.read(
            self._path,
            sheet=self.sheet.value or None,
            encoding=self.encoding.value or None,
            delimiter=self.delimiter.value or None,
            hidden="keep" if self.hidden.value else None,
        )
        self._show_people(is_another=is_another)

    def _clear(self) -> None:
        """Have nobody: what cannot be read has no rows, and is not sent to either."""
        self._work.draft.read(None)
        self._audience = None
        self._show_audience()
        self._figures.value = ""

    def _look_into(self) -> bool:
        """See which sheets the file has, and what can be asked for; tell whether it is another."""
        path = next(iter(self.file.paths), None)
        sheets = sheet_names(path) if path else []
        is_another, self._path = path != self._path, path
        if is_another:
            self.encoding.value = self.delimiter.value = ""
            self.hidden.value = False
        self._fill(self.sheet, [_FIRST, *((name, name) for name in sheets)])
        seen(self.sheet, is_seen=len(sheets) > 1)
        for widget in (self.encoding, self.delimiter):
            seen(widget, is_seen=path is not None and not sheets)
        seen(self.hidden, is_seen=bool(sheets))
        return is_another

    def _show_people(self, *, is_another: bool) -> None:
        """Offer the columns of the file: what was chosen stays so, else what seems to be meant."""
        people, notes = self._work.draft.people()
        self._notices.tell(notes)
        names: list[Any] = [] if people is None else list(people.columns)
        guess = Guess(None, None) if people is None else guess_columns(people)
        own = [name for name in names if name not in (*COLUMNS, "", None)]
        is_read = people is not None and TO in people
        first = (_AS_THEY_ARE if is_read else _CHOOSE, "")
        offered = [first, *((str(name), name) for name in own)]
        self._offer(self.column, offered, "" if is_read else guess.numbers, anew=is_another)
        columns = [(f"the column {name!r}", name) for name in own if isinstance(name, str)]
        offered = [(_FROM_ANYWHERE, ""), *columns, *countries_by_name()]
        self._offer(self.region, offered, guess.region, anew=is_another)
        self._asked()

    def _offer(
        self, choice: Any, options: Sequence[tuple[str, Any]], guess: Any, *, anew: bool
    ) -> None:
        """Offer columns: of another file the guess, of the same one what a person chose."""
        is_kept = not anew and choice.value and choice.value in dict(options).values()
        self._fill(choice, options, None if is_kept else guess)

    def _asked(self) -> None:
        """Read the numbers as they shall be read, and show what became of the rows."""
        self._audience = None
        self._figures.value = ""
        for widget in (self.shown, self.rows):
            seen(widget, is_seen=False)
        draft, region = self._work.draft, self.region.value or None
        column = None if self.column.value == "" else self.column.value
        draft.find_numbers(column, region=region, mobile_only=self.mobile_only.value or None)
        is_column = region in [value for _, value in self.column.options]
        seen(self.opt_out_region, is_seen=bool(self.opt_outs.paths))
        of_opt_outs = self.opt_out_region.value or (None if is_column else region)
        draft.leave_out(self.opt_outs.paths, region=of_opt_outs)
        self._audience, notes = draft.audience()
        self._notices.tell(notes)
        self._show_audience()

    def _show_audience(self) -> None:
        frame = self._audience
        for widget in self._of_people:
            seen(widget, is_seen=frame is not None)
        if frame is None:
            self._figures.value = VIEWS.told(_BEGIN)
        elif not len(frame):
            self._figures.value = VIEWS.told("The file has a header, and no rows.")
        elif TO not in frame:
            self._figures.value = VIEWS.told(
                f"{len(frame):,} rows. Say which column holds the numbers."
            )
        else:
            good = (~has_text(frame, PROBLEM)).sum()
            self._figures.value = VIEWS.told(
                f"{good:,} of {len(frame):,} rows can be texted; {len(frame) - good:,} cannot."
            )
        self._fill(self.shown, self._kinds())
        self._show_rows()

    def _kinds(self) -> list[tuple[str, str]]:
        """Name the rows that can be looked at, each kind with its count."""
        frame = self._audience
        if frame is None:
            return []
        kinds = [(f"All rows: {len(frame):,}", _ALL)]
        if PROBLEM in frame:
            counts = frame[PROBLEM].value_counts()
            kinds += [
                (f"{PROBLEM_TITLES[Problem(str(code))]}: {count:,}", str(code))
                for code, count in counts.items()
            ]
            kinds.append((f"Can be texted: {(~has_text(frame, PROBLEM)).sum():,}", _READY))
        return kinds

    def _show_rows(self) -> None:
        if self._audience is None:
            return
        frame, kind = self._audience, self.shown.value
        if kind == _READY:
            frame = frame[~has_text(frame, PROBLEM)]
        elif kind != _ALL:
            frame = frame[frame[PROBLEM] == kind]
        own = [name for name in frame.columns if name not in COLUMNS][:_SHOWN_COLUMNS]
        ours = [name for name in (DETAIL, TO, COUNTRY) if name in frame]
        self.rows.show(frame, [*ours, *own])

    def _fill(self, choice: Any, options: Sequence[tuple[str, Any]], value: Any = None) -> None:
        """Offer other options, and choose one of them: what was chosen, if nothing is named."""
        before = choice.value
        choice.options = options
        values = [each for _, each in options]
        kept = before if value is None and before in values else value
        choice.value = kept if kept in values else next(iter(values), None)
