"""The panel as tests use it: without a browser, and on a simulator that has done at once."""

import asyncio
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

import smspm_campaigns as smspm

AT_ONCE: dict[str, Any] = {"submit_after": 0, "final_after": 0, "spread": 0}
PEOPLE = pd.DataFrame(
    {
        "phone": ["+49 171 3920012", "+49 171 3920013", "+49 171 3920013", "nobody"],
        "name": ["Ana", "Bo", "Bo", "Cy"],
    }
)
TEXT = "Hi {{ name }}! STOP: 1234"


class Hasty:
    """A clock on which every wait is over at once."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> float:
        return 1_750_000_000.0 + self._passed

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self._passed += seconds


def quick(**behaviour: Any) -> smspm.Client:
    """A simulator whose messages are delivered as soon as they are sent."""
    return smspm.Client.simulated(clock=Hasty(), **{**AT_ONCE, **behaviour})


def made(frame: pd.DataFrame | None = PEOPLE, text: str = TEXT, **options: Any) -> Any:
    """Make a panel that is about to review this text."""
    panel = smspm.CampaignPanel(frame, **{"client": quick(), **options})
    panel.message.editor.value = text
    go(panel, "review")
    return panel


def go(panel: Any, step: str) -> None:
    """Go to a step, as a click on its button does."""
    panel.steps[panel._steps.index(getattr(panel, step))].click()


def click(button: Any) -> None:
    """Click a button that a person sees and may click."""
    assert is_seen(button)
    assert not button.disabled
    button.click()


def send(panel: Any) -> None:
    """Send what is reviewed, and wait for what became of it."""
    click(panel.review.send)
    click(panel.review.confirm.yes)
    settle(panel)


def settle(panel: Any) -> None:
    """Wait until nothing goes on any more, looking as the panel does by itself."""
    panel._tick()
    while panel._is_running:
        finish(panel)
        panel._tick()


def finish(panel: Any) -> None:
    """Wait for the end of the run that goes on."""
    with warnings.catch_warnings(action="ignore"), suppress(smspm.SmspmError):  # the panel tells
        panel._work.run.wait(progress=False)


def error(panel: Any) -> str:
    """What the panel tells as an error."""
    return "".join(_sentences(panel, "error"))


def notes(panel: Any) -> list[str]:
    """What the panel tells besides errors."""
    return _sentences(panel, "note")


def _sentences(panel: Any, kind: str) -> list[str]:
    return list(
        map(unescape, re.findall(rf'<p class="{kind}">(.*?)</p>', panel._notices.value, re.DOTALL))
    )


def words(widget: Any) -> str:
    """What a person reads in a piece of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", widget.value)).split())


def is_seen(widget: Any) -> bool:
    return bool(widget.layout.display != "none")


def tree(widget: Any) -> Iterator[Any]:
    """Yield a widget and all within it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from tree(child)


def everything(panel: Any) -> Iterator[Any]:
    """Yield all widgets of a panel, those of its other steps, too."""
    yield from tree(panel)
    for step in panel._steps:
        yield from tree(step)


def html(panel: Any) -> Iterator[str]:
    """Yield every piece of HTML a panel shows."""
    for widget in everything(panel):
        if isinstance(widget, widgets.HTML):
            yield widget.value
        if isinstance(widget, widgets.Output):
            yield from (shown["data"].get("text/html", "") for shown in widget.outputs)


def offer(choice: Any, *names: str) -> None:
    """Let files be offered that were not there when the panel was made."""
    choice._uploads += names
    for name in names:
        Path(name).touch()
    choice._list_files()
