"""What the API tells of an account. The quick start knows neither question, so it need not."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from smspm_campaigns.exceptions import OutcomeUnknown

BALANCE: Final = "/balance"  # both seen in public clients
SENDER_IDS: Final = "/sender-ids"
_MOST: Final = 10**12  # EUR; more is nonsense
DEFAULT_SENDER: Final = "SMSPM.com"  # approved by default, quick start


class Balance(NamedTuple):
    """What an account holds, in EUR; `is_stale`: the API says that it may be out of date."""

    amount: Decimal
    is_stale: bool


def read_balance(fields: Mapping[str, Any]) -> Balance:
    """Read the balance of an account.

    Raises:
        OutcomeUnknown: it is not told.
    """
    try:
        amount = Decimal(str(fields.get("balance")))
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > _MOST:
        raise OutcomeUnknown("The API does not tell the balance.")
    return Balance(amount, fields.get("stale") is True)


def read_senders(fields: Mapping[str, Any]) -> list[str]:
    """Read the approved Sender IDs of an account.

    Raises:
        OutcomeUnknown: they are not told.
    """
    senders = fields.get("senders")
    if not isinstance(senders, list) or not all(isinstance(sender, str) for sender in senders):
        raise OutcomeUnknown("The API does not tell the Sender IDs.")
    return senders
