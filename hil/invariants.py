"""What must hold in every storm, judged from what was seen (hil/history.py). Pure; times are seconds, monotonic.

Each rule is a function of history and time that yields its breaches; it says nothing where a fault, or this machine's
own standing still, is reason enough (hil/excuses.py). `RULES` names the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from callcontrol.records import Outcome
from hil.excuses import (
    CALLS,
    CLOCK,
    DEAD,
    EDGE,
    HALTED,
    LOSSY,
    NORTH,
    SHORT,
    SPREAD_S,
    TRUNK,
    UNIT,
    disturbed,
    modem_well,
)  # fmt: skip
from hil.excuses import GATEWAY as GATEWAYS
from hil.history import Call, History, Leg, Phone
from hil.stormdeeds import LEARNT, Do
from hil.stormplan import Fault

__all__ = ["BY_MODEM", "EMERGENCIES", "GATEWAY", "RULES", "Breach", "breaches", "may_be_reached", "recorded"]

REGISTER_S = 15.0
"""What phones of a storm are told; see hil/town.py."""
BIND_GRACE_S = 15.0
REACH_S = 10.0
"""A phone that is bound is reached this long after a state that allows it."""
RING_S = 9.0
"""Timers A and B with a retransmission, a challenge, and a busy machine."""
RING_SLOW_S = 16.0
"""The same where the platform is slow."""
PATIENCE_S = 22.0
"""Who has no final answer by then has none."""
SOS_S = 22.0
SOS_REFUSED_S = 38.0
"""All ways tried for as long as the storm's units hold 112, and the last of them once more."""
ACK_S = 8.0
END_S = 12.0
"""Who hangs up is heard by the other."""
LET_GO_S = 8.0
RECORD_S = 15.0
TRACED_S = 2.0
"""What one phone has sent stands in its trace by then, when the other's is read."""
DETECT_S = 18.0
"""A line that has cried wolf is given longer, up to nine probes."""
DETECT_ALONE_S = 11.0
"""Two calls in a row that get no response."""
LAGS_COUNT = 3.0
LEASE_S = 10.0
LEAVE_S = 20.0
"""Hold-down, probes, and a busy machine."""
BACK_S = 40.0
"""The same, and RETURNING."""
SICK_MORE_S = 25.0
"""A platform that answered probes and no calls is left in peace for longer: only calls could tell that it is well."""
KNOWN_S = 20.0
"""So long after all is well the platform holds every phone that comes often."""
FORGOTTEN_S = 120.0
"""A platform that was away for too short a time to be missed is asked by then whether it has forgotten."""
WARM_S = 25.0
OPEN_FILES_MORE, FILES_MORE = 60, 40
LOOKS, BEGUN_S = 3, 10.0
PROGRAMS = (*EDGE, *UNIT, *CALLS, *TRUNK)
MEMORY_MORE_MB, EDGE_MEMORY_MORE_MB = 48.0, 40.0
ORPHAN_S = 5.0

INSIDE = (Do.CALL, Do.CALL_BY_TCP, Do.CALLEE_ENDS)
EMERGENCIES = (Do.EMERGENCY, Do.EMERGENCY_STRANGER, Do.EMERGENCY_RUSH)
BY_MODEM = (*EMERGENCIES, Do.CALL_OUT)
INTRUDERS = (Do.STRANGER_CALLS, Do.WRONG_KEY_CALLS)
GATEWAY = "gateway"


@dataclass(frozen=True)
class Breach:
    """One invariant that did not hold: which, when it was seen, and of what."""

    rule: str
    at: float
    why: str


Rule = Callable[[History, float], Iterator[Breach]]


def breaches(history: History, now: float) -> list[Breach]:
    """All that is broken by now."""
    return [breach for rule in RULES.values() for breach in rule(history, now)]


# ---- calls


