"""Whoever was on a list is not texted, whatever happens to the frame afterwards."""

import copy
import io
import json
import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import SmspmWarning
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.columns import texts_of
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.vocabulary import PROBLEMS

ANA, EVA = "491713920012", "491713920013"

#: Spellings of which many are another number, or none, in another region.
PHONES = [
    "0171 3920012",
    "+49 171 39200 12",
    "1713920012",
    "020 7946 0123",
    "2079460123",
    "2025550167",
    "4795550167",  # Arkansas, and with a country code Norway
    "37256789045",
    "5123456",
    "3023125000",
    "030/23125000",
    "x",
    None,
]
REGIONS = ["DE", "GB", "US", "EE", None]


def reachable() -> list[str]:
    """Every number that one of the spellings is in one of the regions."""
    frame = pd.DataFrame({"phone": pd.Series(PHONES, dtype=object)})
    found = (normalize_numbers(frame, region=region)["sms_to"].dropna() for region in REGIONS)
    return sorted({number for numbers in found for number in numbers})


NUMBERS = reachable()
LISTS = st.lists(st.sampled_from(NUMBERS), max_size=3)
SHAPES = st.sampled_from(["list", "series", "frame", "file"])


def shaped(numbers: list[str], shape: str, folder: Path) -> Any:
    """The numbers of a list in one of the shapes that are taken."""
    written = [f"+{number}" for number in numbers]
    if shape == "list":
        return written
    if shape == "series":
        return pd.Series(written, dtype=object)
    frame = pd.DataFrame({"Phone ": pd.Series(written, dtype=object), "name": "Ana"})
    if shape == "frame":
        return frame
    frame.to_csv(folder / "stop.csv", index=False)
    return folder / "stop.csv"


class OptOuts(RuleBasedStateMachine):
    """A frame on its way through a notebook, and the numbers its lists have named so far."""

    def __init__(self) -> None:
        super().__init__()
        self.named: set[str] = set()
        self.folder = tempfile.TemporaryDirectory()

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(
        phones=st.lists(st.sampled_from(PHONES), max_size=6),
        lands=st.lists(st.sampled_from(["de", "United Kingdom", "USA", "", None, "?"]), min_size=6),
    )
    def begin(self, phones: list[str | None], lands: list[str | None]) -> None:
        frame = pd.DataFrame(
            {
                "phone": pd.Series(phones, dtype=object),
                "land": pd.Series(lands[: len(phones)], dtype=object),
            },
            index=pd.Index([7] * len(phones), name="id"),
        )
        self.frame = normalize_numbers(frame, region="DE")

    def run(self, helper: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        """Run a helper twice: its input stays, the second time changes nothing."""
        given = self.frame
        before, attrs = given.copy(deep=True), copy.deepcopy(given.attrs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmspmWarning)  # numbers that changed are told
            once = helper(given)
            again = helper(once)
        assert_frame_equal(given, before, check_exact=True)
        assert given.attrs == attrs
        assert_frame_equal(again, once, check_exact=True)
        assert again.attrs == once.attrs
        own = [name for name in before.columns if not str(name).startswith("sms_")]
        assert_frame_equal(once[own], before[own], check_exact=True)
        self.frame = once

    @rule(
        region=st.sampled_from([*REGIONS, "land"]),
        countries=st.sampled_from([None, ["DE"], ["Estonia", "gb"]]),
        mobile_only=st.booleans(),
    )
    def normalize(
        self, region: str | None, countries: list[str] | None, *, mobile_only: bool
    ) -> None:
        self.run(
            lambda frame: normalize_numbers(
                frame, region=region, countries=countries, mobile_only=mobile_only
            )
        )

    @rule(keep=st.sampled_from(["first", "last", "none"]))
    def duplicates(self, keep: Any) -> None:
        self.run(lambda frame: mark_duplicates(frame, keep=keep))

    @rule(numbers=LISTS, shape=SHAPES)
    def suppress(self, numbers: list[str], shape: str) -> None:
        listed = shaped(numbers, shape, Path(self.folder.name))
        self.run(lambda frame: mark_suppressed(frame, listed))
        self.named |= set(numbers)

    @rule(shape=SHAPES, data=st.data())
    def suppress_somebody_here(self, shape: str, data: st.DataObject) -> None:
        here = sorted({*self.frame["sms_to"].dropna()} - {""})  # blank, as a file has it
        if here:
            self.suppress([data.draw(st.sampled_from(here))], shape)

    @rule(template=st.sampled_from(["Hi", "{{ phone }} {{ land }}"]))
    def render(self, template: str) -> None:
        self.run(lambda frame: render_messages(frame, template))

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        size = len(self.frame)
        phones = data.draw(st.lists(st.sampled_from(PHONES), min_size=size, max_size=size))
        self.frame = self.frame.assign(phone=pd.array(phones, dtype=object))
        self.normalize("DE", None, mobile_only=False)

    @rule(data=st.data())
    def filter_rows(self, data: st.DataObject) -> None:
        size = len(self.frame)
        mask = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
        self.frame = self.frame[np.array(mask, dtype=bool)]
        self.forget_what_nothing_tells()

    @rule(seed=st.integers(0, 9))
    def shuffle(self, seed: int) -> None:
        self.frame = self.frame.sample(frac=1, random_state=seed)

    @rule()
    def sort(self) -> None:
        self.frame = self.frame.sort_values("sms_to").reset_index(drop=True)

    @rule(deep=st.booleans())
    def copy_it(self, *, deep: bool) -> None:
        self.frame = self.frame.copy(deep=deep)

    @rule()
    def pickle_it(self) -> None:
        self.frame = pickle.loads(pickle.dumps(self.frame))

    @rule()
    def part_and_join(self) -> None:
        self.frame = pd.concat([self.frame.head(2), self.frame.iloc[2:]])

    @rule()
    def drop_what_helpers_said(self) -> None:
        self.frame = self.frame[["phone", "land"]]
        self.forget_what_nothing_tells()
        self.normalize("GB", None, mobile_only=False)

    @rule(dtype=st.sampled_from(["object", "string[pyarrow]", "category"]))
    def convert(self, dtype: Any) -> None:
        ours = [name for name in self.frame.columns if name.startswith("sms_")]
        texts = [name for name in ours if name != "sms_segments"]
        self.frame = self.frame.astype(dict.fromkeys(texts, dtype))

    @rule(missing=st.booleans())
    def through_a_file(self, *, missing: bool) -> None:
        text = self.frame.to_csv(index=False)
        self.frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=missing)
        self.forget_what_nothing_tells()

    def forget_what_nothing_tells(self) -> None:
        """A file keeps no memory of the lists: what its marked rows tell is all that is known."""
        if "sms_opted_out" not in self.frame.attrs:
            told = zip(texts_of(self.frame, "sms_to"), texts_of(self.frame, PROBLEMS), strict=True)
            self.named = {number for number, codes in told if "opted_out" in codes.split()} - {""}

    @invariant()
    def nobody_who_opted_out_is_texted(self) -> None:
        texted = {
            number
            for number in self.frame.loc[self.frame["sms_problem"].isna(), "sms_to"]
            if isinstance(number, str)
        }
        assert not texted & self.named


