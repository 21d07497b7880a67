"""The commands of sound: SIMCom's +CPCMREG, Quectel's +QPCMV (their manuals; what goes wrong with them: faults.py)."""

from __future__ import annotations

from collections.abc import Mapping

from hil.sim.modem.calls import Calls
from hil.sim.modem.faults import Fault
from hil.sim.modem.models import Family
from hil.sim.modem.pcm import Pcm
from hil.sim.modem.request import ERROR, OK, Answer, Form, Handler, Reply, Request
from hil.sim.modem.shared import Shared

__all__ = ["SoundPart"]

ERRORS_TO_SILENCE = 3
"""So many errors of a degraded +CPCMREG since the start, and there is no sound at all."""
NARROW_HZ, WIDE_HZ = 8000, 16000


class SoundPart:
    """Whether the modem carries sound over its port, and at which rate."""

    def __init__(self, shared: Shared, calls: Calls, pcm: Pcm) -> None:
        self._shared, self._calls, self._pcm = shared, calls, pcm
        self._uses = self._errors = 0
        self._failed = False
        self._way = 0

    def start(self) -> None:
        self._uses = self._errors = 0
        self._failed = False

    def stop(self) -> None:
        self._pcm.stop()

    def commands(self) -> Mapping[str, Handler]:
        if self._shared.model.family is Family.SIMCOM:
            return {"+CPCMREG": self._cpcmreg, "+CPCMFRM": self._cpcmfrm, "+CPCMBANDWIDTH": self._cpcmbandwidth}
        if self._shared.model.family is Family.QUECTEL:
            return {"+QPCMV": self._qpcmv}
        return {}

    def _cpcmreg(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"+CPCMREG: {int(self._pcm.on)}",))
        if request.form is not Form.SET:
            return OK
        if request.number(0) == 0:
            self._pcm.switch(False)
            return OK
        if self._calls.active is None or self._pcm.on:
            return ERROR
        if not self._failed and self._uses > 0 and self._shared.faults.strikes(Fault.PCM_DEGRADES):
            self._failed = True
            self._errors += 1
            self._pcm.choppy, self._pcm.mute = True, self._errors >= ERRORS_TO_SILENCE
            return ERROR
        self._failed = False
        self._uses += 1
        self._pcm.switch(True)
        return OK

    def _cpcmfrm(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"+CPCMFRM: {int(self._pcm.rate_hz == WIDE_HZ)}",))
        if self._pcm.on:
            return ERROR
        self._pcm.rate_hz = WIDE_HZ if request.number(0) else NARROW_HZ
        return OK

    def _cpcmbandwidth(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"+CPCMBANDWIDTH: {int(self._pcm.rate_hz == NARROW_HZ)},0",))
        if self._pcm.on:
            return ERROR
        self._pcm.rate_hz = NARROW_HZ if request.number(0) == 1 else WIDE_HZ
        return OK

    def _qpcmv(self, request: Request) -> Reply:
        if request.form is Form.TEST:
            return Answer(("+QPCMV: (0,1),(0-2)",))
        if request.form is Form.READ:
            return Answer((f"+QPCMV: {int(self._pcm.on)},{self._way}",))
        on = request.number(0) != 0
        self._way = request.number(1, self._way)
        if on and self._way == 1:
            return ERROR  # the debug UART is not led out
        self._pcm.switch(on)
        return OK