def reachable(history: History, now: float) -> Iterator[Breach]:
    """A call to a phone that can be reached is answered, and rings soon."""
    for call in _settled(history, INSIDE, now, PATIENCE_S):
        leg = call.calling
        until = call.settled_at or call.at + PATIENCE_S
        rings_s = (leg.rang_at or until) - call.at if leg else PATIENCE_S
        slow = history.troubled(call.at - SPREAD_S, until, (Fault.PLATFORM_SLOW,))
        in_time = rings_s <= (RING_SLOW_S if slow else RING_S)
        if call.answered_at is not None and in_time:
            continue
        if not may_be_reached(history, call, until):
            continue
        said = f"code {leg.code}" if leg and leg.code else "no answer"
        what = (
            f"rang after {rings_s:.1f} s" if call.answered_at is not None else f"{said} after {until - call.at:.1f} s"
        )
        yield Breach("reachable", now, f"{_named(call)}: {what}")


def emergency(history: History, now: float) -> Iterator[Breach]:
    """112 gets a way whenever one lives: the gateway, or a modem that no other call to 112 has; else soon a word."""
    for call in _settled(history, EMERGENCIES, now, SOS_S):
        if call.answered_at is not None and call.answered_at - call.at <= SOS_S:
            continue
        if history.lagged(call.at, call.at + SOS_S) or history.troubled(call.at - 5, call.at + SOS_S, EDGE):
            continue
        if history.troubled(call.at - SPREAD_S, call.at + SOS_S, GATEWAYS) and not _modem_for(history, call):
            silent = call.settled_at is None and now - call.at > SOS_REFUSED_S
            if silent and not history.lagged(call.at, now) and not history.troubled(call.at, now, EDGE):
                yield Breach("emergency", now, f"{_named(call)}: neither a way nor a word in {SOS_REFUSED_S:g} s")
            continue
        code = call.calling.code if call.calling else None
        yield Breach("emergency", now, f"{_named(call)}: code {code}, {SOS_S:g} s")


def once(history: History, now: float) -> Iterator[Breach]:
    """No call is answered by two phones, and none rings the same phone twice."""
    for call in history.calls.values():
        answers = [leg.phone for leg in call.called.values() if leg.answered_at is not None]
        # A platform that restarts unseen has forgotten whom it rings.
        forgotten = history.turned(call.at - SPREAD_S, call.at + SPREAD_S, SHORT) or _unheard(history, call)
        if len(answers) > 1 and not forgotten and not history.troubled(call.at - 1, call.at + PATIENCE_S, EDGE):
            yield Breach("once", now, f"{_named(call)}: answered by {', '.join(sorted(answers))}")
        for leg in call.called.values():
            # An edge that stood still has a timer and an answer that are due at the same moment; one whose clock jumps
            # has forgotten what it kept of calls being set up.
            if len(leg.invited) < 2 or history.turned(call.at - SPREAD_S, max(leg.invited.values()), CLOCK):
                continue
            # A relay of sound that hangs holds a process of the edge for 1 to 2 s: who calls asks again meanwhile.
            if not history.troubled(call.at - 1, max(leg.invited.values()), (*EDGE, Fault.DATA_STOPPED)):
                yield Breach("once", now, f"{_named(call)}: {leg.phone} was rung {len(leg.invited)} times")


def acknowledged(history: History, now: float) -> Iterator[Breach]:
    """Who answers learns that the caller has heard it."""
    for call in history.calls.values():
        heard = call.answered_at
        if heard is None or now - heard < ACK_S or _disturbed(history, heard - 1, heard + ACK_S):
            continue
        # The callee's half of a call that is up when its platform dies has no ACK but by the platform.
        if history.turned(call.at - SPREAD_S, heard + 1, NORTH):
            continue
        for leg in call.called.values():
            if _began_anew(history, call, leg, heard + ACK_S):
                continue
            if leg.answered_at is not None and leg.acked_at is None and _stayed(history, leg.phone, heard):
                yield Breach("acknowledged", now, f"{_named(call)}: {leg.phone} never got its ACK")


