"""The hub: the platform's side of sync."""

from tools.parser import Command, Parser

__all__ = ["HUB"]


def _init_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="what people call it")
    parser.add_argument(
        "--at",
        action="append",
        required=True,
        metavar="HOST",
        help="by which units reach it: a name or an address; again",
    )
    parser.add_argument("--account", default="admin", metavar="NAME", help="of the first account (admin)")


def _run_arguments(parser: Parser) -> None:
    parser.add_argument("--listen", default=":8443", metavar="ADDRESS:PORT", help="where (:8443, all addresses)")
    parser.add_argument("--backup", metavar="DIR", help="make a copy there each day")


def _enrol_arguments(parser: Parser) -> None:
    parser.add_argument("unit", metavar="NAME", help="of a new unit; or the id of one that another machine is to be")
    parser.add_argument("--municipality", action="append", default=[], metavar="ID", help="whose people it has; again")
    parser.add_argument(
        "--serves", action="append", default=[], metavar="1000-1999",
        help="extensions that register there; their credentials go to it; again",
    )  # fmt: skip
    parser.add_argument(
        "--replace", action="store_true", help="another machine takes the place of the unit that has this id"
    )


def _unit_arguments(parser: Parser) -> None:
    parser.add_argument("unit", nargs="?", metavar="ID", help="which (all)")
    parser.add_argument(
        "--municipality", action="append", default=[], metavar="ID", help="whose people it has now; again"
    )
    parser.add_argument("--serves", action="append", default=[], metavar="1000-1999", help="what it serves now; again")
    parser.add_argument("--revoke", metavar="WHY", help="nothing of it is taken any more: stolen, scrapped")
    parser.add_argument("--shrunken", action="store_true", help="that many of its people are gone is right")


def _people_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="as for rvx people load")
    _source(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--changes", action="store_true", help="the file has a column ändring: changes, not everybody")
    parser.add_argument("--shrunken", action="store_true", help="take it also when many of the people would be gone")
    parser.add_argument("--area-code", metavar="090", help="of its numbers; kept for the next time")


def _organisation_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="as for rvx people organisation")
    _source(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")


def _extensions_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="as for rvx extension import")
    _source(parser)
    parser.add_argument("--realm", required=True, help="of the platform")


def _source(parser: Parser) -> None:
    parser.add_argument("--source", default="main", metavar="NAME", help="of several that each have people (main)")


def _block_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION")
    parser.add_argument("--why", default="", metavar="TEXT", help="lost, stolen, …")
    parser.add_argument("--lift", action="store_true", help="lift what blocks it instead")


def _account_arguments(parser: Parser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="whose (all)")
    parser.add_argument("--role", choices=["admin", "reader"], default="reader", help="of a new one (reader)")
    parser.add_argument("--end", action="store_true", help="out at once")


def _config_arguments(parser: Parser) -> None:
    parser.add_argument("unit", metavar="ID")
    parser.add_argument("file", metavar="FILE", help="the unit.toml that it is to have")


def _backup_arguments(parser: Parser) -> None:
    parser.add_argument("folder", metavar="DIR", help="where copies are; on another disk")


def _restore_arguments(parser: Parser) -> None:
    parser.add_argument("copy", metavar="COPY", help="a copy, or the folder of copies: the newest")


_ACTIONS = (
    Command(
        "hub init",
        "make a hub here",
        "./rvx hub init Norrby --at hub.norrby.se",
        "tools.hub.command",
        _init_arguments,
        "Its CA, its store, and an account without password, whose one-time word is shown.",
    ),
    Command(
        "hub run",
        "run the hub, until Ctrl-C",
        "./rvx hub run --listen 0.0.0.0:8443 --backup /srv/backup",
        "tools.hub.command",
        _run_arguments,
    ),
    Command(
        "hub enrol",
        "give a code by which a unit joins, once",
        "./rvx hub enrol Skolan --municipality norrby --serves 1000-1999",
        "tools.hub.command",
        _enrol_arguments,
        "The unit makes its own key; the code holds for a day.",
    ),
    Command(
        "hub unit",
        "show units; change what one has; revoke one",
        "./rvx hub unit skolan --revoke stolen",
        "tools.hub.command",
        _unit_arguments,
        "--municipality and --serves say all that it has from now on; what is not said stays.",
    ),
    Command(
        "hub people",
        "load people and extensions from a CSV file",
        "./rvx hub people people.csv --source norrby --area-code 090",
        "tools.hub.command",
        _people_arguments,
        "All or nothing. A whole file says who is gone of its source, and of no other.",
    ),
    Command(
        "hub organisation",
        "set greetings, choices, who answers, roles",
        "./rvx hub organisation organisation.toml --source norrby",
        "tools.hub.command",
        _organisation_arguments,
    ),
    Command(
        "hub extensions",
        "load credentials of extensions from a CSV file",
        "./rvx hub extensions credentials.csv --realm norrby.se",
        "tools.hub.command",
        _extensions_arguments,
        "They go to the units that serve those extensions, and to no other.",
    ),
    Command(
        "hub block",
        "block a lost phone everywhere, or lift that",
        "./rvx hub block 1001 --why stolen",
        "tools.hub.command",
        _block_arguments,
        "It holds until it is lifted, from whichever side. A block set meanwhile at a unit is not lifted.",
    ),
    Command(
        "hub account",
        "show accounts; give a one-time word; end one",
        "./rvx hub account anna --role admin",
        "tools.hub.command",
        _account_arguments,
        "By the word somebody gives themselves a password at /first; it holds for a day.",
    ),
    Command(
        "hub config",
        "send a unit its configuration, signed",
        "./rvx hub config skolan unit.toml",
        "tools.hub.command",
        _config_arguments,
        "The unit tries it when it is idle and goes back by itself if it cannot work with it.",
    ),
    Command(
        "hub backup",
        "copy the hub whole while it runs",
        "./rvx hub backup /srv/backup",
        "tools.hub.command",
        _backup_arguments,
        "Units keep what they have told until a copy has it. A copy has the CA's keys.",
    ),
    Command(
        "hub restore",
        "make the hub anew of a copy",
        "./rvx hub restore /srv/backup --state hub",
        "tools.hub.command",
        _restore_arguments,
        "Units say again what they hold, so that nothing set since the copy is lost.",
    ),
    Command(
        "hub openapi",
        "write what units and hub say as OpenAPI",
        "./rvx hub openapi",
        "tools.hub.command",
    ),
)  # fmt: skip

HUB = Command(
    "hub",
    "the platform's side of sync: units, people, copies",
    "./rvx hub run",
    "tools.hub.command",
    actions=_ACTIONS,
)
