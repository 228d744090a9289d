"""A template x rows: strict about blanks, safe with values, and one bad row stops no other."""

import datetime as dt
import enum
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.exceptions import ColumnNotFound, InvalidArgument, TemplateInvalid
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.vocabulary import COLUMNS

OURS = ["sms_text", "sms_encoding", "sms_segments", "sms_problems", "sms_detail"]


def render(template: Any, cell: Any = "Ana", **options: Any) -> tuple[Any, ...]:
    """What is made of a template for one row whose `name` is the cell; None for nothing."""
    frame = pd.DataFrame({"name": pd.Series([cell], dtype=object), "shop": "Tartu"})
    told = render_messages(frame, template, **options)[OURS].astype(object)
    return tuple(None if pd.isna(value) else value for value in told.iloc[0])


def missing(name: str = "name") -> tuple[Any, ...]:
    detail = f"Missing value: the cell for {{{{ {name} }}}} is blank."
    return (None, None, None, "missing_value", detail)


def text(made: str, segments: int = 1, encoding: str = "GSM-7") -> tuple[Any, ...]:
    return (made, encoding, segments, None, None)


BLANKS = [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN"), "", "  ", "\u00a0"]


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
@pytest.mark.parametrize(
    "template",
    [
        "Hi {{ name }}",
        "Hi {{ name | upper }}",
        "Hi {{ name | title | trim | truncate(5) }}",
        "Hi {{ name | int }}{{ name | float }}",
        "Hi {{ name | round }}",
        "Hi {{ name | abs }}",
        "Hi {{ name | length }}",
        "Hi {{ name | replace('a', 'b') }}",
        "Hi {{ name | first }}",
        "Hi {{ [name] | join }}",
        "Hi {{ '%s' % name }}",
        "Hi {{ '%s' % (name,) }}",
        "Hi {{ '%d' % name }}",
        "Hi {{ name | date }}",
        "Hi {{ name | number }}",
        "Hi {{ name | money }}",
        "Hi {{ [name] | first }}",
        "Hi {{ name | list | first }}",
        "Hi {{ name * 2 }}",
        "Hi {% set other = name %}{{ other | upper }}",
        "Hi {{ name ~ '!' }}",
        "Hi {{ name + '!' }}",
        "Hi {{ name.upper() }}",
        "Hi {{ name[0] }}",
        "Hi {% for letter in name %}{{ letter }}{% endfor %}",
        "Hi {% if name > 5 %}big{% endif %}",
        "Hi {% set other = name %}{{ other }}",
        "{# no comment #}Hi {{ shop }} {{ name }}",
    ],
)
def test_blank_cell_that_is_printed_is_a_missing_value(template: str, blank: Any) -> None:
    """However a blank cell is used, the row has no text, and the placeholder is named."""
    assert render(template, blank) == missing()


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("Hi {{ name | default('friend') }}", "Hi friend"),
        ("Hi {{ name | d('friend') }}", "Hi friend"),
        ("Hi {{ name | default }}", "Hi "),
        ("Hi {{ name or 'friend' }}", "Hi friend"),
        ("Hi{% if name %} {{ name }}{% endif %}", "Hi"),
        ("Hi{% if name is defined %} {{ name }}{% endif %}", "Hi"),
        ("Hi {{ name if name else 'you' }}", "Hi you"),
        ("Hi {{ 'you' if not name else name }}", "Hi you"),
    ],
)
def test_blank_cell_is_absent_for_default_and_if(template: str, made: str, blank: Any) -> None:
    """default(), if, or, and `is defined` treat a blank cell as absent."""
    assert render(template, blank) == text(made)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("NA", "NA"),
        (0, "0"),  # zero is a value
        (12.0, "12"),
        (np.float64(12.0), "12"),
        (np.float32(1.5), "1.5"),
        (np.int64(12), "12"),
        (12.5, "12.5"),
        (1e22, "10000000000000000000000"),
        (Decimal("12.00"), "12"),
        (Decimal("12.50"), "12.50"),
        (dt.date(2026, 5, 1), "2026-05-01"),
        (pd.Timestamp("2026-05-01"), "2026-05-01"),
        (pd.Timestamp("2026-05-01 10:30"), "2026-05-01 10:30:00"),
        (np.datetime64("2026-05-01"), "2026-05-01"),
        (dt.time(9, 15), "09:15:00"),
        ("{{ shop }}", "{{ shop }}"),  # never rendered again
        ("{% for x in y %}", "{% for x in y %}"),
        ("<b>&", "<b>&"),  # a text is no HTML
        (" padded ", " padded "),
    ],
)
def test_value_is_shown_as_a_person_reads_it(cell: Any, shown: str) -> None:
    """No 12.0, no midnight, no markup, and what looks like a template in a cell is text."""
    assert render("{{ name }}!", cell) == text(f"{shown}!")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([5, None], dtype="Int64"),
        pd.Series([5.0, np.nan]),
        pd.Series([5, None], dtype="int64[pyarrow]"),
        pd.Series(["5", None], dtype="category"),
        pd.Series(["5", None], dtype="string[pyarrow]"),
        pd.Series([5, None], dtype=object),
        pd.Series([np.int64(5), "  "], dtype=object),
        pd.Series([Decimal("5.00"), None], dtype=object),
        pd.Series(["5", " "], dtype="string[pyarrow]"),
        pd.Series(["5", " "], dtype="string"),
    ],
    ids=lambda column: str(column.dtype),
)
def test_values_come_from_every_dtype(column: "pd.Series[Any]") -> None:
    """Numbers and blanks are the same whatever dtype holds them."""
    told = render_messages(pd.DataFrame({"n": column}), "{{ n }}{% if n | int > 3 %}+{% endif %}")
    assert told["sms_text"].to_list()[0] == "5+"
    assert told["sms_problem"].to_list()[1] == "missing_value"


