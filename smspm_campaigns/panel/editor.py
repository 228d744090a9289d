"""The text area of the template, with the columns as buttons."""

from collections.abc import Sequence
from importlib import resources
from typing import Any

import anywidget
import traitlets

_FILES = resources.files("smspm_campaigns.panel")


class Editor(anywidget.AnyWidget):
    """A text area; what is typed is its `value`. A button puts a placeholder in at the cursor.

    `columns` are pairs: what the button says, and the placeholder.
    """

    _esm = _FILES.joinpath("editor.js").read_text("utf-8")

    value = traitlets.Unicode("").tag(sync=True)
    columns: traitlets.List[Sequence[str]] = traitlets.List([]).tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label=label, **options)
