"""The environment a template from a stranger runs in: it writes texts of bounded size, and no more.

Jinja's own sandbox keeps a template from reaching into objects. It does not keep one from filling
the memory (`"a" * 10**9`) or from running for ever (loops in loops). So what may be asked of a
value is listed here; an operation that may make more than it is given is checked before it is done;
and each row has an allowance, from which everything takes that is written or gone through.
"""

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from jinja2 import Template, TemplateError, Undefined
from jinja2 import filters as jinja
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from smspm_campaigns.exceptions import TemplateInvalid
from smspm_campaigns.frames import filters
from smspm_campaigns.frames.template_syntax import (
    JOINED,
    ROWS,
    TEXT,
    TURNS,
    WEIGHED,
    over_rows,
    parse,
    written_by,
)
from smspm_campaigns.frames.template_values import (
    LISTS,
    SCALARS,
    SIZES,
    Blank,
    TooMuch,
    as_printed,
    bounded,
    size_of,
    tidy,
)

MAX_WORK: Final = 200_000  # characters that one row may read and write, turns of loops included
_TOO_MUCH: Final = "it goes through more than a text can need"
_OF_A_COUNTRY: Final = 500  # what looking up how a country writes something takes, in characters
_MAX_DECIMALS: Final = 12  # of `round`
_IN_LISTS: Final = (*SCALARS, Undefined)  # nothing whose parts double with each list around it

#: What may be asked of a value, by its type; of any other, nothing.
_ATTRIBUTES: Final[dict[type, frozenset[str]]] = {
    str: frozenset((
        "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha",
        "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "join",
        "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind",
        "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip",
        "swapcase", "title", "upper",
    )),
    dt.datetime: frozenset((
        "date", "day", "hour", "isoweekday", "minute", "month", "second", "weekday", "year",
    )),
    dt.date: frozenset(("day", "isoweekday", "month", "weekday", "year")),
    dt.time: frozenset(("hour", "minute", "second")),
    dict: frozenset(("get", "items", "keys", "values")),
    LoopContext: frozenset((
        "changed", "cycle", "first", "index", "index0", "last", "length", "nextitem", "previtem",
        "revindex", "revindex0",
    )),
}  # fmt: skip


_Verdict = TypeVar("_Verdict")


