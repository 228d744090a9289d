"""Bad days in the middle of a send: nothing more is claimed, nothing is lost, a later run goes on.

The days are real where a test can make them: a small disk that is full, a program that holds the
ledger, system calls that fail, processes without file descriptors. The gateway knows who was sent
a message; nothing of ours is looked at but what a user sees.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.delivery.ledger import connection
from smspm_campaigns.exceptions import LedgerError, RateLimited, RunStopped
from smspm_campaigns.gateway.simulator import Fault, Simulator, running

if TYPE_CHECKING:
    from conftest import Clock

pytestmark = [
    pytest.mark.filterwarnings("ignore::smspm_campaigns.exceptions.SmspmWarning"),
    pytest.mark.skipif(sys.platform == "win32", reason="no file in use can be moved there"),
]

LANES: Final = 32  # requests that one run has in flight at most
HOUR: Final = 3600
STRUCK: Final = 12  # the request in whose middle the day begins
PERSONAL, LIST = 60, 40
NUMBERS: Final = [str(37250000000 + place) for place in range(PERSONAL + LIST)]
TEXTS: Final = [f"Hi {place}" for place in range(PERSONAL)] + ["Hi all"] * LIST


class Time:
    """A clock whose two times jump apart, and a place where something happens while we wait."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self.elsewhere = clock.now  # as other machines see it
        self.wall = self.steady = 0.0  # seconds by which they have jumped
        self.meanwhile: Callable[[], object] = lambda: None

    def now(self) -> float:
        return self._clock.now() + self.wall

    def monotonic(self) -> float:
        return self._clock.monotonic() + self.steady

    def jump(self, wall: float, steady: float) -> None:
        self.wall += wall
        self.steady += steady

    async def sleep(self, seconds: float) -> None:
        self.meanwhile()
        await self._clock.sleep(seconds)


class Scene:
    """A campaign, and a gateway that lets a day begin when a certain request has arrived."""

    def __init__(self, folder: Path, time: Time) -> None:
        self.time = time
        self.path = folder / "ledger.sqlite"
        frame = pd.DataFrame({"sms_to": NUMBERS, "sms_text": TEXTS})
        self.campaign = smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=self.path)
        self.strike: Callable[[], object] = lambda: None
        self.when = STRUCK
        self.struck: list[str] = []  # who was asked for in that request
        self.rate: float | None = None  # requests a minute
        self.fault: Callable[[], Fault | str | None] = lambda: None
        self.simulator = Simulator(
            clock=time.elsewhere, faults=self._day, submit_after=0, final_after=0, spread=0
        )
        self.url = ""

    def _day(self, index: int, numbers: Sequence[str]) -> Fault | str | None:
        if index == self.when:
            self.struck = list(numbers)
            self.strike()
        return self.fault()

    @contextmanager
    def served(self) -> Iterator[None]:
        """Let the gateway be there, at one address for good."""
        with running(self.simulator, port=int(self.url.rpartition(":")[2] or 0)) as self.url:
            yield

    def send(self, *, limit: int | None = None) -> None:
        self.campaign.send(self.client(), limit=limit, progress=False)

    def client(self) -> smspm.Client:
        return smspm.Client(
            "simulated-hash",
            "simulated-token",
            base_url=self.url,
            requests_per_minute=self.rate,
            clock=self.time,
        )

    def statuses(self) -> dict[str, str]:
        report = self.campaign.report()
        return dict(zip(report["sms_to"], report["sms_status"].astype(str), strict=True))

    def having(self, status: str) -> set[str]:
        return {number for number, found in self.statuses().items() if found == status}

    def received(self) -> list[str]:
        return [str(entry["toNumber"]) for entry in self.simulator.accepted]

    def broken(self) -> dict[str, Any]:
        """Look whether the promise is kept; return what is not, and nothing when all is well."""
        counts, statuses = self.campaign.counts(), self.statuses()
        received = self.received()
        found = {
            "received twice": [who for who, times in Counter(received).items() if times > 1],
            "received, and nobody knows": set(received)
            - self.having("queued")
            - self.having("unknown"),
            "known, and not received": self.having("queued") - set(received),
            "rows": set(NUMBERS) ^ set(statuses),
            "counts": {
                status: count
                for status, count in counts.items()
                if count != Counter(statuses.values())[str(status)]
            },
            "no sum": counts.sum() - len(NUMBERS),
            "in other states": set(statuses.values()) - {"planned", "queued", "unknown"},
        }
        return {fact: evidence for fact, evidence in found.items() if evidence}

    def goes_on(self) -> None:
        """Send the rest: everybody who is not unknown has one message, who is stays so."""
        unknown = self.having("unknown")
        with self.served():
            self.send()
        assert self.broken() == {}
        assert self.having("unknown") == unknown
        assert self.having("queued") == set(NUMBERS) - unknown


