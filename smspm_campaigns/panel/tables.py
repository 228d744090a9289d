"""A window on the rows of a frame: however many there are, a screenful is shown."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

import ipywidgets as widgets
import pandas as pd

from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.preview_views import in_a_line
from smspm_campaigns.panel.views import VIEWS

_ROWS: Final = 10
_LONGEST: Final = 200  # characters of a cell


class Window(widgets.VBox):
    """Shows ten rows of a frame at a time, with buttons to go on and back."""

    def __init__(
        self, title: str, guarded: Callable[[Callable[[], object]], Callable[..., None]]
    ) -> None:
        self._title = title
        self._frame = pd.DataFrame()
        self._top = 0  # the place of the first row shown
        self._table = widgets.HTML()
        self._place = widgets.HTML()
        self.back = widgets.Button(description="◀ Back", tooltip=f"{title}: rows before these")
        self.onward = widgets.Button(description="More ▶", tooltip=f"{title}: rows after these")
        self.back.on_click(guarded(lambda: self._go(-_ROWS)))
        self.onward.on_click(guarded(lambda: self._go(_ROWS)))
        turning = widgets.HBox([self.back, self.onward, self._place])
        super().__init__([self._table, turning])

    @property
    def top(self) -> int:
        """The place of the first row shown."""
        return self._top

    def show(self, frame: pd.DataFrame, columns: Sequence[Hashable], *, top: int = 0) -> None:
        """Show these columns of a frame, from the row at this place on."""
        self._frame, self._top = frame[list(columns)], top
        self._go(0)

    def _go(self, rows: int) -> None:
        count = len(self._frame)
        self._top = max(0, min(self._top + rows, count - 1))
        shown = self._frame.iloc[self._top : self._top + _ROWS]
        label = self._frame.index.name
        names = ["row" if label is None else label, *self._frame.columns]
        cells = [[label, *row] for label, row in zip(shown.index, shown.values, strict=True)]
        self._table.value = VIEWS.table(
            self._title, list(map(_shown, names)), [list(map(_shown, row)) for row in cells]
        )
        self.back.disabled = not self._top
        self.onward.disabled = self._top + _ROWS >= count
        last = min(self._top + _ROWS, count)
        place = f"{self._top + 1:,} to {last:,} of {count:,}" if count else "none"
        self._place.value = VIEWS.told(place)


def _shown(cell: object) -> str:
    return in_a_line(as_text(cell), _LONGEST)
