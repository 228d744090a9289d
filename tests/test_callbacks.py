"""The receiver of callbacks: what it takes, what it answers, and that OK means: it is on disk."""

import asyncio
import json
import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socket import SHUT_WR, create_connection
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

import smspm_campaigns as smspm
from smspm_campaigns.delivery import callbacks
from smspm_campaigns.delivery.callbacks import Intake, receiver
from smspm_campaigns.delivery.ledger import Ledger, connection
from smspm_campaigns.delivery.ledger import callbacks as kept
from smspm_campaigns.delivery.ledger.callbacks import Callback
from smspm_campaigns.delivery.ledger.read import RowRecord
from smspm_campaigns.delivery.serving import _Server, listen_on
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.gateway.client import Client
from smspm_campaigns.gateway.simulator import Callbacks, Fault
from smspm_campaigns.masking import Secret

if TYPE_CHECKING:
    from conftest import NewBook

SECRET = "canarysecret-5.A_1~b"
NUMBERS = [str(37250000000 + step) for step in range(10_000)]
PATIENCE = 60.0  # seconds for something to happen that surely does
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
DELIVERED = "id=m1&status=delivered"


class Call(NamedTuple):
    """A call of the receiver; `path` is what follows the secret."""

    method: str = "GET"
    path: str = ""
    query: str | bytes = ""
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


def get(query: str | bytes, path: str = "") -> Call:
    return Call(path=path, query=query)


def post(body: str | bytes, path: str = "", query: str = "", **headers: str) -> Call:
    told = body if isinstance(body, bytes) else body.encode()
    return Call("POST", path, query, told, {k.replace("_", "-"): v for k, v in headers.items()})


class Answer(NamedTuple):
    """What was answered."""

    status: int
    text: str
    headers: dict[str, str]


def ask(app: Any, *calls: Call, base: str = f"/{SECRET}") -> list[Answer]:
    """Call an application in this process, all at once, on a loop of its own."""

    async def all_of_them() -> list[Answer]:
        return await asyncio.gather(*(_ask(app, call, base) for call in calls))

    return asyncio.run(all_of_them())


async def _ask(app: Any, call: Call, base: str) -> Answer:
    query = call.query if isinstance(call.query, bytes) else call.query.encode()
    told: list[Any] = []
    headers = {"content-length": str(len(call.body))} | call.headers
    scope = {
        "type": "http",
        "method": call.method,
        "root_path": "",
        "query_string": query,
        "path": unquote(base + call.path),  # as servers do it
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": call.body}

    async def send(message: Any) -> None:
        told.append(message)

    await app(scope, receive, send)
    start, *rest = told
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], b"".join(part["body"] for part in rest).decode(), headers)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    Ledger.create(path)
    return path


@pytest.fixture
def app(ledger: Path) -> Starlette:
    return smspm.callback_app(ledger, secret=SECRET)


def kept_apart(path: Path) -> list[tuple[str, ...]]:
    """What came for no message of a ledger: id, reference, number (masked) and word."""
    with Ledger.open(path) as ledger:
        return ledger.all("SELECT message_id, reference, number, word FROM callback ORDER BY id")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Let another program write to a ledger for as long as the block lasts."""
    with Ledger.open(path) as ledger, ledger.transaction():
        yield


async def until(is_so: Callable[[], object]) -> None:
    """Let others work until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - of threads, which set no event
            await asyncio.sleep(0.005)


# --- what is taken ------------------------------------------------------------------------------

