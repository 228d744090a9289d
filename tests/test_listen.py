"""The command that receives callbacks: what it says, how it ends, and what a killed one leaves."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from smspm_campaigns.cli.listen import _check_public_url, _News, listen
from smspm_campaigns.delivery import serving
from smspm_campaigns.delivery.callbacks import Intake
from smspm_campaigns.delivery.ledger import Ledger
from smspm_campaigns.delivery.ledger.callbacks import Callback, take
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.masking import Secret

if TYPE_CHECKING:
    from conftest import NewBook

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")

SECRET: Final = "canarysecret-5.A_1~b"
PATIENCE: Final = 60.0  # seconds for something to happen that surely does
NUMBERS: Final = [str(37250000000 + step) for step in range(2_000)]

KEPT = """\
report_url: https://sms.example.com/{secret}

Give it to whatever sends:
  smspm-campaigns send NAME --report-url https://sms.example.com/{secret}

In a notebook: report_url="https://sms.example.com/{secret}"

SMSPM calls this address from the internet, so it must be reachable from there. Here is
http://127.0.0.1:{port}, without TLS: put a reverse proxy with TLS before it, such as
  caddy reverse-proxy --from sms.example.com --to 127.0.0.1:{port}

Keep this running: nobody else hears the callbacks. They bring no price:
`smspm-campaigns track NAME` asks for prices, and for whatever was missed. Ctrl-C ends this.
"""
FRESH = """\
report_url: https://YOUR-HOST/{secret}

Give it to whatever sends:
  smspm-campaigns send NAME --report-url https://YOUR-HOST/{secret}

In a notebook: report_url="https://YOUR-HOST/{secret}"

YOUR-HOST stands for the name of a server of yours; --public-url puts it into the address.
SMSPM calls this address from the internet, so it must be reachable from there. Here is
http://127.0.0.1:{port}, without TLS: put a reverse proxy with TLS before it, such as
  caddy reverse-proxy --from YOUR-HOST --to 127.0.0.1:{port}

The secret in the address is a fresh one: the address ends with this program. One that lasts is
kept in SMSPM_CALLBACK_SECRET, and made by
  python -c "import secrets; print(secrets.token_urlsafe(24))"

Keep this running: nobody else hears the callbacks. They bring no price:
`smspm-campaigns track NAME` asks for prices, and for whatever was missed. Ctrl-C ends this.
"""
HERE = """\
report_url: http://127.0.0.1:8000/{secret}

Give it to whatever sends:
  smspm-campaigns send NAME --report-url http://127.0.0.1:8000/{secret}

In a notebook: report_url="http://127.0.0.1:8000/{secret}"

Only programs of this machine reach this address, such as `smspm-campaigns simulate`: SMSPM does
not. Here is http://127.0.0.1:{port}, without TLS.

Keep this running: nobody else hears the callbacks. They bring no price:
`smspm-campaigns track NAME` asks for prices, and for whatever was missed. Ctrl-C ends this.
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    Ledger.create(path)
    return path


class Listening:
    """The command as a process of its own, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.said = ""
        while "Ctrl-C ends this." not in self.said:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            self.said += line
        told = re.search(r"http://127\.0\.0\.1:(\d+),", self.said)
        address = re.search(r"report_url: https?://\S+/(\S+)", self.said)
        assert told
        assert address
        self.port, self.secret = int(told[1]), address[1]

    def get(self, query: str) -> str:
        url = f"http://127.0.0.1:{self.port}/{self.secret}?{query}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code, and what was said after that on both streams."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out + err


@contextmanager
def listening(ledger: Path, *options: str, secret: str | None = SECRET) -> Iterator[Listening]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SMSPM_")}
    env |= {"SMSPM_CALLBACK_SECRET": secret} if secret else {}
    command = [sys.executable, "-W", "error::ResourceWarning", "-u", "-m", "smspm_campaigns"]
    arguments = ["listen", "--port", "0", "--ledger", str(ledger), *options]
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        try:
            yield Listening(process)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_what_to_use_and_ends_in_good_order(ledger: Path, number: int) -> None:
    """It prints the address, tells in the end what came, and logs no secret, number or id."""
    with listening(ledger, "--public-url", "https://sms.example.com/") as here:
        assert here.said == KEPT.format(secret=SECRET, port=here.port)
        assert [here.get(f"id=m{n}&status=x&toNumber=37256789045") for n in range(3)] == ["OK"] * 3
        code, said = here.end(number)
    assert code == 0
    assert said == (
        "Stopped. 3 callbacks came and are recorded, 3 of them for no message of this ledger.\n"
        "The ledger keeps 3 callbacks apart until their message appears.\n"
    )


def test_it_makes_the_ledger_it_is_to_fill(tmp_path: Path) -> None:
    """Whoever has sent nothing yet can listen first, and is told where the ledger is."""
    path = tmp_path / "new" / "ledger.sqlite"
    with listening(path) as here:
        assert here.get("id=m1&status=x") == "OK"
        code, said = here.end(signal.SIGINT)
    assert code == 0
    assert said == (
        f"A new ledger was made at {path}.\n"
        "Stopped. 1 callback came and is recorded, 1 of them for no message of this ledger.\n"
        "The ledger keeps 1 callback apart until its message appears.\n"
    )


def test_what_is_kept_apart_is_told_from_the_start(ledger: Path) -> None:
    """It is counted in the ledger: what came while another program listened is told, too."""
    with Ledger.open(ledger) as opened:
        take(opened, [Callback("x", f"m{n}") for n in range(1_200)], at=0)
    with listening(ledger) as here:
        code, said = here.end(signal.SIGINT)
    assert code == 0
    assert said == (
        "The ledger keeps 1,200 callbacks apart until their message appears.\n"
        "Stopped. 0 callbacks came and are recorded.\n"
        "The ledger keeps 1,200 callbacks apart until their message appears.\n"
    )


def test_an_address_of_this_machine_is_told_as_such(ledger: Path) -> None:
    """No proxy is advised before an address that the internet cannot reach."""
    with listening(ledger, "--public-url", "http://127.0.0.1:8000/") as here:
        assert here.said == HERE.format(secret=SECRET, port=here.port)
        assert here.end(signal.SIGINT)[0] == 0


def test_a_fresh_secret_is_another_one_each_time(ledger: Path) -> None:
    """Without a secret in the environment one is made, and how to keep one is said."""
    told = set()
    for _ in range(2):
        with listening(ledger, secret=None) as here:
            assert here.said == FRESH.format(secret=here.secret, port=here.port)
            assert here.get("id=m1&status=x") == "OK"
            assert here.end(signal.SIGINT)[0] == 0
            told.add(here.secret)
    assert [len(secret) for secret in told] == [32, 32]


def test_it_tells_now_and_then_what_came(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once for all that came since the last time, and nothing when nothing did."""
    intake = Intake(ledger)
    news = _News(intake)

    def told() -> str:
        news.tell()
        return capsys.readouterr().err

    assert told() == ""
    asyncio.run(intake.put(Callback("x", "m1")))
    assert told() == ("1 callback came and is recorded, 1 of them for no message of this ledger.\n")
    assert told() == ""
    intake.came, intake.kept_apart, intake.turned_away = 1_200, 0, 3
    assert told() == (
        "1,200 callbacks came and are recorded; 3 could not be recorded, and were asked to come "
        "again.\n"
    )


