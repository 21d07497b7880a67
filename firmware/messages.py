"""The message place: what callers leave, as files of sound with a row each; the shell over callcontrol.media.recorder.

Theory. A recording begins with a row without a length, so that it is known whose it is; the file grows, synced twice a
second. At its end the file is closed and synced first, then one transaction gives the row its length and the platform
its news: only then it is acknowledged. Whatever ends in between, the next start finds a file without such a row, or a
row without a length: the file is mended and its row made, once. What holds no sound leaves nothing.

Nothing here is ever deleted but what was no message: that is the authority's to decide (E4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import partial
from pathlib import Path

from callcontrol.leaving import LONGEST_S, Leaving, is_message
from callcontrol.media.recorder import Recorder, mend, read_recording
from firmware.paths import Paths
from firmware.recordings import Recordings, new_name, recording_of
from firmware.store.messages import Message, MessageRows

__all__ = ["Kept", "Messages", "Recording"]

MESSAGES_MAX = 5_000
BYTES_MAX = 1 << 30
"""Of all messages: 37 hours."""
HELD_MAX = 100
"""In one mailbox: whoever fills it takes no room from the others. Its owner has long been reminded."""
LEFT_MAX = 20
"""By one number in an hour."""
LOOK_EVERY_S = 10.0
"""It is looked anew so often whether there is room, while anybody asks."""

log = logging.getLogger("rvx")


class Kept(Enum):
    """What became of a recording."""

    YES = auto()
    NO_MESSAGE = auto()
    """Nothing was said."""
    LOST = auto()
    """The disk or the store has not taken it whole; what is there is told of now, or at the next start."""


class Recording:
    """One that is under way."""

    def __init__(
        self,
        recorder: Recorder,
        keep: Callable[[Recording, Future[object]], Future[Kept]],
        longest_s: float = LONGEST_S,
    ) -> None:
        self.recorder = recorder
        self.leaving = Leaving(longest_s)
        self._keep = keep
        self._kept: Future[Kept] | None = None

    def push(self, frame: bytes) -> bool:
        """20 ms of sound; whether it is over."""
        self.recorder.push(frame)
        return self.leaving.heard(frame)

    def finish(self) -> Future[Kept]:
        """Once, however often it is asked for; done when all is on the disk."""
        if self._kept is None:
            self._kept = self._keep(self, self.recorder.close())
        return self._kept


class Messages(Recordings[MessageRows]):
    """Recordings that are to be kept must be finished before `close`."""

    def __init__(self, paths: Paths) -> None:
        self._full: tuple[frozenset[str], frozenset[str]] = frozenset(), frozenset()  # mailboxes, and callers
        self._room = False  # until what the process before this one has left is in order
        self._looked_s = 0.0
        super().__init__("messages", paths.messages, paths.journal, MessageRows)

    @property
    def room(self) -> bool:
        """Whether one more may be left, as of a moment ago."""
        now_s = asyncio.get_running_loop().time()
        if self.recovered.done() and now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            self._do(self._look)
        return self._room

    def takes(self, extension: str, caller: str) -> bool:
        """Whether that one may leave one more there, as of a moment ago."""
        full, busy = self._full
        return self.room and extension not in full and caller not in busy

    def begin(self, extension: str, caller: str, call_id: str, why: str) -> Recording:
        """For an extension; only while there is `room`."""
        message = Message(
            id=new_name(), extension=extension, caller=caller, call_id=call_id, why=why,
            left_at=datetime.now(UTC),
        )  # fmt: skip
        self._do(lambda: self._opened().begin(message))
        recorder = Recorder(self._path(message.id), self._disk)
        return Recording(
            recorder, lambda recording, closed: self._thread.submit(self._keep, message, recording, closed)
        )

    # ---- in the thread

    def _keep(self, message: Message, recording: Recording, closed: Future[object]) -> Kept:
        closed.result()
        kept = self._safely(partial(self._conclude, message, recording.leaving.is_message), Kept.LOST)
        if recording.recorder.failed is not None:
            log.error("rvx-event kind=message_lost why=%s", type(recording.recorder.failed).__name__)
            kept = Kept.LOST
        self._safely(self._look, None)
        return kept

    def _conclude(self, message: Message, said: bool) -> Kept:
        length_ms = self._length_ms(message.id)
        if not said or length_ms <= 0:
            self._path(message.id).unlink()
            self._opened().drop(message.id)
            return Kept.NO_MESSAGE
        self._opened().left(replace(message, length_ms=length_ms))
        return Kept.YES

    def _recover(self) -> None:
        rows = self._opened().all()
        files = {
            path.stem: path
            for path in self._folder.glob(recording_of(Path(), "*").name)
            if path.is_file() and not path.is_symlink()
        }
        for name, message in rows.items():
            if message.length_ms is None and name not in files:
                self._opened().drop(name)
        for name, path in files.items():
            message = rows.get(name) or Message(id=name, left_at=datetime.fromtimestamp(path.stat().st_mtime, UTC))
            if message.length_ms is None:
                self._safely(partial(self._mend, path, message), None)
        self._look()

    def _mend(self, path: Path, message: Message) -> None:
        mend(path)
        kept = self._conclude(message, is_message(read_recording(path)))
        log.warning("rvx-event kind=message_mended kept=%s", kept.name.lower())

    def _look(self) -> None:
        room = False
        try:
            room = self._has_room(BYTES_MAX, MESSAGES_MAX)
            now = datetime.now(UTC)
            self._full = self._opened().full(now - timedelta(hours=1), now, HELD_MAX, LEFT_MAX)
        finally:
            self._room = room
