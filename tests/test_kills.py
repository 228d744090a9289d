"""Processes that are killed: at every step of what they do, and at any moment."""

import os
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
import pytest

from smspm_campaigns.gateway.simulator import KINDS, Callbacks, Fault, storm

if TYPE_CHECKING:
    from conftest import NewSiege, Siege

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")

_TRANSACTION: Final = ("before BEGIN", "after BEGIN", "before COMMIT", "after COMMIT")
_LOCK: Final = ("before acquire", "after acquire")
_UNLOCK: Final = ("before release", "after release")
_WIRE: Final = ("connected", "writing", "written", "read")

#: The steps of a send, in their order: after one of them a process may be gone.
SENDING: Final = {
    "hold": (*_LOCK, *_TRANSACTION),
    "keep": _TRANSACTION,  # the round that claims
    "check": ("before SELECT", "after SELECT"),
    "send": _WIRE,
    "keep again": _TRANSACTION,  # the round that records
    "hold>_end": _TRANSACTION,
    "hold>_leaving": _UNLOCK,
}
#: Whatever begins, buries those who died first.
BURYING: Final = {
    "open": ("before PRAGMA", "after PRAGMA"),
    "bury_the_dead": _LOCK,
    "bury_the_dead>_end": _TRANSACTION,
    "bury_the_dead>_leaving": _UNLOCK,
}
TRACKING: Final = {
    "ask_again": _TRANSACTION,
    "ask": _WIRE,
    "record": _TRANSACTION,
    "give_up": _TRANSACTION,  # those whose ids are not known
}
DECIDING: Final = dict.fromkeys(("cancel", "suppress", "resolve"), _TRANSACTION)

_ONCE: Final = ("hold", "ask_again", "give_up")  # in a run; everything else comes again and again
_AGAIN: Final = ("keep", "check", "send")  # once for each request

LANES: Final = 8  # requests of a hundred that one process has in flight at most
KILLS: Final = 200  # in one campaign, at least
BY_CHANCE: Final = "at a moment by chance"

#: How many left rows in flight: each of them its lanes' worth at most, which `broken` looks at.
BURIED: Final = (
    "SELECT count(DISTINCT owner_id) FROM change JOIN attempt ON attempt.id = attempt_id "
    "JOIN request ON request.id = request_id WHERE evidence = 'dead owner'"
)

NUMBERS: Final = [str(37250000000 + step) for step in range(10_000)]

BAD_DAYS: Final[list[Fault | str]] = [
    *(Fault(kind, seconds=0.01) if kind == "stall" else kind for kind in KINDS),
    *(Fault(kind, taken=True) for kind in ("502", "302", "404")),
    *(Fault(kind, taken=False) for kind in ("close", "reset", "half")),
    Fault("429", retry_after=5),
    "403",
]

BAD_ANSWERS: Final = ("close", "reset", "truncated_head", "half", "502", "429", "malformed", "html")


