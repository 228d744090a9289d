"""A rehearsal or the real account: what is said, what is asked, and that one yes sends once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from panels import (
    AT_ONCE,
    PEOPLE,
    TEXT,
    Hasty,
    click,
    error,
    go,
    is_seen,
    made,
    notes,
    quick,
    send,
    settle,
    words,
)

import smspm_campaigns as smspm
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.gateway.simulator import Simulator, running
from smspm_campaigns.panel.bounds import Bounds


class Real:
    """An account at an address: what it was asked to send is known."""

    def __init__(self, url: str, simulator: Simulator) -> None:
        self.url = url
        self._simulator = simulator

    def client(self, name: str = "h") -> smspm.Client:
        clock: Any = Hasty()
        return smspm.Client(name, "t", base_url=self.url, requests_per_minute=None, clock=clock)

    @property
    def sent(self) -> list[str]:
        return [str(entry["toNumber"]) for entry in self._simulator.accepted]


@pytest.fixture
def real(desk: Path) -> Iterator[Real]:
    simulator = Simulator(hash="h", token="t", **AT_ONCE)
    with running(simulator) as url:
        yield Real(url, simulator)


@pytest.fixture
def account(real: Real, monkeypatch: pytest.MonkeyPatch) -> Real:
    """The account, with its credentials in the environment."""
    for name, value in (("HASH", "h"), ("TOKEN", "t"), ("BASE_URL", real.url)):
        monkeypatch.setenv(f"SMSPM_{name}", value)
    return real


def chosen() -> Any:
    """A panel that is about to review, in which a person chooses the account."""
    return made(client=None)


def buttons(panel: Any) -> tuple[str, str]:
    return panel.review.send.description, panel.review.test.description


# --- which it is --------------------------------------------------------------------------------


def test_it_rehearses_until_the_account_is_chosen(account: Real) -> None:
    """The banner, the buttons, the name and the question say which it is."""
    panel = chosen()
    told = (words(panel._banner), buttons(panel), panel.review.name.value)
    assert told == (
        "REHEARSAL On the simulator: nobody is texted, and nothing is spent.",
        ("Rehearse 2 messages", "Rehearse a test"),
        "campaign-rehearsal",
    )
    panel.mode.value = True
    told = (words(panel._banner), buttons(panel), panel.review.name.value)
    assert told == (
        "REAL ACCOUNT People are texted, and every message costs money.",
        ("Send 2 messages", "Send a test"),
        "campaign",
    )
    click(panel.review.send)
    assert words(panel.review.confirm._question) == (
        "For real: 2 messages, from 'SMSPM.com', as 'campaign'. "
        "Each goes to a person's phone, and cannot be taken back."
    )
    panel.mode.value = False
    assert not panel.review.confirm.is_open  # what was asked was another thing
    assert words(panel._banner).startswith("REHEARSAL")
    assert account.sent == []


def test_a_name_a_person_gave_stays(account: Real) -> None:
    """Only the panel's own suggestion follows the account."""
    panel = chosen()
    panel.review.name.value = "spring"
    panel.mode.value = True
    assert panel.review.name.value == "spring"


@pytest.mark.parametrize("is_real", [False, True])
def test_with_a_client_there_is_nothing_to_choose(real: Real, *, is_real: bool) -> None:
    """Whoever gives one has chosen."""
    panel = made(client=real.client() if is_real else quick())
    assert (panel.mode.value, panel.mode.disabled) == (is_real, True)
    panel.mode.value = not is_real
    assert panel.mode.value is is_real
    assert words(panel._banner).startswith("REAL ACCOUNT" if is_real else "REHEARSAL")


def test_a_campaign_that_was_begun_has_its_account_for_good(account: Real) -> None:
    """What was rehearsed is not sent for real by a switch; a new campaign may be."""
    panel = chosen()
    panel._work._client = quick()
    assert not panel.mode.disabled
    send(panel)
    assert panel.mode.disabled
    panel.campaign.value = ""
    assert not panel.mode.disabled
    assert account.sent == []


