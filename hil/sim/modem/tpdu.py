"""SMS as a service centre reads and writes it: 3GPP TS 23.040 §9.2 and the default alphabet of 23.038 §6.2.1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Submit", "TpduError", "address", "decode_text", "deliver", "deliver_text", "parse_submit", "status_report"]

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
ESCAPE = 0x1B
SEPTETS_MAX, SEPTETS_PART, UNITS_MAX, UNITS_PART = 160, 153, 70, 67
SERVICE_CENTRE = "+46705008999"
DELIVERED, EXPIRED = 0x00, 0x46
"""TP-ST, §9.2.3.15."""


class TpduError(ValueError):
    """A SUBMIT that is none; the text says where."""


@dataclass(frozen=True)
class Submit:
    """What a modem sent. `part`: reference, count, number of a part of several."""

    reference: int
    to: str
    report: bool
    coding: int
    text: str
    part: tuple[int, int, int] | None
    data: bytes  # from TP-PID on, but TP-VP: as it goes to the receiver
    udhi: bool


class _Octets:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int, what: str) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise TpduError(f"{what}: the message ends before it")
        self._at += count
        return taken

    def rest(self) -> bytes:
        return self._data[self._at :]


def parse_submit(tpdu: bytes) -> Submit:
    """A SMS-SUBMIT without the address of the centre (§9.2.2.2). Raises TpduError."""
    octets = _Octets(tpdu)
    first, reference, digits = octets.take(3, "TP-MTI, TP-MR, TP-DA")
    if first & 3 != 1:
        raise TpduError(f"TP-MTI {first & 3}: 1 (SUBMIT) expected")
    if digits > 20:
        raise TpduError(f"TP-DA of {digits} digits")
    kind = octets.take(1, "TP-DA")[0]
    to = _semi_octets(octets.take((digits + 1) // 2, "TP-DA"))[:digits]
    if kind & 0x70 == 0x10:
        to = "+" + to
    pid, coding = octets.take(2, "TP-PID, TP-DCS")
    octets.take({0: 0, 2: 1, 1: 7, 3: 7}[first >> 3 & 3], "TP-VP")
    length = octets.take(1, "TP-UDL")[0]
    rest = octets.rest()
    udhi = bool(first & 0x40)
    size = (length * 7 + 7) // 8 if _is_gsm7(coding) else length
    if len(rest) != size or size > 140:
        raise TpduError(f"TP-UDL {length} and {len(rest)} octets of TP-UD")
    text, part = decode_text(coding, length, rest, udhi=udhi)
    return Submit(reference, to, bool(first & 0x20), coding, text, part, bytes((pid, coding, length)) + rest, udhi)


def decode_text(coding: int, length: int, data: bytes, *, udhi: bool) -> tuple[str, tuple[int, int, int] | None]:
    """TP-UD as text, and which part of which message it is. Raises TpduError."""
    header = b""
    if udhi:
        if not data or data[0] + 1 > len(data):
            raise TpduError("TP-UDH is longer than TP-UD")
        header = data[1 : data[0] + 1]
    taken = len(header) + 1 if udhi else 0
    if _is_gsm7(coding):
        skip = (taken * 8 + 6) // 7
        return _from_septets(_unpack(data, length)[skip:]), _part(header)
    body = data[taken:]
    if coding & 0x0C == 0x08:
        try:
            return body.decode("utf-16-be"), _part(header)
        except UnicodeDecodeError as error:
            raise TpduError(f"TP-UD in UCS2: {error.reason}") from error
    return body.decode("latin-1"), _part(header)


def deliver(sender: str, when: datetime, offset_min: int, data: bytes, *, udhi: bool = False) -> bytes:
    """A SMS-DELIVER with the centre's address before it (§9.2.2.1). `data`: TP-PID, TP-DCS, TP-UDL and TP-UD."""
    first = 0x04 | (0x40 if udhi else 0)
    time = _timestamp(when, offset_min)
    return _centre() + bytes((first,)) + address(sender) + data[:2] + time + data[2:]


def deliver_text(sender: str, text: str, when: datetime, offset_min: int, reference: int) -> list[bytes]:
    """A text as one SMS-DELIVER or several parts; in the default alphabet where it can be."""
    septets = _to_septets(text)
    if septets is not None:
        parts = _cut_septets(septets)
        made = [_gsm7_data(part, reference, len(parts), number) for number, part in enumerate(parts, 1)]
    else:
        units = _cut_units(text)
        made = [_ucs2_data(part, reference, len(units), number) for number, part in enumerate(units, 1)]
    return [deliver(sender, when, offset_min, data, udhi=len(made) > 1) for data in made]


def status_report(submit: Submit, when: datetime, offset_min: int, status: int = DELIVERED) -> bytes:
    """A SMS-STATUS-REPORT with the centre's address before it (§9.2.2.3)."""
    time = _timestamp(when, offset_min)
    return _centre() + bytes((0x06, submit.reference)) + address(submit.to) + time + time + bytes((status,))


