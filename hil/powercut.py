"""The power goes between any two writes: what a program did to a folder, recorded, and every disk that a cut could
leave.

The program runs under strace: its own Python, its own SQLite, its real system calls. From them the folder is made
anew for a cut at any moment. What is certainly there is what was synced: a file's bytes by fsync or fdatasync of it,
names (made, renamed, removed) by fsync of their folder. Of the rest a disk may have anything: nothing, all, or some
sectors of some writes, with names in the order in which they were changed (an ordered journal, as ext4's).

A line that the program writes to descriptor 1 is an acknowledgement: it was promised from then on.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["SECTOR", "Disk", "Image", "Operation", "PowercutError", "images", "record"]

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""

RUN_TIMEOUT_S = 120.0
BYTES_MAX = 1 << 20
"""Of one write that strace shows whole."""

_CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,lseek"
_LINE = re.compile(r"^[0-9]+ +([a-z0-9_]+)\((.*)\) += ([0-9-]+)(?:<(.*)>)?(?: [A-Z]+.*)?$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD = re.compile(r"^([0-9]+)<([^>]*)>")


class PowercutError(Exception):
    """The program could not be recorded; the text says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One of: write, truncate, sync (of a file), make, rename, remove, sync_folder, acknowledge. To sync the folder
    itself (path "") is to sync the names in those under it, too."""

    kind: str
    path: str = ""
    data: bytes = b""
    offset: int = 0
    target: str = ""


@dataclass(slots=True)
class _File:
    certain: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Image:
    """What the disk held after a cut: files by their path in the folder; and what had been acknowledged before it."""

    cut: int
    how: str
    files: dict[str, bytes]
    acknowledged: tuple[bytes, ...]

    def write(self, folder: Path) -> None:
        for path, data in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def record(command: Sequence[str], folder: Path, *, cwd: Path | None = None) -> list[Operation]:
    """Run a program to its end, and give what it did to `folder`. Raises PowercutError when it or strace fails."""
    trace = folder.parent / f"{folder.name}.strace"
    told = ["strace", "-f", "-y", "-xx", "-s", str(BYTES_MAX), "-e", f"trace={_CALLS}", "-o", str(trace), *command]
    try:
        done = subprocess.run(told, capture_output=True, timeout=RUN_TIMEOUT_S, cwd=cwd, check=False)
        if done.returncode:
            raise PowercutError(
                f"{command[-1]}: exit code {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"
            )
        with trace.open("rb") as lines:
            return list(_operations(lines, str(folder.resolve())))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PowercutError(f"{command[-1]}: {error}") from error
    finally:
        trace.unlink(missing_ok=True)


class Disk:
    """A folder on its way through the operations: what is certain, and what only may be."""

    def __init__(self) -> None:
        self._now: dict[str, _File] = {}  # as the program sees it
        self._certain: dict[str, _File] = {}  # names that are on the disk
        self._names: list[Operation] = []  # changes of names since
        self._kept: dict[int, _File] = {}  # files by the operation that made them
        self.acknowledged: list[bytes] = []

    def do(self, operation: Operation) -> None:
        """Take in the next one."""
        file = self._now.get(operation.path)
        if operation.kind == "acknowledge":
            self.acknowledged += operation.data.splitlines()
        elif operation.kind == "make":
            if file is None:
                self._now[operation.path] = self._kept[id(operation)] = _File()
                self._names.append(operation)
        elif operation.kind == "sync_folder":
            here = [one for one in self._names if operation.path in ("", os.path.dirname(one.path))]
            self._certain = self._names_after(here)
            self._names = [one for one in self._names if one not in here]
        elif operation.kind in ("rename", "remove"):
            if file is not None:
                del self._now[operation.path]
                if operation.kind == "rename":
                    self._now[operation.target] = file
                self._names.append(operation)
        elif file is None:
            return  # one that was removed while it was open
        elif operation.kind == "sync":
            file.certain = _after(file.certain, file.pending)
            file.pending.clear()
        else:
            file.pending.append(operation)

    def images(self, cut: int, chance: random.Random, times: int) -> Iterator[Image]:
        """Nothing but what is certain; all; and `times` of what lies between."""
        acknowledged = tuple(self.acknowledged)
        yield Image(cut, "least", _held(self._names_after(()), None), acknowledged)
        yield Image(cut, "most", _held(self._names_after(self._names), 1.0, chance), acknowledged)
        for number in range(times):
            names = self._names_after(self._names[: chance.randint(0, len(self._names))])
            share = chance.choice((0.2, 0.5, 0.8))
            yield Image(cut, f"some {number}", _held(names, share, chance), acknowledged)

    def _names_after(self, changes: Iterable[Operation]) -> dict[str, _File]:
        names = dict(self._certain)
        for operation in changes:
            if operation.kind == "make":
                names[operation.path] = self._kept[id(operation)]
            elif operation.path in names:
                file = names.pop(operation.path)
                if operation.kind == "rename":
                    names[operation.target] = file
        return names


def images(operations: Sequence[Operation], seed: int, times: int = 1) -> Iterator[Image]:
    """What a cut before the first operation, between any two, and after the last one may leave."""
    chance = random.Random(seed)
    disk = Disk()
    yield from disk.images(0, chance, times)
    for cut, operation in enumerate(operations, 1):
        disk.do(operation)
        yield from disk.images(cut, chance, times)


def _held(names: dict[str, _File], share: float | None, chance: random.Random | None = None) -> dict[str, bytes]:
    """The files' bytes; of what is not certain, `share` of the sectors."""
    return {
        path: bytes(_after(file.certain, file.pending if share else [], share or 0.0, chance))
        for path, file in names.items()
    }


