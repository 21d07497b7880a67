"""Somebody leaves: by who may block a phone of that unit."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus

from callcontrol.plan.leaver import Leaver, What
from callcontrol.plan.model import Person
from callcontrol.plan.rights import Right
from callcontrol.plan.schedule import STOCKHOLM
from firmware.store.changes import new_id
from firmware.store.leavers import Leavers
from firmware.store.leaving import checklist_of
from firmware.web.pages.common import frame_of, may, wanted
from firmware.web.pages.people import extension_of, may_know
from firmware.web.site import Denied, Request, Response, Route, see_other
from firmware.web.store import Store
from firmware.web.views import leavers as view
from firmware.web.views.frame import page
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES"]


def _list(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    shown = [
        (one, sum(not entry.done for entry in checklist_of(store.people, one, request.now)))
        for one in Leavers(store.journal).all()
        if may(request, store, Right.BLOCK, one.unit) and may_know(request, store, one.person)
    ]
    return page(frame, "leaver.title", view.leavers(frame, shown))


def _show(request: Request, store: Store) -> Response:
    return _page(request, store)


def _begin(request: Request, store: Store) -> Response:
    person, text = _person(request, store), request.form.get("last_day", "")
    try:
        last = date.fromisoformat(text) if text else None
    except ValueError:
        return _page(request, store, Wrong("last_day", frame_of(request, store).say("away.no_moment")))
    one = Leaver(
        id=new_id(),
        person=person.id,
        name=f"{person.given} {person.family}".strip(),
        unit=person.unit,
        extensions=store.people.extensions_of(person.id),
        last_day=last,
        began_at=request.now,
        set_by=request.who.viewer.id,
    )
    Leavers(store.journal).begin(one, request.now)
    return _back(request, "leaver")


def _tick(request: Request, store: Store) -> Response:
    one = _known(request, store)
    try:
        Leavers(store.journal).tick(one.id, What(request.form.get("what", "")), request.who.viewer.id, request.now)
    except ValueError:
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "not_so") from None
    return _back(request, "saved")


def _end(request: Request, store: Store) -> Response:
    Leavers(store.journal).end(_known(request, store).id, request.who.viewer.id, request.now)
    return see_other("/leavers?done=leaver_ended")


def _stays(request: Request, store: Store) -> Response:
    Leavers(store.journal).end(_known(request, store).id, request.who.viewer.id, request.now, stays=True)
    return see_other("/leavers?done=leaver_stays")


def _page(request: Request, store: Store, wrong: Wrong | None = None) -> Response:
    frame, person, number = frame_of(request, store), _person(request, store), request.part["number"]
    one = Leavers(store.journal).of(person.id)
    if one is None:
        shown = view.begin(frame, number, request.now.astimezone(STOCKHOLM).date(), wrong)
    else:
        shown = view.leaver(frame, number, one, checklist_of(store.people, one, request.now))
    title = frame.say("leaver.title_of", name=f"{person.given} {person.family}".strip())
    return page(frame, title, shown, status=422 if wrong else 200, wrong=wrong is not None)


def _person(request: Request, store: Store) -> Person:
    extension = extension_of(request, store)
    wanted(request, store, Right.BLOCK, extension.unit)
    person = store.people.person(extension.person) if extension.person else None
    if person is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    wanted(request, store, Right.BLOCK, person.unit)
    return person


def _known(request: Request, store: Store) -> Leaver:
    one = Leavers(store.journal).of(_person(request, store).id)
    if one is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return one


def _back(request: Request, done: str) -> Response:
    return see_other(f"/leaver/{request.part['number']}?done={done}")


ROUTES = (
    Route("GET", "/leavers", Right.BLOCK, _list),
    Route("GET", "/leaver/{number}", Right.BLOCK, _show),
    Route("POST", "/leaver/{number}", Right.BLOCK, _begin),
    Route("POST", "/leaver/{number}/tick", Right.BLOCK, _tick),
    Route("POST", "/leaver/{number}/end", Right.BLOCK, _end),
    Route("POST", "/leaver/{number}/stays", Right.BLOCK, _stays),
)
