"""A ledger in a thread of its own: waiting for the disk never keeps the network waiting."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from smspm_campaigns.delivery.ledger import Ledger

_Told = ParamSpec("_Told")
_Got = TypeVar("_Got")


class Desk:
    """Where a run does its bookkeeping: one call at a time, in the order they were asked for."""

    def __init__(self, thread: ThreadPoolExecutor, stack: ExitStack, ledger: Ledger) -> None:
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
        call = partial(work, self._ledger, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def enter(
        self,
        work: Callable[Concatenate[Ledger, _Told], AbstractContextManager[_Got]],
        *arguments: _Told.args,
        **named: _Told.kwargs,
    ) -> _Got:
        """Enter a context of the ledger, which lasts as long as the desk."""
        made = await self.do(work, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._stack.enter_context, made
        )


@asynccontextmanager
async def open_desk(path: Path) -> AsyncIterator[Desk]:
    """Open a ledger for as long as the block lasts.

    Raises:
        LedgerError: it cannot be opened.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="smspm-ledger") as thread, ExitStack() as stack:
        ledger = await loop.run_in_executor(thread, stack.enter_context, Ledger.open(path))
        try:
            yield Desk(thread, stack, ledger)
        finally:
            await loop.run_in_executor(thread, stack.close)
