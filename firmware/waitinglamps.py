"""Tells the edge what waits in each mailbox, for the lamps of phones (RFC 3842): when that has changed, whoever has
changed it, and all of it to an edge that is new, or by a process that is. A mailbox that was never left anything is the
platform's to tell of."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Request
from firmware.link import Link
from firmware.store import StoreError
from firmware.store.mailbox import Mailbox, Waiting
from firmware.ticks import tick

__all__ = ["WaitingLamps"]

LOOK_EVERY_S = 1.0

log = logging.getLogger("rvx")


class WaitingLamps:
    def __init__(self, journal: Path, link: Link, realm: str) -> None:
        self._journal = journal
        self._link = link
        self._realm = realm
        self._store: Mailbox | None = None  # the thread's
        self._version = -1
        self._thread = ThreadPoolExecutor(1, "lamps")
        self._waiting: Mapping[str, Waiting] = {}
        self._told: dict[str, Waiting] = {}
        self._told_to: int | None = None  # the connection
        self._call_id = secrets.token_hex(8)
        self._cseq = 0

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._waiting = await loop.run_in_executor(self._thread, self._read)
                await self._tell()
                await tick(LOOK_EVERY_S)
        finally:
            self._thread.submit(self._close)
            self._thread.shutdown(wait=False)

    async def _tell(self) -> None:
        """What the edge does not take now it is told at the next look."""
        if self._link.local_port is None:
            return
        if self._told_to != self._link.local_port:
            self._told, self._told_to = {}, self._link.local_port
        for extension in sorted({*self._waiting, *self._told}):
            waiting = self._waiting.get(extension, Waiting())
            if self._told.get(extension) == waiting:
                continue
            try:
                response = await self._link.request(self._publish(extension, waiting))
            except RemoteError as error:
                log.warning("rvx-event kind=lamp_unread field=%s", error.field)
                return
            if response is None or response.status != 200:
                return
            self._told[extension] = waiting
            if extension not in self._waiting:
                del self._told[extension]

    def _publish(self, extension: str, waiting: Waiting) -> Request:
        who = f"<sip:{extension}@{self._realm}>"
        self._cseq += 1
        body = f"Messages-Waiting: {'yes' if waiting.new else 'no'}\r\nVoice-Message: {waiting.new}/{waiting.old}\r\n"
        return Request.new(
            "PUBLISH",
            f"sip:{extension}@{self._realm}",
            from_=f"{who};tag={self._call_id}",
            to=who,
            call_id=f"{self._call_id}-{extension}",
            cseq=self._cseq,
            headers=[("Event", "message-summary"), ("Content-Type", "application/simple-message-summary")],
            body=body.encode(),
        )

    # ---- in the thread

    def _read(self) -> Mapping[str, Waiting]:
        """As it was, where nobody has written since, or it cannot be read."""
        try:
            if self._store is None:
                self._store = Mailbox.open(self._journal)
            version = self._store.version()
            if version != self._version:
                self._waiting, self._version = self._store.all_waiting(), version
        except (StoreError, sqlite3.Error, OSError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            self._close()
        return self._waiting

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store, self._version = None, -1
