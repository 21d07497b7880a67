"""One snapshot of the unit, read alike by the command line, pages and metrics.

`unit` makes a `Status` and gives it as one JSON object to whoever connects to its socket; `status.schema.json` beside
this file describes that object. Fields are only ever added. What is not known is None (`null`), never a stale value.
Times are ISO 8601 in UTC, durations seconds.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from firmware.modes import Cause, Mode, Path, Reason

__all__ = [
    "SCHEMA",
    "Calls",
    "Data",
    "Node",
    "Pair",
    "Phones",
    "Problem",
    "Severity",
    "Status",
    "StatusError",
    "find_problems",
]

SCHEMA = 1
"""Of the JSON object; raised only if a field ever had to change its meaning."""
SUSPECT_TOLD_S = 60.0
"""A doubt about the platform that lasts so long is told as a problem."""

_T = TypeVar("_T")
_Json = Mapping[str, Any]


class StatusError(ValueError):
    """A JSON object that is no status that this version understands."""


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
class Calls:
    """Those that this unit knows of: it keeps records of what it decided or carried itself."""

    now: int | None = None
    today: int | None = None
    failed_today: int | None = None
    diverted: int | None = None  # taken over from a platform that left them unanswered, since the edge began
    messages: int | None = None  # that callers have left here


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
    gateway: bool | None = None  # whether there is a way out besides the platform
    nodes: tuple[Node, ...] = ()
    phones: Phones = field(default_factory=Phones)
    calls: Calls = field(default_factory=Calls)
    pair: Pair | None = None  # None: a unit by itself
    data: Data | None = None  # None: the unit has no such way
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
    def verdict(self) -> str:
        """Two facts in one word: what is now, and what if something more fails."""
        if self.edge is not True:
            return "unknown" if self.edge is None else "not_working"
        if self.mode is None:
            return "working_unknown"
        if self.mode is Mode.SURVIVAL:
            return {True: "survival_way_out", False: "survival_no_way_out", None: "survival"}[self.gateway]
        now = "returning" if self.mode is Mode.RETURNING else "working"
        protected = {True: "protected", False: "not_protected", None: "unknown"}[self.protected]
        return f"{now}_{protected}"

    def to_json(self) -> dict[str, Any]:
        """The object that `status.schema.json` describes."""
        head = {"schema": SCHEMA, "tool": "rvx", "version": self.version, "time": self.time, "verdict": self.verdict}
        return {**head, "working": self.working, "protected": self.protected, **asdict(self)}

    @classmethod
    def from_json(cls, document: object) -> "Status":
        """Reads what `to_json` made, also of a later version of the same schema. Raises StatusError."""
        top = _object(document, "status")
        if top.get("schema") != SCHEMA:
            raise StatusError(f"schema is {top.get('schema')!r}, expected {SCHEMA}")
        phones = _object(top.get("phones", {}), "phones")
        pair = _object(top["pair"], "pair") if top.get("pair") is not None else None
        calls = _object(top.get("calls", {}), "calls")
        return cls(
            unit=_text(top, "unit") or "",
            version=_text(top, "version") or "",
            time=_text(top, "time") or "",
            started_at=_text(top, "started_at"),
            mode=_word(top, "mode", Mode),
            path=_word(top, "path", Path),
            cause=_word(top, "cause", Cause),
            reason=_word(top, "reason", Reason),
            since=_text(top, "since"),
            in_mode_s=_number(top, "in_mode_s"),
            hold_left_s=_number(top, "hold_left_s"),
            lease_left_s=_number(top, "lease_left_s"),
            edge=_flag(top, "edge"),
            calls_process=_flag(top, "calls_process"),
            platform=_flag(top, "platform"),
            gateway=_flag(top, "gateway"),
            nodes=tuple(
                Node(
                    uri=_text(node, "uri") or "",
                    path=_word(node, "path", Path) or Path.LINE,
                    serving=_flag(node, "serving"),
                    probe_ms=_number(node, "probe_ms"),
                )
                for node in _objects(top, "nodes")
            ),
            phones=Phones(**{name: _count(phones, name) for name in Phones.__dataclass_fields__}),
            calls=Calls(**{name: _count(calls, name) for name in Calls.__dataclass_fields__}),
            pair=None
            if pair is None
            else Pair(
                _flag(pair, "in_service"),
                _flag(pair, "peer_in_service"),
                _texts(pair, "silent"),
                _flag(pair, "tables"),
            ),
            data=_data_of(top["data"]) if top.get("data") is not None else None,
            problems=tuple(
                Problem(
                    **{
                        name: _text(one, name) or "" for name in ("id", "area", "observed", "expected", "effect", "fix")
                    },
                    severity=_word(one, "severity", Severity) or Severity.WARN,
                    since=_text(one, "since"),
                )
                for one in _objects(top, "problems")
            ),
        )

    def with_problems(self) -> "Status":
        """The same with the problems that its own facts show, beside those it has."""
        return replace(self, problems=(*self.problems, *find_problems(self)))


def find_problems(status: Status) -> tuple[Problem, ...]:
    """What is wrong by the facts of `status` itself, most severe first. A cause hides what follows from it."""
    if status.edge is False:
        return (
            Problem(
                "RVX-E01",
                Severity.FAIL,
                "edge",
                observed="Kamailio does not answer",
                expected="an answer within 1 s",
                effect="no call gets through the unit",
                fix="start it by rvx run, or see in its log why it ended",
            ),
            *_pair(status),
        )
    found = [*_platform(status), *_data(status), *_phones(status), *_pair(status)]
    if status.lease_left_s is not None and status.lease_left_s <= 0:
        found.append(
            Problem(
                "RVX-S02",
                Severity.FAIL,
                "state",
                observed=f"nobody has vouched for the mode for {-status.lease_left_s:.0f} s",
                expected="renewed each 0.5 s",
                effect="the last mode holds until calls prove otherwise",
                fix="start the unit's processes anew; that cuts no call",
            )
        )
    if status.calls_process is False:
        found.append(
            Problem(
                "RVX-S03",
                Severity.WARN,
                "calls",
                observed="the process calls does not vouch for itself",
                expected="renewed each second",
                effect="calls go on; a platform that forgot phones hears it from them only",
                fix="start the unit's processes anew; that cuts no call",
            )
        )
    if status.gateway is False:
        found.append(
            Problem(
                "RVX-G01",
                Severity.WARN,
                "emergency",
                observed="no gateway under [emergency]",
                expected="a way out besides the platform",
                effect="in an outage 112 is rung by mobile only",
                fix="give a gateway, or tell everybody in the house",
            )
        )
    return tuple(sorted(found, key=lambda problem: problem.severity is not Severity.FAIL))


def _data_of(value: object) -> Data:
    found = _object(value, "data")
    return Data(
        process=_flag(found, "process"),
        tunnel=_flag(found, "tunnel"),
        calls=_count(found, "calls"),
        calls_max=_count(found, "calls_max"),
        capacity_kbit=_number(found, "capacity_kbit"),
        rtt_ms=_number(found, "rtt_ms"),
        loss_percent=_number(found, "loss_percent"),
        day_mb=_number(found, "day_mb"),
        month_mb=_number(found, "month_mb"),
        level=_text(found, "level"),
    )


def _data(status: Status) -> list[Problem]:
    """The way by data: in use, or not there for the day when it is needed."""
    data, found = status.data, []
    if status.path is Path.DATA and status.mode not in (None, Mode.SURVIVAL):
        found.append(
            Problem(
                "RVX-L10",
                Severity.WARN,
                "line",
                observed="the platform is reached by mobile data",
                expected="by the line",
                effect="calls go on, so many at once as the way bears; others as in an outage",
                fix="look at the cable and the router's power; tell who runs the line",
                since=status.since,
            )
        )
    if data is None:
        return found
    nodes = [node for node in status.nodes if node.path is Path.DATA]
    if data.process is False or data.tunnel is False or (nodes and all(node.serving is False for node in nodes)):
        what = "the process data is not there" if data.process is False else "the platform does not answer by it"
        found.append(
            Problem(
                "RVX-L11",
                Severity.WARN,
                "data",
                observed="the tunnel has not met the platform" if data.tunnel is False else what,
                expected="a way that is ready when the line is cut",
                effect="a cut line is an outage: calls within the house go on, others need a gateway",
                fix="look at the modem's network, the keys at both ends, and who listens at the endpoint",
            )
        )
    if data.level in ("alarm", "spent"):
        spent = data.level == "spent"
        found.append(
            Problem(
                "RVX-L12",
                Severity.FAIL if spent else Severity.WARN,
                "data",
                observed=f"{data.day_mb or 0:.0f} MB today, {data.month_mb or 0:.0f} MB this month",
                expected="less than [data] mb_per_day and mb_per_month",
                effect="by data only 112 and the reception" if spent else "soon only 112 and the reception go by data",
                fix="buy more, raise the limits, or mend the line",
            )
        )
    return found


def _platform(status: Status) -> list[Problem]:
    if status.platform is False:
        return []
    if status.mode is Mode.SURVIVAL and status.reason is Reason.SERVING:
        return [
            Problem(
                "RVX-L05",
                Severity.WARN,
                "platform",
                observed="the platform serves again, and the unit is still master",
                expected="it goes back as [returning] says",
                effect="calls within the house go on, others need a gateway",
                fix="wait; [returning] says for how long at the most",
                since=status.since,
            )
        ]
    if status.mode is Mode.SURVIVAL and status.cause not in (Cause.DRILL, Cause.UNIT):
        line = status.cause is Cause.LINE
        carrier = status.reason is Reason.NO_CARRIER
        return [
            Problem(
                "RVX-L02" if carrier else "RVX-L01",
                Severity.FAIL,
                "line" if line else "platform",
                observed="the line has no carrier" if carrier else "no node of the platform serves",
                expected="one node that answers",
                effect="calls within the house go on, others need a gateway",
                fix="look at the cable and the router's power"
                if line
                else "ask who runs the platform; look at the line",
                since=status.since,
            )
        ]
    if status.cause is Cause.PLATFORM_TRUNK:
        return [
            Problem(
                "RVX-L09",
                Severity.WARN,
                "platform",
                observed="calls to numbers outside fail one after the other",
                expected="the platform carries them",
                effect="calls within the house and to other extensions go on; nobody outside is reached through it",
                fix="tell who runs the platform that its trunk is gone",
            )
        ]
    if status.mode is Mode.SUSPECT and (status.in_mode_s or 0) >= SUSPECT_TOLD_S:
        return [
            Problem(
                "RVX-L03",
                Severity.WARN,
                "platform",
                observed=_SUSPECT.get(status.reason, "probes go unanswered"),
                expected="calls and probes answered alike",
                effect="a call may wait a moment before it is taken over",
                fix="make a trial call outwards; tell who runs the platform",
                since=status.since,
            )
        ]
    out = [node.uri for node in status.nodes if node.serving is False]
    if not out or status.mode is Mode.SURVIVAL:
        return []
    return [
        Problem(
            "RVX-L01",
            Severity.WARN,
            "platform",
            observed=f"{len(out)} of {len(status.nodes)} nodes do not serve: {', '.join(out)}",
            expected="all serve",
            effect="less is left if another one fails",
            fix="ask who runs the platform",
        )
    ]


_SUSPECT: Mapping[Reason | None, str] = {
    Reason.CALLS_UNANSWERED: "calls go unanswered",
    Reason.CALLS_STALLED: "calls get a 100 and nothing more",
}


def _phones(status: Status) -> list[Problem]:
    phones = status.phones
    if phones.registered == 0:
        return [
            Problem(
                "RVX-P01",
                Severity.WARN,
                "phones",
                observed="no phone is registered",
                expected="every phone of the house",
                effect="nobody can be called",
                fix="give the phones the unit's address as proxy",
            )
        ]
    if status.protected is False and phones.registered is not None and phones.ready is not None:
        return [
            Problem(
                "RVX-P03",
                Severity.WARN,
                "phones",
                observed=f"{phones.registered - phones.ready} of {phones.registered} have no secret here",
                expected="each known here, by secret or learnt",
                effect="they fall silent if the platform fails",
                fix="rvx extension add or import",
            )
        ]
    if phones.registered is not None and phones.known is not None and phones.registered < phones.known:
        return [
            Problem(
                "RVX-P02",
                Severity.WARN,
                "phones",
                observed=f"{phones.registered} of {phones.known} known extensions are registered",
                expected="all of them",
                effect="those missing cannot be called",
                fix="begin with the power of those phones",
            )
        ]
    return []


def _pair(status: Status) -> list[Problem]:
    pair = status.pair
    if pair is None:
        return []
    if pair.in_service is True and pair.peer_in_service is True:
        return [
            Problem(
                "RVX-B01",
                Severity.FAIL,
                "pair",
                observed="both units have the shared addresses",
                expected="one of them",
                effect="some phones are at one unit, some at the other",
                fix="mend what lies between them in the phones' network",
            )
        ]
    if pair.peer_in_service is None:
        return [
            Problem(
                "RVX-B02",
                Severity.WARN,
                "pair",
                observed="the other unit is not heard by any way",
                expected="a sign of life each half second",
                effect="nobody takes over if this unit dies",
                fix="look at its power and its cables",
            )
        ]
    if pair.in_service is False and pair.peer_in_service is False:
        return [
            Problem(
                "RVX-B04",
                Severity.FAIL,
                "pair",
                observed="neither unit has the shared addresses",
                expected="one of them",
                effect="no phone reaches a unit",
                fix="look at the process standby and its log on both",
            )
        ]
    if pair.silent:
        return [
            Problem(
                "RVX-B03",
                Severity.WARN,
                "pair",
                observed=f"nothing comes from the other unit by: {', '.join(pair.silent)}",
                expected="it is heard by every way",
                effect="a split of the two may go unseen",
                fix="look at that cable or network",
            )
        ]
    if pair.tables is False:
        return [
            Problem(
                "RVX-B05",
                Severity.WARN,
                "pair",
                observed="the other unit is heard, and its tables do not come over",
                expected="an edge that answers the other one",
                effect="after a takeover no phone is known until it registers again",
                fix="open TCP to [standby] tables_port between them",
            )
        ]
    return []


def _object(value: object, name: str) -> _Json:
    if not isinstance(value, dict):
        raise StatusError(f"{name} is no object")
    return value


def _objects(top: _Json, name: str) -> list[_Json]:
    values = top.get(name, [])
    if not isinstance(values, list):
        raise StatusError(f"{name} is no list")
    return [_object(value, name) for value in values]


def _texts(top: _Json, name: str) -> tuple[str, ...]:
    values = top.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise StatusError(f"{name} is no list of texts")
    return tuple(values)


def _as(top: _Json, name: str, kinds: tuple[type, ...]) -> Any:
    value = top.get(name)
    if value is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        raise StatusError(f"{name} is {value!r}")
    return value


def _text(top: _Json, name: str) -> str | None:
    value: str | None = _as(top, name, (str,))
    return value


def _flag(top: _Json, name: str) -> bool | None:
    value: bool | None = _as(top, name, (bool,))
    return value


def _count(top: _Json, name: str) -> int | None:
    value: int | None = _as(top, name, (int,))
    return value


def _number(top: _Json, name: str) -> float | None:
    value: float | None = _as(top, name, (int, float))
    return value


def _word(top: _Json, name: str, words: type[_T]) -> _T | None:
    """One of an enumeration; a word that a later version has added is not known here."""
    value = _text(top, name)
    try:
        return None if value is None else words(value)  # type: ignore[call-arg]
    except ValueError:
        return None
