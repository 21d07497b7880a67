"""Itemised extracts."""

from tools.parser import Command, Parser

__all__ = ["EXTRACT"]


def _make_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="whose calls")
    parser.add_argument("--since", metavar="DATE", required=True, help="the first day")
    parser.add_argument("--until", metavar="DATE", help="the last day (today)")
    parser.add_argument("--asked-by", metavar="WHO", required=True, help="the manager's id, extension, or name")
    parser.add_argument("--why", metavar="TEXT", required=True, help="what for; it is recorded")
    parser.add_argument("--whole-numbers", action="store_true", help="their last figures too; that is recorded")
    parser.add_argument("--csv", metavar="FILE", help="write it there as a table")
    parser.add_argument("--pdf", metavar="FILE", help="write it there to be printed")


def _list_arguments(parser: Parser) -> None:
    parser.add_argument("--extension", metavar="EXTENSION", help="of this extension alone")


EXTRACT = Command(
    "extract",
    "an itemised extract of calls, for a manager",
    "sudo ./rvx extract list",
    "tools.extract",
    actions=(
        Command(
            "extract make",
            "the calls outside of one extension",
            "sudo ./rvx extract make 1001 --since 2026-11-01 --asked-by eva --why cost",
            "tools.extract",
            _make_arguments,
            "Who asked and why is written down first, and told to the platform. Calls that are free are counted, not "
            "named; nor are calls that came.",
        ),
        Command(
            "extract list",
            "which extracts were made, for whom and why",
            "sudo ./rvx extract list",
            "tools.extract",
            _list_arguments,
        ),
    ),
)
