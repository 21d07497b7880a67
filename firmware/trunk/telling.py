"""What is said of the way out by modem, from what the process has and remembers: the answer to `status`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any

from callcontrol.trunk.pool import Service, kept
from callcontrol.trunk.readiness import Facts, Proof, What, judge, share_network
from drivers.modem.model import SimState, Voice
from drivers.modem.model import Step as Remedy
from firmware.store.smsview import SmsView
from firmware.store.steps import Noted
from firmware.store.trunk import Place, TrunkRows
from firmware.trunk.lines import ModemLine
from firmware.trunk.memory import DAY

__all__ = ["SCHEMA", "Known", "kept_names", "known_of", "modem_said", "shared_said", "steps_said"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Known:
    """Of one way out: what was proved, and the worst of its signal in a day."""

    proofs: Mapping[What, Proof] = field(default_factory=dict)
    worst_dbm: int | None = None


def known_of(rows: TrunkRows, sms: SmsView, places: Mapping[str, Place | None], now: datetime) -> dict[str, Known]:
    """In the thread of the store."""
    found = {}
    for modem, place in places.items():
        proofs = {} if place is None else rows.proofs(place)
        if (came := sms.proved(modem)) is not None and place is not None:
            proofs[What.SMS] = Proof(came, True)
        found[modem] = Known(proofs, rows.worst_signal(modem, now - DAY))
    return found


def modem_said(line: ModemLine, known: Known, now: datetime, *, is_kept: bool) -> dict[str, Any]:
    """One modem, with its card."""
    modem, seen = line.modem, line.seen()
    network, sim, health = modem.network, modem.sim, modem.health
    facts = Facts(
        service=seen.service,
        sim_ready=None if sim.state is SimState.UNKNOWN else sim.state is SimState.READY,
        number=line.number,
        operator=network.operator,
        technology=network.technology,
        ims=True if network.voice is Voice.IMS else False if network.voice is Voice.CS else None,
        roaming=network.roaming,
        worst_dbm=known.worst_dbm,
        mending=health.step is not Remedy.FINE,
        proofs=known.proofs,
    )
    card = judge(facts, now)
    return {
        "name": line.name,
        "model": modem.model,
        "firmware": modem.firmware,
        "number": line.number,
        "service": seen.service.name.lower(),
        "operator": network.operator,
        "network": network.name,
        "technology": network.technology,
        "volte": facts.ims,
        "roaming": network.roaming,
        "dbm": network.dbm,
        "worst_dbm": known.worst_dbm,
        "sim": sim.state.value,
        "pin_tries": sim.pin_tries,
        "health": health.step.value,
        "health_reason": health.reason,
        "carries": None if seen.carries is None else seen.carries.priority.name.lower(),
        "kept_for_112": is_kept,
        "minutes_left": None if seen.left_s is None else max(0, round(seen.left_s / 60, 1)),
        "card": card.colour.value,
        "reasons": [reason.value for reason in card.reasons],
        "proofs": {
            what.value: {"at": proof.at.isoformat(), "good": proof.good, "detail": proof.detail}
            for what, proof in known.proofs.items()
        },
    }


def kept_names(lines: Iterable[ModemLine], *, keep_one: bool) -> frozenset[str]:
    return kept([line.seen() for line in lines], keep_one=keep_one)


def shared_said(lines: Iterable[ModemLine]) -> list[dict[str, str]]:
    """Of each two: whether they go by one radio network, as far as codes tell."""
    able = [line for line in lines if line.service is not Service.AWAY]
    return [
        {
            "one": one.name,
            "other": other.name,
            "shared": share_network(one.modem.network.operator, other.modem.network.operator).value,
        }
        for one, other in combinations(able, 2)
    ]


def steps_said(steps: Iterable[Noted]) -> list[dict[str, str]]:
    return [
        {"call": each.call, "at": each.at.isoformat(), "step": each.step, "modem": each.modem, "detail": each.detail}
        for each in steps
    ]
