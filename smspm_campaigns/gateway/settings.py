"""What a client may be told: numbers above 0, and addresses that can be called."""

import os
import re
from typing import Any, Final
from urllib.parse import urlsplit

from smspm_campaigns.exceptions import CredentialsMissing, InvalidArgument
from smspm_campaigns.masking import Secret

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
