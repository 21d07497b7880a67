"""Calls whose sound passes the unit: phones with nothing in common, conferences, who barges in, a threat.

A phone hears those whose place is in the same room as the one that its session was told last; or another phone.
Time is virtual.
"""

from __future__ import annotations

import itertools
import random

import pytest

from callcontrol.call import Happened, Said, Switch
from callcontrol.call.rooms import ALONE_S, CONFERENCES_MAX, MEMBERS_MAX
from callcontrol.media.agreed import OwnEnd
from callcontrol.sip.events import Invited, Told
from callcontrol.sip.headers import Uri
from callcontrol.sip.offer import ABLE, Local, answer, offer
from callcontrol.sip.refer import ReferTo
from callcontrol.sip.sdp import Codec, Description, Direction, Origin
from callcontrol.sip.session import Phase, Session
from tests.callcontrol.test_call import DOMAIN, House, Phone, whats

PLACES_MAX = 7
A_LAW = tuple(codec for codec in ABLE if codec.name in ("PCMA", "telephone-event"))
WIDE = tuple(codec for codec in ABLE if codec.name == "G722")
CONFERENCE, BARGE_IN, MARK = "conf", "into", "threat"


class Picky(Phone):
    """Has its own codecs, with SRTP or without, and refuses what has none of them."""

    def __init__(self, number: str, host: str, rng: random.Random) -> None:
        super().__init__(number, host, rng)
        self.able: tuple[Codec, ...] = ABLE
        self.key = ""
        self.stays = False  # refuses all that would move its sound

    def local(self, direction: Direction = Direction.SENDRECV) -> Local:
        origin = Origin("p", 1, next(self.versions), f"IN IP4 {self.host}")
        return Local(origin, self.host, 4_000, self.able, direction, crypto_key=self.key)

    def says(self, direction: Direction = Direction.SENDRECV) -> bytes:
        return offer(self.local(direction)).to_bytes()

    def answers(self, body: bytes) -> bytes:
        read = Description.parse(body)
        assert read.audio is not None
        made = answer(read, self.local()) if read.audio.secure == bool(self.key) else None
        return b"" if made is None else made.to_bytes()

    def reply(self, session: Session, body: bytes, now: float) -> None:
        if not body:
            session.reply(self.says(), now)
        elif not self.stays and (said := self.answers(body)):
            session.reply(said, now)
        else:
            session.reject(now, 488)

    def lift(self, session: Session, now: float) -> None:
        body = session.remote or session.request.body
        said = self.answers(body) if body else self.says()
        if not said:
            session.refuse(488, now)
            return
        session.ring(180, now)
        session.answer(said, now)


class Building(House):
    def __init__(self, seed: int = 1, loss: float = 0.0) -> None:
        super().__init__(seed, loss)
        self.switch = Switch(self.ua, self, DOMAIN)
        self.switch.through = self
        self.phones = {number: Picky(number, phone.host, self.rng) for number, phone in self.phones.items()}
        self.by_host = {phone.host: phone for phone in self.phones.values()}
        self.rooms: dict[str, dict[str, OwnEnd]] = {}
        self.intruders: set[str] = set()
        self.said: list[Said] = []
        self.numbers = itertools.count(1)

    # a Through
    def join(self, room: str, leg: str, towards: bytes, *, intrudes: bool = False) -> _End | None:
        Description.parse(towards)
        if sum(map(len, self.rooms.values())) >= PLACES_MAX:
            return None
        end = OwnEnd(f"10.0.9.{next(self.numbers)}", 5_000)
        assert leg not in self.rooms.setdefault(room, {})
        self.rooms[room][leg] = end
        if intrudes:
            self.intruders.add(leg)
        return _End(end)

    def leave(self, room: str, leg: str) -> None:
        del self.rooms[room][leg]
        if not self.rooms[room]:
            del self.rooms[room]

    def say(self, room: str, what: Said) -> None:
        assert room in self.rooms
        self.said.append(what)

    def invited(self, event: Invited) -> None:
        number, caller = event.request.request_uri.user, event.request.from_.uri.user
        done = True
        if number.startswith(CONFERENCE):
            done = self.switch.conference(number.removeprefix(CONFERENCE), event, caller, self.now)
        elif number.startswith(BARGE_IN):
            done = self.switch.barge_in(number.removeprefix(BARGE_IN), event, caller, self.now)
        elif number == MARK:
            self.switch.mark(caller, self.now)
            event.session.refuse(486, self.now)
        else:
            super().invited(event)
        if not done:
            event.session.refuse(488, self.now)

    def picky(self, at: int) -> Picky:
        phone = self.phone(at)
        assert isinstance(phone, Picky)
        return phone

    def meet(self, *phones: Phone) -> None:
        """They hear each other in one room, each by a place of its own."""
        (room,) = (room for room in self.rooms.values() if phones[0].hears() in {end.address for end in room.values()})
        assert sorted(phone.hears() for phone in phones) == sorted(end.address for end in room.values())

    def check_over(self) -> None:
        super().check_over()
        assert not self.rooms

    def in_conference(self, count: int) -> list[Picky]:
        phones = [self.picky(at) for at in range(1, count + 1)]
        for phone in phones:
            phone.dials(f"{CONFERENCE}7", self.now)
        self.run(5.0)
        self.meet(*phones)
        return phones


