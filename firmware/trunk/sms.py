"""Short messages by modem: the shell that gives each modem its next one and takes what modems tell.

One task a modem sends, one message after the other; the first modem that can does it, as the last may be kept for 112.
Nothing is begun on a modem that has a call: its one port of commands is the call's. The store's connection belongs to
one thread, and whatever it or a modem cannot do is logged and tried again: nothing of this ends the process, which has
112 to carry.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from callcontrol.plan.model import Unreadable
from callcontrol.trunk.smsqueue import Happened, Outcome, back_off, refused
from drivers.codec.sms_fields import Address
from drivers.codec.sms_pdu import PduError, StatusReportPdu, SubmitPdu, parse
from drivers.codec.sms_text import split
from drivers.modem.model import (
    Back,
    CallChanged,
    CallState,
    ErrorKind,
    Event,
    Gone,
    Modem,
    ModemError,
    ReportCame,
    SimState,
    SmsCame,
)
from firmware.config import Config
from firmware.news import News
from firmware.store import StoreError
from firmware.store.database import connect, to_text
from firmware.store.people import People
from firmware.store.sms import Due, Report, SmsRows
from firmware.store.smscame import Pdu
from firmware.ticks import tick
from firmware.trunk.smsin import Incoming
from firmware.trunk.smsout import PARTS_MAX, Outgoing
from firmware.trunk.smstold import Telling

__all__ = ["Messaging"]

NEXT_EVERY_S = 1.0
"""How long a message waits at most for being noticed; one that was put off, LOOK_EVERY_S."""
LOOK_EVERY_S = 5.0
REST_S = 30.0
"""A modem that has not taken a message is left alone for so long, if there is another."""
LEFT_FREE = 2.0
"""112 waits for a message that its modem is about to send; so the only modem is left alone after each for so much
longer than that took."""
EVENTS_MAX = 1_000
"""Waiting to be kept. What comes above it stays in its modem until that begins anew; a report is lost, and its message
unknown."""
AGAIN_S = 5.0
"""After the store has not done what it should."""

log = logging.getLogger("rvx")
T = TypeVar("T")


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Store:
    """All that is done with the store, in its thread."""

    def __init__(self, config: Config, now: datetime) -> None:
        paths = config.paths
        # Two connections: SQLite tells `people` only of what others have written.
        self.people = People.open(paths.directory, paths.journal, config.numbering.local)
        self.db = connect(paths.journal, "journal")
        self.rows = SmsRows(self.db)
        out = Outgoing(config, self.rows)
        self.incoming = Incoming(config.sms, self.people, self.db, out)
        self.telling = Telling(config, self.people, out)
        if doubtful := self.rows.crashed(now):
            log.warning("rvx-event kind=sms_doubtful parts=%d", doubtful)
        self.incoming.begin(now)

    def look(self, now: datetime) -> None:
        self.rows.expire(now)
        self.incoming.expire(now)
        self.telling.look(now)


def _report(modem: str, octets: bytes) -> Report | None:
    """A status report, also one that the modem has kept as if it were a message; None: it is none."""
    try:
        read = parse(octets)
    except PduError:
        return None
    if not isinstance(read, StatusReportPdu):
        return None
    centre_at = to_text(read.sent_at) if read.sent_at else ""
    return Report(modem, read.reference, read.to.number, centre_at, read.status, read.fate.value)


def _reported(report: Report, now: datetime, store: _Store) -> None:
    store.rows.report(report, now)


def _kept(modem: str, octets: bytes, now: datetime, store: _Store) -> Pdu | None:
    return store.incoming.keep(modem, octets, now)


def _handled(pdu: Pdu, now: datetime, store: _Store) -> None:
    store.incoming.handle(pdu, now)


class Messaging:
    """One per process. `modems` in the order in which they are to send. `clock` and `thread` are a rig's to give, which
    has a time of its own."""

    def __init__(
        self,
        config: Config,
        modems: Sequence[Modem],
        *,
        clock: Callable[[], datetime] = utc_now,
        thread: Executor | None = None,
    ) -> None:
        self._config = config
        self._modems = tuple(modems)
        self._now = clock
        self._thread = thread or ThreadPoolExecutor(1, "sms")
        self._store: _Store | None = None
        self._begun = False
        self._fault = ""  # the last that was logged
        self._there: set[str] = set()  # modems that answer
        self._calls: dict[str, set[int]] = {modem.name: set() for modem in self._modems}
        self._rests: dict[str, float] = {}
        self._news = News(LOOK_EVERY_S, lambda: (config.paths.journal,))
        self._events: asyncio.Queue[tuple[Modem, SmsCame | ReportCame]] = asyncio.Queue(EVENTS_MAX)
        for modem in self._modems:
            modem.subscribe(partial(self._heard, modem))

    async def run(self) -> None:
        """Until cancelled. A fault of ours, or of a machine without memory, begins it anew: what was under way then is
        found doubtful, as after a death."""
        try:
            while True:
                try:
                    await self._work()
                except* Exception:
                    log.exception("rvx-event kind=fault of=sms")
                self._begun = False
                await asyncio.sleep(AGAIN_S)
        finally:
            with contextlib.suppress(RuntimeError):  # no thread could be started: then it has nothing to close
                self._thread.submit(self._close)
            self._thread.shutdown(wait=True)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_in())
            tasks.create_task(self._look())
            for modem in self._modems:
                tasks.create_task(self._send_by(modem))

    # What modems tell

    def _heard(self, modem: Modem, event: Event) -> None:
        match event:
            case Back():
                self._there.add(modem.name)
                self._calls[modem.name].clear()
            case Gone():
                self._there.discard(modem.name)
            case CallChanged(index=index, state=state):
                calls = self._calls[modem.name]
                (calls.discard if state is CallState.RELEASED else calls.add)(index)
            case SmsCame() | ReportCame():
                if self._events.full():
                    log.error("rvx-event kind=sms_too_many modem=%s", modem.name)
                else:
                    self._events.put_nowait((modem, event))

    async def _take_in(self) -> None:
        """Kept first, then forgotten by the modem, then looked at."""
        while True:
            modem, event = await self._events.get()
            now = self._now()
            if (report := _report(modem.name, event.pdu)) is not None:
                await self._surely(partial(_reported, report, now))
            elif isinstance(event, SmsCame):
                pdu = await self._surely(partial(_kept, modem.name, event.pdu, now))
                if pdu is not None:
                    await self._surely(partial(_handled, pdu, now))
            if isinstance(event, SmsCame):
                try:
                    await modem.took_sms(event.place)
                except ModemError as error:  # it tells of it again
                    log.warning("rvx-event kind=sms_not_forgotten modem=%s why=%s", modem.name, error.kind.value)

    # Sending

    async def _send_by(self, modem: Modem) -> None:
        """One after the other, while this is the modem that is to send."""
        loop = asyncio.get_running_loop()
        while True:
            first = next(filter(self._can, self._modems), None) is modem
            if first and self._news.came(loop.time()):
                done, taken = await self._in_store(lambda store: store.rows.take(modem.name, self._now()))
                if taken is not None or not done:
                    self._news.again()
                if taken is not None:
                    began = loop.time()
                    if not await self._send(modem, *taken):
                        self._rests[modem.name] = loop.time() + REST_S
                    if len(list(filter(self._can, self._modems))) == 1:
                        await asyncio.sleep(LEFT_FREE * (loop.time() - began))
                    continue
            await tick(NEXT_EVERY_S)

    def _can(self, modem: Modem) -> bool:
        """Whether it may be given one now. The only one is never at rest: what is put off has its own pause."""
        rests = self._rests.get(modem.name, 0.0) > asyncio.get_running_loop().time()
        ready = modem.name in self._there and modem.sim.state is SimState.READY
        return ready and not self._calls[modem.name] and not (rests and len(self._modems) > 1)

    async def _send(self, modem: Modem, number: int, due: Due) -> bool:
        """Whether the network has taken it. That it was given to the modem is on the disk already."""
        outcome, reference, code, why = await self._given(modem, due)
        now = self._now()
        again_at = now + back_off(due.tries) if outcome is Outcome.PUT_OFF else None
        await self._surely(
            lambda store: store.rows.ended(
                number, outcome, now, reference=reference, code=code, again_at=again_at, why=why
            )
        )
        log.info(
            "rvx-event kind=sms_sent modem=%s part=%d/%d outcome=%s", modem.name, due.part, due.parts, outcome.value
        )
        return outcome is Outcome.TAKEN

    async def _given(self, modem: Modem, due: Due) -> tuple[Outcome, int | None, int | None, str]:
        """Outcome, reference, the modem's code, and why it was not taken."""
        try:
            parts = split(due.text, due.concatenation, parts_max=PARTS_MAX)
            left = max(due.valid_until - self._now(), timedelta())
            to = Address.of(due.number)
            tpdu = SubmitPdu(to=to, user=parts[due.part - 1], report=True, validity=left).to_bytes()
        except (ValueError, IndexError) as error:  # a row that nothing here would write
            return Outcome.REFUSED, None, None, str(error)
        try:
            return Outcome.TAKEN, await modem.send_sms(tpdu), None, ""
        except ModemError as error:
            match error.kind:
                case ErrorKind.REFUSED:
                    happened = refused(error.code)
                case ErrorKind.INVALID:
                    happened = Happened.REFUSED
                case ErrorKind.BUSY:
                    happened = Happened.PUT_OFF
                case _:  # silent, or gone while it was under way: it may have been sent
                    happened = Happened.DOUBTFUL
            return Outcome(happened.value), None, error.code, str(error).replace(" ", "_")

    # The store

    async def _look(self) -> None:
        while True:
            await self._try(lambda store: store.look(self._now()))
            await tick(LOOK_EVERY_S)

    async def _surely(self, work: Callable[[_Store], T]) -> T:
        """However long the store takes to do it."""
        while True:
            done, result = await self._in_store(work)
            if done:
                return result  # type: ignore[return-value]
            await asyncio.sleep(AGAIN_S)

    async def _try(self, work: Callable[[_Store], T]) -> T | None:
        return (await self._in_store(work))[1]

    async def _in_store(self, work: Callable[[_Store], T]) -> tuple[bool, T | None]:
        """Whether it was done, and what it gave."""

        def run() -> T:
            if not self._begun:
                self._close()
                self._store = _Store(self._config, self._now())
                self._begun = True
            assert self._store is not None
            return work(self._store)

        try:
            return True, await asyncio.get_running_loop().run_in_executor(self._thread, run)
        except (StoreError, Unreadable, sqlite3.Error, OSError) as error:
            if str(error) != self._fault:
                log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            self._fault = str(error)
            return False, None

    def _close(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.db.close()
            store.people.close()
