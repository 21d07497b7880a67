"""What the mobile network saw of the unit in a storm: calls by its SIMs, and short messages; and what the unit's own
queue says of these. Facts only; times are seconds of time.monotonic(), as the simulator's are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callcontrol.trunk.smsqueue import State

__all__ = ["NetworkCall", "OutsideSeen"]

SOS = "112"


@dataclass
class NetworkCall:
    """One call in the mobile network. `modem`: whose SIM calls, or is called."""

    modem: str
    number: str  # of the other side
    at: float
    incoming: bool
    up_at: float | None = None
    over_at: float | None = None

    @property
    def emergency(self) -> bool:
        return self.number == SOS and not self.incoming


@dataclass
class OutsideSeen:
    """Filled by its methods."""

    sims: dict[str, str] = field(default_factory=dict)  # modem by its number
    calls: dict[int, NetworkCall] = field(default_factory=dict)  # by the network's index
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)  # texts that it took, by receiver and text
    delivered: Counter[tuple[str, str]] = field(default_factory=Counter)  # and those that came
    commands: int = 0  # texts that were sent to a SIM, for which there is a receipt
    queued: dict[str, tuple[float, str, str]] = field(default_factory=dict)
    """Texts that the unit has acknowledged to send, by id: when, to whom, what."""
    states: tuple[float, Mapping[str, State]] | None = None
    """What the journal says of each, the last sample;"""
    tried: frozenset[str] = frozenset()
    """and those that a modem has been given."""

    def take(self, entry: Mapping[str, Any]) -> None:
        """One more entry of the simulator's history."""
        match entry["what"]:
            case "dialled":
                caller, dialled = entry["caller"], entry["dialled"]
                out, into = self.sims.get(caller), self.sims.get(dialled)
                if (modem := out or into) is not None:
                    number = dialled if out else caller
                    self.calls[entry["call"]] = NetworkCall(modem, number, entry["at"], out is None)
            case "call" if (call := self.calls.get(entry["call"])) is not None:
                if entry["stage"] == "active":
                    call.up_at = entry["at"]
                elif entry["stage"] == "ended":
                    call.over_at = entry["at"]
            case "sms_out":
                self.taken[entry["to"], entry["text"]] += 1
            case "sms_delivered":
                self.delivered[entry["to"], entry["text"]] += 1
            case _:
                pass
