"""In SURVIVAL an extension that is no plain one is `calls`'s to decide; a plain one never reaches Python."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Condition, Entity, Extension, Forwarding, Identity, Kind, Person, Unit
from callcontrol.plan.reach import DEFAULT_CLASS
from callcontrol.records import Outcome
from firmware.store.changes import Changes, new_id
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from hil.net import Net
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.raw import RawPhone, header, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import holds
from hil.told import desk

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

CALLER, PLAIN, OTHER, RECEPTION = "1001", "1002", "1003", "1004"
NUMBERS = (CALLER, PLAIN, OTHER, RECEPTION)
DESKS = ("1005", "1006")
DIRECT = "+4690161002"
STEP_S = 30.0


class House:
    """In SURVIVAL; four phones are registered, one of them the reception's."""

    def __init__(self, net: Net, site: Site, phones: ExitStack) -> None:
        self.site = site
        self.phones = {
            number: phones.enter_context(
                RawPhone(site.phones, site.phone_ip(11 + place), User(number, password(number)), PROXY, REALM)
            )
            for place, number in enumerate(NUMBERS)
        }
        for phone in self.phones.values():
            assert status(phone.register()) == 200
        self.changes = Changes.open(site.paths.journal)
        self.desks = (
            phones.enter_context(desk(net, site, 30, Linphone, "1005", 700.0)),
            phones.enter_context(desk(net, site, 31, Baresip, "1006", 1100.0)),
        )

    def ring(self, callee: str, caller: str = CALLER) -> str:
        """Begin a call; the INVITE as it was sent after the challenge."""
        phone = self.phones[caller]
        uri = f"sip:{callee}@{REALM}"
        lines = {
            "Call-ID": f"{callee}-{os.urandom(4).hex()}",
            "From": f"<sip:{caller}@{REALM}>;tag={os.urandom(4).hex()}",
        }
        challenge = phone.final(phone.request("INVITE", uri, lines))
        assert status(challenge) == 407
        lines["Proxy-Authorization"] = phone.authorization(challenge, "INVITE", uri)
        return phone.request("INVITE", uri, lines)

    def refused(self, invite: str, caller: str = CALLER) -> str:
        """The status line of the final answer, without the protocol."""
        return self.phones[caller].final(invite, STEP_S).partition("\r\n")[0][8:]

    def rings_at(self, number: str, invite: str) -> None:
        """The call has come to that phone, which refuses it to be done with it."""
        phone = self.phones[number]
        call = phone.called(timeout_s=STEP_S)
        assert header(call, "Call-ID") == header(invite, "Call-ID")
        phone.respond(call, "603 Decline")
        assert self.refused(invite)[:3] == "603"

    def treats(self, number: str, treatment: str) -> None:
        """Wait until the edge has it in its table; "": until it has not."""
        self.site.wait(lambda: self.site.table("ask").get(number, "") == treatment, STEP_S, f"{number} {treatment}")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvask") as net, ExitStack() as phones:
        site = Site(net, users=numbers(1001, 6), configuration={"survival": {"signal_s": 2, "ring_signals": 1}})
        directory = connect(site.paths.directory, "directory")
        load(directory, _people(), "rig", datetime.now(UTC))
        directory.close()
        site.start()
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        house = House(net, site, phones)
        # Both of Python's processes have read the directory when the edge has its table.
        house.treats(RECEPTION, "ask")
        yield house
        house.changes.close()
        site.stop()


def _people() -> Bulk:
    entity = Entity(id="e", name="Norrby", municipality="m", greeting="Norrby kommun", reception=RECEPTION)
    kinds = {RECEPTION: Kind.RECEPTION}
    return Bulk(
        municipalities=(Municipality(id="m", name="Norrby"),),
        classes=(DEFAULT_CLASS,),
        entities=(entity,),
        units=(Unit(id="u", name="Bygg", entity="e"),),
        people=tuple(
            Person(id=f"p{number}", given="Anna", family=f"Ek {number}", unit="u") for number in (*NUMBERS, *DESKS)
        ),
        extensions=tuple(
            Extension(
                number=number,
                kind=kinds.get(number, Kind.PERSON),
                unit="u",
                person=f"p{number}",
                reach=DEFAULT_CLASS,
                identity=Identity.DIRECT,
                direct_number=DIRECT if number == PLAIN else None,
            )
            for number in (*NUMBERS, *DESKS)
        ),
    )


