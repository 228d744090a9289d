"""What the five steps of the panel have in common."""

from abc import abstractmethod
from typing import ClassVar

import ipywidgets as widgets


class Step(widgets.VBox):
    """A step: what it is called, and how it is entered."""

    title: ClassVar[str]

    @abstractmethod
    def show(self) -> None:
        """Show things as they are now, whatever other steps have changed."""
