"""``rvx night``: which receptions are open, and the key that closes and opens them (requirements.md, B10)."""

import argparse
import difflib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from callcontrol.plan.schedule import STOCKHOLM, local_moment
from callcontrol.plan.service import Key, Pressed, Service, serving
from firmware.config import Config
from firmware.store.services import Services
from tools.errors import DONE, UserError
from tools.output import Output, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

_STATES = {"open": "open", "lunch": "at lunch", "night": "closed"}


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {"night show": _show, "night set": _set}
    return actions[args.command](args, Output.of(args), config_of(args))


def _show(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = _moment(args.at)
    with opened(config) as store:
        told = [_told(store, *found, now) for found in store.people.services()]
    if out.json:
        out.document("ok", receptions=told)
        return DONE
    for line in table((str(one["name"]), _state(one), _opens(one), str(one["entity"])) for one in told) if told else ():
        out.line(line)
    for one in told:
        for each in _on_call(one):
            out.line(f"  {one['name']}: {each}")
    if not told:
        out.line("No reception has hours: all are always open. See docs/people.md, [service].")
    return DONE


def _set(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    with opened(config) as store:
        found = store.people.service(args.entity)
        if found is None:
            known = [service.entity for service, _ in store.people.services()]
            near = difflib.get_close_matches(args.entity[:200], known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Those that have: {', '.join(known) or 'none'}."
            raise UserError("RVX-H06", f"{args.entity[:80]!r} has no hours.", remedy)
        with closing(Services.open(config.paths.journal)) as services:
            pressed = services.press(found[0], Key(args.key), viewer_of(args).id, now)
        told = _told(store, found[0], pressed, now)
    if out.json:
        out.document("ok", reception=told)
    else:
        out.line(f"{told['name']}: {_state(told)}; {_opens(told)}".removesuffix("; "))
    return DONE


def _told(store: Opened, service: Service, pressed: Pressed | None, now: datetime) -> dict[str, object]:
    is_now = serving(service, pressed, now)
    entity = store.people.entity(service.entity)
    return {
        "entity": service.entity,
        "name": entity.name if entity else service.entity,
        "state": str(is_now.state),
        "by_key": is_now.by_key,
        "set_by": pressed.set_by if is_now.by_key and pressed else None,
        "until": is_now.until.isoformat() if is_now.until else None,
        "opens_at": is_now.opens_at.isoformat() if is_now.opens_at else None,
        "hours": str(service.hours),
        "on_call": [{"name": each.name, "number": each.number} for each in is_now.on_call],
    }


def _state(told: dict[str, object]) -> str:
    until = f" until {_time(told['until'])}" if told["until"] else ""
    return f"{_STATES[str(told['state'])]}{until}, {'by key' if told['by_key'] else 'by its hours'}"


def _opens(told: dict[str, object]) -> str:
    return f"opens {_time(told['opens_at'])}" if told["opens_at"] else ""


def _on_call(told: dict[str, object]) -> list[str]:
    on_call = told["on_call"]
    assert isinstance(on_call, list)
    return [f"on call: {each['name']} {each['number']}" for each in on_call]


def _time(text: object) -> str:
    return f"{datetime.fromisoformat(str(text)).astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError("RVX-A02", f"--at {text[:40]}: expected a moment such as 2026-12-24T10:00.") from error
    return moment if moment.tzinfo else local_moment(moment.date(), moment.time())
