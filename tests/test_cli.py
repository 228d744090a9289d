"""The terminal: the same words as the library, and one sentence for each thing that is wrong."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.cli import main
from smspm_campaigns.delivery.ledger import Ledger, owners, read
from smspm_campaigns.delivery.ledger.owners import Entry
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_data"
PEOPLE = "name,phone\nAnna,+46 70 174 06 05\nBo,+46 70 174 06 06\nCia,\nDan,070-174 06 06\n"
SEND = ("send", "spring", "people.csv", "--region", "SE", "--template", "Hi {{ name }}! STOP: 1")
EIGHT = "name,phone\n" + "".join(f"Person {n},+46 70 174 06 {n:02}\n" for n in range(8))
REAL = (*SEND, "--sender", "SMSPM.com", "--yes")
REHEARSE = (*SEND, "--sender", "SMSPM.com", "--simulated")
STOPPING = (
    "Stopping: requests in flight are being finished and recorded, for 60 seconds at most. "
    "Interrupt again to wait no longer."
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of four people: two can be sent to, one is blank, one is there twice."""
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return tmp_path


def run(
    folder: Path, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with a ledger of its own and no credentials but those given."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SMSPM_")}
    clean |= {"SMSPM_LEDGER": str(folder / "ledger.sqlite"), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "smspm_campaigns", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=folder,
        env=clean | (env or {}),
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


@contextmanager
def simulated_gateway(folder: Path) -> Iterator[dict[str, str]]:
    """Serve the simulator as a command of its own, and yield the environment that leads to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    served = subprocess.Popen(
        [
            *(sys.executable, "-u", "-m", "smspm_campaigns", "simulate"),
            *("--port", port, "--accepted", str(folder / "accepted.jsonl")),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None
    try:
        served.stdout.readline()
        settings = served.stdout.readline().split()
        yield dict(setting.split("=", 1) for setting in settings)
    finally:
        served.send_signal(signal.SIGINT)
        served.stdout.close()
        assert served.wait(10) == 0


def test_a_rehearsal_goes_from_file_to_report(folder: Path) -> None:
    """Send, track, report and list work one after the other, each in a process of its own."""
    sent = run(folder, *REHEARSE)
    assert sent.stdout.splitlines()[-2:] == [
        "Campaign('spring': 2 excluded, 2 queued; rehearsal)",
        "Next: smspm-campaigns track spring --simulated",
    ]
    tracked = run(folder, "track", "spring", "--simulated")
    assert tracked.stdout.splitlines() == [
        "Campaign('spring': 2 excluded, 2 delivered; rehearsal)",
        "Next: smspm-campaigns report spring",
    ]
    reported = run(folder, "report", "spring")
    files = [folder / "spring" / f"report.{ending}" for ending in ("xlsx", "html", "csv")]
    assert reported.stdout.splitlines()[1:] == [str(file) for file in files]
    assert [file.is_file() for file in files] == [True] * 3
    listed = run(folder, "list")
    pattern = r"spring  \d{4}-\d\d-\d\d \d\d:\d\d UTC  rehearsal: 2 excluded, 2 delivered\n"
    assert re.fullmatch(pattern, listed.stdout)
    assert [done.returncode for done in (sent, tracked, reported, listed)] == [0] * 4


def test_a_real_send_goes_over_the_wire_once(folder: Path) -> None:
    """What the gateway accepted is what the report says, and a second run sends nothing again."""
    with simulated_gateway(folder) as env:
        first = run(folder, *REAL, env=env)
        second = run(folder, *REAL, env=env)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    log = (folder / "accepted.jsonl").read_text(encoding="utf-8").splitlines()
    accepted = [json.loads(line) for line in log]
    assert sorted((entry["toNumber"], entry["text"]) for entry in accepted) == [
        ("46701740605", "Hi Anna! STOP: 1"),
        ("46701740606", "Hi Bo! STOP: 1"),
    ]
    report = smspm.Campaign.open("spring", ledger=folder / "ledger.sqlite").report()
    assert sorted(report["sms_id"].dropna()) == sorted(entry["id"] for entry in accepted)


def test_opted_out_numbers_are_read_as_the_region_reads_them(folder: Path) -> None:
    """A list in the country's own spelling takes people out, whatever theirs is."""
    (folder / "out.csv").write_text("number\n070-174 06 05\n", encoding="utf-8")
    arguments = ("people.csv", "--region", "SE", "--template", "STOP", "--opted-out", "out.csv")
    done = run(folder, "preview", *arguments)
    assert "  1 opted out (row 2): listed in " in done.stdout, done.stderr


def test_the_preview_shows_numbers_when_asked_for(folder: Path) -> None:
    """They are masked without the flag."""
    arguments = ("preview", "people.csv", "--region", "SE", "--template", "STOP")
    masked, whole = run(folder, *arguments), run(folder, *arguments, "--show-numbers")
    assert "to 4670*****05 (" in masked.stdout
    assert whole.stdout == masked.stdout.replace("4670*****05", "46701740605")


def test_the_preview_sends_nothing_and_makes_no_ledger(folder: Path) -> None:
    """Looking leaves no trace."""
    done = run(folder, "preview", "people.csv", "--region", "SE", "--template", "Hi! STOP: 1")
    assert done.returncode == 0
    assert done.stdout.startswith("Messages:  2 of 4 rows; 2 will not be sent\n")
    assert not (folder / "ledger.sqlite").exists()


def test_a_script_must_say_yes(folder: Path) -> None:
    """Without a person to ask, nothing is sent unless --yes is given."""
    credentials = {"SMSPM_HASH": "canary-hash", "SMSPM_TOKEN": "canary-token"}
    done = run(folder, *SEND, "--sender", "SMSPM.com", env=credentials)
    assert done.returncode == 2
    assert "Error: Nobody can be asked here. Pass --yes to send from a script." in done.stderr
    assert not (folder / "ledger.sqlite").exists()


class Keyboard(io.StringIO):
    """A terminal at which a person types this."""

    def isatty(self) -> bool:
        return True


def typed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str, *arguments: str, url: str = ""
) -> int | str | None:
    """Run a command in this process, before a person who answers; return how it ended."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["smspm-campaigns", *arguments])
    monkeypatch.setattr(sys, "stdin", Keyboard(answer))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    settings = {"LEDGER": str(folder / "ledger.sqlite"), "HASH": "h", "TOKEN": "t"}
    for name, value in (settings | {"BASE_URL": url or "http://127.0.0.1:9"}).items():
        monkeypatch.setenv(f"SMSPM_{name}", value)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        ((), "Send 8 messages for real? [y/N]: "),
        (("--limit", "5"), "Send up to 5 messages for real? [y/N]: "),
        (("--limit", "1"), "Send up to 1 message for real? [y/N]: "),
        (("--limit", "9"), "Send 8 messages for real? [y/N]: "),
    ],
)
def test_a_person_is_asked_before_anything_is_made(
    folder: Path,
    arguments: tuple[str, ...],
    question: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The preview comes first, the number is what would be sent, and No leaves no trace."""
    (folder / "people.csv").write_text(EIGHT, encoding="utf-8")
    assert typed(monkeypatch, folder, "n\n", *REAL[:-1], *arguments) == 130
    told = capsys.readouterr()
    assert told.out.startswith("Messages:  8 of 8 rows")
    assert told.out.endswith(f"\n{question}")
    assert told.err == "Stopped.\n"
    assert not (folder / "ledger.sqlite").exists()