def test_blank_texts_of_arrow_are_blank() -> None:
    """Spaces in a column of Arrow's own strings are as blank as in any other."""
    arrow = pa.table({"n": ["5", " ", None]}).to_pandas(types_mapper=pd.ArrowDtype)
    told = render_messages(arrow, "{{ n }}")
    assert told["sms_text"].to_list()[0] == "5"
    assert told["sms_problem"].to_list()[1:] == ["missing_value"] * 2


def test_numbers_can_be_compared_and_computed() -> None:
    """Numbers stay numbers in a template, and whole results have no .0."""
    frame = pd.DataFrame({"points": pd.Series([np.int64(250), 10.0], dtype=object)})
    template = "{% if points > 100 %}{{ points / 2 }}{% else %}{{ points + 0.5 }}{% endif %}"
    assert render_messages(frame, template)["sms_text"].to_list() == ["125", "10.5"]


class Colour(enum.StrEnum):
    RED = "red"


class Writer:
    """Anything with methods that do something."""

    def save(self) -> str:
        raise AssertionError("a template called it")

    def __str__(self) -> str:
        return "a writer"


class Loud:
    def __str__(self) -> str:
        raise RuntimeError("boom")


class LoudNumber(float):
    __hash__ = float.__hash__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("cell", "detail"),
    [
        (Writer(), "the cell for {{ name }} holds a Writer, which is no text."),
        (["a"], "the cell for {{ name }} holds a list, which is no text."),
        ({"a": 1}, "the cell for {{ name }} holds a dict, which is no text."),
        (b"x", "the cell for {{ name }} holds a bytes, which is no text."),
        (1 + 2j, "the cell for {{ name }} holds a complex, which is no text."),
        (pd.Timedelta("1D"), "the cell for {{ name }} holds a Timedelta, which is no text."),
        (pd.Interval(0, 1), "the cell for {{ name }} holds a Interval, which is no text."),
        (Loud(), "the cell for {{ name }} holds a Loud, which is no text."),
        (LoudNumber(1.5), "the cell for {{ name }} cannot be read: RuntimeError."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_cell_that_is_no_text_is_an_error_of_its_row(cell: Any, detail: str) -> None:
    """Whatever a cell holds or does, the row says so, and the other rows are filled."""
    frame = pd.DataFrame({"name": pd.Series(["Ana", cell, 5], dtype=object)})
    told = render_messages(frame, "Hi {{ name }}")
    assert told["sms_text"].dropna().to_dict() == {0: "Hi Ana", 2: "Hi 5"}
    assert told["sms_problem"].dropna().to_dict() == {1: "template_error"}
    assert told["sms_detail"].dropna().to_dict() == {1: f"Template error: {detail}"}


class Shade(str, enum.Enum):  # noqa: UP042 - the one whose str() is 'Shade.DARK'
    DARK = "dark"


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pd.Series([0.1, 1.1], dtype="float32"), ["0.1", "1.1"]),
        (pd.Series([0.1], dtype="float16"), ["0.1"]),
        (pd.Series([0.1, None], dtype="Float32"), ["0.1", None]),
        (pd.Series([np.float32(2.675)], dtype=object), ["2.675"]),
        (pd.Series([0.1 + 0.2]), ["0.3"]),
        (pd.Series([np.datetime64("2026-05-01", "ns")], dtype=object), ["2026-05-01"]),
        (
            pd.Series([pd.Timestamp("2026-05-01 10:30", tz="Europe/Tallinn")]),
            ["2026-05-01 10:30:00"],
        ),
        (pd.Series([Colour.RED, Shade.DARK], dtype=object), ["red", "dark"]),
        (pd.Series(pd.PeriodIndex(["2026-05"], freq="M")), ["2026-05"]),
        (pd.Series(np.array(["20000-01-01"], dtype="datetime64[s]")), [None]),
        (pd.Series(pd.array(np.array(["a\ud83d"], object), pd.StringDtype("python"))), [None]),
        (pd.Series(pd.Categorical(pd.Series(["a\ud83d"], dtype=object))), [None]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pd.Series) else "",
)
def test_noise_of_machines_is_not_texted(column: "pd.Series[Any]", shown: list[Any]) -> None:
    """Digits that only a machine has, zones, and half characters: shown as people write, or not."""
    told = render_messages(pd.DataFrame({"n": column}), "{{ n }}")["sms_text"]
    assert [None if pd.isna(text) else text for text in told] == shown


