"""A modem from when its port was opened until it is lost: set up, its calls and its network kept known, its sound
turned on and off with the call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from drivers.codec.at import Command, Rank, Unsolicited, Verdict
from drivers.codec.at_lines import key, parse_cend, parse_clcc, parse_clip, prefix_of
from drivers.modem.balance import Balance
from drivers.modem.calls import CAUSES, Calls
from drivers.modem.generic import COMMON_HINTS, COMMON_SET_UP, GENERIC, Dialect
from drivers.modem.health import Reason
from drivers.modem.model import (
    CallChanged,
    CallState,
    ErrorKind,
    Event,
    Key,
    ModemError,
    ModemSettings,
    NetworkChanged,
    PinGuard,
    Sim,
    SimChanged,
    SimState,
    Step,
    TimeTold,
    Voice,
)
from drivers.modem.network import NetworkWatch
from drivers.modem.port import Port
from drivers.modem.quectel import QUECTEL
from drivers.modem.sim import look_at_sim
from drivers.modem.simcom import SIMCOM
from drivers.modem.sms import SmsBox
from drivers.modem.sound import CallSound

__all__ = ["Session"]

DIALECTS = (SIMCOM, QUECTEL)
ANSWER_S = 20.0
HANG_UP_S = 10.0
CALLS_S, CALLS_IDLE_S, CALLS_SETTING_UP_S = 0.5, 3.0, 0.2
"""How often calls are listed: with some, without, and with one that is not heard of yet."""
CALLS_TIMEOUT_S = 3.0
STATE_S = 20.0
TIME_S = 3600.0
UNREGISTERED_S = 300.0
RESET_S = 15.0
RADIO_S = 20.0
NUMBER = re.compile(r"\+?[0-9*#]{1,40}")
KEYS = re.compile(r"[0-9*#A-D]")
SIM_HINTS = ("+CPIN", "+QUSIM", "+SIMCARD")
BEGUN = "RDY"
"""A modem has begun anew, perhaps by itself and without going from its port: what we had set is gone."""
TIME_HINTS = ("+CTZV", "+CTZE", "*PSUTTZ", "^NWTIME")

log = logging.getLogger("rvx")


class Session:
    """`tell` hears its events. `lost` is done, with the reason, when it cannot go on; before `judged_from` that is only
    when it does not answer. `open` and then `set_up` come first; a number may be dialled after `open`."""

    def __init__(
        self,
        settings: ModemSettings,
        pins: PinGuard,
        tell: Callable[[Event], None],
        judged_from: float = 0.0,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.port = Port(self._said, self._fail)
        self.network = NetworkWatch(self.port)
        self.sms = SmsBox(self.port, tell)
        self.balance = Balance(self.port)
        self.dialect: Dialect = GENERIC
        self.model = self.firmware = ""
        self.sim = Sim()
        self.call_sound = CallSound(self.port, settings.name)
        self._settings = settings
        self._pins = pins
        self._tell = tell
        self._judged_from = judged_from
        self._calls = Calls()
        self._look_at_calls = asyncio.Event()
        self._look_at_state = asyncio.Event()
        self._sim_news = self._time_news = self._began_anew = False
        self._errands: list[asyncio.Task[None]] = []

    async def open(self, at_url: str, pcm_url: str) -> None:
        """Raises LinkError."""
        self.call_sound.url = pcm_url
        await self.port.open(at_url)

    def close(self) -> None:
        """Calls are told as released, as nothing is heard of them any more."""
        self.port.close()
        self.call_sound.close()
        self._told(self._calls.hung_up(self._loop.time()))

    async def set_up(self) -> None:
        """Raises ModemError where the modem is gone or silent; what it refuses it does without."""
        maker = await self._word("AT+CGMI")
        self.model = await self._word("AT+CGMM")
        self.firmware = await self._word("AT+CGMR")
        name = f"{maker} {self.model}".lower()
        self.dialect = self.call_sound.dialect = next((each for each in DIALECTS if each.maker in name), GENERIC)
        await self._prepare()
        with contextlib.suppress(ModemError):
            await self._state_changed(is_time_due=True)

    async def keep(self, well: Callable[[], None]) -> str:
        """Until it is lost; the reason. `well` is called whenever it was seen to do its duty."""
        tasks = [asyncio.create_task(self._keep_calls()), asyncio.create_task(self._keep_state(well))]
        try:
            ends: list[asyncio.Future[Any]] = [self.lost, *tasks]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()  # neither ends but by a fault of ours
            return self.lost.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _prepare(self) -> None:
        self._began_anew = False
        for text in (*COMMON_SET_UP, *self.dialect.set_up):
            await self.port.lines(text)
        await self._sim_changed()
        await self._list_calls()
        self._look_at_calls.set()
        await self.sms.set_up()
        await self.port.lines("AT+COPS=3,2")

    # -- what it is asked for

    async def dial(self, number: str, withheld: bool | None) -> None:
        if not NUMBER.fullmatch(number):
            raise ModemError(ErrorKind.INVALID)
        clir = "" if withheld is None else "I" if withheld else "i"  # 27.007 §6.2
        try:
            answer = await self.port.ask(Command(f"ATD{number}{clir};", self.dialect.dial_s, Rank.URGENT, call=True))
        except (ModemError, asyncio.CancelledError):
            # Nobody waits for this call any more, which may come about all the same.
            self._errands.append(asyncio.create_task(self._take_back()))
            raise
        finally:
            self._look_at_calls.set()
        if answer.verdict is not Verdict.OK:
            raise ModemError(ErrorKind.REFUSED, answer.code)
        self._told(self._calls.dialled(number, self._loop.time()))

    async def _take_back(self) -> None:
        with contextlib.suppress(ModemError):
            await self.port.ask(Command(self.dialect.hang_up[0], HANG_UP_S, Rank.URGENT))

    async def answer(self) -> None:
        answer = await self.port.ask(Command("ATA", ANSWER_S, Rank.CALL, call=True))
        self._look_at_calls.set()
        if answer.verdict is not Verdict.OK:
            raise ModemError(ErrorKind.REFUSED, answer.code)

    async def hang_up(self) -> None:
        for text in self.dialect.hang_up:
            answer = await self.port.ask(Command(text, HANG_UP_S, Rank.URGENT))
            if answer.verdict is Verdict.OK:
                self._calls.hanging_up(self._loop.time())
                await self._list_calls()
                self._look_at_calls.set()
                if not len(self._calls):
                    return
        if len(self._calls):
            raise ModemError(ErrorKind.REFUSED)

    async def send_key(self, key: str) -> None:
        if not KEYS.fullmatch(key):
            raise ModemError(ErrorKind.INVALID)
        await self.port.order(Command(f"AT+VTS={key}", rank=Rank.CALL))

    async def remedy(self, step: Step) -> None:
        """RADIO or RESET, as far as it obeys; after RESET it is waited for until it goes."""
        with contextlib.suppress(ModemError):
            if step is Step.RADIO:
                await self.port.ask(Command("AT+CFUN=4", RADIO_S))
                await self.port.ask(Command("AT+CFUN=1", RADIO_S))
            for text in self.dialect.reset if step is Step.RESET else ():
                answer = await self.port.ask(Command(text, RADIO_S))
                if answer.verdict is Verdict.OK:
                    async with asyncio.timeout(RESET_S):
                        await asyncio.shield(self.lost)
                    return

    # -- what it says

    def _said(self, event: Unsolicited) -> None:
        line = event.line
        now = self._loop.time()
        if self.sms.said(event):
            self._look_at_state.set()
            return
        if self.balance.said(line):
            return
        pressed = key(line)
        if pressed is not None:
            self._tell(Key(pressed))
        elif self.call_sound.said(line):
            return
        elif self.network.said(line):
            self._tell(NetworkChanged(self.network.network))
            self._look_at_state.set()
        elif line.startswith((*SIM_HINTS, BEGUN)):
            self._sim_news = True
            self._began_anew = self._began_anew or line == BEGUN
            self._look_at_state.set()
        elif line.startswith(TIME_HINTS):
            self._time_news = True
            self._look_at_state.set()
        else:
            self._said_of_calls(line, now)

    def _said_of_calls(self, line: str, now: float) -> None:
        call = self.dialect.parse_call(line)
        clip = parse_clip(line)
        if call is not None:
            self._told(self._calls.told(call, now))
        elif clip is not None:
            self._told(self._calls.presented(clip))
        elif (ended := parse_cend(line)) is not None:
            self._told(self._calls.result(ended, now))
        elif line in CAUSES:
            self._told(self._calls.result(CAUSES[line], now))
        if line.startswith((*COMMON_HINTS, *self.dialect.hints)):
            self._look_at_calls.set()

    def _told(self, events: Iterable[CallChanged]) -> None:
        for event in events:
            self._tell(event)

    def _fail(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)

    # -- what is asked again and again

    async def _keep_calls(self) -> None:
        while True:
            wait = CALLS_S if len(self._calls) else CALLS_IDLE_S
            if CallState.DIALING in self._calls.states:
                wait = CALLS_SETTING_UP_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._look_at_calls.wait()
            self._look_at_calls.clear()
            with contextlib.suppress(ModemError):  # of which the port tells by itself if it lasts
                await self._list_calls()
                await self._follow_sound()

    async def _list_calls(self) -> None:
        answer = await self.port.ask(Command("AT+CLCC", CALLS_TIMEOUT_S, Rank.POLL))
        if answer.verdict is Verdict.OK:
            listed = [call for line in answer.lines if (call := parse_clcc(line)) is not None]
            self._told(self._calls.listed(listed, self._loop.time()))

    async def _follow_sound(self) -> None:
        await self.call_sound.follow(self._calls.states)
        if self.call_sound.is_broken and not len(self._calls) and self._loop.time() >= self._judged_from:
            self._fail(Reason.SOUND)

    async def _keep_state(self, well: Callable[[], None]) -> None:
        time_told = self._loop.time()
        registered = max(time_told, self._judged_from)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATE_S):
                    await self._look_at_state.wait()
            self._look_at_state.clear()
            now = self._loop.time()
            try:
                if self._began_anew:
                    await self._prepare()
                if self._sim_news:
                    self._sim_news = False
                    await self._sim_changed()
                await self.sms.fetch(now)
                is_time_due = self._time_news or now - time_told > TIME_S
                if is_time_due:
                    time_told, self._time_news = now, False
                await self._state_changed(is_time_due)
            except ModemError:
                continue
            if self.network.network.voice in (Voice.CS, Voice.IMS) or self.sim.state is not SimState.READY:
                registered = now
                well()
            elif now - registered > UNREGISTERED_S and not len(self._calls):
                self._fail(Reason.UNREGISTERED)

    async def _sim_changed(self) -> None:
        sim = await look_at_sim(self.port, self.dialect, self._settings, self._pins)
        if sim != self.sim:
            self.sim = sim
            self._tell(SimChanged(sim))

    async def _state_changed(self, is_time_due: bool) -> None:
        if await self.network.ask(self.dialect):
            self._tell(NetworkChanged(self.network.network))
        told = await self.network.time(self.dialect) if is_time_due else None
        if told is not None:
            self._tell(TimeTold(told.utc, told.offset_min))

    async def _word(self, text: str) -> str:
        lines = await self.port.lines(text, free=True)
        return lines[0].removeprefix(f"{prefix_of(lines[0])}:").strip(' "')[:80] if lines else ""
