"""A fault at every call to SQLite: nothing is half done, nothing is lost, nobody is texted twice.

Nothing of ours knows of the faults: `sqlite3.connect` is the only thing replaced.
"""

import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.campaign import watching
from smspm_campaigns.delivery import duty, sender
from smspm_campaigns.delivery.ledger import Ledger
from smspm_campaigns.delivery.ledger.connection import SCHEMA_VERSION
from smspm_campaigns.exceptions import LedgerError
from smspm_campaigns.gateway.simulator import Fault

if TYPE_CHECKING:
    from conftest import Clock, OldLedger

_Got = TypeVar("_Got")

# How a call to SQLite fails.
INSTEAD: Final = "instead"  # nothing of it is done
ROLLED_BACK: Final = "rolled back"  # nor of the transaction it is in: SQLite does that by itself
TWICE: Final = "twice"  # so does the ROLLBACK after it, and the transaction stays open
FOR_GOOD: Final = "for good"  # so does everything after it: a disk that has broken
DONE: Final = "done"  # it was done, and is reported as failed all the same
WAYS: Final = [INSTEAD, ROLLED_BACK, TWICE, FOR_GOOD, DONE]

ERRORS: Final = [
    ("disk I/O error", sqlite3.SQLITE_IOERR, "SQLITE_IOERR"),
    ("database or disk is full", sqlite3.SQLITE_FULL, "SQLITE_FULL"),
    ("database is locked", sqlite3.SQLITE_BUSY, "SQLITE_BUSY"),
]
SENTENCES: Final = (
    " cannot be read or written: the disk fails. Check it, then run it again (disk I/O error).",
    " has no room: the disk is full. Make room and run it again (database or disk is full).",
    " is held by another program; close that one, or try again (database is locked).",
)


# --- a disk that fails as told ------------------------------------------------------------------


class Disk:
    """Stands between the ledger and SQLite: counts the calls that may fail, and lets one fail."""

    def __init__(self) -> None:
        self._connect = sqlite3.connect
        self._lock = threading.Lock()
        self.is_watched = False
        self.pages: int | None = None  # that a ledger may have at most: SQLite says the rest

    @contextmanager
    def failing(self, way: str, at: int, *, caller: bool | None = None) -> Iterator["Disk"]:
        """Fail at that call, from 1, of those that may fail this way; at 0, only count them.

        `caller`: count only the calls of the thread that asks for something, or only the others;
        where two threads work at once, each has an order of its own.
        """
        self.way, self._at, self._caller = way, at, caller
        self.calls = 0
        self.hit: str | None = None  # the call that failed
        self._is_broken = False
        self._is_stuck: object = None
        self.is_watched = True
        try:
            yield self
        finally:
            self.is_watched = False

    def __str__(self) -> str:
        return f"{self.way} at call {self._at} ({self.hit})"

    def break_down(self) -> None:
        """Fail from now on."""
        self._is_broken = True

    def connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        def connect() -> Watched:
            made = self._connect(*arguments, factory=Watched, **options)
            made.disk = self
            return made

        made = self.ask(None, "connect", connect)
        if self.pages is not None:
            made.execute(f"PRAGMA max_page_count = {self.pages}")
        return made

    def ask(
        self, connection: sqlite3.Connection | None, call: str, work: Callable[[], _Got]
    ) -> _Got:
        """Make a call to SQLite, unless it is one that fails."""
        if not self.is_watched:
            return work()
        within = connection is not None and connection.in_transaction
        with self._lock:
            fails = self._fails(connection, call, within=within)
        if not fails:
            return work()
        if self.way == DONE or call == "close":  # a handle left open would be a fault of the test
            work()
        if self.way == ROLLED_BACK and connection is not None:
            sqlite3.Connection.execute(connection, "ROLLBACK")
        text, code, name = ERRORS[self._at % len(ERRORS)]
        error = sqlite3.OperationalError(text)
        error.sqlite_errorcode, error.sqlite_errorname = code, name
        raise error

    def _fails(self, connection: object, call: str, *, within: bool) -> bool:
        if self._is_broken:
            return True
        if call == "ROLLBACK":
            stuck, self._is_stuck = self._is_stuck is connection, None
            return stuck
        if not self._may_fail(call, within=within):
            return False
        self.calls += 1
        if self.calls != self._at:
            return False
        self.hit = call
        self._is_broken = self.way == FOR_GOOD
        self._is_stuck = connection if self.way == TWICE else None
        return True

    def _may_fail(self, call: str, *, within: bool) -> bool:
        is_caller = threading.current_thread() is threading.main_thread()
        if self._caller not in (None, is_caller):
            return False
        if self.way in (INSTEAD, FOR_GOOD):
            return True
        if self.way == DONE and call != "COMMIT":
            return not within and call.startswith(("script", "INSERT", "PRAGMA journal_mode"))
        return within and not call.startswith(("SELECT", "fetch", "close"))


