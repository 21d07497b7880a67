"""What a call is made of: legs, each of which owes or is owed a description, and what is asked and told around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from callcontrol.refusal import Refusal
from callcontrol.sip.digest import Credentials
from callcontrol.sip.message import Response
from callcontrol.sip.offer import aligned, answering
from callcontrol.sip.referred import Refer
from callcontrol.sip.sdp import Description, Direction, Origin
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.shared import Timer

__all__ = [
    "Asked",
    "Call",
    "CallEvent",
    "Camps",
    "Dial",
    "End",
    "Happened",
    "Leg",
    "Onward",
    "Owes",
    "Refused",
    "Ringing",
    "Route",
    "Said",
    "Sound",
    "Through",
    "Unreached",
    "led",
]


@dataclass(frozen=True)
class Dial:
    """Where a number is reached. `number` is whom it is, for people and for what it may do itself."""

    number: str
    uri: str
    credentials: Credentials | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """For the edge alone, of a call that leaves the house."""


@dataclass(frozen=True)
class Ringing:
    """Who rings next, all at once, and for how long."""

    dials: Sequence[Dial]
    for_s: float


@dataclass(frozen=True)
class Refused:
    """How somebody who was rung did not take the call. `rang`: the phone has said so; without it nobody was there."""

    status: int
    number: str = ""
    rang: bool = False
    response: Response | None = None


@dataclass(frozen=True)
class Camps:
    """The caller waits until `number` is free."""

    number: str


Onward = Callable[[Refused], "Ringing | Camps | Refusal | None"]
"""What is done with a caller whom nobody has answered. None: the call is let go, for somebody else to take."""

Unreached = Callable[[Refused], None]
"""Told that nobody has answered a caller, at whose other end the unit itself is still."""


class Route(Protocol):
    def to(self, wanting: str, number: str) -> Dial | Refusal:
        """Where `number` is, if the extension `wanting` may have it called: class of reach, blocks, numbers unknown."""
        ...


class Sound(Protocol):
    """Music for whoever waits (callcontrol.media)."""

    def offer(self, leg: str, towards: bytes) -> bytes:
        """A description that sends only, for who has described himself so: secret where he is. Empty: there is no place
        for one more."""
        ...

    def agreed(self, leg: str, body: bytes) -> None: ...
    def answer(self, leg: str, offered: bytes) -> bytes:
        """To an offer of who waits; empty where there is no place, or nothing in common."""
        ...

    def close(self, leg: str) -> None: ...


class Said(Enum):
    """What a room says to all who are in it."""

    JOINED = auto()
    LEFT = auto()
    LAST = auto()  # to the one who is left
    INTRUSION = auto()


class End(Protocol):
    """The unit's own end of one leg's sound (callcontrol.media)."""

    def answer(self, offered: bytes) -> bytes:
        """Empty: they have nothing in common."""
        ...

    def offer(self, *, secure: bool = False) -> bytes: ...
    def agreed(self, answered: bytes) -> bool:
        """The answer to our last offer. False: they have nothing in common."""
        ...


class Through(Protocol):
    """Sound that passes the unit: all legs in one room hear each other. Who is alone hears music."""

    def join(self, room: str, leg: str, towards: bytes, *, intrudes: bool = False) -> End | None:
        """`towards`: a description of where its sound is. None: there is no place for one more. `intrudes`: it neither
        hears nor is heard before the others have heard that tone."""
        ...

    def leave(self, room: str, leg: str) -> None: ...
    def say(self, room: str, what: Said) -> None: ...


def led(session: Session) -> tuple[str, str]:
    """A header to the edge alone, with the Call-ID of a caller: in an INVITE, that this belongs to a call which still
    waits to be answered, has its record and ends with it; in the 2xx, that a phone is at the other end and not the unit
    itself (cfg/70-calls.cfg)."""
    return "P-Led", session.request.call_id


class Owes(Enum):
    ANSWER = auto()
    OFFER = auto()


class Asked(Enum):
    """For what a leg was offered something."""

    WAIT = auto()  # music, or nothing
    TALK = auto()  # the other leg
    CHANGE = auto()  # the other leg, which talks with it already
    HERE = auto()  # a place of ours: its sound passes the unit


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
    rang: bool = False
    acts_as: str = ""
    """Of somebody outside, the extension that it has proved to be: whose reach it has, and as whom it calls."""
    holds: bool = False
    """It has put the other on hold, by an offer of its own."""
    halved: Direction | None = None
    """What it said when we asked it for an offer, where that is less than it wants: it had been told to be still, and
    says so again. It is answered by that, and then offered the whole."""
    own: Callable[[bytes], bytes] | None = None
    """While the unit itself is at the other end: its answer to an offer, empty where they have nothing in common."""
    end: End | None = None
    """While its sound passes the unit, in `room`."""
    room: str = ""
    dial: Dial | None = None
    secured: tuple[bool, ...] | None = None
    """With which of our own offers it may still be called, where it refuses sound: with SRTP, or without."""
    pressed: Callable[[str], None] | None = None
    """Meanwhile told of each key that comes by an INFO."""
    _then: tuple[Asked, bytes] | None = None
    _version: int = 0
    _said: Description | None = None

    @property
    def caller(self) -> str:
        """As whom it calls."""
        return self.acts_as or self.number

    @property
    def answered(self) -> bool:
        return self.session.phase is Phase.UP

    @property
    def said(self) -> bytes:
        """What was described to it last."""
        return b"" if self._said is None else self._said.to_bytes()

    def wants(self, offer: bytes, *, solicited: bool = False) -> None:
        """An answer, or an offer of ours where it makes none. `solicited`: we had asked it for one."""
        read = Description.parse(offer) if offer else None
        if read is not None and read.audio is not None:
            if not solicited:
                self.holds = read.holds
            elif not self.holds and read.audio.direction is not Direction.SENDRECV:
                self.halved = read.audio.direction
                offer = read.with_direction(Direction.SENDRECV).to_bytes()
        self.owes, self.offered = Owes.ANSWER if offer else Owes.OFFER, offer

    def describes(self, body: bytes, answers: bytes = b"") -> bytes:
        """`body` as from us to this leg; the very same bytes where nothing changes. Its media stand where those of what
        it `answers` do, else where they stood before."""
        if not body:
            return b""
        read = Description.parse(body)
        if answers:
            read = answering(read, Description.parse(answers))
        elif self._said is not None:
            read = aligned(read, self._said)
        if self._said is None or not read.same_but_version(self._said):
            self._version += 1
        self._said = read.with_origin(Origin("rvx", int(self.name), self._version, read.origin.address))
        return self._said.to_bytes()

    def reply(self, body: bytes, now: float) -> bool:
        """What it wants."""
        answers = self.offered
        self.owes, self.offered = None, b""
        halved, self.halved = self.halved, None
        said = self.describes(body if halved is None else _answering(body, halved), answers)
        if self.session.phase is Phase.RINGING:
            done = self.session.answer(said, now, [led(self.session)] if self.call.other(self) is not None else ())
        else:
            done = self.session.reply(said, now)
        if done and halved is not None and self.describes(body) != said:
            self.offer(Asked.CHANGE, body, now)
        return done

    def refuse(self, now: float, status: int) -> None:
        """What it wants cannot be."""
        self.owes, self.offered, self.halved = None, b"", None
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
    """`sides`: who is in it, one who waits, two who talk, or more by a room. `ringing`: who is called for them."""

    id: str
    sides: list[Leg] = field(default_factory=list)
    ringing: list[Leg] = field(default_factory=list)
    transfers: int = 0
    slot: str = ""
    room: str = ""
    """Of a conference, which anybody may join by its number."""
    kept: bool = False
    """It is recorded, and so passes the unit to its end."""
    unspoken: int = 0
    """How often its phones have refused each other's sound, or ours."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """Rooms and legs that have gone back to direct sound, as soon as both have said so."""
    by: str = ""
    """Who parked or transferred it, and is called back when that comes to nothing."""
    camps_on: str = ""
    """Who is called as soon as that one is free, or the caller of a call back has lifted."""
    waits_until: float | None = None
    """For whoever is busy, or to be called back."""
    clicked: str = ""
    """Who has asked for his own phone to ring first, until he has lifted."""
    then: list[str] = field(default_factory=list)
    """Who is called next, one after the other, where nobody answers."""
    onward: Onward | None = None
    """Asked who is called next, until somebody has answered."""
    unreached: Unreached | None = None
    """Told instead of the call's end, until somebody has answered."""
    refused: list[Refused] = field(default_factory=list)
    """Of those who were called at once with who still rings."""
    rings_until: Timer | None = None
    aside: Leg | None = None
    """The phone that has transferred, until that is decided."""
    refer: Refer | None = None
    timer: Timer | None = None

    @property
    def talks(self) -> bool:
        """Nobody waits, is called, or on the way to somebody else."""
        settled = not (self.ringing or self.slot or self.camps_on) and self.aside is None and self.refer is None
        return settled and len(self.sides) > 1 and all(side.answered for side in self.sides)

    def other(self, leg: Leg) -> Leg | None:
        """The one it talks with; of several none."""
        if leg not in self.sides or len(self.sides) > 2:
            return None
        return next((side for side in self.sides if side is not leg), None)


def _answering(body: bytes, offered: Direction) -> bytes:
    """`body`, cut down to what may be answered to an offer of that direction (RFC 3264 §6.1)."""
    read = Description.parse(body)
    given = read.audio.direction if read.audio is not None else Direction.INACTIVE
    most = offered.mirrored
    return read.with_direction(
        Direction.of(sends=given.sends and most.sends, receives=given.receives and most.receives)
    ).to_bytes()


class Happened(Enum):
    RINGING = auto()
    CONNECTED = auto()
    HELD = auto()
    RESUMED = auto()
    TRANSFERRED = auto()
    PARKED = auto()
    FETCHED = auto()
    RECALLED = auto()
    JOINED = auto()  # a conference
    LEFT = auto()  # of three or more
    INTRUDED = auto()  # somebody came into a call of others
    MARKED = auto()  # a threat: it is to be recorded
    REFUSED = auto()  # somebody new was not to be called: `number`, by `status`
    OVER = auto()


@dataclass(frozen=True, slots=True)
class CallEvent:
    what: Happened
    call: Call
    number: str = ""
    status: int = 0
