"""Waiting for a run while its progress shows, and stopping it in good order."""

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tqdm.auto import tqdm

from smspm_campaigns.delivery.engine import Run

_LOOK_EVERY: Final = 0.2  # seconds
_PATIENCE: Final = 60.0  # seconds for requests in flight to end after an interruption


class Progress(NamedTuple):
    """How far a run is: rows done, rows in all, and the counts to show."""

    done: int
    total: int
    told: dict[str, int]


def watch(run: Run, look: Callable[[], Progress], *, title: str, show: bool, go_on: str) -> None:
    """Wait for a run to end, with a bar. An interruption lets what is in flight finish first.

    Args:
        look: says how far the run is.
        title: what the bar is called.
        show: whether a bar may be shown at all.
        go_on: the call that goes on after an interruption.

    Raises:
        KeyboardInterrupt: the run was interrupted, and has ended in good order.
    """
    try:
        with _bar(title, look(), show=show) as bar:
            while not run.wait(_LOOK_EVERY):
                _update(bar, look())
            _update(bar, look())
    except BaseException as interruption:
        _stop(run, go_on, say=isinstance(interruption, KeyboardInterrupt))
        raise


def _stop(run: Run, go_on: str, *, say: bool) -> None:
    """End a run in good order: nobody watches it any more."""
    run.stop()
    if say:
        tqdm.write("Stopping: requests in flight are being finished and recorded.", sys.stderr)
    if not run.has_ended(_PATIENCE):
        tqdm.write("Requests are still in flight; keep this program running.", sys.stderr)
    elif say:
        tqdm.write(f"Stopped. Nothing is lost; {go_on} goes on from here.", sys.stderr)


def _bar(title: str, progress: Progress, *, show: bool) -> Any:
    seen = sys.stderr.isatty() or "ipykernel" in sys.modules
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
