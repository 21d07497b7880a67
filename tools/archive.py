"""``rvx archive``: what is kept and for how long, given out, and deleted by the authority's decisions (E4)."""

import argparse
import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from shutil import copyfileobj
from typing import Any, NamedTuple

from callcontrol.media.recorder import mend
from callcontrol.plan.schedule import STOCKHOLM
from firmware.archive import Archive
from firmware.config import Config
from firmware.paths import recording_of
from firmware.store.changes import Changes
from firmware.store.kept import KEPT, Item, Place, count, items, municipalities_of
from firmware.store.people_csv.cells import harmless
from firmware.store.retention import Kind, Retention, Rule
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

FOUND_MAX = 1_000
"""Rows that are shown; an export has them all."""
LOGGED = 100
LIST_FILE = "manifest.json"


class _Kept(NamedTuple):
    table: str
    kind: str
    items: int
    first_at: str | None
    last_at: str | None
    due: int


class _Found(NamedTuple):
    id: str
    table: str
    kind: str
    at: str
    of: tuple[str, ...]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "archive list": _list,
        "archive decide": _decide,
        "archive find": _find,
        "archive export": _export,
        "archive delete": _delete,
        "archive log": _log,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


@contextmanager
def _opened(config: Config) -> Iterator[Archive]:
    """What is made here belongs to who owns the state folder, as with every command."""
    with opened(config):
        try:
            with Archive(config.paths) as archive:
                yield archive
        except OSError as error:
            raise UserError("RVX-J02", f"{config.paths.state}: {error.strerror}.") from error


def _list(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    with _opened(config) as archive:
        rules = archive.rules()
        kept = []
        for place in KEPT:
            number, first_at, last_at = count(archive.journal, place)
            due = sum(len(batch) for _, batch in archive.due(place, now))
            kept.append(_Kept(place.table, place.kind.value, number, first_at, last_at, due))
        municipalities = dict(archive.municipalities)
    decided = [_rule(rule) for kind in Kind for rule in rules.get(kind, {}).values()]
    if out.json:
        out.document("ok", kept=[one._asdict() for one in kept], decided=decided, municipalities=municipalities)
        return DONE
    for line in table(
        (one.table, str(one.items), f"{_day(one.first_at)} … {_day(one.last_at)}" if one.items else "",
         f"{one.due} due" if one.due else "")
        for one in kept
    ):  # fmt: skip
        out.line(line)
    out.line()
    if not decided:
        out.line("Inget är beslutat: allt behålls. / Nothing is decided: all is kept.")
    for line in table(map(_decided, decided)) if decided else ():
        out.line(line)
    out.line(f"kommuner / municipalities: {', '.join(municipalities) or '-'}")
    return DONE


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "municipality": rule.municipality,
        "kind": rule.kind.value,
        "days": rule.days,
        "by_owner": rule.by_owner,
        "decision": rule.decision,
        "set_at": rule.set_at.isoformat(),
        "set_by": rule.set_by,
    }


def _decided(rule: dict[str, object]) -> tuple[str, ...]:
    days = f"{rule['days']} dagar / days" if rule["days"] else "tills vidare / until decided"
    owner = "även av mottagaren / by whom it is to as well" if rule["by_owner"] else ""
    return str(rule["municipality"]), str(rule["kind"]), days, str(rule["decision"]), owner


