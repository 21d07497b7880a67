"""How long the archive authority lets what is made here be kept, and what was deleted by its decisions (E4).

Theory. Voicemail, messages and records can be public documents: nothing is deleted but by a decision (gallringsbeslut)
of the municipality whose it is, named by its number. A decision says days; without one, or without days, a kind is kept
until something is decided. What belongs to two municipalities goes when both let it go; what belongs to nobody known,
when all do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["DAYS_MAX", "DECISION_MAX", "Deletion", "Kind", "Retention", "Rule", "cutoff"]

DAYS_MAX = 100 * 366
DECISION_MAX = 100
"""Letters of a decision's name."""


class Kind(StrEnum):
    """What is kept."""

    MESSAGE = "message"  # what callers have spoken
    MEMO = "memo"  # what reception or caller have written down
    MAIL = "mail"
    SMS = "sms"  # sent and come
    RECORD = "record"  # of calls
    THREAT = "threat"  # calls that were marked, with their sound
    REFERRAL = "referral"  # that ended
    FAULT = "fault"  # reports of faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`days`: None: until something is decided. `by_owner`: whom it is to may delete it as soon as it is of no more use
    ("gallras vid inaktualitet"). `decision`: by what name the authority knows it. Raises ValueError, which names the
    field."""

    municipality: str
    kind: Kind
    days: int | None
    by_owner: bool = False
    decision: str
    set_at: datetime
    set_by: str

    def __post_init__(self) -> None:
        if self.days is not None and not 0 < self.days <= DAYS_MAX:
            raise ValueError(f"days: {self.days} is not 1 to {DAYS_MAX}")
        if not 0 < len(self.decision.strip()) <= DECISION_MAX or not self.decision.isprintable():
            raise ValueError(f"decision: takes 1 to {DECISION_MAX} letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """`items` of a kind, made between `first_at` and `last_at`."""

    at: datetime
    kind: Kind
    municipality: str
    decision: str
    items: int
    first_at: datetime
    last_at: datetime
    deleted_by: str


def cutoff(rules: Mapping[str, Rule], municipalities: Collection[str], now: datetime) -> datetime | None:
    """What was made before may go, of a kind whose rules these are, by municipality; None: nothing may. Of what belongs
    to these `municipalities`: each must let it go."""
    found = [rules.get(name) for name in municipalities]
    days = [rule.days for rule in found if rule is not None and rule.days is not None]
    return now - timedelta(days=max(days)) if days and len(days) == len(municipalities) else None


class Retention(OfJournal):
    """Belongs to the thread that opened it. Every method is one transaction, and on the disk when it returns. Raises
    sqlite3.Error when the disk does not take it."""

    def decide(self, rule: Rule) -> None:
        """In the place of what was decided before; the platform hears of it."""
        row = {**asdict(rule), "kind": rule.kind.value, "by_owner": int(rule.by_owner), "set_at": to_text(rule.set_at)}
        names, places = ", ".join(row), ", ".join("?" for _ in row)

        def work() -> None:
            sql = f"INSERT OR REPLACE INTO retention ({names}) VALUES ({places})"  # noqa: S608  names of ours
            self._db.execute(sql, tuple(row.values()))
            outbox.add(self._db, rule.set_at, "retention", rule.municipality, row)

        transact(self._db, work)

    def rules(self) -> tuple[Rule, ...]:
        sql = "SELECT municipality, kind, days, by_owner, decision, set_at, set_by FROM retention ORDER BY 1, 2"
        return tuple(
            Rule(
                municipality=municipality, kind=Kind(kind), days=days, by_owner=bool(by_owner), decision=decision,
                set_at=from_text(set_at), set_by=set_by,
            )
            for municipality, kind, days, by_owner, decision, set_at, set_by in self._db.execute(sql)
            if kind in set(Kind)
        )  # fmt: skip

    def rule(self, kind: Kind, municipality: str) -> Rule | None:
        """What is decided; None: nothing is."""
        found = (rule for rule in self.rules() if (rule.kind, rule.municipality) == (kind, municipality))
        return next(found, None)

    def deletions(self, limit: int) -> tuple[Deletion, ...]:
        """The newest first."""
        columns = "at, kind, municipality, decision, items, first_at, last_at, deleted_by"
        sql = f"SELECT {columns} FROM deletion ORDER BY id DESC LIMIT ?"  # noqa: S608  names of ours
        rows = self._db.execute(sql, (limit,))
        return tuple(
            Deletion(
                at=from_text(at), kind=Kind(kind), municipality=municipality, decision=decision, items=items,
                first_at=from_text(first_at), last_at=from_text(last_at), deleted_by=deleted_by,
            )
            for at, kind, municipality, decision, items, first_at, last_at, deleted_by in rows
        )  # fmt: skip
