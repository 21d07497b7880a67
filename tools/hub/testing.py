"""A hub for tests and benches: whole, with TLS, on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from firmware.sync.wire import Item
from tools.hub.ca import Signer, make_ca
from tools.hub.place import Place
from tools.hub.publishing import publish
from tools.hub.server import create_app, serve, tls_of
from tools.hub.store import Store
from tools.hub.units import Units

__all__ = ["Running", "made", "running"]

LOOPBACK = "127.0.0.1"
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
