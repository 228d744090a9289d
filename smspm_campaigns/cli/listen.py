"""The command that receives what SMSPM tells of messages by itself."""

import errno
import os
import re
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from smspm_campaigns.campaign.opening import ledger_path, make_ledger
from smspm_campaigns.cli import options as opt
from smspm_campaigns.delivery.ledger import Ledger
from smspm_campaigns.delivery.ledger.callbacks import count_kept_apart
from smspm_campaigns.masking import Secret

if TYPE_CHECKING:
    from smspm_campaigns.delivery.callbacks import Intake

_VARIABLE: Final = "SMSPM_CALLBACK_SECRET"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

_INSTRUCTIONS: Final = """\
report_url: {report_url}

Give it to whatever sends:
  smspm-campaigns send NAME --report-url {report_url}

In a notebook: report_url="{report_url}"

{reached}
{secret}Keep this running: nobody else hears the callbacks. They bring no price:
`smspm-campaigns track NAME` asks for prices, and for whatever was missed. Ctrl-C ends this."""

_FROM_INTERNET: Final = """\
SMSPM calls this address from the internet, so it must be reachable from there. Here is
http://{here}, without TLS: put a reverse proxy with TLS before it, such as
  caddy reverse-proxy --from {public_host} --to {here}
"""
_FROM_HERE: Final = """\
Only programs of this machine reach this address, such as `smspm-campaigns simulate`: SMSPM does
not. Here is http://{here}, without TLS.
"""
_NO_HOST: Final = """\
YOUR-HOST stands for the name of a server of yours; --public-url puts it into the address.
"""
_FRESH: Final = f"""\
The secret in the address is a fresh one: the address ends with this program. One that lasts is
kept in {_VARIABLE}, and made by
  python -c "import secrets; print(secrets.token_urlsafe(24))"

"""


@click.command(cls=opt.Command)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--public-url", help="Host by which the internet reaches this port, by https.")
@opt.LEDGER
def listen(*, port: int, host: str, public_url: str | None, ledger: Path | None) -> None:
    """Receive callbacks: SMSPM tells what became of messages.

    A ledger is made where there is none. The secret in the address is SMSPM_CALLBACK_SECRET, else
    a fresh one.
    """
    from smspm_campaigns.delivery.callbacks import Intake, check_secret  # noqa: PLC0415 - starlette
    from smspm_campaigns.delivery.serving import serve  # noqa: PLC0415 - uvicorn

    public = _check_public_url(public_url)
    kept = Secret.hide(os.environ.get(_VARIABLE) or None)
    secret = check_secret(kept or Secret(secrets.token_urlsafe(24)))
    path = ledger_path(ledger)
    with _take_port(host, port) as listener:
        make_ledger(path)
        apart = _kept_apart(path)  # and a ledger that cannot be used is known at once
        intake = Intake(path)
        news = _News(intake)

        def started() -> None:
            click.echo(_instructions(listener, public, secret, is_kept=kept is not None))
            if apart:
                click.echo(apart, err=True)

        serve(intake, secret, listener, started=started, tell=news.tell)
    click.echo(f"Stopped. {_came(intake)}", err=True)
    if apart := _kept_apart(path):
        click.echo(apart, err=True)


class _News:
    """Tells now and then what came, if anything did."""

    def __init__(self, intake: "Intake") -> None:
        self._intake = intake
        self._told = _came(intake)

    def tell(self) -> None:
        came = _came(self._intake)
        if came != self._told:
            click.echo(came, err=True)
        self._told = came


def _came(intake: "Intake") -> str:
    came, apart, turned_away = intake.came, intake.kept_apart, intake.turned_away
    told = f"{came:,} callback{'s' * (came != 1)} came and {'is' if came == 1 else 'are'} recorded"
    if apart:
        told += f", {apart:,} of them for no message of this ledger"
    if turned_away:
        told += f"; {turned_away:,} could not be recorded, and were asked to come again"
    return f"{told}."


def _kept_apart(path: Path) -> str:
    """Say how many callbacks a ledger keeps apart, if any."""
    with Ledger.open(path) as ledger:
        count = count_kept_apart(ledger)
    if not count:
        return ""
    what, whose = ("callback", "its") if count == 1 else ("callbacks", "their")
    return f"The ledger keeps {count:,} {what} apart until {whose} message appears."


def _instructions(
    listener: socket.socket, public: str | None, secret: Secret, *, is_kept: bool
) -> str:
    host, port = listener.getsockname()[:2]
    here = f"{f'[{host}]' if ':' in host else host}:{port}"
    parts = urlsplit(public or "https://YOUR-HOST")
    reached = _FROM_HERE if parts.hostname in _LOOPBACK else _FROM_INTERNET
    return _INSTRUCTIONS.format(
        report_url=f"{parts.scheme}://{parts.netloc}/{secret.reveal()}",
        reached=("" if public else _NO_HOST) + reached.format(here=here, public_host=parts.netloc),
        secret="" if is_kept else _FRESH,
    )


def _check_public_url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    is_bare = is_address and re.fullmatch(r"[^\s?#@\x00-\x1f\x7f]+", url)
    is_safe = is_bare and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )
    if not is_safe or parts.path not in ("", "/"):
        raise click.UsageError(
            "--public-url is the https address at which the internet reaches this port: a host and "
            "perhaps a port, such as https://sms.example.com, without a path. The secret becomes "
            "its path."
        )
    return url


def _take_port(host: str, port: int) -> socket.socket:
    from smspm_campaigns.delivery.serving import listen_on  # noqa: PLC0415 - uvicorn

    try:
        return listen_on(host, port)
    except OSError as error:
        if not (isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL):
            raise click.ClickException(
                f"Port {port} of {host} is in use or not allowed. Choose another one with --port."
            ) from None
        raise click.ClickException(
            f"--host {host} is no address of this machine. 127.0.0.1 is, for a proxy on it."
        ) from None
