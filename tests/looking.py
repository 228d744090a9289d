"""A ledger as tests look at it: row by row, and change by change."""

from operator import itemgetter
from typing import Any

from smspm_campaigns.delivery.ledger import Ledger, read
from smspm_campaigns.delivery.ledger.read import Change, RowRecord


def rows(ledger: Ledger, campaign_id: int) -> list[RowRecord]:
    """Return every row of a campaign in the order of the frame, with its prevailing attempt."""
    pieces = read.pieces(ledger, campaign_id)
    return [RowRecord(*row) for piece in pieces for row in zip(*piece.values(), strict=True)]


def history(ledger: Ledger, campaign_id: int) -> list[Change]:
    """Return every change of a campaign's rows in order."""
    pieces = read.changes(ledger, campaign_id)
    found: list[Any] = [change for piece in pieces for change in zip(*piece.values(), strict=True)]
    return [Change(*cells) for _, _, *cells in sorted(found, key=itemgetter(0, 1))]
