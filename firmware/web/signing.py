"""Signing in by extension and PIN, and out again; and in which language."""

from __future__ import annotations

import re
from http import HTTPStatus

from firmware.store.sessions import KEPT_IDLE
from firmware.web.answering import SIGN_IN, Answering
from firmware.web.site import Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views.frame import Frame, page
from firmware.web.views.signin import sign_in

__all__ = ["ROUTES", "sign_in_page"]

LANGUAGES = ("sv", "en")
LANGUAGE_S = 365 * 86_400
_EXTENSION, _PIN = re.compile(r"[0-9]{1,8}"), re.compile(r"[0-9]{1,12}")


async def _show(request: Request, answering: Answering) -> Response:
    to = request.query.get("to", "/")
    return see_other(to) if request.session is not None else sign_in_page(request, answering, to)


async def _sign_in(request: Request, answering: Answering) -> Response:
    """What was wrong, the extension or the PIN, is not said."""
    extension, pin, to = (request.form.get(name, "").strip() for name in ("extension", "pin", "to"))
    caller = f"web {request.address}"
    if not await answering.pins.may_try(caller):
        return sign_in_page(request, answering, to, extension, "too_often", HTTPStatus.TOO_MANY_REQUESTS)
    known = bool(_EXTENSION.fullmatch(extension) and _PIN.fullmatch(pin))
    if not known or not await answering.pins.proves(caller, extension, pin):
        return sign_in_page(request, answering, to, extension, "wrong", HTTPStatus.UNPROCESSABLE_ENTITY)
    kept = bool(request.form.get("kept"))
    cookie = await answering.in_store(lambda store: store.sessions.begin(extension, kept, request.now))
    return see_other(to, cookie=cookie, cookie_s=int(KEPT_IDLE.total_seconds()) if kept else 0)


def sign_in_page(
    request: Request, answering: Answering, to: str, extension: str = "", wrong: str = "", status: int = HTTPStatus.OK
) -> Response:
    """`wrong`: a key of the words "sign_in". The municipality's own sign-in is offered while it can be reached."""
    asking, frame = answering.asking, Frame.of(request)
    by = asking.identity.name or frame.say("sign_in.identity") if asking is not None and asking.reachable else ""
    return page(frame, "sign_in.title", sign_in(frame, extension, wrong, to, by), status=status, wrong=bool(wrong))


def _sign_out(request: Request, store: Store) -> Response:
    store.sessions.end(request.cookie)
    return see_other(SIGN_IN, cookie="")


def _language(request: Request, store: Store) -> Response:
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        language = LANGUAGES[0]
    kept = f"language={language}; Max-Age={LANGUAGE_S}; Path=/; SameSite=Lax"
    return see_other(request.form.get("to", "/"), headers=(("Set-Cookie", kept),))


ROUTES = (
    Route("GET", SIGN_IN, Who.ANYBODY, _show),
    Route("POST", SIGN_IN, Who.ANYBODY, _sign_in),
    Route("POST", "/sign-out", Who.SIGNED_IN, _sign_out),
    Route("POST", "/language", Who.ANYBODY, _language),
)
