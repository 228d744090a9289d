"""Asking once more before something that cannot be taken back."""

from collections.abc import Callable

import ipywidgets as widgets

from smspm_campaigns.panel.notices import Notices
from smspm_campaigns.panel.views import VIEWS, seen


class Confirm(widgets.VBox):
    """A question with two buttons, seen only while something is asked."""

    def __init__(self, notices: Notices) -> None:
        self._question = widgets.HTML()
        self._action: Callable[[], object] = self.close_question
        self.yes = widgets.Button(button_style="primary")
        self.no = widgets.Button(description="No, go back")
        self.yes.on_click(notices.guarded(self._do))
        self.no.on_click(notices.guarded(self.close_question))
        super().__init__([self._question, widgets.HBox([self.yes, self.no])])
        self.add_class("smspm-confirm")
        self.close_question()

    def ask(self, question: str, yes: str, action: Callable[[], object]) -> None:
        """Show a question, what its yes says, and do this when it is said."""
        self._question.value = VIEWS.told(question, "alert")
        self.yes.description, self._action = yes, action
        seen(self, is_seen=True)

    def close_question(self) -> None:
        """Ask nothing any more."""
        seen(self, is_seen=False)

    @property
    def is_open(self) -> bool:
        """Whether something is asked."""
        return bool(self.layout.display != "none")

    def _do(self) -> None:
        """Do it, once: a second click on its way finds nothing asked any more."""
        if self.is_open:
            self.close_question()
            self._action()
