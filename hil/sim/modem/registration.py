"""Where a modem stands with the network, and its commands (27.007 §7.2, §7.3, §8.5, §8.71, §10.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from hil.sim.modem.card import CardPart
from hil.sim.modem.faults import Fault
from hil.sim.modem.models import Family
from hil.sim.modem.request import OK, Answer, Form, Handler, Later, Reply, Request, cme
from hil.sim.modem.shared import Shared
from hil.sim.modem.timers import Timer

__all__ = ["Coverage", "Radio", "Registration"]

SEARCH_S = 12.0
"""What AT+COPS=? takes."""


class Coverage(StrEnum):
    """How the network takes a modem, and what of voice there is then."""

    HOME = "home"
    ROAMING = "roaming"
    VOLTE = "volte"  # no circuit-switched network, but voice by IMS
    LTE_ONLY = "lte_only"  # neither: no voice
    SMS_ONLY = "sms_only"
    CSFB_NOT_PREFERRED = "csfb_not_preferred"
    SEARCHING = "searching"
    DENIED = "denied"
    EMERGENCY = "emergency"  # limited service: 112 alone
    NONE = "none"  # no network at all


@dataclass(frozen=True)
class _Told:
    """`<stat>` of +CREG and of +CEREG; whether one can call, and in an emergency."""

    creg: int
    cereg: int
    voice: bool
    emergency: bool = True
    sms: bool = True


TOLD = {
    Coverage.HOME: _Told(1, 1, True),
    Coverage.ROAMING: _Told(5, 5, True),
    Coverage.VOLTE: _Told(3, 1, True),
    Coverage.LTE_ONLY: _Told(3, 1, False, emergency=False),
    Coverage.SMS_ONLY: _Told(6, 1, False),
    Coverage.CSFB_NOT_PREFERRED: _Told(9, 9, True),
    Coverage.SEARCHING: _Told(2, 2, False, sms=False),
    Coverage.DENIED: _Told(3, 3, False, sms=False),
    Coverage.EMERGENCY: _Told(8, 8, False, sms=False),
    Coverage.NONE: _Told(0, 0, False, emergency=False, sms=False),
}
ACT = {"gsm": 0, "umts": 2, "lte": 7}
"""`<AcT>`, 27.007 §7.3."""


@dataclass(frozen=True)
class Radio:
    """What there is to receive where the modem stands."""

    coverage: Coverage = Coverage.HOME
    technology: str = "lte"
    dbm: int = -71
    attach_s: float = 1.0
    operator: str = ""  # "": the network's own
    operator_name: str = ""


class Registration:
    """`radio` is the place; the state follows it, a moment later, while the radio is on."""

    def __init__(self, shared: Shared, card: CardPart, radio: Radio) -> None:
        self._shared, self._card, self.radio = shared, card, radio
        self.on = False  # the radio
        self.state = Coverage.NONE
        self.attached: list[Callable[[], None]] = []
        self.lost: list[Callable[[], None]] = []
        self._modes = {"+CREG": 0, "+CGREG": 0, "+CEREG": 0, "+CIREG": 0}
        self._format = 0
        self._timer: Timer | None = None
        card.unlocked.append(self._anew)

    def start(self) -> None:
        self.on = True
        self._anew()

    def stop(self) -> None:
        self.on = False
        self._modes = dict.fromkeys(self._modes, 0)
        self._anew()
        self._enter(Coverage.NONE)

    @property
    def served(self) -> bool:
        """Registered, whatever for."""
        return TOLD[self.state].sms

    @property
    def voice(self) -> bool:
        """Anybody can be called."""
        return TOLD[self.state].voice

    @property
    def emergency(self) -> bool:
        """112 can be called."""
        return TOLD[self.state].emergency

    @property
    def ims(self) -> bool:
        """Voice goes by IMS."""
        return self.state is Coverage.VOLTE

    def move(self, **changes: object) -> None:
        """The modem is elsewhere: another radio."""
        self.radio = replace(self.radio, **changes)  # type: ignore[arg-type]  # the rig's words, refused by replace
        self._shared.note("radio", coverage=str(self.radio.coverage))
        self._anew()

    def switch(self, on: bool) -> None:
        """AT+CFUN."""
        self.on = on
        self._anew()

    def commands(self) -> Mapping[str, Handler]:
        found: dict[str, Handler] = {
            **dict.fromkeys(self._modes, self._registration),
            "+COPS": self._cops,
            "+CSQ": lambda _request: Answer((f"+CSQ: {self._rssi()},99",)),
            "+CGATT": lambda _request: Answer((f"+CGATT: {int(self.served)}",)),
        }
        if self._shared.model.family is Family.SIMCOM:
            found |= {"+CPSI": self._cpsi, "+CNSMOD": self._cnsmod, "+AUTOCSQ": lambda _request: OK}
        if self._shared.model.family is Family.QUECTEL:
            found |= {"+QNWINFO": self._qnwinfo, "+QCSQ": self._qcsq, "+QCFG": self._qcfg}
        return found

    def _anew(self) -> None:
        """What is heard now is left at once; what is found is entered a moment later."""
        if self._timer is not None:
            self._timer.cancel()
        found = self.radio.coverage if self.on else Coverage.NONE
        if not self._card.ready:
            found = Coverage.EMERGENCY if TOLD[found].emergency else Coverage.NONE
        if found is self.state:
            return
        if TOLD[self.state].sms:
            self._enter(Coverage.SEARCHING if self.on else Coverage.NONE)
        self._timer = self._shared.timers.later(self.radio.attach_s, lambda: self._enter(found))

    def _enter(self, state: Coverage) -> None:
        was, self.state = self.state, state
        if was is state:
            return
        self._shared.note("registered", state=str(state))
        for name, mode in self._modes.items():
            if mode and self._stat(name) != self._stat(name, was):
                self._shared.say(f"{name}: {self._told(name, mode)}")
        if TOLD[state].sms and not TOLD[was].sms:
            for listener in tuple(self.attached):
                listener()
        elif TOLD[was].emergency and not TOLD[state].emergency:
            for listener in tuple(self.lost):
                listener()

    def _stat(self, name: str, state: Coverage | None = None) -> int:
        told = TOLD[self.state if state is None else state]
        if name == "+CIREG":
            return int((self.state if state is None else state) is Coverage.VOLTE)
        return told.creg if name == "+CREG" else told.cereg

    def _told(self, name: str, mode: int) -> str:
        stat = self._stat(name)
        if mode < 2 or name == "+CIREG" or stat not in (1, 5, 6, 9):
            return str(stat)
        act = ACT[self.radio.technology]
        if self._shared.faults.strikes(Fault.BROKEN_QUOTES):
            return f'{stat},"0B,"0100701",{act}'
        return f'{stat},"00A8","5355E8D",{act}'

    def _registration(self, request: Request) -> Reply:
        name = request.name
        if name == "+CIREG" and self._shared.model.family is not Family.GENERIC:
            return cme(4)
        if request.form is Form.TEST:
            return Answer((f"{name}: (0-2)",))
        if request.form is Form.READ:
            mode = self._modes[name]
            if self._shared.faults.strikes(Fault.PADDED):
                return Answer((f'{name}:{mode:03d},{self._stat(name):03d},"18d8","ffff"',))
            return Answer((f"{name}: {mode},{self._told(name, mode)}",))
        self._modes[name] = request.number(0)
        return OK

    def _operator(self) -> tuple[str, str]:
        settings = self._shared.network.settings
        return self.radio.operator or settings.operator, self.radio.operator_name or settings.operator_name

    def _cops(self, request: Request) -> Reply:
        code, name = self._operator()
        if request.form is Form.TEST:
            line = f'+COPS: (2,"{name}","{name}","{code}",7),,(0-4),(0-2)'
            return Later(SEARCH_S, lambda: Answer((line,)))
        if request.form is Form.READ:
            if not self.served:
                return Answer(("+COPS: 0",))
            shown = code if self._format == 2 else name
            return Answer((f'+COPS: 0,{self._format},"{shown}",{ACT[self.radio.technology]}',))
        mode = request.number(0)
        if mode == 3:
            self._format = request.number(1)
        elif mode in (0, 2):
            self.switch(mode == 0)
        return OK

    def _rssi(self) -> int:
        """27.007 §8.5: 0–31, 99 not known."""
        if self.state is Coverage.NONE:
            return 99
        return max(0, min(31, (self.radio.dbm + 113) // 2))

    def _cpsi(self, request: Request) -> Reply:
        if not self.served:
            return Answer(("+CPSI: NO SERVICE,Online",))
        code, _ = self._operator()
        place = f"{code[:3]}-{code[3:]}"
        if self.radio.technology == "lte":
            return Answer((f"+CPSI: LTE,Online,{place},0x2616,232435201,257,EUTRAN-BAND3,1602,5,5,-94,-850,-545,15",))
        word = {"gsm": "GSM", "umts": "WCDMA"}[self.radio.technology]
        return Answer((f"+CPSI: {word},Online,{place},0x2616,16223,27,EGSM 900,-62,0,34-34",))

    def _cnsmod(self, request: Request) -> Reply:
        if request.form is not Form.READ:
            return OK
        number = {"gsm": 1, "umts": 4, "lte": 8}[self.radio.technology] if self.served else 0
        return Answer((f"+CNSMOD: 0,{number}",))

    def _qnwinfo(self, request: Request) -> Reply:
        if not self.served:
            return Answer(("+QNWINFO: No Service",))
        words = {
            "gsm": ("EDGE", "GSM 900", 62),
            "umts": ("HSPA+", "WCDMA 2100", 10713),
            "lte": ("FDD LTE", "LTE BAND 3", 1602),
        }
        act, band, channel = words[self.radio.technology]
        return Answer((f'+QNWINFO: "{act}","{self._operator()[0]}","{band}",{channel}',))

    def _qcsq(self, request: Request) -> Reply:
        return Answer(
            (f'+QCSQ: "LTE",{self.radio.dbm},{self.radio.dbm - 20},207,-14' if self.served else '+QCSQ: "NOSERVICE"',)
        )

    def _qcfg(self, request: Request) -> Reply:
        if request.arg(0) == "ims" and len(request.args) == 1:
            return Answer((f'+QCFG: "ims",1,{int(self.ims)}',))
        return OK
