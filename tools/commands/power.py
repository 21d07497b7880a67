"""Power: what is left, and whose phones it is kept for."""

from tools.parser import Command, Parser

__all__ = ["POWER"]


def _protect_arguments(parser: Parser) -> None:
    parser.add_argument("extension", metavar="EXTENSION", help="the phone that is to go on without mains")
    parser.add_argument("--applicant", metavar="NAME", help="who orders it")
    parser.add_argument("--unit", metavar="ID", help="the unit that orders it (the extension's own)")
    parser.add_argument("--cost-centre", metavar="TEXT", help="who pays (the unit's own)")
    parser.add_argument("--port", metavar="GROUP.PORT", default="", help="its port of the switch, such as 1.12")
    parser.add_argument("--minutes", type=int, default=0, help="how long without mains it was promised (nothing)")
    parser.add_argument("--end", action="store_true", help="it need not any more")


def _plan_arguments(parser: Parser) -> None:
    parser.add_argument("--unit", metavar="NAME", help="of this department alone")


PROTECT = Command(
    "power protect",
    "order that a phone goes on working without mains",
    "sudo ./rvx power protect 1001 --applicant Öberg --cost-centre 4711",
    "tools.powerplan",
    _protect_arguments,
    "Protected telephony is ordered by a unit, which pays for it. Its port on the switch is shed last.",
)
PLAN = Command(
    "power plan",
    "which phones are protected, who ordered it, and what they lack",
    "sudo ./rvx power plan --unit Bygg",
    "tools.powerplan",
    _plan_arguments,
)

POWER = Command(
    "power",
    "power, and what is kept going by it",
    "./rvx power plan",
    "tools.powerplan",
    actions=(PLAN, PROTECT),
)