class Sandbox(ImmutableSandboxedEnvironment):
    """One template, read once and filled in for many rows."""

    intercepted_binops = frozenset(["*", "**", "+", "%"])

    def __init__(self, source: str) -> None:
        """Read a template.

        `placeholders` are its names in alphabetical order; `printed` are those of them that may
        stand in a text, and `literals` what the template writes itself.

        Raises:
            TemplateInvalid: it does not parse, cannot be compiled, or holds what a text does not
                need.
        """
        super().__init__(
            undefined=Blank, finalize=self._printed, keep_trailing_newline=True, optimized=False
        )
        self.globals.clear()
        self.tests = {name: self.tests[name] for name in _TESTS}
        self.filters = {
            **{name: self._charged(function) for name, function in _JINJAS.items()},
            **{name: self._on_text(function) for name, function in _ON_TEXTS.items()},
            **{name: self._charged(one, _OF_A_COUNTRY) for name, one in _FOR_PEOPLE.items()},
            **dict.fromkeys(("join", JOINED), self._joined),
            **dict.fromkeys(("default", "d"), jinja.do_default),
            "replace": self._replaced,
            TURNS: self._turns,
            WEIGHED: self._weighed,
            TEXT: str,
        }
        self._left = MAX_WORK
        self._turn = 1 + len(source)  # what is done in one turn is no more than all of it
        tree, self.placeholders = parse(self, source)
        self.printed, self.literals = written_by(tree, self.placeholders)
        whole = over_rows(tree, self.placeholders)
        try:
            self._template = Template.from_code(self, self.compile(whole), {})
        except (TemplateError, SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise TemplateInvalid(f"The template is too complicated: {error}.") from None

    def fill(
        self, rows: Iterable[Sequence[Any]], judge: Callable[[Exception], _Verdict]
    ) -> tuple[list[str], dict[int, _Verdict]]:
        """Fill the template for each row, in one pass through its compiled code.

        Args:
            rows: the values of the placeholders, in their order; `Blank` where there is none.
            judge: what to keep of an error.

        Returns:
            The text of each row, `""` where an error came, and by position what is kept of these.
        """
        context = self._template.new_context({ROWS: iter(rows)})
        texts: list[str] = []
        errors: dict[int, _Verdict] = {}
        done = False
        while not done:
            self._left = MAX_WORK
            try:
                for text in self._template.root_render_func(context):
                    texts.append(text)
                    self._left = MAX_WORK
                done = True
            except Exception as error:  # noqa: BLE001 - what happens in a row stays in it
                errors[len(texts)] = judge(error)
                texts.append("")  # and the next row goes on
        return texts, errors

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise TooMuch(_TOO_MUCH)

    def _turns(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self._spend(self._turn)
            yield value

    def _printed(self, value: Any) -> str:
        text = value if type(value) is str else as_printed(value)
        self._left -= len(text)
        if self._left < 0:  # as _spend does, without the call: this is done for every placeholder
            raise TooMuch(_TOO_MUCH)
        return text

    def _charged(self, function: Callable[..., Any], price: int = 1) -> Callable[..., Any]:
        """Let a filter take from the allowance, and never see a blank."""
        place = 1 if hasattr(function, "jinja_pass_arg") else 0

        @functools.wraps(function)  # keeps what tells Jinja to pass its environment first
        def charged(*args: Any, **named: Any) -> Any:
            for value in (*args[place:], *named.values()):
                if isinstance(value, Undefined):
                    str(value)  # which raises
                self._spend(price + size_of(value))
            return function(*args, **named)

        return charged

    def _on_text(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda value, *args, **named: function(self._printed(value), *args, **named)

    def _weighed(self, value: Any) -> Any:
        if isinstance(value, LISTS):
            items = value.values() if isinstance(value, dict) else value
            if not all(item is None or isinstance(item, _IN_LISTS) for item in items):
                raise TooMuch("it has a list in a list")
            self._spend(sum(map(size_of, items)))
        self._spend(size_of(value))
        return value

    def _joined(self, values: Iterable[Any], d: Any = "") -> str:
        texts, sign = [as_printed(value) for value in values], as_printed(d)
        self._spend(bounded(sum(map(len, texts)) + len(sign) * len(texts)))
        return sign.join(texts)

    def _replaced(self, value: Any, old: Any, new: Any, count: int | None = None) -> str:
        text, old, new = as_printed(value), as_printed(old), as_printed(new)
        self._spend(bounded(len(text) + text.count(old) * len(new)))
        return text.replace(old, new, -1 if count is None else count)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ARG002
        return any(isinstance(obj, kind) and attr in names for kind, names in _ATTRIBUTES.items())

    def wrap_str_format(self, value: Any) -> None:
        """Leave `format` to the list of attributes, where it is not: it pads at will."""

    def call(self, context: Context, obj: Any, /, *args: Any, **named: Any) -> Any:
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        self._spend(size_of(owner) + sum(map(size_of, args)))
        if isinstance(owner, str) and name == "join":
            return self._joined(args[0], owner)
        if isinstance(owner, str) and name == "replace":
            return self._replaced(owner, *args)
        return super().call(context, obj, *args, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self._spend(bounded(SIZES[operator](left, right)))
        if operator == "%" and isinstance(left, str):
            right = tidy(right)
        return super().call_binop(context, operator, left, right)


def _round(value: Any, precision: int = 0, method: Any = "common") -> float:
    if abs(precision) > _MAX_DECIMALS:
        raise TooMuch(f"it rounds to more than {_MAX_DECIMALS} decimals")
    return jinja.do_round(value, precision, method)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _unique(values: Any) -> list[Any]:
    return list({_folded(value): value for value in reversed(list(values))}.values())[::-1]


#: Filters of Jinja that a text needs, without the arguments by which some reach into objects. Those
#: that draw lots or build markup are out.
_JINJAS: Final[dict[str, Callable[..., Any]]] = {
    "abs": abs,
    "count": len,
    "first": jinja.FILTERS["first"],
    "float": jinja.do_float,
    "int": jinja.do_int,
    "last": jinja.FILTERS["last"],
    "length": len,
    "list": list,
    "max": lambda values: max(values, key=_folded),
    "min": lambda values: min(values, key=_folded),
    "reverse": jinja.do_reverse,
    "round": _round,
    "sort": lambda values, reverse=False: sorted(values, key=_folded, reverse=reverse),
    "unique": _unique,
}
_ON_TEXTS: Final[dict[str, Callable[..., Any]]] = {
    "capitalize": str.capitalize,
    "lower": str.lower,
    "string": str,
    "title": filters.title,
    "trim": str.strip,
    "truncate": filters.truncate,
    "upper": str.upper,
    "wordcount": lambda text: len(text.split()),
}
#: Tests of Jinja that a text needs.
_TESTS: Final = (
    "boolean", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge", "gt",
    "integer", "le", "lower", "lt", "ne", "none", "number", "odd", "string", "true", "undefined",
    "upper",
)  # fmt: skip
_FOR_PEOPLE: Final[dict[str, Callable[..., Any]]] = {
    "date": filters.date,
    "money": filters.money,
    "number": filters.number,
}
