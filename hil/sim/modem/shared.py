"""What the parts of one modem share, and what a part is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hil.sim.modem.centre import Centre
from hil.sim.modem.faults import Faults
from hil.sim.modem.history import History
from hil.sim.modem.models import Model
from hil.sim.modem.network import Network
from hil.sim.modem.request import Handler
from hil.sim.modem.timers import Timers

__all__ = ["Part", "Shared"]


@dataclass
class Shared:
    """What the parts of one modem know of one another."""

    name: str
    model: Model
    network: Network
    centre: Centre
    timers: Timers
    history: History
    faults: Faults
    say: Callable[[str], None]  # an unsolicited line
    reset: Callable[[], None]

    def note(self, what: str, **facts: object) -> None:
        """Into the history, with the modem's name."""
        self.history.note(what, self.name, **facts)


class Part(Protocol):
    """One duty of a modem."""

    def commands(self) -> Mapping[str, Handler]:
        """Its commands by name."""

    def start(self) -> None:
        """The modem has started."""

    def stop(self) -> None:
        """It is without power: what is not kept without it is gone."""
