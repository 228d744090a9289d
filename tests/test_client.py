import asyncio
import gzip
import json
import logging
import pickle
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from smspm_campaigns.exceptions import (
    AccountRefused,
    CredentialsMissing,
    GatewayError,
    InvalidArgument,
    NeverLeft,
    OutcomeUnknown,
    RateLimited,
)
from smspm_campaigns.gateway import connection
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.replies import Answer
from smspm_campaigns.gateway.simulator import Fault, Simulator, running
from smspm_campaigns.vocabulary import Status

if TYPE_CHECKING:
    from conftest import Clock

A, B = "37256789045", "37257788990"
QUEUED = json.dumps(
    {"messages": [{"id": "id-1", "toNumber": A, "status": "Added to queue"}]}
).encode()
HASH, TOKEN = "canary-hash-52248aec", "canary/token+A1B2 ü"
NO_LINGER = struct.pack("ii", 1, 0)  # closing sends a reset

Answering = Callable[[socket.socket], object]


class Server:
    """A gateway of raw sockets: reads each request to its end, then answers as told."""

    def __init__(self, answering: Answering) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.released = threading.Event()
        self._answering = answering
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.released.is_set():
                connection.close()
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while request := _read_request(connection):
                self.requests.append(request)
                self._answering(connection)

    def bodies(self) -> list[Any]:
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]

    def close(self) -> None:
        self.released.set()
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()


