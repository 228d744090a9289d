import threading
from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.delivery import duty
from smspm_campaigns.delivery.desk import open_desk
from smspm_campaigns.delivery.duty import on_duty
from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import runs
from smspm_campaigns.exceptions import LedgerError

if TYPE_CHECKING:
    from conftest import Book, Clock, NewBook

NUMBERS = [str(37250000000 + step) for step in range(5)]


def ask(book: "Book", run: Run, wish: str) -> None:
    with book.open() as ledger:
        runs.ask(ledger, run.id, wish)


def endings(book: "Book") -> list[tuple[object, ...]]:
    return book.ask("SELECT kind, ending, done, busy, error FROM owner")


def test_a_run_does_what_it_is_asked_and_pauses_are_no_work(
    new_book: "NewBook", clock: "Clock"
) -> None:
    """Whoever asks twice asks once; the time between a pause and its end is left out."""
    book = new_book(NUMBERS)
    seen: list[object] = []

    async def work(run: Run) -> None:
        async with open_desk(book.path) as desk, on_duty(run, desk, clock, book.id, "send") as it:
            for wish in ("go", "pause", "pause", "go", "pause", "go"):
                ask(book, run, wish)
                await it.look()
                clock.passed += 10
                seen.append((wish, it.busy))
            assert await it.may_go_on()
            it.done = 3
            ask(book, run, "stop")
            await it.look()
            seen.append(await it.may_go_on())

    assert Run(work).wait(60)
    assert seen == [
        ("go", 10),
        ("pause", 10),
        ("pause", 10),
        ("go", 20),
        ("pause", 20),
        ("go", 30),
        False,
    ]
    assert endings(book) == [("send", "stopped", 3, 30_000_000, None)]


def test_a_halted_run_hears_the_end_of_its_pause_and_tells_how_far_it_is(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once when somebody here asks it to look, and after a while by itself."""
    book = new_book(NUMBERS)
    paused, resumed = threading.Event(), threading.Event()

    async def work(run: Run) -> None:
        async with open_desk(book.path) as desk, on_duty(run, desk, clock, book.id, "track") as it:
            for _ in range(2):
                ask(book, run, "pause")
                await it.look()
                it.done += 2
                paused.set()
                await it.may_go_on()
                resumed.set()

    for seconds in (0.01, 3600.0):
        monkeypatch.setattr(duty, "_LOOK_EVERY", seconds)
        run = Run(work)
        for _ in range(2):
            assert paused.wait(60)
            paused.clear()
            ask(book, run, "go")
            if seconds == 3600.0:
                run.look()
            assert resumed.wait(60)
            resumed.clear()
        assert run.wait(60)
    assert endings(book) == [("track", "finished", 4, 0, None)] * 2


def test_how_far_it_is_is_written_while_it_works(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only when it has changed: a run that waits for hours leaves the disk alone."""
    monkeypatch.setattr(duty, "_LOOK_EVERY", 0.0)
    book, told = new_book(NUMBERS), []
    noted = runs.note

    def note(ledger: object, run_id: str, *, done: int, busy: int) -> None:
        told.append(done)
        noted(ledger, run_id, done=done, busy=busy)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "note", note)

    async def work(run: Run) -> None:
        async with open_desk(book.path) as desk, on_duty(run, desk, clock, book.id, "send") as it:
            for done in (1, 4):
                it.done = done
                for _ in range(20):
                    await it.look()

    assert Run(work).wait(60)
    assert told == [1, 4]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LedgerError("The disk is full."), "The disk is full."),
        (ZeroDivisionError("37250000000"), "ZeroDivisionError."),  # no sentence, and no secret
    ],
)
def test_what_it_failed_with_is_a_sentence(
    error: Exception, told: str, new_book: "NewBook", clock: "Clock"
) -> None:
    """Others read it; a defect is named, and what it says of its values is not kept."""
    book = new_book(NUMBERS)

    async def work(run: Run) -> None:
        async with open_desk(book.path) as desk, on_duty(run, desk, clock, book.id, "send"):
            raise error

    with pytest.raises(type(error)):
        Run(work).wait(60)
    assert endings(book) == [("send", "failed", 0, 0, told)]


def test_a_ledger_that_cannot_be_read_changes_no_wish(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that fails is followed by another; who claims or records will tell of it."""
    monkeypatch.setattr(duty, "_LOOK_EVERY", 0.0)
    book, looks = new_book(NUMBERS), threading.Semaphore(0)
    reads, wish_of = iter([*[False] * 5]), runs.wish_of

    def failing(ledger: object, run_id: str) -> str | None:
        if next(reads, None) is False:
            looks.release()
            raise LedgerError("It is held.")
        return wish_of(ledger, run_id)  # type: ignore[arg-type]

    async def work(run: Run) -> None:
        async with open_desk(book.path) as desk, on_duty(run, desk, clock, book.id, "send") as it:
            ask(book, run, "pause")
            run.halt()
            ask(book, run, "go")
            assert await it.may_go_on()

    monkeypatch.setattr(runs, "wish_of", failing)
    assert Run(work).wait(60)
    assert [looks.acquire(blocking=False) for _ in range(6)] == [*[True] * 5, False]
