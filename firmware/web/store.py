"""What pages read and change, of one thread."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from firmware.config import Config
from firmware.paths import Paths
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.people import People
from firmware.store.search.find import Finder
from firmware.store.sessions import SessionRows

__all__ = ["Store"]


class Store:
    """Belongs to the thread that opened it. Raises StoreError. `journal`: for what else has its rows there; a class
    over OfJournal takes it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.paths: Paths = config.paths
        self.people = People.open(self.paths.directory, self.paths.journal, config.numbering.local)
        try:
            self.journal: sqlite3.Connection = connect(self.paths.journal, "journal")
        except BaseException:
            self.people.close()
            raise
        self.changes = Changes(self.journal)
        self.sessions = SessionRows(self.journal)
        self.finder = Finder(self.people.directory, self.people)

    def close(self) -> None:
        for one in (self.people, self.changes):
            with suppress(sqlite3.Error):
                one.close()