@pytest.mark.parametrize("cell", ["\u200b", "\ufeff \u00ad", "\u202a\u202c", " \u2060"])
def test_cell_that_shows_nothing_is_blank(cell: str) -> None:
    """Characters without ink are no name: a default stands in, and alone they are no text."""
    assert render("Hi {{ name | default('you') }}", cell) == text("Hi you")
    assert render("{{ name }}", cell) == missing()
    assert render(cell)[3] == "empty_text"


@pytest.mark.parametrize(
    "template",
    [
        "{{ name.__class__ }}",
        "{{ name.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ name['__class__'] }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ '{x.__class__}'.format_map({'x': name}) }}",
        "{{ name.upper.__globals__ }}",
        "{{ (name | string).__init__ }}",
        "{{ name.format() }}",
        "{{ name.center(3) }}",
        "{{ name.encode().__class__ }}",
        "{{ name.nothing }}",
        "{{ name.upper }}",  # a method is no text
        "{{ name.encode() }}",
        "{{ [name] }}",
        "{{ {'a': name} }}",
        "{{ name | list }}",
        "{{ none }}",
        "{{ name() }}",
        "{{ 1 / 0 }}",
        "{{ name | int + 'x' }}",
    ],
)
def test_reaching_into_objects_is_an_error_of_the_row(template: str) -> None:
    """No way into an object, and none of Python's own words in a text: the row says what was."""
    made, encoding, segments, problems, detail = render(template)
    assert (made, encoding, segments, problems) == (None, None, None, "template_error")
    assert detail.startswith("Template error: ")


