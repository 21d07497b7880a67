"""What several pages ask: whose they are, and what waits for them."""

from __future__ import annotations

from http import HTTPStatus

from callcontrol.plan.rights import Right, may_do
from firmware.store.mailbox import Mailbox
from firmware.store.memos import MemoRows
from firmware.web.site import Denied, Request
from firmware.web.store import Store
from firmware.web.views.frame import Frame

__all__ = ["MEMOS_MAX", "frame_of", "mailboxes_of", "may", "numbers_of", "wanted"]

MEMOS_MAX = 100


def frame_of(request: Request, store: Store) -> Frame:
    """With what waits for whoever is signed in."""
    if request.session is None:
        return Frame.of(request)
    voicemail = sum(Mailbox(store.journal).waiting(number).new for number in mailboxes_of(request, store))
    memos = len(MemoRows(store.journal).of(numbers_of(request, store), MEMOS_MAX))
    return Frame.of(request, {"/voicemail": voicemail, "/memos": memos})


def numbers_of(request: Request, store: Store) -> tuple[str, ...]:
    """The phones of who is signed in: the one that they signed in by first."""
    who = request.who
    all_ = store.people.extensions_of(who.person) if who.person else ()
    return (who.extension, *(number for number in all_ if number != who.extension))


def mailboxes_of(request: Request, store: Store) -> tuple[str, ...]:
    people = store.people
    return tuple(
        number
        for number in numbers_of(request, store)
        if (extension := people.extension(number)) is not None and extension.voicemail
    )


def may(request: Request, store: Store, right: Right, unit: str) -> bool:
    return may_do(request.who.given, right, unit, store.people)


def wanted(request: Request, store: Store, right: Right, unit: str) -> None:
    """Raises Denied for who may not do this for the people of a unit."""
    if not may(request, store, right, unit):
        raise Denied(HTTPStatus.FORBIDDEN, "may_not")
