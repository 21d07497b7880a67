"""To the municipality's own sign-in, and back from it."""

from __future__ import annotations

import logging
from http import HTTPStatus

from firmware.store.identified import extension_of
from firmware.web.answering import SIGN_IN, Answering
from firmware.web.identity.asking import Asking, Unreachable
from firmware.web.identity.oidc import BEGUN_MAX, Untrue, to_provider
from firmware.web.server import begun_cookie
from firmware.web.signing import sign_in_page
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store

__all__ = ["BACK", "ROUTES", "WITH"]

WITH, BACK = f"{SIGN_IN}/with", f"{SIGN_IN}/back"
CODE_MAX = 2_000
"""Characters."""

log = logging.getLogger("rvx")


async def _to(request: Request, answering: Answering) -> Response:
    asking, to = _asking(answering), request.query.get("to", "/")
    if request.session is not None:
        return see_other(to)
    try:
        provider = await asking.provider()
    except Unreachable:
        return sign_in_page(request, answering, to, wrong="identity_away", status=HTTPStatus.SERVICE_UNAVAILABLE)
    began = asking.pending.begin(f"{request.origin}{BACK}", to, request.now)
    there = to_provider(provider, asking.identity.client, began, asking.identity.claim)
    kept = (("Location", there), ("Set-Cookie", _browser(request, began.browser)))
    return Response(status=HTTPStatus.SEE_OTHER, headers=kept)


async def _back(request: Request, answering: Answering) -> Response:
    """Whatever went wrong, a PIN is left."""
    asking, said = _asking(answering), request.query
    began = asking.pending.end(said.get("state", ""), request.browser, request.now)
    if began is None:
        return _failed(request, answering, "/", "state")
    code, issuer = said.get("code", ""), said.get("iss")
    if "error" in said or not 0 < len(code) <= CODE_MAX:
        return _failed(request, answering, began.to, "error")
    try:
        provider = await asking.provider()
        if issuer != provider.issuer and (issuer is not None or provider.names_itself):
            return _failed(request, answering, began.to, "iss")  # another provider's answer (RFC 9207 §2.4)
        claims = await asking.who(code, began, request.now)
    except Unreachable:
        return sign_in_page(request, answering, began.to, wrong="identity_away", status=HTTPStatus.SERVICE_UNAVAILABLE)
    except Untrue as untrue:
        return _failed(request, answering, began.to, str(untrue))

    def begin(store: Store) -> tuple[str, str] | None:
        extension = extension_of(store.people, asking.identity.means, claims.value)
        return (extension, store.sessions.begin(extension, False, request.now)) if extension is not None else None

    found = await answering.in_store(begin)
    if found is None:
        return sign_in_page(request, answering, began.to, wrong="identity_nobody", status=HTTPStatus.FORBIDDEN)
    extension, cookie = found
    log.info("rvx-event kind=signed_in by=identity extension=%s", extension)
    return see_other(began.to, cookie=cookie, headers=(("Set-Cookie", _browser(request, "")),))


def _failed(request: Request, answering: Answering, to: str, why: str) -> Response:
    log.warning("rvx-event kind=identity_refused why=%s", why.replace(" ", "_"))
    return sign_in_page(request, answering, to, wrong="identity_failed", status=HTTPStatus.FORBIDDEN)


def _asking(answering: Answering) -> Asking:
    """Raises Denied where the site has no provider."""
    if answering.asking is None:
        raise Denied(HTTPStatus.NOT_FOUND, "not_found")
    return answering.asking


def _browser(request: Request, value: str) -> str:
    """What the browser that began a sign-in holds until it is back; "": no more."""
    age = int(BEGUN_MAX.total_seconds()) if value else 0
    kept = f"{begun_cookie(request.by_tls)}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax"
    return f"{kept}; Secure" if request.by_tls else kept


ROUTES = (
    Route("GET", WITH, Who.ANYBODY, _to),
    Route("GET", BACK, Who.ANYBODY, _back),
)
