"""Loads on the board's relays. A relay is pulled while its load is shed: a load on its rest contact goes on wherever
nobody holds the pin, and a dead unit sheds nothing."""

from __future__ import annotations

from drivers.gpio import GpioError, Header, Output
from drivers.pins import PINMAP, PinMapError, parse

__all__ = ["RelayFault", "Relays"]


class RelayFault(Exception):
    """It could not be pulled; the text says why."""


class Relays:
    """By their names in board/pinmap.toml. What is pulled falls off when this process ends."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._pulled: dict[str, Output] = {}

    def pull(self, name: str) -> None:
        """Raises RelayFault."""
        if name in self._pulled:
            return
        try:
            pin = parse(PINMAP.read_text("utf-8")).named(name)
            if pin is None:
                raise RelayFault(f"{name} is not in the pin map")
            output = self._header.output(pin.number, pin.active_high is not False)
            self._pulled[name] = output
            output.set(True)
        except (GpioError, PinMapError, OSError, UnicodeError) as error:
            self.release(name)
            raise RelayFault(str(error)) from error

    def release(self, name: str) -> None:
        """Whether or not it was pulled."""
        output = self._pulled.pop(name, None)
        if output is not None:
            output.close()

    def close(self) -> None:
        for name in list(self._pulled):
            self.release(name)
