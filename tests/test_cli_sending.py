"""The commands that send: who is asked, what is taken once, what an interruption leaves."""

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import smspm_campaigns as smspm
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Printed, Terminal
    from starlette.types import Receive, Scope, Send

EIGHT = "name,phone\n" + "".join(f"Person {n},+46 70 174 06 {n:02}\n" for n in range(8))
SEND = ("send", "spring", "people.csv", "--region", "SE", "--template", "Hi {{ name }}! STOP: 1")
REAL = (*SEND, "--sender", "SMSPM.com")
STOPPING = (
    "Stopping: requests in flight are being finished and recorded, for 60 seconds at most. "
    "Interrupt again to wait no longer."
)
ASKING = "Asking SMSPM for the balance and the approved Sender IDs …\n"


@pytest.fixture
def eight(terminal: "Terminal") -> "Terminal":
    """A terminal in a folder with a file of eight people, all of whom can be sent to."""
    (terminal.folder / "people.csv").write_text(EIGHT, encoding="utf-8")
    return terminal


def lines_of(told: "Printed") -> list[str]:
    return told.out.splitlines()


def test_a_rehearsal_says_so_in_every_line(terminal: "Terminal") -> None:
    """What it prints can be mistaken for no real send, and the next command can be copied."""
    told = lines_of(terminal.rehearse())
    assert [line for line in told if not line.startswith("[rehearsal] ")] == []
    assert told[0] == "[rehearsal] Messages:  2 of 4 rows; 2 will not be sent"
    assert told[-2:] == [
        "[rehearsal] spring: 2 excluded, 2 queued",
        "[rehearsal] Next: smspm-campaigns track spring --simulated",
    ]


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["for a person", "for a script"])
@pytest.mark.parametrize("columns", [None, 80], ids=["pipe", "terminal"])
def test_whatever_else_a_rehearsal_says_does_so_too(
    as_json: tuple[str, ...], columns: int | None, terminal: "Terminal"
) -> None:
    """What takes a while, notes, the new ledger and errors begin with it, once."""
    command = ("send", "spring", "people.csv", "--region", "SE", "--simulated", *as_json)
    told = terminal(*command, "--template", "Hi {{ name }}!", columns=columns)
    assert told.code == 1
    lines = [line for line in told.err.splitlines() if line]
    assert [line for line in lines if not line.startswith("[rehearsal]")] == []
    assert [line for line in lines if line.count("[rehearsal]") > 1] == []
    for start in ("Note: No text says how to opt out", "Error: Row "):
        assert [line for line in lines if line.startswith(f"[rehearsal] {start}")]
    told = terminal.rehearse("spring", *as_json)
    assert f"[rehearsal] A new ledger was made at {terminal.ledger}.\n" in told.err
    assert "[rehearsal] [rehearsal]" not in told.out + told.err


def test_a_rehearsal_of_nothing_is_one_all_the_same(terminal: "Terminal") -> None:
    """Before its first request a campaign belongs to nobody; the document says what was run."""
    told = terminal.rehearse("spring", "--limit", "0", "--json")
    assert (told.document["rehearsal"], told.document["counts"]["planned"]) == (True, 2)
    lines = lines_of(terminal("track", "spring", "--simulated"))
    assert lines[1] == "[rehearsal] Next: smspm-campaigns send spring --simulated"
    assert terminal("track", "spring", "--simulated", "--json").document["rehearsal"] is True


def test_a_real_send_goes_over_the_wire_once(terminal: "Terminal") -> None:
    """What the gateway accepted is what the report says, and a second run sends nothing again."""
    simulator = Simulator(hash="h", token="t")
    with running(simulator) as url:
        ended = [terminal(*REAL, "--yes", url=url) for _ in range(2)]
    assert [told.code for told in ended] == [0, 0]
    assert [line for told in ended for line in lines_of(told) if "rehearsal" in line] == []
    assert sorted([str(e["toNumber"]), str(e["text"])] for e in simulator.accepted) == [
        ["46701740605", "Hi Anna! STOP: 1"],
        ["46701740606", "Hi Bo! STOP: 1"],
    ]
    report = terminal.campaign().report()
    assert sorted(report["sms_id"].dropna()) == sorted(str(e["id"]) for e in simulator.accepted)


