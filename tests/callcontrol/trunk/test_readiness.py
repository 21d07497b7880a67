"""The colour of a way out, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callcontrol.trunk.pool import Service
from callcontrol.trunk.readiness import (
    PROVED_FOR,
    WEAK_DBM,
    Colour,
    Facts,
    Proof,
    Reason,
    Shared,
    What,
    judge,
    share_network,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GOOD = Proof(NOW - PROVED_FOR, good=True)
BAD = replace(GOOD, good=False)
OLD = replace(GOOD, at=GOOD.at - SECOND)
ALL = dict.fromkeys(What, GOOD)
WELL = Facts(
    service=Service.VOICE, sim_ready=True, number="+46701000001", operator="24001", technology="lte", ims=True,
    roaming=False, worst_dbm=WEAK_DBM, proofs=ALL,
)  # fmt: skip


def but(*without: What, **proofs: Proof) -> dict[What, Proof]:
    kept = {what: proof for what, proof in ALL.items() if what not in without}
    return kept | {What(what): proof for what, proof in proofs.items()}


@pytest.mark.parametrize(
    ("facts", "colour", "reasons"),
    [
        (WELL, Colour.GREEN, []),
        # What was never asked is no fault.
        (replace(WELL, sim_ready=None, technology=None, ims=None, roaming=None, worst_dbm=None), Colour.GREEN, []),
        # A card starts red, and so does one whose proof is older than it counts.
        (replace(WELL, proofs={}), Colour.RED, [Reason.UNPROVED, Reason.NO_SMS]),
        (replace(WELL, proofs=but(What.CALLED)), Colour.RED, [Reason.UNPROVED]),
        (replace(WELL, proofs=but(called=OLD)), Colour.RED, [Reason.OLD_PROOF]),
        (replace(WELL, proofs=but(called=BAD)), Colour.RED, [Reason.FAILED]),
        (replace(WELL, proofs=but(heard=BAD)), Colour.RED, [Reason.ONE_WAY]),
        (replace(WELL, proofs=but(What.HEARD, said=BAD)), Colour.RED, [Reason.ONE_WAY]),
        (replace(WELL, proofs=but(What.SAID)), Colour.YELLOW, [Reason.HALF_PROVED]),
        # Tones of a call before the last one say nothing of that.
        (replace(WELL, proofs=but(heard=OLD)), Colour.YELLOW, [Reason.HALF_PROVED]),
        (replace(WELL, proofs=but(heard=OLD, said=replace(OLD, good=False))), Colour.YELLOW, [Reason.HALF_PROVED]),
        (replace(WELL, proofs=but(sms=OLD)), Colour.YELLOW, [Reason.NO_SMS]),
        (replace(WELL, proofs=but(sms=BAD)), Colour.YELLOW, [Reason.NO_SMS]),
        # What is so at this moment.
        (replace(WELL, service=Service.AWAY, sim_ready=False, mending=True), Colour.RED, [Reason.AWAY]),
        (replace(WELL, service=Service.NONE), Colour.RED, [Reason.NO_NETWORK]),
        (replace(WELL, service=Service.UNKNOWN), Colour.RED, [Reason.UNKNOWN_NETWORK]),
        (
            replace(WELL, service=Service.EMERGENCY_ONLY, sim_ready=False),
            Colour.RED,
            [Reason.NO_SIM, Reason.EMERGENCY_ONLY],
        ),
        (replace(WELL, mending=True), Colour.YELLOW, [Reason.MENDING]),
        (replace(WELL, worst_dbm=WEAK_DBM - 1), Colour.YELLOW, [Reason.WEAK]),
        (replace(WELL, roaming=True), Colour.YELLOW, [Reason.ROAMING]),
        (replace(WELL, technology="umts"), Colour.YELLOW, [Reason.OLD_NETWORK]),
        (replace(WELL, ims=False), Colour.YELLOW, [Reason.OLD_NETWORK]),
        (replace(WELL, ims=False, service=Service.NONE), Colour.RED, [Reason.NO_NETWORK]),
        (replace(WELL, number=""), Colour.YELLOW, [Reason.NO_NUMBER]),
    ],
)
def test_a_card(facts: Facts, colour: Colour, reasons: list[Reason]) -> None:
    card = judge(facts, NOW)
    assert (card.colour, list(card.reasons)) == (colour, reasons)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("24001", "24001", Shared.SAME),
        ("24007", "24008", Shared.SHARED),
        ("24024", "24007", Shared.SHARED),
        ("24001", "24007", Shared.NOT_KNOWN),
        (None, "24001", Shared.UNKNOWN),
        ("24001", "", Shared.UNKNOWN),
        (None, None, Shared.UNKNOWN),
    ],
)
def test_one_radio_network_or_two(one: str | None, other: str | None, shared: Shared) -> None:
    assert share_network(one, other) is shared
    assert share_network(other, one) is shared
