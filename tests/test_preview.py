"""What will happen, before it does: figures as whole values, numbers masked, always small."""

import io
import math
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from smspm_campaigns.batches import Item, take_request
from smspm_campaigns.campaign.ordering import send_order
from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, SmspmWarning
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.preview import Preview, preview
from smspm_campaigns.frames.templates import render_messages

SAMPLES = Path(__file__).parent.parent / "sample_data"


@dataclass(frozen=True)
class Rate:
    requests_per_minute: float | None


def quiet(frame: pd.DataFrame, **options: Any) -> Preview:
    """A preview whose warnings do not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmspmWarning)
        return preview(frame, **options)


def messages(texts: list[str], numbers: list[str] | None = None, **columns: Any) -> pd.DataFrame:
    """A frame of messages of one segment each."""
    numbers = numbers or [f"4917139200{place:02}" for place in range(len(texts))]
    frame = pd.DataFrame({"sms_to": numbers, "sms_text": texts}, dtype="str")
    return frame.assign(sms_segments=pd.array([1] * len(frame), dtype="Int64"), **columns)


def small_campaign() -> pd.DataFrame:
    """Eight people: two share a text, one is Swedish and dear, three are left out."""
    people = pd.DataFrame(
        {
            "name": ["Ana", "Eva", "Ana", "Жанна", "Mia", None, "Zoe", "Ida"],
            "phone": [
                "0171 39200 10",
                "0171 39200 11",
                "0171 39200 12",
                "0171 39200 13",
                "0171 39200 10",  # as the first
                "0171 39200 15",
                "damaged",
                "+46 70 174 06 05",
            ],
        },
        index=pd.RangeIndex(2, 10, name="row"),
    )
    return (
        people.pipe(normalize_numbers, region="DE")
        .pipe(mark_duplicates)
        .pipe(render_messages, "Hi {{ name }}, " + "sale! " * 12 + "Reply STOP")
        .pipe(estimate_costs, {"DE": 0.1, "SE": "0,25"})
    )


def test_figures_are_those_counted_by_hand() -> None:
    """Every figure of a small campaign, as whole values."""
    seen = preview(small_campaign(), client=Rate(60))
    assert (seen.rows, seen.messages, seen.texts, seen.requests) == (8, 5, 4, 4)
    assert seen.because_of == ("name",)
    assert (seen.segments, seen.unpriced) == (6, 0)
    assert seen.cost == pytest.approx(0.75)
    assert (seen.duration, seen.tracking) == (pd.Timedelta("4s"), pd.Timedelta("5s"))
    assert seen.warnings == ()
    assert_series_equal(
        seen.problems,
        pd.Series(
            {"duplicate": 1, "missing_value": 1, "invalid_number": 1}, dtype="Int64", name="count"
        ),
        check_names=False,
        check_index_type=False,
    )
    assert seen.examples == {
        "duplicate": ([6], "row 2 has the same number and is kept."),
        "missing_value": ([7], "the cell for {{ name }} is blank."),
        "invalid_number": ([8], "'damaged': it does not look like a phone number."),
    }
    assert_frame_equal(
        seen.encodings,
        pd.DataFrame(
            {"messages": [4, 1], "segments": [4, 2]},
            index=pd.Index(["GSM-7", "UCS-2"], name="encoding"),
            dtype="Int64",
        ),
        check_index_type=False,
    )
    assert seen.replaced == (0, 0, {})
    assert seen.forced.stuck == [("name", 1)]
    assert_frame_equal(
        seen.countries,
        pd.DataFrame(
            {
                "messages": pd.array([4, 1], dtype="Int64"),
                "segments": pd.array([5, 1], dtype="Int64"),
                "cost": [0.5, 0.25],
            },
            index=pd.Index(["DE", "SE"], name="country"),
        ),
        check_index_type=False,
    )
    sale = "sale! " * 12 + "Reply STOP"
    assert seen.samples == (
        ("First, shortest", "4917******10", (f"Hi Ana, {sale}",), 1, "GSM-7"),
        (
            "Longest",
            "4917******13",
            (f"Hi Жанна, {sale}"[:67], f"Hi Жанна, {sale}"[67:]),
            2,
            "UCS-2",
        ),
    )


def test_half_a_cent_is_a_cent_as_in_every_report() -> None:
    """What is said before a send and after it is rounded alike."""
    frame = small_campaign()[:1].assign(sms_cost=0.125)
    assert "Cost:      about 0.13 EUR" in str(preview(frame)).split("\n")


def test_text_says_all_that_the_figures_say() -> None:
    """The whole preview as a terminal shows it, with the border of a segment."""
    shown = str(preview(small_campaign(), client=Rate(60)))
    assert shown.split("\n") == [
        "Messages:  5 of 8 rows; 3 will not be sent",
        "Requests:  4, one per text because of {{ name }}",
        "Segments:  6 (4 GSM-7 in 4 messages, 2 UCS-2 in 1 message)",
        "Cost:      about 0.75 EUR",
        "Time:      sending about 4 s, each round of tracking about 5 s",
        "Not sent:",
        "  1 duplicate (row 6): row 2 has the same number and is kept.",
        "  1 missing value (row 7): the cell for {{ name }} is blank.",
        "  1 invalid number (row 8): 'damaged': it does not look like a phone number.",
        "By country:",
        "  DE: 4 messages, 5 segments, 0.50 EUR",
        "  SE: 1 message, 1 segment, 0.25 EUR",
        "Forces Unicode:",
        "  Ж а н, which nothing replaces, from the column 'name' in 1 message",
        "First, shortest, to 4917******10 (1 segment, GSM-7):",
        "  Hi Ana, sale! sale! sale! sale! sale! sale! sale! sale! sale! sale! sale! ",
        "  sale! Reply STOP",
        "Longest, to 4917******13 (2 segments, UCS-2):",
        "  Hi Жанна, sale! sale! sale! sale! sale! sale! sale! sale! sale! sal┆e! sale! ",
        "  sale! Reply STOP",
    ]


NUMBERS = st.sampled_from([f"4917139200{place}" for place in range(10, 22)])
ROWS = st.lists(
    st.tuples(NUMBERS, st.sampled_from(["Hi", "Ho"]), st.sampled_from(["", "Shop", "SMSPM"])),
    max_size=40,
)


@settings(deadline=None)
@given(ROWS, st.integers(1, 130))
def test_requests_are_those_the_sender_makes(rows: list[tuple[str, str, str]], crowd: int) -> None:
    """Draining the same rows gives as many requests as foretold: the least possible number."""
    rows = [*rows, *((f"4670174{place:04}", "Hi", "") for place in range(crowd))]
    frame = messages([text for _, text, _ in rows], [number for number, _, _ in rows])
    frame["sms_sender"] = pd.Series([sender or None for *_, sender in rows], dtype="str")
    items = [Item(key, number, (text, sender)) for key, (number, text, sender) in enumerate(rows)]
    contents = [*{item.content: None for item in items}]
    order = send_order(
        np.array([int(item.number) for item in items]),
        np.array([contents.index(item.content) for item in items]),
    )
    waiting = [items[place] for place in order]
    requests, taken = 0, []
    while waiting:
        request = take_request(waiting)
        assert len({item.number for item in request}) == len(request) <= 100
        taken += [item.key for item in request]
        waiting = [item for item in waiting if item not in request]
        requests += 1
    least = 0
    for content in {(text, sender) for _, text, sender in rows}:
        numbers = [number for number, *rest in rows if tuple(rest) == content]
        least += max(math.ceil(len(numbers) / 100), *Counter(numbers).values())
    assert sorted(taken) == list(range(len(rows)))
    assert quiet(frame).requests == requests == least


@pytest.mark.parametrize(
    ("columns", "template", "told"),
    [
        ({"name": ["Ana", "Eva"]}, "{{ name }}", "2, one per person because of {{ name }}"),
        ({"First Name": ["Ana", "Eva"], "shop": ["A", "A"]}, "{{ first_name }} {{ shop }}",
         "2, one per person because of {{ first_name }}"),
        ({"id": [1, 2, 3], "name": ["Ana", "Eva", "Ana"]}, "{{ name }} {{ id }}",
         "3, one per person because of {{ id }}"),  # the name alone would be two texts
        ({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2]}, "{{ a }} {{ b }}",
         "4, one per person because of {{ a }} and {{ b }}"),  # neither alone
        ({"a": [1, 2, 3, 1, 2, 3], "b": [1, 1, 1, 2, 2, 2], "c": [1] * 6}, "{{ c }}{{ b }}{{ a }}",
         "6, one per person because of {{ a }} and {{ b }}"),
        ({"name": ["Ana", "Eva", "Ana"]}, "{{ name }}", "2, one per text because of {{ name }}"),
        ({"a": ["x", "y", "y"], "b": ["1", "1", "2"]}, "{{ a }}{% if b == '9' %}!{% endif %}",
         "2, one per text because of {{ a }}"),  # b tells rows apart, not texts
        ({"name": ["Ana", "Eva", "Ana"]}, "Hi", "1, one text for all"),
        ({"name": ["Ana"]}, "{{ name }}", "1"),
        ({name: [0, *(1 if name == other else 0 for other in "abcd")] for name in "abcd"},
         "{{ a }}{{ b }}{{ c }}{{ d }}",
         "5, one per person because of {{ a }} and {{ b }} and {{ c }} and others"),
    ],
)  # fmt: skip
def test_placeholders_that_make_texts_differ_are_named(
    columns: dict[str, list[Any]], template: str, told: str
) -> None:
    """The fewest placeholders that tell the texts apart, that of most values first."""
    people = pd.DataFrame(columns, dtype="str")
    people["phone"] = [f"0171 39200{place}" for place in range(10, 10 + len(people))]
    frame = people.pipe(normalize_numbers, region="DE").pipe(render_messages, f"{template} STOP")
    shown = " ".join(str(quiet(frame)).split())
    assert shown.partition("Requests: ")[2].partition(" Segments:")[0] == told


def test_texts_of_their_own_without_a_column_are_said_too() -> None:
    """Where no column explains it, nothing is blamed."""
    seen = preview(messages(["one STOP", "two STOP"], name=["Ana", None]))
    assert seen.because_of == ()
    assert "Requests:  2, one per person\n" in str(seen)


def test_frame_from_a_file_has_its_columns_guessed() -> None:
    """What made the texts is not in a file; a column counts whose cells stand in them."""
    frame = messages(["Hi Ana STOP", "Hi Eva STOP"], First=["Ana", "Eva"], age=["1", "2"])
    assert preview(frame).because_of == ("first",)


def test_many_texts_differ_because_of_the_same_as_few() -> None:
    """Of very many rows some are looked at, all over the frame."""
    size = 30_001
    frame = messages([f"{place // 30_000} {place} STOP" for place in range(size)], ["1"] * size)
    kinds = [str(place // 30_000) for place in range(size)]
    frame = frame.assign(kind=kinds, id=[str(place) for place in range(size)])
    assert preview(frame).because_of == ("id",)


def test_one_text_for_one_number_many_times_is_no_text_of_its_own() -> None:
    """Copies of a number need a request each; the texts are not to blame."""
    seen = preview(messages(["Hi STOP"] * 3, ["491713920010"] * 3))
    assert (seen.requests, seen.texts, seen.because_of) == (3, 1, ())


@pytest.mark.parametrize(
    "text",
    ["Hi. Reply STOP", "stop: 1234", "To opt out text 1", "opt-out: x.ee", "Unsubscribe: x.ee",
     "Abmelden: STOPP an 1", "Pour vous désabonner", "Avregistrera dig", "Loobumiseks saada EI",
     "Aby zrezygnować", "Для отказа: отпишитесь", "Para darse de baja", "Peruuta viesti"],
)  # fmt: skip
def test_text_that_tells_how_to_opt_out_is_silent(text: str) -> None:
    """One text that says it, in any of the languages of our users, is enough."""
    assert preview(messages(["Sale!", text])).warnings == ()


@pytest.mark.parametrize(
    "text",
    ["Gran rebaja", "Stopover in Tartu", "We adopt outdoor cats", "Shop now", "Nonstop sale"],
)
def test_text_that_only_sounds_like_it_warns(text: str) -> None:
    """The near misses: a Spanish sale, a stopover, and words that hold the words."""
    with pytest.warns(SmspmWarning, match="No text says how to opt out") as warned:
        seen = preview(messages([text]))
    assert warned[0].filename == __file__
    assert seen.warnings == (str(warned[0].message),)
    assert "Look at this: No text says how to opt out" in str(seen)
    assert '<p class="note">No text says how to opt out' in seen._repr_html_()


def test_no_number_can_be_read_off() -> None:
    """Neither text nor HTML holds a whole number, even where it is the index."""
    frame = small_campaign()
    frame = frame.set_axis(pd.Index([f"+4917139200{place}" for place in range(10, 18)]), axis=0)
    seen = preview(frame)
    shown = str(seen) + seen._repr_html_()
    assert "0171" not in shown
    assert not re.search(r"\d{7}", shown)
    assert "4917******10" in shown


def test_html_escapes_what_strangers_wrote() -> None:
    """Texts, names of columns, countries and labels are shown, never run."""
    evil = "<script>alert('x')</script>&\"STOP"
    frame = messages(
        [evil + "1", evil + "2", "x"],
        **{"<b>name": ["1", "2", "x"]},
        sms_country=["<i>EE", "EE", "EE"],
        sms_problem=pd.Series([None, None, "duplicate"], dtype="str"),
    ).set_axis([evil] * 3, axis=0)
    html = quiet(frame)._repr_html_()
    for tag in ("<script", "<b>", "<i>", "alert('x')"):
        assert tag not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;STOP" in html
    assert "one per person because of {{ b_name }}" in html


def crowd(size: int) -> pd.DataFrame:
    """People of 30 countries, each with a text of their own; a third of them with problems."""
    place = np.arange(size)
    frame = pd.DataFrame({"name": [f"P{number:06}" for number in place]}, dtype="str")
    frame["sms_to"] = [f"49171{number:07}" for number in place]
    frame["sms_text"] = "Hi " + frame["name"] + ", reply STOP"
    frame["sms_segments"] = pd.array([1] * size, dtype="Int64")
    frame["sms_encoding"] = "GSM-7"
    frame["sms_country"] = np.array([f"{chr(65 + number)}A" for number in range(26)])[place % 26]
    frame["sms_cost"] = 0.05
    codes = np.array([None, None, "duplicate", None, None, "opted_out"], dtype=object)
    frame["sms_problem"] = pd.Series(codes[place % 6], dtype="str")
    return frame


def test_preview_of_many_rows_is_as_small_as_of_few() -> None:
    """100,000 rows give the same block as 100, but for longer figures."""
    few, many = preview(crowd(100)), preview(crowd(100_000))
    assert many.messages == 66_667
    for show in (str, Preview._repr_html_):
        assert len(show(many)) < len(show(few)) + 200
    assert sum(len(example.rows) for example in many.examples.values()) == 10


def test_countries_beyond_a_dozen_stand_together() -> None:
    """Eleven countries and the others, whose figures add up to all messages."""
    seen = preview(crowd(26_000))
    assert len(seen.countries) == 12
    assert seen.countries.index[-1] == "others"
    assert seen.countries.dtypes.astype(str).to_dict() == {
        "messages": "Int64",
        "segments": "Int64",
        "cost": "float64",
    }
    assert seen.countries["messages"].sum() == seen.messages
    assert seen.countries["cost"].sum() == pytest.approx(seen.cost)


def test_others_without_a_price_cost_nothing_that_is_known() -> None:
    """Where no country among the others has a price, their cost is missing, never zero."""
    frame = crowd(26_000).assign(sms_cost=float("nan"))
    frame.loc[frame["sms_country"] == frame["sms_country"].mode()[0], "sms_cost"] = 0.1
    assert preview(frame).countries["cost"].isna().tolist() == [False] + [True] * 11


@pytest.mark.parametrize(
    ("template", "blamed"),
    [
        ("{% if points > 500 %}Dear{% else %}Hi{% endif %}, come to {{ shop }}. STOP", ("shop",)),
        ("{% if points %}{% endif %}Hi {{ n }} STOP", ("n",)),
        ("{{ shop }} {{ kind }} STOP", ("shop", "kind")),
        ("Hi {{ n }} {{ shop }} STOP", ("n",)),
    ],
)
def test_only_what_the_texts_show_is_to_blame(template: str, blamed: tuple[str, ...]) -> None:
    """A placeholder that is only asked about makes no text its own."""
    rows = range(1_000)
    frame = pd.DataFrame(
        {
            "sms_to": [f"49171392{row:05}" for row in rows],
            "points": list(rows),
            "n": [f"n{row}" for row in rows],
            "shop": [f"s{row % 5}" for row in rows],
            "kind": [f"k{row % 3}" for row in rows],
        }
    )
    assert preview(render_messages(frame, template)).because_of == blamed


@pytest.mark.parametrize(
    ("column", "cell", "sentence"),
    [
        ("sms_problem", "my reason", "holds 'my reason', which is no problem this package knows"),
        (
            "sms_segments",
            "x",
            "sms_segments holds something that is no number. Run render_messages",
        ),
        ("sms_cost", "x", "sms_cost holds something that is no number. Run estimate_costs again."),
    ],
)
def test_cell_of_ours_that_cannot_be_meant_is_refused(
    column: str, cell: str, sentence: str
) -> None:
    """What a person wrote into a column of ours is a sentence, and no traceback of pandas."""
    frame = messages(["Hi STOP", "Ho STOP"]).astype({"sms_segments": object})
    frame[column] = pd.Series([cell, 1] if column != "sms_problem" else [cell, None], dtype=object)
    with pytest.raises(InvalidArgument) as raised:
        preview(frame)
    assert sentence in str(raised.value)


def test_very_long_text_is_cut() -> None:
    """Of a text that never ends, eight segments are shown; the figures tell how many there are."""
    frame = messages(["STOP " + "x" * 100_000]).assign(sms_segments=654)
    shown = str(quiet(frame))
    assert "Segments:  654" in shown
    assert shown.endswith("x┆\n  …")
    assert len(shown) < 2000
    assert len(quiet(frame)._repr_html_()) < 5000


def test_nothing_to_send_is_a_preview_too() -> None:
    """Empty frames and frames of problems are shown without a word about opting out."""
    for frame in (messages([]), messages(["Hi"]).assign(sms_problem="duplicate")):
        seen = preview(frame)
        assert (seen.messages, seen.requests, seen.segments, seen.cost) == (0, 0, 0, None)
        assert seen.samples == ()
        assert "Cost:      nothing to send\nTime:      nothing to send" in str(seen)
        assert "nothing to send" in seen._repr_html_()


@pytest.mark.parametrize(
    ("rate", "people", "time"),
    [
        (None, 60, "no rate limit on the simulator"),
        (60, 60, "sending about 60 s, each round of tracking about 60 s"),
        (1, 60, "sending about 60 min, each round of tracking about 60 min"),
        (1, 121, "sending about 2.0 h, each round of tracking about 2.0 h"),
    ],
)
def test_time_is_that_of_the_clients_rate(rate: float | None, people: int, time: str) -> None:
    """Requests divided by the rate, in the unit a person would say."""
    frame = messages([f"{place} STOP" for place in range(people)], [str(n) for n in range(people)])
    assert f"Time:      {time}" in str(preview(frame, client=Rate(rate)))


def test_without_a_client_the_rate_is_that_of_the_standard_plan() -> None:
    """100 requests a minute."""
    seen = preview(messages(["Hi STOP"] * 101, [str(number) for number in range(101)]))
    assert (seen.requests, seen.duration) == (2, pd.Timedelta("1.2s"))


def test_message_without_a_price_is_said() -> None:
    """What has no price is counted apart, and a campaign without prices has no cost."""
    frame = messages(["Hi STOP"] * 3, sms_country=["EE", "EE", "SE"], sms_cost=[0.05, 0.05, np.nan])
    seen = preview(frame)
    assert seen.cost == pytest.approx(0.1)
    assert seen.unpriced == 1
    assert seen.unpriced_countries == ("SE",)
    assert "about 0.10 EUR, and 1 message without a price (SE)" in str(seen)
    assert "SE: 1 message, 1 segment, no price" in str(seen)
    unpriced = preview(frame.drop(columns="sms_cost"))
    assert (unpriced.cost, unpriced.unpriced) == (None, 3)
    assert "not known: no prices were given" in str(unpriced)


def test_every_problem_shows_five_rows() -> None:
    """Of many rows with one problem, the first five are named."""
    frame = messages(["Hi STOP"] * 9, sms_problem=["duplicate"] * 8 + [None])
    assert "8 duplicate (row 0, 1, 2, 3, 4, …)" in str(preview(frame))


def test_report_that_was_read_back_is_previewed_alike() -> None:
    """Texts in place of figures, and "" in place of nothing, are what a CSV holds."""
    frame = small_campaign()
    texts = frame.astype(object).where(frame.notna(), "").astype("str")
    assert str(preview(texts)) == str(preview(frame))


def test_preview_changes_nothing() -> None:
    """The frame is as it was."""
    frame = small_campaign()
    held = frame.copy(deep=True)
    preview(frame)
    assert_frame_equal(frame, held)


@pytest.mark.parametrize("missing", ["sms_to", "sms_text", "sms_segments"])
def test_forgotten_step_is_named(missing: str) -> None:
    """Without numbers or texts there is nothing to preview, and the step is named."""
    with pytest.raises(ColumnNotFound, match=f"no column '{missing}' yet: run"):
        preview(messages(["Hi"]).drop(columns=missing))
    with pytest.raises(InvalidArgument, match="got dict"):
        preview({})  # type: ignore[arg-type]


def test_sample_campaign_accounts_for_every_row() -> None:
    """Messages and problems of the sample add up to its rows."""
    frame = pd.read_csv(SAMPLES / "spring_sale.csv", sep=";", dtype="str", encoding="utf-8-sig")
    ready = (
        frame.pipe(normalize_numbers, region="country")
        .pipe(mark_duplicates)
        .pipe(mark_suppressed, SAMPLES / "opted_out.csv")
        .pipe(render_messages, SAMPLES / "spring_sale.txt")
        .pipe(estimate_costs, SAMPLES / "prices.csv")
    )
    seen = preview(ready)
    assert seen.messages + int(seen.problems.sum()) == seen.rows == len(frame)
    assert seen.countries["messages"].sum() == seen.messages
    assert seen.encodings["messages"].sum() == seen.messages
    assert seen.encodings["segments"].sum() == seen.segments
    assert seen.unpriced == 0


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        (["mobile", "fixed_line_or_mobile"], ""),
        (
            ["mobile", "fixed_line"],
            (
                "1 number is a landline, which may not receive an SMS; mobile_only=True leaves "
                "them out."
            ),
        ),
        (
            ["fixed_line", "fixed_line"],
            (
                "2 numbers are landlines, which may not receive an SMS; mobile_only=True leaves "
                "them out."
            ),
        ),
    ],
)
def test_landlines_are_told_in_the_block(lines: list[str], note: str) -> None:
    """What is surely a landline is counted in a sentence, without a warning of Python's."""
    seen = preview(messages(["STOP"] * 2, sms_line=pd.array(lines, dtype="str")))
    assert "".join(seen.warnings) == note


