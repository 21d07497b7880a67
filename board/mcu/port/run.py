"""Starts the loader as it is on MicroPython's unix port: the flash is the folder RVX_FLASH. Ticks go RVX_SPEED times as
fast as the clock, begin shortly before they wrap, and wrap at 30 bits, as those of the RP2040 do."""

import os
import sys
import time

FLASH = os.getenv("RVX_FLASH")
SPEED = int(os.getenv("RVX_SPEED"))
MASK = (1 << 30) - 1
BEFORE_MS = 20000

began = time.ticks_ms()
real_ticks_ms = time.ticks_ms


class Time:
    """What the program has of the module."""

    sleep_ms = time.sleep_ms

    @staticmethod
    def ticks_ms():
        return (MASK - BEFORE_MS + SPEED * time.ticks_diff(time.ticks_ms(), began)) & MASK


sys.path.insert(0, FLASH)
import main

sys.modules["time"] = Time
main.run(FLASH)