def uncut(history: History, now: float) -> Iterator[Breach]:
    """No call is ended but by who talks."""
    for call in history.calls.values():
        legs = [leg for leg in (call.calling, *call.called.values()) if leg is not None]
        if not call.called and call.do in BY_MODEM:
            continue  # hil/reaching.py
        for leg in legs:
            heard = leg.bye_heard_at
            if heard is None or now - heard < TRACED_S + SPREAD_S:
                continue
            others = legs[1:] if leg is legs[0] else legs[:1]
            if not any(other.bye_sent_at is not None and other.bye_sent_at <= heard + 0.5 for other in others):
                yield Breach("uncut", now, f"{_named(call)}: {leg.phone} got a BYE that nobody sent")
    for at, words in history.cuts:
        yield Breach("uncut", now, f"the long call was cut {now - at:.0f} s ago: {words}")


def ended(history: History, now: float) -> Iterator[Breach]:
    """Who hangs up is heard by the other."""
    for call in history.calls.values():
        for leg, others in _sides(call):
            sent = leg.bye_sent_at
            if sent is None or now - sent < END_S or _disturbed(history, sent - 1, sent + END_S):
                continue
            # Of two that have answered the caller talks with one.
            answered = [other for other in others if other.answered_at is not None]
            if any(other.bye_heard_at is not None or other.bye_sent_at is not None for other in answered):
                continue
            for other in answered:
                # A TCP phone's connection of before is gone with the edge that had it.
                tcp = call.tcp or any(phone.tcp for phone in history.phone_of(call.callee))
                if tcp and history.troubled(call.at, sent, EDGE):
                    continue
                if _stayed(history, other.phone, sent) and not _began_anew(history, call, other, sent + END_S):
                    yield Breach("ended", now, f"{_named(call)}: {other.phone} never heard the BYE")


def let_go(history: History, now: float) -> Iterator[Breach]:
    """Who gives up is not answered any more: the phone that rings is told."""
    for call in history.calls.values():
        sent = call.calling.cancel_sent_at if call.calling else None
        if sent is None or now - sent < LET_GO_S or _disturbed(history, sent - 1, sent + LET_GO_S):
            continue
        # An edge that has died since knows nothing of what rings.
        if history.turned(call.at, sent, (Fault.EDGE_KILLED, *HALTED)):
            continue
        # A platform that restarts unseen has forgotten whom it rings, and may not be missed within this time.
        if history.turned(call.at - SPREAD_S, sent + LET_GO_S, SHORT):
            continue
        for leg in call.called.values():
            rung = any(at < sent - 1 for at in leg.invited.values())
            silent = leg.cancel_heard_at is None and leg.bye_sent_at is None and leg.code is None
            anew = _began_anew(history, call, leg, sent + LET_GO_S)
            if rung and silent and _stayed(history, leg.phone, sent) and not anew:
                yield Breach("let_go", now, f"{_named(call)}: {leg.phone} rings on")


# ---- who gets in


def nobody_in(history: History, now: float) -> Iterator[Breach]:
    """No stranger and no wrong password registers or rings anybody."""
    for _, do, code in history.intrusions:
        if code is not None and 200 <= code < 300:
            yield Breach("nobody_in", now, f"{do}: got {code}")
    for call in history.calls.values():
        if call.do in INTRUDERS:
            for leg in call.called.values():
                if leg.invited:
                    yield Breach("nobody_in", now, f"{_named(call)}: {leg.phone} was rung")


# ---- what is remembered