PLAIN = ("m1", "", "", "delivered")
WITH_NUMBER = ("m1", "", "3725*****45", "delivered")
TAKEN: list[tuple[Call, tuple[str, ...]]] = [
    (get(DELIVERED), PLAIN),
    (get(f"{DELIVERED}&toNumber=37256789045"), WITH_NUMBER),
    (get(f"{DELIVERED}&toNumber=%2B372+5678%209045"), ("m1", "", "+372********45", "delivered")),
    (get(DELIVERED, "/"), PLAIN),
    (get(DELIVERED, "/ref-1"), ("m1", "ref-1", "", "delivered")),
    (get(DELIVERED, "/ref-1/"), ("m1", "ref-1", "", "delivered")),
    (get(DELIVERED, "/ref%2D1"), ("m1", "ref-1", "", "delivered")),
    (get("status=failed&toNumber=37256789045", "/r"), ("", "r", "3725*****45", "failed")),
    (get("id=%6D1&st%61tus=del%69vered"), PLAIN),
    (get("id=m1&status=delivered%0A"), PLAIN),  # a line end at the end is nothing
    (get("id=m1&status=Not+Seen+Before"), ("m1", "", "", "Not Seen Before")),
    (get("id=m1&status=%C3%BC"), ("m1", "", "", "ü")),
    (get("id=m1&status=\u00fc".encode()), ("m1", "", "", "ü")),
    (get(f"{DELIVERED}&id=m1"), PLAIN),  # twice the same
    (get(f"{DELIVERED}&price=0.01&carrier=x&price=2&a=%00"), PLAIN),  # what is not trusted
    (post(DELIVERED, **FORM), PLAIN),
    (post(DELIVERED), PLAIN),
    (post(DELIVERED, **JSON), PLAIN),  # content types lie
    (post(f"{DELIVERED}\r\n", **FORM), PLAIN),
    (post("", query=DELIVERED), PLAIN),
    (post("status=delivered", query="id=m1", **FORM), PLAIN),
    (post('{"status": "delivered"}', query="id=m1", **JSON), PLAIN),
    (post('{"id": "m1", "status": "delivered", "toNumber": "37256789045"}', **JSON), WITH_NUMBER),
    (post('{"id": "m1", "status": "delivered", "toNumber": 37256789045}', **FORM), WITH_NUMBER),
    (post('{"id": "m1", "status": "delivered", "toNumber": 37256789045.0}'), WITH_NUMBER),
    (post('{"id": "m1", "status": "delivered", "toNumber": null}', **JSON), PLAIN),
    (post('\ufeff \n{"id": "m1", "status": "deliver\\u0065d"}', **JSON), PLAIN),
    (post('{"id": 17, "status": "delivered"}', **JSON), ("17", "", "", "delivered")),
    (post('{"id": 1' + "0" * 30 + ', "status": "x"}'), ("1" + "0" * 30, "", "", "x")),
    (post('{"id": "m1", "status": "delivered", "more": {"a": [1.5, NaN]}}', **JSON), PLAIN),
    (post('{"id": "m1", "status": "delivered", "price": "\\ud800"}', **JSON), PLAIN),
]


@pytest.mark.parametrize(("call", "recorded"), TAKEN, ids=range(len(TAKEN)))
def test_what_can_be_understood_is_taken(
    app: Starlette, ledger: Path, call: Call, recorded: tuple[str, ...]
) -> None:
    """Queries, forms and JSON are taken however they are spelled; OK means that it is recorded."""
    [answer] = ask(app, call)
    assert (answer.status, answer.text) == (200, "OK")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert kept_apart(ledger) == [recorded]


NO_STATUS = "A callback has a status, and an id or a toNumber; there is no status."
NOTHING = (
    "You reached the receiver of callbacks: the address is right. SMSPM calls it with what became "
    "of a message. A callback has a status, and an id or a toNumber; there was nothing in this "
    "call."
)
NOBODY = (
    "A callback has a status, and an id or a toNumber with our reference in the address; there is "
    "neither."
)
UNREADABLE = (
    "A callback is a query, a form or a JSON object with at most 100 fields, each of them there "
    "once; this is none."
)
NO_TEXT = "A callback is text in UTF-8; there are other bytes in it."
TOO_LARGE = "A callback has at most 16,384 bytes."


def bad(name: str) -> str:
    return (
        f"The {name} of a callback is a text of at most 200 characters without control "
        "characters; this is none."
    )


