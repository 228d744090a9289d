"""A test to a number of one's own: one request, written down apart, counted nowhere."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.campaign.trial import Trial
from smspm_campaigns.delivery.ledger import Ledger
from smspm_campaigns.exceptions import (
    AccountRefused,
    BudgetExceeded,
    InvalidArgument,
    LedgerError,
    NeverLeft,
    NumberRefused,
    OutcomeUnknown,
    RateLimited,
)
from smspm_campaigns.gateway.simulator import Simulator, running
from smspm_campaigns.gateway.simulator.faults import Fault
from smspm_campaigns.vocabulary import Status

if TYPE_CHECKING:
    from conftest import Clock

OWN = "+49 171 3920012"
Made = Callable[..., smspm.Campaign]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Make a campaign of four rows: one without a number, one with a long text, one without any."""

    def make(**changed: Any) -> smspm.Campaign:
        frame = pd.DataFrame(
            {
                "name": ["Anna", "Bo", "Cia " * 50, None],
                "phone": ["", "070-174 06 06", "070-174 06 07", "070-174 06 08"],
            },
            index=["a", "b", "c", "46701740608"],
        )
        messages = (
            frame.pipe(smspm.normalize_numbers, region="SE")
            .pipe(smspm.render_messages, "Hi {{ name }}! STOP: 1234")
            .assign(**changed)
        )
        return smspm.Campaign.create(
            "spring", messages, sender="SMSPM.com", ledger=tmp_path / "ledger.sqlite"
        )

    return make


def trials(campaign: smspm.Campaign) -> list[tuple[Any, ...]]:
    with Ledger.open(campaign.path) as ledger:
        return ledger.execute(
            "SELECT position, trial.gateway, trial.number, trial.status, message_id, word, error "
            "FROM trial JOIN recipient ON recipient.id = recipient_id ORDER BY trial.id"
        ).fetchall()


def dump(campaign: smspm.Campaign) -> str:
    with Ledger.open(campaign.path) as ledger:
        return "\n".join(ledger._connection.iterdump())


def test_a_test_is_one_request_with_a_text_of_the_campaign(made: Made, clock: "Clock") -> None:
    """By default that of the first row that will be sent, from its sender, to one's own number."""
    campaign, client = made(), smspm.Client.simulated(clock=clock)
    test = campaign.send_test(client, OWN)
    [entry] = client.simulator.accepted
    assert (entry["toNumber"], entry["text"]) == ("491713920012", "Hi Bo! STOP: 1234")
    assert client.simulator.requests == 1
    assert test == Trial(Status.QUEUED, entry["id"], 1, "4917******12", is_rehearsal=True)
    assert repr(test) == (f"Trial(queued: 1 segment to 4917******12, id {entry['id']}; rehearsal)")
    assert trials(campaign) == [
        (1, "simulated", "4917******12", "queued", entry["id"], "Added to queue", None)
    ]


def test_a_test_counts_nowhere(made: Made, clock: "Clock") -> None:
    """Neither rows nor limit, budget, report or history know of it; the plan is sent as it was."""
    campaign, client = made(sms_cost=0.05), smspm.Client.simulated(clock=clock)
    before = campaign.report()
    for _ in range(3):
        campaign.send_test(client, "46701740606")  # even when it is the number of a row
    pd.testing.assert_frame_equal(campaign.report(), before)
    assert (campaign.taken, len(campaign.history())) == (0, 0)
    with pytest.raises(BudgetExceeded):
        campaign.send(client, max_cost=0.09)
    counts = campaign.send(client, limit=2, max_cost=0.10)
    assert counts["queued"] == 2
    assert len(client.simulator.accepted) == 5


def test_a_test_binds_the_campaign_to_nothing(made: Made, clock: "Clock") -> None:
    """Tested for real, it can be rehearsed; rehearsed, it can be tested for real."""
    campaign = made()
    with running(Simulator(hash="h", token="t")) as url:
        real = smspm.Client("h", "t", base_url=url)
        assert not campaign.send_test(real, OWN).is_rehearsal
        assert not campaign.is_rehearsal
        campaign.send(smspm.Client.simulated(clock=clock))
        assert campaign.is_rehearsal
        campaign.send_test(real, OWN)
    gateways = [gateway for _, gateway, *_ in trials(campaign)]
    assert gateways[0] == gateways[1] != "simulated"
    assert campaign.is_rehearsal


