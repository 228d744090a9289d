"""Who is left out, and which row or list says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from smspm_campaigns.exceptions import (
    ColumnNotFound,
    ContactsUnreadable,
    InvalidArgument,
    NumbersUnreadable,
    SmspmWarning,
)
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.templates import render_messages

ANA, EVA, MIA = "491713920012", "491713920013", "491713920014"


def people(*phones: str | None, index: Any = None) -> pd.DataFrame:
    frame = pd.DataFrame({"phone": pd.Series(phones, dtype=object)})
    if index is not None:
        frame.index = pd.Index(index)
    return normalize_numbers(frame, region="DE")


def told(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Problems and detail of each row, None where there is nothing."""
    ours = frame[["sms_problems", "sms_detail"]].astype(object)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in ours.to_numpy()]


def duplicate(kept: object) -> tuple[str, str]:
    return "duplicate", f"Duplicate: row {kept} has the same number and is kept."


#: The second spelling of Ana needs no repair, so the details say nothing else.
THREE_ANAS = ["0171 3920012", "0171 3920013", "+49 171 39200 12", None, "0171-392-00-12", "x"]
NO_NUMBER = ("missing_number", "No number: the cell is blank.")
NOT_ONE = ("invalid_number", "Invalid number: 'x': it does not look like a phone number.")


@pytest.mark.parametrize(
    ("keep", "marks"),
    [
        ("first", [(None, None), (None, None), duplicate(2), NO_NUMBER, duplicate(2), NOT_ONE]),
        ("last", [duplicate(6), (None, None), duplicate(6), NO_NUMBER, (None, None), NOT_ONE]),
        (
            "none",
            [
                ("duplicate", "Duplicate: 3 rows have this number, and none is kept."),
                (None, None),
                ("duplicate", "Duplicate: 3 rows have this number, and none is kept."),
                NO_NUMBER,
                ("duplicate", "Duplicate: 3 rows have this number, and none is kept."),
                NOT_ONE,
            ],
        ),
    ],
)
def test_duplicates_name_the_row_that_is_kept(keep: Any, marks: list[tuple[Any, Any]]) -> None:
    """Spellings of one number are duplicates; rows without a number are none of each other."""
    frame = people(*THREE_ANAS, index=[2, 3, 4, 5, 6, 7])
    assert told(mark_duplicates(frame, keep=keep)) == marks


@pytest.mark.parametrize(
    ("index", "kept"),
    [
        (pd.Index(["Ana", "Eva"]), "Ana"),
        (pd.Index([7, 7]), "7"),
        (pd.Index([2.0, 3.0]), "2"),
        (pd.to_datetime(["2026-05-01", "2026-05-02"]), "2026-05-01"),
        (pd.MultiIndex.from_tuples([("DE", 1), ("DE", 2)]), "('DE', 1)"),
        (pd.Index(["a · b", "c"]), "a - b"),  # not taken for two notes
    ],
)
def test_kept_row_is_named_by_its_index(index: "pd.Index[Any]", kept: str) -> None:
    """Whatever the index, the sentence names the kept row by its label, and can be replaced."""
    marked = mark_duplicates(people("0171 3920012", "0171 3920012").set_axis(index, axis=0))
    assert told(marked) == [(None, None), duplicate(kept)]
    assert told(mark_duplicates(marked, keep="last"))[1] == (None, None)


def test_duplicates_are_judged_whatever_others_said() -> None:
    """A row with another problem is kept or marked like any other."""
    frame = mark_suppressed(people("0171 3920012", "0171 3920012"), [ANA])
    assert mark_duplicates(frame)["sms_problems"].to_list() == ["opted_out", "opted_out duplicate"]


def test_changing_what_is_kept_replaces_the_marks() -> None:
    """mark_duplicates owns its code: the last call counts."""
    frame = people("0171 3920012", "0171 3920012", "0171 3920013")
    for keep in ("first", "none", "last"):
        frame = mark_duplicates(frame, keep=keep)
    assert_frame_equal(
        frame, mark_duplicates(people("0171 3920012", "0171 3920012", "0171 3920013"), keep="last")
    )