def test_it_is_a_program_of_its_own(terminal: "Terminal") -> None:
    """From the shell it does the same, and leaves nothing open."""
    done = subprocess.run(
        [*(sys.executable, "-W", "error::ResourceWarning", "-m", "smspm_campaigns"), *REAL,
         "--simulated"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=terminal.folder,
        env=os.environ | {"SMSPM_LEDGER": str(terminal.ledger), "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    made = f"[rehearsal] A new ledger was made at {terminal.ledger}.\n"
    assert (done.returncode, done.stderr) == (0, made)
    assert done.stdout.endswith("[rehearsal] Next: smspm-campaigns track spring --simulated\n")


def test_a_script_must_say_yes(terminal: "Terminal") -> None:
    """Without a person to ask, nothing is sent and nothing asked of the gateway."""
    told = terminal(*REAL, url="http://127.0.0.1:9")
    assert told.code == 2
    assert "Error: Nobody can be asked here. Pass --yes to go on from a script." in told.err
    assert not terminal.ledger.exists()


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
    eight: "Terminal", arguments: tuple[str, ...], question: str
) -> None:
    """The preview comes first, the number is what would be sent, and No leaves no trace."""
    told = eight(*REAL, *arguments, typed="n\n", url="http://127.0.0.1:9")
    assert told.code == 130
    assert told.out.startswith("Messages:  8 of 8 rows")
    assert told.err == f"{question}Stopped.\n"
    assert not eight.ledger.exists()


def test_what_takes_a_while_is_told_to_a_person(eight: "Terminal") -> None:
    """Reading and asking the API are told at a terminal; a log is spared."""
    told = eight(*REAL, typed="n\n", columns=80, url="http://127.0.0.1:9")
    assert told.err.startswith(f"Reading people.csv …\n{ASKING}")
    assert "Reading" not in eight(*REAL, typed="n\n", url="http://127.0.0.1:9").err


def test_the_question_counts_what_was_taken_before(eight: "Terminal") -> None:
    """A limit holds for all runs together; a run that would send nothing says so, unasked."""
    on = ("send", "spring")
    runs = [
        (REAL, "3", "Send up to 3 messages for real? [y/N]: "),
        (REAL, "3", "Nothing is sent: 3 rows were taken before, and --limit is 3."),
        (on, "2", "Nothing is sent: 3 rows were taken before, and --limit is 2."),
        (on, "5", "Send up to 2 messages for real? [y/N]: "),
        (REAL, "7", "Send up to 2 messages for real? [y/N]: "),
        (on, "9", "Send 1 message for real? [y/N]: "),
        (on, "9", "Nothing is sent: no row is planned any more."),
        (REAL, "9", "Nothing is sent: no row is planned any more."),
    ]
    counts = []
    with running(Simulator(hash="h", token="t")) as url:
        for command, limit, words in runs:
            told = eight(*command, "--limit", limit, typed="y\n", url=url)
            assert (told.code, words in told.out + told.err) == (0, True), told
            assert ("for real?" in told.err) == ("for real?" in words)
            counts.append(eight.counts()["queued"])
    assert counts == [3, 3, 3, 5, 7, 8, 8, 8]


@pytest.mark.parametrize(("limit", "rows"), [("5", "3 planned rows"), ("7", "1 planned row")])
def test_a_limit_tells_how_to_send_the_rest(eight: "Terminal", limit: str, rows: str) -> None:
    """Tracking and sending on are both one line that can be copied; no limit stands in it."""
    told = eight(*REAL, "--limit", limit, "--simulated")
    assert lines_of(told)[-2:] == [
        "[rehearsal] Next: smspm-campaigns track spring --simulated",
        f"[rehearsal] For the {rows} left: smspm-campaigns send spring --simulated",
    ]
    assert told.code == 0


def test_what_the_account_has_against_it_is_said_before_the_question(terminal: "Terminal") -> None:
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
    with running(Listening(hash="h", token="t", senders=["SHOP"])) as url:
        for command, answer, rows, ended in (
            ((*new, "--limit", "1"), "n\n", "1 row", "Stopped."),
            (new, "n\n", "2 rows", "Stopped."),
            (new, "y\n", "2 rows", refused),
            (on, "n\n", "2 rows", "Stopped."),
            ((*new, "--limit", "1"), "y\n", "1 row", refused),
        ):
            heard.clear()
            told = terminal(*command, typed=answer, url=url).err
            before, question, after = told.partition(" for real? [y/N]: ")
            assert question
            assert before.rpartition("Send ")[0] == note.format(rows)
            made = f"A new ledger was made at {terminal.ledger}.\n"
            assert after.removeprefix(made).startswith(ended)
            assert after.removeprefix(made).count("\n") == 1
            assert sorted(heard) == [*["/"] * (ended == refused), "/balance", "/sender-ids"]


def test_another_plan_is_refused_before_anybody_is_asked(terminal: "Terminal") -> None:
    """A name that has another plan is no question of how many; the command to go on is named."""
    terminal.rehearse("spring", "--limit", "0")  # which binds it to nobody
    (terminal.folder / "people.csv").write_text(EIGHT, encoding="utf-8")
    told = terminal(*REAL, typed="y\n", url="http://127.0.0.1:9")
    assert told.code == 1
    assert "Error: There is a campaign 'spring' with another plan" in told.err
    assert "`smspm-campaigns send spring` goes on with the frozen plan" in told.err
    assert "for real?" not in told.err


def test_a_file_without_anybody_to_send_to_is_a_sentence(terminal: "Terminal") -> None:
    """When every row has a problem, nobody is asked, and the sentence says where to look."""
    (terminal.folder / "people.csv").write_text("name,phone\nAnna,\n", encoding="utf-8")
    told = terminal(*REAL, "--yes", url="http://127.0.0.1:9")
    assert told.code == 1
    assert told.err == (
        "Error: There is nothing to send: each of the 1 rows has a problem. "
        "`smspm-campaigns check` says which.\n"
    )


def test_a_dead_network_keeps_the_plan(terminal: "Terminal") -> None:
    """Where nobody answers, nothing is sent, the sentence says so, and the rows stay planned."""
    told = terminal(*REAL, "--yes", url="http://127.0.0.1:9")
    assert told.code == 1
    assert "Error: No connection to http://127.0.0.1:9 (ConnectError)." in told.err
    assert terminal.counts() == {"excluded": 2, "planned": 2}


def test_a_refused_token_costs_one_request_and_keeps_the_plan(terminal: "Terminal") -> None:
    """The sentence names the setting to check; the rows stay planned, and nothing was accepted."""
    simulator = Simulator(hash="h", token="another")
    with running(simulator) as url:
        told = terminal(*REAL, "--yes", url=url)
    assert told.code == 1
    assert "Error: SMSPM refused the credentials: 'Unauthorized'. Check SMSPM_HASH" in told.err
    assert simulator.accepted == []
    assert terminal.counts() == {"excluded": 2, "planned": 2}


def test_a_rehearsal_is_never_sent_for_real(terminal: "Terminal") -> None:
    """A campaign of the simulator refuses real credentials, and says what to do."""
    terminal.rehearse()
    told = terminal(*REAL, "--yes", url="http://127.0.0.1:9")
    assert told.code == 1
    assert "'spring' is a rehearsal on the simulator" in told.err


@pytest.mark.parametrize("command", [REAL, ("send", "spring")], ids=["with FILE", "without"])
def test_what_belongs_elsewhere_is_refused_before_a_line_about_it(
    command: tuple[str, ...], terminal: "Terminal"
) -> None:
    """No line calls a real campaign a rehearsal, and none of a rehearsal looks real."""
    terminal.rehearse()
    told = terminal(*command, "--yes", url="http://127.0.0.1:9")
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("Error: 'spring' is a rehearsal on the simulator")
    assert told.err.count("\n") == 1
    terminal.ledger = terminal.folder / "real.sqlite"
    with running(Simulator(hash="h", token="t")) as url:
        assert terminal(*REAL, "--yes", url=url).code == 0
        told = terminal(*command, "--simulated", url=url)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("[rehearsal] Error: 'spring' belongs to ")
    assert told.err.count("\n") == 1


def test_unknown_rows_are_for_a_person(eight: "Terminal") -> None:
    """The exit code says that somebody has to look, and the note says with which commands."""
    with running(Simulator(hash="h", token="t", faults={0: "close"})) as url:
        told = eight(*REAL, "--limit", "1", "--yes", "--ledger", "other.sqlite", url=url)
    assert told.code == 3
    ledger = "--ledger other.sqlite"
    assert f"`smspm-campaigns unknown spring {ledger}` shows them." in told.err
    assert f"then `smspm-campaigns resolve spring {ledger}` says what became of them." in told.err


def test_a_script_gets_one_document(eight: "Terminal") -> None:
    """What is for a person goes to stderr; the document counts every row and says what follows.
    The rest is for a person to send: a script that runs what follows stays below its limit.
    """
    with running(Simulator(hash="h", token="t")) as url:
        told = eight(*REAL, "--limit", "5", "--yes", "--json", url=url)
    counts = told.document.pop("counts")
    assert {status: count for status, count in counts.items() if count} == {
        "planned": 3,
        "queued": 5,
    }
    assert told.document == told.document | {
        "campaign": "spring",
        "ledger": str(eight.ledger),
        "rehearsal": False,
        "rows": 8,
        "next": ["smspm-campaigns track spring"],
    }
    heard = told.err.splitlines()
    assert heard[0] == "Messages:  8 of 8 rows; 0 will not be sent"
    assert heard[-1] == "For the 3 planned rows left: smspm-campaigns send spring"


def test_a_test_goes_to_ones_own_phone_and_counts_nowhere(terminal: "Terminal") -> None:
    """A person is asked; the text is that of the row that is named; the plan stays as it was."""
    simulator = Simulator(hash="h", token="t")
    command = ("test", "spring", "+49 171 3920012", "--row", "3")
    with running(simulator) as url:
        terminal(*REAL, "--limit", "0", "--yes", url=url)
        told = terminal(*command, typed="y\n", url=url)
        scripted = terminal(*command, "--yes", "--json", url=url)
        refused = terminal(*command, typed="n\n", url=url)
    [first, second] = simulator.accepted
    assert [(e["toNumber"], e["text"]) for e in (first, second)] == [
        ("491713920012", "Hi Bo! STOP: 1")
    ] * 2
    assert told.err == "Send one test message to +4917******12 for real? [y/N]: "
    assert told.out == f"Test to 4917******12: queued, 1 segment, id {first['id']}\n"
    assert scripted.document == {
        "campaign": "spring",
        "rehearsal": False,
        "status": "queued",
        "id": second["id"],
        "segments": 1,
        "number": "4917******12",
        "error": None,
    }
    assert [done.code for done in (told, scripted, refused)] == [0, 0, 130]
    assert terminal.counts() == {"excluded": 2, "planned": 2}


def test_a_test_that_may_have_been_sent_is_for_a_person(terminal: "Terminal") -> None:
    """A row that is not there is told in the words of the file; a lost reply is no success."""
    with running(Simulator(hash="h", token="t", faults={0: "malformed"})) as url:
        terminal(*REAL, "--limit", "0", "--yes", url=url)
        wrong = terminal("test", "spring", "+491713920012", "--row", "9", "--yes", url=url)
        lost = terminal("test", "spring", "+491713920012", "--yes", url=url)
    assert (wrong.code, wrong.err) == (
        1,
        "Error: No row has the index label 9. A label is the number of a row in the file.\n",
    )
    assert (lost.code, lost.err) == (
        3,
        (
            "Error: The API's reply (HTTP 200) is not the JSON it is known for. "
            "The test may have been sent.\n"
        ),
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize(
    ("number", "code", "last"),
    [(signal.SIGINT, 130, ["", "Stopped."]), (signal.SIGTERM, 143, [])],  # "": ^C stands there
    ids=["Ctrl-C", "SIGTERM"],
)
def test_an_interruption_loses_nothing(
    number: int, code: int, last: list[str], terminal: "Terminal"
) -> None:
    """What is in flight ends, the command to go on is said, and a later run sends the rest once."""
    numbers = [f"+1212555{n:04}" for n in range(100, 160)]
    lines = "".join(f"Person {n},{number}\n" for n, number in enumerate(numbers))
    (terminal.folder / "people.csv").write_text(f"name,phone\n{lines}", encoding="utf-8")
    has_begun = threading.Event()
    simulator = Simulator(hash="h", token="t", latency=0.05, faults=lambda *_: has_begun.set())
    report = ("--report-url", "http://127.0.0.1:9/a-secret")
    again = "smspm-campaigns send spring --limit 59 --report-url URL"
    with running(simulator) as url:
        client = {"SMSPM_HASH": "h", "SMSPM_TOKEN": "t", "SMSPM_BASE_URL": url}
        begun = subprocess.Popen(
            [sys.executable, "-m", "smspm_campaigns", *REAL, "--yes", "--limit", "59", *report],
            cwd=terminal.folder,
            env=os.environ | client | {"SMSPM_LEDGER": str(terminal.ledger)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert has_begun.wait(60)
        begun.send_signal(number)
        _, told = begun.communicate(timeout=60)
        assert begun.returncode == code, told
        assert told.splitlines()[1:] == [
            STOPPING,
            f"Stopped. Nothing is lost. To go on: {again}",
            *last,
        ]
        campaign = terminal.campaign()
        counts = campaign.counts()
        assert 0 < counts["queued"] == len(simulator.accepted) < 60
        assert counts["queued"] + counts["planned"] == 60
        campaign.send(smspm.Client("h", "t", base_url=url, requests_per_minute=60_000))
    assert sorted(str(entry["toNumber"]) for entry in simulator.accepted) == [
        number.removeprefix("+") for number in numbers
    ]
