"""Programs, the gateway, the clock and people act in any order, and every row is accounted for."""

import asyncio
import shutil
import socket
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import looking
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from smspm_campaigns.delivery.engine import Run
from smspm_campaigns.delivery.ledger import (
    Ledger,
    callbacks,
    claim,
    owners,
    plan,
    read,
    record,
    resolve,
    rounds,
)
from smspm_campaigns.delivery.ledger.callbacks import Callback
from smspm_campaigns.delivery.ledger.claim import Claim, Claimer, Order
from smspm_campaigns.delivery.ledger.evidence import Evidence
from smspm_campaigns.delivery.ledger.owners import Owner
from smspm_campaigns.delivery.ledger.read import Change
from smspm_campaigns.delivery.ledger.record import Answered
from smspm_campaigns.delivery.ledger.resolve import Mark
from smspm_campaigns.delivery.pacing import micros
from smspm_campaigns.delivery.sender import Outcome, evidence_of
from smspm_campaigns.delivery.tracker import track_campaign
from smspm_campaigns.exceptions import (
    CampaignConflict,
    GatewayError,
    GatewayMismatch,
    LedgerError,
    ListRefused,
    NeverLeft,
    RunStopped,
)
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.replies import Reply
from smspm_campaigns.gateway.simulator import Fault
from smspm_campaigns.vocabulary import MAX_RECIPIENTS, SIMULATED, VENDOR_STATUS

if TYPE_CHECKING:
    from conftest import Book, NewBook

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="there nobody can delete the lock of a living program"
)

MAX_PROCESSES = 3
MOST_REQUESTS = 30  # of a campaign at the end, with rows halved to single ones
MINUTE, HOUR = 60.0, 3600.0
PRICE = 50_000_000  # of each row, see conftest
REAL = "https://x.test account 1"
ONE, TWO, THREE, FOUR, BAD = (str(37250000000 + step) for step in range(5))

#: A number stands in a text twice, and in both texts; one is refused by some gateways.
SPRING: list[tuple[str, ...]] = [
    (ONE, "Hi"),
    (TWO, "Hi"),
    (ONE, "Hi"),
    (BAD, "Hi"),
    (THREE, "Ho"),
    (TWO, "Ho"),
    (FOUR, "Hi", "SMSPM.com", "duplicate"),
]
#: Campaigns that share messages.
PLANS: dict[str, list[tuple[str, ...]]] = {
    "spring": SPRING,
    "summer": [(ONE, "Hi"), (THREE, "Ho")],
    "autumn": [(TWO, "Hi"), (FOUR, "Hi")],
}

# What the design says, in Python and apart from the SQL: an attempt goes to a later stage only.
STAGES = (
    {"sending"},
    {"unknown"},
    {"not_taken"},
    {"queued"},
    {"submitted"},
    {"unconfirmed"},
    {"refused", "failed", "delivered"},
)
PREVAILING = (
    *("delivered", "submitted", "queued", "unconfirmed", "failed", "sending", "unknown"),
    "refused",
)
KNOWN = {"queued", "submitted", "unconfirmed", "delivered", "failed"}
TAKEN = KNOWN | {"sending", "unknown"}

#: What the gateway makes of a request, by the name under which a failing example shows it. None
#: of it breaks what the design assumes: a 429, and an error about a single number, take nothing.
FAULTS: dict[str, Fault | None] = {
    "well": None,
    **{
        kind: Fault(kind)
        for kind in (
            *("partial", "reordered", "doubled", "same_id", "no_id", "extra", "reformatted"),
            *("unknown_status", "malformed", "empty", "close", "reset", "half", "some"),
            *("429", "500", "503", "302", "402"),
        )
    },
    "stall": Fault("stall", seconds=0),
    "close, not taken": Fault("close", taken=False),
    "503, taken": Fault("503", taken=True),
    "bad sender": Fault("400", error="Bad sender"),
    "bad number": Fault("400", error="Invalid phone number"),
}
UNREACHABLE = "unreachable"  # no connection is made
REPEATED_ID = "id of another message"  # that it gave, and the ledger has
ANSWERS = [*FAULTS, *[UNREACHABLE, REPEATED_ID] * 2, *["well"] * 10]

#: How a gateway treats a list with a bad number, and whether the client is told that it is atomic.
GATEWAYS: list[tuple[str, bool, list[str]]] = [
    ("element", False, []),
    ("element", False, [BAD]),
    ("whole", False, [BAD]),
    ("whole", True, [BAD]),
    ("some", False, [BAD]),
]

