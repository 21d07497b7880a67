"""``rvx leaver``: somebody leaves: their phones are blocked, and what is left of them is gone through
(requirements.md, E5)."""

import argparse
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime

from callcontrol.plan.catalogue import words
from callcontrol.plan.leaver import Entry, Leaver, What
from firmware.config import Config
from firmware.store.changes import new_id
from firmware.store.leavers import Leavers
from firmware.store.leaving import checklist_of
from tools.errors import DONE, FAILED, UserError
from tools.output import Output, counted, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Opened, Leavers, datetime], int]] = {
        "leaver begin": _begin,
        "leaver show": _show,
        "leaver tick": _tick,
        "leaver end": _end,
        "leaver stays": _stays,
    }
    config: Config = config_of(args)
    with opened(config) as store, closing(Leavers.open(config.paths.journal)) as leavers:
        return actions[args.command](args, Output.of(args), store, leavers, datetime.now(UTC))


def _begin(args: argparse.Namespace, out: Output, store: Opened, leavers: Leavers, now: datetime) -> int:
    person = store.people.person(_person_of(store, args.person))
    if person is None:
        raise UserError("RVX-K03", f"{args.person[:40]!r}: nobody has that id or extension.")
    leaver = Leaver(
        id=new_id(),
        person=person.id,
        name=f"{person.given} {person.family}".strip(),
        unit=person.unit,
        extensions=store.people.extensions_of(person.id),
        last_day=_day(args.last_day),
        began_at=now,
        set_by=viewer_of(args).id,
    )
    if not leavers.begin(leaver, now):
        raise UserError("RVX-H12", f"{leaver.name} leaves already.")
    store.people.look_again()
    return _shown(out, store, leavers, now, (leavers.of(person.id),))


def _show(args: argparse.Namespace, out: Output, store: Opened, leavers: Leavers, now: datetime) -> int:
    found = leavers.all() if args.person is None else (_known(store, leavers, args.person),)
    if args.pdf is not None:
        if args.person is None:
            raise UserError("RVX-A02", "--pdf goes with a PERSON.", "rvx leaver show --help")
        _print(store, found[0], now, args.pdf)
    return _shown(out, store, leavers, now, found)


def _print(store: Opened, leaver: Leaver, now: datetime, place: str) -> None:
    from firmware.paper.leaver import paper
    from tools.paper import write

    unit = store.people.unit(leaver.unit)
    write(paper(leaver, checklist_of(store.people, leaver, now), unit.name if unit is not None else "", now), place)


def _tick(args: argparse.Namespace, out: Output, store: Opened, leavers: Leavers, now: datetime) -> int:
    leaver = _known(store, leavers, args.person)
    if not leavers.tick(leaver.id, What(args.item), viewer_of(args).id, now):
        raise UserError("RVX-H12", f"{args.item} is ticked already.")
    return _shown(out, store, leavers, now, (leavers.of(leaver.person),))


def _end(args: argparse.Namespace, out: Output, store: Opened, leavers: Leavers, now: datetime) -> int:
    leaver = _known(store, leavers, args.person)
    left = [entry for entry in checklist_of(store.people, leaver, now) if not entry.done]
    if left and not args.sure:
        _shown(out, store, leavers, now, (leaver,))
        out.note(f"{counted(len(left), 'thing')} left; --sure ends the list all the same")
        return FAILED
    leavers.end(leaver.id, viewer_of(args).id, now)
    return _ended(out, leaver, f"the list of {leaver.name} is ended; their phones stay blocked")


def _stays(args: argparse.Namespace, out: Output, store: Opened, leavers: Leavers, now: datetime) -> int:
    leaver = _known(store, leavers, args.person)
    leavers.end(leaver.id, viewer_of(args).id, now, stays=True)
    return _ended(out, leaver, f"{leaver.name} stays; what their leaving blocked is lifted")


def _ended(out: Output, leaver: Leaver, text: str) -> int:
    if out.json:
        out.document("ok", person=leaver.person)
    else:
        out.line(text)
    return DONE


def _person_of(store: Opened, name: str) -> str:
    extension = store.people.extension(name)
    return extension.person if extension is not None and extension.person is not None else name


def _known(store: Opened, leavers: Leavers, name: str) -> Leaver:
    leaver = leavers.of(_person_of(store, name))
    if leaver is None:
        raise UserError("RVX-H12", f"{name[:40]!r} does not leave.")
    return leaver


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError("RVX-A02", f"--last-day {text[:40]}: expected a date such as 2026-12-31.") from error


def _shown(out: Output, store: Opened, leavers: Leavers, now: datetime, found: tuple[Leaver | None, ...]) -> int:
    lists = [(leaver, checklist_of(store.people, leaver, now)) for leaver in found if leaver is not None]
    if out.json:
        out.document("ok", leavers=[_told(leaver, entries) for leaver, entries in lists])
        return DONE
    for leaver, entries in lists:
        last = f", last day {leaver.last_day}" if leaver.last_day else ""
        blocked = "blocked" if leaver.blocked_at else "not blocked yet"
        out.line(f"{leaver.name} ({leaver.person}){last}: {', '.join(leaver.extensions) or 'no phone'} {blocked}")
        for line in table(_row(entry) for entry in entries):
            out.line(f"  {line}")
    if not lists:
        out.line("nobody leaves")
    return DONE


def _row(entry: Entry) -> tuple[str, ...]:
    sv, _ = words("leaver", str(entry.what))
    mark = "ok" if entry.done else "to do"
    by = f"{entry.tick.by}" if entry.tick else ""
    return mark, str(entry.what), sv, ", ".join(entry.about) or by


def _told(leaver: Leaver, entries: tuple[Entry, ...]) -> dict[str, object]:
    return {
        "id": leaver.id,
        "person": leaver.person,
        "name": leaver.name,
        "extensions": list(leaver.extensions),
        "last_day": leaver.last_day.isoformat() if leaver.last_day else None,
        "blocked_at": leaver.blocked_at.isoformat() if leaver.blocked_at else None,
        "items": [
            {
                "item": str(entry.what),
                "done": entry.done,
                "by_hand": entry.by_hand,
                "about": list(entry.about),
                "ticked_by": entry.tick.by if entry.tick else None,
            }
            for entry in entries
        ],
    }
