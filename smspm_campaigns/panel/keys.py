"""What the page does around the panel: keys that are its own, and what must be seen is."""

from importlib import resources

import anywidget
import traitlets


class Keys(anywidget.AnyWidget):
    """Unseen; it keeps the shortcuts of JupyterLab away from everything in the panel around it.

    When `place`, the step that is shown, changes, the panel is shown from its top.
    """

    _esm = resources.files("smspm_campaigns.panel").joinpath("keys.js").read_text("utf-8")
    place = traitlets.Int(0).tag(sync=True)