def test_keep_is_one_of_three_words() -> None:
    """What pandas calls `False` is refused with the words there are."""
    with pytest.raises(InvalidArgument, match="keep is 'first', 'last' or 'none', not False"):
        mark_duplicates(people("0171 3920012"), keep=False)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["0171 3920012", "+491713920012", "0171 3920013", None, "x"])))
def test_one_row_of_each_number_is_left(phones: list[str | None]) -> None:
    """With one kept, as many rows are unmarked as there are numbers; with none, the single ones."""
    frame = people(*phones)
    numbers = frame["sms_to"].dropna()
    for keep, left in (("first", set(numbers)), ("last", set(numbers)), ("none", None)):
        marked = mark_duplicates(frame, keep=keep)  # type: ignore[arg-type]
        free = sorted(marked.loc[marked["sms_problem"].isna(), "sms_to"])
        assert free == sorted(
            left if left is not None else set(numbers[~numbers.duplicated(keep=False)])
        )


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([ANA, EVA, MIA, "", None])),
    st.sampled_from(["object", "str", "category", "string[pyarrow]"]),
    st.sampled_from(["first", "last", "none"]),
)
def test_copies_are_told_as_one_finds_them_row_by_row(
    numbers: list[str | None], dtype: Any, keep: Any
) -> None:
    """In any dtype each copy names the row that is kept, and rows without a number none."""
    frame = pd.DataFrame({"sms_to": pd.Series(numbers, dtype=object).astype(dtype)})
    places: dict[str, list[int]] = {}
    for place, number in enumerate(numbers):
        places.setdefault(number or "", []).append(place)
    expected: list[tuple[Any, ...]] = []
    for place, number in enumerate(numbers):
        same = places[number or ""]
        kept = {"first": same[0], "last": same[-1], "none": None}[keep]
        if not number or len(same) == 1 or place == kept:
            expected.append((None, None))
        elif kept is None:
            note = f"Duplicate: {len(same)} rows have this number, and none is kept."
            expected.append(("duplicate", note))
        else:
            expected.append(duplicate(kept))
    assert told(mark_duplicates(frame, keep=keep)) == expected


def listed(folder: Path) -> dict[str, Any]:
    """The same opted-out number in every shape that is taken."""
    column = pd.Series(["0171 3920012", None, ""], index=[5, 6, 7])
    file = folder / "opted_out.csv"
    file.write_text("Phone;date\n\n0171 3920012;2026-05-01\n;\n", encoding="utf-8")
    return {
        "list": ["0171 3920012", None],
        "tuple": ("0171 3920012", ""),
        "set": {"0171 3920012"},
        "generator": (number for number in ["0171 3920012"]),
        "array": np.array(["0171 3920012"]),
        "index": pd.Index(["0171 3920012"]),
        "integers": [491713920012],
        "Series": column,
        "categories": column.astype("category"),
        "floats": pd.Series([491713920012.0, np.nan], index=[5, 6]),
        "frame": pd.DataFrame({"name": "Ana", "Number ": column}),
        "one column": pd.DataFrame({"who": column}),
        "normalized frame": people("0171 3920012")[["sms_to"]],
        "path": file,
        "str": str(file),
    }


@pytest.mark.parametrize(
    ("shape", "source"),
    [
        ("list", "the opt-out list, row 0"),
        ("tuple", "the opt-out list, row 0"),
        ("set", "the opt-out list, row 0"),
        ("generator", "the opt-out list, row 0"),
        ("array", "the opt-out list, row 0"),
        ("index", "the opt-out list, row 0"),
        ("integers", "the opt-out list, row 0"),
        ("Series", "the opt-out list, row 5"),
        ("categories", "the opt-out list, row 5"),
        ("floats", "the opt-out list, row 5"),
        ("frame", "the opt-out frame, row 5"),
        ("one column", "the opt-out frame, row 5"),
        ("normalized frame", "the opt-out frame, row 0"),
        ("path", "opted_out.csv, row 3"),
        ("str", "opted_out.csv, row 3"),
    ],
)
def test_opt_outs_come_in_any_shape(tmp_path: Path, shape: str, source: str) -> None:
    """Lists, frames and files in any spelling mark the same row, and the source is named."""
    marked = mark_suppressed(
        people("+49 171 39200 12", "0171 3920013", None), listed(tmp_path)[shape], region="DE"
    )
    assert told(marked) == [
        ("opted_out", f"Opted out: listed in {source}."),
        (None, None),
        NO_NUMBER,
    ]