class _End:
    def __init__(self, end: OwnEnd) -> None:
        self.end = end
        self.offered = b""

    def answer(self, offered: bytes) -> bytes:
        found = self.end.answer(offered)
        return found[0] if found is not None else b""

    def offer(self, *, secure: bool = False) -> bytes:
        self.offered = self.end.offer(secure=secure)
        return self.offered

    def agreed(self, answered: bytes) -> bool:
        return self.end.agreed(self.offered, answered) is not None


@pytest.mark.parametrize("loss", [0.0, 0.15])
@pytest.mark.parametrize("secure", ["", "one", "other"])
def test_phones_with_nothing_in_common_talk_through_the_unit(secure: str, loss: float) -> None:
    """By codec, or as the one has SRTP alone and the other none."""
    house = Building(seed=4, loss=loss)
    one, other = house.picky(1), house.picky(2)
    if secure:
        (one if secure == "one" else other).key = str(OwnEnd("10.0.0.1", 1)._key)
    else:
        one.able, other.able = A_LAW, WIDE
    one.dials("1002", house.now)
    house.run(30.0)
    house.meet(one, other)
    assert whats(house).count(Happened.CONNECTED) == 1
    one.call.offer(one.says(), house.now)  # as a phone does for itself
    house.run(20.0)
    house.meet(one, other)
    other.call.end(house.now)
    house.check_over()


def test_phones_that_have_much_in_common_are_left_to_each_other() -> None:
    house = Building()
    _, other = house.connected()
    assert not house.rooms
    other.call.end(house.now)
    house.check_over()


def test_no_sound_at_all_in_common_is_refused() -> None:
    house = Building()
    one, other = house.picky(1), house.picky(2)
    other.able = (Codec(18, "G729", 8000),)
    one.dials("1002", house.now)
    house.run(5.0)
    assert one.statuses == [488]
    one.dials("1004", house.now)
    one.able = other.able
    house.picky(4).able = A_LAW
    one.dials("1004", house.now)
    house.run(5.0)
    one.call.end(house.now)
    house.check_over()
    assert one.statuses[-1] == 200


def test_of_several_phones_the_unlike_one_lifts() -> None:
    house = Building()
    one, other, third = house.picky(1), house.picky(2), house.picky(3)
    one.able, other.able = A_LAW, WIDE
    third.does = lambda phone, session, now: session.ring(180, now)
    one.dials("1002.1003", house.now)
    house.run(5.0)
    house.meet(one, other)
    one.call.end(house.now)
    house.check_over()


def test_a_transfer_between_unlike_phones_and_one_of_a_call_that_passes_the_unit() -> None:
    house = Building()
    one, other, third = house.picky(1), house.picky(2), house.picky(3)
    third.able = WIDE
    one.able = A_LAW
    house.connected()
    other.call.refer(ReferTo.parse("<sip:1003@10.0.0.1>"), house.now)
    house.run(10.0)
    house.meet(one, third)
    third.call.refer(ReferTo.parse("<sip:1002@10.0.0.1>"), house.now)
    house.run(10.0)
    house.meet(one, other)
    one.call.end(house.now)
    house.check_over()


