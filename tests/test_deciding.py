"""What a person decides of a campaign, and the history of it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import smspm_campaigns as smspm
from smspm_campaigns.delivery import sender
from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, NumbersUnreadable
from smspm_campaigns.gateway.simulator.faults import Fault

if TYPE_CHECKING:
    from conftest import Clock

PHONES = ["070-174 06 05", "070-174 06 06", "070-174 06 07", "070-174 06 08"]
BEFORE = ": their requests were made before. None is texted again."
Made = Callable[..., smspm.Campaign]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Make a campaign of four people, a text each, and the index that a test wants."""

    def make(index: Any = None, ledger: str = "ledger.sqlite") -> smspm.Campaign:
        names = ["Anna", "Bo", "Cia", "Dan"]
        people = pd.DataFrame({"name": names, "phone": PHONES}, index=index)
        frame = people.pipe(smspm.normalize_numbers, region="SE").pipe(
            smspm.render_messages, "Hi {{ name }}! STOP: 1234"
        )
        return smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=tmp_path / ledger)

    return make


def counted(campaign: smspm.Campaign) -> dict[Any, int]:
    counts = campaign.counts()
    return counts[counts > 0].to_dict()


def lose(campaign: smspm.Campaign, clock: "Clock", *lost: int) -> smspm.Client:
    """Send with requests whose replies are lost."""
    client = smspm.Client.simulated(clock=clock, faults=dict.fromkeys(lost, "close"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", smspm.SmspmWarning)
        campaign.send(client)
    return client


def changes(campaign: smspm.Campaign) -> list[tuple[Any, ...]]:
    told = campaign.history()[["status", "evidence"]]
    return list(told.itertuples(index=True, name=None))


# --- cancel -------------------------------------------------------------------------------------


def test_cancelled_rows_are_never_sent(made: Made, clock: "Clock") -> None:
    """Whatever was taken stays, the rest is cancelled; once more changes nothing."""
    campaign = made()
    client = smspm.Client.simulated(clock=clock)
    campaign.send(client, limit=1)
    for _ in range(2):
        assert campaign.cancel().to_dict() == campaign.counts().to_dict()
        assert counted(campaign) == {"queued": 1, "cancelled": 3}
    campaign.send(client)
    assert len(client.simulator.accepted) == 1
    assert changes(campaign)[2:] == [(row, "cancelled", "cancel") for row in (1, 2, 3)]


def test_a_run_that_is_cancelled_elsewhere_sends_no_more(made: Made, clock: "Clock") -> None:
    """Also when its request is turned away meanwhile: it is not made again."""
    campaign = made()
    other = smspm.Campaign.open("spring", ledger=campaign.path)

    def faults(index: int, _numbers: Any) -> Fault | None:
        if index == 1:
            other.cancel()
        return Fault("429") if index == 1 else None

    client = smspm.Client.simulated(clock=clock, faults=faults)
    counts = campaign.send(client)
    assert counts["cancelled"] + counts["queued"] == 4
    assert counts["queued"] == len(client.simulator.accepted)
    assert counts["cancelled"] >= 1


# --- suppress -----------------------------------------------------------------------------------


def lists(tmp_path: Path) -> dict[str, Any]:
    """The same two people, in every way that mark_suppressed reads."""
    spelled = ["+46 70 174 06 06", "0046701740608"]
    path = tmp_path / "stop.csv"
    path.write_text("name,Phone No.\n" + "".join(f"x,{number}\n" for number in spelled))
    return {
        "list": spelled,
        "series": pd.Series(spelled),
        "frame": pd.DataFrame({"x": ["a", "b"], "number": spelled}),
        "file": path,
        "name of a file": str(path),
        "generator": (number for number in spelled),
    }


@pytest.mark.parametrize("kind", ["list", "series", "frame", "file", "name of a file", "generator"])
def test_people_who_opt_out_later_are_left_out(
    kind: str, made: Made, tmp_path: Path, clock: "Clock"
) -> None:
    """Given in any spelling and form, with the sentence that the helper would have said."""
    campaign = made(list("abcd"))
    campaign.suppress(lists(tmp_path)[kind])
    assert counted(campaign) == {"excluded": 2, "planned": 2}
    report = campaign.report()
    assert list(report["sms_problem"].fillna("")) == ["", "opted_out", "", "opted_out"]
    assert list(report["sms_problems"].fillna("")) == ["", "opted_out", "", "opted_out"]
    assert all(report["sms_detail"].dropna().str.startswith("Opted out: listed in "))
    assert changes(campaign) == [("b", "excluded", "suppress"), ("d", "excluded", "suppress")]
    client = smspm.Client.simulated(clock=clock)
    campaign.send(client)
    assert sorted(entry["toNumber"] for entry in client.simulator.accepted) == [
        "46701740605",
        "46701740607",
    ]


def test_suppressing_is_judged_as_the_helper_judges(made: Made) -> None:
    """The columns a report shows are those of the frame that mark_suppressed would have made."""
    campaign = made()
    numbers = ["070-174 06 07", "+49 171 3920012"]
    ours = ["sms_to", "sms_problem", "sms_problems", "sms_detail"]
    expected = smspm.mark_suppressed(campaign.report()[ours], numbers, region="SE")
    campaign.suppress(numbers, region="SE")
    assert_frame_equal(campaign.report()[ours], expected[ours])


@pytest.mark.parametrize(
    ("numbers", "error", "words"),
    [
        (["070-174 06 06", "call me"], NumbersUnreadable, "cannot be read as a phone number"),
        (pd.DataFrame({"a": ["1"], "b": ["2"]}), ColumnNotFound, "one column of numbers"),
        (5, InvalidArgument, "Expected opted-out numbers as a list"),
    ],
)
def test_a_list_that_cannot_be_read_changes_nothing(
    numbers: Any, error: type[Exception], words: str, made: Made
) -> None:
    """A person lost here is a person texted: all or nothing, and a sentence."""
    campaign = made()
    with pytest.raises(error, match=words):
        campaign.suppress(numbers, region="SE")
    assert counted(campaign) == {"planned": 4}
    assert campaign.history().empty


def test_people_who_are_texted_already_are_told(made: Made, clock: "Clock") -> None:
    """Unknown rows stay so, and a later word of a person does not send to them again."""
    campaign = made()
    client = lose(campaign, clock, 0)
    [row] = campaign.unknown().index
    with pytest.warns(smspm.SmspmWarning) as told:
        campaign.suppress(PHONES, region="SE")
    words = "Of these people 1 may have been texted already"
    assert [str(one.message) for one in told] == [f"{words}{BEFORE}"]
    assert told[0].filename == __file__
    assert campaign.resolve_unknown("resend", rows=[row])["excluded"] == 1
    campaign.send(client)
    assert len(client.simulator.accepted) == 4


def test_a_run_learns_of_opt_outs_from_another_process(
    made: Made, clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows not claimed yet are left out; the one under way is told, and never made again."""
    monkeypatch.setattr(sender, "lanes_of", lambda _: 1)
    campaign = made()
    other = smspm.Campaign.open("spring", ledger=campaign.path)
    told: list[str] = []

    def faults(index: int, _numbers: Any) -> Fault | None:
        if index == 1:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                other.suppress(PHONES[1:], region="SE")
            told.extend(str(one.message) for one in caught)
            return Fault("429")
        return None

    client = smspm.Client.simulated(clock=clock, faults=faults)
    campaign.send(client)
    assert counted(campaign) == {"queued": 1, "excluded": 3}
    assert told == [f"Of these people 1 are being texted at this moment{BEFORE}"]
    assert len(client.simulator.accepted) == 1


# --- unknown, and what becomes of it ------------------------------------------------------------


def test_unknown_rows_say_what_happened(made: Made, clock: "Clock") -> None:
    """They are rows of the report, with the error, and with the request and its time."""
    campaign = made(pd.Index(list("abcd"), name="key"))
    lose(campaign, clock, 1, 2)
    unknown = campaign.unknown()
    report = campaign.report()
    lost = report["sms_status"] == "unknown"
    assert_frame_equal(unknown[list(report.columns)], report[lost])
    assert list(unknown.columns) == [*report.columns, "sms_request", "sms_requested_at"]
    history = campaign.history()
    claims = history[history["evidence"] == "claim"]
    assert unknown["sms_request"].to_dict() == claims["request"].reindex(unknown.index).to_dict()
    assert unknown["sms_requested_at"].to_dict() == claims["at"].reindex(unknown.index).to_dict()
    assert str(unknown["sms_requested_at"].dtype) == "datetime64[us, UTC]"
    assert unknown["sms_error"].notna().all()


def test_unknown_rows_can_be_a_campaign_of_their_own(made: Made, clock: "Clock") -> None:
    """What unknown() adds is no column of the person's own, and is dropped like a report's."""
    campaign = made()
    lose(campaign, clock, 1)
    again = smspm.Campaign.create("again", campaign.unknown(), ledger=campaign.path)
    assert counted(again) == {"planned": 1}
    assert list(again.report().columns) == list(campaign.report().columns)


def test_each_action_does_what_it_says(made: Made, clock: "Clock") -> None:
    """Row by row, by the labels of the frame; what is planned again is sent by the next send."""
    campaign = made(list("abcd"))
    client = lose(campaign, clock, 0, 1, 2, 3)
    assert counted(campaign) == {"unknown": 4}
    campaign.resolve_unknown("sent", rows=["a"])
    campaign.resolve_unknown("failed", rows=pd.Index(["b"]))
    campaign.resolve_unknown("resend", rows=("c", "c"))
    assert campaign.report()["sms_status"].to_dict() == {
        "a": "submitted",
        "b": "failed",
        "c": "planned",
        "d": "unknown",
    }
    assert changes(campaign)[8:] == [
        ("a", "submitted", "person"),
        ("b", "failed", "person"),
        ("c", "planned", "person"),
    ]
    campaign.resolve_unknown("resend", rows=[])
    assert campaign.resolve_unknown("sent")["submitted"] == 2
    campaign.send(client)
    assert counted(campaign) == {"submitted": 2, "failed": 1, "queued": 1}
    sent = [entry["toNumber"] for entry in client.simulator.accepted]
    assert sorted(sent) == sorted([*campaign.report()["sms_to"], "46701740607"])


LABELS: dict[str, tuple[Any, Any]] = {
    "texts": (list("abcd"), "b"),
    "numbers": ([10, 20, 30, 40], 20),
    "times": (pd.date_range("2026-05-01", periods=4), pd.Timestamp("2026-05-02")),
    "pairs": (pd.MultiIndex.from_product([["x", "y"], [1, 2]]), ("x", 2)),
    "a missing one": (["a", float("nan"), "c", "d"], None),
    "none of one's own": (None, 1),
}


@pytest.mark.parametrize("kind", LABELS)
def test_rows_are_named_by_the_labels_of_the_frame(kind: str, made: Made, clock: "Clock") -> None:
    """Whatever the index is made of; unknown().index can be handed on."""
    index, label = LABELS[kind]
    campaign = made(index)
    lose(campaign, clock, 0, 1, 2, 3)
    campaign.resolve_unknown("sent", rows=[label])
    assert list(campaign.report()["sms_status"]) == ["unknown", "submitted", "unknown", "unknown"]
    campaign.resolve_unknown("failed", rows=campaign.unknown().index)
    assert list(campaign.report()["sms_status"]) == ["failed", "submitted", "failed", "failed"]


def test_a_label_of_several_rows_means_the_unknown_ones_of_them(made: Made, clock: "Clock") -> None:
    """A row beside them that is known is left as it is."""
    campaign = made(list("aabb"))
    lose(campaign, clock, 1, 2)
    before = list(campaign.report()["sms_status"])
    named = {"a": 0, "b": 2}
    labels = [label for label, at in named.items() if "unknown" in before[at : at + 2]]
    campaign.resolve_unknown("failed", rows=labels)
    assert list(campaign.report()["sms_status"]) == [
        "failed" if status == "unknown" else status for status in before
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["e"], r"No row has the index label e\."),
        (["46701740605"], r"No row has the index label 4670\*+05\."),
        ([["a"]], "No row has the index label"),
        (["d"], "Row d is not unknown, so there is nothing to resolve"),
        (["a", "d"], "Row d is not unknown"),
        ("a", r"rows is a list of index labels, such as campaign\.unknown\(\)\.index, not str"),
        (7, "rows is a list of index labels, .* not int"),
        (pd.DataFrame(index=["a"]), "rows is a list of index labels, .* not DataFrame"),
    ],
)
def test_a_label_that_cannot_be_meant_changes_nothing(
    rows: Any, words: str, made: Made, clock: "Clock"
) -> None:
    """It is named, masked where it looks like a number; the others with it are left alone."""
    campaign = made(list("abcd"))
    client = smspm.Client.simulated(clock=clock, faults={0: "close"})
    with pytest.warns(smspm.SmspmWarning):
        campaign.send(client, limit=1)
    with pytest.raises(InvalidArgument, match=words):
        campaign.resolve_unknown("sent", rows=rows)
    assert counted(campaign) == {"planned": 3, "unknown": 1}


@pytest.mark.parametrize("action", ["send", "resent", None, ["resend"]])
def test_another_action_is_refused(action: Any, made: Made) -> None:
    """The three that there are, are named."""
    with pytest.raises(InvalidArgument, match="resend"):
        made().resolve_unknown(action)


def test_a_resend_keeps_to_the_limit_and_the_budget(made: Made, clock: "Clock") -> None:
    """The row was counted while it was unknown; it is counted again, once, when it is sent."""
    campaign = made()
    client = smspm.Client.simulated(clock=clock, faults={0: "close"})
    with pytest.warns(smspm.SmspmWarning):
        campaign.send(client, limit=2)
    assert counted(campaign) == {"unknown": 1, "queued": 1, "planned": 2}
    campaign.resolve_unknown("resend")
    assert campaign.taken == 1
    campaign.send(client, limit=2)
    assert campaign.taken == 2
    assert counted(campaign) == {"queued": 2, "planned": 2}


# --- history ------------------------------------------------------------------------------------


def test_the_history_has_every_change_in_order(made: Made, clock: "Clock") -> None:
    """Typed, under the labels of the frame, with the request and the id that the report has."""
    campaign = made(pd.Index(list("abcd"), name="key"))
    client = smspm.Client.simulated(clock=clock, submit_after=5, final_after=20, spread=0)
    campaign.send(client, limit=2)
    campaign.cancel()
    campaign.track(client)
    history = campaign.history()
    assert history.index.name == "key"
    assert {name: str(dtype) for name, dtype in history.dtypes.items()} == {
        "at": "datetime64[us, UTC]",
        **dict.fromkeys(["status", "evidence", "request", "message_id", "error"], "str"),
    }
    report = campaign.report()
    for label in "ab":
        own = history.loc[[label]]
        assert list(zip(own["status"], own["evidence"], strict=True)) == [
            ("sending", "claim"),
            ("queued", "reply"),
            *[("submitted", "poll")] * ("submitted" in set(own["status"])),
            ("delivered", "poll"),
        ]
        assert set(own["message_id"]) == {report.loc[label, "sms_id"]}
        assert len(set(own["request"])) == 1
    assert list(history.loc[["c", "d"], "request"].isna()) == [True, True]


def test_a_clock_that_is_set_back_does_not_turn_the_history_round(
    made: Made, clock: "Clock"
) -> None:
    """What came first stands first, whatever the clock said at the time."""
    campaign = made(pd.Index(list("abcd"), name="key"))

    def set_back(index: int, _: object) -> None:
        clock.passed -= 3600

    campaign.send(smspm.Client.simulated(clock=clock, faults=set_back), limit=1)
    history = campaign.history()
    assert list(history["status"]) == ["sending", "queued"]
    assert not history["at"].is_monotonic_increasing


def test_the_history_of_nothing_is_a_frame_all_the_same(made: Made) -> None:
    """Empty, with the columns and types it would have."""
    history = made().history()
    assert (len(history), str(history["at"].dtype)) == (0, "datetime64[us, UTC]")
