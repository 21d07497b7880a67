"""What every modem has: echo, errors, who it is, power, the clock (V.250 §6; 27.007 §5, §8, §9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hil.sim.modem.faults import Fault
from hil.sim.modem.line import Line
from hil.sim.modem.models import Family
from hil.sim.modem.registration import Registration
from hil.sim.modem.request import ERROR, OK, Answer, Form, Handler, Reply, Request
from hil.sim.modem.shared import Shared

__all__ = ["General"]

IMEI = "861234050000019"
TAKEN = ("X", "L", "M", "&W", "&C", "&D", "+IPR", "+IFC", "+CSCS", "+CMUT", "+CLVL", "+CVHU", "+CRC1", "+CGDCONT")
"""Answered OK, and nothing comes of it."""
WRONG_TIMES = ("80/01/06,00:00:12+00", "XX/XX/XX,XX:XX:XX+XX", "15/02/30,20:30:40-32", "24/13/01,00:00:00+04")
NO_TIME = "80/01/06,00:00:07+00"
"""What a modem's clock says until the network has told it."""
WORDS = {3: "operation not allowed", 4: "operation not supported", 10: "SIM not inserted", 14: "SIM busy"}
"""27.007 §9.2.1, after AT+CMEE=2; what is not here is "unknown"."""


class General:
    """The modem's own settings."""

    def __init__(self, shared: Shared, registration: Registration, line: Line) -> None:
        self._shared, self._registration, self._line = shared, registration, line
        self._errors = 0
        self._tells_zone = self._knows_time = False

    def start(self) -> None:
        self._registration.attached.append(self._tell_time)

    def stop(self) -> None:
        self._errors, self._tells_zone, self._knows_time = 0, False, False
        self._registration.attached.clear()

    def worded(self, final: str) -> str:
        """A final result as +CMEE has it."""
        if not final.startswith("+CME ERROR: ") or self._errors == 1:
            return final
        return "ERROR" if self._errors == 0 else f"+CME ERROR: {WORDS.get(int(final[12:]), 'unknown')}"

    def commands(self) -> Mapping[str, Handler]:
        model = self._shared.model
        found: dict[str, Handler] = {
            **dict.fromkeys(TAKEN, lambda _request: OK),
            "E": self._echo,
            "V": self._verbose,
            "Z": self._fresh,
            "&F": self._fresh,
            "I": lambda _request: Answer((model.manufacturer, model.product, f"Revision: {model.firmware}")),
            "+CMEE": self._cmee,
            "+CGMI": lambda _request: Answer((model.manufacturer,)),
            "+CGMM": lambda _request: Answer((model.product,)),
            "+CGMR": lambda _request: Answer((self._firmware(),)),
            "+CGSN": lambda _request: Answer((IMEI,)),
            "+GSN": lambda _request: Answer((IMEI,)),
            "+CCLK": self._cclk,
            "+CTZU": lambda _request: OK,
            "+CTZR": self._ctzr,
            "+CFUN": self._cfun,
        }
        if model.family is Family.SIMCOM:
            found |= {"+CRESET": self._reset, "+CPOF": self._reset, "+CLTS": self._ctzr}
        if model.family is Family.QUECTEL:
            found |= {"+QPOWD": self._reset, "+QLTS": self._qlts}
        return found

    def _firmware(self) -> str:
        firmware = self._shared.model.firmware
        return f"+CGMR: {firmware}" if self._shared.model.family is Family.SIMCOM else firmware

    def _echo(self, request: Request) -> Reply:
        if not self._shared.faults.strikes(Fault.ECHO_STAYS):
            self._line.echo = request.number(0) != 0
        return OK

    def _verbose(self, request: Request) -> Reply:
        self._line.verbose = request.number(0) != 0
        return OK

    def _fresh(self, request: Request) -> Reply:
        self._line.echo, self._line.verbose = True, True
        self._errors = 0
        return OK

    def _cmee(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"+CMEE: {self._errors}",))
        self._errors = request.number(0)
        return OK if self._errors in (0, 1, 2) else ERROR

    def _reset(self, request: Request) -> Reply:
        return Answer(then=self._shared.reset)

    def _cfun(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"+CFUN: {1 if self._registration.on else 4}",))
        if request.form is not Form.SET:
            return OK
        if request.number(1) == 1:
            return Answer(then=self._shared.reset)
        self._registration.switch(request.number(0) == 1)
        return OK

    def _now(self) -> datetime:
        return self._shared.centre.time() + timedelta(minutes=self._shared.centre.offset_min)

    def _clock_text(self) -> str:
        if self._shared.faults.strikes(Fault.NITZ_WRONG):
            return self._shared.faults.random.choice(WRONG_TIMES)
        if not self._knows_time:
            return NO_TIME
        return f"{self._now():%y/%m/%d,%H:%M:%S}{self._shared.centre.offset_min // 15:+03d}"

    def _cclk(self, request: Request) -> Reply:
        if request.form is not Form.READ:
            return OK
        return Answer((f'+CCLK: "{self._clock_text()}"',))

    def _qlts(self, request: Request) -> Reply:
        if not self._registration.served:
            return Answer(('+QLTS: ""',))
        century = "20" + self._clock_text()
        return Answer((f'+QLTS: "{century},1"',))

    def _ctzr(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"{request.name}: {int(self._tells_zone)}",))
        self._tells_zone = request.number(0) > 0
        return OK

    def _tell_time(self) -> None:
        """NITZ comes with registration."""
        self._knows_time = True
        if not self._tells_zone:
            return
        quarters = self._shared.centre.offset_min // 15
        if self._shared.model.family is Family.SIMCOM:
            now = self._shared.centre.time()
            if self._shared.faults.strikes(Fault.NITZ_WRONG):
                now = datetime(1980, 1, 6, tzinfo=UTC)
            told = f"{now.year},{now.month},{now.day},{now.hour},{now.minute},{now.second}"
            self._shared.say(f'*PSUTTZ: {told},"{quarters:+d}",0')
        self._shared.say(
            f"+CTZV: {quarters:+d},0" if self._shared.model.family is Family.SIMCOM else f"+CTZV: {quarters:+03d}"
        )
