"""The SMSPM API as an ASGI application: it refuses what the API refuses, and misbehaves as told."""

import random
import time
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from smspm_campaigns.gateway.simulator.callbacks import Callbacks, CallbackSender
from smspm_campaigns.gateway.simulator.faults import SOME, Fault, Faults, as_script
from smspm_campaigns.gateway.simulator.ids import SALT_BITS, Ticket, read_id, write_id
from smspm_campaigns.gateway.simulator.log import AcceptedLog, Entry
from smspm_campaigns.gateway.simulator.replies import Refused, Reply, json_reply
from smspm_campaigns.gateway.simulator.requests import (
    Order,
    Request,
    asked_numbers,
    authorise,
    read_order,
)
from smspm_campaigns.gateway.simulator.tariff import calling_code, carrier, price
from smspm_campaigns.gateway.simulator.wire import (
    ENDINGS,
    break_off,
    read_body,
    wait_connected,
    write_reply,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ACCEPTED = "Added to queue"
CLOCK_TOLERANCE = 5.0  # seconds that the clock of whoever wrote an id may be ahead
SALT_STEP = 0x9E377  # odd, near 2**20 / golden ratio: neighbours are far apart
NOT_TAKEN = Refused(502, "Bad Gateway").reply  # what is cut off when nothing was taken

ListMode = Literal["element", "whole", "some"]
Answer = tuple[Reply, Fault | None]


class Simulator:
    """The SMSPM API as an ASGI application.

    It refuses what the API refuses, and misbehaves as told. The id of a message carries all that
    is ever asked about it, so any two simulators with the same settings agree about any message
    without sharing anything.

    Served over a socket, a broken connection really breaks. Called in this process, where there
    is none, `ConnectionResetError` is raised in its place.

    Args:
        hash, token: the credentials it accepts.
        senders: the approved Sender IDs.
        balance: what the account holds, in EUR. A request that costs more than is left gets a 402.
        clock: the time, in seconds since the epoch.
        accepted: where everything accepted is logged, one entry per recipient, before the reply
            leaves: `id`, `toNumber`, `text`, `fromNumber`, `report`, `time` (seconds since the
            epoch), `request` (index of the request) and `repeated` (the number stood earlier in
            the same request). A file holds one JSON object per line.
        submit_after, final_after: seconds from acceptance until a message is `submitted`, and
            `delivered` or `failed`.
        spread: both come up to so many seconds later, different for each message.
        failing: numbers whose messages fail.
        failure_rate: share of all other numbers whose messages fail, 0 to 1; always the same
            numbers.
        words: status words used in place of the documented ones, as `{"failed": "undelivered"}`.
        latency: seconds, or a function that returns seconds, between taking a message and
            replying.
        refuse: numbers that are refused although they look right.
        list_mode: what a bad number does to the list it is in: its element is rejected and the
            others are taken, nothing is taken, or those before it are taken and the whole request
            is answered with the error. `"some"` also lets the balance run out in the middle of a
            list.
        faults: what goes wrong with requests to send, see `Fault`. One fault or its kind: with
            every request. A callable: asked with the index of the request (from 0, counting every
            one that could be read) and the numbers in it. A mapping: from that index. An iterable:
            one for each request in turn. `storm` makes a callable.
        details_faults: the same for requests to `/smsdetails`, which have an index of their own.
        callbacks: how `report` addresses are called. Only addresses of this machine ever are.

    Raises:
        ValueError: a setting makes no sense.
    """

    def __init__(  # noqa: PLR0913 - one keyword per behaviour
        self,
        *,
        hash: str = "simulated-hash",  # noqa: A002 - the name the API gives it
        token: str = "simulated-token",  # noqa: S107 - no secret
        senders: Sequence[str] = ("SMSPM.com",),
        balance: float = 1000.0,
        clock: Callable[[], float] = time.time,
        accepted: list[Entry] | Path | None = None,
        submit_after: float = 0.5,
        final_after: float = 1.5,
        spread: float = 1.0,
        failing: Collection[str] = (),
        failure_rate: float = 0.0,
        words: Mapping[str, str] | None = None,
        latency: float | Callable[[], float] = 0.0,
        refuse: Collection[str] = (),
        list_mode: ListMode = "element",
        faults: Faults = None,
        details_faults: Faults = None,
        callbacks: Callbacks = Callbacks(),  # noqa: B008 - frozen
    ) -> None:
        if list_mode not in get_args(ListMode):
            raise ValueError(f"list_mode is one of {get_args(ListMode)}, not {list_mode!r}")
        if not 0 <= submit_after <= final_after:
            raise ValueError("a message is submitted after it is accepted, and final after that")
        self.requests = 0  # to send, so far
        self.details_requests = 0
        self._credentials = {"hash": hash, "token": token}
        self._senders = tuple(senders)
        self._balance = Decimal(str(balance))
        self._clock = clock
        self._log = AcceptedLog(accepted)
        self._salt = random.getrandbits(SALT_BITS)
        self._submit_after, self._final_after, self._spread = submit_after, final_after, spread
        self._failing = frozenset(failing)
        self._failure_rate = failure_rate
        self._words = dict(words or {})
        self._latency = latency if callable(latency) else lambda: latency
        self._refuse = frozenset(refuse)
        self._list_mode = list_mode
        self._script = as_script(faults)
        self._details_script = as_script(details_faults)
        self._callbacks = CallbackSender(callbacks, clock)
        self._routes: dict[str, dict[str, Callable[[Request], Answer]]] = {
            "/": {"GET": self._answer_send, "POST": self._answer_send},
            "/smsdetails": {"POST": self._answer_details},
            "/balance": {"GET": self._answer_balance},
            "/sender-ids": {"GET": self._answer_senders},
        }

    @property
    def accepted(self) -> list[Entry]:
        """Everything accepted so far; the list itself, or what the file holds now."""
        return self._log.read()

    @property
    def balance(self) -> float:
        """What is left on the account, in EUR."""
        return float(self._balance)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the SMSPM API speaks HTTP, not {scope['type']}")
        body = await read_body(receive)
        request = Request(scope["method"], scope["query_string"], scope["headers"], body)
        reply, fault = self._answer(scope["path"], request)
        if seconds := self._latency():
            await wait_connected(receive, seconds)
        if fault is not None and fault.kind in ENDINGS:
            await break_off(fault.kind, reply, scope, receive, stall_seconds=fault.seconds)
        else:
            await write_reply(reply, send)

    def _answer(self, path: str, request: Request) -> Answer:
        try:
            if path not in self._routes:
                raise Refused(404, "Not found")
            methods = self._routes[path]
            if request.method not in methods:
                raise Refused(405, "Method not allowed", (b"allow", ", ".join(methods).encode()))
            return methods[request.method](request)
        except Refused as refused:
            return refused.reply, None

    def _answer_send(self, request: Request) -> Answer:
        values = request.values()
        index, self.requests = self.requests, self.requests + 1
        fault = self._script(index, asked_numbers(values))
        if fault is not None and not fault.takes:
            return fault.apply(NOT_TAKEN), fault
        try:
            authorise(values, self._credentials)
            order = read_order(values, self._senders)
            if fault is not None and fault.kind == SOME:
                order = order.first_half()
            reply = self._accept(order, index)
        except Refused as refused:
            reply = refused.reply
        return (reply if fault is None else fault.apply(reply)), fault

    def _answer_details(self, request: Request) -> Answer:
        values = request.values()
        index, self.details_requests = self.details_requests, self.details_requests + 1
        fault = self._details_script(index, ())
        try:
            authorise(values, {"hash": self._credentials["hash"]})
            reply = json_reply(self._details(values.get("id")))
        except Refused as refused:
            reply = refused.reply
        return (reply if fault is None else fault.apply(reply)), fault

    def _answer_balance(self, request: Request) -> Answer:
        authorise(request.values(), self._credentials)
        return json_reply({"balance": self.balance}), None

    def _answer_senders(self, request: Request) -> Answer:
        authorise(request.values(), self._credentials)
        return json_reply({"senders": self._senders}), None

    def _accept(self, order: Order, index: int) -> Reply:
        verdict = self._judge(order)
        if verdict.stop is not None and self._list_mode != "some":
            raise verdict.stop
        ids = iter(self._take(verdict, order, index))
        if verdict.stop is not None:
            raise verdict.stop
        return json_reply(
            {
                "messages": [
                    {"toNumber": number, "status": "Rejected", "error": verdict.rejected[number]}
                    if number in verdict.rejected
                    else {"id": next(ids), "toNumber": number, "status": ACCEPTED}
                    for number in order.numbers
                ]
            }
        )

    def _judge(self, order: Order) -> "_Verdict":
        taken: list[str] = []
        rejected: dict[str, str] = {}
        cost = Decimal(0)
        for number in order.numbers:
            if calling_code(number) is None or number in self._refuse:
                refused = Refused(400, f"Invalid phone number: {number}")
                if order.is_list and self._list_mode == "element":
                    rejected[number] = refused.error
                    continue
                return _Verdict(taken, cost, rejected, refused)
            due = price(number, order.segments)
            if cost + due > self._balance:
                refused = Refused(402, "The balance is not sufficient")
                return _Verdict(taken, cost, rejected, refused)
            cost += due
            taken.append(number)
        return _Verdict(taken, cost, rejected, None)

    def _take(self, verdict: "_Verdict", order: Order, index: int) -> list[str]:
        """Take one message for each number that is to be taken, and return their ids."""
        now_ms = int(self._clock() * 1000)
        tickets = [
            Ticket(now_ms, number, self._fails(number), order.segments, self._next_salt())
            for number in verdict.taken
        ]
        ids = [write_id(ticket) for ticket in tickets]
        self._log.add(_entries(ids, tickets, order, index))
        self._balance -= verdict.cost
        if order.report is not None:
            for message_id, ticket in zip(ids, tickets, strict=True):
                changes = self._changes(ticket)
                self._callbacks.add(order.report, message_id, ticket.number, changes)
        return ids

    def _next_salt(self) -> int:
        # An odd step visits every value once, so no two ids of this simulator are alike.
        self._salt = (self._salt + SALT_STEP) % 2**SALT_BITS
        return self._salt

    def _fails(self, number: str) -> bool:
        share = zlib.crc32(number.encode()) / 2**32
        return number in self._failing or share < self._failure_rate

    def _changes(self, ticket: Ticket) -> list[tuple[float, str]]:
        """Return when, in seconds since the epoch, and to what the status of a message changes."""
        start = ticket.accepted_ms / 1000 + self._spread * ticket.salt / 2**SALT_BITS
        fate = "failed" if ticket.fails else "delivered"
        return [
            (start + self._submit_after, self._word("submitted")),
            (start + self._final_after, self._word(fate)),
        ]

    def _word(self, status: str) -> str:
        return self._words.get(status, status)

    def _details(self, message_id: object) -> dict[str, object]:
        if message_id in (None, ""):
            raise Refused(400, "Id is required")
        ticket = read_id(message_id) if isinstance(message_id, str) else None
        now = self._clock()
        if (
            ticket is None
            or ticket.segments == 0
            or calling_code(ticket.number) is None
            or ticket.accepted_ms / 1000 > now + CLOCK_TOLERANCE
        ):
            raise Refused(404, "Message not found")
        changes = self._changes(ticket)
        passed = [status for at, status in changes if at <= now]
        final = len(passed) == len(changes)
        return {
            "id": message_id,
            "toNumber": ticket.number,
            "status": passed[-1] if passed else self._word("queued"),
            "price": float(price(ticket.number, ticket.segments)) if final else None,
            "carrier": carrier(ticket.number) if final else None,
        }


class _Verdict(NamedTuple):
    """What is to become of the numbers of a request."""

    taken: list[str]
    cost: Decimal  # EUR, of those taken
    rejected: dict[str, str]  # number -> error, within a reply that accepts others
    stop: Refused | None  # why those after the ones taken are not looked at


def _entries(ids: list[str], tickets: list[Ticket], order: Order, index: int) -> list[Entry]:
    entries: list[Entry] = []
    seen: set[str] = set()
    for message_id, ticket in zip(ids, tickets, strict=True):
        entries.append(
            {
                "id": message_id,
                "toNumber": ticket.number,
                "text": order.text,
                "fromNumber": order.sender,
                "report": order.report,
                "time": ticket.accepted_ms / 1000,
                "request": index,
                "repeated": ticket.number in seen,
            }
        )
        seen.add(ticket.number)
    return entries
