"""What the library says of its calls, in the words of the panel."""

import re
from collections.abc import Callable
from typing import Final

#: Calls and arguments, as patterns, beside what stands in the panel in their place.
WORDS: Final[dict[str, str | Callable[[re.Match[str]], str]]] = {
    r"hidden='keep'": "“Hidden rows too”",
    r"read_contacts\(.*?, encoding=\"(.*?)\"\)": r"“Encoding” \1",
    r"For the file, pass pathlib\.Path\('.*'\), or --template-file in the terminal": (
        "Paste what is in the file"
    ),
    r"Campaign\.create makes one; or say where yours is: ledger=… or SMSPM_LEDGER": (
        "What you send next makes one"
    ),
    r"Write a file of commas with to_csv\(path\), or create the campaign from fewer": (
        "Choose “CSV”, or make a campaign of fewer"
    ),
    r"look at report\(\)": "look at “Results”",
    r"campaign\.unknown\(\) shows": "“Results” shows",
    r"(?<=this )frame": "draft",
    r"(?<=the )frame has no rows": "file has no rows",
    r", and create the campaign again from that frame": "",
    r"drop it and run mark_duplicates again": "delete it from the file",
    r"Run estimate_costs": "Choose “Prices”",
    r"(sheet|encoding|delimiter)=…": lambda found: f"“{found[1].title()}”",
    r"say region=…(?= when it lacks)": "choose “Lists are from”",
    r", or pass unreadable='warn' to go on without": "",
    r"; say region=…\. Write": ". Write",
    r"region=…": "“They are from”",
    r"Client\.simulated\(\)": "choose “Rehearsal”",
    r"index label": "name",
    r"Labels are those of report\(\)\.index": "The first column of the table names the rows",
    r"mobile_only=True": "“Leave out landlines”",
    r"replace='typography'": "Writing curly quotes, dashes and odd spaces plainly",
    r"replace='accents'": "Writing these, and accents, plainly",
    r"explain_encoding\(frame\)": "the step “Message”",
    r"estimate_costs": "“Prices”",
    r"Campaign\.open\('.*?'\)\.send\(…\)": "Choosing it above, under “Campaign”,",
    r"pass allow_repeat=True": "tick “Send also what another campaign already sent”",
    r"max_cost=float\('inf'\)": "the budget “inf”",
    r"Pass sender='SMSPM\.com', which": "Choose the sender SMSPM.com, which",
    r"\bmax_cost\b": "the budget",
    r"unknown\(\) shows them": "the step “Results” shows them",
    r"resolve_unknown\(…\) says": "the buttons there say",
}


def in_words(sentence: str) -> str:
    """Say with what is written in the panel what the library says with arguments and calls.

    Example:
        >>> in_words("8 numbers are landlines; mobile_only=True leaves them out.")
        '8 numbers are landlines; “Leave out landlines” leaves them out.'
    """
    for call, words in WORDS.items():
        sentence = re.sub(call, words, sentence)
    return sentence
