"""What the API tells of the account, held against a plan before anything of it is sent."""

import asyncio
from collections.abc import Awaitable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple, TypeVar

from smspm_campaigns.delivery.ledger.evidence import EURO
from smspm_campaigns.delivery.ledger.read import Demand
from smspm_campaigns.gateway.account import DEFAULT_SENDER, Balance
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import mask_text

_PATIENCE: Final = 5.0  # seconds for each answer, its turn included: nobody needs it to send
_MOST_NAMED: Final = 10  # senders in a sentence
_CENT: Final = Decimal("0.01")

_Told = TypeVar("_Told")


class Account(NamedTuple):
    """What the API tells of an account; None: it does not."""

    senders: Sequence[str] | None
    balance: Balance | None


async def ask_account(client: Client) -> Account:
    """Ask once for the Sender IDs and the balance. Whatever goes wrong, they are not told.

    Both questions are undocumented, so no failure says anything: neither a 404 nor a refusal, nor
    a 429, which may count these alone.
    """
    senders, balance = await asyncio.gather(
        _told(client.sender_ids()), _told(client.stated_balance())
    )
    return Account(senders, balance)


async def _told(asked: Awaitable[_Told]) -> _Told | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await asked
    except Exception:  # noqa: BLE001 - whatever it is, the first request tells what matters
        return None


def forewarnings(demand: Demand, account: Account) -> list[str]:
    """Say what of an account speaks against a plan: each a sentence for a person."""
    told = [
        "" if account.senders is None else _about_senders(demand, account.senders),
        "" if account.balance is None else _about_balance(demand, account.balance),
    ]
    return [sentence for sentence in told if sentence]


def _about_senders(demand: Demand, senders: Sequence[str]) -> str:
    approved = sorted({*senders, DEFAULT_SENDER})
    missing = [
        f"{_shown(sender)} ({_rows(count)}{_near(sender, approved)})"
        for sender, count in demand.senders.items()
        if sender not in approved
    ]
    if not missing:
        return ""
    return (
        f"Of the senders, SMSPM does not name {_joined(missing)} as approved. It names "
        f"{_joined([_shown(sender) for sender in approved])}. A sender that is not approved is "
        "refused, and the run stops there."
    )


def _near(sender: str, approved: list[str]) -> str:
    """Name what differs in capitals or blanks alone."""
    near = [known for known in approved if _plain(known) == _plain(sender)]
    return f"; did you mean {_joined([_shown(known) for known in near])}?" if near else ""


def _plain(sender: str) -> str:
    return "".join(sender.split()).casefold()


def _about_balance(demand: Demand, balance: Balance) -> str:
    cost = Decimal(demand.cost) / EURO
    all_are_unpriced = demand.unpriced == sum(demand.senders.values())
    stale = ", by a figure that SMSPM says may be out of date" if balance.is_stale else ""
    held = f"The balance is {balance.amount.quantize(_CENT, ROUND_FLOOR):,} EUR{stale}"
    expected = f"{cost.quantize(_CENT, ROUND_CEILING):,} EUR"
    unpriced = f"{_rows(demand.unpriced)} {'has' if demand.unpriced == 1 else 'have'} no price"
    if cost > balance.amount and not all_are_unpriced:
        more = f", and {unpriced}" if demand.unpriced else ""
        return (
            f"{held}, and what may be sent is expected to cost {expected}{more}. Top up your "
            "account, or send less with a limit: where the balance ends, the run stops."
        )
    if all_are_unpriced and balance.amount <= 0:
        return f"{held}, and {unpriced}. Top up your account: without a balance nothing is sent."
    if demand.unpriced and not all_are_unpriced:
        return (
            f"{held}. Whether it suffices is not known: {unpriced}, and the others are expected to "
            f"cost {expected}."
        )
    return ""  # it suffices, or nobody has estimated what it costs


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _shown(sender: str) -> str:
    return repr(mask_text(sender))


def _joined(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = [*names[:_MOST_NAMED], *([f"{more:,} more"] if more > 0 else [])]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
