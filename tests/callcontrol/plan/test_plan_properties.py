"""What holds for every plan, whatever the municipality has set up."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from callcontrol.plan.absence import Absent, Source
from callcontrol.plan.catalogue import words
from callcontrol.plan.model import Call, Condition, Distribution, Kind, Member, Mode, Presence, State
from callcontrol.plan.number import NumberKind, parse_dialled
from callcontrol.plan.plan import plan
from callcontrol.plan.reach import REACH_CLASSES, category
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import OnCall, Service
from callcontrol.plan.steps import LAST, Out, Plan, Reception, Refuse, Ring, Say

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)
NUMBERS = tuple(str(number) for number in range(1001, 1011))
GONE = Presence.NOT_REGISTERED
MOBILES = ("+46701111111", "+46702222222")
ABROAD = "+358912345678"
TARGETS = (*NUMBERS, *MOBILES, ABROAD, "112", "1888", "00358912345678", "")
OPEN_NOW, CLOSED_NOW = Schedule.parse("mån-fre 08:00-16:30"), Schedule.parse("mån-fre 18:00-20:00")
HOURS = (None, Schedule.parse("mån-fre 08:00-16:30"), Schedule.parse("mån-fre 18:00-20:00"))

TownOf = Callable[[], Any]


def set_up(town: Any, seed: int) -> None:
    """A municipality as tangled as people make it."""
    chance = random.Random(seed)
    crowded = chance.choice((0.02, 0.1, 0.3))
    for number in NUMBERS:
        kind = chance.choice((Kind.PERSON, Kind.PERSON, Kind.PERSON, *Kind))
        town.add(
            number,
            kind=kind,
            unit=chance.choice(("u", "u", "u", "s", "b", "gone")),
            person=chance.choice(("anna", "bo", None, "nobody")),
            reach=chance.choice(tuple(REACH_CLASSES.values())),
            mobile=chance.choice((*MOBILES, None)),
            mobile_twin=chance.choice((MOBILES[0], MOBILES[0], MOBILES[1], ABROAD, None)),
            hours=chance.choice(HOURS),
            fallback=chance.choice((*NUMBERS, "1888", None)),
            voicemail=chance.random() < 0.3,
            announcement=chance.choice(("Stängt.", None)),
            blocked=chance.random() < 0.1,
        )
        if kind is Kind.HUNT and chance.random() < 0.9:
            members = [Member(extension=other, signed_in=chance.random() < 0.8) for other in chance.sample(NUMBERS, 3)]
            town.hunt(number, chance.choice(tuple(Distribution)), *members, fallback=chance.choice((*NUMBERS, None)))
        for condition in Condition:
            if chance.random() < crowded:
                target = None if condition is Condition.DO_NOT_DISTURB else chance.choice(TARGETS)
                town.forward(number, condition, target, at=NOW - timedelta(minutes=chance.randrange(100)))
        if chance.random() < 0.2:
            town.away[number] = Absent(
                reason="meeting", since=NOW, back_at=None, source=Source.PAGE, set_by="anna", referral="r",
                answers_instead=chance.choice(TARGETS), direct=chance.random() < 0.5,
            )  # fmt: skip
    for unit in ("u", "s", "b"):
        town.change_unit(
            unit,
            attended_by=chance.choice((*NUMBERS, None)),
            on_call=chance.choice((*NUMBERS, None)),
            unstaffed=chance.random() < 0.2,
        )
    for entity in ("k", "b"):
        if chance.random() < 0.5:
            town.services[entity] = (_service(entity, chance), None)
    town.choose(phone_hours=chance.random() < 0.5, forward_to_mobile=chance.random() < 0.5, signals=chance.randrange(9))


def _service(entity: str, chance: random.Random) -> Service:
    return Service(
        entity=entity,
        hours=chance.choice((OPEN_NOW, CLOSED_NOW)),
        lunch=chance.choice((None, OPEN_NOW)),
        night_to=chance.choice((*NUMBERS, "1888", "1000", "2000", None)),
        lunch_to=chance.choice((*NUMBERS, "1000", None)),
        on_call=(OnCall(name="jour", number=chance.choice((*NUMBERS, MOBILES[0]))),),
    )


CALLS = st.builds(
    Call,
    caller=st.sampled_from((*NUMBERS, "+46705555555", None, "x")),
    dialled=st.sampled_from(
        (*NUMBERS, "1888", "112", "0112", "00701234567", "000358912345678", "+4690161000", "", "*#")
    )
    | st.text(max_size=6),
    urgent=st.booleans(),
    withhold=st.booleans(),
    past_forwarding=st.booleans(),
    tried=st.frozensets(st.sampled_from((*NUMBERS, *MOBILES)), max_size=3),
)
STATES = st.builds(
    State,
    mode=st.sampled_from((*Mode, Mode.SURVIVAL, Mode.SURVIVAL, Mode.SURVIVAL)),
    platform=st.booleans(),
    trunk_channels_free=st.sampled_from((None, 0, 1)),
    presence=st.fixed_dictionaries(dict.fromkeys(NUMBERS, st.sampled_from((*Presence, GONE, GONE)))),
)


@settings(max_examples=10 * settings().max_examples)
@given(seed=st.integers(0, 2**32), call=CALLS, state=STATES)
def test_every_plan(town_of: TownOf, seed: int, call: Call, state: State) -> None:
    town = town_of()
    set_up(town, seed)

    made = plan(call, town, state, NOW)

    emergency = parse_dialled(call.dialled, town.numbering).kind is NumberKind.EMERGENCY
    _ends(made, emergency=emergency)
    _rings_nobody_twice(made, call)
    _passes_no_barring(made, call, town, emergency=emergency)
    for step in made.steps:
        assert step.rule[0] in "ABCDEFGH"
        if isinstance(step, Reception | Refuse):
            words("why", step.why if isinstance(step, Reception) else step.words)
        if isinstance(step, Say):
            words("say", step.words, step.fill)
    for _, key in made.trace:
        words("why", key)
    for note in made.notes:
        words("note", note.words, note.fill)
    # The order in which a dictionary happens to stand decides nothing.
    again = town_of()
    set_up(again, seed)
    for name in ("extensions", "entities", "units", "people", "groups", "moved", "away"):
        setattr(again, name, dict(reversed(getattr(again, name).items())))
    assert plan(call, again, state, NOW) == made


def _ends(made: Plan, *, emergency: bool) -> None:
    assert made.steps
    *before, last = made.steps
    assert isinstance(last, LAST) or (isinstance(last, Out) and last.emergency)
    assert not any(isinstance(step, LAST) for step in before)
    assert (isinstance(made.steps[0], Out) and made.steps[0].emergency) == emergency
    assert not any(isinstance(step, Out) and step.emergency for step in made.steps[1:])


def _rings_nobody_twice(made: Plan, call: Call) -> None:
    rung: list[str] = []
    for step in made.steps:
        if isinstance(step, Ring):
            assert step.extensions or step.twins
            assert 0 <= step.for_s <= 24
            rung += [*step.extensions, *step.twins]
        if isinstance(step, Out) and step.for_s is not None:
            rung.append(step.number)
    assert len(rung) == len(set(rung))
    assert not set(rung) & call.tried


def _passes_no_barring(made: Plan, call: Call, town: Any, *, emergency: bool) -> None:
    """Whatever leads out is open to the caller, or to an extension that has forwarded there or is that mobile."""
    owners = [town.extensions[call.caller]] if call.caller in town.extensions else []
    owners += [town.extensions[number] for number in town.moved]
    owners += [one for one in town.extensions.values() if one.mobile or one.mobile_twin]
    for step in made.steps:
        numbers = step.twins if isinstance(step, Ring) else (step.number,) if isinstance(step, Out) else ()
        for number in numbers:
            if emergency:
                assert number == "112"
                continue
            where = category(parse_dialled(number, town.numbering))
            is_own_mobile = any(one.kind is Kind.MOBILE and one.mobile == number for one in owners)
            always = number in ("1177", "11414", "11313")
            assert always or is_own_mobile or any(where in one.reach.open for one in owners), number
