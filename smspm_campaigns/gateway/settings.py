"""What a client may be told: numbers above 0, and addresses that can be called."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.masking import Secret

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


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