@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_five_in_a_conference(loss: float) -> None:
    house = Building(seed=8, loss=loss)
    phones = [house.picky(at) for at in range(1, 6)]
    phones[1].able, phones[2].able = WIDE, A_LAW
    for phone in phones:
        phone.dials(f"{CONFERENCE}7", house.now)
    house.run(20.0)
    house.meet(*phones)
    phones[3].call.offer(phones[3].says(Direction.SENDONLY), house.now)  # somebody holds
    house.run(20.0)
    assert phones[3].hears() == "-"
    phones[3].call.offer(phones[3].says(), house.now)
    house.run(20.0)
    for at, phone in enumerate(phones[:4], 1):
        phone.call.end(house.now)
        house.run(20.0)
        house.meet(*phones[at:])
    assert house.said[-1] is Said.LAST
    house.run(ALONE_S)
    assert not house.rooms
    house.check_over()


def test_conferences_are_bounded_and_apart() -> None:
    house = Building()
    one, other = house.picky(1), house.picky(2)
    for at in range(CONFERENCES_MAX + 1):
        one.dials(f"{CONFERENCE}{at}", house.now)
    house.run(3.0)
    assert len(house.switch.calls) == min(CONFERENCES_MAX, PLACES_MAX)
    assert set(one.statuses) == {488}
    other.dials(f"{CONFERENCE}1", house.now)
    house.run(3.0)
    assert other.statuses == [488]  # no place is left
    house.run(ALONE_S)
    house.check_over()
    assert MEMBERS_MAX > PLACES_MAX


def test_brought_into_a_conference_by_its_number() -> None:
    house = Building()
    house.in_conference(2)
    third, fourth = house.picky(3), house.picky(4)
    third.dials("1004", house.now)
    house.run(3.0)
    assert house.switch.bring(house.leg(third), "7", house.now)
    house.run(5.0)
    house.meet(house.phone(1), house.phone(2), fourth)
    fourth.call.refer(ReferTo.parse("<sip:1005@10.0.0.1>"), house.now)  # of the others nobody disposes
    house.run(5.0)
    assert fourth.notified[-1] == 403
    for phone in (house.phone(1), house.phone(2), fourth):
        phone.call.end(house.now)
    house.check_over()


def test_brought_into_a_conference_by_who_is_in_it() -> None:
    house = Building()
    house.in_conference(3)
    third, fourth = house.picky(3), house.picky(4)
    inside = third.call
    talking = third.dials("1004", house.now)
    house.run(3.0)
    third.calls = [inside, talking]
    replaces = inside.replaces
    talking.refer(ReferTo(Uri.parse(f"sip:{CONFERENCE}7@10.0.0.1"), replaces), house.now)
    house.run(5.0)
    house.meet(house.phone(1), house.phone(2), fourth)
    assert third.notified[-1] == 200
    for phone in (house.phone(1), house.phone(2), fourth):
        phone.call.end(house.now)
    house.check_over()


def test_a_call_of_two_becomes_one_of_three_and_of_two_again() -> None:
    house = Building()
    one, other = house.connected()
    third = house.picky(3)
    assert house.switch.widen(house.leg(one), "0046", house.now) is not None
    assert house.switch.widen(house.leg(one), "1003", house.now) is None
    house.run(5.0)
    house.meet(one, other, third)
    other.call.end(house.now)
    house.run(5.0)
    house.talk((one, third))
    assert not house.rooms
    third.does = lambda phone, session, now: session.refuse(486, now)
    house.phone(2).does = third.does
    assert house.switch.widen(house.leg(one), "1002", house.now) is None
    house.run(5.0)
    house.talk((one, third))
    assert not house.rooms
    one.call.end(house.now)
    house.check_over()


@pytest.mark.parametrize("loss", [0.0, 0.15])
def test_barge_in_and_back(loss: float) -> None:
    house = Building(seed=6, loss=loss)
    one, other = house.connected()
    third = house.picky(3)
    third.dials(f"{BARGE_IN}1002", house.now)
    house.run(20.0)
    house.meet(one, other, third)
    assert house.said == [Said.INTRUSION]
    assert len(house.intruders) == 1
    third.call.end(house.now)
    house.run(20.0)
    house.talk((one, other))
    assert not house.rooms
    one.call.end(house.now)
    house.check_over()


