"""Which of two programs is started: the one that was proved, or a new one that has tries left to prove itself.

The choice lies in two small files, written in turn, each with a number and a checksum: a loss of power in the middle of
a write leaves the other. This file and main.py are the loader; a new program does not replace them."""

import binascii
import struct

TRIES = 3
NAMES = ("slot.0", "slot.1")
LAYOUT = ">IBBB"  # number, active slot, whether it is proved, starts without proof


class Slots:
    """`files`: read(name) -> bytes, write(name, at, data), clear(name)."""

    def __init__(self, files):
        self._files = files
        self._number, self.active, self.proved, self.tries = 0, 0, 1, 0
        for name in NAMES:
            found = _parse(files.read(name))
            if found is not None and found[0] > self._number:
                self._number, self.active, self.proved, self.tries = found

    def choose(self):
        """The slot to start now (0 or 1), and whether this is the way back from a program that did not prove itself.
        Counts the try."""
        if self.proved:
            return self.active, False
        if self.tries >= TRIES:
            self._keep(1 - self.active, 1, 0)
            return self.active, True
        self._keep(self.active, 0, self.tries + 1)
        return self.active, False

    def new(self):
        """The other slot holds a new program, whole: it is to be tried."""
        self._keep(1 - self.active, 0, 0)

    def good(self):
        """What runs has proved itself."""
        self._keep(self.active, 1, 0)

    def _keep(self, active, proved, tries):
        self._number += 1
        self.active, self.proved, self.tries = active, proved, tries
        body = struct.pack(LAYOUT, self._number, active, proved, tries)
        name = NAMES[self._number % 2]
        self._files.write(name, 0, body + struct.pack(">I", binascii.crc32(body)))


def _parse(data):
    size = struct.calcsize(LAYOUT)
    if len(data) != size + 4 or struct.unpack(">I", data[size:])[0] != binascii.crc32(data[:size]):
        return None
    found = struct.unpack(LAYOUT, data[:size])
    return found if found[1] < 2 and found[2] < 2 else None
