"""Waiting for a run while its progress shows, and stopping it in good order."""

import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, NamedTuple

from tqdm.auto import tqdm

from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.exceptions import SmspmError

_LOOK_EVERY: Final = 0.2  # seconds
_PATIENCE: Final = 60  # seconds for requests in flight to end after an interruption
_COMMAND: Final[ContextVar[str]] = ContextVar("command", default="")

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
    work: Callable[[Run], Coroutine[Any, Any, None]],
    look: Callable[[], Progress],
    *,
    title: str,
    show: bool,
    told: Callable[[], str],
) -> None:
    """Run to the end, with a bar. An interruption lets what is in flight finish first.

    Ctrl-C, SIGTERM and a terminal that is closed stop it: nothing more is begun, and the requests
    in flight are waited for, for a minute at most, or until Ctrl-C is pressed again. None of them
    is cancelled.

    Args:
        look: says how far the run is.
        title: what the bar is called.
        show: whether a bar may be shown at all.
        told: says what follows for a person, after an interruption.

    Raises:
        KeyboardInterrupt: Ctrl-C, or a cell was interrupted; the run has ended in good order.
        SystemExit: the same after SIGTERM or SIGHUP, with the code 143 or 129.
    """
    with _asked_to_stop() as asked:
        run = Run(work)
        try:
            with _bar(title, look(), show=show) as bar:
                while not (asked or run.wait(_LOOK_EVERY)):
                    _update(bar, look())
                _update(bar, look())
        except BaseException as ended:
            _stop(run, asked, told, say=bool(asked) or not isinstance(ended, Exception))
            raise
        if asked:
            _stop(run, asked, told, say=True)


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


def _stop(run: Run, asked: list[BaseException], told: Callable[[], str], *, say: bool) -> None:
    """End a run in good order: nobody watches it any more."""
    heard = len(asked)  # one press of the keys may arrive several times
    if say:
        _say(
            "Stopping: requests in flight are being finished and recorded, for "
            f"{_PATIENCE} seconds at most. Interrupt again to wait no longer."
        )
    run.stop()
    try:
        for _ in range(round(_PATIENCE / _LOOK_EVERY)):
            again = any(isinstance(signal_, KeyboardInterrupt) for signal_ in asked[heard:])
            if again or run.has_ended(_LOOK_EVERY):
                break
    finally:
        if not run.has_ended(0):
            _say(
                "Requests are still in flight. They are recorded as long as this program runs; "
                f"what is not recorded when it ends is unknown. {told()}"
            )
        elif say:
            _say(f"{_failure_of(run) or 'Stopped. Nothing is lost.'} {told()}")


def _failure_of(run: Run) -> str:
    """Say what else ended a run, or nothing."""
    try:
        run.wait(0)
    except SmspmError as error:
        return str(error)
    return ""


def _say(sentence: str) -> None:
    if sys.stderr is not None:  # as in a service, or in pythonw
        with suppress(OSError):  # a terminal that is closed hears nothing
            tqdm.write(sentence, sys.stderr)


def _bar(title: str, progress: Progress, *, show: bool) -> Any:
    told = sys.stderr is not None  # as in a service, or in pythonw, where it is
    seen = told and (sys.stderr.isatty() or "ipykernel" in sys.modules)
    return tqdm(
        desc=title,
        total=progress.total,
        initial=progress.done,
        unit="msg",
        disable=not (show and seen),
    )


def _update(bar: Any, progress: Progress) -> None:
    bar.set_postfix(progress.told, refresh=False)
    bar.update(progress.done - bar.n)
    bar.refresh()
