"""What an entry of an outbox sets, and which of two counts: the same for the hub and for units. Pure.

Sets that only grow (referrals, openings, blocks, lifts) are joined: nothing in them is ever changed, so there is
nothing to decide; who governs is the calculus' to say (callcontrol/plan/absence.py). Of a register the greater stamp
counts. The hub decides that, and says in its feed what stands, to whoever lost too; a unit takes what the feed says.
Of what it has set itself it does so only when it has read the feed up to the place at which the hub had taken that
(`stands_in`): until then the last that the feed said of it waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from firmware.sync.kinds import KINDS, Way
from firmware.sync.wire import Item

__all__ = ["ENDED", "is_register", "item_of", "of_one_life", "stands_in", "wins"]

ENDED = "ended"
"""True in the body of an entry by which a register is as if it had never been set."""

Body = Mapping[str, Any]


def wins(known: tuple[str, str] | None, new: tuple[str, str]) -> bool:
    """Whether a register is another one by `new`; both are a stamp, and what was set as canonical text, which parts two
    of one stamp."""
    return known is None or new > known


def is_register(kind: str) -> bool:
    """Of an item."""
    return kind in KINDS and KINDS[kind].way is Way.REGISTER


def of_one_life(cursor: str, other: str) -> bool:
    """Whether two cursors are of one generation of the hub: only those have an order."""
    return cursor.partition(".")[0] == other.partition(".")[0]


def stands_in(effect: str, cursor: str) -> bool:
    """Whether what had its effect by the place `effect` is in a feed that was read up to `cursor`. A later generation
    of the hub that still holds it has it in all that it says."""
    return not of_one_life(effect, cursor) or _place(effect) <= _place(cursor)


def item_of(kind: str, subject: str, body: Body, stamp: str | None, by: str) -> Item | None:
    """The item that an entry sets; None: it is a record of what happened, or was emptied by a decision of the archive.
    Raises KeyError, ValueError, TypeError for a body that no unit writes."""
    known = _ITEMS.get(kind)
    if known is None or "deleted" in body:
        return None
    name, row_of = known
    row = row_of(subject, body)
    if body.get(ENDED) is True or row is None:
        key = KINDS[name].key
        given = {**body, "extension": body.get("extension", subject), "entity": body.get("entity", subject)}
        return Item(name, "|".join(str(given[field]) for field in key), None, stamp, by)
    return Item(name, KINDS[name].id_of(row), row, stamp, by)


def _place(cursor: str) -> int:
    return int(cursor.rpartition(".")[2])


def _of(*fields: str) -> Callable[[str, Body], dict[str, Any] | None]:
    def row_of(subject: str, body: Body) -> dict[str, Any] | None:
        return None if body.get(ENDED) is True else {field: body[field] for field in fields}

    return row_of


def _referral(subject: str, body: Body) -> dict[str, Any]:
    fields = ("id", "extension", "reason", "start", "until", "answers_instead", "direct", "open")
    row = {field: body[field] for field in (*fields, "information", "source", "set_by", "set_at", "every")}
    return row | {"direct": bool(row["direct"]), "open": bool(row["open"])}


def _opening(subject: str, body: Body) -> dict[str, Any]:
    seen = body["seen"]
    row = {field: body[field] for field in ("id", "extension", "at", "set_by")}
    return row | {"seen": json.loads(seen) if isinstance(seen, str) else list(seen)}


def _signed_out(subject: str, body: Body) -> dict[str, Any] | None:
    return None if body["signed_in"] else {field: body[field] for field in ("hunt", "extension", "at")}


def _service(subject: str, body: Body) -> dict[str, Any] | None:
    fields = ("entity", "state", "set_at", "until", "set_by")
    return None if body["state"] is None else {field: body[field] for field in fields}


def _pin(subject: str, body: Body) -> dict[str, Any] | None:
    if body["hash"] is None:
        return None
    return {"extension": subject, "hash": body["hash"], "set_at": body["set_at"], "set_by": body["set_by"]}


_DEPARTMENT = (
    *("id", "unit", "reason", "start", "until", "emergency_number", "information"),
    *("set_by", "set_at", "ended_at", "ended_by"),
)
_ITEMS: Mapping[str, tuple[str, Callable[[str, Body], dict[str, Any] | None]]] = {
    "referral": ("referral", _referral),
    "opening": ("opening", _opening),
    "block": ("block", _of("id", "extension", "since", "set_by", "why")),
    "lift": ("lift", _of("id", "extension", "at", "seen", "set_by")),
    "forwarding": ("forwarding", _of("extension", "condition", "target", "set_at", "set_by")),
    "lock": ("lock", _of("extension", "since", "set_by")),
    "member": ("signed_out", _signed_out),
    "service": ("service_key", _service),
    "department": ("department", _of(*_DEPARTMENT)),
    "pin": ("pin_change", _pin),
}
"""By kind of an entry: the kind of the item, and how its row is made."""
