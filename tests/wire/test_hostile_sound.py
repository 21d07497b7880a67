"""Whoever means harm to the unit's own sound: floods of calls, keys and packets, sound from elsewhere, descriptions
that lie.

Invariant, held after every test: `calls` is the process that it was, was never away for long, has no fault in its log
and as many open files as before; and the next caller is told, chooses, and is led on."""

from __future__ import annotations

import math
import os
import random
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from callcontrol.edge.rpc import EdgeError, EdgeUnreachable
from firmware.places import AT_ONCE_MAX
from firmware.watch import CALLS_LEASE
from hil.net import Host, Net
from hil.phone.hearing import Heard, Hearing, Manner
from hil.phone.raw import RawPhone, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, UNIT_SOUTH_IP, Site, numbers, password
from hil.told import crowd, open_told
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(400)]

CALLERS, AWAY, RECEPTION, PLAIN, RAW = ("1001", "1002", "1003"), "1004", "1005", "1006", "1007"
GATEWAY, STRANGER = 20, 66
SAID_S = 20.0
SEED = 4733
SILENCE_MAX_S = 3.0
AWAY_MAX_S = 3.5
"""`calls` vouches for itself each second, for five: so long its loop may stand still at the most."""
OPEN_FILES_MORE = 8
MEMORY_MORE_MB = 48
WORDS = (404, 480, 486)
"""What a refusal in words begins with."""
FLOOD, FLOOD_S = 1_000, 1.0
"""Packets, and how long they take: 20 times the rate of a call."""
OFFER = "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n{more}"


@dataclass
class House:
    site: Site
    callers: Hearing
    desks: Hearing
    stranger: Host
    stranger_ip: str
    pid: int = 0
    open_files: int = 0
    memory_mb: float = 0.0
    least_s: list[float] = field(default_factory=list)

    def heard(self, number: int) -> Heard:
        return next(one for one in self.callers.calls if one.number == number)

    def call(self, callee: str, manner: Manner, caller: str = CALLERS[0]) -> int:
        """One that is up and heard; again while `calls` has no voice yet."""
        deadline = time.monotonic() + STEP_S
        while True:
            number = self.callers.dial(caller, callee, manner)
            self.site.wait(lambda number=number: self.heard(number).packets or self.heard(number).over_at, STEP_S, "up")  # type: ignore[misc]
            if self.heard(number).up_at is not None:
                return number
            assert time.monotonic() < deadline, self.heard(number)

    def led_on(self, since: float) -> list[Heard]:
        return [one for one in self.desks.calls if one.extension == RECEPTION and one.up_at and one.began_at >= since]

    def hears_on(self, number: int) -> None:
        """Half a second more of sound, and none was missed so far."""
        before = self.heard(number).packets
        self.site.wait(lambda: self.heard(number).packets >= before + 25, STEP_S, "hears on")
        one = self.heard(number)
        assert one.over_at is None
        assert [span for span in one.silence(time.monotonic()) if span[1] - span[0] > SILENCE_MAX_S] == []

    def choose(self, number: int, since: float | None = None) -> None:
        """Presses the reception's key, talks with it, and hangs up. `since`: it may be there since then."""
        since = time.monotonic() if since is None else since
        self.callers.press(number, "2")
        self.site.wait(lambda: self.led_on(since), STEP_S, "led on")
        self.callers.hang_up(number)
        self.site.wait(lambda: all(one.over_at for one in self.led_on(since)), STEP_S, "over")

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss_mb(self) -> float:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def log(self) -> str:
        return (self.site.host.directory / "calls.log").read_text(errors="replace")

    def watch(self, over: threading.Event) -> None:
        """How long its last word still held, at the least."""
        while True:
            with suppress(EdgeUnreachable, EdgeError):
                self.least_s.append(int(self.site.table("st").get(CALLS_LEASE, 0)) - time.time())
            if over.wait(0.3):
                return