def test_landline_that_is_not_sent_is_not_told() -> None:
    """Only rows that will be sent count."""
    people = pd.DataFrame({"phone": ["030 901820", "0171 3920012"]})
    frame = normalize_numbers(people, region="DE", mobile_only=True)
    assert preview(render_messages(frame, "Reply STOP")).warnings == ()


@pytest.mark.parametrize(
    ("keep", "note"),
    [
        (
            "first",
            (
                "1 person is left out although another row of theirs could be sent: the row that "
                "was kept has a problem. Mend it, or drop it and run mark_duplicates again."
            ),
        ),
        ("last", ""),
        ("none", ""),
    ],
)
def test_sendable_copy_of_a_faulty_row_is_told(keep: Any, note: str) -> None:
    """A person whose kept row has a problem, and whose other rows are duplicates only, is told."""
    people = pd.DataFrame(
        {
            "name": [None, "Eva", "Eva", "Ida", None],
            "phone": ["0171 3920012"] * 3 + ["0171 3920013"] * 2,
        }
    ).drop(index=4 if keep == "last" else [])
    frame = mark_duplicates(normalize_numbers(people, region="DE"), keep=keep)
    assert "".join(preview(render_messages(frame, "{{ name }} STOP")).warnings) == note


def test_tables_take_the_colour_of_the_page() -> None:
    """A page in quirks mode, as notebooks may be, would show tables in black."""
    html = preview(messages(["STOP"]))._repr_html_()
    assert "table { border-collapse: collapse; color: inherit;" in html


