"""What tests share: a clock that is driven, a ledger with one campaign in it, and processes."""

import asyncio
import functools
import gc
import io
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
    suppress,
)
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import looking
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

import smspm_campaigns as smspm
from smspm_campaigns.campaign.ordering import NEVER_SENT, Numbers, order_rows
from smspm_campaigns.cli import main
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import Ledger, connection, plan, read, record, rounds
from smspm_campaigns.delivery.ledger.claim import Claim, Claimer, Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.plan import Message, Plan, PlannedRow
from smspm_campaigns.delivery.ledger.read import RowRecord
from smspm_campaigns.delivery.ledger.record import Answered
from smspm_campaigns.delivery.sender import send_campaign
from smspm_campaigns.delivery.tracker import track_campaign
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.simulator import Simulator, running
from smspm_campaigns.masking import Secret

CHROMIUM = shutil.which("chromium")

# --- how the tests run --------------------------------------------------------------------------

#: Modules with tests of many seconds, the longest first: they begin first, to be the last nowhere.
LONG: Final = (
    *("test_kills", "test_machine", "test_panel_in_browser", "test_benchmarks", "test_docs"),
    *("test_ledger_faults", "test_listen", "test_watching", "test_processes"),
)
MEMORY: Final = Path("/dev/shm")  # on Linux: files that no disk is waited for
ENOUGH: Final = 4 << 30  # bytes: a run leaves 0.6 GiB there, and pytest keeps three of them

# No example is timed: how long it takes is how busy the machine is.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_configure() -> None:
    """Let ledgers be written to memory where it has room: nothing here takes the power away."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: a test that waits, for a process or a clock, leaves its core to others.

    Returns:
        How many processes run tests.
    """
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Half a million objects are made here that all stay: none of them is looked for as garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session", autouse=True)
def shared_tls() -> Iterator[None]:
    """Let clients that trust the same share what is made of it, which takes 25 ms each time."""
    make = httpx.create_ssl_context
    made = functools.cache(lambda _file, _folder, **told: make(**told))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            httpx,
            "create_ssl_context",
            lambda **told: made(*map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")), **told),
        )
        yield


# --- a clock, and a ledger ----------------------------------------------------------------------


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
        frozen = _freeze(as_planned(row) for row in rows)
        with self.open() as ledger:
            plan.create_campaign(ledger, name, frozen, allow_repeat=allow_repeat, at=0)
            return read.find_campaign(ledger, name).id

    def open(self) -> AbstractContextManager[Ledger]:
        return Ledger.open(self.path)

    def rows(self) -> list[RowRecord]:
        with self.open() as ledger:
            return looking.rows(ledger, self.id)

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

    @staticmethod
    def claim(ledger: Ledger, order: Order, *, at: int) -> Claim | None:
        """Claim one request, in a round of its own."""
        made = rounds.keep(ledger, Claimer(order), [], most=1, most_rows=100, at=at)
        if made.objection is not None:
            raise made.objection
        return made.claims[0] if made.claims else None

    @staticmethod
    def close(
        ledger: Ledger,
        request_id: str,
        evidence: Iterable[Evidence],
        *,
        reply: str = "",
        error: str | None = None,
        halve: bool = False,
        at: int,
    ) -> None:
        """Record what the reply to a request proves, in a round of its own."""
        proofs = list(evidence)
        found = "SELECT recipient_id FROM attempt WHERE id = ?"
        recipients = [ledger.one(found, proof.attempt_id)[0] for proof in proofs]
        answered = Answered(request_id, recipients, proofs, reply, error, halve)
        with ledger.transaction():
            record.close_requests(ledger, [answered], at=at)

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


class SlowClock(Clock):
    """A clock to which every look takes a second, so that no claim is made just now."""

    def monotonic(self) -> float:
        self.passed += 1
        return super().monotonic()


