"""What may become of a short message that is to be sent, and what is known of one whose end nobody saw. Pure.

Between the moment in which a modem is given a message and the moment in which its answer is on our disk, nobody who
begins anew can know whether it went. Such a part is `PERHAPS`, and settled by evidence, in this order: a status report
for it; the message references, which a SIM counts up by one for each message (3GPP TS 23.040 §9.2.3.6), so that the
next one's tells how many went between (`settled`); and when neither came within the time of its kind, it is sent once
more: a message that comes twice is a nuisance, one that never comes may be an alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from callcontrol.plan.number import LocalNumbering, NumberKind, parse_dialled
from callcontrol.plan.reach import Category, category

__all__ = [
    "BACK_OFF",
    "DOUBTS_MAX",
    "ENDED",
    "REPORT_LATE",
    "RULES",
    "Happened",
    "Kind",
    "Outcome",
    "Receiver",
    "Rule",
    "State",
    "Try",
    "back_off",
    "following",
    "receiver",
    "refused",
    "same_number",
    "settled",
]


class Kind(StrEnum):
    """Why it is sent."""

    ALARM = "alarm"
    RECEIPT = "receipt"
    NOTICE = "notice"
    MESSAGE = "message"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Rule:
    """Of a kind: the least `priority` is sent first; not sent when it is older than `valid`; a part that went perhaps
    is sent once more after `doubt`."""

    priority: int
    valid: timedelta
    doubt: timedelta


RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        Kind.ALARM: Rule(0, timedelta(hours=2), timedelta(minutes=1)),
        Kind.TEST: Rule(1, timedelta(minutes=10), timedelta(minutes=10)),
        Kind.RECEIPT: Rule(1, timedelta(minutes=30), timedelta(minutes=5)),
        Kind.NOTICE: Rule(2, timedelta(hours=12), timedelta(minutes=10)),
        Kind.MESSAGE: Rule(3, timedelta(days=2), timedelta(minutes=10)),
    }
)

BACK_OFF = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900))
"""Before the next try of what was put off; the last one from then on."""
DOUBTS_MAX = 2
"""What went perhaps so often is not sent again: nobody knows, and so it is said."""
REPORT_LATE = timedelta(hours=1)
"""After a message is no longer valid its report is waited for so long."""


class State(StrEnum):
    """Of one part."""

    WAITING = "waiting"
    SENDING = "sending"
    PERHAPS = "perhaps"
    SENT = "sent"  # the network has it
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"  # may have come; no report says so


class Happened(StrEnum):
    BEGUN = "begun"
    TAKEN = "taken"
    PUT_OFF = "put_off"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    NOT_TAKEN = "not_taken"
    TOO_LATE = "too_late"
    DELIVERED = "delivered"
    LOST = "lost"  # a report says that it will not come
    UNCLEAR = "unclear"  # a report says that nobody knows


ENDED = frozenset({State.DELIVERED, State.FAILED, State.UNKNOWN})

_REPORTED = {Happened.DELIVERED: State.DELIVERED, Happened.LOST: State.FAILED, Happened.UNCLEAR: State.UNKNOWN}
_NEXT: Mapping[State, Mapping[Happened, State]] = {
    # What waits for being sent once more may have gone after all.
    State.WAITING: {
        **_REPORTED,
        Happened.BEGUN: State.SENDING,
        Happened.TAKEN: State.SENT,
        Happened.TOO_LATE: State.FAILED,
    },
    State.SENDING: {
        Happened.TAKEN: State.SENT,
        Happened.PUT_OFF: State.WAITING,
        Happened.REFUSED: State.FAILED,
        Happened.DOUBTFUL: State.PERHAPS,
    },
    State.PERHAPS: {
        **_REPORTED,
        Happened.TAKEN: State.SENT,
        Happened.NOT_TAKEN: State.WAITING,
        Happened.TOO_LATE: State.UNKNOWN,
    },
    State.SENT: {**_REPORTED, Happened.TOO_LATE: State.UNKNOWN},
    State.UNKNOWN: {Happened.DELIVERED: State.DELIVERED, Happened.LOST: State.FAILED},
}


def following(state: State, happened: Happened) -> State | None:
    """The state that comes of it; None: nothing does."""
    return _NEXT.get(state, {}).get(happened)


def back_off(tries: int) -> timedelta:
    """After so many tries."""
    return BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1]


_NEVER = frozenset({1, 8, 10, 21, 28, 29, 30, 50, 69, 95, 96, 111, 304, 305, 310})
_IN_DOUBT = frozenset({332})


def refused(code: int | None) -> Happened:
    """What a modem's refusal means (+CMS ERROR, 3GPP TS 27.005 §3.2.5; below 128: TS 24.011 annex E): REFUSED will be
    refused for ever, DOUBTFUL had no answer of the network, all else passes."""
    if code in _IN_DOUBT:
        return Happened.DOUBTFUL
    return Happened.REFUSED if code in _NEVER else Happened.PUT_OFF


class Outcome(StrEnum):
    """Of one try; those of `Happened` that a try can have, and that it is not at its end."""

    SENDING = "sending"
    TAKEN = "taken"
    PUT_OFF = "put_off"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True, slots=True)
class Try:
    id: int
    outcome: Outcome
    reference: int | None = None
    code: int | None = None
    """Of a refusal."""


REFERENCES = 256
"""TP-MR is an octet."""
PAIRS_WANTED = 2
"""References that followed each other, before a SIM's are believed to count."""


