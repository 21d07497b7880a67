"""Whether the unit has power: one table, without pins and clock.

on ──heart lost──▶ lost ──the edge is dead too──▶ pause ──▶ on
on ──halt told──▶ halting ──halted, or its time over──▶ off ──mains, and a battery that bears a start──▶ on

What the rest serves: a unit that only has lost its Python keeps its power, as its calls may be up. It is cut when it
has halted; when it said that it would, its time is over, and nothing of it lives; and when it hangs, that is, its
kernel beats no more, or its edge was dead by the last word of its heart, and then only so often. What is not known
never cuts.
"""

from supply import limits
from supply.measure import Held

ON, LOST, HALTING, OFF, PAUSE = range(5)
EDGE_DEAD, EDGE_ALIVE, EDGE_UNKNOWN = range(3)


class Seen:
    """What is known at one moment. Times are ms; of what is not known, None."""

    def __init__(self):
        self.mains = None
        self.mains_ms = 0  # since when it has been so
        self.battery_mv = None
        self.unit_ma = None  # what the unit draws
        self.tenths = None  # of a degree
        self.kernel_ms = None  # since the kernel's line last beat; None: no such line
        self.halted = None  # the line by which a halted kernel says so


class Decider:
    """`step` each DECIDE_MS; then `state`, `supply`, `warns`, `asks`, `low` and `orders_halt` are to be done."""

    def __init__(self, now, off, cycles, drained):
        """`off`: the supply was cut when this began, `cycles`: how often in a row for a hang; `drained`: this is a
        start from nothing, and a halt had been ordered before it."""
        self.state = OFF if off else ON
        self.low = self.orders_halt = self.hot = False
        self.edge, self.calls = EDGE_UNKNOWN, None
        self.cycles = cycles
        self._boot = self._since = self._started = now
        self._drained = drained
        self._beat_at = None
        self._cycled_at = now if cycles else None
        self._halt_until = None  # told, and not cancelled
        self._cancelled = False
        self._failed_starts = 0
        self._asked_for = True  # whether OFF is to end as soon as it can
        self._low_for, self._hot_for, self._halted_for = Held(), Held(), Held()
        self._halted_ms = 0

    @property
    def supply(self):
        """Whether the unit has power."""
        return self.state not in (OFF, PAUSE)

    @property
    def warns(self):
        return self.state == LOST

    def beat(self, now, edge, calls):
        """The heart said: the edge, and how many calls are up (None: not known)."""
        self._beat_at, self.edge, self.calls = now, edge, calls

    def halt(self, now, within_ms):
        """The unit is about to halt, and may be cut `within_ms` at the latest. False: it has no power."""
        if not self.supply:
            return False
        self._halt_until, self._cancelled = now + within_ms, False
        return True

    def cancel(self):
        """It goes on. False where it is too late."""
        if not self.supply:
            return False
        self._halt_until, self._cancelled = None, True
        return True

    def step(self, now, seen):
        """The causes of what changed, in order."""
        causes = []
        self._battery(now, seen, causes)
        self._halted_ms = self._halted_for.for_ms(now, self._looks_halted(now, seen))
        for state, is_so, then, cause in _TABLE:
            if state == self.state and is_so(self, now, seen):
                self._enter(now, seen, then, cause)
                causes.append(cause)
                break
        if self.state == ON and self.beats(now):
            if self._failed_starts and now - self._started >= limits.STEADY_MS:
                self._failed_starts = 0
            if self.cycles and now - self._cycled_at >= limits.DAY_MS:
                self.cycles = 0
                causes.append("steady")
        return causes

    def _battery(self, now, seen, causes):
        mv = seen.battery_mv
        self.low = seen.mains is not True and mv is not None and mv <= limits.LOW_MV
        empty = seen.mains is not True and mv is not None and mv <= limits.HALT_MV
        hot = seen.tenths is not None and seen.tenths >= limits.HOT_TENTHS
        if not self.orders_halt and self._low_for.for_ms(now, empty) >= limits.LOW_FOR_MS:
            self.orders_halt = True
            causes.append("low")
        if not self.hot and self._hot_for.for_ms(now, hot) >= limits.LOW_FOR_MS:
            self.hot = True
            causes.append("hot")
        if self.hot and seen.tenths is not None and seen.tenths <= limits.COOL_TENTHS:
            self.hot = False
        if self.orders_halt and seen.mains is True and seen.mains_ms >= limits.MAINS_STEADY_MS:
            self.orders_halt = False

    def _enter(self, now, seen, then, cause):
        if then == OFF:
            self._asked_for = self.state == HALTING or self._drained or seen.mains is not True
        if cause == "cut_hung":
            self.cycles += 1
            self._cycled_at = now
        if cause == "start":
            self._failed_starts += 1
            self._started = now
            self._beat_at, self.edge, self.calls = None, EDGE_UNKNOWN, None
        if then != HALTING:
            self._halt_until = None
        self._cancelled = False
        self._drained = False
        self.state, self._since = then, now

    # What the table asks.

    def beats(self, now):
        """Whether the heart of the unit does."""
        return self._beat_at is not None and now - self._beat_at < limits.BEAT_LOST_MS

    def _silent(self, now, seen):
        heard = self._started + limits.START_GRACE_MS if self._beat_at is None else self._beat_at
        return now - heard >= limits.BEAT_LOST_MS

    def _is_back(self, now, seen):
        return self.beats(now)

    def _told(self, now, seen):
        return self._halt_until is not None

    def _was_cancelled(self, now, seen):
        return self._cancelled and self.beats(now)

    def _kernel_dead(self, seen):
        return seen.kernel_ms is not None and seen.kernel_ms >= limits.KERNEL_DEAD_MS

    def _kernel_lives(self, seen):
        return seen.kernel_ms is not None and seen.kernel_ms < limits.HALTED_SILENT_MS

    def _looks_halted(self, now, seen):
        heard = self._started if self._beat_at is None else self._beat_at
        if now - heard < limits.HALTED_SILENT_MS or self._kernel_lives(seen):
            return False
        return seen.halted is True or (
            self._halt_until is not None and seen.unit_ma is not None and seen.unit_ma < limits.HALTED_MA
        )

    def _halted(self, now, seen):
        return self._halted_ms >= limits.HALTED_FOR_MS

    def _time_over(self, now, seen):
        """And nothing lives: the heart ends after the edge, so its last word tells of the edge's end."""
        over = now >= self._halt_until and not self.beats(now)
        return over and (self._kernel_dead(seen) or self.edge == EDGE_DEAD)

    def _time_over_alive(self, now, seen):
        return now >= self._halt_until + limits.BEAT_LOST_MS

    def _hangs(self, now, seen):
        kernel = self._kernel_dead(seen)
        if not kernel and self.edge != EDGE_DEAD:
            return False
        wait_ms = limits.WAIT_MS if kernel or self.calls == 0 else limits.WAIT_CALLS_MS
        if now - self._since < wait_ms << min(self.cycles, limits.CYCLES_MAX):
            return False
        if self.cycles >= limits.CYCLES_MAX and now - self._cycled_at < limits.DAY_MS:
            return False
        return seen.mains is True or (seen.battery_mv is not None and seen.battery_mv >= limits.START_MV)

    def _never_started(self, now, seen):
        """The battery ended with the unit on, and mains brought all of it up at once: it waits for its battery."""
        since = now - self._boot
        return (
            self._drained
            and limits.DRAINED_FROM_MS <= since < limits.DRAINED_TO_MS
            and self._beat_at is None
            and seen.kernel_ms is not None
            and not self._kernel_lives(seen)
            and not self._bears_start(now, seen)
        )

    def _bears_start(self, now, seen):
        if self.hot:
            return False
        if seen.mains is None:
            return seen.battery_mv is not None and seen.battery_mv >= limits.CHARGED_MV
        if not seen.mains or seen.mains_ms < limits.MAINS_STEADY_MS:
            return False
        if seen.battery_mv is None:
            return seen.mains_ms >= limits.BATTERY_UNKNOWN_MS
        return seen.battery_mv >= limits.START_MV

    def _may_start(self, now, seen):
        off_ms = min(limits.OFF_MAX_MS, limits.OFF_MIN_MS << min(self._failed_starts, 10))
        if not self._asked_for:
            off_ms = max(off_ms, limits.OFF_REST_MS)
        return now - self._since >= off_ms and self._bears_start(now, seen)

    def _rested(self, now, seen):
        return now - self._since >= limits.OFF_MIN_MS


# Of each state what is looked for, the first that is so; then the state that follows, and its cause.
_TABLE = (
    (ON, Decider._never_started, OFF, "cut_time"),
    (ON, Decider._halted, OFF, "cut_halted"),
    (ON, Decider._told, HALTING, "halt_told"),
    (ON, Decider._silent, LOST, "heart_lost"),
    (LOST, Decider._halted, OFF, "cut_halted"),
    (LOST, Decider._told, HALTING, "halt_told"),
    (LOST, Decider._is_back, ON, "heart_back"),
    (LOST, Decider._hangs, PAUSE, "cut_hung"),
    (HALTING, Decider._halted, OFF, "cut_halted"),
    (HALTING, Decider._was_cancelled, ON, "halt_cancelled"),
    (HALTING, Decider._time_over, OFF, "cut_time"),
    (HALTING, Decider._time_over_alive, ON, "halt_failed"),
    (OFF, Decider._may_start, ON, "start"),
    (PAUSE, Decider._rested, ON, "start"),
)
