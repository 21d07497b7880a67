"""One snapshot of the unit, read alike by the command line, pages and metrics.

`unit` makes a `Status` and gives it as one JSON object to whoever connects to its socket; `status.schema.json` beside
this file describes that object, and `statusread.py` reads it. Fields are only ever added. What is not known is None
(`null`), never a stale value. Times are ISO 8601 in UTC, durations seconds.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from firmware.modes import Cause, Mode, Path, Reason

__all__ = [
    "SCHEMA",
    "Calls",
    "Closed",
    "Data",
    "Modem",
    "Node",
    "Pair",
    "Phones",
    "Power",
    "PowerBox",
    "PowerSource",
    "Problem",
    "Severity",
    "Status",
    "Sync",
    "Trunk",
    "Web",
]

SCHEMA = 1
"""Of the JSON object; raised only if a field ever had to change its meaning."""


class Severity(StrEnum):
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Problem:
    """Something that somebody can do something about. `id` is a code of `rvx explain`."""

    id: str
    severity: Severity
    area: str
    observed: str
    expected: str
    effect: str
    fix: str
    since: str | None = None


@dataclass(frozen=True)
class Node:
    """One node of the platform."""

    uri: str
    path: Path
    serving: bool | None
    probe_ms: float | None = None


@dataclass(frozen=True)
class Phones:
    """Extensions, not devices."""

    registered: int | None = None
    known: int | None = None  # that have a secret here, or are learnt
    learnt: int | None = None  # of those known, the learnt (credential mode 4)
    ready: int | None = None  # of those registered, the known: they go on by themselves if the platform fails


@dataclass(frozen=True)
class Pair:
    """This unit and the one beside it, of which one has the shared addresses."""

    in_service: bool | None = None  # this one
    peer_in_service: bool | None = None  # the other one, as last heard; None: it is not heard
    silent: tuple[str, ...] = ()  # ways between them by which nothing comes
    tables: bool | None = None  # whether the edges reach each other with what both must know


@dataclass(frozen=True)
class Data:
    """The way to the platform by mobile data."""

    process: bool | None = None  # whether the process `data` is there, without which no call goes by it
    tunnel: bool | None = None  # whether its WireGuard has met the platform's lately; None: there is none
    calls: int | None = None  # that go by it now
    calls_max: int | None = None  # that it bears at once, as measured
    capacity_kbit: float | None = None  # in the slower direction
    rtt_ms: float | None = None
    loss_percent: float | None = None  # of the sound of the last seconds
    day_mb: float | None = None  # sent and received by its interface
    month_mb: float | None = None
    level: str | None = None  # of what may be sent: ok, alarm (four fifths), spent


@dataclass(frozen=True)
class Modem:
    """A way out by the mobile network."""

    name: str
    service: str | None = None  # what it can do now: voice, emergency_only, unknown, none, away
    number: str | None = None  # its SIM's, which SOS calls back
    network: str | None = None
    technology: str | None = None
    dbm: int | None = None
    carries: str | None = None  # what it carries now: emergency, on_call, reception, rest; None: nothing
    card: str | None = None  # readiness: green, yellow, red


@dataclass(frozen=True)
class Trunk:
    """The way out by modem."""

    process: bool | None = None  # whether the process `trunk` answers; None: not known yet
    modems: tuple[Modem, ...] = ()


@dataclass(frozen=True)
class PowerSource:
    """What is known of power by one source; what is not believed of it is not here, and `doubts` say why."""

    name: str
    keeps: tuple[str, ...] = ()  # what hangs on it: unit, switch, router, fibre
    mains: str | None = None  # on, lost; None: not known
    age_s: float | None = None
    charge_percent: float | None = None
    volts: float | None = None
    watts: float | None = None
    minutes: float | None = None  # that are certain
    likely_minutes: float | None = None
    trouble: str | None = None  # why it tells nothing, or not all
    doubts: tuple[str, ...] = ()
    holds_percent: float | None = None  # its battery, of what it held when it was first learnt


@dataclass(frozen=True)
class PowerBox:
    """A box that answering takes, as far as a ping tells."""

    part: str  # switch, router, fibre
    address: str
    reached: bool | None = None  # None: not known
    rtt_ms: float | None = None
    gone: bool = False  # it answered while there was mains, and has not since


@dataclass(frozen=True)
class Power:
    """What keeps the unit going."""

    state: str | None = None  # mains, battery, low, halting; None: not known
    mains: str | None = None  # on, lost; None: not known
    sure: bool | None = None  # whether nobody who may be right says the contrary
    since: str | None = None  # when the state began
    time_certain: bool = True  # whether it was known what time it was when mains was lost
    until: str | None = None  # somebody can answer until then, without mains; None: that is not known
    minutes: float | None = None  # the same, as minutes
    inside_minutes: float | None = None  # for calls within the house
    likely_minutes: float | None = None
    limits: str | None = None  # what ends them: unit, switch, router, fibre
    mobile_minutes: float | None = None  # how long the mobile network typically lasts yet
    unknown: tuple[str, ...] = ()  # what answering takes, and nothing is known of
    shed: tuple[str, ...] = ()  # what is switched off to make it last
    shed_next: str | None = None
    faults: tuple[str, ...] = ()  # what could not be switched
    halt: str | None = None  # how far one has come: telling, flushing, commanded, starting_again; None: there is none
    simulated: bool = False
    discharging: str | None = None  # whose battery is discharged on purpose
    sources: tuple[PowerSource, ...] = ()
    boxes: tuple[PowerBox, ...] = ()


@dataclass(frozen=True)
class Web:
    """Pages, and what else of the unit goes by the network and is no call."""

    process: bool | None = None  # whether the process `web` is there; None: not known yet
    pages: bool | None = None  # whether they can be had; None: there are none
    phone_book: bool | None = None  # whether desk phones can fetch the directory; None: nowhere
    identity: bool | None = None  # whether the municipality's own sign-in is reached; None: there is none
    trouble: str = ""  # why pages or phone book cannot be had


@dataclass(frozen=True)
class Sync:
    """The hub, and what goes to it and comes from it."""

    process: bool | None = None  # whether the process `sync` is there; None: not known yet
    enrolled: bool | None = None  # whether the unit is one of a hub's
    connected: bool | None = None
    why: str = ""  # what is in the way, a word of `rvx sync why`
    detail: str = ""
    since: str | None = None  # of connected, or of why
    contact_at: str | None = None  # when the hub last answered
    waiting: int | None = None  # rows that the hub does not hold
    oldest_at: str | None = None  # the oldest of them
    held_back: str = ""  # why only what is important goes: power, budget
    whole_at: str | None = None  # when the directory was last taken in whole
    gone: int | None = None  # people whom the hub has no more, and whose removal is held
    aside: int | None = None  # rows of the hub's that cannot be taken in
    refused: int | None = None  # rows of ours that the hub cannot use
    overruled: int | None = None  # what was set here and does not stand
    clock_s: float | None = None  # by how much the hub's clock is before ours
    twin: bool | None = None  # whether another unit speaks by this one's name


@dataclass(frozen=True)
class Calls:
    """Those that this unit knows of: it keeps records of what it decided or carried itself."""

    now: int | None = None
    today: int | None = None
    failed_today: int | None = None
    diverted: int | None = None  # taken over from a platform that left them unanswered, since the edge began
    messages: int | None = None  # that callers have left here


@dataclass(frozen=True)
class Closed:
    """A reception that is closed now (B10)."""

    name: str  # of its entity
    state: str | None = None  # night, lunch
    by_key: bool | None = None  # that somebody has pressed; else by its hours
    opens_at: str | None = None  # None: nobody can say


@dataclass(frozen=True)
class Status:
    """Everything that is shown of the unit."""

    unit: str
    version: str
    time: str
    started_at: str | None = None
    mode: Mode | None = None
    path: Path | None = None
    cause: Cause | None = None  # of the outage; "platform_trunk" while the platform is master; None when there is none
    reason: Reason | None = None  # what was last seen of the platform
    since: str | None = None  # when the mode began
    in_mode_s: float | None = None
    hold_left_s: float | None = None  # how long the mode lasts yet at the least
    lease_left_s: float | None = None  # how long what the edge was told of the mode still holds
    edge: bool | None = None  # whether the edge answers
    calls_process: bool | None = None  # whether the process `calls` vouches for itself
    platform: bool | None = None  # whether one is configured
    gateway: bool | None = None  # whether there is another gateway as a way out
    place: str = ""  # what to tell SOS of where this is
    nodes: tuple[Node, ...] = ()
    phones: Phones = field(default_factory=Phones)
    calls: Calls = field(default_factory=Calls)
    pair: Pair | None = None  # None: a unit by itself
    data: Data | None = None  # None: the unit has no such way
    trunk: Trunk | None = None  # None: the unit has no modem
    web: Web | None = None  # None: the unit has no pages, and nothing else that the process `web` does
    sync: Sync | None = None  # None: the unit has no hub
    power: Power | None = None  # None: nothing is configured that could tell
    closed: tuple[Closed, ...] = ()  # receptions
    problems: tuple[Problem, ...] = ()

    @property
    def working(self) -> bool | None:
        """Whether a phone here can ring another one now."""
        return self.edge

    @property
    def protected(self) -> bool | None:
        """Whether every phone that is registered goes on by itself if the platform fails. None: none is registered."""
        if not self.phones.registered or self.phones.ready is None:
            return None
        return self.phones.ready >= self.phones.registered

    @property
    def way_out(self) -> bool | None:
        """Whether somebody outside can be called without the platform."""
        if self.gateway is not False or self.trunk is None:
            return self.gateway
        services = {modem.service for modem in self.trunk.modems}
        if "voice" in services:
            return True
        if self.trunk.process is None or services & {"unknown", None}:
            return None
        return False

    @property
    def verdict(self) -> str:
        """Two facts in one word: what is now, and what if something more fails."""
        if self.edge is not True:
            return "unknown" if self.edge is None else "not_working"
        if self.mode is None:
            return "working_unknown"
        if self.mode is Mode.SURVIVAL:
            return {True: "survival_way_out", False: "survival_no_way_out", None: "survival"}[self.way_out]
        now = "returning" if self.mode is Mode.RETURNING else "working"
        protected = {True: "protected", False: "not_protected", None: "unknown"}[self.protected]
        return f"{now}_{protected}"

    def to_json(self) -> dict[str, Any]:
        """The object that `status.schema.json` describes."""
        head = {"schema": SCHEMA, "tool": "rvx", "version": self.version, "time": self.time, "verdict": self.verdict}
        return {**head, "working": self.working, "protected": self.protected, **asdict(self)}