OptOuts.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_nobody_who_opted_out_is_texted = OptOuts.TestCase


def people(*phones: str, region: str | None = "DE") -> pd.DataFrame:
    return normalize_numbers(pd.DataFrame({"phone": list(phones)}), region=region)


def problems(frame: pd.DataFrame) -> list[str]:
    return [str(code) for code in frame["sms_problems"].fillna("")]


def test_number_that_was_listed_all_along_is_marked_when_it_is_read() -> None:
    """A list given before its number could be read counts when it can, and says where it stood."""
    frame = people("0171 3920012", "0171 3920013", region=None)
    listed = mark_suppressed(frame, [f"+{ANA}"])
    assert problems(listed) == ["invalid_number", "invalid_number"]
    read = normalize_numbers(listed, region="DE")
    assert problems(read) == ["opted_out", ""]
    assert read["sms_detail"].to_list()[0] == "Opted out: listed in the opt-out list, row 0."


def test_number_that_comes_back_is_marked_again() -> None:
    """Away and back, by region or by hand: the list is still known."""
    listed = mark_suppressed(people("0171 3920012"), [f"+{ANA}"])
    with pytest.warns(SmspmWarning, match=r"^1 row has another number than before"):
        away = normalize_numbers(listed.assign(phone="0171 3920013"), region="DE")
    assert problems(away) == [""]
    assert problems(normalize_numbers(away.assign(phone="+49 171 3920012"))) == ["opted_out"]


def test_row_that_is_added_later_is_judged_by_the_same_lists() -> None:
    """A listed number in a new row is marked as soon as it is read."""
    listed = mark_suppressed(people("0171 3920012"), [f"+{ANA}", f"+{EVA}"])
    more = listed.assign(phone="0171 3920013")
    with pytest.warns(SmspmWarning):
        assert problems(normalize_numbers(more, region="DE")) == ["opted_out"]


