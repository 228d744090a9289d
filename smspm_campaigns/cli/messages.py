"""A file becomes messages; the commands that look at it before anything is sent."""

from pathlib import Path
from typing import Any, Final

import click
import pandas as pd

from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.ending import DONE, WRONG
from smspm_campaigns.cli.speech import Speech, at_work, plain, records
from smspm_campaigns.cli.tables import WIDEST, table
from smspm_campaigns.cli.words import in_words
from smspm_campaigns.frames.audience import mark_duplicates, mark_suppressed
from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.frames.contacts import read_contacts
from smspm_campaigns.frames.costs import estimate_costs
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.preview import Preview
from smspm_campaigns.frames.preview import preview as preview_messages
from smspm_campaigns.frames.preview_views import in_a_line
from smspm_campaigns.frames.problems import has_note
from smspm_campaigns.frames.templates import render_messages
from smspm_campaigns.masking import mask_text
from smspm_campaigns.reporting.words import several
from smspm_campaigns.vocabulary import DETAIL, PROBLEM, PROBLEM_TITLES, TWO_READINGS, Problem

_LISTED: Final = 20  # rows of a problem; --all lists the others
_MOST_SAID: Final = 300  # characters about one row


def judged(file: Path, given: dict[str, Any]) -> pd.DataFrame:
    """Read a file, and let the steps that the options ask for judge its rows."""
    at_work(f"Reading {file}")
    frame = read_contacts(
        file,
        sheet=given["sheet"],
        encoding=given["encoding"],
        delimiter=given["delimiter"],
        hidden="keep" if given["keep_hidden"] else "skip",
    )
    frame = normalize_numbers(
        frame,
        given["column"],
        region=given["region"],
        countries=given["countries"] or None,
        mobile_only=given["mobile_only"],
    )
    frame = mark_duplicates(frame)
    by_default = None if given["region"] in frame.columns else given["region"]
    for opted_out in given["opted_out"]:
        frame = mark_suppressed(frame, opted_out, region=given["opted_out_region"] or by_default)
    template = given["template_file"] or given["template"]
    if template is None:
        return frame
    return render_messages(
        frame, template, replace=given["replace"], max_segments=given["max_segments"]
    )


def messages(file: Path, given: dict[str, Any]) -> pd.DataFrame:
    """Make the messages of a file."""
    if (given["template"] is None) == (given["template_file"] is None):
        raise click.UsageError("Say what to send: either --template TEXT or --template-file FILE.")
    frame = judged(file, given)
    return estimate_costs(frame, given["prices"]) if given["prices"] else frame


@click.command(cls=opt.Command)
@opt.FILE
@opt.of_file
@click.option("--all", "every", is_flag=True, help="List every row, not the first 20 of a problem.")
@opt.SHOW_NUMBERS
@opt.AS_JSON
def check(file: Path, *, every: bool, show_numbers: bool, as_json: bool, **given: Any) -> int:
    """List the rows of FILE that have a problem.

    Each is told by the number of its row in the spreadsheet, and in a sentence. With a template,
    the texts are judged too. Nothing is sent, and nothing is made. The exit code is 1 when a row
    has a problem, or when there is no row, and 0 otherwise.
    """
    if given["template"] is not None and given["template_file"] is not None:
        raise click.UsageError("Name one text: either --template TEXT or --template-file FILE.")
    frame = judged(file, given)
    bad = frame[frame[PROBLEM].notna()]
    speech = Speech(as_json=as_json)
    found = {code: bad[bad[PROBLEM] == code] for code in Problem}
    doubtful = frame[has_note(frame, TWO_READINGS) & frame[PROBLEM].isna().to_numpy()]
    if frame.empty:
        speech.say(f"{file.name} has a header and no rows.")
    else:
        speech.say(f"{file.name}: {several(len(frame), 'row')}, {len(bad):,} with a problem.")
    groups = [(PROBLEM_TITLES[code], str(code), rows) for code, rows in found.items()]
    for title, code, rows in [*groups, ("Sent, but look at it", TWO_READINGS.lower(), doubtful)]:
        if len(rows):
            shown = rows if every else rows.head(_LISTED)
            speech.say(f"\n{title} ({code}), {several(len(rows), 'row')}:")
            lines = [[f"row {label}", said] for label, said in _said(shown, whole=show_numbers)]
            speech.say("\n".join(f"  {line}" for line in table(lines, speech.width - 2)))
            if more := len(rows) - len(shown):
                speech.say(f"  … and {more:,} more; --all lists them.")
    speech.answer(
        {
            "file": str(file),
            "rows": len(frame),
            "rows_with_problem": len(bad),
            "problems": {str(code): len(rows) for code, rows in found.items() if len(rows)},
            "listed": [
                {"row": plain(row), "problem": code, "detail": said}
                for _, code, rows in groups
                for row, (_, said) in zip(rows.index, _said(rows, whole=show_numbers), strict=True)
            ],
        }
    )
    return WRONG if len(bad) or frame.empty else DONE


def _said(rows: pd.DataFrame, *, whole: bool) -> list[tuple[str, str]]:
    """Return the label of each row, and what is said about it, in a line."""
    said = []
    for label, detail in zip(rows.index, rows[DETAIL], strict=True):
        line = in_a_line(in_words(as_text(detail)), _MOST_SAID)
        said.append((as_text(label), line if whole else mask_text(line)))
    return said


@click.command(cls=opt.Command)
@opt.FILE
@opt.of_messages
@opt.SHOW_NUMBERS
@opt.AS_JSON
def preview(file: Path, *, show_numbers: bool, as_json: bool, **given: Any) -> None:
    """Show what a campaign would do, and what it costs.

    To whom, what, who not and why, how many requests, and how long it takes. Nothing is sent.
    """
    figures = preview_messages(messages(file, given), show_numbers=show_numbers)
    speech = Speech(as_json=as_json)
    if as_json:
        speech.answer({"file": str(file), **document_of_preview(figures)})
    else:
        say_preview(speech, figures)


def say_preview(speech: Speech, figures: Preview) -> None:
    speech.say(figures.as_text(min(speech.width - 1, WIDEST), in_words))


def document_of_preview(figures: Preview) -> dict[str, Any]:
    return {
        "rows": figures.rows,
        "messages": figures.messages,
        "problems": {str(code): int(count) for code, count in figures.problems.items()},
        "texts": figures.texts,
        "requests": figures.requests,
        "segments": figures.segments,
        "encodings": records(figures.encodings, index="encoding"),
        "cost": plain(figures.cost),
        "unpriced": figures.unpriced,
        "countries": records(figures.countries, index="country"),
        "seconds": plain(figures.duration),
        "forced": records(figures.forced.table),
        "samples": [
            {
                "title": sample.title,
                "number": sample.number,
                "encoding": sample.encoding,
                "segments": sample.segments,
                "parts": list(sample.parts),
            }
            for sample in figures.samples
        ],
        "warnings": [in_words(warning) for warning in figures.warnings],
    }