def test_client_is_a_client() -> None:
    """Something without a rate is refused as an argument."""
    with pytest.raises(InvalidArgument) as raised:
        preview(messages(["STOP"]), client=5)  # type: ignore[arg-type]
    assert str(raised.value) == "client is the Client to send with, not 5."


READ_TWICE = (
    "valid with a country code and without one; sms_detail says how each was read. Write a plus "
    "before those that have a country code."
)


@pytest.mark.parametrize(
    ("phones", "count", "sentence"),
    [
        (["37256789045"], 1, f"1 number is {READ_TWICE}"),
        (["37256789045", "37256789046"], 2, f"2 numbers are {READ_TWICE}"),
        (["37256789045", "37256789045"], 1, f"1 number is {READ_TWICE}"),  # a copy is not sent
        (["37256789045", "37256789047"], 1, f"1 number is {READ_TWICE}"),  # opted out
        ([f"372567{place}" for place in range(10_000, 11_000)], 1000,
         f"1,000 numbers are {READ_TWICE}"),
        (["372 5678 9045"], 1, f"1 number is {READ_TWICE}"),
        (["+37256789045", "0171 3920012", "x"], 0, None),
    ],
)  # fmt: skip
def test_numbers_with_two_readings_are_counted_where_they_are_sent(
    phones: list[str], count: int, sentence: str | None
) -> None:
    """Digits that two countries could mean are counted and told, unless they are not sent."""
    frame = (
        pd.DataFrame({"phone": phones})
        .pipe(normalize_numbers, region="DE")
        .pipe(mark_duplicates)
        .pipe(mark_suppressed, ["+37256789047"])
        .pipe(render_messages, "Hi, reply STOP")
    )
    seen = preview(frame)
    assert seen.two_readings == count
    assert seen.warnings == (() if sentence is None else (sentence,))
    shown = " ".join(str(seen).split())
    assert (f"Look at this: {sentence}" in shown) == (sentence is not None)
    back = pd.read_csv(io.StringIO(frame.to_csv(index=False)), dtype=str)
    assert preview(back).two_readings == count


