"""The hash, the token and the secret in the callback's address are nowhere but on the wire."""

import asyncio
import base64
import copy
import json
import logging
import os
import pickle
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, quote_plus

import nbclient
import nbformat
import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.delivery.ledger import Ledger
from smspm_campaigns.exceptions import (
    AccountRefused,
    CredentialsMissing,
    GatewayError,
    InvalidArgument,
    LedgerError,
    ListRefused,
    NeverLeft,
    NumberRefused,
    OutcomeUnknown,
    RateLimited,
    RunStopped,
    SmspmError,
)
from smspm_campaigns.gateway.simulator import Fault, Simulator, running

if TYPE_CHECKING:
    from conftest import Clock
    from starlette.types import Receive, Scope, Send

# Letters stay as they are however a text is escaped, so these are looked for; the signs around
# them make sure that it is.
MARKS = ("canaryhash", "canarytoken", "canaryreport")
HASH, TOKEN = 'canaryhash-5/2+2 "ü"', 'canarytoken/A1+B2 "ü"'
REPORT_URL = "http://127.0.0.1:9/in/canaryreport-9d1f?key=canaryreport"

NUMBERS = [f"4670174{n:04}" for n in range(605, 613)]
OWN = "491713920012"


def in_base64(mark: str) -> Iterator[str]:
    """Write what surely stands in base64 of any text with the mark in it, wherever it begins."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + mark.encode()).decode()
        yield whole[-(-8 * before // 6) : 8 * (before + len(mark)) // 6]


def found(*told: str | bytes) -> list[str]:
    """Return which secrets are in there, in any spelling."""
    data = b"\n".join(
        part.encode(errors="replace") if isinstance(part, str) else part for part in told
    )
    small = data.lower()
    return [
        mark
        for mark in MARKS
        if mark.encode() in small or any(form.encode() in data for form in in_base64(mark))
    ]


def numbers_in(text: str) -> list[str]:
    """Return the numbers that stand in there whole, with or without their country codes."""
    digits = re.sub(r"[ ()+.-]", "", text)
    return [number for number in (*NUMBERS, OWN) if number[2:] in digits]


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "the JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "a URL": lambda text: quote(text, safe=""),
    "a URL in small letters": lambda text: re.sub(
        "%..", lambda sign: sign[0].lower(), quote(text, safe="")
    ),
    "a form": quote_plus,
}


@pytest.mark.parametrize("before", ["", "x", "xy"])
@pytest.mark.parametrize(
    "spell",
    [*SPELLINGS.values(), str.upper, lambda text: base64.b64encode(text.encode()).decode()],
    ids=[*SPELLINGS, "capitals", "base64"],
)
def test_what_looks_for_secrets_finds_them(spell: Callable[[str], str], before: str) -> None:
    """In every spelling, and at every place in a text: else the tests below prove nothing."""
    assert found(spell(f"{before}{HASH}{TOKEN}{REPORT_URL}")) == list(MARKS)
    assert numbers_in("+46 (70) 174-06.05") == [NUMBERS[0]]


# --- what a run leaves behind ---------------------------------------------------------------------


class Echo(Simulator):
    """Answers with the request it got, as an error, like a gateway that tells too much."""

    def __init__(self, status: int, spell: Callable[[str], str]) -> None:
        super().__init__()
        self.got = b""
        self._status = status
        self._spell = spell

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.got += body + scope["query_string"]
        values = " ".join(map(str, json.loads(body or b"{}").values()))
        query = scope["query_string"]
        content = f'{{"error": "What is this? {self._spell(values)} {query.decode()}"}}'
        headers = [(b"location", b"/?" + query)]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": content.encode()})


class Closing(Simulator):
    """Reads every request, whatever is asked, and closes the connection."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        await receive()
        scope["state"]["transport"].abort()


class Interrupting(Simulator):
    """Interrupts the program with every request from the first that sends something on.

    Whoever then asks about the account waits.
    """

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["method"] == "GET" and not self.requests:
            await super().__call__(scope, receive, send)
            return
        main = threading.main_thread().ident
        signal.pthread_kill(main or 0, signal.SIGINT)  # wakes it, wherever it waits
        if scope["method"] == "POST":
            await super().__call__(scope, receive, send)
        else:
            while (await receive())["type"] != "http.disconnect":
                pass


def only_path(text: str) -> str:
    """Tell a URL without its host and query, as a router does."""
    return re.sub(r"\w+://[^/]+|\?\S+", "", text)


