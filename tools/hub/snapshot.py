"""All that is a unit's, as one file (NDJSON, gzip) that can be gone on with where it broke off."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.sync.wire import SCHEMA, Digest, write
from tools.hub.feed import Cursor
from tools.hub.items import Items
from tools.hub.store import Store
from tools.hub.units import Partition

__all__ = ["Snapshot", "kept", "make"]

KEPT_S = 6 * 3600
"""So long one can be gone on with; a slow line of 64 kbit/s has 100,000 people in ten minutes."""
KEPT_MAX = 3
"""Of one unit."""
LEVEL = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    file: Path
    etag: str
    bytes: int


def make(store: Store, whose: Partition, shrunken: int | None) -> Snapshot:
    """As all stands now; what was made at the same place in the feed is given again. `shrunken`: so few people are
    right, as somebody has said. Raises OSError, sqlite3.Error."""
    items = Items(store)
    folder = _folder(store, whose.unit)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = store.db
    db.execute("BEGIN")
    try:
        cursor = Cursor(store.generation, whose.number, store.head)
        allowed = "" if shrunken is None else f"-{shrunken}"
        etag = f"{cursor}{allowed}"
        file = folder / f"{etag}.gz"
        if not file.exists():
            _write(file, items, whose, cursor, shrunken)
    finally:
        db.execute("COMMIT")
    os.utime(file)
    _tidy(folder, file)
    return Snapshot(file, f'"{etag}"', file.stat().st_size)


def kept(store: Store, whose: Partition, etag: str) -> Snapshot | None:
    """The one that a unit has begun to take, while it is there."""
    name = etag.strip('"')
    cursor = Cursor.of(name.partition("-")[0])
    if cursor is None or cursor.partition != whose.number or cursor.generation != store.generation:
        return None
    file = _folder(store, whose.unit) / f"{name}.gz"
    if Path(file.name).name != f"{name}.gz" or "/" in name:
        return None
    try:
        os.utime(file)
        return Snapshot(file, f'"{name}"', file.stat().st_size)
    except OSError:
        return None


def _write(file: Path, items: Items, whose: Partition, cursor: Cursor, shrunken: int | None) -> None:
    part = file.with_suffix(f".{os.getpid()}.part")  # another process may make the same one
    counts: Counter[str] = Counter()
    digest = Digest()
    sums = 0
    for kind, _, row, _, _, summed in items.listed(whose):
        if row is not None and summed is not None:
            counts[kind] += 1
            digest.rows += 1
            sums += int.from_bytes(summed, "big")
    digest.sum = sums % (1 << 128)
    head: dict[str, Any] = {
        "hub": cursor.generation, "cursor": str(cursor), "schema": SCHEMA, "counts": dict(counts),
        "shrink_allowed": shrunken is not None and counts["person"] >= shrunken,
    }  # fmt: skip
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as raw, gzip.GzipFile("", "wb", LEVEL, raw, 0) as packed:
        packed.write(write(head) + b"\n")
        lines = []
        for kind, name, row, stamp, by, _ in items.listed(whose):
            # Rows are JSON already: what is not read need not be written anew.
            told = f'"kind":"{kind}","id":{_text(name)},"row":{row or "null"},"stamp":{_text(stamp)},"by":{_text(by)}'
            lines.append(f"{{{told}}}\n")
            if len(lines) == 1000:
                packed.write("".join(lines).encode())
                lines.clear()
        packed.write("".join(lines).encode())
        packed.write(write({"end": True, "rows": digest.rows, "digest": str(digest)}) + b"\n")
    part.rename(file)


def _text(value: str | None) -> str:
    return "null" if value is None else json.dumps(value, ensure_ascii=False)


def _folder(store: Store, unit: str) -> Path:
    return store.place.snapshots / unit


def _tidy(folder: Path, current: Path) -> None:
    """Older ones may be on their way yet: a few are left, for a while."""
    with contextlib.suppress(OSError):
        others = sorted((one for one in folder.iterdir() if one != current), key=lambda one: -one.stat().st_mtime)
        for number, one in enumerate(others, start=1):
            if number >= KEPT_MAX or time.time() - one.stat().st_mtime > KEPT_S:
                one.unlink(missing_ok=True)
