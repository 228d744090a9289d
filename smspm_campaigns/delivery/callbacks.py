"""The receiver for the `report` address: what comes is checked, and on disk before the answer."""

import asyncio
import hashlib
import hmac
import json
import logging
import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from smspm_campaigns.clock import SystemClock
from smspm_campaigns.delivery.ledger import Ledger, default_path
from smspm_campaigns.delivery.ledger.callbacks import Callback, take
from smspm_campaigns.delivery.pacing import micros
from smspm_campaigns.exceptions import InvalidArgument, LedgerError
from smspm_campaigns.masking import Secret

MAX_BYTES: Final = 16 * 1024  # of a query, and of a body: a callback takes some hundred
MAX_FIELDS: Final = 100
MAX_CHARACTERS: Final = 200  # of a field: an id has 36
BODY_WITHIN: Final = 10.0  # seconds
MOST_AT_ONCE: Final = 300  # callbacks in a transaction, so that a sender soon has its turn
MOST_WAITING: Final = 10_000  # callbacks in memory

_RETRY_AFTER: Final = 30  # seconds
_SECRET: Final = re.compile(r"[\w.~-]{16,}", re.ASCII)  # needs no escaping, RFC 3986, 2.3
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_EXPECTED: Final = "A callback has a status, and an id or a toNumber"

logger = logging.getLogger(__name__)


def callback_app(
    ledger: str | os.PathLike[str] | None = None, *, secret: str | Secret
) -> Starlette:
    """Make the receiver of what SMSPM tells of messages by itself.

    An ASGI application, to be served or mounted in another one, on any event loop. It takes
    callbacks at `/<secret>` and below, and answers OK when they are in the ledger; one that cannot
    be written there is answered 503, so that it is sent again.

    Args:
        ledger: the path of the ledger; `SMSPM_LEDGER`, or the user's own, by default. It is opened
            anew for whatever comes.
        secret: what makes the address one that nobody guesses: at least 16 letters, digits or any
            of `-._~`.

    Raises:
        InvalidArgument: the secret is too short, or needs escaping in an address.

    Example:
        >>> import secrets
        >>> app = callback_app("ledger.sqlite", secret=secrets.token_urlsafe(24))
    """
    hidden = Secret.hide(secret)
    del secret  # no traceback that shows variables can show it
    path = default_path() if ledger is None else Path(ledger).expanduser()
    return receiver(Intake(path.absolute()), check_secret(hidden))


def check_secret(secret: Secret | None) -> Secret:
    """Return a secret that can be part of an address, and not be guessed.

    Raises:
        InvalidArgument: it cannot.
    """
    if not isinstance(secret, Secret) or not _SECRET.fullmatch(str(secret.reveal())):
        raise InvalidArgument(
            "The secret of a callback address (SMSPM_CALLBACK_SECRET) has at least 16 characters, "
            "which are letters, digits or any of -._~. To make one: "
            'python -c "import secrets; print(secrets.token_urlsafe(24))"'
        )
    return secret


def receiver(intake: "Intake", secret: Secret) -> Starlette:
    """Make the application that hands to an intake what comes with the secret."""
    return Starlette(routes=[Route("/{path:path}", _Receiver(intake, _digest(secret.reveal())))])


