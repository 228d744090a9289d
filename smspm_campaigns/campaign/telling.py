"""What a person should look at when a run has ended."""

from smspm_campaigns.campaign.opening import opened
from smspm_campaigns.campaign.reading import Reading
from smspm_campaigns.delivery.ledger import owners, read
from smspm_campaigns.exceptions import warn
from smspm_campaigns.reporting.words import several
from smspm_campaigns.vocabulary import OPEN, Status


def tell_what_is_open(campaign: Reading, counts: dict[str, int], how_to_go_on: str) -> None:
    """Warn of messages that something is still to be learnt of, and say what to do next."""
    with opened(campaign.path) as ledger:
        lack = read.still_open(ledger, read.find_campaign(ledger, campaign.name).id)
    still_open = sum(counts[status] for status in OPEN)
    asked = still_open - lack.unasked
    told = []
    if asked > 0:
        told.append(f"{_messages(asked)} no final status yet.")
    if count := lack.unpriced:
        told.append(
            f"Of {several(count, 'message')} with a final status the price is not known yet."
        )
    if told:
        warn(" ".join([*told, how_to_go_on]))
    if lack.priceless:
        warn(f"Of {several(lack.priceless, 'message')} with a final status SMSPM names no price.")
    if lack.unasked:
        warn(
            f"{_messages(lack.unasked)} no final status, and no id to ask about. A callback "
            "may still tell; without one they are unconfirmed when they are old."
        )


def tell_what_is_left(campaign: Reading, counts: dict[str, int]) -> None:
    """Warn of rows that a person has to look at after they were sent."""
    if counts[Status.SENDING]:
        with opened(campaign.path) as ledger:
            lost = owners.lost_locks(ledger, read.find_campaign(ledger, campaign.name).id)
        if lost:
            warn(
                f"{counts[Status.SENDING]:,} rows stay sending: whether the program that claimed "
                "them still runs cannot be known, since its lock file is not there. When it has "
                f"surely ended, make an empty file {lost[0]}; then they are unknown."
            )
    if counts[Status.UNKNOWN]:
        warn(
            f"Of {counts[Status.UNKNOWN]:,} rows it is not known whether they were sent. They "
            "are never sent again by themselves; unknown() shows them. Compare them with the "
            "message log of your SMSPM account, then resolve_unknown(…) says what became of "
            "them."
        )


def _messages(count: int) -> str:
    return f"{several(count, 'message')} {'has' if count == 1 else 'have'}"
