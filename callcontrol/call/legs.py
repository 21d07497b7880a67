"""What a call is made of: legs, each of which owes or is owed a description, and what is asked and told around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from callcontrol.refusal import Refusal
from callcontrol.sip.digest import Credentials
from callcontrol.sip.referred import Refer
from callcontrol.sip.sdp import Description, Origin
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.shared import Timer

__all__ = ["Asked", "Call", "CallEvent", "Dial", "Happened", "Leg", "Owes", "Route", "Sound"]


@dataclass(frozen=True)
class Dial:
    """Where a number is reached. `number` is whom it is, for people and for what it may do itself."""

    number: str
    uri: str
    credentials: Credentials | None = None


class Route(Protocol):
    def to(self, wanting: str, number: str) -> Dial | Refusal:
        """Where `number` is, if the extension `wanting` may have it called: class of reach, blocks, numbers unknown."""
        ...


class Sound(Protocol):
    """Music for whoever waits (callcontrol.media)."""

    def offer(self, leg: str) -> bytes:
        """A description that sends only."""
        ...

    def agreed(self, leg: str, body: bytes) -> None: ...
    def close(self, leg: str) -> None: ...


class Owes(Enum):
    ANSWER = auto()
    OFFER = auto()


class Asked(Enum):
    """For what a leg was offered something."""

    WAIT = auto()  # music, or nothing
    TALK = auto()  # the other leg


@dataclass(eq=False, repr=False)
class Leg:
    """One phone in a call."""

    name: str
    number: str
    call: Call
    session: Session = field(init=False)
    owes: Owes | None = None
    offered: bytes = b""
    """What it wants to be answered."""
    music: bool = False
    """It hears `Sound`, or nothing."""
    asked: Asked | None = None
    own: Callable[[bytes], bytes] | None = None
    """While the unit itself is at the other end: its answer to an offer, empty where they have nothing in common."""
    _then: tuple[Asked, bytes] | None = None
    _version: int = 0
    _said: Description | None = None

    @property
    def answered(self) -> bool:
        return self.session.phase is Phase.UP

    @property
    def said(self) -> bytes:
        """What was described to it last."""
        return b"" if self._said is None else self._said.to_bytes()

    def wants(self, offer: bytes) -> None:
        """An answer, or an offer of ours where it makes none."""
        self.owes, self.offered = Owes.ANSWER if offer else Owes.OFFER, offer

    def describes(self, body: bytes) -> bytes:
        """`body` as from us to this leg; the very same bytes where nothing changes."""
        if not body:
            return b""
        read = Description.parse(body)
        if self._said is None or not read.same_but_version(self._said):
            self._version += 1
        self._said = read.with_origin(Origin("rvx", int(self.name), self._version, read.origin.address))
        return self._said.to_bytes()

    def reply(self, body: bytes, now: float) -> bool:
        """What it wants."""
        self.owes, self.offered = None, b""
        said = self.describes(body)
        return self.session.answer(said, now) if self.session.phase is Phase.RINGING else self.session.reply(said, now)

    def refuse(self, now: float, status: int) -> None:
        """What it wants cannot be."""
        self.owes, self.offered = None, b""
        if self.session.phase is Phase.RINGING:
            self.session.refuse(max(status, 400), now)
        else:
            self.session.reject(now, status)

    def offer(self, asked: Asked, body: bytes, now: float) -> bool:
        """One after the other; of those that wait the last. Empty: it is to make the offer."""
        if self.asked is not None:
            self._then = asked, body
            return self.answered
        if not self.session.offer(self.describes(body), now):
            return False
        self.asked = asked
        return True

    def done(self, now: float) -> Asked | None:
        """It has answered, or refused. For what it was asked."""
        asked, self.asked = self.asked, None
        if self._then is not None:
            then, self._then = self._then, None
            self.offer(*then, now)
        return asked


@dataclass(eq=False, repr=False)
class Call:
    """`sides`: who is in it, one who waits or two who talk. `ringing`: who is called for the one who waits."""

    id: str
    sides: list[Leg] = field(default_factory=list)
    ringing: list[Leg] = field(default_factory=list)
    transfers: int = 0
    slot: str = ""
    by: str = ""
    """Who parked or transferred it, and is called back when that comes to nothing."""
    camps_on: str = ""
    then: list[str] = field(default_factory=list)
    """Who is called next, one after the other, where nobody answers."""
    aside: Leg | None = None
    """The phone that has transferred, until that is decided."""
    refer: Refer | None = None
    timer: Timer | None = None

    def other(self, leg: Leg) -> Leg | None:
        return next((side for side in self.sides if side is not leg), None) if leg in self.sides else None


class Happened(Enum):
    RINGING = auto()
    CONNECTED = auto()
    HELD = auto()
    RESUMED = auto()
    TRANSFERRED = auto()
    PARKED = auto()
    FETCHED = auto()
    RECALLED = auto()
    REFUSED = auto()  # somebody new was not to be called: `number`, by `status`
    OVER = auto()


@dataclass(frozen=True, slots=True)
class CallEvent:
    what: Happened
    call: Call
    number: str = ""
    status: int = 0