def test_numbers_are_shown_when_asked_for() -> None:
    """Whole numbers in captions, rows, sentences and texts, in both views; masked otherwise."""
    people = pd.DataFrame(
        {"phone": ["0171 392 0012", "+37212345678901234"]}, index=["0171-3920012", "+46 70 1740605"]
    )
    frame = people.pipe(normalize_numbers, region="DE").pipe(
        render_messages, "{{ phone }} is yours, 0800 1234567 is ours. STOP"
    )
    masked, whole = preview(frame), preview(frame, show_numbers=True)
    spelled = re.compile(r"[\d*+](?:[ -]?[\d*]){6,}")
    for show in (str, Preview._repr_html_):
        assert spelled.findall(show(masked)) == [
            "+4670*****05", "+3721***********34", "4917******12", "0171 *** **12", "0800 1234567",
        ]  # fmt: skip
        assert spelled.findall(show(whole)) == [
            "+46 70 1740605", "+37212345678901234", "491713920012", "0171 392 0012",
            "0800 1234567",
        ]  # fmt: skip
    with pytest.raises(InvalidArgument, match=r"show_numbers is True or False, not 1\."):
        preview(frame, show_numbers=1)  # type: ignore[arg-type]


def test_masked_number_takes_as_much_room_in_a_text() -> None:
    """Borders of segments stand where they stand in the text that is sent."""
    frame = messages(["x" * 149 + " 0171 39200 12 STOP"], ["491713920012"])
    masked, whole = (preview(frame, show_numbers=shown).samples[0].parts for shown in (False, True))
    assert [len(part) for part in masked] == [len(part) for part in whole] == [153, 15]


