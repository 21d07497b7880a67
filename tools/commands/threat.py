"""Threats that were marked."""

from tools.parser import Command, Parser

__all__ = ["THREAT"]


def _list_arguments(parser: Parser) -> None:
    parser.add_argument("--why", metavar="TEXT", required=True, help="what for; it is recorded")


def _export_arguments(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="as rvx threat list gives it")
    parser.add_argument("file", metavar="FILE", help="a new file to write: WAV, which any player plays")
    _list_arguments(parser)


_THREAT_ACTIONS = (
    Command(
        "threat list",
        "list the calls that were marked as threats",
        "sudo ./rvx threat list --why police",
        "tools.threat",
        _list_arguments,
        "Who marked it, who was at the other end, and whether there is sound of it. Each look is recorded, and told to "
        "the platform.",
    ),
    Command(
        "threat export",
        "write the sound of one to a file",
        "sudo ./rvx threat export 5f0c threat.wav --why police",
        "tools.threat",
        _export_arguments,
        "A copy, for its owner alone, also while the call goes on; what the unit keeps stays. Each look is recorded.",
    ),
)

THREAT = Command(
    "threat",
    "calls marked as threats: list, export",
    "sudo ./rvx threat list --why police",
    "tools.threat",
    actions=_THREAT_ACTIONS,
)
