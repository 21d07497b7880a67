"""The unit and its hub."""

from tools.parser import Command, Parser, positive

__all__ = ["ENROL", "SYNC"]


def _enrol_arguments(parser: Parser) -> None:
    parser.add_argument("url", metavar="URL", help="the hub, as https://hub.region.example:8443")
    parser.add_argument("code", metavar="CODE", help="ten digits that the hub gave (rvx hub enrol); they hold once")
    known = parser.add_mutually_exclusive_group()
    known.add_argument("--fingerprint", metavar="HEX", help="SHA-256 of the hub's certificate, as the hub shows it")
    known.add_argument("--ca", metavar="FILE", help="the hub's CA as PEM; neither: whom this system knows")
    parser.add_argument("--anew", action="store_true", help="although the unit is a hub's already")


ENROL = Command(
    "enrol",
    "make the unit one of a hub's, by a code",
    "sudo ./rvx enrol https://hub.example:8443 1234-567-890 --fingerprint 9f…",
    "tools.sync",
    _enrol_arguments,
    "The unit makes its own key, which never leaves it. [sync] hub in unit.toml must say the same URL.",
)


def _undo_arguments(parser: Parser) -> None:
    parser.add_argument("number", metavar="NUMBER", type=positive, help="as rvx sync overruled shows it")


_ACTIONS = (
    Command(
        "sync status",
        "whether the hub is reached, what waits, what came",
        "./rvx sync status",
        "tools.sync",
    ),
    Command(
        "sync why",
        "what is in the way, in whole sentences, and what to do",
        "./rvx sync why",
        "tools.sync",
    ),
    Command(
        "sync now",
        "try the hub now, and compare the directory with its own",
        "sudo ./rvx sync now",
        "tools.sync",
    ),
    Command(
        "sync accept",
        "let go of people whom the hub has no more, and who are held",
        "sudo ./rvx sync accept",
        "tools.sync",
        description="When the hub has a fifth fewer people than before, that is more often a mistake there: they are "
        "held until somebody says that it is so.",
    ),
    Command(
        "sync overruled",
        "what was set here and does not stand, as somebody else's counts",
        "./rvx sync overruled",
        "tools.sync",
    ),
    Command(
        "sync undo",
        "set it again as it was set here",
        "sudo ./rvx sync undo 7",
        "tools.sync",
        _undo_arguments,
    ),
)

SYNC = Command(
    "sync",
    "the hub: reached or why not, what waits, what it overruled",
    "./rvx sync status",
    "tools.sync",
    actions=_ACTIONS,
)
