"""What is kept: for how long, and given out."""

from tools.parser import Command, Parser, positive

__all__ = ["ARCHIVE"]

KINDS = ("message", "memo", "mail", "sms", "record", "threat", "referral", "fault")


def _decide_arguments(parser: Parser) -> None:
    parser.add_argument("kind", metavar="KIND", choices=KINDS, help=", ".join(KINDS))
    how_long = parser.add_mutually_exclusive_group(required=True)
    how_long.add_argument("--days", type=positive, metavar="N", help="deleted when it is so old")
    how_long.add_argument("--until-decided", action="store_true", help="kept until something else is decided")
    parser.add_argument("--by-owner", action="store_true", help="whom it is to may delete it before")
    parser.add_argument("--decision", metavar="TEXT", required=True, help="the authority's number for it")
    parser.add_argument("--municipality", metavar="ID", help="whose decision (the only one there is)")


def _which_arguments(parser: Parser) -> None:
    parser.add_argument("--kind", metavar="KIND", choices=KINDS, action="append", help=f"{', '.join(KINDS)} (all)")
    parser.add_argument("--extension", metavar="EXTENSION", help="of this extension alone")
    parser.add_argument("--since", metavar="DATE", help="made on this day or later")
    parser.add_argument("--until", metavar="DATE", help="made on this day or before")
    parser.add_argument("--why", metavar="TEXT", required=True, help="what for; it is recorded")


def _export_arguments(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="a new folder: CSV, WAV, and a list with checksums")
    _which_arguments(parser)


def _delete_arguments(parser: Parser) -> None:
    parser.add_argument("--kind", metavar="KIND", choices=KINDS, help=f"{', '.join(KINDS)} (all)")
    parser.add_argument("--id", metavar="ID", help="this one alone, by a decision of its own")
    parser.add_argument("--decision", metavar="TEXT", help="that decision's number; with --id")
    parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")


_ACTIONS = (
    Command(
        "archive list",
        "what is kept, since when, what is decided of it",
        "sudo ./rvx archive list",
        "tools.archive",
    ),
    Command(
        "archive decide",
        "set what the archive authority has decided",
        "sudo ./rvx archive decide message --days 90 --decision KS-2026/123",
        "tools.archive",
        _decide_arguments,
        "Nothing is ever deleted of what nothing is decided. What is older than its days goes once a day.",
    ),
    Command(
        "archive find",
        "list what is kept, by kind, extension and day",
        "sudo ./rvx archive find --extension 1001 --kind message --why request",
        "tools.archive",
        _which_arguments,
        "Each look is recorded. By a caller's number nothing is found: numbers are not used to trace anybody.",
    ),
    Command(
        "archive export",
        "write it to a folder, in open formats",
        "sudo ./rvx archive export out --extension 1001 --kind sms --why request",
        "tools.archive",
        _export_arguments,
        "For its owner alone. What the unit keeps stays. Each look is recorded, and told to the platform.",
    ),
    Command(
        "archive delete",
        "delete what the decisions let go, now",
        "sudo ./rvx archive delete --dry-run",
        "tools.archive",
        _delete_arguments,
    ),
    Command(
        "archive log",
        "what was deleted, when, by which decision",
        "sudo ./rvx archive log",
        "tools.archive",
    ),
)

ARCHIVE = Command(
    "archive",
    "what is kept how long: decide, export, delete",
    "sudo ./rvx archive list",
    "tools.archive",
    actions=_ACTIONS,
)
