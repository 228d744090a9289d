"""When to go on: turns, waits after a request that was not taken, and the next time to ask."""

import math
import random
from collections.abc import Awaitable, Callable
from typing import Final

from smspm_campaigns.clock import Clock
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger.evidence import FIRST_POLL, LAST_POLL
from smspm_campaigns.exceptions import GatewayError, LedgerError, RateLimited
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.pace import Pace

SECOND: Final = 1_000_000  # microseconds

MOST_NOT_TAKEN: Final = 5  # requests of one lane in a row that were not taken before it gives up
_WRITE_AGAIN: Final = (0.1, 0.5, 2.0, *[5.0] * 11)  # seconds: a minute to write down a reply
_FIRST_WAIT: Final = 1.0  # seconds after the first of them; doubled after each other
_MOST_DOUBLED: Final = 6  # times, to about a minute


def micros(clock: Clock) -> int:
    """Return the wall clock in microseconds since 1970-01-01 UTC."""
    return round(clock.now() * SECOND)


async def take_turn(run: Run, client: Client, left: Callable[[], float] = lambda: math.inf) -> bool:
    """Wait for the client's next turn and take it; tell whether.

    Not when the run is asked to stop, or no time is `left`, in seconds.
    """
    while not run.stopping and left() > 0:
        wait = client.pace.take()
        if not wait:
            return True
        await run.pause(client.clock, min(wait, left()))
    return False


def hold_back(
    pace: Pace,
    error: GatewayError,
    times: int,
    *,
    most: float = MOST_NOT_TAKEN,
    chance: Callable[[], float] = random.random,
) -> None:
    """Let everybody wait after a request was not taken for the n-th time in a row.

    As told, but never less than the time that doubles: a gateway may say 0. Up to once that time
    more comes by chance, so that programs that were told the same do not come back together.

    Args:
        most: the number of times that is too often.
        chance: gives a number from 0 to 1.

    Raises:
        GatewayError: the error itself, when it was too often. What was told holds for others too.
    """
    told = error.retry_after if isinstance(error, RateLimited) else None
    if times >= most:
        pace.hold(told or 0.0)
        raise error
    doubled = _FIRST_WAIT * 2.0 ** min(times - 1, _MOST_DOUBLED)
    pace.hold(max(told or 0.0, doubled) + chance() * doubled)


async def write_down(
    clock: Clock,
    write: Callable[[], Awaitable[None]],
    failed: Callable[[LedgerError], object] = lambda _: None,
) -> None:
    """Write down what a reply proves, several times if need be: it is told only once.

    Raises:
        LedgerError: the ledger cannot be written; `failed` has heard of each time.
    """
    for wait in (*_WRITE_AGAIN, None):
        try:
            await write()
        except LedgerError as failure:
            failed(failure)
            if wait is None:
                raise
            await clock.sleep(wait)
        else:
            return


def first_poll(sent_at: int) -> int:
    """Return when to ask for the first time about a message sent then."""
    return sent_at + FIRST_POLL


def next_poll(sent_at: int, now: int) -> int:
    """Return when to ask again: after half the message's age; seconds at first, hours at last."""
    return now + min(max((now - sent_at) // 2, FIRST_POLL), LAST_POLL)
