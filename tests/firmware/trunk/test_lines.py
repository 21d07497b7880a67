"""Whose a modem's call is when 112 takes the modem while another is about to dial by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.sip.headers import Uri
from callcontrol.trunk.pool import Line, Priority
from callcontrol.trunk.steps import Step
from drivers.modem.model import Back, CallChanged, CallState, ErrorKind, Event, Modem, ModemError
from firmware.config_trunk import Modem as Entry
from firmware.trunk.call import Desk
from firmware.trunk.lines import ModemLine
from firmware.trunk.outgoing import Outgoing, Wanted, wanted_by

DIALING = CallChanged(1, CallState.DIALING, "+46701111111", False, None, True)
SOS_DIALING = CallChanged(1, CallState.DIALING, "112", False, None, True)
BY_ANOTHER_NUMBER = CallChanged(1, CallState.DIALING, "911", False, None, True)
ALERTING = CallChanged(1, CallState.ALERTING, "+46701111111", False, None, True)
SOS_ACTIVE = CallChanged(1, CallState.ACTIVE, "112", False, None, True)
SOS_RELEASED = CallChanged(1, CallState.RELEASED, "112", False, None, True)
RELEASED = CallChanged(1, CallState.RELEASED, "+46701111111", False, None, True)


class Slow:
    """A modem that answers an order to dial when it is told to, and says so then."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.say: Callable[[Event], None] = lambda event: None

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        self.say = listener

    async def dial(self, number: str, *, withheld: bool | None) -> None:
        self.orders.append(number)
        await self.taken

    async def hang_up(self) -> None:
        self.orders.append("hang up")


class Whose:
    """A call that hears what a modem says."""

    def __init__(self, priority: Priority) -> None:
        self.priority = priority
        self.heard: list[Event] = []

    def modem_said(self, event: Event) -> None:
        self.heard.append(event)

    def give_way(self) -> None: ...


def line_of(modem: Slow) -> ModemLine:
    line = ModemLine(
        Entry(name="m1"), cast(Modem, modem), lambda line, event: Whose(Priority.REST), lambda line, event: None,
        lambda line: None,
    )  # fmt: skip
    modem.say(Back())
    return line


def test_what_was_ordered_before_112_took_the_modem_is_told_to_who_ordered_it() -> None:
    async def told() -> tuple[list[Event], list[Event]]:
        modem = Slow()
        line, lesser, sos = line_of(modem), Whose(Priority.REST), Whose(Priority.EMERGENCY)
        line.take(lesser)
        ordered = asyncio.ensure_future(line.dial(lesser, "+46701111111", withheld=None))
        await asyncio.sleep(0)
        line.take(sos)
        modem.say(DIALING)
        modem.say(RELEASED)
        modem.taken.set_result(None)
        await ordered
        await line.dial(sos, "112", withheld=None)
        modem.say(SOS_DIALING)
        return lesser.heard, sos.heard

    assert asyncio.run(told()) == ([DIALING, RELEASED], [SOS_DIALING])


def test_what_a_modem_tells_of_late_is_told_to_who_dialled_that_number() -> None:
    async def told() -> tuple[list[Event], list[Event]]:
        modem = Slow()
        line, lesser, sos = line_of(modem), Whose(Priority.REST), Whose(Priority.EMERGENCY)
        modem.taken.set_result(None)
        line.take(lesser)
        await line.dial(lesser, "0701111111", withheld=None)
        line.take(sos)
        await line.dial(sos, "112", withheld=None)
        modem.say(DIALING)
        modem.say(RELEASED)
        modem.say(BY_ANOTHER_NUMBER)
        return lesser.heard, sos.heard

    assert asyncio.run(told()) == ([DIALING, RELEASED], [BY_ANOTHER_NUMBER])


def test_of_a_modem_that_is_left_nothing_is_told_any_more() -> None:
    async def heard() -> list[Event]:
        modem = Slow()
        line, lesser = line_of(modem), Whose(Priority.REST)
        modem.taken.set_result(None)
        line.take(lesser)
        await line.dial(lesser, "0701111111", withheld=None)
        modem.say(DIALING)
        line.release(lesser)
        line.take(Whose(Priority.EMERGENCY))
        modem.say(ALERTING)
        modem.say(RELEASED)
        modem.say(DIALING)
        return lesser.heard

    assert asyncio.run(heard()) == [DIALING]


@pytest.mark.parametrize("late", [False, True], ids=["over at once", "over while the next one talks"])
def test_what_the_first_modem_says_ends_no_call_by_the_second(late: bool) -> None:
    async def steps() -> list[tuple[Step, str]]:
        noted: list[tuple[Step, str]] = []
        first, second = Slow(), Slow()
        lines = {"m1": line_of(first), "m2": line_of(second)}
        for order, (name, line) in enumerate(lines.items()):
            line.entry = replace(line.entry, name=name)
            cast(Any, line).seen = partial(Line, name=name, order=order)
        noting = lambda call, step, line="", detail="": noted.append((step, line))  # noqa: E731
        link = SimpleNamespace(pump=lambda: None)
        desk = SimpleNamespace(follow=lambda session, call: None, lines=lines, keep_one=False, note=noting, link=link)
        silent = lambda *_: None  # noqa: E731
        session = SimpleNamespace(trying=silent, answer=silent, end=silent)
        invited = SimpleNamespace(request=SimpleNamespace(call_id="c"), session=session, offer=b"")
        sos = Outgoing(cast(Desk, desk), cast(Any, invited), Wanted("112", Priority.EMERGENCY, "1001", None))
        carrying = asyncio.ensure_future(sos._carry())
        await asyncio.sleep(0.01)
        first.say(SOS_DIALING)
        if not late:
            first.say(SOS_RELEASED)
        first.taken.set_exception(ModemError(ErrorKind.REFUSED, 3))
        second.taken.set_result(None)
        await asyncio.sleep(0.01)
        second.say(SOS_DIALING)
        second.say(SOS_ACTIVE)
        first.say(SOS_RELEASED)
        await asyncio.sleep(0.01)
        assert not carrying.done(), carrying.exception()
        carrying.cancel()
        return noted

    assert asyncio.run(steps())[-1] == (Step.ANSWERED, "m2")


def test_who_could_not_dial_hangs_up_nobody_elses_call() -> None:
    async def orders() -> list[str]:
        modem = Slow()
        line = line_of(modem)
        desk = cast(Desk, SimpleNamespace(follow=lambda session, call: None))
        invited = SimpleNamespace(request=SimpleNamespace(call_id="c"), session=SimpleNamespace(), offer=b"")
        lesser = Outgoing(desk, cast(Any, invited), Wanted("+46701111111", Priority.REST, "1001", None))
        line.take(lesser)
        by = asyncio.ensure_future(lesser._by(line, last=True))
        await asyncio.sleep(0.01)
        line.take(Whose(Priority.EMERGENCY))
        modem.taken.set_exception(ModemError(ErrorKind.REFUSED, 3))
        assert await by == (False, None)
        return modem.orders

    assert asyncio.run(orders()) == ["+46701111111"]


@pytest.mark.parametrize(
    ("said", "caller"), [("1001", "1001"), ("anna.o", "anna.o"), ("é", ""), ("a/b", ""), ("1" * 65, "")]
)
def test_who_rings_when_sos_calls_back_is_a_name(said: str, caller: str) -> None:
    request = SimpleNamespace(request_uri=Uri.parse(f"sip:112@127.0.0.1;caller={said}"), header=lambda name: None)
    assert wanted_by(cast(Any, request)) == Wanted("112", Priority.EMERGENCY, caller, None)
