"""REFER in both directions (RFC 3515): those that came, and how the one goes that we have asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callcontrol.sip.agent import TransactionId
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.events import Notified, Referred
from callcontrol.sip.message import Request, Response
from callcontrol.sip.offer import Negotiation
from callcontrol.sip.phase import Phase
from callcontrol.sip.refer import SIPFRAG, ReferTo, sipfrag, status_of
from callcontrol.sip.shared import RETRY_AFTER_S, Branch, Owner

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["NOTES_S", "Refer", "Refers", "refer_outside"]

REFERS_MAX = 4
"""Of one call, not finished, at a time."""

NOTES_S = 180
"""So long a REFER's notes are promised for: as long as a phone may ring."""


@dataclass
class Refer:
    """A REFER that came. `silent`: no notes are wanted of it (RFC 4488)."""

    to: ReferTo
    request: Request
    silent: bool
    _owner: Owner
    _branch: Branch
    _id: TransactionId
    _first: bool
    _tag: str
    _accepted: bool = False
    _closed: bool = False

    def accept(self, now: float) -> bool:
        """202, and the first note."""
        headers = [("Contact", self._owner.contact), *([("Refer-Sub", "false")] if self.silent else [])]
        if self._accepted or not self._answer(202, headers, now):
            return False
        self._accepted = True
        self.note(100, now)
        return True

    def refuse(self, status: int, now: float, reason: str = "") -> bool:
        self._closed = True
        return self._answer(status, [], now, reason)

    def note(self, status: int, now: float) -> None:
        """How the call goes. The first final status is the last note; nothing is said of a REFER not accepted."""
        if self._closed or not self._accepted:
            return
        self._closed = status >= 200
        if self.silent:
            return
        event = "refer" if self._first else f"refer;id={self.request.cseq.number}"
        state = "terminated;reason=noresource" if status >= 200 else f"active;expires={NOTES_S}"
        headers = [
            ("Event", event),
            ("Subscription-State", state),
            ("Contact", self._owner.contact),
            ("Content-Type", f"{SIPFRAG};version=2.0"),
        ]
        self._branch.dialog, notify = self._branch.dialog.request("NOTIFY", headers, sipfrag(status))
        self._owner.ask(notify, now, None, self._noted)

    def close(self, now: float) -> None:
        """The dialog is over: there is nobody to tell any more."""
        if not (self._accepted or self._closed):
            self.refuse(481, now)
        self._closed = True

    @property
    def open(self) -> bool:
        return not self._closed

    def _noted(self, response: Response | None, now: float) -> None:
        if response is None or response.status in (408, 481):
            self._closed = True

    def _answer(self, status: int, headers: Iterable[tuple[str, str]], now: float, reason: str = "") -> bool:
        response = Response.answering(self.request, status, reason, headers=headers)
        if self._tag:
            response = response.with_header("To", f"{self.request.to.text};tag={self._tag}")
        return self._owner.respond(self._id, response, now)


@dataclass(eq=False)
class Refers:
    """The REFERs of one call, and their notes."""

    session: Session
    _open: list[Refer] = field(default_factory=list)
    _came: int = 0

    def ask(self, to: ReferTo, now: float, headers: Iterable[tuple[str, str]]) -> None:
        said = [("Refer-To", str(to)), ("Contact", self.session.owner.contact), *headers]
        self.session.ask("REFER", said, b"", now, self._answered)

    def came(self, identity: TransactionId, request: Request, branch: Branch, now: float) -> None:
        session = self.session
        to = ReferTo.of(request)
        self._open = [refer for refer in self._open if refer.open]
        if session.phase is not Phase.UP or len(self._open) >= REFERS_MAX:
            session.respond(identity, request, 500, now, (("Retry-After", RETRY_AFTER_S),))
            return
        refer = Refer(to, request, _silent(request), session.owner, branch, identity, self._came == 0, "")
        self._came += 1
        self._open.append(refer)
        session.owner.emit(Referred(session, refer))

    def notified(self, identity: TransactionId, request: Request, now: float) -> None:
        session = self.session
        if (request.header("Event") or "").partition(";")[0].strip().lower() != "refer":
            session.respond(identity, request, 489, now)
            return
        status = status_of(request.body) if request.body else 100
        session.respond(identity, request, 200, now)
        state = (request.header("Subscription-State") or "").strip().lower()
        session.owner.emit(Notified(session, status, state.startswith("terminated") or status >= 200))

    def close(self, now: float) -> None:
        for refer in self._open:
            refer.close(now)
        self._open = []

    def _answered(self, response: Response | None, now: float) -> None:
        if response is not None and response.status < 200:
            return
        if response is None or response.status >= 300:
            self.session.owner.emit(Notified(self.session, 408 if response is None else response.status, True))
        elif (response.header("Refer-Sub") or "").strip().lower() == "false":
            self.session.owner.emit(Notified(self.session, response.status, True))


def refer_outside(owner: Owner, identity: TransactionId, request: Request, to: ReferTo, tag: str) -> Refer:
    """A REFER outside of a call: its notes have a dialog of their own, by `tag`; empty where it stands in others'."""
    branch = Branch(Dialog.of_request(request, tag), Negotiation())
    return Refer(to, request, _silent(request), owner, branch, identity, True, tag)


def _silent(request: Request) -> bool:
    """Whether the one who refers wants no notes (RFC 4488)."""
    return (request.header("Refer-Sub") or "").strip().lower() == "false"
