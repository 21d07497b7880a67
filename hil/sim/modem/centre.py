"""The network's service centre: SMS kept until they can be delivered, reports, USSD, the balance, the time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from hil.sim.modem.faults import Fault, Faults
from hil.sim.modem.network import Network, normal
from hil.sim.modem.phones import Phone
from hil.sim.modem.tpdu import EXPIRED, Submit, deliver, deliver_text, status_report

__all__ = ["Centre", "Receiver"]

BARRED = 28
"""Cause (24.011 §E-2): an unknown subscriber; said where there is nothing left to pay with, too."""
WAITING_MAX = 1000
"""SMS for one number that is not there; more are refused."""
BALANCE_CODE = "*100#"


class Receiver(Protocol):
    """A modem, to which SMS are delivered."""

    number: str

    def take(self, pdu: bytes, *, report: bool) -> bool:
        """A DELIVER or a STATUS-REPORT; False: not now, keep it."""


class Centre:
    """`began`: what the network's clock says at the start."""

    def __init__(self, network: Network, began: datetime | None = None) -> None:
        self.network = network
        self._began = began or datetime.now(UTC)
        self._zero = network.timers.now()
        self.offset_min = 60
        self.wrong_by_s = 0.0
        self.balances: dict[str, float] = {}
        self.ussd: dict[str, str] = {}
        self.delivered: list[tuple[str, str, str]] = []  # from, to, text
        self._receivers: dict[str, Receiver] = {}
        self._waiting: dict[str, list[tuple[bytes, bool, Callable[[], None]]]] = {}
        self._references = itertools.count(1)

    def time(self) -> datetime:
        """What the network says UTC is."""
        elapsed = self.network.timers.now() - self._zero + self.wrong_by_s
        return self._began + timedelta(seconds=elapsed)

    def join(self, receiver: Receiver) -> None:
        """SMS to its number come to it."""
        self._receivers[receiver.number] = receiver

    def submit(self, sender: str, submit: Submit, faults: Faults) -> int | None:
        """Take an SMS; None, or the cause of a refusal (24.011 §E-2)."""
        settings, note = self.network.settings, self.network.history.note
        balance = self.balances.get(sender)
        if balance is not None and balance < settings.price:
            return BARRED
        if balance is not None:
            self.balances[sender] = balance - settings.price
        to = normal(submit.to, settings.country)
        note("sms_out", caller=sender, to=to, text=submit.text, reference=submit.reference, part=submit.part)
        if faults.strikes(Fault.SMS_LOST):
            return None
        times = 2 if faults.strikes(Fault.SMS_TWICE) else 1
        reports = 0 if not submit.report or faults.strikes(Fault.REPORT_LOST) else 1
        if reports and faults.strikes(Fault.REPORT_TWICE):
            reports = 2

        def reported() -> None:
            for _ in range(reports):
                self._later(settings.report_s, lambda: self._report(sender, submit))

        for _ in range(times):
            self._later(settings.sms_s, lambda: self._arrived(sender, to, submit, reported))
        return None

    def send(self, sender: str, to: str, text: str) -> int:
        """From outside to a modem; how many parts it has."""
        pdus = deliver_text(sender, text, self.time(), self.offset_min, next(self._references))
        for pdu in pdus:
            self.send_pdu(to, pdu)
        return len(pdus)

    def send_pdu(self, to: str, pdu: bytes) -> None:
        """A DELIVER as it is, with the centre's address before it."""
        self.network.history.note("sms_in", to=to, pdu=pdu.hex().upper())
        self._hand(to, pdu, report=False, done=lambda: None)

    def attached(self, number: str) -> None:
        """A modem is there, or has room, again: what waits for it is tried."""
        waiting, self._waiting[number] = self._waiting.get(number, []), []
        for pdu, report, done in waiting:
            self._hand(number, pdu, report=report, done=done)

    def asked(self, number: str, code: str) -> str | None:
        """The answer to a USSD code; None: there is no such service."""
        if code in self.ussd:
            return self.ussd[code]
        if code == BALANCE_CODE:
            return f"Ditt saldo: {self.balances.get(number, 100.0):.2f} kr"
        return None

    def _arrived(self, sender: str, to: str, submit: Submit, done: Callable[[], None]) -> None:
        if to in self._receivers:
            pdu = deliver(sender, self.time(), self.offset_min, submit.data, udhi=submit.udhi)
            self._hand(to, pdu, report=False, done=done)
            return
        found = self.network.find(to)
        if isinstance(found, Phone):
            found.inbox.append(submit.text)
            self.delivered.append((sender, to, submit.text))
            self.network.history.note("sms_delivered", caller=sender, to=to, text=submit.text)
            done()
        elif submit.report:
            self._later(self.network.settings.report_s, lambda: self._report(sender, submit, EXPIRED))

    def _report(self, sender: str, submit: Submit, status: int = 0) -> None:
        pdu = status_report(submit, self.time(), self.offset_min, status)
        self.network.history.note("sms_report", to=sender, reference=submit.reference, status=status)
        self._hand(sender, pdu, report=True, done=lambda: None)

    def _hand(self, to: str, pdu: bytes, *, report: bool, done: Callable[[], None]) -> None:
        receiver = self._receivers.get(to)
        if receiver is not None and receiver.take(pdu, report=report):
            done()
            return
        waiting = self._waiting.setdefault(to, [])
        if len(waiting) < WAITING_MAX:
            waiting.append((pdu, report, done))

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self.network.timers.later(seconds, do)
