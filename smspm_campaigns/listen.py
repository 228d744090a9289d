"""The command that receives what SMSPM tells of messages by itself."""

import os
import re
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from smspm_campaigns.campaign.opening import ledger_path
from smspm_campaigns.delivery.ledger import Ledger
from smspm_campaigns.masking import Secret
from smspm_campaigns.remote import LEDGER

if TYPE_CHECKING:
    from smspm_campaigns.delivery.callbacks import Intake

_VARIABLE: Final = "SMSPM_CALLBACK_SECRET"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

_INSTRUCTIONS: Final = """\
report_url: {report_url}

Give it to whatever sends:
  campaign.send(client, report_url="{report_url}")
  smspm-campaigns send NAME --report-url {report_url}

{missing}SMSPM calls this address from the internet, so it must be reachable from there. Here is
http://{here}, without TLS: put a reverse proxy with TLS before it, such as
  caddy reverse-proxy --from {public_host} --to {here}

{secret}Keep this running: nobody else hears the callbacks. They bring no price:
`smspm-campaigns track NAME` asks for prices, and for whatever was missed. Ctrl-C ends this."""

_NO_HOST: Final = """\
YOUR-HOST stands for the name of a server of yours; --public-url puts it into the address.
"""
_FRESH: Final = f"""\
The secret in the address is a fresh one: the address ends with this program. One that lasts is
kept in {_VARIABLE}, and made by
  python -c "import secrets; print(secrets.token_urlsafe(24))"

"""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--public-url", help="Where the internet reaches this port, by https.")
@LEDGER
def listen(*, port: int, host: str, public_url: str | None, ledger: Path | None) -> None:
    """Receive callbacks: SMSPM tells by itself what became of messages.

    The secret in the address is SMSPM_CALLBACK_SECRET, else a fresh one.
    """
    from smspm_campaigns.delivery.callbacks import Intake, check_secret  # noqa: PLC0415 - starlette
    from smspm_campaigns.delivery.serving import serve  # noqa: PLC0415 - uvicorn

    public = _check_public_url(public_url)
    kept = Secret.hide(os.environ.get(_VARIABLE) or None)
    secret = check_secret(kept or Secret(secrets.token_urlsafe(24)))
    path = ledger_path(ledger)
    with Ledger.open(path):  # so that a wrong path is known at once
        pass
    with _take_port(host, port) as listener:
        intake = Intake(path)
        news = _News(intake)

        def started() -> None:
            click.echo(_instructions(listener, public, secret, is_kept=kept is not None))

        serve(intake, secret, listener, started=started, tell=news.tell)
    click.echo(f"Stopped. {_came(intake)}", err=True)


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
        told += f", {apart:,} of them for no message of this ledger: kept apart until it appears"
    if turned_away:
        told += f"; {turned_away:,} could not be recorded, and were asked to come again"
    return f"{told}."


def _instructions(
    listener: socket.socket, public: str | None, secret: Secret, *, is_kept: bool
) -> str:
    host, port = listener.getsockname()[:2]
    here = f"{f'[{host}]' if ':' in host else host}:{port}"
    return _INSTRUCTIONS.format(
        report_url=f"{public or 'https://YOUR-HOST'}/{secret.reveal()}",
        here=here,
        public_host=urlsplit(public).netloc if public else "YOUR-HOST",
        missing="" if public else _NO_HOST,
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
    if not is_safe:
        raise click.UsageError(
            "--public-url is the https address at which the internet reaches this port, a host and "
            "perhaps a path, such as https://sms.example.com. The secret is added to it."
        )
    return url.rstrip("/")


def _take_port(host: str, port: int) -> socket.socket:
    from smspm_campaigns.delivery.serving import listen_on  # noqa: PLC0415 - uvicorn

    try:
        return listen_on(host, port)
    except socket.gaierror:
        raise click.ClickException(
            f"--host {host} is no address of this machine. 127.0.0.1 is, for a proxy on it."
        ) from None
    except OSError:
        raise click.ClickException(
            f"Port {port} of {host} is in use or not allowed. Choose another one with --port."
        ) from None
