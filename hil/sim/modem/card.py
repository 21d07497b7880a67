"""The SIM card: PIN, PUK, who it is, and its commands (27.007 §5, §7.1, §8.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hil.sim.modem.faults import Fault
from hil.sim.modem.models import Family
from hil.sim.modem.request import OK, Answer, Form, Handler, Reply, Request, cme
from hil.sim.modem.shared import Shared

__all__ = ["Card", "CardPart"]

PIN_TRIES, PUK_TRIES = 3, 10
BUSY_S = 6.0
"""So long a card may say that it is busy after the start."""
ABSENT, NEEDS_PIN, NEEDS_PUK, BUSY, WRONG = cme(10), cme(11), cme(12), cme(14), cme(16)


@dataclass
class Card:
    """A SIM card, which remembers its tries without power. `pin`: "" is none asked for."""

    number: str = "+46701000001"
    imsi: str = "240010000000001"
    iccid: str = "89460100000000000018"
    pin: str = ""
    puk: str = "12345678"
    present: bool = True
    tells_number: bool = True
    pin_tries: int = PIN_TRIES
    puk_tries: int = PUK_TRIES


class CardPart:
    """The card in its modem."""

    def __init__(self, shared: Shared, card: Card) -> None:
        self._shared, self.card = shared, card
        self._open = False
        self._busy_until = 0.0
        self.unlocked: list[Callable[[], None]] = []

    @property
    def ready(self) -> bool:
        """It is there and needs no code."""
        return self.card.present and (not self.card.pin or self._open) and self.card.pin_tries > 0

    def refusal(self) -> Answer | None:
        """What a command that needs the card hears instead; None: the card is ready."""
        if not self.card.present:
            return ABSENT
        if self._shared.timers.now() < self._busy_until:
            return BUSY
        if self.ready:
            return None
        return NEEDS_PUK if self.card.pin_tries <= 0 else NEEDS_PIN

    def start(self) -> None:
        busy = self._shared.faults.strikes(Fault.SIM_BUSY)
        self._busy_until = self._shared.timers.now() + (BUSY_S if busy else 0.0)

    def stop(self) -> None:
        self._open = False

    def commands(self) -> Mapping[str, Handler]:
        found: dict[str, Handler] = {
            "+CPIN": self._cpin,
            "+CIMI": self._imsi,
            "+CCID": self._iccid("+CCID"),
            "+CNUM": self._cnum,
            "+CPINR": self._cpinr,
            "+CLCK": self._clck,
        }
        if self._shared.model.family is Family.SIMCOM:
            return {**found, "+CICCID": self._iccid("+ICCID"), "+SPIC": self._spic}
        if self._shared.model.family is Family.QUECTEL:
            return {**found, "+QCCID": self._iccid("+QCCID"), "+QPINC": self._qpinc, "+QSIMSTAT": self._qsimstat}
        return found

    def insert(self, present: bool) -> None:
        """The card is put in, or taken out."""
        self.card.present = present
        self._open = False
        self._shared.note("card", present=present)
        if self._shared.model.family is Family.QUECTEL:
            self._shared.say(f"+QUSIM: {int(present)}")
        self._shared.say(f"+CPIN: {self._state() if present else 'NOT INSERTED'}")
        self._changed()

    def _changed(self) -> None:
        for listener in self.unlocked:
            listener()

    def _state(self) -> str:
        if self.card.pin_tries <= 0:
            return "SIM PUK"
        return "READY" if self.ready else "SIM PIN"

    def _cpin(self, request: Request) -> Reply:
        if request.form is Form.TEST:
            return OK
        refusal = self.refusal()
        if refusal in (ABSENT, BUSY):
            return refusal
        if request.form is Form.READ:
            return Answer((f"+CPIN: {self._state()}",))
        if request.form is not Form.SET or self.ready:
            return cme(3)
        return self._unblock(request) if self.card.pin_tries <= 0 else self._enter(request.arg(0))

    def _enter(self, pin: str) -> Reply:
        right = pin == self.card.pin
        self.card.pin_tries = PIN_TRIES if right else self.card.pin_tries - 1
        self._shared.note("pin", right=right, left=self.card.pin_tries)
        if not right:
            return WRONG if self.card.pin_tries else NEEDS_PUK
        self._open = True
        return Answer(then=self._opened)

    def _unblock(self, request: Request) -> Reply:
        right = request.arg(0) == self.card.puk and len(request.args) == 2
        self._shared.note("puk", right=right)
        if not right:
            self.card.puk_tries -= 1
            return WRONG
        self.card.pin, self.card.pin_tries, self._open = request.arg(1), PIN_TRIES, True
        return Answer(then=self._opened)

    def _opened(self) -> None:
        self._shared.say("+CPIN: READY")
        self._changed()

    def _imsi(self, request: Request) -> Reply:
        return self.refusal() or Answer((self.card.imsi,))

    def _iccid(self, name: str) -> Handler:
        return lambda _request: Answer((f"{name}: {self.card.iccid}",)) if self.card.present else ABSENT

    def _cnum(self, request: Request) -> Reply:
        refusal = self.refusal()
        if refusal is not None:
            return refusal
        number = self.card.number if self.card.tells_number else ""
        return Answer((f'+CNUM: "","{number}",145',)) if number else Answer(('+CNUM: "Subscriber Number",,145',))

    def _cpinr(self, request: Request) -> Reply:
        if self._shared.model.family is Family.QUECTEL:
            return cme(4)
        return Answer((f"+CPINR: SIM PIN,{self.card.pin_tries},{PIN_TRIES}",)) if self.card.present else ABSENT

    def _spic(self, request: Request) -> Reply:
        return Answer((f"+SPIC: {self.card.pin_tries},{self.card.puk_tries},3,10",)) if self.card.present else ABSENT

    def _qpinc(self, request: Request) -> Reply:
        if not self.card.present:
            return ABSENT
        return Answer((f'+QPINC: "SC",{self.card.pin_tries},{self.card.puk_tries}', '+QPINC: "P2",3,10'))

    def _qsimstat(self, request: Request) -> Reply:
        return Answer((f"+QSIMSTAT: 0,{int(self.card.present)}",))

    def _clck(self, request: Request) -> Reply:
        if request.arg(0) != "SC" or request.number(1) != 2:
            return cme(4)
        return self.refusal() or Answer((f"+CLCK: {int(bool(self.card.pin))}",))
