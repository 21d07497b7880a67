"""Two units that share their addresses: one dies, the two lose sight of each other, a stranger pretends to be one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from callcontrol.edge.rpc import EdgeError, EdgeUnreachable
from hil.net import Net
from hil.pair import OWN, Pair, Standby
from hil.phone import Account, Phone
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.sipp import Sipp
from hil.site import PROXY, REALM, numbers, password
from hil.sound import seconds_of
from tests.wire.conftest import FIRST, REGISTER_S, STEP_S, dials, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

TAKEN_OVER_S = 40.0
"""Patience of a test; the bench measures."""
REPLICATED_S = 60.0
"""The same; what is missed is asked for each 5 s, once the two have found each other (5 s more)."""
ROWS, ROW = 900, "10.98.0.99|1795000000|1795000000"
"""More than one message between the units holds (60,000 bytes)."""
CROWD = 6
DESKS = ((1041, Baresip), (1042, Linphone))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    known = numbers(FIRST, 10) | {str(number): password(str(number)) for number, _ in DESKS}
    with Net("rvwire") as net:
        made = Pair(net, users=known, configuration={"edge": {"register_s": REGISTER_S}})
        phones: list[Phone] = []
        for place, (number, make) in enumerate(DESKS):
            host, ip = net.host(f"desk{place}"), f"10.98.0.{31 + place}"
            made.units[0].switch.join(host, "eth0", f"{ip}/24")
            account = Account(str(number), password(str(number)), REALM, PROXY, "udp")
            phones.append(make(host, ip, account, 500 + 300 * place))
        made.phones = tuple(phones)
        made.start()
        yield made
        made.stop()


def sipp(pair: Pair, number: int) -> Sipp:
    site = pair.units[0]
    return Sipp(site.phones, site.phone_ip(number), PROXY, REALM)


def wait_sound(site: Standby, phones: tuple[Phone, ...]) -> None:
    for ear, mouth in (phones, phones[::-1]):
        goal_s = seconds_of(ear.heard(), mouth.tone_hz) + 1.0
        site.wait(lambda: seconds_of(ear.heard(), mouth.tone_hz) >= goal_s, STEP_S, "sound")  # noqa: B023


def confirmed(site: Standby) -> set[str]:
    """Extensions bound there that the platform has confirmed in the epoch in force; none where the edge is dead."""
    try:
        epoch, conf = site.count("epoch"), site.table("conf")
        return {extension for extension in site.bindings() if conf.get(extension) == epoch}
    except (EdgeUnreachable, EdgeError):
        return set()


def accepted(site: Standby) -> dict[str, str]:
    """Until when the platform has accepted each contact; a REGISTER that goes north changes it."""
    return {contact: str(row).split("|")[1] for contact, row in site.table("north").items()}


def peers(site: Standby) -> set[str]:
    """What its DMQ says of the other one."""
    return {node["status"] for node in site.rpc("dmq.list_nodes") if not node["local"]}


def rows(site: Standby, table: str) -> int:
    """How many there are, as a table may be larger than an answer holds; none while the edge does not answer."""
    try:
        return sum(int(found["all"]) for found in site.rpc("htable.stats") if found["name"] == table)
    except EdgeUnreachable:
        return 0


def put(site: Standby, numbers: range) -> None:
    """So many phones are learnt there."""
    for number in numbers:
        site.rpc("htable.sets", "learnt", f"many{number}", ROW)


def codes(site: Standby) -> set[str]:
    """Of the problems that it shows; a unit that does not answer yet hears nobody."""
    try:
        return {problem["id"] for problem in site.status()["problems"]}
    except OSError:
        return {"RVX-B02"}


def wait_codes(site: Standby, wanted: set[str], *, shown: bool) -> None:
    """Until one of them is shown; or none of them."""
    site.wait(lambda: bool(codes(site) & wanted) is shown, STEP_S, f"{'' if shown else 'not '}{wanted}")


def test_the_other_unit_takes_over_and_calls_go_on(pair: Pair) -> None:
    first, second = pair.units
    one, other = pair.phones
    for phone in pair.phones:
        phone.start()
    crowd = sipp(pair, 11).answer(users(FIRST, CROWD), refresh_s=4)
    crowd.wait_registered(STEP_S)
    slow = sipp(pair, 14).answer(users(1009), ring_ms=6000, refresh_s=4)
    slow.wait_registered(STEP_S)
    for phone in pair.phones:
        phone.wait_registered(STEP_S)
    everybody = {*(str(FIRST + number) for number in range(CROWD)), "1009", "1041", "1042"}
    second.wait(lambda: everybody <= confirmed(second), REPLICATED_S, "what is known at the other")
    one.dial("1042")
    for phone in pair.phones:
        phone.wait_established(STEP_S)
    up = sipp(pair, 12).place(dials((1001, 1002)), hold_ms=6000)
    ringing = sipp(pair, 13).place(dials((1003, 1009)), hold_ms=500)
    first.wait(lambda: any(call.code == 200 for call in up.so_far()), STEP_S, "a call up")
    first.wait(lambda: any(call.first_ms for call in ringing.so_far()), STEP_S, "a call that rings")

    told = accepted(second)
    first.power_off()
    new = sipp(pair, 15).place(dials((1004, 1005)), patience_ms=45_000)
    second.wait(lambda: second.in_service, TAKEN_OVER_S, "in service")
    assert [call.completed for call in (*new.wait(), *up.wait(), *ringing.wait())] == [True] * 3
    assert all(call.completed for call in sipp(pair, 12).call(dials((1001, 1006), (1002, 1003))))
    wait_sound(second, pair.phones)
    other.hang_up()
    for phone in pair.phones:
        phone.wait_closed(STEP_S)
    assert second.mode() == "NORMAL"
    crowd.fresh()
    second.wait(lambda: any(said.method == "REGISTER" for said in crowd.fresh()), STEP_S, "a refresh")
    assert accepted(second) == told, "what the platform confirmed to the one holds at the other"
    wait_codes(second, {"RVX-B02"}, shown=True)

    put(second, range(ROWS))
    first.power_on()
    wait_codes(first, {"RVX-B01", "RVX-B02", "RVX-B03"}, shown=False)
    first.wait(lambda: everybody <= confirmed(first), REPLICATED_S, "the same at the one that is back")
    first.wait(lambda: rows(first, "learnt") > ROWS, REPLICATED_S, "a table of many rows")
    assert pair.serving == [second], "who serves goes on serving"
    for phone in pair.phones:
        phone.stop()
    crowd.stop()
    slow.stop()


@pytest.mark.long
def test_what_one_missed_it_asks_for(pair: Pair) -> None:
    (serving,) = pair.serving
    (other,) = [unit for unit in pair.units if unit is not serving]
    other.edge.freeze()
    try:
        put(serving, range(ROWS, ROWS + 1))
        serving.wait(lambda: "active" not in peers(serving), STEP_S, "the other one taken for gone")
        put(serving, range(ROWS + 1, 2 * ROWS))
    finally:
        other.edge.thaw()
    other.wait(lambda: rows(other, "learnt") == rows(serving, "learnt") >= ROWS, REPLICATED_S, "what it missed")


def test_both_in_service_is_shown_and_ends(pair: Pair) -> None:
    (serving,) = pair.serving
    serving.host.blackhole("south")
    try:
        for unit in pair.units:
            wait_codes(unit, {"RVX-B01"}, shown=True)
    finally:
        serving.host.unblackhole("south")
    for unit in pair.units:
        wait_codes(unit, {"RVX-B01", "RVX-B03"}, shown=False)
    assert len(pair.serving) == 1


def test_a_dead_edge_hands_over_while_its_machine_lives(pair: Pair) -> None:
    (serving,) = pair.serving
    (other,) = [unit for unit in pair.units if unit is not serving]
    serving.edge.freeze()
    try:
        other.wait(lambda: pair.serving == [other], TAKEN_OVER_S, "the other in service")
    finally:
        serving.edge.thaw()
    with sipp(pair, 16).answer(users(1007), refresh_s=4) as phone:
        phone.wait_registered(STEP_S)
        assert all(call.completed for call in sipp(pair, 17).call(dials((1008, 1007))))


def test_a_stranger_is_not_taken_for_the_other_unit(pair: Pair) -> None:
    (serving,) = pair.serving
    own = OWN[pair.units.index(serving)].south.encode()
    body = b'{"action":1,"aor":"1001","c":"sip:thief@10.98.0.66"}'
    with serving.phones.socket(socket.SOCK_STREAM) as tcp:
        tcp.settimeout(0.5)
        tcp.connect((own.decode(), 5064))
        tcp.sendall(
            b"KDMQ sip:usrloc@%b:5064 SIP/2.0\r\nVia: SIP/2.0/TCP 10.98.0.10:9;branch=z9hG4bKx\r\n"
            b"From: <sip:usrloc@10.98.0.3:5064>;tag=1\r\nTo: <sip:usrloc@%b:5064>\r\nCall-ID: x\r\n"
            b"CSeq: 1 KDMQ\r\nMax-Forwards: 1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (own, own, len(body), body)
        )
        with pytest.raises(TimeoutError):
            tcp.recv(100)
    assert "thief" not in str(serving.bindings())
