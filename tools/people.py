"""``rvx people``: the municipality's directory: load it, find in it, show one, give out what may be given."""

import argparse
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from callcontrol.plan.model import Extension, Visibility
from callcontrol.plan.number import LocalNumbering, pretty
from firmware.config import Config
from firmware.store import StoreError, organisation, people_csv
from firmware.store.changes import Changes
from firmware.store.people import People
from firmware.store.search import Finder, Found
from firmware.store.visible import Card, Viewer, card
from tools.errors import DONE, USAGE, UserError
from tools.output import Output, counted, table
from tools.place import config_of

__all__ = ["Opened", "apply_organisation", "opened", "run", "viewer_of"]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "people find": _find,
        "people show": _show,
        "people export": _export,
        "people organisation": _organisation,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


class Opened(NamedTuple):
    """The store, open for one command."""

    people: People
    finder: Finder
    changes: Changes


@contextmanager
def opened(config: Config) -> Iterator[Opened]:
    """Opens the store; what is made here belongs to who owns the state folder, which is the unit."""
    paths = config.paths
    try:
        paths.state.mkdir(parents=True, exist_ok=True)
        new = [path for path in (paths.directory, paths.journal) if not path.exists()]
        changes = Changes.open(paths.journal)
        try:
            people = People.open(paths.directory, paths.journal, config.numbering.local)
        except BaseException:
            changes.close()
            raise
        if os.geteuid() == 0:
            owner = paths.state.stat()
            for path in new:
                os.chown(path, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise UserError("RVX-J02", f"{paths.state}: {error.strerror}.") from error
    except StoreError as error:
        raise UserError("RVX-J01", f"{error}.") from error
    try:
        people.look_again()
        yield Opened(people, Finder(people.directory, people), changes)
    except StoreError as error:
        raise UserError("RVX-J01", f"{error}.") from error
    except sqlite3.Error as error:
        # Full, or held by another command for longer than one waits.
        raise UserError("RVX-J06", f"{paths.state}: {error}.") from error
    finally:
        people.close()
        changes.close()


def viewer_of(args: argparse.Namespace) -> Viewer:
    """Who runs the command, seeing as much as was asked for; whoever may read the store's files may see it all."""
    name = os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"
    sees = Visibility.SECRET if getattr(args, "secret", False) else Visibility(getattr(args, "seen_by", "operator"))
    return Viewer(id=f"{name} at the command line", sees=sees, municipality=getattr(args, "municipality", None) or "")


def _organisation(args: argparse.Namespace, out: Output, config: Config) -> int:
    with opened(config) as store:
        return apply_organisation(args, out, store.people.directory, config.numbering.local)


def apply_organisation(
    args: argparse.Namespace, out: Output, directory: sqlite3.Connection, numbering: LocalNumbering
) -> int:
    """Take a file into a directory, or say its faults; the exit code. `args`: `file` and `dry_run`."""
    path = Path(args.file)
    try:
        with path.open("rb") as file:
            data = file.read(organisation.BYTES_MAX + 1)
    except OSError as error:
        raise UserError("RVX-K05", f"{path}: {error.strerror}.", "Name a file that you may read.") from error
    if len(data) > organisation.BYTES_MAX:
        raise UserError("RVX-K05", f"{path} is larger than {organisation.BYTES_MAX // 2**20} MiB.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError("RVX-K05", f"{path}: not UTF-8.") from error
    applied = organisation.apply(directory, text, numbering, dry_run=args.dry_run)
    if out.json:
        common = {"id": "RVX-K05", "severity": "fail", "area": "directory", "file": str(path)}
        problems = [{**common, "observed": fault} for fault in applied.faults]
        out.document("fail" if problems else "ok", problems, dry_run=args.dry_run, changed=applied.changed)
        return USAGE if problems else DONE
    for fault in applied.faults:
        out.line(f"{path}: {fault}")
    if applied.faults:
        out.line(f"{counted(len(applied.faults), 'fault')}; nothing was changed. More: rvx explain RVX-K05")
        return USAGE
    would = "would be " if args.dry_run else ""
    out.line(f"{counted(applied.changed, 'entry').replace('entrys', 'entries')} {would}taken in")
    return DONE


def _find(args: argparse.Namespace, out: Output, config: Config) -> int:
    asked = " ".join(args.words)
    with opened(config) as store:
        found = store.finder.find(asked, viewer_of(args), datetime.now(UTC), args.limit)
    if out.json:
        out.document("ok", found=[_told(one.card) | {"absent": one.absent} for one in found])
        return DONE
    for line in table(_row(one) for one in found) if found else ():
        out.line(line)
    out.line(f"{counted(len(found), 'person')} for {asked!r}" if found else f"nobody for {asked!r}")
    return DONE


def _row(one: Found) -> tuple[str, ...]:
    person = one.card.person
    state = {True: "absent", False: "in", None: ""}[one.absent]
    name = f"{person.given} {person.family}"
    return name, " ".join(one.card.extensions), state, person.title, one.card.unit, one.card.municipality


def _show(args: argparse.Namespace, out: Output, config: Config) -> int:
    if args.secret and not args.why:
        raise UserError("RVX-A02", "--secret asks for --why: each look at what is secret is recorded.")
    with opened(config) as store:
        extension = store.people.extension(args.who)
        person = store.people.person(extension.person if extension and extension.person else args.who)
        if person is None:
            raise UserError("RVX-K03", f"{args.who} is nobody's id or extension here.")
        viewer = viewer_of(args)
        if args.secret:
            # Before anything is shown: a look that could not be recorded does not happen.
            store.changes.looked(viewer.id, "person", person.id, "*", args.why, datetime.now(UTC))
        shown = card(person, store.people, viewer)
    if shown is None:
        raise UserError("RVX-K03", f"{args.who} is nobody's id or extension here.")
    if out.json:
        out.document("ok", person=_told(shown))
        return DONE
    for name, value in _told(shown).items():
        text = " | ".join(value) if isinstance(value, list) else value
        if text and name != "hidden":
            out.line(f"{name:<14}{text}")
    if shown.hidden:
        out.line(f"{'hidden':<14}{', '.join(shown.hidden)}")
    return DONE


def _export(args: argparse.Namespace, out: Output, config: Config) -> int:
    if args.secret and not args.why:
        raise UserError("RVX-A02", "--secret asks for --why: each look at what is secret is recorded.")
    viewer = viewer_of(args)
    target = Path(args.file)
    with opened(config) as store:
        people = store.people
        names = [name for (name,) in people.directory.execute("SELECT id FROM person ORDER BY family, given, id")]
        everybody = (people.person(name) for name in names)
        cards = (shown for person in everybody if person and (shown := card(person, people, viewer)))
        try:
            # A public extract goes to a website; all else is for its owner alone.
            mode = 0o644 if viewer.sees is Visibility.PUBLIC else 0o600
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                if args.secret:
                    # Before anything is written: a look that could not be recorded does not happen.
                    store.changes.looked(viewer.id, "person", "*", "*", args.why, datetime.now(UTC))
                if args.vcard:
                    rows = people_csv.write_vcards(cards, file)
                elif viewer.sees in (Visibility.OPERATOR, Visibility.SECRET):
                    rows = people_csv.write(cards, _of_nobody(people), people, file)
                else:
                    rows = people_csv.write_extract(cards, viewer.sees, people, file)
        except OSError as error:
            raise UserError("RVX-K04", f"{target}: {error.strerror}.") from error
    if out.json:
        out.document("ok", file=str(target), people=rows)
    else:
        out.line(f"{counted(rows, 'person')} in {target}, as {viewer.sees} may see them")
    return DONE


def _of_nobody(people: People) -> Iterator[Extension]:
    """Phones of a unit's own."""
    numbers = [
        number
        for (number,) in people.directory.execute("SELECT number FROM extension WHERE person IS NULL ORDER BY number")
    ]
    return (phone for number in numbers if (phone := people.extension(number)) is not None)


def _told(shown: Card) -> dict[str, object]:
    person = shown.person
    return {
        "id": person.id,
        "name": f"{person.given} {person.family}".strip(),
        "title": person.title,
        "extensions": list(shown.extensions),
        "unit": shown.unit,
        "entity": shown.entity,
        "municipality": shown.municipality,
        "cost_centre": person.cost_centre,
        "duties": list(person.duties),
        "search_words": list(person.search_words),
        "phone_hours": str(person.phone_hours or ""),
        "location": person.location,
        "email": person.email,
        "mobile": pretty(person.mobile) if person.mobile else None,
        "deputy": person.deputy,
        "hidden": list(shown.hidden),
    }
