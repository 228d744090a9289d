"""The command that serves the simulator."""

import shlex
import socket
import sys
from pathlib import Path
from typing import Final

import click

from smspm_campaigns.cli import options as opt
from smspm_campaigns.vocabulary import SIMULATED

_INSTRUCTIONS: Final = """\
The simulator is at {url}; Ctrl-C stops it. In another terminal:

{settings}

What it takes counts as sent in the ledger: only --simulated is a rehearsal there. So the last line
names another ledger than yours."""


@click.command(cls=opt.Command)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Port on 127.0.0.1.",
)
@click.option("--accepted", type=opt.PATH, help="File to log what was accepted, one JSON a line.")
@click.option(
    "--failure-rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of messages that fail.",
)
def simulate(*, port: int, accepted: Path | None, failure_rate: float) -> None:
    """Serve the simulator on this machine.

    For trying out clients of the API over a network; nobody is texted. It prints what to put into
    the environment.
    """
    from smspm_campaigns.gateway.simulator import Simulator, serve  # noqa: PLC0415 - not for sends

    _check_port(port)
    simulator = Simulator(
        hash=SIMULATED, token=SIMULATED, accepted=accepted, failure_rate=failure_rate
    )
    url = f"http://127.0.0.1:{port}"
    settings = {
        "SMSPM_BASE_URL": url,
        "SMSPM_HASH": SIMULATED,
        "SMSPM_TOKEN": SIMULATED,
        "SMSPM_LEDGER": str(Path("simulator.sqlite").absolute()),
    }
    click.echo(_INSTRUCTIONS.format(url=url, settings=in_shell(settings, sys.platform)))
    serve(simulator, port=port)


def in_shell(settings: dict[str, str], platform: str) -> str:
    """Write settings as the shells of a platform take them."""
    if platform != "win32":
        lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
        return "\n".join(lines)
    quoted = {name: value.replace("'", "''") for name, value in settings.items()}
    return "\n".join(
        [
            *(f'set "{name}={value}"' for name, value in settings.items()),
            "",
            "or in PowerShell:",
            "",
            *(f"$env:{name} = '{value}'" for name, value in quoted.items()),
        ]
    )


def _check_port(port: int) -> None:
    """Refuse a port before anybody is told that the simulator is there."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        raise click.ClickException(
            f"Port {port} is in use or not allowed. Choose another one with --port."
        ) from None
