"""Campaign: a frozen plan, what was sent of it, and what became of every row."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import smspm_campaigns as smspm
from smspm_campaigns.campaign.running import CampaignRun
from smspm_campaigns.clock import Clock
from smspm_campaigns.exceptions import (
    AccountRefused,
    BudgetExceeded,
    CampaignConflict,
    CampaignNotFound,
    ColumnNotFound,
    GatewayMismatch,
    InvalidArgument,
    LedgerError,
)
from smspm_campaigns.gateway.simulator import Simulator, running
from smspm_campaigns.reporting import tables
from smspm_campaigns.vocabulary import COLUMNS, Status

SAMPLES = Path(__file__).parents[1] / "sample_data"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def messages() -> pd.DataFrame:
    """Four rows with an index of their own: two to send, one blank, one duplicate."""
    people = pd.DataFrame(
        {
            "name": ["Anna", "Bo", "Cia", "Dan"],
            "phone": ["070-174 06 05", "070-174 06 06", "", "+46 70 174 06 06"],
            "points": pd.array([1, None, 3, 4], dtype="Int64"),
            "shop": pd.Categorical(["Riga", "Oslo", "Oslo", "Riga"]),
        },
        index=pd.Index(["a", "b", "b", "d"], name="key"),
    )
    return (
        people.pipe(smspm.normalize_numbers, region="SE")
        .pipe(smspm.mark_duplicates)
        .pipe(smspm.render_messages, "Hi {{ name }}! STOP: 1234")
        .pipe(smspm.estimate_costs, {"SE": 0.05})
    )


def counted(campaign: smspm.Campaign) -> dict[Any, int]:
    counts = campaign.counts()
    return counts[counts > 0].to_dict()


def test_a_sample_campaign_is_accounted_for_at_every_step(ledger: Path, clock: Clock) -> None:
    """The counts add up to the rows at each step, and the simulator's log is the ledger's."""
    with pytest.warns(smspm.SmspmWarning, match=r"1 hidden row \(row 214\)"):
        people = smspm.read_contacts(SAMPLES / "spring_sale.xlsx")
    messages = (
        people.pipe(smspm.normalize_numbers, region="country", mobile_only=True)
        .pipe(smspm.mark_duplicates)
        .pipe(smspm.mark_suppressed, SAMPLES / "opted_out.csv")
        .pipe(smspm.render_messages, SAMPLES / "spring_sale.txt")
        .pipe(smspm.estimate_costs, SAMPLES / "prices.csv")
    )
    planned = int(messages["sms_problem"].isna().sum())
    client = smspm.Client.simulated(clock=clock, failure_rate=0.03)
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    assert counted(campaign) == {"excluded": len(people) - planned, "planned": planned}
    for limit in (0, 1, 100, 150, None):
        counts = campaign.send(client, limit=limit)
        taken = planned if limit is None else limit
        assert counts.sum() == len(people)
        assert counts["queued"] == taken == len(client.simulator.accepted)
    counts = campaign.track(client)
    assert counts.sum() == len(people)
    assert counts["delivered"] + counts["failed"] == planned
    report = campaign.report()
    sent = report[report["sms_id"].notna()]
    assert sorted(zip(sent["sms_id"], sent["sms_to"], sent["sms_text"], strict=True)) == sorted(
        (entry["id"], entry["toNumber"], entry["text"]) for entry in client.simulator.accepted
    )
    assert sorted(sent["sms_to"]) == sorted(messages.loc[messages["sms_problem"].isna(), "sms_to"])


def test_the_preview_counts_the_requests_that_are_made(ledger: Path, clock: Clock) -> None:
    """Rows with one text share requests of up to 100, and no request is made in vain."""
    numbers = pd.DataFrame({"phone": [f"+1212555{n:04}" for n in range(100, 200)]})
    more = pd.DataFrame({"phone": [f"+1312555{n:04}" for n in range(100, 150)]})
    frame = pd.concat([numbers, more], ignore_index=True).assign(name=["Ana", "Bo", "Cy"] * 50)
    for template, requests in (("Hi! STOP", 2), ("Hi {{ name }}! STOP", 3)):
        messages = frame.pipe(smspm.normalize_numbers).pipe(smspm.render_messages, template)
        client = smspm.Client.simulated(clock=clock)
        campaign = smspm.Campaign.create(template, messages, sender="SMSPM.com", ledger=ledger)
        campaign.send(client)
        assert smspm.preview(messages).requests == client.simulator.requests == requests


def test_the_report_is_the_frame_one_began_with_and_what_became_of_it(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """Own columns come back in order, index and dtypes; then all sms_ columns, typed."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    client = smspm.Client.simulated(clock=clock)
    campaign.send(client)
    campaign.track(client)
    report = campaign.report()
    own = ["name", "phone", "points", "shop"]
    assert_frame_equal(report[own], messages[own])
    assert list(report.columns) == [*own, *COLUMNS]
    helped = [name for name in messages.columns if name not in own]
    assert_frame_equal(report[helped], messages[helped])
    assert list(report["sms_status"]) == ["delivered", "delivered", "excluded", "excluded"]
    assert list(report["sms_price"][:2]) == [0.055, 0.055]
    assert list(report["sms_carrier"][:2]) == ["Simulated Carrier SE"] * 2
    types = report.dtypes.astype(str).to_dict()
    assert {types[name] for name in ("sms_id", "sms_status", "sms_error", "sms_carrier")} == {"str"}
    assert types["sms_price"] == "float64"
    assert {types["sms_sent_at"], types["sms_updated_at"]} == {"datetime64[us, UTC]"}


