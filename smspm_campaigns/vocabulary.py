"""The words everyone shares: problems, statuses, column names and limits."""

from enum import StrEnum
from typing import Final


class Problem(StrEnum):
    """Why a row will not be sent. The order is the precedence: the first is the row's problem."""

    MISSING_NUMBER = "missing_number"  #: the cell is blank
    DAMAGED_NUMBER = "damaged_number"  #: a spreadsheet destroyed digits
    INVALID_NUMBER = "invalid_number"  #: no phone can have this number
    COUNTRY_NOT_ALLOWED = "country_not_allowed"  #: outside the countries asked for
    NOT_MOBILE = "not_mobile"  #: a landline, when only mobiles were asked for
    OPTED_OUT = "opted_out"  #: the person asked not to be texted
    DUPLICATE = "duplicate"  #: another row with this number is kept
    MISSING_VALUE = "missing_value"  #: a placeholder has no value in this row
    TEMPLATE_ERROR = "template_error"  #: the template failed on this row
    EMPTY_TEXT = "empty_text"  #: nothing but white space to send
    UNSENDABLE_TEXT = "unsendable_text"  #: a character no SMS can carry
    TOO_LONG = "too_long"  #: more segments than allowed


#: The words a person reads for each problem. A note in `sms_detail` begins with them.
PROBLEM_TITLES: Final[dict[Problem, str]] = {
    Problem.MISSING_NUMBER: "No number",
    Problem.DAMAGED_NUMBER: "Damaged number",
    Problem.INVALID_NUMBER: "Invalid number",
    Problem.COUNTRY_NOT_ALLOWED: "Country not allowed",
    Problem.NOT_MOBILE: "Not a mobile",
    Problem.OPTED_OUT: "Opted out",
    Problem.DUPLICATE: "Duplicate",
    Problem.MISSING_VALUE: "Missing value",
    Problem.TEMPLATE_ERROR: "Template error",
    Problem.EMPTY_TEXT: "Empty text",
    Problem.UNSENDABLE_TEXT: "Unsendable text",
    Problem.TOO_LONG: "Too long",
}

#: The title of a note that is no problem: what was mended in a number.
NUMBER_NOTE: Final = "Number read"

#: The title of a note on digits that are a valid number with a country code and without one.
TWO_READINGS: Final = "Two readings"

#: The title of a note on characters of a text that were written by plainer ones.
REPLACED: Final = "Replaced"


class Status(StrEnum):
    """Where a row of a campaign stands. Every row has exactly one."""

    EXCLUDED = "excluded"  #: has a problem, is never sent
    PLANNED = "planned"  #: waits for its request
    SENDING = "sending"  #: claimed; its request is being written or awaited
    QUEUED = "queued"  #: accepted by the API
    SUBMITTED = "submitted"  #: given to the carrier
    DELIVERED = "delivered"  #: on the phone
    FAILED = "failed"  #: the carrier said no
    REFUSED = "refused"  #: the API refused this row
    UNKNOWN = "unknown"  #: may have been taken; only evidence or a person can tell
    UNCONFIRMED = "unconfirmed"  #: accepted, and no final word in time; a later word still counts
    CANCELLED = "cancelled"  #: taken out of the plan by a person


#: What a person reads for each status.
STATUS_TITLES: Final[dict[Status, str]] = {
    Status.EXCLUDED: "Not sent: the row has a problem",
    Status.PLANNED: "Waiting to be sent",
    Status.SENDING: "Being sent",
    Status.QUEUED: "Accepted by SMSPM",
    Status.SUBMITTED: "Given to the carrier",
    Status.DELIVERED: "Delivered",
    Status.FAILED: "Failed at the carrier",
    Status.REFUSED: "Refused by SMSPM",
    Status.UNKNOWN: "Outcome unknown",
    Status.UNCONFIRMED: "Accepted, never confirmed",
    Status.CANCELLED: "Cancelled",
}