def test_several_lists_add_up() -> None:
    """Each list only ever adds; the first that named a person is the one that is told."""
    frame = people("0171 3920012", "0171 3920013", "0171 3920014")
    marked = mark_suppressed(frame, [f"+{ANA}"]).pipe(mark_suppressed, [f"+{EVA}", f"+{ANA}"])
    assert told(marked) == [
        ("opted_out", "Opted out: listed in the opt-out list, row 0."),
        ("opted_out", "Opted out: listed in the opt-out list, row 0."),
        (None, None),
    ]
    assert_frame_equal(mark_suppressed(marked, []), marked)
    assert_frame_equal(mark_suppressed(marked, [f"+{EVA}"]), marked)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from([ANA, EVA, MIA]), max_size=2), min_size=1, max_size=3),
    st.lists(st.sampled_from(["numbers", "first", "none", "text", "other text"]), max_size=6),
    st.data(),
)
def test_no_later_step_makes_an_opted_out_number_sendable(
    lists: list[list[str]], steps: list[str], data: st.DataObject
) -> None:
    """In any order, again or not, whoever was on any of the lists stays opted out."""
    work: list[Any] = data.draw(st.permutations([*lists, *steps]))
    frame = people("0171 3920012", "0171 3920013", "0171 3920014", "0171 3920012", "x")
    expected: set[str] = set()
    for step in work:
        match step:
            case "numbers":
                frame = normalize_numbers(frame, region="DE", mobile_only=True)
            case "first" | "none":
                frame = mark_duplicates(frame, keep=step)
            case "text":
                frame = render_messages(frame, "Hi")
            case "other text":
                frame = render_messages(frame, "{{ phone }}", max_segments=1)
            case _:
                frame = mark_suppressed(frame, [f"+{number}" for number in step])
                expected |= set(step)
        marked = frame["sms_problems"].fillna("").str.contains("opted_out")
        assert marked.to_list() == frame["sms_to"].isin(list(expected)).to_list()
        assert frame.loc[marked.to_numpy(), "sms_problem"].notna().all()


def test_unreadable_opt_outs_raise_and_are_masked() -> None:
    """An entry that is no number raises with its row, and shows no whole number."""
    entries = pd.Series(
        ["+49 171 3920012", "0171 3920013", "0171/3920014", "nobody"], index=[2, 3, 4, 5]
    )
    with pytest.raises(NumbersUnreadable) as raised:
        mark_suppressed(people("0171 3920012"), entries)
    assert str(raised.value) == (
        "3 entries of the opt-out list cannot be read as a phone number (row 3: '0171*****13'; "
        "row 4: '0171*****14'; row 5: 'nobody'). An opt-out that is lost is a person texted: mend "
        "it, say region=… when it lacks a country code, or pass unreadable='warn' to go on without."
    )


def test_many_unreadable_opt_outs_are_counted() -> None:
    """Five are shown, the others counted."""
    with pytest.raises(NumbersUnreadable, match=r"^7 entries .* row 4: 'x' and 2 more\)"):
        mark_suppressed(people("0171 3920012"), ["x"] * 7)


