"""What tests share: a clock that is driven, and a ledger with one campaign in it."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

import pytest

from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, connection, plan, read
from smspm_campaigns.delivery.ledger.plan import PlannedRow
from smspm_campaigns.delivery.ledger.read import RowRecord
from smspm_campaigns.delivery.sender import send_campaign
from smspm_campaigns.delivery.tracker import track_campaign
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import Secret


class Clock:
    """Time that passes only while somebody sleeps; those who sleep together wake together."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return 1_750_000_000.0 + self.passed

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        until = self.passed + seconds
        await asyncio.sleep(0)
        self.passed = max(self.passed, until)


class Book:
    """A ledger with one campaign, as a test looks at it."""

    def __init__(self, path: Path, rows: Iterable["Row"]) -> None:
        self.path = path
        Ledger.create(path)
        self.id = self.add("spring", rows)

    def add(self, name: str, rows: Iterable["Row"], *, allow_repeat: bool = True) -> int:
        frozen = [as_planned(row) for row in rows]
        with self.open() as ledger:
            plan.create_campaign(
                ledger, name, frozen, manifest="{}", allow_repeat=allow_repeat, at=0
            )
            return read.find_campaign(ledger, name).id

    def open(self) -> AbstractContextManager[Ledger]:
        return Ledger.open(self.path)

    def rows(self) -> list[RowRecord]:
        with self.open() as ledger:
            return list(read.rows(ledger, self.id))

    def statuses(self) -> dict[str | None, str]:
        return {row.number: row.status for row in self.rows()}

    def counts(self) -> Counter[str]:
        with self.open() as ledger:
            return Counter(read.count_by_status(ledger, self.id))

    def ids(self) -> dict[str | None, str | None]:
        return {row.message_id: row.number for row in self.rows() if row.message_id}

    def ask(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        with self.open() as ledger:
            return ledger.execute(sql, parameters).fetchall()

    def start(
        self, client: Client, *, limit: int | None = None, report_url: str | None = None
    ) -> Run:
        return Run(
            lambda run: send_campaign(
                run, self.path, self.id, client, limit=limit, report_url=Secret.hide(report_url)
            )
        )

    def send(self, client: Client, *, limit: int | None = None) -> None:
        assert self.start(client, limit=limit).wait(60)

    def track(
        self, client: Client, *, for_seconds: float = 3600, give_up_after: float = 72 * 3600
    ) -> None:
        run = Run(
            lambda run: track_campaign(
                run,
                self.path,
                self.id,
                client,
                for_seconds=for_seconds,
                give_up_after=give_up_after,
            )
        )
        assert run.wait(60)


#: A row of a plan: a number that is told Hi, the arguments of `planned`, or the thing itself.
Row = str | tuple[str, ...] | PlannedRow
NewBook = Callable[[Iterable[Row]], Book]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def new_book(tmp_path_factory: pytest.TempPathFactory) -> NewBook:
    """Make a ledger with a campaign of these rows."""
    folder, names = tmp_path_factory.mktemp("ledgers"), count()

    def make(rows: Iterable[Row]) -> Book:
        return Book(folder / f"{next(names)}.sqlite", rows)

    return make


def as_planned(row: Row) -> PlannedRow:
    if isinstance(row, PlannedRow):
        return row
    return planned(row) if isinstance(row, str) else planned(*row)


def planned(
    number: str, text: str = "Hi", sender: str = "SMSPM.com", problem: str | None = None
) -> PlannedRow:
    return PlannedRow(
        number=number,
        country="EE",
        line="mobile",
        text=text,
        sender=sender,
        encoding="GSM-7",
        segments=1,
        cost=50_000_000,
        problem=problem,
        problems=problem,
        detail=None,
        original="[]",
    )


#: Make a ledger as that version left it.
OldLedger = Callable[[int], Path]
LEDGERS = Path(__file__).parent / "ledgers"

#: What version 1 wrote: one row accepted and then delivered, one unknown, one not taken, one left.
CONTENT = """
INSERT INTO ledger VALUES (zeroblob(32));
INSERT INTO campaign VALUES (7, 'spring', 'print', '{}', 'simulated', NULL, 0, 1);
INSERT INTO content VALUES (3, 7, 'Hi', 'SMSPM.com', 'GSM-7', 1);
INSERT INTO recipient VALUES
  (11, 7, 0, 0, '37250000000', 'EE', 'mobile', 3, 50, NULL, NULL, NULL, '[0]', 'planned',
   'delivered', 100),
  (12, 7, 1, 1, '37250000001', 'EE', 'mobile', 3, 50, NULL, NULL, NULL, '[1]', 'planned',
   'unknown', 100),
  (13, 7, 2, 2, '37250000002', 'EE', 'mobile', 3, 50, NULL, NULL, NULL, '[2]', 'planned',
   'planned', 100),
  (14, 7, 3, NULL, NULL, NULL, NULL, NULL, NULL, 'missing_number', 'missing_number', 'No number.',
   '[3]', 'excluded', 'excluded', 100);
INSERT INTO owner VALUES ('me', 2, 9);
INSERT INTO request VALUES ('r', 7, 'me', 3, 5, NULL, '{}');
INSERT INTO attempt VALUES
  (21, 11, 'r', 'delivered', 'id-1', 'delivered', NULL, 60, 'Telia', 5, 8, NULL),
  (22, 12, 'r', 'unknown', NULL, NULL, 'no element', NULL, NULL, NULL, 5, NULL),
  (23, 13, 'r', 'not_taken', NULL, NULL, '429', NULL, NULL, NULL, 5, NULL);
INSERT INTO event VALUES
  (31, 21, 3, 'sending', 'claim'), (32, 22, 3, 'sending', 'claim'), (33, 23, 3, 'sending', 'claim'),
  (34, 21, 5, 'queued', 'reply'), (35, 22, 5, 'unknown', 'reply'),
  (36, 23, 5, 'not_taken', 'reply'),
  (37, 21, 8, 'delivered', 'poll');
"""


@pytest.fixture
def old_ledger(tmp_path: Path) -> OldLedger:
    def make(version: int) -> Path:
        path = tmp_path / f"version_{version}.sqlite"
        schema = (LEDGERS / f"schema_{version}.sql").read_text(encoding="utf-8")
        made = sqlite3.connect(path)
        made.executescript(
            f"PRAGMA application_id = {connection.APPLICATION_ID}; PRAGMA user_version = {version};"
            + schema
            + (CONTENT if version == 1 else CONTENT.partition("INSERT INTO event")[0])
        )
        made.close()
        return path

    return make
