"""One method per endpoint of the SMSPM API. Nothing here ever repeats a send."""

import hashlib
import hmac
import os
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import httpx

from smspm_campaigns.clock import Clock, SystemClock
from smspm_campaigns.exceptions import RateLimited
from smspm_campaigns.gateway.account import (
    BALANCE,
    SENDER_IDS,
    Balance,
    read_balance,
    read_senders,
)
from smspm_campaigns.gateway.connection import Connection, Transport, Trust
from smspm_campaigns.gateway.lane import Lane
from smspm_campaigns.gateway.pace import PROCESS_KEY, Pace
from smspm_campaigns.gateway.replies import Details, Reply
from smspm_campaigns.gateway.settings import (
    BASE_URL,
    LOOPBACK,
    check_above_0,
    check_base_url,
    check_credentials,
    credential,
)
from smspm_campaigns.masking import Secret
from smspm_campaigns.vocabulary import REQUESTS_PER_MINUTE, SIMULATED

_TIMEOUT: Final = 30.0  # seconds for a reply
_CONNECT_TIMEOUT: Final = 10.0  # seconds for a connection
_SIMULATED_BALANCE: Final = 1_000_000.0  # EUR: a rehearsal does not stop for money


class Client:
    """The way to the SMSPM API. It holds settings only; each run opens its own connections.

    Args:
        hash: of the account; `SMSPM_HASH` by default.
        token: of the account; `SMSPM_TOKEN` by default.
        base_url: `SMSPM_BASE_URL`, else the API's own, by default.
        requests_per_minute: the rate of sending and asking together, evenly spaced. All clients of
            an account in this process share it. None: as fast as it goes.
        timeout: seconds to wait for a reply, and for each step towards it.
        list_errors_atomic: whether a list that is refused for one number is surely refused whole.
            Not known of the API; with False such a list is `unknown`.
        transport: another way to the network, for tests. Its errors prove nothing.
        clock: the time to go by, for tests.

    Raises:
        CredentialsMissing: no hash or no token.
        InvalidArgument: a rate or time-out that is not above 0, or an address that is none, is
            without TLS, or holds more than an address.

    Example:
        >>> client = Client.simulated()
        >>> client
        Client(simulated)
    """

    # Tracebacks also show clients that are half made.
    base_url: str = BASE_URL
    simulator: Any = None

    def __init__(
        self,
        hash: str | None = None,  # noqa: A002 - the API's own name
        token: str | None = None,
        *,
        base_url: str | None = None,
        requests_per_minute: float | None = REQUESTS_PER_MINUTE,
        timeout: float = _TIMEOUT,
        list_errors_atomic: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._hash = credential(hash, "SMSPM_HASH")
        self._token = credential(token, "SMSPM_TOKEN")
        address = Secret(base_url or os.environ.get("SMSPM_BASE_URL") or BASE_URL)
        del hash, token, base_url  # no traceback that shows variables can show them
        check_credentials(self._hash, self._token)
        self.base_url = check_base_url(address)
        if requests_per_minute is not None:
            check_above_0("requests_per_minute", requests_per_minute)
        check_above_0("timeout", timeout)
        self.requests_per_minute = requests_per_minute
        self.timeout = timeout
        self.list_errors_atomic = list_errors_atomic
        self.clock: Clock = clock or SystemClock()
        self.pace = Pace(requests_per_minute, self.clock, self.identity(PROCESS_KEY))
        self._transport = transport
        self._trust = Trust()

    @classmethod
    def simulated(cls, *, clock: Clock | None = None, **behaviour: Any) -> "Client":
        """Make a client of a simulator in this process: no port, no credentials, no rate limit.

        `behaviour` are arguments of `gateway.simulator.Simulator`. The simulator is `.simulator`,
        and what it accepted `.simulator.accepted`.
        """
        from smspm_campaigns.gateway.simulator import Simulator  # noqa: PLC0415 - not for real sends

        clock = clock or SystemClock()
        rich = {"balance": _SIMULATED_BALANCE} | behaviour
        simulator = Simulator(clock=clock.now, hash=SIMULATED, token=SIMULATED, **rich)
        client = cls(
            SIMULATED,
            SIMULATED,
            base_url=f"http://{LOOPBACK[0]}",
            requests_per_minute=None,
            transport=httpx.ASGITransport(simulator),
            clock=clock,
        )
        client.simulator = simulator
        client.pace = Pace(None, clock)  # each simulator is an account of its own
        return client

    def __repr__(self) -> str:
        return f"Client({SIMULATED if self.is_simulated else self.base_url})"

    @property
    def is_simulated(self) -> bool:
        return self.simulator is not None

    def identity(self, key: bytes) -> str:
        """Name this gateway: `"simulated"`, or the address and a keyed digest of the account."""
        if self.is_simulated:
            return SIMULATED
        digest = hmac.new(key, self._hash.reveal().encode(), hashlib.sha256).hexdigest()
        return f"{self.base_url} account {digest[:16]}"

    async def send(
        self,
        numbers: str | Sequence[str],
        text: str,
        *,
        sender: str,
        report_url: str | None = None,
    ) -> Reply:
        """Send one text to up to 100 numbers, once.

        Args:
            numbers: digits with country code, without plus, as `normalize_numbers` makes them.
            text: what the phones will show.
            sender: an approved Sender ID.
            report_url: where the API shall call when a status changes.

        Returns:
            A `Reply` with one answer per number: `queued`, `refused` or `unknown`.

        Raises:
            GatewayError: nothing was answered number by number; `rows_become` says what is proven.
        """
        hidden = Secret.hide(report_url)
        del report_url
        async with self._turn() as lane:
            return await lane.send(numbers, text, sender=sender, report_url=hidden)

    async def details(self, message_id: str) -> Details:
        """Ask how one message stands.

        Raises:
            GatewayError: no answer, or an error for this id.
        """
        async with self._turn() as lane:
            return await lane.details(message_id)

    async def balance(self) -> Decimal:
        """Ask for the balance of the account, in EUR.

        Raises:
            GatewayError: the API does not tell.
        """
        return (await self.stated_balance()).amount

    async def stated_balance(self) -> Balance:
        """Ask for the balance, and whether the API takes it for up to date."""
        return read_balance(await self._ask(BALANCE))

    async def sender_ids(self) -> list[str]:
        """Ask for the approved Sender IDs of the account.

        Raises:
            GatewayError: the API does not tell.
        """
        return read_senders(await self._ask(SENDER_IDS))

    async def _ask(self, path: str) -> dict[str, Any]:
        async with self.lane() as lane:
            await self.pace.turn()
            return await lane.ask(path)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Lane]:
        """Open a lane for one request in its turn. Told to wait, everybody waits."""
        async with self.lane() as lane:
            await self.pace.turn()
            try:
                yield lane
            except RateLimited as error:
                self.pace.hold(error.retry_after or 0.0)
                raise

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[Lane]:
        """Open a lane: at most one request is in flight on it.

        It keeps its connection for a second, for the next request.
        """
        connection = Connection(
            self.base_url,
            (self._hash, self._token),
            httpx.Timeout(self.timeout, connect=min(self.timeout, _CONNECT_TIMEOUT)),
            self._make_transport,
            is_own=self._transport is None,
            trust=self._trust,
        )
        try:
            yield Lane(connection, self)
        finally:
            await connection.close()

    def _make_transport(self) -> httpx.AsyncBaseTransport:
        return self._transport or Transport(self._tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()