def test_unreadable_opt_outs_may_be_passed_over_with_a_warning() -> None:
    """unreadable='warn' goes on with the others, and says where the call stands."""
    with pytest.warns(SmspmWarning, match=r"^1 entry .*'nobody'.* Went on without") as warned:
        marked = mark_suppressed(people("0171 3920012"), ["nobody", f"+{ANA}"], unreadable="warn")
    assert warned[0].filename == __file__
    assert marked["sms_problem"].to_list() == ["opted_out"]
    with pytest.raises(InvalidArgument, match="unreadable is 'raise' or 'warn', not 'ignore'"):
        mark_suppressed(marked, [], unreadable="ignore")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("numbers", "error", "sentence"),
    [
        ({"+491713920012": 1}, InvalidArgument, "as a list, Series, frame or file, got dict"),
        (491713920012, InvalidArgument, "got int"),
        (None, InvalidArgument, "got NoneType"),
        (pd.DataFrame({"a": [], "b": []}), ColumnNotFound, "has none. Its columns are: a, b."),
        (
            pd.DataFrame({"phone": [], "mobile": []}),
            ColumnNotFound,
            "one column of numbers, named 'number' or 'phone', and has several",
        ),
        ("nowhere.csv", FileNotFoundError, "nowhere.csv does not exist"),
        ("people.pdf", FileNotFoundError, "people.pdf does not exist"),
    ],
    ids=["dict", "int", "None", "no column", "two columns", "no file", "pdf"],
)
def test_faulty_list_raises(numbers: Any, error: type[Exception], sentence: str) -> None:
    """What cannot be a list of opt-outs is refused before anything is marked."""
    with pytest.raises(error) as raised:
        mark_suppressed(people("0171 3920012"), numbers)
    assert sentence in str(raised.value)


def test_faulty_file_of_opt_outs_is_refused(tmp_path: Path) -> None:
    """A list without a header is refused like any other file."""
    path = tmp_path / "opted_out.csv"
    path.write_text("\n0171 3920012\n", encoding="utf-8")
    with pytest.raises(ContactsUnreadable, match=r"first row of opted_out\.csv is blank"):
        mark_suppressed(people("0171 3920012"), path)


@pytest.mark.parametrize("first", ["+49 171 39200 12", "491713920012", "0171/3920012"])
def test_list_without_a_header_loses_no_number(tmp_path: Path, first: str) -> None:
    """A number where the header should be is not taken for a name: it would be texted."""
    path = tmp_path / "opted_out.csv"
    path.write_text(f"{first}\n+49 171 39200 13\n", encoding="utf-8")
    with pytest.raises(ContactsUnreadable, match=r"^opted_out\.csv has no header\."):
        mark_suppressed(people("0171 3920012"), path)
    frame = pd.DataFrame({first: ["+49 171 39200 13"]})
    with pytest.raises(NumbersUnreadable, match=r"first row .* holds a number \(.*\*\*\*"):
        mark_suppressed(people("0171 3920012"), frame)


def test_opted_out_file_without_a_region_of_its_own_raises() -> None:
    """National spellings need the region: they are not silently passed over."""
    with pytest.raises(NumbersUnreadable, match="say region=…"):
        mark_suppressed(people("0171 3920012"), ["0171 3920012"])


def test_file_without_a_header_is_told(tmp_path: Path) -> None:
    """Several columns and no header: the first person is not lost."""
    path = tmp_path / "stop.csv"
    path.write_text("Eva,+491713920012\nIda,+491713920013\n", encoding="utf-8")
    with pytest.raises(ContactsUnreadable, match=r"^stop\.csv has no header\."):
        mark_suppressed(people("+491713920012"), path)


@pytest.mark.parametrize("number", ["+49 171 3920012", "0171.3920012"])
def test_one_number_is_no_list(number: str) -> None:
    """A number in place of a list is not taken for a file, and is masked."""
    people = normalize_numbers(pd.DataFrame({"phone": ["+491713920012"]}))
    with pytest.raises(InvalidArgument, match=r"\*12' is a number, not a file. Put it in a list.$"):
        mark_suppressed(people, number)


@pytest.mark.parametrize("word", [None, 5, ["last"], True])
def test_choice_of_another_type_is_refused(word: Any) -> None:
    """Keep and unreadable are words, whatever comes."""
    people = normalize_numbers(pd.DataFrame({"phone": ["+491713920012"]}))
    with pytest.raises(InvalidArgument, match=r"^keep is 'first', 'last' or 'none', not "):
        mark_duplicates(people, keep=word)
    with pytest.raises(InvalidArgument, match=r"^unreadable is 'raise' or 'warn', not "):
        mark_suppressed(people, [], unreadable=word)


