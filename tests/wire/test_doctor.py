"""``rvx doctor`` beside a unit that lives, and beside one that does not: what it says is so."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.conftest import STEP_S, Building, Buildings, open_buildings

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

COMMAND_S = 60.0
CREDENTIALS = {str(number): 1 for number in range(1001, 1021)} | {"1003": 2, "1004": 3, "1010": 4}


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    with open_buildings(credentials=CREDENTIALS) as made:
        yield made


def doctor(building: Building) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and what is said of each check."""
    words = [sys.executable, "-m", "tools.cli", "doctor", "--json", "--config", str(building.site.config_file)]
    done = building.site.host.run(words, COMMAND_S, check=False)
    return done.returncode, {check["check"]: check for check in json.loads(done.stdout)["checks"]}


def test_what_the_doctor_says_is_so(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site = building.site
        _, before = doctor(building)
        assert not before["media"]["known"], "no call yet"
        building.call_by_platform((1001, 1002), (1003, 1004), (1005, 1006))
        site.rpc("htable.store", "learnt")  # as the edge does each minute
        code, well = doctor(building)
        assert code == 0, well
        for name in ("config", "files", "disk", "address", "edge", "unit", "platform", "timers", "secrets", "media"):
            assert well[name]["result"] == "ok", well[name]
        assert well["platform"]["observed"].startswith("1 of 1 nodes serve")
        assert well["media"]["observed"] == "runs from phone to phone (last 3 calls)"
        assert "17 by the platform's secret (1), 1 by ours (2), 1 by one of their own (3), 1 learnt (4)" in str(
            well["secrets"]
        )
        assert well["way-out"]["id"] == "RVX-G01", "none is configured"

        site.unit.kill()
        code, deaf = doctor(building)
        assert (code, deaf["unit"]["id"], deaf["platform"]["result"]) == (1, "RVX-S01", "ok")
        site.unit.start()
        building.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        site.wait(lambda: site.status()["mode"] == "SURVIVAL", STEP_S, "the unit knows")
        code, alone = doctor(building)
        assert (code, alone["platform"]["id"]) == (1, "RVX-L01")
        site.edge.kill()
        code, dead = doctor(building)
        assert (code, dead["edge"]["id"], dead["media"]["observed"]) == (1, "RVX-E01", "waits for edge")

    buildings.each(work)
