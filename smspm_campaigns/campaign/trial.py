"""What one gets for a test: how it went, in words."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import pandas as pd

from smspm_campaigns.campaign.outcomes import places_of, row_labels, shown
from smspm_campaigns.delivery.ledger import Ledger, read, trial
from smspm_campaigns.delivery.ledger.read import CampaignRecord
from smspm_campaigns.delivery.ledger.trial import TrialOutcome, TrialText
from smspm_campaigns.exceptions import InvalidArgument
from smspm_campaigns.frames.numbers import normalize_numbers
from smspm_campaigns.frames.segments import unsendable
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import DETAIL, PROBLEM, TO, Status


@dataclass(frozen=True, slots=True, repr=False)
class Trial:
    """A row's text that was sent to a number of one's own; `number` is masked.

    Example:
        >>> Trial(Status.QUEUED, "7c9e", 1, "4917******12", is_rehearsal=True)
        Trial(queued: 1 segment to 4917******12, id 7c9e; rehearsal)
        >>> Trial(Status.UNKNOWN, None, 2, "4917******12", error="the reply has no id")
        Trial(unknown, it may have been sent: 2 segments to 4917******12; the reply has no id)
    """

    status: Status
    id: str | None
    segments: int
    number: str
    error: str | None = None
    is_rehearsal: bool = False

    def __repr__(self) -> str:
        doubt = ", it may have been sent" if self.status is Status.UNKNOWN else ""
        segments = f"{self.segments} segment{'' if self.segments == 1 else 's'}"
        identity = f", id {self.id}" if self.id else ""
        rehearsal = "rehearsal" if self.is_rehearsal else None
        more = "".join(f"; {told}" for told in (self.error, rehearsal) if told)
        return f"Trial({self.status}{doubt}: {segments} to {self.number}{identity}{more})"


def what_became(outcomes: list[TrialOutcome]) -> str:
    """Say whether a test that was interrupted was sent; it may have been while nobody knows."""
    [status] = [outcome.status for outcome in outcomes] or ["unknown"]
    known = {"queued": "was sent", "not_taken": "was not sent", "refused": "was not sent"}
    return f"The test {known.get(status, 'may have been sent')}."


def own_number(to: Any) -> str:
    """Read a number that stands for itself: with a plus, or with its country code.

    Raises:
        InvalidArgument: it is none.
    """
    if not isinstance(to, str | Integral):
        raise InvalidArgument(
            "A test goes to one number of your own, as text such as '+49 171 3920012', not to "
            f"{type(to).__name__}."
        )
    [read_as] = normalize_numbers(pd.DataFrame({"phone": [to]}, dtype=object)).to_dict("records")
    if isinstance(read_as[PROBLEM], str):
        raise InvalidArgument(
            f"A test cannot go there. {mask_text(read_as[DETAIL])} Write your number with its "
            "country code, such as '+49 171 3920012'."
        )
    return str(read_as[TO])


def find_text(ledger: Ledger, record: CampaignRecord, row: Any) -> TrialText:
    """Return the text of a row by its label, of the first that will be sent by default.

    Raises:
        InvalidArgument: no row has the label, or none of them a text to send.
    """
    places = None
    if row is not None:
        labels = row_labels(record.manifest, read.originals(ledger, record.id))
        places = {place for found in places_of(labels, [row]).values() for place in found}
    text = trial.find_text(ledger, record.id, places)
    if text is None or unsendable(text.text):
        raise InvalidArgument(f"Row {shown(row)} has no text to send. Name another row.")
    return text
