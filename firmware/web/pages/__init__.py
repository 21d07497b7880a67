"""What pages do, by subject; `ROUTES` is what the site has beside signing in."""

from __future__ import annotations

from firmware.web.pages import (
    calendars,
    departments,
    faults,
    forwarding,
    leavers,
    manage,
    me,
    memos,
    more,
    own,
    papers,
    people,
    static,
    voicemail,
)
from firmware.web.site import Route

__all__ = ["ROUTES"]

ROUTES: tuple[Route, ...] = (
    *own.ROUTES,
    *people.ROUTES,
    *voicemail.ROUTES,
    *memos.ROUTES,
    *calendars.ROUTES,
    *forwarding.ROUTES,
    *papers.ROUTES,
    *me.ROUTES,
    *departments.ROUTES,
    *manage.ROUTES,
    *leavers.ROUTES,
    *faults.ROUTES,
    *more.ROUTES,
    *static.ROUTES,
)