@pytest.fixture
def time(clock: "Clock") -> Time:
    return Time(clock)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one mebibyte."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        mount("-t", "tmpfs", "-o", "size=1m", "none", str(place))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nobody may mount a disk here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def mount(*told: str) -> None:
    subprocess.run(["mount", *told], check=True, capture_output=True)


def told_to_a_person(sentence: str) -> str:
    """Return what is told when it is for a person: one line, an end, and no number in it."""
    assert re.search(r"\n|Traceback|\d{7}", sentence) is None
    assert sentence.endswith(".")
    return sentence


# --- the ledger cannot be written ---------------------------------------------------------------


@contextmanager
def full(path: Path) -> Iterator[None]:
    """Fill the disk to its last byte."""
    ballast = path.with_name("ballast")
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    ballast.unlink()


HOLD: Final = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("PRAGMA busy_timeout = 60000")
other.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Let another program hold it, as one that looks into databases does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        yield
        program.communicate()


@contextmanager
def moved(path: Path) -> Iterator[None]:
    """Put it elsewhere, and back."""
    path.rename(path.with_name("elsewhere"))
    yield
    path.with_name("elsewhere").rename(path)


Cause = Callable[[Path], AbstractContextManager[None]]
SENTENCES: Final[dict[Cause, str]] = {
    full: " has no room: the disk is full. Make room and run it again (database or disk is full).",
    held: " is held by another program; close that one, or try again (database is locked).",
    moved: " was moved or deleted while it was in use; put it back, then run it again ({}).",
}
#: How SQLite says that a file is gone: within a change to it, and where the change begins.
NO_FILE: Final = ("disk I/O error", "attempt to write a readonly database")
#: What whoever looks at the progress of a run is told, who opens the ledger anew.
GONE: Final = (
    ": ledger.sqlite-journal is left of it. Put it back. Only when all that is left of it is "
    "deleted too, a new one can be made, which does not know who was texted from the old one."
)
DISK_FAILS: Final = (
    " cannot be read or written: the disk fails. Check it, then run it again (disk I/O error)."
)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, time: Time) -> Scene:
    """A scene where the cause of its test can come about."""
    is_small = request.getfixturevalue("cause") is full
    return Scene(request.getfixturevalue("small_disk") if is_small else tmp_path, time)


