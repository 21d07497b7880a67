"""A modem's calls: dialling, answering, ending, keys, and how each model tells of them.

27.007 §6 (ATD, +CHUP, +CRC, +VTS is in Annex C), §7.6 +CLIP, §7.7 +CLIR, §7.13 +CHLD, §7.18 +CLCC; SIMCom: VOICE CALL,
MISSED_CALL, +RXDTMF; Quectel: +QIND: "ccinfo", ^DSCI, +QHUP, +QTONEDET.
"""

from __future__ import annotations

from collections.abc import Mapping

from hil.sim.modem.calllines import ENDS, ModemCall, Stat, ccinfo, clcc, clip, dsci, missed
from hil.sim.modem.card import CardPart
from hil.sim.modem.faults import Fault
from hil.sim.modem.models import Family
from hil.sim.modem.network import EMERGENCY, Call, Cause, Stage
from hil.sim.modem.pcm import Pcm
from hil.sim.modem.registration import Registration
from hil.sim.modem.request import ERROR, OK, Answer, Form, Handler, Later, Reply, Request, Silence, cme
from hil.sim.modem.shared import Shared

__all__ = ["Calls"]

NO_NETWORK = cme(30)
DIAL_LETTERS = set("0123456789*#+ABC")
DIAL_MAX = 40
CALLS_MAX = 7
PHANTOM_LINE = '+CLCC: 1,1,0,1,0,"",128'
DROP_S = 3.0
KEYS = "0123456789*#ABCD"


