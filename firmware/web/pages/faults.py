"""Fault reports: anybody who is signed in leaves one; who configures answers them."""

from __future__ import annotations

from http import HTTPStatus

from callcontrol.plan.faultreport import Fault, FaultReport, Source, answered
from callcontrol.plan.rights import Right
from firmware.store.changes import new_id
from firmware.store.faults import FaultRows
from firmware.store.journal import Journal
from firmware.web.pages.common import frame_of, may
from firmware.web.pages.people import seen
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views import faults as view
from firmware.web.views.frame import page
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES"]

OWN_MAX = 10
LOOKED_AT_MAX = 500


def _ask(request: Request, store: Store) -> Response:
    return _page(request, store)


def _report(request: Request, store: Store) -> Response:
    form, say = request.form, frame_of(request, store).say
    number, id_ = form.get("extension", "").strip(), form.get("id", "")
    about = store.people.extension(number) if number else None
    if number and (about is None or not seen(request, store, about)):
        return _page(request, store, Wrong("extension", say("form.no_extension")))
    incident = Journal(store.journal).incident_open()
    try:
        FaultRows(store.journal).report(
            FaultReport(
                id=id_ if len(id_) == 24 and id_.isalnum() else new_id(),
                at=request.now,
                extension=number or None,
                reporter=request.who.extension,
                source=Source.PAGE,
                what=Fault(form.get("what", "")),
                text=form.get("text", ""),
                mode="NORMAL" if incident is None else "SURVIVAL",
                incident=incident,
            )
        )
    except ValueError:
        return _page(request, store, Wrong("text", say("fault.no_text")))
    except OverflowError:
        return _page(request, store, Wrong("text", say("fault.too_many")))
    return see_other("/fault?done=fault")


def _page(request: Request, store: Store, wrong: Wrong | None = None) -> Response:
    frame, form, who = frame_of(request, store), request.form, request.who
    lately = FaultRows(store.journal).lately(LOOKED_AT_MAX)
    own = [one for one in lately if one.reporter in (who.extension, who.viewer.id)][:OWN_MAX]
    given = (form.get("what", ""), form.get("text", "")[: view.TEXT_MAX])
    shown = view.report(frame, form.get("extension", who.extension)[:15], given, new_id(), own, wrong)
    return page(frame, "fault.title", shown, status=422 if wrong else 200, wrong=wrong is not None)


def _list(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    waiting = [one for one in FaultRows(store.journal).waiting() if _looks_after(request, store, one)]
    return page(frame, "fault.list", view.faults(frame, waiting))


def _answer(request: Request, store: Store) -> Response:
    answer = " ".join(request.form.get("answer", "").split())[: view.ANSWER_MAX]
    if not answer or not answer.isprintable():
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "not_so")
    rows, people = FaultRows(store.journal), store.people
    known = rows.one(request.part["id"])
    if known is not None and not _looks_after(request, store, known):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    report = rows.answer(request.part["id"], answer, request.who.viewer.id, request.now)
    if report is not None:
        extension = people.extension(report.reporter) or people.extension(report.extension or "")
        if extension is not None and extension.person is not None:
            store.changes.notice(answered(report, extension.person), request.now)
    return see_other("/faults?done=fault_answered")


def _looks_after(request: Request, store: Store, report: FaultReport) -> bool:
    """Whether whoever asks configures where that phone is, or who reports sits; of neither known: anywhere."""
    people = store.people
    about = people.extension(report.extension or "") or people.extension(report.reporter)
    return may(request, store, Right.CONFIGURE, about.unit if about is not None else "")


ROUTES = (
    Route("GET", "/fault", Who.SIGNED_IN, _ask),
    Route("POST", "/fault", Who.SIGNED_IN, _report),
    Route("GET", "/faults", Right.CONFIGURE, _list),
    Route("POST", "/faults/{id}", Right.CONFIGURE, _answer),
)