def full(campaign: smspm.Campaign) -> None:
    """Let the ledger take no reply any more."""
    with Ledger.open(campaign.path) as ledger:
        for table in ("request", "trial"):
            ledger.execute(
                f"CREATE TRIGGER full_{table} BEFORE UPDATE ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'full'); END"
            )


class Ending(NamedTuple):
    """How a run ends: the gateway it meets, what is raised, what else is wrong."""

    simulator: Callable[[], Simulator]
    errors: set[type[BaseException]]
    spoil: Callable[[smspm.Campaign], object] = id
    at: Callable[[str], str] = str


def simulated(**behaviour: Any) -> Callable[[], Simulator]:
    return partial(Simulator, **{"hash": HASH, "token": TOKEN, **behaviour})


BROKEN = {RunStopped, OutcomeUnknown}
INVALID = Fault("400", error=f"Invalid phone number: {NUMBERS[0]}")
ENDINGS: dict[str, Ending] = {
    "good": Ending(simulated(), set()),
    "no connection": Ending(simulated(), {NeverLeft}, at=lambda _: "http://127.0.0.1:9"),
    "no TLS": Ending(simulated(), {NeverLeft}, at=lambda url: url.replace("http:", "https:")),
    "refused": Ending(simulated(hash="another"), {AccountRefused}),
    "a number refused": Ending(
        simulated(faults=INVALID), {RunStopped, NumberRefused, ListRefused, OutcomeUnknown}
    ),
    "closed": Ending(Closing, BROKEN),
    "interrupted": Ending(partial(Interrupting, hash=HASH, token=TOKEN), {KeyboardInterrupt}),
    "a ledger that is full": Ending(simulated(), {LedgerError}, spoil=full),
    "429": Ending(simulated(faults="429"), {RateLimited}),
    "no_id": Ending(simulated(faults="no_id"), {RunStopped}),
} | {
    kind: Ending(simulated(faults=kind), BROKEN)
    for kind in ("close", "reset", "truncated_head", "half", "malformed", "html", "307", "503")
}
ECHOES = {
    f"an echo in {name}": Ending(partial(Echo, 200, spell), {OutcomeUnknown})
    for name, spell in {**SPELLINGS, "a path": only_path}.items()
} | {
    f"an echo with {status}": Ending(partial(Echo, status, str), {OutcomeUnknown})
    for status in (302, 404, 500)
}


def shown(error: BaseException) -> str:
    """All that a debugger, a logger or a notebook could show of an error."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join([*told.format(), *plain(error), repr(vars(error)), repr(pickle.dumps(error, 0))])


def plain(error: BaseException) -> list[str]:
    return [*traceback.format_exception(error), repr(error), str(error)]


def files(folder: Path) -> dict[str, bytes]:
    """Read all files, the parts of workbooks, and the rows of the ledger."""
    read: dict[str, bytes] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            read[str(path.relative_to(folder))] = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                read |= {f"{path.name}/{name}": book.read(name) for name in book.namelist()}
        if path.name == "ledger":  # a text may be torn between its pages
            with closing(sqlite3.connect(path)) as ledger:
                read["the rows of the ledger"] = "\n".join(ledger.iterdump()).encode()
    return read


class Witness:
    """Makes calls, and keeps all that could be seen of them."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.folder = folder
        self.shown = ""
        self.errors: set[type[BaseException]] = set()
        self.public = ""  # what may hold no whole number either
        self._caplog = caplog
        caplog.set_level(logging.DEBUG)

    def call(self, make: Callable[[], Any]) -> None:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                self.shown += repr(make())
            except (SmspmError, KeyboardInterrupt) as error:
                self.shown += shown(error)
                self.public += "".join(plain(error))
                self.errors.add(type(error))
        self.public += "".join(str(warning.message) for warning in warned)

    def leaks(self, printed: Iterable[str]) -> list[tuple[str, list[str]]]:
        """Return the places in which there are secrets, or numbers where none may be whole."""
        public = {"errors": self.public, "printed": "".join(printed), "log": self._caplog.text}
        places: dict[str, str | bytes] = {
            "frames, reprs and pickles": self.shown,
            **public,
            **files(self.folder),
        }
        leaks = [(place, found(place, told)) for place, told in places.items()]
        leaks += [(place, numbers_in(told)) for place, told in public.items()]
        return [(place, what) for place, what in leaks if what]


def made(folder: Path) -> smspm.Campaign:
    """Make a campaign of eight people: two share a text and a request, six have theirs."""
    texts = ["Hi! STOP: 1", *(f"Hi {n}! STOP: 1" for n in range(7))]
    texts[1] = texts[0]
    frame = pd.DataFrame({"phone": NUMBERS, "sms_to": NUMBERS, "sms_text": texts})
    return smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=folder / "ledger")


