"""The ledger: where every row stands, on disk before anything leaves. The only SQL."""

from smspm_campaigns.delivery.ledger.connection import Ledger, default_path
from smspm_campaigns.delivery.ledger.owners import Owner

__all__ = ["Ledger", "Owner", "default_path"]
