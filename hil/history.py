"""What was seen in a storm: phones' own traces, the unit's mode, tables and journal, and the faults laid on it.

Facts only, no judgement (hil/invariants.py judges). No IO and no clock: every fact comes with its time, seconds of
time.monotonic().
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from callcontrol.records import Record
from hil.outsideseen import OutsideSeen
from hil.phone.hearing import Heard
from hil.phone.sipp import Message
from hil.powered.seen import PowerSeen
from hil.stormdeeds import Do
from hil.stormplan import Fault

__all__ = ["Absence", "Call", "History", "LeftMessage", "Leg", "Phone", "Size", "Span"]

CHALLENGES = (401, 407)


@dataclass
class Span:
    """A fault in force; `until` is None while it lasts."""

    fault: Fault
    since: float
    until: float | None = None


@dataclass
class Leg:
    """One call as one phone saw it on the wire; None: it did not happen (yet)."""

    phone: str
    call_id: str
    invited: dict[int, float] = field(default_factory=dict)  # CSeq of each INVITE: when it was first sent or received
    rang_at: float | None = None
    code: int | None = None  # of the final answer, challenges not counted but where nothing else came
    coded_at: float | None = None
    acked_at: float | None = None
    bye_sent_at: float | None = None
    bye_heard_at: float | None = None
    cancel_sent_at: float | None = None
    cancel_heard_at: float | None = None

    @property
    def answered_at(self) -> float | None:
        return self.coded_at if self.code is not None and 200 <= self.code < 300 else None

    def take(self, message: Message) -> None:
        """One more message of this call."""
        at, code = message.at, message.code
        if code is None:
            self._take_request(message)
        elif message.method == "INVITE" and 101 <= code < 200:
            self.rang_at = at if self.rang_at is None else self.rang_at
        elif message.method == "INVITE" and code >= 200 and (self.code is None or self.code in CHALLENGES):
            self.code, self.coded_at = code, at

    def _take_request(self, message: Message) -> None:
        at = message.at
        match message.method, message.sent:
            case "INVITE", _:
                self.invited.setdefault(message.cseq, at)
            case "ACK", _:
                self.acked_at = at
            case "BYE", True:
                self.bye_sent_at = at if self.bye_sent_at is None else self.bye_sent_at
            case "BYE", False:
                self.bye_heard_at = at if self.bye_heard_at is None else self.bye_heard_at
            case "CANCEL", True:
                self.cancel_sent_at = at if self.cancel_sent_at is None else self.cancel_sent_at
            case "CANCEL", False:
                self.cancel_heard_at = at if self.cancel_heard_at is None else self.cancel_heard_at


@dataclass
class Call:
    """One call that somebody began; `label` is its own, and that of its caller's trace."""

    label: str
    do: Do
    caller: str
    callee: str
    at: float
    hold_s: float = 0.0
    tcp: bool = False
    calling: Leg | None = None
    called: dict[str, Leg] = field(default_factory=dict)  # by phone
    over_at: float | None = None  # the caller's program has ended

    @property
    def settled_at(self) -> float | None:
        """When the caller had its final answer, no challenge."""
        leg = self.calling
        return None if leg is None or leg.code is None or leg.code in CHALLENGES else leg.coded_at

    @property
    def answered_at(self) -> float | None:
        return self.calling.answered_at if self.calling else None


@dataclass
class Phone:
    """One phone, perhaps of several extensions."""

    label: str
    extensions: tuple[str, ...]
    tcp: bool = False
    up_at: float | None = None  # since when it is switched on; None: it is off
    down_at: float | None = None  # when it was last switched off
    unregistered_at: float | None = None  # when it was last told that it is not registered any more, as it asked
    registered: dict[str, float] = field(default_factory=dict)  # by extension: last 200 to a REGISTER since `up_at`
    first: dict[str, float] = field(default_factory=dict)  # the same, the first

    def heard_ok(self, extension: str, at: float) -> None:
        """A 200 to its REGISTER."""
        self.registered[extension] = at
        self.first.setdefault(extension, at)


