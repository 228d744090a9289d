import ast
import asyncio
import json
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smspm_campaigns.gateway import simulator as package
from smspm_campaigns.gateway.simulator import KINDS, Callbacks, Fault, Simulator, running, storm
from smspm_campaigns.gateway.simulator.callbacks import CallbackSender
from smspm_campaigns.gateway.simulator.ids import Ticket, read_id, write_id
from smspm_campaigns.gateway.simulator.segments import count_segments
from smspm_campaigns.gateway.simulator.tariff import calling_code

TALLINN, TARTU, LONDON, BOSTON = "37256789045", "37257788990", "447912345678", "12125551234"
THREE = [TALLINN, TARTU, LONDON]
HASH = {"hash": "simulated-hash"}
ACCOUNT = {**HASH, "token": "simulated-token"}
SEND = {**ACCOUNT, "toNumber": TALLINN, "text": "Hello", "fromNumber": "SMSPM.com"}


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def ask(simulator: Simulator, method: str, path: str, **options: object) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=simulator)
        async with httpx.AsyncClient(transport=transport, base_url="http://simulated") as client:
            return await client.request(method, path, **options)  # type: ignore[arg-type]

    return asyncio.run(request())


def send(simulator: Simulator, **changes: object) -> httpx.Response:
    values = {name: value for name, value in {**SEND, **changes}.items() if value is not ...}
    return ask(simulator, "POST", "/", json=values)


def answer(response: httpx.Response) -> tuple[int, object]:
    return response.status_code, response.json()


def messages(response: httpx.Response) -> list[dict[str, object]]:
    found: list[dict[str, object]] = response.json()["messages"]
    return found


def details(simulator: Simulator, message_id: object) -> httpx.Response:
    return ask(simulator, "POST", "/smsdetails", json={**HASH, "id": message_id})


def numbers(count: int, first: int = 37250000000) -> list[str]:
    return [str(first + step) for step in range(count)]


def taken(simulator: Simulator) -> list[object]:
    return [entry["toNumber"] for entry in simulator.accepted]


# --- what the quick start documents -------------------------------------------------------------


def test_one_message_is_answered_as_the_quick_start_shows() -> None:
    """A number given as a string is answered with one element: an id, the number, the words."""
    response = send(Simulator())
    [message] = messages(response)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert message == {"id": message["id"], "toNumber": TALLINN, "status": "Added to queue"}
    parsed = uuid.UUID(str(message["id"]))
    assert (parsed.version, parsed.variant, str(parsed)) == (8, uuid.RFC_4122, message["id"])


def test_the_url_of_the_quick_start_sends() -> None:
    """A GET with the names in the query string sends the same message."""
    simulator = Simulator()
    query = f"hash=simulated-hash&toNumber={TALLINN}&text=Hello+World&fromNumber=SMSPM.com"
    response = ask(simulator, "GET", f"/?{query}&token=simulated-token")
    assert answer(response) == (
        200,
        {
            "messages": [
                {
                    "id": simulator.accepted[0]["id"],
                    "toNumber": TALLINN,
                    "status": "Added to queue",
                }
            ]
        },
    )
    assert simulator.accepted[0]["text"] == "Hello World"


def test_everything_accepted_is_logged_whole() -> None:
    """The log holds one entry per recipient with all that was asked, and the request's index."""
    clock = Clock(1_750_000_000.25)
    simulator = Simulator(clock=clock)
    first = messages(send(simulator))
    clock.now += 10
    second = messages(send(simulator, toNumber=[TARTU, LONDON], text="Ülle 👋", report=None))
    assert simulator.accepted == [
        {
            "id": message["id"],
            "toNumber": number,
            "text": text,
            "fromNumber": "SMSPM.com",
            "report": None,
            "time": at,
            "request": request,
            "repeated": False,
        }
        for message, number, text, at, request in [
            (first[0], TALLINN, "Hello", 1_750_000_000.25, 0),
            (second[0], TARTU, "Ülle 👋", 1_750_000_010.25, 1),
            (second[1], LONDON, "Ülle 👋", 1_750_000_010.25, 1),
        ]
    ]


def test_a_list_of_one_hundred_numbers_is_accepted() -> None:
    """One hundred numbers are the most a request may carry, each with an element in order."""
    response = send(Simulator(), toNumber=numbers(100))
    assert [message["toNumber"] for message in messages(response)] == numbers(100)
    assert len({message["id"] for message in messages(response)}) == 100


def test_one_hundred_and_one_numbers_are_refused_whole() -> None:
    """One number too many and nothing at all is taken."""
    simulator = Simulator()
    response = send(simulator, toNumber=numbers(101))
    assert answer(response) == (400, {"error": "A request may carry at most 100 numbers"})
    assert simulator.accepted == []


def test_a_number_given_twice_is_taken_twice_and_marked() -> None:
    """Nothing documents a number given twice, so each is an SMS and the log tells."""
    simulator = Simulator()
    response = send(simulator, toNumber=[TALLINN, TARTU, TALLINN])
    assert len({message["id"] for message in messages(response)}) == 3
    assert [(entry["toNumber"], entry["repeated"]) for entry in simulator.accepted] == [
        (TALLINN, False),
        (TARTU, False),
        (TALLINN, True),
    ]


