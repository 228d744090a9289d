import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.clock import SystemClock
from smspm_campaigns.delivery.engine import Run, run_here

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


def test_names_are_looked_up_though_the_program_s_text_has_ended() -> None:
    """A thread may go on after it; Python's own pool of threads takes no work then."""
    script = (
        "import asyncio, socket, threading\n"
        "from smspm_campaigns.delivery.engine import Run\n"
        "async def look_up(run):\n"
        "    told = await asyncio.get_running_loop().getaddrinfo('localhost', 80)\n"
        "    print(bool(told))\n"
        "    try:\n"
        "        await asyncio.get_running_loop().getaddrinfo('no.such.host.invalid', 80)\n"
        "    except socket.gaierror:\n"
        "        print('none')\n"
        "def go_on():\n"
        "    threading.main_thread().join()\n"
        "    Run(look_up).wait()\n"
        "threading.Thread(target=go_on).start()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("True\nnone\n", "")


# --- halted, let on, stopped ----------------------------------------------------------------------


def test_a_halted_run_begins_nothing_until_it_may_go_on() -> None:
    """As often as it is asked."""
    seen: list[object] = []

    async def work(run: Run) -> None:
        for _ in range(2):
            run.halt()
            going = asyncio.ensure_future(run.may_go_on())
            await asyncio.sleep(0)
            seen.append(going.done())
            run.go_on()
            seen.append(await going)

    assert Run(work).wait(60)
    assert seen == [False, True] * 2


@pytest.mark.parametrize("halt_again", [False, True])
def test_a_stop_is_the_last_word(halt_again: bool) -> None:
    """A halted run that is asked to stop wakes up to end, and no later halt holds it."""
    halted = threading.Event()
    seen: list[bool] = []

    async def work(run: Run) -> None:
        run.halt()
        halted.set()
        seen.append(await run.may_go_on())
        if halt_again:
            run.halt()
        seen.append(await run.may_go_on())

    run = Run(work)
    assert halted.wait(60)
    run.stop()
    assert run.wait(60)
    assert seen == [False, False]


def test_a_halt_that_was_under_way_holds_no_run_that_is_asked_to_stop() -> None:
    """Whichever is heeded first on the loop, it ends."""

    async def work(run: Run) -> None:
        asyncio.get_running_loop().call_soon(run.halt)
        run.stop()
        await asyncio.sleep(0)
        await run.may_go_on()

    assert Run(work).wait(60)


def test_whoever_asks_it_to_look_does_not_wait() -> None:
    """Each wish to look is heeded once; else it looks by itself after a while."""
    seen: list[str] = []

    async def work(run: Run) -> None:
        run.look()
        await run.look_asked(3600)
        seen.append("asked")
        await run.look_asked(0.001)
        seen.append("by itself")

    assert Run(work).wait(60)
    assert seen == ["asked", "by itself"]


def test_a_run_is_waited_for_until_it_is_known_or_has_failed() -> None:
    """What ended it before is raised, and not yet is an answer."""
    go_on = threading.Event()

    async def known(run: Run) -> None:
        await asyncio.to_thread(go_on.wait, 60)
        run.is_known()
        await run.pause(Forever(), 1)

    async def failed(_: Run) -> None:
        raise ZeroDivisionError

    run = Run(known)
    assert not run.wait_until_known(0.001)
    go_on.set()
    assert run.wait_until_known(60)
    assert run_here(run.id) is run
    run.stop()
    assert run.wait(60)
    assert run.wait_until_known(0)
    with pytest.raises(ZeroDivisionError):
        Run(failed).wait_until_known(60)


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
