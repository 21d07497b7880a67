from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.sync import wire
from tools.hub.ca import Signer
from tools.hub.testing import MACHINE, Caller, Running, request_of, running, shown

NOW = datetime.now(UTC)

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
            place = tmp_path / f"{id(key)}.pem" if key is not None else None
            context = shown(hub.ca, place, certificate, key)
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
