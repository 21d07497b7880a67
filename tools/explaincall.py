"""``rvx explain FROM TO``: what is done with a call, in words, each step with its rule in requirements.md."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from callcontrol.plan.catalogue import said, words
from callcontrol.plan.model import Call, Mode, Presence, State
from callcontrol.plan.plan import plan
from callcontrol.plan.reach import Guard
from callcontrol.plan.schedule import local_moment
from callcontrol.plan.steps import Out, Plan, Platform, Reception, Refuse, Ring, Say, Step, Voicemail
from firmware.config import Config
from firmware.guard import guard_of
from firmware.store import Journal
from tools.errors import DONE, UserError
from tools.output import Output, table
from tools.people import Opened, opened
from tools.place import config_of

__all__ = ["run"]


def run(args: argparse.Namespace, out: Output) -> int:
    """Plans the call of two numbers; nothing is rung."""
    caller, dialled = args.what
    config: Config = config_of(args)
    call = Call(caller=None if caller in ("-", "withheld", "dolt") else caller, dialled=dialled, urgent=args.urgent)
    now = _moment(args.at)
    with opened(config) as store:
        guard = guard_of(caller, store.people, Journal(store.people.journal), now)
        presence = _presence(args.presence)
        state = State(mode=Mode(args.mode.upper()), platform=False, presence=presence, guard=guard)
        made = plan(call, store.people, state, now)
        if out.json:
            out.document("ok", plan=_document(made), guard=_counted(guard) if guard else None)
            return DONE
        for line in table((step.rule, *_said(step, store)) for step in made.steps):
            out.line(line)
        if made.trace:
            out.line()
        for rule, key in dict.fromkeys(made.trace):
            sv, en = words("why", key)
            out.line(f"{rule}  {sv}  ({en})")
        if guard is not None and any(isinstance(step, Out) and not step.emergency for step in made.steps):
            out.line(f"F2  {_rung(guard)}")
        for note in made.notes:
            sv, en = words("note", note.words, note.fill)
            out.line(f"{note.rule}  till {note.to}: {sv}  ({en})")
    return DONE


def _said(step: Step, store: Opened) -> tuple[str, str]:
    """One step in Swedish and in English."""
    match step:
        case Platform():
            return "plattformen avgör", "the platform decides"
        case Ring():
            who = " + ".join([*(_name(number, store) for number in step.extensions), *step.twins])
            return f"ring {who} i {step.for_s} s", f"ring for {step.for_s} s"
        case Say():
            return said(step.words, step.fill, "%Y-%m-%d %H:%M", store.people)
        case Voicemail() if step.announcement_only:
            return f"talsvar {step.extension}", "announcement"
        case Voicemail():
            return f"röstbrevlåda {_name(step.extension, store)}", "voicemail"
        case Reception():
            sv, en = words("why", step.why)
            entity = store.people.entity(step.entity) if step.entity else None
            place = f" {entity.name}" if entity else ""
            number = f" {step.extension}" if step.extension else ""
            return f"växeln{place}{number}: {sv}", f"the reception: {en}"
        case Out():
            shown = f"visar {step.shown}" if step.shown else "dolt nummer"
            return f"ut till {step.number}, {shown}", "out by a trunk" + (", before all else" if step.emergency else "")
        case Refuse():
            sv, en = words("why", step.words)
            return f"nekas ({step.code}): {sv}", f"refused: {en}"
    raise AssertionError(step)


def _counted(guard: Guard) -> dict[str, object]:
    limits = guard.limits
    counted: dict[str, object] = {"calls": guard.calls, "calls_limit": limits.calls}
    return counted | {"cost_ore": guard.cost_ore, "cost_limit_ore": limits.cost_ore}


def _rung(guard: Guard) -> str:
    """What the caller has rung outside, against its limits."""
    calls = guard.limits.calls or "∞"
    kronor = f"{guard.limits.cost_ore / 100:g}" if guard.limits.cost_ore else "∞"
    cost = f"{guard.cost_ore / 100:.2f}"
    return (
        f"{guard.calls} av {calls} samtal ut, {cost} av {kronor} kr den senaste timmen"
        f"  ({guard.calls} of {calls} calls outside, SEK {cost} of {kronor} in the last hour)"
    )


def _name(number: str, store: Opened) -> str:
    extension = store.people.extension(number)
    person = store.people.person(extension.person) if extension and extension.person else None
    return f"{number} {person.given} {person.family}" if person and not person.protected else number


def _document(made: Plan) -> dict[str, object]:
    steps = [{"step": type(step).__name__.lower(), **asdict(step)} for step in made.steps]
    return {
        "entity": made.entity,
        "steps": steps,
        "notes": [asdict(note) for note in made.notes],
        "trace": [{"rule": rule, "why": key} for rule, key in made.trace],
    }


def _presence(given: list[str]) -> Mapping[str, Presence]:
    presence = {}
    for text in given:
        number, _, state = text.partition("=")
        if state not in set(Presence):
            known = ", ".join(Presence)
            raise UserError("RVX-A02", f"--presence {text[:40]}: expected EXTENSION= and one of {known}.")
        presence[number] = Presence(state)
    return presence


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError("RVX-A02", f"--at {text[:40]}: expected a moment such as 2026-12-24T10:00.") from error
    return moment if moment.tzinfo else local_moment(moment.date(), moment.time())