# --- what it refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        # named in the quick start, word for word
        ({"token": ...}, 400, "Token is required"),
        ({"token": ""}, 400, "Token is required"),
        ({"token": None}, 400, "Token is required"),
        ({"fromNumber": ...}, 400, "Sender number is required"),
        ({"fromNumber": ""}, 400, "Sender number is required"),
        ({"fromNumber": "Nobody"}, 400, "Bad sender"),
        ({"fromNumber": "smspm.com"}, 400, "Bad sender"),  # a Sender ID is approved as written
        ({"fromNumber": ["SMSPM.com"]}, 400, "Bad sender"),
        # seen in public clients
        ({"hash": "another"}, 401, "Unauthorized"),
        ({"token": "another"}, 401, "Unauthorized"),
        # required parameters
        ({"hash": ...}, 400, "Hash is required"),
        ({"hash": 7}, 400, "Hash is required"),
        ({"text": ...}, 400, "Text is required"),
        ({"text": ""}, 400, "Text is required"),
        ({"text": " \n"}, 400, "Text is required"),
        ({"text": 5}, 400, "Text is required"),
        ({"toNumber": ...}, 400, "Recipient number is required"),
        ({"toNumber": ""}, 400, "Recipient number is required"),
        ({"toNumber": []}, 400, "Recipient number is required"),
        # numbers that are no strings, alone or in a list, whatever the list mode
        ({"toNumber": 37256789045}, 400, "Invalid phone number: 37256789045"),
        ({"toNumber": [TARTU, 37256789045]}, 400, "Invalid phone number: 37256789045"),
        ({"toNumber": [TARTU, None]}, 400, "Invalid phone number: null"),
        ({"toNumber": {"a": 1}}, 400, 'Invalid phone number: {"a": 1}'),
        # what no SMS can carry
        ({"text": "a" * 153 * 255 + "a"}, 400, "Text is too long"),
        ({"text": "half a pair \ud83d"}, 400, "Text is not valid Unicode"),
        # where a callback could not go
        ({"report": "yourdomain.com/callback"}, 400, "Bad report URL"),
        ({"report": "ftp://yourdomain.com"}, 400, "Bad report URL"),
        ({"report": "http://[::1"}, 400, "Bad report URL"),
        ({"report": 1}, 400, "Bad report URL"),
    ],
)
def test_a_request_that_is_not_whole_is_refused_whole(
    changes: dict[str, object], status: int, error: str
) -> None:
    """Each missing or wrong parameter has its error, and nothing is taken."""
    simulator = Simulator()
    values = {name: value for name, value in {**SEND, **changes}.items() if value is not ...}
    body = json.dumps(values).encode()
    response = ask(
        simulator, "POST", "/", content=body, headers={"content-type": "application/json"}
    )
    assert answer(response) == (status, {"error": error})
    assert simulator.accepted == []


@pytest.mark.parametrize(
    "number",
    [
        "+37256789045",  # quick start: remove the plus
        "56789045",  # quick start: the country code is missing
        "+372 5678 9045",  # quick start: remove plus and spaces
        "37256789045.0",  # a spreadsheet made it a decimal number
        "3.7256789045E+10",
        "372 56789045",
        " 37256789045",
        "37256789045\n",
        "0037256789045",
        "٣٧٢٥٦٧٨٩٠٤٥",  # digits to Python, but not to a telephone
        "4407912345678",  # the trunk zero kept
        "3725",  # too short
        "372567890451234567",  # more digits than E.164 has
        "2101234567890",  # no such calling code
        "123",
        "abc",
    ],
)
def test_a_number_in_any_other_spelling_is_refused(number: str) -> None:
    """Only a country code and the digits after it are a number, and the error names the number."""
    simulator = Simulator()
    expected = (400, {"error": f"Invalid phone number: {number}"})
    assert answer(send(simulator, toNumber=number)) == expected
    values = {**SEND, "toNumber": number}
    assert answer(ask(simulator, "GET", "/", params=values)) == expected
    assert simulator.accepted == []


def test_the_example_numbers_of_every_region_are_accepted() -> None:
    """What the metadata calls a landline or a mobile number is never refused."""
    examples = [
        number
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in (
            phonenumbers.PhoneNumberType.FIXED_LINE,
            phonenumbers.PhoneNumberType.MOBILE,
        )
        if (number := phonenumbers.example_number_for_type(region, kind)) is not None
    ]
    style = phonenumbers.PhoneNumberFormat.E164
    refused = [
        number
        for number in examples
        if calling_code(phonenumbers.format_number(number, style)[1:]) != number.country_code
    ]
    assert len(examples) > 400
    assert refused == []


@pytest.mark.parametrize("number", [TALLINN, LONDON, BOSTON])
def test_the_formats_the_quick_start_calls_correct_are_accepted(number: str) -> None:
    """The three examples of a correct format are taken as they stand."""
    simulator = Simulator()
    assert send(simulator, toNumber=number).status_code == 200
    assert taken(simulator) == [number]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error"),
    [
        (b"", "application/json", 400, "The body is not JSON"),
        (b"hash=simulated-hash", "application/json", 400, "The body is not JSON"),
        (b'{"hash": "\xff"}', "application/json", 400, "The body is not JSON"),
        (b"\xef\xbb\xbf{}", "application/json", 400, "The body is not JSON"),  # a BOM
        (b"[" * 100_000, "application/json", 400, "The body is not JSON"),
        (b"[]", "application/json", 400, "The body must be a JSON object"),
        (b"null", "application/json", 400, "The body must be a JSON object"),
        (b"{}", "application/json; charset=utf-8", 400, "Hash is required"),
        (b"{}", "text/plain", 415, "Content-Type must be application/json"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/smsdetails"])
def test_a_body_that_is_no_json_object_is_refused(
    path: str, body: bytes, content_type: str, status: int, error: str
) -> None:
    """A POST is a JSON object in UTF-8, and says so."""
    headers = {"content-type": content_type}
    response = ask(Simulator(), "POST", path, content=body, headers=headers)
    assert answer(response) == (status, {"error": error})


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (f"toNumber={TARTU}", "A parameter is given twice"),
        ("text=again", "A parameter is given twice"),
        ("smsId=%ff", "The query string is not UTF-8"),
    ],
)
def test_a_query_string_that_can_be_read_two_ways_is_refused(query: str, error: str) -> None:
    """A GET carries one number, and every parameter once."""
    simulator = Simulator()
    whole = f"{httpx.QueryParams({key: str(value) for key, value in SEND.items()})}&{query}"
    assert answer(ask(simulator, "GET", f"/?{whole}")) == (400, {"error": error})
    assert simulator.accepted == []


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("POST", "/sms", 404, None),
        ("POST", "/smsdetails/", 404, None),
        ("PUT", "/", 405, "GET, POST"),
        ("HEAD", "/", 405, "GET, POST"),  # must not send
        ("GET", "/smsdetails", 405, "POST"),
        ("POST", "/balance", 405, "GET"),
    ],
)
def test_unknown_paths_and_methods_are_refused(
    method: str, path: str, status: int, allowed: str | None
) -> None:
    """Anything but the documented calls is 404 or 405, and takes nothing."""
    simulator = Simulator()
    response = ask(simulator, method, path, params={key: str(value) for key, value in SEND.items()})
    assert (response.status_code, response.headers.get("allow")) == (status, allowed)
    assert simulator.accepted == []


