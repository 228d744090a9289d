"""The benchmarks run, and what they compare gives the same results. They are not timed here."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).parent / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda path: path.stem)
@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured as Unix tells it")
def test_benchmark_prints_its_ratios(benchmark: Path) -> None:
    """Each benchmark takes a number of rows, ends well, and prints how many times as fast it is."""
    once = ["--rounds", "1"] if '"--rounds"' in benchmark.read_text(encoding="utf-8") else []
    done = subprocess.run(
        [sys.executable, str(benchmark), "--rows", "500", *once],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert " x\n" in done.stdout
