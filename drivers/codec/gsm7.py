"""The GSM 7 bit default alphabet, its extension table, and how septets lie in octets (3GPP TS 23.038 §6.1.2, §6.2.1).

A *septet* is a byte below 128; text in this alphabet is `bytes` of septets until it is packed.
"""

from __future__ import annotations

__all__ = ["ESCAPE", "decode", "encode", "pack", "packed_octets", "septets_of", "unpack"]

ESCAPE = 0x1B

_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_SEPTETS = {
    **{letter: bytes([code]) for code, letter in enumerate(_ALPHABET) if code != ESCAPE},
    **{letter: bytes([ESCAPE, code]) for code, letter in _EXTENSION.items()},
}


def septets_of(letter: str) -> bytes | None:
    """The one or two septets of a letter, which belong together; None: the alphabet has none."""
    return _SEPTETS.get(letter)


def encode(text: str) -> bytes:
    """The septets of a text. Raises ValueError naming the first letter that the alphabet lacks."""
    found = [_SEPTETS.get(letter) for letter in text]
    if None in found:
        raise ValueError(f"{text[found.index(None)]!r}: not in the GSM 7 bit alphabet")
    return b"".join(found)  # type: ignore[arg-type]


def decode(septets: bytes) -> str:
    """The text of septets. Each is some letter: one that the extension table lacks is the basic table's, an escape
    that nothing of ours follows is a space (§6.2.1.1, note 1)."""
    letters = []
    rest = iter(septets)
    for code in rest:
        if code != ESCAPE:
            letters.append(_ALPHABET[code])
            continue
        following = next(rest, ESCAPE)
        letters.append(" " if following == ESCAPE else _EXTENSION.get(following, _ALPHABET[following]))
    return "".join(letters)


def packed_octets(septets: int, fill: int = 0) -> int:
    """How many octets so many septets take behind `fill` bits."""
    return (septets * 7 + fill + 7) // 8


def pack(septets: bytes, fill: int = 0) -> bytes:
    """Septets into octets, the least significant bit first, behind `fill` bits of zero (§6.1.2.1.1)."""
    bits = 0
    for place, septet in enumerate(septets):
        bits |= septet << (7 * place + fill)
    return bits.to_bytes(packed_octets(len(septets), fill), "little")


def unpack(octets: bytes, count: int, fill: int = 0) -> bytes:
    """The first `count` septets behind `fill` bits. Raises ValueError where there are fewer octets than that takes."""
    if len(octets) < packed_octets(count, fill):
        raise ValueError(f"{count} septets need {packed_octets(count, fill)} octets; there are {len(octets)}")
    bits = int.from_bytes(octets, "little") >> fill
    return bytes(bits >> (7 * place) & 0x7F for place in range(count))
