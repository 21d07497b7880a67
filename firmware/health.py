"""What is well with a unit and what is not, check by check, in the order in which one rests on another.

``Facts`` is what was found out, and None what could not be; ``examine`` says what it means. Pure: finding out is the
shell's (``tools/doctor.py``). ``doctor.schema.json`` beside this file describes the JSON; fields are only ever added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from firmware.modes import Mode
from firmware.status import Problem, Severity, Status

__all__ = ["CHECKS", "SCHEMA", "Check", "Facts", "File", "Finding", "Result", "Space", "examine", "verdict"]

SCHEMA = 1
"""Of the JSON object; raised only if a field ever had to change its meaning."""
SPACE_LOW = 0.15
SPACE_OUT = 0.03
"""Shares of the file system that are free, below which it is warned, and failed."""
SPACE_OUT_BYTES = 64 << 20
CLOCK_STRAY_S = 1.0
"""A synchronised clock may be so far off by its own account."""
MEDIA_CALLS_LEAST = 3
"""So many calls say whether the platform anchors their sound."""
MODES = {1: "by the platform's secret", 2: "by ours", 3: "by one of their own", 4: "learnt"}
_SHOWN = 3


class Result(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"  # does not apply, waits for another check, or is not known


@dataclass(frozen=True, slots=True)
class File:
    """A file that is to be its owner's alone."""

    name: str
    mode: int  # permission bits


@dataclass(frozen=True, slots=True)
class Space:
    """Of the file system that the unit's data lies on."""

    free_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the checks go by. ``denied`` says that something was not told to us for want of rights."""

    config: str  # the file, or what stands for it
    faults: tuple[str, ...] = ()  # of the configuration
    platform: bool | None = None  # whether one is configured
    files: tuple[File, ...] | None = None
    importing: bool = False  # an import of an identity was cut
    space: Space | None = None
    clock_synchronised: bool | None = None
    clock_error_s: float | None = None
    taken: tuple[str, ...] | None = None  # addresses of ours that another machine has too
    edge: bool | None = None  # whether it answers
    unit: bool | None = None  # whether the unit's own process answers
    status: Status | None = None
    timer_a_ms: int | None = None
    timed_calls: int | None = None  # by so many calls it was learnt
    modes: Mapping[int, int] | None = None  # extensions by mode of credential; the learnt are 4
    media_through: int | None = None  # of the last calls, those whose sound the platform left alone,
    media_anchored: int | None = None  # and those in whose sound it put itself
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says. ``known`` is False where it could not be found out; a problem has what to do."""

    check: str
    result: Result
    observed: str
    known: bool = True
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """``needs`` are checks whose failure leaves this one without sense."""

    name: str
    look: Callable[[str, Facts], Finding]
    needs: tuple[str, ...] = ()
    meaning: str = field(default="", kw_only=True)