class Watched(sqlite3.Connection):
    """A connection that asks the disk before each call. A row of several is a call of its own."""

    disk: Disk

    def execute(self, sql: str, parameters: Any = (), /) -> "Rows":
        faster = sql.replace("synchronous = FULL", "synchronous = OFF")  # no power is lost here
        return self.disk.ask(self, sql, lambda: self.cursor(Rows).execute(faster, parameters))

    def executemany(self, sql: str, rows: Iterable[Any], /) -> "Rows":
        def asked() -> Iterator[Any]:
            for row in rows:
                self.disk.ask(self, sql, lambda: None)
                yield row

        return self.cursor(Rows).executemany(sql, asked())

    def executescript(self, script: str, /) -> sqlite3.Cursor:
        return self.disk.ask(self, "script", lambda: self.cursor(Rows).executescript(script))

    def close(self) -> None:
        self.disk.ask(self, "close", super().close)


class Rows(sqlite3.Cursor):
    """What a query finds: each step to the next row reads the file, and may fail too."""

    connection: Watched

    def fetchone(self) -> Any:
        return self._step(super().fetchone)

    def fetchall(self) -> list[Any]:
        return self._step(super().fetchall)

    def __next__(self) -> Any:
        return self._step(super().__next__)

    def _step(self, step: Callable[[], _Got]) -> _Got:
        try:
            return self.connection.disk.ask(self.connection, "fetch", step)
        except sqlite3.Error:
            self.close()  # as a step that fails ends the query, and lets go of the file
            raise


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(sqlite3, "connect", made.connect)
    return made


# --- a campaign, and what holds at every moment -------------------------------------------------

NUMBERS: Final = [str(37250000000 + step) for step in range(7)]
TEXTS: Final = ["Hi", "Hi", "Hi", "Hello", "Hello", "Hi 5", "Hi"]
REFUSED, EXCLUDED = NUMBERS[1], NUMBERS[6]
LOST: Final = NUMBERS[3:5]  # one request; the reply to it never comes
LIMITED: Final = NUMBERS[5]  # told to wait at first
OWN: Final = "37259999999"

KNOWN: Final = ("queued", "submitted", "delivered", "failed", "unconfirmed")

Ask = Callable[[str], list[tuple[Any, ...]]]


class Scene:
    """A ledger with a campaign, and a gateway that has accepted this so far."""

    def __init__(self, path: Path, clock: "Clock", accepted: Iterable[dict[str, object]]) -> None:
        self.path = path
        self.clock = clock
        self.campaign = smspm.Campaign("spring", path)
        self.numbers = NUMBERS
        self.came: Counter[str] = Counter()  # how often each number came to the gateway
        self.meanwhile: Callable[[], None] = lambda: None  # what happens when a request comes
        self.client = smspm.Client.simulated(
            clock=clock,
            accepted=list(accepted),
            faults=self._bad_day,
            refuse={REFUSED},
            submit_after=0,
            final_after=1,
            spread=0,
        )

    def _bad_day(self, _index: int, numbers: Sequence[str]) -> Fault | str | None:
        self.came.update(numbers)
        self.meanwhile()
        if LIMITED in numbers and self.came[LIMITED] == 1:
            return Fault("429", retry_after=1)
        return "close" if LOST[0] in numbers else None

    @property
    def accepted(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.client.simulator.accepted
        return found

    @contextmanager
    def looking(self) -> Iterator[Ask]:
        with closing(sqlite3.connect(self.path)) as connection:
            yield lambda sql: connection.execute(sql).fetchall()

    def with_status(self, *statuses: str) -> set[str]:
        with self.looking() as ask:
            rows = ask("SELECT number, status FROM recipient")
        return {number for number, status in rows if status in statuses}

    def create(self) -> None:
        texts = [*TEXTS, *["Hi all"] * (len(self.numbers) - len(TEXTS))]
        frame = pd.DataFrame({"sms_to": self.numbers, "sms_text": texts, "sms_cost": 0.05})
        frame = smspm.mark_suppressed(frame, [f"+{EXCLUDED}"])
        smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=self.path)

    def send(self) -> None:
        self.campaign.send(self.client, max_cost=100)

    def track(self) -> None:
        self.campaign.track(self.client)

    def send_test(self) -> None:
        self.campaign.send_test(self.client, f"+{OWN}")


