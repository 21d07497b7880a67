"""One part of a storm's world beside the site itself: people, power, an office. What it does, what may befall it, what
must hold of it and what is counted of it are asked here, so that a new part is a file of its own.

It is a subclass of `Part`, named once in hil/storm.py; faults of its own are a row of `WAYS_OUT` (hil/stormplan.py). It
draws by a generator of its own, from the storm's seed, so that all others do as before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from hil.invariants import Breach
from hil.platform.daemon import Daemon
from hil.site import Site
from hil.stormplan import Fault

__all__ = ["Part"]


class Part:
    """Its methods are called in this order, and do nothing where a part has nothing to do."""

    faults: Collection[Fault] = ()
    """What `change` strikes and mends; all others are the site's (hil/faults.py)."""

    def programs(self) -> Mapping[str, Daemon]:
        """Further programs of the unit, by name: they are started anew when they end, and end when the machine does."""
        return {}

    def join(self, site: Site) -> None:
        """The site is laid, and nothing of it runs yet."""

    def start(self) -> None:
        """The site serves. What is begun here goes on by itself, in threads of its own."""

    def change(self, fault: Fault, on: bool) -> None:
        """Strike one of `faults`, or mend it. Raises NetError, PhoneError, PlatformError, OSError."""

    def see(self) -> None:
        """Once a second, in the thread that watches: what the unit has of it. May raise anything: it is seen again."""

    def breaches(self, now: float) -> Iterable[Breach]:
        """What is broken by now. The storm's lock is held."""
        return ()

    def rest(self) -> None:
        """All faults are mended: nothing more is begun."""

    def at_the_end(self) -> None:
        """All is quiet: what must be so then is looked at, and `breaches` asked a last time."""

    def figures(self) -> Mapping[str, int]:
        """What is counted of it, by the name that it has in the storm's report."""
        return {}

    def stop(self) -> None:
        """Whatever was begun ends; also where `start` was never called."""
