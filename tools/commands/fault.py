"""Reports of faults."""

from tools.parser import Command, Parser

__all__ = ["FAULT"]

WHAT = ("no_calls", "sound", "outside", "phone", "other")


def _report_arguments(parser: Parser) -> None:
    parser.add_argument("text", metavar="TEXT", help="what is wrong, in a sentence")
    parser.add_argument("--extension", metavar="EXTENSION", help="the phone that it is about")
    parser.add_argument("--what", choices=WHAT, default="other", help="in one word (other)")


def _list_arguments(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="those that were answered, too")


def _answer_arguments(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="as rvx fault list gives it")
    parser.add_argument("answer", metavar="TEXT", help="what was wrong, and whether it is mended")


_ACTIONS = (
    Command(
        "fault report",
        "report a fault; also in an outage",
        "sudo ./rvx fault report brus --extension 1001 --what sound",
        "tools.fault",
        _report_arguments,
        "It is kept until somebody answers, told to operations, and carried to the platform when it is back.",
    ),
    Command(
        "fault list",
        "list the faults that were reported",
        "sudo ./rvx fault list",
        "tools.fault",
        _list_arguments,
    ),
    Command(
        "fault answer",
        "answer a report; who left it is told",
        "sudo ./rvx fault answer 5f0c lagat",
        "tools.fault",
        _answer_arguments,
    ),
)

FAULT = Command(
    "fault",
    "reports of faults: leave one, list, answer",
    "sudo ./rvx fault list",
    "tools.fault",
    actions=_ACTIONS,
)
