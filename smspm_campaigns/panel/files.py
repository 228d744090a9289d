"""Choosing files: those of the notebook's folder, or an upload, which becomes one of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from smspm_campaigns.panel.uploads import files_in, keep_upload

_NONE = "None"


class FileChoice(widgets.HBox):
    """A list of the files in a folder, and a button to upload another one.

    Args:
        label: what the file is.
        chosen: called when other files are chosen.
        forget: called before chosen files are read again, since they may have changed.
        guarded: makes a callback that tells what goes wrong.
        several: whether any number of files may be chosen, or one at most.
    """

    def __init__(
        self,
        label: str,
        chosen: Callable[[], object],
        forget: Callable[[], object],
        guarded: Callable[[Callable[[], object]], Callable[..., None]],
        *,
        several: bool = False,
    ) -> None:
        self._folder = Path.cwd()
        self._several = several
        self._chosen = chosen
        self._forget = forget
        self._uploads: list[str] = []  # of whatever kind
        self.list: Any = (
            widgets.SelectMultiple(description=label, rows=3)
            if several
            else widgets.Dropdown(description=label)
        )
        self._list_files()
        self.upload = widgets.FileUpload(
            description=f"Upload {label.lower()}",
            multiple=several,
            tooltip=f"Upload {label.lower()}",
        )
        self.again = widgets.Button(description="Look again", icon="refresh")
        self.again.tooltip = "See which files are in the folder now, and read the chosen ones again"
        self.again.on_click(guarded(self._look_again))
        self.list.observe(guarded(chosen), names="value")
        self.upload.observe(guarded(self._uploaded), names="value")
        super().__init__([self.list, self.again, self.upload])
        self.add_class("smspm-files")

    @property
    def paths(self) -> tuple[str, ...]:
        """The chosen files, as paths from the folder of the notebook."""
        value = self.list.value
        return tuple(value) if self._several else tuple(filter(None, [value]))

    def _uploaded(self) -> None:
        uploads, self.upload.value = self.upload.value, ()
        names = [keep_upload(each.name, bytes(each.content), self._folder) for each in uploads]
        if names:
            self._uploads += names
            self._list_files()
            chosen = tuple(dict.fromkeys([*self.paths, *names]))
            self.list.value = chosen if self._several else names[-1]
            self._chosen()

    def _look_again(self) -> None:
        self._list_files()
        self._forget()
        self._chosen()

    def _list_files(self) -> None:
        """List the files as they are now; what was chosen stays so, if it is there."""
        uploads = (name for name in self._uploads if (self._folder / name).is_file())
        names = sorted({*files_in(self._folder), *uploads})
        chosen = [path for path in self.paths if path in names]
        self.list.options = names if self._several else [(_NONE, ""), *((n, n) for n in names)]
        self.list.value = chosen if self._several else "".join(chosen)
