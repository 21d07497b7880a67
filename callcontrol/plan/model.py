"""What a decision needs to know of the municipality: values, and the `Directory` that gives them.

Numbers are text. An *extension* is digits as dialled inside (``"1234"``); a *number* outside is E.164 with its plus
(``"+46701234567"``). Times are aware; what a person means by a time of day is Europe/Stockholm. What is not known is
None or a value of its own, and never taken for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from callcontrol.plan.absence import Absent
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import Guard, ReachClass
from callcontrol.plan.reasons import ReasonTable
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Pressed, Service

__all__ = [
    "Call",
    "Choices",
    "Condition",
    "Directory",
    "Distribution",
    "Entity",
    "Extension",
    "Forwarding",
    "Group",
    "Identity",
    "Kind",
    "Member",
    "Mode",
    "Person",
    "PickUp",
    "Presence",
    "State",
    "Unit",
    "Unreadable",
    "Visibility",
    "Whole",
    "choices_of",
    "whole_at",
]


class Unreadable(Exception):
    """What the store has of this is nothing that can be."""


class Mode(StrEnum):
    """As the edge has it (firmware.modes)."""

    NORMAL = "NORMAL"
    SUSPECT = "SUSPECT"
    SURVIVAL = "SURVIVAL"
    RETURNING = "RETURNING"


class Kind(StrEnum):
    """What an extension is."""

    PERSON = "person"
    GROUP = "group"  # a group phone: several people, one phone
    HUNT = "hunt"  # rings its members, see Group
    ATTENDED = "attended"  # an attended place (passningsställe): answers for others
    ON_CALL = "on_call"
    OFFICE = "office"
    RECEPTION = "reception"
    ANNOUNCEMENT = "announcement"  # says something and hangs up
    MOBILE = "mobile"  # a mobile that is an extension (OE, MEX)


class Condition(StrEnum):
    """When a forwarding applies."""

    ALWAYS = "always"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NOT_REACHABLE = "not_reachable"
    FOLLOW_ME = "follow_me"  # medflyttning: the person sits there now; always, and shown as such
    DO_NOT_DISTURB = "do_not_disturb"  # has no target


class Distribution(StrEnum):
    """How a hunt group rings its members."""

    ALL = "all"
    IN_TURN = "in_turn"
    LONGEST_IDLE = "longest_idle"


class Identity(StrEnum):
    """Which number is shown to the one who is called outside."""

    DIRECT = "direct"
    MAIN = "main"
    WITHHELD = "withheld"


class Visibility(StrEnum):
    """Who may see a field, from all to fewest."""

    PUBLIC = "public"
    STAFF = "staff"
    OPERATOR = "operator"
    SECRET = "secret"  # noqa: S105  a level, not a secret


class Presence(StrEnum):
    """What the edge knows of an extension's phones. UNKNOWN is not FREE."""

    FREE = "free"
    BUSY = "busy"
    NOT_REGISTERED = "not_registered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Where the policies differ it is the municipality's choice (requirements.md). The defaults are the strictest."""

    phone_hours: bool = False  # Umeå, Örebro: may be used; Hällefors: none
    message_by_sms: bool = False  # Umeå withdrew them
    message_by_email: bool = True
    abroad_by_operator: bool = False  # SAMSA: an ordered call; Örebro: never
    give_mobile_number: bool = True
    connect_to_mobile: bool = False  # Hällefors: as an exception
    forward_to_mobile: bool = True  # sparingly, told to operations (C5)
    secret_by_trunk: bool = True  # E8: units of secret matters call by it, and hear a notice; else not at all
    caller_history: bool = False  # E7
    guard_calls: int = 60  # F2: calls outside that one extension may begin in an hour; 0: as many as it likes
    guard_kr: int = 200  # the same, what they may cost, by estimate
    calendar_busy: bool = False  # an entry of a calendar that is shown as busy closes the phone without letters, too
    calendar_text: bool = False  # the text after an entry's letters is shown to who may see why somebody is away
    ready_reasons: bool = True  # beside the site's own reasons for absence; else those stand alone
    signals: int = 4  # B2: at most 4
    signal_s: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A legal entity, municipality or company, that callers know by its own number and greeting (B6)."""

    id: str
    name: str
    municipality: str
    greeting: str
    numbers: tuple[str, ...] = ()  # outside numbers by which it is called
    main_number: str | None = None  # shown outside by Identity.MAIN
    reception: str | None = None  # the extension where everything ends
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A department that is referred whole for a time (B3): nobody is there, whatever its people have said."""

    id: str
    reason: str  # the key of a reason; "": none is said
    start: datetime
    until: datetime | None  # None: until further notice
    emergency_number: str | None = None  # None: the department's own
    information: str = ""  # for the operator
    set_by: str = ""

    def holds_at(self, now: datetime) -> bool:
        return self.start <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A department. `secret` units are not forwarded to mobiles (E8)."""

    id: str
    name: str
    entity: str
    parent: str | None = None
    cost_centre: str = ""
    secret: bool = False
    identity: Identity | None = None  # None: the extension's own
    telephony_contact: str | None = None  # telefonansvarig, a person's id
    attended_by: str | None = None  # extension of its attended place
    unstaffed: bool = False  # the whole department is referred (B3)
    emergency_number: str | None = None  # known to the switchboard while it is unstaffed
    on_call: str | None = None  # extension of its on-call or office phone, open outside phone hours (B4)
    referred: tuple[Whole, ...] = ()  # those that are not over, the one that was set last first


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who has an extension, or who is only found in the directory."""

    id: str
    given: str
    family: str
    unit: str
    title: str = ""
    cost_centre: str = ""
    duties: tuple[str, ...] = ()
    search_words: tuple[str, ...] = ()
    location: str = ""
    email: str | None = None
    sms: str | None = None
    mobile: str | None = None
    deputy: str | None = None  # a person's id
    phone_hours: Schedule | None = None
    protected: bool = False  # skyddade personuppgifter (D4)
    visibility: Mapping[str, Visibility] = field(default_factory=dict)  # by field; what is not named is STAFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What can be dialled inside."""

    number: str
    kind: Kind
    unit: str
    person: str | None = None
    reach: ReachClass
    identity: Identity = Identity.DIRECT
    direct_number: str | None = None  # E.164; None: has none of its own
    mobile: str | None = None  # Kind.MOBILE: the mobile that it is
    mobile_twin: str | None = None  # rings with it when the desk phone has no power (A13)
    hours: Schedule | None = None  # on-call and office phones: when it is attended
    fallback: str | None = None  # where an attended place, a group or an on-call phone goes when nobody answers
    voicemail: bool = False
    takes_messages: bool = True  # its mailbox; else it only says its greeting (C6)
    unheard_since: datetime | None = None  # the oldest message in its mailbox that nobody has listened to
    announcement: str | None = None  # text of Kind.ANNOUNCEMENT, or of a group phone that cannot be referred (C7)
    blocked: bool = False  # E5: holds until lifted, from whichever side
    locked: bool = False  # by whoever has it: calls from it reach what is always open, and inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    extension: str
    signed_in: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The members of a Kind.HUNT extension, in the order in which the site lists them."""

    extension: str
    distribution: Distribution
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUp:
    """Extensions of one entity, each of which may take a call that rings at another."""

    name: str
    entity: str
    extensions: frozenset[str]
    barge_in: bool = False  # whether anybody may come into its calls; who, is a matter of rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """`target` is an extension or an E.164 number; None only for DO_NOT_DISTURB."""

    extension: str
    condition: Condition
    target: str | None
    set_at: datetime


class Directory(Protocol):
    """What the store must answer, from memory: no call here may wait for a disk. Unknown ids give None; where a row
    cannot be, Unreadable is raised."""

    def extension(self, number: str) -> Extension | None: ...
    def person(self, person: str) -> Person | None: ...
    def unit(self, unit: str) -> Unit | None: ...
    def entity(self, entity: str) -> Entity | None: ...

    def service(self, entity: str) -> tuple[Service, Pressed | None] | None:
        """Its night service, and what a key has set; None: its reception is always open."""

    def group(self, extension: str) -> Group | None: ...
    def pick_up(self, extension: str) -> PickUp | None:
        """The group that it is in."""

    def forwardings(self, extension: str) -> tuple[Forwarding, ...]: ...
    def absent(self, extension: str, now: datetime) -> Absent | None: ...
    def reasons(self, extension: str) -> ReasonTable: ...

    def working_hours(self, unit: str) -> Schedule:
        """Those of the unit's municipality."""

    def blocked(self, extension: str) -> bool:
        """Whether it is a lost phone (E5); this is known also of a row that is Unreadable."""

    @property
    def numbering(self) -> LocalNumbering: ...

    def is_municipal_mobile(self, number: str) -> bool: ...

    def by_direct_number(self, number: str) -> str | None:
        """The extension that owns an E.164 number."""

    def by_entity_number(self, number: str) -> str | None:
        """The id of the entity that is called by an E.164 number."""