# --- the account --------------------------------------------------------------------------------


def test_the_account_tells_its_balance_and_senders() -> None:
    """`/balance` and `/sender-ids` answer as seen in public clients."""
    simulator = Simulator(balance=12.34, senders=("SMSPM.com", "Shop"))
    assert answer(ask(simulator, "GET", "/balance", params=ACCOUNT)) == (200, {"balance": 12.34})
    assert answer(ask(simulator, "GET", "/sender-ids", params=ACCOUNT)) == (
        200,
        {"senders": ["SMSPM.com", "Shop"]},
    )


@pytest.mark.parametrize("path", ["/balance", "/sender-ids"])
def test_the_account_needs_both_credentials(path: str) -> None:
    """Without the token, or with a wrong one, nothing is told."""
    simulator = Simulator()
    assert answer(ask(simulator, "GET", path, params=HASH)) == (
        400,
        {"error": "Token is required"},
    )
    assert answer(ask(simulator, "GET", path, params={**ACCOUNT, "token": "x"})) == (
        401,
        {"error": "Unauthorized"},
    )


def test_the_balance_pays_every_segment_of_every_message() -> None:
    """Two segments to Estonia and to the United Kingdom cost twice 0.05 and twice 0.045 EUR."""
    simulator = Simulator(balance=1.0)
    send(simulator, toNumber=[TALLINN, LONDON], text="a" * 161)
    assert simulator.balance == 0.81


def test_an_exhausted_balance_refuses_the_whole_request() -> None:
    """What is too dear for the balance is not taken in part, and 402 says why."""
    simulator = Simulator(balance=0.10)
    assert answer(send(simulator, toNumber=[TALLINN, TARTU, TALLINN])) == (
        402,
        {"error": "The balance is not sufficient"},
    )
    assert (simulator.accepted, simulator.balance) == ([], 0.10)
    assert send(simulator, toNumber=[TALLINN, TARTU]).status_code == 200
    assert send(simulator).status_code == 402
    assert simulator.balance == 0.0


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),  # two septets each
        ("a" + "€" * 80, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # 306 septets, but a pair is not torn apart
        ("õ" * 70, 1),  # õ is not in the alphabet
        ("õ" * 71, 2),
        ("õ" * 134, 2),
        ("õ" * 135, 3),
        ("👋" * 35, 1),  # two units each
        ("👋" * 36, 2),
        ("õ" * 66 + "👋" + "õ" * 66, 3),  # 134 units, but a pair is not torn apart
    ],
)
def test_segments_are_counted_at_their_boundaries(text: str, segments: int) -> None:
    """160 and 153 septets, 70 and 67 units of UCS-2 (3GPP TS 23.038 and 23.040)."""
    assert count_segments(text) == segments


# --- an id answers for itself -------------------------------------------------------------------

tickets = st.builds(
    Ticket,
    st.integers(0, 2**43 - 1),
    st.integers(1, 10**15 - 1).map(str),
    st.booleans(),
    st.integers(1, 255),
    st.integers(0, 2**20 - 1),
)


@given(tickets)
@example(Ticket(2**43 - 1, "9" * 15, True, 255, 2**20 - 1))  # every field at its largest
def test_an_id_gives_back_all_that_was_put_in(ticket: Ticket) -> None:
    """Time, number, fate, segments and salt survive, in a valid version-8 UUID."""
    message_id = write_id(ticket)
    parsed = uuid.UUID(message_id)
    assert (parsed.version, parsed.variant, str(parsed)) == (8, uuid.RFC_4122, message_id)
    assert read_id(message_id) == ticket


@given(tickets, tickets)
def test_different_tickets_have_different_ids(one: Ticket, other: Ticket) -> None:
    """An id stands for one ticket only."""
    assert (write_id(one) == write_id(other)) == (one == other)


def test_a_message_passes_through_its_statuses() -> None:
    """Queued, then submitted, then final; price and carrier come with the final status."""
    clock = Clock()
    simulator = Simulator(clock=clock, spread=0, failing={TARTU})
    ids = [message["id"] for message in messages(send(simulator, toNumber=[TALLINN, TARTU]))]
    final: dict[str, object] = {"price": 0.05, "carrier": "Simulated Carrier EE"}
    still_open: dict[str, object] = {"price": None, "carrier": None}
    for after, statuses, rest in [
        (0.0, ("queued", "queued"), still_open),
        (0.499, ("queued", "queued"), still_open),
        (0.5, ("submitted", "submitted"), still_open),
        (1.499, ("submitted", "submitted"), still_open),
        (1.5, ("delivered", "failed"), final),
        (1e6, ("delivered", "failed"), final),
    ]:
        clock.now = 1_750_000_000.0 + after
        assert [details(simulator, message_id).json() for message_id in ids] == [
            {"id": message_id, "toNumber": number, "status": status, **rest}
            for message_id, number, status in zip(ids, [TALLINN, TARTU], statuses, strict=True)
        ]


def test_another_simulator_agrees_about_every_message() -> None:
    """The id and the clock are all that is needed: nothing is shared, nothing is stored."""
    clock = Clock()
    one = Simulator(clock=clock, failure_rate=0.5)
    ids = [message["id"] for message in messages(send(one, toNumber=numbers(20)))]
    for step in (0.0, 0.7, 0.7, 0.7, 0.7):
        clock.now += step
        other = Simulator(clock=clock)
        assert [details(one, message_id).json() for message_id in ids] == [
            details(other, message_id).json() for message_id in ids
        ]
    statuses = Counter(details(one, message_id).json()["status"] for message_id in ids)
    assert set(statuses) == {"delivered", "failed"}


