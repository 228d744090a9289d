"""Opening a ledger, explicit transactions, and sentences for what SQLite says."""

import itertools
import os
import secrets
import sqlite3
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import platformdirs

from smspm_campaigns.delivery.ledger.locks import is_anybody_sending
from smspm_campaigns.exceptions import LedgerError

APPLICATION_ID: Final = 0x534D5350  # "SMSP", in the header of the file
SCHEMA_VERSION: Final = 5

_BUSY_TIMEOUT: Final = 30.0  # seconds to wait for another writer

_IS_HELD: Final = "is held by another program; close that one, or try again"
_IS_GONE: Final = "was moved or deleted while it was in use; put it back, then run it again"

#: What the beginning of SQLite's name of an error means; the first that fits counts.
_ADVICE: Final = (
    ("SQLITE_BUSY", _IS_HELD),
    ("SQLITE_LOCKED", _IS_HELD),
    ("SQLITE_FULL", "has no room: the disk is full. Make room and run it again"),
    ("SQLITE_READONLY_DBMOVED", _IS_GONE),
    (
        "SQLITE_READONLY_DIRECTORY",
        "lies in a folder that may not be written; check its permissions",
    ),
    ("SQLITE_READONLY", "may not be written; check its permissions"),
    (
        "SQLITE_CANTOPEN",
        "cannot be opened; check the path, its permissions, and how many files are open",
    ),
    ("SQLITE_NOTADB", "is not a ledger, or a damaged one; name another file, or restore a backup"),
    ("SQLITE_CORRUPT", "is damaged; restore it from a backup before you send anything"),
    ("SQLITE_IOERR_FSTAT", _IS_GONE),
    ("SQLITE_IOERR", "cannot be read or written: the disk fails. Check it, then run it again"),
)


def default_path() -> Path:
    """Return where the ledger is: `SMSPM_LEDGER`, else one per user in the platform's folder."""
    named = os.environ.get("SMSPM_LEDGER")
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_data_dir("smspm-campaigns", appauthor=False)) / "ledger.sqlite"


class Ledger:
    """One connection to a ledger file. Use it in one thread, as a context manager."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["Ledger"]:
        """Open an existing ledger. One of an older version becomes one of this version.

        Raises:
            LedgerError: there is none, or it is foreign, newer or damaged.
        """
        if not _exists(path):
            _check_that_none_was_there(path)
            raise LedgerError(
                f"There is no ledger at {path}. Campaign.create makes one; or say where yours is: "
                "ledger=… or SMSPM_LEDGER."
            )
        with _sentences(path):
            connection = _connect(path)
            try:
                _check(connection, path)
                _migrate(connection, path)
                connection.execute("PRAGMA journal_mode = PERSIST")  # older SQLites break a WAL
                yield cls(path, connection)
            finally:
                connection.close()

    @classmethod
    def create(cls, path: Path) -> bool:
        """Make a ledger where there is none yet, readable by its owner alone; tell whether it did.

        Raises:
            LedgerError: the folder cannot be made or written, or the ledger there has gone.
        """
        if _exists(path):
            return False
        _check_that_none_was_there(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"No folder for the ledger at {path.parent}: {error.strerror}."
            ) from None
        building = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        with _sentences(path):
            try:
                os.close(os.open(building, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                _build(building)
                return _put_in_place(building, path)
            except OSError as error:
                raise LedgerError(
                    f"The ledger at {path} cannot be made: {error.strerror}."
                ) from None
            finally:
                building.unlink(missing_ok=True)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Do all of it, or nothing, within a transaction that goes on when it fails."""
        self.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # else all of it has failed
                self.execute("ROLLBACK TO attempt")
            raise
        finally:
            if self._connection.in_transaction:
                self.execute("RELEASE attempt")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of it, or nothing; on disk when it ends."""
        with _sentences(self.path):
            self._roll_back()  # what could not be rolled back when it failed
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> sqlite3.Cursor:
        with _sentences(self.path):
            return self._connection.execute(sql, tuple(parameters))

    def executemany(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with _sentences(self.path):
            self._connection.executemany(sql, rows)

    def values(self, sql: str, rows: Sequence[Sequence[Any]], *before: Any) -> sqlite3.Cursor:
        """Execute one statement over many rows, which stand where it says VALUES (rows).

        `before` are its other parameters, which stand before the rows.

        One step for all of them gives up the interpreter once, and not for each row.
        """
        row = f"({', '.join('?' * len(rows[0]))})"
        with_rows = sql.replace("(rows)", ", ".join([row] * len(rows)))
        return self.execute(with_rows, itertools.chain(before, *rows))

    def insert(self, sql: str, *parameters: Any) -> int:
        """Insert one row and return its id."""
        return int(self.execute(sql, parameters).lastrowid or 0)

    def one(self, sql: str, *parameters: Any) -> Any:
        """Return the first row of a query, or None."""
        with _sentences(self.path):
            return self.execute(sql, parameters).fetchone()

    def all(self, sql: str, *parameters: Any) -> list[Any]:
        """Return every row of a query."""
        with _sentences(self.path):
            return self.execute(sql, parameters).fetchall()

    def version(self) -> int:
        """Return a number that changes when anybody else has written."""
        return int(self.one("PRAGMA data_version")[0])

    def key(self) -> bytes:
        """Return the key of this ledger's digests."""
        return bytes(self.one("SELECT key FROM ledger")[0])


