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


def _department_arguments(parser: Parser) -> None:
    parser.add_argument("units", nargs="+", metavar="DEPARTMENT", help="its id or its name; several at once if need be")
    parser.add_argument("reason", metavar="REASON", help="such as möte, kurs, sick")
    parser.add_argument("--until", metavar="TIME", help="HH:MM, a date, both with T between, or - until further notice")
    parser.add_argument("--from", dest="start", metavar="TIME", help="HH:MM, or a date and a time (now)")
    parser.add_argument("--emergency-number", metavar="NUMBER", help="for what cannot wait (the department's own)")
    parser.add_argument("--information", metavar="TEXT", default="", help="for the operator")
    parser.add_argument("--below", action="store_true", help="and all departments below it")
    parser.add_argument("--sure", action="store_true", help="also when the return is odd")


def _department_end_arguments(parser: Parser) -> None:
    parser.add_argument("units", nargs="+", metavar="DEPARTMENT", help="its id or its name; several at once if need be")
    parser.add_argument("--below", action="store_true", help="and all departments below it")


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
    Command(
        "referral department",
        "refer a whole department, with a number for what cannot wait",
        "sudo ./rvx referral department Bygg möte --until 15:00",
        "tools.department",
        _department_arguments,
        "None of its phones rings then; who calls hears until when, and comes to the reception, which sees the number.",
    ),
    Command(
        "referral reopen",
        "say that a department is back",
        "sudo ./rvx referral reopen Bygg",
        "tools.department",
        _department_end_arguments,
    ),
    Command(
        "referral departments",
        "show which departments are referred whole",
        "sudo ./rvx referral departments",
        "tools.department",
    ),
)

REFERRAL = Command(
    "referral",
    "who is away, and which departments",
    "sudo ./rvx referral set 1001 möte --until 14:30",
    "tools.referral",
    actions=_REFERRAL_ACTIONS,
)
