"""The talk with who calls a SIM, key by key: who is rung, what is said, and who is led out again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.call import Leg, Refused, Switch
from callcontrol.greeted import Greeted
from callcontrol.media.phrases import Sentence, text
from callcontrol.media.voice import Voice
from callcontrol.plan.steps import Say
from callcontrol.told import Told
from firmware import greeting, proving, speaking
from firmware.greeting import Greeting
from firmware.listening import Listening
from firmware.places import Place
from firmware.proving import PINS_MAX, Proving
from firmware.speaking import Speaking

PIN, MOBILE, OTHER = "804715", "+46701112233", "+46709998877"
NEVER = 3600.0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody presses is not waited for."""
    for module, name in ((greeting, "CHOICE_S"), (proving, "ENTRY_S"), (speaking, "BETWEEN_KEYS_S")):
        monkeypatch.setattr(module, name, 0.01)


class Line:
    """One caller, who presses a word of `keys` whenever something was said; what is said, and who rings."""

    def __init__(self, keys: Sequence[str], pin: str = "", told: Told | None = None, tries: int = PINS_MAX) -> None:
        self.heard: list[str] = []
        self.rung: list[tuple[str, ...]] = []
        self.asked: list[tuple[str, str]] = []
        self.ended = 0
        self._presses = list(keys)
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.leg = cast(Leg, SimpleNamespace(number=MOBILE, acts_as="", call=object()))
        self._pin, self._tries = pin, tries
        self._told = told or Told(why="", instead=OTHER)
        self.refused = Refused(480)
        self.broken_in_upon = False
        self.unreached: Callable[[Refused], None] = lambda _: None
        self._waits: asyncio.Queue[Callable[[], Coroutine[None, None, None]]] = asyncio.Queue()
        self.listened: list[tuple[str, bool]] = []

    async def may_try(self, caller: str) -> bool:
        return self._tries > 0

    async def proves(self, caller: str, extension: str, pin: str) -> bool:
        self._tries -= 1
        return caller == MOBILE and extension == "1001" and pin == self._pin

    def led_out(self, extension: str, number: str) -> Told:
        self.asked.append((extension, number))
        return self._told

    async def say(self, words: Sequence[Sentence], language: str) -> list[Any]:
        return [text(words)] if words else []

    async def play(self, clips: Sequence[Any], *, again: bool = False) -> None:
        if again:
            await asyncio.sleep(NEVER)
        self.heard += clips
        for key in self._presses.pop(0) if self._presses else "":
            self.keys.put_nowait(key)

    async def sound(self, source: object) -> None:
        await asyncio.sleep(NEVER)

    def lead_on(self, leg: Leg, numbers: Sequence[str], now: float, unreached: Callable[[Refused], None]) -> None:
        self.rung.append(tuple(numbers))
        self.unreached = unreached
        if not self.broken_in_upon:
            unreached(self.refused)

    def end(self, call: object, now: float) -> None:
        self.ended += 1

    async def listen(self, leg: Leg, place: Place, mailbox: str, waits: object, *, proved: bool) -> None:
        self.listened.append((mailbox, proved))
        self.ended += 1

    def waits(self, work: Callable[[], Coroutine[None, None, None]] | None) -> None:
        if work is not None:
            self._waits.put_nowait(work)

    def run(self, *, leads_out: bool = True, rings: tuple[str, ...] = ("1000",)) -> None:
        async def talk() -> None:
            speaks = Speaking(cast(Voice, self), ("sv",))
            proves = Proving(speaks, self)
            listening = cast(Listening, SimpleNamespace(run=self.listen))
            talks = Greeting(speaks, cast(Switch, self), lambda: None, self.led_out, proves, listening)
            greeted = Greeted(
                greeting="", entity="", next=rings, longest=4,
                reached=lambda digits: (digits,) if digits == "1001" else (), leads_out=leads_out,
                voicemail="99",
            )  # fmt: skip
            said = await speaks.said(greeted.words)
            talking = asyncio.ensure_future(talks.run(self.leg, cast(Place, self), said, greeted, self.waits))
            if self.broken_in_upon:
                goes_on = await self._waits.get()
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)
                self.unreached(self.refused)
                talking = asyncio.ensure_future(goes_on())
            await asyncio.wait_for(talking, 5.0)

        asyncio.run(talk())
        assert self.ended == 1