@pytest.mark.parametrize(
    "name", ["range", "dict", "lipsum", "cycler", "joiner", "namespace", "frame"]
)
def test_no_globals_are_there(name: str) -> None:
    """Jinja's globals, and the frame itself, are no placeholders."""
    with pytest.raises(ColumnNotFound, match=f"asks for {{{{ {name} }}}}, which no column has"):
        render(f"{{{{ {name} }}}}")


@pytest.mark.parametrize(
    "template",
    ["{{ name | attr('x') }}", "{{ name | map('upper') }}", "{{ name | pprint }}",
     "{{ name | random }}", "{{ name | tojson }}", "{{ name | xmlattr }}", "{{ name | format }}"],
)  # fmt: skip
def test_filters_that_reach_or_draw_lots_are_out(template: str) -> None:
    """A filter that is not for texts is refused before any row."""
    with pytest.raises(TemplateInvalid, match="does not parse: line 1: No filter named"):
        render(template)


@pytest.mark.parametrize(
    ("template", "cell", "detail"),
    [
        ("{{ 1 / (name | length - 3) }}", "Ana", "ZeroDivisionError: division by zero."),
        ("{{ name.nope }}", "Ana", "'str object' has no attribute 'nope'."),
        ("{{ name | date }}", "1/5/26", "'1/5/26' is no date such as 2026-05-01."),
        ("{{ name | money }}", "12 e", "'12 e' is no number."),
        ("{{ name * 40000 }}", "a", "it makes more than 39,015 characters, and no SMS has more."),
        ("{{ [] | first }}", "a", "No first item, sequence was empty."),
        ("{{ name.split() }}", "a", "an expression gave a list, not a text or number."),
        ("{{ name }}", float("inf"), "an expression gave inf, which is no number to show."),
        ("{{ name | float * 10 }}", "1e308", "an expression gave inf, which is no number to show."),
        ("{{ none }}", "a", "an expression gave nothing, not a text or number."),
        ("{{ name.encode() }}", "a", "access to attribute 'encode' of 'str' object is unsafe."),
        ("{{ '\n' * 9 + name | date }}", "x" * 300, None),
    ],
)
def test_row_says_what_happened_in_it(template: str, cell: Any, detail: str | None) -> None:
    """Our own errors are sentences, those of Python keep their words: all on one short line."""
    told = render(template, cell)
    assert told[3] == "template_error"
    if detail:
        assert told[4] == f"Template error: {detail}"
    assert len(told[4]) < 180


def test_a_row_can_have_a_note_and_a_problem() -> None:
    """What was replaced is told where there is a text, and a text that is none has no such note."""
    long = "It’s " + "x" * 200
    told = render(long, replace="typography", max_segments=1)
    assert told[3:] == (
        "too_long",
        "Too long: 2 segments, and 1 is allowed. · Replaced: ’ by '; 2 segments instead of 4.",
    )
    told = render("{{ name }}", "It’s\x00", replace="typography")
    assert told[3:] == (
        "unsendable_text",
        "Unsendable text: it holds '\\u0000', which no SMS can carry.",
    )
    told = render("\u200b", replace="typography")  # nothing is left
    assert told[3:] == ("empty_text", "Empty text: there is nothing to send.")
    again = render_messages(
        render_messages(pd.DataFrame({"n": [1]}), "It’s", replace="typography"), "Its"
    )
    assert again["sms_detail"].isna().all()


def test_times_of_one_column_are_of_one_kind() -> None:
    """Midnight is a time like any other: it can be compared, and is shown as a date alone."""
    times = pd.DataFrame({"start": pd.to_datetime(["2026-05-01 00:00", "2026-05-01 09:00"])})
    told = render_messages(times, "{{ start }} {{ start.hour }}{% if start == start %}!{% endif %}")
    assert told["sms_text"].to_list() == ["2026-05-01 0!", "2026-05-01 09:00:00 9!"]


