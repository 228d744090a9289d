import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smspm_campaigns.exceptions import (
    AccountRefused,
    GatewayError,
    ListRefused,
    NumberRefused,
    OutcomeUnknown,
    RateLimited,
)
from smspm_campaigns.gateway.replies import (
    Answer,
    Details,
    Reply,
    read_details,
    read_fields,
    read_send,
)
from smspm_campaigns.vocabulary import Status

A, B, C = "37256789045", "37257788990", "447912345678"
QUEUED: Final = Status.QUEUED
REFUSED: Final = Status.REFUSED
UNKNOWN: Final = Status.UNKNOWN
OK = "Added to queue"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def read(
    raw: str, asked: Sequence[str] = (A,), code: int = 200, *, atomic: bool = False, **headers: str
) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_send(asked, code, named, raw, list_errors_atomic=atomic, now=NOW)


def answers(elements: list[Any], asked: Sequence[str] = (A, B)) -> list[Answer]:
    return list(read(json.dumps({"messages": elements}), asked).answers)


def element(number: object, message_id: object = "id-1", status: object = OK) -> dict[str, Any]:
    return {"id": message_id, "toNumber": number, "status": status}


def failure(raw: str, *, asked: int, code: int = 200, atomic: bool = False) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        read(raw, (A, B, C)[:asked], code, atomic=atomic)
    return caught.value


def nothing_for(number: str) -> Answer:
    return Answer(number, UNKNOWN, error="the reply has no element for this number")


# --- elements, one by one -----------------------------------------------------------------------


def test_the_reply_of_the_quick_start_is_queued() -> None:
    """An id and the words `Added to queue` prove that the number was taken."""
    raw = json.dumps({"messages": [element(A, "a7b3c4d5-e6f7-8a9b-0c1d-2e3f4a5b6c7d")]})
    queued = Answer(A, QUEUED, "a7b3c4d5-e6f7-8a9b-0c1d-2e3f4a5b6c7d", OK)
    assert read(raw) == Reply((queued,), raw, is_plain=True)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # an id and an accepting word
        ({"id": "x", "status": "added to QUEUE "}, Answer(A, QUEUED, "x", "added to QUEUE")),
        ({"id": "x", "status": "queued"}, Answer(A, QUEUED, "x", "queued")),
        ({"id": "x", "status": "pending"}, Answer(A, QUEUED, "x", "pending")),
        ({"id": "x", "status": "sent"}, Answer(A, QUEUED, "x", "sent")),
        ({"id": "x", "status": "delivered"}, Answer(A, QUEUED, "x", "delivered")),
        ({"id": "x", "status": OK, "error": None}, Answer(A, QUEUED, "x", OK)),
        ({"id": "x", "status": OK, "error": ""}, Answer(A, QUEUED, "x", OK)),
        # no id and an explicit refusal
        ({"status": "Rejected"}, Answer(A, REFUSED, word="Rejected", error="Rejected")),
        ({"status": "failed"}, Answer(A, REFUSED, word="failed", error="failed")),
        ({"status": "INVALID"}, Answer(A, REFUSED, word="INVALID", error="INVALID")),
        (
            {"id": None, "status": "Rejected", "error": "No route"},
            Answer(A, REFUSED, word="Rejected", error="No route"),
        ),
        (
            {"id": "", "status": "blocked", "error": "No route"},
            Answer(A, REFUSED, word="blocked", error="No route"),
        ),
        # any other error may be said of a message that is on its way
        ({"error": "timeout"}, Answer(A, UNKNOWN, error="timeout")),
        (
            {"error": f"Invalid number 1{' ' * 300}was mended, and sent"},
            Answer(A, UNKNOWN, error=f"Invalid number 1{' ' * 184}"),
        ),
        ({"status": "error"}, Answer(A, UNKNOWN, word="error", error="error")),
        *(
            ({"status": word, "error": "none"}, Answer(A, UNKNOWN, word=word, error="none"))
            for word in ("Accepted", "Sending", "OK", "Processing")
        ),
        # the number in a refusal is masked
        (
            {"error": f"Invalid phone number: {A}"},
            Answer(A, REFUSED, error="Invalid phone number: 3725*****45"),
        ),
        (
            {"error": "Invalid phone number: +372 5678 9045"},
            Answer(A, REFUSED, error="Invalid phone number: +3725*****45"),
        ),
        # an id and a refusal contradict each other
        ({"id": "x", "status": "Rejected"}, Answer(A, UNKNOWN, word="Rejected", error="Rejected")),
        (
            {"id": "x", "status": OK, "error": "No route"},
            Answer(A, UNKNOWN, word=OK, error="No route"),
        ),
        # accepting words without an id, in all the ways there can be none
        ({"status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": None, "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": "", "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": "  ", "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": 7, "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": True, "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": [], "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": ["x"], "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": {"a": 1}, "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": "x" * 201, "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": "\ud800", "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": "a\x00b", "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),
        ({"id": "a\ufffd", "status": OK}, Answer(A, UNKNOWN, word=OK, error=OK)),  # was no UTF-8
        # a number of one's own that is not text is no id, and no refusal can be read from it
        ({"id": 7, "status": "Rejected"}, Answer(A, UNKNOWN, word="Rejected", error="Rejected")),
        # words never seen
        (
            {"id": "x", "status": "Processing"},
            Answer(A, UNKNOWN, word="Processing", error="Processing"),
        ),
        ({"status": "Processing"}, Answer(A, UNKNOWN, word="Processing", error="Processing")),
        ({"id": "x", "status": None}, Answer(A, UNKNOWN)),
        ({"id": "x", "status": 1}, Answer(A, UNKNOWN)),
        ({"id": "x"}, Answer(A, UNKNOWN)),
        ({}, Answer(A, UNKNOWN)),
        # an error that is no sentence refuses nothing
        ({"error": True}, Answer(A, UNKNOWN, error="True")),
        ({"error": {"a": 1}}, Answer(A, UNKNOWN, error="{'a': 1}")),
        # half a pair of surrogates could not be written down
        ({"status": "Rejected\ud800"}, Answer(A, UNKNOWN, word="Rejected?", error="Rejected?")),
        ({"error": "No \udfff"}, Answer(A, UNKNOWN, error="No ?")),
        # nobody needs a sentence of a million characters
        ({"error": "x" * 10**6}, Answer(A, UNKNOWN, error="x" * 200)),
        (
            {"id": "x", "status": "y" * 10**6},
            Answer(A, UNKNOWN, word="y" * 200, error="y" * 200),
        ),
    ],
)
def test_what_an_element_proves(said: dict[str, Any], expected: Answer) -> None:
    """Only an id with an accepting word is taken, only a refusal without id is refused."""
    assert answers([{"toNumber": A, **said}], (A,)) == [expected]
    with_another = answers([{"toNumber": A, **said}, element(B, "id-b")])
    assert with_another == [expected, Answer(B, QUEUED, "id-b", OK)]


