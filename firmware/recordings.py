"""What shells of recordings share: files of sound in a folder of their own, with a row each in ``journal.db``, written
by a thread of their own beside the calls (callcontrol/media/recorder.py)."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

from callcontrol.media.recorder import HEADER_BYTES, Disk
from firmware.paths import recording_of
from firmware.store import StoreError
from firmware.store.database import OfJournal

__all__ = ["BYTES_A_MS", "FREE_LEAST_BYTES", "Recordings", "new_name", "recording_of"]

FREE_LEAST_BYTES = 128 << 20
"""Of the disk that is left for what the unit itself has to write."""
NAME_BYTES = 12
BYTES_A_MS = 8

Rows = TypeVar("Rows", bound=OfJournal)
T = TypeVar("T")

log = logging.getLogger("rvx")


class Recordings(Generic[Rows]):
    """`recovered` is done when what the process before this one has left is in order. `close` waits for what is being
    written; who gives the sound must have ended before."""

    def __init__(self, name: str, folder: Path, journal: Path, rows: type[Rows]) -> None:
        self._folder = folder
        self._journal = journal
        self._disk = Disk()
        self._thread = ThreadPoolExecutor(1, name)
        self._kind = rows
        self._rows: Rows | None = None  # the thread's
        self.recovered = self._do(self._begin)

    def close(self) -> None:
        self._disk.close()
        self._do(self._close)
        self._thread.shutdown(wait=True)

    # ---- in the thread

    def _recover(self) -> None:
        """What the process before this one had not brought to its end."""
        raise NotImplementedError

    def _do(self, work: Callable[[], None]) -> Future[None]:
        return self._thread.submit(self._safely, work, None)

    def _safely(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            return work()
        except (StoreError, sqlite3.Error, OSError, ValueError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            return otherwise

    def _begin(self) -> None:
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(0o700)
            parent = os.open(self._folder.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(parent)
            finally:
                os.close(parent)
        self._recover()

    def _opened(self) -> Rows:
        if self._rows is None:
            self._rows = self._kind.open(self._journal)
        return self._rows

    def _close(self) -> None:
        if self._rows is not None:
            self._rows.close()

    # ---- its files

    def _path(self, name: str) -> Path:
        return recording_of(self._folder, name)

    def _length_ms(self, name: str) -> int:
        """Of the sound that is on the disk; raises OSError where there is no file."""
        return (self._path(name).stat().st_size - HEADER_BYTES) // BYTES_A_MS

    def _has_room(self, bytes_max: int, count_max: int) -> bool:
        """Whether one more may be begun: all together are bounded, and the unit needs something too. Raises OSError."""
        sizes = [entry.stat().st_size for entry in os.scandir(self._folder)]
        disk = os.statvfs(self._folder)
        few = len(sizes) < count_max and sum(sizes) < bytes_max
        return few and disk.f_bavail * disk.f_frsize >= FREE_LEAST_BYTES


def new_name() -> str:
    return secrets.token_hex(NAME_BYTES)
