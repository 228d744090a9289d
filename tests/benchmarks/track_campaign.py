"""Asking what became of messages, the ledger included, against the httpx loop that one writes.

    python tests/benchmarks/track_campaign.py [--rows 4000] [--rounds 3]

The gateway is that of send_campaign.py: another process, which answers at once. The loop is one
`httpx.AsyncClient` with 32 connections and 32 tasks; it has no ledger and keeps the answers in a
dict. Both go in turns in one run, each as fast as it goes, and the best round counts. That each
message was asked about once, and that the ledger has every answer, is checked.

A reply that says which message it is about lets the next question have its connection. The quick
start does not show that; where replies do not say it, each question has a connection of its own.
"""

import asyncio
import io
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, Final

import click
import httpx
from send_campaign import CONNECTIONS, NAMELESS, job_of, seconds, serving

from smspm_campaigns import Campaign, Client

WAIT: Final = 2.1  # seconds from the acceptance of a message to the first question about it


def by_hand(url: str, name: str, ids: list[str]) -> float:
    """Ask with a loop; return the seconds."""
    told: dict[str, Any] = {}

    async def work(client: httpx.AsyncClient, left: Iterator[str]) -> None:
        for message_id in left:
            reply = await client.post(f"{url}/smsdetails", json={"hash": name, "id": message_id})
            reply.raise_for_status()
            told[message_id] = reply.json()

    async def ask_all() -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        async with httpx.AsyncClient(limits=limits) as client:
            left = iter(ids)
            await asyncio.gather(*(work(client, left) for _ in range(CONNECTIONS)))

    return seconds(lambda: asyncio.run(ask_all()))


def compare(url: str, name: str, rows: int, folder: Path) -> tuple[float, float]:
    """Send a campaign, and ask about its messages; return the seconds of the loop and of ours."""
    client = Client(name, "a token", base_url=url, requests_per_minute=None)
    with redirect_stderr(io.StringIO()):  # which says that a ledger was made
        campaign = Campaign.create(
            "b", job_of(rows, 100).frame, sender="SMSPM.com", ledger=folder / "ledger"
        )
    campaign.send(client, progress=False)
    before = httpx.get(url).json()["questions"]
    loop = by_hand(url, name, campaign.report()["sms_id"].tolist())
    asyncio.run(asyncio.sleep(WAIT))
    mine = seconds(lambda: campaign.track(client, progress=False))
    report = campaign.report()
    is_whole = report["sms_status"].eq("delivered").all() and report["sms_price"].eq(0.05).all()
    asked = httpx.get(url).json()["questions"] - before
    if asked != 2 * rows or not is_whole:
        raise click.ClickException(f"It was asked otherwise: {asked} times for {rows} messages.")
    return loop, mine


@click.command(help=__doc__)
@click.option("--rows", default=4000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(rows: int, rounds: int) -> None:
    click.echo(f"{'replies':20}{'questions':>10}{'loop':>14}{'ours':>14}{'faster':>10}")
    with serving() as url:
        for replies, name in (("that name no message", NAMELESS), ("that name theirs", "a hash")):
            took = []
            for _ in range(rounds):
                with tempfile.TemporaryDirectory() as folder:
                    took.append(compare(url, name, rows, Path(folder)))
            loop, mine = (min(times) for times in zip(*took, strict=True))
            click.echo(
                f"{replies:20}{rows:>10,}{rows / loop:>12,.0f}/s{rows / mine:>12,.0f}/s"
                f"{loop / mine:>8.1f} x"
            )


if __name__ == "__main__":
    main()
