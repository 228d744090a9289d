"""What the library says of its calls, in the words of the terminal.

A sentence of the library names what a notebook would do next: a call, or an argument. Here stands
each of them beside the command or the option that is the same. It is applied where a sentence is
printed, so the library has one wording, and a test walks through all of them.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click


def in_words(sentence: str) -> str:
    """Say with options and commands what the library says with arguments and calls.

    Example:
        >>> in_words("3 rows are landlines; mobile_only=True leaves them out.")
        '3 rows are landlines; --mobile-only leaves them out.'
        >>> in_words("There is no ledger at L. Campaign.create makes one")
        'There is no ledger at L. `smspm-campaigns send NAME FILE` makes one'
    """
    for call, words in CALLS.items():
        sentence = re.sub(call, words, sentence)
    for argument, option in ARGUMENTS.items():
        sentence = sentence.replace(argument, option)
    return sentence


def command_line(
    command: str, name: str, *options: str, simulated: bool = False, ledger: Path | None
) -> str:
    """Return a command as a person types it."""
    parts = ["smspm-campaigns", command, name, *options]
    parts += ["--simulated"] if simulated else []
    parts += ["--ledger", str(ledger)] if ledger else []
    return shlex.join(parts)


def _command(command: str, *options: str) -> Callable[[re.Match[str]], str]:
    """Write a command with the name, the ledger and the simulator of the one that is run."""

    def write(_: re.Match[str]) -> str:
        context = click.get_current_context(silent=True)
        given: dict[str, Any] = {} if context is None else context.params
        line = command_line(
            command,
            given.get("name") or "NAME",
            *options,
            simulated=command == "send" and bool(given.get("simulated")),
            ledger=given.get("ledger"),
        )
        return f"`{line}`"

    return write


def _region_of_opted_out(_: re.Match[str]) -> str:
    """Name the option of the command that is run: opt-outs have a region of their own in most."""
    context = click.get_current_context(silent=True)
    has_own = context is None or "opted_out_region" in context.params
    return "--opted-out-region" if has_own else "--region"


#: Calls, as patterns, beside what is said in their place.
CALLS: Final[dict[str, str | Callable[[re.Match[str]], str]]] = {
    r"Campaign\.create(?= makes)": _command("send", "FILE"),
    r"Campaign\.open\('.*?'\)\.send\(…\)": _command("send"),
    r"(?<=; )unknown\(\)|campaign\.unknown\(\)": _command("unknown"),
    r"resolve_unknown\(…\)": _command("resolve"),
    r"(?<=look at )report\(\)": _command("report"),
    r"sms_detail(?= says)": "`smspm-campaigns check`",
    r"region=…(?= when it lacks)": _region_of_opted_out,
    r"estimate_costs(?= with)": _command("send", "FILE", "--prices", "FILE"),
    r", and create the campaign again from that frame": "",
    r"pathlib\.Path\('(.*)'\), or (--template-file) in the terminal": r"\2 '\1'",
    r"read_contacts\(.*?, encoding=\"(.*?)\"\)": r"--encoding \1",
    r"^max_cost(?= is )|(?<=aise )max_cost": "--max-cost",
    r"^timeout(?= is )": "--timeout",
    r"^give_up_after(?= is )": "--give-up-after",
    r"^report_url(?= is )": "--report-url",
    r"explain_encoding\(frame\)": "--json",
    r", or pass unreadable='warn' to go on without": "",
    r"drop it and run mark_duplicates again": "delete it from the file",
    r"Labels are those of report\(\)\.index": "A label is the number of a row in the file",
    r"Write a file of commas with to_csv\(path\), or create the campaign from": "Send it from",
    r"(?<=this )frame|(?<=the )frame(?= has no rows)": "file",
    r"(?<=with )a limit": "--limit",
    r"^(There is no column '.*'\. The columns are: .*)$": r"\1 Say --column.",
}

#: Arguments, beside the options that are the same.
ARGUMENTS: Final = {
    "Client.simulated()": "--simulated",
    "allow_repeat=True": "--allow-repeat",
    "delimiter=…": "--delimiter",
    "encoding=…": "--encoding",
    "hidden='keep'": "--keep-hidden",
    "ledger=…": "--ledger",
    "max_cost=float('inf')": "--max-cost inf",
    "mobile_only=True": "--mobile-only",
    "region=…": "--region",
    "replace='": "--replace '",
    "sender='SMSPM.com'": "--sender SMSPM.com",
    "sheet=…": "--sheet",
}
