"""What is done for others. Each asks for its right at the unit that the phone is of: who has it elsewhere has it not
here."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from callcontrol.plan.absence import Source
from callcontrol.plan.model import Extension
from callcontrol.plan.pins import PIN_MIN, fault_of
from callcontrol.plan.refer import Question
from callcontrol.plan.rights import Right
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.plan.steps import Note
from firmware.pins import PinsUnreadable
from firmware.web.answering import Answering, NotNow
from firmware.web.pages import referring
from firmware.web.pages.common import frame_of, may, wanted
from firmware.web.pages.me import change_details, given_of, has_hours
from firmware.web.pages.people import extension_of, name_of, phone_of
from firmware.web.pages.referring import Whose
from firmware.web.site import Denied, Request, Response, Route, see_other
from firmware.web.store import Store
from firmware.web.views import manage as view
from firmware.web.views import own as own_view
from firmware.web.views.frame import MANAGING, Frame, page
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES"]


def _show(request: Request, store: Store) -> Response:
    return _page(request, store, extension_of(request, store))


def _page(request: Request, store: Store, extension: Extension, wrong: Wrong | None = None) -> Response:
    frame, people = frame_of(request, store), store.people
    person = people.person(extension.person) if extension.person else None
    rights = _rights(request, store, extension)
    if rights == view.Rights():
        raise Denied(HTTPStatus.FORBIDDEN, "may_not")
    model = view.Managed(
        phone=phone_of(extension, store, request),
        person=person.id if person else "",
        rights=rights,
        reaches=[(name, reach.label or name) for name, reach in people.classes.items()],
        details=given_of(person, store) if person else None,
        hours=person is not None and has_hours(person, store),
        wrong=wrong,
    )
    title = frame.say("manage.title", name=name_of(extension, store))
    shown = view.managed(frame, model)
    return page(frame, title, shown, status=422 if wrong else 200, wrong=wrong is not None)


def _rights(request: Request, store: Store, extension: Extension) -> view.Rights:
    def has(right: Right) -> bool:
        return may(request, store, right, extension.unit)

    return view.Rights(
        refer=has(Right.REFER_OTHERS),
        block=has(Right.BLOCK),
        reach=has(Right.CHANGE_REACH),
        people=has(Right.CHANGE_PEOPLE),
        extract=has(Right.ORDER_EXTRACT),
        pin=_may_give_pin(request, store, extension),
    )


def _may_give_pin(request: Request, store: Store, extension: Extension) -> bool:
    """Who has a role is given one by who may configure alone: a PIN is all that somebody may do, with each of their
    telephones."""
    people, person = store.people, extension.person
    right = Right.CONFIGURE if person is not None and people.roles(person) else Right.CHANGE_PEOPLE
    phones = (people.extension(number) for number in people.extensions_of(person)) if person is not None else ()
    units = {extension.unit, *(phone.unit for phone in phones if phone is not None)}
    return all(may(request, store, right, unit) for unit in units)


# ---- away


def _ask(request: Request, store: Store) -> Response:
    return _away_form(request, store, _referrable(request, store))


def _away(request: Request, store: Store) -> Response:
    extension = _referrable(request, store)
    found = referring.refer(request, store, _whose(request, store, extension))
    if isinstance(found, Question):
        return _away_form(request, store, extension, question=found)
    if isinstance(found, Wrong):
        return _away_form(request, store, extension, wrong=found)
    return see_other(f"/manage/{extension.number}?done=managed_away")


def _back(request: Request, store: Store) -> Response:
    extension = _referrable(request, store)
    done = referring.back(request, store, _whose(request, store, extension))
    return see_other(f"/manage/{extension.number}" + ("?done=managed_back" if done else ""))


def _away_form(
    request: Request,
    store: Store,
    extension: Extension,
    *,
    question: Question | None = None,
    wrong: Wrong | None = None,
) -> Response:
    frame, name = frame_of(request, store), name_of(extension, store)
    action = f"/manage/{extension.number}/away"
    whose = _whose(request, store, extension)
    model = referring.form_of(request, store, whose, action, name, question=question, wrong=wrong)
    word = model.reason.word(public=False, english=frame.say.english)
    faulty = wrong is not None or question is not None
    title = frame.say("manage.away_title", name=name, reason=word)
    return page(frame, title, own_view.away(frame, model), status=422 if faulty else 200, wrong=faulty)


def _referrable(request: Request, store: Store) -> Extension:
    extension = extension_of(request, store)
    wanted(request, store, Right.REFER_OTHERS, extension.unit)
    return extension


def _whose(request: Request, store: Store, extension: Extension) -> Whose:
    """All phones of somebody, as far as whoever does it may."""
    people = store.people
    numbers = people.extensions_of(extension.person) if extension.person else ()
    others = (number for number in numbers if number != extension.number)
    units = {number: known.unit for number in others if (known := people.extension(number)) is not None}
    also = [number for number, unit in units.items() if may(request, store, Right.REFER_OTHERS, unit)]
    return Whose(numbers=(extension.number, *also), by=request.who.viewer.id, source=Source.MANAGER)


# ---- block, reach, details, PIN


def _block(request: Request, store: Store) -> Response:
    extension = extension_of(request, store)
    wanted(request, store, Right.BLOCK, extension.unit)
    why = " ".join(request.form.get("why", "").split())[: view.WHY_MAX]
    if not why:
        return _page(request, store, extension, Wrong("why", frame_of(request, store).say("manage.no_why")))
    store.changes.block(extension.number, request.who.viewer.id, why, request.now)
    return see_other(f"/manage/{extension.number}?done=blocked")


def _lift(request: Request, store: Store) -> Response:
    extension = extension_of(request, store)
    wanted(request, store, Right.BLOCK, extension.unit)
    store.changes.lift(extension.number, request.who.viewer.id, request.now)
    return see_other(f"/manage/{extension.number}?done=lifted")


def _reach(request: Request, store: Store) -> Response:
    extension = extension_of(request, store)
    wanted(request, store, Right.CHANGE_REACH, extension.unit)
    fields, classes = {"reach": request.form.get("reach", "")}, tuple(store.people.classes)
    try:
        store.changes.change("extension", extension.number, fields, request.who.viewer.id, request.now, classes)
    except ValueError:
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "not_so") from None
    return see_other(f"/manage/{extension.number}?done=saved")


def _details(request: Request, store: Store) -> Response:
    extension = extension_of(request, store)
    wanted(request, store, Right.CHANGE_PEOPLE, extension.unit)
    person = store.people.person(extension.person) if extension.person else None
    if person is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    wanted(request, store, Right.CHANGE_PEOPLE, person.unit)
    wrong = change_details(request, store, person)
    return _page(request, store, extension, wrong) if wrong else see_other(f"/manage/{extension.number}?done=saved")


async def _pin(request: Request, answering: Answering) -> Response:
    """Shown to who gives it, once. Whose it is hears of it, each time: it opens their mailbox."""

    def allowed(store: Store) -> str:
        extension = extension_of(request, store)
        if not _may_give_pin(request, store, extension):
            raise Denied(HTTPStatus.FORBIDDEN, "may_not")
        if extension.person is not None:
            fill = (("extension", extension.number), ("at", f"{request.now.astimezone(STOCKHOLM):%Y-%m-%d %H.%M}"))
            note = Note(rule="E6", to=extension.person, words="pin_given", fill=fill)
            store.changes.notice(note, request.now)
        return extension.number

    number = await answering.in_store(allowed)
    pin = fresh_pin(number)
    try:
        if await answering.pins.change(number, pin, request.who.viewer.id) is not None:
            raise NotNow
    except PinsUnreadable as error:
        raise NotNow from error
    frame = Frame.of(request)
    return page(frame, "manage.pin", view.new_pin(frame, number, pin))


def fresh_pin(number: str) -> str:
    """One that nobody guesses more easily than another."""
    while True:
        pin = "".join(secrets.choice("0123456789") for _ in range(PIN_MIN))
        if fault_of(pin, number) is None:
            return pin


ROUTES = (
    Route("GET", "/manage/{number}", MANAGING, _show),
    Route("GET", "/manage/{number}/away", Right.REFER_OTHERS, _ask),
    Route("POST", "/manage/{number}/away", Right.REFER_OTHERS, _away),
    Route("POST", "/manage/{number}/back", Right.REFER_OTHERS, _back),
    Route("POST", "/manage/{number}/block", Right.BLOCK, _block),
    Route("POST", "/manage/{number}/lift", Right.BLOCK, _lift),
    Route("POST", "/manage/{number}/reach", Right.CHANGE_REACH, _reach),
    Route("POST", "/manage/{number}/details", Right.CHANGE_PEOPLE, _details),
    Route("POST", "/manage/{number}/pin", (Right.CHANGE_PEOPLE, Right.CONFIGURE), _pin),
)
