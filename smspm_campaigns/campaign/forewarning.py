"""Warning of what the account has against a plan, before the first message leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from smspm_campaigns.campaign.opening import opened
from smspm_campaigns.campaign.ordering import send_order
from smspm_campaigns.campaign.watching import answer
from smspm_campaigns.delivery.ledger import read
from smspm_campaigns.delivery.ledger.evidence import EURO
from smspm_campaigns.delivery.ledger.read import Demand
from smspm_campaigns.delivery.preflight import ask_account, forewarnings
from smspm_campaigns.exceptions import warn
from smspm_campaigns.frames.cells import is_blank
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.vocabulary import COST, PROBLEM, SENDER, TEXT, TO

_IS_SAID: Final[ContextVar[bool]] = ContextVar("is_said", default=False)


@contextmanager
def forewarned() -> Iterator[None]:
    """Ask nothing of the account in the block: a person was warned before, and wants to go on."""
    token = _IS_SAID.set(True)
    try:
        yield
    finally:
        _IS_SAID.reset(token)


def forewarn(path: Path, name: str, client: Client, limit: int | None) -> None:
    """Warn, at the caller's line, of senders and a balance with which a run would stop.

    It asks the API twice, for five seconds at most. What the API does not tell changes nothing.
    """
    if not _IS_SAID.get():
        with opened(path) as ledger:
            demand = read.demand(ledger, read.find_campaign(ledger, name).id, limit)
        _warn_of(demand, client)


def forewarn_of(
    frame: pd.DataFrame, client: Client, *, sender: str | None, limit: int | None
) -> None:
    """Warn of the same for a messages frame that is no campaign yet."""
    _warn_of(demand_of(frame, sender=sender, limit=limit), client)


def _warn_of(demand: Demand, client: Client) -> None:
    """Ask for the account, and warn of what it has against this. Nothing to send asks nothing."""
    if not demand.senders:
        return
    account = answer(lambda: ask_account(client), call="send(…)")
    for sentence in forewarnings(demand, account):
        warn(sentence)


def demand_of(frame: pd.DataFrame, *, sender: str | None, limit: int | None) -> Demand:
    """Sum up what a run would take of a messages frame that is no campaign yet."""
    waiting = frame[frame[PROBLEM].isna()] if PROBLEM in frame else frame
    own = waiting[SENDER] if SENDER in waiting else [None] * len(waiting)
    senders = [sender if is_blank(cell) else cell for cell in own]
    costs = pd.to_numeric(waiting.get(COST, pd.Series(index=waiting.index)), errors="coerce")
    places = np.arange(len(waiting))
    if limit is not None:
        shared = list(zip(waiting[TEXT], senders, strict=True))
        contents, _ = pd.factorize(pd.Series(shared, dtype="object"))
        places = send_order(waiting[TO].to_numpy("int64"), contents)[:limit]
    counts = pd.Series([senders[place] for place in places], dtype="object").value_counts()
    priced = costs.iloc[places].dropna()
    return Demand(
        {str(name): int(count) for name, count in counts.sort_index().items()},
        sum(round(cost * EURO) for cost in priced),
        len(places) - len(priced),
    )
