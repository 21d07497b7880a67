"""A real Radicale, and the real process `web`: what somebody's calendar says is so for their phone within seconds."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.absence import Absent
from callcontrol.plan.model import Entity, Extension, Kind, Unit
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.paths import Paths
from firmware.store.calendars import Calendars, Subscription
from firmware.store.load import Bulk, Municipality, load
from firmware.store.people import People
from hil.radicale import PASSWORD, Radicale
from hil.sim.power.realnut import free_port

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]

EVERY_S = 5
STEP_S = 20.0
EXTENSION = "1001"


@dataclass
class House:
    """A unit's `web`, and who keeps a calendar."""

    paths: Paths
    radicale: Radicale
    log: Path

    def absent(self) -> Absent | None:
        people = People.open(self.paths.directory, self.paths.journal, LocalNumbering())
        with closing(people):
            people.look_again()
            return people.absent(EXTENSION, datetime.now(UTC))

    def subscription(self) -> Subscription:
        with closing(Calendars.open(self.paths.journal)) as rows:
            found = rows.of(EXTENSION)
        assert found is not None
        return found

    def read_now(self) -> None:
        with closing(Calendars.open(self.paths.journal)) as rows:
            rows.again(EXTENSION, datetime.now(UTC))

    def until(self, reason: str | None) -> float:
        """Seconds until that is so."""
        began = time.monotonic()
        while (absent := self.absent()) is None or absent.reason != reason:
            if absent is None and reason is None:
                break
            waited_s = time.monotonic() - began
            assert waited_s < STEP_S, f"{absent and absent.reason}, not {reason}; {self.log.read_text()}"
            time.sleep(0.05)
        return time.monotonic() - began


@pytest.fixture
def folder() -> Iterator[Path]:
    """Which the unit's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="rvcal") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def house(folder: Path) -> Iterator[House]:
    radicale = Radicale(folder / "radicale", free_port("127.0.0.1"))
    radicale.start()
    paths = Paths(folder / "state")
    paths.state.mkdir()
    (folder / "unit.toml").write_text(
        f'[unit]\nname = "u"\nstate_dir = "{paths.state}"\n[platform]\nrealm = "x.example"\n'
        '[edge]\nlisten = ["udp:127.0.0.1:5999"]\n'
        f'[web]\nlisten = ["127.0.0.1:{free_port("127.0.0.1")}"]\n'
        f'[calendars]\nevery_s = {EVERY_S}\nservers = ["{radicale.origin}"]\n'
    )
    people = People.open(paths.directory, paths.journal, LocalNumbering())
    bulk = Bulk(
        municipalities=(Municipality(id="norrby", name="Norrby"),),
        classes=(DEFAULT_CLASS,),
        entities=(Entity(id="kommun", name="Norrby kommun", municipality="norrby", greeting="Hej"),),
        units=(Unit(id="bygg", name="Bygg", entity="kommun"),),
        people=(),
        extensions=(Extension(number=EXTENSION, kind=Kind.OFFICE, unit="bygg", reach=DEFAULT_CLASS),),
    )
    load(people.directory, bulk, "by hand", datetime.now(UTC))
    people.close()
    log = folder / "log"
    with log.open("wb") as out:
        command = [sys.executable, "-P", "-m", "firmware.app", "web", "--config", str(folder / "unit.toml")]
        web = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield House(paths, radicale, log)
        assert web.poll() is None, log.read_text()
        assert PASSWORD not in log.read_text()
    finally:
        web.terminate()
        web.wait(STEP_S)
        radicale.stop()


def test_what_stands_in_a_calendar_is_so_within_seconds(house: House) -> None:
    radicale, hour = house.radicale, timedelta(hours=1)
    with closing(Calendars.open(house.paths.journal)) as rows:
        rows.subscribe(EXTENSION, radicale.url(), "anna", datetime.now(UTC))
    house.until(None)
    radicale.meeting("m", "SAM: budget", hour)
    took = [house.until("meeting")]
    radicale.meeting("m", "TJÄ: Umeå", 3 * hour)
    took.append(house.until("business_trip"))
    print(f"from a change to its being so, asked each {EVERY_S} s: {took[0]:.1f} s, {took[1]:.1f} s")
    assert max(took) < EVERY_S * 1.2 + 3

    radicale.remove("m")
    radicale.meeting("private", "SAM: lön", hour, "anna", "CLASS:PRIVATE")
    radicale.meeting("open", "SAM; budget", hour)
    radicale.meeting("obs", "OBS: fika", hour)
    radicale.meeting("each", "LUN:", hour, "anna", "RRULE:FREQ=DAILY;COUNT=3")
    house.read_now()
    house.until("lunch")
    shown = house.subscription()
    assert sorted((one.reason, one.open) for one in shown.understood) == [("lunch", False)] * 3 + [("meeting", True)]
    assert ({str(why): count for why, count in shown.passed.items()}, shown.unknown) == (
        {"private": 1, "unknown_letters": 1},
        ("OBS:",),
    )


def test_a_server_that_is_gone_changes_nothing_and_is_told(house: House) -> None:
    radicale = house.radicale
    radicale.meeting("m", "SAM: budget", timedelta(hours=1))
    with closing(Calendars.open(house.paths.journal)) as rows:
        rows.subscribe(EXTENSION, radicale.url(), "anna", datetime.now(UTC))
    house.until("meeting")
    radicale.stop()
    house.read_now()
    deadline = time.monotonic() + STEP_S
    while not house.subscription().fault and time.monotonic() < deadline:
        time.sleep(0.1)
    assert house.subscription().fault == "unreachable"
    assert house.until("meeting") < 1
    radicale.start()
    radicale.remove("m")
    house.read_now()
    house.until(None)
    assert house.subscription().fault == ""
    with closing(Calendars.open(house.paths.journal)) as rows:
        rows.subscribe(EXTENSION, radicale.url().replace(PASSWORD, "wrong"), "anna", datetime.now(UTC))
    deadline = time.monotonic() + STEP_S
    while house.subscription().fault != "refused" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert house.subscription().fault == "refused"
