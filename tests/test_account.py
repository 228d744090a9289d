"""What the API tells of an account, asked from a script and from a notebook."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse

import smspm_campaigns as smspm
from smspm_campaigns.campaign.account import balance, sender_ids
from smspm_campaigns.exceptions import (
    AccountRefused,
    GatewayError,
    InvalidArgument,
    NeverLeft,
    OutcomeUnknown,
)
from smspm_campaigns.gateway.account import Balance
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Clock
    from starlette.types import Receive, Scope, Send

Question = Callable[[smspm.Client], Any]
both = pytest.mark.parametrize("question", [balance, sender_ids])


def client_of(url: str, clock: "Clock", token: str = "simulated-token") -> smspm.Client:
    return smspm.Client("simulated-hash", token, base_url=url, clock=clock)


@pytest.mark.parametrize("does_loop_run", [False, True])
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (balance, Balance(Decimal("12.34"), is_stale=False)),
        (sender_ids, ["Shop", "Cafe"]),  # in the order of the API
    ],
)
def test_the_account_is_asked_in_a_script_and_in_a_notebook(
    question: Question, answer: object, does_loop_run: bool, clock: "Clock"
) -> None:
    """The answer is the same where a loop is running, and whatever there is is told whole."""

    async def in_a_loop() -> Any:
        return question(client)

    with running(Simulator(balance=12.34, senders=["Shop", "Cafe"])) as url:
        client = client_of(url, clock)
        assert (asyncio.run(in_a_loop()) if does_loop_run else question(client)) == answer


@both
def test_a_refused_account_raises_what_the_client_raises(
    question: Question, clock: "Clock"
) -> None:
    """A wrong token is the client's own error, and no token stands in it."""
    with (
        running(Simulator(token="another-token")) as url,
        pytest.raises(AccountRefused) as raised,
    ):
        question(client_of(url, clock, token="a-wrong-token"))
    assert "a-wrong-token" not in str(raised.value)


@both
def test_a_gateway_without_the_question_does_not_tell(question: Question, clock: "Clock") -> None:
    """The quick start knows neither question: a 404 is an error of the API, and no crash."""

    class Bare(Simulator):
        def __init__(self) -> None:
            super().__init__()
            self._routes = {path: self._routes[path] for path in ("/", "/smsdetails")}

    with running(Bare()) as url, pytest.raises(GatewayError):
        question(client_of(url, clock))


@both
def test_an_answer_that_makes_no_sense_is_not_told(question: Question, clock: "Clock") -> None:
    """A balance that is no number and senders that are no list raise, and are nobody's guess."""

    class Odd(Simulator):
        async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
            reply = JSONResponse({"balance": "plenty", "senders": "Shop"})
            await reply(scope, receive, send)

    with (
        running(Odd()) as url,
        pytest.raises(OutcomeUnknown, match="The API does not tell the "),
    ):
        question(client_of(url, clock))


@both
def test_where_nobody_listens_it_never_left(question: Question, clock: "Clock") -> None:
    """An address without a gateway is the client's error about the way there."""
    with running(Simulator()) as url:
        pass
    with pytest.raises(NeverLeft):
        question(client_of(url, clock))


@both
def test_only_a_client_can_be_asked(question: Question) -> None:
    """Whatever is no client is refused with the two that there are."""
    with pytest.raises(InvalidArgument, match=r"Pass Client\(\) to send for real"):
        question("client")  # type: ignore[arg-type]
