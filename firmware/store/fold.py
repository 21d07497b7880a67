"""The edge's call journal, folded into ``journal.db``: the small shell around ``callcontrol.records``.

Kamailio appends to files under ``state_dir/acc``, one for each of its processes, and goes on when all Python is dead.
Once a second ``fold`` syncs them and takes in their complete lines; record and offset are one transaction, so a kill
between any two steps neither loses nor doubles a call.

A file that has grown large is renamed to ``.old``; Kamailio is told to reopen (``flatstore.k_rotate``), which each of
its processes does before its own next line. Until then the ``.old`` file still grows and is still folded. It is deleted
when all of it is folded and the kernel vouches that nobody has it open for writing.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from callcontrol.records import LINE_MAX_BYTES, parse
from firmware.store.journal import Journal

__all__ = ["ROTATE_BYTES", "AccFolder", "Folded", "acc_files"]

ROTATE_BYTES = 8 * 1024 * 1024
"""A file folded this far is renamed: about 50,000 events."""

PIECE_BYTES = 2 * LINE_MAX_BYTES
"""Read and folded at a time, in one transaction of well under a second."""

PIECES_PER_PASS = 16
"""So that a pass ends in time also when Python was away for long."""

_NAME = re.compile(r"(acc|missed_calls)_[0-9]+\.log(\.old)?")
_OLD = ".old"


@dataclass(frozen=True, slots=True)
class Folded:
    """What one pass did. ``garbage`` counts lines that were none; ``more``: a further pass has work at once."""

    records: int = 0
    garbage: int = 0
    more: bool = False
    unreadable: tuple[str, ...] = ()

    def __add__(self, other: Folded) -> Folded:
        return Folded(
            self.records + other.records,
            self.garbage + other.garbage,
            self.more or other.more,
            self.unreadable + other.unreadable,
        )


class AccFolder:
    """The files of one folder. The caller's round, once a second:

        folder.fold()
        if folder.rotation_due():
            folder.rename()
            await edge.call("flatstore.k_rotate")   # when this fails, the next round asks again

    ``k_rotate`` counts in whole seconds: two within one second are one. Asking again each round mends that.
    """

    def __init__(self, folder: Path, journal: Journal, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._folder = folder
        self._journal = journal
        self._rotate_bytes = rotate_bytes

    def fold(self) -> Folded:
        """Fold what is new, and delete what is done with. Raises sqlite3.Error when the journal cannot be written."""
        done = Folded()
        for path in acc_files(self._folder):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            except OSError as error:
                done += Folded(unreadable=(f"{path.name}: {error.strerror}",))
                continue
            try:
                done += self._fold_file(path, descriptor)
            finally:
                os.close(descriptor)
        return done

    def rotation_due(self) -> bool:
        """Say whether a file is to be renamed, or a renamed one waits for Kamailio to let go of it."""
        return any(path.suffix == _OLD or self._is_large(path) for path in acc_files(self._folder))

    def rename(self) -> None:
        """Rename each large file, unless its predecessor is still there."""
        for path in acc_files(self._folder):
            old = path.with_name(path.name + _OLD)
            if path.suffix != _OLD and self._is_large(path) and not old.exists():
                inode = path.stat().st_ino
                path.rename(old)
                self._journal.fold_renamed(path.name, old.name, inode)

    def _is_large(self, path: Path) -> bool:
        return self._journal.folded(path.name, path.lstat().st_ino) >= self._rotate_bytes

    def _fold_file(self, path: Path, descriptor: int) -> Folded:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Folded(unreadable=(f"{path.name}: no plain file",))
        inode = status.st_ino
        if path.suffix == _OLD and self._journal.folded(path.stem, inode):  # killed between the two steps of rename
            self._journal.fold_renamed(path.stem, path.name, inode)
        done, offset = self._fold_lines(path.name, descriptor, status)
        if path.suffix == _OLD and not done.more and _is_let_go(descriptor):
            size = os.fstat(descriptor).st_size
            if size == status.st_size:  # and a line not ended by now never will be
                path.unlink(missing_ok=True)
                self._journal.fold_deleted(path.name)
                return done + Folded(garbage=int(offset < size))
        return done

    def _fold_lines(self, name: str, descriptor: int, status: os.stat_result) -> tuple[Folded, int]:
        """Fold the complete lines of a file, and give how far it is folded now."""
        stored = offset = self._journal.folded(name, status.st_ino)
        if offset > status.st_size:  # somebody emptied it
            offset = 0
        if offset < status.st_size:
            os.fsync(descriptor)  # its lines shall outlive a power cut also when the fold does not come so far
        records = garbage = 0
        for _ in range(PIECES_PER_PASS):
            data = os.pread(descriptor, min(PIECE_BYTES, status.st_size - offset), offset)
            parsed = parse(data)
            taken = parsed.taken
            if not taken:
                if len(data) < PIECE_BYTES:
                    return Folded(records, garbage), offset
                taken = len(data)  # longer than any line can be
                garbage += 1
            end = offset + taken
            if not self._journal.fold(name, status.st_ino, end, parsed.records, parsed.tried, start=stored):
                return Folded(records, garbage, more=True), stored  # another process was quicker
            stored = offset = end
            records += len(parsed.records)
            garbage += parsed.garbage
        return Folded(records, garbage, more=offset < status.st_size), offset


def acc_files(folder: Path) -> list[Path]:
    """Those that there are now, in order."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:  # Kamailio has not written yet
        return []


def _is_let_go(descriptor: int) -> bool:
    """Say whether nobody has the file open for writing. False also where this is not ours to ask.

    The kernel gives a read lease (fcntl(2), F_SETLEASE) only then, and only to the file's owner or with CAP_LEASE.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        # Given back at once: whoever opened the file now would have us sent a SIGIO.
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return True
