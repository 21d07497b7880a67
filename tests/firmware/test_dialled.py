"""Codes: what is done by each, and what stands on the display where nothing rings for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from callcontrol.asked import Asked
from callcontrol.call import Dial, Switch
from callcontrol.call.waiting import CALL_BACKS_MAX, CALL_BACKS_OF_ONE_MAX
from callcontrol.media.phrases import phrases
from callcontrol.plan.codes import Code, Dialled, Function, Own
from callcontrol.plan.model import PickUp
from callcontrol.plan.setting import Said
from callcontrol.refusal import Refusal, Why
from callcontrol.sip.agent import Agent
from callcontrol.sip.events import Invited
from callcontrol.sip.message import Request
from callcontrol.sip.user_agent import UserAgent
from firmware.asking import Asking
from firmware.config import Codes
from firmware.dialled import Dialling

GROUP = PickUp(name="g", entity="e", extensions=frozenset({"1001", "1002"}))
BARRED = Refusal(403, "Spärrat / Barred", 21, "call rejected")


@dataclass
class Session:
    """All that a code may ask of one."""

    said: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, status: int, now: float, reason: str = "", headers: Any = ()) -> bool:
        self.said.append((status, reason))
        return True


class Known:
    def pick_up(self, number: str) -> PickUp | None:
        return GROUP if number in GROUP.extensions else None

    def reception_of(self, number: str) -> tuple[str, ...]:
        return ()


class Desk:
    def __init__(self) -> None:
        tokens = (f"t{n}" for n in range(1_000_000))
        ua = UserAgent(Agent("192.0.2.1:5060", lambda: next(tokens)), "<sip:c@h>", lambda: next(tokens), lambda a, b: a)
        self.switch = Switch(ua, self, "kommun.example")
        self.led: list[tuple[str, str]] = []
        self.owned: list[Dialled | None] = []
        self.told: list[tuple[str, str]] = []
        known = cast("Asking", Known())
        self.dialling = Dialling(
            self.switch, known, Codes().table, self.to, self.lead, self.listen, self.own, self.tell
        )

    def to(self, wanting: str, number: str) -> Dial | Refusal:
        return BARRED if number.startswith("0") else Dial(number, f"sip:{number}@h")

    def tell(self, invited: Invited, caller: str, said: Said, shown: Refusal) -> None:
        self.told.append((said.key, said.who or said.target))
        invited.session.refuse(shown.status, 0.0, shown.phrase)

    def own(self, invited: Invited, asked: Asked, wanted: Dialled | None, now: float) -> Refusal | None:
        self.owned.append(wanted)
        return None

    def lead(self, invited: Invited, caller: str, dial: Dial, onward: object, now: float) -> None:
        self.led.append((caller, dial.number))

    def listen(self, invited: Invited, caller: str, mailbox: str) -> Refusal | None:
        self.led.append((caller, f"mailbox {mailbox}"))
        return None

    def dial(
        self,
        code: str,
        caller: str | None = "1001",
        headers: Sequence[tuple[str, str]] = (),
        offer: bytes = b"",
    ) -> list[tuple[int, str]]:
        session = Session()
        who = f"<sip:{caller}@h>"
        from_ = f"{who};tag=a"
        request = Request.new("INVITE", "sip:x@h", from_=from_, to="<sip:x@h>", call_id="c", cseq=1, headers=headers)
        invited = Invited(cast("Any", session), request, offer, None)
        self.dialling.came(invited, Asked(callee=code, caller=caller, why=Why.CODE, survival=True), 0.0)
        return session.said


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("code", "caller", "status", "words"),
    [
        ("*8#", "1001", 404, "Inget samtal att hämta / Nothing rings"),
        ("*8", "1001", 404, "Inget samtal"),
        ("*8#", "1003", 403, "Inte i din grupp"),
        ("*8*1002#", "1001", 404, "Inget samtal"),
        ("*8*1003#", "1001", 403, "Inte i din grupp"),
        ("*8*1001#", "1003", 403, "Inte i din grupp"),
        ("*70*1#", "1001", 488, "Telefonerna har inget gemensamt ljud"),  # without an offer nobody can be parked
        ("#70*1#", "1001", 404, "Ingen väntar på platsen"),
        ("*37*1002#", "1001", 480, "Återuppringning beställd"),
        ("*37*0701234567#", "1001", 403, "Spärrat"),
        ("#37#", "1001", 480, "Återuppringning avbeställd"),
        ("*4*0701234567#", "1001", 403, "Spärrat"),
        ("*58*1002#", "1001", 404, "Inget samtal"),
        ("*8#", None, 404, "Ingen sådan kod"),
    ],
)
def test_what_stands_on_the_display(desk: Desk, code: str, caller: str | None, status: int, words: str) -> None:
    ((said, phrase),) = desk.dial(code, caller)
    assert said == status
    assert phrase.startswith(words)


@pytest.mark.parametrize(
    ("code", "headers", "told"),
    [
        ("*8#", (), []),
        ("*37*1002#", (), [("call_back", "")]),
        ("#37#", (), [("call_back_off", "")]),
        ("#37#", (("Referred-By", "<sip:1002@h>"),), []),
        ("*70*1#", (), []),
        ("*57#", (), []),
        ("*37*0701234567#", (), []),  # in the plan's own words
    ],
)
def test_what_is_said_aloud_too(desk: Desk, code: str, headers: Sequence[tuple[str, str]], told: object) -> None:
    assert len(desk.dial(code, headers=headers)) == 1
    assert desk.told == told
    assert all(f"code_{key}" in phrases() for key, _ in desk.told)


def test_what_somebody_sets_and_what_is_no_code_is_told_by_another(desk: Desk) -> None:
    assert desk.dial("*23*1*1430#") == desk.dial("*99#") == []
    assert desk.owned == [Dialled(Own.REFER, reason="1", time="1430"), None]


def test_who_wants_to_wait_rings_first(desk: Desk) -> None:
    assert desk.dial("*4*1002#") == []
    assert desk.led == [("1001", "1002")]


def test_call_backs_are_bounded_for_each_and_for_all_and_taken_back(desk: Desk) -> None:
    of_one = [desk.dial(f"*37*{number}#")[0][1] for number in range(1000, 1011)]
    assert [phrase[:4] for phrase in of_one] == ["Åter"] * CALL_BACKS_OF_ONE_MAX + ["För "]
    assert desk.dial("*37*1000#")[0][1].startswith("Återuppringning"), "ordered already, and so again"
    callers = range(1100, 1100 + CALL_BACKS_MAX - CALL_BACKS_OF_ONE_MAX + 1)
    of_many = [desk.dial("*37*1000#", str(caller))[0][1] for caller in callers]
    assert [phrase[:4] for phrase in of_many[-2:]] == ["Åter", "För "]
    for caller in ("1001", *map(str, callers)):
        desk.dial("#37#", caller)
    assert desk.switch.waited_for(0.0) == set()


@pytest.mark.parametrize(("by", "then"), [("<sip:1009@h>", ["1009", "1000"]), ("<sip:", ["1000"]), ("", ["1000"])])
def test_who_is_said_to_have_sent_a_caller_to_a_slot_is_called_as_any_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, by: str, then: list[str]
) -> None:
    """What Referred-By says is a phone's word: it opens nothing that the caller may not call."""
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(Known, "reception_of", lambda self, number: ("1000",))

    def wait_in(*given: Any) -> bool:
        asked.append(given)
        return True

    monkeypatch.setattr(desk.switch, "wait_in", wait_in)
    assert desk.dial("*70*1#", headers=[("Referred-By", by)] if by else [], offer=b"v=0") == []
    ((slot, _, caller, numbers, _),) = asked
    assert (slot, caller, list(numbers)) == ("1", "1001", then)


def test_each_function_has_a_code_of_its_own() -> None:
    table = Codes().table
    assert [code.does for code in table if isinstance(code.does, Function)] == list(Function)
    assert len({code.written for code in table}) == len(table)
    assert all(isinstance(code, Code) for code in table)