def test_messages_are_spread_over_time() -> None:
    """Those accepted together become final one after the other, within the spread."""
    clock = Clock()
    simulator = Simulator(clock=clock, submit_after=1, final_after=1, spread=10)
    ids = [message["id"] for message in messages(send(simulator, toNumber=numbers(100)))]
    final = []
    for clock.now in (1_750_000_001.0 - 0.001, 1_750_000_006.0, 1_750_000_011.0):
        final.append(sum(details(simulator, one).json()["price"] is not None for one in ids))
    assert final[0] == 0
    assert 40 <= final[1] <= 60
    assert final[2] == 100


def test_ids_of_one_moment_and_number_differ() -> None:
    """The same number at the same millisecond gets a new id each time."""
    simulator = Simulator(clock=Clock(), balance=1e6)
    for _ in range(20):
        send(simulator, toNumber=[TALLINN] * 100)
    assert len({entry["id"] for entry in simulator.accepted}) == 2000


def test_the_failure_rate_always_picks_the_same_numbers() -> None:
    """A tenth of the numbers fail, and in every simulator the same tenth."""

    def failing() -> set[object]:
        simulator = Simulator(failure_rate=0.1, balance=1e6)
        for start in range(37250000000, 37250002000, 100):
            send(simulator, toNumber=numbers(100, start))
        return {
            entry["toNumber"]
            for entry in simulator.accepted
            if (ticket := read_id(str(entry["id"]))) is not None and ticket.fails
        }

    assert 160 <= len(failing()) <= 240
    assert failing() == failing()


@pytest.mark.parametrize(
    ("message_id", "status", "error"),
    [
        (None, 400, "Id is required"),
        ("", 400, "Id is required"),
        (5, 404, "Message not found"),
        ("a7b3c4d5", 404, "Message not found"),
        ("a7b3c4d5-e6f7-8a9b-0c1d-2e3f4a5b6c7d", 404, "Message not found"),  # no RFC variant
        (str(uuid.UUID(int=5, version=4)), 404, "Message not found"),
        (write_id(Ticket(0, "999", False, 1, 0)), 404, "Message not found"),  # no such number
        (write_id(Ticket(0, TALLINN, False, 0, 0)), 404, "Message not found"),  # no segments
        (write_id(Ticket(0, TALLINN, False, 1, 0)).upper(), 404, "Message not found"),
        (write_id(Ticket(1_750_000_005_001, TALLINN, False, 1, 0)), 404, "Message not found"),
    ],
)
def test_an_id_it_cannot_have_given_is_an_error(
    message_id: object, status: int, error: str
) -> None:
    """A foreign, damaged or future id has no details."""
    assert answer(details(Simulator(clock=Clock()), message_id)) == (status, {"error": error})


def test_a_clock_that_is_a_little_behind_knows_the_message() -> None:
    """Up to five seconds of difference between two clocks are borne."""
    ahead = write_id(Ticket(1_750_000_005_000, TALLINN, False, 1, 0))
    assert details(Simulator(clock=Clock()), ahead).json()["status"] == "queued"


def test_details_need_the_right_hash() -> None:
    """The hash opens the details, and a token is not asked for."""
    simulator = Simulator()
    [message] = messages(send(simulator))
    values = {"id": message["id"]}
    assert answer(ask(simulator, "POST", "/smsdetails", json=values)) == (
        400,
        {"error": "Hash is required"},
    )
    assert answer(ask(simulator, "POST", "/smsdetails", json={**values, "hash": "x"})) == (
        401,
        {"error": "Unauthorized"},
    )


def test_it_can_speak_the_words_of_other_vendor_texts() -> None:
    """A status word can be replaced by one that was seen elsewhere, or never."""
    clock = Clock()
    simulator = Simulator(clock=clock, failing={TALLINN}, words={"failed": "undelivered"})
    [message] = messages(send(simulator))
    clock.now += 10
    assert details(simulator, message["id"]).json()["status"] == "undelivered"


# --- the log in a file --------------------------------------------------------------------------


def test_the_log_can_be_a_file_of_json_lines(tmp_path: Path) -> None:
    """A file gets one line per recipient, is gone on with, and reads like the list."""
    path = tmp_path / "accepted.jsonl"
    simulator = Simulator(accepted=path)
    assert simulator.accepted == []
    send(simulator, toNumber=[TALLINN, TARTU], text="Tere, õu\u2028!")
    send(Simulator(accepted=path), toNumber=LONDON)
    lines = [json.loads(line) for line in path.read_text(encoding="ascii").split("\n")[:-1]]
    assert simulator.accepted == lines
    assert [(line["toNumber"], line["text"]) for line in lines] == [
        (TALLINN, "Tere, õu\u2028!"),
        (TARTU, "Tere, õu\u2028!"),
        (LONDON, "Hello"),
    ]


def test_the_log_is_written_before_the_reply_is_lost(tmp_path: Path) -> None:
    """What was taken is in the file even when the client never hears of it."""
    simulator = Simulator(accepted=tmp_path / "accepted.jsonl", faults="reset")
    with pytest.raises(ConnectionResetError):
        send(simulator)
    assert taken(simulator) == [TALLINN]


def test_the_log_can_be_the_callers_list() -> None:
    """A list given is the list appended to."""
    log: list[dict[str, object]] = []
    simulator = Simulator(accepted=log)
    send(simulator)
    assert log is simulator.accepted
    assert [entry["toNumber"] for entry in log] == [TALLINN]


# --- bad numbers in a list ----------------------------------------------------------------------


def test_a_bad_number_can_be_rejected_within_a_reply() -> None:
    """With "element" its element has no id, and the others are taken."""
    simulator = Simulator(refuse={TARTU}, list_mode="element")
    response = send(simulator, toNumber=[TALLINN, TARTU, "123", LONDON])
    ids = [entry["id"] for entry in simulator.accepted]
    rejected = "Invalid phone number"
    assert answer(response) == (
        200,
        {
            "messages": [
                {"id": ids[0], "toNumber": TALLINN, "status": "Added to queue"},
                {"toNumber": TARTU, "status": "Rejected", "error": f"{rejected}: {TARTU}"},
                {"toNumber": "123", "status": "Rejected", "error": f"{rejected}: 123"},
                {"id": ids[1], "toNumber": LONDON, "status": "Added to queue"},
            ]
        },
    )
    assert taken(simulator) == [TALLINN, LONDON]