def recorded(history: History, now: float) -> Iterator[Breach]:
    """Each call that the unit decided stands in the journal once, as the phones saw it; and no other does."""
    by_id = {call.calling.call_id: call for call in history.calls.values() if call.calling}
    for call_id, records in history.records.items():
        call = by_id.get(call_id)
        if len(records) > 1:
            yield Breach("recorded", now, f"{_named(call) if call else call_id}: {len(records)} records")
        if call is not None and call.answered_at is not None and now - call.answered_at > RECORD_S:
            (record, *_) = records
            if record.outcome is not Outcome.ANSWERED and not _unwritten(history, call, now):
                yield Breach("recorded", now, f"{_named(call)}: answered, recorded as {record.outcome}")
        # Its end alone, where its begin was not written, does not say that.
        begun = call is not None and not (records[0].answered_at is None and _unwritten(history, call, now))
        if call is not None and call.do in EMERGENCIES and not records[0].emergency and begun:
            yield Breach("recorded", now, f"{_named(call)}: not recorded as a call to 112")
    for call in history.calls.values():
        answered = call.answered_at
        if answered is None or call.calling is None or now - answered < RECORD_S or _unwritten(history, call, now):
            continue
        ours = call.do in EMERGENCIES or (
            call.do in INSIDE and history.mode_all_over(call.at - SPREAD_S, answered) == "SURVIVAL"
        )
        if not ours:
            continue
        records = history.records.get(call.calling.call_id, [])
        if not records:
            yield Breach("recorded", now, f"{_named(call)}: no record")
            continue
        hung_up = call.calling.bye_sent_at
        told = any(leg.bye_heard_at is not None for leg in call.called.values())
        by_gateway = GATEWAY in call.called
        if hung_up is not None and by_gateway and history.troubled(call.at, hung_up + RECORD_S, GATEWAYS):
            continue  # what it did not hear, it did not confirm
        if hung_up is not None and told and now - hung_up > RECORD_S and records[0].ended_at is None:
            yield Breach("recorded", now, f"{_named(call)}: its end is not recorded")


# ---- who is master, and of whom


def master(history: History, now: float) -> Iterator[Breach]:
    """The unit is master where the platform is dead, and the platform is where it lives."""
    edge, unit = history.quiet_since(EDGE), history.quiet_since(UNIT)
    if edge is None or history.turned(now - BACK_S, now, CLOCK):
        return
    # A machine that stood still is given that time again, and more.
    busy_s = LAGS_COUNT * history.lagged_s(now - BACK_S, now)
    dead = history.in_force(DEAD)
    if dead is not None:
        alone = history.in_force(UNIT)
        since = max(dead, edge, unit or 0.0, 0.0 if alone is None else alone + LEASE_S)
        if now - since > (DETECT_S if alone is None else DETECT_ALONE_S) + busy_s and history.mode != "SURVIVAL":
            yield Breach("master", now, f"mode {history.mode} {now - dead:.0f} s after the platform's death")
    well = history.quiet_since(NORTH)
    if well is not None and unit is not None:
        well_s = now - max(well, edge, unit) - busy_s
        more_s = SICK_MORE_S if history.troubled(well - BACK_S, well, (Fault.PLATFORM_SICK,)) else 0.0
        late = history.mode == "SURVIVAL" and well_s > LEAVE_S + more_s
        if late or (well_s > BACK_S + more_s and history.mode != "NORMAL"):
            yield Breach("master", now, f"mode {history.mode} {well_s:.0f} s after all was well")
    for at, mode in history.modes:
        reasons = (*NORTH, *EDGE, *UNIT, *CLOCK)
        if mode == "SURVIVAL" and not (history.troubled(at - BACK_S, at, reasons) or history.lagged(at - DETECT_S, at)):
            yield Breach("master", now, f"SURVIVAL {now - at:.0f} s ago without any reason")


def bound(history: History, now: float) -> Iterator[Breach]:
    """Who has unregistered, or has long been gone, is not bound; who has registered is."""
    if history.bound is None:
        return
    at, contacts = history.bound
    if now - at > SPREAD_S:
        return
    for phone in history.phones.values():
        if phone.up_at is None and phone.down_at is not None:
            gone = phone.unregistered_at == phone.down_at
            wait_s = SPREAD_S if gone else REGISTER_S + BIND_GRACE_S + 2 * SPREAD_S
            if at - phone.down_at < wait_s or history.turned(phone.down_at - REACH_S, at, (*EDGE, *CLOCK)):
                continue
            for extension in phone.extensions:
                if contacts.get(extension) and len(history.phone_of(extension)) == 1:
                    yield Breach(
                        "bound",
                        now,
                        f"{extension} is bound {at - phone.down_at:.0f} s after it "
                        f"{'unregistered' if gone else 'was gone'}",
                    )
        for extension, registered in phone.registered.items() if phone.up_at is not None else ():
            fresh = 2 * SPREAD_S < at - registered < REGISTER_S
            excused = history.troubled(registered - 1, at, EDGE) or history.turned(registered - SPREAD_S, at, CLOCK)
            if fresh and not contacts.get(extension) and not excused and not history.lagged(registered, at):
                yield Breach("bound", now, f"{extension} is not bound {at - registered:.0f} s after its REGISTER")