# --- which element is whose ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelled",
    [
        A,
        f"+{A}",
        "+372 5678 9045",
        "(372) 5678-9045",
        f" {A} ",
        int(A),  # a JSON number
    ],
)
def test_a_number_may_come_back_in_another_spelling(spelled: object) -> None:
    """Plus, spaces, signs and a JSON number are the same number."""
    assert answers([element(B, "b"), element(spelled, "a")]) == [
        Answer(A, QUEUED, "a", OK),
        Answer(B, QUEUED, "b", OK),
    ]


@pytest.mark.parametrize(
    "spelled",
    [
        None,
        "",
        "unknown",
        True,
        "56789045",  # without its country code it could be anybody's
        f"00{A}",
        f"{A}0",
        [A],
        {"number": A},
    ],
)
def test_a_number_that_is_not_recognised_is_nobodys(spelled: object) -> None:
    """An element that cannot be matched is not guessed, though only one number is left over."""
    assert answers([element(spelled, "a"), element(B, "b")]) == [
        nothing_for(A),
        Answer(B, QUEUED, "b", OK),
    ]


def test_a_decimal_is_not_read_as_its_digits() -> None:
    """37256789045e1 is not the number 372567890451, though it has its digits."""
    asked = ("372567890451", B)
    raw = '{"messages": [{"id": "x", "toNumber": 37256789045e1, "status": "Added to queue"}]}'
    assert read(raw, asked).answers == (nothing_for("372567890451"), nothing_for(B))
    raw = '{"messages": [{"id": "x", "toNumber": 3725678904.51, "status": "Added to queue"}]}'
    assert read(raw, asked).answers == (nothing_for("372567890451"), nothing_for(B))


