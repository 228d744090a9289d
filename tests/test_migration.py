"""A ledger of an older version becomes one of this version, and nothing in it is lost."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import looking
import pytest

from smspm_campaigns.delivery.ledger import Ledger, connection, locks, owners, read, rounds, runs
from smspm_campaigns.delivery.ledger.claim import Claimer, Order
from smspm_campaigns.delivery.ledger.read import Change
from smspm_campaigns.delivery.ledger.runs import RunRecord
from smspm_campaigns.exceptions import LedgerError

if TYPE_CHECKING:
    from conftest import OldLedger


@pytest.fixture
def old(old_ledger: "OldLedger") -> Path:
    return old_ledger(1)


def version(path: Path) -> int:
    looking = sqlite3.connect(path)
    try:
        return int(looking.execute("PRAGMA user_version").fetchone()[0])
    finally:
        looking.close()


def schema(path: Path) -> list[tuple[str, str]]:
    """Return what there is in a ledger, spelled alike whatever its comments and spaces."""
    looking = sqlite3.connect(path)
    try:
        made = looking.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return sorted((name, _plain(sql)) for name, sql in made.fetchall())
    finally:
        looking.close()


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"--.*", "", sql)).replace(" ,", ",").replace(" )", ")")


def test_everything_is_found_again(old: Path) -> None:
    """Rows, attempts and the history of an old ledger, with the errors its attempts had."""
    with Ledger.open(old) as ledger:
        rows = looking.rows(ledger, 7)
        assert [(row.number, row.status, row.message_id, row.error, row.price) for row in rows] == [
            ("37250000000", "delivered", "id-1", None, 60),
            ("37250000001", "unknown", None, "no element", None),
            ("37250000002", "planned", None, "429", None),
            (None, "excluded", None, None, None),
        ]
        assert looking.history(ledger, 7) == [
            Change(0, 3, "sending", "claim", "r", "id-1", None),
            Change(1, 3, "sending", "claim", "r", None, None),
            Change(2, 3, "sending", "claim", "r", None, None),
            Change(0, 5, "queued", "reply", "r", "id-1", None),
            Change(1, 5, "unknown", "reply", "r", None, "no element"),
            Change(2, 5, "planned", "reply", "r", None, "429"),
            Change(0, 8, "delivered", "poll", "r", "id-1", None),
        ]
        found = ledger.execute("SELECT id, recipient_id, attempt_id FROM event ORDER BY id")
        assert found.fetchall() == [
            (31, 11, 21),
            (32, 12, 22),
            (33, 13, 23),
            (34, 11, 21),
            (35, 12, 22),
            (36, 13, 23),
            (37, 11, 21),
        ]


def test_an_old_campaign_goes_on(old: Path) -> None:
    """What was planned is claimed, and nothing else."""
    with Ledger.open(old) as ledger, owners.hold(ledger, lambda: 10) as owner:
        claimer = Claimer(Order(7, owner, "simulated", None))
        made = rounds.keep(ledger, claimer, [], most=2, most_rows=100, at=11)
        assert [claimed.numbers for claimed in made.claims] == [["37250000002"]]


def test_an_old_ledger_is_then_like_a_new_one(old: Path, tmp_path: Path) -> None:
    """Table by table and index by index; and the second opening changes nothing."""
    new = tmp_path / "new.sqlite"
    Ledger.create(new)
    for _ in range(2):
        with Ledger.open(old) as ledger:
            assert ledger.one("PRAGMA foreign_key_check") is None
            assert ledger.one("PRAGMA integrity_check") == ("ok",)
        assert schema(old) == schema(new)
        assert version(old) == version(new) == connection.SCHEMA_VERSION


def test_an_old_ledger_changes_as_a_whole_or_not_at_all(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step fails, it is the old one still, and can be opened later."""
    before, real = schema(old), connection._statements
    steps = sum(
        len(list(real(connection._script(f"to_version_{later}.sql"))))
        for later in range(2, connection.SCHEMA_VERSION + 1)
    )
    assert steps > 10
    for place in range(steps):
        left = iter([*[False] * place, True])

        def failing(script: str, left: Iterator[bool] = left) -> Iterator[str]:
            for statement in real(script):
                yield "SELECT 1 FROM nowhere" if next(left) else statement

        monkeypatch.setattr(connection, "_statements", failing)
        with pytest.raises(LedgerError, match="no such table"), Ledger.open(old):
            pass
        assert (version(old), schema(old)) == (1, before)
    monkeypatch.undo()
    with Ledger.open(old) as ledger:
        assert len(looking.history(ledger, 7)) == 7


