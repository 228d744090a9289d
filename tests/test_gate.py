import asyncio
import contextlib
import json
import socket
import threading
import traceback
from collections.abc import Iterator

import pytest

from smspm_campaigns.exceptions import LedgerError, OutcomeUnknown, RunStopped
from smspm_campaigns.gateway import connection
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.gate import BeforeWriting
from smspm_campaigns.gateway.replies import Reply
from smspm_campaigns.gateway.simulator import Simulator, running
from smspm_campaigns.vocabulary import Status

NUMBER = "37256789045"
TOKEN = "canary-token-7741"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def send(url: str, look: BeforeWriting, *, timeout: float = 20.0) -> Reply:
    client = Client("h", TOKEN, base_url=url, requests_per_minute=None, timeout=timeout)

    async def send_once() -> Reply:
        async with client.lane() as lane:
            return await lane.send(NUMBER, "Hi", sender="SMSPM.com", before_writing=look)

    return asyncio.run(send_once())


def answer(connection: socket.socket) -> None:
    body = json.dumps(
        {"messages": [{"id": "id-1", "toNumber": NUMBER, "status": "Added to queue"}]}
    )
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall((head + body).encode())


def test_the_last_look_is_after_the_connection_and_before_the_first_byte(
    listener: socket.socket,
) -> None:
    """When it is taken the gateway has the connection, and nothing has come on it."""
    seen: list[str] = []

    async def look() -> None:
        connection, _ = listener.accept()
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.setblocking(True)
        seen.append("connected, nothing written")
        answer(connection)  # it may come as early as it likes
        connection.detach()

    reply = send(f"http://127.0.0.1:{listener.getsockname()[1]}", look)
    assert seen == ["connected, nothing written"]
    assert [told.status for told in reply.answers] == [Status.QUEUED]


@pytest.mark.parametrize("objection", [RunStopped("seemed dead"), LedgerError("no room")])
def test_an_objection_is_raised_itself_and_nothing_is_written(
    listener: socket.socket, objection: Exception
) -> None:
    """The gateway sees a connection that closes; no frame of the request hangs on the error."""

    async def look() -> None:
        raise objection

    with pytest.raises(type(objection)) as caught:
        send(f"http://127.0.0.1:{listener.getsockname()[1]}", look)
    assert caught.value is objection
    connection, _ = listener.accept()
    with connection:
        assert connection.recv(1) == b""
    frames = traceback.TracebackException.from_exception(objection, capture_locals=True)
    assert TOKEN not in "".join(frames.format())


def test_the_last_look_may_take_longer_than_a_reply() -> None:
    """A ledger that is slow is no gateway that is slow: the time for the reply begins after it."""
    looked = asyncio.Event()

    async def look() -> None:
        asyncio.get_running_loop().call_later(0.5, looked.set)
        await looked.wait()

    with running(Simulator(hash="h", token=TOKEN)) as url:
        reply = send(url, look, timeout=0.2)
    assert [told.status for told in reply.answers] == [Status.QUEUED]


def test_a_transport_of_another_is_looked_at_before_it_is_called() -> None:
    """What it does first is not known, so nothing of it comes before the look."""
    client = Client.simulated()

    async def send_once() -> None:
        async def look() -> None:
            raise RunStopped("seemed dead")

        async with client.lane() as lane:
            await lane.send(NUMBER, "Hi", sender="SMSPM.com", before_writing=look)

    with pytest.raises(RunStopped):
        asyncio.run(send_once())
    assert client.simulator.requests == 0


def test_a_reply_in_drops_is_bounded_after_the_last_look() -> None:
    """The look stops the time that runs, and starts it again."""

    async def look() -> None:
        pass

    released = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not released.wait(0.05):
                connection.sendall(b"x-drop: 1\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        try:
            with pytest.raises(OutcomeUnknown, match="The request broke off"):
                send(f"http://127.0.0.1:{listener.getsockname()[1]}", look, timeout=0.3)
        finally:
            released.set()
            thread.join()


def test_a_transport_that_does_not_tell_when_it_is_connected_stops_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The look would be left out for good, and nobody would know."""
    monkeypatch.setattr(connection, "_CONNECTED", "http11.another_name.started")

    async def look() -> None:
        raise AssertionError("never taken")

    with (
        running(Simulator(hash="h", token=TOKEN)) as url,
        pytest.raises(OutcomeUnknown, match="The installed httpcore does not tell") as caught,
    ):
        send(url, look)
    assert caught.value.stops_run
