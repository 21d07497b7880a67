"""A configuration from the hub, step by step: refused, held while it is no time for it, tried, taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callcontrol.edge.rpc import EdgeRpc
from firmware import generations
from firmware.config import load
from firmware.generations import Generations, Standing
from firmware.modes import Mode
from firmware.modes import Path as Way
from firmware.status import Calls, Node, Phones, Power, Status
from firmware.sync import configuring
from firmware.sync.bundle import Bundle, sign
from firmware.sync.configuring import Configuring, Source, health_of
from firmware.trial import Health, Phase

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def text_of(state: Path, name: str, listen: str = "udp:127.0.0.1:5060") -> str:
    return f'[unit]\nname = "{name}"\nstate_dir = "{state}"\n[edge]\nlisten = ["{listen}"]\n[platform]\nrealm = "x.y"\n'


def status_with(mode: Mode = Mode.NORMAL, calls: int = 0, registered: int = 10, power: str | None = None) -> Status:
    return Status(
        unit="norrby",
        version="0.1.0",
        time="",
        mode=mode,
        edge=True,
        calls_process=True,
        nodes=(Node("sip:a", Way.LINE, True),),
        phones=Phones(registered=registered),
        calls=Calls(now=calls),
        platform=True,
        power=Power(state=power) if power else None,
    )


class Rig:
    """`Configuring` with a hub, a unit and a clock that are only said to be there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file, self.state = folder / "unit.toml", folder / "state"
        self.file.write_text(text_of(self.state, "first"))
        self.hub: bytes | None = None
        self.asked: list[int] = []
        self.told: list[Standing] = []
        self.status: Status | None = status_with()
        self.now_s = 1000.0
        self.anew = 0
        self.complaints: list[str] = []
        self.generations = Generations(self.file, self.state)
        monkeypatch.setattr(generations, "boot_now", lambda: ("boot", self.now_s))
        monkeypatch.setattr(configuring, "status_of", self._status)
        monkeypatch.setattr(configuring, "drained", self._drained)
        monkeypatch.setattr(configuring, "anew", self._anew)
        monkeypatch.setattr(configuring, "check_edge", lambda config: self.complaints)
        self.start()

    def start(self) -> None:
        source = Source(fetch=self._fetch, reached=lambda: True, key=KEY.public_key().public_bytes_raw(), unit="norrby")
        edge = EdgeRpc(self.state / "none")
        self.configuring = Configuring(self.file, load(self.file), edge, source, self._told)

    def send(self, version: int, name: str, *, key: Ed25519PrivateKey = KEY, unit: str = "norrby") -> None:
        text = name if "\n" in name else text_of(self.state, name)
        made = Bundle(unit=unit, version=version, made_at="2026-11-23T08:00:00Z", program="0.1.0", config=text)
        self.hub = sign(made, key)

    async def fetch(self) -> None:
        await self.configuring._fetch()

    async def step(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.now_s += 1
            try:
                await self.configuring._step()
            except SystemExit:
                self.start()

    @property
    def phase(self) -> Phase:
        return self.generations.standing().phase

    @property
    def name(self) -> str:
        return load(self.file).unit.name

    async def _fetch(self, have: int) -> bytes | None:
        self.asked.append(have)
        return self.hub

    async def _told(self, standing: Standing) -> None:
        self.told.append(standing)

    async def _status(self, place: Path) -> Status | None:
        return self.status

    async def _drained(self, edge: EdgeRpc, patience_s: float) -> int | None:
        return 0

    async def _anew(self, made: Generations, before: object, own: str, since_s: float) -> None:
        self.anew += 1
        made.restarted(since_s)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(tmp_path, monkeypatch)


def runs(work: Callable[[Rig], Awaitable[None]]) -> Callable[[Rig], None]:
    def test(rig: Rig) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(20):
                await work(rig)

        asyncio.run(bounded())

    return test


@runs
async def test_one_that_is_sent_is_tried_and_confirmed(rig: Rig) -> None:
    rig.send(3, "second")
    await rig.fetch()
    assert (rig.phase, rig.name) == (Phase.ARMED, "first")
    await rig.step(2)
    assert (rig.phase, rig.name, rig.anew) == (Phase.TRIAL, "second", 1)
    await rig.step(120)
    assert (rig.phase, rig.name) == (Phase.CONFIRMED, "second")
    await rig.step()
    assert [one.phase for one in rig.told][-1] is Phase.CONFIRMED
    await rig.fetch()  # the same again
    assert (rig.asked, rig.phase) == ([0, 3], Phase.CONFIRMED)


@runs
async def test_phones_that_do_not_come_again_take_it_back(rig: Rig) -> None:
    rig.send(1, "second")
    await rig.fetch()
    await rig.step(30)
    assert rig.name == "second"
    rig.status = status_with(registered=2)
    began_s = rig.now_s
    await rig.step(25)
    assert (rig.phase, rig.name, rig.anew) == (Phase.ROLLED_BACK, "first", 2)
    assert rig.now_s - began_s < 30


@runs
async def test_it_is_no_time_for_it(rig: Rig) -> None:
    rig.send(1, "second")
    await rig.fetch()
    for status, why in (
        (status_with(calls=1), "calls"),
        (status_with(Mode.SURVIVAL), "outage"),
        (status_with(Mode.SUSPECT), "outage"),
        (status_with(power="battery"), "battery"),
        (None, "outage"),
    ):
        rig.status = status
        await rig.step(3)
        assert (rig.phase, rig.configuring.waits) == (Phase.ARMED, why)
    rig.status = status_with(power="mains")
    await rig.step()
    assert rig.phase is Phase.TRIAL


@runs
async def test_what_is_not_ours_leaves_no_trace(rig: Rig) -> None:
    rig.send(1, "second", key=OTHER)
    await rig.fetch()
    rig.send(2, "second", unit="soderby")
    await rig.fetch()
    await rig.step()
    assert (rig.phase, rig.name, rig.generations.standing().highest) == (Phase.NONE, "first", 0)


@runs
async def test_what_cannot_be_used_is_refused_once_with_its_field(rig: Rig) -> None:
    rig.send(4, text_of(rig.state, "second", listen="smoke:1"))
    await rig.fetch()
    standing = rig.generations.standing()
    assert (standing.phase, standing.highest) == (Phase.REFUSED, 4)
    assert "edge.listen" in standing.why
    rig.complaints = ["parse error in config file"]
    rig.send(5, "third")
    await rig.fetch()
    standing = rig.generations.standing()
    assert (standing.phase, standing.why) == (Phase.REFUSED, "parse error in config file")
    assert rig.name == "first"


@runs
async def test_what_was_changed_here_is_not_overwritten_until_it_is_released(rig: Rig) -> None:
    rig.generations.override(text_of(rig.state, "own"), "anna", "the hub is away", "2026-11-23T08:00:00Z")
    await rig.step(2)
    assert rig.told[-1].override == "the hub is away"
    rig.send(1, "second")
    await rig.fetch()
    await rig.step(5)
    assert (rig.phase, rig.name, rig.configuring.waits) == (Phase.ARMED, "own", "override")
    rig.generations.release()
    await rig.step(2)
    assert (rig.phase, rig.name) == (Phase.TRIAL, "second")


@pytest.mark.parametrize(
    ("status", "hub", "found"),
    [
        (None, None, Health()),
        (None, True, Health(hub=True)),
        (status_with(), True, Health(edge=True, calls_process=True, platform=True, registered=10, hub=True)),
    ],
)
def test_what_of_a_status_counts(status: Status | None, hub: bool | None, found: Health) -> None:
    assert health_of(status, hub) == found
