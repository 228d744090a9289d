"""The commands after a send: what became of it, and the files of a report."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Terminal


def test_a_rehearsal_goes_from_file_to_report(terminal: "Terminal") -> None:
    """Track and report say in every line that nobody was texted, and what comes next."""
    terminal.rehearse()
    tracked = terminal("track", "spring", "--simulated")
    reported = terminal("report", "spring", columns=200)
    assert tracked.out.splitlines() == [
        "[rehearsal] spring: 2 excluded, 2 delivered",
        "[rehearsal] Next: smspm-campaigns report spring",
    ]
    files = [terminal.folder / "spring" / f"report.{ending}" for ending in ("xlsx", "html", "csv")]
    assert reported.out.splitlines() == [
        "[rehearsal] spring: 2 excluded, 2 delivered",
        *(f"[rehearsal] {file}" for file in files),
    ]
    assert [file.is_file() for file in files] == [True] * 3
    assert [told.code for told in (tracked, reported)] == [0, 0]
    who_waits_sees = [
        f"Writing {Path('spring', f'report.{ending}')} …" for ending in ("xlsx", "html", "csv")
    ]
    assert (tracked.err, reported.err.splitlines()) == ("", who_waits_sees)


def test_the_documents_of_both_have_counts_files_and_figures(terminal: "Terminal") -> None:
    """The summary has money as numbers, and what is not known is null."""
    terminal.rehearse()
    tracked = terminal("track", "spring", "--simulated", "--json")
    reported = terminal("report", "spring", "--json", "--output", "out")
    assert tracked.document["counts"]["delivered"] == 2
    assert tracked.document["next"] == ["smspm-campaigns report spring"]
    assert [Path(file).name for file in reported.document["files"]] == [
        "report.xlsx",
        "report.html",
        "report.csv",
    ]
    summary = reported.document["summary"]
    assert (summary["rows"], summary["sent"], summary["expected_cost"]) == (4, 2, None)
    assert isinstance(summary["actual_cost"], float)
    assert (tracked.document["rehearsal"], reported.document["rehearsal"]) == (True, True)


def test_what_is_still_open_is_for_a_person(terminal: "Terminal") -> None:
    """A time that is over before everything is final is no plain 0."""
    people = ("--region", "SE", "--template", "Hi! STOP: 1", "--sender", "SMSPM.com", "--yes")
    with running(Simulator(hash="h", token="t")) as url:
        terminal("send", "spring", "people.csv", *people, url=url)
        told = terminal("track", "spring", "--timeout", "0s", url=url)
    assert told.code == 3
    assert "To go on: smspm-campaigns track spring" in told.err
    assert told.out.splitlines()[1:] == [
        "Next: smspm-campaigns track spring",
        "Next: smspm-campaigns report spring",
    ]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--timeout", "soon", "--timeout is a time such as '10min' or '72h', not 'soon'"),
        ("--give-up-after", "-1h", "--give-up-after is a time such as"),
    ],
)
def test_a_time_that_is_none_is_a_sentence(
    option: str, value: str, said: str, terminal: "Terminal"
) -> None:
    """The option is named as it was typed."""
    terminal.rehearse()
    told = terminal("track", "spring", "--simulated", option, value)
    assert (told.code, said in told.err) == (1, True), told


def test_a_report_that_cannot_be_written_is_a_sentence(terminal: "Terminal") -> None:
    """A target that is taken by a folder is told without a traceback, a folder by a file too."""
    terminal.rehearse()
    (terminal.folder / "spring" / "report.xlsx").mkdir(parents=True)
    told = terminal("report", "spring")
    assert (told.code, told.err) == (
        1,
        f"Error: {Path('spring', 'report.xlsx')} is a folder. Name a file in it.\n",
    )
    wrong = terminal("report", "spring", "--output", "people.csv")
    assert wrong.code == 2
    assert "--output is a folder, and people.csv is a file. Name another." in wrong.err


def test_a_file_with_a_column_named_row_is_reported(terminal: "Terminal") -> None:
    """`row` is the name of the index too, which once stopped every report."""
    (terminal.folder / "people.csv").write_text("row,phone\na,+46701740605\n", encoding="utf-8")
    template = ("--template", "Hi {{ row }}! STOP: 1", "--sender", "SMSPM.com", "--simulated")
    sent = terminal("send", "spring", "people.csv", *template)
    reported = terminal("report", "spring")
    assert (sent.code, reported.code) == (0, 0), sent.err + reported.err
    back = smspm.read_contacts(terminal.folder / "spring" / "report.csv").iloc[:, :3]
    assert back.to_dict("list") == {"row (index)": ["2"], "row": ["a"], "phone": ["+46701740605"]}


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
