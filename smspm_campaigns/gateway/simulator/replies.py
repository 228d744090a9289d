"""Answers of the API before they go on the wire."""

import json
from dataclasses import dataclass

JSON = b"application/json"

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API before it goes on the wire."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()

    def all_headers(self) -> list[Header]:
        length = b"%d" % len(self.body)
        return [(b"content-type", self.content_type), (b"content-length", length), *self.headers]


class Refused(Exception):
    """The request is answered with an error, in the words of the API."""

    def __init__(self, status: int, error: str, *headers: Header) -> None:
        super().__init__(error)
        self.error = error
        self.reply = json_reply({"error": error}, status, *headers)


def json_reply(payload: object, status: int = 200, *headers: Header) -> Reply:
    return Reply(status, json.dumps(payload).encode(), headers=headers)
