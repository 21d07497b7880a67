"""What goes to the hub, out of ``journal.db``: rows of the outbox as entries, what the hub has said of them, and what
goes both ways for a hub that has lost it. Of one thread, of which the connections are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from firmware.generations import Standing
from firmware.paths import Paths
from firmware.store import outbox
from firmware.store.database import connect, transact
from firmware.store.received import Received
from firmware.store.sending import SOUND, Sending
from firmware.sync.sending import batch
from firmware.sync.sound import Sound, sound_of
from firmware.sync.wire import ENTRIES_MAX, Entry, Item

__all__ = ["Up", "Waiting"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Of one epoch. `sounds`: what is sent before them, by number."""

    epoch: str
    entries: tuple[Entry, ...]
    size: int
    sounds: tuple[Sound, ...] = ()
    whole: bool = False
    """Whether it was cut by its size, and not by there being no more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    rows: int
    kinds: dict[str, int]
    oldest_at: str | None
    overruled: int


class Up:
    def __init__(self, paths: Paths, *, sound: bool = True) -> None:
        self._paths, self._sound = paths, sound
        self._db: sqlite3.Connection = connect(paths.journal, "journal")
        self._sending, self._received = Sending(self._db), Received(self._db)

    def close(self) -> None:
        self._db.close()

    def begin(self, machine: str) -> str:
        return self._sending.begin(machine, datetime.now(UTC))

    def queue_earlier(self) -> bool:
        return self._sending.queue_earlier()

    def epoch(self) -> str:
        return self._sending.state()[0]

    def spans(self) -> dict[str, tuple[int, int]]:
        return self._sending.spans()

    def held(self, held: dict[str, int], backed_up: dict[str, int]) -> None:
        self._sending.held(held, backed_up)

    def answered(self, sent: Batch, held: int, above: Sequence[Sequence[int]], backed_up: int, cursor: str) -> None:
        numbers = [entry.n for entry in sent.entries]
        self._sending.answered(sent.epoch, numbers, held, above, backed_up, cursor, datetime.now(UTC))

    def forked(self, epoch: str, number: int) -> str:
        return self._sending.forked(epoch, number, datetime.now(UTC))

    def next(self, lanes: Sequence[int], most: int, without: Collection[tuple[str, int]]) -> Batch | None:
        """What goes next: the most important that waits, of an earlier life first; None: nothing. Raises OSError for
        sound that cannot be read."""
        for lane in lanes:
            for epoch in self._sending.epochs():
                left = [number for of, number in without if of == epoch]
                limit = 1 if lane == SOUND else ENTRIES_MAX
                rows = self._sending.rows(epoch, lane, limit, left)
                if not rows:
                    continue
                chosen = batch(rows, most)
                sounds = [
                    sound_of(self._paths, row.kind, row.body) if lane == SOUND and self._sound else None
                    for row in chosen
                ]
                entries = tuple(_entry(row, sound) for row, sound in zip(chosen, sounds, strict=True))
                return Batch(
                    epoch,
                    entries,
                    sum(len(row.body) + len(row.subject) + 120 for row in chosen),
                    tuple(sound for sound in sounds if sound),
                    len(chosen) < len(rows),
                )
        return None

    def waits(self, lanes: Sequence[int]) -> bool:
        """Whether there is anything in these lanes."""
        return any(self._sending.rows(epoch, lane, 1) for lane in lanes for epoch in self._sending.epochs())

    def waiting(self) -> Waiting:
        kinds = self._sending.waiting()
        oldest = self._db.execute("SELECT min(at) FROM outbox WHERE held = 0").fetchone()[0]
        (overruled,) = self._db.execute("SELECT count(*) FROM overruled WHERE undone_at IS NULL").fetchone()
        return Waiting(sum(kinds.values()), kinds, oldest, overruled)

    def live(self) -> Iterator[list[Item]]:
        return self._received.live()

    def tell_config(self, standing: Standing) -> None:
        body = standing.to_json()
        transact(self._db, lambda: outbox.add(self._db, datetime.now(UTC), "config", "config", body))


def _entry(row: outbox.Entry, sound: Sound | None) -> Entry:
    body = json.loads(row.body)
    told = (sound.sha256, sound.bytes) if sound else None
    return Entry(row.number, row.at, row.stamp, row.kind, row.subject, body, told)
