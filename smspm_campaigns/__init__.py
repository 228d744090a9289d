"""Bulk SMS campaigns from a pandas frame through the SMSPM API, every row accounted for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from smspm_campaigns.campaign import Campaign, list_campaigns
    from smspm_campaigns.delivery.callbacks import callback_app
    from smspm_campaigns.exceptions import SmspmError, SmspmWarning
    from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
    from smspm_campaigns.frames.contacts import read_contacts
    from smspm_campaigns.frames.costs import estimate_costs
    from smspm_campaigns.frames.encoding import explain_encoding
    from smspm_campaigns.frames.numbers import normalize_numbers
    from smspm_campaigns.frames.preview import preview
    from smspm_campaigns.frames.segments import count_segments
    from smspm_campaigns.frames.templates import render_messages
    from smspm_campaigns.gateway.client import Client
    from smspm_campaigns.panel import CampaignPanel
    from smspm_campaigns.vocabulary import Problem, Status

#: Where each public name lives. They are loaded when they are first asked for (PEP 562).
_HOMES: Final = {
    "Campaign": "campaign",
    "CampaignPanel": "panel",
    "Client": "gateway.client",
    "Problem": "vocabulary",
    "SmspmError": "exceptions",
    "SmspmWarning": "exceptions",
    "Status": "vocabulary",
    "callback_app": "delivery.callbacks",
    "count_segments": "frames.segments",
    "estimate_costs": "frames.costs",
    "explain_encoding": "frames.encoding",
    "list_campaigns": "campaign",
    "mark_duplicates": "frames.audience",
    "mark_suppressed": "frames.audience",
    "normalize_numbers": "frames.numbers",
    "preview": "frames.preview",
    "read_contacts": "frames.contacts",
    "render_messages": "frames.templates",
}

__all__ = [
    "Campaign",
    "CampaignPanel",
    "Client",
    "Problem",
    "SmspmError",
    "SmspmWarning",
    "Status",
    "callback_app",
    "count_segments",
    "estimate_costs",
    "explain_encoding",
    "list_campaigns",
    "mark_duplicates",
    "mark_suppressed",
    "normalize_numbers",
    "preview",
    "read_contacts",
    "render_messages",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
