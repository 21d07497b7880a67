"""One's own calendar. Its address is shown to nobody again."""

from __future__ import annotations

from firmware.store.calendars import Calendars
from firmware.web.pages.common import frame_of
from firmware.web.site import Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views.calendars import calendar
from firmware.web.views.frame import page
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES"]


def _show(request: Request, store: Store) -> Response:
    return _page(request, store)


def _subscribe(request: Request, store: Store) -> Response:
    who = request.who
    try:
        Calendars(store.journal).subscribe(who.extension, request.form.get("url", ""), who.viewer.id, request.now)
    except ValueError:
        frame = frame_of(request, store)
        return _page(request, store, Wrong("url", frame.say("calendar.wrong_url")))
    return see_other("/calendar?done=calendar")


def _again(request: Request, store: Store) -> Response:
    Calendars(store.journal).again(request.who.extension, request.now)
    return see_other("/calendar?done=calendar_again")


def _end(request: Request, store: Store) -> Response:
    Calendars(store.journal).unsubscribe(request.who.extension, request.who.viewer.id, request.now)
    return see_other("/calendar?done=calendar_ended")


def _page(request: Request, store: Store, wrong: Wrong | None = None) -> Response:
    frame, number = frame_of(request, store), request.who.extension
    subscription = Calendars(store.journal).of(number)
    shown = calendar(frame, subscription, store.people.reasons(number), wrong)
    return page(frame, "calendar.title", shown, status=422 if wrong else 200, wrong=wrong is not None)


ROUTES = (
    Route("GET", "/calendar", Who.SIGNED_IN, _show),
    Route("POST", "/calendar", Who.SIGNED_IN, _subscribe),
    Route("POST", "/calendar/again", Who.SIGNED_IN, _again),
    Route("POST", "/calendar/end", Who.SIGNED_IN, _end),
)
