"""The product's own processes die: calls need no Python, records wait for it, and a killed edge knows its phones."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from callcontrol.records import Outcome, Record
from firmware.bindings import keep_bindings
from hil.phone.sipp import Dial, Result, User
from hil.site import Site
from tests.wire.conftest import REFRESH_S, STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

PAIRS = ((1001, 1002), (1003, 1004), (1005, 1006))
NEW, BUSY, SILENT, ABSENT, UNKNOWN = 1011, 1012, 1013, 1019, 1999
NEW_IP, BUSY_IP, SILENT_IP, GATEWAY_IP = 13, 14, 15, 20
SIGNAL_S = 2
LEASE_S = 11.0
"""The edge believes for ten seconds what the unit last said."""
RETURNED_S = 90.0
KILLS = 8
ANSWERS_MS = 8_000
"""A phone that answers by itself does so well within this."""


@pytest.fixture
def buildings() -> Iterator[Buildings]:
    configuration: dict[str, dict[str, object]] = {
        "survival": {"signal_s": SIGNAL_S, "ring_signals": 1},
        "emergency": {"gateway": f"sip:10.98.0.{GATEWAY_IP}:5060", "hold_s": 5},
    }
    with open_buildings(6, sound=("tcp", "udp"), configuration=configuration) as made:
        yield made


def records_of(site: Site, calls: list[Result]) -> list[Record]:
    """What the journal holds of these calls."""
    wanted = {call.call_id for call in calls}
    journal = site.journal()
    try:
        return [record for record in journal.records(10_000) if record.call_id in wanted]
    finally:
        journal.close()


def assert_each_once(site: Site, calls: list[Result]) -> None:
    """Wait until the journal holds an end for each of these calls; none may be there twice."""

    def ended() -> bool:
        return sum(record.ended_at is not None for record in records_of(site, calls)) >= len(calls)

    site.wait(ended, STEP_S, f"{len(calls)} calls in the journal")
    found = records_of(site, calls)
    assert Counter(record.call_id for record in found) == Counter(call.call_id for call in calls)
    assert {record.outcome for record in found} == {Outcome.ANSWERED}


@pytest.mark.parametrize("lease", ["in_force", pytest.param("over", marks=pytest.mark.long)])
def test_calls_need_no_python(buildings: Buildings, lease: str) -> None:
    def work(building: Building) -> None:
        site = building.site
        site.unit.kill()
        site.calls.kill()
        if lease == "over":
            time.sleep(LEASE_S)
        building.platform.kill()
        calls = building.call(*PAIRS)
        calls += building.call(*PAIRS)

        new = building.sipp(NEW_IP).answer(users(NEW), refresh_s=REFRESH_S)
        busy = building.sipp(BUSY_IP).answer(users(BUSY), status="486 Busy Here", refresh_s=REFRESH_S)
        silent = building.sipp(SILENT_IP).answer(users(SILENT), ring_ms=None, refresh_s=REFRESH_S)
        for phone in (new, busy, silent):
            phone.wait_registered(STEP_S)
        calls += building.call((1001, NEW), (NEW, 1002))
        others = building.caller.call(dials((1001, BUSY), (1002, SILENT), (1003, ABSENT), (1004, UNKNOWN)))
        assert [call.code for call in others] == [486, 480, 480, 404]

        with building.sipp(GATEWAY_IP).answer():
            (emergency,) = building.caller.call([Dial(User("7777"), "112")])
            assert emergency.completed
        building.talk()
        building.hang_up()

        building.platform.start()
        site.wait(lambda: _by_platform(building), RETURNED_S, "a call by the platform that returned")
        building.call_by_platform(*PAIRS)

        site.unit.start()
        assert_each_once(site, [*calls, emergency])
        site.wait(lambda: len(records_of(site, others)) >= len(others), STEP_S, "the failed calls in the journal")
        outcomes = {record.call_id: record.outcome for record in records_of(site, others)}
        assert [outcomes[call.call_id] for call in others] == [
            Outcome.BUSY,
            Outcome.NO_ANSWER,
            Outcome.NOT_REGISTERED,
            Outcome.UNKNOWN_NUMBER,
        ]
        for phone in (new, busy, silent):
            phone.stop()

    buildings.each(work)


def _by_platform(building: Building) -> bool:
    """Whether a call that must be answered was also carried by the platform."""
    before = building.carried()
    building.call(PAIRS[0])
    return building.carried() - before >= 2


def test_records_are_kept_once_when_the_fold_is_killed(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site, chance = building.site, random.Random(112)
        building.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        placing = building.caller.place(dials(*PAIRS), count=300, rate=30, hold_ms=200)
        for _ in range(KILLS):
            site.unit.start()
            time.sleep(chance.uniform(0.0, 1.2))
            site.unit.kill()
        calls = placing.wait()
        assert [call for call in calls if not call.completed] == []
        site.unit.start()
        assert_each_once(site, calls)

    buildings.each(work)


@pytest.mark.parametrize("platform", ["alive", "dead"])
def test_a_killed_edge_comes_back_knowing_its_phones(buildings: Buildings, platform: str) -> None:
    def work(building: Building) -> None:
        site = building.site
        if platform == "dead":
            building.platform.kill()
            site.wait_mode("SURVIVAL", STEP_S)
            building.call(*PAIRS)
        building.talk()
        before = site.bindings()
        site.wait(lambda: site.bindings_written() == before, STEP_S, "bindings written, as each second")

        site.edge.kill()
        site.edge.start()
        assert site.bindings() == before
        building.call(*PAIRS)
        building.wait_sound()

        building.hang_up()
        site.wait(lambda: _answers(building, 1042), STEP_S, "the UDP phone, called")
        site.wait(lambda: _answers(building, 1041), RETURNED_S, "the TCP phone, called when it has connected anew")
        building.talk()
        building.hang_up()

    buildings.each(work)


def _answers(building: Building, extension: int) -> bool:
    """linphone takes no second call until it has let go of the one before, and lets that ring: it is tried again."""
    return any(call.completed for call in building.caller.call(dials((1001, extension)), patience_ms=ANSWERS_MS))


def test_a_machine_that_lost_its_memory_knows_its_phones(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site = building.site
        building.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        before = site.bindings()
        site.wait(lambda: site.bindings_written() == before, STEP_S, "bindings written, as each second")
        site.unit.kill()  # it keeps them, too, once a minute: one of them at a time
        keep_bindings(site.paths.bindings, site.paths.bindings_kept)
        site.edge.kill()
        for path in site.paths.run.iterdir():
            path.unlink()
        site.edge.start()
        assert site.bindings() == before
        site.unit.start()
        building.call(*PAIRS)

    buildings.each(work)


def test_nothing_is_left(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site = building.site
        site.unit.kill()
        site.unit.start()
        os.kill(site.edge.pid, signal.SIGKILL)  # the first of its processes alone
        site.edge.start()
        site.wait(lambda: site.status()["edge"], STEP_S, "the unit that sees the edge")
        site.stop()
        assert site.host.pids() == []
        sockets = {path.name for path in site.paths.run.iterdir() if path.is_socket()}
        # Kamailio's own is left where Kamailio crashes as it ends; its next start takes it away.
        assert sockets <= {site.paths.edge_socket.name}
        site.edge.start()
        site.edge.stop()
        assert site.host.pids() == []

    buildings.each(work)