class JumpingClock(Clock):
    """A clock whose wall time, or steady time, jumps with every look at it."""

    def __init__(self, *, wall: float = 0.0, steady: float = 0.0) -> None:
        super().__init__()
        self._jumps = {"wall": wall, "steady": steady}
        self._jumped = {"wall": 0.0, "steady": 0.0}

    def now(self) -> float:
        self._jumped["wall"] += self._jumps["wall"]
        return super().now() + self._jumped["wall"]

    def monotonic(self) -> float:
        self._jumped["steady"] += self._jumps["steady"]
        return super().monotonic() + self._jumped["steady"]


@pytest.fixture
def jumping_clock() -> type[JumpingClock]:
    return JumpingClock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slow_clock() -> Clock:
    return SlowClock()


@pytest.fixture(scope="session")
def new_book(tmp_path_factory: pytest.TempPathFactory) -> NewBook:
    """Make a ledger with a campaign of these rows."""
    folder, names = tmp_path_factory.mktemp("ledgers"), count()

    def make(rows: Iterable[Row]) -> Book:
        return Book(folder / f"{next(names)}.sqlite", rows)

    return make


class Listed(list[PlannedRow]):
    """Rows of a plan that are in memory."""

    def messages(self, places: Numbers) -> list[Message]:
        return [self[place].message for place in places]


Freeze = Callable[[Iterable[PlannedRow]], Plan]


@pytest.fixture(scope="session")
def freeze() -> Freeze:
    """Make a plan of rows, as `plan_rows` makes one of a frame."""
    return _freeze