def test_first_list_that_named_a_number_is_the_one_told() -> None:
    """Later lists do not change what is said of a row, in whatever order they are remembered."""
    frame = people("0171 3920012", "0171 3920013")
    first = pd.Series([f"+{EVA}"], index=[3])
    second = pd.Series([f"+{ANA}", f"+{EVA}"], index=[8, 9])
    marked = mark_suppressed(mark_suppressed(frame, first), second)
    assert marked["sms_detail"].to_list() == [
        "Opted out: listed in the opt-out list, row 8.",
        "Opted out: listed in the opt-out list, row 3.",
    ]
    assert mark_suppressed(marked, first).attrs == marked.attrs


def test_marks_of_a_file_are_lists_too() -> None:
    """Read back from a file, a marked row is remembered by its number, and marks its copies."""
    marked = mark_suppressed(people("0171 3920012", "0171 3920013"), [f"+{ANA}"])
    back = pd.read_csv(io.StringIO(marked.to_csv(index=False)), dtype=str)
    assert not back.attrs
    with pytest.warns(SmspmWarning, match="^1 row has another number than before"):
        again = normalize_numbers(back.assign(phone="+49 171 3920012"))
    assert problems(again) == ["opted_out", "opted_out"]
    assert again["sms_detail"].to_list() == [
        "Opted out: listed in the opt-out list, row 0.",
        "Opted out: listed in an earlier list.",
    ]


def test_mark_of_a_file_is_known_after_its_number_went_away() -> None:
    """Read back from a file, read without its region, and with it again: still opted out."""
    marked = mark_suppressed(people("0171 3920012"), [f"+{ANA}"])
    back = pd.read_csv(io.StringIO(marked.to_csv(index=False)), dtype=str)
    with pytest.warns(SmspmWarning, match="^1 row has another number than before"):
        away = normalize_numbers(back)
    assert problems(away) == ["invalid_number"]
    assert problems(normalize_numbers(away, region="DE")) == ["opted_out"]


def test_memory_is_one_text_and_the_frame_given_has_none() -> None:
    """What is remembered is JSON, sorted, so that equal memories are equal texts for pandas."""
    frame = people("0171 3920012")
    marked = mark_suppressed(frame, [f"+{EVA}", f"+{ANA}"])
    listed = {ANA: "the opt-out list, row 1", EVA: "the opt-out list, row 0"}
    assert marked.attrs == {"sms_opted_out": json.dumps(listed)}
    assert frame.attrs == {}
    assert mark_suppressed(frame, []).attrs == {}


def test_attributes_of_the_users_own_stay() -> None:
    """Only one key is ours."""
    frame = people("0171 3920012")
    frame.attrs["source"] = "shop"
    marked = mark_duplicates(normalize_numbers(mark_suppressed(frame, [f"+{ANA}"]), region="DE"))
    assert set(marked.attrs) == {"sms_opted_out", "source"}
    assert frame.attrs == {"source": "shop"}


def test_frame_that_remembers_can_be_kept_as_parquet(tmp_path: Path) -> None:
    """Parquet writes the attributes as JSON, and brings the memory back."""
    marked = mark_suppressed(people("0171 3920012", "0171 3920013"), [f"+{EVA}"])
    marked.to_parquet(tmp_path / "people.parquet")
    back = pd.read_parquet(tmp_path / "people.parquet")
    assert back.attrs == marked.attrs
    with pytest.warns(SmspmWarning, match="^1 row has another number than before"):
        again = normalize_numbers(back.assign(phone="0171 3920013"), region="DE")
    assert problems(again) == ["opted_out", "opted_out"]


def test_parts_of_a_frame_join_again_with_their_memory() -> None:
    """Attributes that are equal are kept by pandas."""
    marked = mark_suppressed(people("0171 3920012", "0171 3920013"), [f"+{EVA}", f"+{ANA}"])
    parts = [normalize_numbers(part, region="DE") for part in (marked.head(1), marked.tail(1))]
    assert pd.concat(parts).attrs == marked.attrs


def test_mark_without_a_number_marks_nobody_else() -> None:
    """A marked row whose number a person took away says nothing of other rows without one."""
    marked = mark_suppressed(people("0171 3920012", "x"), [f"+{ANA}"])
    marked = marked.assign(sms_to=pd.Series([None, None], dtype="str"))
    marked.attrs = {}
    assert problems(mark_suppressed(marked, [])) == ["opted_out", "invalid_number"]


def test_first_row_of_a_list_that_named_a_number_is_the_one_told() -> None:
    """A person who stands on a list twice is named by the upper row."""
    listed = pd.Series([f"+{ANA}", f"+{EVA}", ANA], index=[4, 5, 6])
    marked = mark_suppressed(people("0171 3920012"), listed)
    assert marked["sms_detail"].to_list() == ["Opted out: listed in the opt-out list, row 4."]
