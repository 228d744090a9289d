"""How a reply that the gateway gave can be wrong on its way."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace

import phonenumbers

from smspm_campaigns.gateway.simulator.replies import Reply

HUGE = 8 * 1024 * 1024  # bytes
STRANGER = "37255500000"  # a number nobody asked for

Message = dict[str, object]


def _first_accepted(messages: list[Message]) -> Message:
    return next(message for message in messages if "id" in message)


def _extra(messages: list[Message]) -> list[Message]:
    like = _first_accepted(messages)
    other_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(like["id"])))
    return [*messages, {**like, "id": other_id, "toNumber": STRANGER}]


def _same_id(messages: list[Message]) -> list[Message]:
    shared = _first_accepted(messages)["id"]
    return [{**message, "id": shared} for message in messages]


def _no_id(messages: list[Message]) -> list[Message]:
    bare = _first_accepted(messages)
    return [
        {name: value for name, value in message.items() if name != "id" or message is not bare}
        for message in messages
    ]


def _each_accepted(**values: Callable[[str], object]) -> Callable[[list[Message]], list[Message]]:
    def change(messages: list[Message]) -> list[Message]:
        return [
            message | {name: new(str(message[name])) for name, new in values.items()}
            if "id" in message
            else message
            for message in messages
        ]

    return change


def _spaced(number: str) -> str:
    style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(phonenumbers.parse(f"+{number}"), style)


# How a list of elements is wrong.
_OF_MESSAGES: dict[str, Callable[[list[Message]], list[Message]]] = {
    "partial": lambda messages: messages[:-1],
    "reordered": lambda messages: messages[::-1],
    "doubled": lambda messages: [message for message in messages for _ in range(2)],
    "same_id": _same_id,
    "extra": _extra,
    "reformatted": _each_accepted(toNumber=_spaced),
    "numeric": _each_accepted(toNumber=int),
    "no_id": _no_id,
    "unknown_status": _each_accepted(status=lambda _: "Processing"),
}

# How the bytes are wrong.
_OF_BYTES: dict[str, Callable[[Reply], Reply]] = {
    "malformed": lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2]),
    "html": lambda reply: replace(
        reply, body=b"<!DOCTYPE html><title>One moment</title>", content_type=b"text/html"
    ),
    "empty": lambda reply: replace(reply, body=b""),
    "null": lambda reply: replace(reply, body=b"null"),
    "bom": lambda reply: replace(reply, body=b"\xef\xbb\xbf" + reply.body),
    "content_type": lambda reply: replace(reply, content_type=b"text/plain"),
    "huge": lambda reply: replace(reply, body=reply.body[:-1] + b" " * HUGE + reply.body[-1:]),
}


def _altering(change: Callable[[list[Message]], list[Message]]) -> Callable[[Reply], Reply]:
    def alter(reply: Reply) -> Reply:
        payload = json.loads(reply.body)
        messages = payload.get("messages", [])
        if not any("id" in message for message in messages):
            return reply
        return replace(reply, body=json.dumps({"messages": change(messages)}).encode())

    return alter


ALTERATIONS: dict[str, Callable[[Reply], Reply]] = {
    **_OF_BYTES,
    **{kind: _altering(change) for kind, change in _OF_MESSAGES.items()},
}
