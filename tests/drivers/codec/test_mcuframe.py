"""Frames to and from the microcontroller: vectors whole, byte by byte, truncated, noisy; here and in MicroPython."""

import random
import subprocess
from binascii import crc_hqx
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import mcuframe, mcuwords
from drivers.codec.mcuframe import FRAME_MAX, PAYLOAD_MAX, Decoder, cobs_decode, cobs_encode, crc16, encode
from hil.sim.mcuport import NOT_HERE, command, find

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests" / "vectors" / "mcu" / "frames.txt"
Vector = tuple[int, int, bytes, bytes]

IN_MICROPYTHON = """
import sys
import mcuframe, mcuwords
for line in sys.stdin:
    if line.startswith("#"):
        continue
    kind, sequence, payload, wire = line.split()
    wire = bytes.fromhex(wire)
    payload = b"" if payload == "-" else bytes.fromhex(payload)
    decoder = mcuframe.Decoder(mcuwords.LENGTHS)
    [found] = decoder.receive(wire)
    assert found == (int(kind, 16), int(sequence, 16), payload), line
    fields = mcuwords.unpack(found[0], payload)
    assert fields is not None and mcuwords.pack(found[0], *fields) == payload, line
    print(mcuframe.encode(*found).hex())
"""


def vectors() -> list[Vector]:
    found = []
    for line in VECTORS.read_text("ascii").splitlines():
        if not line.startswith("#"):
            kind, sequence, payload, wire = line.split()
            found.append((int(kind, 16), int(sequence, 16), bytes.fromhex(payload.strip("-")), bytes.fromhex(wire)))
    return found


@pytest.mark.parametrize(("kind", "sequence", "payload", "wire"), vectors())
def test_vectors(kind: int, sequence: int, payload: bytes, wire: bytes) -> None:
    assert encode(kind, sequence, payload) == wire
    assert len(wire) <= FRAME_MAX <= 128
    assert 0 not in wire[:-1]
    for size in (1, 2, len(wire)):
        decoder = Decoder(mcuwords.LENGTHS)
        found = [one for at in range(0, len(wire), size) for one in decoder.receive(wire[at : at + size])]
        assert found == [(kind, sequence, payload)]
    fields = mcuwords.unpack(kind, payload)
    assert fields is not None
    assert mcuwords.pack(kind, *fields) == payload


def test_truncated_and_followed() -> None:
    """What is cut anywhere costs itself and what it is joined with, never what comes after."""
    whole = encode(mcuwords.ASK, 9, b"")
    for *_, wire in vectors():
        for cut in range(1, len(wire) - 1):
            decoder = Decoder(mcuwords.LENGTHS)
            assert [one[1] for one in decoder.receive(wire[:cut] + b"\0" + whole)] == [9]
            assert decoder.bad == 1
            joined = Decoder(mcuwords.LENGTHS)
            assert [one[1] for one in joined.receive(wire[:cut] + whole + whole)] == [9]


def test_noise_between_is_passed_over_and_bounded() -> None:
    noise = random.Random(3)
    decoder = Decoder(mcuwords.LENGTHS)
    expected, stream = [], b""
    for kind, sequence, payload, wire in vectors():
        stream += bytes(noise.randrange(1, 256) for _ in range(noise.randrange(400))) + b"\0" + wire
        expected.append((kind, sequence, payload))
    assert decoder.receive(stream) == expected
    decoder.receive(b"\x55" * 100_000)
    assert len(decoder._held) < FRAME_MAX


@pytest.mark.skipif(find("micropython") is None, reason=NOT_HERE)
def test_the_same_in_micropython() -> None:
    done = subprocess.run(
        command("-c", IN_MICROPYTHON),
        input=VECTORS.read_text("ascii"),
        capture_output=True,
        text=True,
        timeout=30,
        env={"MICROPYPATH": str(ROOT / "drivers" / "codec")},
    )
    assert done.stderr == ""
    assert done.stdout.split() == [wire.hex() for *_, wire in vectors()]


@given(st.binary(max_size=600))
def test_cobs_is_its_own_way_back(data: bytes) -> None:
    there = cobs_encode(data)
    assert 0 not in there
    assert cobs_decode(there) == data
    assert len(there) <= len(data) + 1 + len(data) // 254


@given(st.binary(max_size=200))
def test_a_decoder_takes_anything(data: bytes) -> None:
    for kind, _, payload in Decoder(mcuwords.LENGTHS).receive(data):
        mcuwords.unpack(kind, payload)


@given(st.binary(max_size=200))
def test_crc_is_that_of_binascii(data: bytes) -> None:
    assert crc16(data) == crc_hqx(data, 0xFFFF)


def test_known_sums() -> None:
    assert crc16(b"123456789") == 0x29B1
    assert mcuframe.fletcher16(b"abcde") == 0xCDF1
    assert cobs_encode(bytes([1] * 254)) == bytes([255] + [1] * 254)


@pytest.mark.parametrize(("kind", "sequence", "size"), [(0, 1, 0), (256, 1, 0), (1, 256, 0), (1, 1, PAYLOAD_MAX + 1)])
def test_what_is_no_frame_is_not_made(kind: int, sequence: int, size: int) -> None:
    with pytest.raises(ValueError, match="type"):
        encode(kind, sequence, bytes(size))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (mcuwords.BEAT, (3, 0, 0, 0, 0)),
        (mcuwords.BEAT, (0, 0, 0, 2, 0)),
        (mcuwords.HALT, (9,)),
        (mcuwords.HALT, (601,)),
        (mcuwords.HELLO, (0, 1, 0, 0, 0, 0)),
        (mcuwords.TELEMETRY, (0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        (mcuwords.TELEMETRY, (0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0)),
        (mcuwords.ACK, (1, 1, 7)),
        (mcuwords.BEGIN, (1 << 19, 1, bytes(32))),
    ],
)
def test_fields_out_of_bounds_are_refused(kind: int, fields: tuple[int | bytes, ...]) -> None:
    assert mcuwords.unpack(kind, mcuwords.pack(kind, *fields)) is None


@pytest.mark.parametrize(("low", "high", "both"), [(1, 1, 1), (1, 9, 1), (2, 9, None)])
def test_agreed(low: int, high: int, both: int | None) -> None:
    assert mcuwords.agreed(low, high) == both
