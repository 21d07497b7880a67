"""Whether a PIN is right, whoever asks, and how it is changed: the shell over callcontrol.plan.pins."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from callcontrol.plan.pins import fault_of, fits, kept
from callcontrol.plan.steps import Note
from firmware.paths import Paths
from firmware.store import StoreError
from firmware.store.pins import PinRows

__all__ = ["Pins", "PinsUnreadable"]

log = logging.getLogger("rvx")

T = TypeVar("T")


class PinsUnreadable(Exception):
    """The store cannot be asked or written now: nothing is right, and nothing was changed."""


class Pins:
    """`told` hears of PINs that somebody guesses. No PIN, nor what was dialled, is ever logged. `caller`: the number
    that calls, or what stands for a browser's address; "" for who shows none."""

    def __init__(self, paths: Paths, told: Callable[[Note], None]) -> None:
        self._paths = paths
        self._told = told
        self._rows: PinRows | None = None
        # One at a time: each takes its memory and a processor, which callers are not to have many of.
        self._thread = ThreadPoolExecutor(1, "pins")

    def close(self) -> None:
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    async def may_try(self, caller: str) -> bool:
        """Whether that one may guess. What cannot be counted is not allowed."""
        try:
            return await self._do(lambda rows: rows.allows(caller, _now()))
        except PinsUnreadable:
            return False

    async def proves(self, caller: str, extension: str, pin: str) -> bool:
        """Whether that is the extension's PIN; one of a blocked extension is none."""
        try:
            right, known, full = await self._do(lambda rows: _judged(rows, caller, extension, pin))
        except PinsUnreadable:
            return False
        if right:
            log.info("rvx-event kind=pin_proved extension=%s", extension)
            return True
        # What is no extension with a PIN may be a PIN that was pressed too early.
        log.warning("rvx-event kind=pin_wrong extension=%s", extension if known else "unknown")
        if known and full:
            self._told(Note(rule="E6", to="operations", words="pin_guessed", fill=(("extension", extension),)))
        return False

    async def change(self, extension: str, pin: str, set_by: str) -> str | None:
        """Makes it the extension's, and ends its sessions at the pages. Why it cannot be; None: it is. Raises
        PinsUnreadable."""
        if (fault := fault_of(pin, extension)) is not None:
            return fault
        await self._do(lambda rows: rows.change(extension, kept(pin), set_by, _now()))
        return None

    async def _do(self, work: Callable[[PinRows], T]) -> T:
        def safely() -> T:
            try:
                if self._rows is None:
                    self._rows = PinRows.open(self._paths.directory, self._paths.journal)
                return work(self._rows)
            except (StoreError, sqlite3.Error, OSError) as error:
                self._close()
                log.error("rvx-event kind=pins_unreadable why=%s", type(error).__name__)
                raise PinsUnreadable(type(error).__name__) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, safely)

    def _close(self) -> None:
        if self._rows is not None:
            self._rows.close()
            self._rows = None


def _judged(rows: PinRows, caller: str, extension: str, pin: str) -> tuple[bool, bool, bool]:
    """Whether it is right, whether there is one, and whether no more guesses of it are heeded."""
    begun = rows.begin(caller, extension, _now())
    known = rows.pin(extension)
    right = fits(pin, known if begun.heeded else None)
    if right:
        rows.right(begun)
    return right, known is not None, rows.is_full(caller, extension, _now())


def _now() -> datetime:
    return datetime.now(UTC)