def test_the_question_counts_what_was_taken_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit holds for all runs together; a run that would send nothing says so, unasked."""
    (folder / "people.csv").write_text(EIGHT, encoding="utf-8")
    anew, on = (*REAL[:-1],), ("send", "spring")
    runs = [
        (anew, "3", "Send up to 3 messages for real? [y/N]: "),
        (anew, "3", "Nothing is sent: 3 rows were taken before, and --limit is 3."),
        (on, "2", "Nothing is sent: 3 rows were taken before, and --limit is 2."),
        (on, "5", "Send up to 2 messages for real? [y/N]: "),
        (anew, "7", "Send up to 2 messages for real? [y/N]: "),
        (on, "9", "Send 1 message for real? [y/N]: "),
        (on, "9", "Nothing is sent: no row is planned any more."),
        (anew, "9", "Nothing is sent: no row is planned any more."),
    ]
    counts = []
    with running(Simulator(hash="h", token="t")) as url:
        for command, limit, words in runs:
            ended = typed(monkeypatch, folder, "y\n", *command, "--limit", limit, url=url)
            told = capsys.readouterr()
            assert (ended, words in told.out) == (0, True), told
            assert ("for real?" in told.out) == ("for real?" in words)
            campaign = smspm.Campaign.open("spring", ledger=folder / "ledger.sqlite")
            counts.append(int(campaign.counts()["queued"]))
    assert counts == [3, 3, 3, 5, 7, 8, 8, 8]


def test_what_the_account_has_against_it_is_said_before_the_question(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a new campaign and of one that goes on, once; and who says Yes is not told again."""
    note = (
        "Note: Of the senders, SMSPM does not name 'Shop' ({}; did you mean 'SHOP'?) as approved. "
        "It names 'SHOP' and 'SMSPM.com'. A sender that is not approved is refused, and the run "
        "stops there.\n"
    )
    heard: list[str] = []

    class Listening(Simulator):
        async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
            heard.append(scope["path"])
            await super().__call__(scope, receive, send)

    new, on = (*SEND, "--sender", "Shop"), ("send", "spring")
    refused = "Error: SMSPM refused the sender"
    monkeypatch.setattr(warnings, "filters", [])
    with running(Listening(hash="h", token="t", senders=["SHOP"])) as url:
        for command, answer, rows, ended in (
            ((*new, "--limit", "1"), "n\n", "1 row", "Stopped."),
            (new, "n\n", "2 rows", "Stopped."),
            (new, "y\n", "2 rows", refused),
            (on, "n\n", "2 rows", "Stopped."),
            ((*new, "--limit", "1"), "y\n", "1 row", refused),
        ):
            heard.clear()
            typed(monkeypatch, folder, answer, *command, url=url)
            told = capsys.readouterr()
            assert "for real?" in told.out
            made = "A new ledger was made at "
            lines = [line for line in told.err.splitlines(True) if not line.startswith(made)]
            assert lines[0] == note.format(rows)
            assert lines[1].startswith(ended)
            assert len(lines) == 2
            asked = ["/balance", "/sender-ids"]
            assert sorted(heard) == [*["/"] * (ended == refused), *asked]