def _freeze(rows: Iterable[PlannedRow]) -> Plan:
    listed = Listed(rows)
    numbers = [NEVER_SENT if row.problem else int(row.number or 0) for row in listed]
    hashes = [hash(row.message[1:]) for row in listed]
    return order_rows("{}", listed, np.array(numbers, np.int64), np.array(hashes, np.int64))


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
INSERT INTO campaign
  (id, name, fingerprint, manifest, gateway, max_cost, allow_repeat, created_at) VALUES
  (7, 'spring', 'print', '{}', 'simulated', NULL, 0, 1);
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
INSERT INTO owner (id, started_at, ended_at) VALUES ('me', 2, 9);
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


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where somebody works who has no account, with a ledger that is not there yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMSPM_LEDGER", str(tmp_path / "ledger.sqlite"))
    for name in ("SMSPM_HASH", "SMSPM_TOKEN", "SMSPM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


# --- processes ----------------------------------------------------------------------------------

_PATIENCE: Final = 120.0  # seconds for a worker to tell something: longer, and a test hangs


class Ended(NamedTuple):
    """How a worker ended, the error it told, and how often it took each step."""

    exit_code: int
    error: str | None
    passed: Counter[str]

    @property
    def was_killed(self) -> bool:
        return self.exit_code == -signal.SIGKILL


class Worker:
    """A process of a campaign, forked by the program in workers.py."""

    def __init__(self, port: int, order: dict[str, Any]) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self._lines = self._connection.makefile("r", encoding="utf-8")
        self._told: dict[str, Any] = {}
        self._connection.sendall(f"{json.dumps(order)}\n".encode())
        self._listen_for("pid")

    def _listen_for(self, word: str) -> None:
        while word not in self._told:
            line = self._lines.readline()
            assert line, f"a worker ended that should have {word}: {self._told}"
            self._told |= json.loads(line)

    def wait_until_stopped(self) -> None:
        self._listen_for("stopped")

    def go_on(self) -> None:
        del self._told["stopped"]
        os.kill(self._told["pid"], signal.SIGCONT)

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(self._told["pid"], signal.SIGKILL)

    def wait(self) -> Ended:
        self._listen_for("ended")
        told = self._told
        return Ended(told["ended"], told.get("error"), Counter(told.get("passed", {})))

    def close(self) -> None:
        if "ended" not in self._told:
            self.kill()
            self.wait()
        self._lines.close()
        self._connection.close()


class Siege:
    """A campaign, its gateway, and the processes that work on it. The gateway knows the truth."""

    def __init__(
        self, path: Path, port: int, personal: int, lists: Iterable[int], **behaviour: Any
    ) -> None:
        texts = [f"Hi {place}" for place in range(personal)]
        texts += [f"Hi, list {place}" for place, size in enumerate(lists) for _ in range(size)]
        numbers = [str(37250000000 + place) for place in range(len(texts))]
        self.people = set(numbers)
        frame = pd.DataFrame({"sms_to": numbers, "sms_text": texts}, index=numbers)
        self.campaign = smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=path)
        at_once: dict[str, Any] = {"submit_after": 0, "final_after": 0, "spread": 0}
        self.simulator = Simulator(**(at_once | behaviour))
        self.url = ""
        self.look = 0.1  # seconds for a look at the clock: so that no claim was made just now
        self.workers: list[Worker] = []
        self._port = port

    @contextmanager
    def served(self) -> Iterator[None]:
        """Let the gateway be there, at one address for good; after it nothing is on its way."""
        with running(self.simulator, port=int(self.url.rpartition(":")[2] or 0)) as self.url:
            yield

    def start(
        self,
        do: str,
        *,
        at: str | None = None,
        hit: int = 1,
        send: str = "SIGKILL",
        after: float = 0.0,
        **options: Any,
    ) -> Worker:
        """Start a process that calls a method of the campaign, or sends until nothing is planned.

        Args:
            do: the method, or `"drain"`.
            at: the step at which it sends itself a signal.
            hit: the how manieth of these steps that is.
            send: the signal.
            after: seconds after which it is killed, wherever it is; 0: never.
            options: arguments of the method.
        """
        order = {"do": do, "at": at, "hit": hit, "signal": send, "after": after, "look": self.look}
        place = {"ledger": str(self.campaign.path), "url": self.url}
        worker = Worker(self._port, {**order, **place, "options": options})
        self.workers.append(worker)
        return worker

    def run(self, do: str, **told: Any) -> Ended:
        """Start a process, and wait for its end."""
        return self.start(do, **told).wait()

    def close(self) -> None:
        for worker in self.workers:
            worker.close()

    def counts(self) -> dict[str, int]:
        counts = self.campaign.counts()
        return {str(status): int(number) for status, number in counts[counts > 0].items()}

    def numbers(self, *statuses: str) -> set[str]:
        marks = ", ".join("?" * len(statuses))
        sql = f"SELECT number FROM recipient WHERE status IN ({marks})"
        return {number for (number,) in self.ask(sql, *statuses)}

    def received(self) -> list[str]:
        return [str(entry["toNumber"]) for entry in self.simulator.accepted]

    def ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with Ledger.open(self.campaign.path) as ledger:
            return ledger.execute(sql, parameters).fetchall()

    def broken(self, *, alive: bool = False) -> dict[str, Any]:
        """Look whether the promise is kept; return what is not, and nothing when all is well.

        Args:
            alive: whether a process may be sending at this moment.
        """
        counts = self.counts()  # whoever died is buried now
        known, planned = self.numbers(*_KNOWN), self.numbers("planned")
        ids = set(
            self.ask(
                "SELECT message_id, number FROM attempt JOIN recipient ON "
                "recipient.id = recipient_id WHERE message_id IS NOT NULL"
            )
        )
        entries = self.simulator.accepted[:]
        received = [str(entry["toNumber"]) for entry in entries]
        held = self.numbers(*_KNOWN, "unknown", *(["sending"] if alive else []))
        found = {
            "received twice": [who for who, times in Counter(received).items() if times > 1],
            "received, and nobody knows": sorted(set(received) - held),
            "planned, and received": [] if alive else sorted(planned & set(received)),
            "known, and not received": sorted(known - set(received)),
            "ids of nobody": ids - {(entry["id"], entry["toNumber"]) for entry in entries},
            "sending after its end": [] if alive else sorted(self.numbers("sending")),
            "rows too many or too few": sum(counts.values()) - len(self.people),
            **{fact: self.ask(sql) for fact, sql in _NEVER.items()},
        }
        return {fact: evidence for fact, evidence in found.items() if evidence}


