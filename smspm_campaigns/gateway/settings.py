"""What a client may be told: numbers above 0, addresses that are safe, or can be called."""

import os
import re
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from smspm_campaigns.exceptions import CredentialsMissing, InvalidArgument
from smspm_campaigns.masking import Secret

BASE_URL: Final = "https://api.smspm.com"  # quick start
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def credential(given: str | None, name: str) -> Secret:
    """Take a credential as it was given, else from the environment."""
    return Secret(given or os.environ.get(name, ""))


def check_credentials(*credentials: Secret) -> None:
    """Raise CredentialsMissing unless each is there, and can be written."""
    for secret in credentials:
        if not secret.reveal():
            raise CredentialsMissing(
                "No credentials. Set SMSPM_HASH and SMSPM_TOKEN in the environment (both are on "
                "the API page of your account), or rehearse without any: Client.simulated()."
            )
        if re.search("[\ud800-\udfff]", secret.reveal()):
            raise CredentialsMissing(
                "Hash or token holds bytes that are no text. Copy both once more from the API page "
                "of your account."
            )


def check_report_url(url: Secret | None) -> None:
    """Raise InvalidArgument unless it is an address the API could call, or none at all."""
    if url is not None and not _can_be_called(url):
        raise InvalidArgument(
            "report_url is an address that the API can call, such as "
            "'https://example.com/sms/…'; got something else."
        )


def _can_be_called(url: Any) -> bool:
    try:
        address = url.reveal()
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except (ValueError, AttributeError):
        return False
    return bool(whole) and not re.search(r"\s", address)


def check_above_0(name: str, value: Any) -> None:
    """Raise InvalidArgument unless it is a finite number above 0."""
    if not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidArgument(f"{name} is a number above 0, not {value!r}.")


def check_base_url(url: Secret) -> str:
    """Return an address as it is kept. What was given may hold what it should not."""
    address, is_safe, is_bare = _read_url(url)
    if not is_safe:
        raise InvalidArgument(
            "The API's address must begin with https://, since credentials go there; got "
            f"{address!r}."
        )
    if not is_bare:
        raise InvalidArgument(
            f"The API's address is a host and perhaps a path, such as {BASE_URL!r}. {address!r} "
            "has no host, or came with a name, query or fragment."
        )
    return address.rstrip("/")


def _read_url(url: Secret) -> tuple[str, bool, bool]:
    """Return what may be shown of an address, whether it is safe, and whether that is all of it."""
    try:
        parsed = httpx.URL(url.reveal())
    except httpx.InvalidURL:
        parsed = httpx.URL()
    address = parsed.copy_with(username=None, password=None, query=None, fragment=None)
    is_safe = parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in LOOPBACK)
    more = parsed.userinfo or parsed.query or parsed.fragment
    return str(address), is_safe, bool(parsed.host and not more)
