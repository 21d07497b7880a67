"""A snapshot on its way into the directory: read from its file line by line, judged, compared with what is there, and
laid in by one transaction. A file with a fault in its last line has changed nothing of the platform's kinds; what goes
both ways is handed on as it comes, as taking that twice is taking it once."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from firmware.sync.kinds import KINDS, Way
from firmware.sync.listing import items
from firmware.sync.tables import KEPT_KINDS
from firmware.sync.wire import ITEMS_MAX, Digest, Item, WireError, judged, number_of, parsed

__all__ = ["LINE_MAX", "WHOLE_MAX", "Arriving"]

LINE_MAX = 256 << 10
WHOLE_MAX = 512 << 20
"""Bytes, unpacked: four times a region of 100,000 people with all that goes both ways."""
IN_MEMORY = 30_000
"""Changed rows that are kept in memory; more lie in a temporary table, on the disk."""

Row = Mapping[str, Any]


class Arriving:
    """Implements `laying.Changes`. A context manager, which leaves nothing behind; of the connection's thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._near: dict[str, list[tuple[str, Row | None]]] = {kind: [] for kind in KEPT_KINDS}
        self._held = 0
        self.head: Mapping[str, Any] = {}
        self.bad: dict[tuple[str, str], str] = {}
        self.gone: dict[str, int] = {}
        """By kind, how many are not in it."""
        self.passed = 0
        """Of kinds that this program does not know."""
        self.rows: dict[str, int] = dict.fromkeys(KEPT_KINDS, 0)

    def __enter__(self) -> Self:
        self._db.execute("CREATE TEMP TABLE arrived (kind TEXT NOT NULL, id TEXT NOT NULL, row TEXT)")
        # One view of the directory until it is compared: who writes meanwhile is not kept waiting.
        self._db.execute("BEGIN")
        self._version = self._data_version()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        with suppress(sqlite3.Error):
            self._db.execute("DROP TABLE IF EXISTS temp.arrived")

    def read(self, file: Path, both: Callable[[Sequence[Item]], None]) -> None:
        """All of it; items that go both ways are handed to `both`, so many at once. Raises WireError for what is no
        whole snapshot, OSError."""
        # By kind and id what is there, as its part of a digest; whoever is met is taken out.
        here = {kind: {item.id: _number(item) for item in items(self._db, (kind,))} for kind in KEPT_KINDS}
        digest, waiting, line, ended = Digest(), list[Item](), 0, False
        for line, text in enumerate(_lines(file), 1):
            value = parsed(text)
            if line == 1:
                self.head = judged("snapshot_head", value)
            elif ended:
                raise WireError(f"line {line}", "is after the end")
            elif isinstance(value, dict) and "end" in value:
                ended = True
                end = judged("snapshot_end", value)
                if (end["rows"], end["digest"]) != (digest.rows, str(digest)):
                    raise WireError("end.digest", f"is of {end['rows']} rows, and {digest.rows} others came")
            else:
                item, number = self._item(value, here)
                if number is not None:
                    digest.add_number(number)
                if item is None or not item.known:
                    self.passed += item is not None
                    continue
                if item.kind in here:
                    self.rows[item.kind] += item.row is not None
                    if item.row is not None and here[item.kind].pop(item.id, None) != number:
                        self._keep(item.kind, item.id, item.row)
                elif KINDS[item.kind].way is not Way.DOWN:
                    waiting.append(item)
                    if len(waiting) >= ITEMS_MAX:
                        both(waiting)
                        waiting = []
        if not ended:
            raise WireError("", f"ends after {line} lines, without its end")
        if waiting:
            both(waiting)
        self._find_gone(here)
        self._db.execute("COMMIT")  # of what was only looked at

    def keep_gone(self, kinds: frozenset[str]) -> None:
        """Nothing of these kinds is removed."""
        for kind in kinds & self._near.keys():
            self._near[kind] = [(name, row) for name, row in self._near[kind] if row is not None]
            self._db.execute("DELETE FROM temp.arrived WHERE kind = ? AND row IS NULL", (kind,))

    def unchanged(self) -> bool:
        """Whether nobody else has written the directory since it was compared. Asked within the transaction that
        takes this in."""
        return self._data_version() == self._version

    def of(self, kind: str) -> Iterable[tuple[str, Row | None]]:
        yield from self._near[kind]
        for name, row in self._db.execute("SELECT id, row FROM temp.arrived WHERE kind = ?", (kind,)):
            yield name, json.loads(row) if row is not None else None

    def _item(self, value: object, here: Mapping[str, dict[str, int]]) -> tuple[Item | None, int | None]:
        """With its part of the digest, which the hub made with it. None for one whose row is not as its schema says:
        what is there of it stays."""
        try:
            item = Item.of(value)
        except WireError as error:
            given = judged("item", value)
            kind, name, row = given["kind"], given["id"], given["row"]
            if kind in here:
                here[kind].pop(name, None)
                self.bad[kind, name] = str(error)
                self._keep(kind, name, {})
            return None, None if row is None else number_of(kind, name, row)
        return item, None if item.row is None else number_of(item.kind, item.id, item.row)

    def _keep(self, kind: str, name: str, row: Row | None) -> None:
        if self._held < IN_MEMORY:
            self._held += 1
            self._near[kind].append((name, row))
        else:
            text = json.dumps(row, ensure_ascii=False) if row is not None else None
            self._db.execute("INSERT INTO temp.arrived VALUES (?, ?, ?)", (kind, name, text))

    def _find_gone(self, left: Mapping[str, Mapping[str, int]]) -> None:
        for kind in KEPT_KINDS:
            self.gone[kind] = len(left[kind])
            for name in left[kind]:
                self._keep(kind, name, None)

    def _data_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])


def _number(item: Item) -> int:
    assert item.row is not None  # a directory lists no removals
    return number_of(item.kind, item.id, item.row)


def _lines(file: Path) -> Iterator[bytes]:
    """Raises WireError for what is no gzip, or too much."""
    came = 0
    try:
        with gzip.open(file, "rb") as opened:
            source: BinaryIO = opened  # type: ignore[assignment]
            while line := source.readline(LINE_MAX + 1):
                came += len(line)
                if len(line) > LINE_MAX:
                    raise WireError("", f"has a line of more than {LINE_MAX} bytes")
                if came > WHOLE_MAX:
                    raise WireError("", f"is more than {WHOLE_MAX} bytes")
                yield line
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise WireError("", "is no whole gzip") from None