_KNOWN: Final = ("queued", "submitted", "delivered", "failed", "unconfirmed")

#: What no ledger ever holds, whoever works on it at that moment.
_NEVER: Final = {
    "damage": "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "a row of nobody": "SELECT * FROM pragma_foreign_key_check",
    "more open requests than lanes": (
        "SELECT owner_id, count(*) FROM request WHERE answered_at IS NULL "
        "GROUP BY owner_id HAVING count(*) > 8"
    ),
    "more unknown by a death than its lanes held": (
        "SELECT owner_id, count(DISTINCT request_id), count(*) FROM change "
        "JOIN attempt ON attempt.id = attempt_id JOIN request ON request.id = request_id "
        "WHERE evidence = 'dead owner' "
        "GROUP BY owner_id HAVING count(DISTINCT request_id) > 8 OR count(*) > 800"
    ),
    "a request for more than a hundred": (
        "SELECT request_id, count(*) FROM attempt GROUP BY request_id HAVING count(*) > 100"
    ),
    "an attempt whose history is not one claim and what followed": (
        "SELECT attempt.id, group_concat(change.status || ' by ' || evidence) FROM attempt "
        "LEFT JOIN change ON change.attempt_id = attempt.id GROUP BY attempt.id "
        "HAVING sum(evidence = 'claim') IS NOT 1 OR count(DISTINCT change.status) <> count(*) "
        "OR sum(change.status = attempt.status) IS NOT 1"
    ),
    "a count of what was taken that is wrong": (
        "SELECT taken FROM campaign WHERE taken <> (SELECT count(*) FROM attempt "
        "JOIN status ON status.name = attempt.status AND status.taken)"
    ),
    "a row that is not what its attempts say": (
        "SELECT recipient.id, recipient.status FROM recipient "
        "JOIN prevailing ON prevailing.recipient_id = recipient.id LEFT JOIN attempt "
        "ON attempt.id = attempt_id AND attempt.status <> 'not_taken' "
        "WHERE recipient.status <> coalesce(attempt.status, standing)"
    ),
}

NewSiege = Callable[..., Siege]


