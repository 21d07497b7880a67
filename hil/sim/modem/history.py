"""What happened, in order: facts with their time, kept in memory and, where asked, in a file of JSON lines.

Every entry is ``{"at": seconds of CLOCK_MONOTONIC, "what": word, "modem": name or absent, …}``. Bytes are written as
Latin-1 text, so that each byte is one character.
"""

from __future__ import annotations

import collections
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.sim.modem.timers import Timers

__all__ = ["KEPT_MAX", "Entry", "History"]

KEPT_MAX = 200_000
"""Entries in memory; older ones are in the file alone."""

Entry = dict[str, Any]


class History:
    """`path`: the file, begun anew; None: memory alone."""

    def __init__(self, timers: Timers, path: Path | None = None) -> None:
        self._timers = timers
        self._file = None if path is None else path.open("w", encoding="utf-8", buffering=1)
        self._listeners: list[Callable[[Entry], None]] = []
        self.entries: collections.deque[Entry] = collections.deque(maxlen=KEPT_MAX)

    def note(self, what: str, modem: str = "", **facts: Any) -> None:
        """One more fact. Values that are bytes become Latin-1 text; None is left out."""
        entry: Entry = {"at": round(self._timers.now(), 6), "what": what}
        if modem:
            entry["modem"] = modem
        for name, value in facts.items():
            if value is not None:
                entry[name] = value.decode("latin-1") if isinstance(value, bytes) else value
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        for listener in tuple(self._listeners):
            listener(entry)

    def all(self, what: str, **facts: Any) -> list[Entry]:
        """The entries of one kind that have these facts."""
        return [
            entry
            for entry in self.entries
            if entry["what"] == what and all(entry.get(name) == value for name, value in facts.items())
        ]

    def listen(self, listener: Callable[[Entry], None]) -> Callable[[], None]:
        """Told of each entry from now on; what is returned ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """The file is whole."""
        if self._file is not None:
            self._file.close()
            self._file = None
