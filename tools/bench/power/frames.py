"""Whether a spoilt frame of the microcontroller is ever taken for a whole one.

Three frames in a row, of real types and lengths; the wire between them is spoilt in one of the ways of `_SPOIL`,
and whatever the decoder gives that was not sent is unnoticed. Beside it, what the CRC alone would have let through:
that is why a frame has a second sum."""

from __future__ import annotations

import random
from collections.abc import Callable

from drivers.codec import mcuwords as words
from drivers.codec.mcuframe import Decoder, cobs_decode, cobs_encode, crc16, encode
from tools.bench.figures import Class, Figure, Goal, Scalar

__all__ = ["measure"]

UNNOTICED_GOAL = Goal(0)
FULL, QUICK = 100_000, 4_000
SEED = 7
TOLD_EVERY = 20_000
Frame = tuple[int, int, bytes]
Chance = random.Random


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Half a minute, with `quick` two seconds."""
    wanted = QUICK if quick else FULL
    tell(f"{wanted:,} spoilt frames")
    chance = Chance(SEED)
    spoilt = unnoticed = by_crc = 0
    while spoilt < wanted:
        sent = [_frame(chance) for _ in range(3)]
        wires = [encode(*frame) for frame in sent]
        wire = chance.choice(_SPOIL)(wires, chance)
        decoder = Decoder(words.LENGTHS)
        found = decoder.receive(wire + b"\0")
        if found == sent:
            continue  # a zero more or less between frames spoils none
        spoilt += 1
        unnoticed += not _in_order(found, sent)
        by_crc += any(_crc_alone(piece, wires) for piece in wire.split(b"\0"))
        if spoilt % TOLD_EVERY == 0:
            tell(f"{spoilt:,} spoilt, {unnoticed} unnoticed, {by_crc} had the CRC been alone")
    of = Class.SIMULATED
    return [
        Figure("mcu_bad_frames_unnoticed", unnoticed, spoilt, "mcu_bad_frames", of, UNNOTICED_GOAL),
        Figure("mcu_bad_frames_past_crc_alone", by_crc, spoilt, "mcu_bad_frames", of),
    ], {"mcu_bad_frames_are": "bits flipped, bursts, bytes lost, added and swapped, frames cut, joined and spliced"}


def _frame(chance: Chance) -> Frame:
    kind = chance.choice((words.TELEMETRY, words.BEAT, words.CHUNK, words.ACK, words.ENTRY, words.HALT))
    least, most = words.LENGTHS[kind]
    payload = bytes(chance.choice((0, chance.randrange(256))) for _ in range(chance.choice((least, most))))
    return kind, chance.randrange(256), payload


def _in_order(found: list[Frame], sent: list[Frame]) -> bool:
    left = iter(sent)
    return all(frame in left for frame in found)


def _crc_alone(piece: bytes, wires: list[bytes]) -> bool:
    """Whether this is none of what was sent, and has a right CRC."""
    if piece + b"\0" in wires:
        return False
    body = cobs_decode(piece)
    return body is not None and len(body) > 2 and crc16(body[:-2]) == int.from_bytes(body[-2:], "big")


def _bits(wires: list[bytes], chance: Chance) -> bytes:
    wire = bytearray(b"".join(wires))
    for _ in range(chance.randint(1, 6)):
        wire[chance.randrange(len(wire))] ^= 1 << chance.randrange(8)
    return bytes(wire)


def _burst(wires: list[bytes], chance: Chance) -> bytes:
    """Noise that knows no zero byte, as long as a frame: the frame's ends stay, which is the worst."""
    middle = bytearray(wires[1])
    at = chance.randrange(len(middle) - 1)
    for place in range(at, min(len(middle) - 1, at + chance.randint(3, 60))):
        middle[place] = chance.randint(1, 255)
    return wires[0] + bytes(middle) + wires[2]


def _fields(wires: list[bytes], chance: Chance) -> bytes:
    """Within the payload alone: header, length and COBS stay right, so that the sums stand alone."""
    body = bytearray(cobs_decode(wires[1][:-1]) or b"")
    for place in range(3, len(body) - 4):
        if chance.random() < 0.7:
            body[place] = chance.randrange(256)
    return wires[0] + cobs_encode(bytes(body)) + b"\0" + wires[2]


def _lost(wires: list[bytes], chance: Chance) -> bytes:
    wire = b"".join(wires)
    at = chance.randrange(len(wire))
    return wire[:at] + wire[at + chance.randint(1, 20) :]


def _added(wires: list[bytes], chance: Chance) -> bytes:
    wire = b"".join(wires)
    at = chance.randrange(len(wire))
    return wire[:at] + chance.randbytes(chance.randint(1, 20)) + wire[at:]


def _swapped(wires: list[bytes], chance: Chance) -> bytes:
    wire = bytearray(b"".join(wires))
    one, other = chance.randrange(len(wire)), chance.randrange(len(wire))
    wire[one], wire[other] = wire[other], wire[one]
    return bytes(wire)


def _joined(wires: list[bytes], chance: Chance) -> bytes:
    cut = chance.randint(1, len(wires[0]) - 1)
    return wires[0][:cut] + wires[1] + wires[2]


def _spliced(wires: list[bytes], chance: Chance) -> bytes:
    """The beginning of one with the end of another."""
    return wires[0][: chance.randrange(len(wires[0]))] + wires[1][chance.randrange(len(wires[1])) :] + wires[2]


_SPOIL = (_bits, _burst, _burst, _fields, _fields, _lost, _added, _swapped, _joined, _spliced)