def _read_request(connection: socket.socket) -> bytes:
    """Read one request, whole; nothing when the other side is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-len")),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(answering: Answering) -> Iterator[Server]:
    server = Server(answering)
    try:
        yield server
    finally:
        server.close()


def saying(data: bytes, *, then: Callable[[socket.socket], object] = lambda _: None) -> Answering:
    def answer(connection: socket.socket) -> None:
        connection.sendall(data)
        then(connection)

    return answer


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    connection.close()


def client_of(url: str, **options: Any) -> Client:
    settings = {"base_url": url, "requests_per_minute": None, "timeout": 20.0, **options}
    return Client(HASH, TOKEN, **settings)


def attempt(client: Client, numbers: str | list[str] = A) -> Any:
    async def send() -> Any:
        return await client.send(numbers, "Hi", sender="SMSPM.com")

    try:
        return asyncio.run(send())
    except GatewayError as error:
        return error


# --- what goes on the wire ----------------------------------------------------------------------


def test_a_send_is_exactly_the_json_of_the_quick_start() -> None:
    """One number is a string, several are a list, and nothing else is in the body."""
    sender = {"hash": HASH, "token": TOKEN, "text": "Ülle 👋", "fromNumber": "SMSPM.com"}
    with serving(saying(reply(QUEUED))) as server:
        client = client_of(server.url)

        async def send_all() -> None:
            for numbers in (A, [A], [A, B]):
                await client.send(numbers, "Ülle 👋", sender="SMSPM.com")
            await client.send(A, "Ülle 👋", sender="SMSPM.com", report_url="https://x.test/cb/1")

        asyncio.run(send_all())
        assert server.bodies() == [
            {**sender, "toNumber": A},
            {**sender, "toNumber": A},
            {**sender, "toNumber": [A, B]},
            {**sender, "toNumber": A, "report": "https://x.test/cb/1"},
        ]
        for request in server.requests:
            head = request.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
            assert head[0] == "post / http/1.1"
            assert "content-type: application/json" in head


def test_a_status_question_is_the_id_and_the_hash_alone() -> None:
    """The quick start asks without a token, so none is shown."""
    with serving(saying(reply(b'{"status": "delivered"}'))) as server:
        client = client_of(server.url + "/api/")
        details = asyncio.run(client.details("id-1"))
        assert (details.word, details.price, details.carrier) == ("delivered", None, None)
        assert server.requests[0].startswith(b"POST /api/smsdetails HTTP/1.1\r\n")
        assert server.bodies() == [{"hash": HASH, "id": "id-1"}]


def test_the_account_is_asked_by_get_with_both_credentials() -> None:
    """Balance and Sender IDs are GET requests, as public clients make them."""
    with serving(saying(reply(b'{"balance": 12.34, "senders": ["SMSPM.com"]}'))) as server:
        client = client_of(server.url)
        assert asyncio.run(client.balance()) == Decimal("12.34")
        assert asyncio.run(client.sender_ids()) == ["SMSPM.com"]
        asked = [urlsplit(request.split(b" ")[1].decode()) for request in server.requests]
        assert [(url.path, parse_qs(url.query)) for url in asked] == [
            ("/balance", {"hash": [HASH], "token": [TOKEN]}),
            ("/sender-ids", {"hash": [HASH], "token": [TOKEN]}),
        ]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"balance": null}',
        b'{"balance": "NaN"}',
        b'{"balance": "a lot"}',
        b'{"balance": []}',
    ],
)
def test_a_balance_that_is_no_amount_is_not_told(body: bytes) -> None:
    """Not even a number that compares with nothing."""
    with serving(saying(reply(body))) as server:
        for ask in (Client.balance, Client.sender_ids):
            with pytest.raises(OutcomeUnknown, match="The API does not tell"):
                asyncio.run(ask(client_of(server.url)))


def test_a_client_serves_one_loop_after_the_other() -> None:
    """It holds settings only: no connection outlives the call."""
    with serving(saying(reply(QUEUED))) as server:
        client = client_of(server.url)
        for _ in range(2):
            assert attempt(client).answers == (Answer(A, Status.QUEUED, "id-1", "Added to queue"),)
        assert server.connections == 2


@pytest.mark.parametrize("numbers", [[], [A, A], [str(37250000000 + n) for n in range(101)]])
def test_a_request_that_cannot_be_meant_is_not_made(numbers: list[str]) -> None:
    """None, the same twice, or more than a hundred: nothing goes on the wire."""
    with serving(saying(reply(QUEUED))) as server:
        with pytest.raises(InvalidArgument, match="1 to 100 different numbers"):
            attempt(client_of(server.url), numbers)
        assert server.connections == 0


def test_each_call_takes_its_turn(clock: "Clock") -> None:
    """The rate binds single calls, questions and sends alike."""
    with running(Simulator(hash=HASH, token=TOKEN)) as url:
        client = client_of(url, requests_per_minute=60, clock=clock)
        attempt(client)
        asyncio.run(client.balance())
        asyncio.run(client.sender_ids())
        attempt(client, B)
    assert clock.passed == 3.0


# --- a reply that never came: anything may have been sent ---------------------------------------

UNKNOWN_ENDINGS: dict[str, Answering] = {
    "closed without a byte": close,
    "reset": reset,
    "head cut short": saying(b"HTTP/1.1 200 OK\r\ncontent-le", then=close),
    "head cut short by a reset": saying(b"HTTP/1.1 200 OK\r\ncontent-le", then=reset),
    "half the body": saying(reply(QUEUED)[:-20], then=close),
    "half the body, then a reset": saying(reply(QUEUED)[:-20], then=reset),
    "half a chunk": saying(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{", then=close
    ),
    "no HTTP": saying(b"220 smtp.example ready\r\n", then=close),
    "a head without end": saying(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000, then=close),
    "a body that does not unpack": saying(reply(QUEUED, "200 OK", "content-encoding: gzip")),
    "a bomb": saying(reply(gzip.compress(bytes(1 << 26)), "200 OK", "content-encoding: gzip")),
    "a reply without end": saying(reply(b" " * (2 << 20))),
    "a continuation and no more": saying(b"HTTP/1.1 100 Continue\r\n\r\n", then=close),
}


@pytest.mark.parametrize("ending", UNKNOWN_ENDINGS)
def test_a_connection_that_breaks_after_the_request_proves_nothing(ending: str) -> None:
    """The whole request was read: whatever happens to the reply, it may have been taken."""
    with serving(UNKNOWN_ENDINGS[ending]) as server:
        error = attempt(client_of(server.url))
        assert (type(error), len(server.requests)) == (OutcomeUnknown, 1)


def drip(data: bytes, released: threading.Event, connection: socket.socket) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        released.wait(0.05)


@pytest.mark.parametrize(
    "stall", ["from the start", "after the head", "in the head", "drop by drop"]
)
def test_a_gateway_that_stalls_is_left_and_the_lane_goes_on(stall: str) -> None:
    """No way of keeping us waiting outlasts the time-out, and the next request is made as ever."""
    stalls = [stall]

    def answer(connection: socket.socket) -> None:
        if not stalls:
            connection.sendall(reply(QUEUED))
        elif stalls.pop() == "drop by drop":
            drip(reply(QUEUED, "200 OK", "x: " + "y" * 10_000), server.released, connection)
        else:
            whole = reply(QUEUED)
            connection.sendall(
                {"from the start": b"", "after the head": whole[:-20], "in the head": whole[:20]}[
                    stall
                ]
            )
            server.released.wait()

    async def send_twice() -> list[object]:
        async with client_of(server.url, timeout=0.25).lane() as lane:
            ended: list[object] = []
            for _ in range(2):
                try:
                    ended.append(await lane.send(A, "Hi", sender="SMSPM.com"))
                except GatewayError as error:
                    ended.append(type(error))
            return ended

    with serving(answer) as server:
        first, second = asyncio.run(send_twice())
        assert first is OutcomeUnknown
        assert second.answers == (Answer(A, Status.QUEUED, "id-1", "Added to queue"),)  # type: ignore[attr-defined]
        assert len(server.requests) == 2


@pytest.mark.parametrize("kind", ["close", "reset", "truncated_head", "half", "stall", "502"])
def test_the_simulator_has_taken_what_is_unknown(kind: str) -> None:
    """That an unknown may well be a message on its way is shown by who took it."""
    simulator = Simulator(hash=HASH, token=TOKEN, faults=Fault(kind, taken=True, seconds=60))
    with running(simulator) as url:
        error = attempt(client_of(url, timeout=0.5), [A, B])
    assert type(error) is OutcomeUnknown
    assert [entry["toNumber"] for entry in simulator.accepted] == [A, B]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_never_followed(status: str) -> None:
    """Neither to another place nor to the same: it would be a second send."""
    with serving(lambda connection: connection.sendall(answer)) as server:
        for location in (server.url, "/", "https://elsewhere.test/"):
            answer = reply(b"", status, f"location: {location}")
            assert type(attempt(client_of(server.url))) is OutcomeUnknown
        assert (len(server.requests), server.connections) == (3, 3)


# --- proofs that nothing left -------------------------------------------------------------------


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_refused_connection_never_left() -> None:
    """Nobody listens there, so nobody was told anything."""
    error = attempt(client_of(f"http://127.0.0.1:{(port := unused_port())}"))
    assert type(error) is NeverLeft
    assert str(error) == (
        f"No connection to http://127.0.0.1:{port} (ConnectError). Nothing was sent; check the "
        "network and run it again."
    )


def test_a_name_that_does_not_resolve_never_left() -> None:
    """A host under .invalid exists nowhere (RFC 6761)."""
    assert type(attempt(client_of("https://api.smspm.invalid"))) is NeverLeft


@pytest.mark.parametrize("greeting", ["plain text", "nothing", "silence"])
def test_a_handshake_that_fails_never_left(greeting: str) -> None:
    """Without TLS no request is written, and so none has left."""
    heard: list[bytes] = []
    released = threading.Event()

    def greet() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(65536))
            if greeting == "plain text":
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            if greeting == "silence":
                released.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet)
        thread.start()
        error = attempt(client_of(f"https://127.0.0.1:{listener.getsockname()[1]}", timeout=0.25))
        released.set()
        thread.join()
    assert type(error) is NeverLeft
    assert len(heard) == 1
    assert heard[0].startswith(b"\x16\x03")  # a greeting of TLS, and no more


def test_a_request_that_found_no_free_connection_never_left() -> None:
    """Two on one lane: the second waits for the first, and gives up without a byte written."""

    async def send_two() -> list[object]:
        async with client_of(server.url, timeout=0.25).lane() as lane:
            ended = await asyncio.gather(
                lane.send(A, "Hi", sender="SMSPM.com"),
                lane.send(B, "Hi", sender="SMSPM.com"),
                return_exceptions=True,
            )
            return [type(error) for error in ended]

    with serving(lambda _: server.released.wait()) as server:
        assert asyncio.run(send_two()) == [OutcomeUnknown, NeverLeft]
        assert [body["toNumber"] for body in server.bodies()] == [A]


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_errors_of_a_foreign_transport_prove_nothing(error: type[httpx.TransportError]) -> None:
    """One of them is known to call a reply that was lost a refused connection."""

    class Foreign(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise error("no route")

    assert type(attempt(client_of("https://x.test", transport=Foreign()))) is OutcomeUnknown


def test_a_foreign_transport_is_left_open() -> None:
    """It belongs to whoever made it."""

    class Foreign(httpx.AsyncBaseTransport):
        closed = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=QUEUED)

        async def aclose(self) -> None:
            self.closed = True

    transport = Foreign()
    client = client_of("https://x.test", transport=transport)
    assert [attempt(client).answers[0].status for _ in range(2)] == [Status.QUEUED] * 2
    assert not transport.closed


# --- settings -----------------------------------------------------------------------------------


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMSPM_HASH", "SMSPM_TOKEN", "SMSPM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("given", [{}, {"hash": HASH}, {"token": TOKEN}, {"hash": "", "token": ""}])
@pytest.mark.usefixtures("no_environment")
def test_missing_credentials_are_said_at_once(given: dict[str, Any]) -> None:
    """The sentence names the two variables and the way without them."""
    with pytest.raises(CredentialsMissing, match=r"SMSPM_HASH and SMSPM_TOKEN .*simulated\(\)"):
        Client(**given)


@pytest.mark.usefixtures("no_environment")
@pytest.mark.parametrize(
    "given", [{"hash": "a\udc80", "token": "t"}, {"hash": "h", "token": "a\udc80"}]
)
def test_credentials_that_cannot_be_written_are_said_and_not_shown(given: dict[str, Any]) -> None:
    """As bytes in the environment that are no text."""
    with pytest.raises(CredentialsMissing, match="holds bytes that are no text") as caught:
        Client(**given)
    assert "udc80" not in repr(caught.value)


def test_settings_come_from_arguments_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`SMSPM_HASH`, `SMSPM_TOKEN` and `SMSPM_BASE_URL` stand in for what is not given."""
    monkeypatch.setenv("SMSPM_HASH", "hash-of-the-environment")
    monkeypatch.setenv("SMSPM_TOKEN", "token-of-the-environment")
    assert repr(Client()) == "Client(https://api.smspm.com)"
    with serving(saying(reply(b'{"status": "queued"}'))) as server:
        monkeypatch.setenv("SMSPM_BASE_URL", server.url)
        asyncio.run(Client().details("x"))
        asyncio.run(Client("given-hash", "given-token").details("x"))
        assert [body["hash"] for body in server.bodies()] == [
            "hash-of-the-environment",
            "given-hash",
        ]
    assert Client(base_url="https://other.test").base_url == "https://other.test"


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        ("https://api.smspm.com", "https://api.smspm.com"),
        ("https://API.smspm.com:443/", "https://api.smspm.com"),
        ("https://example.test/smspm/", "https://example.test/smspm"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_one_address_is_one_identity(url: str, base_url: str) -> None:
    """However it is spelled; without TLS only on this machine."""
    assert client_of(url).base_url == base_url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.smspm.com",
        "http://127.0.0.1.example.test",  # begins like this machine
        "http://localhost@example.test",  # a name, not a host
        "ftp://api.smspm.com",
        "api.smspm.com",
        "https://",
        "https://[::1",
        "https://user:canary@api.smspm.com",
        "https://api.smspm.com/?hash=canary&token=canary",  # the link of the quick start
        "https://api.smspm.com/#canary",
    ],
)
def test_an_address_that_would_show_credentials_is_refused(url: str) -> None:
    """Without TLS, without a host, or with secrets in it; the sentence does not repeat them."""
    with pytest.raises(InvalidArgument, match="The API's address") as caught:
        client_of(url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["timeout", "requests_per_minute"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "30"])