@pytest.mark.parametrize("spelled", [None, "", "56789045", B, [A], {"a": 1}, 5.5])
def test_the_only_element_for_the_only_number_is_its_own(spelled: object) -> None:
    """One number asked, one element: however the number is spelled."""
    assert answers([element(spelled, "a")], (A,)) == [Answer(A, QUEUED, "a", OK)]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        # fewer
        ([element(B, "b")], [nothing_for(A), Answer(B, QUEUED, "b", OK)]),
        # more: a number nobody asked for
        (
            [element(C, "c"), element(A, "a"), element(B, "b")],
            [Answer(A, QUEUED, "a", OK), Answer(B, QUEUED, "b", OK)],
        ),
        # reordered
        (
            [element(B, "b"), element(A, "a")],
            [Answer(A, QUEUED, "a", OK), Answer(B, QUEUED, "b", OK)],
        ),
        # doubled, with one id or two
        (
            [element(A, "a"), element(A, "a"), element(B, "b")],
            [
                Answer(A, UNKNOWN, error="the reply has 2 elements for this number"),
                Answer(B, QUEUED, "b", OK),
            ],
        ),
        (
            [element(A, "a"), element(B, "b"), element(f"+{A}", "a2"), element(A, "a3")],
            [
                Answer(A, UNKNOWN, error="the reply has 3 elements for this number"),
                Answer(B, QUEUED, "b", OK),
            ],
        ),
        # accepted and refused at once
        (
            [element(A, "a"), {"toNumber": A, "status": "Rejected"}, element(B, "b")],
            [
                Answer(A, UNKNOWN, error="the reply has 2 elements for this number"),
                Answer(B, QUEUED, "b", OK),
            ],
        ),
        # one id for two numbers
        (
            [element(A, "x"), element(B, "x")],
            [
                Answer(A, UNKNOWN, error="the reply has its id more than once"),
                Answer(B, UNKNOWN, error="the reply has its id more than once"),
            ],
        ),
        # also when the other number is a stranger's
        (
            [element(A, "x"), element(B, "b"), element(C, "x")],
            [
                Answer(A, UNKNOWN, error="the reply has its id more than once"),
                Answer(B, QUEUED, "b", OK),
            ],
        ),
        # several without an id are not one id
        (
            [{"toNumber": A, "status": "Rejected"}, {"toNumber": B, "status": "Rejected"}],
            [
                Answer(A, REFUSED, word="Rejected", error="Rejected"),
                Answer(B, REFUSED, word="Rejected", error="Rejected"),
            ],
        ),
        # things that are no elements
        (
            ["x", None, 5, [], element(A, "a"), True],
            [Answer(A, QUEUED, "a", OK), nothing_for(B)],
        ),
        (["x"], [nothing_for(A), nothing_for(B)]),
    ],
)
def test_elements_are_matched_by_number(elements: list[Any], expected: list[Answer]) -> None:
    """Never by position; what is missing, doubled or contradictory is unknown."""
    assert answers(elements) == expected


def test_one_number_with_two_elements_is_matched_by_number() -> None:
    """The rule for the only element does not stretch to two."""
    assert answers([element("?", "x"), element("?", "y")], (A,)) == [nothing_for(A)]
    assert answers([element(B, "x"), element(A, "y")], (A,)) == [Answer(A, QUEUED, "y", OK)]
    assert answers(["x"], (A,)) == [nothing_for(A)]


NUMBERS = [str(37250000000 + step) for step in range(12)]
SPELLINGS = [str, int, lambda number: f"+{number[:3]} {number[3:7]} {number[7:]}"]