def test_credentials_that_are_missing_are_told_and_a_client_mends_it(real: Real) -> None:
    """A sentence, no traceback, and nothing is sent."""
    panel = chosen()
    panel.mode.value = True
    assert "SMSPM_HASH" in error(panel)
    assert panel.mode.value is True
    click(panel.review.send)
    assert "SMSPM_HASH" in error(panel)
    assert not is_seen(panel.review.confirm)
    assert list(smspm.list_campaigns().index) == []
    panel.mode.value = False
    assert error(panel) == ""
    mended = made(client=real.client())
    assert error(mended) == ""
    mended.review.name.value = "campaign"
    send(mended)
    assert (error(mended), sorted(real.sent)) == ("", ["491713920012", "491713920013"])


def test_a_real_campaign_can_be_looked_at_without_credentials(real: Real) -> None:
    """To look needs no account; to go on does, in words."""
    panel = made(client=real.client())
    panel.review._bounds.limit.value = "1"
    send(panel)
    found: Any = smspm.CampaignPanel()
    assert words(found._banner).startswith("REAL ACCOUNT")
    assert found.mode.disabled
    assert error(found) == ""
    assert found.sending.go_on.disabled  # since "At most" is remembered
    found._bounds.limit.value = ""
    assert found.sending.go_on.description == "Go on: send 1 message"
    go(found, "results")
    assert "Delivered 1" in words(found.results._figures)
    go(found, "sending")
    click(found.sending.go_on)
    click(found.sending.confirm.yes)
    assert "SMSPM_HASH" in error(found)
    assert len(real.sent) == 1


def test_another_account_is_refused_in_words(real: Real) -> None:
    """A campaign belongs to the account that began it."""
    panel = made(client=real.client())
    panel.review._bounds.limit.value = "1"
    send(panel)
    for client in (quick(), real.client("other")):
        other: Any = smspm.CampaignPanel(client=client)
        other._bounds.limit.value = ""
        click(other.sending.go_on)
        click(other.sending.confirm.yes)
        assert "'campaign'" in error(other)
        assert "unexpected" not in error(other)
        assert len(real.sent) == 1


def test_what_was_rehearsed_is_reviewed_again_for_real(account: Real) -> None:
    """The draft is still there; it is another campaign, and asks again."""
    panel = chosen()
    panel._work._client = quick()
    send(panel)
    go(panel, "results")
    click(panel.results.for_real)
    assert words(panel._banner).startswith("REAL ACCOUNT")
    assert (buttons(panel)[0], panel.review.name.value) == ("Send 2 messages", "campaign")
    assert account.sent == []
    send(panel)
    assert (error(panel), len(account.sent)) == ("", 2)
    assert set(smspm.list_campaigns().index) == {"campaign", "campaign-rehearsal"}


# --- asking once more ---------------------------------------------------------------------------


def test_nothing_is_sent_without_a_yes(real: Real) -> None:
    """Neither by the first click, nor by No, nor by leaving the step, nor by an old yes."""
    panel = made(client=real.client())
    click(panel.review.send)
    assert is_seen(panel.review.confirm)
    assert panel.review.confirm.yes.description == "Yes: Send 2 messages"
    click(panel.review.confirm.no)
    assert not is_seen(panel.review.confirm)
    panel.review.confirm.yes.click()  # it was on its way
    click(panel.review.send)
    go(panel, "message")
    go(panel, "review")
    assert not is_seen(panel.review.confirm)
    panel.review.confirm.yes.click()
    assert (real.sent, panel._work.campaign) == ([], None)
    assert list(smspm.list_campaigns().index) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("name", "other"), ("sender", "Shop"), ("repeats", True)),
        *(("limit", "1"), ("max_cost", "50")),
    ],
)
def test_a_question_stands_for_what_it_says(desk: Path, name: str, value: Any) -> None:
    """Whoever changes something after it was asked is asked again."""
    panel = made()
    click(panel.review.send)
    widget = getattr(panel.review, name, None) or getattr(panel.review._bounds, name)
    widget.value = value
    assert not is_seen(panel.review.confirm)
    panel.review.confirm.yes.click()
    assert panel._work.campaign is None
    click(panel.review.send)
    assert str(value) in words(panel.review.confirm._question) or name in ("repeats", "max_cost")


