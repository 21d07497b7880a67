"""Which rows of the outbox go next, how many at once, and what holds the rest back. Pure.

Rows go by lanes (firmware/store/sending.py): what must reach the hub first (blocks) before what takes long (sound). A
batch is what a line can bear in a few seconds: a block that is set meanwhile waits for one batch at the most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from firmware.sync.wire import ENTRIES_MAX, REQUEST_BYTES_MAX

__all__ = ["ALL_LANES", "IMPORTANT_LANES", "Pace", "batch", "holding"]

ALL_LANES = (0, 1, 2, 3)
IMPORTANT_LANES = (0, 1)
BATCH_S = 3.0
"""So long a batch may take: what is more important waits no longer."""
FIRST_BYTES = 32 << 10
LEAST_BYTES, MOST_BYTES = 4 << 10, REQUEST_BYTES_MAX // 4
ENTRY_FRAME = 120
"""Bytes of an entry beside its body and subject."""


class Sized(Protocol):
    @property
    def subject(self) -> str: ...

    @property
    def body(self) -> str: ...


S = TypeVar("S", bound=Sized)


def holding(power: str | None, *, metered: bool, spent_mb: float, budget_mb: int) -> str:
    """Why only what is important is sent, a word of `rvx sync why`; "" for nothing. `power`: the state of
    `firmware.status.Power`; `budget_mb`: for a day by mobile data, 0: what is important, alone."""
    if power in ("low", "halting"):
        return "power"
    if metered and spent_mb >= budget_mb:
        return "budget"
    return ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a batch may have, by how long the last ones took."""

    bytes: int = FIRST_BYTES

    def went(self, sent: int, seconds: float) -> Pace:
        """`sent` of a batch that was as large as it may: less after a slow one, at most twice as much after a quick
        one."""
        if seconds <= 0:
            return self
        borne = int(sent * BATCH_S / seconds)
        wanted = min(2 * self.bytes, borne) if borne > self.bytes else borne
        if sent < self.bytes // 2 and wanted < self.bytes and seconds < BATCH_S:
            return self  # a small batch says little of what a great one would take
        return replace(self, bytes=max(LEAST_BYTES, min(MOST_BYTES, wanted)))

    def failed(self) -> Pace:
        return replace(self, bytes=max(LEAST_BYTES, self.bytes // 4))


def batch(rows: Iterable[S], most: int) -> list[S]:
    """The first of `rows`, as many as `most` bytes take before they are packed; one at the least."""
    taken: list[S] = []
    size = 0
    for row in rows:
        size += ENTRY_FRAME + len(row.subject) + len(row.body.encode("utf-8"))
        if taken and (size > most or len(taken) >= ENTRIES_MAX):
            break
        taken.append(row)
    return taken