def test_text_of_most_segments_is_shown_where_it_is_not_the_longest() -> None:
    """Seventy-one letters with a curly quote cost more than a hundred and sixty without."""
    frame = render_messages(
        pd.DataFrame({"sms_to": ["1", "2", "3"], "text": ["STOP", "x" * 160, "’" + "y" * 70]}),
        "{{ text }}",
    )
    assert [(sample.title, sample.segments) for sample in preview(frame).samples] == [
        ("First, shortest", 1),
        ("Longest", 1),
        ("Most segments", 2),
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("x" * 5_000, "GSM-7", ["x" * 153] * 8),
        ("x" * 4_999 + "’", "UCS-2", ["x" * 67] * 8),  # what forces Unicode is not shown itself
        ("👋" * 5_000, "UCS-2", ["👋" * 33] * 8),
        ("€" * 5_000, "GSM-7", ["€" * 76] * 8),
        ("x" * 1_224, "GSM-7", ["x" * 153] * 8),
    ],
)
@pytest.mark.parametrize("column", [True, False])
def test_first_segments_of_a_long_text_are_those_of_the_whole(
    text: str, encoding: str, parts: list[str], column: bool
) -> None:
    """Only the beginning is cut, and where the whole text would be cut."""
    frame = messages([text]).assign(**({"sms_encoding": encoding} if column else {}))
    ellipsis = [] if len(text) == 1_224 else ["…"]
    sample = quiet(frame).samples[0]
    assert (list(sample.parts), sample.encoding) == ([*parts, *ellipsis], encoding)