def examine(facts: Facts, only: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """Every check in order, or those of ``only`` and what they rest on. A cause hides what follows from it."""
    wanted = set(only)
    for check in reversed(CHECKS):
        if check.name in wanted:
            wanted.update(check.needs)
    found: dict[str, Finding] = {}
    without_sense: dict[str, str] = {}  # by check, the cause
    for check in CHECKS:
        if only and check.name not in wanted:
            continue
        cause = next((without_sense[name] for name in check.needs if name in without_sense), None)
        if cause is None:
            found[check.name] = finding = check.look(check.name, facts)
            if finding.result is Result.FAIL or not finding.known:
                without_sense[check.name] = check.name
        else:
            found[check.name] = Finding(check.name, Result.SKIP, f"waits for {cause}", found[cause].known)
            without_sense[check.name] = cause
    shown = {finding.problem.id for finding in found.values() if finding.problem}
    others = [problem for problem in (facts.status.problems if facts.status else ()) if problem.id not in shown]
    if not only:
        found |= {f"{problem.area} {problem.id}": _of_problem(problem.area, problem) for problem in others}
    return tuple(found.values())


def verdict(findings: tuple[Finding, ...], denied: bool = False) -> Result | None:
    """The worst of them; None where nothing failed, and something could not be found out for want of rights."""
    results = {finding.result for finding in findings}
    if Result.FAIL in results:
        return Result.FAIL
    if denied:
        return None
    return Result.WARN if Result.WARN in results else Result.OK


def _ok(name: str, observed: str) -> Finding:
    return Finding(name, Result.OK, observed)


def _skip(name: str, observed: str) -> Finding:
    return Finding(name, Result.SKIP, observed)


def _unknown(name: str, why: str) -> Finding:
    return Finding(name, Result.SKIP, f"not known: {why}", known=False)


def _found(name: str, code: str, severity: Severity, observed: str, expected: str, effect: str, fix: str) -> Finding:
    return _of_problem(name, Problem(code, severity, name, observed, expected, effect, fix))


def _of_problem(name: str, problem: Problem) -> Finding:
    result = Result.FAIL if problem.severity is Severity.FAIL else Result.WARN
    return Finding(name, result, problem.observed, problem=problem)


def _config(name: str, facts: Facts) -> Finding:
    if not facts.faults:
        return _ok(name, f"{facts.config}: no fault")
    more = f", and {len(facts.faults) - 1} more" if len(facts.faults) > 1 else ""
    return _found(
        name,
        "RVX-C01",
        Severity.FAIL,
        observed=f"{facts.faults[0]}{more}",
        expected="a file without faults",
        effect="the unit does not start again",
        fix=f"rvx check {facts.config}",
    )


def _files(name: str, facts: Facts) -> Finding:
    if facts.importing:
        return _found(
            name,
            "RVX-I06",
            Severity.FAIL,
            observed="an import of an identity was cut in the middle",
            expected="a whole identity",
            effect="the unit does not start",
            fix="give rvx identity import again",
        )
    if facts.files is None:
        return _unknown(name, "the unit's files are not ours to look at")
    if not facts.files:
        return _skip(name, "none yet: the unit was never started here")
    wide = [f"{file.name} ({file.mode:04o})" for file in facts.files if file.mode & 0o077]
    if not wide:
        return _ok(name, f"{len(facts.files)} with secrets, each its owner's alone")
    more = f" and {len(wide) - _SHOWN} more" if len(wide) > _SHOWN else ""
    return _found(
        name,
        "RVX-J03",
        Severity.FAIL,
        observed=f"others may read {', '.join(wide[:_SHOWN])}{more}",
        expected="mode 0600",
        effect="who reads them can call as any phone here",
        fix="chmod 0600, then new secrets for those phones if others were logged in",
    )


def _disk(name: str, facts: Facts) -> Finding:
    space = facts.space
    if space is None or not space.size_bytes:
        return _unknown(name, "the file system does not say")
    share = space.free_bytes / space.size_bytes
    observed = f"{share:.0%} free of {space.size_bytes / 1e9:.1f} GB"
    out = share < SPACE_OUT or space.free_bytes < SPACE_OUT_BYTES
    if share >= SPACE_LOW and not out:
        return _ok(name, observed)
    return _found(
        name,
        "RVX-J04",
        Severity.FAIL if out else Severity.WARN,
        observed=observed,
        expected=f"{SPACE_LOW:.0%} or more",
        effect="when it is full no record is written; calls go on",
        fix="see what fills it: du -xh / | sort -h | tail",
    )


def _clock(name: str, facts: Facts) -> Finding:
    if facts.clock_synchronised is None:
        return _unknown(name, "the system does not say")
    stray = facts.clock_error_s
    if facts.clock_synchronised and (stray is None or stray <= CLOCK_STRAY_S):
        return _ok(name, "synchronised" + ("" if stray is None else f", at most {stray * 1000:.0f} ms off"))
    off = f"may be {stray:.0f} s off" if facts.clock_synchronised and stray is not None else "not synchronised"
    return _found(
        name,
        "RVX-N06",
        Severity.WARN,
        observed=off,
        expected="set by NTP",
        effect="records and alarms have wrong times; certificates may seem expired",
        fix="look at chrony or systemd-timesyncd, and whether NTP gets out",
    )


def _address(name: str, facts: Facts) -> Finding:
    if facts.taken is None:
        return _unknown(name, "only root may ask the network")
    if not facts.taken:
        return _ok(name, "nobody else on the network has the unit's addresses")
    return _found(
        name,
        "RVX-N07",
        Severity.FAIL,
        observed=f"another machine has {', '.join(facts.taken)} too",
        expected="an address of this unit alone",
        effect="each takes calls of the other; which one, changes by itself",
        fix="find the other one: the unit that this one has replaced?",
    )


def _edge(name: str, facts: Facts) -> Finding:
    if facts.edge is None:
        return _unknown(name, "its socket is not ours to ask; use sudo")
    if facts.edge:
        return _ok(name, "Kamailio answers")
    return _found(
        name,
        "RVX-E01",
        Severity.FAIL,
        observed="Kamailio does not answer",
        expected="an answer within 1 s",
        effect="no call gets through the unit",
        fix="start it by rvx run, or see in its log why it ended",
    )


def _unit(name: str, facts: Facts) -> Finding:
    if facts.unit is None:
        return _unknown(name, "its socket is not ours to ask; use sudo")
    if facts.unit:
        return _ok(name, "watches the platform, and answers")
    return _found(
        name,
        "RVX-S01",
        Severity.FAIL,
        observed="the unit's own process does not answer",
        expected="an answer within 2 s",
        effect="calls go on; records and status wait",
        fix="start it by rvx run",
    )


def _platform(name: str, facts: Facts) -> Finding:
    if facts.platform is False:
        return _skip(name, "none is configured")
    status = facts.status
    if status is None or not status.nodes:
        return _unknown(name, "no node was probed yet")
    told = next((problem for problem in status.problems if problem.area in ("platform", "line")), None)
    if told:
        return _of_problem(name, told)
    if any(node.serving is None for node in status.nodes):
        return _unknown(name, "not every node was probed yet")
    times = [node.probe_ms for node in status.nodes if node.serving and node.probe_ms is not None]
    serving = sum(1 for node in status.nodes if node.serving)
    answers = f", answers OPTIONS in {min(times):.0f} ms" if times else ""
    mode = f"; mode {status.mode}" if status.mode not in (None, Mode.NORMAL) else ""
    return _ok(name, f"{serving} of {len(status.nodes)} nodes serve{answers}{mode}")


def _timers(name: str, facts: Facts) -> Finding:
    if facts.platform is False:
        return _skip(name, "no platform to wait for")
    if not facts.timer_a_ms:
        return _unknown(name, "nothing measured yet; the first call waits as configured")
    by = f"by {facts.timed_calls} calls" if facts.timed_calls else "by probes, no call yet"
    return _ok(name, f"a dead platform is given {facts.timer_a_ms} ms, learnt {by}")


def _phones(name: str, facts: Facts) -> Finding:
    status = facts.status
    if status is None or status.phones.registered is None:
        return _unknown(name, "the edge did not say")
    told = next((problem for problem in status.problems if problem.area == "phones"), None)
    if told:
        return _of_problem(name, told)
    known = "" if status.phones.known is None else f" of {status.phones.known} known"
    return _ok(name, f"{status.phones.registered}{known} registered")


def _credentials(name: str, facts: Facts) -> Finding:
    if facts.modes is None:
        return _unknown(name, "directory.db is not ours to read, or not there")
    counted = [f"{number} {MODES[mode]} ({mode})" for mode, number in sorted(facts.modes.items()) if number]
    if counted:
        return _ok(name, ", ".join(counted))
    return _found(
        name,
        "RVX-D04",
        Severity.WARN,
        observed="no extension has a secret here, and none was learnt",
        expected="each known here",
        effect="when the platform fails no phone is let in; 112 only",
        fix="rvx extension import, or wait until the phones have registered for learnt_after_s",
    )


def _media(name: str, facts: Facts) -> Finding:
    if facts.platform is False:
        return _skip(name, "no platform to anchor anything")
    through, anchored = facts.media_through or 0, facts.media_anchored or 0
    if through + anchored < MEDIA_CALLS_LEAST:
        return _unknown(name, f"too few inside calls by the platform yet ({through + anchored} of {MEDIA_CALLS_LEAST})")
    if not anchored:
        return _ok(name, f"runs from phone to phone (last {through} calls)")
    return _found(
        name,
        "RVX-M01",
        Severity.WARN,
        observed=f"the platform is in the sound of {anchored} of the last {through + anchored} calls",
        expected="sound from phone to phone",
        effect="calls that are up fall silent when the platform fails",
        fix="ask who runs the platform for direct media inside the house; else tell the house",
    )


def _way_out(name: str, facts: Facts) -> Finding:
    status = facts.status
    if status is None or status.gateway is None:
        return _unknown(name, "nobody said")
    told = next((problem for problem in status.problems if problem.area in ("emergency", "trunk")), None)
    if told:
        return _of_problem(name, told)
    by = "a gateway is configured" if status.gateway else "a modem is there"
    return _ok(name, f"{by}; whether it works, a call proves")


def _standby(name: str, facts: Facts) -> Finding:
    if facts.status is None:
        return _unknown(name, "the unit did not say")
    pair = facts.status.pair
    if pair is None:
        return _skip(name, "a unit by itself; if it dies, a spare must come")
    told = next((problem for problem in facts.status.problems if problem.area == "pair"), None)
    if told:
        return _of_problem(name, told)
    return _ok(
        name, "in service, and the other one is heard" if pair.in_service else "waits; the other one is in service"
    )


CHECKS = (
    Check("config", _config, meaning="the configuration has no fault"),
    Check("files", _files, ("config",), meaning="what holds secrets is its owner's alone"),
    Check("disk", _disk, ("config",), meaning="there is room for records"),
    Check("clock", _clock, meaning="the time is right"),
    Check("address", _address, ("config",), meaning="nobody else has the unit's addresses"),
    Check("edge", _edge, ("config",), meaning="Kamailio answers"),
    Check("unit", _unit, ("edge",), meaning="the watch on the platform answers"),
    Check("platform", _platform, ("edge",), meaning="the platform is reached by SIP"),
    Check("timers", _timers, ("edge",), meaning="how long a dead platform is waited for"),
    Check("phones", _phones, ("edge",), meaning="the phones are here"),
    Check("secrets", _credentials, ("config",), meaning="by what the phones are let in when the platform is gone"),
    Check("media", _media, ("edge",), meaning="whether the platform anchors the sound of calls"),
    Check("standby", _standby, ("unit",), meaning="whether another unit takes over"),
    Check("way-out", _way_out, ("edge",), meaning="a way for 112 besides the platform"),
)
"""In the order in which they are looked at, which is that of what rests on what."""
