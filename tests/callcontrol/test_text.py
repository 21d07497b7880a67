"""Real-time text (RFC 4103) in calls that the unit leads: between two phones that can, it passes; with who cannot it is
refused, and the sound goes on (H4). Every description follows the one before it (RFC 3264 §6, §8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callcontrol.sip.offer import Local as Us
from callcontrol.sip.offer import aligned, answer, answering, matched
from callcontrol.sip.refer import ReferTo
from callcontrol.sip.sdp import Codec, Description, Direction, Media, Origin
from callcontrol.sip.session import Phase, Session
from tests.callcontrol.test_call import House, Phone

T140, RED = Codec(98, "t140", 1000), Codec(99, "red", 1000)
LINES = (("a", "rtpmap:98 t140/1000"), ("a", "rtpmap:99 red/1000"), ("a", "fmtp:99 98/98/98"))
TEXT = Media("text", 4_002, "RTP/AVP", ("99", "98"), LINES)


class Texting(Phone):
    """A phone that takes text beside sound, and writes descriptions as the standard has them."""

    first = False
    """Text stands before the sound."""

    def says(self, direction: Direction = Direction.SENDRECV) -> bytes:
        said = Description.parse(super().says(direction))
        both = (*said.medias, TEXT)
        return replace(said, medias=both[::-1] if self.first else both).to_bytes()

    def reply(self, session: Session, body: bytes, now: float) -> None:
        session.reply(self.answers(body) if body else self.says(), now)

    def lift(self, session: Session, now: float) -> None:
        session.ring(180, now)
        session.answer(self.answers(session.remote) if session.remote else self.says(), now)

    def answers(self, body: bytes) -> bytes:
        asked = Description.parse(body)
        own = Description.parse(self.says(asked.audio.direction.mirrored if asked.audio else Direction.SENDRECV))
        medias = [
            next((one for one in own.medias if one.kind == media.kind), media) if media.port else media.refused()
            for media in asked.medias
        ]
        return replace(own, medias=tuple(medias)).to_bytes()


class Plain(Texting):
    """The same without text, which it refuses."""

    def says(self, direction: Direction = Direction.SENDRECV) -> bytes:
        return Phone.says(self, direction)

    def answers(self, body: bytes) -> bytes:
        found = Description.parse(super().answers(body))
        return replace(
            found, medias=tuple(one.refused() if one.kind == "text" else one for one in found.medias)
        ).to_bytes()


def house_of(*kinds: type[Phone], music: bool = False) -> tuple[House, list[Phone]]:
    house = House(music=music)
    for at, kind in enumerate(kinds, start=1):
        old = house.phone(at)
        new = kind(old.number, old.host, house.rng)
        house.phones[old.number] = house.by_host[old.host] = new
    return house, [house.phone(at) for at in range(1, len(kinds) + 1)]


def texts(phone: Phone) -> bool:
    """It may write to whom it hears."""
    told = [one for one in Description.parse(phone.call.remote).medias if one.kind == "text"]
    return type(phone) is Texting and bool(told) and told[0].port not in (0, 9)


def sound(phone: Phone) -> str:
    return phone.hears()


@pytest.mark.parametrize("offers", [True, False], ids=["offer", "no offer"])
@pytest.mark.parametrize("first", [True, False], ids=["text first", "sound first"])
def test_two_phones_that_can_write_to_each_other(offers: bool, first: bool) -> None:
    house, (one, other) = house_of(Texting, Texting)
    assert isinstance(one, Texting)
    one.first = first
    one.dials(other.number, house.now, offers=offers)
    house.run(3.0)
    assert (texts(one), texts(other)) == (True, True)
    assert (sound(one), sound(other)) == (other.host, one.host)


@pytest.mark.parametrize("caller_writes", [True, False])
def test_who_cannot_write_is_spoken_with(caller_writes: bool) -> None:
    house, (one, other) = house_of(*((Texting, Plain) if caller_writes else (Plain, Texting)))
    one.dials(other.number, house.now)
    house.run(3.0)
    assert (texts(one), texts(other)) == (False, False)
    assert (sound(one), sound(other)) == (other.host, one.host)


@pytest.mark.parametrize("first", [True, False], ids=["text first", "sound first"])
@pytest.mark.parametrize("music", [True, False])
@pytest.mark.parametrize("kinds", [(Texting, Texting, Texting), (Texting, Plain, Texting), (Plain, Texting, Texting)])
def test_who_was_led_on_writes_on(kinds: tuple[type[Phone], ...], music: bool, first: bool) -> None:
    """Held with music, and led on by who held: each description follows the one before, and who can write does."""
    house, (one, other, third) = house_of(*kinds, music=music)
    for phone in (one, other, third):
        if isinstance(phone, Texting):
            phone.first = first
    one.dials(other.number, house.now)
    house.run(3.0)
    other.call.offer(other.says(Direction.SENDONLY), house.now)
    house.run(3.0)
    assert (sound(one) == "10.0.0.99") is music
    other.call.offer(other.says(), house.now)
    house.run(3.0)
    assert (sound(one), sound(other)) == (other.host, one.host)
    assert texts(one) == texts(other) == (kinds[0] is kinds[1] is Texting)
    other.call.refer(ReferTo.parse(f"<sip:{third.number}@10.0.0.1>"), house.now)
    house.run(10.0)
    assert (sound(one), sound(third)) == (third.host, one.host)
    assert texts(one) == texts(third) == (kinds[0] is kinds[2] is Texting)


def test_where_the_unit_itself_answers_it_speaks() -> None:
    house, (one,) = house_of(Texting)
    one.dials("told", house.now)
    house.run(3.0)
    assert one.call.phase is Phase.UP
    assert (sound(one), texts(one)) == ("10.0.0.77", False)


def described(*kinds: str, ports: tuple[int, ...] = ()) -> Description:
    made = {
        "audio": Media("audio", 4_000, "RTP/AVP", ("8",), (("a", "rtpmap:8 PCMA/8000"),)),
        "text": TEXT,
        "video": Media("video", 4_004, "RTP/AVP", ("34",)),
    }
    medias = [made[kind] for kind in kinds]
    medias = [replace(one, port=port) for one, port in zip(medias, ports or [one.port for one in medias], strict=True)]
    return Description.new(Origin("p", 1, 1, "IN IP4 10.0.0.9"), "10.0.0.9", medias)


def shape(description: Description) -> list[str]:
    return [one.kind if one.port else f"no {one.kind}" for one in description.medias]


@pytest.mark.parametrize(
    ("said", "before", "offered", "answered"),
    [
        (("audio",), ("audio",), ["audio"], ["audio"]),
        (("audio",), ("audio", "text"), ["audio", "no text"], ["audio", "no text"]),
        (("audio",), ("text", "audio"), ["no text", "audio"], ["no text", "audio"]),
        (("audio", "text"), ("audio",), ["audio", "text"], ["audio"]),
        (("audio", "text"), ("text", "audio"), ["text", "audio"], ["text", "audio"]),
        (("audio", "text"), ("video", "audio"), ["no video", "audio", "text"], ["no video", "audio"]),
    ],
)
def test_media_keep_their_places(
    said: tuple[str, ...], before: tuple[str, ...], offered: list[str], answered: list[str]
) -> None:
    assert shape(aligned(described(*said), described(*before))) == offered
    assert shape(answering(described(*said), described(*before))) == answered


@pytest.mark.parametrize(
    ("ports", "answered"), [((4_000, 0), ["audio", "no text"]), ((0, 4_002), ["no audio", "text"])]
)
def test_what_was_offered_as_refused_is_answered_so(ports: tuple[int, ...], answered: list[str]) -> None:
    """Whatever the other has said to it (RFC 3264 §6)."""
    offered = described("audio", "text", ports=ports)
    assert shape(answering(described("audio", "text"), offered)) == answered


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (("audio", "text"), ("audio", "text"), ["audio", "text"]),
        (("text", "audio"), ("audio", "text"), ["text", "audio"]),
        (("audio", "text"), ("audio",), ["audio", "no text"]),
        (("audio",), ("audio", "text"), ["audio"]),
        (("audio", "video"), ("audio", "video"), ["audio", "no video"]),
    ],
)
def test_two_who_have_both_offered(one: tuple[str, ...], other: tuple[str, ...], found: list[str]) -> None:
    made = matched(described(*one), described(*other))
    assert made is not None
    assert shape(made) == found


def test_text_without_a_form_in_common_is_refused() -> None:
    other = described("audio", "text")
    strange = replace(TEXT, formats=("98",), lines=(("a", "rtpmap:98 morse/1000"),))
    made = matched(described("audio", "text"), replace(other, medias=(other.medias[0], strange)))
    assert made is not None
    assert shape(made) == ["audio", "no text"]


def test_our_own_answer_refuses_it_in_its_place() -> None:
    made = answer(described("text", "audio"), Us(Origin("u", 1, 1, "IN IP4 10.0.0.1"), "10.0.0.1", 5_000))
    assert made is not None
    assert shape(made) == ["no text", "audio"]