def test_a_text_may_be_too_long_and_unsendable() -> None:
    """Every code that applies is there."""
    told = render("{{ name }}", "ж" * 100 + "\x00", max_segments=1)
    assert (told[0], told[3]) == (None, "unsendable_text too_long")


def test_what_no_sms_can_carry_is_found_among_thousands() -> None:
    """One half of an emoji in the last of many Unicode texts is found."""
    frame = pd.DataFrame({"name": pd.Series(["ж"] * 2_500 + ["ж\ud83d", "ж"], dtype=object)})
    told = render_messages(frame, "{{ name }}")["sms_problem"].dropna()
    assert told.to_dict() == {2_500: "unsendable_text"}


@pytest.mark.parametrize(
    ("template", "detail"),
    [
        ("{% if name > 5 %}x{% endif %}", "write {{ points | int }} for a number in a file."),
        ("{{ name | replace('a') }}", "was given arguments that it does not take, or too few."),
        ("{{ name.upper(5) }}", "was given arguments that it does not take, or too few."),
    ],
)
def test_usual_mistakes_have_a_sentence(template: str, detail: str) -> None:
    """What nearly everybody does once is told in words, with what to write."""
    assert render(template)[4].endswith(detail)


def test_texts_are_in_the_order_of_the_rows() -> None:
    """Failures of every kind between thousands of rows move no text to another row."""
    size = 5_000
    names = pd.Series([None if n % 7 == 3 else f"n{n}" for n in range(size)], dtype=object)
    frame = pd.DataFrame({"name": names, "by": range(size)})
    told = render_messages(frame, "{{ name }}{{ 6 // (by % 11) }}")
    for place, (text, problem) in enumerate(
        zip(told["sms_text"], told["sms_problem"], strict=True)
    ):
        expected = "missing_value" if place % 7 == 3 else "template_error"
        if place % 7 == 3 or place % 11 == 0:
            assert (pd.isna(text), problem) == (True, expected)
        else:
            assert (text, pd.isna(problem)) == (f"n{place}{6 // (place % 11)}", True)


