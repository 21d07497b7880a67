"""What stands around every page: its head, the way about, what was just done. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import quote

from callcontrol.plan.rights import Right
from firmware.web.html import Child, Html, document, el
from firmware.web.site import FIELD_TOKEN, Request, Response, Session
from firmware.web.words import LANGUAGES, Say

__all__ = ["KEEP", "MANAGING", "Frame", "address", "digest", "form", "page", "problem", "stamped"]

KEEP = ("X-Keep", "1")
"""A page that a browser may show again while the unit cannot be reached: one's own, and the directory's. Only on a
device of one's own: on another, whoever comes next would be shown it as soon as the network is pulled out."""
MANAGING = (
    Right.REFER_OTHERS,
    Right.CHANGE_REACH,
    Right.CHANGE_PEOPLE,
    Right.BLOCK,
    Right.ORDER_EXTRACT,
    Right.NIGHT_SERVICE,
)
"""Who has one of these sees the way to it."""
_HEADERS = (("Cache-Control", "no-store"),)


@dataclass(frozen=True, slots=True)
class Frame:
    """Whom a page is for. `waits`: what waits for them, by the page that has it; `path`: where they are; `done`: the
    key of words of what they just did."""

    say: Say
    now: datetime
    path: str
    session: Session | None = None
    done: str = ""
    waits: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request, waits: dict[str, int] | None = None) -> Frame:
        done = request.query.get("done", "")
        say = Say(request.language)
        known = done if say.knows(f"done.{done}") else ""
        return cls(say, request.now, request.path, request.session, known, waits or {})

    @property
    def token(self) -> str:
        return self.session.token if self.session else ""


def page(
    frame: Frame,
    title: str,
    *body: Child,
    heading: Child = None,
    status: int = HTTPStatus.OK,
    wrong: bool = False,
    keep: bool = False,
) -> Response:
    """`title`: words, or their key. `heading`: the page's first heading where it is more than its title. `wrong`: a
    form says what cannot be. `keep`: see KEEP."""
    say = frame.say
    title = say(title) if say.knows(title) else title
    head = (
        el("meta", {"charset": "utf-8"}),
        el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        el("meta", {"name": "color-scheme", "content": "light dark"}),
        el("meta", {"name": "theme-color", "content": "#0b4f6c"}),
        el("title", None, f"{say('frame.wrong')} – " if wrong else None, title, " – ", say("frame.name")),
        el("link", {"rel": "stylesheet", "href": stamped("site.css")}),
        el("link", {"rel": "icon", "href": stamped("icon.svg"), "type": "image/svg+xml"}),
        el("link", {"rel": "apple-touch-icon", "href": stamped("icon-192.png")}),
        el("link", {"rel": "manifest", "href": "/manifest.webmanifest"}),
        el("script", {"src": stamped("site.js"), "defer": True}),
    )
    session = frame.session
    shown = el(
        "body",
        {"data-who": session.extension if session else None, "data-token": frame.token or None},
        el("a", {"class": "skip", "href": "#main"}, say("frame.skip")),
        _header(frame),
        el("p", {"class": "band", "id": "offline", "role": "status", "hidden": True}, say("frame.offline")),
        el("p", {"class": "band", "id": "queued", "role": "status", "hidden": True}, say("frame.queued")),
        el(
            "main",
            {"id": "main", "tabindex": "-1"},
            el("p", {"class": "done", "role": "status"}, say(f"done.{frame.done}")) if frame.done else None,
            el("h1", None, title if heading is None else heading),
            *body,
        ),
        _footer(frame),
    )
    own = session is not None and session.kept
    headers = (*_HEADERS, KEEP) if keep and own else _HEADERS
    return Response(status=status, body=document(say.language, head, shown).encode(), headers=headers)


def problem(frame: Frame, status: int, why: str, **fill: str) -> Response:
    """That somebody does not come in here so, or that it cannot be done; and what to do. `why`: a key of the words
    "problem", or of any part where it has a dot in it."""
    say = frame.say
    if say.knows(why):
        title, does = "problem.cannot", say(why, **fill)
    else:
        key = why if say.knows(f"problem.{why}") else "fault"
        title, does = f"problem.{key}", say(f"problem.{key}_do")
    return page(
        frame,
        say(title),
        el("p", None, does),
        el("p", None, el("a", {"href": "/"}, say("problem.first_page"))),
        status=status,
    )


def form(frame: Frame, action: str, *children: Child, name: str | None = None, kind: str | None = None) -> Html:
    """A form that changes something. `kind`: its class."""
    token = el("input", {"type": "hidden", "name": FIELD_TOKEN, "value": frame.token}) if frame.token else None
    return el("form", {"method": "post", "action": action, "class": kind, "aria-label": name}, token, *children)


def address(path: str, **query: str) -> str:
    """A place of this site with its question."""
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
    return f"{path}?{asked}" if asked else path


def stamped(name: str) -> str:
    """A static file by what is in it, so that a browser may keep it for good."""
    return f"/static/{name}?v={digest(name)}"


def digest(name: str) -> str:
    if name not in _DIGESTS:
        _DIGESTS[name] = sha256((files("firmware.web") / "static" / name).read_bytes()).hexdigest()[:12]
    return _DIGESTS[name]


_DIGESTS: dict[str, str] = {}


def _header(frame: Frame) -> Html:
    say, session = frame.say, frame.session
    name = el("a", {"class": "name", "href": "/"}, say("frame.name"))
    if session is None:
        return el("header", {"class": "top"}, name)
    ways = [("/", "frame.own"), ("/find", "frame.find"), ("/voicemail", "frame.voicemail"), ("/memos", "frame.memos")]
    if any(map(session.has, MANAGING)):
        ways.append(("/manage", "frame.manage"))
    ways.append(("/more", "frame.more"))
    here = _here(frame.path, [place for place, _ in ways])
    return el(
        "header",
        {"class": "top"},
        name,
        el("nav", {"aria-label": say("frame.ways")}, el("ul", None, [_way(frame, *way, here) for way in ways])),
    )


def _here(path: str, places: Sequence[str]) -> str:
    return max((place for place in places if path == place or path.startswith(f"{place}/")), key=len, default="")


def _way(frame: Frame, place: str, key: str, here: str) -> Html:
    waits = frame.waits.get(place, 0)
    count = None
    if waits:
        told = el("span", {"class": "quiet-text"}, " ", frame.say("frame.new"))
        count = (" ", el("span", {"class": "count"}, waits, told))
    current = "page" if place == here else None
    return el("li", None, el("a", {"href": place, "aria-current": current}, frame.say(key), count))


def _footer(frame: Frame) -> Html:
    say = frame.say
    other = next(language for language in LANGUAGES if language != say.language)
    change = form(
        frame,
        "/language",
        el("input", {"type": "hidden", "name": "to", "value": frame.path}),
        el("button", {"class": "link", "name": "language", "value": other, "lang": other}, say("frame.other_language")),
    )
    session = frame.session
    if session is None:
        return el("footer", None, change)
    who = f"{session.name}, {session.extension}" if session.name else session.extension
    out = form(frame, "/sign-out", el("button", {"class": "link"}, say("frame.sign_out")))
    return el("footer", None, el("p", None, say("frame.signed_in", who=who)), out, change)
