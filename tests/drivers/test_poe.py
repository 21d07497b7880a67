"""A switch's tables as they should be and as they should not, without a network."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from drivers.poe import ADMIN_ENABLE, MAIN_ENTRY, PORT_ENTRY, Detection, Port, Priority, SnmpPoeSwitch, parse_index
from drivers.snmp import Access, Auth, Oid, SnmpAgent, SnmpError, Value, master_key
from drivers.ups.model import Trouble

CONSUMPTION: Oid = (*MAIN_ENTRY, 4, 1)
PORT_3: Oid = (*PORT_ENTRY, ADMIN_ENABLE, 1, 3)


class Told:
    """An agent that has what it was given, in memory."""

    def __init__(self, rows: Mapping[Oid, Value], stuck: bool = False) -> None:
        self.rows, self.stuck = dict(rows), stuck

    async def get(self, *names: Oid) -> list[Value]:
        return [self.rows.get(name) for name in names]

    async def walk(self, column: Oid, rows_max: int) -> Mapping[Oid, Value]:
        under = {name[len(column) :]: value for name, value in self.rows.items() if name[: len(column)] == column}
        if len(under) > rows_max:
            raise SnmpError(Trouble.NONSENSE, "more rows")
        return under

    async def put(self, name: Oid, value: int) -> None:
        if not self.stuck:
            self.rows[name] = value

    def close(self) -> None: ...


ROWS: dict[Oid, Value] = {
    (*MAIN_ENTRY, 2, 1): 370,
    (*MAIN_ENTRY, 3, 1): 1,
    CONSUMPTION: 42,
    PORT_3: 1,
    (*PORT_ENTRY, 6, 1, 3): 3,
    (*PORT_ENTRY, 7, 1, 3): 1,
    (*PORT_ENTRY, ADMIN_ENABLE, 1, 4): 2,
    (*PORT_ENTRY, 6, 1, 4): 99,
}


async def test_what_a_table_says_and_a_word_that_is_not_in_it() -> None:
    switch = SnmpPoeSwitch("house", Told(ROWS), clock=lambda: 7.0)
    state = await switch.read()
    assert (state.at_s, state.watts, state.watts_max, state.supplies, state.trouble) == (7.0, 42, 370, True, None)
    assert state.ports == (
        Port("1.3", True, Detection.DELIVERING, Priority.CRITICAL),
        Port("1.4", False, None, None),
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (CONSUMPTION, b"42", "pethMainPseConsumptionPower.1 is a text, expected a number"),
        (CONSUMPTION, 4_000_000_000, "pethMainPseConsumptionPower.1 is 4000000000, expected 0 to 65535"),
        (PORT_3, (1, 3), "pethPsePortAdminEnable.1.3 is an object's name, expected a number"),
        (PORT_3, 3, "pethPsePortAdminEnable.1.3 is 3, expected 1 to 2"),
        ((*PORT_ENTRY, 6, 1, 3, 9), 3, "pethPsePortDetectionStatus.1.3.9 has no index of 2 numbers"),
    ],
)
async def test_a_table_that_lies_is_not_believed_in_part(name: Oid, value: Value, said: str) -> None:
    state = await SnmpPoeSwitch("house", Told({**ROWS, name: value})).read()
    assert (state.trouble, state.detail, state.watts, state.ports) == (Trouble.NONSENSE, said, None, ())


async def test_a_group_that_does_not_tell_makes_the_sum_unknown() -> None:
    state = await SnmpPoeSwitch("house", Told({**ROWS, (*MAIN_ENTRY, 4, 2): None})).read()
    assert (state.watts, state.trouble) == (None, None)


async def test_an_agent_without_the_table_is_no_such_switch() -> None:
    state = await SnmpPoeSwitch("house", Told({})).read()
    assert state.trouble is Trouble.UNKNOWN_DEVICE


async def test_nothing_is_switched_that_was_not_allowed_and_nothing_is_said_that_is_not_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.poe.WAIT_WRITTEN_S", 0)
    agent = Told(ROWS)
    with pytest.raises(SnmpError, match="not configured"):
        await SnmpPoeSwitch("house", agent).set_port("1.3", False)
    assert agent.rows[PORT_3] == 1
    await SnmpPoeSwitch("house", agent, switching=True).set_port("1.3", False)
    assert agent.rows[PORT_3] == 2
    with pytest.raises(SnmpError, match=r"pethPsePortAdminEnable\.1\.3 was written and is not so"):
        await SnmpPoeSwitch("house", Told(ROWS, stuck=True), switching=True).set_port("1.3", False)


@pytest.mark.parametrize("text", ["", "3", "1.2.3", "1.-3", "0.3", "1.99999999999", "1.٣", "a.b"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(ValueError, match="no port"):
        parse_index(text)


def test_a_key_as_rfc_3414_a_3_2_derives_it_with_a_newer_hash_and_no_short_password() -> None:
    assert master_key("maplesyrup", Auth.SHA256).hex() == (
        "ab51014d1e077f6017df2b12bee5f5aa72993177e9bb569c4dff5a4ca0b4afac"
    )
    with pytest.raises(ValueError, match="8 characters"):
        master_key("short", Auth.SHA256)


def test_no_password_in_what_is_shown() -> None:
    access = Access(address="127.0.0.1", user="rvx", auth_password="verysecret1", privacy_password="verysecret2")
    assert "verysecret" not in repr(access) + repr(SnmpAgent(access))
