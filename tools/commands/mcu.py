"""The microcontroller that keeps watch over the supply."""

from tools.parser import Command, Parser

__all__ = ["MCU"]


def _console_arguments(parser: Parser) -> None:
    parser.add_argument("--once", action="store_true", help="one look, and the end; always so with --json")


def _log_arguments(parser: Parser) -> None:
    parser.add_argument("--first", metavar="N", type=int, default=0, help="from this number on (0: all that is kept)")


def _flash_arguments(parser: Parser) -> None:
    parser.add_argument("--again", action="store_true", help="also where it runs this version already")
    parser.add_argument("--build", metavar="FILE", help="only make the image, and write it there")


CONSOLE = Command(
    "mcu console",
    "what the microcontroller measures, as it comes",
    "sudo ./rvx mcu console",
    "tools.mcu",
    _console_arguments,
    "Ctrl-C ends it.",
)
LOG = Command(
    "mcu log",
    "why the supply was cut and started",
    "sudo ./rvx mcu log",
    "tools.mcu",
    _log_arguments,
    "The microcontroller's own log, which outlives every loss of power.",
)
FLASH = Command(
    "mcu flash",
    "give the microcontroller a new program",
    "sudo ./rvx mcu flash",
    "tools.mcu",
    _flash_arguments,
    "It is taken beside the one that runs, checked, and tried; one that does not prove itself gives way to the old "
    "one. The unit keeps its power all the while.",
)

MCU = Command(
    "mcu",
    "the microcontroller: its measurements, log, program",
    "sudo ./rvx mcu console",
    "tools.mcu",
    actions=(CONSOLE, LOG, FLASH),
)
