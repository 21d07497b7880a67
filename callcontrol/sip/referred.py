"""A REFER that came (RFC 3515), and what sessions and it share: their owner, and the dialog that they count in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from callcontrol.sip.agent import TransactionId
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.digest import Credentials
from callcontrol.sip.events import SessionEvent
from callcontrol.sip.message import Message, Request, Response
from callcontrol.sip.offer import Negotiation
from callcontrol.sip.refer import SIPFRAG, ReferTo, sipfrag

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["NOTES_S", "Branch", "Owner", "Refer", "Timer", "refer_outside"]

NOTES_S = 180
"""So long a REFER's notes are promised for: as long as a phone may ring."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Owner(Protocol):
    """What a session needs of its user agent."""

    contact: str

    def ask(
        self,
        request: Request,
        now: float,
        credentials: Credentials | None,
        heard: Callable[[Response | None, float], None],
    ) -> TransactionId: ...
    def cancel(self, identity: TransactionId, now: float) -> None: ...
    def respond(self, identity: TransactionId, response: Response, now: float) -> bool: ...
    def acknowledge(self, ack: Request) -> None: ...
    def at(self, when: float, do: Callable[[float], None]) -> Timer: ...
    def random(self) -> str: ...
    def uniform(self, least: float, most: float) -> float: ...
    def emit(self, event: SessionEvent) -> None: ...
    def hold(self, key: tuple[str, str, str], session: Session) -> None: ...
    def release(self, keys: Iterable[tuple[str, str, str]]) -> None: ...


@dataclass
class Branch:
    """A dialog, early or confirmed, and what was agreed on in it."""

    dialog: Dialog
    talk: Negotiation
    updates: bool = False  # the peer takes UPDATE
    rseq: int = 0  # of the last reliable provisional answer that came
    preview: bytes = b""  # a description in an answer that was not reliable

    def says(self, message: Message) -> None:
        if message.header("Allow") is not None:
            self.updates = "update" in message.options("Allow")


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


def refer_outside(owner: Owner, identity: TransactionId, request: Request, to: ReferTo, tag: str) -> Refer:
    """A REFER outside of a call: its notes have a dialog of their own."""
    silent = (request.header("Refer-Sub") or "").strip().lower() == "false"
    branch = Branch(Dialog.of_request(request, tag), Negotiation())
    return Refer(to, request, silent, owner, branch, identity, True, tag)
