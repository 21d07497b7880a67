"""``directory.db`` as the items that hub and units tell each other of: what the hub publishes of a file of people, and
what a unit compares with the hub's digest."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from firmware.sync.kinds import KINDS
from firmware.sync.wire import Item

__all__ = ["LISTED", "items"]

_ENTITY = ("id", "municipality", "name", "greeting", "main_number", "reception")
_SERVICE = ("hours", "lunch", "night_to", "lunch_to", "night_text", "lunch_text", "on_call")
_UNIT = (
    *("id", "entity", "parent", "name", "cost_centre", "secret", "identity", "telephony_contact", "attended_by"),
    *("unstaffed", "emergency_number", "on_call"),
)
_PERSON = (
    *("id", "given", "family", "unit", "title", "cost_centre", "duties", "search_words", "location", "email", "sms"),
    *("mobile", "deputy", "phone_hours", "protected", "visibility"),
)
_EXTENSION = (
    *("number", "kind", "unit", "person", "reach", "identity", "direct_number", "mobile", "mobile_twin", "hours"),
    *("fallback", "voicemail", "announcement", "distribution"),
)
_CREDENTIAL = ("extension", "mode", "ha1_md5", "ha1_sha256", "realm", "user", "changed_at")

_TRUTHS = frozenset({"secret", "unstaffed", "protected", "voicemail", "barge_in"})
_AS_JSON = frozenset({"duties", "search_words", "visibility"})
"""Columns that hold JSON, whose value is what the JSON says. `on_call` of a service too; that of a unit is an
extension."""

_Row = dict[str, Any]
_Ids = Collection[str] | None


def items(
    directory: sqlite3.Connection, kinds: Sequence[str] = (), only: Mapping[str, Collection[str]] | None = None
) -> Iterator[Item]:
    """All of these kinds (all that are listed), each after what it names; `only`: of each kind those with these ids.
    The file must stand still meanwhile: within a transaction, or with nobody else who writes."""
    for name in kinds or LISTED:
        kind = KINDS[name]
        ids = None if only is None else only.get(name, ())
        if ids is not None and not ids:
            continue
        for row in LISTED[name](directory, ids):
            yield Item(name, kind.id_of(row), row)


def _municipalities(db: sqlite3.Connection, ids: _Ids) -> Iterator[_Row]:
    choices: dict[str, dict[str, int]] = defaultdict(dict)
    for municipality, name, value in db.execute("SELECT municipality, name, value FROM choice ORDER BY name"):
        choices[municipality][name] = value
    reasons: dict[str, dict[str, Any]] = defaultdict(dict)
    for municipality, key, body in db.execute("SELECT municipality, key, body FROM reason ORDER BY key"):
        reasons[municipality][key] = json.loads(body)
    for row in _rows(db, "municipality", ("id", "name", "hours"), "id", ids):
        yield {**row, "choices": choices.get(row["id"], {}), "reasons": reasons.get(row["id"], {})}


def _classes(db: sqlite3.Connection, ids: _Ids) -> Iterator[_Row]:
    for row in _rows(db, "reach_class", ("name", "open"), "name", ids):
        yield {**row, "open": json.loads(row["open"])}


def _entities(db: sqlite3.Connection, ids: _Ids) -> Iterator[_Row]:
    numbers = _grouped(db, "SELECT entity, number FROM entity_number ORDER BY entity, number")
    services = {}
    for entity, *values in db.execute(f"SELECT entity, {', '.join(_SERVICE)} FROM service"):  # noqa: S608  names of ours
        service = dict(zip(_SERVICE, values, strict=True))
        services[entity] = {**service, "on_call": json.loads(service["on_call"])}
    for row in _rows(db, "entity", _ENTITY, "id", ids):
        yield {**row, "numbers": numbers.get(row["id"], []), "service": services.get(row["id"])}


def _extensions(db: sqlite3.Connection, ids: _Ids) -> Iterator[_Row]:
    members = _grouped(db, "SELECT hunt, extension FROM member ORDER BY hunt, place")
    for row in _rows(db, "extension", _EXTENSION, "number", ids):
        yield {**row, "members": members.get(row["number"], [])}


def _pick_ups(db: sqlite3.Connection, ids: _Ids) -> Iterator[_Row]:
    members = _grouped(db, "SELECT pick_up, extension FROM pick_up_member ORDER BY pick_up, extension")
    for row in _rows(db, "pick_up", ("name", "entity", "barge_in"), "name", ids):
        yield {**row, "members": members.get(row["name"], [])}


def _roles(db: sqlite3.Connection, ids: _Ids) -> Iterator[_Row]:
    of: dict[str, list[dict[str, str]]] = defaultdict(list)
    among, values = _among("person", ids)
    sql = f"SELECT person, role, scope FROM role{among} ORDER BY person, role, scope"  # noqa: S608  names of ours
    for person, role, scope in db.execute(sql, values):
        of[person].append({"role": role, "scope": scope})
    return ({"person": person, "roles": roles} for person, roles in of.items())


def _grouped(db: sqlite3.Connection, sql: str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in db.execute(sql):
        found[key].append(value)
    return found


def _plain(table: str, names: Sequence[str], key: str) -> _List:
    return lambda db, ids: _rows(db, table, names, key, ids)


def _among(key: str, ids: _Ids) -> tuple[str, tuple[str, ...]]:
    """A condition, and what it is filled by."""
    if ids is None:
        return "", ()
    condition = f" WHERE {key} IN (SELECT value FROM json_each(?))"  # noqa: S608  names of ours
    return condition, (json.dumps(sorted(ids)),)


def _rows(db: sqlite3.Connection, table: str, names: Sequence[str], key: str, ids: _Ids) -> Iterator[_Row]:
    truths = [name for name in names if name in _TRUTHS]
    told = [name for name in names if name in _AS_JSON]
    among, given = _among(key, ids)
    sql = f"SELECT {', '.join(names)} FROM {table}{among} ORDER BY {key}"  # noqa: S608  names of ours
    with closing(db.execute(sql, given)) as found:
        for values in found:
            row = dict(zip(names, values, strict=True))
            for name in truths:
                row[name] = bool(row[name])
            for name in told:
                row[name] = json.loads(row[name])
            yield row


_List = Callable[[sqlite3.Connection, _Ids], Iterator[_Row]]

LISTED: Mapping[str, _List] = {
    "municipality": _municipalities,
    "reach_class": _classes,
    "entity": _entities,
    "unit": _plain("unit", _UNIT, "id"),
    "person": _plain("person", _PERSON, "id"),
    "extension": _extensions,
    "pick_up": _pick_ups,
    "role": _roles,
    "credential": _plain("credential", _CREDENTIAL, "extension"),
    "pin": _plain("pin", ("extension", "hash"), "extension"),
}
"""How each kind is read, in the order of KINDS."""
