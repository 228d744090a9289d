"""The one object a notebook holds: frames on one side, delivery on the other."""

from smspm_campaigns.campaign.campaign import Campaign
from smspm_campaigns.campaign.opening import list_campaigns

__all__ = ["Campaign", "list_campaigns"]