@pytest.fixture
def shorter_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another program be waited for, for two seconds and not for thirty."""
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT", 2.0)


def fails(scene: Scene, cause: Cause) -> None:
    """Send, which ends with a sentence that says what to do."""
    with pytest.raises(LedgerError) as caught:
        scene.send()
    told = told_to_a_person(str(caught.value))
    sentences = [f"The ledger at {scene.path}{SENTENCES[cause].format(why)}" for why in NO_FILE]
    if cause is moved:
        sentences.append(f"There was a ledger at {scene.path}{GONE}")
    assert told in sentences


@pytest.mark.parametrize("cause", [full, moved])
def test_a_ledger_that_cannot_be_written_for_good_ends_the_run(scene: Scene, cause: Cause) -> None:
    """No claim follows, then or when it is tried again; what could not be recorded is unknown."""
    with scene.served(), ExitStack() as day:
        scene.strike = lambda: day.enter_context(cause(scene.path))
        fails(scene, cause)
        requests, received = scene.simulator.requests, scene.received()
        fails(scene, cause)
        assert scene.simulator.requests == requests
    assert scene.received() == received
    assert scene.broken() == {}
    planned, unknown = scene.having("planned"), scene.having("unknown")
    assert planned
    if cause is not full:  # on a full disk there may be room for a few more in what is there
        assert set(scene.struck) <= unknown
        assert requests - STRUCK <= LANES
        assert len(unknown) <= LANES
    scene.goes_on()


@pytest.mark.usefixtures("shorter_waits")
@pytest.mark.parametrize("cause", [full, held, moved])
def test_a_reply_waits_until_the_ledger_can_be_written(scene: Scene, cause: Cause) -> None:
    """The cause goes away within the minute: the run has ended, and nothing is unknown."""
    with scene.served(), ExitStack() as day:
        scene.strike = lambda: day.enter_context(cause(scene.path))
        scene.time.meanwhile = day.close
        fails(scene, cause)
    assert scene.broken() == {}
    assert scene.having("unknown") == set()
    assert scene.having("planned")
    scene.goes_on()


def test_after_one_reply_that_could_not_be_recorded_at_once_nothing_is_claimed(
    tmp_path: Path, time: Time
) -> None:
    """Not even when it could be a moment later, and nothing else of the run failed."""
    scene = Scene(tmp_path, time)
    scene.when = 0  # which is made alone
    with scene.served(), ExitStack() as day:
        scene.strike = lambda: day.enter_context(moved(scene.path))
        time.meanwhile = day.close
        fails(scene, moved)
    assert scene.simulator.requests == 1
    assert scene.broken() == {}
    assert scene.having("queued") == set(scene.struck)
    scene.goes_on()


@pytest.mark.usefixtures("shorter_waits")
@pytest.mark.parametrize("cause", [held])
def test_a_ledger_that_another_program_holds_lets_no_run_begin(scene: Scene, cause: Cause) -> None:
    """It is waited for, then nothing was sent; when it is let go, the run begins."""
    with scene.served(), cause(scene.path):
        fails(scene, cause)
    assert scene.simulator.requests == 0
    assert scene.having("planned") == set(NUMBERS)
    scene.goes_on()


def test_a_ledger_that_is_deleted_while_it_is_used_ends_the_run(tmp_path: Path, time: Time) -> None:
    """Nobody is texted twice, and no other is made in its place: it would not know who was."""
    scene = Scene(tmp_path, time)
    scene.strike = scene.path.unlink
    with scene.served():
        fails(scene, moved)
        requests = scene.simulator.requests
        assert requests - STRUCK <= LANES
        fails(scene, moved)
        frame = pd.DataFrame({"sms_to": NUMBERS, "sms_text": TEXTS})
        with pytest.raises(LedgerError, match="a new one can be made, which does not know"):
            smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=scene.path)
    assert scene.simulator.requests == requests
    assert not scene.path.exists()
    assert max(Counter(scene.received()).values()) == 1


# --- in a process of its own --------------------------------------------------------------------

#: The terminal, where every wait is over at once.
TERMINAL: Final = """
import time
from smspm_campaigns import cli
from smspm_campaigns.clock import SystemClock

skipped = 0.0

async def sleep(_, seconds):
    global skipped
    skipped += max(seconds, 0.0)

SystemClock.sleep = sleep
SystemClock.monotonic = lambda _: time.monotonic() + skipped
"""


@contextmanager
def terminal(
    scene: Scene, program: str = "cli.main()", **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    """Let a process of its own send the campaign."""
    order = ["send", "spring", "--yes", "--ledger", str(scene.path)]
    account = {"SMSPM_HASH": "simulated-hash", "SMSPM_TOKEN": "simulated-token"}
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL + program, *order],
        env={**os.environ, **account, "SMSPM_BASE_URL": scene.url, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end; return the exit code and what was said of an error."""
    _, told = process.communicate(timeout=120)
    errors = [line for line in told.splitlines() if not line.startswith("Note: ")]
    return process.returncode, "".join(map(told_to_a_person, errors))


SHIM: Final = """
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int broken(void) { return access(getenv("DISK_IS_BROKEN"), F_OK) == 0 && (errno = EIO); }
int fsync(int file) { return broken() ? -1 : syscall(SYS_fsync, file); }
int fdatasync(int file) { return broken() ? -1 : syscall(SYS_fdatasync, file); }
"""


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library in front of the system's, with which no byte reaches the disk while a file is."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    made = tmp_path_factory.mktemp("shim") / "shim.so"
    compile_ = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(made)]
    subprocess.run(compile_, input=SHIM, text=True, check=True)
    return made


def test_what_does_not_reach_the_disk_is_not_sent(tmp_path: Path, time: Time, shim: Path) -> None:
    """A claim whose `fsync` fails is none: no byte leaves, and the terminal says what to do."""
    scene = Scene(tmp_path, time)
    flag = tmp_path / "broken"
    scene.strike = flag.touch
    sentence = f"Error: The ledger at {scene.path}{DISK_FAILS}"
    environment = {"LD_PRELOAD": str(shim), "DISK_IS_BROKEN": str(flag)}
    with scene.served():
        with terminal(scene, **environment) as process:
            assert ended(process) == (1, sentence)
        requests = scene.simulator.requests
        assert requests - STRUCK <= LANES
        with terminal(scene, **environment) as process:
            assert ended(process) == (1, sentence)
        assert scene.simulator.requests == requests
    flag.unlink()
    assert scene.broken() == {}
    assert set(scene.struck) <= scene.having("unknown")
    assert len(scene.having("unknown")) <= LANES
    scene.goes_on()