def _decide(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _opened(config) as archive:
        known = archive.municipalities or {"": ""}
        municipality = args.municipality
        if municipality is None:
            municipality = next(iter(known)) if len(known) == 1 else None
        if municipality not in known:
            raise UserError("RVX-R01", f"There are here: {', '.join(known)}.")
        try:
            rule = Rule(
                municipality=municipality, kind=Kind(args.kind), days=args.days, by_owner=args.by_owner,
                decision=args.decision, set_at=datetime.now(UTC), set_by=viewer_of(args).id,
            )  # fmt: skip
        except ValueError as error:
            raise UserError("RVX-R02", f"{error}.") from error
        Retention(archive.journal).decide(rule)
    if out.json:
        out.document("ok", decided=_rule(rule))
    else:
        out.line("  ".join(filter(None, _decided(_rule(rule)))))
    return DONE


def _find(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _opened(config) as archive:
        _looked(archive, args)
        found = [
            _Found(str(item.key), place.table, place.kind.value, item.at, item.of)
            for place, batch in _wanted(archive, args)
            for item in batch
        ]
    shown = found[:FOUND_MAX]
    if out.json:
        out.document("ok", found=[one._asdict() for one in shown], count=len(found))
        return DONE
    rows = ((one.id, one.table, _when(one.at), ", ".join(one.of)) for one in shown)
    for line in table(rows) if shown else ():
        out.line(line)
    out.line(f"{len(found)} found" + (f", the first {FOUND_MAX} shown" if len(found) > FOUND_MAX else ""))
    return DONE


def _export(args: argparse.Namespace, out: Output, config: Config) -> int:
    target = Path(args.folder)
    with _opened(config) as archive:
        try:
            target.mkdir(0o700)
        except OSError as error:
            raise UserError("RVX-R03", f"{target}: {error.strerror}.") from error
        # Before anything is written: a look that could not be recorded does not happen.
        _looked(archive, args)
        try:
            written = _write(archive, args, target, config)
        except OSError as error:
            raise UserError("RVX-R03", f"{target}: {error.strerror}.") from error
    if out.json:
        out.document("ok", folder=str(target), **written)
    else:
        out.line(f"{counted(len(written['files']), 'file')} in {target}: {written['rows']} rows")
    return DONE


def _write(archive: Archive, args: argparse.Namespace, target: Path, config: Config) -> dict[str, Any]:
    """A file of rows for each table, the sound beside it, and last the list of all with their checksums."""
    files: dict[str, str] = {}
    rows = 0
    for place in _places(args):
        columns = [str(row[1]) for row in archive.journal.execute(f"PRAGMA table_info({place.table})")]
        name = f"{place.table}.csv"
        with _new(target / name) as file:
            writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
            writer.writerow(columns)
            for batch in _of(archive, args, place):
                keys = json.dumps([item.key for item in batch])
                sql = (
                    f"SELECT * FROM {place.table} WHERE {place.key} IN (SELECT value FROM json_each(?))"  # noqa: S608
                    f" ORDER BY {place.at}, {place.key}"
                )
                for row in archive.journal.execute(sql, (keys,)):
                    writer.writerow([harmless("" if value is None else str(value)) for value in row])
                    rows += 1
                if place.folder:
                    files |= _sounds(getattr(config.paths, place.folder), batch, target)
        files[name] = _sum(target / name)
    listed = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_by": viewer_of(args).id,
        "why": args.why,
        "asked": {name: getattr(args, name) for name in ("kind", "extension", "since", "until")},
        "rows": rows,
        "sha256": files,
    }
    with _new(target / LIST_FILE) as file:
        json.dump(listed, file, ensure_ascii=False, indent=2)
    return {"files": sorted(files), "rows": rows}


def _sounds(folder: Path, batch: Sequence[Item], target: Path) -> dict[str, str]:
    files = {}
    for item in batch:
        source = recording_of(folder, str(item.key))
        if not source.exists():
            continue
        name = f"{folder.name}-{source.name}"
        with source.open("rb") as sound, open(_descriptor(target / name), "wb") as file:
            copyfileobj(sound, file)
        with suppress(ValueError):  # no sound of ours: as it is
            mend(target / name)  # of one that is being recorded still
        files[name] = _sum(target / name)
    return files


def _delete(args: argparse.Namespace, out: Output, config: Config) -> int:
    now, kinds = datetime.now(UTC), frozenset({Kind(args.kind)} if args.kind else Kind)
    if bool(args.id) != bool(args.decision) or (args.id and not args.kind):
        raise UserError("RVX-A02", "--id goes with --kind and --decision.", "rvx archive delete --help")
    with _opened(config) as archive:
        if args.id:
            gone = {Kind(args.kind): _delete_one(archive, args, now)}
        elif args.dry_run:
            gone = {}
            for place in KEPT:
                if place.kind in kinds:
                    due = sum(len(batch) for _, batch in archive.due(place, now))
                    gone[place.kind] = gone.get(place.kind, 0) + due
        else:
            gone = archive.run(now, kinds, by=viewer_of(args).id)
    told = {kind.value: number for kind, number in gone.items() if number}
    if out.json:
        out.document("ok", deleted=told, dry_run=args.dry_run)
        return DONE
    for line in table((kind, str(number)) for kind, number in told.items()) if told else ():
        out.line(line)
    out.line(f"{sum(told.values())} {'would be ' if args.dry_run else ''}deleted")
    return DONE


def _delete_one(archive: Archive, args: argparse.Namespace, now: datetime) -> int:
    for place in KEPT:
        if place.kind.value != args.kind:
            continue
        for batch in items(archive.journal, place, None, None, place.ended):
            found = [item for item in batch if str(item.key) == args.id]
            if not found:
                continue
            if args.dry_run:
                return 1
            (owners,) = municipalities_of(archive.directory, found)
            return archive.delete_these(place, found, owners, args.decision, viewer_of(args).id, now)
    raise UserError("RVX-R04", f"{args.kind} {args.id[:60]!r}.")


def _log(args: argparse.Namespace, out: Output, config: Config) -> int:
    with _opened(config) as archive:
        deletions = Retention(archive.journal).deletions(LOGGED)
    if out.json:
        out.document(
            "ok",
            deletions=[
                {
                    "at": one.at.isoformat(), "kind": one.kind.value, "municipality": one.municipality,
                    "decision": one.decision, "items": one.items, "first_at": one.first_at.isoformat(),
                    "last_at": one.last_at.isoformat(), "deleted_by": one.deleted_by,
                }
                for one in deletions
            ],
        )  # fmt: skip
        return DONE
    for line in table(
        (_when(one.at.isoformat()), one.kind.value, str(one.items),
         f"{_day(one.first_at.isoformat())} … {_day(one.last_at.isoformat())}", one.decision, one.deleted_by)
        for one in deletions
    ) if deletions else ():  # fmt: skip
        out.line(line)
    out.line(f"{counted(len(deletions), 'deletion')}")
    return DONE


def _looked(archive: Archive, args: argparse.Namespace) -> None:
    if not args.why.strip():
        raise UserError("RVX-A02", "--why is empty: each look at what is kept is recorded.")
    field = ",".join(args.kind or ("*",))
    subject = args.extension or "*"
    Changes(archive.journal).looked(viewer_of(args).id, "archive", subject, field, args.why, datetime.now(UTC))


def _places(args: argparse.Namespace) -> tuple[Place, ...]:
    return tuple(place for place in KEPT if args.kind is None or place.kind.value in args.kind)


def _wanted(archive: Archive, args: argparse.Namespace) -> Iterator[tuple[Place, Sequence[Item]]]:
    for place in _places(args):
        for batch in _of(archive, args, place):
            yield place, batch


def _of(archive: Archive, args: argparse.Namespace, place: Place) -> Iterator[Sequence[Item]]:
    since = _moment("--since", args.since, 0)
    until = _moment("--until", args.until, 1)
    for batch in items(archive.journal, place, since, until):
        yield [item for item in batch if args.extension is None or args.extension in item.of]


def _moment(option: str, text: str | None, days: int) -> datetime | None:
    """The beginning of a day in Sweden, or of one `days` later."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise UserError("RVX-A02", f"{option}: {text[:20]!r} is no day as 2026-11-23.") from error
    return datetime.combine(day, time(), STOCKHOLM)


def _new(path: Path) -> Any:
    return open(_descriptor(path), "w", encoding="utf-8", newline="")


def _descriptor(path: Path) -> int:
    """For its owner alone."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _when(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"


def _day(text: str | None) -> str:
    return _when(text)[: len("2026-11-23")] if text else ""
