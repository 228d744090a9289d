"""A ledger in a thread of its own: waiting for the disk never keeps the network waiting."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

from smspm_campaigns.delivery.ledger import Ledger

_Told = ParamSpec("_Told")
_Got = TypeVar("_Got")


class Desk:
    """Where a run does its bookkeeping: one call at a time, in the order they were asked for."""

    def __init__(self, thread: "_Thread", stack: ExitStack, ledger: Ledger) -> None:
        self._thread = thread
        self._stack = stack
        self._ledger = ledger

    async def do(
        self,
        work: Callable[Concatenate[Ledger, _Told], _Got],
        *arguments: _Told.args,
        **named: _Told.kwargs,
    ) -> _Got:
        """Call a function of the ledger with it, and wait for what it returns."""
        return await self._thread.call(partial(work, self._ledger, *arguments, **named))

    async def enter(
        self,
        work: Callable[Concatenate[Ledger, _Told], AbstractContextManager[_Got]],
        *arguments: _Told.args,
        **named: _Told.kwargs,
    ) -> _Got:
        """Enter a context of the ledger, which lasts as long as the desk."""
        made = await self.do(work, *arguments, **named)
        return await self._thread.call(partial(self._stack.enter_context, made))


@asynccontextmanager
async def open_desk(path: Path) -> AsyncIterator[Desk]:
    """Open a ledger for as long as the block lasts.

    Raises:
        LedgerError: it cannot be opened.
    """
    thread, stack = _Thread(), ExitStack()
    try:
        ledger = await thread.call(partial(stack.enter_context, Ledger.open(path)))
        try:
            yield Desk(thread, stack, ledger)
        finally:
            await thread.call(stack.close)
    finally:
        thread.end()


class _Thread:
    """A thread that does what it is asked for. Executors end before a program's threads do."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        threading.Thread(target=self._work, name="smspm-ledger", daemon=True).start()

    async def call(self, work: Callable[[], _Got]) -> _Got:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[_Got] = loop.create_future()

        def do() -> None:
            try:
                got = work()
            except BaseException as error:  # noqa: BLE001 - raised to whoever asked
                loop.call_soon_threadsafe(_tell, told.set_exception, told, error)
            else:
                loop.call_soon_threadsafe(_tell, told.set_result, told, got)

        self._asked.put(do)
        return await told

    def end(self) -> None:
        self._asked.put(None)

    def _work(self) -> None:
        while (work := self._asked.get()) is not None:
            work()


def _tell(tell: Callable[[Any], None], told: "asyncio.Future[Any]", got: object) -> None:
    if not told.done():  # whoever asked has been cancelled
        tell(got)
