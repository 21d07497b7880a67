"""The process `calls`: refuses calls with the right code and reason, ends what the platform answers too late and the
calls whose sound died with it, and tells a platform that has forgotten of the phones.

No call waits for it: it may be killed or hang at any moment, and begins again with what the edge holds."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import random
import secrets
import sqlite3
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from callcontrol.anchored import Silence, bye_of
from callcontrol.digest import Algorithm
from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.late import LateAnswers
from callcontrol.onbehalf import Binding, Canary, Event, OnBehalf
from callcontrol.pacing import Pace, PaceSettings, retry_after_s
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.message import Request, Response
from firmware import edgedb
from firmware.answering import serving
from firmware.aside import ASIDE
from firmware.bindings import written
from firmware.config import Config
from firmware.leading import Leading
from firmware.led import Book
from firmware.modes import Mode
from firmware.store import Credential, Directory, StoreError
from firmware.telling import Telling
from firmware.ticks import tick
from firmware.waitinglamps import WaitingLamps
from firmware.watch import CALLS_LEASE, CALLS_LINK, new_epoch, table

__all__ = ["Calls", "Held"]

HOST = "127.0.0.1"
LEASE_S = 5
VOUCH_EVERY_S = 2.0
LOOK_EVERY_S = 1.0
"""So often it is looked at the edge's mode and epoch, and at what is bound."""
TURN_EVERY_S = 0.05
"""While somebody waits for a turn."""
SEEN_AGAIN_S = 10.0
"""What is bound is told anew so often where it has not changed: a binding that was left alone gets its turn again."""
CANARY_SHARE = 0.5
"""Of the phones' registration period: a death that nobody saw is noticed before they would all have come again."""
READ_TIMEOUT_S = 1.0
CSEQ_STEP = 10
"""Between two registrations, more than the challenges that one may take: CSeq only grows (RFC 3261 §10.2)."""
TOKEN_CHARS = 16
"""Of the hash of a contact that names it at the edge (cfg/30-register.cfg)."""
SPEAKS = (1, 2)
"""Modes of credentials whose secret is the platform's too."""
ENDED_TIMES = 3
"""So often is it tried to end a call, where the edge dies over it."""
ENDINGS_MAX = 500
"""BYEs that are on their way at once; what comes above is acknowledged and left to the platform."""

log = logging.getLogger("rvx")


@dataclass(frozen=True)
class Held:
    """What the edge remembers of a contact, table `north`: who may speak for it, and what the platform accepted."""

    epoch: int
    until_s: int  # unix; 0: the platform has not accepted it
    source: str
    call: str
    params: str

    @classmethod
    def parse(cls, text: str) -> Held | None:
        """None where it is not what the edge writes."""
        parts = text.split("|", 4)
        if len(parts) != 5 or not parts[0].isdigit() or not parts[1].isdigit():
            return None
        return cls(int(parts[0]), int(parts[1]), *parts[2:])

    def __str__(self) -> str:
        return "|".join((str(self.epoch), str(self.until_s), self.source, self.call, self.params))


