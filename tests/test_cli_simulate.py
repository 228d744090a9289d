"""The command that serves the simulator."""

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from smspm_campaigns.cli.simulate import in_shell

if TYPE_CHECKING:
    from conftest import Terminal

SETTINGS = {"SMSPM_BASE_URL": "http://127.0.0.1:8080", "SMSPM_LEDGER": "/a b/it's"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_what_it_prints_works_when_it_is_copied(terminal: "Terminal") -> None:
    """A shell that ran its lines sends there, into another ledger; Ctrl-C is its good end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    program = [sys.executable, "-u", "-m", "smspm_campaigns", "simulate", "--port", port]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, cwd=terminal.folder
    ) as served:
        assert served.stdout is not None
        told = [served.stdout.readline() for _ in range(8)]
        lines = [line for line in told if line.startswith("export ")]
        asks = f"{''.join(lines)}{sys.executable} -m smspm_campaigns senders; echo $SMSPM_LEDGER"
        done = subprocess.run(
            ["sh", "-c", asks], capture_output=True, text=True, check=False, env=dict(os.environ)
        )
        served.send_signal(signal.SIGINT)
        assert served.wait(60) == 0
    assert done.stdout == f"SMSPM.com\n{terminal.folder / 'simulator.sqlite'}\n", done.stderr
    assert told[0] == (
        f"The simulator is at http://127.0.0.1:{port}; Ctrl-C stops it. In another terminal:\n"
    )
    assert told[-1].startswith("What it takes counts as sent in the ledger")


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        (
            "linux",
            "export SMSPM_BASE_URL=http://127.0.0.1:8080\nexport SMSPM_LEDGER='/a b/it'\"'\"'s'",
        ),
        (
            "win32",
            (
                'set "SMSPM_BASE_URL=http://127.0.0.1:8080"\n'
                'set "SMSPM_LEDGER=/a b/it\'s"\n'
                "\n"
                "or in PowerShell:\n"
                "\n"
                "$env:SMSPM_BASE_URL = 'http://127.0.0.1:8080'\n"
                "$env:SMSPM_LEDGER = '/a b/it''s'"
            ),
        ),
    ],
)
def test_settings_are_written_for_the_shells_of_the_machine(platform: str, told: str) -> None:
    """Blanks and quotes in a path do no harm."""
    assert in_shell(SETTINGS, platform) == told


def test_a_port_in_use_is_a_sentence(terminal: "Terminal") -> None:
    """Nothing is promised before the port is known to be free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = terminal("simulate", "--port", str(port))
    assert (told.code, told.out) == (1, "")
    assert told.err == (
        f"Error: Port {port} is in use or not allowed. Choose another one with --port.\n"
    )
