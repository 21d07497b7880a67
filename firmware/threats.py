"""Threats that somebody has marked: the row at once, and the sound of the call from then on, for the manager (B12).

The row and the platform's news are one transaction, made when the key is pressed. The file grows, synced twice a
second; its length is told when the call is over, or by the next process, should this one end before that. A disk
that has no room costs the sound, never the mark."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from callcontrol.call import Call
from callcontrol.media.recorder import Recorder, mend
from firmware.paths import Paths
from firmware.recordings import Recordings, new_name
from firmware.store.threats import Threat, ThreatRows

__all__ = ["Threats"]

THREATS_MAX = 5_000
BYTES_MAX = 2 << 30
"""Of all that is kept: 74 hours. What comes above is marked without sound, until files are taken away."""

Keep = Callable[[Callable[[bytes], object], Callable[[], object]], bool]
"""Hands the call's sound on, frame by frame, and says when that is over; False: there is none here."""

log = logging.getLogger("rvx")


class Threats(Recordings[ThreatRows]):
    def __init__(self, paths: Paths) -> None:
        super().__init__("threats", paths.threats, paths.journal, ThreatRows)

    def mark(self, call: Call, extension: str, keep: Keep) -> Future[None]:
        """The future is done when the row is on the disk."""
        mine = next(side for side in call.sides if side.number == extension)
        other = next(side for side in call.sides if side is not mine)
        threat = Threat(
            id=new_name(), extension=extension, other=other.number,
            call_id=mine.session.request.call_id, other_call_id=other.session.request.call_id,
            marked_at=datetime.now(UTC), recorded=call.kept and self._room,
        )  # fmt: skip
        marked = self._do(lambda: self._opened().mark(threat))
        if threat.recorded:
            recorder = Recorder(self._path(threat.id), self._disk)
            if not keep(recorder.push, partial(self._over, threat, recorder)):
                self._over(threat, recorder)
        log.warning("rvx-event kind=threat recorded=%d", threat.recorded)
        return marked

    def _over(self, threat: Threat, recorder: Recorder) -> None:
        closed = recorder.close()
        self._do(lambda: self._end(threat, recorder, closed))

    @property
    def _room(self) -> bool:
        try:
            return self._has_room(BYTES_MAX, THREATS_MAX)
        except OSError:
            return False

    # ---- in the thread

    def _end(self, threat: Threat, recorder: Recorder, closed: Future[object]) -> None:
        closed.result()
        if recorder.failed is not None:
            log.error("rvx-event kind=threat_unrecorded why=%s", type(recorder.failed).__name__)
        self._conclude(threat)

    def _conclude(self, threat: Threat) -> None:
        if (length_ms := self._length_ms(threat.id)) > 0:
            self._opened().end(replace(threat, length_ms=length_ms))

    def _recover(self) -> None:
        for threat in self._opened().all():
            if threat.recorded and threat.length_ms is None:
                self._safely(partial(self._mend, threat), None)

    def _mend(self, threat: Threat) -> None:
        path = self._path(threat.id)
        if path.exists():
            mend(path)
            self._conclude(threat)
