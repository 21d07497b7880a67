"""``rvx hub``: the platform's side of sync, at the command line."""

from __future__ import annotations

import argparse
import getpass
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firmware import __version__
from firmware.store.database import StoreError, to_text
from firmware.sync.bundle import BundleError
from firmware.sync.stamp import HUB
from firmware.sync.wire import Item
from tools.errors import DONE, UserError
from tools.hub import people
from tools.hub.accounts import ADMIN, AccountError, Accounts
from tools.hub.audit import note
from tools.hub.backup import BackupError, back_up, newest, restore
from tools.hub.ca import CaError, Signer, make_ca
from tools.hub.openapi import openapi
from tools.hub.pages import look
from tools.hub.place import DEFAULT, Place
from tools.hub.sending import push
from tools.hub.store import NotMade, Store
from tools.hub.taking import Taking
from tools.hub.units import Unit, Units, UnitsError, grouped
from tools.output import Output, counted, table

__all__ = ["PORT", "run"]

PORT = 8443
PROGRAM = __version__.partition("+")[0]
ID_BYTES = 12
_Action = Callable[[argparse.Namespace, Output, Store, str, datetime], int]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the hub's folder."""
    out, place, now = Output.of(args), Place(Path(args.state) if args.state else DEFAULT), datetime.now(UTC)
    who = f"{getpass.getuser()} at the command line"
    alone: dict[str, Callable[[argparse.Namespace, Output, Place, str, datetime], int]] = {
        "hub init": _init,
        "hub run": _run,
        "hub restore": _restore,
        "hub openapi": _openapi,
    }
    opened: dict[str, _Action] = {
        "hub enrol": _enrol,
        "hub unit": _unit,
        "hub people": people.people,
        "hub organisation": people.organisation,
        "hub extensions": people.extensions,
        "hub block": _block,
        "hub account": _account,
        "hub config": _config,
        "hub backup": _backup,
    }
    with _refusals(place):
        if args.command in alone:
            return alone[args.command](args, out, place, who, now)
        store = Store.open(place)
        try:
            return opened[args.command](args, out, store, who, now)
        finally:
            store.close()


@contextmanager
def _refusals(place: Place) -> Iterator[None]:
    try:
        yield
    except NotMade as error:
        raise UserError("RVX-Y01", f"{error}.") from error
    except StoreError as error:
        raise UserError("RVX-J01", f"{error}.") from error
    except sqlite3.Error as error:
        raise UserError("RVX-J06", f"{place.state}: {error}.") from error
    except (UnitsError, AccountError) as error:
        raise UserError("RVX-Y02", f"{error}.") from error
    except CaError as error:
        raise UserError("RVX-Y03", f"{error}.") from error
    except BackupError as error:
        raise UserError("RVX-Y05", f"{error}.") from error


def _init(args: argparse.Namespace, out: Output, place: Place, who: str, now: datetime) -> int:
    if place.store.exists():
        raise UserError("RVX-Y02", f"{place.state}: there is a hub already.", "Name another folder by --state DIR.")
    store = Store.make(place, args.name, args.at, now)
    try:
        make_ca(place.ca, args.name, now)
        signer = Signer(place.ca)
        word = Accounts(store).invite(args.account, ADMIN, who, now)
    except OSError as error:
        raise UserError("RVX-J02", f"{place.state}: {error.strerror}.") from error
    finally:
        store.close()
    first = f"https://{args.at[0]}:{PORT}/first"
    if out.json:
        out.document("ok", state=str(place.state), first=first, account=args.account, word=word, ca=signer.fingerprint)
        return DONE
    out.line(f"the hub {args.name} is in {place.state}; rvx hub run starts it")
    out.line(f"choose a password for {args.account} at {first}")
    out.line(f"one-time word {_fours(word)} (for 24 hours)")
    out.line(f"fingerprint of its CA, SHA-256: {signer.fingerprint}")
    out.note("The word is shown only now; rvx hub account gives another.")
    return DONE


def _run(args: argparse.Namespace, out: Output, place: Place, who: str, now: datetime) -> int:
    from tools.hub.running import run_hub  # loads aiohttp

    address, _, port = args.listen.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError("RVX-A02", f"--listen {args.listen[:60]!r}: expected ADDRESS:PORT.")
    store = Store.open(place)
    try:
        for source, why in people.publish_open(store, now).items():
            out.note(f"source {source}: {why or 'what was loaded is told to the units now'}")
        names = store.names
    finally:
        store.close()
    backup = Path(args.backup) if args.backup else None
    try:
        run_hub(place, Signer(place.ca), names, (address.strip("[]") or None, int(port)), backup, out.note)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise UserError("RVX-Y06", f"{args.listen}: {error.strerror or error}.") from error
    out.note("Navet är avslutat. / The hub has ended.")
    return DONE


