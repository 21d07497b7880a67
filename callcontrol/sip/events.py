"""What a session tells its user: each event names the session, and what has come is as it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from callcontrol.sip.message import Message, Request, Response

if TYPE_CHECKING:
    from callcontrol.sip.referred import Refer
    from callcontrol.sip.session import Session

__all__ = [
    "Agreed",
    "Answered",
    "Ended",
    "EndedBy",
    "Invited",
    "Notified",
    "OfferRefused",
    "Offered",
    "Progressed",
    "Referred",
    "SessionEvent",
    "Told",
    "Withdrawn",
]


class EndedBy(Enum):
    LOCAL = "the user"
    REMOTE = "the other side"
    TIMEOUT = "an answer, an ACK, a PRACK or a refresh that did not come"
    LOST = "the connection"
    FAULT = "what the other side sent and cannot be"


@dataclass(frozen=True, slots=True)
class Invited:
    """A new call. `offer` is empty where we are to make one. `replaces`: the session whose place it would take."""

    session: Session
    request: Request
    offer: bytes
    replaces: Session | None


@dataclass(frozen=True, slots=True)
class Progressed:
    """A provisional answer with a tag. `offers`: `body` is to be answered by `reply`."""

    session: Session
    response: Response
    body: bytes
    offers: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """`body` is what the other side wants now, as it stands in this or an earlier answer."""

    session: Session
    response: Response
    body: bytes
    offers: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """To be answered by `reply` or `reject`. An empty body asks for an offer of ours."""

    session: Session
    body: bytes


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was Offered waits for no answer any more."""

    session: Session


@dataclass(frozen=True, slots=True)
class Agreed:
    """The answer to an offer of ours."""

    session: Session
    body: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """What was agreed on before holds."""

    session: Session
    status: int


@dataclass(frozen=True, slots=True)
class Ended:
    """`status`: of the INVITE's final answer; 200 for a call that was up. `message`: what ended it, if it was one."""

    session: Session
    by: EndedBy
    status: int
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Referred:
    """Somebody asks us to call. `session` is None where it is asked outside of a call, or in one that is not ours: its
    To has a tag then, and it is refused with 481 but by who knows better."""

    session: Session | None
    refer: Refer


@dataclass(frozen=True, slots=True)
class Notified:
    """How the call goes that we have asked for. `status`: of a refusal of the REFER itself, too."""

    session: Session
    status: int
    final: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An INFO (RFC 6086), acknowledged already."""

    session: Session
    content_type: str
    body: bytes
    records: bool = False
    """A key of the phone asks that the call be recorded."""


SessionEvent = (
    Invited | Progressed | Answered | Offered | Withdrawn | Agreed | OfferRefused | Ended | Referred | Notified | Told
)
