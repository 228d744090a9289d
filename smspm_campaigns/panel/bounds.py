"""How much a run may send and cost, as a person types it."""

import re
from typing import Any, Final

import ipywidgets as widgets

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.exceptions import InvalidArgument

_AMOUNT: Final = re.compile(r"\d+(?:[.,]\d{1,2})?|inf")  # a thousand has no separator


class Bounds(widgets.HBox):
    """Two fields that may be blank: the most messages, and the most euros."""

    def __init__(self) -> None:
        self.limit = widgets.Text(description="At most", placeholder="all messages")
        self.max_cost = widgets.Text(description="Budget, EUR", placeholder="no limit")
        super().__init__([self.limit, self.max_cost])

    def kept(self) -> dict[str, str]:
        """Return what was typed; nothing where both are blank."""
        typed = {"limit": self.limit.value, "max_cost": self.max_cost.value}
        return typed if any(typed.values()) else {}

    def recall(self, kept: dict[str, str]) -> None:
        """Type again what was kept; blank where nothing was."""
        self.limit.value = str(kept.get("limit", ""))
        self.max_cost.value = str(kept.get("max_cost", ""))

    def left(self, planned: int, campaign: Campaign | None) -> int:
        """Say how many of the planned messages the limit, which counts all ever taken, leaves."""
        limit = self.limit.value.strip()
        if campaign is None or not limit.isdecimal():
            return planned
        return max(0, min(planned, int(limit) - campaign.taken))

    def options(self) -> dict[str, Any]:
        """Return them as options of `Campaign.send`.

        Raises:
            InvalidArgument: a field holds something else.
        """
        limit, cost = self.limit.value.strip(), self.max_cost.value.strip()
        if limit and not limit.isdecimal():
            raise InvalidArgument(f"“At most” is a number of messages, such as 100, not {limit!r}.")
        if cost and not _AMOUNT.fullmatch(cost):
            raise InvalidArgument(f"The budget is an amount of EUR, such as 50.25, not {cost!r}.")
        amount = float(cost.replace(",", ".")) if cost else None
        return {"limit": int(limit) if limit else None, "max_cost": amount}
