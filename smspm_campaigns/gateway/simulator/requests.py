"""Reading a request, and telling whether it is whole."""

import json
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from smspm_campaigns.gateway.simulator.ids import MAX_SEGMENTS
from smspm_campaigns.gateway.simulator.replies import JSON, Header, Refused
from smspm_campaigns.gateway.simulator.segments import count_segments

MAX_RECIPIENTS = 100  # per request, quick start

Values = dict[str, object]


class Request(NamedTuple):
    """A request that was read to its end."""

    method: str
    query: bytes
    headers: list[Header]
    body: bytes

    def values(self) -> Values:
        """Return the named values: of the query for a GET, of the JSON body for a POST."""
        return self._from_query() if self.method == "GET" else self._from_json()

    def _from_query(self) -> Values:
        try:
            pairs = parse_qsl(self.query.decode("ascii"), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise Refused(400, "The query string is not UTF-8") from None
        values: Values = dict(pairs)
        if len(values) < len(pairs):
            raise Refused(400, "A parameter is given twice")
        return values

    def _from_json(self) -> Values:
        if not any(
            name == b"content-type" and value.split(b";")[0].strip().lower() == JSON
            for name, value in self.headers
        ):
            raise Refused(415, "Content-Type must be application/json")
        try:
            values = json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise Refused(400, "The body is not JSON") from None
        if not isinstance(values, dict):
            raise Refused(400, "The body must be a JSON object")
        return values


class Order(NamedTuple):
    """A request to send whose values have the right form; its numbers may still be wrong."""

    numbers: list[str]
    is_list: bool
    text: str
    segments: int
    sender: str
    report: str | None

    def first_half(self) -> "Order":
        return self._replace(numbers=self.numbers[: (len(self.numbers) + 1) // 2])


def asked_numbers(values: Values) -> list[str]:
    """Return the numbers of a request, whatever their form."""
    numbers = values.get("toNumber", [])
    return [str(number) for number in (numbers if isinstance(numbers, list) else [numbers])]


def read_order(values: Values, senders: tuple[str, ...]) -> Order:
    """Return what is to be sent.

    Raises:
        Refused: a value is missing or has the wrong form.
    """
    numbers = values.get("toNumber")
    text = _required(values, "text", "Text is required")
    sender = values.get("fromNumber")
    report = values.get("report")
    if numbers is None or numbers in ("", []):
        raise Refused(400, "Recipient number is required")
    if isinstance(numbers, list) and len(numbers) > MAX_RECIPIENTS:
        raise Refused(400, f"A request may carry at most {MAX_RECIPIENTS} numbers")
    for number in numbers if isinstance(numbers, list) else [numbers]:
        if not isinstance(number, str):
            raise Refused(400, f"Invalid phone number: {json.dumps(number)}")
    if sender in (None, ""):
        raise Refused(400, "Sender number is required")
    if sender not in senders:
        raise Refused(400, "Bad sender")
    if report is not None and not _is_web_address(report):
        raise Refused(400, "Bad report URL")
    return Order(
        numbers=numbers if isinstance(numbers, list) else [str(numbers)],
        is_list=isinstance(numbers, list),
        text=text,
        segments=_count(text),
        sender=str(sender),
        report=None if report is None else str(report),
    )


def authorise(values: Values, credentials: dict[str, str]) -> None:
    """Refuse a request that does not carry exactly these credentials.

    Raises:
        Refused: 400 when one is missing, 401 when one is wrong.
    """
    given = {name: _required(values, name, f"{name.title()} is required") for name in credentials}
    if given != credentials:
        raise Refused(401, "Unauthorized")


def _required(values: Values, name: str, error: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, error)
    return value


def _count(text: str) -> int:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(400, "Text is not valid Unicode") from None
    segments = count_segments(text)
    if segments > MAX_SEGMENTS:
        raise Refused(400, "Text is too long")
    return segments


def _is_web_address(value: object) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)
