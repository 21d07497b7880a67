"""A unit is dead and gone with its disk; a blank spare takes its place by the procedure of docs/spare.md, word by word,
and no hand touches a phone."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hil.platform.daemon import Daemon
from hil.site import UNIT_SOUTH_IP
from tests.wire.conftest import CROWD, CROWD_IP, STEP_S, Building, Buildings, open_buildings

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

PROCEDURE = Path(__file__).parents[2] / "docs" / "spare.md"
WITHIN_S = 15 * 60
"""What is promised, hands included; here only machines take time."""
REGISTERED_S = 90.0
CARD = "02:00:5e:00:53:{:02x}"
"""The network cards of the box that comes."""
COMMAND_S = 60.0
PAIRS = ((1001, 1002), (1003, 1004), (1005, 1006))
LEARNT = "1010"
CREDENTIALS = {str(number): 1 for number in range(1001, 1021)} | {LEARNT: 4, "1041": 1, "1042": 1}


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    with open_buildings(sound=("udp", "udp"), credentials=CREDENTIALS) as made:
        yield made


def commands() -> list[list[str]]:
    """Every command of the procedure, in its order, after ``rvx``."""
    fenced = re.findall(r"^```\n(.*?)^```", PROCEDURE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [
        shlex.split(line)[shlex.split(line).index("./rvx") + 1 :] for block in fenced for line in block.splitlines()
    ]


class Box:
    """Where the commands are given: the machine in the cupboard, whichever that is now."""

    def __init__(self, building: Building, folder: Path) -> None:
        self.site = building.site
        self.export, self.passphrase = folder / "gw-1.rvx", folder / "passphrase"

    def command(self, words: Sequence[str]) -> list[str]:
        known = [str(self.export) if word == "gw-1.rvx" else word for word in words if word != "--generate"]
        if words[0] == "identity":
            known += ["--passphrase-file", str(self.passphrase)]
        return [sys.executable, "-m", "tools.cli", *known, "--config", str(self.site.config_file)]

    def rvx(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return self.site.host.run(self.command(words), COMMAND_S, check=False)


def test_a_spare_serves_the_same_phones(buildings: Buildings, tmp_path: Path) -> None:
    def walk(building: Building) -> None:
        folder = tmp_path / building.registration
        folder.mkdir()
        _walk(building, Box(building, folder))

    buildings.each(walk)


def _walk(building: Building, box: Box) -> None:
    site = building.site
    box.passphrase.write_text("korrekt häst batteri\n")
    export, *steps, status, doctor = commands()
    assert export[:2] == ["identity", "export"]
    assert [step[:2] for step in steps] == [["identity", "import"], ["identity", "import"], ["run"]]
    assert "--dry-run" in steps[0]
    assert LEARNT in site.table("learnt")
    site.rpc("htable.store", "learnt")  # as it does each minute
    done = box.rvx(export)
    assert done.returncode == 0, done.stderr
    assert b"pw-1001" not in box.export.read_bytes()
    for words in steps[:2]:
        refused = box.rvx(words)
        assert (refused.returncode, "RVX-I03" in refused.stderr) == (2, True), "the unit runs"
    building.talk()

    _die(building)
    began, died_at = time.monotonic(), time.time()
    for words in steps[:2]:
        done = box.rvx(words)
        assert done.returncode == 0, done.stderr
    spare = Daemon(site.host, box.command(steps[2]), box.export.with_name("run.log"), lambda: bool(site.mode()))
    spare.start()
    try:
        alive_s = time.monotonic() - began
        card = CARD.format(1)
        site.wait(lambda: card in site.phones.ip("neigh", "show", UNIT_SOUTH_IP), STEP_S, "the spare's announcement")
        everybody = CROWD + len(building.desks)
        site.wait(lambda: len(site.bindings()) >= everybody, REGISTERED_S, f"{everybody} phones, with no hand on them")
        phones_s = time.monotonic() - began
        building.wait_sound()
        building.hang_up(who=1)  # a call of the old unit's, ended through the spare
        building.call_by_platform(*PAIRS)
        building.talk()
        building.hang_up()
        service_s = time.monotonic() - began
        assert box.rvx(status).returncode in (0, 1)
        looked = box.rvx(doctor)
        assert looked.returncode in (0, 1), looked.stderr
        building.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        building.call(*PAIRS)
        address, first_seen, _ = site.table("learnt")[LEARNT].split("|")
        assert (address, int(first_seen) < died_at) == (f"10.98.0.{CROWD_IP}", True), "learnt by the old unit"
        print(f"spare: Kamailio {alive_s:.1f} s, all phones {phones_s:.1f} s, calls {service_s:.1f} s after the death")
        assert service_s < WITHIN_S
    finally:
        spare.stop()


def _die(building: Building) -> None:
    """The unit is killed, and its disk is gone; the box that comes in its place has other network cards."""
    site = building.site
    for pid in site.host.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for program in (site.edge, site.unit):
        program.kill()
    site.paths.state.rename(site.paths.state.with_name("dead-disk"))
    site.config_file.unlink()
    for number, card in enumerate(("north", "south")):
        site.host.link_down(card)
        site.host.ip("link", "set", card, "address", CARD.format(number))
        site.host.link_up(card)
