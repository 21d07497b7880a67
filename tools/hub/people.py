"""``rvx hub people``, ``organisation`` and ``extensions``: what a municipality's files say, into the directory of its
source, and from there to the units."""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import REACH_CLASSES, Category, ReachClass
from firmware.store import Directory
from firmware.store.database import StoreError, connect, to_text
from tools.errors import DONE, USAGE, UserError
from tools.extension import parse, refuse, text_of
from tools.hub.audit import note
from tools.hub.publishing import Clash, Touched, publish_source, touching
from tools.hub.store import Store
from tools.output import Output, counted
from tools.people import apply_organisation
from tools.people_load import load_file, readable, tell

__all__ = ["extensions", "organisation", "people", "publish_open"]

_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
RESERVED = frozenset({"112"})


def people(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    numbering = LocalNumbering(area_code=_area_code(store, args))
    with readable(args, out) as file, _directory(store, args.source) as db, _changing(store, args, db) as touched:
        difference = load_file(args, out, file, db, _classes(db), numbering)
    if difference is None:
        return USAGE
    changed = 0
    if not args.dry_run:
        detail = {"people": difference.people, "gone": difference.gone}
        changed = _publish(store, args, out, who, now, detail, touched)
    tell(out, difference, dry_run=args.dry_run)
    _told(out, args, changed)
    return DONE


def organisation(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    numbering = LocalNumbering(area_code=_area_code(store, args))
    with _directory(store, args.source) as db, _changing(store, args, db) as touched:
        status = apply_organisation(args, out, db, numbering)
    if status == DONE and not args.dry_run:
        _told(out, args, _publish(store, args, out, who, now, {}, touched))
    return status


def extensions(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    path = Path(args.file)
    credentials, faults = parse(text_of(path), args.realm, RESERVED, to_text(now))
    if faults:
        return refuse(out, path, faults)
    args.dry_run = False
    with _directory(store, args.source) as db, _changing(store, args, db) as touched:
        Directory(db).put_credentials(credentials)
    detail = {"credentials": len(credentials)}
    changed = _publish(store, args, out, who, now, detail, touched)
    if out.json:
        out.document("ok", credentials=len(credentials), changed=changed)
        return DONE
    out.line(f"{counted(len(credentials), 'credential')} taken in")
    _told(out, args, changed)
    out.note(f"{path} holds secrets: remove it when the phones have them.")
    return DONE


def publish_open(store: Store, now: datetime) -> dict[str, str]:
    """Sources that were changed and not told, as whoever did it ended before; each with why it cannot be, "" where it
    is done now."""
    found = {}
    for (name,) in store.db.execute("SELECT name FROM source WHERE NOT whole").fetchall():
        try:
            publish_source(store, name, now)
            found[name] = ""
        except (Clash, StoreError) as error:
            found[name] = str(error)
    return found


def _publish(
    store: Store,
    args: argparse.Namespace,
    out: Output,
    who: str,
    now: datetime,
    detail: Mapping[str, object],
    touched: Touched | None,
) -> int:
    """`touched`: all that may be another than what the units were told; None: anything."""
    try:
        changed = publish_source(store, args.source, now, lambda rows: out.progress(f"telling  {rows} rows"), touched)
    except Clash as error:
        raise UserError("RVX-Y04", f"{error}.") from error
    out.done()
    file = Path(args.file).name
    store.transact(lambda: note(store, now, who, args.command.replace(" ", "_"), args.source, {"file": file, **detail}))
    return changed


def _told(out: Output, args: argparse.Namespace, changed: int) -> None:
    if not out.json and not args.dry_run:
        out.line(f"{counted(changed, 'change')} for the units")


@contextmanager
def _directory(store: Store, source: str) -> Iterator[sqlite3.Connection]:
    if not _SOURCE.fullmatch(source):
        raise UserError("RVX-A02", f"--source {source[:40]!r}: expected 1 to 63 of a-z, 0-9, _ and -.")
    db = connect(store.place.directories / f"{source}.db", "directory")
    try:
        yield db
    finally:
        db.close()


@contextmanager
def _changing(store: Store, args: argparse.Namespace, db: sqlite3.Connection) -> Iterator[Touched | None]:
    """Within, a source is changed; what is not told afterwards is told when the hub starts. Gives what is written, when
    it has ended; None: something was not told before, so that all is to be looked at."""
    if args.dry_run:
        yield None
        return

    def begin() -> bool:
        row = store.db.execute("SELECT whole FROM source WHERE name = ?", (args.source,)).fetchone()
        sql = "INSERT INTO source (name, whole) VALUES (?, 0) ON CONFLICT (name) DO UPDATE SET whole = 0"
        store.db.execute(sql, (args.source,))
        return row is not None and bool(row[0])

    whole = store.transact(begin)
    touched: Touched = {}
    try:
        with touching(db) as touched:
            yield touched if whole else None
    finally:
        if whole and not touched:
            sql = "UPDATE source SET whole = 1 WHERE name = ?"
            store.transact(lambda: store.db.execute(sql, (args.source,)))


def _area_code(store: Store, args: argparse.Namespace) -> str:
    """Given, or as it was the last time."""
    given: str | None = getattr(args, "area_code", None)
    if given is None:
        row = store.db.execute("SELECT area_code FROM source WHERE name = ?", (args.source,)).fetchone()
        return str(row[0]) if row else ""
    try:
        LocalNumbering(area_code=given)
    except ValueError as error:
        raise UserError("RVX-A02", f"--area-code {given[:10]!r}: {error}.") from error
    sql = (
        "INSERT INTO source (name, whole, area_code) VALUES (?, 1, ?)"
        " ON CONFLICT (name) DO UPDATE SET area_code = excluded.area_code"
    )
    if not args.dry_run:
        store.transact(lambda: store.db.execute(sql, (args.source, given)))
    return given


def _classes(db: sqlite3.Connection) -> dict[str, ReachClass]:
    """The ready ones, and the source's own."""
    own = db.execute("SELECT name, open FROM reach_class")
    made = {name: ReachClass(name=name, open=frozenset(map(Category, json.loads(opens)))) for name, opens in own}
    return dict(REACH_CLASSES) | made
