"""What the account has against a plan is said before anything is sent, and never in the way."""

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smspm_campaigns.delivery import preflight
from smspm_campaigns.delivery.ledger.read import Demand
from smspm_campaigns.delivery.preflight import Account, ask_account, forewarnings
from smspm_campaigns.gateway.account import Balance
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Clock
    from starlette.types import Receive, Scope, Send

CREDENTIALS = ("simulated-hash", "simulated-token")
FIVE = 5_000_000_000  # billionths of a euro


def held(amount: str, *, is_stale: bool = False) -> Account:
    return Account(None, Balance(Decimal(amount), is_stale))


def asked(client: Client) -> Account:
    return asyncio.run(ask_account(client))


# --- senders ------------------------------------------------------------------------------------

REFUSED = "A sender that is not approved is refused, and the run stops there."


@pytest.mark.parametrize(
    ("planned", "approved", "told"),
    [
        ({"Shop": 2}, ["Shop"], ""),
        ({"Shop": 2}, None, ""),  # the API does not tell
        ({"SMSPM.com": 2}, [], ""),  # approved by default, whatever the list names
        ({"SMSPM.com": 2}, ["Shop"], ""),
        (
            {"Shop": 1},
            [],
            "Of the senders, SMSPM does not name 'Shop' (1 row) as approved. It names 'SMSPM.com'.",
        ),
        (
            {"Shop": 1200},
            ["SHOP", "Cafe"],
            (
                "Of the senders, SMSPM does not name 'Shop' (1,200 rows; did you mean 'SHOP'?) as "
                "approved. It names 'Cafe', 'SHOP' and 'SMSPM.com'."
            ),
        ),
        (
            {"My Shop": 2, "smspm.COM": 1, "Shop": 3},
            ["Shop", "MyShop", "my shop "],
            (
                "Of the senders, SMSPM does not name 'My Shop' (2 rows; did you mean 'MyShop' and "
                "'my shop '?) and 'smspm.COM' (1 row; did you mean 'SMSPM.com'?) as approved. It "
                "names 'MyShop', 'SMSPM.com', 'Shop' and 'my shop '."
            ),
        ),
        (
            {"46701740605": 1},  # a number is masked
            ["46701740606"],
            (
                "Of the senders, SMSPM does not name '4670*****05' (1 row) as approved. It names "
                "'4670*****06' and 'SMSPM.com'."
            ),
        ),
        (
            {"x": 1},
            [f"S{n:02}" for n in range(99)],
            "Of the senders, SMSPM does not name 'x' (1 row) as approved. It names "
            + ", ".join(f"'S{n:02}'" for n in range(10))
            + " and 90 more.",
        ),
    ],
)
def test_senders_that_are_not_named_are_told(
    planned: dict[str, int], approved: list[str] | None, told: str
) -> None:
    """Exactly, with what differs in capitals or blanks alone; one sentence for all of them."""
    found = forewarnings(Demand(planned, 0, 0), Account(approved, None))
    assert found == ([f"{told} {REFUSED}"] if told else [])


# --- the balance --------------------------------------------------------------------------------

TOP_UP = "Top up your account, or send less with a limit: where the balance ends, the run stops."


@pytest.mark.parametrize(
    ("cost", "unpriced", "account", "told"),
    [
        (FIVE, 0, held("5"), ""),
        (FIVE, 0, held("5.01"), ""),
        (FIVE, 0, Account(None, None), ""),
        (
            FIVE,
            0,
            held("4.999"),
            "The balance is 4.99 EUR, and what may be sent is expected to cost 5.00 EUR. " + TOP_UP,
        ),
        (
            FIVE + 1,
            0,
            held("5"),
            "The balance is 5.00 EUR, and what may be sent is expected to cost 5.01 EUR. " + TOP_UP,
        ),
        (
            1234 * FIVE,
            0,
            held("-1.5"),
            "The balance is -1.50 EUR, and what may be sent is expected to cost 6,170.00 EUR. "
            + TOP_UP,
        ),
        (
            FIVE,
            0,
            held("1", is_stale=True),
            "The balance is 1.00 EUR, by a figure that SMSPM says may be out of date, and what may "
            "be sent is expected to cost 5.00 EUR. " + TOP_UP,
        ),
        (
            FIVE,
            3,
            held("1"),
            "The balance is 1.00 EUR, and what may be sent is expected to cost 5.00 EUR, and 3 "
            "rows have no price. " + TOP_UP,
        ),
        (
            FIVE,
            1,
            held("9"),
            (
                "The balance is 9.00 EUR. Whether it suffices is not known: 1 row has no price, "
                "and the others are expected to cost 5.00 EUR."
            ),
        ),
        (0, 10, held("0.01"), ""),  # nobody has estimated anything
        (
            0,
            10,
            held("0"),
            (
                "The balance is 0.00 EUR, and 10 rows have no price. Top up your account: without "
                "a balance nothing is sent."
            ),
        ),
        (0, 0, held("0"), ""),  # it costs nothing
    ],
)
def test_a_balance_is_held_against_the_estimate(
    cost: int, unpriced: int, account: Account, told: str
) -> None:
    """Both figures are said, what is not known is said, and what suffices says nothing."""
    found = forewarnings(Demand({"SMSPM.com": 10}, cost, unpriced), account)
    assert found == ([told] if told else [])


