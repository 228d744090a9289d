"""Secrets join a request at the last moment, and are struck out of whatever comes back."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from smspm_campaigns.gateway.gate import Gate
from smspm_campaigns.masking import Secret, strike_out

DETAILS: Final = "/smsdetails"  # quick start
#: The extensions of a request in which its gate and the address of its callback travel.
GATE: Final = "smspm_gate"
REPORT_URL: Final = "smspm_report_url"

#: A step of httpcore (https://www.encode.io/httpcore/extensions/#trace): the next is to write.
_CONNECTED: Final = "http11.send_request_headers.started"


def strike_all(text: str, secrets: Iterable[Secret], report_url: Secret | None) -> str:
    """Strike out credentials, and the address of the callback: its path holds a secret."""
    for secret in secrets:
        text = strike_out(text, secret.reveal())
    if report_url is not None:
        text = strike_out(text, report_url.reveal())
        text = strike_out(text, urlsplit(report_url.reveal()).path)
    return text


class _Struck:
    """What came back, shown without secrets: a redirect repeats them in a header that is logged."""

    def __init__(self, told: object, strike: Callable[[str], str]) -> None:
        self._told = told
        self._strike = strike

    def __repr__(self) -> str:
        return self._strike(repr(self._told))


class Signing(httpx.AsyncBaseTransport):
    """Adds all secrets, below everything that logs or keeps a request but what writes it."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, hash_: Secret, token: Secret, *, is_own: bool
    ) -> None:
        self._inner = inner
        self._hash = hash_
        self._token = token
        self._is_own = is_own

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        gate: Gate = request.extensions[GATE]
        signed = self._sign(request)
        if self._is_own:
            secrets = (self._token, self._hash)
            strike = partial(strike_all, secrets=secrets, report_url=request.extensions[REPORT_URL])

            async def trace(event: str, info: dict[str, Any]) -> None:
                if event == _CONNECTED:
                    await gate.look()
                if not event.endswith(".started"):  # what came of it; httpcore only logs that
                    info.update({name: _Struck(told, strike) for name, told in info.items()})

            signed.extensions["trace"] = trace
        else:
            await gate.look()
        return await self._inner.handle_async_request(signed)

    def _sign(self, request: httpx.Request) -> httpx.Request:
        credentials = {"hash": self._hash.reveal()}
        if not request.url.path.endswith(DETAILS):  # takes the hash alone, quick start
            credentials["token"] = self._token.reveal()
        if request.method == "GET":
            url = request.url.copy_merge_params(credentials)
            return httpx.Request("GET", url, headers=request.headers, extensions=request.extensions)
        body = {**credentials, **json.loads(request.content)}
        if report_url := request.extensions[REPORT_URL]:
            body["report"] = report_url.reveal()
        return httpx.Request(
            request.method,
            request.url,
            headers={k: v for k, v in request.headers.items() if k != "content-length"},
            json=body,
            extensions=request.extensions,
        )