def test_a_question_to_go_on_says_its_bounds(desk: Path) -> None:
    """With others it is taken back, and asked anew."""
    panel = made()
    panel.review._bounds.limit.value = "1"
    send(panel)
    panel.review._bounds.limit.value = "2"
    panel.review._bounds.max_cost.value = "inf"
    click(panel.sending.go_on)
    assert words(panel.sending.confirm._question) == (
        "On the simulator: rehearse 1 message, at most 2 of the campaign in all. "
        "Nobody is texted, nothing is spent."
    )
    panel.review._bounds.limit.value = "1"
    assert not is_seen(panel.sending.confirm)
    assert panel.sending.go_on.disabled
    panel.review._bounds.limit.value = ""
    click(panel.sending.go_on)
    click(panel.sending.confirm.yes)
    settle(panel)
    assert panel._work.campaign.counts()["delivered"] == 2


def test_two_clicks_send_once(real: Real) -> None:
    """A double click is one yes: one run, and one message to each."""
    panel = made(client=real.client())
    click(panel.review.send)
    click(panel.review.confirm.yes)
    panel.review.confirm.yes.click()
    settle(panel)
    panel.review.confirm.yes.click()
    assert panel.code.count("campaign.start(client)") == 1
    assert sorted(real.sent) == ["491713920012", "491713920013"]


def test_what_was_sent_before_is_not_sent_again(real: Real) -> None:
    """The same plan under the same name has nothing left."""
    for told in ([], ["Nothing is left to send: every message was taken before."]):
        panel = made(client=real.client())
        click(panel.review.send)
        click(panel.review.confirm.yes)
        assert [note for note in notes(panel) if "left to send" in note] == told
        settle(panel)
    assert len(real.sent) == 2
    panel.review.name.value = "other"
    click(panel.review.send)
    click(panel.review.confirm.yes)
    assert "tick “Send also what another campaign already sent”" in error(panel)
    assert not is_seen(panel.review.rename)
    panel.review.repeats.value = True
    send(panel)
    assert (error(panel), len(real.sent)) == ("", 4)


@pytest.mark.parametrize("limit", ["", "1", "2", "3"])
def test_the_number_on_the_button_is_what_is_sent(real: Real, limit: str) -> None:
    """With a limit, too."""
    panel = made(client=real.client())
    panel.review._bounds.limit.value = limit
    promised = {"1": "Send up to 1 message of 2"}.get(limit, "Send 2 messages")
    assert panel.review.send.description == promised
    send(panel)
    assert len(real.sent) == (1 if limit == "1" else 2)


def test_a_click_needs_a_name_and_a_number(desk: Path) -> None:
    """What is missing is said before anything is made."""
    panel = made()
    click(panel.review.test)
    assert error(panel) == "Write your own number first, with its country code."
    panel.review.number.value = "12"
    panel.review.name.value = " "
    for button in (panel.review.test, panel.review.send):
        click(button)
        assert error(panel) == "Give the campaign a name first."
    assert not is_seen(panel.review.confirm)
    assert list(smspm.list_campaigns().index) == []


