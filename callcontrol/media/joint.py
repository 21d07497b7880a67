"""Two legs that hear each other: a telephone and a browser, or two that have agreed on different things.

Where both have one codec, sound passes unopened, with its gaps, so that the far end conceals what the line has lost;
else each side is played out (playout.py) and encoded anew, every 20 ms. A key that one side sends as an event is
given on as one for as long as it is held, and in the sound itself to a side that takes none.
"""

from __future__ import annotations

import asyncio
import logging

from callcontrol.media.given import GivenKeys
from callcontrol.media.leg import Leg
from callcontrol.media.pace import turns
from callcontrol.media.rtp import Packet
from callcontrol.media.udp import Wire

__all__ = ["Joint"]

log = logging.getLogger("rvx")


class Joint:
    """Of two wires whose legs have agreed on something. Who made it closes it, and the wires."""

    def __init__(self, one: Wire, other: Wire) -> None:
        self._ways = _Way(one, other), _Way(other, one)
        self._task: asyncio.Task[None] | None = None
        self._faulty = False  # and said so
        self.agreed()

    def agreed(self) -> None:
        """A leg may have another codec from now."""
        self.close()
        decoded = not all(way.alike for way in self._ways)
        for way in self._ways:
            way.decode(decoded)
        if decoded:
            self._task = asyncio.create_task(self._decode())

    @property
    def unopened(self) -> bool:
        return self._task is None

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _decode(self) -> None:
        async for now in turns():
            for way in self._ways:
                try:
                    way.turn(now)
                except Exception:  # one frame's; silence for good would be the call's
                    if not self._faulty:
                        self._faulty = True
                        log.exception("rvx-event kind=fault of=joint")


class _Way:
    """From one side's ear to the other's mouth."""

    def __init__(self, ear: Wire, mouth: Wire) -> None:
        self._ear, self._mouth = ear, mouth
        self._decoded = False
        self._keys = GivenKeys()
        ear.on_packet = self._came

    @property
    def alike(self) -> bool:
        """A key is no sound that could be passed on to who takes no events."""
        heard, said = (leg.settings for leg in self._legs)
        return heard.format == said.format and (heard.event_type is None or said.event_type is not None)

    def decode(self, decoded: bool) -> None:
        ear, _ = self._legs
        self._decoded = ear.listening = decoded

    def turn(self, now: float) -> None:
        ear, mouth = self._legs
        self._mouth.send(mouth.send(self._keys.over(ear.pull(now))))

    @property
    def _legs(self) -> tuple[Leg, Leg]:
        assert self._ear.leg is not None
        assert self._mouth.leg is not None
        return self._ear.leg, self._mouth.leg

    def _came(self, packet: Packet) -> None:
        ear, mouth = self._legs
        presses = ear.presses()
        if not self._decoded:
            self._mouth.send(mouth.relay(packet, event=packet.payload_type == ear.settings.event_type))
            return
        for press in presses:
            self._keys.press(press, ear.settings.format.step, mouth)
