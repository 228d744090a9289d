"""The report of a campaign against the query and the loop that one writes.

    python tests/benchmarks/report_campaign.py [--rows 1000000] [--rounds 2]

Each row has a text and a column each of text, numbers, dates and categories of one's own, and each
that was sent an id, a price and a carrier; some are excluded, failed, unknown, or were sent again.
The plain way is `pandas.read_sql_query` over the same joined tables, and a frame of `json.loads` of
one's own cells. Both go in turns in one run, each in a process of its own, and the best round
counts; that they tell the same of each row is checked. Prints seconds, the most memory of the whole
process, how many times as fast it is, and both for what an export goes through and the history.
"""

import contextlib
import hashlib
import io
import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import numpy as np
import pandas as pd

import smspm_campaigns as smspm

SHOPS: Final = ("Würzburg", "Hoboken", "Hamburg Altona", "La Romana", "Tartu")
FIRST: Final = 37_250_000_000  # the first number
GIBIBYTE: Final = 1 << 30
_SPAWN: Final = multiprocessing.get_context("spawn")  # a fork would begin with our memory

#: What takes a campaign to its end. Sending a million rows takes longer than all that is measured
#: here, so that the tables are filled as a send and a track would leave them.
FINISH: Final = """
INSERT INTO owner (id, started_at, ended_at, ending, campaign_id) VALUES ('o', 0, 1, 'finished', 1);
UPDATE campaign SET gateway = 'simulated';
INSERT INTO request (id, campaign_id, owner_id, claimed_at, answered_at)
SELECT DISTINCT 'r' || sequence / 100, 1, 'o', 0, 1 FROM recipient WHERE sequence IS NOT NULL;
INSERT INTO request (id, campaign_id, owner_id, claimed_at, answered_at)
VALUES ('first', 1, 'o', 0, 1);
INSERT INTO attempt (recipient_id, request_id, status, error, updated_at)
SELECT id, 'first', 'not_taken', 'a person said that it was not sent', 1750000000000000
  FROM recipient WHERE sequence % 200 = 3;
INSERT INTO attempt (recipient_id, request_id, status, message_id, word, error, price, carrier,
                     sent_at, updated_at)
SELECT id, 'r' || sequence / 100,
       CASE sequence % 200 WHEN 1 THEN 'failed' WHEN 2 THEN 'unknown' ELSE 'delivered' END,
       CASE WHEN sequence % 200 <> 2 THEN printf('%016x', id * 2654435761) END,
       CASE sequence % 200 WHEN 1 THEN 'FAILED' WHEN 2 THEN NULL ELSE 'DELIVERED' END,
       CASE sequence % 200 WHEN 1 THEN 'absent' WHEN 2 THEN 'no answer in 30 s' END,
       CASE WHEN sequence % 200 <> 2 THEN 74000000 + id % 3 * 500000 END,
       CASE WHEN sequence % 200 <> 2 THEN substr('TeliaTele2Elisa', id % 3 * 5 + 1, 5) END,
       CASE WHEN sequence % 200 <> 2 THEN 1750000001000000 + sequence * 1000 END,
       1750000009000000 + sequence * 1000
  FROM recipient WHERE sequence IS NOT NULL ORDER BY sequence;
UPDATE recipient SET status = (SELECT status FROM attempt WHERE recipient_id = recipient.id
                                ORDER BY attempt.id DESC LIMIT 1) WHERE sequence IS NOT NULL;
INSERT INTO event (request_id, at, status, evidence)
SELECT id, 1750000000000000, 'sending', 'claim' FROM request;
INSERT INTO event (request_id, at, status, evidence)
SELECT id, 1750000001000000, 'queued', 'reply' FROM request;
INSERT INTO event (recipient_id, attempt_id, at, status, evidence, error)
SELECT recipient_id, id, updated_at, status, 'poll', error FROM attempt;
"""

PLAIN: Final = """
SELECT original, number, country, line, content.text, content.encoding, content.segments, cost,
       content.sender, problem, problems, detail, message_id, recipient.status, attempt.error,
       price, carrier, sent_at, updated_at
  FROM recipient LEFT JOIN content ON content.id = recipient.content_id
  LEFT JOIN attempt ON attempt.recipient_id = recipient.id AND attempt.status <> 'not_taken'
 WHERE recipient.campaign_id = 1 ORDER BY position
"""


class Spent(NamedTuple):
    """What it took, the rows of it, and a digest of numbers, shops, ids and prices."""

    seconds: float
    memory: int
    rows: int
    digest: str = ""


