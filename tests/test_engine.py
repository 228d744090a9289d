import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.clock import SystemClock
from smspm_campaigns.delivery.engine import Run

if TYPE_CHECKING:
    from conftest import Clock


class Forever:
    """A clock on which no sleep ever ends."""

    def __init__(self) -> None:
        self.asleep = threading.Event()

    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await asyncio.Event().wait()


async def nothing(_: Run) -> None:
    pass


def test_a_run_works_beside_a_running_loop(clock: "Clock") -> None:
    """As in a notebook: whoever waits may be inside a loop of their own."""
    seen: list[object] = []

    async def work(run: Run) -> None:
        await run.pause(clock, 5)
        seen.append(threading.current_thread())

    async def cell() -> bool:
        seen.append(threading.current_thread())
        return Run(work).wait()

    assert asyncio.run(cell())
    assert len(set(seen)) == 2
    assert clock.passed == 5


def test_runs_share_one_loop_whoever_starts_them() -> None:
    """Also when the very first ones are started by many threads at once."""
    script = (
        "import asyncio, threading\n"
        "from smspm_campaigns.delivery.engine import Run\n"
        "loops, together = set(), threading.Barrier(16)\n"
        "async def work(run): loops.add(asyncio.get_running_loop())\n"
        "def start(): together.wait(); Run(work).wait()\n"
        "threads = [threading.Thread(target=start) for _ in range(16)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "print(len(loops))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("1\n", "")


def test_what_ends_a_run_is_raised_to_whoever_waits() -> None:
    """As often as somebody asks, and a TimeoutError of its own is no time-out of the wait."""

    async def fail(_: Run) -> None:
        raise TimeoutError("of the work")

    run = Run(fail)
    for _ in range(2):
        with pytest.raises(TimeoutError, match="of the work"):
            run.wait(60)


def test_a_wait_has_an_end_and_the_run_goes_on() -> None:
    """Not ended yet is an answer, and not an error."""
    clock = Forever()

    async def work(run: Run) -> None:
        await run.pause(clock, 5)

    run = Run(work)
    assert clock.asleep.wait(60)
    assert [run.wait(0), run.wait(0.001)] == [False, False]
    run.stop()
    assert run.wait(60)
    assert run.wait(0)


def test_a_stop_wakes_whoever_waits_and_whoever_will() -> None:
    """A pause ends when somebody asks to stop, and one that begins later is none."""
    clock = Forever()
    seen: list[bool] = []

    async def work(run: Run) -> None:
        seen.append(run.stopping)
        await run.pause(clock, 3600)
        seen.append(run.stopping)
        await run.pause(clock, 3600)

    run = Run(work)
    assert clock.asleep.wait(60)
    run.stop()
    run.stop()
    assert run.wait(60)
    assert seen == [False, True]


def test_a_run_may_stop_itself() -> None:
    """From inside its own loop."""

    async def work(run: Run) -> None:
        run.stop()
        await run.pause(Forever(), 3600)

    assert Run(work).wait(60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork there")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_loop_of_its_own() -> None:
    """It inherits the memory of a loop whose thread is not there; waiting for that never ends."""
    assert Run(nothing).wait(60)
    script = (
        "import os\n"
        "from smspm_campaigns.delivery.engine import Run\n"
        "async def nothing(run): pass\n"
        "Run(nothing).wait()\n"
        "if (child := os.fork()) == 0:\n"
        "    os._exit(7 if Run(nothing).wait(20) else 8)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.stdout == "7\n", ended.stderr


def test_the_time_of_this_machine_passes() -> None:
    """The clock for real runs is the machine's."""
    clock = SystemClock()
    before = clock.monotonic(), clock.now()
    asyncio.run(clock.sleep(0.001))
    assert clock.monotonic() > before[0]
    assert clock.now() >= before[1] > 1_700_000_000
