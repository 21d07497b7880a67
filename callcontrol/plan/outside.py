"""A call to a number outside: who may reach it, at what cost, and which number is shown (E1, E2, A5, E8)."""

from __future__ import annotations

from callcontrol.plan.model import Call, Choices, Directory, Extension, Identity, State, Unit, choices_of
from callcontrol.plan.number import Dialled, NumberKind, parse_dialled
from callcontrol.plan.reach import REACH_CLASSES, category, may
from callcontrol.plan.steps import Note, Out, Plan, Refuse, Say, Step

__all__ = ["identity_of", "kept_off_trunk", "outside", "reaches"]


def outside(call: Call, caller: Extension | None, dialled: Dialled, directory: Directory, state: State) -> Plan:
    """`caller` is None for one who is outside, too, or not known: nobody is led through us to where it costs money."""
    if dialled.kind is NumberKind.INVALID:
        return _refused("B1", 484, "invalid_number", 28)
    if caller is None:
        return _refused("E1", 403, "outside_to_outside", 21)
    unit = directory.unit(caller.unit)
    choices = choices_of(unit.entity if unit else None, directory)
    where = category(dialled)
    locked = caller.locked and not call.proved
    reach = REACH_CLASSES["inside"] if locked else caller.reach
    verdict = may(reach, where, ordered=call.ordered_by is not None, by_operator=call.by_operator, choices=choices)
    if not verdict.allowed:
        opened = locked and where in caller.reach.open
        return _refused(verdict.rule, 403, "locked" if opened else verdict.why, 21)
    if state.guard is not None and not (judged := state.guard.judge(where)).allowed:
        warned = Note(rule=judged.rule, to="operations", words=judged.why, fill=(("extension", caller.number),))
        refused = Refuse(rule=judged.rule, code=403, words=judged.why, cause=21)
        return Plan(steps=(refused,), notes=(warned,), trace=((judged.rule, judged.why),))
    if kept_off_trunk(unit, choices, state):
        return _refused("E8", 403, "secret_not_by_trunk", 21)
    identity, shown = identity_of(caller, unit, directory, withhold=call.withhold)
    steps: list[Step] = []
    if unit is not None and unit.secret and not state.platform:
        steps.append(Say(rule="E8", words="mobile_trunk_notice"))
    if not state.platform and state.trunk_channels_free == 0:
        return _refused("A5", 503, "no_line_free", 34)
    steps.append(
        Out(
            rule=verdict.rule,
            number=dialled.e164 or dialled.digits,
            identity=identity,
            shown=shown,
            orderer=call.ordered_by,
            cost_centre=unit.cost_centre if unit else "",
        )
    )
    steps.append(Refuse(rule="A3", code=480, words="no_way_out", cause=38))
    return Plan(steps=tuple(steps), entity=unit.entity if unit else None, trace=((verdict.rule, verdict.why),))


def reaches(owner: Extension, number: str, directory: Directory) -> bool:
    """Whether a forwarding of this extension may lead to a number outside: as far as its owner could ring."""
    dialled = parse_dialled(number, directory.numbering)
    if dialled.kind in (NumberKind.INVALID, NumberKind.EMERGENCY):
        return False
    unit = directory.unit(owner.unit)
    choices = choices_of(unit.entity if unit else None, directory)
    return may(owner.reach, category(dialled), ordered=False, by_operator=False, choices=choices).allowed


def kept_off_trunk(unit: Unit | None, choices: Choices, state: State) -> bool:
    """Whether a call of that unit is not carried by a trunk, as its matters are secret (E8)."""
    return unit is not None and unit.secret and not state.platform and not choices.secret_by_trunk


def identity_of(
    caller: Extension, unit: Unit | None, directory: Directory, *, withhold: bool
) -> tuple[Identity, str | None]:
    """By the call, then by the unit, then by the extension; a unit of secret matters withholds if it has not said
    (E2)."""
    entity = directory.entity(unit.entity) if unit else None
    main = entity.main_number if entity else None
    chosen = caller.identity
    if unit is not None and (unit.identity is not None or unit.secret):
        chosen = unit.identity or Identity.WITHHELD
    if withhold:
        chosen = Identity.WITHHELD
    if chosen is Identity.DIRECT and caller.direct_number is None:
        chosen = Identity.MAIN
    if chosen is Identity.WITHHELD or (chosen is Identity.MAIN and main is None):
        return Identity.WITHHELD, None
    return chosen, caller.direct_number if chosen is Identity.DIRECT else main


def _refused(rule: str, code: int, words: str, cause: int) -> Plan:
    return Plan(steps=(Refuse(rule=rule, code=code, words=words, cause=cause),), trace=((rule, words),))