def _refer(house: House, number: str, **fields: object) -> None:
    now = datetime.now(UTC)
    one = Referral(
        id=new_id(), extension=number, reason="meeting", start=now, until=now + timedelta(seconds=3600),
        source=Source.PAGE, set_by="rig", set_at=now, **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    house.changes.refer([one])


def _forward(house: House, number: str, condition: Condition, target: str) -> None:
    moved = Forwarding(extension=number, condition=condition, target=target, set_at=datetime.now(UTC))
    house.changes.forward(moved, "rig")


def test_a_plain_call_never_reaches_python(house: House) -> None:
    before = house.site.count("handed")
    for _ in range(5):
        house.rings_at(PLAIN, house.ring(PLAIN))
    assert house.site.count("handed") == before


def test_forwarded_on_busy_and_in_vain(house: House) -> None:
    """It rings as a plain one; only when it does not answer is anybody asked."""
    _forward(house, PLAIN, Condition.BUSY, OTHER)
    invite = house.ring(PLAIN)
    busy = house.phones[PLAIN]
    busy.respond(busy.called(timeout_s=STEP_S), "486 Busy Here")
    house.rings_at(OTHER, invite)
    house.changes.end_forwarding(PLAIN, Condition.BUSY, "rig", datetime.now(UTC))


def test_nobody_answers_and_the_reception_is_rung(house: House) -> None:
    invite = house.ring(PLAIN)
    silent = house.phones[PLAIN]
    silent.respond(silent.called(timeout_s=STEP_S), "180 Ringing")
    house.rings_at(RECEPTION, invite)


def test_a_number_of_ours_dialled_as_from_outside(house: House) -> None:
    """It rings, and when nobody answers it goes on as any call; whoever answers then, the record says that it was."""
    _forward(house, PLAIN, Condition.BUSY, OTHER)
    invite = house.ring(DIRECT)
    busy, colleague = house.phones[PLAIN], house.phones[OTHER]
    busy.respond(busy.called(timeout_s=STEP_S), "486 Busy Here")
    call = colleague.called(timeout_s=STEP_S)
    colleague.respond(call, "200 OK")
    assert house.refused(invite)[:3] == "200"
    house.changes.end_forwarding(PLAIN, Condition.BUSY, "rig", datetime.now(UTC))

    def recorded() -> bool:
        with closing(house.site.journal()) as journal:
            return any(record.callee == DIRECT and record.outcome is Outcome.ANSWERED for record in journal.records(50))

    house.site.wait(recorded, STEP_S, "a record of an answered call")


def test_forwarded_always(house: House) -> None:
    _forward(house, PLAIN, Condition.ALWAYS, OTHER)
    house.treats(PLAIN, "ask")
    house.rings_at(OTHER, house.ring(PLAIN))
    house.changes.end_forwarding(PLAIN, Condition.ALWAYS, "rig", datetime.now(UTC))
    house.treats(PLAIN, "")


def test_referred(house: House) -> None:
    _refer(house, OTHER)
    house.treats(OTHER, "ask")
    assert house.refused(house.ring(OTHER)).startswith("480 ")
    answer = house.refused(house.ring(OTHER))
    assert "hänvisad: möte, åter " in answer
    # With `calls` dead the phone itself is the best that is known.
    os.kill(house.site.calls.pid, signal.SIGSTOP)
    try:
        house.rings_at(OTHER, house.ring(OTHER))
    finally:
        os.kill(house.site.calls.pid, signal.SIGCONT)


def test_blocked_from_either_side(house: House) -> None:
    house.changes.block(PLAIN, "rig", "lost", datetime.now(UTC))
    house.treats(PLAIN, "blocked")
    house.rings_at(RECEPTION, house.ring(PLAIN))
    assert house.refused(house.ring(OTHER, PLAIN), PLAIN)[:3] == "403"
    house.changes.lift(PLAIN, "rig", datetime.now(UTC))
    house.treats(PLAIN, "")
    house.rings_at(PLAIN, house.ring(PLAIN))


def test_real_phones(house: House) -> None:
    """linphone rings an extension that is forwarded to baresip, and both hear each other; then one that is referred."""
    caller, callee = house.desks
    _forward(house, PLAIN, Condition.ALWAYS, callee.account.extension)
    house.treats(PLAIN, "ask")
    caller.dial(PLAIN)
    for phone in house.desks:
        phone.wait_established(STEP_S)
    for ear, mouth in ((caller, callee), (callee, caller)):
        house.site.wait(lambda ear=ear, mouth=mouth: holds(ear.heard(), mouth.tone_hz), STEP_S, "sound")  # type: ignore[misc]
    caller.hang_up()
    for phone in house.desks:
        phone.wait_closed(STEP_S)
    house.changes.end_forwarding(PLAIN, Condition.ALWAYS, "rig", datetime.now(UTC))
    _refer(house, OTHER)
    house.treats(OTHER, "ask")
    before = house.site.count("handed")
    caller.dial(OTHER)
    assert caller.wait_closed(STEP_S).established_at is None
    assert house.site.count("handed") > before