#: Statuses that still wait for a word from the carrier, and are asked for.
OPEN: Final = (Status.QUEUED, Status.SUBMITTED)

#: Statuses of messages that SMSPM surely took.
ACCEPTED: Final = (
    Status.QUEUED,
    Status.SUBMITTED,
    Status.UNCONFIRMED,
    Status.DELIVERED,
    Status.FAILED,
)

#: Statuses that are never replaced by another one.
FINAL: Final = (
    Status.DELIVERED,
    Status.FAILED,
    Status.REFUSED,
    Status.CANCELLED,
    Status.EXCLUDED,
)


class RunState(StrEnum):
    """What a run of a campaign is doing, or how it ended."""

    RUNNING = "running"  #: sends, or asks what became of messages
    PAUSING = "pausing"  #: begins nothing more; requests are still in flight
    PAUSED = "paused"  #: nothing is in flight, and nothing is begun
    STOPPING = "stopping"  #: begins nothing more, and ends when nothing is in flight
    LOST = "lost"  #: its lock file is not there, so nobody can tell whether it lives
    FINISHED = "finished"  #: ended: there was nothing left for it to do
    STOPPED = "stopped"  #: ended: somebody asked it to
    FAILED = "failed"  #: ended by an error
    DEAD = "dead"  #: its program ended in the middle of it

    @property
    def has_ended(self) -> bool:
        """Whether the run is over."""
        return self in (RunState.FINISHED, RunState.STOPPED, RunState.FAILED, RunState.DEAD)


#: The vendor's words for a message's state, in lower case, and ours. A word that is not here
#: leaves the message open. The first four are in the quick start, the others in vendor texts.
VENDOR_STATUS: Final[dict[str, Status]] = {
    "queued": Status.QUEUED,
    "submitted": Status.SUBMITTED,
    "delivered": Status.DELIVERED,
    "failed": Status.FAILED,
    "added to queue": Status.QUEUED,
    "pending": Status.QUEUED,
    "sent": Status.SUBMITTED,
    "undelivered": Status.FAILED,
    "rejected": Status.FAILED,
    "expired": Status.FAILED,
}

#: The gateway of a rehearsal: the simulator in this process.
SIMULATED: Final = "simulated"

# Columns the frame helpers add.
TO: Final = "sms_to"
COUNTRY: Final = "sms_country"
LINE: Final = "sms_line"
TEXT: Final = "sms_text"
ENCODING: Final = "sms_encoding"
SEGMENTS: Final = "sms_segments"
COST: Final = "sms_cost"
PROBLEM: Final = "sms_problem"
PROBLEMS: Final = "sms_problems"
DETAIL: Final = "sms_detail"

# Columns a user may add for `Campaign.create`.
SENDER: Final = "sms_sender"

#: What a campaign's report adds; dropped when a report is fed back to `create`.
OUTCOME_COLUMNS: Final = (
    "sms_id",
    "sms_status",
    "sms_error",
    "sms_price",
    "sms_carrier",
    "sms_sent_at",
    "sms_updated_at",
)

#: What `Campaign.unknown` adds to the report; dropped as well.
UNKNOWN_COLUMNS: Final = ("sms_request", "sms_requested_at")

#: Every column of ours, in the order a report has them.
COLUMNS: Final = (
    TO,
    COUNTRY,
    LINE,
    TEXT,
    ENCODING,
    SEGMENTS,
    COST,
    SENDER,
    PROBLEM,
    PROBLEMS,
    DETAIL,
    *OUTCOME_COLUMNS,
)

MAX_RECIPIENTS: Final = 100  # numbers per request, quick start
REQUESTS_PER_MINUTE: Final = (
    100  # a vendor text on the standard plan; a setting, and a 429 is obeyed
)
MAX_SENDER_LETTERS: Final = 11  # characters of an alphanumeric sender, 3GPP TS 23.040, 9.1.2.5
MAX_NUMBER_DIGITS: Final = 15  # digits of an international number, ITU-T E.164, 6.1
