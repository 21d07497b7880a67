"""One of the edge's tables, kept as the store says: what has changed is pushed, by RPC and without a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable

__all__ = ["BackOff", "Pushed"]

AT_ONCE = 50
"""Rows written to the edge before others get a turn."""

log = logging.getLogger("rvx")


class BackOff:
    """When something that failed may be tried again: at once at first, then ever later. Times are of one clock, s."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s, self._most_s = first_s, most_s
        self._at, self._pause_s = float("-inf"), first_s

    def due(self, now: float) -> bool:
        return now >= self._at

    def failed(self, now: float) -> None:
        self._at, self._pause_s = now + self._pause_s, min(self._pause_s * 2, self._most_s)

    def well(self) -> None:
        self._at, self._pause_s = float("-inf"), self._first_s


class Pushed:
    """What the edge holds of one table, as far as is known here."""

    def __init__(self, edge: EdgeRpc, table: str) -> None:
        self._edge = edge
        self.table = table
        self._rows: Mapping[str, str] | None = None
        self.swept = False
        """Whether it is known which rows the edge holds beyond those that were pushed."""

    @property
    def whole(self) -> bool:
        """Whether nothing is left to be pushed of what was last wanted, nor to be swept."""
        return self.swept and self._rows is not None

    def forget(self) -> None:
        """The edge may hold something else."""
        self._rows = None
        self.swept = False

    def holds(self, names: Iterable[str]) -> None:
        """The edge has rows of these names; of those that were not pushed from here nothing more is known."""
        self._rows = {**dict.fromkeys(names, ""), **(self._rows or {})}
        self.swept = True

    async def push(self, rows: Mapping[str, str]) -> None:
        """Make it so; what cannot be pushed is pushed anew the next time, from the beginning."""
        if rows is self._rows:
            return
        before = self._rows or {}
        changed = {name: row for name, row in rows.items() if before.get(name) != row}
        gone = [name for name in before if name not in rows]
        if not changed and not gone:
            self._rows = rows
            return
        try:
            for number, (name, row) in enumerate(changed.items(), 1):
                await self._edge.call("htable.sets", self.table, name, row)
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
            for name in gone:
                with contextlib.suppress(EdgeError):
                    await self._edge.call("htable.delete", self.table, name)
            await self._edge.call("htable.store", self.table)
        except (EdgeUnreachable, EdgeError) as error:
            log.warning("rvx-event kind=tables_failed why=%s", str(error).replace(" ", "_"))
            self.forget()
            return
        self._rows = rows
        log.info("rvx-event kind=tables table=%s changed=%d gone=%d", self.table, len(changed), len(gone))
