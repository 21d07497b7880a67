"""A plan: what is done with a call, step by step, each with the rule that wants it.

A plan is walked from its first step. A step with `after` is taken only if the latest `Ring` (or `Out`) before it ended
so; the others are taken when they are reached. `Ring` and `Out` end the walk when somebody answers; `Reception`,
`Voicemail`, `Refuse` end it always, and every plan ends with one of them, or with an `Out` of emergency.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callcontrol.plan.model import Condition, Identity

__all__ = ["After", "Note", "Out", "Plan", "Reception", "Refuse", "Ring", "Say", "Step", "Voicemail"]


class After(StrEnum):
    """How the latest ring ended."""

    ANY = "any"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NOT_REACHABLE = "not_reachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`rule` is the id in requirements.md ("B2"); `why` is for people, in the catalogue's key."""

    rule: str
    after: After = After.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring(Step):
    """Ring these extensions, all at once, for so long. Mobile twins are numbers among `outside`."""

    extensions: tuple[str, ...]
    outside: tuple[str, ...] = ()
    for_s: int
    for_whom: str = ""  # the extension that was sought, where it is another ("for Anna")
    because: Condition | None = None  # a forwarding led here


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Step):
    """Say this to the caller: a catalogue's key and what fills it (name, reason, back_at as ISO 8601, number, greeting)."""

    words: str
    fill: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail(Step):
    extension: str
    announcement_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception(Step):
    """To the queue of this entity's reception; `sought` and `why` are what the operator is shown (B9)."""

    entity: str
    extension: str | None  # where the reception answers; None: it has no phone, only the queue
    sought: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Out(Step):
    """Out by a trunk, or to the platform; `number` is E.164, a short number, or 112."""

    number: str
    identity: Identity
    shown: str | None  # the number that is shown; None when withheld
    emergency: bool = False  # pre-empts what is in the way; nothing else does
    recorded_for: str | None = None  # an ordered call: orderer; goes into the record with the cost centre
    for_s: int = 0  # 0: for as long as the caller waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Step):
    """SIP code and words (RFC 3261 §21), with Q.850 cause where the trade has one."""

    code: int
    words: str
    cause: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """To be told to somebody beside the call: operations of a forwarding to a mobile (C5), the telephony contact (B3)."""

    rule: str
    to: str  # "operations", or a person's id
    words: str
    fill: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    steps: tuple[Step, ...]
    notes: tuple[Note, ...] = ()
    entity: str | None = None  # whose greeting and identity
    trace: tuple[str, ...] = ()  # rule by rule, how it came to this; for `rvx explain`
