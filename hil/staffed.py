"""What must hold of the staff of a storm's building, who refer themselves by every way at once. Pure, beside
hil/invariants.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hil.invariants import Breach

__all__ = ["Seen", "Way", "staff_breaches"]

Way = tuple[str, str]
"""Whose extension, and by which source a referral was set there."""


@dataclass
class Seen:
    """`tried`: referrals that somebody has begun to set, each once however often it is said again; `acknowledged`:
    those of them that were answered by "it is so". `kept`: what the journal had at its last look, with what had been
    acknowledged before that look; None: not looked yet. `wrong`: what was not so at the end.
    `mail`: what is wrong with mail (hil/smtp.py)."""

    tried: Counter[Way] = field(default_factory=Counter)
    acknowledged: Counter[Way] = field(default_factory=Counter)
    kept: tuple[Counter[Way], Counter[Way]] | None = None
    wrong: list[str] = field(default_factory=list)
    mail: list[str] = field(default_factory=list)


def staff_breaches(seen: Seen, now: float) -> Iterator[Breach]:
    """What was acknowledged stands in the journal, and nothing stands there twice, whatever was said again; at the end
    each way does what it says."""
    if seen.kept is not None:
        kept, acknowledged = seen.kept
        for way in sorted({*kept, *acknowledged}):
            if kept[way] < acknowledged[way]:
                yield Breach("staff", now, f"{way}: {acknowledged[way]} referrals acknowledged, {kept[way]} kept")
            if kept[way] > seen.tried[way]:
                yield Breach("staff", now, f"{way}: {seen.tried[way]} referrals set, {kept[way]} kept")
    for why in seen.wrong:
        yield Breach("staff", now, why)
    for why in seen.mail:
        yield Breach("mail", now, why)
