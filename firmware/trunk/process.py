"""The process `trunk`: calls out and in by modem, and nothing else.

It hears of calls from the edge alone, over one TCP connection (cfg/72-trunk.cfg), by which it says each second that it
lives. Neither the edge nor 112 waits for it; it needs neither `calls` nor `unit`. What it remembers is written beside
the calls, which wait for no disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from callcontrol.anchored import bye_of
from callcontrol.edge.settings import Socket
from callcontrol.refusal import Refusal
from callcontrol.sip.agent import Discarded
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Ended, Invited, Referred
from callcontrol.sip.session import Session
from callcontrol.sip.user_agent import UserAgentEvent
from callcontrol.trunk.calling_back import BACK_WITHIN_S, EmergencyMade, callers_to_ring
from callcontrol.trunk.pool import Priority
from callcontrol.trunk.steps import Step
from callcontrol.trunk.told_time import wants_time
from drivers.clock import clock, set_clock
from drivers.modem.model import CallChanged, Event, Modem, ModemSettings, NetworkChanged, TimeTold
from firmware.answering import serving
from firmware.config import Config
from firmware.led import Book
from firmware.link import Link
from firmware.store.smsview import SmsView
from firmware.store.steps import Noted
from firmware.store.trunk import TrunkRows
from firmware.ticks import tick
from firmware.trunk import telling
from firmware.trunk.call import FAREWELL_S, Call
from firmware.trunk.incoming import Incoming
from firmware.trunk.lines import ModemLine
from firmware.trunk.memory import Memory, place_of, today
from firmware.trunk.outgoing import Outgoing, wanted_by
from firmware.trunk.sms import Messaging
from firmware.trunk.sound import CallSound, Sounds
from firmware.trunk.trying import Busy, try_voice
from firmware.trunk.words import Words

__all__ = ["Trunk"]

SAYS_EVERY_S = 1.0
"""So often the edge hears that we live; it forgets us after TRUNK_LEASE_S."""
ORPHANS_MAX = 100
"""Calls of the process before this one that are ended."""
CALLS_MAX = 100
"""Calls at a time, far more than there are modems; what comes above is refused at once."""

LOOK_AT_DAY_S = 60.0
BACK_WITHIN = timedelta(seconds=BACK_WITHIN_S)

log = logging.getLogger("rvx")

NO_NUMBER = Refusal(484, "Inget Telefonnummer / Address Incomplete", 28, "invalid number format")
FULL = Refusal(480, "Ingen Ledig Linje / No Line Free", 34, "no circuit available")


class Trunk:
    """One per process; `run` returns only by being cancelled. It is the `Desk` of its calls."""

    def __init__(self, config: Config, open_modem: Callable[[ModemSettings], Modem]) -> None:
        self._config = config
        self._book = Book(config.paths.led_trunk)
        self._left = self._book.left()
        self.link = Link(config.edge.trunk_port, self._came, self._book, name="trunk")
        self.keep_one = config.trunk.keep_one == "yes"
        self.realm = config.platform.realm
        self.address = Socket.parse(config.edge.listen[0]).address
        self.reception = config.trunk.reception
        self.lines = {
            entry.name: ModemLine(
                entry,
                open_modem(
                    ModemSettings(entry.name, entry.at, entry.pcm, entry.usb_path, config.secrets.sim.of(entry.name))
                ),
                self._rings,
                self._heard,
                lambda line: self._memory.use(line.name, line.used_s),
            )
            for entry in config.modem
        }
        self._memory = Memory(config.paths.journal)
        self._words = Words(config.announcing)
        # The one that is kept for 112 sends last.
        in_order = sorted(self.lines.values(), key=lambda line: (line.entry.emergency == "only", line.entry.priority))
        self._messaging = Messaging(config, [line.modem for line in in_order])
        self._calls: dict[Session, Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._made: list[EmergencyMade] = []
        self._ending: asyncio.Task[None] | None = None  # of what was left, by this connection

    async def run(self) -> None:
        """Until cancelled."""
        self.sounds = Sounds(here=self._config.network.here)
        async with serving(self._config.paths.trunk_socket, self._answer):
            await self._carry()

    async def _carry(self) -> None:
        beside = (self._remember(), self._messaging.run(), self._words.load(), self._new_days())
        try:
            for line in self.lines.values():
                await line.modem.start()
            for work in beside:
                self._begin(work)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.link.run())
                tasks.create_task(self._live())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.sounds.close()
            await asyncio.gather(*(line.modem.close() for line in self.lines.values()), return_exceptions=True)
            self._memory.close()

    # ---- for its calls

    def follow(self, session: Session, call: Call) -> None:
        self._calls[session] = call

    def note(self, call: Call, step: Step, line: str = "", detail: str = "") -> None:
        log.warning("rvx-event kind=emergency_step step=%s modem=%s", step, line or "-")
        self._memory.note(Noted(call.id, datetime.now(UTC), step, line, detail))
        if step is Step.DIALLED and isinstance(call, Outgoing):
            self._made.append(EmergencyMade(line, call.asked.caller, _now()))

    def emergency_callers(self, line: str) -> tuple[str, ...]:
        return callers_to_ring(line, self._made, _now())

    async def tell_preempted(self, sound: CallSound) -> None:
        await sound.play(self._words.preempted)

    # ---- what comes

    def _came(self, event: UserAgentEvent, now: float) -> None:
        match event:
            case Discarded(error):
                log.warning("rvx-event kind=sip_unread field=%s", error.field)
            case Invited():
                self._invited(event, now)
            case Referred(_, refer):
                refer.refuse(603, now)
            case Ended(session=session):
                if (call := self._calls.pop(session, None)) is not None:
                    call.sip_said(event)
            case _:
                if (call := self._calls.get(event.session)) is not None:
                    call.sip_said(event)

    def _invited(self, invited: Invited, now: float) -> None:
        asked = wanted_by(invited.request)
        refusal = NO_NUMBER if asked is None else FULL if self._crowded(asked.priority) else None
        if refusal is not None or asked is None:
            refusal = refusal or NO_NUMBER
            invited.session.refuse(refusal.status, now, refusal.phrase, refusal.headers())
        else:
            self._begin(Outgoing(self, invited, asked).run())

    def _crowded(self, priority: Priority) -> bool:
        return priority is not Priority.EMERGENCY and len(self._tasks) >= CALLS_MAX

    def _rings(self, line: ModemLine, event: CallChanged) -> Incoming:
        call = Incoming(self, line, event)
        self._begin(call.run())
        return call

    def _heard(self, line: ModemLine, event: Event) -> None:
        match event:
            case NetworkChanged(network) if network.dbm is not None:
                self._memory.signal(line.name, network.dbm)
            case TimeTold(utc=told):
                self._time_told(told)

    # ---- time, when nothing else tells it

    def _time_told(self, told: datetime) -> None:
        """By the network. Nobody is asked who knows better: a clock that is kept by somebody is left alone."""
        kept = clock()
        if self._config.trunk.sets_clock != "yes" or kept is None or kept.synchronised:
            return
        if wants_time(datetime.now(UTC), told):
            try:
                set_clock(told)
                log.warning("rvx-event kind=time_told by=network")
            except OSError as error:
                log.warning("rvx-event kind=time_not_set why=%s", error.strerror)

    async def _new_days(self) -> None:
        """Each day has its minutes."""
        day = today()
        while True:
            await asyncio.sleep(LOOK_AT_DAY_S)
            if today() != day:
                day = today()
                for line in self.lines.values():
                    line.used_s = 0.0

    # ---- what is remembered

    async def _remember(self) -> None:
        known = await self._memory.begin(list(self.lines))
        now = datetime.now(UTC)
        self._made += [
            EmergencyMade(modem, who, _now() - (now - at).total_seconds()) for modem, who, at in known.dialled
        ]
        for modem, seconds in known.used_s.items():
            self.lines[modem].used_s += seconds
        await self._memory.forget()

    # ---- for people

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        match asked:
            case {"do": "status"}:
                return await self._status()
            case {"do": "tell_power_ends"}:
                return {"told": await self._tell_power_ends()}
            case {"do": "test", "modem": str(name)} if name in self.lines:
                return await self._test(self.lines[name])
            case {"do": "test"}:
                return {"error": "no such modem"}
        return {"error": "no such question"}

    async def _tell_power_ends(self) -> int:
        """To all who are in a call by modem, which ends with the unit; how many have heard it."""
        telling = [asyncio.create_task(call.hear(self._words.power_ends)) for call in self._calls.values()]
        if not telling:
            return 0
        done, late = await asyncio.wait(telling, timeout=FAREWELL_S)
        for task in late:
            task.cancel()
        return sum(task.exception() is None and task.result() for task in done)

    async def _status(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        places = {name: place_of(line.modem) for name, line in self.lines.items()}
        journal = self._config.paths.journal

        def work(rows: TrunkRows) -> dict[str, telling.Known]:
            with contextlib.closing(SmsView.open(journal)) as sms:
                return telling.known_of(rows, sms, places, now)

        known = await self._memory.ask(work) or {}
        kept = telling.kept_names(self.lines.values(), keep_one=self.keep_one)
        recent = await self._memory.ask(lambda rows: rows.steps(now - BACK_WITHIN))
        return {
            "schema": telling.SCHEMA,
            "modems": [
                telling.modem_said(line, known.get(name, telling.Known()), now, is_kept=name in kept)
                for name, line in self.lines.items()
            ],
            "shared": telling.shared_said(self.lines.values()),
            "emergency": telling.steps_said(recent or ()),
        }

    async def _test(self, line: ModemLine) -> dict[str, Any]:
        """The dated proof; kept, good or bad."""
        number, other = self._config.trunk.test_number, None
        if not number:
            other = next((each for each in self.lines.values() if each is not line and each.number), None)
            number = (other.number if other is not None else None) or ""
        if not number:
            return {"error": "nobody to call"}
        place = place_of(line.modem)
        try:
            proved = await try_voice(line, number, other)
        except Busy:
            return {"error": "busy"}
        if place is not None:
            self._memory.prove(place, proved)
        return {what.value: {"good": proof.good, "detail": proof.detail} for what, proof in proved.items()}

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A fault in one call is not to end the others."""
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("rvx-event kind=fault of=call", exc_info=fault)

    # ---- the edge

    async def _live(self) -> None:
        """Each connection begins with that, and with the calls that the process before this one has left: beside, as a
        phone that is gone does not answer."""
        told: int | None = None
        while True:
            await self.link.connected.wait()
            port = self.link.local_port
            if port is not None and await self.link.options() is not None and port != told:
                told = port
                if self._ending is not None:
                    self._ending.cancel()
                self._ending = self._begin(self._end_orphans())
            await tick(SAYS_EVERY_S)

    async def _end_orphans(self) -> None:
        """Whose sound died with the process before this one: what its book has, which outlives the edge, and what the
        edge knows of."""
        for left in tuple(self._left):
            if (response := await self.link.request(left)) is not None:  # else again with the next edge
                log.info("rvx-event kind=orphan_ended code=%s", response.status)
                self._book.ended(left)
                self._left.remove(left)
        for _ in range(ORPHANS_MAX):
            try:
                bye = bye_of(await self.link.options("orphans"))
            except RemoteError as error:
                log.warning("rvx-event kind=leg_unread field=%s", error.field)
                continue
            if bye is None:
                return
            response = await self.link.request(bye)
            log.info("rvx-event kind=orphan_ended code=%s", response.status if response else "-")


def _now() -> float:
    return asyncio.get_running_loop().time()
