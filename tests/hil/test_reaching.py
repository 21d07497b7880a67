"""The rules of the ways out on histories made by hand: silent where all is well, each with its breach and excuse."""

from __future__ import annotations

import pytest

from callcontrol.trunk.smsqueue import State
from hil.history import Call, History, Leg
from hil.invariants import GATEWAY, SOS_REFUSED_S, SOS_S, breaches
from hil.outsideseen import OutsideSeen
from hil.reaching import HELD_S, TEXT_S, reaching_breaches
from hil.stormdeeds import REFERRED_MOBILE, Do
from hil.stormplan import Fault

AT = 900.0
SIM, KEPT, MOBILE, DIALLED = "+46701000001", "+46701000002", "+46701110001", "00701110001"


def town(mode: str = "SURVIVAL") -> History:
    history = History(began=0.0)
    history.outside.sims = {SIM: "m1", KEPT: "m2"}
    history.mode_is(mode, 2.0)
    return history


def network(seen: OutsideSeen, call: int, sim: str, number: str, at: float, over_at: float | None = None) -> None:
    seen.take({"what": "dialled", "call": call, "caller": sim, "dialled": number, "at": at})
    seen.take({"what": "call", "call": call, "stage": "active", "at": at + 0.5})
    if over_at is not None:
        seen.take({"what": "call", "call": call, "stage": "ended", "at": over_at})


def a_call(history: History, do: Do, callee: str, at: float = AT, *, by: str = "", **seen: float | int) -> Call:
    call = Call(f"{do} {len(history.calls)}.1", do, "1001", callee, at)
    call.calling = Leg(call.label, f"id{len(history.calls)}")
    for name, value in seen.items():
        setattr(call.calling, name, value)
    if by:
        call.called[by] = Leg(by, call.calling.call_id, code=200, coded_at=at + 1)
    history.placed(call)
    return call


def rules(history: History, now: float) -> set[str]:
    return {breach.rule for breach in reaching_breaches(history, now)}


@pytest.mark.parametrize(("do", "callee", "number"), [(Do.CALL_OUT, DIALLED, MOBILE), (Do.EMERGENCY, "112", "112")])
def test_a_line_is_not_held_open(do: Do, callee: str, number: str) -> None:
    history = town()
    network(history.outside, 1, SIM, number, AT + 1)
    call = a_call(history, do, callee, code=200, coded_at=AT + 2)
    assert not rules(history, AT + 100), "they talk"
    assert call.calling is not None
    call.calling.bye_sent_at = AT + 5
    assert not rules(history, AT + 5 + HELD_S - 1)
    assert rules(history, AT + 5 + HELD_S + 1) == {"hung_up"}
    history.struck(Fault.MODEM_HUNG, AT + 4)
    assert not rules(history, AT + 5 + HELD_S + 1)


def test_a_lesser_call_makes_way() -> None:
    history = town()
    network(history.outside, 1, SIM, MOBILE, AT - 20, AT + 20)
    a_call(history, Do.EMERGENCY, "112", by=GATEWAY)
    assert rules(history, AT + 40) == {"first"}
    history.struck(Fault.TRUNK_KILLED, AT - 1)
    assert not rules(history, AT + 40)


def test_who_made_way_or_talks_with_112_by_the_gateway_breaks_nothing() -> None:
    history = town()
    network(history.outside, 1, SIM, MOBILE, AT - 20, AT + 1)
    a_call(history, Do.EMERGENCY, "112", by=GATEWAY)
    assert not rules(history, AT + 40)


def test_a_call_by_modem_is_cut_by_112_alone() -> None:
    history = town()
    a_call(history, Do.CALL_OUT, DIALLED, code=200, coded_at=AT + 2, bye_heard_at=AT + 6)
    assert rules(history, AT + 40) == {"uncut_outside"}
    network(history.outside, 1, SIM, "112", AT + 5, AT + 9)
    assert not rules(history, AT + 40)


def test_who_calls_outside_is_told() -> None:
    history = town()
    a_call(history, Do.CALL_OUT, DIALLED)
    assert rules(history, AT + 40) == {"told_outside"}
    history.struck(Fault.CALLS_STOPPED, AT + 1)
    assert not rules(history, AT + 40)


def test_texts_are_queued_sent_and_told_rightly() -> None:
    history = town()
    seen = history.outside
    seen.queued["a"] = AT, MOBILE, "larm"
    seen.states = AT + 1, {}
    assert not rules(history, AT + 1)
    seen.states = AT + 5, {}
    assert rules(history, AT + 5) == {"texted"}
    seen.states = AT + 5, {"a": State.SENT}
    assert rules(history, AT + 5) == {"texted"}
    seen.take({"what": "sms_out", "to": MOBILE, "text": "larm"})
    assert not rules(history, AT + 5)
    seen.states = AT + TEXT_S + 1, {"a": State.WAITING}
    assert rules(history, AT + TEXT_S + 1) == {"texted"}
    seen.tried = frozenset(("a",))
    assert not rules(history, AT + TEXT_S + 1)


def test_no_text_comes_twice() -> None:
    history = town()
    came = {"what": "sms_delivered", "to": MOBILE, "text": "larm"}
    history.outside.take(came)
    assert not rules(history, AT)
    history.outside.take(came)
    assert rules(history, AT) == {"texted_once"}
    history.struck(Fault.CLOCK_JUMP, AT - 1)
    assert not rules(history, AT)


def test_a_command_has_one_receipt() -> None:
    history = town()
    history.outside.commands = 1
    history.outside.take({"what": "sms_delivered", "to": REFERRED_MOBILE, "text": "Lunch"})
    assert not rules(history, AT)
    history.outside.take({"what": "sms_delivered", "to": REFERRED_MOBILE, "text": "Inne"})
    assert rules(history, AT) == {"texted_once"}


def test_112_finds_the_modem_where_the_gateway_is_dead() -> None:
    history = town()
    history.struck(Fault.GATEWAY_DEAD, AT - 5)
    call = a_call(history, Do.EMERGENCY, "112")
    late = AT + SOS_S + 5
    assert "emergency" in {breach.rule for breach in breaches(history, late)}
    network(history.outside, 1, SIM, "112", AT - 20, AT + 40)
    network(history.outside, 2, KEPT, "112", AT - 20, AT + 40)
    assert "emergency" not in {breach.rule for breach in breaches(history, late)}, "both have another call to 112"
    assert "emergency" in {breach.rule for breach in breaches(history, AT + SOS_REFUSED_S + 1)}, "and no word"
    assert call.calling is not None
    call.calling.code, call.calling.coded_at = 503, AT + 20
    assert "emergency" not in {breach.rule for breach in breaches(history, AT + SOS_REFUSED_S + 1)}
