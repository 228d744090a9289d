"""What a request passes before it is written, and its reply before it is believed."""

import asyncio
from collections.abc import Awaitable, Callable

from smspm_campaigns.exceptions import OutcomeUnknown

#: Looks whether a request may still be made; raises what speaks against it.
BeforeWriting = Callable[[], Awaitable[None]]


class Gate:
    """The last look before a request is written, and the first one at what comes back.

    What comes before the last look is bounded in time, and what comes after it; the look takes its
    time. What speaks against the request or its reply is kept in `objection`.

    Args:
        before_writing: the last look; when it raises, nothing is written.
        seconds: the bound.
    """

    def __init__(self, before_writing: BeforeWriting | None, seconds: float) -> None:
        self.bound = asyncio.timeout(seconds)
        self.objection: Exception | None = None
        self._before_writing = before_writing
        self._seconds = seconds
        self._has_waited = False

    async def look(self) -> None:
        """Look whether the request may still be made."""
        if self._before_writing is None:
            return
        self.bound.reschedule(None)
        try:
            await self._before_writing()
        except Exception as error:
            self.objection = error
            raise
        self.bound.reschedule(asyncio.get_running_loop().time() + self._seconds)

    def wait(self) -> None:
        """The request is written. What comes by the network comes in a later turn of the loop."""
        asyncio.get_running_loop().call_soon(self._note_turn)

    def _note_turn(self) -> None:
        self._has_waited = True

    def check_came(self) -> None:
        """Refuse a reply that lay there before: HTTP/1.1 tells replies apart by their order alone.

        A gateway that answers twice would have the second answer taken for that to the next
        request.
        """
        if not self._has_waited:
            self.objection = OutcomeUnknown(
                "The connection held a reply before the request was made: whose, nobody knows."
            )
            raise self.objection