def client_of(url: str, **options: Any) -> smspm.Client:
    return smspm.Client(HASH, TOKEN, base_url=url, requests_per_minute=None, **options)


def use_all(witness: Witness, campaign: smspm.Campaign, client: smspm.Client) -> None:
    """Make every call that reaches the gateway, and write every report."""

    async def send() -> object:
        return await client.send(NUMBERS, "Hi", sender="SMSPM.com", report_url=REPORT_URL)

    async def on_a_lane() -> object:
        async with client.lane() as lane:
            return [lane, vars(lane), await lane.details("x")]

    for call in (
        lambda: campaign.send(client, report_url=REPORT_URL),
        lambda: campaign.track(client),
        lambda: campaign.send_test(client, OWN),
        lambda: asyncio.run(send()),
        lambda: asyncio.run(on_a_lane()),
        lambda: asyncio.run(client.balance()),
        lambda: asyncio.run(client.sender_ids()),
        lambda: [client, vars(client), vars(copy.copy(client))],
        lambda: [campaign, vars(campaign), pickle.dumps(campaign, 0)],
        lambda: [campaign.report().to_csv(), campaign.history().to_csv()],
        lambda: [campaign.unknown().to_csv(), campaign.summary().to_csv()],
        lambda: campaign.to_excel(witness.folder / "report.xlsx"),
        lambda: campaign.to_html(witness.folder / "report.html"),
        lambda: campaign.to_csv(witness.folder / "report.csv"),
    ):
        witness.call(call)


