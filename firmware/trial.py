"""How a configuration that was sent is taken in use: what is so, and what comes next. Pure.

    fetched ─ verified ─ staged ─ ARMED ─ TRIAL ─ CONFIRMED
                  └─────────┴── REFUSED      └─── ROLLED_BACK

The first three are one go, of which a cut leaves nothing: it is fetched again. A configuration is ARMED when all that
can be known without it has been looked at, in TRIAL from when it is the one that the unit works by, and CONFIRMED when
the unit has been no worse with it, for a while, than it was without. Else the one before comes back. Whoever looks next
decides it, whatever was killed: `due` needs nothing but what stands on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = [
    "ATTEMPTS_MAX",
    "BAD_S",
    "LEAST_REGISTERED",
    "OUTAGE_S",
    "START_S",
    "WELL_S",
    "Due",
    "Health",
    "Phase",
    "Trial",
    "due",
    "may_try",
    "worse",
]

START_S = 25.0
"""Processes are back within 20 s; what is not well before is not held against a configuration."""
BAD_S = 15.0
"""What is worse for so long is not a moment's doubt."""
WELL_S = 10.0
"""So long a unit must have been well at the end: a process that ends after some seconds is not well."""
OUTAGE_S = 600.0
"""So long one that is armed waits for an outage to end by itself."""
ATTEMPTS_MAX = 3
"""Times that a trial may be broken off by a power cut or a restart before it is taken for the cause."""
LEAST_REGISTERED = 0.8
"""Of the phones that were there: some are switched off in any minute."""


class Phase(StrEnum):
    """How far the newest configuration that was sent has come."""

    NONE = "none"
    ARMED = "armed"
    TRIAL = "trial"
    CONFIRMED = "confirmed"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a configuration can break. None: not known, which is not well; or, of `platform`, `modems` and `pages`, that
    there is none."""

    edge: bool | None = None
    calls_process: bool | None = None
    platform: bool | None = None
    registered: int | None = None
    modems: int | None = None
    pages: bool | None = None
    hub: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Times are seconds since the machine started (CLOCK_BOOTTIME): no clock that is set in between shortens one.
    `boot` names that start; after another one the trial is as if it began then, once more."""

    boot: str
    began_s: float
    well: bool = False
    since_s: float | None = None
    """Since when it is as `well` says; None: nobody has looked yet."""
    attempts: int = 1
    before: Health = Health()


class Due(StrEnum):
    WAIT = "wait"
    BEGIN_AGAIN = "begin_again"
    CONFIRM = "confirm"
    ROLL_BACK = "roll_back"


def worse(before: Health, now: Health) -> tuple[str, ...]:
    """What was well and is not; names of fields. Edge and `calls` must be well whatever was before."""
    found = [name for name in ("edge", "calls_process") if not getattr(now, name)]
    found += [name for name in ("platform", "pages", "hub") if getattr(before, name) and not getattr(now, name)]
    for name, share in (("registered", LEAST_REGISTERED), ("modems", 1.0)):
        had, has = getattr(before, name), getattr(now, name)
        if had and (has is None or has < share * had):
            found.append(name)
    return tuple(found)


def due(trial: Trial, boot: str, now_s: float, *, well: bool, steady_s: float) -> tuple[Due, Trial]:
    """What is to be done now, and the trial as it is to be kept. `well`: nothing was found `worse` just now.
    `steady_s`: until then every phone has come again, or is missed."""
    if boot != trial.boot:
        if trial.attempts >= ATTEMPTS_MAX:
            return Due.ROLL_BACK, trial
        return Due.BEGIN_AGAIN, Trial(boot=boot, began_s=now_s, attempts=trial.attempts + 1, before=trial.before)
    if trial.since_s is None or well != trial.well:
        trial = replace(trial, well=well, since_s=now_s)
    so_for_s = now_s - (now_s if trial.since_s is None else trial.since_s)
    lasted_s = now_s - trial.began_s
    if well and so_for_s >= WELL_S and lasted_s >= steady_s:
        return Due.CONFIRM, trial
    if not well and so_for_s >= BAD_S and lasted_s >= START_S:
        return Due.ROLL_BACK, trial
    if lasted_s >= steady_s + WELL_S + BAD_S:  # now well, now not
        return Due.ROLL_BACK, trial
    return Due.WAIT, trial


def may_try(
    *, calls: int | None, normal: bool | None, mains: bool | None, edge_busy: Callable[[], bool], waited_s: float
) -> str:
    """Why an armed configuration is not tried now; "" when it may be. Nothing is tried on battery, while somebody
    talks, or in the beginning of an outage; but it may be what ends a long one. `normal` None: not known."""
    if normal is None or (not normal and waited_s < OUTAGE_S):
        return "outage"
    if mains is False:
        return "battery"
    if calls is None or calls > 0:
        return "calls"
    return "calls" if edge_busy() else ""
