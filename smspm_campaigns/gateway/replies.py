"""What a reply of the API proves, number by number. What it does not prove is unknown."""

import email.utils
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, NamedTuple, NoReturn

from smspm_campaigns.exceptions import (
    AccountRefused,
    GatewayError,
    ListRefused,
    NumberRefused,
    OutcomeUnknown,
    RateLimited,
)
from smspm_campaigns.masking import mask_text
from smspm_campaigns.vocabulary import VENDOR_STATUS, Status

_MAX_RETRY_AFTER: Final = 300.0  # seconds; a longer wait than this is asked for again
_MAX_ID: Final = 200  # characters of a message id
_MAX_QUOTED: Final = 200  # characters of an API's word or error that are kept
_MAX_PRICE: Final = 1_000_000  # EUR for one message; more is nonsense, and no ledger could hold it


def _whole(*patterns: str) -> re.Pattern[str]:
    """Match an error that says one of these and nothing else: more words could say anything."""
    return re.compile(rf"\W*(?:the |your )?(?:{'|'.join(patterns)})\W*", re.IGNORECASE)


_BAD: Final = r"(?:bad|invalid|wrong|unknown|missing|expired)"
_IS_BAD: Final = (
    r"(?:is |was |has )?"
    r"(?:required|missing|invalid|wrong|unknown|expired|not (?:valid|found|approved|allowed))"
)
_SENDER: Final = r"(?:sender|from[_ ]?number)(?: id| name| number)?"
_CREDENTIAL: Final = r"(?:api )?(?:token|hash)"
_NUMBER: Final = r"(?:phone |recipient |to[_ ]?)?number"


def _is(about: re.Pattern[str], error: Any) -> bool:
    """Tell whether all of an error is about this. A real one is short; what is cut off counts."""
    if not isinstance(error, str) or len(error.strip()) > _MAX_QUOTED:
        return False
    return about.fullmatch(error.strip()) is not None


# What an error is about: the named ones of the quick start, and others of the same form.
_ABOUT_SENDER: Final = _whole(f"{_BAD} {_SENDER}", f"{_SENDER} {_IS_BAD}")
_ABOUT_ACCOUNT: Final = _whole(
    f"{_BAD} {_CREDENTIAL}", f"{_CREDENTIAL} {_IS_BAD}", "unauthori[sz]ed"
)
_ABOUT_BALANCE: Final = _whole(
    r"(?:insufficient|not enough|low|no) (?:balance|credits?|funds)",
    r"balance (?:is )?(?:insufficient|not sufficient|too low|empty|exhausted)",
    "payment required",
)
_ABOUT_NUMBER: Final = _whole(rf"{_BAD} {_NUMBER}(?:\W*\d[\d\W]*)?", f"{_NUMBER} {_IS_BAD}")

_ACCEPTED: Final = (Status.QUEUED, Status.SUBMITTED, Status.DELIVERED)
_REFUSING_WORDS: Final = ("invalid", "refused", "blocked")


class Answer(NamedTuple):
    """What a reply proves about one number."""

    number: str
    status: Literal[Status.QUEUED, Status.REFUSED, Status.UNKNOWN]
    message_id: str | None = None
    word: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answers to a send, one for each number in the order asked, and the reply as it came.

    `is_plain`: each number was accepted, and stands in the reply.
    """

    answers: tuple[Answer, ...]
    raw: str
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What the API says of one message: its raw status word, the price in EUR, the carrier.

    `is_plain`: it says of which message, and it is the one that was asked about.
    """

    word: str
    price: Decimal | None
    carrier: str | None
    raw: str
    is_plain: bool = False


def read_send(
    numbers: Sequence[str],
    code: int,
    headers: Mapping[str, str],
    raw: str,
    *,
    list_errors_atomic: bool,
    now: datetime,
) -> Reply:
    """Read the reply to a send.

    Raises:
        GatewayError: the reply is an error for the whole request, or proves nothing.
    """
    body = _readable(code, headers, raw, now)
    elements = body.get("messages")
    if isinstance(elements, list) and elements:
        answers = tuple(_match(numbers, elements))
        is_plain = code == 200 and all(answer.status is Status.QUEUED for answer in answers)
        return Reply(answers, raw, is_plain and _names_all(numbers, elements))
    raise _error(body, code, raw, len(numbers), list_errors_atomic=list_errors_atomic)


