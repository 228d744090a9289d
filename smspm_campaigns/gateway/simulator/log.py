"""The log of everything accepted: the truth that tests compare with."""

import json
from collections.abc import Iterable
from pathlib import Path

Entry = dict[str, object]


class AcceptedLog:
    """Everything that was accepted, one entry per recipient, in a list or as lines of a file."""

    def __init__(self, target: list[Entry] | Path | None) -> None:
        self._target: list[Entry] | Path = [] if target is None else target

    def add(self, entries: Iterable[Entry]) -> None:
        if isinstance(self._target, list):
            self._target.extend(entries)
            return
        lines = "".join(json.dumps(entry) + "\n" for entry in entries)
        # Unbuffered and in one piece: it is in the file before the reply leaves.
        with self._target.open("ab", buffering=0) as file:
            file.write(lines.encode())

    def read(self) -> list[Entry]:
        if isinstance(self._target, list):
            return self._target
        if not self._target.exists():
            return []
        return [json.loads(line) for line in self._target.read_bytes().splitlines()]