@pytest.fixture
def limits() -> Any:
    """The module that sets limits of processes."""
    resource = pytest.importorskip("resource")
    return resource if hasattr(resource, "prlimit") else pytest.skip("needs Linux")


def test_a_system_call_that_refuses_to_write_ends_the_run(
    tmp_path: Path, time: Time, limits: Any
) -> None:
    """As when a quota is used up: the terminal says what to do."""
    scene = Scene(tmp_path, time)
    with scene.served(), terminal(scene) as process:
        most = (0, limits.RLIM_INFINITY)
        scene.strike = lambda: limits.prlimit(process.pid, limits.RLIMIT_FSIZE, most)
        assert ended(process) == (1, f"Error: The ledger at {scene.path}{DISK_FAILS}")
    assert scene.simulator.requests - STRUCK <= LANES
    assert scene.broken() == {}
    assert set(scene.struck) <= scene.having("unknown")
    assert len(scene.having("unknown")) <= LANES
    scene.goes_on()


def test_a_ledger_on_a_place_that_is_only_read_is_read(small_disk: Path, time: Time) -> None:
    """It tells how the campaign stands, nothing is claimed, and the terminal says what to do."""
    scene = Scene(small_disk, time)
    with scene.served():
        scene.send(limit=30)
        requests, statuses = scene.simulator.requests, scene.statuses()
        mount("-o", "remount,ro", str(small_disk))
        with terminal(scene) as process:
            sentence = (
                f"Error: The ledger at {scene.path} cannot be locked in {scene.path}.owners: "
                "Read-only file system. Nothing was sent; a ledger belongs in a folder of this "
                "machine that can be written."
            )
            assert ended(process) == (1, sentence)
        assert scene.statuses() == statuses
        assert scene.simulator.requests == requests
        mount("-o", "remount,rw", str(small_disk))
    assert scene.broken() == {}
    scene.goes_on()


def test_one_that_has_no_files_left_to_open_ends_in_order(
    tmp_path: Path, time: Time, limits: Any
) -> None:
    """No connection and no journal: what has not left stays planned, and no claim follows."""
    scene = Scene(tmp_path, time)
    with scene.served(), terminal(scene) as process:

        def use_up() -> None:
            used = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
            limits.prlimit(process.pid, limits.RLIMIT_NOFILE, (used, used))

        scene.strike = use_up
        code, told = ended(process)
    assert (code == 0) == (told == "")
    assert scene.broken() == {}
    assert len(scene.having("unknown")) <= LANES
    scene.goes_on()


#: With room for no file, for two, and so on, until it comes to its end.
WITH_FEW_FILES: Final = """
import os, resource, sys

lowest = os.open(os.devnull, os.O_RDONLY)
os.close(lowest)
for room in range(0, 100, 2):
    if os.fork() == 0:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + room, most))
        try:
            cli.main()
        except SystemExit as ended:
            os._exit(ended.code)  # at once: asyncio has more to say of a loop it could not make
    if os.wait()[1] == 0:
        break
    print(flush=True, file=sys.stderr)
"""


@pytest.mark.usefixtures("limits")
def test_one_that_may_open_few_files_says_so_or_sends(tmp_path: Path, time: Time) -> None:
    """However few: a sentence each time, and each goes on where the one before came to."""
    scene = Scene(tmp_path, time)
    with scene.served(), terminal(scene, WITH_FEW_FILES) as process:
        _, told = process.communicate(timeout=120)
    *failed, last = told.split("\n\n")
    assert last == ""
    reasons = r"Too many open files|how many files are open|^Error: No connection to"
    assert all(re.search(reasons, told_to_a_person(sentence)) for sentence in failed)
    assert failed
    assert scene.broken() == {}
    assert scene.having("queued") == set(NUMBERS)


def test_one_that_stands_still_while_the_gateway_starts_anew_ends_in_order(
    tmp_path: Path, time: Time
) -> None:
    """As a machine that sleeps: all its connections are dead when it wakes, and what was under way
    is unknown at worst.
    """
    scene = Scene(tmp_path, time)
    with ExitStack() as gateway:
        gateway.enter_context(scene.served())
        with terminal(scene) as process:
            scene.strike = lambda: process.send_signal(signal.SIGSTOP)
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            gateway.close()
            with scene.served():
                process.send_signal(signal.SIGCONT)
                code, told = ended(process)
    assert (code == 0) == (told == "")
    assert scene.broken() == {}
    assert len(scene.having("unknown")) <= LANES
    scene.goes_on()