def read_details(
    message_id: str, code: int, headers: Mapping[str, str], raw: str, *, now: datetime
) -> Details:
    """Read the reply to a question about a message.

    Raises:
        GatewayError: an error, no status in it, or the id of another message.
    """
    body = _readable(code, headers, raw, now)
    word, about = body.get("status"), body.get("id")
    if isinstance(about, str) and about != message_id and len(about) == len(message_id):
        raise OutcomeUnknown("The API answered about another message.", raw=raw)
    if not isinstance(word, str) or not word.strip() or body.get("error"):
        raise _error(body, code, raw, 1, list_errors_atomic=False)
    return Details(
        _text(word),
        _decimal(body.get("price")),
        _text(body.get("carrier")) or None,
        raw,
        is_plain=code == 200 and about == message_id,
    )


def read_fields(
    code: int, headers: Mapping[str, str], raw: str, *, now: datetime
) -> dict[str, Any]:
    """Read a reply that is an object of fields, such as the balance.

    Raises:
        GatewayError: an error, or no object.
    """
    body = _readable(code, headers, raw, now)
    if code != 200 or body.get("error"):
        raise _error(body, code, raw, 1, list_errors_atomic=False)
    return body


def _readable(code: int, headers: Mapping[str, str], raw: str, now: datetime) -> dict[str, Any]:
    body = _parsed(raw)
    if code == 429 and not _may_have_taken(body):  # what was taken is, whatever the code
        wait = _retry_after(headers.get("retry-after"), now)
        told = "" if wait is None else f" and asks to wait {wait:.0f} s"
        raise RateLimited(
            f"The API has had too many requests{told}. Nothing was taken; run it again later.",
            raw=raw,
            retry_after=wait,
        )
    if code >= 500 or 300 <= code < 400:
        what = "an error of its own" if code >= 500 else "a redirect, which is never followed"
        raise OutcomeUnknown(f"The API answered with {what} (HTTP {code}).", raw=raw)
    if not isinstance(body, dict):
        raise OutcomeUnknown(
            f"The API's reply (HTTP {code}) is not the JSON it is known for.",
            raw=raw,
            stops_run=code >= 400,
        )
    return body


def _parsed(raw: str) -> Any:
    """Return the JSON of a reply, None when it is none."""
    try:
        return json.loads(
            raw.removeprefix("\ufeff"),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; one that says a thing twice has no sure meaning (RFC 8259, 4)."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is given twice")
    return made


def _may_have_taken(body: Any) -> bool:
    """Tell whether a body says anything of messages, whatever the code of the reply."""
    if isinstance(body, dict):
        return bool(body.get("messages") or body.get("id"))
    return isinstance(body, list) and bool(body)


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Read seconds or an HTTP date (RFC 9110, 10.2.3); None when there is nothing sensible."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(header)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _MAX_RETRY_AFTER)


def _error(
    body: dict[str, Any], code: int, raw: str, asked: int, *, list_errors_atomic: bool
) -> GatewayError:
    """Make the error that says what an error reply proves about the whole request."""
    said = body.get("error")
    error = said.strip() if isinstance(said, str) else ""
    quoted = repr(_text(mask_text(error))) if error else f"HTTP {code}, without a word"
    what = quoted if error else "a reply without messages"
    unlisted = OutcomeUnknown(
        f"SMSPM answered {what} (HTTP {code}), which says nothing certain about the messages.",
        raw=raw,
        stops_run=bool(said) or code >= 400,
    )
    if _may_have_taken(body):  # beside messages, be they unreadable, an error refuses nothing
        return unlisted
    if _is(_ABOUT_SENDER, error):
        return AccountRefused(
            f"SMSPM refused the sender: {quoted}. Use an approved Sender ID; SMSPM.com is "
            "approved by default, others are requested in your account.",
            raw=raw,
            stops_run=True,
        )
    if _is(_ABOUT_ACCOUNT, error) or (code == 401 and not said):
        return AccountRefused(
            f"SMSPM refused the credentials: {quoted}. Check SMSPM_HASH and SMSPM_TOKEN against "
            "the API page of your account.",
            raw=raw,
            stops_run=True,
        )
    if _is(_ABOUT_BALANCE, error) or (code == 402 and not said):
        return _about_balance(quoted, raw, certain=asked == 1 or list_errors_atomic)
    if _is(_ABOUT_NUMBER, error):
        return _about_number(quoted, raw, asked, list_errors_atomic=list_errors_atomic)
    return unlisted


