"""The directory's pages: each shows what its viewer may see, and nothing else (requirements.md, D4, D5)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from http import HTTPStatus

from callcontrol.plan.memo import Memo, Wants
from callcontrol.plan.model import Extension, Visibility
from callcontrol.plan.rights import Right
from firmware.mail.policy import one_line
from firmware.store.changes import new_id
from firmware.store.memos import MemoRows
from firmware.store.visible import Card, card
from firmware.web.pages.common import frame_of, may
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views import people as view
from firmware.web.views.frame import MANAGING, page
from firmware.web.views.parts import Wrong
from firmware.web.words import Say

__all__ = ["ROUTES", "extension_of", "may_know", "name_of", "phone_of", "seen"]

FOUND_MAX = 30
LINES_MAX = 300
UNITS_MAX = 5_000
DEPTH_MAX = 12


def _find(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    asked = " ".join(request.query.get("q", "").split())[:200]
    found = store.finder.find(asked, request.who.viewer, request.now, FOUND_MAX) if asked else ()
    return page(frame, frame.say("find.title"), view.find(frame, asked, found), keep=_kept(request))


def _person(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    shown = _card(request, store, request.part["id"])
    person, people = shown.person, store.people
    deputy = _card_or_none(request, store, person.deputy) if person.deputy else None
    model = view.Somebody(
        card=shown,
        phones=[phone_of(extension, store, request) for extension in _extensions(shown, store)],
        deputy=(deputy.person.id, f"{deputy.person.given} {deputy.person.family}") if deputy else None,
        open=person.phone_hours.open_at(request.now) if person.phone_hours else None,
        manage=any(may(request, store, right, person.unit) for right in MANAGING),
        unit=person.unit if people.unit(person.unit) else "",
    )
    name = f"{person.given} {person.family}".strip()
    return page(frame, name, view.somebody(frame, model), keep=_kept(request))


def _phone(request: Request, store: Store) -> Response:
    extension = extension_of(request, store)
    if extension.person is not None:
        return see_other(f"/person/{extension.person}")
    frame = frame_of(request, store)
    unit = store.people.unit(extension.unit)
    manage = any(may(request, store, right, extension.unit) for right in MANAGING)
    shown = view.phone(frame, phone_of(extension, store, request), unit.name if unit else "", manage)
    return page(frame, name_of(extension, store), shown, keep=_kept(request))


def _unit(request: Request, store: Store) -> Response:
    frame, people = frame_of(request, store), store.people
    unit = people.unit(request.query.get("id", ""))
    entity = people.entity(unit.entity) if unit else None
    if unit is None or entity is None or not request.who.viewer.sees_of(entity.municipality):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    lines = list(_lines(request, store, unit.id))
    below = [view.Listed(one, name, 0) for one, name, parent in _units(store, unit.entity) if parent == unit.id]
    manage = f"/manage/unit?id={unit.id}" if may(request, store, Right.REFER_OTHERS, unit.id) else ""
    model = view.Place(
        name=unit.name,
        entity=entity.name,
        lines=lines[:LINES_MAX],
        below=below,
        more=max(0, len(lines) - LINES_MAX),
        manage=manage,
    )
    return page(frame, unit.name, view.unit(frame, model), keep=_kept(request))


def _organisation(request: Request, store: Store) -> Response:
    frame, viewer = frame_of(request, store), request.who.viewer
    rows = store.people.directory.execute("SELECT id, name, municipality FROM entity ORDER BY municipality, name, id")
    shown = []
    for entity, name, municipality in rows.fetchall():
        if viewer.sees_of(municipality):
            shown.append((name, _tree(list(_units(store, entity)))))
    return page(frame, frame.say("organisation.title"), view.organisation(frame, shown), keep=_kept(request))


def _ask_memo(request: Request, store: Store) -> Response:
    return _memo_form(request, store, extension_of(request, store))


def _memo(request: Request, store: Store) -> Response:
    extension, form = extension_of(request, store), request.form
    words = frame_of(request, store).say
    text = form.get("text", "").strip()
    caller, name = (
        one_line(form.get(key, ""), most) for key, most in (("caller", view.CALLER_MAX), ("caller_name", view.NAME_MAX))
    )
    try:
        wants = Wants(form.get("wants", ""))
    except ValueError:
        wants = Wants.NOTHING
    if not text:
        return _memo_form(request, store, extension, Wrong("text", words("memo.empty")))
    given = form.get("id", "")
    memo = Memo(
        id=f"{request.who.extension}-{given}" if given.isalnum() and len(given) == 24 else new_id(),
        extension=extension.number,
        text=text,
        taken_by=request.who.viewer.id,
        taken_at=request.now,
        caller=caller,
        caller_name=name or _own_name(request, store),
        wants=wants,
        urgent=bool(form.get("urgent")),
    )
    try:
        MemoRows(store.journal).take(memo)
    except ValueError:
        return _memo_form(request, store, extension, Wrong("text", words("memo.cannot")))
    except OverflowError:
        return _memo_form(request, store, extension, Wrong("text", words("memo.too_many")))
    return see_other(
        f"/extension/{extension.number}?done=memo" if not extension.person else f"/person/{extension.person}?done=memo"
    )


def _own_name(request: Request, store: Store) -> str:
    """Of who has not said from whom it is; who is protected has to say so."""
    person = store.people.person(request.who.person) if request.who.person else None
    return "" if person is not None and person.protected else request.who.name


def _memo_form(request: Request, store: Store, extension: Extension, wrong: Wrong | None = None) -> Response:
    frame, form = frame_of(request, store), request.form
    name = name_of(extension, store)
    wants = [(str(one), frame.say(f"wants.{one}")) for one in Wants]
    shown = view.leave(
        frame, name, extension.number, wants, form.get("text", ""), form.get("caller", ""), form.get("caller_name", ""),
        wrong, new_id(),
    )  # fmt: skip
    title = frame.say("memo.to", name=name)
    return page(frame, title, shown, status=422 if wrong else 200, wrong=wrong is not None)


def phone_of(extension: Extension, store: Store, request: Request) -> view.Phone:
    people = store.people
    return view.Phone(
        extension=extension,
        absent=people.absent(extension.number, request.now),
        reasons=people.reasons(extension.number),
    )


def name_of(extension: Extension, store: Store) -> str:
    """Whose it is, or its unit's and its number."""
    person = store.people.person(extension.person) if extension.person else None
    if person is not None:
        return f"{person.given} {person.family}".strip()
    unit = store.people.unit(extension.unit)
    return f"{unit.name} {extension.number}" if unit else extension.number


