"""What a connection tells of what came on it, and in which words it says what went wrong."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator

import httpcore
import pytest

from smspm_campaigns.gateway.streams import Stream, Streams

NO_LINGER = struct.pack("ii", 1, 0)  # closing sends a reset


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def on_a_connection(
    work: Callable[[Stream, socket.socket], Awaitable[None]],
) -> None:
    """Do something with a stream and its other side."""

    async def connected(listener: socket.socket) -> None:
        host, port = listener.getsockname()
        stream = await Streams().connect_tcp(host, port, timeout=60)
        peer, _ = listener.accept()
        with peer:
            await work(stream, peer)
            await stream.aclose()

    with listening() as listener:
        asyncio.run(connected(listener))


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - the system tells nobody
        await asyncio.sleep(0)


def test_what_came_is_read_in_pieces_and_then_the_end() -> None:
    """Nothing is lost, and what is left is told."""

    async def work(stream: Stream, peer: socket.socket) -> None:
        peer.sendall(b"one two")
        peer.shutdown(socket.SHUT_WR)
        assert await stream.read(3, timeout=60) == b"one"
        assert stream.has_rest
        assert await stream.read(100, timeout=60) == b" two"
        assert not stream.has_rest
        assert await stream.read(100, timeout=60) == b""

    on_a_connection(work)


def test_a_connection_is_readable_when_anything_came_or_it_ended() -> None:
    """Also before this program has looked: the system knows."""

    async def work(stream: Stream, peer: socket.socket) -> None:
        assert not stream.get_extra_info("is_readable")
        peer.sendall(b"x")
        await until(lambda: bool(stream.get_extra_info("is_readable")))
        assert await stream.read(1, timeout=60) == b"x"
        assert not stream.get_extra_info("is_readable")
        peer.shutdown(socket.SHUT_WR)
        await until(lambda: bool(stream.get_extra_info("is_readable")))

    on_a_connection(work)


def test_a_megabyte_comes_whole_though_the_other_side_must_wait() -> None:
    """More than is held for nobody: reading goes on when somebody asks."""
    whole = bytes(range(256)) * 4096

    async def work(stream: Stream, peer: socket.socket) -> None:
        sending = asyncio.get_running_loop().run_in_executor(None, peer.sendall, whole)
        came = b""
        while len(came) < len(whole):
            came += await stream.read(65536, timeout=60)
        await sending
        assert came == whole

    on_a_connection(work)


def test_what_is_written_arrives_and_nothing_is_written_of_nothing() -> None:
    """In order."""

    async def work(stream: Stream, peer: socket.socket) -> None:
        for piece in (b"one", b"", b" two"):
            await stream.write(piece, timeout=60)
        assert peer.recv(7, socket.MSG_WAITALL) == b"one two"

    on_a_connection(work)


def test_what_came_before_the_end_is_read_and_writing_goes_on() -> None:
    """The other side may have answered, and said that it will say no more, before it read all."""

    async def work(stream: Stream, peer: socket.socket) -> None:
        peer.sendall(b"413")
        peer.shutdown(socket.SHUT_WR)
        await until(lambda: stream.has_rest)
        await asyncio.sleep(0)
        await stream.write(b"more", timeout=60)
        assert peer.recv(4, socket.MSG_WAITALL) == b"more"
        assert await stream.read(9, timeout=60) == b"413"

    on_a_connection(work)


def test_a_reset_is_an_error_of_reading_and_of_writing() -> None:
    """Never a connection that was not made: that would prove that nothing left."""

    async def work(stream: Stream, peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        peer.close()
        with pytest.raises(httpcore.ReadError):
            await stream.read(1, timeout=60)
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"x", timeout=60)

    on_a_connection(work)


def test_each_time_out_has_its_own_name() -> None:
    """Of reading where nothing comes, and of writing where nobody reads."""

    async def work(stream: Stream, peer: socket.socket) -> None:
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(1, timeout=0.01)
        with pytest.raises(httpcore.WriteTimeout):
            await stream.write(b"x" * (32 << 20), timeout=0.05)

    on_a_connection(work)


def test_a_port_where_nobody_listens_is_no_connection() -> None:
    """Nothing was written."""
    with listening() as listener:
        host, port = listener.getsockname()
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(Streams().connect_tcp(host, port, timeout=60))


@pytest.mark.parametrize(
    ("host", "delay"),
    [("127.0.0.1", None), ("::1", None), ("localhost", 0.25), ("api.smspm.com", 0.25)],
)
def test_only_a_name_may_have_several_addresses_to_race(
    host: str, delay: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of them that answers is taken (RFC 8305); an address is connected to as it is."""

    async def connect() -> object:
        loop, asked = asyncio.get_running_loop(), dict[str, object]()

        async def note(*_: object, **named: object) -> None:
            asked.update(named)
            raise ConnectionRefusedError

        monkeypatch.setattr(loop, "create_connection", note)
        with pytest.raises(httpcore.ConnectError):
            await Streams().connect_tcp(host, 1, timeout=60)
        return asked["happy_eyeballs_delay"]

    assert asyncio.run(connect()) == delay