def check_the_promise(scene: Scene) -> None:
    """Nobody has it twice; whoever has it is known or unknown; whoever is known has it."""
    received = [str(entry["toNumber"]) for entry in scene.accepted]
    assert [number for number, times in Counter(received).items() if times > 1] == []
    assert set(received) <= scene.with_status(*KNOWN, "unknown", "sending")
    assert scene.with_status(*KNOWN) <= set(received)
    with scene.looking() as ask:
        check_the_rows(scene, ask)
        check_the_history(ask)
        assert ask("PRAGMA integrity_check") == [("ok",)]
        assert ask("PRAGMA foreign_key_check") == []


def check_the_rows(scene: Scene, ask: Ask) -> None:
    """Every row is there, in the state that its attempts say; each attempt has the id it got."""
    accepted = {(entry["id"], entry["toNumber"]) for entry in scene.accepted}
    weights: dict[str, int] = dict(ask("SELECT name, weight FROM status"))
    assert ask("SELECT taken, taken_cost FROM campaign") == ask(
        "SELECT count(*), coalesce(sum(cost), 0) FROM attempt "
        "JOIN recipient ON recipient.id = recipient_id "
        "JOIN status ON name = attempt.status AND taken"
    )
    attempts: dict[int, list[str]] = {}
    for row, number, status, message_id in ask(
        "SELECT recipient.id, number, attempt.status, message_id "
        "FROM attempt JOIN recipient ON recipient.id = recipient_id"
    ):
        attempts.setdefault(row, []).append(status)
        assert message_id is None or (message_id, number) in accepted
    rows = ask("SELECT id, number, standing, status FROM recipient ORDER BY position")
    assert [number for _, number, _, _ in rows] == scene.numbers
    for row, number, standing, status in rows:
        heaviest = max(attempts.get(row, ["planned"]), key=weights.__getitem__)
        assert status == (heaviest if weights[heaviest] else standing), number


def check_the_history(ask: Ask) -> None:
    """It tells each attempt's way to where it stands, and no request is half claimed or closed."""
    stages: dict[str, int] = dict(ask("SELECT name, stage FROM status"))
    ways: dict[int, list[str]] = {}
    for attempt, status in ask("SELECT attempt_id, status FROM change ORDER BY id"):
        ways.setdefault(attempt, []).append(status)
    for attempt, status in ask("SELECT id, status FROM attempt"):
        assert (ways[attempt][0], ways[attempt][-1]) == ("sending", status)
        assert ways[attempt] == sorted(set(ways[attempt]), key=stages.__getitem__)
    open_rows = (
        "SELECT answered_at IS NOT NULL, sum(status = 'sending'), count(attempt.id) FROM request "
        "LEFT JOIN attempt ON attempt.request_id = request.id GROUP BY request.id"
    )
    for is_answered, sending, rows in ask(open_rows):
        assert sending in ({0} if is_answered else {0, rows})
        assert rows > 0


# --- the sweep ----------------------------------------------------------------------------------

Act = Callable[[Scene], object]
NewScene = Callable[..., Scene]


@pytest.fixture
def new_scene(tmp_path: Path, clock: "Clock") -> NewScene:
    """Make a scene of its own for each fault, which begins like another one if need be."""
    numbers = count()

    def make(like: Scene | None = None) -> Scene:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        if like is None:
            return Scene(folder / "ledger.sqlite", clock, ())
        scene = Scene(folder / "ledger.sqlite", copy(like.clock), like.accepted)
        scene.numbers = like.numbers
        scene.came.update(like.came)
        if like.path.exists():
            shutil.copy(like.path, scene.path)
        return scene

    return make