def _openapi(args: argparse.Namespace, out: Output, place: Place, who: str, now: datetime) -> int:
    out.line(json.dumps(openapi(), ensure_ascii=False, indent=1))
    return DONE


def _restore(args: argparse.Namespace, out: Output, place: Place, who: str, now: datetime) -> int:
    given = Path(args.copy)
    copy = given if (given / "manifest.json").exists() else newest(given)
    if copy is None:
        raise UserError("RVX-Y05", f"{given}: there is no copy in it.")
    store = restore(copy, place, now)
    generation = store.generation
    store.close()
    if out.json:
        out.document("ok", copy=str(copy), state=str(place.state), generation=generation)
        return DONE
    out.line(f"the hub is in {place.state} as {copy.name} has it; units say again what they hold")
    out.note("The old hub must not run any more: units would tell one what the other needs.")
    return DONE


def _enrol(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    units, signer = Units(store), Signer(store.place.ca)

    def work() -> tuple[str, str]:
        if args.replace:
            unit = args.unit
            units.known(unit)
        else:
            if not args.municipality:
                raise UnitsError("municipality: a unit has the people of one at least")
            unit = units.add(args.unit, args.municipality, args.serves, now)
        note(store, now, who, "code", unit, {"municipalities": args.municipality, "serves": args.serves})
        return unit, units.make_code(unit, now)

    unit, code = store.transact(work)
    url = f"https://{store.names[0]}:{PORT}"
    if out.json:
        out.document("ok", unit=unit, code=code, url=url, ca=signer.fingerprint)
        return DONE
    out.line(f"{unit}: on the unit, sudo ./rvx enrol {url} {grouped(code).replace(' ', '')}")
    out.line(f"code {grouped(code)} (once, for 24 hours)")
    out.line(f"fingerprint of the hub's CA, SHA-256: {signer.fingerprint}")
    return DONE


def _unit(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    units = Units(store)
    known = {unit.id: unit for unit in units.all()}
    if args.unit is not None and args.unit not in known:
        units.known(args.unit)
    wants = args.municipality or args.serves or args.revoke or args.shrunken
    if wants and args.unit is None:
        raise UserError("RVX-A02", "Which unit is not said.", "rvx hub unit shows them.")
    if wants:
        _change(args, store, units, known[args.unit], who, now)
    looked = look(store)
    shown = [unit for unit in looked.units if args.unit in (None, unit.id)]
    if out.json:
        rows = [_told(unit) | {"waiting": looked.waiting.get(unit.id, 0)} for unit in shown]
        findings = [
            {
                "kind": one.kind,
                "unit": one.unit,
                "subject": one.subject,
                "times": one.times,
                "last_at": to_text(one.last_at),
            }
            for one in looked.findings
            if args.unit in (None, one.unit)
        ]
        out.document("ok", units=rows, findings=findings)
        return DONE
    for line in (
        table(_row(unit, looked.waiting.get(unit.id, 0), now) for unit in shown) if shown else ("no units yet",)
    ):
        out.line(line)
    for one in looked.findings:
        if args.unit in (None, one.unit):
            out.line(f"{one.unit}: {one.kind} {one.subject} ({counted(one.times, 'time')})")
    return DONE


def _change(args: argparse.Namespace, store: Store, units: Units, unit: Unit, who: str, now: datetime) -> None:
    def work() -> None:
        if args.municipality or args.serves:
            serves = args.serves or [f"{first}-{last}" for first, last in unit.serves]
            units.give(unit.id, args.municipality or unit.municipalities, serves)
            note(store, now, who, "given", unit.id, {"municipalities": args.municipality, "serves": args.serves})
        if args.shrunken:
            people_now = store.db.execute(
                "SELECT count(*) FROM item JOIN unit_scope ON unit_scope.municipality = item.scope"
                " WHERE kind = 'person' AND row IS NOT NULL AND unit = ?",
                (unit.id,),
            ).fetchone()[0]
            units.allow_shrunken(unit.id, people_now)
            note(store, now, who, "shrunken", unit.id, {"people": people_now})
        if args.revoke:
            units.revoke(unit.id, args.revoke, now)
            note(store, now, who, "revoked", unit.id, {"why": args.revoke})

    store.transact(work)


def _told(unit: Unit) -> dict[str, Any]:
    return {
        "id": unit.id,
        "name": unit.name,
        "municipalities": list(unit.municipalities),
        "serves": [f"{first}-{last}" if first != last else first for first, last in unit.serves],
        "seen_at": to_text(unit.seen_at) if unit.seen_at else None,
        "revoked_at": to_text(unit.revoked_at) if unit.revoked_at else None,
        "certificate_until": to_text(unit.until) if unit.until else None,
        "ahead_ms": unit.ahead_ms,
        "version": unit.said.get("version"),
        "config": unit.said.get("config"),
    }


def _row(unit: Unit, waiting: int, now: datetime) -> tuple[str, ...]:
    if unit.revoked_at:
        state = "revoked"
    elif unit.until is None:
        state = "not enrolled"
    elif unit.seen_at is None:
        state = "never here"
    else:
        state = f"here {_age(now - unit.seen_at)} ago"
    yet = f"{waiting} yet to come" if waiting else ""
    return unit.id, unit.name, state, ",".join(unit.municipalities), str(unit.said.get("version", "")), yet


def _age(age: Any) -> str:
    seconds = int(age.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def _block(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    taking, extension = Taking(store), args.extension
    standing = _blocks(store, extension)
    known = store.db.execute("SELECT 1 FROM item WHERE kind = 'extension' AND id = ?", (extension,)).fetchone()
    if known is None and not standing:
        raise UserError("RVX-Y02", f"extension: {extension[:20]!r} is in nobody's directory.")
    at, name = to_text(now), _new_id()
    if args.lift:
        row: dict[str, Any] = {"id": name, "extension": extension, "at": at, "seen": standing, "set_by": who}
        done = bool(standing)
    else:
        row = {"id": name, "extension": extension, "since": at, "set_by": who, "why": args.why}
        done = not standing
    if done:
        taking.set_here(Item("lift" if args.lift else "block", name, row), now)
        store.transact(lambda: note(store, now, who, "lift" if args.lift else "block", extension, {"why": args.why}))
    if out.json:
        out.document("ok", extension=extension, blocked=not args.lift, changed=done)
        return DONE
    was = "is" if done else "was already"
    out.line(f"{extension} {was} {'not blocked' if args.lift else 'blocked'}, everywhere")
    return DONE


def _blocks(store: Store, extension: str) -> list[str]:
    """Those that nobody has lifted."""
    sql = "SELECT kind, id, row FROM item WHERE extension = ? AND kind IN ('block', 'lift') AND row IS NOT NULL"
    rows = store.db.execute(sql, (extension,)).fetchall()
    lifted = {name for kind, _, row in rows if kind == "lift" for name in json.loads(row)["seen"]}
    return sorted(name for kind, name, _ in rows if kind == "block" and name not in lifted)


def _account(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    accounts = Accounts(store)
    if args.name is None:
        known = accounts.all()
        if out.json:
            out.document("ok", accounts=[{"name": name, "role": role, "password": has} for name, role, has in known])
            return DONE
        for line in table((name, role, "" if has else "no password yet") for name, role, has in known) if known else ():
            out.line(line)
        return DONE
    if args.end:
        accounts.end(args.name, who, now)
        if out.json:
            out.document("ok", account=args.name, ended=True)
        else:
            out.line(f"{args.name} is out")
        return DONE
    word = accounts.invite(args.name, args.role, who, now)
    first = f"https://{store.names[0]}:{PORT}/first"
    if out.json:
        out.document("ok", account=args.name, role=args.role, first=first, word=word)
        return DONE
    out.line(f"choose a password for {args.name} ({args.role}) at {first}")
    out.line(f"one-time word {_fours(word)} (for 24 hours)")
    out.note("The word is shown only now.")
    return DONE


def _config(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    path = Path(args.file)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("RVX-C02", f"{path}: {error}.") from error
    try:
        version = push(store, Signer(store.place.ca), args.unit, text, PROGRAM, who, now)
    except BundleError as error:
        raise UserError("RVX-Y02", f"{error}.") from error
    if out.json:
        out.document("ok", unit=args.unit, version=version)
        return DONE
    out.line(f"{args.unit}: version {version} is on its way; rvx hub unit {args.unit} --json says what became of it")
    return DONE


def _backup(args: argparse.Namespace, out: Output, store: Store, who: str, now: datetime) -> int:
    copy = back_up(store, Path(args.folder), now)
    if out.json:
        out.document("ok", copy=str(copy.folder), bytes=copy.bytes, entries=copy.entries)
        return DONE
    out.line(f"{copy.folder}: {copy.bytes / 2**20:.1f} MiB, {counted(copy.entries, 'row')} of units")
    out.note("It has the hub's keys and what units have told: keep it as you keep the hub.")
    return DONE


def _fours(word: str) -> str:
    return "-".join(word[at : at + 4] for at in range(0, len(word), 4))


def _new_id() -> str:
    import secrets

    return f"{HUB}-{secrets.token_hex(ID_BYTES)}"
