"""A person is warned before the first message leaves, in a script, a notebook and the terminal."""

import asyncio
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.campaign.forewarning import demand_of, forewarned
from smspm_campaigns.delivery.ledger import Ledger, read
from smspm_campaigns.exceptions import AccountRefused
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Clock
    from starlette.types import Receive, Scope, Send

NUMBERS = [f"4670174{n:04}" for n in range(605, 613)]
TEXTS = ["Hi A!", "Hi B!", "Hi A!", "Hi C!", "Hi B!", "Hi A!", "Hi D!", "Hi D!"]
SENDERS = ["Shop", None, "Shop", "Cafe", " ", "Shop", "SMSPM.com", "Cafe"]
COSTS = [0.1, 0.2, 0.3, None, 0.5, 0.6, 0.7, 0.8]
SENDER_TOLD = (
    "Of the senders, SMSPM does not name 'Shop' (8 rows; did you mean 'shop'?) as approved. It "
    "names 'SMSPM.com' and 'shop'. A sender that is not approved is refused, and the run stops "
    "there."
)
BALANCE_TOLD = (
    "The balance is 0.30 EUR, and what may be sent is expected to cost 0.40 EUR. Top up your "
    "account, or send less with a limit: where the balance ends, the run stops."
)


class Listening(Simulator):
    """Notes every request, and what had been warned of by then."""

    def __init__(self, warned: list[warnings.WarningMessage], **behaviour: Any) -> None:
        super().__init__(**behaviour)
        self.heard: list[tuple[str, int]] = []
        self._warned = warned

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        self.heard.append((scope["path"], len(self._warned)))
        await super().__call__(scope, receive, send)


def frame_of(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"sms_to": NUMBERS, "sms_text": TEXTS, **columns})


def client_of(url: str, clock: "Clock") -> smspm.Client:
    return smspm.Client("simulated-hash", "simulated-token", base_url=url, clock=clock)


@pytest.mark.parametrize("does_loop_run", [False, True])
def test_a_person_is_warned_at_their_line_before_anything_is_sent(
    does_loop_run: bool, tmp_path: Path, clock: "Clock"
) -> None:
    """Both are asked once, then said, and only then the first message leaves."""
    campaign = smspm.Campaign.create(
        "spring", frame_of(sms_cost=0.05), sender="Shop", ledger=tmp_path / "ledger"
    )
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        gateway = Listening(warned, senders=["shop"], balance=0.3)
        with running(gateway) as url:

            def send() -> None:
                campaign.send(client_of(url, clock))

            async def send_from_a_loop() -> None:
                send()

            with pytest.raises(AccountRefused):
                asyncio.run(send_from_a_loop()) if does_loop_run else send()
    assert [str(warning.message) for warning in warned] == [SENDER_TOLD, BALANCE_TOLD]
    assert {(warning.category, warning.filename) for warning in warned} == {
        (smspm.SmspmWarning, __file__)
    }
    assert sorted(gateway.heard) == [("/", 2), ("/balance", 0), ("/sender-ids", 0)]
    assert clock.passed == pytest.approx(1.2)  # both took turns, as any request


def test_a_rehearsal_says_so_too(tmp_path: Path, clock: "Clock") -> None:
    """A sender that the simulator does not know is told before it refuses it."""
    campaign = smspm.Campaign.create("spring", frame_of(), sender="Shop", ledger=tmp_path / "l")
    with (
        pytest.warns(smspm.SmspmWarning, match=r"does not name 'Shop' \(8 rows\) as approved"),
        pytest.raises(AccountRefused),
    ):
        campaign.send(smspm.Client.simulated(clock=clock))
    assert campaign.send(smspm.Client.simulated(clock=clock, senders=["Shop"]))["queued"] == 8


def test_an_account_that_tells_nothing_changes_nothing(tmp_path: Path, clock: "Clock") -> None:
    """A gateway without both questions takes what is sent as if they had never been asked."""

    class Bare(Simulator):
        def __init__(self) -> None:
            super().__init__()
            self._routes = {path: self._routes[path] for path in ("/", "/smsdetails")}

    campaign = smspm.Campaign.create(
        "spring", frame_of(), sender="SMSPM.com", ledger=tmp_path / "l"
    )
    with running(Bare()) as url:
        assert campaign.send(client_of(url, clock))["queued"] == 8


