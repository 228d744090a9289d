"""Every error this package raises.

SmspmError
├── InvalidArgument (ValueError)         a call that cannot be meant
├── ColumnNotFound (KeyError)            a column that is not in the frame
├── ContactsUnreadable (ValueError)      a file that cannot be read as asked
├── NumbersUnreadable (ValueError)       opt-outs that are no phone numbers
├── TemplateInvalid (ValueError)         a template that cannot be used
├── CredentialsMissing (ValueError)      no hash or no token
├── LedgerError (OSError)                the ledger is missing, foreign, newer, damaged or locked
├── CampaignNotFound (LookupError)       no campaign of that name in the ledger
├── CampaignConflict (ValueError)        the plan contradicts what the ledger holds
├── GatewayMismatch (ValueError)         the campaign belongs to another account or the simulator
├── BudgetExceeded (ValueError)          what is planned costs more than was allowed
├── RunStopped (RuntimeError)            a run that stopped by itself; nothing is lost
└── GatewayError (RuntimeError)          the API, or the way to it
    ├── NeverLeft (ConnectionError)      no connection: not a byte was written
    ├── RateLimited                      429: not taken, wait and go on
    ├── AccountRefused (PermissionError) token, hash, sender or balance: refused whole
    ├── NumberRefused (ValueError)       the one number asked for was refused
    ├── ListRefused                      a list refused whole for a number in it: nothing was taken
    └── OutcomeUnknown (ConnectionError) the reply proves nothing; anything may have been sent

SmspmWarning (UserWarning)               something a person should look at
"""

import sys
import warnings
from types import FrameType
from typing import ClassVar, Final, Literal

#: What the rows of a request become after an error: see "How a send is accounted for".
Aftermath = Literal["planned", "refused", "unknown"]


class SmspmError(Exception):
    """The base of every error of this package."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidArgument(SmspmError, ValueError):
    """A call that cannot be meant, such as a negative limit."""


class ColumnNotFound(SmspmError, KeyError):
    """A column that is not in the frame."""


class ContactsUnreadable(SmspmError, ValueError):
    """A file that cannot be read as asked."""


class NumbersUnreadable(SmspmError, ValueError):
    """Opt-outs that are no phone numbers: an opt-out lost is a person texted."""


class TemplateInvalid(SmspmError, ValueError):
    """A template that does not parse, or names a column that is not there."""


class CredentialsMissing(SmspmError, ValueError):
    """No hash or no token was given."""


class LedgerError(SmspmError, OSError):
    """The ledger is missing, foreign, newer, damaged or locked."""


class CampaignNotFound(SmspmError, LookupError):
    """No campaign of that name in the ledger."""


class CampaignConflict(SmspmError, ValueError):
    """The plan contradicts what the ledger holds."""


class GatewayMismatch(SmspmError, ValueError):
    """The campaign belongs to another account, or to the simulator."""


class BudgetExceeded(SmspmError, ValueError):
    """What is planned costs more than was allowed."""


class RunStopped(SmspmError, RuntimeError):
    """A run that stopped by itself. Nothing is lost: the ledger knows where every row stands."""


class GatewayError(SmspmError, RuntimeError):
    """The API, or the way to it, did not give what was asked for.

    `rows_become` says what this proves about the rows of a send, `stops_run` whether going on
    makes sense, `raw` the reply as it came (empty when there was none).
    """

    rows_become: ClassVar[Aftermath] = "unknown"

    def __init__(self, message: str, *, raw: str = "", stops_run: bool = False) -> None:
        super().__init__(message)
        self.raw = raw
        self.stops_run = stops_run


class NeverLeft(GatewayError, ConnectionError):
    """No connection was made: not a byte was written."""

    rows_become = "planned"


class RateLimited(GatewayError):
    """Too many requests: nothing was taken. `retry_after` is in seconds, None when not told."""

    rows_become = "planned"

    def __init__(self, message: str, *, raw: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, raw=raw)
        self.retry_after = retry_after


class AccountRefused(GatewayError, PermissionError):
    """The token, hash, sender or balance was refused, and with it the whole request."""

    rows_become = "planned"


class NumberRefused(GatewayError, ValueError):
    """The one number asked for was refused."""

    rows_become = "refused"


class ListRefused(GatewayError):
    """A list was refused whole for a number in it: nothing was taken, and halves may be."""

    rows_become = "planned"


class OutcomeUnknown(GatewayError, ConnectionError):
    """The reply proves nothing: anything may have been sent."""


class SmspmWarning(UserWarning):
    """Something a person should look at before sending."""


#: Code of these packages is passed over when a warning points at a line.
_NOT_THE_CALLER: Final = ("smspm_campaigns", "pandas")


def warn(sentence: str) -> None:
    """Warn at the line that a person wrote, through a `.pipe` too."""
    frame, level = sys._getframe(1), 2  # noqa: SLF001 - what warnings itself does from 3.12 on
    while frame.f_back and _package(frame) in _NOT_THE_CALLER:
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, SmspmWarning, stacklevel=level)


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]
