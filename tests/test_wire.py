"""A lane's connection against gateways of raw sockets that keep to HTTP, and that do not."""

import asyncio
import gzip
import json
import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pytest

from smspm_campaigns.exceptions import GatewayError
from smspm_campaigns.gateway import connection as connection_module
from smspm_campaigns.gateway import lane as lane_module
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.gate import BeforeWriting
from smspm_campaigns.gateway.lane import Lane

HASH, TOKEN = "canary-hash-52248aec", "canary/token+A1B2"
NUMBERS = [str(37250000000 + place) for place in range(10)]

#: What one connection is told, step by step: bytes are written, a step is done.
Step = bytes | Callable[["Peer"], object]


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def taken(place: int) -> bytes:
    """The body that says that a number was taken."""
    element = {"id": f"id-{place}", "toNumber": NUMBERS[place], "status": "Added to queue"}
    return json.dumps({"messages": [element]}).encode()


def plain(place: int, *headers: str) -> bytes:
    return reply(taken(place), "200 OK", *headers)


LIMITED = reply(b"{}", "429 Too Many Requests")
REFUSED = reply(b'{"error": "Invalid phone number"}', "400 Bad Request")
UNAUTHORIZED = reply(b'{"error": "Unauthorized"}', "401 Unauthorized")


class Peer:
    """The gateway's end of one connection."""

    def __init__(self, gateway: "Gateway", end: socket.socket) -> None:
        self._gateway = gateway
        self._end = end

    def read(self) -> None:
        """Read one request, whole; the step after it is not taken when there is none."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some()
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [
            line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-l")
        ]
        while len(body) < int((lengths or [b"0"])[0]):
            body += self._some()
        self._gateway.requests.append(head + b"\r\n\r\n" + body)

    def _some(self) -> bytes:
        if not (data := self._end.recv(65536)):
            raise ConnectionError
        return data

    def write(self, data: bytes) -> None:
        self._end.sendall(data)

    def wait(self) -> None:
        """Wait until the other side has closed, or the test is over."""
        self._end.settimeout(0.01)
        while not self._gateway.is_over.is_set():
            with suppress(TimeoutError):
                self._some()

    def reset(self) -> None:
        self._end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._end.close()


class Gateway:
    """Does with each connection what the script says; the last one is for all that follow."""

    def __init__(self, *scripts: list[Step], tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.is_over = threading.Event()
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            end, _ = self._listener.accept()
            if self.is_over.is_set():
                end.close()
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._play, args=(end, script))
            self._threads.append(thread)
            thread.start()

    def _play(self, raw: socket.socket, script: list[Step]) -> None:
        with suppress(OSError), closing(raw):
            end = self._tls.wrap_socket(raw, server_side=True) if self._tls else raw
            with closing(end):
                peer = Peer(self, end)
                for step in script:
                    if isinstance(step, bytes):
                        peer.write(step)
                    else:
                        step(peer)

    def asked(self) -> list[str]:
        """The numbers that came, in order: whoever is here twice was sent twice."""
        bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]
        return [str(body["toNumber"]) for body in bodies]

    def close(self) -> None:
        self.is_over.set()
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()


@contextmanager
def gateway(*scripts: list[Step], tls: ssl.SSLContext | None = None) -> Iterator[Gateway]:
    served = Gateway(*scripts, tls=tls)
    try:
        yield served
    finally:
        served.close()


def client_of(url: str, **options: Any) -> Client:
    settings = {"base_url": url, "requests_per_minute": None, "timeout": 20.0, **options}
    return Client(HASH, TOKEN, **settings)


async def send_on(
    lane: Lane, place: int, text: str = "Hi", look: BeforeWriting | None = None
) -> str:
    """Send to one number; say what becomes of its row."""
    try:
        told = await lane.send(NUMBERS[place], text, sender="SMSPM.com", before_writing=look)
    except GatewayError as error:
        return error.rows_become
    return str(told.answers[0].status)


def send_all(client: Client, count: int) -> list[str]:
    async def send() -> list[str]:
        async with client.lane() as lane:
            return [await send_on(lane, place) for place in range(count)]

    return asyncio.run(send())


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time of ours runs out on a slow machine; a test that is about one sets it."""
    for module, name in (
        (connection_module, "IDLE"),
        (connection_module, "_QUICK"),
        (lane_module, "_LISTEN"),
    ):
        monkeypatch.setattr(module, name, 60.0)