@pytest.mark.parametrize(
    ("row", "segments"), [("a", 1), ("b", 1), ("c", 2)], ids=["excluded", "first", "long"]
)
def test_any_row_with_a_text_can_be_tested(
    row: str, segments: int, made: Made, clock: "Clock"
) -> None:
    """Also one that will not be sent itself, for want of a number."""
    campaign, client = made(), smspm.Client.simulated(clock=clock)
    assert campaign.send_test(client, OWN, row=row).segments == segments
    [entry] = client.simulator.accepted
    assert entry["text"] == campaign.report().loc[row, "sms_text"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x", "No row has the index label x"),
        (46701740606, r"No row has the index label 4670\*+06"),
        ("46701740608", r"Row 4670\*+08 has no text to send\. Name another row\."),
        (["a"], "No row has the index label"),
    ],
)
def test_a_row_that_cannot_be_tested_is_named(
    row: Any, words: str, made: Made, clock: "Clock"
) -> None:
    """Masked where it looks like a number; nothing is sent."""
    campaign, client = made(), smspm.Client.simulated(clock=clock)
    with pytest.raises(InvalidArgument, match=words):
        campaign.send_test(client, OWN, row=row)
    assert client.simulator.requests == 0
    assert trials(campaign) == []


def test_a_text_that_no_phone_can_show_is_not_tested(made: Made, clock: "Clock") -> None:
    """Its row is excluded for it, and stands in the ledger with it."""
    texts = ["Hi", "Hi", "Hi \x00", "Hi"]
    problems = ["missing_number", None, "unsendable_text", "missing_value"]
    campaign = made(sms_text=texts, sms_problem=problems, sms_problems=problems)
    client = smspm.Client.simulated(clock=clock)
    with pytest.raises(InvalidArgument, match=r"Row c has no text to send"):
        campaign.send_test(client, OWN, row="c")
    assert client.simulator.requests == 0


@pytest.mark.parametrize("to", [OWN, "491713920012", "0049 (171) 39200-12", 491713920012])
def test_one_s_own_number_is_read_in_any_spelling(to: Any, made: Made, clock: "Clock") -> None:
    """With a plus or with the country code, as text or as a number."""
    client = smspm.Client.simulated(clock=clock)
    made().send_test(client, to)
    assert [entry["toNumber"] for entry in client.simulator.accepted] == ["491713920012"]


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("0171 3920012", "A test cannot go there"),  # of which country?
        ("call me", "A test cannot go there"),
        ("", "A test cannot go there. No number"),
        ("+49 171 39200129999999", r"A test cannot go there\. [^0-9]*4917\*+99"),
        ("4.91714E+11", "A test cannot go there. Damaged number"),
        (None, "A test goes to one number of your own, .* not to NoneType"),
        ([OWN], "A test goes to one number of your own, .* not to list"),
    ],
)
def test_what_is_no_number_is_refused(to: Any, words: str, made: Made, clock: "Clock") -> None:
    """With a sentence that shows how a number is written, and masks what was given."""
    campaign, client = made(), smspm.Client.simulated(clock=clock)
    with pytest.raises(InvalidArgument, match=words) as told:
        campaign.send_test(client, to)
    assert "'+49 171 3920012'" in str(told.value)
    assert client.simulator.requests == 0


@pytest.mark.parametrize(
    ("behaviour", "error", "status"),
    [
        ({"faults": {0: "close"}}, OutcomeUnknown, "unknown"),
        ({"faults": {0: "503"}}, OutcomeUnknown, "unknown"),
        ({"faults": {0: "html"}}, OutcomeUnknown, "unknown"),
        ({"faults": {0: "429"}}, RateLimited, "not_taken"),
        ({"balance": 0.0}, AccountRefused, "not_taken"),
    ],
)
def test_an_error_of_the_gateway_is_raised_and_nothing_is_repeated(
    behaviour: dict[str, Any], error: type[Exception], status: str, made: Made, clock: "Clock"
) -> None:
    """As the client raises it; what it proves is written down, and the plan is untouched."""
    campaign, client = made(), smspm.Client.simulated(clock=clock, **behaviour)
    with pytest.raises(error):
        campaign.send_test(client, OWN)
    assert client.simulator.requests == 1
    [(_, _, _, found, message_id, _, told)] = trials(campaign)
    assert (found, message_id) == (status, None)
    assert told
    assert campaign.counts()["planned"] == 2


