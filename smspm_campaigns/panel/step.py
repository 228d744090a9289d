"""What the five steps of the panel have in common."""

from abc import abstractmethod
from contextlib import suppress
from operator import attrgetter
from typing import Any, ClassVar

import ipywidgets as widgets
from traitlets import TraitError


class Step(widgets.VBox):
    """A step: what it is called, and how it is entered."""

    title: ClassVar[str]

    #: The widgets in which a person chooses or types what makes the draft, by their names.
    choices: ClassVar[tuple[str, ...]] = ()

    def kept(self) -> dict[str, Any]:
        """Return what was chosen and typed."""
        values = {name: attrgetter(name)(self).value for name in self.choices}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }

    def recall(self, kept: dict[str, Any]) -> None:
        """Choose and type again what was kept."""
        self.put_back(kept, *self.choices)

    def put_back(self, kept: dict[str, Any], *names: str) -> None:
        """Choose or type again what was, as far as it can still be."""
        for name in names:
            value = kept.get(name)
            with suppress(TraitError):
                attrgetter(name)(self).value = tuple(value) if isinstance(value, list) else value

    @abstractmethod
    def show(self) -> None:
        """Show things as they are now, whatever other steps have changed."""