def seen(request: Request, store: Store, extension: Extension) -> bool:
    """Whether this viewer may know whose it is."""
    if extension.person is not None:
        return _card_or_none(request, store, extension.person) is not None
    unit = store.people.unit(extension.unit)
    entity = store.people.entity(unit.entity) if unit else None
    return entity is not None and request.who.viewer.sees_of(entity.municipality)


def may_know(request: Request, store: Store, person: str) -> bool:
    """Whether this viewer may know of somebody; of who is in no directory any more, too."""
    return store.people.person(person) is None or _card_or_none(request, store, person) is not None


def extension_of(request: Request, store: Store) -> Extension:
    """The one of the path, where this viewer may see it. Raises Denied."""
    extension = store.people.extension(request.part["number"])
    if extension is None or not seen(request, store, extension):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return extension


def _card(request: Request, store: Store, person: str) -> Card:
    shown = _card_or_none(request, store, person)
    if shown is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return shown


def _card_or_none(request: Request, store: Store, person: str) -> Card | None:
    found = store.people.person(person)
    return card(found, store.people, request.who.viewer) if found else None


def _extensions(shown: Card, store: Store) -> Iterator[Extension]:
    for number in shown.extensions:
        if (extension := store.people.extension(number)) is not None:
            yield extension


def _lines(request: Request, store: Store, unit: str) -> Iterator[view.Line]:
    people, now = store.people, request.now
    names = people.directory.execute(
        "SELECT id FROM person WHERE unit = ? ORDER BY family, given, id LIMIT ?", (unit, 4 * LINES_MAX)
    )
    for (name,) in names.fetchall():
        if (shown := _card_or_none(request, store, name)) is None:
            continue
        person, number = shown.person, shown.extensions[0] if shown.extensions else ""
        absent = people.absent(number, now) if number else None
        full = f"{person.family}, {person.given}".strip(", ")
        yield view.Line(
            full,
            person.title,
            number,
            f"/person/{name}",
            absent is not None if number else None,
            absent.back_at if absent else None,
        )
    sql = "SELECT number FROM extension WHERE unit = ? AND person IS NULL ORDER BY number LIMIT ?"
    for (number,) in people.directory.execute(sql, (unit, LINES_MAX)).fetchall():
        if (extension := people.extension(number)) is not None:
            absent = people.absent(number, now)
            say = Say(request.language)
            yield view.Line(
                say(f"kind.{extension.kind}"),
                "",
                number,
                f"/extension/{number}",
                absent is not None,
                absent.back_at if absent else None,
            )


def _units(store: Store, entity: str) -> list[tuple[str, str, str | None]]:
    sql = "SELECT id, name, parent FROM unit WHERE entity = ? ORDER BY name, id LIMIT ?"
    db: sqlite3.Connection = store.people.directory
    return [(str(one), str(name), parent) for one, name, parent in db.execute(sql, (entity, UNITS_MAX))]


def _tree(units: list[tuple[str, str, str | None]]) -> list[view.Listed]:
    """Each below what it belongs to; a circle is cut where it would close."""
    known = {one for one, _, _ in units}
    below: dict[str | None, list[tuple[str, str]]] = {}
    for one, name, parent in units:
        below.setdefault(parent if parent in known else None, []).append((one, name))
    found: list[view.Listed] = []

    def add(parent: str | None, depth: int) -> None:
        for one, name in below.get(parent, ()):
            found.append(view.Listed(one, name, depth))
            if depth < DEPTH_MAX:
                add(one, depth + 1)

    add(None, 0)
    return found


def _kept(request: Request) -> bool:
    """What operators alone may see is not left in a browser."""
    return request.who.viewer.sees in (Visibility.PUBLIC, Visibility.STAFF)


ROUTES = (
    Route("GET", "/find", Who.SIGNED_IN, _find),
    Route("GET", "/person/{id}", Who.SIGNED_IN, _person),
    Route("GET", "/extension/{number}", Who.SIGNED_IN, _phone),
    Route("GET", "/unit", Who.SIGNED_IN, _unit),
    Route("GET", "/organisation", Who.SIGNED_IN, _organisation),
    Route("GET", "/memo/{number}", Who.SIGNED_IN, _ask_memo),
    Route("POST", "/memo/{number}", Who.SIGNED_IN, _memo),
)