class Calls:
    """All calls of a modem; it is a :class:`~hil.sim.modem.network.Party`."""

    def __init__(self, shared: Shared, registration: Registration, card: CardPart, pcm: Pcm) -> None:
        self._shared, self._registration, self._card, self._pcm = shared, registration, card, pcm
        self.number = card.card.number
        self.calls: list[ModemCall] = []
        self._clear_settings()
        shared.network.join(self)
        pcm.joined(self._speak, self._hear)

    def _clear_settings(self) -> None:
        self._clip = self._crc = self._push = self._ccinfo = self._dsci = self._tones = self._ring_urc = False
        self._clir = 0
        self._last_cause = Cause.NORMAL
        if self._shared.model.family is Family.QUECTEL:
            self._ring_urc = True

    def start(self) -> None:
        self._registration.lost.append(lambda: self._end_all(Cause.OUT_OF_ORDER))

    def stop(self) -> None:
        self._end_all(Cause.TEMPORARY, silently=True)
        self._registration.lost.clear()
        self._clear_settings()

    @property
    def active(self) -> ModemCall | None:
        """The call that is up."""
        return next((held for held in self.calls if held.stat == Stat.ACTIVE), None)

    @property
    def _sounding(self) -> ModemCall | None:
        """The call that has the sound."""
        early = (Stat.DIALING, Stat.ALERTING) if self._shared.model.early_sound else ()
        return self.active or next((held for held in self.calls if held.stat in early), None)

    # A party of the network

    def reachable(self) -> bool:
        return self._registration.voice

    def arrives(self, call: Call) -> None:
        if len(self.calls) >= CALLS_MAX or any(held.stat in (Stat.INCOMING, Stat.WAITING) for held in self.calls):
            call.release(Cause.BUSY)
            return
        number = "" if call.withheld else call.caller.number
        if number and self._shared.faults.strikes(Fault.HEX_NUMBER):
            number = number[:-4] + "ABCA"
        stat = Stat.WAITING if self.calls else Stat.INCOMING
        held = ModemCall(self._free_index(), call, False, stat, number, call.withheld)
        self.calls.append(held)
        call.ring()
        self._tell_change(held)
        self._ring(held)

    def moved(self, call: Call) -> None:
        held = self._held(call)
        if held is None:
            return
        if call.stage is Stage.RINGING and held.outgoing:
            held.stat = Stat.ALERTING
            self._tell_change(held)
        elif call.stage is Stage.ACTIVE:
            self._activated(held)
        elif call.stage is Stage.ENDED:
            self._ended(held)

    def key(self, call: Call, digit: str) -> None:
        if not self._tones or self._held(call) is None:
            return
        family = self._shared.model.family
        if family is Family.SIMCOM:
            self._shared.say(f"+RXDTMF: {digit}")
        elif family is Family.QUECTEL:
            self._shared.say(f"+QTONEDET: {ord(digit)}")

    def speak(self, call: Call, samples: int, rate_hz: int) -> bytes:
        return self._pcm.said(samples)

    def hear(self, call: Call, sound: bytes, rate_hz: int) -> None:
        """It asks the other modem itself, at its own clock."""

    # Commands

    def commands(self) -> Mapping[str, Handler]:
        found: dict[str, Handler] = {
            "D": self._dial,
            "A": self._answer,
            "H": self._hang_up,
            "+CHUP": self._hang_up,
            "+CHLD": self._chld,
            "+CLCC": self._clcc,
            "+VTS": self._vts,
            "+VTD": lambda _request: OK,
            "+CLIP": self._flag("_clip"),
            "+CRC": self._flag("_crc"),
            "+CLIR": self._clir_set,
            "+CEER": self._ceer,
            **dict.fromkeys(("S", "S0", "+COLP", "+CSSN", "+CCWA", "+CMOD", "+CVMOD"), lambda _request: OK),
        }
        if self._shared.model.family is Family.SIMCOM:
            found |= {"+DDET": self._flag("_tones")}
        if self._shared.model.family is Family.QUECTEL:
            found |= {
                "+QHUP": self._qhup,
                "+QINDCFG": self._qindcfg,
                "+QTONEDET": self._flag("_tones"),
                "^DSCI": self._flag("_dsci"),
            }
        return found

    def _flag(self, name: str) -> Handler:
        def set_or_tell(request: Request) -> Reply:
            if request.form is Form.READ:
                return Answer((f"{request.name}: {int(getattr(self, name))}",))
            if request.form is Form.SET:
                setattr(self, name, request.number(0) != 0)
            return OK

        return set_or_tell

    def _dial(self, request: Request) -> Reply:
        text = request.raw.strip()
        if not text.endswith(";"):
            return Answer(final="NO CARRIER")  # a data call, which nobody offers
        text = text[:-1]
        withheld = self._clir == 1
        if text[-1:] in ("I", "i"):
            text, withheld = text[:-1], text[-1] == "I"
        for prefix, hides in (("#31#", True), ("*31#", False)):
            if text.startswith(prefix):
                text, withheld = text[len(prefix) :], hides
        if not text or len(text) > DIAL_MAX or set(text) - DIAL_LETTERS:
            return ERROR
        self._shared.note("atd", number=text)
        emergency = text in EMERGENCY
        if not (self._registration.emergency if emergency else self._registration.voice):
            return NO_NETWORK if self._shared.model.family is not Family.GENERIC else Answer(final="NO CARRIER")
        if not emergency and (refusal := self._card.refusal()) is not None:
            return refusal
        if any(held.stat in (Stat.DIALING, Stat.ALERTING) for held in self.calls) or len(self.calls) >= CALLS_MAX:
            return cme(3)
        for held in self.calls:
            held.stat = Stat.HELD if held.stat == Stat.ACTIVE else held.stat
        call = self._shared.network.dial(self, text, withheld=withheld)
        held = ModemCall(self._free_index(), call, True, Stat.DIALING, text)
        self.calls.append(held)
        if self._shared.faults.strikes(Fault.REJECT):
            self._shared.timers.later(0.3, lambda: call.release(Cause.NETWORK_OUT_OF_ORDER))
        return Answer(then=lambda: self._dialled(held))

    def _dialled(self, held: ModemCall) -> None:
        self._tell_change(held)
        if self._shared.model.early_sound:
            self._pcm.call_began()

    def _answer(self, request: Request) -> Reply:
        ringing = next((held for held in self.calls if held.stat == Stat.INCOMING), None)
        if ringing is None:
            return Answer(final="NO CARRIER")
        return Answer(then=ringing.call.accept)

    def _hang_up(self, request: Request) -> Reply:
        def done() -> Reply:
            for held in tuple(self.calls):
                if held.stat != Stat.WAITING:
                    held.call.release()
            return OK

        return Later(self._shared.model.hang_up_s, done)

    def _qhup(self, request: Request) -> Reply:
        if self._shared.faults.strikes(Fault.QHUP_RESETS):
            self._shared.timers.later(1.0, self._shared.reset)
            return Silence()
        return self._hang_up(request)

    def _chld(self, request: Request) -> Reply:
        if request.form is Form.TEST:
            return Answer(("+CHLD: (0,1,1x,2,2x,3)",))
        what = request.arg(0)
        if what == "0":
            self._end_those(Stat.HELD, Stat.WAITING)
        elif what == "1":
            self._end_those(Stat.ACTIVE)
            self._take_waiting()
        elif len(what) == 2 and what[0] == "1":
            self._end_index(int(what[1]))
        elif what == "2":
            for held in self.calls:
                swapped = {Stat.ACTIVE: Stat.HELD, Stat.HELD: Stat.ACTIVE}
                held.stat = swapped.get(held.stat, held.stat)
            self._take_waiting()
        else:
            return cme(3)
        return OK

    def _end_those(self, *stats: int) -> None:
        for held in [held for held in self.calls if held.stat in stats]:
            held.call.release()

    def _end_index(self, index: int) -> None:
        for held in [held for held in self.calls if held.index == index]:
            held.call.release()

    def _take_waiting(self) -> None:
        waiting = next((held for held in self.calls if held.stat == Stat.WAITING), None)
        if waiting is not None:
            for held in self.calls:
                held.stat = Stat.HELD if held.stat == Stat.ACTIVE else held.stat
            waiting.call.accept()

    def _clcc(self, request: Request) -> Reply:
        if request.form is Form.SET and self._shared.model.family is Family.SIMCOM:
            self._push = request.number(0) != 0
            return OK
        lines = [f"+CLCC: {self._listed(held)}" for held in self.calls]
        if self._shared.faults.on(Fault.PHANTOM):
            lines.insert(0, PHANTOM_LINE)
        return Answer(tuple(lines))

    def _listed(self, held: ModemCall, stat: int | None = None) -> str:
        numbered = not self._shared.faults.strikes(Fault.NO_NUMBER)
        return clcc(held, held.stat if stat is None else stat, numbered=numbered)

    def _vts(self, request: Request) -> Reply:
        active = self.active
        digits = request.arg(0).upper()
        if active is None or len(digits) != 1 or digits not in KEYS:
            return cme(3)
        active.call.press(self, digits)
        return OK

    def _clir_set(self, request: Request) -> Reply:
        if request.form is Form.READ:
            return Answer((f"+CLIR: {self._clir},4",))
        self._clir = request.number(0)
        return OK if self._clir in (0, 1, 2) else ERROR

    def _ceer(self, request: Request) -> Reply:
        return Answer((f"+CEER: {int(self._last_cause)}",))

    def _qindcfg(self, request: Request) -> Reply:
        if request.arg(0) == "ccinfo" and len(request.args) > 1:
            self._ccinfo = request.number(1) != 0
        elif request.arg(0) == "ring" and len(request.args) > 1:
            self._ring_urc = request.number(1) != 0
        return OK

    # How it is told

    def _activated(self, held: ModemCall) -> None:
        if held.ring is not None:
            held.ring.cancel()
        held.stat = Stat.ACTIVE
        if self._shared.model.family is Family.SIMCOM:
            self._shared.say("VOICE CALL: BEGIN")
        self._tell_change(held)
        self._pcm.call_began()
        if self._shared.faults.strikes(Fault.DROP):
            self._shared.timers.later(DROP_S, lambda: held.call.release(Cause.TEMPORARY))

    def _ended(self, held: ModemCall) -> None:
        call = held.call
        self.calls.remove(held)
        if held.ring is not None:
            held.ring.cancel()
        self._last_cause = call.cause or Cause.NORMAL
        if self._sounding is None:
            self._pcm.call_ended()
        if self._shared.faults.strikes(Fault.NO_END):
            return
        family = self._shared.model.family
        if family is Family.SIMCOM:
            if call.answered is not None:
                lasted = self._shared.timers.now() - call.answered
                self._shared.say(f"VOICE CALL: END: {int(lasted):06d}")
            elif not held.outgoing:
                self._shared.say(missed(held, self._shared.centre.time()))
        self._tell_change(held, ended=True)
        result = ENDS.get(self._last_cause, "NO CARRIER") if held.outgoing else "NO CARRIER"
        if not (family is Family.SIMCOM and call.answered is None and not held.outgoing):
            self._shared.say(result)

    def _tell_change(self, held: ModemCall, *, ended: bool = False) -> None:
        """Where the model tells of each change by itself, and was asked to."""
        if self._push:
            self._shared.say(f"+CLCC: {self._listed(held, Stat.ENDED if ended else None)}")
        if self._ccinfo:
            self._shared.say(ccinfo(held, ended=ended))
        if self._dsci:
            self._shared.say(dsci(held, ended=ended))

    def _ring(self, held: ModemCall) -> None:
        if held not in self.calls or held.stat not in (Stat.INCOMING, Stat.WAITING):
            return
        if held.stat == Stat.INCOMING:
            if self._shared.model.rings and self._ring_wanted() and not self._shared.faults.strikes(Fault.NO_RING):
                self._shared.say("+CRING: VOICE" if self._crc else "RING")
            if self._clip:
                self._shared.say(clip(held, numbered=not self._shared.faults.strikes(Fault.NO_NUMBER)))
        held.ring = self._shared.timers.later(self._shared.model.ring_s, lambda: self._ring(held))

    def _ring_wanted(self) -> bool:
        return self._ring_urc or self._shared.model.family is not Family.QUECTEL

    # Sound

    def _speak(self, samples: int, rate_hz: int) -> bytes:
        sounding = self._sounding
        if sounding is not None and sounding is not self.active:
            return sounding.call.speak_early(samples, rate_hz)
        other = None if sounding is None else sounding.call.other(self)
        return b"" if sounding is None or other is None else other.speak(sounding.call, samples, rate_hz)

    def _hear(self, sound: bytes, rate_hz: int) -> None:
        active = self.active
        other = None if active is None else active.call.other(self)
        if active is not None and other is not None:
            other.hear(active.call, sound, rate_hz)

    def _held(self, call: Call) -> ModemCall | None:
        return next((held for held in self.calls if held.call is call), None)

    def _free_index(self) -> int:
        used = {held.index for held in self.calls}
        return next(index for index in range(1, CALLS_MAX + 2) if index not in used)

    def _end_all(self, cause: Cause, *, silently: bool = False) -> None:
        for held in tuple(self.calls):
            if silently:
                self.calls.remove(held)
                if held.ring is not None:
                    held.ring.cancel()
            held.call.release(cause)
        if silently:
            self._pcm.call_ended()
