"""Sound that units send: piece after piece to where the last one ended, whole when it is what its name says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from datetime import datetime
from pathlib import Path

from firmware.store.database import to_text
from tools.hub.store import Store

__all__ = ["BYTES_MAX", "NotThatHash", "Sound", "WrongOffset"]

BYTES_MAX = 256 << 20
"""Of one recording: four hours and more."""
PART_KEPT_S = 7 * 86_400
_HASH = re.compile(r"[0-9a-f]{64}")


class WrongOffset(Exception):
    """The next byte is another one."""

    def __init__(self, offset: int) -> None:
        super().__init__(str(offset))
        self.offset = offset


class NotThatHash(Exception):
    """The whole is not what its name says; it is gone."""


class Sound:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.place.sound

    def offset(self, unit: str, sha256: str) -> int:
        """How much of it is here."""
        row = self._store.db.execute("SELECT bytes FROM sound WHERE sha256 = ?", (sha256,)).fetchone()
        if row is not None:
            return int(row[0])
        try:
            return self._part(unit, sha256).stat().st_size
        except FileNotFoundError:
            return 0

    def add(self, unit: str, sha256: str, offset: int, length: int, piece: bytes, now: datetime) -> int:
        """Give how much is here then. `length`: of the whole. Raises WrongOffset, NotThatHash, OSError."""
        here = self.offset(unit, sha256)
        if here == length and self._whole(sha256):
            return here
        if offset != here or offset + len(piece) > length:
            raise WrongOffset(here)
        part = self._part(unit, sha256)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as file:
            file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        here += len(piece)
        if here == length:
            self._keep(unit, sha256, length, part, now)
        return here

    def sweep(self) -> int:
        """Files whose row is gone, as the archive had it deleted, and parts that nobody goes on with; how many."""
        kept = {sha256 for (sha256,) in self._store.db.execute("SELECT sha256 FROM sound")}
        gone = 0
        for file in self._folder.glob("*/*"):
            old = time.time() - file.stat().st_mtime > PART_KEPT_S
            if old if file.parent.name == "part" else old and file.name not in kept:
                file.unlink(missing_ok=True)
                gone += 1
        return gone

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _whole(self, sha256: str) -> bool:
        return self._store.db.execute("SELECT 1 FROM sound WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def _keep(self, unit: str, sha256: str, length: int, part: Path, now: datetime) -> None:
        with part.open("rb") as file:
            made = hashlib.file_digest(file, "sha256").hexdigest()
        if made != sha256:
            part.unlink()
            raise NotThatHash
        target = self.path(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        part.rename(target)
        for folder in (target.parent, self._folder):
            _sync(folder)
        sql = "INSERT INTO sound VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING"
        self._store.transact(lambda: self._store.db.execute(sql, (sha256, length, unit, to_text(now))))

    def _part(self, unit: str, sha256: str) -> Path:
        assert _HASH.fullmatch(sha256)
        return self._folder / "part" / f"{unit}-{sha256}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)