SETTINGS = settings(
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,  # the same examples each time; more of them, and others, when it is False
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

#: What the examples come to, so that no rule does nothing quietly.
USUAL = {
    *("start", "end", "crash", "lose locks", "time: sleep", "time: set back", "time: set forward"),
    *("claim", "claim: nothing", "claim: RunStopped", "claim: CampaignConflict"),
    *("look: NoneType", "look: RunStopped", "answer: well", "a reply that nobody hears"),
    *("outcome: Reply", "outcome: NeverLeft", "outcome: OutcomeUnknown"),
    *("record", "record late", "record twice", "record after a burial", "poll"),
    *("callback: submitted", "callback: delivered", "callback: failed", "callback: Buffered"),
    *("callback, kept apart", "callback, kept apart, told", "contradict: delivered"),
    *("create, new", "create, again", "create, conflicts", "set max_cost"),
    *("cancel, planned", "cancel, sending", "cancel, unknown"),
    *("suppress, planned", "suppress, sending", "suppress, unknown"),
    *("say: resend, rightly", "say: resend, blindly", "say: sent, rightly"),
}
#: What takes many steps to come to: a story brings it about.
RARE = {
    *("look: NeverLeft", "look: RunStopped", "record after a burial", "record twice"),
    *("say: CampaignConflict", "an id of another message", "poll: unconfirmed", "poll: failed"),
    *("claim: RunStopped", "claim: GatewayMismatch", "claim: BudgetExceeded"),
    *("create, new", "create, again", "create, conflicts", "contradict: unknown"),
}


def history(ledger: Ledger, campaign: int) -> list[Change]:
    """Return the changes without the ids, which are those that the attempts have now."""
    return [change._replace(message_id=None) for change in looking.history(ledger, campaign)]


def stage(status: str) -> int:
    return next(place for place, found in enumerate(STAGES) if status in found)


def row_status(attempts: Collection[str], standing: str) -> str:
    return next((status for status in PREVAILING if status in attempts), standing)


class Clock:
    """Time that passes while somebody sleeps, and a wall clock that is set besides."""

    def __init__(self) -> None:
        self.passed = self.set_by = 0.0

    def now(self) -> float:
        return 1_750_000_000.0 + self.passed + self.set_by

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.passed += seconds


# --- what the ledger says ------------------------------------------------------------------------


class Campaign(NamedTuple):
    id: int
    name: str
    gateway: str | None
    max_cost: int | None
    allow_repeat: int
    taken: int
    taken_cost: int


class RowOf(NamedTuple):
    id: int
    campaign: int
    position: int
    number: str
    text: str
    content: int
    cost: int
    standing: str
    status: str


class Attempt(NamedTuple):
    id: int
    row: int
    request: str
    owner: str
    answered: int | None
    status: str
    message_id: str | None


class Picture(NamedTuple):
    """All of a ledger that matters, on one connection that did not write it."""

    campaigns: dict[int, Campaign]
    rows: dict[int, RowOf]
    attempts: dict[int, Attempt]
    alive: set[str]
    history: dict[int, Counter[Change]]
    counts: dict[int, dict[str, int]]

    @classmethod
    def of(cls, ledger: Ledger) -> "Picture":
        campaigns = ledger.execute(
            "SELECT id, name, gateway, max_cost, allow_repeat, taken, taken_cost FROM campaign"
        ).fetchall()
        rows = ledger.execute(
            "SELECT recipient.id, recipient.campaign_id, position, number, text, content_id, "
            "cost, standing, status FROM recipient "
            "JOIN content ON content.id = recipient.content_id"
        )
        attempts = ledger.execute(
            "SELECT attempt.id, recipient_id, request_id, owner_id, answered_at, status, "
            "message_id FROM attempt JOIN request ON request.id = request_id"
        )
        alive = ledger.execute("SELECT id FROM owner WHERE ended_at IS NULL")
        return cls(
            {found[0]: Campaign(*found) for found in campaigns},
            {found[0]: RowOf(*found) for found in rows},
            {found[0]: Attempt(*found) for found in attempts},
            {owner for (owner,) in alive},
            {found[0]: Counter(history(ledger, found[0])) for found in campaigns},
            {found[0]: read.count_by_status(ledger, found[0]) for found in campaigns},
        )

    def rows_of(self, campaign: int) -> list[RowOf]:
        return [row for row in self.rows.values() if row.campaign == campaign]

    def attempts_of(self, row: int) -> list[Attempt]:
        return [attempt for attempt in self.attempts.values() if attempt.row == row]

    def taken(self, campaign: int) -> list[RowOf]:
        """Return the row of each attempt that may have been taken."""
        rows = [self.rows[found.row] for found in self.attempts.values() if found.status in TAKEN]
        return [row for row in rows if row.campaign == campaign]

    def is_repeat(self, row: RowOf) -> bool:
        """Tell whether another campaign may have said the same to the same person for real."""
        return any(
            (other.number, other.text) == (row.number, row.text)
            and other.campaign != row.campaign
            and other.status in TAKEN
            and self.campaigns[other.campaign].gateway == REAL
            for other in self.rows.values()
        )

    def said_by_a_person(self, row: RowOf) -> set[str]:
        return {
            change.status
            for change in self.history[row.campaign]
            if change.position == row.position and change.evidence == "person"
        }


# --- what acts -----------------------------------------------------------------------------------


class Named:
    """Something that a failing example shows by its name."""

    name: str

    def _repr_pretty_(self, printer: Any, cycle: object) -> None:
        printer.text(self.name)


@dataclass(eq=False)
class Process(Named):
    """A program that holds an owner on a connection of its own."""

    name: str
    owner: Owner
    ledger: Ledger
    stack: ExitStack
    has_lock: bool = True
    claimers: dict[Order, Claimer] = field(default_factory=dict)


@dataclass(eq=False)
class Flight(Named):
    """A request from its claim to its reply. Written, it arrives whatever becomes of its maker."""

    name: str
    process: Process | None
    campaign: int
    gateway: str
    claim: Claim
    is_written: bool = False
    outcome: Outcome | None = None
    times_recorded: int = 0

    @property
    def is_under_way(self) -> bool:
        return self.is_written and self.outcome is None


class Receipt(NamedTuple):
    """What a gateway took: the truth."""

    gateway: str
    attempt: int
    message_id: str


@dataclass
class Truth:
    """What really happened, of which the ledger knows a part."""

    receipts: list[Receipt] = field(default_factory=list)
    mistakes: Counter[int] = field(default_factory=Counter)  # rows that were wrongly sent again
    suppressed: set[int] = field(default_factory=set)
    cancelled: set[int] = field(default_factory=set)


@contextmanager
def quick(book: "Book") -> Iterator[Ledger]:
    """Open a ledger that does not wait for the disk: no power is cut here, only programs end."""
    with book.open() as ledger:
        ledger.execute("PRAGMA synchronous = OFF")
        yield ledger


@contextmanager
def nobody_listening(clock: Clock) -> Iterator[Client]:
    """A client of an address where no connection is ever made."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Client("h", "t", base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", clock=clock)


def one_of(find: Callable[["Machine"], Collection[Any]]) -> Any:
    """Draw one of the things that the machine has at that moment."""
    return st.runner().flatmap(lambda machine: st.sampled_from(list(find(machine))))


class Machine(RuleBasedStateMachine):
    """The scheduler: it lets one of them take one step after the other."""

    def __init__(self, book: "Book", reached: Counter[str]) -> None:
        super().__init__()
        self.book = book
        self.reached = reached  # what happened, over all examples
        self.clock = Clock()
        self.truth = Truth()
        self.processes: list[Process] = []
        self.flights: list[Flight] = []
        self.clients: dict[str, Client] = {}
        self.fault: Fault | None = None
        self.details_faults: list[str] = []
        self.names = count(1)
        self.kept_apart: dict[str, dict[str, None]] = {}  # words by id, in the order they came
        self.told: list[tuple[int, Change]] = []  # the history in the order it was written
        self.seen = Picture({}, {}, {}, set(), {}, {})
        self.stack = ExitStack()
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.observer = self.stack.enter_context(book.open())
        self.desk = self.stack.enter_context(quick(book))  # at which people decide
        self.nobody = self.stack.enter_context(nobody_listening(self.clock))

    @initialize(
        behaviour=st.sampled_from(GATEWAYS),
        rehearses=st.booleans(),
        allow_repeat=st.booleans(),
    )
    def open(
        self, behaviour: tuple[str, bool, list[str]], *, rehearses: bool, allow_repeat: bool
    ) -> None:
        """A gateway, and a program that has begun: hypothesis leaves out rules at random."""
        list_mode, atomic, refused = behaviour
        for gateway in (REAL, SIMULATED):
            self.clients[gateway] = Client.simulated(
                clock=self.clock,
                refuse=refused,
                failing=[TWO],
                submit_after=MINUTE / 2,
                final_after=4 * HOUR,
                spread=0,
                list_mode=list_mode,
                faults=lambda _index, _numbers: self.fault,
                details_faults=lambda _index, _numbers: (
                    self.details_faults.pop() if self.details_faults else None
                ),
            )
            self.clients[gateway].list_errors_atomic = atomic
        self.lists_end_unknown = bool(refused) and list_mode != "element" and not atomic
        self.check()
        self.start()
        self.create("summer", allow_repeat=allow_repeat)
        self.check()
        for campaign, gateway in [(1, SIMULATED if rehearses else REAL), (2, REAL)] * 2:
            self.claim(self.processes[0], campaign, gateway, room=1)
            self.check()

    def now(self) -> int:
        return micros(self.clock)

    def next_name(self, kind: str) -> str:
        return f"{kind}{next(self.names)}"

    # --- programs begin and end -------------------------------------------------------------------

    @precondition(lambda self: len(self.processes) < MAX_PROCESSES)
    @rule()
    def start(self) -> None:
        stack = ExitStack()
        ledger = stack.enter_context(quick(self.book))
        owner = stack.enter_context(owners.hold(ledger, self.now))
        process = Process(self.next_name("process "), owner, ledger, stack)
        self.processes.append(process)
        assert Picture.of(self.observer).alive == self.holding()
        self.reached["start"] += 1

    def holding(self) -> set[str]:
        """Return who is alive for all to see."""
        return {process.owner.id for process in self.processes if process.has_lock}

    @precondition(lambda self: self.processes)
    @rule(process=one_of(lambda self: self.processes), crashes=st.booleans())
    def end(self, process: Process, *, crashes: bool = True) -> None:
        """In a crash the system frees the lock and leaves its file; nothing is written."""
        if crashes:
            process.ledger._connection.close()
        with pytest.raises(LedgerError) if crashes else nullcontext():
            process.stack.close()
        if crashes and self.locks.exists():
            (self.locks / f"{process.owner.id}.lock").touch()
        self._forget(process)
        self.reached["crash" if crashes else "end"] += 1

    def _forget(self, process: Process) -> None:
        """Its memory is gone; what it wrote to the network is not."""
        self.processes.remove(process)
        for flight in self.flights:
            if flight.process is process:
                flight.process = None
        self.flights = [each for each in self.flights if each.process or each.is_under_way]

    @precondition(lambda self: self.flights and self.holding())
    @rule()
    def lose_locks(self) -> None:
        """Somebody puts new files in the place of the locks of living programs."""
        for file in self.locks.iterdir():
            file.unlink()
            file.touch()
        for process in self.processes:
            process.has_lock = False
        self.reached["lose locks"] += 1

    @property
    def locks(self) -> Path:
        return self.book.path.with_name(f"{self.book.path.name}.owners")

    # --- a request from its claim to its record ---------------------------------------------------

    @precondition(lambda self: self.processes)
    @rule(
        process=one_of(lambda self: self.processes),
        campaign=one_of(lambda self: self.to_send()),
        gateway=st.sampled_from([None, None, None, REAL, SIMULATED]),
        room=st.sampled_from([1, 2, 3, None, 0]),
        most=st.integers(1, 3),
    )
    def claim(
        self,
        process: Process,
        campaign: int,
        gateway: str | None = None,
        room: int | None = None,
        most: int = 1,
    ) -> None:
        before = self.seen
        limit = None if room is None else len(before.taken(campaign)) + room
        gateway = gateway or before.campaigns[campaign].gateway or REAL
        order = Order(campaign, process.owner, gateway, limit)
        claimer = process.claimers.setdefault(order, Claimer(order))
        made = rounds.keep(process.ledger, claimer, [], most=most, most_rows=800, at=self.now())
        if made.objection is not None:
            self._check_refusal(made.objection, before, order)
            assert Picture.of(self.observer) == before
            self.reached[f"claim: {type(made.objection).__name__}"] += 1
            return
        after = Picture.of(self.observer)
        assert made.is_anything_left == (not self._is_nothing_left(after, order))
        self.reached["claim" if made.claims else "claim: nothing"] += 1
        assert made.claims or self._is_nothing_left(before, order)
        for claimed in made.claims:
            self._check_claim(claimed, before, order)
            name = self.next_name("flight ")
            self.flights.append(Flight(name, process, campaign, gateway, claimed))

    def to_send(self) -> list[int]:
        """Return the campaigns of which something is planned; all, when it is none."""
        planned = [found for found, counts in self.seen.counts.items() if counts.get("planned")]
        return planned or [*self.seen.campaigns]

    @precondition(lambda self: self.processes)
    @rule(
        process=one_of(lambda self: self.processes),
        campaign=one_of(lambda self: self.to_send()),
        room=st.sampled_from([1, 2, 3, None]),
        answer=st.sampled_from(ANSWERS),
    )
    def work(
        self, process: Process, campaign: int, room: int | None = None, answer: str = "well"
    ) -> None:
        """All of it at once, as it goes nearly always."""
        before = {*self.flights}
        self.claim(process, campaign, room=room)
        for flight in {*self.flights} - before:
            self.check()
            self.send(flight, answer)
            self.record(flight)

    def _check_refusal(self, error: Exception, before: Picture, order: Order) -> None:
        planned = [row for row in before.rows_of(order.campaign_id) if row.status == "planned"]
        found = before.campaigns[order.campaign_id]
        if isinstance(error, RunStopped):
            assert order.owner.id not in before.alive
        elif isinstance(error, GatewayMismatch):
            assert self._is_bound_elsewhere(before, order)
        elif isinstance(error, CampaignConflict):
            assert not found.allow_repeat
            assert any(before.is_repeat(row) for row in planned)
        else:
            cost = sum(row.cost for row in [*before.taken(order.campaign_id), *planned])
            assert found.max_cost is not None
            assert cost > found.max_cost

    def _is_bound_elsewhere(self, before: Picture, order: Order) -> bool:
        """Tell whether something may have left for another gateway."""
        if before.campaigns[order.campaign_id].gateway in (None, order.gateway):
            return False
        return any(
            attempt.status != "not_taken" or before.said_by_a_person(row)
            for row in before.rows_of(order.campaign_id)
            for attempt in before.attempts_of(row.id)
        )

    def _is_nothing_left(self, picture: Picture, order: Order) -> bool:
        planned = [row for row in picture.rows_of(order.campaign_id) if row.status == "planned"]
        taken = len(picture.taken(order.campaign_id))
        return not planned or (order.limit is not None and taken >= order.limit)

    def _check_claim(self, claimed: Claim, before: Picture, order: Order) -> None:
        after = Picture.of(self.observer)
        campaign = before.campaigns[order.campaign_id]
        taken = after.taken(campaign.id)
        rows = [before.rows[after.attempts[each].row] for each in claimed.attempts.values()]
        assert order.owner.id in before.alive
        assert order.limit is None or len(taken) <= order.limit
        assert campaign.max_cost is None or sum(row.cost for row in taken) <= campaign.max_cost
        assert not self._is_bound_elsewhere(before, order)
        assert [row.number for row in rows] == claimed.numbers
        assert {row.text for row in rows} == {claimed.text}
        for row in rows:
            assert (row.campaign, row.status) == (campaign.id, "planned")
            assert {each.status for each in before.attempts_of(row.id)} <= {"not_taken"}
            assert row.id not in self.truth.suppressed | self.truth.cancelled
            assert campaign.allow_repeat or not before.is_repeat(row)

    @precondition(lambda self: self.to_write())
    @rule(flight=one_of(lambda self: self.to_write()))
    def look(self, flight: Flight) -> None:
        """The last look, after which the request lies in the network until it arrives."""
        assert flight.process
        objection = self._objection(flight)
        try:
            claim.check(flight.process.ledger, flight.claim)
        except (RunStopped, NeverLeft) as error:
            flight.outcome = error
        assert type(flight.outcome) is objection
        flight.is_written = flight.outcome is None
        self.reached[f"look: {objection.__name__}"] += 1

    def _objection(self, flight: Flight) -> type[RunStopped | NeverLeft | None]:
        """Tell what must keep a request from being written."""
        own = [self.seen.attempts[each] for each in flight.claim.attempts.values()]
        if any(attempt.status != "sending" for attempt in own):
            return RunStopped  # its owner was declared dead, or somebody knows more
        superseded = any(self.seen.rows[attempt.row].status != "sending" for attempt in own)
        return NeverLeft if superseded else type(None)

    def to_write(self) -> list[Flight]:
        return [each for each in self.flights if not each.is_written and each.outcome is None]

    @precondition(lambda self: self.to_arrive())
    @rule(
        flight=one_of(lambda self: self.to_arrive()),
        answer=st.sampled_from(ANSWERS),
    )
    def send(self, flight: Flight, answer: str = "well") -> None:
        """A request arrives, and is answered to whoever still listens."""
        client = self.clients[flight.gateway]
        if flight.is_written and answer == UNREACHABLE:
            answer = "well"
        objection = type(None) if flight.is_written else self._objection(flight)
        self.fault = FAULTS.get(answer)
        taken_before = len(client.simulator.accepted)
        flight.outcome = self.runner.run(
            self._send(self.nobody if answer == UNREACHABLE else client, flight)
        )
        if answer == UNREACHABLE:
            assert type(flight.outcome) is NeverLeft
        elif objection in (RunStopped, NeverLeft):
            assert type(flight.outcome) is objection
            assert len(client.simulator.accepted) == taken_before
        else:
            assert not isinstance(flight.outcome, RunStopped | NeverLeft)
        if answer == REPEATED_ID:
            flight.outcome = self._with_a_known_id(flight.outcome)
        self.truth.receipts += [
            Receipt(
                flight.gateway,
                flight.claim.attempts[str(entry["toNumber"])],
                str(entry["id"]),
            )
            for entry in client.simulator.accepted[taken_before:]
        ]
        if flight.process is None:
            self.flights.remove(flight)
            self.reached["a reply that nobody hears"] += 1
        self.reached[f"answer: {answer}"] += 1
        self.reached[f"outcome: {type(flight.outcome).__name__}"] += 1

    def to_arrive(self) -> list[Flight]:
        return [each for each in self.flights if each.outcome is None]

    async def _send(self, client: Client, flight: Flight) -> Outcome:
        async def look() -> None:
            assert flight.process
            claim.check(flight.process.ledger, flight.claim)

        try:
            async with client.lane() as lane:
                return await lane.send(
                    flight.claim.numbers,
                    flight.claim.text,
                    sender=flight.claim.sender,
                    before_writing=None if flight.is_written else look,
                )
        except (GatewayError, RunStopped, LedgerError) as error:
            return error

    @precondition(lambda self: self.to_record())
    @rule(flight=one_of(lambda self: self.to_record()))
    def record(self, flight: Flight) -> None:
        """A reply is written down: soon, late, or once more."""
        assert flight.process
        assert flight.outcome
        outcome, at = flight.outcome, self.now()
        evidence = evidence_of(flight.claim, outcome, at=at)
        before = {self.seen.attempts[proof.attempt_id].status for proof in evidence}
        answered = Answered(
            flight.claim.request_id,
            flight.claim.recipients,
            evidence,
            reply=outcome.raw if isinstance(outcome, Reply | GatewayError) else "",
            error=None if isinstance(outcome, Reply) else str(outcome),
            halve=isinstance(outcome, ListRefused),
        )
        order = Order(flight.campaign, flight.process.owner, flight.gateway, None)
        rounds.keep(flight.process.ledger, Claimer(order), [answered], most=0, most_rows=0, at=at)
        self._check_proofs(evidence)
        self.reached["record late" if "sending" not in before else "record"] += 1
        self.reached["record after a burial"] += flight.process.owner.id not in self.seen.alive
        self.reached["record twice"] += flight.times_recorded
        flight.times_recorded += 1
        if flight.times_recorded == 2:
            self.flights.remove(flight)

    def to_record(self) -> list[Flight]:
        return [each for each in self.flights if each.outcome is not None]

    def _check_proofs(self, evidence: list[Evidence]) -> None:
        """What is proven counts whenever it comes, unless more is known."""
        ids = {each.message_id: each.id for each in self.seen.attempts.values()}
        after = Picture.of(self.observer)
        for proof in evidence:
            old = self.seen.attempts[proof.attempt_id].status
            is_another_s = proof.message_id and ids.get(proof.message_id, proof[0]) != proof[0]
            new = "unknown" if is_another_s else str(proof.status)
            expected = max(old, new, key=stage)
            if proof.message_id and not is_another_s:
                expected = self._with_what_waited(proof.message_id, expected)
            assert after.attempts[proof.attempt_id].status == expected

    def _with_a_known_id(self, outcome: Outcome) -> Outcome:
        """The gateway gives a message the id that it gave another one before."""
        known = [each.message_id for each in self.seen.attempts.values() if each.message_id]
        if not known or not isinstance(outcome, Reply) or not outcome.answers[0].message_id:
            return outcome
        self.reached["an id of another message"] += 1
        first = outcome.answers[0]._replace(message_id=known[0])
        return Reply((first, *outcome.answers[1:]), outcome.raw)

    def open_ends(self, *statuses: str) -> list[int]:
        """Return the campaigns with a row of such a status."""
        return [found for found, counts in self.seen.counts.items() if {*statuses} & {*counts}]

    # --- what the gateway says later --------------------------------------------------------------

    @precondition(lambda self: self.open_ends("queued", "submitted", "unconfirmed"))
    @rule(
        campaign=one_of(lambda self: self.open_ends("queued", "submitted", "unconfirmed")),
        after=st.sampled_from([0.0, MINUTE, 3 * HOUR, 80 * HOUR]),
        give_up_after=st.sampled_from([HOUR, 72 * HOUR]),
        fault=st.sampled_from([None, None, None, "429", "503", "malformed", "empty", "close"]),
    )
    def poll(self, campaign: int, after: float, give_up_after: float, fault: str | None) -> None:
        gateway = self.seen.campaigns[campaign].gateway
        assert gateway
        self.clock.passed += after
        self.details_faults = [fault] if fault else []
        run = Run(
            lambda run: track_campaign(
                run,
                self.book.path,
                campaign,
                self.clients[gateway],
                for_seconds=1,
                give_up_after=give_up_after,
            )
        )
        assert run.wait(60)
        new = Picture.of(self.observer).history[campaign] - self.seen.history[campaign]
        self.reached["poll"] += 1
        self.reached.update(f"poll: {change.status}" for change in new)

    @precondition(lambda self: self.truth.receipts)
    @rule(
        receipt=one_of(lambda self: self.news() or self.truth.receipts),
        word=st.sampled_from(["queued", "sent", "last", "last", "Buffered"]),
        names=st.sampled_from(["id", "id", "reference", "both"]),
        copies=st.integers(1, 2),
    )
    def callback(
        self, receipt: Receipt, word: str = "last", names: str = "both", copies: int = 1
    ) -> None:
        """The gateway tells what became of a message, which may be the first that is heard of it.

        It names the message by its id, or by our reference and the number.
        """
        attempt = self.seen.attempts[receipt.attempt]
        number = self.seen.rows[attempt.row].number
        if word == "last":
            word = "undelivered" if number == TWO else "delivered"
        told = Callback(
            word,
            None if names == "reference" else receipt.message_id,
            None if names == "id" else f"+{number}",
            None if names == "id" else attempt.request,
        )
        is_found = names != "id" or attempt.message_id is not None
        status = str(VENDOR_STATUS.get(word, "queued"))
        expected = max(attempt.status, status, key=stage) if is_found else attempt.status
        if not is_found:
            self.kept_apart.setdefault(receipt.message_id, {})[word] = None
        elif told.message_id is not None:
            expected = self._with_what_waited(receipt.message_id, expected)
        known = callbacks.take(self.desk, [told] * copies, at=self.now())
        assert known == is_found * copies
        assert Picture.of(self.observer).attempts[attempt.id].status == expected
        self.reached[f"callback: {VENDOR_STATUS.get(word, word)}"] += 1
        self.reached[f"callback, {attempt.status}"] += 1
        self.reached["callback, kept apart"] += not is_found

    def _with_what_waited(self, message_id: str, status: str) -> str:
        """Say what a message is when its id appears: what came for it before is told now."""
        words = self.kept_apart.pop(message_id, {})
        self.reached["callback, kept apart, told"] += bool(words)
        told = (str(VENDOR_STATUS.get(word, "queued")) for word in words)
        return max(status, *told, key=stage) if words else status

    @precondition(lambda self: self.truth.receipts)
    @rule(
        receipt=one_of(lambda self: self.truth.receipts),
        status=st.sampled_from(["delivered", "failed", "unknown", "not_taken"]),
    )
    def contradict(self, receipt: Receipt, status: str) -> None:
        """Something proves nothing, or the contrary of what is known to be taken."""
        attempt = receipt.attempt
        if status == "not_taken" and self.seen.attempts[attempt].status not in KNOWN:
            return
        proof = Evidence(attempt, status, word=status)
        record.record(self.desk, [proof], "callback", at=self.now())
        self._check_proofs([proof])
        self.reached[f"contradict: {status}"] += 1

    def news(self) -> list[Receipt]:
        """Return what was taken without a reply that says so, or none was recorded yet."""
        known = {each.id for each in self.seen.attempts.values() if each.status in KNOWN}
        return [receipt for receipt in self.truth.receipts if receipt.attempt not in known]

    # --- what people do ---------------------------------------------------------------------------

    @rule(
        name=st.sampled_from([*PLANS]),
        other_plan=st.sampled_from([False, False, True]),
        allow_repeat=st.booleans(),
    )
    def create(self, name: str, *, other_plan: bool = False, allow_repeat: bool = True) -> None:
        rows = PLANS[name]
        is_known = name in {found.name for found in self.seen.campaigns.values()}
        if is_known and other_plan:
            rows = rows[1:]
            conflicts = True
        else:
            conflicts = not (is_known or allow_repeat) and any(map(self._is_repeat, rows))
        with pytest.raises(CampaignConflict) if conflicts else nullcontext():
            self.book.add(name, rows, allow_repeat=allow_repeat)
        learns = is_known and allow_repeat and not conflicts
        if is_known or conflicts:
            assert Picture.of(self.observer) == self.seen._replace(
                campaigns={
                    key: found._replace(allow_repeat=1) if learns and found.name == name else found
                    for key, found in self.seen.campaigns.items()
                },
            )
        told = "conflicts" if conflicts else "again" if is_known else "new"
        self.reached[f"create, {told}"] += 1

    def _is_repeat(self, row: tuple[str, ...]) -> bool:
        looks_like = RowOf(0, 0, 0, row[0], row[1], 0, 0, "planned", "planned")
        return self.seen.is_repeat(looks_like)

    def _is_excluded(self, row: RowOf) -> bool:
        """Tell whether a row had a problem from the start."""
        name = self.seen.campaigns[row.campaign].name
        return (name, row.number, row.text) == ("spring", FOUR, "Hi")

    @precondition(lambda self: self.to_cancel())
    @rule(campaign=one_of(lambda self: self.to_cancel()))
    def cancel(self, campaign: int) -> None:
        resolve.cancel(self.desk, campaign, at=self.now())
        rows = self.seen.rows_of(campaign)
        self.truth.cancelled.update(row.id for row in rows)
        self.reached.update(f"cancel, {row.status}" for row in rows)

    def to_cancel(self) -> set[int]:
        """Return campaigns that have begun, of which something is not cancelled."""
        open_ends = self.open_ends("sending", "unknown")
        rows = self.seen.rows.values()
        return {row.campaign for row in rows if row.id not in self.truth.cancelled} & {*open_ends}

    @precondition(lambda self: self.open_ends("sending", "unknown"))
    @rule(
        campaign=one_of(lambda self: self.open_ends("sending", "unknown")),
        number=st.sampled_from([ONE, TWO, THREE, BAD]),
    )
    def suppress(self, campaign: int, number: str) -> None:
        marks = [
            Mark(row.id, "opted_out", "opted_out", "Opted out.")
            for row in resolve.waiting(self.desk, campaign)
            if row.number == number
        ]
        resolve.suppress(self.desk, campaign, marks, at=self.now())
        rows = [row for row in self.seen.rows_of(campaign) if row.number == number]
        self.truth.suppressed.update(row.id for row in rows)
        self.reached.update(f"suppress, {row.status}" for row in rows)

    @precondition(lambda self: self.unknown())
    @rule(
        action=st.sampled_from([*resolve.ACTIONS, "resend"]),
        rows=st.runner().flatmap(
            lambda self: st.lists(
                st.sampled_from([row.id for row in self.unknown()]), min_size=1, unique=True
            )
        ),
        is_honest=st.booleans(),
    )
    def say(self, action: str, rows: list[int], *, is_honest: bool = True) -> None:
        """A person says what became of rows of a campaign, having looked it up or not."""
        campaign = self.seen.rows[rows[0]].campaign
        chosen = [row for row in map(self.seen.rows.__getitem__, rows) if row.campaign == campaign]
        if is_honest:
            chosen = [row for row in chosen if self.may_be_taken(row.id) is (action != "resend")]
        under_way = [
            attempt
            for row in chosen
            for attempt in self.seen.attempts_of(row.id)
            if attempt.status == "unknown" and attempt.owner in self.seen.alive
        ]
        positions = {row.position for row in chosen}
        try:
            resolve.resolve(self.desk, campaign, action, positions, at=self.now())
        except CampaignConflict:
            assert action == "resend"
            assert under_way
            self.reached["say: CampaignConflict"] += 1
            return
        assert not (under_way and action == "resend")
        if action == "resend":
            self.truth.mistakes.update(row.id for row in chosen if self.may_be_taken(row.id))
            self.truth.cancelled.difference_update(row.id for row in chosen)
        if chosen:
            self.reached[f"say: {action}, {'rightly' if is_honest else 'blindly'}"] += 1

    def unknown(self) -> list[RowOf]:
        return [row for row in self.seen.rows.values() if row.status == "unknown"]

    def may_be_taken(self, row: int) -> bool:
        """Tell whether the gateway took it, or a request with it lies in the network."""
        coming = {
            attempt
            for flight in self.flights
            if flight.is_under_way
            for attempt in flight.claim.attempts.values()
        }
        took = {receipt.attempt for receipt in self.truth.receipts}
        return any(each.id in coming | took for each in self.seen.attempts_of(row))

    @rule(campaign=one_of(lambda self: self.seen.campaigns), room=st.integers(0, 3))
    def set_max_cost(self, campaign: int, room: int) -> None:
        most = (len(self.seen.taken(campaign)) + room) * PRICE
        plan.set_max_cost(self.desk, campaign, most)
        self.reached["set max_cost"] += 1

    # --- time -------------------------------------------------------------------------------------

    @rule(
        seconds=st.sampled_from([1.0, MINUTE, HOUR, 80 * HOUR]),
        how=st.sampled_from(["sleep", "set forward", "set back"]),
    )
    def pass_time(self, seconds: float, how: str) -> None:
        if how == "sleep":
            self.clock.passed += seconds
        else:
            self.clock.set_by += seconds if how == "set forward" else -seconds
        self.reached[f"time: {how}"] += 1

    # --- what is true after every step ------------------------------------------------------------

    @invariant()
    def check(self) -> None:
        old, new = self.seen, Picture.of(self.observer)
        self._note_history(old, new)
        self.seen = new
        self._nothing_moves_back(old, new)
        self._rows_follow_their_attempts(new)
        self._history_tells_it_all(new)
        self._requests_are_sound(new)
        self._the_gateway_has_what_is_known(new)
        waiting = sum(map(len, self.kept_apart.values()))
        assert callbacks.count_kept_apart(self.observer) == waiting
        for campaign in new.campaigns.values():
            taken = new.taken(campaign.id)
            assert campaign.taken == len(taken)
            assert campaign.taken_cost == sum(row.cost for row in taken)

    def _note_history(self, old: Picture, new: Picture) -> None:
        for campaign, changes in new.history.items():
            before = old.history.get(campaign, Counter())
            assert before <= changes
            fresh = changes - before
            self.told += [(campaign, change) for change in fresh.elements()]

    def _nothing_moves_back(self, old: Picture, new: Picture) -> None:
        for attempt in old.attempts.values():
            now = new.attempts[attempt.id]
            assert now.status == attempt.status or stage(now.status) > stage(attempt.status)
            assert attempt.message_id in (None, now.message_id)
            assert attempt.answered is None or now.answered is not None
            assert (now.row, now.request, now.owner) == attempt[1:4]
        for row in old.rows.values():
            assert new.rows[row.id][:7] == row[:7]
        assert new.alive >= self.holding()

    def _rows_follow_their_attempts(self, new: Picture) -> None:
        for row in new.rows.values():
            statuses = {attempt.status for attempt in new.attempts_of(row.id)}
            assert row.status == row_status(statuses, row.standing)
        for campaign, counts in new.counts.items():
            assert counts == Counter(row.status for row in new.rows_of(campaign))

    def _history_tells_it_all(self, new: Picture) -> None:
        """Told once more from the start, it comes to what stands in the ledger."""
        attempts: dict[tuple[int, int, str], str] = {}
        standing: dict[tuple[int, int], str] = {}
        for campaign, change in self.told:
            place = (campaign, change.position)
            if change.request_id is None:
                standing[place] = change.status
                continue
            status = "not_taken" if change.status == "planned" else change.status
            key = (*place, change.request_id)
            if key not in attempts or stage(status) > stage(attempts[key]):
                attempts[key] = status
            if change.evidence == "person" and status == "not_taken":
                standing.pop(place, None)
        for row in new.rows.values():
            place = (row.campaign, row.position)
            own = new.attempts_of(row.id)
            told = [attempts.get((*place, attempt.request), "untold") for attempt in own]
            assert told == [attempt.status for attempt in own]
            usual = "excluded" if self._is_excluded(row) else "planned"
            assert row.status == row_status(told, standing.get(place, usual))

    def _requests_are_sound(self, new: Picture) -> None:
        requests: dict[str, list[RowOf]] = {}
        for attempt in new.attempts.values():
            requests.setdefault(attempt.request, []).append(new.rows[attempt.row])
            assert attempt.status != "sending" or attempt.owner in new.alive
        for rows in requests.values():
            assert len({row.number for row in rows}) == len(rows) <= MAX_RECIPIENTS
            assert len({row.content for row in rows}) == 1

    def _the_gateway_has_what_is_known(self, new: Picture) -> None:
        took: Counter[int] = Counter()
        ids: dict[int, str] = {}
        gateways: dict[int, set[str]] = {}
        for receipt in self.truth.receipts:
            row = new.rows[new.attempts[receipt.attempt].row]
            took[row.id] += 1
            ids[receipt.attempt] = receipt.message_id
            gateways.setdefault(row.campaign, set()).add(receipt.gateway)
        for campaign, found in gateways.items():
            assert found == {new.campaigns[campaign].gateway}
        for row in new.rows.values():
            assert took[row.id] <= 1 + self.truth.mistakes[row.id]
            assert not took[row.id] or row.status in TAKEN or self.truth.mistakes[row.id]
        for attempt in new.attempts.values():
            assert attempt.message_id in (None, ids.get(attempt.id))
            if attempt.status in KNOWN and attempt.id not in ids:
                assert new.said_by_a_person(new.rows[attempt.row]) & {"submitted", "failed"}

    # --- the end ----------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.come_to_an_end()
        finally:
            for process in self.processes:
                process.stack.close()
            self.stack.close()

    def come_to_an_end(self) -> None:
        """Everybody ends, one restarts, the gateway works, a person looks up what is unknown."""
        for flight in [*self.flights]:
            if flight.outcome is None:
                self.send(flight, UNREACHABLE)
                self.check()
            if flight.process:
                self.record(flight)
                self.check()
        for process in [*self.processes]:
            self.end(process)
        self.start()
        self.check()
        stuck = self._drain()
        for process in [*self.processes]:
            self.end(process)
        self.start()
        self.check()
        for row in self.unknown():
            action = "sent" if self.may_be_taken(row.id) else "resend"
            self.say(action, [row.id])
        self.check()
        stuck |= self._drain()
        took = Counter(self.seen.attempts[each.attempt].row for each in self.truth.receipts)
        for row in self.seen.rows.values():
            left_out = {"excluded", "cancelled", "refused"}
            if row.campaign in stuck:
                left_out.add("planned")
            if self.lists_end_unknown:
                left_out.add("unknown")
            word = self.seen.said_by_a_person(row) & {"submitted", "failed"}
            assert took[row.id] or row.status in left_out or word
            assert row.status in KNOWN | left_out or self.truth.mistakes[row.id]
        assert self.observer.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert self.observer.execute("PRAGMA foreign_key_check").fetchall() == []

    def _drain(self) -> set[int]:
        """Send what is planned; return the campaigns that would repeat another one."""
        stuck = set()
        for campaign in self.seen.campaigns:
            self.set_max_cost(campaign, 1000)
            self.check()
            conflicts = self.reached["claim: CampaignConflict"]
            for _ in range(MOST_REQUESTS):
                self.claim(self.processes[0], campaign)
                self.check()
                if not self.flights:
                    break
                [flight] = self.flights
                self.send(flight)
                self.record(flight)
                self.flights.clear()
                self.check()
            else:
                pytest.fail("it sends for ever")
            if self.reached["claim: CampaignConflict"] > conflicts:
                stuck.add(campaign)
        return stuck


@pytest.fixture
def reached() -> Counter[str]:
    return Counter()


@pytest.fixture
def machine(new_book: "NewBook", reached: Counter[str]) -> Callable[[], Machine]:
    """Make machines, each with a ledger of its own: a copy, since making one waits for the disk."""
    first, copies = new_book(SPRING), count()

    def make() -> Machine:
        path = Path(shutil.copy(first.path, first.path.with_suffix(f".{next(copies)}")))
        return Machine(type(first)(path, SPRING), reached)

    return make


def test_whatever_happens_every_row_is_accounted_for(
    machine: Callable[[], Machine], reached: Counter[str]
) -> None:
    """Nothing is sent twice without a person's word, lost, or said to be what it is not."""
    run_state_machine_as_test(machine, settings=SETTINGS)  # type: ignore[arg-type] # any factory
    assert sorted({*USUAL} - {*reached}) == []


def test_the_machine_reaches_what_is_rare(
    machine: Callable[[], Machine], reached: Counter[str]
) -> None:
    """Late evidence, lost locks and people who err, in one story; no step does nothing quietly."""
    state = machine()
    state.open(GATEWAYS[1], rehearses=False, allow_repeat=True)
    [first, _, second, third] = state.flights
    [one] = state.processes

    def step(take: Callable[..., None], *arguments: Any, **named: Any) -> None:
        take(*arguments, **named)
        state.check()

    try:
        step(state.send, first, "close")
        step(state.record, first)
        step(state.say, "resend", [state.unknown()[0].id], is_honest=False)
        step(state.look, second)
        step(state.send, second, "well")
        step(state.contradict, state.truth.receipts[-1], "unknown")
        step(state.lose_locks)
        step(state.start)
        two = state.processes[-1]
        step(state.say, "resend", [state.unknown()[0].id], is_honest=False)
        step(state.claim, two, 1, room=1)
        again = state.flights[-1]
        step(state.callback, state.truth.receipts[0])
        step(state.look, again)
        step(state.record, again)
        step(state.record, second)
        step(state.claim, one, 1)
        step(state.look, third)
        step(state.record, third)
        step(state.record, third)
        step(state.claim, two, 1, SIMULATED)
        step(state.set_max_cost, 1, room=0)
        step(state.claim, two, 1, room=1)
        step(state.poll, 1, after=3 * HOUR, give_up_after=HOUR, fault=None)
        step(state.poll, 1, after=3 * HOUR, give_up_after=72 * HOUR, fault="503")
        step(state.poll, 1, after=3 * HOUR, give_up_after=72 * HOUR, fault=None)
        step(state.work, two, 2, room=1, answer="id of another message")
        step(state.create, "autumn", allow_repeat=False)
        step(state.create, "spring", other_plan=True)
        step(state.create, "spring")
    finally:
        state.teardown()
    assert sorted({*RARE} - {*reached}) == []