@given(
    st.integers(2, 12).flatmap(
        lambda asked: st.tuples(
            st.just(NUMBERS[:asked]),
            st.lists(
                st.tuples(
                    st.sampled_from(NUMBERS),
                    st.sampled_from(SPELLINGS),
                    st.sampled_from(["own", "own", "own", "stolen", "none", "number"]),
                    st.sampled_from([OK, OK, OK, "Rejected", "Processing", None]),
                    st.sampled_from([None, None, None, "No route"]),
                ),
                max_size=20,
            ),
        )
    )
)
@example((NUMBERS[:2], []))
def test_no_mess_of_elements_proves_too_much(drawn: tuple[list[str], list[Any]]) -> None:
    """Shuffled, dropped, doubled, respelled elements never give a wrong id or an unproven word."""
    asked, told = drawn
    elements = []
    for number, spell, has_id, status, error in told:
        made: dict[str, Any] = {"toNumber": spell(number), "status": status, "error": error}
        if has_id != "none":
            made["id"] = {"own": f"id of {number}", "stolen": "id of nobody", "number": 7}[has_id]
        elements.append(made)
    try:
        found = answers(elements, asked)
    except OutcomeUnknown:
        assert elements == []
        return
    assert [answer.number for answer in found] == asked
    for answer in found:
        own = [
            made
            for (number, *_), made in zip(told, elements, strict=True)
            if number == answer.number
        ]
        if answer.status is QUEUED:
            assert own == [{**own[0], "id": answer.message_id, "status": OK, "error": None}]
            assert [made.get("id") for made in elements].count(answer.message_id) == 1
        elif answer.status is REFUSED:
            assert len(own) == 1
            assert "id" not in own[0]
            assert own[0]["status"] != OK
        assert (answer.status is QUEUED) == (answer.message_id is not None)


# --- whole replies ------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [1, 3])
@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "null",
        "[]",
        "true",
        '"Added to queue"',
        "NaN",
        '{"messages": [{"id": NaN}]}',
        '{"messages": [{"price": Infinity}]}',
        '{"messages": [{"price": 1e99999999999999999999}]}',  # no decimal is as large
        '{"messages": [{"price": ' + "9" * 5000 + "}]}",  # nor does Python read such an int
        '{"messages": [{"id": "a", "toNumber": "37256789045", "sta',  # cut short
        "<!DOCTYPE html><title>One moment</title>",
        "[" * 100_000,  # deeper than any parser goes
        "{'messages': []}",
        "\ufeff",
        "\ufeff\ufeff{}",
        '{"messages": [{"id": "a"}], "messages": []}',  # a name given twice means nothing sure
        '{"error": "Bad sender", "error": "Oops"}',
    ],
)
def test_what_is_not_the_known_json_proves_nothing(raw: str, asked: int) -> None:
    """An unreadable reply is unknown; only with a code of failure does it stop the run."""
    for code, stops_run in ((200, False), (201, False), (403, True), (413, True)):
        error = failure(raw, asked=asked, code=code)
        assert (type(error), error.rows_become, error.stops_run, error.raw) == (
            OutcomeUnknown,
            "unknown",
            stops_run,
            raw,
        )
        assert str(error) == f"The API's reply (HTTP {code}) is not the JSON it is known for."


@pytest.mark.parametrize("raw", ["{}", '{"messages": []}', '{"messages": null}', '{"messages": 7}'])
def test_an_object_without_messages_proves_nothing(raw: str) -> None:
    """No elements and no error: unknown, and the run goes on until the brake."""
    error = failure(raw, asked=1)
    assert (type(error), error.stops_run) == (OutcomeUnknown, False)
    assert str(error) == (
        "SMSPM answered a reply without messages (HTTP 200), which says nothing certain about the "
        "messages."
    )


def test_a_byte_order_mark_and_a_wrong_content_type_do_no_harm() -> None:
    """What is inside counts."""
    raw = "\ufeff" + json.dumps({"messages": [element(A, "a")]})
    assert read(raw, content_type="text/html").answers == (Answer(A, QUEUED, "a", OK),)


def test_elements_count_whatever_the_code_and_beside_an_error() -> None:
    """The body comes before the code: an id is a proof also in a 400."""
    raw = json.dumps({"messages": [element(A, "a")], "error": f"Invalid phone number: {B}"})
    for code in (200, 400):
        assert read(raw, (A, B), code).answers == (Answer(A, QUEUED, "a", OK), nothing_for(B))


ABOUT_ACCOUNT = ("Token is required", "Hash is required", "Unauthorized", "Invalid token")
ABOUT_SENDER = ("Sender number is required", "Bad sender", "fromNumber is not approved")
ABOUT_NUMBER = ("Invalid phone number: 37256789045", "Invalid phone number", "Bad number")
ABOUT_BALANCE = ("Insufficient balance", "Not enough credits", "No funds")
UNLISTED = (
    "Something went wrong",
    "Text is too long",
    "Cannot remove from numbers list",  # a word within a word is no evidence
    "The number of requests is exceeded",  # about no number in particular
    "Rehashing, try again",
    # a named error with more words: some may have been taken before it
    "Insufficient balance for sender SMSPM.com",
    "Invalid phone number: 123, fromNumber SMSPM.com",
    "Invalid phone number 123 (request hash ab12)",
    "Sending failed after 1 message: token expired",
    "Sender pool overloaded, partially sent",
    "Telephone gateway temporarily unavailable",
    "Unknown order number",
)