def address(number: str) -> bytes:
    """§9.1.2.5: digits, or a name (alphanumeric, 7 bits)."""
    digits = number.removeprefix("+")
    if digits and set(digits) <= set("0123456789*#"):
        swapped = {"*": "A", "#": "B"}
        text = "".join(swapped.get(digit, digit) for digit in digits)
        text += "F" * (len(text) % 2)
        octets = bytes(int(text[at + 1] + text[at], 16) for at in range(0, len(text), 2))
        return bytes((len(digits), 0x91 if number.startswith("+") else 0x81)) + octets
    septets = _to_septets(number[:11]) or []
    packed = _pack(septets)
    return bytes(((len(septets) * 7 + 3) // 4, 0xD0)) + packed


def _centre() -> bytes:
    made = address(SERVICE_CENTRE)
    return bytes((len(made) - 1,)) + made[1:]


def _is_gsm7(coding: int) -> bool:
    if coding & 0xF0 == 0xF0:
        return not coding & 0x04
    return coding & 0x0C in (0x00, 0x0C) and coding & 0x80 == 0


def _semi_octets(data: bytes) -> str:
    return "".join("0123456789*#abc?"[nibble] for octet in data for nibble in (octet & 15, octet >> 4))


def _unpack(data: bytes, count: int) -> list[int]:
    bits = int.from_bytes(data, "little")
    return [bits >> 7 * at & 0x7F for at in range(count)]


def _pack(septets: list[int], fill_bits: int = 0) -> bytes:
    bits = sum(septet << 7 * at for at, septet in enumerate(septets)) << fill_bits
    return bits.to_bytes((len(septets) * 7 + fill_bits + 7) // 8, "little")


def _from_septets(septets: list[int]) -> str:
    text, escaped = "", False
    for septet in septets:
        if escaped:
            text += EXTENSION.get(septet, BASIC[septet])
        elif septet != ESCAPE:
            text += BASIC[septet]
        escaped = septet == ESCAPE and not escaped
    return text


def _to_septets(text: str) -> list[int] | None:
    found: list[int] = []
    extension = {letter: code for code, letter in EXTENSION.items()}
    for letter in text:
        if letter in extension:
            found += [ESCAPE, extension[letter]]
        elif letter != "\x1b" and letter in BASIC:
            found.append(BASIC.index(letter))
        else:
            return None
    return found


def _cut_septets(septets: list[int]) -> list[list[int]]:
    if len(septets) <= SEPTETS_MAX:
        return [septets]
    parts = []
    while septets:
        size = SEPTETS_PART - (len(septets) > SEPTETS_PART and septets[SEPTETS_PART - 1] == ESCAPE)
        parts.append(septets[:size])
        septets = septets[size:]
    return parts


def _cut_units(text: str) -> list[str]:
    if len(text.encode("utf-16-be")) // 2 <= UNITS_MAX:
        return [text]
    parts, now, units = [], "", 0
    for letter in text:
        size = len(letter.encode("utf-16-be")) // 2
        if units + size > UNITS_PART:
            parts.append(now)
            now, units = "", 0
        now, units = now + letter, units + size
    return [*parts, now]


def _header(reference: int, count: int, number: int) -> bytes:
    return bytes((5, 0, 3, reference & 0xFF, count, number)) if count > 1 else b""


def _gsm7_data(septets: list[int], reference: int, count: int, number: int) -> bytes:
    header = _header(reference, count, number)
    fill = -len(header) * 8 % 7
    length = (len(header) * 8 + fill) // 7 + len(septets)
    return bytes((0, 0, length)) + header + _pack(septets, fill)


def _ucs2_data(text: str, reference: int, count: int, number: int) -> bytes:
    body = _header(reference, count, number) + text.encode("utf-16-be")
    return bytes((0, 8, len(body))) + body


def _part(header: bytes) -> tuple[int, int, int] | None:
    at = 0
    while at + 1 < len(header):
        kind, size = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + size]
        if kind == 0 and len(value) == 3:
            return value[0], value[1], value[2]
        if kind == 8 and len(value) == 4:
            return value[0] << 8 | value[1], value[2], value[3]
        at += 2 + size
    return None


def _timestamp(when: datetime, offset_min: int) -> bytes:
    """§9.2.3.11: local time, and quarters of an hour from GMT with their sign in bit 3."""
    local = when + timedelta(minutes=offset_min)
    quarters = abs(offset_min) // 15
    numbers = (local.year % 100, local.month, local.day, local.hour, local.minute, local.second, quarters)
    octets = bytearray((number % 10 << 4) | number // 10 for number in numbers)
    if offset_min < 0:
        octets[-1] |= 0x08
    return bytes(octets)
