"""The id of a message: it carries all that is ever asked about the message."""

import re
from typing import NamedTuple

# The 122 free bits of a version-8 UUID (RFC 9562, 5.8), the highest first.
TIME_BITS = 43  # milliseconds since the epoch: until the year 2248
NUMBER_BITS = 50  # 15 digits, the most E.164 allows
FATE_BITS = 1
SEGMENT_BITS = 8  # a concatenated SMS has at most 255 parts (3GPP TS 23.040, 9.2.3.24.1)
SALT_BITS = 20

MAX_SEGMENTS = 2**SEGMENT_BITS - 1

_SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Ticket(NamedTuple):
    """What the id of a message says about the message.

    Args:
        accepted_ms: when it was accepted, milliseconds since the epoch.
        number: the recipient, digits without a plus.
        fails: whether the message will fail; otherwise it is delivered.
        segments: how many SMS the text takes, 1 to 255.
        salt: tells apart what is equal otherwise, and spreads the times of delivery.
    """

    accepted_ms: int
    number: str
    fails: bool
    segments: int
    salt: int


def write_id(ticket: Ticket) -> str:
    """Return the id that says what the ticket says; `read_id` is its inverse."""
    payload = ticket.accepted_ms
    payload = payload << NUMBER_BITS | int(ticket.number)
    payload = payload << FATE_BITS | ticket.fails
    payload = payload << SEGMENT_BITS | ticket.segments
    payload = payload << SALT_BITS | ticket.salt
    first, middle, last = payload >> 74, payload >> 62 & 0xFFF, payload & (1 << 62) - 1
    text = f"{first << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | last:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def read_id(message_id: str) -> Ticket | None:
    """Return what an id says, or None when it cannot be one that `write_id` wrote."""
    if _SHAPE.fullmatch(message_id) is None:
        return None
    value = int(message_id.replace("-", ""), 16)
    payload = (value >> 80) << 74 | (value >> 64 & 0xFFF) << 62 | value & (1 << 62) - 1
    salt, payload = payload & (1 << SALT_BITS) - 1, payload >> SALT_BITS
    segments, payload = payload & MAX_SEGMENTS, payload >> SEGMENT_BITS
    fails, payload = bool(payload & 1), payload >> FATE_BITS
    number, accepted_ms = str(payload & (1 << NUMBER_BITS) - 1), payload >> NUMBER_BITS
    return Ticket(accepted_ms, number, fails, segments, salt)
