"""The unit's configurations."""

from tools.parser import Command, Parser

__all__ = ["CONFIG"]


def _override_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="the configuration that the unit needs now")
    parser.add_argument("--why", required=True, metavar="TEXT", help="why; the hub is told")


_ACTIONS = (
    Command(
        "config show",
        "which configuration the unit works by, and those before",
        "sudo ./rvx config show",
        "tools.config",
    ),
    Command(
        "config override",
        "have the unit work by another one at once",
        "sudo ./rvx config override unit.toml --why gateway",
        "tools.config",
        _override_arguments,
        "It is looked at first. What the hub sends waits until it is released; the hub is told.",
    ),
    Command(
        "config release",
        "let what the hub sends count again",
        "sudo ./rvx config release",
        "tools.config",
    ),
    Command(
        "config rollback",
        "go back to the configuration before, at once",
        "sudo ./rvx config rollback",
        "tools.config",
    ),
)

CONFIG = Command(
    "config",
    "the unit's configuration: in use, sent, kept",
    "sudo ./rvx config show",
    "tools.config",
    actions=_ACTIONS,
)
