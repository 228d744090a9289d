"""Sending a campaign, its ledger included, against the httpx loop that one writes.

    python tests/benchmarks/send_campaign.py [--rows 4000]

The gateway is another process on this machine that answers at once, as an ASGI application under
uvicorn. The loop is one `httpx.AsyncClient` with 32 connections and 32 tasks: no ledger, no check of
the replies. Both in turns, in one run, each as fast as it goes; the best of three. What the gateway
received must be every row once.
"""

import asyncio
import json
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import uvicorn

from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, plan, read
from smspm_campaigns.delivery.ledger.plan import PlannedRow
from smspm_campaigns.delivery.sender import send_campaign
from smspm_campaigns.gateway.client import Client

CONNECTIONS = 32


async def gateway(scope: Any, receive: Any, send: Any) -> None:
    """Take everything: an id for each number, without looking at anything else."""
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event["body"], event.get("more_body", False)
    numbers = json.loads(body)["toNumber"]
    numbers = [numbers] if isinstance(numbers, str) else numbers
    global taken  # noqa: PLW0603
    made = []
    for number in numbers:
        taken += 1
        made.append(
            {
                "id": f"00000000-0000-8000-8000-{taken:012x}",
                "toNumber": number,
                "status": "Added to queue",
            }
        )
    told = json.dumps({"messages": made}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": told})


taken = 0


def serve(listener: socket.socket) -> None:
    config = uvicorn.Config(
        gateway, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=75
    )
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def serving() -> Iterator[str]:
    # With the protocol named asyncio sets TCP_NODELAY; without it each reply waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(listener,))
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.terminate()
        process.join()


def by_hand(url: str, requests: list[tuple[list[str], str]]) -> None:
    async def work(client: httpx.AsyncClient, left: Iterator[tuple[list[str], str]]) -> None:
        for numbers, text in left:
            body = {
                "hash": "h",
                "token": "t",
                "toNumber": numbers,
                "text": text,
                "fromNumber": "SMSPM.com",
            }
            reply = await client.post(url, json=body)
            reply.raise_for_status()
            reply.json()

    async def all_of_them() -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        async with httpx.AsyncClient(limits=limits) as client:
            left = iter(requests)
            await asyncio.gather(*(work(client, left) for _ in range(CONNECTIONS)))

    asyncio.run(all_of_them())


def ours(url: str, rows: list[PlannedRow]) -> Callable[[], None]:
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "ledger"
    Ledger.create(path)
    with Ledger.open(path) as ledger:
        plan.create_campaign(ledger, "b", rows, manifest="{}", allow_repeat=False, at=0)
        campaign_id = read.find_campaign(ledger, "b").id
    client = Client("h", "t", base_url=url, requests_per_minute=None)

    def work() -> None:
        Run(
            lambda run: send_campaign(run, path, campaign_id, client, limit=None, report_url=None)
        ).wait()
        with Ledger.open(path) as ledger:
            counts = read.count_by_status(ledger, campaign_id)
        if counts != {"queued": len(rows)}:
            raise click.ClickException(f"Not every row was sent: {counts}")
        folder.cleanup()

    return work


def row(number: str, text: str) -> PlannedRow:
    return PlannedRow(
        number, "EE", "mobile", text, "SMSPM.com", "GSM-7", 1, 50_000_000, None, None, None, "[]"
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@click.command(help=__doc__)
@click.option("--rows", default=4000, show_default=True)
def main(rows: int) -> None:
    numbers = [str(37250000000 + place) for place in range(rows)]
    click.echo(f"{'texts':24}{'messages':>10}{'loop /s':>12}{'ours /s':>12}{'faster':>12}")
    with serving() as url:
        for title, plan_of, requests, count in (
            (
                "one for each person",
                [row(n, f"Hi {n}") for n in numbers],
                [([n], f"Hi {n}") for n in numbers],
                rows,
            ),
            (
                "the same for all",
                [row(str(37250000000 + place), "Hi") for place in range(25 * rows)],
                [
                    ([str(37250000000 + place) for place in range(at, at + 100)], "Hi")
                    for at in range(0, 25 * rows, 100)
                ],
                25 * rows,
            ),
        ):
            rounds = [
                (seconds(lambda: by_hand(url, requests)), seconds(ours(url, plan_of)))
                for _ in range(2)
            ]
            loop, mine = map(min, zip(*rounds, strict=True))
            click.echo(
                f"{title:24}{count:>10,}{count / loop:>12,.0f}{count / mine:>12,.0f}{loop / mine:>10.1f} x"
            )


if __name__ == "__main__":
    main()
