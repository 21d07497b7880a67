"""What pages do, by subject; `ROUTES` is what the site has beside signing in."""

from __future__ import annotations

from firmware.web.pages import more, own, papers, people, static
from firmware.web.site import Route

__all__ = ["ROUTES"]

ROUTES: tuple[Route, ...] = (*own.ROUTES, *people.ROUTES, *more.ROUTES, *papers.ROUTES, *static.ROUTES)