@pytest.mark.parametrize(("list_mode", "expected"), [("whole", []), ("some", [TALLINN])])
def test_a_bad_number_can_fail_the_whole_request(list_mode: str, expected: list[str]) -> None:
    """One and the same error reply hides whether none or some were taken."""
    simulator = Simulator(refuse={TARTU}, list_mode=list_mode)  # type: ignore[arg-type]
    assert answer(send(simulator, toNumber=THREE)) == (
        400,
        {"error": f"Invalid phone number: {TARTU}"},
    )
    assert taken(simulator) == expected


@pytest.mark.parametrize("list_mode", ["element", "whole", "some"])
def test_a_refused_number_alone_is_an_error_reply(list_mode: str) -> None:
    """One number asked and refused is a 400 in every mode."""
    simulator = Simulator(refuse={TARTU}, list_mode=list_mode)  # type: ignore[arg-type]
    assert answer(send(simulator, toNumber=TARTU)) == (
        400,
        {"error": f"Invalid phone number: {TARTU}"},
    )
    assert simulator.accepted == []


def test_the_balance_can_run_out_in_the_middle_of_a_list() -> None:
    """With "some" those that could be paid are taken, and the reply is a 402 all the same."""
    simulator = Simulator(balance=0.10, list_mode="some")
    assert send(simulator, toNumber=THREE).status_code == 402
    assert (taken(simulator), simulator.balance) == ([TALLINN, TARTU], 0.0)


# --- faults that are replies --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "error", "headers"),
    [
        ("429", 429, "Too Many Requests", {}),
        (Fault("429", retry_after=2), 429, "Too Many Requests", {"retry-after": "2"}),
        (Fault("429", retry_after=0.5), 429, "Too Many Requests", {"retry-after": "0.5"}),
        (Fault("429", retry_after="soon"), 429, "Too Many Requests", {"retry-after": "soon"}),
        (
            Fault("429", retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
            429,
            "Too Many Requests",
            {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        ),
        ("500", 500, "Internal Server Error", {}),
        ("502", 502, "Bad Gateway", {}),
        ("503", 503, "Service Unavailable", {}),
        ("302", 302, "Found", {"location": "/"}),
        (Fault("307", location="/later"), 307, "Temporary Redirect", {"location": "/later"}),
        ("418", 418, "I'm a Teapot", {}),
        (Fault("200", error="Token is required"), 200, "Token is required", {}),
    ],
)
@pytest.mark.parametrize("is_taken", [False, True])
def test_a_status_can_stand_in_for_the_reply(
    fault: Fault | str, status: int, error: str, headers: dict[str, str], is_taken: bool
) -> None:
    """The same status tells nothing about whether the messages were taken."""
    spoken = Fault(fault) if isinstance(fault, str) else fault
    chosen = Fault(**{**vars(spoken), "taken": True}) if is_taken else spoken
    simulator = Simulator(faults=chosen)
    response = send(simulator, toNumber=THREE)
    assert answer(response)[0] == status
    assert response.json()["error"].lower() == error.lower()
    extra = ("retry-after", "location")
    assert {name: response.headers[name] for name in extra if name in response.headers} == headers
    assert taken(simulator) == (THREE if is_taken else [])


@pytest.mark.parametrize(
    ("asked", "expected"), [(TALLINN, [TALLINN]), ([TALLINN, TARTU], [TALLINN]), (THREE, THREE[:2])]
)
def test_some_can_be_taken_and_then_an_error_said(asked: object, expected: list[str]) -> None:
    """Half of the list is on its way when the error, even with a 200, speaks for the whole."""
    simulator = Simulator(faults=Fault("some", error="Invalid phone number"))
    assert answer(send(simulator, toNumber=asked)) == (200, {"error": "Invalid phone number"})
    assert taken(simulator) == expected


def altered(kind: str, asked: object = THREE) -> tuple[httpx.Response, list[dict[str, object]]]:
    """Return a reply altered by a fault, and the elements it would have had without."""
    simulator = Simulator(faults=kind)
    response = send(simulator, toNumber=asked)
    assert (response.status_code, taken(simulator)) == (200, asked)
    elements = [
        {"id": entry["id"], "toNumber": entry["toNumber"], "status": "Added to queue"}
        for entry in simulator.accepted
    ]
    return response, elements


STRANGER = {"toNumber": "37255500000", "status": "Added to queue"}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("partial", lambda one, two, _: [one, two]),
        ("reordered", lambda one, two, three: [three, two, one]),
        ("doubled", lambda one, two, three: [one, one, two, two, three, three]),
        ("same_id", lambda one, *rest: [one, *({**other, "id": one["id"]} for other in rest)]),
        ("no_id", lambda one, *rest: [{k: v for k, v in one.items() if k != "id"}, *rest]),
        ("unknown_status", lambda *all_of: [{**one, "status": "Processing"} for one in all_of]),
        (
            "reformatted",
            lambda *all_of: [
                {**one, "toNumber": spelled}
                for one, spelled in zip(
                    all_of, ["+372 5678 9045", "+372 5778 8990", "+44 7912 345678"], strict=True
                )
            ],
        ),
        ("numeric", lambda *all_of: [{**one, "toNumber": int(one["toNumber"])} for one in all_of]),
    ],
)
def test_the_elements_of_a_reply_can_be_wrong(
    kind: str, change: Callable[..., list[dict[str, object]]]
) -> None:
    """Everything is taken, and the reply says something else."""
    response, elements = altered(kind)
    assert response.json() == {"messages": change(*elements)}


def test_a_reply_can_have_an_element_nobody_asked_for() -> None:
    """The last element has an id of its own and a number that was not in the request."""
    response, elements = altered("extra")
    last = messages(response)[-1]
    assert messages(response) == [*elements, {"id": last["id"], **STRANGER}]
    assert last["id"] not in {element["id"] for element in elements}


