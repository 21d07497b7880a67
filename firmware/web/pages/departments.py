"""Whole departments referred, receptions opened and closed; the first page of who looks after others."""

from __future__ import annotations

from datetime import date, time
from http import HTTPStatus

from callcontrol.plan.department import below, may_refer_whole, referred_whole
from callcontrol.plan.model import Unit, whole_at
from callcontrol.plan.number import LocalNumbering, NumberKind, parse_dialled
from callcontrol.plan.refer import INFORMATION_MAX, Question
from callcontrol.plan.refer import Given as When
from callcontrol.plan.rights import Right, may_serve
from callcontrol.plan.schedule import local_moment
from callcontrol.plan.service import Key, serving
from firmware.store.changes import new_id
from firmware.store.services import Services
from firmware.store.wholes import Wholes
from firmware.web.pages.common import frame_of
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views import departments as view
from firmware.web.views.frame import address, page
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES"]

UNITS_MAX = 300


def _show(request: Request, store: Store) -> Response:
    frame, people, who = frame_of(request, store), store.people, request.who
    units = [
        (unit.id, unit.name)
        for unit in sorted(people.units(), key=lambda unit: unit.name)
        if may_refer_whole(who.given, [unit.id], people)
    ]
    receptions = [
        view.Reception(entity=service.entity, name=entity.name, serving=serving(service, pressed, request.now))
        for service, pressed in people.services()
        if may_serve(who.given, who.extension, service.entity, people)
        and (entity := people.entity(service.entity)) is not None
    ]
    ways = [
        (place, key)
        for place, key, right in (
            ("/leavers", "leaver.title", Right.BLOCK),
            ("/faults", "fault.list", Right.CONFIGURE),
            ("/extract", "manage.extract", Right.ORDER_EXTRACT),
        )
        if who.has(right)
    ]
    return page(frame, "frame.manage", view.manage(frame, units[:UNITS_MAX], receptions, ways))


def _reception(request: Request, store: Store) -> Response:
    entity, who = request.form.get("entity", ""), request.who
    known = store.people.service(entity)
    if known is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    if not may_serve(who.given, who.extension, entity, store.people):
        raise Denied(HTTPStatus.FORBIDDEN, "may_not")
    try:
        key = Key(request.form.get("key", ""))
    except ValueError:
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "not_so") from None
    Services(store.journal).press(known[0], key, who.viewer.id, request.now)
    return see_other("/manage?done=reception")


def _ask(request: Request, store: Store) -> Response:
    return _page(request, store, _unit(request, store, request.query.get("id", "")))


def _refer(request: Request, store: Store) -> Response:
    people, form, who = store.people, request.form, request.who
    unit = _unit(request, store, form.get("id", ""))
    say = frame_of(request, store).say
    reason = store.people.reasons_of(unit.id).by_key(form.get("reason", ""))
    if reason is None:
        return _page(request, store, unit, wrong=Wrong("reason", say("department.no_reason")))
    ids = below(unit.id, {each.id: each.parent for each in people.units()}) if form.get("below") else (unit.id,)
    if not may_refer_whole(who.given, ids, people):
        raise Denied(HTTPStatus.FORBIDDEN, "may_not")
    emergency, units = _number(store, form.get("emergency", "")), [known for one in ids if (known := people.unit(one))]
    if form.get("emergency", "").strip() and emergency is None:
        return _page(request, store, unit, wrong=Wrong("emergency", say("department.no_number")))
    try:
        made = referred_whole(
            new_id(),
            units,
            reason,
            _until(form.get("day", ""), form.get("at", "")),
            request.now,
            set_by=who.viewer.id,
            hours=people.working_hours(unit.id),
            sure=bool(form.get("sure")),
            emergency_number=emergency,
            information=" ".join(form.get("information", "").split()),
        )
    except ValueError as error:
        field = str(error).partition(":")[0]
        if field == "emergency_number":
            return _page(request, store, unit, wrong=Wrong("emergency", say("department.no_emergency")))
        return _page(request, store, unit, wrong=Wrong("at", say("away.no_moment")))
    if isinstance(made, Question):
        return _page(request, store, unit, question=made)
    Wholes(store.journal).refer([each.id for each in units], made, request.now)
    return see_other(address("/manage/unit", id=unit.id, done="department"))


def _end(request: Request, store: Store) -> Response:
    unit = _unit(request, store, request.form.get("id", ""))
    Wholes(store.journal).end([unit.id], request.who.viewer.id, request.now)
    return see_other(address("/manage/unit", id=unit.id, done="department_ended"))


def _page(
    request: Request, store: Store, unit: Unit, *, question: Question | None = None, wrong: Wrong | None = None
) -> Response:
    frame, form, people = frame_of(request, store), request.form, store.people
    parents = {each.id: each.parent for each in people.units()}
    model = view.Department(
        id=unit.id,
        whole=whole_at(unit, request.now),
        reasons=store.people.reasons_of(unit.id),
        emergency=unit.emergency_number or "",
        below=len(below(unit.id, parents)) - 1,
        given=view.Given(
            reason=form.get("reason", ""),
            day=form.get("day", ""),
            at=form.get("at", ""),
            emergency=form.get("emergency", ""),
            information=form.get("information", "")[:INFORMATION_MAX],
            below=bool(form.get("below")),
        ),
        question=question,
        wrong=wrong,
    )
    faulty = question is not None or wrong is not None
    title = frame.say("department.title", name=unit.name)
    return page(frame, title, view.department(frame, model), status=422 if faulty else 200, wrong=faulty)


def _unit(request: Request, store: Store, id_: str) -> Unit:
    """One that whoever asks may refer whole. Raises Denied."""
    unit = store.people.unit(id_)
    if unit is None or not may_refer_whole(request.who.given, [unit.id], store.people):
        raise Denied(HTTPStatus.NOT_FOUND if unit is None else HTTPStatus.FORBIDDEN, "may_not")
    return unit


def _number(store: Store, text: str) -> str | None:
    """An extension, or a whole number outside, as E.164; None for none, and for what is neither."""
    text = text.strip()
    if not text or store.people.extension(text) is not None:
        return text or None
    written = LocalNumbering(line_prefixes=("",), area_code=store.config.numbering.local.area_code)
    dialled = parse_dialled(text, written)
    return dialled.e164 if dialled.kind in (NumberKind.NATIONAL, NumberKind.INTERNATIONAL) else None


def _until(day: str, at: str) -> When:
    """Raises ValueError."""
    if day and at:
        return local_moment(date.fromisoformat(day), time.fromisoformat(at).replace(tzinfo=None))
    if day:
        return date.fromisoformat(day)
    return time.fromisoformat(at).replace(second=0, microsecond=0, tzinfo=None) if at else None


ROUTES = (
    Route("GET", "/manage", Who.SIGNED_IN, _show),
    Route("POST", "/manage/reception", Who.SIGNED_IN, _reception),
    Route("GET", "/manage/unit", Right.REFER_OTHERS, _ask),
    Route("POST", "/manage/unit", Right.REFER_OTHERS, _refer),
    Route("POST", "/manage/unit/end", Right.REFER_OTHERS, _end),
)
