"""Itemised extracts (F3), and who ordered each, in ``journal.db``: written before anything is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from callcontrol.plan.extract import Extract, Order, extract
from callcontrol.plan.model import Directory
from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact
from firmware.store.journal import Journal

__all__ = ["ExtractRows", "Made"]


class Made(NamedTuple):
    at: datetime
    order: Order


class ExtractRows(OfJournal):
    """Belongs to the thread that opened it. Raises sqlite3.Error when the disk does not take it: then there is none."""

    def make(self, order: Order, directory: Directory, now: datetime) -> Extract:
        """Note who wants it, then give it; an id that is known is the same order again."""
        row = {**asdict(order), "at": to_text(now), "since": to_text(order.since), "until": to_text(order.until)}
        row["whole"] = int(order.whole)
        names, places = ", ".join(row), ", ".join("?" for _ in row)

        def work() -> None:
            sql = f"INSERT INTO extract ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  names of ours
            if self._db.execute(sql, tuple(row.values())).rowcount:
                outbox.add(self._db, now, "extract", order.extension, row)

        transact(self._db, work)
        return extract(order, Journal(self._db).called(order.extension, order.since, order.until), directory)

    def one(self, name: str) -> Order | None:
        """That was made, by its id."""
        return next((made.order for made in self._made("id = ?1", name, 1)), None)

    def made(self, limit: int, extension: str | None = None) -> tuple[Made, ...]:
        """The newest first."""
        return tuple(self._made("?1 IS NULL OR extension = ?1", extension, limit))

    def _made(self, which: str, given: str | None, limit: int) -> Iterator[Made]:
        columns = "at, id, extension, since, until, asked_by, why, made_by, whole"
        sql = f"SELECT {columns} FROM extract WHERE {which} ORDER BY at DESC, id LIMIT ?2"  # noqa: S608  names of ours
        for at, name, number, since, until, asked_by, why, made_by, whole in self._db.execute(sql, (given, limit)):
            order = Order(
                id=name, extension=number, since=from_text(since), until=from_text(until), asked_by=asked_by, why=why,
                made_by=made_by, whole=bool(whole),
            )  # fmt: skip
            yield Made(from_text(at), order)
