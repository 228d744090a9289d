"""The keys of a panel are its own, and not JupyterLab's, while it has the focus."""

from importlib import resources

import anywidget


class Keys(anywidget.AnyWidget):
    """Unseen; it keeps the shortcuts of JupyterLab away from everything in the panel around it."""

    _esm = resources.files("smspm_campaigns.panel").joinpath("keys.js").read_text("utf-8")
