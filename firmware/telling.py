"""Keeps what somebody is to be told of, beside the calls that it comes from: no call waits for a disk."""

from __future__ import annotations

import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callcontrol.plan.notices import key_of
from callcontrol.plan.steps import Note
from firmware.store import StoreError
from firmware.store.changes import Changes

__all__ = ["Telling"]

SAME_AFTER = timedelta(minutes=5)
"""What is met again sooner is not looked up again."""
KNOWN_MAX = 1_000
"""Notes of that time; what comes above is met again."""

log = logging.getLogger("rvx")


class Telling:
    """`tell` returns at once. A note that the disk does not take is told when it is met again."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._changes: Changes | None = None
        self._thread = ThreadPoolExecutor(1, "telling")
        self._met: dict[str, datetime] = {}

    def tell(self, note: Note) -> None:
        key, now = key_of(note), datetime.now(UTC)
        if len(self._met) >= KNOWN_MAX:
            self._met = {key: met for key, met in self._met.items() if _same(met, now)}
        if len(self._met) >= KNOWN_MAX or ((met := self._met.get(key)) is not None and _same(met, now)):
            return
        self._met[key] = now
        self._thread.submit(self._write, key, note, now)

    def close(self) -> None:
        """Waits for what is being written."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    def _write(self, key: str, note: Note, now: datetime) -> None:
        try:
            if self._changes is None:
                self._changes = Changes.open(self._journal)
            self._changes.notice(note, now)
        except (StoreError, sqlite3.Error, OSError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            self._met.pop(key, None)

    def _close(self) -> None:
        if self._changes is not None:
            self._changes.close()


def _same(met: datetime, now: datetime) -> bool:
    """A clock that was ahead does not count."""
    return met <= now < met + SAME_AFTER
