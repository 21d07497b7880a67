"""Who a session is: the extension's person, their roles, and what they may see. Made anew with each request, so that a
block, or a role that was taken away, counts at once."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from callcontrol.plan.model import Kind, Unreadable, Visibility
from callcontrol.plan.rights import ANYWHERE, Given, Role
from firmware.store.people import People
from firmware.store.visible import Viewer
from firmware.web.site import Session
from firmware.web.store import Store

__all__ = ["PHONES", "session_of"]

PHONES = frozenset(Kind) - {Kind.HUNT, Kind.ANNOUNCEMENT}
"""Kinds that somebody sits at."""


def session_of(store: Store, cookie: str, now: datetime) -> Session | None:
    """None for a cookie that is nobody's any more, and for an extension that is blocked or gone."""
    row = store.sessions.of(cookie, now) if cookie else None
    if row is None:
        return None
    people = store.people
    try:
        extension = people.extension(row.extension)
        if extension is None or extension.blocked or extension.kind not in PHONES:
            return None
        person = people.person(extension.person) if extension.person else None
        given = people.roles(person.id) if person else ()
        unit = people.unit(extension.unit)
        entity = people.entity(unit.entity) if unit else None
    except Unreadable:
        return None
    municipality = entity.municipality if entity else ""
    return Session(
        extension=row.extension,
        person=person.id if person else None,
        given=given,
        viewer=Viewer(
            id=person.id if person else row.extension,
            sees=Visibility.OPERATOR if any(one.role is Role.OPERATOR for one in given) else Visibility.STAFF,
            municipality=municipality,
            municipalities=_municipalities(given, municipality, people),
        ),
        token=_token(cookie),
        name=f"{person.given} {person.family}" if person else row.extension,
        kept=row.kept,
    )


def _municipalities(given: tuple[Given, ...], own: str, people: People) -> frozenset[str] | None:
    """Whose people are seen: one's own, and those of each scope that a role is for; None: all."""
    found = {own}
    for one in given:
        if one.scope == ANYWHERE:
            return None
        unit = people.unit(one.scope)
        entity = people.entity(unit.entity if unit else one.scope)
        found.add(entity.municipality if entity else one.scope)
    return frozenset(found)


def _token(cookie: str) -> str:
    """What each form of this session holds; it tells nothing of the cookie."""
    return hmac.new(cookie.encode(), b"form", hashlib.sha256).hexdigest()
