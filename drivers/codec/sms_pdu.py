"""Short messages as modems take and give them: SMS-SUBMIT, SMS-DELIVER and SMS-STATUS-REPORT (3GPP TS 23.040 §9.2.2).

`parse` reads what a modem shows (`+CMT`, `+CMGR`, `+CMGL`, `+CDS`), which has the service centre's address first.
What is refused raises PduError, which names the field as the standard does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drivers.codec.sms_fields import (
    CODINGS,
    Address,
    Octets,
    PduError,
    UserData,
    read_address,
    read_moment,
    read_user_data,
    stamp,
)

__all__ = ["PDU_MAX", "DeliverPdu", "Fate", "PduError", "StatusReportPdu", "SubmitPdu", "parse"]

PDU_MAX = 200
"""Octets of what a modem shows: 12 of the service centre's address, 164 of the longest TPDU, and some over."""


class Fate(StrEnum):
    """What TP-Status says of a message (§9.2.3.15)."""

    DELIVERED = "delivered"
    TRYING = "trying"
    FAILED = "failed"
    UNKNOWN = "unknown"  # handed on, or replaced, without anybody knowing whether it came


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPdu:
    """To be sent. `reference` (TP-MR) most modems choose themselves. `validity`: how long the centre tries, rounded
    down to what can be said; None: as long as it does by itself. `reject_duplicates` (TP-RD): the centre is asked to
    refuse one with the same reference and receiver as it still has."""

    to: Address
    user: UserData
    reference: int = 0
    report: bool = False
    validity: timedelta | None = None
    reject_duplicates: bool = False
    protocol: int = 0

    def to_bytes(self) -> bytes:
        """The TPDU. Raises ValueError where the text has no room."""
        header = self.user.concatenation is not None or bool(self.user.elements)
        first = 0x01 | self.reject_duplicates << 2 | self.report << 5 | header << 6
        validity = b""
        if self.validity is not None:
            first |= 0b10 << 3
            validity = bytes([_validity_octet(self.validity)])
        coding = bytes([self.protocol, CODINGS[self.user.alphabet]])
        return bytes([first, self.reference]) + self.to.to_bytes() + coding + validity + self.user.to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverPdu:
    """One that came. `sent_at` is the service centre's clock (TP-SCTS), None where that is no time."""

    sender: Address
    user: UserData
    sent_at: datetime | None
    protocol: int = 0

    def to_bytes(self) -> bytes:
        """The TPDU; a time that is not known is written as zeros."""
        header = self.user.concatenation is not None or bool(self.user.elements)
        coding = bytes([self.protocol, CODINGS[self.user.alphabet]])
        return (
            bytes([0x04 | header << 6]) + self.sender.to_bytes() + coding + stamp(self.sent_at) + self.user.to_bytes()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReportPdu:
    """What became of one that was sent: `reference` is its TP-MR, `to` its receiver, `sent_at` when the centre took it,
    `ended_at` when it was done with. `status` is TP-ST as it stands."""

    reference: int
    to: Address
    sent_at: datetime | None
    ended_at: datetime | None
    status: int

    @property
    def fate(self) -> Fate:
        if self.status in (0x01, 0x02):
            return Fate.UNKNOWN
        if self.status < 0x20:
            return Fate.DELIVERED
        return Fate.TRYING if self.status < 0x40 else Fate.FAILED  # what is reserved is a service refused

    def to_bytes(self) -> bytes:
        """The TPDU."""
        times = stamp(self.sent_at) + stamp(self.ended_at)
        return bytes([0x06, self.reference]) + self.to.to_bytes() + times + bytes([self.status])


def parse(pdu: bytes) -> DeliverPdu | SubmitPdu | StatusReportPdu:
    """What a modem shows of a message. Raises PduError."""
    if len(pdu) > PDU_MAX:
        raise PduError("PDU", f"longer than {PDU_MAX} octets")
    octets = Octets(pdu)
    octets.take(octets.one("SCA"), "SCA")
    first = octets.one("TP-MTI")
    match first & 0b11:
        case 0b00:
            return _deliver(first, octets)
        case 0b01:
            return _submit(first, octets)
        case 0b10:
            return _status_report(octets)
    raise PduError("TP-MTI", "reserved")


def _deliver(first: int, octets: Octets) -> DeliverPdu:
    sender = read_address(octets, "TP-OA")
    protocol, coding = octets.one("TP-PID"), octets.one("TP-DCS")
    sent_at = read_moment(octets.take(7, "TP-SCTS"))
    user = read_user_data(octets, coding, header=bool(first & 0x40))
    return DeliverPdu(sender=sender, user=user, sent_at=sent_at, protocol=protocol)


def _submit(first: int, octets: Octets) -> SubmitPdu:
    reference = octets.one("TP-MR")
    to = read_address(octets, "TP-DA")
    protocol, coding = octets.one("TP-PID"), octets.one("TP-DCS")
    validity = None
    match first >> 3 & 0b11:
        case 0b10:
            validity = _validity(octets.one("TP-VP"))
        case 0b01 | 0b11:
            octets.take(7, "TP-VP")  # enhanced or absolute, which nothing of ours writes
    user = read_user_data(octets, coding, header=bool(first & 0x40))
    return SubmitPdu(
        to=to, user=user, reference=reference, report=bool(first & 0x20), validity=validity,
        reject_duplicates=bool(first & 0x04), protocol=protocol,
    )  # fmt: skip


def _status_report(octets: Octets) -> StatusReportPdu:
    reference = octets.one("TP-MR")
    to = read_address(octets, "TP-RA")
    sent_at, ended_at = read_moment(octets.take(7, "TP-SCTS")), read_moment(octets.take(7, "TP-DT"))
    return StatusReportPdu(
        reference=reference, to=to, sent_at=sent_at, ended_at=ended_at, status=octets.one("TP-ST")
    )  # what may follow is optional (§9.2.3.26)


_FIVE_MINUTES, _HALF_HOUR = timedelta(minutes=5), timedelta(minutes=30)
_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)


def _validity(octet: int) -> timedelta:
    """TP-VP, relative (§9.2.3.12.1)."""
    if octet <= 143:
        return (octet + 1) * _FIVE_MINUTES
    if octet <= 167:
        return timedelta(hours=12) + (octet - 143) * _HALF_HOUR
    return (octet - 166) * _DAY if octet <= 196 else (octet - 192) * _WEEK


def _validity_octet(validity: timedelta) -> int:
    """The longest that is not longer; five minutes are the least."""
    return next((octet for octet in range(255, 0, -1) if _validity(octet) <= validity), 0)
