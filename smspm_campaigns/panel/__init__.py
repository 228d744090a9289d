"""The ipywidgets face. No logic of its own: every click is a call of a public function."""

from smspm_campaigns.panel.panel import CampaignPanel

__all__ = ["CampaignPanel"]