def test_what_an_old_campaign_took_counts_for_limits_and_budgets(old_ledger: "OldLedger") -> None:
    """Attempts that may have cost money, and what they were expected to cost."""
    with Ledger.open(old_ledger(2)) as ledger:
        found = read.find_campaign(ledger, "spring")
        assert (found.taken, found.taken_cost) == (2, 100)
        assert read.expected_cost(ledger, 7) == (150, 0)


@pytest.mark.parametrize("version", range(1, connection.SCHEMA_VERSION))
def test_every_older_version_becomes_like_a_new_one(
    version: int, old_ledger: "OldLedger", tmp_path: Path
) -> None:
    """Whichever it begins with; its rows are counted as they were."""
    old, new = old_ledger(version), tmp_path / "new.sqlite"
    Ledger.create(new)
    with Ledger.open(old) as ledger:
        assert read.count_by_status(ledger, 7) == {
            "delivered": 1, "excluded": 1, "planned": 1, "unknown": 1,
        }  # fmt: skip
    assert schema(old) == schema(new)


def test_runs_of_an_older_version_are_nobody_s_to_watch(old_ledger: "OldLedger") -> None:
    """What they did is kept, and which campaign they worked for was not written down then."""
    old = old_ledger(3)
    with Ledger.open(old) as ledger:
        ledger.execute("INSERT INTO owner (id, started_at) VALUES ('lost', 4)")
        assert runs.unended(ledger, 7) == []
        assert runs.find(ledger, "me") == RunRecord("me", "send", "go", 0, 0, None, None, False)
        assert ledger.all("SELECT id, started_at, ended_at, campaign_id FROM owner") == [
            ("me", 2, 9, None),
            ("lost", 4, None, None),
        ]


def test_an_old_ledger_is_left_alone_while_somebody_sends_from_it(old: Path) -> None:
    """An older version goes by the older rules; a lock that a dead one left is no hindrance."""
    path, lock = locks.lock_of(old, "an-older-version")
    path.parent.mkdir()
    path.with_name("dead.lock").touch()
    with lock, pytest.raises(LedgerError) as caught, Ledger.open(old):
        pass
    assert str(caught.value) == (
        f"The ledger at {old} is of an older version of smspm-campaigns, which is sending from it "
        "at this moment. Let that end, then try again."
    )
    assert version(old) == 1
    with Ledger.open(old):
        pass
    assert version(old) == connection.SCHEMA_VERSION


def test_many_may_open_an_old_ledger_at_once(old: Path) -> None:
    """One of them changes it; the others find it changed."""
    together, seen = threading.Barrier(6), []

    def look() -> None:
        together.wait()
        with Ledger.open(old) as ledger:
            seen.append(len(looking.history(ledger, 7)))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [7] * 6


def test_whoever_waits_for_another_one_changes_nothing_again(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is looked at once more when the turn has come."""
    with Ledger.open(old):
        pass
    looks = iter([1, 1])  # before the other one had finished
    real = connection._version
    monkeypatch.setattr(connection, "_version", lambda asked: next(looks, None) or real(asked))
    with Ledger.open(old) as ledger:
        assert len(looking.history(ledger, 7)) == 7


def test_a_ledger_before_the_first_version_is_none(old: Path) -> None:
    """A file with our mark and no version was not written by us."""
    with sqlite3.connect(old) as made:
        made.execute("PRAGMA user_version = 0")
    made.close()
    with pytest.raises(LedgerError, match="is a database of another program"), Ledger.open(old):
        pass