# --- gateways that keep to HTTP -------------------------------------------------------------------

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"


def one_each(places: Iterable[int]) -> list[list[Step]]:
    """Take one number on each connection, and leave it open."""
    return [[Peer.read, plain(place), Peer.wait] for place in places]


def at_look(which: int, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Make what is set when it has been looked so often for what lies beside a reply."""
    looks, is_time, look = count(1), threading.Event(), connection_module._has_rest

    def has_rest(transport: object, stream: object) -> bool:
        found = look(transport, stream)
        if next(looks) == which:
            is_time.set()
        return found

    monkeypatch.setattr(connection_module, "_has_rest", has_rest)
    return is_time


def one_after_the_other(form: Callable[[int], bytes], count: int = 5) -> list[Step]:
    steps: list[Step] = []
    for place in range(count):
        steps += [Peer.read, form(place)]
    return [*steps, Peer.wait]


@pytest.mark.parametrize(
    "form",
    [
        plain,
        lambda place: plain(place, "connection: keep-alive"),
        lambda place: CHUNKED % (len(taken(place)), taken(place)),
        lambda place: b"HTTP/1.1 100 Continue\r\n\r\n" + plain(place),
        lambda place: b"HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n" + plain(place),
        lambda place: reply(gzip.compress(taken(place)), "200 OK", "content-encoding: gzip"),
    ],
    ids=["plain", "keep-alive", "chunked", "100", "103", "gzip"],
)
def test_a_lane_uses_its_connection_again(form: Callable[[int], bytes]) -> None:
    """The gateway counts five requests on one connection."""
    with gateway(one_after_the_other(form)) as there:
        assert send_all(client_of(there.url), 5) == ["queued"] * 5
        assert (there.asked(), there.connections) == (NUMBERS[:5], 1)


@pytest.mark.parametrize(
    "form",
    [
        lambda place: plain(place, "connection: close"),
        lambda place: plain(place).replace(b"HTTP/1.1", b"HTTP/1.0"),
        lambda place: b"HTTP/1.1 200 OK\r\n\r\n" + taken(place),
    ],
    ids=["announced", "HTTP/1.0", "no length"],
)
def test_a_connection_whose_end_is_announced_is_not_used_again(
    form: Callable[[int], bytes],
) -> None:
    """Each request finds a new one, and none is unknown."""
    scripts: list[list[Step]] = [[Peer.read, form(place)] for place in range(5)]
    with gateway(*scripts) as there:
        assert send_all(client_of(there.url), 5) == ["queued"] * 5
        assert (there.asked(), there.connections) == (NUMBERS[:5], 5)


def test_an_end_that_is_not_announced_is_found_before_it_meets_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A gateway that closes after each reply without a word costs no unknown: the first
    connection that is kept is listened to before it is used again.
    """
    monkeypatch.setattr(connection_module, "_PROOF", 60.0)
    is_time = at_look(2, monkeypatch)
    first: list[Step] = [Peer.read, plain(0), lambda _: is_time.wait(20)]
    others: list[list[Step]] = [[Peer.read, plain(place)] for place in range(1, 5)]
    with gateway(first, *others) as there:
        assert send_all(client_of(there.url), 5) == ["queued"] * 5
        assert (there.asked(), there.connections) == (NUMBERS[:5], 5)


def test_a_gateway_may_limit_the_requests_of_a_connection() -> None:
    """The last reply says so, and the next request has a new connection, which is kept again."""
    scripts: list[list[Step]] = [
        [Peer.read, plain(0), Peer.read, plain(1, "connection: close")],
        [Peer.read, plain(2), Peer.read, plain(3, "connection: close")],
        [Peer.read, plain(4), Peer.wait],
    ]
    with gateway(*scripts) as there:
        assert send_all(client_of(there.url), 5) == ["queued"] * 5
        assert (there.asked(), there.connections) == (NUMBERS[:5], 3)


def test_a_connection_is_kept_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has lain idle for longer is closed, and a new one is made."""
    monkeypatch.setattr(connection_module, "IDLE", 0.0)
    with gateway(*one_each(range(3))) as there:
        assert send_all(client_of(there.url), 3) == ["queued"] * 3
        assert there.connections == 3
    monkeypatch.undo()
    transport = client_of("https://x.test")._make_transport()
    assert transport._pool._keepalive_expiry == connection_module.IDLE == 1.0  # type: ignore[attr-defined]


def test_a_slow_gateway_has_a_connection_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where replies take as long as another one is listened for, they could not be told apart."""
    monkeypatch.undo()
    assert connection_module._QUICK < lane_module._LISTEN
    monkeypatch.setattr(connection_module, "_QUICK", 0.0)
    with gateway(*one_each(range(3))) as there:
        assert send_all(client_of(there.url), 3) == ["queued"] * 3
        assert there.connections == 3


@pytest.mark.parametrize(
    ("said", "becomes"),
    [(LIMITED, "planned"), (REFUSED, "refused"), (UNAUTHORIZED, "planned"), (b"", "unknown")],
)
@pytest.mark.parametrize("is_announced", [True, False])
def test_what_is_said_on_a_used_connection_is_believed_after_silence(
    said: bytes, becomes: str, is_announced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or at once when nothing can follow; the next request has a new connection."""
    if is_announced:
        said = said.replace(b"content-length", b"connection: close\r\ncontent-length")
    else:
        monkeypatch.setattr(lane_module, "_LISTEN", 0.02)
    scripts: list[list[Step]] = [
        [Peer.read, plain(0), Peer.read, said, *([] if is_announced or not said else [Peer.wait])],
        [Peer.read, plain(2), Peer.wait],
    ]
    with gateway(*scripts) as there:
        assert send_all(client_of(there.url), 3) == ["queued", becomes, "queued"]
        assert (there.asked(), there.connections) == (NUMBERS[:3], 2)


def test_what_is_said_first_on_a_connection_is_believed_at_once() -> None:
    """Nothing else can have been asked there, so nothing is waited for."""
    with gateway([Peer.read, LIMITED, Peer.wait], [Peer.read, REFUSED, Peer.wait]) as there:
        assert send_all(client_of(there.url), 2) == ["planned", "refused"]
        assert there.connections == 2


def test_a_question_has_a_connection_of_its_own() -> None:
    """Its reply does not say what it is about: it neither finds a connection nor leaves one."""
    status = reply(b'{"status": "delivered"}')
    account = reply(b'{"balance": 1}')
    scripts: list[list[Step]] = [
        [Peer.read, plain(0), Peer.wait],
        [Peer.read, status, Peer.wait],
        [Peer.read, plain(1), Peer.wait],
        [Peer.read, account, Peer.wait],
        [Peer.read, plain(2), Peer.wait],
    ]

    async def ask(client: Client) -> None:
        async with client.lane() as lane:
            assert await send_on(lane, 0) == "queued"
            assert (await lane.details("id-0")).word == "delivered"
            assert await send_on(lane, 1) == "queued"
            assert await lane.ask("/balance") == {"balance": 1}
            assert await send_on(lane, 2) == "queued"

    with gateway(*scripts) as there:
        asyncio.run(ask(client_of(there.url)))
        assert there.connections == 5


def named(place: int) -> bytes:
    """The reply to a question that says which message it is about."""
    return reply(json.dumps({"id": f"id-{place}", "status": "delivered"}).encode())


def ask_all(client: Client, count: int) -> list[str]:
    """Ask about messages on one lane, one after the other; tell what came of each."""

    async def ask() -> list[str]:
        told = []
        async with client.lane() as lane:
            for place in range(count):
                try:
                    told.append((await lane.details(f"id-{place}")).word)
                except GatewayError as error:
                    told.append(str(error)[:30])
        return told

    return asyncio.run(ask())


def test_replies_that_name_their_message_share_a_connection() -> None:
    """As those of this gateway do: a question after a named reply costs no new connection."""
    steps: list[Step] = [Peer.read, named(0), Peer.read, named(1), Peer.read, named(2), Peer.wait]
    with gateway(steps) as there:
        assert ask_all(client_of(there.url), 3) == ["delivered"] * 3
        assert there.connections == 1


ANOTHER_S: Final = "The API answered about another"
MIXED_UP: Final = "A connection that was used bef"


@pytest.mark.parametrize(
    ("late", "error"),
    [
        (named(0), ANOTHER_S),
        (named(7), ANOTHER_S),
        (reply(b'{"id": 7, "status": "failed"}'), MIXED_UP),  # which may be of another kind
        (reply(b'{"status": "failed"}'), MIXED_UP),
    ],
)
def test_a_reply_about_another_message_is_nobody_s(late: bytes, error: str) -> None:
    """On a connection that was used before it proves nothing, and the next question has its own."""
    first: list[Step] = [Peer.read, named(0), Peer.read, late, Peer.wait]
    with gateway(first, [Peer.read, named(2), Peer.wait]) as there:
        told = ask_all(client_of(there.url, timeout=0.3), 3)
        assert told == ["delivered", error, "delivered"]
        assert there.connections == 2


def test_a_first_reply_about_another_message_proves_nothing() -> None:
    """However new the connection is; an id of another kind may be the gateway's own."""
    first: list[Step] = [Peer.read, named(7), Peer.wait]
    own = reply(b'{"id": 7, "status": "submitted"}')
    with gateway(first, [Peer.read, own, Peer.wait]) as there:
        assert ask_all(client_of(there.url), 2) == [ANOTHER_S, "submitted"]


# --- gateways that do not -------------------------------------------------------------------------


def cork(is_corked: bool) -> Callable[[Peer], object]:
    """Let what is written leave together."""
    return lambda peer: peer._end.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, is_corked)


def read_head(peer: Peer) -> None:
    """Read the beginning of a request: its body is on its way."""
    peer._some()


def read_all(peer: Peer) -> None:
    """Read what is left of a request."""
    peer._end.settimeout(0.2)
    with suppress(TimeoutError):
        while True:
            peer._some()
    peer._end.settimeout(None)
    peer._gateway.requests.append(b"\r\n\r\n" + json.dumps({"toNumber": NUMBERS[1]}).encode())


LEFT_BEHIND = {"429": LIMITED, "400": REFUSED, "401": UNAUTHORIZED, "a second 200": plain(0)}


def too_late(left: bytes) -> dict[str, list[Step]]:
    """What is left behind comes when the next request is written, and so may be its reply."""
    return {
        "then the reply": [left, plain(1), Peer.wait],
        "with the reply": [left + plain(1), Peer.wait],
        "then half a reply": [left, plain(1)[:9], Peer.wait],
        "then the end": [left],
        "then a reset": [left, Peer.reset],
        "in pieces": [left[:30], left[30:], plain(1), Peer.wait],
        "after a 100": [b"HTTP/1.1 100 Continue\r\n\r\n" + left, plain(1), Peer.wait],
        "before a 100": [left, b"HTTP/1.1 100 Continue\r\n\r\n", Peer.wait],
        "twice": [left, left, plain(1), Peer.wait],
        "with an end that is announced, and the reply": [left, plain(1, "connection: close")],
    }


@pytest.mark.parametrize("left", LEFT_BEHIND)
@pytest.mark.parametrize("then", too_late(b""))
def test_what_an_earlier_request_left_behind_proves_nothing(left: str, then: str) -> None:
    """A row that was taken is unknown, is sent once, and no connection is kept from then on."""
    first: list[Step] = [Peer.read, plain(0), Peer.read, *too_late(LEFT_BEHIND[left])[then]]
    with gateway(first, *one_each((2, 3))) as there:
        assert send_all(client_of(there.url), 4) == ["queued", "unknown", "queued", "queued"]
        assert (there.asked(), there.connections) == (NUMBERS[:4], 3)


@pytest.mark.parametrize("left", LEFT_BEHIND)
@pytest.mark.parametrize("then", too_late(b""))
def test_what_comes_while_it_is_listened_for_is_heard(
    left: str, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing lay there when the reply was read: what follows later is no silence, either."""
    is_heard = at_look(3, monkeypatch)  # the others are at the reply that was kept
    reply, *rest = too_late(LEFT_BEHIND[left])[then]
    first: list[Step] = [Peer.read, plain(0), Peer.read, reply, lambda _: is_heard.wait(60), *rest]
    if then == "in pieces":
        first = [Peer.read, plain(0), Peer.read, reply, rest[0], lambda _: is_heard.wait(60)]
    with gateway(first, *one_each((2, 3))) as there:
        assert send_all(client_of(there.url), 4) == ["queued", "unknown", "queued", "queued"]
        assert (there.asked(), there.connections) == (NUMBERS[:4], 3)


@pytest.mark.parametrize("left", [LIMITED, plain(0), b"<br>Warning: PHP", b"\r\n", b"{", b"HTTP/1"])
def test_what_comes_with_a_reply_is_never_the_next_one(left: bytes) -> None:
    """A body longer than its length, garbage behind the last chunk, a reply twice: all is read
    with the reply, so that the connection seems quiet, and is left nevertheless.
    """
    for said in (plain(0), CHUNKED % (len(taken(0)), taken(0))):
        first: list[Step] = [Peer.read, said + left, Peer.read, plain(1), Peer.wait]
        with gateway(first, *one_each((1, 2))) as there:
            assert send_all(client_of(there.url), 3) == ["queued"] * 3
            assert (there.asked(), there.connections) == (NUMBERS[:3], 3)


def test_what_comes_behind_a_long_reply_is_never_the_next_one() -> None:
    """As much as is read at a time: what follows lies below the parser, not in the socket."""
    whole = reply(taken(1).ljust(65536 - len(plain(1)) + len(taken(1)) - 3))
    assert len(whole) == 65536
    first: list[Step] = [Peer.read, plain(0), Peer.read, whole + LIMITED, Peer.read, plain(2)]
    with gateway(first, *one_each([2])) as there:
        assert send_all(client_of(there.url), 3) == ["queued"] * 3
        assert (there.asked(), there.connections) == (NUMBERS[:3], 2)


async def until_touched(lane: Lane) -> None:
    """Go on when something has come on the connection that a lane keeps, read or not."""
    stream = lane._connection._stream
    async with asyncio.timeout(60):
        while not stream.get_extra_info("is_readable"):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize("touch", [b"", LIMITED, plain(0), b"HTTP/1.1 408 Timeout\r\n\r\n"])
@pytest.mark.parametrize("when", ["idle", "at the last look"])
def test_a_connection_that_was_touched_is_left(touch: bytes, when: str) -> None:
    """By an end, or by more: the request is written on a new one, and then none is kept."""
    is_time = threading.Event()
    first: list[Step] = [Peer.read, plain(0), lambda _: is_time.wait(20), touch]
    first += [Peer.wait] if touch else []

    async def send(client: Client) -> list[str]:
        async with client.lane() as lane:

            async def look() -> None:
                if when != "idle" and not is_time.is_set():
                    is_time.set()
                    await until_touched(lane)

            ended = [await send_on(lane, 0)]
            if when == "idle":
                is_time.set()
                await until_touched(lane)
            return [*ended, await send_on(lane, 1, look=look), await send_on(lane, 2)]

    with gateway(first, *one_each((1, 2))) as there:
        assert asyncio.run(send(client_of(there.url))) == ["queued"] * 3
        assert (there.asked(), there.connections) == (NUMBERS[:3], 3)


def test_a_connection_that_ends_as_a_request_comes_costs_one_unknown() -> None:
    """The end and the request cross on the wire: then no connection is kept any more."""
    with gateway([Peer.read, plain(0), Peer.read], *one_each((2, 3))) as there:
        client = client_of(there.url)
        assert send_all(client, 4) == ["queued", "unknown", "queued", "queued"]
        assert (there.connections, client._trust.is_on) == (3, False)


def test_a_surprise_on_one_lane_is_known_to_all() -> None:
    """A connection that another lane had kept before it is not used again either."""
    first: list[Step] = [Peer.read, plain(0), Peer.wait]
    second: list[Step] = [Peer.read, plain(1), Peer.read, LIMITED + plain(2), Peer.wait]

    async def send(client: Client) -> list[str]:
        async with client.lane() as one, client.lane() as other:
            ended = [await send_on(one, 0), await send_on(other, 1), await send_on(other, 2)]
            return [*ended, await send_on(one, 3)]

    with gateway(first, second, *one_each([3])) as there:
        assert asyncio.run(send(client_of(there.url))) == ["queued", "queued", "unknown", "queued"]
        assert (there.asked(), there.connections) == (NUMBERS[:4], 3)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + plain(0),
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n" + taken(0),
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n" + taken(0),
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n" + taken(0),
        b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n" + taken(0),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n" + taken(0),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" + taken(0),
        taken(0),
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    ],
    ids=["101", "101 and more", "two lengths", "-1", "too short", "too long", "TE", "no chunk",
         "HTTP/0.9", "HTTP/2"],
)  # fmt: skip
def test_what_is_no_reply_proves_nothing(said: bytes) -> None:
    """Not even on a connection of its own; it is not asked again."""
    with gateway([Peer.read, said], *one_each([1])) as there:
        assert send_all(client_of(there.url), 2) == ["unknown", "queued"]
        assert (there.asked(), there.connections) == (NUMBERS[:2], 2)


@pytest.mark.parametrize("left", [LIMITED, REFUSED, plain(0)])
def test_a_reply_before_the_request_is_written_whole_proves_nothing(left: bytes) -> None:
    """On a used connection it may be another's; the rest is read, and the real reply comes."""
    first: list[Step] = [Peer.read, plain(0), read_head, left, read_all, plain(1), Peer.wait]

    async def send(client: Client) -> list[str]:
        async with client.lane() as lane:
            return [await send_on(lane, 0), await send_on(lane, 1, "x" * (8 << 20))]

    with gateway(first) as there:
        assert asyncio.run(send(client_of(there.url))) == ["queued", "unknown"]
        assert there.asked() == NUMBERS[:2]


def test_what_cannot_be_looked_at_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another httpcore may hold elsewhere what it has read: each request has a connection then."""
    monkeypatch.setattr(connection_module, "_OF_HTTP", attrgetter("of_another_version"))
    with gateway(*one_each(range(3))) as there:
        assert send_all(client_of(there.url), 3) == ["queued"] * 3
        assert there.connections == 3


# --- time-outs ------------------------------------------------------------------------------------


def told(client: Client, text: str = "Hi") -> tuple[str, str]:
    """Send, and return the error's kind and sentence."""

    async def send() -> object:
        return await client.send(NUMBERS[0], text, sender="SMSPM.com")

    with pytest.raises(GatewayError) as caught:
        asyncio.run(send())
    return type(caught.value).__name__, str(caught.value)


def test_the_time_for_a_connection_is_bounded() -> None:
    """A listener whose queue is full answers nobody: nothing left."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        kind, said = told(client_of(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.25))
    assert kind == "NeverLeft"
    assert "(ConnectTimeout)" in said


def test_the_time_for_a_connection_is_ten_seconds_at_most() -> None:
    """Each step else takes what `timeout` says, thirty seconds by default."""
    for timeout, connect in ((None, 10.0), (4.0, 4.0), (60.0, 10.0)):
        client = Client("h", "t") if timeout is None else Client("h", "t", timeout=timeout)
        rest = timeout or 30.0

        async def steps(client: Client) -> dict[str, float | None]:
            async with client.lane() as lane:
                return lane._connection._timeout

        assert asyncio.run(steps(client)) == {
            "connect": connect, "read": rest, "write": rest, "pool": rest,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("script", "text", "error"),
    [
        ([Peer.read, Peer.wait], "Hi", "ReadTimeout"),
        ([Peer.read, plain(0)[:20], Peer.wait], "Hi", "ReadTimeout"),
        ([Peer.read, plain(0)[:-20], Peer.wait], "Hi", "ReadTimeout"),
        ([lambda peer: peer._gateway.is_over.wait()], "x" * (16 << 20), "WriteTimeout"),
    ],
    ids=["no reply", "half a head", "half a body", "nothing read"],
)
def test_each_step_of_a_request_is_bounded(
    script: list[Step], text: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that stops anywhere is left, and what it has taken is not known."""
    monkeypatch.setattr(lane_module, "_WHOLE", 1000)
    with gateway(script) as there:
        kind, said = told(client_of(there.url, timeout=0.25), text)
    assert (kind, said) == ("OutcomeUnknown", f"The request broke off ({error}).")


@pytest.mark.parametrize("drop", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x"])
def test_the_whole_request_is_bounded(drop: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each drop comes in time, and the reply never ends."""
    assert lane_module._WHOLE == 2
    monkeypatch.setattr(lane_module, "_WHOLE", 0.01)

    def drip(peer: Peer) -> None:
        while not peer._gateway.is_over.wait(0.02):
            peer.write(drop)

    head = b"" if len(drop) > 1 else b"HTTP/1.1 200 OK\r\n\r\n"
    with gateway([Peer.read, head, drip]) as there:
        kind, said = told(client_of(there.url, timeout=20.0))
    assert (kind, said) == ("OutcomeUnknown", "The request broke off (TimeoutError).")


# --- TLS ------------------------------------------------------------------------------------------

# Of a key pair made for this test alone; nobody trusts it.
OF_THE_GATEWAY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3KKo9cWlya1mwWa+
RpB46/Fin5Tk5Ni+2Am1YYDZQiyhRANCAARuMakuAsO+zihsnIsmyNj8omeKZHsb
L9R2DpMawcfiuydLyLWJHy1+uBbSoNj8GVQXK6p94uhkdyWDsAWdMS4j
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUXxk3t7hysaJLDJ7AFdGz/7JxySMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjA5MTQzMloYDzIxMjYxMDI5
MDkxNDMyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARuMakuAsO+zihsnIsmyNj8omeKZHsbL9R2DpMawcfiuydLyLWJHy1+
uBbSoNj8GVQXK6p94uhkdyWDsAWdMS4jo28wbTAdBgNVHQ4EFgQU+nyJ6DepdSVX
e7kNzYeMWwkSnAMwHwYDVR0jBBgwFoAU+nyJ6DepdSVXe7kNzYeMWwkSnAMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhALwPOgGrXCwaoHIoa1eWzuNfu4Gs5qqMgnUbhROJ6zd0AiBL
PzrSqH1dUm1sRwzOT+JNIJ7bAAp03GcvuYgH9In1AA==
-----END CERTIFICATE-----
"""


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A gateway's certificate for 127.0.0.1, and whoever vouches for it: nobody, unless asked."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    pem = tmp_path / "of_the_gateway.pem"
    pem.write_text(OF_THE_GATEWAY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def vouched(tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "of_the_gateway.pem"))
    return tls


def test_a_certificate_nobody_vouches_for_never_left(tls: ssl.SSLContext) -> None:
    """TLS is verified: whoever stands there gets no credentials."""
    with gateway([Peer.read, plain(0)], tls=tls) as there:
        assert told(client_of(there.url))[0] == "NeverLeft"
        assert there.requests == []


def test_a_certificate_for_another_name_never_left(
    vouched: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That somebody vouches for a certificate does not make it that of this host."""
    look_up = socket.getaddrinfo

    def here(_: object, *more: Any, **named: Any) -> Any:
        return look_up("127.0.0.1", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with gateway([Peer.read, plain(0)], tls=vouched) as there:
        assert told(client_of(f"https://gateway.test:{there.port}"))[0] == "NeverLeft"
        assert (there.requests, there.connections) == ([], 1)


def test_a_certificate_that_somebody_vouches_for_is_taken(vouched: ssl.SSLContext) -> None:
    """And a connection with TLS is kept as one without."""
    with gateway(one_after_the_other(plain), tls=vouched) as there:
        assert send_all(client_of(there.url), 5) == ["queued"] * 5
        assert (there.asked(), there.connections) == (NUMBERS[:5], 1)


@pytest.mark.skipif(sys.platform != "linux", reason="others cannot write two records as one")
def test_what_comes_in_records_of_its_own_is_never_the_next_reply(vouched: ssl.SSLContext) -> None:
    """It arrives with the reply and lies below TLS, where the socket does not show it."""
    first: list[Step] = [Peer.read, plain(0), Peer.read]
    first += [cork(True), plain(1), LIMITED, cork(False), Peer.read, plain(2), Peer.wait]
    with gateway(first, *one_each([2]), tls=vouched) as there:
        assert send_all(client_of(there.url), 3) == ["queued"] * 3
        assert (there.asked(), there.connections) == (NUMBERS[:3], 2)


def test_what_comes_late_under_tls_proves_nothing(vouched: ssl.SSLContext) -> None:
    """As without."""
    first: list[Step] = [Peer.read, plain(0), Peer.read, LIMITED, plain(1), Peer.wait]
    with gateway(first, tls=vouched) as there:
        assert send_all(client_of(there.url), 2) == ["queued", "unknown"]
        assert there.asked() == NUMBERS[:2]


# --- what is written, and how much is read --------------------------------------------------------


def test_credentials_are_in_the_body_alone(caplog: pytest.LogCaptureFixture) -> None:
    """No address or header of a send or a status question shows them; the GETs are in no log."""
    caplog.set_level(logging.DEBUG)
    with gateway(
        [Peer.read, plain(0), Peer.wait],
        [Peer.read, reply(b'{"status": "delivered"}')],
        [Peer.read, reply(b'{"balance": 1}')],
    ) as there:
        client = client_of(there.url)
        assert send_all(client, 1) == ["queued"]
        asyncio.run(client.details("id-0"))
        asyncio.run(client.balance())
        heads = [request.partition(b"\r\n\r\n")[0].lower() for request in there.requests]
        assert [b"canary" in head for head in heads] == [False, False, True]
        assert [line for line in heads[2].split(b"\r\n")[1:] if b"canary" in line] == []
    assert "canary" not in caplog.text


def test_a_redirect_on_a_used_connection_is_not_followed_either() -> None:
    """It is another request wherever it leads, and may have come after the message was taken."""
    moved = reply(b"", "307 Temporary Redirect", "location: /", "connection: close")
    with gateway(
        [Peer.read, plain(0), Peer.read, moved], [Peer.read, plain(2), Peer.wait]
    ) as there:
        assert send_all(client_of(there.url), 3) == ["queued", "unknown", "queued"]
        assert (there.asked(), there.connections) == (NUMBERS[:3], 2)


def flood(peer: Peer) -> None:
    for _ in range(1 << 10):
        peer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 67108864\r\n",
        b"transfer-encoding: chunked\r\n",
        b"",
    ],
    ids=["declared", "chunked", "until the end"],
)
def test_a_reply_is_read_up_to_a_bound(head: bytes) -> None:
    """A gateway that writes 64 MiB cannot: the connection is closed after one."""
    written: list[str] = []

    def write(peer: Peer) -> None:
        flood(peer)
        written.append("all of it")

    with gateway([Peer.read, b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", write]) as there:
        kind, said = told(client_of(there.url))
    assert (kind, said) == (
        "OutcomeUnknown",
        "The reply is longer than 1,048,576 bytes, or packed more than once.",
    )
    assert written == []


def test_a_packet_is_read_up_to_a_bound() -> None:
    """64 MiB of nothing are 64 KiB when packed."""
    bomb = gzip.compress(bytes(1 << 26))
    with gateway([Peer.read, reply(bomb, "200 OK", "content-encoding: gzip"), Peer.wait]) as there:
        assert "longer than 1,048,576 bytes" in told(client_of(there.url))[1]
