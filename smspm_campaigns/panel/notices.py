"""Where the panel tells what went wrong and what to look at: nothing a click raises is lost."""

import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import ipywidgets as widgets

from smspm_campaigns.campaign.watching import goes_on_by
from smspm_campaigns.exceptions import SmspmError, SmspmWarning
from smspm_campaigns.masking import mask_text
from smspm_campaigns.panel.views import VIEWS

_Got = TypeVar("_Got")


def heard(action: Callable[[], _Got]) -> tuple[_Got, tuple[str, ...]]:
    """Do something, and return with what comes of it what was warned of. Other warnings go on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SmspmWarning)
        got = action()
    for other in caught:
        if not issubclass(other.category, SmspmWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    ours = (str(each.message) for each in caught if issubclass(each.category, SmspmWarning))
    return got, tuple(dict.fromkeys(ours))


class Notices(widgets.HTML):
    """Tells errors and notes as sentences, above whatever was clicked."""

    def __init__(self, after: Callable[[], object]) -> None:
        """Make the place. `after` is called after whatever was attempted."""
        super().__init__()
        self._after = after
        self._depth = 0
        # JupyterLab may have clicks handled in a thread of their own, beside what happens by itself
        self._turn = threading.RLock()
        self.add_class("smspm-said")
        self.clear()

    def clear(self) -> None:
        self._error = ""
        self._notes: tuple[str, ...] = ()
        self._show()

    def take_back_error(self) -> None:
        """Tell no error any more: what failed goes well again."""
        self._error = ""
        self._show()

    def tell(self, notes: Iterable[str]) -> None:
        """Tell what a person should look at, besides what was told since the last click."""
        self._notes = tuple(dict.fromkeys([*self._notes, *notes]))
        self._show()

    def guarded(self, action: Callable[[], object]) -> Callable[..., None]:
        """Make a callback of an action: what it raises is told, and what it warns of.

        A callback in the middle of another one is no click: the panel set a value itself.
        """

        def callback(*_: Any) -> None:
            with self._turn:
                if not self._depth:
                    self.clear()
                    self._show(is_busy=True)
                    self.attempt(action)

        return callback

    def attempt(self, action: Callable[[], object], *, waits: bool = True) -> bool:
        """Do something, and tell what it raises and warns of; tell whether it came to its end.

        What another thread attempts is waited for, or else nothing is done.
        """
        if not self._turn.acquire(blocking=waits):
            return False
        self._depth += 1
        try:
            return self._attempt(action)
        finally:
            if self._depth == 1:
                self._attempt(self._after)
                self._show()
            self._depth -= 1
            self._turn.release()

    def _attempt(self, action: Callable[[], object]) -> bool:
        try:
            with goes_on_by("the buttons of the step “Send”"):
                _, notes = heard(action)
        except SmspmError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(mask_text(_of_system(error)))
        except KeyboardInterrupt:
            self._fail("It was interrupted. What was sent, and what was not, is in the ledger.")
        except Exception as error:  # noqa: BLE001 - a click that fails in silence would be worse
            self._fail(
                f"Something unexpected happened ({type(error).__name__}: {mask_text(str(error))}). "
                "Nothing is lost: what was sent is in the ledger. Please report it."
            )
        else:
            self.tell(notes)
            return True
        return False

    def _fail(self, sentence: str) -> None:
        self._error = sentence
        self._show()

    def _show(self, *, is_busy: bool = False) -> None:
        self.value = VIEWS.notices(self._error, self._notes, is_busy)


def _of_system(error: OSError) -> str:
    """Say what the system said, without its numbers."""
    if error.strerror is None:
        return str(error)
    return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."