@pytest.mark.parametrize("is_real", [True, False])
@pytest.mark.parametrize("kind", ["send", "test"])
def test_the_account_never_changes_between_the_question_and_the_deed(
    account: Real, is_real: bool, kind: str
) -> None:
    """A name that belongs to the other account is refused, and nothing leaves."""
    panel = chosen()
    panel.mode.value = is_real
    go(panel, "review")
    panel.review._bounds.limit.value = "1"
    panel.review.name.value = "one"
    send(panel)
    settle(panel)
    before = list(account.sent)
    panel.campaign.value = ""
    panel.mode.value = not is_real
    go(panel, "review")
    panel.review.name.value = "one"
    panel.review._bounds.limit.value = ""
    panel.review.number.value = "+372 5678 9012"
    click(getattr(panel.review, kind))
    if is_seen(panel.review.confirm):
        click(panel.review.confirm.yes)
    whose = "the real account" if is_real else "the simulator"
    assert error(panel).startswith(f"The campaign 'one' belongs to {whose}")
    assert panel.mode.value is not is_real
    assert (account.sent, panel._work.campaign) == (before, None)
    assert smspm.Campaign.open("one").counts()["planned"] == 1


def test_a_campaign_that_begins_for_real_elsewhere_is_shown_so(account: Real) -> None:
    """The banner follows, and a question that was asked before is taken back."""
    panel = chosen()
    panel.review.number.value = "+372 5678 9012"
    click(panel.review.test)  # makes the plan, and binds it to nobody
    click(panel.review.send)
    smspm.Campaign.open(panel.review.name.value).send(account.client(), limit=1)
    panel._tick()
    assert words(panel._banner).startswith("REAL ACCOUNT")
    assert not is_seen(panel.review.confirm)
    assert len(account.sent) == 1


def test_a_free_name_gives_up_no_other_campaign(account: Real) -> None:
    """The plan that is cancelled is the one that was in the way, as long as it is untaken."""
    panel = made(client=account.client(), text="Other! STOP")
    panel.review.name.value = "b"
    panel.review._bounds.limit.value = "1"
    send(panel)
    settle(panel)
    panel = made(client=account.client())
    panel.review.name.value = "a"
    panel.review.number.value = "+372 5678 9012"
    click(panel.review.test)
    click(panel.review.confirm.yes)
    panel.message.editor.value = "Better! STOP"
    go(panel, "review")
    click(panel.review.send)
    click(panel.review.confirm.yes)
    assert is_seen(panel.review.rename)
    panel.review.name.value = "b"
    assert not is_seen(panel.review.rename)
    panel.review.name.value = "a"
    click(panel.review.send)
    click(panel.review.confirm.yes)
    smspm.Campaign.open("a").send(account.client(), limit=1)
    click(panel.review.rename)
    assert smspm.Campaign.open("a").counts()["planned"] == 1
    assert smspm.Campaign.open("b").counts()["planned"] == 1
    assert panel.review.name.value == "a-2"


# --- the test, and another text -----------------------------------------------------------------


def test_a_test_comes_before_and_counts_for_nothing(real: Real) -> None:
    """It goes to one's own number once it is confirmed, and the campaign is whole afterwards."""
    panel = made(client=real.client())
    panel.review.number.value = "+372 5678 9012"
    click(panel.review.test)
    click(panel.review.test)
    assert real.sent == []
    click(panel.review.confirm.yes)
    click(panel.review.confirm.yes)
    assert words(panel.review._tested).startswith("Sent: 1 segment to 3725")
    assert "56789012" not in words(panel.review._tested)
    assert real.sent == ["37256789012"]
    assert panel._work.campaign.counts()["planned"] == 2
    send(panel)
    assert len(real.sent) == 3