# --- a gateway that says to wait ----------------------------------------------------------------

WAITS: Final = pytest.mark.parametrize("told", [None, 60, 10**12])


@WAITS
def test_a_storm_of_429_passes(tmp_path: Path, time: Time, told: float | str | None) -> None:
    """Ten seconds in the middle of a run in which nothing is taken: then everybody has it once."""
    scene = Scene(tmp_path, time)
    begun: list[float] = []
    scene.strike = lambda: begun.append(time.now())
    in_storm = Counter[bool]()

    def fault() -> Fault | None:
        is_in_it = bool(begun) and time.now() < begun[0] + 10
        in_storm[is_in_it] += 1
        return Fault("429", retry_after=told) if is_in_it else None

    scene.fault = fault
    with scene.served():
        scene.send()
    assert scene.broken() == {}
    assert scene.having("queued") == set(NUMBERS)
    assert in_storm[False] == PERSONAL + 1  # not one request more than without a storm
    assert 0 < in_storm[True] <= 5 * LANES
    assert time.now() - begun[0] < HOUR


@WAITS
@pytest.mark.parametrize("since", [0, STRUCK])
def test_a_storm_of_429_that_does_not_pass_ends_the_run(
    tmp_path: Path, time: Time, told: float | str | None, since: int
) -> None:
    """After so many attempts, and so much time: nothing of it was taken, and all of it goes on."""
    scene = Scene(tmp_path, time)
    begun = time.now()
    scene.fault = lambda: (
        Fault("429", retry_after=told) if scene.simulator.requests > since else None
    )
    with scene.served():
        with pytest.raises(RateLimited) as caught:
            scene.send()
        assert re.fullmatch(
            r"The API has had too many requests( and asks to wait \d{1,3} s)?\. Nothing was taken; "
            r"run it again later\.",
            told_to_a_person(str(caught.value)),
        )
    assert scene.simulator.requests <= since + 5 * LANES
    assert time.now() - begun <= 5 * LANES * 300
    assert scene.broken() == {}
    assert len(scene.having("queued")) == since
    assert len(scene.having("planned")) == len(NUMBERS) - since
    scene.fault = lambda: None
    scene.goes_on()
    assert scene.having("queued") == set(NUMBERS)


# --- a machine whose clocks jump ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wall", "steady"),
    [
        (HOUR, 0),  # it slept: on Linux the steady clock stands still meanwhile
        (HOUR, HOUR),  # elsewhere it goes on
        (0, HOUR),
        (-20 * 365 * 24 * HOUR, 0),  # a battery is empty
    ],
)
def test_clocks_that_jump_in_the_middle_of_a_request_change_nothing(
    tmp_path: Path, time: Time, wall: float, steady: float
) -> None:
    """Everybody has one message, at the rate of the client, and it is written down when."""
    scene = Scene(tmp_path, time)
    scene.rate, begun = 600, time.elsewhere()
    scene.strike = lambda: time.jump(wall, steady)
    with scene.served():
        scene.send()
    assert scene.broken() == {}
    assert scene.having("queued") == set(NUMBERS)
    assert time.elsewhere() - begun < HOUR / 60
    dates = {str(at.date()) for at in scene.campaign.report()["sms_sent_at"]}
    assert dates == {str(pd.Timestamp(begun + jump, unit="s").date()) for jump in (0, wall)}


@pytest.mark.parametrize("wall", [HOUR, -HOUR])
def test_tracking_goes_on_after_the_wall_clock_jumped(
    tmp_path: Path, time: Time, wall: float
) -> None:
    """Whoever was sent a message before the jump and whoever was after it: all have a last word."""
    scene = Scene(tmp_path, time)
    scene.strike = lambda: time.jump(wall, 0)
    with scene.served():
        scene.send()
        scene.campaign.track(scene.client(), timeout="2h", progress=False)
    assert set(scene.statuses().values()) == {"delivered"}


def test_a_request_that_a_sleep_cut_off_is_not_made_again(
    tmp_path: Path, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the clock of the time-outs goes on in a sleep, they are all over when it wakes."""
    scene = Scene(tmp_path, time)
    asleep = [0.0]
    awake = asyncio.BaseEventLoop.time
    monkeypatch.setattr(asyncio.BaseEventLoop, "time", lambda loop: awake(loop) + asleep[-1])
    scene.strike = lambda: asleep.append(HOUR)
    with scene.served(), suppress(RunStopped):
        scene.send()
    assert scene.broken() == {}
    assert len(scene.having("unknown")) <= LANES
    scene.goes_on()
