"""Deletes what the archive authority has decided is to be deleted, and nothing else (firmware/store/retention.py).

Once a day, by the process `unit`, and only by a clock that somebody synchronises: one that has leapt ahead by a year
would take all with it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callcontrol.records import EARLIEST
from drivers.clock import Clock, clock
from firmware.paths import Paths, recording_of
from firmware.store import StoreError
from firmware.store.database import connect, from_text
from firmware.store.kept import KEPT, Item, Place, delete, items, municipalities_of
from firmware.store.retention import Deletion, Kind, Retention, Rule, cutoff

__all__ = ["Archive", "Daily"]

EVERY_S = 24 * 3600.0
AGAIN_S = 3600.0
"""After a time that did not come to its end."""
AFTER_START_S = 600.0
NIGHTLY = "rvx, by the decision"
REGRET = timedelta(days=1)
"""What somebody has put away can be fetched back so long."""
FAR_OFF_S = 3600.0
"""A clock that may be further off than this deletes nothing."""

log = logging.getLogger("rvx")

Rules = Mapping[str, Rule]


class Archive:
    """Both stores, open in the thread that made it."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self.journal = connect(paths.journal, "journal")
        try:
            self.directory = connect(paths.directory, "directory")
        except BaseException:
            self.journal.close()
            raise
        self.journal.execute("PRAGMA secure_delete = ON")  # what is deleted is not to be read out of the file
        sql = "SELECT id, name FROM municipality"
        self.municipalities = {name: str(called) for name, called in self.directory.execute(sql)}

    def close(self) -> None:
        self.journal.close()
        self.directory.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rules(self) -> dict[Kind, Rules]:
        """By kind and municipality."""
        found: dict[Kind, dict[str, Rule]] = defaultdict(dict)
        for rule in Retention(self.journal).rules():
            found[rule.kind][rule.municipality] = rule
        return dict(found)

    def due(self, place: Place, now: datetime) -> Iterator[tuple[frozenset[str], list[Item]]]:
        """What may go by what is decided, in batches of one owner each: whose it is, and what. What is deleted on the
        way is not met again."""
        rules = self.rules().get(place.kind, {})
        everybody = frozenset(self.municipalities or {""})
        if place.done_at and any(rule.by_owner for rule in rules.values()):
            done = replace(place, at=place.done_at)
            for owners, batch in self._owned(done, now - REGRET, place.ended, everybody):
                if all(name in rules and rules[name].by_owner for name in owners):
                    yield owners, batch
        untils = {name: cutoff(rules, (name,), now) for name in everybody}
        if latest := max(filter(None, untils.values()), default=None):
            for owners, batch in self._owned(place, latest, f"{place.ended} AND {place.due}", everybody):
                until = cutoff(rules, owners, now)
                if until is not None and (old := [item for item in batch if from_text(item.at) < until]):
                    yield owners, old

    def everything_due(
        self, now: datetime, kinds: Collection[Kind]
    ) -> Iterator[tuple[Place, frozenset[str], list[Item]]]:
        """The same of all that are of these kinds."""
        for place in KEPT:
            if place.kind in kinds:
                yield from ((place, owners, batch) for owners, batch in self.due(place, now))

    def _owned(
        self, place: Place, until: datetime, which: str, everybody: frozenset[str]
    ) -> Iterator[tuple[frozenset[str], list[Item]]]:
        for batch in items(self.journal, place, None, until, which):
            owned: dict[frozenset[str], list[Item]] = defaultdict(list)
            for item, owners in zip(batch, municipalities_of(self.directory, batch), strict=True):
                owned[owners or everybody].append(item)
            yield from owned.items()

    def run(self, now: datetime, kinds: Collection[Kind] = frozenset(Kind), *, by: str = NIGHTLY) -> dict[Kind, int]:
        """Delete all that is due; how many, by kind. Raises sqlite3.Error, OSError: what was done before is done."""
        gone: dict[Kind, int] = defaultdict(int)
        rules = self.rules()
        for place, owners, batch in self.everything_due(now, kinds):
            decisions = sorted({rules[place.kind][name].decision for name in owners})
            gone[place.kind] += self.delete_these(place, batch, owners, "; ".join(decisions), by, now)
        with suppress(sqlite3.OperationalError):  # somebody reads: the log is emptied by whoever is last
            self.journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return dict(gone)

    def delete_these(
        self, place: Place, batch: Iterable[Item], owners: Iterable[str], decision: str, by: str, now: datetime
    ) -> int:
        """These, whatever was decided of their kind, and their sound; how many there were."""
        batch = list(batch)
        if place.folder:
            folder: Path = getattr(self._paths, place.folder)
            for item in batch:
                recording_of(folder, str(item.key)).unlink(missing_ok=True)
            _settle(folder)
        times = sorted(item.at for item in batch)
        deletion = Deletion(
            at=now, kind=place.kind, municipality=", ".join(sorted(owners)), decision=decision, items=len(batch),
            first_at=from_text(times[0]), last_at=from_text(times[-1]), deleted_by=by,
        )  # fmt: skip
        return delete(self.journal, place, [item.key for item in batch], deletion)


class Daily:
    """Deletes what is due once a day, until cancelled; some time after the start, so that nothing of it is in the way
    of that. `fault`: why the last time did not come to its end, "" where it did."""

    def __init__(self, paths: Paths, clock_of: Callable[[], Clock | None] = clock) -> None:
        self._paths = paths
        self._clock_of = clock_of
        self.fault = ""

    async def run(self) -> None:
        wait_s = AFTER_START_S
        while True:
            await asyncio.sleep(wait_s)
            await self.once()
            wait_s = AGAIN_S if self.fault else EVERY_S

    async def once(self) -> None:
        try:
            gone = await asyncio.to_thread(_delete, self._paths, self._clock_of)
        except (StoreError, sqlite3.Error, OSError) as error:
            self.fault = str(error)
            log.error("rvx-event kind=archive_fault why=%s", self.fault.replace(" ", "_"))
            return
        self.fault = ""
        for kind, number in gone.items():
            log.info("rvx-event kind=archive_deleted what=%s items=%d", kind.value, number)


def _delete(paths: Paths, clock_of: Callable[[], Clock | None]) -> Mapping[Kind, int]:
    told, now = clock_of(), datetime.now(UTC)
    if told is None or not told.synchronised or (told.error_s or 0.0) > FAR_OFF_S or now < EARLIEST:
        log.warning("rvx-event kind=archive_waits why=clock")
        return {}
    with Archive(paths) as archive:
        return archive.run(now)


def _settle(folder: Path) -> None:
    """What is gone from a folder is gone from the disk."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
