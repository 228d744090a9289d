"""Clicks as calls: what they make, how they are written, and how often they are made."""

import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import smspm_campaigns as smspm
from smspm_campaigns.campaign import Campaign
from smspm_campaigns.exceptions import ColumnNotFound, SmspmError
from smspm_campaigns.panel.calls import Call, Variable
from smspm_campaigns.panel.draft import Draft
from smspm_campaigns.panel.steps import Steps

CONTACTS = (
    "Phone;Land;name\n+49 171 3920012;DE;Ána\n0171 3920013;DE;“Bo”\n030 1234567;DE;\nx;US;Cy\n"
)


def executed(code: str, **names: Any) -> dict[str, Any]:
    """Run code as a person would who pasted it."""
    namespace = {"smspm": smspm, **names}
    with warnings.catch_warnings(action="ignore"):  # the panel told them
        exec(code, namespace)
    return namespace


def outcome(action: Callable[[], Any]) -> Any:
    """What is made, or what is raised."""
    try:
        return action()
    except SmspmError as error:
        return type(error), str(error)


# --- calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "written", "piped"),
    [
        (
            Call(smspm.mark_duplicates),
            "smspm.mark_duplicates()",
            ".pipe(smspm.mark_duplicates)",
        ),
        (
            Call(smspm.read_contacts, ("it's.csv",), {"sheet": None, "hidden": "keep"}, "people"),
            """people = smspm.read_contacts("it's.csv", hidden='keep')""",
            """.pipe(smspm.read_contacts, "it's.csv", hidden='keep')""",
        ),
        (
            Call(smspm.render_messages, ("a\n{{ b }}\u202e",), {"max_segments": 2}),
            r"smspm.render_messages('a\n{{ b }}\u202e', max_segments=2)",
            r".pipe(smspm.render_messages, 'a\n{{ b }}\u202e', max_segments=2)",
        ),
        (
            Call(Campaign.create, ("a", Variable("messages", None)), {"ledger": "l"}, "campaign"),
            "campaign = smspm.Campaign.create('a', messages, ledger='l')",
            ".pipe(smspm.Campaign.create, 'a', messages, ledger='l')",
        ),
        (
            Call(smspm.Client.simulated, made="client"),
            "client = smspm.Client.simulated()",
            ".pipe(smspm.Client.simulated)",
        ),
        (Call(smspm.Client), "smspm.Client()", ".pipe(smspm.Client)"),
    ],
)
def test_a_call_is_written_as_a_person_writes_it(call: Call, written: str, piped: str) -> None:
    """What is not said is left out, and whatever a file holds is quoted."""
    assert (call.written(), call.piped()) == (written, piped)


def test_a_method_is_written_with_the_variable_that_holds_its_object(desk: Path) -> None:
    """`campaign` and `run` are what the lines before it made."""
    frame = pd.DataFrame({"sms_to": ["491713920012"], "sms_text": ["Hi! STOP"]})
    campaign = Campaign.create("a", frame, sender="SMSPM.com", ledger=desk / "here.sqlite")
    assert Call(campaign.cancel).written() == "campaign.cancel()"
    run = campaign.start(smspm.Client.simulated())
    assert Call(run.wait, (), {"progress": False}).written() == "run.wait(progress=False)"
    assert Call(run.wait, (), {"progress": False})()["queued"] == 1


def test_a_call_is_made_with_the_values_of_its_variables() -> None:
    """What is written is a name; what is given is its value; what comes first is piped in."""
    got: list[Any] = []

    def function(*arguments: Any, **options: Any) -> None:
        got.append((arguments, options))

    variable = Variable("client", 7)
    Call(function, (variable, 2), {"a": None, "b": variable, "c": 0})(1)
    assert got == [((1, 7, 2), {"b": 7, "c": 0})]


# --- steps --------------------------------------------------------------------------------------


@pytest.fixture
def counted() -> tuple[Steps, Callable[[str], list[str]], Counter[str]]:
    """Steps named by letters, and a tally of those that were made."""
    made: Counter[str] = Counter()

    def step(frame: pd.DataFrame, name: str) -> pd.DataFrame:
        made[name] += 1
        if name == "x":
            raise ColumnNotFound(name)
        return frame.assign(**{name: 1})

    steps = Steps(pd.DataFrame(index=[0]))

    def run(names: str) -> list[str]:
        frame, _ = steps.run([Call(step, (name,)) for name in names])
        assert frame is not None
        return list(frame.columns)

    return steps, run, made


@pytest.mark.parametrize(
    ("runs", "made"),
    [
        (["abc", "abc", "abc"], "abc"),
        (["abc", "a", "abc"], "abc"),  # who asks for less forgets nothing
        (["ab", "abc"], "abc"),
        (["abc", "abd"], "abcd"),
        (["abc", "adc"], "abcdc"),  # what comes after is made again
        (["abc", "bc"], "abcbc"),
        (["abc", "", "abc"], "abc"),
    ],
)
def test_only_what_changed_is_made_again(counted: Any, runs: list[str], made: str) -> None:
    """And what comes after it, since it was made of it."""
    _, run, tally = counted
    for names in runs:
        assert run(names) == list(names)
    assert tally == Counter(made)


