"""What is done with a call: `plan`, the one decision, and where each rule of requirements.md is applied.

112                         out, always, first (A4)
while the platform serves   the platform decides (A2)
a number outside            `outside`: class of reach, guard, identity (E1, E2)
a number of ours            `inside`: who answers (B1–B9, C1–C7)
"""

from __future__ import annotations

from datetime import datetime

from callcontrol.plan.inside import Walk
from callcontrol.plan.model import Call, Directory, Identity, Mode, State
from callcontrol.plan.number import Dialled, NumberKind, parse_dialled
from callcontrol.plan.outside import outside
from callcontrol.plan.steps import Out, Plan, Platform, Refuse

__all__ = ["ours", "plan"]

_OURS = (Mode.SURVIVAL,)


def plan(call: Call, directory: Directory, state: State, now: datetime) -> Plan:
    """Decide one call. `now` is aware. Never fails: what cannot be reached ends at the reception, or is refused in
    words."""
    dialled = parse_dialled(call.dialled, directory.numbering)
    if dialled.kind is NumberKind.EMERGENCY:
        return Plan(steps=(_emergency(call, directory),), trace=(("A4", "emergency"),))
    caller = directory.extension(call.caller) if call.caller else None
    if caller is not None and caller.blocked:
        return Plan(steps=(Refuse(rule="E5", code=403, words="blocked", cause=21),), trace=(("E5", "caller_blocked"),))
    if state.mode not in _OURS:
        return Plan(steps=(Platform(rule="A2"),), trace=(("A2", "platform_decides"),))
    entity, sought = ours(call.dialled, dialled, directory)
    if entity is None and sought is None:
        return outside(call, caller, dialled, directory, state)
    walk = Walk(call, directory, state, now, dialled=entity)
    if sought is None:
        assert entity is not None
        return walk.to_reception_of(entity)
    return walk.to(sought)


def ours(text: str, dialled: Dialled, directory: Directory) -> tuple[str | None, str | None]:
    """The entity that was called by its own number, and the extension that was called; both None for one outside."""
    if dialled.kind is NumberKind.EXTENSION:
        return None, dialled.digits
    if directory.extension(text) is not None:
        return None, text
    if dialled.kind is NumberKind.NATIONAL and dialled.e164 is not None:
        if entity := directory.by_entity_number(dialled.e164):
            return entity, None
        return None, directory.by_direct_number(dialled.e164) or dialled.extension
    return None, None


def _emergency(call: Call, directory: Directory) -> Out:
    """With the number by which the one in need can be rung back; withheld never."""
    caller = directory.extension(call.caller) if call.caller else None
    shown = caller.direct_number if caller else None
    if caller is not None and shown is None:
        unit = directory.unit(caller.unit)
        entity = directory.entity(unit.entity) if unit else None
        shown = entity.main_number if entity else None
    identity = Identity.DIRECT if caller is not None and caller.direct_number else Identity.MAIN
    return Out(rule="A4", number="112", identity=identity, shown=shown, emergency=True)
