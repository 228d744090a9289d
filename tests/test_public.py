"""The surface: names, import cost, layers, and what no file may say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import smspm_campaigns as smspm

ROOT = Path(__file__).parents[1]

TRACKED = [
    path
    for name in ("smspm_campaigns", "tests", "docs", "notebooks", "sample_data", ".ci")
    for path in (ROOT / name).rglob("*")
    if path.suffix in {".py", ".md", ".sql", ".j2", ".ipynb", ".txt", ".csv", ""} and path.is_file()
] + [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"]


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


def test_the_public_names_are_these() -> None:
    """Exactly the names the documentation speaks of are public."""
    assert sorted(smspm.__all__) == [
        "Campaign",
        "CampaignPanel",
        "Client",
        "Problem",
        "SmspmError",
        "SmspmWarning",
        "Status",
        "callback_app",
        "count_segments",
        "estimate_costs",
        "explain_encoding",
        "list_campaigns",
        "mark_duplicates",
        "mark_suppressed",
        "normalize_numbers",
        "preview",
        "read_contacts",
        "render_messages",
    ]


@pytest.mark.parametrize("name", smspm.__all__)
def test_every_public_name_is_there_and_described(name: str) -> None:
    """Each name loads when it is asked for, and has a docstring."""
    assert getattr(smspm, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """A typing error is told as Python tells it."""
    with pytest.raises(AttributeError, match="has no attribute 'read_contact'"):
        smspm.read_contact  # noqa: B018


def test_importing_costs_little() -> None:
    """Importing the package loads neither pandas nor httpx, nor anything else that is heavy."""
    code = "import sys, smspm_campaigns, json; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(run_python(code)))
    assert not loaded & {"pandas", "numpy", "httpx", "jinja2", "matplotlib", "phonenumbers"}


def test_a_real_client_never_loads_the_simulator() -> None:
    """Only a rehearsal and `smspm-campaigns simulate` load the simulator."""
    code = (
        "import sys, smspm_campaigns as s, smspm_campaigns.cli; s.Client('a', 'b');"
        "print([m for m in sys.modules if 'simulator' in m or 'uvicorn' in m or 'starlette' in m])"
    )
    assert run_python(code).strip() == "[]"


def test_the_layers_hold() -> None:
    """Upper rooms import lower ones, never the reverse; each library stays in its room."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert "0 broken" in done.stdout, done.stdout


@pytest.mark.parametrize(
    "trace",
    [
        r"pypi\.org",
        r"pythonhosted\.org",
        r"registry\.npmjs",
        r"deb\.debian\.org",
        r"/(?:root|work)/",
        r"\bTO" + r"DO\b",
        r"\bFIX" + r"ME\b",
    ],
)
def test_no_file_names_a_registry_a_machine_or_an_unfinished_thing(trace: str) -> None:
    """The project speaks of the product alone."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in TRACKED
        if "__pycache__" not in path.parts
        and path != Path(__file__)
        and re.search(trace, path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []
