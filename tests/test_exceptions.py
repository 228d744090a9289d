import builtins
import inspect
import pickle
import re

import pytest

from smspm_campaigns import exceptions
from smspm_campaigns.exceptions import (
    AccountRefused,
    ColumnNotFound,
    GatewayError,
    LedgerError,
    ListRefused,
    NeverLeft,
    NumberRefused,
    OutcomeUnknown,
    RateLimited,
    SmspmError,
)

CLASSES = {
    name: found
    for name, found in inspect.getmembers(exceptions, inspect.isclass)
    if found.__module__ == exceptions.__name__
}


def drawn() -> dict[str, tuple[str, str]]:
    """Read the tree at the top of the module: class -> its parent, and the built-in it also is."""
    tree: dict[str, tuple[str, str]] = {}
    parents = ["", ""]
    for line in (exceptions.__doc__ or "").splitlines():
        found = re.match(r"(?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: \((?P<builtin>\w+)\))?", line)
        if found is None or found["name"] not in CLASSES:
            continue
        depth = len(found["branch"]) // 4
        parents[depth + 1 :] = [found["name"]]
        tree[found["name"]] = (parents[depth] if depth else "", found["builtin"] or "")
    return tree


def actual(error: type[object]) -> tuple[str, str]:
    bases = [base.__name__ for base in error.__bases__]
    ours = [name for name in bases if name in CLASSES]
    built_in = [name for name in bases if hasattr(builtins, name) and name != "Exception"]
    return "".join(ours), "".join(built_in)


def test_the_tree_at_the_top_is_the_tree_of_the_classes() -> None:
    """Each class is drawn under its parent, with the built-in error that it also is."""
    assert drawn() == {name: actual(found) for name, found in CLASSES.items()}


@pytest.mark.parametrize(
    ("error", "rows_become"),
    [
        (NeverLeft("x"), "planned"),
        (RateLimited("x", retry_after=3), "planned"),
        (AccountRefused("x"), "planned"),
        (ListRefused("x"), "planned"),
        (NumberRefused("x"), "refused"),
        (OutcomeUnknown("x"), "unknown"),
        (GatewayError("x"), "unknown"),  # who does not say, proves nothing
    ],
)
def test_an_error_of_the_gateway_says_what_it_proves(error: GatewayError, rows_become: str) -> None:
    """The sender reads what rows become from the error, not from its type."""
    assert error.rows_become == rows_become


def test_an_error_is_its_sentence() -> None:
    """No class adds quotes or numbers of its own, not even the KeyError and OSErrors."""
    for error in (ColumnNotFound("a"), LedgerError("a"), NeverLeft("a"), SmspmError("a")):
        assert str(error) == "a"
    assert str(SmspmError()) == ""


def test_the_reply_is_kept_but_not_said() -> None:
    """What the API said word for word may hold numbers, so only `raw` has it."""
    error = OutcomeUnknown("a", raw="37256789045", stops_run=True)
    assert (str(error), repr(error), error.raw) == ("a", "OutcomeUnknown('a')", "37256789045")


def test_an_error_survives_the_way_to_another_process() -> None:
    """A process pool brings it back with all it knows."""
    for error in (
        RateLimited("a", raw="b", retry_after=2.5),
        OutcomeUnknown("a", raw="b", stops_run=True),
        NeverLeft("a"),
    ):
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