@pytest.mark.parametrize("code", [200, 400, 401, 403, 404])
@pytest.mark.parametrize(
    ("errors", "asked", "atomic", "expected", "stops_run"),
    [
        # the account and the sender: refused whole, one or many
        (ABOUT_ACCOUNT, 1, False, AccountRefused, True),
        (ABOUT_ACCOUNT, 3, False, AccountRefused, True),
        (ABOUT_SENDER, 1, False, AccountRefused, True),
        (ABOUT_SENDER, 3, False, AccountRefused, True),
        # the balance: of a list, some may have been taken before it ran out
        (ABOUT_BALANCE, 1, False, AccountRefused, True),
        (ABOUT_BALANCE, 3, False, OutcomeUnknown, True),
        (ABOUT_BALANCE, 3, True, AccountRefused, True),
        # the number: of a list, some may have been taken before it
        (ABOUT_NUMBER, 1, False, NumberRefused, False),
        (ABOUT_NUMBER, 3, False, OutcomeUnknown, False),
        (ABOUT_NUMBER, 3, True, ListRefused, False),
        (ABOUT_NUMBER, 1, True, NumberRefused, False),
        # anything else
        (UNLISTED, 1, False, OutcomeUnknown, True),
        (UNLISTED, 3, True, OutcomeUnknown, True),
    ],
)
def test_what_an_error_proves(
    errors: Sequence[str],
    asked: int,
    atomic: bool,
    expected: type[GatewayError],
    stops_run: bool,
    code: int,
) -> None:
    """The words decide, and the code only where they are missing."""
    for said in errors:
        raw = json.dumps({"error": said})
        error = failure(raw, asked=asked, code=code, atomic=atomic)
        assert (said, type(error), error.stops_run, error.raw) == (said, expected, stops_run, raw)


@pytest.mark.parametrize(
    ("code", "raw", "asked", "expected", "stops_run"),
    [
        (401, "{}", 3, AccountRefused, True),
        (401, '{"error": ""}', 1, AccountRefused, True),
        (402, "{}", 1, AccountRefused, True),
        (402, '{"error": "Payment required"}', 1, AccountRefused, True),
        (402, '{"error": "Payment required"}', 3, OutcomeUnknown, True),
        (403, "{}", 1, OutcomeUnknown, True),
        (404, '{"error": "Not found"}', 1, OutcomeUnknown, True),
        # an error that is no sentence is an error all the same
        (401, '{"error": {"code": 7}}', 1, OutcomeUnknown, True),
        # beside messages, be they unreadable, an error refuses nothing
        (200, '{"error": "Bad sender", "messages": {"id": "a"}}', 1, OutcomeUnknown, True),
        (401, '{"messages": "1 sent"}', 1, OutcomeUnknown, True),
        (402, '{"messages": "1 sent"}', 1, OutcomeUnknown, True),
        (200, '{"error": true}', 1, OutcomeUnknown, True),
        (200, '{"error": {"message": "Bad sender"}}', 1, OutcomeUnknown, True),
        (200, '{"error": null}', 1, OutcomeUnknown, False),
    ],
)
def test_what_a_code_without_words_proves(
    code: int, raw: str, asked: int, expected: type[GatewayError], stops_run: bool
) -> None:
    """401 and 402 are the account's; all others prove nothing."""
    error = failure(raw, asked=asked, code=code)
    assert (type(error), error.stops_run) == (expected, stops_run)


@pytest.mark.parametrize("code", [300, 301, 302, 304, 307, 308, 399])
def test_a_redirect_proves_nothing(code: int) -> None:
    """It is not followed, and what it did on the way is not known."""
    for raw in ("", json.dumps({"messages": [element(A)]}), '{"error": "Bad sender"}'):
        error = failure(raw, asked=1, code=code)
        assert (type(error), error.stops_run) == (OutcomeUnknown, False)


