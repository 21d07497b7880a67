"""Who is master: the platform, or this unit.

Theory. `TRANSITIONS` says where each verdict on the signs (firmware/signs.py) leads from each mode; `GUARDS` says what
some of these steps wait for. Nothing else changes the mode, and the diagram in the documents is drawn from both.

- NORMAL: the platform is master. SUSPECT: it still is; the signs disagree, and each call has its own timer.
- SURVIVAL: this unit is master. It is left only after good probes and a hold-down, which doubles each time the platform
  fails again soon after its return, up to a bound, and halves with every calm period; then, as the site has chosen, at
  once, when no call is up that the unit decided, or within an hour of the day; but never later than a longest wait.
- RETURNING: the platform is master of each phone whose registration it has confirmed. It always ends: by the last
  confirmation, by time, or by another death. Its time does not run while registrations are held back
  (callcontrol/pacing.py), but for a bound on the whole.

Going over to mobile data, and back to the line, goes by way of RETURNING, as the platform must be told by another way
where the phones are; it is master all the time. Only where neither path serves is there a SURVIVAL. Back to the line it
goes after a hold-down, which doubles as that of an outage does. Pure; time is monotonic seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from firmware.signs import (
    PROBE_S,
    Cause,
    Memory,
    Path,
    Reason,
    Signs,
    Verdict,
    judge,
    left,
    observe,
    other,
    steady,
    trunk_gone,
)

__all__ = [
    "GUARDS",
    "TRANSITIONS",
    "Cause",
    "Mode",
    "ModeSettings",
    "Path",
    "Reason",
    "State",
    "When",
    "advance",
    "diagram",
    "start",
]

SAMPLE_S = 0.5
"""Time from one sample to the next."""
SAMPLE_CLOSE_S = 0.1
"""The same after the first lost probe: a death is then known within 3.9 s of it, 4.3 s without."""
CLOSE_WATCH_S = 5.0
"""A platform that loses probes and lives is not watched closely for longer than this."""
CALM_S = 600.0
"""A platform that fails later than this after its return does not flap."""
CONFIRM_FACTOR = 1.2
"""RETURNING lasts at most so many of the phones' registration periods."""
HOLD_DOWN_SEED_S = 1.0
"""A hold-down of 0 grows from here."""
HOUR_MIN = 60
"""`hour` of the configuration lasts so long, minutes."""
DAY_MIN = 24 * 60
RETURNING_MAX_S = 3600.0
"""RETURNING ends by then, whatever is held back."""


class Mode(StrEnum):
    NORMAL = "NORMAL"
    SUSPECT = "SUSPECT"
    SURVIVAL = "SURVIVAL"
    RETURNING = "RETURNING"


class When(StrEnum):
    """When the unit goes back to a platform that has proved itself."""

    AT_ONCE = "at_once"
    IDLE = "idle"
    HOUR = "hour"


@dataclass(frozen=True)
class ModeSettings:
    """From `[returning]` and `[edge]` of the configuration."""

    good_probes: int
    hold_down_s: float
    hold_down_max_s: float
    register_s: float
    when: When = When.AT_ONCE
    hour_min: int = 0  # minutes from local midnight
    longest_wait_s: float = 0.0  # for idleness or the hour
    registrations_per_s: int = 10


@dataclass(frozen=True)
class State:
    """Where the unit is, and why. Made by `start`, changed by `advance` alone."""

    mode: Mode
    path: Path
    since_s: float  # when `mode` began
    hold_down_s: float  # of this outage, or else of the next
    reason: Reason = Reason.NOT_PROBED  # the last that was seen
    cause: Cause | None = None  # of the outage; None when there is none
    good_since_s: float | None = None
    line_since_s: float | None = None  # since when the line would serve
    failed_path: Path | None = None  # the path that this outage began on
    ready_since_s: float | None = None  # since when only idleness or the hour is waited for
    paced_s: float | None = None  # when registrations were last seen held back in RETURNING
    flap_since_s: float | None = None  # the last return, or the last halving of the hold-down since; None: all is calm
    memory: Memory = field(default_factory=Memory)

    @property
    def next_sample_s(self) -> float:
        """How long to wait before the next sample is taken."""
        signs, shaky_since_s = self.memory.signs, self.memory.shaky_since_s
        if self.mode is Mode.SURVIVAL or signs is None or shaky_since_s is None:
            return SAMPLE_S
        return SAMPLE_CLOSE_S if signs.now_s - shaky_since_s < CLOSE_WATCH_S else SAMPLE_S

    @property
    def trunk_gone(self) -> bool:
        """The platform lives, and cannot carry calls to numbers outside; no outage, and no matter of `mode`."""
        return self.mode in (Mode.NORMAL, Mode.SUSPECT) and trunk_gone(self.memory)

    @property
    def hold_left_s(self) -> float:
        """How long SURVIVAL lasts yet at the least."""
        signs = self.memory.signs
        if self.mode is not Mode.SURVIVAL or signs is None or self.path is not self.failed_path:
            return 0.0
        return max(0.0, self.since_s + self.hold_down_s - signs.now_s)


