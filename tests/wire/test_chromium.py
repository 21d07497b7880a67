"""A browser as a telephone: Debian's Chromium hears us and is heard, its keys come, and it speaks with a real phone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, cast

import pytest

from hil.net import Host, Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.chromium import Chromium
from hil.sim.answering import PLAYED_HZ
from hil.sound import dropout_s, first_s, read, seconds_of, tone_s
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(240)]

UNIT_IP, ROOM_IP, BROWSER_IP = "10.97.1.1", "10.97.1.11", "10.97.1.12"
SAID_HZ, PHONE_HZ = 1320, 700
HEARD_S, RATE_HZ = 1.0, 48_000
BURST_S, DROPOUT_S, THERE_AND_BACK_S = 5.0, 0.3, 1.0
CODECS = ",PCMU,G722/16000/1,opus/48000/2"
MODULES = "module g722.so\nmodule opus.so\n"


class Desk:
    """The unit's end, the browser, and where each lives."""

    def __init__(self, net: Net) -> None:
        unit, self.room, desk = (net.host(name) for name in ("unit", "room", "desk"))
        switch = net.switch("switch")
        for host, ip in ((unit, UNIT_IP), (self.room, ROOM_IP), (desk, BROWSER_IP)):
            switch.join(host, "eth0", f"{ip}/24")
        self.file = net.directory / "heard.wav"
        self.browser = Chromium(desk)
        self._unit = self._started(unit)

    def calls(self, codec: str, does: str) -> None:
        answer = self.asks({"offer": self.browser.offer(), "codec": codec, "does": does})["answer"]
        self.browser.answered(answer)
        _until(lambda: self.browser.connected, f"{codec}: connected")

    def hears(self, hz: float) -> None:
        """The tone, for as long as is a proof, in one piece of what was heard."""

        def heard() -> bool:
            time.sleep(2 * HEARD_S)
            self.browser.heard(self.file)
            return seconds_of(self.file, hz) >= HEARD_S

        _until(heard, f"{hz} Hz heard by the browser")

    def asks(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._unit.stdin is not None
        self._unit.stdin.write(json.dumps(request) + "\n")
        self._unit.stdin.flush()
        return self.told()

    def told(self) -> dict[str, Any]:
        assert self._unit.stdout is not None
        return cast(dict[str, Any], json.loads(self._unit.stdout.readline()))

    def _started(self, unit: Host) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "hil.sim.joining", UNIT_IP, str(SAID_HZ)]
        process = unit.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Net("rvweb") as net:
        found = Desk(net)
        with found.browser:
            yield found


@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722", "opus"])
def test_it_hears_a_prompt_and_is_heard_and_so_are_its_keys(desk: Desk, codec: str) -> None:
    desk.calls(codec, "prompt")
    desk.browser.speak(SAID_HZ)
    desk.hears(PLAYED_HZ)
    assert desk.browser.press("159#")
    _until(lambda: desk.asks({"keys": True})["keys"] == "159#", "its keys")
    told = desk.asks({"end": True})
    assert told["codec"] == codec
    assert told["keys"] == "159#"
    assert told["tenths"] >= HEARD_S * 10 / 2, told
    assert set(told["drops"].values()) == {0}


@pytest.mark.parametrize(
    ("web", "phone", "unopened"),
    [
        ("PCMA", "pcma", True),
        ("opus", "pcma", False),
        ("PCMU", "pcmu", True),
        ("G722", "g722", True),
        ("opus", "opus", True),
    ],
)
def test_it_speaks_with_a_real_phone(desk: Desk, web: str, phone: str, unopened: bool) -> None:
    account = Account("1001", "secret", UNIT_IP, f"{UNIT_IP}:5060")
    there = Baresip(desk.room, ROOM_IP, account, PHONE_HZ, parameters=CODECS, settings=MODULES)
    there.start()
    try:
        there.wait_registered(STEP_S)
        desk.calls(web, "phone")
        desk.browser.speak(SAID_HZ)
        there.dial(phone)
        there.wait_established(STEP_S)
        desk.hears(PHONE_HZ)
        _until(lambda: seconds_of(there.heard(), SAID_HZ) >= HEARD_S, "the phone heard no browser")
        assert desk.browser.press("5#")
        _until(lambda: there.keys == "5#", "the browser's keys at the phone")
        there.hang_up()
        there.wait_closed(STEP_S)
        assert desk.told() == {
            "unopened": unopened,
            "drops": {"elsewhere": 0, "malformed": 0, "forged": 0, "unknown": 0},
        }
    finally:
        there.stop()
    desk.asks({"end": True})


@pytest.mark.parametrize("codec", ["PCMA", "opus"])
def test_its_own_tone_comes_back_soon_and_whole(desk: Desk, codec: str) -> None:
    """There and back, with two of the browser's jitter buffers' worth of caution on a machine that others use."""
    desk.calls(codec, "echo")
    time.sleep(4)  # its jitter buffer finds its length
    desk.browser.heard(desk.file)
    begun = desk.browser.burst(SAID_HZ, BURST_S)
    time.sleep(BURST_S + 2)
    pieces = desk.browser.heard(desk.file)
    heard = read(desk.file)
    first = first_s(heard, SAID_HZ)
    assert first is not None
    # Pieces come some at a time: when one was heard is told best by the one that came soonest after it was played.
    counts = accumulate(samples for _, samples in pieces)
    start_ms = min(at - 1000 * count / RATE_HZ for (at, _), count in zip(pieces, counts, strict=True))
    delay_s, dropout = (start_ms - begun) / 1000 + first, dropout_s(heard, SAID_HZ)
    print(f"{codec}: there and back {delay_s * 1000:.0f} ms, longest dropout {dropout * 1000:.0f} ms")
    assert 0 < delay_s <= THERE_AND_BACK_S
    assert dropout <= DROPOUT_S
    assert tone_s(heard, SAID_HZ) >= 0.9 * BURST_S
    desk.asks({"end": True})


def _until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + STEP_S
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(what)
        time.sleep(0.1)
