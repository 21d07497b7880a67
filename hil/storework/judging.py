"""What is lost, or half done, on a disk that a cut left."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

from firmware.store import Directory
from firmware.store.changes import Changes
from hil.storework.day import BEGAN, PARTS
from hil.storework.loading import PEOPLE
from hil.storework.part import Left

__all__ = ["check"]

FOUND = {kind: sql for part in PARTS for kind, sql in part.found.items()}
JUDGED = frozenset(chain.from_iterable(part.judged for part in PARTS))
OUTBOX = {kind: sql for part in PARTS for kind, sql in part.outbox.items()}


def check(folder: Path, acknowledged: Sequence[bytes], people: int = PEOPLE) -> list[str]:
    """The files are opened as the unit does at its next start. `people`: so many were to be loaded."""
    promised = [json.loads(line) for line in acknowledged]
    if not (folder / "journal.db").exists():
        return [f"lost {kind} {name}" for kind, name in promised]
    with (
        closing(sqlite3.connect(folder / "journal.db")) as journal,
        closing(sqlite3.connect(folder / "directory.db")) as directory,
    ):
        try:
            Changes.open(folder / "journal.db").close()
            Directory.open(folder / "directory.db").close()
            for part in PARTS:
                part.recovered(folder, BEGAN)
            left = Left(folder, journal, directory, promised, people)
            return [*_lost(left), *chain.from_iterable(part.wrong(left) for part in PARTS), *_half_done(journal)]
        except Exception as error:
            return [f"not opened: {type(error).__name__}: {error}"]


def _lost(left: Left) -> Iterator[str]:
    for kind, name in left.promised:
        if kind not in JUDGED and left.journal.execute(FOUND[kind], (name,)).fetchone() is None:
            yield f"lost {kind} {name}"


def _half_done(journal: sqlite3.Connection) -> Iterator[str]:
    """Changes without their outbox row, rows of the outbox without their change, gaps."""
    numbers = [number for (number,) in journal.execute("SELECT number FROM outbox ORDER BY number")]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"outbox has gaps: {numbers}"
    told: dict[str, Counter[str]] = {kind: Counter() for kind in OUTBOX}
    for kind, subject, body in journal.execute("SELECT kind, subject, body FROM outbox"):
        if kind in told and "lifted" not in body and '"deleted"' not in body:
            told[kind][json.loads(body).get("id", subject)] += 1
    for kind, sql in OUTBOX.items():
        there = Counter(name for (name,) in journal.execute(sql))
        if there != told[kind]:
            yield f"{kind}: {sorted(there)} is there, {sorted(told[kind].elements())} is told of"
