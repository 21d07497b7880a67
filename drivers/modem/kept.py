"""A modem that is kept: opened, set up, watched, mended by the ladder of remedies, opened again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from drivers.link import LinkError
from drivers.modem.health import Ladder, Reason
from drivers.modem.model import (
    Back,
    ErrorKind,
    Event,
    Gone,
    Health,
    Modem,
    ModemError,
    ModemSettings,
    Network,
    PinGuard,
    Sim,
    Sound,
    Step,
)
from drivers.modem.ports import places
from drivers.modem.session import Session
from drivers.usb import DEV, SYSFS, power_switch, set_power

__all__ = ["open_modem"]

LOOK_S = 0.5
"""How often it is looked whether an absent modem has come."""
COME_BACK_S = 45.0
"""A modem that starts anew is away so long; one that is not there is given as long before more is done."""
POWER_OFF_S = 4.0
"""What its capacitors hold is gone then."""
HANG_UP_S = 3.0
"""At the end; a modem that does not obey is left."""
REACHABLE = frozenset({Reason.UNREGISTERED, Reason.SOUND})
"""What a modem can be told to mend; in the meantime, and where nothing helps, it is better than none."""
REASONS = {"absent": Reason.UNPLUGGED, "taken": Reason.TAKEN, "url": Reason.URL}

log = logging.getLogger("rvx")


def open_modem(settings: ModemSettings, *, pins: PinGuard, sysfs: Path = SYSFS, dev: Path = DEV) -> Modem:
    """Of whichever maker: it is asked when it is there. Nothing is opened before `start`."""
    return _Kept(settings, pins, sysfs, dev)


class _Kept:
    """A :class:`drivers.modem.model.Modem`."""

    def __init__(self, settings: ModemSettings, pins: PinGuard, sysfs: Path, dev: Path) -> None:
        self.name = settings.name
        self.model = self.firmware = ""
        self._settings = settings
        self._pins = pins
        self._sysfs, self._dev = sysfs, dev
        self._listeners: list[Callable[[Event], None]] = []
        self._session: Session | None = None
        self._sim = Sim()
        self._ladder = Ladder(self._steps())
        self._is_back: bool | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def network(self) -> Network:
        return self._session.network.network if self._session else Network()

    @property
    def sim(self) -> Sim:
        return self._session.sim if self._session else self._sim

    @property
    def health(self) -> Health:
        return self._ladder.health

    @property
    def sound(self) -> Sound | None:
        sound = self._session.call_sound.current if self._session else None
        return sound if sound is not None and sound.is_open else None

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        self._listeners.append(listener)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        with contextlib.suppress(ModemError, TimeoutError):
            async with asyncio.timeout(HANG_UP_S):
                await self.hang_up()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def dial(self, number: str, *, withheld: bool | None = None) -> None:
        await self._there().dial(number, withheld)

    async def answer(self) -> None:
        await self._there().answer()

    async def hang_up(self) -> None:
        await self._there().hang_up()

    async def send_key(self, key: str) -> None:
        await self._there().send_key(key)

    async def send_sms(self, tpdu: bytes) -> int:
        return await self._there().sms.send(tpdu)

    async def took_sms(self, place: int) -> None:
        await self._there().sms.took(place)

    async def balance(self, code: str) -> str:
        return await self._there().balance.ask(code)

    def _there(self) -> Session:
        if self._session is None:
            raise ModemError(ErrorKind.GONE)
        return self._session

    # -- kept

    async def _keep(self) -> None:
        patience_s, judged_from = COME_BACK_S, 0.0
        while True:
            session, reason = await self._live(patience_s, judged_from)
            remedy = self._ladder.failed(reason, self._now())
            log.warning("rvx-event kind=modem_failed modem=%s reason=%s step=%s", self.name, reason, remedy.step.value)
            if session is not None:
                await session.remedy(remedy.step)
                session.close()
            if remedy.step is Step.POWER:
                await self._cycle_power()
            patience_s, judged_from = COME_BACK_S, 0.0
            wait = remedy.at - self._now()
            if reason in REACHABLE:
                judged_from = remedy.at
            elif reason == Reason.UNPLUGGED:
                patience_s = max(patience_s, wait)
            else:
                await asyncio.sleep(max(0.0, wait))

    async def _live(self, patience_s: float, judged_from: float) -> tuple[Session | None, str]:
        """One session; why it is over, and the session where its port can still be used."""
        session = Session(self._settings, self._pins, self._tell, judged_from)
        is_reachable = False
        try:
            reason = await self._serve(session, patience_s)
            is_reachable = reason in REACHABLE
        except Exception:  # a fault of ours is not to end the keeping
            log.exception("rvx-event kind=modem_fault modem=%s", self.name)
            reason = Reason.FAULT
        finally:
            self._session = None
            self._sim = session.sim
            if not is_reachable:
                session.close()
        if self._is_back is not False:
            self._is_back = False
            self._tell(Gone(reason))
        return session if is_reachable else None, reason

    async def _serve(self, session: Session, patience_s: float) -> str:
        try:
            await self._open(session, patience_s)
            self._session = session
            await session.set_up()
        except LinkError as error:
            return REASONS.get(error.reason, Reason.HUNG)
        except ModemError:
            return session.lost.result() if session.lost.done() else Reason.SILENT
        self.model, self.firmware = session.model, session.firmware
        self._is_back = True
        self._tell(Back())
        return await session.keep(self._well)

    async def _open(self, session: Session, patience_s: float) -> None:
        """Waits so long for a modem that is not there. Raises LinkError."""
        until = self._now() + patience_s
        while True:
            where = places(self._settings, self._sysfs, self._dev)
            try:
                if where is None:
                    raise LinkError("absent", self._settings.usb_path or "no port is named")
                await session.open(where.at, where.pcm)
            except LinkError as error:
                if error.reason != "absent" or self._now() >= until:
                    raise
                await asyncio.sleep(LOOK_S)
            else:
                return

    async def _cycle_power(self) -> None:
        power = power_switch(self._settings.usb_path, self._sysfs)
        if power is None:
            return
        try:
            await asyncio.to_thread(set_power, power, False)
            await asyncio.sleep(POWER_OFF_S)
        except OSError as error:
            log.warning("rvx-event kind=modem_power modem=%s error=%s", self.name, error.strerror)
        finally:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(set_power, power, True)

    def _steps(self) -> frozenset[Step]:
        can_switch = bool(self._settings.usb_path) and power_switch(self._settings.usb_path, self._sysfs) is not None
        return frozenset(step for step in Step if step is not Step.POWER or can_switch)

    def _well(self) -> None:
        self._ladder.worked(self._now())

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # a fault of whoever listens is not to cost the modem
                log.exception("rvx-event kind=listener_failed modem=%s", self.name)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
