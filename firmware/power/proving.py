"""What a cut of mains that the unit sees proves of its own wiring: which level of a line means mains, and which way a
gauge of current is connected. Pure; times are monotonic seconds.

A line is held against what all others say (drivers.ups.line.prove). A gauge's current is judged only in a cut in which
its battery's volts fell, which no wiring can turn round. What is proved stands until the next cut, or the next start;
a current that is shown to be read the wrong way round is believed no more. A line keeps its vote: it was held against
others, of whom one may lie, and who differs from it is then not sure (sources.py)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from drivers.ups.line import LAG_S, Proof, Sample, prove
from drivers.ups.model import Mains, Part
from firmware.config import Ups
from firmware.power.sources import DRAIN_A, FALL_V, Believed, Doubt, Seen

__all__ = ["Proving"]

EVERY_S = 5.0
SAMPLES_MAX = 120
"""Of one source: ten minutes, in which a cut's both sides must be."""
JUDGED_S = 120.0
"""So long after a change it is judged at each look."""
PROVED_BY = 3
"""Samples of current on each side of a cut."""
_LINES = {Proof.HIGH: "high", Proof.LOW: "low"}


@dataclass(frozen=True, slots=True)
class _Current:
    at_s: float
    amps: float
    volts: float
    mains: Mains


class Proving:
    """`doubts`: by source, what a cut has shown to be wrong with it."""

    def __init__(self, sources: Iterable[Ups]) -> None:
        self._sources = {ups.name: ups for ups in sources if ups.kind in ("line", "ina219")}
        self._lines: dict[str, deque[Sample]] = {}
        self._currents: dict[str, deque[_Current]] = {}
        self._mains: dict[str, Mains] = {}
        self._changed_s: dict[str, float] = {}
        self._fed_s: dict[str, float] = {}
        self._proved: dict[str, str] = {}
        self.doubts: dict[str, str] = {}

    def look(self, believed: Believed, levels: Mapping[str, bool | None], now_s: float) -> dict[str, str]:
        """To be called at each look; `levels`: of lines, None where not known. What was proved now that was not known
        before, by source, as the setting that it should have, or a word of Doubt."""
        news: dict[str, str] = {}
        for seen in believed.sources:
            ups = self._sources.get(seen.name)
            if ups is None or now_s - self._fed_s.get(seen.name, -EVERY_S) < EVERY_S:
                continue
            self._fed_s[seen.name] = now_s
            mains = _others(seen, believed)
            if mains is not self._mains.get(seen.name):
                self._mains[seen.name], self._changed_s[seen.name] = mains, now_s
            found = self._line(ups, levels.get(ups.name), mains, now_s) if ups.kind == "line" else None
            if ups.kind == "ina219" and seen.reading is not None:
                found = self._current(ups, seen, mains, now_s)
            if found is not None and self._proved.get(ups.name) != found:
                self._proved[ups.name] = news[ups.name] = found
        return news

    def _line(self, ups: Ups, level: bool | None, mains: Mains, now_s: float) -> str | None:
        samples = self._lines.setdefault(ups.name, deque(maxlen=SAMPLES_MAX))
        samples.append(Sample(now_s, level, mains))
        if now_s - self._changed_s[ups.name] > JUDGED_S:
            return None
        proof = prove(samples)
        if proof is Proof.NO_CUT:
            return None
        self.doubts.pop(ups.name, None)
        if proof not in _LINES:
            self.doubts[ups.name] = Doubt.UNCONNECTED
            return Doubt.UNCONNECTED
        if ups.mains_is not in ("unknown", _LINES[proof]):
            self.doubts[ups.name] = Doubt.BACKWARDS
        return f'mains_is = "{_LINES[proof]}"'

    def _current(self, ups: Ups, seen: Seen, mains: Mains, now_s: float) -> str | None:
        reading = seen.reading
        if reading is None or reading.amps is None or reading.volts is None:
            return None
        samples = self._currents.setdefault(ups.name, deque(maxlen=SAMPLES_MAX))
        samples.append(_Current(now_s, reading.amps, reading.volts, mains))
        changed_s = self._changed_s[ups.name]
        if now_s - changed_s > JUDGED_S:
            return None
        sure = [one for one in samples if abs(one.at_s - changed_s) > LAG_S]
        on = [one for one in sure if one.mains is Mains.ON]
        lost = [one for one in sure if one.mains is Mains.LOST]
        if min(len(on), len(lost)) < PROVED_BY:
            return None
        fell = fmean(one.volts for one in on) - fmean(one.volts for one in lost) >= FALL_V * ups.cells
        out = all(one.amps > DRAIN_A for one in lost)
        if not fell or not (out or all(one.amps < -DRAIN_A for one in lost)):
            return None
        self.doubts.pop(ups.name, None)
        if not out:
            self.doubts[ups.name] = Doubt.BACKWARDS
        return f'out_is_positive = "{ups.out_is_positive if out else _turned(ups.out_is_positive)}"'


def _others(seen: Seen, believed: Believed) -> Mains:
    """What all others that watch the same supply say, if they say one thing."""
    unit = frozenset({Part.UNIT})
    said = {
        other.reading.mains
        for other in believed.sources
        if other.name != seen.name
        and other.reading is not None
        and other.reading.mains is not Mains.UNKNOWN
        and (other.keeps or unit) & (seen.keeps or unit)
    }
    return said.pop() if len(said) == 1 else Mains.UNKNOWN


def _turned(yes_no: str) -> str:
    return "no" if yes_no == "yes" else "yes"
