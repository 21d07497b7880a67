"""How the hub's feed is followed: from which place, when a snapshot is due, and what is held. Pure; time is given.

    a place that is known ──page──▶ the next place, in the same transaction as the page
            │ the hub does not know it; another life of journal.db; this program knows other kinds; a digest differs
            ▼
        snapshot ──whole, by its digest──▶ its place

A removal of so many people that it is more often half a file than half a municipality is held: all else is taken in,
and the feed is followed, until somebody allows it, here (`rvx sync accept`) or at the hub. Then a snapshot says who is
gone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from firmware.store.database import from_text
from firmware.sync.kinds import KINDS
from firmware.sync.laying import Feed
from firmware.sync.wire import Digest

__all__ = [
    "COUNTED_KINDS",
    "DIGEST_EVERY",
    "HELD_KINDS",
    "KNOWN",
    "OWN_KINDS",
    "Digested",
    "Why",
    "differing",
    "digest_due",
    "shrinks",
    "start",
]

KEPT_MIN_PERCENT = 80
"""Of the people that were there when that was last found right: with fewer left, removals are held."""
FEW_PEOPLE = 20
"""Of so many, any part may go: a directory that is tried out."""
DIGEST_EVERY = timedelta(days=1)

HELD_KINDS = frozenset(
    {"municipality", "reach_class", "entity", "unit", "person", "extension", "pick_up", "credential"}
)
"""Whose removal is held; what somebody may do goes at once."""
COUNTED_KINDS = ("person", "credential")
"""Of which too many may be gone."""
OWN_KINDS = frozenset({"credential", "pin"})
"""What a hub that has none of is not asked about: the unit keeps what people here have given it."""

KNOWN = hashlib.sha256(" ".join(sorted(KINDS)).encode()).hexdigest()[:16]
"""Of the kinds that this program knows: after an update that knows more, what was passed over is fetched."""


class Why(StrEnum):
    """Why a snapshot is taken."""

    FIRST = "first"
    JOURNAL = "journal"  # another life of journal.db: what came both ways is not in it
    KINDS = "kinds"  # this program knows other kinds
    UNKNOWN = "unknown"  # the hub does not know the place
    DIFFERS = "differs"  # a digest was another
    ALLOWED = "allowed"  # a removal that was held is allowed


def start(feed: Feed | None, epoch: str, *, known: bool, allowed: bool = False) -> Why | None:
    """Why a snapshot is due before the feed is followed; None: it is followed from `feed.cursor`. `known`: what the hub
    says of that place; `allowed`: that the hub lets go whom it has no more."""
    if feed is None or feed.cursor is None:
        return Why.ALLOWED if feed is not None and feed.allowed else Why.FIRST
    if feed.epoch != epoch:
        return Why.JOURNAL
    if feed.kinds != KNOWN:
        return Why.KINDS
    if not known:
        return Why.UNKNOWN
    if feed.gone and (feed.allowed or allowed):
        return Why.ALLOWED
    return None


def shrinks(people: int, gone: int, before: int) -> bool:
    """Whether the removal of `gone` of `people` is held; `before`: how many there were when that was last right."""
    base = max(people, before)
    return gone > 0 and base >= FEW_PEOPLE and (people - gone) * 100 < base * KEPT_MIN_PERCENT


@dataclass(frozen=True, slots=True)
class Digested:
    """`differing`: kinds whose digest was another than the hub's, of what was the same place in the feed."""

    at: datetime
    differing: tuple[str, ...] = ()


def differing(
    own: Mapping[str, Digest], theirs: Mapping[str, tuple[int, str]], unreadable: frozenset[str]
) -> tuple[str, ...]:
    """Kinds of which the hub has something else. `unreadable`: those of which something is set aside that was not as
    its schema says, so that nobody can say what it adds."""
    found = []
    for kind, digest in own.items():
        rows, said = theirs.get(kind, (0, str(Digest())))
        if kind in unreadable or (kind in OWN_KINDS and not rows):
            continue
        if (digest.rows, str(digest)) != (rows, said):
            found.append(kind)
    return tuple(found)


def digest_due(feed: Feed, last: Digested | None, now: datetime, spread: float) -> bool:
    """Once a day; `spread` (0 to 1, the unit's own) keeps a region's units from asking at the same hour. A snapshot
    that is whole counts."""
    times = [from_text(feed.whole_at)] if feed.whole_at else []
    if last is not None:
        times.append(last.at)
    newest = max(times, default=None)
    return newest is None or not newest <= now < newest + DIGEST_EVERY * (0.75 + 0.5 * spread)