def test_the_server_asks_for_the_news(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it serves, what came is told every so often."""
    monkeypatch.setattr(serving, "TELL_EVERY", 0)

    class Enough(Exception):
        """The news were asked for."""

    def tell() -> None:
        raise Enough

    taken = serving.listen_on("127.0.0.1", 0)
    with pytest.raises(Enough), taken:
        serving.serve(Intake(ledger), Secret(SECRET), taken, started=lambda: None, tell=tell)


WRONG: Final[list[tuple[tuple[str, ...], int, str]]] = [
    *(
        (("--public-url", url), 2, "--public-url is the https address at which the internet")
        for url in (
            *("http://sms.example.com", "sms.example.com", "https://", "https://a?b=c", "ftp://a"),
            *("https://a#b", "https://me:pass@a", "https://a b", "https://[", "https://a:0", ""),
            *("https://a:99999", "https://a/\n", "http://127.0.0.1.example.com"),
            *(
                "https://sms.example.com/in",
                "https://a/in/",
                "https://a//",
                "http://127.0.0.1:9/in",
            ),
        )
    ),
    (("--port", "65536"), 2, "65536 is not in the range"),
    (("--host", "no.such.host.invalid"), 1, "no.such.host.invalid is no address of this machine"),
    (("--host", "192.0.2.1"), 1, "192.0.2.1 is no address of this machine"),
    (("--ledger", os.devnull + "/ledger.sqlite"), 1, "No folder for the ledger at "),
    (("--ledger", __file__), 1, "is not a ledger"),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), WRONG)
def test_what_is_wrong_is_one_sentence(
    ledger: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    """Each mistake is told before anything listens."""
    result = CliRunner().invoke(listen, ["--ledger", str(ledger), "--port", "0", *arguments])
    told = str(result.exception) if code == 1 and result.exception else result.output
    told = result.output if isinstance(result.exception, SystemExit) else told
    assert (result.exit_code, sentence in told) == (code, True), told


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost", "https://ä.example"])
def test_an_address_of_this_machine_needs_no_tls(url: str) -> None:
    """Rehearsals are called on loopback; everything else is called by https."""
    assert _check_public_url(url) == url


def test_a_port_in_use_is_one_sentence(ledger: Path) -> None:
    """Two cannot have one port; who comes second is told so."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = CliRunner().invoke(listen, ["--ledger", str(ledger), "--port", port])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: Port {port} of 127.0.0.1 is in use or not allowed. Choose another one with "
        "--port.\n"
    )


def test_what_was_answered_ok_survives_a_kill(new_book: "NewBook") -> None:
    """A receiver is killed in the middle of a burst, three times: nothing it took is lost."""
    book = new_book(NUMBERS)
    book.send(Client.simulated())
    ids = [row.message_id for row in book.rows()]
    left = iter(ids)
    answered: list[str | None] = []

    async def work(port: int, note: Callable[[str | None], None]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            for message_id in left:
                path = f"/{SECRET}?id={message_id}&status=delivered"
                writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
                if (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 "):
                    assert await reader.readexactly(2) == b"OK"
                    note(message_id)
        writer.close()

    async def burst(here: Listening) -> None:
        enough = len(answered) + 300

        def note(message_id: str | None) -> None:
            answered.append(message_id)
            if len(answered) == enough:
                here.process.kill()

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(work(here.port, note) for _ in range(20)))

    for _ in range(3):
        with listening(book.path) as here:
            asyncio.run(burst(here))
    delivered = {row.message_id for row in book.rows() if row.status == "delivered"}
    assert 900 <= len(answered) <= 2_000
    assert set(answered) <= delivered <= set(ids)
    assert len(delivered - set(answered)) <= 3 * 20  # were recorded, and not answered any more