def settled(tries: Sequence[Try]) -> Mapping[int, int | None]:
    """Of one modem's tries in their order: those DOUBTFUL of which the references tell what became of them, by id: the
    reference that it was taken by, or None, as it was not.

    Between two that were taken the count goes up by one for each that went; whether also for one that was refused, is
    seen, by code, where nothing else lies between. After 255 comes 0 or, with some, 1. A modem whose references do not
    follow each other where nothing lies between is not believed.
    """
    stretches = list(_stretches(tries))
    plain = [one.went for one in stretches if not one.between]
    if len(plain) < PAIRS_WANTED or not all(0 in went for went in plain):
        return {}
    counting: set[int | None] = set()
    harmless: set[int | None] = set()
    for stretch in stretches:
        if not any(one.outcome is Outcome.DOUBTFUL for one in stretch.between):
            (harmless if 0 in stretch.went else counting).update(one.code for one in stretch.between)
    found: dict[int, int | None] = {}
    for stretch in stretches:
        # Those that the count goes up by if all that is doubtful went.
        counted = [
            one for one in stretch.between if one.outcome is Outcome.DOUBTFUL or one.code not in harmless - counting
        ]
        possible = {went for went in stretch.went if 0 <= went <= len(counted)}
        if len(possible) == 1 and possible <= {0, len(counted)}:
            for place, one in enumerate(counted):
                if one.outcome is Outcome.DOUBTFUL:
                    found[one.id] = stretch.reference(place, len(counted)) if 0 not in possible else None
    return found


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What lies between two that were taken. `went`: by how much the count may be further than by those two."""

    before: int
    after: int
    between: tuple[Try, ...]
    went: frozenset[int]

    def reference(self, place: int, count: int) -> int:
        """Of one of those that went, by its place from 0."""
        upwards = self.before + 1 + place
        return upwards if upwards < REFERENCES else self.after - count + place


def _stretches(tries: Sequence[Try]) -> Iterator[_Stretch]:
    before: int | None = None
    between: list[Try] = []
    for one in tries:
        if one.outcome is Outcome.TAKEN and one.reference is not None:
            if before is not None:
                further = one.reference - before
                went = {further} if further > 0 else {further + REFERENCES, further + REFERENCES - (one.reference > 0)}
                yield _Stretch(before, one.reference, tuple(between), frozenset(steps - 1 for steps in went))
            before, between = one.reference, []
        elif one.outcome is not Outcome.NOT_TAKEN:
            between.append(one)


def same_number(one: str, other: str) -> bool:
    """Whether two writings may be one number: networks tell a receiver as national, international, or as it was
    written."""
    if one.startswith("+") and other.startswith("+"):
        return one == other
    ours, theirs = one.lstrip("+0"), other.lstrip("+0")
    shorter = min(len(ours), len(theirs))
    return ours == theirs or (shorter >= _NATIONAL_MIN and ours[-shorter:] == theirs[-shorter:])


_NATIONAL_MIN = 7
_WRITTEN = LocalNumbering(line_prefixes=("",))


@dataclass(frozen=True, slots=True)
class Receiver:
    """`number`: E.164, None where nothing may be sent there; then `why` is a Category's name, or `no_number`."""

    number: str | None
    why: str = ""


def receiver(text: str, *, abroad: bool = False) -> Receiver:
    """To whom a message may be sent: mobiles in Sweden, and abroad where that is open. No short number is, whatever it
    costs: what answers there is a service, and 72xxx takes its price from the bill (E1)."""
    read = parse_dialled(text, _WRITTEN, sms=True)
    found = category(read)
    if found is Category.MOBILE or (abroad and found is Category.ABROAD):
        return Receiver(read.e164)
    return Receiver(None, "no_number" if read.kind is NumberKind.INVALID else found.value)
