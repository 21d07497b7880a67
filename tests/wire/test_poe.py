"""The driver of PoE switches, and of UPSs by UPS-MIB, against real net-snmp on this machine's loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from drivers.poe import Detection, Priority, SnmpPoeSwitch
from drivers.snmp import Access, Auth, Privacy, SnmpAgent, SnmpError
from drivers.ups.model import Mains, Trouble
from drivers.ups.upsmib import OUTPUT_SOURCE, UpsMib
from hil.sim.poe.agent import PRIVACIES, NetSnmp, missing
from hil.sim.poe.switch import MAIN_ENTRY, PORT_ENTRY, Port, Switch

pytestmark = [pytest.mark.wire, pytest.mark.skipif(bool(missing()), reason=missing())]

_ports = count(16_200)


def access(**changed: object) -> Access:
    given = {
        "address": "127.0.0.1",
        "port": next(_ports),
        "user": "rvx",
        "auth_password": "of the agent",
        "privacy_password": "and its cipher",
    }
    return Access(**{**given, **changed})  # type: ignore[arg-type]


def house() -> Switch:
    return Switch(
        ports={
            "1.1": Port(priority=1, watts=6.5),
            "1.2": Port(watts=12.0),
            "1.3": Port(),
            "1.4": Port(enabled=False, watts=4.0),
        },
        budget_w=60.0,
    )


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[NetSnmp]:
    agent = NetSnmp(tmp_path, access())
    agent.up(house())
    yield agent
    agent.down()


Reader = Callable[[Access], SnmpPoeSwitch]


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    """Switches by their access, which are let go in the end."""
    switches: list[SnmpPoeSwitch] = []

    def made(access: Access) -> SnmpPoeSwitch:
        switches.append(SnmpPoeSwitch("house", SnmpAgent(access), switching=True, names=True))
        return switches[-1]

    yield made
    for switch in switches:
        switch.close()
    await asyncio.sleep(0)  # transports close in the loop


async def test_a_switch_is_read_and_a_port_is_switched_and_seen(agent: NetSnmp, reader: Reader) -> None:
    switch = reader(agent.access)
    with agent.changing() as played:
        played.values["1.3.6.1.2.1.31.1.1.1.18.2"] = ("string", "Reception")
    state = await switch.read()
    assert (state.watts, state.watts_max, state.supplies, state.trouble) == (18, 60, True, None)
    assert [(port.index, port.enabled, port.detection, port.priority, port.name) for port in state.ports] == [
        ("1.1", True, Detection.DELIVERING, Priority.CRITICAL, None),
        ("1.2", True, Detection.DELIVERING, Priority.LOW, "Reception"),
        ("1.3", True, Detection.SEARCHING, Priority.LOW, None),
        ("1.4", False, Detection.DISABLED, Priority.LOW, None),
    ]
    await switch.set_port("1.2", False)
    assert Switch.read(agent.file).ports["1.2"].enabled is False
    state = await switch.read()
    assert (state.watts, state.ports[1].detection) == (6, Detection.DISABLED)
    with pytest.raises(SnmpError) as refused:
        await switch.set_port("1.9", False)
    assert refused.value.trouble is Trouble.REFUSED


@pytest.mark.long
@pytest.mark.parametrize("auth", list(Auth))
@pytest.mark.parametrize("privacy", list(PRIVACIES))
async def test_each_way_of_authentication_and_encryption(
    auth: Auth, privacy: Privacy, tmp_path: Path, reader: Reader
) -> None:
    agent = NetSnmp(tmp_path, access(auth=auth, privacy=privacy))
    agent.up(house())
    try:
        state = await reader(agent.access).read()
    finally:
        agent.down()
    assert (state.trouble, state.detail, len(state.ports)) == (None, "", 4)


@pytest.mark.long
@pytest.mark.parametrize(
    ("changed", "troubles"),
    [
        ({"user": "nobody"}, {Trouble.REFUSED}),
        ({"auth_password": "of another agent"}, {Trouble.REFUSED}),
        ({"privacy_password": "of another agent"}, {Trouble.REFUSED, Trouble.SILENT}),
        ({"port": 16_199}, {Trouble.SILENT, Trouble.UNREACHABLE}),
    ],
)
async def test_who_may_not_and_who_is_not_there(
    agent: NetSnmp, reader: Reader, changed: dict[str, object], troubles: set[Trouble]
) -> None:
    state = await reader(replace(agent.access, **changed)).read()  # type: ignore[arg-type]
    assert state.trouble in troubles, state
    assert (state.ports, state.watts) == ((), None)


@pytest.mark.long
async def test_a_switch_that_begins_anew_is_read_again(agent: NetSnmp, reader: Reader) -> None:
    switch = reader(agent.access)
    assert (await switch.read()).trouble is None
    agent.down()
    assert (await switch.read()).trouble is Trouble.SILENT
    agent.up()
    assert (await switch.read()).trouble is None
    agent.down()
    agent.engine_id = "replaced"
    (agent.folder / "state" / "snmpd.conf").unlink(missing_ok=True)
    agent.up()
    states = [await switch.read() for _ in range(2)]
    assert states[-1].trouble is None, states


@pytest.mark.long
@pytest.mark.parametrize(
    ("values", "follows", "said"),
    [
        ({f"{MAIN_ENTRY}.4.1": ("string", "42 W")}, {}, "pethMainPseConsumptionPower.1 is a text"),
        ({f"{MAIN_ENTRY}.4.1": ("gauge", "4000000000")}, {}, "pethMainPseConsumptionPower.1 is 4000000000"),
        ({f"{PORT_ENTRY}.3.1.2": ("integer", "0")}, {}, "pethPsePortAdminEnable.1.2 is 0"),
        ({f"{PORT_ENTRY}.6.1.2": ("objectid", ".1.3.6.1")}, {}, "pethPsePortDetectionStatus.1.2 is an object's name"),
        ({f"{PORT_ENTRY}.3.1.2.7": ("integer", "1")}, {}, "pethPsePortAdminEnable.1.2.7 has no index"),
        ({f"{PORT_ENTRY}.3.1.{n}": ("integer", "1") for n in range(5, 1200)}, {}, "has more than 1024 rows"),
        ({f"{PORT_ENTRY}.3.1.9": ("string", "x" * 4000)}, {}, "1.3.1.9 is a text of 4000 bytes"),
    ],
)
async def test_a_hostile_table_is_refused_with_the_object_at_fault(
    agent: NetSnmp, reader: Reader, values: dict[str, tuple[str, str]], follows: dict[str, str], said: str
) -> None:
    with agent.changing() as played:
        played.values, played.follows = values, follows
    state = await reader(agent.access).read()
    assert said in state.detail, state
    assert (state.trouble, state.ports, state.watts) == (Trouble.NONSENSE, (), None)


@pytest.mark.long
async def test_a_table_in_a_circle_comes_to_an_end(agent: NetSnmp, reader: Reader) -> None:
    """net-snmp passes on what its program says; a name that does not rise is met here or there."""
    with agent.changing() as played:
        played.follows = {f"{PORT_ENTRY}.3.1.3": f"{PORT_ENTRY}.3.1.1"}
    state = await reader(agent.access).read()
    assert state.trouble is not None or len(state.ports) <= 4


UPS_MIB = "1.3.6.1.2.1.33.1"


@pytest.mark.long
async def test_a_ups_by_its_mib(agent: NetSnmp) -> None:
    told = {"2.1": 2, "2.3": 87, "2.4": 100, "2.5": 272, "2.6": 0, "2.7": 24, "4.1": 3}
    with agent.changing() as played:
        played.values = {f"{UPS_MIB}.{name}.0": ("integer", str(value)) for name, value in told.items()}
    ups = UpsMib("fibre", SnmpAgent(agent.access))
    reading = await ups.read()
    assert (reading.mains, reading.minutes, reading.volts, reading.watts) == (Mains.ON, 87, 27.2, None), reading
    with agent.changing() as played:
        played.values[".".join(map(str, OUTPUT_SOURCE))] = ("integer", "5")
    assert (await ups.read()).mains is Mains.LOST
    with agent.changing() as played:
        played.values[f"{UPS_MIB}.2.3.0"] = ("string", "long")
    assert (await ups.read()).trouble is Trouble.NONSENSE
    with agent.changing() as played:
        played.values = {}
    assert (await ups.read()).trouble is Trouble.UNKNOWN_DEVICE
    agent.down()
    assert (await ups.read()).trouble is Trouble.SILENT
    await ups.close()
    await asyncio.sleep(0)
