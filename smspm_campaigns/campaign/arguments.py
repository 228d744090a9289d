"""What may be passed to a campaign, and what it means."""

from decimal import Decimal, InvalidOperation
from numbers import Integral
from typing import Any, Final

import pandas as pd

from smspm_campaigns.delivery.ledger.evidence import EURO
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.gateway.client import Client

_MAX_NAME: Final = 100  # characters
_MOST_EUROS: Final = 1_000_000_000  # in billionths they still fit into 64 bits


def check_name(name: Any) -> None:
    """Raise InvalidArgument unless it can be a campaign's name."""
    fits = isinstance(name, str) and name.strip() and len(name) <= _MAX_NAME
    if not (fits and name.isprintable()):
        raise InvalidArgument(f"A campaign's name has 1 to {_MAX_NAME} characters, not {name!r}.")


def check_client(client: Any) -> None:
    """Raise InvalidArgument unless it is a client."""
    if not isinstance(client, Client):
        raise InvalidArgument(
            f"Expected a client, got {client!r}. Pass Client() to send for real, or "
            "Client.simulated() to rehearse."
        )


def check_limit(limit: int | None) -> None:
    """Raise InvalidArgument unless it is a whole number from 0, or None."""
    whole = isinstance(limit, Integral) and not isinstance(limit, bool)
    if limit is not None and not (whole and limit >= 0):
        raise InvalidArgument(
            f"limit is the most rows to take in all, a whole number from 0, not {limit!r}."
        )


def seconds(span: Any, name: str) -> float:
    """Return a span of time in seconds.

    Raises:
        InvalidArgument: it is none, has no unit, or is negative.
    """
    has_unit = not isinstance(span, str) or any(character.isalpha() for character in span)
    try:
        seconds = pd.Timedelta(span).total_seconds() if has_unit else float("nan")
    except (ValueError, TypeError):
        seconds = float("nan")
    if isinstance(span, int | float) or not seconds >= 0:
        raise InvalidArgument(f"{name} is a time such as '10min' or '72h', not {span!r}.")
    return seconds


def patience(timeout: Any) -> float | None:
    """Return how long to wait in seconds, None for as long as it takes: of a number, or a span.

    Raises:
        InvalidArgument: it is none, or negative.
    """
    if timeout is None:
        return None
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    return seconds(pd.Timedelta(timeout, "s") if is_number and timeout >= 0 else timeout, "timeout")


def billionths(euros: float | Decimal) -> int | None:
    """Return an amount in EUR in billionths of one, None for an infinite one.

    Raises:
        InvalidArgument: it is none, negative, or above a billion.
    """
    try:
        value = Decimal(str(euros))
        if value == Decimal("Infinity"):
            return None
        if 0 <= value <= _MOST_EUROS:
            return round(value * EURO)
    except InvalidOperation:
        pass
    raise InvalidArgument(f"max_cost is an amount in EUR from 0, not {euros!r}.")
