"""How often somebody is told of one thing: at once, then ever more seldom while it lasts. Pure.

What is told are the notes of plans (`Note`) and what is found by looking (callcontrol.plan.empty). By what they reach
people (SMS, e-mail, a page) is decided elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcontrol.plan.steps import Note

__all__ = ["AGAIN_MOST", "FORGOTTEN", "Notice", "due", "key_of"]

AGAIN_MOST = timedelta(days=28)
FORGOTTEN = timedelta(days=14)
"""What was not met for so long is new when it comes again."""
_AGAIN_FIRST = {"guard_calls": timedelta(hours=1), "guard_cost": timedelta(hours=1)}
_AGAIN_ELSE = timedelta(days=1)
_DOUBLINGS_MAX = 10  # of an hour are more than AGAIN_MOST
_PASSING = frozenset({"day"})
"""What fills a note and makes no other one of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A note as it is kept. `last_at` is when it was last met, to within some hours."""

    note: Note
    first_at: datetime
    last_at: datetime
    told_at: datetime
    told: int


def key_of(note: Note) -> str:
    """The same for what is the same to whoever is told of it."""
    fill = [pair for pair in note.fill if pair[0] not in _PASSING]
    return json.dumps([note.rule, note.to, note.words, fill], ensure_ascii=False)


def due(known: Notice | None, now: datetime) -> bool:
    """Whether it is to be told now."""
    if known is None or now - known.last_at > FORGOTTEN:
        return True
    first = _AGAIN_FIRST.get(known.note.words, _AGAIN_ELSE)
    doublings: int = min(known.told - 1, _DOUBLINGS_MAX)
    pause: timedelta = first * (1 << doublings)
    return now - known.told_at >= min(pause, AGAIN_MOST)