def test_a_setting_without_sense_is_refused(name: str, value: object) -> None:
    """Time-outs are finite, rates above nothing."""
    with pytest.raises(InvalidArgument, match=f"{name} is a number above 0, not {value!r}"):
        client_of("https://x.test", **{name: value})


def test_there_is_no_client_without_a_timeout() -> None:
    """No rate is a setting; no time-out is a way to wait forever."""
    with pytest.raises(InvalidArgument, match="timeout is a number above 0, not None"):
        client_of("https://x.test", timeout=None)
    assert client_of("https://x.test", requests_per_minute=None).requests_per_minute is None


def test_an_account_is_named_by_a_keyed_digest() -> None:
    """The same account and key give the same name, anything else another; no secret is in it."""
    client = client_of("https://x.test")
    named = client.identity(b"k" * 32)
    assert named == client_of("https://x.test/").identity(b"k" * 32)
    assert named == Client(HASH, "a new token", base_url="https://x.test").identity(b"k" * 32)
    others = {
        client.identity(b"l" * 32),
        client_of("https://y.test").identity(b"k" * 32),
        Client("other", TOKEN, base_url="https://x.test").identity(b"k" * 32),
    }
    assert len({named, *others}) == 4
    assert named.startswith("https://x.test account ")
    assert HASH not in named
    assert Client.simulated().identity(b"k" * 32) == "simulated"


