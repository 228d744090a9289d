"""The commands that ask for the account."""

from typing import TYPE_CHECKING

from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Terminal


def test_the_balance_and_the_senders_are_told(terminal: "Terminal") -> None:
    """As a person reads them, and as one document each; money is a number."""
    simulator = Simulator(hash="h", token="t", balance=1234.5, senders=["Shop", "Cafe"])
    with running(simulator) as url:
        told = [
            terminal(command, *options, url=url)
            for command in ("balance", "senders")
            for options in ((), ("--json",))
        ]
    assert [ended.code for ended in told] == [0] * 4
    assert (told[0].out, told[2].out) == ("1,234.50 EUR\n", "Shop\nCafe\n")
    assert told[1].document == {
        "balance": 1234.5,
        "currency": "EUR",
        "stale": False,
        "rehearsal": False,
    }
    assert told[3].document == {"senders": ["Shop", "Cafe"], "rehearsal": False}


def test_those_of_the_simulator_are_no_account_of_anybody(terminal: "Terminal") -> None:
    """Every line says so."""
    assert terminal("balance", "--simulated").out == "[rehearsal] 1,000,000.00 EUR\n"
    assert terminal("senders", "--simulated").out == "[rehearsal] SMSPM.com\n"


def test_an_account_that_is_refused_is_one_sentence(terminal: "Terminal") -> None:
    """So is one of which no credentials are there; the option to rehearse is named."""
    with running(Simulator(hash="h", token="another")) as url:
        refused = terminal("balance", url=url)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("Error: SMSPM refused the credentials: ")
    missing = terminal("senders")
    assert missing.code == 1
    assert missing.err.endswith("or rehearse without any: --simulated.\n")
