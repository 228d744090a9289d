"""The commands that look: at all campaigns, at one, at its unknown rows."""

from pathlib import Path
from typing import Any, Final

import click
import pandas as pd

from smspm_campaigns.campaign import Campaign, list_campaigns
from smspm_campaigns.campaign.opening import ledger_path
from smspm_campaigns.cli import options as opt
from smspm_campaigns.cli.runs import document_of_run, told_run
from smspm_campaigns.cli.speech import (
    Speech,
    document_of,
    plain,
    told_counts,
    told_of,
    what_follows,
)
from smspm_campaigns.cli.tables import table
from smspm_campaigns.cli.words import command_line, in_words
from smspm_campaigns.frames.cells import as_text
from smspm_campaigns.masking import mask_number, mask_text
from smspm_campaigns.reporting.words import line, money_of, rate_of
from smspm_campaigns.vocabulary import SIMULATED, STATUS_TITLES, Status

_MOST_SAID: Final = 300  # characters about one row


@click.command("list", cls=opt.Command)
@opt.AS_JSON
@opt.LEDGER
def list_(*, as_json: bool, ledger: Path | None) -> None:
    """List the campaigns of the ledger, the newest first."""
    campaigns = list_campaigns(ledger=ledger)
    path = ledger_path(ledger)
    speech = Speech(as_json=as_json)
    if campaigns.empty:
        where = f"in {path}" if path.exists() else f": there is no ledger at {path}"
        speech.say(
            f"No campaigns yet{' ' * path.exists()}{where}.\n"
            "`smspm-campaigns demo` shows one on the simulator."
        )
    rows = [
        [str(name), _at(campaign["created_at"]), _kind(campaign["gateway"]), _counted(campaign)]
        for name, campaign in campaigns.iterrows()
    ]
    if rows:
        header = ["campaign", "created", "kind", "rows"]
        speech.say("\n".join(table(rows, speech.width, header=header)))
    speech.answer(
        {
            "ledger": str(path),
            "campaigns": [
                {
                    "campaign": name,
                    "created_at": plain(campaign["created_at"]),
                    "rehearsal": campaign["gateway"] == SIMULATED,
                    "gateway": plain(campaign["gateway"]),
                    "counts": _statuses(campaign),
                }
                for name, campaign in campaigns.iterrows()
            ],
        }
    )


def _kind(gateway: Any) -> str:
    if pd.isna(gateway):
        return "not sent yet"
    return "rehearsal" if gateway == SIMULATED else "real"


def _at(time: pd.Timestamp) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _statuses(campaign: "pd.Series[Any]") -> dict[str, int]:
    return {str(status): int(campaign[status]) for status in Status}


def _counted(campaign: "pd.Series[Any]") -> str:
    return told_counts(_statuses(campaign))


@click.command(cls=opt.Command)
@opt.NAME
@opt.AS_JSON
@opt.LEDGER
def show(name: str, *, as_json: bool, ledger: Path | None) -> None:
    """Show where the campaign NAME stands.

    Its rows by status, its figures, who sends or tracks it at this moment, and what to do next.
    """
    campaign = Campaign.open(name, ledger=ledger)
    listed = list_campaigns(ledger=campaign.path).loc[[name]].iloc[0]
    counts = campaign.counts()
    summary = campaign.summary()
    figures: dict[str, Any] = {str(name): summary[name].iloc[0] for name in summary}
    runs = campaign.running()
    is_rehearsal = campaign.is_rehearsal
    following = what_follows(campaign, ledger, is_rehearsal=is_rehearsal, is_at_work=bool(runs))
    speech = Speech(is_rehearsal=is_rehearsal, as_json=as_json)
    expected, actual = money_of(figures)
    is_priced = not (pd.isna(figures["expected_cost"]) and pd.isna(figures["actual_cost"]))
    facts = [
        ["Campaign", name],
        ["Kind", _kind(listed["gateway"])],
        ["Created", _at(listed["created_at"])],
        ["Ledger", str(campaign.path)],
        ["Delivered", rate_of(figures) if figures["delivered"] else ""],
        ["Cost in EUR", f"{actual}; expected: {expected}" if is_priced else ""],
        *(["At work", told_run(run)] for run in runs),
    ]
    speech.say("\n".join(table([fact for fact in facts if fact[1]], speech.width)))
    statuses = [
        [f"{counts[status]:,}", str(status), STATUS_TITLES[status]]
        for status in Status
        if counts[status]
    ]
    header = ["rows", "status", "what it means"]
    speech.say("\n".join(["", *table(statuses, speech.width, header=header, right="r")]))
    speech.say("\n".join(["", *(f"Next: {command}" for command in following)]))
    speech.answer(
        document_of(
            campaign,
            created_at=plain(listed["created_at"]),
            gateway=plain(listed["gateway"]),
            taken=campaign.taken,
            summary={key: plain(value) for key, value in figures.items()},
            runs=[document_of_run(run) for run in runs],
            next=following,
        )
    )


@click.command(cls=opt.Command)
@opt.NAME
@opt.SHOW_NUMBERS
@opt.AS_JSON
@opt.LEDGER
def unknown(name: str, *, show_numbers: bool, as_json: bool, ledger: Path | None) -> None:
    """List the rows that may have been sent, and what happened.

    Compare them with the message log of your SMSPM account; `resolve` then takes your word.
    """
    campaign = Campaign.open(name, ledger=ledger)
    rows = campaign.unknown()
    numbers = [number if show_numbers else mask_number(number) for number in rows["sms_to"]]
    errors = [
        in_words(as_text(error) if show_numbers else mask_text(as_text(error)))
        for error in rows["sms_error"]
    ]
    speech = Speech(is_rehearsal=campaign.is_rehearsal, as_json=as_json)
    cells = [
        [line(label), number, _at(at), line(error, _MOST_SAID)]
        for label, number, at, error in zip(
            rows.index, numbers, rows["sms_requested_at"], errors, strict=True
        )
    ]
    if cells:
        header = ["row", "number", "requested", "what happened"]
        speech.say("\n".join(table(cells, speech.width, header=header, right="r")))
        following = command_line("resolve", name, "sent", "--row", cells[0][0], ledger=ledger)
        speech.say(f"Next, for each: {following}")
    else:
        speech.say(f"No row is unknown. {told_of(campaign)}")
    requests = rows[["sms_request", "sms_requested_at"]].to_dict("records")
    speech.answer(
        document_of(
            campaign,
            unknown=[
                {
                    "row": plain(label),
                    "number": number,
                    "request": request["sms_request"],
                    "requested_at": plain(request["sms_requested_at"]),
                    "error": error,
                }
                for label, number, request, error in zip(
                    rows.index, numbers, requests, errors, strict=True
                )
            ],
        )
    )