def _after(
    certain: bytearray, pending: Sequence[Operation], share: float = 1.0, chance: random.Random | None = None
) -> bytearray:
    held = bytearray(certain)
    for operation in pending:
        if operation.kind == "truncate":
            if share >= 1 or (chance is not None and chance.random() < share):
                del held[operation.offset :]
                held.extend(bytes(operation.offset - len(held)))
            continue
        for start in range(0, len(operation.data), SECTOR):
            if share >= 1 or (chance is not None and chance.random() < share):
                part = operation.data[start : start + SECTOR]
                offset = operation.offset + start
                held.extend(bytes(max(0, offset - len(held))))
                held[offset : offset + len(part)] = part
    return held


def _operations(lines: Iterable[bytes], folder: str) -> Iterator[Operation]:
    """The folder's own operations among a program's system calls."""
    inside = folder + os.sep
    ends: dict[str, int] = {}  # where a plain write goes on, by path
    folders: set[str] = set()
    unfinished: dict[str, str] = {}
    for raw in lines:
        line = raw.decode("ascii", "replace").rstrip("\n")
        process = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            unfinished[process] = line[: -len("<unfinished ...>")]
            continue
        if (resumed := line.find(" resumed>")) >= 0 and "<... " in line:
            line = unfinished.pop(process, "") + line[resumed + len(" resumed>") :].lstrip()
        match = _LINE.match(line)
        if match is None or int(match[3]) < 0:
            continue
        call, arguments, result, opened = match.groups()
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        descriptor = _FD.match(arguments)
        path = _plain(descriptor[2]) if descriptor else ""
        if call == "write" and descriptor and descriptor[1] == "1":
            yield Operation("acknowledge", data=texts[0])
        elif call == "openat" and opened is not None and _plain(opened).startswith(inside):
            name = _plain(opened)[len(inside) :]
            ends[name] = 0
            if "O_DIRECTORY" in arguments:
                folders.add(name)
            if "O_CREAT" in arguments:
                yield Operation("make", name)
            if "O_TRUNC" in arguments:
                yield Operation("truncate", name)
        elif call in ("rename", "renameat", "renameat2", "unlink", "unlinkat"):
            yield from _named(call, [os.fsdecode(text) for text in texts], inside)
        elif path == folder and call in ("fsync", "fdatasync"):
            yield Operation("sync_folder")
        elif not path.startswith(inside) or path.endswith("-shm"):
            continue
        elif call in ("fsync", "fdatasync"):
            name = path[len(inside) :]
            yield Operation("sync_folder" if name in folders else "sync", name)
        elif call == "ftruncate":
            yield Operation("truncate", path[len(inside) :], offset=int(arguments.rsplit(",", 1)[1]))
        elif call == "pwrite64":
            yield Operation("write", path[len(inside) :], texts[0][: int(result)], int(arguments.rsplit(",", 1)[1]))
        elif call == "lseek":
            ends[path[len(inside) :]] = int(result)
        elif call == "write":
            name = path[len(inside) :]
            yield Operation("write", name, texts[0][: int(result)], ends.get(name, 0))
            ends[name] = ends.get(name, 0) + int(result)


def _named(call: str, paths: list[str], inside: str) -> Iterator[Operation]:
    if not paths or not paths[0].startswith(inside):
        return
    name = paths[0][len(inside) :]
    if name.endswith("-shm"):
        return
    if call.startswith("rename"):
        yield Operation("rename", name, target=paths[1][len(inside) :])
    elif call.startswith("unlink"):
        yield Operation("remove", name)


def _plain(path: str) -> str:
    """A path as strace shows it beside a descriptor."""
    return path.removesuffix("(deleted)").encode("ascii", "replace").decode("unicode_escape")