def test_another_plan_is_refused_before_anybody_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that has another plan is no question of how many."""
    run(folder, *REHEARSE)
    (folder / "people.csv").write_text(EIGHT, encoding="utf-8")
    assert typed(monkeypatch, folder, "y\n", *REAL[:-1]) == 1
    told = capsys.readouterr()
    assert "Error: There is a campaign 'spring' with another plan" in told.err
    assert "for real?" not in told.out


def test_a_file_without_anybody_to_send_to_is_a_sentence(folder: Path) -> None:
    """When every row has a problem, nobody is asked, and the sentence says where to look."""
    (folder / "people.csv").write_text("name,phone\nAnna,\n", encoding="utf-8")
    done = run(folder, *REAL, env={"SMSPM_HASH": "h", "SMSPM_TOKEN": "t"})
    assert done.returncode == 1
    assert "Error: There is nothing to send: each of the 1 rows has a problem." in done.stderr


def test_a_port_in_use_is_a_sentence(folder: Path) -> None:
    """Nothing is promised before the port is known to be free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(folder, "simulate", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: Port {port} is in use or not allowed. Choose another one with --port.\n"
    )


def test_a_report_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    """A target that is taken by a folder is told without a traceback."""
    run(folder, *REHEARSE)
    (folder / "spring" / "report.xlsx").mkdir(parents=True)
    done = run(folder, "report", "spring")
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: {Path('spring', 'report.xlsx')} is a folder. Name a file in it.\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at once")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_report_that_is_ended_leaves_no_draft(number: signal.Signals, tmp_path: Path) -> None:
    """It exits, and takes with it the hidden folder in which people's data was written."""
    rows = 20_000
    numbers = [f"4917{place:09}" for place in range(rows)]
    frame = pd.DataFrame({"sms_to": numbers, "sms_text": "Hi! STOP: 1234"})
    ledger = tmp_path / "ledger.sqlite"
    smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=ledger)
    output, drafts = tmp_path / "reports", ".smspm-report-*/*"
    begun = subprocess.Popen(
        [*(sys.executable, "-m", "smspm_campaigns", "report", "spring"),
         *("--output", str(output), "--ledger", str(ledger))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    is_halted = False
    while not is_halted:  # halt it while a draft is there for sure
        assert begun.poll() is None, "the reports were done before a draft was seen"
        if any(output.glob(drafts)):
            begun.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, begun.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            is_halted = any(output.glob(drafts))
            begun.send_signal(number if is_halted else signal.SIGCONT)
    begun.send_signal(signal.SIGCONT)
    _, told = begun.communicate(timeout=60)
    assert (begun.returncode, told) == (128 + number, "")
    assert not list(output.glob(".*"))


def test_a_file_with_a_column_named_row_is_reported(folder: Path) -> None:
    """`row` is the name of the index too, which once stopped every report."""
    (folder / "people.csv").write_text("row,phone\na,+46701740605\n", encoding="utf-8")
    template = ("--template", "Hi {{ row }}! STOP: 1", "--sender", "SMSPM.com", "--simulated")
    sent = run(folder, "send", "spring", "people.csv", *template)
    reported = run(folder, "report", "spring")
    assert (sent.returncode, reported.returncode) == (0, 0), sent.stderr + reported.stderr
    back = smspm.read_contacts(folder / "spring" / "report.csv").iloc[:, :3]
    assert back.to_dict("list") == {"row (index)": ["2"], "row": ["a"], "phone": ["+46701740605"]}


def test_a_note_is_a_sentence(folder: Path) -> None:
    """Warnings are told without the line of code they come from."""
    done = run(folder, "preview", "people.csv", "--region", "SE", "--template", "Hi {{ name }}")
    assert done.stderr == (
        "Note: No text says how to opt out. Add a line such as 'Reply STOP to opt out'.\n"
    )


WRONG: list[tuple[tuple[str, ...], dict[str, str], int, str]] = [
    (("preview", "nope.csv", "--template", "x"), {}, 1, "nope.csv does not exist"),
    (("preview", "people.csv", "--template", "x", "--column", "fone"), {}, 1, "mean 'phone'"),
    (("preview", "people.csv", "--template", "{{ nam }}"), {}, 1, "Did you mean 'name'?"),
    (("preview", "people.csv", "--template", "{{ name"), {}, 1, "The template does not parse"),
    (("preview", "people.csv", "--template-file", "no.txt"), {}, 1, "no.txt does not exist"),
    (("preview", "people.csv"), {}, 2, "either --template TEXT or --template-file FILE"),
    (
        ("preview", "people.csv", "--template", "x", "--region", "XX"),
        {},
        1,
        "is no country that is known",
    ),
    (REAL, {}, 1, "No credentials. Set SMSPM_HASH and SMSPM_TOKEN"),
    (
        (*REAL, "--limit", "-1"),
        {"SMSPM_HASH": "h", "SMSPM_TOKEN": "t"},
        2,
        "Invalid value for '--limit': -1",
    ),
    (("send", "spring", "--template", "x"), {}, 2, "FILE is missing, and --template is given"),
    (("send", "spring", "--template-file", "x"), {}, 2, "and --template-file is given"),
    (("send", "spring", "--sender", "x", "--simulated"), {}, 2, "and --sender is given"),
    (("send", "spring", "--country", "SE"), {}, 2, "and --country is given"),
    (("send", "spring", "--column", "phone"), {}, 2, "and --column is given"),  # the default
    (("simulate", "--port", "0"), {}, 2, "Invalid value for '--port': 0 is not in the range"),
    (("simulate", "--port", "65536"), {}, 2, "65536 is not in the range 1<=x<=65535"),
    (("track", "spring", "--simulated"), {}, 1, "There is no ledger at"),
    (("send", "spring", "--simulated"), {}, 1, "There is no ledger at"),
    (("report", "spring", "--ledger", "."), {}, 1, "is a folder"),
    (("report", "spring", "--ledger", "people.csv"), {}, 1, "is not a ledger"),
    (("nonsense",), {}, 2, "No such command 'nonsense'"),
    (
        REAL,  # credentials on an open line
        {"SMSPM_HASH": "h", "SMSPM_TOKEN": "t", "SMSPM_BASE_URL": "http://example.com"},
        1,
        "must begin with https://",
    ),
]


@pytest.mark.parametrize(("arguments", "env", "code", "sentence"), WRONG)
def test_what_is_wrong_is_one_sentence(
    folder: Path,
    arguments: tuple[str, ...],
    env: dict[str, str],
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each mistake has a sentence and a non-zero exit, and no error escapes."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["smspm-campaigns", *arguments])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    for name, value in ({"SMSPM_LEDGER": str(folder / "ledger.sqlite")} | env).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(warnings, "filters", [])
    with pytest.raises(SystemExit) as ended:
        main()
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert (ended.value.code, len(errors)) == (code, 1)
    assert sentence in errors[0]


def test_a_dead_network_keeps_the_plan(folder: Path) -> None:
    """Where nobody answers, nothing is sent, the sentence says so, and the rows stay planned."""
    nobody = {"SMSPM_HASH": "h", "SMSPM_TOKEN": "t", "SMSPM_BASE_URL": "http://127.0.0.1:9"}
    done = run(folder, *REAL, env=nobody)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "Error: No connection to http://127.0.0.1:9 (ConnectError)." in done.stderr
    counts = smspm.Campaign.open("spring", ledger=folder / "ledger.sqlite").counts()
    assert counts[counts > 0].to_dict() == {"excluded": 2, "planned": 2}


def test_a_refused_token_costs_one_request_and_keeps_the_plan(folder: Path) -> None:
    """The sentence names the setting to check; the rows stay planned, and nothing was accepted."""
    with simulated_gateway(folder) as env:
        done = run(folder, *REAL, env=env | {"SMSPM_TOKEN": "canary-token"})
    assert done.returncode == 1
    assert "Error: SMSPM refused the credentials: 'Unauthorized'. Check SMSPM_HASH" in done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert not (folder / "accepted.jsonl").exists()
    counts = smspm.Campaign.open("spring", ledger=folder / "ledger.sqlite").counts()
    assert counts[counts > 0].to_dict() == {"excluded": 2, "planned": 2}


def test_a_rehearsal_is_never_sent_for_real(folder: Path) -> None:
    """A campaign of the simulator refuses real credentials, and says what to do."""
    run(folder, *REHEARSE)
    done = run(folder, *REAL, env={"SMSPM_HASH": "h", "SMSPM_TOKEN": "t"})
    assert done.returncode == 1
    assert "'spring' is a rehearsal on the simulator" in done.stderr


def test_a_terminal_without_letters_is_no_crash(folder: Path) -> None:
    """What a terminal cannot show is replaced."""
    arguments = ("preview", "people.csv", "--region", "SE", "--template", "李 STOP")
    done = run(folder, *arguments, env={"PYTHONIOENCODING": "cp1252"})
    assert (done.returncode, "  ? STOP" in done.stdout) == (0, True)


def test_the_list_of_a_new_user_says_how_to_begin(folder: Path) -> None:
    """Without a ledger there are no campaigns, and none is made by looking."""
    done = run(folder, "list")
    assert done.stdout.startswith("No campaigns yet.")
    assert not (folder / "ledger.sqlite").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize(
    ("number", "code", "last"),
    [(signal.SIGINT, 130, ["", "Stopped."]), (signal.SIGTERM, 143, [])],  # "": ^C stands there
    ids=["Ctrl-C", "SIGTERM"],
)
def test_an_interruption_loses_nothing(
    number: int, code: int, last: list[str], folder: Path
) -> None:
    """What is in flight ends, the command to go on is said, and a later run sends the rest once."""
    numbers = [f"+1{area}555{n:04}" for area in (212, 312) for n in range(100, 200)]
    lines = "".join(f"Person {n},{number}\n" for n, number in enumerate(numbers))
    (folder / "people.csv").write_text(f"name,phone\n{lines}", encoding="utf-8")
    simulator = Simulator(hash="h", token="t", latency=0.05)
    report = ("--report-url", "http://127.0.0.1:9/a-secret")
    again = "smspm-campaigns send spring --limit 199 --report-url URL"
    with running(simulator) as url:
        client = {"SMSPM_HASH": "h", "SMSPM_TOKEN": "t", "SMSPM_BASE_URL": url}
        env = os.environ | client | {"SMSPM_LEDGER": str(folder / "ledger.sqlite")}
        begun = subprocess.Popen(
            [sys.executable, "-m", "smspm_campaigns", *REAL, "--limit", "199", *report],
            cwd=folder,
            env=env,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        while not simulator.accepted:
            assert begun.poll() is None
        begun.send_signal(number)
        _, told = begun.communicate(timeout=60)
        assert begun.returncode == code, told
        assert told.splitlines()[1:] == [
            STOPPING,
            f"Stopped. Nothing is lost. To go on: {again}",
            *last,
        ]
        campaign = smspm.Campaign.open("spring", ledger=folder / "ledger.sqlite")
        counts = campaign.counts()
        assert 0 < counts["queued"] == len(simulator.accepted) < 200
        assert counts["queued"] + counts["planned"] == 200
        campaign.send(smspm.Client("h", "t", base_url=url, requests_per_minute=60_000))
    assert sorted(str(entry["toNumber"]) for entry in simulator.accepted) == [
        number.removeprefix("+") for number in numbers
    ]


class Stalled:
    """A gateway that answers only when it may, and tells when somebody asks."""

    def __init__(self) -> None:
        self.reached, self.may_answer = threading.Event(), threading.Event()
        self.simulator = Simulator(hash="h", token="t", faults=self._hold)

    def _hold(self, index: int, _: object) -> None:
        if index >= 20:
            self.reached.set()
            assert self.may_answer.wait(60)


def test_a_run_is_paused_resumed_and_stopped_from_another_terminal(tmp_path: Path) -> None:
    """Each command says how far the run is, and what to type next."""
    ledger, numbers = tmp_path / "ledger.sqlite", [f"1212555{n:04}" for n in range(100, 160)]
    frame = pd.DataFrame({"sms_to": numbers, "sms_text": numbers})
    campaign = smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=ledger)
    stalled = Stalled()
    with running(stalled.simulator) as url:
        here = campaign.start(smspm.Client("h", "t", base_url=url, requests_per_minute=None))
        assert stalled.reached.wait(60)
        told = {
            command: run(tmp_path, command, "spring").stdout.splitlines()
            for command in ("pause", "resume", "stop")
        }
        stalled.may_answer.set()
        here.wait()
    seen = r"CampaignRun\('spring', elsewhere: RunProgress\(sending, {}: \d+ of 60.*\)\)"
    for command, state in (("pause", "pausing"), ("resume", "running"), ("stop", "stopping")):
        [first, then] = told[command]
        assert re.fullmatch(seen.format(state), first)
        then_do = "resume" if command == "pause" else "watch"
        assert then == f"Next: smspm-campaigns {then_do} spring"
    assert here.progress.state == "stopped"


@pytest.mark.parametrize("command", ["watch", "pause", "resume", "stop"])
def test_when_nobody_runs_the_state_is_said(command: str, folder: Path) -> None:
    """There is nothing to wait for, and nothing to ask."""
    run(folder, *REHEARSE)
    done = run(folder, command, "spring")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Nobody sends or tracks 'spring' at this moment.",
        "Campaign('spring': 2 excluded, 2 queued; rehearsal)",
    ]
    assert "No campaign 'autumn'" in run(folder, command, "autumn").stderr


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[ExitStack]:
    """A campaign that was rehearsed, and a run of it that goes on until the stack is closed."""
    run(folder, *REHEARSE)
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger.open(folder / "ledger.sqlite"))
        entry = Entry("them", read.find_campaign(ledger, "spring").id, "send")
        stack.enter_context(owners.hold(ledger, lambda: 0, entry))
        yield stack


def test_a_run_is_watched_until_it_has_ended(
    folder: Path,
    elsewhere: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """How it ended, and what became of the campaign, is said; no bar where there is no terminal."""
    monkeypatch.setattr(time, "sleep", lambda _: elsewhere.close())
    assert typed(monkeypatch, folder, "", "watch", "spring") == 0
    told = capsys.readouterr()
    assert told.err == ""
    counts = "2 excluded, 2 queued"
    assert told.out.splitlines() == [
        f"CampaignRun('spring', elsewhere: RunProgress(sending, finished: 2 of 2; {counts}))",
        f"Campaign('spring': {counts}; rehearsal)",
    ]


@pytest.mark.filterwarnings("default::smspm_campaigns.exceptions.SmspmWarning")
def test_when_a_watched_run_dies_the_command_to_go_on_is_said(
    folder: Path,
    elsewhere: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is the one that began it: a rehearsal stays one."""

    def die(_: float) -> None:
        elsewhere.close()
        with Ledger.open(folder / "ledger.sqlite") as ledger:
            ledger.execute("UPDATE owner SET ending = 'dead' WHERE id = 'them'")

    monkeypatch.setattr(time, "sleep", die)
    assert typed(monkeypatch, folder, "", "watch", "spring") == 0
    told = capsys.readouterr().err.splitlines()
    assert [line.rpartition("To go on: ")[2] for line in told] == [
        "smspm-campaigns send spring --simulated"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.usefixtures("elsewhere")
def test_whoever_stops_watching_in_the_terminal_stops_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends the command; it says that the run goes on."""
    monkeypatch.setattr(time, "sleep", lambda _: signal.raise_signal(signal.SIGINT))
    assert typed(monkeypatch, folder, "", "watch", "spring") == 130
    assert capsys.readouterr().err.splitlines() == ["It is no longer watched, and goes on."]


def test_the_demo_ends_with_reports_and_runs_twice(tmp_path: Path) -> None:
    """The demo delivers every row it can, says where the reports are, and sends nothing twice."""
    first, second = run(tmp_path, "demo"), run(tmp_path, "demo")
    outcome = "632 rows: 65 excluded, 554 delivered, 13 failed.\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert outcome in first.stdout
    assert outcome in second.stdout
    assert "Sending 567 messages on the simulator. This is a rehearsal" in first.stdout
    assert "nothing is sent again" in second.stdout
    folder = tmp_path / "smspm-demo"
    for file in ("report.xlsx", "report.html", "report.csv"):
        assert f"  {folder / file}\n" in first.stdout
        assert (folder / file).stat().st_size > 10_000
    assert first.stdout.splitlines()[-1].startswith("  smspm-campaigns send my-first-campaign ")
