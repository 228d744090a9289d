"""A template from a stranger can write texts of bounded size, and nothing else."""

import datetime as dt
import faulthandler
import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smspm_campaigns.exceptions import SmspmError, TemplateInvalid
from smspm_campaigns.frames.sandbox import MAX_WORK, Sandbox
from smspm_campaigns.frames.template_values import MAX_CHARACTERS, Blank, TooMuch
from smspm_campaigns.frames.templates import render_messages

MEGABYTE = 2**20
WHEN = dt.datetime.fromisoformat("2026-05-01 10:30")


@pytest.fixture(autouse=True)
def _no_template_goes_on_for_ever() -> Iterator[None]:
    """End the whole run, with a traceback, rather than wait for a template without end."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def fill(template: str, **values: Any) -> str | Exception:
    """What is made of a template for one row of these values."""
    sandbox = Sandbox(template)
    rows = [[values[name] for name in sandbox.placeholders]]
    (text,), errors = sandbox.fill(rows, lambda error: error)
    return errors.get(0, text)


#: Templates that would fill the memory or never end, and what the row says.
GIANTS = {
    "{{ 'a' * 10**9 }}": "more than 39,015 characters",
    "{{ 10**9 * 'a' }}": "more than 39,015 characters",
    "{{ name * 10**9 }}": "more than 39,015 characters",
    "{{ [name] * 10**9 }}": "no lists",
    "{{ 10 ** (10 ** 10) }}": "a number too large",
    "{{ 9 ** (9 ** (9 ** 9)) }}": "a number too large",
    "{% set n = 10 ** 1000 %}{% set n = n * n %}{{ n * n }}": "a number too large",
    "{{ '%999999999d' % 1 }}": "pads a value",
    "{{ '%.999999999f' % 1 }}": "pads a value",
    "{{ '%*d' % (999999999, 1) }}": "pads a value",
    "{{ ('%s' * 9000) % (name * 9) }}": "more than 39,015 characters",
    "{{ '%(x)s%(x)s' % {'x': 'a' * 30000} }}": "more than 39,015 characters",
    "{{ name.center(10**9) }}": "attribute 'center' of 'str' object is unsafe",
    "{{ name.ljust(10**9) }}": "unsafe",
    "{{ name.rjust(10**9) }}": "unsafe",
    "{{ name.zfill(10**9) }}": "unsafe",
    "{{ name.expandtabs(10**9) }}": "unsafe",
    "{{ name.encode() }}": "unsafe",
    "{{ name.translate({}) }}": "unsafe",
    "{{ '{:>999999999}'.format(1) }}": "unsafe",
    "{{ '{0:{1}}'.format(1, 999999999) }}": "unsafe",
    "{{ '{x:>999999999}'.format_map({'x': 1}) }}": "unsafe",
    "{{ '{}'['format'](1) }}": "unsafe",
    "{{ (1).to_bytes(10**9, 'big') }}": "unsafe",
    "{{ ('a' * 30000).replace('a', 'b' * 30000) }}": "more than 39,015 characters",
    "{{ ('a' * 30000) | replace('', 'b' * 30000) }}": "more than 39,015 characters",
    "{{ ('a' * 30000).join('b' * 30000) }}": "more than 39,015 characters",
    "{{ ('b' * 30000) | list | join('a' * 30000) }}": "more than 39,015 characters",
    "{{ 1.5 | round(999999999) }}": "rounds to more than 12 decimals",
    "{{ 1.5 | round(-999999999, 'ceil') }}": "rounds to more than 12 decimals",
    "{{ 1.5 | number(999999999) }}": "decimals are a whole number from 0 to 9",
    "{{ ('9' * 30000) | number }}": "no number that fits a text",
    "{% set x = name ~ name %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}": "more than 39,015",
    "{% set x = name + name %}" + "{% set x = x + x %}" * 40 + "{{ x }}": "more than 39,015",
    "{% set x = [name, name] %}" + "{% set x = [x, x] %}" * 40 + "{{ x == x }}": "list in a list",
    "{% set x = (name, name) %}" + "{% set x = (x, x) %}" * 40 + "{{ x | string }}": "list in a",
    "{% set x = {'a': name} %}" + "{% set x = {'a': x, 'b': x} %}" * 40: "list in a list",
    "{% set x = [name] %}" + "{% set x = x + x %}" * 40 + "{{ x | length }}": "no lists",
    "{% set x %}{{ name * 1000 }}{% endset %}" + "{% set x = x * 20 %}" * 9: "more than 39,015",
    "{% set a = 'x' * 39000 %}" + "{% set b = a | list %}" * 9: "goes th",
    "{% set a = 'x' * 39000 %}{{ [a, a, a, a, a, a] | length }}": "goes th",
    "{% set a = 'x' * 39000 %}" + "{% if a == 5 %}{% endif %}" * 9: "goes th",
    "{% set a = 'x' * 39000 %}" + "{{ a.count('y') }}" * 9: "goes th",
    "{% set a = 'x' * 39000 %}" + "{{ 'y'.count(a) }}" * 9: "goes th",
    "{% set x = {'a': name} %}" + "{% set x = {'a': x.items(), 'b': x.items()} %}" * 40: (
        "a list in a list"
    ),
    "{{ '%.999f' % 1.5 }}" * 400: "goes th",
    "{{ '%(a)999999999d' % {'a': 1} }}": "pads a value",
    "{{ '%((a))99999999d' % {'(a)': 1} }}": "pads a value",
    "{{ '% #0+-99999999d' % 1 }}": "pads a value",
    "{{ '%1000d' % 1 }}": "pads a value",
    "{{ ('%(a)999d' * 4000) % {'a': 1} }}": "more than 39,015 characters",
    "{% set a = 'x' * 39000 %}" + "{{ a }}" * 6000: "goes th",
    "{% set x %}{{ 'a' * 39000 }}{% endset %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40: (
        "goes th"
    ),
    "{% for i in 'a' * 3000 %}{% set x = day | date('%A' * 19000) %}{% endfor %}": "no style",
    "{{ day | date(written='%A' * 19000) }}": "is no date written as",
    "{% for i in 'a' * 39000 %}{{ loop.index | money }}{% endfor %}": "goes th",
    "{% set l = ('b' * 39000) | list %}{% for i in 'a' * 39000 %}{% if i in l %}{% endif %}"
    "{% endfor %}": "goes th",
    "{% for a in name %}" * 12 + "x" + "{% endfor %}" * 12: "goes th",
    "{% for a in name %}" * 12 + "{% if false %}x{% endif %}" + "{% endfor %}" * 12: "goes th",
    "{% for a in name * 9000 %}{{ 'x' * 39000 }}{% endfor %}": "goes th",
    "{% for a in name * 9000 %}" + "y" * 9000 + "{% endfor %}": "goes th",
    "{% for a in name * 9000 if a == 'q' %}x{% endfor %}": "goes th",
    "{% for a in name * 9000 %}{{ loop.length }}{% endfor %}": "goes th",
    "{% filter upper %}{% for a in name * 9000 %}{{ a * 39000 }}{% endfor %}{% endfilter %}": (
        "goes th"
    ),
    "{% for a in name * 9000 %}{% set x %}{{ 'x' * 39000 }}{% endset %}{% endfor %}": "goes th",
    "{% for a in name * 9000 %}{{ (name * 9000) | list | sort | join }}{% endfor %}": "goes th",
    "{% for a in name * 9000 %}{% if 'z' in 'y' * 39000 %}{% endif %}{% endfor %}": "goes th",
}


@pytest.mark.parametrize("template", GIANTS, ids=lambda template: template[:60])
def test_giants_end_in_their_row(template: str) -> None:
    """Whatever would allocate or loop without bound is refused for the row, in little memory."""
    tracemalloc.start()
    try:
        made = fill(template, name="Anna", day="2026-05-01")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(made, Exception), f"a text of {len(made)} characters"
    assert GIANTS[template] in str(made)
    assert peak < 64 * MEGABYTE  # most of it to compile a long template


#: Ways into objects and files. Each is refused as a whole, or fails in its row.
ATTACKS = [
    "{{ name.__class__ }}",
    "{{ name['__class__'] }}",
    "{{ name.__init__.__globals__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ name | attr('__class__') }}",
    "{{ ['__class__'] | map(attribute='__class__') | list }}",
    "{{ [name] | sort(attribute='__class__') }}",
    "{{ [name] | sort(attribute='0.' * 19000) }}",
    "{{ [name] | max(attribute='0') }}",
    "{{ [name] | max(key=name.upper) }}",
    "{{ [name] | select('in', [name]) | list }}",
    "{{ name is in([name]) }}",
    "{{ name is filter('upper') }}",
    "{{ name is sameas(name) }}",
    "{% set loop = 1 %}{{ loop }}",
    "{% set self = 1 %}{{ self }}",
    "{{ [name] | max(attribute='__class__.__mro__') }}",
    "{{ [name] | unique(attribute='__class__') | list }}",
    "{{ '%(a)s' % name.__class__ }}",
    "{{ '{0.__class__}'.format(name) }}",
    "{{ '{0.__class__}' | format(name) }}",
    "{{ name.upper.__self__ }}",
    "{{ name.upper.__call__ }}",
    "{{ name.join.__globals__ }}",
    "{% for a in name %}{{ loop.__init__ }}{% endfor %}",
    "{% for a in name %}{{ loop._iterator }}{% endfor %}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.system('touch owned') }}",
    "{{ lipsum.__globals__ }}",
    "{{ namespace() }}",
    "{{ range(9) }}",
    "{{ dict() }}",
    "{{ joiner() }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ context }}",
    "{{ environment }}",
    "{{ rows }}",
    "{{ rows.close() }}",
    "{{ frame.to_csv('owned') }}",
    "{{ row.to_csv('owned') }}",
    "{{ name.to_csv('owned') }}",
    "{{ (name, name).to_csv('owned') }}",
    "{{ when.strftime('%s') }}",
    "{{ when.replace(year=1) }}",
    "{{ when.fromtimestamp(0) }}",
    "{{ when.__reduce__() }}",
    "{{ when.resolution }}",
    "{{ {'a': 1}.pop('a') }}",
    "{{ {'a': 1}.update({}) }}",
    "{{ [1].append(2) }}",
    "{{ name.upper is callable }}",
    "{{ name.mro() }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'os' import system %}",
    "{% extends name %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set name.__class__ = 1 %}x",
    "{% do name %}",
    "{% autoescape true %}x{% endautoescape %}",
    "{% trans %}x{% endtrans %}",
    "{{ name | .text }}",
    "{{ name | pprint }}",
    "{{ name | tojson }}",
    "{{ name | safe }}",
    "{{ name | urlize }}",
    "{{ name | filesizeformat }}",
    "{{ name | select('attr', '__class__') | list }}",
]


@pytest.mark.parametrize("template", ATTACKS)
def test_no_way_leads_out(template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No attack makes a text or a file: the template is refused, or its row has an error."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"name": ["Ana"], "when": [WHEN]})
    try:
        told = render_messages(frame, template)
    except SmspmError:
        pass
    else:
        assert told["sms_problem"].to_list() == ["template_error"]
        assert told["sms_text"].isna().all()
    assert list(tmp_path.iterdir()) == []


def test_values_with_methods_never_reach_a_template() -> None:
    """Frames, Series, files and functions in a cell are shown as text, if at all."""
    cells = [pd.DataFrame({"a": [1]}), pd.Series([1]), io.StringIO("x"), os.system, [1], {"a": 1}]
    frame = pd.DataFrame({"cell": pd.Series(cells, dtype=object)})
    for method in ("to_csv('owned')", "read()", "__call__('true')", "append(1)", "clear()"):
        told = render_messages(frame, f"{{{{ cell.{method} }}}}")
        assert told["sms_problem"].to_list() == ["template_error"] * len(cells)


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{ name[:2] }}{{ name[-1] }}", "Ana"),
        ("{{ name ~ '-' ~ 5 ~ '-' ~ 2.0 }}", "Anna-5-2"),
        ("{{ '%s has %d of %.2f' % (name, 5, 1.5) }}", "Anna has 5 of 1.50"),
        ("{{ '%(who)s!' % {'who': name} }}", "Anna!"),
        ("{{ 'Hi ' + name }}{{ 5 + 2 * 3 ** 2 % 4 }}", "Hi Anna7"),
        ("{{ 7 // 2 }}{{ 7 - 2 }}{{ -7 }}{{ 7 / 2 }}", "35-73.5"),
        ("{{ name * 2 }}", "AnnaAnna"),
        ("{{ name.upper().lower().title().split('n')[0] }}", "A"),
        ("{{ ', '.join([name, shop]) }}", "Anna, Tartu"),
        ("{{ [name, shop] | join(' + ') }}", "Anna + Tartu"),
        ("{{ name.replace('n', 'm') }}{{ name | replace('n', '', 1) }}", "AmmaAna"),
        ("{% for item in 'a, b'.split(', ') %}{{ loop.index }}{{ item }} {% endfor %}x", "1a 2b x"),
        ("{% for a in [3, 1, 2] | sort %}{{ a }}{% if not loop.last %}<{% endif %}{% endfor %}",
         "1<2<3"),
        ("{% for a in [1, 2, 3] if a > 1 %}{{ a }}{% else %}none{% endfor %}", "23"),
        ("{% for a in [] %}{{ a }}{% else %}none{% endfor %}", "none"),
        ("{% for key, value in {'a': 1}.items() %}{{ key }}{{ value }}{% endfor %}", "a1"),
        ("{% set name = name | upper %}{{ name }}", "ANNA"),
        ("{% set x %}{{ name }}!{% endset %}{{ x }}{{ x | length }}", "Anna!5"),
        ("{% with a = 1, b = name %}{{ a }}{{ b }}{% endwith %}", "1Anna"),
        ("{% filter upper %}Hi {{ name }}{% endfilter %}", "HI ANNA"),
        ("{{ 'big' if 5 > 3 >= 3 and name in 'Anna, Eva' else 'small' }}", "big"),
        ("{{ {'de': 'Hallo', 'en': 'Hi'}['en'] }}{{ {'a': 'b'}.get('a') }}", "Hib"),
        ("{{ when.year }}-{{ when.month }} {{ when.date() }}", "2026-5 2026-05-01"),
        ("{{ [5, 3] | max }}{{ [5, 3] | min }}{{ [1, 1] | unique | list | length }}", "531"),
        ("{{ name | first }}{{ name | last }}{{ name | reverse }}", "AaannA"),
        ("{{ 2.675 | round(2) }} {{ '5' | int + 1 }} {{ '5.5' | float }}", "2.67 6 5.5"),
        ("{{ 'a b c' | wordcount }}{{ ' x ' | trim }}{{ 'ab' | capitalize }}", "3xAb"),
        ("{{ ['b', 'A', 'a'] | sort | join }}", "Aab"),
        ("{{ ['b', 'A'] | sort(reverse=true) | join }}", "bA"),
        ("{{ ['b', 'A', 'a'] | unique | join }}", "bA"),
        ("{{ ['b', 'A'] | max }}{{ ['b', 'A'] | min }}", "bA"),
        ("{{ 5 is odd }}{{ 5 is divisibleby(3) }}{{ name is string }}", "TRUEFALSETRUE"),
        ("{{ 0.1 + 0.2 }} {{ 0.1 * 3 }} {{ 1 / 3 }}", "0.3 0.3 0.333333333333333"),
        ("{{ '%-5s|%05.1f|%%' % (name, 2.25) }}", "Anna |002.2|%"),
        ("{{ '%s %s %d' % (10 / 2, 0.1 + 0.2, 7 / 2) }}", "5 0.3 3"),
        ("{{ '%(1234)s' % {'1234': 'x'} }}{{ ('%999d' % 5) | length }}", "x999"),
        ("{{ true }}{{ 1 == 2 }}", "TRUEFALSE"),
        ("a{# comment #}b{% raw %}{{ x }}{% endraw %}", "ab{{ x }}"),
        ("{%- if true -%}  x  {%- endif -%}", "x"),
    ],
)  # fmt: skip
def test_what_a_text_needs_works(template: str, made: str) -> None:
    """Jinja's own ways to write a text give what Jinja's documentation says."""
    assert fill(template, name="Anna", shop="Tartu", when=WHEN) == made


def test_nothing_goes_from_one_row_to_the_next() -> None:
    """A variable that is set in one row is not there in the next, whatever happened between."""
    template = (
        "{% if name == 'Ana' %}{% set x = 'seen' %}{% else %}{% set x = x | d('no') %}{% endif %}"
        "{{ x }}{{ n }}"
    )
    sandbox = Sandbox(template)
    assert sandbox.placeholders == ["n", "name", "x"]
    blank = Blank(name="x")
    rows: list[list[Any]] = [
        [1, "Ana", blank],
        [2, "Eva", blank],
        [[1], "Ana", blank],
        [4, "Mia", blank],
    ]
    texts, errors = sandbox.fill(rows, str)
    assert texts == ["seen1", "no2", "", "no4"]
    assert errors == {2: "an expression gave a list, not a text or number"}


def test_each_row_has_the_whole_allowance() -> None:
    """A row that took nearly all, and one that took too much, leave the next row all of it."""
    template = "{% for a in text %}x{% endfor %}"
    most = MAX_WORK // (1 + len(template))  # turns
    rows = [["y" * most], ["y" * most], ["y" * (most + 1)], ["y" * most]]
    sandbox = Sandbox(template)
    for _ in range(2):  # and what was filled once can be filled again
        texts, errors = sandbox.fill(rows, type)
        assert (texts, errors) == (["x" * most, "x" * most, "", "x" * most], {2: TooMuch})


def test_bound_of_characters_is_that_of_the_longest_message() -> None:
    """255 segments of 153 characters may be made at once, and not one more."""
    assert MAX_CHARACTERS == 255 * 153
    assert fill(f"{{{{ 'a' * {MAX_CHARACTERS} }}}}") == "a" * MAX_CHARACTERS
    assert isinstance(fill(f"{{{{ 'a' * {MAX_CHARACTERS + 1} }}}}"), TooMuch)


def test_expressions_within_each_other_are_bounded() -> None:
    """Compiling takes the cube of their depth, so it is refused before."""
    assert fill("{{ name" + "[0]" * 19 + " }}", name="x") == "x"
    for deep in ("{{ name" + "[0]" * 20 + " }}", "{{ name" + " | upper" * 200 + " }}"):
        with pytest.raises(TemplateInvalid, match=r"^Line 1 .* more than 20 expressions"):
            Sandbox(deep)


def test_variable_of_rows_is_never_a_column() -> None:
    """Columns may have the name that the loop over rows would take."""
    assert fill("{{ rows }}{{ rows_ }}", rows="a", rows_="b") == "ab"


def test_rows_are_read_once_each() -> None:
    """Rows may be a stream: each is read once, whatever happens in it."""
    rows: Iterator[list[Any]] = iter([[1], [None], [3], [None], [None], [6]])
    texts, errors = Sandbox("{{ n }}").fill(rows, str)
    assert (texts, list(errors)) == (["1", "", "3", "", "", "6"], [1, 3, 4])
    assert list(rows) == []


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="{}%#'\"ab.[]()|*+~,: 1=\n-", max_size=40))
def test_any_text_is_a_template_or_a_sentence(source: str) -> None:
    """Whatever is typed, there is a text, an error of the row, or one sentence about the call."""
    frame = pd.DataFrame({"a": ["1"], "b": ["x"]})
    sentence = "."
    try:
        render_messages(frame, source)
    except SmspmError as error:
        sentence = str(error)
    assert sentence.endswith((".", "?"))