def whole_at(unit: Unit | None, now: datetime) -> Whole | None:
    """How a department is referred whole at a moment; None: it is not."""
    if unit is None:
        return None
    for whole in unit.referred:
        if whole.holds_at(now):
            return whole
    # Without an end where the directory says no more than that nobody is there.
    return Whole(id="", reason="", start=now, until=None) if unit.unstaffed else None


def choices_of(entity: str | None, directory: Directory) -> Choices:
    """What the municipality of an entity has chosen; for None, or one that nobody knows, the strictest."""
    known = directory.entity(entity) if entity else None
    return known.choices if known else Choices()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt to reach somebody."""

    caller: str | None  # an extension of ours, an E.164 number, or None: withheld or not known
    dialled: str  # as it came
    withhold: bool = False  # asked for with this call (*42#)
    urgent: bool = False  # pressed "urgent" in phone hours' message (B4)
    past_forwarding: bool = False  # *60*: past forwarding and do not disturb, for those who may
    proved: bool = False  # by the PIN of `caller`, whose own phone may be locked
    tried: frozenset[str] = frozenset()  # extensions and numbers that this call has rung already
    ordered_by: str | None = None  # an ordered call abroad: who ordered it (E1)
    by_operator: bool = False
    sos: bool = False  # SOS calls back: no reception is closed to it (A4)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is so at this moment."""

    mode: Mode
    presence: Mapping[str, Presence] = field(default_factory=dict)  # what is not in it is UNKNOWN
    trunk_channels_free: int | None = None  # outside voice calls that could begin now; None: not known
    platform: bool = True  # can be reached, by line or data
    guard: Guard | None = None  # count and cost of this hour, of the caller; None: not watched
    idle: Mapping[str, datetime] = field(default_factory=dict)  # since when without a call of a group; else for longer
