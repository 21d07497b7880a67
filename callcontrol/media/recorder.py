"""Recordings: a WAV of A-law that is whole at every moment but for its last second, whatever happens to the power.

Theory. A-law is a byte a sample, so a file that is cut off anywhere is still sound; only the lengths in the header are
not right until it is closed. They are mended at the next opening, from the file's own length. Sound is gathered for
half a second, then written and synced by one thread for all; so a power cut takes what is gathered and what is being
written, less than a second together on a disk that works. A disk that does not keep up costs sound, which is counted
and left silent, and never makes a call wait.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from callcontrol.media import g711
from callcontrol.media.pcm import FRAME_S, FRAME_SAMPLES, RATE_HZ

__all__ = ["HEADER_BYTES", "Disk", "Recorder", "mend", "read_recording"]

GATHERED_FRAMES = 25
"""Written at once: half a second."""
MAX_S = 4 * 3600
"""The longest recording; a call that is forgotten fills no disk."""
WAITING_MAX = 256
"""Writes that may wait for the disk, of all recordings together."""
_HEADER = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")
HEADER_BYTES = _HEADER.size
_ALAW_TAG = 6
_SILENCE = b"\xd5" * FRAME_SAMPLES


class Disk:
    """One thread that writes, and a queue with an end."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "disk")
        self._room = threading.BoundedSemaphore(WAITING_MAX)

    def do(self, work: Callable[[], object]) -> bool:
        """Later, in order. False: the queue is full, and nothing will be done."""
        if not self._room.acquire(blocking=False):
            return False
        self._thread.submit(work).add_done_callback(lambda _: self._room.release())
        return True

    def finish(self, work: Callable[[], object]) -> Future[object]:
        """Later, in order, also where the queue is full: the end of something, of which there are few."""
        return self._thread.submit(work)

    def close(self) -> None:
        """Waits for all that is to be written."""
        self._thread.shutdown()


class Recorder:
    """One recording. `failed` says why nothing more is written, once that is so."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.failed: OSError | None = None
        self.lost_frames = 0
        """Frames that the disk had no time for."""
        self.frames = 0
        self._disk = disk
        self._gathered: list[bytes] = []
        self._late = 0  # frames of silence that stand for what was lost
        self._file: int | None = None
        disk.do(self._open)

    def push(self, frame: bytes) -> None:
        """A frame of sound; never waits. None is taken after `MAX_S`."""
        if self.frames * FRAME_S >= MAX_S or self.failed is not None:
            return
        self.frames += 1
        self._gathered.append(g711.alaw_encode(frame))
        if len(self._gathered) >= GATHERED_FRAMES:
            self._send()

    def close(self) -> Future[object]:
        """Writes what is left and mends the header; the future is done when the disk has it."""
        left = self._taken()
        return self._disk.finish(lambda: self._end(left))

    def _send(self) -> None:
        count, data = len(self._gathered), self._taken()
        if self._disk.do(lambda: self._write(data)):
            self._late = 0
        else:
            self.lost_frames += count
            self._late += count

    def _taken(self) -> bytes:
        """What was gathered, behind the silence that stands for what was lost."""
        data = _SILENCE * self._late + b"".join(self._gathered)
        self._gathered = []
        return data

    def _open(self) -> None:
        with self._judged():
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            os.write(self._file, _header(0))
            os.fsync(self._file)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _write(self, data: bytes) -> None:
        if self._file is None or self.failed is not None:
            return
        with self._judged():
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fdatasync(self._file)

    def _end(self, left: bytes) -> None:
        self._write(left)
        if self._file is None:
            return
        with self._judged():
            os.close(self._file)
            self._file = None
            mend(self.path)

    @contextlib.contextmanager
    def _judged(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failed = self.failed or error


def mend(path: Path) -> bool:
    """Make the header's lengths those of the file. True where they were not. Raises OSError, and ValueError for a file
    that is none of ours."""
    with path.open("r+b") as file:
        head = file.read(HEADER_BYTES)
        count = file.seek(0, os.SEEK_END) - HEADER_BYTES
        if len(head) < HEADER_BYTES:
            if not b"RIFF".startswith(head[:4]):
                raise ValueError(f"{path}: no recording")
            count = 0
        elif head[:4] != b"RIFF" or head[8:26] != _header(0)[8:26]:
            raise ValueError(f"{path}: no recording")
        right = _header(count)
        if head == right:
            return False
        file.seek(0)
        file.write(right)
        file.flush()
        os.fsync(file.fileno())
    return True


def read_recording(path: Path) -> bytes:
    """Its sound, mended or not. Raises OSError, and ValueError for a file that is none of ours."""
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:26] != _header(0)[8:26]:
        raise ValueError(f"{path}: no recording")
    return g711.alaw_decode(data[HEADER_BYTES:])


def _header(count: int) -> bytes:
    """RIFF, fmt, fact and data for so many samples of A-law."""
    return _HEADER.pack(
        b"RIFF", HEADER_BYTES - 8 + count, b"WAVE",
        b"fmt ", 18, _ALAW_TAG, 1, RATE_HZ, RATE_HZ, 1, 8, 0,
        b"fact", 4, count,
        b"data", count,
    )  # fmt: skip
