"""Messages to oneself."""

from __future__ import annotations

from http import HTTPStatus

from callcontrol.plan.memo import Memo, State, contact_by
from firmware.store.memos import MemoRows
from firmware.web.pages.common import MEMOS_MAX, frame_of, numbers_of
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views.frame import page
from firmware.web.views.memos import memos

__all__ = ["ROUTES"]


def _show(request: Request, store: Store) -> Response:
    frame, rows, people = frame_of(request, store), MemoRows(store.journal), store.people
    all_ = rows.of(numbers_of(request, store), MEMOS_MAX, handled=True)
    due, names = {}, {}
    for one in all_:
        extension = people.extension(one.extension)
        if one.state is not State.HANDLED and extension is not None:
            due[one.id] = contact_by(one.taken_at, people.working_hours(extension.unit))
        if (taker := people.person(one.taken_by)) is not None and not taker.protected:
            names[one.taken_by] = f"{taker.given} {taker.family}".strip()
        rows.read(one.id, request.now)
    return page(frame, "memos.title", memos(frame, all_, due, names))


def _handled(request: Request, store: Store) -> Response:
    _mine(request, store)
    MemoRows(store.journal).handled(request.part["id"], request.who.viewer.id, request.now)
    return see_other("/memos?done=handled")


def _mine(request: Request, store: Store) -> Memo:
    memo = MemoRows(store.journal).find(request.part["id"])
    if memo is None or memo.extension not in numbers_of(request, store):
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return memo


ROUTES = (
    Route("GET", "/memos", Who.SIGNED_IN, _show),
    Route("POST", "/memos/{id}/handled", Who.SIGNED_IN, _handled),
)
