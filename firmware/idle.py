"""Since when members of groups have had no call of their group: who was rung last for a call has taken it, where its
record says that somebody has. Known of the calls of this process; who is not known of has been idle the longest."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from firmware.store import Journal

__all__ = ["Idle"]

CALLS_MAX = 200
"""Calls to groups whose end is waited for; of more the oldest is taken for over."""


class Idle:
    def __init__(self) -> None:
        self._rung: OrderedDict[str, tuple[str, datetime]] = OrderedDict()  # by Call-ID
        self._since: dict[str, datetime] = {}

    def asked(self, call_id: str) -> None:
        """Who was rung for this call has not taken it."""
        self._rung.pop(call_id, None)

    def rings(self, call_id: str, member: str, now: datetime) -> None:
        self._rung[call_id] = member, now
        while len(self._rung) > CALLS_MAX:
            _, (member, rung_at) = self._rung.popitem(last=False)
            self._since[member] = rung_at

    def since(self, journal: Journal) -> dict[str, datetime]:
        """Of whom it is known. Who rings, or talks, has not been idle since it rang. Raises sqlite3.Error."""
        busy: dict[str, datetime] = {}
        for call_id, (member, rung_at) in list(self._rung.items()):
            record = journal.record(call_id)
            if record is None or (record.answered_at is not None and record.ended_at is None):
                busy[member] = rung_at
                continue
            del self._rung[call_id]
            if record.answered_at is not None and record.ended_at is not None:
                self._since[member] = max(record.ended_at, self._since.get(member, record.ended_at))
        return self._since | busy
