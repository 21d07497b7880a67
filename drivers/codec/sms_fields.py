"""What messages of TS 23.040 are made of: addresses, times, user data with its header and alphabet.

A text is read from its *units* (septets, or octets of UTF-16), so that what another sender has cut within a letter is
whole again when its parts are joined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

from drivers.codec import gsm7

__all__ = [
    "ALPHANUMERIC",
    "CODINGS",
    "INTERNATIONAL",
    "PARTS_MAX",
    "USER_DATA_MAX",
    "Address",
    "Alphabet",
    "Concatenation",
    "Octets",
    "PduError",
    "UserData",
    "alphabet_for",
    "read_address",
    "read_moment",
    "read_user_data",
    "stamp",
    "text_of",
    "utf16",
]

USER_DATA_MAX = 140
"""Octets of TP-UD (§9.2.3.24)."""
ADDRESS_MAX = 20
"""Semi-octets of an address's value (§9.1.2.5)."""
PARTS_MAX = 255
"""Of one message: the count is an octet (§9.2.3.24.1)."""

INTERNATIONAL, UNKNOWN_NUMBER, ALPHANUMERIC = 0x91, 0x81, 0xD0
"""Types of address: ISDN numbering plan; a name of up to eleven letters (§9.1.2.5)."""

_CONCATENATED_8, _CONCATENATED_16 = 0x00, 0x08
_DIGITS = "0123456789*#abc"
_NUMBER = re.compile(r"\+?[0-9*#abc]{1,20}", re.ASCII)