def test_the_bytes_of_a_reply_can_be_wrong() -> None:
    """Cut JSON, HTML, nothing, null, a BOM, another content type, 8 MiB: all with a 200."""
    for kind in ("malformed", "html", "empty", "bom"):
        with pytest.raises(ValueError, match=r"."):
            json.loads(altered(kind)[0].content.decode())
    assert altered("null")[0].content == b"null"
    response, elements = altered("bom")
    assert json.loads(response.content.decode("utf-8-sig")) == {"messages": elements}
    response, elements = altered("content_type")
    assert response.headers["content-type"] == "text/plain"
    assert response.json() == {"messages": elements}
    response, elements = altered("huge")
    assert len(response.content) > 8 * 1024 * 1024
    assert response.json() == {"messages": elements}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stall"])
def test_every_kind_of_fault_copes_with_every_reply(kind: str) -> None:
    """A reply that is an error, or in which all or some are rejected, can go wrong as well."""
    for asked in ("123", ["123"], ["123", TALLINN], [TALLINN, "123"]):
        simulator = Simulator(faults=kind)
        try:
            assert send(simulator, toNumber=asked).status_code in {200, 400, int_or_200(kind)}
        except ConnectionResetError:
            assert kind in {"close", "reset", "truncated_head", "half"}


def int_or_200(kind: str) -> int:
    return int(kind) if kind.isdigit() else 200


def test_details_have_faults_of_their_own() -> None:
    """`/smsdetails` goes wrong by its own script, and sending does not."""
    simulator = Simulator(clock=Clock(), details_faults=["503", "html", None])
    [message] = messages(send(simulator))
    assert details(simulator, message["id"]).status_code == 503
    assert details(simulator, message["id"]).headers["content-type"] == "text/html"
    assert details(simulator, message["id"]).json()["status"] == "queued"
    assert (simulator.requests, simulator.details_requests) == (1, 3)


# --- which request goes wrong -------------------------------------------------------------------


def statuses(simulator: Simulator, count: int) -> list[int]:
    return [send(simulator).status_code for _ in range(count)]


def test_faults_can_be_a_mapping_from_the_index_of_a_request() -> None:
    """The index counts requests to send from 0; others are answered as usual."""
    assert statuses(Simulator(faults={1: "500", 3: "429"}), 5) == [200, 500, 200, 429, 200]


def test_faults_can_come_one_after_the_other() -> None:
    """An iterable is used up, and then all is well."""
    assert statuses(Simulator(faults=iter(["500", None, Fault("429")])), 5) == [
        500,
        200,
        429,
        200,
        200,
    ]


def test_faults_can_be_asked_for_with_index_and_numbers() -> None:
    """A callable sees the index and the numbers, of refused requests too."""
    asked: list[tuple[int, list[str]]] = []
    simulator = Simulator(faults=lambda index, given: asked.append((index, list(given))))
    send(simulator)
    send(simulator, toNumber=[TARTU, 5])
    send(simulator, toNumber=..., token=...)
    ask(simulator, "POST", "/", content=b"unreadable", headers={"content-type": "application/json"})
    send(simulator)
    assert asked == [(0, [TALLINN]), (1, [TARTU, "5"]), (2, []), (3, [TALLINN])]


def test_the_gateway_can_break_for_good_in_the_middle() -> None:
    """A callable says it: from the third request on nothing is taken any more."""
    broken = Fault("close", taken=False)
    simulator = Simulator(faults=lambda index, _: broken if index >= 2 else None)
    assert statuses(simulator, 2) == [200, 200]
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            send(simulator)
    assert len(simulator.accepted) == 2


def test_a_storm_repeats_itself_from_its_seed() -> None:
    """A fifth of the requests goes wrong, for one seed always the same and in any order."""
    kinds: list[Fault | str] = ["429", "503", Fault("reset")]
    one, same, other = storm(7, 0.2, kinds), storm(7, 0.2, kinds), storm(8, 0.2, kinds)
    first = [one(index, ()) for index in range(2000)]
    assert first == [same(index, ()) for index in reversed(range(2000))][::-1]
    assert first != [other(index, ()) for index in range(2000)]
    assert 330 <= 2000 - first.count(None) <= 470
    assert {fault.kind for fault in first if isinstance(fault, Fault)} == {"429", "503", "reset"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Fault("explode"), "no fault is called 'explode'; there are 429, 500"),
        (lambda: Fault("99"), "no fault is called '99'"),
        (lambda: Fault("204"), "no fault is called '204'"),  # can have no body
        (lambda: Fault("partial", taken=False), "'partial' needs messages that were taken"),
        (lambda: storm(1, 0.5, ["explode"]), "no fault is called 'explode'"),
        (lambda: Simulator(faults="explode"), "no fault is called 'explode'"),
        (lambda: Simulator(list_mode="half"), "list_mode is one of"),  # type: ignore[arg-type]
        (lambda: Simulator(submit_after=2, final_after=1), "final after that"),
    ],
)
def test_a_setting_that_makes_no_sense_is_an_error_at_once(
    make: Callable[[], object], said: str
) -> None:
    """A misspelt fault is not found out in the middle of a run."""
    with pytest.raises(ValueError, match=re.escape(said)):
        make()


def test_latency_comes_between_taking_and_replying() -> None:
    """A client that does not wait long enough has been billed."""
    waits = iter([0.0, 60.0])
    simulator = Simulator(latency=lambda: next(waits))
    assert send(simulator).status_code == 200

    async def impatient() -> None:
        transport = httpx.ASGITransport(app=simulator)
        async with httpx.AsyncClient(transport=transport, base_url="http://simulated") as client:
            async with asyncio.timeout(0.01):
                await client.post("/", json=SEND)

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    assert taken(simulator) == [TALLINN, TALLINN]


@pytest.mark.parametrize("kind", ["close", "reset", "truncated_head", "half", "stall"])
@pytest.mark.parametrize("is_taken", [False, True])
def test_without_a_connection_a_broken_one_is_raised(kind: str, is_taken: bool) -> None:
    """In this process the reply is lost as `ConnectionResetError`, taken or not."""
    simulator = Simulator(faults=Fault(kind, taken=is_taken, seconds=0.01))
    with pytest.raises(ConnectionResetError):
        send(simulator)
    assert taken(simulator) == ([TALLINN] if is_taken else [])


# --- faults on the wire -------------------------------------------------------------------------

