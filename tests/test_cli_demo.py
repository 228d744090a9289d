"""The command that shows the main job."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Terminal


def test_the_demo_ends_with_reports_and_runs_twice(terminal: "Terminal") -> None:
    """It delivers every row it can, says in every line what it is, and sends nothing twice."""
    first, second = terminal("demo"), terminal("demo")
    outcome = "632 rows of spring-sale: 65 excluded, 554 delivered, 13 failed\n"
    lines = first.out.splitlines() + second.out.splitlines()
    assert [line for line in lines if not line.startswith("[rehearsal]")] == []
    assert "[rehearsal] A new ledger was made at " in first.err
    beside = first.err.splitlines() + second.err.splitlines()
    assert [line for line in beside if not line.startswith("[rehearsal]")] == []
    assert (first.code, second.code) == (0, 0)
    assert outcome in first.out
    assert outcome in second.out
    assert "Sending 567 messages on the simulator: nobody is texted." in first.out
    assert "nothing is sent again" in second.out
    folder = terminal.folder / "smspm-demo"
    for file in ("report.xlsx", "report.html", "report.csv"):
        assert f"[rehearsal]   {folder / file}\n" in first.out
        assert (folder / file).stat().st_size > 10_000
    last = first.out.splitlines()[-1]
    assert last.startswith("[rehearsal]   smspm-campaigns send my-first-campaign ")