class _Answer(Exception):
    """What is answered in place of OK."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class _Gone(Exception):
    """Nobody is there any more who could be answered."""


class _Told(NamedTuple):
    """A callback, and where it is said what became of it: an error, or None when it is on disk."""

    callback: Callback
    outcome: "Future[LedgerError | None]"


class Intake:
    """Puts callbacks into a ledger, in rounds: one commit for all that came during the last one.

    They may come on any loop, and are written by a thread that ends when nothing is left.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.came = 0  # and are on disk
        self.kept_apart = 0  # of these: were for no message of the ledger when they came
        self.turned_away = 0
        self._waiting: deque[_Told] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_well = True
        self._clock = SystemClock()

    async def put(self, callback: Callback) -> None:
        """Put a callback into the ledger; it is on disk when this ends.

        Raises:
            LedgerError: it is not, for the time being.
        """
        told = _Told(callback, Future())
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                self.turned_away += 1
                raise LedgerError(f"The ledger at {self.path} is slower than callbacks come.")
            if self._thread is None:
                self._thread = self._start()
            self._waiting.append(told)
        error = await asyncio.wrap_future(told.outcome)
        if error is not None:
            raise LedgerError(str(error))

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="smspm-callbacks")
        try:
            thread.start()  # and waits for the lock
        except RuntimeError:
            raise LedgerError("The system lets no more threads begin.") from None
        return thread

    def finish(self) -> None:
        """Wait until what came is written, or has failed."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while batch := self._next():
            errors = self._write([told.callback for told in batch])
            first = next(filter(None, errors), None)
            if first is not None and self._is_well:  # once, and not for each of many
                logger.warning("Callbacks are answered 503, so that they come again: %s", first)
            self._is_well = first is None
            for told, error in zip(batch, errors, strict=True):
                if told.outcome.set_running_or_notify_cancel():
                    told.outcome.set_result(error)

    def _next(self) -> list[_Told]:
        with self._lock:
            count = min(len(self._waiting), MOST_AT_ONCE)
            if not count:
                self._thread = None
            return [self._waiting.popleft() for _ in range(count)]

    def _write(self, callbacks: list[Callback]) -> list[LedgerError | None]:
        """Write callbacks together, or each by itself where one of them is too much for us."""
        try:
            with Ledger.open(self.path) as ledger:
                known = take(ledger, callbacks, at=micros(self._clock))
        except LedgerError as error:
            failed = error
        except Exception as error:  # noqa: BLE001 - whatever it is, others still come
            if len(callbacks) > 1:
                return [outcome for callback in callbacks for outcome in self._write([callback])]
            failed = LedgerError(f"{type(error).__name__}, a defect; please report it.")
        else:
            with self._lock:
                self.came += len(callbacks)
                self.kept_apart += len(callbacks) - known
            return [None] * len(callbacks)
        with self._lock:
            self.turned_away += len(callbacks)
        return [failed] * len(callbacks)


class _Receiver:
    """The one endpoint: who knows the secret may tell what became of a message."""

    def __init__(self, intake: Intake, digest: bytes) -> None:
        self._intake = intake
        self._digest = digest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, sentence, headers = 200, "OK", dict[str, str]()
        try:
            await self._intake.put(await self._read(scope, receive))
        except _Gone:
            return
        except _Answer as answer:
            status, sentence, headers = answer.status, str(answer), answer.headers
        except LedgerError:
            status, headers = 503, {"retry-after": str(_RETRY_AFTER)}
            sentence = "It cannot be written down at this moment. Send it again later."
        headers |= {"cache-control": "no-store"}
        await PlainTextResponse(sentence, status, headers)(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive) -> Callback:
        """Read a callback; what is wrong with it is an answer."""
        path: str = scope["path_params"]["path"]
        secret, *references = [part for part in path.split("/") if part] or [""]
        if not hmac.compare_digest(_digest(secret), self._digest) or len(references) > 1:
            raise _Answer(404, "Not Found", connection="close")
        if scope["method"] not in ("GET", "POST"):
            raise _Answer(405, "Method Not Allowed", allow="GET, POST", connection="close")
        query = scope["query_string"]
        body = await _read_body(scope, receive, MAX_BYTES - len(query))
        fields = _read_fields(query, body)
        if not (query or body):
            raise _Answer(
                400,
                "You reached the receiver of callbacks: the address is right. SMSPM calls it with "
                f"what became of a message. {_EXPECTED}; there was nothing in this call.",
            )
        return _as_callback(fields, references)


def _digest(text: str) -> bytes:
    """Return what may be compared: neither length nor content shows in the time that takes."""
    return hashlib.sha256(text.encode(errors="backslashreplace")).digest()


async def _read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    too_large = _Answer(413, f"A callback has at most {MAX_BYTES:,} bytes.", connection="close")
    headers = Headers(scope=scope)
    declared = headers.get("content-length", "0")
    if most < 0 or not re.fullmatch(r"\d{1,9}", declared) or int(declared) > most:
        raise too_large
    if scope["method"] == "GET" and not int(declared) and "transfer-encoding" not in headers:
        return b""  # and so it counts when nobody waits for the answer any more
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(BODY_WITHIN):
            while more:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise _Gone
                body += event.get("body", b"")
                if len(body) > most:
                    raise too_large
                more = event.get("more_body", False)
    except TimeoutError:
        sentence = f"A callback arrives within {BODY_WITHIN:g} seconds."
        raise _Answer(408, sentence, connection="close") from None
    return bytes(body)


def _read_fields(query: bytes, body: bytes) -> list[tuple[str, Any]]:
    """Read what a query and a body hold, which is JSON where it looks like that, else a form."""
    try:
        text = body.decode("utf-8-sig").strip()
        in_body = _read_json(text) if text.startswith(("{", "[")) else _read_form(text)
        return [*_read_form(query.decode()), *in_body]
    except UnicodeError:
        raise _Answer(400, "A callback is text in UTF-8; there are other bytes in it.") from None
    except (ValueError, RecursionError):
        raise _Answer(
            400,
            "A callback is a query, a form or a JSON object with at most "
            f"{MAX_FIELDS} fields, each of them there once; this is none.",
        ) from None


def _read_form(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)


def _read_json(text: str) -> Iterable[tuple[str, Any]]:
    """Read a JSON object; its numbers are kept as they are written."""
    read = json.loads(
        text,
        object_pairs_hook=_as_object,
        parse_int=str,
        parse_float=lambda number: number.removesuffix(".0"),
    )
    if not isinstance(read, Mapping):
        raise ValueError  # noqa: TRY004 - of the text
    return read.items()


def _as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_FIELDS or len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _as_callback(fields: list[tuple[str, Any]], references: list[str]) -> Callback:
    """Take what counts; nothing else is trusted."""
    word, message_id, number = (_the_one(name, fields) for name in ("status", "id", "toNumber"))
    reference = _the_one("reference", [("reference", named) for named in references])
    if word is None:
        raise _Answer(400, f"{_EXPECTED}; there is no status.")
    if message_id is None and (reference is None or number is None):
        raise _Answer(400, f"{_EXPECTED} with our reference in the address; there is neither.")
    return Callback(word, message_id, number, reference)


def _the_one(name: str, fields: list[tuple[str, Any]]) -> str | None:
    """Return the value of a field, or None where it is blank."""
    given = [value for named, value in fields if named == name and value is not None]
    if not all(isinstance(value, str) for value in given):
        raise _Answer(400, f"The {name} of a callback is a text or a number; this is neither.")
    found = {value.strip() for value in given} - {""}
    if len(found) > 1:
        raise _Answer(400, f"The {name} of a callback is there once; there are several.")
    if any(len(value) > MAX_CHARACTERS or _CONTROL.search(value) for value in found):
        raise _Answer(
            400,
            f"The {name} of a callback is a text of at most {MAX_CHARACTERS} characters without "
            "control characters; this is none.",
        )
    return next(iter(found), None)