def test_a_simulated_client_needs_neither_credentials_nor_network(
    no_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything happens in this process, at any rate."""

    def no_network(*_: object) -> None:
        raise AssertionError("a simulated client opens no connection")

    client = Client.simulated()
    monkeypatch.setattr(socket.socket, "connect", no_network)
    assert attempt(client, [A, B]).answers == tuple(
        Answer(str(entry["toNumber"]), Status.QUEUED, str(entry["id"]), "Added to queue")
        for entry in client.simulator.accepted
    )
    assert asyncio.run(client.balance()) == Decimal("999999.9")
    assert (repr(client), client.is_simulated) == ("Client(simulated)", True)
    assert not client_of("https://x.test").is_simulated


# --- secrets ------------------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    """All that any logger, traceback or debugger-like repr could show of an error."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    plain = "".join(traceback.format_exception(error))
    chained = [repr(error.__cause__), repr(error.__context__)]
    return "".join([*told.format(), plain, repr(error), str(error), repr(vars(error)), *chained])


def endings() -> Iterator[tuple[str, Answering]]:
    yield from UNKNOWN_ENDINGS.items()
    yield "taken", saying(reply(QUEUED))
    for status, body in (
        ("401 Unauthorized", '{"error": "Unauthorized"}'),
        ("302 Found", ""),
        ("503 Unavailable", "<html>"),
    ):
        yield status, saying(reply(body.encode(), status, "location: /login"))
    in_php = json.dumps(f"Bad token {TOKEN} for {HASH}").replace("/", "\\/")
    for code in ("200 OK", "401 Unauthorized", "500 Oops"):
        yield f"echo {code}", saying(reply(f'{{"error": {in_php}}}'.encode(), code))
    url = str(httpx.URL("https://x.test/", params={"hash": HASH, "token": TOKEN}))
    yield "echo of a link", saying(reply(f"<a href='{url}'>{TOKEN}</a>".encode(), "404 Not Found"))


def forms_of(secret: str) -> set[str]:
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        str(httpx.QueryParams({"x": secret}))[2:],
        repr(secret.encode())[2:-1],
    }


