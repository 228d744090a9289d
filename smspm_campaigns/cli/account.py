"""The commands that ask for the account."""

from typing import Final

import click

from smspm_campaigns.campaign import account
from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.sending import client_of
from smspm_campaigns.cli.speech import Speech
from smspm_campaigns.frames.costs import in_euros
from smspm_campaigns.frames.preview_views import in_a_line

_LONGEST: Final = 40  # characters of a Sender ID that are shown


@click.command(cls=opt.Command)
@opt.AS_JSON
@opt.SIMULATED
def balance(*, as_json: bool, simulated: bool) -> None:
    """Tell the balance of the account."""
    told = account.balance(client_of(simulated=simulated))
    stale = ", by a figure that SMSPM says may be out of date" if told.is_stale else ""
    speech = Speech(is_rehearsal=simulated, as_json=as_json)
    speech.say(f"{in_euros(float(told.amount))} EUR{stale}")
    speech.answer(
        {
            "balance": float(told.amount),
            "currency": "EUR",
            "stale": told.is_stale,
            "rehearsal": simulated,
        }
    )


@click.command(cls=opt.Command)
@opt.AS_JSON
@opt.SIMULATED
def senders(*, as_json: bool, simulated: bool) -> None:
    """List the approved Sender IDs of the account."""
    told = account.sender_ids(client_of(simulated=simulated))
    speech = Speech(is_rehearsal=simulated, as_json=as_json)
    speech.say(
        "\n".join(in_a_line(name, _LONGEST) for name in told)
        or "SMSPM names no Sender ID of your own."
    )
    speech.answer({"senders": told, "rehearsal": simulated})
