"""Those who leave."""

from tools.parser import Command, Parser

__all__ = ["LEAVER"]


def _person(parser: Parser) -> None:
    parser.add_argument("person", metavar="PERSON", help="their id, or their extension")


def _begin_arguments(parser: Parser) -> None:
    _person(parser)
    parser.add_argument("--last-day", metavar="DATE", help="they work on it yet (past: blocked at once)")


def _show_arguments(parser: Parser) -> None:
    parser.add_argument("person", nargs="?", metavar="PERSON", help="their id, or their extension (all)")
    parser.add_argument("--pdf", metavar="FILE", help="write the list there, to be printed")


def _tick_arguments(parser: Parser) -> None:
    _person(parser)
    parser.add_argument("item", choices=("returned", "wiped", "told"), help="what nobody sees but who has done it")


def _end_arguments(parser: Parser) -> None:
    _person(parser)
    parser.add_argument("--sure", action="store_true", help="though not all is done")


_ACTIONS = (
    Command(
        "leaver begin",
        "somebody leaves: block their phones, begin their list",
        "sudo ./rvx leaver begin anna --last-day 2026-12-31",
        "tools.leaver",
        _begin_arguments,
        "Their phones are blocked when the last day is over, at once without one; they stay so until lifted.",
    ),
    Command(
        "leaver show",
        "show what is left of those who leave",
        "sudo ./rvx leaver show anna",
        "tools.leaver",
        _show_arguments,
        "What the unit sees is done when it is no longer so; the rest is ticked.",
    ),
    Command(
        "leaver tick",
        "tick what somebody has done: returned, wiped, told",
        "sudo ./rvx leaver tick anna returned",
        "tools.leaver",
        _tick_arguments,
    ),
    Command(
        "leaver end",
        "end the list of somebody who has left",
        "sudo ./rvx leaver end anna",
        "tools.leaver",
        _end_arguments,
    ),
    Command(
        "leaver stays",
        "somebody does not leave: lift what that blocked",
        "sudo ./rvx leaver stays anna",
        "tools.leaver",
        _person,
    ),
)

LEAVER = Command(
    "leaver",
    "those who leave: block, and what is left to do",
    "sudo ./rvx leaver begin anna --last-day 2026-12-31",
    "tools.leaver",
    actions=_ACTIONS,
)