def _build(path: Path) -> None:
    connection = _connect(path)
    try:
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = "
            f"{SCHEMA_VERSION}; {_script('schema.sql')} COMMIT;"
        )
        connection.execute("INSERT INTO ledger (key) VALUES (?)", (secrets.token_bytes(32),))
    finally:
        connection.close()


def _script(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Take an older ledger to this version, all of it or nothing, and under nobody's hands."""
    if _version(connection) == SCHEMA_VERSION:
        return
    # A table that others refer to is made anew: nothing of theirs goes with the old one.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA legacy_alter_table = ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)  # somebody may have been quicker
        if found < SCHEMA_VERSION and is_anybody_sending(path):
            raise LedgerError(
                f"The ledger at {path} is of an older version of smspm-campaigns, which is sending "
                "from it at this moment. Let that end, then try again."
            )
        for version in range(found, SCHEMA_VERSION):
            for statement in _statements(_script(f"to_version_{version + 1}.sql")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("PRAGMA legacy_alter_table = OFF")
        connection.execute("PRAGMA foreign_keys = ON")


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script: Python's own way to run one would commit before it."""
    statement = ""
    for piece in script.split(";"):
        statement += piece
        if sqlite3.complete_statement(f"{statement};"):
            yield statement
            statement = ""
        else:  # a semicolon in a comment
            statement += ";"


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _put_in_place(building: Path, path: Path) -> bool:
    """Move a finished ledger to its name, unless somebody was quicker."""
    if sys.platform == "win32":  # a rename there never replaces
        try:
            building.rename(path)
        except FileExistsError:
            return False
        return True
    try:
        os.link(building, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: take the name first, so that only one can
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        building.replace(path)
    return True


def _exists(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if not path.is_symlink():
            return False
        raise LedgerError(f"{path} is a link to a file that is not there. Mend it.") from None
    except OSError as error:
        raise LedgerError(f"The ledger at {path} cannot be reached: {error.strerror}.") from None
    if stat.S_ISDIR(mode):
        raise LedgerError(f"{path} is a folder. A ledger is a file: name one inside it.")
    if not stat.S_ISREG(mode):
        raise LedgerError(f"{path} is no file, so it cannot be a ledger. Name another place.")
    return True


def _check_that_none_was_there(path: Path) -> None:
    """Refuse a place where traces of a ledger are left: a new one would not know who was texted."""
    for end in ("-journal", "-wal", ".owners"):
        left = path.with_name(path.name + end)
        if os.path.lexists(left) and not _exists(path):  # somebody may have made one just now
            raise LedgerError(
                f"There was a ledger at {path}: {left.name} is left of it. Put it back. Only when "
                "all that is left of it is deleted too, a new one can be made, which does not "
                "know who was texted from the old one."
            )


def _connect(path: Path) -> sqlite3.Connection:
    place = quote(path.absolute().as_posix(), safe="/:")
    uri = f"file://{'' if place.startswith('/') else '/'}{place}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # what reaches the disk, on macOS
        connection.execute("PRAGMA secure_delete = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = _version(connection)
    if application != APPLICATION_ID or version < 1:
        if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
            raise LedgerError(
                f"{path} is empty. If it was your ledger, restore it from a backup before you send "
                "anything; else name another file."
            )
        raise LedgerError(
            f"{path} is a database of another program, not a ledger. Name another file."
        )
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"{path} was written by a newer version of smspm-campaigns. Upgrade: "
            "python -m pip install --upgrade smspm-campaigns."
        )


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(f"The ledger at {path} {_advice(error)} ({error}).") from error


def _advice(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    return next(
        (advice for start, advice in _ADVICE if name.startswith(start)),
        "cannot do what was asked; this is a defect of smspm-campaigns, please report it",
    )
