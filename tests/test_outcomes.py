"""Outcomes: what is read in pieces is what is read at once, and nobody waits for a reader."""

import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import smspm_campaigns as smspm
from smspm_campaigns.campaign.outcomes import make_history, make_pieces, make_report, make_unknown
from smspm_campaigns.delivery.ledger import Ledger, read, resolve
from smspm_campaigns.exceptions import LedgerError
from smspm_campaigns.frames import snapshot

ROWS: Final = 12
SHOPS: Final = pd.CategoricalDtype(["Tartu", "Oslo", "Riga", "Nowhere"])
INDEXES: Final[dict[str, Any]] = {
    "range": pd.RangeIndex(2, 2 + ROWS, name="row"),
    "texts, doubled": pd.Index(list("aabbccddeeff"), name="key"),
    "days": pd.date_range("2026-05-01", periods=ROWS),
    "levels": pd.MultiIndex.from_product([["y", "x"], range(6)], names=["group", None]),
}
SIZES: Final = [1, 2, 5, ROWS, ROWS + 1]


def people(index: "pd.Index[Any]") -> pd.DataFrame:
    """Rows of which every fifth is excluded and four share a text, with a column of each kind."""
    place = range(ROWS)
    problems = ["opted_out" if row % 5 == 4 else None for row in place]
    return pd.DataFrame(
        {
            "name": [None if row == 3 else f"Õnne {row}" for row in place],
            "points": [row / 2 for row in place],
            "shop": pd.Categorical([SHOPS.categories[row // 5] for row in place], dtype=SHOPS),
            "since": pd.date_range("2026-05-01", periods=ROWS),
            "sms_to": [f"3725000{row:04}" for row in place],
            "sms_country": "EE",
            "sms_text": [f"Hi {row // 4}" for row in place],
            "sms_cost": 0.05,
            "sms_problem": problems,
            "sms_problems": problems,
        },
        index=index,
    )


def make(path: Path, index: "pd.Index[Any]") -> smspm.Campaign:
    """A campaign of which rows are excluded, queued, unknown, planned, and were sent again.

    It stands between two others in its ledger.
    """
    frame = people(index)
    smspm.Campaign.create("before", frame[:7], sender="SMSPM.com", ledger=path)
    campaign = smspm.Campaign.create("spring", frame, sender="SMSPM.com", ledger=path)
    smspm.Campaign.create("after", frame[:5], sender="SMSPM.com", ledger=path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", smspm.SmspmWarning)  # that rows are unknown
        faults = {0: "close", 1: "close"}
        campaign.send(smspm.Client.simulated(faults=faults), limit=7, progress=False)
        campaign.resolve_unknown("resend", rows=campaign.unknown().index[:3])
        campaign.send(smspm.Client.simulated(), limit=9, progress=False)
    return campaign


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, smspm.Campaign]:
    folder = tmp_path_factory.mktemp("outcomes")
    return {kind: make(folder / f"{kind}.ledger", index) for kind, index in INDEXES.items()}


@pytest.fixture
def campaign(tmp_path: Path) -> smspm.Campaign:
    return make(tmp_path / "ledger.sqlite", INDEXES["range"])


def by(size: int) -> Any:
    """Read the ledger, and lines, so many rows together."""
    return mock.patch.multiple(read, PIECE=size), mock.patch.object(snapshot, "_READ", size)


@pytest.mark.parametrize("kind", INDEXES)
def test_these_campaigns_have_rows_of_many_kinds(
    campaigns: dict[str, smspm.Campaign], kind: str
) -> None:
    """What the tests below compare is worth comparing."""
    counts = campaigns[kind].counts()
    assert set(counts[counts > 0].index) == {"excluded", "planned", "queued", "unknown"}
    claims = campaigns[kind].history()["evidence"].value_counts()
    assert claims["claim"] > counts["queued"] + counts["unknown"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", INDEXES)
def test_what_is_read_in_pieces_is_what_is_read_at_once(
    campaigns: dict[str, smspm.Campaign], kind: str, size: int
) -> None:
    """The report, its unknown rows and the history do not depend on how many rows are read."""
    campaign = campaigns[kind]
    looks: list[Callable[[], pd.DataFrame]] = [campaign.report, campaign.unknown, campaign.history]
    whole = [look() for look in looks]
    ledger, lines = by(size)
    with ledger, lines:
        for look, expected in zip(looks, whole, strict=True):
            assert_frame_equal(look(), expected, check_index_type=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", INDEXES)
def test_a_piece_is_like_these_rows_of_the_report(
    campaigns: dict[str, smspm.Campaign], kind: str, size: int
) -> None:
    """Each has the columns, dtypes, categories and kind of index of the whole, and its size."""
    report = campaigns[kind].report()
    ledger, lines = by(size)
    with ledger, lines:
        pieces = list(campaigns[kind]._pieces())
    assert [len(piece) for piece in pieces] == [
        min(size, ROWS - start) for start in range(0, ROWS, size)
    ]
    for place, piece in enumerate(pieces):
        expected = report.iloc[place * size : (place + 1) * size]
        assert_frame_equal(piece, expected, check_index_type=True)
        assert piece["shop"].dtype == SHOPS


def test_a_history_is_in_the_order_of_what_happened() -> None:
    """Whatever order changes are read in: one after the other, and those of one by attempt."""
    told = [  # id, attempt_id, position, status, evidence
        (1, 7, 2, "sending", "claim"),  # one change of three rows, claimed in no order of rows
        (1, 8, 0, "sending", "claim"),
        (1, 9, 1, "sending", "claim"),
        (2, 9, 1, "queued", "reply"),  # an earlier change of a later attempt
        (3, 7, 2, "unknown", "reply"),
        (3, 8, 0, "unknown", "reply"),
        (4, 0, 2, "planned", "person"),
        (5, 10, 2, "sending", "claim"),
        (6, 8, 0, "delivered", "callback"),
    ]
    names = ("id", "attempt_id", "position", "status", "evidence")
    others = ("at", "request_id", "message_id", "error")
    for rows in (told, told[::-1], sorted(told, key=lambda row: (row[2], row[0]))):
        pieces: list[dict[str, Any]] = [
            {
                **dict(zip(names, map(list, zip(*some, strict=True)), strict=True)),
                **{name: [None] * len(some) for name in others},
            }
            for some in (rows[:4], rows[4:])
        ]
        history = make_history(pd.Index(["a", "b", "c"]), pieces)
        assert list(zip(history.index, history["status"], history["evidence"], strict=True)) == [
            ("abc"[place], status, evidence) for _, _, place, status, evidence in told
        ]


@pytest.mark.parametrize("kind", INDEXES)
def test_a_history_is_that_of_the_ledger(campaigns: dict[str, smspm.Campaign], kind: str) -> None:
    """Each change stands where the ledger wrote it, with its row, time and evidence."""
    campaign = campaigns[kind]
    with closing(sqlite3.connect(campaign.path)) as ledger:
        expected = ledger.execute(
            "SELECT position, change.at, evidence FROM change "
            "JOIN recipient ON recipient.id = recipient_id "
            "JOIN campaign ON campaign.id = campaign_id WHERE name = 'spring' "
            "ORDER BY change.id, attempt_id"
        ).fetchall()
    history = campaign.history()
    labels = campaign.report().index
    assert list(history.index) == [labels[place] for place, _, _ in expected]
    assert list(history["evidence"]) == [evidence for _, _, evidence in expected]
    assert list(history["at"].astype("int64")) == [at for _, at, _ in expected]


def test_a_campaign_without_rows_is_one_empty_piece(campaign: smspm.Campaign) -> None:
    """So that an export of it has a header."""
    manifest, _ = snapshot.take(people(INDEXES["range"])[["name", "shop"]][:0])
    nobody = 99
    with Ledger.open(campaign.path) as ledger:
        [piece] = make_pieces(manifest, [], read.pieces(ledger, nobody))
        history = make_history(piece.index, read.changes(ledger, nobody))
        whole = make_report(manifest, read.pieces(ledger, nobody))
    assert_frame_equal(piece, whole, check_index_type=True)
    assert_frame_equal(piece, campaign.report()[piece.columns][:0].set_axis(piece.index))
    assert_frame_equal(history, campaign.history()[:0].set_axis(piece.index))


READERS: Final[dict[str, Callable[[Ledger, int], Iterator[Any]]]] = {
    "rows": read.pieces,
    "originals": read.originals,
    "changes": read.changes,
}


@pytest.mark.parametrize("reader", READERS)
def test_others_write_while_somebody_reads(campaign: smspm.Campaign, reader: str) -> None:
    """Between two pieces nothing holds the ledger: a write that never waits is not refused."""
    ledger, _ = by(1)
    with ledger, Ledger.open(campaign.path) as opened:
        pieces = READERS[reader](opened, read.find_campaign(opened, "spring").id)
        seen = 0
        for _ in pieces:
            seen += 1
            with closing(sqlite3.connect(campaign.path, timeout=0, isolation_level=None)) as other:
                other.execute("UPDATE campaign SET max_cost = ?", (seen,))
    assert seen == ROWS


def test_what_is_written_meanwhile_shows_in_later_pieces(campaign: smspm.Campaign) -> None:
    """A report is no picture of one moment, but each row of it is whole."""
    ledger, _ = by(ROWS // 2)
    with ledger:
        pieces = campaign._pieces()
        before = next(pieces)
        campaign.cancel()
        [after] = pieces
    now = campaign.report()
    assert_frame_equal(after, now[ROWS // 2 :], check_index_type=True)
    assert_frame_equal(before, now[: ROWS // 2], check_index_type=True)
    assert "cancelled" in after["sms_status"].tolist()


def test_a_ledger_that_breaks_half_way_is_told(campaign: smspm.Campaign) -> None:
    """A disk that fails between two pieces ends in a sentence, not in a short report."""
    ledger, _ = by(1)
    with ledger:
        pieces = campaign._pieces()
        next(pieces)
        content = bytearray(campaign.path.read_bytes())
        content[24] ^= 1  # the count of changes: nobody believes what is in memory
        content[4096:] = b"\xff" * (len(content) - 4096)
        campaign.path.write_bytes(content)
        with pytest.raises(LedgerError, match="is damaged; restore it from a backup before you"):
            list(pieces)


def test_a_row_that_becomes_known_meanwhile_is_not_unknown(campaign: smspm.Campaign) -> None:
    """Between the look at which rows are unknown and the look at these, their callback may come."""
    with Ledger.open(campaign.path) as ledger:
        record = read.find_campaign(ledger, "spring")
        unknown = resolve.unknown(ledger, record.id)
        campaign.resolve_unknown("sent", rows=campaign.unknown().index[:1])
        rows = read.rows_at(ledger, record.id, [row.position for row in unknown])
        originals = read.originals(ledger, record.id)
        made = make_unknown(record.manifest, originals, rows, unknown)
    assert_frame_equal(made, campaign.unknown())
    assert len(made) == len(unknown) - 1
