"""Night service of receptions."""

from tools.parser import Command, Parser

__all__ = ["NIGHT"]


def _show_arguments(parser: Parser) -> None:
    parser.add_argument("--at", metavar="TIME", help="at this moment, as 2026-12-24T10:00 (now)")


def _set_arguments(parser: Parser) -> None:
    parser.add_argument("entity", metavar="ENTITY", help="whose reception, as rvx night show gives it")
    parser.add_argument("key", choices=("open", "lunch", "night", "hours"), help="hours: as its hours say")


_ACTIONS = (
    Command(
        "night show",
        "show which receptions are open, until when, and who is on call",
        "sudo ./rvx night show --at 2026-12-24T10:00",
        "tools.night",
        _show_arguments,
        "By their hours, or by the key that somebody has pressed. Receptions without hours are always open.",
    ),
    Command(
        "night set",
        "press the key of a reception: closed, at lunch, open, or as its hours say",
        "sudo ./rvx night set norrby/norrby night",
        "tools.night",
        _set_arguments,
        "It ends by itself: night when the hours next open, open when they say otherwise, lunch after an hour.",
    ),
)

NIGHT = Command(
    "night",
    "night and lunch service of receptions: show, set",
    "sudo ./rvx night show",
    "tools.night",
    actions=_ACTIONS,
)
