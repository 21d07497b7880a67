"""One session with the hub: it begins, rows go up, the feed comes down, and it ends with whatever is in the way.

What is decided is in sending.py and feeding.py; what is kept, in up.py and down.py, each a thread of its own: neither a
snapshot that is being taken in nor a great batch keeps a block waiting."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from firmware import __version__
from firmware.store.database import from_text, to_text
from firmware.sync import wire
from firmware.sync.client import Client, Refused, Unreached
from firmware.sync.down import Down, Heard, Overtaken, Stale
from firmware.sync.feeding import Digested, Why, differing, digest_due, start
from firmware.sync.fetching import Snapshot
from firmware.sync.membership import Membership, request
from firmware.sync.sending import ALL_LANES, IMPORTANT_LANES, Pace
from firmware.sync.shown import SyncShown
from firmware.sync.sound import send_sound
from firmware.sync.up import Batch, Up
from firmware.sync.wire import WireError

__all__ = ["Memory", "Renewed", "Stores", "Talking", "Turn"]

WAIT_S = 25
"""The hub keeps a question of its feed so long: below what proxies cut (60 s and less)."""
STILL_S = 1.0
"""A hub that answers at once with nothing is asked no more often."""
OVERTAKEN_MAX = 3
LOOK_EVERY_S = 30.0
RENEW_LOOK_S = 3600.0
SOUND_AGAIN_S = 60.0
REFUSED_MAX = 1_000
"""Numbers of rows that the hub cannot read: not sent again until this process starts anew."""
_PLACE = re.compile(r"entries\.([0-9]{1,4})(?:\.|$)")

log = logging.getLogger("rvx")
T = TypeVar("T")


class Turn(Exception):
    """The session is to begin anew at once, and nothing is wrong."""


class Renewed(Turn):
    """By a new certificate."""


class Stores:
    """Up and Down, each in its own thread."""

    def __init__(self, up: Callable[[], Up], down: Callable[[], Down]) -> None:
        self._make = {"up": up, "down": down}
        self._threads = {name: ThreadPoolExecutor(1, f"sync-{name}") for name in self._make}
        self._open: dict[str, Any] = {}

    async def up(self, work: Callable[[Up], T]) -> T:
        return await self._do("up", work)

    async def down(self, work: Callable[[Down], T]) -> T:
        return await self._do("down", work)

    async def _do(self, name: str, work: Callable[[Any], T]) -> T:
        def run() -> T:
            if name not in self._open:
                self._open[name] = self._make[name]()
            return work(self._open[name])

        return await asyncio.get_running_loop().run_in_executor(self._threads[name], run)

    def close(self) -> None:
        """Waits for what is being written."""
        for name, thread in self._threads.items():
            thread.submit(self._close, name)
            thread.shutdown(wait=True)

    def _close(self, name: str) -> None:
        if name in self._open:
            self._open.pop(name).close()


@dataclass
class Memory:
    """What outlives a session: rows that the hub cannot read, by epoch and number; what the last digest said."""

    unread: set[tuple[str, int]] = field(default_factory=set)
    digested: Digested | None = None
    mended: bool = False
    """A snapshot was taken as a digest differed, and no digest since."""


@dataclass
class Talking:
    """`shown` is what is known, changed in place; `wake`: something may wait in the outbox; `look`: there may be a new
    configuration; `held_back`: why only what is important is sent; `config`: of the session's message."""

    client: Client
    member: Membership
    stores: Stores
    machine: str
    shown: list[SyncShown]
    wake: asyncio.Event
    look: asyncio.Event
    now_asked: asyncio.Event
    held_back: Callable[[], str]
    config: Callable[[], Mapping[str, Any]]
    spread: float
    spoke: Callable[[], None] = lambda: None
    wait_s: int = WAIT_S
    memory: Memory = field(default_factory=Memory)
    _clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self) -> None:
        """Until something is in the way: raises Unreached, Refused, Turn, or what the store raises."""
        said = await self._begin()
        self.session = said["session"]
        self.hub = said["hub"]
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._go_up())
                tasks.create_task(self._come_down(known=said["cursor_known"]))
                tasks.create_task(self._renew())
        except BaseExceptionGroup as group:
            raise _first(group) from None

    # The session

    async def _begin(self) -> Mapping[str, Any]:
        epoch = await self.stores.up(lambda up: up.begin(self.machine))
        spans = await self.stores.up(Up.spans)
        feed = await self.stores.down(Down.feed)
        newest = dict(list(spans.items())[-32:]) | {epoch: spans[epoch]}
        sent = self._clock()
        message = {
            "schemas": [wire.SCHEMA],
            "version": __version__,
            "machine": self.machine,
            "epoch": epoch,
            "epochs": {name: {"first": first, "last": last} for name, (first, last) in newest.items()},
            "hub": feed.hub if feed else None,
            "cursor": feed.cursor if feed else None,
            "time": to_text(sent),
            "config": self.config(),
            "counts": {"waiting": self._seen.waiting, "overruled": self._seen.overruled, "aside": self._seen.aside},
        }
        said = (await self.client.ask("POST", "/v1/session", "sessioned", message)).body
        if said["schema"] != wire.SCHEMA:
            raise Unreached("too_new", f"it has chosen schema {said['schema']}, which was not offered")
        self._note(twin=bool(said.get("twin")), clock_s=_apart(said["time"], sent, self._clock()))
        if feed is not None and said["hub"] != feed.hub:
            log.warning("rvx-event kind=hub_restored was=%s is=%s", feed.hub, said["hub"])
            await self._state(said["session"])
        await self.stores.up(lambda up: up.held(dict(said["held"]), dict(said["backed_up"])))
        self.epoch = epoch
        self._spoken()
        return said

    async def _state(self, session: str) -> None:
        """The hub is another life of itself: whatever goes both ways, it may have lost."""
        batches = await self.stores.up(lambda up: list(up.live()))
        for items in batches:
            for start_at in range(0, len(items), wire.ITEMS_MAX):
                some = [item.plain() for item in items[start_at : start_at + wire.ITEMS_MAX]]
                await self.client.ask("POST", "/v1/state", "stated", {"session": session, "items": some})

    # Up

    async def _go_up(self) -> None:
        pace = Pace()
        while True:
            self.wake.clear()
            why = self.held_back()
            self._note(held_back=why)
            lanes = IMPORTANT_LANES if why else ALL_LANES
            earlier = not why and await self.stores.up(Up.queue_earlier)
            found = await self.stores.up(
                partial(Up.next, lanes=lanes, most=pace.bytes, without=frozenset(self.memory.unread))
            )
            if found is None and not earlier:
                await self._count()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self.wake.wait()
            elif found is not None:
                pace = await self._send(found, pace)

    async def _send(self, found: Batch, pace: Pace) -> Pace:
        for sound in found.sounds:
            while not await send_sound(self.client, sound, self.wake.is_set):
                # Something was written meanwhile: a block does not wait for a minute of somebody's voice.
                self.wake.clear()
                if await self.stores.up(lambda up: up.waits(IMPORTANT_LANES)):
                    return pace
        message = {
            "session": self.session,
            "epoch": found.epoch,
            "entries": [entry.plain() for entry in found.entries],
        }
        began = time.monotonic()
        try:
            said = (await self.client.ask("POST", "/v1/outbox", "taken", message)).body
        except Refused as refused:
            if refused.error == "forked" and refused.n is not None:
                await self._fork(found.epoch, refused.n)
            if refused.error == "session":
                raise Turn("session") from None
            if refused.error in ("refused", "too_large") and self._unfit(found, refused):
                return pace.failed()
            raise
        pace = pace.went(found.size, time.monotonic() - began)
        lacking = {each["n"] for each in said["refused"] if each["why"] == "sound"}
        for each in said["refused"]:
            if each["n"] not in lacking:
                log.warning("rvx-event kind=sync_refused n=%d why=%s", each["n"], each["why"].replace(" ", "_")[:80])
                self._note(refused=self._seen.refused + 1)
        told = (said["held"], [*said["above"]], said["backed_up"], said["cursor"])
        await self.stores.up(lambda up: up.answered(found, *told))
        if lacking:
            # The hub lost a sound that was sent: it is sent again, in its turn, and not at once for ever.
            await asyncio.sleep(STILL_S)
        self._spoken()
        return pace

    def _unfit(self, found: Batch, refused: Refused) -> bool:
        """One row is not as the hub can read it: it is left out, named, and the rest goes on."""
        at = _PLACE.match(refused.field or "")
        place = int(at[1]) if at else 0
        if (at is None and len(found.entries) > 1) or place >= len(found.entries):
            return refused.error == "too_large"
        entry = found.entries[place]
        if len(self.memory.unread) >= REFUSED_MAX:
            return False
        self.memory.unread.add((found.epoch, entry.n))
        log.error("rvx-event kind=sync_unfit n=%d row=%s field=%s", entry.n, entry.kind, refused.field)
        self._note(refused=self._seen.refused + 1)
        return True

    async def _fork(self, epoch: str, number: int) -> None:
        """Another life of this journal has told the hub something else by this number."""
        new = await self.stores.up(lambda up: up.forked(epoch, number))
        log.warning("rvx-event kind=sync_forked epoch=%s n=%d new=%s", epoch, number, new)
        self._note(forked_at=to_text(self._clock()))
        raise Turn("forked")

    # Down

    async def _come_down(self, *, known: bool) -> None:
        allowed = False
        while True:
            feed = await self.stores.down(Down.feed)
            why = start(feed, self.epoch, known=known, allowed=allowed)
            if why is not None:
                if self.held_back() == "budget" and why is not Why.FIRST:
                    await asyncio.sleep(LOOK_EVERY_S)
                    continue
                await self._snapshot(why)
                known, allowed = True, False
                continue
            assert feed is not None
            if (
                self.now_asked.is_set()
                or self.memory.mended
                or (digest_due(feed, self.memory.digested, self._clock(), self.spread) and not self.held_back())
            ):
                self.now_asked.clear()
                if await self._digest(feed.cursor, gone=feed.gone):
                    continue
            try:
                allowed = await self._page(feed.cursor or "")
            except Refused as refused:
                if refused.error != "cursor_unknown":
                    raise
                known = False

    async def _page(self, cursor: str) -> bool:
        """Whether the hub lets go whom it has no more."""
        began = time.monotonic()
        query = {"after": cursor, "limit": str(wire.ITEMS_MAX), "wait": str(self.wait_s)}
        said = (await self.client.ask("GET", "/v1/feed", "feed", query=query, wait_s=self.wait_s)).body
        if said["hub"] != self.hub:
            raise Turn("hub")
        if said["more"] and said["cursor"] == cursor:
            raise Unreached("not_understood", "/v1/feed: it stands still, and says that there is more")
        heard = await self.stores.down(lambda down: down.page(said, self.epoch))
        self._heard(heard)
        self._spoken()
        if not said["items"] and time.monotonic() - began < STILL_S:
            await asyncio.sleep(STILL_S)
        return bool(said.get("shrink_allowed"))

    async def _snapshot(self, why: Why) -> None:
        log.info("rvx-event kind=sync_snapshot why=%s", why)
        snapshot = Snapshot(self.member.folder, lambda came, whole: self._note(fetched=came, fetching=whole))
        for _ in range(OVERTAKEN_MAX):
            await snapshot.fetch(self.client)
            try:
                heard = await self.stores.down(
                    partial(Down.snapshot, file=snapshot.file, hub=self.hub, epoch=self.epoch)
                )
            except Overtaken:
                continue  # the file is whole: only what it is compared with is another
            except Stale:
                snapshot.forget()
                continue
            except WireError as error:
                snapshot.forget()
                raise Unreached("not_understood", f"/v1/snapshot {error}") from None
            snapshot.forget()
            self._note(fetched=0, fetching=None)
            self._heard(heard)
            self._spoken()
            return
        raise Unreached("busy", "the directory, or the hub, was another one each time")

    async def _digest(self, cursor: str | None, *, gone: int) -> bool:
        """Whether a snapshot was taken, as the directory was not what the hub has."""
        here, own, unreadable = await self.stores.down(Down.digests)
        if gone:
            await self._snapshot(Why.DIFFERS)
            self.memory.digested = Digested(self._clock())
            return True
        said = (await self.client.ask("GET", "/v1/digest", "digests", query={"cursor": cursor or ""})).body
        if said["cursor"] != here:
            return False  # something came meanwhile: of that place nothing can be said
        theirs = {kind: (int(each["rows"]), str(each["digest"])) for kind, each in said["kinds"].items()}
        found = differing(own, theirs, unreadable)
        mended, self.memory.mended = self.memory.mended, False
        self.memory.digested = Digested(self._clock(), found)
        if not found:
            await self.stores.down(Down.right)
            self._note(differs="")
            return False
        log.warning("rvx-event kind=sync_differs kinds=%s", ",".join(found))
        if mended:
            self._note(differs=", ".join(found))  # a snapshot did not mend it: it is named, and not fetched each day
            return False
        self.memory.mended = True
        await self.stores.down(Down.lose_place)  # whatever is cut now, a snapshot comes next
        await self._snapshot(Why.DIFFERS)
        return True

    # Certificates

    async def _renew(self) -> None:
        while True:
            certificate = self.member.certificate()
            self._note(certificate_until=to_text(certificate.until))
            if certificate.renew_due(self._clock()):
                made = await asyncio.to_thread(request, certificate.unit)
                said = (await self.client.ask("POST", "/v1/renew", "renewed", {"csr": made.csr})).body
                await asyncio.to_thread(self.member.put_certificate, made, said["certificate"])
                if said["ca"] != self.member.ca:
                    await asyncio.to_thread(self.member.with_ca, said["ca"])
                raise Renewed("certificate")
            await asyncio.sleep(RENEW_LOOK_S)

    # What is shown

    @property
    def _seen(self) -> SyncShown:
        return self.shown[0]

    def _note(self, **changes: Any) -> None:
        self.shown[0] = replace(self.shown[0], **changes)

    def _spoken(self) -> None:
        now = to_text(self._clock())
        since = self._seen.since if self._seen.connected else now
        self._note(connected=True, why="", detail="", failures=0, again_s=None, contact_at=now, since=since)
        self.spoke()

    def _heard(self, heard: Heard) -> None:
        feed = heard.feed
        self._note(
            heard_at=feed.heard_at,
            whole_at=feed.whole_at or "",
            gone=feed.gone,
            aside=heard.laid.aside,
            passed=self._seen.passed + heard.passed,
            overruled=self._seen.overruled + heard.overruled,
        )
        if heard.configured:
            self.look.set()

    async def _count(self) -> None:
        found = await self.stores.up(Up.waiting)
        self._note(waiting=found.rows, oldest_at=found.oldest_at or "", overruled=found.overruled)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one that says most: a turn, else a refusal, else what was in the way."""
    found: list[BaseException] = []
    for each in group.exceptions:
        found.append(_first(each) if isinstance(each, BaseExceptionGroup) else each)
    order: tuple[type[BaseException], ...] = (SystemExit, Turn, Refused, Unreached)
    for kind in order:
        for each in found:
            if isinstance(each, kind):
                return each
    return found[0]


def _apart(hub: str, sent: datetime, now: datetime) -> float:
    """The hub's clock before ours, s; what lies within the time of the answer is none."""
    try:
        there = from_text(hub)
    except ValueError:
        raise Unreached("not_understood", "/v1/session: time") from None
    if sent <= there <= now:
        return 0.0
    return round((there - (now if there > now else sent)).total_seconds(), 1)