@pytest.mark.parametrize("ending", [*ENDINGS, *ECHOES])
def test_secrets_are_nowhere_however_a_run_ends(
    ending: str,
    tmp_path: Path,
    clock: "Clock",
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not in logs, errors, their frames, reprs, pickles, the ledger, its locks or a report.

    No number is whole in logs, errors and what is printed.
    """
    told = (ENDINGS | ECHOES)[ending]
    simulator, witness, campaign = told.simulator(), Witness(tmp_path, caplog), made(tmp_path)
    told.spoil(campaign)
    with running(simulator) as url:
        atomic = ending == "a number refused"
        client = client_of(told.at(url), clock=clock, list_errors_atomic=atomic)
        use_all(witness, campaign, client)
    assert "httpcore" in caplog.text  # the most talkative one was listened to
    assert told.errors <= witness.errors
    if isinstance(simulator, Echo):
        assert found(simulator.got) == list(MARKS)
    assert witness.leaks(capsys.readouterr()) == []


def test_no_file_holds_a_secret_while_a_request_is_in_flight(tmp_path: Path) -> None:
    """Neither the ledger with its claims, nor its journal, nor the lock of whoever sends."""
    seen: list[dict[str, bytes]] = []
    simulator = simulated(faults=lambda *_: seen.append(files(tmp_path)))()
    with running(simulator) as url:
        made(tmp_path).send(client_of(url), limit=2, report_url=REPORT_URL)
    [read] = seen
    assert {Path(name).suffix or name for name in read} >= {"ledger", ".lock"}
    assert b"'sending'" in read["the rows of the ledger"]
    assert [name for name, data in read.items() if found(name, data)] == []


def test_every_error_of_a_run_was_looked_at() -> None:
    """Each kind of GatewayError is among the endings above."""
    seen = set().union(*(told.errors for told in ENDINGS.values()))
    assert seen == {*GatewayError.__subclasses__(), RunStopped, LedgerError, KeyboardInterrupt}


@pytest.mark.parametrize(
    "wrong",
    [
        {"hash": HASH},
        {"token": TOKEN},
        {"hash": HASH, "token": TOKEN, "timeout": 0},
        {"hash": HASH, "token": TOKEN, "base_url": "http://api.smspm.com"},
        {"hash": "h", "token": "t", "base_url": f"https://{quote(HASH, safe='')}@x.test"},
        {"hash": "h", "token": "t", "base_url": f"https://x.test/?token={quote(TOKEN)}"},
    ],
)
def test_a_wrong_setting_shows_no_secret(
    wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with them, or with another one beside them."""
    for name in ("SMSPM_HASH", "SMSPM_TOKEN", "SMSPM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises((InvalidArgument, CredentialsMissing)) as error:
        smspm.Client(**wrong)
    error.value.__traceback__ = error.tb.tb_next  # without the frame of this test
    assert found(shown(error.value)) == []


def test_a_wrong_address_for_callbacks_shows_no_secret(tmp_path: Path) -> None:
    """Nor does a good one beside another argument that is wrong."""
    for wrong in (
        {"report_url": REPORT_URL.replace("http", "ftp")},
        {"report_url": REPORT_URL, "limit": -1},
    ):
        with pytest.raises(InvalidArgument) as error:
            made(tmp_path).send(smspm.Client.simulated(), **wrong)
        error.value.__traceback__ = error.tb.tb_next
        assert found(shown(error.value)) == []


def test_secrets_are_never_written_with_a_client() -> None:
    """A pickle is a file, and a deep copy is made as a pickle is."""
    client = client_of("http://127.0.0.1:9")
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="A credential is never pickled"):
            write(client)


# --- the terminal ---------------------------------------------------------------------------------

LISTENING = """
import logging
logging.basicConfig(level=1)
from smspm_campaigns.cli import main
main()
"""


@pytest.mark.parametrize("ending", ["good", "close", "refused", "an echo with 302"])
def test_a_terminal_shows_no_secret(ending: str, tmp_path: Path) -> None:
    """Nor does any logger of the program, in Python's development mode; numbers are masked."""
    people = tmp_path / "people.csv"
    people.write_text("phone\n" + "".join(f"+{number}\n" for number in NUMBERS), encoding="utf-8")
    sends = ["send", "spring", "people.csv", "--template", "Hi! STOP: 1", "--yes"]
    sends += ["--sender", "SMSPM.com", "--report-url", REPORT_URL]
    output = ""
    with running((ENDINGS | ECHOES)[ending].simulator()) as url:
        settings = {"HASH": HASH, "TOKEN": TOKEN, "BASE_URL": url, "LEDGER": "ledger"}
        env = {f"SMSPM_{name}": value for name, value in settings.items()}
        for arguments in (sends, ["track", "spring", "--timeout", "0s"]):
            done = subprocess.run(
                [sys.executable, "-X", "dev", "-c", LISTENING, *arguments],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                env=os.environ | env | {"PYTHONIOENCODING": "utf-8"},
                encoding="utf-8",
            )
            output += done.stdout + done.stderr
    assert "DEBUG:httpcore" in output
    assert found(output) == []
    assert numbers_in(output) == []
    assert [name for name, data in files(tmp_path).items() if found(data)] == []


# --- a notebook -----------------------------------------------------------------------------------

CELLS = """
import logging, os, pandas as pd, smspm_campaigns as smspm
logging.basicConfig(level=1, force=True)
%xmode Verbose

client = smspm.Client()
client, vars(client)

frame = pd.DataFrame({"sms_to": ["46701740605"], "sms_text": ["Hi! STOP: 1"]})
one, two = (
    smspm.Campaign.create(name, frame, sender="SMSPM.com", allow_repeat=True)
    for name in ("one", "two")
)

one.send(client, report_url=os.environ["REPORT_URL"])

one.track(client)

one.report()

one.to_html("report.html"), one.to_excel("report.xlsx"), one.history()

echo = smspm.Client(base_url=os.environ["ECHO"])

two.send(echo, report_url=os.environ["REPORT_URL"])

two.send_test(echo, "+491713920012")

await echo.balance()

await echo.send("46701740605", "Hi", sender="SMSPM.com", report_url=os.environ["REPORT_URL"])

two.unknown()

smspm.Client(timeout=0)
"""


def test_a_notebook_keeps_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in what its cells show, with every logger listened to and variables in tracebacks."""
    echo = Echo(404, str)
    quick = Simulator(hash=HASH, token=TOKEN, submit_after=0, final_after=0, spread=0)
    notebook = nbformat.v4.new_notebook(
        cells=list(map(nbformat.v4.new_code_cell, CELLS.strip().split("\n\n")))
    )
    with running(quick) as url, running(echo) as echoing:
        for name, value in {
            "SMSPM_HASH": HASH,
            "SMSPM_TOKEN": TOKEN,
            "SMSPM_BASE_URL": url,
            "SMSPM_LEDGER": str(tmp_path / "ledger"),
            "REPORT_URL": REPORT_URL,
            "ECHO": echoing,
            "IPYTHONDIR": str(tmp_path / "ipython"),
        }.items():
            monkeypatch.setenv(name, value)
        nbclient.NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": str(tmp_path)}},
        ).execute()
    nbformat.write(notebook, tmp_path / "notebook.ipynb")
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    errors = [output.ename for output in outputs if output.output_type == "error"]
    assert errors == [*["OutcomeUnknown"] * 4, "InvalidArgument"]
    assert "DEBUG:httpcore" in str(outputs)
    assert found(echo.got) == list(MARKS)
    assert [name for name, data in files(tmp_path).items() if found(data)] == []