SPELLINGS = [
    "+491713920012",
    "491713920012",
    "0049 171 3920012",
    "+49 (0) 171 3920012",
    "tel:+49-171-3920012",
    "'+49 171 39200 12",
    "491713920012.0",
    "4.91713920012E+11",
    "\u202a+49 171 3920012\u202c",
    491713920012,
    491713920012.0,
    "49 171 3920012",
    "49-171-39200 12",
    "4917/13920012",
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=repr)
def test_spelling_does_not_matter_to_a_list_or_a_copy(spelling: Any) -> None:
    """However a person is written, it is the same person: on a list, and as a copy."""
    frame = pd.DataFrame({"phone": pd.Series(["0171/3920012", spelling], dtype=object)})
    frame = normalize_numbers(frame, region="DE")
    assert mark_duplicates(frame)["sms_problem"].to_list()[1] == "duplicate"
    listed = mark_suppressed(frame, [spelling])
    assert listed["sms_problem"].to_list() == ["opted_out", "opted_out"]


@pytest.mark.parametrize("spelling", ["491713920012", "49 171 3920012", "4917/13920012"])
def test_opt_out_with_two_readings_is_lost_in_neither(spelling: str) -> None:
    """An entry that is valid in two ways suppresses both people, with separators as without."""
    marked = mark_suppressed(people("0171 3920012", "+49 491 713920012"), [spelling], region="DE")
    assert marked["sms_problems"].to_list() == ["opted_out", "opted_out"]


@pytest.mark.parametrize(
    ("listed", "region"),
    [
        ("(49) 171 3920012", "DE"),
        ("4 9171 3920012", "DE"),
        ("+491713920013", None),
        ("+372 5678 9045", None),
        ("171 3920012", "AT"),
    ],
)
def test_another_number_is_another_person(listed: str, region: str | None) -> None:
    """The near miss of a listed number, or its digits in another country, is not marked."""
    marked = mark_suppressed(people("0171 3920012"), [listed], region=region)
    assert told(marked) == [(None, None)]


@pytest.mark.parametrize(
    "name",
    [
        "number", "Phone", "MOBILE", " msisdn ", "To", "Tel", "telephone", "Phone number",
        "phone_number", "Mobile-Number", "Mobile phone", "Cell", "sms_to", "Telephone  Number",
    ],
)  # fmt: skip
def test_number_column_of_a_list_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    """In any case, with blanks or underscores, beside other columns, in a frame and in a file."""
    frame = pd.DataFrame({"customer number": ["4917"], name: ["+491713920012"], "date": ["x"]})
    frame.to_csv(tmp_path / "stop.csv", index=False)
    for numbers in (frame, tmp_path / "stop.csv"):
        marked = mark_suppressed(people("0171 3920012"), numbers)
        assert marked["sms_problem"].to_list() == ["opted_out"]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("who", "when", "none"),
        ("customer number", "date", "none"),  # not the number of a phone
        ("phone 2", "date", "none"),
        ("photo", "stop", "none"),
        ("phone", "Mobile", "several"),
        ("Phone", "phone ", "several"),
    ],
)
def test_number_column_of_a_list_is_not_guessed(first: str, second: str, found: str) -> None:
    """No name that is known, or two: the columns are told, and nobody is marked by chance."""
    frame = pd.DataFrame([["+491713920012", "2026-05-01"]], columns=[first, second])
    with pytest.raises(ColumnNotFound) as raised:
        mark_suppressed(people("0171 3920012"), frame)
    assert f"and has {found}. Its columns are: {first}, {second.strip()}." in str(raised.value)


def test_hidden_opt_outs_count(tmp_path: Path) -> None:
    """A filter in the sheet of opt-outs hides rows; they asked not to be texted all the same."""
    path = tmp_path / "stop.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("stops")
        for row, text in enumerate(["phone", "+49 171 39200 12", "+49 171 39200 13"]):
            sheet.write_string(row, 0, text)
        sheet.set_row(1, None, None, {"hidden": True})
    marked = mark_suppressed(people("0171 3920012", "0171 3920013", "0171 3920014"), path)
    assert told(marked) == [
        ("opted_out", "Opted out: listed in stop.xlsx, row 2."),
        ("opted_out", "Opted out: listed in stop.xlsx, row 3."),
        (None, None),
    ]
    with path.open("rb") as file:
        assert_frame_equal(mark_suppressed(people("0171 3920012"), file), marked.head(1))