def succeeds(act: Act, scene: Scene) -> bool:
    """Tell whether something succeeds. If not, it is said in a sentence with what to do."""
    try:
        act(scene)
    except LedgerError as error:
        told = str(error)
    else:
        return True
    assert told.startswith(f"The ledger at {scene.path} ")
    assert told.endswith(SENTENCES)
    return False


def sweep(
    act: Act,
    make: Callable[[], Scene],
    check: Act,
    disk: Disk,
    way: str,
    *,
    caller: bool | None = None,
) -> None:
    """Do something once for each of its calls that may fail this way, which then fails; check."""
    with disk.failing(way, 0, caller=caller):
        act(make())
    calls = disk.calls
    for at in range(1, calls + 2):
        scene = make()
        with disk.failing(way, at, caller=caller), noted(disk):
            succeeded = succeeds(act, scene)
        assert succeeded or disk.hit, "an error without a fault"
        assert (at <= calls) == (disk.hit is not None)
        with noted(disk):
            check(scene)
        shutil.rmtree(scene.path.parent)


@contextmanager
def noted(disk: Disk) -> Iterator[None]:
    """Name the fault when something does not hold after it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"fault: {disk}")
        raise


# --- what is done in one transaction ------------------------------------------------------------


def dump(scene: Scene, *, but: str | None = None) -> object:
    """All that is in a ledger, but for its key and times: of these only whether they are there."""
    if not scene.path.exists():
        return None
    with scene.looking() as ask:
        tables = ask("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
        found: list[object] = [tables, ask("PRAGMA user_version")]
        for table, _ in tables:
            names = [name for _, name, *_ in ask(f"PRAGMA table_info({table})")]
            found += [
                [
                    cell is None if name in ("key", "at") or name.endswith("_at") else cell
                    for name, cell in zip(names, row, strict=True)
                ]
                for row in ask(f"SELECT * FROM {table}")
                if table != but
            ]
    return found


def check_the_folder(scene: Scene) -> None:
    """Beside a ledger there is only what SQLite and locks need: nothing half made.

    The lock file of an owner whose beginning or end could not be written stays, and is empty.
    """
    name, folder = scene.path.name, scene.path.parent
    beside = {f"{name}{end}" for end in ("", "-journal", "-wal", "-shm", ".owners")}
    assert {file.name for file in folder.iterdir()} <= beside
    assert [file.suffix for file in folder.glob("*.owners/*") if file.stat().st_size] == []
    assert {file.suffix for file in folder.glob("*.owners/*")} <= {".lock"}


def no_ledger(_scene: Scene, _disk: Disk) -> None:
    pass


def another(scene: Scene, _disk: Disk) -> None:
    frame = pd.DataFrame({"sms_to": NUMBERS[:2], "sms_text": "Hi. STOP: 1234"})
    smspm.Campaign.create("another", frame, sender="SMSPM.com", ledger=scene.path)


def created(scene: Scene, _disk: Disk) -> None:
    scene.create()


def begun(scene: Scene, _disk: Disk) -> None:
    scene.create()
    scene.campaign.send(scene.client, limit=3)
    assert scene.with_status("unknown") == {LOST[0]}
    assert scene.with_status("planned") == {LOST[1], LIMITED}


def sent(scene: Scene, _disk: Disk) -> None:
    scene.create()
    scene.send()


def died(scene: Scene, disk: Disk) -> None:
    """The disk of whoever was sending broke when a request had arrived."""
    scene.create()
    scene.meanwhile = disk.break_down
    with disk.failing(FOR_GOOD, 0):
        assert not succeeds(Scene.send, scene)
    scene.meanwhile = lambda: None
    assert scene.with_status("sending") == set(NUMBERS[:3])


def resolve(action: Any) -> Act:
    return lambda scene: scene.campaign.resolve_unknown(action)


SUPPRESSED: Final = [f"+{number}" for number in (NUMBERS[0], LOST[0], LIMITED)]

IN_ONE_TRANSACTION: Final[dict[str, tuple[Callable[[Scene, Disk], None], Act]]] = {
    "make a ledger, create": (no_ledger, Scene.create),
    "create": (another, Scene.create),
    "create again": (created, Scene.create),
    "cancel": (begun, lambda scene: scene.campaign.cancel()),
    "suppress": (begun, lambda scene: scene.campaign.suppress(SUPPRESSED)),
    "resend": (sent, resolve("resend")),
    "say it was sent": (sent, resolve("sent")),
    "say it failed": (sent, resolve("failed")),
    "bury the dead": (died, lambda scene: scene.campaign.counts()),
    "count": (sent, lambda scene: scene.campaign.counts()),
    "report": (sent, lambda scene: scene.campaign.report()),
    "look at the history": (sent, lambda scene: scene.campaign.history()),
    "look at unknown rows": (sent, lambda scene: scene.campaign.unknown()),
    "list": (sent, lambda scene: smspm.list_campaigns(ledger=scene.path)),
}


def check_that_it_is_whole(
    act: Act, prepared: Scene, new_scene: NewScene, disk: Disk, way: str
) -> None:
    """After any fault all of it is there, or nothing; and once more, it is done, as if once."""
    clean, only_made = new_scene(prepared), new_scene(prepared)
    act(clean)
    Ledger.create(only_made.path)
    whole = [dump(prepared), dump(only_made), dump(clean)]

    def check(scene: Scene) -> None:
        assert dump(scene) in whole
        check_the_folder(scene)
        act(scene)
        assert dump(scene) == whole[-1]

    sweep(act, lambda: new_scene(prepared), check, disk, way)


@pytest.mark.filterwarnings("ignore::smspm_campaigns.exceptions.SmspmWarning")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("done", IN_ONE_TRANSACTION)
def test_it_is_done_as_a_whole_or_not_at_all(
    done: str, way: str, new_scene: NewScene, disk: Disk
) -> None:
    """Whichever call to SQLite fails, and however. What only reads leaves all as it is."""
    prepare, act = IN_ONE_TRANSACTION[done]
    prepared = new_scene()
    prepare(prepared, disk)
    check_that_it_is_whole(act, prepared, new_scene, disk, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_old_ledger_is_the_old_one_or_the_new_one(
    version: int, way: str, old_ledger: "OldLedger", new_scene: NewScene, disk: Disk
) -> None:
    """Whichever call on the way from there to this version fails."""
    prepared = new_scene()
    shutil.copy(old_ledger(version), prepared.path)

    def act(scene: Scene) -> None:
        with Ledger.open(scene.path):
            pass

    check_that_it_is_whole(act, prepared, new_scene, disk, way)


@pytest.mark.parametrize("way", WAYS)
def test_a_test_that_was_sent_is_written_down(way: str, new_scene: NewScene, disk: Disk) -> None:
    """Whichever call fails: sent at most once, never without a trace, and no row is touched."""
    prepared = new_scene()
    prepared.create()
    rows = dump(prepared, but="trial")

    def check(scene: Scene) -> None:
        with scene.looking() as ask:
            written = [status for (status,) in ask("SELECT status FROM trial")]
        received = len(scene.accepted)
        assert (received, written) in [
            *[(0, []), (0, ["sending"])],
            *[(1, ["sending"]), (1, ["queued"])],
        ]
        scene.send_test()
        assert len(scene.accepted) == received + 1
        assert dump(scene, but="trial") == rows

    sweep(Scene.send_test, lambda: new_scene(prepared), check, disk, way)


# --- what is done in many transactions ----------------------------------------------------------


@pytest.fixture
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run makes the same calls in the same order: on one lane, and no bar looks at it."""
    monkeypatch.setattr(sender, "lanes_of", lambda _: 1)
    monkeypatch.setattr(watching, "_LOOK_EVERY", 60.0)
    monkeypatch.setattr(duty, "_LOOK_EVERY", 3600.0)