@pytest.fixture(scope="module")
def opened() -> Iterator[House]:
    with Net("rvhosnd") as net, ExitStack() as stack:
        more = {"emergency": {"gateway": f"sip:10.98.0.{GATEWAY}:5060", "hold_s": 5}}
        site = open_told(net, numbers(1001, 7), AWAY, RECEPTION, {"reason_meeting": 1020.0}, SAID_S, more)
        stack.callback(site.stop)
        crowds = [crowd(site, net, 40, CALLERS), crowd(site, net, 41, (RECEPTION, PLAIN))]
        crowds.append(crowd(site, net, GATEWAY, ("112",), rings=False))
        for each in crowds:
            stack.enter_context(each)
        for each in crowds:
            each.wait_registered(STEP_S)
        stranger, ip = net.host("stranger"), f"10.98.0.{STRANGER}"
        site.switch.join(stranger, "eth0", f"{ip}/24")
        house = House(site, crowds[0], crowds[1], stranger, ip)
        house.choose(house.call(AWAY, Manner()))
        (house.pid,) = site.host.pids(site.calls.pid)
        yield house


@pytest.fixture
def house(opened: House) -> Iterator[House]:
    site, over = opened.site, threading.Event()
    opened.least_s.clear()
    opened.open_files, opened.memory_mb = opened.files(), opened.rss_mb()
    watching = threading.Thread(target=opened.watch, args=(over,), daemon=True)
    watching.start()
    yield opened
    over.set()
    watching.join()
    assert site.host.pids(site.calls.pid) == [opened.pid], site.log()
    assert min(opened.least_s) > 5 - 1 - AWAY_MAX_S
    assert "Traceback" not in opened.log()
    assert "kind=fault" not in opened.log()
    site.wait(lambda: opened.files() <= opened.open_files + OPEN_FILES_MORE, STEP_S, "its files closed")
    assert opened.rss_mb() < opened.memory_mb + MEMORY_MORE_MB
    opened.choose(opened.call(AWAY, Manner()))


@pytest.mark.long
def test_five_hundred_calls_to_one_prompt(house: House) -> None:
    site, callers = house.site, house.callers
    numbers_ = [callers.dial(CALLERS[n % len(CALLERS)], AWAY) for n in range(500)]
    # Meanwhile others call as ever.
    plain = [callers.dial(CALLERS[0], "112"), callers.dial(CALLERS[0], PLAIN)]
    site.wait(lambda: all(house.heard(number).up_at for number in plain), STEP_S, "112 and a plain call")

    def seen() -> list[Heard]:
        wanted = set(numbers_)
        return [one for one in callers.calls if one.number in wanted]

    site.wait(lambda: all(one.up_at or one.over_at for one in seen()), 2 * STEP_S, "all are told or refused")
    told = [one for one in seen() if one.up_at]
    refused = [one for one in seen() if not one.up_at]
    assert 1 <= _most_at_once(told) <= AT_ONCE_MAX
    assert {one.code for one in refused} <= set(WORDS), {one.code for one in refused}
    site.wait(lambda: all(house.heard(one.number).packets for one in told), STEP_S, "who is told hears it")
    for number in (*plain, *(one.number for one in told)):
        callers.hang_up(number)
    assert not [one for one in seen() if one.over_at is None]


def test_floods_by_who_is_told(house: House) -> None:
    """Keys at line rate with lengths and durations that lie, sound at twenty times its rate, packets that are none: all
    from the very source that is listened to. Who presses so many keys in vain has chosen nothing, and is led on."""
    since = time.monotonic()
    number = house.call(AWAY, Manner())
    wire, (host, port) = house.callers.sound_of(number), house.heard(number).sound_at or ("", 0)
    chance = random.Random(SEED)
    began = time.monotonic()
    for at in range(FLOOD):
        for where in (port, port + 1):
            wire.sendto(_noise(chance, at), (host, where))
        time.sleep(max(0.0, began + at * FLOOD_S / FLOOD - time.monotonic()))
    house.hears_on(number)
    house.choose(number, since)


def test_sound_from_elsewhere_is_nobody(house: House) -> None:
    """Before the caller has said anything, and after: a stranger's keys choose nothing, its BYE by RTCP ends nothing,
    and no sound comes to it."""
    since = time.monotonic()
    for manner in (Manner(mute=True), Manner()):
        number = house.call(AWAY, manner)
        host, port = house.heard(number).sound_at or ("", 0)
        with house.stranger.socket() as wire:
            wire.bind((house.stranger_ip, 0))
            wire.settimeout(0.5)
            for at in range(200):
                wire.sendto(_event(2, at, end=at % 8 > 4), (host, port))
                wire.sendto(_packet(8, at, bytes(160)), (host, port))
                wire.sendto(struct.pack("!BBHI", 0x81, 203, 1, 7), (host, port + at % 2))
                time.sleep(0.002)
            with pytest.raises(TimeoutError):
                wire.recv(2000)
        house.hears_on(number)
        assert house.led_on(since) == []
        house.callers.hang_up(number)


