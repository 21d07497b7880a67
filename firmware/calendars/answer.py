"""What the program that reads a calendar answers, for both sides of its pipe."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from enum import IntEnum

from callcontrol.plan.agenda import Entry, Passed, Shown

__all__ = ["BODY_MAX", "Exit", "from_answer", "to_answer"]

BODY_MAX = 4 << 20
"""Bytes of a calendar; a year of a busy person's, as Outlook publishes it, is a tenth of it."""


class Exit(IntEnum):
    """How the program ends."""

    READ = 0
    NOT_CALENDAR = 3
    TOO_HEAVY = 4
    BROKEN = 5


def to_answer(entries: Iterable[Entry], passed: Counter[Passed]) -> str:
    listed = [asdict(entry) | {"start": entry.start.isoformat(), "end": entry.end.isoformat()} for entry in entries]
    return json.dumps({"entries": listed, "passed": passed})


def from_answer(text: bytes) -> tuple[list[Entry], Counter[Passed]]:
    """What `to_answer` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    answer = json.loads(text)
    entries = [
        Entry(
            uid=str(row["uid"]),
            start=_moment(row["start"]),
            end=_moment(row["end"]),
            text=str(row["text"]),
            shown=Shown(row["shown"]),
            cancelled=bool(row["cancelled"]),
            private=bool(row["private"]),
        )
        for row in answer["entries"]
    ]
    return entries, Counter({Passed(why): int(count) for why, count in answer["passed"].items()})


def _moment(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
