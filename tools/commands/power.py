"""Power: what is left, and whose phones it is kept for."""

from tools.parser import Command, Parser, positive

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
    parser.add_argument("--pdf", metavar="FILE", help="write the department's reserve plan there, to be printed")


def _confirm_arguments(parser: Parser) -> None:
    parser.add_argument("--unit", metavar="NAME", required=True, help="the department")
    parser.add_argument("--by", metavar="NAME", required=True, help="the manager who has read it")


def _status_arguments(parser: Parser) -> None:
    parser.add_argument("--svg", metavar="FILE", help="write the last 24 hours there as a picture")


def _test_arguments(parser: Parser) -> None:
    parser.add_argument("--seconds", type=positive, default=10, metavar="N", help="how long to listen (10)")
    parser.add_argument("--cut", action="store_true", help="the plug is pulled meanwhile: proves the line's polarity")


STATUS = Command(
    "power status",
    "mains, how long it lasts, each source, what is shed; the last 24 hours",
    "./rvx power status --svg power.svg",
    "tools.power",
    _status_arguments,
)
WATCH = Command("power watch", "the same, again and again", "./rvx power watch", "tools.power")
TEST = Command(
    "power test",
    "read each source, and say what it lacks",
    "sudo ./rvx power test --cut --seconds 90",
    "tools.power",
    _test_arguments,
    "Opens the sources by itself, beside a unit that runs. With --cut: pull the plug after 20 s, put it back after 20.",
)
EXPLAIN = Command(
    "power explain",
    "what happens at which minutes, and why that time is promised",
    "./rvx power explain",
    "tools.power",
)
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
CONFIRM = Command(
    "power confirm",
    "a manager has read the reserve plan, today",
    "sudo ./rvx power confirm --unit Bygg --by Öberg",
    "tools.powerplan",
    _confirm_arguments,
    "It holds until something of the plan changes: phones, their times, or where calls go.",
)

POWER = Command(
    "power",
    "power, and what is kept going by it",
    "./rvx power status",
    "tools.power",
    actions=(STATUS, WATCH, TEST, EXPLAIN, PLAN, CONFIRM, PROTECT),
)