def test_another_text_after_a_test_takes_another_name(real: Real) -> None:
    """The plan that was tested is cancelled by that click, and by nothing before it."""
    panel = made(client=real.client())
    panel.review.number.value = "+372 5678 9012"
    click(panel.review.test)
    click(panel.review.confirm.yes)
    panel.message.editor.value = "Better! STOP"
    go(panel, "review")
    click(panel.review.send)
    click(panel.review.confirm.yes)
    assert "'campaign'" in error(panel)
    assert notes(panel) == [
        "Nothing of 'campaign' was sent. With another name here, that plan is cancelled."
    ]
    assert panel.review.rename.description == "Use the name 'campaign-2'"
    assert smspm.Campaign.open("campaign").counts()["planned"] == 2
    click(panel.review.rename)
    assert smspm.Campaign.open("campaign").counts()["cancelled"] == 2
    assert panel.review.name.value == "campaign-2"
    assert not is_seen(panel.review.rename)
    send(panel)
    assert error(panel) == ""
    texts = smspm.Campaign.open("campaign-2").report()["sms_text"].dropna()
    assert (set(texts), len(real.sent)) == ({"Better! STOP"}, 3)


def test_a_plan_of_which_something_was_sent_is_not_cancelled(real: Real) -> None:
    """Whoever changed the text in the middle decides about the rest."""
    panel = made(client=real.client())
    panel.review._bounds.limit.value = "1"
    send(panel)
    panel.message.editor.value = "Better! STOP"
    go(panel, "review")
    click(panel.review.send)
    click(panel.review.confirm.yes)
    assert [note for note in notes(panel) if "cancelled" in note] == []
    click(panel.review.rename)
    assert panel.review.name.value == "campaign-2"
    counts = smspm.Campaign.open("campaign").counts()
    assert (counts["planned"], counts["cancelled"]) == (1, 0)


# --- bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "cost", "options"),
    [
        ("", "", (None, None)),
        (" 100 ", " 54,18 ", (100, 54.18)),
        ("0", "0", (0, 0.0)),
        ("", "12.5", (None, 12.5)),
        ("", "inf", (None, float("inf"))),  # the word that lifts a bound
    ],
)
def test_bounds_are_read_as_they_are_typed(limit: str, cost: str, options: Any) -> None:
    """Blank is no bound."""
    bounds = Bounds()
    bounds.limit.value, bounds.max_cost.value = limit, cost
    assert tuple(bounds.options().values()) == options


@pytest.mark.parametrize("limit", ["-1", "1.5", "1,000", "many", "²", "1e3"])
def test_a_limit_that_makes_no_sense_is_refused(limit: str) -> None:
    """In words that show one that does."""
    bounds = Bounds()
    bounds.limit.value = limit
    with pytest.raises(InvalidArgument, match="such as 100, not"):
        bounds.options()


@pytest.mark.parametrize("cost", ["-1", "nan", "50 EUR", "1.000,50", "€5", "-inf", "x"])
def test_a_budget_that_makes_no_sense_is_refused(cost: str) -> None:
    """In words that show one that does."""
    bounds = Bounds()
    bounds.max_cost.value = cost
    with pytest.raises(InvalidArgument, match=r"such as 50\.25, not"):
        bounds.options()


def test_bounds_are_what_the_run_gets(desk: Path) -> None:
    """Nonsense asks nothing; a budget that is too small stops it before anything is sent."""
    (desk / "prices.csv").write_text("country,price\nDE,0.08\n")
    panel: Any = smspm.CampaignPanel(PEOPLE, client=quick())
    go(panel, "message")
    panel.message.editor.value = TEXT
    panel.message.prices.list.value = "prices.csv"
    go(panel, "review")
    assert panel.review.send.description == "Rehearse 2 messages, about 0.16 EUR"
    panel.review._bounds.limit.value = "some"
    click(panel.review.send)
    assert "not 'some'" in error(panel)
    assert not is_seen(panel.review.confirm)
    panel.review._bounds.limit.value = "1"
    panel.review._bounds.max_cost.value = "0,01"
    send(panel)
    assert "Raise the budget" in error(panel)
    assert panel._work.campaign.counts()["planned"] == 2
    panel.review._bounds.max_cost.value = "inf"
    click(panel.sending.go_on)
    click(panel.sending.confirm.yes)
    settle(panel)
    assert "run = campaign.start(client, limit=1, max_cost=float('inf'))" in panel.code
    assert panel._work.campaign.counts()["delivered"] == 1