def test_no_barging_into_what_is_no_call() -> None:
    house = Building()
    one, other = house.connected()
    third = house.picky(3)
    third.dials(f"{BARGE_IN}1004", house.now)
    house.run(2.0)
    house.rooms["other"] = {str(-at): OwnEnd("10.0.0.9", 1) for at in range(PLACES_MAX - 1)}
    third.dials(f"{BARGE_IN}1002", house.now)  # no place is left for all three
    house.run(5.0)
    assert third.statuses == [488, 488]
    house.talk((one, other))
    del house.rooms["other"]
    other_stays = house.picky(2)
    other_stays.stays = True
    third.dials(f"{BARGE_IN}1002", house.now)
    house.run(5.0)
    house.talk((one, other))  # a phone that does not come is left in peace
    one.call.end(house.now)
    house.check_over()


def test_a_threat_is_marked_and_recorded_to_its_end() -> None:
    house = Building()
    one, other = house.connected()
    other.dials(MARK, house.now)
    house.run(3.0)
    house.meet(one, other)
    assert not house.said
    assert whats(house).count(Happened.MARKED) == 1
    (told,) = (session for session in house.ua._sessions if session is house.leg(one).session)
    house.switch.saw(Told(told, "", b"", records=True), house.now)  # by a key of the phone
    assert whats(house).count(Happened.MARKED) == 1
    (call,) = house.switch.calls
    other.call.refer(ReferTo.parse("<sip:1003@10.0.0.1>"), house.now)
    house.run(5.0)
    assert call.kept
    house.meet(one, house.phone(3))
    one.call.end(house.now)
    house.check_over()


def test_a_threat_that_cannot_be_recorded_is_marked_and_goes_on() -> None:
    for how in ("no place", "phone stays"):
        house = Building()
        one, other = house.connected()
        if how == "no place":
            house.rooms["other"] = {str(-at): OwnEnd("10.0.0.9", 1) for at in range(PLACES_MAX - 1)}
        else:
            house.picky(1).stays = True
        house.switch.mark(other.number, house.now)
        house.run(5.0)
        house.rooms.pop("other", None)
        house.talk((one, other))
        assert whats(house).count(Happened.MARKED) == 1
        assert not house.rooms
        one.call.end(house.now)
        house.check_over()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100))
def test_any_order_leaves_no_place_behind(seed: int) -> None:
    """Each place is that of a leg, or of two who are on their way back to direct sound; in the end none is left."""
    rng = random.Random(seed)
    house = Building(seed=seed, loss=0.0 if seed % 3 else 0.1)
    if not seed % 4:
        house.picky(1).able, house.picky(2).able = A_LAW, WIDE
    house.picky(3).stays = not seed % 5
    for _ in range(14):
        phone, other = house.picky(rng.randint(1, 5)), house.picky(rng.randint(1, 5))
        _does(house, phone, other, rng)
        house.run(rng.choice([0.01, 0.5, 3.0]))
        legs = {(leg.room, leg.name) for leg in house.switch._legs.values() if leg.end is not None}
        leaving = {place for call in house.switch.calls for place in call.left}
        assert legs | leaving == {(room, leg) for room, ends in house.rooms.items() for leg in ends}
    for _ in range(2):
        for session in [session for each in house.phones.values() for session in each.calls]:
            session.end(house.now)
        house.run(2 * ALONE_S)
    assert not house.rooms
    assert not house.switch.calls


def _does(house: Building, phone: Picky, other: Picky, rng: random.Random) -> None:
    sessions = [session for session in phone.calls if session.phase is Phase.UP]
    legs = [
        leg
        for leg in house.switch._legs.values()
        if leg.number == phone.number and leg in leg.call.sides and leg.answered
    ]
    match rng.randrange(12):
        case 0 | 1 | 2 if phone is not other:
            phone.dials(other.number, house.now)
        case 3:
            phone.dials(f"{CONFERENCE}7", house.now)
        case 4 if phone is not other:
            phone.dials(f"{BARGE_IN}{other.number}", house.now)
        case 5:
            phone.dials(MARK, house.now)
        case 6 if sessions:
            rng.choice(sessions).end(house.now)
        case 7 if sessions:
            direction = rng.choice([Direction.SENDONLY, Direction.SENDRECV])
            rng.choice(sessions).offer(phone.says(direction), house.now)
        case 8 if sessions:
            rng.choice(sessions).refer(ReferTo.parse(f"<sip:{other.number}@10.0.0.1>"), house.now)
        case 9 if legs:
            house.switch.widen(rng.choice(legs), other.number, house.now)
        case 10 if legs:
            house.switch.bring(rng.choice(legs), "7", house.now)
        case 11 if len(legs) > 1:
            house.switch.join(legs[0], legs[1], house.now)
