"""One's own forwardings, by the same rules as the codes of the telephone (callcontrol/plan/setting.py)."""

from __future__ import annotations

from http import HTTPStatus

from callcontrol.plan.codes import Dialled, Own
from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.setting import Settled, settle
from firmware.store.changes import new_id
from firmware.web.pages.common import frame_of
from firmware.web.pages.people import name_of, seen
from firmware.web.site import Denied, Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views.forwarding import NUMBER_MAX, forwarding
from firmware.web.views.frame import page
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES"]

_DOES = {
    Condition.ALWAYS: Own.FORWARD,
    Condition.BUSY: Own.BUSY,
    Condition.NO_ANSWER: Own.NO_ANSWER,
    Condition.NOT_REACHABLE: Own.NOT_REACHABLE,
    Condition.FOLLOW_ME: Own.FOLLOW_ME,
    Condition.DO_NOT_DISTURB: Own.DO_NOT_DISTURB,
}
_DIALLED = str.maketrans("", "", " -()/.")


def _show(request: Request, store: Store) -> Response:
    return _page(request, store)


def _set(request: Request, store: Store) -> Response:
    who, say = request.who, frame_of(request, store).say
    condition = _condition(request)
    number = request.form.get("number", "").translate(_DIALLED)[:NUMBER_MAX]
    if condition is not Condition.DO_NOT_DISTURB and not number:
        return _page(request, store, Wrong("number", say("setting.number_unknown")))
    if number.startswith("+46"):
        number = f"0{number[3:]}"
    elif number.startswith("+"):
        number = f"00{number[1:]}"
    if number and not (number.isascii() and number.isdigit()):
        return _page(request, store, Wrong("number", say("setting.number_unknown")))
    dialled = Dialled(_DOES[condition], number=number)
    settled = settle(dialled, who.extension, store.people, request.now, new_id, store.people.roles)
    if not isinstance(settled, Settled) or not settled.writes:
        key = f"setting.{settled.said[0].key}" if isinstance(settled, Settled) else ""
        return _page(request, store, Wrong("number", say(key if say.knows(key) else "setting.not_forwarded_there")))
    for one in settled.writes:
        if isinstance(one, Forwarding):
            store.changes.forward(one, who.viewer.id)
    return see_other("/forwarding?done=forwarded")


def _end(request: Request, store: Store) -> Response:
    who = request.who
    done = store.changes.end_forwarding(who.extension, _condition(request), who.viewer.id, request.now)
    return see_other("/forwarding?done=forwarding_ended" if done else "/forwarding")


def _condition(request: Request) -> Condition:
    try:
        return Condition(request.form.get("condition", ""))
    except ValueError:
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "not_so") from None


def _page(request: Request, store: Store, wrong: Wrong | None = None) -> Response:
    frame, people = frame_of(request, store), store.people
    set_ = people.forwardings(request.who.extension)
    names = {}
    for one in set_:
        known = people.extension(one.target) if one.target else None
        if known is not None and seen(request, store, known):
            names[known.number] = name_of(known, store)
    given = (request.form.get("condition", ""), request.form.get("number", "")[:NUMBER_MAX])
    shown = forwarding(frame, set_, names, given, wrong)
    return page(frame, "more.forwarding", shown, status=422 if wrong else 200, wrong=wrong is not None)


ROUTES = (
    Route("GET", "/forwarding", Who.SIGNED_IN, _show),
    Route("POST", "/forwarding", Who.SIGNED_IN, _set),
    Route("POST", "/forwarding/end", Who.SIGNED_IN, _end),
)
