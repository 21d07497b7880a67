"""One's own page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from callcontrol.plan.absence import Source
from callcontrol.plan.reasons import Reason, ReturnKind
from callcontrol.plan.refer import Question
from firmware.store.changes import new_id
from firmware.web.pages import referring
from firmware.web.pages.common import frame_of, numbers_of
from firmware.web.pages.referring import Whose
from firmware.web.site import Request, Response, Route, Who, see_other
from firmware.web.store import Store
from firmware.web.views import own as view
from firmware.web.views.frame import page
from firmware.web.views.parts import Wrong

__all__ = ["ROUTES"]


def _show(request: Request, store: Store) -> Response:
    frame, whose = frame_of(request, store), _whose(request, store)
    people, number = store.people, whose.first
    reasons = people.reasons(number)
    model = view.Own(
        number=number,
        absent=people.absent(number, request.now),
        reasons=reasons,
        usual=[(reason, referring.usual(reason, store, number, request.now)) for reason in _often_first(store, number)],
        asked=frozenset(reason.key for reason in reasons if reason.returns.kind is ReturnKind.ASKED),
        intervals=referring.intervals(store, number, request.now),
        forwardings=people.forwardings(number),
        others=whose.numbers[1:],
        once=new_id(),
    )
    name = request.who.name or number
    return page(frame, frame.say("own.title", name=name), view.own(frame, model), heading=name, keep=True)


def _often_first(store: Store, number: str) -> Sequence[Reason]:
    """The reasons, those first that somebody has used oftenest; the others as the site has them."""
    used = Counter(one.reason for one in store.people.referrals(number)[0] if one.source.by_hand)
    return sorted(store.people.reasons(number), key=lambda reason: -used[reason.key])


def _ask(request: Request, store: Store) -> Response:
    return _form(request, store)


def _away(request: Request, store: Store) -> Response:
    found = referring.refer(request, store, _whose(request, store))
    if isinstance(found, Question):
        return _form(request, store, question=found)
    if isinstance(found, Wrong):
        return _form(request, store, wrong=found)
    return see_other("/?done=away")


def _back(request: Request, store: Store) -> Response:
    return see_other("/?done=back" if referring.back(request, store, _whose(request, store)) else "/")


def _end(request: Request, store: Store) -> Response:
    return see_other("/?done=removed" if referring.end(request, store, _whose(request, store)) else "/")


def _form(request: Request, store: Store, *, question: Question | None = None, wrong: Wrong | None = None) -> Response:
    frame = frame_of(request, store)
    model = referring.form_of(request, store, _whose(request, store), "/away", question=question, wrong=wrong)
    title = frame.say("away.title", reason=model.reason.word(public=False, english=frame.say.english))
    faulty = wrong is not None or question is not None
    return page(frame, title, view.away(frame, model), status=422 if faulty else 200, wrong=faulty)


def _whose(request: Request, store: Store) -> Whose:
    return Whose(numbers=numbers_of(request, store), by=request.who.viewer.id, source=Source.PAGE)


ROUTES = (
    Route("GET", "/", Who.SIGNED_IN, _show),
    Route("GET", "/away", Who.SIGNED_IN, _ask),
    Route("POST", "/away", Who.SIGNED_IN, _away),
    Route("POST", "/away/end", Who.SIGNED_IN, _end),
    Route("POST", "/back", Who.SIGNED_IN, _back),
)