def test_one_bad_row_stops_no_other() -> None:
    """Each row is judged alone: texts, blanks and failures stand side by side."""
    frame = pd.DataFrame({"n": ["4", "x", None, "0"]}, index=[7, 7, 8, 9])
    told = render_messages(frame, "{{ 8 / (n | int('none')) }}")
    expected = pd.DataFrame(
        {
            "n": frame["n"],
            "sms_text": pd.Series(["2", np.nan, np.nan, np.nan], dtype="str").array,
            "sms_encoding": pd.Series(["GSM-7", np.nan, np.nan, np.nan], dtype="str").array,
            "sms_segments": pd.array([1, None, None, None], dtype="Int64"),
            "sms_problems": pd.Series(
                [np.nan, "template_error", "missing_value", "template_error"], dtype="str"
            ).array,
        },
        index=[7, 7, 8, 9],
    )
    pd.testing.assert_frame_equal(told[list(expected.columns)], expected)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{ nmae }}", "asks for {{ nmae }}, which no column has. Did you mean 'name'?"),
        ("{% if shops %}x{% endif %}", "asks for {{ shops }}, which no column has. Did you mean"),
        ("{{ zzz }}", "which no column has. The columns are: name, shop."),
        ("{{ row.name }}", "asks for {{ row }}, which no column has"),
    ],
)
def test_typo_is_found_before_any_row(template: str, sentence: str) -> None:
    """A placeholder that no column has raises at once, even on an empty frame."""
    frame = pd.DataFrame({"name": [], "shop": []})
    with pytest.raises(ColumnNotFound) as raised:
        render_messages(frame, template)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("Hi {{ name", "does not parse: line 1: "),
        (
            "Hi {{ First Name }}",
            "A column with spaces in its name is written with _, as in {{ first",
        ),
        ("Hi\n{% if name %}", "does not parse: line 2: "),
        (
            "{{ name | nope }}",
            "line 1: No filter named 'nope'. The filters are: abs, capitalize, co",
        ),
        ("{{ name is nope }}", "line 1: No test named 'nope'."),
        ("{% nope %}", "unknown tag 'nope'"),
        ("{% include 'other.txt' %}", "cannot include or extend"),
        ("{% extends 'other.txt' %}", "cannot include or extend"),
        ("{% import 'other.txt' as other %}x", "cannot include or extend"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "nested too deep"),
        ("{{ " + "9" * 5000 + " }}", "does not parse: Exceeds the limit"),
        ("{% if name %}" * 120 + "x" + "{% endif %}" * 120, "is too complicated: "),
        ("{% for a in name %}" * 25 + "x" + "{% endfor %}" * 25, "is too complicated: "),
        ("x" * 50_001, "The template has 50,001 characters, and 50,000 are the most."),
        (
            "Hi\n{% macro m() %}x{% endmacro %}",
            "Line 2 of the template has 'macro'. A text is made",
        ),
        ("{% block b %}x{% endblock %}", "Line 1 of the template has 'block'."),
        ("{% call name() %}x{% endcall %}", "Line 1 of the template has 'callblock'."),
        (
            "{% for a in name recursive %}x{% endfor %}",
            "Line 1 of the template has a recursive loop",
        ),
        ("{% set name.x = 1 %}", "Line 1 of the template has 'nsref'."),
    ],
)
def test_template_that_cannot_be_used_raises(template: str, sentence: str) -> None:
    """A faulty template is a faulty call: one sentence, with the line."""
    with pytest.raises(TemplateInvalid) as raised:
        render(template)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("name", "placeholder"),
    [
        ("First Name", "first_name"),
        (" first-name ", "first_name"),
        ("First  (Name)", "first_name"),
        ("FIRST_NAME", "FIRST_NAME"),
        ("FIRST_NAME", "first_name"),
        ("2nd name", "_2nd_name"),
        ("Eesnimi õ", "eesnimi_õ"),
        ("Имя", "имя"),
        ("pre\u0301nom", "prénom"),  # typed on a Mac: the accent stands alone
        (2026, "_2026"),
    ],
)
def test_column_is_found_by_its_identifier_form(name: Any, placeholder: str) -> None:
    """A column is found by its name, or by its name in lower case with underscores."""
    frame = pd.DataFrame({name: ["Ana"]})
    assert render_messages(frame, f"{{{{ {placeholder} }}}}")["sms_text"].to_list() == ["Ana"]


def test_two_columns_of_one_form_are_both_named() -> None:
    """Where two columns could be meant, neither is taken."""
    frame = pd.DataFrame([["a", "b"]], columns=["First Name", "first_name"])
    with pytest.raises(ColumnNotFound, match="could be any of 'First Name' and 'first_name'"):
        render_messages(frame, "{{ first_name }}")


def test_number_and_country_may_be_shown_and_the_text_itself_may_not() -> None:
    """A text shows what other helpers know; it cannot show itself, or a second run would differ."""
    frame = pd.DataFrame({"name": ["Ana"], "sms_to": ["491713920012"], "sms_country": ["DE"]})
    assert render_messages(frame, "{{ sms_country }}")["sms_text"].to_list() == ["DE"]
    ready = render_messages(frame, "Hi")
    for name in set(ready.columns) & set(COLUMNS) - set(frame.columns):
        with pytest.raises(ColumnNotFound):
            render_messages(ready, f"{{{{ {name} }}}}")


@pytest.mark.parametrize(
    "name",
    ["spring.txt", "templates/spring.j2", "spring sale.txt", r"C:\sms\spring.TXT", "a.jinja",
     "a.jinja2", "letter.md", " spring.txt "],
)  # fmt: skip
def test_file_name_given_as_text_raises(name: str) -> None:
    """A file name in place of a text would be sent to everyone: it raises, and says how."""
    with pytest.raises(TemplateInvalid, match=r"looks like a file name, .* pass pathlib.Path\("):
        render(name)


