"""What one may change of oneself: how one is found, and one's PIN."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from callcontrol.plan.model import Person, choices_of
from firmware.pins import PinsUnreadable
from firmware.web.answering import Answering, NotNow
from firmware.web.pages.common import frame_of
from firmware.web.pages.people import seen
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views.frame import Frame, page
from firmware.web.views.me import FIELDS, details, pin
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES", "change_details", "given_of", "has_hours"]


def _show(request: Request, store: Store) -> Response:
    person = _myself(request, store)
    return _page(request, store, person, given_of(person, store), None)


def _change(request: Request, store: Store) -> Response:
    person = _myself(request, store)
    wrong = change_details(request, store, person)
    if wrong is not None:
        return _page(request, store, person, {name: request.form.get(name, "") for name in FIELDS}, wrong)
    return see_other("/me?done=saved")


def _page(request: Request, store: Store, person: Person, given: Mapping[str, str], wrong: Wrong | None) -> Response:
    frame = frame_of(request, store)
    shown = details(frame, person, given, wrong, hours=has_hours(person, store))
    return page(frame, "more.me", shown, status=422 if wrong else 200, wrong=wrong is not None)


def change_details(request: Request, store: Store, person: Person) -> Wrong | None:
    """What differs of what a form says of somebody. What cannot be changes nothing."""
    words, form, known = Frame.of(request).say, request.form, given_of(person, store)
    fields: dict[str, object] = {}
    for name in FIELDS:
        text = " ".join(form.get(name, "").split())
        if name not in form or text == known[name] or (name == "phone_hours" and not has_hours(person, store)):
            continue
        if name in ("duties", "search_words"):
            fields[name] = [word for part in text.split(",") if (word := part.strip())]
        elif name == "deputy":
            extension = store.people.extension(text) if text else None
            known_to_them = extension is not None and seen(request, store, extension)
            if text and (extension is None or not known_to_them or extension.person in (None, person.id)):
                return Wrong(name, words("me.wrong_deputy"))
            fields[name] = extension.person if extension else None
        else:
            fields[name] = text or (None if name == "phone_hours" else "")
    if not fields:
        return None
    try:
        store.changes.change("person", person.id, fields, request.who.viewer.id, request.now)
    except ValueError as error:
        faulty = next((name for name in FIELDS if f"person {name}:" in str(error)), FIELDS[0])
        return Wrong(faulty, words("me.wrong_hours" if faulty == "phone_hours" else "me.wrong_text"))
    return None


def given_of(person: Person, store: Store) -> dict[str, str]:
    deputy = store.people.extensions_of(person.deputy) if person.deputy else ()
    return {
        "location": person.location,
        "duties": ", ".join(person.duties),
        "search_words": ", ".join(person.search_words),
        "phone_hours": str(person.phone_hours) if person.phone_hours else "",
        "deputy": deputy[0] if deputy else "",
    }


def has_hours(person: Person, store: Store) -> bool:
    unit = store.people.unit(person.unit)
    return choices_of(unit.entity if unit else None, store.people).phone_hours


def _myself(request: Request, store: Store) -> Person:
    person = store.people.person(request.who.person) if request.who.person else None
    if person is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return person


def _show_pin(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    return page(frame, "more.pin", pin(frame))


async def _change_pin(request: Request, answering: Answering) -> Response:
    """The one that is there is proved again: a browser that was left open gives nobody a telephone for good."""
    frame, who, pins = Frame.of(request), request.who, answering.pins
    old, new, again = (request.form.get(name, "").strip() for name in ("old", "new", "again"))
    caller = f"web {request.address}"

    def wrong(field: str, key: str) -> Response:
        return page(frame, "more.pin", pin(frame, Wrong(field, frame.say(key))), status=422, wrong=True)

    if not await pins.may_try(caller):
        return wrong("old", "sign_in.too_often")
    if not await pins.proves(caller, who.extension, old):
        return wrong("old", "pin.wrong_old")
    if new != again:
        return wrong("again", "pin.wrong_again")
    try:
        fault = await pins.change(who.extension, new, who.viewer.id)
    except PinsUnreadable as error:
        raise NotNow from error
    return wrong("new", "pin.wrong_new") if fault else see_other("/sign-in?done=pin")


ROUTES = (
    Route("GET", "/me", Who.SIGNED_IN, _show),
    Route("POST", "/me", Who.SIGNED_IN, _change),
    Route("GET", "/pin", Who.SIGNED_IN, _show_pin),
    Route("POST", "/pin", Who.SIGNED_IN, _change_pin),
)