@pytest.mark.parametrize("code", [500, 502, 503, 504, 520, 599])
def test_an_error_of_the_gateway_proves_nothing_whatever_it_says(code: int) -> None:
    """With a 5xx not even a clear refusal is believed."""
    for said in ("Bad sender", "Invalid phone number: 1", "Insufficient balance", "Oops"):
        error = failure(json.dumps({"error": said}), asked=1, code=code)
        assert (type(error), error.stops_run) == (OutcomeUnknown, False)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("299", 299.0),
        ("301", 300.0),
        ("86400", 300.0),  # whoever asks for a day is asked again
        ("1e400", 300.0),
        ("inf", 300.0),
        ("-5", 0.0),
        ("-inf", 0.0),
        ("-0", 0.0),
        ("0x10", None),
        ("nan", None),
        ("soon", None),
        ("7, 9", None),
        ("Sun, 01 Mar 2026 12:00:20 GMT", 20.0),
        ("Sunday, 01-Mar-26 12:00:20 GMT", 20.0),  # the two obsolete forms of RFC 9110, 5.6.7
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Mar  1 12:00:20 2026", 20.0),
        ("Sun, 01 Mar 2026 12:00:20", 20.0),  # no zone is UTC
        ("Sun, 01 Mar 99999 12:00:20 GMT", None),
        ("2026-03-01T12:00:20Z", None),
        ("Sun, 01 Mar 2026 13:00:20 +0100", 20.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),  # over
        ("Mon, 01 Mar 2027 12:00:00 GMT", 300.0),
        ("Sun, 99 Mar 2026 12:00:20 GMT", None),
        ("Sun, 01 Mar 2026 12:00:20 +9999", None),
    ],
)
def test_retry_after_is_read_in_every_form(header: str | None, seconds: float | None) -> None:
    """Seconds or a date, bounded by five minutes; nonsense counts as not told."""
    headers = {} if header is None else {"retry-after": header}
    with pytest.raises(RateLimited) as caught:
        read_send([A, B], 429, headers, "{}", list_errors_atomic=False, now=NOW)
    assert (caught.value.retry_after, caught.value.rows_become) == (seconds, "planned")
    assert not caught.value.stops_run


@given(st.text())
def test_no_retry_after_is_a_crash(header: str) -> None:
    """Whatever the header says, it is a wait or nothing."""
    with pytest.raises(RateLimited) as caught:
        read("{}", code=429, retry_after=header)
    assert caught.value.retry_after is None or 0 <= caught.value.retry_after <= 300


def test_a_429_that_says_nothing_of_messages_was_not_taken() -> None:
    """Too many requests: nothing was taken (an assumption), unless it speaks of messages itself."""
    for raw in ("", "<html>", "[]", "null", '{"error": "Bad sender"}', '{"messages": []}'):
        assert type(failure(raw, asked=3, code=429)) is RateLimited
    for raw in ('["x"]', '{"messages": {"a": 1}}', '{"id": "x", "status": "Added to queue"}'):
        assert type(failure(raw, asked=1, code=429)) is OutcomeUnknown


def test_a_429_that_names_an_id_took_something() -> None:
    """Sending those again would be a second message: what is not named is unknown."""
    raw = json.dumps({"messages": [element(A, "a")], "error": "Too many requests"})
    assert read(raw, (A, B), 429).answers == (Answer(A, QUEUED, "a", OK), nothing_for(B))
    raw = json.dumps({"messages": [element(A, 7)]})
    assert [answer.status for answer in read(raw, (A, B), 429).answers] == [UNKNOWN, UNKNOWN]


def test_numbers_in_errors_are_masked_and_errors_are_short() -> None:
    """A sentence for a person shows neither a whole number nor a page of text."""
    error = failure(json.dumps({"error": f"Invalid phone number: {A}"}), asked=1)
    assert str(error) == "SMSPM refused the number: 'Invalid phone number: 3725*****45'."
    long = failure(json.dumps({"error": "oops " * 10_000}), asked=1)
    assert len(str(long)) < 400
    torn = failure(json.dumps({"error": "oops \ud83d\n"}), asked=1)
    assert str(torn).startswith("SMSPM answered 'oops ?' (HTTP 200)")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ELEMENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "toNumber", "status", "error"), JSON_VALUES)
)


