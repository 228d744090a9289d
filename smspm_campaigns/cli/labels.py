"""Rows as a person names them in a terminal."""

from typing import Any

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.frames.cells import as_text


def label_of(campaign: Campaign, typed: str) -> Any:
    """Return the index label that is written like this; what was typed where none is."""
    return labels_of(campaign, [typed])[0]


def labels_of(campaign: Campaign, typed: list[str]) -> list[Any]:
    """Return the index labels that are written like these."""
    labels = {as_text(label): label for label in campaign.report().index}
    return [labels.get(text, text) for text in typed]