REFUSED: list[tuple[Call, int, str]] = [
    (get(""), 400, NOTHING),
    (post(""), 400, NOTHING),
    (get("", "/ref-1"), 400, NOTHING),
    (get("id=m1"), 400, NO_STATUS),
    (get("id=m1&status="), 400, NO_STATUS),
    (get("id=m1&status=%20"), 400, NO_STATUS),
    (get("id=m1&Status=delivered"), 400, NO_STATUS),
    (post("{}"), 400, NO_STATUS),
    (post('{"id": "m1", "status": null}'), 400, NO_STATUS),
    (get("status=delivered"), 400, NOBODY),
    (get("status=delivered&id=", "/ref-1"), 400, NOBODY),
    (get("status=delivered&toNumber=37256789045"), 400, NOBODY),
    (
        get("id=m1&id=m2&status=delivered"),
        400,
        "The id of a callback is there once; there are several.",
    ),
    (
        post("status=failed", query=DELIVERED),
        400,
        "The status of a callback is there once; there are several.",
    ),
    (get("id=m%00&status=delivered"), 400, bad("id")),
    (get("id=m1&status=de%0Alivered"), 400, bad("status")),
    (get("id=m1&status=%C2%85x%C2%85y"), 400, bad("status")),
    (get("id=m1&status=x&toNumber=3%7F7"), 400, bad("toNumber")),
    (get(DELIVERED, "/re%01f"), 400, bad("reference")),
    (get(DELIVERED, f"/{'r' * 201}"), 400, bad("reference")),
    (get(f"id={'m' * 201}&status=delivered"), 400, bad("id")),
    (post('{"id": "\\ud800", "status": "delivered"}'), 400, bad("id")),
    (
        post('{"id": true, "status": "delivered"}'),
        400,
        "The id of a callback is a text or a number; this is neither.",
    ),
    (
        post('{"id": ["m1"], "status": "delivered"}'),
        400,
        "The id of a callback is a text or a number; this is neither.",
    ),
    (post('{"id": "m1", "id": "m1", "status": "delivered"}'), 400, UNREADABLE),
    (post('{"id": "m1", "status": "delivered"'), 400, UNREADABLE),
    (post('[{"id": "m1", "status": "delivered"}]'), 400, UNREADABLE),
    (post('{"a":' + "[" * 9_000), 400, UNREADABLE),
    (post('{"a":' * 3_000), 400, UNREADABLE),
    (get("&".join(f"a{place}=" for place in range(101))), 400, UNREADABLE),
    (post(json.dumps({f"a{place}": 1 for place in range(101)})), 400, UNREADABLE),
    (get("id=m1&status=%FF"), 400, NO_TEXT),
    (get("id=m1&status=%ED%A0%80"), 400, NO_TEXT),  # half a surrogate
    (get(b"id=m1&status=\xff"), 400, NO_TEXT),
    (post(b"id=m1&status=\xff"), 400, NO_TEXT),
    (post('{"id": "m1", "status": "delivered"}'.encode("utf-16")), 400, NO_TEXT),
    (post(f"{DELIVERED}&a={'x' * 16_384}"), 413, TOO_LARGE),
    (get(f"{DELIVERED}&a={'x' * 16_384}"), 413, TOO_LARGE),
    (post("x" * 16_380, query=DELIVERED), 413, TOO_LARGE),
    (post(DELIVERED, content_length="16385"), 413, TOO_LARGE),
    (post(DELIVERED, content_length="9" * 5_000), 413, TOO_LARGE),
    (post(DELIVERED, content_length="-1"), 413, TOO_LARGE),
    *(
        (Call(method, "", DELIVERED), 405, "Method Not Allowed")
        for method in ("HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "get")
    ),
    *(
        (get(DELIVERED, path), 404, "Not Found")
        for path in ("x", "/ref/more", "%00", "%FF", "x/ref", "%2Fa%2Fb")
    ),
    (Call("PUT", "x", DELIVERED), 404, "Not Found"),
    (post("x" * 20_000, "x"), 404, "Not Found"),
]


@pytest.mark.parametrize(("call", "status", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_meant_is_refused_with_a_sentence(
    app: Starlette, ledger: Path, call: Call, status: int, sentence: str
) -> None:
    """What is wrong is said plainly, nothing that came is repeated, and nothing is recorded."""
    [answer] = ask(app, call)
    assert (answer.status, answer.text) == (status, sentence)
    assert kept_apart(ledger) == []


def test_a_wrong_secret_looks_like_any_other_address(app: Starlette) -> None:
    """Near misses, nothing and what browsers ask for by themselves have the same answer."""
    paths = [
        "/",
        "/favicon.ico",
        f"/{SECRET[:-1]}",
        f"/{SECRET.lower()}",
        f"/{SECRET}x",
        "/ü",
        "/a/b/c",
    ]
    answers = ask(app, *(get(DELIVERED, path) for path in paths), base="")
    assert answers == [answers[0]] * len(paths)
    assert answers[0][:2] == (404, "Not Found")


@given(
    method=st.sampled_from(["GET", "POST"]),
    query=st.binary(max_size=60) | st.just(b"id=m1&status=x"),
    body=st.binary(max_size=60) | st.text('{}[]":,idstau\\x0 ', max_size=60).map(str.encode),
    path=st.text(max_size=20),
)
def test_nothing_that_comes_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, method: str, query: bytes, body: bytes, path: str
) -> None:
    """Whatever bytes come, the answer is one that is written here, and OK exactly when recorded."""
    ledger = tmp_path_factory.getbasetemp() / "any.sqlite"
    Ledger.create(ledger)
    with Ledger.open(ledger) as opened:
        opened.execute("DELETE FROM callback")
    app = smspm.callback_app(ledger, secret=SECRET)
    [answer] = ask(app, Call(method, f"/{path}", query, body))
    assert answer.status in (200, 400, 404)
    assert len(kept_apart(ledger)) == (answer.status == 200)


# --- what is recorded ---------------------------------------------------------------------------


def test_a_callback_resolves_an_unknown_row(new_book: "NewBook") -> None:
    """By our reference and the number, however it is spelled; a price in it is ignored."""
    book = new_book(NUMBERS[:2])
    book.send(Client.simulated(faults="close"))
    assert book.counts() == {"unknown": 2}
    [(reference,)] = book.ask("SELECT id FROM request")
    app = smspm.callback_app(book.path, secret=SECRET)
    told = {"id": "m1", "status": "delivered", "toNumber": "+372 5000-0001", "price": 9}
    [answer] = ask(app, post(json.dumps(told), f"/{reference}"))
    assert answer.text == "OK"
    assert [(row.number, row.status, row.message_id, row.price) for row in book.rows()] == [
        (NUMBERS[0], "unknown", None, None),
        (NUMBERS[1], "delivered", "m1", None),
    ]
    assert kept_apart(book.path) == []


def test_the_same_app_serves_any_loop_and_any_place(ledger: Path) -> None:
    """Mounted below a path, on loops one after the other and at once, it needs no lifespan."""
    app = smspm.callback_app(ledger, secret=SECRET)
    outer = Starlette(routes=[Mount("/sms/in", app)])
    answers: list[str] = []

    def ask_some(start: int) -> None:
        calls = [get(f"id=m{start + step}&status=x") for step in range(50)]
        answers.extend(answer.text for answer in ask(outer, *calls, base=f"/sms/in/{SECRET}"))

    threads = [threading.Thread(target=ask_some, args=(place * 50,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    ask_some(200)
    assert answers == ["OK"] * 250
    assert {row[0] for row in kept_apart(ledger)} == {f"m{place}" for place in range(250)}


def test_what_comes_during_a_commit_shares_the_next_one(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many are taken in few transactions, of at most three hundred, so that others may write."""
    rounds: list[int] = []

    def take(ledger: Ledger, told: Any, *, at: int) -> int:
        rounds.append(len(told))
        return kept.take(ledger, told, at=at)

    monkeypatch.setattr(callbacks, "take", take)
    intake = Intake(ledger)

    async def put_all() -> None:
        with held(ledger):
            puts = [asyncio.ensure_future(intake.put(Callback("x", f"m{n}"))) for n in range(1_000)]
            await until(lambda: 0 < len(intake._waiting) < 1_000)  # a round is under way
        await asyncio.gather(*puts)

    asyncio.run(put_all())
    assert (sum(rounds), max(rounds), len(rounds) <= 5) == (1_000, 300, True)
    assert (intake.came, intake.kept_apart, intake.turned_away) == (1_000, 1_000, 0)
    assert len(kept_apart(ledger)) == 1_000


# --- when it cannot be recorded -----------------------------------------------------------------

AGAIN = (503, "It cannot be written down at this moment. Send it again later.")


def break_off(path: Path, how: str) -> Callable[[], object]:
    """Make a ledger one that cannot be written; return what mends it."""
    aside = path.with_name("aside")
    path.rename(aside)
    if how == "foreign":
        path.write_bytes(b"a file of somebody else" * 100)
    elif how == "a folder":
        path.mkdir()
    elif how == "held":
        aside.rename(path)
        stack = ExitStack()
        stack.enter_context(held(path))
        return stack.close

    def mend() -> None:
        if how == "a folder":
            path.rmdir()
        aside.replace(path)

    return mend


@pytest.mark.parametrize("how", ["missing", "foreign", "a folder", "held"])
def test_what_cannot_be_recorded_is_asked_for_again(
    app: Starlette,
    ledger: Path,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is answered 503, which is said once; sent again when the ledger is back, it is taken."""
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT", 0.01)
    mend = break_off(ledger, how)
    for _ in range(3):
        [answer] = ask(app, get(f"{DELIVERED}&toNumber=37256789045", "/ref"))
        assert (answer.status, answer.text) == AGAIN
        assert answer.headers["retry-after"] == "30"
    mend()
    [answer] = ask(app, get(DELIVERED, "/ref"))
    assert (answer.status, answer.text) == (200, "OK")
    assert kept_apart(ledger) == [("m1", "ref", "", "delivered")]
    [told] = [record.getMessage() for record in caplog.records]
    assert told.startswith("Callbacks are answered 503, so that they come again: ")
    assert str(ledger) in told
    assert not re.search(f"37256789045|{SECRET}|m1", caplog.text)


def test_no_room_is_a_503(app: Starlette, ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, as SQLite tells it, is told to whoever sends as any other trouble."""
    with Ledger.open(ledger) as opened:
        pages = opened.one("PRAGMA page_count")[0]
    usual = connection._connect

    def connect(path: Path) -> Any:
        made = usual(path)
        made.execute(f"PRAGMA max_page_count = {pages}")
        return made

    with monkeypatch.context() as patched:
        patched.setattr(connection, "_connect", connect)
        calls = [get(f"id={'m' * 190}{n}&status={'x' * 200}", f"/{'r' * 200}") for n in range(100)]
        answers = [answer[:2] for answer in ask(app, *calls)]
    assert set(answers) - {(200, "OK")} == {AGAIN}
    assert len(kept_apart(ledger)) == len(answers) - answers.count(AGAIN)
    assert {answer.text for answer in ask(app, *calls)} == {"OK"}
    assert len(kept_apart(ledger)) == 100


def test_a_callback_that_fails_takes_no_other_with_it(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error nobody thought of is a 503 for the guilty one alone; nothing of it is told."""
    rounds: list[int] = []

    def take(ledger: Ledger, told: Any, *, at: int) -> int:
        rounds.append(len(told))
        if any(callback.message_id == "m7" for callback in told):
            raise KeyError("37256789045")
        return kept.take(ledger, told, at=at)

    monkeypatch.setattr(callbacks, "take", take)
    intake = Intake(ledger)
    app = receiver(intake, Secret(SECRET))

    async def ask_all() -> list[int]:
        with held(ledger):
            first = asyncio.ensure_future(_ask(app, get("id=first&status=x"), f"/{SECRET}"))
            await until(lambda: intake._thread is not None and not intake._waiting)
            calls = [_ask(app, get(f"id=m{n}&status=x"), f"/{SECRET}") for n in range(20)]
            rest = [asyncio.ensure_future(call) for call in calls]
            await until(lambda: len(intake._waiting) == 20)
        return [answer.status for answer in await asyncio.gather(first, *rest)]

    for turn in (1, 2):  # the guilty one comes again, and others with it
        assert asyncio.run(ask_all()) == [503 if n == 7 else 200 for n in range(-1, 20)]
        assert (intake.came, intake.kept_apart) == (20 * turn, 20 * turn)
        assert intake.turned_away == turn
        intake.finish()
    assert rounds == [1, 20, *[1] * 20] * 2
    assert {row[0] for row in kept_apart(ledger)} == {
        *("first", *(f"m{n}" for n in range(20) if n != 7))
    }
    assert [record.getMessage() for record in caplog.records] == [
        "Callbacks are answered 503, so that they come again: KeyError, a defect; please report it."
    ] * 2
    assert "37256789045" not in caplog.text


def test_what_waits_is_bounded(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the ledger is held, more than what may wait is turned away at once, and no more."""
    monkeypatch.setattr(callbacks, "MOST_WAITING", 2)
    intake = Intake(ledger)
    app = receiver(intake, Secret(SECRET))

    async def ask_some() -> list[int]:
        with held(ledger):
            first = asyncio.ensure_future(_ask(app, get("id=m0&status=x"), f"/{SECRET}"))
            await until(lambda: intake._thread is not None and not intake._waiting)
            rest = [
                asyncio.ensure_future(_ask(app, get(f"id=m{n}&status=x"), f"/{SECRET}"))
                for n in range(1, 6)
            ]
            await until(lambda: sum(asked.done() for asked in rest) == 3)
        return [answer.status for answer in await asyncio.gather(first, *rest)]

    assert asyncio.run(ask_some()) == [200, 200, 200, 503, 503, 503]
    assert {row[0] for row in kept_apart(ledger)} == {"m0", "m1", "m2"}


def test_whoever_leaves_takes_nobody_along(ledger: Path) -> None:
    """One who is gone before the answer is recorded, and so are those who wait with them."""
    intake = Intake(ledger)

    async def put_some() -> None:
        with held(ledger):
            puts = [asyncio.ensure_future(intake.put(Callback("x", f"m{n}"))) for n in range(3)]
            await until(lambda: intake._thread is not None)
            puts[1].cancel()
            await asyncio.sleep(0)
        done = await asyncio.gather(*puts, return_exceptions=True)
        assert [type(outcome) for outcome in done] == [
            *(type(None), asyncio.CancelledError, type(None))
        ]

    asyncio.run(put_some())
    intake.finish()
    assert {row[0] for row in kept_apart(ledger)} == {"m0", "m1", "m2"}


# --- the secret ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret",
    ["", "canary-15-chars", "canarysecret with space", "canarysecretcanary/", "canarysecrätcanary",
     "canarysecretcanary\n", None, 1234567890123456, Secret("canary")],
)  # fmt: skip
def test_a_secret_that_is_none_is_refused_without_being_told(ledger: Path, secret: Any) -> None:
    """It has sixteen characters that need no escaping; the error says how to make one."""
    with pytest.raises(InvalidArgument) as told:
        smspm.callback_app(ledger, secret=secret)
    assert str(told.value) == (
        "The secret of a callback address (SMSPM_CALLBACK_SECRET) has at least 16 characters, "
        "which are letters, digits or any of -._~. To make one: "
        'python -c "import secrets; print(secrets.token_urlsafe(24))"'
    )
    whole = traceback.TracebackException.from_exception(told.value, capture_locals=True)
    ours = [frame for frame in whole.stack if "smspm_campaigns" in frame.filename]
    assert ours
    assert "canary" not in str([frame.locals for frame in ours])


def test_the_secret_is_in_nothing_that_can_be_looked_at(app: Starlette, ledger: Path) -> None:
    """Only a digest of it is kept, and the ledger does not know it."""
    assert ask(app, get(DELIVERED))[0].text == "OK"
    seen: list[object] = [app]
    for looked_at in seen:
        assert SECRET not in f"{looked_at!r}{looked_at}"
        inside = getattr(looked_at, "__dict__", None) or looked_at
        seen += [
            value
            for value in (
                inside.values()
                if isinstance(inside, dict)
                else inside
                if isinstance(inside, list | tuple)
                else ()
            )
            if id(value) not in {id(other) for other in seen}
        ]
    assert len(seen) > 20
    assert SECRET.encode() not in b"".join(p.read_bytes() for p in ledger.parent.glob("*"))


# --- over sockets -------------------------------------------------------------------------------


class Served(NamedTuple):
    """A receiver on a port of this machine."""

    intake: Intake
    port: int

    @property
    def report_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{SECRET}"

    def talk(self, told: bytes, *, leaves: bool = False) -> bytes:
        """Write this on a connection of its own, and return whatever comes until it ends."""
        with create_connection(("127.0.0.1", self.port), PATIENCE) as wire:
            came = b""
            with suppress(ConnectionError):  # whoever is refused may be cut off while it writes
                wire.sendall(told)
                if leaves:
                    wire.shutdown(SHUT_WR)
                while some := wire.recv(65536):
                    came += some
            return came


@contextmanager
def serving(ledger: Path) -> Iterator[Served]:
    """Serve a receiver as the command does, in a thread."""
    intake, ready = Intake(ledger), threading.Event()
    listener = listen_on("127.0.0.1", 0)
    server = _Server(intake, Secret(SECRET), ready.set, lambda: None)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    port = listener.getsockname()[1]
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield Served(intake, port)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
    assert not thread.is_alive()


def written(call: Call, *, last: bool = False) -> bytes:
    """A call as it is on the wire; the last one on a connection says so."""
    query = f"?{call.query!s}" if call.query else ""
    headers = {"host": "receiver", "content-length": str(len(call.body))} | call.headers
    headers |= {"connection": "close"} if last else {}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{call.method} /{SECRET}{call.path}{query} HTTP/1.1\r\n{head}\r\n".encode() + call.body


def statuses(came: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+) ", came)]


def told_of(rows: Iterable[RowRecord], word: str) -> Iterator[Call]:
    """Tell this word of each row, in each way in turn."""
    for place, row in enumerate(rows):
        fields = {"id": row.message_id, "status": word, "toNumber": row.number}
        match place % 3:
            case 0:
                yield get(urlencode(fields))
            case 1:
                yield post(urlencode(fields), **FORM)
            case 2:
                yield post(json.dumps(fields), **JSON)


async def burst(port: int, calls: Sequence[Call], *, connections: int) -> Counter[bytes]:
    """Make calls over so many connections, one after the other on each; count the answers."""
    left = iter(calls)
    answers: Counter[bytes] = Counter()

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for call in left:
            writer.write(written(call))
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length
            answers[head[9:12] + b" " + await reader.readexactly(int(length[1]))] += 1
        writer.close()
        await writer.wait_closed()

    async with asyncio.timeout(2 * PATIENCE):
        await asyncio.gather(*(work() for _ in range(connections)))
    return answers


def test_ten_thousand_in_a_burst_are_all_recorded(new_book: "NewBook") -> None:
    """Over a hundred connections each is answered OK, and each row has its final word."""
    book = new_book(NUMBERS)
    book.send(Client.simulated())
    calls = [*told_of(book.rows(), "delivered")]
    with serving(book.path) as served:
        answers = asyncio.run(burst(served.port, calls, connections=100))
    assert answers == {b"200 OK": 10_000}
    assert (served.intake.came, served.intake.kept_apart) == (10_000, 0)
    assert book.counts() == {"delivered": 10_000}


def test_a_thousand_wrong_secrets_reach_nothing(ledger: Path) -> None:
    """Each is answered 404, and the next right one is taken."""
    calls = [get(DELIVERED, f"{place}") for place in range(1_000)]
    with serving(ledger) as served:
        for call in calls[:100]:
            assert statuses(served.talk(written(call))) == [404]
        assert statuses(served.talk(b"".join(map(written, calls[100:])))) == [404]  # and cut off
        assert statuses(served.talk(written(get(DELIVERED), last=True))) == [200]
    assert kept_apart(ledger) == [PLAIN]


GOOD = get(DELIVERED)
CHUNKED = b"POST /%s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" % SECRET.encode()
ON_THE_WIRE: dict[str, tuple[bytes, list[int]]] = {
    "pipelined": (
        b"".join(map(written, (GOOD, post("id=m1&status=x"), get("x=1"))))
        + written(get("id=m2&status=x"), last=True),
        [200, 200, 400, 200],
    ),
    "chunked": (
        CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        + b"e\r\nid=m1&status=x\r\n0\r\n\r\n",
        [200],
    ),
    "chunked without end": (CHUNKED + b"400\r\n%s\r\n" % (b"x" * 1_024) * 64, [413]),
    "a length that lies": (written(post("id=m1&status=x", content_length="20000")), [413]),
    "two lengths": (written(post("id=m1", content_length="5\r\ncontent-length: 6")), [400]),
    "a huge header": (written(Call("GET", "", DELIVERED, b"", {"a": "x" * 200_000})), [400]),
    "a header without end": (b"GET / HTTP/1.1\r\na: " + b"x" * 200_000, [400]),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", [400]),
    "nothing": (b"", []),
    "half a head": (written(GOOD)[:20], []),
    "half a body": (written(post(DELIVERED))[:-5], []),
}


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_what_is_odd_on_the_wire_harms_nobody(
    ledger: Path, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is refused, or taken if it is a callback; the next is answered, and nothing logged."""
    told, expected = ON_THE_WIRE[name]
    with serving(ledger) as served:
        came = served.talk(told, leaves=not expected)
        assert statuses(came) in (expected, [] if len(told) > 60_000 else expected)
        assert b"Traceback" not in came
        assert b"server:" not in came
        assert statuses(served.talk(written(GOOD, last=True))) == [200]
    assert PLAIN in kept_apart(ledger)
    assert (caplog.text, capfd.readouterr()) == ("", ("", ""))


def test_a_slow_body_ends(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins a body and does not go on is told so, and cut off."""
    monkeypatch.setattr(callbacks, "BODY_WITHIN", 0.05)
    with serving(ledger) as served:
        came = served.talk(written(post(DELIVERED))[:-5])
    assert statuses(came) == [408]
    assert came.endswith(b"A callback arrives within 0.05 seconds.")
    assert kept_apart(ledger) == []


def test_a_client_that_is_gone_is_recorded(ledger: Path) -> None:
    """Nobody waits for the answer any more; what was told is kept, and others are answered."""
    with serving(ledger) as served:
        with held(ledger):
            for place in range(20):
                with create_connection(("127.0.0.1", served.port), PATIENCE) as wire:
                    wire.sendall(written(get(f"id=m{place}&status=x")))
        assert statuses(served.talk(written(get("id=m20&status=x"), last=True))) == [200]
        asyncio.run(until(lambda: served.intake.came == 21))
    assert {row[0] for row in kept_apart(ledger)} == {f"m{place}" for place in range(21)}


# --- a whole campaign ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        Callbacks(style="query"),
        Callbacks(style="form", copies=3),
        Callbacks(style="json", final_first=True, copies=2),
    ],
    ids=["query", "form, three of each", "json, the last word first, two of each"],
)
def test_a_campaign_ends_by_callbacks_alone(new_book: "NewBook", told: Callbacks) -> None:
    """Two runs send from one ledger, each with a receiver of its own: every row gets its last word.

    One request in ten breaks off after it was taken; its callbacks say so.
    """
    rows = [(number, f"Hi {number}") for number in NUMBERS[:60]]
    book = new_book([*rows, *NUMBERS[60:300]])
    simulator: dict[str, Any] = {
        **dict.fromkeys(("submit_after", "final_after", "spread"), 0.0),
        "failing": NUMBERS[::7],
        "faults": dict.fromkeys(range(0, 70, 10), Fault("close", taken=True)),
        "callbacks": told,
    }
    with serving(book.path) as one, serving(book.path) as other:
        sends = [
            book.start(Client.simulated(**simulator), report_url=receiving.report_url)
            for receiving in (one, other)
        ]
        assert all(run.wait(PATIENCE) for run in sends)
        calls = 300 * 2 * told.copies  # submitted, and the last word
        asyncio.run(until(lambda: one.intake.came + other.intake.came == calls))
    assert {row.number for row in book.rows() if row.status == "failed"} == set(NUMBERS[:300:7])
    assert kept_apart(book.path) == []
    assert one.intake.turned_away == other.intake.turned_away == 0
