"""What the panel shows of data: HTML that Jinja escapes, so that a file can write none."""

from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from smspm_campaigns.frames.preview_views import visible
from smspm_campaigns.panel.words import in_words

_ENVIRONMENT: Final = Environment(
    autoescape=True,
    loader=PackageLoader("smspm_campaigns.panel", "."),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["visible"] = visible
_ENVIRONMENT.filters["said"] = lambda sentence: visible(in_words(sentence))

#: The macros of `views.html.j2`: each makes a piece of HTML.
VIEWS: Final[Any] = _ENVIRONMENT.get_template("views.html.j2").module

STYLE: Final = resources.files("smspm_campaigns.panel").joinpath("panel.css").read_text("utf-8")


def seen(widget: Any, *, is_seen: bool) -> None:
    """Show a widget, or take it out of sight and out of the order of keys."""
    widget.layout.display = "" if is_seen else "none"