@given(
    st.integers(0, 10**18),
    st.decimals(-(10**9), 10**9, places=9),
)
def test_what_is_warned_of_is_a_balance_below_the_cost(cost: int, amount: Decimal) -> None:
    """Neither more nor less; and the figures that are shown say so too."""
    found = forewarnings(Demand({"SMSPM.com": 1}, cost, 0), Account(None, Balance(amount, False)))
    assert len(found) == (amount < Decimal(cost) / 10**9)
    for sentence in found:
        figures = [word for word in sentence.replace(",", "").split() if "." in word]
        assert Decimal(figures[0]) < Decimal(figures[1])


# --- asking -------------------------------------------------------------------------------------


class Telling(Simulator):
    """Answers both questions with this; None: not at all. Notes what was asked."""

    def __init__(
        self, status: int, body: bytes | None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._status, self._body = status, body
        self._headers = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["method"] == "POST":
            await super().__call__(scope, receive, send)
            return
        self.asked.append(scope["path"])
        while self._body is None:
            if (await receive())["type"] == "http.disconnect":
                return
        start = {"type": "http.response.start", "status": self._status, "headers": self._headers}
        await send(start)
        await send({"type": "http.response.body", "body": self._body})


NOT_TOLD: dict[str, tuple[int, bytes | None]] = {
    "not found": (404, b'{"error": "Not found"}'),
    "no API at all": (200, b"<html>Welcome</html>"),
    "an error": (200, b'{"error": "Unauthorized"}'),
    "the credentials refused": (401, b'{"error": "Unauthorized"}'),
    "an error of its own": (503, b""),
    "too many requests": (429, b""),
    "redirected": (302, b""),
    "empty": (200, b"{}"),
    "a list": (200, b"[]"),
    "null": (200, b'{"balance": null, "senders": null}'),
    "no number, no list": (200, b'{"balance": "a lot", "senders": "SMSPM.com"}'),
    "a nonsensical number": (200, b'{"balance": 1e30, "senders": null}'),
    "a giant number": (200, b'{"balance": "-1e999999999", "senders": null}'),
    "no finite number, no names": (200, b'{"balance": "Infinity", "senders": [{"name": "x"}]}'),
    "nothing": (200, None),
}


@pytest.mark.parametrize("answer", NOT_TOLD)
def test_what_is_not_told_changes_nothing(
    answer: str, clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes in place of an answer: each is asked once, and nobody is held up."""
    if NOT_TOLD[answer][1] is None:
        monkeypatch.setattr(preflight, "_PATIENCE", 0.5)
    gateway = Telling(*NOT_TOLD[answer], {"retry-after": "300", "location": "/login"})
    with running(gateway) as url:
        client = Client(*CREDENTIALS, base_url=url, clock=clock)
        assert asked(client) == Account(None, None)
    assert sorted(gateway.asked) == ["/balance", "/sender-ids"]
    assert client.pace.take() == pytest.approx(0.6)  # they count as any request, and hold nobody


def test_where_nobody_listens_nothing_is_told(clock: "Clock") -> None:
    """A connection that is refused is the first request's to tell."""
    with running(Simulator()) as url:
        pass
    assert asked(Client(*CREDENTIALS, base_url=url, clock=clock)) == Account(None, None)


def test_whatever_else_goes_wrong_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As certificates that cannot be read: they are the first request's to tell, too."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at.all")
    assert asked(Client(*CREDENTIALS, base_url="https://127.0.0.1:9")) == Account(None, None)


@pytest.mark.parametrize(
    ("body", "account"),
    [
        (
            b'{"balance": 12.34, "stale": true, "senders": ["Shop"]}',
            Account(["Shop"], Balance(Decimal("12.34"), True)),
        ),
        (b'{"balance": "7", "senders": []}', Account([], Balance(Decimal(7), False))),
        (b'{"balance": 0, "stale": false}', Account(None, Balance(Decimal(0), False))),
        (b'{"balance": 1, "stale": "no"}', Account(None, Balance(Decimal(1), False))),
        (b'{"senders": ["a", "a"]}', Account(["a", "a"], None)),
    ],
)
def test_what_is_told_is_taken(body: bytes, account: Account, clock: "Clock") -> None:
    """Either of them alone, too."""
    with running(Telling(200, body)) as url:
        assert asked(Client(*CREDENTIALS, base_url=url, clock=clock)) == account


def test_a_rate_too_slow_for_questions_is_left_to_the_messages(
    clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits long for a turn to ask, and a turn that is not waited for is nobody's loss."""

    class Forever:
        def now(self) -> float:
            return clock.now()

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(preflight, "_PATIENCE", 0.5)
    gateway = Telling(200, b'{"balance": 1, "senders": []}')
    with running(gateway) as url:
        client = Client(*CREDENTIALS, base_url=url, clock=Forever(), requests_per_minute=1)
        told: Any = asked(client)
    assert [told.senders, told.balance].count(None) == 1
    assert len(gateway.asked) == 1
    assert client.pace.take() == 60.0


def test_the_simulator_tells_too() -> None:
    """A rehearsal knows its senders, and does not stop for money."""
    rich = Balance(Decimal("1000000.0"), False)
    assert asked(Client.simulated()) == Account(["SMSPM.com"], rich)
    told = asked(Client.simulated(senders=["Shop"], balance=1.5))
    assert told == Account(["Shop"], Balance(Decimal("1.5"), False))
