"""The policy's shell: what it writes, switches, says, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.trunk.smsqueue import Kind
from drivers.ups.model import Mains, Reading, Trouble
from firmware.config import Config, Load, Power, Sms, Ups, default
from firmware.power import discharging
from firmware.power.ending import Halted
from firmware.power.halting import Stage
from firmware.power.keeper import Last, PowerKeeper
from firmware.power.states import PowerState
from firmware.status import Status
from firmware.statusread import read_status
from firmware.store.power import PowerMinute, PowerRows
from firmware.store.sms import SmsRows

SOON_S = 5.0


class Told:
    """A source that tells what a test says."""

    name, fresh_s = "ups", 60.0

    def __init__(self) -> None:
        self.told: Callable[[Reading], None] | None = None
        self.began = asyncio.Event()

    async def run(self, told: Callable[[Reading], None]) -> None:
        self.told = told
        self.began.set()
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.told = None

    async def says(self, mains: Mains, **values: float | bool) -> None:
        await self.began.wait()
        assert self.told is not None
        self.told(Reading(asyncio.get_running_loop().time(), mains, **values))  # type: ignore[arg-type]


class Words(Last):
    def __init__(self, talks_s: float = 0.0) -> None:
        self.said: list[str] = []
        self.talks_s = talks_s

    async def tell(self, minutes: float | None) -> None:
        self.said.append("tell")
        await asyncio.sleep(self.talks_s)

    async def carry_on(self) -> None:
        self.said.append("carry_on")

    async def flush(self) -> None:
        self.said.append("flush")


def config_in(folder: Path, **power: object) -> Config:
    ups = Ups(name="ups", kind="nut", keeps=("unit", "switch"))
    settings = Power(**{"telling_s": 1, "halt_after_s": 2} | power)  # type: ignore[arg-type]
    return replace(default(folder), ups=(ups,), power=settings)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not is_so():  # noqa: ASYNC110  of another thread's and a process's doing
            await asyncio.sleep(0.01)


def state_of(keeper: PowerKeeper) -> PowerState | None:
    return keeper.view.powered.state if keeper.view else None


def test_an_order_to_halt_is_obeyed_and_left_for_the_next_start(tmp_path: Path) -> None:
    """FSD: told, flushed, the command; and what is written is on the disk before it."""
    done = tmp_path / "done"
    command = ("cp", str(tmp_path / "halted.json"), str(done))
    config = config_in(tmp_path, halt_command=command, restart_command=())

    async def play() -> list[str]:
        source, words = Told(), Words()
        keeper = PowerKeeper(config, words, sources=[source])
        task = asyncio.create_task(keeper.run())
        await source.says(Mains.ON)
        await until(lambda: state_of(keeper) is PowerState.MAINS)
        await source.says(Mains.LOST, halt=True)
        await until(done.exists)
        assert keeper.ending.stage is Stage.COMMANDED
        assert keeper.shown(datetime.now(UTC)).halt == "commanded"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return words.said

    assert asyncio.run(play()) == ["tell", "flush"]
    taken = Halted(tmp_path / "halted.json").take()
    assert taken is not None
    assert taken[1] == "ups"
    assert Halted(tmp_path / "halted.json").take() is None
    with_rows = PowerRows.open(tmp_path / "journal.db")
    assert {one.name for one in with_rows.events(50)} >= {"halting", "telling", "flushing", "commanded"}
    with_rows.close()


def test_mains_back_in_the_last_words_is_a_running_unit(tmp_path: Path) -> None:
    config = config_in(tmp_path, telling_s=60)

    async def play() -> tuple[list[str], Stage]:
        source, words = Told(), Words(talks_s=60.0)
        keeper = PowerKeeper(config, words, sources=[source])
        task = asyncio.create_task(keeper.run())
        await source.says(Mains.LOST, halt=True)
        await until(lambda: "tell" in words.said)
        await source.says(Mains.ON)
        await until(lambda: "carry_on" in words.said)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return words.said, keeper.ending.stage

    said, stage = asyncio.run(play())
    assert (said[-1], stage) == ("carry_on", Stage.RUNNING)


def test_what_is_shed_is_kept_told_and_had_back_by_the_next_process(tmp_path: Path) -> None:
    lamp = tmp_path / "sys" / "class" / "leds" / "lamp"
    lamp.mkdir(parents=True)
    (lamp / "trigger").write_text("none [heartbeat] timer")
    (lamp / "brightness").write_text("1")
    load = Load(name="lamps", kind="led", at_minutes=60)
    config = replace(config_in(tmp_path), load=(load,))

    async def play(mains: Mains, is_so: Callable[[PowerKeeper], bool], **values: float) -> PowerKeeper:
        source = Told()
        keeper = PowerKeeper(config, Words(), sources=[source], sysfs=tmp_path / "sys")
        task = asyncio.create_task(keeper.run())
        await source.says(mains, **values)
        await until(lambda: is_so(keeper))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return keeper

    def is_told(keeper: PowerKeeper) -> bool:
        if (lamp / "brightness").read_text() != "0":
            return False
        with contextlib.closing(PowerRows.open(tmp_path / "journal.db")) as rows:
            return any(one.what == "shed" for one in rows.events(50))

    asyncio.run(play(Mains.LOST, is_told, minutes=50.0))
    assert (lamp / "trigger").read_text() == "none"
    again = asyncio.run(play(Mains.UNKNOWN, lambda keeper: keeper.view is not None))
    assert again.shed == ("lamps",)
    rows = PowerRows.open(tmp_path / "journal.db")
    assert rows.shed_now()["lamps"][str(lamp / "trigger")] == "heartbeat"
    assert [one.name for one in rows.events(50) if one.what == "shed"] == ["lamps"]
    rows.close()


def told_so_far(folder: Path) -> list[str]:
    rows = SmsRows.open(folder / "journal.db")
    queued = rows.told("+46701234567", Kind.ALARM, datetime.now(UTC) - timedelta(days=1))
    rows.close()
    return [name.partition(" ")[0] for name in queued]


def test_who_is_told_by_sms_and_the_snapshot(tmp_path: Path) -> None:
    config = replace(config_in(tmp_path, alarm_after_s=0), sms=Sms(alarm_numbers=("+46701234567",)))

    async def play() -> Status:
        source = Told()
        keeper = PowerKeeper(config, Words(), sources=[source])
        task = asyncio.create_task(keeper.run())
        await source.says(Mains.LOST, minutes=120.0, charge_percent=80.0)
        await until(lambda: state_of(keeper) in (PowerState.BATTERY, PowerState.LOW))
        shown = keeper.shown(datetime.now(UTC))
        await until(lambda: told_so_far(tmp_path) != [])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return Status(unit="gw", version="1", time="2026-03-02T12:00:00Z", power=shown)

    status = asyncio.run(play())
    assert read_status(json.loads(json.dumps(status.to_json()))).power == status.power
    assert status.power is not None
    assert (status.power.mains, status.power.limits) == ("lost", "unit")
    rows = PowerRows.open(tmp_path / "journal.db")
    (outage,) = rows.outages(5)
    assert told_so_far(tmp_path) == [f"power-{outage.id}-start"]
    rows.close()


def test_two_days_are_kept(tmp_path: Path) -> None:
    began = datetime(2026, 3, 2, tzinfo=UTC)
    rows = PowerRows.open(tmp_path / "journal.db")
    for hour in range(100):
        rows.minute(PowerMinute(began + timedelta(hours=hour), "mains", "on"))
    kept = rows.minutes(began)
    assert (len(kept), kept[0].at) == (49, began + timedelta(hours=51))
    rows.close()


class Tried(Told):
    """Whose battery is tried by order: it says that it feeds, with mains there."""

    def __init__(self, place: Path, refuses: Trouble | None) -> None:
        super().__init__()
        self.orders: list[tuple[str, bool]] = []
        """And whether the next process would know of it."""
        self.place = place
        self.refuses = refuses

    async def order_test(self, command: str) -> Trouble | None:
        self.orders.append((command, self.place.exists()))
        if self.refuses is None:
            begins = command.endswith("deep")
            await self.says(Mains.LOST if begins else Mains.ON, charging=not begins, charge_percent=35.0)
        return self.refuses


class Line(Told):
    name = "line"


class Calm(Words):
    def serves(self) -> bool:
        return True

    def quiet(self) -> bool:
        return True


@pytest.mark.parametrize("refuses", [None, Trouble.REFUSED])
def test_a_battery_that_is_due_is_discharged_and_the_journal_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: Trouble | None
) -> None:
    monkeypatch.setattr(discharging, "working_day", lambda day: True)
    hour = datetime.now(STOCKHOLM).hour
    config = config_in(tmp_path, discharge_hour=hour)
    sources = (replace(config.ups[0], discharge_days=90), Ups(name="line", kind="line", keeps=()))
    config = replace(config, ups=sources)
    place = config.paths.discharging

    async def play() -> list[tuple[str, bool]]:
        ups, line = Tried(place, refuses), Line()
        keeper = PowerKeeper(config, Calm(), sources=[ups, line])
        task = asyncio.create_task(keeper.run())
        await line.says(Mains.ON)
        await ups.says(Mains.ON, charge_percent=100.0)
        await until(lambda: len(ups.orders) == (2 if refuses is None else 1))
        await until(lambda: not place.exists())
        await until(lambda: keeper.shown(datetime.now(UTC)).discharging is None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return ups.orders

    begun, ended = (discharging.START, True), (discharging.STOP, True)
    assert asyncio.run(play()) == ([begun, ended] if refuses is None else [begun])
    with_rows = PowerRows.open(tmp_path / "journal.db")
    what = [one.what for one in with_rows.events(50) if one.what.startswith("discharge")]
    with_rows.close()
    assert sorted(what) == sorted(
        ["discharge", "discharge", "discharged"] if refuses is None else ["discharge", "discharge_refused"]
    )
