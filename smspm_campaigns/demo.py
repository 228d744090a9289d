"""The main job from file to report, on the simulator, with sample data: nobody is texted."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Final

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.preview import preview
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.gateway.client import Client

NAME: Final = "spring-sale"

_FAILURE_RATE: Final = 0.03  # of the simulated messages


def sample(name: str) -> Path:
    """Return a file of the sample data, in an installed package or beside its source."""
    package = Path(str(resources.files("smspm_campaigns")))
    places = (package / "sample_data", package.parent / "sample_data")
    return next(place for place in places if place.is_dir()) / name


def run(folder: Path, say: Callable[[str], None]) -> None:
    """Run the demo. Its ledger and reports are in a folder; a second run sends nothing again.

    Args:
        folder: where the ledger and the reports are written; made when it is not there.
        say: prints a line for a person.
    """
    say(f"Reading {sample('spring_sale.xlsx')}")
    messages = (
        read_contacts(sample("spring_sale.xlsx"))
        .pipe(normalize_numbers, column="phone", region="country", mobile_only=True)
        .pipe(mark_duplicates)
        .pipe(mark_suppressed, sample("opted_out.csv"))
        .pipe(render_messages, sample("spring_sale.txt"), replace="typography")
        .pipe(estimate_costs, sample("prices.csv"))
    )
    client = Client.simulated(failure_rate=_FAILURE_RATE)
    say(f"\n{preview(messages, client=client)}\n")

    campaign = Campaign.create(NAME, messages, sender="SMSPM.com", ledger=folder / "ledger.sqlite")
    waiting = int(campaign.counts()["planned"])
    if waiting:
        say(
            f"Sending {waiting:,} messages on the simulator. This is a rehearsal: nobody is texted."
        )
    else:
        say("This campaign was already sent on the simulator, so nothing is sent again.")
    campaign.send(client)
    campaign.track(client)
    say(_told(campaign))

    reports = [campaign.to_excel(folder / "report.xlsx")]
    reports += [campaign.to_html(folder / "report.html"), campaign.to_csv(folder / "report.csv")]
    say("\nThe reports:\n" + "\n".join(f"  {report}" for report in reports))


def _told(campaign: Campaign) -> str:
    counts = campaign.counts()
    told = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    return f"{counts.sum():,} rows: {told}."
