"""A hub for tests and benches: whole, with TLS, on loopback."""

from __future__ import annotations

import contextlib
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firmware.store.database import to_text
from firmware.sync import wire
from firmware.sync.wire import Item
from tools.hub.ca import Signer, make_ca
from tools.hub.place import Place
from tools.hub.publishing import publish
from tools.hub.server import create_app, serve, tls_of
from tools.hub.store import Store
from tools.hub.units import Units

__all__ = ["EPOCH", "MACHINE", "Caller", "Running", "made", "request_of", "running", "shown"]

LOOPBACK = "127.0.0.1"
EPOCH, MACHINE = "00000000000000aa", "0" * 32
NAMES = ("localhost", LOOPBACK)


@dataclass(frozen=True, slots=True)
class Running:
    """`ca`: of its certificate, PEM. `store`: a connection of the test's own."""

    url: str
    ca: Path
    place: Place
    store: Store

    def code(
        self, name: str = "Skolan", municipalities: Sequence[str] = ("norrby",), serves: Sequence[str] = ()
    ) -> tuple[str, str]:
        """A new unit, and the code by which it enrols."""
        units, now = Units(self.store), datetime.now(UTC)

        def work() -> tuple[str, str]:
            unit = units.add(name, municipalities, serves, now)
            return unit, units.make_code(unit, now)

        return self.store.transact(work)

    def publish(self, items: Iterable[Item], source: str = "test") -> int:
        """These and no others, as a source of people says them; how many are others than before."""
        return publish(self.store, source, items, datetime.now(UTC))


def made(state: Path, name: str = "Navet") -> tuple[Place, Store]:
    """What `rvx hub init` makes; one that is there is opened."""
    place = Place(state)
    if place.store.exists():
        return place, Store.open(place)
    now = datetime.now(UTC)
    store = Store.make(place, name, NAMES, now)
    make_ca(place.ca, name, now)
    return place, store


@contextlib.asynccontextmanager
async def running(state: Path, port: int = 0) -> AsyncIterator[Running]:
    place, store = made(state)
    signer = Signer(place.ca)
    tls = tls_of(place, signer, store.names, datetime.now(UTC))
    try:
        async with serve(create_app(place, signer), LOOPBACK, port, tls) as listening:
            yield Running(f"https://{LOOPBACK}:{listening.port}", place.ca / "ca.pem", place, store)
    finally:
        store.close()


def request_of(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request, as a unit makes it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whoever")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Caller:
    """A unit, as far as the hub sees."""

    http: aiohttp.ClientSession
    url: str
    unit: str = ""
    session: str = ""
    serial: str = ""
    csr: str = ""
    enrolled: Mapping[str, Any] | None = None

    async def post(self, path: str, body: Mapping[str, Any] | bytes, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else wire.write(body)
        given = {"Content-Type": "application/json", wire.HEADER: "1", **headers}
        async with self.http.post(self.url + path, data=data, headers=given) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, **query: object) -> tuple[int, Any]:
        params = {name: str(value) for name, value in query.items()}
        async with self.http.get(self.url + path, params=params) as answer:
            return answer.status, None if answer.status == 204 else await answer.json()

    async def greet(self, epoch: str = EPOCH, **more: object) -> dict[str, Any]:
        said: dict[str, Any] = {
            "schemas": [1], "version": "1.0", "machine": MACHINE, "epoch": epoch,
            "epochs": {epoch: {"first": 1, "last": 0}},
            "hub": None, "cursor": None, "time": to_text(datetime.now(UTC)),
            "config": {"version": 0, "state": "none", "sha256": None, "override": False},
        }  # fmt: skip
        status, answer = await self.post("/v1/session", {**said, **more})
        assert status == 200, answer
        self.session = answer["session"]
        found: dict[str, Any] = dict(wire.judged("sessioned", answer))
        return found

    async def send(self, *entries: Mapping[str, Any], epoch: str = EPOCH) -> tuple[int, Any]:
        return await self.post("/v1/outbox", {"session": self.session, "epoch": epoch, "entries": entries})

    async def snapshot(self) -> list[dict[str, Any]]:
        async with self.http.get(self.url + "/v1/snapshot") as answer:
            assert answer.status == 200
            return [json.loads(line) for line in gzip.decompress(await answer.read()).splitlines()]

    async def feed(self, cursor: str, **query: object) -> dict[str, Any]:
        status, answer = await self.get("/v1/feed", after=cursor, **query)
        assert status == 200, answer
        return dict(wire.judged("feed", answer))


def shown(
    ca: Path, place: Path | None = None, certificate: str = "", key: ec.EllipticCurvePrivateKey | None = None
) -> ssl.SSLContext:
    """By which a unit speaks; `place`: where its certificate and key are put, None without one."""
    context = ssl.create_default_context(cafile=str(ca))
    if place is not None and key is not None:
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        place.write_bytes(certificate.encode() + private)
        context.load_cert_chain(place)
    return context
