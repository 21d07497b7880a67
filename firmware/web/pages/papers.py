"""Papers: guides, the card of codes, reserve plans, extracts; as a page, and to be printed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from callcontrol.plan.extract import Order, may_order
from callcontrol.plan.model import Unit
from callcontrol.plan.rights import Right
from callcontrol.plan.schedule import STOCKHOLM
from firmware.paper import card, extract, guide, reserve
from firmware.paper.blocks import Paper
from firmware.paper.guide import OF_ROLES, TITLES, Guide
from firmware.paper.site import Site, site_of
from firmware.reserve import ReservePlan, confirmed_by, plan_of
from firmware.store.changes import new_id
from firmware.store.extracts import ExtractRows
from firmware.store.reserves import ReserveRows
from firmware.web.pages.common import frame_of, may
from firmware.web.site import Denied, Refused, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views import papers as views
from firmware.web.views.frame import address, page
from firmware.web.views.parts import Wrong

if TYPE_CHECKING:
    from firmware.web.answering import Answering

__all__ = ["PLANNING", "ROUTES"]

PLANNING = (Right.CHANGE_REACH, Right.ORDER_EXTRACT, Right.CHANGE_PEOPLE)
"""Who has one of these for a unit looks after its reserve plan, as its telephony contact does."""
MADE_MAX = 20
EXTRACT_DAYS_MAX = 366


# ---- guides and the card


def _list(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    own = [OF_ROLES[given.role] for given in request.who.given]
    first = sorted(Guide, key=lambda each: (each not in own, list(Guide).index(each)))
    ways = []
    if _my_units(request, store):
        ways.append(("/reserve", "papers.reserve"))
    if request.who.has(Right.ORDER_EXTRACT):
        ways.append(("/extract", "papers.extract"))
    return page(frame, "papers.title", views.listed(frame, [(each.value, TITLES[each]) for each in first], ways))


def _guide(request: Request, store: Store) -> Response:
    return _shown(request, store, _of_guide(request, store), f"{request.path}/pdf")


def _card(request: Request, store: Store) -> Response:
    return _shown(request, store, _of_card(request, store), "/papers/card/pdf")


def _of_guide(request: Request, store: Store) -> Paper:
    try:
        wanted = Guide(request.part["role"])
    except ValueError as error:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found") from error
    return guide.paper(wanted, _site(request, store))


def _of_card(request: Request, store: Store) -> Paper:
    return card.paper(_site(request, store))


def _site(request: Request, store: Store) -> Site:
    """Of the entity of whoever asks."""
    extension = store.people.extension(request.who.extension)
    unit = store.people.unit(extension.unit) if extension is not None else None
    return site_of(store.config, store.people, unit.entity if unit is not None else None)


# ---- reserve plans


def _reserves(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    say = frame.say
    rows = []
    for unit in _my_units(request, store):
        plan = plan_of(store.people, unit)
        state = say("papers.not_confirmed")
        if plan.confirmed is not None:
            key = "papers.confirmed" if plan.holds else "papers.changed"
            state = say(key, day=f"{plan.confirmed.at.astimezone(STOCKHOLM):%Y-%m-%d}", who=plan.confirmed.confirmed_by)
        rows.append(views.UnitRow(unit.id, unit.name, state))
    return page(frame, "papers.reserve", views.units(frame, rows))


def _reserve(request: Request, store: Store) -> Response:
    frame, plan = frame_of(request, store), _plan(request.query, request, store)
    paper = _of_plan(plan, store)
    confirms = None if plan.holds else views.confirm(frame, plan.unit.id, plan.digest)
    pdf = address("/reserve/pdf", unit=plan.unit.id)
    return page(frame, paper.title, views.shown(frame, paper, pdf, confirms))


def _reserve_paper(request: Request, store: Store) -> Paper:
    return _of_plan(_plan(request.query, request, store), store)


def _confirm(request: Request, store: Store) -> Response:
    plan = _plan(request.form, request, store)
    if request.form.get("digest") != plan.digest:
        raise Refused("digest", "papers.has_changed")
    confirmed = confirmed_by(plan, request.who.name or request.who.extension, request.now)
    ReserveRows(store.journal).confirm(confirmed)
    return see_other(address("/reserve", done="confirmed"))


def _plan(fields: Mapping[str, str], request: Request, store: Store) -> ReservePlan:
    """Of a unit that whoever asks looks after; another is not there."""
    unit = store.people.unit(fields.get("unit", ""))
    if unit is None or not _looks_after(request, store, unit):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return plan_of(store.people, unit)


def _of_plan(plan: ReservePlan, store: Store) -> Paper:
    return reserve.paper(plan, site_of(store.config, store.people, plan.unit.entity))


def _my_units(request: Request, store: Store) -> list[Unit]:
    return [unit for unit in store.people.units() if _looks_after(request, store, unit)]


def _looks_after(request: Request, store: Store, unit: Unit) -> bool:
    person = request.who.person
    if person is not None and unit.telephony_contact == person:
        return True
    return any(may(request, store, right, unit.id) for right in PLANNING)


# ---- extracts


def _extracts(request: Request, store: Store) -> Response:
    return _form(request, store, views.Asked())


def _form(request: Request, store: Store, asked: views.Asked, wrong: Wrong | None = None) -> Response:
    frame = frame_of(request, store)
    rows = [
        views.MadeRow(
            one.order.id, f"{one.at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}", one.order.extension, one.order.asked_by,
            one.order.why,
        )
        for one in ExtractRows(store.journal).made(MADE_MAX)
        if _may_order(request, store, one.order.extension)
    ]  # fmt: skip
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return page(frame, "papers.extract", views.order(frame, asked, rows, wrong), status=status, wrong=wrong is not None)


def _extract(request: Request, store: Store) -> Response:
    """Makes one: it is written down before anything is shown."""
    frame, form = frame_of(request, store), request.form
    asked = views.Asked(
        form.get("extension", "").strip(), form.get("since", ""), form.get("until", ""), form.get("why", "").strip(),
        form.get("whole") == "1",
    )  # fmt: skip
    say = frame.say
    since, until = _day(asked.since), _day(asked.until)
    if not _may_order(request, store, asked.extension):
        return _form(request, store, asked, Wrong("extension", say("papers.not_yours")))
    for name, day in (("since", since), ("until", until)):
        if day is None:
            return _form(request, store, asked, Wrong(name, say("papers.no_day")))
    assert since is not None
    assert until is not None
    until += timedelta(days=1)
    if not since < until <= since + timedelta(days=EXTRACT_DAYS_MAX):
        return _form(request, store, asked, Wrong("until", say("papers.no_time")))
    who = request.who
    try:
        order = Order(
            id=new_id(), extension=asked.extension, since=since, until=until, asked_by=who.name or who.extension,
            why=asked.why, made_by=who.viewer.id, whole=asked.whole,
        )  # fmt: skip
    except ValueError:
        return _form(request, store, asked, Wrong("why", say("papers.no_why")))
    made = ExtractRows(store.journal).make(order, store.people, request.now)
    paper = extract.paper(made)
    return page(frame, paper.title, views.made(frame, paper, order.id))


def _extract_paper(request: Request, store: Store) -> Paper:
    """One that was made, by who may order it; that it is looked at again is written down."""
    found = ExtractRows(store.journal).one(request.query.get("id", ""))
    if found is None or not _may_order(request, store, found.extension):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    store.changes.looked(request.who.viewer.id, "extract", found.extension, found.id, found.why, request.now)
    return extract.paper(ExtractRows(store.journal).make(found, store.people, request.now))


def _may_order(request: Request, store: Store, number: str) -> bool:
    extension = store.people.extension(number)
    return extension is not None and may_order(request.who.given, extension, store.people)


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), STOCKHOLM)
    except (ValueError, OverflowError):
        return None


# ---- to be printed


def _shown(request: Request, store: Store, paper: Paper, pdf: str) -> Response:
    frame = frame_of(request, store)
    return page(frame, paper.title, views.shown(frame, paper, pdf))


def _printed(of: Callable[[Request, Store], Paper]) -> Callable[..., object]:
    """A handler that makes a PDF, beside the store's thread: a page waits for no paper."""

    async def handler(request: Request, answering: Answering) -> Response:
        paper = await answering.in_store(lambda store: of(request, store))
        return await asyncio.to_thread(_pdf, paper)

    return handler


