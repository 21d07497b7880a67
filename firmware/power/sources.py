"""Which sources are believed, and of what. Pure; times are monotonic seconds.

Each part (unit, switch, router, fibre) is judged by the sources that hang on the same supply. A source votes by what it
says of mains, and once more by what its battery does, which no setting and no program can say wrongly: current that
flows out while the volts fall is a battery that is used, current that flows in is a mains that feeds it. The greater
number wins; of as many on both sides what batteries do wins, and where none tells, mains is taken for lost, and not
surely so: that is shown, and never halts anything. Who is outvoted for `GRACE_S`, longer than any of them needs to see
a change, is named. What a gauge tells is left out where it cannot be: it stands still while it is drained, jumps, or
calls a battery half full whose cells are empty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from drivers.ups.model import Mains, Part, Reading, Trouble

__all__ = ["DRAIN_A", "FALL_V", "Believed", "Doubt", "Seen", "Sources", "Spec"]

GRACE_S = 15.0
"""A NUT server takes seconds for what a line tells in milliseconds."""
HISTORY_MAX = 200
"""Readings of one source within `JUMP_S`."""
DRAIN_S = 20.0
"""What a battery does is told from so much of its history."""
DRAIN_A = 0.05
FALL_V = 0.004
"""Per cell and `DRAIN_S`: a cell at rest does not move so much."""
STUCK_S = 900.0
SLOW_MIN = 900.0
"""Who lasts longer need not move by a hundredth in `STUCK_S`."""
JUMP_PERCENT = 15.0
JUMP_S = 60.0
JUMP_HELD_S = 300.0
EMPTY_V: Mapping[str, float] = {"li-ion": 3.3, "lifepo4": 2.9, "lead": 1.85}
"""A cell, under load: nobody's is half full there."""
HALF_PERCENT = 50.0


class Doubt:
    """Why a source, or a part of what it tells, is not believed. The words are those of the status."""

    ABSENT = "absent"
    """It has told nothing yet."""
    OLD = "old"
    OUTVOTED = "outvoted"
    DISPUTED = "disputed"
    """It and another one say the contrary, and there is no third."""
    AGAINST_BATTERY = "against_battery"
    """It says what its own or another's battery shows to be wrong."""
    STUCK = "stuck"
    JUMPS = "jumps"
    AGAINST_VOLTS = "against_volts"
    BACKWARDS = "backwards"
    """A cut has shown that its setting turns it round (proving.py)."""
    UNCONNECTED = "unconnected"
    """A line that did not move in a cut, or not with mains."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is known of a source before it tells anything. `keeps` empty: it only looks at what feeds the unit."""

    name: str
    keeps: frozenset[Part]
    fresh_s: float
    cells: int = 1
    chemistry: str = "li-ion"

    @property
    def watches(self) -> frozenset[Part]:
        return self.keeps or frozenset({Part.UNIT})


@dataclass(frozen=True, slots=True)
class Seen:
    """One source as it is believed: what is not is None in `reading`, and `doubts` say why."""

    name: str
    keeps: frozenset[Part]
    reading: Reading | None
    age_s: float | None
    trouble: str | None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Believed:
    """`mains` by part; a part that no source tells of is not there. `sure`: parts of which nobody fresh says the
    contrary, or where the greater number says it. `halt`: the source that orders it."""

    sources: tuple[Seen, ...] = ()
    mains: Mapping[Part, Mains] = field(default_factory=dict)
    sure: frozenset[Part] = frozenset()
    halt: str | None = None

    @property
    def of_unit(self) -> Mains:
        return self.mains.get(Part.UNIT, Mains.UNKNOWN)