@pytest.mark.parametrize(
    "template",
    [
        "See spring.txt now",
        "Read shop.md",
        "Visit shop.ee",
        "Terms: https://shop.ee/terms.txt",
        "Hi {{ name }}.txt",
        "txt",
        ".",
        "Hi.\nmore.txt",
    ],
)
def test_text_that_only_mentions_a_file_is_a_text(template: str) -> None:
    """The near misses: a sentence, a Moldovan shop, a placeholder, a second line."""
    assert render(template)[0] == template.replace("{{ name }}", "Ana")


def test_path_is_read_as_a_file(tmp_path: Path) -> None:
    """A pathlib.Path is a file in UTF-8, with or without a mark, in any line ends."""
    path = tmp_path / "spring.txt"
    path.write_bytes(b"\xef\xbb\xbfHi {{ name }},\r\n\xc3\xb5htul!\n")
    assert render(path) == text("Hi Ana,\nõhtul!", encoding="UCS-2")
    with pytest.raises(TemplateInvalid, match=r"template file .*nowhere.txt does not exist"):
        render(tmp_path / "nowhere.txt")
    with pytest.raises(TemplateInvalid, match=r"^The template file .* cannot be read: "):
        render(tmp_path)


@pytest.mark.parametrize("template", [None, 5, b"Hi", ["Hi"]])
def test_something_else_is_no_template(template: Any) -> None:
    """Only a text or a Path is a template."""
    with pytest.raises(TemplateInvalid, match=r"is a text or a pathlib.Path to a file, not \w+"):
        render(template)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("a\x00b", "\\u0000"),
        ("a\x1b[31m", "\\u001b"),
        ("a\ud83d", "\\ud83d"),
        ("\ude00", "\\ude00"),
    ],
)
def test_unsendable_characters_are_named(cell: str, shown: str) -> None:
    """NUL, escape and half an emoji cannot be sent; the sentence shows them."""
    detail = f"Unsendable text: it holds '{shown}', which no SMS can carry."
    assert render("Hi {{ name }}", cell) == (None, None, None, "unsendable_text", detail)


@pytest.mark.parametrize(
    "template", ["", " \n\t", "{% if false %}Hi{% endif %}", "{# only this #}"]
)
def test_nothing_to_send_is_a_problem(template: str) -> None:
    """A text of white space is not sent."""
    detail = "Empty text: there is nothing to send."
    assert render(template) == (None, None, None, "empty_text", detail)


@pytest.mark.parametrize(
    ("length", "allowed", "problem"),
    [(160, 1, None), (161, 1, "too_long"), (306, 2, None), (307, 2, "too_long"), (500, None, None)],
)
def test_too_long_text_keeps_its_count(
    length: int, allowed: int | None, problem: str | None
) -> None:
    """A text above max_segments has a problem, and its text and count are there to see."""
    made, _, segments, problems, detail = render("x" * length, max_segments=allowed)
    assert (made, problems) == ("x" * length, problem)
    if problem:
        verb = "is" if allowed == 1 else "are"
        assert detail == f"Too long: {segments} segments, and {allowed} {verb} allowed."


def test_no_phone_takes_more_than_255_segments() -> None:
    """A text above what one message can ever have is too long without any limit of the user."""
    assert render("x" * (255 * 153))[2:4] == (255, None)
    detail = "Too long: 256 segments, and 255 are allowed."
    assert render("{{ name }}", "x" * (255 * 153 + 1))[2:] == (256, "too_long", detail)
    assert render("{{ name }}", "x" * 40_000, max_segments=400)[3] is None


@pytest.mark.parametrize("number", [0, -1, True, False, "3", 2.5, [1]])
def test_max_segments_is_a_number_from_one(number: Any) -> None:
    """Zero segments, and a yes, are no limit."""
    with pytest.raises(InvalidArgument, match=r"^max_segments is a whole number from 1, not "):
        render("Hi", max_segments=number)


