"""What must hold of the path to the platform by mobile data. Beside hil/invariants.py, and like it pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hil.excuses import CLOCK, DATA, EDGE, NORTH, UNIT
from hil.history import History
from hil.invariants import BACK_S, DETECT_S, LAGS_COUNT, Breach
from hil.stormplan import Fault

__all__ = ["DATA_RULES", "data_breaches"]

MOVED_S = 10.0
"""The path is data so long after the line was cut, whatever there was before it;"""
HOME_S = 16.0
"""and the platform master by it, all phones known to it."""
DATA_BACK_S = 20.0
"""A tunnel that was killed, a cell that was gone, serves again by then."""
FREED_S = 60.0
"""No call of a storm is as long as that."""
FILES_MORE = 6
"""What `data` may have open for itself."""

Rule = Callable[[History, float], Iterator[Breach]]
CUT = (Fault.LINE_CUT,)
OTHERS = tuple(fault for fault in NORTH if fault is not Fault.LINE_CUT)


def data_breaches(history: History, now: float) -> list[Breach]:
    """All that is broken by now."""
    return [breach for rule in DATA_RULES.values() for breach in rule(history, now)]


def moved(history: History, now: float) -> Iterator[Breach]:
    """Where the line alone is cut, the platform is master by data."""
    cut = history.in_force(CUT)
    well = _well_since(history, now, (*OTHERS, *DATA))
    if cut is None or well is None:
        return
    lasts_s = now - max(cut, well) - LAGS_COUNT * history.lagged_s(now - BACK_S, now)
    mode, path = history.standing
    if lasts_s > MOVED_S and path != "data":
        yield Breach("moved", now, f"path {path}, mode {mode}, {now - cut:.0f} s after the line was cut")
    elif lasts_s > HOME_S and mode != "NORMAL":
        yield Breach("moved", now, f"mode {mode} by data, {now - cut:.0f} s after the line was cut")


def alone(history: History, now: float) -> Iterator[Breach]:
    """Where line and data are both cut, the unit is master."""
    cut, gone = history.in_force(CUT), history.in_force((Fault.CELL_GONE,))
    well = _well_since(history, now, ())
    if cut is None or gone is None or well is None:
        return
    lasts_s = now - max(cut, gone, well) - LAGS_COUNT * history.lagged_s(now - BACK_S, now)
    if lasts_s > DETECT_S and history.mode != "SURVIVAL":
        yield Breach("alone", now, f"mode {history.mode} {lasts_s:.0f} s after both ways were cut")


def by_line(history: History, now: float) -> Iterator[Breach]:
    """A line that is well again is the path again."""
    well, since = _well_since(history, now, NORTH), history.path_since("data")
    if well is None or since is None:
        return
    lasts_s = now - max(well, since) - LAGS_COUNT * history.lagged_s(now - BACK_S, now)
    if lasts_s > BACK_S:
        yield Breach("by_line", now, f"the path is data {lasts_s:.0f} s after the line was well again")


def freed(history: History, now: float) -> Iterator[Breach]:
    """A call by data that has ended holds no place for its sound."""
    since = history.path_since("line")
    if since is None or history.by_data is None or history.turned(since - FREED_S, now, CLOCK):
        return
    at, held = history.by_data
    # Whoever dies over a call, edge or platform, cannot say that it has ended: time must.
    if history.troubled(since - FREED_S, now, (*EDGE, *OTHERS)) or history.lagged(since - FREED_S, now):
        return
    if held > FILES_MORE and at - since > FREED_S:
        yield Breach("freed", now, f"{held} sockets are held for calls by data, {at - since:.0f} s after the last one")


DATA_RULES: dict[str, Rule] = {rule.__name__: rule for rule in (moved, alone, by_line, freed)}


def _well_since(history: History, now: float, faults: tuple[Fault, ...]) -> float | None:
    """Since when neither the unit nor its edge nor what is named had any of these faults; None: one lasts. A clock that
    has jumped lately is no time to judge."""
    if history.turned(now - BACK_S, now, CLOCK) or history.in_force(CLOCK) is not None:
        return None
    quiet = [history.quiet_since(each) for each in ((*EDGE, *UNIT), faults)]
    late_s = DATA_BACK_S if history.troubled(now - BACK_S, now, DATA) else 0.0
    known = [each for each in quiet if each is not None]
    return max(known) + late_s if len(known) == len(quiet) else None