def test_a_test_that_is_told_to_wait_lets_everybody_wait(made: Made, clock: "Clock") -> None:
    """The next request of the account is not before the time that was told."""
    client = smspm.Client.simulated(clock=clock, faults={0: Fault("429", retry_after=60)})
    with pytest.raises(RateLimited):
        made().send_test(client, OWN)
    assert 60 <= client.pace.take() < 61


def test_a_port_nobody_listens_on_is_told_as_such(made: Made) -> None:
    """Not a byte left."""
    campaign = made()
    with pytest.raises(NeverLeft):
        campaign.send_test(smspm.Client("h", "t", base_url="http://127.0.0.1:9"), OWN)
    assert [row[3] for row in trials(campaign)] == ["not_taken"]


def test_an_answer_that_proves_nothing_says_so(made: Made, clock: "Clock") -> None:
    """It is unknown, in the value and in its words."""
    campaign, client = made(), smspm.Client.simulated(clock=clock, faults={0: "no_id"})
    test = campaign.send_test(client, OWN)
    assert (test.status, test.id) == (Status.UNKNOWN, None)
    assert repr(test).startswith("Trial(unknown, it may have been sent: 1 segment to 4917")
    assert [row[3] for row in trials(campaign)] == ["unknown"]


def test_a_test_is_on_disk_before_it_leaves(made: Made, clock: "Clock") -> None:
    """When that fails, nothing is sent; when the program dies, there is still a trace."""
    campaign = made()
    seen: list[list[tuple[Any, ...]]] = []
    client = smspm.Client.simulated(clock=clock, faults=lambda *_: seen.append(trials(campaign)))
    campaign.send_test(client, OWN)
    assert [[row[3] for row in rows] for rows in seen] == [["sending"]]
    with Ledger.open(campaign.path) as ledger:
        ledger.execute(
            "CREATE TRIGGER full BEFORE INSERT ON trial BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(LedgerError, match="full"):
        campaign.send_test(client, OWN)
    assert client.simulator.requests == 1


def test_what_became_of_a_test_is_written_down_as_soon_as_it_can_be(
    made: Made, clock: "Clock"
) -> None:
    """It is told only once; when it can never be written, the person hears that it was made."""
    campaign = made()
    client = smspm.Client.simulated(clock=clock)
    with Ledger.open(campaign.path) as ledger:
        full = "BEFORE UPDATE ON trial BEGIN SELECT RAISE(ABORT, 'full'); END"
        ledger.execute(f"CREATE TRIGGER full {full}")
        with pytest.raises(LedgerError) as caught:
            campaign.send_test(client, OWN)
        start = "The test was made (queued), and that could not be written down. The ledger at "
        assert str(caught.value).startswith(start)
        assert [row[3] for row in trials(campaign)] == ["sending"]
        assert clock.passed == pytest.approx(57.6)

        passed: list[float] = []

        async def mend(seconds: float) -> None:
            passed.append(seconds)
            if seconds == 0.5:
                with Ledger.open(campaign.path) as another:
                    another.execute("DROP TRIGGER full")

        clock.sleep = mend  # type: ignore[method-assign]
        assert campaign.send_test(client, OWN).status is Status.QUEUED
        assert passed[-2:] == [0.1, 0.5]
    assert [row[3] for row in trials(campaign)] == ["sending", "queued"]
    assert client.simulator.requests == 2


def test_the_ledger_keeps_no_number_of_one_s_own(made: Made, clock: "Clock") -> None:
    """Nothing is ever matched with it: what is kept is enough to recognise it."""
    campaign = made()
    campaign.send_test(smspm.Client.simulated(clock=clock), OWN)
    campaign.send_test(smspm.Client.simulated(clock=clock, faults={0: "reformatted"}), OWN)
    echo = {0: Fault("400", error="Invalid phone number: 491713920012")}
    with pytest.raises(NumberRefused):
        campaign.send_test(smspm.Client.simulated(clock=clock, faults=echo), OWN)
    assert [row[3] for row in trials(campaign)] == ["queued", "queued", "refused"]
    text = re.sub(r"\D", "", dump(campaign))
    assert "491713920012" not in text
    assert "3920012" not in text


@pytest.mark.parametrize("client", [None, smspm.Client, "https://api.smspm.com"])
def test_what_is_no_client_is_told(client: Any, made: Made) -> None:
    """The sentence says which calls make one."""
    with pytest.raises(InvalidArgument, match=r"Pass Client\(\) to send for real"):
        made().send_test(client, OWN)