@given(
    st.one_of(
        st.text(),
        JSON_VALUES.map(json.dumps),
        st.fixed_dictionaries({"messages": st.lists(ELEMENTS | JSON_VALUES)}).map(json.dumps),
        st.fixed_dictionaries({"error": JSON_VALUES}).map(json.dumps),
    ),
    st.integers(200, 599),
    st.integers(1, 3),
)
def test_any_reply_is_an_answer_for_each_number_or_an_error_of_ours(
    raw: str, code: int, asked: int
) -> None:
    """No reply, however strange, is a crash, and what it gives can be written down."""
    try:
        reply = read(raw, (A, B, C)[:asked], code)
    except GatewayError as error:
        str(error).encode()
        return
    assert [answer.number for answer in reply.answers] == [A, B, C][:asked]
    for answer in reply.answers:
        f"{answer.message_id}{answer.word}{answer.error}".encode()


# --- details and the account --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"status": "queued"}, ("queued", None, None)),
        ({"status": " Delivered "}, ("Delivered", None, None)),
        ({"status": "Buffered", "price": None, "carrier": None}, ("Buffered", None, None)),
        ({"status": "x", "price": 0.045, "carrier": "Telia"}, ("x", Decimal("0.045"), "Telia")),
        ({"status": "x", "price": "0.045"}, ("x", Decimal("0.045"), None)),
        ({"status": "x", "price": 0}, ("x", Decimal(0), None)),
        ({"status": "x", "price": 1}, ("x", Decimal(1), None)),
        # no price
        ({"status": "x", "price": ""}, ("x", None, None)),
        ({"status": "x", "price": "0,045"}, ("x", None, None)),
        ({"status": "x", "price": "free"}, ("x", None, None)),
        ({"status": "x", "price": -1}, ("x", None, None)),
        ({"status": "x", "price": True}, ("x", None, None)),
        ({"status": "x", "price": [1]}, ("x", None, None)),
        ({"status": "x", "price": "NaN"}, ("x", None, None)),
        ({"status": "x", "price": "sNaN"}, ("x", None, None)),
        ({"status": "x", "price": "Infinity"}, ("x", None, None)),
        ({"status": "x", "price": 10**30}, ("x", None, None)),  # more than the ledger can hold
        ({"status": "x", "price": "1e999999"}, ("x", None, None)),
        # no carrier
        ({"status": "x", "carrier": ""}, ("x", None, None)),
        ({"status": "x", "carrier": {"name": "Telia"}}, ("x", None, None)),
        # what could not be written down, or is too long for anybody
        ({"status": "x", "carrier": "Tel\ud800ia"}, ("x", None, "Tel?ia")),
        ({"status": "y" * 999, "carrier": "z" * 999}, ("y" * 200, None, "z" * 200)),
    ],
)
def test_details_are_read_as_far_as_they_make_sense(
    said: dict[str, Any], expected: tuple[str, Decimal | None, str | None]
) -> None:
    """The word is kept as it came; a price is an exact amount of euros or nothing."""
    raw = json.dumps(said)
    assert read_details("id", 200, {}, raw, now=NOW) == Details(*expected, raw)


@pytest.mark.parametrize(
    ("code", "raw", "expected"),
    [
        (200, "null", OutcomeUnknown),
        (200, "{}", OutcomeUnknown),
        (200, '{"status": ""}', OutcomeUnknown),
        (200, '{"status": 7}', OutcomeUnknown),
        (200, '{"status": "failed", "error": "Message not found"}', OutcomeUnknown),
        (404, '{"error": "Message not found"}', OutcomeUnknown),
        (400, '{"error": "Id is required"}', OutcomeUnknown),
        (401, '{"error": "Unauthorized"}', AccountRefused),
        (429, "", RateLimited),
        (503, '{"status": "delivered"}', OutcomeUnknown),
    ],
)
def test_details_that_are_none_raise(code: int, raw: str, expected: type[GatewayError]) -> None:
    """An error for one message is told from one about the account."""
    with pytest.raises(GatewayError) as caught:
        read_details("id", code, {}, raw, now=NOW)
    assert type(caught.value) is expected


def test_fields_are_an_object_with_200_and_no_error() -> None:
    """Anything else is an error."""
    assert read_fields(200, {}, '{"balance": 12.34}', now=NOW) == {"balance": Decimal("12.34")}
    for code, raw in ((404, '{"balance": 1}'), (200, '{"error": "x"}'), (200, "[]")):
        with pytest.raises(OutcomeUnknown):
            read_fields(code, {}, raw, now=NOW)
