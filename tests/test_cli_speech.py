"""What a command prints: lines, and documents that a script reads on any machine."""

import io
import json
import sys
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from smspm_campaigns.cli.rehearsing import mark_stderr
from smspm_campaigns.cli.speech import plain, records
from smspm_campaigns.gateway.simulator import Simulator, running

if TYPE_CHECKING:
    from conftest import Terminal


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (None, None),
        (pd.NA, None),
        (pd.NaT, None),
        (float("nan"), None),
        (0.1 + 0.2, 0.3),  # what floats lose behind the digits of a price
        (np.float64(28.355), 28.355),
        (np.int64(7), 7),
        (np.bool_(True), True),
        ("max_cost is a column of theirs", "max_cost is a column of theirs"),
        (pd.Timestamp("2026-11-28 05:31:44.307933", tz="UTC"), "2026-11-28T05:31:44.307933Z"),
        (pd.Timedelta("90s"), 90.0),
    ],
)
def test_a_cell_is_written_as_json_has_it(cell: Any, written: object) -> None:
    """Null where it is missing, money and spans are numbers, times ISO 8601, texts as they are."""
    assert json.loads(json.dumps(plain(cell))) == written


def test_the_rows_of_a_frame_are_records() -> None:
    """The index is a field of its own when it is asked for."""
    frame = pd.DataFrame({"cost": [0.5, None]}, index=["SE", "DE"])
    assert records(frame) == [{"cost": 0.5}, {"cost": None}]
    assert records(frame, index="country") == [
        {"country": "SE", "cost": 0.5},
        {"country": "DE", "cost": None},
    ]


def test_a_document_survives_a_terminal_without_letters(terminal: "Terminal") -> None:
    """No letter of it is replaced, and no sign of a stranger's file steers a terminal."""
    text = "李 \u202e\x9b31m STOP: 1"
    arguments = ("preview", "people.csv", "--region", "SE", "--template", text, "--json")
    told = terminal(*arguments, encoding="cp1252")
    assert told.out.isascii()
    assert told.document["samples"][0]["parts"] == [text]


def test_senders_of_the_api_steer_no_terminal(terminal: "Terminal") -> None:
    """What the API names is shown in one line each, with the codes of such signs."""
    with running(Simulator(hash="h", token="t", senders=["Sh\x1b[31mop", "a\nb"])) as url:
        assert terminal("senders", url=url).out == "ShU+001B[31mop\na b\n"


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (["Note: a.\n"], "[rehearsal] Note: a.\n"),
        (["Note: a.", "\n", "b", " c", "\n"], "[rehearsal] Note: a.\n[rehearsal] b c\n"),
        (
            ["Usage: a\n\nError: b\nc"],
            "[rehearsal] Usage: a\n\n[rehearsal] Error: b\n[rehearsal] c",
        ),
        (["a", "b\nc\n"], "[rehearsal] ab\n[rehearsal] c\n"),
        (["[rehearsal] a\n", "[rehearsal]\n"], "[rehearsal] a\n[rehearsal]\n"),
        (["", "\n", "", "a"], "\n[rehearsal] a"),
        (["\rSending: 0%", "\rSending: 9%", "\n"], "\rSending: 0%\rSending: 9%\n"),
        (["\rSending: 0%", "\r    ", "\r", "a\n"], "\rSending: 0%\r    \r[rehearsal] a\n"),
    ],
)
def test_a_line_is_marked_where_it_begins(written: list[str], seen: str) -> None:
    """Once, however it is cut into pieces; blank lines and the bar are left as they are."""
    with redirect_stderr(io.StringIO()) as heard:
        mark_stderr()
        for piece in written:
            sys.stderr.write(piece)
    assert heard.getvalue() == seen


def test_a_terminal_of_few_letters_is_marked_too(terminal: "Terminal") -> None:
    """Nobody writes past the mark, as click does where a stream can show no more than ASCII."""
    told = terminal("track", "spring", "--simulated", encoding="ascii")
    assert told.err.startswith("[rehearsal] Error: There is no ledger at ")
