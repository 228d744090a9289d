"""The exit codes, one vocabulary for all commands."""

from typing import Any, Final

from smspm_campaigns.vocabulary import OPEN, RunState, Status

DONE: Final = 0
WRONG: Final = 1  # an error, or rows with problems
LOOK: Final = 3  # done, and a person has to look
INTERRUPTED: Final = 130  # a program ended by Ctrl-C

#: How a run that was watched, or asked for something, ends the command.
_OF_STATE: Final = {
    RunState.FAILED: WRONG,
    RunState.DEAD: WRONG,
    RunState.LOST: WRONG,
    RunState.STOPPED: LOOK,
}


def of_counts(counts: Any, *, stopped: bool = False, tracked: bool = False) -> int:
    """Tell how sending or tracking ends: unknown rows, and what is left open, are for a person."""
    doubtful = (Status.UNKNOWN, Status.SENDING, *(OPEN if tracked else ()))
    return LOOK if stopped or any(counts[status] for status in doubtful) else DONE


def of_state(state: RunState) -> int:
    return _OF_STATE.get(state, DONE)
