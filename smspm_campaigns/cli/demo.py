"""The command that shows the main job, on the simulator, with sample data: nobody is texted."""

import shlex
from importlib import resources
from pathlib import Path
from typing import Final

import click

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.messages import say_preview
from smspm_campaigns.cli.speech import Speech, at_work, told_of
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.preview import preview
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.vocabulary import Status

NAME: Final = "spring-sale"
_FAILURE_RATE: Final = 0.03  # of the simulated messages


def sample(name: str) -> Path:
    """Return a file of the sample data, in an installed package or beside its source."""
    package = Path(str(resources.files("smspm_campaigns")))
    places = (package / "sample_data", package.parent / "sample_data")
    return next(place for place in places if place.is_dir()) / name


@click.command(cls=opt.Command, rehearses=True)
@click.option(
    "--output",
    type=opt.PATH,
    default=Path("smspm-demo"),
    show_default=True,
    help="Folder for the ledger and the reports.",
)
def demo(output: Path) -> None:
    """Run the main job on the simulator with sample data.

    From an Excel file to a report: nobody is texted, and no account is needed. The ledger and the
    reports are in a folder of their own; a second run sends nothing again.
    """
    speech = Speech(is_rehearsal=True)
    speech.say(f"Reading {sample('spring_sale.xlsx')}")
    messages = (
        read_contacts(sample("spring_sale.xlsx"))
        .pipe(normalize_numbers, column="phone", region="country", mobile_only=True)
        .pipe(mark_duplicates)
        .pipe(mark_suppressed, sample("opted_out.csv"))
        .pipe(render_messages, sample("spring_sale.txt"), replace="typography")
        .pipe(estimate_costs, sample("prices.csv"))
    )
    client = Client.simulated(failure_rate=_FAILURE_RATE)
    speech.say("")
    say_preview(speech, preview(messages, client=client))
    ledger = output / "ledger.sqlite"
    campaign = Campaign.create(NAME, messages, sender="SMSPM.com", ledger=ledger)
    waiting = int(campaign.counts()[Status.PLANNED])
    if waiting:
        speech.say(f"\nSending {waiting:,} messages on the simulator: nobody is texted.")
    else:
        speech.say("\nThis campaign was taken by the simulator before, so nothing is sent again.")
    campaign.send(client)
    campaign.track(client)
    speech.say(f"{campaign.counts().sum():,} rows of {told_of(campaign)}")
    speech.say("\nThe reports:")
    for write, ending in (
        (campaign.to_excel, "xlsx"),
        (campaign.to_html, "html"),
        (campaign.to_csv, "csv"),
    ):
        path = output / f"report.{ending}"
        at_work(f"Writing {path}")
        speech.say(f"  {write(path)}")
    speech.say(
        "\nTo look at it: smspm-campaigns show "
        f"{NAME} --ledger {shlex.quote(str(ledger))}\n"
        "To send for real, set SMSPM_HASH and SMSPM_TOKEN, and name your file and your text:\n"
        "  smspm-campaigns send my-first-campaign contacts.xlsx --column phone --region DE "
        '--template "Hi {{ first_name }}, … Reply STOP to opt out." --sender SMSPM.com'
    )