def test_whoever_presses_the_mailboxes_number_is_asked_whose() -> None:
    line = Line(["99#"])
    line.run()
    assert (line.listened, line.rung) == ([("", False)], [])


@pytest.mark.parametrize(
    ("keys", "rung"),
    [
        ([], ("1000",)),
        (["1001"], ("1001", "1000")),
        (["2222", "1001"], ("1001", "1000")),
        (["2222", "3333"], ("1000",)),
        (["*1001"], ("1001", "1000")),
    ],
)
def test_nobody_answers_and_the_caller_hears_so(keys: list[str], rung: tuple[str, ...]) -> None:
    line = Line(keys)
    line.run(leads_out=False)
    assert line.rung == [rung]
    assert line.heard[0].startswith("Välkommen")
    assert line.heard[-1].startswith("Ingen svarar just nu")
    assert ("Numret du har slagit används inte." in line.heard) is ("2222" in keys)


def test_a_reception_that_is_closed_is_not_rung() -> None:
    line = Line([])
    line.run(rings=())
    assert line.rung == []
    assert line.heard[-1].startswith("Tack för samtalet")
    line = Line(["1001"])
    line.run(rings=())
    assert line.rung == [("1001",)]


def test_who_is_broken_in_upon_while_it_rings_goes_on_waiting() -> None:
    line = Line(["1001"])
    line.broken_in_upon = True
    line.run()
    assert line.rung == [("1001", "1000")]
    assert line.heard[-1].startswith("Ingen svarar just nu")


def test_who_proves_to_be_one_of_ours_is_led_out_as_that_one() -> None:
    line = Line(["*", "1001#", f"{PIN}#", "00701112233#"], pin=PIN)
    line.refused = Refused(486)
    line.run()
    assert line.asked == [("1001", "00701112233")]
    assert line.rung == [(OTHER,)]
    assert line.leg.acts_as == "1001"
    assert line.heard[-1].startswith("Numret är upptaget")


def test_what_the_number_costs_or_means_is_said_first() -> None:
    notice = Told(said=(Say(rule="E8", words="mobile_trunk_notice"),), why="", instead=OTHER)
    line = Line(["*", "1001#", f"{PIN}#", "00701112233#"], pin=PIN, told=notice)
    line.run()
    assert "Samtalet kopplas över mobilnätet." in line.heard
    assert line.rung == [(OTHER,)]


def test_who_may_not_is_told_so_and_led_nowhere() -> None:
    line = Line(["*", "1001#", f"{PIN}#", "0090044#"], pin=PIN, told=Told(why="barred"))
    line.run()
    assert line.rung == []
    assert line.leg.acts_as == ""
    assert "Telefonen får inte ringa det numret." in line.heard


@pytest.mark.parametrize(
    ("keys", "pin"),
    [
        (["*", "1001#", "000000#", "1001#", "000001#", "1001#", "000002#"], True),
        (["*", "1001#", f"{PIN}#"] * 3, False),  # no PIN
        (["*", "1001#"], True),
        (["*"], True),
    ],
)
def test_who_proves_nothing_is_led_nowhere(keys: list[str], pin: bool) -> None:
    line = Line(keys, pin=PIN if pin else "")
    line.run()
    assert (line.rung, line.asked) == ([], [])
    assert line.heard[-1].startswith("Tack för samtalet")


def test_who_may_guess_no_more_is_led_nowhere() -> None:
    line = Line(["*", "1001#", "000000#", "1001#", f"{PIN}#"], pin=PIN, tries=1)
    line.run()
    assert (line.rung, line.asked) == ([], [])