def _pdf(paper: Paper) -> Response:
    from firmware.paper.sheet import TooLong, pdf

    try:
        data = pdf(paper)
    except TooLong as error:
        raise Refused("paper", "papers.too_long") from error
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in paper.title.lower())
    headers = (("Content-Disposition", f'inline; filename="{name}.pdf"'), ("Cache-Control", "no-store"))
    return Response(body=data, type="application/pdf", headers=headers)


ROUTES = (
    Route("GET", "/papers", Who.SIGNED_IN, _list),
    Route("GET", "/papers/card", Who.SIGNED_IN, _card),
    Route("GET", "/papers/card/pdf", Who.SIGNED_IN, _printed(_of_card)),
    Route("GET", "/papers/guide/{role}", Who.SIGNED_IN, _guide),
    Route("GET", "/papers/guide/{role}/pdf", Who.SIGNED_IN, _printed(_of_guide)),
    Route("GET", "/reserve", Who.SIGNED_IN, _reserves),
    Route("GET", "/reserve/plan", Who.SIGNED_IN, _reserve),
    Route("GET", "/reserve/pdf", Who.SIGNED_IN, _printed(_reserve_paper)),
    Route("POST", "/reserve/confirm", Who.SIGNED_IN, _confirm),
    Route("GET", "/extract", Right.ORDER_EXTRACT, _extracts),
    Route("POST", "/extract", Right.ORDER_EXTRACT, _extract),
    Route("GET", "/extract/pdf", Right.ORDER_EXTRACT, _printed(_extract_paper)),
)