def test_replace_is_done_before_counting() -> None:
    """Curly quotes written plainly save the second segment; a wrong word raises at once."""
    long = "It’s " + "x" * 100
    assert render(long)[1:3] == ("UCS-2", 2)
    detail = "Replaced: ’ by '; 1 segment instead of 2."
    told = ("It's " + "x" * 100, "GSM-7", 1, None, detail)
    assert render(long, replace="typography") == told
    detail = "Replaced: Ł by L, ó by o, ź by z; 1 segment."
    assert render("{{ name }}", "Łódź ñ", replace="accents") == ("Lodz ñ", "GSM-7", 1, None, detail)
    with pytest.raises(InvalidArgument, match="replace is 'typography', 'accents' or None"):
        render_messages(pd.DataFrame({"name": []}), "Hi", replace="all")  # type: ignore[arg-type]


def test_template_file_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    """The sentence says which line is not UTF-8 and what to do, without a codec's words."""
    path = tmp_path / "spring.txt"
    path.write_bytes(b"Hi {{ name }},\r\nsale in M\xfcnchen\n")
    with pytest.raises(TemplateInvalid) as raised:
        render(path)
    assert str(raised.value) == (
        f"Line 2 of the template file {path} is not in UTF-8, and nothing was guessed. Save the "
        "file again with the encoding UTF-8."
    )


@pytest.mark.parametrize("template", ["{{ self }}", "{% if self %}x{% endif %}", "{{ self.x() }}"])
def test_word_of_jinjas_own_is_no_column(template: str) -> None:
    """Jinja never fills in `self`, so a template with it is refused before any row."""
    with pytest.raises(TemplateInvalid) as raised:
        render_messages(pd.DataFrame({"self": ["Ana"]}), template)
    assert str(raised.value) == (
        "{{ self }} means the template itself. If it is a column, rename it."
    )


def test_letters_are_composed() -> None:
    """An accent that stands alone joins its letter, so that it does not cost Unicode."""
    assert render("{{ name }}", "e\u0301") == text("é")


def test_line_ends_and_spaces_are_kept() -> None:
    """What the user sees is what is sent: nothing is trimmed, and a line end is one character."""
    assert render("  a  \n\n b\t{{ name }}  ", "x\ny")[0] == "  a  \n\n b\tx\ny  "
    assert render("a\n")[0] == "a\n"
    assert render("a\r\nb\rc{{ name }}", "\r\nd\re\r")[0] == "a\nb\nc\nd\ne\n"


def test_line_end_behind_the_last_line_of_a_file_is_not_sent(tmp_path: Path) -> None:
    """Editors put it there unseen; a blank line that a person put below it is kept."""
    path = tmp_path / "spring.txt"
    for written, made in [("Hi\n", "Hi"), ("Hi", "Hi"), ("Hi\r\n", "Hi"), ("Hi\n\n", "Hi\n")]:
        path.write_bytes(written.encode())
        assert render(path)[0] == made


def test_rendering_again_replaces_the_old_text() -> None:
    """Another template gives the frame it would have given alone."""
    frame = pd.DataFrame({"name": ["Ana", None]})
    again = render_messages(render_messages(frame, "{{ name }}"), "Hi", max_segments=1)
    pd.testing.assert_frame_equal(again, render_messages(frame, "Hi", max_segments=1))


#: Unsendable, or without ink besides those of the category Cf: alone in a cell they are blank.
UNSEEN = "\x00\x1b\u034f\u2065" + "".join(map(chr, range(0xFE00, 0xFE10)))


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_characters=UNSEEN, exclude_categories=["Cs", "Cf"])))
def test_values_are_never_rendered(cell: str) -> None:
    """Any cell is printed as it is, in composed form and with plain line ends, or is blank."""
    made = render("<{{ name | default('blank') }}>", cell)[0]
    expected = unicodedata.normalize("NFC", f"<{cell if cell.strip() else 'blank'}>")
    assert made == expected.replace("\r\n", "\n").replace("\r", "\n")