def steps(*tables: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [
        f"{place}: {step}" for table in tables for place, ways in table.items() for step in ways
    ]


def kill_at(siege: "Siege", do: str, step: str, hit: int = 1, **options: Any) -> None:
    """Let a process die at a step, which it must reach."""
    at, again = step.replace(" again", ""), " again" in step
    ended = siege.run(do, at=at, hit=hit + again, **options)
    assert ended.was_killed, (step, hit, ended)


def taken(siege: "Siege") -> int:
    return int(siege.ask("SELECT taken FROM campaign")[0][0])


def drain(siege: "Siege") -> None:
    ended = siege.run("drain")
    assert (ended.exit_code, ended.error) == (0, None)
    assert siege.broken() == {}
    assert siege.numbers("planned") == set()


def becomes(step: str) -> str:
    """Say what the rows of a request are after a death at a step of its send."""
    passed = steps(SENDING).index(step)
    if passed < steps(SENDING).index("keep: after COMMIT"):
        return "planned"
    if passed < steps(SENDING).index("keep again: after COMMIT"):
        return "unknown"
    return "queued"


@pytest.mark.parametrize("step", steps(SENDING))
def test_killed_at_a_step_of_a_send_its_request_is_what_the_ledger_can_prove(
    new_siege: "NewSiege", step: str
) -> None:
    """Planned before the claim is on disk, unknown until the answer is; the rest is sent later."""
    siege = new_siege(0, 160)
    with siege.served():
        of_request = becomes(step)
        kill_at(siege, "send", step, limit=100)
        assert siege.counts() == Counter({of_request: 100}) + Counter(planned=60)
        assert siege.broken() == {}
        drain(siege)
    later = {"planned": "queued"}.get(of_request, of_request)
    assert siege.counts() == Counter({later: 100}) + Counter(queued=60)
    if later == "unknown" and step != "send: written":  # that one may be taken yet, or not
        is_taken = step == "send: read" or step.startswith("keep again")
        assert len(siege.received()) == (160 if is_taken else 60)


def test_killed_with_a_request_on_every_lane_it_leaves_them_unknown(new_siege: "NewSiege") -> None:
    """Taken by the gateway, unanswered here: a hundred for each lane, and never sent again."""
    stalls = {lane: Fault("stall", taken=True, seconds=60) for lane in range(1, 1 + LANES)}
    siege = new_siege(0, 1000, faults=stalls)  # the first is answered, then each lane has one
    with siege.served():
        kill_at(siege, "send", "send: written", 1 + LANES)
        assert siege.counts() == {"queued": 100, "unknown": 100 * LANES, "planned": 100}
        drain(siege)
    assert siege.counts() == {"queued": 200, "unknown": 100 * LANES}


@pytest.mark.parametrize("hit", [1, 2])
@pytest.mark.parametrize("step", steps(BURYING))
def test_killed_while_it_buries_the_dead_the_next_one_buries_them(
    new_siege: "NewSiege", step: str, hit: int
) -> None:
    """Before, between and after two dead: what they had in flight is unknown, and nothing else."""
    siege = new_siege(30)
    with siege.served():
        first = siege.start("send", at="send: written", send="SIGSTOP")
        first.wait_until_stopped()
        kill_at(siege, "send", "send: read", 4)
        first.kill()
        first.wait()
        kill_at(siege, "counts", step, hit)
        left = "SELECT count(*) FROM attempt WHERE status = 'sending'"
        dead = "SELECT count(*) FROM owner WHERE ended_at IS NULL"
        is_buried = step.endswith(("after COMMIT", "release"))
        assert siege.ask(dead) == [(2 - hit + (not is_buried),)] or step.startswith("open")
        open_claims = "SELECT count(DISTINCT recipient_id) FROM change WHERE status = 'unknown'"
        [(before,)] = siege.ask(left)
        [(buried,)] = siege.ask(open_claims)
        assert siege.broken() == {}
        assert siege.ask(open_claims) == [(before + buried,)]
        assert before + buried == siege.counts()["unknown"]
        drain(siege)


@pytest.mark.parametrize("step", steps(TRACKING))
def test_killed_at_a_step_of_tracking_it_asks_again(new_siege: "NewSiege", step: str) -> None:
    """What was recorded stays, what was not is asked again; every message gets its last word."""
    dice = random.Random(step)
    most = 1 if step.startswith(_ONCE) else 4
    siege = new_siege(0, 60, details_faults=storm(dice.getrandbits(32), 0.2, BAD_ANSWERS))
    with siege.served():
        siege.run("send")
        for hit in (1, dice.randint(1, most)):
            kill_at(siege, "track", step, hit)
            assert siege.broken() == {}
        siege.run("track", timeout="24h")
    assert siege.broken() == {}
    assert siege.counts() == {"delivered": 60}


def lose(siege: "Siege") -> None:
    """Let a process die with requests in flight, some of which were taken."""
    kill_at(siege, "send", "send: read", 20)


@pytest.mark.parametrize("step", steps({"cancel": _TRANSACTION}))
def test_killed_while_it_cancels_all_is_cancelled_or_nothing(
    new_siege: "NewSiege", step: str
) -> None:
    """Half of a plan is never left; cancelled again, it is over."""
    siege = new_siege(60)
    with siege.served():
        lose(siege)
        before = siege.counts()
        kill_at(siege, "cancel", step)
        changes = {"planned": "cancelled"} if step == "cancel: after COMMIT" else {}
        assert siege.counts() == {changes.get(name, name): n for name, n in before.items()}
        siege.run("cancel")
        drain(siege)
    assert siege.counts()["cancelled"] == before["planned"]


@pytest.mark.parametrize("step", steps({"suppress": _TRANSACTION}))
def test_killed_while_it_suppresses_all_are_left_out_or_none(
    new_siege: "NewSiege", step: str
) -> None:
    """Whoever is suppressed at last receives nothing that was planned."""
    siege = new_siege(60)
    with siege.served():
        lose(siege)
        before = siege.counts()
        opted_out = sorted(siege.numbers("planned"))[:10]
        kill_at(siege, "suppress", step, numbers=opted_out)
        left_out = {"excluded": 10, "planned": before["planned"] - 10}
        changes = left_out if step == "suppress: after COMMIT" else {}
        assert siege.counts() == before | changes
        siege.run("suppress", numbers=opted_out)
        drain(siege)
    assert not set(opted_out) & set(siege.received())
    assert siege.counts()["excluded"] == 10


@pytest.mark.parametrize("action", ["resend", "sent"])
@pytest.mark.parametrize("step", steps({"resolve": _TRANSACTION}))
def test_killed_while_it_resolves_all_is_resolved_or_nothing(
    new_siege: "NewSiege", step: str, action: str
) -> None:
    """A person who says the truth about the unknown, in two tries: nobody receives it twice."""
    siege = new_siege(60)
    with siege.served():
        lose(siege)
        kill_at(siege, "send", "keep: after COMMIT")  # surely never left
    before = siege.counts()
    unknown, taken = siege.numbers("unknown"), set(siege.received())
    rows = {"resend": unknown - taken, "sent": unknown & taken}
    kill_at(siege, "resolve_unknown", step, action=action, rows=sorted(rows[action]))
    is_done = step == "resolve: after COMMIT"
    assert siege.numbers("unknown") == unknown - (rows[action] if is_done else set())
    for say, of in rows.items():
        if left := of & siege.numbers("unknown"):
            siege.run("resolve_unknown", action=say, rows=sorted(left))
    with siege.served():
        drain(siege)
    assert sorted(siege.received()) == sorted(siege.people)
    assert siege.counts() == {"queued": 60 - len(rows["sent"]), "submitted": len(rows["sent"])}
    assert before["unknown"] == len(unknown)


def test_every_step_has_a_name_here(new_siege: "NewSiege") -> None:
    """A transaction, a lock or a byte that somebody adds needs its place in the tables above."""
    siege = new_siege(60)
    passed: set[str] = set()
    with siege.served():
        lose(siege)
        for do, options in (
            ("send", {"limit": 40}),
            ("track", {}),
            ("suppress", {"numbers": NUMBERS[:5]}),
            ("resolve_unknown", {"action": "sent"}),
            ("cancel", {}),
        ):
            passed |= siege.run(do, **options).passed.keys()
    ways = {*_TRANSACTION, *_LOCK, *_UNLOCK, *_WIRE}
    named = {step.replace(" again", "") for step in steps(SENDING, BURYING, TRACKING, DECIDING)}
    told = {step for step in passed if step.partition(": ")[2] in ways}
    assert told == {step for step in named if step.partition(": ")[2] in ways}
    assert named <= passed


def test_every_request_is_looked_at_written_read_and_recorded_once(new_siege: "NewSiege") -> None:
    """As many steps of each as there are requests: none is left out, and none is done again."""
    siege = new_siege(40, 170)
    with siege.served():
        passed = siege.run("send").passed
    once = ("check: after SELECT", "send: written", "send: read")
    assert {step: passed[step] for step in once} == dict.fromkeys(once, 42)
    assert siege.ask("SELECT count(*) FROM request") == [(42,)]


def moments() -> Iterator[str]:
    """Name every step of a send once, with a moment by chance after each."""
    for step in steps(SENDING):
        yield step
        yield BY_CHANCE
    for step in steps(BURYING):
        yield "send: written"  # so that there is somebody to bury
        yield step


@pytest.mark.parametrize("seed", [1], ids="seed {}".format)
def test_killed_two_hundred_times_in_a_storm_a_campaign_sends_nobody_twice(
    new_siege: "NewSiege", seed: int
) -> None:
    """At every step in turn and at any moment, while it sends or tracks; drained, all is known."""
    dice, waits = random.Random(seed), random.Random(seed)
    siege = new_siege(
        *(0, *dice.choices([1, 2, 5, 101], [87, 9, 3, 1], k=1000)),
        faults=storm(dice.getrandbits(32), 0.1, BAD_DAYS),
        details_faults=storm(dice.getrandbits(32), 0.1, BAD_ANSWERS),
        latency=lambda: waits.uniform(0, 0.05),
        list_mode="some",
        refuse=NUMBERS[3::97],
    )
    killed: Counter[str] = Counter()
    with siege.served():
        while killed.total() < KILLS:
            for moment in moments():
                where = f"seed {seed}, after {killed.total()} kills: {moment}"
                if moment == BY_CHANCE:
                    do = dice.choice(["drain", "drain", "track"])
                    killed[moment] += siege.run(do, after=dice.uniform(0.02, 0.2)).was_killed
                else:
                    is_end = moment.startswith("hold>")  # a run ends where its limit is reached
                    limit = taken(siege) + dice.randint(1, 20) if is_end else None
                    most = 4 if moment.startswith(_AGAIN) else 1
                    kill_at(siege, "drain", moment, dice.randint(1, most), limit=limit)
                    killed[moment] += 1
                received = siege.received()  # nobody is buried here: that is for the next one
                assert len(set(received)) == len(received), where
                assert siege.numbers("planned", "refused").isdisjoint(received), where
            assert siege.broken() == {}, where
            assert siege.numbers("planned") != set(), where
        drain(siege)
        assert siege.run("track", timeout="24h")[:2] == (0, None)
    assert siege.broken() == {}, f"seed {seed}"
    assert siege.numbers("queued", "submitted", "unconfirmed") == set()
    assert killed.total() >= KILLS
    assert (+killed).keys() == {*steps(SENDING, BURYING), BY_CHANCE}
    assert siege.ask(BURIED)[0][0] <= killed.total()


@pytest.mark.parametrize("seed", range(2))
def test_killed_while_one_sends_and_one_tracks_they_agree(new_siege: "NewSiege", seed: int) -> None:
    """Both at once, killed again and again: no word of one undoes the other's."""
    dice = random.Random(f"both {seed}")
    siege = new_siege(
        *(600, 100),
        faults=storm(dice.getrandbits(32), 0.1, BAD_DAYS),
        details_faults=storm(dice.getrandbits(32), 0.1, BAD_ANSWERS),
        failing=NUMBERS[::7],
    )
    with siege.served():
        kill_at(siege, "drain", "keep: after COMMIT", 8)
        trackers_killed = 0
        for _ in range(5):
            both = (("drain", "keep", 3), ("track", "record", 5))
            sending, tracking = (
                siege.start(
                    do, at=f"{place}: {dice.choice(_TRANSACTION)}", hit=dice.randint(1, most)
                )
                for do, place, most in both
            )
            assert sending.wait().was_killed
            trackers_killed += tracking.wait().was_killed
            assert siege.broken() == {}
        assert trackers_killed > 0
        drain(siege)
        siege.run("track", timeout="24h")
    assert siege.broken() == {}
    received = set(siege.received())
    unknown = siege.numbers("unknown")
    assert siege.numbers("failed") == received.intersection(NUMBERS[::7]) - unknown
    assert siege.numbers("delivered") == received.difference(NUMBERS[::7]) - unknown


# --- callbacks ----------------------------------------------------------------------------------

SECRET: Final = "canarysecret-5.A_1~b"
PATIENCE: Final = 120.0  # seconds for something that surely happens: longer, and the test hangs
#: What may go wrong with a request of which everything is taken, or nothing and that is known.
LOST: Final[list[Fault | str]] = [
    Fault("close"),
    Fault("half"),
    Fault("503", taken=True),
    Fault("429"),
    "partial",
]
STAGES: Final = {"queued": 1, "submitted": 2, "unconfirmed": 3, "delivered": 4, "failed": 4}


class Call(NamedTuple):
    """A call of the receiver: what it names, and the word."""

    url: str
    message_id: str | None
    number: str | None
    word: str

    @property
    def fields(self) -> dict[str, str]:
        told = {"id": self.message_id, "toNumber": self.number, "status": self.word}
        return {name: value for name, value in told.items() if value is not None}


class Postman:
    """Tells what became of messages: doubled, out of order, and again until it is answered OK."""

    def __init__(self, siege: "Siege", seed: str) -> None:
        self.answered_ok: list[Call] = []
        self.all_told = threading.Event()
        self._siege = siege
        self._dice = random.Random(seed)
        self._bag: list[Call] = []
        self._known = 0
        self._is_over = threading.Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self._work, name="postman")
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join(PATIENCE)
        assert not thread.is_alive()

    def wait_until_all_is_told(self) -> None:
        self.all_told.clear()
        assert self.all_told.wait(PATIENCE)

    def _work(self) -> None:
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not self._is_over.is_set():
                entries = self._siege.simulator.accepted[self._known :]
                self._known += len(entries)
                for entry in entries:
                    self._bag += self._calls(entry)
                if not self._bag:
                    self.all_told.set()
                    self._is_over.wait(0.01)
                    continue
                call = self._bag.pop(self._dice.randrange(len(self._bag)))
                if self._tell(client, call):
                    self.answered_ok.append(call)
                else:
                    self._bag.append(call)
                    self._is_over.wait(0.01)

    def _calls(self, entry: Mapping[str, Any]) -> list[Call]:
        url, message_id, number = entry["report"], entry["id"], entry["toNumber"]
        last = "failed" if number in NUMBERS[::7] else "delivered"
        calls = [Call(url, message_id, number, word) for word in ("submitted", last)]
        calls += [Call(url, message_id, None, last), Call(url, None, f"+{number}", "submitted")]
        return calls + self._dice.choices(calls, k=2)

    @staticmethod
    def _tell(client: httpx.Client, call: Call) -> bool:
        try:
            return client.get(call.url, params=call.fields).is_success
        except httpx.HTTPError:
            return False


