"""The way to what one needs less often."""

from __future__ import annotations

from firmware.web.pages.common import frame_of
from firmware.web.site import Request, Response, Route, Who
from firmware.web.store import Store
from firmware.web.views.frame import page
from firmware.web.views.more import more

__all__ = ["ROUTES"]

_WAYS = (
    ("/forwarding", "forwarding"),
    ("/calendar", "calendar"),
    ("/me", "me"),
    ("/organisation", "organisation"),
    ("/papers", "papers"),
    ("/fault", "fault"),
    ("/pin", "pin"),
)


def _show(request: Request, store: Store) -> Response:
    frame = frame_of(request, store)
    ways = [(place, key) for place, key in _WAYS if key != "me" or request.who.person]
    return page(frame, "more.title", more(frame, ways))


ROUTES = (Route("GET", "/more", Who.SIGNED_IN, _show),)