OFFERS = {
    "200 lines": ("{ip}", 40000, "8", "a=x:1\r\n" * 200),
    "no common codec": ("{ip}", 40000, "18", ""),
    "a port of no sound": ("{ip}", 5060, "8", ""),
    "refused by itself": ("{ip}", 0, "8", ""),
    "loopback": ("127.0.0.1", 40000, "8", ""),
    "everybody": ("224.0.0.1", 40000, "8", ""),
    "the unit": (UNIT_SOUTH_IP, 40000, "8", ""),
    "a name": ("phone.example", 40000, "8", ""),
    "a key that is none": ("{ip}", 40000, "8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n"),
    "no formats": ("{ip}", 40000, "", ""),
    "no numbers": ("{ip}", 40000, "x y", ""),
}


def test_descriptions_that_lie_are_refused_in_words(house: House) -> None:
    ip = "10.98.0.67"
    house.site.switch.join(house.stranger, "eth1", f"{ip}/24") if ip not in house.stranger.ip("addr") else None
    with RawPhone(house.stranger, ip, User(RAW, password(RAW)), PROXY, REALM) as phone:
        assert status(phone.register()) == 200
        for name, (address, port, formats, more) in OFFERS.items():
            offer = OFFER.format(ip=address.format(ip=ip), port=port, formats=formats, more=more)
            secure = offer.replace("RTP/AVP", "RTP/SAVP") if "crypto" in more else offer
            code = status(phone.ask("INVITE", f"sip:{AWAY}@{REALM}", body=secure))
            assert code in (400, 488, *WORDS), name


def test_a_flood_of_new_offers_within_a_call(house: House) -> None:
    """As they are, without a description, and with one that leads the sound elsewhere."""
    number = house.call(AWAY, Manner())
    own = house.callers.described(number)
    lies = [own.replace("c=IN IP4 10.98.0.40", f"c=IN IP4 {where}") for where in ("127.0.0.1", UNIT_SOUTH_IP)]
    for at in range(120):
        house.callers.within(number, "INVITE", body=(own, own, "", *lies)[at % 5])
        house.callers.within(number, ("INFO", "UPDATE", "MESSAGE")[at % 3], body="x=\r\n" * (at % 4))
        time.sleep(0.01)
    house.callers.within(number, "INVITE", body=own)
    house.hears_on(number)
    house.choose(number)


def _most_at_once(calls: list[Heard]) -> int:
    """How many of them were up at the same time."""
    spans = [(one.up_at, one.over_at or math.inf) for one in calls if one.up_at is not None]
    return max(sum(up <= at < over for up, over in spans) for at, _ in spans)


def _packet(kind: int, at: int, payload: bytes, ssrc: int = 7) -> bytes:
    return struct.pack("!BBHII", 0x80, kind, at & 0xFFFF, at * 160 & 0xFFFFFFFF, ssrc) + payload


def _event(code: int, at: int, *, end: bool, ssrc: int = 7) -> bytes:
    return _packet(101, at, struct.pack("!BBH", code, 0x80 if end else 10, 160 * (at % 8)), ssrc)


def _noise(chance: random.Random, at: int) -> bytes:
    """Something that is almost sound, keys, or a report. No key that chooses."""
    match at % 8:
        case 0:  # a new key in each packet, of a new source
            return _event(chance.choice((0, 4, 15, 16, 255)), at, end=chance.random() < 0.5, ssrc=at)
        case 1:  # longer or shorter than an event is, and a duration that goes back
            return _packet(101, 1, struct.pack("!BBH", 5, 0x80, chance.getrandbits(16)) * chance.randrange(30))
        case 2:
            return _packet(101, at, bytes(chance.randrange(4)))
        case 3:
            return b"" if at % 16 == 3 else _packet(8, at, b"")
        case 4:
            return _packet(8, at, chance.randbytes(1488))
        case 5:  # lists, extensions and padding that are not there
            return bytes((0x80 | chance.getrandbits(6), chance.getrandbits(8))) + chance.randbytes(chance.randrange(40))
        case 6:  # reports
            return bytes((0x80 | chance.getrandbits(6), 200 + at % 5)) + chance.randbytes(chance.randrange(60))
        case _:
            return _packet(8, at, chance.randbytes(160))
