"""The one object a notebook holds: frames on one side, delivery on the other."""

from smspm_campaigns.campaign.campaign import Campaign, list_campaigns

__all__ = ["Campaign", "list_campaigns"]
