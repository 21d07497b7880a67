"""Whether a way out by modem may be counted on (H2): the card of one SIM in one modem with one operator. Pure.

A card starts red: nothing is claimed that was not tried. Voice is proved by a test call with a tone both ways, dated;
after PROVED_FOR it is unproved again. Another SIM, modem or operator is another way out, of which nothing is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from callcontrol.trunk.pool import Service

__all__ = ["PROVED_FOR", "Card", "Colour", "Facts", "Proof", "Reason", "Shared", "What", "judge", "share_network"]

PROVED_FOR = timedelta(days=30)
WEAK_DBM = -105
"""A signal below this at its worst is one that calls are lost by."""


class What(StrEnum):
    """What is tried, each by itself."""

    CALLED = "called"
    """A test call was answered."""
    HEARD = "heard"
    """Its tone was heard here."""
    SAID = "said"
    """Ours was heard there; only where the other end is another modem of this unit, or says so."""
    SMS = "sms"


class Colour(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Reason(StrEnum):
    """Why a card is not green: keys of its words."""

    AWAY = "away"
    NO_SIM = "no_sim"
    NO_NETWORK = "no_network"
    EMERGENCY_ONLY = "emergency_only"
    UNKNOWN_NETWORK = "unknown_network"
    MENDING = "mending"
    UNPROVED = "unproved"
    OLD_PROOF = "old_proof"
    FAILED = "failed"
    ONE_WAY = "one_way"
    HALF_PROVED = "half_proved"
    NO_SMS = "no_sms"
    WEAK = "weak"
    ROAMING = "roaming"
    OLD_NETWORK = "old_network"
    NO_NUMBER = "no_number"


RED = frozenset(
    {
        Reason.AWAY,
        Reason.NO_SIM,
        Reason.NO_NETWORK,
        Reason.EMERGENCY_ONLY,
        Reason.UNKNOWN_NETWORK,
        Reason.UNPROVED,
        Reason.OLD_PROOF,
        Reason.FAILED,
        Reason.ONE_WAY,
    }
)


@dataclass(frozen=True, slots=True)
class Proof:
    at: datetime
    good: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a way out now; None is not known. `worst_dbm`: of the last day. `technology`: gsm, umts, lte,
    nr. `ims`: whether its calls are VoLTE's."""

    service: Service
    sim_ready: bool | None = None
    number: str | None = None
    operator: str | None = None
    technology: str | None = None
    ims: bool | None = None
    roaming: bool | None = None
    worst_dbm: int | None = None
    mending: bool = False
    proofs: Mapping[What, Proof] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Card:
    colour: Colour
    reasons: tuple[Reason, ...]


def judge(facts: Facts, now: datetime) -> Card:
    reasons = (*_now(facts), *_proved(facts.proofs, now), *_beside(facts, now))
    if any(reason in RED for reason in reasons):
        return Card(Colour.RED, reasons)
    return Card(Colour.YELLOW if reasons else Colour.GREEN, reasons)


def _now(facts: Facts) -> list[Reason]:
    """What is wrong at this moment."""
    if facts.service is Service.AWAY:
        return [Reason.AWAY]
    found = {
        Service.EMERGENCY_ONLY: Reason.EMERGENCY_ONLY,
        Service.UNKNOWN: Reason.UNKNOWN_NETWORK,
        Service.NONE: Reason.NO_NETWORK,
    }.get(facts.service)
    reasons = [Reason.NO_SIM] if facts.sim_ready is False else []
    reasons += [] if found is None else [found]
    return [*reasons, Reason.MENDING] if facts.mending else reasons


def _proved(proofs: Mapping[What, Proof], now: datetime) -> list[Reason]:
    called, heard, said = (proofs.get(what) for what in (What.CALLED, What.HEARD, What.SAID))
    if called is None:
        return [Reason.UNPROVED]
    if not called.good:
        return [Reason.FAILED]
    if now - called.at > PROVED_FOR:
        return [Reason.OLD_PROOF]
    tones = [tone for tone in (heard, said) if tone is not None and tone.at >= called.at]
    if any(not tone.good for tone in tones):
        return [Reason.ONE_WAY]
    return [] if len(tones) == 2 else [Reason.HALF_PROVED]


def _beside(facts: Facts, now: datetime) -> list[Reason]:
    """What makes a way out worse than it could be."""
    sms = facts.proofs.get(What.SMS)
    old = facts.technology in ("gsm", "umts") or facts.ims is False
    checks = {
        Reason.NO_SMS: sms is None or not sms.good or now - sms.at > PROVED_FOR,
        Reason.WEAK: facts.worst_dbm is not None and facts.worst_dbm < WEAK_DBM,
        Reason.ROAMING: facts.roaming is True,
        Reason.OLD_NETWORK: facts.service is Service.VOICE and old,
        Reason.NO_NUMBER: not facts.number,
    }
    return [reason for reason, holds in checks.items() if holds]


class Shared(StrEnum):
    """Whether two operators go by one radio network, as far as their codes tell."""

    SAME = "same"
    """One operator, or two codes of one."""
    SHARED = "shared"
    NOT_KNOWN = "not_known"
    """Two that nothing is known of having in common: masts, cables and power may be."""
    UNKNOWN = "unknown"
    """Of one of them no code is known."""


_TOGETHER = (frozenset({"24007", "24008", "24024"}),)
"""Net4Mobility, of Tele2 and Telenor."""


def share_network(one: str | None, other: str | None) -> Shared:
    """Of two codes of operators (MCC and MNC)."""
    if not one or not other:
        return Shared.UNKNOWN
    if one == other:
        return Shared.SAME
    if any(one in together and other in together for together in _TOGETHER):
        return Shared.SHARED
    return Shared.NOT_KNOWN
