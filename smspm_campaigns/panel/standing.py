"""How the rows of a campaign stand, as a bar and its words."""

import ipywidgets as widgets
import pandas as pd

from smspm_campaigns.panel.views import VIEWS
from smspm_campaigns.vocabulary import STATUS_TITLES, Status


class Standing(widgets.HTML):
    """A bar of all rows by status."""

    def show(self, counts: "pd.Series[int]") -> None:
        """Show how many rows have each status; those without rows are left out."""
        rows = [
            (str(status), STATUS_TITLES[status], int(counts[status]))
            for status in _ORDER
            if counts[status]
        ]
        self.value = VIEWS.statuses(rows)


#: From the best end to what is still to come.
_ORDER = (
    Status.DELIVERED,
    Status.SUBMITTED,
    Status.QUEUED,
    Status.SENDING,
    Status.PLANNED,
    Status.UNCONFIRMED,
    Status.UNKNOWN,
    Status.FAILED,
    Status.REFUSED,
    Status.CANCELLED,
    Status.EXCLUDED,
)