def check_a_send(scene: Scene, disk: Disk) -> None:
    """Nothing is unknown but what must be; sent again, everybody has it once.

    That is: rows whose reply was lost; the request that was under way when the disk broke; and one
    whose claim was written and reported as failed, which was then not made.
    """
    check_the_promise(scene)
    astray = scene.with_status("unknown", "sending") - set(LOST)
    with scene.looking() as ask:
        made = ask(
            "SELECT number, request_id, attempt.status IN ('unknown', 'sending') "
            "FROM attempt JOIN recipient ON recipient.id = recipient_id"
        )
    attempts = Counter(number for number, _, _ in made)
    requests = {request for number, request, is_open in made if is_open and number in astray}
    assert len(requests) <= 1
    if disk.way != FOR_GOOD:
        assert all(scene.came[number] < attempts[number] for number in astray)
        assert not astray or (disk.way, disk.hit) == (DONE, "COMMIT")
    scene.send()
    check_the_promise(scene)
    check_the_folder(scene)
    assert scene.with_status("unknown") == {*LOST, *astray}
    assert scene.with_status("refused") == {REFUSED} - astray
    assert scene.with_status("excluded") == {EXCLUDED}
    assert scene.with_status("queued") == {*scene.numbers} - {*LOST, *astray, REFUSED, EXCLUDED}