BY_NUMBER = {
    "37250000001": Fault("close"),
    "37250000002": Fault("reset"),
    "37250000003": Fault("truncated_head"),
    "37250000004": Fault("half"),
    "37250000005": Fault("stall", seconds=0.05),
    "37250000006": Fault("stall", seconds=60),
    "37250000007": Fault("close", taken=False),
    "37250000008": Fault("reset", taken=False),
    "37250000009": Fault("huge"),
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Simulator, str]]:
    simulator = Simulator(faults=lambda _, given: BY_NUMBER.get(given[0]), balance=1e6)
    with running(simulator) as url:
        yield simulator, url


def spoken(url: str, number: str) -> bytes:
    """Send over a bare socket and return every byte that comes back until the end."""
    body = json.dumps({**SEND, "toNumber": number}).encode()
    head = (
        "POST / HTTP/1.1\r\nHost: simulated\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_close_ends_the_connection_without_a_byte(served: tuple[Simulator, str]) -> None:
    """The client sees an orderly end where the reply should be."""
    assert spoken(served[1], "37250000001") == b""


def test_reset_resets_the_connection(served: tuple[Simulator, str]) -> None:
    """The client sees RST."""
    with pytest.raises(ConnectionResetError):
        spoken(served[1], "37250000002")


def test_a_truncated_head_ends_within_the_headers(served: tuple[Simulator, str]) -> None:
    """The status is there, the end of the headers is not."""
    received = spoken(served[1], "37250000003")
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in received


def test_half_ends_within_the_body(served: tuple[Simulator, str]) -> None:
    """The headers promise twice what comes."""
    head, body = spoken(served[1], "37250000004").split(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head)
    assert found is not None
    assert body.startswith(b'{"messages"')
    assert len(body) == int(found[1]) // 2


def test_a_stall_ends_without_a_byte(served: tuple[Simulator, str]) -> None:
    """Nothing comes for the time told, and then the end."""
    began = time.monotonic()
    assert spoken(served[1], "37250000005") == b""
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("37250000001", httpx.RemoteProtocolError),
        ("37250000002", httpx.ReadError),
        ("37250000003", httpx.RemoteProtocolError),
        ("37250000004", httpx.RemoteProtocolError),
        ("37250000005", httpx.RemoteProtocolError),
        ("37250000006", httpx.ReadTimeout),
        ("37250000007", httpx.RemoteProtocolError),
        ("37250000008", httpx.ReadError),
    ],
)
def test_httpx_names_each_way_of_losing_a_reply(
    served: tuple[Simulator, str], number: str, error: type[Exception]
) -> None:
    """Whatever the client sees, the message was taken unless the fault says otherwise."""
    simulator, url = served
    before = len(simulator.accepted)
    with httpx.Client(base_url=url, timeout=0.3, trust_env=False) as client:
        with pytest.raises(error):
            client.post("/", json={**SEND, "toNumber": number})
        assert client.post("/", json=SEND).status_code == 200
    expected = [number, TALLINN] if BY_NUMBER[number].takes else [TALLINN]
    assert [entry["toNumber"] for entry in simulator.accepted[before:]] == expected


def test_a_served_simulator_answers_like_one_in_this_process(served: tuple[Simulator, str]) -> None:
    """Many requests on one connection, small and huge, come through whole."""
    simulator, url = served
    with httpx.Client(base_url=url, trust_env=False) as client:
        for number in [*numbers(50, 37251000000), "37250000009", LONDON]:
            response = client.post("/", json={**SEND, "toNumber": number})
            assert response.json() == {
                "messages": [
                    {
                        "id": simulator.accepted[-1]["id"],
                        "toNumber": number,
                        "status": "Added to queue",
                    }
                ]
            }


def test_small_replies_do_not_wait_for_an_acknowledgement(served: tuple[Simulator, str]) -> None:
    """Regression: with Nagle's algorithm each reply on a kept connection took 40 ms."""
    with httpx.Client(base_url=served[1], trust_env=False) as client:
        client.post("/", json=SEND)
        began = time.monotonic()
        for _ in range(20):
            client.post("/", json=SEND)
    assert time.monotonic() - began < 0.4


def test_stopping_does_not_wait_for_stalled_replies(caplog: pytest.LogCaptureFixture) -> None:
    """A reply held back for a minute does not hold up the end, and the port is free again."""
    simulator = Simulator(faults=Fault("stall", seconds=60))
    arrived = threading.Event()

    def clock() -> float:
        arrived.set()
        return 1_750_000_000.0

    simulator._clock = clock
    with running(simulator) as url:
        thread = threading.Thread(target=quietly_spoken, args=(url,))
        thread.start()
        assert arrived.wait(5)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert caplog.messages == []  # the server did not have to cancel anything
    thread.join(5)
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        spoken(url, TALLINN)


def quietly_spoken(url: str) -> None:
    with suppress(ConnectionResetError):
        spoken(url, TALLINN)


# --- callbacks ----------------------------------------------------------------------------------

Called = tuple[str, str, str, dict[str, object]]  # method, path, content type, values


