"""Waiting for a run while its progress shows, and stopping it in good order."""

import atexit
import math
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from tqdm.auto import tqdm

from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.exceptions import SmspmError

_LOOK_EVERY: Final = 0.2  # seconds
_SHARE: Final = 20  # times as long as the last look took, to the next one: the run needs the ledger
_PATIENCE: Final = 60  # seconds for requests in flight to end after an interruption
_COMMAND: Final[ContextVar[str]] = ContextVar("command", default="")

_Told = TypeVar("_Told")

#: What stops a run: the handler Python has for it by itself, and how the call ends instead.
_SIGNALS: Final[dict[int, tuple[Any, Callable[[], BaseException]]]] = {
    signal.SIGINT: (signal.default_int_handler, KeyboardInterrupt),
    **{
        number: (signal.SIG_DFL, partial(SystemExit, 128 + number))
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None))  # a terminal that is closed
        if number is not None
    },
}


class Progress(NamedTuple):
    """How far a run is: rows done, rows in all, and the counts to show."""

    done: int
    total: int
    told: dict[str, int]


@contextmanager
def goes_on_by(command: str) -> Iterator[None]:
    """Tell a person this command, in place of a call, when a run is interrupted in the block."""
    token = _COMMAND.set(command)
    try:
        yield
    finally:
        _COMMAND.reset(token)


def to_go_on(call: str) -> str:
    """Say how to go on: by a call, or by the command of the face in use."""
    return f"To go on: {_COMMAND.get() or call}"


def watch(
    begin: Callable[[], Run],
    look: Callable[[], Progress],
    *,
    title: str,
    show: bool,
    told: Callable[[], str],
    timeout: float | None = None,
) -> None:
    """Wait for a run, with a bar. An interruption lets what is in flight finish first.

    Ctrl-C, SIGTERM and a terminal that is closed stop it: nothing more is begun, and the requests
    in flight are waited for, for a minute at most, or until Ctrl-C is pressed again. None of them
    is cancelled.

    Args:
        begin: begins the run, or returns one that goes on.
        look: says how far the run is.
        title: what the bar is called.
        show: whether a bar may be shown at all.
        told: says what follows for a person, after an interruption.
        timeout: seconds to wait at most; the run goes on after them.

    Raises:
        KeyboardInterrupt: Ctrl-C, or a cell was interrupted; the run has ended in good order.
        SystemExit: the same after SIGTERM or SIGHUP, with the code 143 or 129.
    """
    with _asked_to_stop() as asked:
        run = begin()
        try:
            follow(
                lambda seconds: bool(asked) or run.wait(seconds),
                look,
                title=title,
                show=show,
                timeout=timeout,
            )
        except BaseException as ended:
            _stop([run], asked, told, say_so=bool(asked) or not isinstance(ended, Exception))
            raise
        if asked:
            _stop([run], asked, told, say_so=True)


def answer(question: Callable[[], Awaitable[_Told]], *, call: str) -> _Told:
    """Wait for what a question to the API gives, in a script or where a loop is running.

    Args:
        question: asks, on the loop of the engine.
        call: how a person asks it again after an interruption.
    """
    told: list[_Told] = []

    async def ask(_: Run) -> None:
        told.append(await question())

    watch(
        lambda: Run(ask),
        lambda: Progress(len(told), 1, {}),
        title="Asking",
        show=False,
        told=lambda: to_go_on(call),
    )
    return told[0]


def follow(
    wait: Callable[[float], bool],
    look: Callable[[], Progress],
    *,
    title: str,
    show: bool,
    timeout: float | None = None,
) -> None:
    """Show a bar until something has ended, or the time is over.

    Args:
        wait: waits for so many seconds; tells whether it has ended.
    """
    until = math.inf if timeout is None else time.monotonic() + timeout
    with _bar(title, look(), show=show) as bar:
        rested = 0.0
        while not wait(max(0.0, min(_LOOK_EVERY, until - time.monotonic()))):
            begun = time.monotonic()
            if begun >= until:
                break
            if begun >= rested:
                _update(bar, look())
                looked = time.monotonic()
                rested = looked + _SHARE * (looked - begun)
        _update(bar, look())


