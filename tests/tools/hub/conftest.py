from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firmware.store.database import to_text
from firmware.sync import wire
from tools.hub.ca import Signer
from tools.hub.testing import Running, running

EPOCH = "00000000000000aa"
MACHINE = "0" * 32
NOW = datetime.now(UTC)


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


Units = Callable[..., Any]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "hub") as running_hub:
        yield running_hub


@pytest.fixture
async def unit(hub: Running, tmp_path: Path) -> AsyncIterator[Units]:
    """Makes an enrolled unit."""
    async with AsyncExitStack() as stack:

        async def caller(certificate: str = "", key: ec.EllipticCurvePrivateKey | None = None) -> Caller:
            context = ssl.create_default_context(cafile=str(hub.ca))
            if key is not None:
                place = tmp_path / f"{id(key)}.pem"
                private = key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
                place.write_bytes(certificate.encode() + private)
                context.load_cert_chain(place)
            connector = aiohttp.TCPConnector(ssl=context)
            return Caller(await stack.enter_async_context(aiohttp.ClientSession(connector=connector)), hub.url)

        async def made(
            *, code: str = "", enrolled: bool = True, signer: Signer | None = None, now: datetime = NOW, **more: Any
        ) -> Caller:
            """`signer`: of whom the certificate is, where the hub was not asked."""
            if signer is not None:
                key = ec.generate_private_key(ec.SECP256R1())
                return await caller(signer.unit(request_of(key), "skolan", now).pem, key)
            if not enrolled:
                return await caller()
            given = code or hub.code(**more)[1]
            key = ec.generate_private_key(ec.SECP256R1())
            said = {"code": given, "csr": request_of(key), "name": "skolan-1", "machine": MACHINE, "version": "1.0"}
            status, answer = await (await caller()).post("/v1/enrol", said)
            assert status == 200, answer
            wire.judged("enrolled", answer)
            found = await caller(answer["certificate"], key)
            found.unit, found.enrolled, found.csr = answer["unit"], answer, said["csr"]
            number = x509.load_pem_x509_certificate(answer["certificate"].encode()).serial_number
            found.serial = f"{number:040x}"
            return found

        yield made