@contextmanager
def receiver() -> Iterator[tuple[str, "queue.Queue[Called]"]]:
    """Receive callbacks on a free port; yields its URL and what arrives."""
    calls: queue.Queue[Called] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.receive(parts.path, dict(parse_qsl(parts.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            if "json" in self.headers["content-type"]:
                self.receive(self.path, json.loads(body))
            else:
                self.receive(self.path, {key: value[0] for key, value in parse_qs(body).items()})

        def receive(self, path: str, values: dict[str, object]) -> None:
            content_type = self.headers.get("content-type", "")
            calls.put((self.command, path, content_type, values))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def collected(
    count: int, *, path: str = "/done", settings: Callbacks | None = None, **behaviour: object
) -> tuple[list[object], list[Called]]:
    """Send to TALLINN and a failing TARTU; return the ids and the callbacks that came."""
    simulator = Simulator(
        submit_after=0.0,
        final_after=0.0,
        spread=0.0,
        failing={TARTU},
        callbacks=settings or Callbacks(),
        **behaviour,  # type: ignore[arg-type]
    )
    with receiver() as (base, calls), running(simulator) as url:
        with httpx.Client(trust_env=False) as client:
            values = {**SEND, "toNumber": [TALLINN, TARTU], "report": base + path}
            ids = [message["id"] for message in messages(client.post(url, json=values))]
        return ids, [calls.get(timeout=5) for _ in range(count)]


def by_message(calls: list[Called]) -> dict[object, list[object]]:
    found: dict[object, list[object]] = {}
    for _, _, _, values in calls:
        found.setdefault(values["id"], []).append(values["status"])
    return found


@pytest.mark.parametrize(
    ("style", "method", "content_type"),
    [
        ("query", "GET", ""),
        ("json", "POST", "application/json"),
        ("form", "POST", "application/x-www-form-urlencoded"),
    ],
)
def test_the_report_address_is_called_on_every_change(
    style: str, method: str, content_type: str
) -> None:
    """Submitted, then final, for each message, in the style that is set."""
    ids, calls = collected(4, settings=Callbacks(style=style))  # type: ignore[arg-type]
    assert {call[:3] for call in calls} == {(method, "/done", content_type)}
    assert by_message(calls) == {
        ids[0]: ["submitted", "delivered"],
        ids[1]: ["submitted", "failed"],
    }
    assert {(call[3]["id"], call[3]["toNumber"]) for call in calls} == {
        (ids[0], TALLINN),
        (ids[1], TARTU),
    }


@pytest.mark.parametrize(("keep_query", "extra"), [(True, {"ref": "7"}), (False, {})])
def test_a_query_string_of_the_address_may_survive_or_not(
    keep_query: bool, extra: dict[str, str]
) -> None:
    """Nothing documents it, so it can be set; the path always survives."""
    settings = Callbacks(keep_query=keep_query)
    _, calls = collected(4, path="/done/abc?ref=7", settings=settings)
    assert {call[1] for call in calls} == {"/done/abc"}
    assert all(set(call[3]) == {"id", "status", "toNumber", *extra} for call in calls)


def test_callbacks_can_be_doubled() -> None:
    """Each call is made as often as told."""
    ids, calls = collected(8, settings=Callbacks(copies=2))
    assert by_message(calls)[ids[0]] == ["submitted", "submitted", "delivered", "delivered"]


def test_callbacks_can_come_out_of_order() -> None:
    """The final status can be told before the one that precedes it."""
    ids, calls = collected(4, settings=Callbacks(final_first=True))
    assert by_message(calls) == {
        ids[0]: ["delivered", "submitted"],
        ids[1]: ["failed", "submitted"],
    }


def test_callbacks_come_when_the_clock_says_so_and_later_if_told() -> None:
    """A change at 0.5 s and one at 1.5 s, told an hour late, are due an hour later."""
    clock = Clock()
    simulator = Simulator(clock=clock, spread=0, callbacks=Callbacks(late=3600))
    with receiver() as (base, calls), running(simulator) as url:
        httpx.post(url, json={**SEND, "report": base}, trust_env=False)
        clock.now += 3600.4
        with pytest.raises(queue.Empty):
            calls.get(timeout=0.1)
        clock.now += 0.2
        assert calls.get(timeout=5)[3]["status"] == "submitted"
        clock.now += 1
        assert calls.get(timeout=5)[3]["status"] == "delivered"


def test_callbacks_come_although_the_reply_was_lost() -> None:
    """The taken message reports, which is how a lost reply can be found out."""
    simulator = Simulator(submit_after=0, final_after=0, spread=0, faults="reset")
    with receiver() as (base, calls), running(simulator) as url:
        with pytest.raises(httpx.ReadError):
            httpx.post(url, json={**SEND, "report": base}, trust_env=False)
        values = calls.get(timeout=5)[3]
    [entry] = simulator.accepted
    assert values == {"id": entry["id"], "status": "submitted", "toNumber": TALLINN}
    assert entry["report"] == base


@pytest.mark.parametrize(
    "address",
    [
        "https://yourdomain.com/sms-callback",
        "http://8.8.8.8/",
        "http://10.0.0.1/",
        "http://127.0.0.1@example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://[2001:db8::1]/",
        "http://0.0.0.0/",
    ],
)
def test_no_other_machine_is_ever_called(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """The message is taken, a warning says why nothing will be called, once for a host."""
    simulator = Simulator()
    assert send(simulator, report=address).status_code == 200
    assert send(simulator, report=address).status_code == 200
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "this machine only" in caplog.messages[0]
    assert simulator._callbacks._lanes == {}


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/", "http://127.3.2.1/", "http://localhost/", "https://[::1]:9/"]
)
def test_this_machine_may_be_called_by_all_its_names(address: str) -> None:
    """127.0.0.0/8, localhost and ::1 are this machine."""
    assert CallbackSender(Callbacks(), Clock())._allowed(address)


def test_a_proxy_is_not_asked_to_make_a_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Number and status go to this machine directly, whatever the environment says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    ids, calls = collected(4)
    assert set(by_message(calls)) == set(ids)


def test_a_callback_that_nobody_answers_is_only_logged() -> None:
    """The calls after it are made all the same, and stopping is not held up."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    simulator = Simulator(submit_after=0, final_after=0, spread=0)
    with receiver() as (base, calls), running(simulator) as url:
        for report in (f"http://127.0.0.1:{port}/", base):
            httpx.post(url, json={**SEND, "report": report}, trust_env=False)
        assert calls.get(timeout=5)[3]["id"] == simulator.accepted[1]["id"]


# --- the simulator stands alone -----------------------------------------------------------------


def test_nothing_of_ours_is_imported() -> None:
    """A misreading of the API shared with the client would cancel itself out."""
    sources = list(Path(str(package.__file__)).parent.glob("*.py"))
    assert sources
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, source
                ours = (node.module or "").split(".")[0] == "smspm_campaigns"
                assert not ours or (node.module or "").startswith(package.__name__), source
            if isinstance(node, ast.Import):
                assert not any(name.name.startswith("smspm") for name in node.names), source


def test_importing_it_loads_no_server() -> None:
    """Uvicorn and httpx are loaded by those who serve or use callbacks only."""
    code = (
        "import sys, smspm_campaigns.gateway.simulator;"
        "print(sorted({'uvicorn', 'httpx', 'starlette'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