@pytest.fixture(scope="session")
def forker() -> Iterator[int]:
    """The port of the program that forks workers: starting Python for each would take long."""
    command = [sys.executable, str(Path(__file__).with_name("workers.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        yield int(program.stdout.readline())
        program.stdin.close()


@pytest.fixture
def new_siege(forker: int, tmp_path: Path) -> Iterator[NewSiege]:
    """Make a campaign of people with a text each and of lists, and a gateway of this behaviour."""
    names = count()

    with ExitStack() as stack:

        def make(personal: int, *lists: int, **behaviour: Any) -> Siege:
            path = tmp_path / f"{next(names)}.sqlite"
            siege = Siege(path, forker, personal, lists, **behaviour)
            stack.callback(siege.close)
            return siege

        yield make


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that reaches nothing but this machine.

    It ends with the module, for while it is there no other event loop runs in its thread.
    """
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here to look at the page with")
    nobody = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", nobody])
        yield found
        found.close()


@pytest.fixture(scope="session")
def report_of() -> Callable[..., pd.DataFrame]:
    return _report_of


def _report_of(frame: pd.DataFrame, **ours: Any) -> pd.DataFrame:
    """Make a report of a user's columns; each message was delivered, unless columns differ."""
    none = pd.Series(None, index=frame.index, dtype="str")
    at = pd.Series(pd.Timestamp("2026-11-22 08:00", tz="UTC"), index=frame.index)
    columns: dict[str, Any] = {
        "sms_to": "491713920012",
        "sms_country": "DE",
        "sms_line": "mobile",
        "sms_text": "Hi! STOP: 1234",
        "sms_encoding": "GSM-7",
        "sms_segments": pd.array([1] * len(frame), dtype="Int64"),
        "sms_cost": 0.075,
        "sms_sender": "SMSPM.com",
        "sms_problem": none,
        "sms_problems": none,
        "sms_detail": none,
        "sms_id": "3443feb8",
        "sms_status": "delivered",
        "sms_error": none,
        "sms_price": 0.08,
        "sms_carrier": "Telekom",
        "sms_sent_at": at,
        "sms_updated_at": at + pd.Timedelta("9s"),
    }
    return frame.assign(**{**columns, **ours})


class Screen(io.TextIOWrapper):
    """A stream that may be that of a terminal."""

    def __init__(self, encoding: str = "utf-8", typed: str = "", *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(typed.encode()), encoding=encoding, newline="")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


class Printed(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


#: How the file of four people becomes messages.
STEPS: Final = ["--region", "SE", "--template", "Hi {{ name }}! STOP: 1", "--sender", "SMSPM.com"]


class Terminal:
    """Runs commands in this process, in a folder with a ledger of its own; no time passes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.ledger = folder / "ledger.sqlite"
        self.clock = Clock()
        self._patch = monkeypatch

    def __call__(
        self,
        *arguments: str,
        typed: str | None = None,
        columns: int | None = None,
        url: str = "",
        encoding: str = "utf-8",
    ) -> Printed:
        """Run a command.

        Args:
            typed: what a person types, who sits there; None: nobody does.
            columns: of the terminal that the output goes to; None: into pipes.
            url: the gateway, with its credentials in the environment.
            encoding: what the terminal can show.
        """
        out, err = (Screen(encoding, is_terminal=columns is not None) for _ in range(2))
        settings = {"SMSPM_LEDGER": str(self.ledger), "COLUMNS": str(columns or 80)}
        if url:
            settings |= {"SMSPM_BASE_URL": url, "SMSPM_HASH": "h", "SMSPM_TOKEN": "t"}
        with (
            self._patch.context() as patch,
            warnings.catch_warnings(),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            warnings.resetwarnings()
            warnings.simplefilter("error", ResourceWarning)
            patch.chdir(self.folder)
            patch.setattr("smspm_campaigns.gateway.client.SystemClock", lambda: self.clock)
            patch.setattr(sys, "argv", ["smspm-campaigns", *arguments])
            patch.setattr(sys, "stdin", Screen(typed=typed or "", is_terminal=typed is not None))
            for name, value in settings.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        assert isinstance(ended.value.code, int)
        return Printed(ended.value.code, out.text, err.text)

    def rehearse(self, name: str = "spring", *options: str) -> Printed:
        """Send the file of four people on the simulator: two are queued."""
        return self("send", name, "people.csv", *STEPS, "--simulated", *options)

    def campaign(self, name: str = "spring") -> smspm.Campaign:
        return smspm.Campaign.open(name, ledger=self.ledger)

    def counts(self, name: str = "spring") -> dict[str, int]:
        """The rows of a campaign by status, where there are any."""
        counts = self.campaign(name).counts()
        return {str(status): int(count) for status, count in counts.items() if count}


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in a folder with four people: one number is blank, one is there twice."""
    for name in ("HASH", "TOKEN", "BASE_URL", "LEDGER", "CALLBACK_SECRET"):
        monkeypatch.delenv(f"SMSPM_{name}", raising=False)
    people = "name,phone\nAnna,+46 70 174 06 05\nBo,+46 70 174 06 06\nCia,\nDan,070-174 06 06\n"
    (tmp_path / "people.csv").write_text(people, encoding="utf-8")
    return Terminal(tmp_path, monkeypatch)
