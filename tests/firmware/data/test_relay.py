"""The sound of calls by data: what the edge asks, and what goes through."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from firmware.data.control import COMMAND_MAX_BYTES, Command, CommandError, Kind, Side, parse
from firmware.data.relay import BURST_BYTES, CALLS_MAX, SILENT_S, UNANSWERED_S, Relay

PHONE, FAR = "127.0.0.11", "127.0.0.12"
INSIDE, OUTSIDE = "127.0.0.13", "127.0.0.14"


def test_what_kamailio_asks() -> None:
    offer = parse(b"123_4 UIEc8,0,101 a@b 10.98.0.11 6000 tag;1")
    assert offer == Command("123_4", Kind.OFFER, "a@b", Side.INSIDE, "10.98.0.11", 6000, "tag", "", 1)
    answer = parse(b"123_5 LEIc8 a@b 10.88.0.1 40000 tag;2 other;2")
    assert answer == Command("123_5", Kind.ANSWER, "a@b", Side.OUTSIDE, "10.88.0.1", 40000, "tag", "other", 2)
    assert parse(b"1 V").kind is Kind.VERSION
    assert parse(b"1 VF 20050322").feature == "20050322"
    assert parse(b"1 D a@b tag other").kind is Kind.DELETE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1",
        b"\xff\xfe U a",
        b"1 U a@b 10.98.0.11 6000",
        b"1 U a@b host 6000 tag",
        b"1 U a@b 10.98.0.11 66000 tag",
        b"1 U a@b 10.98.0.11 -1 tag",
        b"1 U a@b 10.98.0.11 53 tag",
        b"1 U a@b 224.0.0.251 6000 tag",
        b"1 U a@b 255.255.255.255 6000 tag",
        b"1 U a@b 10.98.0.1111 6000 tag",
        b"1 U a@b 10.98.0.11 6000 tag;99",
        b"1 L a@b 10.98.0.11 6000 tag",
        b"1 X a@b",
        b"1 U " + b"a" * 600 + b" 10.98.0.11 6000 tag",
        b"1 V" + b" " * COMMAND_MAX_BYTES,
    ],
)
def test_what_is_no_command_is_refused(data: bytes) -> None:
    with pytest.raises(CommandError):
        parse(data)


def run(work: Callable[[Relay], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        relay = Relay(INSIDE, OUTSIDE)
        try:
            await work(relay)
        finally:
            relay.close()

    asyncio.run(whole())


def rtp(sequence: int, payload: bytes = b"x" * 160, ssrc: int = 7) -> bytes:
    return struct.pack("!BBHII", 0x80, 8, sequence, sequence * 160, ssrc) + payload


def wire(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.setblocking(False)
    return made


def place(answer: str) -> tuple[str, int]:
    port, _, host = answer.partition(" ")
    return host, int(port)


async def heard(end: socket.socket) -> bytes:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(end, 2000), 5)


def joined(relay: Relay, phone: socket.socket, far: socket.socket) -> tuple[tuple[str, int], tuple[str, int]]:
    """Where the far end sends, and where the phone does."""
    offer = f"1 UIE a@b {PHONE} {phone.getsockname()[1]} A;1"
    answer = f"1 LEI a@b {FAR} {far.getsockname()[1]} A;1 B;1"
    return place(relay.do(parse(offer.encode()))), place(relay.do(parse(answer.encode())))


def test_sound_goes_both_ways_and_is_counted() -> None:
    async def work(relay: Relay) -> None:
        with wire(PHONE) as phone, wire(FAR) as far:
            outside, inside = joined(relay, phone, far)
            assert (outside[0], inside[0]) == (OUTSIDE, INSIDE)
            phone.sendto(rtp(1), inside)
            assert await heard(far) == rtp(1)
            for sequence in (10, 11, 13):  # one is lost
                far.sendto(rtp(sequence), outside)
                assert await heard(phone) == rtp(sequence)
            assert (relay.tally.packets_in, relay.tally.lost_in) == (3, 1)
            assert relay.calls == 1
            relay.do(parse(b"1 D a@b A B"))
            assert relay.calls == 0

    run(work)


def test_who_was_not_described_is_not_heard() -> None:
    async def work(relay: Relay) -> None:
        with wire(PHONE) as phone, wire(FAR) as far, wire("127.0.0.99") as stranger:
            outside, inside = joined(relay, phone, far)
            stranger.sendto(rtp(1), inside)
            stranger.sendto(rtp(1), outside)
            phone.sendto(rtp(2), inside)
            assert await heard(far) == rtp(2)
            far.sendto(b"no sound", outside)
            far.sendto(rtp(3), outside)
            assert await heard(phone) == rtp(3)

    run(work)


def test_a_flood_takes_no_more_than_sound_does() -> None:
    async def work(relay: Relay) -> None:
        with wire(PHONE) as phone, wire(FAR) as far:
            _, inside = joined(relay, phone, far)
            count = 2 * BURST_BYTES // 1000
            for sequence in range(count):
                phone.sendto(rtp(sequence, b"x" * 960), inside)
            await asyncio.sleep(0.1)
            came = 0
            with contextlib.suppress(BlockingIOError):
                for came in range(count):  # noqa: B007  what came is counted
                    far.recv(2000)
            assert 0 < came < count - 1

    run(work)


def test_a_call_by_way_of_the_platform_to_a_phone_here_takes_nothing_of_the_way() -> None:
    async def work(relay: Relay) -> None:
        north = place(relay.do(parse(f"1 UIE a@b {PHONE} 6000 A;1".encode())))
        assert relay.calls == 1
        south = place(relay.do(parse(f"1 UEI a@b {north[0]} {north[1]} A;1".encode())))
        back = place(relay.do(parse(f"1 LIE a@b {FAR} 6002 A;1 B;1".encode())))
        answer = place(relay.do(parse(f"1 LEI a@b {back[0]} {back[1]} A;1 B;1".encode())))
        assert (north[0], south[0], back[0], answer[0]) == (OUTSIDE, INSIDE, OUTSIDE, INSIDE)
        assert relay.calls == 0

    run(work)


def test_what_nobody_ends_ends_by_itself() -> None:
    async def work(relay: Relay) -> None:
        now = asyncio.get_running_loop().time()
        relay.do(parse(b"1 UIE rings 127.0.0.1 6000 A;1"))
        relay.do(parse(b"1 UIE up 127.0.0.1 6000 A;1"))
        relay.do(parse(b"1 LEI up 127.0.0.1 6000 A;1 B;1"))
        relay.expire(now + UNANSWERED_S + 1)
        assert relay.calls == 1
        relay.expire(now + SILENT_S + 1)
        assert relay.calls == 0

    run(work)


def test_there_is_an_end_to_what_it_holds() -> None:
    async def work(relay: Relay) -> None:
        for number in range(CALLS_MAX):
            relay._held[str(number)] = [relay._begin(parse(f"1 UIE {number} 127.0.0.1 6000 A;1".encode()))]  # type: ignore[list-item]
        assert relay.do(parse(b"1 UIE more 127.0.0.1 6000 A;1")).startswith("E")
        assert relay.do(parse(b"1 LEI none 127.0.0.1 6000 A;1 B;1")).startswith("E")

    run(work)
