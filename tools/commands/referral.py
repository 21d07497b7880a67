"""Who is away."""

from tools.parser import Command, Parser

__all__ = ["REFERRAL"]


def _referral_set_arguments(parser: Parser) -> None:
    parser.add_argument("extensions", nargs="+", metavar="EXTENSION", help="whose; several at once if need be")
    parser.add_argument("reason", metavar="REASON", help="such as möte, lunch, SAM, sick")
    parser.add_argument("--until", metavar="TIME", help="HH:MM, a date, both with T between, or - until further notice")
    parser.add_argument("--from", dest="start", metavar="TIME", help="HH:MM, or a date and a time (now)")
    parser.add_argument("--instead", metavar="EXTENSION", help="who answers instead")
    parser.add_argument("--direct", action="store_true", help="--instead is rung, not only told to the operator")
    parser.add_argument("--open", action="store_true", help="for information: the phone rings all the same")
    parser.add_argument("--information", metavar="TEXT", default="", help="for the operator")
    parser.add_argument("--sure", action="store_true", help="also when the return is odd")


def _referral_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="whose")


_REFERRAL_ACTIONS = (
    Command(
        "referral set",
        "say why somebody is away, and until when",
        "sudo ./rvx referral set 1001 möte --until 14:30",
        "tools.referral",
        _referral_set_arguments,
        "Without --until the reason's usual return. An odd one is asked about, and taken with --sure.",
    ),
    Command(
        "referral end",
        "say that somebody is back",
        "sudo ./rvx referral end 1001",
        "tools.referral",
        _referral_arguments,
    ),
    Command(
        "referral show",
        "show somebody's absences",
        "sudo ./rvx referral show 1001",
        "tools.referral",
        _referral_arguments,
    ),
)

REFERRAL = Command(
    "referral",
    "who is away: set, end, show",
    "sudo ./rvx referral set 1001 möte --until 14:30",
    "tools.referral",
    actions=_REFERRAL_ACTIONS,
)
