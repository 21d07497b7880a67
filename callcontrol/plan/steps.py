"""A plan: what is done with a call, step by step, each with the rule that wants it.

A plan is walked from its first step. `Say` is said, and the walk goes on; `Ring` and `Out` end it when somebody
answers; `Platform`, `Reception`, `Voicemail` and `Refuse` end it always, and every plan ends with one of these, or
with an `Out` to 112.

The plan is the one for nobody answering. When a ring ends otherwise, as busy or not reachable, the call is planned
anew with what is now known in `State.presence` and `Call.tried`; so a plan needs no branches.
"""

from __future__ import annotations

from dataclasses import dataclass

from callcontrol.plan.model import Condition, Identity

__all__ = ["LAST", "Note", "Out", "Plan", "Platform", "Reception", "Refuse", "Ring", "Say", "Step", "Voicemail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`rule` is an id of requirements.md ("B2")."""

    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform(Step):
    """The shared platform decides: nothing is done to the call here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring(Step):
    """Ring these extensions, and with them these outside numbers, all at once, for `for_s` seconds."""

    extensions: tuple[str, ...]
    twins: tuple[str, ...] = ()
    for_s: int
    sought: str = ""  # the extension that was called, where this is another: shown to who answers
    because: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Step):
    """Say this to the caller: a key of the catalogue and what fills it; times as ISO 8601."""

    words: str
    fill: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail(Step):
    """Of this extension; 0 leads to `reception`, where there is one."""

    extension: str
    reception: str | None = None  # an entity's id
    announcement_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception(Step):
    """To the reception of this entity (None: of the site). The rest is what the operator is shown (B9)."""

    entity: str | None
    extension: str | None  # where it answers
    sought: str
    why: str  # a key of the catalogue: no_answer, busy, referred, unknown, loop, …
    emergency_number: str | None = None  # of a department that is unstaffed (B3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Out(Step):
    """Out by a trunk to E.164, a short number, or 112."""

    number: str
    identity: Identity
    shown: str | None  # None: withheld
    emergency: bool = False  # pre-empts what is in the way; nothing else does
    orderer: str | None = None  # of an ordered call; goes into the record
    cost_centre: str = ""
    for_s: int | None = None  # None: as long as the caller waits
    because: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Step):
    """A SIP code (RFC 3261 §21), its words in the catalogue, and the Q.850 cause where the trade has one."""

    code: int
    words: str
    cause: int | None = None


LAST = (Platform, Reception, Voicemail, Refuse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """To be told to somebody, beside the call: "operations" (C5), or a person's id (B3)."""

    rule: str
    to: str
    words: str
    fill: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    steps: tuple[Step, ...]
    notes: tuple[Note, ...] = ()
    entity: str | None = None  # whose greeting; None: a neutral one (B6)
    trace: tuple[tuple[str, str], ...] = ()  # (rule, key of the catalogue): how it came to this, for `rvx explain`
