"""The real process `sync` against the real hub, over mutual TLS: whoever is killed, whenever, all arrives, once."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from callcontrol.plan.absence import Referral, Source
from firmware.paths import Paths
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.load import load
from firmware.sync.listing import items
from firmware.sync.membership import Membership
from firmware.sync.shown import SyncShown
from firmware.sync.wire import Digest, Item
from hil.municipality import generate
from tools.hub.backup import back_up, restore
from tools.hub.place import Place
from tools.hub.testing import Running, made, running

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
STEP_S = 20.0
PLACES = tuple(f"m{number}" for number in range(1, 7))

HUB = """
import asyncio, contextlib, signal, sys
from pathlib import Path
from tools.hub.backup import back_up, restore
from tools.hub.place import Place
from tools.hub.testing import running
async def main():
    async with running(Path(sys.argv[1]), int(sys.argv[2])):
        print("up", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@dataclass
class Branch:
    """A unit, of which `sync` alone runs."""

    folder: Path
    url: str
    process: subprocess.Popen[bytes] | None = None
    written: int = 0
    more: str = ""

    def __post_init__(self) -> None:
        self.paths = Paths(self.folder / "state")
        self.folder.mkdir(exist_ok=True)
        self.config = self.folder / "unit.toml"
        self.configure(self.url)

    def configure(self, url: str) -> None:
        self.config.write_text(
            f'[unit]\nname = "norrby-1"\nstate_dir = "{self.paths.state}"\n[edge]\nlisten = ["udp:127.0.0.1:5060"]\n'
            f'[sync]\nhub = "{url}"\nwait_s = 5\n{self.more}'
        )

    def rvx(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "tools.cli", *words, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    async def enrol(self, hub: Running, *more: str, code: str = "") -> None:
        code = code or hub.code(municipalities=PLACES, serves=("100000-699999",))[1]
        words = ("enrol", hub.url, code, *(more or ("--ca", str(hub.ca))))
        done = await asyncio.to_thread(self.rvx, *words)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "firmware.app", "sync", "--config", str(self.config)]
        with (self.folder / "sync.log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(10)
        self.process = None
        return code

    @property
    def shown(self) -> SyncShown:
        return SyncShown.read(self.paths.sync_shown) or SyncShown()

    def refer(self, count: int) -> None:
        with closing(Changes.open(self.paths.journal)) as changes:
            for _ in range(count):
                self.written += 1
                changes.refer([
                    Referral(
                        id=f"{self.folder.name}-{self.written}", extension=str(100_000 + self.written), reason="lunch",
                        start=NOW, until=NOW + timedelta(hours=1), source=Source.PAGE, set_by="1", set_at=NOW,
                    )
                ])  # fmt: skip

    def digest(self) -> str:
        if not self.paths.directory.exists():
            return ""
        with closing(connect(self.paths.directory, "directory")) as db:
            return str(Digest.of(items(db, ["person", "extension", "unit", "entity"])))

    def referrals(self) -> set[str]:
        with closing(connect(self.paths.journal, "journal")) as db:
            return {name for (name,) in db.execute("SELECT id FROM referral")}

    def log(self) -> str:
        return f"{(self.folder / 'sync.log').read_text()[-3000:]}{self.shown}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    with closing(connect(tmp_path_factory.mktemp("town") / "directory.db", "directory")) as db:
        load(db, generate(600), "test", NOW)
        return list(items(db))


def told(town: list[Item]) -> str:
    return str(Digest.of(item for item in town if item.kind in ("person", "extension", "unit", "entity")))


@pytest.fixture
def place() -> Iterator[Path]:
    """Which the edge's user may enter, as every process of a unit makes sure of."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def branches() -> Iterator[Callable[[Path, str], Branch]]:
    with ExitStack() as stack:

        def make(folder: Path, url: str) -> Branch:
            branch = Branch(folder, url)
            stack.callback(branch.stop)
            return branch

        yield make


async def until(so: Callable[[], bool], what: Callable[[], object], within_s: float = STEP_S) -> None:
    end = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < end, what()
        await asyncio.sleep(0.1)


def held(hub: Running, kind: str = "referral") -> list[str]:
    """Ids of the entries that the hub holds, as often as it holds them."""
    rows = hub.store.db.execute("SELECT body FROM entry WHERE kind = ? ORDER BY seq", (kind,))
    return [json.loads(body)["id"] for (body,) in rows]


async def test_enrolled_a_branch_is_told_all_and_tells_all(
    place: Path, town: list[Item], branches: Callable[[Path, str], Branch]
) -> None:
    async with running(place / "hub") as hub:
        hub.publish(town)
        branch = branches(place / "branch", hub.url)
        branch.start()  # before it is enrolled
        await until(lambda: branch.shown.why == "not_enrolled", branch.log)
        assert branch.rvx("sync", "status").returncode == 3
        await branch.enrol(hub)
        branch.refer(3)
        await until(lambda: branch.digest() == told(town), branch.log)
        await until(lambda: len(held(hub)) == 3, branch.log)
        # A change at the hub, and one here: within seconds at the other.
        victim = next(item for item in town if item.kind == "person")
        other = Item("person", victim.id, dict(victim.row or {}) | {"title": "Rektor"})
        later = [other if item is victim else item for item in town]
        began = time.monotonic()
        hub.publish(later)
        branch.refer(1)
        await until(lambda: branch.digest() == told(later) and len(held(hub)) == 4, branch.log, 10.0)
        print(f"seen after {time.monotonic() - began:.2f} s")
        await until(lambda: branch.shown.connected and branch.shown.waiting == 0, branch.log)
        done = await asyncio.to_thread(branch.rvx, "sync", "status")
        assert done.returncode == 0
        assert "reached since" in done.stdout
        assert (await asyncio.to_thread(branch.rvx, "sync", "now")).returncode == 0
        assert branch.stop(signal.SIGTERM) == 0


async def test_a_branch_killed_at_any_moment_loses_and_doubles_nothing(
    place: Path, town: list[Item], branches: Callable[[Path, str], Branch]
) -> None:
    chance = random.Random(7)
    async with running(place / "hub") as hub:
        hub.publish(town)
        branch = branches(place / "branch", hub.url)
        await branch.enrol(hub)
        now = town
        for turn in range(8):
            branch.start()
            branch.refer(40)
            now = [
                Item(item.kind, item.id, dict(item.row or {}) | {"title": f"{turn}"}) if item.kind == "person" else item
                for item in town
            ]
            hub.publish(now)
            await asyncio.sleep(0.6 + chance.random() * 1.2)
            await asyncio.to_thread(branch.stop)
        branch.start()
        await until(lambda: branch.digest() == told(now), branch.log)
        await until(lambda: len(held(hub)) >= branch.written, branch.log)
        assert sorted(held(hub)) == sorted(branch.referrals())
        with closing(connect(branch.paths.directory, "directory")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM aside").fetchone() == (0,)


@dataclass
class Apart:
    """A hub in a process of its own, that can be killed."""

    state: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        command = [sys.executable, "-c", HUB, str(self.state), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"up\n"

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


def free_port() -> int:
    import socket

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@contextmanager
def apart(state: Path, port: int = 0) -> Iterator[tuple[Apart, Running]]:
    place, store = made(state)
    hub = Apart(state, port or free_port())
    try:
        yield hub, Running(f"https://127.0.0.1:{hub.port}", place.ca / "ca.pem", place, store)
    finally:
        hub.stop()
        store.close()


async def test_a_hub_killed_at_any_moment_loses_and_doubles_nothing(
    place: Path, town: list[Item], branches: Callable[[Path, str], Branch]
) -> None:
    chance = random.Random(8)
    with apart(place / "hub") as (hub, seen):
        hub.start()
        seen.publish(town)
        branch = branches(place / "branch", seen.url)
        await branch.enrol(seen)
        branch.start()
        for _ in range(6):
            branch.refer(40)
            await asyncio.sleep(0.3 + chance.random())
            await asyncio.to_thread(hub.stop)
            branch.refer(5)
            await asyncio.sleep(chance.random())
            await asyncio.to_thread(hub.start)
            await asyncio.to_thread(branch.rvx, "sync", "now")
        await until(lambda: len(held(seen)) >= branch.written, branch.log)
        assert sorted(held(seen)) == sorted(branch.referrals())
        await until(lambda: branch.digest() == told(town), branch.log)


async def test_a_hub_made_of_an_older_copy_hears_again_what_it_has_lost(
    place: Path, town: list[Item], branches: Callable[[Path, str], Branch]
) -> None:
    port = free_port()
    with apart(place / "hub", port) as (hub, seen):
        hub.start()
        seen.publish(town)
        branch = branches(place / "branch", seen.url)
        await branch.enrol(seen)
        branch.start()
        branch.refer(3)
        await until(lambda: len(held(seen)) == 3 and branch.digest() == told(town), branch.log)
        copy = back_up(seen.store, place / "copies", datetime.now(UTC))
        branch.refer(4)  # which no copy has
        await until(lambda: len(held(seen)) == 7, branch.log)
        generation = seen.store.generation
    restore(copy.folder, Place(place / "again"), datetime.now(UTC)).close()
    with apart(place / "again", port) as (hub, seen):
        assert seen.store.generation != generation
        assert len(held(seen)) == 3
        hub.start()
        await asyncio.to_thread(branch.rvx, "sync", "now")
        await until(lambda: len(held(seen)) == 7, lambda: (branch.log(), held(seen)))
        assert sorted(held(seen)) == sorted(branch.referrals())
        await until(lambda: branch.digest() == told(town) and branch.shown.connected, branch.log)


async def test_a_copied_card_is_named_and_what_both_say_is_taken(
    place: Path, town: list[Item], branches: Callable[[Path, str], Branch]
) -> None:
    async with running(place / "hub") as hub:
        hub.publish(town)
        one = branches(place / "one", hub.url)
        await one.enrol(hub)
        one.start()
        one.refer(2)
        await until(lambda: len(held(hub)) == 2 and one.digest() == told(town), one.log)
        await asyncio.to_thread(one.stop)
        shutil.copytree(one.paths.state, place / "two" / "state", ignore=shutil.ignore_patterns("run"))
        two = branches(place / "two", hub.url)
        one.start()
        two.start()
        one.refer(2)
        two.refer(3)
        await until(lambda: len(set(held(hub))) == 7, lambda: (one.log(), two.log(), held(hub)))
        assert len(held(hub)) == 7
        await until(lambda: len(one.referrals()) == 7 and len(two.referrals()) == 7, lambda: (one.log(), two.log()))
        await until(lambda: bool(one.shown.forked_at or two.shown.forked_at), lambda: (one.shown, two.shown))


async def test_a_revoked_unit_is_told_so_and_says_it(place: Path, branches: Callable[[Path, str], Branch]) -> None:
    from tools.hub.units import Units

    async with running(place / "hub") as hub:
        branch = branches(place / "branch", hub.url)
        await branch.enrol(hub)
        branch.start()
        await until(lambda: branch.shown.connected, branch.log)
        unit = branch.shown.unit
        hub.store.transact(lambda: Units(hub.store).revoke(unit, "stolen", datetime.now(UTC)))
        await until(lambda: branch.shown.why == "revoked", lambda: (branch.log(), branch.shown), 40.0)
        done = await asyncio.to_thread(branch.rvx, "sync", "why")
        assert "was revoked at the hub" in done.stdout
        # Enrolled anew, it goes on with what it has.
        branch.refer(1)
        await branch.enrol(hub, "--anew", "--ca", str(hub.ca), code=Units(hub.store).make_code(unit, datetime.now(UTC)))
        await asyncio.to_thread(branch.rvx, "sync", "now")
        await until(lambda: len(held(hub)) == 1, branch.log)


def self_signed(folder: Path, host: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "portal.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(file)
    return made


@asynccontextmanager
async def portal(folder: Path, port: int) -> AsyncIterator[list[str]]:
    """Somebody else at the hub's address, with a certificate of their own: nothing of the unit's is told to them."""
    heard: list[str] = []

    async def answer(asked: web.Request) -> web.Response:
        heard.append(asked.path)
        return web.Response(status=302, headers={"Location": "http://login.example/"})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=self_signed(folder, "127.0.0.1")).start()
    yield heard
    await runner.cleanup()


async def test_a_portal_in_the_hubs_place_learns_nothing_and_is_named(
    place: Path, branches: Callable[[Path, str], Branch]
) -> None:
    with apart(place / "hub") as (hub, seen):
        hub.start()
        branch = branches(place / "branch", seen.url)
        await branch.enrol(seen)
        hub.stop()
        branch.refer(1)
        async with portal(place, hub.port) as heard:
            branch.start()
            await until(lambda: branch.shown.why == "certificate", lambda: (branch.log(), branch.shown))
            assert heard == []
            _, code = seen.code()
            done = await asyncio.to_thread(branch.rvx, "enrol", seen.url, code, "--anew", "--ca", str(seen.ca))
            assert done.returncode != 0
            assert "RVX-Z11" in done.stderr
            assert heard == []
        await asyncio.to_thread(hub.start)
        await asyncio.to_thread(branch.rvx, "sync", "now")
        await until(lambda: len(held(seen)) == 1, branch.log)


@asynccontextmanager
async def proxy(login: str) -> AsyncIterator[tuple[int, list[str]]]:
    """Tunnels to whatever is asked for (RFC 9110 §9.3.6), for who has the login."""
    asked: list[str] = []
    wanted = "Basic " + base64.b64encode(login.encode()).decode()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        asked.append(head.split("\r\n")[0])
        if f"Proxy-Authorization: {wanted}" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        host, _, port = head.split()[1].rpartition(":")
        there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1]), asked
    server.close()


async def test_by_a_proxy_with_a_login_the_hub_is_reached_and_a_wrong_one_is_named(
    place: Path, branches: Callable[[Path, str], Branch]
) -> None:
    async with running(place / "hub") as hub, proxy("unit:secret word") as (port, asked):
        branch = branches(place / "branch", hub.url)
        branch.more = f'proxy = "http://127.0.0.1:{port}"\nproxy_user = "unit"\n'
        branch.configure(hub.url)
        secrets = branch.folder / "secrets.toml"
        secrets.write_text('[sync]\nproxy_password = "secret word"\n')
        secrets.chmod(0o600)
        await branch.enrol(hub)
        assert asked
        assert all(line.startswith(f"CONNECT 127.0.0.1:{hub.url.rpartition(':')[2]} ") for line in asked)
        branch.refer(1)
        branch.start()
        await until(lambda: len(held(hub)) == 1, branch.log)
        await asyncio.to_thread(branch.stop)
        secrets.write_text('[sync]\nproxy_password = "another"\n')
        branch.start()
        await until(lambda: branch.shown.why == "proxy", branch.log)
        assert "407" in branch.shown.detail
        done = await asyncio.to_thread(branch.rvx, "sync", "why")
        assert "the proxy does not let it through" in done.stdout
        assert "another" not in done.stdout + branch.log()


async def test_a_code_that_is_wrong_or_used_enrols_nobody(place: Path, branches: Callable[[Path, str], Branch]) -> None:
    async with running(place / "hub") as hub:
        branch = branches(place / "branch", hub.url)
        wrong = await asyncio.to_thread(branch.rvx, "enrol", hub.url, "0000000000", "--ca", str(hub.ca))
        assert (wrong.returncode, "RVX-Z10" in wrong.stderr) == (3, True), wrong.stderr
        # By the fingerprint of the hub's own certificate; of another one, not.
        _, code = hub.code(municipalities=PLACES)
        pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", int(hub.url.rpartition(":")[2])))
        import hashlib

        shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        other = await asyncio.to_thread(branch.rvx, "enrol", hub.url, code, "--fingerprint", "0" * 64)
        assert "RVX-Z11" in other.stderr
        assert shown in other.stderr
        good = await asyncio.to_thread(branch.rvx, "enrol", hub.url, code, "--fingerprint", shown)
        assert good.returncode == 0, good.stderr
        again = await asyncio.to_thread(branch.rvx, "enrol", hub.url, code, "--anew", "--fingerprint", shown)
        assert "RVX-Z10" in again.stderr
        member = Membership.read(branch.paths.sync)
        assert member is not None
        assert not any(file.stat().st_mode & 0o077 for file in branch.paths.sync.iterdir())
