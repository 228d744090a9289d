import errno
import os
import shutil
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import platformdirs
import pytest

from smspm_campaigns.delivery.ledger import Ledger, default_path
from smspm_campaigns.delivery.ledger.connection import SCHEMA_VERSION
from smspm_campaigns.exceptions import LedgerError
from smspm_campaigns.gateway.client import Client

if TYPE_CHECKING:
    from conftest import Clock, NewBook

PAGE = 4096  # bytes, as SQLite lays out a file
NOBODY = 65534  # the user whom files do not belong to


def said(use: Callable[[], object]) -> str:
    with pytest.raises(LedgerError) as caught:
        use()
    return str(caught.value)


def opened(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.execute("SELECT count(*) FROM campaign")


def test_a_new_ledger_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """It holds numbers and texts, whatever the umask says; nothing else is left in the folder."""
    path = tmp_path / "a" / "b" / "ledger.sqlite"
    before = os.umask(0)
    try:
        assert Ledger.create(path)
    finally:
        os.umask(before)
    opened(path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Ledger.open(path) as ledger:
        ledger.execute("UPDATE ledger SET key = zeroblob(32)")
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert not list(path.parent.glob("*.new"))


def test_an_existing_ledger_is_left_as_it_is(tmp_path: Path) -> None:
    """Making it again makes nothing."""
    path = tmp_path / "ledger.sqlite"
    assert [Ledger.create(path), Ledger.create(path)] == [True, False]
    content = path.read_bytes()
    assert not Ledger.create(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_who_make_a_ledger_one_does(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second finds the first one's, also on a file system without hard links."""

    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "ledger.sqlite"
    made: list[bool] = []
    together = threading.Barrier(8)

    def make() -> None:
        together.wait()
        made.append(Ledger.create(path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 7 + [True]
    opened(path)
    assert [file.name for file in tmp_path.iterdir() if "journal" not in file.name] == [path.name]


def test_every_commit_is_on_disk_and_what_is_erased_is_gone(new_book: "NewBook") -> None:
    """The settings that the promise rests on hold for every connection."""
    for _ in range(2):
        with new_book([]).open() as ledger:
            settings = {
                name: ledger.one(f"PRAGMA {name}")[0]
                for name in ("synchronous", "foreign_keys", "secure_delete", "busy_timeout")
            }
            mode = ledger.one("PRAGMA journal_mode")[0]
        assert settings == {
            "synchronous": 2,  # FULL
            "foreign_keys": 1,
            "secure_delete": 1,
            "busy_timeout": 30_000,
        }
        sound = sqlite3.sqlite_version_info >= (3, 51, 3)
        assert mode == "wal" if sound else mode in {"wal", "persist"}


def test_a_ledger_has_a_key_of_its_own(new_book: "NewBook") -> None:
    """Digests of one ledger say nothing in another."""
    keys = []
    for book in (new_book([]), new_book([])):
        with book.open() as ledger:
            keys += [ledger.key(), ledger.key()]
    assert [len(key) for key in keys] == [32] * 4
    assert keys[0] == keys[1] != keys[2] == keys[3]


# --- what is no ledger --------------------------------------------------------------------------


def test_opening_never_makes_a_file(tmp_path: Path) -> None:
    """A missing ledger is a sentence, not a new one: an old campaign is somewhere else."""
    path = tmp_path / "ledger.sqlite"
    assert said(lambda: opened(path)) == (
        f"There is no ledger at {path}. Campaign.create makes one; or say where yours is: "
        "ledger=… or SMSPM_LEDGER."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    """Neither to open nor to make."""
    sentence = f"{tmp_path} is a folder. A ledger is a file: name one inside it."
    assert said(lambda: opened(tmp_path)) == sentence
    assert said(lambda: Ledger.create(tmp_path)) == sentence


def test_a_path_through_a_file_is_a_sentence(tmp_path: Path) -> None:
    """Its folder cannot be made."""
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / "ledger.sqlite"
    assert said(lambda: Ledger.create(path)) == (
        f"No folder for the ledger at {path.parent}: {os.strerror(errno.EEXIST)}."
    )
    assert said(lambda: opened(path)).startswith(f"There is no ledger at {path}.")


def test_a_name_too_long_for_a_file_is_a_sentence(tmp_path: Path) -> None:
    """The system's refusal is passed on as ours."""
    path = tmp_path / ("x" * 300)
    sentence = f"The ledger at {path} cannot be reached: {os.strerror(errno.ENAMETOOLONG)}."
    if os.name == "posix":
        assert said(lambda: opened(path)) == sentence
        assert said(lambda: Ledger.create(path)) == sentence


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()


def newer(path: Path) -> None:
    Ledger.create(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


def damaged(path: Path) -> None:
    Ledger.create(path)
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)  # all but the header
    path.write_bytes(content)


def damaged_header(path: Path) -> None:
    Ledger.create(path)
    path.write_bytes(b"\xff" * 100 + path.read_bytes()[100:])


def cut_short(path: Path) -> None:
    Ledger.create(path)
    os.truncate(path, 5000)


NO_LEDGER = "is not a ledger, or a damaged one; name another file, or restore a backup (file is not"
EMPTY = "is empty. If it was your ledger, restore it from a backup before you send anything;"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.write_text("phone;name\n" * 200), NO_LEDGER),
        (lambda path: path.write_bytes(b""), EMPTY),
        (other_program, "is a database of another program, not a ledger. Name another file."),
        (newer, "was written by a newer version of smspm-campaigns. Upgrade:"),
        (damaged_header, NO_LEDGER),
        (damaged, "is damaged; restore it from a backup before you send anything"),
        (cut_short, "is damaged; restore it from a backup before you send anything"),
    ],
)
def test_what_is_no_ledger_of_this_version_is_said_and_left_alone(
    make: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    """Foreign, newer or damaged: a sentence, no other file, and not a byte changed."""
    path = tmp_path / "ledger.sqlite"
    make(path)
    content = path.read_bytes()
    assert sentence in said(lambda: opened(path))
    assert path.read_bytes() == content
    assert not Ledger.create(path)
    assert [file.name for file in tmp_path.iterdir() if "journal" not in file.name] == [path.name]


def test_a_ledger_that_cannot_be_written_is_said(new_book: "NewBook") -> None:
    """Held by another program after half a minute, which a test need not wait for; or read-only."""
    book = new_book([])
    other = sqlite3.connect(book.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with book.open() as ledger:
            ledger.execute("PRAGMA busy_timeout = 0")
            assert said(lambda: ledger.transaction().__enter__()) == (
                f"The ledger at {book.path} is held by another program; close that one, or try "
                "again (database is locked)."
            )
    finally:
        other.close()
    with book.open() as ledger:
        ledger.execute("PRAGMA query_only = ON")
        assert said(lambda: ledger.execute("DELETE FROM campaign")) == (
            f"The ledger at {book.path} may not be written; check its permissions (attempt to "
            "write a readonly database)."
        )


def test_a_ledger_that_is_read_only_is_read_and_nothing_is_sent(
    new_book: "NewBook", clock: "Clock", monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the system lets nobody write the file: what is in it can still be looked at."""
    book, client = new_book(["37250000000"]), Client.simulated(clock=clock)
    connect = sqlite3.connect

    def read_only(address: str, **options: Any) -> object:
        return connect(address.replace("mode=rw", "mode=ro"), **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    assert book.statuses() == {"37250000000": "planned"}
    assert said(lambda: book.send(client)) == (
        f"The ledger at {book.path} may not be written; check its permissions (attempt to write a "
        "readonly database)."
    )
    assert client.simulator.requests == 0


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Be somebody else for a while if this is an administrator, whom no permission binds."""
    administrator = os.geteuid() == 0
    if administrator:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if administrator:
            os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of folders are no modes there")
def test_a_folder_that_is_read_only_is_said() -> None:
    """No ledger is made in it, and one that is there is not written."""
    with TemporaryDirectory() as name:  # pytest's own are closed to others
        path, another = Path(name, "ledger.sqlite"), Path(name, "another.sqlite")
        Ledger.create(path)
        opened(path)
        files = set(path.parent.iterdir())
        for file in files:
            file.chmod(0o666)
        path.parent.chmod(0o555)
        with bound_by_permissions():
            told = said(lambda: written(path))
            of_another = said(lambda: Ledger.create(another))
        path.parent.chmod(0o700)
        assert told.removeprefix(f"The ledger at {path} ").partition(" (")[0] in (
            "lies in a folder that may not be written; check its permissions",
            # where it needs a log there
            "cannot be opened; check the path, its permissions, and how many files are open",
        )
        assert of_another == f"The ledger at {another} cannot be made: {os.strerror(errno.EACCES)}."
        assert set(path.parent.iterdir()) == files


def written(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.execute("UPDATE ledger SET key = zeroblob(32)")


@pytest.mark.skipif(sys.platform == "win32", reason="a file in use cannot be moved there")
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("deleted", "disk I/O error"),
        ("moved", "disk I/O error"),
        ("replaced", "attempt to write a readonly database"),
    ],
)
def test_a_ledger_that_goes_away_while_it_is_used_is_said(
    new_book: "NewBook", tmp_path: Path, how: str, reason: str
) -> None:
    """Nothing more is written, no new file is made, and one in its place is left alone."""
    book = new_book(["37250000000"])
    with book.open() as ledger:
        if ledger.one("PRAGMA journal_mode") == ("wal",):
            pytest.skip("with a log of its own, SQLite does not look")
        if how == "replaced":
            shutil.copy(book.path, tmp_path / "copy")
            (tmp_path / "copy").replace(book.path)
        elif how == "moved":
            book.path.rename(tmp_path / "elsewhere")
        else:
            book.path.unlink()
        assert said(lambda: ledger.execute("UPDATE recipient SET detail = 'x'")) == (
            f"The ledger at {book.path} was moved or deleted while it was in use; put it back, "
            f"then run it again ({reason})."
        )
    if how == "replaced":
        assert book.ask("SELECT detail FROM recipient") == [(None,)]
    else:
        assert "is left of it. Put it back." in said(lambda: opened(book.path))
        assert not book.path.exists()


@pytest.mark.parametrize("end", ["-journal", "-wal", ".owners"])
def test_no_new_ledger_is_made_where_one_has_gone(tmp_path: Path, end: str) -> None:
    """A new one would not know who was texted; the sentence says so, whoever looks for it."""
    path = tmp_path / "ledger.sqlite"
    left = tmp_path / f"ledger.sqlite{end}"
    left.write_bytes(b"what is not in the ledger yet")
    for look in (lambda: Ledger.create(path), lambda: opened(path)):
        assert said(look) == (
            f"There was a ledger at {path}: {left.name} is left of it. Put it back. Only when all "
            "that is left of it is deleted too, a new one can be made, which does not know who was "
            "texted from the old one."
        )
    assert list(tmp_path.iterdir()) == [left]
    left.unlink()
    assert Ledger.create(path)
    opened(path)


def test_what_is_no_file_is_no_ledger(tmp_path: Path) -> None:
    """A link to nowhere, one to itself, and a pipe: each is said, and nothing is made."""
    places = {name: tmp_path / name for name in ("nowhere", "circle", "pipe")}
    places["nowhere"].symlink_to(tmp_path / "gone")
    places["circle"].symlink_to(places["circle"])
    os.mkfifo(places["pipe"])
    nowhere, circle, pipe = places.values()
    looks: list[Callable[[Path], object]] = [Ledger.create, opened]
    for look in looks:
        assert [said(partial(look, path)) for path in places.values()] == [
            f"{nowhere} is a link to a file that is not there. Mend it.",
            f"The ledger at {circle} cannot be reached: {os.strerror(errno.ELOOP)}.",
            f"{pipe} is no file, so it cannot be a ledger. Name another place.",
        ]
    assert sorted(tmp_path.iterdir()) == sorted(places.values())


def test_a_damaged_page_is_said_when_it_is_read(new_book: "NewBook", clock: "Clock") -> None:
    """Whichever it is: rows are told as they were or not at all, and nobody is texted twice."""
    numbers = [str(37250000000 + step) for step in range(200)]
    book = new_book([(number, f"Hi {place // 50}") for place, number in enumerate(numbers)])
    whole, rows = book.path.read_bytes(), book.rows()
    sentence = (
        f"The ledger at {book.path} is damaged; restore it from a backup before you send anything "
        "(database disk image is malformed)."
    )
    found: list[bool] = []
    for start in range(PAGE, len(whole), PAGE):
        book.path.write_bytes(whole[:start] + b"\xa5" * PAGE + whole[start + PAGE :])
        client = Client.simulated(clock=clock)
        told = [outcome(book.rows), outcome(partial(book.send, client))]
        assert told[0] in (rows, sentence), f"page at byte {start}"
        assert told[1] in (None, sentence), f"page at byte {start}"
        found.append(sentence in told)
        received = [entry["toNumber"] for entry in client.simulator.accepted]
        assert len(received) == len(set(received)), f"page at byte {start}"
    assert found.count(True) > len(found) / 2


def outcome(use: Callable[[], object]) -> object:
    try:
        return use()
    except LedgerError as error:
        return str(error)


def test_a_full_disk_is_said_and_nothing_is_half_written(new_book: "NewBook") -> None:
    """What does not fit is not there at all, and smaller things still are."""
    book = new_book(["37250000000"])
    with book.open() as ledger:
        ledger.execute(f"PRAGMA max_page_count = {ledger.one('PRAGMA page_count')[0]}")

        def write() -> None:
            with ledger.transaction():
                ledger.execute("UPDATE recipient SET detail = 'x'")
                ledger.execute("UPDATE campaign SET manifest = ?", ["x" * 100_000])

        assert said(write) == (
            f"The ledger at {book.path} has no room: the disk is full. Make room and run it again "
            "(database or disk is full)."
        )
        assert ledger.one("SELECT detail FROM recipient") == (None,)


# --- transactions -------------------------------------------------------------------------------


def test_a_transaction_is_all_or_nothing(new_book: "NewBook") -> None:
    """An error inside leaves nothing behind, and the connection can go on."""
    book = new_book(["37250000000"])

    def fail(ledger: Ledger) -> None:
        with ledger.transaction():
            ledger.execute("UPDATE recipient SET detail = 'x'")
            raise ZeroDivisionError

    with book.open() as ledger:
        with pytest.raises(ZeroDivisionError):
            fail(ledger)
        with ledger.transaction():
            ledger.execute("UPDATE recipient SET line = 'y'")
    assert book.ask("SELECT detail, line FROM recipient") == [(None, "y")]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE recipient SET status = 'sent'",
        "UPDATE recipient SET standing = 'excluded'",  # without a problem
        "UPDATE recipient SET number = NULL",
        "UPDATE recipient SET request_size = 101",
        "INSERT INTO event (recipient_id, at, status, evidence) VALUES (9, 0, 'queued', 'x')",
        "INSERT INTO event (recipient_id, at, status, evidence) VALUES (1, 0, 'sent', 'x')",
        "INSERT INTO event (attempt_id, at, status, evidence) VALUES (1, 0, 'queued', 'x')",
        "INSERT INTO trial (recipient_id, gateway, number, at, status) VALUES (1, '', '', 0, 'x')",
        "DELETE FROM content",
    ],
)
def test_the_schema_keeps_its_word(new_book: "NewBook", sql: str) -> None:
    """What contradicts the life of a row cannot be written, whoever tries."""
    book = new_book(["37250000000"])
    assert "constraint failed" in said(lambda: book.ask(sql))


def test_the_ledger_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one per user, in the platform's folder."""
    monkeypatch.setenv("SMSPM_LEDGER", str(tmp_path / "here.sqlite"))
    assert default_path() == tmp_path / "here.sqlite"
    monkeypatch.setenv("SMSPM_LEDGER", "~/here.sqlite")
    assert default_path() == Path.home() / "here.sqlite"
    monkeypatch.delenv("SMSPM_LEDGER")
    folder = platformdirs.user_data_dir("smspm-campaigns", appauthor=False)
    assert default_path() == Path(folder) / "ledger.sqlite"


def test_the_journal_is_one_that_loses_no_commit(new_book: "NewBook") -> None:
    """WAL only where the linked SQLite is free of the WAL-reset bug; synchronous always FULL."""
    version = sqlite3.sqlite_version_info
    sound = (
        version >= (3, 51, 3)
        or (3, 50, 7) <= version < (3, 51, 0)
        or (3, 44, 6) <= version < (3, 45, 0)
    )
    with new_book(["37250000000"]).open() as ledger:
        assert ledger.one("PRAGMA journal_mode")[0] == ("wal" if sound else "persist")
        assert ledger.one("PRAGMA synchronous")[0] == 2
