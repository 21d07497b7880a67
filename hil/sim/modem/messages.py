"""A modem's SMS and USSD: 27.005 in PDU mode, and +CUSD (27.007 §7.15)."""

from __future__ import annotations

from collections.abc import Mapping

from hil.sim.modem.card import CardPart
from hil.sim.modem.faults import Fault
from hil.sim.modem.models import Family
from hil.sim.modem.registration import Registration
from hil.sim.modem.request import OK, Answer, Form, Handler, Later, Prompt, Reply, Request, cme, cms
from hil.sim.modem.shared import Shared
from hil.sim.modem.tpdu import SERVICE_CENTRE, Submit, TpduError, parse_submit

__all__ = ["CAPACITY", "Messages"]

CAPACITY = 30
"""Places of the memory for SMS."""
TPDU_MAX = 176
SLOW_SMS_S = 14.4
USSD_S = 1.0
FULL, BAD_PDU, BAD_INDEX, NO_NETWORK, TEXT_MODE, OUT_OF_ORDER = map(cms, (322, 304, 321, 331, 303, 38))
UNREAD, READ, ALL = 0, 1, 4


class Messages:
    """The memory of SMS (in the modem: kept without power), and what is told when one comes."""

    def __init__(self, shared: Shared, card: CardPart, registration: Registration) -> None:
        self._shared, self._card, self._registration = shared, card, registration
        self.number = card.card.number
        self.places: dict[int, tuple[int, bytes]] = {}  # place → state and PDU
        self._cnmi = (0, 0, 0)
        self._reference = 0
        self._pdu_mode = True
        self._service_centre = SERVICE_CENTRE
        self._told: set[int] = set()
        shared.centre.join(self)

    def start(self) -> None:
        self._registration.attached.append(lambda: self._shared.centre.attached(self.number))

    def stop(self) -> None:
        self._cnmi = (0, 0, 0)

    def take(self, pdu: bytes, *, report: bool) -> bool:
        if not self._registration.served or not self._card.ready:
            return False
        return self._take_report(pdu) if report else self._take_message(pdu)

    def commands(self) -> Mapping[str, Handler]:
        return {
            "+CMGF": self._cmgf,
            "+CNMI": self._cnmi_set,
            "+CPMS": self._cpms,
            "+CSMS": lambda _request: Answer(("+CSMS: 1,1,1",)),
            "+CSCA": self._csca,
            "+CMGS": self._cmgs,
            "+CMGL": self._cmgl,
            "+CMGR": self._cmgr,
            "+CMGD": self._cmgd,
            "+CUSD": self._cusd,
            **dict.fromkeys(("+CMMS", "+CNMA", "+CSDH", "+CGSMS", "+CSMP", "+CSCB"), lambda _request: OK),
        }

    def _take_message(self, pdu: bytes) -> bool:
        length = len(pdu) - 1 - pdu[0]
        if self._cnmi[1] == 2:
            self._shared.say(f"+CMT: ,{length}\r\n{pdu.hex().upper()}")
            return True
        place = next((place for place in range(CAPACITY) if place not in self.places), None)
        if place is None:
            return False
        self.places[place] = (UNREAD, pdu)
        self._shared.note("sms_stored", place=place)
        if self._cnmi[1] == 1:
            minus = self._shared.faults.strikes(Fault.CMTI_MINUS)
            self._shared.say(f'+CMTI: "SM",{-1 if minus else place}')
        return True

    def _take_report(self, pdu: bytes) -> bool:
        if self._shared.faults.strikes(Fault.CDSI_EMPTY):
            self._shared.say('+CDSI: "SM",0')
        elif self._cnmi[2] == 1:
            self._shared.say(f"+CDS: {len(pdu) - 1 - pdu[0]}\r\n{pdu.hex().upper()}")
        return True

    def _cmgf(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"+CMGF: {int(not self._pdu_mode)}",))
        if request.form is Form.SET:
            self._pdu_mode = request.number(0) == 0
        return OK

    def _cnmi_set(self, request: Request) -> Reply:
        if request.form is Form.TEST:
            return Answer(("+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)",))
        if request.form is Form.READ:
            return Answer(("+CNMI: {},{},0,{},0".format(*self._cnmi),))
        mode, message, report = request.number(0), request.number(1), request.number(3)
        if mode not in (0, 1, 2) or message not in (0, 1, 2, 3) or report not in (0, 1, 2):
            return cms(302)
        self._cnmi = (mode, message, report)
        return OK

    def _cpms(self, request: Request) -> Reply:
        used = f"{len(self.places)},{CAPACITY}"
        if request.form is Form.READ:
            return Answer(("+CPMS: " + ",".join(f'"ME",{used}' for _ in range(3)),))
        if request.form is Form.TEST:
            return Answer(('+CPMS: ("ME","MT","SM"),("ME","MT","SM"),("ME","MT","SM")',))
        return Answer((f"+CPMS: {used},{used},{used}",))

    def _csca(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return self._card.refusal() or Answer((f'+CSCA: "{self._service_centre}",145',))
        self._service_centre = request.arg(0, SERVICE_CENTRE)
        return OK

    def _cmgs(self, request: Request) -> Reply:
        if not self._pdu_mode:
            return TEXT_MODE
        length = request.number(0)
        if not 8 <= length <= TPDU_MAX:
            return BAD_PDU
        refusal = self._card.refusal()
        return refusal or Prompt(lambda text: self._written(text, length))

    def _written(self, text: str, length: int) -> Reply:
        try:
            whole = bytes.fromhex(text.strip())
            tpdu = whole[1 + whole[0] :] if whole else b""
            submit = parse_submit(tpdu)
        except ValueError as error:
            reason = str(error) if isinstance(error, TpduError) else "no hex"
            self._shared.note("bad_pdu", pdu=text[:400], reason=reason)
            return BAD_PDU
        if len(tpdu) != length:
            self._shared.note("bad_pdu", pdu=text[:400], reason=f"{len(tpdu)} octets, {length} said")
            return BAD_PDU
        slow = self._shared.faults.strikes(Fault.SLOW_SMS)
        return Later(SLOW_SMS_S if slow else self._shared.model.cmgs_s, lambda: self._sent(submit))

    def _sent(self, submit: Submit) -> Reply:
        if not self._registration.served:
            return NO_NETWORK
        if self._shared.faults.strikes(Fault.SMS_ERROR):
            return OUT_OF_ORDER
        self._reference = self._reference % 255 + 1
        numbered = Submit(**{**vars(submit), "reference": self._reference})
        refused = self._shared.centre.submit(self.number, numbered, self._shared.faults)
        return Answer((f"+CMGS: {self._reference}",)) if refused is None else cms(refused)

    def _cmgl(self, request: Request) -> Reply:
        wanted = request.number(0, UNREAD)
        lines: list[str] = []
        for place, (state, pdu) in sorted(self.places.items()):
            if wanted in (state, ALL):
                lines += [f"+CMGL: {place},{state},,{len(pdu) - 1 - pdu[0]}", pdu.hex().upper()]
                self.places[place] = (READ, pdu)
        return Answer(tuple(lines))

    def _cmgr(self, request: Request) -> Reply:
        found = self.places.get(request.number(0))
        if found is None:
            return BAD_INDEX if self._shared.model.family is not Family.QUECTEL else OK
        state, pdu = found
        self.places[request.number(0)] = (READ, pdu)
        return Answer((f"+CMGR: {state},,{len(pdu) - 1 - pdu[0]}", pdu.hex().upper()))

    def _cmgd(self, request: Request) -> Reply:
        if request.form is Form.TEST:
            return Answer(("+CMGD: (0-29),(0-4)",))
        if request.number(1) == ALL:
            self.places.clear()
        else:
            self.places.pop(request.number(0), None)
        return Answer(then=lambda: self._shared.centre.attached(self.number))

    def _cusd(self, request: Request) -> Reply:
        if request.form is not Form.SET or not request.arg(1):
            return OK
        if not self._registration.served:
            return cme(30)
        answer = self._shared.centre.asked(self.number, request.arg(1))
        text = "+CUSD: 4" if answer is None else f'+CUSD: 0,"{answer}",15'
        return Answer(then=lambda: self._say_later(text))

    def _say_later(self, text: str) -> None:
        self._shared.timers.later(USSD_S, lambda: self._shared.say(text))
