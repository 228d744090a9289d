"""What a click raises or warns of is told; and what the panel does by itself after a while."""

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from smspm_campaigns.exceptions import InvalidArgument, SmspmWarning, warn
from smspm_campaigns.panel.later import Later
from smspm_campaigns.panel.notices import Notices, heard

LONG = 3600.0
UNEXPECTED = (
    "Something unexpected happened ({}). Nothing is lost: what was sent is in the ledger. "
    "Please report it."
)


class Told(Notices):
    """Notices that remember how often they were followed by `after`."""

    def __init__(self) -> None:
        self.followed = 0
        super().__init__(self._follow)

    def _follow(self) -> None:
        self.followed += 1

    @property
    def told(self) -> tuple[str, tuple[str, ...]]:
        return self._error, self._notes


def raising(error: BaseException) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


def nothing() -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidArgument("Write a number."), "Write a number."),
        (OSError(28, "No space left on device"), "No space left on device."),
        (OSError("The folder is gone."), "The folder is gone."),
        (
            FileNotFoundError(2, "No such file", "+49 171 3920012.csv"),
            "No such file: +4917******12.csv.",
        ),
        (
            KeyboardInterrupt(),
            "It was interrupted. What was sent, and what was not, is in the ledger.",
        ),
        (
            KeyError("+49 171 3920012"),
            UNEXPECTED.format("KeyError: '+4917******12'"),
        ),
        (
            RecursionError(),
            UNEXPECTED.format("RecursionError: "),
        ),
    ],
)
def test_whatever_a_click_raises_is_a_sentence(error: BaseException, told: str) -> None:
    """Nothing is raised, no number is shown whole, and the next click takes it away."""
    notices = Told()
    notices.guarded(raising(error))("whatever ipywidgets passes")
    assert notices.told == (told, ())
    assert 'role="alert"><p class="error">' in notices.value
    notices.guarded(nothing)()
    assert notices.told == ("", ())
    assert notices.followed == 2


def test_a_program_that_ends_is_not_kept_alive() -> None:
    """An exit is no error of a click."""
    with pytest.raises(SystemExit):
        Told().guarded(raising(SystemExit()))()


def test_our_warnings_are_notes_and_others_go_on() -> None:
    """Each of ours is told once; a warning of another library is heard where all are."""

    def action() -> None:
        for word in ("one", "two", "one"):
            warn(word)
        warnings.warn("theirs", FutureWarning, stacklevel=1)

    notices = Told()
    with pytest.warns(FutureWarning, match="theirs") as caught:
        notices.guarded(action)()
    assert len(caught) == 1
    assert notices.told == ("", ("one", "two"))


def test_a_warning_is_told_although_it_was_seen_before() -> None:
    """Python shows each place's warning once; a person who clicks again reads it again."""
    notices = Told()
    with warnings.catch_warnings():
        warnings.simplefilter("once", SmspmWarning)
        for _ in range(2):
            notices.guarded(lambda: warn("one"))()
            assert notices.told == ("", ("one",))


def test_what_is_heard_is_returned_with_the_result() -> None:
    """And an error is raised as it is."""
    assert heard(lambda: 7) == (7, ())
    assert heard(lambda: warn("one")) == (None, ("one",))
    with pytest.raises(InvalidArgument):
        heard(raising(InvalidArgument("no")))


def test_a_callback_within_another_is_no_click() -> None:
    """The panel sets values itself: that takes no error away, does nothing, and is followed by
    nothing.
    """
    notices = Told()
    inner: list[str] = []
    nested = notices.guarded(lambda: inner.append("done"))

    def action() -> None:
        notices.tell(["a note"])
        nested()

    notices.guarded(action)()
    assert (inner, notices.told, notices.followed) == ([], ("", ("a note",)), 1)
    nested()
    assert (inner, notices.told, notices.followed) == (["done"], ("", ()), 2)


def test_an_attempt_within_another_tells_its_error_and_goes_on() -> None:
    """The one around it learns whether it came to its end, and what follows comes once."""
    notices = Told()
    got: list[bool] = []

    def action() -> None:
        got.append(notices.attempt(nothing))
        got.append(notices.attempt(raising(InvalidArgument("no"))))

    assert notices.attempt(action)
    assert (got, notices.told, notices.followed) == ([True, False], ("no", ()), 1)


def test_what_follows_a_click_may_fail_and_the_next_click_works() -> None:
    """A ledger that is gone while the panel looks is told as any error."""
    errors: list[OSError] = [OSError("gone")]

    def follow() -> None:
        if errors:
            raise errors.pop()

    notices = Notices(follow)
    notices.guarded(nothing)()
    assert "gone" in notices.value
    notices.guarded(nothing)()
    assert "gone" not in notices.value


# --- later --------------------------------------------------------------------------------------


def test_without_a_loop_it_is_done_at_once_or_never() -> None:
    """A script does not wait; and it does not look again and again."""
    done: list[int] = []
    later = Later(lambda: done.append(1))
    later.ask(LONG)
    assert done == [1]
    assert not later.ask_the_loop(0)
    assert done == [1]


def in_a_loop(script: Callable[[Later, asyncio.Event, list[int]], None]) -> list[int]:
    """Run a script in a loop, until something was done, and return what was."""
    done: list[int] = []

    async def main() -> None:
        event = asyncio.Event()

        def action() -> None:
            done.append(len(done))
            event.set()

        script(Later(action), event, done)
        await asyncio.wait_for(event.wait(), 60)
        await asyncio.sleep(0)  # for another one, that must not come

    asyncio.run(main())
    return done


def test_with_a_loop_it_is_done_later() -> None:
    """Not within the call."""

    def script(later: Later, _: Any, done: list[int]) -> None:
        later.ask(0)
        assert done == []

    assert in_a_loop(script) == [0]


@pytest.mark.parametrize("first", [0, LONG])
def test_a_newer_wish_takes_the_place_of_an_older_one(first: float) -> None:
    """However many keys were typed, it is done once, after the last."""

    def script(later: Later, _: Any, done: list[int]) -> None:
        later.ask(first)
        assert later.ask_the_loop(0)
        later.ask(0)
        assert done == []

    assert in_a_loop(script) == [0]


def test_a_later_wish_replaces_one_that_was_due() -> None:
    """It is put off for as long as somebody types."""
    done: list[int] = []

    async def main() -> None:
        later = Later(lambda: done.append(1))
        later.ask(0)
        later.ask(LONG)
        for _ in range(3):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert done == []