class PduError(ValueError):
    """The peer's bytes are no such message; `field` is the standard's name of what is wrong."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


class Alphabet(StrEnum):
    GSM7 = "gsm7"
    DATA = "data"
    UCS2 = "ucs2"  # in fact UTF-16, as every phone has it


@dataclass(frozen=True, slots=True)
class Address:
    """Who sends or receives. `number` is E.164 with its plus where `kind` is INTERNATIONAL, a name where it is
    ALPHANUMERIC, else the digits as they are."""

    number: str
    kind: int = INTERNATIONAL

    @classmethod
    def of(cls, number: str) -> Address:
        """Of a number as people write it: with a plus it is international. Raises ValueError for what is none."""
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"{number[:40]!r}: no number that a message can be sent to")
        return cls(number, INTERNATIONAL if number.startswith("+") else UNKNOWN_NUMBER)

    @property
    def is_name(self) -> bool:
        """Whether nothing can be sent there."""
        return self.kind & 0x70 == ALPHANUMERIC & 0x70

    def to_bytes(self) -> bytes:
        if self.is_name:
            septets = gsm7.encode(self.number)
            return bytes([(len(septets) * 7 + 3) // 4, self.kind]) + gsm7.pack(septets)
        digits = self.number.removeprefix("+")
        return bytes([len(digits), self.kind]) + _semi_octets(digits)


@dataclass(frozen=True, slots=True)
class Concatenation:
    """One part of several: `number` of `total`, from 1. `wide`: the reference has 16 bits."""

    reference: int
    total: int
    number: int
    wide: bool = False

    def to_bytes(self) -> bytes:
        """Its information element (§9.2.3.24.1, .8)."""
        if self.wide:
            return bytes([_CONCATENATED_16, 4, self.reference >> 8, self.reference & 0xFF, self.total, self.number])
        return bytes([_CONCATENATED_8, 3, self.reference, self.total, self.number])


@dataclass(frozen=True, slots=True)
class UserData:
    """TP-UD: `units` are septets (GSM7) or octets. `elements` are the other information elements of its header."""

    alphabet: Alphabet
    units: bytes
    concatenation: Concatenation | None = None
    elements: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def of(cls, text: str) -> UserData:
        """The whole text, by the alphabet that it needs; whether it has room is seen when it is written."""
        alphabet = alphabet_for(text)
        return cls(alphabet, gsm7.encode(text) if alphabet is Alphabet.GSM7 else utf16(text))

    @property
    def text(self) -> str:
        """What is to be read, as far as this part has it; "" of data."""
        return text_of((self,))

    def to_bytes(self) -> bytes:
        """TP-UDL and TP-UD. Raises ValueError where they have no room."""
        header = b"".join(bytes([name, len(value)]) + value for name, value in self.elements)
        if self.concatenation:
            header = self.concatenation.to_bytes() + header
        if header:
            header = bytes([len(header)]) + header
        if self.alphabet is Alphabet.GSM7:
            before, fill = _header_septets(len(header))
            length, octets = before + len(self.units), header + gsm7.pack(self.units, fill)
        else:
            octets = header + self.units
            length = len(octets)
        if len(octets) > USER_DATA_MAX:
            raise ValueError(f"TP-UD: {len(octets)} octets; {USER_DATA_MAX} at the most")
        return bytes([length]) + octets


def alphabet_for(text: str) -> Alphabet:
    """GSM7 where that has each letter, else UCS2."""
    return Alphabet.UCS2 if any(gsm7.septets_of(letter) is None for letter in text) else Alphabet.GSM7


def utf16(text: str) -> bytes:
    """Octets of UCS2. A surrogate without its other half, which no text of ours has, becomes a mark of doubt."""
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace").encode("utf-16-be")


def text_of(parts: tuple[UserData, ...]) -> str:
    """The text of parts in their order, also where a sender has cut it within a letter."""
    text, at = "", 0
    while at < len(parts):
        end = at
        while end < len(parts) and parts[end].alphabet is parts[at].alphabet:
            end += 1
        units = b"".join(part.units for part in parts[at:end])
        match parts[at].alphabet:
            case Alphabet.GSM7:
                text += gsm7.decode(units)
            case Alphabet.UCS2:
                text += units.decode("utf-16-be", "replace")
        at = end
    return text


class Octets:
    """Octets that are taken from the front, field by field."""

    def __init__(self, octets: bytes) -> None:
        self._rest = octets

    def take(self, count: int, field: str) -> bytes:
        if len(self._rest) < count:
            raise PduError(field, f"{count} octets wanted, {len(self._rest)} there")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def one(self, field: str) -> int:
        return self.take(1, field)[0]


def read_address(octets: Octets, field: str) -> Address:
    length = octets.one(field)
    if length > ADDRESS_MAX:
        raise PduError(field, f"{length} semi-octets; {ADDRESS_MAX} at the most")
    kind = octets.one(field)
    value = octets.take((length + 1) // 2, field)
    if not kind & 0x80:
        raise PduError(field, f"type of address {kind:#04x}")
    if kind & 0x70 == ALPHANUMERIC & 0x70:
        return Address(gsm7.decode(gsm7.unpack(value, length * 4 // 7)), kind)
    nibbles = [nibble for octet in value for nibble in (octet & 0xF, octet >> 4)][:length]
    if 0xF in nibbles:
        raise PduError(field, "a filler among its digits")
    digits = "".join(_DIGITS[nibble] for nibble in nibbles)
    return Address("+" + digits if kind & 0x70 == INTERNATIONAL & 0x70 and digits else digits, kind)


def read_user_data(octets: Octets, coding: int, *, header: bool) -> UserData:
    alphabet = _alphabet(coding)
    length = octets.one("TP-UDL")
    count = gsm7.packed_octets(length) if alphabet is Alphabet.GSM7 else length
    if count > USER_DATA_MAX:
        raise PduError("TP-UDL", f"{count} octets; {USER_DATA_MAX} at the most")
    data = octets.take(count, "TP-UD")
    concatenation, elements, before = _header(data) if header else (None, (), 0)
    if alphabet is Alphabet.GSM7:
        septets, fill = _header_septets(before)
        if septets > length:
            raise PduError("TP-UDHL", "longer than TP-UD")
        units = gsm7.unpack(data[before:], length - septets, fill)
    else:
        units = data[before:]
        if alphabet is Alphabet.UCS2 and len(units) % 2:
            raise PduError("TP-UD", f"{len(units)} octets of UCS2")
    return UserData(alphabet, units, concatenation, elements)


def _header(data: bytes) -> tuple[Concatenation | None, tuple[tuple[int, bytes], ...], int]:
    """Concatenation, the other elements, and how many octets of TP-UD the header takes (§9.2.3.24)."""
    octets = Octets(data)
    length = octets.one("TP-UDHL")
    rest = Octets(octets.take(length, "TP-UDHL"))
    concatenation, others, read = None, [], 0
    while read < length:
        name, size = rest.one("TP-UDH"), rest.one("TP-UDH")
        value = rest.take(size, "TP-UDH")
        read += 2 + size
        if (name, size) in ((_CONCATENATED_8, 3), (_CONCATENATED_16, 4)):
            # Of two the last one counts; one that is impossible is passed over (§9.2.3.24.1).
            total, number = value[-2:]
            if 1 <= number <= total:
                reference = int.from_bytes(value[:-2], "big")
                concatenation = Concatenation(reference, total, number, wide=name == _CONCATENATED_16)
        else:
            others.append((name, value))
    return concatenation, tuple(others), length + 1


def _header_septets(octets: int) -> tuple[int, int]:
    """How many septets a header of so many octets takes, and the bits that fill the last of them."""
    septets = (octets * 8 + 6) // 7
    return septets, septets * 7 - octets * 8


def _alphabet(coding: int) -> Alphabet:
    """Of TP-DCS (3GPP TS 23.038 §4). What is reserved is the default alphabet."""
    group = coding >> 4
    if group < 0b1000:
        if coding & 0x20:
            raise PduError("TP-DCS", "compressed")
        return (Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2, Alphabet.GSM7)[coding >> 2 & 0b11]
    if group == 0b1110:
        return Alphabet.UCS2
    return Alphabet.DATA if group == 0b1111 and coding & 0x04 else Alphabet.GSM7


CODINGS = {Alphabet.GSM7: 0x00, Alphabet.DATA: 0x04, Alphabet.UCS2: 0x08}


def _semi_octets(digits: str) -> bytes:
    nibbles = [_DIGITS.index(digit) for digit in digits] + [0xF] * (len(digits) % 2)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def read_moment(stamp: bytes) -> datetime | None:
    """A time of the service centre (§9.2.3.11); None where it is none."""
    tens = [octet & 0xF for octet in stamp]
    ones = [octet >> 4 for octet in stamp]
    zone = (tens[6] & 0b0111) * 10 + ones[6]
    try:
        if max(*ones, *tens[:6]) > 9:
            return None
        year, month, day, hour, minute, second = (ten * 10 + one for ten, one in zip(tens[:6], ones[:6], strict=True))
        away = timedelta(minutes=15 * (-zone if tens[6] & 0b1000 else zone))
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=timezone(away)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stamp(moment: datetime | None) -> bytes:
    if moment is None:
        return bytes(7)
    away = moment.utcoffset() or timedelta()
    quarters = round(away / timedelta(minutes=15))
    parts = (moment.year % 100, moment.month, moment.day, moment.hour, moment.minute, moment.second, abs(quarters))
    stamp = bytearray(one // 10 | (one % 10) << 4 for one in parts)
    stamp[6] |= 0b1000 if quarters < 0 else 0
    return bytes(stamp)