@pytest.mark.filterwarnings("ignore::smspm_campaigns.exceptions.SmspmWarning")
@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("caller", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_send_loses_nothing_and_repeats_nothing(
    way: str, caller: bool, new_scene: NewScene, disk: Disk
) -> None:
    """Whichever call fails, be it the run's or that of whoever asked for it."""
    prepared = new_scene()
    prepared.create()
    sweep(
        Scene.send,
        lambda: new_scene(prepared),
        lambda scene: check_a_send(scene, disk),
        disk,
        way,
        caller=caller,
    )


@pytest.mark.filterwarnings("ignore::smspm_campaigns.exceptions.SmspmWarning")
@pytest.mark.parametrize("way", [INSTEAD, FOR_GOOD, DONE])
def test_on_many_lanes_a_send_loses_and_repeats_nothing(
    way: str, new_scene: NewScene, disk: Disk
) -> None:
    """With requests in flight beside each other; every few calls, since their order varies."""
    prepared = new_scene()
    prepared.create()
    for at in count(1, 2 if way == DONE else 11):
        scene = new_scene(prepared)
        with disk.failing(way, at, caller=False), noted(disk):
            succeeds(Scene.send, scene)
        if disk.hit is None:
            break
        with noted(disk):
            check_a_send(scene, disk)
    assert at > (10 if way == DONE else 100)


@pytest.mark.filterwarnings("ignore::smspm_campaigns.exceptions.SmspmWarning")
@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("way", WAYS)
def test_tracking_goes_on_where_it_was(way: str, new_scene: NewScene, disk: Disk) -> None:
    """Whichever call fails: an answer that was not written down is asked for again."""
    prepared = new_scene()
    sent(prepared, disk)
    taken = prepared.with_status("queued")

    def check(scene: Scene) -> None:
        check_the_promise(scene)
        assert scene.with_status(*KNOWN) == taken
        scene.track()
        check_the_promise(scene)
        assert scene.with_status("delivered") == taken
        assert scene.with_status("unknown") == set(LOST)

    sweep(Scene.track, lambda: new_scene(prepared), check, disk, way, caller=False)


@pytest.mark.filterwarnings("ignore::smspm_campaigns.exceptions.SmspmWarning")
@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("done", ["create", "send"])
def test_a_disk_that_is_really_full_is_no_different(
    done: str, new_scene: NewScene, disk: Disk
) -> None:
    """SQLite finds no room, with a page more each time, until there is enough."""
    prepared = new_scene()
    prepared.numbers = [*NUMBERS, *(str(37251000000 + step) for step in range(150))]
    Ledger.create(prepared.path)
    created = new_scene(prepared)
    created.create()
    start, act = (prepared, Scene.create) if done == "create" else (created, Scene.send)
    with start.looking() as ask:
        [(pages,)] = ask("PRAGMA page_count")
    for room in count():
        scene = new_scene(start)
        disk.pages = pages + room
        with disk.failing(FOR_GOOD, 0):
            succeeded = succeeds(act, scene)
        disk.pages = None
        if done == "send":
            check_a_send(scene, disk)
        else:
            assert dump(scene) == dump(created if succeeded else start), room
            scene.create()
            assert dump(scene) == dump(created), room
        if succeeded:
            break
    assert room >= 3
