"""Faults planted in the store on purpose, each of which a replay of cuts must find."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from firmware.store.changes import Changes

__all__ = ["FAULTS"]


def _without_syncs() -> None:
    """SQLite does not sync."""
    from firmware.store import database

    prepare = database._prepare

    def unsynced(connection: sqlite3.Connection, path: Path, scripts: list[str]) -> None:
        prepare(connection, path, scripts)
        connection.execute("PRAGMA synchronous = OFF")

    database._prepare = unsynced


def _sound_unsynced() -> None:
    """a message is acknowledged before its sound is on the disk."""
    os.fsync = os.fdatasync = lambda fd: None


def _in_two_transactions() -> None:
    """a change, and afterwards what the platform has to hear of it."""
    from firmware.store import outbox
    from firmware.store.database import transact

    def apart(
        self: Changes,
        now: datetime,
        kind: str,
        subject: str,
        body: Mapping[str, object],
        work: Callable[[], bool],
        item: tuple[str, str] | None = None,
    ) -> bool:
        changed = transact(self._db, work)
        if changed:
            transact(self._db, lambda: outbox.add(self._db, now, kind, subject, body, item))
        return changed

    Changes._told = apart  # type: ignore[method-assign]


FAULTS: Mapping[str, Callable[[], None]] = {
    "nosync": _without_syncs,
    "apart": _in_two_transactions,
    "early": _sound_unsynced,
}
"""By the word of ``--unsafe``."""
