"""What differs from modem to modem, and how a modem of no maker that we know has it: as 27.007 and V.250 say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.codec.at_lines import Ccinfo

__all__ = ["COMMON_HINTS", "COMMON_SET_UP", "GENERIC", "Dialect"]


def _no_call(line: str) -> Ccinfo | None:
    return None


@dataclass(frozen=True, slots=True)
class Dialect:
    """Commands are tried in their order; those that a modem refuses are passed over. `identity`: the SIM's ICCID.
    `dial_s`: within this it answers the order to dial; some do only when the other side rings. `hang_up`: until no
    call is left. `sound_on` must succeed, with what `sound_is` says when asked; () where there is no sound for us.
    `sound_early`: it may be turned on before the answer: ringing and words of the network are heard by it then.
    `is_wide`: what it says where its sound is of twice the rate all the same. `busy`, `free`: what it says when it
    takes no sound for a while. `hints`: beginnings of lines by which calls may have changed. `reset`: starts the modem
    anew."""

    maker: str = ""
    set_up: tuple[str, ...] = ()
    identity: tuple[str, ...] = ("AT+CCID",)
    pin_tries: tuple[str, ...] = ('AT+CPINR="SIM PIN"', "AT+CPINR")
    ims: tuple[str, ...] = ("AT+CIREG?", "AT+CAVIMS?")
    time: tuple[str, ...] = ("AT+CCLK?",)
    dial_s: float = 20.0
    hang_up: tuple[str, ...] = ("AT+CHUP", "ATH")
    reset: tuple[str, ...] = ("AT+CFUN=1,1",)
    sound_on: tuple[str, ...] = ()
    sound_is: tuple[str, str] | None = None
    sound_early: bool = False
    sound_off: tuple[str, ...] = ()
    is_wide: tuple[str, str] | None = None
    busy: str = ""
    free: str = ""
    hints: tuple[str, ...] = ()
    parse_call: Callable[[str], Ccinfo | None] = _no_call


COMMON_SET_UP = (
    "ATE0",
    "ATV1",
    "ATS0=0",  # it answers by itself otherwise
    "AT+CMEE=1",
    'AT+CSCS="GSM"',
    "AT+CRC=1",
    "AT+CLIP=1",
    "AT+CREG=2",
    "AT+CEREG=2",
    "AT+C5GREG=2",
    "AT+CIREG=1",
    "AT+CTZU=1",
    "AT+CTZR=1",
    "AT+CSSN=0,0",
    "AT+CMGF=0",
)
"""For every modem, before what its dialect adds."""
COMMON_HINTS = ("RING", "+CRING", "+CLIP", "+CCWA", "+CLCC", "NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE")

GENERIC = Dialect()
