"""The hub as an HTTPS server: TLS 1.3, a unit by its certificate, people by their page; one port for both."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from firmware.store.database import StoreError
from firmware.sync import wire
from firmware.sync.wire import WireError
from firmware.web.server import Bounded
from tools.hub.api import Api, ApiError, Identify
from tools.hub.ca import CERTIFICATE, Signer, serial_text
from tools.hub.feed import Wake
from tools.hub.pages import Pages
from tools.hub.place import Place
from tools.hub.store import Store
from tools.hub.threads import Busy, Threads

__all__ = ["Listening", "by_certificate", "create_app", "serve", "tls_of"]

SEEN_EVERY_S = 3.0
SHUT_S = 2.0
KEEPALIVE_S = 75.0
CONNECTIONS_MAX, BY_ADDRESS_MAX = 4_000, 500
"""Of one process; a whole municipality's units may come from one address."""
HANDSHAKE_S = 10.0
RENEWED_S = 24 * 3600.0
"""So often the server's own certificate is looked at."""
_API = "/v1/"

log = logging.getLogger("rvx")

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def by_certificate(request: web.Request) -> str | None:
    """The serial of the certificate that TLS has judged; that it holds yet is the store's to say."""
    transport = request.transport
    shown = transport.get_extra_info("peercert") if transport is not None else None
    return serial_text(int(shown["serialNumber"], 16)) if shown else None


def create_app(
    place: Place,
    signer: Signer,
    identify: Identify = by_certificate,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> web.Application:
    """Everything but TLS. The store must be there."""
    threads, wake = Threads(place), Wake()
    api = Api(threads, signer, wake, identify, now)
    app = web.Application(client_max_size=wire.REQUEST_BYTES_MAX, middlewares=[_faults])
    app.add_routes(api.routes())
    app.add_routes(Pages(threads, wake, now).routes())

    async def running(_: web.Application) -> AsyncIterator[None]:
        watching = Store.again(place)
        async with wake.looking(watching):
            task = asyncio.create_task(_noting(api))
            yield
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            with contextlib.suppress(sqlite3.Error):
                await api.note_seen()
        watching.close()
        threads.close()

    app.on_response_prepare.append(_mark)
    app.cleanup_ctx.append(running)
    return app


async def _noting(api: Api) -> None:
    while True:
        await asyncio.sleep(SEEN_EVERY_S)
        try:
            await api.note_seen()
        except (sqlite3.Error, Busy) as error:
            log.error("rvx-event kind=store_fault of=hub why=%s", type(error).__name__)


@web.middleware
async def _faults(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Every error of /v1 is one of the schema's; nobody outside is shown what went wrong inside."""
    if not request.path.startswith(_API):
        return await handler(request)
    try:
        _judge_schema(request)
        response = await handler(request)
    except ApiError as error:
        response = error.answer()
    except WireError as error:
        response = ApiError("refused", error.field or None, f"{error.text[:1].upper()}{error.text[1:]}.").answer()
    except Busy:
        response = ApiError("busy").answer()
    except web.HTTPException as error:
        words = {404: "not_found", 405: "method", 413: "too_large"}
        response = ApiError(words.get(error.status, "refused")).answer()
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except (sqlite3.Error, StoreError, OSError) as error:
        log.error("rvx-event kind=store_fault of=hub why=%s", type(error).__name__)
        response = ApiError("busy").answer()
    except Exception as fault:
        log.error("rvx-event kind=fault of=hub", exc_info=fault)
        response = ApiError("fault").answer()
    return response


async def _mark(request: web.Request, response: web.StreamResponse) -> None:
    """By this a unit knows its hub from whoever else may answer. A snapshot goes before its handler is done."""
    if request.path.startswith(_API):
        response.headers[wire.HEADER] = str(wire.SCHEMA)


def _judge_schema(request: web.Request) -> None:
    said = request.headers.get(wire.HEADER)
    if said is not None and said != str(wire.SCHEMA) and request.path != f"{_API}session":
        raise ApiError("schema", wire.HEADER, schemas=[wire.SCHEMA])


def tls_of(place: Place, signer: Signer, names: Sequence[str], now: datetime) -> ssl.SSLContext:
    """A certificate is asked for, and none is needed: /v1/enrol and the page come without. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(*signer.server(names, now))
    context.load_verify_locations(place.ca / CERTIFICATE)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@dataclass(frozen=True, slots=True)
class Listening:
    """`port`: the one that was had."""

    port: int


@contextlib.asynccontextmanager
async def serve(app: web.Application, address: str | None, port: int, tls: ssl.SSLContext) -> AsyncIterator[Listening]:
    """`address` None: all that this machine has. Raises OSError where the place cannot be had."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        assert runner.server is not None
        server = Bounded(
            runner.server.request_handler, request_factory=runner.server.request_factory,
            most=CONNECTIONS_MAX, of_one=BY_ADDRESS_MAX, idle_s=KEEPALIVE_S,
        )  # fmt: skip
        listening = await asyncio.get_running_loop().create_server(
            server, address, port, ssl=tls, ssl_handshake_timeout=HANDSHAKE_S
        )
        try:
            yield Listening(listening.sockets[0].getsockname()[1])
        finally:
            listening.close()
            server.pre_shutdown()
            await server.shutdown(SHUT_S)
    finally:
        await runner.cleanup()
