"""Short messages that are to be sent, or were, as they are shown; `firmware.store.sms` writes them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callcontrol.trunk.smsqueue import Kind, Outcome, State
from firmware.store.database import OfJournal, from_text, to_text

__all__ = ["COLUMNS", "Queued", "Sms", "SmsView", "TryRow", "worst"]

COLUMNS = "id, kind, number, text, reply_to, set_by, queued_at, valid_until, concatenation, ore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """To be sent. `id` is made of what it says and to whom: one that is known already is not taken again. `parts`: how
    many it is sent in; `ore`: what they cost, as far as is known."""

    id: str
    kind: Kind
    number: str
    text: str
    set_by: str
    queued_at: datetime
    parts: int = 1
    ore: int = 0
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """One as it stands. `states`: of its parts, in order; `why`: of the first that has one."""

    sms: Sms
    valid_until: datetime
    states: tuple[State, ...]
    why: str
    ended_at: datetime | None

    @property
    def state(self) -> State:
        """The worst of its parts, what is still open before what is not."""
        return worst(self.states)


_WORST = (
    State.SENDING, State.PERHAPS, State.WAITING, State.FAILED, State.UNKNOWN, State.SENT, State.DELIVERED,
)  # fmt: skip


def worst(states: Collection[State]) -> State:
    """Of several parts: what is still open before what is not."""
    return next(state for state in _WORST if state in states)


@dataclass(frozen=True, slots=True)
class TryRow:
    part: int
    modem: str
    began_at: datetime
    outcome: Outcome
    reference: int | None
    code: int | None


class SmsView(OfJournal):
    """Belongs to the thread that opened it. Raises sqlite3.Error."""

    def waiting(self) -> int:
        """Parts that are not with the network yet."""
        sql = "SELECT count(*) FROM sms_part WHERE state IN ('waiting', 'sending', 'perhaps')"
        return int(self._db.execute(sql).fetchone()[0])

    def newest(self, limit: int) -> tuple[Queued, ...]:
        sql = f"SELECT {COLUMNS}, ended_at FROM sms ORDER BY queued_at DESC, id LIMIT ?"  # noqa: S608  names of ours
        return tuple(map(self._queued, self._db.execute(sql, (limit,)).fetchall()))

    def find(self, name: str) -> Queued | None:
        sql = f"SELECT {COLUMNS}, ended_at FROM sms WHERE id = ?"  # noqa: S608  names of ours
        row = self._db.execute(sql, (name,)).fetchone()
        return self._queued(row) if row else None

    def told(self, number: str, kind: Kind, since: datetime) -> dict[str, datetime]:
        """What a number was sent of a kind, by name, and when that was queued."""
        sql = "SELECT id, queued_at FROM sms WHERE number = ? AND queued_at >= ? AND kind = ?"
        rows = self._db.execute(sql, (number, to_text(since), kind.value))
        return {name: from_text(at) for name, at in rows}

    def answers_go_to(self, number: str, since: datetime) -> str | None:
        """The extension to whose person an answer from a number belongs: who wrote to it last."""
        sql = (
            "SELECT reply_to FROM sms WHERE number = ? AND queued_at > ? AND reply_to IS NOT NULL"
            " ORDER BY queued_at DESC LIMIT 1"
        )
        row = self._db.execute(sql, (number, to_text(since))).fetchone()
        return str(row[0]) if row else None

    def tries(self, name: str) -> tuple[TryRow, ...]:
        """Each time that a modem was given a part of it, in order."""
        sql = "SELECT part, modem, began_at, outcome, reference, code FROM sms_try WHERE sms = ? ORDER BY id"
        return tuple(
            TryRow(part, modem, from_text(began), Outcome(outcome), reference, code)
            for part, modem, began, outcome, reference, code in self._db.execute(sql, (name,))
        )

    def proved(self, modem: str) -> datetime | None:
        """When a message that this modem had sent was last told to have come."""
        sql = (
            "SELECT max(r.came_at) FROM sms_report r JOIN sms_part p ON p.sms = r.sms AND p.number = r.part"
            " WHERE r.modem = ? AND p.state = 'delivered'"
        )
        (at,) = self._db.execute(sql, (modem,)).fetchone()
        return from_text(at) if at else None

    def _queued(self, row: tuple[Any, ...]) -> Queued:
        name, kind, number, text, reply_to, set_by, queued_at, valid_until, _, ore, ended_at = row
        parts = self._db.execute("SELECT state, why FROM sms_part WHERE sms = ? ORDER BY number", (name,)).fetchall()
        sms = Sms(
            id=name, kind=Kind(kind), number=number, text=text, reply_to=reply_to, set_by=set_by,
            queued_at=from_text(queued_at), parts=len(parts), ore=ore,
        )  # fmt: skip
        why = next((why for _, why in parts if why), "")
        states = tuple(State(state) for state, _ in parts)
        return Queued(sms, from_text(valid_until), states, why, from_text(ended_at) if ended_at else None)
