"""Files that every page needs: how it looks, its script, its icon. By what is in them, so that a browser keeps them."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from importlib.resources import files

from firmware.web.site import Denied, Request, Response, Route, Who
from firmware.web.store import Store
from firmware.web.views.frame import digest

__all__ = ["ROUTES"]

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/manifest+json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
FILES = ("icon-192.png", "icon-512.png", "icon.svg", "site.css", "site.js")
_FOR_GOOD = ("Cache-Control", "public, max-age=31536000, immutable")
_ASKED_AGAIN = ("Cache-Control", "no-cache")


def _file(request: Request, store: Store) -> Response:
    name = request.part["name"]
    if name not in FILES:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    fresh = request.query.get("v") == digest(name)
    return _given(request, name, _FOR_GOOD if fresh else _ASKED_AGAIN)


def _worker(request: Request, store: Store) -> Response:
    """At the root, so that it may keep all pages."""
    return _given(request, "sw.js", _ASKED_AGAIN)


def _manifest(request: Request, store: Store) -> Response:
    return _given(request, "manifest.json", _ASKED_AGAIN)


def _given(request: Request, name: str, keep: tuple[str, str]) -> Response:
    etag = f'"{digest(name)}"'
    headers = (keep, ("ETag", etag))
    if request.known == etag:
        return Response(status=304, headers=headers)
    return Response(body=_read(name), type=_TYPES[name.rpartition(".")[2]], headers=headers)


@cache
def _read(name: str) -> bytes:
    return (files("firmware.web") / "static" / name).read_bytes()


ROUTES = (
    Route("GET", "/static/{name}", Who.ANYBODY, _file),
    Route("GET", "/sw.js", Who.ANYBODY, _worker),
    Route("GET", "/manifest.webmanifest", Who.ANYBODY, _manifest),
)
