"""Out and in by modem: 112 and other calls, by simulated modems on a network of their own (hil/sim/modem)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import pytest

from callcontrol.plan.model import Entity, Extension, Identity, Kind, Person, Unit
from callcontrol.plan.pins import kept
from callcontrol.plan.reach import DEFAULT_CLASS
from callcontrol.records import Way
from callcontrol.trunk.steps import KEPT
from firmware.store import Directory
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from firmware.store.trunk import TrunkRows
from hil.modems import Modems
from hil.net import Net
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.sipp import Dial, Result, Sipp, User
from hil.site import PROXY, REALM, Site, numbers
from hil.sound import holds, write_tone
from hil.told import desk, record

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(300)]

STRANGER = User("7777")
"""A phone that the unit has never met, and that has no secret."""
CALLER, RECEPTION = "1005", "1006"
MOBILE, DIALLED = "+46701112233", "00701112233"
MOBILE_HZ = 600
SAID = {
    "welcome": 480.0,
    "dial_extension": 560.0,
    "unknown": 660.0,
    "enter_extension": 760.0,
    "enter_pin": 820.0,
    "enter_number": 1000.0,
    "power_ends": 900.0,
}
"""Hz."""
ENTITY, ENTITY_HZ = "e", 1250.0
"""Whose greeting who calls m2 hears."""
OTHER, OTHER_HZ, PIN = "+46702223344", 1400.0, "804715"
NEAR_HZ = 25.0
RINGING_HZ, WORDS_HZ = 425.0, 950.0
"""Of the network, before anybody answers."""
SOS = "112"
STEP_S = 30.0


@dataclass(frozen=True)
class Building:
    """In SURVIVAL; baresip is an extension, linphone the reception's."""

    site: Site
    modems: Modems
    baresip: Baresip
    linphone: Linphone

    def sos(self, phone: int = 11, hold_ms: int = 300) -> Result:
        caller = Sipp(self.site.phones, self.site.phone_ip(phone), PROXY, REALM)
        (result,) = caller.place([Dial(STRANGER, SOS)], hold_ms=hold_ms, patience_ms=30_000).wait()
        assert result.completed, (result, self.site.log())
        return result

    def quiet(self) -> None:
        """No modem has a call, and the process knows it."""
        self.site.wait(
            lambda: all(modem["carries"] is None for modem in self.asked("status")["modems"]),
            STEP_S,
            "no call by modem",
        )
        self.modems.until(lambda: not self.modems.status()["calls"], STEP_S, "no call")

    def asked(self, question: str, **fields: str) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(120)
            client.connect(str(self.site.paths.trunk_socket))
            client.sendall(json.dumps({"do": question, **fields}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(b"".join(iter(lambda: client.recv(65536), b"")))
            return answer

    def up(self) -> None:
        """Who has called is answered."""
        self.modems.until(
            lambda: any(call["stage"] == "active" for call in self.modems.status()["calls"]), STEP_S, "answered"
        )

    def hears(self, call: int, *words: float) -> None:
        """The mobile, in that call: those tones in that order. One that a busy machine has cut in two is one."""
        known = (*SAID.values(), ENTITY_HZ, OTHER_HZ)

        def said() -> bool:
            tones = [float(tone["hz"]) for tone in self.modems.entries("tone", by=MOBILE, call=call)]
            found = [each for hz in tones for each in known if abs(each - hz) < NEAR_HZ]
            return tuple(each for each, _ in groupby(found))[: len(words)] == words

        self.modems.until(said, STEP_S, f"the mobile told {words}")

    def dialled(self, number: str) -> list[str]:
        return [str(entry["modem"]) for entry in self.modems.entries("atd", number=number)]


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    plans = ("name=m1,model=sim7600", "name=m2,model=eg25g")
    with Net("modems") as net, Modems(tmp_path_factory.mktemp("modems"), *plans) as modems, ExitStack() as phones:
        for number, hz in ((MOBILE, MOBILE_HZ), (OTHER, OTHER_HZ)):
            modems.do("phone", number=number, answers_after_s=1.0, sound=f"tone:{hz}")
        m1, m2 = modems.configuration()
        recordings = record(net.directory / "recordings", SAID, tone_s=3.0, numbers=(ENTITY,))
        write_tone(recordings / "names" / f"{ENTITY}.wav", ENTITY_HZ, 1.5)
        site = Site(
            net,
            users=numbers(1001, 10),
            modems=[m1, m2 | {"entity": ENTITY}],
            configuration={
                "trunk": {"reception": RECEPTION, "leads_out": "pin"},
                "announcing": {"languages": ["sv"], "recordings": str(recordings)},
            },
        )
        directory = connect(site.paths.directory, "directory")
        load(directory, _people(), "rig", datetime.now(UTC))
        directory.close()
        with closing(Directory.open(site.paths.directory)) as pins:
            pins.put_pins({CALLER: kept(PIN)})
        site.start()
        site.platform.stop()
        site.wait_mode("SURVIVAL", STEP_S)
        site.wait(lambda: site.table("ask").get(RECEPTION) == "ask", STEP_S, "the directory")
        baresip = phones.enter_context(desk(net, site, 30, Baresip, CALLER, 1100.0))
        linphone = phones.enter_context(desk(net, site, 31, Linphone, RECEPTION, 700.0))
        built = Building(site, modems, baresip, linphone)
        site.wait(
            lambda: all(modem["service"] == "voice" for modem in built.asked("status")["modems"]), STEP_S, "voice"
        )
        yield built
        site.stop()


def _people() -> Bulk:
    kinds = {RECEPTION: Kind.RECEPTION}
    return Bulk(
        municipalities=(Municipality(id="m", name="Norrby"),),
        classes=(DEFAULT_CLASS,),
        entities=(Entity(id=ENTITY, name="Norrby", municipality="m", greeting="Norrby kommun", reception=RECEPTION),),
        units=(Unit(id="u", name="Bygg", entity="e"),),
        people=tuple(Person(id=f"p{number}", given="Anna", family="Ek", unit="u") for number in (CALLER, RECEPTION)),
        extensions=tuple(
            Extension(
                number=number,
                kind=kinds.get(number, Kind.PERSON),
                unit="u",
                person=f"p{number}",
                reach=DEFAULT_CLASS,
                identity=Identity.MAIN,
            )
            for number in (CALLER, RECEPTION)
        ),
    )


def test_who_calls_hears_the_entitys_greeting_and_that_a_number_is_nobodys(building: Building) -> None:
    call = building.modems.do("call", from_=MOBILE, to=building.modems.number("m2"))["call"]
    building.hears(call, ENTITY_HZ, SAID["dial_extension"])
    building.modems.do("press", number=MOBILE, keys="2222")
    building.hears(call, ENTITY_HZ, SAID["dial_extension"], SAID["unknown"])
    building.linphone.wait_established(STEP_S)
    building.linphone.hang_up()
    building.linphone.wait_closed(STEP_S)
    building.quiet()


def test_who_knows_an_extensions_pin_is_led_out_as_it(building: Building) -> None:
    """In by one modem, out by the other."""
    call = building.modems.do("call", from_=MOBILE, to=building.modems.number("m2"))["call"]
    heard = [ENTITY_HZ, SAID["dial_extension"]]
    for keys, asked in (
        ("*", "enter_extension"),
        (f"{CALLER}#", "enter_pin"),
        (f"{PIN}#", "enter_number"),
    ):
        building.hears(call, *heard)
        building.modems.do("press", number=MOBILE, keys=keys)
        heard.append(SAID[asked])
    building.hears(call, *heard)
    building.modems.do("press", number=MOBILE, keys="00702223344#")
    building.hears(call, *heard, OTHER_HZ)
    assert building.dialled(OTHER) == ["m1"]
    building.modems.do("hang_up", number=MOBILE)
    building.quiet()
    building.site.wait(
        lambda: any(
            (one.caller, one.callee, one.way) == (CALLER, OTHER, Way.MODEM)
            for one in building.site.journal().records(2)
        ),
        STEP_S,
        "a record of the extension's call",
    )


def test_112_goes_out_by_a_modem_where_the_platform_is_dead(building: Building) -> None:
    """By the one that is kept for it; and who calls that SIM then rings who called."""
    building.sos()
    assert building.dialled(SOS) == ["m2"]
    building.quiet()

    def steps() -> list[str]:
        with closing(TrunkRows.open(building.site.paths.journal)) as rows:
            return [each.step for each in rows.steps(datetime.now(UTC) - KEPT)]

    building.site.wait(lambda: "way" in steps(), STEP_S, "the edge's own step")
    assert steps() == ["way", "asked", "dials", "dialled", "alerting", "answered", "ended"]


def test_a_phone_calls_a_mobile_and_both_are_heard(building: Building) -> None:
    before = len(building.modems.entries("heard", by=MOBILE))
    building.baresip.dial(DIALLED)
    building.baresip.wait_established(STEP_S)
    building.site.wait(lambda: holds(building.baresip.heard(), MOBILE_HZ), STEP_S, "the mobile heard")
    assert building.dialled(MOBILE) == ["m1"]
    assert building.asked("tell_power_ends") == {"told": 1}
    assert holds(building.baresip.heard(), SAID["power_ends"]), "that the power ends"
    building.baresip.hang_up()
    building.baresip.wait_closed(STEP_S)
    building.quiet()
    heard = building.modems.wait("heard", STEP_S, before + 1, by=MOBILE)[-1]
    assert abs(heard["heard"]["hz"] - building.baresip.tone_hz) < 50
    record = building.site.journal().records(1)[0]
    assert (record.caller, record.way) == (CALLER, Way.MODEM)


def test_the_networks_ringing_and_words_are_heard_before_any_answer(building: Building) -> None:
    """By the model that can; the other has no network."""
    site, modems, phone = building.site, building.modems, building.baresip
    modems.do("radio", modem="m1", coverage="none")
    modems.do("network", ringback=f"tone:{RINGING_HZ:g}", announces=f"tone:{WORDS_HZ:g}")
    modems.do("phone", number=MOBILE, answers_after_s=None)
    try:
        site.wait(lambda: building.asked("status")["modems"][0]["service"] != "voice", STEP_S, "one modem alone")
        phone.dial(DIALLED)
        site.wait(lambda: holds(phone.heard(), RINGING_HZ), STEP_S, "the network's ringing")
        assert phone.call.established_at is None
        phone.hang_up()
        phone.wait_closed(STEP_S)
        building.quiet()
        modems.do("phone", number=MOBILE, off=True)
        phone.dial(DIALLED)
        site.wait(lambda: holds(phone.heard(), WORDS_HZ), STEP_S, "that it cannot be reached")
        phone.wait_closed(STEP_S)
        assert phone.call.established_at is None
    finally:
        modems.do("phone", number=MOBILE, answers_after_s=1.0, off=False)
        modems.do("network", ringback="", announces="")
        modems.do("radio", modem="m1", coverage="home")
    building.quiet()
    site.wait(lambda: building.asked("status")["modems"][0]["service"] == "voice", STEP_S, "a network")


def test_a_mobile_calls_a_sim_is_greeted_and_the_reception_answers(building: Building) -> None:
    building.modems.do("call", from_=MOBILE, to=building.modems.number("m1"))
    building.linphone.wait_established(STEP_S)
    building.site.wait(lambda: holds(building.linphone.heard(), MOBILE_HZ), STEP_S, "the mobile heard")
    building.linphone.hang_up()
    building.linphone.wait_closed(STEP_S)
    building.quiet()


def test_a_mobile_that_presses_an_extension_is_led_there(building: Building) -> None:
    """While it is greeted."""
    building.modems.do("call", from_=MOBILE, to=building.modems.number("m1"))
    building.up()
    building.modems.do("press", number=MOBILE, keys=CALLER)
    building.site.wait(lambda: building.baresip.call.dialled_at is None, STEP_S, "the extension rings")
    building.baresip.wait_established(STEP_S)
    building.site.wait(lambda: holds(building.baresip.heard(), MOBILE_HZ), STEP_S, "the mobile heard")
    building.baresip.hang_up()
    building.baresip.wait_closed(STEP_S)
    building.quiet()


def test_112_goes_before_every_other_call(building: Building) -> None:
    """The only modem that has a network carries another call: that is cut, and hears why."""
    building.modems.do("radio", modem="m2", coverage="none")
    try:
        building.site.wait(
            lambda: building.asked("status")["modems"][1]["service"] != "voice", STEP_S, "one modem without a network"
        )
        building.baresip.dial(DIALLED)
        building.baresip.wait_established(STEP_S)
        before = len(building.dialled(SOS))
        building.sos(12)
        assert building.dialled(SOS)[before:] == ["m1"]
        building.baresip.wait_closed(STEP_S)
    finally:
        building.modems.do("radio", modem="m2", coverage="home")
    building.quiet()


def test_who_calls_back_after_112_rings_the_one_who_called(building: Building) -> None:
    building.site.wait(lambda: building.asked("status")["modems"][1]["service"] == "voice", STEP_S, "a network")
    building.baresip.dial(SOS)
    building.baresip.wait_established(STEP_S)
    building.baresip.hang_up()
    building.baresip.wait_closed(STEP_S)
    building.quiet()
    building.modems.do("call", from_=SOS, to=building.modems.number("m2"))
    building.site.wait(lambda: building.baresip.call.dialled_at is None, STEP_S, "the call back")
    building.baresip.wait_established(STEP_S)
    building.baresip.hang_up()
    building.quiet()


def test_the_proof_of_a_way_out(building: Building) -> None:
    """A test call from modem to modem, after other calls, with a tone both ways makes a red card one that is not."""
    red = building.asked("status")["modems"][0]
    assert (red["card"], red["reasons"][0]) == ("red", "unproved")
    building.quiet()
    proved = building.asked("test", modem="m1")
    assert {what: one["good"] for what, one in proved.items()} == {"called": True, "heard": True, "said": True}, proved
    assert building.asked("status")["modems"][0]["card"] == "yellow"


def test_trunk_that_was_killed_carries_112_again(building: Building) -> None:
    trunk = building.site.trunk
    assert trunk is not None
    trunk.kill()
    trunk.start()
    building.site.wait(
        lambda: all(modem["service"] == "voice" for modem in building.asked("status")["modems"]), STEP_S, "voice"
    )
    before = len(building.dialled(SOS))
    building.sos(13)
    assert building.dialled(SOS)[before:] == ["m2"]


@pytest.mark.parametrize("ends", ["answered", "hung up"])
def test_112_that_rings_by_modem_outlives_the_edge(building: Building, ends: str) -> None:
    """Dialled once, whatever the phone has heard; who hangs up with the next edge is heard too."""
    # Who hangs up does so well before it is answered: a 200 that crosses the CANCEL is the phone's to end.
    building.modems.do("phone", number=SOS, answers_after_s=4.0 if ends == "answered" else 12.0)
    try:
        before = len(building.dialled(SOS))
        caller = Sipp(building.site.phones, building.site.phone_ip(16), PROXY, REALM)
        patience_ms = 30_000 if ends == "answered" else 2_500
        placing = caller.place([Dial(STRANGER, SOS)], hold_ms=300, patience_ms=patience_ms)
        building.modems.until(
            lambda: any(call["stage"] == "ringing" for call in building.modems.status()["calls"]), STEP_S, "it rings"
        )
        building.site.restart(building.site.edge)
        (result,) = placing.wait()
        assert result.completed is (ends == "answered"), (result, building.site.log())
        building.quiet()
        assert len(building.dialled(SOS)) == before + 1
    finally:
        building.modems.do("phone", number=SOS, answers_after_s=0.0)