def test_a_step_that_fails_leaves_those_before_it(counted: Any) -> None:
    """The next try begins with it, and it is tried every time."""
    _, run, tally = counted
    for _ in range(2):
        with pytest.raises(ColumnNotFound):
            run("abx")
    assert run("abc") == ["a", "b", "c"]
    assert tally == Counter("abxxc")


def test_everything_is_made_again_when_asked(counted: Any) -> None:
    """A file may have changed on the disk."""
    steps, run, tally = counted
    run("ab")
    steps.forget()
    run("ab")
    assert tally == Counter("abab")


def test_steps_keep_what_was_warned_of() -> None:
    """A step that is not made again still tells what it found, once."""

    def step(frame: pd.DataFrame, word: str) -> pd.DataFrame:
        smspm.exceptions.warn(f"{word}!")
        return frame

    steps = Steps(pd.DataFrame())
    calls = [Call(step, ("a",)), Call(step, ("b",)), Call(step, ("a",))]
    for _ in range(2):
        assert steps.run(calls)[1] == ("a!", "b!")
    assert steps.run(calls[:1])[1] == ("a!",)


def test_without_a_beginning_there_is_nothing() -> None:
    """No file and no frame: no frame, and no error."""
    assert Steps(None).run([]) == (None, ())
    assert Draft(None).messages() == (None, ())
    assert Draft(None).written() == ""


# --- the draft ----------------------------------------------------------------------------------


@pytest.fixture
def files(desk: Path) -> Path:
    (desk / "it's a “list”.csv").write_text(CONTACTS, encoding="utf-8")
    (desk / "out.csv").write_text("number\n+491713920012\n", encoding="utf-8")
    (desk / "out2.csv").write_text("number\n0171 3920013\n", encoding="utf-8")
    (desk / "prices.csv").write_text("country,price\nDE,0.08\nUS,0.01\n", encoding="utf-8")
    return desk


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    is_given=st.booleans(),
    reading=st.fixed_dictionaries(
        {"encoding": st.sampled_from([None, "utf-8"]), "delimiter": st.sampled_from([None, ";"])}
    ),
    column=st.sampled_from(["Phone", "name", None]),
    region=st.sampled_from([None, "DE", "Land"]),
    mobile_only=st.sampled_from([None, True]),
    opt_outs=st.sampled_from([(), ("out.csv",), ("out.csv", "out2.csv")]),
    template=st.sampled_from(
        ["", " ", "Hi! STOP", "Hi {{ name }}!\n“Now”… STOP\\'\"", 'a"""b {{ name | title }}']
    ),
    replace=st.sampled_from([None, "typography", "accents"]),
    most=st.sampled_from([None, 1]),
    prices=st.sampled_from([None, "prices.csv"]),
)
def test_the_code_makes_the_frame_that_is_shown(files: Path, **chosen: Any) -> None:
    """Whatever was chosen: run by itself, it gives the same frame; what fails, fails alike."""
    path = "it's a “list”.csv"
    frame = smspm.read_contacts(path) if chosen["is_given"] else None
    draft = Draft(frame)
    draft.read(path, **chosen["reading"])
    draft.find_numbers(chosen["column"], region=chosen["region"], mobile_only=chosen["mobile_only"])
    draft.leave_out(chosen["opt_outs"], region="DE")
    draft.write(chosen["template"], replace=chosen["replace"], max_segments=chosen["most"])
    draft.estimate(chosen["prices"])
    shown = outcome(lambda: draft.messages()[0])
    run = outcome(lambda: executed(draft.written(), frame=frame)[draft.variable])
    if isinstance(shown, pd.DataFrame):
        assert_frame_equal(run, shown)
    else:
        assert run == shown


def test_the_text_is_filled_for_a_few_as_for_all(files: Path) -> None:
    """The phones show what is sent."""
    draft = Draft(smspm.read_contacts("it's a “list”.csv"))
    draft.find_numbers("Phone", region="DE")
    draft.write("Hi {{ name }}! STOP", replace="accents")
    audience, _ = draft.audience()
    messages, _ = draft.messages()
    assert audience is not None
    assert messages is not None
    assert_frame_equal(draft.filled(audience.iloc[1:3]), messages.iloc[1:3])
    draft.write(" ")
    assert_frame_equal(draft.filled(audience), audience)


def test_without_a_text_nothing_is_estimated(files: Path) -> None:
    """There are no segments to estimate by, and no code says so."""
    draft = Draft(smspm.read_contacts("it's a “list”.csv"))
    draft.estimate("prices.csv")
    assert draft.written() == ""
    assert draft.variable == "frame"
    assert not draft.is_written


@pytest.mark.parametrize(
    ("is_given", "source", "variable"), [(False, "out.csv", "people"), (True, None, "frame")]
)
def test_what_is_not_changed_has_the_name_it_came_with(
    files: Path, is_given: bool, source: str | None, variable: str
) -> None:
    """A frame that is ready is sent as it is, by its own name."""
    draft = Draft(pd.DataFrame() if is_given else None)
    draft.read("out.csv" if source else None)
    assert (draft.source, draft.variable) == (source, variable)
    draft.find_numbers("number", region="DE")
    assert draft.variable == "messages"