N, S, V, R = Mode.NORMAL, Mode.SUSPECT, Mode.SURVIVAL, Mode.RETURNING

TRANSITIONS: dict[tuple[Mode, Verdict], Mode] = {
    (N, Verdict.GOOD): N,
    (N, Verdict.BETTER): R,
    (N, Verdict.DOUBTFUL): S,
    (N, Verdict.UNKNOWN): S,
    (N, Verdict.OTHER): R,
    (N, Verdict.DEAD): V,
    (S, Verdict.GOOD): N,
    (S, Verdict.BETTER): R,
    (S, Verdict.DOUBTFUL): S,
    (S, Verdict.UNKNOWN): S,
    (S, Verdict.OTHER): R,
    (S, Verdict.DEAD): V,
    (V, Verdict.GOOD): R,
    (V, Verdict.BETTER): R,
    (V, Verdict.DOUBTFUL): V,
    (V, Verdict.UNKNOWN): V,
    (V, Verdict.OTHER): V,
    (V, Verdict.DEAD): V,
    (R, Verdict.GOOD): N,
    (R, Verdict.BETTER): N,
    (R, Verdict.DOUBTFUL): S,
    (R, Verdict.UNKNOWN): S,
    (R, Verdict.OTHER): R,
    (R, Verdict.DEAD): V,
}


class Guard(NamedTuple):
    """What a step waits for, in words and as a test of the state (with the sample already in it)."""

    words: str
    holds: Callable[[State, ModeSettings], bool]


def _proved(state: State, settings: ModeSettings) -> bool:
    if state.good_since_s is None or state.memory.signs is None:
        return False
    return 1 + int((state.memory.signs.now_s - state.good_since_s) / PROBE_S) >= settings.good_probes


def _held(state: State, settings: ModeSettings) -> bool:
    return _proved(state, settings) and state.hold_left_s == 0


def _due(state: State, settings: ModeSettings) -> bool:
    """Held, and the moment is one that the site has chosen. Another path than that which failed is no way back."""
    signs = state.memory.signs
    if signs is None or not _held(state, settings):
        return False
    if settings.when is When.AT_ONCE or state.path is not state.failed_path:
        return True
    if state.ready_since_s is not None and signs.now_s - state.ready_since_s >= settings.longest_wait_s:
        return True
    if settings.when is When.IDLE:
        return signs.calls_up == 0
    return signs.local_min is not None and (signs.local_min - settings.hour_min) % DAY_MIN < HOUR_MIN


def _time_is_up(state: State, settings: ModeSettings) -> bool:
    signs = state.memory.signs
    if signs is None:
        return False
    if signs.now_s - state.since_s >= RETURNING_MAX_S:
        return True
    began_s = state.since_s if state.paced_s is None else state.paced_s
    capped_s = (signs.registered or 0) / settings.registrations_per_s
    return signs.now_s - began_s >= CONFIRM_FACTOR * settings.register_s + capped_s


def _confirmed(state: State, settings: ModeSettings) -> bool:
    signs = state.memory.signs
    if signs is None or signs.confirmed is None or signs.registered is None:
        return _time_is_up(state, settings)
    return signs.confirmed >= signs.registered or _time_is_up(state, settings)


_TIME = f"{CONFIRM_FACTOR} x register_s and what the cap takes"

GUARDS: dict[tuple[Mode, Mode], Guard] = {
    (S, N): Guard("good_probes in a row", _proved),
    (V, R): Guard("good_probes in a row, hold-down over and when it is time, or another path", _due),
    (R, N): Guard(f"all phones confirmed, or {_TIME} after the last wait", _confirmed),
    (R, S): Guard(f"{_TIME} after the last wait", _time_is_up),
}


def start(now_s: float, settings: ModeSettings, mode: Mode = Mode.SUSPECT, path: Path = Path.LINE) -> State:
    """The state to begin with: what the edge still holds of mode and path, or SUSPECT, as nothing is known yet."""
    failed = path if mode is Mode.SURVIVAL else None
    return State(mode, path, since_s=now_s, hold_down_s=settings.hold_down_s, failed_path=failed)