def known(history: History, now: float) -> Iterator[Breach]:
    """The platform, master for a while, holds every phone that is here."""
    since = history.mode_since("NORMAL")
    if history.known is None or since is None or history.turned(now - KNOWN_S, now, CLOCK):
        return
    at, held = history.known
    well = [history.quiet_since(faults) for faults in (NORTH, EDGE, UNIT)]
    if now - at > SPREAD_S or None in well or at - max(since, *(each or 0.0 for each in well)) < KNOWN_S:
        return
    for phone in history.phones.values():
        if phone.up_at is None or at - phone.up_at < KNOWN_S or history.lagged(at - KNOWN_S, at):
            continue
        for extension, registered in phone.registered.items():
            if extension == LEARNT and _unasked(history, now):
                continue
            if extension not in held and at - registered < REGISTER_S:
                yield Breach("known", now, f"the platform does not hold {extension}, {at - since:.0f} s in NORMAL")


def _unasked(history: History, now: float) -> bool:
    """The platform may have forgotten a phone whose secret is not here: nobody can ask it before that phone does."""
    return history.troubled(now - FORGOTTEN_S, now, SHORT) or history.turned(history.began, now, CLOCK)


# ---- the unit's own body


def flat(history: History, now: float) -> Iterator[Breach]:
    """Memory and files do not grow."""
    looks = [(at, size) for at, size in history.sizes if at - history.began >= WARM_S]
    # A program that is away, or has just begun, has little open.
    looks = [(at, size) for at, size in looks if not history.troubled(at - BEGUN_S, at, PROGRAMS)]
    if len(looks) < 2:
        return
    warm = [size for _, size in looks]
    first, last = warm[0], warm[-1]
    # Calls have theirs while they are up: what is left behind is still there a look later, and another.
    open_files = min(size.open_files for size in warm[-LOOKS:])
    for name, before, after, more in (
        ("open files", first.open_files, open_files, OPEN_FILES_MORE),
        ("files", first.files, last.files, FILES_MORE),
        ("MB of memory", first.memory_mb, last.memory_mb, MEMORY_MORE_MB),
        ("MB in the edge", first.edge_memory_mb, last.edge_memory_mb, EDGE_MEMORY_MORE_MB),
    ):
        if after > before + more:
            yield Breach("flat", now, f"{after:.0f} {name}, {before:.0f} at first")


def whole(history: History, now: float) -> Iterator[Breach]:
    """No process of ours ends by itself, and none is left without a parent."""
    for at, name in history.deaths:
        if not history.troubled(at - SPREAD_S, at, (Fault.MEMORY_SHORT,)):
            yield Breach("whole", now, f"{name} ended by itself {now - at:.0f} s ago")
    for pid, at in history.orphans.items():
        if now - at > ORPHAN_S:
            yield Breach("whole", now, f"process {pid} belongs to nobody")


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        reachable, emergency, once, acknowledged, uncut, ended, let_go, nobody_in, recorded, master, bound, known,
        flat, whole,
    )
}  # fmt: skip


# ---- what the rules have in common


def _named(call: Call) -> str:
    return f"[{call.label}] {call.caller} to {call.callee}"


def _settled(history: History, what: tuple[Do, ...], now: float, patience_s: float) -> Iterator[Call]:
    """Calls of these kinds of which it is known by now how they went."""
    for call in history.calls.values():
        if call.do in what and (call.settled_at is not None or now - call.at > patience_s + TRACED_S):
            yield call