class Calls:
    """One per process; `run` returns only by being cancelled."""

    def __init__(self, config: Config, edge: EdgeRpc) -> None:
        self._config = config
        self._paths = config.paths
        self._edge = edge
        self._telling = Telling(config.paths.journal)
        self._book = Book(config.paths.led)
        self._left = self._book.left()
        self._leading = Leading(config, edge, self._telling.tell, self._book)
        self._link = self._leading.link
        self._lamps = WaitingLamps(config.paths.journal, self._link, config.platform.realm)
        self._late = LateAnswers()
        self._silence = Silence()
        self._pace = Pace(PaceSettings(config.returning.registrations_per_s, config.returning.spread_s), random.random)
        self._on_behalf = OnBehalf(self._pace)
        self._canary = Canary(config.edge.register_s * CANARY_SHARE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._cseq = itertools.count(1, CSEQ_STEP)
        self._call_ids = secrets.token_hex(8)
        self._thread = ThreadPoolExecutor(1, "store")
        self._directory: Directory | None = None
        self._version = -1  # of directory.db, as `_speak` has it
        self._speak: dict[str, Credentials] = {}
        self._written: tuple[int, ...] = (-1,)  # of the bindings' file, as `_bound` has it
        self._bound: list[Binding] = []
        self._readings = 0  # of `_bound` or `_speak`
        self._seen = (0, 0)  # reading and epoch that `_on_behalf` was last told of
        self._seen_at_s = 0.0
        self._epoch: int | None = None
        self._aside = False  # the other unit of a pair serves, and speaks with the platform
        self._mode = ""
        self._credentials: dict[str, Credentials] = {}
        self._stirred = asyncio.Event()  # it was looked, or something has ended: somebody's turn may have come

    async def run(self) -> None:
        """Until cancelled."""
        async with serving(self._paths.calls_socket, self._answer):
            await self._lead()

    async def _lead(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Late(self._late_answer), local_addr=(HOST, self._config.edge.late_port)
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._leading.run())
                tasks.create_task(self._vouch())
                tasks.create_task(self._end_orphans())
                tasks.create_task(self._lamps.run())
                if self._config.platform.nodes:
                    tasks.create_task(self._look())
                    tasks.create_task(self._take_turns())
                    tasks.create_task(self._end_anchored())
        finally:
            transport.close()
            self._leading.close()
            self._telling.close()
            self._thread.shutdown(wait=True)

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        match asked:
            case {"do": "tell_power_ends"}:
                return {"told": await self._leading.tell_power_ends()}
        return {"error": "no such question"}

    async def _vouch(self) -> None:
        """Who hangs, or has no connection to the edge, does not vouch. An edge that is new has a new connection."""
        told: int | None = None
        while True:
            if (port := self._link.local_port) is not None:
                try:
                    if port != told:
                        await self._edge.call("htable.seti", "st", CALLS_LINK, port)
                        told = port
                    await self._edge.call("htable.seti", "st", CALLS_LEASE, int(time.time()) + LEASE_S)
                except (EdgeUnreachable, EdgeError):
                    told = None
            await tick(VOUCH_EVERY_S)

    # ---- late answers

    def _late_answer(self, data: bytes) -> None:
        try:
            ending = self._late.receive(data, asyncio.get_running_loop().time())
        except (RemoteError, LocalError) as error:
            log.warning("rvx-event kind=late_unread why=%s", type(error).__name__)
            return
        self._link.send(ending.ack)
        if ending.bye is not None and len(self._tasks) < ENDINGS_MAX:
            self._begin(self._end(ending.bye, "late_ended"))

    async def _end(self, bye: Request, kind: str) -> None:
        """An edge that dies over it is told again when it is back."""
        response = None
        for _ in range(ENDED_TIMES):
            await self._link.connected.wait()
            response = await self._link.request(bye, self._credentials.get(bye.from_.uri.user))
            if response is not None:
                break
        self._book.ended(bye)
        log.info("rvx-event kind=%s code=%s", kind, response.status if response else "-")

    # ---- calls whose sound died with the platform, or that nobody leads any more

    async def _end_anchored(self) -> None:
        while True:
            await tick(LOOK_EVERY_S)
            if self._silence.lasts(_now()):
                await self._end_legs("legs", "anchored_ended")

    async def _end_orphans(self) -> None:
        """What the process before this one led: whoever is in it would sit in silence. Its book outlives the edge,
        which knows of those who have lifted since."""
        for bye in self._left:
            self._begin(self._end(bye, "orphan_ended"))
        await self._link.connected.wait()
        await self._end_legs("orphans", "orphan_ended")

    async def _end_legs(self, which: str, kind: str) -> None:
        """All that the edge hands over now, each once: it answers with the BYE of a call that is to be ended."""
        while len(self._tasks) < ENDINGS_MAX:
            try:
                bye = bye_of(await self._link.options(which))
            except RemoteError as error:
                log.warning("rvx-event kind=leg_unread field=%s", error.field)
                continue
            if bye is None:
                return
            self._begin(self._end(bye, kind))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._stirred.set()

    # ---- registration on behalf

    async def _look(self) -> None:
        """Whether the platform may be asked, and then: what is bound, and by whom the platform would take it."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                told = await self._edge.call_all(("htable.dump", "count"), ("htable.dump", "st"))
                counts, state = map(table, told)
                mode, aside = str(state.get("mode", "")), _number(state.get(ASIDE)) > time.time()
                tells = mode != Mode.SURVIVAL and not aside
                await loop.run_in_executor(self._thread, self._read, tells)
            except (EdgeUnreachable, EdgeError, StoreError, sqlite3.Error, OSError):
                self._epoch = None  # not known
                self._silence.sees(False, _now())
            else:
                self._mode, self._aside = mode, aside
                self._silence.sees(mode == Mode.SURVIVAL, _now())
                self._epoch = _number(counts.get("epoch"))
                self._pace.wait(_now(), _number(counts.get("wait")) - time.time())
                self._credentials = self._speak
                if tells:
                    self._see(self._epoch)
                self._stirred.set()
            await tick(LOOK_EVERY_S)

    def _see(self, epoch: int) -> None:
        """Tells `_on_behalf` what is bound here by phones whose secret is here, if that is anything new."""
        news, now_s = (self._readings, epoch), _now()
        if news == self._seen and now_s - self._seen_at_s < SEEN_AGAIN_S:
            return
        self._seen, self._seen_at_s = news, now_s
        known = [binding for binding in self._bound if binding.extension in self._speak]
        self._on_behalf.sees(known, epoch, now_s)

    async def _take_turns(self) -> None:
        while True:
            waits = self._telling_epoch() is not None and self._on_behalf.due
            await (tick(TURN_EVERY_S) if waits else self._stirred.wait())
            self._stirred.clear()
            if (epoch := self._telling_epoch()) is None:
                continue
            if (binding := self._on_behalf.next(_now())) is not None:
                self._begin(self._tell(binding, epoch))
            elif (binding := self._due_canary()) is not None:
                self._begin(self._ask(binding, epoch))

    def _telling_epoch(self) -> int | None:
        """None: the platform is not to be told of anybody now."""
        may = not self._aside and self._mode != Mode.SURVIVAL and self._link.local_port is not None
        return self._epoch if may else None

    def _due_canary(self) -> Binding | None:
        if self._mode != Mode.NORMAL or self._pace.wait_left_s(_now()) > 0:
            return None
        return self._canary.next(self._on_behalf.held, _now())

    async def _tell(self, binding: Binding, epoch: int) -> None:
        """Registers `binding` at the platform, unless the phone has done so by itself meanwhile."""
        event, wait_s = Event.LATER, None
        try:
            held = await self._held(binding)
            if held is not None and held.epoch == epoch and held.until_s > time.time():
                event = Event.ACCEPTED
            elif held is not None:
                response = await self._link.request(
                    self._register(binding, f"<{binding.contact}>{held.params}"),
                    self._credentials.get(binding.extension),
                )
                event = outcome(response)
                wait_s = retry_after_s(response.header("Retry-After")) if response else None
                log.info("rvx-event kind=on_behalf code=%s", response.status if response else "-")
        except (EdgeUnreachable, EdgeError):
            pass
        finally:
            self._on_behalf.ended(binding, event, _now(), wait_s)

    async def _ask(self, binding: Binding, epoch: int) -> None:
        """Asks the platform for `binding`, which it should hold."""
        response = await self._link.request(self._register(binding), self._credentials.get(binding.extension))
        with contextlib.suppress(EdgeUnreachable, EdgeError):
            held = await self._held(binding)
            if held is None or held.epoch != epoch or held.until_s < time.time():
                return  # the phone has gone meanwhile, or the platform is known to have been away
            if not self._canary.heard(shown(response, binding), _now()):
                return
            # The phone's own refresh is to go north too, if it comes first.
            await self._edge.call("htable.sets", "north", _key(binding), str(replace(held, until_s=0)))
            self._on_behalf.gone(binding)
            if self._canary.forgot(_now()):
                log.warning("rvx-event kind=forgotten")
                await self._edge.call("htable.seti", "count", "confirmed", 0)
                await self._edge.call("htable.seti", "count", "epoch", new_epoch(epoch, time.time()))

    async def _held(self, binding: Binding) -> Held | None:
        """None where the edge remembers nothing: then the phone's own next refresh goes north."""
        try:
            answer = await self._edge.call("htable.get", "north", _key(binding))
        except EdgeError:
            return None
        item = answer.get("item", {}) if isinstance(answer, dict) else {}
        return Held.parse(str(item.get("value", "")))

    def _register(self, binding: Binding, contact: str | None = None) -> Request:
        """Without a contact it asks what the platform holds (RFC 3261 §10.2.3)."""
        realm = self._config.platform.realm
        who = f"<sip:{binding.extension}@{realm}>"
        outbound = contact is not None and "reg-id=" in contact
        return Request.new(
            "REGISTER",
            f"sip:{realm}",
            from_=f"{who};tag={secrets.token_hex(8)}",
            to=who,
            call_id=f"{self._call_ids}-{_token(binding)}",
            cseq=next(self._cseq),
            headers=[
                *([("Contact", contact)] if contact else []),
                ("Supported", "path, outbound" if outbound else "path"),
            ],
        )

    def _read(self, bindings: bool) -> None:
        """The secrets that the platform knows too and, if asked for, what the edge has bound, as it writes it each
        second; each read again only when its file has changed."""
        if bindings and (seen := written(self._paths.bindings)) != self._written:
            with edgedb.opened(self._paths.bindings, READ_TIMEOUT_S) as db:
                rows = db.execute("SELECT username, contact FROM location WHERE expires > julianday('now')").fetchall()
            self._bound, self._written = [Binding(str(user), str(contact)) for user, contact in rows], seen
            self._readings += 1
        if self._directory is None:
            self._directory = Directory.open(self._paths.directory)
        if (version := self._directory.version()) != self._version:
            realm = self._config.platform.realm
            self._speak, self._version = (
                {
                    one.extension: Credentials(one.user, one.realm, _ha1s(one))
                    for one in self._directory.credentials()
                    if one.mode in SPEAKS and one.realm == realm
                },
                version,
            )
            self._readings += 1


def outcome(response: Response | None) -> Event:
    """What the final answer to a registration means; None: there was none."""
    if response is None or response.status == 408:
        return Event.SILENT
    if 200 <= response.status < 300:
        return Event.ACCEPTED
    # 400, 410 and 480 are the edge's own: the phone has said something else, is gone, or nobody is to be asked now.
    if response.status in (400, 410, 423, 429, 480) or 500 <= response.status < 600:
        return Event.LATER
    return Event.REFUSED


def shown(response: Response | None, binding: Binding) -> bool | None:
    """Whether the platform's list of contacts has this one; None where it gave no list."""
    if response is None or not 200 <= response.status < 300:
        return None
    try:
        uris = [contact.uri.text for contact in response.contacts]
    except RemoteError:
        return None
    return any(uri == binding.contact or f";rvx={_token(binding)}" in uri for uri in uris)


class _Late(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._received(data)


def _ha1s(credential: Credential) -> dict[Algorithm, str]:
    found: dict[Algorithm, str | None] = {"md5": credential.ha1_md5, "sha256": credential.ha1_sha256}
    return {algorithm: ha1 for algorithm, ha1 in found.items() if ha1}


def _token(binding: Binding) -> str:
    return hashlib.md5(binding.contact.encode(), usedforsecurity=False).hexdigest()[:TOKEN_CHARS]


def _key(binding: Binding) -> str:
    return f"{binding.extension}|{_token(binding)}"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _now() -> float:
    return asyncio.get_running_loop().time()
