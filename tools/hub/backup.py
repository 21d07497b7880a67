"""The hub, copied whole while it runs, and made again of a copy.

    DIR/2026-11-23T020000Z/   hub.db, directories/, ca/, manifest.json (SHA-256 of each file)
    DIR/sound/ab/abcd…        by hash, each once for all copies

A copy has the CA's keys and all that units have told: it is kept as the hub itself is. What a copy that is whole holds
is told to the units, which keep it no longer. A hub that is made of a copy begins another life: units say again what
they hold, and take a snapshot."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from firmware.store.database import to_text
from tools.hub.audit import note
from tools.hub.place import Place
from tools.hub.store import GENERATION_BYTES, Store

__all__ = ["BackupError", "Copy", "back_up", "newest", "restore"]

MANIFEST = "manifest.json"
PAGES_AT_ONCE = 2_000
COPIES_KEPT = 14
_FORMAT = "reservvaxel-hub-backup"


class BackupError(Exception):
    """The copy cannot be made or used; the text says which file and why."""


@dataclass(frozen=True, slots=True)
class Copy:
    folder: Path
    bytes: int
    entries: int


def back_up(store: Store, to: Path, now: datetime) -> Copy:
    """A copy beside the others in `to`; the oldest go. Raises BackupError."""
    name = now.strftime("%Y-%m-%dT%H%M%S%fZ")
    part = to / f".{name}.part"
    try:
        if to.resolve().is_relative_to(store.place.state.resolve()):
            raise BackupError(f"{to}: is within the hub's own folder; name another, on another disk")
        part.mkdir(mode=0o700, parents=True)
        _copy_database(store.place.store, part / "hub.db")
        (part / "directories").mkdir(mode=0o700)
        for file in sorted(store.place.directories.glob("*.db")):
            _copy_database(file, part / "directories" / file.name)
        shutil.copytree(store.place.ca, part / "ca")
        entries, told = _held(part / "hub.db")
        _copy_sound(store.place.sound, to / "sound", part / "hub.db")
        said = {"format": _FORMAT, "version": 1, "at": to_text(now), "files": _digests(part)}
        (part / MANIFEST).write_text(json.dumps(said, indent=1, sort_keys=True), "utf-8")
        for file in _files(part):
            _sync(file)
        _sync(part)
        part.rename(to / name)
        _sync(to)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise BackupError(f"{to}: {error}") from error

    def work() -> None:
        # Only what the copy holds, which was read there: more may have come since.
        store.db.executemany("UPDATE life SET backed_up = max(backed_up, ?) WHERE id = ?", told)
        store.db.execute("UPDATE hub SET backed_up_at = ?", (to_text(now),))
        note(store, now, "hub", "backup", name, {"entries": entries})

    store.transact(work)
    _tidy(to)
    return Copy(to / name, sum(file.stat().st_size for file in _files(to / name)), entries)


def newest(folder: Path) -> Path | None:
    """Of the copies in a folder."""
    return max((one for one in _copies(folder)), default=None)


def restore(copy: Path, place: Place, now: datetime) -> Store:
    """A hub as `copy` has it, in a folder where there is none. Raises BackupError, StoreError with nothing made."""
    if place.state.exists() and any(place.state.iterdir()):
        raise BackupError(f"{place.state}: is not empty")
    _judge(copy)
    try:
        place.make()
        for file in _files(copy):
            if file.name != MANIFEST:
                target = place.state / file.relative_to(copy)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _copy_file(file, target)
        sound = copy.parent / "sound"
        for file in sorted(sound.glob("*/*")) if sound.exists() else ():
            target = place.sound / file.relative_to(sound)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            _copy_file(file, target)
    except OSError as error:
        raise BackupError(f"{error.filename}: {error.strerror}") from error
    store = Store.open(place)

    def work() -> None:
        store.db.execute("UPDATE hub SET generation = ?", (secrets.token_hex(GENERATION_BYTES),))
        # All that the copy has is in a copy.
        store.db.execute("UPDATE life SET backed_up = max(backed_up, held), session = NULL")
        store.db.execute("DELETE FROM login")
        note(store, now, "hub", "restored", copy.name)

    store.transact(work)
    return store


def _copy_database(file: Path, to: Path) -> None:
    """As it stands at one moment, while others write. Raises sqlite3.Error, OSError."""
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    source = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    target = sqlite3.connect(to)
    try:
        source.execute("BEGIN")  # one reading: begun again at each write it would never end
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        source.backup(target, pages=PAGES_AT_ONCE)
        target.execute("PRAGMA journal_mode = DELETE")
        finding = target.execute("PRAGMA quick_check(1)").fetchone()[0]
        if finding != "ok":
            raise BackupError(f"{file}: damaged ({finding})")
    finally:
        target.close()
        source.close()


def _held(file: Path) -> tuple[int, list[tuple[int, int]]]:
    """How many entries the copy has, and how far each life is whole in it."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        entries = db.execute("SELECT count(*) FROM entry").fetchone()[0]
        return int(entries), [(held, life) for life, held in db.execute("SELECT id, held FROM life")]


def _copy_sound(source: Path, to: Path, database: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        for (sha256,) in db.execute("SELECT sha256 FROM sound"):
            file, target = source / sha256[:2] / sha256, to / sha256[:2] / sha256
            if target.exists() or not file.exists():
                continue
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy_file(file, target)


def _copy_file(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as to:
        with source.open("rb") as file:
            shutil.copyfileobj(file, to, 1 << 20)
        to.flush()
        os.fsync(to.fileno())
    part.rename(target)


def _judge(copy: Path) -> None:
    """Raises BackupError where it is not whole."""
    try:
        said = json.loads((copy / MANIFEST).read_text("utf-8"))
        if said["format"] != _FORMAT or said["version"] != 1:
            raise BackupError(f"{copy}: is no copy that this version knows")
        files = dict(said["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{copy}: has no {MANIFEST} that can be read") from error
    try:
        found = _digests(copy)
    except OSError as error:
        raise BackupError(f"{error.filename}: {error.strerror}") from error
    for name in sorted(files.keys() | found.keys()):
        if files.get(name) != found.get(name):
            raise BackupError(f"{copy / name}: is missing, was added, or is not what it was")


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in _files(folder):
        if path.name != MANIFEST:
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def _copies(folder: Path) -> Iterator[Path]:
    return (one.parent for one in folder.glob(f"*/{MANIFEST}") if not one.parent.name.startswith("."))


def _tidy(folder: Path) -> None:
    for old in sorted(_copies(folder))[:-COPIES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
