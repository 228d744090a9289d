"""What becomes of each row when the gateway answers this, byte for byte."""

import gzip
import json
import re
import socket
import sqlite3
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.campaign.forewarning import forewarned
from smspm_campaigns.exceptions import (
    AccountRefused,
    GatewayError,
    NeverLeft,
    OutcomeUnknown,
    RateLimited,
    RunStopped,
)

if TYPE_CHECKING:
    from conftest import Clock

A, B, C = "37256789045", "37257788990", "447912345678"
HASH, TOKEN = "canary-hash-52248aec", "canary/token+A1B2 ü"
OK: Final = "Added to queue"
MOST: Final = 1 << 20  # bytes of a reply that is read

# --- the gateway --------------------------------------------------------------------------------

Answering = Callable[[socket.socket, bytes], object]
Meeting = Callable[[socket.socket], object]

NO_LINGER: Final = struct.pack("ii", 1, 0)  # closing sends a reset


class Gateway:
    """A gateway of raw sockets: reads each request to its end, then answers as told.

    `meeting` is what it does with a connection in place of that.
    """

    def __init__(self, answering: Answering, host: str = "127.0.0.1") -> None:
        self.answering = answering
        self.meeting: Meeting | None = None
        self.requests: list[bytes] = []
        self.connections = 0
        self.released = threading.Event()  # whoever keeps a client waiting waits for this
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind((host, 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.released.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self.meeting is not None:
                self.meeting(connection)
                return
            while request := read_request(connection):
                self.requests.append(request)
                self.answering(connection, request)

    def asked(self) -> list[list[str]]:
        """Return the numbers of each request so far."""
        return [numbers_of(request) for request in self.requests]

    def close(self) -> None:
        self.released.set()
        socket.create_connection(self._listener.getsockname()[:2]).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()


@contextmanager
def serving(answering: Answering, host: str = "127.0.0.1") -> Iterator[Gateway]:
    gateway = Gateway(answering, host)
    try:
        yield gateway
    finally:
        gateway.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request, whole; nothing when the other side is gone."""
    with connection.makefile("rb") as stream:
        head = b""
        while line := stream.readline().lower():
            head += line
            if line == b"\r\n":
                length = int(head.partition(b"content-length:")[2].partition(b"\r")[0])
                return head + stream.read(length)
        return b""


def numbers_of(request: bytes) -> list[str]:
    number = json.loads(request.partition(b"\r\n\r\n")[2])["toNumber"]
    return number if isinstance(number, list) else [number]


def accept(connection: socket.socket, request: bytes) -> None:
    """Answer as a good gateway does, with an id of its own for each number."""
    told = [element(number, f"good-{number}") for number in numbers_of(request)]
    connection.sendall(http(said(*told)).data)


# --- replies ------------------------------------------------------------------------------------


class Wire(NamedTuple):
    """A reply on the wire, and the text of it that is kept."""

    data: bytes
    kept: str


def element(number: object, message_id: object, status: object = OK) -> dict[str, object]:
    return {"id": message_id, "toNumber": number, "status": status}


def said(*elements: object, **more: object) -> str:
    return json.dumps({"messages": elements, **more})


def failed(error: object) -> str:
    return json.dumps({"error": error})


def http(body: str | bytes, status: str = "200 OK", *headers: str, kept: str | None = None) -> Wire:
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", *headers, "", ""]
    return Wire("\r\n".join(lines).encode() + data, data.decode() if kept is None else kept)


def raw(head: str, body: str | bytes = b"", kept: str = "") -> Wire:
    """Make a reply whose head is given whole; lines end in the line break of HTTP."""
    data = body.encode() if isinstance(body, str) else body
    return Wire(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + data, kept)


def chunked(*chunks: str) -> str:
    return "".join(f"{len(chunk):x}\r\n{chunk}\r\n" for chunk in (*chunks, ""))


EACH: Final = (element(A, "a"), element(B, "b"), element(C, "c"))
ALL: Final = said(*EACH)

# --- what becomes of rows -----------------------------------------------------------------------

Row = tuple[str, str | None, str | None]  # the status, id and error of a row in the report


class Fate(NamedTuple):
    """What becomes of the rows of a campaign; `raises` is the error of `send`."""

    rows: list[Row]
    raises: tuple[type[Exception], str] | None = None
    requests: int = 1


def all_unknown(sentence: str, *, stops: bool = False) -> Callable[[int], Fate]:
    raises = (OutcomeUnknown, sentence) if stops else None
    return lambda rows: Fate([("unknown", None, sentence)] * rows, raises)


def all_planned(
    sentence: str, error: type[GatewayError] = AccountRefused, requests: int = 1
) -> Callable[[int], Fate]:
    return lambda rows: Fate([("planned", None, sentence)] * rows, (error, sentence), requests)


def refused(sentence: str) -> Callable[[int], Fate]:
    return lambda rows: Fate([("refused", None, sentence)] * rows)


def each(*rows: Row) -> Callable[[int], Fate]:
    return lambda _: Fate(list(rows))


def queued(message_id: str) -> Row:
    return ("queued", message_id, None)


def unknown(error: str | None) -> Row:
    return ("unknown", None, error)


NO_ELEMENT: Final = unknown("the reply has no element for this number")
DOUBLED: Final = unknown("the reply has 2 elements for this number")
SAME_ID: Final = unknown("the reply has its id more than once")
ALL_QUEUED: Final = each(queued("a"), queued("b"), queued("c"))


def unreadable(code: int = 200) -> Callable[[int], Fate]:
    told = f"The API's reply (HTTP {code}) is not the JSON it is known for."
    return all_unknown(told, stops=code >= 400)


def unlisted(error: str, code: int = 200) -> Callable[[int], Fate]:
    told = f"SMSPM answered {error!r} (HTTP {code}), which says nothing certain about the messages."
    return all_unknown(told, stops=True)


def silent(code: int = 200) -> Callable[[int], Fate]:
    return all_unknown(
        f"SMSPM answered a reply without messages (HTTP {code}), which says nothing certain about "
        "the messages.",
        stops=code >= 400,
    )


def broken_off(error: str) -> Callable[[int], Fate]:
    return all_unknown(f"The request broke off ({error}).")


def broken_gateway(code: int) -> Callable[[int], Fate]:
    return all_unknown(f"The API answered with an error of its own (HTTP {code}).")


def redirected(code: int) -> Callable[[int], Fate]:
    return all_unknown(f"The API answered with a redirect, which is never followed (HTTP {code}).")


def quoted(error: str, code: int) -> str:
    return repr(error) if error else f"HTTP {code}, without a word"


def about_account(error: str, code: int = 200) -> Callable[[int], Fate]:
    return all_planned(
        f"SMSPM refused the credentials: {quoted(error, code)}. Check SMSPM_HASH and SMSPM_TOKEN "
        "against the API page of your account."
    )


def about_sender(error: str) -> Callable[[int], Fate]:
    return all_planned(
        f"SMSPM refused the sender: {error!r}. Use an approved Sender ID; SMSPM.com is approved "
        "by default, others are requested in your account."
    )


def about_number(error: str) -> tuple[Callable[[int], Fate], Callable[[int], Fate]]:
    return refused(f"SMSPM refused the number: {error!r}."), all_unknown(
        f"SMSPM refused a number of a list: {error!r}. Whether others were taken is not known."
    )


def about_balance(
    error: str, code: int = 200
) -> tuple[Callable[[int], Fate], Callable[[int], Fate]]:
    told = f"SMSPM says the balance does not suffice: {quoted(error, code)}."
    return all_planned(
        f"{told} Top up your account and send again; nothing of this request was taken."
    ), all_unknown(
        f"{told} Whether some numbers of the list were taken before is not known.", stops=True
    )


def limited(wait: str = "") -> Callable[[int], Fate]:
    told = f"The API has had too many requests{wait}. Nothing was taken; run it again later."
    return all_planned(told, RateLimited, requests=5)


#: A reply, and what becomes of a campaign of one row (A) and of a list of three (A, B, C).
Line = tuple[Wire, Callable[[int], Fate], Callable[[int], Fate]]


def elements() -> Iterator[tuple[str, Line]]:
    """Replies that answer number by number."""
    yield "in order", (http(ALL), ALL_QUEUED, ALL_QUEUED)
    yield "reordered", (http(said(*reversed(EACH))), each(queued("a")), ALL_QUEUED)
    # one number asked and one element: it is that row's, whatever the number
    yield (
        "fewer: only another's",
        (
            http(said(element(B, "b"))),
            each(queued("b")),
            each(NO_ELEMENT, queued("b"), NO_ELEMENT),
        ),
    )
    yield (
        "fewer: only the first",
        (
            http(said(element(A, "a"))),
            each(queued("a")),
            each(queued("a"), NO_ELEMENT, NO_ELEMENT),
        ),
    )
    yield (
        "more: strangers",
        (
            http(said(element("37250000001", "x"), *EACH, element("37250000002", "y"))),
            each(queued("a")),
            ALL_QUEUED,
        ),
    )
    yield (
        "all strangers",
        (
            http(said(element("37250000001", "x"), element("37250000002", "y"))),
            each(NO_ELEMENT),
            each(NO_ELEMENT, NO_ELEMENT, NO_ELEMENT),
        ),
    )
    yield (
        "doubled",
        (
            http(said(*EACH, element(A, "a"))),
            each(DOUBLED),
            each(DOUBLED, queued("b"), queued("c")),
        ),
    )
    yield (
        "doubled with two ids",
        (
            http(said(*EACH, element(f"+{A}", "a2"))),
            each(DOUBLED),
            each(DOUBLED, queued("b"), queued("c")),
        ),
    )
    yield (
        "accepted and refused",
        (
            http(said(*EACH, {"toNumber": A, "status": "Rejected"})),
            each(DOUBLED),
            each(DOUBLED, queued("b"), queued("c")),
        ),
    )
    yield (
        "one id for all",
        (
            http(said(element(A, "x"), element(B, "x"), element(C, "x"))),
            each(SAME_ID),
            each(SAME_ID, SAME_ID, SAME_ID),
        ),
    )
    yield (
        "an id that is a stranger's too",
        (
            http(said(*EACH, element("37250000001", "a"))),
            each(SAME_ID),
            each(SAME_ID, queued("b"), queued("c")),
        ),
    )
    for same in (int(A), f"+{A}", "+372 5678 9045", "(372) 5678-9045", f"{A}\n"):
        yield (
            f"the number as {same!r}",
            (
                http(said(element(same, "a"), *EACH[1:])),
                each(queued("a")),
                ALL_QUEUED,
            ),
        )
    for spelled in (3.7256789045e10, "56789045", f"00{A}", "3725*****45", None, [A], {"n": A}):
        yield (
            f"a number that is not recognised: {spelled!r}",
            (
                http(said(element(spelled, "a"), *EACH[1:])),
                each(NO_ELEMENT),
                each(NO_ELEMENT, queued("b"), queued("c")),
            ),
        )
        yield (
            f"the only one, and not recognised: {spelled!r}",
            (
                http(said(element(spelled, "a"))),
                each(queued("a")),
                each(NO_ELEMENT, NO_ELEMENT, NO_ELEMENT),
            ),
        )
    yield (
        "no numbers at all, in the order asked",
        (
            http(said(*({"id": name, "status": OK} for name in "abc"))),
            each(NO_ELEMENT),
            each(NO_ELEMENT, NO_ELEMENT, NO_ELEMENT),
        ),
    )
    yield (
        "elements that are none",
        (
            http(said(None, A, 7, [EACH[0]], True)),
            each(NO_ELEMENT),
            each(NO_ELEMENT, NO_ELEMENT, NO_ELEMENT),
        ),
    )
    yield (
        "an element without words",
        (
            http(said({"id": "a", "toNumber": A}, *EACH[1:])),
            each(unknown(None)),
            each(unknown(None), queued("b"), queued("c")),
        ),
    )
    yield (
        "an error beside messages",
        (
            http(said(*EACH[:2], error="Insufficient balance")),
            each(queued("a")),
            each(queued("a"), queued("b"), NO_ELEMENT),
        ),
    )
    for word in ("queued", "SENT", "delivered", f"  {OK}  "):
        yield (
            f"accepted as {word!r}",
            (
                http(said(element(A, "a", word), *EACH[1:])),
                each(queued("a")),
                ALL_QUEUED,
            ),
        )


def first_elements() -> Iterator[tuple[str, dict[str, Any], Row]]:
    """Elements for the first number, and what becomes of its row; the others are taken."""
    for name, message_id in (
        ("nothing", None),
        ("empty", ""),
        ("blank", " \t"),
        ("a number", 7),
        ("a decimal", 1e300),
        ("true", True),
        ("a list", ["a"]),
        ("an object", {"id": "a"}),
        ("10,000 characters", "x" * 10_000),
        ("201 characters", "x" * 201),
        ("a line break", "a\nb"),
        ("nothing to see", "a\x00b"),
        ("an escape of terminals", "\x1b[2Ja"),
        ("turned round", "a\u202eb"),
        ("half a pair", "\ud83d"),
    ):
        yield f"id {name}", {"id": message_id, "status": OK}, unknown(OK)
    for name in ("x" * 200, "ünï-識", "a b", "'; DROP TABLE attempt; --"):
        yield f"id {name[:30]!r}", {"id": name, "status": OK}, queued(name)
    yield "accepted without id", {"status": OK}, unknown(OK)
    yield "id and refusal", {"id": "a", "status": "Rejected"}, unknown("Rejected")
    yield "id and error", {"id": "a", "status": OK, "error": "No route"}, unknown("No route")
    yield "id and unseen word", {"id": "a", "status": "Processing"}, unknown("Processing")
    yield "unseen word", {"status": "Processing"}, unknown("Processing")
    for word in ("Rejected", "EXPIRED", "blocked"):
        yield f"refused as {word}", {"status": word}, ("refused", None, word)
    yield (
        "refused with an id of null",
        {"id": None, "status": "Rejected"},
        (*("refused", None, "Rejected"),),
    )
    yield "refused with an id of no text", {"id": 7, "status": "Rejected"}, unknown("Rejected")
    yield (
        "error alone",
        {"error": f"Invalid phone number: {A}"},
        (*("refused", None, "Invalid phone number: 3725*****45"),),
    )
    yield "error that is an object", {"error": {"code": 7}}, unknown("{'code': 7}")
    yield "error that is true", {"error": True}, unknown("True")
    yield "word that is a list", {"id": "a", "status": [OK]}, unknown(None)


def whole() -> Iterator[tuple[str, Line]]:
    """Replies without an answer for each number: of one, of many."""

    def alike(name: str, wire: Wire, fate: Callable[[int], Fate]) -> tuple[str, Line]:
        return name, (wire, fate, fate)

    # --- no JSON, or not the JSON it is known for
    for name, body in {
        "empty": "",
        "blank": " \r\n",
        "null": "null",
        "a list": "[]",
        "a list of elements": json.dumps(EACH),
        "true": "true",
        "a text": '"Added to queue"',
        "NaN": "NaN",
        "an id of NaN": f'{{"messages": [{{"id": NaN, "toNumber": "{A}"}}]}}',
        "a price of -Infinity": ALL.replace('"id": "c"', '"id": "c", "price": -Infinity'),
        "a number too long to read": ALL.replace('"id": "c"', f'"id": {"9" * 5000}'),
        "a decimal too large": ALL.replace('"id": "c"', '"id": 1e99999999999999999999'),
        "cut short": ALL[:-2],
        "cut short in an element": ALL[: ALL.index(B)],
        "two documents": ALL + ALL,
        "two lines": f"{ALL}\n{ALL}",
        "a comma too many": ALL.replace("]}", "],}"),
        "quotes of Python": str({"messages": EACH}),
        "a comment": f"// ok\n{ALL}",
        "a call": f"callback({ALL});",
        "too deep to read": "[" * 100_000,
        "too deep to read, inside": f'{{"messages": {"[" * 100_000}',
        "HTML": "<!DOCTYPE html><title>One moment, please</title>",
        "a form": "id=a&status=Added+to+queue",
        "YAML": "messages:\n- id: a\n",
        # JSON that says a thing twice has no meaning of its own (RFC 8259, 4)
        "messages twice": f'{ALL[:-1]}, "messages": []}}',
        "messages twice beside an error": f'{ALL[:-1]}, "messages": [], "error": "Bad sender"}}',
        "error twice": '{"error": "Account suspended", "error": "Bad sender"}',
        "an id twice": ALL.replace('"id": "a"', '"id": "a", "id": null').replace(OK, "Rejected"),
    }.items():
        yield alike(name, http(body), unreadable())
    for name, data, kept in (
        ("two byte order marks", f"\ufeff\ufeff{ALL}".encode(), f"\ufeff\ufeff{ALL}"),
        ("UTF-16", "null".encode("utf-16-be"), "\0n\0u\0l\0l"),
        ("UTF-16 with its mark", "{}".encode("utf-16-le"), "{\0}\0"),
        ("gzip that nobody announced", b"\x1f\x8b\x08\x00\xff", "\x1f�\x08\x00�"),
    ):
        yield alike(name, http(data, kept=kept), unreadable())
    # --- JSON with nothing in it
    for body in (
        "{}",
        '{"messages": null}',
        '{"messages": {}}',
        '{"messages": []}',
        '{"messages": 7}',
        '{"messages": "Added to queue"}',
        json.dumps({"messages": EACH[0]}),  # an element that is in no list
        json.dumps({"Messages": EACH}),
        json.dumps({"data": {"messages": EACH}}),
        '{"error": null}',
        '{"error": ""}',
        '{"Error": "Bad sender"}',
    ):
        yield alike(f"no messages: {body[:40]}", http(body), silent())
    # --- the errors of the quick start, with 200 and otherwise
    for status in ("200 OK", "400 Bad Request"):
        yield alike(
            f"token, {status}",
            http(failed("Token is required"), status),
            about_account("Token is required"),
        )
        for error in ("Sender number is required", "Bad sender"):
            yield alike(f"{error}, {status}", http(failed(error), status), about_sender(error))
        yield (
            f"number, {status}",
            (http(failed("Invalid phone number"), status), *about_number("Invalid phone number")),
        )
    yield alike(
        "Unauthorized", http(failed("Unauthorized"), "401 No"), about_account("Unauthorized")
    )
    yield (
        "a number that is named",
        (
            http(failed(f"Invalid phone number: +{A}"), "400 Bad Request"),
            *about_number("Invalid phone number: +3725*****45"),
        ),
    )
    yield (
        "balance",
        (http(failed("Insufficient balance")), *about_balance("Insufficient balance")),
    )
    # --- the code where words are missing
    yield alike("401 without words", http("{}", "401 No"), about_account("", 401))
    yield "402 without words", (http("{}", "402 Pay"), *about_balance("", 402))
    for words in ("Kein Geld", "Message queued, invoice is overdue"):
        yield alike(f"402 with {words}", http(failed(words), "402 Pay"), unlisted(words, 402))
    # --- errors that nobody listed
    for error in (
        "Ungültiger Absender",
        "Vale saatja",
        "Неверный токен",
        "号码无效",
        "Bad sender; 2 of 3 messages were sent",
        "Token is required for number 2",
        "Account suspended",
        "Text is too long",
    ):
        yield alike(f"error {error}", http(failed(error)), unlisted(error))
    for no_text in (["Bad sender"], {"message": "Bad sender"}, 7, True):
        told = all_unknown(silent()(1).rows[0][2] or "", stops=True)
        yield alike(f"error {no_text!r}", http(failed(no_text)), told)
    yield alike("401 with an error of no text", http(failed({"code": 7}), "401 No"), silent(401))
    # what stands beside a refusal contradicts it
    yield alike(
        "an error beside messages that are no list",
        http(json.dumps({"messages": EACH[0], "error": "Bad sender"})),
        unlisted("Bad sender"),
    )
    yield alike(
        "an error beside messages of nobody",
        http(said("?", error="Bad sender")),
        lambda rows: Fate([NO_ELEMENT] * rows),
    )


def codes() -> Iterator[tuple[str, Line]]:
    """Every kind of status code, with and without a body."""
    for code in (201, 206):
        yield f"{code} with elements", (http(ALL, f"{code} Fine"), ALL_QUEUED, ALL_QUEUED)
        yield f"{code} without", (http("", f"{code} Fine"), unreadable(code), unreadable(code))
    for code in (204, 205):
        wire = raw(f"HTTP/1.1 {code} Nothing\nContent-Length: 0")
        yield f"{code}", (wire, unreadable(code), unreadable(code))
    for code in (300, 301, 302, 303, 304, 305, 307, 308):
        body = "" if code == 304 else ALL
        wire = http(body, f"{code} Elsewhere", "Location: /")
        yield f"{code}", (wire, redirected(code), redirected(code))
    for code in (400, 403, 404, 405, 408, 409, 413, 422, 425, 451):
        wire, fate = http(failed("Nope"), f"{code} No"), unlisted("Nope", code)
        yield f"{code} with an error", (wire, fate, fate)
    for code in (401, 402, 403, 404, 413):
        wire = http("<html>", f"{code} No")
        yield f"{code} with HTML", (wire, unreadable(code), unreadable(code))
    for code in (400, 403, 404):
        yield f"{code} and no more", (http("{}", f"{code} No"), silent(code), silent(code))
    for code in (400, 401, 402, 404, 422):  # the body comes before the code: an id is a proof
        yield f"{code} with elements", (http(ALL, f"{code} No"), ALL_QUEUED, ALL_QUEUED)
    for code in (500, 501, 502, 503, 504, 508, 511, 599, 600, 799, 999):
        status, fate = f"{code} Oops", broken_gateway(code)
        yield f"{code} with HTML", (http("<html>", status), fate, fate)
    for body in (ALL, failed("Bad sender"), failed("Invalid phone number"), "{}"):
        wire = http(body, "503 Oops", "Retry-After: 1")
        yield f"503 with {body[:30]}", (wire, broken_gateway(503), broken_gateway(503))


def too_many() -> Iterator[tuple[str, Line]]:
    """A 429: not taken, unless it says itself that something was."""
    for header, wait in {
        "7": " and asks to wait 7 s",
        "0": " and asks to wait 0 s",
        "-3": " and asks to wait 0 s",
        "1.5": " and asks to wait 2 s",
        "86400": " and asks to wait 300 s",
        "soon": "",
        "Sun, 15 Jun 2025 23:00:00 GMT": " and asks to wait 300 s",  # the clock begins at 15:06
        "Sat, 14 Jun 2025 00:00:00 GMT": " and asks to wait 0 s",
    }.items():
        wire = http("{}", "429 Slow down", f"Retry-After: {header}")
        fate = limited(wait)
        yield f"429, Retry-After: {header}", (wire, fate, fate)
    refusals = said(*({"toNumber": number, "status": "Too many requests"} for number in (A, B, C)))
    for body in ("", "<html>", failed("Bad sender"), '{"messages": []}'):
        yield f"429 with {body[:30]}", (http(body, "429 Slow down"), limited(), limited())
    doubt = each(*[unknown("Too many requests")] * 3)
    yield "429 with words for each", (http(refusals, "429 Slow down"), doubt, doubt)
    nobody = each(*[NO_ELEMENT] * 3)
    yield "429 with no element that can be read", (http(said("?"), "429 Slow down"), nobody, nobody)
    yield "429 after all were taken", (http(ALL, "429 Slow down"), ALL_QUEUED, ALL_QUEUED)
    yield (
        "429 after some were taken",
        (
            http(said(EACH[0], error="Too many requests"), "429 Slow down"),
            each(queued("a")),
            each(queued("a"), NO_ELEMENT, NO_ELEMENT),
        ),
    )


def wires() -> Iterator[tuple[str, Line]]:
    """The same reply in every packing of HTTP, and in none."""
    head = "HTTP/1.1 200 OK"
    size = f"Content-Length: {len(ALL)}"
    half = len(ALL) // 2
    deflated = zlib.compress(ALL.encode())
    in_chunks = f"{head}\nTransfer-Encoding: chunked"
    for name, wire in {
        "in chunks": raw(in_chunks, chunked(ALL[:9], ALL[9:]), ALL),
        "in chunks with a trailer": raw(in_chunks, chunked(ALL)[:-2] + "X-Sum: 7\r\n\r\n", ALL),
        "gzip": http(gzip.compress(ALL.encode()), "200 OK", "Content-Encoding: gzip", kept=ALL),
        "deflate": http(deflated, "200 OK", "Content-Encoding: deflate", kept=ALL),
        "an encoding nobody knows": http(ALL, "200 OK", "Content-Encoding: rot13"),
        "a byte order mark": http(f"\ufeff{ALL}"),
        "HTML by its type": http(ALL, "200 OK", "Content-Type: text/html; charset=utf-16"),
        "white space around it": http(f"\n\n {ALL}\n\n"),
        "as long as is read": http(ALL + " " * (MOST - len(ALL))),
        "a head of many lines": http(ALL, "200 OK", *(f"X-{n}: {n}" for n in range(90))),
        "no reason": raw(f"HTTP/1.1 200 \n{size}", ALL, ALL),
        "after 100, 102 and 103": raw(
            "HTTP/1.1 100 Continue\n\nHTTP/1.1 102 Processing\n\n"
            f"HTTP/1.1 103 Early Hints\nLink: </>\n\n{head}\n{size}",
            ALL,
            ALL,
        ),
        "keys in another order": http(json.dumps({"messages": EACH}, sort_keys=True)),
        "keys nobody knows": http(said(*EACH, price=1.5, nested={"id": ["x"]})),
    }.items():
        yield name, (wire, ALL_QUEUED, ALL_QUEUED)
    torn = "The reply is longer than 1,048,576 bytes, or packed more than once."
    bomb = gzip.compress(bytes(MOST * 64))
    for name, wire, fate in (
        (
            "shorter than told",
            raw(f"{head}\nContent-Length: {half}", ALL, ALL[:half]),
            unreadable(),
        ),
        ("two lengths", raw(f"{head}\n{size}\nContent-Length: 7", ALL), "RemoteProtocolError"),
        ("a length that is none", raw(f"{head}\nContent-Length: x", ALL), "RemoteProtocolError"),
        ("an upgrade", raw("HTTP/1.1 101 Switching\nUpgrade: x"), "RemoteProtocolError"),
        ("a chunk without size", raw(in_chunks, f"zz\r\n{ALL}"), "RemoteProtocolError"),
        ("a code of 99", raw(f"HTTP/1.1 099 No\n{size}", ALL), "RemoteProtocolError"),
        ("a code of 1000", raw(f"HTTP/1.1 1000 No\n{size}", ALL), "RemoteProtocolError"),
        ("no HTTP", raw("220 smtp.example ready"), "RemoteProtocolError"),
        ("HTTP of another age", raw(f"HTTP/2 200\n{size}", ALL), "RemoteProtocolError"),
        (
            "gzip that is none",
            http(ALL, "200 OK", "Content-Encoding: gzip", kept=""),
            "DecodingError",
        ),
        ("one byte too long", http(" " * (MOST + 1), kept=""), all_unknown(torn)),
        ("a bomb", http(bomb, "200 OK", "Content-Encoding: gzip", kept=""), all_unknown(torn)),
        (
            "a bomb in a packet",
            http(gzip.compress(bomb), "200 OK", "Content-Encoding: gzip, gzip", kept=""),
            all_unknown(torn),
        ),
    ):
        proven = broken_off(fate) if isinstance(fate, str) else fate
        yield name, (wire, proven, proven)
    # bytes that are no UTF-8: what is legible counts, an id that is not is none
    yield (
        "Latin-1 in a name",
        (
            http(
                ALL.replace("}]}", ', "carrier": "M?ller"}]}').encode().replace(b"?", b"\xfc"),
                kept=ALL.replace("}]}", ', "carrier": "M�ller"}]}'),
            ),
            each(queued("a")),
            ALL_QUEUED,
        ),
    )
    yield (
        "half a character in an id",
        (
            http(
                ALL.encode().replace(b'"id": "a"', b'"id": "a\xc3"'),
                kept=ALL.replace('"id": "a"', '"id": "a�"'),
            ),
            each(unknown(OK)),
            each(unknown(OK), queued("b"), queued("c")),
        ),
    )
    # --- secrets that a reply repeats
    echo = f"Account {HASH} suspended, {json.dumps(TOKEN)[1:-1]}"
    for name, body in (("in plain", echo), ("as PHP does", echo.replace("/", "\\/"))):
        kept = '{"error": "Account *** suspended, ***"}'
        fate = unlisted("Account *** suspended, ***")
        wire = http(f'{{"error": "{body}"}}', kept=kept)
        yield f"credentials {name}", (wire, fate, fate)
    packed = gzip.compress(f"{HASH} {TOKEN}".encode())
    wire = http(packed, "500 Oops", "Content-Encoding: gzip", kept="*** ***")
    yield "credentials in gzip", (wire, broken_gateway(500), broken_gateway(500))


def around_first_elements() -> Iterator[tuple[str, Line]]:
    for name, told, row in first_elements():
        wire = http(said({"toNumber": A, **told}, *EACH[1:]))
        yield name, (wire, each(row), each(row, queued("b"), queued("c")))


CORPUS: Final = dict(
    line for part in (elements, around_first_elements, whole, codes, wires) for line in part()
)
TOO_MANY: Final = dict(too_many())

# --- a real send, and a second one --------------------------------------------------------------


def campaign_of(numbers: list[str], folder: Path, **columns: Any) -> smspm.Campaign:
    frame = pd.DataFrame({"sms_to": numbers, "sms_text": "Hi! STOP: 1234", **columns})
    return smspm.Campaign.create(
        "spring", frame, sender="SMSPM.com", ledger=folder / f"{len(numbers)}.sqlite"
    )


def send(campaign: smspm.Campaign, client: smspm.Client) -> tuple[type[Exception], str] | None:
    """Send as a person would who was warned before; return what is raised."""
    try:
        with warnings.catch_warnings(), forewarned():
            warnings.simplefilter("ignore", smspm.SmspmWarning)
            campaign.send(client)
    except (GatewayError, RunStopped) as error:
        return type(error), str(error)
    return None


def report(campaign: smspm.Campaign) -> list[Row]:
    told = campaign.report()[["sms_status", "sms_id", "sms_error"]]
    return list(told.astype(object).where(told.notna(), None).itertuples(index=False, name=None))


def kept(campaign: smspm.Campaign) -> list[str]:
    with closing(sqlite3.connect(campaign.path)) as ledger:
        return [reply for (reply,) in ledger.execute("SELECT reply FROM request ORDER BY rowid")]


def client_of(url: str, **options: Any) -> smspm.Client:
    settings = {"base_url": url, "requests_per_minute": None, "timeout": 20.0, **options}
    return smspm.Client(HASH, TOKEN, **settings)


def check(line: Line, gateway: Gateway, client: smspm.Client, folder: Path) -> None:
    """Send one row and a list of three to a gateway that says this, then to a good one."""
    wire, *fates = line

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(wire.data)
        connection.shutdown(socket.SHUT_WR)

    for numbers, fate_of in zip(([A], [A, B, C]), fates, strict=True):
        fate = fate_of(len(numbers))
        fate = fate._replace(rows=fate.rows[: len(numbers)])
        campaign = campaign_of(numbers, folder)
        gateway.requests.clear()
        gateway.answering = answer
        raised = send(campaign, client)
        assert Fate(report(campaign), raised, len(gateway.requests)) == fate
        assert gateway.asked() == [numbers] * fate.requests
        assert kept(campaign) == [wire.kept] * fate.requests

        gateway.answering = accept
        check_that_planned_rows_go_out_once(campaign, gateway, client, numbers)


def check_that_planned_rows_go_out_once(
    campaign: smspm.Campaign, gateway: Gateway, client: smspm.Client, numbers: list[str]
) -> None:
    """Send again: whoever is planned is asked for in one request, and nobody else."""
    rows = report(campaign)
    planned = [number for number, row in zip(numbers, rows, strict=True) if row[0] == "planned"]
    gateway.requests.clear()
    assert send(campaign, client) is None
    assert gateway.asked() == ([planned] if planned else [])
    assert report(campaign) == [
        queued(f"good-{number}") if row[0] == "planned" else row
        for number, row in zip(numbers, rows, strict=True)
    ]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with serving(accept) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> smspm.Client:
    return client_of(gateway.url)


@pytest.mark.parametrize("name", CORPUS)
def test_what_becomes_of_rows_is_what_the_reply_proves(
    name: str, gateway: Gateway, client: smspm.Client, tmp_path: Path
) -> None:
    """Status, id and sentence of each row, what is raised, asked and kept; then planned rows go."""
    check(CORPUS[name], gateway, client, tmp_path)


@pytest.mark.parametrize("name", TOO_MANY)
def test_a_429_was_not_taken_unless_it_names_an_id(
    name: str, gateway: Gateway, clock: "Clock", tmp_path: Path
) -> None:
    """It is asked five times at most, and what is still planned goes out once."""
    check(TOO_MANY[name], gateway, client_of(gateway.url, clock=clock), tmp_path)


def test_the_corpus_names_each_reply_once() -> None:
    """A name used twice would hide a line."""
    parts = (elements, around_first_elements, whole, codes, wires)
    assert sum(1 for part in parts for _ in part()) == len(CORPUS)
    assert sum(1 for _ in too_many()) == len(TOO_MANY)


# --- a connection that breaks: never left is proven, everything else is unknown -------------------

HEAD_END: Final = b"\r\n\r\n"
LONG: Final = "x" * (5 << 20)  # a text that no buffer on the way holds whole


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    connection.close()


def half_close(connection: socket.socket) -> None:
    """End our side, and go on reading until the other ends."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1 << 20):
        pass


def read_head(connection: socket.socket) -> None:
    data = b""
    while HEAD_END not in data and (more := connection.recv(1)):
        data += more


def after_request(data: bytes, then: Meeting) -> Meeting:
    def meet(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(data)
        then(connection)

    return meet


def after_a_byte(then: Meeting) -> Meeting:
    def meet(connection: socket.socket) -> None:
        connection.recv(1)
        then(connection)

    return meet


def after_head(data: bytes, then: Meeting) -> Meeting:
    def meet(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(data)
        then(connection)

    return meet


WHOLE: Final = http(ALL).data
EARLY_413: Final = http("", "413 Too Large").data

# what the gateway does with a connection, and the error that may name it to us
BREAKS: Final[dict[str, tuple[Meeting, str]]] = {
    "closed at once": (lambda _: None, "any"),
    "half-closed at once": (half_close, "RemoteProtocolError"),
    "reset within the head": (after_a_byte(reset), "any"),
    "closed within the head": (after_a_byte(lambda _: None), "any"),
    "closed after the request": (after_request(b"", lambda _: None), "RemoteProtocolError"),
    "half-closed after the request": (after_request(b"", half_close), "RemoteProtocolError"),
    "reset after the request": (after_request(b"", reset), "ReadError"),
    "head cut short": (after_request(WHOLE[:20], half_close), "RemoteProtocolError"),
    "head cut short by a reset": (after_request(WHOLE[:20], reset), "any"),
    "half the reply": (after_request(WHOLE[:-20], half_close), "RemoteProtocolError"),
    "half the reply, then a reset": (after_request(WHOLE[:-20], reset), "any"),
    "a continuation and no more": (
        after_request(b"HTTP/1.1 100 Continue\r\n\r\n", half_close),
        "RemoteProtocolError",
    ),
}
#: The same, in the middle of a long request.
BREAKS_OF_LONG: Final[dict[str, tuple[Meeting, str]]] = {
    "closed within the body": (after_head(b"", lambda _: None), "any"),
    "reset within the body": (after_head(b"", reset), "any"),
    "half-closed within the body": (after_head(b"", half_close), "RemoteProtocolError"),
    "half a reply within the body": (after_head(WHOLE[:-20], half_close), "RemoteProtocolError"),
}
BROKEN_OFF: Final = re.compile(r"The request broke off \((\w+)\)\.")
NAMES: Final = {"ReadError", "WriteError", "RemoteProtocolError"}  # of one break, by timing


def check_break(
    meeting: Meeting,
    named: str,
    gateway: Gateway,
    client: smspm.Client,
    campaign: smspm.Campaign,
    numbers: list[str],
) -> None:
    gateway.meeting, gateway.connections = meeting, 0
    assert send(campaign, client) is None
    rows = report(campaign)
    assert rows == [("unknown", None, rows[0][2])] * len(numbers)
    told = BROKEN_OFF.fullmatch(rows[0][2] or "")
    assert told is not None
    assert told[1] in (NAMES if named == "any" else {named})
    assert (gateway.connections, kept(campaign)) == (1, [""])
    gateway.meeting = None
    check_that_planned_rows_go_out_once(campaign, gateway, client, numbers)


@pytest.mark.parametrize("name", BREAKS)
def test_a_connection_that_breaks_leaves_rows_unknown(
    name: str, gateway: Gateway, client: smspm.Client, tmp_path: Path
) -> None:
    """Once it was made, the request may have been read: one connection, and none ever again."""
    for numbers in ([A], [A, B, C]):
        campaign = campaign_of(numbers, tmp_path)
        check_break(*BREAKS[name], gateway, client, campaign, numbers)


@pytest.mark.parametrize("name", BREAKS_OF_LONG)
def test_a_connection_that_breaks_within_a_request_leaves_its_row_unknown(
    name: str, gateway: Gateway, client: smspm.Client, tmp_path: Path
) -> None:
    """Half a request may have been enough: nobody knows what a gateway does with it."""
    campaign = campaign_of([A], tmp_path, sms_text=LONG)
    check_break(*BREAKS_OF_LONG[name], gateway, client, campaign, [A])


@pytest.mark.parametrize(
    ("early", "raised", "row"),
    [
        (http(ALL), False, queued("a")),
        (http("", "413 Too Large"), True, unreadable(413)(1).rows[0]),
        (http(failed("Bad sender"), "400 No"), True, about_sender("Bad sender")(1).rows[0]),
        (http("", "503 Oops"), False, broken_gateway(503)(1).rows[0]),
    ],
)
def test_a_reply_before_the_request_was_read_is_a_reply(
    early: Wire, raised: bool, row: Row, gateway: Gateway, client: smspm.Client, tmp_path: Path
) -> None:
    """It proves what it would prove later, once the rest of the request was taken off."""
    campaign = campaign_of([A], tmp_path, sms_text=LONG)
    gateway.meeting = after_head(early.data, half_close)
    gateway.connections = 0
    assert (send(campaign, client) is not None) == raised
    assert (report(campaign), gateway.connections) == ([row], 1)
    assert kept(campaign) == [early.kept]
    gateway.meeting = None
    check_that_planned_rows_go_out_once(campaign, gateway, client, [A])


def test_a_refusal_within_the_request_and_a_close_leave_its_row_unknown(
    gateway: Gateway, client: smspm.Client, tmp_path: Path
) -> None:
    """Whether the reply still came through or the end was quicker: it was half read."""
    campaign = campaign_of([A], tmp_path, sms_text=LONG)
    gateway.meeting = after_head(EARLY_413, lambda _: None)
    gateway.connections = 0
    send(campaign, client)
    assert [status for status, *_ in report(campaign)] == ["unknown"]
    assert gateway.connections == 1
    gateway.meeting = None
    check_that_planned_rows_go_out_once(campaign, gateway, client, [A])


STALLS: Final[dict[str, tuple[Meeting, str, str]]] = {
    "never read": (lambda _: None, LONG, "WriteTimeout"),
    "answered, and never read": (lambda c: c.sendall(EARLY_413), LONG, "WriteTimeout"),
    "read within the body": (read_head, LONG, "WriteTimeout"),
    "never answered": (after_request(b"", lambda _: None), "Hi", "ReadTimeout"),
    "answered by half": (after_request(WHOLE[:-20], lambda _: None), "Hi", "ReadTimeout"),
    "answered by half a head": (after_request(WHOLE[:20], lambda _: None), "Hi", "ReadTimeout"),
}


@pytest.mark.parametrize("name", STALLS)
def test_a_gateway_that_stalls_leaves_rows_unknown(
    name: str, gateway: Gateway, tmp_path: Path
) -> None:
    """Whatever it stalls in, reading or answering, it may go on when we have gone."""
    stall, text, error = STALLS[name]
    ended = threading.Event()
    client = client_of(gateway.url, timeout=0.3)
    campaign = campaign_of([A], tmp_path, sms_text=text)

    def meet(connection: socket.socket) -> None:
        stall(connection)
        ended.wait()

    gateway.meeting, gateway.connections = meet, 0
    try:
        assert send(campaign, client) is None
        [(status, message_id, told)] = report(campaign)
        assert (status, message_id, gateway.connections) == ("unknown", None, 1)
        # or the bound of the whole request, where the machine is slower than the step's
        assert told in {f"The request broke off ({name})." for name in (error, "TimeoutError")}
    finally:
        ended.set()
    gateway.meeting = None
    check_that_planned_rows_go_out_once(campaign, gateway, client, [A])


@pytest.fixture
def closed_port() -> Iterator[socket.socket]:
    """Hold a port that refuses every connection until somebody listens there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


def never_left(url: str, error: str, rows: int) -> Fate:
    told = (
        f"No connection to {url} ({error}). Nothing was sent; check the network and run it again."
    )
    return all_planned(told, NeverLeft, requests=5)(rows)


def fate_of(campaign: smspm.Campaign, client: smspm.Client) -> Fate:
    raised = send(campaign, client)
    return Fate(report(campaign), raised, len(kept(campaign)))


def answer_on(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        accept(connection, read_request(connection))


@pytest.mark.parametrize("numbers", [[A], [A, B, C]])
def test_where_nobody_listens_rows_are_planned_and_go_out_once_somebody_does(
    numbers: list[str], closed_port: socket.socket, clock: "Clock", tmp_path: Path
) -> None:
    """Five refused connections, 15 s of waiting or a bit more, and everything is as before."""
    client = client_of(url_of(closed_port), clock=clock)
    campaign = campaign_of(numbers, tmp_path)
    expected = never_left(url_of(closed_port), "ConnectError", len(numbers))
    assert fate_of(campaign, client) == expected
    assert 15 <= clock.passed < 30

    closed_port.listen()
    thread = threading.Thread(target=answer_on, args=(closed_port,))
    thread.start()
    assert send(campaign, client) is None
    thread.join()
    assert report(campaign) == [queued(f"good-{number}") for number in numbers]


def test_a_name_that_does_not_resolve_leaves_rows_planned(
    clock: "Clock", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an address there is no connection."""

    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = "https://api.smspm.invalid"
    campaign = campaign_of([A], tmp_path)
    assert fate_of(campaign, client_of(url, clock=clock)) == never_left(url, "ConnectError", 1)


def test_a_handshake_that_fails_leaves_rows_planned(clock: "Clock", tmp_path: Path) -> None:
    """Without TLS no request is written: of five connections each heard a greeting alone."""
    heard: list[bytes] = []

    def greet(connection: socket.socket) -> None:
        heard.append(connection.recv(1 << 16))
        connection.sendall(http("", "400 Bad Request").data)

    with serving(accept) as gateway:
        gateway.meeting = greet
        url = gateway.url.replace("http:", "https:")
        campaign = campaign_of([A, B, C], tmp_path)
        assert fate_of(campaign, client_of(url, clock=clock)) == never_left(url, "ConnectError", 3)
    assert [greeting[:2] for greeting in heard] == [b"\x16\x03"] * 5
    assert not any(number.encode() in b"".join(heard) for number in (A, B, C))


@pytest.mark.parametrize("listening", ["127.0.0.1", "::1"])
def test_a_name_with_two_addresses_is_sent_to_once(
    listening: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one of them refuses, the other takes the one request there is."""
    found = {
        "::1": (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
        "127.0.0.1": (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    }
    resolve = socket.getaddrinfo

    def resolve_both(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
        if host not in ("localhost", b"localhost"):
            return resolve(host, port, *rest, **options)
        return [(*kind, (at[0], port, *at[2:])) for *kind, at in found.values()]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_both)
    try:
        gateway = Gateway(accept, listening)
    except OSError:
        pytest.skip(f"this machine has no {listening}")
    with closing(gateway):
        campaign = campaign_of([A, B, C], tmp_path)
        client = client_of(f"http://localhost:{gateway.port}")
        assert send(campaign, client) is None
        assert gateway.asked() == [[A, B, C]]
    assert report(campaign) == [queued(f"good-{number}") for number in (A, B, C)]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_gets_nothing(
    name: str,
    gateway: Gateway,
    closed_port: socket.socket,
    clock: "Clock",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The request goes to the API's address or nowhere."""
    with serving(accept) as canary:
        for spelled in (name, name.lower()):
            monkeypatch.setenv(spelled, canary.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        gateway.meeting, gateway.answering = None, accept
        gateway.requests.clear()
        campaign = campaign_of([A], tmp_path)
        assert send(campaign, client_of(gateway.url)) is None
        assert (report(campaign), gateway.asked()) == ([queued(f"good-{A}")], [[A]])

        url = url_of(closed_port, "https")
        campaign = campaign_of([A, B], tmp_path)
        assert fate_of(campaign, client_of(url, clock=clock)) == never_left(url, "ConnectError", 2)
        assert canary.connections == 0


# --- one connection, several requests -----------------------------------------------------------

MANY: Final = [str(37250000000 + step) for step in range(24)]


def personal_campaign(folder: Path) -> smspm.Campaign:
    """Make a campaign of 24 requests: each lane makes several."""
    return campaign_of(MANY, folder, sms_text=[f"Hi {number}! STOP: 1234" for number in MANY])


def test_a_connection_that_the_gateway_closes_after_a_reply_harms_no_request(
    tmp_path: Path,
) -> None:
    """It ends each without a word: none is met by the next request, so nothing is unknown."""

    def answer_and_end(connection: socket.socket, request: bytes) -> None:
        accept(connection, request)
        connection.shutdown(socket.SHUT_RDWR)

    with serving(answer_and_end) as gateway:
        campaign = personal_campaign(tmp_path)
        assert send(campaign, client_of(gateway.url)) is None
        assert sorted(gateway.asked()) == [[number] for number in MANY]
    assert report(campaign) == [queued(f"good-{number}") for number in MANY]


def test_a_request_that_was_read_by_a_closing_gateway_is_not_made_again(tmp_path: Path) -> None:
    """The gateway reads it and is gone: it may have been taken."""
    lost = {MANY[3], MANY[12], MANY[20]}

    def accept_or_end(connection: socket.socket, request: bytes) -> None:
        if lost.isdisjoint(numbers_of(request)):
            accept(connection, request)
        else:
            connection.shutdown(socket.SHUT_RDWR)

    with serving(accept_or_end) as gateway:
        campaign = personal_campaign(tmp_path)
        assert send(campaign, client_of(gateway.url)) is None
        assert sorted(gateway.asked()) == [[number] for number in MANY]
    broken_off = unknown("The request broke off (RemoteProtocolError).")
    assert report(campaign) == [
        broken_off if number in lost else queued(f"good-{number}") for number in MANY
    ]


SECOND: Final[dict[str, Callable[[str], Wire]]] = {
    "the same": lambda number: http(said(element(number, f"good-{number}"))),
    "another id": lambda number: http(said(element(number, f"again-{number}"))),
    "429": lambda _: http("", "429 Too Many Requests"),
    "408": lambda _: http("", "408 Request Timeout"),
    "Bad sender": lambda _: http(failed("Bad sender")),
    "no HTTP": lambda _: raw("}"),
}


@pytest.mark.parametrize("second", SECOND)
def test_a_second_answer_is_not_the_next_ones(second: str, clock: "Clock", tmp_path: Path) -> None:
    """A gateway that answers twice in one breath: what is left over belongs to nobody."""

    def answer_twice(connection: socket.socket, request: bytes) -> None:
        [number] = numbers_of(request)
        told = http(said(element(number, f"good-{number}")))
        connection.sendall(told.data + SECOND[second](number).data)

    with serving(answer_twice) as gateway:
        campaign = personal_campaign(tmp_path)
        assert send(campaign, client_of(gateway.url, clock=clock)) is None
        assert sorted(gateway.asked()) == [[number] for number in MANY]
    assert report(campaign) == [queued(f"good-{number}") for number in MANY]


@pytest.mark.parametrize("second", SECOND)
def test_a_second_answer_that_comes_late_is_not_the_next_ones(
    second: str, clock: "Clock", tmp_path: Path
) -> None:
    """It comes when the next request is made: a 429 among them would have that one go twice."""
    answered: dict[socket.socket, str] = {}

    def answer_and_again(connection: socket.socket, request: bytes) -> None:
        [number] = numbers_of(request)
        if before := answered.get(connection):
            connection.sendall(SECOND[second](before).data)
        answered[connection] = number
        accept(connection, request)

    with serving(answer_and_again) as gateway:
        campaign = personal_campaign(tmp_path)
        assert send(campaign, client_of(gateway.url, clock=clock)) is None
        assert sorted(gateway.asked()) == [[number] for number in MANY]
    assert report(campaign) == [queued(f"good-{number}") for number in MANY]


def test_a_late_answer_is_not_the_next_ones(tmp_path: Path) -> None:
    """What comes after the time-out, on the connection of then, is read by nobody."""
    first: list[tuple[socket.socket, bytes]] = []
    second_came = threading.Event()

    def answer(connection: socket.socket, request: bytes) -> None:
        if not first:
            first.append((connection, request))
            second_came.wait()
            accept(connection, request)
        else:
            second_came.set()
            accept(connection, request)

    with serving(answer) as gateway:
        campaign = campaign_of([A, B], tmp_path, sms_text=["Hi A!", "Hi B!"])
        try:
            assert send(campaign, client_of(gateway.url, timeout=1.0)) is None
        finally:
            second_came.set()
        assert gateway.asked() == [[A], [B]]
    [of_a, of_b] = report(campaign)
    assert of_a == unknown("The request broke off (ReadTimeout).")
    assert of_b == queued(f"good-{B}")
