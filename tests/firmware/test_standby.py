"""Two units, one in service: what keepalived is told, and what each knows of the other."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from pathlib import Path

import pytest

from firmware import alive
from firmware.bounds import parse_shared
from firmware.config import Standby
from firmware.keepalived import check_keepalived
from firmware.standby import (
    BEAT_BYTES_MAX,
    KNOWS_AFTER_S,
    PRIORITY,
    ROUTER_PRIORITY,
    SILENT_AFTER_S,
    Beat,
    BeatRefused,
    Knowing,
    Pair,
    PairView,
    Way,
    keepalived_conf,
    preferred_routes,
    taken_epoch,
    ways,
)

KEY, OTHER_KEY = "k" * 32, "x" * 32
CARD = next((card.name for card in Path("/sys/class/net").iterdir() if (card / "device").exists()), "")
STANDBY = Standby(
    shared=(f"10.98.0.1/24 {CARD or 'lo'}", f"10.99.0.1/24 {CARD or 'lo'}"),
    own="10.98.0.2",
    peer="10.98.0.3",
    own_north="10.99.0.11",
    peer_north="10.99.0.12",
)
BESIDE_ROUTER = Standby(shared=STANDBY.shared[:1], peer_is="router", own="10.98.0.2")
SOUTH = parse_shared("10.98.0.1/24 south")
CONNECTED = {"dst": "10.98.0.0/24", "dev": "south", "protocol": "kernel", "scope": "link", "prefsrc": "10.98.0.2"}
NO_KEEPALIVED = pytest.mark.skipif(shutil.which("keepalived") is None, reason="keepalived is not installed")
NO_CARD = pytest.mark.skipif(not CARD, reason="this machine has no network card, and keepalived takes no loopback")


def test_what_is_sent_comes_from_the_shared_address_wherever_it_goes() -> None:
    assert preferred_routes(SOUTH, [CONNECTED, {"dst": "default", "gateway": "10.98.0.254", "dev": "south"}]) == [
        "10.98.0.0/25 dev south src 10.98.0.1 scope link",
        "10.98.0.128/25 dev south src 10.98.0.1 scope link",
        "0.0.0.0/1 via 10.98.0.254 dev south src 10.98.0.1",
        "128.0.0.0/1 via 10.98.0.254 dev south src 10.98.0.1",
    ]


def test_a_route_to_one_machine_stays_whole_and_what_is_no_route_is_left_out() -> None:
    held = [{"dst": "10.1.2.3", "gateway": "10.98.0.254"}, {"dst": "10.7.0.0/16", "type": "blackhole"}]
    assert preferred_routes(SOUTH, held) == ["10.1.2.3/32 via 10.98.0.254 dev south src 10.98.0.1"]


def test_what_an_earlier_takeover_has_left_is_not_halved_again() -> None:
    assert preferred_routes(SOUTH, [{**CONNECTED, "dst": "10.98.0.0/25", "prefsrc": "10.98.0.1"}]) == []


def test_the_two_units_speak_to_each_other_as_themselves() -> None:
    (route,) = preferred_routes(SOUTH, [], ways(STANDBY).values())
    assert route == "10.98.0.3/32 dev south src 10.98.0.2 scope link"


@NO_KEEPALIVED
@NO_CARD
@pytest.mark.parametrize("standby", [STANDBY, BESIDE_ROUTER], ids=["unit", "router"])
def test_keepalived_takes_it(tmp_path: Path, standby: Standby) -> None:
    routes = preferred_routes(parse_shared(STANDBY.shared[0]), [{**CONNECTED, "dev": CARD}], ways(standby).values())
    file = tmp_path / "keepalived.conf"
    file.write_text(keepalived_conf(standby, routes, check="/usr/bin/true 5066"))
    file.chmod(0o600)
    assert check_keepalived(file) == []


@NO_KEEPALIVED
def test_keepalived_says_what_it_does_not_take(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text("vrrp_instance unit {\n    nonsense\n}\n")
    assert any("nonsense" in line for line in check_keepalived(file))


def test_a_line_counts_for_less_than_the_edge_and_being_back_for_less_than_the_line() -> None:
    text = keepalived_conf(STANDBY, [], check="/usr/bin/true 5066", line="north")
    edge, back, line = (int(weight) for weight in re.findall(r"weight (-\d+)", text))
    assert edge < line < back < 0
    assert "track_interface" not in keepalived_conf(STANDBY, [], check="/usr/bin/true 5066")


def test_a_router_is_told_as_routers_are_and_gets_the_addresses_of_a_silent_edge_at_once() -> None:
    text = keepalived_conf(BESIDE_ROUTER, [], check="/usr/bin/true 5066", line="north")
    assert "mcast_src_ip 10.98.0.2" in text
    assert "unicast" not in text
    assert "weight" not in text
    assert not BESIDE_ROUTER.pair
    assert ways(BESIDE_ROUTER) == {}
    assert ROUTER_PRIORITY < PRIORITY


@pytest.mark.parametrize(("answer", "lives"), [(b"SIP/2.0 200 OK", True), (b"SIP/2.0 503 No", False), (None, False)])
def test_an_edge_lives_that_answers_200(answer: bytes | None, lives: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as edge:
        edge.bind(("127.0.0.1", 0))
        port = edge.getsockname()[1]
        if answer is None:
            edge.close()
        else:
            threading.Thread(
                target=lambda: edge.sendto(answer, edge.recvfrom(alive.ANSWER_BYTES)[1]), daemon=True
            ).start()
        monkeypatch.setattr("sys.argv", ["alive.py", str(port)])
        monkeypatch.setattr(alive, "ANSWER_S", 20.0)
        assert alive.main() == (0 if lives else 1)


# Beats


def test_a_beat_is_what_was_sent() -> None:
    beat = Beat("gw-1", True, 1795322846000001, 1795320000, 1795322900)
    assert Beat.parse(beat.to_bytes(KEY), KEY) == beat
    assert len(Beat("g" * 63, False, 10**20 - 1, 10**10 - 1, 10**10 - 1).to_bytes(KEY)) <= BEAT_BYTES_MAX


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"rvx2 gw-1 1 5 0 0",
        Beat("gw-1", True, 5).to_bytes(OTHER_KEY),
        Beat("gw-1", False, 5).to_bytes(KEY).replace(b" 0 ", b" 1 "),
        Beat("gw-1", True, 5).to_bytes(KEY) + b" ",
        b"\xff" * 50,
        b"r" * (BEAT_BYTES_MAX + 1),
    ],
    ids=["nothing", "unsigned", "another key", "changed", "more", "no text", "too long"],
)
def test_a_beat_that_is_not_the_other_units_is_refused(data: bytes) -> None:
    with pytest.raises(BeatRefused):
        Beat.parse(data, KEY)


def test_both_in_service_is_seen_by_any_way_that_is_left() -> None:
    pair = Pair((Way.PHONES, Way.PLATFORM))
    pair.hear(Way.PLATFORM, Beat("gw-2", True, 1), 100.0)
    view = pair.view(True, 100.5)
    assert view.peer_in_service is True
    assert view.silent == (Way.PHONES,)


def test_what_was_heard_too_long_ago_is_not_known() -> None:
    pair = Pair((Way.PHONES,))
    pair.hear(Way.PHONES, Beat("gw-2", True, 1), 100.0)
    assert pair.view(False, 100.0 + SILENT_AFTER_S).peer_in_service is True
    view = pair.view(False, 100.1 + SILENT_AFTER_S)
    assert view.peer_in_service is None
    assert view.silent == (Way.PHONES,)


def test_the_newest_word_counts_and_a_copy_of_an_old_one_does_not() -> None:
    pair = Pair((Way.PHONES, Way.PLATFORM))
    pair.hear(Way.PHONES, Beat("gw-2", True, 1), 100.0)
    pair.hear(Way.PLATFORM, Beat("gw-2", False, 2), 100.2)
    assert pair.view(True, 100.3).peer_in_service is False
    pair.hear(Way.PLATFORM, Beat("gw-2", True, 1), 100.4)
    assert pair.view(True, 100.5).peer_in_service is False


@pytest.mark.parametrize(
    ("own", "peer", "taken"),
    [
        (1000, 1000, None),
        (1000, 0, None),
        (1000, 1500, 1500),
        (1996, 1000, None),
        (1995, 1000, 1000),
    ],
    ids=["the same", "not known", "the other's is newer", "this one has just seen a death", "the other one has not"],
)
def test_whose_epoch_counts(own: int, peer: int, taken: int | None) -> None:
    assert taken_epoch(own, peer, 2000.0) == taken


@pytest.mark.parametrize(
    ("own", "peer", "aside"),
    [(False, True, True), (True, True, False), (False, False, False), (None, True, False), (False, None, False)],
)
def test_a_unit_is_aside_only_where_it_surely_is(own: bool | None, peer: bool | None, aside: bool) -> None:
    assert PairView(own, peer, ()).aside is aside


def test_who_was_away_has_nothing_to_give_until_it_is_whole() -> None:
    serves, aside, alone = (PairView(own, peer, ()) for own, peer in ((True, False), (False, True), (False, None)))
    knowing = Knowing()
    assert knowing.holds(serves, 0.0)
    assert not knowing.holds(alone, 1.0)
    assert not knowing.holds(aside, 2.0)
    assert not knowing.holds(aside, 2.0 + KNOWS_AFTER_S)
    assert knowing.holds(aside, 2.1 + KNOWS_AFTER_S)
    knowing.missed()
    assert not knowing.holds(aside, 3.0 + KNOWS_AFTER_S)


def test_a_unit_whose_clock_was_set_back_is_heard_again() -> None:
    pair = Pair((Way.PHONES,))
    pair.hear(Way.PHONES, Beat("gw-2", True, 1000), 100.0)
    pair.hear(Way.PHONES, Beat("gw-2", True, 10), 101.0 + SILENT_AFTER_S)
    assert pair.view(False, 101.0 + SILENT_AFTER_S).peer_in_service is True
