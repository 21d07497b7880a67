"""The unit and a hub that lies, drips, is somebody else, loses and repeats: what is said of it; nothing is lost."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from callcontrol.plan.absence import Referral, Source
from firmware.paths import Paths
from firmware.store.changes import Changes
from firmware.store.database import connect, to_text
from firmware.store.load import load
from firmware.sync import wire
from firmware.sync.client import Client, Refused, Unreached, tls_of
from firmware.sync.down import Down
from firmware.sync.listing import items
from firmware.sync.membership import Certificate, Membership, MembershipError, machine_id, request
from firmware.sync.shown import SyncShown
from firmware.sync.talking import Memory, Renewed, Stores, Talking, Turn
from firmware.sync.up import Up
from firmware.sync.wire import Digest, Item
from hil.municipality import generate

HUB = "a" * 16
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def signed(csr: str, unit: str = "u7", days: int = 90, since: datetime | None = None) -> str:
    """By a CA of the moment; nobody checks whose it is here."""
    begins = since or datetime.now(UTC) - timedelta(minutes=1)
    asked = x509.load_pem_x509_csr(csr.encode())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, unit)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")]))
        .public_key(asked.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def member_of(folder: Path, url: str, **how: Any) -> Membership:
    asked = request("norrby-1")
    said = {
        "unit": "u7",
        "certificate": signed(asked.csr, **how),
        "ca": "-----BEGIN CERTIFICATE-----\n",
        "config_key": "A" * 43 + "=",
    }
    return Membership.keep(folder, url, asked, said)


@dataclass
class Hub:
    """Holds what it is told, and says what a test puts into it. `instead`: by path, who answers in its place."""

    url: str = ""
    generation: str = HUB
    entries: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    backed_up: int = 0
    pages: list[list[Item]] = field(default_factory=list)
    town: list[Item] = field(default_factory=list)
    sounds: dict[str, bytes] = field(default_factory=dict)
    state: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    instead: dict[str, Handler] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    sessions: list[Mapping[str, Any]] = field(default_factory=list)
    come: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/{tail:.*}", self._any)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield
        await runner.cleanup()

    async def _any(self, asked: web.Request) -> web.StreamResponse:
        self.asked.append(f"{asked.method} {asked.path}")
        if (other := self.instead.get(asked.path)) is not None:
            return await other(asked)
        name = asked.path.split("/")[2]
        made: web.StreamResponse = await getattr(self, name)(asked)
        made.headers[wire.HEADER] = "1"
        return made

    async def session(self, asked: web.Request) -> web.Response:
        said = await _told("session", asked)
        self.sessions.append(said)
        epochs = said["epochs"]
        return answer(
            {
                "schema": 1, "hub": self.generation, "session": "s" * 16, "time": to_text(datetime.now(UTC)),
                "held": {epoch: self.held(epoch) for epoch in epochs},
                "backed_up": dict.fromkeys(epochs, self.backed_up),
                "cursor_known": said["cursor"] is not None and said["hub"] == self.generation,
            }
        )  # fmt: skip

    def held(self, epoch: str) -> int:
        held = 0
        while (epoch, held + 1) in self.entries:
            held += 1
        return held

    async def outbox(self, asked: web.Request) -> web.Response:
        said = await _told("outbox", asked)
        epoch, refused = said["epoch"], []
        for entry in said["entries"]:
            known = self.entries.get((epoch, entry["n"]))
            if known is not None and wire.Entry.of(known).content != wire.Entry.of(entry).content:
                return refusal("forked", n=entry["n"])
            if "sound" in entry and entry["sound"]["sha256"] not in self.sounds:
                refused.append({"n": entry["n"], "why": "sound"})
            else:
                self.entries[epoch, entry["n"]] = dict(entry)
        held = self.held(epoch)
        above = [[n, n] for of, n in sorted(self.entries) if of == epoch and n > held]
        self.come.set()
        return answer(
            {"held": held, "above": above, "backed_up": self.backed_up, "cursor": self.cursor, "refused": refused}
        )

    async def feed(self, asked: web.Request) -> web.Response:
        generation, _, place = asked.query["after"].partition(".")
        if generation != self.generation:
            return refusal("cursor_unknown")
        for _ in range(20):
            if int(place) < len(self.pages):
                found, at = self.pages[int(place)], int(place) + 1
                more = at < len(self.pages)
                return answer(
                    {
                        "hub": self.generation,
                        "cursor": f"{generation}.{at}",
                        "more": more,
                        "items": [x.plain() for x in found],
                    }
                )
            await asyncio.sleep(0.05)
        return answer({"hub": self.generation, "cursor": asked.query["after"], "more": False, "items": []})

    @property
    def cursor(self) -> str:
        return f"{self.generation}.{len(self.pages)}"

    def whole(self) -> bytes:
        digest = Digest.of(self.town)
        head = {
            "hub": self.generation,
            "cursor": self.cursor,
            "schema": 1,
            "counts": {},
            "shrink_allowed": False,
        } | self.head
        lines = [head, *(x.plain() for x in self.town), {"end": True, "rows": digest.rows, "digest": str(digest)}]
        return gzip.compress(b"".join(wire.write(line) + b"\n" for line in lines), mtime=0)

    async def snapshot(self, asked: web.Request) -> web.StreamResponse:
        return ranged(asked, self.whole())

    async def digest(self, asked: web.Request) -> web.Response:
        kinds = {}
        for kind in {x.kind for x in self.town}:
            made = Digest.of(x for x in self.town if x.kind == kind)
            kinds[kind] = {"rows": made.rows, "digest": str(made)}
        return answer({"cursor": asked.query["cursor"], "kinds": kinds})

    async def sound(self, asked: web.Request) -> web.Response:
        name = asked.path.rpartition("/")[2]
        held = self.sounds.get(f"part {name}", self.sounds.get(name, b""))
        if asked.method == "PATCH":
            if int(asked.headers["Upload-Offset"]) != len(held):
                return refusal("offset", headers={"Upload-Offset": str(len(held))})
            held += await asked.read()
            whole = len(held) == int(asked.headers["Upload-Length"])
            self.sounds[name if whole else f"part {name}"] = held
        return web.Response(status=204 if asked.method == "PATCH" else 200, headers={"Upload-Offset": str(len(held))})


def answer(body: Mapping[str, Any]) -> web.Response:
    return web.Response(
        body=wire.pack(wire.write(body)), headers={"Content-Encoding": "gzip"}, content_type="application/json"
    )


def refusal(word: str, headers: Mapping[str, str] | None = None, **more: Any) -> web.Response:
    status, text = wire.ERRORS[word]
    body = wire.write({"error": word, "field": None, "text": text} | more)
    return web.Response(
        status=status, body=body, headers={wire.HEADER: "1", **(headers or {})}, content_type="application/json"
    )


def ranged(asked: web.Request, whole: bytes) -> web.Response:
    etag = f'"{hash(whole)}"'
    at = asked.headers.get("Range", "")
    if at and asked.headers.get("If-Range") == etag:
        begin = int(at.removeprefix("bytes=").rstrip("-"))
        if begin >= len(whole):
            return refusal("range")
        head = {"ETag": etag, "Content-Range": f"bytes {begin}-{len(whole) - 1}/{len(whole)}"}
        return web.Response(status=206, body=whole[begin:], headers=head, content_type="application/gzip")
    return web.Response(body=whole, headers={"ETag": etag}, content_type="application/gzip")


async def _told(name: str, asked: web.Request) -> Mapping[str, Any]:
    data = await asked.read()  # aiohttp's server unpacks it
    return wire.read(name, data)


@dataclass
class Rig:
    hub: Hub
    paths: Paths
    shown: list[SyncShown] = field(default_factory=lambda: [SyncShown()])
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    now_asked: asyncio.Event = field(default_factory=asyncio.Event)
    held_back: str = ""
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.stores = Stores(lambda: Up(self.paths), lambda: Down(self.paths))
        self.member = member_of(self.paths.sync, "https://hub.example")

    async def talk(self, within_s: float = 20.0, until: Callable[[], bool] = lambda: False) -> BaseException | None:
        """One session: what ended it; None when `until` was so."""
        async with Client(self.hub.url, tls_of(None), patient_s=1.0) as client:
            talking = Talking(
                client=client, member=self.member, stores=self.stores, machine=machine_id(), shown=self.shown,
                wake=self.wake, look=asyncio.Event(), now_asked=self.now_asked, held_back=lambda: self.held_back,
                config=lambda: {"version": 0, "state": "none", "sha256": None, "override": False}, spread=0.5, wait_s=1,
                memory=self.memory,
            )  # fmt: skip
            task = asyncio.create_task(talking.run())
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while not task.done() and not until():  # noqa: ASYNC110  what a test waits for is no event
                        await asyncio.sleep(0.02)
            if task.done():
                return task.exception()
            assert until(), f"not within {within_s} s: {self.hub.asked[-5:]}, {self.shown[0]}"
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return None

    def directory(self) -> str:
        db = connect(self.paths.directory, "directory")
        made = str(Digest.of(items(db)))
        db.close()
        return made

    def changes(self) -> Changes:
        return Changes.open(self.paths.journal)

    def waiting(self) -> int:
        db = connect(self.paths.journal, "journal")
        (count,) = db.execute("SELECT count(*) FROM outbox WHERE held = 0").fetchone()
        db.close()
        return int(count)

    def refer(self, count: int, first: int = 0) -> None:
        changes = self.changes()
        for n in range(first, first + count):
            changes.refer([
                Referral(
                    id=f"r{n}", extension=str(1000 + n), reason="lunch", start=NOW, until=NOW + timedelta(hours=1),
                    source=Source.PAGE, set_by="1000", set_at=NOW,
                )
            ])  # fmt: skip
        changes.close()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    hub = Hub()
    (tmp_path / "run").mkdir()
    async with hub.running():
        made = Rig(hub, Paths(tmp_path))
        yield made
        made.stores.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    db = connect(tmp_path_factory.mktemp("hub") / "directory.db", "directory")
    load(db, generate(60), "test", NOW)
    found = list(items(db))
    db.close()
    return found


def all_held(rig: Rig, count: int) -> Callable[[], bool]:
    return lambda: len(rig.hub.entries) >= count


async def test_what_was_made_goes_up_once_and_what_the_hub_knows_comes_down(rig: Rig, town: list[Item]) -> None:
    rig.hub.town = town
    rig.refer(3)
    assert await rig.talk(until=lambda: len(rig.hub.entries) == 3 and bool(rig.shown[0].whole_at)) is None
    assert rig.directory() == str(Digest.of(town))
    assert {entry["body"]["id"] for entry in rig.hub.entries.values()} == {"r0", "r1", "r2"}
    assert rig.shown[0].connected
    # A page; and what is written while it is connected goes at once.
    victim = next(x for x in town if x.kind == "person")
    rig.hub.pages.append([Item("person", victim.id, dict(victim.row or {}) | {"title": "Rektor"})])

    async def write() -> None:
        await asyncio.sleep(0.3)
        rig.refer(1, 3)
        rig.wake.set()

    writing = asyncio.create_task(write())
    assert await rig.talk(until=all_held(rig, 4)) is None
    await writing
    assert rig.hub.asked.count("GET /v1/snapshot") == 1
    assert await rig.talk(until=lambda: rig.hub.asked.count("GET /v1/feed") > 3) is None
    assert rig.directory() != str(Digest.of(town))


async def test_what_the_hub_has_acknowledged_is_sent_no_more_and_what_it_lost_is(rig: Rig) -> None:
    rig.refer(5)
    await rig.talk(until=lambda: len(rig.hub.entries) == 5 and rig.waiting() == 0)
    asked = rig.hub.asked.count("POST /v1/outbox")
    await rig.talk(until=lambda: len(rig.hub.sessions) == 2 and rig.shown[0].waiting == 0)
    assert rig.hub.asked.count("POST /v1/outbox") == asked
    # A hub that was restored from before: its generation is another, and three rows are gone.
    rig.hub.generation = "b" * 16
    for key in sorted(rig.hub.entries)[2:]:
        del rig.hub.entries[key]
    states: list[Mapping[str, Any]] = []

    async def state(asked: web.Request) -> web.Response:
        states.append(await _told("state", asked))
        made = answer({"taken": len(states[-1]["items"])})
        made.headers[wire.HEADER] = "1"
        return made

    rig.hub.instead["/v1/state"] = state
    await rig.talk(until=all_held(rig, 5))
    assert {x["id"] for said in states for x in said["items"]} == {f"r{n}" for n in range(5)}


async def test_an_answer_that_is_lost_doubles_nothing(rig: Rig) -> None:
    rig.refer(4)
    real = rig.hub.outbox

    async def lost(asked: web.Request) -> web.StreamResponse:
        await real(asked)
        del rig.hub.instead["/v1/outbox"]
        assert asked.transport is not None
        asked.transport.abort()
        return web.Response()

    rig.hub.instead["/v1/outbox"] = lost
    ended = await rig.talk(until=all_held(rig, 99))
    assert isinstance(ended, Unreached)
    assert len(rig.hub.entries) == 4
    await rig.talk(until=lambda: rig.shown[0].connected and rig.hub.asked.count("POST /v1/session") == 2)
    assert len(rig.hub.entries) == 4


async def test_a_hub_that_holds_another_row_by_a_number_makes_another_life(rig: Rig) -> None:
    rig.refer(2)
    await rig.talk(until=all_held(rig, 2))
    (epoch, first) = min(rig.hub.entries)
    rig.hub.entries[epoch, 3] = rig.hub.entries[epoch, first] | {"n": 3, "subject": "another"}
    rig.refer(1, 2)
    ended = await rig.talk(until=all_held(rig, 99))
    assert isinstance(ended, Turn)
    assert rig.shown[0].forked_at
    await rig.talk(until=all_held(rig, 4))
    assert {entry["body"]["id"] for entry in rig.hub.entries.values()} >= {"r0", "r1", "r2"}
    assert len({epoch for epoch, _ in rig.hub.entries}) == 2


async def test_a_row_that_the_hub_cannot_read_stops_no_other(rig: Rig) -> None:
    rig.refer(3)
    real = rig.hub.outbox

    async def picky(asked: web.Request) -> web.StreamResponse:
        said = await _told("outbox", asked)
        for place, entry in enumerate(said["entries"]):
            if entry["body"]["id"] == "r1":
                return refusal("refused", field=f"entries.{place}.body")
        made = await real(asked)
        made.headers[wire.HEADER] = "1"
        return made

    rig.hub.instead["/v1/outbox"] = picky
    await rig.talk(until=all_held(rig, 2))
    assert rig.shown[0].refused == 1


async def test_a_snapshot_goes_on_from_where_it_was_cut(rig: Rig, town: list[Item]) -> None:
    rig.hub.town = town
    cuts: list[int] = []

    async def cut(asked: web.Request) -> web.StreamResponse:
        made = ranged(asked, rig.hub.whole())
        body = made.body
        assert isinstance(body, bytes)
        cuts.append(len(body))
        if len(cuts) == 4:
            del rig.hub.instead["/v1/snapshot"]
        out = web.StreamResponse(status=made.status, headers={**made.headers, wire.HEADER: "1"})
        out.content_length = len(body)
        await out.prepare(asked)
        await out.write(body[: len(body) // 2])
        await asyncio.sleep(0.1)
        assert asked.transport is not None
        asked.transport.abort()
        return out

    rig.hub.instead["/v1/snapshot"] = cut
    for _ in range(4):
        assert isinstance(await rig.talk(until=lambda: bool(rig.shown[0].whole_at)), Unreached)
    assert await rig.talk(until=lambda: bool(rig.shown[0].whole_at)) is None
    assert cuts == sorted(cuts, reverse=True)
    assert cuts[3] < cuts[0] / 4
    assert rig.directory() == str(Digest.of(town))


async def test_a_snapshot_that_is_another_one_now_begins_anew(rig: Rig, town: list[Item]) -> None:
    rig.hub.town = town
    (rig.paths.sync / "snapshot.gz").write_bytes(b"x" * 100)
    (rig.paths.sync / "snapshot.etag").write_text('"old"\n5000\n')
    await rig.talk(until=lambda: bool(rig.shown[0].whole_at))
    assert rig.directory() == str(Digest.of(town))
    assert not (rig.paths.sync / "snapshot.gz").exists()


async def test_half_a_directory_is_held_until_somebody_allows_it(rig: Rig, town: list[Item]) -> None:
    rig.hub.town = town
    await rig.talk(until=lambda: bool(rig.shown[0].whole_at))
    people = [x for x in town if x.kind == "person"]
    phones = {str((x.row or {})["person"]): x for x in town if x.kind == "extension"}
    lost = [y for x in people[:30] for y in (x, phones[x.id])]
    rig.hub.pages.append([Item(x.kind, x.id, None) for x in lost])
    other = dict(people[40].row or {}) | {"title": "Rektor"}
    rig.hub.pages.append([Item("person", people[40].id, other)])
    await rig.talk(until=lambda: rig.shown[0].gone == 30 and rig.hub.asked.count("GET /v1/feed") >= 3)
    db = connect(rig.paths.directory, "directory")
    assert db.execute("SELECT count(*) FROM person").fetchone()[0] == 60
    assert db.execute("SELECT title FROM person WHERE id = ?", (people[40].id,)).fetchone()[0] == "Rektor"
    # Nobody allowed it: a snapshot holds them too, and whoever comes back is counted no more.
    rig.hub.town = [x for x in town if x not in lost[:50]]
    rig.now_asked.set()
    await rig.talk(until=lambda: rig.shown[0].gone == 25)
    assert await rig.stores.down(Down.allow)
    await rig.talk(until=lambda: rig.shown[0].gone == 0)
    assert db.execute("SELECT count(*) FROM person").fetchone()[0] == 35
    db.close()


async def test_a_digest_that_differs_is_mended_once_and_then_named(rig: Rig, town: list[Item]) -> None:
    rig.hub.town = town
    await rig.talk(until=lambda: bool(rig.shown[0].whole_at))
    db = connect(rig.paths.directory, "directory")
    db.execute("UPDATE person SET title = 'fel' WHERE id = 'p000001'")
    rig.now_asked.set()
    first = rig.shown[0].whole_at
    await rig.talk(until=lambda: rig.shown[0].whole_at != first and not rig.memory.mended)
    assert rig.directory() == str(Digest.of(town))
    # It is found, and the line is cut before the snapshot: that comes next, whatever was cut.
    db.execute("UPDATE person SET title = 'fel' WHERE id = 'p000001'")
    rig.now_asked.set()
    rig.hub.instead["/v1/snapshot"] = abort
    assert isinstance(await rig.talk(), Unreached)
    del rig.hub.instead["/v1/snapshot"]
    second = rig.shown[0].whole_at
    await rig.talk(until=lambda: rig.shown[0].whole_at != second and not rig.memory.mended)
    assert rig.directory() == str(Digest.of(town))
    db.close()


async def test_what_a_snapshot_does_not_mend_is_named_and_not_fetched_again_and_again(
    rig: Rig, town: list[Item]
) -> None:
    rig.hub.town = town

    async def other(asked: web.Request) -> web.Response:
        made = answer({"cursor": asked.query["cursor"], "kinds": {"person": {"rows": 1, "digest": "0" * 32}}})
        made.headers[wire.HEADER] = "1"
        return made

    rig.hub.instead["/v1/digest"] = other
    await rig.talk(until=lambda: bool(rig.shown[0].whole_at))
    rig.now_asked.set()
    await rig.talk(until=lambda: "person" in rig.shown[0].differs)
    asked = rig.hub.asked.count("GET /v1/feed")
    await rig.talk(until=lambda: rig.hub.asked.count("GET /v1/feed") > asked + 1)
    assert rig.hub.asked.count("GET /v1/snapshot") == 2


async def test_credentials_of_a_hub_that_has_none_stay_the_units_own(rig: Rig, town: list[Item]) -> None:
    db = connect(rig.paths.directory, "directory")
    db.execute("INSERT INTO credential VALUES ('1001', 1, ?, NULL, 'r', '1001', ?)", ("0" * 32, to_text(NOW)))
    rig.hub.town = town
    await rig.talk(until=lambda: bool(rig.shown[0].whole_at))
    assert db.execute("SELECT count(*) FROM credential").fetchone()[0] == 1
    db.close()


async def test_sound_goes_before_its_row_and_goes_on_where_it_was_cut(rig: Rig) -> None:
    rig.paths.messages.mkdir()
    sound = bytes(range(256)) * 1500
    (rig.paths.messages / "abc1.wav").write_bytes(sound)
    db = connect(rig.paths.journal, "journal")
    from firmware.store import outbox
    from firmware.store.database import transact

    transact(db, lambda: outbox.add(db, NOW, "message", "1001", {"id": "abc1", "length_ms": 1000}))
    real, cut = rig.hub.sound, [3]

    async def flaky(asked: web.Request) -> web.StreamResponse:
        made = await real(asked)
        made.headers[wire.HEADER] = "1"
        if asked.method == "PATCH" and cut:
            cut.pop()
            assert asked.transport is not None
            asked.transport.abort()
        return made

    name = __import__("hashlib").sha256(sound).hexdigest()
    rig.hub.instead[f"/v1/sound/{name}"] = flaky
    assert isinstance(await rig.talk(until=all_held(rig, 1)), Unreached)
    assert not rig.hub.entries
    await rig.talk(until=all_held(rig, 1))
    assert rig.hub.sounds[name] == sound
    assert next(iter(rig.hub.entries.values()))["sound"] == {"sha256": name, "bytes": len(sound)}
    db.close()


async def test_when_power_is_low_only_what_is_important_goes(rig: Rig) -> None:
    db = connect(rig.paths.journal, "journal")
    from firmware.store import outbox
    from firmware.store.database import transact

    transact(db, lambda: outbox.add(db, NOW, "look", "1001", {"id": "x"}))
    rig.refer(1)
    rig.held_back = "power"
    await rig.talk(until=all_held(rig, 1))
    assert [entry["kind"] for entry in rig.hub.entries.values()] == ["referral"]
    rig.held_back = ""
    await rig.talk(until=all_held(rig, 2))
    db.close()


async def html(asked: web.Request) -> web.Response:
    return web.Response(text="<html>Welcome to Hotel", content_type="text/html")


async def portal(asked: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "https://login.hotel.example/?a=b"})


async def newer(asked: web.Request) -> web.Response:
    return web.Response(text="{}", headers={wire.HEADER: "2"}, content_type="application/json")


async def drip(asked: web.Request) -> web.StreamResponse:
    out = web.StreamResponse(headers={wire.HEADER: "1"})
    out.content_type = "application/json"
    await out.prepare(asked)
    while True:
        await out.write(b" ")
        await asyncio.sleep(0.05)


async def silent(asked: web.Request) -> web.Response:
    await asyncio.sleep(60)
    raise AssertionError


async def bomb(asked: web.Request) -> web.Response:
    body = gzip.compress(bytes(8 << 20))
    return web.Response(
        body=body, headers={wire.HEADER: "1", "Content-Encoding": "gzip"}, content_type="application/json"
    )


async def nonsense(asked: web.Request) -> web.Response:
    return web.Response(text='{"schema": "one"}', headers={wire.HEADER: "1"}, content_type="application/json")


async def fault(asked: web.Request) -> web.Response:
    return web.Response(status=502, text="<html>Bad gateway", content_type="text/html")


async def busy(asked: web.Request) -> web.Response:
    return refusal("busy", headers={"Retry-After": "30"})


async def abort(asked: web.Request) -> web.Response:
    assert asked.transport is not None
    asked.transport.abort()
    return web.Response()


LIARS: tuple[tuple[Handler, str, str], ...] = (
    (html, "not_the_hub", "200, text/html"),
    (portal, "redirected", "to login.hotel.example"),
    (newer, "too_new", "schema 2"),
    (drip, "timeout", "drips"),
    (silent, "timeout", "no answer"),
    (bomb, "not_understood", "unpacked"),
    (nonsense, "not_understood", "is missing"),
    (fault, "not_the_hub", "502, text/html"),
    (abort, "broken", ""),
)


PATHS = ("/v1/session", "/v1/outbox", "/v1/feed", "/v1/snapshot")


@pytest.mark.parametrize(
    ("liar", "why", "detail", "path"),
    [
        *((*each, path) for each in LIARS if each[0] in (html, portal, abort) for path in PATHS),
        *((*each, "/v1/feed") for each in LIARS if each[0] not in (html, portal, abort)),
    ],
)
async def test_who_answers_in_the_hubs_place_is_named_and_nothing_is_taken_or_lost(
    rig: Rig, town: list[Item], path: str, liar: Handler, why: str, detail: str
) -> None:
    rig.hub.town = town
    rig.refer(1)
    if path == "/v1/feed":
        await rig.talk(until=lambda: bool(rig.shown[0].whole_at))
    before = rig.directory()
    rig.hub.instead[path] = liar
    ended = await rig.talk()
    assert isinstance(ended, Unreached)
    assert (ended.why, detail in ended.detail) == (why, True), ended
    assert "a=b" not in str(ended)
    assert rig.directory() in (before, str(Digest.of(town)))
    del rig.hub.instead[path]
    assert await rig.talk(until=lambda: len(rig.hub.entries) == 1 and bool(rig.shown[0].whole_at)) is None
    assert rig.directory() == str(Digest.of(town))


async def test_a_hub_that_asks_for_time_is_heard(rig: Rig) -> None:
    rig.hub.instead["/v1/session"] = busy
    ended = await rig.talk()
    assert isinstance(ended, Refused)
    assert (ended.error, ended.after_s) == ("busy", 30.0)


async def test_a_feed_that_stands_still_is_not_followed_for_ever(rig: Rig) -> None:
    await rig.talk(until=lambda: bool(rig.shown[0].whole_at))

    async def still(asked: web.Request) -> web.Response:
        made = answer({"hub": HUB, "cursor": asked.query["after"], "more": True, "items": []})
        made.headers[wire.HEADER] = "1"
        return made

    rig.hub.instead["/v1/feed"] = still
    ended = await rig.talk()
    assert isinstance(ended, Unreached)
    assert "stands still" in ended.detail


async def test_a_certificate_is_renewed_after_two_thirds_of_its_life(rig: Rig) -> None:
    rig.member = member_of(rig.paths.sync, "https://hub.example", days=90, since=datetime.now(UTC) - timedelta(days=61))
    before = rig.member.key_file.read_text()

    async def renew(asked: web.Request) -> web.Response:
        said = await _told("renew", asked)
        made = answer(
            {"certificate": signed(said["csr"]), "ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}
        )
        made.headers[wire.HEADER] = "1"
        return made

    rig.hub.instead["/v1/renew"] = renew
    assert isinstance(await rig.talk(), Renewed)
    assert rig.member.key_file.read_text() != before
    kept = Membership.read(rig.paths.sync)
    assert kept is not None
    assert "AAAA" in kept.ca
    assert not kept.certificate().renew_due(datetime.now(UTC))


async def test_a_certificate_of_another_unit_or_key_is_not_kept(rig: Rig) -> None:
    made, other = request("norrby-1"), request("norrby-1")
    before = rig.member.key_file.read_text()
    with pytest.raises(MembershipError, match="another unit's"):
        rig.member.put_certificate(made, signed(made.csr, unit="u8"))
    with pytest.raises(MembershipError, match="of another key"):
        rig.member.put_certificate(made, signed(other.csr))
    assert rig.member.key_file.read_text() == before
    assert rig.member.key_file.stat().st_mode & 0o777 == 0o600
    assert Certificate.of(signed(made.csr)).unit == "u7"


async def test_what_is_asked_as_a_session_ends_is_an_obstacle_and_no_fault(rig: Rig) -> None:
    async with Client(rig.hub.url, tls_of(None)) as client:
        pass
    with pytest.raises(Unreached, match="the session is over"):
        await client.ask("GET", "/v1/config")


def test_where_nobody_listens_or_no_name_is_that_is_said() -> None:
    async def ask(url: str) -> str:
        async with Client(url, tls_of(None), patient_s=2.0) as client:
            try:
                await client.ask("GET", "/v1/digest", "digests")
            except Unreached as error:
                return error.why
        return ""

    assert asyncio.run(ask("https://127.0.0.1:1")) == "refused"
    assert asyncio.run(ask("https://hub.invalid")) == "name"
    assert asyncio.run(ask("https://[::1]:1")) in ("refused", "no_way")
