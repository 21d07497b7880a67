"""Calendars that absences are read from."""

from tools.parser import Command, Parser

__all__ = ["CALENDAR"]


def _extension_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="whose")


def _add_arguments(parser: Parser) -> None:
    _extension_arguments(parser)
    parser.add_argument("--url-stdin", action="store_true", help="read the address from standard input")


def _try_arguments(parser: Parser) -> None:
    _extension_arguments(parser)
    parser.add_argument("file", metavar="FILE", help="a calendar as a file (.ics)")


_ACTIONS = (
    Command(
        "calendar list",
        "list the calendars that are read, and which cannot be",
        "sudo ./rvx calendar list",
        "tools.calendars",
    ),
    Command(
        "calendar show",
        "show what was understood of somebody's calendar, and what was not",
        "sudo ./rvx calendar show 1001",
        "tools.calendars",
        _extension_arguments,
    ),
    Command(
        "calendar add",
        "read somebody's absences from a calendar",
        "sudo ./rvx calendar add 1001",
        "tools.calendars",
        _add_arguments,
        "The address is asked for, and nowhere shown again: who has it reads the calendar.",
    ),
    Command(
        "calendar remove",
        "read it no more; what it says is over",
        "sudo ./rvx calendar remove 1001",
        "tools.calendars",
        _extension_arguments,
    ),
    Command(
        "calendar read",
        "read it now, whatever it had to wait for",
        "sudo ./rvx calendar read 1001",
        "tools.calendars",
        _extension_arguments,
    ),
    Command(
        "calendar try",
        "say what a file would mean for somebody; changes nothing",
        "sudo ./rvx calendar try 1001 calendar.ics",
        "tools.calendars",
        _try_arguments,
    ),
)

CALENDAR = Command(
    "calendar",
    "absences from calendars: list, show, add, remove, read, try",
    "sudo ./rvx calendar show 1001",
    "tools.calendars",
    actions=_ACTIONS,
)
