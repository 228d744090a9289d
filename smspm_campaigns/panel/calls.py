"""A click is a call of a public function: one value that makes the call and writes it down."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isclass
from typing import Any, Final, NamedTuple

from smspm_campaigns.campaign import Campaign
from smspm_campaigns.campaign.running import CampaignRun

#: What a person calls the objects whose methods are called.
_VARIABLES: Final[dict[type, str]] = {Campaign: "campaign", CampaignRun: "run"}


class Variable(NamedTuple):
    """An argument that stands in a variable of the person, such as `client`."""

    name: str
    value: Any


@dataclass(frozen=True)
class Call:
    """A call of a public function. Two calls that are written alike do alike.

    Example:
        >>> from smspm_campaigns import normalize_numbers
        >>> call = Call(normalize_numbers, options={"column": "phone", "region": None})
        >>> call.written()
        "smspm.normalize_numbers(column='phone')"
        >>> call.piped()
        ".pipe(smspm.normalize_numbers, column='phone')"
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    made: str = ""  # the variable that holds what is returned

    def __call__(self, *first: Any) -> Any:
        """Make the call; `first` comes before its arguments, as in `.pipe`."""
        options = {name: _value(value) for name, value in self._given().items()}
        return self.function(*first, *map(_value, self.arguments), **options)

    def written(self) -> str:
        """Write it as one line of Python."""
        made = f"{self.made} = " if self.made else ""
        return f"{made}{_name(self.function)}({', '.join(self._written_arguments())})"

    def piped(self) -> str:
        """Write it as a step of a chain."""
        return f".pipe({', '.join([_name(self.function), *self._written_arguments()])})"

    def _given(self) -> dict[str, Any]:
        """Leave out what is not said: no option means anything by being None."""
        return {name: value for name, value in self.options.items() if value is not None}

    def _written_arguments(self) -> list[str]:
        named = [f"{name}={_written(value)}" for name, value in self._given().items()]
        return [*map(_written, self.arguments), *named]


def _value(argument: Any) -> Any:
    return argument.value if isinstance(argument, Variable) else argument


def _written(argument: Any) -> str:
    if isinstance(argument, Variable):
        return argument.name
    return f"float({str(argument)!r})" if argument == math.inf else repr(argument)


def _name(function: Callable[..., Any]) -> str:
    """Name a function as a person does who imported the package as `smspm`."""
    owner = getattr(function, "__self__", None)
    if owner is None:
        return f"smspm.{function.__name__}"
    of = f"smspm.{owner.__name__}" if isclass(owner) else _VARIABLES[type(owner)]
    return f"{of}.{function.__name__}"
