"""What each group of tables is asked: to write through a day, and what of that a cut disk must have."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

__all__ = ["Left", "Part", "Told"]

Told = Callable[[str, str], None]
"""Acknowledges a write, by kind and name: it is promised from then on."""


@dataclass(frozen=True)
class Left:
    """What a cut left, opened again as the unit does at its next start."""

    folder: Path
    journal: sqlite3.Connection
    directory: sqlite3.Connection
    promised: Sequence[Sequence[str]]  # kind and name of each
    people: int  # that the directory had at first

    def names(self, *kinds: str) -> set[str]:
        """Of what was promised of these kinds."""
        return {name for kind, name in self.promised if kind in kinds}


class Part:
    """Made with the folder for one day; then `round` some times, `evening`, `close`. Of the disk that a cut left the
    class itself is asked."""

    found: ClassVar[Mapping[str, str]] = {}
    """By kind of promise: the query in journal.db that gives a row where that name is kept."""
    judged: ClassVar[frozenset[str]] = frozenset()
    """Kinds of promise that `wrong` judges instead."""
    outbox: ClassVar[Mapping[str, str]] = {}
    """By kind of the outbox: the query for all names that the platform must be told of, each once."""

    def __init__(self, folder: Path, told: Told) -> None:
        self.folder, self.told = folder, told
        self.journal = folder / "journal.db"
        self.open = ExitStack()

    def round(self, number: int, now: datetime) -> None:
        """The writes of one hour."""

    def evening(self, now: datetime) -> None:
        """Those that come once, after all rounds."""

    def close(self) -> None:
        self.open.close()

    @classmethod
    def recovered(cls, folder: Path, now: datetime) -> None:
        """As the next start of its process does."""

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        """What is lost or half done, beyond `found` and `outbox`."""
        return ()
