"""What goes wrong, and with which requests."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from http import HTTPStatus

from smspm_campaigns.gateway.simulator.alterations import ALTERATIONS
from smspm_campaigns.gateway.simulator.replies import Header, Reply, json_reply
from smspm_campaigns.gateway.simulator.wire import ENDINGS

SOME = "some"
# Every HTTP status that ends a request and may have a body.
_STATUSES = {
    str(status.value): status
    for status in HTTPStatus
    if status == HTTPStatus.OK
    or (status >= HTTPStatus.MULTIPLE_CHOICES and status != HTTPStatus.NOT_MODIFIED)
}
KINDS = ("429", "500", "502", "503", "302", "307", *ENDINGS, SOME, *ALTERATIONS)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with one request.

    Args:
        kind: what goes wrong:

            - an HTTP status, as `"503"`: this is the reply. A redirect points at
              `location`, a 429 carries `retry_after`.
            - how the connection ends: `"close"` without a byte, `"reset"`, `"truncated_head"`
              in the middle of the headers, `"half"` in the middle of the body, `"stall"` after
              `seconds` without a word.
            - `"some"`: the first half of the numbers is taken, then the whole request is answered
              with `error` and the HTTP `status`.
            - how a reply to taken messages is wrong: `"malformed"`, `"html"`, `"empty"`,
              `"null"`, `"bom"`, `"content_type"`, `"huge"` (8 MiB); `"partial"` (the last
              element is missing), `"reordered"`, `"doubled"` (each element twice), `"same_id"`
              (one id for all), `"extra"` (a number nobody asked for), `"reformatted"`
              (`+372 5678 9045`), `"numeric"` (a JSON number), `"no_id"` (the first has none),
              `"unknown_status"`.
        taken: whether the messages are taken (logged, billed and delivered) all the same. Unless
            told otherwise a status takes nothing, and everything else does.
        seconds: how long a `"stall"` lasts.
        retry_after: the `Retry-After` header: a number is written as whole or decimal seconds, a
            string as it is (an HTTP date, nonsense); without it there is no header.
        error: the words of the error; the usual phrase of the status when missing.
        status: the HTTP status that goes with `"some"`.
        location: where a redirect points.

    Raises:
        ValueError: the kind is unknown, or needs messages that were taken.
    """

    kind: str
    _: KW_ONLY
    taken: bool | None = None
    seconds: float = 30.0
    retry_after: float | str | None = None
    error: str | None = None
    status: int = 200
    location: str = "/"

    def __post_init__(self) -> None:
        if self.kind not in KINDS and self.kind not in _STATUSES:
            raise ValueError(
                f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}"
                " and every other HTTP status"
            )
        if self.taken is False and self.kind not in {*_STATUSES, *ENDINGS}:
            raise ValueError(f"a fault of kind {self.kind!r} needs messages that were taken")

    @property
    def takes(self) -> bool:
        return self.kind not in _STATUSES if self.taken is None else self.taken

    def apply(self, reply: Reply) -> Reply:
        """Return what is answered in place of this reply."""
        if self.kind in _STATUSES:
            return self._status_reply(_STATUSES[self.kind])
        if self.kind == SOME:
            return self._status_reply(HTTPStatus(self.status))
        return ALTERATIONS[self.kind](reply) if self.kind in ALTERATIONS else reply

    def _status_reply(self, status: HTTPStatus) -> Reply:
        headers: list[Header] = []
        if self.retry_after is not None:
            headers.append((b"retry-after", str(self.retry_after).encode("ascii")))
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            headers.append((b"location", self.location.encode("ascii")))
        phrase = "Internal error" if status == HTTPStatus.OK else status.phrase
        return json_reply({"error": self.error or phrase}, status, *headers)


Script = Callable[[int, Sequence[str]], Fault | str | None]
Faults = Fault | str | Script | Mapping[int, Fault | str] | Iterable[Fault | str | None] | None


def as_script(faults: Faults) -> Callable[[int, Sequence[str]], Fault | None]:
    """Return the one form that all ways of naming faults come down to."""
    if faults is None or isinstance(faults, (Fault, str)):
        every = _as_fault(faults)
        return lambda _index, _numbers: every
    if callable(faults):
        ask = faults
        return lambda index, numbers: _as_fault(ask(index, numbers))
    if isinstance(faults, Mapping):
        by_index = {index: _as_fault(fault) for index, fault in faults.items()}
        return lambda index, _numbers: by_index.get(index)
    one_by_one = iter(faults)
    return lambda _index, _numbers: _as_fault(next(one_by_one, None))


def storm(seed: int, rate: float, kinds: Sequence[Fault | str]) -> Script:
    """Return a script in which a share of all requests, chosen by the seed, goes wrong.

    Args:
        seed: the same seed gives the same faults to the same request indices.
        rate: share of the requests, 0 to 1.
        kinds: what may go wrong, each as likely as the others.
    """
    choices = [_as_fault(kind) for kind in kinds]

    def script(index: int, _numbers: Sequence[str]) -> Fault | None:
        dice = random.Random(f"{seed}/{index}")  # noqa: S311 - to repeat a run, not to keep a secret
        return dice.choice(choices) if dice.random() < rate else None

    return script


def _as_fault(fault: Fault | str | None) -> Fault | None:
    return Fault(fault) if isinstance(fault, str) else fault
