"""The hub in the foreground, until Ctrl-C: it serves, makes a copy each day, and looks after its certificate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tools.hub.backup import BackupError, back_up
from tools.hub.ca import Signer
from tools.hub.items import Items
from tools.hub.place import Place
from tools.hub.server import create_app, serve, tls_of
from tools.hub.sound import Sound
from tools.hub.store import Store

__all__ = ["run_hub"]

DAY_S = 24 * 3600.0
FIRST_COPY_S = 60.0
"""After the start: a hub that is started anew again and again makes no copy each time at once."""

log = logging.getLogger("rvx")


def run_hub(
    place: Place,
    signer: Signer,
    names: Sequence[str],
    at: tuple[str | None, int],
    backup: Path | None,
    told: Callable[[str], None],
) -> None:
    """Raises OSError where the place to listen at cannot be had."""
    asyncio.run(_run(place, signer, names, at, backup, told))


async def _run(
    place: Place,
    signer: Signer,
    names: Sequence[str],
    at: tuple[str | None, int],
    backup: Path | None,
    told: Callable[[str], None],
) -> None:
    ended = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, ended.set)
    address, port = at
    tls = await asyncio.to_thread(tls_of, place, signer, names, datetime.now(UTC))
    async with serve(create_app(place, signer), address, port, tls) as listening:
        told(f"Navet lyssnar på port {listening.port}. / The hub listens on port {listening.port}. Ctrl-C ends it.")
        if backup is None:
            told("No copies are made: units keep all that they have told (--backup DIR).")
        daily = asyncio.create_task(_daily(place, backup, lambda: _renewed(place, signer, names, tls)))
        await ended.wait()
        daily.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await daily


async def _daily(place: Place, backup: Path | None, renewed: Callable[[], None]) -> None:
    pause_s = FIRST_COPY_S
    while True:
        await asyncio.sleep(pause_s)
        pause_s = DAY_S
        await asyncio.to_thread(_look_after, place, backup)
        await asyncio.to_thread(renewed)


def _renewed(place: Place, signer: Signer, names: Sequence[str], tls: object) -> None:
    """A certificate made anew is used by whoever connects from then on."""
    import ssl

    assert isinstance(tls, ssl.SSLContext)
    with contextlib.suppress(OSError):
        tls.load_cert_chain(*signer.server(names, datetime.now(UTC)))


def _look_after(place: Place, backup: Path | None) -> None:
    store = Store.again(place)
    now = datetime.now(UTC)
    try:
        store.transact(lambda: Items(store).forget(now))
        Sound(store).sweep()
        if backup is not None:
            copy = back_up(store, backup, now)
            log.info("rvx-event kind=hub_backup bytes=%s", copy.bytes)
    except (BackupError, sqlite3.Error, OSError) as error:
        log.error("rvx-event kind=hub_backup_failed why=%s", str(error).replace(" ", "_"))
    finally:
        store.close()
