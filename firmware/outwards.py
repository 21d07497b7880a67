"""Who calls a SIM and proves to be one of ours, by an extension's PIN, and what he may dial from there (E1)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from callcontrol.plan.steps import Note
from callcontrol.told import Told
from callcontrol.trunk.pins import Guesses, fits
from firmware.asking import Asking

__all__ = ["Outwards"]

log = logging.getLogger("rvx")


class Outwards:
    """`told` hears of PINs that somebody guesses. No PIN, nor what was dialled, is ever logged."""

    def __init__(self, asking: Asking, told: Callable[[Note], None]) -> None:
        self._asking = asking
        self._told = told
        self._guesses = Guesses()
        # One at a time: each takes its memory and a processor, which callers are not to have many of.
        self._thread = ThreadPoolExecutor(1, "pins")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def may_try(self, caller: str) -> bool:
        """Whether that number may guess; "" for who shows none."""
        return self._guesses.allows(caller, _now())

    async def proves(self, caller: str, extension: str, pin: str) -> bool:
        """Whether that is the extension's PIN; one of a blocked extension is none."""
        guess = self._guesses.begin(caller, extension, _now())
        known = self._asking.pin_of(extension) if guess.heeded else None
        right = await asyncio.get_running_loop().run_in_executor(self._thread, fits, pin, known)
        if right:
            self._guesses.right(guess)
            log.info("rvx-event kind=pin_proved extension=%s", extension)
            return True
        # What is no extension with a PIN may be a PIN that was pressed too early.
        log.warning("rvx-event kind=pin_wrong extension=%s", "unknown" if known is None else extension)
        if known is not None and self._guesses.is_full(extension):
            self._told(Note(rule="E6", to="operations", words="pin_guessed", fill=(("extension", extension),)))
        return False

    def judged(self, extension: str, number: str) -> Told:
        """What becomes of a number that it dials; see `callcontrol.greeted.led_out`."""
        return self._asking.led_out(extension, number)


def _now() -> float:
    return asyncio.get_running_loop().time()