def may_be_reached(history: History, call: Call, until: float) -> bool:
    """Nothing excuses that this call was not answered, or late."""
    since = call.at
    if history.lagged(since, until) or history.troubled(since - 1, until, LOSSY):
        return False
    if history.turned(since - REACH_S - REGISTER_S, until, CLOCK):
        return False
    phones = [phone for phone in history.phone_of(call.callee) if phone.up_at is not None and phone.up_at < since]
    # Who is known by its binding alone must have one to ring anybody.
    if not phones or (call.caller == LEARNT and not any(LEARNT in phone.registered for phone in _on(history, LEARNT))):
        return False
    if call.caller == LEARNT:
        phones += _on(history, LEARNT)
    # What was learnt while the clock was ahead is believed only when the clock has come there again.
    if LEARNT in (call.caller, call.callee) and history.turned(history.began, until, CLOCK):
        return False
    # sipp sends its 200 once by TCP, where RFC 3261 §13.3.1.4 has it sent again until the ACK: a platform that died
    # over it has taken it along.
    if any(phone.tcp for phone in phones) and history.turned(since - 1, since + SPREAD_S, NORTH):
        return False
    wait_s = 0.0
    for phone in phones:
        registered, first = max(phone.registered.values(), default=None), max(phone.first.values(), default=None)
        living = registered is not None and first is not None and first < since and since - registered < REGISTER_S
        up_s = since - (phone.up_at or since)
        need_s = REACH_S if living and not phone.tcp else REACH_S + REGISTER_S
        if not living and up_s < need_s:
            return False
        wait_s = max(wait_s, need_s)
    return not history.troubled(since - wait_s, until, EDGE)


def _on(history: History, extension: str) -> list[Phone]:
    return [phone for phone in history.phone_of(extension) if phone.up_at is not None]


def _modem_for(history: History, call: Call) -> bool:
    """Whether a modem could take this call to 112 all the time, and no other one had it for a moment."""
    until = call.at + SOS_S
    taken = {
        other.modem
        for other in history.outside.calls.values()
        if (other.emergency or other.incoming) and other.at <= until and (other.over_at or until) >= call.at - SPREAD_S
    }
    modems = set(history.outside.sims.values()) - taken
    return any(modem_well(history, modem, call.at - SPREAD_S, until) for modem in modems)


def _unheard(history: History, call: Call) -> bool:
    """Who lifts as the platform dies is heard only when its death is known; the next one may lift meanwhile, and is."""
    legs = [leg for leg in call.called.values() if leg.answered_at is not None]
    heard = [leg.answered_at or 0.0 for leg in legs if leg.acked_at is not None]
    unheard = [leg.answered_at or 0.0 for leg in legs if leg.acked_at is None]
    return len(heard) == 1 and max(unheard, default=0.0) < heard[0] and history.turned(call.at, heard[0], DEAD)


def _sides(call: Call) -> Iterator[tuple[Leg, list[Leg]]]:
    if call.calling is None:
        return
    yield call.calling, list(call.called.values())
    for leg in call.called.values():
        yield leg, [call.calling]


def _disturbed(history: History, since: float, until: float) -> bool:
    return (
        disturbed(history, since, until) or history.troubled(since, until, LOSSY) or history.turned(since, until, CLOCK)
    )


def _stayed(history: History, label: str, since: float) -> bool:
    """A phone has not been switched off since; the caller of a call always stays."""
    phone = history.phones.get(label)
    return phone is None or (phone.up_at is not None and phone.up_at < since)


def _began_anew(history: History, call: Call, leg: Leg, until: float) -> bool:
    """The gateway has died since it was called, and before it must have heard what there was to hear: it knows nothing
    of the call."""
    return leg.phone == GATEWAY and history.troubled(call.at, until, GATEWAYS)


def _unwritten(history: History, call: Call, now: float) -> bool:
    """There was no disk to write it on, nobody yet to fold it, or the edge was killed over it."""
    return (
        history.troubled(call.at - 1, now, (Fault.DISK_FULL,))
        or history.troubled(now - RECORD_S, now, (*UNIT, Fault.JOURNAL_LOCKED))
        or history.troubled(call.at - 1, call.at + call.hold_s + SPREAD_S, EDGE)
    )