@contextmanager
def _asked_to_stop() -> Iterator[list[BaseException]]:
    """Collect signals as what shall end the call, and raise the first when the block has ended.

    A signal leaves a word and no more: an exception in the middle of anything could separate what
    belongs together. A handler that a program installed itself is left alone, since the program
    has decided what the signal means; an exception of its own stops the run as well. Only the
    main thread can handle signals; others install nothing.
    """
    asked: list[BaseException] = []

    def hear(number: int, _: object) -> None:
        asked.append(_SIGNALS[number][1]())

    in_main = threading.current_thread() is threading.main_thread()
    ours = {n: usual for n, (usual, _) in _SIGNALS.items() if in_main}
    ours = {n: usual for n, usual in ours.items() if signal.getsignal(n) == usual}
    for number in ours:
        signal.signal(number, hear)
    try:
        yield asked
    finally:
        for number, usual in ours.items():
            signal.signal(number, usual)
        if asked:
            raise asked[0]


def _stop(
    runs: list[Run], asked: list[BaseException], told: Callable[[], str], *, say_so: bool
) -> None:
    """End runs in good order: nobody watches them any more."""
    heard = len(asked)  # one press of the keys may arrive several times
    if say_so:
        say(
            "Stopping: requests in flight are being finished and recorded, for "
            f"{_PATIENCE} seconds at most. Interrupt again to wait no longer."
        )
    for run in runs:
        run.stop()
        _unwatched.pop(run, None)
    try:
        for _ in range(round(_PATIENCE / _LOOK_EVERY)):
            again = any(isinstance(signal_, KeyboardInterrupt) for signal_ in asked[heard:])
            if again or all(run.has_ended(_LOOK_EVERY) for run in runs):
                break
    finally:
        if not all(run.has_ended(0) for run in runs):
            say(
                "Requests are still in flight. They are recorded as long as this program runs; "
                f"what is not recorded when it ends is unknown. {told()}"
            )
        elif say_so:
            failures = " ".join(filter(None, map(_failure_of, runs)))
            say(f"{failures or 'Stopped. Nothing is lost.'} {told()}")


def _failure_of(run: Run) -> str:
    """Say what else ended a run, or nothing."""
    try:
        run.wait(0)
    except SmspmError as error:
        return str(error)
    return ""


#: Runs that were let go, and how each would go on.
_unwatched: dict[Run, Callable[[], str]] = {}


def let_go(begin: Callable[[], Run], told: Callable[[], str]) -> None:
    """Begin a run that nobody waits for, and wait until it can be seen from elsewhere.

    When the program ends before it does, it is stopped in good order, as `watch` stops one.

    Raises:
        Exception: what ended it before it could be seen.
        KeyboardInterrupt, SystemExit: as `watch` raises them; the run was stopped.
    """
    with _asked_to_stop() as asked:
        run = begin()
        _unwatched[run] = told
        for other in list(_unwatched):  # other threads begin runs, too
            if other.has_ended(0):
                _unwatched.pop(other, None)
        atexit.unregister(_stop_the_unwatched)
        atexit.register(_stop_the_unwatched)
        try:
            while not (asked or run.wait_until_known(_LOOK_EVERY)):
                pass
        except BaseException:
            run.stop()
            raise
        if asked:
            _stop([run], asked, told, say_so=True)


def _stop_the_unwatched() -> None:
    left = [run for run in list(_unwatched) if run.is_here and not run.has_ended(0)]
    told = " ".join(dict.fromkeys(_unwatched[run]() for run in left))
    if left:
        with suppress(KeyboardInterrupt, SystemExit), _asked_to_stop() as asked:
            _stop(left, asked, lambda: told, say_so=True)


def say(sentence: str) -> None:
    if sys.stderr is not None:  # as in a service, or in pythonw
        with suppress(OSError):  # a terminal that is closed hears nothing
            tqdm.write(sentence, sys.stderr)


def _bar(title: str, progress: Progress, *, show: bool) -> Any:
    told = sys.stderr is not None  # as in a service, or in pythonw, where it is
    seen = told and (sys.stderr.isatty() or is_notebook())
    return tqdm(
        desc=title,
        total=progress.total,
        initial=progress.done,
        unit="msg",
        disable=not (show and seen),
    )


def is_notebook() -> bool:
    """Tell whether this program is a kernel; one that only starts kernels is none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _update(bar: Any, progress: Progress) -> None:
    bar.set_postfix(progress.told, refresh=False)
    bar.update(progress.done - bar.n)
    bar.refresh()
