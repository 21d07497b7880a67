"""What a real phone and the far end of a modem's call hear of each other: 112 in SURVIVAL, by baresip, the edge, trunk
and a simulated modem whose clock is off. How late it is heard is measured by `rvx bench trunk`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray
from pystoi import stoi

from callcontrol.media.speech import speak
from hil.modems import Modems
from hil.net import Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import RATE_HZ, dropout_s, read, seconds_of, write_tone
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(300)]

CALLER, DESK_IP = "1001", "10.98.0.30"
PHONE_HZ, FAR_HZ = 700.0, 1020.0
HEARD_S = 6.0
GAP_MAX_S = 0.1
"""On a busy machine the simulator itself delivers late; that nothing is lost otherwise is shown in virtual time."""
TEXT = "Du har kommit till SOS Alarm. Vad har inträffat? Säg var du är, och vad som har hänt, så kommer det hjälp."
STOI_MIN = 0.95
CUT_S = 1.0
"""Of the beginning of a recording, before levels and buffers have settled."""
PIECE, WANDERS = 2 * RATE_HZ, RATE_HZ // 10
"""Speech is judged by pieces of 2 s: on a busy machine the simulator's deliveries come late, and the delay follows."""


@dataclass
class Building:
    site: Site
    modems: Modems
    phone: Baresip

    def call(self, sound: str) -> None:
        """To 112, whose phone says that."""
        self.modems.do("phone", number="112", sound=sound, answers_after_s=0.3)
        self.phone.dial("112")
        self.phone.wait_established(STEP_S)

    def end(self) -> dict[str, Any]:
        """What the far end has heard of it."""
        count = len(self.modems.entries("heard", by="112"))
        self.phone.hang_up()
        self.phone.wait_closed(STEP_S)
        heard: dict[str, Any] = self.modems.wait("heard", STEP_S, count + 1, by="112")[-1]["heard"]
        return heard


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    """In SURVIVAL; the modem's clock is 100 ppm fast."""
    with ExitStack() as stack:
        net = stack.enter_context(Net("msound"))
        modems = stack.enter_context(Modems(tmp_path_factory.mktemp("modems"), "name=m1,model=sim7600,ppm=100"))
        site = Site(net, users=numbers(1001, 3), modems=modems.configuration())
        site.start()
        stack.callback(site.stop)
        site.platform.stop()
        site.wait_mode("SURVIVAL", STEP_S)
        desk = net.host("desk")
        site.switch.join(desk, "eth0", f"{DESK_IP}/24")
        phone = Baresip(desk, DESK_IP, Account(CALLER, password(CALLER), REALM, PROXY), PHONE_HZ)
        phone.start()
        stack.callback(phone.stop)
        phone.wait_registered(STEP_S)
        yield Building(site, modems, phone)


def test_a_tone_is_heard_both_ways_without_a_gap(building: Building) -> None:
    building.call(f"tone:{FAR_HZ:g}")
    phone = building.phone
    building.site.wait(lambda: seconds_of(phone.heard(), FAR_HZ) >= HEARD_S, STEP_S, f"{FAR_HZ} Hz heard")
    recorded, heard = read(phone.heard()), building.end()
    assert dropout_s(recorded, FAR_HZ) <= GAP_MAX_S
    assert heard["hz"] == pytest.approx(PHONE_HZ, abs=10)
    assert heard["longest_gap_ms"] <= 1000 * GAP_MAX_S, heard


def test_keys_pass_both_ways(building: Building) -> None:
    building.call("silence")
    building.phone.press("5")
    building.modems.wait("key", STEP_S, digit="5")
    building.modems.do("press", number="112", keys="8")
    building.site.wait(lambda: "8" in building.phone.keys, STEP_S, "a key from the far end")
    building.end()


def test_speech_stays_what_it_was(building: Building, tmp_path_factory: pytest.TempPathFactory) -> None:
    spoken = speak(TEXT)
    whole = numpy.frombuffer(spoken.pcm, "<i2").astype(float)
    file = write_tone(tmp_path_factory.mktemp("voice") / "voice.wav", FAR_HZ, len(whole) / RATE_HZ)
    data = bytearray(file.read_bytes())
    data[44:] = spoken.pcm[: len(data) - 44]
    file.write_bytes(data)
    building.call(f"file:{file}")
    heard = building.phone.heard
    length_s = CUT_S + 2 * len(whole) / RATE_HZ + 1  # said twice: once of it is heard from its beginning
    building.site.wait(lambda: heard().exists() and read(heard()).seconds >= length_s, STEP_S, "a recording")
    recorded = numpy.array(read(heard()).samples[round(CUT_S * RATE_HZ) :], float)
    building.end()
    at = _found(whole, recorded, 0, len(recorded) - len(whole))
    judged = []
    for start in range(0, len(whole) - PIECE, PIECE):
        piece = whole[start : start + PIECE]
        here = _found(piece, recorded, max(0, at + start - WANDERS), at + start + WANDERS)
        judged.append(float(stoi(piece, recorded[here : here + PIECE], RATE_HZ)))
    assert median(judged) >= STOI_MIN, judged


def _found(piece: NDArray[numpy.float64], within: NDArray[numpy.float64], first: int, last: int) -> int:
    """Where from first to last it is most alike."""
    size = 1 << (len(within) + len(piece)).bit_length()
    alike = numpy.fft.irfft(numpy.fft.rfft(within, size) * numpy.conj(numpy.fft.rfft(piece, size)), size)
    return first + int(alike[first:last].argmax())