SECRETS = forms_of(HASH) | forms_of(TOKEN)


@pytest.mark.parametrize("ending", dict(endings()))
def test_credentials_are_nowhere_but_on_the_wire(
    ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a DEBUG log of any library, an error, its chain, its locals, its raw reply."""
    caplog.set_level(logging.DEBUG)
    text = ""
    with serving(dict(endings())[ending]) as server:
        client = client_of(server.url)
        calls: list[Callable[[], Any]] = [
            lambda: client.send([A, B], "Hi", sender="SMSPM.com"),
            lambda: client.details("id-1"),
            client.balance,
            client.sender_ids,
        ]

        async def call(make: Callable[[], Any]) -> Any:
            return await make()

        for make in calls:
            try:
                text += repr(asyncio.run(call(make)))
            except GatewayError as error:
                text += shown(error) + error.raw
        assert len(server.requests) == 4
        assert all(HASH.encode() in request for request in server.requests)
    text += caplog.text + repr(client) + repr(vars(client))
    assert "httpcore" in caplog.text  # the most talkative one was listened to
    assert [secret for secret in SECRETS if secret in text] == []


def test_a_failed_connection_shows_no_credentials(caplog: pytest.LogCaptureFixture) -> None:
    """Nor does an error that came before the request."""
    caplog.set_level(logging.DEBUG)
    error = attempt(client_of(f"http://127.0.0.1:{unused_port()}"))
    text = shown(error) + caplog.text
    assert [secret for secret in SECRETS if secret in text] == []
    assert (error.__cause__, error.__context__) == (None, None)


def test_a_short_credential_is_not_struck_from_replies() -> None:
    """What stands in any reply by chance must not garble what the reply proves."""
    with serving(saying(reply(QUEUED))) as server:
        client = Client("3", "id", base_url=server.url, requests_per_minute=None)
        assert attempt(client).answers == (Answer(A, Status.QUEUED, "id-1", "Added to queue"),)


def test_a_client_is_never_pickled() -> None:
    """A pickle is a file, and credentials are in no file."""
    with pytest.raises(TypeError):
        pickle.dumps(client_of("https://x.test"))


def test_a_refused_token_is_said_with_the_next_thing_to_do() -> None:
    """The sentence names where the credentials are looked up."""
    with running(Simulator()) as url:
        error = attempt(client_of(url))
    assert (type(error), error.stops_run) == (AccountRefused, True)
    assert str(error) == (
        "SMSPM refused the credentials: 'Unauthorized'. Check SMSPM_HASH and SMSPM_TOKEN against "
        "the API page of your account."
    )


def test_what_proves_that_nothing_left_is_a_short_list() -> None:
    """No connection, and nothing else: an error while writing proves nothing."""
    assert (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
    ) == connection._NEVER_LEFT


def test_a_callback_address_that_a_reply_repeats_is_struck_out(clock: "Clock") -> None:
    """Its path holds a secret, which is in no error and in no ledger."""
    address = "http://127.0.0.1:9/S3CRET/ref"
    fault = Fault("400", error=f"Bad report URL {address}")
    client = Client.simulated(clock=clock, faults=fault)
    with pytest.raises(OutcomeUnknown) as told:
        asyncio.run(client.send("37256789045", "Hi", sender="SMSPM.com", report_url=address))
    assert "S3CRET" not in str(told.value) + told.value.raw
    assert "Bad report URL ***" in told.value.raw


def test_whoever_is_told_to_wait_tells_everybody_at_once() -> None:
    """Before it is made sure that the reply is its own: others must not go meanwhile."""
    told = reply(b"", "429 Too Many Requests", "retry-after: 5")
    with serving(saying(told)) as server:
        client = client_of(server.url)

        async def send() -> None:
            async with client.lane() as lane:
                await lane.send(A, "Hi", sender="SMSPM.com")

        with pytest.raises(RateLimited):
            asyncio.run(send())
        assert 3.0 < client.pace.take() <= 5.0


def test_an_address_that_comes_back_without_our_reference_shows_no_secret() -> None:
    """The path that was given holds the secret, and what we put behind it may be left out."""
    given = "https://shop.test/canary-path-6c1f"
    for echoed in (given, f"{given}/reference", "/canary-path-6c1f", "/canary-path-6c1f/reference"):
        body = json.dumps({"error": f"Bad report url {echoed}"}).encode()
        with serving(saying(reply(body, "400 Bad Request"))) as server:
            client = client_of(server.url)
            with pytest.raises(OutcomeUnknown) as caught:
                asyncio.run(
                    client.send(A, "Hi", sender="SMSPM.com", report_url=f"{given}/reference")
                )
        assert "canary" not in f"{caught.value}{caught.value.raw}"
