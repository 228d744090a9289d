"""A draft outlives its notebook: what was chosen and typed stands in a file beside it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_FILE: Final = ".smspm-draft.json"


class Memory:
    """Keeps the values of widgets by name. A folder that cannot be written keeps none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._kept: dict[str, Any] = {}

    def recall(self) -> dict[str, Any]:
        """Return what was kept; nothing where there is no draft, or one that cannot be read."""
        try:
            kept = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        kept = kept if isinstance(kept, dict) else {}
        self._kept = {name: typed for name, typed in kept.items() if isinstance(typed, dict)}
        return self._kept

    def keep(self, values: dict[str, Any]) -> None:
        """Keep these values, whole or not at all; without any there is no file."""
        if values == self._kept:
            return
        self._kept = values
        draft = self._path.with_suffix(".part")
        with suppress(OSError):
            draft.write_text(json.dumps(values), "utf-8")
            draft.replace(self._path)
            if not values:
                self._path.unlink()