def messages(rows: int) -> pd.DataFrame:
    """Make a messages frame with four columns of one's own; some rows of it are excluded."""
    place = np.arange(rows)
    frame = pd.DataFrame(
        {
            "first_name": [f"Jörg {row}" for row in range(rows)],
            "shop": pd.Categorical.from_codes((place % len(SHOPS)).tolist(), pd.Index(SHOPS)),
            "points": place % 997 / 2,
            "since": pd.Timestamp("2019-01-01") + pd.to_timedelta(place % 2000, unit="D"),
            "sms_to": [str(FIRST + row * 7919 % rows) for row in range(rows)],
            "sms_country": "EE",
            "sms_line": "mobile",
            "sms_text": [f"Hi Jörg {row}, -20% at your shop. STOP: 1234" for row in range(rows)],
            "sms_cost": 0.075,
        },
        index=pd.RangeIndex(2, rows + 2, name="row"),
    )
    frame["sms_problem"] = pd.Series(None, index=frame.index, dtype="str")
    frame.loc[place % 250 == 0, "sms_problem"] = "opted_out"
    return frame.assign(sms_problems=frame["sms_problem"], sms_detail=frame["sms_problem"])


def make(ledger: Path, rows: int) -> float:
    """Create a campaign and bring it to its end; return the size of the ledger in GiB."""
    with contextlib.redirect_stderr(io.StringIO()):  # where the ledger is
        smspm.Campaign.create("spring", messages(rows), sender="SMSPM.com", ledger=ledger)
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.executescript(f"PRAGMA synchronous = OFF; BEGIN; {FINISH} COMMIT;")
    return ledger.stat().st_size / GIBIBYTE


def peak() -> int:
    """Return the most bytes that this process has had in memory."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def digest(number: Any, shop: Any, message: Any, price: Any) -> str:
    columns = [pd.Series(column).fillna("").astype(str) for column in (number, shop, message)]
    columns.append(pd.Series(price).fillna(0).mul(1000).round().astype("int64").astype(str))
    return hashlib.sha256(
        b"".join(
            pd.util.hash_array(column.to_numpy(), categorize=False).tobytes() for column in columns
        )
    ).hexdigest()


def by_hand(ledger: Path) -> Spent:
    """Do what a user does without this package."""
    start = time.perf_counter()
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        frame = pd.read_sql_query(PLAIN, connection)
    own = pd.DataFrame([json.loads(line) for line in frame.pop("original")])
    for name in ("sent_at", "updated_at"):
        frame[name] = pd.to_datetime(frame[name], unit="us", utc=True)
    joined = pd.concat([own, frame], axis=1)
    seconds, memory = time.perf_counter() - start, peak()
    shop = joined[3]  # after the label, the name and the place of the shop among the categories
    told = digest(joined["number"], shop, joined["message_id"], joined["price"] / 10**9)
    return Spent(seconds, memory, len(joined), told)


def ours(ledger: Path) -> Spent:
    campaign = smspm.Campaign.open("spring", ledger=ledger)
    start = time.perf_counter()
    report = campaign.report()
    seconds, memory = time.perf_counter() - start, peak()
    told = digest(*(report[name].array for name in ("sms_to", "shop", "sms_id", "sms_price")))
    return Spent(seconds, memory, len(report), told)


def in_pieces(ledger: Path) -> Spent:
    """Go through the report as an export does."""
    campaign = smspm.Campaign.open("spring", ledger=ledger)
    start = time.perf_counter()
    rows = sum(map(len, campaign._pieces()))
    return Spent(time.perf_counter() - start, peak(), rows)


def history(ledger: Path) -> Spent:
    campaign = smspm.Campaign.open("spring", ledger=ledger)
    start = time.perf_counter()
    rows = len(campaign.history())
    return Spent(time.perf_counter() - start, peak(), rows)


def apart(work: Any, *told: object) -> Any:
    """Call a function in a process of its own, whose memory nothing else was in."""
    with ProcessPoolExecutor(1, mp_context=_SPAWN) as pool:
        return pool.submit(work, *told).result()


def show(what: str, spent: Spent) -> None:
    click.echo(f"{what:12}{spent.rows:>11,}{spent.seconds:>10.2f}{spent.memory / GIBIBYTE:>10.2f}")


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--rounds", default=2, show_default=True)
def main(rows: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder, "ledger.sqlite")
        size = apart(make, ledger, rows)
        click.echo(f"{rows:,} rows, a ledger of {size:.2f} GiB")
        click.echo(f"{'':12}{'rows':>11}{'seconds':>10}{'GiB':>10}")
        pairs = [(apart(by_hand, ledger), apart(ours, ledger)) for _ in range(rounds)]
        plain, made = (min(turns) for turns in zip(*pairs, strict=True))
        if (plain.rows, plain.digest) != (made.rows, made.digest):
            raise click.ClickException("Not the same numbers, shops, ids and prices.")
        show("plain way", plain)
        show("report()", made)
        show("in pieces", apart(in_pieces, ledger))
        show("history()", apart(history, ledger))
    click.echo(f"{'as fast':12}{plain.seconds / made.seconds:>20.2f} x")


if __name__ == "__main__":
    main()
