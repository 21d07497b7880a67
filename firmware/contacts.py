"""Numbers that callers leave, to be called back (B11): messages to people, kept beside the calls, as no call waits for
a disk."""

from __future__ import annotations

import hashlib
import logging
import re
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from callcontrol.plan.memo import Memo
from firmware.store import StoreError
from firmware.store.memos import MemoRows

__all__ = ["BY_CALLER", "Contacts", "can_be_called"]

BY_CALLER = "caller"
"""By whom such a message was taken."""
OPEN_LOOKED_AT = 200
_NUMBER = re.compile(r"\+?[0-9]{3,15}", re.ASCII)

log = logging.getLogger("rvx")


def can_be_called(number: str) -> bool:
    """Whether it is one that somebody can call back."""
    return _NUMBER.fullmatch(number) is not None


class Contacts:
    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "contacts")
        self._rows: MemoRows | None = None

    def leave(self, extension: str, caller: str, call_id: str) -> Future[bool]:
        """Whether it is kept. Who has left his number, and is not called back yet, has left it."""
        return self._thread.submit(self._leave, extension, caller, call_id, datetime.now(UTC))

    def close(self) -> None:
        """Waits for what is being written."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    def _leave(self, extension: str, caller: str, call_id: str, now: datetime) -> bool:
        try:
            if self._rows is None:
                self._rows = MemoRows.open(self._journal)
            there = self._rows.of([extension], OPEN_LOOKED_AT)
            if not any((memo.caller, memo.taken_by) == (caller, BY_CALLER) for memo in there):
                name = hashlib.sha256(f"{call_id} {extension}".encode()).hexdigest()[:24]
                self._rows.take(
                    Memo(
                        id=name, extension=extension, text="", caller=caller, call_id=call_id, taken_by=BY_CALLER,
                        taken_at=now,
                    )
                )  # fmt: skip
        except (StoreError, sqlite3.Error, OSError, ValueError, OverflowError) as error:
            log.error("rvx-event kind=contact_lost why=%s", str(error).replace(" ", "_"))
            self._close()
            return False
        return True

    def _close(self) -> None:
        if self._rows is not None:
            self._rows.close()
            self._rows = None
