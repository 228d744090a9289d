"""What is asked for while a campaign is prepared, as calls: the frame they make, and their code."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.panel.calls import Call
from smspm_campaigns.panel.steps import Steps

_PEOPLE = "people"


class Draft:
    """A campaign before it has a name. Steps that were not asked for are left out.

    Example:
        >>> draft = Draft(None)
        >>> draft.read("sample_data/spring_sale.csv")
        >>> draft.find_numbers("phone", region="country")
        >>> draft.write("Come in! STOP: 1234")
        >>> messages, notes = draft.messages()
        >>> len(messages)
        633
        >>> print(draft.written())
        people = smspm.read_contacts('sample_data/spring_sale.csv')
        messages = (people
                    .pipe(smspm.normalize_numbers, 'phone', region='country')
                    .pipe(smspm.mark_duplicates)
                    .pipe(smspm.render_messages, 'Come in! STOP: 1234'))
    """

    def __init__(self, frame: pd.DataFrame | None) -> None:
        self._frame = None if frame is None else frame.copy()  # yours may change meanwhile
        self._steps = Steps(self._frame)
        self._read: Call | None = None
        self._numbers: Call | None = None
        self._opt_outs: list[Call] = []
        self._text: Call | None = None
        self._prices: Call | None = None

    @property
    def source(self) -> str | None:
        """The file that is read."""
        return None if self._read is None else str(self._read.arguments[0])

    @property
    def is_begun(self) -> bool:
        """Whether there is anything to lose."""
        return self._read is not None or self._text is not None

    @property
    def variable(self) -> str:
        """The name that the code has for what `messages` returns."""
        if self._chain():
            return "messages"
        return _PEOPLE if self._beginning() else "frame"

    @property
    def is_written(self) -> bool:
        """Whether there is a text to send."""
        return self._text is not None

    def read(self, path: str | None, **options: Any) -> None:
        """Read this file, as `read_contacts` reads it."""
        self._read = None if path is None else Call(read_contacts, (path,), options, _PEOPLE)

    def find_numbers(self, column: Hashable, **options: Any) -> None:
        """Take the numbers from this column, as `normalize_numbers` does."""
        self._numbers = None if column is None else Call(normalize_numbers, (column,), options)

    def leave_out(self, paths: tuple[str, ...], *, region: str | None) -> None:
        """Leave out whom these files of opt-outs name, as `mark_suppressed` does."""
        self._opt_outs = [Call(mark_suppressed, (path,), {"region": region}) for path in paths]

    def write(self, template: str, **options: Any) -> None:
        """Fill this template, as `render_messages` does; a blank one is not filled."""
        self._text = Call(render_messages, (template,), options) if template.strip() else None

    def estimate(self, path: str | None) -> None:
        """Estimate the costs by this file of prices, as `estimate_costs` does."""
        self._prices = None if path is None else Call(estimate_costs, (path,))

    def people(self) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
        """Return the file as it was read, and what was said about it."""
        return self._steps.run(self._beginning())

    def audience(self) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
        """Return the people with their numbers, and whom to leave out."""
        return self._steps.run([*self._beginning(), *self._of_numbers()])

    def messages(self) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
        """Return the whole frame, texts and costs included."""
        return self._steps.run([*self._beginning(), *self._chain()])

    def filled(self, people: pd.DataFrame) -> pd.DataFrame:
        """Fill the template for a few people."""
        return people if self._text is None else self._text(people)

    def forget(self) -> None:
        """Read the files again, since they may have changed."""
        self._steps.forget()

    def written(self) -> str:
        """Write the calls as a person would, who knows pandas."""
        beginning = [call.written() for call in self._beginning()]
        name = _PEOPLE if beginning else "frame"
        steps = [call.piped() for call in self._chain()]
        if not steps:
            return "\n".join(beginning)
        indent = " " * len("messages = (")
        chain = f"messages = ({name}\n" + "\n".join(indent + step for step in steps) + ")"
        return "\n".join([*beginning, chain])

    def _beginning(self) -> list[Call]:
        return [] if self._read is None or self._frame is not None else [self._read]

    def _of_numbers(self) -> list[Call]:
        if self._numbers is None:
            return []
        return [self._numbers, Call(mark_duplicates), *self._opt_outs]

    def _chain(self) -> list[Call]:
        calls = [*self._of_numbers(), self._text, self._prices if self._text else None]
        return [call for call in calls if call is not None]