@dataclass
class Absence:
    """A referral that was acknowledged, and its end."""

    id: str
    stands_in: str  # who answers instead; "": nobody
    known_at: float
    ended_from: float | None = None  # from then on it may be over
    opening: str = ""
    opened_at: float | None = None  # its end was acknowledged


@dataclass
class LeftMessage:
    """What a caller has left: times of the sample that saw it first and last, and of the first by which it was kept."""

    first_at: float
    last_at: float
    kept_at: float | None = None
    torn: str = ""
    """What is wrong with its sound."""


@dataclass(frozen=True)
class Size:
    """What the unit needs of the machine."""

    open_files: int
    files: int  # in its folders, on disk and in memory
    memory_mb: float
    edge_memory_mb: float  # Kamailio's shared memory in use


@dataclass
class History:
    """Filled by its methods, in whatever order facts become known."""

    began: float = 0.0
    calls: dict[str, Call] = field(default_factory=dict)
    phones: dict[str, Phone] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    modes: list[tuple[float, str]] = field(default_factory=list)  # each change; "": the edge does not answer
    paths: list[tuple[float, str]] = field(default_factory=list)  # the same of the path to the platform
    by_data: tuple[float, int] | None = None  # sockets for sound of calls by data; the last sample
    lags: list[tuple[float, float]] = field(default_factory=list)  # from, to: this machine stood still
    intrusions: list[tuple[float, Do, int | None]] = field(default_factory=list)
    bound: tuple[float, Mapping[str, int]] | None = None  # contacts by extension, the last sample
    known: tuple[float, frozenset[str]] | None = None  # extensions that the platform holds, the last sample
    records: dict[str, list[Record]] = field(default_factory=dict)
    sizes: list[tuple[float, Size]] = field(default_factory=list)
    deaths: list[tuple[float, str]] = field(default_factory=list)  # processes of ours that ended by themselves
    orphans: dict[int, float] = field(default_factory=dict)  # pid: first seen
    absences: list[Absence] = field(default_factory=list)
    changes: tuple[float, Mapping[str, int], frozenset[str]] | None = None
    """How often each change is in the outbox, and which are kept, by id; the last sample."""
    heard_calls: list[Heard] = field(default_factory=list)  # of phones that hear, as they are now
    seen_messages_at: float = 0.0
    messages: dict[str, LeftMessage] = field(default_factory=dict)  # by id
    handed: tuple[float, int] | None = None  # calls that came to Python since the edge began, the last sample
    cuts: list[tuple[float, str]] = field(default_factory=list)  # of the long call with sound: when, in whose words
    outside: OutsideSeen = field(default_factory=OutsideSeen)
    power: PowerSeen = field(default_factory=PowerSeen)
    _by_call_id: dict[str, Call] = field(default_factory=dict, repr=False)
    _early: dict[str, dict[str, Leg]] = field(default_factory=dict, repr=False)  # legs of calls not placed yet

    # ---- facts come in

    def placed(self, call: Call) -> None:
        self.calls[call.label] = call

    def heard(self, label: str, messages: Iterable[Message]) -> None:
        """What the trace of a phone, or of a call's caller, has more. A caller's port may have been another's before,
        whose late answers are none of its call: which call it is, its own INVITE says."""
        call = self.calls.get(label)
        for message in messages:
            if call is not None:
                if call.calling is None and message.sent and message.method == "INVITE":
                    self._join(call, message.call_id)
                if call.calling is not None and call.calling.call_id == message.call_id:
                    call.calling.take(message)
            elif message.method not in ("REGISTER", "OPTIONS"):
                self._called_leg(label, message.call_id).take(message)

    def struck(self, fault: Fault, at: float) -> None:
        self.spans.append(Span(fault, at))

    def mended(self, fault: Fault, at: float) -> None:
        for span in self.spans:
            if span.fault is fault and span.until is None:
                span.until = at

    def stood_still(self, since: float, until: float) -> bool:
        """This machine, so that nothing can be said of times. Whether that is new, or the last time goes on."""
        new = not self.lags or since > self.lags[-1][1]
        self.lags[len(self.lags) - (not new) :] = [(since if new else self.lags[-1][0], until)]
        return new

    def mode_is(self, mode: str, at: float) -> None:
        if not self.modes or self.modes[-1][1] != mode:
            self.modes.append((at, mode))

    def path_is(self, path: str, at: float) -> None:
        if not self.paths or self.paths[-1][1] != path:
            self.paths.append((at, path))

    def switched_on(self, phone: Phone, at: float) -> None:
        phone.up_at = at
        phone.registered.clear()
        phone.first.clear()
        self.phones[phone.label] = phone

    def switched_off(self, label: str, at: float, *, unregistered: bool = False) -> None:
        phone = self.phones[label]
        phone.up_at = None
        phone.down_at = at
        if unregistered:
            phone.unregistered_at = at

    def recorded(self, records: Iterable[Record]) -> None:
        """All records of the journal."""
        self.records.clear()
        for record in records:
            self.records.setdefault(record.call_id, []).append(record)

    def left(self, at: float, lengths: Mapping[str, int | None], torn: Mapping[str, str]) -> None:
        """All rows of messages, and what is wrong with the sound of those that are kept."""
        for name, length in lengths.items():
            one = self.messages.setdefault(name, LeftMessage(at, at))
            one.last_at, one.torn = at, torn.get(name, "")
            if length is not None and one.kept_at is None:
                one.kept_at = at
        self.seen_messages_at = at

    # ---- and are asked for

    @property
    def mode(self) -> str:
        return self.modes[-1][1] if self.modes else ""

    @property
    def standing(self) -> tuple[str, str]:
        """Mode and path."""
        return self.mode, self.paths[-1][1] if self.paths else ""

    def mode_since(self, mode: str) -> float | None:
        """Since when this is the mode; None: it is not."""
        return self.modes[-1][0] if self.modes and self.modes[-1][1] == mode else None

    def path_since(self, path: str) -> float | None:
        """The same of the path."""
        return self.paths[-1][0] if self.paths and self.paths[-1][1] == path else None

    def mode_all_over(self, since: float, until: float) -> str | None:
        """The mode, where it was one and the same from a time to another."""
        found = {mode for at, mode in self.modes if since < at <= until}
        before = [mode for at, mode in self.modes if at <= since]
        found.update(before[-1:])
        return found.pop() if len(found) == 1 and before else None

    def troubled(self, since: float, until: float, faults: Collection[Fault]) -> bool:
        """Whether one of these faults was in force at some time between."""
        return any(span.since <= until and (span.until is None or span.until >= since) for span in self._of(faults))

    def turned(self, since: float, until: float, faults: Collection[Fault]) -> bool:
        """Whether one of these faults came or went between."""
        return any(since <= at <= until for span in self._of(faults) for at in (span.since, span.until) if at)

    def in_force(self, faults: Collection[Fault]) -> float | None:
        """Since when one of these faults has lasted without a break; None: none does now."""
        return min((span.since for span in self._of(faults) if span.until is None), default=None)

    def quiet_since(self, faults: Collection[Fault]) -> float | None:
        """When the last of these faults ended; None while one lasts."""
        if self.in_force(faults) is not None:
            return None
        return max((span.until for span in self._of(faults) if span.until is not None), default=self.began)

    def lagged(self, since: float, until: float) -> bool:
        """Whether this machine stood still between, so that nothing can be said of times."""
        return any(start <= until and end >= since for start, end in self.lags)

    def lagged_s(self, since: float, until: float) -> float:
        """For how long it did, all told."""
        return sum(max(0.0, min(end, until) - max(start, since)) for start, end in self.lags)

    def phone_of(self, extension: str) -> list[Phone]:
        return [phone for phone in self.phones.values() if extension in phone.extensions]

    def account(self, why: str) -> list[str]:
        """What each phone saw of the call that a breach names first; times are seconds from its begin. Nothing where it
        is of none."""
        if (label := why.partition("]")[0].removeprefix("[")) in self.calls:
            return self._account(self.calls[label])
        named = re.match(r"call ([0-9]+) of ", why)
        one = next((each for each in self.heard_calls if named and each.number == int(named[1])), None)
        return [] if one is None else self._heard_account(one)

    def _account(self, call: Call) -> list[str]:
        lines = [f"{call.do} from {call.at - self.began:.1f} s on; mode {self.mode_all_over(call.at, call.at) or '?'}"]
        for leg in (call.calling, *call.called.values()):
            if leg is not None:
                seen = [(at, f"INVITE {cseq}") for cseq, at in leg.invited.items()]
                seen += [(at, name) for name, at in vars(leg).items() if name.endswith("_at") and at is not None]
                told = ", ".join(f"{name.removesuffix('_at')} {at - call.at:.2f}" for at, name in sorted(seen))
                lines.append(f"{leg.phone}: code {leg.code}; {told}")
        for phone in self.phone_of(call.callee):
            since = None if phone.up_at is None else round(phone.up_at - call.at, 1)
            registered = {name: round(at - call.at, 1) for name, at in phone.registered.items()}
            lines.append(f"{phone.label}: on since {since}, registered {registered.get(call.callee)}")
        if self.bound is not None:
            lines.append(f"contacts bound at {self.bound[0] - call.at:.1f}: {self.bound[1].get(call.callee, 0)}")
        return lines + self._faults_since(call.at)

    def _heard_account(self, one: Heard) -> list[str]:
        """Of one who hears, and of all who had to do with the two meanwhile."""
        at, over_at, both = one.began_at, one.over_at, {one.extension, one.peer}
        lines = [f"{one.label or 'called'} from {at - self.began:.1f} s on; mode {self.mode_all_over(at, at) or '?'}"]
        for each in self.heard_calls:
            meanwhile = (over_at is None or each.began_at <= over_at) and (each.over_at is None or each.over_at >= at)
            if each is one or (meanwhile and both & {each.extension, each.peer}):
                seen = [(when, name) for name, when in vars(each).items() if name.endswith("_at") and _is_time(when)]
                told = ", ".join(f"{name.removesuffix('_at')} {when - at:.2f}" for when, name in sorted(seen))
                gaps = ", ".join(f"{since - at:.1f} to {until - at:.1f}" for since, until in each.gaps)
                who = f"call {each.number} of {each.extension} with {each.peer}"
                lines.append(f"{who}: code {each.code}; {told}; silent {gaps or '-'}; sound of {each.sources}")
        return lines + self._faults_since(at)

    def _faults_since(self, at: float) -> list[str]:
        """And somewhat before."""
        spans = [span for span in self.spans if span.until is None or span.until > at - 30]
        ends = ["" if span.until is None else f"{span.until - at:.1f}" for span in spans]
        return [f"{span.fault}: {span.since - at:.1f} to {end}" for span, end in zip(spans, ends, strict=True)]

    # ---- inside

    def _of(self, faults: Collection[Fault]) -> Iterator[Span]:
        return (span for span in self.spans if span.fault in faults)

    def _join(self, call: Call, call_id: str) -> None:
        call.calling = Leg(call.label, call_id)
        call.called = self._early.pop(call_id, {})
        self._by_call_id[call_id] = call

    def _called_leg(self, phone: str, call_id: str) -> Leg:
        call = self._by_call_id.get(call_id)
        legs = self._early.setdefault(call_id, {}) if call is None else call.called
        return legs.setdefault(phone, Leg(phone, call_id))


def _is_time(value: object) -> bool:
    return isinstance(value, float)
