"""How a command is declared and its words are read: the parser, what every command takes, and its kinds of values."""

import argparse
import os
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from tools.errors import UserError

__all__ = [
    "DEFAULT_CONFIG",
    "HELP_WIDTH",
    "Arguments",
    "Command",
    "Parser",
    "minutes",
    "parser_of",
    "positive",
    "shared_options",
]

DEFAULT_CONFIG = "/etc/reservvaxel/unit.toml"
HELP_WIDTH = 80
MINUTES_MAX = 24 * 60
_HELP_INDENT = 2
_HELP_COLUMN = 26  # where the help texts of options begin


class Parser(argparse.ArgumentParser):
    """An argument parser that shows an example first, takes no abbreviations and ends with our errors."""

    def __init__(self, prog: str, example: str, description: str) -> None:
        self.example = example
        super().__init__(
            prog=prog,
            description=description,
            allow_abbrev=False,
            formatter_class=lambda prog: argparse.HelpFormatter(prog, _HELP_INDENT, _HELP_COLUMN, HELP_WIDTH),
        )

    def format_help(self) -> str:
        return f"Example:\n  {self.example}\n\n{super().format_help()}"

    def error(self, message: str) -> NoReturn:
        raise UserError("RVX-A02", f"{message}.", f"See the example in {self.prog} --help.")

    def options(self) -> list[str]:
        """Every option string, long and short."""
        return [string for action in self._actions for string in action.option_strings]

    def actions(self) -> list[argparse.Action]:
        """Every argument, for the manual."""
        return list(self._actions)


Arguments = Callable[[Parser], None]


class Command(NamedTuple):
    """One command: how it is called, what it takes, and the module that does it."""

    name: str  # the words after rvx
    summary: str  # under 52 columns
    example: str
    module: str
    arguments: Arguments = lambda parser: None
    description: str = ""  # more than the summary, when there is more to say
    actions: tuple["Command", ...] = ()  # when set, the next word names one of these
    rest: str = ""  # when set, the attribute for all that follows the first argument not known here


def parser_of(command: Command) -> Parser:
    """The parser of one command, shared options included."""
    summary = command.summary[0].upper() + command.summary[1:] + "."
    parser = Parser(f"rvx {command.name}", command.example, f"{summary} {command.description}".rstrip())
    command.arguments(parser)
    shared_options(parser)
    return parser


def shared_options(parser: Parser) -> None:
    """The options that every command takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--no-color", action="store_true", help="no colours, also by NO_COLOR or RVX_NO_COLOR")
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get("RVX_CONFIG"),
        help=f"the configuration (RVX_CONFIG, else {DEFAULT_CONFIG} if it is there)",
    )
    parser.add_argument(
        "--state",
        metavar="DIR",
        default=os.environ.get("RVX_STATE"),
        help="the unit's data (RVX_STATE, else as configured, else ./state)",
    )
    parser.add_argument("--debug", action="store_true", help="show where in the program an error arose")


def minutes(text: str) -> float:
    """The kind of value of an argument in minutes."""
    number = float(text)
    if not 0 < number <= MINUTES_MAX:
        raise argparse.ArgumentTypeError(f"must be above 0, and {MINUTES_MAX} at the most")
    return number


def positive(text: str) -> int:
    """The kind of value of an argument that counts something."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
