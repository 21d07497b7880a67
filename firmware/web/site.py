"""Who may have which page: requests, routes, and the doors that each request passes, in one place. Pure.

A route says who may come in: anybody, who is signed in, or who has a right anywhere in the organisation; for whom the
right holds is asked by what the route leads to. What changes something is a POST of a form of ours, with the session's
token in it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from http import HTTPStatus

from callcontrol.plan.rights import RIGHTS, Given, Right
from firmware.store.visible import Viewer

__all__ = [
    "FIELD_TOKEN",
    "Denied",
    "Refused",
    "Request",
    "Response",
    "Route",
    "Routes",
    "Session",
    "Who",
    "judge",
    "see_other",
]

FIELD_TOKEN = "token"  # noqa: S105  the name of a field
"""Of each form: `Session.token`."""
LOCAL = re.compile(r"/(?![/\\])[\x21-\x7e]{0,500}")
"""A place of this site, as an address after a sign-in."""


class Who(Enum):
    """Who may come in, where no right is asked for."""

    ANYBODY = auto()
    SIGNED_IN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in by an extension. `person`: whose it is, None for a phone of several. `token`: what each
    form of theirs holds. `kept`: on a device of their own, as they said at signing in."""

    extension: str
    person: str | None
    given: tuple[Given, ...] = ()
    viewer: Viewer
    token: str = field(repr=False)
    name: str = ""
    kept: bool = False

    def has(self, right: Right) -> bool:
        """For anybody at all."""
        return any(right in RIGHTS[one.role] for one in self.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`address`: who asks; `host`: by which name and port we were reached, `by_tls`: and how. `ours`: whether the
    browser says that a page of ours asks. `cookie`: what names the session. `browser`: what the browser holds of a
    sign-in that it began elsewhere. `part`: the parts of the path that the route names."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    part: Mapping[str, str] = field(default_factory=dict)
    language: str = "sv"
    address: str = ""
    host: str = ""
    by_tls: bool = False
    ours: bool = False
    cookie: str = field(default="", repr=False)
    browser: str = field(default="", repr=False)
    session: Session | None = None
    known: str = ""
    """What of the answer the browser has already (If-None-Match)."""
    now: datetime

    @property
    def origin(self) -> str:
        """By which scheme and name this site was asked."""
        return f"{'https' if self.by_tls else 'http'}://{self.host}"

    @property
    def who(self) -> Session:
        """Of a route that only who is signed in may have."""
        if self.session is None:
            raise Denied(HTTPStatus.FORBIDDEN, "sign_in")
        return self.session


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`cookie`: a session's that begins ("" one that ends), None: as it was; `cookie_s`: how long the browser keeps it,
    0: until it is closed."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    type: str = "text/html; charset=utf-8"
    headers: Sequence[tuple[str, str]] = ()
    cookie: str | None = field(default=None, repr=False)
    cookie_s: int = 0


class Denied(Exception):
    """Nobody comes in here so: the status, and the key of the words that say why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Refused(Exception):
    """A form says what cannot be: the field, and the key of the words that say why."""

    def __init__(self, field: str, why: str, **fill: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why
        self.fill = fill


@dataclass(frozen=True, slots=True)
class Route:
    """`path` may have parts that are named: "/person/{id}". `handler`: see firmware/web/server.py."""

    method: str
    path: str
    may: Who | Right | tuple[Right, ...]
    """Of several rights any."""
    handler: Callable[..., object]

    def match(self, path: str) -> dict[str, str] | None:
        parts, wanted = path.split("/"), self.path.split("/")
        if len(parts) != len(wanted):
            return None
        found = {}
        for part, want in zip(parts, wanted, strict=True):
            if want.startswith("{"):
                if not part:
                    return None
                found[want[1:-1]] = part
            elif part != want:
                return None
        return found


class Routes:
    """Of several that fit the first one is meant."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.all = tuple(routes)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """HEAD is GET. Raises Denied."""
        wanted = "GET" if method == "HEAD" else method
        fits = [(route, part) for route in self.all if (part := route.match(path)) is not None]
        if not fits:
            raise Denied(HTTPStatus.NOT_FOUND, "not_found")
        for route, part in fits:
            if route.method == wanted:
                return route, part
        raise Denied(HTTPStatus.METHOD_NOT_ALLOWED, "not_so")


def judge(route: Route, request: Request) -> None:
    """Whether this request comes in there. Raises Denied: "sign_in" for who may try again when known."""
    session = request.session
    if route.may is not Who.ANYBODY and session is None:
        raise Denied(HTTPStatus.UNAUTHORIZED, "sign_in")
    if not isinstance(route.may, Who):
        rights = (route.may,) if isinstance(route.may, Right) else route.may
        if session is None or not any(map(session.has, rights)):
            raise Denied(HTTPStatus.FORBIDDEN, "may_not")
    if route.method == "GET":
        return
    if not request.ours:
        raise Denied(HTTPStatus.FORBIDDEN, "not_ours")
    if route.may is Who.ANYBODY:  # a sign-in, also of somebody who is signed in
        return
    token = session.token if session is not None else ""
    if not token or not hmac.compare_digest(token.encode(), request.form.get(FIELD_TOKEN, "").encode()):
        raise Denied(HTTPStatus.FORBIDDEN, "not_ours")


def see_other(
    place: str, *, cookie: str | None = None, cookie_s: int = 0, headers: Sequence[tuple[str, str]] = ()
) -> Response:
    """On to a page of this site, after a form; what is no place of it leads to the first page."""
    there = place if LOCAL.fullmatch(place) else "/"
    told = (("Location", there), *headers)
    return Response(status=HTTPStatus.SEE_OTHER, headers=told, cookie=cookie, cookie_s=cookie_s)
