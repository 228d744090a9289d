"""Receiving callbacks, against the receiver that one writes.

    python tests/benchmarks/receive_callbacks.py [--rows 2000]

Both are served by uvicorn in a process of their own, and called over a hundred connections with one
GET for each message of a campaign. The plain one is a Starlette application that writes each
callback to SQLite by its own commit, over one connection that stays open, and answers OK. Ours
finds the message in the ledger, moves its row and keeps the change in its history. Both go in turns
in one run, and the better of two counts. That everything was answered OK is checked, and that
everything is recorded.
"""

import asyncio
import io
import multiprocessing
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, Final

import click
import pandas as pd
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smspm_campaigns import Campaign, Client, callback_app

CONNECTIONS: Final = 100
WORDS: Final = ("submitted", "delivered")  # one for each round
FIRST: Final = 37250000000
SECRET: Final = "a-secret-for-a-benchmark"


def plain_app(path: Path) -> Starlette:
    ledger = sqlite3.connect(path, isolation_level=None)

    async def receive(request: Request) -> Response:
        asked = request.query_params
        told = (asked["status"], asked["id"])
        ledger.execute("UPDATE message SET status = ? WHERE id = ?", told)
        return PlainTextResponse("OK")

    return Starlette(routes=[Route("/{secret}", receive)])


def our_app(path: Path) -> Starlette:
    return callback_app(path, secret=SECRET)


def serve(make: Callable[[Path], Any], path: Path, listener: socket.socket) -> None:
    settings: dict[str, Any] = {"http": "h11", "loop": "asyncio", "lifespan": "off"}
    config = uvicorn.Config(make(path), log_config=None, access_log=False, **settings)
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def serving(make: Callable[[Path], Any], path: Path) -> Iterator[int]:
    # Where the protocol is named asyncio sets TCP_NODELAY; else each reply waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=serve, args=(make, path, listener))
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.join()


async def call_all(port: int, ids: Sequence[str], word: str) -> float:
    """Tell this word of each id; return the seconds."""
    left = iter(ids)
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for message_id in left:
            target = f"/{SECRET}?id={message_id}&status={word}"
            writer.write(f"GET {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 ") or await reader.readexactly(2) != b"OK":
                raise click.ClickException(f"Not every callback was taken: {head.decode()}")

    start = time.perf_counter()
    await asyncio.gather(*(work(*ends) for ends in opened))
    took = time.perf_counter() - start
    for _, writer in opened:
        writer.close()
    return took


def make_plain(path: Path, ids: Sequence[str]) -> None:
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE message (id TEXT PRIMARY KEY, status TEXT)")
    made.executemany("INSERT INTO message VALUES (?, 'queued')", [(each,) for each in ids])
    made.commit()
    made.close()


@click.command(help=__doc__)
@click.option("--rows", default=2000, show_default=True)
def main(rows: int) -> None:
    numbers = [str(FIRST + place) for place in range(rows)]
    frame = pd.DataFrame({"sms_to": numbers, "sms_text": "Hi"})
    with tempfile.TemporaryDirectory() as folder:
        plain, ours = Path(folder) / "plain", Path(folder) / "ledger"
        with redirect_stderr(io.StringIO()):  # which says that a ledger was made
            campaign = Campaign.create("b", frame, sender="SMSPM.com", ledger=ours)
        campaign.send(Client.simulated(), progress=False)
        ids = campaign.report()["sms_id"].tolist()
        make_plain(plain, ids)
        with serving(plain_app, plain) as theirs_at, serving(our_app, ours) as ours_at:
            took = [
                [asyncio.run(call_all(port, ids, word)) for port in (theirs_at, ours_at)]
                for word in WORDS
            ]
        told = len(campaign.history().query("evidence == 'callback'"))
        if told != len(WORDS) * rows:
            raise click.ClickException(f"Not every callback is recorded: {told}")
    plain_best, our_best = (min(seconds) for seconds in zip(*took, strict=True))
    click.echo(f"{'callbacks':>10}{'plain':>12}{'ours':>12}{'faster':>10}")
    click.echo(
        f"{rows:>10,}{rows / plain_best:>10,.0f}/s{rows / our_best:>10,.0f}/s"
        f"{plain_best / our_best:>8.1f} x"
    )


if __name__ == "__main__":
    main()