def test_replacements_are_summed_up() -> None:
    """What became of what in how many texts, and the segments saved; of many, the first few."""
    notes = [
        "Replaced: ’ by ', … by ...; 1 segment instead of 2.",
        "Replaced: ’ by '; 1 segment instead of 2.",
        "Duplicate: x. · Replaced: ą by a, ć by c, ę by e, ł by l; 1 segment.",
        None,
    ]
    seen = preview(messages(["STOP"] * 4, sms_detail=pd.array(notes, dtype="str")))
    assert (seen.replaced.texts, seen.replaced.saved) == (3, 2)
    assert (
        "Replaced:\n  3 texts changed, 2 segments saved\n"
        "  ’ by ' in 2, ą by a in 1, ć by c in 1, ę by e in 1, and 2 more\n"
    ) in str(seen)


def test_characters_that_force_unicode_are_told() -> None:
    """Those of which replacing saves most first, each with its source, and the sums by option."""
    people = pd.DataFrame({"name": ["Łucja", "Ana", "Жанна"], "sms_to": ["1", "2", "3"]})
    frame = render_messages(people, "Hi {{ name }}, it’s “on”. STOP " + "x" * 60)
    shown = str(preview(frame))
    block = shown.partition("Forces Unicode:\n")[2].partition("\nFirst")[0]
    assert block.split("\n") == [
        "  ’ (right single quotation mark) from the template in 3 messages",
        "  “ (left double quotation mark) from the template in 3 messages",
        "  ” (right double quotation mark) from the template in 3 messages",
        "  Ł (latin capital letter l with stroke) from the column 'name' in 1 message",
        "  Ж а н, which nothing replaces, from the column 'name' in 1 message",
        "  replace='typography' would save 1 segment",
        "  replace='accents' would save 2 segments",
    ]


def test_hostile_cells_harm_neither_view() -> None:
    """Endless or steering labels, columns, countries, sentences and texts: short, and shown."""
    endless = "\x1b[31m<b>" + "x" * 100_000
    frame = messages(
        ["a", "b", endless],
        sms_country=[endless, "\u202eDE", "EE"],
        sms_problem=pd.array([None, None, "invalid_number"], dtype="str"),
        sms_detail=pd.array([None, None, "Invalid number: 0171 3920012" + endless], dtype="str"),
        **{endless: ["a", "b", "c"]},
    ).set_axis(pd.Index([endless, "b", "\u2066\x07"]), axis=0)
    seen = quiet(frame)
    assert len(str(seen)) < 1_500
    assert len(seen._repr_html_()) < 4_000
    for shown in (str(seen), seen._repr_html_()):
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2066]|3920012", shown)
    assert "<b>" not in seen._repr_html_()
