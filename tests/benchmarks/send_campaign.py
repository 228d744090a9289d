"""Sending a campaign, its ledger included, against the httpx loop that one writes.

    python tests/benchmarks/send_campaign.py [--rows 4000] [--rounds 3]

The gateway is another process on this machine that answers at once: an ASGI application under
uvicorn that gives each number an id, since the simulator, which looks at what it is told, is the
slower side. The loop is one `httpx.AsyncClient` with 32 connections and 32 tasks; it has no ledger
and believes every reply. Both go in turns in one run, each as fast as it goes, and the best
round counts. Of equal texts there are 25 times as many, in requests of 100. That the gateway was
asked for each number once, in as few requests as can be, is checked.
"""

import asyncio
import io
import json
import multiprocessing
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import httpx
import pandas as pd
import uvicorn

from smspm_campaigns import Campaign, Client

CONNECTIONS: Final = 32
FIRST: Final = 37250000000
NAMELESS: Final = "a nameless hash"  # whose questions are answered without saying which they are


class Job(NamedTuple):
    """Messages, and the requests that a loop makes of them."""

    frame: pd.DataFrame
    requests: list[tuple[list[str], str]]


class Gateway:
    """Takes everything, and delivers it at once.

    A GET tells how many requests and numbers came, and their sum, and how many questions.
    """

    def __init__(self) -> None:
        self.came = {"requests": 0, "numbers": 0, "sum": 0}
        self.questions = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event.get("more_body", False)
        if scope["method"] == "GET":
            answer: dict[str, Any] = {**self.came, "questions": self.questions}
        else:
            answer = self.tell(body) if scope["path"] == "/smsdetails" else self.take(body)
        told = json.dumps(answer).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": told})

    def tell(self, body: bytes) -> dict[str, Any]:
        self.questions += 1
        asked = json.loads(body)
        told = {"status": "delivered", "price": 0.05, "carrier": "Telia"}
        return told if asked["hash"] == NAMELESS else {"id": asked["id"], **told}

    def take(self, body: bytes) -> dict[str, Any]:
        asked = json.loads(body)["toNumber"]
        numbers = [asked] if isinstance(asked, str) else asked
        self.came["requests"] += 1
        self.came["numbers"] += len(numbers)
        self.came["sum"] += sum(map(int, numbers))
        return {
            "messages": [
                {"id": str(uuid.uuid4()), "toNumber": number, "status": "Added to queue"}
                for number in numbers
            ]
        }


def serve(listener: socket.socket) -> None:
    config = uvicorn.Config(Gateway(), log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def serving() -> Iterator[str]:
    # Where the protocol is named asyncio sets TCP_NODELAY; else each reply waits 40 ms for an ACK.
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


def by_hand(url: str, job: Job) -> float:
    """Send with a loop; return the seconds."""

    async def work(client: httpx.AsyncClient, left: Iterator[tuple[list[str], str]]) -> None:
        for numbers, text in left:
            body = {"toNumber": numbers, "text": text, "fromNumber": "SMSPM.com"}
            reply = await client.post(url, json={"hash": "a hash", "token": "a token", **body})
            reply.raise_for_status()
            reply.json()

    async def send_all() -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        async with httpx.AsyncClient(limits=limits) as client:
            left = iter(job.requests)
            await asyncio.gather(*(work(client, left) for _ in range(CONNECTIONS)))

    return seconds(lambda: asyncio.run(send_all()))


def ours(url: str, job: Job) -> float:
    """Send with a ledger; return the seconds."""
    client = Client("a hash", "a token", base_url=url, requests_per_minute=None)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        with redirect_stderr(io.StringIO()):  # which says that a ledger was made
            campaign = Campaign.create("b", job.frame, sender="SMSPM.com", ledger=ledger)
        took = seconds(lambda: campaign.send(client, progress=False))
        counts = campaign.counts()
    if counts["queued"] != len(job.frame):
        raise click.ClickException(f"Not every row was sent: {counts[counts > 0].to_dict()}")
    return took


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(url: str, job: Job, rounds: int) -> tuple[float, float]:
    """Return the best seconds of the loop and of ours, and check what the gateway was asked."""
    before = httpx.get(url).json()
    took = [(by_hand(url, job), ours(url, job)) for _ in range(rounds)]
    after = httpx.get(url).json()
    came = {what: after[what] - before[what] for what in ("requests", "numbers", "sum")}
    numbers = job.frame["sms_to"].astype("int64")
    once = {"requests": len(job.requests), "numbers": len(numbers), "sum": int(numbers.sum())}
    if came != {what: 2 * rounds * count for what, count in once.items()}:
        raise click.ClickException(f"The gateway was asked otherwise: {came}")
    loop, mine = zip(*took, strict=True)
    return min(loop), min(mine)


def job_of(count: int, each: int) -> Job:
    numbers = [str(FIRST + place) for place in range(count)]
    texts = [f"Hi {number}" if each == 1 else "Hi" for number in numbers]
    starts = range(0, count, each)
    frame = pd.DataFrame({"sms_to": numbers, "sms_text": texts})
    return Job(frame, [(numbers[place : place + each], texts[place]) for place in starts])


@click.command(help=__doc__)
@click.option("--rows", default=4000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(rows: int, rounds: int) -> None:
    click.echo(
        f"{'texts':12}{'messages':>10}{'requests':>10}{'loop':>14}{'ours':>14}{'faster':>10}"
    )
    with serving() as url:
        for texts, job in (("personal", job_of(rows, 1)), ("equal", job_of(25 * rows, 100))):
            loop, mine = compare(url, job, rounds)
            count = len(job.frame)
            click.echo(
                f"{texts:12}{count:>10,}{len(job.requests):>10,}"
                f"{count / loop:>12,.0f}/s{count / mine:>12,.0f}/s{loop / mine:>8.1f} x"
            )


if __name__ == "__main__":
    main()
