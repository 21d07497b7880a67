"""What the parts of a session share: their owner, the dialogs that they count in, an INVITE of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from callcontrol.sip.agent import TransactionId
from callcontrol.sip.described import typed
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.digest import Credentials
from callcontrol.sip.events import SessionEvent
from callcontrol.sip.message import Message, Request, Response
from callcontrol.sip.offer import Negotiation

if TYPE_CHECKING:
    from callcontrol.sip.session import Session

__all__ = ["RETRY_AFTER_S", "Branch", "Heard", "Inviting", "Owner", "Timer"]

RETRY_AFTER_S = "5"
"""RFC 3261 §14.2 lets it be any from 0 to 10."""

Heard = Callable[[Response | None, float], None]
"""What is done with each answer to a request of ours; None: there is none, nor will be."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Owner(Protocol):
    """What a session needs of its user agent."""

    contact: str
    session_s: int

    def ask(self, request: Request, now: float, credentials: Credentials | None, heard: Heard) -> TransactionId: ...
    def cancel(self, identity: TransactionId, now: float) -> None: ...
    def respond(self, identity: TransactionId, response: Response, now: float) -> bool: ...
    def repeat(self, response: Response) -> None: ...
    def acknowledge(self, ack: Request) -> None: ...
    def at(self, when: float, do: Callable[[float], None]) -> Timer: ...
    def random(self) -> str: ...
    def uniform(self, least: float, most: float) -> float: ...
    def emit(self, event: SessionEvent) -> None: ...
    def hold(self, key: tuple[str, str, str], session: Session) -> None: ...
    def release(self, keys: Iterable[tuple[str, str, str]]) -> None: ...
    def turned(self, session: Session) -> object: ...


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
class Inviting:
    """An INVITE of ours, the first or a later one."""

    offered: bool
    id: TransactionId = field(init=False)
    ack: Request | None = None
    timer: Timer | None = None

    def acknowledge(self, owner: Owner, branch: Branch, body: bytes = b"") -> None:
        """Its 2xx; said again as it stands in `ack` whenever that 2xx comes again."""
        cseq = branch.dialog.invite_cseq if self.ack is None else self.ack.cseq.number
        self.ack = branch.dialog.ack_of(cseq, typed(body), body)
        owner.acknowledge(self.ack)

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