class Sources:
    """Remembers what each told, and judges."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._told: dict[str, deque[Reading]] = {name: deque(maxlen=HISTORY_MAX) for name in self._specs}
        self._jumped_at_s: dict[str, float] = {}
        self._moved_at_s: dict[str, float] = {}  # when each gauge last told something else of its battery
        self._used_since_s: float | None = None
        self.wrong: Mapping[str, str] = {}
        """By source, what a cut has shown to be wrong: its current is not believed. What a line says of mains counts as
        before: who showed it may be the one that lies, and nothing halts while they differ."""
        self._against_s: dict[str, float] = {}  # since when each is on the losing side

    def take(self, name: str, reading: Reading) -> None:
        """What one told. One that is older than the last is left out."""
        told = self._told[name]
        if told and reading.at_s < told[-1].at_s:
            return
        before = next((one for one in reversed(told) if one.charge_percent is not None), None)
        if before and reading.charge_percent is not None and before.charge_percent is not None:
            moved = abs(reading.charge_percent - before.charge_percent)
            if moved > JUMP_PERCENT and reading.at_s - before.at_s < JUMP_S:
                self._jumped_at_s[name] = reading.at_s
        shown = reading.volts, reading.charge_percent
        if not told or shown != (told[-1].volts, told[-1].charge_percent) or shown == (None, None):
            self._moved_at_s[name] = reading.at_s
        told.append(reading)
        while len(told) > 1 and reading.at_s - told[0].at_s > JUMP_S:
            told.popleft()

    def judge(self, now_s: float) -> Believed:
        """Who is believed now."""
        fresh = {
            name: told[-1]
            for name, told in self._told.items()
            if told and now_s - told[-1].at_s <= self._specs[name].fresh_s
        }
        mains: dict[Part, Mains] = {}
        sure: set[Part] = set()
        against: dict[str, str] = {}
        for part in Part:
            watching = [name for name, spec in self._specs.items() if part in spec.watches]
            if watching:
                said, certain, wrong = self._vote([name for name in watching if name in fresh], fresh, now_s)
                mains[part] = said
                if certain:
                    sure.add(part)
                against |= wrong
        for name in list(self._against_s):
            if name not in against:
                del self._against_s[name]
        for name in against:
            self._against_s.setdefault(name, now_s)
        named = {name: doubt for name, doubt in against.items() if now_s - self._against_s[name] >= GRACE_S}
        if mains.get(Part.UNIT) is not Mains.LOST:
            self._used_since_s = None
        elif self._used_since_s is None:
            self._used_since_s = now_s
        seen = tuple(self._seen(spec, fresh, named.get(spec.name), now_s) for spec in self._specs.values())
        ordering = (
            one.name
            for one in seen
            if one.reading is not None and one.reading.halt and Part.UNIT in self._specs[one.name].watches
        )
        return Believed(seen, mains, frozenset(sure), next(ordering, None))

    def _vote(self, names: list[str], fresh: Mapping[str, Reading], now_s: float) -> tuple[Mains, bool, dict[str, str]]:
        """What is taken to be so, whether surely, and who says the contrary and why that is not believed."""
        says = {name: fresh[name].mains for name in names if fresh[name].mains is not Mains.UNKNOWN}
        # A battery that is discharged by order, its UPS's or ours, says nothing of the mains.
        voting = [name for name in names if name not in self.wrong and fresh[name].trouble != Trouble.CALIBRATING]
        shown = {name: self._battery(name, now_s) for name in voting}
        does = {name: mains for name, mains in shown.items() if mains is not Mains.UNKNOWN}
        votes = [*says.values(), *does.values()]
        on, lost = votes.count(Mains.ON), votes.count(Mains.LOST)
        if not votes:
            return Mains.UNKNOWN, False, {}
        if not on or not lost:
            return votes[0], True, {}
        batteries = set(does.values())
        if on != lost:
            taken, certain = (Mains.ON if on > lost else Mains.LOST), True
        elif len(batteries) == 1:
            taken, certain = batteries.pop(), True
        else:
            taken, certain = Mains.LOST, False
        wrong = {name for name, said in says.items() if said is not taken}
        if not certain:
            return taken, False, dict.fromkeys(says, Doubt.DISPUTED)
        by_battery = taken in does.values()
        return taken, True, dict.fromkeys(wrong, Doubt.AGAINST_BATTERY if by_battery else Doubt.OUTVOTED)

    def _battery(self, name: str, now_s: float) -> Mains:
        """What its battery does: used is LOST, charged is ON."""
        last = [one for one in self._told[name] if now_s - one.at_s <= DRAIN_S]
        if len(last) < 2 or last[-1].at_s - last[0].at_s < DRAIN_S / 2:
            return Mains.UNKNOWN
        amps = [one.amps for one in last if one.amps is not None]
        volts = [one.volts for one in last if one.volts is not None]
        if len(amps) < 2:
            return Mains.UNKNOWN
        falls = len(volts) >= 2 and volts[0] - volts[-1] >= FALL_V * self._specs[name].cells
        if all(each < -DRAIN_A for each in amps):
            return Mains.UNKNOWN if falls else Mains.ON  # whose volts fall is not charged: its current is read wrongly
        return Mains.LOST if falls and all(each > DRAIN_A for each in amps) else Mains.UNKNOWN

    def _seen(self, spec: Spec, fresh: Mapping[str, Reading], against: str | None, now_s: float) -> Seen:
        told = self._told[spec.name]
        if not told:
            return Seen(spec.name, spec.keeps, None, None, None, (Doubt.ABSENT,))
        last = told[-1]
        age_s = max(0.0, now_s - last.at_s)
        if spec.name not in fresh:
            return Seen(spec.name, spec.keeps, None, age_s, last.trouble, (Doubt.OLD,))
        doubts = [against] if against else []
        reading = last
        if (wrong := self.wrong.get(spec.name)) is not None:
            doubts.append(wrong)
            reading = replace(reading, charging=None, amps=None, watts=None)
        if now_s - self._jumped_at_s.get(spec.name, -JUMP_HELD_S) < JUMP_HELD_S:
            doubts.append(Doubt.JUMPS)
            reading = replace(reading, charge_percent=None, minutes=None)
        if self._stands_still(last, spec.name, now_s):
            doubts.append(Doubt.STUCK)
            reading = replace(reading, charge_percent=None, volts=None, minutes=None)
        empty_v = EMPTY_V.get(spec.chemistry, 0.0) * spec.cells
        if last.volts is not None and last.volts < empty_v and (last.charge_percent or 0.0) > HALF_PERCENT:
            doubts.append(Doubt.AGAINST_VOLTS)
            reading = replace(reading, charge_percent=None, minutes=None)
        return Seen(spec.name, spec.keeps, reading, age_s, last.trouble, tuple(doubts))

    def _stands_still(self, last: Reading, name: str, now_s: float) -> bool:
        """Nothing of its battery has moved in all of `STUCK_S` of mains that was lost."""
        if self._used_since_s is None or (last.minutes or 0.0) > SLOW_MIN:
            return False
        return now_s - max(self._used_since_s, self._moved_at_s.get(name, now_s)) >= STUCK_S