def advance(state: State, signs: Signs, settings: ModeSettings) -> State:
    """The state after one more sample. `signs.now_s` does not go back from one to the next."""
    state = _choose_path(state, signs)
    state = replace(state, memory=observe(state.memory, signs, state.path))
    judged = judge(state.memory, state.path, settings.good_probes)
    verdict, now = judged.verdict, signs.now_s

    line_since = None if not steady(Path.LINE, signs) else now if state.line_since_s is None else state.line_since_s
    if verdict is Verdict.GOOD and state.path is Path.DATA and line_since is not None:
        wait_s = max(settings.good_probes * PROBE_S, state.hold_down_s)
        verdict = Verdict.BETTER if now - line_since >= wait_s else Verdict.GOOD
    if left(state.memory, state.path):
        verdict = Verdict.OTHER
    good = verdict in (Verdict.GOOD, Verdict.BETTER)
    good_since = None if not good else now if state.good_since_s is None else state.good_since_s
    memory = state.memory
    if verdict is Verdict.DEAD:
        new = not memory.dead and judged.reason not in (
            Reason.CALLS_UNANSWERED,
            Reason.CALLS_STALLED,
        )  # of which calls themselves are the sign
        memory = replace(memory, dead=True, died_s=now if new else memory.died_s)
    state = replace(state, memory=memory, reason=judged.reason, good_since_s=good_since, line_since_s=line_since)
    state = _calm(state, now, settings)
    if state.mode is V and state.ready_since_s is None and _held(state, settings):
        state = replace(state, ready_since_s=now)
    if state.mode is R and signs.held_back:
        state = replace(state, paced_s=now)

    if verdict is Verdict.OTHER and state.mode is not V:
        return _other_path(state, now, settings)
    mode = TRANSITIONS[state.mode, verdict]
    guard = GUARDS.get((state.mode, mode))
    if mode is state.mode or (guard is not None and not guard.holds(state, settings)):
        return replace(state, cause=_cause(state, judged.cause))
    if mode is V:
        return _enter_survival(state, judged.cause, now, settings)
    if verdict is Verdict.BETTER and mode is R:
        return replace(_other_path(state, now, settings), flap_since_s=now)
    ended = state.mode is V
    return replace(
        state,
        mode=mode,
        since_s=now,
        cause=state.cause if mode is R else None,
        failed_path=None,
        ready_since_s=None,
        paced_s=None,
        flap_since_s=now if ended and state.cause not in _ON_PURPOSE else state.flap_since_s,
    )


_ON_PURPOSE = (Cause.DRILL, Cause.UNIT)


def _other_path(state: State, now: float, settings: ModeSettings) -> State:
    """The platform stays master, and is told by the other path where the phones are. A line that is lost again soon
    after its return must prove itself for longer."""
    path, hold_down_s = other(state.path), state.hold_down_s
    if path is Path.DATA and state.flap_since_s is not None:
        hold_down_s = min(settings.hold_down_max_s, max(HOLD_DOWN_SEED_S, 2 * hold_down_s))
    return replace(
        state,
        mode=R,
        path=path,
        since_s=now,
        hold_down_s=hold_down_s,
        reason=Reason.LINE_BACK if path is Path.LINE else Reason.LINE_LOST,
        cause=None,
        good_since_s=None,
        line_since_s=None,
        failed_path=None,
        ready_since_s=None,
        paced_s=None,
        # What was asked by the path that is left may go unanswered for a while yet.
        memory=Memory(signs=state.memory.signs, died_s=now),
    )


def _choose_path(state: State, signs: Signs) -> State:
    """In SURVIVAL, the path to return by: the line if it serves, else data if that does, else what it was."""
    if state.mode is not V:
        return state
    path = next((path for path in (Path.LINE, Path.DATA) if steady(path, signs)), state.path)
    if path is state.path:
        return state
    return replace(state, path=path, memory=Memory(signs=signs), good_since_s=None)


def _enter_survival(state: State, cause: Cause | None, now: float, settings: ModeSettings) -> State:
    hold_down_s = state.hold_down_s
    if cause not in _ON_PURPOSE and (state.mode is R or state.flap_since_s is not None):
        hold_down_s = min(settings.hold_down_max_s, max(HOLD_DOWN_SEED_S, 2 * hold_down_s))
    state = replace(state, ready_since_s=None, paced_s=None)
    return replace(state, mode=V, since_s=now, cause=cause, hold_down_s=hold_down_s, failed_path=state.path)


def _calm(state: State, now: float, settings: ModeSettings) -> State:
    """Halves the hold-down for each calm period since the return."""
    if state.mode is V or state.flap_since_s is None or now - state.flap_since_s < CALM_S:
        return state
    hold_down_s = max(settings.hold_down_s, state.hold_down_s / 2)
    still = now if hold_down_s > settings.hold_down_s else None
    return replace(state, hold_down_s=hold_down_s, flap_since_s=still)


def _cause(state: State, judged: Cause | None) -> Cause | None:
    """Of an outage that goes on: a cause that is known, or what is seen after a drill, takes the place of the first."""
    if state.mode is not V or judged is None:
        return state.cause
    if state.cause is Cause.DRILL or (state.cause in (None, Cause.UNKNOWN) and judged is not Cause.DRILL):
        return judged
    return judged if judged not in (Cause.UNKNOWN, Cause.DRILL) else state.cause


def diagram() -> str:
    """The modes as a Mermaid state diagram, drawn from `TRANSITIONS` and `GUARDS`."""
    labels: dict[tuple[Mode, Mode], list[str]] = {}
    for (mode, verdict), after in TRANSITIONS.items():
        if after is not mode:
            labels.setdefault((mode, after), []).append(verdict.value)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> SUSPECT"]
    for step, verdicts in labels.items():
        guard = f" [{GUARDS[step].words}]" if step in GUARDS else ""
        lines.append(f"    {step[0]} --> {step[1]}: {' or '.join(verdicts)}{guard}")
    return "\n".join([*lines, "```"])
