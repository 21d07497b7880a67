"""What is recorded of the unit's day: incidents, and calls by the edge's files, folded into the journal."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from firmware.store import Journal
from firmware.store.fold import AccFolder
from hil.storework.part import Part, Told

__all__ = ["Recording"]

LINE = "INVITE|f{n}|t{n}|call{n}|200|OK|{at}|1001|1002|local|0||\n"
ROTATE_BYTES = 200


class Recording(Part):
    found: ClassVar = {
        "incident": "SELECT 1 FROM incident WHERE id = ?",
        "record": "SELECT 1 FROM record WHERE call_id = ?",
    }

    def __init__(self, folder: Path, told: Told) -> None:
        super().__init__(folder, told)
        self._acc = folder / "acc"
        self._acc.mkdir()
        self._rows = self.open.enter_context(closing(Journal.open(self.journal)))
        self._folder = AccFolder(self._acc, self._rows, rotate_bytes=ROTATE_BYTES)

    def round(self, number: int, now: datetime) -> None:
        self.told("incident", str(self._rows.incident_begin(now, "platform", "SURVIVAL")))
        with (self._acc / "acc_0.log").open("a") as lines:
            lines.write(LINE.format(n=number, at=int(now.timestamp())))
            lines.flush()
            os.fsync(lines.fileno())
        self._folder.fold()
        self.told("record", f"call{number}")
        if self._folder.rotation_due():
            self._folder.rename()