def test_creating_twice_sends_nothing_twice(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """The same name with the same plan is the same campaign, wherever the frame was made."""
    client = smspm.Client.simulated(clock=clock)
    for _ in range(2):
        again = messages.sample(frac=1, random_state=1)  # an order of rows is no other plan
        campaign = smspm.Campaign.create("spring", again, sender="SMSPM.com", ledger=ledger)
        campaign.send(client)
    assert len(client.simulator.accepted) == 2


def test_a_name_with_another_plan_is_a_conflict(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """The sentence says what differs, how much was taken, and how to go on."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    campaign.send(smspm.Client.simulated(clock=clock), limit=1)
    other = smspm.render_messages(messages, "Hello {{ name }}! STOP: 1234")
    with pytest.raises(CampaignConflict) as told:
        smspm.Campaign.create("spring", other, sender="SMSPM.com", ledger=ledger)
    assert str(told.value) == (
        "There is a campaign 'spring' with another plan: 2 of its messages are not in this frame, "
        "2 of this frame not in it, and 1 of it were already taken. "
        "Campaign.open('spring').send(…) goes on with the frozen plan; another name makes a new "
        "campaign."
    )


def test_a_report_can_be_fed_back(ledger: Path, messages: pd.DataFrame) -> None:
    """The outcome columns of a report are no part of a plan."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    again = smspm.Campaign.create("spring", campaign.report(), ledger=ledger)
    assert_frame_equal(again.report(), campaign.report())


def test_a_real_message_is_not_repeated_by_another_campaign(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """A pair of number and text that was taken for real is refused; a rehearsal does not count."""
    smspm.Campaign.create("rehearsal", messages, sender="SMSPM.com", ledger=ledger).send(
        smspm.Client.simulated(clock=clock)
    )
    first = smspm.Campaign.create("first", messages, sender="SMSPM.com", ledger=ledger)
    rehearsed = smspm.Client.simulated(clock=clock)
    rehearsed.simulator, simulator = None, rehearsed.simulator  # a gateway that counts as real
    first.send(rehearsed)
    assert len(simulator.accepted) == 2
    with pytest.raises(CampaignConflict, match="2 messages of 'second' were already taken by"):
        smspm.Campaign.create("second", messages, sender="SMSPM.com", ledger=ledger)
    with pytest.raises(CampaignNotFound):
        smspm.Campaign.open("second", ledger=ledger)
    smspm.Campaign.create("second", messages, sender="x", ledger=ledger, allow_repeat=True)


# --- calls that cannot be meant -----------------------------------------------------------------

NO_FRAME = "Expected a pandas DataFrame, got {}. Read your file with read_contacts(path) first."
NOTHING = "There is nothing to send: each of the {} rows has a problem. sms_detail says which."
NO_NUMBER = (
    "Row a has no number the API takes in sms_to: country code and digits, without plus. Run "
    "normalize_numbers."
)
NO_NUMBER_TEXT = (
    "Row a has '4670*****05' in sms_to; expected text of whole characters. Run normalize_numbers."
)
NO_TEXT = "Row a has no text to send in sms_text. Run render_messages."
NO_SENDER = (
    "Row a has no sender. Pass sender='SMSPM.com', which is approved by default, or an approved "
    "Sender ID of yours."
)
BAD_SENDER = (
    "{} cannot be a sender. It is a name of at most 11 letters, digits and signs such as "
    "'SMSPM.com', or a phone number."
)
BAD_NAME = "A campaign's name has 1 to 100 characters, not {!r}."
BAD_COST = (
    "Row a has {} in sms_cost; expected EUR from 0 to 1,000 as a number, or nothing. Run "
    "estimate_costs."
)
NO_PROBLEM = (
    "Row a has 'no' in sms_problem; expected a code of this package such as 'opted_out', or "
    "nothing. A reason of your own belongs in a column of yours."
)
FOREIGN = (
    "The column 'sms_note' begins with 'sms_', which is kept for the columns this package adds. "
    "Rename it."
)
SAME_NUMBER = (
    "Rows a and b have the same number (4670*****05). Run mark_duplicates first, or pass "
    "allow_repeat=True to text it for each of its rows."
)
NAME_IN_USE = (
    "There is a campaign 'in use' with another plan: 2 of its messages are not in this frame, 2 of "
    "this frame not in it, and 0 of it were already taken. Campaign.open('in use').send(…) goes on "
    "with the frozen plan; another name makes a new campaign."
)

NO_LEDGER = (
    "The ledger at {folder}/notes.txt is not a ledger, or a damaged one; name another file, "
    "or restore a backup (file is not a database)."
)

NO_PATH = "ledger is the path of a file, such as 'campaigns/ledger.sqlite', not {!r}."

#: What is wrong: the change to the frame or what stands in its place, the call, the error and its
#: sentence, in which {folder} is where the ledger is.
BAD_PLANS: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    # what is no frame
    "None": (None, {}, InvalidArgument, NO_FRAME.format("NoneType")),
    "a list": ([["46701740605", "Hi"]], {}, InvalidArgument, NO_FRAME.format("list")),
    "a Series": (pd.Series(["46701740605"]), {}, InvalidArgument, NO_FRAME.format("Series")),
    "a path": ("people.csv", {}, InvalidArgument, NO_FRAME.format("str")),
    # what has nothing to send
    "no rows": (slice(0), {}, InvalidArgument, "There is nothing to send: the frame has no rows."),
    "all excluded": ({"sms_problem": "opted_out"}, {}, InvalidArgument, NOTHING.format(4)),
    "a frame of nothing": (
        pd.DataFrame(),
        {},
        ColumnNotFound,
        "There is no column 'sms_to' yet: run normalize_numbers first.",
    ),
    "no number column": (
        ["sms_to"],
        {},
        ColumnNotFound,
        "There is no column 'sms_to' yet: run normalize_numbers first.",
    ),
    "no text column": (
        ["sms_text"],
        {},
        ColumnNotFound,
        "There is no column 'sms_text' yet: run render_messages first.",
    ),
    "a foreign column": ({"sms_note": "x"}, {}, InvalidArgument, FOREIGN),
    # cells
    "a plus": ({"sms_to": "+46701740605"}, {}, InvalidArgument, NO_NUMBER),
    "spaces": ({"sms_to": "4670 174 06 05"}, {}, InvalidArgument, NO_NUMBER),
    "a national number": ({"sms_to": "0701740605"}, {}, InvalidArgument, NO_NUMBER),
    "digits of another script": ({"sms_to": "٤٦٧٠١٧٤٠٦٠٥"}, {}, InvalidArgument, NO_NUMBER),
    "a line break": ({"sms_to": "46701740605\n"}, {}, InvalidArgument, NO_NUMBER),
    "16 digits": ({"sms_to": "4670174060501740"}, {}, InvalidArgument, NO_NUMBER),
    "no number": ({"sms_to": None}, {}, InvalidArgument, NO_NUMBER),
    "whole numbers": ({"sms_to": 46701740605}, {}, InvalidArgument, NO_NUMBER_TEXT),
    "decimal numbers": ({"sms_to": 46701740605.0}, {}, InvalidArgument, NO_NUMBER_TEXT),
    "one number twice": ({"sms_to": "46701740605"}, {}, CampaignConflict, SAME_NUMBER),
    "an empty text": ({"sms_text": ""}, {}, InvalidArgument, NO_TEXT),
    "a blank text": ({"sms_text": " \n"}, {}, InvalidArgument, NO_TEXT),
    "no text": ({"sms_text": None}, {}, InvalidArgument, NO_TEXT),
    "a text of NaN": ({"sms_text": float("nan")}, {}, InvalidArgument, NO_TEXT),
    "a text no SMS carries": ({"sms_text": "Hi\0"}, {}, InvalidArgument, NO_TEXT),
    "a number for a text": (
        {"sms_text": 5},
        {},
        InvalidArgument,
        "Row a has '5' in sms_text; expected text of whole characters. Run render_messages.",
    ),
    "a cost of text": ({"sms_cost": "0.05"}, {}, InvalidArgument, BAD_COST.format("'0.05'")),
    "a cost below 0": ({"sms_cost": -0.05}, {}, InvalidArgument, BAD_COST.format("'-0.05'")),
    "a problem of one's own": ({"sms_problem": "no"}, {}, InvalidArgument, NO_PROBLEM),
    # senders
    "no sender": ({}, {"sender": None}, InvalidArgument, NO_SENDER),
    "no sender in its row": ({"sms_sender": None}, {"sender": None}, InvalidArgument, NO_SENDER),
    **{
        f"the sender {sender!r}": (
            {},
            {"sender": sender},
            InvalidArgument,
            BAD_SENDER.format(shown),
        )
        for sender, shown in (
            ("SMSPM campaigns", "'SMSPM campaigns'"),
            ("", "''"),
            ("  ", "''"),
            ("Shop 🛍", "'Shop 🛍'"),
            ("Ülle", "'Ülle'"),
            ("!!", "'!!'"),
            ("12", "'12'"),
            (5, "'5'"),
        )
    },
    "a sender too long in its row": (
        {"sms_sender": "SMSPM campaigns"},
        {},
        InvalidArgument,
        "Row a: " + BAD_SENDER.format("'SMSPM campaigns'"),
    ),
    "a sender of no text in its row": (
        {"sms_sender": 5},
        {},
        InvalidArgument,
        "Row a has '5' in sms_sender; expected text of whole characters. Mend the cell.",
    ),
    # names
    **{
        f"the name {name!r:.9}": ({}, {"name": name}, InvalidArgument, BAD_NAME.format(name))
        for name in ("", " ", "x" * 101, "spring\nsale", "spring\0", None, 7, ["spring"])
    },
    "a name in use": ({}, {"name": "in use"}, CampaignConflict, NAME_IN_USE),
    # ledgers
    "a ledger that is a folder": (
        {},
        {"ledger": "{folder}"},
        LedgerError,
        "{folder} is a folder. A ledger is a file: name one inside it.",
    ),
    "a ledger in a folder that cannot be made": (
        {},
        {"ledger": "{folder}/notes.txt/ledger.sqlite"},
        LedgerError,
        "No folder for the ledger at {folder}/notes.txt: File exists.",
    ),
    "a ledger that is none": (
        {},
        {"ledger": "{folder}/notes.txt"},
        LedgerError,
        NO_LEDGER,
    ),
    **{
        f"the ledger {ledger!r}": ({}, {"ledger": ledger}, InvalidArgument, NO_PATH.format(ledger))
        for ledger in (5, "ledger\0", ["ledger"])
    },
}


def mended(frame: pd.DataFrame, change: Any) -> Any:
    """Return the frame with columns assigned, dropped or rows cut, or what stands in its place."""
    if isinstance(change, dict):
        return frame.assign(**change)
    if isinstance(change, slice):
        return frame[change]
    if isinstance(change, list) and all(name in frame.columns for name in map(str, change)):
        return frame.drop(columns=change)
    return change


def all_of(ledger: Path) -> tuple[list[str], list[int | None]]:
    """Return all that a ledger holds, and apart from it the most that each campaign may cost."""
    with closing(sqlite3.connect(ledger)) as connection:
        bounds = connection.execute("SELECT max_cost FROM campaign ORDER BY id").fetchall()
        connection.execute("UPDATE campaign SET max_cost = NULL")  # rolled back at the end
        return list(connection.iterdump()), [bound for (bound,) in bounds]


@pytest.mark.parametrize("wrong", BAD_PLANS)
def test_a_plan_that_cannot_be_meant_is_refused(
    wrong: str, ledger: Path, messages: pd.DataFrame
) -> None:
    """Each has a sentence, and no campaign, ledger or other file is made of it."""
    folder = ledger.parent
    (folder / "notes.txt").write_text("Nothing to do with it.")
    texts = messages.assign(sms_text="Another text. STOP: 1234")
    smspm.Campaign.create("in use", texts, sender="SMSPM.com", ledger=ledger)
    before = all_of(ledger), sorted(folder.rglob("*"))
    change, call, error, sentence = BAD_PLANS[wrong]
    arguments = {"name": "spring", "sender": "SMSPM.com", "ledger": str(ledger)} | call
    if isinstance(arguments["ledger"], str):
        arguments["ledger"] = arguments["ledger"].format(folder=folder)
    with pytest.raises(error) as told:
        smspm.Campaign.create(frame=mended(messages, change), **arguments)
    assert (type(told.value), str(told.value)) == (error, sentence.replace("{folder}", str(folder)))
    assert (all_of(ledger), sorted(folder.rglob("*"))) == before


BAD_LIMIT = "limit is the most rows to take in all, a whole number from 0, not {!r}."
BAD_BUDGET = "max_cost is an amount in EUR from 0, not {!r}."
TOO_DEAR = (
    "The campaign is expected to cost 0.10 EUR, and {} are allowed. Raise max_cost or leave rows "
    "out. Nothing was sent."
)
NO_CLIENT = (
    "Expected a client, got {!r}. Pass Client() to send for real, or Client.simulated() to "
    "rehearse."
)
NO_ADDRESS = (
    "report_url is an address that the API can call, such as 'https://example.com/sms/…'; got "
    "something else."
)
NO_PRICE = (
    "{} no price, so whether the plan fits into 100.00 EUR is not known. Nothing was sent. Run "
    "estimate_costs with a price for every country, and create the campaign again from that frame; "
    "or lift the bound: max_cost=float('inf')."
)
UNPRICED = {"sms_cost": [0.05, float("nan"), 0.05, 0.05]}

#: What is wrong: the change to the frame, the call of `send`, the error and its sentence.
BAD_SENDS: dict[str, tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = {
    **{
        f"limit {limit!r}": ({}, {"limit": limit}, InvalidArgument, BAD_LIMIT.format(limit))
        for limit in (-1, True, 1.5, 2.0, "10", float("nan"), [1])
    },
    **{
        f"max_cost {cost!r}": ({}, {"max_cost": cost}, InvalidArgument, BAD_BUDGET.format(cost))
        for cost in (-1, -0.01, float("nan"), float("-inf"), 1e300, "12,50", "5 EUR", True, [1])
    },
    **{
        f"max_cost {cost!r}": ({}, {"max_cost": cost}, BudgetExceeded, TOO_DEAR.format(shown))
        for cost, shown in (
            (0, "0.00"),
            (0.09, "0.09"),
            ("0.05", "0.05"),
            (Decimal("0.09"), "0.09"),
        )
    },
    "a row without price": (
        UNPRICED,
        {"max_cost": 100},
        BudgetExceeded,
        NO_PRICE.format("1 row has"),
    ),
    "no prices": (
        {"sms_cost": None},
        {"max_cost": 100},
        BudgetExceeded,
        NO_PRICE.format("2 rows have"),
    ),
    **{
        f"the client {client!r}": (
            {},
            {"client": client},
            InvalidArgument,
            NO_CLIENT.format(client),
        )
        for client in (None, smspm.Client, "https://api.smspm.com", 5)
    },
    "no client, and a budget": (
        {},
        {"client": None, "max_cost": 5},
        InvalidArgument,
        NO_CLIENT.format(None),
    ),
    # not repeated in the sentence: its path holds a secret
    **{
        f"report_url {url!r}": ({}, {"report_url": url}, InvalidArgument, NO_ADDRESS)
        for url in (
            "example.com/sms",
            "//example.com/sms",
            "nonsense",
            "ftp://x.test/",
            "https://",
            "http:///sms",
            "http://[",
            "https://example.com:99999/",
            "https://example com/",
            "https://example.com/\n",
            "",
            5,
        )
    },
}


@pytest.mark.parametrize("wrong", BAD_SENDS)
def test_a_send_that_cannot_be_meant_sends_nothing(
    wrong: str, ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """Each has a sentence; the gateway is not asked, and of a call only its budget is kept."""
    change, call, error, sentence = BAD_SENDS[wrong]
    client = smspm.Client.simulated(clock=clock)
    campaign = smspm.Campaign.create(
        "spring", messages.assign(**change), sender="SMSPM.com", ledger=ledger
    )
    dump, _ = all_of(ledger)
    with pytest.raises(error) as told:
        campaign.send(**({"client": client} | call))
    assert (type(told.value), str(told.value)) == (error, sentence)
    assert client.simulator.requests == 0
    bound = Decimal(str(call["max_cost"])) * 10**9 if error is BudgetExceeded else None
    assert all_of(ledger) == (dump, [bound])


def test_a_column_the_ledger_cannot_keep_is_named(ledger: Path, messages: pd.DataFrame) -> None:
    """What JSON cannot hold is refused before anything is written."""
    frame = messages.assign(tags=np.array([["a"], [], [1j], None], dtype=object))
    with pytest.raises(InvalidArgument, match="The column 'tags' holds a value of type complex"):
        smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=ledger)
    assert not ledger.exists()


def test_a_budget_is_kept_with_the_campaign(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """Two messages of 0.05 EUR fit into 0.10 EUR and not into less, now and later."""
    client = smspm.Client.simulated(clock=clock)
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    with pytest.raises(BudgetExceeded, match=r"expected to cost 0\.10 EUR, and 0\.09"):
        campaign.send(client, max_cost=0.09)
    with pytest.raises(BudgetExceeded):
        smspm.Campaign.open("spring", ledger=ledger).send(client)
    assert client.simulator.accepted == []
    assert campaign.send(client, max_cost=0.10)["queued"] == 2


def test_a_campaign_without_prices_has_two_ways_out_of_a_budget(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """It learns the prices of the same plan, also after a part was sent, or the bound is lifted."""
    client = smspm.Client.simulated(clock=clock)
    bare = messages.drop(columns="sms_cost")
    for name, frame, bound in (("bound", bare, float("inf")), ("prices", messages, 0.10)):
        campaign = smspm.Campaign.create(
            name, bare, sender="SMSPM.com", ledger=ledger, allow_repeat=True
        )
        campaign.send(client, limit=1)
        with pytest.raises(BudgetExceeded, match="2 rows have no price"):
            campaign.send(client, max_cost=0.05)
        smspm.Campaign.create(name, frame, sender="SMSPM.com", ledger=ledger)
        assert counted(campaign) == {"excluded": 2, "planned": 1, "queued": 1}
        if name == "prices":
            with pytest.raises(BudgetExceeded, match=r"expected to cost 0\.10 EUR, and 0\.05"):
                campaign.send(client)
        assert campaign.send(client, max_cost=bound)["queued"] == 2


def test_a_campaign_that_is_reopened_may_learn_to_repeat(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """What the error says to pass is understood."""
    client = smspm.Client.simulated(clock=clock)
    client.simulator, simulator = None, client.simulator  # a gateway that counts as real
    one, two = (
        smspm.Campaign.create(name, messages, sender="SMSPM.com", ledger=ledger)
        for name in ("one", "two")
    )
    one.send(client)
    with pytest.raises(CampaignConflict, match="or pass allow_repeat=True"):
        two.send(client)
    smspm.Campaign.create("two", messages, sender="SMSPM.com", ledger=ledger, allow_repeat=True)
    assert two.send(client)["queued"] == 2
    assert len(simulator.accepted) == 4


def test_a_campaign_stays_with_its_account(ledger: Path, messages: pd.DataFrame) -> None:
    """A wrong hash binds nothing; once something was sent, only the same account goes on."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    with running(Simulator(hash="one", token="token")) as url:
        with pytest.raises(AccountRefused, match="Check SMSPM_HASH and SMSPM_TOKEN"):
            campaign.send(smspm.Client("typo", "token", base_url=url))
        campaign.track(smspm.Client.simulated())  # asks about nothing, and binds nothing
        campaign.send(smspm.Client("one", "token", base_url=url), limit=1)
        campaign.send(smspm.Client("one", "another token", base_url=url), limit=1)
        for client in (
            smspm.Client("two", "token", base_url=url),
            smspm.Client("one", "token", base_url="http://127.0.0.1:10"),
            smspm.Client.simulated(),
        ):
            with pytest.raises(GatewayMismatch, match=rf"'spring' belongs to {url} account"):
                campaign.send(client)
    assert counted(campaign) == {"excluded": 2, "planned": 1, "queued": 1}


def test_opening_never_makes_a_ledger(ledger: Path, messages: pd.DataFrame) -> None:
    """A campaign that is not there is told with those that are."""
    with pytest.raises(LedgerError, match="There is no ledger at"):
        smspm.Campaign.open("spring", ledger=ledger)
    with pytest.raises(LedgerError, match="There is no ledger at"):
        smspm.list_campaigns(ledger=ledger)
    assert not ledger.exists()
    smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    with pytest.raises(CampaignNotFound, match=r"No campaign 'autumn' .* It has: spring\."):
        smspm.Campaign.open("autumn", ledger=ledger)


def test_the_path_of_a_new_ledger_is_told_once(
    ledger: Path, messages: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the ledger is, is said when it is made."""
    for _ in range(2):
        smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    assert capsys.readouterr().err == f"A new ledger was made at {ledger}.\n"


def test_campaigns_are_listed_with_what_became_of_them(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """The newest is first; a rehearsal says so."""
    smspm.Campaign.create("one", messages, sender="SMSPM.com", ledger=ledger)
    two = smspm.Campaign.create("two", messages, sender="SMSPM.com", ledger=ledger)
    two.send(smspm.Client.simulated(clock=clock))
    listed = smspm.list_campaigns(ledger=ledger)
    assert list(listed.index) == ["two", "one"]
    assert list(listed["gateway"].fillna("")) == ["simulated", ""]
    assert list(listed["queued"]) == [2, 0]
    assert list(listed.columns) == ["created_at", "gateway", *map(str, Status)]
    assert repr(two) == "Campaign('two': 2 excluded, 2 queued; rehearsal)"


def test_unknown_rows_are_warned_of_and_never_sent_again(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """A lost reply leaves its row unknown; a later run leaves it alone."""
    client = smspm.Client.simulated(clock=clock, faults={0: "close"})
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    for _ in range(2):
        with pytest.warns(smspm.SmspmWarning, match="Of 1 rows it is not known whether"):
            campaign.send(client)
        assert counted(campaign) == {"excluded": 2, "queued": 1, "unknown": 1}
    assert len(client.simulator.accepted) == 2


def test_open_messages_are_told_when_the_time_is_over(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """Tracking returns in time, says what is open, and goes on when it is called again."""
    client = smspm.Client.simulated(clock=clock, submit_after=60, final_after=3600)
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    campaign.send(client)
    with pytest.warns(smspm.SmspmWarning, match="2 messages have no final status yet"):
        campaign.track(client)
    assert counted(campaign) == {"excluded": 2, "submitted": 2}
    campaign.track(client, timeout="3h")
    assert counted(campaign) == {"excluded": 2, "delivered": 2}


@pytest.mark.parametrize("span", ["soon", "-1h", "NaT", "20", 600, None])
def test_a_time_that_cannot_be_meant_is_refused(
    span: Any, ledger: Path, messages: pd.DataFrame
) -> None:
    """Times are such as '10min'."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    with pytest.raises(InvalidArgument, match="timeout is a time such as '10min'"):
        campaign.track(smspm.Client.simulated(), timeout=span)


@pytest.mark.parametrize("client", [None, smspm.Client, "https://api.smspm.com"])
def test_what_is_no_client_tracks_nothing(
    client: Any, ledger: Path, messages: pd.DataFrame
) -> None:
    """The sentence says which calls make one."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    with pytest.raises(InvalidArgument, match=r"Pass Client\(\) to send for real"):
        campaign.track(client)


def test_two_campaigns_do_not_text_the_same_people(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """What another campaign took since this one was created is refused before it is sent."""
    one, two = (
        smspm.Campaign.create(name, messages, sender="SMSPM.com", ledger=ledger)
        for name in ("one", "two")
    )
    client = smspm.Client.simulated(clock=clock)
    client.simulator, simulator = None, client.simulator  # a gateway that counts as real
    one.send(client)
    with pytest.raises(CampaignConflict, match=r"'two' were already taken by .*'one'"):
        two.send(client)
    assert len(simulator.accepted) == 2


def test_a_dead_run_is_known_without_another_send(ledger: Path, messages: pd.DataFrame) -> None:
    """Rows that a killed program was sending are unknown wherever one looks next."""
    code = (
        "import os, smspm_campaigns as s, sys\n"
        "die = lambda index, numbers: os.kill(os.getpid(), 9)\n"
        "s.Campaign.open('spring', ledger=sys.argv[1]).send(s.Client.simulated(faults=die))"
    )
    for look in (
        lambda campaign: counted(campaign)["unknown"],
        lambda campaign: list(campaign.report()["sms_status"]).count("unknown"),
        lambda campaign: smspm.list_campaigns(ledger=campaign.path)["unknown"].iloc[0],
    ):
        ledger = ledger.with_name(f"{ledger.name}x")
        campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
        killed = subprocess.run([sys.executable, "-c", code, ledger], check=False)
        assert (killed.returncode, look(campaign)) == (-9, 1)


def test_a_watcher_that_fails_stops_the_run(
    ledger: Path, messages: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When progress cannot be looked at, the run ends in good order before the error is told."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    looks, look = iter([True]), vars(CampaignRun)["progress"].fget

    def progress(run: CampaignRun) -> Any:
        next(looks)
        return look(run)

    monkeypatch.setattr(CampaignRun, "progress", property(progress))
    with pytest.raises(StopIteration):
        campaign.send(smspm.Client.simulated(latency=0.3))
    monkeypatch.undo()
    before = counted(campaign)
    assert before.get("sending", 0) == 0
    assert counted(campaign) == before


def test_it_works_where_a_loop_is_running(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """In a notebook, whose cells run inside an event loop, the same calls work."""

    async def cell() -> dict[Any, int]:
        client = smspm.Client.simulated(clock=clock)
        campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
        campaign.send(client)
        campaign.track(client)
        return counted(campaign)

    assert asyncio.run(cell()) == {"excluded": 2, "delivered": 2}


def test_a_lock_that_is_gone_is_told_with_the_file_that_settles_it(
    ledger: Path, messages: pd.DataFrame, clock: Clock
) -> None:
    """Whether its program runs nobody knows; the file that is named is a person's word for it."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    code = (
        "import os, smspm_campaigns as s, sys\n"
        "die = lambda index, numbers: os.kill(os.getpid(), 9)\n"
        "campaign = s.Campaign.open('spring', ledger=sys.argv[1])\n"
        "campaign.send(s.Client.simulated(faults=die), limit=1)"
    )
    subprocess.run([sys.executable, "-c", code, str(ledger)], check=False)
    [lock] = ledger.with_name(f"{ledger.name}.owners").iterdir()
    lock.unlink()
    with pytest.warns(
        smspm.SmspmWarning, match=rf"1 rows stay sending.* make an empty file {lock}"
    ):
        campaign.send(smspm.Client.simulated(clock=clock))
    assert counted(campaign) == {"excluded": 2, "sending": 1, "queued": 1}
    lock.touch()
    assert counted(campaign) == {"excluded": 2, "unknown": 1, "queued": 1}


def test_an_address_is_no_ledger_and_is_not_repeated() -> None:
    """It would be taken for a folder, and its password be shown and written."""
    with pytest.raises(InvalidArgument, match="It cannot be an address yet") as caught:
        smspm.list_campaigns(ledger="postgresql://bob:secret@127.0.0.1/db")
    assert "secret" not in str(caught.value)


def test_a_program_without_stderr_sends(
    ledger: Path, messages: pd.DataFrame, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a service, or under pythonw."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    monkeypatch.setattr(sys, "stderr", None)
    assert campaign.send(smspm.Client.simulated(clock=clock))["queued"] == 2


def test_a_campaign_gives_the_figures_of_its_report(
    messages: pd.DataFrame, ledger: Path, clock: Clock
) -> None:
    """Each table and chart is that of the report, before anything is sent and when all is done."""
    campaign = smspm.Campaign.create("spring", messages, sender="SMSPM.com", ledger=ledger)
    assert campaign.timeline().empty
    assert campaign.summary("shop")["planned"].to_dict() == {"Riga": 1, "Oslo": 1}
    client = smspm.Client.simulated(clock=clock, failure_rate=1.0)
    campaign.send(client)
    campaign.track(client)
    report = campaign.report()
    assert_frame_equal(campaign.summary("shop"), tables.summarize(report, "shop"))
    assert_frame_equal(campaign.costs(), tables.costs(report))
    assert_frame_equal(campaign.failures(), tables.failures(report))
    assert_frame_equal(campaign.delivery_times("shop"), tables.delivery_times(report, "shop"))
    assert_frame_equal(campaign.timeline(bins=3), tables.timeline(report, bins=3))
    assert campaign.failures()["failed"].tolist() == [2]
    for kind in ("funnel", "statuses", "countries", "costs"):
        assert campaign.chart(kind).axes
    with pytest.raises(InvalidArgument) as refused:
        campaign.chart("pie")
    assert str(refused.value) == (
        "kind is 'funnel', 'statuses', 'countries' or 'costs', not 'pie'."
    )