def test_countries_of_opt_outs_may_stand_in_a_column() -> None:
    """Numbers of a list without a country code are read for the country beside them."""
    listed = pd.DataFrame({"phone": ["070-174 06 05", f"0{ANA[2:]}"], "land": ["Sweden", "de"]})
    marked = mark_suppressed(people("+46701740605", f"+{ANA}", f"+{EVA}"), listed, region="land")
    assert marked["sms_problem"].notna().tolist() == [True, True, False]


def test_list_may_be_read_by_a_region_of_any_spelling() -> None:
    """The region of a list is a code or a name, as for the numbers themselves."""
    frame = people("0171 3920012")
    for region in ("DE", "de", "DEU", "Germany"):
        marked = mark_suppressed(frame, ["0171 3920012"], region=region)
        assert marked["sms_problem"].to_list() == ["opted_out"]
    with pytest.raises(InvalidArgument, match="'Germania' is no country that is known"):
        mark_suppressed(frame, ["0171 3920012"], region="Germania")


@pytest.mark.parametrize(
    "entry", ["####", "4.91714E+11", 4.91714e11, "0171 3920012 / 0171 3920013", "x", 0.5, True]
)
def test_entry_that_is_no_one_number_raises(entry: Any) -> None:
    """Whatever is refused as a recipient is refused as an opt-out, and never passed over."""
    with pytest.raises(NumbersUnreadable, match=r"^1 entry of the opt-out list cannot be read"):
        mark_suppressed(people("0171 3920012"), [entry], region="DE")
    assert mark_suppressed(people("0171 3920012"), [None, "", " ", np.nan, pd.NA]).equals(
        mark_suppressed(people("0171 3920012"), [])
    )


def test_landline_and_foreigner_may_opt_out_too() -> None:
    """A list is not judged by what the campaign allows."""
    frame = normalize_numbers(
        pd.DataFrame({"phone": ["030 23125 000", "+46 70 174 06 05"]}),
        region="DE",
        countries=["DE"],
        mobile_only=True,
    )
    marked = mark_suppressed(frame, ["+49 30 23125000", "+46701740605"])
    assert marked["sms_problems"].to_list() == [
        "not_mobile opted_out",
        "country_not_allowed opted_out",
    ]
    assert normalize_numbers(marked, region="DE")["sms_problems"].to_list() == ["opted_out"] * 2


def test_listed_digits_that_are_two_numbers_suppress_both() -> None:
    """Which of the two people asked for no texts cannot be known: neither is texted."""
    marked = mark_suppressed(people("+37256789045", "0372 56789045", f"+{ANA}"), ["37256789045"])
    assert marked["sms_problem"].notna().tolist() == [True, False, False]
    marked = mark_suppressed(marked, ["37256789045"], region="DE")
    assert marked["sms_problem"].notna().tolist() == [True, True, False]


def test_copies_of_an_opted_out_row_are_marked_with_it() -> None:
    """After frames were put together, the next step marks every row of a number that opted out."""
    marked = mark_suppressed(people("0171 3920012"), [f"+{ANA}"])
    both = pd.concat([people("0171 3920012", "0171 3920013"), marked], ignore_index=True)
    told = mark_duplicates(both)["sms_problems"]
    assert told.astype(object).where(told.notna(), None).to_list() == [
        "opted_out",
        None,
        "opted_out duplicate",
    ]


@pytest.mark.parametrize("region", [["DE"], {"DE"}, 5])
def test_region_of_a_list_is_a_country_or_a_column(region: Any) -> None:
    """Anything else is a sentence, never an error of Python's own."""
    with pytest.raises(InvalidArgument, match=r"^(region is an ISO code|5 is no country)"):
        mark_suppressed(people("0171 3920012"), ["0171 3920012"], region=region)


def test_frame_with_a_column_called_read_is_a_frame() -> None:
    """A frame has what its columns are called, and is no open file."""
    listed = pd.DataFrame({"number": [f"+{ANA}"], "read": ["yes"]})
    assert mark_suppressed(people("0171 3920012"), listed)["sms_problem"].notna().all()