def _about_balance(quoted: str, raw: str, *, certain: bool) -> GatewayError:
    told = f"SMSPM says the balance does not suffice: {quoted}."
    if certain:
        return AccountRefused(
            f"{told} Top up your account and send again; nothing of this request was taken.",
            raw=raw,
            stops_run=True,
        )
    return OutcomeUnknown(
        f"{told} Whether some numbers of the list were taken before is not known.",
        raw=raw,
        stops_run=True,
    )


def _about_number(quoted: str, raw: str, asked: int, *, list_errors_atomic: bool) -> GatewayError:
    if asked == 1:
        return NumberRefused(f"SMSPM refused the number: {quoted}.", raw=raw)
    if list_errors_atomic:
        return ListRefused(f"SMSPM refused a list of numbers whole: {quoted}.", raw=raw)
    return OutcomeUnknown(
        f"SMSPM refused a number of a list: {quoted}. Whether others were taken is not known.",
        raw=raw,
    )


def _match(numbers: Sequence[str], elements: list[Any]) -> list[Answer]:
    """Match elements to numbers by number alone, never by position; what is doubtful is unknown."""
    ids: list[str | None] = []
    by_number: dict[str, list[tuple[dict[str, Any], str | None]]] = {}
    for element in elements:
        if isinstance(element, dict):
            ids.append(_identity(element))
            same = by_number.setdefault(_digits(element.get("toNumber")), [])
            same.append((element, ids[-1]))
    if len(numbers) == 1 and len(elements) == 1 and by_number:
        by_number = {numbers[0]: next(iter(by_number.values()))}
    count = Counter(ids)
    answers = []
    for number in numbers:
        same = by_number.get(number, [])
        if len(same) != 1:
            there = f"{len(same)} elements" if same else "no element"
            told = f"the reply has {there} for this number"
            answers.append(Answer(number, Status.UNKNOWN, error=told))
        elif (identity := same[0][1]) is not None and count[identity] > 1:
            told = "the reply has its id more than once"
            answers.append(Answer(number, Status.UNKNOWN, error=told))
        else:
            answers.append(_judge(number, same[0][0], identity))
    return answers


def _names_all(numbers: Sequence[str], elements: list[dict[str, Any]]) -> bool:
    return {_digits(element.get("toNumber")) for element in elements} == set(numbers)


def _identity(element: dict[str, Any]) -> str | None:
    """Return the id of an element, None when it is none that could be told from another."""
    found = element.get("id")
    is_one = (
        isinstance(found, str)
        and found.isprintable()
        and "\ufffd" not in found  # what stands for bytes that are no UTF-8
        and 0 < len(found.strip()) <= len(found) <= _MAX_ID
    )
    return found if is_one else None


def _digits(spelled: Any) -> str:
    """Return the digits of a number; none of what is neither text nor a whole number."""
    if isinstance(spelled, bool) or not isinstance(spelled, str | int):
        return ""
    text = str(spelled)
    return text if text.isdecimal() else re.sub(r"\D", "", text)


def _text(said: Any) -> str:
    """Return a text of the API as it may be kept: not too long, no half of a surrogate pair."""
    if not isinstance(said, str):
        return ""
    return said.strip()[:_MAX_QUOTED].encode(errors="replace").decode()


def _judge(number: str, element: dict[str, Any], identity: str | None) -> Answer:
    word = _text(element.get("status"))
    error = element.get("error")
    meaning = VENDOR_STATUS.get(word.lower())
    if identity is not None and meaning in _ACCEPTED and not error:
        return Answer(number, Status.QUEUED, identity, word)
    told = _text(mask_text(str(error or word))) or None
    if identity is None and not element.get("id") and meaning not in _ACCEPTED:
        refuses = meaning is Status.FAILED or word.lower() in _REFUSING_WORDS
        if refuses or _is(_ABOUT_NUMBER, error):
            return Answer(number, Status.REFUSED, word=word or None, error=told)
    return Answer(number, Status.UNKNOWN, word=word or None, error=told)


def _decimal(price: Any) -> Decimal | None:
    if isinstance(price, bool) or not isinstance(price, int | str | Decimal):
        return None
    try:
        value = Decimal(price)
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= _MAX_PRICE else None
