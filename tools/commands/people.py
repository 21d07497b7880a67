"""The directory."""

from tools.parser import Command, Parser, positive

__all__ = ["PEOPLE"]


def _load_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="CSV with a header, in UTF-8 or Windows-1252")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--changes", action="store_true", help="the file has a column ändring: changes, not everybody")
    parser.add_argument("--shrunken", action="store_true", help="take it also when many of the people would be gone")


def _import_file_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="as docs/people.md shows")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")


def _find_arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="+", metavar="WORD", help="parts of a name, a duty, a unit, a number")
    parser.add_argument("--municipality", metavar="ID", help="whose people come first")
    parser.add_argument("--limit", type=positive, default=10, metavar="N", help="so many at the most (10)")
    _seen_by(parser)


def _show_arguments(parser: Parser) -> None:
    parser.add_argument("who", metavar="ID", help="a person's id, or an extension")
    parser.add_argument("--secret", action="store_true", help="with what is secret; it is recorded")
    parser.add_argument("--why", metavar="TEXT", default="", help="with --secret: what for")
    _seen_by(parser)


def _people_export_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a new file to write")
    parser.add_argument("--vcard", action="store_true", help="vCards instead of CSV")
    parser.add_argument("--secret", action="store_true", help="with what is secret; it is recorded")
    parser.add_argument("--why", metavar="TEXT", default="", help="with --secret: what for")
    _seen_by(parser)


def _seen_by(parser: Parser) -> None:
    parser.add_argument(
        "--as",
        dest="seen_by",
        choices=["public", "staff", "operator"],
        default="operator",
        help="as these may see it (operator)",
    )


_PEOPLE_ACTIONS = (
    Command(
        "people load",
        "load people and extensions from a CSV file",
        "sudo ./rvx people load people.csv --dry-run",
        "tools.people_load",
        _load_arguments,
        "All or nothing; faults are listed by line and column. A file after which many people are gone is questioned.",
    ),
    Command(
        "people organisation",
        "set greetings, choices, who answers, roles",
        "sudo ./rvx people organisation organisation.toml",
        "tools.people",
        _import_file_arguments,
        "A TOML file; all or nothing. What it does not name stays as it is.",
    ),
    Command(
        "people find",
        "find people by name, duty, unit or number",
        "sudo ./rvx people find anna bygglov",
        "tools.people",
        _find_arguments,
        "As one writes it: parts in any order, misspelt, as it sounds.",
    ),
    Command(
        "people show",
        "show one person",
        "sudo ./rvx people show 1001",
        "tools.people",
        _show_arguments,
        "What is secret is shown by --secret with --why, and each such look is recorded.",
    ),
    Command(
        "people export",
        "write what may be given out: CSV or vCards",
        "sudo ./rvx people export public.csv --as public",
        "tools.people",
        _people_export_arguments,
        "As operators see it, it can be loaded again and loses nothing: what is hidden from them stays as it is. What "
        "is written for the public or staff is not for loading.",
    ),
)

PEOPLE = Command(
    "people",
    "the directory: load, find, show, export",
    "sudo ./rvx people find anna bygglov",
    "tools.people",
    actions=_PEOPLE_ACTIONS,
)