def test_where_nothing_is_to_be_sent_nothing_is_asked(tmp_path: Path, clock: "Clock") -> None:
    """A second run, or a limit that is reached, makes no request at all."""
    campaign = smspm.Campaign.create(
        "spring", frame_of(), sender="SMSPM.com", ledger=tmp_path / "l"
    )
    with running(Listening([])) as url:
        campaign.send(client_of(url, clock), limit=8)
    silent = Listening([])
    with running(silent, port=int(url.rpartition(":")[2])):
        campaign.send(client_of(url, clock))
        campaign.send(client_of(url, clock), limit=3)
    assert silent.heard == []


def test_who_was_warned_is_not_asked_about_again(tmp_path: Path, clock: "Clock") -> None:
    """A face that asked before its question lets the run begin at once."""
    campaign = smspm.Campaign.create(
        "spring", frame_of(), sender="SMSPM.com", ledger=tmp_path / "l"
    )
    gateway = Listening([])
    with running(gateway) as url, forewarned():
        campaign.send(client_of(url, clock), limit=1)
    assert gateway.heard == [("/", 0)]


@pytest.mark.parametrize(
    ("limit", "senders", "cost", "unpriced"),
    [
        (None, {"Cafe": 2, "Main": 2, "SMSPM.com": 1, "Shop": 3}, 3.2, 1),
        (99, {"Cafe": 2, "Main": 2, "SMSPM.com": 1, "Shop": 3}, 3.2, 1),
        (6, {"Cafe": 1, "Main": 2, "Shop": 3}, 1.7, 1),  # in the order of sending, not of the rows
        (5, {"Main": 2, "Shop": 3}, 1.7, 0),
        (2, {"Shop": 2}, 0.4, 0),
        (0, {}, 0.0, 0),
    ],
)
def test_what_a_run_may_take_is_the_same_before_and_after_create(
    limit: int | None, senders: dict[str, int], cost: float, unpriced: int, tmp_path: Path
) -> None:
    """Rows with a problem take no part, a limit counts in the order of sending."""
    problems = pd.Series([*[None] * 8, "duplicate"], dtype="str")
    frame = frame_of(sms_sender=SENDERS, sms_cost=COSTS)
    frame.loc[8] = frame.loc[0]
    frame["sms_problem"] = problems
    expected = read.Demand(senders, round(cost * 10**9), unpriced)
    assert demand_of(frame, sender="Main", limit=limit) == expected
    campaign = smspm.Campaign.create("spring", frame, sender="Main", ledger=tmp_path / "ledger")
    with Ledger.open(campaign.path) as ledger:
        campaign_id = read.find_campaign(ledger, "spring").id
        assert read.demand(ledger, campaign_id, limit) == expected


def test_what_was_taken_counts_for_a_limit(tmp_path: Path, clock: "Clock") -> None:
    """The demand is what is left, and what is left of the limit."""
    campaign = smspm.Campaign.create(
        "spring", frame_of(sms_cost=COSTS), sender="SMSPM.com", ledger=tmp_path / "ledger"
    )
    with warnings.catch_warnings(action="ignore"):
        campaign.send(smspm.Client.simulated(clock=clock), limit=3)  # those with Hi A!
    with Ledger.open(campaign.path) as ledger:
        campaign_id = read.find_campaign(ledger, "spring").id
        told = [read.demand(ledger, campaign_id, limit) for limit in (None, 5, 3, 1)]
    nothing = read.Demand({}, 0, 0)
    assert told == [
        read.Demand({"SMSPM.com": 5}, 2_200_000_000, 1),
        read.Demand({"SMSPM.com": 2}, 700_000_000, 0),
        *[nothing] * 2,
    ]


def test_a_frame_without_our_columns_has_a_demand_all_the_same() -> None:
    """Prices that were read back as text count, and what is no price is none."""
    assert demand_of(frame_of(), sender=None, limit=None) == read.Demand({}, 0, 8)
    texts = frame_of(sms_cost=["0.25", "", "soon", *["0.05"] * 5])
    assert demand_of(texts, sender="Shop", limit=None) == read.Demand({"Shop": 8}, 500_000_000, 2)
