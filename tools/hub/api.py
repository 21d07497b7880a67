"""What units ask the hub for (/v1): each message read, judged, done in the store's thread and answered. docs/sync.md
says what each is for."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from firmware.sync import wire
from firmware.sync.wire import Entry, Item
from tools.hub import greeting, snapshot
from tools.hub.ca import CaError, Signer
from tools.hub.entries import Forked
from tools.hub.feed import Cursor, Wake
from tools.hub.items import Items
from tools.hub.sending import Sent, config_for
from tools.hub.sound import BYTES_MAX, NotThatHash, Sound, WrongOffset
from tools.hub.store import Store
from tools.hub.taking import Taking
from tools.hub.threads import Threads
from tools.hub.units import Partition, Units

__all__ = ["Api", "ApiError", "Identify"]

WAIT_MAX_S = 55
"""Below what proxies wait."""
PIECE = 256 << 10
PACKED_FROM = 500
"""Bytes of an answer."""
_HASH = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes=([0-9]{1,15})-")
_WHOLE = re.compile(r"[0-9]{1,15}")

Identify = Callable[[web.Request], str | None]
"""The serial of the certificate that was shown; None without one."""


class ApiError(Exception):
    """Answered so; `word` is one of wire.ERRORS."""

    def __init__(self, word: str, field: str | None = None, text: str = "", **more: object) -> None:
        super().__init__(word)
        self.word, self.field, self.text, self.more = word, field, text, more

    def answer(self) -> web.Response:
        status, sentence = wire.ERRORS[self.word]
        body = {"error": self.word, "field": self.field, "text": self.text or sentence, **self.more}
        headers = {"Retry-After": "5"} if self.word in ("busy", "too_many") else {}
        return web.Response(status=status, body=wire.write(body), content_type="application/json", headers=headers)


@dataclass(slots=True)
class _Seen:
    address: str
    at: datetime
    place: int


class Api:
    """`now`: the clock."""

    def __init__(
        self,
        threads: Threads,
        signer: Signer,
        wake: Wake,
        identify: Identify,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._threads, self._signer, self._wake, self._identify, self._now = threads, signer, wake, identify, now
        self._seen: dict[str, _Seen] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/enrol", self._enrol),
            web.post("/v1/renew", self._renew),
            web.post("/v1/session", self._session),
            web.post("/v1/outbox", self._outbox),
            web.post("/v1/state", self._state),
            web.get("/v1/feed", self._feed, allow_head=False),
            web.get("/v1/snapshot", self._snapshot, allow_head=False),
            web.get("/v1/digest", self._digest, allow_head=False),
            web.get("/v1/config", self._config, allow_head=False),
            web.head("/v1/sound/{sha256}", self._sound_offset),
            web.patch("/v1/sound/{sha256}", self._sound),
        ]

    async def note_seen(self) -> None:
        """Who was here of late, for the page; a write now and then instead of one at each request."""
        seen, self._seen = self._seen, {}
        if not seen:
            return

        def work(store: Store) -> None:
            units = Units(store)
            for unit, one in seen.items():
                units.seen(unit, one.address, one.at, one.place or None)

        await self._threads.write(lambda store: store.transact(lambda: work(store)))

    # Coming

    async def _enrol(self, request: web.Request) -> web.Response:
        said = wire.read("enrol", await _body(request))
        address, now = request.remote or "", self._now()
        try:
            answer = await self._threads.write(lambda store: greeting.enrol(store, self._signer, said, address, now))
        except greeting.TooOften:
            raise ApiError("too_many") from None
        except greeting.NoCode:
            raise ApiError("code", "code") from None
        except CaError as error:
            raise _of_ca(error) from None
        return _answer(request, "enrolled", answer)

    async def _renew(self, request: web.Request) -> web.Response:
        unit = await self._unit(request)
        said, now = wire.read("renew", await _body(request)), self._now()
        try:
            answer = await self._threads.write(
                lambda store: greeting.renew(store, self._signer, unit, said["csr"], now)
            )
        except CaError as error:
            raise _of_ca(error) from None
        return _answer(request, "renewed", answer)

    async def _session(self, request: web.Request) -> web.Response:
        unit = await self._unit(request)
        said, address, now = wire.read("session", await _body(request)), request.remote or "", self._now()
        try:
            answer = await self._threads.write(lambda store: greeting.greet(store, unit, said, address, now))
        except greeting.NoSchema:
            raise ApiError("schema", "schemas", schemas=[wire.SCHEMA]) from None
        return _answer(request, "sessioned", answer)

    # Up

    async def _outbox(self, request: web.Request) -> web.Response:
        unit, body, now = await self._unit(request), await _body(request), self._now()

        def work(store: Store) -> dict[str, Any]:
            said = wire.read("outbox", body)
            taking = Taking(store)
            if not taking.entries.in_session(unit, said["session"]):
                raise ApiError("session", "session")
            epoch, entries = said["epoch"], list(map(Entry.of, said["entries"]))
            try:
                taken = taking.outbox(unit, epoch, entries, now)
            except Forked as forked:
                number = forked.number
                store.transact(lambda: _forked(taking, unit, epoch, number, now))
                raise ApiError("forked", n=number) from None
            return {
                "held": taken.life.held,
                "above": taken.above,
                "backed_up": taken.life.backed_up,
                "cursor": str(_cursor(store, unit, taken.place)),
                "refused": [{"n": number, "why": why} for number, why in taken.refused],
            }

        answer = await self._threads.write(work)
        self._wake.tell()
        return _answer(request, "taken", answer)

    async def _state(self, request: web.Request) -> web.Response:
        unit, body, now = await self._unit(request), await _body(request), self._now()

        def work(store: Store) -> dict[str, Any]:
            said = wire.read("state", body)
            taking = Taking(store)
            if not taking.entries.in_session(unit, said["session"]):
                raise ApiError("session", "session")
            return {"taken": taking.state(unit, [Item.of(item) for item in said["items"]], now)}

        answer = await self._threads.write(work)
        self._wake.tell()
        return _answer(request, "stated", answer)

    async def _sound_offset(self, request: web.Request) -> web.Response:
        unit, sha256 = await self._unit(request), _hash(request)
        offset = await self._threads.read(lambda store: Sound(store).offset(unit, sha256))
        return web.Response(headers={"Upload-Offset": str(offset), "Cache-Control": "no-store"})

    async def _sound(self, request: web.Request) -> web.Response:
        unit, sha256, now = await self._unit(request), _hash(request), self._now()
        offset, length = _number(request, "Upload-Offset", BYTES_MAX), _number(request, "Upload-Length", BYTES_MAX)
        piece = await _read(request)
        if len(piece) > wire.SOUND_PIECE_MAX:
            raise ApiError("too_large")
        if not piece or not length:
            raise ApiError("refused", None, "A piece has bytes.")
        try:
            here = await self._threads.write(lambda store: Sound(store).add(unit, sha256, offset, length, piece, now))
        except WrongOffset as wrong:
            answer = ApiError("offset", "Upload-Offset").answer()
            answer.headers["Upload-Offset"] = str(wrong.offset)
            return answer
        except NotThatHash:
            raise ApiError("hash", "sha256") from None
        return web.Response(status=204, headers={"Upload-Offset": str(here)})

    # Down

    async def _feed(self, request: web.Request) -> web.Response:
        unit = await self._unit(request)
        limit = _asked(request, "limit", 1, wire.ITEMS_MAX, wire.ITEMS_MAX)
        wait_s = _asked(request, "wait", 0, WAIT_MAX_S, 0)
        text = request.query.get("after", "")
        until = asyncio.get_running_loop().time() + wait_s
        while True:
            news = self._wake.next()
            answer = await self._threads.read(partial(self._page, unit=unit, text=text, limit=limit, request=request))
            left_s = until - asyncio.get_running_loop().time()
            if answer["items"] or left_s <= 0:
                return _answer(request, "feed", answer)
            # What was written for others need not be looked at again.
            text = answer["cursor"]
            try:
                async with asyncio.timeout(left_s):
                    await news.wait()
            except TimeoutError:
                return _answer(request, "feed", answer)
            await self._unit(request)

    def _page(self, store: Store, *, unit: str, text: str, limit: int, request: web.Request) -> dict[str, Any]:
        cursor, whose = self._cursor(store, unit, text)
        items, place, more = Items(store).page(whose, cursor.place, limit)
        self._seen[unit] = _Seen(request.remote or "", self._now(), cursor.place)
        told = [item.plain() for item in items]
        after = Cursor(cursor.generation, cursor.partition, place)
        return {"hub": cursor.generation, "cursor": str(after), "more": more, "items": told}

    def _cursor(self, store: Store, unit: str, text: str) -> tuple[Cursor, Partition]:
        """Raises ApiError for one that cannot be gone on from."""
        cursor, whose = Cursor.of(text), Units(store).partition(unit)
        if whose is None:
            raise ApiError("revoked")
        ours = cursor is not None and cursor.generation == store.generation and cursor.partition == whose.number
        if cursor is None or not ours or not Items(store).known_place(cursor.place):
            raise ApiError("cursor_unknown", "after")
        return cursor, whose

    async def _snapshot(self, request: web.Request) -> web.StreamResponse:
        unit = await self._unit(request)
        begun = _RANGE.fullmatch(request.headers.get("Range", ""))
        wanted = request.headers.get("If-Range", "")
        made: snapshot.Snapshot | None = None
        if begun is not None and wanted:
            made = await self._threads.read(lambda store: snapshot.kept(store, _partition(store, unit), wanted))
        first = int(begun[1]) if begun is not None and made is not None else 0
        if made is None:
            made = await self._threads.slow(lambda store: _made(store, unit))
        if first >= made.bytes:
            raise ApiError("range", "Range")
        headers = {
            "Content-Type": "application/gzip", "ETag": made.etag, "Accept-Ranges": "bytes",
            "Content-Length": str(made.bytes - first), "Cache-Control": "no-store",
        }  # fmt: skip
        if first:
            headers["Content-Range"] = f"bytes {first}-{made.bytes - 1}/{made.bytes}"
        response = web.StreamResponse(status=206 if first else 200, headers=headers)
        descriptor = os.open(made.file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            await response.prepare(request)
            while piece := os.pread(descriptor, PIECE, first):
                await response.write(piece)
                first += len(piece)
        finally:
            os.close(descriptor)
        await response.write_eof()
        return response

    async def _digest(self, request: web.Request) -> web.Response:
        unit, text = await self._unit(request), request.query.get("cursor", "")

        def work(store: Store) -> dict[str, Any]:
            cursor, whose = self._cursor(store, unit, text)
            head, kinds = Items(store).digests(whose)
            told = {kind: {"rows": digest.rows, "digest": str(digest)} for kind, digest in kinds.items()}
            return {"cursor": str(Cursor(cursor.generation, cursor.partition, head)), "kinds": told}

        return _answer(request, "digests", await self._threads.slow(work))

    async def _config(self, request: web.Request) -> web.Response:
        unit = await self._unit(request)
        have = _asked(request, "have", 0, wire.definitions()["count"]["maximum"], 0)
        sent: Sent | None = await self._threads.read(lambda store: config_for(store, unit, have))
        if sent is None:
            return web.Response(status=204)
        return web.Response(body=sent.signed, content_type="application/json", headers={"Cache-Control": "no-store"})

    async def _unit(self, request: web.Request) -> str:
        """Who asks, by a certificate that holds now."""
        serial = self._identify(request)
        if serial is None:
            raise ApiError("certificate")
        now = self._now()
        unit, holds = await self._threads.read(lambda store: Units(store).holder(serial, now))
        if unit is None:
            raise ApiError("certificate")
        if not holds:
            raise ApiError("revoked")
        return unit


def _forked(taking: Taking, unit: str, epoch: str, number: int, now: datetime) -> None:
    life = taking.entries.life(unit, epoch)
    if life is not None:
        taking.entries.forked(life, now)
    taking.units.find("forked", unit, epoch, {"n": number}, now)


def _made(store: Store, unit: str) -> snapshot.Snapshot:
    shrunken = store.db.execute("SELECT shrunken FROM unit WHERE id = ?", (unit,)).fetchone()[0]
    return snapshot.make(store, _partition(store, unit), shrunken)


def _partition(store: Store, unit: str) -> Partition:
    whose = Units(store).partition(unit)
    if whose is None:
        raise ApiError("revoked")
    return whose


def _cursor(store: Store, unit: str, place: int) -> Cursor:
    return Cursor(store.generation, _partition(store, unit).number, place)


async def _body(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise ApiError("refused", "Content-Type", "A message is application/json.")
    return await _read(request)


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.RequestPayloadError:
        raise ApiError("refused", "Content-Encoding", "What came was not whole, or not packed as it says.") from None


def _answer(request: web.Request, message: str, value: Mapping[str, Any]) -> web.Response:
    """`message`: the name of the schema that it is by."""
    data = wire.write(value)
    headers = {"Cache-Control": "no-store"}
    if len(data) >= PACKED_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        data = wire.pack(data)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=data, content_type="application/json", headers=headers)


def _asked(request: web.Request, name: str, least: int, most: int, otherwise: int) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise ApiError("refused", name, f"Expected a whole number from {least} to {most}.")
    return int(text)


def _number(request: web.Request, name: str, most: int) -> int:
    text = request.headers.get(name, "")
    if not _WHOLE.fullmatch(text):
        raise ApiError("refused", name, "Expected a whole number.")
    if int(text) > most:
        raise ApiError("too_large", name)
    return int(text)


def _hash(request: web.Request) -> str:
    text = request.match_info["sha256"]
    if not _HASH.fullmatch(text):
        raise ApiError("refused", "sha256", "Expected 64 hexadecimal digits, lower case.")
    return text


def _of_ca(error: CaError) -> ApiError:
    field, _, text = str(error).partition(": ")
    return ApiError("refused", field, f"{text}.")
