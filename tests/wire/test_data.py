"""The platform by mobile data: a cut line, WireGuard in user space on a slow and narrow second line, real phones.

Requirements A3 and A11."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pytest

from firmware.data.shown import Shown
from hil.cell import ALSO, WORLD_IP, Cell, Keys, configuration
from hil.net import Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.scripted import RINGS, Centre
from hil.phone.sipp import Dial, Result, Sipp, User
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import holds

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(300)]

OUTSIDE = "+4690100000"
STEP_S = 30.0
DELAY_MS = 60.0
SLOW_MS, LOSSY_PERCENT, NARROW_KBIT = 150.0, 2.0, 250.0
"""A second line at its worst that still serves: at the edge of a cell, with others in it."""
MOVED_S = 3.0
"""From the cut of the line to a call by data (issue 5)."""
SOUND_S = 3.0
SILENT_MS, LONGEST_MS = 900.0, 4_000.0
"""A call for which the relay is not asked, and one for which it is, and hangs."""


@dataclass(frozen=True)
class House:
    site: Site
    cell: Cell

    def call(self, number: str = OUTSIDE, extension: int = 1001, **options: Any) -> Result:
        """By sipp, from its own address, to its end."""
        phone = Sipp(self.site.phones, self.site.phone_ip(11), PROXY, REALM)
        dial = Dial(User(str(extension), password(str(extension))), number)
        (result,) = phone.place([dial], **({"hold_ms": 100, "patience_ms": 20_000} | options)).wait()
        return result

    def path(self) -> object:
        return self.site.table("st").get("path")

    def measured(self) -> Shown:
        shown = Shown.read(self.site.paths.data_shown)
        assert shown is not None
        return shown

    def cut(self) -> float:
        assert self.site.line is not None
        self.site.line.cut()
        return time.monotonic()

    def mend(self) -> None:
        assert self.site.line is not None
        self.site.line.mend()

    def wait_path(self, path: str) -> None:
        self.site.wait(lambda: self.path() == path, STEP_S, f"path {path}")


@contextmanager
def house(registration: Literal["path", "contact"] = "path", rate_kbit: float = 0.0, **data: object) -> Iterator[House]:
    keys = Keys()
    with Net("rvdata") as net:
        settings = {"edge": {"register_s": 20}, **configuration(keys, **data)}
        site = Site(
            net,
            users=numbers(1001, 4),
            registration=registration,
            configuration=settings,
            delay_ms=4,
            also=ALSO,
            outside=f"sip:{WORLD_IP}:5060",
            challenges_emergency=False,
        )
        cell = Cell(net, site, keys, delay_ms=DELAY_MS, rate_kbit=rate_kbit)
        try:
            site.start()
            cell.start()
            site.wait(lambda: site.serving() == [True, True], STEP_S, "both ways serve")
            site.wait(lambda: site.count("data_until") > time.time(), STEP_S, "room by data")
            yield House(site, cell)
        finally:
            cell.stop()
            site.stop()


@contextmanager
def phone(home: House, extension: int, tone_hz: float) -> Iterator[Baresip]:
    """A desk phone, registered."""
    account = Account(str(extension), password(str(extension)), REALM, PROXY, register_s=20)
    made = Baresip(home.site.phones, "10.98.0.10", account, tone_hz)
    try:
        made.start()
        made.wait_registered(STEP_S)
        yield made
    finally:
        made.kill()


@contextmanager
def world(home: House, tone_hz: float) -> Iterator[Baresip]:
    """Who answers outside."""
    made = Baresip(home.cell.world, WORLD_IP, Account(OUTSIDE, "", REALM, f"{WORLD_IP}:5060", register_s=0), tone_hz)
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.mark.parametrize("registration", ["path", "contact"])
def test_a_call_goes_by_data_as_soon_as_the_line_is_cut(registration: Literal["path", "contact"]) -> None:
    with house(registration) as home, Centre(home.cell.world, WORLD_IP, RINGS) as centre:
        assert home.call().completed
        began = home.cut()
        result = home.call()
        assert result.completed, (result, home.site.log())
        assert result.began_at is not None
        assert result.first_ms is not None
        assert result.began_at - began + result.first_ms / 1000 < MOVED_S
        assert "c=IN IP4 10.88.0.2" in centre.seen("INVITE")[-1].message  # its sound too
        home.wait_path("data")
        home.site.wait_mode("NORMAL", STEP_S)
        status = home.site.status()
        assert (status["path"], status["cause"], status["data"]["tunnel"]) == ("data", None, True)
        assert "RVX-L10" in [problem["id"] for problem in status["problems"]]
        assert home.call().completed
        home.mend()
        home.wait_path("line")
        assert home.call().completed
        assert "c=IN IP4 10.98.0.11" in centre.seen("INVITE")[-1].message


def test_sound_of_a_call_by_data_both_ways_and_over_the_return() -> None:
    with house() as home, phone(home, 1001, 440) as near, world(home, 620) as far:
        home.cut()
        home.wait_path("data")
        near.dial(OUTSIDE)
        near.wait_established(STEP_S)
        home.site.wait(lambda: holds(near.heard(), 620, SOUND_S), STEP_S, "the world is heard")
        home.site.wait(lambda: holds(far.heard(), 440, SOUND_S), STEP_S, "the phone is heard")
        assert home.site.status()["data"]["calls"] == 1
        home.mend()
        home.wait_path("line")
        home.site.wait_mode("NORMAL", STEP_S)
        assert near.call.closed_at is None
        near.hang_up()
        far.wait_closed(STEP_S)
        home.site.wait(lambda: home.site.status()["data"]["calls"] == 0, STEP_S, "its place is free")


def test_phones_are_known_by_data_and_then_by_the_line_again() -> None:
    """The platform reaches a phone by each path after the other."""
    with house() as home, phone(home, 1002, 440):
        home.cut()
        home.wait_path("data")
        home.site.wait_mode("NORMAL", STEP_S)
        (binding,) = home.site.platform.registrations()["1002"]
        assert "10.88.0.2" in str(binding.path)
        assert home.call("1002").completed
        home.mend()
        home.wait_path("line")
        home.site.wait_mode("NORMAL", STEP_S)
        (binding,) = home.site.platform.registrations()["1002"]
        assert "10.99.0.1" in str(binding.path)


def test_a_call_more_than_the_way_bears_is_treated_as_in_an_outage() -> None:
    with (
        house(rate_kbit=200, calls_unmeasured=1, calls_max=1) as home,
        Centre(home.cell.world, WORLD_IP, RINGS),
        phone(home, 1002, 440),
    ):
        home.cut()
        home.wait_path("data")
        home.site.wait_mode("NORMAL", STEP_S)
        first = Sipp(home.site.phones, home.site.phone_ip(12), PROXY, REALM)
        placing = first.place([Dial(User("1003", password("1003")), OUTSIDE)], hold_ms=10_000, patience_ms=20_000)
        home.site.wait(lambda: home.site.status()["data"]["calls"] == 1, STEP_S, "one by data")
        home.site.wait(lambda: home.site.count("data_room") == 0, STEP_S, "no more room")
        assert not home.call().completed
        assert home.site.count("data_refused") >= 1
        assert home.call("1002").completed  # inside it goes on
        (result,) = placing.wait()
        assert result.completed


def test_a_call_that_comes_to_nothing_leaves_its_place() -> None:
    """Refused by who is called, and given up by who calls."""
    with house() as home, Centre(home.cell.world, WORLD_IP, ((0.0, 180), (0.3, 486))) as centre:
        home.cut()
        home.wait_path("data")
        assert home.call().code == 486
        home.site.wait(lambda: home.site.status()["data"]["calls"] == 0, STEP_S, "no place is held")
        centre.script = ((0.0, 180),)
        assert not home.call(cancel_ms=800).completed
        assert centre.seen("CANCEL")
        home.site.wait(lambda: home.site.status()["data"]["calls"] == 0, STEP_S, "no place is held")


@pytest.mark.parametrize("known", [False, True], ids=["at the cut", "in the outage"])
def test_112_goes_by_data_with_its_sound(known: bool) -> None:
    """By a phone that nobody knows; however little room there is."""
    with house(calls_unmeasured=1, calls_max=1) as home, Centre(home.cell.world, WORLD_IP, RINGS) as centre:
        home.cut()
        if known:
            home.wait_path("data")
        stranger = Sipp(home.site.phones, home.site.phone_ip(13), PROXY, REALM)
        results = stranger.place([Dial(User("7777"), "112")] * 2, hold_ms=3000, patience_ms=60_000).wait()
        assert [result.completed for result in results] == [True, True], home.site.log()
        assert all("c=IN IP4 10.88.0.2" in seen.message for seen in centre.seen("INVITE"))


def test_the_tunnel_alone_takes_the_data_interface() -> None:
    """It sets no default route, and leaves nothing behind; killed, it begins again."""
    with house() as home:
        host = home.site.host
        routes = host.ip("-4", "route", "show")
        assert "default" not in routes
        assert "10.88.0.0/24 dev rvxdata" in routes
        assert "unreachable 10.88.0.0/24" in routes
        assert "fwmark 0x1488" in host.ip("rule", "show")
        home.cell.tunnel.kill()
        home.site.paths.tunnel.unlink()  # what it last said of itself
        home.cell.tunnel.start()
        home.site.wait(lambda: home.site.serving() == [True, True], STEP_S, "both serve again")
        home.cell.tunnel.stop()
        assert "rvxdata" not in host.ip("link", "show")
        assert "fwmark" not in host.ip("rule", "show")
        assert "10.88.0.0/24" not in host.ip("-4", "route", "show")


def test_a_relay_that_hangs_holds_no_call_up() -> None:
    """Asked once, then left alone for some seconds: 112 rings by data all the same, without its sound."""
    with house() as home, Centre(home.cell.world, WORLD_IP, RINGS) as centre:
        home.cut()
        home.wait_path("data")
        home.cell.data.freeze()
        try:
            stranger = Sipp(home.site.phones, home.site.phone_ip(13), PROXY, REALM)
            first, second = (
                stranger.place([Dial(User("7777"), "112")], hold_ms=100, patience_ms=20_000).wait()[0] for _ in range(2)
            )
        finally:
            home.cell.data.thaw()
        assert first.first_ms is not None
        assert second.first_ms is not None
        assert second.first_ms < SILENT_MS < first.first_ms < LONGEST_MS, (first, second)
        assert "c=IN IP4 10.98.0" in centre.seen("INVITE")[-1].message
        home.site.wait(lambda: home.call("112").completed, STEP_S, "it is asked again")


def test_a_second_line_that_is_slow_lossy_and_narrow_bears_what_it_can() -> None:
    """What it carries is measured, 112 goes by it, and a call is heard both ways in spite of it."""
    with house(rate_kbit=NARROW_KBIT) as home, phone(home, 1001, 440) as near:
        home.cell.line.delay(SLOW_MS)
        home.cell.line.loss(LOSSY_PERCENT)
        home.site.wait(lambda: home.measured().capacity_bps is not None, STEP_S, "measured")
        measured = home.measured()
        assert measured.capacity_bps is not None
        assert measured.capacity_bps < 1.2 * 1000 * NARROW_KBIT
        assert measured.borne <= 2  # of 107 kbit/s each
        home.cut()
        home.wait_path("data")
        with Centre(home.cell.world, WORLD_IP, RINGS):
            stranger = Sipp(home.site.phones, home.site.phone_ip(13), PROXY, REALM)
            (sos,) = stranger.place([Dial(User("7777"), "112")], hold_ms=500, patience_ms=60_000).wait()
        assert sos.completed, home.site.log()
        home.site.wait(lambda: home.site.count("data_room") > 0, STEP_S, "its place is free")
        with world(home, 620) as far:
            near.dial(OUTSIDE)
            near.wait_established(STEP_S)
            home.site.wait(lambda: holds(near.heard(), 620, SOUND_S / 3), STEP_S, "the world is heard")
            home.site.wait(lambda: holds(far.heard(), 440, SOUND_S / 3), STEP_S, "the phone is heard")


def test_a_spent_budget_leaves_the_way_to_112() -> None:
    """An ordinary call outside is treated as in an outage, one inside goes on; 112 goes by data, with its sound."""
    with (
        house(mb_per_day=1) as home,
        Centre(home.cell.world, WORLD_IP, RINGS) as centre,
        phone(home, 1002, 440),
    ):
        home.cell.data.stop()
        today = datetime.now().astimezone().date().isoformat()
        used = {"day": today, "day_bytes": 1_000_001, "month_bytes": 1_000_001}
        home.site.paths.data_usage.write_text(json.dumps(used))
        home.cell.data.start()
        home.site.wait(lambda: home.site.count("data_room") == 0, STEP_S, "no more room")
        home.cut()
        home.wait_path("data")
        assert not home.call().completed
        assert home.call("1002").completed
        assert "RVX-L12" in [problem["id"] for problem in home.site.status()["problems"]]
        stranger = Sipp(home.site.phones, home.site.phone_ip(13), PROXY, REALM)
        (sos,) = stranger.place([Dial(User("7777"), "112")], hold_ms=500, patience_ms=60_000).wait()
        assert sos.completed, home.site.log()
        assert "c=IN IP4 10.88.0.2" in centre.seen("INVITE")[-1].message
