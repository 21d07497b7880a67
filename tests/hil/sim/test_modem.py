"""The simulated modem by its wire: what is said at its AT port, in a test's own time."""

from __future__ import annotations

import pytest

from hil.sim.modem.faults import Fault
from hil.sim.modem.models import MODELS
from hil.sim.modem.phones import Habit
from hil.sim.modem.timers import OwnTimers
from hil.sim.modem.world import ModemPlan, World

OUTSIDE = "+46709999999"
STARTED_S = 2.0


class Bench:
    """One modem, registered, and what it said since it was last asked."""

    def __init__(self, model: str = "generic", **plan: object) -> None:
        self.timers = OwnTimers()
        self.world = World(timers=self.timers)
        self.modem = self.world.add(ModemPlan("m", model, **plan))  # type: ignore[arg-type]
        self.device = self.modem.device
        self.device.wired(self)
        self._said = bytearray()
        self.pcm = bytearray()
        self.there = False
        self.world.start()
        self.timers.advance(STARTED_S)
        self.said()

    def write_at(self, data: bytes) -> None:
        self._said += data

    def write_pcm(self, data: bytes) -> int:
        self.pcm += data
        return len(data)

    def present(self, there: bool) -> None:
        self.there = there

    def said(self) -> bytes:
        said = bytes(self._said)
        self._said.clear()
        return said

    def at(self, command: str, wait_s: float = 0.0, end: str = "\r") -> bytes:
        self.device.received_at((command + end).encode())
        self.timers.advance(wait_s)
        return self.said()

    def told(self, what: str, **facts: object) -> list[dict[str, object]]:
        return self.world.history.all(what, **facts)


@pytest.fixture(params=sorted(MODELS))
def bench(request: pytest.FixtureRequest) -> Bench:
    made = Bench(request.param)
    assert made.at("ATE0") == b"ATE0\r\r\nOK\r\n"
    return made


def test_echo_ends_with_ate0(bench: Bench) -> None:
    assert bench.at("AT") == b"\r\nOK\r\n"
    assert bench.at("at+nonsense") == b"\r\nERROR\r\n"
    assert bench.at("noise") == b""


def test_byte_by_byte_is_as_whole(bench: Bench) -> None:
    whole = bench.at("AT+CREG=2;+CREG?")
    for letter in "AT+CREG=2;+CREG?\r":
        bench.device.received_at(letter.encode())
    assert bench.said() == whole == b'\r\n+CREG: 2,1,"00A8","5355E8D",7\r\n\r\nOK\r\n'


def test_a_call_out_is_answered_and_hung_up(bench: Bench) -> None:
    phone = bench.world.phone(OUTSIDE)
    assert bench.at("ATD0709999999;").startswith(b"\r\nOK\r\n")
    bench.timers.advance(1.1)
    assert b',0,3,0,0,"0709999999",129' in bench.at("AT+CLCC")
    bench.timers.advance(1)
    assert b',0,0,0,0,"0709999999",129' in bench.at("AT+CLCC")
    assert phone.call in bench.world.network.calls
    assert b"OK\r\n" in bench.at("AT+CHUP", 1)
    assert not bench.world.network.calls
    assert bench.at("AT+CLCC") == b"\r\nOK\r\n"


@pytest.mark.parametrize(
    ("habit", "result"),
    [(Habit(refuses=17), b"BUSY"), (Habit(refuses=21), b"NO CARRIER"), (Habit(answers_after_s=None), b"NO ANSWER")],
)
def test_calls_that_fail(bench: Bench, habit: Habit, result: bytes) -> None:
    bench.world.phone(OUTSIDE, habit)
    bench.at("ATD0709999999;")
    bench.timers.advance(32)
    assert bench.said().endswith(b"\r\n" + result + b"\r\n")


def test_a_call_in_is_answered(bench: Bench) -> None:
    bench.at("AT+CLIP=1")
    phone = bench.world.phone(OUTSIDE)
    phone.dial("0701000001")
    bench.timers.advance(1.5)
    said = bench.said()
    assert b'+CLIP: "+46709999999",145' in said
    assert (b"RING" in said) == bench.device.model.rings
    bench.at("ATA")
    assert b',1,0,0,0,"+46709999999",145' in bench.at("AT+CLCC")
    phone.hang_up()
    assert b"NO CARRIER" in bench.said()


def test_a_withheld_number_is_not_told(bench: Bench) -> None:
    bench.at("AT+CLIP=1")
    bench.world.phone(OUTSIDE).dial("+46701000001", withheld=True)
    bench.timers.advance(1.5)
    assert b"999" not in bench.said()


def test_112_without_card_and_with_limited_service() -> None:
    bench = Bench("sim7600")
    bench.device.card.insert(False)
    bench.timers.advance(STARTED_S)
    bench.at("AT+CMEE=1")
    assert b"+CME ERROR: 30" in bench.at("ATD0709999999;")
    bench.at("ATD112;", 5)
    assert [entry["caller"] for entry in bench.told("sos")] == ["+46701000001"]