def lost(siege: "Siege", told: list[Call]) -> list[Call]:
    """Return the calls that were answered OK, and of which the ledger knows nothing."""
    found = siege.ask(
        "SELECT number, message_id, attempt.status FROM attempt "
        "JOIN recipient ON recipient.id = recipient_id"
    )
    reached = [*((name, status) for number, name, status in found for name in (number, name))]
    kept = set(siege.ask("SELECT message_id, word FROM callback"))
    best = Counter[str]()
    for name, status in reached:
        if name is not None:
            best[name] = max(best[name], STAGES.get(status, 0))
    return [
        call
        for call in told
        if best[call.message_id or (call.number or "").lstrip("+")] < STAGES[call.word]
        and (call.message_id, call.word) not in kept
    ]


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that is nobody else's, on which processes may listen one after the other."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("seed", [1], ids="seed {}".format)
def test_killed_while_one_sends_one_tracks_and_one_listens_nothing_is_lost(
    new_siege: "NewSiege", seed: int
) -> None:
    """What was answered OK is known, nobody is sent twice, and each ends as the gateway has it."""
    dice, waits = random.Random(f"listen {seed}"), random.Random(seed)
    siege = new_siege(
        *(150, 40, 30),
        faults=storm(dice.getrandbits(32), 0.15, LOST),
        details_faults=storm(dice.getrandbits(32), 0.1, BAD_ANSWERS),
        failing=NUMBERS[::7],
        latency=lambda: waits.uniform(0, 0.06),
        callbacks=Callbacks(copies=2, final_first=True, late=0.05),
    )
    postman = Postman(siege, f"listen {seed}")
    killed: Counter[str] = Counter()
    with reserved_port() as port, siege.served(), postman.at_work():
        report_url = f"http://127.0.0.1:{port}/{SECRET}"
        listen: dict[str, Any] = {"port": port, "secret": SECRET}
        for round_ in range(6):
            step = dice.choice(_TRANSACTION)
            listening = siege.start("listen", at=f"take: {step}", hit=dice.randint(1, 40), **listen)
            sending = siege.start(
                "drain",
                at=f"{dice.choice(['keep', 'take'])}: {dice.choice(_TRANSACTION)}",
                hit=dice.randint(2, 12),
                after=dice.uniform(0.5, 1.5),
                report_url=report_url,
            )
            tracking = siege.start(
                "track", at=f"record: {dice.choice(_TRANSACTION)}", hit=dice.randint(1, 8)
            )
            killed["drain"] += sending.wait().was_killed
            tracking.kill()
            killed["track"] += tracking.wait().was_killed
            listening.kill()
            killed["listen"] += listening.wait().was_killed
            where = f"seed {seed}, round {round_}: {killed}"
            assert lost(siege, [*postman.answered_ok]) == [], where
            assert siege.broken() == {}, where
        siege.start("listen", **listen)
        assert siege.run("drain", report_url=report_url)[:2] == (0, None)
        postman.wait_until_all_is_told()
        never_left = siege.numbers("unknown")
        assert never_left.isdisjoint(siege.received())  # each that was taken is known by now
        if never_left:
            siege.run("resolve_unknown", action="resend", rows=sorted(never_left))
            siege.run("drain", report_url=report_url)
            postman.wait_until_all_is_told()
        assert siege.run("track", timeout="24h")[:2] == (0, None)
        assert lost(siege, postman.answered_ok) == []
    assert siege.broken() == {}
    assert (+killed).keys() == {"drain", "track", "listen"}
    assert sorted(siege.received()) == sorted(siege.people)
    assert siege.numbers("failed") == siege.people.intersection(NUMBERS[::7])
    assert siege.numbers("delivered") == siege.people.difference(NUMBERS[::7])
    assert siege.ask("SELECT * FROM callback") == []
    spent = 1000 - siege.simulator.balance
    assert siege.ask("SELECT count(price), sum(price) FROM attempt") == [
        (len(siege.people), round(spent * 10**9))
    ]
    assert siege.ask("SELECT taken FROM campaign") == [(len(siege.people),)]
