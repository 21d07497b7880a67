"""Threats that somebody has marked: the row at once, and the sound of the call from then on, for the manager (B12).

The row and the platform's news are one transaction, made when the key is pressed. The file grows, synced twice a
second; its length is told when the call is over, or by the next process, should this one end before that. A disk
that has no room costs the sound, never the mark."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from callcontrol.call import Call
from callcontrol.media.recorder import HEADER_BYTES, Disk, Recorder, mend
from firmware.paths import Paths
from firmware.store import StoreError
from firmware.store.threats import Threat, ThreatRows

__all__ = ["Threats"]

FREE_LEAST_BYTES = 128 << 20
"""Of the disk that is left for what the unit itself has to write."""
NAME_BYTES = 12
BYTES_A_MS = 8

Keep = Callable[[Callable[[bytes], object], Callable[[], object]], bool]
"""Hands the call's sound on, frame by frame, and says when that is over; False: there is none here."""

log = logging.getLogger("rvx")


class Threats:
    """`close` waits for what is being written; who gives the sound must have ended before."""

    def __init__(self, paths: Paths) -> None:
        self._folder = paths.threats
        self._journal = paths.journal
        self._disk = Disk()
        self._thread = ThreadPoolExecutor(1, "threats")
        self._rows: ThreatRows | None = None  # the thread's
        self.recovered = self._do(self._recover)

    def mark(self, call: Call, extension: str, keep: Keep) -> Future[None]:
        """The future is done when the row is on the disk."""
        mine = next(side for side in call.sides if side.number == extension)
        other = next(side for side in call.sides if side is not mine)
        threat = Threat(
            id=secrets.token_hex(NAME_BYTES), extension=extension, other=other.number,
            call_id=mine.session.request.call_id, other_call_id=other.session.request.call_id,
            marked_at=datetime.now(UTC), recorded=call.kept and self._has_room(),
        )  # fmt: skip
        marked = self._do(lambda: self._opened().mark(threat))
        if threat.recorded:
            recorder = Recorder(self._path(threat.id), self._disk)
            if not keep(recorder.push, partial(self._over, threat, recorder)):
                self._over(threat, recorder)
        log.warning("rvx-event kind=threat recorded=%d", threat.recorded)
        return marked

    def close(self) -> None:
        self._disk.close()
        self._do(self._close)
        self._thread.shutdown(wait=True)

    def _over(self, threat: Threat, recorder: Recorder) -> None:
        closed = recorder.close()
        self._do(lambda: self._end(threat, recorder, closed))

    def _has_room(self) -> bool:
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return False
        return disk.f_bavail * disk.f_frsize >= FREE_LEAST_BYTES

    # ---- in the thread

    def _do(self, work: Callable[[], None]) -> Future[None]:
        return self._thread.submit(self._safely, work)

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (StoreError, sqlite3.Error, OSError, ValueError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))

    def _end(self, threat: Threat, recorder: Recorder, closed: Future[object]) -> None:
        closed.result()
        if recorder.failed is not None:
            log.error("rvx-event kind=threat_unrecorded why=%s", type(recorder.failed).__name__)
        self._conclude(threat)

    def _conclude(self, threat: Threat) -> None:
        length_ms = (self._path(threat.id).stat().st_size - HEADER_BYTES) // BYTES_A_MS
        if length_ms > 0:
            self._opened().end(replace(threat, length_ms=length_ms))

    def _recover(self) -> None:
        """What the process before this one had not brought to its end."""
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(0o700)
        for threat in self._opened().all():
            if threat.recorded and threat.length_ms is None:
                self._safely(partial(self._mend, threat))

    def _mend(self, threat: Threat) -> None:
        path = self._path(threat.id)
        if path.exists():
            mend(path)
            self._conclude(threat)

    def _opened(self) -> ThreatRows:
        if self._rows is None:
            self._rows = ThreatRows.open(self._journal)
        return self._rows

    def _close(self) -> None:
        if self._rows is not None:
            self._rows.close()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.wav"