def test_pin_counts_down_and_opens() -> None:
    bench = Bench("eg25g", pin="1234")
    bench.at("ATE0;+CMEE=1")
    assert b"+CPIN: SIM PIN" in bench.at("AT+CPIN?")
    assert bench.at('AT+CPIN="0000"') == b"\r\n+CME ERROR: 16\r\n"
    assert b'+QPINC: "SC",2,10' in bench.at("AT+QPINC?")
    assert b"+CREG: 0,8" in bench.at("AT+CREG?")
    assert b"OK" in bench.at('AT+CPIN="1234"', STARTED_S)
    assert b"+CREG: 0,1" in bench.at("AT+CREG?")
    assert [entry["right"] for entry in bench.told("pin")] == [False, True]


def test_an_sms_out_comes_back_as_delivered_with_its_report(bench: Bench) -> None:
    phone = bench.world.phone("+15556661234")
    bench.at("AT+CNMI=2,1,0,1,0")
    assert bench.at("AT+CMGS=36") == b"\r\n> "
    pdu = "0031000B915155661632F40000A71954747A0E4ACF41F27298CDCE83C6EF371B0481402010"
    said = bench.at(pdu, 5, end="\x1a")
    assert said.startswith(b"\r\n+CMGS: 1\r\n\r\nOK\r\n")
    assert b"\r\n+CDS: 25\r\n07916407058099F906010B915155661632F4" in said
    assert phone.inbox == ["This is really cool ΔΔΔΔΔ"]


def test_esc_gives_an_sms_up(bench: Bench) -> None:
    bench.at("AT+CMGS=36")
    assert bench.at("0031", end="\x1b") == b"\r\nOK\r\n"
    assert bench.at("AT") == b"\r\nOK\r\n"


def test_an_sms_in_waits_until_the_modem_is_there() -> None:
    bench = Bench()
    bench.at("ATE0;+CNMI=2,1,0,1,0")
    bench.device.registration.move(coverage="none")
    bench.world.centre.send("Ufone", "+46701000001", "hej")
    bench.timers.advance(1)
    assert bench.said() == b""
    bench.device.registration.move(coverage="home")
    bench.timers.advance(STARTED_S)
    assert b'+CMTI: "SM",0' in bench.said()
    assert b"\r\n+CMGR: 0,,21\r\n07916407058099F90409D055F3DB5D06" in bench.at("AT+CMGR=0")


def test_sound_goes_both_ways_at_the_clock_of_the_modem() -> None:
    bench = Bench("sim7600", ppm=100.0)
    phone = bench.world.phone(OUTSIDE, Habit(sound="tone:440"))
    bench.at("ATD0709999999;", 2)
    assert b"OK" in bench.at("AT+CPCMREG=1")
    began = bench.timers.now()
    for _ in range(500):
        bench.device.received_pcm(b"\x00\x20\x00\xe0" * 80)
        bench.timers.advance(0.02 / 1.0001)
    assert len(bench.pcm) == pytest.approx(16000 * 1.0001 * (bench.timers.now() - began), abs=640)
    phone.hang_up()
    (sound,) = bench.told("sound")
    assert sound["down"]["hz"] == 440  # type: ignore[index]
    assert sound["overrun_bytes"] == 0
    (heard,) = bench.told("heard", by=OUTSIDE)
    assert heard["heard"]["loud_ms"] > 9900  # type: ignore[index]


def test_unplugged_and_hung_are_silent_until_power_comes_back() -> None:
    bench = Bench("sim7600")
    bench.device.hang()
    assert bench.at("AT", 60) == b""
    for on in (False, True):
        if on:
            bench.device.power_on(1.0)
        else:
            bench.device.power_off()
        bench.timers.advance(STARTED_S)
        assert bench.there == on
    assert b"OK" in bench.at("AT")


def test_degraded_sound_is_healed_by_a_reset_alone() -> None:
    bench = Bench("sim7600", faults={Fault.PCM_DEGRADES: 1.0})
    phone = bench.world.phone(OUTSIDE, Habit(sound="tone:440"))

    def uses() -> list[bool]:
        bench.at("ATD0709999999;", 2)
        answers = [b"OK" in bench.at("AT+CPCMREG=1") for _ in range(2)]
        bench.at("AT+CPCMREG=0")
        phone.hang_up()
        bench.timers.advance(1)
        return answers

    assert uses() == [True, False]
    assert uses() == [False, True]
    bench.at("AT+CFUN=0", 5)
    bench.at("AT+CFUN=1", 5)
    assert uses() == [False, True]
    bench.at("AT+CRESET", 20)
    assert uses() == [True, False]
